// The dot steps: rows of lib/Target/DotKernels.def as operations on one-dimensional vectors.
#include "Dots.h"
#include "Arithmetic.h"
#include "X86.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace qc {
static bool isWide(Type code) { return code.isInteger() && code.getIntOrFloatBitWidth() > 8; }

bool takesCodes(const DotKernel &dot, Type code) {
  return !isWide(code) || dot.activation == DotActivation::I16 || dot.step == DotStep::Widening;
}

Type getActivationType(Kernel &k, const DotKernel &dot, Type code) {
  if (isWide(code))
    return k.b.getIntegerType(16);
  switch (dot.activation) {
  case DotActivation::I16:
    return k.b.getIntegerType(16);
  case DotActivation::F32:
    return k.b.getF32Type();
  case DotActivation::U8:
  case DotActivation::I8:
    break;
  }
  return k.b.getIntegerType(8);
}

int64_t getActivationBytes(const DotKernel &dot, Type code) {
  if (isWide(code))
    return 2;
  switch (dot.activation) {
  case DotActivation::I16:
    return 2;
  case DotActivation::F32:
    return 4;
  case DotActivation::U8:
  case DotActivation::I8:
    break;
  }
  return 1;
}

int64_t getActivationShift(const DotKernel &dot, Type code) {
  if (isWide(code))
    return code.isUnsignedInteger() ? -32768 : 0;
  // Codes of fewer bits move to zero, not to the middle of eight bits: the smaller they are, the more pairs are safe.
  if (dot.activation == DotActivation::U8)
    return code.isUnsignedInteger() ? 0 : -getCodeLimits(cast<IntegerType>(code)).first;
  if (dot.step == DotStep::SDOT || dot.step == DotStep::SDOTAhead || dot.step == DotStep::VPXOR || dot.step == DotStep::VPSIGNB ||
      dot.step == DotStep::VPMADDCODES) // smmla has a form for unsigned codes
    return code.isUnsignedInteger(8) ? -128 : 0;
  return 0;
}

int64_t getLargestActivation(const DotKernel &dot, Type code) {
  return getCodeLimits(cast<IntegerType>(code)).second + getActivationShift(dot, code);
}

bool readsDirectly(const DotKernel &dot, Type code) {
  return (dot.activation != DotActivation::I16 || isWide(code)) && getActivationShift(dot, code) == 0;
}

Value loadActivation(Kernel &k, const DotKernel &dot, Type code, Value memory, Value offset) {
  int64_t lanes = k.isa.lanes;
  if (dot.step == DotStep::FMA)
    return k.broadcast(k.loadScalar(memory, offset), lanes);
  if (dot.step == DotStep::Widening) {
    // Extended as a scalar: that gives smlal by element and vwmacc.vx; an extended vector would not.
    Value x = k.extend(k.loadScalar(memory, offset), code, k.b.getIntegerType(16));
    return k.extend(k.broadcast(x, lanes), k.b.getIntegerType(16), k.b.getI32Type());
  }
  // k0 neighbours as one i32, so that the broadcast is one load.
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  Value group = k.bitcast(k.load(memory, offset, dot.k0), k.b.getI32Type());
  return k.bitcast(k.broadcast(vector::ExtractOp::create(k.b, k.loc, group, 0), lanes), element);
}

Value loadWeights(Kernel &k, const DotKernel &dot, const PackedWeights &weights, Value first, int64_t at) {
  Value raw = weights.load(k, first, at);
  Type i8 = k.b.getIntegerType(8), i16 = k.b.getIntegerType(16);
  switch (dot.step) {
  case DotStep::VPMADDWD:
  case DotStep::SMLAD:
    return getElementTypeOrSelf(raw) == i16 ? raw : k.extend(raw, i8, i16);
  case DotStep::Widening:
    return k.extend(k.extend(raw, i8, i16), i16, k.b.getI32Type()); // or i16 as they are
  case DotStep::VPDPBUSD:
  case DotStep::VPMADDUBSW:
  case DotStep::VPMADDCODES:
  case DotStep::VPXOR:
  case DotStep::VPSIGNB:
  case DotStep::SDOT:
  case DotStep::SDOTAhead:
  case DotStep::SMMLA:
  case DotStep::FMA:
  case DotStep::Decode: // DecodedTile.cpp
    return raw;
  }
  return raw;
}

