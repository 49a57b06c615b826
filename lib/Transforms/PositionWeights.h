// How much each position of a layer's result matters to the network's result.
#ifndef QC_LIB_TRANSFORMS_POSITIONWEIGHTS_H
#define QC_LIB_TRANSFORMS_POSITIONWEIGHTS_H

#include "LayerStream.h"

namespace qc {
/// Weights of one layer's positions for each sample; none: all count the same.
using PositionWeights = std::vector<std::vector<float>>;

/// What the gradients of the network's result by what one layer gives say.
struct OutputSensitivity {
  PositionWeights positions;
  /// Per group: channels x channels, the sums of the products of the gradients by two channels; empty for groups of one channel
  /// and where nothing is known.
  std::vector<std::vector<double>> products;
  int64_t gradients = 0; ///< so many gradients of the whole result are in them
};

/// Runs `count` samples, the arguments in `floats`, forwards and backwards through the float network `function`, for each of
/// `layers` (ops of that function). The gradients are those of the result's sum with random signs, the same ones for the same
/// sample: on average their products are sums over all results. An error of a layer then counts as what it does to the result
/// (Hassibi and Stork, Optimal Brain Surgeon, 1993, with the second moments of gradients in the place of second derivatives).
///
/// A position's weight is the square of the gradient there, over the channels, relative to the mean: 1 - `part` + `part` times
/// that. With `wantProducts` there are also products of channels (Martens and Grosse, K-FAC, 2015), over some of the positions.
/// Empty if an op has no gradient here: `why` then says which.
std::vector<OutputSensitivity> findOutputSensitivity(mlir::func::FuncOp function, const LayerStream &floats,
                                                     mlir::ArrayRef<Contraction> layers, int64_t count, double part,
                                                     bool wantProducts, std::string &why);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_POSITIONWEIGHTS_H
