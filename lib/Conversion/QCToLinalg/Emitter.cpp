// Scalars, linalg.generic, loops and slices.
#include "Emitter.h"

using namespace mlir;

namespace qc {
//===-- Scalars ------------------------------------------------------------------------------------------------------------===//

Value Scalars::index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
Value Scalars::integer(Type type, int64_t value) {
  if (type.isIndex())
    return index(value);
  APInt bits(type.getIntOrFloatBitWidth(), uint64_t(value), /*isSigned=*/true, /*implicitTrunc=*/true);
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, bits));
}
Value Scalars::real(Type type, double value) { return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value)); }
Value Scalars::zero(Type type) { return isa<FloatType>(type) ? real(type, 0) : integer(type, 0); }
Value Scalars::one(Type type) { return isa<FloatType>(type) ? real(type, 1) : integer(type, 1); }

static bool isFloat(Value x) { return isa<FloatType>(x.getType()); }

Value Scalars::add(Value x, Value y) {
  return isFloat(x) ? b.createOrFold<arith::AddFOp>(loc, x, y) : b.createOrFold<arith::AddIOp>(loc, x, y);
}
Value Scalars::sub(Value x, Value y) {
  return isFloat(x) ? b.createOrFold<arith::SubFOp>(loc, x, y) : b.createOrFold<arith::SubIOp>(loc, x, y);
}
Value Scalars::mul(Value x, Value y) {
  return isFloat(x) ? b.createOrFold<arith::MulFOp>(loc, x, y) : b.createOrFold<arith::MulIOp>(loc, x, y);
}
Value Scalars::div(Value x, Value y) {
  return isFloat(x) ? b.createOrFold<arith::DivFOp>(loc, x, y) : b.createOrFold<arith::DivUIOp>(loc, x, y);
}
Value Scalars::min(Value x, Value y) { return isFloat(x) ? select(less(x, y), x, y) : b.createOrFold<arith::MinSIOp>(loc, x, y); }
Value Scalars::max(Value x, Value y) { return isFloat(x) ? select(less(y, x), x, y) : b.createOrFold<arith::MaxSIOp>(loc, x, y); }
Value Scalars::bitAnd(Value x, Value y) { return b.createOrFold<arith::AndIOp>(loc, x, y); }
Value Scalars::bitOr(Value x, Value y) { return b.createOrFold<arith::OrIOp>(loc, x, y); }
Value Scalars::bitXor(Value x, Value y) { return b.createOrFold<arith::XOrIOp>(loc, x, y); }
Value Scalars::shl(Value x, Value y) { return b.createOrFold<arith::ShLIOp>(loc, x, y); }
Value Scalars::shr(Value x, Value y) { return b.createOrFold<arith::ShRSIOp>(loc, x, y); }
Value Scalars::ushr(Value x, Value y) { return b.createOrFold<arith::ShRUIOp>(loc, x, y); }
Value Scalars::less(Value x, Value y) {
  return isFloat(x) ? b.createOrFold<arith::CmpFOp>(loc, arith::CmpFPredicate::OLT, x, y)
                    : b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, x, y);
}
Value Scalars::equal(Value x, Value y) {
  return isFloat(x) ? b.createOrFold<arith::CmpFOp>(loc, arith::CmpFPredicate::OEQ, x, y)
                    : b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, x, y);
}
Value Scalars::select(Value condition, Value x, Value y) { return b.createOrFold<arith::SelectOp>(loc, condition, x, y); }

Value Scalars::extend(Value x, Type code, Type to) {
  if (x.getType() == to)
    return x;
  // A boolean is 0 or 1, whatever its stored width.
  bool isUnsigned = code.isUnsignedInteger() || code.isInteger(1);
  return isUnsigned ? b.createOrFold<arith::ExtUIOp>(loc, to, x) : b.createOrFold<arith::ExtSIOp>(loc, to, x);
}
Value Scalars::truncate(Value x, Type to) { return x.getType() == to ? x : b.createOrFold<arith::TruncIOp>(loc, to, x); }
Value Scalars::toIndex(Value x) { return b.createOrFold<arith::IndexCastOp>(loc, b.getIndexType(), x); }

//===-- Values -------------------------------------------------------------------------------------------------------------===//

Type Emitter::getStorage(Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return element;
  return IntegerType::get(element.getContext(), llvm::PowerOf2Ceil(std::max(8u, integer.getWidth())));
}

