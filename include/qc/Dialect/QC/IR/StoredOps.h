// qc.decode: numbers that lie in memory in fewer bits than they compute in.
#ifndef QC_DIALECT_QC_IR_STOREDOPS_H
#define QC_DIALECT_QC_IR_STOREDOPS_H

#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Reference/Eval.h"

namespace qc {
/// What is stored: codes that have scales, or the bits of numbers.
enum class StoredFormat { Integer, F16, BF16 };

/// How many of `codes` codes along a dimension share one of `scales` scales: all of equal parts or, where scales do not divide
/// the codes, the least multiple of 32 that so many scales reach with, the last one for fewer; 0 if there is none.
int64_t getScaleBlock(int64_t codes, int64_t scales);
} // namespace qc

#define GET_OP_CLASSES
#include "qc/Dialect/QC/IR/StoredOps.h.inc"

namespace qc::reference {
mlir::FailureOr<Tensor> evaluateOp(DecodeOp op, llvm::ArrayRef<Tensor> operands);
} // namespace qc::reference

#endif // QC_DIALECT_QC_IR_STOREDOPS_H
