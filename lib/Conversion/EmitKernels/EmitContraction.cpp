// The loops of a contraction: bands of positions, panels of activations, blocks of channels, register tiles, runs of dot steps.
#include "Arithmetic.h"
#include "DecodedTile.h"
#include "Dots.h"
#include "TileRun.h"
#include "X86.h"

using namespace mlir;

namespace qc {
/// Where the first row and column that count lie.
static Value getOrigin(Kernel &k, const ContractionShape &s, const Flat &input, Value image, Value g) {
  if (s.isProduct())
    return k.mul(image, s.inW * input.strides[0]);
  int64_t crop = s.cropLeft * input.strides[input.strides.size() - 2] + (s.positionRank == 3 ? s.cropTop * input.strides[1] : 0);
  return k.add(k.add(k.mul(image, input.strides[0]), k.mul(g, s.inPerGroup)), crop);
}

void fillPanel(Kernel &k, const ContractionPlan &p, const Flat &input, Value panel, Value image, Value g, Value firstPosition,
               Value rows) {
  const ContractionShape &s = p.s;
  int64_t shift = p.getShift(), padCode = s.isFloat() ? 0 : s.padValue + shift;
  auto copy = [&](Value from, Value to, int64_t count) { copyRun(k, input.memory, from, s.code, shift, panel, to, count); };
  int64_t stepRow = s.kernelH == 1 ? s.strideH : 1, stepColumn = s.kernelW == 1 ? s.strideW : 1;
  int64_t strideW = input.strides[input.strides.size() - 2];
  int64_t strideH = s.positionRank == 3 ? input.strides[1] : 0;
  Value base = getOrigin(k, s, input, image, g);
  // Columns [left, right) of the panel lie inside the input.
  int64_t left = std::min((s.padLeft + stepColumn - 1) / stepColumn, p.panelWidth);
  int64_t right = std::clamp((s.inW - 1 + s.padLeft) / stepColumn + 1, left, p.panelWidth);
  int64_t firstColumn = left * stepColumn - s.padLeft, width = p.panelWidth * p.pixelStride;
  k.loop(k.index(0), rows, 1, {}, [&](Value r, ValueRange) {
    Value to = k.mul(r, width);
    Value y = k.add(k.add(k.mul(firstPosition, s.strideH), k.mul(r, stepRow)), -s.padTop);
    auto inside = [&] {
      Value from = k.add(base, k.add(k.mul(y, strideH), k.index(firstColumn * strideW)));
      fillRun(k, panel, to, padCode, left * p.pixelStride);
      if (stepColumn == 1 && strideW == p.pixelStride)
        copy(from, k.add(to, left * p.pixelStride), (right - left) * p.pixelStride);
      else
        k.loop(right - left, [&](Value x) {
          copy(k.add(from, k.mul(x, stepColumn * strideW)), k.add(to, k.mul(k.add(x, left), p.pixelStride)), p.pixelStride);
        });
      fillRun(k, panel, k.add(to, right * p.pixelStride), padCode, width - right * p.pixelStride);
    };
    int64_t last = (s.outH - 1) * s.strideH + (s.kernelH - 1) * s.dilationH - s.padTop;
    if (!s.padTop && last < s.inH) {
      inside();
      return SmallVector<Value>();
    }
    // y < 0 is a large number when read as unsigned.
    Value valid = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ult, y, k.index(s.inH));
    auto choice = scf::IfOp::create(k.b, k.loc, valid, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(choice.thenBlock());
    inside();
    k.b.setInsertionPointToStart(choice.elseBlock());
    fillRun(k, panel, to, padCode, width);
    return SmallVector<Value>();
  });
}

namespace {
class Emitter {
public:
  Emitter(Kernel &k, ContractionPlan plan, Flat input, std::optional<Flat> right, Epilogue epilogue, WeightCode code)
      : k(k), p(std::move(plan)), s(p.s), dot(*p.dot), input(std::move(input)), epilogue(std::move(epilogue)), code(code),
        right(std::move(right)) {}

