// Second moments of a layer's inputs.
#include "LayerMoments.h"

#include "OuterProducts.h"

#include <Eigen/Dense>

namespace qc {
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Sums must not depend on the host: by itself Eigen blocks products by the sizes of the caches that it finds.
static void fixBlocking() {
  static bool done = (Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 4 << 20), true);
  (void)done;
}

LayerMoments::LayerMoments(int64_t groups, int64_t depth) : groups(groups), depth(depth) {
  fixBlocking();
  for (Group &group : this->groups) {
    group.xx.resize(depth * depth);
    group.xd.resize(depth * depth);
    group.x.resize(depth);
    group.d.resize(depth);
  }
}

void LayerMoments::add(const double *x, const double *f, int64_t count, const ForEach &forEach) {
  constexpr int64_t tile = 96;
  int64_t tiles = (depth + tile - 1) / tile, width = int64_t(groups.size()) * depth;
  std::vector<double> difference(f ? count * width : 0);
  if (f)
    forEach(count, [&](size_t row) {
      for (size_t i = row * width; i < (row + 1) * width; ++i)
        difference[i] = f[i] - x[i];
    });
  forEach(groups.size() * tiles, [&](size_t task) {
    int64_t g = int64_t(task) / tiles, first = int64_t(task) % tiles * tile, size = std::min(tile, depth - first);
    Group &group = groups[g];
    auto addColumns = [&](std::vector<double> &sums, const double *rows) {
      for (int64_t r = 0; r < count; ++r)
        for (int64_t i = first; i < first + size; ++i)
          sums[i] += rows[r * width + g * depth + i];
    };
    // Rows of the upper triangle; the lower one is its mirror image.
    const double *all = x + g * depth;
    addOuterProducts(&group.xx[first * depth + first], depth, all + first, size, all + first, depth - first, width, count);
    addColumns(group.x, x);
    if (!f)
      return;
    addOuterProducts(&group.xd[first * depth], depth, all + first, size, &difference[g * depth], depth, width, count);
    addColumns(group.d, difference.data());
  });
  rows += count;
  differs |= f != nullptr;
}

GroupObjective makeObjective(const LayerMoments &moments, size_t index, const std::vector<double> &weights, double damping,
                             bool centered) {
  int64_t depth = moments.depth, channels = int64_t(weights.size()) / depth;
  const LayerMoments::Group &group = moments.groups[index];
  double n = double(moments.rows);
  Matrix h = Eigen::Map<const Matrix>(group.xx.data(), depth, depth) / n;
  h.triangularView<Eigen::StrictlyLower>() = h.transpose();
  Eigen::VectorXd mean = Eigen::Map<const Eigen::VectorXd>(group.x.data(), depth) / n;
  if (centered)
    h -= mean * mean.transpose();
  GroupObjective result;
  // Rank before damping: pivots of the Cholesky factorization that are above rounding noise.
  Eigen::LDLT<Matrix> factors(h);
  Eigen::VectorXd pivots = factors.vectorD();
  double largest = depth ? h.diagonal().maxCoeff() : 0;
  for (double pivot : pivots)
    result.rank += pivot > largest * 1e-9 * double(depth);
  double average = h.diagonal().mean();
  result.damping = average > 0 ? damping * average : 1.0;
  h.diagonal().array() += result.damping;
  Matrix target = Eigen::Map<const Matrix>(weights.data(), channels, depth);
  if (moments.differs) {
    Matrix cross = Eigen::Map<const Matrix>(group.xd.data(), depth, depth) / n;
    if (centered)
      cross -= mean * (Eigen::Map<const Eigen::VectorXd>(group.d.data(), depth) / n).transpose();
    target += h.llt().solve(cross * target.transpose().eval()).transpose().eval();
  }
  result.h.assign(h.data(), h.data() + h.size());
  result.target.assign(target.data(), target.data() + target.size());
  return result;
}
} // namespace qc
