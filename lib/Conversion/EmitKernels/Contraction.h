// Convolutions and products as one normal form, and how each runs.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_CONTRACTION_H
#define QC_LIB_CONVERSION_EMITKERNELS_CONTRACTION_H

#include "Dots.h"
#include "GroupedWeights.h"
#include "StoredWeights.h"
#include "qc/Conversion/PairSafe.h"

#include <memory>
#include <vector>

namespace qc {
/// out[b, oy, ox, g*outPerGroup + n] = bias[n] + sum over ky, kx, c of
///   in[b, oy*strideH + ky*dilationH - padTop, ox*strideW + kx*dilationW - padLeft, g*inPerGroup + c] * weight[n][ky][kx][c],
/// where positions outside read `padValue`. A product of matrices has kernel 1x1 and positions along W. In a product of two
/// activations the weights of image b are the codes of its right side, less their zero point; the step reads both as i16.
///
/// A transposed convolution is several of these (Transposed.cpp), each of which gives every `outStep`-th row and column. Those
/// that differ in nothing but weights and first output are phases of one shape.
struct ContractionPhase {
  int64_t firstH = 0, firstW = 0;
  SmallVector<int64_t> taps; ///< of the op's kernel, in the order of this one; empty: all of them as they are
  mutable std::shared_ptr<std::vector<int8_t>> orderedWeights;
};

/// Weights that the tile decodes to f32 (qc.decode).
struct StoredShape {
  StoredFields fields;
  StoredFormat format = StoredFormat::Integer;
  int64_t group = 0;         ///< inputs of one scale: all of a channel's, or a multiple of 32 (the last fewer)
  mlir::ElementsAttr scales; ///< of integers
};

struct ContractionShape {
  mlir::Operation *main = nullptr;
  Value input; ///< block argument of the kernel, channels last
  Type code;   ///< its element type
  unsigned positionRank = 0;
  int64_t batch = 1, inH = 1, inW = 1, outH = 1, outW = 1;
  int64_t groups = 1, inPerGroup = 0, outPerGroup = 0;
  int64_t kernelH = 1, kernelW = 1, strideH = 1, strideW = 1, dilationH = 1, dilationW = 1, padTop = 0, padLeft = 0;
  int64_t padValue = 0;
  bool pads = false;                  ///< some tap of some position lies outside
  int64_t cropTop = 0, cropLeft = 0;  ///< what the buffer has in front of the first row and column, and inH, inW do not count
  int64_t zeroPoint = 0;              ///< what the op takes off every code
  bool centered = false;              ///< the code of 0 is in the middle of all
  int64_t outStepH = 1, outStepW = 1; ///< of a transposed convolution; positions of its outputs
  SmallVector<ContractionPhase> phases = SmallVector<ContractionPhase>(1);
  uint64_t bound = 0;
  std::optional<StoredShape> stored; ///< of f32: `weight` holds what is stored
  mlir::ElementsAttr weight, bias;   ///< bias may be null
  /// The weights as codes and factors of groups, where the kernel stores them so (`weight_group`).
  std::shared_ptr<const GroupedWeights> grouped;
  /// Of a product of two activations the right side, a block argument [batch][inPerGroup][outPerGroup], instead of `weight`; what
  /// is taken off its codes.
  Value right;
  Type rightCode;
  int64_t rightZeroPoint = 0;

