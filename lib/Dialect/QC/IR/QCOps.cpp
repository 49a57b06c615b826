// Parsing, verification, quantization roles and accumulator bounds of the ops.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace qc;

#define GET_OP_CLASSES
#include "qc/Dialect/QC/IR/QCOps.cpp.inc"

//===-- Constant -----------------------------------------------------------------------------------------------------------===//

ParseResult ConstantOp::parse(OpAsmParser &parser, OperationState &state) {
  ElementsAttr value;
  Type type;
  if (parser.parseOptionalAttrDict(state.attributes) || parser.parseAttribute(value))
    return failure();
  type = value.getShapedType();
  if (succeeded(parser.parseOptionalArrow()) && parser.parseType(type))
    return failure();
  state.getOrAddProperties<Properties>().value = value;
  state.addTypes(type);
  return success();
}

void ConstantOp::print(OpAsmPrinter &printer) {
  printer.printOptionalAttrDict((*this)->getAttrs(), {"value"});
  printer << " " << getValue();
  if (getType() != getValue().getShapedType())
    printer << " -> " << getType();
}

LogicalResult ConstantOp::verify() {
  if (failed(verifyQuantizedTypes(*this)))
    return failure();
  QuantSchemeInterface scheme = getScheme(getType());
  Type element = getStorageType(qc::getElementType(getResult()));
  if (element != getValue().getShapedType().getElementType() ||
      getValue().getShapedType().getShape() != qc::getShape(getResult()))
    return emitOpError() << "value must have shape and element type of the result (" << element << "), got "
                         << getValue().getType();
  if (SmallVector<int64_t> levels = scheme ? scheme.getLevels() : SmallVector<int64_t>(); !levels.empty())
    for (int64_t code : getInts(getValue()))
      if (!llvm::is_contained(levels, code))
        return emitOpError() << "holds " << code << ", which is no code of " << qc::getElementType(getResult());
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

//===-- Roles --------------------------------------------------------------------------------------------------------------===//

static OperandRole contractionRole(unsigned index) {
  return index == 0 ? OperandRole::Activation : index == 1 ? OperandRole::Weight : OperandRole::Bias;
}

OperandRole ConvOp::getOperandRole(unsigned index) { return contractionRole(index); }
int64_t ConvOp::getWeightChannelAxis() { return 0; }

OperandRole ConvTransposeOp::getOperandRole(unsigned index) { return contractionRole(index); }
/// With groups the output channels are spread over two axes of the weight, so that one scale serves all, unless each group is one
/// channel.
int64_t ConvTransposeOp::getWeightChannelAxis() {
  auto shape = qc::getShape(getWeight());
  return getGroups() == 1 ? 1 : shape[1] == 1 && shape[0] == int64_t(getGroups()) ? 0 : -1;
}

static bool comesFromConstant(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<ConstantOp>(op))
      return true;
    if (!isa<quant::QuantizeCastOp, DequantizeCastOpInterface, ObserveOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

OperandRole MatmulOp::getOperandRole(unsigned index) {
  if (index == 1)
    return comesFromConstant(getRhs()) ? OperandRole::Weight : OperandRole::Activation;
  return contractionRole(index);
}
int64_t MatmulOp::getWeightChannelAxis() { return qc::getShape(getRhs()).size() - 1; }

OperandRole PReluOp::getOperandRole(unsigned index) { return index == 0 ? OperandRole::Activation : OperandRole::Other; }

bool PoolOp::isSameScale() { return getKind() == PoolKind::Max; }
bool ReduceOp::isSameScale() { return getKind() == ReduceKind::Max || getKind() == ReduceKind::Min; }
bool ConcatOp::isSameScale() { return true; }
bool SliceOp::isSameScale() { return true; }
bool ReshapeOp::isSameScale() { return true; }
bool TransposeOp::isSameScale() { return true; }
bool GatherOp::isSameScale() { return true; }
/// The least and the greatest are values of either operand.
bool BinaryOp::isSameScale() { return getKind() == BinaryKind::Min || getKind() == BinaryKind::Max; }
bool SelectOp::isSameScale() { return true; }
bool TakeOp::isSameScale() { return true; }
bool ScatterOp::isSameScale() {
  return getKind() == ScatterKind::Set || getKind() == ScatterKind::Min || getKind() == ScatterKind::Max;
}
/// The padding value is part of the calibrated range like any other value of the result.
bool PadOp::isSameScale() { return true; }

std::optional<std::pair<double, double>> ActivationOp::getFixedRange() {
  if (getKind() == ActivationKind::Sigmoid || getKind() == ActivationKind::HardSigmoid)
    return std::make_pair(0.0, 1.0);
  if (llvm::is_contained({ActivationKind::Tanh, ActivationKind::Sin, ActivationKind::Cos, ActivationKind::Sign,
                          ActivationKind::Softsign, ActivationKind::Erf},
                         getKind()))
    return std::make_pair(-1.0, 1.0);
  return std::nullopt;
}
std::optional<std::pair<double, double>> SoftmaxOp::getFixedRange() {
  return getLog() ? std::make_pair(-std::numeric_limits<double>::infinity(), 0.0) : std::make_pair(0.0, 1.0);
}
OperandRole SoftmaxOp::getOperandRole(unsigned index) { return index == 0 ? OperandRole::Activation : OperandRole::Other; }
/// A factor that is not positive turns the order around.
std::string SoftmaxOp::whyFloat() { return getScale().convertToFloat() > 0 ? "" : "its scale is not positive"; }

OperandRole NormalizeOp::getOperandRole(unsigned index) { return index == 0 ? OperandRole::Activation : OperandRole::Other; }
std::string NormalizeOp::whyFloat() {
  for (Value parameter : {getScale(), getBias()})
    if (parameter && !qc::getConstant(parameter))
      return "its scale or bias is not constant";
  return "";
}

std::string CastOp::whyFloat() { return "a cast between float and integer values has no integer form"; }

std::string BinaryOp::whyFloat() {
  if (isSameScale() || getKind() == BinaryKind::Hypot)
    return "";
  return "a " + stringifyBinaryKind(getKind()).str() + " of two tensors has no integer form";
}
/// Against a constant: which code changes the relation is known.
std::string CompareOp::whyFloat() {
  return comesFromConstant(getLhs()) == comesFromConstant(getRhs()) ? "a comparison of two computed values has no integer form"
                                                                    : "";
}
std::string ScatterOp::whyFloat() { return isSameScale() ? "" : "a sum or product at computed indices has no integer form"; }
std::string ReduceOp::whyFloat() { return getKind() == ReduceKind::Prod ? "a product over axes has no integer form" : ""; }
// What stays in float is no edge for the quantizer.
OperandRole BinaryOp::getOperandRole(unsigned) {
  return isSameScale() || getKind() == BinaryKind::Hypot ? OperandRole::Activation : OperandRole::Other;
}
/// The constant becomes the code at which the relation changes, not its own.
OperandRole CompareOp::getOperandRole(unsigned index) {
  return whyFloat().empty() && !comesFromConstant(getOperand(index)) ? OperandRole::Activation : OperandRole::Other;
}
// Conditions and indices are no codes.
OperandRole SelectOp::getOperandRole(unsigned index) { return index == 0 ? OperandRole::Other : OperandRole::Activation; }
OperandRole TakeOp::getOperandRole(unsigned index) { return index == 1 ? OperandRole::Other : OperandRole::Activation; }
OperandRole ScatterOp::getOperandRole(unsigned index) {
  return index == 1 || !isSameScale() ? OperandRole::Other : OperandRole::Activation;
}

/// The axis along which `slope` varies, -1 if it is one number, nullopt if it varies along several.
static std::optional<int64_t> getSlopeAxis(PReluOp op) {
  auto slope = qc::getShape(op.getSlope());
  int64_t offset = qc::getShape(op.getInput()).size() - slope.size(), axis = -1;
  for (auto [i, size] : llvm::enumerate(slope)) {
    if (size == 1)
      continue;
    if (axis >= 0)
      return std::nullopt;
    axis = offset + i;
  }
  return axis;
}
std::string PReluOp::whyFloat() {
  if (!qc::getConstant(getSlope()))
    return "the slope is not constant";
  return getSlopeAxis(*this) ? "" : "the slope varies along more than one axis";
}

//===-- Verifiers ----------------------------------------------------------------------------------------------------------===//

/// A bias in the quantized and integer domains is a 32-bit or wider integer.
static LogicalResult verifyContraction(Operation *op, Value bias) {
  if (!bias)
    return success();
  Type element = getStorageType(getElementType(bias));
  if (auto integer = dyn_cast<IntegerType>(element); integer && integer.getWidth() < 32)
    return op->emitOpError("bias must be i32 or i64 in the quantized and integer domains");
  return success();
}
LogicalResult ConvOp::verify() { return verifyContraction(*this, getBias()); }
LogicalResult ConvTransposeOp::verify() { return verifyContraction(*this, getBias()); }
LogicalResult MatmulOp::verify() { return verifyContraction(*this, getBias()); }

LogicalResult SoftmaxOp::verify() {
  if (getDomain(getInput().getType()) == Domain::Integer)
    return emitOpError("has no meaning on plain integers");
  if (getMask() && !qc::getElementType(getMask()).isInteger(1))
    return emitOpError("mask must be a tensor of i1");
  return success();
}

/// Zero point and limits of the result are codes.
template <typename OpTy> static LogicalResult verifyCodes(OpTy op, IntegerType result) {
  auto [low, high] = getCodeLimits(result);
  int64_t zero = op.getZeroPoint(), min = op.getCodeMin(), max = op.getCodeMax();
  if (min < low || max > high || min > max || zero < low || zero > high)
    return op.emitOpError() << "zero point and limits must be codes of " << result;
  return success();
}

LogicalResult SoftmaxCodesOp::verify() {
  auto code = dyn_cast<IntegerType>(qc::getElementType(getInput())),
       result = dyn_cast<IntegerType>(qc::getElementType(getResult()));
  if (!code || code.getWidth() > 16 || !result)
    return emitOpError("turns integers of at most 16 bits into integers");
  if (getMask() && !qc::getElementType(getMask()).isInteger(1))
    return emitOpError("mask must be a tensor of i1");
  int64_t bits = code.getWidth();
  SmallVector<int64_t> sizes{int64_t(1) << std::min<int64_t>(bits, 8)};
  if (bits > 8)
    sizes.push_back(int64_t(1) << (bits - 8));
  if (getTables().size() != sizes.size())
    return emitOpError() << "needs " << sizes.size() << " tables for " << code;
  int64_t f = getFractionBits();
  if (f < 1 || f > 30)
    return emitOpError("'fraction_bits' must lie in [1, 30]");
  for (auto [table, size] : llvm::zip_equal(getTables(), sizes)) {
    ElementsAttr constant = qc::getConstant(table);
    if (!constant || qc::getShape(table) != ArrayRef<int64_t>(size) || !qc::getElementType(table).isSignlessInteger(32))
      return emitOpError() << "tables must be constants of i32 with " << size << " entries";
    SmallVector<int64_t> entries = getInts(constant);
    if (entries[0] != int64_t(1) << f || llvm::any_of(entries, [&](int64_t e) { return e < 0 || e > entries[0]; }))
      return emitOpError("a table begins with 2^fraction_bits, its largest entry");
  }
  if (failed(verifyCodes(*this, result)))
    return failure();
  // The row's shift, from the reciprocals of the least and the largest sum.
  int64_t length = qc::getShape(getInput())[getAxis()], lengthBits = llvm::Log2_64_Ceil(std::max<int64_t>(length, 1));
  int64_t least = 31 + f + int64_t(getMultiplierShift()) - int64_t(getShift()), most = least + lengthBits;
  uint64_t multiplier = getMultiplier(), logMultiplier = getLogMultiplier();
  bool fits = multiplier < uint64_t(1) << 31 && least >= 1 && most <= 62 &&
              std::ldexp(double(multiplier), int64_t(getShift()) - int64_t(getMultiplierShift())) < 0x1p61;
  if (getLog()) // of a sum of at most `length`, with 24 bits after the point
    fits = std::ldexp(double(multiplier), bits) + std::ldexp(double(logMultiplier), 24) * double(lengthBits + 1) < 0x1p61;
  if (!fits || logMultiplier >= uint64_t(1) << 31 || getShift() < 1 || getShift() > 60 || f + lengthBits > 61)
    return emitOpError("multipliers and shifts leave 64 bits");
  return success();
}

LogicalResult HypotCodesOp::verify() {
  auto lhs = dyn_cast<IntegerType>(qc::getElementType(getLhs())), rhs = dyn_cast<IntegerType>(qc::getElementType(getRhs())),
       result = dyn_cast<IntegerType>(qc::getElementType(getResult()));
  if (!lhs || !rhs || !result || lhs.getWidth() > 16 || rhs.getWidth() > 16)
    return emitOpError("turns integers of at most 16 bits into integers");
  if (failed(verifyCodes(*this, result)))
    return failure();
  auto square = [](IntegerType type, int64_t zero, uint64_t multiplier) {
    auto [low, high] = getCodeLimits(type);
    double most = std::max(std::fabs(double(low) - double(zero)), std::fabs(double(high) - double(zero)));
    return most * most * double(multiplier);
  };
  if (square(lhs, getLhsZeroPoint(), getLhsMultiplier()) + square(rhs, getRhsZeroPoint(), getRhsMultiplier()) >= 0x1p61 ||
      getMultiplier() >= uint64_t(1) << 31 || getShift() < 3 || getShift() > 90)
    return emitOpError("multipliers and shift leave 62 bits");
  return success();
}

unsigned DivideCodesOp::getQuotientBits() {
  int64_t zero = getZeroPoint(), most = std::max({zero - int64_t(getCodeMin()), int64_t(getCodeMax()) - zero, int64_t(1)});
  return llvm::Log2_64(most) + 1;
}

LogicalResult DivideCodesOp::verify() {
  auto lhs = dyn_cast<IntegerType>(qc::getElementType(getLhs())), rhs = dyn_cast<IntegerType>(qc::getElementType(getRhs())),
       result = dyn_cast<IntegerType>(qc::getElementType(getResult()));
  if (!lhs || !rhs || !result || lhs.getWidth() > 16 || rhs.getWidth() > 16 || result.getWidth() > 16)
    return emitOpError("turns integers of at most 16 bits into integers of at most 16 bits");
  if (failed(verifyCodes(*this, result)))
    return failure();
  for (auto [type, zero] : {std::pair(lhs, int64_t(getLhsZeroPoint())), std::pair(rhs, int64_t(getRhsZeroPoint()))})
    if (zero < getCodeLimits(type).first || zero > getCodeLimits(type).second)
      return emitOpError() << "zero point " << zero << " is outside " << type;
  // Dividends stay below 2^41; divisors, moved up by the bits of a quotient, below 2^61.
  if (getMultiplier() < 1 || getMultiplier() > uint64_t(1) << 24 || getShift() > 28)
    return emitOpError("'multiplier' must lie in [1, 2^24], 'shift' in [0, 28]");
  return success();
}

/// Scale and bias, if they are there, are f32.
LogicalResult NormalizeOp::verify() {
  if (getDomain(getInput().getType()) == Domain::Integer)
    return emitOpError("has no meaning on plain integers");
  for (Value parameter : {getScale(), getBias()})
    if (parameter && !qc::getElementType(parameter).isF32())
      return emitOpError("scale and bias must be f32");
  if (float epsilon = getEpsilon().convertToFloat(); !(epsilon >= 0) || std::isinf(epsilon))
    return emitOpError("'epsilon' must be a finite number and not negative");
  return success();
}

LogicalResult NormalizeCodesOp::verify() {
  auto code = dyn_cast<IntegerType>(qc::getElementType(getInput())),
       result = dyn_cast<IntegerType>(qc::getElementType(getResult()));
  if (!code || code.getWidth() > 16 || !result)
    return emitOpError("turns integers of at most 16 bits into integers");
  ElementsAttr multipliers = qc::getConstant(getMultipliers()), offsets = qc::getConstant(getOffsets());
  if (!multipliers || !offsets || !qc::getElementType(getMultipliers()).isSignlessInteger(32) ||
      !qc::getElementType(getOffsets()).isSignlessInteger(64))
    return emitOpError("multipliers must be constants of i32, offsets of i64");
  if (failed(verifyCodes(*this, result)))
    return failure();
  auto [least, most] = getCodeLimits(code);
  double count = double(getRowLength()), range = double(most - least), zero = double(int64_t(getInputZeroPoint()));
  bool centres = getKind() == NormalizeKind::Layer || getKind() == NormalizeKind::Mad;
  bool roots = getKind() != NormalizeKind::Mad && getKind() != NormalizeKind::MeanAbs;
  double c = centres ? count * range : std::max(std::fabs(double(least) - zero), std::fabs(double(most) - zero));
  double v = !roots ? count * c : centres ? count * count * range * range : count * c * c;
  // An inverse root takes half of the prescale.
  int64_t prescale = getPrescale(), fraction = getFractionBits(), scaled = roots ? prescale / 2 : prescale;
  if (prescale % 2 || prescale < -40 || prescale > 60 || fraction < 1 || fraction > 80 || fraction + scaled < 0 ||
      getEpsilon() >= uint64_t(1) << 61 || c >= 0x1p31 || v >= 0x1p61 || std::ldexp(v, prescale) > 0x1p62)
    return emitOpError("rows, 'prescale', 'epsilon' and 'fraction_bits' leave 64 bits");
  // The row's shift for the least V' (N22).
  uint64_t leastV = std::max(uint64_t(1) << std::max<int64_t>(prescale, 0), getEpsilon());
  if ((roots ? 62 - llvm::countl_zero(leastV) / 2 : 94 - llvm::countl_zero(leastV)) < fraction + scaled)
    return emitOpError("'fraction_bits' exceeds the bits of an inverse");
  if (!roots && fraction + scaled < 30) // of a V' below 2^62
    return emitOpError("'fraction_bits' leaves more than 62 bits to shift");
  // |c| / sqrt(V) is at most sqrt(N) for 'layer', else at most 1, |c| / V at most 1, and less where epsilon is large; the factor
  // 1.01 covers its roundings.
  double bound = getKind() == NormalizeKind::Layer ? std::sqrt(count) : 1.0;
  if (getEpsilon() > 0)
    bound = std::min(bound, std::ldexp(c, scaled) / (roots ? std::sqrt(double(getEpsilon())) : double(getEpsilon())));
  double t = std::ldexp(bound, fraction) * 1.01 + 1, sum = 0;
  for (int64_t m : getInts(multipliers))
    sum = std::max(sum, std::fabs(double(m)) * t);
  double offset = 0;
  for (int64_t o : getInts(offsets))
    offset = std::max(offset, std::fabs(double(o)));
  if (getShift() < 1 || getShift() > 60 || sum + offset >= 0x1p62)
    return emitOpError("multipliers and offsets leave 62 bits");
  return success();
}

/// Operands and, unless it is a relation, the result have one type, which is quantized for ops that move codes only (and then may
/// differ).
static LogicalResult verifyOneType(Operation *op, ArrayRef<Value> values) {
  Type first = qc::getElementType(values[0]);
  if (getDomain(first) == Domain::Quantized) {
    if (isa<CompareOp>(op)) {
      if (qc::getElementType(values[1]) != first || !isa<quant::UniformQuantizedType>(first))
        return op->emitOpError("compares codes of one type with one scale");
      return success();
    }
    auto quantizable = dyn_cast<QuantizableOpInterface>(op);
    auto binary = dyn_cast<BinaryOp>(op);
    if ((quantizable && quantizable.isSameScale()) || (binary && binary.getKind() == BinaryKind::Hypot))
      return success();
    return op->emitOpError("has no meaning on quantized types");
  }
  for (Value value : values)
    if (qc::getElementType(value) != first)
      return op->emitOpError() << "needs one element type, got " << first << " and " << qc::getElementType(value);
  return success();
}
LogicalResult BinaryOp::verify() {
  if (failed(verifyOneType(*this, {getLhs(), getRhs(), getResult()})))
    return failure();
  bool isFloat = getDomain(getLhs().getType()) == Domain::Float;
  BinaryKind kind = getKind();
  bool onFloat = kind == BinaryKind::Pow || kind == BinaryKind::Hypot, onBoth = isSameScale() || kind == BinaryKind::Rem;
  bool isQuantized = getDomain(getLhs().getType()) == Domain::Quantized;
  if (!isQuantized && !onBoth && isFloat != onFloat)
    return emitOpError() << "of kind " << stringifyBinaryKind(kind) << " has no meaning on " << qc::getElementType(getLhs());
  return success();
}
LogicalResult CompareOp::verify() {
  if (!qc::getElementType(getResult()).isInteger(1))
    return emitOpError("result must be a tensor of i1");
  return verifyOneType(*this, {getLhs(), getRhs()});
}
LogicalResult SelectOp::verify() {
  if (!qc::getElementType(getCondition()).isInteger(1))
    return emitOpError("condition must be a tensor of i1");
  return verifyOneType(*this, {getLhs(), getRhs(), getResult()});
}
static LogicalResult verifyIndices(Operation *op, Value indices) {
  Type type = qc::getElementType(indices);
  if (!type.isSignlessInteger(32) && !type.isSignlessInteger(64))
    return op->emitOpError() << "indices must be i32 or i64, not " << type;
  return success();
}
LogicalResult TakeOp::verify() {
  return success(succeeded(verifyIndices(*this, getIndices())) && succeeded(verifyOneType(*this, {getInput(), getResult()})));
}
LogicalResult ScatterOp::verify() {
  return success(succeeded(verifyIndices(*this, getIndices())) &&
                 succeeded(verifyOneType(*this, {getInput(), getUpdates(), getResult()})));
}

LogicalResult PoolOp::verify() {
  bool integer = getDomain(getInput().getType()) == Domain::Integer;
  if (getKind() == PoolKind::Sum && !integer)
    return emitOpError("of kind sum exists in the integer domain only");
  if (getKind() == PoolKind::Average && integer)
    return emitOpError("of kind average does not exist in the integer domain: it is a sum and a requantization");
  if (getKind() == PoolKind::Sum || (getKind() == PoolKind::Average && getCountIncludePad()))
    return success();
  auto in = qc::getShape(getInput()).drop_front(2), out = qc::getShape(getResult()).drop_front(2);
  auto fail = [&](int64_t window, size_t d) {
    return emitOpError() << "window " << window << " has no element of the input in spatial dimension " << d;
  };
  for (size_t d = 0; d < in.size(); ++d) {
    int64_t stride = getStrides()[d], pad = getPads()[d], dilation = getDilations()[d];
    // A window that starts inside has its first element; the others start in the padding in front, or behind everything.
    for (int64_t o = 0; o < out[d] && o * stride < pad; ++o) {
      int64_t k = (pad - o * stride + dilation - 1) / dilation;
      if (k >= getKernel()[d] || o * stride - pad + k * dilation >= in[d])
        return fail(o, d);
    }
    if ((out[d] - 1) * stride - pad >= in[d])
      return fail(out[d] - 1, d);
  }
  return success();
}

LogicalResult ReduceOp::verify() {
  if (getKind() == ReduceKind::Mean && getDomain(getInput().getType()) == Domain::Integer)
    return emitOpError("of kind mean does not exist in the integer domain: it is a sum and a requantization");
  return success();
}

LogicalResult ReshapeOp::verify() {
  if (failed(verifyElementTypes(*this)))
    return failure();
  auto in = cast<ShapedType>(getInput().getType()), out = cast<ShapedType>(getType());
  if (in.getNumElements() != out.getNumElements())
    return emitOpError() << "input has " << in.getNumElements() << " elements, result " << out.getNumElements();
  return success();
}

LogicalResult ObserveOp::verify() {
  if (getDomain(getInput().getType()) != Domain::Float)
    return emitOpError("input must be f32");
  if (getMin().has_value() != getMax().has_value())
    return emitOpError("'min' and 'max' come together");
  if (getMin() && !(getMin()->convertToDouble() <= 0 && getMax()->convertToDouble() >= 0))
    return emitOpError("range must contain zero");
  if (auto observed = getObserved(); observed && (observed->size() != 2 || (*observed)[0] > (*observed)[1]))
    return emitOpError("'observed' is a range, its lower end first");
  return success();
}

LogicalResult RequantizeOp::verify() {
  size_t inputs = getInputs().size(), channels = 1;
  auto shape = qc::getShape(getResult());
  if (auto axis = getAxis()) {
    if (inputs != 1)
      return emitOpError("'axis' goes with a single input");
    if (*axis < 0 || *axis >= shape.size())
      return emitOpError() << "axis " << *axis << " is outside [0, " << shape.size() << ")";
    channels = shape[*axis];
  }
  if (getInputZeroPoints().size() != inputs)
    return emitOpError() << "needs one input zero point per input, got " << getInputZeroPoints().size();
  if (getMultipliers().size() != inputs * channels)
    return emitOpError() << "needs " << inputs * channels << " multipliers, got " << getMultipliers().size();
  if (getShifts().size() != channels)
    return emitOpError() << "needs " << channels << " shifts, got " << getShifts().size();
  for (int32_t shift : getShifts())
    if (shift < 0 || shift > 62)
      return emitOpError() << "shift " << shift << " is outside [0, 62]";
  auto result = dyn_cast<IntegerType>(qc::getElementType(getResult()));
  if (!result)
    return emitOpError("result must be a tensor of integers");
  for (Value input : getInputs())
    if (!isa<IntegerType>(qc::getElementType(input)))
      return emitOpError("inputs must be tensors of integers");
  auto [low, high] = getCodeLimits(result);
  int64_t zero = getZeroPoint(), min = getCodeMin(), max = getCodeMax();
  if (min < low || max > high || min > max)
    return emitOpError() << "[code_min, code_max] = [" << min << ", " << max << "] is not a range of " << result;
  if (zero < low || zero > high)
    return emitOpError() << "zero point " << zero << " is outside " << result;
  // The 64-bit sum of products must not overflow. Accumulators carry their bound; codes have the limits of their type.
  for (size_t c = 0; c < channels; ++c) {
    double bound = 0;
    for (size_t i = 0; i < inputs; ++i) {
      Value input = getInputs()[i];
      auto [inLow, inHigh] = getCodeLimits(cast<IntegerType>(qc::getElementType(input)));
      double most = std::max(std::abs(double(inLow)), std::abs(double(inHigh)));
      // The values of an accumulator are the same in another order.
      while (Operation *mover = input.getDefiningOp())
        if (isa<TransposeOp, ReshapeOp>(mover))
          input = mover->getOperand(0);
        else
          break;
      if (auto acc = input.getDefiningOp<AccumulatorOpInterface>(); acc && acc.getAccBound())
        most = std::min(most, double(*acc.getAccBound()));
      bound += (most + std::abs(double(getInputZeroPoints()[i]))) * std::abs(double(getMultipliers()[i * channels + c]));
    }
    if (bound >= 0x1p62)
      return emitOpError("the sum of products may exceed 62 bits; a narrower accumulator or multiplier is needed");
  }
  return success();
}

LogicalResult DcastOp::verify() {
  if (isa<quant::QuantizedType>(qc::getElementType(getInput())) || !getScheme(getInput().getType()) ||
      !qc::getElementType(getResult()).isF32())
    return emitOpError("turns codes of a type of this dialect into f32; quant.dcast is for upstream's types");
  return success();
}

LogicalResult LutOp::verify() {
  auto codesOf = [](Value value) {
    Type type = qc::getElementType(value);
    auto quantized = dyn_cast<quant::QuantizedType>(type);
    return quantized ? Type(qc::getCodeType(quantized)) : type;
  };
  auto code = dyn_cast<IntegerType>(codesOf(getInput()));
  if (!code || code.getWidth() > 16)
    return emitOpError("input must be a tensor of integers of at most 16 bits");
  SmallVector<int64_t> expected;
  if (auto axis = getAxis()) {
    if (*axis < 0 || *axis >= qc::getShape(getInput()).size())
      return emitOpError() << "axis " << *axis << " is outside the input";
    expected.push_back(qc::getShape(getInput())[*axis]);
  }
  expected.push_back(int64_t(1) << code.getWidth());
  if (qc::getShape(getTable()) != ArrayRef<int64_t>(expected))
    return emitOpError() << "table must have shape [" << llvm::make_range(expected.begin(), expected.end()) << "]";
  bool onCodes = getDomain(getInput().getType()) == Domain::Quantized;
  if (onCodes != (getDomain(getResult().getType()) == Domain::Quantized))
    return emitOpError("input and result must be both quantized or both plain");
  if (qc::getElementType(getTable()) != codesOf(getResult()))
    return emitOpError("table and result must have one element type");
  return success();
}

LogicalResult ThresholdOp::verify() {
  auto shape = qc::getShape(getThresholds());
  if (getDomain(getInput().getType()) == Domain::Integer || getDomain(getResult().getType()) != Domain::Quantized)
    return emitOpError("turns real values, f32 or quantized, into codes of a quantized type");
  if (auto axis = getAxis(); axis && (*axis < 0 || *axis >= qc::getShape(getInput()).size()))
    return emitOpError() << "axis " << *axis << " is outside the input";
  if (!qc::getElementType(getThresholds()).isF32() || shape.size() != (getAxis() ? 2u : 1u) ||
      (getAxis() && shape[0] != qc::getShape(getInput())[*getAxis()]))
    return emitOpError("thresholds must be f32, one row or one for each index of 'axis'");
  auto type = cast<quant::QuantizedType>(qc::getElementType(getResult()));
  int64_t base = getBase(), last = base + getStep() * shape.back();
  if (getStep() < 1 || base < type.getStorageTypeMin() || last > type.getStorageTypeMax())
    return emitOpError() << "gives codes from " << base << " to " << last << " in steps of " << getStep() << ", which are not in "
                         << type;
  if (ElementsAttr constant = qc::getConstant(getThresholds())) {
    SmallVector<float> values = getFloats(constant);
    for (size_t i = 0; i < values.size(); i += shape.back())
      if (!llvm::is_sorted(ArrayRef<float>(values).slice(i, shape.back())))
        return emitOpError("thresholds must ascend");
  }
  return success();
}

//===-- Accumulators -------------------------------------------------------------------------------------------------------===//

/// Largest |code - zero_point| over all codes of an integer tensor.
static uint64_t maxMagnitude(Value value, int64_t zeroPoint = 0) {
  auto [low, high] = getCodeLimits(cast<IntegerType>(getElementType(value)));
  return std::max(uint64_t(std::abs(low - zeroPoint)), uint64_t(std::abs(high - zeroPoint)));
}

/// max over channels of |bias| + sum |w| * inputMost; the weights are `[outer][perOuter][inner]`, of which index `c` of the
/// middle belongs to the output channel `base(outer) + c`.
static FailureOr<uint64_t> boundWithWeights(Value weight, Value bias, uint64_t inputMost, int64_t channels, int64_t perOuter,
                                            int64_t inner, llvm::function_ref<int64_t(int64_t)> base, std::string &why) {
  ElementsAttr constant = getConstant(weight), biasConstant = bias ? getConstant(bias) : ElementsAttr();
  if (!constant || (bias && !biasConstant)) {
    why = "accumulator bound needs constant weights and bias";
    return failure();
  }
  SmallVector<uint64_t> sums(channels, 0);
  IntView(constant).visit([&](auto values) {
    for (int64_t outer = 0, i = 0; i < int64_t(values.size()); ++outer) {
      uint64_t *at = &sums[base(outer)];
      for (int64_t c = 0; c < perOuter; ++c) {
        uint64_t sum = 0;
        for (int64_t k = 0; k < inner; ++k)
          sum += uint64_t(std::abs(int64_t(values[i++])));
        at[c] += sum;
      }
    }
  });
  for (uint64_t &sum : sums)
    sum *= inputMost;
  if (bias)
    for (auto [sum, b] : llvm::zip_equal(sums, getInts(biasConstant)))
      sum += uint64_t(std::abs(b));
  return *llvm::max_element(sums);
}

FailureOr<uint64_t> ConvOp::computeAccBound(std::string &why) {
  auto w = qc::getShape(getWeight());
  int64_t perChannel = product(w.drop_front());
  uint64_t most = std::max(maxMagnitude(getInput()), uint64_t(std::abs(int64_t(getPadValue()))));
  return boundWithWeights(
      getWeight(), getBias(), most, w[0], w[0], perChannel, [](int64_t) { return 0; }, why);
}
int64_t ConvOp::getMacs() {
  auto w = qc::getShape(getWeight());
  return product(qc::getShape(getResult())) * product(w.drop_front());
}

FailureOr<uint64_t> ConvTransposeOp::computeAccBound(std::string &why) {
  auto w = qc::getShape(getWeight());
  int64_t taps = product(w.drop_front(2)), perGroup = w[1], inputsPerGroup = w[0] / getGroups();
  return boundWithWeights(
      getWeight(), getBias(), maxMagnitude(getInput(), getInputZeroPoint()), perGroup * getGroups(), perGroup, taps,
      [&](int64_t input) { return input / inputsPerGroup * perGroup; }, why);
}
int64_t ConvTransposeOp::getMacs() { return product(qc::getShape(getInput())) * product(qc::getShape(getWeight()).drop_front()); }

FailureOr<uint64_t> MatmulOp::computeAccBound(std::string &why) {
  auto b = qc::getShape(getRhs());
  uint64_t most = maxMagnitude(getLhs(), getLhsZeroPoint());
  if (qc::getConstant(getRhs()) && b.size() == 2 && getRhsZeroPoint() == 0)
    return boundWithWeights(
        getRhs(), getBias(), most, b.back(), b.back(), 1, [](int64_t) { return 0; }, why);
  uint64_t bound = most * maxMagnitude(getRhs(), getRhsZeroPoint()) * b[b.size() - 2];
  if (getBias()) {
    ElementsAttr bias = qc::getConstant(getBias());
    if (!bias) {
      why = "accumulator bound needs a constant bias";
      return failure();
    }
    uint64_t largest = 0;
    for (int64_t v : getInts(bias))
      largest = std::max(largest, uint64_t(std::abs(v)));
    bound += largest;
  }
  return bound;
}
int64_t MatmulOp::getMacs() { return product(qc::getShape(getResult())) * qc::getShape(getLhs()).back(); }

FailureOr<uint64_t> MulOp::computeAccBound(std::string &) {
  return maxMagnitude(getLhs(), getLhsZeroPoint()) * maxMagnitude(getRhs(), getRhsZeroPoint());
}
int64_t MulOp::getMacs() { return product(qc::getShape(getResult())); }

FailureOr<uint64_t> PoolOp::computeAccBound(std::string &) {
  return std::max(maxMagnitude(getInput()), uint64_t(std::abs(int64_t(getPadValue())))) * product(getKernel());
}
int64_t PoolOp::getMacs() { return product(qc::getShape(getResult())) * product(getKernel()); }

FailureOr<uint64_t> ReduceOp::computeAccBound(std::string &) {
  return maxMagnitude(getInput()) * (product(qc::getShape(getInput())) / product(qc::getShape(getResult())));
}
int64_t ReduceOp::getMacs() { return product(qc::getShape(getInput())); }
