// Comparisons, logic, bits, selection, and functions of two numbers.
#include "Algebra.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
template <CompareKind kind, bool swapped = false> LogicalResult importComparison(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0), y = getInput(node, 1);
  return a.set(swapped ? a.compare(kind, y, x) : a.compare(kind, x, y));
}

/// `boolean` operators take booleans only, the others integers only.
template <BinaryKind kind, bool boolean> LogicalResult importBits(Node &node) {
  for (unsigned i = 0; i < 2; ++i)
    if (!isa<IntegerType>(node.element(i)) || node.element(i).isInteger(1) != boolean)
      return node.fail(std::string("its inputs must be ") + (boolean ? "boolean" : "integers") + ", but '" + node.proto.input(i) +
                       "' has element type " + toString(node.element(i)));
  Algebra a(node);
  return a.set(a.binary(kind, getInput(node, 0), getInput(node, 1)));
}

LogicalResult importNot(Node &node) {
  if (!node.element(0).isInteger(1))
    return node.fail("its input must be boolean");
  Algebra a(node);
  return a.set(a.invert(getInput(node, 0)));
}

LogicalResult importBitwiseNot(Node &node) {
  if (!isa<IntegerType>(node.element(0)) || node.element(0).isInteger(1))
    return node.fail("its input must be integers");
  Algebra a(node);
  return a.set(a.invert(getInput(node, 0)));
}

std::string checkBitShift(Node &node) {
  std::string direction = node.getString("direction", "");
  return direction == "LEFT" || direction == "RIGHT" ? "" : "attribute 'direction' must be LEFT or RIGHT";
}
LogicalResult importBitShift(Node &node) {
  return node.getString("direction", "") == "LEFT" ? importBits<BinaryKind::ShiftLeft, false>(node)
                                                   : importBits<BinaryKind::ShiftRight, false>(node);
}

LogicalResult importMod(Node &node) {
  bool isFloat = isa<FloatType>(node.element(0)), fmod = node.getInt("fmod", 0);
  if (isFloat && !fmod)
    return node.fail("attribute 'fmod' must be 1 for floating-point tensors");
  Algebra a(node);
  Entry x = getInput(node, 0), y = getInput(node, 1);
  if (!isFloat && y.isPlainConstant() && llvm::is_contained(y.host->ints, 0))
    return node.fail("division by zero in '" + node.proto.input(1) + "'");
  return a.set(a.binary(fmod ? BinaryKind::Rem : BinaryKind::Mod, x, y));
}

LogicalResult importWhere(Node &node) {
  if (!node.element(0).isInteger(1) || node.element(1) != node.element(2))
    return node.fail("it needs a boolean condition and two inputs of one element type");
  Algebra a(node);
  return a.set(a.select(getInput(node, 0), getInput(node, 1), getInput(node, 2)));
}

/// A computed float tensor against one constant number is a clamp, which fuses with what computes it.
template <BinaryKind kind> LogicalResult importMinMax(Node &node) {
  Algebra a(node);
  if (node.numInputs() == 2 && isa<FloatType>(node.element(0))) {
    unsigned tensor = node.input(0).isPlainConstant() ? 1 : 0;
    const Entry &limit = node.input(1 - tensor);
    if (!node.input(tensor).isPlainConstant() && limit.isPlainConstant() && limit.host->size() == 1 &&
        isa<FloatType>(limit.element) && limit.shape.size() <= node.shape(tensor).size() &&
        std::isfinite(limit.host->floats[0])) {
      FloatAttr attr = node.builder().getF32FloatAttr(limit.host->floats[0]);
      Value x = node.value(tensor);
      return node.set(node.create<ClampOp>(node.loc(), node.f32(), x, kind == BinaryKind::Max ? attr : FloatAttr(),
                                           kind == BinaryKind::Min ? attr : FloatAttr()));
    }
  }
  Entry result = getInput(node, 0);
  for (unsigned i = 1; i < node.numInputs(); ++i)
    result = a.binary(kind, result, getInput(node, i));
  return a.set(result);
}

