// What an object compiled by qcc says about itself: the JSON of its section `.qc.interface`.
#ifndef QC_TOOLS_QRUN_INTERFACE_H
#define QC_TOOLS_QRUN_INTERFACE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qc {
struct Port {
  std::string name;
  std::vector<int64_t> shape;
  std::string type;            ///< "i8", "ui8", "i1", "f32", ...: what `run` takes or gives
  std::optional<double> scale; ///< of a quantized port
  int64_t zeroPoint = 0;
  bool f32 = false; ///< float in `run_f32`
  /// Of a port with the rows of one step: their dimension, its size in the whole sequence, and how many rows come before the
  /// first.
  struct Sequence {
    int64_t axis = 0, length = 0, lead = 0;
  };
  std::optional<Sequence> sequence;
  bool position = false; ///< takes the number of the step
  std::string next;      ///< of a state in the arena: the name of its value after a run
  int64_t offset = 0;    ///< of a state in the arena: where

  int64_t elements() const;
  /// As `run` (false) or `run_f32` (true) sees it.
  bool isFloat(bool inF32) const { return type == "f32" || (inF32 && f32); }
  bool isSigned() const { return type[0] == 'i' && type != "i1"; }
  unsigned bits() const;            ///< of an integer type
  unsigned bytes(bool inF32) const; ///< per element; types below a byte take one
  int64_t low() const;              ///< smallest code
  int64_t high() const;             ///< largest code
};

/// One call of a kernel: what the compiler decided and what there is to do.
struct KernelCall {
  std::string symbol, name, form, dot, tile;
  bool permuted = false;
  int64_t macs = 0, constantBytes = 0, inputBytes = 0, outputBytes = 0;
  std::vector<int64_t> outputShape;
  std::vector<std::string> layers; ///< all that it computes, in order
};

struct EntryPoint {
  std::string symbol;
  std::optional<std::vector<KernelCall>> kernels; ///< in the order of the calls; nothing: not recorded
  int64_t arenaBytes = 0;
  int64_t arenaAlign = 64;
};

struct Interface {
  std::string name, triple, cpu, features;
  std::vector<Port> inputs, outputs;
  std::vector<Port> states; ///< in the arena
  std::string reset;        ///< the function that sets them to their start
  std::optional<EntryPoint> run, runF32;
  int64_t stateBytes() const; ///< of the arena, from its start, that hold states
  int64_t threads = 1;        ///< above 1: entries take a parallel_for and its pool
};

/// What is needed of the object itself.
struct ObjectFile {
  Interface interface;
  std::string arch;    ///< qemu's name: x86_64, aarch64, riscv64, riscv32, arm
  unsigned flags = 0;  ///< ELF e_flags
  bool native = false; ///< this machine can run it without qemu
};

/// Reads and checks an object: ELF, relocatable, no undefined symbol, an interface of a version that is understood.
llvm::Expected<ObjectFile> readObject(llvm::StringRef path);
} // namespace qc

#endif // QC_TOOLS_QRUN_INTERFACE_H
