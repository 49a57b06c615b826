// A copy of the float network, for those who compare with it later.
#include "Quantizable.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_KEEPFLOAT
#include "qc/Transforms/Passes.h.inc"

namespace {
struct KeepFloat : impl::KeepFloatBase<KeepFloat> {
  using KeepFloatBase::KeepFloatBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (module.lookupSymbol(keptFloatName)) {
      module.emitError("has a kept network already");
      return signalPassFailure();
    }
    SmallVector<func::FuncOp> observed;
    for (auto function : module.getOps<func::FuncOp>())
      if (function.walk([](ObserveOp) { return WalkResult::interrupt(); }).wasInterrupted())
        observed.push_back(function);
    if (observed.empty())
      return;
    // A module of its own: passes on the functions of this one leave it alone.
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto kept = ModuleOp::create(builder, module.getLoc(), keptFloatName);
    for (func::FuncOp function : observed)
      kept.push_back(function.clone());
  }
};
} // namespace
} // namespace qc
