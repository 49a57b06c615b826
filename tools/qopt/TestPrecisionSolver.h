// Registers the pass `test-qc-precision-solver`.
#ifndef QC_TOOLS_QOPT_TESTPRECISIONSOLVER_H
#define QC_TOOLS_QOPT_TESTPRECISIONSOLVER_H

namespace qc {
void registerTestPrecisionSolver();
} // namespace qc

#endif // QC_TOOLS_QOPT_TESTPRECISIONSOLVER_H
