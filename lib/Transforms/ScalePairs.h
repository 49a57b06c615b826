// Places where the scale of a channel can move from one op to those that read it, without a change of what the network computes.
#ifndef QC_LIB_TRANSFORMS_SCALEPAIRS_H
#define QC_LIB_TRANSFORMS_SCALEPAIRS_H

#include "LayerStream.h"

namespace qc {
/// An op that gives channels and all contractions that read them: a convolution, a product of matrices or a normalization with constant
/// operands, behind no clamp but one at 0; in between only pooling.
struct ScalePair {
  mlir::Operation *producer;
  std::vector<mlir::Operation *> consumers;
  int64_t channels;

  /// Largest magnitude of the producer's weights (of a normalization: its scale) per channel.
  std::vector<double> getProducerRanges() const;
  /// Largest magnitude of all consumers' weights per input channel.
  std::vector<double> getConsumerRanges() const;
  /// Divides the channels of the producer by `factors` and multiplies the consumers' weights with them.
  void move(llvm::ArrayRef<double> factors) const;
};

/// The pairs of `function` in the order of its block.
std::vector<ScalePair> findScalePairs(mlir::func::FuncOp function);

/// The input channel that weight `index` of a contraction's constant belongs to.
int64_t getInputChannel(mlir::Operation *contraction, int64_t index);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_SCALEPAIRS_H
