// Packing of stored weights into words, and their decoding in registers: an and, a conversion, nothing in memory.
#include "StoredWeights.h"
#include "Arithmetic.h"

using namespace mlir;

namespace qc {
StoredFields::StoredFields(StoredFormat format, int64_t bits)
    : format(format), bits(bits), layout(format == StoredFormat::Integer ? bits : 16, 32) {}

void StoredFields::pack(ArrayRef<int32_t> codes, MutableArrayRef<int32_t> words) const {
  llvm::fill(words, 0);
  for (auto [i, code] : llvm::enumerate(codes))
    for (const CodeFields::Piece &piece : layout.getPieces(int64_t(i))) {
      uint32_t field = uint32_t(int64_t(code) - lowest()) >> piece.to & uint32_t((uint64_t(1) << piece.count) - 1);
      words[piece.word] |= int32_t(field << piece.from);
    }
}

/// Where a code lies in one piece no shift brings it down, which costs an operation; the topmost one needs no mask instead.
int64_t StoredFields::getShift(int64_t field) const {
  if (!isInteger())
    return 0;
  auto pieces = layout.getPieces(field);
  return pieces.size() > 1 || pieces[0].from + bits == 32 ? 0 : pieces[0].from;
}

/// True if vectors of f16 become f32 in one instruction; the rows of x86 from avx2 on need the feature.
static bool hasHalves(const Isa &isa) {
  return isa.hasVectors() && (isa.arch == "aarch64" || (isa.arch == "x86" && isa.lanes >= 8));
}

Value StoredFields::decode(Kernel &k, ArrayRef<Value> words, int64_t field) const {
  if (format == StoredFormat::F16 && words.size() == 2) // halves that follow each other
    return decodeHalf(k, format, k.bitcast(words[field], k.b.getIntegerType(16)));
  if (!isInteger()) {
    Value half = words[0];
    Type i32 = k.b.getI32Type();
    int64_t lanes = cast<VectorType>(half.getType()).getNumElements();
    if (format == StoredFormat::F16) {
      if (field)
        half = arith::ShRUIOp::create(k.b, k.loc, half, k.splat(i32, 16, lanes));
      return decodeHalf(k, format, k.truncate(half, k.b.getIntegerType(16)));
    }
    half = field ? arith::AndIOp::create(k.b, k.loc, half, k.splat(i32, int32_t(0xffff0000), lanes)).getResult()
                 : arith::ShLIOp::create(k.b, k.loc, half, k.splat(i32, 16, lanes)).getResult();
    return k.bitcast(half, k.b.getF32Type());
  }
  Type i32 = k.b.getI32Type();
  int64_t lanes = cast<VectorType>(words[0].getType()).getNumElements();
  Value code;
  for (const CodeFields::Piece &piece : layout.getPieces(field)) {
    int64_t to = getShift(field) + piece.to;
    Value part = words[piece.word];
    if (piece.from > to)
      part = arith::ShRUIOp::create(k.b, k.loc, part, k.splat(i32, piece.from - to, lanes));
    else if (piece.from < to)
      part = arith::ShLIOp::create(k.b, k.loc, part, k.splat(i32, to - piece.from, lanes));
    if (piece.from + piece.count < 32 || to)
      part = arith::AndIOp::create(k.b, k.loc, part, k.splat(i32, int32_t(((uint64_t(1) << piece.count) - 1) << to), lanes));
    code = code ? arith::OrIOp::create(k.b, k.loc, code, part).getResult() : part;
  }
  return arith::SIToFPOp::create(k.b, k.loc, VectorType::get({lanes}, k.b.getF32Type()), code);
}

Value decodeHalf(Kernel &k, StoredFormat format, Value halves) {
  Type i32 = k.b.getI32Type(), f32 = k.b.getF32Type();
  int64_t lanes = cast<VectorType>(halves.getType()).getNumElements();
  Arithmetic a(k);
  if (format == StoredFormat::F16 && hasHalves(k.isa))
    return arith::ExtFOp::create(k.b, k.loc, VectorType::get({lanes}, f32), k.bitcast(halves, k.b.getF16Type()));
  Value wide = k.extend(halves, k.b.getIntegerType(16), i32);
  if (format == StoredFormat::BF16)
    return k.bitcast(a.shl(wide, 16), f32);
  // Exponent and mantissa move to their places, the exponent's bias grows by 112. Below the normal numbers of f16 it grows by one
  // more, and the one in front of the mantissa that this supposes is taken off again: no number below the normal ones of f32,
  // with which some processors are slow, and no function of a library. Weights are finite.
  Value magnitude = a.bitAnd(a.shl(wide, 13), 0x0fffe000), normal = a.add(magnitude, 112 << 23);
  Value small = arith::SubFOp::create(k.b, k.loc, k.bitcast(a.add(magnitude, 113 << 23), f32), k.splat(0x1p-14, lanes));
  Value number = a.select(a.less(magnitude, 1 << 23), k.bitcast(small, i32), normal);
  return k.bitcast(a.bitOr(number, a.bitAnd(wide, int32_t(0x80000000))), f32);
}
} // namespace qc
