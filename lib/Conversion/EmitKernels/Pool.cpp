// Windows and spatial reductions on channels-last buffers: vectors run over channels, positions and taps are loops.
#include "Kernel.h"
#include "Layout.h"

using namespace mlir;

namespace qc {
namespace {
/// Up to this many taps are unrolled.
constexpr int64_t mostUnrolledTaps = 16;
/// So many 8-bit codes add up in 16 bits, whatever they are.
constexpr int64_t mostNarrowTaps = 256;

enum class Combine { Max, Min, Sum, Average };

/// One dimension under the window. Tap `t` of output `o` reads input `o*stride - pad + t*dilation`.
struct Axis {
  int64_t dim; ///< of the main op's operand
  int64_t in, out = 1, kernel, stride = 1, pad = 0, dilation = 1;

  int64_t low(int64_t o) const { return std::max<int64_t>(0, llvm::divideCeilSigned(pad - o * stride, dilation)); }
  int64_t high(int64_t o) const { return std::min(kernel, llvm::divideFloorSigned(in - 1 + pad - o * stride, dilation) + 1); }
  bool isInside(int64_t o) const { return low(o) == 0 && high(o) == kernel; }
  bool isPadded() const { return !isInside(0) || !isInside(out - 1); }
  bool hasEmptyWindow() const {
    return llvm::any_of(llvm::seq<int64_t>(0, out), [&](int64_t o) { return low(o) >= high(o); });
  }
  /// Outputs whose windows lie inside: [first, second).
  std::pair<int64_t, int64_t> getInterior() const {
    int64_t first = 0, last = out;
    while (first < out && !isInside(first))
      ++first;
    while (last > first && !isInside(last - 1))
      --last;
    return {first, last};
  }
};

struct PoolShape {
  Operation *main = nullptr;
  BlockArgument input;
  SmallVector<int64_t> inputDims; ///< for each dimension of the main op's operand the one of `input`; -1 where the size is 1
  Type code, acc;
  Combine combine = Combine::Max;
  SmallVector<Axis> axes;
  SmallVector<int64_t> kept; ///< dimensions of the operand that are neither reduced nor the channels
  int64_t channelDim = -1, channels = 1, padValue = 0;
  bool countPads = false;
  /// For each leading dimension of the result the loop that runs over it: those over `kept`, then those over `axes`; -1: size 1.
  SmallVector<int64_t> positions;
  bool plain = true; ///< the main op's values are stored as they are

