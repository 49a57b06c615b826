// Depthwise convolutions as loops of vectors.
#include "Depthwise.h"
#include "Dots.h"

using namespace mlir;

namespace qc {
namespace {
/// More steps than this in one piece of straight code: the rows of the kernel become a loop.
constexpr int64_t mostSteps = 144;

class Emitter {
public:
  Emitter(Kernel &k, DepthwisePlan plan, Flat input, Epilogue epilogue)
      : k(k), p(std::move(plan)), s(p.s), dot(*p.dot), input(std::move(input)), epilogue(std::move(epilogue)) {}

  void run() {
    packWeights();
    bias = s.getBiases(k, shift(), p.groupLanes());
    const auto &strides = input.strides;
    strideX = strides[strides.size() - 2];
    strideY = s.positionRank == 3 ? strides[1] : 0;
    if (p.swapped)
      std::swap(strideX, strideY);
    if (p.panel)
      panel = k.getScratch(s.isFloat()             ? Type(k.b.getF32Type())
                           : p.elementBytes() == 2 ? k.b.getIntegerType(16)
                                                   : k.b.getIntegerType(8),
                           0, p.scratchBytes / p.elementBytes());
    Range chunks = k.divide(Part::Channels, p.chunks());
    k.loop(s.batch, [&](Value image) {
      rows = k.divideRows(s.batch, p.y.out, image);
      k.loop(
          chunks, p.fullGroups() / p.chunk,
          [&](Value i) { emitChunk(image, k.mul(i, p.chunk), p.chunk, p.vectors, p.channels()); },
          [&] { emitChunk(image, k.index(p.fullGroups()), 1, p.tailVectors(), p.tailChannels()); });
    });
  }

private:
  //===-- Constants --------------------------------------------------------------------------------------------------------===//

  int64_t weightsPerPhase() const {
    return (p.fullGroups() * p.groupLanes() + (p.tailChannels() ? p.tailVectors() * p.lanes : 0)) * p.weightsPerLane();
  }

  /// [phase][vector (or group) of channels][kernel row][place in a unit][slot][lane][k0]
  void packWeights() {
    auto pack = [&](const auto &from, auto &packed) {
      auto packLanes = [&](int64_t channel, int64_t lanes, int64_t end) {
        for (int64_t ky = 0; ky < p.y.kernel; ++ky)
          for (int64_t phase = 0; phase < p.phases(); ++phase)
            for (int64_t slot = 0; slot < p.slots(phase); ++slot)
              for (int64_t c = channel; c < channel + lanes; ++c)
                for (int64_t i = 0; i < p.k0(); ++i) {
                  int64_t kx = slot * p.k0() + i - phase;
                  bool exists = c < end && kx >= 0 && kx < p.x.kernel;
                  int64_t tap = p.swapped ? kx * p.y.kernel + ky : ky * p.x.kernel + kx;
                  packed.push_back(exists ? from[c * s.taps() + tap] : 0);
                }
      };
      auto packGroup = [&](int64_t first, int64_t vectors) {
        int64_t step = p.stepLanes(vectors), end = std::min(first + p.channels(), s.outC());
        for (int64_t lane = 0; lane < vectors * p.lanes; lane += step)
          packLanes(first + lane, step, end);
      };
      for (int64_t g = 0; g < p.fullGroups(); ++g)
        packGroup(g * p.channels(), p.vectors);
      if (p.tailChannels())
        packGroup(p.fullGroups() * p.channels(), p.tailVectors());
    };
    if (!s.taps())
      return;
    if (s.stored) { // one byte a code: depthwise weights are few
      std::vector<int64_t> packed;
      pack(s.getStoredWeights(), packed);
      weights = k.constants.get(k.b, k.loc, k.b.getIntegerType(s.stored->scales ? 8 : 16), packed);
      if (s.stored->scales) {
        std::vector<float> values = s.getStoredScales();
        values.resize(values.size() + p.groupLanes());
        scales = k.constants.get(k.b, k.loc, values);
      }
      return;
    }
    if (s.isFloat()) {
      std::vector<float> packed;
      for (size_t i = 0; i < s.phases.size(); ++i)
        pack(s.getFloatWeights(i), packed);
      weights = k.constants.get(k.b, k.loc, packed);
      return;
    }
    std::vector<int64_t> packed;
    for (size_t i = 0; i < s.phases.size(); ++i)
      pack(s.getWeights(i), packed);
    // As wide as the step wants them: in a loop that is bound by loads and shuffles, widening costs more than the bytes.
    bool wide = dot.activation == DotActivation::I16 || (p.k0() == 1 && k.isa.hasVectors());
    weights = k.constants.get(k.b, k.loc, k.b.getIntegerType(wide ? 16 : 8), packed);
  }

