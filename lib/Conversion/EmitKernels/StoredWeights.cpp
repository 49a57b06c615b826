// Packing of stored weights into words, and their decoding in registers: an and, a conversion, nothing in memory.
#include "StoredWeights.h"
#include "Arithmetic.h"

using namespace mlir;

namespace qc {
StoredFields::StoredFields(StoredFormat format, int64_t bits) : format(format), bits(bits) {
  if (format != StoredFormat::Integer) {
    planes = {16};
  } else {
    for (int64_t plane : {8, 4, 2, 1})
      if (bits & plane)
        planes.push_back(plane);
  }
  // Whole words of each plane.
  fieldCount = 32 / planes.back();
  wordCount = fieldCount * bits / 32;
}

void StoredFields::pack(ArrayRef<int32_t> codes, MutableArrayRef<int32_t> words) const {
  llvm::fill(words, 0);
  int64_t first = 0, low = 0;
  for (int64_t plane : planes) {
    int64_t perWord = 32 / plane;
    for (auto [j, code] : llvm::enumerate(codes)) {
      uint32_t field = uint32_t(int64_t(code) - lowest()) >> low & ((uint64_t(1) << plane) - 1);
      words[first + int64_t(j) / perWord] |= int32_t(field << int64_t(j) % perWord * plane);
    }
    first += fieldCount * plane / 32;
    low += plane;
  }
}

/// One plane: no shift brings the field down, which costs an operation; the topmost one needs no mask instead.
int64_t StoredFields::getShift(int64_t field) const {
  if (!isInteger() || planes.size() > 1 || field + 1 == fieldCount)
    return 0;
  return field * bits;
}

Value StoredFields::decode(Kernel &k, ArrayRef<Value> words, int64_t field) const {
  if (!isInteger())
    return decodeHalf(k, format, words[field / 2], field % 2 == 1);
  Type i32 = k.b.getI32Type();
  int64_t lanes = cast<VectorType>(words[0].getType()).getNumElements();
  Value code;
  int64_t first = 0, low = 0;
  for (int64_t plane : planes) {
    int64_t perWord = 32 / plane, at = field % perWord * plane, to = getShift(field) + low;
    Value part = words[first + field / perWord];
    if (at > to)
      part = arith::ShRUIOp::create(k.b, k.loc, part, k.splat(i32, at - to, lanes));
    else if (at < to)
      part = arith::ShLIOp::create(k.b, k.loc, part, k.splat(i32, to - at, lanes));
    if (at + plane < 32 || at <= to || to)
      part = arith::AndIOp::create(k.b, k.loc, part, k.splat(i32, int32_t(((uint64_t(1) << plane) - 1) << to), lanes));
    code = code ? arith::OrIOp::create(k.b, k.loc, code, part).getResult() : part;
    first += fieldCount * plane / 32;
    low += plane;
  }
  return arith::SIToFPOp::create(k.b, k.loc, VectorType::get({lanes}, k.b.getF32Type()), code);
}

Value decodeHalf(Kernel &k, StoredFormat format, Value words, bool isHigh) {
  Type i32 = k.b.getI32Type(), f32 = k.b.getF32Type();
  int64_t lanes = cast<VectorType>(words.getType()).getNumElements();
  auto splat = [&](int64_t value) { return k.splat(i32, int32_t(value), lanes); };
  if (!isHigh)
    words = arith::ShLIOp::create(k.b, k.loc, words, splat(16));
  if (format == StoredFormat::BF16) {
    if (isHigh)
      words = arith::AndIOp::create(k.b, k.loc, words, splat(0xffff0000));
    return k.bitcast(words, f32);
  }
  // Exponent and mantissa move to their places, the sign stays; what the exponents differ by is a multiplication, exact for
  // numbers below the normal ones, too. No target lacks these, and weights are finite.
  words = arith::ShRSIOp::create(k.b, k.loc, words, splat(3));
  words = arith::AndIOp::create(k.b, k.loc, words, splat(0x8fffe000));
  return arith::MulFOp::create(k.b, k.loc, k.bitcast(words, f32), k.splat(0x1p112, lanes));
}
} // namespace qc
