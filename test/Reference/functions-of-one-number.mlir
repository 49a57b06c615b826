// Regions of one number in f32 and on codes, and straight pieces on codes.
// RUN: qopt %s -qc-interpret -o /dev/null | FileCheck %s
// The float lowering gives the same values.
// RUN: qopt %s -qc-inline-functions -qc-interpret -o /dev/null | FileCheck %s

!x = !quant.uniform<i8:f32, 0.0625>
!y = !quant.uniform<i8:f32, 0.015625>

// sigmoid(1) = 0.7310586; -2 * sigmoid(-2) = -0.23840584.
// CHECK: silu_f32: tensor<2xf32> [0.7310586, -0.23840584]
func.func @silu_f32() -> tensor<2xf32> {
  %x = qc.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %y = qc.function "silu" %x : tensor<2xf32> -> tensor<2xf32> {
  ^bb0(%a: tensor<f32>):
    %s = qc.activation sigmoid %a : tensor<f32> -> tensor<f32>
    %p = qc.mul %a, %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
    qc.yield %p : tensor<f32>
  }
  return %y : tensor<2xf32>
}

// 64 * 0.7310586 = 46.79, 64 * -0.23840584 = -15.26: one rounding.
// CHECK: silu_codes: tensor<2x!quant.uniform<i8:f32, 1.562500e-02>> [47, -15]
func.func @silu_codes() -> tensor<2x!y> {
  %x = qc.constant dense<[16, -32]> : tensor<2xi8> -> tensor<2x!x>
  %y = qc.function "silu" %x : tensor<2x!x> -> tensor<2x!y> {
  ^bb0(%a: tensor<f32>):
    %s = qc.activation sigmoid %a : tensor<f32> -> tensor<f32>
    %p = qc.mul %a, %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
    qc.yield %p : tensor<f32>
  }
  return %y : tensor<2x!y>
}

// 4^1.5 = 8 is code 16 + 3; (-1)^1.5 is no number: the zero point. 1 / 4^2 = 0.0625 rounds to 0.
!h = !quant.uniform<i8:f32, 0.5:3>
// CHECK: pow_codes: tensor<2x!quant.uniform<i8:f32, 5.000000e-01:3>> [19, 3]
func.func @pow_codes() -> tensor<2x!h> {
  %x = qc.constant dense<[64, -16]> : tensor<2xi8> -> tensor<2x!x>
  %y = qc.function "pow" %x : tensor<2x!x> -> tensor<2x!h> {
  ^bb0(%a: tensor<f32>):
    %c = qc.constant dense<1.5> : tensor<f32>
    %p = qc.binary pow %a, %c : (tensor<f32>, tensor<f32>) -> tensor<f32>
    qc.yield %p : tensor<f32>
  }
  return %y : tensor<2x!h>
}

// Every op that a region may hold: min(max((8 - x) / 2 + x * 3, -1), 20) with a limit at 10: at 2 it is 9, at 4 it is 10 and at -4 it is -1.
// CHECK: every_op: tensor<3xf32> [9, 10, -1]
func.func @every_op() -> tensor<3xf32> {
  %x = qc.constant dense<[2.0, 4.0, -4.0]> : tensor<3xf32>
  %y = qc.function "every_op" %x : tensor<3xf32> -> tensor<3xf32> {
  ^bb0(%a: tensor<f32>):
    %eight = qc.constant dense<8.0> : tensor<f32>
    %two = qc.constant dense<2.0> : tensor<f32>
    %three = qc.constant dense<3.0> : tensor<f32>
    %low = qc.constant dense<-1.0> : tensor<f32>
    %high = qc.constant dense<20.0> : tensor<f32>
    %0 = qc.sub %eight, %a : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %1 = qc.div %0, %two : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %2 = qc.mul %a, %three : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %3 = qc.add %1, %2 {clamp_max = 10.0 : f32} : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %4 = qc.binary max %3, %low : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %5 = qc.binary min %4, %high : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %6 = qc.clamp %5 {clamp_min = -3.0 : f32} : tensor<f32> -> tensor<f32>
    qc.yield %6 : tensor<f32>
  }
  return %y : tensor<3xf32>
}

// On quantized types pieces work on the codes.
// CHECK: pwl_codes: tensor<2x!quant.uniform<i8:f32, 1.562500e-02>> [-64, 12]
func.func @pwl_codes() -> tensor<2x!y> {
  %x = qc.constant dense<[-128, 12]> : tensor<2xi8> -> tensor<2x!x>
  %y = qc.pwl %x {knots = array<i32: 0>, slopes = array<i32: 1, 2>, intercepts = array<i32: 0, 0>, shift = 1, code_min = -128,
                  code_max = 127, max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2x!x> -> tensor<2x!y>
  return %y : tensor<2x!y>
}

// So do tables.
// CHECK: lut_codes: tensor<2x!quant.uniform<i8:f32, 1.562500e-02>> [7, -9]
func.func @lut_codes() -> tensor<2x!y> {
  %x = qc.constant dense<[-2, 1]> : tensor<2xi2> -> tensor<2x!quant.uniform<i2:f32, 1.0>>
  %t = qc.constant dense<[7, 0, 1, -9]> : tensor<4xi8>
  %y = qc.lut %x, %t : (tensor<2x!quant.uniform<i2:f32, 1.0>>, tensor<4xi8>) -> tensor<2x!y>
  return %y : tensor<2x!y>
}
