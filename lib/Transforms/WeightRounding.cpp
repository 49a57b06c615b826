// Codes and scales of weights by the second moments of their inputs.
#include "WeightRounding.h"
#include "StoredCodes.h"
#include "qc/Dialect/QC/Schemes/Levels.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qc {
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<const Matrix>;
using Row = Eigen::RowVectorXd;
using RowView = Eigen::Map<const Row>;

static double roundScale(double scale, double least, bool powerOfTwo) {
  scale = std::max(scale, least);
  if (powerOfTwo)
    return std::exp2(std::ceil(std::log2(scale)));
  double rounded = double(float(scale));
  return rounded < least ? double(std::nextafter(float(scale), INFINITY)) : rounded;
}

/// The scale of the largest weight; 1 for a channel of zeros without a bias.
static double getWidestScale(const RoundingProblem &problem, int64_t channel) {
  double scale = std::max(problem.largest[channel] / double(problem.highest), problem.leastScales[channel]);
  return roundScale(scale > 0 ? scale : 1.0, problem.leastScales[channel], problem.powerOfTwo);
}

/// `factor`: of the input's group, where the problem has those.
static double toCode(double value, const RoundingProblem &problem, double factor = 1) {
  if (!problem.levels.empty())
    return double(getNearestLevel(problem.levels, value));
  if (problem.grouped)
    return problem.grouped.toProduct(value, factor);
  if (problem.storedBits)
    return StoredCodes(problem.storedBits).getCode(value, factor) * factor;
  return std::clamp(std::nearbyint(value), -double(problem.highest), double(problem.highest));
}

/// Each input's factor, for the least error of one channel whose inputs, with these moments, are rounded by themselves; none if
/// the problem has no groups.
static Row chooseFactors(const RoundingProblem &problem, const Row &target, const Eigen::VectorXd &moments, double scale) {
  if (problem.factorGroups.empty())
    return Row();
  Row factors(problem.depth);
  for (const std::vector<int32_t> &group : problem.factorGroups) {
    llvm::SmallVector<double, 64> values, weights;
    for (int32_t k : group) {
      values.push_back(target(k) / scale);
      weights.push_back(moments(k));
    }
    double factor = problem.storedBits ? StoredCodes(problem.storedBits).findScale(values, weights)
                                       : double(problem.grouped.chooseFactor(values, weights));
    for (int32_t k : group)
      factors(k) = factor;
  }
  return factors;
}

static double getFactor(const Row &factors, int64_t k) { return factors.size() ? factors(k) : 1; }

static RoundedWeights makeResult(const RoundingProblem &problem) {
  RoundedWeights result;
  result.codes.resize(problem.channels * problem.depth);
  result.scales.resize(problem.channels);
  result.factors.resize(problem.storedBits ? problem.channels * problem.depth : 0);
  return result;
}

/// Keeps `codes`, which are products with `factors` where there are some.
static void store(RoundedWeights &result, int64_t channel, const Row &codes, double scale, const Row &factors) {
  result.scales[channel] = scale;
  for (int64_t k = 0, at = channel * codes.size(); k < codes.size(); ++k, ++at) {
    if (!result.factors.empty())
      result.factors[at] = factors(k);
    result.codes[at] = int32_t(result.factors.empty() ? codes(k) : std::nearbyint(codes(k) / factors(k)));
  }
}

/// What the weights of one channel have become.
static Row getReals(const RoundingProblem &problem, const RoundedWeights &rounded, int64_t channel) {
  Row reals(problem.depth);
  for (int64_t k = 0, at = channel * problem.depth; k < problem.depth; ++k, ++at)
    reals(k) = rounded.codes[at] * (rounded.factors.empty() ? rounded.scales[channel] : rounded.factors[at]);
  return reals;
}

