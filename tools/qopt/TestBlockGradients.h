// Registers the pass `test-qc-block-gradients`.
#ifndef QC_TOOLS_QOPT_TESTBLOCKGRADIENTS_H
#define QC_TOOLS_QOPT_TESTBLOCKGRADIENTS_H

namespace qc {
void registerTestBlockGradients();
} // namespace qc

#endif // QC_TOOLS_QOPT_TESTBLOCKGRADIENTS_H
