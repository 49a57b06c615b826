// Softmax, normalization, roots and quotients in integers (docs/Numerics.md, N20, N21, N23 and N24): how the numbers of the ops
// on codes follow from scales, and what the ops compute.
#ifndef QC_DIALECT_QC_REFERENCE_ROWS_H
#define QC_DIALECT_QC_REFERENCE_ROWS_H

#include "qc/Dialect/QC/IR/QC.h"

namespace qc {
/// The codes of a result: `sat(zeroPoint + ...)` to [low, high].
struct CodeTarget {
  int64_t zeroPoint, low, high;
  int64_t saturate(int64_t code) const { return code < low ? low : code > high ? high : code; }
};

/// The attributes and tables of qc.softmax_codes.
struct SoftmaxNumbers {
  int64_t fractionBits, multiplier, multiplierShift, shift, logMultiplier = 0;
  bool log = false;
  llvm::SmallVector<int32_t> low,
      high; ///< exp of 0..255 codes below the maximum (fewer for narrow codes), and of multiples of 256
};
/// What the op states.
SoftmaxNumbers getSoftmaxNumbers(SoftmaxCodesOp op);
/// For rows of `length` codes of `bits` bits whose step is `inputScale` (times the op's scale). Fails with the reason in `why`.
mlir::FailureOr<SoftmaxNumbers> planSoftmax(double inputScale, double outputScale, unsigned bits, int64_t length, bool log,
                                            std::string &why);
/// `mask` is empty if all elements take part.
llvm::SmallVector<int64_t> evaluateSoftmaxRow(llvm::ArrayRef<int64_t> codes, llvm::ArrayRef<bool> mask,
                                              const SoftmaxNumbers &numbers, CodeTarget target);
/// True if products of an exponential and the row's reciprocal, and the sum of exponentials, fit 31 bits.
bool isNarrow(const SoftmaxNumbers &numbers, int64_t length);

/// True if the mean is subtracted: `layer`, `mad`.
inline bool subtractsMean(NormalizeKind kind) { return kind == NormalizeKind::Layer || kind == NormalizeKind::Mad; }
/// True if a row is divided by the root of its squares, not by a sum of magnitudes.
inline bool takesRoot(NormalizeKind kind) { return kind != NormalizeKind::Mad && kind != NormalizeKind::MeanAbs; }

/// The attributes of qc.normalize_codes; multipliers and offsets as many as scales and biases.
struct NormalizeNumbers {
  NormalizeKind kind;
  int64_t epsilon = 0, prescale = 0, fractionBits = 0, shift = 0;
  llvm::SmallVector<int32_t> multipliers;
  llvm::SmallVector<int64_t> offsets;
};
/// What the op states.
NormalizeNumbers getNormalizeNumbers(NormalizeCodesOp op);
/// For rows of `length` codes in [low, high] with step `inputScale`; `scales` and `biases` are not empty.
mlir::FailureOr<NormalizeNumbers> planNormalize(NormalizeKind kind, double inputScale, int64_t inputZeroPoint, int64_t low,
                                                int64_t high, int64_t length, double epsilon, double outputScale,
                                                llvm::ArrayRef<float> scales, llvm::ArrayRef<float> biases, std::string &why);
/// What V' is at least: only a row without any deviation, whose factors are 0, lies below.
inline uint64_t leastOfV(int64_t prescale) { return uint64_t(1) << std::max<int64_t>(prescale, 0); }
/// The factors `t` of one row, before multipliers and offsets.
llvm::SmallVector<int64_t> evaluateNormalizeRow(llvm::ArrayRef<int64_t> codes, int64_t inputZeroPoint,
                                                const NormalizeNumbers &numbers);

/// The attributes of qc.hypot_codes.
struct HypotNumbers {
  int64_t lhsZeroPoint, rhsZeroPoint, lhsMultiplier, rhsMultiplier, multiplier, shift;
};
struct HypotOperand {
  double scale;
  int64_t zeroPoint;
  double largest; ///< |code - zeroPoint|
  HypotOperand(double scale, int64_t zeroPoint, mlir::IntegerType code);
};
mlir::FailureOr<HypotNumbers> planHypot(HypotOperand lhs, HypotOperand rhs, double outputScale, std::string &why);
/// The result before its zero point.
int64_t evaluateHypot(int64_t lhs, int64_t rhs, const HypotNumbers &numbers);

/// The attributes of qc.divide_codes.
struct DivideNumbers {
  int64_t lhsZeroPoint, rhsZeroPoint, multiplier, shift;
  bool halfUp; ///< ties: up, or to even
};
/// For operands and a result with these steps. Fails with the reason in `why`.
mlir::FailureOr<DivideNumbers> planDivide(double lhsScale, int64_t lhsZeroPoint, double rhsScale, int64_t rhsZeroPoint,
                                          double outputScale, Rounding rounding, std::string &why);
/// The result before its zero point, not saturated; beyond every code for a divisor of 0.
int64_t evaluateDivide(int64_t lhs, int64_t rhs, const DivideNumbers &numbers);
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_ROWS_H