  void run() {
    if (s.isProduct())
      weights = PackedWeights(k.getScratch(k.b.getIntegerType(16), p.panelBytes, p.rightBytes / 2), p.vectorWeights());
    else if (p.decodes())
      stored = StoredMemory(k, p);
    else
      p.packing ? packPermuted() : packWeights();
    if (s.grouped)
      packFactors();
    bias = s.getBiases(k, p.getShift(), p.vectors * p.lanes);
    if (p.panel)
      panel = k.getScratch(p.getType(k), 0, p.panelBytes / p.elementBytes());
    if (p.isMarked()) {
      magnitudes = k.getScratch(p.getType(k), p.panelBytes, p.panelBytes);
      marks = k.getScratch(k.b.getI64Type(), 2 * p.panelBytes, p.panelBytes / 8);
    }
    if (p.sumBytes)
      sums = k.getScratch(s.isFloat() ? Type(k.b.getF32Type()) : k.b.getI32Type(), p.scratchBytes - p.sumBytes, p.sumBytes / 4);
    if (p.packing)
      permuted = k.getScratch(k.b.getIntegerType(8), p.panelBytes, p.scratchBytes - p.panelBytes);
    // Tasks divide channels by groups or, where there is one, by blocks.
    Range groups = s.groups > 1 ? k.divide(Part::Channels, s.groups) : Range{k.index(0), k.index(1), 1};
    blocks = s.groups > 1 ? Range{k.index(0), k.index(p.blocks()), p.blocks()} : k.divide(Part::Channels, p.blocks());
    if (p.flat) {
      forEachPhase(k, s, 0, 0, [&](const PhaseCursor &cursor) { phase = cursor; });
      k.loop(groups, [&](Value g) { emitFlat(g); });
      return;
    }
    k.loop(s.batch, [&](Value image) {
      Range rows = k.divideRows(s.batch, s.outH, image);
      if (s.isProduct())
        ifAny(rows, [&] { packRight(image); });
      k.loop(groups, [&](Value g) { emitImage(image, g, rows); });
    });
  }

private:
  //===-- Constants --------------------------------------------------------------------------------------------------------===//

  /// Vectors of weights.
  int64_t weightsPerPhase() const { return s.groups * (p.fullBlocks() * p.vectors + p.tailVectors()) * p.runs() * p.steps; }

  /// [phase][group][block of `vectors` vectors, then one of those left][run][step][vector][lane][k0]
  void packWeights() {
    int64_t run = p.mergedTaps ? s.kernelW : 1, length = s.inPerGroup;
    // What channels that do not exist are multiplied with; steps that do not exist need zeros.
    int8_t nowhere = code.isPacked() ? code.low : 0;
    auto pack = [&](const auto &weights, auto &packed) {
      for (int64_t g = 0; g < s.groups; ++g)
        for (int64_t block = 0; block <= p.fullBlocks(); ++block) {
          int64_t vectors = block < p.fullBlocks() ? p.vectors : p.tailVectors();
          for (int64_t r = 0; r < (vectors ? p.runs() : 0); ++r)
            for (int64_t step = 0; step < p.steps; ++step)
              for (int64_t lane = 0; lane < vectors * p.lanes; ++lane)
                for (int64_t i = 0; i < dot.k0; ++i) {
                  int64_t n = block * p.vectors * p.lanes + lane, at = step * dot.k0 + i;
                  bool exists = n < s.outPerGroup && at < p.runLength;
                  // Position in [tap][channel] of this output channel.
                  int64_t from = ((g * s.outPerGroup + n) * s.taps() + r * run) * length + at;
                  packed.push_back(exists ? weights[from] : n < s.outPerGroup ? 0 : nowhere);
                }
        }
    };
    if (!s.taps())
      return;
    if (s.isFloat()) {
      std::vector<float> packed;
      for (size_t phase = 0; phase < s.phases.size(); ++phase)
        pack(s.getFloatWeights(phase), packed);
      weights = PackedWeights(k.constants.get(k.b, k.loc, packed), p.vectorWeights());
      return;
    }
    std::vector<int8_t> packed;
    packed.reserve(s.phases.size() * weightsPerPhase() * p.vectorWeights());
    for (size_t phase = 0; phase < s.phases.size(); ++phase)
      pack(s.getStoredCodes(phase), packed);
    if (!code.isPacked() && p.hasWideWeights())
      weights =
          PackedWeights(k.constants.get(k.b, k.loc, k.b.getIntegerType(16), std::vector<int64_t>(packed.begin(), packed.end())),
                        p.vectorWeights());
    else
      weights = PackedWeights(k, packed, p.vectorWeights(), code, canInterleave(p, code.bits));
  }

  /// The factor of each group of a channel's weights, in their order: [block][run][group][vector][lane].
  void packFactors() {
    std::vector<int8_t> packed;
    int64_t perRun = p.steps / p.groupSteps(), perChannel = p.runs() * perRun;
    for (int64_t block = 0; block <= p.fullBlocks(); ++block) {
      int64_t vectors = block < p.fullBlocks() ? p.vectors : p.tailVectors(), first = block * p.vectors * p.lanes;
      for (int64_t i = 0; i < (vectors ? perChannel : 0); ++i)
        for (int64_t n = first; n < first + vectors * p.lanes; ++n)
          packed.push_back(n < s.outPerGroup ? int8_t(s.grouped->factors[n * perChannel + i]) : 0);
    }
    factors = k.constants.get(k.b, k.loc, packed);
  }

