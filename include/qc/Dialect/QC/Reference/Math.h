// Elementary functions by IEEE arithmetic only (+, -, *, / and scaling by powers of two), so that tables and ranges have the same
// bytes on every host; the host's libm is never asked. Doubles: docs/Numerics.md, N10; f32: N11.
#ifndef QC_DIALECT_QC_REFERENCE_MATH_H
#define QC_DIALECT_QC_REFERENCE_MATH_H

#include "qc/Dialect/QC/IR/QC.h"

#include <cstdint>

namespace qc {
/// N10. Errors are below 1 unit in the last place for exp and log, below 3 for tanh and sigmoid, and relative errors below 1e-14
/// for the others (of sin, cos and tan for |x| <= 2^20, absolute).
double exactExp(double x);
double exactLog(double x);
double exactTanh(double x);
double exactSigmoid(double x);
double exactSin(double x);
double exactCos(double x);
double exactAtan(double x);
double exactErf(double x);

/// N10: the real function of a qc.activation. `alpha` and `beta` as in its description.
double evaluateActivation(ActivationKind kind, double x, double alpha, double beta);

/// N11: the f32 functions that compiled code uses (FunctionsF32.h). Errors are below 3 units in the last place for exp within its
/// limits; beyond them the limit's value is returned. NaN stays NaN.
float expF32(float x);
float activationF32(ActivationKind kind, float x, float alpha, float beta);
float powF32(float x, float y);

/// The numbers of exp in f32: n = round(x * log2e) stands in the low bits of x * log2e + magic, r = (x - n * ln2High) - n *
/// ln2Low, and e^r is a polynomial.
struct ExpF32 {
  static constexpr float low = -87.0f, high = 88.0f;
  static constexpr float log2e = 1.44269504088896341f;
  static constexpr float magic = 12582912.0f; ///< 1.5 * 2^23: adding it rounds to an integer, ties to even
  static constexpr float ln2High = 0.693359375f, ln2Low = -2.12194440e-4f;
  static constexpr float c[6] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
};

/// The numbers of tanh in f32: a polynomial below the limit, 1 - 2 / (exp(2 |x|) + 1) beyond.
struct TanhF32 {
  static constexpr float limit = 0.625f;
  static constexpr float c[5] = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                                 -3.33332819422e-1f};
};
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_MATH_H