RoundedWeights roundToNearest(const RoundingProblem &problem, const std::vector<double> &weights) {
  RoundedWeights result = makeResult(problem);
  for (int64_t c = 0; c < problem.channels; ++c) {
    double scale = getWidestScale(problem, c);
    Row factors =
        chooseFactors(problem, RowView(&weights[c * problem.depth], problem.depth), Eigen::VectorXd::Ones(problem.depth), scale);
    Row codes(problem.depth);
    for (int64_t k = 0; k < problem.depth; ++k)
      codes(k) = toCode(weights[c * problem.depth + k] / scale, problem, getFactor(factors, k));
    store(result, c, codes, scale, factors);
  }
  return result;
}

/// (q - w) h (q - w)^T.
static double getError(const MatrixView &h, const Row &difference) { return (difference * h).dot(difference); }

double getError(const RoundingProblem &problem, const RoundedWeights &rounded) {
  return getError(problem, rounded, 0, problem.channels);
}

double getError(const RoundingProblem &problem, const RoundedWeights &rounded, int64_t begin, int64_t end) {
  MatrixView h(problem.objective.h.data(), problem.depth, problem.depth);
  double error = 0;
  for (int64_t c = begin; c < end; ++c) {
    Row difference = getReals(problem, rounded, c) - RowView(&problem.objective.target[c * problem.depth], problem.depth);
    error += getError(h, difference);
  }
  return error;
}

double getSignal(const RoundingProblem &problem) {
  MatrixView h(problem.objective.h.data(), problem.depth, problem.depth);
  double signal = 0;
  for (int64_t c = 0; c < problem.channels; ++c)
    signal += getError(h, RowView(&problem.objective.target[c * problem.depth], problem.depth));
  return signal;
}

//===-- Sequential
//-----------------------------------------------------------------------------------------------------------===//

/// The inputs in the order in which they are rounded.
static std::vector<int> getOrder(const MatrixView &h, RoundingOrder order) {
  int depth = int(h.rows());
  std::vector<int> result(depth);
  std::iota(result.begin(), result.end(), 0);
  if (order == RoundingOrder::Activation)
    std::sort(result.begin(), result.end(), [&](int a, int b) { return std::pair(-h(a, a), a) < std::pair(-h(b, b), b); });
  if (order != RoundingOrder::Importance)
    return result;
  // From the last: the error of an input counts with its moment given all inputs behind it. Their product is the determinant
  // whatever the order, so that their sum is least where they are alike: the least moment that is left goes last.
  Matrix rest = h;
  for (int end = depth; end > 0; --end) {
    int least = 0;
    for (int i = 1; i < end; ++i)
      if (rest(result[i], result[i]) < rest(result[least], result[least]))
        least = i;
    std::swap(result[least], result[end - 1]);
    int pivot = result[end - 1];
    double scale = 1 / std::max(rest(pivot, pivot), 1e-300);
    for (int i = 0; i < end - 1; ++i) {
      int row = result[i];
      double factor = rest(row, pivot) * scale;
      for (int k = 0; k < end - 1; ++k)
        rest(row, result[k]) -= factor * rest(pivot, result[k]);
    }
  }
  return result;
}

/// What rounding the channels of a group one input after another needs: Frantar et al., GPTQ, 2022, section 3.
struct Compensation {
  Compensation(const MatrixView &h, RoundingOrder order) : order(getOrder(h, order)) {
    int depth = int(h.rows());
    Matrix permuted(depth, depth);
    for (int i = 0; i < depth; ++i)
      for (int k = 0; k < depth; ++k)
        permuted(i, k) = h(this->order[i], this->order[k]);
    // The upper factor of the inverse: the inverse of the lower factor of the matrix in reversed order, reversed.
    Matrix reversed = permuted.reverse();
    Matrix lower = reversed.llt().matrixL();
    Matrix inverse = lower.triangularView<Eigen::Lower>().solve(Matrix::Identity(depth, depth));
    factor = inverse.reverse();
    // Rows divided by their diagonal: what an error of 1 in an input does to those behind it.
    weights = factor.diagonal().array().square().inverse();
    for (int i = 0; i < depth; ++i)
      factor.row(i) /= factor(i, i);
  }

