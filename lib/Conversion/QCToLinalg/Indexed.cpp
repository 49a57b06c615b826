// Rows chosen and changed by computed indices.
#include "Emitter.h"

using namespace mlir;

namespace qc {
Value emitRow(Scalars &s, Value index, int64_t rows) {
  Value at = s.toIndex(index), zero = s.index(0);
  at = s.select(s.less(at, zero), s.add(at, s.index(rows)), at);
  return s.clamp(at, zero, s.index(rows - 1));
}

namespace {
Value emitTake(Emitter &e, TakeOp op) {
  auto type = Emitter::getStorageTensor(op.getType());
  Value input = e.get(op.getInput()), indices = e.get(op.getIndices());
  int64_t rows = getShape(op.getInput())[0];
  size_t rank = getShape(op.getIndices()).size();
  return e.fromIndices(type, [&](Scalars &s, ValueRange at) {
    SmallVector<Value> from{emitRow(s, tensor::ExtractOp::create(s.b, s.loc, indices, at.take_front(rank)), rows)};
    llvm::append_range(from, at.drop_front(rank));
    return tensor::ExtractOp::create(s.b, s.loc, input, from).getResult();
  });
}

Value combine(Scalars &s, ScatterKind kind, Value old, Value update, Type code) {
  auto isLess = [&](Value x, Value y) {
    return code.isUnsignedInteger() ? arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::ult, x, y).getResult()
                                    : s.less(x, y);
  };
  auto wrapped = [&](Value v) { return isa<FloatType>(code) ? v : wrap(s, v, code); };
  switch (kind) {
  case ScatterKind::Set:
    return update;
  case ScatterKind::Add:
    return wrapped(s.add(old, update));
  case ScatterKind::Mul:
    return wrapped(s.mul(old, update));
  case ScatterKind::Min:
    return s.select(isLess(update, old), update, old);
  case ScatterKind::Max:
    return s.select(isLess(old, update), update, old);
  }
  return update;
}

/// One row after another, in the order of the indices.
Value emitScatter(Emitter &e, ScatterOp op) {
  auto shape = getShape(op.getInput());
  Type code = getElementType(op.getInput());
  Value input = e.get(op.getInput()), indices = e.get(op.getIndices()), updates = e.get(op.getUpdates());
  SmallVector<int64_t> row(shape);
  row[0] = 1;
  AffineMap identity = AffineMap::getMultiDimIdentityMap(row.size(), e.b.getContext());
  Value copy = e.pointwise(Emitter::getStorageTensor(op.getType()), {input}, [](Scalars &, ValueRange v) { return v[0]; });
  return e.loop(getShape(op.getIndices())[0], copy, [&](Value i, Value result) {
    Scalars s = e.scalars();
    SmallVector<Value> from(shape.size(), e.index(0)), to = from;
    from[0] = i;
    to[0] = emitRow(s, tensor::ExtractOp::create(e.b, e.loc, indices, ValueRange(i)), shape[0]);
    Value update = e.slice(updates, from, e.sizes(row)), old = e.slice(result, to, e.sizes(row));
    Value changed = e.generic(old, {update}, {identity, identity}, std::string(row.size(), 'p'),
                              [&](Scalars &s, ValueRange v) { return combine(s, op.getKind(), v[1], v[0], code); });
    return e.insert(changed, result, to, e.sizes(row));
  });
}
} // namespace

FailureOr<Value> emitIndexed(Emitter &e, Operation *op) {
  return TypeSwitch<Operation *, FailureOr<Value>>(op)
      .Case([&](TakeOp take) -> FailureOr<Value> { return emitTake(e, take); })
      .Case([&](ScatterOp scatter) -> FailureOr<Value> { return emitScatter(e, scatter); })
      .Default([](Operation *) -> FailureOr<Value> { return Value(); });
}
} // namespace qc
