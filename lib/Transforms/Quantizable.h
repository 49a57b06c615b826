// What the quantizing passes ask of ops and options, in one place so that they agree.
#ifndef QC_LIB_TRANSFORMS_QUANTIZABLE_H
#define QC_LIB_TRANSFORMS_QUANTIZABLE_H

#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace qc {
/// The attribute on an op that stays in float: the reason, for the report.
constexpr llvm::StringLiteral floatReasonName = "qc.float_reason";

/// The attribute on a function of one tensor or a quotient: the range of inputs, or of divisors, that occurred, `[low, high]`.
constexpr llvm::StringLiteral domainName = "qc.domain";

/// The attribute on an observe and on functions of one tensor: how often inputs occurred, in parts of equal width of their range.
constexpr llvm::StringLiteral histogramName = "qc.histogram";

/// The attribute on an observe with the code types that mixed precision may give the edge: what CodeCandidates holds.
constexpr llvm::StringLiteral codeCandidatesName = "qc.code_candidates";

/// The same on the `quant.qcast` that the observe becomes: `{group, id, types}`, with the edge's id and quantized types.
constexpr llvm::StringLiteral typeCandidatesName = "qc.type_candidates";

/// The attribute on an observe or a `quant.qcast` whose range or type the model itself or a range file gives: it stays so.
constexpr llvm::StringLiteral fixedTypeName = "qc.fixed_type";

/// A code type that an edge may get, with the range that its codes have then, once it is known.
struct CodeCandidate {
  mlir::IntegerType code;
  std::optional<std::pair<double, double>> range;
};
/// All of an edge, and the edge whose type it shares: edges of one group get one type.
struct CodeCandidates {
  llvm::SmallVector<CodeCandidate> list;
  std::string group;

  /// None if `op` has none.
  static CodeCandidates get(mlir::Operation *op);
  void set(mlir::Operation *op) const;
};

/// The module inside the module where `qc-keep-float` keeps the float network.
constexpr llvm::StringLiteral keptFloatName = "float";

/// The attribute on a function with what `qc-measure-errors` found.
constexpr llvm::StringLiteral errorsName = "qc.errors";

/// True if the op of `operand` may have no value for some of its numbers: a function of one tensor, a quotient for its divisor.
bool needsDomain(mlir::OpOperand &operand);

/// Why the divisor of a quotient is none where numbers occurred, with the remedy; empty for everything else.
std::string describeZeroDivisor(mlir::Operation *op);

/// Keeps the range of the values that occurred on `observe`, for the functions that read it and may have no value elsewhere.
void noteObserved(ObserveOp observe, double low, double high);

/// The integer type that `text` (iN or uN, N in 2..8 or 16) names; null if it names none. With `isWeight` only iN.
mlir::IntegerType parseCodeType(llvm::StringRef text, mlir::MLIRContext *context, bool isWeight);
/// True if it gives one.
bool isCodeType(llvm::StringRef text, bool isWeight);

/// What weights become by the code that `text` names: iN, N in 2..8 or 16; iN/G, N in 2..4, times one factor for each G inputs;
/// or the name of a code of few levels. Nothing if it names none.
std::optional<WeightScheme> parseWeightCode(llvm::StringRef text, mlir::MLIRContext *context);
/// True if it gives one.
bool isWeightCode(llvm::StringRef text);
/// "iN with N in 2..8 or 16, or ...": what a text must be.
std::string listWeightCodes();

bool isFloatTensor(mlir::Value value);

/// True if `value` is a qc.constant, perhaps behind a `quant.dcast`: what a weight must be.
bool isConstantOrDequantized(mlir::Value value);

/// Empty if `op` can compute on codes once its operands and result are quantized, else why it stays in float.
std::string whyNotInteger(mlir::Operation *op);

/// True if `operand` carries an activation of an op that can compute on codes.
bool isQuantizableUse(mlir::OpOperand &operand);

/// The ops at the end of `function` that run in f32 behind the integer program: a softmax in front of a result, with the ops that
/// only move or round values behind it.
llvm::DenseSet<mlir::Operation *> findFloatTail(mlir::func::FuncOp function);

/// The node that `op` came from, quoted, for diagnostics; the op's name if it has none.
std::string describeNode(mlir::Operation *op);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_QUANTIZABLE_H
