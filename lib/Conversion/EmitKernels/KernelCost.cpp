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
        int64_t count = cast<ShapedType>(weights).getNumElements();
        saved += getStoredBytes(weights) - (count * int64_t(*bits) + 7) / 8;
        if (auto group = op.getWeightGroup())
          saved -= count / int64_t(*group); // a byte for each factor
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
