// qopt: runs passes and stages on .mlir files.
#include "TestBlockGradients.h"
#include "TestFunctionsInt.h"
#include "TestPairSafe.h"
#include "TestPrecisionSolver.h"

#include "qc/Conversion/Lowering.h"
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/ModePasses.h"
#include "qc/Transforms/Passes.h"
#include "qc/Transforms/Pipelines.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<qc::QCDialect, mlir::func::FuncDialect, mlir::quant::QuantDialect>();
  qc::registerLoweringDialects(registry);
  qc::registerQCTransformsPasses();
  qc::registerQCModesPasses();
  qc::registerQCConversionPasses();
  qc::registerPipelines();
  qc::registerLoweringPipelines();
  qc::registerTestBlockGradients();
  qc::registerTestFunctionsInt();
  qc::registerTestPairSafe();
  qc::registerTestPrecisionSolver();
  mlir::registerCSEPass();
  mlir::registerCanonicalizerPass();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "qcc's passes\n", registry));
}
