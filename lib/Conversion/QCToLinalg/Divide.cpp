// The quotient of two codes, bit by bit (N24): no division, which small targets do not have, and no branch.
#include "Emitter.h"

using namespace mlir;

namespace qc {
Value emitDivideCodes(Emitter &e, DivideCodesOp op) {
  Type i64 = e.b.getI64Type(), result = getElementType(op.getResult());
  auto centred = [&](Scalars &s, Value x, Value operand, int64_t zero) {
    return s.sub(s.extend(x, getElementType(operand), i64), s.integer(i64, zero));
  };
  return e.pointwise(
      Emitter::getStorageTensor(op.getType()), {e.get(op.getLhs()), e.get(op.getRhs())}, [&](Scalars &s, ValueRange v) {
        Value a = centred(s, v[0], op.getLhs(), op.getLhsZeroPoint()), b = centred(s, v[1], op.getRhs(), op.getRhsZeroPoint());
        Value zero = s.zero(i64), one = s.one(i64);
        auto magnitude = [&](Value x) { return s.max(x, s.sub(zero, x)); };
        Value rest = s.mul(magnitude(a), s.integer(i64, op.getMultiplier())), quotient = zero;
        // The divisor moves down from above the largest quotient that counts; beyond it, or by 0, all bits are ones.
        int64_t bits = op.getQuotientBits();
        Value divisor = s.shl(magnitude(b), s.integer(i64, int64_t(op.getShift()) + bits - 1));
        for (int64_t i = 0; i < bits; ++i) {
          Value fails = s.less(rest, divisor);
          rest = s.select(fails, rest, s.sub(rest, divisor));
          quotient = s.add(s.add(quotient, quotient), s.select(fails, zero, one));
          if (i + 1 < bits)
            divisor = s.ushr(divisor, one);
        }
        Value twice = s.add(rest, rest), isNegative = s.less(s.bitXor(a, b), zero);
        Value upAtTie = op.getHalfUp() ? s.select(isNegative, zero, one) : s.bitAnd(quotient, one);
        Value more = s.select(s.less(divisor, twice), one, s.select(s.equal(divisor, twice), upAtTie, zero));
        quotient = s.add(quotient, more);
        quotient = s.select(isNegative, s.sub(zero, quotient), quotient);
        quotient = s.select(s.equal(a, zero), zero, quotient);
        Value code = s.clamp(s.add(quotient, s.integer(i64, op.getZeroPoint())), s.integer(i64, op.getCodeMin()),
                             s.integer(i64, op.getCodeMax()));
        return s.truncate(code, Emitter::getStorage(result));
      });
}
} // namespace qc