  /// Codes for `target` at `scale`, in the inputs' natural order.
  Row round(const Row &target, double scale, const RoundingProblem &problem, const Row &factors) const {
    int depth = int(order.size());
    Row rest(depth), codes(depth);
    for (int i = 0; i < depth; ++i)
      rest(i) = target(order[i]);
    for (int i = 0; i < depth; ++i) {
      double code = toCode(rest(i) / scale, problem, getFactor(factors, order[i])), error = rest(i) - code * scale;
      codes(order[i]) = code;
      if (i + 1 < depth)
        rest.tail(depth - i - 1) -= error * factor.row(i).tail(depth - i - 1);
    }
    return codes;
  }

  std::vector<int> order;
  Matrix factor;           ///< upper, ones on the diagonal
  Eigen::VectorXd weights; ///< moment of each input in that order given those behind it
};

/// Codes of one channel on their way to the least error (q - target) h (q - target)^T, with the products that changes of single
/// codes keep up to date.
struct ChannelCodes {
  /// `product` is target * h.
  ChannelCodes(const MatrixView &h, const Row &target, const Row &product, double scale, Row codes, Row factors)
      : h(h), target(target), targetProduct(product), factors(std::move(factors)), scale(scale), codes(std::move(codes)) {
    codesProduct = this->codes * h;
  }

  double getError() const {
    return scale * scale * codesProduct.dot(codes) - 2 * scale * codesProduct.dot(target) + targetProduct.dot(target);
  }

  /// Changes single codes as long as that lowers the error.
  void improve(const RoundingProblem &problem) {
    constexpr int sweeps = 20;
    for (int sweep = 0; sweep < sweeps; ++sweep) {
      bool changed = false;
      for (int i = 0; i < codes.size(); ++i) {
        double slope = scale * codesProduct(i) - targetProduct(i), curvature = scale * h(i, i);
        double best = toCode(codes(i) - slope / curvature, problem, getFactor(factors, i)), step = best - codes(i);
        // Half a step is where both codes are as good; a real improvement only, or rounding noise could go on for ever.
        if (step == 0 || step * (2 * slope + step * curvature) >= -1e-12 * curvature)
          continue;
        codes(i) = best;
        codesProduct += step * h.row(i);
        changed = true;
      }
      if (!changed)
        break;
    }
  }

  /// Changes pairs of codes as long as that lowers the error, each to the level on its other side that costs least by itself.
  /// Where levels are far apart one change alone rarely pays any more.
  void improvePairs(const RoundingProblem &problem) {
    constexpr int sweeps = 10;
    int depth = int(codes.size());
    Row steps(depth), costs(depth), together(depth);
    auto update = [&] {
      for (int i = 0; i < depth; ++i) {
        double slope = scale * codesProduct(i) - targetProduct(i), curvature = scale * h(i, i);
        costs(i) = INFINITY;
        auto at = std::find(problem.levels.begin(), problem.levels.end(), int64_t(codes(i)));
        for (auto other : {at == problem.levels.begin() ? at : at - 1, at + 1})
          if (other != at && other != problem.levels.end())
            if (double step = double(*other - *at), cost = step * (2 * slope + step * curvature); cost < costs(i))
              costs(i) = cost, steps(i) = step;
      }
    };
    update();
    bool changed = true;
    for (int sweep = 0; sweep < sweeps && changed; ++sweep) {
      changed = false;
      for (int i = 0; i < depth; ++i) {
        together = (costs.array() + 2 * scale * steps(i) * steps.array() * h.row(i).array()).matrix();
        together(i) = INFINITY;
        int best;
        if (together.minCoeff(&best) + costs(i) >= -1e-9 * scale * h(i, i))
          continue;
        for (int k : {i, best}) {
          codes(k) += steps(k);
          codesProduct += steps(k) * h.row(k);
        }
        changed = true;
        update();
      }
    }
  }

  /// The scale of least error for these codes; 0 if there is none above 0.
  double fitScale() const {
    double square = codesProduct.dot(codes);
    return square > 0 ? std::max(0.0, codesProduct.dot(target) / square) : 0;
  }

