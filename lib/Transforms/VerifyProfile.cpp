// Checks a quantized network against what a piece of hardware can do: a table of rules, each about one op.
#include "Quantizable.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"
#include "qc/Transforms/QuantProfile.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_VERIFYPROFILE
#include "qc/Transforms/Passes.h.inc"

namespace {
/// What an op has, what the profile allows, and what to do.
using Violate = llvm::function_ref<void(const Twine &has, const Twine &allows, const Twine &remedy)>;
using Rule = void (*)(Operation *op, const QuantProfile &profile, Violate violate);

constexpr StringLiteral anew = ", or quantize the model anew if it brings its own codes";

std::string toText(IntegerType code) { return (code.isUnsigned() ? "u" : "i") + std::to_string(code.getWidth()); }

bool isPowerOfTwo(double x) {
  int exponent;
  return std::frexp(x, &exponent) == 0.5;
}

/// The rules that tensors of activations and of weights share; `what` is which tensor of the op.
void checkTensor(QuantSchemeInterface scheme, StringRef what, bool isWeight, const QuantProfile &profile, Violate violate) {
  StringRef option = isWeight ? "-weights" : "-activations";
  const std::vector<std::string> &codes = isWeight ? profile.weightCodes : profile.activationCodes;
  if (std::string code = toText(scheme.getCodeType()); !llvm::is_contained(codes, code))
    violate(what + " of " + code, llvm::join(codes, ", "),
            option + "=" + (isWeight ? profile.weights : codes.front()) + ", without another type in -constraints" + anew);
  bool perChannel = scheme.getChannelAxis() >= 0;
  if (isWeight && perChannel && !profile.weightsPerChannel)
    violate(what + " with one scale per channel", "one per layer", "-weight-granularity=tensor" + anew);
  if (!isWeight && perChannel)
    violate(what + " with one scale per channel", "one per tensor",
            "quantize the model anew, with one scale per tensor of activations");
  bool allowed = isWeight ? profile.weightZeroPoints : profile.activationZeroPoints;
  if (auto zeros = scheme.getZeroPointValues(); !allowed && llvm::any_of(zeros, [](int64_t zero) { return zero != 0; })) {
    int64_t zero = *llvm::find_if(zeros, [](int64_t zero) { return zero != 0; });
    violate(what + " with the zero point " + Twine(zero), "none",
            isWeight ? "quantize the model anew, with symmetric weights" : "-zero-points=false" + anew.str());
  }
  if (auto scales = scheme.getScaleValues(); profile.powerOfTwo && !llvm::all_of(scales, isPowerOfTwo)) {
    double scale = *llvm::find_if_not(scales, isPowerOfTwo);
    std::string text;
    llvm::raw_string_ostream(text) << scale;
    violate(what + " with the scale " + text, "powers of two", "-requant=pow2" + anew);
  }
}

/// Codes of more bits than any activation has are accumulators.
QuantSchemeInterface getActivationScheme(Type type) {
  QuantSchemeInterface scheme = getScheme(type);
  return scheme && scheme.getCodeType().getWidth() <= 16 ? scheme : QuantSchemeInterface();
}

void inputsAreAllowed(Operation *op, const QuantProfile &profile, Violate violate) {
  auto function = dyn_cast<func::FuncOp>(op);
  if (!function)
    return;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (QuantSchemeInterface scheme = getActivationScheme(function.getArgumentTypes()[i])) {
      auto name = function.getArgAttrOfType<StringAttr>(i, "qc.name");
      checkTensor(scheme, "input '" + (name ? name.str() : std::to_string(i)) + "'", false, profile, violate);
    }
}

void activationsAreAllowed(Operation *op, const QuantProfile &profile, Violate violate) {
  if (isa<ConstantOp, func::FuncOp>(op))
    return;
  for (Value result : op->getResults())
    if (QuantSchemeInterface scheme = getActivationScheme(result.getType()))
      checkTensor(scheme, "a result", false, profile, violate);
}

void constantsAreAllowed(Operation *op, const QuantProfile &profile, Violate violate) {
  auto quantizable = dyn_cast<QuantizableOpInterface>(op);
  if (!quantizable)
    return;
  for (OpOperand &operand : op->getOpOperands()) {
    OperandRole role = quantizable.getOperandRole(operand.getOperandNumber());
    bool isWeight = role == OperandRole::Weight;
    if (!isa_and_nonnull<ConstantOp>(operand.get().getDefiningOp()) || (!isWeight && role != OperandRole::Activation))
      continue;
    if (QuantSchemeInterface scheme = getActivationScheme(operand.get().getType()))
      checkTensor(scheme, isWeight ? "weights" : "a constant operand", isWeight, profile, violate);
  }
}

void opIsComputed(Operation *op, const QuantProfile &profile, Violate violate) {
  if (!isa_and_nonnull<QCDialect>(op->getDialect()) || op->hasAttr(floatReasonName) || op->getNumResults() == 0 ||
      !getScheme(op->getResult(0).getType()))
    return;
  if (!profile.whyFloat(op->getName().stripDialect()).empty())
    violate(op->getName().getStringRef() + " on codes", "it in float only",
            "let it stay in float, with the model's own quantization around it, or replace it in the model");
}

void floatIsAllowed(Operation *op, const QuantProfile &profile, Violate violate) {
  if (auto reason = op->getAttrOfType<StringAttr>(floatReasonName); reason && !profile.allowsFloat)
    violate(op->getName().getStringRef() + " in float (" + reason.getValue() + ")", "no float", "replace it in the model");
}

void accumulatorFits(Operation *op, const QuantProfile &profile, Violate violate) {
  auto accumulator = dyn_cast<AccumulatorOpInterface>(op);
  if (!accumulator || !accumulator.getAccBound())
    return;
  int64_t bits = int64_t(llvm::bit_width(*accumulator.getAccBound())) + 1;
  if (bits > profile.accumulatorBits)
    violate("sums that need " + Twine(bits) + " bits", "accumulators of " + Twine(profile.accumulatorBits) + " bits",
            "fewer bits for its weights or its input, in -constraints");
}

void functionIsAllowed(Operation *op, const QuantProfile &profile, Violate violate) {
  bool isTable = isa<LutOp>(op);
  if (!isTable && !isa<PwlOp>(op))
    return;
  StringRef form = isTable ? "table" : "pwl";
  if (!llvm::is_contained(profile.forms, form)) {
    bool none = profile.forms.empty();
    return violate(isTable ? "a function as a table" : "a function by pieces",
                   none ? std::string("no functions on codes") : "functions as " + llvm::join(profile.forms, ", "),
                   none ? std::string("replace it in the model") : "-activation-form=" + profile.forms.front());
  }
  if (auto lut = dyn_cast<LutOp>(op)) {
    int64_t entries = getShape(lut.getTable()).back();
    if (entries > profile.tableEntries)
      violate("a table of " + Twine(entries) + " entries", "at most " + Twine(profile.tableEntries),
              "-activation-form=pwl, or fewer bits for its input, in -constraints");
  } else {
    int64_t pieces = int64_t(cast<PwlOp>(op).getSlopes().size());
    if (pieces > profile.pieces)
      violate(Twine(pieces) + " pieces", "at most " + Twine(profile.pieces), "a larger -max-activation-error");
  }
}

void contractIsAllowed(Operation *op, const QuantProfile &profile, Violate violate) {
  auto requant = isa<func::FuncOp>(op) ? op->getAttrOfType<StringAttr>("qc.requant") : StringAttr();
  if (requant && !llvm::is_contained(profile.requant, requant.getValue()))
    violate("the rounding contract " + requant.getValue(), llvm::join(profile.requant, ", "),
            "-requant=" + profile.requant.front());
}

constexpr Rule rules[] = {contractIsAllowed, inputsAreAllowed, activationsAreAllowed, constantsAreAllowed,
                          opIsComputed,      floatIsAllowed,   accumulatorFits,       functionIsAllowed};

struct VerifyProfile : impl::VerifyProfileBase<VerifyProfile> {
  using VerifyProfileBase::VerifyProfileBase;
  void runOnOperation() override {
    auto loaded = QuantProfile::load(profile);
    if (!loaded) {
      emitError(getOperation().getLoc()) << llvm::toString(loaded.takeError());
      return signalPassFailure();
    }
    bool failed = false;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      auto violate = [&](const Twine &has, const Twine &allows, const Twine &remedy) {
        std::string what = isa<func::FuncOp>(op) ? "the network" : "node " + describeNode(op);
        emitError(op->getLoc()) << what << " has " << has << "; profile '" << loaded->name << "' allows " << allows << ": "
                                << remedy;
        failed = true;
      };
      for (Rule rule : rules)
        rule(op, *loaded, violate);
      return isa<FunctionOp>(op) ? WalkResult::skip() : WalkResult::advance();
    });
    if (failed)
      signalPassFailure();
    else
      markAllAnalysesPreserved();
  }
};
} // namespace
} // namespace qc
