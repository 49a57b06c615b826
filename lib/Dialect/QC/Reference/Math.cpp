// Elementary functions by IEEE arithmetic only: rules N10 and N11 of docs/Numerics.md.
#include "qc/Dialect/QC/Reference/FunctionsF32.h"

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

//===-- Circular, hyperbolic and error functions ----------------------------------------------------------------------------===//

namespace {
constexpr double pi = 0x1.921fb54442d18p+1;

/// log(1 + x) for x > -1.
double logOf1Plus(double x) {
  if (!(std::fabs(x) < 0.4))
    return exactLog(1 + x);
  // 2 * atanh(s) with s = x / (2 + x): |s| <= 0.25.
  double s = x / (2 + x), square = s * s, series = 0;
  for (int k = 29; k >= 3; k -= 2)
    series = square * (1.0 / k + series);
  return 2 * (s + s * series);
}

/// e^x - 1.
double expOfMinus1(double x) { return std::fabs(x) <= 100 ? expMinus1(x) : exactExp(x) - 1; }

/// The sine (`quarter` 0) or cosine (`quarter` 1) of x.
double circular(double x, int quarter) {
  if (!std::isfinite(x))
    return std::numeric_limits<double>::quiet_NaN();
  // pi/2 in three parts, the first two of 33 bits: n * part is exact for |n| < 2^20.
  constexpr double high = 0x1.921fb544p+0, middle = 0x1.0b4611a6p-34, low = 0x1.3198a2e037073p-69;
  double n = std::nearbyint(x * (2 / pi)), r = ((x - n * high) - n * middle) - n * low, square = r * r, p = 0;
  int quadrant = (int(std::fmod(n, 4)) + quarter + 4) & 3;
  // Taylor: r^k / k! up to r^21.
  for (int k = quadrant & 1 ? 20 : 21; k >= 2; k -= 2)
    p = -(1 + p) * square / (double(k) * (k - 1));
  double value = quadrant & 1 ? 1 + p : r + r * p;
  return quadrant & 2 ? -value : value;
}

double exactAsinh(double x) {
  double a = std::fabs(x);
  double y = a > 1e8 ? exactLog(a) + exactLog(2) : logOf1Plus(a + a * a / (1 + std::sqrt(1 + a * a)));
  return std::copysign(y, x);
}

double exactAcosh(double x) {
  double t = x - 1;
  return x > 1e8 ? exactLog(x) + exactLog(2) : logOf1Plus(t + std::sqrt(2 * t + t * t));
}

double exactSinh(double x) {
  double a = std::fabs(x), m = expOfMinus1(a);
  return std::copysign(a > 700 ? exactExp(a - exactLog(2)) : (m + m / (1 + m)) / 2, x);
}
} // namespace

double qc::exactSin(double x) { return circular(x, 0); }
double qc::exactCos(double x) { return circular(x, 1); }

double qc::exactAtan(double x) {
  double a = std::fabs(x), r = a > 1 ? 1 / a : a;
  // Halving the angle twice: r <= tan(pi/16).
  for (int i = 0; i < 2; ++i)
    r = r / (1 + std::sqrt(1 + r * r));
  double square = r * r, series = 0;
  for (int k = 25; k >= 3; k -= 2)
    series = -square * (1.0 / k + series);
  double y = 4 * (r + r * series);
  return std::copysign(a > 1 ? pi / 2 - y : y, x);
}

