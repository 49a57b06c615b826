// The loops of the Winograd form: bands of patches; their transform, sixteen products of matrices, the transform back.
#include "Arithmetic.h"
#include "Dots.h"
#include "TileRun.h"
#include "Winograd.h"

using namespace mlir;

namespace qc {
namespace {
class Emitter {
public:
  Emitter(Kernel &k, WinogradPlan plan, Flat input, Epilogue epilogue)
      : k(k), a(k), p(std::move(plan)), s(p.s), dot(*p.gemm.dot), input(std::move(input)), epilogue(std::move(epilogue)),
        i16(k.b.getIntegerType(16)) {}

  void run() {
    packWeights();
    bias = s.getBiases(k, getActivationShift(dot, s.code), p.channelsPerBlock());
    panel = k.getScratch(getActivationType(k, dot, s.code), 0, p.fill.panelBytes / p.fill.elementBytes());
    patches = k.getScratch(i16, p.fill.panelBytes, p.patchBytes / 2);
    sums = k.getScratch(k.b.getI32Type(), p.fill.panelBytes + p.patchBytes, p.sumBytes / 4);
    blocks = k.divide(Part::Channels, p.gemm.blocks());
    k.loop(s.batch, [&](Value image) {
      Range rows = k.divideRows(s.batch, p.patchRows, image);
      k.loop(rows.low, rows.high, p.band, {}, [&](Value first, ValueRange) {
        bool whole = getConstantIntValue(rows.high) && p.patchRows % p.band == 0;
        Value count = whole ? k.index(p.band) : k.min(k.sub(rows.high, first), k.index(p.band));
        emitBand(image, first, count);
        return SmallVector<Value>();
      });
    });
  }

private:
  static constexpr int64_t places = WinogradPlan::places;

  /// [block][place][step][vector][lane][k0]
  void packWeights() {
    std::vector<int16_t> transformed = transformWeights(s);
    const ContractionPlan &g = p.gemm;
    std::vector<int64_t> packed;
    packed.reserve(places * g.steps * dot.k0 * g.blocks() * p.channelsPerBlock());
    for (int64_t block = 0; block < g.blocks(); ++block) {
      int64_t vectors = block < g.fullBlocks() ? g.vectors : g.tailVectors();
      for (int64_t place = 0; place < places; ++place)
        for (int64_t step = 0; step < g.steps; ++step)
          for (int64_t lane = 0; lane < vectors * g.lanes; ++lane)
            for (int64_t i = 0; i < dot.k0; ++i) {
              int64_t n = block * p.channelsPerBlock() + lane, c = step * dot.k0 + i;
              bool exists = n < s.outPerGroup && c < s.inPerGroup;
              packed.push_back(exists ? transformed[(n * places + place) * s.inPerGroup + c] : 0);
            }
    }
    weights = PackedWeights(k.constants.get(k.b, k.loc, i16, packed), g.lanes * dot.k0);
  }

  void emitBand(Value image, Value first, Value count) {
    Value rows = k.add(k.mul(count, 2), 2);
    fillPanel(k, p.fill, input, panel, image, k.index(0), k.mul(first, 2), rows);
    transformPatches(count);
    Value tiles = k.mul(count, p.patches);
    if (auto constant = getConstantIntValue(tiles))
      tiles = k.index((*constant + p.gemm.rows - 1) / p.gemm.rows);
    else
      tiles = arith::DivUIOp::create(k.b, k.loc, k.add(tiles, p.gemm.rows - 1), k.index(p.gemm.rows));
    int64_t blockWeights = places * p.gemm.vectors * p.gemm.steps;
    auto emitBlock = [&](Value block, int64_t vectors, int64_t channels) {
      multiply(k.mul(block, blockWeights), vectors, tiles);
      Value channel = k.mul(block, p.channelsPerBlock());
      Value end = k.add(first, count);
      // The last row and column of patches may have one output of two.
      int64_t full = p.outH / 2;
      k.loop(first, full < p.patchRows ? k.min(end, k.index(full)) : end, 1, {}, [&](Value row, ValueRange) {
        storeRow(image, row, k.sub(row, first), 2, channel, vectors, channels);
        return SmallVector<Value>();
      });
      if (full < p.patchRows)
        k.atEnd(Range{first, end, p.patchRows},
                [&] { storeRow(image, k.index(full), k.sub(k.index(full), first), 1, channel, vectors, channels); });
    };
    k.loop(
        blocks, p.gemm.fullBlocks(), [&](Value i) { emitBlock(i, p.gemm.vectors, p.channelsPerBlock()); },
        [&] {
          emitBlock(k.index(p.gemm.fullBlocks()), p.gemm.tailVectors(),
                    s.outPerGroup - p.gemm.fullBlocks() * p.channelsPerBlock());
        });
  }

