// Each rounding contract in integer operations alone; per-channel numbers are tables, common ones constants.
// RUN: qopt %s --convert-qc-to-linalg --split-input-file | FileCheck %s

// Ties to even: (p + half - 1 + odd) >> s.
// CHECK-LABEL: func.func @requantize_onnx(
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x2x3xi32>, tensor<2x1xi32>, tensor<2x1xi32>)
// CHECK: %[[M:.*]] = arith.extsi %{{.*}} : i32 to i64
// CHECK: %[[S:.*]] = arith.extsi %{{.*}} : i32 to i64
// CHECK: %[[ACC:.*]] = arith.extsi %{{.*}} : i32 to i64
// CHECK: %[[P:.*]] = arith.muli %[[ACC]], %[[M]] : i64
// CHECK: %[[Q:.*]] = arith.shrsi %[[P]], %[[S]] : i64
// CHECK: %[[ODD:.*]] = arith.andi %[[Q]]
// CHECK: arith.addi %{{.*}}, %[[ODD]]
// CHECK: arith.shrsi %{{.*}}, %[[S]]
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: arith.trunci %{{.*}} : i64 to i8
func.func @requantize_onnx(%x: tensor<1x2x3xi32>) -> tensor<1x2x3xi8> {
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912, 8388609>, shifts = array<i32: 30, 31>, axis = 1 : i64,
                         zero_point = 3, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x2x3xi32>) -> tensor<1x2x3xi8>
  return %y : tensor<1x2x3xi8>
}

// -----

// A shift of zero rounds nothing.
// CHECK-LABEL: func.func @requantize_onnx_shift0(
// CHECK: arith.cmpi eq
// CHECK: arith.select
func.func @requantize_onnx_shift0(%x: tensor<2xi8>) -> tensor<2xi16> {
  %y = qc.requantize %x {input_zero_points = array<i64: 1>, multipliers = array<i32: 3, 5>, shifts = array<i32: 0, 2>, axis = 0 : i64,
                         zero_point = 0, code_min = -1000, code_max = 1000, rounding = #qc<rounding onnx>} : (tensor<2xi8>) -> tensor<2xi16>
  return %y : tensor<2xi16>
}

// -----

// Two roundings to 24 bits, at the position that comparisons find; no floating point, and no count of leading zeros, which some targets
// compute in floating point.
// CHECK-LABEL: func.func @requantize_ort(
// CHECK-NOT: {{sitofp|fptosi|mulf|ctlz}}
// CHECK: arith.cmpi sgt
// CHECK-NOT: {{sitofp|fptosi|mulf|ctlz}}
// CHECK: arith.muli
// CHECK-NOT: {{sitofp|fptosi|mulf|ctlz}}
// CHECK: arith.cmpi sgt
// CHECK-NOT: {{sitofp|fptosi|mulf|ctlz}}
// CHECK: return
func.func @requantize_ort(%x: tensor<4xi32>) -> tensor<4xi8> {
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 30>,
                         zero_point = 3, code_min = -128, code_max = 127, rounding = #qc<rounding ort>} : (tensor<4xi32>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

// Two shifts: half up by 31, then half away from zero.
// CHECK-LABEL: func.func @requantize_tflite_double(
// CHECK: arith.muli
// CHECK: arith.shrsi
// CHECK: arith.cmpi slt
// CHECK: arith.select
// CHECK: arith.shrsi
func.func @requantize_tflite_double(%x: tensor<4xi32>) -> tensor<4xi8> {
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 1610612736>, shifts = array<i32: 40>,
                         zero_point = 3, code_min = -128, code_max = 127, rounding = #qc<rounding tflite_double>} : (tensor<4xi32>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

// One shift, half up.
// CHECK-LABEL: func.func @requantize_tflite_single(
// CHECK: arith.muli
// CHECK: arith.addi
// CHECK: arith.shrsi
// CHECK-NOT: arith.shrsi
// CHECK: return
func.func @requantize_tflite_single(%x: tensor<4xi32>) -> tensor<4xi8> {
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 1610612736>, shifts = array<i32: 40>,
                         zero_point = 3, code_min = -128, code_max = 127, rounding = #qc<rounding tflite_single>} : (tensor<4xi32>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

// A residual sum: one exponent, one rounding; u8 is extended without sign, operands broadcast.
// CHECK-LABEL: func.func @requantize_sum(
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x3xi8>, tensor<3xi8>)
// CHECK: arith.extsi %{{.*}} : i8 to i64
// CHECK: arith.extui %{{.*}} : i8 to i64
// CHECK-COUNT-2: arith.shrsi
// CHECK-NOT: arith.shrsi
// CHECK: linalg.yield
func.func @requantize_sum(%a: tensor<2x3xi8>, %b: tensor<3xui8>) -> tensor<2x3xi8> {
  %y = qc.requantize %a, %b {input_zero_points = array<i64: 1, 2>, multipliers = array<i32: 8388608, 9000000>, shifts = array<i32: 24>,
                             zero_point = 3, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>}
     : (tensor<2x3xi8>, tensor<3xui8>) -> tensor<2x3xi8>
  return %y : tensor<2x3xi8>
}