  //===-- Panel ------------------------------------------------------------------------------------------------------------===//

  int64_t shift() { return s.isFloat() ? 0 : getActivationShift(dot, s.code); }
  int64_t padCode() { return s.isFloat() ? 0 : s.padValue + shift(); }
  int64_t inputs() const { return channels / p.multiplier(); } ///< input channels of a group
  int64_t unitElements() const { return group * p.k0(); }
  int64_t rowElements() const { return chunk * p.units * unitElements(); }
  /// Where the first row and column that count lie, of what a group reads.
  Value getOrigin(Value image, Value firstGroup) {
    Value channel = k.mul(firstGroup, p.channels() / p.multiplier());
    return k.add(k.add(k.mul(image, input.strides[0]), channel), p.x.crop * strideX + p.y.crop * strideY);
  }
  /// First element of the ring's row that holds row `r` of the padded input.
  Value ringRow(Value r) {
    if (p.ring() == 1)
      return k.index(0);
    auto known = getConstantIntValue(r);
    Value slot = known ? k.index(*known % p.ring()) : arith::RemUIOp::create(k.b, k.loc, r, k.index(p.ring())).getResult();
    return k.mul(slot, rowElements());
  }

  /// The channels that a group reads, at `offset`, as a vector of a whole group.
  Value loadChannels(Value memory, Value offset) {
    Value x = k.load(memory, offset, inputs());
    if (inputs() == group)
      return x;
    SmallVector<int64_t> order(group, inputs() - 1);
    for (int64_t i = 0; i < channels; ++i)
      order[i] = i / p.multiplier();
    return vector::ShuffleOp::create(k.b, k.loc, x, x, order);
  }

  Value splatPad(int64_t count) {
    if (s.isFloat())
      return k.splat(0.0, count);
    return k.splat(k.b.getIntegerType(8), int8_t(padCode()), count);
  }

  /// x[0], y[0], x[1], ... in pieces of 16 bytes: a wider interleaving crosses the halves of a 256-bit register at a price.
  SmallVector<Value> interleave(ArrayRef<Value> xs, ArrayRef<Value> ys) {
    SmallVector<Value> pieces;
    for (auto [x, y] : llvm::zip_equal(xs, ys)) {
      auto type = cast<VectorType>(x.getType());
      int64_t count = type.getNumElements(), most = 128 / type.getElementTypeBitWidth();
      for (int64_t first = 0; first < count; first += most / 2) {
        SmallVector<int64_t> order;
        for (int64_t i = first; i < std::min(first + most / 2, count); ++i)
          order.append({i, count + i});
        pieces.push_back(vector::ShuffleOp::create(k.b, k.loc, x, y, order));
      }
    }
    return pieces;
  }

  /// Columns 2*pair and 2*pair+1 of the padded row that begins at `from`, interleaved; `isInside(i)`: column 2*pair+i is in the
  /// input.
  SmallVector<Value> loadPair(Value from, Value pair, llvm::function_ref<bool(int64_t)> isInside) {
    Value columns[2];
    for (int64_t i : {0, 1}) {
      if (!isInside(i)) {
        columns[i] = splatPad(group);
        continue;
      }
      // In bounds: `from` lies `pad` columns before the row.
      Value x = loadChannels(input.memory, k.add(from, k.add(k.mul(pair, 2 * strideX), (i - p.x.pad) * strideX)));
      if (shift())
        x = arith::AddIOp::create(k.b, k.loc, x, k.splat(k.b.getIntegerType(8), int8_t(shift()), group));
      columns[i] = x;
    }
    return interleave(columns[0], columns[1]);
  }

