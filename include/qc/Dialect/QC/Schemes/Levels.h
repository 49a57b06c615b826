// The nearest of a few numbers.
#ifndef QC_DIALECT_QC_SCHEMES_LEVELS_H
#define QC_DIALECT_QC_SCHEMES_LEVELS_H

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace qc {
/// The level nearest to `value`, of two as near the greater one; the lowest for NaN. `levels` ascend.
template <typename List> int64_t getNearestLevel(const List &levels, double value) {
  auto above = std::find_if(std::begin(levels), std::end(levels), [&](int64_t level) { return double(level) >= value; });
  if (value != value || above == std::begin(levels))
    return *std::begin(levels);
  if (above == std::end(levels))
    return *std::prev(above);
  int64_t below = *std::prev(above);
  return double(*above) - value <= value - double(below) ? *above : below;
}
} // namespace qc

#endif // QC_DIALECT_QC_SCHEMES_LEVELS_H