  /// Gives all groups of stored weights the scales of least error for these codes; false if there are none.
  bool fitFactors(const RoundingProblem &problem) {
    int count = int(problem.factorGroups.size()), depth = int(codes.size());
    Matrix parts = Matrix::Zero(count, depth); // codes of one group each
    for (int g = 0; g < count; ++g)
      for (int32_t k : problem.factorGroups[g])
        parts(g, k) = codes(k) / factors(k);
    Matrix moments = parts * h * parts.transpose();
    // Groups of zeros only may have any scale.
    for (int g = 0; g < count; ++g)
      if (moments(g, g) <= 0)
        moments(g, g) = 1;
    Eigen::LLT<Matrix> solver(moments);
    if (solver.info() != Eigen::Success)
      return false;
    Eigen::VectorXd fitted = solver.solve(parts * targetProduct.transpose());
    for (int g = 0; g < count; ++g) {
      double factor = double(float(fitted(g)));
      if (!std::isfinite(factor) || std::fabs(factor) < double(std::numeric_limits<float>::min()))
        continue;
      for (int32_t k : problem.factorGroups[g]) {
        factors(k) = factor;
        codes(k) = parts(g, k) * factor;
      }
    }
    codesProduct = codes * h;
    return true;
  }

  const MatrixView &h;
  const Row &target, &targetProduct;
  Row factors;
  double scale;
  Row codes, codesProduct;
};

/// Calls `take` for scales from a little above that of the largest weight downwards.
static void forEachScale(const RoundingProblem &problem, int64_t channel, const std::function<void(double)> &take) {
  double widest = getWidestScale(problem, channel), least = problem.leastScales[channel];
  const int steps = problem.factorGroups.empty() ? 48 : 8; // factors do the rest
  for (int i = 0; i < steps; ++i) {
    double scale = problem.powerOfTwo ? std::ldexp(widest, -i) : roundScale(widest * (1.05 - i * 0.0165), least, false);
    if (scale < least || (problem.powerOfTwo && i > 3))
      break;
    take(scale);
  }
}

static Eigen::VectorXd inNaturalOrder(const std::vector<int> &order, const Eigen::VectorXd &weights) {
  Eigen::VectorXd natural(weights.size());
  for (int k = 0; k < weights.size(); ++k)
    natural(order[k]) = weights(k);
  return natural;
}

/// The error of a channel whose inputs, in `order` with the moments `weights`, are rounded by themselves.
static double getSeparateError(const RoundingProblem &problem, const Row &target, const std::vector<int> &order,
                               const Eigen::VectorXd &weights, double scale) {
  double error = 0;
  Row factors = chooseFactors(problem, target, inNaturalOrder(order, weights), scale);
  for (int k = 0; k < target.size(); ++k) {
    double w = target(order[k]), difference = w - toCode(w / scale, problem, getFactor(factors, order[k])) * scale;
    error += difference * difference * weights(k);
  }
  return error;
}

void shareScale(std::vector<RoundingProblem> &problems) {
  double largest = 0, least = 0;
  for (const RoundingProblem &problem : problems) {
    largest = std::max(largest, *std::max_element(problem.largest.begin(), problem.largest.end()));
    least = std::max(least, *std::max_element(problem.leastScales.begin(), problem.leastScales.end()));
  }
  for (RoundingProblem &problem : problems) {
    std::fill(problem.largest.begin(), problem.largest.end(), largest);
    std::fill(problem.leastScales.begin(), problem.leastScales.end(), least);
  }
  double best = getWidestScale(problems.front(), 0), lowest = INFINITY;
  forEachScale(problems.front(), 0, [&](double scale) {
    double error = 0;
    for (const RoundingProblem &problem : problems) {
      std::vector<int> natural(problem.depth);
      std::iota(natural.begin(), natural.end(), 0);
      Eigen::VectorXd diagonal = MatrixView(problem.objective.h.data(), problem.depth, problem.depth).diagonal();
      for (int64_t c = 0; c < problem.channels; ++c)
        error += getSeparateError(problem, RowView(&problem.objective.target[c * problem.depth], problem.depth), natural,
                                  diagonal, scale);
    }
    if (error < lowest)
      lowest = error, best = scale;
  });
  for (RoundingProblem &problem : problems)
    problem.sharedScale = best;
}

