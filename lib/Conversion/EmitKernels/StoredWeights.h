// Weights of contractions in f32 that are stored in fewer bits: how they lie in memory, and how a tile makes f32 of them.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_STOREDWEIGHTS_H
#define QC_LIB_CONVERSION_EMITKERNELS_STOREDWEIGHTS_H

#include "CodeFields.h"
#include "Kernel.h"
#include "qc/Dialect/QC/IR/StoredOps.h"

#include <vector>

namespace qc {
/// Words of 32 bits per lane. A step is `fields()` neighbours of the reduction; each lane has `words()` words for them, which
/// they fill (CodeFields). Codes are stored as code - lowest, without a sign; two numbers of 16 bits share a word.
class StoredFields {
public:
  StoredFields() = default;
  StoredFields(StoredFormat format, int64_t bits);
  int64_t fields() const { return layout.codes; }
  int64_t words() const { return layout.words; }
  /// What every stored code lies below the code that it stands for.
  int64_t lowest() const { return format == StoredFormat::Integer ? -(int64_t(1) << (bits - 1)) : 0; }
  bool isInteger() const { return format == StoredFormat::Integer; }
  /// The words of one lane.
  void pack(ArrayRef<int32_t> codes, llvm::MutableArrayRef<int32_t> words) const;
  /// True if the numbers of one field lie beside each other for all lanes, where there are several: as conversions take them. The
  /// step's words are then half a vector for each field.
  bool isPlanar(int64_t lanes) const { return format == StoredFormat::F16 && lanes > 1; }
  /// Field `field` of the lanes whose words are `words`, as f32: for integers the stored code times 2^`getShift(field)`, else the
  /// number itself.
  Value decode(Kernel &k, ArrayRef<Value> words, int64_t field) const;
  int64_t getShift(int64_t field) const;

private:
  StoredFormat format = StoredFormat::Integer;
  int64_t bits = 8;
  CodeFields layout{8, 32};
};

/// Numbers of 16 bits (i16), as f32.
Value decodeHalf(Kernel &k, StoredFormat format, Value halves);
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_STOREDWEIGHTS_H
