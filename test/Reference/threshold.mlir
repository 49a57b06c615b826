// qc.threshold on f32, on codes and on accumulators: the same codes before and after the integer lowering.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s
// RUN: qopt -qc-lower-to-integer -qc-interpret %s -o /dev/null | FileCheck %s
// RUN: qopt -qc-lower-to-integer %s | FileCheck %s --check-prefix=INTEGER --implicit-check-not=qc.threshold

!t = !quant.uniform<i2<-1:1>:f32, 1.0>
!x = !quant.uniform<i8:f32, 0.5:10>
!a = !quant.uniform<i32:f32, 0.25>

// x >= 0, with both zeros and the smallest negative number.
// CHECK: sign: {{.*}} [-1, -1, 1, 1, 1]
// INTEGER-LABEL: @sign
// INTEGER: qc.sub
// INTEGER: qc.quantize
func.func @sign() -> tensor<5x!t> {
  %x = qc.constant dense<[-3.0, -1.0e-45, -0.0, 0.0, 1.0e-45]> : tensor<5xf32>
  %z = qc.constant dense<0.0> : tensor<1xf32>
  %y = qc.threshold %x, %z {base = -1 : i64, step = 2 : i64} : (tensor<5xf32>, tensor<1xf32>) -> tensor<5x!t>
  return %y : tensor<5x!t>
}

// Codes: 0.5*(c - 10) >= -0.3 from 10 on, >= 0.5 from 11 on; a threshold that is a code's value is reached.
// CHECK: codes: {{.*}} [-1, -1, 0, 1, 1]
// INTEGER-LABEL: @codes
// INTEGER: qc.lut
func.func @codes() -> tensor<5x!t> {
  %x = qc.constant dense<[-128, 9, 10, 11, 127]> : tensor<5xi8> -> tensor<5x!x>
  %z = qc.constant dense<[-0.3, 0.5]> : tensor<2xf32>
  %y = qc.threshold %x, %z {base = -1 : i64, step = 1 : i64} : (tensor<5x!x>, tensor<2xf32>) -> tensor<5x!t>
  return %y : tensor<5x!t>
}

// Accumulators: a row of thresholds per channel, between sums and on them; infinities are reached by all or by none.
// CHECK: sums: {{.*}} [-1, 0, 1, -1, 0, 0, 0, 0, 0]
// INTEGER-LABEL: @sums
// INTEGER-COUNT-3: qc.requantize
func.func @sums() -> tensor<3x3x!t> {
  %x = qc.constant dense<[[-5, -4, 7], [-2147483647, 0, 2147483646], [-1, 0, 1]]> : tensor<3x3xi32> -> tensor<3x3x!a>
  %z = qc.constant dense<[[-1.0, 1.75], [-0.1, 0x7F800000], [0xFF800000, 0x7F800000]]> : tensor<3x2xf32>
  %y = qc.threshold %x, %z {axis = 0 : i64, base = -1 : i64, step = 1 : i64} : (tensor<3x3x!a>, tensor<3x2xf32>) -> tensor<3x3x!t>
  return %y : tensor<3x3x!t>
}

// One threshold is one requantization, which a contraction's kernel takes in.
// CHECK: sum_sign: {{.*}} [-1, 1, 1]
// INTEGER-LABEL: @sum_sign
// INTEGER-COUNT-1: qc.requantize
func.func @sum_sign() -> tensor<3x!t> {
  %x = qc.constant dense<[-3, -2, 2000000000]> : tensor<3xi32> -> tensor<3x!a>
  %z = qc.constant dense<-0.6> : tensor<1xf32>
  %y = qc.threshold %x, %z {base = -1 : i64, step = 2 : i64} : (tensor<3x!a>, tensor<1xf32>) -> tensor<3x!t>
  return %y : tensor<3x!t>
}
