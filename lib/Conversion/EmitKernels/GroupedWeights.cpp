// The factors that groups of weights have in common.
#include "GroupedWeights.h"

#include "llvm/ADT/STLExtras.h"

#include <cstdlib>
#include <numeric>

namespace qc {
ArrayRef<int64_t> GroupedWeights::getLengths() {
  static constexpr int64_t lengths[] = {32, 24, 16};
  return lengths;
}

std::shared_ptr<const GroupedWeights> GroupedWeights::find(ArrayRef<int8_t> weights, int64_t length) {
  if (weights.empty() || weights.size() % length)
    return nullptr;
  WeightCode plain = WeightCode::find({weights}, /*needsZero=*/false);
  if (plain.isFewBits(4))
    return nullptr;
  auto grouped = std::make_shared<GroupedWeights>();
  grouped->length = length;
  grouped->codes.reserve(weights.size());
  int low = 0, high = 0;
  for (size_t first = 0; first < weights.size(); first += length) {
    ArrayRef<int8_t> group = weights.slice(first, length);
    int factor = 0;
    for (int8_t w : group)
      factor = std::gcd(factor, std::abs(int(w)));
    factor = std::max(factor, 1);
    if (*llvm::max_element(group) > -*llvm::min_element(group))
      factor = -factor;
    if (factor > 127)
      return nullptr;
    grouped->factors.push_back(int8_t(factor));
    for (int8_t w : group) {
      int code = w / factor;
      low = std::min(low, code);
      high = std::max(high, code);
      grouped->codes.push_back(int8_t(code));
    }
    if (low < -8 || high - low > 15)
      return nullptr;
  }
  if (llvm::all_equal(grouped->factors)) // the channel's scale could have had it
    return nullptr;
  grouped->code = {std::max<int64_t>(llvm::bit_width(unsigned(high - low)), 1), low, 0};
  // A factor is a byte.
  return grouped->code.bits * length + 8 < plain.bits * length ? grouped : nullptr;
}
} // namespace qc
