// Functions and relations of two numbers, selection. Integer operations are defined for all operands, whatever the target's
// instructions do with a divisor of zero or a large shift.
#include "Emitter.h"

using namespace mlir;

namespace qc {
namespace {
bool isUnsigned(Type code) { return code.isUnsignedInteger() || code.isInteger(1); }

Value compareIntegers(Scalars &s, arith::CmpIPredicate predicate, Value x, Value y) {
  return s.b.createOrFold<arith::CmpIOp>(s.loc, predicate, x, y);
}
Value isLess(Scalars &s, Value x, Value y, Type code) {
  return isUnsigned(code) ? compareIntegers(s, arith::CmpIPredicate::ult, x, y) : s.less(x, y);
}

/// Narrow codes lie extended in their storage; a logical right shift needs the bits above cleared.
Value clearUnused(Scalars &s, Value x, Type code) {
  unsigned width = code.getIntOrFloatBitWidth();
  return width == x.getType().getIntOrFloatBitWidth() ? x : s.bitAnd(x, s.integer(x.getType(), (int64_t(1) << width) - 1));
}

Value emitShift(Scalars &s, Value x, Value y, Type code, bool left) {
  Type storage = x.getType();
  Value width = s.integer(storage, code.getIntOrFloatBitWidth()),
        inside = compareIntegers(s, arith::CmpIPredicate::ult, y, width);
  Value amount = s.select(inside, y, s.zero(storage));
  Value shifted = left ? s.shl(x, amount) : s.ushr(clearUnused(s, x, code), amount);
  return s.select(inside, shifted, s.zero(storage));
}

Value emitFloat(Scalars &s, BinaryKind kind, Value x, Value y) {
  switch (kind) {
  case BinaryKind::Min:
    return s.min(x, y);
  case BinaryKind::Max:
    return s.max(x, y);
  case BinaryKind::Pow:
    return emitPow(s, x, y);
  case BinaryKind::Hypot:
    return math::SqrtOp::create(s.b, s.loc, s.add(s.mul(x, x), s.mul(y, y)));
  default: {
    // Floor of the magnitude: round to nearest by adding 2^23, one less where that went up.
    Value quotient = s.div(x, y), magnitude = math::AbsFOp::create(s.b, s.loc, quotient), big = s.real(x.getType(), 0x1p23);
    Value round = s.sub(s.add(magnitude, big), big);
    round = s.select(s.less(magnitude, big), math::CopySignOp::create(s.b, s.loc, round, magnitude), magnitude);
    Value whole = s.select(s.less(magnitude, round), s.sub(round, s.one(x.getType())), round);
    return s.sub(x, s.mul(y, math::CopySignOp::create(s.b, s.loc, whole, quotient)));
  }
  }
}

Value emitInteger(Scalars &s, BinaryKind kind, Value x, Value y, Type code) {
  switch (kind) {
  case BinaryKind::Min:
    return s.select(isLess(s, x, y, code), x, y);
  case BinaryKind::Max:
    return s.select(isLess(s, y, x, code), x, y);
  case BinaryKind::Mod: {
    Value r = emitQuotient(s, x, y, code, /*remainder=*/true);
    if (isUnsigned(code))
      return r;
    Value zero = s.zero(x.getType());
    Value signsDiffer = s.less(s.bitXor(r, y), zero), isZero = s.equal(r, zero);
    return s.select(isZero, r, s.select(signsDiffer, s.add(r, y), r));
  }
  case BinaryKind::Rem:
    return emitQuotient(s, x, y, code, /*remainder=*/true);
  case BinaryKind::And:
    return s.bitAnd(x, y);
  case BinaryKind::Or:
    return s.bitOr(x, y);
  case BinaryKind::Xor:
    return s.bitXor(x, y);
  case BinaryKind::ShiftLeft:
  case BinaryKind::ShiftRight:
    return wrap(s, emitShift(s, x, y, code, kind == BinaryKind::ShiftLeft), code);
  case BinaryKind::Pow:
  case BinaryKind::Hypot:
    break;
  }
  return x;
}

Value emitRelation(Scalars &s, CompareKind kind, Value x, Value y, Type code) {
  Value holds;
  if (isa<FloatType>(code)) {
    auto predicate = kind == CompareKind::Equal  ? arith::CmpFPredicate::OEQ
                     : kind == CompareKind::Less ? arith::CmpFPredicate::OLT
                                                 : arith::CmpFPredicate::OLE;
    holds = arith::CmpFOp::create(s.b, s.loc, predicate, x, y);
  } else {
    auto predicate = kind == CompareKind::Equal  ? arith::CmpIPredicate::eq
                     : kind == CompareKind::Less ? (isUnsigned(code) ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt)
                     : isUnsigned(code)          ? arith::CmpIPredicate::ule
                                                 : arith::CmpIPredicate::sle;
    holds = compareIntegers(s, predicate, x, y);
  }
  return arith::ExtUIOp::create(s.b, s.loc, s.b.getI8Type(), holds);
}
} // namespace

Value emitQuotient(Scalars &s, Value x, Value y, Type code, bool remainder) {
  Type storage = x.getType();
  Value zero = s.zero(storage), isZero = s.equal(y, zero);
  if (isUnsigned(code)) {
    Value divisor = s.select(isZero, s.one(storage), y);
    Value result = remainder ? arith::RemUIOp::create(s.b, s.loc, x, divisor).getResult()
                             : arith::DivUIOp::create(s.b, s.loc, x, divisor).getResult();
    return s.select(isZero, zero, result);
  }
  // The lowest number by -1 overflows in some machines.
  Value isMinus1 = s.equal(y, s.integer(storage, -1));
  Value divisor = s.select(arith::OrIOp::create(s.b, s.loc, isZero, isMinus1), s.one(storage), y);
  Value result = remainder ? arith::RemSIOp::create(s.b, s.loc, x, divisor).getResult()
                           : arith::DivSIOp::create(s.b, s.loc, x, divisor).getResult();
  if (!remainder)
    result = s.select(isMinus1, s.sub(zero, x), result);
  return s.select(isZero, zero, result);
}

FailureOr<Value> emitBinary(Emitter &e, Operation *op) {
  auto pointwise = [&](auto compute) -> FailureOr<Value> {
    SmallVector<Value> inputs = llvm::map_to_vector(op->getOperands(), [&](Value v) { return e.get(v); });
    return e.pointwise(Emitter::getStorageTensor(op->getResult(0).getType()), inputs, compute);
  };
  Type code = op->getNumOperands() ? getElementType(op->getOperand(0)) : Type();
  return TypeSwitch<Operation *, FailureOr<Value>>(op)
      .Case([&](BinaryOp binary) {
        return pointwise([&](Scalars &s, ValueRange v) {
          return isa<FloatType>(code) ? emitFloat(s, binary.getKind(), v[0], v[1])
                                      : emitInteger(s, binary.getKind(), v[0], v[1], code);
        });
      })
      .Case([&](CompareOp compare) {
        return pointwise([&](Scalars &s, ValueRange v) { return emitRelation(s, compare.getKind(), v[0], v[1], code); });
      })
      .Case([&](SelectOp) {
        return pointwise([&](Scalars &s, ValueRange v) { return s.select(s.equal(v[0], s.zero(v[0].getType())), v[2], v[1]); });
      })
      .Case([&](DivideCodesOp divide) -> FailureOr<Value> { return emitDivideCodes(e, divide); })
      .Default([](Operation *) -> FailureOr<Value> { return Value(); });
}
} // namespace qc