  bool selects() const { return combine == Combine::Max || combine == Combine::Min; }
  bool isFloat() const { return isa<FloatType>(acc); }
  bool isPadded() const {
    return llvm::any_of(axes, [](const Axis &axis) { return axis.isPadded(); });
  }
  int64_t window() const {
    int64_t taps = 1;
    for (const Axis &axis : axes)
      taps *= axis.kernel;
    return taps;
  }
  /// True if taps are straight code.
  bool isUnrolled() const { return window() <= mostUnrolledTaps && (selects() || !isPadded()); }
  /// True if outputs along this axis whose windows reach over the border have a loop of their own.
  bool splits(size_t i) const {
    auto [first, last] = axes[i].getInterior();
    return isUnrolled() && i + 1 == axes.size() && axes[i].isPadded() && last > first;
  }
  /// The dimension of the operand whose loop tasks divide: the outermost one with several positions. -1: they divide the
  /// channels.
  int64_t getDividedDim() const {
    for (int64_t dim : kept)
      if (getShape(main->getOperand(0))[dim] > 1)
        return dim;
    for (auto [i, axis] : llvm::enumerate(axes))
      if (axis.out > 1)
        return splits(i) ? -1 : axis.dim;
    return -1;
  }
  /// 8-bit codes are summed in 16 bits, two vectors of accumulators at a time.
  bool isNarrow(const Isa &isa) const {
    return !selects() && !isFloat() && isa.hasVectors() && code.getIntOrFloatBitWidth() <= 8;
  }
  /// Channels that are computed at once, the last ones excepted.
  int64_t getWidth(const Isa &isa) const {
    if (plain && selects()) {
      int64_t bits = std::max<int64_t>(8, llvm::PowerOf2Ceil(code.getIntOrFloatBitWidth()));
      int64_t width = std::max<int64_t>(1, isa.lanes * 32 / bits);
      while (width > channels)
        width /= 2;
      return width;
    }
    int64_t unit = isNarrow(isa) ? 2 * isa.lanes : isa.lanes, most = unit * (isa.registers > 8 ? 4 : 2), width = unit;
    while (2 * width <= std::min(most, channels))
      width *= 2;
    return width;
  }
  static FailureOr<PoolShape> get(KernelOp op, std::string &why);

private:
  std::string readPool(PoolOp op);
  std::string readReduce(ReduceOp op);
};

std::string PoolShape::readPool(PoolOp op) {
  auto x = getShape(op.getInput()), y = getShape(op.getResult());
  combine = op.getKind() == PoolKind::Max ? Combine::Max : op.getKind() == PoolKind::Sum ? Combine::Sum : Combine::Average;
  padValue = op.getPadValue();
  countPads = op.getCountIncludePad();
  kept = {0};
  channelDim = 1;
  for (size_t d = 2; d < x.size(); ++d)
    axes.push_back(
        {int64_t(d), x[d], y[d], op.getKernel()[d - 2], op.getStrides()[d - 2], op.getPads()[d - 2], op.getDilations()[d - 2]});
  return "";
}

std::string PoolShape::readReduce(ReduceOp op) {
  auto x = getShape(op.getInput());
  switch (op.getKind()) {
  case ReduceKind::Max:
    combine = Combine::Max;
    break;
  case ReduceKind::Min:
    combine = Combine::Min;
    break;
  case ReduceKind::Sum:
    combine = Combine::Sum;
    break;
  case ReduceKind::Mean:
    combine = Combine::Average;
    break;
  case ReduceKind::Prod:
    return "a product has no kernel";
  }
  for (size_t d = 0; d < x.size(); ++d) {
    if (llvm::is_contained(op.getAxes(), int64_t(d)))
      axes.push_back({int64_t(d), x[d], 1, x[d]});
    else if (inputDims[d] == int64_t(getShape(input).size()) - 1)
      channelDim = d;
    else
      kept.push_back(d);
  }
  return channelDim < 0 ? "the innermost dimension is reduced" : "";
}

FailureOr<PoolShape> PoolShape::get(KernelOp op, std::string &why) {
  PoolShape s;
  auto refuse = [&](const Twine &reason) {
    why = reason.str();
    return failure();
  };
  for (Operation &inner : op.getBody().front())
    if (isa<PoolOp, ReduceOp>(inner))
      s.main = &inner;
  if (!s.main)
    return refuse("holds no pooling");
  Value operand = s.main->getOperand(0), result = s.main->getResult(0);
  s.code = getElementType(operand);
  s.acc = getElementType(result);
  auto source = getLayoutSource(operand);
  auto in = getMovedDims(source, operand);
  s.input = dyn_cast<BlockArgument>(source);
  if (!s.input || !in)
    return refuse("the input is not a buffer whose dimensions are in another order");
  s.inputDims = *in;
  bool codes = s.code.isInteger() && s.code.getIntOrFloatBitWidth() <= 16;
  if (!(s.code.isF32() && s.acc.isF32()) && !(codes && (s.acc == s.code || s.acc.isInteger(32))))
    return refuse("no vectors of these types");

  // Where the values go: each loop must be one dimension of the result.
  auto pool = dyn_cast<PoolOp>(s.main);
  why = pool ? s.readPool(pool) : s.readReduce(cast<ReduceOp>(s.main));
  if (!why.empty())
    return failure();
  auto operandShape = getShape(operand);
  s.channels = operandShape[s.channelDim];
  if (s.channels == 1)
    return refuse("there is one channel: vectors would hold one element");
  if (s.inputDims[s.channelDim] != int64_t(getShape(s.input).size()) - 1)
    return refuse("channels are not innermost");
  if (!s.isFloat() && (s.combine == Combine::Average || (s.combine == Combine::Sum && !s.acc.isInteger(32))))
    return refuse("integers are summed into 32 bits");
  if (llvm::is_contained(operandShape, 0) || llvm::is_contained(getShape(result), 0))
    return refuse("there are no elements");
  bool needsElement = s.combine != Combine::Sum && !(s.combine == Combine::Average && s.countPads);
  for (const Axis &axis : s.axes)
    if (needsElement && axis.hasEmptyWindow())
      return refuse("a window lies in the padding");

  Value last = result;
  for (; !isa<YieldOp>(*last.user_begin()); last = (*last.user_begin())->getResult(0)) {
    Operation *user = *last.user_begin();
    if (!last.hasOneUse() || user->getNumResults() != 1)
      return refuse("the result has several uses");
    if (!isa<TransposeOp, ReshapeOp>(user)) {
      s.plain = false;
      if (getShape(user->getResult(0)) != getShape(last))
        return refuse("what follows changes the shape");
    }
  }
  if (why = Epilogue::check(result); !why.empty())
    return failure();
  auto out = getMovedDims(result, last);
  if (!out)
    return refuse("the result is reshaped");
  // Dimensions of the operand by their place in the result.
  SmallVector<int64_t> place = llvm::to_vector(llvm::seq<int64_t>(0, operandShape.size()));
  if (auto reduce = dyn_cast<ReduceOp>(s.main); reduce && !reduce.getKeepDims()) {
    place.clear();
    for (size_t d = 0; d < operandShape.size(); ++d)
      if (!llvm::is_contained(reduce.getAxes(), int64_t(d)))
        place.push_back(d);
  }
  auto loopOver = [&](int64_t dim) -> int64_t {
    for (auto [i, d] : llvm::enumerate(s.kept))
      if (d == dim)
        return i;
    for (auto [i, axis] : llvm::enumerate(s.axes))
      if (axis.dim == dim)
        return s.kept.size() + i;
    return -1;
  };
  if (out->empty() || out->back() < 0 || place[out->back()] != s.channelDim)
    return refuse("the result does not have the channels innermost");
  for (int64_t d : ArrayRef(*out).drop_back())
    s.positions.push_back(d < 0 ? -1 : loopOver(place[d]));
  return s;
}

class PoolEmitter {
public:
  PoolEmitter(Kernel &k, const PoolShape &shape) : k(k), s(shape), lanes(k.isa.lanes) {}

