// Packs int8 weights so that vpmaddubsw never saturates.
//
// The instruction multiplies u8 activations x in [0, xMax] with i8 weights and adds neighbours in i16, saturating: the sum of a
// pair (a, b) is exact for every activation iff xMax * (sum of the positive weights) <= 32767 and xMax * (sum of the negative
// ones) >= -32768. For xMax = 255 that is -128 <= w_a + w_b <= 128. Ordinary int8 weights break this in 0.1 to 10 % of their
// pairs, so they do not qualify as they stand.
//
// Nothing says in which order a dot product is summed, so the reduction index may be permuted if the activations follow. One
// permutation serves a block of channels that are multiplied with the same activations. Within a window of 16 bytes the
// activations follow by one pshufb, while they are copied to a scratch panel; a maximum matching of the window's graph "safe for
// every channel of the block" pairs the indices. Where a window has no perfect matching, pairs across neighbouring windows come
// in (a chunk of the panel is then gathered by two or more shuffles). Two indices that are left over even so are paired all the
// same, and what is too much of the second one's weights goes into a *correction* slot, which multiplies the rest of those
// weights with the same activation again (w = w' + rest). The sum is exact always; what depends on the weights is how many
// shuffles and slots it takes.
//
// Where small weights allow it, the sums of several pairs add up in i16 before they widen: a *chain* of c quads is exact iff its
// 2c products of each half of a quad stay in i16, whatever the activations. It saves c - 1 of c widenings, which are a third to
// half of the work.
#ifndef QC_CONVERSION_PAIRSAFE_H
#define QC_CONVERSION_PAIRSAFE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace qc {
/// The contraction to pack: y[n] = sum_k x[k] * weights[n][k].
struct PairSafeProblem {
  llvm::ArrayRef<int8_t> weights; ///< [channels][depth]
  int64_t channels = 0;
  int64_t depth = 0;
  /// The reduction index in pieces whose activations are contiguous in memory: C for a 1x1 convolution, KH pieces of KW * C for
  /// an undilated window on channels-last rows. They add up to `depth`.
  llvm::ArrayRef<int64_t> runs;
  int64_t block = 16; ///< channels that share one panel: 8, 16, 24 or 32 (more is allowed, in steps of 8); the last block is
                      ///< filled up with zeros
  int64_t lanes = 8;  ///< channels of one vector, for estimates: 8, or 16 in registers of 512 bits
  int64_t xMax = 255; ///< largest activation code, 1 to 255; the smallest is 0
  /// Neighbouring quads that add up in i16. A power of two in natural order, without corrections; 1 or 2 in permuted order, where
  /// windows that allow none of it, or only half, stay among the unchained quads.
  int64_t chain = 1;
};

enum class PairOrder {
  Natural,  ///< indices stay as they are, only the corrections need a panel: for weights that rarely break the rule
  Permuted, ///< indices are matched; the whole reduction is read from the panel
};

/// Sixteen bytes of activations and where they go: slot i of the chunk gets byte shuffle[i] of the sixteen at `source`, or zero
/// where the top bit is set (0x80): the rule of pshufb.
struct PairSafeTerm {
  /// Index into the reduction of the first of sixteen bytes. They all lie in the same run, unless that run is shorter than
  /// sixteen: then `source` is its first index and the shuffle takes none of the bytes behind its end (but they are read).
  int64_t source = 0;
  std::array<uint8_t, 16> shuffle;
};

/// Up to sixteen slots of the panel: the terms or-ed together. At least one term; most chunks have one.
///
/// To fill a panel: store the first term of every chunk in ascending order, sixteen bytes each (the panel needs 12 bytes of
/// slack), then xor or `or` the further terms into the sixteen bytes at their chunk, in any order. Where activations are i8 and
/// the panel wants code + 128, the first store flips the top bits, and xor is right for the further terms: a slot that no term
/// has filled yet holds 0x80 then. What a slot without an index holds is of no importance, its weights are zero.
struct PairSafeChunk {
  int64_t quad = 0;  ///< first quad in the panel: bytes [4 * quad, 4 * quad + 4 * quads)
  int64_t quads = 4; ///< 1 to 4; no term fills a slot behind
  llvm::SmallVector<PairSafeTerm, 1> terms;
};

/// The reduction of one block of channels is a sequence of quads, each four activations by `block` channels. First come the
/// natural quads: they read the activations where they are, run after run, each run filled up to a multiple of four (the bytes
/// behind its end meet zero weights, whatever they hold). Then come the panel's quads. In `Permuted` order there are no natural
/// ones, and the panel begins with chunks of four quads that are two chains of two (`fullQuads` quads in all), then come such
/// whose first two quads are a chain (`halfQuads`), then the others.
struct PairSafeBlock {
  int64_t naturalQuads = 0;
  int64_t panelQuads = 0;
  int64_t fullQuads = 0, halfQuads = 0;
  int64_t corrections = 0;           ///< slots that repeat an index
  std::vector<PairSafeChunk> chunks; ///< what the panel holds, in ascending order
  std::vector<int8_t> weights;       ///< [naturalQuads + panelQuads][block][4]

  int64_t getQuads() const { return naturalQuads + panelQuads; }
  int64_t getNumTerms() const;
};

struct PairSafePacking {
  PairOrder order = PairOrder::Natural;
  int64_t block = 0;                 ///< the problem's
  std::vector<PairSafeBlock> blocks; ///< ceil(channels / block)

  int64_t getQuads() const;    ///< over all blocks
  int64_t getNumTerms() const; ///< 16-byte shuffles a pixel, over all blocks
  bool isEmpty() const { return blocks.empty(); }
  /// The quads that there would be without any correction.
  static int64_t getMinimalQuads(const PairSafeProblem &problem);
};

/// True if every neighbouring pair (0, 1), (2, 3), ... of every run is exact as it stands, and every chain of quads from the
/// run's beginning on: the activations may be read unpermuted and no correction is needed. Cheap; does not depend on `block`.
bool isPairSafe(const PairSafeProblem &problem);

/// What cannot be paired is corrected, so this never fails on weights. A malformed problem (runs that do not add up, a block that
/// is no multiple of 8, xMax outside 1..255, too few weights) gives an empty packing, which `verifyPairSafe` refuses. The 25
/// million weights of ResNet-50 take 0.2 s in blocks of 16.
PairSafePacking packPairSafe(const PairSafeProblem &problem, PairOrder order);

/// The proof. Recomputes from the packed data alone that no pair can saturate for any activations in [0, xMax], that the slots of
/// each index add up to its weights in every channel, that slots without an index have zero weights, that chunks tile the panel
/// and terms read nothing that they may not. Empty if all that holds, else what is wrong.
std::string verifyPairSafe(const PairSafeProblem &problem, const PairSafePacking &packing);

/// Estimated cost of one pixel (all channels), to choose a form by: about cycles of an AVX2 core with all data in L1. The panel
/// is filled for 12 to 24 pixels at a time; tiles are 4x16 or 6x16 for blocks of 16 and 3x32 for blocks of 32.
double estimatePairSafe(const PairSafeProblem &problem, const PairSafePacking &packing);
/// The same where pairs and chains are safe as they stand.
double estimateNatural(const PairSafeProblem &problem);
/// The same for vpmaddwd on a panel of widened activations, 16 channels a block.
double estimateWidened(const PairSafeProblem &problem);
} // namespace qc

#endif // QC_CONVERSION_PAIRSAFE_H
