// Composition of the stages linalg, buffers and llvm out of our passes and upstream's.
#include "qc/Conversion/Lowering.h"

#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/BufferViewFlowOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/AllocationOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/BufferViewFlowOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace {
/// Upstream's pass knows 64-bit indices only.
struct LowerVectors : PassWrapper<LowerVectors, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerVectors)
  explicit LowerVectors(unsigned indexBits) : indexBits(indexBits) {}
  StringRef getArgument() const override { return "qc-lower-vectors"; }
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<LLVM::LLVMDialect>(); }
  void runOnOperation() override {
    {
      RewritePatternSet patterns(&getContext());
      vector::populateVectorBroadcastLoweringPatterns(patterns);
      vector::populateVectorBitCastLoweringPatterns(patterns);
      vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
      vector::populateVectorInterleaveLoweringPatterns(patterns);
      if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
        return signalPassFailure();
    }
    LowerToLLVMOptions options(&getContext());
    options.overrideIndexBitwidth(indexBits);
    LLVMTypeConverter types(&getContext(), options);
    RewritePatternSet patterns(&getContext());
    populateVectorToLLVMConversionPatterns(types, patterns);
    LLVMConversionTarget target(getContext());
    target.addLegalDialect<arith::ArithDialect, memref::MemRefDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *op) { return !isa_and_nonnull<vector::VectorDialect>(op->getDialect()); });
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
  unsigned indexBits;
};
} // namespace

void qc::buildPackedPasses(OpPassManager &pm, const PackedOptions &options) {
  FormKernelsOptions form;
  form.isa = options.isa;
  form.without.assign(options.without.begin(), options.without.end());
  pm.addNestedPass<func::FuncOp>(createAssignLayout());
  pm.addNestedPass<func::FuncOp>(createFormKernels(form));
  if (options.threads > 1) {
    DivideKernelsOptions divide;
    divide.isa = options.isa;
    divide.threads = options.threads;
    divide.overhead = options.overhead;
    pm.addPass(createDivideKernels(divide));
  }
}

void qc::buildVectorPasses(OpPassManager &pm, StringRef isa) {
  EmitKernelsOptions emit;
  emit.isa = isa.str();
  pm.addPass(createEmitKernels(emit));
  pm.addPass(createShareKernels());
  pm.addPass(createOutlineTasks());
}

void qc::buildLinalgPasses(OpPassManager &pm) {
  // No canonicalizer before buffers: it would fold constants into multi-dimensional ones, which LLVM's constant arrays handle
  // badly.
  pm.addNestedPass<func::FuncOp>(createConvertQCToLinalg());
}

void qc::buildBufferPasses(OpPassManager &pm) {
  // Producers of results and of parts of a concatenation write in place.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.allowUnknownOps = true; // the regions of kernels stay on tensors; the stage's verifier finds anything else
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createExpandCopies());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createOutlineKernels());
  pm.addPass(createPlanArena());
}

void qc::buildLLVMPasses(OpPassManager &pm, unsigned indexBits) {
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass()); // expand-strided-metadata leaves affine.apply
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(std::make_unique<LowerVectors>(indexBits));
  pm.addPass(createSCFToControlFlowPass());
  ConvertMathToLLVMPassOptions math;
  pm.addPass(createConvertMathToLLVMPass(math));
  ArithToLLVMConversionPassOptions arith;
  arith.indexBitwidth = indexBits;
  pm.addPass(createArithToLLVMConversionPass(arith));
  FinalizeMemRefToLLVMConversionPassOptions memref;
  memref.indexBitwidth = indexBits;
  pm.addPass(createFinalizeMemRefToLLVMConversionPass(memref));
  ConvertFuncToLLVMPassOptions func;
  func.useBarePtrCallConv = true;
  func.indexBitwidth = indexBits;
  pm.addPass(createConvertFuncToLLVMPass(func));
  ConvertControlFlowToLLVMPassOptions controlFlow;
  controlFlow.indexBitwidth = indexBits;
  pm.addPass(createConvertControlFlowToLLVMPass(controlFlow));
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass()); // descriptors of buffers fold away: arguments are handed on as they are
  pm.addPass(createShareTasks());
}

void qc::registerLoweringDialects(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect, bufferization::BufferizationDialect, cf::ControlFlowDialect,
                  func::FuncDialect, linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
                  scf::SCFDialect, tensor::TensorDialect, vector::VectorDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  arith::registerBufferViewFlowOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  memref::registerAllocationOpInterfaceExternalModels(registry);
  memref::registerBufferViewFlowOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  qc::registerKernelBufferization(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

namespace {
struct LLVMOptions : PassPipelineOptions<LLVMOptions> {
  Option<unsigned> indexBits{*this, "index-bits", llvm::cl::desc("pointer width of the target"), llvm::cl::init(64)};
};
} // namespace

void qc::registerLoweringPipelines() {
  PassPipelineRegistration<>("qc-lower-linalg", "qc to linalg on tensors", buildLinalgPasses);
  PassPipelineRegistration<>("qc-lower-buffers", "linalg on tensors to loops on buffers in one arena", buildBufferPasses);
  PassPipelineRegistration<LLVMOptions>(
      "qc-lower-llvm", "loops on buffers to the LLVM dialect",
      [](OpPassManager &pm, const LLVMOptions &options) { buildLLVMPasses(pm, options.indexBits); });
}