  void storeUnit(ArrayRef<Value> pair, ArrayRef<Value> next, Value to, Value unit) {
    Value at = k.add(to, k.mul(unit, unitElements()));
    Type i8 = k.b.getIntegerType(8), i16 = k.b.getIntegerType(16);
    SmallVector<Value> pieces(pair);
    if (p.k0() == 4) {
      auto words = [&](ArrayRef<Value> bytes) { return llvm::map_to_vector(bytes, [&](Value v) { return k.bitcast(v, i16); }); };
      pieces = interleave(words(pair), words(next));
    }
    for (Value x : pieces) {
      x = p.k0() == 4 ? k.bitcast(x, i8) : k.extend(x, s.code, i16);
      k.store(x, panel, at);
      at = k.add(at, cast<VectorType>(x.getType()).getNumElements());
    }
  }

  /// The units of one row of one group.
  void fillUnits(Value from, Value to) {
    bool four = p.k0() == 4;
    auto inside = [&](int64_t column) { return column >= p.x.pad && column < p.x.pad + p.x.in; };
    auto isPad = [&](int64_t u) {
      for (int64_t i = 0; i < p.k0(); ++i)
        if (inside(2 * u + i))
          return false;
      return true;
    };
    int64_t begin = 0, end = p.units;
    while (begin < end && isPad(begin))
      ++begin;
    while (end > begin && isPad(end - 1))
      --end;
    fillRun(k, panel, to, padCode(), begin * unitElements());
    fillRun(k, panel, k.add(to, end * unitElements()), padCode(), (p.units - end) * unitElements());
    if (begin == end)
      return;
    // [low, high): units whose last pair lies in the input, so that a loop can load it.
    auto isWhole = [&](int64_t u) {
      int64_t pair = u + (four ? 1 : 0);
      return inside(2 * pair) && inside(2 * pair + 1);
    };
    int64_t low = begin;
    while (low < end && !isWhole(low))
      ++low;
    int64_t high = low;
    while (high < end && isWhole(high))
      ++high;
    auto single = [&](int64_t pair) { return loadPair(from, k.index(pair), [&](int64_t i) { return inside(2 * pair + i); }); };
    auto always = [](int64_t) { return true; };
    SmallVector<Value> last;
    if (four)
      last = single(begin);
    auto one = [&](int64_t u) {
      SmallVector<Value> next = single(four ? u + 1 : u);
      storeUnit(four ? last : next, next, to, k.index(u));
      if (four)
        last = next;
    };
    for (int64_t u = begin; u < low; ++u)
      one(u);
    last = k.loop(k.index(low), k.index(high), 1, last, [&](Value u, ValueRange previous) {
      SmallVector<Value> next = loadPair(from, four ? k.add(u, 1) : u, always);
      storeUnit(four ? SmallVector<Value>(previous) : next, next, to, u);
      return four ? next : SmallVector<Value>();
    });
    for (int64_t u = high; u < end; ++u)
      one(u);
  }

  /// The columns of one row of one group, where a unit is one column.
  void fillColumns(Value from, Value to) {
    int64_t left = std::min(p.x.pad, p.units), right = std::clamp(p.x.in + p.x.pad, left, p.units);
    fillRun(k, panel, to, padCode(), left * group);
    Value target = k.add(to, left * group);
    if (strideX == group && inputs() == group)
      copyRun(k, input.memory, from, s.code, 0, panel, target, (right - left) * group);
    else
      k.loop(right - left, [&](Value x) {
        k.store(loadChannels(input.memory, k.add(from, k.mul(x, strideX))), panel, k.add(target, k.mul(x, group)));
      });
    fillRun(k, panel, k.add(to, right * group), padCode(), (p.units - right) * group);
  }

