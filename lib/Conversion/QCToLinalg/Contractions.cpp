// Convolutions and matrix products. Two forms, both without a padded copy of the input and without a tensor of accumulators:
//
//   by channels   accumulators [P][O] of P neighbouring outputs; loops taps, c, o, p with o vectorized. Dense layers.
//   by rows       accumulators [W] of one output row of one channel; loops c, taps, w with w vectorized. Depthwise layers, few
//   channels.
//
// Taps outside the input are skipped. In the integer domain the padding is not zero but the code `pad_value`, so both forms sum
// (x - pad_value) * w and the constant pad_value * sum(w) moves into the bias: equal in wrapping arithmetic, hence equal.
#include "Emitter.h"
#include "qc/Conversion/Lowering.h"

using namespace mlir;

namespace qc {
namespace {
/// Neighbouring outputs that share one pass over the weights, and steps of the reduction that share one pass over the
/// accumulators: what fits into 16 vector registers.
constexpr int64_t outputTile = 4, reductionTile = 4;
/// Bytes of accumulators of one pass: few enough for the stack of a small machine (qc-outline-kernels puts them there), and for
/// the first-level cache of a large one.
constexpr int64_t accumulatorBytes = 1024;
/// Below this number of output channels the channel loop is too short for vectors.
constexpr int64_t leastChannels = 8;
/// Up to this width the taps of a row are unrolled, with constant bounds.
constexpr int64_t mostUnrolledTaps = 8;

int64_t largestDivisor(int64_t n, int64_t limit) {
  for (int64_t d = std::min(n, limit); d > 1; --d)
    if (n % d == 0)
      return d;
  return 1;
}

/// [first, last) in steps of `tile`.
struct Segment {
  int64_t first, last, tile;
  bool border; ///< some taps leave the input
};

void appendTiled(SmallVectorImpl<Segment> &segments, int64_t first, int64_t last) {
  int64_t whole = (last - first) / outputTile * outputTile;
  if (whole)
    segments.push_back({first, first + whole, outputTile, false});
  if (first + whole < last)
    segments.push_back({first + whole, last, last - first - whole, false});
}

/// Ranges of output channels for `tile` neighbouring outputs: equal blocks of whole vectors, and what is left.
SmallVector<Segment> getChannelBlocks(int64_t channels, int64_t tile, Type acc) {
  int64_t most = accumulatorBytes / (tile * acc.getIntOrFloatBitWidth() / 8), count = (channels + most - 1) / most;
  int64_t block = count == 1 ? channels : std::min<int64_t>(most, llvm::alignTo((channels + count - 1) / count, 8));
  int64_t whole = channels / block * block;
  SmallVector<Segment> blocks{{0, whole, block, false}};
  if (whole < channels)
    blocks.push_back({whole, channels, channels - whole, false});
  return blocks;
}

/// Operands of a product as the body sees them: `(x - xZero) * (w - wZero)` in the accumulator's type.
struct Product {
  Type xCode, wCode, acc;
  int64_t xZero = 0, wZero = 0;

