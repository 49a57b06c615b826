// Straight pieces through a function on codes: the least largest error by stabbing lines, then the least squares by dynamic
// programming, then integers. Plain IEEE arithmetic (N1).
#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"

#include "qc/Dialect/QC/Schemes/Schemes.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace qc;

bool CodeFunction::isDefined(int64_t i) const { return std::isfinite(values[i]); }

CodeFunction qc::tabulate(Operation *op) {
  QuantSchemeInterface from = getScheme(op->getOperand(0).getType()), to = getScheme(op->getResult(0).getType());
  CodeFunction function;
  auto [low, high] = getCodeLimits(from.getCodeType());
  function.low = low;
  std::tie(function.codeMin, function.codeMax) = to.getCodeRange();
  SmallVector<int64_t> codes;
  for (int64_t code = low; code <= high; ++code)
    codes.push_back(code);
  auto reals = from.decode(codes, {});
  function.inputs.assign(reals.begin(), reals.end());
  function.values = evaluateUnary(op, function.inputs);
  auto encoded = to.encode(function.values, {});
  function.codes.assign(encoded.begin(), encoded.end());
  double scale = to.getScaleValues()[0];
  auto zero = double(to.getZeroPointValues()[0]);
  for (double &value : function.values)
    value = value / scale + zero;
  return function;
}

int64_t PiecewiseLinear::evaluate(int64_t x) const {
  size_t p = llvm::upper_bound(knots, x) - knots.begin();
  // The sum fits 32 bits, its terms may not.
  auto sum = int64_t(int32_t(uint32_t(slopes[p]) * uint32_t(x) + uint32_t(intercepts[p])));
  int64_t half = shift ? int64_t(1) << (shift - 1) : 0;
  return std::clamp((sum + half) >> shift, codeMin, codeMax);
}

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();

/// y = slope * (x - first code of the input) + offset.
struct Line {
  double slope = 0, offset = 0;
};

/// The pieces of one function. Positions are indices of codes, from 0 on; a segment is [first, last).
class Fitter {
public:
  explicit Fitter(const CodeFunction &function) : f(function), n(function.size()), middle(double(n) / 2) {
    sums.resize(n + 1);
    for (int64_t i = 0; i < n; ++i) {
      sums[i + 1] = sums[i];
      if (!f.isDefined(i))
        continue;
      // From the middle, so that sums of squares keep their low digits.
      double x = double(i) - middle, y = target(i), terms[] = {1, x, x * x, y, x * y, y * y};
      for (int k = 0; k < 6; ++k)
        sums[i + 1][k] += terms[k];
    }
  }

  /// The ends of pieces that each reach as far as a line within `error` codes does. No other cover has fewer: part of what one
  /// line covers is covered by it, too. Empty if there would be more than `most`.
  std::vector<int64_t> cover(int64_t error, int64_t most, int64_t step) const {
    std::vector<int64_t> ends;
    for (int64_t first = 0; first < n;) {
      if (int64_t(ends.size()) == most)
        return {};
      first = reach(first, first, error, step);
      ends.push_back(first);
    }
    return ends;
  }

  /// The least error that `most` pieces with knots at multiples of `step` can have.
  int64_t leastError(int64_t most, int64_t step) const {
    int64_t high = 1;
    if (!cover(0, most, step).empty())
      return 0;
    while (cover(high, most, step).empty())
      high *= 2;
    int64_t low = high / 2; // is too little
    while (high - low > 1) {
      int64_t error = low + (high - low) / 2;
      (cover(error, most, step).empty() ? low : high) = error;
    }
    return high;
  }

