// What mixed precision has decided: attributes that the report of a network reads, remarks, and the front as a file.
#ifndef QC_LIB_TRANSFORMS_PRECISIONREPORT_H
#define QC_LIB_TRANSFORMS_PRECISIONREPORT_H

#include "PrecisionSpace.h"

#include "llvm/Support/JSON.h"

namespace qc {
class PrecisionReport {
public:
  /// `front`: with -pareto.
  PrecisionReport(PrecisionSpace &space, const PrecisionPoint &chosen, llvm::ArrayRef<PrecisionPoint> front)
      : space(space), chosen(chosen), front(front) {}

  /// Puts what is chosen on the network, and why.
  void record();
  llvm::json::Value describeFront() const;

private:
  Assignment getVariant(size_t u, size_t candidate) const;
  std::string getReason(size_t u) const;

  PrecisionSpace &space;
  const PrecisionPoint &chosen;
  llvm::ArrayRef<PrecisionPoint> front;
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_PRECISIONREPORT_H
