// Contractions with constant weights, and the inputs that samples bring to them: what every post-training method works on.
#ifndef QC_LIB_TRANSFORMS_LAYERSTREAM_H
#define QC_LIB_TRANSFORMS_LAYERSTREAM_H

#include "ConvolutionGradients.h"
#include "NativeNetwork.h"
#include "qc/Dialect/QC/IR/QC.h"

#include "llvm/ADT/MapVector.h"

namespace qc {
/// A convolution or a product of matrices with constant weights as products of rows: each of `groups` groups multiplies rows of
/// `depth` inputs, one for each of `positions` outputs of a sample, with `channels` columns of weights.
struct Contraction {
  /// Describes `op`; nothing if it is no such op (a transposed convolution, weights that have batch dimensions, a product of two
  /// activations).
  static std::optional<Contraction> get(mlir::Operation *op);

  /// Copies the row of `position` of one sample's input `x` (f32, the shape of the op's first operand) for all groups:
  /// `groups * depth` numbers. What lies in the padding is 0.
  void gather(const float *x, int64_t position, double *row) const;
  /// Index in the weight's tensor of the weight of `input` (of `depth`) for `channel` (of all groups' `groups * channels`).
  int64_t getWeightIndex(int64_t channel, int64_t input) const {
    return isProduct ? input * channels + channel : channel * depth + input;
  }
  /// The inputs of each group of `length` or fewer, at least GroupedAttr::leastLength, neighbouring channels of one tap, or of
  /// one position of a flattened image; none if channels make no such groups.
  std::vector<std::vector<int32_t>> getFactorGroups(int64_t length) const;
  /// Index in the result's tensor of the output of `channel` (of all groups') at `position`.
  int64_t getOutputIndex(int64_t channel, int64_t position) const {
    int64_t plane = outputs[0] * outputs[1] * outputs[2];
    return isProduct ? position * channels + channel
                     : (position / plane * groups * channels + channel) * plane + position % plane;
  }
  /// The same without batch, for products of whole images.
  ConvolutionShape getConvolution() const;
  mlir::OpOperand &getWeight() const { return op->getOpOperand(1); }
  mlir::OpOperand *getBias() const { return op->getNumOperands() > 2 ? &op->getOpOperand(2) : nullptr; }

  mlir::Operation *op = nullptr;
  int64_t groups = 1, channels = 0, depth = 0, positions = 0;
  bool isProduct = false;

private:
  // Of a convolution, with 1 for dimensions that it lacks.
  int64_t inputChannels = 0;
  std::array<int64_t, 3> size = {1, 1, 1}, kernel = {1, 1, 1}, strides = {1, 1, 1}, dilations = {1, 1, 1}, pads = {0, 0, 0},
                         outputs = {1, 1, 1};
};

/// The contractions of `function` in the order of its block.
std::vector<Contraction> getContractions(mlir::func::FuncOp function);

/// All samples' values at one place of a function, moved on from layer to layer: only what ops behind that place read is kept, as
/// codes where the function rounds to codes. A copy stays where it is, sharing the values.
class LayerStream {
public:
  LayerStream(mlir::func::FuncOp function, int64_t samples);
  int64_t getSamples() const { return samples; }

  /// Bytes per sample that the values alive in front of `op`, and while they are computed those in front of `previous` (null: the
  /// arguments), take.
  size_t measure(mlir::Operation *previous, mlir::Operation *op);

  /// Where sample `i` of argument `index` goes.
  char *getInput(unsigned index, int64_t i);
  /// The values that `op` and the ops behind it read and that are computed in front of it (codes where there are codes).
  std::vector<mlir::Value> getLive(mlir::Operation *op) const;
  /// Computes what `op` and the ops behind it read.
  mlir::LogicalResult advance(mlir::Operation *op);
  /// `value`, alive in front of the op last advanced to, for sample `i`: f32, decoded.
  void read(mlir::Value value, int64_t i, std::vector<float> &values) const;

private:
  struct Stored {
    size_t stride = 0;
    std::shared_ptr<Buffer> data;
  };
  Stored allocate(mlir::Value value) const;

  mlir::func::FuncOp function;
  int64_t samples;
  llvm::MapVector<mlir::Value, Stored> stored;
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_LAYERSTREAM_H
