// Matrix products by hand.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

!a = !quant.uniform<i8:f32, 0.5:1>
!w = !quant.uniform<i8<-127:127>:f32:1, {0.5, 0.25}>
!u = !quant.uniform<u8:f32, 0.25:100>
!y = !quant.uniform<i8:f32, 0.25>

// CHECK: matmul_bias: tensor<1x2xf32> [17, 50]
func.func @matmul_bias() -> tensor<1x2xf32> {
  %a = qc.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %b = qc.constant dense<[[1.0, 10.0], [3.0, 20.0]]> : tensor<2x2xf32>
  %c = qc.constant dense<[10.0, 0.0]> : tensor<2xf32>
  %y = qc.matmul %a, %b, %c : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// One left matrix against two right ones.
// CHECK: matmul_broadcast_batches: tensor<2x1x1xf32> [5, 11]
func.func @matmul_broadcast_batches() -> tensor<2x1x1xf32> {
  %a = qc.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %b = qc.constant dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32>
  %y = qc.matmul %a, %b : (tensor<1x1x2xf32>, tensor<2x2x1xf32>) -> tensor<2x1x1xf32>
  return %y : tensor<2x1x1xf32>
}

// Centred 2, 4. Column 0, multiplier 1: 2*3 + 4*1 = 10; column 1, multiplier 1/2: (2*1 + 4*(-2))/2 = -3.
// CHECK: matmul_quantized_weights: {{.*}} [10, -3]
func.func @matmul_quantized_weights() -> tensor<1x2x!y> {
  %a = qc.constant dense<[[3, 5]]> : tensor<1x2xi8> -> tensor<1x2x!a>
  %w = qc.constant dense<[[3, 1], [1, -2]]> : tensor<2x2xi8> -> tensor<2x2x!w>
  %y = qc.matmul %a, %w : (tensor<1x2x!a>, tensor<2x2x!w>) -> tensor<1x2x!y>
  return %y : tensor<1x2x!y>
}

// Two activations, both with zero points: (2*3 + 4*(-100)) * 0.5*0.25/0.25 = -197, saturated.
// CHECK: matmul_quantized_activations: {{.*}} [-128, 11]
func.func @matmul_quantized_activations() -> tensor<1x2x!y> {
  %a = qc.constant dense<[[3, 5]]> : tensor<1x2xi8> -> tensor<1x2x!a>
  %b = qc.constant dense<[[103, 101], [0, 105]]> : tensor<2x2xui8> -> tensor<2x2x!u>
  %y = qc.matmul %a, %b : (tensor<1x2x!a>, tensor<2x2x!u>) -> tensor<1x2x!y>
  return %y : tensor<1x2x!y>
}

// CHECK: matmul_integer: tensor<1x2xi32> [-394, 22]
func.func @matmul_integer() -> tensor<1x2xi32> {
  %a = qc.constant dense<[[3, 5]]> : tensor<1x2xi8>
  %b = qc.constant dense<[[103, 101], [0, 105]]> : tensor<2x2xui8>
  %y = qc.matmul %a, %b {lhs_zero_point = 1, rhs_zero_point = 100, acc_bound = 39990 : ui64} : (tensor<1x2xi8>, tensor<2x2xui8>) -> tensor<1x2xi32>
  return %y : tensor<1x2xi32>
}