/// Scales worth a try for one channel, best first by the error of rounding each input by itself.
static std::vector<double> getScaleCandidates(const RoundingProblem &problem, int64_t channel, const Row &target,
                                              const std::vector<int> &order, const Eigen::VectorXd &weights) {
  if (problem.sharedScale > 0)
    return {problem.sharedScale};
  if (!problem.levels.empty()) {
    // Rounded by itself no weight errs least at the scale that serves best once others make up for its error.
    std::vector<double> scales;
    for (double factor : {1.0, 0.7, 0.85, 1.2, 1.45, 1.75})
      scales.push_back(roundScale(getWidestScale(problem, channel) * factor, problem.leastScales[channel], problem.powerOfTwo));
    return scales;
  }
  std::vector<std::pair<double, double>> candidates; // error, scale
  forEachScale(problem, channel, [&](double scale) {
    candidates.push_back({getSeparateError(problem, target, order, weights, scale), scale});
  });
  std::sort(candidates.begin(), candidates.end());
  std::vector<double> scales;
  for (auto [error, scale] : candidates)
    if (scales.size() < 4 && std::find(scales.begin(), scales.end(), scale) == scales.end())
      scales.push_back(scale);
  return scales;
}

/// The best codes of one channel that were seen, and their scale.
class BestCodes {
public:
  /// Improves `codes` and fits their scale as long as that helps.
  void refine(const RoundingProblem &problem, int64_t channel, ChannelCodes codes) {
    auto improve = [&] {
      codes.improve(problem);
      if (!problem.levels.empty())
        codes.improvePairs(problem);
    };
    improve();
    keep(codes);
    // The first fit even of codes that were not the best yet: it may make them so.
    bool better = true;
    bool fits = problem.storedBits || (!problem.powerOfTwo && problem.sharedScale == 0);
    for (int round = 0; round < 3 && better && fits; ++round) {
      if (problem.storedBits) {
        if (!codes.fitFactors(problem))
          break;
      } else {
        double fitted = codes.fitScale();
        if (fitted == 0)
          break;
        codes.scale = roundScale(fitted, problem.leastScales[channel], false);
      }
      improve();
      better = keep(codes);
    }
  }

  void store(RoundedWeights &result, int64_t channel) const { qc::store(result, channel, best, scale, factors); }

  double getScale() const { return scale; }
  const Row &getCodes() const { return best; }
  const Row &getFactors() const { return factors; }
  double getError() const { return least; }

private:
  bool keep(const ChannelCodes &codes) {
    double error = codes.getError();
    if (!(error < least))
      return false;
    least = error;
    best = codes.codes;
    factors = codes.factors;
    scale = codes.scale;
    return true;
  }

  double least = INFINITY, scale = 1;
  Row best, factors;
};

static bool hasLessError(const BestCodes &a, const BestCodes &b) { return a.getError() < b.getError(); }