  LogicalResult run() {
    auto input = k.getInput(s.input);
    auto result = k.getResult();
    if (failed(input) || failed(result))
      return failure();
    x = *input;
    y = *result;
    if (!s.plain || !s.selects()) {
      auto made = Epilogue::create(k, s.main->getResult(0), /*collapsed=*/false);
      if (failed(made))
        return failure();
      epilogue.emplace(*made);
    }
    dividedDim = s.getDividedDim();
    mergeAxes();
    storage = cast<MemRefType>(x.memory.getType()).getElementType();
    narrow = s.isNarrow(k.isa);
    unrolled = s.isUnrolled();
    loopKept(0, k.index(0));
    return success();
  }

private:
  Value createMax(Value a, Value b) { return k.b.createOrFold<arith::MaxSIOp>(k.loc, a, b); }
  Value createMin(Value a, Value b) { return k.b.createOrFold<arith::MinSIOp>(k.loc, a, b); }

  int64_t getStep(int64_t dim) const { return s.inputDims[dim] < 0 ? 0 : x.strides[s.inputDims[dim]]; }

  /// Reduced dimensions that follow each other in memory are one.
  void mergeAxes() {
    for (const Axis &axis : s.axes)
      steps.push_back(getStep(axis.dim));
    auto isWhole = [](const Axis &axis) {
      return axis.out == 1 && axis.kernel == axis.in && axis.pad == 0 && axis.dilation == 1 && !axis.isPadded();
    };
    for (size_t i = s.axes.size(); i-- > 1;) {
      Axis &outer = s.axes[i - 1], &inner = s.axes[i];
      if (outer.in == 1 && isWhole(outer)) {
        outer = inner;
        steps[i - 1] = steps[i];
      } else if (isWhole(outer) && isWhole(inner) && (inner.in == 1 || steps[i - 1] == steps[i] * inner.in)) {
        steps[i - 1] = inner.in == 1 ? steps[i - 1] : steps[i];
        outer.in = outer.kernel = outer.in * inner.in;
      } else {
        continue;
      }
      // Loops are named by number: those behind move up, and both of these are now one.
      for (int64_t &loop : s.positions)
        if (loop >= int64_t(s.kept.size() + i))
          --loop;
      s.axes.erase(s.axes.begin() + i);
      steps.erase(steps.begin() + i);
    }
  }

  //===-- Positions --------------------------------------------------------------------------------------------------------===//

