// Weights of several layers, rounded together for what they give together.
#ifndef QC_LIB_TRANSFORMS_BLOCKROUNDING_H
#define QC_LIB_TRANSFORMS_BLOCKROUNDING_H

#include "BlockNetwork.h"
#include "LayerMoments.h"

namespace qc {
/// The weights of one layer of a block: codes times the scale of their output channel.
struct BlockLayer {
  std::vector<float> weights; ///< of the float network
  std::vector<int32_t> codes;
  std::vector<int64_t> channels; ///< output channel of each weight
  std::vector<double> scales, leastScales;
  std::vector<float> biases; ///< empty: none
  int64_t highest = 127;     ///< codes lie in [-highest, highest]
};

/// One step size of activations, of the roundings that share it (indices of `BlockNetwork::getRoundings()`).
struct BlockStepSize {
  std::vector<size_t> roundings;
  std::vector<size_t> readers; ///< layers whose inputs have it
  double scale;                ///< now
  float most;                  ///< that it may be
};

struct BlockOptions {
  bool moveCodes = true;   ///< false: codes stay, scales and biases move
  bool drop = false;       ///< leave out the rounding of half of the activations, other ones each time
  bool learnSteps = true;  ///< scales of weights move, too
  bool learnBiases = true; ///< and biases
  int64_t turns = 0;       ///< through all samples; 0: by what a step costs
  uint64_t seed = 0;
  std::vector<BlockStepSize> stepSizes; ///< of activations, which move, too, if the result is better then; only where codes stay
};

/// The samples of a block: its input in the network as it will compute and in the float network, and the float network's output.
struct BlockSamples {
  int64_t count;
  int64_t copies = 1; ///< of each sample, one behind the other: one judges if all do
  std::function<void(int64_t, std::vector<float> &)> readInput, readFloatInput, readTarget;
};

/// Sums of squares over all samples: of the float network's outputs and of their differences to the block's, before and after.
struct BlockResult {
  double signal = 0, before = 0, after = 0;
  double judged = 0;               ///< the differences after, over the samples that only judge
  std::vector<double> scales = {}; ///< of `BlockOptions::stepSizes`; empty if they stay
};

/// Li et al., BRECQ, 2021, section 3.3, with the rounding variables of AdaRound: starts from the codes in `layers` and moves
/// codes, scales and biases of all of them together down the slope of the difference of the block's outputs. With `drop` as in
/// Wei et al., QDrop, 2022. Every fifth sample only judges: what does not lower the difference there, too, is not taken. `layers`
/// in the order of `network.getLayers()`. The same result for any number of threads.
BlockResult reconstructBlock(const BlockNetwork &network, const BlockSamples &samples, const BlockOptions &options,
                             std::vector<BlockLayer> &layers, const ForEach &forEach);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_BLOCKROUNDING_H
