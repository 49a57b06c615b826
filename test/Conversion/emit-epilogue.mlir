// Which arithmetic requantizes on which instruction set: high halves of products and 16 bits, with a mask where ties can occur.
// RUN: qopt %s -split-input-file "-qc-emit-kernels=isa=avx2" -canonicalize | FileCheck %s --check-prefix=AVX2
// RUN: qopt %s -split-input-file "-qc-emit-kernels=isa=avx512vbmi" -canonicalize | FileCheck %s --check-prefix=AVX512
// RUN: qopt %s -split-input-file "-qc-emit-kernels=isa=dotprod" -canonicalize | FileCheck %s --check-prefix=NEON
// RUN: qopt %s -split-input-file "-qc-emit-kernels=isa=scalar" -canonicalize | FileCheck %s --check-prefix=SCALAR

// An odd mantissa cannot tie below 2^29: even and odd products, 16 bits, one rounding shift, 8 bits.
// AVX2-LABEL: func.func @requantize_half_up
// AVX2-NOT: arith.cmpi
// AVX2: arith.muli %{{.*}} : vector<4xi64>
// AVX2: arith.muli %{{.*}} : vector<4xi64>
// One shuffle joins upper halves in an order that the last one mends.
// AVX2: vector.shuffle {{.*}} [1, 3, 9, 11, 5, 7, 13, 15] : vector<8xi32>, vector<8xi32>
// AVX2-NOT: arith.cmpi
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.packssdw"
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmul.hr.sw"
// AVX2: llvm.call_intrinsic "llvm.sadd.sat"
// AVX2: llvm.call_intrinsic "llvm.x86.sse2.packsswb.128"
// AVX2-NOT: arith.maxsi
// AVX2: vector.shuffle {{.*}} [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15] : vector<16xi8>
// AVX2: return
// AVX512-LABEL: func.func @requantize_half_up
// AVX512: llvm.call_intrinsic "llvm.x86.avx512.packssdw.512"
// AVX512: llvm.call_intrinsic "llvm.x86.avx512.pmul.hr.sw.512"
// AVX512: llvm.call_intrinsic "llvm.x86.avx2.packsswb"
// AVX512: vector.shuffle {{.*}} [0, 4, 2, 6, 1, 5, 3, 7] : vector<8xi32>, vector<8xi32>
// AVX512: vector.store {{.*}} vector<32xi8>
// NEON-LABEL: func.func @requantize_half_up
// NEON: llvm.call_intrinsic "llvm.aarch64.neon.sqdmulh"
// NEON: llvm.call_intrinsic "llvm.aarch64.neon.sqxtn"
// NEON: llvm.call_intrinsic "llvm.aarch64.neon.srshl"
// NEON: llvm.call_intrinsic "llvm.sadd.sat"
// NEON: llvm.call_intrinsic "llvm.aarch64.neon.sqxtn"
// SCALAR-LABEL: func.func @requantize_half_up
// SCALAR: arith.muli %{{.*}} : vector<1xi64>
// SCALAR: arith.shrui %{{.*}} : vector<1xi64>
// SCALAR: arith.shrsi %{{.*}} : vector<1xi32>
// SCALAR: arith.minsi %{{.*}} : vector<1xi32>
// SCALAR-LABEL: func.func @requantize_half_even
func.func @requantize_half_up(%x: memref<64xi32>, %y: memref<64xi8>) {
  qc.kernel "pointwise"(%x) outs(%y) : (memref<64xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<64xi32>):
    %q = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582913>, shifts = array<i32: 33>, zero_point = -3,
                           code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<64xi32>) -> tensor<64xi8>
    qc.yield %q : tensor<64xi8>
  }
  return
}

// -----

// 1.5 * 2^-10: accumulators that are odd multiples of 2^9 are ties, whose codes become even.
// AVX2-LABEL: func.func @requantize_half_even
// AVX2-DAG: arith.constant dense<1023> : vector<8xi32>
// AVX2-DAG: arith.constant dense<512> : vector<8xi32>
// AVX2: arith.cmpi eq
// AVX2: arith.extsi %{{.*}} : vector<8xi1> to vector<8xi32>
// AVX2: arith.andi %{{.*}} : vector<16xi16>
// AVX2: return
func.func @requantize_half_even(%x: memref<64xi32>, %y: memref<64xi8>) {
  qc.kernel "pointwise"(%x) outs(%y) : (memref<64xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<64xi32>):
    %q = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 32>, zero_point = -3,
                           code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<64xi32>) -> tensor<64xi8>
    qc.yield %q : tensor<64xi8>
  }
  return
}

// -----

