// Compiles f32 networks into this process, through the same lowering as the product.
#include "NativeNetwork.h"
#include "qc/Conversion/Lowering.h"
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Target/Kernels.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace qc {
unsigned getStorageBytes(Type type) { return llvm::PowerOf2Ceil(std::max(8u, type.getIntOrFloatBitWidth())) / 8; }

/// Makes `@run_f32` take an array of pointers: the number of observed values is known only now, so C++ could not call it
/// otherwise.
static void addPackedEntry(ModuleOp module) {
  auto body = module.lookupSymbol<LLVM::LLVMFuncOp>("run_f32");
  body.setSymName("calibrated_network");
  body.setLinkage(LLVM::Linkage::Internal);
  body.removeArgAttrsAttr(); // names and roles of ports mean nothing to LLVM
  OpBuilder builder(module.getContext());
  builder.setInsertionPointToEnd(module.getBody());
  Location loc = body.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()), {pointer});
  auto entry = LLVM::LLVMFuncOp::create(builder, loc, "run_f32", type);
  builder.setInsertionPointToStart(entry.addEntryBlock(builder));
  SmallVector<Value> arguments;
  for (unsigned i = 0; i < body.getNumArguments(); ++i) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, entry.getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    arguments.push_back(LLVM::LoadOp::create(builder, loc, pointer, slot));
  }
  LLVM::CallOp::create(builder, loc, body, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

FailureOr<std::unique_ptr<Network>> Network::compile(func::FuncOp function, ArrayRef<Value> values) {
  MLIRContext *context = function.getContext();
  OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
  IRMapping mapping;
  auto clone = cast<func::FuncOp>(function->clone(mapping));
  clone.setSymName("run_f32");
  clone.setPublic();
  module->push_back(clone);
  // Only the observed values are results; what they do not need is dead.
  SmallVector<Value> results = llvm::map_to_vector(values, [&](Value value) { return mapping.lookup(value); });
  clone.getBody().front().getTerminator()->setOperands(results);
  clone.setFunctionType(FunctionType::get(context, clone.getArgumentTypes(), TypeRange(ValueRange(results))));
  clone->removeAttr(clone.getResAttrsAttrName());
  clone.walk([](ObserveOp observe) {
    observe.replaceAllUsesWith(observe.getInput());
    observe.erase();
  });
  return compile(std::move(module));
}

FailureOr<std::unique_ptr<Network>> Network::compile(OwningOpRef<ModuleOp> module) {
  MLIRContext *context = module->getContext();
  auto function = module->lookupSymbol<func::FuncOp>("run_f32");
  Location loc = function.getLoc();
  auto fail = [&](llvm::Error error) -> FailureOr<std::unique_ptr<Network>> {
    return emitError(loc) << "calibration: " << llvm::toString(std::move(error));
  };
  // Where the model brings its own quantization, the observed values are those behind its rounding. Weights are as good decoded.
  function.walk([](DequantizeCastOpInterface dcast) {
    ElementsAttr codes = getConstant(dcast.getCodes());
    QuantSchemeInterface scheme = getScheme(dcast.getCodes().getType());
    if (!codes || !scheme)
      return;
    SmallVector<double> reals = scheme.decode(getInts(codes), getShape(dcast.getCodes()));
    OpBuilder builder(dcast);
    SmallVector<float> values(reals.begin(), reals.end());
    dcast->replaceAllUsesWith(
        ConstantOp::create(builder, dcast.getLoc(), makeElements(cast<RankedTensorType>(dcast->getResult(0).getType()), values)));
    dcast.erase();
  });
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();

  llvm::Expected<Target> target = getCalibrationTarget();
  if (!target)
    return fail(target.takeError());
  StringRef isa = selectIsa(*target).name;
  PassManager toBuffers(context);
  toBuffers.addNestedPass<func::FuncOp>(createInlineFunctions());
  toBuffers.addNestedPass<func::FuncOp>(createLowerToInteger());
  buildPackedPasses(toBuffers, {isa.str(), {}});
  buildLinalgPasses(toBuffers);
  buildBufferPasses(toBuffers);
  if (failed(toBuffers.run(*module)))
    return failure();
  auto lowered = module->lookupSymbol<func::FuncOp>("run_f32");
  auto bytes = lowered ? lowered->getAttrOfType<IntegerAttr>("qc.arena_bytes") : IntegerAttr();
  if (!bytes)
    return fail(llvm::createStringError("the lowered network has no planned arena"));
  PassManager toLLVM(context);
  buildVectorPasses(toLLVM, isa);
  buildLLVMPasses(toLLVM, 64);
  if (failed(toLLVM.run(*module)))
    return failure();
  addPackedEntry(*module);

  auto network = std::make_unique<Network>();
  network->arenaBytes = bytes.getInt();
  llvm::Expected<std::unique_ptr<Jit>> jit = Jit::create(*module, *target, "calibration");
  if (!jit)
    return fail(jit.takeError());
  network->jit = std::move(*jit);
  llvm::Expected<void *> entry = network->jit->lookup("calibration_run_f32");
  if (!entry)
    return fail(entry.takeError());
  network->entry = reinterpret_cast<void (*)(char **)>(*entry);
  return network;
}

void registerNetworkDialects(DialectRegistry &registry) {
  OpPassManager lowering(ModuleOp::getOperationName());
  lowering.addNestedPass<func::FuncOp>(createLowerToInteger());
  buildPackedPasses(lowering, {"scalar", {}});
  buildLinalgPasses(lowering);
  buildBufferPasses(lowering);
  buildVectorPasses(lowering, "scalar");
  buildLLVMPasses(lowering, 64);
  lowering.getDependentDialects(registry);
  registry.insert<LLVM::LLVMDialect>();
  registerLoweringDialects(registry);
}
} // namespace qc