  /// The ends of at most `most` pieces within `error`, knots at multiples of `step`, with the least sum of squares.
  std::vector<int64_t> leastSquares(int64_t error, int64_t most, int64_t step) const {
    int64_t m = (n + step - 1) / step;
    auto at = [&](int64_t i) { return std::min(i * step, n); };
    std::vector<int64_t> furthest(m);
    for (int64_t i = 0; i < m; ++i)
      furthest[i] = (reach(at(i), i ? at(std::max(furthest[i - 1], i + 1)) : 0, error, step) + step - 1) / step;
    std::vector<double> before(m + 1, infinity), now;
    before[0] = 0;
    std::vector<std::vector<int32_t>> from;
    for (int64_t p = 0; p < most; ++p) {
      now.assign(m + 1, infinity);
      from.emplace_back(m + 1, -1);
      for (int64_t i = 0; i < m; ++i) {
        if (before[i] == infinity)
          continue;
        for (int64_t j = i + 1; j <= furthest[i]; ++j)
          if (double cost = before[i] + squares(at(i), at(j)); cost < now[j]) {
            now[j] = cost;
            from.back()[j] = int32_t(i);
          }
      }
      std::swap(before, now);
    }
    // With exactly `most` pieces, or fewer where there are not that many codes.
    std::vector<int64_t> ends;
    int64_t p = most;
    if (before[m] == infinity)
      return cover(error, most, step);
    for (int64_t j = m; p > 0; j = from[--p][j])
      ends.push_back(at(j));
    std::reverse(ends.begin(), ends.end());
    return ends;
  }

  /// Moves knots one by one to where the squares of both neighbours become less, within `error`.
  void refine(std::vector<int64_t> &ends, int64_t error, int64_t step) const {
    for (; step >= 1; step /= 2)
      for (size_t k = 0; k + 1 < ends.size(); ++k)
        for (int64_t move : {-step, step}) {
          int64_t left = k ? ends[k - 1] : 0, right = ends[k + 1];
          for (int64_t at = ends[k] + move; at > left && at < right; at += move) {
            if (squares(left, at) + squares(at, right) >= squares(left, ends[k]) + squares(ends[k], right) ||
                !fits(left, at, error) || !fits(at, right, error))
              break;
            ends[k] = at;
          }
        }
  }

  /// Integers for the pieces that end at `ends`, and their errors.
  PiecewiseLinear toIntegers(ArrayRef<int64_t> ends, int64_t error) const {
    SmallVector<Line> lines;
    for (size_t p = 0; p < ends.size(); ++p)
      lines.push_back(fit(p ? ends[p - 1] : 0, ends[p], error));
    // The largest shift with which every piece fits 32 bits.
    PiecewiseLinear best;
    for (int64_t shift = 20; shift >= 0; --shift) {
      bool fits32;
      best = round(ends, lines, shift, error, fits32);
      if (fits32)
        break;
    }
    double sum = 0;
    int64_t defined = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (!f.isDefined(i))
        continue;
      auto distance = double(std::abs(best.evaluate(f.low + i) - f.codes[i]));
      best.maxError = std::max(best.maxError, distance);
      sum += distance;
      ++defined;
    }
    best.meanError = defined ? sum / double(defined) : 0;
    return best;
  }

  /// True if one line comes within `error` of [first, last).
  bool fits(int64_t first, int64_t last, int64_t error) const {
    double size;
    findSlope(first, last, error, regress(first, last).slope, /*any=*/true, size);
    return size >= 0;
  }

