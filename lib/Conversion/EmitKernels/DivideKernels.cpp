// Decides into how many tasks each kernel is divided.
#include "Kernel.h"

#include "qc/Conversion/KernelCost.h"

#include <cmath>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_DIVIDEKERNELS
#include "qc/Conversion/Passes.h.inc"

namespace {
/// To begin one task takes this part of what it takes to hand all of them out and to wait for the last one.
constexpr double taskPart = 0.05;
/// Threads are not equally fast; more and shorter tasks leave less to wait for: this part of a task's time.
constexpr double waiting = 0.15;
/// Most tasks of one kernel, per thread.
constexpr int64_t mostTasksPerThread = 2;

int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Choice {
  int64_t positions = 1, channels = 1;
  int64_t tasks() const { return positions * channels; }
};

/// About how long all tasks take on `threads` threads.
double getCycles(const Division &d, Choice choice, int64_t threads, double overhead) {
  int64_t positions = divideUp(d.positions, choice.positions), channels = divideUp(d.channels, choice.channels);
  int64_t filled = positions + (choice.positions > 1 ? d.overlap : 0);
  double task = double(positions * channels) * d.cycles + double(filled) * (d.fill + double(channels) * d.fillChannels);
  if (choice.tasks() == 1)
    return task;
  task += taskPart * overhead;
  return overhead + (double(divideUp(choice.tasks(), threads)) + waiting) * task;
}

Choice choose(const Division &d, int64_t threads, double overhead) {
  Choice best;
  double least = getCycles(d, best, threads, overhead);
  for (int64_t positions = 1; positions <= std::min(d.positions, mostTasksPerThread * threads); ++positions)
    for (int64_t channels = 1; channels <= std::min(d.channels, mostTasksPerThread * threads / positions); ++channels) {
      Choice choice{positions, channels};
      if (double cycles = getCycles(d, choice, threads, overhead); cycles < least) {
        best = choice;
        least = cycles;
      }
    }
  return best;
}

/// The row of the kernel's form; null if there is none.
const KernelForm *findForm(KernelOp op) {
  const KernelForm *form = llvm::find_if(getKernelForms(), [&](const KernelForm &form) { return form.name == op.getForm(); });
  return form == getKernelForms().end() ? nullptr : form;
}

struct DivideKernels : impl::DivideKernelsBase<DivideKernels> {
  using DivideKernelsBase::DivideKernelsBase;
  void runOnOperation() override {
    const Isa *row = findIsa(isa);
    if (!row) {
      getOperation().emitError("isa=") << isa << ": use one of " << getIsaNames();
      return signalPassFailure();
    }
    if (threads < 2 || threads > mostThreads) {
      getOperation().emitError("threads=") << int64_t(threads) << ": use 2 to " << mostThreads;
      return signalPassFailure();
    }
    if (overhead < 0) {
      getOperation().emitError("overhead=") << int64_t(overhead) << ": use 0 or more cycles";
      return signalPassFailure();
    }
    OpBuilder b(&getContext());
    getOperation()->setAttr("qc.threads", b.getI64IntegerAttr(threads));
    WalkResult result = getOperation().walk([&](KernelOp op) {
      const KernelForm *form = findForm(op);
      if (!form)
        return WalkResult::advance();
      auto used = getUsedIsa(op, *row);
      if (failed(used))
        return WalkResult::interrupt();
      Choice choice = choose(form->divide(op, *used), threads, double(overhead));
      if (choice.tasks() == 1)
        return WalkResult::advance();
      op.setTasks(ArrayRef<int64_t>{choice.positions, choice.channels});
      op.setSlots(threads);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace

std::optional<double> estimateCycles(KernelOp op, const Isa &isa) {
  const KernelForm *form = findForm(op);
  if (!form)
    return std::nullopt;
  auto used = getUsedIsa(op, isa);
  if (failed(used))
    return std::nullopt;
  return getCycles(form->divide(op, *used), Choice(), /*threads=*/1, /*overhead=*/0);
}

static int64_t getStoredBytes(Type type) {
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
