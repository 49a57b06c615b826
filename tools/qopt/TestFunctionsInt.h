// Registers the pass `test-qc-functions-int`.
#ifndef QC_TOOLS_QOPT_TESTFUNCTIONSINT_H
#define QC_TOOLS_QOPT_TESTFUNCTIONSINT_H

namespace qc {
void registerTestFunctionsInt();
} // namespace qc

#endif // QC_TOOLS_QOPT_TESTFUNCTIONSINT_H