Value Emitter::reshape(Value tensor, ArrayRef<int64_t> shape) {
  auto from = cast<RankedTensorType>(tensor.getType());
  if (from.getShape() == shape)
    return tensor;
  // By way of one dimension: any two shapes of one size are a collapse and an expansion apart.
  Value flat = tensor;
  int64_t count = from.getNumElements();
  if (from.getRank() != 1) {
    SmallVector<ReassociationIndices> all;
    if (from.getRank())
      all.push_back(llvm::to_vector(llvm::seq<int64_t>(0, from.getRank())));
    if (from.getRank() == 0)
      flat = tensor::ExpandShapeOp::create(b, loc, RankedTensorType::get({1}, from.getElementType()), tensor, all);
    else
      flat = tensor::CollapseShapeOp::create(b, loc, RankedTensorType::get({count}, from.getElementType()), tensor, all);
  }
  if (shape.size() == 1)
    return flat;
  auto type = RankedTensorType::get(shape, from.getElementType());
  if (shape.empty())
    return tensor::CollapseShapeOp::create(b, loc, type, flat, ArrayRef<ReassociationIndices>());
  SmallVector<ReassociationIndices> all{llvm::to_vector(llvm::seq<int64_t>(0, shape.size()))};
  return tensor::ExpandShapeOp::create(b, loc, type, flat, all);
}

template <typename T> static Value makeConstant(Emitter &e, RankedTensorType type, ArrayRef<T> data) {
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(e.entry);
  auto flat = RankedTensorType::get({int64_t(data.size())}, type.getElementType());
  return e.reshape(arith::ConstantOp::create(e.b, e.loc, makeElements(flat, data)), type.getShape());
}
Value Emitter::constant(RankedTensorType type, ArrayRef<int64_t> data) { return makeConstant(*this, type, data); }
Value Emitter::constant(RankedTensorType type, ArrayRef<float> data) { return makeConstant(*this, type, data); }
Value Emitter::constant(ElementsAttr attr, Type storageTensor) {
  auto type = cast<RankedTensorType>(storageTensor);
  return isa<FloatType>(type.getElementType()) ? constant(type, getFloats(attr)) : constant(type, getInts(attr));
}

Value Emitter::get(Value value) {
  Value &tensor = values[value];
  if (tensor)
    return tensor;
  auto op = value.getDefiningOp<ConstantOp>();
  return tensor = constant(op.getValue(), getStorageTensor(op.getType()));
}

Value Emitter::empty(ArrayRef<int64_t> shape, Type element) { return tensor::EmptyOp::create(b, loc, shape, element); }

//===-- Generic ------------------------------------------------------------------------------------------------------------===//

Value Emitter::generic(Value init, ArrayRef<Value> inputs, ArrayRef<AffineMap> maps, StringRef kinds, ScalarFn body) {
  SmallVector<utils::IteratorType> iterators = llvm::map_to_vector(
      kinds, [](char c) { return c == 'r' ? utils::IteratorType::reduction : utils::IteratorType::parallel; });
  return linalg::GenericOp::create(b, loc, TypeRange(init.getType()), inputs, ValueRange(init), maps, iterators,
                                   [&](OpBuilder &builder, Location at, ValueRange arguments) {
                                     Scalars s{builder, at};
                                     linalg::YieldOp::create(builder, at, body(s, arguments));
                                   })
      .getResult(0);
}

AffineMap Emitter::broadcastMap(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<AffineExpr> exprs;
  size_t skip = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    exprs.push_back(from[i] == 1 && to[i + skip] != 1 ? number(0) : dim(i + skip));
  return map(to.size(), exprs);
}

Value Emitter::pointwise(RankedTensorType type, ArrayRef<Value> inputs, ScalarFn body) {
  SmallVector<AffineMap> maps = llvm::map_to_vector(inputs, [&](Value v) { return broadcastMap(getShape(v), type.getShape()); });
  maps.push_back(AffineMap::getMultiDimIdentityMap(type.getRank(), b.getContext()));
  return generic(empty(type.getShape(), type.getElementType()), inputs, maps, std::string(type.getRank(), 'p'),
                 [&](Scalars &s, ValueRange arguments) { return body(s, arguments.drop_back()); });
}

Value Emitter::fromIndices(RankedTensorType type, ScalarFn body) {
  return pointwise(type, {}, [&](Scalars &s, ValueRange) {
    SmallVector<Value> indices;
    for (int64_t i = 0; i < type.getRank(); ++i)
      indices.push_back(linalg::IndexOp::create(s.b, s.loc, i));
    return body(s, indices);
  });
}

Value Emitter::fill(Value init, Value scalar) {
  return linalg::FillOp::create(b, loc, ValueRange(scalar), ValueRange(init)).getResult(0);
}

//===-- Loops and slices ---------------------------------------------------------------------------------------------------===//

Value Emitter::loop(Value low, Value high, int64_t step, Value init, LoopFn body) {
  if (auto l = getConstantIntValue(low), h = getConstantIntValue(high); l && h) {
    if (*h <= *l)
      return init;
    if (*h - *l <= step)
      return body(low, init);
  }
  Value by = index(step);
  return scf::ForOp::create(b, loc, low, high, by, ValueRange(init),
                            [&](OpBuilder &builder, Location at, Value iv, ValueRange iter) {
                              OpBuilder::InsertionGuard guard(b);
                              b.setInsertionPoint(builder.getInsertionBlock(), builder.getInsertionPoint());
                              Value next = body(iv, iter[0]);
                              scf::YieldOp::create(b, loc, next);
                            })
      .getResult(0);
}

