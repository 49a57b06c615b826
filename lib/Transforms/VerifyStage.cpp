// Checks what holds after a stage: a table of stages, each with its rules (docs/Pipeline.md).
#include "Quantizable.h"
#include "RangeFile.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_VERIFYSTAGE
#include "qc/Transforms/Passes.h.inc"

namespace {
/// One rule looks at one op and reports what is wrong with it through `fail`, as often as it likes.
using Fail = llvm::function_ref<void(Operation *, const Twine &)>;
using Rule = void (*)(Operation *op, Fail fail);

bool isCompute(Operation *op) { return isa_and_nonnull<QCDialect>(op->getDialect()) && !isa<ConstantOp, ObserveOp>(op); }
bool hasReason(Operation *op) { return op->hasAttr(floatReasonName); }

template <typename F> bool anyType(Operation *op, F predicate) {
  return llvm::any_of(op->getOperandTypes(), predicate) || llvm::any_of(op->getResultTypes(), predicate);
}
bool isQuantized(Type type) { return isa<ShapedType>(type) && getDomain(type) == Domain::Quantized; }
bool isFloat(Type type) { return isa<ShapedType>(type) && getDomain(type) == Domain::Float; }

//===-- Rules --------------------------------------------------------------------------------------------------------------===//

void graphDialects(Operation *op, Fail fail) {
  if (!isa<ModuleOp>(op) && !isa_and_nonnull<QCDialect, func::FuncDialect, quant::QuantDialect>(op->getDialect()))
    fail(op, "belongs to none of the dialects qc, quant and func");
}

void oneBlock(Operation *op, Fail fail) {
  if (auto function = dyn_cast<func::FuncOp>(op); function && !function.getBody().hasOneBlock())
    fail(op, "is not a function with one block");
}

void staticShapes(Operation *op, Fail fail) {
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape();
  };
  if (auto function = dyn_cast<func::FuncOp>(op)) {
    if (!llvm::all_of(function.getArgumentTypes(), isStatic) || !llvm::all_of(function.getResultTypes(), isStatic))
      fail(op, "has an argument or result that is not a tensor of static shape");
  } else if (!llvm::all_of(op->getResultTypes(), isStatic)) {
    fail(op, "has a result that is not a tensor of static shape");
  }
}

void namesFromModel(Operation *op, Fail fail) {
  if (isCompute(op) && getLocName(op->getLoc()).empty())
    fail(op, "does not carry the name of its node as location");
  auto function = dyn_cast<func::FuncOp>(op);
  if (!function)
    return;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (!function.getArgAttr(i, "qc.name"))
      fail(op, "argument " + Twine(i) + " has no 'qc.name'");
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (!function.getResultAttr(i, "qc.name"))
      fail(op, "result " + Twine(i) + " has no 'qc.name'");
}

void noObserve(Operation *op, Fail fail) {
  if (isa<ObserveOp>(op))
    fail(op, "must not occur at this stage");
}

void noIntegerForm(Operation *op, Fail fail) {
  if (isa<RequantizeOp, LutOp, PwlOp, QuantizeOp, DequantizeOp>(op))
    fail(op, "exists from stage 'integer' on");
}

/// From stage integer on functions are tables, pieces, or the ops of their region.
void noFunctions(Operation *op, Fail fail) {
  if (isa<FunctionOp>(op))
    fail(op, "must not be left at this stage");
}

void noNoOps(Operation *op, Fail fail) {
  if (isa<ReshapeOp, CastOp>(op) && op->getOperand(0).getType() == op->getResult(0).getType())
    fail(op, "changes nothing and should be gone");
}

void observesHaveRanges(Operation *op, Fail fail) {
  if (auto function = dyn_cast<func::FuncOp>(op)) {
    std::vector<std::string> missing;
    function.walk([&](ObserveOp observe) {
      if (!observe.getMin())
        missing.push_back(observe.getId().str());
    });
    if (!missing.empty())
      fail(op, "has " + describeMissingRanges(missing));
  }
  auto observe = dyn_cast<ObserveOp>(op);
  if (!observe)
    return;
  if (isa_and_nonnull<ObserveOp, DequantizeCastOpInterface>(observe.getInput().getDefiningOp()))
    fail(op, "observes an edge that is observed or quantized already");
  if (llvm::count_if(observe.getInput().getUsers(), [](Operation *user) { return isa<ObserveOp>(user); }) > 1)
    fail(op, "is not the only observe of its edge");
}

