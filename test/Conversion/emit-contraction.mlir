// Contractions: weights packed in the order in which a tile reads them, a panel of padded and widened activations, tiles in registers.
// RUN: qopt %s -split-input-file -qc-emit-kernels=isa=avx2 -canonicalize | FileCheck %s

// Two neighbours of the reduction side by side per channel, then the next two, filled up with zeros: eight channels a vector.
// CHECK-DAG: memref.global "private" constant @[[$BIAS:.*]] : memref<10xi32> = dense<[10, 20, 0, 0, 0, 0, 0, 0, 0, 0]>
// CHECK-DAG: memref.global "private" constant @[[$W:.*]] : memref<32xi8> = dense<[1, 3, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]>
// CHECK-LABEL: func.func @gemm_packed
// CHECK-DAG: memref.get_global @[[$W]]
// CHECK-DAG: memref.get_global @[[$BIAS]]
// CHECK: arith.extsi {{.*}} : vector<2xi8> to vector<2xi16>
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT: pmadd.wd
// Two channels exist, two are stored.
// CHECK: vector.store {{.*}} : memref<2xi32>, vector<2xi32>
// CHECK-NOT: vector.store
// CHECK: return
func.func @gemm_packed(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 64 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @conv_padded
// CHECK: memref.view {{.*}} : memref<192xi8> to memref<96xi16>
// Rows of the input into the panel; those outside are the code of zero.
// CHECK: scf.for
// CHECK: arith.cmpi ult
// CHECK: scf.if
// CHECK: arith.extsi {{.*}} : vector<{{[0-9]+}}xi8> to vector<{{[0-9]+}}xi16>
// CHECK: } else {
// CHECK: vector.store {{.*}}xi16>
// The sums of four positions stay in registers.
// CHECK: scf.for {{.*}} -> (vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<8xi32>)
// CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"({{.*}}) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
// CHECK-NOT: vector<{{[0-9]+}}x{{[0-9]+}}x
// CHECK: return
func.func @conv_padded(%x: memref<1x4x4x2xi8>, %y: memref<1x4x4x8xi32>, %s: memref<192xi8>) {
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 192 : i64, tile = array<i64: 4, 1>}
      : (memref<1x4x4x2xi8>, memref<1x4x4x8xi32>, memref<192xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x2xi8>):
    %w = qc.constant dense<3> : tensor<8x2x3x3xi8>
    %b = qc.constant dense<7> : tensor<8xi32>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x2xi8> -> tensor<1x2x4x4xi8>
    %c = qc.conv %t, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = -5,
                             acc_bound = 6919 : ui64} : (tensor<1x2x4x4xi8>, tensor<8x2x3x3xi8>, tensor<8xi32>) -> tensor<1x8x4x4xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x8x4x4xi32> -> tensor<1x4x4x8xi32>
    qc.yield %l : tensor<1x4x4x8xi32>
  }
  return
}

// -----

// Activations by one shuffle of 32 bytes into the order in which no pair saturates; codes + 128; pairs of pairs in 32 bits.
// CHECK-LABEL: func.func @gemm_permuted
// CHECK: scf.for
// CHECK: %[[MOVED:.*]] = llvm.call_intrinsic "llvm.x86.{{(avx2.pshuf.b|ssse3.pshuf.b.128)}}"
// CHECK: vector.store
// CHECK: %[[PAIRS:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[PAIRS]],
// CHECK: return
func.func @gemm_permuted(%x: memref<8x32xi8>, %y: memref<8x16xi32>, %s: memref<448xi8>) {
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddubsw", permuted, scratch_bytes = 448 : i64, tile = array<i64: 4, 2>} : (memref<8x32xi8>, memref<8x16xi32>, memref<448xi8>) -> () {
  ^bb0(%a: tensor<8x32xi8>):
    %w = qc.constant dense<"0x64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C"> : tensor<32x16xi8>
    %c = qc.matmul %a, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x16xi8>) -> tensor<8x16xi32>
    qc.yield %c : tensor<8x16xi32>
  }
  return
}

// -----

// Several positions read each weight: it is widened here, not in every step. The codes of two positions fill a register: they are packed together and stored apart; the third position is packed by itself.
// CHECK: memref.global "private" constant {{.*}} : memref<32xi16> = dense<3>
// CHECK-LABEL: func.func @codes_of_two_positions
// CHECK-COUNT-1: llvm.call_intrinsic "llvm.x86.avx2.packsswb"
// CHECK-COUNT-2: vector.store {{.*}} vector<16xi8>
// CHECK: llvm.call_intrinsic "llvm.x86.sse2.packsswb.128"
// CHECK: vector.store {{.*}} vector<16xi8>
// CHECK-NOT: vector.store
// CHECK: return
func.func @codes_of_two_positions(%x: memref<3x2xi8>, %y: memref<3x16xi8>, %s: memref<64xi8>) {
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 64 : i64, tile = array<i64: 3, 2>} : (memref<3x2xi8>, memref<3x16xi8>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<3x2xi8>):
    %w = qc.constant dense<3> : tensor<2x16xi8>
    %r = qc.matmul %a, %w {acc_bound = 768 : ui64} : (tensor<3x2xi8>, tensor<2x16xi8>) -> tensor<3x16xi32>
    %q = qc.requantize %r {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582913>, shifts = array<i32: 26>, zero_point = 3,
                           code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<3x16xi32>) -> tensor<3x16xi8>
    qc.yield %q : tensor<3x16xi8>
  }
  return
}

// -----

// Signs, magnitudes and a mark for each two steps, and the sum of the magnitudes of negative activations, which all channels begin with.
// Weights are complemented where activations are negative; 256 is the most that four magnitudes may add up to.
// CHECK-LABEL: func.func @marked
// CHECK-DAG: %[[MOST:.*]] = arith.constant dense<256> : vector<16xi16>
// CHECK: arith.cmpi slt, {{.*}} : vector<32xi8>
// CHECK: math.absi
// CHECK: arith.cmpi sgt, %{{.*}}, %[[MOST]]
// CHECK: %[[SUM:.*]] = vector.reduction <add>
// CHECK: memref.store %[[SUM]]
// CHECK: scf.if
// CHECK-COUNT-2: arith.xori {{.*}} : vector<32xi8>
// CHECK: arith.addi {{.*}} : vector<16xi16>
// CHECK: } else {
// CHECK-COUNT-2: arith.xori {{.*}} : vector<32xi8>
// CHECK-NOT: arith.addi {{.*}} : vector<16xi16>
// CHECK: return
func.func @marked(%x: memref<1x32xi8>, %y: memref<1x8xi32>, %s: memref<256xi8>) {
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpxor.2", scratch_bytes = 256 : i64, tile = array<i64: 1, 1>} : (memref<1x32xi8>, memref<1x8xi32>, memref<256xi8>) -> () {
  ^bb0(%a: tensor<1x32xi8>):
    %w = qc.constant dense<-128> : tensor<32x8xi8>
    %c = qc.matmul %a, %w {acc_bound = 524288 : ui64, qc.centered} : (tensor<1x32xi8>, tensor<32x8xi8>) -> tensor<1x8xi32>
    qc.yield %c : tensor<1x8xi32>
  }
  return
}
