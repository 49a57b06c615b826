// Streaming networks: inputs that are the results of the sample before. `qc-declare-states` marks them, others ask here.
#ifndef QC_LIB_TRANSFORMS_STATES_H
#define QC_LIB_TRANSFORMS_STATES_H

#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace qc {
/// The argument attribute that names the result which is the argument's next value.
constexpr llvm::StringLiteral stateName = "qc.state";
/// The function attribute that says after how many samples states start anew.
constexpr llvm::StringLiteral resetName = "qc.reset_every";

/// The index of the result named `name`.
std::optional<unsigned> findResult(mlir::func::FuncOp function, llvm::StringRef name);
/// The result that is the next value of argument `index`, if that is a state.
std::optional<unsigned> getStateResult(mlir::func::FuncOp function, unsigned index);
/// The value that result `index` returns, without its observe.
mlir::Value getStateValue(mlir::func::FuncOp function, unsigned index);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_STATES_H
