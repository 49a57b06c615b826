// Weights as a kernel reads them: vectors in the order of its steps, with fewer than eight bits each where that is what they
// need.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_PACKEDWEIGHTS_H
#define QC_LIB_CONVERSION_EMITKERNELS_PACKEDWEIGHTS_H

#include "Kernel.h"

#include <vector>

namespace qc {
/// Weights of few bits: each is `low` + (code << `shift`), codes have `bits` bits. So {-1, 1} takes one bit, {-1, 0, 1} two.
struct WeightCode {
  int64_t bits = 8, low = 0, shift = 0;
  /// The code with the fewest bits for all numbers in these lists, and 0 if `needsZero`.
  static WeightCode find(ArrayRef<ArrayRef<int8_t>> weights, bool needsZero);
  bool isPacked() const { return bits < 8; }
  /// True for what is packed by default: at most four bits for numbers of four bits, signed or not.
  bool isFewBits() const { return bits <= 4 && low >= -8 && low + (((int64_t(1) << bits) - 1) << shift) <= 15; }
};

/// Packing that saves less is none: constants are aligned.
constexpr int64_t leastSavedBytes = 64;

/// A constant of whole vectors of weights. One vector's codes lie in planes of 4, 2 and 1 bits, as many as its bits need (3 = 2 +
/// 1); a plane of `b` bits is one dense array. Within it, m bytes hold one vector, and bit b*j of byte i belongs to element j*m +
/// i, so that one broadcast, one shift by lane and one mask unpack it. Vectors of less than a byte lie in order, from bit 0 on.
///
/// Where whole groups of eight vectors are read together, they are interleaved: in a plane of `b` bits 8 / b neighbouring vectors
/// share the bytes of one, vector j in bits b*j and up, so that one shift and one mask unpack each.
class PackedWeights {
public:
  PackedWeights() = default;
  /// Of elements as they are in `memory`, `elements` to a vector.
  PackedWeights(Value memory, int64_t elements) : memory(memory), elements(elements) {}
  /// Of `weights`, whole vectors; padding that no result depends on may have any value.
  PackedWeights(Kernel &k, ArrayRef<int8_t> weights, int64_t elements, const WeightCode &code, bool interleaved = false);

  /// `count` neighbouring vectors of weights from vector `index` on, as one.
  Value load(Kernel &k, Value index, int64_t count = 1) const;
  /// The codes of vector `first + at`, where `first` is a multiple of eight, of interleaved ones: unsigned, weights are
  /// low + (code << shift).
  Value loadCodes(Kernel &k, Value first, int64_t at) const;
  /// Part `part` of `parts` of a vector.
  Value loadPart(Kernel &k, Value index, int64_t part, int64_t parts) const;
  bool isPacked() const { return code.isPacked(); }
  Value getMemory() const { return memory; }
  explicit operator bool() const { return bool(memory); }

private:
  Value unpack(Kernel &k, Value index) const;
  Value unpackPlane(Kernel &k, Value index, int64_t first, int64_t bits, int64_t shift) const;

  Value memory;
  int64_t elements = 1; ///< of a vector
  WeightCode code;
  int64_t count = 0; ///< vectors
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_PACKEDWEIGHTS_H
