// Functions of one number. One that qc.activation knows is one op, so that it is one table when it is quantized.
#include "Algebra.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
LogicalResult function(Node &node, ActivationKind kind, float alpha = 0, float beta = 0) {
  if (!std::isfinite(alpha) || !std::isfinite(beta))
    return node.fail("its attributes must be finite");
  Algebra a(node);
  return a.set(a.unary(kind, getInput(node, 0), alpha, beta));
}

template <ActivationKind kind> LogicalResult importFunction(Node &node) { return function(node, kind); }

/// Integers are whole already.
template <ActivationKind kind> LogicalResult importRounding(Node &node) {
  return isa<IntegerType>(node.element(0)) ? node.set(node.input(0)) : function(node, kind);
}

LogicalResult importAbs(Node &node) {
  if (isa<FloatType>(node.element(0)))
    return function(node, ActivationKind::Abs);
  Algebra a(node);
  Entry x = getInput(node, 0);
  if (x.element.isUnsignedInteger())
    return node.set(x);
  return a.set(a.binary(BinaryKind::Max, x, a.sub(a.number(0, x), x)));
}

LogicalResult importSign(Node &node) {
  if (isa<FloatType>(node.element(0)))
    return function(node, ActivationKind::Sign);
  Algebra a(node);
  Entry x = getInput(node, 0);
  Entry upper = a.binary(BinaryKind::Min, x, a.number(1, x));
  return a.set(x.element.isUnsignedInteger() ? upper : a.binary(BinaryKind::Max, upper, a.number(-1, x)));
}

LogicalResult importSqrt(Node &node) {
  // Shape arithmetic may take the root of an integer; the schema does not, but files do.
  if (isa<IntegerType>(node.element(0))) {
    Algebra a(node);
    Entry x = getInput(node, 0);
    return a.set(a.cast(a.unary(ActivationKind::Sqrt, a.cast(x, node.f32())), x.element));
  }
  return function(node, ActivationKind::Sqrt);
}

LogicalResult importElu(Node &node) { return function(node, ActivationKind::Elu, node.getFloat("alpha", 1), 1); }

LogicalResult importSelu(Node &node) {
  float alpha = node.getFloat("alpha", 1.67326319217681884765625f), gamma = node.getFloat("gamma", 1.05070102214813232421875f);
  return function(node, ActivationKind::Elu, alpha * gamma, gamma);
}

/// alpha * elu(x / alpha).
LogicalResult importCelu(Node &node) {
  float alpha = node.getFloat("alpha", 1);
  if (!(std::fabs(alpha) > 0) || !std::isfinite(alpha))
    return node.fail("attribute 'alpha' must be finite and not 0");
  Algebra a(node);
  Entry x = getInput(node, 0);
  return a.set(a.mul(a.unary(ActivationKind::Elu, a.div(x, a.number(alpha, x)), 1, 1), alpha));
}

LogicalResult importThresholdedRelu(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0);
  Entry above = a.compare(CompareKind::Less, a.number(node.getFloat("alpha", 1), x), x);
  return a.set(a.select(above, x, a.number(0, x)));
}

LogicalResult importShrink(Node &node) {
  float limit = node.getFloat("lambd", 0.5f), bias = node.getFloat("bias", 0);
  Algebra a(node);
  Entry x = a.cast(getInput(node, 0), node.f32());
  Entry high = a.select(a.compare(CompareKind::Less, a.number(limit, x), x), a.add(x, -bias), a.number(0, x));
  Entry result = a.select(a.compare(CompareKind::Less, x, a.number(-limit, x)), a.add(x, bias), high);
  return a.set(a.cast(result, node.element(0)));
}

/// x * tanh(softplus(x)).
LogicalResult importMish(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0);
  return a.set(a.mul(x, a.unary(ActivationKind::Tanh, a.unary(ActivationKind::Softplus, x))));
}

