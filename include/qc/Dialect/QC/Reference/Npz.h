// .npz files (zip archives of .npy arrays, stored or deflated), the format of samples and results.
#ifndef QC_DIALECT_QC_REFERENCE_NPZ_H
#define QC_DIALECT_QC_REFERENCE_NPZ_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace qc {
/// One array of an .npz file. `dtype` is numpy's without byte order: f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1.
struct NpzArray {
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<char> data; ///< little endian, row-major
  size_t elementBytes() const;
  /// Product of the shape; of all but the first axis.
  int64_t elements() const;
  int64_t sampleElements() const;
};

/// Reads one array after another out of a file without holding all of it: header first, samples (slices of the first axis) on
/// demand.
class NpzFile {
public:
  static llvm::Expected<std::unique_ptr<NpzFile>> open(llvm::StringRef path);
  ~NpzFile();
  std::vector<std::string> names() const;
  bool has(llvm::StringRef name) const;
  /// Shape with the sample axis first, and dtype; data is empty.
  llvm::Expected<NpzArray> header(llvm::StringRef name) const;
  /// Streams the samples of one array in order; each call gives the next sample's raw bytes. Memory: one sample.
  class Reader;
  llvm::Expected<std::unique_ptr<Reader>> read(llvm::StringRef name) const;
  /// The whole array.
  llvm::Expected<NpzArray> load(llvm::StringRef name) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

class NpzFile::Reader {
public:
  virtual ~Reader() = default;
  /// Fills `bytes` (resized to one sample); an error if the archive is damaged or exhausted.
  virtual llvm::Error next(std::vector<char> &bytes) = 0;
};

/// Converts `count` elements exactly: to f32 from any numeric type whose values f32 holds (f2, f4, and wider ones whose values
/// happen to fit), to intN from integer types (or integral floats) in range. An inexact value is an error that names `what` and
/// the value.
llvm::Error convertToFloat(llvm::StringRef dtype, const char *data, size_t count, float *out, llvm::StringRef what);
llvm::Error convertToInt(llvm::StringRef dtype, const char *data, size_t count, int64_t low, int64_t high, int64_t *out,
                         llvm::StringRef what);

/// Writes an .npz file (stored entries, fixed time stamps: same arrays, same bytes) to a temporary beside `path`, then renames
/// it.
llvm::Error writeNpz(llvm::StringRef path, const std::map<std::string, NpzArray> &arrays);
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_NPZ_H
