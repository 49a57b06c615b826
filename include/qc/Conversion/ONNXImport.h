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
  /// Symbolic dimensions by name; one without name is called `<input>.<index>`. A batch (first) dimension that is not listed is
  /// 1, any other is an error.
  std::map<std::string, int64_t> dims;
};

/// Reads an ONNX model (opset 7 to 21) into one function `@main` of a module. Arguments and results carry `qc.name`, the ONNX
/// name. The op that makes a tensor has the tensor's name as location, around that of its node
/// (lib/Conversion/ONNXToQC/Importer.cpp). External data is read only from inside the model's folder. Before null is returned,
/// all problems are diagnosed, each naming node or file. Never throws or aborts on bad input.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef path, mlir::MLIRContext &context, const ImportOptions &options);
/// The same on bytes in memory; `folder` is where external data may lie ("" refuses it). `name` stands in diagnostics.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef bytes, llvm::StringRef name, llvm::StringRef folder,
                                             mlir::MLIRContext &context, const ImportOptions &options);
} // namespace qc

#endif // QC_CONVERSION_ONNXIMPORT_H
