// The pass that turns kernels on buffers into loops of vectors, and the table of forms.
#include "Kernel.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_EMITKERNELS
#include "qc/Conversion/Passes.h.inc"

ArrayRef<KernelForm> getKernelForms() {
  // Tried in this order.
  static constexpr KernelForm forms[] = {
      {"depthwise", planDepthwise, emitDepthwise}, {"contract", planContraction, emitContraction}, {"pool", planPool, emitPool},
      {"pointwise", planPointwise, emitPointwise}, {"transpose", planTranspose, emitTranspose},
  };
  return forms;
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
      Isa used = *row;
      if (auto tile = op.getTile(); tile && tile->size() == 3) {
        if (!llvm::is_contained(row->getLaneChoices(), (*tile)[2])) {
          op.emitError() << (*tile)[2] << " lanes are no group of registers of " << row->name;
          return signalPassFailure();
        }
        used = row->withLanes((*tile)[2]);
      }
      OpBuilder b(op);
      Kernel kernel(op, used, b, constants);
      if (failed(form->emit(kernel)))
        return signalPassFailure();
      op.erase();
    }
  }
};
} // namespace
} // namespace qc