  Value widen(Scalars &s, Value v, Type code, int64_t zero) const {
    if (isa<FloatType>(acc))
      return v;
    Value wide = s.extend(v, code, acc);
    return zero ? s.sub(wide, s.integer(acc, zero)) : wide;
  }
  Value accumulate(Scalars &s, Value sum, Value x, Value w) const {
    return s.add(sum, s.mul(widen(s, x, xCode, xZero), widen(s, w, wCode, wZero)));
  }
};

/// acc[p][o] += sum over c, u of x[c*U+u][p] * w[c][u][o]. `xExprs` and `wExprs` are over the dimensions c, o, p, u.
Value accumulateChannels(Emitter &e, const Product &product, Value acc, Value x, ArrayRef<AffineExpr> xExprs, Value w,
                         ArrayRef<AffineExpr> wExprs) {
  SmallVector<AffineMap> maps{e.map(4, xExprs), e.map(4, wExprs), e.map(4, {e.dim(2), e.dim(1)})};
  return e.generic(acc, {x, w}, maps, "rppr", [&](Scalars &s, ValueRange v) { return product.accumulate(s, v[2], v[0], v[1]); });
}

Value initChannels(Emitter &e, int64_t tile, int64_t channels, Type acc, Value bias) {
  return e.generic(e.empty({tile, channels}, acc), {bias}, {e.map(2, {e.dim(1)}), e.map(2, {e.dim(0), e.dim(1)})}, "pp",
                   [](Scalars &, ValueRange v) { return v[0]; });
}

/// Stores acc [p][o] through the epilogue into a slice of `out`; `outExprs` over the dimensions o, p.
Value finishChannels(Emitter &e, const Epilogue &epilogue, Value acc, ArrayRef<Value> parameters, Value part,
                     ArrayRef<AffineExpr> outExprs) {
  SmallVector<Value> inputs{acc};
  llvm::append_range(inputs, parameters);
  SmallVector<AffineMap> maps{e.map(2, {e.dim(1), e.dim(0)})};
  maps.append(parameters.size(), e.map(2, {e.dim(0)}));
  maps.push_back(e.map(2, outExprs));
  return e.generic(part, inputs, maps, "pp",
                   [&](Scalars &s, ValueRange v) { return epilogue.body(s, v[0], v.drop_front().drop_back()); });
}

/// Stores acc [w] of one channel through the epilogue into one row of `out`.
Value finishRow(Emitter &e, const Epilogue &epilogue, Value acc, Value channel, Value out, ArrayRef<Value> at) {
  SmallVector<int64_t> shape(at.size(), 1);
  shape.back() = getShape(acc)[0];
  SmallVector<Value> inputs{acc};
  SmallVector<AffineMap> maps{e.map(1, {e.dim(0)})};
  for (Value parameter : epilogue.parameters) {
    inputs.push_back(e.slice(parameter, {channel}, e.sizes({1})));
    maps.push_back(e.map(1, {e.number(0)}));
  }
  SmallVector<AffineExpr> exprs(at.size(), e.number(0));
  exprs.back() = e.dim(0);
  maps.push_back(e.map(1, exprs));
  Value part = e.slice(out, at, e.sizes(shape));
  Value row = e.generic(part, inputs, maps, "p",
                        [&](Scalars &s, ValueRange v) { return epilogue.body(s, v[0], v.drop_front().drop_back()); });
  return e.insert(row, out, at, e.sizes(shape));
}

Value initRow(Emitter &e, int64_t width, Type acc, Value bias, Value channel) {
  return e.generic(e.empty({width}, acc), {e.slice(bias, {channel}, e.sizes({1}))},
                   {e.map(1, {e.number(0)}), e.map(1, {e.dim(0)})}, "p", [](Scalars &, ValueRange v) { return v[0]; });
}

/// Weights with their dimensions in another order, as a tensor of `shape`. Constants are permuted now, others at run time.
Value permuteWeights(Emitter &e, Value weight, ArrayRef<int64_t> view, ArrayRef<int64_t> order, ArrayRef<int64_t> shape) {
  Type storage = Emitter::getStorage(getElementType(weight));
  SmallVector<int64_t> permuted = llvm::map_to_vector(order, [&](int64_t d) { return view[d]; });
  if (ElementsAttr attr = getConstant(weight)) {
    SmallVector<int64_t> strides(view.size(), 1);
    for (int64_t i = int64_t(view.size()) - 2; i >= 0; --i)
      strides[i] = strides[i + 1] * view[i + 1];
    auto permute = [&](auto data) {
      auto result = data;
      SmallVector<int64_t> at(view.size(), 0);
      for (auto &value : result) {
        int64_t from = 0;
        for (size_t i = 0; i < order.size(); ++i)
          from += at[i] * strides[order[i]];
        value = data[from];
        for (int64_t i = int64_t(order.size()) - 1; i >= 0 && ++at[i] == permuted[i]; --i)
          at[i] = 0;
      }
      return result;
    };
    auto type = RankedTensorType::get(shape, storage);
    return isa<FloatType>(storage) ? e.constant(type, permute(getFloats(attr))) : e.constant(type, permute(getInts(attr)));
  }
  Value init = e.empty(permuted, storage), viewed = e.reshape(e.get(weight), view);
  SmallVector<AffineExpr> exprs(view.size());
  for (auto [i, d] : llvm::enumerate(order))
    exprs[d] = e.dim(i);
  AffineMap from = e.map(view.size(), exprs), to = AffineMap::getMultiDimIdentityMap(view.size(), e.b.getContext());
  Value moved =
      e.generic(init, {viewed}, {from, to}, std::string(view.size(), 'p'), [](Scalars &, ValueRange v) { return v[0]; });
  return e.reshape(moved, shape);
}

/// The bias as a tensor [channels] of accumulators, with `zero * sum(w)` of each channel on top.
FailureOr<Value> getBias(Emitter &e, Operation *op, Value bias, Value weight, Type acc, int64_t channels, int64_t zero) {
  auto type = RankedTensorType::get({channels}, acc);
  if (zero == 0 || isa<FloatType>(acc)) {
    if (bias && !getConstant(bias))
      return e.get(bias);
    if (isa<FloatType>(acc))
      return e.constant(type, bias ? getFloats(getConstant(bias)) : SmallVector<float>(channels, 0.0f));
    return e.constant(type, bias ? getInts(getConstant(bias)) : SmallVector<int64_t>(channels, 0));
  }
  if (!getConstant(weight) || (bias && !getConstant(bias)))
    return op->emitOpError("with padding in the integer domain needs constant weights and bias");
  SmallVector<int64_t> sums = bias ? getInts(getConstant(bias)) : SmallVector<int64_t>(channels, 0);
  SmallVector<int64_t> weights = getInts(getConstant(weight));
  int64_t perChannel = weights.size() / channels;
  for (auto [i, w] : llvm::enumerate(weights))
    sums[i / perChannel] += zero * w;
  return e.constant(type, sums);
}

/// The conversions' common view of a convolution: input [N, G*C, X...], result [N, G*O, Y...].
struct Conv {
  Value x, out, bias;
  int64_t batch, groups, inputs, outputs; ///< channels per group
  SmallVector<Window> windows;
  Product product;

