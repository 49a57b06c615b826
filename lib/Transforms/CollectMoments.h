// What samples bring to single layers: the part of post-training methods that streams them.
#ifndef QC_LIB_TRANSFORMS_COLLECTMOMENTS_H
#define QC_LIB_TRANSFORMS_COLLECTMOMENTS_H

#include "Augmentation.h"
#include "LayerMoments.h"
#include "LayerStream.h"
#include "PositionWeights.h"
#include "Samples.h"
#include "WeightRounding.h"

namespace qc {
/// Tasks for the threads of `context`.
ForEach getForEach(mlir::MLIRContext *context);

/// The type of the codes that come in, if the layer can be reconstructed: its input is quantized per tensor, its weights and
/// its bias are float constants. What is refused here is for `qc-quantize-weights` to round, or to give the reason.
mlir::quant::UniformQuantizedType getReconstructedType(const Contraction &contraction);

/// The other side of the sum that the result of `op` goes into and nothing else, perhaps rounded on the way; null if there is
/// none, or it is no activation that is computed in front of `op`.
mlir::Value getAddend(mlir::Operation *op);

/// The float network: a function of the same ops, without the rounding of activations and with the numbers that stored weights
/// were rounded from, alone in a module.
mlir::OwningOpRef<mlir::ModuleOp> cloneFloat(mlir::func::FuncOp function, mlir::IRMapping &mapping);

/// Puts `count` of the samples, evenly spread, each with its copies behind it, into both streams; `quantized` may be null. Of
/// every `apart` samples (0: none) the last is left out.
llvm::Error feedStreams(Samples &source, int64_t count, LayerStream *quantized, LayerStream &floats, int64_t apart = 0,
                        const Augmentation &augmentation = {});

/// The samples of the file at `path` at the arguments of `function`, to be moved on through `places`, ops of it in their order:
/// as many as `memory` MiB hold.
llvm::Expected<LayerStream> openStream(mlir::func::FuncOp function, const std::string &path,
                                       llvm::ArrayRef<mlir::Operation *> places, unsigned memory);

/// How many samples of `count` taken ones stay together when they are split into two halves: 1, or of sequences, whose neighbours
/// are alike, whole ones or long parts.
int64_t getSamplesTogether(const Samples &source, int64_t count);

/// How many samples that leaves.
int64_t countSamples(int64_t size, int64_t apart);

/// At most how many rows are taken of a layer: more tell nothing new; then it is every n-th position of a sample.
struct MostRows {
  int64_t perInput = 24, least = 1 << 15;
};

/// What counts beside a layer's inputs.
struct MomentSources {
  /// What the layer's result is added to, in the quantized network and in the float network; null: nothing.
  mlir::Value addend, floatAddend;
  const PositionWeights *weights = nullptr; ///< null or empty: all positions count the same
  int64_t copies = 1;                       ///< of each sample, one behind the other
  int64_t together = 1;                     ///< so many samples, copies included, stay in one half
};

/// Sums up the moments of the layer's inputs over `count` samples in the streams, every other one in the other half. `reference`
/// is the layer's op in the float network; without `quantized` both sides are that network. `path` is for errors.
mlir::LogicalResult collectMoments(const Contraction &contraction, mlir::Operation *reference, const LayerStream *quantized,
                                   const LayerStream &floats, int64_t count, const MomentSources &sources, llvm::StringRef path,
                                   std::array<LayerMoments, 2> &halves, MostRows most = {});

/// The weights of one group, channels x depth; `values` are those of the layer's constant.
std::vector<double> getGroupWeights(const Contraction &contraction, int64_t group, llvm::ArrayRef<float> values);

/// How the weights of one group become codes of `scheme`. `biases`: of all channels, or none.
RoundingProblem makeProblem(const Contraction &contraction, int64_t group, const GroupObjective &objective,
                            llvm::ArrayRef<double> weights, llvm::ArrayRef<float> biases, const WeightScheme &scheme,
                            double inputScale, bool powerOfTwo);

/// The same of stored weights: codes of `bits`, one f32 scale for `inputs` of the contraction's inputs, fewer at the end.
RoundingProblem makeProblem(const Contraction &contraction, const GroupObjective &objective, int64_t bits, int64_t inputs);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_COLLECTMOMENTS_H
