// Cycles of kernels and layers: what they do, times measured rates.
#include "qc/Conversion/KernelCost.h"

#include "Kernel.h"

#include <cmath>

using namespace mlir;

namespace qc {
namespace {
/// One row of KernelRates.def.
struct KernelRate {
  llvm::StringLiteral form, dot;
  double arithmetic, output, input, constant, call;
};
constexpr KernelRate rates[] = {
#define QC_RATE(form, dot, arithmetic, output, input, constant, call) {form, dot, arithmetic, output, input, constant, call},
#include "KernelRates.def"
};

const KernelRate *findRate(StringRef form, StringRef dot, const Isa &row) {
  if (dot == "scalar" && row.hasVectors())
    dot = ""; // loops that LLVM makes vectors of
  const KernelRate *rate =
      llvm::find_if(rates, [&](const KernelRate &r) { return r.form == form && (r.dot == dot || r.dot.empty()); });
  return rate == std::end(rates) ? nullptr : rate;
}

/// What a run does, in the terms of the rates.
struct Work {
  double steps = 0, outputs = 0, inputBytes = 0, constantBytes = 0;
};

double getCycles(const KernelRate &rate, const Work &work) {
  return rate.arithmetic * work.steps + rate.output * work.outputs + rate.input * work.inputBytes +
         rate.constant * work.constantBytes + rate.call;
}

double getBytes(Value value, std::optional<unsigned> bits = std::nullopt) {
  return double(product(getShape(value))) * (bits ? double(*bits) : std::max(8u, getElementType(value).getIntOrFloatBitWidth())) /
         8;
}

double divideUp(double a, double b) { return std::ceil(a / b); }

/// What the activations of a step are once codes of `bits` are widened to them.
bool takesBits(const DotKernel &dot, unsigned bits) {
  return bits <= 8 || dot.activation == DotActivation::I16 || dot.step == DotStep::Widening;
}

/// The row that `qc-form-kernels` most likely takes for codes of such widths.
const DotKernel *foreseeDot(const Isa &isa, unsigned weightBits, unsigned activationBits, bool single, bool pointwise,
                            int64_t depth, int64_t channels) {
  int64_t largest = (int64_t(1) << (weightBits - 1)) - 1;
  for (const DotKernel &dot : getDotKernels()) {
    if (dot.isas.empty() || !dot.isFor(isa) || !takesBits(dot, activationBits) ||
        (weightBits > 8 && dot.activation != DotActivation::I16 && dot.step != DotStep::Widening))
      continue;
    bool takes = true;
    switch (dot.needs) {
    case DotProof::Nothing:
      break;
    case DotProof::FewBits:
      takes = weightBits <= 4 && pointwise && channels >= isa.lanes &&
              depth % std::max<int64_t>(4 * isa.lanes, dot.k0 * dot.chain) == 0;
      break;
    case DotProof::PairSafe: // in natural order; chains of two find another one
      takes = dot.chain * 2 * 255 * largest <= 32767 || (dot.chain == 2 && !single && channels >= 8);
      break;
    case DotProof::NoLowest:
      takes = single && channels >= 8 && dot.chain == 1;
      break;
    case DotProof::Marks: // where codes lie around 0, which shapes do not tell
      takes = false;
      break;
    }
    if (takes)
      return &dot;
  }
  return findDotKernel("scalar");
}
} // namespace

double getClockMHz(const Target &target) {
  // Servers and phones under load; microcontrollers as they are sold.
  constexpr std::pair<llvm::StringLiteral, double> clocks[] = {
      {"x86_64", 3500}, {"aarch64", 2000}, {"riscv64", 1500}, {"armv7", 1200}, {"thumb", 200}, {"riscv32", 100},
  };
  for (auto [arch, clock] : clocks)
    if (StringRef(target.triple).starts_with(arch))
      return clock;
  return 1000;
}

std::optional<double> estimateCycles(KernelOp op, const Isa &isa) {
  const KernelForm *form = llvm::find_if(getKernelForms(), [&](const KernelForm &form) { return form.name == op.getForm(); });
  if (form == getKernelForms().end())
    return std::nullopt;
  auto used = getUsedIsa(op, isa);
  const KernelRate *rate = findRate(form->name, op.getDot().value_or(""), isa);
  if (failed(used) || !rate)
    return std::nullopt;
  Division d = form->divide(op, *used);
  Work work;
  work.steps = double(d.positions * d.channels) * d.cycles + double(d.positions) * (d.fill + double(d.channels) * d.fillChannels);
  // What one position waits for is not its products: the rates have it under `constant`.
  if (auto decision = getDotDecision(op); decision && form->divide == divideContraction) {
    double macs = 0;
    for (Operation &each : op.getBody().front())
      if (auto accumulator = dyn_cast<AccumulatorOpInterface>(each))
        macs += double(accumulator.getMacs());
    work.steps += macs / double(used->lanes * decision->dot->k0) - double(d.positions * d.channels) * d.cycles;
  }
  for (Value input : op.getInputs())
    work.inputBytes += getBytes(input);
  for (Operation &each : op.getBody().front().without_terminator())
    if (llvm::isa<ConstantOp>(each))
      work.constantBytes += getBytes(each.getResult(0), op.getWeightBits() && getShape(each.getResult(0)).size() > 1
                                                            ? std::optional<unsigned>(*op.getWeightBits())
                                                            : std::nullopt);
  for (Value output : cast<YieldOp>(op.getBody().front().getTerminator()).getValues())
    work.outputs += double(product(getShape(output)));
  return getCycles(*rate, work);
}

double estimateLoopCycles(int64_t macs, int64_t outputs, int64_t inputBytes, int64_t constantBytes) {
  return getCycles(*findRate("loops", "", *findIsa("scalar")),
                   {double(macs), double(outputs), double(inputBytes), double(constantBytes)});
}

double estimateLayerCycles(Operation *op, const Isa &row, unsigned weightBits, unsigned activationBits) {
  if (op->getNumResults() == 0 || !isa_and_nonnull<QCDialect>(op->getDialect()) || isa<ConstantOp>(op))
    return 0;
  Work work;
  work.outputs = double(product(getShape(op->getResult(0))));
  work.inputBytes = op->getNumOperands() ? getBytes(op->getOperand(0), std::max(8u, activationBits)) : 0;
  bool hasWeights = isa<ConvOp, ConvTransposeOp, MatmulOp>(op) && getShape(op->getOperand(1)).size() >= 2;
  if (!hasWeights) {
    work.steps = work.outputs / double(row.lanes);
    const KernelRate *rate = findRate(isa<PoolOp, ReduceOp>(op) ? "pool"
                                      : isa<TransposeOp>(op)    ? "transpose"
                                                                : "pointwise",
                                      "", row);
    if (isa<PoolOp, ReduceOp>(op))
      work.steps = getBytes(op->getOperand(0)) / double(row.lanes);
    return isa<ReshapeOp>(op) ? 0 : getCycles(*rate, work);
  }
  ArrayRef<int64_t> weight = getShape(op->getOperand(1));
  work.constantBytes = getBytes(op->getOperand(1), weightBits);
  double macs = double(cast<AccumulatorOpInterface>(op).getMacs()), depth = macs / work.outputs;
  auto conv = dyn_cast<ConvOp>(op);
  int64_t groups = conv ? int64_t(conv.getGroups()) : 1;
  if (conv && groups > 1 && weight[1] == 1) {
    const DotKernel *dot = foreseeDot(row, 16, activationBits, /*single=*/false, /*pointwise=*/false, 0, groups);
    if (row.name.starts_with("avx512") || row.name == "vnni") // products of four
      dot = findDotKernel("x86.vpdpbusd");
    work.steps = macs / double(row.lanes);
    return getCycles(*findRate("depthwise", dot->name, row), work);
  }
  bool isProduct = isa<MatmulOp>(op);
  int64_t channels = isProduct ? weight.back() : getShape(op->getResult(0))[1] / groups;
  double positions = work.outputs / double(channels * groups);
  bool pointwise = isProduct || (conv && product(weight.drop_front(2)) == 1 &&
                                 llvm::all_of(conv.getStrides(), [](int64_t s) { return s == 1; }));
  const DotKernel *dot =
      foreseeDot(row, weightBits, activationBits, positions == 1, pointwise && groups == 1, int64_t(depth), channels);
  work.steps = positions * double(groups) * divideUp(double(channels), double(row.lanes)) * divideUp(depth, double(dot->k0));
  // One position waits for its weights.
  double cycles = std::max(getCycles(*findRate("contract", dot->name, row), work), work.constantBytes / 16);
  // Winograd.cpp takes 3x3 of stride 1 where products of i16 are the fastest; weights of few bits stay packed.
  bool multipliesWords = llvm::any_of(getDotKernels(),
                                      [&](const DotKernel &each) {
                                        return each.isFor(row) && !each.isas.empty() &&
                                               (each.step == DotStep::VPMADDWD || each.step == DotStep::Widening);
                                      }) &&
                         dot->step != DotStep::VPDPBUSD && dot->step != DotStep::SDOT && dot->step != DotStep::SDOTAhead &&
                         dot->step != DotStep::SMMLA;
  bool isSquare = conv && groups == 1 && weight.size() == 4 && weight[2] == 3 && weight[3] == 3 &&
                  llvm::all_of(conv.getStrides(), [](int64_t s) { return s == 1; }) &&
                  llvm::all_of(conv.getDilations(), [](int64_t d) { return d == 1; });
  if (isSquare && multipliesWords && row.hasVectors() && weightBits > 4 && weightBits <= 8 && activationBits <= 8) {
    double patches = positions / 4, k0 = dot->step == DotStep::Widening ? 1 : 2;
    Work words = work;
    words.constantBytes *= 32.0 / 9 * 8 / weightBits; // sixteen i16 for nine codes
    words.steps = patches * divideUp(double(channels), double(row.lanes)) * (16 * divideUp(double(weight[1]), k0) / 2 + 15) +
                  patches * double(weight[1]) / double(row.lanes) * 10;
    cycles = std::min(cycles, getCycles(*findRate("winograd", "", row), words));
  }
  return cycles;
}

int64_t getStoredBytes(Type type) {
  auto shaped = cast<ShapedType>(type);
  return shaped.getNumElements() * (llvm::PowerOf2Ceil(std::max(8u, shaped.getElementTypeBitWidth())) / 8);
}

int64_t getSavedBytes(KernelOp op) {
  int64_t saved = 0;
  if (auto bits = op.getWeightBits())
    for (Operation &inner : op.getBody().front())
      if (isa<AccumulatorOpInterface>(inner) && inner.getNumOperands() > 1) {
        Type weights = inner.getOperand(1).getType();
        saved += getStoredBytes(weights) - (cast<ShapedType>(weights).getNumElements() * int64_t(*bits) + 7) / 8;
      }
  return saved;
}

int64_t getWeightBytes(KernelOp op) {
  int64_t bytes = -getSavedBytes(op);
  for (Operation &inner : op.getBody().front()) {
    if (!isa<AccumulatorOpInterface>(inner) || inner.getNumOperands() < 2 || !getConstant(inner.getOperand(1)))
      continue;
    ArrayRef<int64_t> shape = getShape(inner.getOperand(1));
    bytes += op.getForm() == "winograd" ? shape[0] * shape[1] * 16 * 2 : getStoredBytes(inner.getOperand(1).getType());
  }
  return bytes;
}

int64_t getBops(int64_t macs, int64_t a, int64_t b, int64_t outputs) {
  return int64_t(std::llround(double(macs) * (double(a * b + a + b) + std::log2(double(macs) / double(outputs)))));
}
} // namespace qc