Value emitPairs(Kernel &k, Value x, Value w) {
  return x86::call(k, x86::pmaddubsw, VectorType::get({2 * k.isa.lanes}, k.b.getIntegerType(16)), {x, w});
}

Value emitSignedPairs(Kernel &k, Value signs, Value magnitude, Value w) {
  return emitPairs(k, magnitude, Arithmetic(k).bitXor(w, signs));
}

// With s = -1 where x is negative and 0 elsewhere, x w = |x| (w ^ s) + |x| for x < 0, and x w = |x| (w ^ s) else. Weights and
// their complements lie in [-128, 127], so products of activations whose magnitudes add up to at most 256 lie in [-32768, 32512]:
// those of a pair always do.
MarkedChains markChains(Kernel &k, Value x, Value acc) {
  Type i8 = k.b.getIntegerType(8), i16 = k.b.getIntegerType(16), i64 = k.b.getI64Type();
  int64_t lanes = k.isa.lanes;
  Arithmetic a(k);
  MarkedChains chains;
  chains.signs = k.extend(a.less(x, 0), i8, i8);
  chains.magnitudes = math::AbsIOp::create(k.b, k.loc, x); // of -128 the byte 128, which is read without a sign
  Value ones = k.splat(i8, 1, 4 * lanes);
  // Neighbours, then the neighbours of two steps: four terms.
  Value pairs = emitPairs(k, chains.magnitudes, ones);
  Value sums = a.add(pairs, k.bitcast(a.ushr(k.bitcast(pairs, i64), 32), i16));
  Value isLarge = k.extend(a.less(k.splat(i16, 256, 2 * lanes), sums), k.b.getI1Type(), i16);
  chains.marks = a.bitAnd(k.bitcast(isLarge, i64), 0xffffffff);
  chains.negative = addPairs(k, emitPairs(k, a.bitAnd(chains.magnitudes, chains.signs), ones), acc);
  return chains;
}

Value addPairs(Kernel &k, Value pairs, Value acc) {
  Value ones = k.splat(k.b.getIntegerType(16), 1, 2 * k.isa.lanes);
  Value wide = x86::call(k, x86::pmaddwd, cast<VectorType>(acc.getType()), {pairs, ones});
  return arith::AddIOp::create(k.b, k.loc, acc, wide);
}

Value emitDot(Kernel &k, const DotKernel &dot, Value x, Value w, Value acc) {
  Type type = acc.getType();
  auto sum = [&](Value product) -> Value { return arith::AddIOp::create(k.b, k.loc, acc, product); };
  auto pairs = [&](Value a, Value b) { return x86::call(k, x86::pmaddwd, cast<VectorType>(type), {a, b}); };
  switch (dot.step) {
  case DotStep::VPMADDWD:
    return sum(pairs(x, w));
  case DotStep::VPMADDUBSW:
    return addPairs(k, emitPairs(k, x, w), acc);
  case DotStep::VPMADDCODES:
    return addPairs(k, emitPairs(k, w, x), acc);
  case DotStep::VPSIGNB: {
    Value magnitude = math::AbsIOp::create(k.b, k.loc, x); // of -128 the byte 128, which is read without a sign
    Value turned = x86::call(k, x86::psignb, cast<VectorType>(w.getType()), {w, x});
    return addPairs(k, emitPairs(k, magnitude, turned), acc);
  }
  case DotStep::VPDPBUSD:
    return x86::call(k, x86::vpdpbusd, cast<VectorType>(type), {acc, x, w});
  case DotStep::SDOT:
  case DotStep::SDOTAhead:
    return k.intrinsic("llvm.aarch64.neon.sdot", type, {acc, w, x});
  case DotStep::Widening:
    return sum(arith::MulIOp::create(k.b, k.loc, x, w));
  case DotStep::SMLAD: {
    auto scalar = [&](Value v) { return vector::ExtractOp::create(k.b, k.loc, k.bitcast(v, k.b.getI32Type()), 0); };
    Value a = vector::ExtractOp::create(k.b, k.loc, acc, 0);
    return k.broadcast(k.intrinsic("llvm.arm.smlad", k.b.getI32Type(), {scalar(x), scalar(w), a}), 1);
  }
  case DotStep::FMA:
    return vector::FMAOp::create(k.b, k.loc, x, w, acc);
  case DotStep::VPXOR: // two steps, by their mark: TileRun.cpp
  case DotStep::SMMLA: // two rows at once, there
  case DotStep::Decode:
    break;
  }
  return acc;
}
} // namespace qc