LogicalResult importGelu(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0), inner;
  if (node.getString("approximate", "none") == "tanh")
    inner = a.unary(ActivationKind::Tanh, a.mul(a.add(x, a.mul(a.mul(a.square(x), x), 0.044715)), std::sqrt(2 / M_PI)));
  else
    inner = a.unary(ActivationKind::Erf, a.mul(x, M_SQRT1_2));
  return a.set(a.mul(a.mul(x, a.add(inner, 1)), 0.5));
}

std::string checkGelu(Node &node) {
  std::string mode = node.getString("approximate", "none");
  return mode == "none" || mode == "tanh" ? "" : "approximate '" + mode + "' is unknown";
}

LogicalResult importIsNaN(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0);
  return a.set(a.invert(a.compare(CompareKind::Equal, x, x)));
}

LogicalResult importIsInf(Node &node) {
  bool positive = node.getInt("detect_positive", 1), negative = node.getInt("detect_negative", 1);
  Algebra a(node);
  Entry x = getInput(node, 0);
  if (!positive && !negative)
    return a.set(a.compare(CompareKind::Less, x, x));
  if (positive && negative)
    x = a.unary(ActivationKind::Abs, x);
  return a.set(a.compare(CompareKind::Equal, x, a.number(positive ? INFINITY : -INFINITY, x)));
}

const Operator operators[] = {
    {"Abs", 6, 21, 1, 1, Elements::Any, importAbs, nullptr},
    {"Acos", 7, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Acos>, nullptr},
    {"Acosh", 9, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Acosh>, nullptr},
    {"Asin", 7, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Asin>, nullptr},
    {"Asinh", 9, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Asinh>, nullptr},
    {"Atan", 7, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Atan>, nullptr},
    {"Atanh", 9, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Atanh>, nullptr},
    {"Ceil", 6, 21, 1, 1, Elements::Any, importRounding<ActivationKind::Ceil>, nullptr},
    {"Celu", 12, 21, 1, 1, Elements::Float, importCelu, nullptr},
    {"Cos", 7, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Cos>, nullptr},
    {"Cosh", 9, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Cosh>, nullptr},
    {"Elu", 6, 21, 1, 1, Elements::Float, importElu, nullptr},
    {"Erf", 9, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Erf>, nullptr},
    {"Exp", 6, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Exp>, nullptr},
    {"Floor", 6, 21, 1, 1, Elements::Any, importRounding<ActivationKind::Floor>, nullptr},
    {"Gelu", 20, 21, 1, 1, Elements::Float, importGelu, checkGelu},
    {"IsInf", 10, 21, 1, 1, Elements::Float, importIsInf, nullptr},
    {"IsNaN", 9, 21, 1, 1, Elements::Float, importIsNaN, nullptr},
    {"Log", 6, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Log>, nullptr},
    {"Mish", 18, 21, 1, 1, Elements::Float, importMish, nullptr},
    {"Reciprocal", 6, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Reciprocal>, nullptr},
    {"Round", 11, 21, 1, 1, Elements::Any, importRounding<ActivationKind::Round>, nullptr},
    {"Selu", 6, 21, 1, 1, Elements::Float, importSelu, nullptr},
    {"Shrink", 9, 21, 1, 1, Elements::Any, importShrink, nullptr},
    {"Sign", 9, 21, 1, 1, Elements::Any, importSign, nullptr},
    {"Sin", 7, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Sin>, nullptr},
    {"Sinh", 9, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Sinh>, nullptr},
    {"Softplus", 1, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Softplus>, nullptr},
    {"Softsign", 1, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Softsign>, nullptr},
    {"Sqrt", 6, 21, 1, 1, Elements::Any, importSqrt, nullptr},
    {"Tan", 7, 21, 1, 1, Elements::Float, importFunction<ActivationKind::Tan>, nullptr},
    {"ThresholdedRelu", 10, 21, 1, 1, Elements::Float, importThresholdedRelu, nullptr},
};
} // namespace

ArrayRef<Operator> getFunctionOperators() { return operators; }
} // namespace qc::onnximport