  /// `body` if there are units in `range`.
  void ifAny(const Range &range, llvm::function_ref<void()> body) {
    if (getConstantIntValue(range.low) && getConstantIntValue(range.high))
      return body();
    Value any = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ult, range.low, range.high);
    auto choice = scf::IfOp::create(k.b, k.loc, any, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(choice.thenBlock());
    body();
  }

  /// The right side of a product for this task's blocks, in the order of `packWeights`: less its zero point, as i16.
  void packRight(Value image) {
    const Flat &from = *right;
    forEachPhase(k, s, 0, 0, [&](const PhaseCursor &cursor) { phase = cursor; });
    Type i16 = k.b.getIntegerType(16);
    Value base = k.mul(image, s.inPerGroup * from.strides[0]), memory = weights.getMemory();
    int64_t step = p.vectorWeights();
    auto loadRow = [&](Value row, Value channel, int64_t count) {
      Value at = k.add(k.add(base, k.mul(row, from.strides[0])), channel);
      Value x = k.extend(loadPart(k, from.memory, at, count, p.lanes), s.rightCode, i16);
      return s.rightZeroPoint ? Value(arith::SubIOp::create(k.b, k.loc, x, k.splat(i16, s.rightZeroPoint, p.lanes))) : x;
    };
    forEachBlock(k.index(0), [&](Value, Value channel, Value weightOffset, int64_t vectors, int64_t channels) {
      for (int64_t v = 0; v < vectors; ++v) {
        int64_t count = std::min(p.lanes, channels - v * p.lanes);
        Value first = k.add(channel, v * p.lanes), to = k.mul(k.add(weightOffset, v), step);
        auto put = [&](Value i, int64_t rows) { // a step of `rows` rows that exist
          Value packed = rows ? loadRow(k.mul(i, dot.k0), first, count) : k.splat(i16, 0, p.lanes);
          if (dot.k0 == 2) {
            Value next = rows > 1 ? loadRow(k.add(k.mul(i, 2), 1), first, count) : k.splat(i16, 0, p.lanes);
            SmallVector<int64_t> pairs;
            for (int64_t lane = 0; lane < p.lanes; ++lane)
              pairs.append({lane, p.lanes + lane});
            packed = vector::ShuffleOp::create(k.b, k.loc, packed, next, pairs);
          }
          k.store(packed, memory, k.add(to, k.mul(i, vectors * step)));
        };
        int64_t whole = s.inPerGroup / dot.k0;
        k.loop(whole, [&](Value i) { put(i, dot.k0); });
        for (int64_t i = whole; i < p.steps; ++i)
          put(k.index(i), i == whole ? s.inPerGroup % dot.k0 : 0);
      }
    });
  }

  /// [block][quad][lane][4]; and for filling, per block and term: shuffle, source and target; single chunks,
  /// pairs of neighbouring chunks, further terms.
  void packPermuted() {
    std::vector<int8_t> packed, masks;
    std::vector<int64_t> places;
    int64_t strideW = input.strides[input.strides.size() - 2], strideH = s.positionRank == 3 && !p.flat ? input.strides[1] : 0;
    auto getOffset = [&](int64_t source) {
      int64_t run = source / p.runLength, rest = source % p.runLength, taps = p.mergedTaps ? 1 : s.kernelW;
      int64_t line = p.panel ? p.panelWidth * p.pixelStride : strideH, column = p.panel ? p.pixelStride : strideW;
      return run / taps * s.dilationH * line + run % taps * s.dilationW * column + rest;
    };
    for (const PairSafeBlock &block : p.packing->blocks) {
      packed.insert(packed.end(), block.weights.begin(), block.weights.end());
      packed.resize(packed.size() + (p.steps - block.getQuads()) * p.packing->block * 4);
      auto append = [&](int64_t quad, const PairSafeTerm &term) {
        masks.insert(masks.end(), term.shuffle.begin(), term.shuffle.end());
        places.push_back(getOffset(term.source));
        places.push_back(quad * 4);
      };
      ArrayRef<PairSafeChunk> chunks = block.chunks;
      SmallVector<size_t> pairs = getChunkPairs(block, p.runLength);
      pairs.truncate(p.chunkPairs);
      DenseSet<size_t> paired;
      for (size_t first : pairs) {
        paired.insert(first);
        paired.insert(first + 1);
      }
      int64_t singles = 0;
      auto single = [&](size_t i) {
        append(chunks[i].quad, chunks[i].terms.front());
        ++singles;
      };
      size_t last = 0;
      for (size_t i = 0; i < chunks.size(); ++i)
        if (!paired.contains(i))
          single(last = i);
      // The last one again instead of none: a first term is stored, not added.
      while (singles < p.singleChunks)
        single(last);
      for (size_t first : pairs) {
        append(chunks[first].quad, chunks[first].terms.front());
        append(chunks[first + 1].quad, chunks[first + 1].terms.front());
      }
      int64_t further = 0;
      for (const PairSafeChunk &chunk : chunks)
        for (const PairSafeTerm &term : ArrayRef(chunk.terms).drop_front()) {
          append(chunk.quad, term);
          ++further;
        }
      PairSafeTerm nothing;
      nothing.shuffle.fill(0x80);
      for (; further < p.furtherTerms; ++further)
        append(0, nothing);
    }
    packChainEnds();
    weights = PackedWeights(k.constants.get(k.b, k.loc, packed), p.vectorWeights());
    shuffles = k.constants.get(k.b, k.loc, masks);
    offsets = k.constants.get(k.b, k.loc, k.b.getI32Type(), places);
  }

