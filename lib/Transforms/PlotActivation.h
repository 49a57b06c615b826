// A picture of a function on codes, what stands for it, and the difference.
#ifndef QC_LIB_TRANSFORMS_PLOTACTIVATION_H
#define QC_LIB_TRANSFORMS_PLOTACTIVATION_H

#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"

#include "mlir/Support/LLVM.h"

namespace qc {
/// SVG: the function, the codes chosen for each input, the knots, and below them the error in codes. `chosen` has one code per
/// input.
std::string plotActivation(llvm::StringRef title, llvm::StringRef subtitle, const CodeFunction &function,
                           llvm::ArrayRef<int64_t> chosen, llvm::ArrayRef<int32_t> knots);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_PLOTACTIVATION_H
