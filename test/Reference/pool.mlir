// Pooling and reductions by hand in their three domains.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

!x = !quant.uniform<i8:f32, 0.5:10>
!y = !quant.uniform<i8:f32, 1.0:-1>

// Padding never wins, even over negative numbers.
// CHECK: pool_max_pads: tensor<1x1x3xf32> [-1, -1, -2]
func.func @pool_max_pads() -> tensor<1x1x3xf32> {
  %x = qc.constant dense<[[[-1.0, -2.0]]]> : tensor<1x1x2xf32>
  %y = qc.pool max %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>} : tensor<1x1x2xf32> -> tensor<1x1x3xf32>
  return %y : tensor<1x1x3xf32>
}
// CHECK: pool_max_stride_dilation: tensor<1x1x2xf32> [3, 7]
func.func @pool_max_stride_dilation() -> tensor<1x1x2xf32> {
  %x = qc.constant dense<[[[1.0, 9.0, 3.0, 2.0, 7.0]]]> : tensor<1x1x5xf32>
  %y = qc.pool max %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 2>} : tensor<1x1x5xf32> -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}
// CHECK: pool_average: tensor<1x1x3xf32> [1, 1.5, 2]
func.func @pool_average() -> tensor<1x1x3xf32> {
  %x = qc.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %y = qc.pool average %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>} : tensor<1x1x2xf32> -> tensor<1x1x3xf32>
  return %y : tensor<1x1x3xf32>
}
// CHECK: pool_average_count_include_pad: tensor<1x1x3xf32> [0.5, 1.5, 1]
func.func @pool_average_count_include_pad() -> tensor<1x1x3xf32> {
  %x = qc.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %y = qc.pool average %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, count_include_pad} : tensor<1x1x2xf32> -> tensor<1x1x3xf32>
  return %y : tensor<1x1x3xf32>
}
// CHECK: pool_max_quantized: {{.*}} [12, 14]
func.func @pool_max_quantized() -> tensor<1x1x2x!x> {
  %x = qc.constant dense<[[[11, 12, 13, 14]]]> : tensor<1x1x4xi8> -> tensor<1x1x4x!x>
  %y = qc.pool max %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x1x4x!x> -> tensor<1x1x2x!x>
  return %y : tensor<1x1x2x!x>
}
// Into another type: 12 is 1.0, 14 is 2.0.
// CHECK: pool_max_quantized_rescale: {{.*}} [0, 1]
func.func @pool_max_quantized_rescale() -> tensor<1x1x2x!y> {
  %x = qc.constant dense<[[[11, 12, 13, 14]]]> : tensor<1x1x4xi8> -> tensor<1x1x4x!x>
  %y = qc.pool max %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x1x4x!x> -> tensor<1x1x2x!y>
  return %y : tensor<1x1x2x!y>
}
// Real values 0.5, 1.0, 2.0: 0.5/1, 1.5/2, 3/2, 2/1 are 0.5 to even 0, 0.75 to 1, 1.5 to even 2, 2. Zero point -1.
// CHECK: pool_average_quantized: {{.*}} [-1, 0, 1, 1]
func.func @pool_average_quantized() -> tensor<1x1x4x!y> {
  %x = qc.constant dense<[[[11, 12, 14]]]> : tensor<1x1x3xi8> -> tensor<1x1x3x!x>
  %y = qc.pool average %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>} : tensor<1x1x3x!x> -> tensor<1x1x4x!y>
  return %y : tensor<1x1x4x!y>
}
// Padding contributes its code.
// CHECK: pool_sum_integer: tensor<1x1x4xi32> [21, 23, 26, 24]
func.func @pool_sum_integer() -> tensor<1x1x4xi32> {
  %x = qc.constant dense<[[[11, 12, 14]]]> : tensor<1x1x3xi8>
  %y = qc.pool sum %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, pad_value = 10, acc_bound = 256 : ui64}
    : tensor<1x1x3xi8> -> tensor<1x1x4xi32>
  return %y : tensor<1x1x4xi32>
}
// CHECK: pool_max_integer: tensor<1x1x1xui8> [200]
func.func @pool_max_integer() -> tensor<1x1x1xui8> {
  %x = qc.constant dense<[[[200, 100]]]> : tensor<1x1x2xui8>
  %y = qc.pool max %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x1x2xui8> -> tensor<1x1x1xui8>
  return %y : tensor<1x1x1xui8>
}

