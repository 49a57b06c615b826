// Which kernels a target gets follows from its features, as the report shows.
// RUN: mkdir -p %t && cd %t
// RUN: qcc %s -target=x86-64 -o a.o -report | FileCheck %s --check-prefix=AVX2
// RUN: qcc %s -target=x86-64 -mcpu=x86-64-v2 -o a.o -report | FileCheck %s --check-prefix=SSE
// RUN: qcc %s -target=x86-64 -mcpu=cascadelake -o a.o -report | FileCheck %s --check-prefix=VNNI
// RUN: qcc %s -target=x86-64 -mcpu=skylake-avx512 -o a.o -report | FileCheck %s --check-prefix=AVX2
// RUN: qcc %s -target=x86-64 -mattr=+avxvnni -o a.o -report | FileCheck %s --check-prefix=VNNI
// RUN: qcc %s -target=x86-64 -mcpu=x86-64 -mattr=+avx2 -o a.o -report | FileCheck %s --check-prefix=AVX2
// RUN: qcc %s -target=x86-64 -mcpu=x86-64 -o a.o -report | FileCheck %s --check-prefix=SCALAR
// RUN: qcc %s -target=aarch64 -o a.o -report | FileCheck %s --check-prefix=SDOT
// RUN: qcc %s -target=aarch64 -mcpu=cortex-a55 -o a.o -report | FileCheck %s --check-prefix=A55
// RUN: qcc %s -target=aarch64 -mattr=+i8mm -o a.o -report | FileCheck %s --check-prefix=SMMLA
// RUN: qcc %s -target=aarch64 -mcpu=cortex-a53 -mattr=-dotprod -o a.o -report | FileCheck %s --check-prefix=SMLAL
// RUN: qcc %s -target=riscv64 -o a.o -report | FileCheck %s --check-prefix=RVV
// RUN: qcc %s -target=riscv64 -mattr=+zvl256b -o a.o -report | FileCheck %s --check-prefix=RVV256
// RUN: qcc %s -target=armv7a -o a.o -report | FileCheck %s --check-prefix=VMLAL
// RUN: qcc %s -target=thumbv7em -o a.o -report | FileCheck %s --check-prefix=SMLAD
// RUN: qcc %s -target=riscv32imc -o a.o -report | FileCheck %s --check-prefix=SCALAR
// The widest registers that there are, also on CPUs for which LLVM prefers 256 bits in code of its own.
// RUN: qcc %s -target=x86-64 -mcpu=cascadelake -emit=asm -o - | FileCheck %s --check-prefix=ZMM-VNNI
// RUN: qcc %s -target=x86-64 -mcpu=znver4 -emit=asm -o - | FileCheck %s --check-prefix=ZMM-VNNI
// RUN: qcc %s -target=x86-64 -mcpu=skylake-avx512 -emit=asm -o - | FileCheck %s --check-prefix=ZMM
// RUN: qcc %s -target=x86-64 -mcpu=x86-64-v4 -emit=asm -o - | FileCheck %s --check-prefix=ZMM
// RUN: qcc %s -target=x86-64 -mcpu=alderlake -emit=asm -o - | FileCheck %s --check-prefix=YMM-VNNI
// RUN: qcc %s -target=x86-64 -mattr=+avx512vnni,+avx512vl -emit=asm -o - | FileCheck %s --check-prefix=YMM-VNNI
// RUN: qcc %s -target=x86-64 -emit=asm -o - | FileCheck %s --check-prefix=YMM
// ZMM-VNNI-NOT: vpdpbusd {{.*}}, %{{[xy]}}mm
// ZMM-VNNI: vpdpbusd {{.*}}, %zmm
// ZMM-VNNI-NOT: vpdpbusd {{.*}}, %{{[xy]}}mm
// ZMM-NOT: vpmaddwd {{.*}}, %{{[xy]}}mm
// ZMM: vpmaddwd {{.*}}, %zmm
// ZMM-NOT: vpmaddwd {{.*}}, %{{[xy]}}mm
// YMM-VNNI: vpdpbusd {{.*}}, %ymm
// YMM: vpmaddwd {{.*}}, %ymm

// AVX2: x86.vpmaddwd
// SSE: x86.pmaddwd
// VNNI: x86.vpdpbusd
// SDOT: aarch64.sdot{{[^.]}}
// A55: aarch64.sdot.a55
// SMMLA: aarch64.smmla
// SMLAL: aarch64.smlal
// RVV: riscv.vwmacc{{[^.]}}
// RVV256: riscv.vwmacc.zvl256b
// VMLAL: arm.vmlal
// SMLAD: arm.smlad
// SCALAR: contract{{.*}}scalar
module attributes {qc.stage = "integer"} {
  func.func @run(%x: tensor<8x32xi8> {qc.name = "x"}) -> (tensor<8x32xi32> {qc.name = "y"}) {
    %w = qc.constant dense<100> : tensor<32x32xi8>
    %y = qc.matmul %x, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32> loc("y")
    return %y : tensor<8x32xi32>
  }
}