/// True if codes stand for the value already, perhaps behind ops that only move them.
bool isAnnotated(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<ObserveOp, DequantizeCastOpInterface, ConstantOp>(op))
    return true;
  auto mover = dyn_cast<QuantizableOpInterface>(op);
  return mover && mover.isSameScale() && llvm::all_of(op->getOperands(), isAnnotated);
}

void edgesAreObserved(Operation *op, Fail fail) {
  if (!isCompute(op))
    return;
  auto function = op->getParentOfType<func::FuncOp>();
  if (!function || op->getBlock() != &function.getBody().front() || findFloatTail(function).contains(op))
    return;
  for (OpOperand &operand : op->getOpOperands())
    if (isFloatTensor(operand.get()) && isQuantizableUse(operand) && !isAnnotated(operand.get()))
      if (llvm::none_of(op->getUsers(), [](Operation *user) { return isa<quant::QuantizeCastOp>(user); }) ||
          !cast<QuantizableOpInterface>(op).isSameScale())
        fail(op, "operand " + Twine(operand.getOperandNumber()) + " is an edge without observe");
}

void weightsAreEncoded(Operation *op, Fail fail) {
  auto quantizable = dyn_cast<QuantizableOpInterface>(op);
  if (!quantizable || hasReason(op) || op->getNumOperands() == 0 || !getDecodedCodes(op->getOperand(0)) ||
      !whyNotInteger(op).empty())
    return;
  for (OpOperand &operand : op->getOpOperands())
    if (quantizable.getOperandRole(operand.getOperandNumber()) != OperandRole::Other && getConstant(operand.get()) &&
        isFloatTensor(operand.get()))
      fail(op, "operand " + Twine(operand.getOperandNumber()) + " is a constant that is not encoded");
}

/// True if `op` may stand on the float side of a cast: it stays in float for a stated reason, or it is the function's boundary.
bool isFloatSide(Operation *op) { return !op || isa<func::ReturnOp>(op) || hasReason(op); }

void castsAtBoundary(Operation *op, Fail fail) {
  if (auto qcast = dyn_cast<quant::QuantizeCastOp>(op)) {
    if (!isFloatSide(qcast.getInput().getDefiningOp()))
      fail(op, "stands neither at the function's boundary nor behind an op that says why it stays in float");
  } else if (isa<DequantizeCastOpInterface>(op)) {
    if (!llvm::all_of(op->getUsers(), isFloatSide))
      fail(op, "stands neither at the function's boundary nor in front of an op that says why it stays in float");
  } else if (isCompute(op) && !hasReason(op) && isFloat(op->getResult(0).getType())) {
    fail(op, "computes in float without a reason ('" + Twine(floatReasonName) + "')");
  }
}

void noQuantizedTypes(Operation *op, Fail fail) {
  auto function = dyn_cast<func::FuncOp>(op);
  if (anyType(op, isQuantized) || (function && (llvm::any_of(function.getArgumentTypes(), isQuantized) ||
                                                llvm::any_of(function.getResultTypes(), isQuantized))))
    fail(op, "has a quantized type");
}

void floatIsListed(Operation *op, Fail fail) {
  if (!isCompute(op) || op->getNumResults() == 0 || isa<KernelOp>(op) || isa<QuantizeOp, DequantizeOp>(op) || hasReason(op) ||
      !isFloat(op->getResult(0).getType()))
    return;
  auto function = op->getParentOfType<func::FuncOp>();
  if (function && function.getSymName() != "run_f32")
    fail(op, "computes in float without a reason ('" + Twine(floatReasonName) + "')");
}

void narrowedByRequantize(Operation *op, Fail fail) {
  // What rounds to its result's codes by a rule of its own may narrow, too.
  if (!isCompute(op) || isa<KernelOp, YieldOp>(op) || isa<RequantizeOp, LutOp, PwlOp, QuantizeOp, CastOp, CompareOp>(op) ||
      isa<SoftmaxCodesOp, NormalizeCodesOp, HypotCodesOp, DivideCodesOp>(op) || op->getNumOperands() == 0)
    return;
  auto from = dyn_cast<IntegerType>(getElementType(op->getOperand(0))),
       to = dyn_cast<IntegerType>(getElementType(op->getResult(0)));
  if (from && to && to.getWidth() < from.getWidth())
    fail(op, "narrows from " + Twine(from.getWidth()) + " to " + Twine(to.getWidth()) + " bits, which only qc.requantize may");
}

void noGraphOps(Operation *op, Fail fail) {
  if (isa_and_nonnull<QCDialect, quant::QuantDialect>(op->getDialect()) && !isa<KernelOp>(op))
    fail(op, "must not be left at this stage");
}

