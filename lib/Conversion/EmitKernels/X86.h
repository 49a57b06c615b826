// The x86 instructions that LLVM has no generic operation for, by the width of the register.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_X86_H
#define QC_LIB_CONVERSION_EMITKERNELS_X86_H

#include "Kernel.h"

namespace qc::x86 {
/// Intrinsics for registers of 128, 256 and 512 bits.
using Forms = llvm::StringLiteral[3];

constexpr Forms pmaddwd = {"llvm.x86.sse2.pmadd.wd", "llvm.x86.avx2.pmadd.wd", "llvm.x86.avx512.pmaddw.d.512"};
constexpr Forms pmaddubsw = {"llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx512.pmaddubs.w.512"};
/// LLVM encodes the first two for AVX-VNNI (VEX) or for AVX-512-VNNI (EVEX), whichever the target has.
constexpr Forms vpdpbusd = {"llvm.x86.avx512.vpdpbusd.128", "llvm.x86.avx512.vpdpbusd.256", "llvm.x86.avx512.vpdpbusd.512"};
constexpr Forms packssdw = {"llvm.x86.sse2.packssdw.128", "llvm.x86.avx2.packssdw", "llvm.x86.avx512.packssdw.512"};
constexpr Forms packsswb = {"llvm.x86.sse2.packsswb.128", "llvm.x86.avx2.packsswb", "llvm.x86.avx512.packsswb.512"};
constexpr Forms packuswb = {"llvm.x86.sse2.packuswb.128", "llvm.x86.avx2.packuswb", "llvm.x86.avx512.packuswb.512"};
constexpr Forms pmulhrsw = {"llvm.x86.ssse3.pmul.hr.sw.128", "llvm.x86.avx2.pmul.hr.sw", "llvm.x86.avx512.pmul.hr.sw.512"};
constexpr Forms psignb = {"llvm.x86.ssse3.psign.b.128", "llvm.x86.avx2.psign.b", ""};
constexpr Forms pshufb = {"llvm.x86.ssse3.pshuf.b.128", "llvm.x86.avx2.pshuf.b", "llvm.x86.avx512.pshuf.b.512"};

/// The form for operands as wide as `result`, which fill a register.
inline Value call(Kernel &k, const Forms &forms, VectorType result, ValueRange operands) {
  int64_t bits = result.getNumElements() * result.getElementTypeBitWidth();
  return k.intrinsic(forms[bits == 128 ? 0 : bits == 256 ? 1 : 2], result, operands);
}
} // namespace qc::x86

#endif // QC_LIB_CONVERSION_EMITKERNELS_X86_H