// CHECK: reduce_mean_keep_dims: tensor<2x1xf32> [2, 5]
func.func @reduce_mean_keep_dims() -> tensor<2x1xf32> {
  %x = qc.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %y = qc.reduce mean %x {axes = array<i64: 1>, keep_dims} : tensor<2x3xf32> -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}
// CHECK: reduce_sum_first_axis: tensor<3xf32> [5, 7, 9]
func.func @reduce_sum_first_axis() -> tensor<3xf32> {
  %x = qc.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %y = qc.reduce sum %x {axes = array<i64: 0>} : tensor<2x3xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}
// CHECK: reduce_max_all: tensor<f32> [6]
func.func @reduce_max_all() -> tensor<f32> {
  %x = qc.constant dense<[[1.0, 6.0, 3.0], [4.0, 5.0, 2.0]]> : tensor<2x3xf32>
  %y = qc.reduce max %x {axes = array<i64: 0, 1>} : tensor<2x3xf32> -> tensor<f32>
  return %y : tensor<f32>
}
// CHECK: reduce_min_outer_axes: tensor<2xf32> [1, 2]
func.func @reduce_min_outer_axes() -> tensor<2xf32> {
  %x = qc.constant dense<[[[5.0, 6.0], [3.0, 2.0]], [[1.0, 6.0], [4.0, 5.0]]]> : tensor<2x2x2xf32>
  %y = qc.reduce min %x {axes = array<i64: 0, 2>} : tensor<2x2x2xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}
// (0.5 + 1.0 + 2.0 + 0.5)/4 = 1; zero point -1.
// CHECK: reduce_mean_quantized: {{.*}} [0]
func.func @reduce_mean_quantized() -> tensor<1x!y> {
  %x = qc.constant dense<[[11, 12, 14, 11]]> : tensor<1x4xi8> -> tensor<1x4x!x>
  %y = qc.reduce mean %x {axes = array<i64: 1>} : tensor<1x4x!x> -> tensor<1x!y>
  return %y : tensor<1x!y>
}
// CHECK: reduce_sum_quantized: {{.*}} [3]
func.func @reduce_sum_quantized() -> tensor<1x!y> {
  %x = qc.constant dense<[[11, 12, 14, 11]]> : tensor<1x4xi8> -> tensor<1x4x!x>
  %y = qc.reduce sum %x {axes = array<i64: 1>} : tensor<1x4x!x> -> tensor<1x!y>
  return %y : tensor<1x!y>
}
// CHECK: reduce_min_quantized: {{.*}} [-7]
func.func @reduce_min_quantized() -> tensor<1x!x> {
  %x = qc.constant dense<[[11, -7, 14, 11]]> : tensor<1x4xi8> -> tensor<1x4x!x>
  %y = qc.reduce min %x {axes = array<i64: 1>} : tensor<1x4x!x> -> tensor<1x!x>
  return %y : tensor<1x!x>
}
// CHECK: reduce_sum_integer: tensor<1xi32> [48]
func.func @reduce_sum_integer() -> tensor<1xi32> {
  %x = qc.constant dense<[[11, 12, 14, 11]]> : tensor<1x4xi8>
  %y = qc.reduce sum %x {axes = array<i64: 1>, acc_bound = 512 : ui64} : tensor<1x4xi8> -> tensor<1xi32>
  return %y : tensor<1xi32>
}
