// The loops of a contraction: bands of positions, panels of activations, blocks of channels, register tiles, runs of dot steps.
#include "Contraction.h"
#include "Dots.h"

using namespace mlir;

namespace qc {
namespace {
class Emitter {
public:
  Emitter(Kernel &k, ContractionPlan plan, Flat input, Epilogue epilogue)
      : k(k), p(std::move(plan)), s(p.s), dot(*p.dot), input(std::move(input)), epilogue(std::move(epilogue)) {}

  void run() {
    packWeights();
    packBias();
    if (p.panel)
      panel = k.getScratch(getActivationType(k, dot, s.code), 0, p.scratchBytes / p.elementBytes());
    if (p.flat) {
      k.loop(s.groups, [&](Value g) { emitFlat(g); });
      return;
    }
    k.loop(s.batch, [&](Value image) { k.loop(s.groups, [&](Value g) { emitImage(image, g); }); });
  }

private:
  //===-- Constants --------------------------------------------------------------------------------------------------------===//

  /// [group][block of `vectors` vectors, then one of those left][run][step][vector][lane][k0]
  void packWeights() {
    int64_t run = p.mergedTaps ? s.kernelW : 1, length = s.inPerGroup;
    auto pack = [&](const auto &weights, auto &packed) {
      packed.reserve(s.groups * (p.fullBlocks() * p.vectors + p.tailVectors()) * p.weightsPerVector());
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
                  packed.push_back(exists ? weights[from] : 0);
                }
        }
    };
    if (s.isFloat()) {
      std::vector<float> packed;
      pack(s.getFloatWeights(), packed);
      weights = k.constants.get(k.b, k.loc, packed);
      return;
    }
    std::vector<int64_t> packed;
    pack(s.getWeights(), packed);
    weights = k.constants.get(k.b, k.loc, k.b.getIntegerType(8), packed);
  }

  /// One entry per channel, and room for the lanes behind the last. What the step adds to every code is taken off here.
  void packBias() {
    int64_t outs = s.outC(), slack = p.vectors * p.lanes;
    if (s.isFloat()) {
      std::vector<float> values(outs + slack, 0.0f);
      if (s.bias)
        llvm::copy(getFloats(s.bias), values.begin());
      bias = k.constants.get(k.b, k.loc, values);
      return;
    }
    std::vector<int64_t> values(outs + slack, 0);
    if (s.bias)
      llvm::copy(getInts(s.bias), values.begin());
    if (int64_t shift = getActivationShift(dot, s.code)) {
      std::vector<int64_t> from = s.getWeights();
      int64_t depth = s.taps() * s.inPerGroup;
      // Modulo 2^32, as the accumulator: the final sum fits (acc_bound).
      for (int64_t o = 0; o < outs; ++o)
        for (int64_t i = 0; i < depth; ++i)
          values[o] -= shift * from[o * depth + i];
    }
    for (int64_t &value : values)
      value = int32_t(uint32_t(uint64_t(value)));
    bias = k.constants.get(k.b, k.loc, k.b.getI32Type(), values);
  }

  //===-- Panels -----------------------------------------------------------------------------------------------------------===//

  int64_t padCode() {
    return s.isFloat() ? 0 : s.padValue + getActivationShift(dot, s.code);
  }
  void copy(Value from, Value to, int64_t count) {
    copyRun(k, input.memory, from, s.code, getActivationShift(dot, s.code), panel, to, count);
  }