  SmallVector<Value> at(Emitter &e, Value n, Value channel, ArrayRef<Value> spatial, Value last) const {
    SmallVector<Value> offsets{n, channel};
    llvm::append_range(offsets, spatial);
    offsets.push_back(last);
    return offsets;
  }
  SmallVector<int64_t> outerOutputs() const {
    return llvm::map_to_vector(ArrayRef(windows).drop_back(), [](const Window &w) { return w.output; });
  }
};

Value emitByChannels(Emitter &e, const Conv &conv, Value weight, const Epilogue &epilogue) {
  int64_t channels = conv.outputs, inner = conv.inputs, unroll = largestDivisor(inner, reductionTile);
  const Window &row = conv.windows.back();
  auto outer = ArrayRef(conv.windows).drop_back();
  SmallVector<int64_t> kernel = llvm::map_to_vector(conv.windows, [](const Window &w) { return w.kernel; });
  int64_t taps = product(kernel);
  // [G, O, C, K] to [G, K, C, O]: the reduction runs straight through memory.
  Value w = permuteWeights(e, weight, {conv.groups, channels, inner, taps}, {0, 3, 2, 1},
                           {conv.groups, taps, inner / unroll, unroll, channels});
  SmallVector<Segment> segments;
  auto [first, last] = row.interior();
  if (first > 0)
    segments.push_back({0, first, 1, true});
  appendTiled(segments, first, last);
  if (last < row.output)
    segments.push_back({last, row.output, 1, true});

  SmallVector<int64_t> counts{conv.batch, conv.groups};
  llvm::append_range(counts, conv.outerOutputs());
  return e.loopNest(counts, conv.out, [&](ArrayRef<Value> ivs, Value out) {
    Value n = ivs[0], g = ivs[1];
    ArrayRef<Value> position = ivs.drop_front(2);
    Scalars s = e.scalars();
    Value firstInput = s.mul(g, s.index(inner)), firstOutput = s.mul(g, s.index(channels));
    for (const Segment &segment : segments)
      out = e.loop(e.index(segment.first), e.index(segment.last), segment.tile, out, [&](Value o, Value out) {
        for (const Segment &block : getChannelBlocks(channels, segment.tile, conv.product.acc))
          out = e.loop(e.index(block.first), e.index(block.last), block.tile, out, [&](Value channel, Value out) {
            Scalars s = e.scalars();
            Value firstChannel = s.add(firstOutput, channel);
            auto ofBlock = [&](Value perChannel) {
              return getShape(perChannel)[0] == block.tile ? perChannel
                                                           : e.slice(perChannel, {firstChannel}, e.sizes({block.tile}));
            };
            Value acc = initChannels(e, segment.tile, block.tile, conv.product.acc, ofBlock(conv.bias));
            acc = loopTaps(e, outer, position, acc, [&](ArrayRef<Value> outerTaps, ArrayRef<Value> reads, Value acc) {
              auto range = segment.border ? row.tapsOf(e, o) : std::make_pair(e.index(0), e.index(row.kernel));
              return e.loop(range.first, range.second, 1, acc, [&](Value tap, Value acc) {
                Scalars s = e.scalars();
                Value flat = s.index(0);
                for (auto [t, k] : llvm::zip(outerTaps, kernel))
                  flat = s.add(s.mul(flat, s.index(k)), t);
                flat = s.add(s.mul(flat, s.index(row.kernel)), tap);
                size_t rank = reads.size() + 3;
                SmallVector<int64_t> shape(rank, 1), strides(rank, 1);
                shape[1] = inner;
                shape.back() = segment.tile;
                strides.back() = segment.tile == 1 ? 1 : row.stride;
                Value x = e.slice(conv.x, conv.at(e, n, firstInput, reads, row.read(e, o, tap)), e.sizes(shape), strides);
                Value part =
                    e.slice(w, {g, flat, s.index(0), s.index(0), channel}, e.sizes({1, 1, inner / unroll, unroll, block.tile}));
                SmallVector<AffineExpr> xExprs(rank, e.number(0));
                xExprs[1] = e.dim(0) * unroll + e.dim(3);
                xExprs.back() = e.dim(2);
                return accumulateChannels(e, conv.product, acc, x, xExprs, part,
                                          {e.number(0), e.number(0), e.dim(0), e.dim(3), e.dim(1)});
              });
            });
            size_t rank = position.size() + 3;
            SmallVector<int64_t> shape(rank, 1);
            shape[1] = block.tile;
            shape.back() = segment.tile;
            SmallVector<AffineExpr> exprs(rank, e.number(0));
            exprs[1] = e.dim(0);
            exprs.back() = e.dim(1);
            auto at = conv.at(e, n, firstChannel, position, o);
            SmallVector<Value> parameters = llvm::map_to_vector(epilogue.parameters, ofBlock);
            Value part = finishChannels(e, epilogue, acc, parameters, e.slice(out, at, e.sizes(shape)), exprs);
            return e.insert(part, out, at, e.sizes(shape));
          });
        return out;
      });
    return out;
  });
}

/// One tap, or a run of taps, of a row: acc[i] += x[...][i] * w.
Value accumulateRow(Emitter &e, const Product &product, Value acc, Value x, Value w, bool overTaps) {
  int64_t rank = getShape(x).size(), wRank = getShape(w).size();
  SmallVector<AffineExpr> xExprs(rank, e.number(0)), wExprs(wRank, e.number(0));
  xExprs.back() = e.dim(0);
  if (overTaps)
    wExprs.back() = e.dim(0);
  return e.generic(acc, {x, w}, {e.map(1, xExprs), e.map(1, wExprs), e.map(1, {overTaps ? e.number(0) : e.dim(0)})},
                   overTaps ? "r" : "p", [&](Scalars &s, ValueRange v) { return product.accumulate(s, v[2], v[0], v[1]); });
}

Value emitByRows(Emitter &e, const Conv &conv, Value w, const Epilogue &epilogue) {
  const Window &row = conv.windows.back();
  auto outer = ArrayRef(conv.windows).drop_back();
  size_t rank = conv.windows.size() + 2;
  bool unrolled = row.kernel <= mostUnrolledTaps && row.output > 1;
  SmallVector<int64_t> counts{conv.batch, conv.groups, conv.outputs};
  llvm::append_range(counts, conv.outerOutputs());
  return e.loopNest(counts, conv.out, [&](ArrayRef<Value> ivs, Value out) {
    Scalars s = e.scalars();
    Value n = ivs[0], g = ivs[1], channel = s.add(s.mul(g, s.index(conv.outputs)), ivs[2]);
    ArrayRef<Value> position = ivs.drop_front(3);
    Value acc = initRow(e, row.output, conv.product.acc, conv.bias, channel);
    acc = e.loop(conv.inputs, acc, [&](Value c, Value acc) {
      Scalars s = e.scalars();
      Value input = s.add(s.mul(g, s.index(conv.inputs)), c);
      return loopTaps(e, outer, position, acc, [&](ArrayRef<Value> taps, ArrayRef<Value> reads, Value acc) {
        SmallVector<int64_t> xShape(rank, 1), xStrides(rank, 1), wShape(rank, 1);
        if (!unrolled)
          return e.loop(row.output, acc, [&](Value o, Value acc) {
            auto [low, high] = row.tapsOf(e, o);
            OpFoldResult count = getAsOpFoldResult(e.scalars().max(e.scalars().sub(high, low), e.index(0)));
            if (getConstantIntValue(count) ==
                0) // the window lies in the padding: a slice of nothing would start outside the input
              return acc;
            SmallVector<OpFoldResult> xSizes = e.sizes(xShape), wSizes = e.sizes(wShape);
            xSizes.back() = wSizes.back() = count;
            xStrides.back() = row.dilation;
            Value x = e.slice(conv.x, conv.at(e, n, input, reads, row.read(e, o, low)), xSizes, xStrides);
            Value part = e.slice(w, conv.at(e, channel, c, taps, low), wSizes);
            Value sum = accumulateRow(e, conv.product, e.slice(acc, {o}, e.sizes({1})), x, part, /*overTaps=*/true);
            return e.insert(sum, acc, {o}, e.sizes({1}));
          });
        for (int64_t k = 0; k < row.kernel; ++k) {
          auto [first, last] = row.outputsOf(k);
          if (first >= last)
            continue;
          xShape.back() = last - first;
          xStrides.back() = last - first == 1 ? 1 : row.stride;
          Value start = e.index(first * row.stride + k * row.dilation - row.pad);
          Value x = e.slice(conv.x, conv.at(e, n, input, reads, start), e.sizes(xShape), xStrides);
          Value part = e.slice(w, conv.at(e, channel, c, taps, e.index(k)), e.sizes(wShape));
          auto size = e.sizes({last - first});
          Value sum = accumulateRow(e, conv.product, e.slice(acc, {e.index(first)}, size), x, part, /*overTaps=*/false);
          acc = e.insert(sum, acc, {e.index(first)}, size);
        }
        return acc;
      });
    });
    return finishRow(e, epilogue, acc, channel, out, conv.at(e, n, channel, position, e.index(0)));
  });
}
} // namespace

/// The one choice between the two forms; `outputs` are the output channels of a group.
static bool isByChannels(int64_t outputs) { return outputs >= leastChannels; }

std::string getLoopForm(Operation *op) {
  std::string name = op->getName().stripDialect().str();
  auto conv = dyn_cast<ConvOp>(op);
  if (!conv)
    return name;
  int64_t groups = conv.getGroups(), outputs = getShape(conv.getWeight())[0] / groups;
  if (groups > 1)
    name += outputs == 1 ? ".depthwise" : ".grouped";
  return name + (isByChannels(outputs) ? ".by-channels" : ".by-rows");
}

LogicalResult emitConv(Emitter &e, ConvOp op, const Epilogue &epilogue, Value &result) {
  auto x = getShape(op.getInput()), w = getShape(op.getWeight()), y = getShape(op.getResult());
  Conv conv;
  conv.batch = x[0];
  conv.groups = op.getGroups();
  conv.inputs = w[1];
  conv.outputs = w[0] / conv.groups;
  conv.windows = getWindows(x.drop_front(2), y.drop_front(2), w.drop_front(2), op.getStrides(), op.getPads(), op.getDilations());
  Type acc = getElementType(op.getResult());
  conv.product = {getElementType(op.getInput()), getElementType(op.getWeight()), acc};
  bool padded = !llvm::all_of(conv.windows, [](const Window &w) { return w.inside(); });
  if (padded && !isa<FloatType>(acc))
    conv.product.xZero = op.getPadValue();
  auto bias = getBias(e, op, op.getBias(), op.getWeight(), acc, w[0], conv.product.xZero);
  if (failed(bias))
    return failure();
  conv.bias = *bias;
  conv.x = e.get(op.getInput());
  SmallVector<int64_t> shape(y);
  // Pointwise: the spatial dimensions are one long row.
  if (llvm::all_of(conv.windows, [](const Window &w) { return w.kernel == 1 && w.stride == 1 && w.inside(); })) {
    int64_t pixels = product(x.drop_front(2));
    conv.windows = {{pixels, pixels, 1, 1, 0, 1}};
    conv.x = e.reshape(conv.x, {x[0], x[1], pixels});
    shape = {y[0], y[1], pixels};
  }
  conv.out = e.empty(shape, Emitter::getStorage(epilogue.code));
  if (isByChannels(conv.outputs)) {
    result = e.reshape(emitByChannels(e, conv, op.getWeight(), epilogue), y);
    return success();
  }
  SmallVector<int64_t> wShape{w[0], w[1]};
  for (const Window &window : conv.windows)
    wShape.push_back(window.kernel);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, w.size()));
  result = e.reshape(emitByRows(e, conv, permuteWeights(e, op.getWeight(), w, order, wShape), epilogue), y);
  return success();
}