  Range divide(int64_t dim, int64_t count) {
    return dim == dividedDim ? k.divide(Part::Positions, count) : Range{k.index(0), k.index(count), count};
  }

  void loopKept(size_t i, Value base) {
    if (i == s.kept.size())
      return loopAxes(0, {base});
    int64_t dim = s.kept[i];
    k.loop(divide(dim, getShape(s.main->getOperand(0))[dim]), [&](Value iv) {
      loops.push_back(iv);
      loopKept(i + 1, k.add(base, k.mul(iv, getStep(dim))));
      loops.pop_back();
    });
  }

  /// `bases`: where the taps of the outer axes begin (unrolled), or the one base of all.
  void loopAxes(size_t i, ArrayRef<Value> bases) {
    if (i == s.axes.size())
      return emitPosition(bases);
    const Axis &axis = s.axes[i];
    auto [first, last] = axis.getInterior();
    auto at = [&](Value o, bool inside) {
      loops.push_back(o);
      SmallVector<Value> next;
      if (!unrolled) {
        tapRanges.push_back(getTapRange(axis, o));
        // May lie in front of the buffer; only taps inside are read.
        Value origin = k.mul(o, axis.stride * steps[i]);
        next.push_back(k.add(k.add(bases.front(), origin), -axis.pad * steps[i]));
      } else {
        SmallVector<Value> offsets = getTapOffsets(axis, steps[i], o, inside);
        for (Value base : bases)
          for (Value offset : offsets)
            next.push_back(k.add(base, offset));
      }
      loopAxes(i + 1, next);
      if (!unrolled)
        tapRanges.pop_back();
      loops.pop_back();
    };
    if (!s.splits(i)) {
      k.loop(divide(axis.dim, axis.out), [&](Value o) { at(o, /*inside=*/!axis.isPadded()); });
      return;
    }
    // Few windows reach over the border: one loop for those on both sides.
    k.loop(first + axis.out - last, [&, first = first, last = last](Value border) {
      Value o = border;
      if (last < axis.out) {
        Value behind = k.add(border, last - first);
        Value isBehind = k.b.createOrFold<arith::CmpIOp>(k.loc, arith::CmpIPredicate::sge, border, k.index(first));
        o = k.b.createOrFold<arith::SelectOp>(k.loc, isBehind, behind, border);
      }
      at(o, /*inside=*/false);
    });
    k.loop(last - first, [&, first = first](Value o) { at(k.add(o, first), /*inside=*/true); });
  }

  /// Taps of output `o` that lie inside the input: [low, high).
  std::pair<Value, Value> getTapRange(const Axis &axis, Value o) {
    if (!axis.isPadded())
      return {k.index(0), k.index(axis.kernel)};
    auto divide = [&](Value v) {
      return axis.dilation == 1 ? v : k.b.createOrFold<arith::DivSIOp>(k.loc, v, k.index(axis.dilation));
    };
    // Division truncates; where that is not rounding down, the other limit decides.
    Value start = k.mul(o, axis.stride);
    Value low = divide(k.sub(k.index(axis.pad + axis.dilation - 1), start));
    Value high = divide(k.sub(k.index(axis.in - 1 + axis.pad + axis.dilation), start));
    return {createMax(low, k.index(0)), createMin(high, k.index(axis.kernel))};
  }

  /// Where the taps of output `o` read. A tap outside reads what another tap reads: that changes no maximum.
  SmallVector<Value> getTapOffsets(const Axis &axis, int64_t step, Value o, bool inside) {
    SmallVector<Value> offsets;
    if (inside) {
      Value origin = k.add(k.mul(o, axis.stride * step), -axis.pad * step);
      for (int64_t t = 0; t < axis.kernel; ++t)
        offsets.push_back(k.add(origin, t * axis.dilation * step));
      return offsets;
    }
    Value start = k.add(k.mul(o, axis.stride), -axis.pad);
    auto [low, high] = getTapRange(axis, o);
    for (int64_t t = 0; t < axis.kernel; ++t) {
      Value position;
      if (axis.dilation == 1) {
        position = createMin(createMax(k.add(start, t), k.index(0)), k.index(axis.in - 1));
      } else {
        Value tap = createMin(createMax(k.index(t), low), k.add(high, -1));
        position = k.add(start, k.mul(tap, axis.dilation));
      }
      offsets.push_back(k.mul(position, step));
    }
    return offsets;
  }