  /// [block][end of the full chunks, end of the half ones], unless all blocks have the same.
  void packChainEnds() {
    std::vector<int64_t> ends;
    bool equal = true;
    for (const PairSafeBlock &block : p.packing->blocks) {
      ends.push_back(block.fullQuads);
      ends.push_back(block.fullQuads + block.halfQuads);
      equal &= ends[ends.size() - 2] == ends[0] && ends.back() == ends[1];
    }
    if (equal)
      sameEnds = {ends[0], ends[1]};
    else
      chainEnds = k.constants.get(k.b, k.loc, k.b.getI32Type(), ends);
  }
  Value getChainEnd(Value block, int64_t which) {
    return chainEnds ? loadIndex(chainEnds, k.add(k.mul(block, 2), which)) : k.index(sameEnds[which]);
  }
  Value loadIndex(Value table, Value at) {
    return arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), k.loadScalar(table, at));
  }

  /// Brings the activations of `count` tiles of `rows` positions into the order of `block`.
  void fillPermuted(Value block, Value from, int64_t nextPosition, Value count, int64_t rows) {
    Value source = p.panel ? panel : input.memory;
    Type i8 = k.b.getIntegerType(8);
    int64_t terms = p.singleChunks + 2 * p.chunkPairs + p.furtherTerms;
    Value first = k.mul(block, terms);
    // Terms [low, high), `width` / 16 at a time.
    auto forEachTerm = [&](int64_t low, int64_t high, int64_t width, bool isFirst, Value tile) {
      auto vector = VectorType::get({width}, i8);
      k.loop(k.index(low), k.index(high), width / 16, {}, [&](Value t, ValueRange) {
        Value term = k.add(first, t);
        auto place = [&](int64_t i) { return loadIndex(offsets, k.add(k.mul(term, 2), i)); };
        Value mask = k.load(shuffles, k.mul(term, 16), width), read = k.add(from, place(0)), write = place(1);
        for (int64_t row = 0; row < rows; ++row) {
          Value pixel = k.add(k.mul(tile, rows), row);
          Value x = k.load(source, k.add(read, k.mul(pixel, nextPosition)), width);
          Value moved = x86::call(k, x86::pshufb, vector, {x, mask});
          Value to = k.add(write, k.mul(pixel, p.permutedStride));
          // Code + 128 where activations are i8 and no panel has done it: flipped once, when the first term is stored. Slots that
          // no term fills meet zero weights.
          if (isFirst && !p.panel && !s.isUnsigned())
            moved = arith::XOrIOp::create(k.b, k.loc, moved, k.splat(i8, -128, width));
          if (!isFirst)
            moved = arith::XOrIOp::create(k.b, k.loc, moved, k.load(permuted, to, width));
          k.store(moved, permuted, to);
        }
        return SmallVector<Value>();
      });
    };
    k.loop(k.index(0), count, 1, {}, [&](Value tile, ValueRange) {
      // A single chunk may be shorter than what is stored; pairs are full, so they come later. Both ascend.
      int64_t pairs = p.singleChunks + 2 * p.chunkPairs;
      forEachTerm(0, p.singleChunks, 16, true, tile);
      forEachTerm(p.singleChunks, pairs, 32, true, tile);
      forEachTerm(pairs, terms, 16, false, tile);
      return SmallVector<Value>();
    });
  }

