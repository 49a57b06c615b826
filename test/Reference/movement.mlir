// Ops that move values: floats and integers as they are, codes as they are or, into another type, rounded once.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

!x = !quant.uniform<i8:f32, 0.5:10>
!y = !quant.uniform<i8:f32, 1.0>

// CHECK: concat_float: tensor<1x3xf32> [1, 2, 3]
func.func @concat_float() -> tensor<1x3xf32> {
  %a = qc.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %b = qc.constant dense<[[3.0]]> : tensor<1x1xf32>
  %y = qc.concat %a, %b {axis = 1} : (tensor<1x2xf32>, tensor<1x1xf32>) -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}
// 11 is 0.5, to even 0; 13 is 1.5, to even 2; the other operand's codes stay.
// CHECK: concat_rescale: {{.*}} [0, 2, 77]
func.func @concat_rescale() -> tensor<3x!y> {
  %a = qc.constant dense<[11, 13]> : tensor<2xi8> -> tensor<2x!x>
  %b = qc.constant dense<[77]> : tensor<1xi8> -> tensor<1x!y>
  %y = qc.concat %a, %b {axis = 0} : (tensor<2x!x>, tensor<1x!y>) -> tensor<3x!y>
  return %y : tensor<3x!y>
}
// CHECK: concat_middle_axis: tensor<2x2x1xi64> [1, 3, 2, 4]
func.func @concat_middle_axis() -> tensor<2x2x1xi64> {
  %a = qc.constant dense<[[[1]], [[2]]]> : tensor<2x1x1xi64>
  %b = qc.constant dense<[[[3]], [[4]]]> : tensor<2x1x1xi64>
  %y = qc.concat %a, %b {axis = 1} : (tensor<2x1x1xi64>, tensor<2x1x1xi64>) -> tensor<2x2x1xi64>
  return %y : tensor<2x2x1xi64>
}
// CHECK: slice_steps: tensor<2xf32> [2, 5]
func.func @slice_steps() -> tensor<2xf32> {
  %x = qc.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>
  %y = qc.slice %x {starts = array<i64: 1>, sizes = array<i64: 2>, steps = array<i64: 3>} : tensor<5xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}
// CHECK: slice_negative_steps: tensor<1x3xi8> [6, 5, 4]
func.func @slice_negative_steps() -> tensor<1x3xi8> {
  %x = qc.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %y = qc.slice %x {starts = array<i64: 1, 2>, sizes = array<i64: 1, 3>, steps = array<i64: 1, -1>} : tensor<2x3xi8> -> tensor<1x3xi8>
  return %y : tensor<1x3xi8>
}
// CHECK: pad_constant_float: tensor<4xf32> [7.5, 1, 2, 7.5]
func.func @pad_constant_float() -> tensor<4xf32> {
  %x = qc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = qc.pad %x {low = array<i64: 1>, high = array<i64: 1>, value = 7.5 : f32} : tensor<2xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}
// The code of -2.0 is 6, that of 1000 is the largest.
// CHECK: pad_constant_quantized: {{.*}} [1, 2, 6]
func.func @pad_constant_quantized() -> tensor<3x!x> {
  %x = qc.constant dense<[1, 2]> : tensor<2xi8> -> tensor<2x!x>
  %y = qc.pad %x {low = array<i64: 0>, high = array<i64: 1>, value = -2.0 : f32} : tensor<2x!x> -> tensor<3x!x>
  return %y : tensor<3x!x>
}
// CHECK: pad_constant_saturates: {{.*}} [127, 1, 2]
func.func @pad_constant_saturates() -> tensor<3x!x> {
  %x = qc.constant dense<[1, 2]> : tensor<2xi8> -> tensor<2x!x>
  %y = qc.pad %x {low = array<i64: 1>, high = array<i64: 0>, value = 1.0e3 : f32} : tensor<2x!x> -> tensor<3x!x>
  return %y : tensor<3x!x>
}
// CHECK: pad_constant_integer: tensor<3xi8> [1, 2, -9]
func.func @pad_constant_integer() -> tensor<3xi8> {
  %x = qc.constant dense<[1, 2]> : tensor<2xi8>
  %y = qc.pad %x {low = array<i64: 0>, high = array<i64: 1>, pad_value = -9} : tensor<2xi8> -> tensor<3xi8>
  return %y : tensor<3xi8>
}
// CHECK: pad_edge: tensor<2x5xi8> [1, 1, 2, 3, 3, 1, 1, 2, 3, 3]
func.func @pad_edge() -> tensor<2x5xi8> {
  %x = qc.constant dense<[[1, 2, 3]]> : tensor<1x3xi8>
  %y = qc.pad %x {low = array<i64: 1, 1>, high = array<i64: 0, 1>, mode = #qc<pad_mode edge>} : tensor<1x3xi8> -> tensor<2x5xi8>
  return %y : tensor<2x5xi8>
}
// CHECK: pad_reflect: tensor<6xi8> [3, 2, 1, 2, 3, 2]
func.func @pad_reflect() -> tensor<6xi8> {
  %x = qc.constant dense<[1, 2, 3]> : tensor<3xi8>
  %y = qc.pad %x {low = array<i64: 2>, high = array<i64: 1>, mode = #qc<pad_mode reflect>} : tensor<3xi8> -> tensor<6xi8>
  return %y : tensor<6xi8>
}
// CHECK: reshape_quantized_per_axis: {{.*}} [1, 2, 3, 4]
func.func @reshape_quantized_per_axis() -> tensor<2x2x1x!quant.uniform<i8:f32:0, {0.5, 0.25}>> {
  %x = qc.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8> -> tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %y = qc.reshape %x : tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>> -> tensor<2x2x1x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  return %y : tensor<2x2x1x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
}
// CHECK: transpose_3d: tensor<3x1x2xi8> [1, 4, 2, 5, 3, 6]
func.func @transpose_3d() -> tensor<3x1x2xi8> {
  %x = qc.constant dense<[[[1, 2, 3], [4, 5, 6]]]> : tensor<1x2x3xi8>
  %y = qc.transpose %x {permutation = array<i64: 2, 0, 1>} : tensor<1x2x3xi8> -> tensor<3x1x2xi8>
  return %y : tensor<3x1x2xi8>
}
// CHECK: gather_repeats: tensor<2x3xf32> [2, 2, 1, 4, 4, 3]
func.func @gather_repeats() -> tensor<2x3xf32> {
  %x = qc.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %y = qc.gather %x {indices = array<i64: 1, 1, 0>, axis = 1} : tensor<2x2xf32> -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
// CHECK: observe_is_identity: tensor<1xf32> [1.5]
func.func @observe_is_identity() -> tensor<1xf32> {
  %x = qc.constant dense<[1.5]> : tensor<1xf32>
  %y = qc.observe %x {id = "x", code = i8, min = -1.0 : f64, max = 1.0 : f64} : tensor<1xf32>
  return %y : tensor<1xf32>
}
// The same bits, read as signed.
// CHECK: storage_cast: tensor<2xi8> [-56, 5]
func.func @storage_cast() -> tensor<2xi8> {
  %x = qc.constant dense<[200, 5]> : tensor<2xui8> -> tensor<2x!quant.uniform<u8:f32, 0.5>>
  %y = quant.scast %x : tensor<2x!quant.uniform<u8:f32, 0.5>> to tensor<2xi8>
  return %y : tensor<2xi8>
}
