// Methods that choose the codes and scales of weights, all for one objective (LayerMoments.h).
#ifndef QC_LIB_TRANSFORMS_WEIGHTROUNDING_H
#define QC_LIB_TRANSFORMS_WEIGHTROUNDING_H

#include "LayerMoments.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include <optional>
#include <string_view>

namespace qc {
/// In which order sequential rounding takes the inputs of a layer.
enum class RoundingOrder {
  Natural,    ///< as they stand
  Activation, ///< largest second moment first
  Importance, ///< largest second moment that the inputs still to come cannot make up for first
};

struct RoundingOptions {
  RoundingOrder order = RoundingOrder::Importance;
};

/// One group of a layer.
struct RoundingProblem {
  const GroupObjective &objective;
  int64_t channels, depth;
  int64_t highest;                 ///< codes lie in [-highest, highest]; so do products with factors
  std::vector<double> largest;     ///< per channel: magnitude of the network's own weights
  std::vector<double> leastScales; ///< per channel
  bool powerOfTwo;                 ///< of scales
  double sharedScale = 0;          ///< the scale of all channels, if they have one
  /// The codes, ascending, where not all of [-highest, highest] are; `largest` / `highest` is then the scale of least error.
  std::vector<int64_t> levels = {};
  /// Where codes are multiplied with a factor per group of inputs: the inputs of each. The products stand for codes everywhere
  /// else.
  std::vector<std::vector<int32_t>> factorGroups = {};
  GroupedAttr grouped = {};
  /// Of stored weights (qc.decode): the bits of their codes, -2^(bits-1) and up. Factors are then real numbers, f32, and the
  /// channel's scale is 1.
  int64_t storedBits = 0;
};

/// Gives all groups of a layer, and all their channels, the one scale of least error, each weight rounded by itself and inputs
/// taken as independent.
void shareScale(std::vector<RoundingProblem> &problems);

struct RoundedWeights {
  std::vector<int32_t> codes;  ///< channels x depth
  std::vector<double> scales;  ///< per channel, f32 numbers
  std::vector<double> factors; ///< of stored weights: channels x depth, f32 numbers
};

/// What follows when the layers of a block are rounded one by one (BlockRounding.h).
enum class BlockStep { None, Joint, JointWithDrop };

struct RoundingMethod {
  std::string_view name;
  int64_t leastSamples; ///< with fewer the moments say too little about the inputs to come
  RoundedWeights (*round)(const RoundingProblem &, const RoundingOptions &, const ForEach &);
  BlockStep block = BlockStep::None;
  bool anyLevels = false; ///< takes codes that are no neighbouring integers, too
};

/// All methods that need samples.
const std::vector<RoundingMethod> &getRoundingMethods();

/// The method of that name; null if there is none (`nearest` needs no samples, and is none).
const RoundingMethod *findRoundingMethod(std::string_view name);

/// natural, activation or importance; nothing for other texts.
std::optional<RoundingOrder> parseRoundingOrder(std::string_view text);

/// The nearest codes at the scale of the largest weight: what methods are compared with.
RoundedWeights roundToNearest(const RoundingProblem &problem, const std::vector<double> &weights);

/// Mean square of (q - target) x over the rows x of the moments, summed over channels.
double getError(const RoundingProblem &problem, const RoundedWeights &rounded);
/// Of the channels from `begin` to `end` alone.
double getError(const RoundingProblem &problem, const RoundedWeights &rounded, int64_t begin, int64_t end);
/// The same of the target itself.
double getSignal(const RoundingProblem &problem);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_WEIGHTROUNDING_H
