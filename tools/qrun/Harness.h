// A freestanding program around one object: reads samples from its standard input, runs the network, writes results.
#ifndef QC_TOOLS_QRUN_HARNESS_H
#define QC_TOOLS_QRUN_HARNESS_H

#include "Pool.h"

#include "llvm/ADT/ArrayRef.h"

#include <memory>
#include <sys/types.h>

namespace qc {
struct HarnessOptions {
  bool f32 = false;
  unsigned repeat = 1;
  std::string cpu; ///< of qemu; a number is a vector length in bits
  /// Another program around the network than the one that `run` talks to, with the same %NAMES%; talk to it by send and receive.
  std::string program;
  std::string object; ///< linked instead of the file, where not empty
  PoolOptions pool;
};

/// The running program. One way for every target: only the system calls and the emulator differ.
class Harness {
public:
  static llvm::Expected<std::unique_ptr<Harness>> start(llvm::StringRef objectPath, const ObjectFile &object,
                                                        const HarnessOptions &options);
  ~Harness();

  /// Runs one sample: raw bytes of the inputs in; raw bytes of the outputs, the start of the arena with the states (as many bytes
  /// as the interface says), and `repeat` times in nanoseconds out.
  llvm::Error run(llvm::ArrayRef<std::vector<char>> inputs, llvm::MutableArrayRef<std::vector<char>> outputs,
                  std::vector<char> &states, std::vector<uint64_t> &times);
  /// Sets the states in the arena to their start, and says what that is. For objects with states only.
  llvm::Error reset(std::vector<char> &states);
  /// Sets the states in the arena.
  llvm::Error setStates(const std::vector<char> &states);

  /// Raw bytes to the program and from it.
  llvm::Error send(const void *data, size_t bytes);
  llvm::Error receive(void *data, size_t bytes);

private:
  Harness() = default;
  llvm::Error died();

  std::string folder; ///< temporary, removed with this object
  std::string objectPath, description;
  std::vector<std::string> portNames; ///< inputs, outputs, arena: in the order of the program's guard numbers
  bool native = false;
  pid_t pid = -1;
  int toProgram = -1, fromProgram = -1;
};
} // namespace qc

#endif // QC_TOOLS_QRUN_HARNESS_H
