// Targets: what -target=, -mcpu= and -mattr= mean. One table, lib/Target/Targets.def.
#ifndef QC_TARGET_TARGET_H
#define QC_TARGET_TARGET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace qc {
struct Target {
  std::string name; ///< as the user wrote it
  std::string triple;
  std::string cpu;
  std::string features;   ///< "+a,-b"
  std::string abi;        ///< LLVM ABI name, "" for the triple's own
  unsigned indexBits;     ///< pointer width
  bool hasFpu;            ///< false: no `_run_f32` in the bundle
  std::string headerNote; ///< "armv8.2-a+dotprod": what the object needs, for header and report
};

/// `name` is host, x86-64, aarch64, riscv64, armv7a, thumbv7em, riscv32imc or an LLVM triple; `cpu` and `features` override or
/// extend the defaults. Unknown targets, CPUs and features are errors that list or name what exists.
llvm::Expected<Target> getTarget(llvm::StringRef name, llvm::StringRef cpu, llvm::StringRef features);

/// The fixed target of calibration: x86-64-v3, so that ranges have the same bytes on every host.
llvm::Expected<Target> getCalibrationTarget();
} // namespace qc

#endif // QC_TARGET_TARGET_H