  //===-- Channels ---------------------------------------------------------------------------------------------------------===//

  void emitPosition(ArrayRef<Value> bases) {
    position.clear(); // of the result
    for (int64_t loop : s.positions)
      position.push_back(loop < 0 ? k.index(0) : loops[loop]);
    first = getFirst();
    if (s.plain && s.selects())
      return emitSelection(bases);
    // Accumulators are vectors of `lanes`; an i16 vector holds two of them.
    int64_t unit = narrow ? 2 * lanes : lanes, width = s.getWidth(k.isa);
    auto emit = [&](Value channel, int64_t count, int64_t width) {
      finish(accumulate(bases, channel, count, width), channel, count);
    };
    int64_t done = s.channels / width * width, rest = llvm::alignTo(s.channels - done, unit);
    forEachBlock(
        width, [&](Value channel) { emit(channel, width, width); },
        [&] {
          if (s.channels < unit)
            emit(k.index(0), s.channels, unit);
          else if (k.op.getInputs().size() > 1) // what is added may lie where the result goes: every element is stored once
            emit(k.index(done), s.channels - done, rest);
          else // together with channels that are done already
            emit(k.index(s.channels - rest), rest, rest);
        });
  }

  /// `body` for blocks of `width` channels, `last` if some are left. The task that does the last whole block does those, too:
  /// they may overlap.
  void forEachBlock(int64_t width, llvm::function_ref<void(Value channel)> body, llvm::function_ref<void()> last) {
    int64_t full = s.channels / width;
    Range blocks =
        dividedDim < 0 ? k.divide(Part::Positions, std::max<int64_t>(full, 1)) : Range{k.index(0), k.index(full), full};
    if (full)
      k.loop(k.mul(blocks.low, width), k.mul(blocks.high, width), width, {}, [&](Value channel, ValueRange) {
        body(channel);
        return SmallVector<Value>();
      });
    if (s.channels % width)
      k.atEnd(blocks, last);
  }

  /// What sums start with: the padding under the window.
  Value getFirst() {
    if (s.combine != Combine::Sum || s.isFloat() || !s.isPadded() || s.padValue == 0)
      return {};
    Value inside = k.index(1);
    for (auto [low, high] : tapRanges)
      inside = k.b.createOrFold<arith::MulIOp>(k.loc, inside, createMax(k.sub(high, low), k.index(0)));
    Value value = k.mul(k.sub(k.index(s.window()), inside), s.padValue);
    return k.b.createOrFold<arith::IndexCastOp>(k.loc, k.b.getI32Type(), value);
  }

  /// Codes (or numbers) that only compare: whole registers of them, stored directly.
  void emitSelection(ArrayRef<Value> bases) {
    int64_t width = s.getWidth(k.isa);
    auto emit = [&](Value channel) {
      Value best = accumulate(bases, channel, width, width).front();
      k.store(best, y.memory, k.add(k.offset(position, y.strides), channel));
    };
    forEachBlock(width, emit, [&] { emit(k.index(s.channels - width)); });
  }

  /// `width` elements of which `count` exist.
  Value loadCodes(Value offset, int64_t count, int64_t width) {
    if (count == width)
      return k.load(x.memory, offset, width);
    int64_t part = llvm::bit_floor(uint64_t(count));
    Value front = k.load(x.memory, offset, part);
    Value back = part == count ? front : k.load(x.memory, k.add(offset, count - part), part);
    SmallVector<int64_t> mask(width, 0);
    for (int64_t i = 0; i < count; ++i)
      mask[i] = i < part ? i : part + i - (count - part);
    return vector::ShuffleOp::create(k.b, k.loc, front, back, mask);
  }

  /// The type in which taps are combined.
  Type getTapType() { return s.isFloat() ? s.acc : s.selects() ? storage : narrow ? k.b.getI16Type() : k.b.getI32Type(); }

  /// One tap: vectors of the width that accumulators have before they are widened.
  SmallVector<Value> loadTap(Value offset, int64_t count, int64_t width) {
    int64_t unit = s.selects() && s.plain ? width : narrow ? 2 * lanes : lanes;
    SmallVector<Value> vectors;
    for (int64_t at = 0; at < width; at += unit) {
      Value codes = loadCodes(k.add(offset, at), std::min(unit, count - at), unit);
      vectors.push_back(isa<IntegerType>(storage) ? k.extend(codes, s.code, getTapType()) : codes);
    }
    return vectors;
  }

