// Transposes and reshapes of one dimension order into another, by dimensions.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_LAYOUT_H
#define QC_LIB_CONVERSION_EMITKERNELS_LAYOUT_H

#include "Kernel.h"

#include <optional>

namespace qc {
/// What the chain of transposes and reshapes that ends in `value` begins with.
Value getLayoutSource(Value value);

/// For each dimension of `to`, which is `from` behind transposes, reshapes and ops that keep the shape: the dimension of `from`
/// that it is, -1 where its size is 1. Nothing if a reshape splits or joins dimensions.
std::optional<SmallVector<int64_t>> getMovedDims(Value from, Value to);
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_LAYOUT_H
