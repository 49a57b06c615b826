// Codes and scales of weights by the second moments of their inputs.
#include "WeightRounding.h"

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

static double toCode(double value, int64_t highest) {
  return std::clamp(std::nearbyint(value), -double(highest), double(highest));
}

RoundedWeights roundToNearest(const RoundingProblem &problem, const std::vector<double> &weights) {
  RoundedWeights result;
  for (int64_t c = 0; c < problem.channels; ++c) {
    double scale = getWidestScale(problem, c);
    result.scales.push_back(scale);
    for (int64_t k = 0; k < problem.depth; ++k)
      result.codes.push_back(int32_t(toCode(weights[c * problem.depth + k] / scale, problem.highest)));
  }
  return result;
}

/// (q - w) h (q - w)^T.
static double getError(const MatrixView &h, const Row &difference) { return (difference * h).dot(difference); }

double getError(const RoundingProblem &problem, const RoundedWeights &rounded) {
  MatrixView h(problem.objective.h.data(), problem.depth, problem.depth);
  double error = 0;
  for (int64_t c = 0; c < problem.channels; ++c) {
    Row difference = Eigen::Map<const Eigen::Matrix<int32_t, 1, Eigen::Dynamic>>(&rounded.codes[c * problem.depth], problem.depth)
                             .cast<double>() *
                         rounded.scales[c] -
                     RowView(&problem.objective.target[c * problem.depth], problem.depth);
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
  Row round(const Row &target, double scale, int64_t highest) const {
    int depth = int(order.size());
    Row rest(depth), codes(depth);
    for (int i = 0; i < depth; ++i)
      rest(i) = target(order[i]);
    for (int i = 0; i < depth; ++i) {
      double code = toCode(rest(i) / scale, highest), error = rest(i) - code * scale;
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
  ChannelCodes(const MatrixView &h, const Row &target, const Row &product, double scale, Row codes)
      : h(h), target(target), targetProduct(product), scale(scale), codes(std::move(codes)) {
    codesProduct = this->codes * h;
  }

  double getError() const {
    return scale * scale * codesProduct.dot(codes) - 2 * scale * codesProduct.dot(target) + targetProduct.dot(target);
  }

  /// Changes single codes as long as that lowers the error.
  void improve(int64_t highest) {
    constexpr int sweeps = 20;
    for (int sweep = 0; sweep < sweeps; ++sweep) {
      bool changed = false;
      for (int i = 0; i < codes.size(); ++i) {
        double slope = scale * codesProduct(i) - targetProduct(i), curvature = scale * h(i, i);
        double best = toCode(codes(i) - slope / curvature, highest), step = best - codes(i);
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

  /// The scale of least error for these codes; 0 if there is none above 0.
  double fitScale() const {
    double square = codesProduct.dot(codes);
    return square > 0 ? std::max(0.0, codesProduct.dot(target) / square) : 0;
  }

  const MatrixView &h;
  const Row &target, &targetProduct;
  double scale;
  Row codes, codesProduct;
};

/// Scales worth a try for one channel, best first by the error of rounding each input by itself.
static std::vector<double> getScaleCandidates(const RoundingProblem &problem, int64_t channel, const Row &target,
                                              const std::vector<int> &order, const Eigen::VectorXd &weights) {
  double widest = getWidestScale(problem, channel), least = problem.leastScales[channel];
  std::vector<std::pair<double, double>> candidates; // error, scale
  constexpr int steps = 48;
  for (int i = 0; i < steps; ++i) {
    double scale = problem.powerOfTwo ? std::ldexp(widest, -i) : roundScale(widest * (1.05 - i * 0.0165), least, false);
    if (scale < least || (problem.powerOfTwo && i > 3))
      break;
    double error = 0;
    for (int k = 0; k < target.size(); ++k) {
      double w = target(order[k]), difference = w - toCode(w / scale, problem.highest) * scale;
      error += difference * difference * weights(k);
    }
    candidates.push_back({error, scale});
  }
  std::sort(candidates.begin(), candidates.end());
  std::vector<double> scales;
  for (auto [error, scale] : candidates)
    if (scales.size() < 4 && std::find(scales.begin(), scales.end(), scale) == scales.end())
      scales.push_back(scale);
  return scales;
}

static RoundedWeights roundSequentially(const RoundingProblem &problem, const RoundingOptions &options, const ForEach &forEach) {
  MatrixView h(problem.objective.h.data(), problem.depth, problem.depth);
  Compensation compensation(h, options.order);
  RoundedWeights result;
  result.codes.resize(problem.channels * problem.depth);
  result.scales.resize(problem.channels);
  forEach(problem.channels, [&](size_t channel) {
    Row target = RowView(&problem.objective.target[channel * problem.depth], problem.depth);
    Row product = target * h, best;
    double least = INFINITY;
    auto keep = [&](const ChannelCodes &codes) {
      double error = codes.getError();
      if (!(error < least))
        return false;
      least = error;
      best = codes.codes;
      result.scales[channel] = codes.scale;
      return true;
    };
    for (double scale : getScaleCandidates(problem, channel, target, compensation.order, compensation.weights)) {
      ChannelCodes codes(h, target, product, scale, compensation.round(target, scale, problem.highest));
      codes.improve(problem.highest);
      keep(codes);
      for (int round = 0; round < 3 && !problem.powerOfTwo; ++round) {
        double fitted = codes.fitScale();
        if (fitted == 0)
          break;
        codes.scale = roundScale(fitted, problem.leastScales[channel], false);
        codes.improve(problem.highest);
        if (!keep(codes))
          break;
      }
    }
    for (int64_t k = 0; k < problem.depth; ++k)
      result.codes[channel * problem.depth + k] = int32_t(best(k));
  });
  return result;
}

const std::vector<RoundingMethod> &getRoundingMethods() {
  static const std::vector<RoundingMethod> methods = {
      {"sequential", 8, false, roundSequentially},
  };
  return methods;
}
} // namespace qc
