// qc.requantize beyond its rounding (numerics.mlir, requantize-contracts.test), and qc.lut.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

// Halves and quarters per channel of axis 1; (5-1)/2, (9-1)/2; (5-1)/4, (9-1)/4.
// CHECK: requantize_per_channel: tensor<1x2x2xi8> [7, 9, 6, 7]
func.func @requantize_per_channel() -> tensor<1x2x2xi8> {
  %x = qc.constant dense<[[[5, 9], [5, 9]]]> : tensor<1x2x2xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 1>, multipliers = array<i32: 8388608, 8388608>, shifts = array<i32: 24, 25>, axis = 1,
    zero_point = 5, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x2x2xi32>) -> tensor<1x2x2xi8>
  return %y : tensor<1x2x2xi8>
}
// CHECK: requantize_limits_u8: tensor<4xui8> [10, 10, 100, 200]
func.func @requantize_limits_u8() -> tensor<4xui8> {
  %x = qc.constant dense<[-2000000000, 0, 100, 2000000000]> : tensor<4xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608>, shifts = array<i32: 23>, zero_point = 0,
    code_min = 10, code_max = 200, rounding = #qc<rounding onnx>} : (tensor<4xi32>) -> tensor<4xui8>
  return %y : tensor<4xui8>
}
// CHECK: requantize_shift_62: tensor<2xi16> [0, 1]
func.func @requantize_shift_62() -> tensor<2xi16> {
  %x = qc.constant dense<[1073741824, 1073741825]> : tensor<2xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 2147483647>, shifts = array<i32: 62>, zero_point = 0,
    code_min = -32768, code_max = 32767, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi16>
  return %y : tensor<2xi16>
}
// (6-1)*1 - (4-2)/2 = 4 and, broadcast, (8-1)*1 - 1 = 6.
// CHECK: requantize_two_inputs: tensor<2xi4> [4, 6]
func.func @requantize_two_inputs() -> tensor<2xi4> {
  %a = qc.constant dense<[6, 8]> : tensor<2xi8>
  %b = qc.constant dense<[4]> : tensor<1xui8>
  %y = qc.requantize %a, %b {input_zero_points = array<i64: 1, 2>, multipliers = array<i32: 8388608, -4194304>, shifts = array<i32: 23>, zero_point = 0,
    code_min = -8, code_max = 7, rounding = #qc<rounding onnx>} : (tensor<2xi8>, tensor<1xui8>) -> tensor<2xi4>
  return %y : tensor<2xi4>
}
// 1/2 + 1/4 + 1/4 + 1/2 is rounded once, the tie 3/2 + 0 by the contract.
// CHECK: requantize_sum_to_even: tensor<2xi8> [2, 2]
func.func @requantize_sum_to_even() -> tensor<2xi8> {
  %a = qc.constant dense<[3, 5]> : tensor<2xi8>
  %b = qc.constant dense<[0, 0]> : tensor<2xi8>
  %y = qc.requantize %a, %b {input_zero_points = array<i64: 0, 0>, multipliers = array<i32: 1, 1>, shifts = array<i32: 1>, zero_point = 0,
    code_min = -128, code_max = 127, rounding = #qc<rounding ort>} : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return %y : tensor<2xi8>
}
// CHECK: requantize_sum_half_up: tensor<2xi8> [2, 3]
func.func @requantize_sum_half_up() -> tensor<2xi8> {
  %a = qc.constant dense<[3, 5]> : tensor<2xi8>
  %b = qc.constant dense<[0, 0]> : tensor<2xi8>
  %y = qc.requantize %a, %b {input_zero_points = array<i64: 0, 0>, multipliers = array<i32: 1, 1>, shifts = array<i32: 1>, zero_point = 0,
    code_min = -128, code_max = 127, rounding = #qc<rounding tflite_double>} : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// Entry 0 belongs to the lowest code.
// CHECK: lut_signed: tensor<3xi8> [10, 12, 13]
func.func @lut_signed() -> tensor<3xi8> {
  %x = qc.constant dense<[-2, 0, 1]> : tensor<3xi2>
  %t = qc.constant dense<[10, 11, 12, 13]> : tensor<4xi8>
  %y = qc.lut %x, %t : (tensor<3xi2>, tensor<4xi8>) -> tensor<3xi8>
  return %y : tensor<3xi8>
}
// CHECK: lut_unsigned: tensor<2xui8> [10, 213]
func.func @lut_unsigned() -> tensor<2xui8> {
  %x = qc.constant dense<[0, 3]> : tensor<2xui2>
  %t = qc.constant dense<[10, 11, 12, 213]> : tensor<4xui8>
  %y = qc.lut %x, %t : (tensor<2xui2>, tensor<4xui8>) -> tensor<2xui8>
  return %y : tensor<2xui8>
}
// CHECK: lut_per_channel: tensor<2x2xi8> [10, 13, 20, 23]
func.func @lut_per_channel() -> tensor<2x2xi8> {
  %x = qc.constant dense<[[-2, 1], [-2, 1]]> : tensor<2x2xi2>
  %t = qc.constant dense<[[10, 11, 12, 13], [20, 21, 22, 23]]> : tensor<2x4xi8>
  %y = qc.lut %x, %t {axis = 0} : (tensor<2x2xi2>, tensor<2x4xi8>) -> tensor<2x2xi8>
  return %y : tensor<2x2xi8>
}
