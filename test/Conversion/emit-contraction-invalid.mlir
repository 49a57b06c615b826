// A kernel whose attributes contradict its region, its target or the proof is refused.
// RUN: qopt %s -split-input-file -verify-diagnostics -qc-emit-kernels=isa=avx2
// RUN: not qopt %s -split-input-file -qc-emit-kernels=isa=z80 2>&1 | FileCheck %s
// CHECK: error: isa=z80: use one of avx512vbmi, avx512vnni, vnni, avx512bw, avx2,

func.func @no_form_unknown(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{has the unknown form 'contraction'}}
  qc.kernel "contraction"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 64 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_dot_unknown(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{needs a known dot kernel and a tile of two or three numbers}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.mul", scratch_bytes = 64 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_dot_missing(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{needs a known dot kernel and a tile of two or three numbers}}
  qc.kernel "contract"(%x) outs(%y, %s) {scratch_bytes = 64 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_tile_of_one_number(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{needs a known dot kernel and a tile of two or three numbers}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 64 : i64, tile = array<i64: 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_tile_of_zero(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{needs a known dot kernel and a tile of two or three numbers}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 64 : i64, tile = array<i64: 0, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_scratch(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<128xi8>) {
  // expected-error @below {{has 128 bytes of scratch, needs 64}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 128 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<128xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_other_isa(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{cannot use x86.vpdpbusd: it belongs to avx512vbmi, avx512vnni, vnni, not to avx2}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpdpbusd", scratch_bytes = 64 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_other_types(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{cannot use f32: it multiplies other element types}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "f32", scratch_bytes = 64 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_saturating_pair(%x: memref<8x32xi8>, %y: memref<8x16xi32>, %s: memref<448xi8>) {
  // expected-error @below {{cannot use x86.vpmaddubsw: a pair of its weights can saturate}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddubsw", scratch_bytes = 448 : i64, tile = array<i64: 4, 2>} : (memref<8x32xi8>, memref<8x16xi32>, memref<448xi8>) -> () {
  ^bb0(%a: tensor<8x32xi8>):
    %w = qc.constant dense<"0x64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C"> : tensor<32x16xi8>
    %c = qc.matmul %a, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x16xi8>) -> tensor<8x16xi32>
    qc.yield %c : tensor<8x16xi32>
  }
  return
}

// -----

func.func @no_contraction_order_not_needed(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{cannot use x86.vpmaddwd: only one group of pairs that need a proof has an order}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", permuted, scratch_bytes = 64 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_without_main(%x: memref<4xi8>, %y: memref<4xi8>) {
  // expected-error @below {{is no contraction: there is no convolution and no product}}
  qc.kernel "contract"(%x) outs(%y) : (memref<4xi8>, memref<4xi8>) -> () {
  ^bb0(%a: tensor<4xi8>):
    qc.yield %a : tensor<4xi8>
  }
  return
}

// -----

func.func @no_contraction_unknown_strides(%x: memref<1x3xi8, strided<[?, ?]>>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{has a buffer whose strides are not known}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 64 : i64, tile = array<i64: 1, 1>} : (memref<1x3xi8, strided<[?, ?]>>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_lanes_of_isa(%x: memref<1x3xi8>, %y: memref<1x2xi32>, %s: memref<64xi8>) {
  // expected-error @below {{4 lanes are no group of registers of avx2}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", scratch_bytes = 64 : i64, tile = array<i64: 1, 1, 4>} : (memref<1x3xi8>, memref<1x2xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x3xi8>):
    %w = qc.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %c = qc.matmul %a, %w, %b {acc_bound = 1556 : ui64} : (tensor<1x3xi8>, tensor<3x2xi8>, tensor<2xi32>) -> tensor<1x2xi32>
    qc.yield %c : tensor<1x2xi32>
  }
  return
}

// -----

func.func @no_contraction_codes_wide(%x: memref<1x32xi8>, %y: memref<1x32xi32>, %s: memref<64xi8>) {
  // expected-error @below {{cannot use x86.vpmaddubsw.codes: it takes weights of one tap whose codes have too few bits for a chain to leave i16, in whole groups of eight steps}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddubsw.codes", scratch_bytes = 64 : i64, tile = array<i64: 1, 4>, weight_bits = 4 : i64} : (memref<1x32xi8>, memref<1x32xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x32xi8>):
    %w = qc.constant dense<100> : tensor<32x32xi8>
    %c = qc.matmul %a, %w {acc_bound = 409600 : ui64} : (tensor<1x32xi8>, tensor<32x32xi8>) -> tensor<1x32xi32>
    qc.yield %c : tensor<1x32xi32>
  }
  return
}

// -----

func.func @no_contraction_codes_unpacked(%x: memref<1x32xi8>, %y: memref<1x32xi32>, %s: memref<64xi8>) {
  // expected-error @below {{needs weight_bits of at most 7 for x86.vpmaddubsw.codes}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddubsw.codes", scratch_bytes = 64 : i64, tile = array<i64: 1, 4>} : (memref<1x32xi8>, memref<1x32xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x32xi8>):
    %w = qc.constant dense<3> : tensor<32x32xi8>
    %c = qc.matmul %a, %w {acc_bound = 12288 : ui64} : (tensor<1x32xi8>, tensor<32x32xi8>) -> tensor<1x32xi32>
    qc.yield %c : tensor<1x32xi32>
  }
  return
}

// -----

func.func @no_contraction_groups(%x: memref<1x32xi8>, %y: memref<1x8xi32>, %s: memref<64xi8>) {
  // expected-error @below {{is no contraction: its weights have no factors in groups of 32}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddubsw.codes", scratch_bytes = 64 : i64, tile = array<i64: 1, 1>, weight_bits = 4 : i64, weight_group = 32 : i64} : (memref<1x32xi8>, memref<1x8xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x32xi8>):
    %w = qc.constant dense<3> : tensor<32x8xi8>
    %c = qc.matmul %a, %w {acc_bound = 12288 : ui64} : (tensor<1x32xi8>, tensor<32x8xi8>) -> tensor<1x8xi32>
    qc.yield %c : tensor<1x8xi32>
  }
  return
}

// -----

func.func @no_contraction_marks_short(%x: memref<1x24xi8>, %y: memref<1x32xi32>, %s: memref<64xi8>) {
  // expected-error @below {{cannot use x86.vpxor.2: its panel has marks for groups of 32 activations of one pixel}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpxor.2", scratch_bytes = 64 : i64, tile = array<i64: 1, 4>} : (memref<1x24xi8>, memref<1x32xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x24xi8>):
    %w = qc.constant dense<3> : tensor<24x32xi8>
    %c = qc.matmul %a, %w {acc_bound = 9216 : ui64, qc.centered} : (tensor<1x24xi8>, tensor<24x32xi8>) -> tensor<1x32xi32>
    qc.yield %c : tensor<1x32xi32>
  }
  return
}

// -----

func.func @no_contraction_sign_lowest(%x: memref<1x32xi8>, %y: memref<1x32xi32>, %s: memref<64xi8>) {
  // expected-error @below {{cannot use x86.vpsignb: it changes the signs of weights, which -128 does not survive}}
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpsignb", scratch_bytes = 64 : i64, tile = array<i64: 1, 4>} : (memref<1x32xi8>, memref<1x32xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<1x32xi8>):
    %w = qc.constant dense<-128> : tensor<32x32xi8>
    %c = qc.matmul %a, %w {acc_bound = 524288 : ui64, qc.centered} : (tensor<1x32xi8>, tensor<32x32xi8>) -> tensor<1x32xi32>
    qc.yield %c : tensor<1x32xi32>
  }
  return
}