// A zero point at the lowest code: unsigned saturation and a flip of the topmost bit. Narrower limits are limits of bytes.
// AVX2-LABEL: func.func @requantize_relu
// AVX2-NOT: sadd.sat
// AVX2: llvm.call_intrinsic "llvm.x86.sse2.packuswb.128"
// AVX2: arith.xori %{{.*}} : vector<16xi8>
// AVX2: arith.minsi %{{.*}} : vector<16xi8>
// AVX2: return
func.func @requantize_relu(%x: memref<64xi32>, %y: memref<64xi8>) {
  qc.kernel "pointwise"(%x) outs(%y) : (memref<64xi32>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<64xi32>):
    %q = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582913>, shifts = array<i32: 33>, zero_point = -128,
                           code_min = -128, code_max = 100, rounding = #qc<rounding onnx>} : (tensor<64xi32>) -> tensor<64xi8>
    qc.yield %q : tensor<64xi8>
  }
  return
}

// -----

// Multipliers far apart, per channel: tables of multipliers (even and odd lanes) and of bits to drop.
// AVX2-LABEL: func.func @requantize_channels
// AVX2-COUNT-3: memref.get_global {{.*}} : memref<80xi32>
// AVX2: arith.shrsi %{{.*}} : vector<8xi32>
// AVX2: return
func.func @requantize_channels(%x: memref<4x16xi32>, %y: memref<4x16xi8>) {
  qc.kernel "pointwise"(%x) outs(%y) : (memref<4x16xi32>, memref<4x16xi8>) -> () {
  ^bb0(%a: tensor<4x16xi32>):
    %q = qc.requantize %a {input_zero_points = array<i64: 0>, axis = 1 : i64,
                           multipliers = array<i32: 12582913, 9000001, 9000003, 9000005, 9000007, 9000009, 9000011, 9000013, 9000015, 9000017, 9000019,
                                                    9000021, 9000023, 9000025, 9000027, 9000029>,
                           shifts = array<i32: 30, 41, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33>, zero_point = 0,
                           code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<4x16xi32>) -> tensor<4x16xi8>
    qc.yield %q : tensor<4x16xi8>
  }
  return
}

// -----

// A residual addition: mantissas in two parts, one multiplication of pairs each. No pair of codes ties.
// AVX2-LABEL: func.func @residual_pairs
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// AVX2-NOT: i64>
// AVX2-NOT: arith.cmpi eq
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmul.hr.sw"
// AVX2: return
// Each 128 bits of four packed vectors hold four codes of each: one permutation puts them in order.
// AVX512-LABEL: func.func @residual_pairs
// AVX512: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// AVX512: llvm.call_intrinsic "llvm.x86.avx512.packsswb.512"
// AVX512: vector.shuffle {{.*}} [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15] : vector<16xi32>, vector<16xi32>
// AVX512: vector.store {{.*}} vector<64xi8>
func.func @residual_pairs(%x: memref<64xi8>, %r: memref<64xi8>, %y: memref<64xi8>) {
  qc.kernel "pointwise"(%x, %r) outs(%y) : (memref<64xi8>, memref<64xi8>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<64xi8>, %b: tensor<64xi8>):
    %q = qc.requantize %a, %b {input_zero_points = array<i64: 3, -7>, multipliers = array<i32: 12582915, 9123451>, shifts = array<i32: 24>,
                               zero_point = 3, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>}
       : (tensor<64xi8>, tensor<64xi8>) -> tensor<64xi8>
    qc.yield %q : tensor<64xi8>
  }
  return
}

// -----

// Sixteen rows of sixteen entries, or four tables of 64, or two of 128.
// AVX2-LABEL: func.func @lut_rows
// AVX2-COUNT-16: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
// AVX512-LABEL: func.func @lut_rows
// AVX512-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.qi.512"
// AVX512: arith.select
// NEON-LABEL: func.func @lut_rows
// NEON: llvm.call_intrinsic "llvm.aarch64.neon.tbl4"
// NEON-COUNT-3: llvm.call_intrinsic "llvm.aarch64.neon.tbx4"
// SCALAR-LABEL: func.func @lut_rows
// SCALAR: memref.load
func.func @lut_rows(%x: memref<16xi8>, %y: memref<16xi8>) {
  qc.kernel "pointwise"(%x) outs(%y) : (memref<16xi8>, memref<16xi8>) -> () {
  ^bb0(%a: tensor<16xi8>):
    %t = qc.constant dense<7> : tensor<256xi8>
    %q = qc.lut %a, %t : (tensor<16xi8>, tensor<256xi8>) -> tensor<16xi8>
    qc.yield %q : tensor<16xi8>
  }
  return
}