  /// B^T d B of all patches of `count` rows, for some channels at a time. Neighbours share two columns.
  void transformPatches(Value count) {
    int64_t ins = s.inPerGroup, lanes = 2 * k.isa.lanes;
    if (k.isa.hasGroups()) // single registers: sixteen vectors live at once
      lanes = 2 * k.isa.lanes * k.isa.registers / 32;
    while (ins % lanes)
      lanes /= 2;
    int64_t pixel = p.fill.pixelStride, line = p.fill.panelWidth * pixel;
    k.loop(k.index(0), count, 1, {}, [&](Value row, ValueRange) {
      Value from = k.mul(row, 2 * line), to = k.mul(row, p.patches * ins);
      k.loop(k.index(0), k.index(ins), lanes, {}, [&](Value c, ValueRange) {
        auto load = [&](Value column, int64_t y) {
          Value x = k.load(panel, k.add(k.add(from, c), k.add(k.mul(column, pixel), y * line)), lanes);
          return k.extend(x, s.code, i16);
        };
        // Row i of B^T times a column.
        auto down = [&](Value column, int64_t i) -> Value {
          static constexpr int64_t plus[] = {0, 1, 2, 1}, other[] = {2, 2, 1, 3};
          Value x = load(column, plus[i]), y = load(column, other[i]);
          return i == 1 ? a.add(x, y) : a.sub(x, y);
        };
        SmallVector<Value> start;
        for (int64_t i = 0; i < 4; ++i)
          for (int64_t column : {0, 1})
            start.push_back(down(k.index(column), i));
        k.loop(p.patches, 1, start, [&](Value x, ValueRange carried) {
          SmallVector<Value> next;
          for (int64_t i = 0; i < 4; ++i) {
            Value e0 = carried[2 * i], e1 = carried[2 * i + 1];
            Value e2 = down(k.add(k.mul(x, 2), 2), i), e3 = down(k.add(k.mul(x, 2), 3), i);
            Value at = k.add(k.add(to, c), k.mul(x, ins));
            for (auto [j, v] : llvm::enumerate(ArrayRef<Value>{a.sub(e0, e2), a.add(e1, e2), a.sub(e2, e1), a.sub(e1, e3)}))
              k.store(v, patches, k.add(at, (i * 4 + int64_t(j)) * p.placeStride));
            next.append({e2, e3});
          }
          return next;
        });
        return SmallVector<Value>();
      });
      return SmallVector<Value>();
    });
  }

  /// sums[patch][place][channel of the block] of `tiles` register tiles.
  void multiply(Value blockWeights, int64_t vectors, Value tiles) {
    const ContractionPlan &g = p.gemm;
    int64_t ins = s.inPerGroup, stepWeights = vectors;
    SmallVector<Value> zeros(vectors, k.splat(k.b.getI32Type(), 0, g.lanes));
    k.loop(places, [&](Value place) {
      Value weightRun = k.add(blockWeights, k.mul(place, g.steps * stepWeights)), base = k.mul(place, p.placeStride);
      Value to = k.mul(place, p.channelsPerBlock());
      k.loop(k.index(0), tiles, 1, {}, [&](Value t, ValueRange) {
        TileRun tile{k, g, g.rows, vectors, patches, weights, ins, stepWeights, Value(), Value()};
        SmallVector<Value> accs = tile.finish(tile.run(k.add(base, k.mul(t, g.rows * ins)), weightRun, tile.start(zeros)));
        for (int64_t row = 0; row < g.rows; ++row)
          for (int64_t v = 0; v < vectors; ++v) {
            Value at = k.add(to, k.mul(k.add(k.mul(t, g.rows), row), places * p.channelsPerBlock()));
            k.store(accs[row * vectors + v], sums, k.add(at, v * g.lanes));
          }
        return SmallVector<Value>();
      });
    });
  }

