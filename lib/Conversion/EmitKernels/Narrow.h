// What requantization needs of an instruction set: high halves of products, and vectors of 16 and 8 bits that saturate.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_NARROW_H
#define QC_LIB_CONVERSION_EMITKERNELS_NARROW_H

#include "Arithmetic.h"
#include "X86.h"

namespace qc {
/// The 16-bit values of one or two neighbouring vectors of accumulators.
struct Half {
  Value value; ///< vector<NxI16>
  /// Each 128 bits hold four values of either vector, as x86 packs them: 0-3, 8-11, 4-7, 12-15 for vectors of eight.
  bool crossed = false;
  /// Of each four, the middle two are exchanged.
  bool swapped = false;
};

class Narrow {
public:
  explicit Narrow(Kernel &k);

  /// floor(acc * m / 2^highShift()) of i32.
  int64_t highShift() const { return isArm() ? 31 : 32; }
  /// `odd` holds at even lanes what `m` holds at odd ones; read on x86 only, where products take even lanes.
  /// `swapped`: of each four lanes the middle two are exchanged, which takes an instruction less where `canSwap`.
  Value mulHigh(Value acc, Value m, Value odd, bool swapped = false) const;
  /// True if packing fills a register with the codes of two positions of two vectors each.
  bool canJoin() const { return arch == Arch::X86 && lanes >= 8; }
  bool canSwap() const { return arch == Arch::X86 && lanes == 8; }
  bool needsOdd() const { return arch == Arch::X86; }
  /// half up(2 * acc * m / 2^32); |acc| below 2^30.
  Value mulHighRounded(Value acc, Value m, Value odd) const;

  /// True if codes are best made in 16 bits.
  bool hasHalves() const { return lanes > 1; }
  /// Elements of a half made of two registers. Vectors of other architectures are groups of registers, which one alone fills.
  int64_t getCodeLanes() const { return arch == Arch::Other ? lanes : 2 * lanes; }
  /// Saturates to i16.
  SmallVector<Half> pack(ArrayRef<Value> words) const;
  /// i8, ui8 or i16 codes of neighbouring channels, in order.
  Half extend(Value codes, Type code) const;
  /// Half up(v / 2^shift), 0 < shift < 8; at the end of the range the result may be one too small.
  Value roundShift(Value v, int64_t shift) const;
  Value addSaturated(Value v, int64_t number) const;
  /// True if codes of 16 bits are best packed from two vectors, which saturates to their limits.
  bool packsWords() const { return arch == Arch::X86 && lanes == 8; }
  /// The elements of a half in order.
  Value inOrder(const Half &half) const;
  /// sum of inputs[i] * factors[i] in i32: the two (or one) vectors that `pack` would take for this half. `factors` fit i16.
  SmallVector<Value> multiply(ArrayRef<Half> inputs, ArrayRef<int64_t> factors) const;
  /// Saturates to i8 or ui8, plus `offset` modulo 256; elements in order.
  SmallVector<Value> packCodes(ArrayRef<Half> halves, bool isUnsigned, int64_t offset) const;

  /// Neighbours of one length as one vector.
  SmallVector<Value> joinPairs(ArrayRef<Value> vectors) const;

  /// result = table[code - lowest code]: 256 entries of 8 bits.
  bool hasTables() const { return arch == Arch::X86 || arch == Arch::AArch64; }
  Value lookUp(ArrayRef<int64_t> table, Value codes, bool isUnsigned) const;

  /// result = table[index] in every lane of i32: at most as many entries as registers hold faster than memory.
  int64_t mostWords() const {
    return arch == Arch::X86 && lanes == 16 ? 64 : (arch == Arch::X86 && lanes == 8) || arch == Arch::AArch64 ? 32 : 0;
  }
  Value lookUpWords(ArrayRef<int64_t> table, Value index) const;

private:
  enum class Arch { X86, AArch64, Arm, Other };
  bool isArm() const { return arch == Arch::AArch64 || arch == Arch::Arm; }
  Value pad(Value v, int64_t count) const;
  /// Calls the form of an x86 intrinsic for the operands' width; shorter operands are padded to 128 bits.
  Value call(const x86::Forms &forms, Type element, ArrayRef<Value> operands) const;
  Value call(llvm::StringRef name, Type element, ArrayRef<Value> operands) const;
  Value evenLanes(Value v) const;
  std::pair<Value, Value> products(Value acc, Value m, Value odd) const;
  Value mulHighScalable(Value acc, Value m) const;
  Value joinHigh(Value even, Value odd, bool swapped = false) const;
  Value packPair(Value low, Value high) const;
  /// Elements of 128 bits of i32 in a vector.
  int64_t sections() const { return lanes / 4; }
  bool isCrossed(int64_t size) const { return arch == Arch::X86 && sections() > 1 && size == 2 * lanes; }
  Value lookUpWithVpermi2b(ArrayRef<int64_t> table, Value codes, bool isUnsigned) const;
  Value lookUpWithTbl(ArrayRef<int64_t> table, Value codes, bool isUnsigned) const;

  Kernel &k;
  Arithmetic a;
  Arch arch;
  int64_t lanes;
  Type i8, i16, i32, i64;
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_NARROW_H
