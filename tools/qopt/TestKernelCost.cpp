// --test-kernel-cost: the cost model's estimates, of kernels and of layers that are none yet.
#include "TestKernelCost.h"

#include "qc/Conversion/KernelCost.h"

#include "mlir/Pass/Pass.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace qc {
namespace {
struct TestKernelCost : PassWrapper<TestKernelCost, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestKernelCost)
  TestKernelCost() = default;
  TestKernelCost(const TestKernelCost &other) : PassWrapper(other) {}

  StringRef getArgument() const final { return "test-kernel-cost"; }
  StringRef getDescription() const final {
    return "prints cycles of each kernel, or of each layer by bits of its weights: 'name: w8 a8 cycles ...'";
  }

  void runOnOperation() override {
    const Isa *row = findIsa(isa);
    if (!row) {
      getOperation().emitError("isa=") << isa << ": use one of " << getIsaNames();
      return signalPassFailure();
    }
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (auto kernel = dyn_cast<KernelOp>(op)) {
        auto cycles = estimateCycles(kernel, *row);
        llvm::outs() << getLocName(op->getLoc()) << ": " << kernel.getForm() << " "
                     << (cycles ? llvm::format("%.0f", *cycles) : llvm::format("%.0f", -1.0)) << "\n";
        return WalkResult::skip();
      }
      if (!llvm::isa_and_nonnull<QCDialect>(op->getDialect()) || llvm::isa<ConstantOp>(op))
        return WalkResult::advance();
      llvm::outs() << getLocName(op->getLoc()) << ":";
      for (unsigned activations : {8u, 16u})
        for (unsigned weights : {2u, 4u, 5u, 6u, 8u, 16u})
          llvm::outs() << " w" << weights << "a" << activations << " "
                       << llvm::format("%.0f", estimateLayerCycles(op, *row, weights, activations));
      llvm::outs() << "\n";
      return WalkResult::advance();
    });
  }

  Option<std::string> isa{*this, "isa", llvm::cl::desc("row of Isas.def"), llvm::cl::init("avx2")};
};
} // namespace

void registerTestKernelCost() { PassRegistration<TestKernelCost>(); }
} // namespace qc
