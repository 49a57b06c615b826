// Dense packing of weights of few bits, and how a tile unpacks them in registers.
#include "PackedWeights.h"

#include "llvm/ADT/bit.h"

#include <numeric>

using namespace mlir;

namespace qc {
WeightCode WeightCode::find(ArrayRef<ArrayRef<int8_t>> weights, bool needsZero) {
  std::array<bool, 256> seen{};
  for (ArrayRef<int8_t> list : weights)
    for (int8_t w : list)
      seen[int(w) + 128] = true;
  seen[128] |= needsZero;
  int low = 128, high = 128, steps = 0;
  for (int i = 255; i >= 0; --i)
    if (seen[i])
      low = i;
  if (!seen[low]) // no weights at all
    return {1, 0, 0};
  for (int i = low; i < 256; ++i)
    if (seen[i]) {
      high = i;
      steps |= i - low;
    }
  int64_t shift = steps ? llvm::countr_zero(unsigned(steps)) : 0;
  return {std::max<int64_t>(llvm::bit_width(unsigned(high - low) >> shift), 1), low - 128, shift};
}

/// The planes of a code, low bits first.
static SmallVector<int64_t, 3> getPlanes(int64_t bits) {
  SmallVector<int64_t, 3> planes;
  for (int64_t plane : {4, 2, 1})
    if (bits & plane)
      planes.push_back(plane);
  return planes;
}

double countUnpacking(const WeightCode &code, bool interleaved, bool givesCodes) {
  double lowest = code.low && !givesCodes ? 1 : 0;
  if (!code.isPacked())
    return 0;
  if (!interleaved) // a broadcast, a shift and a mask for each plane, and what joins them
    return lowest + 4 * double(getPlanes(code.bits).size()) - 1;
  CodeFields fields(code.bits, 8);
  int64_t operations = 0;
  for (int64_t at = 0; at < fields.codes; ++at) {
    auto pieces = fields.getPieces(at);
    operations += 2 * int64_t(pieces.size()) - 1; // masks, and what joins them
    operations += llvm::count_if(pieces, [](const CodeFields::Piece &piece) { return piece.from != piece.to; });
  }
  return lowest + double(operations) / double(fields.codes);
}

/// Bytes of `vectors` vectors in a plane.
static int64_t getPlaneBytes(int64_t vectors, int64_t elements, int64_t bits) { return (vectors * elements * bits + 7) / 8; }

PackedWeights::PackedWeights(Kernel &k, ArrayRef<int8_t> weights, int64_t elements, const WeightCode &code, bool interleaved)
    : elements(elements), code(code), interleaved(interleaved && code.isPacked()), count(int64_t(weights.size()) / elements) {
  if (!isPacked()) {
    memory = k.constants.get(k.b, k.loc, weights);
    return;
  }
  std::vector<int8_t> bytes;
  auto getCode = [&](int8_t w) { return (int64_t(w) - code.low) >> code.shift; };
  if (interleaved) {
    CodeFields fields(code.bits, 8);
    bytes.resize(weights.size() / fields.codes * fields.words);
    for (int64_t vector = 0; vector < count; ++vector)
      for (const CodeFields::Piece &piece : fields.getPieces(vector % fields.codes)) {
        int8_t *to = &bytes[(vector / fields.codes * fields.words + piece.word) * elements];
        for (int64_t i = 0; i < elements; ++i)
          to[i] |= int8_t((getCode(weights[vector * elements + i]) >> piece.to & ((1 << piece.count) - 1)) << piece.from);
      }
    memory = k.constants.get(k.b, k.loc, bytes);
    return;
  }
  int64_t lowest = 0;
  for (int64_t bits : getPlanes(code.bits)) {
    int64_t first = bytes.size(), perVector = elements * bits / 8;
    bytes.resize(first + getPlaneBytes(count, elements, bits));
    for (auto [at, w] : llvm::enumerate(weights)) {
      int64_t vector = int64_t(at) / elements, i = int64_t(at) % elements;
      int64_t field = getCode(w) >> lowest & ((1 << bits) - 1);
      int64_t byte = perVector ? vector * perVector + i % perVector : int64_t(at) * bits / 8;
      int64_t bit = perVector ? i / perVector * bits : int64_t(at) * bits % 8;
      bytes[first + byte] |= int8_t(field << bit);
    }
    lowest += bits;
  }
  memory = k.constants.get(k.b, k.loc, bytes);
}

Value PackedWeights::unpackPlane(Kernel &k, Value index, int64_t first, int64_t bits, int64_t shift) const {
  // Words of `unit` bytes hold the first plane bytes again and again; those of part j move down by j fields.
  int64_t bytes = elements * bits / 8, unit = std::clamp<int64_t>(bytes, 1, 8), words = std::max<int64_t>(bytes, 1) / unit;
  Type word = k.b.getIntegerType(8 * unit), i8 = k.b.getIntegerType(8);
  Value packed;
  if (bytes) {
    packed = k.bitcast(k.load(memory, k.add(k.mul(index, bytes), first), bytes), word);
  } else {
    Value bit = k.mul(index, elements * bits), byte, rest;
    if (auto known = getConstantIntValue(bit)) {
      byte = k.index(*known / 8);
      rest = arith::ConstantIntOp::create(k.b, k.loc, i8, *known % 8);
    } else {
      byte = arith::ShRUIOp::create(k.b, k.loc, bit, k.index(3));
      rest = arith::IndexCastOp::create(k.b, k.loc, i8, arith::AndIOp::create(k.b, k.loc, bit, k.index(7)));
    }
    Value whole = k.loadScalar(memory, k.add(byte, first));
    packed = k.broadcast(arith::ShRUIOp::create(k.b, k.loc, whole, rest), 1);
  }
  int64_t all = elements / unit;
  SmallVector<int64_t> order;
  SmallVector<APInt> amounts;
  uint64_t mask = 0;
  for (int64_t i = 0; i < all; ++i) {
    order.push_back(i % words);
    amounts.push_back(APInt(8 * unit, i / words * bits));
  }
  for (int64_t i = 0; i < unit; ++i)
    mask |= uint64_t((1 << bits) - 1) << 8 * i;
  if (all > 1) {
    packed = vector::ShuffleOp::create(k.b, k.loc, packed, packed, order);
    auto type = VectorType::get({all}, word);
    Value by = arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, ArrayRef<APInt>(amounts)));
    packed = arith::ShRUIOp::create(k.b, k.loc, packed, by);
  }
  packed = arith::AndIOp::create(k.b, k.loc, packed, k.splat(word, int64_t(mask), all));
  if (shift) // no field leaves its byte
    packed = arith::ShLIOp::create(k.b, k.loc, packed, k.splat(word, shift, all));
  return k.bitcast(packed, i8);
}

