// The rounding contracts as scalar functions: each is a numbered rule of docs/Numerics.md.
#ifndef QC_DIALECT_QC_REFERENCE_REQUANTIZE_H
#define QC_DIALECT_QC_REFERENCE_REQUANTIZE_H

#include "qc/Dialect/QC/IR/QC.h"

#include <cstdint>

namespace qc {
/// A real multiplier as mantissa * 2^-shift, shift in [0, 62].
struct Multiplier {
  int32_t mantissa;
  int32_t shift;
};

/// N5: the multiplier of `real` (a double product of scales) for a rounding contract. onnx, ort: `real` is rounded to f32, the mantissa has 24 bits.
/// tflite-*: 31 bits of the double. pow2: mantissa 1, `real` must be a power of two. Negative `real` gives a negative mantissa.
/// A multiplier below 2^-62 loses low bits of its mantissa, rounded to even. `real` must be less than 2^24 in magnitude.
Multiplier getMultiplier(double real, Rounding rounding);

/// N5: several multipliers on one exponent (that of the largest); smaller mantissas are rounded to even.
void getCommonMultipliers(llvm::ArrayRef<double> reals, Rounding rounding, llvm::SmallVectorImpl<int32_t> &mantissas, int32_t &shift);

/// N6..N9: round(acc * mantissa * 2^-shift) by the named contract; no zero point, no clamp.
int64_t scaleAccumulator(int64_t acc, Multiplier multiplier, Rounding rounding);

/// The rounding of a sum of products on one exponent: half to even for onnx and ort, half up for the others.
int64_t roundSum(int64_t sum, int32_t shift, Rounding rounding);
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_REQUANTIZE_H
