// Elementary functions by IEEE arithmetic only: rules N10 and N11 of docs/Numerics.md.
#include "qc/Dialect/QC/Reference/Math.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace qc;

//===-- double --------------------------------------------------------------------------------------------------------------===//

namespace {
// ln 2 in two parts; the low 21 bits of the first are zero, so that n * ln2High is exact for |n| < 2^20.
constexpr double ln2High = 0x1.62e42feep-1, ln2Low = 0x1.a39ef35793c76p-33, log2e = 0x1.71547652b82fep+0;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// x = n * ln 2 + r with |r| <= ln 2 / 2 + tiny; `tail` is what r lost by rounding.
struct Reduced {
  int n;
  double r, tail;
};
Reduced reduce(double x) {
  double n = std::nearbyint(x * log2e);
  double high = x - n * ln2High, low = n * ln2Low;
  double r = high - low;
  return {int(n), r, (high - r) - low};
}

/// e^(r + tail) - 1 for |r| <= 0.36, from the Taylor series: its 15th term is below 2^-58 of the sum.
double smallExpMinus1(double r, double tail) {
  double p = 0;
  for (int k = 15; k >= 3; --k)
    p = (p + 1) / k * r; // r/3 * (1 + r/4 * (1 + ...))
  double square = r * r;
  return r + (square / 2 + (square / 2 * p + (tail + tail * r)));
}

/// e^x - 1 for |x| <= 100.
double expMinus1(double x) {
  Reduced reduced = reduce(x);
  double m = smallExpMinus1(reduced.r, reduced.tail), power = std::ldexp(1.0, reduced.n);
  return reduced.n == 0 ? m : (power - 1) + power * m;
}
} // namespace

double qc::exactExp(double x) {
  if (std::isnan(x))
    return x;
  if (x > 709.79)
    return infinity;
  if (x < -745.2)
    return 0;
  Reduced reduced = reduce(x);
  return std::ldexp(1.0 + smallExpMinus1(reduced.r, reduced.tail), reduced.n);
}

double qc::exactLog(double x) {
  if (std::isnan(x) || x < 0)
    return std::numeric_limits<double>::quiet_NaN();
  if (x == 0)
    return -infinity;
  if (x == infinity)
    return x;
  // x = 2^n * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
  int n;
  double m = std::frexp(x, &n);
  if (m < 0x1.6a09e667f3bcdp-1) {
    m *= 2;
    --n;
  }
  // log(1 + f) = 2 * atanh(s) = f - (f^2/2 - s * (f^2/2 + 2 * (s^2/3 + s^4/5 + ...))), s = f / (2 + f): |s| <= 0.1716.
  double f = m - 1, s = f / (2 + f), square = s * s, series = 0;
  for (int k = 25; k >= 3; k -= 2)
    series = square * (1.0 / k + series);
  double half = f * f / 2;
  return n * ln2High - ((half - (s * (half + 2 * series) + n * ln2Low)) - f);
}

double qc::exactTanh(double x) {
  double a = std::fabs(x), t, y;
  if (std::isnan(x))
    return x;
  if (a > 22)
    y = 1; // 1 - tanh(22) is below 2^-62
  else if (a >= 1)
    y = 1 - 2 / (expMinus1(2 * a) + 2);
  else if (t = expMinus1(-2 * a); true)
    y = -t / (t + 2);
  return std::copysign(y, x);
}

double qc::exactSigmoid(double x) {
  if (x >= 0)
    return 1 / (1 + exactExp(-x));
  double e = exactExp(x);
  return e / (1 + e);
}

double qc::evaluateActivation(ActivationKind kind, double x, double alpha, double beta) {
  auto unit = [](double v) { return v < 0 ? 0.0 : v > 1 ? 1.0 : v; };
  switch (kind) {
  case ActivationKind::LeakyRelu:
    return x < 0 ? alpha * x : x;
  case ActivationKind::Sigmoid:
    return exactSigmoid(x);
  case ActivationKind::Tanh:
    return exactTanh(x);
  case ActivationKind::HardSigmoid:
    return unit(alpha * x + beta);
  case ActivationKind::HardSwish:
    return x * unit(x / 6 + 0.5);
  }
  return x;
}

//===-- f32 -----------------------------------------------------------------------------------------------------------------===//

namespace {
template <typename To, typename From> To bitcast(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  std::memcpy(&result, &value, sizeof(To));
  return result;
}
} // namespace

float qc::expF32(float x) {
  using C = ExpF32;
  x = x < C::low ? C::low : x;
  x = x > C::high ? C::high : x;
  float t = x * C::log2e + C::magic;
  float n = t - C::magic;
  float r = (x - n * C::ln2High) - n * C::ln2Low;
  float p = C::c[0];
  for (int i = 1; i < 6; ++i)
    p = p * r + C::c[i];
  p = p * (r * r) + r;
  p = p + 1.0f;
  return p * bitcast<float>((bitcast<uint32_t>(t) + 127u) << 23);
}

float qc::tanhF32(float x) {
  using C = TanhF32;
  float a = std::fabs(x), z = x * x;
  float p = C::c[0];
  for (int i = 1; i < 5; ++i)
    p = p * z + C::c[i];
  float small = (p * z) * x + x;
  float large = std::copysign(1.0f - 2.0f / (expF32(a + a) + 1.0f), x);
  return a < C::limit ? small : large;
}

float qc::sigmoidF32(float x) { return 1.0f / (1.0f + expF32(-x)); }