  /// Row `r` of the padded input into its place in the ring.
  void fillRow(Value image, Value firstGroup, Value r) {
    Value to = ringRow(r), y = k.add(r, -p.y.pad);
    auto inside = [&] {
      Value from = k.add(getOrigin(image, firstGroup), k.mul(y, strideY));
      k.loop(chunk, [&](Value g) {
        Value fromGroup = k.add(from, k.mul(g, inputs())), toGroup = k.add(to, k.mul(g, p.units * unitElements()));
        p.k0() > 1 ? fillUnits(fromGroup, toGroup) : fillColumns(fromGroup, toGroup);
      });
    };
    if (!p.y.pad && (p.y.out - 1) * p.y.stride + p.y.span() <= p.y.in)
      return inside();
    // y < 0 is a large number when read as unsigned.
    Value valid = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ult, y, k.index(p.y.in));
    auto choice = scf::IfOp::create(k.b, k.loc, valid, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(choice.thenBlock());
    inside();
    k.b.setInsertionPointToStart(choice.elseBlock());
    fillRun(k, panel, to, padCode(), rowElements());
  }

  //===-- Positions --------------------------------------------------------------------------------------------------------===//

  /// `groups` groups of `groupVectors` vectors from `firstGroup` on; `count` channels of a group exist.
  void emitChunk(Value image, Value firstGroup, int64_t groups, int64_t groupVectors, int64_t count) {
    chunk = groups;
    vectors = groupVectors;
    group = groupVectors * p.lanes;
    channels = count;
    int64_t kept = std::max<int64_t>(p.y.span() - p.y.stride, 0);
    k.loop(rows, [&](Value y) {
      Value top = k.mul(y, p.y.stride);
      if (p.panel) {
        // The rows that the position above has not left in the ring.
        Value fresh = k.add(top, kept);
        if (kept && getConstantIntValue(y))
          fresh = k.index(0);
        else if (kept) {
          Value isFirst = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq, y, rows.low);
          fresh = arith::SelectOp::create(k.b, k.loc, isFirst, getConstantIntValue(rows.low) ? rows.low : top, fresh);
        }
        k.loop(fresh, k.add(top, p.y.span()), 1, {}, [&](Value r, ValueRange) {
          fillRow(image, firstGroup, r);
          return SmallVector<Value>();
        });
      }
      emitRow(image, y, top, firstGroup);
    });
  }

  void emitRow(Value image, Value y, Value top, Value firstGroup) {
    forEachPhase(k, s, weightsPerPhase(), s.outC() + p.groupLanes(), [&](const PhaseCursor &cursor) {
      phase = cursor;
      emitPhase(image, y, top, firstGroup);
    });
  }

  void emitPhase(Value image, Value y, Value top, Value firstGroup) {
    // Where the taps of kernel row `ky` begin, for the first group.
    auto rowBase = [&](Value ky) -> Value {
      Value r = k.add(top, k.mul(ky, p.y.dilation));
      if (p.panel)
        return ringRow(r);
      return k.add(getOrigin(image, firstGroup), k.mul(r, strideY));
    };
    SmallVector<Value> bases;
    if (isUnrolled())
      for (int64_t ky = 0; ky < p.y.kernel; ++ky)
        bases.push_back(rowBase(k.index(ky)));
    int64_t columns = p.columns, tiles = p.x.out / columns, tail = p.x.out % columns;
    // A tile of one column costs nearly what one of two does.
    if (tail == 1 && tiles) {
      --tiles;
      tail += columns;
    }
    int64_t nextTile = columns * p.x.stride / p.unitColumns() * (p.panel ? unitElements() : strideX);
    int64_t nextGroup = p.panel ? p.units * unitElements() : inputs();
    auto tile = [&](Value t, Value g, int64_t width) {
      Value along = k.add(k.mul(g, nextGroup), k.mul(t, nextTile));
      Value place = k.add(firstGroup, g), channel = k.mul(place, p.channels());
      SmallVector<Value> accs = emitTile(width, place, channel, along,
                                         [&](Value ky) { return isUnrolled() ? bases[*getConstantIntValue(ky)] : rowBase(ky); });
      SmallVector<SmallVector<Value>> positions;
      for (int64_t i = 0; i < width; ++i) {
        Value x = k.add(k.mul(t, columns), i);
        positions.push_back(p.swapped ? phase.place(k, s, image, x, y) : phase.place(k, s, image, y, x));
      }
      epilogue.storeTile(accs, positions, channel, channels);
    };
    // The longer loop inside. Weights and parameters of a group do not fit into vector registers: entering a loop over tiles
    // copies them to the stack. General registers hold those of one channel.
    if (k.isa.hasVectors() && tiles < 2 * chunk) {
      k.loop(tiles, [&](Value t) { k.loop(chunk, [&](Value g) { tile(t, g, columns); }); });
      if (tail)
        k.loop(chunk, [&](Value g) { tile(k.index(tiles), g, tail); });
      return;
    }
    k.loop(chunk, [&](Value g) {
      k.loop(tiles, [&](Value t) { tile(t, g, columns); });
      if (tail)
        tile(k.index(tiles), g, tail);
    });
  }

