// The f32 functions of rule N11 (docs/Numerics.md), each written once: the evaluator instantiates them with numbers, the lowering
// with the values of an operation builder, so that compiled code runs the same operations in the same order, none of them
// contracted.
//
// `A` has the types `F` (f32), `I` (i32) and `B` (a condition) and the operations used below; `number(v)` is a constant. Errors
// are a few units in the last place unless a function says otherwise.
#ifndef QC_DIALECT_QC_REFERENCE_FUNCTIONSF32_H
#define QC_DIALECT_QC_REFERENCE_FUNCTIONSF32_H

#include "qc/Dialect/QC/Reference/Math.h"

#include <limits>

namespace qc {
template <typename A> struct FunctionsF32 {
  using F = typename A::F;
  using I = typename A::I;
  using B = typename A::B;
  A &a;

  F number(double v) { return a.number(v); }
  F add(F x, F y) { return a.add(x, y); }
  F sub(F x, F y) { return a.sub(x, y); }
  F mul(F x, F y) { return a.mul(x, y); }
  F div(F x, F y) { return a.div(x, y); }
  B less(F x, F y) { return a.less(x, y); }
  F select(B c, F x, F y) { return a.select(c, x, y); }
  F abs(F x) { return a.abs(x); }
  F copySign(F x, F y) { return a.copySign(x, y); }
  F negate(F x) { return a.negate(x); }
  /// `max(limit, x)` and `min(limit, x)` that keep a NaN in `x`.
  F atLeast(double limit, F x) { return select(less(x, number(limit)), number(limit), x); }
  F atMost(double limit, F x) { return select(less(number(limit), x), number(limit), x); }

  /// Highest power first.
  template <typename T, size_t N> F polynomial(const T (&coefficients)[N], F x) {
    F p = number(coefficients[0]);
    for (size_t i = 1; i < N; ++i)
      p = add(mul(p, x), number(coefficients[i]));
    return p;
  }

  //===-- Rounding ---------------------------------------------------------------------------------------------------------===//

  /// To the nearest integer, ties to even: adding 2^23 to the magnitude leaves no bits of a fraction.
  F round(F x) {
    F magnitude = abs(x), whole = sub(add(magnitude, number(0x1p23)), number(0x1p23));
    return select(less(magnitude, number(0x1p23)), copySign(whole, x), x);
  }
  F floor(F x) {
    F r = round(x);
    return select(less(x, r), sub(r, number(1)), r);
  }
  F ceil(F x) {
    F r = round(x);
    // A negative fraction rounds to a negative zero.
    return select(less(r, x), copySign(add(r, number(1)), x), r);
  }
  F sign(F x) { return select(less(x, number(0)), number(-1), select(less(number(0), x), number(1), x)); }

  //===-- Exponentials and logarithms --------------------------------------------------------------------------------------===//

  F exp(F x) {
    using C = ExpF32;
    x = atLeast(C::low, x);
    x = atMost(C::high, x);
    F t = add(mul(x, number(C::log2e)), number(C::magic)), n = sub(t, number(C::magic));
    F r = sub(sub(x, mul(n, number(C::ln2High))), mul(n, number(C::ln2Low)));
    F p = polynomial(C::c, r);
    p = add(add(mul(p, mul(r, r)), r), number(1));
    return mul(p, a.fromBits(a.shl(a.addBits(a.bits(t), 127), 23)));
  }

  F tanh(F x) {
    using C = TanhF32;
    F magnitude = abs(x), z = mul(x, x), p = polynomial(C::c, z);
    F small = add(mul(mul(p, z), x), x);
    F large = sub(number(1), div(number(2), add(exp(add(magnitude, magnitude)), number(1))));
    return select(less(magnitude, number(C::limit)), small, copySign(large, x));
  }

  F sigmoid(F x) { return div(number(1), add(number(1), exp(negate(x)))); }

  /// e^x - 1 without cancellation: 2 t / (1 - t) with t = tanh(x / 2), which serves negative arguments.
  F expMinus1OfNegative(F x) {
    F t = tanh(mul(x, number(0.5)));
    return div(mul(number(2), t), sub(number(1), t));
  }

  /// -infinity for 0, NaN below.
  F log(F x) {
    // x = 2^e * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); subnormal numbers are scaled up first.
    B tiny = less(x, number(0x1p-126));
    F scaled = select(tiny, mul(x, number(0x1p23)), x);
    I bits = a.bits(scaled);
    F m = a.fromBits(a.orBits(a.andBits(bits, 0x007fffff), 0x3f000000)); // [1/2, 1)
    F e = a.fromInt(a.addBits(a.shr(bits, 23), -126));
    e = select(tiny, sub(e, number(23)), e);
    B low = less(m, number(0.70710678118654752));
    e = select(low, sub(e, number(1)), e);
    F f = sub(select(low, add(m, m), m), number(1)), z = mul(f, f);
    F y = mul(mul(polynomial({7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                              -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1},
                             f),
                  f),
              z);
    y = add(y, mul(e, number(ExpF32::ln2Low)));
    y = sub(y, mul(number(0.5), z));
    F result = add(add(f, y), mul(e, number(ExpF32::ln2High)));
    constexpr double infinity = std::numeric_limits<double>::infinity();
    result = select(less(x, number(infinity)), result, x); // infinity, and NaN
    result = select(a.equal(x, number(0)), number(-infinity), result);
    return select(less(x, number(0)), number(std::numeric_limits<double>::quiet_NaN()), result);
  }

  /// log(1 + x) for x in [0, 1]: 2 * atanh(x / (2 + x)).
  F logOf1Plus(F x) { return mul(number(2), smallAtanh(div(x, add(number(2), x)))); }

  F softplus(F x) { return add(atLeast(0, x), logOf1Plus(exp(negate(abs(x))))); }

  /// |x|^y = e^(y * log |x|): the relative error is that of y * log |x| times its size, so up to 2^-17 near the limits of exp.
  F pow(F x, F y) {
    F magnitude = abs(x), power = exp(mul(y, log(magnitude)));
    F half = mul(y, number(0.5));
    B isWhole = a.equal(round(y), y), isEven = a.equal(round(half), half);
    F negative = select(isEven, power, negate(power));
    negative = select(isWhole, negative, number(std::numeric_limits<double>::quiet_NaN()));
    F result = select(less(x, number(0)), negative, power);
    F ofZero = select(less(y, number(0)), number(std::numeric_limits<double>::infinity()), number(0));
    result = select(a.equal(x, number(0)), ofZero, result);
    result = select(a.equal(x, number(1)), number(1), result);
    return select(a.equal(y, number(0)), number(1), result);
  }

  //===-- Circular functions -----------------------------------------------------------------------------------------------===//

  /// x = n * pi/2 + r with |r| <= pi/4: sine and cosine of r, and n in the low bits of `quadrant`. pi/2 is subtracted in three
  /// parts, of which the first two products are exact for |x| <= 8192; beyond, the absolute error grows with |x| * 2^-24, and an
  /// argument beyond 2^21 is limited to it.
  struct Reduced {
    F sine, cosine;
    I quadrant;
  };
  Reduced reduce(F x) {
    x = atLeast(-0x1p21, x);
    x = atMost(0x1p21, x);
    F t = add(mul(x, number(0.63661977236758134)), number(ExpF32::magic)), n = sub(t, number(ExpF32::magic));
    F r = sub(sub(sub(x, mul(n, number(1.5703125))), mul(n, number(4.837512969970703125e-4))),
              mul(n, number(7.54978995489188216e-8)));
    F z = mul(r, r);
    F sine = add(mul(mul(polynomial({-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1}, z), z), r), r);
    F cosine = mul(mul(polynomial({2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2}, z), z), z);
    cosine = add(sub(cosine, mul(number(0.5), z)), number(1));
    return {sine, cosine, a.bits(t)};
  }
  B isOdd(I quadrant, int bit) { return a.notZero(a.andBits(quadrant, bit)); }
  F pick(const Reduced &r, I quadrant) {
    F value = select(isOdd(quadrant, 1), r.cosine, r.sine);
    return select(isOdd(quadrant, 2), negate(value), value);
  }
  F sin(F x) {
    Reduced r = reduce(x);
    return pick(r, r.quadrant);
  }
  F cos(F x) {
    Reduced r = reduce(x);
    return pick(r, a.addBits(r.quadrant, 1));
  }
  F tan(F x) {
    Reduced r = reduce(x);
    B odd = isOdd(r.quadrant, 1);
    return div(select(odd, negate(r.cosine), r.sine), select(odd, r.sine, r.cosine));
  }

  F atan(F x) {
    F magnitude = abs(x);
    B large = less(number(2.414213562373095), magnitude), middle = less(number(0.4142135623730950), magnitude);
    F base = select(large, number(1.5707963267948966), select(middle, number(0.7853981633974483), number(0)));
    F r = select(large, div(number(-1), magnitude),
                 select(middle, div(sub(magnitude, number(1)), add(magnitude, number(1))), magnitude));
    F z = mul(r, r);
    F p = polynomial({8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1}, z);
    return copySign(add(base, add(mul(mul(p, z), r), r)), x);
  }
  F asin(F x) { return atan(div(x, a.sqrt(mul(sub(number(1), x), add(number(1), x))))); }
  F acos(F x) { return mul(number(2), atan(a.sqrt(div(sub(number(1), x), add(number(1), x))))); }

  //===-- Hyperbolic functions ---------------------------------------------------------------------------------------------===//

  F sinh(F x) {
    F magnitude = abs(x), z = mul(x, x), e = exp(magnitude);
    F small = add(mul(mul(polynomial({2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1}, z), z), x), x);
    F large = copySign(sub(mul(number(0.5), e), div(number(0.5), e)), x);
    return select(less(magnitude, number(1)), small, large);
  }
  F cosh(F x) {
    F e = exp(abs(x));
    return add(mul(number(0.5), e), div(number(0.5), e));
  }
  F asinh(F x) {
    F magnitude = abs(x), z = mul(x, x);
    F p = polynomial({2.0122003309e-2, -4.2699340972e-2, 7.4847586088e-2, -1.6666288134e-1}, z);
    F small = add(mul(mul(p, z), x), x);
    F middle = log(add(magnitude, a.sqrt(add(z, number(1)))));
    F huge = add(log(magnitude), number(0.69314718055994531));
    F large = copySign(select(less(magnitude, number(1500)), middle, huge), x);
    return select(less(magnitude, number(0.5)), small, large);
  }
  F acosh(F x) {
    F t = sub(x, number(1));
    F p = polynomial({1.7596881071e-3, -7.5272886713e-3, 2.6454905019e-2, -1.1784741703e-1, 1.4142135263e0}, t);
    F small = mul(p, a.sqrt(t));
    F middle = log(add(x, a.sqrt(mul(t, add(x, number(1))))));
    F huge = add(log(x), number(0.69314718055994531));
    return select(less(t, number(0.5)), small, select(less(x, number(1500)), middle, huge));
  }
  /// For |x| < 1/2.
  F smallAtanh(F x) {
    F z = mul(x, x);
    F p = polynomial({1.81740078349e-1, 8.24370301058e-2, 1.46691431730e-1, 1.99782164500e-1, 3.33337300303e-1}, z);
    return add(mul(mul(p, z), x), x);
  }
  F atanh(F x) {
    F large = mul(number(0.5), log(div(add(number(1), x), sub(number(1), x))));
    return select(less(abs(x), number(0.5)), smallAtanh(x), large);
  }

  /// A series below 1; beyond, 1 - p(1 / (1 + 0.3275911 |x|)) * e^(-x^2), whose absolute error is below 2e-7.
  F erf(F x) {
    F magnitude = abs(x), z = mul(x, x);
    F small = mul(x, polynomial({7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2,
                                 1.128358514861418e-1, -3.761262582423300e-1, 1.128379165726710e+0},
                                z));
    F t = div(number(1), add(number(1), mul(number(0.3275911), magnitude)));
    F p = mul(polynomial({1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592}, t), t);
    F large = copySign(sub(number(1), mul(p, exp(negate(z)))), x);
    return select(less(magnitude, number(1)), small, large);
  }

  //===-- Activations ------------------------------------------------------------------------------------------------------===//

  F unit(F x) { return atMost(1, atLeast(0, x)); }

  F activation(ActivationKind kind, F x, float alpha, float beta) {
    switch (kind) {
    case ActivationKind::LeakyRelu:
      return select(less(x, number(0)), mul(number(alpha), x), x);
    case ActivationKind::Sigmoid:
      return sigmoid(x);
    case ActivationKind::Tanh:
      return tanh(x);
    case ActivationKind::HardSigmoid:
      return unit(add(mul(number(alpha), x), number(beta)));
    case ActivationKind::HardSwish:
      return mul(x, unit(add(div(x, number(6)), number(0.5))));
    case ActivationKind::Elu:
      return select(less(x, number(0)), mul(number(alpha), expMinus1OfNegative(x)), mul(number(beta), x));
    case ActivationKind::Softplus:
      return softplus(x);
    case ActivationKind::Softsign:
      return div(x, add(number(1), abs(x)));
    case ActivationKind::Abs:
      return abs(x);
    case ActivationKind::Sign:
      return sign(x);
    case ActivationKind::Floor:
      return floor(x);
    case ActivationKind::Ceil:
      return ceil(x);
    case ActivationKind::Round:
      return round(x);
    case ActivationKind::Reciprocal:
      return div(number(1), x);
    case ActivationKind::Sqrt:
      return a.sqrt(x);
    case ActivationKind::Exp:
      return exp(x);
    case ActivationKind::Log:
      return log(x);
    case ActivationKind::Erf:
      return erf(x);
    case ActivationKind::Sin:
      return sin(x);
    case ActivationKind::Cos:
      return cos(x);
    case ActivationKind::Tan:
      return tan(x);
    case ActivationKind::Asin:
      return asin(x);
    case ActivationKind::Acos:
      return acos(x);
    case ActivationKind::Atan:
      return atan(x);
    case ActivationKind::Sinh:
      return sinh(x);
    case ActivationKind::Cosh:
      return cosh(x);
    case ActivationKind::Asinh:
      return asinh(x);
    case ActivationKind::Acosh:
      return acosh(x);
    case ActivationKind::Atanh:
      return atanh(x);
    }
    return x;
  }
};
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_FUNCTIONSF32_H
