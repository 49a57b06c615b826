// Requantization of vectors: which form of the arithmetic gives the bytes of rules N6 to N9 and N12 at least cost.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_REQUANTIZE_H
#define QC_LIB_CONVERSION_EMITKERNELS_REQUANTIZE_H

#include "Kernel.h"

namespace qc {
/// One qc.requantize as vector code.
class Requantizer {
public:
  /// `bound`: the magnitude of input 0 never exceeds it (0: unknown). Where parameters differ from channel to channel they are
  /// tables in `k.constants`, long enough for vectors that begin at the last channel.
  Requantizer(Kernel &k, RequantizeOp op, uint64_t bound);

  /// Codes as i32 from inputs as i32, vectors of channels from `channel` on.
  Value emit(Kernel &k, ValueRange inputs, Value channel) const;

private:
  struct Parameter {
    Value table;        ///< one number per channel,
    int64_t number = 0; ///< or one for all
  };
  Parameter makeParameter(Kernel &k, ArrayRef<int64_t> numbers, Type element);
  Value load(Kernel &k, const Parameter &parameter, Value channel, Type vector) const;
  Value emitWide(Kernel &k, ValueRange inputs, Value channel) const;

  mutable RequantizeOp op;
  Parameter mantissa, shift;
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_REQUANTIZE_H