  //===-- Tiles ------------------------------------------------------------------------------------------------------------===//

  /// True if the rows of the kernel are straight code.
  bool isUnrolled() const {
    int64_t stepVectors = group / p.stepLanes(vectors);
    return p.y.kernel <= 2 || p.weightsPerLane() / p.k0() * p.columns * stepVectors <= mostSteps;
  }

  Value product(Value x, Value w, Value acc) {
    if (p.k0() > 1 || s.isFloat())
      return emitDot(k, dot, x, w, acc);
    return arith::AddIOp::create(k.b, k.loc, acc, arith::MulIOp::create(k.b, k.loc, x, w));
  }
  /// Weights as the step wants them.
  Value widenWeights(Value w) {
    if (!s.stored)
      return widen(w, k.b.getIntegerType(16));
    if (!scales)
      return decodeHalf(k, s.stored->format, w);
    Value wide = k.extend(w, getElementTypeOrSelf(w), k.b.getI32Type());
    auto type = VectorType::get(cast<VectorType>(wide.getType()).getShape(), k.b.getF32Type());
    return arith::SIToFPOp::create(k.b, k.loc, type, wide);
  }
  Value widen(Value x, Type code) {
    Type i16 = k.b.getIntegerType(16);
    return p.k0() > 1 || s.isFloat() ? x : k.extend(k.extend(x, code, i16), i16, k.b.getI32Type());
  }

  /// Accumulators of `width` neighbouring outputs, `vectors` of each.
  SmallVector<Value> emitTile(int64_t width, Value place, Value channel, Value along, llvm::function_ref<Value(Value)> rowBase) {
    int64_t step = p.stepLanes(vectors);
    Value weightOffset = k.add(phase.weights, k.mul(place, p.groupLanes() * p.weightsPerLane()));
    SmallVector<Value> result(width * vectors);
    for (int64_t lane = 0; lane < group; lane += step) {
      Value first = k.load(bias, k.add(k.add(phase.bias, channel), lane), step);
      SmallVector<Value> accs(width, scales ? k.splat(0.0, step) : first);
      Value vectorWeights = k.add(weightOffset, lane * p.weightsPerLane());
      auto kernelRow = [&](Value ky, ValueRange carried) {
        SmallVector<Value> next(carried);
        emitKernelRow(lane, k.add(rowBase(ky), along), k.add(vectorWeights, k.mul(ky, p.weightsPerRow() * step)), next);
        return next;
      };
      if (isUnrolled())
        for (int64_t ky = 0; ky < p.y.kernel; ++ky)
          accs = kernelRow(k.index(ky), accs);
      else
        accs = k.loop(p.y.kernel, 1, accs, kernelRow);
      if (scales)
        for (Value &acc : accs)
          acc = vector::FMAOp::create(k.b, k.loc, acc, k.load(scales, k.add(channel, lane), step), first);
      for (int64_t i = 0; i < width; ++i)
        for (int64_t v = 0; v * p.lanes < step; ++v)
          result[i * vectors + lane / p.lanes + v] = k.slice(accs[i], v * p.lanes, p.lanes);
    }
    return result;
  }

