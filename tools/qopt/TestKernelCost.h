#ifndef QC_TOOLS_QOPT_TESTKERNELCOST_H
#define QC_TOOLS_QOPT_TESTKERNELCOST_H

namespace qc {
/// Registers `--test-kernel-cost`.
void registerTestKernelCost();
} // namespace qc

#endif // QC_TOOLS_QOPT_TESTKERNELCOST_H
