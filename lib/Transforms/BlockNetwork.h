// A part of a network that is run with gradients.
#ifndef QC_LIB_TRANSFORMS_BLOCKNETWORK_H
#define QC_LIB_TRANSFORMS_BLOCKNETWORK_H

#include "SplitMix.h"
#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <functional>
#include <memory>

namespace qc {
/// The ops that lead from one value of a function to another one, on one sample in f32. Layers (contractions with constant
/// weights) take their weights and biases from the caller; a rounding to codes passes gradients on where it does not clip (a
/// straight-through estimate). Thread-safe: what a run computes stands in the caller's `Run`.
class BlockNetwork {
public:
  /// Null if an op between `input` and `output` has no gradient here: `why` then names it. Both are f32 values; the values of
  /// `output`'s function that `input` does not lead to are constants.
  static std::unique_ptr<BlockNetwork> create(mlir::Value input, mlir::Value output, std::string &why);
  /// From the one argument of `function` to its first result, or to what a softmax or the like makes that result of: `output`.
  static std::unique_ptr<BlockNetwork> createWhole(mlir::func::FuncOp function, mlir::Value &output, std::string &why);
  ~BlockNetwork();

  /// The numbers of one layer: weights as the op's operand has them, biases per output channel (empty without one).
  struct Numbers {
    std::vector<float> weights, biases;
    /// Of gradients: by the logarithm of a factor of all weights of an output channel.
    std::vector<float> gains = {};
  };
  /// What a layer of the float network has.
  static Numbers getNumbers(mlir::Operation *layer);

  struct Run {
    std::vector<std::vector<float>> values, gradients; ///< per value of the block
    std::vector<float> scratch;
  };
  /// Which elements stay as they are where values are rounded to codes: half of them, by a seed.
  struct Drop {
    uint64_t seed;
    /// Sets `values` to `other` where elements of value `slot` are left out.
    void apply(size_t slot, std::vector<float> &values, const std::vector<float> &other) const;
  };

  /// The ops with weights, in order; `Numbers` come in this order.
  mlir::ArrayRef<mlir::Operation *> getLayers() const { return layers; }
  /// The ops that round to codes, in order; step sizes come in this order.
  mlir::ArrayRef<mlir::quant::QuantizeCastOp> getRoundings() const { return roundings; }
  /// Multiplications of one sample.
  int64_t getMacs() const { return macs; }
  /// Numbers of one run's values.
  int64_t getValueCount() const { return valueCount; }

  /// Returns the output. Without `drop` everything is rounded. `stepSizes` of the roundings; empty: those of their types.
  const std::vector<float> &forward(const std::vector<float> &input, mlir::ArrayRef<Numbers> numbers, Run &run,
                                    const Drop *drop = nullptr, mlir::ArrayRef<float> stepSizes = {}) const;
  /// After `forward`: adds to `sums` the gradients by the layers' numbers, given that by the output; none where `sums` are empty.
  /// To `stepSums`, unless empty and where nothing was left out, those by the logarithms of `stepSizes`.
  void backward(const std::vector<float> &gradient, mlir::ArrayRef<Numbers> numbers, Run &run,
                mlir::MutableArrayRef<Numbers> sums, mlir::ArrayRef<float> stepSizes = {},
                mlir::MutableArrayRef<double> stepSums = {}) const;
  /// The result of layer `index` in `run`.
  const std::vector<float> &getResult(size_t index, const Run &run) const { return run.values[resultSlots[index]]; }

  /// The gradient by what layer `index` gives, in front of its limits.
  const std::vector<float> &getGradient(size_t index, const Run &run) const { return run.gradients[resultSlots[index]]; }

  /// One op. `slots` of `Run`: values of its operands, then of its result.
  struct Step;

private:
  BlockNetwork();
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<mlir::Operation *> layers;
  std::vector<mlir::quant::QuantizeCastOp> roundings;
  std::vector<size_t> resultSlots;
  std::vector<int64_t> sizes; ///< elements per slot
  std::vector<std::pair<size_t, std::vector<float>>> constants;
  size_t outputSlot = 0;
  int64_t macs = 0, valueCount = 0;
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_BLOCKNETWORK_H
