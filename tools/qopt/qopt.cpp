// qopt: runs passes on .mlir files.
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<qc::QCDialect, mlir::func::FuncDialect, mlir::quant::QuantDialect>();
  qc::registerFuseClamps();
  qc::registerInterpret();
  qc::registerLowerToInteger();
  qc::registerSplitBoundary();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "qcc pass driver\n", registry));
}
