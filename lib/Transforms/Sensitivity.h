// What fewer bits of one layer's weights do to the outputs of the network, and how well a whole assignment does.
#ifndef QC_LIB_TRANSFORMS_SENSITIVITY_H
#define QC_LIB_TRANSFORMS_SENSITIVITY_H

#include "CollectMoments.h"
#include "PrecisionChoices.h"

namespace qc {
struct SensitivityOptions {
  std::string samples;                    ///< .npz
  const RoundingMethod *method = nullptr; ///< null: to the nearest code
  RoundingOptions rounding;
  bool biasCorrection = true;
  double damping = 0;
  double sensitivity = 0;  ///< how far positions count by what they do to the network's result, see PositionWeights
  bool powerOfTwo = false; ///< of scales
  unsigned memory = 2048;  ///< MiB for the values of samples between two layers
};

/// A layer whose weights may have several code types.
struct LayerSensitivity {
  Contraction contraction;
  std::vector<unsigned> bits;        ///< of each candidate, ascending
  std::vector<WeightScheme> schemes; ///< of each candidate
  std::vector<int64_t> ends;         ///< of runs of output channels that may have several code types
  // For each run and candidate:
  std::vector<std::vector<double>> errors; ///< (q - w) H (q - w)^T, as a part of w H w^T of the layer
  std::vector<std::vector<double>> losses; ///< what that does to the network's outputs, see OutputLoss
  // For each candidate:
  std::vector<std::vector<float>> weights, biases; ///< decoded; biases with their correction, none if there are none

  int64_t getBegin(size_t slice) const { return slice ? ends[slice - 1] : 0; }
  /// Of the candidate with so many bits.
  const WeightScheme &getScheme(unsigned candidate) const { return schemes[llvm::find(bits, candidate) - bits.begin()]; }
};

/// How far outputs of a network are from those of the float network. For a result behind a softmax the mean of the
/// Kullback-Leibler divergence in nats, for others the mean square of the difference as a part of that of the result; summed over
/// results.
class OutputLoss {
public:
  OutputLoss() = default;
  /// Of the results of `function`.
  explicit OutputLoss(mlir::func::FuncOp function);

  /// Sums of one sample.
  struct Sample {
    std::vector<double> error, signal; ///< for each result
    int64_t rows = 0, sameLargest = 0; ///< results of one row: scores of classes
  };
  /// One pointer per result that counts (`getValues`), f32.
  Sample compare(mlir::ArrayRef<const char *> exact, mlir::ArrayRef<const char *> actual) const;
  double getLoss(mlir::ArrayRef<Sample> samples) const;
  /// Indices of the results that count: f32 tensors.
  mlir::ArrayRef<unsigned> getResults() const { return results; }
  size_t getBytes(size_t i) const { return sizes[i] * sizeof(float); }

private:
  std::vector<unsigned> results;
  std::vector<size_t> sizes;
  std::vector<char> isProbability, isRow;
};

/// What an assignment does on samples that nothing was fitted to.
struct Outcome {
  double loss = 0;
  int64_t samples = 0, rows = 0, sameLargest = 0;
  /// Rows whose largest number is at the same place as in the float network, as a part; 1 without rows.
  double getAgreement() const { return rows ? double(sameLargest) / double(rows) : 1; }
};

class Sensitivity {
public:
  /// Of every so many samples the last one is held out.
  static constexpr int64_t heldOutEvery = 4;

  Sensitivity(mlir::func::FuncOp function, const SensitivityOptions &options);
  ~Sensitivity();

  /// Reads the samples. Emits what is wrong with them.
  mlir::LogicalResult open();
  /// Fills in errors, losses and rounded weights of the layers, which are in the order of the function. Candidates are given.
  mlir::LogicalResult measure(std::vector<LayerSensitivity> &layers);
  /// Fills in the losses of the groups: samples run through the float network in which only that group is rounded.
  mlir::LogicalResult measure(std::vector<ActivationGroup> &groups);
  /// The function with activations of codes and these weights, on the samples held out. `choice`: candidates of the runs of each
  /// layer.
  mlir::FailureOr<Outcome> evaluate(mlir::ArrayRef<LayerSensitivity> layers, mlir::ArrayRef<std::vector<size_t>> choice);
  /// The same for another function with the same arguments and results, all quantized.
  mlir::FailureOr<Outcome> evaluate(mlir::func::FuncOp quantized);

  int64_t getHeldOut() const;
  int64_t getFitted() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_SENSITIVITY_H