/// After kernels are formed: all graph ops are in one, or wait for their turn.
void kernelsAreDecided(Operation *op, Fail fail) {
  if (auto kernel = dyn_cast<KernelOp>(op); kernel && kernel.getForm().empty())
    fail(op, "has no form");
}

void noKernels(Operation *op, Fail fail) {
  if (isa<KernelOp>(op))
    fail(op, "must not be left at this stage");
}

void signlessIntegers(Operation *op, Fail fail) {
  auto hasSign = [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    auto integer = dyn_cast<IntegerType>(shaped ? shaped.getElementType() : type);
    return integer && !integer.isSignless();
  };
  auto function = dyn_cast<func::FuncOp>(op);
  if (anyType(op, hasSign) ||
      (function && (llvm::any_of(function.getArgumentTypes(), hasSign) || llvm::any_of(function.getResultTypes(), hasSign))))
    fail(op, "has a type that carries its sign; only extsi and extui may");
}

void noTensors(Operation *op, Fail fail) {
  if (anyType(op, [](Type type) { return isa<TensorType>(type); }))
    fail(op, "has a tensor type");
}

void noAllocation(Operation *op, Fail fail) {
  if (StringRef name = op->getName().getStringRef();
      name == "memref.alloc" || name == "memref.dealloc" || name == "memref.realloc")
    fail(op, "would need a heap");
}

void onlyLLVM(Operation *op, Fail fail) {
  if (!isa<ModuleOp>(op) && !isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
    fail(op, "does not belong to the llvm dialect");
}

void noExternalSymbols(Operation *op, Fail fail) {
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op); function && function.isExternal())
    fail(op, "declares the external symbol '" + function.getSymName() + "'");
}

struct StageRules {
  StringLiteral name;
  SmallVector<Rule> rules;
  bool kernels = true; ///< the rules hold inside kernels, too
};

const StageRules *findStage(StringRef name) {
  static const std::vector<StageRules> stages = {
      {"import", {graphDialects, oneBlock, staticShapes, namesFromModel, noObserve, noIntegerForm}},
      {"graph", {graphDialects, oneBlock, staticShapes, noObserve, noIntegerForm, noNoOps}},
      {"annotated", {graphDialects, oneBlock, staticShapes, noIntegerForm, observesHaveRanges, edgesAreObserved}},
      {"qdq", {graphDialects, oneBlock, staticShapes, noObserve, noIntegerForm, weightsAreEncoded}},
      {"quantized", {graphDialects, oneBlock, staticShapes, noObserve, noIntegerForm, castsAtBoundary}},
      {"integer",
       {graphDialects, oneBlock, staticShapes, noObserve, noQuantizedTypes, floatIsListed, narrowedByRequantize, noFunctions}},
      {"packed",
       {graphDialects, oneBlock, staticShapes, noObserve, noQuantizedTypes, floatIsListed, narrowedByRequantize, noFunctions,
        kernelsAreDecided}},
      {"linalg", {noGraphOps, signlessIntegers}, false},
      {"buffers", {noGraphOps, signlessIntegers, noTensors, noAllocation}, false},
      {"vector", {noKernels, noGraphOps, signlessIntegers, noTensors, noAllocation}},
      {"llvm", {onlyLLVM, noExternalSymbols}},
  };
  for (const StageRules &stage : stages)
    if (stage.name == name)
      return &stage;
  return nullptr;
}

struct VerifyStage : impl::VerifyStageBase<VerifyStage> {
  using VerifyStageBase::VerifyStageBase;
  void runOnOperation() override {
    const StageRules *rules = findStage(stage);
    if (!rules) {
      emitError(getOperation().getLoc()) << "'" << stage << "' is no stage";
      return signalPassFailure();
    }
    bool failed = false;
    auto fail = [&](Operation *op, const Twine &what) {
      emitError(op->getLoc()) << "'" << op->getName() << "' " << what << " (after stage '" << stage << "')";
      failed = true;
    };
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      for (Rule rule : rules->rules)
        rule(op, fail);
      // From stage linalg on, the region of a kernel says what it computes and is no part of the program; that of a function is
      // not.
      return isa<FunctionOp>(op) || (isa<KernelOp>(op) && !rules->kernels) ? WalkResult::skip() : WalkResult::advance();
    });
    if (failed)
      signalPassFailure();
    else
      markAllAnalysesPreserved();
  }
};
} // namespace
} // namespace qc