Value PackedWeights::unpack(Kernel &k, Value first, int64_t at) const {
  Value sum;
  Type i8 = k.b.getIntegerType(8);
  if (interleaved) {
    sum = loadCodes(k, first, at);
    if (code.shift) // no code leaves its byte
      sum = arith::ShLIOp::create(k.b, k.loc, sum, k.splat(i8, code.shift, elements));
  } else {
    int64_t begin = 0, lowest = 0;
    for (int64_t bits : getPlanes(code.bits)) {
      Value plane = unpackPlane(k, k.add(first, at), begin, bits, lowest + code.shift);
      sum = sum ? arith::OrIOp::create(k.b, k.loc, sum, plane).getResult() : plane;
      begin += getPlaneBytes(count, elements, bits);
      lowest += bits;
    }
  }
  return code.low ? arith::AddIOp::create(k.b, k.loc, sum, k.splat(i8, code.low, elements)) : sum;
}

Value PackedWeights::loadCodes(Kernel &k, Value first, int64_t at) const {
  CodeFields fields(code.bits, 8);
  Type i8 = k.b.getIntegerType(8), i16 = k.b.getIntegerType(16);
  // x86 has no shifts of bytes.
  bool inPairs = k.isa.arch == "x86" && elements % 2 == 0;
  Value begin =
      elements * fields.words % fields.codes == 0
          ? k.mul(first, elements * fields.words / fields.codes)
          : arith::DivUIOp::create(k.b, k.loc, k.mul(first, elements * fields.words), k.index(fields.codes)).getResult();
  Value sum;
  for (const CodeFields::Piece &piece : fields.getPieces(at % fields.codes)) {
    Value part = k.load(memory, k.add(begin, (at / fields.codes * fields.words + piece.word) * elements), elements);
    int64_t down = piece.from - piece.to;
    if (down) {
      part = inPairs ? k.bitcast(part, i16) : part;
      Value by = k.splat(inPairs ? i16 : i8, std::abs(down), inPairs ? elements / 2 : elements);
      part = down > 0 ? arith::ShRUIOp::create(k.b, k.loc, part, by).getResult()
                      : arith::ShLIOp::create(k.b, k.loc, part, by).getResult();
      part = inPairs ? k.bitcast(part, i8) : part;
    }
    if (inPairs || piece.to || piece.from + piece.count < 8)
      part = arith::AndIOp::create(k.b, k.loc, part, k.splat(i8, ((1 << piece.count) - 1) << piece.to, elements));
    sum = sum ? arith::OrIOp::create(k.b, k.loc, sum, part).getResult() : part;
  }
  return sum;
}

Value PackedWeights::load(Kernel &k, Value first, int64_t at, int64_t count) const {
  if (!isPacked())
    return k.load(memory, k.mul(k.add(first, at), elements), count * elements);
  SmallVector<Value> vectors;
  for (int64_t i = 0; i < count; ++i)
    vectors.push_back(unpack(k, first, at + i));
  return k.concat(vectors);
}

Value PackedWeights::loadPart(Kernel &k, Value first, int64_t at, int64_t part, int64_t parts) const {
  int64_t size = elements / parts;
  if (!isPacked())
    return k.load(memory, k.add(k.mul(k.add(first, at), elements), part * size), size);
  return k.slice(unpack(k, first, at), part * size, size);
}
} // namespace qc
