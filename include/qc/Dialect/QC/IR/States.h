// States: arguments whose next value is a result of the same function. `qc-declare-states` marks those of a model,
// `qc-derive-step` makes those of a step, others ask here.
#ifndef QC_DIALECT_QC_IR_STATES_H
#define QC_DIALECT_QC_IR_STATES_H

#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace qc {
/// The argument attribute that names the result which is the argument's next value.
constexpr llvm::StringLiteral stateName = "qc.state";
/// The function attribute that says after how many samples states start anew.
constexpr llvm::StringLiteral resetName = "qc.reset_every";
/// The unit attribute of states, and of the results that are their next values, that lie in the arena and are no ports.
constexpr llvm::StringLiteral inArenaName = "qc.in_arena";
/// The argument attribute with the number that a state starts from; without it the zero point.
constexpr llvm::StringLiteral initialName = "qc.initial";
/// The attribute of ports that carry the rows of one step: `[axis, length, lead]`. The dimension with the rows, its size in the
/// whole sequence, and how many rows come out before the first one of the sequence.
constexpr llvm::StringLiteral sequenceName = "qc.sequence";
/// The unit attribute of the argument that takes the number of the step.
constexpr llvm::StringLiteral positionName = "qc.position";

/// The index of the argument, or of the result, named `name`.
std::optional<unsigned> findArgument(mlir::func::FuncOp function, llvm::StringRef name);
std::optional<unsigned> findResult(mlir::func::FuncOp function, llvm::StringRef name);
/// The result that is the next value of argument `index`, if that is a state.
std::optional<unsigned> getStateResult(mlir::func::FuncOp function, unsigned index);
/// The value that result `index` returns, without its observe.
mlir::Value getStateValue(mlir::func::FuncOp function, unsigned index);
/// The names of all arguments, or of all results, for messages: "'x', 'h'".
std::string listPorts(mlir::func::FuncOp function, bool arguments);
} // namespace qc

#endif // QC_DIALECT_QC_IR_STATES_H
