// Dimensions behind transposes and reshapes.
#include "Layout.h"

using namespace mlir;

namespace qc {
Value getLayoutSource(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<TransposeOp, ReshapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

std::optional<SmallVector<int64_t>> getMovedDims(Value from, Value to) {
  SmallVector<int64_t> dims;
  if (from == to) {
    for (auto [d, size] : llvm::enumerate(getShape(from)))
      dims.push_back(size == 1 ? -1 : int64_t(d));
    return dims;
  }
  Operation *op = to.getDefiningOp();
  if (!op)
    return std::nullopt;
  // Of several operands the one that leads to `from`.
  std::optional<SmallVector<int64_t>> before;
  Value operand;
  for (Value candidate : op->getOperands())
    if (before = getMovedDims(from, candidate); before) {
      operand = candidate;
      break;
    }
  if (!before)
    return std::nullopt;
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    for (int64_t d : transpose.getPermutation())
      dims.push_back((*before)[d]);
    return dims;
  }
  if (!isa<ReshapeOp>(op))
    return getShape(operand) == getShape(to) ? before : std::nullopt;
  SmallVector<int64_t> moved, sizes;
  for (auto [d, size] : llvm::zip(*before, getShape(operand)))
    if (size != 1) {
      moved.push_back(d);
      sizes.push_back(size);
    }
  size_t next = 0;
  for (int64_t size : getShape(to)) {
    if (size == 1) {
      dims.push_back(-1);
      continue;
    }
    if (next == sizes.size() || sizes[next] != size)
      return std::nullopt;
    dims.push_back(moved[next++]);
  }
  return next == sizes.size() ? std::optional(dims) : std::nullopt;
}
} // namespace qc
