// Groups of four reduction indices whose products may be added in i16 before they widen.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_PAIRCHAINS_H
#define QC_LIB_CONVERSION_EMITKERNELS_PAIRCHAINS_H

#include "llvm/ADT/ArrayRef.h"

#include <array>
#include <cstdint>
#include <vector>

namespace qc {
/// The sixteen indices of one window for one block of channels. A group of four is safe if in every channel its positive weights
/// add up to at most `high` and its negative ones to at least -`low`: no partial sum of its products can leave i16 then.
class PairChains {
public:
  static constexpr int numRows = 16, groupSize = 4;
  using Order = std::array<int, numRows>;

  /// `channels` is a multiple of eight.
  PairChains(int64_t high, int64_t low, int64_t channels);

  /// `weights`: [16][channels]. Returns how many of the four groups of `order` are safe: 4; or 2, and the rows behind them are
  /// four safe pairs; or 0, and `order` is of no meaning. Takes about ten microseconds; gives up early on hopeless windows.
  int choose(llvm::ArrayRef<int16_t> weights, Order &order);

private:
  bool isSafe(const uint8_t *a, const uint8_t *b) const;
  bool isSafeGroup(int a, int b, int c, int d);
  bool isSafePair(int a, int b) const { return pairs[a * numRows + b]; }
  uint8_t *getSum(int a, int b) { return sums.data() + (a * numRows + b) * width; }
  bool cover(unsigned free, int groups);
  bool pairUp(unsigned free, int at);
  bool chooseHalf();

  int64_t channels, width;
  std::vector<uint8_t> limits;     ///< [positive, negative][channels]
  std::vector<uint8_t> magnitudes; ///< [16][positive, negative][channels]
  std::vector<uint8_t> sums;       ///< of pairs, saturating: [16][16][width]
  std::array<bool, numRows * numRows> pairs;
  std::vector<int8_t> known; ///< by the set of a group's rows: 0 unknown, 1 safe, 2 not
  std::vector<unsigned> touched;
  std::array<int, numRows> slots; ///< what is being built, in places
  std::array<int, numRows> rank;  ///< rows, hardest first
  int budget = 0;
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_PAIRCHAINS_H
