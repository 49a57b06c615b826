// Products by Eigen that give the same sums on every host. Include it behind Eigen, which some files know by another name.
#ifndef QC_LIB_TRANSFORMS_FIXEDBLOCKING_H
#define QC_LIB_TRANSFORMS_FIXEDBLOCKING_H

namespace qc {
/// By itself Eigen blocks products by the sizes of the caches that it finds: sums would depend on the host. Call this before any
/// product; each file has its own, as it may have its own Eigen.
static inline void fixBlocking() {
  static const bool fixed = (Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 4 << 20), true);
  (void)fixed;
}
} // namespace qc

#endif // QC_LIB_TRANSFORMS_FIXEDBLOCKING_H
