// ONNX files to qc.
#ifndef QC_CONVERSION_ONNXIMPORT_H
#define QC_CONVERSION_ONNXIMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <string>
#include <vector>

namespace qc {
/// What became of one node of a model.
struct NodeCoverage {
  enum class State {
    Folded,      ///< its results are known at compile time
    Moved,       ///< its result is its input under another name
    Imported,    ///< it is `ops`
    Waiting,     ///< an input comes from a node that is not supported
    Unsupported, ///< see `why`
  };
  std::string name, type; ///< `type` with the domain in front if it is not the default one
  State state = State::Waiting;
  std::string why;
  std::vector<mlir::Operation *> ops;
};
struct Coverage {
  std::vector<NodeCoverage> nodes;          ///< the live ones, in the order of the graph
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< holds the ops; not complete if a node is not supported
};

struct ImportOptions {
  /// Symbolic dimensions by name; one without name is called `<input>.<index>`. A batch (first) dimension that is not listed is
  /// 1, any other is an error.
  std::map<std::string, int64_t> dims;
  /// An .npz file with values of graph inputs, by name, which become constants. Empty: none.
  std::string bind;
};

/// Reads an ONNX model (opset 7 to 21) into one function `@main` of a module. Arguments and results carry `qc.name`, the ONNX
/// name. The op that makes a tensor has the tensor's name as location, around that of its node
/// (lib/Conversion/ONNXToQC/Importer.cpp). External data is read only from inside the model's folder. Before null is returned,
/// all problems are diagnosed, each naming node or file. Never throws or aborts on bad input.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef path, mlir::MLIRContext &context, const ImportOptions &options);
/// The same on bytes in memory; `folder` is where external data may lie ("" refuses it). `name` stands in diagnostics.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef bytes, llvm::StringRef name, llvm::StringRef folder,
                                             mlir::MLIRContext &context, const ImportOptions &options);

/// Imports as far as possible and says what becomes of each node, or fails with a diagnostic if the model as such cannot be read.
mlir::FailureOr<Coverage> coverONNX(llvm::StringRef path, mlir::MLIRContext &context, const ImportOptions &options);
/// docs/Operators.md: all operators that the importer knows, in Markdown.
std::string describeOperators();
} // namespace qc

#endif // QC_CONVERSION_ONNXIMPORT_H
