// Depthwise convolutions: which there are, which step and tile they get.
#include "Depthwise.h"

using namespace mlir;

namespace qc {
/// What a panel may take, so that it stays in the first-level cache together with weights and one row of results.
static constexpr int64_t panelBudget = 24 * 1024, smallPanelBudget = 8 * 1024;

int64_t DepthwisePlan::tailVectors() const { return llvm::bit_ceil(uint64_t((tailChannels() + lanes - 1) / lanes)); }

static void setAxes(DepthwisePlan &p) {
  const ContractionShape &s = p.s;
  p.x = {s.inW, s.outW, s.kernelW, s.strideW, s.dilationW, s.padLeft, s.cropLeft};
  p.y = {s.inH, s.outH, s.kernelH, s.strideH, s.dilationH, s.padTop, s.cropTop};
  // Steps combine taps along x.
  p.swapped = p.x.kernel == 1 && p.y.kernel > 1;
  if (p.swapped)
    std::swap(p.x, p.y);
}

DepthwisePlan makeDepthwisePlan(const ContractionShape &s, const Isa &isa, const DotKernel &dot, int64_t columns,
                                int64_t vectors) {
  DepthwisePlan p;
  p.s = s;
  p.dot = &dot;
  p.lanes = isa.lanes;
  p.columns = columns;
  p.vectors = vectors;
  setAxes(p);
  p.panel = s.taps() && (p.k0() > 1 || s.pads);
  if (!p.panel) {
    p.chunk = std::max<int64_t>(p.fullGroups(), 1);
    return p;
  }
  for (int64_t o = std::max<int64_t>(p.x.out - 2, 0); o < p.x.out; ++o) {
    int64_t first = o * p.x.stride, phase = first % p.unitColumns();
    int64_t last = p.k0() > 1 ? (p.slots(phase) - 1) * p.k0() / 2 : p.x.span() - 1;
    p.units = std::max(p.units, first / p.unitColumns() + last + 1);
  }
  int64_t groupBytes = p.ring() * p.units * p.groupLanes() * p.k0() * p.elementBytes();
  int64_t budget = isa.hasVectors() ? panelBudget : smallPanelBudget;
  for (int64_t chunk = 1; chunk <= p.fullGroups(); ++chunk)
    if (p.fullGroups() % chunk == 0 && chunk * groupBytes <= budget)
      p.chunk = chunk;
  p.scratchBytes = llvm::alignTo(p.chunk * groupBytes, 64);
  return p;
}

/// Units begin at every second column and hold neighbours.
static bool canCombine(const ContractionShape &s) {
  DepthwisePlan p;
  p.s = s;
  setAxes(p);
  return p.x.dilation == 1 && p.x.stride <= 2;
}

static const DotKernel *chooseStep(ArrayRef<ContractionShape> parts, const Isa &isa) {
  const DotKernel *plain = nullptr;
  const ContractionShape &s = parts.front();
  bool wide = !s.isFloat() && s.code.getIntOrFloatBitWidth() > 8;
  bool combines = llvm::all_of(parts, canCombine) &&
                  llvm::any_of(parts, [](const ContractionShape &s) { return s.kernelH > 1 || s.kernelW > 1; });
  for (const DotKernel &dot : getDotKernels()) {
    // Codes of 16 bits are multiplied as they are.
    if (dot.needs != DotProof::Nothing || dot.step == DotStep::Decode || !takesCodes(dot, s.code) ||
        (wide && (dot.k0 > 1 || s.isUnsigned())))
      continue;
    if (s.isFloat()) {
      if (dot.step == DotStep::FMA && isa.hasVectors())
        return &dot;
      continue;
    }
    if (dot.step == DotStep::Widening && (dot.isFor(isa) || (!plain && dot.isas == "scalar")))
      plain = &dot;
    if (dot.isFor(isa) && dot.k0 > 1 && dot.step != DotStep::SMMLA && combines)
      return &dot;
  }
  return plain;
}

std::string planDepthwise(KernelOp op, const Isa &isa) {
  std::string why;
  auto parts = ContractionShape::get(op, why);
  if (failed(parts))
    return why;
  const ContractionShape &shape = parts->front();
  if (llvm::isa<MatmulOp>(shape.main))
    return "it is no convolution";
  if (shape.inPerGroup != 1)
    return "its outputs read several input channels";
  Value last = getChannelsLastResult(shape.main->getResult(0));
  why = Epilogue::check(last);
  if (!why.empty())
    return why;
  const DotKernel *dot = chooseStep(*parts, isa);
  if (!dot)
    return "no step of " + isa.name.str() + " multiplies its types";
  // 16 channels are one store of codes, 32 with wide registers; 8 where the accumulators of four columns would not fit.
  int64_t lanes = isa.lanes, wanted = isa.registers * lanes < 8 * 16 ? 8 : isa.registers * lanes < 16 * 32 ? 16 : 32;
  int64_t vectors = 1;
  if (isa.hasVectors())
    vectors =
        std::min<int64_t>(std::max<int64_t>(wanted / lanes, 1), llvm::bit_ceil(uint64_t((shape.outC() + lanes - 1) / lanes)));
  // More outputs fill the vectors of a contraction, which shares its activations between them; so do those of a single channel.
  if (shape.outPerGroup > (shape.groups == 1 ? 1 : std::max(lanes, vectors * lanes / 2)))
    return "it has many outputs per input channel";
  // Pairs: with two columns no weight is used twice, so weights are operands in memory. More columns would need registers for
  // weights, and spill.
  int64_t columns = dot->step == DotStep::VPMADDWD ? 2 : isa.hasGroups() ? 3 : 4;
  int64_t scratchBytes = 0;
  for (const ContractionShape &s : *parts)
    scratchBytes = std::max(scratchBytes, makeDepthwisePlan(s, isa, *dot, columns, vectors).scratchBytes);
  op.setDot(dot->name);
  op.setTile(ArrayRef<int64_t>{columns, vectors});
  op.setScratchBytes(scratchBytes);
  return "";
}

static Division divide(const DepthwisePlan &p) {
  Division d;
  d.positions = p.s.batch * p.y.out;
  d.channels = p.chunks();
  double channels = double(p.s.outC() * p.s.phases.size()) / double(d.channels);
  d.cycles = double(p.x.out) * channels * double(p.s.taps()) / double(p.lanes);
  if (p.panel) {
    d.fillChannels = double(p.x.in * p.y.stride) * channels / 8;
    d.overlap = std::max<int64_t>(p.y.span() - p.y.stride, 0) / p.y.stride;
  }
  return d;
}

Division divideDepthwise(KernelOp op, const Isa &isa) {
  std::string why;
  auto parts = ContractionShape::get(op, why);
  auto decision = getDotDecision(op, 2);
  Division d;
  if (failed(parts) || !decision)
    return d;
  for (const ContractionShape &shape : *parts)
    d.add(divide(makeDepthwisePlan(shape, isa, *decision->dot, decision->rows, decision->vectors)));
  return d;
}
} // namespace qc