/// Each input row is spread into a row of accumulators: only the input rows and columns that reach an output are visited.
LogicalResult emitConvTranspose(Emitter &e, ConvTransposeOp op, const Epilogue &epilogue, Value &result) {
  auto x = getShape(op.getInput()), w = getShape(op.getWeight()), y = getShape(op.getResult());
  Type acc = getElementType(op.getResult());
  Product product{getElementType(op.getInput()), getElementType(op.getWeight()), acc};
  product.xZero = op.getInputZeroPoint();
  auto bias = getBias(e, op, op.getBias(), op.getWeight(), acc, y[1], 0);
  if (failed(bias))
    return failure();
  // An output is an input position here: output `i*stride + k*dilation - pad` takes tap k of input i.
  auto windows = getWindows(y.drop_front(2), x.drop_front(2), w.drop_front(2), op.getStrides(), op.getPads(), op.getDilations());
  const Window &row = windows.back();
  auto outer = ArrayRef(windows).drop_back();
  int64_t groups = op.getGroups(), inputs = x[1] / groups, outputs = w[1];
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, w.size()));
  Value input = e.get(op.getInput()), weight = permuteWeights(e, op.getWeight(), w, order, w);
  size_t rank = x.size();
  SmallVector<int64_t> counts{x[0], groups, outputs};
  llvm::append_range(counts, y.drop_front(2).drop_back());
  result = e.loopNest(counts, e.empty(y, Emitter::getStorage(epilogue.code)), [&](ArrayRef<Value> ivs, Value out) {
    Scalars s = e.scalars();
    Value n = ivs[0], g = ivs[1], channel = s.add(s.mul(g, s.index(outputs)), ivs[2]);
    ArrayRef<Value> position = ivs.drop_front(3);
    Value sums = initRow(e, row.input, acc, *bias, channel);
    sums = e.loop(inputs, sums, [&](Value c, Value sums) {
      Scalars s = e.scalars();
      Value from = s.add(s.mul(g, s.index(inputs)), c);
      SmallVector<Value> taps, reads;
      std::function<Value(Value)> nest = [&](Value sums) -> Value {
        size_t i = taps.size();
        if (i < outer.size())
          return e.loop(outer[i].kernel, sums, [&](Value tap, Value sums) {
            Scalars s = e.scalars();
            // The one input row that tap sends to this output row, if there is one: a loop of no or one iteration.
            Value reach = s.sub(s.add(position[i], s.index(outer[i].pad)), s.mul(tap, s.index(outer[i].dilation)));
            Value stride = s.index(outer[i].stride), inside = s.max(reach, s.index(0));
            Value at = s.div(inside, stride);
            Value exact = s.equal(s.mul(at, stride), reach), within = s.less(at, s.index(outer[i].output));
            Value end = s.select(s.bitAnd(exact, within), s.add(at, s.index(1)), at);
            return e.loop(at, end, 1, sums, [&](Value read, Value sums) {
              taps.push_back(tap);
              reads.push_back(read);
              Value next = nest(sums);
              taps.pop_back();
              reads.pop_back();
              return next;
            });
          });
        auto oneTap = [&](int64_t k, Value sums) {
          auto [first, last] = row.outputsOf(k);
          if (first >= last)
            return sums;
          SmallVector<int64_t> xShape(rank, 1), wShape(rank, 1);
          xShape.back() = last - first;
          SmallVector<Value> xAt{n, from}, wAt{from, ivs[2]};
          llvm::append_range(xAt, reads);
          llvm::append_range(wAt, taps);
          xAt.push_back(e.index(first));
          wAt.push_back(e.index(k));
          Value start = e.index(first * row.stride + k * row.dilation - row.pad);
          auto size = e.sizes({last - first});
          int64_t stride = last - first == 1 ? 1 : row.stride;
          Value sum = accumulateRow(e, product, e.slice(sums, {start}, size, {stride}), e.slice(input, xAt, e.sizes(xShape)),
                                    e.slice(weight, wAt, e.sizes(wShape)), /*overTaps=*/false);
          return e.insert(sum, sums, {start}, size, {stride});
        };
        for (int64_t k = 0; k < row.kernel; ++k)
          sums = oneTap(k, sums);
        return sums;
      };
      return nest(sums);
    });
    SmallVector<Value> at{n, channel};
    llvm::append_range(at, position);
    at.push_back(e.index(0));
    return finishRow(e, epilogue, sums, channel, out, at);
  });
  return success();
}

