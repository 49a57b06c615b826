// A pass for tests only: the relative errors of FunctionsInt.h (N22) over powers of two, their neighbours and random numbers, by
// exact products of 128 bits. The module that it runs on is not read.
#include "TestFunctionsInt.h"

#include "qc/Dialect/QC/Reference/FunctionsInt.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <random>
#include <vector>

using namespace mlir;

namespace qc {
namespace {
using Wide = unsigned __int128;

/// |a / b - 1|, from the exact difference.
double getError(Wide a, Wide b) { return double(a > b ? a - b : b - a) / double(b); }

struct TestFunctionsInt : PassWrapper<TestFunctionsInt, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestFunctionsInt)
  StringRef getArgument() const override { return "test-qc-functions-int"; }
  StringRef getDescription() const override { return "for tests: the errors of reciprocals, roots and logarithms of integers"; }

  void runOnOperation() override {
    std::vector<uint64_t> numbers;
    for (uint64_t x = 1; x < 4096; ++x)
      numbers.push_back(x);
    for (int power = 12; power <= 63; ++power)
      for (int64_t near = -4; near <= 4; ++near)
        if (uint64_t x = (uint64_t(1) << power) + uint64_t(near); x < uint64_t(1) << 63)
          numbers.push_back(x);
    std::mt19937_64 random(22);
    for (int i = 0; i < 1000000; ++i)
      numbers.push_back(std::max<uint64_t>(random() >> (1 + random() % 63), 1));

    IntNumbers a;
    FunctionsInt<IntNumbers> f{a};
    double reciprocal = 0, rsqrt = 0, sqrt = 0, low = 0, high = 0;
    bool inRange = true;
    auto note = [&](uint64_t mantissa, uint64_t least, uint64_t most) { inRange &= mantissa >= least && mantissa <= most; };
    constexpr uint64_t one = uint64_t(1) << 29;
    for (uint64_t x : numbers) {
      auto r = f.reciprocal(x);
      note(r.mantissa, 2 * one - 1, 4 * one);
      reciprocal = std::max(reciprocal, getError(Wide(r.mantissa) * x, Wide(1) << r.exponent));
      // Relative errors of squares are twice as large.
      auto i = f.rsqrt(x);
      note(i.mantissa, 2 * one - 1, 4 * one);
      rsqrt = std::max(rsqrt, getError(Wide(i.mantissa) * i.mantissa * x, Wide(1) << 2 * i.exponent) / 2);
      auto s = f.sqrt(x);
      note(s.mantissa, one - 4, 2 * one);
      sqrt = std::max(sqrt, getError(Wide(s.mantissa) * s.mantissa * 16, Wide(x) << 2 * s.exponent) / 2);
      for (int64_t scale : {0, 10, 17, 30})
        if (x >> scale) {
          double difference = std::ldexp(double(int64_t(f.log2(x, scale))), -f.logBits) - (std::log2(double(x)) - double(scale));
          low = std::max(low, -difference);
          high = std::max(high, difference);
        }
    }
    auto print = [](const char *what, double error) {
      llvm::outs() << what << ": 2^" << llvm::format("%.2f", std::log2(error)) << "\n";
    };
    llvm::outs() << numbers.size() << " numbers, mantissas " << (inRange ? "in range" : "out of range") << "\n";
    print("reciprocal", reciprocal);
    print("rsqrt", rsqrt);
    print("sqrt", sqrt);
    print("log2 too low by", low);
    llvm::outs() << "log2 " << (high > 1e-12 ? "too high" : "never too high") << "\n";
    if (!inRange || reciprocal >= 0x1p-28 || rsqrt >= 0x1p-27 || sqrt >= 0x1p-27 || low >= 0x1p-20 || high > 1e-12) {
      getOperation().emitError("an error is larger than FunctionsInt.h says");
      signalPassFailure();
    }
  }
};
} // namespace

void registerTestFunctionsInt() { PassRegistration<TestFunctionsInt>(); }
} // namespace qc