  /// Calls `tile(first position of a tile, where its activations start)` for `count` tiles of `rows` positions whose activations
  /// start at `from`; permutes them first where the plan says so.
  void forEachTile(Value block, Value from, int64_t nextPosition, Value count, int64_t rows,
                   llvm::function_ref<void(Value position, Value activations)> tile) {
    if (!p.packing) {
      k.loop(k.index(0), count, 1, {}, [&](Value t, ValueRange) {
        tile(k.mul(t, rows), k.add(from, k.mul(t, rows * nextPosition)));
        return SmallVector<Value>();
      });
      return;
    }
    k.loop(k.index(0), count, p.permutedTiles, {}, [&](Value t0, ValueRange) {
      auto constant = getConstantIntValue(count);
      Value some = constant && *constant % p.permutedTiles == 0 ? k.index(p.permutedTiles)
                                                                : k.min(k.sub(count, t0), k.index(p.permutedTiles));
      fillPermuted(block, k.add(from, k.mul(t0, rows * nextPosition)), nextPosition, some, rows);
      k.loop(k.index(0), some, 1, {}, [&](Value t, ValueRange) {
        tile(k.mul(k.add(t0, t), rows), k.mul(t, rows * p.permutedStride));
        return SmallVector<Value>();
      });
      return SmallVector<Value>();
    });
  }

  //===-- Panels -----------------------------------------------------------------------------------------------------------===//

  void copy(Value from, Value to, int64_t count) { copyRun(k, input.memory, from, s.code, p.getShift(), panel, to, count); }