LogicalResult emitMatmul(Emitter &e, MatmulOp op, const Epilogue &epilogue, Value &result) {
  SmallVector<int64_t> a(getShape(op.getLhs())), b(getShape(op.getRhs())), y(getShape(op.getResult()));
  Type acc = getElementType(op.getResult());
  Product product{getElementType(op.getLhs()), getElementType(op.getRhs()), acc, int64_t(op.getLhsZeroPoint()),
                  int64_t(op.getRhsZeroPoint())};
  int64_t inner = a.back(), channels = b.back();
  auto bias = getBias(e, op, op.getBias(), op.getRhs(), acc, channels, 0);
  if (failed(bias))
    return failure();
  Value lhs = e.get(op.getLhs());
  // One matrix on the right: all rows on the left are rows of one matrix.
  if (b.size() == 2 && a.size() > 2) {
    a = {qc::product(ArrayRef(a).drop_back()), inner};
    lhs = e.reshape(lhs, a);
    y = {a[0], channels};
  }
  int64_t rows = y[y.size() - 2], unroll = getConstant(op.getRhs()) ? largestDivisor(inner, reductionTile) : 1;
  SmallVector<int64_t> wShape(ArrayRef(b).drop_back(2));
  llvm::append_values(wShape, inner / unroll, unroll, channels);
  Value rhs = getConstant(op.getRhs())
                  ? e.constant(getConstant(op.getRhs()), RankedTensorType::get(wShape, Emitter::getStorage(product.wCode)))
                  : e.reshape(e.get(op.getRhs()), wShape);
  SmallVector<Segment> segments;
  appendTiled(segments, 0, rows);
  auto batch = ArrayRef(y).drop_back(2);
  Value out = e.loopNest(batch, e.empty(y, Emitter::getStorage(epilogue.code)), [&](ArrayRef<Value> ivs, Value out) {
    auto batchOf = [&](ArrayRef<int64_t> shape) {
      SmallVector<Value> at;
      for (size_t i = 0; i + 2 < shape.size(); ++i)
        at.push_back(shape[i] == 1 ? e.index(0) : ivs[ivs.size() - (shape.size() - 2) + i]);
      return at;
    };
    SmallVector<AffineExpr> wExprs(wShape.size(), e.number(0));
    size_t wRank = wShape.size();
    wExprs[wRank - 3] = e.dim(0);
    wExprs[wRank - 2] = e.dim(3);
    wExprs[wRank - 1] = e.dim(1);
    for (const Segment &segment : segments)
      out = e.loop(e.index(segment.first), e.index(segment.last), segment.tile, out, [&](Value m, Value out) {
        for (const Segment &block : getChannelBlocks(channels, segment.tile, acc))
          out = e.loop(e.index(block.first), e.index(block.last), block.tile, out, [&](Value channel, Value out) {
            auto ofBlock = [&](Value perChannel) {
              return getShape(perChannel)[0] == block.tile ? perChannel : e.slice(perChannel, {channel}, e.sizes({block.tile}));
            };
            Value sums = initChannels(e, segment.tile, block.tile, acc, ofBlock(*bias));
            SmallVector<Value> xAt = batchOf(a), wAt = batchOf(b), at(ivs);
            SmallVector<int64_t> xSizes(xAt.size(), 1), wSizes(wAt.size(), 1), sizes(ivs.size(), 1);
            llvm::append_values(xAt, m, e.index(0));
            llvm::append_values(xSizes, segment.tile, inner);
            llvm::append_values(wAt, e.index(0), e.index(0), channel);
            llvm::append_values(wSizes, inner / unroll, unroll, block.tile);
            llvm::append_values(at, m, channel);
            llvm::append_values(sizes, segment.tile, block.tile);
            SmallVector<AffineExpr> xExprs(xAt.size(), e.number(0)), exprs(at.size(), e.number(0));
            xExprs[xExprs.size() - 2] = e.dim(2);
            xExprs.back() = e.dim(0) * unroll + e.dim(3);
            exprs[exprs.size() - 2] = e.dim(1);
            exprs.back() = e.dim(0);
            sums = accumulateChannels(e, product, sums, e.slice(lhs, xAt, e.sizes(xSizes)), xExprs,
                                      e.slice(rhs, wAt, e.sizes(wSizes)), wExprs);
            SmallVector<Value> parameters = llvm::map_to_vector(epilogue.parameters, ofBlock);
            Value part = finishChannels(e, epilogue, sums, parameters, e.slice(out, at, e.sizes(sizes)), exprs);
            return e.insert(part, out, at, e.sizes(sizes));
          });
        return out;
      });
    return out;
  });
  result = e.reshape(out, getShape(op.getResult()));
  return success();
}
} // namespace qc
