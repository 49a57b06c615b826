// How much each position of a layer's result matters to the network's result.
#ifndef QC_LIB_TRANSFORMS_POSITIONWEIGHTS_H
#define QC_LIB_TRANSFORMS_POSITIONWEIGHTS_H

#include "LayerStream.h"

namespace qc {
/// Weights of one layer's positions for each sample; none: all count the same.
using PositionWeights = std::vector<std::vector<float>>;

/// Runs `count` samples, the arguments in `floats`, forwards and backwards through the float network `function` and gives for
/// each of `layers` (ops of that function) the squares of the gradients by what it gives at a position, over its channels,
/// relative to their mean: 1 - `part` + `part` times that. The gradient is that of the result's sum with random signs, the same
/// ones for the same sample: on average its square is the sum of the squares over all results. An error of a layer then counts as
/// what it does to the result (Hassibi and Stork, Optimal Brain Surgeon, 1993, with the second moments of the gradients of a
/// position in the place of its second derivatives). Empty if an op has no gradient here: `why` then says which.
std::vector<PositionWeights> findPositionWeights(mlir::func::FuncOp function, const LayerStream &floats,
                                                 mlir::ArrayRef<Contraction> layers, int64_t count, double part,
                                                 std::string &why);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_POSITIONWEIGHTS_H
