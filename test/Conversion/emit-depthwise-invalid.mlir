// A depthwise kernel whose attributes contradict its region is refused.
// RUN: qopt %s -split-input-file -verify-diagnostics "-qc-emit-kernels=isa=avx2"

func.func @no_depthwise_scratch(%x: memref<1x8x8x16xi8>, %y: memref<1x8x8x16xi32>, %s: memref<1024xi8>) {
  // expected-error @below {{has 1024 bytes of scratch, needs 960}}
  qc.kernel "depthwise"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 1024 : i64, tile = array<i64: 2, 2>}
      : (memref<1x8x8x16xi8>, memref<1x8x8x16xi32>, memref<1024xi8>) -> () {
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

func.func @no_depthwise_odd_tile(%x: memref<1x8x8x16xi8>, %y: memref<1x8x8x16xi32>, %s: memref<960xi8>) {
  // expected-error @below {{has a tile of 3 columns, units begin at every second one}}
  qc.kernel "depthwise"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 960 : i64, tile = array<i64: 3, 2>}
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

func.func @no_depthwise_dot(%x: memref<1x8x8x16xi8>, %y: memref<1x8x8x16xi32>, %s: memref<960xi8>) {
  // expected-error @below {{needs one input channel per output channel, a known dot kernel and a tile of two numbers whose lanes hold all outputs of a channel}}
  qc.kernel "depthwise"(%x) outs(%y, %s) {dot = "x86.unknown", scratch_bytes = 960 : i64, tile = array<i64: 2, 2>}
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

func.func @no_depthwise_tile_narrow(%x: memref<1x8x8x2xi8>, %y: memref<1x8x8x24xi32>, %s: memref<960xi8>) {
  // expected-error @below {{a tile of two numbers whose lanes hold all outputs of a channel}}
  qc.kernel "depthwise"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 960 : i64, tile = array<i64: 2, 1>}
      : (memref<1x8x8x2xi8>, memref<1x8x8x24xi32>, memref<960xi8>) -> () {
  ^bb0(%a: tensor<1x8x8x2xi8>):
    %w = qc.constant dense<3> : tensor<24x1x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x2xi8> -> tensor<1x2x8x8xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2, pad_value = -5,
                         acc_bound = 3456 : ui64} : (tensor<1x2x8x8xi8>, tensor<24x1x3x3xi8>) -> tensor<1x24x8x8xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x24x8x8xi32> -> tensor<1x8x8x24xi32>
    qc.yield %l : tensor<1x8x8x24xi32>
  }
  return
}
