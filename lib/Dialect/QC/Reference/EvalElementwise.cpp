// Ops that work element by element.
#include "EvalInternal.h"

#include "qc/Dialect/QC/Reference/Math.h"
#include "qc/Dialect/QC/Reference/Rows.h"

#include <cmath>

using namespace mlir;
using namespace qc;
using namespace qc::reference;

namespace {
/// result[index] = f(position in lhs, position in rhs), broadcast as in numpy.
template <typename T, typename F> void forEachPair(Tensor &result, std::vector<T> &out, Operands operands, F f) {
  forEachIndex(result.type.getShape(), [&](Shape index, int64_t i) {
    out[i] = f(broadcastPosition(index, operands[0].type.getShape()), broadcastPosition(index, operands[1].type.getShape()));
  });
}

/// Plain integers wrap around like the machine's. The limits of a clamp are real numbers.
template <typename OpTy, typename F> Result evaluateIntegers(OpTy op, Operands operands, F f) {
  Tensor result = makeResult(op);
  auto type = cast<IntegerType>(result.type.getElementType());
  auto low = op.getClampMin(), high = op.getClampMax();
  forEachPair(result, result.ints, operands, [&](int64_t a, int64_t b) {
    int64_t value = wrap(f(operands[0].ints[a], operands[1].ints[b]), type);
    if (low && double(value) < low->convertToDouble())
      value = int64_t(std::ceil(low->convertToDouble()));
    if (high && double(value) > high->convertToDouble())
      value = int64_t(std::floor(high->convertToDouble()));
    return value;
  });
  return result;
}

template <typename OpTy, typename F> Result evaluateFloats(OpTy op, Operands operands, F f) {
  Tensor result = makeResult(op);
  forEachPair(result, result.floats, operands,
              [&](int64_t a, int64_t b) { return f(operands[0].floats[a], operands[1].floats[b]); });
  clampFloats(op, result.floats);
  return result;
}

/// N12: both operands on one exponent, one rounding. `sign` is that of the second.
template <typename OpTy> Result evaluateSum(OpTy op, Operands operands, int sign) {
  switch (getDomain(op.getType())) {
  case Domain::Float:
    return evaluateFloats(op, operands, [&](float a, float b) { return sign < 0 ? a - b : a + b; });
  case Domain::Integer:
    return evaluateIntegers(op, operands,
                            [&](int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(sign) * uint64_t(b)); });
  case Domain::Quantized:
    break;
  }
  auto target = getTarget(op);
  auto aScale = getScale(op, operands[0]), bScale = getScale(op, operands[1]);
  if (failed(target) || failed(aScale) || failed(bScale))
    return failure();
  SmallVector<int32_t> m;
  int32_t shift;
  getCommonMultipliers({*aScale / target->scale, sign * *bScale / target->scale}, target->rounding, m, shift);
  Tensor result = makeResult(op);
  std::vector<int64_t> as = getCentered(operands[0]), bs = getCentered(operands[1]);
  forEachPair(result, result.ints, operands, [&](int64_t a, int64_t b) {
    return target->saturate(target->zeroPoint + roundSum(as[a] * m[0] + bs[b] * m[1], shift, target->rounding));
  });
  return result;
}

/// Values of a quantized or f32 tensor as doubles.
std::vector<double> decode(const Tensor &tensor) {
  if (tensor.isFloat())
    return std::vector<double>(tensor.floats.begin(), tensor.floats.end());
  auto values = getScheme(tensor.type).decode(tensor.ints, tensor.type.getShape());
  return std::vector<double>(values.begin(), values.end());
}

/// N10: y = encode(f(decode(x))): what a table holds.
template <typename F> Result evaluateTable(Operation *op, const Tensor &x, F f) {
  if (getDomain(x.type) != Domain::Quantized || failed(getTarget(op)))
    return op->emitError("has an evaluation on f32 and on quantized types with one scale only");
  std::vector<double> values = decode(x);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = f(values[i], i);
  Tensor result = makeResult(op);
  auto codes = getScheme(result.type).encode(values, result.type.getShape());
  result.ints.assign(codes.begin(), codes.end());
  return result;
}
} // namespace

Result reference::evaluateOp(AddOp op, Operands operands) { return evaluateSum(op, operands, 1); }
Result reference::evaluateOp(SubOp op, Operands operands) { return evaluateSum(op, operands, -1); }

Result reference::evaluateOp(MulOp op, Operands operands) {
  Tensor result = makeResult(op);
  switch (getDomain(result.type)) {
  case Domain::Float:
    return evaluateFloats(op, operands, [](float a, float b) { return a * b; });
  case Domain::Integer: {
    // Without a bound this is the product of plain integers (token arithmetic), which wraps.
    int64_t aZero = op.getLhsZeroPoint(), bZero = op.getRhsZeroPoint();
    auto product = [&](int64_t a, int64_t b) { return int64_t(uint64_t(a - aZero) * uint64_t(b - bZero)); };
    if (!op.getAccBound())
      return evaluateIntegers(op, operands, product);
    forEachPair(result, result.ints, operands,
                [&](int64_t a, int64_t b) { return product(operands[0].ints[a], operands[1].ints[b]); });
    if (failed(checkAccumulators(op, getMagnitudes(result.ints))))
      return failure();
    return result;
  }
  case Domain::Quantized:
    break;
  }
  auto target = getTarget(op);
  auto aScale = getScale(op, operands[0]), bScale = getScale(op, operands[1]);
  if (failed(target) || failed(aScale) || failed(bScale))
    return failure();
  std::vector<int64_t> as = getCentered(operands[0]), bs = getCentered(operands[1]);
  forEachPair(result, result.ints, operands,
              [&](int64_t a, int64_t b) { return target->round(as[a] * bs[b], *aScale * *bScale / target->scale); });
  return result;
}

