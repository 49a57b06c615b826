// What kernels may use on a target: two tables, lib/Target/Isas.def and lib/Target/DotKernels.def.
#ifndef QC_TARGET_KERNELS_H
#define QC_TARGET_KERNELS_H

#include "qc/Target/Target.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace qc {
/// One row of Isas.def.
struct Isa {
  llvm::StringLiteral name;
  llvm::StringLiteral arch, features;
  int64_t lanes;     ///< i32 elements of one vector (a register, or a group of registers used as one)
  int64_t registers; ///< vectors that can be held at once
  int64_t units;     ///< vector instructions that the cost model lets begin in a cycle
  bool hasVectors() const { return lanes > 1; }
  /// True if one instruction multiplies and adds f32 with one rounding.
  bool hasFusedMultiplyAdd() const { return (arch == "x86" && lanes >= 8) || arch == "aarch64" || hasGroups(); }
  /// True if registers form groups of any power of two.
  bool hasGroups() const { return arch == "riscv" && hasVectors(); }
  /// The same registers in groups that hold `count` lanes.
  Isa withLanes(int64_t count) const { return {name, arch, features, count, registers * lanes / count, units}; }
  /// How many lanes a kernel may choose, the row's own first.
  llvm::SmallVector<int64_t, 4> getLaneChoices() const;
};

/// The best row for `target`; "scalar" if nothing else fits.
const Isa &selectIsa(const Target &target);
/// The row of that name; null if there is none.
const Isa *findIsa(llvm::StringRef name);
/// "avx512vnni, avx2, ...", for messages.
std::string getIsaNames();

/// Most threads that kernels may be divided for.
constexpr int64_t mostThreads = 64;

enum class DotStep { VPDPBUSD, VPMADDUBSW, VPMADDCODES, VPXOR, VPSIGNB, VPMADDWD, SDOT, SDOTAhead, SMMLA, Widening, SMLAD, FMA, Decode };
/// What the activations are when the step reads them: codes in u8 (i8 codes shifted by 128), i8, i16, or numbers in f32.
enum class DotActivation { U8, I8, I16, F32 };
/// What the weights must be: anything, pairs whose products fit i16 (PairSafe.h), not -128, or of four bits at most. Marks:
/// anything, but the kernel needs a panel that says which activations are small.
enum class DotProof { Nothing, PairSafe, NoLowest, FewBits, Marks };
/// What integer weights are in memory where several positions read them.
enum class DotWeights { I8, I16 };

/// One row of DotKernels.def.
struct DotKernel {
  llvm::StringLiteral name, isas;
  DotStep step;
  int64_t k0;
  DotActivation activation;
  DotProof needs;
  int64_t chain;      ///< steps whose results add up in i16 before they widen; the proof covers that
  DotWeights weights; ///< of integers
  /// True if the row is one of `isa`; a row without isas is one of each.
  bool isFor(const Isa &isa) const;
};

llvm::ArrayRef<DotKernel> getDotKernels();
/// The row of that name; null if there is none.
const DotKernel *findDotKernel(llvm::StringRef name);
} // namespace qc

#endif // QC_TARGET_KERNELS_H
