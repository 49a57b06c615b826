// Windows and spatial reductions as vectors of channels: whole registers, no branch for the padding, no accumulator wider than needed.
// RUN: qopt %s -split-input-file "-qc-emit-kernels=isa=avx2" | FileCheck %s

// Codes compare in registers of 32 bytes. Few windows reach over the border; their taps outside read what a tap inside reads.
// CHECK-LABEL: func.func @pool_max_padded
// CHECK: scf.for
// CHECK-COUNT-9: vector.load {{.*}} vector<32xi8>
// CHECK: vector.store {{.*}} vector<32xi8>
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[FIRST:.*]] = vector.load {{.*}} vector<32xi8>
// CHECK: %[[NEXT:.*]] = vector.load {{.*}} vector<32xi8>
// CHECK: arith.maxsi %[[FIRST]], %[[NEXT]] : vector<32xi8>
// CHECK-COUNT-7: arith.maxsi {{.*}} : vector<32xi8>
// CHECK: vector.store {{.*}} vector<32xi8>
// CHECK-NOT: vector.load
func.func @pool_max_padded(%x: memref<1x112x112x64xi8>, %y: memref<1x56x56x64xi8>) {
  qc.kernel "pool"(%x) outs(%y) : (memref<1x112x112x64xi8>, memref<1x56x56x64xi8>) -> () {
  ^bb0(%a: tensor<1x112x112x64xi8>):
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x112x112x64xi8> -> tensor<1x64x112x112xi8>
    %p = qc.pool max %t {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
       : tensor<1x64x112x112xi8> -> tensor<1x64x56x56xi8>
    %l = qc.transpose %p {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x64x56x56xi8> -> tensor<1x56x56x64xi8>
    qc.yield %l : tensor<1x56x56x64xi8>
  }
  return
}

// -----

// The last ten channels come with channels that are done already; unsigned codes compare unsigned.
// CHECK-LABEL: func.func @pool_max_remainder
// CHECK-COUNT-6: arith.maxui {{.*}} : vector<32xi8>
// CHECK-NOT: vector<{{[0-9]|16}}xi8>
func.func @pool_max_remainder(%x: memref<1x4x4x42xi8>, %y: memref<1x2x2x42xi8>) {
  qc.kernel "pool"(%x) outs(%y) : (memref<1x4x4x42xi8>, memref<1x2x2x42xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x42xui8>):
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x42xui8> -> tensor<1x42x4x4xui8>
    %p = qc.pool max %t {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
       : tensor<1x42x4x4xui8> -> tensor<1x42x2x2xui8>
    %l = qc.transpose %p {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x42x2x2xui8> -> tensor<1x2x2x42xui8>
    qc.yield %l : tensor<1x2x2x42xui8>
  }
  return
}

// -----

// Both spatial dimensions are one loop; up to 256 codes fit in 16 bits. Channels 8 to 10 of the 11 come from a second load.
// CHECK-LABEL: func.func @reduce_sum_few_channels
// CHECK: %[[TAPS:.*]] = arith.constant 49 : index
// CHECK: scf.for {{.*}} to %[[TAPS]] {{.*}} -> (vector<16xi16>)
// CHECK-DAG: vector.load {{.*}} vector<8xi8>
// CHECK-DAG: vector.load {{.*}} vector<8xi8>
// CHECK: vector.shuffle {{.*}} [0, 1, 2, 3, 4, 5, 6, 7, 13, 14, 15,
// CHECK: arith.addi {{.*}} : vector<16xi16>
// CHECK: arith.extsi {{.*}} : vector<8xi16> to vector<8xi32>
func.func @reduce_sum_few_channels(%x: memref<1x7x7x11xi8>, %y: memref<1x11xi32>) {
  qc.kernel "pool"(%x) outs(%y) : (memref<1x7x7x11xi8>, memref<1x11xi32>) -> () {
  ^bb0(%a: tensor<1x7x7x11xi8>):
    %p = qc.reduce sum %a {axes = array<i64: 1, 2>, acc_bound = 6272 : ui64} : tensor<1x7x7x11xi8> -> tensor<1x11xi32>
    qc.yield %p : tensor<1x11xi32>
  }
  return
}

// -----

// 400 codes do not: rows are summed in 16 bits, their sums in 32.
// CHECK-LABEL: func.func @reduce_sum_large
// CHECK: scf.for {{.*}} -> (vector<8xi32>, vector<8xi32>)
// CHECK: scf.for {{.*}} -> (vector<16xi16>)
// CHECK: arith.addi {{.*}} : vector<16xi16>
// CHECK: arith.extui {{.*}} : vector<8xi16> to vector<8xi32>
// CHECK: arith.addi {{.*}} : vector<8xi32>
func.func @reduce_sum_large(%x: memref<1x400x16xi8>, %y: memref<1x16xi32>) {
  qc.kernel "pool"(%x) outs(%y) : (memref<1x400x16xi8>, memref<1x16xi32>) -> () {
  ^bb0(%a: tensor<1x400x16xui8>):
    %p = qc.reduce sum %a {axes = array<i64: 1>, acc_bound = 102000 : ui64} : tensor<1x400x16xui8> -> tensor<1x16xi32>
    qc.yield %p : tensor<1x16xi32>
  }
  return
}

// -----

// Padding that counts: sums begin with it, and loops run over the taps inside.
// CHECK-LABEL: func.func @pool_sum_padded
// CHECK: %[[LOW:.*]] = arith.maxsi {{.*}} : index
// CHECK: %[[HIGH:.*]] = arith.minsi {{.*}} : index
// CHECK: %[[START:.*]] = vector.broadcast {{.*}} : i32 to vector<8xi32>
// CHECK: scf.for {{.*}} = %[[LOW]] to %[[HIGH]] {{.*}} -> (vector<16xi16>)
// CHECK: arith.addi %[[START]], {{.*}} : vector<8xi32>
func.func @pool_sum_padded(%x: memref<1x6x16xi8>, %y: memref<1x6x16xi32>) {
  qc.kernel "pool"(%x) outs(%y) : (memref<1x6x16xi8>, memref<1x6x16xi32>) -> () {
  ^bb0(%a: tensor<1x6x16xi8>):
    %t = qc.transpose %a {permutation = array<i64: 0, 2, 1>} : tensor<1x6x16xi8> -> tensor<1x16x6xi8>
    %p = qc.pool sum %t {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>,
                         pad_value = 7 : i64, acc_bound = 384 : ui64} : tensor<1x16x6xi8> -> tensor<1x16x6xi32>
    %l = qc.transpose %p {permutation = array<i64: 0, 2, 1>} : tensor<1x16x6xi32> -> tensor<1x6x16xi32>
    qc.yield %l : tensor<1x6x16xi32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @pool_average_float
// CHECK-COUNT-4: arith.addf {{.*}} : vector<8xf32>
// CHECK: arith.divf {{.*}} : vector<8xf32>
func.func @pool_average_float(%x: memref<1x4x4x8xf32>, %y: memref<1x2x2x8xf32>) {
  qc.kernel "pool"(%x) outs(%y) : (memref<1x4x4x8xf32>, memref<1x2x2x8xf32>) -> () {
  ^bb0(%a: tensor<1x4x4x8xf32>):
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xf32> -> tensor<1x8x4x4xf32>
    %p = qc.pool average %t {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
       : tensor<1x8x4x4xf32> -> tensor<1x8x2x2xf32>
    %l = qc.transpose %p {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x8x2x2xf32> -> tensor<1x2x2x8xf32>
    qc.yield %l : tensor<1x2x2x8xf32>
  }
  return
}
