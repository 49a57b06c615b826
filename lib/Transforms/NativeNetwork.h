// f32 networks, and parts of them, compiled into this process: calibration and the methods behind it run samples through them.
#ifndef QC_LIB_TRANSFORMS_NATIVENETWORK_H
#define QC_LIB_TRANSFORMS_NATIVENETWORK_H

#include "qc/Target/CodeGen.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <vector>

namespace qc {
/// Memory for one tensor, aligned as compiled code expects.
struct Buffer {
  explicit Buffer(size_t bytes)
      : storage(bytes + 64), data(storage.data() + (64 - reinterpret_cast<uintptr_t>(storage.data()) % 64)) {}
  std::vector<char> storage;
  char *data;
};

/// Bytes of one element of `type` in a compiled network's buffers.
unsigned getStorageBytes(mlir::Type type);

/// A function compiled so that it takes one pointer per argument, then one per result, then the arena.
class Network {
public:
  /// Gives `values` of `function`, which are none of its arguments, instead of its results.
  static mlir::FailureOr<std::unique_ptr<Network>> compile(mlir::func::FuncOp function, mlir::ArrayRef<mlir::Value> values);
  /// The function `@run_f32` of `module`. Where it rounds to codes and back it does so in f32.
  static mlir::FailureOr<std::unique_ptr<Network>> compile(mlir::OwningOpRef<mlir::ModuleOp> module);

  size_t getArenaBytes() const { return arenaBytes; }
  /// One pointer per argument, then one per result, then the arena. Without state: may run in several threads.
  void run(mlir::SmallVectorImpl<char *> &pointers) const { entry(pointers.data()); }

private:
  std::unique_ptr<Jit> jit;
  size_t arenaBytes = 0;
  void (*entry)(char **) = nullptr;
};

/// The dialects that passes which compile networks depend on.
void registerNetworkDialects(mlir::DialectRegistry &registry);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_NATIVENETWORK_H