  Value combine(Value so, Value tap) {
    if (!s.selects())
      return s.isFloat() ? arith::AddFOp::create(k.b, k.loc, so, tap).getResult()
                         : arith::AddIOp::create(k.b, k.loc, so, tap).getResult();
    bool isMax = s.combine == Combine::Max;
    if (s.isFloat()) {
      Value better = isMax ? arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT, so, tap)
                           : arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT, tap, so);
      return arith::SelectOp::create(k.b, k.loc, better, tap, so);
    }
    if (s.code.isUnsignedInteger())
      return isMax ? arith::MaxUIOp::create(k.b, k.loc, so, tap).getResult()
                   : arith::MinUIOp::create(k.b, k.loc, so, tap).getResult();
    return isMax ? arith::MaxSIOp::create(k.b, k.loc, so, tap).getResult()
                 : arith::MinSIOp::create(k.b, k.loc, so, tap).getResult();
  }
  SmallVector<Value> combine(ValueRange so, ValueRange taps) {
    return llvm::map_to_vector(llvm::zip_equal(so, taps),
                               [&](auto pair) { return combine(std::get<0>(pair), std::get<1>(pair)); });
  }

  //===-- Taps -------------------------------------------------------------------------------------------------------------===//

  /// All taps of `count` channels from `channel` on, in accumulators of `lanes` (or, for selections, as they are).
  SmallVector<Value> accumulate(ArrayRef<Value> bases, Value channel, int64_t count, int64_t width) {
    if (unrolled) {
      SmallVector<Value> accs = loadTap(k.add(bases.front(), channel), count, width);
      // Sums of floats begin with zero, as everywhere: it makes -0 a 0.
      if (s.isFloat() && !s.selects())
        accs = combine(getZeros(accs), accs);
      for (Value base : bases.drop_front())
        accs = combine(accs, loadTap(k.add(base, channel), count, width));
      return widen(accs);
    }
    Value base = k.add(bases.front(), channel);
    if (s.selects()) {
      // Every window holds an element: the first one is a start that needs no limit of the type.
      Value start = base;
      for (auto [i, range] : llvm::enumerate(tapRanges))
        start = k.add(start, k.mul(range.first, s.axes[i].dilation * steps[i]));
      return widen(loopTaps(0, base, loadTap(start, count, width), count, width));
    }
    if (!narrow) {
      SmallVector<Value> accs = getStart(width / lanes);
      return loopTaps(0, base, accs, count, width);
    }
    return loopWide(0, base, getStart(width / lanes), count, width);
  }

  SmallVector<Value> getZeros(ValueRange like) {
    return llvm::map_to_vector(like, [&](Value v) -> Value {
      auto type = cast<VectorType>(v.getType());
      return arith::ConstantOp::create(k.b, k.loc, k.b.getZeroAttr(type));
    });
  }

  SmallVector<Value> getStart(int64_t vectors) {
    Value start = s.isFloat() ? k.splat(0.0, lanes) : first ? k.broadcast(first, lanes) : k.splat(s.acc, 0, lanes);
    return SmallVector<Value>(vectors, start);
  }

  /// Combined taps as accumulators.
  SmallVector<Value> widen(ArrayRef<Value> vectors) {
    if (s.isFloat() || (s.selects() && s.plain))
      return SmallVector<Value>(vectors);
    SmallVector<Value> accs;
    for (Value vector : vectors) {
      int64_t n = cast<VectorType>(vector.getType()).getNumElements();
      for (int64_t at = 0; at < n; at += lanes)
        accs.push_back(k.extend(k.slice(vector, at, lanes), s.code, k.b.getI32Type()));
    }
    return accs;
  }

  SmallVector<Value> loopTaps(size_t i, Value base, ValueRange accs, int64_t count, int64_t width) {
    if (i == s.axes.size())
      return combine(accs, loadTap(base, count, width));
    auto [low, high] = tapRanges[i];
    return k.loop(low, high, 1, accs, [&](Value tap, ValueRange carried) {
      return loopTaps(i + 1, k.add(base, k.mul(tap, s.axes[i].dilation * steps[i])), carried, count, width);
    });
  }