  /// What the activations of each of `count` positions add to its accumulators beside the products of codes: their sum times the
  /// lowest weight.
  void sumPositions(Value source, Value from, int64_t nextPosition, Value count) {
    int64_t bytes = 4 * p.lanes;
    Type i8 = k.b.getIntegerType(8), i32 = k.b.getI32Type();
    if (s.grouped)
      return sumGroups(source, from, nextPosition, count);
    Value none = k.splat(i32, 0, p.lanes), low = arith::ConstantIntOp::create(k.b, k.loc, i32, code.low);
    k.loop(k.index(0), count, 1, {}, [&](Value position, ValueRange) {
      Value first = k.add(from, k.mul(position, nextPosition));
      Value sum = k.loop(p.runLength, bytes, none, [&](Value at, ValueRange carried) -> SmallVector<Value> {
        Value pairs = emitPairs(k, k.splat(i8, 1, bytes), k.load(source, k.add(first, at), bytes));
        return {addPairs(k, pairs, carried[0])};
      })[0];
      Value all = vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::ADD, sum);
      k.storeScalar(arith::MulIOp::create(k.b, k.loc, all, low), sums, position);
      return SmallVector<Value>();
    });
  }

  /// The same of each group of weights, for the even and the odd products of a lane, in i16: 16 products of 4 and 8 bits.
  void sumGroups(Value source, Value from, int64_t nextPosition, Value count) {
    int64_t bytes = 4 * p.lanes, length = s.grouped->length, together = bytes / length, groups = s.inPerGroup / length;
    Type i8 = k.b.getIntegerType(8), i32 = k.b.getI32Type();
    Arithmetic a(k);
    k.loop(k.index(0), count, 1, {}, [&](Value position, ValueRange) {
      Value first = k.add(from, k.mul(position, nextPosition)), to = k.mul(position, groups);
      k.loop(groups, together, {}, [&](Value group, ValueRange) {
        Value x = k.load(source, k.add(first, k.mul(group, length)), bytes);
        Value pairs = emitPairs(k, k.splat(i8, 1, bytes), x);
        for (int64_t g = 0; g < together; ++g) {
          Value sum = k.slice(pairs, g * length / 2, length / 2);
          for (int64_t half = length / 4; half >= 2; half /= 2)
            sum = a.add(k.slice(sum, 0, half), k.slice(sum, half, half));
          sum = k.bitcast(a.mul(sum, code.low), i32);
          k.storeScalar(vector::ExtractOp::create(k.b, k.loc, sum, 0), sums, k.add(to, k.add(group, g)));
        }
        return SmallVector<Value>();
      });
      return SmallVector<Value>();
    });
  }

  /// What chains that depend on activations need of the panel's first `count` positions. The panel holds signs then.
  void markPanel(Value count) {
    int64_t bytes = 4 * p.lanes;
    Type i32 = k.b.getI32Type();
    k.loop(k.index(0), count, 1, {}, [&](Value position, ValueRange) {
      Value first = k.mul(position, p.pixelStride);
      Value negative = k.loop(p.runLength, bytes, k.splat(i32, 0, p.lanes), [&](Value i, ValueRange sum) -> SmallVector<Value> {
        Value at = k.add(first, i);
        MarkedChains chains = markChains(k, k.load(panel, at, bytes), sum[0]);
        k.store(chains.signs, panel, at);
        k.store(chains.magnitudes, magnitudes, at);
        k.store(chains.marks, marks, arith::DivUIOp::create(k.b, k.loc, at, k.index(2 * dot.k0)));
        return {chains.negative};
      })[0];
      k.storeScalar(vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::ADD, negative), sums, position);
      return SmallVector<Value>();
    });
  }

  //===-- Positions --------------------------------------------------------------------------------------------------------===//

  using PositionFn = llvm::function_ref<SmallVector<Value>(int64_t row)>;

  void emitFlat(Value g) {
    int64_t tiles = p.width() / p.rows, tail = p.width() % p.rows, stride = input.strides[0];
    Value group = k.mul(g, s.inPerGroup);
    auto emitTiles = [&](Value first, Value count, int64_t rows) {
      // Positions from `first` on, `count` tiles of `rows`.
      if (p.panel)
        k.loop(k.index(0), count, 1, {}, [&](Value t, ValueRange) {
          Value from = k.add(group, k.mul(k.add(first, k.mul(t, rows)), stride)), to = k.mul(t, rows * p.pixelStride);
          if (stride == p.pixelStride)
            copy(from, to, rows * p.pixelStride);
          else
            k.loop(rows, [&](Value row) {
              copy(k.add(from, k.mul(row, stride)), k.add(to, k.mul(row, p.pixelStride)), p.pixelStride);
            });
          return SmallVector<Value>();
        });
      if (p.isMarked())
        markPanel(k.mul(count, rows));
      int64_t nextPosition = p.panel ? p.pixelStride : stride;
      Value from = p.panel ? k.index(0) : k.add(group, k.mul(first, stride));
      if (p.prescales())
        prescalePanel(k, p, panel, sums, k.mul(count, rows));
      else if (dot.step == DotStep::VPMADDCODES)
        sumPositions(p.panel ? panel : input.memory, from, nextPosition, k.mul(count, rows));
      forEachBlock(g, [&](Value block, Value channel, Value weightOffset, int64_t vectors, int64_t channels) {
        forEachTile(block, from, nextPosition, count, rows, [&](Value at, Value activations) {
          Value position = k.add(first, at);
          emitTile(rows, vectors, block, activations, nextPosition, 0, 0, channel, weightOffset, channels, at,
                   [&](int64_t row) { return SmallVector<Value>{k.add(position, row)}; });
        });
      });
    };
    Range range = k.divide(Part::Positions, tiles + (tail ? 1 : 0));
    Value end = tail ? k.min(range.high, k.index(tiles)) : range.high;
    if (tiles)
      k.loop(range.low, end, p.band, {}, [&](Value first, ValueRange) {
        emitTiles(k.mul(first, p.rows), getBand(first, end, tiles), p.rows);
        return SmallVector<Value>();
      });
    if (tail)
      k.atEnd(range, [&] { emitTiles(k.index(tiles * p.rows), k.index(1), tail); });
  }

  /// How many of `count` rows or tiles are in the band that begins at `first`.
  Value getBand(Value first, Value end, int64_t count) {
    if (getConstantIntValue(end) && count % p.band == 0)
      return k.index(std::min(p.band, count));
    return k.min(k.sub(end, first), k.index(p.band));
  }

  void emitImage(Value image, Value g, const Range &range) {
    int64_t strideW = input.strides[input.strides.size() - 2], strideH = s.positionRank == 3 ? input.strides[1] : 0;
    int64_t tiles = s.outW / p.rows, tail = s.outW % p.rows;
    // How far apart in memory: neighbouring positions, kernel rows, taps of a row, rows of positions.
    int64_t nextPosition = p.panel ? p.stepW() * p.pixelStride : s.strideW * strideW;
    int64_t line = p.panel ? p.panelWidth * p.pixelStride : strideH;
    int64_t nextTapRow = s.dilationH * line, nextTap = s.dilationW * (p.panel ? p.pixelStride : strideW);
    int64_t nextLine = (p.panel ? p.stepH() : s.strideH) * line;
    k.loop(range.low, range.high, p.band, {}, [&](Value first, ValueRange) {
      Value count = getBand(first, range.high, s.outH);
      Value base = k.index(0);
      if (p.panel)
        fillPanel(k, p, input, panel, image, g, first,
                  k.add(k.mul(k.add(count, -1), p.stepH()), (s.kernelH - 1) * s.dilationH + 1));
      else
        base = k.add(getOrigin(k, s, input, image, g), k.mul(first, nextLine));
      auto emitBlock = [&](Value block, Value channel, Value weightOffset, int64_t vectors, int64_t channels) {
        k.loop(k.index(0), count, 1, {}, [&](Value y, ValueRange) {
          Value lineBase = k.add(base, k.mul(y, nextLine)), row = k.add(first, y);
          auto tile = [&](Value x, Value activations, int64_t rows) {
            emitTile(rows, vectors, block, activations, nextPosition, nextTapRow, nextTap, channel, weightOffset, channels, x,
                     [&](int64_t i) {
                       Value column = k.add(x, i);
                       return s.isProduct() ? SmallVector<Value>{k.add(k.mul(image, s.outW), column)}
                                            : phase.place(k, s, image, row, column);
                     });
          };
          if (tiles)
            forEachTile(block, lineBase, nextPosition, k.index(tiles), p.rows,
                        [&](Value x, Value activations) { tile(x, activations, p.rows); });
          if (tail)
            forEachTile(block, k.add(lineBase, tiles * p.rows * nextPosition), nextPosition, k.index(1), tail,
                        [&](Value x, Value activations) { tile(k.add(x, tiles * p.rows), activations, tail); });
          return SmallVector<Value>();
        });
      };
      forEachPhase(k, s, weightsPerPhase(), s.outC() + p.vectors * p.lanes, [&](const PhaseCursor &cursor) {
        phase = cursor;
        forEachBlock(g, emitBlock);
      });
      return SmallVector<Value>();
    });
  }

  //===-- Channels and tiles -----------------------------------------------------------------------------------------------===//

  using BlockFn = llvm::function_ref<void(Value block, Value channel, Value weightOffset, int64_t vectors, int64_t channels)>;
  void forEachBlock(Value g, BlockFn body) {
    int64_t block = p.vectors * p.steps * (p.packing ? 1 : p.runs()), channels = p.vectors * p.lanes;
    Value groupWeights = k.add(phase.weights, k.mul(g, p.fullBlocks() * block + p.tailVectors() * p.runs() * p.steps));
    Value groupChannel = k.mul(g, s.outPerGroup);
    k.loop(
        blocks, p.fullBlocks(),
        [&](Value i) {
          body(i, k.add(groupChannel, k.mul(i, channels)), k.add(groupWeights, k.mul(i, block)), p.vectors, channels);
        },
        [&] {
          body(k.index(p.fullBlocks()), k.add(groupChannel, p.fullBlocks() * channels),
               k.add(groupWeights, p.fullBlocks() * block), p.tailVectors(), s.outPerGroup - p.fullBlocks() * channels);
        });
  }

  /// `bandPosition`: the first position among those of the band, where it has sums.
  void emitTile(int64_t rows, int64_t vectors, Value block, Value from, int64_t nextPosition, int64_t nextTapRow, int64_t nextTap,
                Value channel, Value weightOffset, int64_t channels, Value bandPosition, PositionFn positionOf) {
    SmallVector<Value> biases;
    for (int64_t v = 0; v < vectors; ++v)
      biases.push_back(k.load(bias, k.add(k.add(phase.bias, channel), v * p.lanes), p.lanes));
    Value source = p.packing ? permuted : p.panel ? panel : input.memory;
    if (p.packing)
      nextPosition = p.permutedStride;
    SmallVector<SmallVector<Value>> positions;
    for (int64_t row = 0; row < rows; ++row)
      positions.push_back(positionOf(row));
    if (p.decodes()) {
      DecodedTile tile{k, p, stored, rows, vectors, source, nextPosition, nextTapRow, nextTap, sums, bandPosition};
      return epilogue.storeTile(tile.run(from, weightOffset, biases), positions, channel, channels);
    }
    // A permuted block keeps its size where channels are missing.
    int64_t stepWeights = p.packing ? p.vectors : vectors, runWeights = p.steps * stepWeights;
    TileRun tile{k, p, rows, vectors, source, weights, nextPosition, stepWeights, Value(), Value(), magnitudes, marks};
    tile.factors = factors;
    if (p.packing && dot.chain > 1) {
      tile.fullEnd = getChainEnd(block, 0);
      tile.halfEnd = getChainEnd(block, 1);
    }
    int64_t taps = p.packing || p.mergedTaps ? 1 : s.kernelW;
    // Codes are multiplied without what all of them have in common, negative activations without their magnitudes.
    SmallVector<Value> starts = biases;
    auto loadSum = [&](int64_t row) { return k.broadcast(k.loadScalar(sums, k.add(bandPosition, row)), p.lanes); };
    bool hasCodes = dot.step == DotStep::VPMADDCODES && !s.grouped;
    if (dot.step == DotStep::VPMADDCODES && s.grouped) {
      tile.groupSums = sums;
      tile.groupBase = k.mul(bandPosition, s.inPerGroup / s.grouped->length);
    }
    if (p.isMarked())
      for (Value &start : biases)
        start = Arithmetic(k).add(start, loadSum(0));
    if (hasCodes)
      llvm::fill(biases, k.splat(k.b.getI32Type(), 0, p.lanes));
    SmallVector<Value> accs = k.loop(p.packing ? 1 : s.kernelH, 1, tile.start(biases), [&](Value ky, ValueRange outer) {
      return k.loop(taps, 1, outer, [&](Value kx, ValueRange inner) {
        Value run = k.add(k.mul(ky, taps), kx);
        return tile.run(k.add(from, k.add(k.mul(ky, nextTapRow), k.mul(kx, nextTap))),
                        k.add(weightOffset, k.mul(run, runWeights)), inner);
      });
    });
    accs = tile.finish(accs);
    if (hasCodes) {
      Arithmetic a(k);
      for (int64_t row = 0; row < rows; ++row) {
        Value common = loadSum(row);
        for (int64_t v = 0; v < vectors; ++v) {
          Value &acc = accs[row * vectors + v];
          acc = a.add(code.shift ? a.shl(acc, code.shift) : acc, a.add(common, starts[v]));
        }
      }
    }
    epilogue.storeTile(accs, positions, channel, channels);
  }

  Kernel &k;
  ContractionPlan p;
  ContractionShape &s;
  const DotKernel &dot;
  Flat input;
  Epilogue epilogue;
  WeightCode code;
  PackedWeights weights;
  StoredMemory stored;       ///< instead, where the tile decodes them
  std::optional<Flat> right; ///< of a product
  Value bias, factors, panel, magnitudes, marks, sums;
  PhaseCursor phase;
  Range blocks;                      ///< of channels, in each group
  Value permuted, shuffles, offsets; ///< of the permuted form
  Value chainEnds;                   ///< its table, or for all blocks:
  std::array<int64_t, 2> sameEnds{};
};
} // namespace

