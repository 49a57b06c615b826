// The reduction of a contraction without a kernel is vector code on each target with vectors; its accumulators and operands are known not to overlap, so
// no test of addresses stands in front of it.
// RUN: qcc %s -without=contract -target=x86-64 -emit=asm -o - | FileCheck %s --check-prefix=X86
// RUN: qcc %s -without=contract -target=aarch64 -emit=asm -o - | FileCheck %s --check-prefix=ARM
// RUN: qcc %s -without=contract -target=riscv64 -emit=asm -o - | FileCheck %s --check-prefix=RISCV
// RUN: qcc %s -without=contract -target=x86-64 -emit=llvm -o - | FileCheck %s --check-prefix=IR

// X86: vpmovsxbd
// X86: vpmulld
// ARM: {{smlal|mla}}{{.*}}v{{[0-9]+}}.
// RISCV: {{vmacc|vwmacc|vmadd}}
// IR-NOT: vector.memcheck
// IR: mul {{.*}}<8 x i32>
// IR-NOT: vector.memcheck
module attributes {qc.stage = "integer"} {
  func.func @run(%x: tensor<4x24xi8> {qc.name = "x"}, %w: tensor<24x32xi8> {qc.name = "w"}) -> (tensor<4x32xi32> {qc.name = "y"}) {
    %y = qc.matmul %x, %w {acc_bound = 393216 : ui64} : (tensor<4x24xi8>, tensor<24x32xi8>) -> tensor<4x32xi32>
    return %y : tensor<4x32xi32>
  }
}
