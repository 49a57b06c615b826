// The search for groups of four among sixteen rows: exhaustive, within a budget.
#include "PairChains.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace qc {
namespace {
constexpr int coverBudget = 800, halfBudget = 100;
} // namespace

/// Saturating sums, sixteen at a time for the vectorizer.
static void addBytes(const uint8_t *a, const uint8_t *b, int64_t width, uint8_t *to) {
  for (int64_t at = 0; at < width; at += 16)
    for (int64_t i = at; i < at + 16; ++i)
      to[i] = static_cast<uint8_t>(a[i] + std::min<uint8_t>(b[i], static_cast<uint8_t>(255 - a[i])));
}

PairChains::PairChains(int64_t high, int64_t low, int64_t channels)
    : channels(channels), width(2 * channels), limits(width), magnitudes(numRows * width), sums(numRows * numRows * width),
      known(size_t(1) << numRows) {
  // Sums saturate at 255, so a limit must lie below.
  std::fill_n(limits.begin(), channels, static_cast<uint8_t>(std::min<int64_t>(high, 254)));
  std::fill_n(limits.begin() + channels, channels, static_cast<uint8_t>(std::min<int64_t>(low, 254)));
}

bool PairChains::isSafe(const uint8_t *a, const uint8_t *b) const {
  std::array<uint8_t, 16> sum, over{};
  for (int64_t at = 0; at < width; at += 16) {
    addBytes(a + at, b + at, 16, sum.data());
    for (int64_t i = 0; i < 16; ++i)
      over[i] |= static_cast<uint8_t>(std::max(sum[i], limits[at + i]) ^ limits[at + i]);
  }
  std::array<uint64_t, 2> halves;
  std::memcpy(halves.data(), over.data(), sizeof(halves));
  return !(halves[0] | halves[1]);
}

bool PairChains::isSafeGroup(int a, int b, int c, int d) {
  unsigned set = 1u << a | 1u << b | 1u << c | 1u << d;
  if (!known[set]) {
    touched.push_back(set);
    known[set] = isSafe(getSum(a, b), getSum(c, d)) ? 1 : 2;
  }
  return known[set] == 1;
}

/// Covers the rows of `free` with safe groups, the hardest row first.
bool PairChains::cover(unsigned free, int groups) {
  if (!free)
    return true;
  int lead = 0;
  while (!(free >> rank[lead] & 1))
    ++lead;
  int a = rank[lead];
  std::array<int, numRows> rest;
  int count = 0;
  // The easiest partners first: they leave room for a hard row.
  for (int i = numRows - 1; i > lead; --i)
    if (free >> rank[i] & 1)
      rest[count++] = rank[i];
  for (int i = 0; i < count; ++i)
    for (int j = i + 1; isSafePair(a, rest[i]) && j < count; ++j)
      for (int l = j + 1; isSafePair(a, rest[j]) && isSafePair(rest[i], rest[j]) && l < count; ++l) {
        if (--budget < 0)
          return false;
        int b = rest[i], c = rest[j], d = rest[l];
        // A group holds safe pairs only.
        if (!isSafePair(a, d) || !isSafePair(b, d) || !isSafePair(c, d) ||
            !isSafeGroup(std::min(a, b), std::max(a, b), std::min(c, d), std::max(c, d)))
          continue;
        int *to = slots.data() + groups * groupSize;
        to[0] = a, to[1] = b, to[2] = c, to[3] = d;
        if (cover(free & ~(1u << a | 1u << b | 1u << c | 1u << d), groups + 1))
          return true;
      }
  return false;
}

bool PairChains::pairUp(unsigned free, int at) {
  if (!free)
    return true;
  int a = llvm::countr_zero(free);
  for (int b = a + 1; b < numRows; ++b)
    if (free >> b & 1 && isSafePair(a, b)) {
      slots[at] = a, slots[at + 1] = b;
      if (pairUp(free & ~(1u << a | 1u << b), at + 2))
        return true;
    }
  return false;
}

/// Two safe groups, and four safe pairs of the rest.
bool PairChains::chooseHalf() {
  std::vector<unsigned> safe;
  for (int a = 0; a < numRows; ++a)
    for (int b = a + 1; b < numRows; ++b)
      for (int c = b + 1; isSafePair(a, b) && c < numRows; ++c)
        for (int d = c + 1; isSafePair(a, c) && isSafePair(b, c) && d < numRows; ++d)
          if (isSafePair(a, d) && isSafePair(b, d) && isSafePair(c, d) && isSafeGroup(a, b, c, d))
            safe.push_back(1u << a | 1u << b | 1u << c | 1u << d);
  int tries = 0;
  for (size_t i = 0; i < safe.size(); ++i)
    for (size_t j = i + 1; j < safe.size(); ++j) {
      if (safe[i] & safe[j])
        continue;
      if (++tries > halfBudget)
        return false;
      int at = 0;
      for (unsigned set : {safe[i], safe[j]})
        for (unsigned rest = set; rest; rest &= rest - 1)
          slots[at++] = llvm::countr_zero(rest);
      if (pairUp(0xFFFFu & ~(safe[i] | safe[j]), at))
        return true;
    }
  return false;
}

int PairChains::choose(llvm::ArrayRef<int16_t> weights, Order &order) {
  for (unsigned set : touched)
    known[set] = 0;
  touched.clear();
  std::array<int, numRows> load{};
  for (int row = 0; row < numRows; ++row)
    for (int64_t n = 0; n < channels; ++n) {
      int w = weights[row * channels + n];
      magnitudes[row * width + n] = static_cast<uint8_t>(std::max(w, 0));
      magnitudes[row * width + channels + n] = static_cast<uint8_t>(std::max(-w, 0));
      load[row] += w * w;
    }
  for (int a = 0; a < numRows; ++a)
    for (int b = a + 1; b < numRows; ++b) {
      const uint8_t *x = magnitudes.data() + a * width, *y = magnitudes.data() + b * width;
      addBytes(x, y, width, getSum(a, b));
      pairs[a * numRows + b] = pairs[b * numRows + a] = isSafe(x, y);
    }
  std::iota(rank.begin(), rank.end(), 0);
  llvm::sort(rank, [&](int a, int b) { return std::pair(load[a], a) > std::pair(load[b], b); });
  budget = coverBudget;
  int groups = cover(0xFFFFu, 0) ? 4 : chooseHalf() ? 2 : 0;
  order = slots;
  return groups;
}
} // namespace qc
