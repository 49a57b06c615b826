// Constants, and the ops that turn numbers into codes, codes into numbers, and codes into codes.
#include "EvalInternal.h"

using namespace mlir;
using namespace qc;
using namespace qc::reference;

Result reference::evaluateOp(ConstantOp op, Operands) {
  return Tensor::fromAttr(op.getValue(), cast<RankedTensorType>(op.getType()));
}

Result reference::evaluateOp(ObserveOp op, Operands operands) { return operands[0]; }

Result reference::evaluateOp(QuantizeOp op, Operands operands) {
  Tensor result = makeResult(op);
  if (!operands[0].isFloat() || getDomain(result.type) != Domain::Integer)
    return op.emitError("turns f32 into integers");
  for (auto [to, from] : llvm::zip_equal(result.ints, operands[0].floats))
    to = quantizeF32(from, op.getScale().convertToFloat(), op.getZeroPoint(), op.getCodeMin(), op.getCodeMax());
  return result;
}

Result reference::evaluateOp(DequantizeOp op, Operands operands) {
  Tensor result = makeResult(op);
  if (getDomain(operands[0].type) != Domain::Integer || !result.isFloat())
    return op.emitError("turns integers into f32");
  for (auto [to, from] : llvm::zip_equal(result.floats, operands[0].ints))
    to = dequantizeF32(from, op.getScale().convertToFloat(), op.getZeroPoint());
  return result;
}

Result reference::evaluateOp(RequantizeOp op, Operands operands) {
  Tensor result = makeResult(op);
  size_t inputs = operands.size();
  Rounding rounding = op.getRounding();
  ArrayRef<int64_t> zeros = op.getInputZeroPoints();
  ArrayRef<int32_t> multipliers = op.getMultipliers(), shifts = op.getShifts();
  forEachIndex(result.type.getShape(), [&](Shape index, int64_t i) {
    int64_t rounded;
    if (inputs == 1) {
      int64_t channel = op.getAxis() ? index[*op.getAxis()] : 0;
      rounded = scaleAccumulator(operands[0].ints[i] - zeros[0], {multipliers[channel], shifts[channel]}, rounding);
    } else {
      int64_t sum = 0;
      for (size_t k = 0; k < inputs; ++k)
        sum += (operands[k].ints[broadcastPosition(index, operands[k].type.getShape())] - zeros[k]) * multipliers[k];
      rounded = roundSum(sum, shifts[0], rounding);
    }
    result.ints[i] = std::clamp<int64_t>(int64_t(op.getZeroPoint()) + rounded, op.getCodeMin(), op.getCodeMax());
  });
  return result;
}

Result reference::evaluateOp(LutOp op, Operands operands) {
  const Tensor &x = operands[0], &table = operands[1];
  Tensor result = makeResult(op);
  auto scheme = getScheme(x.type);
  auto type = scheme ? scheme.getCodeType() : cast<IntegerType>(x.type.getElementType());
  int64_t lowest = getCodeLimits(type).first, entries = int64_t(1) << type.getWidth();
  forEachIndex(x.type.getShape(), [&](Shape index, int64_t i) {
    int64_t position = (op.getAxis() ? index[*op.getAxis()] * entries : 0) + x.ints[i] - lowest;
    if (result.isFloat())
      result.floats[i] = table.floats[position];
    else
      result.ints[i] = table.ints[position];
  });
  return result;
}

Result reference::evaluateOp(ThresholdOp op, Operands operands) {
  const Tensor &x = operands[0], &thresholds = operands[1];
  Tensor result = makeResult(op);
  SmallVector<double> reals(x.floats.begin(), x.floats.end());
  if (auto scheme = getScheme(x.type))
    reals = scheme.decode(x.ints, x.type.getShape());
  int64_t row = thresholds.type.getShape().back();
  forEachIndex(x.type.getShape(), [&](Shape index, int64_t i) {
    int64_t first = op.getAxis() ? index[*op.getAxis()] * row : 0, count = 0;
    for (int64_t k = 0; k < row; ++k)
      count += reals[i] >= thresholds.floats[first + k];
    result.ints[i] = int64_t(op.getBase()) + int64_t(op.getStep()) * count;
  });
  return result;
}

Result reference::evaluateOp(quant::QuantizeCastOp op, Operands operands) {
  Tensor result = makeResult(op);
  auto scheme = getScheme(result.type);
  if (!operands[0].isFloat() || !scheme)
    return op.emitError("has an evaluation from f32 to quantized types only");
  SmallVector<double> values(operands[0].floats.begin(), operands[0].floats.end());
  auto codes = scheme.encode(values, result.type.getShape());
  result.ints.assign(codes.begin(), codes.end());
  return result;
}

static Result evaluateDequantizeCast(Operation *op, Operands operands) {
  Tensor result = makeResult(op);
  auto scheme = getScheme(operands[0].type);
  if (!scheme || !result.isFloat())
    return op->emitError("has an evaluation from quantized types to f32 only");
  // N3: exact in double, rounded to f32. For codes up to 16 bits that is the f32 arithmetic of qc.dequantize.
  auto values = scheme.decode(operands[0].ints, result.type.getShape());
  result.floats.assign(values.begin(), values.end());
  return result;
}

Result reference::evaluateOp(quant::DequantizeCastOp op, Operands operands) { return evaluateDequantizeCast(op, operands); }
Result reference::evaluateOp(DcastOp op, Operands operands) { return evaluateDequantizeCast(op, operands); }

Result reference::evaluateOp(quant::StorageCastOp op, Operands operands) {
  Tensor result = makeResult(op);
  // The same bits; only their reading as signed or unsigned may change.
  Type element = result.type.getElementType();
  auto quantized = dyn_cast<quant::QuantizedType>(element);
  auto type = quantized ? getCodeType(quantized) : dyn_cast<IntegerType>(element);
  if (!type)
    return op.emitError("has an evaluation on integer storage only");
  for (auto [to, from] : llvm::zip_equal(result.ints, operands[0].ints))
    to = wrap(from, type);
  return result;
}
