// Ops that need a whole row for one element: reductions along the row, numbers of the row, then element by element.
#include "RowLoops.h"

#include "qc/Dialect/QC/Reference/FunctionsF32.h"
#include "qc/Dialect/QC/Reference/FunctionsInt.h"
#include "qc/Dialect/QC/Reference/Rows.h"

using namespace mlir;

namespace qc {
namespace {
/// The numbers of a softmax and its mask, if it has one, as inputs of loops with their maps.
template <typename OpTy> std::pair<SmallVector<Value>, SmallVector<AffineMap>> getSoftmaxInputs(Rows &rows, OpTy op) {
  SmallVector<Value> inputs{rows.e.get(op.getInput())};
  SmallVector<AffineMap> maps{rows.whole};
  if (op.getMask()) {
    inputs.push_back(rows.e.get(op.getMask()));
    maps.push_back(rows.broadcast(inputs.back()));
  }
  return {inputs, maps};
}

Value emitSoftmax(Emitter &e, SoftmaxOp op) {
  Rows rows(e, getShape(op.getInput()), op.getAxis(), op.getAxis());
  Type f32 = e.b.getF32Type();
  auto [inputs, maps] = getSoftmaxInputs(rows, op);
  size_t count = inputs.size();
  float factor = op.getScale().convertToFloat();
  Scalars outside = e.scalars();
  Value lowest = outside.real(f32, std::numeric_limits<float>::lowest());
  auto scaled = [&](Scalars &s, Value x) { return factor == 1 ? x : s.mul(x, s.real(f32, factor)); };
  auto maskOf = [&](ValueRange v) { return count > 1 ? SmallVector<Value>{v[1]} : SmallVector<Value>{}; };
  Value most = rows.reduce(f32, lowest, inputs, maps, [&](Scalars &s, ValueRange v) {
    return s.max(v[count], masked(s, maskOf(v), scaled(s, v[0]), s.real(f32, std::numeric_limits<float>::lowest())));
  });
  inputs.push_back(most);
  maps.push_back(rows.row);
  Value powers = rows.each(f32, inputs, maps, [&](Scalars &s, ValueRange v) {
    return masked(s, maskOf(v), emitExp(s, s.sub(scaled(s, v[0]), v[count])), s.zero(f32));
  });
  Value sum =
      rows.reduce(f32, outside.zero(f32), {powers}, {rows.whole}, [](Scalars &s, ValueRange v) { return s.add(v[1], v[0]); });
  // A row without elements.
  sum = rows.perRow(f32, {sum}, [&](Scalars &s, ValueRange v) { return s.max(s.real(f32, 1), v[0]); });
  if (!op.getLog())
    return rows.each(f32, {powers, sum}, {rows.whole, rows.row}, [](Scalars &s, ValueRange v) { return s.div(v[0], v[1]); });
  Value log = rows.perRow(f32, {sum}, [&](Scalars &s, ValueRange v) { return emitFunction(s, ActivationKind::Log, v[0]); });
  inputs.push_back(log);
  maps.push_back(rows.row);
  return rows.each(f32, inputs, maps, [&](Scalars &s, ValueRange v) {
    return masked(s, maskOf(v), s.sub(s.sub(scaled(s, v[0]), v[count]), v[count + 1]),
                  s.real(f32, std::numeric_limits<float>::lowest()));
  });
}

Value emitSoftmaxCodes(Emitter &e, SoftmaxCodesOp op) {
  Rows rows(e, getShape(op.getInput()), op.getAxis(), op.getAxis());
  auto code = cast<IntegerType>(getElementType(op.getInput())), result = cast<IntegerType>(getElementType(op.getResult()));
  Type i32 = e.b.getI32Type(), i64 = e.b.getI64Type();
  int64_t length = rows.shape[op.getAxis()], f = op.getFractionBits();
  SoftmaxNumbers n = getSoftmaxNumbers(op);
  Type wide = isNarrow(n, length) ? i32 : i64;

  auto [inputs, maps] = getSoftmaxInputs(rows, op);
  size_t count = inputs.size();
  auto maskOf = [&](ValueRange v) { return count > 1 ? SmallVector<Value>{v[1]} : SmallVector<Value>{}; };
  Scalars outside = e.scalars();
  int64_t least = getCodeLimits(code).first;
  Value most = rows.reduce(i32, outside.integer(i32, least), inputs, maps, [&](Scalars &s, ValueRange v) {
    return s.max(v[count], masked(s, maskOf(v), s.extend(v[0], code, i32), s.integer(i32, least)));
  });
  SmallVector<Value> tables = llvm::map_to_vector(op.getTables(), [&](Value table) { return e.get(table); });
  inputs.push_back(most);
  maps.push_back(rows.row);
  // A masked element may lie above the maximum.
  auto distance = [&](Scalars &s, ValueRange v) { return s.max(s.zero(i32), s.sub(v[count], s.extend(v[0], code, i32))); };
  Value powers = rows.each(i32, inputs, maps, [&](Scalars &s, ValueRange v) {
    Value d = distance(s, v);
    auto look = [&](Value table, Value at) { return tensor::ExtractOp::create(s.b, s.loc, table, s.toIndex(at)).getResult(); };
    Value power;
    if (tables.size() == 1) {
      power = look(tables[0], d);
    } else {
      Value low = s.extend(look(tables[0], s.bitAnd(d, s.integer(i32, 255))), i32, i64),
            high = s.extend(look(tables[1], s.ushr(d, s.integer(i32, 8))), i32, i64);
      power = s.truncate(roundShift(s, s.mul(low, high), s.integer(i64, f)), i32);
    }
    return masked(s, maskOf(v), power, s.zero(i32));
  });
  Value sum = rows.reduce(wide, outside.zero(wide), {powers}, {rows.whole},
                          [&](Scalars &s, ValueRange v) { return s.add(v[1], wide == i32 ? v[0] : s.extend(v[0], i32, i64)); });
  auto getSum = [&](Scalars &s, Value v) {
    return s.max(s.integer(i64, int64_t(1) << f), wide == i32 ? s.extend(v, i32, i64) : v);
  };
  auto finish = [&](Scalars &s, Value scaled) {
    Type type = scaled.getType();
    Value sat = s.clamp(s.add(scaled, s.integer(type, op.getZeroPoint())), s.integer(type, op.getCodeMin()),
                        s.integer(type, op.getCodeMax()));
    return s.truncate(sat, Emitter::getStorage(result));
  };
  Type storage = Emitter::getStorage(result);
  if (op.getLog()) {
    Value log = rows.perRow(i64, {sum}, [&](Scalars &s, ValueRange v) {
      IntOperations operations{s};
      return s.mul(FunctionsInt<IntOperations>{operations}.log2(getSum(s, v[0]), f), s.integer(i64, op.getLogMultiplier()));
    });
    inputs.push_back(log);
    maps.push_back(rows.row);
    return rows.each(storage, inputs, maps, [&](Scalars &s, ValueRange v) {
      Value d = s.extend(distance(s, v), i32, i64);
      Value scaled =
          roundShift(s, s.add(s.mul(d, s.integer(i64, op.getMultiplier())), v[count + 1]), s.integer(i64, op.getShift()));
      return masked(s, maskOf(v), finish(s, s.sub(s.zero(i64), scaled)), s.integer(storage, op.getCodeMin()));
    });
  }
  // R has 30 bits at most: the guard bits are those that the result's step leaves.
  Value reciprocal = rows.perRow(i32, {sum}, [&](Scalars &s, ValueRange v) {
    IntOperations operations{s};
    auto [mantissa, exponent] = FunctionsInt<IntOperations>{operations}.reciprocal(getSum(s, v[0]));
    Value shift = s.add(exponent, s.integer(i64, n.multiplierShift - n.shift));
    Value r = roundShift(s, s.mul(mantissa, s.integer(i64, n.multiplier)), shift);
    return s.truncate(r, i32);
  });
  return rows.each(storage, {powers, reciprocal}, {rows.whole, rows.row}, [&](Scalars &s, ValueRange v) {
    auto widen = [&](Value x) { return wide == i32 ? x : s.extend(x, i32, i64); };
    return finish(s, s.truncate(roundShift(s, s.mul(widen(v[0]), widen(v[1])), s.integer(wide, n.shift)), i32));
  });
}

Value emitNormalize(Emitter &e, NormalizeOp op) {
  Rows rows(e, getShape(op.getInput()), op.getFirstAxis(), op.getLastAxis());
  Type f32 = e.b.getF32Type();
  Value x = e.get(op.getInput());
  double count = double(op.getRowLength());
  Scalars outside = e.scalars();
  SmallVector<Value> inputs{x};
  SmallVector<AffineMap> maps{rows.whole};
  bool centres = subtractsMean(op.getKind()), roots = takesRoot(op.getKind());
  if (centres) {
    Value sum =
        rows.reduce(f32, outside.zero(f32), {x}, {rows.whole}, [](Scalars &s, ValueRange v) { return s.add(v[1], v[0]); });
    inputs.push_back(rows.perRow(f32, {sum}, [&](Scalars &s, ValueRange v) { return s.div(v[0], s.real(f32, count)); }));
    maps.push_back(rows.row);
  }
  size_t have = inputs.size();
  auto centred = [&](Scalars &s, ValueRange v) { return centres ? s.sub(v[0], v[1]) : v[0]; };
  Value sum = rows.reduce(f32, outside.zero(f32), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value c = centred(s, v);
    return s.add(v[have], roots ? s.mul(c, c) : math::AbsFOp::create(s.b, s.loc, c).getResult());
  });
  Value deviation = rows.perRow(f32, {sum}, [&](Scalars &s, ValueRange v) {
    Value mean = op.getKind() == NormalizeKind::L2 ? v[0] : s.div(v[0], s.real(f32, count));
    mean = s.add(mean, s.real(f32, op.getEpsilon().convertToFloat()));
    return roots ? math::SqrtOp::create(s.b, s.loc, mean).getResult() : mean;
  });
  inputs.push_back(deviation);
  maps.push_back(rows.row);
  for (Value parameter : {op.getScale(), op.getBias()})
    if (parameter) {
      inputs.push_back(e.get(parameter));
      maps.push_back(rows.broadcast(inputs.back()));
    }
  return rows.each(f32, inputs, maps, [&](Scalars &s, ValueRange v) {
    size_t next = have + 1;
    Value y = s.div(centred(s, v), v[have]);
    if (op.getScale())
      y = s.mul(y, v[next++]);
    return op.getBias() ? s.add(y, v[next]) : y;
  });
}

Value emitNormalizeCodes(Emitter &e, NormalizeCodesOp op) {
  Rows rows(e, getShape(op.getInput()), op.getFirstAxis(), op.getLastAxis());
  auto code = cast<IntegerType>(getElementType(op.getInput())), result = cast<IntegerType>(getElementType(op.getResult()));
  Type i32 = e.b.getI32Type(), i64 = e.b.getI64Type();
  Value x = e.get(op.getInput());
  int64_t count = op.getRowLength(), zero = op.getInputZeroPoint(), prescale = op.getPrescale();
  bool isLayer = op.getKind() == NormalizeKind::Layer;
  Scalars outside = e.scalars();
  auto [least, most] = getCodeLimits(code);
  int64_t largest = isLayer ? std::max(std::abs(least), std::abs(most)) : std::max(std::abs(least - zero), std::abs(most - zero));
  // Sums of 8-bit codes and their squares fit i32 unless the row is long.
  auto fits = [&](int64_t term) { return term <= INT32_MAX / count ? i32 : i64; };
  Type sumType = fits(largest), squareType = largest <= 46340 ? fits(largest * largest) : i64;
  auto centred = [&](Scalars &s, Value v) {
    Value wide = s.extend(v, code, i32);
    return isLayer || zero == 0 ? wide : s.sub(wide, s.integer(i32, zero));
  };
  auto to64 = [](Scalars &s, Value v) {
    Type i64 = s.b.getI64Type();
    return v.getType() == i64 ? v : s.extend(v, s.b.getI32Type(), i64);
  };
  SmallVector<Value> sums;
  if (isLayer)
    sums.push_back(rows.reduce(sumType, outside.zero(sumType), {x}, {rows.whole}, [&](Scalars &s, ValueRange v) {
      Value c = centred(s, v[0]);
      return s.add(v[1], sumType == i32 ? c : s.extend(c, i32, i64));
    }));
  Value squares = rows.reduce(squareType, outside.zero(squareType), {x}, {rows.whole}, [&](Scalars &s, ValueRange v) {
    Value c = centred(s, v[0]);
    if (squareType == i64)
      c = s.extend(c, i32, i64);
    return s.add(v[1], s.mul(c, c));
  });
  auto getV = [&](Scalars &s, Value squares, Value sum) {
    Value v = to64(s, squares);
    if (isLayer)
      v = s.sub(s.mul(v, s.integer(i64, count)), s.mul(to64(s, sum), to64(s, sum)));
    if (prescale)
      v = prescale > 0 ? s.shl(v, s.integer(i64, prescale)) : s.ushr(v, s.integer(i64, -prescale));
    return s.max(s.integer(i64, leastOfV(prescale)), s.add(v, s.integer(i64, op.getEpsilon())));
  };
  SmallVector<Value> of{squares};
  llvm::append_range(of, sums);
  // Deviations of 30 bits: every product is one of two i32, mantissas less 2^31, and codes end in i32.
  auto [low, high] = getCodeLimits(code);
  bool isNarrow = (isLayer ? high - low : largest) <= (int64_t(1) << 30) / (isLayer ? count : 1) && op.getShift() >= 31;
  auto inverse = [&](bool wantShift) {
    return rows.perRow(isNarrow && !wantShift ? i32 : i64, of, [&](Scalars &s, ValueRange v) {
      IntOperations operations{s};
      auto [mantissa, exponent] = FunctionsInt<IntOperations>{operations}.rsqrt(getV(s, v[0], isLayer ? v[1] : Value()));
      if (wantShift)
        return s.sub(exponent, s.integer(i64, int64_t(op.getFractionBits()) + prescale / 2));
      return isNarrow ? s.truncate(s.sub(mantissa, s.integer(i64, int64_t(1) << 31)), i32) : mantissa;
    });
  };
  Value mantissas = inverse(false), shifts = inverse(true), multipliers = e.get(op.getMultipliers()),
        offsets = e.get(op.getOffsets());
  SmallVector<Value> inputs{x, mantissas, shifts, multipliers, offsets};
  SmallVector<AffineMap> maps{rows.whole, rows.row, rows.row, rows.broadcast(multipliers), rows.broadcast(offsets)};
  if (isLayer) {
    inputs.push_back(sums[0]);
    maps.push_back(rows.row);
  }
  if (isNarrow)
    return rows.each(Emitter::getStorage(result), inputs, maps, [&](Scalars &s, ValueRange v) {
      Value c = centred(s, v[0]);
      if (isLayer)
        c = s.sub(s.mul(c, s.integer(i32, count)), v[5].getType() == i32 ? v[5] : s.truncate(v[5], i32));
      c = to64(s, c);
      Value product = s.add(s.mul(c, to64(s, v[1])), s.shl(c, s.integer(i64, 31)));
      // Shifted as a positive number: some vectors have no arithmetic shift of 64 bits.
      Value bias = s.integer(i64, int64_t(1) << 62), half = s.ushr(s.shl(s.integer(i64, 1), v[2]), s.integer(i64, 1));
      Value above = s.truncate(s.ushr(s.add(product, s.add(half, bias)), v[2]), i32);
      Value t = s.sub(above, s.truncate(s.ushr(bias, v[2]), i32));
      Value scaled = s.add(s.mul(to64(s, t), s.extend(v[3], i32, i64)), v[4]);
      Value y = s.truncate(roundShift(s, scaled, s.integer(i64, op.getShift())), i32);
      y = s.clamp(s.add(y, s.integer(i32, op.getZeroPoint())), s.integer(i32, op.getCodeMin()), s.integer(i32, op.getCodeMax()));
      return s.truncate(y, Emitter::getStorage(result));
    });
  return rows.each(Emitter::getStorage(result), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value c = to64(s, centred(s, v[0]));
    if (isLayer)
      c = s.sub(s.mul(c, s.integer(i64, count)), to64(s, v[5]));
    Value t = roundShift(s, s.mul(c, v[1]), v[2]);
    Value y = roundShift(s, s.add(s.mul(t, s.extend(v[3], i32, i64)), v[4]), s.integer(i64, op.getShift()));
    y = s.clamp(s.add(y, s.integer(i64, op.getZeroPoint())), s.integer(i64, op.getCodeMin()), s.integer(i64, op.getCodeMax()));
    return s.truncate(y, Emitter::getStorage(result));
  });
}
Value emitHypotCodes(Emitter &e, HypotCodesOp op) {
  Type i64 = e.b.getI64Type(), result = getElementType(op.getResult());
  return e.pointwise(Emitter::getStorageTensor(op.getType()), {e.get(op.getLhs()), e.get(op.getRhs())},
                     [&](Scalars &s, ValueRange v) {
                       auto square = [&](Value x, Type code, int64_t zero, int64_t multiplier) {
                         Value c = s.sub(s.extend(x, code, i64), s.integer(i64, zero));
                         return s.mul(s.mul(c, c), s.integer(i64, multiplier));
                       };
                       Value sum = s.add(square(v[0], getElementType(op.getLhs()), op.getLhsZeroPoint(), op.getLhsMultiplier()),
                                         square(v[1], getElementType(op.getRhs()), op.getRhsZeroPoint(), op.getRhsMultiplier()));
                       IntOperations operations{s};
                       auto [mantissa, exponent] = FunctionsInt<IntOperations>{operations}.sqrt(s.max(s.integer(i64, 1), sum));
                       Value shift = s.min(s.integer(i64, 62), s.add(exponent, s.integer(i64, int64_t(op.getShift()) - 2)));
                       Value root = roundShift(s, s.mul(mantissa, s.integer(i64, op.getMultiplier())), shift);
                       root = s.select(s.equal(sum, s.zero(i64)), s.zero(i64), root);
                       Value code = s.clamp(s.add(root, s.integer(i64, op.getZeroPoint())), s.integer(i64, op.getCodeMin()),
                                            s.integer(i64, op.getCodeMax()));
                       return s.truncate(code, Emitter::getStorage(result));
                     });
}
} // namespace

FailureOr<Value> emitRows(Emitter &e, Operation *op) {
  return TypeSwitch<Operation *, FailureOr<Value>>(op)
      .Case([&](SoftmaxOp softmax) -> FailureOr<Value> { return emitSoftmax(e, softmax); })
      .Case([&](SoftmaxCodesOp softmax) -> FailureOr<Value> { return emitSoftmaxCodes(e, softmax); })
      .Case([&](NormalizeOp normalize) -> FailureOr<Value> { return emitNormalize(e, normalize); })
      .Case([&](NormalizeCodesOp normalize) -> FailureOr<Value> {
        return takesRoot(normalize.getKind()) ? emitNormalizeCodes(e, normalize) : emitDeviationCodes(e, normalize);
      })
      .Case([&](HypotCodesOp hypot) -> FailureOr<Value> { return emitHypotCodes(e, hypot); })
      .Default([](Operation *) -> FailureOr<Value> { return Value(); });
}
} // namespace qc
