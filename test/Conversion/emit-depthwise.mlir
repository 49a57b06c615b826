// Depthwise convolutions: each row of the input is widened and interleaved once, into a ring; steps read units and weights straight through.
// RUN: qopt %s -split-input-file "-qc-emit-kernels=isa=avx2" -canonicalize | FileCheck %s --check-prefixes=AVX2
// RUN: qopt %s -split-input-file "-qc-form-kernels=isa=avx2" | FileCheck %s --check-prefixes=FORM
// RUN: qopt %s -split-input-file "-qc-form-kernels=isa=dotprod" | FileCheck %s --check-prefixes=SDOT

// A kernel of 3x3 on 16 channels: pairs of columns, two phases of the weights, rows of the panel modulo 3.
// AVX2-LABEL: func.func @depthwise_pairs
// AVX2: memref.get_global {{.*}} : memref<384xi16>
// AVX2: memref.get_global {{.*}} : memref<32xi32>
// AVX2: %[[PANEL:.*]] = memref.view
// One row into the ring: the first unit holds a padded column, then two columns a unit.
// AVX2: scf.for
// AVX2: arith.remui
// AVX2: arith.cmpi ult
// AVX2: scf.if
// AVX2: vector.shuffle %{{.*}}, %{{.*}} [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23] : vector<16xi8>, vector<16xi8>
// AVX2: %[[WIDE:.*]] = arith.extsi %{{.*}} : vector<16xi8> to vector<16xi16>
// AVX2: vector.store %[[WIDE]], %[[PANEL]]
// AVX2: } else {
// Padding is the code of zero.
// AVX2: vector.store %{{.*}}, %[[PANEL]]
// Two outputs: 2 vectors x 3 rows x 2 units x 2 phases.
// AVX2: scf.for
// AVX2-COUNT-24: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// AVX2-NOT: pmadd.wd
// AVX2: return
func.func @depthwise_pairs(%x: memref<1x8x8x16xi8>, %y: memref<1x8x8x16xi32>, %s: memref<960xi8>) {
  qc.kernel "depthwise"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 960 : i64, tile = array<i64: 2, 2>}
      : (memref<1x8x8x16xi8>, memref<1x8x8x16xi32>, memref<960xi8>) -> () {
  ^bb0(%a: tensor<1x8x8x16xi8>):
    %w = qc.constant dense<3> : tensor<16x1x3x3xi8>
    %b = qc.constant dense<7> : tensor<16xi32>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x16xi8> -> tensor<1x16x8x8xi8>
    %c = qc.conv %t, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 16, pad_value = -5,
                             acc_bound = 3463 : ui64} : (tensor<1x16x8x8xi8>, tensor<16x1x3x3xi8>, tensor<16xi32>) -> tensor<1x16x8x8xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x16x8x8xi32> -> tensor<1x8x8x16xi32>
    qc.yield %l : tensor<1x8x8x16xi32>
  }
  return
}

// -----

// Dilated taps are no neighbours: plain products. Nothing is padded: no panel.
// FORM-LABEL: func.func @depthwise_dilated
// FORM: qc.kernel "depthwise"(%{{.*}}) {dot = "scalar", tile = array<i64: 4, 1>}
// SDOT-LABEL: func.func @depthwise_dilated
// SDOT: qc.kernel "depthwise"(%{{.*}}) {dot = "aarch64.smlal", tile = array<i64: 4, 2>}
func.func @depthwise_dilated(%x: tensor<1x8x8x8xi8>) -> tensor<1x4x4x8xi32> {
  %w = qc.constant dense<3> : tensor<8x1x3x3xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x8xi8> -> tensor<1x8x8x8xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 2, 2>, groups = 8,
                       acc_bound = 3456 : ui64} : (tensor<1x8x8x8xi8>, tensor<8x1x3x3xi8>) -> tensor<1x8x4x4xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x8x4x4xi32> -> tensor<1x4x4x8xi32>
  return %l : tensor<1x4x4x8xi32>
}

// -----

