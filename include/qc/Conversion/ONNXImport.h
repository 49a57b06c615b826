// ONNX files to qc.
#ifndef QC_CONVERSION_ONNXIMPORT_H
#define QC_CONVERSION_ONNXIMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <string>

namespace qc {
struct ImportOptions {
  std::map<std::string, int64_t> dims; ///< symbolic dimensions; one that is not listed: 1 if it is a batch (first) dimension, else an error
};

/// Reads an ONNX model (opset 7 to 21) into one function `@main` of a module. Arguments and results carry `qc.name` (the ONNX name); ops carry
/// their node's name as location, values the tensor name in `qc.id`-free NameLocs (see lib/Conversion/ONNXToQC/Importer.cpp). External data is
/// read only from inside the model's folder. All problems are diagnosed, each naming node or file, before null is returned. Never throws or aborts on bad input.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef path, mlir::MLIRContext &context, const ImportOptions &options);
/// The same on bytes in memory; `folder` is where external data may lie ("" refuses it). `name` stands in diagnostics.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef bytes, llvm::StringRef name, llvm::StringRef folder, mlir::MLIRContext &context,
                                             const ImportOptions &options);
} // namespace qc

#endif // QC_CONVERSION_ONNXIMPORT_H
