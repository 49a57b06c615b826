// Code types of weights, and constants replaced by codes.
#ifndef QC_LIB_TRANSFORMS_WEIGHTCODES_H
#define QC_LIB_TRANSFORMS_WEIGHTCODES_H

#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace qc {
/// The attribute on an op with weights: the code that they get (WeightScheme), decided by `qc-assign-weight-codes`.
constexpr llvm::StringLiteral weightCodeName = "qc.weight_code";

/// The attribute on a `qc.decode` with the f32 numbers that its codes were rounded from (of a table: all its rows), from
/// `qc-store-weights` to `qc-reconstruct-weights`.
constexpr llvm::StringLiteral storedRealsName = "qc.reals";

/// Codes of stored weights: `bits` each, one f32 scale for each `group` inputs of an output channel (0: all of them).
struct StoredCode {
  int64_t bits, group;
  /// What `text` names: iN or iN/G, N in 2..8, G = 32, 64, ...; nothing if it names none.
  static std::optional<StoredCode> parse(llvm::StringRef text);
};

/// `-weights=`: one code, and others for kinds of layers: `i4,depthwise=i8,first=i8,last=i8`.
struct WeightCodes {
  /// Null if `text` is none; `problem` then says why and what to do. `isStored`: of weights that compute in f32, which are
  /// StoredCodes, f16, bf16 or f32, and of embeddings.
  static std::optional<WeightCodes> parse(llvm::StringRef text, std::string &problem, bool isStored = false);
  /// What `op` gets, of which `first` and `last` are the function's first and last. `byKind`, if given, is set to the kind of
  /// layers that decided.
  llvm::StringRef getCode(mlir::Operation *op, mlir::Operation *first, mlir::Operation *last,
                          llvm::StringRef *byKind = nullptr) const;

  std::string code;
  std::vector<std::pair<std::string, std::string>> kinds; ///< kind and code type, in the order given: later ones win
};

/// A layer with constant float weights and the code type that options give it.
struct AssignedCode {
  mlir::Operation *op;
  WeightScheme scheme;
  std::string pinnedBy; ///< what names this layer or its kind; empty: only the type for all
};

/// The layers of `function` by `weights` (WeightCodes) and a constraints file, which may be "". Emits what is wrong, all at once.
mlir::FailureOr<std::vector<AssignedCode>> assignWeightCodes(mlir::func::FuncOp function, llvm::StringRef weights,
                                                             llvm::StringRef constraints);

/// The scale that weights need at least so that a bias of the magnitude `largestBias` leaves half of the accumulator to the
/// products, and so that the accumulator's scale is a normal f32 number.
double getLeastWeightScale(double largestBias, double inputScale);

/// `scheme`, or without groups if the inputs of `op` make none: then a remark says so, unless it is `quiet`.
WeightScheme fitToLayer(const WeightScheme &scheme, mlir::Operation *op, bool quiet = false);

/// Rounds some codes of one scale the other way so that their errors sum up to half a step at most, those with the largest errors
/// first: activations have a mean, which multiplies that sum. `errors`: real - code, in steps, and index; in any order
/// afterwards.
void balanceChannel(llvm::MutableArrayRef<int32_t> codes, std::vector<std::pair<double, size_t>> &errors, int64_t lowest,
                    int64_t highest);

/// Puts codes of the quantized `type` behind a cast in the place of a constant operand.
void replaceByCodes(mlir::OpOperand &operand, mlir::Type type, llvm::ArrayRef<int32_t> codes);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_WEIGHTCODES_H