  int64_t inC() const { return groups * inPerGroup; }
  int64_t outC() const { return groups * outPerGroup; }
  bool isFloat() const { return mlir::isa<mlir::FloatType>(code); }
  bool isProduct() const { return bool(right); }
  bool isUnsigned() const { return code.isUnsignedInteger(); }
  int64_t taps() const { return kernelH * kernelW; }
  bool isSingle() const { return batch * outH * outW == 1; }
  /// True if position i reads element i of the input, and gives element i of the result.
  bool isPointwise() const {
    return taps() == 1 && strideH == 1 && strideW == 1 && !pads && outStepH == 1 && outStepW == 1 && inH == outH && inW == outW &&
           !cropTop && !cropLeft;
  }
  /// The weights of a phase as [groups*outPerGroup][ky][kx][c]; made once for all copies of this shape.
  const std::vector<int8_t> &getWeights(size_t phase = 0) const;
  std::vector<float> getFloatWeights(size_t phase = 0) const;
  /// What is stored, in the same order, and its scales as [groups*outPerGroup][scaleGroups()].
  std::vector<int32_t> getStoredWeights(size_t phase = 0) const;
  std::vector<float> getStoredScales() const;
  /// Codes and factors of the longest groups (or of `length`) that the weights have, if a step can stop behind each; null else.
  std::shared_ptr<const GroupedWeights> findGroups() const;
  std::shared_ptr<const GroupedWeights> findGroups(int64_t length) const;
  /// What lies in memory: weights, or their codes.
  const std::vector<int8_t> &getStoredCodes(size_t phase = 0) const { return grouped ? grouped->codes : getWeights(phase); }
  int64_t scaleGroups() const { return (inPerGroup + stored->group - 1) / stored->group; }
  /// The biases of all phases, for each one [outC] and `slack` zeros; what `shift` adds to every code is taken off.
  Value getBiases(Kernel &k, int64_t shift, int64_t slack) const;

  /// What the kernel's main op is made of: one, or those of a transposed convolution. The reason in `why` if it is no
  /// contraction.
  static mlir::FailureOr<SmallVector<ContractionShape, 1>> get(KernelOp op, std::string &why);
};

/// Transposed.cpp: a transposed convolution as ordinary ones. `s` holds what does not depend on positions.
SmallVector<ContractionShape, 1> splitTransposed(const ContractionShape &s, ConvTransposeOp op);

/// The phase that a loop is at: where its weights and biases begin, and its outputs.
struct PhaseCursor {
  Value weights, bias, firstH, firstW;
  /// The output element of position (y, x) as the epilogue counts.
  SmallVector<Value> place(Kernel &k, const ContractionShape &s, Value image, Value y, Value x) const;
};
/// Calls `body` for every phase; each has `weights` elements of weights and `biases` of biases.
void forEachPhase(Kernel &k, const ContractionShape &s, int64_t weights, int64_t biases,
                  llvm::function_ref<void(const PhaseCursor &)> body);

/// Everything that is decided about a contraction; a function of the shape, the isa, the dot kernel and the tile alone.
struct ContractionPlan {
  ContractionShape s;
  const DotKernel *dot = nullptr;
  int64_t lanes = 1;
  int64_t rows = 1, vectors = 1;    ///< register tile: positions x vectors of channels
  bool flat = false;                ///< all positions are one row
  bool panel = false;               ///< activations are copied (padded, widened) to scratch first
  int64_t pixelStride = 0;          ///< elements from one pixel to the next, in panel or buffer
  bool mergedTaps = false;          ///< the taps of one kernel row are one run of elements
  int64_t runLength = 0, steps = 0; ///< elements and dot steps of one run; elements rounded up to k0
  int64_t unroll = 1;               ///< steps in one iteration
  int64_t band = 1;                 ///< rows of positions (flat: tiles) per panel
  int64_t panelRows = 0, panelWidth = 0;
  int64_t panelBytes = 0, scratchBytes = 0;
  int64_t rightBytes = 0; ///< of the right side of a product, packed, behind the panel
  /// Chains that depend on the activations (isMarked): bytes of the panel's magnitudes and marks, behind it.
  int64_t markBytes = 0;
  double unpacking = 0; ///< operations that each vector of weights takes, where they are packed
  int64_t sumBytes = 0; ///< of the sums of activations, one i32 per position of a band, behind everything else
  /// The permuted form: what each block of channels reads, in the order in which its pairs are safe.
  std::shared_ptr<PairSafePacking> packing;
  std::string unsafe;                                         ///< what the proof found; must be empty
  int64_t singleChunks = 0, chunkPairs = 0, furtherTerms = 0; ///< of every block: some are there more than once
  int64_t permutedStride = 0, permutedTiles = 1;              ///< bytes per position; register tiles per filling

