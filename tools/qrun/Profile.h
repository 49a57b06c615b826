// qrun -profile: where the time of a network goes.
#ifndef QC_TOOLS_QRUN_PROFILE_H
#define QC_TOOLS_QRUN_PROFILE_H

#include "Interface.h"

#include "llvm/ADT/ArrayRef.h"

namespace qc {
struct ProfileOptions {
  bool f32 = false;
  double seconds = 1;
  bool json = false;
  int core = -1;          ///< to run on; -1: any
  std::string reportPath; ///< of the report (page or JSON) that gets the times; empty: none
};

/// Runs the network on one sample for some time and prints a row for each kernel that it calls. A report, if one is named, must
/// be that of the object; it is read before anything is measured, and written whole.
llvm::Error profile(llvm::StringRef objectPath, const ObjectFile &object, llvm::ArrayRef<std::vector<char>> inputs,
                    const ProfileOptions &options);
/// Why this object cannot be profiled here, as an error that says what to do.
llvm::Error checkProfile(llvm::StringRef objectPath, const ObjectFile &object, bool f32);
} // namespace qc

#endif // QC_TOOLS_QRUN_PROFILE_H
