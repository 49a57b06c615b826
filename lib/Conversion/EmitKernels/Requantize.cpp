// The rounding contracts in vector arithmetic: rules N6 to N9 and N12 of docs/Numerics.md.
#include "Requantize.h"
#include "Arithmetic.h"

using namespace mlir;

namespace qc {
/// Vectors that begin at any channel may read this far behind the last.
constexpr size_t tableSlack = 64;

//===-- Parameters ---------------------------------------------------------------------------------------------------------===//

Requantizer::Parameter Requantizer::makeParameter(Kernel &k, ArrayRef<int64_t> numbers, Type element) {
  if (llvm::all_equal(numbers))
    return {Value(), numbers.front()};
  SmallVector<int64_t> padded(numbers);
  padded.append(tableSlack, numbers.back());
  return {k.constants.get(k.b, k.loc, element, padded), 0};
}

Value Requantizer::load(Kernel &k, const Parameter &parameter, Value channel, Type vector) const {
  if (!parameter.table)
    return Arithmetic(k).number(vector, parameter.number);
  auto type = cast<VectorType>(vector);
  Value loaded = k.load(parameter.table, channel, type.getNumElements());
  return k.extend(loaded, k.b.getI32Type(), type.getElementType());
}

Requantizer::Requantizer(Kernel &k, RequantizeOp op, uint64_t bound) : op(op) {
  SmallVector<int64_t> mantissas(op.getMultipliers()), shifts(op.getShifts());
  if (op.getInputs().size() == 1) {
    mantissa = makeParameter(k, mantissas, k.b.getI32Type());
    shift = makeParameter(k, shifts, k.b.getI32Type());
  }
}

//===-- 64 bits ------------------------------------------------------------------------------------------------------------===//

namespace {
/// `value / 2^shift` in i64, as rounding says.
struct Shifter {
  const Arithmetic &a;
  Value shift;

  /// 0 for shift 0.
  Value half() const { return a.ushr(a.shl(a.number(shift.getType(), 1), shift), 1); }
  Value halfUp(Value v) const { return a.shr(a.add(v, half()), shift); }
  /// Half - 1, and one more if the result would be odd; nothing for shift 0.
  Value halfEven(Value v) const {
    Value odd = a.bitAnd(a.shr(v, shift), 1), add = a.add(a.sub(half(), 1), odd);
    return a.shr(a.add(v, a.select(a.equal(shift, 0), a.number(v.getType(), 0), add)), shift);
  }
  Value halfAway(Value v) const {
    Value negative = a.less(v, 0), magnitude = halfUp(a.select(negative, a.negate(v), v));
    return a.select(negative, a.negate(magnitude), magnitude);
  }
};

/// The integer that f32(v) is: 24 significant bits, ties to even.
Value roundToF32(const Arithmetic &a, Value v) {
  Value negative = a.less(v, 0), magnitude = a.select(negative, a.negate(v), v), rest = magnitude;
  Value drop = a.number(v.getType(), 0);
  // Bits above the 24th, by bisection: some backends count leading zeros of vectors by converting them to floating point.
  for (int64_t step : {32, 16, 8, 4, 2, 1}) {
    Value above = a.less(a.number(v.getType(), (int64_t(1) << (24 + step - 1)) - 1), rest);
    drop = a.select(above, a.add(drop, step), drop);
    rest = a.select(above, a.shr(rest, step), rest);
  }
  Value rounded = a.shl(Shifter{a, drop}.halfEven(magnitude), drop);
  return a.select(negative, a.negate(rounded), rounded);
}

Value scaleWide(const Arithmetic &a, Value acc, Value mantissa, Value shift, Rounding rounding) {
  Shifter shifter{a, shift};
  switch (rounding) {
  case Rounding::ONNX:
    return shifter.halfEven(a.mul(acc, mantissa));
  case Rounding::ORT:
    return shifter.halfEven(roundToF32(a, a.mul(roundToF32(a, acc), mantissa)));
  case Rounding::TFLiteDouble: {
    Value product = a.mul(acc, mantissa), limit = a.number(acc.getType(), 31);
    Value high = Shifter{a, limit}.halfUp(product);
    Value twice = Shifter{a, a.max(a.sub(shift, limit), 0)}.halfAway(high);
    return a.select(a.less(limit, shift), twice, shifter.halfUp(product));
  }
  case Rounding::TFLiteSingle:
  case Rounding::Pow2:
    return shifter.halfUp(a.mul(acc, mantissa));
  }
  return acc;
}
} // namespace

Value Requantizer::emitWide(Kernel &k, ValueRange inputs, Value channel) const {
  Arithmetic a(k);
  auto type = cast<VectorType>(inputs.front().getType());
  Type wide = VectorType::get(type.getShape(), k.b.getI64Type());
  auto extend = [&](size_t i) {
    Value value = k.extend(inputs[i], k.b.getI32Type(), k.b.getI64Type());
    int64_t zero = op.getInputZeroPoints()[i];
    return zero ? a.sub(value, zero) : value;
  };
  Value scaled;
  if (inputs.size() == 1) {
    scaled = scaleWide(a, extend(0), load(k, mantissa, channel, wide), load(k, shift, channel, wide), op.getRounding());
  } else {
    Value sum;
    for (size_t i = 0; i < inputs.size(); ++i) {
      Value term = a.mul(extend(i), op.getMultipliers()[i]);
      sum = sum ? a.add(sum, term) : term;
    }
    Shifter shifter{a, a.number(wide, op.getShifts()[0])};
    bool even = op.getRounding() == Rounding::ONNX || op.getRounding() == Rounding::ORT;
    scaled = even ? shifter.halfEven(sum) : shifter.halfUp(sum);
  }
  Value code = op.getZeroPoint() ? a.add(scaled, int64_t(op.getZeroPoint())) : scaled;
  return k.truncate(a.clamp(code, op.getCodeMin(), op.getCodeMax()), k.b.getI32Type());
}

Value Requantizer::emit(Kernel &k, ValueRange inputs, Value channel) const { return emitWide(k, inputs, channel); }
} // namespace qc
