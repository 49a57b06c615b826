// Convolutions by hand: each attribute in f32, then the quantized and the integer domain on the same numbers.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

!x = !quant.uniform<i8:f32, 0.5:10>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25}>
!b = !quant.uniform<i32:f32:0, {0.25, 0.125}>
!y = !quant.uniform<i8:f32, 0.25:-3>

// 10 + 1*1 + 2*2, 10 + 2*1 + 3*2
// CHECK: conv_1d: tensor<1x1x2xf32> [15, 18]
func.func @conv_1d() -> tensor<1x1x2xf32> {
  %x = qc.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %w = qc.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %b = qc.constant dense<[10.0]> : tensor<1xf32>
  %y = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
    : (tensor<1x1x3xf32>, tensor<1x1x2xf32>, tensor<1xf32>) -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}

// Two elements in front, none behind; the limits cut 1*2 = 2 and 2*1 + 3*2 = 8.
// CHECK: conv_asymmetric_pads_clamp: tensor<1x1x4xf32> [3, 3, 5, 6]
func.func @conv_asymmetric_pads_clamp() -> tensor<1x1x4xf32> {
  %x = qc.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %w = qc.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 0>, dilations = array<i64: 1>, groups = 1, clamp_min = 3.0 : f32, clamp_max = 6.0 : f32}
    : (tensor<1x1x3xf32>, tensor<1x1x2xf32>) -> tensor<1x1x4xf32>
  return %y : tensor<1x1x4xf32>
}

// Windows at 0 and 2 of taps two apart: 1*1 + 3*10, 3*1 + 5*10.
// CHECK: conv_stride_dilation: tensor<1x1x2xf32> [31, 53]
func.func @conv_stride_dilation() -> tensor<1x1x2xf32> {
  %x = qc.constant dense<[[[1.0, 2.0, 3.0, 4.0, 5.0]]]> : tensor<1x1x5xf32>
  %w = qc.constant dense<[[[1.0, 10.0]]]> : tensor<1x1x2xf32>
  %y = qc.conv %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 2>, groups = 1}
    : (tensor<1x1x5xf32>, tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}

// Each output channel sees its own input channel.
// CHECK: conv_depthwise: tensor<1x2x1x2xf32> [10, 20, 300, 400]
func.func @conv_depthwise() -> tensor<1x2x1x2xf32> {
  %x = qc.constant dense<[[[[1.0, 2.0]], [[3.0, 4.0]]]]> : tensor<1x2x1x2xf32>
  %w = qc.constant dense<[[[[10.0]]], [[[100.0]]]]> : tensor<2x1x1x1xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2}
    : (tensor<1x2x1x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x1x2xf32>
  return %y : tensor<1x2x1x2xf32>
}

// CHECK: conv_3d: tensor<1x1x1x1x1xf32> [36]
func.func @conv_3d() -> tensor<1x1x1x1x1xf32> {
  %x = qc.constant dense<[[[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]]]> : tensor<1x1x2x2x2xf32>
  %w = qc.constant dense<1.0> : tensor<1x1x2x2x2xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1, 1, 1>, pads = array<i64: 0, 0, 0, 0, 0, 0>, dilations = array<i64: 1, 1, 1>, groups = 1}
    : (tensor<1x1x2x2x2xf32>, tensor<1x1x2x2x2xf32>) -> tensor<1x1x1x1x1xf32>
  return %y : tensor<1x1x1x1x1xf32>
}

// Centred inputs 1, 2, 3 in halves. Channel 0: 7 + 1*4, 7 + 2*4, ... in quarters of the result's 0.25: multiplier 1. Channel 1 has multiplier 1/2:
// (-5 + 3*1)/2 = -1, (-5 + 6)/2 = 0.5 to even 0, (-5 + 9)/2 = 2. Then zero point -3.
// CHECK: conv_quantized: {{.*}} [8, 12, 16, -4, -3, -1]
func.func @conv_quantized() -> tensor<1x2x3x!y> {
  %x = qc.constant dense<[[[11, 12, 13]]]> : tensor<1x1x3xi8> -> tensor<1x1x3x!x>
  %w = qc.constant dense<[[[4]], [[3]]]> : tensor<2x1x1xi8> -> tensor<2x1x1x!w>
  %b = qc.constant dense<[7, -5]> : tensor<2xi32> -> tensor<2x!b>
  %y = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
    : (tensor<1x1x3x!x>, tensor<2x1x1x!w>, tensor<2x!b>) -> tensor<1x2x3x!y>
  return %y : tensor<1x2x3x!y>
}

// The same with padding, which is a real zero, and limits 0 and 2, which are the codes -3 and 5.
// CHECK: conv_quantized_pads_clamp: {{.*}} [4, 5, 5, 5, 4, -3, -3, -3, -1, -3]
func.func @conv_quantized_pads_clamp() -> tensor<1x2x5x!y> {
  %x = qc.constant dense<[[[11, 12, 13]]]> : tensor<1x1x3xi8> -> tensor<1x1x3x!x>
  %w = qc.constant dense<[[[4]], [[3]]]> : tensor<2x1x1xi8> -> tensor<2x1x1x!w>
  %b = qc.constant dense<[7, -5]> : tensor<2xi32> -> tensor<2x!b>
  %y = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1, clamp_min = 0.0 : f32, clamp_max = 2.0 : f32}
    : (tensor<1x1x3x!x>, tensor<2x1x1x!w>, tensor<2x!b>) -> tensor<1x2x5x!y>
  return %y : tensor<1x2x5x!y>
}

// Integers: raw codes, padding with the code 10, the bias 7 - 10*4 and -5 - 10*3.
// CHECK: conv_integer: tensor<1x2x5xi32> [7, 11, 15, 19, 7, -5, -2, 1, 4, -5]
func.func @conv_integer() -> tensor<1x2x5xi32> {
  %x = qc.constant dense<[[[11, 12, 13]]]> : tensor<1x1x3xi8>
  %w = qc.constant dense<[[[4]], [[3]]]> : tensor<2x1x1xi8>
  %b = qc.constant dense<[-33, -35]> : tensor<2xi32>
  %y = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1, pad_value = 10, acc_bound = 545 : ui64}
    : (tensor<1x1x3xi8>, tensor<2x1x1xi8>, tensor<2xi32>) -> tensor<1x2x5xi32>
  return %y : tensor<1x2x5xi32>
}

// Unsigned activations, 16-bit weights, a 64-bit accumulator.
// CHECK: conv_integer_wide: tensor<1x1x1xi64> [8355585]
func.func @conv_integer_wide() -> tensor<1x1x1xi64> {
  %x = qc.constant dense<[[[255]]]> : tensor<1x1x1xui8>
  %w = qc.constant dense<[[[32767]]]> : tensor<1x1x1xi16>
  %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, acc_bound = 8355585 : ui64}
    : (tensor<1x1x1xui8>, tensor<1x1x1xi16>) -> tensor<1x1x1xi64>
  return %y : tensor<1x1x1xi64>
}
