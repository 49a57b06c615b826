// Codes of stored weights (qc.decode): -2^(bits-1) .. 2^(bits-1)-1 times an f32 scale of either sign.
#ifndef QC_LIB_TRANSFORMS_STOREDCODES_H
#define QC_LIB_TRANSFORMS_STOREDCODES_H

#include "llvm/ADT/ArrayRef.h"

#include <algorithm>
#include <cmath>

namespace qc {
class StoredCodes {
public:
  explicit StoredCodes(int64_t bits) : bits(bits), lowest(-double(int64_t(1) << (bits - 1))), highest(-lowest - 1) {}

  int64_t getLowest() const { return int64_t(lowest); }
  int64_t getHighest() const { return int64_t(highest); }

  /// The nearest code.
  double getCode(double value, double scale) const { return std::clamp(std::nearbyint(value / scale), lowest, highest); }

  /// The scale for codes of these numbers, an f32 number: of several candidates the one with the least squared error, each number
  /// counting by its of `weights` (none: all the same).
  float findScale(llvm::ArrayRef<double> values, llvm::ArrayRef<double> weights = {}) const;

private:
  int64_t bits;
  double lowest, highest;
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_STOREDCODES_H