/// The channels one after another, each making up for the errors of those before it (Tseng et al., YAQA, 2025), then again with
/// all others as they are.
static RoundedWeights roundTogether(const RoundingProblem &problem, const MatrixView &h, const Compensation &compensation,
                                    const ForEach &forEach) {
  constexpr int sweeps = 2;
  int channels = int(problem.channels), depth = int(problem.depth);
  MatrixView g(problem.objective.g.data(), channels, channels), targets(problem.objective.target.data(), channels, depth);
  std::vector<int> order = getOrder(g, RoundingOrder::Importance);
  Matrix permuted(channels, channels);
  for (int i = 0; i < channels; ++i)
    for (int k = 0; k < channels; ++k)
      permuted(i, k) = g(order[i], order[k]);
  // g = u u^T, u upper: an error of 1 in a channel asks those behind it for -u(before, behind) / u(behind, behind).
  Matrix u = Matrix(Matrix(permuted.reverse()).llt().matrixL()).reverse();
  Matrix errors = Matrix::Zero(channels, depth);
  Eigen::VectorXd moments = inNaturalOrder(compensation.order, compensation.weights);
  std::vector<BestCodes> chosen(channels);
  auto take = [&](BestCodes codes, int c) {
    errors.row(c) = codes.getCodes() * codes.getScale() - targets.row(c);
    chosen[c] = std::move(codes);
  };
  for (int i = 0; i < channels; ++i) {
    int c = order[i];
    Row target = targets.row(c);
    for (int k = 0; k < i; ++k)
      target -= u(k, i) / u(i, i) * errors.row(order[k]);
    Row product = target * h;
    std::vector<double> scales = getScaleCandidates(problem, c, target, compensation.order, compensation.weights);
    std::vector<BestCodes> tries(scales.size());
    forEach(scales.size(), [&](size_t k) {
      Row factors = chooseFactors(problem, target, moments, scales[k]);
      Row codes = compensation.round(target, scales[k], problem, factors);
      tries[k].refine(problem, c, ChannelCodes(h, target, product, scales[k], codes, factors));
    });
    take(*std::min_element(tries.begin(), tries.end(), hasLessError), c);
  }
  for (int sweep = 0; sweep < sweeps; ++sweep)
    for (int c : order) {
      Row shares = g.row(c) / g(c, c);
      shares(c) = 0;
      Row target = targets.row(c) - shares * errors, product = target * h;
      const BestCodes &before = chosen[c];
      BestCodes best;
      best.refine(problem, c, ChannelCodes(h, target, product, before.getScale(), before.getCodes(), before.getFactors()));
      take(std::move(best), c);
    }
  RoundedWeights result = makeResult(problem);
  for (int c = 0; c < channels; ++c)
    chosen[c].store(result, c);
  return result;
}

static RoundedWeights roundSequentially(const RoundingProblem &problem, const RoundingOptions &options, const ForEach &forEach) {
  MatrixView h(problem.objective.h.data(), problem.depth, problem.depth);
  std::vector<Compensation> compensations;
  compensations.emplace_back(h, options.order);
  if (!problem.objective.g.empty())
    return roundTogether(problem, h, compensations.front(), forEach);
  // Single codes and pairs of few levels change much afterwards: which order ends better depends on the channel.
  if (!problem.levels.empty() && options.order != RoundingOrder::Natural)
    compensations.emplace_back(h, RoundingOrder::Natural);
  RoundedWeights result = makeResult(problem);
  forEach(problem.channels, [&](size_t channel) {
    Row target = RowView(&problem.objective.target[channel * problem.depth], problem.depth), product = target * h;
    std::vector<BestCodes> tries;
    for (const Compensation &compensation : compensations) {
      BestCodes &best = tries.emplace_back();
      Eigen::VectorXd moments = inNaturalOrder(compensation.order, compensation.weights);
      auto tryScale = [&](double scale) {
        Row factors = chooseFactors(problem, target, moments, scale), codes = compensation.round(target, scale, problem, factors);
        best.refine(problem, channel, ChannelCodes(h, target, product, scale, std::move(codes), factors));
      };
      for (double scale : getScaleCandidates(problem, channel, target, compensation.order, compensation.weights))
        tryScale(scale);
      // Few levels move far: from the scale that fits them they are other ones.
      constexpr int again = 3;
      for (int i = 0; i < again && !problem.levels.empty(); ++i)
        tryScale(best.getScale());
    }
    std::min_element(tries.begin(), tries.end(), hasLessError)->store(result, channel);
  });
  return result;
}

//===-- AdaRound
//-------------------------------------------------------------------------------------------------------------===//

