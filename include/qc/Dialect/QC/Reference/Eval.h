// The reference evaluator: slow, obviously right, the oracle of every test. One function per rule of docs/Numerics.md.
#ifndef QC_DIALECT_QC_REFERENCE_EVAL_H
#define QC_DIALECT_QC_REFERENCE_EVAL_H

#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace qc {
/// Evaluates one op on its operands' values; an error at the op if it has no evaluation. Ops of the qc dialect,
/// `quant.qcast/dcast/scast`.
mlir::FailureOr<Tensor> evaluate(mlir::Operation *op, llvm::ArrayRef<Tensor> operands);

/// Evaluates a function (calls included). `observe`, if set, sees every intermediate value.
mlir::FailureOr<llvm::SmallVector<Tensor>> evaluate(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> arguments,
                                                    llvm::function_ref<void(mlir::Value, const Tensor &)> observe = nullptr);
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_EVAL_H
