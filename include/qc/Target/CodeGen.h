// From a module in the LLVM dialect to an object, assembly or LLVM IR, and into this process.
#ifndef QC_TARGET_CODEGEN_H
#define QC_TARGET_CODEGEN_H

#include "qc/Target/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <memory>
#include <string>

namespace qc {
enum class Emit { Object, Assembly, LLVM };

struct CodeGenOptions {
  Emit emit = Emit::Object;
  std::string prefix;        ///< functions `run`, `run_f32`, `reset` become `<prefix>_run` and so on; all else is internal
  std::string entry = "run"; ///< what `run` is called behind the prefix
  std::string interface;     ///< JSON text for the non-allocated section `.qc.interface`; "" for none
};

/// Optimizes and compiles. The result links with nothing: memory intrinsics and wide divisions are expanded, no libm, no stack
/// protector; an undefined symbol in the object is an error that names it. Deterministic. No floating-point contraction.
/// `run_f32` gets its own section (`.text.<prefix>_run_f32`).
llvm::Expected<std::string> compile(mlir::ModuleOp module, const Target &target, const CodeGenOptions &options);

/// What of an object lies in memory when the program runs: machine code, and constants.
struct ObjectSizes {
  int64_t code = 0, constants = 0;
};
llvm::Expected<ObjectSizes> measureObject(llvm::StringRef object);

/// A compiled module in this process; the same code path as `compile` for an x86-64 target. `lookup` gives the address of a
/// function.
class Jit {
public:
  static llvm::Expected<std::unique_ptr<Jit>> create(mlir::ModuleOp module, const Target &target, llvm::StringRef prefix);
  ~Jit();
  llvm::Expected<void *> lookup(llvm::StringRef symbol);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};
} // namespace qc

#endif // QC_TARGET_CODEGEN_H
