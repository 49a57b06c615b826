// The Winograd form: when it applies, what it costs, how it is divided.
#include "Winograd.h"
#include "Dots.h"

using namespace mlir;

namespace qc {
std::vector<int16_t> transformWeights(const ContractionShape &s) {
  const std::vector<int8_t> &weights = s.getWeights();
  int64_t ins = s.inPerGroup, places = WinogradPlan::places;
  std::vector<int16_t> result(s.outPerGroup * places * ins);
  auto transform = [](int a, int b, int c) { return std::array<int, 4>{2 * a, a + b + c, a - b + c, 2 * c}; };
  for (int64_t n = 0; n < s.outPerGroup; ++n)
    for (int64_t c = 0; c < ins; ++c) {
      std::array<std::array<int, 4>, 3> rows;
      for (int64_t y = 0; y < 3; ++y) {
        const int8_t *g = &weights[(n * 9 + y * 3) * ins + c];
        rows[y] = transform(g[0], g[ins], g[2 * ins]);
      }
      for (int64_t x = 0; x < 4; ++x) {
        std::array<int, 4> column = transform(rows[0][x], rows[1][x], rows[2][x]);
        for (int64_t y = 0; y < 4; ++y)
          result[(n * places + y * 4 + x) * ins + c] = int16_t(column[y]);
      }
    }
  return result;
}

/// The row that multiplies i16: always exact, and the best of its isa. Where four i8 products a lane are one instruction, half of
/// them are no gain.
static const DotKernel *findWideDot(const Isa &isa) {
  for (const DotKernel &dot : getDotKernels()) {
    if (dot.needs != DotProof::Nothing || dot.isas.empty() || !dot.isFor(isa))
      continue;
    return dot.step == DotStep::VPMADDWD || dot.step == DotStep::Widening ? &dot : nullptr;
  }
  return nullptr;
}

std::string checkWinograd(ArrayRef<ContractionShape> parts, const Isa &isa, const DotKernel &dot) {
  const ContractionShape &s = parts.front();
  if (!llvm::isa<ConvOp>(s.main) || s.positionRank != 3 || s.isFloat() || s.code.getIntOrFloatBitWidth() > 8)
    return "it is no convolution of codes of 8 bits in two dimensions";
  if (s.kernelH != 3 || s.kernelW != 3 || s.strideH != 1 || s.strideW != 1 || s.dilationH != 1 || s.dilationW != 1 ||
      s.groups != 1)
    return "its kernel is not 3x3 of stride 1, without dilation and groups";
  if (s.inPerGroup % 8)
    return "its input channels are no multiple of 8";
  if (&dot != findWideDot(isa) || !isa.hasVectors())
    return "it takes the dot kernel that multiplies i16 with nothing to prove, where no better one is exact";
  // Four times any sum, whatever the activations.
  auto [low, high] = getCodeLimits(cast<IntegerType>(s.code));
  int64_t most = std::max(-low, high), depth = 9 * s.inPerGroup;
  const std::vector<int8_t> &weights = s.getWeights();
  for (int64_t n = 0; n < s.outPerGroup; ++n) {
    int64_t sum = 0;
    for (int8_t w : ArrayRef(weights).slice(n * depth, depth))
      sum += std::abs(int(w));
    if (4 * sum * most > INT32_MAX)
      return "four times its sums can leave i32";
  }
  return "";
}

WinogradPlan makeWinogradPlan(const ContractionShape &shape, const Isa &isa, const DotKernel &dot, int64_t rows,
                              int64_t vectors) {
  WinogradPlan p;
  p.outH = shape.outH;
  p.outW = shape.outW;
  p.s = shape;
  p.s.outH = llvm::alignTo(shape.outH, 2);
  p.s.outW = llvm::alignTo(shape.outW, 2);
  p.s.pads = true; // all patches read a panel
  p.patchRows = p.s.outH / 2;
  p.patches = p.s.outW / 2;
  int64_t ins = shape.inPerGroup;
  // Transforms of a band stay in the first-level cache, or in the second where the weights are large: the fewer bands, the less
  // often they are read.
  int64_t weightBytes = WinogradPlan::places * ins * shape.outPerGroup * 2;
  int64_t patch = WinogradPlan::places * (ins * 2 + vectors * isa.lanes * 4),
          budget = weightBytes > 256 * 1024 ? 256 * 1024 : 32 * 1024;
  int64_t most = std::clamp<int64_t>(budget / (p.patches * patch), 1, p.patchRows), bands = (p.patchRows + most - 1) / most;
  p.band = (p.patchRows + bands - 1) / bands;
  p.bandPatches = llvm::alignTo(p.band * p.patches, rows);
  // One line more, so that the sixteen places do not lie in one set of the cache.
  p.placeStride = p.bandPatches * ins + 32;
  p.patchBytes = llvm::alignTo(WinogradPlan::places * p.placeStride * 2, 64);
  p.sumBytes = p.bandPatches * WinogradPlan::places * vectors * isa.lanes * 4;

  p.fill = makePlan(p.s, isa, dot, 1, 1, /*permuted=*/false);
  p.fill.band = 2 * p.band;
  p.fill.panelRows = 2 * p.band + 2;
  p.fill.panelWidth = p.s.outW + 2;
  p.fill.panelBytes = llvm::alignTo(p.fill.panelRows * p.fill.panelWidth * p.fill.pixelStride * p.fill.elementBytes() + 64, 64);

  ContractionShape product = shape;
  product.kernelH = product.kernelW = product.outH = product.inH = product.batch = 1;
  product.padTop = product.padLeft = product.cropTop = product.cropLeft = 0;
  product.pads = false;
  product.inW = product.outW = p.bandPatches;
  p.gemm = makePlan(product, isa, dot, rows, vectors, /*permuted=*/false);
  p.scratchBytes = p.fill.panelBytes + p.patchBytes + p.sumBytes;
  return p;
}

/// What reading weights takes that the second-level cache does not hold: about nine bytes a cycle of two multiplications.
static double getWeightWork(double bytes) { return bytes > 1024 * 1024 ? bytes / 4.5 : 0; }

/// Multiplications of vectors, and what else takes as long.
static double getWork(const WinogradPlan &p, const Isa &isa) {
  double bands = double((p.patchRows + p.band - 1) / p.band * p.s.batch), patches = double(p.patchRows * p.patches * p.s.batch);
  double blocks = double((p.s.outPerGroup + isa.lanes - 1) / isa.lanes), ins = double(p.s.inPerGroup);
  double products = bands * double(p.bandPatches * WinogradPlan::places * p.gemm.steps) * blocks;
  double transforms = patches * 30 * (ins / double(2 * isa.lanes) + blocks);
  return products + transforms + getWeightWork(2 * WinogradPlan::places * ins * double(p.s.outPerGroup));
}

static double getDirectWork(const ContractionShape &s, const Isa &isa, const DotKernel &dot) {
  double blocks = double((s.outPerGroup + isa.lanes - 1) / isa.lanes), depth = double(9 * s.inPerGroup);
  // Pairs of i8 in a proven order are faster than i16, but for the copies that this takes.
  bool hasPairs =
      llvm::any_of(getDotKernels(), [&](const DotKernel &d) { return d.needs == DotProof::PairSafe && d.isFor(isa); });
  return (hasPairs ? 0.85 : 1) * double(s.batch * s.outH * s.outW) * depth / double(dot.k0) * blocks +
         getWeightWork(depth * double(s.outPerGroup));
}

std::string planWinograd(KernelOp op, const Isa &isa) {
  std::string why;
  auto parts = ContractionShape::get(op, why);
  if (failed(parts))
    return why;
  const DotKernel *dot = findWideDot(isa);
  if (!dot)
    return isa.name.str() + " multiplies bytes faster";
  why = checkWinograd(*parts, isa, *dot);
  if (!why.empty())
    return why;
  const ContractionShape &s = parts->front();
  // Transformed, every weight has 12 bits. What loses time by being a contraction instead saves at least half of the bytes.
  if (WeightCode::find(ArrayRef<int8_t>(s.getWeights()), /*needsZero=*/false).isFewBits(4) || s.findGroups())
    return "its weights have few bits";
  why = Epilogue::check(getChannelsLastResult(s.main->getResult(0)));
  if (!why.empty())
    return why;
  WinogradPlan best;
  double least = 0;
  for (int64_t lanes : isa.getLaneChoices())
    for (int64_t vectors = 4; vectors >= 1; --vectors)
      for (int64_t rows = 1; rows <= (isa.hasGroups() ? 14 : 8) && (vectors - 1) * lanes < s.outPerGroup; ++rows) {
        Isa used = isa.withLanes(lanes);
        if (!fitsRegisters(*dot, used, rows, vectors))
          continue;
        WinogradPlan p = makeWinogradPlan(s, used, *dot, rows, vectors);
        double cost = getCost(p.gemm, used) * double((p.patchRows + p.band - 1) / p.band);
        if (!least || cost < least) {
          best = std::move(p);
          least = cost;
        }
      }
  if (!least)
    return "no tile fits the registers";
  if (1.1 * getWork(best, isa.withLanes(best.gemm.lanes)) > getDirectWork(s, isa.withLanes(best.gemm.lanes), *dot))
    return "the transforms cost more than they save";
  op.setDot(dot->name);
  SmallVector<int64_t> tile{best.gemm.rows, best.gemm.vectors};
  if (best.gemm.lanes != isa.lanes)
    tile.push_back(best.gemm.lanes);
  op.setTile(tile);
  op.setScratchBytes(best.scratchBytes);
  return "";
}

Division divideWinograd(KernelOp op, const Isa &isa) {
  std::string why;
  auto parts = ContractionShape::get(op, why);
  auto decision = getDotDecision(op);
  Division d;
  if (failed(parts) || !decision)
    return d;
  WinogradPlan p = makeWinogradPlan(parts->front(), isa, *decision->dot, decision->rows, decision->vectors);
  d.positions = p.s.batch * p.patchRows;
  d.channels = p.gemm.blocks();
  d.cycles = double(p.patches * p.gemm.vectors) * (WinogradPlan::places * double(p.gemm.steps) / 2 + 15);
  d.fill = double(p.patches * p.s.inPerGroup / isa.lanes) * 10;
  return d;
}
} // namespace qc