Result reference::evaluateOp(DivOp op, Operands operands) {
  switch (getDomain(op.getType())) {
  case Domain::Float:
    return evaluateFloats(op, operands, [](float a, float b) { return a / b; });
  case Domain::Integer: {
    bool isUnsigned = getElementType(op.getResult()).isUnsignedInteger();
    return evaluateIntegers(op, operands, [&](int64_t a, int64_t b) {
      if (isUnsigned)
        return b == 0 ? 0 : int64_t(uint64_t(a) / uint64_t(b));
      return b == 0 ? 0 : b == -1 ? int64_t(-uint64_t(a)) : a / b;
    });
  }
  case Domain::Quantized:
    break;
  }
  auto target = getTarget(op);
  auto a = getScale(op, operands[0]), b = getScale(op, operands[1]);
  if (failed(target) || failed(a) || failed(b))
    return failure();
  auto zero = [](const Tensor &x) { return getScheme(x.type).getZeroPointValues()[0]; };
  std::string why;
  auto numbers = planDivide(*a, zero(operands[0]), *b, zero(operands[1]), target->scale, target->rounding, why);
  if (failed(numbers))
    return op.emitError() << why;
  Tensor result = makeResult(op);
  forEachPair(result, result.ints, operands, [&](int64_t i, int64_t k) {
    return target->saturate(target->zeroPoint + evaluateDivide(operands[0].ints[i], operands[1].ints[k], *numbers));
  });
  return result;
}

Result reference::evaluateOp(DivideCodesOp op, Operands operands) {
  DivideNumbers numbers{int64_t(op.getLhsZeroPoint()), int64_t(op.getRhsZeroPoint()), int64_t(op.getMultiplier()),
                        int64_t(op.getShift()), op.getHalfUp()};
  CodeTarget target{int64_t(op.getZeroPoint()), int64_t(op.getCodeMin()), int64_t(op.getCodeMax())};
  Tensor result = makeResult(op);
  forEachPair(result, result.ints, operands, [&](int64_t i, int64_t k) {
    return target.saturate(target.zeroPoint + evaluateDivide(operands[0].ints[i], operands[1].ints[k], numbers));
  });
  return result;
}

Result reference::evaluateOp(ClampOp op, Operands operands) {
  Tensor result = makeResult(op);
  switch (getDomain(result.type)) {
  case Domain::Float:
    result.floats = operands[0].floats;
    clampFloats(op, result.floats);
    return result;
  case Domain::Integer: {
    auto low = op.getClampMin(), high = op.getClampMax();
    for (auto [to, from] : llvm::zip_equal(result.ints, operands[0].ints)) {
      to = low && double(from) < low->convertToDouble() ? int64_t(std::ceil(low->convertToDouble())) : from;
      if (high && double(to) > high->convertToDouble())
        to = int64_t(std::floor(high->convertToDouble()));
    }
    return result;
  }
  case Domain::Quantized:
    break;
  }
  auto target = getTarget(op);
  auto scale = getScale(op, operands[0]);
  if (failed(target) || failed(scale))
    return failure();
  for (auto [to, from] : llvm::zip_equal(result.ints, getCentered(operands[0])))
    to = target->round(from, *scale / target->scale);
  return result;
}

Result reference::evaluateOp(PReluOp op, Operands operands) {
  const Tensor &x = operands[0], &slope = operands[1];
  if (getDomain(slope.type) == Domain::Integer)
    return op.emitError("slope must be f32 or quantized");
  std::vector<double> slopes = decode(slope);
  std::vector<double> slopeOf(x.size());
  forEachIndex(x.type.getShape(),
               [&](Shape index, int64_t i) { slopeOf[i] = slopes[broadcastPosition(index, slope.type.getShape())]; });
  if (!x.isFloat())
    return evaluateTable(op, x, [&](double value, size_t i) { return value < 0 ? slopeOf[i] * value : value; });
  Tensor result = makeResult(op);
  for (int64_t i = 0; i < x.size(); ++i)
    result.floats[i] = x.floats[i] < 0.0f ? float(slopeOf[i]) * x.floats[i] : x.floats[i];
  return result;
}

Result reference::evaluateOp(CastOp op, Operands operands) {
  const Tensor &x = operands[0];
  Tensor result = makeResult(op);
  if (getDomain(x.type) == Domain::Quantized || getDomain(result.type) == Domain::Quantized)
    return op.emitError("converts plain numbers; quantized types are cast by quant.qcast and quant.dcast");
  if (result.isFloat() && x.isFloat()) {
    result.floats = x.floats;
    return result;
  }
  if (result.isFloat()) {
    result.floats.assign(x.ints.begin(), x.ints.end());
    return result;
  }
  auto type = cast<IntegerType>(result.type.getElementType());
  auto [low, high] = getCodeLimits(type);
  for (int64_t i = 0; i < x.size(); ++i) {
    if (type.getWidth() == 1) {
      result.ints[i] = x.isFloat() ? x.floats[i] != 0.0f : x.ints[i] != 0;
      continue;
    }
    if (!x.isFloat()) {
      result.ints[i] = wrap(x.ints[i], type);
      continue;
    }
    // Out of range is undefined in ONNX; here it saturates, and NaN gives 0.
    double value = std::trunc(double(x.floats[i]));
    result.ints[i] = std::isnan(value) ? 0 : value <= double(low) ? low : value >= double(high) ? high : int64_t(value);
  }
  return result;
}
