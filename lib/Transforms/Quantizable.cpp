// What the quantizing passes ask of ops and options.
#include "Quantizable.h"
#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"

#include "llvm/Support/Format.h"

using namespace mlir;

namespace qc {
bool needsDomain(OpOperand &operand) {
  return isUnaryFunction(operand.getOwner()) || (isa<DivOp>(operand.getOwner()) && operand.getOperandNumber() == 1);
}

std::string describeZeroDivisor(Operation *op) {
  auto domain = op->getAttrOfType<DenseF64ArrayAttr>(domainName);
  std::string why;
  if (isa<DivOp>(op) && domain && domain[0] <= 0 && domain[1] >= 0)
    llvm::raw_string_ostream(why) << "the range [" << llvm::format("%g, %g", domain[0], domain[1])
                                  << "] of its divisor holds 0; keep the divisor away from there in the model (Clip, Abs, or an "
                                     "added constant), or give the range that really occurs with -calib or -ranges";
  return why;
}

void noteObserved(ObserveOp observe, double low, double high) {
  if (llvm::any_of(observe->getUses(), needsDomain))
    observe.setObservedAttr(DenseF64ArrayAttr::get(observe.getContext(), {low, high}));
}

/// The width of a code type, 0 if the text names none; `isSigned` says which it is.
static unsigned readCodeType(StringRef text, bool isWeight, bool &isSigned) {
  isSigned = text.consume_front("i");
  unsigned bits;
  if ((!isSigned && (isWeight || !text.consume_front("u"))) || text.getAsInteger(10, bits) ||
      ((bits < 2 || bits > 8) && bits != 16))
    return 0;
  return bits;
}

bool isCodeType(StringRef text, bool isWeight) {
  bool isSigned;
  return readCodeType(text, isWeight, isSigned) != 0;
}

IntegerType parseCodeType(StringRef text, MLIRContext *context, bool isWeight) {
  bool isSigned;
  unsigned bits = readCodeType(text, isWeight, isSigned);
  return bits ? IntegerType::get(context, bits, isSigned ? IntegerType::Signless : IntegerType::Unsigned) : IntegerType();
}

/// Bits and length of iN/G, if the text is that.
static std::optional<std::pair<unsigned, int64_t>> parseGrouped(StringRef text) {
  auto [code, group] = text.split('/');
  unsigned bits = 0;
  int64_t length = 0;
  if (!code.consume_front("i") || code.getAsInteger(10, bits) || group.getAsInteger(10, length) || bits < 2 || bits > 4 ||
      !GroupedAttr::isLength(length))
    return std::nullopt;
  return std::pair(bits, length);
}

std::optional<WeightScheme> parseWeightCode(StringRef text, MLIRContext *context) {
  for (const NamedCode &code : getNamedCodes())
    if (text == code.name)
      return WeightScheme(code.get(context));
  if (auto grouped = parseGrouped(text))
    return WeightScheme(GroupedAttr::get(context, grouped->first, grouped->second));
  IntegerType type = parseCodeType(text, context, /*isWeight=*/true);
  return type ? std::optional<WeightScheme>(type) : std::nullopt;
}

bool isWeightCode(StringRef text) {
  if (parseGrouped(text))
    return true;
  return llvm::any_of(getNamedCodes(), [&](const NamedCode &code) { return text == code.name; }) ||
         isCodeType(text, /*isWeight=*/true);
}

std::string listWeightCodes() {
  std::string text = "iN with N in 2..8 or 16";
  for (const NamedCode &code : getNamedCodes())
    text += ", or " + code.name.str();
  return text + ", or iN/G with N in 2..4 and groups of G = 16, 32, ... inputs";
}

bool isFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

bool isConstantOrDequantized(Value value) {
  if (Value codes = getDecodedCodes(value))
    value = codes;
  return value.getDefiningOp<ConstantOp>() != nullptr;
}

std::string whyNotInteger(Operation *op) {
  if (auto decided = op->getAttrOfType<StringAttr>(floatReasonName))
    return decided.str();
  auto quantizable = dyn_cast<QuantizableOpInterface>(op);
  if (!quantizable)
    return "the operator is unknown to the quantizer";
  if (std::string why = quantizable.whyFloat(); !why.empty())
    return why;
  // A constant divisor becomes a factor, unless it has no reciprocal.
  if (auto div = dyn_cast<DivOp>(op); div && getConstant(div.getRhs()))
    if (llvm::any_of(getFloats(getConstant(div.getRhs())), [](float v) { return !std::isfinite(float(1.0 / double(v))); }))
      return "its constant divisor holds 0, or a number whose reciprocal is not finite in f32; change it in the model, or clip "
             "the quotient there";
  for (OpOperand &operand : op->getOpOperands()) {
    OperandRole role = quantizable.getOperandRole(operand.getOperandNumber());
    if (role == OperandRole::Weight && !isConstantOrDequantized(operand.get()))
      return "the weights are not constant";
    if (role == OperandRole::Bias && !isConstantOrDequantized(operand.get()))
      return "the bias is not constant";
  }
  return "";
}

bool isQuantizableUse(OpOperand &operand) {
  auto quantizable = dyn_cast<QuantizableOpInterface>(operand.getOwner());
  return quantizable && quantizable.getOperandRole(operand.getOperandNumber()) == OperandRole::Activation &&
         whyNotInteger(operand.getOwner()).empty();
}

llvm::DenseSet<Operation *> findFloatTail(func::FuncOp function) {
  llvm::DenseSet<Operation *> tail;
  if (function.isExternal())
    return tail;
  // Backwards: ops of the right kinds from which every way leads to a result.
  Block &body = function.getBody().front();
  for (Operation &op : llvm::reverse(body)) {
    auto quantizable = dyn_cast<QuantizableOpInterface>(op);
    bool movesValues = quantizable && quantizable.isSameScale() && op.getNumOperands() == 1 && isFloatTensor(op.getResult(0));
    bool isCast = isa<quant::QuantizeCastOp, DequantizeCastOpInterface>(op);
    if ((isa<SoftmaxOp>(op) || movesValues || isCast) && !op.use_empty() &&
        llvm::all_of(op.getUsers(), [&](Operation *user) { return isa<func::ReturnOp>(user) || tail.contains(user); }))
      tail.insert(&op);
  }
  // Forwards: what only moves or rounds values belongs to the tail if a softmax stands before it.
  for (Operation &op : body)
    if (tail.contains(&op) && !isa<SoftmaxOp>(op)) {
      Operation *producer = op.getOperand(0).getDefiningOp();
      if (!producer || !tail.contains(producer))
        tail.erase(&op);
    }
  return tail;
}

CodeCandidates CodeCandidates::get(Operation *op) {
  CodeCandidates result;
  auto attr = op->getAttrOfType<DictionaryAttr>(codeCandidatesName);
  if (!attr)
    return result;
  result.group = attr.getAs<StringAttr>("group").str();
  for (auto entry : attr.getAs<ArrayAttr>("list").getAsRange<DictionaryAttr>()) {
    CodeCandidate &candidate = result.list.emplace_back();
    candidate.code = cast<IntegerType>(entry.getAs<TypeAttr>("code").getValue());
    if (auto low = entry.getAs<FloatAttr>("min"))
      candidate.range = {low.getValueAsDouble(), entry.getAs<FloatAttr>("max").getValueAsDouble()};
  }
  return result;
}

void CodeCandidates::set(Operation *op) const {
  Builder b(op->getContext());
  SmallVector<Attribute> entries;
  for (const CodeCandidate &candidate : list) {
    NamedAttrList entry;
    entry.set("code", TypeAttr::get(candidate.code));
    if (candidate.range) {
      entry.set("min", b.getF64FloatAttr(candidate.range->first));
      entry.set("max", b.getF64FloatAttr(candidate.range->second));
    }
    entries.push_back(entry.getDictionary(op->getContext()));
  }
  op->setAttr(codeCandidatesName, b.getDictionaryAttr({b.getNamedAttr("group", b.getStringAttr(group)),
                                                       b.getNamedAttr("list", b.getArrayAttr(entries))}));
}

std::string describeNode(Operation *op) {
  // The outer name is the tensor's, the child the node's.
  Location loc = op->getLoc();
  if (auto name = dyn_cast<NameLoc>(loc))
    if (StringRef node = getLocName(name.getChildLoc()); !node.empty())
      return ("'" + node + "'").str();
  if (StringRef node = getLocName(loc); !node.empty())
    return ("'" + node + "'").str();
  return ("'" + op->getName().getStringRef() + "'").str();
}
} // namespace qc
