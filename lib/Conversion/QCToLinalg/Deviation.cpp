// Normalization of codes by mean magnitudes: a sum, a sum of magnitudes and one reciprocal a row, then element by element.
#include "RowLoops.h"

#include "qc/Dialect/QC/Reference/FunctionsInt.h"
#include "qc/Dialect/QC/Reference/Rows.h"

using namespace mlir;

namespace qc {
Value emitDeviationCodes(Emitter &e, NormalizeCodesOp op) {
  Rows rows(e, getShape(op.getInput()), op.getFirstAxis(), op.getLastAxis());
  auto code = cast<IntegerType>(getElementType(op.getInput())), result = cast<IntegerType>(getElementType(op.getResult()));
  Type i32 = e.b.getI32Type(), i64 = e.b.getI64Type();
  Value x = e.get(op.getInput());
  int64_t count = op.getRowLength(), zero = op.getInputZeroPoint(), prescale = op.getPrescale();
  bool centres = subtractsMean(op.getKind());
  Scalars outside = e.scalars();
  SmallVector<Value> inputs{x};
  SmallVector<AffineMap> maps{rows.whole};
  if (centres) {
    // |count * x - sum| is below 2^31 (the verifier's bound), and so is the sum.
    inputs.push_back(rows.reduce(i32, outside.zero(i32), {x}, {rows.whole},
                                 [&](Scalars &s, ValueRange v) { return s.add(v[1], s.extend(v[0], code, i32)); }));
    maps.push_back(rows.row);
  }
  size_t have = inputs.size();
  auto centred = [&](Scalars &s, ValueRange v) {
    Value wide = s.extend(v[0], code, i32);
    if (centres)
      return s.sub(s.mul(wide, s.integer(i32, count)), v[1]);
    return zero == 0 ? wide : s.sub(wide, s.integer(i32, zero));
  };
  Value magnitudes = rows.reduce(i64, outside.zero(i64), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value c = centred(s, v);
    return s.add(v[have], s.extend(s.max(c, s.sub(s.zero(i32), c)), i32, i64));
  });
  auto inverse = [&](bool wantShift) {
    return rows.perRow(i64, {magnitudes}, [&](Scalars &s, ValueRange v) {
      Value sum = v[0];
      if (prescale)
        sum = prescale > 0 ? s.shl(sum, s.integer(i64, prescale)) : s.ushr(sum, s.integer(i64, -prescale));
      sum = s.max(s.integer(i64, leastOfV(prescale)), s.add(sum, s.integer(i64, op.getEpsilon())));
      IntOperations operations{s};
      auto [mantissa, exponent] = FunctionsInt<IntOperations>{operations}.reciprocal(sum);
      return wantShift ? s.sub(exponent, s.integer(i64, int64_t(op.getFractionBits()) + prescale)) : mantissa;
    });
  };
  Value multipliers = e.get(op.getMultipliers()), offsets = e.get(op.getOffsets());
  inputs.append({inverse(false), inverse(true), multipliers, offsets});
  maps.append({rows.row, rows.row, rows.broadcast(multipliers), rows.broadcast(offsets)});
  return rows.each(Emitter::getStorage(result), inputs, maps, [&](Scalars &s, ValueRange v) {
    Value c = s.extend(centred(s, v), i32, i64);
    Value t = roundShift(s, s.mul(c, v[have]), v[have + 1]);
    Value y = roundShift(s, s.add(s.mul(t, s.extend(v[have + 2], i32, i64)), v[have + 3]), s.integer(i64, op.getShift()));
    y = s.clamp(s.add(y, s.integer(i64, op.getZeroPoint())), s.integer(i64, op.getCodeMin()), s.integer(i64, op.getCodeMax()));
    return s.truncate(y, Emitter::getStorage(result));
  });
}
} // namespace qc
