// The pass that turns kernels on buffers into loops of vectors, and the table of forms.
#include "Kernel.h"

#include "qc/Conversion/Lowering.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_EMITKERNELS
#include "qc/Conversion/Passes.h.inc"

ArrayRef<KernelForm> getKernelForms() {
  // Tried in this order.
  static constexpr KernelForm forms[] = {
      {"depthwise", planDepthwise, emitDepthwise, divideDepthwise},
      {"winograd", planWinograd, emitWinograd, divideWinograd},
      {"contract", planContraction, emitContraction, divideContraction},
      {"pool", planPool, emitPool, dividePool},
      {"pointwise", planPointwise, emitPointwise, dividePointwise},
      {"transpose", planTranspose, emitTranspose, divideTranspose},
  };
  return forms;
}

std::vector<std::string> getKernelFormNames() {
  std::vector<std::string> names;
  for (const KernelForm &form : getKernelForms())
    names.push_back(form.name.str());
  return names;
}

std::optional<DotDecision> getDotDecision(KernelOp op, size_t mostNumbers) {
  const DotKernel *dot = op.getDot() ? findDotKernel(*op.getDot()) : nullptr;
  auto tile = op.getTile();
  if (!dot || !tile || tile->size() < 2 || tile->size() > mostNumbers || llvm::any_of(*tile, [](int64_t n) { return n < 1; }))
    return std::nullopt;
  return DotDecision{dot, (*tile)[0], (*tile)[1]};
}

FailureOr<Isa> getUsedIsa(KernelOp op, const Isa &isa) {
  auto tile = op.getTile();
  if (!tile || tile->size() != 3)
    return isa;
  if (!llvm::is_contained(isa.getLaneChoices(), (*tile)[2]))
    return op.emitError() << (*tile)[2] << " lanes are no group of registers of " << isa.name;
  return isa.withLanes((*tile)[2]);
}

namespace {
struct EmitKernels : impl::EmitKernelsBase<EmitKernels> {
  using EmitKernelsBase::EmitKernelsBase;
  void runOnOperation() override {
    const Isa *row = findIsa(isa);
    if (!row) {
      getOperation().emitError("isa=") << isa << ": use one of " << getIsaNames();
      return signalPassFailure();
    }
    SmallVector<KernelOp> kernels;
    getOperation().walk([&](KernelOp op) { kernels.push_back(op); });
    ConstantPool constants(getOperation());
    for (KernelOp op : kernels) {
      const KernelForm *form = llvm::find_if(getKernelForms(), [&](const KernelForm &form) { return form.name == op.getForm(); });
      if (form == getKernelForms().end()) {
        op.emitError("has the unknown form '") << op.getForm() << "'";
        return signalPassFailure();
      }
      auto used = getUsedIsa(op, *row);
      if (failed(used))
        return signalPassFailure();
      OpBuilder b(op);
      Kernel kernel(op, *used, b, constants);
      if (auto tasks = op.getTasks()) {
        auto parallel = ParallelOp::create(b, op.getLoc(), (*tasks)[0] * (*tasks)[1], op.getSlots());
        Block &block = parallel.getBody().emplaceBlock();
        kernel.task = block.addArgument(b.getIndexType(), op.getLoc());
        kernel.slot = block.addArgument(b.getIndexType(), op.getLoc());
        b.setInsertionPointToStart(&block);
      }
      if (failed(form->emit(kernel)))
        return signalPassFailure();
      if (std::string part = kernel.getUndivided(); !part.empty()) {
        op.emitError("cannot be divided by ") << part;
        return signalPassFailure();
      }
      op.erase();
    }
  }
};
} // namespace
} // namespace qc
