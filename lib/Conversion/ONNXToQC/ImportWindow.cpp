// Pooling.
#include "Importer.h"

using namespace mlir;

namespace qc::onnximport {
namespace {
std::string checkPool(Node &node) {
  std::string mode = node.getString("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER")
    return "auto_pad '" + mode + "' is unknown";
  if (node.wants(1))
    return "its output Indices is not supported";
  return "";
}

LogicalResult importPool(Node &node, PoolKind kind) {
  int64_t rank = node.rank(0);
  if (rank < 3 || rank > 5)
    return node.fail("its input has shape " + toString(node.shape(0)) + "; only 1 to 3 spatial dimensions are supported");
  size_t spatial = rank - 2;
  if (!node.hasAttribute("kernel_shape"))
    return node.fail("attribute 'kernel_shape' is required");
  Shape kernel = node.getSizes("kernel_shape", spatial, 1, 1), strides = node.getSizes("strides", spatial, 1, 1);
  Shape dilations = node.getSizes("dilations", spatial, 1, 1), reach, input(ArrayRef<int64_t>(node.shape(0)).drop_front(2));
  for (size_t i = 0; i < spatial; ++i)
    reach.push_back((kernel[i] - 1) * dilations[i] + 1);
  Shape pads = getPads(node, input, strides, reach);
  bool includePad = kind == PoolKind::Average && node.getInt("count_include_pad", 0);
  if (node.failed())
    return failure();
  if (node.getInt("ceil_mode", 0))
    for (size_t i = 0; i < spatial; ++i) {
      int64_t span = input[i] + pads[i] + pads[i + spatial] - reach[i];
      if (span < 0)
        return node.fail("its window is larger than the padded input in spatial dimension " + Twine(i));
      int64_t output = (span + strides[i] - 1) / strides[i] + 1;
      // A last window that would start behind the input has nothing to reduce; ONNX leaves it out.
      if ((output - 1) * strides[i] >= input[i] + pads[i])
        --output;
      int64_t needed = (output - 1) * strides[i] + reach[i] - input[i] - pads[i];
      if (needed <= pads[i + spatial])
        continue;
      if (includePad)
        return node.fail(
            "ceil_mode with count_include_pad is not supported where the last window leaves the padding (spatial dimension " +
            Twine(i) + ")");
      pads[i + spatial] = needed;
    }
  for (size_t i = 0; i < 2 * spatial; ++i)
    if (pads[i] >= reach[i % spatial] && node.getInt("ceil_mode", 0) == 0)
      return node.fail("pad " + Twine(pads[i]) + " is not smaller than the window in spatial dimension " + Twine(i % spatial));
  Value x = node.value(0);
  return node.set(node.create<PoolOp>(node.loc(), node.element(0), kind, x, ArrayRef<int64_t>(kernel), ArrayRef<int64_t>(strides),
                                      ArrayRef<int64_t>(pads), ArrayRef<int64_t>(dilations), includePad, uint64_t(0),
                                      IntegerAttr()));
}

LogicalResult importMaxPool(Node &node) {
  if (node.element(0).isInteger(1))
    return node.fail("boolean tensors have no maximum");
  return importPool(node, PoolKind::Max);
}
LogicalResult importAveragePool(Node &node) { return importPool(node, PoolKind::Average); }

LogicalResult importGlobalPool(Node &node, ReduceKind kind) {
  if (node.rank(0) < 3)
    return node.fail("its input has shape " + toString(node.shape(0)) + "; it needs spatial dimensions");
  Shape axes;
  for (int64_t axis = 2; axis < node.rank(0); ++axis)
    axes.push_back(axis);
  Value x = node.value(0);
  return node.set(node.create<ReduceOp>(node.loc(), node.element(0), kind, x, ArrayRef<int64_t>(axes), true, IntegerAttr()));
}
LogicalResult importGlobalAveragePool(Node &node) { return importGlobalPool(node, ReduceKind::Mean); }
LogicalResult importGlobalMaxPool(Node &node) { return importGlobalPool(node, ReduceKind::Max); }

const Operator operators[] = {
    {"AveragePool", 7, 21, 1, 1, Elements::Float, importAveragePool, checkPool},
    {"GlobalAveragePool", 1, 21, 1, 1, Elements::Float, importGlobalAveragePool, nullptr},
    {"GlobalMaxPool", 1, 21, 1, 1, Elements::Float, importGlobalMaxPool, nullptr},
    {"MaxPool", 1, 21, 1, 1, Elements::Any, importMaxPool, checkPool},
};
} // namespace

ArrayRef<Operator> getWindowOperators() { return operators; }
} // namespace qc::onnximport
