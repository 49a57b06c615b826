// The streaming histogram.
#include "Histogram.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qc {
bool Histogram::add(llvm::ArrayRef<float> values) {
  // Block by block: one pass finds limits and what is not finite, the next counts.
  float low = 0, high = 0, small = std::numeric_limits<float>::infinity();
  bool finite = true;
  for (float v : values) {
    low = v < low ? v : low;
    high = v > high ? v : high;
    small = std::fabs(v) < small ? std::fabs(v) : small;
    finite &= std::fabs(v) <= std::numeric_limits<float>::max();
  }
  if (!finite)
    return false;
  total += values.size();
  least = std::min(least, low);
  most = std::max(most, high);
  nearest = std::min(nearest, small);
  float magnitude = std::max(-low, high);
  if (magnitude == 0) {
    zeros += values.size();
    return true;
  }
  int needed;
  std::frexp(magnitude, &needed); // magnitude < 2^needed
  growTo(needed);
  // A power of two times a float is exact; the largest magnitude gives at most numBins/2 - 1. Below 2^smallestExponent everything
  // shares the two innermost bins.
  double scale = std::ldexp(double(numBins / 2), -exponent);
  uint64_t *center = counts.data() + numBins / 2;
  uint64_t zerosHere = 0;
  for (float v : values) {
    double x = double(v) * scale;
    int64_t bin = int64_t(x);
    bin -= double(bin) > x; // floor
    uint64_t isZero = v == 0;
    zerosHere += isZero;
    center[bin] += 1 - isZero;
  }
  zeros += zerosHere;
  for (size_t i = 0; i < values.size() && !manyDistinct; ++i)
    if (values[i] != 0)
      addDistinct(llvm::bit_cast<uint32_t>(values[i]), 1);
  return true;
}

void Histogram::addDistinct(uint32_t bits, uint64_t count) {
  if (manyDistinct)
    return;
  distinct[bits] += count;
  // Whether there are more values than this depends on the set of values alone.
  if (distinct.size() > maxDistinct) {
    manyDistinct = true;
    distinct.clear();
  }
}

void Histogram::growTo(int wanted) {
  if (counts.empty()) {
    counts.assign(numBins, 0);
    exponent = std::max(exponent, wanted);
    return;
  }
  for (; exponent < wanted; ++exponent) {
    for (int64_t i = 0; i < numBins / 4; ++i) {
      // Bins -2j-2 and -2j-1 become -j-1; bins 2j and 2j+1 become j. Inner ones first, so that nothing is read after it was
      // written.
      uint64_t *center = counts.data() + numBins / 2;
      uint64_t upper = center[2 * i] + center[2 * i + 1], lower = center[-2 * i - 1] + center[-2 * i - 2];
      center[i] = upper;
      center[-i - 1] = lower;
    }
    for (int64_t i = numBins / 4; i < numBins / 2; ++i) {
      counts[numBins / 2 + i] = 0;
      counts[numBins / 2 - i - 1] = 0;
    }
  }
}

void Histogram::merge(const Histogram &other) {
  total += other.total;
  zeros += other.zeros;
  least = std::min(least, other.least);
  most = std::max(most, other.most);
  nearest = std::min(nearest, other.nearest);
  if (other.counts.empty())
    return;
  if (other.manyDistinct) {
    manyDistinct = true;
    distinct.clear();
  }
  for (auto [bits, count] : other.distinct)
    addDistinct(bits, count);
  Histogram grown = other;
  int common = std::max(counts.empty() ? other.exponent : exponent, other.exponent);
  growTo(common);
  grown.growTo(common);
  for (int64_t i = 0; i < numBins; ++i)
    counts[i] += grown.counts[i];
}

std::vector<Histogram::Bin> Histogram::bins() const {
  std::vector<Bin> result;
  double width = std::ldexp(1.0, exponent + 1) / double(numBins);
  for (int64_t i = 0; i < int64_t(counts.size()); ++i)
    if (counts[i])
      result.push_back({double(i - numBins / 2) * width, double(i + 1 - numBins / 2) * width, counts[i]});
  return result;
}

std::vector<int64_t> Histogram::count(double low, double high, int64_t parts) const {
  std::vector<int64_t> result(parts, 0);
  auto add = [&](double value, uint64_t count) {
    double part = high > low ? std::floor((value - low) / (high - low) * double(parts)) : 0;
    result[int64_t(std::clamp(part, 0.0, double(parts - 1)))] += int64_t(count);
  };
  std::vector<Bin> known = distinctValues();
  for (const Bin &bin : known.empty() ? bins() : known)
    add((bin.low + bin.high) / 2, bin.count);
  if (zeros)
    add(0, zeros);
  return result;
}

std::vector<Histogram::Bin> Histogram::distinctValues() const {
  std::vector<Bin> result;
  for (auto [bits, count] : distinct) {
    double value = llvm::bit_cast<float>(bits);
    result.push_back({value, value, count});
  }
  llvm::sort(result, [](const Bin &a, const Bin &b) { return a.low < b.low; });
  return result;
}

std::vector<uint64_t> Histogram::magnitudes(double &width) const {
  width = std::ldexp(1.0, exponent + 1) / double(numBins);
  std::vector<uint64_t> result(numBins / 2, 0);
  if (!counts.empty())
    for (int64_t i = 0; i < numBins / 2; ++i)
      result[i] = counts[numBins / 2 + i] + counts[numBins / 2 - i - 1];
  return result;
}

bool Histogram::operator==(const Histogram &other) const {
  return total == other.total && zeros == other.zeros && least == other.least && most == other.most && nearest == other.nearest &&
         exponent == other.exponent && counts == other.counts && manyDistinct == other.manyDistinct && distinct == other.distinct;
}
} // namespace qc