  /// Rows of the input that the positions of a band read, `rows` of them (a number or a value), padded on all sides.
  void fillPanel(Value image, Value g, Value firstPosition, Value rows) {
    int64_t stepRow = s.kernelH == 1 ? s.strideH : 1, stepColumn = s.kernelW == 1 ? s.strideW : 1;
    int64_t strideW = input.strides[input.strides.size() - 2];
    int64_t strideH = s.positionRank == 3 ? input.strides[1] : 0;
    Value base = k.add(k.mul(image, input.strides[0]), k.mul(g, s.inPerGroup));
    // Columns [left, right) of the panel lie inside the input.
    int64_t left = std::min((s.padLeft + stepColumn - 1) / stepColumn, p.panelWidth);
    int64_t right = std::clamp((s.inW - 1 + s.padLeft) / stepColumn + 1, left, p.panelWidth);
    int64_t firstColumn = left * stepColumn - s.padLeft, width = p.panelWidth * p.pixelStride;
    k.loop(k.index(0), rows, 1, {}, [&](Value r, ValueRange) {
      Value to = k.mul(r, width);
      Value y = k.add(k.add(k.mul(firstPosition, s.strideH), k.mul(r, stepRow)), -s.padTop);
      auto inside = [&] {
        Value from = k.add(base, k.add(k.mul(y, strideH), k.index(firstColumn * strideW)));
        fillRun(k, panel, to, padCode(), left * p.pixelStride);
        if (stepColumn == 1 && strideW == p.pixelStride)
          copy(from, k.add(to, left * p.pixelStride), (right - left) * p.pixelStride);
        else
          k.loop(right - left, [&](Value x) {
            copy(k.add(from, k.mul(x, stepColumn * strideW)), k.add(to, k.mul(k.add(x, left), p.pixelStride)), p.pixelStride);
          });
        fillRun(k, panel, k.add(to, right * p.pixelStride), padCode(), width - right * p.pixelStride);
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
      fillRun(k, panel, to, padCode(), width);
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
      forEachBlock(g, [&](Value channel, Value weightOffset, int64_t vectors, int64_t channels) {
        k.loop(k.index(0), count, 1, {}, [&](Value t, ValueRange) {
          Value position = k.add(first, k.mul(t, rows));
          Value from = p.panel ? k.mul(t, rows * p.pixelStride) : k.add(group, k.mul(position, stride));
          emitTile(rows, vectors, from, p.panel ? p.pixelStride : stride, 0, 0, channel, weightOffset, channels,
                   [&](int64_t row) { return SmallVector<Value>{k.add(position, row)}; });
          return SmallVector<Value>();
        });
      });
    };
    if (tiles)
      k.loop(k.index(0), k.index(tiles), p.band, {}, [&](Value first, ValueRange) {
        Value count = tiles % p.band ? k.min(k.sub(k.index(tiles), first), k.index(p.band)) : k.index(std::min(p.band, tiles));
        emitTiles(k.mul(first, p.rows), count, p.rows);
        return SmallVector<Value>();
      });
    if (tail)
      emitTiles(k.index(tiles * p.rows), k.index(1), tail);
  }

  void emitImage(Value image, Value g) {
    int64_t strideW = input.strides[input.strides.size() - 2], strideH = s.positionRank == 3 ? input.strides[1] : 0;
    int64_t tiles = s.outW / p.rows, tail = s.outW % p.rows;
    // How far apart in memory: neighbouring positions, kernel rows, taps of a row, rows of positions.
    int64_t nextPosition = p.panel ? p.stepW() * p.pixelStride : s.strideW * strideW;
    int64_t line = p.panel ? p.panelWidth * p.pixelStride : strideH;
    int64_t nextTapRow = s.dilationH * line, nextTap = s.dilationW * (p.panel ? p.pixelStride : strideW);
    int64_t nextLine = (p.panel ? p.stepH() : s.strideH) * line;
    k.loop(k.index(0), k.index(s.outH), p.band, {}, [&](Value first, ValueRange) {
      Value count = s.outH % p.band ? k.min(k.sub(k.index(s.outH), first), k.index(p.band)) : k.index(p.band);
      Value base = k.index(0);
      if (p.panel)
        fillPanel(image, g, first, k.add(k.mul(k.add(count, -1), p.stepH()), (s.kernelH - 1) * s.dilationH + 1));
      else
        base = k.add(k.add(k.mul(image, input.strides[0]), k.mul(g, s.inPerGroup)), k.mul(first, nextLine));
      forEachBlock(g, [&](Value channel, Value weightOffset, int64_t vectors, int64_t channels) {
        k.loop(k.index(0), count, 1, {}, [&](Value y, ValueRange) {
          Value lineBase = k.add(base, k.mul(y, nextLine)), row = k.add(first, y);
          auto tile = [&](Value x, int64_t rows) {
            emitTile(rows, vectors, k.add(lineBase, k.mul(x, nextPosition)), nextPosition, nextTapRow, nextTap, channel,
                     weightOffset, channels, [&](int64_t i) {
                       SmallVector<Value> position{image};
                       if (s.positionRank == 3)
                         position.push_back(row);
                       position.push_back(k.add(x, i));
                       return position;
                     });
          };
          k.loop(tiles, [&](Value t) { tile(k.mul(t, p.rows), p.rows); });
          if (tail)
            tile(k.index(tiles * p.rows), tail);
          return SmallVector<Value>();
        });
      });
      return SmallVector<Value>();
    });
  }

  //===-- Channels and tiles -----------------------------------------------------------------------------------------------===//

  using BlockFn = llvm::function_ref<void(Value channel, Value weightOffset, int64_t vectors, int64_t channels)>;
  void forEachBlock(Value g, BlockFn body) {
    int64_t block = p.vectors * p.weightsPerVector(), channels = p.vectors * p.lanes;
    Value groupWeights = k.mul(g, p.fullBlocks() * block + p.tailVectors() * p.weightsPerVector());
    Value groupChannel = k.mul(g, s.outPerGroup);
    k.loop(p.fullBlocks(), [&](Value i) {
      body(k.add(groupChannel, k.mul(i, channels)), k.add(groupWeights, k.mul(i, block)), p.vectors, channels);
    });
    if (int64_t tail = p.tailVectors())
      body(k.add(groupChannel, p.fullBlocks() * channels), k.add(groupWeights, p.fullBlocks() * block), tail,
           s.outPerGroup - p.fullBlocks() * channels);
  }

  void emitTile(int64_t rows, int64_t vectors, Value from, int64_t nextPosition, int64_t nextTapRow, int64_t nextTap,
                Value channel, Value weightOffset, int64_t channels, PositionFn positionOf) {
    SmallVector<Value> start(rows * vectors);
    for (int64_t v = 0; v < vectors; ++v) {
      Value first = k.load(bias, k.add(channel, v * p.lanes), p.lanes);
      for (int64_t row = 0; row < rows; ++row)
        start[row * vectors + v] = first;
    }
    Value source = p.panel ? panel : input.memory;
    int64_t stepWeights = vectors * p.lanes * dot.k0, runWeights = p.steps * stepWeights;
    auto emitRun = [&](Value fromRun, Value weightRun, ValueRange accs) {
      return k.loop(p.steps, p.unroll, accs, [&](Value step, ValueRange carried) {
        SmallVector<Value> next(carried);
        for (int64_t u = 0; u < p.unroll; ++u) {
          SmallVector<Value> w;
          Value at = k.add(weightRun, k.mul(k.add(step, u), stepWeights));
          for (int64_t v = 0; v < vectors; ++v)
            w.push_back(loadWeights(k, dot, weights, k.add(at, v * p.lanes * dot.k0)));
          Value x0 = k.add(fromRun, k.mul(k.add(step, u), dot.k0));
          for (int64_t row = 0; row < rows; ++row) {
            Value x = loadActivation(k, dot, s.code, source, k.add(x0, row * nextPosition));
            for (int64_t v = 0; v < vectors; ++v)
              next[row * vectors + v] = emitDot(k, dot, x, w[v], next[row * vectors + v]);
          }
        }
        return next;
      });
    };
    int64_t taps = p.mergedTaps ? 1 : s.kernelW;
    SmallVector<Value> accs = k.loop(s.kernelH, 1, start, [&](Value ky, ValueRange outer) {
      return k.loop(taps, 1, outer, [&](Value kx, ValueRange inner) {
        Value run = k.add(k.mul(ky, taps), kx);
        return emitRun(k.add(from, k.add(k.mul(ky, nextTapRow), k.mul(kx, nextTap))), k.add(weightOffset, k.mul(run, runWeights)),
                       inner);
      });
    });
    for (int64_t row = 0; row < rows; ++row)
      epilogue.store(ArrayRef(accs).slice(row * vectors, vectors), positionOf(row), channel, channels);
  }

  Kernel &k;
  ContractionPlan p;
  ContractionShape &s;
  const DotKernel &dot;
  Flat input;
  Epilogue epilogue;
  Value weights, bias, panel;
};
} // namespace

LogicalResult emitContraction(Kernel &k) {
  std::string why;
  auto shape = ContractionShape::get(k.op, why);
  if (failed(shape))
    return k.op.emitError("is no contraction: ") << why;
  const DotKernel *dot = k.op.getDot() ? findDotKernel(*k.op.getDot()) : nullptr;
  auto tile = k.op.getTile();
  if (!dot || !tile || tile->size() != 2)
    return k.op.emitError("needs a known dot kernel and a tile of two numbers");
  ContractionPlan plan = makePlan(*shape, k.isa, *dot, (*tile)[0], (*tile)[1]);
  if (plan.scratchBytes != k.op.getScratchBytes())
    return k.op.emitError("has ") << k.op.getScratchBytes() << " bytes of scratch, needs " << plan.scratchBytes;
  auto input = k.getInput(shape->input);
  Value acc = shape->main->getResult(0);
  if (Value last = getChannelsLastResult(acc); last && isa<ConvOp>(shape->main))
    acc = last;
  auto epilogue = Epilogue::create(k, acc, /*collapsed=*/plan.flat);
  if (failed(input) || failed(epilogue))
    return failure();
  if (plan.flat) {
    if (!input->isCollapsible())
      return k.op.emitError("reads a buffer whose rows do not follow each other");
    input = input->collapse();
  }
  Emitter(k, std::move(plan), *input, std::move(*epilogue)).run();
  return success();
}
} // namespace qc
