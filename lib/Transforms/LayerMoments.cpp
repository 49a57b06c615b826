// Second moments of a layer's inputs.
#include "LayerMoments.h"

#include "OuterProducts.h"

#include <Eigen/Dense>
#include <cmath>

#include "FixedBlocking.h"

namespace qc {
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

LayerMoments::LayerMoments(int64_t groups, int64_t depth, int64_t channels) : groups(groups), depth(depth), channels(channels) {
  fixBlocking();
  for (Group &group : this->groups) {
    group.xx.resize(depth * depth);
    group.xd.resize(depth * depth);
    group.x.resize(depth);
    group.d.resize(depth);
    group.xo.resize(depth * channels);
    group.o.resize(channels);
  }
}

void LayerMoments::add(const double *x, const double *f, const double *o, const double *weights, int64_t count,
                       const ForEach &forEach) {
  constexpr int64_t tile = 96;
  int64_t tiles = (depth + tile - 1) / tile, width = int64_t(groups.size()) * depth;
  std::vector<double> difference(f ? count * width : 0);
  if (f)
    forEach(count, [&](size_t row) {
      for (size_t i = row * width; i < (row + 1) * width; ++i)
        difference[i] = f[i] - x[i];
    });
  // One side of each product carries the weights.
  std::vector<double> weighted(weights ? count * width : 0);
  if (weights)
    forEach(count, [&](size_t row) {
      for (size_t i = row * width; i < (row + 1) * width; ++i)
        weighted[i] = x[i] * weights[row];
    });
  auto getWeight = [&](int64_t row) { return weights ? weights[row] : 1; };
  forEach(groups.size() * tiles, [&](size_t task) {
    int64_t g = int64_t(task) / tiles, first = int64_t(task) % tiles * tile, size = std::min(tile, depth - first);
    Group &group = groups[g];
    auto addColumns = [&](std::vector<double> &sums, const double *rows) {
      for (int64_t r = 0; r < count; ++r)
        for (int64_t i = first; i < first + size; ++i)
          sums[i] += getWeight(r) * rows[r * width + g * depth + i];
    };
    const double *all = (weights ? weighted.data() : x) + g * depth;
    if (o) {
      int64_t stride = int64_t(groups.size()) * channels;
      addOuterProducts(&group.xo[first * channels], channels, all + first, size, o + g * channels, channels, width, count,
                       stride);
      for (int64_t r = 0; first == 0 && r < count; ++r)
        for (int64_t c = 0; c < channels; ++c)
          group.o[c] += getWeight(r) * o[r * stride + g * channels + c];
    }
    // Rows of the upper triangle; the lower one is its mirror image.
    addOuterProducts(&group.xx[first * depth + first], depth, all + first, size, x + g * depth + first, depth - first, width,
                     count);
    addColumns(group.x, x);
    if (!f)
      return;
    addOuterProducts(&group.xd[first * depth], depth, all + first, size, &difference[g * depth], depth, width, count);
    addColumns(group.d, difference.data());
  });
  rows += count;
  for (int64_t r = 0; r < count; ++r)
    weight += getWeight(r);
  differs |= f || o;
}

void LayerMoments::add(const LayerMoments &other) {
  auto addTo = [](std::vector<double> &sums, const std::vector<double> &others) {
    for (size_t i = 0; i < sums.size(); ++i)
      sums[i] += others[i];
  };
  for (size_t g = 0; g < groups.size(); ++g) {
    addTo(groups[g].xx, other.groups[g].xx);
    addTo(groups[g].xd, other.groups[g].xd);
    addTo(groups[g].x, other.groups[g].x);
    addTo(groups[g].d, other.groups[g].d);
    addTo(groups[g].xo, other.groups[g].xo);
    addTo(groups[g].o, other.groups[g].o);
  }
  rows += other.rows;
  weight += other.weight;
  differs |= other.differs;
}

namespace {
/// Moments per row of one group, about the means if those are left to a bias.
struct GroupMatrices {
  GroupMatrices(const LayerMoments &moments, size_t index, bool centered) {
    int64_t depth = moments.depth;
    const LayerMoments::Group &group = moments.groups[index];
    double n = moments.weight;
    xx = Eigen::Map<const Matrix>(group.xx.data(), depth, depth) / n;
    xx.triangularView<Eigen::StrictlyLower>() = xx.transpose();
    xd = Eigen::Map<const Matrix>(group.xd.data(), depth, depth) / n;
    xo = Eigen::Map<const Matrix>(group.xo.data(), depth, moments.channels) / n;
    if (!centered)
      return;
    Eigen::VectorXd mean = Eigen::Map<const Eigen::VectorXd>(group.x.data(), depth) / n;
    xx -= mean * mean.transpose();
    xd -= mean * (Eigen::Map<const Eigen::VectorXd>(group.d.data(), depth) / n).transpose();
    xo -= mean * (Eigen::Map<const Eigen::VectorXd>(group.o.data(), moments.channels) / n).transpose();
  }
  /// Moments (depth x channels) of x and what the outputs with `weights` (depth x channels) lack.
  Matrix getLack(const Matrix &weights) const {
    Matrix lack = xd * weights;
    if (xo.cols())
      lack += xo;
    return lack;
  }
  Matrix xx, xd, xo;
};

/// The change of weights (depth x channels) that makes up best for the difference of the inputs and of what is added, with
/// `ridge` added to the diagonal.
Matrix fitShift(const GroupMatrices &group, const Matrix &weights, double ridge) {
  Matrix h = group.xx;
  h.diagonal().array() += ridge;
  return h.llt().solve(group.getLack(weights));
}

/// The ridge, as a part of the mean of the diagonal, with which a change of weights fitted on one half of the samples serves the
/// other half best; 0 if none does: that many inputs would be fitted to that few samples.
double chooseRidge(const LayerMoments &fitted, const LayerMoments &judge, size_t index, const Matrix &weights, double damping,
                   bool centered) {
  GroupMatrices from(fitted, index, centered), to(judge, index, centered);
  double best = 0, least = 0, average = from.xx.diagonal().mean();
  if (!(average > 0))
    return 0;
  Matrix reached = to.getLack(weights);
  for (double ridge : {damping, 10 * damping, 100 * damping, 1000 * damping}) {
    Matrix shift = fitShift(from, weights, ridge * average);
    double gain = (to.xx * shift).cwiseProduct(shift).sum() - 2 * shift.cwiseProduct(reached).sum();
    if (gain < least)
      least = gain, best = ridge;
  }
  return best;
}
} // namespace

void GroupObjective::couple(const std::vector<double> &products, double coupling) {
  int64_t channels = int64_t(std::llround(std::sqrt(double(products.size()))));
  Eigen::Map<const Matrix> sums(products.data(), channels, channels);
  double average = sums.diagonal().mean();
  if (!(average > 0) || !std::isfinite(average) || coupling == 0)
    return;
  Matrix mixed = sums * (coupling / average);
  mixed.diagonal().array() += 1 - coupling;
  g.assign(mixed.data(), mixed.data() + mixed.size());
}

GroupObjective makeObjective(const std::array<LayerMoments, 2> &halves, const LayerMoments &moments, size_t index,
                             const std::vector<double> &weights, double damping, bool centered) {
  int64_t depth = moments.depth, channels = int64_t(weights.size()) / depth;
  if (damping == 0) // moments of few rows are uncertain, by about the root of inputs over rows
    damping = std::clamp(double(depth) / double(std::max<int64_t>(moments.rows, 1)), 0.01, 1.0);
  GroupMatrices group(moments, index, centered);
  GroupObjective result;
  // Rank before damping: pivots of the factorization that are above rounding noise.
  Eigen::VectorXd pivots = Eigen::LDLT<Matrix>(group.xx).vectorD();
  double largest = depth ? group.xx.diagonal().maxCoeff() : 0, average = group.xx.diagonal().mean();
  for (double pivot : pivots)
    result.rank += pivot > largest * 1e-9 * double(depth);
  Matrix target = Eigen::Map<const Matrix>(weights.data(), channels, depth);
  if (moments.differs && halves[0].rows && halves[1].rows) {
    Matrix columns = target.transpose();
    result.ridge = chooseRidge(halves[0], halves[1], index, columns, damping, centered);
    if (result.ridge > 0)
      target += fitShift(group, columns, result.ridge * average).transpose();
  }
  result.damping = average > 0 ? damping * average : 1.0;
  group.xx.diagonal().array() += result.damping;
  result.h.assign(group.xx.data(), group.xx.data() + group.xx.size());
  result.target.assign(target.data(), target.data() + target.size());
  return result;
}
} // namespace qc
