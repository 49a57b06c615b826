// Real functions of one number on codes: their values, and straight pieces that stand for them (docs/Numerics.md, N10 and N19).
#ifndef QC_DIALECT_QC_REFERENCE_PIECEWISELINEAR_H
#define QC_DIALECT_QC_REFERENCE_PIECEWISELINEAR_H

#include "qc/Dialect/QC/IR/QC.h"

#include <memory>
#include <vector>

namespace qc {
/// True if `op` is a real function of one tensor: qc.activation, qc.function.
bool isUnaryFunction(mlir::Operation *op);
/// The name of the function: the kind of an activation, or what a qc.function says.
llvm::StringRef getFunctionName(mlir::Operation *op);
/// The function of a `isUnaryFunction` op at each of `x`, in doubles (N10) and in f32 (N11).
std::vector<double> evaluateUnary(mlir::Operation *op, std::vector<double> x);
std::vector<float> evaluateUnary(mlir::Operation *op, std::vector<float> x);

/// A function from the codes of one type to those of another, one entry per code of the input in ascending order.
struct CodeFunction {
  int64_t low = 0; ///< lowest code of the input
  int64_t codeMin = 0, codeMax = 0;
  std::vector<double> inputs; ///< real values of the input codes
  std::vector<double> values; ///< f(x) / scale + zero point before rounding; NaN or infinite where f has no value
  std::vector<int64_t> codes; ///< N10
  /// What the square of each code's error counts, all above 0; empty if all count alike.
  std::vector<double> weights;
  int64_t size() const { return codes.size(); }
  bool isDefined(int64_t i) const;
};
/// What a unary function on quantized types with one scale each computes.
CodeFunction tabulate(mlir::Operation *op);

/// N19. Errors are those against the codes of the function where it is defined.
struct PiecewiseLinear {
  llvm::SmallVector<int32_t> knots, slopes, intercepts;
  int64_t shift = 0, codeMin = 0, codeMax = 0;
  double maxError = 0, meanError = 0;
  int64_t evaluate(int64_t x) const;
  int64_t evaluate(int64_t x, size_t piece) const; ///< of the piece that `x` lies in
};

/// Finds pieces for one function, which must outlive it.
class PieceFitter {
public:
  explicit PieceFitter(const CodeFunction &function);
  ~PieceFitter();

  /// How many straight pieces come within `error` codes of the function everywhere, at least.
  int64_t countPieces(int64_t error);
  /// At most `pieces` pieces with the least largest error that so many can have, and the least squares among those.
  PiecewiseLinear fitPieces(int64_t pieces);
  /// About as few pieces as come within `error` once they are integers.
  PiecewiseLinear fitWithin(int64_t error);
  /// `pieces` pieces of equal length; a power of two that divides the number of codes.
  PiecewiseLinear fitUniform(int64_t pieces);
  /// True if each of so many pieces of equal length comes within `error`, up to the rounding of coefficients.
  bool canBeUniform(int64_t pieces, int64_t error);

private:
  class Implementation;
  std::unique_ptr<Implementation> fitter;
};

/// The pieces are of equal length, 2^n codes, from the lowest code of the input on: n; else nullopt.
std::optional<unsigned> getUniformLength(PwlOp op);
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_PIECEWISELINEAR_H
