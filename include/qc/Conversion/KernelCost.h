// The cost model of kernels, for those who only want to know.
#ifndef QC_CONVERSION_KERNELCOST_H
#define QC_CONVERSION_KERNELCOST_H

#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Target/Kernels.h"

#include <optional>

namespace qc {
/// About how many cycles one run of a planned kernel (`qc-form-kernels`) takes on one thread: the steps that `qc-divide-kernels`
/// weighs against the handing out of tasks, times the measured rates of lib/Conversion/EmitKernels/KernelRates.def. Nothing for a
/// form without a row.
std::optional<double> estimateCycles(KernelOp op, const Isa &isa);

/// The same of an op that is in no kernel, from its products, the elements of its result and the bytes that it reads.
double estimateLoopCycles(int64_t macs, int64_t outputs, int64_t inputBytes, int64_t constantBytes);

/// The clock at which cycles of `target` are counted as time, in MHz: a nominal one per architecture, not that of any one
/// machine.
double getClockMHz(const Target &target);

/// Bytes of a constant of shaped type `type`, each element in whole bytes.
int64_t getStoredBytes(mlir::Type type);

/// Bytes that packing the weights of a planned kernel saves, against one or two bytes for each.
int64_t getSavedBytes(KernelOp op);

/// Bytes that the object keeps for the weights (constant second operands) of a planned kernel: packed ones without the padding to
/// whole vectors, transformed ones (the form `winograd`) as i16 of all sixteen places.
int64_t getWeightBytes(KernelOp op);

/// Arithmetic computation effort of `macs` products of a and b bits: Zhang et al., PokeBNN (2022), section 3.
inline int64_t getAce(int64_t macs, int64_t a, int64_t b) { return macs * a * b; }

/// Bit operations of the same, with the growth of the accumulator of each of `outputs` sums: Baskin et al., UNIQ (2018), section
/// 4.3.
int64_t getBops(int64_t macs, int64_t a, int64_t b, int64_t outputs);
} // namespace qc

#endif // QC_CONVERSION_KERNELCOST_H
