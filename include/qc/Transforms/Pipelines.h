// The stages and the pipeline that joins them. One list of stages serves qcc, qopt and the stage verifier.
#ifndef QC_TRANSFORMS_PIPELINES_H
#define QC_TRANSFORMS_PIPELINES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include "llvm/Support/Error.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace qc {
/// In order; docs/Pipeline.md says what holds after each. `Bundle` is not an IR stage and is made by Bundle.h.
enum class Stage { Import, Graph, Annotated, QDQ, Quantized, Integer, Packed, Linalg, Buffers, Vector, LLVM, Bundle };

std::optional<Stage> parseStage(llvm::StringRef name);
llvm::StringRef getStageName(Stage stage);
/// "import, graph, ...", for messages.
std::string getStageNames(bool withBundle);

/// Mixed precision (docs/MixedPrecision.md); negative: no budget.
struct PrecisionOptions {
  std::string
      minimize; ///< loss | weight-bytes | flash | arena | latency | ace | bops; empty: loss if there is a budget for costs
  std::string candidates = "2,3,4,5,6,8,16"; ///< bits that a layer may get, or bits/group (WeightScheme)
  std::string activationCandidates;          ///< bits that a tensor of activations may get; empty: those of `activations`
  unsigned slices = 1;                       ///< runs of output channels with bits of their own, at most
  int64_t maxWeightBytes = -1, maxFlash = -1, maxArena = -1;
  double maxLatency = -1; ///< microseconds
  double clock = 3000;    ///< MHz, for latency
  double maxAce = -1, maxBops = -1;
  double maxDrop = -1; ///< points of agreement with the float network
  unsigned pareto = 0; ///< so many points
  std::string paretoOut;

  bool hasBudget() const {
    return maxWeightBytes >= 0 || maxFlash >= 0 || maxArena >= 0 || maxLatency >= 0 || maxAce >= 0 || maxBops >= 0;
  }
  bool isWanted() const { return hasBudget() || maxDrop >= 0 || pareto || !minimize.empty(); }
};

/// Everything that changes the IR between import and LLVM. Only `isa` and `indexBits` depend on the target; they, `without` and
/// `threads` change no value.
struct PipelineOptions {
  bool float32 = false;                      ///< activations and computations in f32: every mode but int
  std::string mode = "int";                  ///< int | f32 | weight-only | dynamic | fp16; set by setMode
  std::string activations = "i8";            ///< iN or uN
  std::string productActivations;            ///< of what products of two activations read; empty: as `activations`
  std::string weights = "i8";                ///< iN, and kind=iN for kinds of layers
  std::string weightGranularity = "channel"; ///< channel | tensor: what shares a scale of weights
  bool zeroPoints = true;                    ///< of activations; false: the code of 0 is 0
  std::string quantProfile;                  ///< what the hardware can do (QuantProfile.h): a name or a file; empty: anything
  bool equalize = false;                     ///< like ranges of weights on both sides of a channel
  std::string rotate = "off";                ///< off | hadamard | eigen: orthonormal matrices between linear layers
  std::string migrate = "off";               ///< off | smooth | awq: scales between activations and weights
  double migrationStrength = 0.5;            ///< its exponent
  std::string rounding = "nearest";          ///< nearest, or a method that needs samples
  std::string order = "importance";          ///< natural | activation | importance: for sequential rounding
  bool progressive = true;                   ///< layers are reconstructed on the quantized ones before them
  bool biasCorrection = true;                ///< of reconstructed layers
  double sensitivity = 0.7;                  ///< how far positions count by what they do to the network's result
  double damping = 0;                        ///< of second moments, as a part of the mean of the diagonal; 0: by the samples
  double coupling = 0;                       ///< how far errors of a layer's output channels count together
  std::string augment;                       ///< copies of the samples for rounding: mirror, zoom, shift
  unsigned learnSteps = 0;                   ///< turns through the samples in which scales and biases move for the result
  unsigned roundingMemory = 2048;            ///< MiB for the values of samples between two layers
  PrecisionOptions precision;                ///< bits of each layer's weights under budgets
  /// Bytes of the constants in the object made of a module at stage `llvm`; null: what its globals hold.
  std::function<llvm::Expected<int64_t>(mlir::ModuleOp)> measureConstants;
  std::string pairSafe = "off";   ///< off | shrink
  std::string requant = "onnx";   ///< rounding contract
  std::string calibrator = "mse"; ///< minmax | percentile | mse | entropy
  double percentile = 99.99;
  std::string samples;       ///< calibration .npz
  std::string ranges;        ///< range file, instead of or on top of samples
  std::string dumpRanges;    ///< write ranges here
  std::string constraints;   ///< JSON file with code types of single tensors and of the weights of single layers
  std::string state;         ///< input:output,...: outputs that are the next sample's inputs
  int64_t resetEvery = 0;    ///< samples of one sequence; 0: all are one
  bool stateInArena = false; ///< states lie in the arena instead of inputs and outputs
  std::string decode;        ///< input[:axis]: the function of one token, with what it needs of all earlier ones
  std::string streaming;     ///< input[:axis]: the function of one frame, with the histories of convolutions
  bool integerOnly = false;  ///< float fallbacks are errors
  bool dropSoftmax = false;
  std::string activationForm = "auto";       ///< auto | table | pwl
  unsigned pieces = 0;                       ///< of each function by pieces; 0: as few as meet the bound
  double maxActivationError = -1;            ///< in codes of the result; -1: 1 up to 8 bits, 2 for 16
  std::string activationWeights = "uniform"; ///< uniform | histogram: what squares of pieces count
  std::string plotActivations;               ///< folder for a picture of each function
  bool keepCurves = false;                   ///< for the report
  int64_t measureErrors = 0;                 ///< on so many samples, for the report; 0: not
  std::string normalize = "exact";           ///< exact | mad: mean magnitudes instead of deviations
  std::string isa = "scalar";                ///< what kernels may use: a row of lib/Target/Isas.def
  std::vector<std::string> without;          ///< forms of kernels that are not used
  unsigned indexBits = 64;                   ///< pointer width of the target
  unsigned threads = 1;                      ///< most tasks of a kernel that run at once
  unsigned taskOverhead = 6000;              ///< cycles to hand tasks out and wait for the last one
};

/// The modes: docs/Modes.md.
llvm::ArrayRef<llvm::StringRef> getModes();
void setMode(PipelineOptions &options, llvm::StringRef mode);

/// What is impossible in the options, as "<option>=<value>: <remedy>"; empty if nothing.
std::vector<std::string> checkOptions(const PipelineOptions &options);

/// Appends the passes that lead from after `from` up to and including `to`. Each stage ends with its verifier.
void buildPipeline(mlir::OpPassManager &pm, Stage from, Stage to, const PipelineOptions &options);

/// The passes of stage `qdq` behind the casts: code types of weights, codes. Of every `heldOut` samples (0: none) the last is
/// left out.
void buildWeightPasses(mlir::OpPassManager &pm, const PipelineOptions &options, int64_t heldOut = 0);

/// `qc-assign-precision` with everything that the passes behind it will be given.
std::unique_ptr<mlir::Pass> createAssignPrecision(const PipelineOptions &options);

/// Registers `--qc-pipeline='start-after=... stop-after=... activations=... '` for qopt.
void registerPipelines();
} // namespace qc

#endif // QC_TRANSFORMS_PIPELINES_H