LogicalResult importMean(Node &node) {
  Algebra a(node);
  Entry sum = getInput(node, 0);
  for (unsigned i = 1; i < node.numInputs(); ++i)
    sum = a.add(sum, getInput(node, i));
  return a.set(node.numInputs() == 1 ? sum : a.div(sum, a.number(node.numInputs(), sum)));
}

/// Small whole exponents are products, 1/2 is a root; the rest is one function.
LogicalResult importPow(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0), y = getInput(node, 1);
  for (const Entry *entry : {&x, &y})
    if (!entry->element || isa<quant::QuantizedType>(entry->element) || entry->element.isInteger(1))
      return node.fail("its inputs must be of numbers");
  if (y.isPlainConstant() && y.host->size() == 1 && y.shape.size() <= x.shape.size()) {
    double exponent = y.host->number(0);
    if (exponent == 2)
      return a.set(a.square(x));
    if (exponent == 3)
      return a.set(a.mul(a.square(x), x));
    if (exponent == 1)
      return a.set(x);
    if (exponent == 0.5 && isa<FloatType>(x.element))
      return a.set(a.unary(ActivationKind::Sqrt, x));
  }
  // Powers of integers go through f32, which is exact up to 2^24, and round.
  Entry power = a.binary(BinaryKind::Pow, a.cast(x, node.f32()), a.cast(y, node.f32()));
  if (isa<IntegerType>(x.element))
    power = a.cast(a.unary(ActivationKind::Round, power), x.element);
  return a.set(power);
}

const Operator operators[] = {
    {"And", 7, 21, 2, 2, Elements::Any, importBits<BinaryKind::And, true>, nullptr},
    {"BitShift", 11, 21, 2, 2, Elements::Any, importBitShift, checkBitShift},
    {"BitwiseAnd", 18, 21, 2, 2, Elements::Any, importBits<BinaryKind::And, false>, nullptr},
    {"BitwiseNot", 18, 21, 1, 1, Elements::Any, importBitwiseNot, nullptr},
    {"BitwiseOr", 18, 21, 2, 2, Elements::Any, importBits<BinaryKind::Or, false>, nullptr},
    {"BitwiseXor", 18, 21, 2, 2, Elements::Any, importBits<BinaryKind::Xor, false>, nullptr},
    {"Equal", 7, 21, 2, 2, Elements::Any, importComparison<CompareKind::Equal>, nullptr},
    {"Greater", 7, 21, 2, 2, Elements::Any, importComparison<CompareKind::Less, true>, nullptr},
    {"GreaterOrEqual", 12, 21, 2, 2, Elements::Any, importComparison<CompareKind::LessEqual, true>, nullptr},
    {"Less", 7, 21, 2, 2, Elements::Any, importComparison<CompareKind::Less>, nullptr},
    {"LessOrEqual", 12, 21, 2, 2, Elements::Any, importComparison<CompareKind::LessEqual>, nullptr},
    {"Max", 6, 21, 1, INT_MAX, Elements::Any, importMinMax<BinaryKind::Max>, nullptr},
    {"Mean", 6, 21, 1, INT_MAX, Elements::Float, importMean, nullptr},
    {"Min", 6, 21, 1, INT_MAX, Elements::Any, importMinMax<BinaryKind::Min>, nullptr},
    {"Mod", 10, 21, 2, 2, Elements::Any, importMod, nullptr},
    {"Not", 1, 21, 1, 1, Elements::Any, importNot, nullptr},
    {"Or", 7, 21, 2, 2, Elements::Any, importBits<BinaryKind::Or, true>, nullptr},
    {"Pow", 7, 21, 2, 2, Elements::Any, importPow, nullptr},
    {"Where", 9, 21, 3, 3, Elements::Any, importWhere, nullptr},
    {"Xor", 7, 21, 2, 2, Elements::Any, importBits<BinaryKind::Xor, true>, nullptr},
};
} // namespace

ArrayRef<Operator> getLogicOperators() { return operators; }
} // namespace qc::onnximport
