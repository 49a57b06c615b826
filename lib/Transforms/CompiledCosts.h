// What a network costs with given weights: read from the compiler itself, which takes it through the same passes as the product.
#ifndef QC_LIB_TRANSFORMS_COMPILEDCOSTS_H
#define QC_LIB_TRANSFORMS_COMPILEDCOSTS_H

#include "PrecisionSolver.h"
#include "qc/Transforms/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace qc {
/// Costs of a compiled network: loss is 0. `Arena` counts the scratch of kernels for a layer, and the whole arena for the
/// network.
struct CompiledCosts {
  std::vector<Costs> layers;        ///< in the order asked for
  Costs total{};                    ///< of the whole network; flash and arena only with `sizes`
  std::vector<std::string> largest; ///< with `sizes`: the buffers that live where the arena is fullest, largest first
  /// With `sizes`: the arena's buffers.
  struct Live {
    std::string name;
    double bytes;
    int64_t first, last;
  };
  std::vector<Live> buffers;
};

/// A module at the end of the casts of stage `qdq`, with `qc.weight_code` on each layer, taken to the stage `packed`, with
/// `sizes` to the end.
class CostCompiler {
public:
  CostCompiler(mlir::ModuleOp module, const PipelineOptions &options) : module(module), options(options) {}

  /// A copy with weights quantized; with `rounds` as the options say, without the samples held out, else to the nearest codes.
  mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> quantize(bool rounds, int64_t heldOut);
  /// `layers`: ops with weights of the module.
  mlir::FailureOr<CompiledCosts> compile(mlir::ArrayRef<mlir::Operation *> layers, bool sizes);

private:
  mlir::ModuleOp module;
  const PipelineOptions &options;
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_COMPILEDCOSTS_H
