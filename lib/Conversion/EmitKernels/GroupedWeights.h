// Weights whose neighbours along the reduction share a factor, as those of group scales do.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_GROUPEDWEIGHTS_H
#define QC_LIB_CONVERSION_EMITKERNELS_GROUPEDWEIGHTS_H

#include "PackedWeights.h"

#include <memory>

namespace qc {
/// weight = factor * code, one factor for each `length` neighbours of an output channel's weights: the greatest common divisor,
/// so nothing is lost. Scales of groups that are small multiples of the channel's leave such weights.
struct GroupedWeights {
  static constexpr int64_t length = 32;
  std::vector<int8_t> codes;    ///< as `weights`
  std::vector<uint8_t> factors; ///< 1 to 128, one for each `length` of them
  WeightCode code;              ///< of all codes; its shift is 0

  /// Of whole groups; null if weights have few bits as they are, if their codes take more than four, if all factors are equal, or
  /// if codes and factors together take as many bits.
  static std::shared_ptr<const GroupedWeights> find(ArrayRef<int8_t> weights);
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_GROUPEDWEIGHTS_H
