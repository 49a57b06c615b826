// Functions of one number: activations, regions of ops on numbers, and straight pieces.
#include "EvalInternal.h"

#include "qc/Dialect/QC/Reference/Math.h"
#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace qc;
using namespace qc::reference;

namespace {
/// An activation whose parameters are read once.
struct Activation {
  ActivationKind kind;
  double alpha, beta;
  explicit Activation(ActivationOp op)
      : kind(op.getKind()), alpha(op.getAlpha().convertToDouble()), beta(op.getBeta().convertToDouble()) {}
  double operator()(double x) const { return evaluateActivation(kind, x, alpha, beta); }
  float operator()(float x) const { return activationF32(kind, x, float(alpha), float(beta)); }
};

/// N10: whole exponents by multiplication, halves by a root, the others as e^(y * log x).
double power(double x, double y) {
  double whole = std::floor(std::fabs(y));
  if (whole <= 64 && std::fabs(y) - whole <= 0.5 && (std::fabs(y) == whole || std::fabs(y) - whole == 0.5)) {
    double result = std::fabs(y) == whole ? 1.0 : std::sqrt(x);
    for (int i = 0; i < int(whole); ++i)
      result *= x;
    return y < 0 ? 1 / result : result;
  }
  if (std::isnan(x) || std::isnan(y))
    return std::nan("");
  if (x == 0)
    return y > 0 ? 0.0 : std::numeric_limits<double>::infinity();
  bool isWhole = std::floor(y) == y;
  if (x < 0 && !isWhole)
    return std::nan("");
  double result = exactExp(y * exactLog(std::fabs(x)));
  return x < 0 && std::floor(y / 2) != y / 2 ? -result : result;
}
float power(float x, float y) { return powF32(x, y); }

template <typename T> T binary(BinaryKind kind, T a, T b) {
  switch (kind) {
  case BinaryKind::Min:
    return a < b ? a : b;
  case BinaryKind::Max:
    return b < a ? a : b;
  default:
    return power(a, b);
  }
}

template <typename T> std::vector<T> evaluateRegion(FunctionOp function, std::vector<T> x) {
  size_t size = x.size();
  llvm::DenseMap<Value, std::vector<T>> values;
  values[function.getBody().getArgument(0)] = std::move(x);
  Block &block = function.getBody().front();
  for (Operation &op : block.without_terminator()) {
    std::vector<T> result(size);
    auto map = [&](auto f) {
      const std::vector<T> &a = values.at(op.getOperand(0)), &b = values.at(op.getOperands().back());
      for (size_t i = 0; i < size; ++i)
        result[i] = f(a[i], b[i]);
    };
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](ConstantOp constant) { result.assign(size, T(getFloats(constant.getValue())[0])); })
        .Case([&](AddOp) { map([](T a, T b) { return a + b; }); })
        .Case([&](SubOp) { map([](T a, T b) { return a - b; }); })
        .Case([&](MulOp) { map([](T a, T b) { return a * b; }); })
        .Case([&](DivOp) { map([](T a, T b) { return a / b; }); })
        .Case([&](BinaryOp binaryOp) { map([&](T a, T b) { return binary(binaryOp.getKind(), a, b); }); })
        .Case([&](ClampOp) { map([](T a, T) { return a; }); })
        .Case([&](ActivationOp op) { map([activation = Activation(op)](T a, T) { return activation(a); }); });
    if (auto clamp = dyn_cast<ClampOpInterface>(op)) {
      auto low = clamp.getClampMin(), high = clamp.getClampMax();
      for (T &v : result) {
        if (low && v < T(low->convertToFloat()))
          v = T(low->convertToFloat());
        if (high && v > T(high->convertToFloat()))
          v = T(high->convertToFloat());
      }
    }
    values[op.getResult(0)] = std::move(result);
  }
  return values.at(cast<YieldOp>(block.getTerminator()).getValues()[0]);
}

template <typename T> std::vector<T> evaluateAll(Operation *op, std::vector<T> x) {
  if (auto function = dyn_cast<FunctionOp>(op))
    return evaluateRegion(function, std::move(x));
  Activation activation(cast<ActivationOp>(op));
  for (T &v : x)
    v = activation(v);
  return x;
}

Result evaluateUnaryOp(Operation *op, const Tensor &x) {
  Tensor result = makeResult(op);
  if (x.isFloat() && result.isFloat()) {
    result.floats = evaluateAll(op, x.floats);
    return result;
  }
  // N10: y = encode(f(decode(x))): what a table holds.
  auto from = getScheme(x.type);
  if (!from || failed(getTarget(op)))
    return op->emitError("has an evaluation on f32 and on quantized types with one scale only");
  auto reals = from.decode(x.ints, x.type.getShape());
  std::vector<double> values = evaluateAll(op, std::vector<double>(reals.begin(), reals.end()));
  auto codes = getScheme(result.type).encode(values, result.type.getShape());
  result.ints.assign(codes.begin(), codes.end());
  return result;
}
} // namespace

bool qc::isUnaryFunction(Operation *op) { return isa_and_nonnull<ActivationOp, FunctionOp>(op); }

StringRef qc::getFunctionName(Operation *op) {
  if (auto function = dyn_cast<FunctionOp>(op))
    return function.getFunction();
  return stringifyActivationKind(cast<ActivationOp>(op).getKind());
}

std::vector<double> qc::evaluateUnary(Operation *op, std::vector<double> x) { return evaluateAll(op, std::move(x)); }
std::vector<float> qc::evaluateUnary(Operation *op, std::vector<float> x) { return evaluateAll(op, std::move(x)); }

Result reference::evaluateOp(ActivationOp op, Operands operands) { return evaluateUnaryOp(op, operands[0]); }
Result reference::evaluateOp(FunctionOp op, Operands operands) { return evaluateUnaryOp(op, operands[0]); }

Result reference::evaluateOp(PwlOp op, Operands operands) {
  PiecewiseLinear pieces;
  pieces.knots.assign(op.getKnots());
  pieces.slopes.assign(op.getSlopes());
  pieces.intercepts.assign(op.getIntercepts());
  pieces.shift = op.getShift();
  pieces.codeMin = op.getCodeMin();
  pieces.codeMax = op.getCodeMax();
  Tensor result = makeResult(op);
  for (auto [to, from] : llvm::zip_equal(result.ints, operands[0].ints))
    to = pieces.evaluate(from);
  return result;
}
