// Ops that move values without computing new ones.
#include "Emitter.h"

using namespace mlir;

namespace qc {
namespace {
SmallVector<Value> indices(Emitter &e, ArrayRef<int64_t> values) {
  return llvm::map_to_vector(values, [&](int64_t v) { return e.index(v); });
}

Value emitConcat(Emitter &e, ConcatOp op) {
  auto type = Emitter::getStorageTensor(op.getType());
  Value result = e.empty(type.getShape(), type.getElementType());
  SmallVector<int64_t> at(type.getRank(), 0);
  for (Value input : op.getInputs()) {
    result = e.insert(e.get(input), result, indices(e, at), e.sizes(getShape(input)));
    at[op.getAxis()] += getShape(input)[op.getAxis()];
  }
  return result;
}

/// Forward slices are views; a slice that runs backward is copied.
Value emitSlice(Emitter &e, SliceOp op) {
  auto type = Emitter::getStorageTensor(op.getType());
  Value input = e.get(op.getInput());
  bool backward =
      llvm::any_of(llvm::zip(op.getSteps(), op.getSizes()), [](auto p) { return std::get<0>(p) < 0 && std::get<1>(p) > 1; });
  if (!backward) {
    SmallVector<int64_t> steps = llvm::map_to_vector(op.getSteps(), [](int64_t step) { return std::max<int64_t>(step, 1); });
    return e.slice(input, indices(e, op.getStarts()), e.sizes(op.getSizes()), steps);
  }
  return e.fromIndices(type, [&](Scalars &s, ValueRange at) {
    SmallVector<Value> from;
    for (auto [i, start, step] : llvm::zip(at, op.getStarts(), op.getSteps()))
      from.push_back(s.add(s.index(start), s.mul(i, s.index(step))));
    return tensor::ExtractOp::create(s.b, s.loc, input, from).getResult();
  });
}

Value emitPad(Emitter &e, PadOp op) {
  auto type = Emitter::getStorageTensor(op.getType());
  Type element = type.getElementType();
  Value input = e.get(op.getInput());
  auto shape = getShape(op.getInput());
  if (op.getMode() == PadMode::Constant) {
    Scalars s = e.scalars();
    Value value =
        isa<FloatType>(element) ? s.real(element, op.getValue().convertToFloat()) : s.integer(element, op.getPadValue());
    Value filled = e.fill(e.empty(type.getShape(), element), value);
    return e.insert(input, filled, indices(e, op.getLow()), e.sizes(shape));
  }
  bool edge = op.getMode() == PadMode::Edge;
  return e.fromIndices(type, [&](Scalars &s, ValueRange at) {
    SmallVector<Value> from;
    for (auto [i, low, high, size] : llvm::zip(at, op.getLow(), op.getHigh(), shape)) {
      if (low == 0 && high == 0) {
        from.push_back(i);
        continue;
      }
      Value x = s.sub(i, s.index(low)), last = s.index(size - 1);
      if (edge)
        from.push_back(s.clamp(x, s.index(0), last));
      else // |x|, then mirrored at the far end: last - |last - |x||
        from.push_back(
            s.sub(last, s.max(s.sub(last, s.max(x, s.sub(s.index(0), x))), s.sub(s.max(x, s.sub(s.index(0), x)), last))));
    }
    return tensor::ExtractOp::create(s.b, s.loc, input, from).getResult();
  });
}

Value emitTranspose(Emitter &e, TransposeOp op) {
  auto type = Emitter::getStorageTensor(op.getType());
  unsigned rank = type.getRank();
  SmallVector<AffineExpr> exprs(rank);
  for (auto [d, from] : llvm::enumerate(op.getPermutation()))
    exprs[from] = e.dim(d);
  return e.generic(e.empty(type.getShape(), type.getElementType()), {e.get(op.getInput())},
                   {e.map(rank, exprs), AffineMap::getMultiDimIdentityMap(rank, e.b.getContext())}, std::string(rank, 'p'),
                   [](Scalars &, ValueRange v) { return v[0]; });
}

Value emitGather(Emitter &e, GatherOp op) {
  auto type = Emitter::getStorageTensor(op.getType());
  int64_t axis = op.getAxis();
  Value input = e.get(op.getInput());
  Value table = e.constant(RankedTensorType::get({int64_t(op.getIndices().size())}, e.b.getI32Type()), op.getIndices());
  return e.fromIndices(type, [&](Scalars &s, ValueRange at) {
    SmallVector<Value> from(at);
    from[axis] = s.toIndex(tensor::ExtractOp::create(s.b, s.loc, table, ValueRange(at[axis])));
    return tensor::ExtractOp::create(s.b, s.loc, input, from).getResult();
  });
}
} // namespace

FailureOr<Value> emitMovement(Emitter &e, Operation *op) {
  return TypeSwitch<Operation *, FailureOr<Value>>(op)
      .Case([&](ConcatOp concat) -> FailureOr<Value> { return emitConcat(e, concat); })
      .Case([&](SliceOp slice) -> FailureOr<Value> { return emitSlice(e, slice); })
      .Case([&](PadOp pad) -> FailureOr<Value> { return emitPad(e, pad); })
      .Case([&](ReshapeOp reshape) -> FailureOr<Value> {
        return e.reshape(e.get(reshape.getInput()), getShape(reshape.getResult()));
      })
      .Case([&](TransposeOp transpose) -> FailureOr<Value> { return emitTranspose(e, transpose); })
      .Case([&](GatherOp gather) -> FailureOr<Value> { return emitGather(e, gather); })
      .Default([](Operation *) -> FailureOr<Value> { return Value(); });
}
} // namespace qc