/// Nagel et al., Up or Down?, 2020, section 4: each weight lies between its two codes at first, by a stretched sigmoid of a
/// variable; Adam moves the variables down the error, and a growing penalty drives all of them to one of the codes.
static RoundedWeights roundAdaptively(const RoundingProblem &problem, const RoundingOptions &, const ForEach &forEach) {
  using Array = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  constexpr double high = 1.1, low = -0.1, rate = 0.02, penalty = 0.02, firstPower = 20, lastPower = 2;
  constexpr int together = 16; // channels at a time: products of matrices instead of vectors
  int depth = int(problem.depth);
  // Fewer steps where they cost much.
  int steps = int(std::clamp(2e10 / (double(problem.channels) * depth * depth), 200.0, 1000.0));
  MatrixView h(problem.objective.h.data(), depth, depth);
  double average = h.diagonal().mean();
  std::vector<int> natural(depth);
  std::iota(natural.begin(), natural.end(), 0);
  Eigen::VectorXd diagonal = h.diagonal();
  RoundedWeights result = makeResult(problem);
  forEach((problem.channels + together - 1) / together, [&](size_t block) {
    int first = int(block) * together, count = int(std::min<int64_t>(together, problem.channels - first));
    Matrix target = MatrixView(&problem.objective.target[first * depth], count, depth), product = target * h;
    Eigen::ArrayXd scales(count);
    for (int c = 0; c < count; ++c)
      scales(c) = getScaleCandidates(problem, first + c, target.row(c), natural, diagonal).front();
    // In steps of the codes.
    Array wanted = target.array().colwise() / scales, floor = wanted.floor();
    Array fraction = (wanted - floor).max(0.01).min(0.99);
    Array variable = ((fraction - low) / (high - fraction)).log(), mean = Array::Zero(count, depth), square = mean, up = fraction;
    for (int step = 1; step <= steps; ++step) {
      Array sigmoid = 1 / (1 + (-variable).exp());
      up = (sigmoid * (high - low) + low).max(0.0).min(1.0);
      Matrix difference = ((floor + up).max(-double(problem.highest)).min(double(problem.highest)) - wanted).matrix();
      Array slope = (difference * h).array() * (2 / average);
      double progress = std::max(0.0, (double(step) / steps - 0.2) / 0.8);
      if (progress > 0) {
        double power = lastPower + (firstPower - lastPower) * (1 - progress);
        Array offset = 2 * up - 1;
        slope -= penalty * 2 * power * offset.abs().pow(power - 1) * offset.sign();
      }
      slope *= sigmoid * (1 - sigmoid) * (high - low);
      mean = 0.9 * mean + 0.1 * slope;
      square = 0.999 * square + 0.001 * slope.square();
      variable -= rate * (mean / (1 - std::pow(0.9, step))) / ((square / (1 - std::pow(0.999, step))).sqrt() + 1e-12);
    }
    for (int c = 0; c < count; ++c) {
      Row codes(depth), row = target.row(c), rowProduct = product.row(c);
      for (int k = 0; k < depth; ++k)
        codes(k) = toCode(floor(c, k) + (up(c, k) >= 0.5 ? 1 : 0), problem);
      BestCodes best;
      const Row noFactors;
      best.refine(problem, first + c, ChannelCodes(h, row, rowProduct, scales(c), codes, noFactors));
      best.store(result, first + c);
    }
  });
  return result;
}

const std::vector<RoundingMethod> &getRoundingMethods() {
  static const std::vector<RoundingMethod> methods = {
      {"sequential", 8, roundSequentially, BlockStep::None, /*anyLevels=*/true},
      {"adaround", 16, roundAdaptively},
      {"brecq", 16, roundSequentially, BlockStep::Joint},
      {"qdrop", 16, roundSequentially, BlockStep::JointWithDrop},
  };
  return methods;
}

const RoundingMethod *findRoundingMethod(std::string_view name) {
  for (const RoundingMethod &method : getRoundingMethods())
    if (method.name == name)
      return &method;
  return nullptr;
}

std::optional<RoundingOrder> parseRoundingOrder(std::string_view text) {
  if (text == "natural")
    return RoundingOrder::Natural;
  if (text == "activation")
    return RoundingOrder::Activation;
  if (text == "importance")
    return RoundingOrder::Importance;
  return std::nullopt;
}
} // namespace qc