private:
  /// The value that a line should have: limits as far as codes go, undefined ones nowhere near.
  double target(int64_t i) const { return std::clamp(f.values[i], double(f.codeMin), double(f.codeMax)); }
  /// What a line may be at `i` so that its code, limited, is within `error`. A value halfway up rounds up.
  std::pair<double, double> window(int64_t i, int64_t error) const {
    if (!f.isDefined(i))
      return {-infinity, infinity};
    int64_t low = f.codes[i] - error, high = f.codes[i] + error;
    return {low <= f.codeMin ? -infinity : double(low) - 0.5, high >= f.codeMax ? infinity : double(high) + 0.5 - 0x1p-20};
  }

  struct Gap {
    double size = infinity; ///< room for the offset: lines with this slope exist if it is not negative
    double low = -infinity, high = infinity;
    double growth = 0; ///< of the size with the slope
  };
  Gap getGap(int64_t first, int64_t last, int64_t error, double slope) const {
    Gap gap;
    int64_t atLow = 0, atHigh = 0;
    for (int64_t i = first; i < last; ++i) {
      auto [low, high] = window(i, error);
      double line = slope * double(i - first);
      if (low - line > gap.low)
        gap.low = low - line, atLow = i;
      if (high - line < gap.high)
        gap.high = high - line, atHigh = i;
    }
    gap.size = gap.high - gap.low;
    gap.growth = double(atLow - atHigh);
    return gap;
  }

  /// The line of least squares.
  Line regress(int64_t first, int64_t last) const {
    double s[6];
    for (int k = 0; k < 6; ++k)
      s[k] = sums[last][k] - sums[first][k];
    double spread = s[0] * s[2] - s[1] * s[1];
    if (s[0] == 0)
      return {};
    Line line;
    line.slope = s[0] < 2 || spread <= 0 ? 0 : (s[0] * s[4] - s[1] * s[3]) / spread;
    line.offset = (s[3] - line.slope * s[1]) / s[0] - line.slope * middle;
    return line;
  }
  double squares(int64_t first, int64_t last) const {
    double s[6];
    for (int k = 0; k < 6; ++k)
      s[k] = sums[last][k] - sums[first][k];
    if (s[0] < 2)
      return 0;
    double spread = s[2] - s[1] * s[1] / s[0], with = s[4] - s[1] * s[3] / s[0], own = s[5] - s[3] * s[3] / s[0];
    return std::max(0.0, spread > 0 ? own - with * with / spread : own);
  }

  /// The slope with the most room, or one with any. The room is concave in the slope: the tangents of both sides meet above it.
  double findSlope(int64_t first, int64_t last, int64_t error, double start, bool any, double &size) const {
    double best = start;
    Gap gap = getGap(first, last, error, start);
    size = gap.size;
    if (std::isinf(size) || gap.growth == 0 || (any && size >= 0))
      return best;
    // Step out until the room shrinks again.
    bool up = gap.growth > 0;
    double inner = start, innerSize = gap.size, innerGrowth = gap.growth, step = std::max(std::fabs(start), 0x1p-10), outer = 0,
           outerSize = 0, outerGrowth = 0;
    for (int i = 0;; ++i) {
      outer = inner + (up ? step : -step);
      Gap next = getGap(first, last, error, outer);
      if (next.size > size)
        size = next.size, best = outer;
      if (i == 64 || next.growth == 0 || (any && size >= 0))
        return best;
      if ((next.growth > 0) != up) {
        outerSize = next.size, outerGrowth = next.growth;
        break;
      }
      inner = outer, innerSize = next.size, innerGrowth = next.growth, step *= 2;
    }
    for (int i = 0; i < 60; ++i) {
      double at = (outerSize - innerSize + innerGrowth * inner - outerGrowth * outer) / (innerGrowth - outerGrowth);
      double bound = innerSize + innerGrowth * (at - inner);
      if (bound - size <= 1e-9 || (any && bound < 0))
        return best;
      Gap next = getGap(first, last, error, at);
      if (next.size > size)
        size = next.size, best = at;
      if (next.growth == 0 || (any && size >= 0))
        return best;
      bool onInnerSide = (next.growth > 0) == up;
      (onInnerSide ? inner : outer) = at;
      (onInnerSide ? innerSize : outerSize) = next.size;
      (onInnerSide ? innerGrowth : outerGrowth) = next.growth;
    }
    return best;
  }

  /// The furthest multiple of `step`, or the end, that a line from `first` reaches within `error`; `known` is reached already.
  /// One step is always taken.
  int64_t reach(int64_t first, int64_t known, int64_t error, int64_t step) const {
    int64_t good = std::max(std::min(first + step, n), known), bad = n + 1;
    for (int64_t stride = step; good < n; stride *= 2) {
      int64_t next = std::min(good + stride, n);
      if (!fits(first, next, error)) {
        bad = next;
        break;
      }
      good = next;
    }
    while (good < n && bad - good > step) {
      int64_t next = good + (bad - good) / 2 / step * step;
      if (next == good)
        next = good + step;
      (fits(first, next, error) ? good : bad) = next;
    }
    return good;
  }

  /// The line of least squares if it stays within `error`, else the one with the most room.
  Line fit(int64_t first, int64_t last, int64_t error) const {
    Line line = regress(first, last);
    Gap gap = getGap(first, last, error, line.slope);
    double offset = line.offset + line.slope * double(first);
    if (offset >= gap.low && offset <= gap.high)
      return line;
    double size;
    line.slope = findSlope(first, last, error, line.slope, /*any=*/false, size);
    gap = getGap(first, last, error, line.slope);
    offset = std::isinf(gap.size) ? std::clamp(offset, gap.low, gap.high) : gap.low + gap.size / 2;
    line.offset = offset - line.slope * double(first);
    return line;
  }

  /// Integer coefficients; the intercept makes up for the rounding of the slope in the middle of the piece.
  PiecewiseLinear round(ArrayRef<int64_t> ends, ArrayRef<Line> lines, int64_t shift, int64_t error, bool &fits32) const {
    PiecewiseLinear result;
    fits32 = true;
    result.shift = shift;
    result.codeMin = f.codeMin, result.codeMax = f.codeMax;
    double unit = double(int64_t(1) << shift);
    for (auto [p, line] : llvm::enumerate(lines)) {
      int64_t first = p ? ends[p - 1] : 0, last = ends[p];
      if (p)
        result.knots.push_back(int32_t(f.low + first));
      double center = double(first + last - 1) / 2, slope = std::nearbyint(line.slope * unit), least = infinity;
      std::pair<double, double> chosen{slope, 0};
      for (double candidate : {slope, slope - 1, slope + 1}) {
        Gap gap = getGap(first, last, error, candidate / unit);
        // Offsets at `first`, in units.
        double wanted = line.offset * unit + line.slope * unit * center - candidate * (center - double(first));
        double low = std::ceil(gap.low * unit), high = std::floor(gap.high * unit);
        double offset = std::nearbyint(low <= high ? std::clamp(wanted, low, high) : (gap.low + gap.high) / 2 * unit);
        double miss = std::max({gap.low * unit - offset, offset - gap.high * unit, 0.0}) * 0x1p20 + std::fabs(offset - wanted);
        if (miss < least) {
          least = miss;
          chosen = {candidate, offset};
        }
      }
      // What is beyond 32 bits fits for no shift as large as this one.
      double most = double(INT32_MAX), half = unit / 2, slopeUnits = chosen.first, offset = chosen.second;
      fits32 &= std::fabs(slopeUnits) <= most && std::fabs(offset) + half <= most &&
                std::fabs(offset + slopeUnits * double(last - 1 - first)) + half <= most;
      int64_t whole = fits32 ? int64_t(slopeUnits) : 0, start = fits32 ? int64_t(offset) : 0;
      result.slopes.push_back(int32_t(whole));
      result.intercepts.push_back(int32_t(uint32_t(start - whole * (f.low + first))));
    }
    return result;
  }

  const CodeFunction &f;
  int64_t n;
  double middle;
  std::vector<std::array<double, 6>> sums; ///< of 1, x, x^2, y, x*y, y^2 in front of each position
};

