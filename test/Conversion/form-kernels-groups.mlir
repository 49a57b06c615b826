// Registers of RISC-V form groups that fit the channels: the third number of a tile counts lanes where the row of the isa has others.
// RUN: qopt %s -qc-form-kernels=isa=rvv256 | FileCheck %s
// RUN: qopt %s -qc-form-kernels=isa=rvv256 -qc-lower-linalg -qc-lower-buffers -qc-emit-kernels=isa=rvv256 | FileCheck %s --check-prefix=EMIT

// Sixteen channels: groups of two registers, fourteen rows.
// CHECK-LABEL: func.func @few_channels(
// CHECK: tile = array<i64: 14, 1, 16>
// EMIT-LABEL: @few_channels_0(
// EMIT-COUNT-14: arith.addi {{.*}} : vector<16xi32>
func.func @few_channels(%x: tensor<28x32xi8>) -> tensor<28x16xi32> {
  %w = qc.constant dense<3> : tensor<32x16xi8>
  %y = qc.matmul %x, %w {acc_bound = 12288 : ui64} : (tensor<28x32xi8>, tensor<32x16xi8>) -> tensor<28x16xi32>
  return %y : tensor<28x16xi32>
}

// One row and many channels: groups of eight.
// CHECK-LABEL: func.func @one_row(
// CHECK: tile = array<i64: 1, {{[0-9]}}, 64>
// EMIT-LABEL: @one_row_0(
// EMIT: arith.addi {{.*}} : vector<64xi32>
func.func @one_row(%x: tensor<1x32xi8>) -> tensor<1x192xi32> {
  %w = qc.constant dense<3> : tensor<32x192xi8>
  %y = qc.matmul %x, %w {acc_bound = 12288 : ui64} : (tensor<1x32xi8>, tensor<32x192xi8>) -> tensor<1x192xi32>
  return %y : tensor<1x192xi32>
}

// Several rows and channels: what the row has.
// CHECK-LABEL: func.func @square(
// CHECK: tile = array<i64: 7, 1>
func.func @square(%x: tensor<28x32xi8>) -> tensor<28x64xi32> {
  %w = qc.constant dense<3> : tensor<32x64xi8>
  %y = qc.matmul %x, %w {acc_bound = 12288 : ui64} : (tensor<28x32xi8>, tensor<32x64xi8>) -> tensor<28x64xi32>
  return %y : tensor<28x64xi32>
}

// Layouts change by segments: eight channels of 32 positions each.
// EMIT-LABEL: @layout_0(
// EMIT: llvm.call_intrinsic "llvm.riscv.sseg8.store.mask"
func.func @layout(%x: tensor<64x256xi8>) -> tensor<256x64xi8> {
  %y = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<64x256xi8> -> tensor<256x64xi8>
  return %y : tensor<256x64xi8>
}
