// Scales of stored weights.
#include "StoredCodes.h"

#include <limits>

namespace qc {
float StoredCodes::findScale(llvm::ArrayRef<double> values, llvm::ArrayRef<double> weights) const {
  double extreme = 0;
  for (double v : values)
    if (std::fabs(v) > std::fabs(extreme))
      extreme = v;
  if (extreme == 0)
    return 1;
  auto toScale = [](double scale) {
    double least = std::numeric_limits<float>::min();
    return float(std::fabs(scale) < least ? std::copysign(least, scale) : scale);
  };
  // Codes of eight bits lose nothing to their range.
  if (bits == 8)
    return toScale(std::fabs(extreme) / highest);
  float best = 0;
  double least = HUGE_VAL;
  auto consider = [&](float scale) {
    double error = 0, product = 0, square = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      double v = values[i], weight = weights.empty() ? 1 : weights[i];
      double code = getCode(v, scale), difference = v - code * scale;
      error += weight * difference * difference;
      product += weight * v * code;
      square += weight * code * code;
    }
    if (error < least) {
      least = error;
      best = scale;
    }
    return square > 0 ? product / square : double(scale);
  };
  // The sign that gives the largest magnitude the one code more, or the scale that needs none.
  for (int step = 0; step <= (bits <= 4 ? 12 : 4); ++step)
    for (double whole : {extreme / lowest, std::fabs(extreme) / highest}) {
      double fitted = consider(toScale(whole * (1 - 0.05 * step)));
      consider(toScale(fitted));
    }
  return best;
}
} // namespace qc
