// The one heavy loop of second moments, in a file of its own that is compiled for wider vectors.
#ifndef QC_LIB_TRANSFORMS_OUTERPRODUCTS_H
#define QC_LIB_TRANSFORMS_OUTERPRODUCTS_H

#include <cstdint>

namespace qc {
/// sum (aColumns x bColumns, rows `sumStride` apart) += a^T b over `rows` rows of `a` and `b`, which lie `stride` apart, those of
/// `b` `bStride` if that is not 0. Sums in an order that depends on the sizes alone. Needs what `getCalibrationTarget` asks of
/// the host.
void addOuterProducts(double *sum, int64_t sumStride, const double *a, int64_t aColumns, const double *b, int64_t bColumns,
                      int64_t stride, int64_t rows, int64_t bStride = 0);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_OUTERPRODUCTS_H
