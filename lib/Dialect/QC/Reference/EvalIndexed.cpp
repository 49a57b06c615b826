// Rows chosen and changed by computed indices.
#include "EvalInternal.h"

using namespace mlir;
using namespace qc;
using namespace qc::reference;

namespace {
int64_t getRow(int64_t index, int64_t rows) { return std::clamp<int64_t>(index < 0 ? index + rows : index, 0, rows - 1); }

float combine(ScatterKind kind, float old, float update) {
  switch (kind) {
  case ScatterKind::Set:
    return update;
  case ScatterKind::Add:
    return old + update;
  case ScatterKind::Mul:
    return old * update;
  case ScatterKind::Min:
    return update < old ? update : old;
  case ScatterKind::Max:
    return old < update ? update : old;
  }
  return update;
}

int64_t combine(ScatterKind kind, int64_t old, int64_t update, IntegerType type) {
  auto isLess = [&](int64_t a, int64_t b) { return type.isUnsigned() ? uint64_t(a) < uint64_t(b) : a < b; };
  switch (kind) {
  case ScatterKind::Set:
    return update;
  case ScatterKind::Add:
    return wrap(int64_t(uint64_t(old) + uint64_t(update)), type);
  case ScatterKind::Mul:
    return wrap(int64_t(uint64_t(old) * uint64_t(update)), type);
  case ScatterKind::Min:
    return isLess(update, old) ? update : old;
  case ScatterKind::Max:
    return isLess(old, update) ? update : old;
  }
  return update;
}
} // namespace

Result reference::evaluateOp(TakeOp op, Operands given) {
  auto operands = moveOperands(op, given);
  if (failed(operands))
    return failure();
  Tensor result = makeResult(op);
  const Tensor &x = (*operands)[0];
  int64_t rows = x.type.getShape()[0], width = x.size() / rows;
  for (auto [i, index] : llvm::enumerate((*operands)[1].ints)) {
    int64_t from = getRow(index, rows) * width, to = int64_t(i) * width;
    if (x.isFloat())
      std::copy_n(x.floats.begin() + from, width, result.floats.begin() + to);
    else
      std::copy_n(x.ints.begin() + from, width, result.ints.begin() + to);
  }
  return result;
}

Result reference::evaluateOp(ScatterOp op, Operands given) {
  auto operands = moveOperands(op, given);
  if (failed(operands))
    return failure();
  Tensor result = makeResult(op);
  result.floats = (*operands)[0].floats;
  result.ints = (*operands)[0].ints;
  const Tensor &updates = (*operands)[2];
  int64_t rows = result.type.getShape()[0], width = result.size() / rows;
  for (auto [i, index] : llvm::enumerate((*operands)[1].ints))
    for (int64_t k = 0; k < width; ++k) {
      int64_t to = getRow(index, rows) * width + k, from = int64_t(i) * width + k;
      if (result.isFloat())
        result.floats[to] = combine(op.getKind(), result.floats[to], updates.floats[from]);
      else
        result.ints[to] = combine(op.getKind(), result.ints[to], updates.ints[from], getIntegerType(result));
    }
  return result;
}
