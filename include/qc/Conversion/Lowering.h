// From the integer (or f32) stage to the LLVM dialect, in the three stages linalg, buffers and llvm.
#ifndef QC_CONVERSION_LOWERING_H
#define QC_CONVERSION_LOWERING_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

#include <string>
#include <vector>

namespace qc {
struct PackedOptions {
  std::string isa;                  ///< a row of lib/Target/Isas.def
  std::vector<std::string> without; ///< forms of kernels that are not used
  unsigned threads = 1;             ///< kernels are divided for up to so many
  unsigned overhead = 0;            ///< cycles that handing tasks out takes then
};
/// Layout and kernels: the stage `packed`.
void buildPackedPasses(mlir::OpPassManager &pm, const PackedOptions &options);
/// The names of the forms that kernels may have.
std::vector<std::string> getKernelFormNames();
/// Kernels to vectors, tasks to functions: the stage `vector`.
void buildVectorPasses(mlir::OpPassManager &pm, llvm::StringRef isa);
/// qc to linalg on tensors; functions take their ports and an arena as buffers.
void buildLinalgPasses(mlir::OpPassManager &pm);
/// Tensors to loops on buffers in one arena, one function per outermost loop nest.
void buildBufferPasses(mlir::OpPassManager &pm);
/// Loops to the LLVM dialect; buffers are bare pointers, `index` has `indexBits` bits.
void buildLLVMPasses(mlir::OpPassManager &pm, unsigned indexBits);
/// The dialects of these stages, with the interfaces of bufferization and of the translation to LLVM IR.
void registerLoweringDialects(mlir::DialectRegistry &registry);
/// The loop nest that an op of the integer (or f32) stage becomes, for the report: "conv.by-channels" (accumulators of
/// neighbouring outputs, output channels innermost), "conv.depthwise.by-rows" (one output row of one channel), "matmul", "pool",
/// ...
std::string getLoopForm(mlir::Operation *op);
/// `--qc-lower-linalg`, `--qc-lower-buffers` and `--qc-lower-llvm='index-bits=32'` for qopt.
void registerLoweringPipelines();
} // namespace qc

#endif // QC_CONVERSION_LOWERING_H
