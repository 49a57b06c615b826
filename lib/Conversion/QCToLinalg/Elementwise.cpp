// One result element from the operands' elements: arithmetic, activation functions, tables, the boundary's quantization.
#include "Emitter.h"
#include "qc/Dialect/QC/IR/StoredOps.h"

#include "qc/Dialect/QC/Reference/FunctionsF32.h"

#include <cmath>

using namespace mlir;

namespace qc {
namespace {
//===-- f32 functions ------------------------------------------------------------------------------------------------------===//

Value number(Scalars &s, double v) { return s.real(s.b.getF32Type(), v); }

/// Operations under construction, for FunctionsF32: rule N11 of docs/Numerics.md.
struct Operations {
  using F = Value;
  using I = Value;
  using B = Value;
  Scalars &s;
  Value integer(int32_t v) { return s.integer(s.b.getI32Type(), v); }
  Value number(double v) { return s.real(s.b.getF32Type(), v); }
  Value add(Value x, Value y) { return s.add(x, y); }
  Value sub(Value x, Value y) { return s.sub(x, y); }
  Value mul(Value x, Value y) { return s.mul(x, y); }
  Value div(Value x, Value y) { return s.div(x, y); }
  Value abs(Value x) { return math::AbsFOp::create(s.b, s.loc, x); }
  Value negate(Value x) { return arith::NegFOp::create(s.b, s.loc, x); }
  Value copySign(Value x, Value y) { return math::CopySignOp::create(s.b, s.loc, x, y); }
  Value sqrt(Value x) { return math::SqrtOp::create(s.b, s.loc, x); }
  Value less(Value x, Value y) { return s.less(x, y); }
  Value equal(Value x, Value y) { return s.equal(x, y); }
  Value select(Value c, Value x, Value y) { return s.select(c, x, y); }
  Value bits(Value x) { return arith::BitcastOp::create(s.b, s.loc, s.b.getI32Type(), x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(s.b, s.loc, s.b.getF32Type(), x); }
  Value fromInt(Value x) { return arith::SIToFPOp::create(s.b, s.loc, s.b.getF32Type(), x); }
  Value addBits(Value x, int32_t y) { return s.add(x, integer(y)); }
  Value andBits(Value x, int32_t y) { return s.bitAnd(x, integer(y)); }
  Value orBits(Value x, int32_t y) { return s.bitOr(x, integer(y)); }
  Value shl(Value x, int n) { return s.shl(x, integer(n)); }
  Value shr(Value x, int n) { return s.ushr(x, integer(n)); }
  Value notZero(Value x) { return arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::ne, x, integer(0)); }
};

Value emitActivation(Scalars &s, ActivationOp op, Value x) {
  Operations operations{s};
  return FunctionsF32<Operations>{operations}.activation(op.getKind(), x, op.getAlpha().convertToFloat(),
                                                         op.getBeta().convertToFloat());
}

//===-- Conversions --------------------------------------------------------------------------------------------------------===//

/// Wider codes: a quotient from 2^23 on is an integer already, and one beyond the type becomes its limit.
Value emitWideQuantize(Scalars &s, QuantizeOp op, Value x) {
  Type i64 = s.b.getI64Type();
  Value q = s.div(x, number(s, op.getScale().convertToFloat()));
  Value isNaN = arith::CmpFOp::create(s.b, s.loc, arith::CmpFPredicate::UNO, q, q);
  q = s.min(number(s, 0x1p33), s.max(number(s, -0x1p33), q));
  Value magic = math::CopySignOp::create(s.b, s.loc, number(s, 0x1p23), q);
  Value isSmall = s.less(math::AbsFOp::create(s.b, s.loc, q), number(s, 0x1p23));
  Value rounded = s.select(isSmall, s.sub(s.add(q, magic), magic), q);
  rounded = s.select(isNaN, number(s, 0), rounded);
  Value code = s.add(arith::FPToSIOp::create(s.b, s.loc, i64, rounded), s.integer(i64, op.getZeroPoint()));
  code = s.clamp(code, s.integer(i64, op.getCodeMin()), s.integer(i64, op.getCodeMax()));
  code = s.select(isNaN, s.integer(i64, op.getZeroPoint()), code);
  return s.truncate(code, Emitter::getStorage(getElementType(op.getResult())));
}

/// N2 in f32 alone: codes of at most 16 bits have whole limits that f32 represents, so that the quotient is limited before it is
/// rounded. Adding 1.5 * 2^23 then rounds it to an integer, ties to even.
Value emitQuantize(Scalars &s, QuantizeOp op, Value x) {
  if (getElementType(op.getResult()).getIntOrFloatBitWidth() > 16)
    return emitWideQuantize(s, op, x);
  Type i32 = s.b.getI32Type();
  int64_t zero = op.getZeroPoint(), low = op.getCodeMin(), high = op.getCodeMax();
  Value q = s.div(x, number(s, op.getScale().convertToFloat()));
  Value isNaN = arith::CmpFOp::create(s.b, s.loc, arith::CmpFPredicate::UNO, q, q);
  q = s.min(number(s, double(high - zero)), s.max(number(s, double(low - zero)), q));
  // 1.5 * 2^23 + n has n in its low bits.
  Value bits = arith::BitcastOp::create(s.b, s.loc, i32, s.add(q, number(s, 0x1.8p23)));
  Value code = s.add(bits, s.integer(i32, zero - llvm::bit_cast<int32_t>(0x1.8p23f)));
  // A NaN gives the zero point even where a fused clamp excludes it.
  code = s.select(isNaN, s.integer(i32, zero), code);
  return s.truncate(code, Emitter::getStorage(getElementType(op.getResult())));
}

Value emitDequantize(Scalars &s, DequantizeOp op, Value x) {
  Type code = getElementType(op.getInput()), i32 = s.b.getI32Type();
  Type wide = cast<IntegerType>(x.getType()).getWidth() < 32 ? i32 : Type(s.b.getI64Type());
  Value centred = s.sub(s.extend(x, code, wide), s.integer(wide, op.getZeroPoint()));
  return s.mul(arith::SIToFPOp::create(s.b, s.loc, s.b.getF32Type(), centred), number(s, op.getScale().convertToFloat()));
}

/// The f32 number whose 16 bits these are, without a conversion that a target may lack: of f16 the fields move to their places
/// and the exponent's bias is made up for by a multiplication, exact for numbers below the normal ones, too.
Value emitHalf(Scalars &s, StoredFormat format, Value bits) {
  Type i32 = s.b.getI32Type(), f32 = s.b.getF32Type();
  Value wide = arith::ExtSIOp::create(s.b, s.loc, i32, bits);
  if (format == StoredFormat::BF16)
    return arith::BitcastOp::create(s.b, s.loc, f32, s.shl(wide, s.integer(i32, 16)));
  wide = s.bitAnd(s.shl(wide, s.integer(i32, 13)), s.integer(i32, int32_t(0x8fffffff)));
  return s.mul(arith::BitcastOp::create(s.b, s.loc, f32, wide), s.real(f32, 0x1p112));
}

FailureOr<Value> emitDecode(Emitter &e, DecodeOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  auto codes = getShape(op.getCodes());
  SmallVector<Value> inputs{e.get(op.getCodes())};
  if (op.getScales()) {
    auto scales = getShape(op.getScales());
    Value scaleTensor = e.get(op.getScales());
    return e.fromIndices(type, [&](Scalars &s, ValueRange index) {
      SmallVector<Value> at;
      for (auto [d, size] : llvm::enumerate(codes))
        at.push_back(scales[d] <= 1 ? s.index(0) : s.div(index[d], s.index(getScaleBlock(size, scales[d]))));
      Value code = tensor::ExtractOp::create(s.b, s.loc, inputs[0], index);
      Value number =
          arith::SIToFPOp::create(s.b, s.loc, s.b.getF32Type(), s.extend(code, s.b.getIntegerType(8), s.b.getI32Type()));
      return s.mul(number, tensor::ExtractOp::create(s.b, s.loc, scaleTensor, at));
    });
  }
  return e.pointwise(type, inputs, [&](Scalars &s, ValueRange v) { return emitHalf(s, op.getFormat(), v[0]); });
}

Value emitCast(Scalars &s, Type from, Type to, Value x) {
  Type storage = Emitter::getStorage(to);
  if (from == to)
    return x;
  bool isUnsigned = from.isUnsignedInteger() || from.isInteger(1);
  if (isa<FloatType>(from)) {
    if (isa<FloatType>(to))
      return x;
    if (to.isInteger(1))
      return s.select(s.equal(x, s.zero(from)), s.zero(storage), s.integer(storage, 1));
    // Beyond the type's range the result is its limit, NaN gives 0: a defined value on every target. The limits are floats inside
    // the range.
    auto [low, high] = getCodeLimits(cast<IntegerType>(to));
    APFloat top(APFloat::IEEEsingle());
    top.convertFromAPInt(APInt(64, high), true, APFloat::rmTowardZero);
    Value isNaN = arith::CmpFOp::create(s.b, s.loc, arith::CmpFPredicate::UNO, x, x);
    Value inside = s.select(isNaN, s.zero(from), s.clamp(x, s.real(from, double(low)), s.real(from, top.convertToFloat())));
    Type wide = to.getIntOrFloatBitWidth() <= 31 ? Type(s.b.getI32Type()) : Type(s.b.getI64Type());
    Value whole = s.truncate(arith::FPToSIOp::create(s.b, s.loc, wide, inside), storage);
    return s.select(s.less(s.real(from, top.convertToFloat()), x), s.integer(storage, high), whole);
  }
  if (isa<FloatType>(to))
    return isUnsigned ? arith::UIToFPOp::create(s.b, s.loc, to, x).getResult()
                      : arith::SIToFPOp::create(s.b, s.loc, to, x).getResult();
  if (to.isInteger(1))
    return s.select(s.equal(x, s.zero(x.getType())), s.zero(storage), s.integer(storage, 1));
  unsigned have = x.getType().getIntOrFloatBitWidth(), want = storage.getIntOrFloatBitWidth();
  return wrap(s, want > have ? s.extend(x, from, storage) : s.truncate(x, storage), to);
}

//===-- Tables -------------------------------------------------------------------------------------------------------------===//

Value emitLut(Emitter &e, LutOp op) {
  auto type = Emitter::getStorageTensor(op.getType());
  auto code = cast<IntegerType>(getElementType(op.getInput()));
  int64_t entries = int64_t(1) << code.getWidth(), low = getCodeLimits(code).first;
  int64_t rows = op.getAxis() ? getShape(op.getInput())[*op.getAxis()] : 1;
  Value table = e.reshape(e.get(op.getTable()), {rows * entries});
  return e.pointwise(type, {e.get(op.getInput())}, [&](Scalars &s, ValueRange v) {
    Type i32 = s.b.getI32Type();
    Value at = s.toIndex(s.sub(s.extend(v[0], code, i32), s.integer(i32, low)));
    if (op.getAxis())
      at = s.add(s.mul(linalg::IndexOp::create(s.b, s.loc, *op.getAxis()), s.index(entries)), at);
    return tensor::ExtractOp::create(s.b, s.loc, table, ValueRange(at)).getResult();
  });
}
} // namespace

/// Integers wrap at their own width, not at that of the byte that holds them.
Value wrap(Scalars &s, Value x, Type code) {
  unsigned stored = x.getType().getIntOrFloatBitWidth(), width = code.getIntOrFloatBitWidth();
  if (stored == width)
    return x;
  Value unused = s.integer(x.getType(), stored - width), high = s.shl(x, unused);
  return code.isUnsignedInteger() || code.isInteger(1) ? s.ushr(high, unused) : s.shr(high, unused);
}

Value emitExp(Scalars &s, Value x) {
  Operations operations{s};
  return FunctionsF32<Operations>{operations}.exp(x);
}

Value emitFunction(Scalars &s, ActivationKind kind, Value x) {
  Operations operations{s};
  return FunctionsF32<Operations>{operations}.activation(kind, x, 0, 0);
}

Value emitPow(Scalars &s, Value x, Value y) {
  Operations operations{s};
  return FunctionsF32<Operations>{operations}.pow(x, y);
}

Value applyClamp(Scalars &s, ClampOpInterface op, Value x) {
  if (auto low = op.getClampMin())
    x = s.max(s.real(x.getType(), low->convertToDouble()), x);
  if (auto high = op.getClampMax())
    x = s.min(s.real(x.getType(), high->convertToDouble()), x);
  return x;
}

LogicalResult emitProduct(Emitter &e, MulOp op, const Epilogue &epilogue, Value &result) {
  Type acc = getElementType(op.getResult());
  auto type = RankedTensorType::get(getShape(op.getResult()), Emitter::getStorage(epilogue.code));
  result = e.pointwise(type, {e.get(op.getLhs()), e.get(op.getRhs())}, [&](Scalars &s, ValueRange v) {
    Value x = s.sub(s.extend(v[0], getElementType(op.getLhs()), acc), s.integer(acc, op.getLhsZeroPoint()));
    Value y = s.sub(s.extend(v[1], getElementType(op.getRhs()), acc), s.integer(acc, op.getRhsZeroPoint()));
    return epilogue.body(s, s.mul(x, y), {});
  });
  return success();
}

FailureOr<Value> emitElementwise(Emitter &e, Operation *op) {
  auto binary = [&](auto compute) -> FailureOr<Value> {
    auto type = Emitter::getStorageTensor(op->getResult(0).getType());
    bool isFloat = isa<FloatType>(type.getElementType());
    if (!isFloat && (getElementType(op->getOperand(0)) != getElementType(op->getResult(0)) ||
                     getElementType(op->getOperand(1)) != getElementType(op->getResult(0))))
      return op->emitOpError("of integers needs operands and result of one type here; run the quantization passes first");
    return e.pointwise(type, {e.get(op->getOperand(0)), e.get(op->getOperand(1))}, [&](Scalars &s, ValueRange v) {
      Value result = compute(s, v[0], v[1]);
      return isFloat ? applyClamp(s, cast<ClampOpInterface>(op), result) : wrap(s, result, getElementType(op->getResult(0)));
    });
  };
  auto unary = [&](auto compute) -> FailureOr<Value> {
    return e.pointwise(Emitter::getStorageTensor(op->getResult(0).getType()), {e.get(op->getOperand(0))},
                       [&](Scalars &s, ValueRange v) { return compute(s, v[0]); });
  };
  return TypeSwitch<Operation *, FailureOr<Value>>(op)
      .Case([&](AddOp) { return binary([](Scalars &s, Value x, Value y) { return s.add(x, y); }); })
      .Case([&](SubOp) { return binary([](Scalars &s, Value x, Value y) { return s.sub(x, y); }); })
      .Case([&](MulOp) { return binary([](Scalars &s, Value x, Value y) { return s.mul(x, y); }); })
      .Case([&](DivOp div) {
        Type code = getElementType(div.getResult());
        return binary([&](Scalars &s, Value x, Value y) {
          return isa<FloatType>(code) ? s.div(x, y) : emitQuotient(s, x, y, code, /*remainder=*/false);
        });
      })
      .Case([&](ClampOp clamp) -> FailureOr<Value> {
        if (!isa<FloatType>(getElementType(clamp.getResult())))
          return clamp.emitOpError("of integers cannot be compiled; qc-lower-to-integer makes it a requantization");
        return unary([&](Scalars &s, Value x) { return applyClamp(s, clamp, x); });
      })
      .Case([&](ActivationOp activation) -> FailureOr<Value> {
        if (!isa<FloatType>(getElementType(activation.getResult())))
          return activation.emitOpError("of integers cannot be compiled; qc-approximate-activations makes it a table");
        return unary([&](Scalars &s, Value x) { return emitActivation(s, activation, x); });
      })
      .Case([&](PReluOp) -> FailureOr<Value> {
        if (!isa<FloatType>(getElementType(op->getResult(0))))
          return op->emitOpError("of integers cannot be compiled; qc-lower-to-integer makes it a table");
        return e.pointwise(
            Emitter::getStorageTensor(op->getResult(0).getType()), {e.get(op->getOperand(0)), e.get(op->getOperand(1))},
            [&](Scalars &s, ValueRange v) { return s.select(s.less(v[0], number(s, 0)), s.mul(v[1], v[0]), v[0]); });
      })
      .Case([&](QuantizeOp quantize) -> FailureOr<Value> {
        if (getElementType(quantize.getResult()).getIntOrFloatBitWidth() > 32)
          return quantize.emitOpError("to codes wider than 32 bits cannot be compiled");
        return unary([&](Scalars &s, Value x) { return emitQuantize(s, quantize, x); });
      })
      .Case([&](DequantizeOp dequantize) { return unary([&](Scalars &s, Value x) { return emitDequantize(s, dequantize, x); }); })
      .Case([&](DecodeOp decode) { return emitDecode(e, decode); })
      .Case([&](CastOp cast) {
        return unary([&](Scalars &s, Value x) {
          return emitCast(s, getElementType(cast.getInput()), getElementType(cast.getResult()), x);
        });
      })
      .Case([&](LutOp lut) -> FailureOr<Value> { return emitLut(e, lut); })
      .Case([&](PwlOp pieces) -> FailureOr<Value> { return emitPieces(e, pieces); })
      .Case([&](ObserveOp observe) -> FailureOr<Value> { return e.get(observe.getInput()); })
      .Default([](Operation *) -> FailureOr<Value> { return Value(); });
}
} // namespace qc
