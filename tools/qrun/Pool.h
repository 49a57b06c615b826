// How the harness runs the tasks of an object that takes a parallel_for.
#ifndef QC_TOOLS_QRUN_POOL_H
#define QC_TOOLS_QRUN_POOL_H

#include "Interface.h"

namespace qc {
/// Threads, the caller included; or all tasks on the caller, in some order and with slots that change.
enum class TaskOrder {
  Threads,
  Forward,
  Reverse,
  Shuffled,
  Isolated, ///< shuffled; each task sees memory as it was before the first one, and no byte may be written from two slots
};

struct PoolOptions {
  unsigned threads = 1;
  TaskOrder order = TaskOrder::Threads;
  /// Null is what the object gets.
  bool isNone() const { return order == TaskOrder::Threads && threads == 1; }
};

/// Why the object cannot run so; success if it can.
llvm::Error checkPool(const ObjectFile &object, llvm::StringRef path, const PoolOptions &options);
/// C source of `parallel_for` and of `startPool`, which the program calls first. `bytes`: of outputs and arena.
std::string getPoolSource(const Interface &interface, const PoolOptions &options, int64_t bytes);
} // namespace qc

#endif // QC_TOOLS_QRUN_POOL_H