  /// The outputs of one row of patches, one or two high.
  void storeRow(Value image, Value row, Value bandRow, int64_t height, Value channel, int64_t vectors, int64_t channels) {
    auto store = [&](Value x, int64_t width) {
      Value from = k.mul(k.add(k.mul(bandRow, p.patches), x), places * p.channelsPerBlock());
      SmallVector<Value> accs(height * width * vectors);
      for (int64_t v = 0; v < vectors; ++v) {
        SmallVector<Value> outs = transformBack(k.add(from, v * p.gemm.lanes), height, width);
        Value start = k.load(bias, k.add(channel, v * p.gemm.lanes), p.gemm.lanes);
        for (auto [i, out] : llvm::enumerate(outs))
          accs[i * vectors + v] = a.add(a.shr(out, 2), start);
      }
      SmallVector<SmallVector<Value>> positions;
      for (int64_t y = 0; y < height; ++y)
        for (int64_t i = 0; i < width; ++i)
          positions.push_back({image, k.add(k.mul(row, 2), y), k.add(k.mul(x, 2), i)});
      epilogue.storeTile(accs, positions, channel, channels);
    };
    k.loop(p.outW / 2, [&](Value x) { store(x, 2); });
    if (p.outW % 2)
      store(k.index(p.outW / 2), 1);
  }

  /// A^T m A, [height][width] of it: a column of places at a time, so that few vectors live.
  SmallVector<Value> transformBack(Value from, int64_t height, int64_t width) {
    SmallVector<Value> outs(height * width);
    auto accumulate = [&](Value &sum, Value v, bool minus) { sum = !sum ? v : minus ? a.sub(sum, v) : a.add(sum, v); };
    for (int64_t column = 0; column < (width == 2 ? 4 : 3); ++column) {
      auto load = [&](int64_t y) { return k.load(sums, k.add(from, (y * 4 + column) * p.channelsPerBlock()), p.gemm.lanes); };
      Value m1 = load(1), m2 = load(2);
      for (int64_t y = 0; y < height; ++y) {
        Value r = y ? a.sub(a.sub(m1, m2), load(3)) : a.add(a.add(load(0), m1), m2);
        if (column < 3)
          accumulate(outs[y * width], r, false);
        if (width == 2 && column)
          accumulate(outs[y * width + 1], r, column > 1);
      }
    }
    return outs;
  }

  Kernel &k;
  Arithmetic a;
  WinogradPlan p;
  ContractionShape &s;
  const DotKernel &dot;
  Flat input;
  Epilogue epilogue;
  Type i16;
  PackedWeights weights;
  Value bias, panel, patches, sums;
  Range blocks;
};
} // namespace

LogicalResult emitWinograd(Kernel &k) {
  std::string why;
  auto parts = ContractionShape::get(k.op, why);
  if (failed(parts))
    return k.op.emitError("is no convolution: ") << why;
  auto decision = getDotDecision(k.op);
  if (!decision)
    return k.op.emitError("needs a known dot kernel and a tile of two or three numbers");
  if (std::string why = checkWinograd(*parts, k.isa, *decision->dot); !why.empty())
    return k.op.emitError("has no form of Winograd: ") << why;
  WinogradPlan plan = makeWinogradPlan(parts->front(), k.isa, *decision->dot, decision->rows, decision->vectors);
  if (plan.scratchBytes != int64_t(k.op.getScratchBytes()))
    return k.op.emitError("has ") << k.op.getScratchBytes() << " bytes of scratch, needs " << plan.scratchBytes;
  auto input = k.getInput(parts->front().input);
  auto epilogue = Epilogue::create(k, getChannelsLastResult(parts->front().main->getResult(0)), /*collapsed=*/false);
  if (failed(input) || failed(epilogue))
    return failure();
  Emitter(k, std::move(plan), *input, *epilogue).run();
  return success();
}
} // namespace qc