LogicalResult emitContraction(Kernel &k) {
  std::string why;
  auto parts = ContractionShape::get(k.op, why);
  if (failed(parts))
    return k.op.emitError("is no contraction: ") << why;
  auto decision = getDotDecision(k.op);
  if (!decision)
    return k.op.emitError("needs a known dot kernel and a tile of two or three numbers");
  const DotKernel *dot = decision->dot;
  if (std::string why = checkDot(*parts, k.isa, *dot, k.op.getPermuted()); !why.empty())
    return k.op.emitError("cannot use ") << dot->name << ": " << why;
  SmallVector<ContractionPlan, 1> plans;
  for (const ContractionShape &shape : *parts) {
    plans.push_back(makePlan(shape, k.isa, *dot, decision->rows, decision->vectors, k.op.getPermuted()));
    if (!plans.back().unsafe.empty())
      return k.op.emitError("cannot be multiplied pair by pair: ") << plans.back().unsafe;
  }
  if (int64_t bytes = getScratchBytes(plans); bytes != int64_t(k.op.getScratchBytes()))
    return k.op.emitError("has ") << k.op.getScratchBytes() << " bytes of scratch, needs " << bytes;
  WeightCode code;
  if (auto bits = k.op.getWeightBits()) {
    code = getWeightCode(plans);
    if (code.bits > int64_t(*bits))
      return k.op.emitError("has weights of ") << code.bits << " bits, its weight_bits are " << *bits;
    code.bits = *bits;
  }
  if (dot->needs == DotProof::FewBits && !code.isPacked())
    return k.op.emitError("needs weight_bits of at most 7 for ") << dot->name;
  const ContractionShape &first = parts->front();
  auto input = k.getInput(first.input);
  Value acc = first.main->getResult(0);
  if (Value last = getChannelsLastResult(acc); last && !isa<MatmulOp>(first.main))
    acc = last;
  // What is flat is the only part.
  bool flat = plans.front().flat || first.isProduct();
  auto epilogue = Epilogue::create(k, acc, /*collapsed=*/flat);
  if (failed(input) || failed(epilogue))
    return failure();
  if (flat) {
    if (!input->isCollapsible())
      return k.op.emitError("reads a buffer whose rows do not follow each other");
    input = input->collapse();
  }
  std::optional<Flat> right;
  if (first.isProduct()) {
    auto buffer = k.getInput(first.right);
    if (failed(buffer))
      return failure();
    if (!buffer->isCollapsible())
      return k.op.emitError("reads a buffer whose rows do not follow each other");
    right = buffer->collapse();
  }
  for (ContractionPlan &plan : plans)
    Emitter(k, std::move(plan), *input, right, *epilogue, code).run();
  return success();
}
} // namespace qc