/// Beyond, the dynamic program takes long and gains little.
constexpr size_t mostBalancedPieces = 256;

bool isBetter(const PiecewiseLinear &a, const PiecewiseLinear &b) {
  return std::make_pair(a.maxError, a.meanError) < std::make_pair(b.maxError, b.meanError);
}
} // namespace

int64_t qc::countPieces(const CodeFunction &function, int64_t error) {
  return Fitter(function).cover(error, function.size(), 1).size();
}

PiecewiseLinear qc::fitPieces(const CodeFunction &function, int64_t pieces) {
  pieces = std::min(pieces, function.size());
  Fitter fitter(function);
  int64_t error = fitter.leastError(pieces, 1);
  // Up to 1,024 codes knots may stand anywhere; beyond, at one of 1,024 buckets, and then move.
  int64_t step = std::max<int64_t>(function.size() / 1024, 1);
  std::vector<int64_t> free = fitter.cover(error, pieces, 1);
  if (pieces > int64_t(mostBalancedPieces))
    return fitter.toIntegers(free, error);
  fitter.refine(free, error, step / 2);
  PiecewiseLinear best = fitter.toIntegers(free, error);
  int64_t bucketError = step == 1 ? error : fitter.leastError(pieces, step);
  std::vector<int64_t> ends = fitter.leastSquares(bucketError, pieces, step);
  fitter.refine(ends, bucketError, step / 2);
  PiecewiseLinear other = fitter.toIntegers(ends, bucketError);
  return isBetter(other, best) ? other : best;
}

