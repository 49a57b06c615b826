// Convolutions 3x3 of stride 1 by the minimal filtering algorithm F(2x2, 3x3), exact in integers.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_WINOGRAD_H
#define QC_LIB_CONVERSION_EMITKERNELS_WINOGRAD_H

#include "Contraction.h"

namespace qc {
/// Four outputs (2x2) read a patch of 4x4 inputs. With G' = 2G, which is integer:
///   4 * out = A^T [ (G' g G'^T) * (B^T d B) ] A,   the product element by element and summed over channels
/// (Winograd 1980; Lavin, Gray, arXiv:1509.09308). Patches of codes of 8 bits take 11 bits, weights 12, so both are i16. Sums are
/// modulo 2^32 like every accumulator; 4 * out fits i32 by the weights, so its quotient is the sum that the direct form gives.
struct WinogradPlan {
  ContractionShape s;                 ///< output rows and columns rounded up to whole patches
  ContractionPlan fill;               ///< the padded rows that the patches lie in
  ContractionPlan gemm;               ///< patches x input channels times input channels x output channels, for each of 16 places
  int64_t outH = 0, outW = 0;         ///< outputs that exist
  int64_t patchRows = 0, patches = 0; ///< rows of patches; patches in one of them
  int64_t band = 1;                   ///< rows of patches whose transforms are in scratch together
  int64_t bandPatches = 0;            ///< of a band, rounded up to whole register tiles
  int64_t placeStride = 0;            ///< elements from one place of a transformed patch to the next
  int64_t patchBytes = 0, sumBytes = 0, scratchBytes = 0;

  static constexpr int64_t places = 16;
  int64_t channelsPerBlock() const { return gemm.vectors * gemm.lanes; }
};

/// Why the algorithm does not apply or is not exact with `dot`; "" if it does.
std::string checkWinograd(ArrayRef<ContractionShape> parts, const Isa &isa, const DotKernel &dot);
WinogradPlan makeWinogradPlan(const ContractionShape &s, const Isa &isa, const DotKernel &dot, int64_t rows, int64_t vectors);
/// G' g G'^T of every filter as [output channel][place][input channel].
std::vector<int16_t> transformWeights(const ContractionShape &s);
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_WINOGRAD_H