Value Emitter::loop(int64_t count, Value init, LoopFn body, int64_t step) {
  return loop(index(0), index(count), step, init, body);
}

Value Emitter::loopNest(ArrayRef<int64_t> counts, Value init, function_ref<Value(ArrayRef<Value>, Value)> body) {
  SmallVector<Value> ivs;
  std::function<Value(Value)> nest = [&](Value iter) -> Value {
    if (ivs.size() == counts.size())
      return body(ivs, iter);
    return loop(counts[ivs.size()], iter, [&](Value iv, Value inner) {
      ivs.push_back(iv);
      Value result = nest(inner);
      ivs.pop_back();
      return result;
    });
  };
  return nest(init);
}

SmallVector<OpFoldResult> Emitter::sizes(ArrayRef<int64_t> values) {
  return llvm::map_to_vector(values, [&](int64_t v) -> OpFoldResult { return b.getIndexAttr(v); });
}

static SmallVector<OpFoldResult> unitStrides(OpBuilder &b, size_t rank, ArrayRef<int64_t> strides) {
  SmallVector<OpFoldResult> result(rank, b.getIndexAttr(1));
  for (auto [r, s] : llvm::zip(result, strides))
    r = b.getIndexAttr(s);
  return result;
}

Value Emitter::slice(Value tensor, ArrayRef<Value> offsets, ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> strides) {
  return tensor::ExtractSliceOp::create(b, loc, tensor, getAsOpFoldResult(ValueRange(offsets)), sizes,
                                        unitStrides(b, offsets.size(), strides));
}
Value Emitter::insert(Value part, Value into, ArrayRef<Value> offsets, ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> strides) {
  return tensor::InsertSliceOp::create(b, loc, part, into, getAsOpFoldResult(ValueRange(offsets)), sizes,
                                       unitStrides(b, offsets.size(), strides));
}

//===-- Windows ------------------------------------------------------------------------------------------------------------===//

static int64_t ceilDiv(int64_t a, int64_t b) { return a <= 0 ? 0 : (a + b - 1) / b; }

std::pair<int64_t, int64_t> Window::outputsOf(int64_t k) const {
  int64_t first = ceilDiv(pad - k * dilation, stride), room = input - 1 + pad - k * dilation;
  int64_t last = room < 0 ? 0 : std::min(output, room / stride + 1);
  return {std::min(first, last), last};
}

std::pair<int64_t, int64_t> Window::interior() const {
  int64_t first = std::min(outputsOf(0).first, output), last = outputsOf(kernel - 1).second;
  return {first, std::max(first, last)};
}

std::pair<Value, Value> Window::tapsOf(Emitter &e, Value o) const {
  Scalars s = e.scalars();
  if (inside())
    return {s.index(0), s.index(kernel)};
  Value start = s.sub(s.mul(o, s.index(stride)), s.index(pad)); // input position of tap 0
  auto over = [&](Value x) { return dilation == 1 ? x : s.div(x, s.index(dilation)); };
  Value low = over(s.add(s.max(s.sub(s.index(0), start), s.index(0)), s.index(dilation - 1)));
  Value high = over(s.add(s.max(s.sub(s.index(input - 1), start), s.index(-1)), s.index(dilation)));
  return {low, s.min(high, s.index(kernel))};
}

Value Window::read(Emitter &e, Value o, Value k) const {
  Scalars s = e.scalars();
  return s.sub(s.add(s.mul(o, s.index(stride)), s.mul(k, s.index(dilation))), s.index(pad));
}

SmallVector<Window> getWindows(ArrayRef<int64_t> input, ArrayRef<int64_t> output, ArrayRef<int64_t> kernel,
                               ArrayRef<int64_t> strides, ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations) {
  SmallVector<Window> windows;
  for (size_t i = 0; i < input.size(); ++i)
    windows.push_back({input[i], output[i], kernel[i], strides[i], pads[i], dilations[i]});
  return windows;
}

Value loopTaps(Emitter &e, ArrayRef<Window> windows, ArrayRef<Value> outputs, Value init,
               function_ref<Value(ArrayRef<Value>, ArrayRef<Value>, Value)> body) {
  SmallVector<Value> taps, reads;
  std::function<Value(Value)> nest = [&](Value iter) -> Value {
    size_t i = taps.size();
    if (i == windows.size())
      return body(taps, reads, iter);
    auto [low, high] = windows[i].tapsOf(e, outputs[i]);
    return e.loop(low, high, 1, iter, [&](Value tap, Value inner) {
      taps.push_back(tap);
      reads.push_back(windows[i].read(e, outputs[i], tap));
      Value result = nest(inner);
      taps.pop_back();
      reads.pop_back();
      return result;
    });
  };
  return nest(init);
}
} // namespace qc
