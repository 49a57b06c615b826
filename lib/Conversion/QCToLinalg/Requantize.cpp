// The rounding contracts in integer operations: rules N6 to N9 of docs/Numerics.md, equal to
// lib/Dialect/QC/Reference/Requantize.cpp.
#include "Emitter.h"

using namespace mlir;

namespace qc {
namespace {
/// `value / 2^shift` in i64. `shift` is constant where all channels agree. `mayBeZero`: some channel does not shift at all.
struct Shifter {
  Scalars &s;
  Value shift;
  bool mayBeZero;

  Value number(int64_t v) { return s.integer(s.b.getI64Type(), v); }
  Value half() { return s.ushr(s.shl(number(1), shift), number(1)); }
  Value unlessZero(Value value) { return mayBeZero ? s.select(s.equal(shift, number(0)), number(0), value) : value; }

  /// Ties to even: half - 1, and one more if the result would be odd.
  Value halfEven(Value v) {
    Value odd = s.bitAnd(s.shr(v, shift), number(1));
    return s.shr(s.add(v, unlessZero(s.add(s.sub(half(), number(1)), odd))), shift);
  }
  /// Ties toward positive infinity; half() is 0 for shift 0.
  Value halfUp(Value v) { return s.shr(s.add(v, half()), shift); }
  Value halfAway(Value v) {
    Value negative = s.less(v, number(0));
    Value magnitude = halfUp(s.select(negative, s.sub(number(0), v), v));
    return s.select(negative, s.sub(number(0), magnitude), magnitude);
  }
};

/// The i64 value that f32(v) has: 24 significant bits, ties to even.
Value roundToF32(Scalars &s, Value v) {
  Type i64 = s.b.getI64Type();
  Value zero = s.integer(i64, 0), negative = s.less(v, zero), magnitude = s.select(negative, s.sub(zero, v), v);
  // Bits above the 24th, by bisection: some backends count leading zeros of vectors by converting them to floating point.
  Value drop = zero, rest = magnitude;
  for (int64_t step : {32, 16, 8, 4, 2, 1}) {
    Value above = s.less(s.integer(i64, (int64_t(1) << (24 + step - 1)) - 1), rest);
    drop = s.select(above, s.add(drop, s.integer(i64, step)), drop);
    rest = s.select(above, s.shr(rest, s.integer(i64, step)), rest);
  }
  Shifter shifter{s, drop, /*mayBeZero=*/true};
  Value rounded = s.shl(shifter.halfEven(magnitude), drop);
  return s.select(negative, s.sub(zero, rounded), rounded);
}

/// What is known of the shifts of all channels at compile time.
struct ShiftFacts {
  bool hasZero, anyAbove31, anyUpTo31;
};

Value scale(Scalars &s, Value acc, Value mantissa, Value shift, Rounding rounding, ShiftFacts facts) {
  Shifter shifter{s, shift, facts.hasZero};
  switch (rounding) {
  case Rounding::ONNX:
    return shifter.halfEven(s.mul(acc, mantissa));
  case Rounding::ORT:
    return shifter.halfEven(roundToF32(s, s.mul(roundToF32(s, acc), mantissa)));
  case Rounding::TFLiteDouble: {
    Value product = s.mul(acc, mantissa);
    if (!facts.anyAbove31)
      return shifter.halfUp(product);
    Value limit = s.integer(s.b.getI64Type(), 31);
    Value high = Shifter{s, limit, false}.halfUp(product);
    Value twice = Shifter{s, s.max(s.sub(shift, limit), s.integer(s.b.getI64Type(), 0)), true}.halfAway(high);
    if (!facts.anyUpTo31)
      return twice;
    return s.select(s.less(limit, shift), twice, shifter.halfUp(product));
  }
  case Rounding::TFLiteSingle:
  case Rounding::Pow2:
    return shifter.halfUp(s.mul(acc, mantissa));
  }
  return acc;
}

Value finish(Scalars &s, Value scaled, RequantizeOp op) {
  Type i64 = s.b.getI64Type();
  Value code = op.getZeroPoint() ? s.add(scaled, s.integer(i64, op.getZeroPoint())) : scaled;
  code = s.clamp(code, s.integer(i64, op.getCodeMin()), s.integer(i64, op.getCodeMax()));
  return s.truncate(code, Emitter::getStorage(getElementType(op.getResult())));
}

ShiftFacts getFacts(ArrayRef<int32_t> shifts) {
  auto has = [&](auto predicate) { return llvm::any_of(shifts, predicate); };
  return {has([](int32_t v) { return v == 0; }), has([](int32_t v) { return v > 31; }), has([](int32_t v) { return v <= 31; })};
}

/// Mantissas and shifts as per-channel tensors, or as nothing where one number serves all channels.
struct Parameters {
  SmallVector<Value> tensors;
  bool ownMantissas = false, ownShifts = false;
};

Parameters makeParameters(Emitter &e, RequantizeOp op) {
  Parameters parameters;
  auto append = [&](ArrayRef<int32_t> numbers) {
    if (llvm::all_equal(numbers))
      return false;
    SmallVector<int64_t> wide(numbers.begin(), numbers.end());
    auto type = RankedTensorType::get({int64_t(wide.size())}, e.b.getI32Type());
    parameters.tensors.push_back(e.constant(type, wide));
    return true;
  };
  parameters.ownMantissas = append(op.getMultipliers());
  parameters.ownShifts = append(op.getShifts());
  return parameters;
}

/// acc (any integer width, already signed) to the result's storage type.
Value requantizeOne(Scalars &s, RequantizeOp op, Value acc, Type code, ValueRange parameters, bool ownMantissas, bool ownShifts) {
  Type i64 = s.b.getI64Type();
  unsigned next = 0;
  auto parameter = [&](bool own, int32_t common) {
    return own ? s.extend(parameters[next++], s.b.getI32Type(), i64) : s.integer(i64, common);
  };
  Value mantissa = parameter(ownMantissas, op.getMultipliers()[0]), shift = parameter(ownShifts, op.getShifts()[0]);
  Value wide = s.extend(acc, code, i64);
  if (int64_t zero = op.getInputZeroPoints()[0])
    wide = s.sub(wide, s.integer(i64, zero));
  return finish(s, scale(s, wide, mantissa, shift, op.getRounding(), getFacts(op.getShifts())), op);
}
} // namespace

Epilogue makeRequantizeEpilogue(Emitter &e, RequantizeOp op) {
  Parameters parameters = makeParameters(e, op);
  bool ownMantissas = parameters.ownMantissas, ownShifts = parameters.ownShifts;
  Type code = getElementType(op.getInputs()[0]);
  return {getElementType(op.getResult()), parameters.tensors, [=](Scalars &s, Value acc, ValueRange values) mutable {
            return requantizeOne(s, op, acc, code, values, ownMantissas, ownShifts);
          }};
}

LogicalResult emitRequantize(Emitter &e, RequantizeOp op, Value &result) {
  auto type = Emitter::getStorageTensor(op.getType());
  if (op.getInputs().size() == 1) {
    Parameters parameters = makeParameters(e, op);
    SmallVector<Value> inputs{e.get(op.getInputs()[0])};
    // Per-channel numbers broadcast from behind: [C] becomes [C, 1, ...].
    for (Value tensor : parameters.tensors) {
      SmallVector<int64_t> shape(type.getRank() - *op.getAxis(), 1);
      shape[0] = getShape(tensor)[0];
      inputs.push_back(e.reshape(tensor, shape));
    }
    result = e.pointwise(type, inputs, [&](Scalars &s, ValueRange v) {
      return requantizeOne(s, op, v[0], getElementType(op.getInputs()[0]), v.drop_front(), parameters.ownMantissas,
                           parameters.ownShifts);
    });
    return success();
  }
  SmallVector<Value> inputs = llvm::map_to_vector(op.getInputs(), [&](Value v) { return e.get(v); });
  result = e.pointwise(type, inputs, [&](Scalars &s, ValueRange v) {
    Type i64 = s.b.getI64Type();
    Value sum;
    for (auto [i, value] : llvm::enumerate(v)) {
      Value wide = s.extend(value, getElementType(op.getInputs()[i]), i64);
      if (int64_t zero = op.getInputZeroPoints()[i])
        wide = s.sub(wide, s.integer(i64, zero));
      Value term = s.mul(wide, s.integer(i64, op.getMultipliers()[i]));
      sum = sum ? s.add(sum, term) : term;
    }
    int32_t shift = op.getShifts()[0];
    Shifter shifter{s, s.integer(i64, shift), shift == 0};
    bool even = op.getRounding() == Rounding::ONNX || op.getRounding() == Rounding::ORT;
    return finish(s, even ? shifter.halfEven(sum) : shifter.halfUp(sum), op);
  });
  return success();
}
} // namespace qc