double qc::exactErf(double x) {
  double a = std::fabs(x);
  if (std::isnan(x))
    return x;
  if (a > 6)
    return std::copysign(1.0, x); // 1 - erf(6) is below 2^-55
  // 2/sqrt(pi) * e^(-x^2) * sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)): no term is negative.
  double term = a, sum = a;
  for (int n = 1; term > sum * 0x1p-60; ++n) {
    term *= 2 * a * a / (2 * n + 1);
    sum += term;
  }
  return std::copysign(0x1.20dd750429b6dp+0 * exactExp(-a * a) * sum, x);
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
  case ActivationKind::Elu:
    return x < 0 ? alpha * expOfMinus1(x) : beta * x;
  case ActivationKind::Softplus:
    return (x > 0 ? x : 0) + logOf1Plus(exactExp(-std::fabs(x)));
  case ActivationKind::Softsign:
    return x / (1 + std::fabs(x));
  case ActivationKind::Abs:
    return std::fabs(x);
  case ActivationKind::Sign:
    return x < 0 ? -1 : x > 0 ? 1 : x;
  case ActivationKind::Floor:
    return std::floor(x);
  case ActivationKind::Ceil:
    return std::ceil(x);
  case ActivationKind::Round:
    return std::nearbyint(x);
  case ActivationKind::Reciprocal:
    return 1 / x;
  case ActivationKind::Sqrt:
    return std::sqrt(x);
  case ActivationKind::Exp:
    return exactExp(x);
  case ActivationKind::Log:
    return exactLog(x);
  case ActivationKind::Erf:
    return exactErf(x);
  case ActivationKind::Sin:
    return exactSin(x);
  case ActivationKind::Cos:
    return exactCos(x);
  case ActivationKind::Tan:
    return exactSin(x) / exactCos(x);
  case ActivationKind::Asin:
    return exactAtan(x / std::sqrt((1 - x) * (1 + x)));
  case ActivationKind::Acos:
    return 2 * exactAtan(std::sqrt((1 - x) / (1 + x)));
  case ActivationKind::Atan:
    return exactAtan(x);
  case ActivationKind::Sinh:
    return exactSinh(x);
  case ActivationKind::Cosh:
    return (exactExp(x) + exactExp(-x)) / 2;
  case ActivationKind::Asinh:
    return exactAsinh(x);
  case ActivationKind::Acosh:
    return exactAcosh(x);
  case ActivationKind::Atanh:
    return std::fabs(x) < 1 ? logOf1Plus(2 * x / (1 - x)) / 2 : std::fabs(x) == 1 ? x * infinity : std::nan("");
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

/// Numbers, for FunctionsF32.
struct Numbers {
  using F = float;
  using I = uint32_t;
  using B = bool;
  float number(double v) { return float(v); }
  float add(float x, float y) { return x + y; }
  float sub(float x, float y) { return x - y; }
  float mul(float x, float y) { return x * y; }
  float div(float x, float y) { return x / y; }
  float abs(float x) { return std::fabs(x); }
  float negate(float x) { return -x; }
  float copySign(float x, float y) { return std::copysign(x, y); }
  float sqrt(float x) { return std::sqrt(x); }
  bool less(float x, float y) { return x < y; }
  bool equal(float x, float y) { return x == y; }
  float select(bool c, float x, float y) { return c ? x : y; }
  uint32_t bits(float x) { return bitcast<uint32_t>(x); }
  float fromBits(uint32_t x) { return bitcast<float>(x); }
  float fromInt(uint32_t x) { return float(int32_t(x)); }
  uint32_t addBits(uint32_t x, int32_t y) { return x + uint32_t(y); }
  uint32_t andBits(uint32_t x, int32_t y) { return x & uint32_t(y); }
  uint32_t orBits(uint32_t x, int32_t y) { return x | uint32_t(y); }
  uint32_t shl(uint32_t x, int n) { return x << n; }
  uint32_t shr(uint32_t x, int n) { return x >> n; }
  bool notZero(uint32_t x) { return x != 0; }
};
} // namespace

float qc::expF32(float x) {
  Numbers numbers;
  return FunctionsF32<Numbers>{numbers}.exp(x);
}
float qc::activationF32(ActivationKind kind, float x, float alpha, float beta) {
  Numbers numbers;
  return FunctionsF32<Numbers>{numbers}.activation(kind, x, alpha, beta);
}
float qc::powF32(float x, float y) {
  Numbers numbers;
  return FunctionsF32<Numbers>{numbers}.pow(x, y);
}
