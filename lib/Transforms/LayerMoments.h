// Second moments of a layer's inputs.
#ifndef QC_LIB_TRANSFORMS_LAYERMOMENTS_H
#define QC_LIB_TRANSFORMS_LAYERMOMENTS_H

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace qc {
/// Calls its second argument for 0 .. first argument - 1, perhaps at once.
using ForEach = std::function<void(size_t, const std::function<void(size_t)> &)>;

/// Sums over the rows that a contraction multiplies, for each of its groups: of x x^T, of x (f - x)^T and of x and f - x, where x
/// is a row of the network as it will compute (the prefix quantized) and f the same row of the float network. All in double and
/// in the order of the rows, whatever the number of threads.
class LayerMoments {
public:
  LayerMoments(int64_t groups, int64_t depth);

  /// Adds `rows` rows of `groups * depth` numbers, `x` and `f` (null: the same).
  void add(const double *x, const double *f, int64_t rows, const ForEach &forEach);

  /// Adds the sums of other rows of the same layer.
  void add(const LayerMoments &other);

  struct Group {
    std::vector<double> xx;   ///< depth x depth, the upper triangle
    std::vector<double> xd;   ///< depth x depth: row i, column j sums x_i (f - x)_j
    std::vector<double> x, d; ///< depth
  };
  std::vector<Group> groups;
  int64_t depth, rows = 0;
  bool differs = false; ///< some f was not x
};

/// What reconstruction of a group starts from: minimizing (q - target) h (q - target)^T over codes times scales q brings the
/// layer's outputs nearest to those of the float network.
struct GroupObjective {
  std::vector<double> h;      ///< depth x depth: moments per row, centered if a bias takes up the means, damped
  std::vector<double> target; ///< channels x depth
  double damping = 0;         ///< what was added to the diagonal
  double ridge =
      0; ///< with which the target makes up for the loss of earlier layers, as a part of the mean diagonal; 0: not at all
  int64_t rank = 0; ///< of the moments before that, numerically
};

/// `halves`: the sums over two halves of the samples, `moments` those over all. `weights`: channels x depth. `damping`: part of
/// the mean of the diagonal that is added to it. With `centered` the moments are about the means.
GroupObjective makeObjective(const std::array<LayerMoments, 2> &halves, const LayerMoments &moments, size_t group,
                             const std::vector<double> &weights, double damping, bool centered);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_LAYERMOMENTS_H
