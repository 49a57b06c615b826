// Depthwise convolutions: how one runs.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_DEPTHWISE_H
#define QC_LIB_CONVERSION_EMITKERNELS_DEPTHWISE_H

#include "Contraction.h"

namespace qc {
/// One of the two spatial dimensions.
struct DepthwiseAxis {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad = 0, crop = 0;
  int64_t span() const { return (kernel - 1) * dilation + 1; } ///< input positions that one output sees
};

/// Everything that is decided about a depthwise convolution; a function of the shape, the isa, the dot kernel and the tile alone.
///
/// A dot step adds k0 products to each lane, so the k0 activations of a lane must be neighbours. A panel holds them so: a *unit*
/// is what k0 neighbouring columns hold, `[channel][column]`, and units begin at every second column. An output at an even column
/// of a row uses the weights as they are, one at an odd column uses them one position later, behind a zero. So each element of
/// the input is widened and interleaved once for all taps, and each load of a unit serves several outputs. Rows of the panel form
/// a ring: a row of the input is copied once.
///
/// Without such a step (`dot` multiplies one by one) a unit is one column, and where nothing is padded there is no panel.
///
/// Where an input channel has several outputs it is repeated for each of them when it is loaded.
struct DepthwisePlan {
  ContractionShape s;
  const DotKernel *dot = nullptr;
  DepthwiseAxis x, y;   ///< x: along a row of the panel
  bool swapped = false; ///< x is the first spatial dimension
  int64_t lanes = 1;
  int64_t columns = 1; ///< outputs of a tile
  int64_t vectors = 1; ///< vectors of channels of a tile
  bool panel = false;
  int64_t units = 0; ///< of a panel row
  int64_t chunk = 1; ///< groups of `vectors` vectors that are in the panel at once
  int64_t scratchBytes = 0;

  int64_t k0() const { return dot->k0; }
  int64_t elementBytes() const { return getActivationBytes(*dot, s.code); }
  int64_t unitColumns() const { return k0() > 1 ? 2 : 1; }
  /// Positions of an output's first tap within a unit that occur.
  int64_t phases() const { return k0() > 1 && x.stride == 1 ? 2 : 1; }
  int64_t slots(int64_t phase) const { return (x.kernel + phase + k0() - 1) / k0(); }
  /// Rows of the panel.
  int64_t ring() const { return y.span(); }
  /// Outputs per input channel; those of one channel are neighbours, in one group.
  int64_t multiplier() const { return s.outPerGroup; }
  int64_t groupLanes() const { return vectors * lanes; }
  int64_t channels() const { return groupLanes() / multiplier() * multiplier(); } ///< outputs of a group
  int64_t fullGroups() const { return s.outC() / channels(); }
  int64_t tailChannels() const { return s.outC() % channels(); }
  int64_t chunks() const { return fullGroups() / chunk + (tailChannels() ? 1 : 0); }
  /// Vectors of the group that holds the last channels; a power of two.
  int64_t tailVectors() const;
  /// Lanes of one step: all of a group where the step is a plain product.
  int64_t stepLanes(int64_t groupVectors) const { return k0() > 1 ? lanes : groupVectors * lanes; }
  /// Weight elements per lane.
  int64_t weightsPerLane() const { return y.kernel * weightsPerRow(); }
  int64_t weightsPerRow() const { return (slots(0) + (phases() > 1 ? slots(1) : 0)) * k0(); }
};

DepthwisePlan makeDepthwisePlan(const ContractionShape &s, const Isa &isa, const DotKernel &dot, int64_t columns,
                                int64_t vectors);
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_DEPTHWISE_H
