// The rounding contracts as scalar functions: each is a numbered rule of docs/Numerics.md.
#ifndef QC_DIALECT_QC_REFERENCE_REQUANTIZE_H
#define QC_DIALECT_QC_REFERENCE_REQUANTIZE_H

#include "qc/Dialect/QC/IR/QC.h"

#include <cstdint>
#include <optional>

namespace qc {
/// N2: the code of a run-time f32 number: saturate(rne(f32(x / scale)) + zeroPoint), limits included. NaN gives the zero point.
int64_t quantizeF32(float x, float scale, int64_t zeroPoint, int64_t codeMin, int64_t codeMax);

/// N3: the f32 number of a code: f32(code - zeroPoint) * scale, each rounded to f32.
float dequantizeF32(int64_t code, float scale, int64_t zeroPoint);

/// The contract that an option or a function attribute `qc.requant` names: onnx, ort, tflite-double, tflite-single, pow2 (`_` for
/// `-` is fine).
std::optional<Rounding> parseRounding(llvm::StringRef name);

/// A real multiplier as mantissa * 2^-shift, shift in [0, 62].
struct Multiplier {
  int32_t mantissa;
  int32_t shift;
};

/// N5: the multiplier of `real` (a double product of scales) for a rounding contract. onnx, ort: `real` is rounded to f32, the
/// mantissa has 24 bits. tflite-*: 31 bits of the double, as TFLite computes them. pow2: a power of two has mantissa 1 (a larger
/// one if `real` > 1); any other `real` (the 1/count of an average) has 24 bits as in onnx. Negative `real` gives a negative
/// mantissa. With onnx, ort and pow2 a multiplier whose shift would exceed 62 loses low bits of its mantissa, rounded to even;
/// with tflite-* it is zero below 2^-32, as in TFLite. `real` must be less than 2^24 in magnitude; a larger one saturates.
Multiplier getMultiplier(double real, Rounding rounding);

/// N12: several multipliers on one exponent (that of the largest, for pow2 that of the smallest within 23 bits of the largest);
/// mantissas are rounded to even.
void getCommonMultipliers(llvm::ArrayRef<double> reals, Rounding rounding, llvm::SmallVectorImpl<int32_t> &mantissas,
                          int32_t &shift);

/// N6..N9: round(acc * mantissa * 2^-shift) by the named contract; no zero point, no clamp.
int64_t scaleAccumulator(int64_t acc, Multiplier multiplier, Rounding rounding);

/// N12: the rounding of a sum of products on one exponent: half to even for onnx and ort, half up for the others.
int64_t roundSum(int64_t sum, int32_t shift, Rounding rounding);
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_REQUANTIZE_H
