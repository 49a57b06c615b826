// Transposes that are left: few planes become one shuffle that backends know, the rest blocks in registers or copies of rows.
// RUN: qopt %s -split-input-file "-qc-emit-kernels=isa=avx2" | FileCheck %s
// RUN: qopt %s -split-input-file "-qc-emit-kernels=isa=scalar" | FileCheck %s --check-prefix=SCALAR

// CHECK-LABEL: func.func @transpose_planes
// CHECK-COUNT-3: vector.load {{.*}} vector<32xi8>
// CHECK: vector.shuffle {{.*}} [0, 32, 64, 1, 33, 65, {{.*}}, 31, 63, 95] : vector<64xi8>, vector<64xi8>
// CHECK: vector.store {{.*}} vector<96xi8>
// SCALAR-LABEL: func.func @transpose_planes
// SCALAR-NOT: vector.
func.func @transpose_planes(%x: memref<1x3x8x8xi8>, %y: memref<1x8x8x3xi8>) {
  qc.kernel "transpose"(%x) outs(%y) : (memref<1x3x8x8xi8>, memref<1x8x8x3xi8>) -> () {
  ^bb0(%a: tensor<1x3x8x8xi8>):
    %l = qc.transpose %a {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x3x8x8xi8> -> tensor<1x8x8x3xi8>
    qc.yield %l : tensor<1x8x8x3xi8>
  }
  return
}

// -----

// CHECK-LABEL: func.func @transpose_to_planes
// CHECK: vector.load {{.*}} vector<64xi8>
// CHECK: vector.shuffle {{.*}} [0, 2, 4,
// CHECK: vector.store {{.*}} vector<32xi8>
// CHECK: vector.shuffle {{.*}} [1, 3, 5,
func.func @transpose_to_planes(%x: memref<1x7x7x2xi8>, %y: memref<1x2x7x7xi8>) {
  qc.kernel "transpose"(%x) outs(%y) : (memref<1x7x7x2xi8>, memref<1x2x7x7xi8>) -> () {
  ^bb0(%a: tensor<1x7x7x2xi8>):
    %l = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x7x7x2xi8> -> tensor<1x2x7x7xi8>
    qc.yield %l : tensor<1x2x7x7xi8>
  }
  return
}

// -----

// CHECK-LABEL: func.func @transpose_blocks
// CHECK-COUNT-16: vector.load {{.*}} vector<16xi8>
// CHECK-COUNT-64: vector.shuffle {{.*}} : vector<16xi8>, vector<16xi8>
// CHECK-COUNT-16: vector.store {{.*}} vector<16xi8>
func.func @transpose_blocks(%x: memref<64x48xi8>, %y: memref<48x64xi8>) {
  qc.kernel "transpose"(%x) outs(%y) : (memref<64x48xi8>, memref<48x64xi8>) -> () {
  ^bb0(%a: tensor<64x48xi8>):
    %l = qc.transpose %a {permutation = array<i64: 1, 0>} : tensor<64x48xi8> -> tensor<48x64xi8>
    qc.yield %l : tensor<48x64xi8>
  }
  return
}

// -----

// The rows that stay together are 3 * 16 elements long.
// CHECK-LABEL: func.func @transpose_rows
// CHECK-NOT: vector.shuffle
// CHECK: vector.load {{.*}} vector<32xi8>
// CHECK: vector.load {{.*}} vector<32xi8>
// CHECK-NOT: vector.load
func.func @transpose_rows(%x: memref<4x5x3x16xi8>, %y: memref<5x4x3x16xi8>) {
  qc.kernel "transpose"(%x) outs(%y) : (memref<4x5x3x16xi8>, memref<5x4x3x16xi8>) -> () {
  ^bb0(%a: tensor<4x5x3x16xi8>):
    %l = qc.transpose %a {permutation = array<i64: 1, 0, 2, 3>} : tensor<4x5x3x16xi8> -> tensor<5x4x3x16xi8>
    qc.yield %l : tensor<5x4x3x16xi8>
  }
  return
}
