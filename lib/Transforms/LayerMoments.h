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
/// is a row of the network as it will compute (the prefix quantized) and f the same row of the float network. Where the outputs
/// are added to something else, also of x o^T and o, where o is what that lacks: a row of the float network's minus one of the
/// network as it will compute. All in double and in the order of the rows, whatever the number of threads.
class LayerMoments {
public:
  /// `channels`: of o, per group; 0 if there is none.
  LayerMoments(int64_t groups, int64_t depth, int64_t channels);

  /// Adds `rows` rows of `groups * depth` numbers, `x` and `f` (null: the same), and of `groups * channels` numbers `o` (null:
  /// 0). Row r counts `weights[r]` times (null: once).
  void add(const double *x, const double *f, const double *o, const double *weights, int64_t rows, const ForEach &forEach);

  /// Adds the sums of other rows of the same layer.
  void add(const LayerMoments &other);

  struct Group {
    std::vector<double> xx;   ///< depth x depth, the upper triangle
    std::vector<double> xd;   ///< depth x depth: row i, column j sums x_i (f - x)_j
    std::vector<double> x, d; ///< depth
    std::vector<double> xo;   ///< depth x channels: row i, column c sums x_i o_c
    std::vector<double> o;    ///< channels
  };
  std::vector<Group> groups;
  int64_t depth, channels, rows = 0;
  double weight = 0;    ///< sum of the rows' weights
  bool differs = false; ///< some f was not x, or some o not 0
};

/// What reconstruction of a group starts from: minimizing (q - target) h (q - target)^T over codes times scales q brings the
/// layer's outputs nearest to those of the float network.
struct GroupObjective {
  std::vector<double> h;      ///< depth x depth: moments per row, centered if a bias takes up the means, damped
  std::vector<double> target; ///< channels x depth
  /// channels x channels: how far errors of two channels count together. Then the objective is the sum over c and d of g(c, d)
  /// (q_c - target_c) h (q_d - target_d)^T. Empty: each channel counts by itself.
  std::vector<double> g;
  double damping = 0; ///< what was added to the diagonal
  double ridge =
      0; ///< with which the target makes up for the loss of earlier layers, as a part of the mean diagonal; 0: not at all
  int64_t rank = 0; ///< of the moments before that, numerically

  /// Sets `g` by sums of `products` of gradients, relative to the mean of their diagonal: `coupling` times that, the rest the
  /// same for all channels by themselves.
  void couple(const std::vector<double> &products, double coupling);
};

/// `halves`: the sums over two halves of the samples, `moments` those over all. `weights`: channels x depth. `damping`: part of
/// the mean of the diagonal that is added to it; 0: inputs over rows, from 0.01 to 1. With `centered` the moments are about the
/// means.
GroupObjective makeObjective(const std::array<LayerMoments, 2> &halves, const LayerMoments &moments, size_t group,
                             const std::vector<double> &weights, double damping, bool centered);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_LAYERMOMENTS_H
