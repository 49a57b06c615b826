// What the evaluator's files share: walking index spaces and rounding into a quantized result type.
#ifndef QC_LIB_DIALECT_QC_REFERENCE_EVALINTERNAL_H
#define QC_LIB_DIALECT_QC_REFERENCE_EVALINTERNAL_H

#include "qc/Dialect/QC/Reference/Eval.h"
#include "qc/Dialect/QC/Reference/Requantize.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

namespace qc::reference {
using Operands = llvm::ArrayRef<Tensor>;
using Result = mlir::FailureOr<Tensor>;
using Shape = llvm::ArrayRef<int64_t>;
using Index = llvm::SmallVector<int64_t>;

// Contractions.
Result evaluateOp(ConvOp op, Operands operands);
Result evaluateOp(ConvTransposeOp op, Operands operands);
Result evaluateOp(MatmulOp op, Operands operands);
// Element-wise.
Result evaluateOp(AddOp op, Operands operands);
Result evaluateOp(SubOp op, Operands operands);
Result evaluateOp(MulOp op, Operands operands);
Result evaluateOp(DivOp op, Operands operands);
Result evaluateOp(ClampOp op, Operands operands);
Result evaluateOp(ActivationOp op, Operands operands);
Result evaluateOp(FunctionOp op, Operands operands);
Result evaluateOp(PReluOp op, Operands operands);
Result evaluateOp(CastOp op, Operands operands);
Result evaluateOp(BinaryOp op, Operands operands);
Result evaluateOp(CompareOp op, Operands operands);
Result evaluateOp(SelectOp op, Operands operands);
// Rows.
Result evaluateOp(SoftmaxOp op, Operands operands);
Result evaluateOp(SoftmaxCodesOp op, Operands operands);
Result evaluateOp(NormalizeOp op, Operands operands);
Result evaluateOp(NormalizeCodesOp op, Operands operands);
Result evaluateOp(HypotCodesOp op, Operands operands);
Result evaluateOp(DivideCodesOp op, Operands operands);
// Windows and reductions.
Result evaluateOp(PoolOp op, Operands operands);
Result evaluateOp(ReduceOp op, Operands operands);
// Moving values.
Result evaluateOp(ConcatOp op, Operands operands);
Result evaluateOp(SliceOp op, Operands operands);
Result evaluateOp(PadOp op, Operands operands);
Result evaluateOp(ReshapeOp op, Operands operands);
Result evaluateOp(TransposeOp op, Operands operands);
Result evaluateOp(GatherOp op, Operands operands);
Result evaluateOp(TakeOp op, Operands operands);
Result evaluateOp(ScatterOp op, Operands operands);
// Quantization.
Result evaluateOp(ConstantOp op, Operands operands);
Result evaluateOp(ObserveOp op, Operands operands);
Result evaluateOp(QuantizeOp op, Operands operands);
Result evaluateOp(DequantizeOp op, Operands operands);
Result evaluateOp(RequantizeOp op, Operands operands);
Result evaluateOp(LutOp op, Operands operands);
Result evaluateOp(PwlOp op, Operands operands);
Result evaluateOp(ThresholdOp op, Operands operands);
Result evaluateOp(mlir::quant::QuantizeCastOp op, Operands operands);
Result evaluateOp(mlir::quant::DequantizeCastOp op, Operands operands);
Result evaluateOp(DcastOp op, Operands operands);
Result evaluateOp(mlir::quant::StorageCastOp op, Operands operands);

//===-- Index spaces --------------------------------------------------------------------------------------------------------===//

/// Calls `f(index, position in row-major order)` for every index of `shape`.
template <typename F> void forEachIndex(Shape shape, F f) {
  int64_t count = 1;
  for (int64_t d : shape)
    count *= d;
  Index index(shape.size(), 0);
  for (int64_t position = 0; position < count; ++position) {
    f(Shape(index), position);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
}

/// Row-major position of `index` in `shape`.
int64_t linearize(Shape index, Shape shape);

/// Row-major position in `shape` of the element that numpy's broadcast puts at `index` of a result of equal or higher rank.
int64_t broadcastPosition(Shape index, Shape shape);

//===-- Quantized values ----------------------------------------------------------------------------------------------------===//

/// The contract that the enclosing function's attribute `qc.requant` names; onnx without one. Emits an error for an unknown name.
mlir::FailureOr<Rounding> getRounding(mlir::Operation *op);

/// codes - zero points, the integers that are proportional to the real values.
std::vector<int64_t> getCentered(const Tensor &tensor);

/// A per-tensor quantized result and how values are rounded into it.
struct Target {
  double scale;
  int64_t zeroPoint, low, high; ///< limits: the codes in use, narrowed by clamps (N14)
  Rounding rounding;

  int64_t saturate(int64_t code) const { return std::clamp(code, low, high); }
  /// The code of `acc * ratio`, where `ratio` is the accumulator's scale over the result's.
  int64_t round(int64_t acc, double ratio) const {
    return saturate(zeroPoint + scaleAccumulator(acc, getMultiplier(ratio, rounding), rounding));
  }
};
/// The target that the op's result type is; an error if it is not per-tensor. Limits include those of a ClampOpInterface.
mlir::FailureOr<Target> getTarget(mlir::Operation *op);

/// The scale of a per-tensor quantized operand; an error at `op` if it has another type.
mlir::FailureOr<double> getScale(mlir::Operation *op, const Tensor &operand);

/// Codes of `from` in the result type of `op`: unchanged if the types agree, else each requantized (N5).
mlir::FailureOr<std::vector<int64_t>> moveCodes(mlir::Operation *op, const Tensor &from);

/// The operands of an op that moves values, with activations in the codes of its quantized result; as they are in the other
/// domains.
mlir::FailureOr<llvm::SmallVector<Tensor>> moveOperands(QuantizableOpInterface op, Operands operands);

/// The integer type of elements that are integers or codes.
mlir::IntegerType getIntegerType(const Tensor &tensor);

//===-- Results -------------------------------------------------------------------------------------------------------------===//

/// The result's type, all zeros.
Tensor makeResult(mlir::Operation *op);

/// The value that an integer type keeps of `value`: its low bits. `i1` holds 0 and 1.
int64_t wrap(int64_t value, mlir::IntegerType type);

/// Limits f32 values to [clamp_min, clamp_max].
void clampFloats(ClampOpInterface op, std::vector<float> &values);

/// An error if an accumulator's magnitude (the sum of the magnitudes of all its terms) exceeds the type or the stated bound (N4).
mlir::LogicalResult checkAccumulators(mlir::Operation *op, const std::vector<int64_t> &magnitudes);

std::vector<int64_t> getMagnitudes(const std::vector<int64_t> &values);
} // namespace qc::reference

#endif // QC_LIB_DIALECT_QC_REFERENCE_EVALINTERNAL_H
