// Scales of weights that make pairs of them safe to add up in 16 bits (-pair-safe=shrink).
#ifndef QC_LIB_TRANSFORMS_PAIRSCALES_H
#define QC_LIB_TRANSFORMS_PAIRSCALES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <vector>

namespace qc {
/// Scales grow by this much at most: a fifth of a bit per weight, and no more than half a code for the typical one.
constexpr double largestPairFactor = 1.05;

struct PairScaleProblem {
  int64_t channels = 0, taps = 1, kernelW = 1, depth = 0; ///< depth: input channels per tap
  int64_t xMax = 255;                                     ///< largest activation less the smallest
  /// Codes as [channel][tap][input channel] if each channel's scale is this many times its own.
  llvm::function_ref<std::vector<int8_t>(llvm::ArrayRef<double> factors)> encode;
};

/// A factor for the scale of each output channel, 1 where it stays. Tried in this order: the smallest factor of each channel that
/// makes all pairs of neighbours safe (no use unless that holds for all channels); the smallest for each block of sixteen channels
/// that makes a permutation without corrections safe. What neither can do is left alone. Does not depend on the target.
llvm::SmallVector<double> getPairFactors(const PairScaleProblem &problem);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_PAIRSCALES_H
