// Leads the calls of an object's kernels through code of the harness, without changing an instruction.
#ifndef QC_TOOLS_QRUN_INSTRUMENT_H
#define QC_TOOLS_QRUN_INSTRUMENT_H

#include "Interface.h"

namespace qc {
struct InstrumentedObject {
  std::string bytes;
  /// Index into the entry's kernels for each call, in order.
  std::vector<size_t> calls;
};

/// An entry is a row of calls of internal functions, each with a relocation. Call number i now goes to the symbol `qrun_site_<i>`,
/// which the harness defines and which jumps on to `qrun_kernel_<i>`, the function that was called. A call and a jump (the last
/// call may be one) are the same here.
llvm::Expected<InstrumentedObject> instrument(llvm::StringRef path, const EntryPoint &entry);
} // namespace qc

#endif // QC_TOOLS_QRUN_INSTRUMENT_H
