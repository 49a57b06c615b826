// Plain arrays.
#include "qc/Dialect/QC/Reference/Tensor.h"

#include "qc/Dialect/QC/IR/QC.h"

using namespace mlir;
using namespace qc;

Tensor Tensor::zeros(RankedTensorType type) {
  Tensor tensor{type, {}, {}};
  if (tensor.isFloat())
    tensor.floats.assign(type.getNumElements(), 0.0f);
  else
    tensor.ints.assign(type.getNumElements(), 0);
  return tensor;
}

Tensor Tensor::fromAttr(ElementsAttr attr, RankedTensorType type) {
  Tensor tensor{type, {}, {}};
  if (tensor.isFloat()) {
    auto values = getFloats(attr);
    tensor.floats.assign(values.begin(), values.end());
  } else {
    auto values = getInts(attr);
    tensor.ints.assign(values.begin(), values.end());
  }
  return tensor;
}

ElementsAttr Tensor::toAttr() const {
  if (isFloat())
    return makeElements(type, ArrayRef<float>(floats));
  return makeElements(RankedTensorType::get(type.getShape(), getStorageType(type.getElementType())), ArrayRef<int64_t>(ints));
}
