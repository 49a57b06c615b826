// @main becomes @run on codes and @run_f32 around it; what stays in float is listed with its reason.
// RUN: split-file %s %t
// RUN: qopt -qc-split-boundary %t/all.mlir | FileCheck %s
// RUN: qopt -qc-split-boundary=drop-softmax %t/all.mlir | FileCheck %s --check-prefix=LOGITS
// RUN: qopt -qc-split-boundary=f32 %t/float.mlir | FileCheck %s --check-prefix=F32
// RUN: qopt -qc-split-boundary %t/fallback.mlir | FileCheck %s --check-prefix=FALLBACK
// RUN: not qopt -qc-split-boundary=integer-only %t/fallback.mlir 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: not qopt -qc-split-boundary %t/nomain.mlir 2>&1 | FileCheck %s --check-prefix=NOMAIN

//--- all.mlir
// CHECK-LABEL: func @run(
// CHECK-SAME: tensor<1x4xi8> {qc.code_max = 127 : i64, qc.code_min = -128 : i64, qc.name = "x", qc.scale = 5.000000e-01 : f32, qc.zero_point = 10 : i64}
// CHECK-SAME: -> (tensor<1x4xi8> {qc.name = "y", qc.scale = 2.500000e-01 : f32, qc.zero_point = -3 : i64})
// CHECK-SAME: qc.float_ops = []
// CHECK-NOT: f32>
// CHECK: return
// CHECK-LABEL: func @run_f32(
// CHECK-SAME: %[[X:.*]]: tensor<1x4xf32> {qc.name = "x"}) -> (tensor<1x4xf32> {qc.name = "y"})
// CHECK: %[[Q:.*]] = qc.quantize %[[X]]
// CHECK: %[[C:.*]] = call @run(%[[Q]]) : (tensor<1x4xi8>) -> tensor<1x4xi8>
// CHECK: %[[D:.*]] = qc.dequantize %[[C]]
// CHECK: %[[S:.*]] = qc.softmax %[[D]]
// CHECK: return %[[S]]
// LOGITS-LABEL: func @run_f32(
// LOGITS-NOT: qc.softmax
// LOGITS: return
func.func @main(%x: tensor<1x4xf32> {qc.name = "x"}) -> (tensor<1x4xf32> {qc.name = "y"}) attributes {qc.requant = "onnx"} {
  %q = qc.quantize %x {scale = 0.5 : f32, zero_point = 10 : i64, code_min = -128 : i64, code_max = 127 : i64} : tensor<1x4xf32> -> tensor<1x4xi8>
  %r = qc.requantize %q {input_zero_points = array<i64: 10>, multipliers = array<i32: 8388608>, shifts = array<i32: 22>, zero_point = -3,
       code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x4xi8>) -> tensor<1x4xi8>
  %d = qc.dequantize %r {scale = 0.25 : f32, zero_point = -3 : i64} : tensor<1x4xi8> -> tensor<1x4xf32>
  %s = qc.softmax %d {axis = 1} : tensor<1x4xf32> -> tensor<1x4xf32>
  return %s : tensor<1x4xf32>
}

//--- float.mlir
// F32-NOT: func @run(
// F32: func @run_f32(
// F32: qc.clamp
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = qc.clamp %x {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

//--- fallback.mlir
// FALLBACK-LABEL: func @run(
// FALLBACK-SAME: qc.float_ops = [{name = "sm", op = "softmax", reason = "its operands or result have no quantized type"}]
// FALLBACK: qc.softmax
// REFUSED: error: {{.*}}'softmax' stays in float, which -integer-only forbids: its operands or result have no quantized type
func.func @main(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %q = qc.quantize %x {scale = 0.5 : f32, zero_point = 10 : i64, code_min = -128 : i64, code_max = 127 : i64} : tensor<1x4xf32> -> tensor<1x4xi8>
  %d = qc.dequantize %q {scale = 0.5 : f32, zero_point = 10 : i64} : tensor<1x4xi8> -> tensor<1x4xf32>
  %s = qc.softmax %d {axis = 1} : tensor<1x4xf32> -> tensor<1x4xf32> loc("sm")
  %p = qc.quantize %s {scale = 0.00390625 : f32, zero_point = -128 : i64, code_min = -128 : i64, code_max = 127 : i64} : tensor<1x4xf32> -> tensor<1x4xi8>
  %m = qc.reduce max %p {axes = array<i64: 1>, keep_dims} : tensor<1x4xi8> -> tensor<1x1xi8>
  %b = qc.gather %m {indices = array<i64: 0, 0, 0, 0>, axis = 1} : tensor<1x1xi8> -> tensor<1x4xi8>
  %e = qc.dequantize %b {scale = 0.00390625 : f32, zero_point = -128 : i64} : tensor<1x4xi8> -> tensor<1x4xf32>
  return %e : tensor<1x4xf32>
}

//--- nomain.mlir
// NOMAIN: error: needs a function @main with one block
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
