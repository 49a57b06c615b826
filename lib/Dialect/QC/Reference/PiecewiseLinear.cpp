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

int64_t PiecewiseLinear::evaluate(int64_t x) const { return evaluate(x, llvm::upper_bound(knots, x) - knots.begin()); }
int64_t PiecewiseLinear::evaluate(int64_t x, size_t p) const {
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

} // namespace

/// The pieces of one function. Positions are indices of codes, from 0 on; a segment is [first, last).
class PieceFitter::Implementation {
public:
  explicit Implementation(const CodeFunction &function) : f(function), n(function.size()), middle(double(n) / 2) {
    sums.resize(n + 1);
    for (int64_t i = 0; i < n; ++i) {
      sums[i + 1] = sums[i];
      positions.push_back(double(i));
      if (!f.isDefined(i))
        continue;
      // From the middle, so that sums of squares keep their low digits.
      double x = double(i) - middle, y = target(i), w = f.weights.empty() ? 1 : f.weights[i];
      double terms[] = {w, w * x, w * (x * x), w * y, w * (x * y), w * (y * y), 1};
      for (int k = 0; k < 7; ++k)
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
    // How many pieces it takes from each position to the end, at least: what cannot end in time is not looked at.
    std::vector<int64_t> needed(m + 1, 0);
    for (int64_t i = m - 1; i >= 0; --i)
      needed[i] = needed[furthest[i]] + 1;
    std::vector<std::vector<double>> costs(m); // of a piece from i, by its length
    std::vector<double> before(m + 1, infinity), now;
    before[0] = 0;
    std::vector<std::vector<int32_t>> from;
    for (int64_t p = 0; p < most; ++p) {
      now.assign(m + 1, infinity);
      from.emplace_back(m + 1, -1);
      for (int64_t i = 0; i < m; ++i) {
        if (before[i] == infinity || needed[i] > most - p)
          continue;
        for (int64_t j = i + 1 + int64_t(costs[i].size()); j <= furthest[i]; ++j)
          costs[i].push_back(squares(at(i), at(j)));
        for (int64_t j = furthest[i]; j > i && needed[j] < most - p; --j)
          if (double cost = before[i] + costs[i][j - i - 1]; cost < now[j]) {
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
    size_t suspect = 0; // the piece that was too large last time
    for (int64_t shift = 20; shift >= 0; --shift) {
      std::optional<Coefficients> tried = round(ends, lines, suspect, shift, error);
      if (!tried && shift > 0)
        continue;
      if (auto pieces = roundAll(ends, lines, shift, error, suspect)) {
        best = std::move(*pieces);
        break;
      }
    }
    int64_t sum = 0, largest = 0, defined = 0;
    for (size_t p = 0; p < ends.size(); ++p)
      for (int64_t i = p ? ends[p - 1] : 0; i < ends[p]; ++i) {
        if (!f.isDefined(i))
          continue;
        int64_t distance = std::abs(best.evaluate(f.low + i, p) - f.codes[i]);
        largest = std::max(largest, distance);
        sum += distance;
        ++defined;
      }
    best.maxError = double(largest);
    best.meanError = defined ? double(sum) / double(defined) : 0;
    return best;
  }

  const CodeFunction &getFunction() const { return f; }
  int64_t size() const { return n; }

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

  /// The windows of all codes for one error; those of the last error are kept.
  struct Windows {
    int64_t error = -1;
    std::vector<double> low, high;
  };
  const Windows &windowsOf(int64_t error) const {
    if (windows.error != error) {
      windows.error = error;
      windows.low.resize(n);
      windows.high.resize(n);
      for (int64_t i = 0; i < n; ++i)
        std::tie(windows.low[i], windows.high[i]) = window(i, error);
    }
    return windows;
  }

  struct Gap {
    double size = infinity; ///< room for the offset: lines with this slope exist if it is not negative
    double low = -infinity, high = infinity;
    double growth = 0; ///< of the size with the slope
  };
  Gap getGap(int64_t first, int64_t last, int64_t error, double slope) const {
    const double *lows = windowsOf(error).low.data(), *highs = windowsOf(error).high.data();
    Gap gap;
    int64_t atLow = 0, atHigh = 0;
    // In blocks, which a compiler makes vectors of; the place of an extreme is looked for where there is a new one.
    constexpr int64_t block = 32;
    for (int64_t begin = first; begin < last; begin += block) {
      int64_t end = std::min(begin + block, last);
      double most = -infinity, least = infinity;
      for (int64_t i = begin; i < end; ++i) {
        double line = slope * positions[i - first], low = lows[i] - line, high = highs[i] - line;
        most = low > most ? low : most;
        least = high < least ? high : least;
      }
      if (most > gap.low) {
        gap.low = most;
        for (atLow = begin; lows[atLow] - slope * positions[atLow - first] != most; ++atLow)
          ;
      }
      if (least < gap.high) {
        gap.high = least;
        for (atHigh = begin; highs[atHigh] - slope * positions[atHigh - first] != least; ++atHigh)
          ;
      }
    }
    gap.size = gap.high - gap.low;
    gap.growth = double(atLow - atHigh);
    return gap;
  }

  /// The line of least squares.
  Line regress(int64_t first, int64_t last) const {
    double s[7];
    for (int k = 0; k < 7; ++k)
      s[k] = sums[last][k] - sums[first][k];
    double spread = s[0] * s[2] - s[1] * s[1];
    if (s[6] == 0)
      return {};
    Line line;
    line.slope = s[6] < 2 || spread <= 0 ? 0 : (s[0] * s[4] - s[1] * s[3]) / spread;
    line.offset = (s[3] - line.slope * s[1]) / s[0] - line.slope * middle;
    return line;
  }
  double squares(int64_t first, int64_t last) const {
    double s[7];
    for (int k = 0; k < 7; ++k)
      s[k] = sums[last][k] - sums[first][k];
    if (s[6] < 2)
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

  struct Coefficients {
    int64_t slope, start; ///< start: the line's value at the first code of the piece
  };

  /// Integer coefficients of piece `p`; the intercept makes up for the rounding of the slope in the middle of the piece. Nothing
  /// if they exceed 32 bits.
  std::optional<Coefficients> round(ArrayRef<int64_t> ends, ArrayRef<Line> lines, size_t p, int64_t shift, int64_t error) const {
    const Line &line = lines[p];
    double unit = double(int64_t(1) << shift), most = double(INT32_MAX), half = unit / 2;
    int64_t first = p ? ends[p - 1] : 0, last = ends[p];
    double center = double(first + last - 1) / 2, slope = std::nearbyint(line.slope * unit), least = infinity;
    if (std::fabs(slope) > most + 1)
      return std::nullopt;
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
    double slopeUnits = chosen.first, offset = chosen.second;
    if (std::fabs(slopeUnits) <= most && std::fabs(offset) + half <= most &&
        std::fabs(offset + slopeUnits * double(last - 1 - first)) + half <= most)
      return Coefficients{int64_t(slopeUnits), int64_t(offset)};
    return std::nullopt;
  }

  /// All pieces with one shift. If one exceeds 32 bits, nothing, and that one in `suspect`; with shift 0 such a piece is zero.
  std::optional<PiecewiseLinear> roundAll(ArrayRef<int64_t> ends, ArrayRef<Line> lines, int64_t shift, int64_t error,
                                          size_t &suspect) const {
    PiecewiseLinear result;
    result.shift = shift;
    result.codeMin = f.codeMin, result.codeMax = f.codeMax;
    for (size_t p = 0; p < lines.size(); ++p) {
      std::optional<Coefficients> piece = round(ends, lines, p, shift, error);
      if (!piece && shift > 0) {
        suspect = p;
        return std::nullopt;
      }
      int64_t first = p ? ends[p - 1] : 0, slope = piece ? piece->slope : 0, start = piece ? piece->start : 0;
      if (p)
        result.knots.push_back(int32_t(f.low + first));
      result.slopes.push_back(int32_t(slope));
      result.intercepts.push_back(int32_t(uint32_t(start - slope * (f.low + first))));
    }
    return result;
  }

  const CodeFunction &f;
  int64_t n;
  double middle;
  std::vector<std::array<double, 7>> sums; ///< of 1, x, x^2, y, x*y, y^2, weighted, and of 1, in front of each position
  std::vector<double> positions;           ///< 0, 1, 2, ...
  mutable Windows windows;
};

namespace {
/// Beyond, the dynamic program takes long and gains little.
constexpr size_t mostBalancedPieces = 256;

bool isBetter(const PiecewiseLinear &a, const PiecewiseLinear &b) {
  return std::make_pair(a.maxError, a.meanError) < std::make_pair(b.maxError, b.meanError);
}
} // namespace

PieceFitter::PieceFitter(const CodeFunction &function) : fitter(std::make_unique<Implementation>(function)) {}
PieceFitter::~PieceFitter() = default;

int64_t PieceFitter::countPieces(int64_t error) { return fitter->cover(error, fitter->size(), 1).size(); }

PiecewiseLinear PieceFitter::fitPieces(int64_t pieces) {
  pieces = std::min(pieces, fitter->size());
  int64_t error = fitter->leastError(pieces, 1);
  // Up to 1,024 codes knots may stand anywhere; beyond, at one of 1,024 buckets, and then move.
  int64_t step = std::max<int64_t>(fitter->size() / 1024, 1);
  std::vector<int64_t> free = fitter->cover(error, pieces, 1);
  if (pieces > int64_t(mostBalancedPieces))
    return fitter->toIntegers(free, error);
  fitter->refine(free, error, step / 2);
  PiecewiseLinear best = fitter->toIntegers(free, error);
  int64_t bucketError = step == 1 ? error : fitter->leastError(pieces, step);
  std::vector<int64_t> ends = fitter->leastSquares(bucketError, pieces, step);
  fitter->refine(ends, bucketError, step / 2);
  PiecewiseLinear other = fitter->toIntegers(ends, bucketError);
  return isBetter(other, best) ? other : best;
}

PiecewiseLinear PieceFitter::fitWithin(int64_t error) {
  const CodeFunction &function = fitter->getFunction();
  std::vector<int64_t> ends = fitter->cover(error, function.size(), 1);
  // As many pieces as it takes, but those with the least squares; of very many pieces each is good as it is.
  PiecewiseLinear best = ends.size() <= mostBalancedPieces ? fitPieces(ends.size()) : fitter->toIntegers(ends, error);
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
    best = fitter->toIntegers(ends, error);
  }
  return best;
}

PiecewiseLinear PieceFitter::fitUniform(int64_t pieces) {
  const CodeFunction &function = fitter->getFunction();
  std::vector<int64_t> ends;
  for (int64_t p = 1; p <= pieces; ++p)
    ends.push_back(function.size() / pieces * p);
  PiecewiseLinear best;
  // The smallest error that the pieces can have is looked for from below: small ones are the rule.
  for (int64_t error = 0;; error = error ? 2 * error : 1) {
    PiecewiseLinear next = fitter->toIntegers(ends, error);
    if (best.slopes.empty() || isBetter(next, best))
      best = next;
    if (best.maxError <= double(error) || error > function.codeMax - function.codeMin)
      return best;
  }
}

bool PieceFitter::canBeUniform(int64_t pieces, int64_t error) {
  int64_t length = fitter->size() / pieces;
  for (int64_t p = 0; p < pieces; ++p)
    if (!fitter->fits(p * length, (p + 1) * length, error))
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
