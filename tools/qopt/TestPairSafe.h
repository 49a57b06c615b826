// Registers the pass `test-qc-pair-safe`.
#ifndef QC_TOOLS_QOPT_TESTPAIRSAFE_H
#define QC_TOOLS_QOPT_TESTPAIRSAFE_H

namespace qc {
void registerTestPairSafe();
} // namespace qc

#endif // QC_TOOLS_QOPT_TESTPAIRSAFE_H
