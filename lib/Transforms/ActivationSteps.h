// Scales of activations that may move.
#ifndef QC_LIB_TRANSFORMS_ACTIVATIONSTEPS_H
#define QC_LIB_TRANSFORMS_ACTIVATIONSTEPS_H

#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <limits>

namespace qc {
/// The edges that share one type, and so one scale, which nothing prescribes.
struct ActivationStep {
  mlir::quant::UniformQuantizedType type;
  llvm::SmallVector<mlir::quant::QuantizeCastOp> casts;
  float most = std::numeric_limits<float>::max(); ///< of the scale: a function behind it may have no value further out

  /// Gives all edges the type with another scale.
  void set(double scale);
};

/// All of `function` between casts, in order. Left out are the edges at its arguments and results, scales that are powers of two
/// or follow from what an op can give, types that the model or a range file gave (`fixedTypeName`), and what shares a type with
/// them.
std::vector<ActivationStep> findActivationSteps(mlir::func::FuncOp function);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_ACTIVATIONSTEPS_H
