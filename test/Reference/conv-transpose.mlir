// Transposed convolutions by hand.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

!x = !quant.uniform<i8:f32, 1.0:10>
!w = !quant.uniform<i8<-127:127>:f32:1, {0.5, 0.25}>
!y = !quant.uniform<i8:f32, 1.0>

// 1 reaches 0..1, 2 reaches 2..3; one more zero behind; the bias is everywhere.
// CHECK: conv_transpose_stride_output_padding: tensor<1x1x5xf32> [101, 110, 102, 120, 100]
func.func @conv_transpose_stride_output_padding() -> tensor<1x1x5xf32> {
  %x = qc.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %w = qc.constant dense<[[[1.0, 10.0]]]> : tensor<1x1x2xf32>
  %b = qc.constant dense<[100.0]> : tensor<1xf32>
  %y = qc.conv_transpose %x, %w, %b {strides = array<i64: 2>, pads = array<i64: 0, 0>, output_padding = array<i64: 1>, dilations = array<i64: 1>, groups = 1}
    : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1xf32>) -> tensor<1x1x5xf32>
  return %y : tensor<1x1x5xf32>
}

// Overlap 1*10 + 2*1; the pad removes the first element; taps two apart put 10 behind.
// CHECK: conv_transpose_pads: tensor<1x1x2xf32> [12, 20]
func.func @conv_transpose_pads() -> tensor<1x1x2xf32> {
  %x = qc.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %w = qc.constant dense<[[[1.0, 10.0]]]> : tensor<1x1x2xf32>
  %y = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1}
    : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}

// CHECK: conv_transpose_groups: tensor<1x4x1xf32> [1, 2, 30, 40]
func.func @conv_transpose_groups() -> tensor<1x4x1xf32> {
  %x = qc.constant dense<[[[1.0], [10.0]]]> : tensor<1x2x1xf32>
  %w = qc.constant dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32>
  %y = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 2}
    : (tensor<1x2x1xf32>, tensor<2x2x1xf32>) -> tensor<1x4x1xf32>
  return %y : tensor<1x4x1xf32>
}

// Centred inputs 3, 5; channel 0: halves of 3*3 = 4.5 to even 4, gap 0, 7.5 to even 8; channel 1: quarters of 2*3 = 1.5 to even 2, 0, 2.5 to even 2.
// CHECK: conv_transpose_quantized: {{.*}} [4, 0, 8, 2, 0, 2]
func.func @conv_transpose_quantized() -> tensor<1x2x3x!y> {
  %x = qc.constant dense<[[[13, 15]]]> : tensor<1x1x2xi8> -> tensor<1x1x2x!x>
  %w = qc.constant dense<[[[3], [2]]]> : tensor<1x2x1xi8> -> tensor<1x2x1x!w>
  %y = qc.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1}
    : (tensor<1x1x2x!x>, tensor<1x2x1x!w>) -> tensor<1x2x3x!y>
  return %y : tensor<1x2x3x!y>
}

// CHECK: conv_transpose_integer: tensor<1x2x3xi32> [9, 0, 15, 6, 0, 10]
func.func @conv_transpose_integer() -> tensor<1x2x3xi32> {
  %x = qc.constant dense<[[[13, 15]]]> : tensor<1x1x2xi8>
  %w = qc.constant dense<[[[3], [2]]]> : tensor<1x2x1xi8>
  %y = qc.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1,
    input_zero_point = 10, acc_bound = 414 : ui64} : (tensor<1x1x2xi8>, tensor<1x2x1xi8>) -> tensor<1x2x3xi32>
  return %y : tensor<1x2x3xi32>
}
