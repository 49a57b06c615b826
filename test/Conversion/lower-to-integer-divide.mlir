// Quotients and comparisons of codes in integers.
// RUN: qopt %s --qc-lower-to-integer | FileCheck %s
// RUN: qopt %s --qc-lower-to-integer=requant=tflite-single | FileCheck %s --check-prefix=UP

// 0.5 / (0.25 * 0.75) = 8/3, 24 bits of which are 11184811 * 2^-22; the upper limit 1.0 is code -2.
!x = !quant.uniform<i8:f32, 0.5:3>
!y = !quant.uniform<u8:f32, 0.25>
!z = !quant.uniform<i8:f32, 0.75:-3>
// CHECK-LABEL: @divide
// CHECK: qc.divide_codes %arg0, %arg1 {code_max = -2 : i64, code_min = -128 : i64, lhs_zero_point = 3 : i64, multiplier = 11184811 : i64, rhs_zero_point = 0 : i64, shift = 22 : i64, zero_point = -3 : i64} : (tensor<4xi8>, tensor<ui8>) -> tensor<4xi8>
// UP-LABEL: @divide
// UP: half_up
func.func @divide(%x: tensor<4x!x>, %y: tensor<!y>) -> tensor<4x!z> {
  %0 = qc.div %x, %y {clamp_max = 1.0 : f32} : (tensor<4x!x>, tensor<!y>) -> tensor<4x!z>
  return %0 : tensor<4x!z>
}

// CHECK-LABEL: @compare
// CHECK: %[[T:.*]] = qc.constant dense<4> : tensor<i8>
// CHECK: qc.compare less_equal %arg0, %[[T]] : (tensor<4xi8>, tensor<i8>) -> tensor<4xi1>
func.func @compare(%x: tensor<4x!x>) -> tensor<4xi1> {
  %t = qc.constant dense<4> : tensor<i8> -> tensor<!x>
  %0 = qc.compare less_equal %x, %t : (tensor<4x!x>, tensor<!x>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}
