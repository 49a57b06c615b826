// The search behind -pair-safe=shrink; what a safe pair is says PairSafe.h.
#include "PairScales.h"
#include "qc/Conversion/PairSafe.h"

#include "llvm/ADT/STLExtras.h"

using llvm::SmallVector;
using llvm::SmallVectorImpl;

namespace qc {
namespace {
constexpr double step = 1.0 / 256; ///< half a code of the largest weight
constexpr int64_t blockSize = 16;

class Search {
public:
  explicit Search(const PairScaleProblem &problem) : p(problem), codes(p.encode(SmallVector<double>(p.channels, 1.0))) {
    // What is one run depends on whether activations are padded first; with an odd number of channels pairs differ.
    taps.assign(p.taps, p.depth);
    rows.assign(p.taps / p.kernelW, p.kernelW * p.depth);
  }

  SmallVector<double> run() {
    SmallVector<double> factors(p.channels, 1.0);
    if (makeNaturalSafe(factors) || p.channels < 8)
      return factors;
    makeBlocksSafe(factors);
    return factors;
  }

private:
  int64_t size() const { return p.taps * p.depth; }

  PairSafeProblem getProblem(llvm::ArrayRef<int8_t> weights, int64_t channels, llvm::ArrayRef<int64_t> runs) const {
    PairSafeProblem problem;
    problem.weights = weights;
    problem.channels = channels;
    problem.depth = size();
    problem.runs = runs;
    problem.block = blockSize;
    problem.xMax = p.xMax;
    return problem;
  }

  bool isSafe(llvm::ArrayRef<int8_t> weights, int64_t channel) const {
    auto own = weights.slice(channel * size(), size());
    return isPairSafe(getProblem(own, 1, taps)) && isPairSafe(getProblem(own, 1, rows));
  }

  /// True if all channels are safe in natural order, with these factors; else they are all 1.
  bool makeNaturalSafe(SmallVectorImpl<double> &factors) {
    for (std::vector<int8_t> now = codes;; now = p.encode(factors)) {
      bool all = true;
      for (int64_t c = 0; c < p.channels; ++c) {
        if (isSafe(now, c))
          continue;
        all = false;
        factors[c] += step;
        if (factors[c] > largestPairFactor) {
          factors.assign(p.channels, 1.0);
          return false;
        }
      }
      if (all)
        return true;
    }
  }

  void makeBlocksSafe(SmallVectorImpl<double> &factors) {
    llvm::ArrayRef<int64_t> runs = p.depth < blockSize ? rows : taps;
    auto isFree = [&](const std::vector<int8_t> &weights, int64_t first) {
      int64_t count = std::min(blockSize, p.channels - first);
      auto own = llvm::ArrayRef(weights).slice(first * size(), count * size());
      return packPairSafe(getProblem(own, count, runs), PairOrder::Permuted).blocks.front().corrections == 0;
    };
    SmallVector<int64_t> open;
    for (int64_t first = 0; first < p.channels; first += blockSize)
      if (!isFree(codes, first))
        open.push_back(first);
    auto set = [&](int64_t first, double factor) {
      for (int64_t c = first; c < std::min(first + blockSize, p.channels); ++c)
        factors[c] = factor;
    };
    for (double factor = 1 + 2 * step; factor <= largestPairFactor && !open.empty(); factor += 2 * step) {
      for (int64_t first : open)
        set(first, factor);
      std::vector<int8_t> now = p.encode(factors);
      llvm::erase_if(open, [&](int64_t first) { return isFree(now, first); });
    }
    for (int64_t first : open)
      set(first, 1.0);
  }

  const PairScaleProblem &p;
  std::vector<int8_t> codes;
  SmallVector<int64_t> taps, rows;
};
} // namespace

SmallVector<double> getPairFactors(const PairScaleProblem &problem) { return Search(problem).run(); }
} // namespace qc
