// Requantization of vectors: which form of the arithmetic gives the bytes of rules N6 to N9 and N12 at least cost.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_REQUANTIZE_H
#define QC_LIB_CONVERSION_EMITKERNELS_REQUANTIZE_H

#include "Narrow.h"

#include <optional>

namespace qc {
/// One qc.requantize as vector code. The forms, best first; each is chosen only where it gives the same bytes as the rule:
///
/// high   One accumulator. hi = floor(acc * m' / 2^32) is the upper half of one product when m' is the mantissa shifted so that
/// all
///        bits below can be dropped: floor((hi + half) / 2^f) = floor((acc * m + half) / 2^s) for f > 0. Ties to even differ from
///        half up in ties alone. A tie needs acc to be an odd multiple of 2^T, T known per channel: beyond the accumulator's
///        bound there is none, else a mask finds it. tflite-double rounds the high half, then away from zero. ort differs from
///        onnx for a few accumulators next to ties; they are listed.
/// codes  One or two 8-bit codes. sum x_i * m_i with mantissas in two parts of 16 bits: products of 16 bits, the same rounding.
/// words  Two codes of up to 16 bits. With m_i = 2^12 h_i + l_i the sum is 2^12 (H + floor(L / 2^12)) + (L mod 2^12), H = sum x_i
/// h_i
///        and L = sum x_i l_i in 32 bits; of what is below the last bit the rounding needs to know only whether it is 0.
/// wide   Everything in 64 bits, as the rules are written.
///
/// High and codes end in 16 bits where codes have 8: saturation keeps what the limits keep.
class Requantizer {
public:
  /// `bound`: the magnitude of the only input never exceeds it (0: unknown). `narrow`: codes are made in 16 bits.
  Requantizer(Kernel &k, RequantizeOp op, uint64_t bound, bool narrow);
  bool hasHigh() const { return high.has_value(); }
  bool hasCodes() const { return codes.has_value(); }
  /// Puts what differs from channel to channel into tables, long enough for vectors that begin at the last channel.
  void makeTables(Kernel &k);

  /// Codes as i32 from inputs as i32, vectors of channels from `channel` on. `saturates`: what follows keeps the limits of i16.
  Value emit(Kernel &k, ValueRange inputs, Value channel, bool saturates = false) const;
  /// True if `emitWords` does: two codes.
  bool hasWords() const { return words.has_value(); }
  /// The same of two halves in one order: the two vectors of codes that they are packed from.
  SmallVector<Value> emitWords(Kernel &k, ArrayRef<Half> inputs, bool saturates) const;
  /// narrow: codes less their zero point, limits not applied, of neighbouring vectors of accumulators (in whatever order is
  /// cheap, if nothing but packing follows),
  SmallVector<Half> emitNarrow(Kernel &k, ArrayRef<Value> accs, Value channel, bool inAnyOrder) const;
  /// or of codes less their zero points.
  Half emitNarrow(Kernel &k, ArrayRef<Half> inputs) const;

  mutable RequantizeOp op;

private:
  struct Parameter {
    SmallVector<int64_t> numbers; ///< one for all channels, or one per channel
    Value table;
  };
  struct High {
    int64_t left = 0;      ///< the accumulator is shifted left first
    int64_t fraction = 0;  ///< bits behind the point once `drop` of the channel are gone
    bool isDouble = false; ///< N8, tflite-double
    bool hasTies = false;
    Parameter m, odd, drop, tieMask, tieValue;
    /// Accumulators whose code differs by `delta` from that of N6: what single precision does (N7).
    SmallVector<std::pair<Parameter, Parameter>> exceptions;
  };
  struct Codes {
    int64_t split = 0; ///< low bits of the mantissas that are multiplied apart; 0 or 16
    int64_t drop = 0, fraction = 0;
    bool hasTies = false;
  };
  struct Words {
    SmallVector<int64_t> top, low;      ///< parts of the mantissas
    int64_t topStart = 0, lowStart = 0; ///< what the zero points take off, in the same parts
    int64_t shift = 0;                  ///< of the upper part
  };
  std::optional<High> planHigh(const Narrow &n, uint64_t bound) const;
  bool planExceptions(High &form, int64_t bound) const;
  std::optional<Codes> planCodes() const;
  std::optional<Words> planWords() const;
  Value load(Kernel &k, const Parameter &parameter, Value channel, Type vector) const;
  Value emitHigh(Kernel &k, const Narrow &n, Value acc, Value channel, Value &tie, Value &correction, bool swapped = false) const;
  Value emitWords(Kernel &k, ValueRange inputs, bool saturates) const;
  Value finishWords(Kernel &k, Value low, Value top, bool saturates) const;
  Value limit(Kernel &k, Value code, bool saturates) const;
  Value emitWide(Kernel &k, ValueRange inputs, Value channel) const;

  bool narrow, fitsWord;
  Parameter mantissa, shift;
  std::optional<High> high;
  std::optional<Codes> codes;
  std::optional<Words> words;
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_REQUANTIZE_H
