// libFuzzer target of the ONNX importer: no input may crash it, and what it accepts must verify and print.
#include "qc/Conversion/ONNXImport.h"
#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <cstdint>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A context keeps every type and attribute it ever made; a fresh one now and then bounds the memory, one for each input would be slow.
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned runs = 0;
  if (runs++ % 2000 == 0) {
    context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
    context->getDiagEngine().registerHandler([](mlir::Diagnostic &) { return mlir::success(); });
  }
  bool hasError = false;
  mlir::ScopedDiagnosticHandler handler(context.get(), [&](mlir::Diagnostic &diagnostic) {
    hasError |= diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
    return mlir::success();
  });
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto module = qc::importONNX(bytes, "fuzz.onnx", /*folder=*/"", *context, {});
  // A refusal without a reason is a finding, and so is a reason beside a result.
  if (bool(module) == hasError)
    __builtin_trap();
  return 0;
}
