// A kernel of the form winograd whose attributes contradict its region or its target is refused.
// RUN: qopt %s -split-input-file -verify-diagnostics -qc-emit-kernels=isa=avx2

func.func @product(%x: memref<4x8xi8>, %y: memref<4x4xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{has no form of Winograd: it is no convolution of codes of 8 bits in two dimensions}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<4x8xi8>, memref<4x4xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<4x8xi8>):
    %w = qc.constant dense<3> : tensor<8x4xi8>
    %c = qc.matmul %a, %w {acc_bound = 3072 : ui64} : (tensor<4x8xi8>, tensor<8x4xi8>) -> tensor<4x4xi32>
    qc.yield %c : tensor<4x4xi32>
  }
  return
}

// -----

func.func @no_main_op(%x: memref<4x8xi8>, %y: memref<4x8xi8>, %s: memref<3264xi8>) {
  // expected-error @below {{is no convolution: there is no convolution and no product}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<4x8xi8>, memref<4x8xi8>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<4x8xi8>):
    qc.yield %a : tensor<4x8xi8>
  }
  return
}

// -----

func.func @filter_1x1(%x: memref<1x4x4x8xi8>, %y: memref<1x4x4x4xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{its kernel is not 3x3 of stride 1, without dilation and groups}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<1x4x4x8xi8>, memref<1x4x4x4xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x8xi8>):
    %w = qc.constant dense<3> : tensor<4x8x1x1xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xi8> -> tensor<1x8x4x4xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 3072 : ui64}
       : (tensor<1x8x4x4xi8>, tensor<4x8x1x1xi8>) -> tensor<1x4x4x4xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x4x4xi32> -> tensor<1x4x4x4xi32>
    qc.yield %l : tensor<1x4x4x4xi32>
  }
  return
}

// -----

func.func @stride_2(%x: memref<1x4x4x8xi8>, %y: memref<1x2x2x4xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{its kernel is not 3x3 of stride 1, without dilation and groups}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<1x4x4x8xi8>, memref<1x2x2x4xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x8xi8>):
    %w = qc.constant dense<3> : tensor<4x8x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xi8> -> tensor<1x8x4x4xi8>
    %c = qc.conv %t, %w {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 27648 : ui64}
       : (tensor<1x8x4x4xi8>, tensor<4x8x3x3xi8>) -> tensor<1x4x2x2xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x2x2xi32> -> tensor<1x2x2x4xi32>
    qc.yield %l : tensor<1x2x2x4xi32>
  }
  return
}

// -----

func.func @channels(%x: memref<1x4x4x12xi8>, %y: memref<1x4x4x4xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{its input channels are no multiple of 8}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<1x4x4x12xi8>, memref<1x4x4x4xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x12xi8>):
    %w = qc.constant dense<3> : tensor<4x12x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x12xi8> -> tensor<1x12x4x4xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 41472 : ui64}
       : (tensor<1x12x4x4xi8>, tensor<4x12x3x3xi8>) -> tensor<1x4x4x4xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x4x4xi32> -> tensor<1x4x4x4xi32>
    qc.yield %l : tensor<1x4x4x4xi32>
  }
  return
}

// -----

func.func @pairs(%x: memref<1x4x4x8xi8>, %y: memref<1x4x4x4xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{it takes the dot kernel that multiplies i16 with nothing to prove}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddubsw", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<1x4x4x8xi8>, memref<1x4x4x4xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x8xi8>):
    %w = qc.constant dense<3> : tensor<4x8x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xi8> -> tensor<1x8x4x4xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 27648 : ui64}
       : (tensor<1x8x4x4xi8>, tensor<4x8x3x3xi8>) -> tensor<1x4x4x4xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x4x4xi32> -> tensor<1x4x4x4xi32>
    qc.yield %l : tensor<1x4x4x4xi32>
  }
  return
}

// -----

func.func @unknown_dot(%x: memref<1x4x4x8xi8>, %y: memref<1x4x4x4xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{needs a known dot kernel and a tile of two or three numbers}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.fft", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<1x4x4x8xi8>, memref<1x4x4x4xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x8xi8>):
    %w = qc.constant dense<3> : tensor<4x8x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xi8> -> tensor<1x8x4x4xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 27648 : ui64}
       : (tensor<1x8x4x4xi8>, tensor<4x8x3x3xi8>) -> tensor<1x4x4x4xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x4x4xi32> -> tensor<1x4x4x4xi32>
    qc.yield %l : tensor<1x4x4x4xi32>
  }
  return
}

// -----

func.func @tile(%x: memref<1x4x4x8xi8>, %y: memref<1x4x4x4xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{needs a known dot kernel and a tile of two or three numbers}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 3264 : i64, tile = array<i64: 0, 1>} : (memref<1x4x4x8xi8>, memref<1x4x4x4xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x8xi8>):
    %w = qc.constant dense<3> : tensor<4x8x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xi8> -> tensor<1x8x4x4xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 27648 : ui64}
       : (tensor<1x8x4x4xi8>, tensor<4x8x3x3xi8>) -> tensor<1x4x4x4xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x4x4xi32> -> tensor<1x4x4x4xi32>
    qc.yield %l : tensor<1x4x4x4xi32>
  }
  return
}

// -----

func.func @scratch(%x: memref<1x40x4x8xi8>, %y: memref<1x40x4x4xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{has 3264 bytes of scratch, needs}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<1x40x4x8xi8>, memref<1x40x4x4xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<1x40x4x8xi8>):
    %w = qc.constant dense<3> : tensor<4x8x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x40x4x8xi8> -> tensor<1x8x40x4xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 27648 : ui64}
       : (tensor<1x8x40x4xi8>, tensor<4x8x3x3xi8>) -> tensor<1x4x40x4xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x40x4xi32> -> tensor<1x40x4x4xi32>
    qc.yield %l : tensor<1x40x4x4xi32>
  }
  return
}

// -----

func.func @large_sums(%x: memref<1x4x4x3648xi8>, %y: memref<1x4x4x1xi32>, %s: memref<3264xi8>) {
  // expected-error @below {{four times its sums can leave i32}}
  qc.kernel "winograd"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 3264 : i64, tile = array<i64: 4, 1>} : (memref<1x4x4x3648xi8>, memref<1x4x4x1xi32>, memref<3264xi8>) -> () {
  ^bb0(%a: tensor<1x4x4x3648xi8>):
    %w = qc.constant dense<-128> : tensor<1x3648x3x3xi8>
    %t = qc.transpose %a {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x3648xi8> -> tensor<1x3648x4x4xi8>
    %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 537919488 : ui64}
       : (tensor<1x3648x4x4xi8>, tensor<1x3648x3x3xi8>) -> tensor<1x1x4x4xi32>
    %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x1x4x4xi32> -> tensor<1x4x4x1xi32>
    qc.yield %l : tensor<1x4x4x1xi32>
  }
  return
}
