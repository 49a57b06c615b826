// Weights whose neighbours along the reduction share a factor, as those of group scales do.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_GROUPEDWEIGHTS_H
#define QC_LIB_CONVERSION_EMITKERNELS_GROUPEDWEIGHTS_H

#include "PackedWeights.h"

#include <memory>

namespace qc {
/// weight = factor * code, one factor for each `length` neighbours of an output channel's weights: the greatest common divisor,
/// with the sign that makes the code of the largest magnitude negative. So nothing is lost. Scales of groups that are small
/// multiples of the channel's leave such weights.
struct GroupedWeights {
  int64_t length;
  std::vector<int8_t> codes;   ///< as `weights`
  std::vector<int8_t> factors; ///< not 0, one for each `length` of them
  WeightCode code;             ///< of all codes; its shift is 0

  /// The lengths of groups that kernels take, the longest first.
  static ArrayRef<int64_t> getLengths();
  /// Of whole groups of `length`; null if weights have few bits as they are, if their codes take more than four, if all factors
  /// are equal, or if codes and factors together take as many bits.
  static std::shared_ptr<const GroupedWeights> find(ArrayRef<int8_t> weights, int64_t length);
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_GROUPEDWEIGHTS_H
