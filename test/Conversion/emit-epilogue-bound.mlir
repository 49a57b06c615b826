// The multiplier of emit-epilogue.mlir's @requantize_half_even behind a sum that stays below 2^9: no tie can occur, so there is no mask.
// RUN: qopt %s -qc-emit-kernels=isa=avx2 -canonicalize | FileCheck %s

// CHECK-LABEL: func.func @requantize_bounded
// CHECK-NOT: arith.cmpi eq
// CHECK: return
func.func @requantize_bounded(%x: memref<8x1xi8>, %y: memref<8x16xi8>, %s: memref<64xi8>) {
  qc.kernel "contract"(%x) outs(%y, %s) {dot = "x86.vpmaddwd", tile = array<i64: 4, 2>, scratch_bytes = 64 : i64}
      : (memref<8x1xi8>, memref<8x16xi8>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<8x1xi8>):
    %w = qc.constant dense<3> : tensor<1x16xi8>
    %m = qc.matmul %a, %w {acc_bound = 384 : ui64} : (tensor<8x1xi8>, tensor<1x16xi8>) -> tensor<8x16xi32>
    %q = qc.requantize %m {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 32>, zero_point = -3,
                           code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<8x16xi32>) -> tensor<8x16xi8>
    qc.yield %q : tensor<8x16xi8>
  }
  return
}
