// The calibrators: how a range is read off a histogram.
#include "Histogram.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Reference/Math.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace qc {
namespace {
using Range = std::pair<double, double>;
using Bins = std::vector<Histogram::Bin>;

Range pickMinMax(const Histogram &histogram, IntegerType, double) { return {histogram.min(), histogram.max()}; }

/// Cuts off at most half of (100 - percentile) % of the values on each side.
Range pickPercentile(const Histogram &histogram, IntegerType, double percentile) {
  double most = std::floor(double(histogram.count()) * (100.0 - percentile) / 200.0);
  Bins bins = histogram.bins();
  double low = histogram.min(), high = histogram.max(), cut = 0;
  for (const Histogram::Bin &bin : bins) {
    low = bin.low;
    if ((cut += double(bin.count)) > most)
      break;
  }
  cut = 0;
  for (const Histogram::Bin &bin : llvm::reverse(bins)) {
    high = bin.high;
    if ((cut += double(bin.count)) > most)
      break;
  }
  return {std::max(std::min(low, 0.0), histogram.min()), std::min(std::max(high, 0.0), histogram.max())};
}

/// True if the code has so many levels that a bin is no finer than a step: then the histogram says nothing about rounding.
bool isFinerThanBins(IntegerType code) { return code.getWidth() > 10; }

/// sum of count * (x - Q(x))^2 over bin centers for the affine quantizer of [low, high], saturation included.
double quantizationError(ArrayRef<double> centers, ArrayRef<double> weights, double low, double high,
                         std::pair<int64_t, int64_t> limits) {
  auto [codeLow, codeHigh] = limits;
  double scale = double(float((high - low) / double(codeHigh - codeLow)));
  if (!(scale > 0))
    return std::numeric_limits<double>::infinity();
  double zero = std::clamp(std::nearbyint(double(codeLow) - low / scale), double(codeLow), double(codeHigh));
  double least = double(codeLow) - zero, most = double(codeHigh) - zero, inverse = 1.0 / scale, error = 0;
  // Adding and taking away 1.5 * 2^52 rounds to even as nearbyint does, but as two additions.
  constexpr double magic = 6755399441055744.0;
  for (size_t i = 0, n = centers.size(); i < n; ++i) {
    double code = std::min(std::max(centers[i] * inverse, least), most);
    double difference = centers[i] - ((code + magic) - magic) * scale;
    error += weights[i] * (difference * difference);
  }
  return error;
}

/// The range whose codes are exactly the values seen, if these lie on a grid through zero with no more steps than codes: what was
/// an 8-bit integer once then is one again. A handful of values lies on some grid by chance, which says nothing about values to
/// come.
std::optional<Range> findGrid(const Bins &values, IntegerType code) {
  constexpr size_t fewest = 32;
  if (values.size() < fewest)
    return std::nullopt;
  double step = std::numeric_limits<double>::infinity();
  for (size_t i = 1; i < values.size(); ++i)
    step = std::min(step, values[i].low - values[i - 1].low);
  // The difference of two neighbours is inexact; over the whole width the error is divided by the number of steps.
  double width = values.back().low - values.front().low, steps = std::nearbyint(width / step);
  double levels = std::ldexp(1.0, code.getWidth()) - 1;
  if (steps > levels)
    return std::nullopt;
  step = width / steps;
  for (const Histogram::Bin &bin : values)
    if (double position = bin.low / step; std::fabs(position - std::nearbyint(position)) > 1e-3)
      return std::nullopt;
  double lowest = std::min(std::nearbyint(values.front().low / step), 0.0),
         highest = std::max(std::nearbyint(values.back().low / step), 0.0);
  double spare = levels - (highest - lowest);
  if (spare < 0)
    return std::nullopt;
  // Codes to spare: values to come may exceed those seen, on the side of zero only if they did so before.
  if (lowest < 0)
    lowest -= highest > 0 ? std::floor(spare / 2) : spare;
  return Range{lowest * step, (lowest + levels) * step};
}

/// Searches lower and upper limit together: a grid over both, then ever finer grids around the best.
Range pickMse(const Histogram &histogram, IntegerType code, double) {
  double low = histogram.min(), high = histogram.max();
  if (low == high || isFinerThanBins(code))
    return {low, high};
  std::pair<int64_t, int64_t> limits = getCodeLimits(code);
  Bins bins = histogram.distinctValues();
  if (auto grid = findGrid(bins, code))
    return *grid;
  if (bins.empty())
    bins = histogram.bins();
  std::vector<double> centers, weights;
  for (const Histogram::Bin &bin : bins) {
    // The outermost bins reach beyond what was seen.
    double center = (std::max(bin.low, low) + std::min(bin.high, high)) / 2;
    centers.push_back(center);
    weights.push_back(double(bin.count));
  }
  // Fractions of the full range; the grid of 1/16 is refined by halves to 1/1024.
  double bestLow = 1, bestHigh = 1;
  double best = quantizationError(centers, weights, low, high, limits);
  auto tryLimits = [&](double fractionLow, double fractionHigh) {
    if (fractionLow < 0 || fractionHigh < 0 || fractionLow > 1 || fractionHigh > 1)
      return;
    double error = quantizationError(centers, weights, low * fractionLow, high * fractionHigh, limits);
    if (error < best) {
      best = error;
      bestLow = fractionLow;
      bestHigh = fractionHigh;
    }
  };
  int lowSteps = low < 0 ? 16 : 0, highSteps = high > 0 ? 16 : 0;
  for (int i = 0; i <= lowSteps; ++i)
    for (int j = 0; j <= highSteps; ++j)
      tryLimits(1 - i / 16.0, 1 - j / 16.0);
  for (double step = 1 / 32.0; step >= 1 / 1024.0; step /= 2) {
    double aroundLow = bestLow, aroundHigh = bestHigh;
    for (int i = lowSteps ? -2 : 0; i <= (lowSteps ? 2 : 0); ++i)
      for (int j = highSteps ? -2 : 0; j <= (highSteps ? 2 : 0); ++j)
        tryLimits(aroundLow + i * step, aroundHigh + j * step);
  }
  return {low * bestLow, high * bestHigh};
}

/// The threshold on |x| whose quantized distribution diverges least (Kullback-Leibler) from the clipped one.
Range pickEntropy(const Histogram &histogram, IntegerType code, double) {
  double low = histogram.min(), high = histogram.max();
  if (low == high || isFinerThanBins(code))
    return {low, high};
  if (auto grid = findGrid(histogram.distinctValues(), code))
    return *grid;
  double width;
  std::vector<uint64_t> counts = histogram.magnitudes(width);
  while (!counts.empty() && counts.back() == 0)
    counts.pop_back();
  // A tensor of one sign has all levels for its magnitudes, others half of them.
  size_t levels = size_t(1) << (low < 0 && high > 0 ? code.getWidth() - 1 : code.getWidth());
  double bestDivergence = std::numeric_limits<double>::infinity();
  size_t bestBins = counts.size();
  size_t step = std::max<size_t>(1, counts.size() / 256);
  std::vector<double> reference, quantized;
  for (size_t bins = std::min(levels, counts.size());; bins = std::min(bins + step, counts.size())) {
    // The clipped distribution carries what lies beyond the threshold in its last bin; the quantized one spreads each level's
    // count evenly over the level's non-empty bins.
    reference.assign(counts.begin(), counts.begin() + bins);
    quantized.assign(bins, 0.0);
    double beyond = 0;
    for (size_t i = bins; i < counts.size(); ++i)
      beyond += double(counts[i]);
    reference.back() += beyond;
    size_t usedLevels = std::min(levels, bins);
    for (size_t level = 0; level < usedLevels; ++level) {
      size_t begin = level * bins / usedLevels, end = (level + 1) * bins / usedLevels;
      double sum = 0, filled = 0;
      for (size_t i = begin; i < end; ++i) {
        sum += double(counts[i]);
        filled += counts[i] != 0;
      }
      for (size_t i = begin; i < end; ++i)
        quantized[i] = counts[i] ? sum / filled : 0.0;
    }
    double referenceSum = 0, quantizedSum = 0;
    for (size_t i = 0; i < bins; ++i) {
      referenceSum += reference[i];
      quantizedSum += quantized[i];
    }
    double divergence = 0;
    for (size_t i = 0; i < bins && quantizedSum > 0; ++i) {
      double p = reference[i] / referenceSum, q = quantized[i] / quantizedSum;
      // A last bin that holds only what was clipped has no counterpart; a small one keeps the divergence finite.
      if (p > 0)
        divergence += p * (exactLog(p) - exactLog(std::max(q, 1e-12)));
    }
    if (quantizedSum > 0 && divergence < bestDivergence) {
      bestDivergence = divergence;
      bestBins = bins;
    }
    if (bins == counts.size())
      break;
  }
  double threshold = double(bestBins) * width;
  return {std::max(low, -threshold), std::min(high, threshold)};
}

constexpr Calibrator calibrators[] = {
    {"minmax", "all values that were seen", pickMinMax},
    {"percentile", "all but the outermost", pickPercentile},
    {"mse", "the least mean square error, clipping and rounding together", pickMse},
    {"entropy", "the least Kullback-Leibler divergence of the magnitudes", pickEntropy},
};
} // namespace

llvm::ArrayRef<Calibrator> getCalibrators() { return calibrators; }

llvm::Expected<const Calibrator *> findCalibrator(llvm::StringRef name) {
  std::string known;
  for (const Calibrator &calibrator : calibrators) {
    if (calibrator.name == name)
      return &calibrator;
    known += (known.empty() ? "" : ", ") + calibrator.name.str();
  }
  return llvm::createStringError("unknown calibrator '" + name + "'; known are " + known);
}
} // namespace qc
