// One step of each dot kernel: what it reads and what it adds.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_DOTS_H
#define QC_LIB_CONVERSION_EMITKERNELS_DOTS_H

#include "PackedWeights.h"

namespace qc {
/// True if the step can multiply codes of this type: all take those of 8 bits, some those of 16.
bool takesCodes(const DotKernel &dot, Type code);
/// The element type in which activations lie in a panel (or in the buffer, if they are read there).
Type getActivationType(Kernel &k, const DotKernel &dot, Type code);
/// Its size.
int64_t getActivationBytes(const DotKernel &dot, Type code);
/// What is added to a code before the step sees it: +128 where the step wants u8 and has i8, -128 for the reverse,
/// -32768 for u16.
int64_t getActivationShift(const DotKernel &dot, Type code);
/// The largest that the step then sees of an integer code.
int64_t getLargestActivation(const DotKernel &dot, Type code);
/// True if the step can read codes of this type where they lie.
bool readsDirectly(const DotKernel &dot, Type code);

/// True if chains of the step depend on activations.
inline bool hasMarks(const DotKernel &dot) { return dot.needs == DotProof::Marks; }
/// What VPXOR reads of `lanes * 4` activations.
struct MarkedChains {
  Value signs;      ///< -1 where an activation is negative
  Value magnitudes; ///< as unsigned bytes
  Value marks;      ///< per eight of them an i64 that is 0 if two steps may add up in i16, whatever their weights
  Value negative;   ///< `accumulator` and the magnitudes of negative ones, whose products lack them
};
MarkedChains markChains(Kernel &k, Value activations, Value accumulator);

/// `k0` activations at `offset`, in every lane.
Value loadActivation(Kernel &k, const DotKernel &dot, Type code, Value memory, Value offset);
/// Vector `first + at` of `lanes * k0` weights, as the step wants them (PackedWeights::load).
Value loadWeights(Kernel &k, const DotKernel &dot, const PackedWeights &weights, Value first, int64_t at);
/// The products of a step that adds pairs in i16, [lanes * 2] of them.
Value emitPairs(Kernel &k, Value activation, Value weights);
/// The same of an activation's magnitude and the weights, or their complement where the activation is negative.
Value emitSignedPairs(Kernel &k, Value signs, Value magnitude, Value weights);
/// accumulator + the sums of two neighbouring i16
Value addPairs(Kernel &k, Value pairs, Value accumulator);
/// accumulator + dot products
Value emitDot(Kernel &k, const DotKernel &dot, Value activation, Value weights, Value accumulator);
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_DOTS_H
