// Plain arrays for the evaluator, calibration and the .npz files.
#ifndef QC_DIALECT_QC_REFERENCE_TENSOR_H
#define QC_DIALECT_QC_REFERENCE_TENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <vector>

namespace qc {
/// A row-major array of f32 numbers or of integers. For a quantized element type `ints` holds the codes.
struct Tensor {
  mlir::RankedTensorType type;
  std::vector<float> floats; ///< used when the element type is f32
  std::vector<int64_t> ints; ///< used otherwise

  bool isFloat() const { return mlir::isa<mlir::FloatType>(type.getElementType()); }
  int64_t size() const { return type.getNumElements(); }
  static Tensor zeros(mlir::RankedTensorType type);
  /// The value of a `qc.constant` with this attribute and result type.
  static Tensor fromAttr(mlir::ElementsAttr attr, mlir::RankedTensorType type);
  mlir::ElementsAttr toAttr() const;
};
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_TENSOR_H
