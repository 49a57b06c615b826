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

/// True if `op` turns channels-last `[B, X.., C]` into channel-first `[B, C, X..]`.
static bool restoresChannelFirst(Operation *op) {
  auto from = getShape(op->getOperand(0)), to = getShape(op->getResult(0));
  int64_t rank = to.size();
  if (from.size() != to.size() || rank < 3)
    return false;
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    for (int64_t i = 0; i < rank; ++i)
      if (transpose.getPermutation()[i] != (i == 0 ? 0 : i == 1 ? rank - 1 : i - 1))
        return false;
    return true;
  }
  // A reshape does it where it passes only dimensions of size 1.
  return isa<ReshapeOp>(op) && from[0] == to[0] && from[rank - 1] == to[1] && from.slice(1, rank - 2) == to.slice(2) &&
         (to[1] == 1 || product(to.slice(2)) == 1);
}

Value getChannelsLastInput(Value value) {
  Operation *op = value.getDefiningOp();
  return op && restoresChannelFirst(op) && isa<BlockArgument>(op->getOperand(0)) ? op->getOperand(0) : Value();
}

Value getChannelsLastResult(Value value) {
  if (!value.hasOneUse())
    return {};
  Operation *op = *value.user_begin();
  auto from = getShape(value);
  int64_t rank = from.size();
  if (rank < 3 || !isa<TransposeOp, ReshapeOp>(op))
    return {};
  auto to = getShape(op->getResult(0));
  if (to.size() != from.size())
    return {};
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    for (int64_t i = 0; i < rank; ++i)
      if (transpose.getPermutation()[i] != (i == 0 ? 0 : i == rank - 1 ? 1 : i + 1))
        return {};
    return op->getResult(0);
  }
  bool same = from[0] == to[0] && to[rank - 1] == from[1] && from.slice(2) == to.slice(1, rank - 2) &&
              (from[1] == 1 || product(from.slice(2)) == 1);
  return same ? op->getResult(0) : Value();
}
} // namespace qc
