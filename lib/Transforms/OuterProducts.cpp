// Products of tall matrices, for wide vectors where the host has them: what this file instantiates of Eigen must not be taken for
// the other files' instances, so it has another name here.
#define Eigen EigenForWideVectors
#include <Eigen/Core>

#include "FixedBlocking.h"
#include "OuterProducts.h"

namespace qc {
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rows = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;

void addOuterProducts(double *sum, int64_t sumStride, const double *a, int64_t aColumns, const double *b, int64_t bColumns,
                      int64_t stride, int64_t rows, int64_t bStride) {
  fixBlocking();
  Eigen::Map<Matrix, 0, Eigen::OuterStride<>>(sum, aColumns, bColumns, Eigen::OuterStride<>(sumStride)).noalias() +=
      Rows(a, rows, aColumns, Eigen::OuterStride<>(stride)).transpose() *
      Rows(b, rows, bColumns, Eigen::OuterStride<>(bStride ? bStride : stride));
}
} // namespace qc