  /// As loopTaps, but the inner loops, as far as they cannot overflow, add in 16 bits.
  SmallVector<Value> loopWide(size_t i, Value base, ValueRange accs, int64_t count, int64_t width) {
    int64_t taps = 1;
    for (const Axis &axis : ArrayRef(s.axes).drop_front(i))
      taps *= axis.kernel;
    auto addNarrow = [&](ValueRange accs, llvm::function_ref<SmallVector<Value>(ValueRange)> sum) {
      SmallVector<Value> zeros(width / (2 * lanes), k.splat(k.b.getI16Type(), 0, 2 * lanes));
      return combine(accs, widen(sum(zeros)));
    };
    if (taps <= mostNarrowTaps)
      return addNarrow(accs, [&](ValueRange zeros) { return loopTaps(i, base, zeros, count, width); });
    auto [low, high] = tapRanges[i];
    int64_t step = s.axes[i].dilation * steps[i];
    if (i + 1 < s.axes.size())
      return k.loop(low, high, 1, accs, [&](Value tap, ValueRange carried) {
        return loopWide(i + 1, k.add(base, k.mul(tap, step)), carried, count, width);
      });
    return k.loop(low, high, mostNarrowTaps, accs, [&, high = high](Value from, ValueRange carried) {
      Value to = createMin(k.add(from, mostNarrowTaps), high);
      return addNarrow(carried, [&](ValueRange zeros) {
        return k.loop(from, to, 1, zeros, [&](Value tap, ValueRange sums) {
          return combine(sums, loadTap(k.add(base, k.mul(tap, step)), count, width));
        });
      });
    });
  }

  //===-- Results ----------------------------------------------------------------------------------------------------------===//

  void finish(SmallVector<Value> accs, Value channel, int64_t count) {
    if (s.combine == Combine::Average) {
      Value divisor = k.broadcast(getCount(), lanes);
      for (Value &acc : accs)
        acc = arith::DivFOp::create(k.b, k.loc, acc, divisor);
    }
    epilogue->store(accs, position, channel, count);
  }

  /// The number of elements that an average divides by.
  Value getCount() {
    if (s.countPads || !s.isPadded() || unrolled)
      return arith::ConstantOp::create(k.b, k.loc, k.b.getF32FloatAttr(float(s.window())));
    Value inside = k.index(1);
    for (auto [low, high] : tapRanges)
      inside = k.b.createOrFold<arith::MulIOp>(k.loc, inside, k.sub(high, low));
    Value integer = k.b.createOrFold<arith::IndexCastOp>(k.loc, k.b.getI32Type(), inside);
    return arith::SIToFPOp::create(k.b, k.loc, k.b.getF32Type(), integer);
  }

  Kernel &k;
  PoolShape s;
  int64_t lanes;
  Flat x, y;
  Type storage;
  std::optional<Epilogue> epilogue;
  SmallVector<int64_t> steps; ///< elements of the input from one position of an axis to the next
  bool narrow = false, unrolled = false;
  int64_t dividedDim = -1;
  SmallVector<Value> loops, position;
  SmallVector<std::pair<Value, Value>> tapRanges;
  Value first;
};
} // namespace

std::string planPool(KernelOp op, const Isa &) {
  std::string why;
  (void)PoolShape::get(op, why);
  return why;
}

LogicalResult emitPool(Kernel &k) {
  std::string why;
  auto shape = PoolShape::get(k.op, why);
  if (failed(shape))
    return k.op.emitError("cannot be a pooling: ") << why;
  return PoolEmitter(k, *shape).run();
}

Division dividePool(KernelOp op, const Isa &isa) {
  std::string why;
  auto s = PoolShape::get(op, why);
  if (failed(s))
    return {};
  Division d;
  double outputs = double(product(getShape(s->main->getResult(0))));
  if (int64_t dim = s->getDividedDim(); dim < 0)
    d.positions = std::max<int64_t>(s->channels / s->getWidth(isa), 1);
  else if (const Axis *axis = llvm::find_if(s->axes, [&](const Axis &axis) { return axis.dim == dim; }); axis != s->axes.end())
    d.positions = axis->out;
  else
    d.positions = getShape(s->main->getOperand(0))[dim];
  d.cycles = outputs * (double(s->window()) / 2 + 1) / double(isa.lanes) / double(d.positions);
  return d;
}
} // namespace qc
