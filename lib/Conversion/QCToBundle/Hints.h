// Advice for the report.
#ifndef QC_LIB_CONVERSION_QCTOBUNDLE_HINTS_H
#define QC_LIB_CONVERSION_QCTOBUNDLE_HINTS_H

#include "llvm/Support/JSON.h"

namespace qc {
/// Adds `hints`, a list of texts, to the tensors of `accuracy` (the report's, from `qc-measure-errors`) with the largest loss of
/// their own, as far as the loss is worth mending.
void addHints(llvm::json::Object &accuracy);
} // namespace qc

#endif // QC_LIB_CONVERSION_QCTOBUNDLE_HINTS_H