  /// True if the tile makes f32 of stored weights, and then if activations come scaled to what fields are multiplied with (the
  /// panel does that once), their sums taken off beforehand.
  bool decodes() const { return dot->step == DotStep::Decode; }
  bool prescales() const { return decodes() && flat && s.stored->fields.isInteger(); }
  /// True if two steps add up in i16 where the panel's marks allow it.
  bool isMarked() const { return hasMarks(*dot); }
  /// Steps whose sum is multiplied with one factor; 0: there are no factors.
  int64_t groupSteps() const { return s.grouped ? s.grouped->length / dot->k0 : 0; }

  int64_t runs() const { return mergedTaps ? s.kernelH : s.taps(); }
  /// Strides and first rows as the panel sees them: it holds only what a kernel of height or width 1 reads.
  int64_t stepH() const { return s.kernelH == 1 ? 1 : s.strideH; }
  int64_t stepW() const { return s.kernelW == 1 ? 1 : s.strideW; }
  int64_t positions() const { return s.batch * s.outH * s.outW; }
  int64_t width() const { return flat ? positions() : s.outW; }
  int64_t elementBytes() const { return s.isProduct() ? 2 : getActivationBytes(*dot, s.code); }
  int64_t fullBlocks() const { return s.outPerGroup / (lanes * vectors); }
  int64_t blocks() const { return fullBlocks() + (tailVectors() ? 1 : 0); }
  int64_t tailVectors() const { return (s.outPerGroup % (lanes * vectors) + lanes - 1) / lanes; }
  /// True if weights that are not packed in few bits are stored as i16, so that no step widens them: several positions read them,
  /// and those of a block stay in the first-level cache. Not beside codes of 16 bits: those fill the cache, and the six rows of
  /// their tiles share the widening.
  bool hasWideWeights() const {
    return dot->weights == DotWeights::I16 && !s.isSingle() && s.code.getIntOrFloatBitWidth() <= 8 &&
           weightsPerVector() * vectors <= 4 * 1024 && s.outC() * runs() * steps * dot->k0 <= 256 * 1024;
  }
  /// What is added to a code of the input: of a product its zero point is taken off.
  int64_t getShift() const { return s.isProduct() ? -s.zeroPoint : s.isFloat() ? 0 : getActivationShift(*dot, s.code); }
  /// The type that the step reads activations as.
  Type getType(Kernel &k) const { return s.isProduct() ? k.b.getIntegerType(16) : getActivationType(k, *dot, s.code); }
  /// Elements of one vector of weights.
  int64_t vectorWeights() const { return lanes * dot->k0; }
  /// Weight elements of one vector of channels.
  int64_t weightsPerVector() const { return runs() * steps * lanes * dot->k0; }
};

/// Chunks `i` whose successor continues them in source and panel, so that one shuffle of 32 bytes fills both; none twice.
/// Runs are `runLength` elements; their ends do not lie beside each other.
SmallVector<size_t> getChunkPairs(const PairSafeBlock &block, int64_t runLength);

/// `packing`: of the permuted form, if it is at hand; else it is made.
ContractionPlan makePlan(const ContractionShape &s, const Isa &isa, const DotKernel &dot, int64_t rows, int64_t vectors,
                         bool permuted, std::shared_ptr<PairSafePacking> packing = nullptr);

/// True if a register tile leaves what its steps need besides the accumulators.
bool fitsRegisters(const DotKernel &dot, const Isa &isa, int64_t rows, int64_t vectors);
/// Cycles that all tiles take, of one step or of all (Contraction.cpp).
double getCost(const ContractionPlan &p, const Isa &isa);

/// Brings `rows` rows of the input that the positions from row `firstPosition` on read into the panel, padded on all sides.
void fillPanel(Kernel &k, const ContractionPlan &p, const Flat &input, Value panel, Value image, Value g, Value firstPosition,
               Value rows);

/// The code of the fewest bits that all parts' weights have in common, with the zeros of steps that do not exist; eight bits
/// where the order of the weights is a permuted one, or they are f32.
WeightCode getWeightCode(ArrayRef<ContractionPlan> plans);

/// What the largest of the parts needs; they run one after the other.
int64_t getScratchBytes(ArrayRef<ContractionPlan> plans);

/// Why `dot` does not multiply these parts exactly on `isa`; "" if it does. The proof of a permuted one is its plan's.
std::string checkDot(ArrayRef<ContractionShape> parts, const Isa &isa, const DotKernel &dot, bool permuted);
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_CONTRACTION_H
