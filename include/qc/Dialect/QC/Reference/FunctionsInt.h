// Reciprocal, inverse square root and logarithm of integers (docs/Numerics.md, N22), each written once: the evaluator
// instantiates them with numbers, the lowering with the values of an operation builder. Only multiplications, shifts and a count
// of leading zeros, so that no target needs a division or a library.
//
// `A` has the type `U` (64 bits, unsigned) and the operations used below; `number(v)` is a constant.
#ifndef QC_DIALECT_QC_REFERENCE_FUNCTIONSINT_H
#define QC_DIALECT_QC_REFERENCE_FUNCTIONSINT_H

#include "llvm/ADT/bit.h"

#include <cstdint>

namespace qc {
/// `mantissa * 2^-exponent`, the mantissa with 30 fraction bits in (2^30, 2^31].
template <typename U> struct Scaled { U mantissa, exponent; };

template <typename A> struct FunctionsInt {
  using U = typename A::U;
  A &a;

  U number(uint64_t v) { return a.number(v); }

  /// 1 / x for x in [1, 2^63); relative error below 2^-28.
  Scaled<U> reciprocal(U x) {
    U zeros = a.clz(x), d = a.shr(a.shl(x, zeros), number(32)); // x = d * 2^(32 - zeros), d in [2^31, 2^32)
    // 48/17 - 32/17 d is within 1/17; each step squares the relative error.
    U r = a.sub(number(3031741621), a.shr(a.mul(d, number(2021161081)), number(32)));
    for (int i = 0; i < 3; ++i) {
      U product = a.shr(a.mul(d, r), number(32));
      r = a.shr(a.mul(r, a.sub(number(uint64_t(1) << 31), product)), number(30));
    }
    return {r, a.sub(number(94), zeros)};
  }

  /// 1 / sqrt(x) for x in [1, 2^63); relative error below 2^-27.
  Scaled<U> rsqrt(U x) {
    U zeros = a.andBits(a.clz(x), ~uint64_t(1)), d = a.shr(a.shl(x, zeros), number(32)); // d in [2^30, 2^32)
    // The line of least absolute error, 2.2067 - 1.3333 d, is within 13 %; a step leaves 1.5 times the square of the error.
    U r = a.sub(number(2369426078), a.shr(a.mul(d, number(1431655765)), number(32)));
    for (int i = 0; i < 4; ++i) {
      U square = a.shr(a.mul(r, r), number(30));
      U product = a.shr(a.mul(d, square), number(32));
      r = a.shr(a.mul(r, a.sub(number(uint64_t(3) << 30), product)), number(31));
    }
    return {r, a.sub(number(62), a.shr(zeros, number(1)))};
  }

  /// sqrt(x) for x in [1, 2^63); relative error below 2^-27. The mantissa lies in [2^29, 2^30]; `exponent` is 2 too large, so
  /// that it is not negative.
  Scaled<U> sqrt(U x) {
    U zeros = a.andBits(a.clz(x), ~uint64_t(1)), d = a.shr(a.shl(x, zeros), number(32));
    return {a.shr(a.mul(d, rsqrt(x).mantissa), number(32)), a.shr(zeros, number(1))};
  }

  static constexpr int logBits = 24;
  /// floor(log2(x * 2^-scale) * 2^24), up to 2^-20 too low, for x in [2^scale, 2^63).
  U log2(U x, int64_t scale) {
    U zeros = a.clz(x), m = a.shr(a.shl(x, zeros), number(32)); // in [2^31, 2^32) for [1, 2)
    U result = a.sub(number(63 - scale), zeros);
    for (int i = 0; i < logBits; ++i) {
      m = a.shr(a.mul(m, m), number(31));
      U bit = a.shr(m, number(32));
      result = a.add(a.add(result, result), bit);
      m = a.shr(m, bit);
    }
    return result;
  }
};

/// The operations on numbers.
struct IntNumbers {
  using U = uint64_t;
  U number(uint64_t v) { return v; }
  U add(U x, U y) { return x + y; }
  U sub(U x, U y) { return x - y; }
  U mul(U x, U y) { return x * y; }
  U shl(U x, U y) { return x << y; }
  U shr(U x, U y) { return x >> y; }
  U andBits(U x, uint64_t y) { return x & y; }
  U clz(U x) { return uint64_t(llvm::countl_zero(x)); }
};
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_FUNCTIONSINT_H