// Taps along the first dimension alone: that one is the row. 24 channels: a full group and half a one, 15 units
// of 16 channels of 4 bytes for either. Four columns in a unit need one unit less.
// FORM-LABEL: func.func @depthwise_column
// SDOT-LABEL: func.func @depthwise_column
// SDOT: qc.kernel "depthwise"(%{{.*}}) {dot = "aarch64.sdot", scratch_bytes = 896 : i64, tile = array<i64: 4, 4>}
// FORM: qc.kernel "depthwise"(%{{.*}}) {dot = "x86.vpmaddwd", scratch_bytes = 960 : i64, tile = array<i64: 2, 2>}
func.func @depthwise_column(%x: tensor<1x30x1x24xi8>) -> tensor<1x28x1x24xi32> {
  %w = qc.constant dense<3> : tensor<24x1x3x1xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x30x1x24xi8> -> tensor<1x24x30x1xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 24,
                       acc_bound = 1152 : ui64} : (tensor<1x24x30x1xi8>, tensor<24x1x3x1xi8>) -> tensor<1x24x28x1xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x24x28x1xi32> -> tensor<1x28x1x24xi32>
  return %l : tensor<1x28x1x24xi32>
}

// -----

// A few outputs per input channel are neighbouring lanes; many are a grouped convolution.
// SDOT-LABEL: func.func @depthwise_multiplier
// SDOT: qc.kernel "depthwise"
// SDOT-LABEL: func.func @no_depthwise_multiplier
// SDOT-NOT: "depthwise"
// SDOT: return
// FORM-LABEL: func.func @depthwise_multiplier
// FORM: qc.kernel "depthwise"(%{{.*}}) {dot = "scalar", tile = array<i64: 4, 2>}
// FORM-LABEL: func.func @no_depthwise_multiplier
// FORM-NOT: "depthwise"
// FORM: return
func.func @depthwise_multiplier(%x: tensor<1x4x4x8xi8>) -> tensor<1x4x4x16xi32> {
  %w = qc.constant dense<3> : tensor<16x1x1x1xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xi8> -> tensor<1x8x4x4xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 8,
                       acc_bound = 384 : ui64} : (tensor<1x8x4x4xi8>, tensor<16x1x1x1xi8>) -> tensor<1x16x4x4xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x16x4x4xi32> -> tensor<1x4x4x16xi32>
  return %l : tensor<1x4x4x16xi32>
}
func.func @no_depthwise_multiplier(%x: tensor<1x4x4x8xi8>) -> tensor<1x4x4x72xi32> {
  %w = qc.constant dense<3> : tensor<72x1x1x1xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xi8> -> tensor<1x8x4x4xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 8,
                       acc_bound = 384 : ui64} : (tensor<1x8x4x4xi8>, tensor<72x1x1x1xi8>) -> tensor<1x72x4x4xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x72x4x4xi32> -> tensor<1x4x4x72xi32>
  return %l : tensor<1x4x4x72xi32>
}

// -----

// Three outputs per channel: five channels, three times each, are 15 of 16 lanes.
// AVX2-LABEL: func.func @multiplier
// AVX2: scf.for
// AVX2: %[[X:.*]] = vector.load {{.*}} : memref<640xi8>, vector<5xi8>
// AVX2: vector.shuffle %[[X]], %[[X]] [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4]
// The last lane is not stored.
// AVX2: vector.store {{.*}} : memref<1920xi32>, vector<8xi32>
// AVX2: vector.store {{.*}} : memref<1920xi32>, vector<4xi32>
// AVX2: vector.store {{.*}} : memref<1920xi32>, vector<2xi32>
// AVX2: vector.store {{.*}} : memref<1920xi32>, vector<1xi32>
// AVX2: return
func.func @multiplier(%x: memref<1x8x8x10xi8>, %y: memref<1x8x8x30xi32>, %s: memref<1920xi8>) {
  qc.kernel "depthwise"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 1920 : i64, tile = array<i64: 2, 2>}
      : (memref<1x8x8x10xi8>, memref<1x8x8x30xi32>, memref<1920xi8>) -> () {
  ^bb0(%a: tensor<1x8x8x10xi8>):
    %w = qc.constant dense<3> : tensor<30x1x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x10xi8> -> tensor<1x10x8x8xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 10, pad_value = -5,
                         acc_bound = 3456 : ui64} : (tensor<1x10x8x8xi8>, tensor<30x1x3x3xi8>) -> tensor<1x30x8x8xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x30x8x8xi32> -> tensor<1x8x8x30xi32>
    qc.yield %l : tensor<1x8x8x30xi32>
  }
  return
}