  void emitKernelRow(int64_t lane, Value base, Value weightRow, SmallVector<Value> &accs) {
    int64_t step = p.stepLanes(vectors), width = accs.size(), unitStride = p.panel ? unitElements() : strideX;
    llvm::DenseMap<int64_t, Value> units;
    auto loadUnit = [&](int64_t unit) {
      Value &x = units[unit];
      if (!x) {
        Value at = k.add(base, unit * unitStride + lane * p.k0());
        x = p.panel ? k.load(panel, at, step * p.k0()) : loadChannels(input.memory, at);
        x = widen(x, s.code);
      }
      return x;
    };
    Value w[2];
    for (int64_t slot = 0; slot < std::max(p.slots(0), p.phases() > 1 ? p.slots(1) : 0); ++slot) {
      for (int64_t phase = 0; phase < p.phases(); ++phase)
        if (slot < p.slots(phase))
          w[phase] =
              widenWeights(k.load(weights, k.add(weightRow, ((phase ? p.slots(0) : 0) + slot) * step * p.k0()), step * p.k0()));
      for (int64_t i = 0; i < width; ++i) {
        int64_t first = i * p.x.stride, phase = first % p.unitColumns();
        if (slot >= p.slots(phase))
          continue;
        int64_t unit = first / p.unitColumns() + (p.k0() > 1 ? slot * p.k0() / 2 : slot * p.x.dilation);
        accs[i] = product(loadUnit(unit), w[phase], accs[i]);
      }
    }
  }

  Kernel &k;
  DepthwisePlan p;
  ContractionShape &s;
  const DotKernel &dot;
  Flat input;
  Epilogue epilogue;
  Value weights, bias, panel, scales; ///< scales: of stored codes
  PhaseCursor phase;
  Range rows; ///< positions along y
  int64_t strideX = 0, strideY = 0;
  // Of the chunk at hand: groups, vectors and lanes of a group, channels of it that exist.
  int64_t chunk = 1, vectors = 1, group = 1, channels = 1;
};
} // namespace

LogicalResult emitDepthwise(Kernel &k) {
  std::string why;
  auto parts = ContractionShape::get(k.op, why);
  if (failed(parts))
    return k.op.emitError("is no depthwise convolution: ") << why;
  const ContractionShape &first = parts->front();
  auto decision = getDotDecision(k.op, 2);
  if (!decision || first.inPerGroup != 1 || first.outPerGroup > decision->vectors * k.isa.lanes)
    return k.op.emitError(
        "needs one input channel per output channel, a known dot kernel and a tile of two numbers whose lanes hold "
        "all outputs of a channel");
  SmallVector<DepthwisePlan, 1> plans;
  int64_t scratchBytes = 0;
  for (const ContractionShape &shape : *parts) {
    plans.push_back(makeDepthwisePlan(shape, k.isa, *decision->dot, decision->rows, decision->vectors));
    if (plans.back().phases() > 1 && plans.back().columns % 2)
      return k.op.emitError("has a tile of ") << plans.back().columns << " columns, units begin at every second one";
    scratchBytes = std::max(scratchBytes, plans.back().scratchBytes);
  }
  if (scratchBytes != int64_t(k.op.getScratchBytes()))
    return k.op.emitError("has ") << k.op.getScratchBytes() << " bytes of scratch, needs " << scratchBytes;
  auto input = k.getInput(first.input);
  auto epilogue = Epilogue::create(k, getChannelsLastResult(first.main->getResult(0)), /*collapsed=*/false);
  if (failed(input) || failed(epilogue))
    return failure();
  for (DepthwisePlan &plan : plans)
    Emitter(k, std::move(plan), *input, *epilogue).run();
  return success();
}
} // namespace qc
