// Functions and relations of two numbers, selection.
#include "EvalInternal.h"

#include "qc/Dialect/QC/Reference/Math.h"
#include "qc/Dialect/QC/Reference/Rows.h"

#include <cmath>

using namespace mlir;
using namespace qc;
using namespace qc::reference;

namespace {
float binaryF32(BinaryKind kind, float a, float b) {
  switch (kind) {
  case BinaryKind::Min:
    return a < b ? a : b;
  case BinaryKind::Max:
    return b < a ? a : b;
  case BinaryKind::Pow:
    return powF32(a, b);
  case BinaryKind::Hypot:
    return std::sqrt(a * a + b * b);
  default: {
    // As compiled code does it, without a library: exact while the quotient is below 2^23.
    float quotient = a / b, whole = activationF32(ActivationKind::Floor, std::fabs(quotient), 0, 0);
    return a - b * std::copysign(whole, quotient);
  }
  }
}

/// Both in the value range of `type`; the result still has to be wrapped.
int64_t binaryInt(BinaryKind kind, int64_t a, int64_t b, IntegerType type) {
  bool isUnsigned = type.isUnsigned() || type.getWidth() == 1;
  uint64_t ua = uint64_t(a), ub = uint64_t(b), width = type.getWidth();
  switch (kind) {
  case BinaryKind::Min:
    return (isUnsigned ? ua < ub : a < b) ? a : b;
  case BinaryKind::Max:
    return (isUnsigned ? ub < ua : b < a) ? a : b;
  case BinaryKind::Mod:
  case BinaryKind::Rem: {
    if (b == 0 || (b == -1 && !isUnsigned))
      return 0;
    if (isUnsigned)
      return int64_t(ua % ub);
    int64_t r = a % b;
    return kind == BinaryKind::Mod && r != 0 && (r < 0) != (b < 0) ? r + b : r;
  }
  case BinaryKind::And:
    return a & b;
  case BinaryKind::Or:
    return a | b;
  case BinaryKind::Xor:
    return a ^ b;
  case BinaryKind::ShiftLeft:
    return ub >= width ? 0 : int64_t(ua << ub);
  case BinaryKind::ShiftRight:
    return ub >= width ? 0 : int64_t((width == 64 ? ua : ua & ((uint64_t(1) << width) - 1)) >> ub);
  case BinaryKind::Pow:
  case BinaryKind::Hypot:
    break;
  }
  return 0;
}

template <typename T> bool compareValues(CompareKind kind, T a, T b) {
  return kind == CompareKind::Equal ? a == b : kind == CompareKind::Less ? a < b : a <= b;
}
} // namespace

/// result[index] of the codes at that place.
static void evaluateHypots(const Tensor &x, const Tensor &y, const HypotNumbers &numbers, CodeTarget target, Tensor &result) {
  forEachIndex(result.type.getShape(), [&](Shape index, int64_t i) {
    int64_t a = broadcastPosition(index, x.type.getShape()), b = broadcastPosition(index, y.type.getShape());
    result.ints[i] = target.saturate(target.zeroPoint + evaluateHypot(x.ints[a], y.ints[b], numbers));
  });
}

Result reference::evaluateOp(HypotCodesOp op, Operands operands) {
  Tensor result = makeResult(op);
  HypotNumbers n{int64_t(op.getLhsZeroPoint()),  int64_t(op.getRhsZeroPoint()), int64_t(op.getLhsMultiplier()),
                 int64_t(op.getRhsMultiplier()), int64_t(op.getMultiplier()),   int64_t(op.getShift())};
  evaluateHypots(operands[0], operands[1], n, {int64_t(op.getZeroPoint()), int64_t(op.getCodeMin()), int64_t(op.getCodeMax())},
                 result);
  return result;
}

/// N23.
static Result evaluateQuantizedHypot(BinaryOp op, Operands operands) {
  auto target = getTarget(op);
  auto a = getScale(op, operands[0]), b = getScale(op, operands[1]);
  if (failed(target) || failed(a) || failed(b))
    return failure();
  auto describe = [](const Tensor &x, double scale) {
    auto scheme = getScheme(x.type);
    return HypotOperand(scale, scheme.getZeroPointValues()[0], scheme.getCodeType());
  };
  std::string why;
  auto numbers = planHypot(describe(operands[0], *a), describe(operands[1], *b), target->scale, why);
  if (failed(numbers))
    return op.emitError() << why;
  Tensor result = makeResult(op);
  evaluateHypots(operands[0], operands[1], *numbers, {target->zeroPoint, target->low, target->high}, result);
  return result;
}

Result reference::evaluateOp(BinaryOp op, Operands given) {
  if (op.getKind() == BinaryKind::Hypot && getDomain(op.getType()) == Domain::Quantized)
    return evaluateQuantizedHypot(op, given);
  auto moved = moveOperands(op, given);
  if (failed(moved))
    return failure();
  Operands operands = *moved;
  Tensor result = makeResult(op);
  const Tensor &x = operands[0], &y = operands[1];
  forEachIndex(result.type.getShape(), [&](Shape index, int64_t i) {
    int64_t a = broadcastPosition(index, x.type.getShape()), b = broadcastPosition(index, y.type.getShape());
    if (result.isFloat()) {
      result.floats[i] = binaryF32(op.getKind(), x.floats[a], y.floats[b]);
      return;
    }
    IntegerType type = getIntegerType(result);
    result.ints[i] = wrap(binaryInt(op.getKind(), x.ints[a], y.ints[b], type), type);
  });
  return result;
}

Result reference::evaluateOp(CompareOp op, Operands operands) {
  Tensor result = makeResult(op);
  const Tensor &x = operands[0], &y = operands[1];
  bool isUnsigned = x.type.getElementType().isUnsignedInteger();
  forEachIndex(result.type.getShape(), [&](Shape index, int64_t i) {
    int64_t a = broadcastPosition(index, x.type.getShape()), b = broadcastPosition(index, y.type.getShape());
    result.ints[i] = x.isFloat()  ? compareValues(op.getKind(), x.floats[a], y.floats[b])
                     : isUnsigned ? compareValues(op.getKind(), uint64_t(x.ints[a]), uint64_t(y.ints[b]))
                                  : compareValues(op.getKind(), x.ints[a], y.ints[b]);
  });
  return result;
}

Result reference::evaluateOp(SelectOp op, Operands given) {
  auto moved = moveOperands(op, given);
  if (failed(moved))
    return failure();
  Operands operands = *moved;
  Tensor result = makeResult(op);
  forEachIndex(result.type.getShape(), [&](Shape index, int64_t i) {
    const Tensor &from = operands[operands[0].ints[broadcastPosition(index, operands[0].type.getShape())] ? 1 : 2];
    int64_t at = broadcastPosition(index, from.type.getShape());
    if (result.isFloat())
      result.floats[i] = from.floats[at];
    else
      result.ints[i] = from.ints[at];
  });
  return result;
}