PiecewiseLinear qc::fitWithin(const CodeFunction &function, int64_t error) {
  Fitter fitter(function);
  std::vector<int64_t> ends = fitter.cover(error, function.size(), 1);
  // As many pieces as it takes, but those with the least squares; of very many pieces each is good as it is.
  PiecewiseLinear best = ends.size() <= mostBalancedPieces ? fitPieces(function, ends.size()) : fitter.toIntegers(ends, error);
  ends.clear();
  for (int32_t knot : best.knots)
    ends.push_back(knot - function.low);
  ends.push_back(function.size());
  // Where the rounding of coefficients is too much for a piece, two halves are two chances.
  while (best.maxError > double(error)) {
    std::vector<int64_t> more;
    int64_t first = 0;
    for (int64_t last : ends) {
      bool good = true;
      for (int64_t i = first; i < last && good; ++i)
        good = !function.isDefined(i) || std::abs(best.evaluate(function.low + i) - function.codes[i]) <= error;
      if (!good && last - first > 1)
        more.push_back(first + (last - first) / 2);
      more.push_back(last);
      first = last;
    }
    if (more.size() == ends.size())
      return best;
    ends = std::move(more);
    best = fitter.toIntegers(ends, error);
  }
  return best;
}

PiecewiseLinear qc::fitUniform(const CodeFunction &function, int64_t pieces) {
  std::vector<int64_t> ends;
  for (int64_t p = 1; p <= pieces; ++p)
    ends.push_back(function.size() / pieces * p);
  Fitter fitter(function);
  PiecewiseLinear best;
  // The smallest error that the pieces can have is looked for from below: small ones are the rule.
  for (int64_t error = 0;; error = error ? 2 * error : 1) {
    PiecewiseLinear next = fitter.toIntegers(ends, error);
    if (best.slopes.empty() || isBetter(next, best))
      best = next;
    if (best.maxError <= double(error) || error > function.codeMax - function.codeMin)
      return best;
  }
}

bool qc::canBeUniform(const CodeFunction &function, int64_t pieces, int64_t error) {
  Fitter fitter(function);
  int64_t length = function.size() / pieces;
  for (int64_t p = 0; p < pieces; ++p)
    if (!fitter.fits(p * length, (p + 1) * length, error))
      return false;
  return true;
}

std::optional<unsigned> qc::getUniformLength(PwlOp op) {
  ArrayRef<int32_t> knots = op.getKnots();
  if (knots.empty())
    return std::nullopt;
  Type type = getElementType(op.getInput());
  auto quantized = dyn_cast<quant::QuantizedType>(type);
  auto [low, high] = getCodeLimits(quantized ? getCodeType(quantized) : cast<IntegerType>(type));
  int64_t length = knots[0] - low;
  if (!llvm::isPowerOf2_64(length) || length * int64_t(knots.size() + 1) != high - low + 1)
    return std::nullopt;
  for (auto [i, knot] : llvm::enumerate(knots))
    if (knot != low + length * int64_t(i + 1))
      return std::nullopt;
  return llvm::Log2_64(length);
}
