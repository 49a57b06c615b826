// Range files, `{"version": 1, "ranges": {"<id>": [min, max], ...}}`, and constraints files.
#ifndef QC_LIB_TRANSFORMS_RANGEFILE_H
#define QC_LIB_TRANSFORMS_RANGEFILE_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <string>
#include <utility>
#include <vector>

namespace qc {
using Range = std::pair<double, double>;

/// Reads a range file. Each range is finite, its limits are within f32 and in order.
llvm::Expected<llvm::StringMap<Range>> readRanges(llvm::StringRef path);

/// Writes ranges in the given order, doubles with 17 digits, to a temporary file that then takes the name `path`.
llvm::Error writeRanges(llvm::StringRef path, llvm::ArrayRef<std::pair<std::string, Range>> ranges);

/// Code types by name, unchecked: of the tensors that ops compute, and of the weights of layers.
struct Constraints {
  llvm::StringMap<std::string> tensors, weights;
};

/// Reads a constraints file, `{"version": 1, "tensors": {"<id>": {"code": "i16"}, ...}, "weights": {"<node>": {"code": "i8"},
/// ...}}` with one or both of the two lists; none for no path. Emits the error at `loc`.
mlir::FailureOr<Constraints> readConstraints(llvm::StringRef path, mlir::Location loc);

/// "'a', 'b', ... and 3 more": at most `limit` of `names`.
std::string listNames(llvm::ArrayRef<std::string> names, size_t limit = 10);

/// Those of `names` that a typing error or two, or something left out, lead to `name`, the nearest first.
std::vector<std::string> findNearNames(llvm::StringRef name, llvm::ArrayRef<std::string> names);

/// What is missing and what to do about it.
std::string describeMissingRanges(llvm::ArrayRef<std::string> names);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_RANGEFILE_H
