// The cost model of kernels, for those who only want to know.
#ifndef QC_CONVERSION_KERNELCOST_H
#define QC_CONVERSION_KERNELCOST_H

#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Target/Kernels.h"

#include <optional>

namespace qc {
/// About how many cycles one run of a planned kernel takes on one thread: what `qc-divide-kernels` weighs against the handing out
/// of tasks. Memory is as fast as needed. Nothing for a form without a row.
std::optional<double> estimateCycles(KernelOp op, const Isa &isa);
} // namespace qc

#endif // QC_CONVERSION_KERNELCOST_H
