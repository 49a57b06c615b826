// Quantizing, dequantizing and requantizing one number: rules N2, N3, N5 to N9 and N12 of docs/Numerics.md.
#include "qc/Dialect/QC/Reference/Requantize.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace qc;

namespace {
/// Wide enough for every product, so that nothing here can overflow; the verifier of qc.requantize keeps products within 62 bits.
using Wide = __int128;

constexpr int32_t maxShift = 62;

/// value / 2^shift, ties to even.
int64_t shiftHalfEven(Wide value, int32_t shift) {
  if (shift <= 0)
    return int64_t(value);
  Wide floor = value >> shift, rest = value - (floor << shift), half = Wide(1) << (shift - 1);
  return int64_t(floor + (rest > half || (rest == half && (floor & 1))));
}

/// value / 2^shift, ties toward positive infinity.
int64_t shiftHalfUp(Wide value, int32_t shift) {
  return shift <= 0 ? int64_t(value) : int64_t((value + (Wide(1) << (shift - 1))) >> shift);
}

/// value / 2^shift, ties away from zero.
int64_t shiftHalfAway(int64_t value, int32_t shift) {
  int64_t magnitude = shiftHalfUp(std::abs(value), shift);
  return value < 0 ? -magnitude : magnitude;
}

/// The f32 nearest to `real` as mantissa * 2^-shift with 2^23 <= |mantissa| < 2^24; shift may be out of range.
Multiplier splitF32(double real) {
  int exponent;
  float mantissa = std::frexp(float(real), &exponent);
  return {int32_t(std::ldexp(mantissa, 24)), 24 - exponent};
}

/// Brings the shift into [0, 62].
Multiplier limitShift(Multiplier m) {
  if (m.shift > maxShift)
    return {int32_t(shiftHalfEven(m.mantissa, std::min(m.shift - maxShift, 63))), maxShift};
  if (m.shift < 0)
    return {m.mantissa < 0 ? -(1 << 24) : 1 << 24, 0};
  return m;
}

bool isPowerOfTwo(double real) {
  int exponent;
  return std::fabs(std::frexp(real, &exponent)) == 0.5;
}

/// TFLite's QuantizeMultiplier: 31 bits, ties away from zero.
Multiplier splitTFLite(double real) {
  int exponent;
  double fraction = std::frexp(real, &exponent);
  int64_t mantissa = int64_t(std::floor(std::ldexp(std::fabs(fraction), 31) + 0.5));
  if (mantissa == int64_t(1) << 31) {
    mantissa >>= 1;
    ++exponent;
  }
  if (exponent < -31)
    return {0, 31};
  if (exponent > 30)
    return {real < 0 ? -INT32_MAX : INT32_MAX, 1};
  return {int32_t(real < 0 ? -mantissa : mantissa), 31 - exponent};
}
} // namespace

int64_t qc::quantizeF32(float x, float scale, int64_t zeroPoint, int64_t codeMin, int64_t codeMax) {
  float quotient = x / scale;
  if (std::isnan(quotient))
    return zeroPoint;
  // The sum and the limits are doubles, so that infinities saturate.
  double code = double(std::nearbyint(quotient)) + double(zeroPoint);
  return int64_t(std::clamp(code, double(codeMin), double(codeMax)));
}

float qc::dequantizeF32(int64_t code, float scale, int64_t zeroPoint) { return float(code - zeroPoint) * scale; }

std::optional<Rounding> qc::parseRounding(StringRef name) {
  std::string spelling = name.str();
  std::replace(spelling.begin(), spelling.end(), '-', '_');
  return symbolizeRounding(spelling);
}

Multiplier qc::getMultiplier(double real, Rounding rounding) {
  if (real == 0 || std::isnan(real))
    return {0, 0};
  real = std::clamp(real, -0x1p40, 0x1p40);
  switch (rounding) {
  case Rounding::TFLiteDouble:
  case Rounding::TFLiteSingle:
    return splitTFLite(real);
  case Rounding::Pow2:
    if (isPowerOfTwo(real)) {
      Multiplier m = splitF32(real);
      int32_t zeros = std::clamp(m.shift, 0, 23); // a multiplier above 1 keeps the factor in its mantissa
      return limitShift({m.mantissa / (1 << zeros), m.shift - zeros});
    }
    return limitShift(splitF32(real));
  case Rounding::ONNX:
  case Rounding::ORT:
    return limitShift(splitF32(real));
  }
  return {0, 0};
}

void qc::getCommonMultipliers(ArrayRef<double> reals, Rounding rounding, SmallVectorImpl<int32_t> &mantissas, int32_t &shift) {
  bool powersOfTwo =
      rounding == Rounding::Pow2 && llvm::all_of(reals, [](double real) { return real == 0 || isPowerOfTwo(real); });
  // Among others a power of two needs all its 24 bits, or it would set an exponent that leaves the others none.
  Rounding form = rounding == Rounding::Pow2 && !powersOfTwo ? Rounding::ONNX : rounding;
  SmallVector<Multiplier> own = llvm::map_to_vector(reals, [&](double real) { return getMultiplier(real, form); });
  int32_t least = maxShift, most = 0;
  for (Multiplier m : own)
    if (m.mantissa) {
      least = std::min(least, m.shift);
      most = std::max(most, m.shift);
    }
  shift = least;
  // Powers of two stay exact when the exponent is that of the smallest.
  if (powersOfTwo)
    shift = std::min(most, least + 23);
  mantissas.clear();
  for (Multiplier m : own)
    mantissas.push_back(m.shift >= shift ? int32_t(shiftHalfEven(m.mantissa, m.shift - shift))
                                         : m.mantissa * (1 << (shift - m.shift)));
}

int64_t qc::scaleAccumulator(int64_t acc, Multiplier multiplier, Rounding rounding) {
  Wide product = Wide(acc) * multiplier.mantissa;
  switch (rounding) {
  case Rounding::ONNX:
    return shiftHalfEven(product, multiplier.shift);
  case Rounding::ORT: {
    // Up to three roundings: of the accumulator, of the product, to an integer.
    float scale = float(std::ldexp(double(multiplier.mantissa), -multiplier.shift));
    return int64_t(std::nearbyint(float(acc) * scale));
  }
  case Rounding::TFLiteDouble:
    if (multiplier.shift <= 31)
      return shiftHalfUp(product, multiplier.shift);
    return shiftHalfAway(shiftHalfUp(product, 31), multiplier.shift - 31);
  case Rounding::TFLiteSingle:
  case Rounding::Pow2:
    return shiftHalfUp(product, multiplier.shift);
  }
  return 0;
}

int64_t qc::roundSum(int64_t sum, int32_t shift, Rounding rounding) {
  bool even = rounding == Rounding::ONNX || rounding == Rounding::ORT;
  return even ? shiftHalfEven(sum, shift) : shiftHalfUp(sum, shift);
}
