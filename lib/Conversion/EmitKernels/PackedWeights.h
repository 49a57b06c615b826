// Weights as a kernel reads them: vectors in the order of its steps, with fewer than eight bits each where that is what they
// need.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_PACKEDWEIGHTS_H
#define QC_LIB_CONVERSION_EMITKERNELS_PACKEDWEIGHTS_H

#include "CodeFields.h"
#include "Kernel.h"

#include <vector>

namespace qc {
/// Weights of few bits: each is `low` + (code << `shift`), codes have `bits` bits. So {-1, 1} takes one bit, {-1, 0, 1} two.
struct WeightCode {
  int64_t bits = 8, low = 0, shift = 0;
  /// The code with the fewest bits for all numbers in these lists, and 0 if `needsZero`.
  static WeightCode find(ArrayRef<ArrayRef<int8_t>> weights, bool needsZero);
  bool isPacked() const { return bits < 8; }
  /// True for codes of at most `most` bits that stand for numbers of as many, signed or not. Those of six are packed by default.
  bool isFewBits(int64_t most = 6) const {
    return bits <= most && 2 * low >= -(int64_t(1) << most) && low + (((int64_t(1) << bits) - 1) << shift) < int64_t(1) << most;
  }
};

/// Packing that saves less is none: constants are aligned.
constexpr int64_t leastSavedBytes = 64;

/// Vectors of codes of `bits` bits that fill whole vectors of bytes, element by element.
inline int64_t getInterleavedVectors(int64_t bits) { return CodeFields(bits, 8).codes; }

/// Operations that unpack a vector of codes, on average; those that give weights instead of codes include the sum with the
/// lowest.
double countUnpacking(const WeightCode &code, bool interleaved, bool givesCodes);

/// A constant of whole vectors of weights.
///
/// Where groups of getInterleavedVectors(bits) neighbouring vectors are read together, they are interleaved: element i of all of
/// them lies in element i of as many vectors of bytes as they fill (CodeFields). So a shift and a mask unpack most of them.
///
/// Else each vector lies by itself, its codes in planes of 4, 2 and 1 bits, as many as its bits need (3 = 2 + 1); a plane of `b`
/// bits is one dense array. Within it, m bytes hold one vector, and bit b*j of byte i belongs to element j*m + i, so that one
/// broadcast, one shift by lane and one mask unpack it. Vectors of less than a byte lie in order, from bit 0 on.
class PackedWeights {
public:
  PackedWeights() = default;
  /// Of elements as they are in `memory`, `elements` to a vector.
  PackedWeights(Value memory, int64_t elements) : memory(memory), elements(elements) {}
  /// Of `weights`, whole vectors (if they are interleaved, whole groups); padding that no result depends on may have any value.
  PackedWeights(Kernel &k, ArrayRef<int8_t> weights, int64_t elements, const WeightCode &code, bool interleaved);

  /// `count` neighbouring vectors of weights from vector `first + at` on, as one. Where they are interleaved, `first` begins a
  /// group.
  Value load(Kernel &k, Value first, int64_t at, int64_t count = 1) const;
  /// The codes of interleaved vector `first + at`: unsigned, weights are low + (code << shift).
  Value loadCodes(Kernel &k, Value first, int64_t at) const;
  /// Part `part` of `parts` of a vector.
  Value loadPart(Kernel &k, Value first, int64_t at, int64_t part, int64_t parts) const;
  bool isPacked() const { return code.isPacked(); }
  /// Vectors of a group that is read together.
  int64_t getGroup() const { return interleaved ? getInterleavedVectors(code.bits) : 1; }
  Value getMemory() const { return memory; }
  explicit operator bool() const { return bool(memory); }

private:
  Value unpack(Kernel &k, Value first, int64_t at) const;
  Value unpackPlane(Kernel &k, Value index, int64_t first, int64_t bits, int64_t shift) const;

  Value memory;
  int64_t elements = 1; ///< of a vector
  WeightCode code;
  bool interleaved = false;
  int64_t count = 0; ///< vectors
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_PACKEDWEIGHTS_H
