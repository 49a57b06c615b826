// The code of one bit: -1 and 1.
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include <cmath>

using namespace mlir;
using namespace qc;

SmallVector<int64_t> SignsAttr::getLevels() const { return {-1, 1}; }

/// Every weight errs by | |w| - scale |, whose squares sum up to the least at the mean of |w|.
double SignsAttr::fitScale(ArrayRef<double> values) const {
  double sum = 0;
  for (double v : values)
    sum += std::fabs(v);
  return values.empty() ? 0 : sum / double(values.size());
}
