// Quantized ops become integer arithmetic: zero points in the bias, proven accumulators, one requantization each.
// RUN: qopt -qc-approximate-activations -qc-lower-to-integer %s | FileCheck %s
// RUN: qopt -qc-approximate-activations -qc-lower-to-integer=requant=tflite-double %s | FileCheck %s --check-prefix=TFLITE

!x = !quant.uniform<i8:f32, 0.5:10>
!y = !quant.uniform<i8:f32, 0.25:-3>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.5, 0.125}>
!b = !quant.uniform<i32:f32:0, {0.25, 0.0625}>

// The input's zero point 10 goes into the bias: 100 - 10*(1+2) and -7 - 10*(3-4). Bound: channel 1 has 7*128 + |3|; channel 0 3*128 + 70.
// CHECK-LABEL: func @conv_per_axis(
// CHECK-SAME: tensor<1x1x1x4xi8>
// CHECK-DAG: %[[W:.*]] = qc.constant dense<{{\[\[\[\[}}1, 2]]], {{\[\[\[}}3, -4]]]]> : tensor<2x1x1x2xi8>
// CHECK-DAG: %[[B:.*]] = qc.constant dense<[70, 3]> : tensor<2xi32>
// CHECK: %[[ACC:.*]] = qc.conv %{{.*}}, %[[W]], %[[B]] {acc_bound = 899 : ui64, {{.*}}pad_value = 10 : i64{{.*}}} : (tensor<1x1x1x4xi8>, tensor<2x1x1x2xi8>, tensor<2xi32>) -> tensor<1x2x1x4xi32>
// One multiplier per channel: 0.5*0.5/0.25 = 1 and 0.5*0.125/0.25 = 1/4, as 24-bit mantissas.
// CHECK: qc.requantize %[[ACC]] {axis = 1 : i64, code_max = 127 : i64, code_min = -3 : i64, input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608, 8388608>, rounding = #qc<rounding onnx>, shifts = array<i32: 23, 25>, zero_point = -3 : i64}
// TFLITE-LABEL: func @conv_per_axis(
// TFLITE: qc.requantize {{.*}}multipliers = array<i32: 1073741824, 1073741824>, rounding = #qc<rounding tflite_double>, shifts = array<i32: 30, 32>
func.func @conv_per_axis(%x: tensor<1x1x1x4x!x>) -> tensor<1x2x1x4x!y> {
  %w = qc.constant dense<[[[[1, 2]]], [[[3, -4]]]]> : tensor<2x1x1x2xi8> -> tensor<2x1x1x2x!w>
  %b = qc.constant dense<[100, -7]> : tensor<2xi32> -> tensor<2x!b>
  %y = qc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, clamp_min = 0.0 : f32}
     : (tensor<1x1x1x4x!x>, tensor<2x1x1x2x!w>, tensor<2x!b>) -> tensor<1x2x1x4x!y>
  return %y : tensor<1x2x1x4x!y>
}

// Unsigned weights with a zero point lose it at compile time; 255-100 needs more than i8.
// CHECK-LABEL: func @matmul_asymmetric_weights(
// CHECK-DAG: qc.constant dense<{{\[\[}}155, -100], [0, 1]]> : tensor<2x2xi16>
// CHECK-DAG: qc.constant dense<[-1550, 990]> : tensor<2xi32>
// CHECK: qc.matmul {{.*}} : (tensor<1x2xi8>, tensor<2x2xi16>, tensor<2xi32>) -> tensor<1x2xi32>
func.func @matmul_asymmetric_weights(%x: tensor<1x2x!x>) -> tensor<1x2x!y> {
  %w = qc.constant dense<[[255, 0], [100, 101]]> : tensor<2x2xui8> -> tensor<2x2x!quant.uniform<u8:f32, 0.5:100>>
  %y = qc.matmul %x, %w : (tensor<1x2x!x>, tensor<2x2x!quant.uniform<u8:f32, 0.5:100>>) -> tensor<1x2x!y>
  return %y : tensor<1x2x!y>
}

// Two activations: both zero points are explicit.
// CHECK-LABEL: func @matmul_activations(
// CHECK: qc.matmul %{{.*}}, %{{.*}} {acc_bound = 35880 : ui64, lhs_zero_point = 10 : i64, rhs_zero_point = -3 : i64}
func.func @matmul_activations(%x: tensor<1x2x!x>, %v: tensor<2x2x!y>) -> tensor<1x2x!y> {
  %y = qc.matmul %x, %v : (tensor<1x2x!x>, tensor<2x2x!y>) -> tensor<1x2x!y>
  return %y : tensor<1x2x!y>
}

// 16-bit activations: the bound exceeds 31 bits, so the accumulator is i64.
// CHECK-LABEL: func @matmul_wide_accumulator(
// CHECK: qc.matmul {{.*}} : (tensor<1x600xi16>, tensor<600x1xi8>) -> tensor<1x1xi64>
func.func @matmul_wide_accumulator(%x: tensor<1x600x!quant.uniform<i16:f32, 1.0>>) -> tensor<1x1x!quant.uniform<i16:f32, 1000.0>> {
  %w = qc.constant dense<127> : tensor<600x1xi8> -> tensor<600x1x!quant.uniform<i8<-127:127>:f32, 0.5>>
  %y = qc.matmul %x, %w : (tensor<1x600x!quant.uniform<i16:f32, 1.0>>, tensor<600x1x!quant.uniform<i8<-127:127>:f32, 0.5>>) -> tensor<1x1x!quant.uniform<i16:f32, 1000.0>>
  return %y : tensor<1x1x!quant.uniform<i16:f32, 1000.0>>
}

// Residual add: multipliers 0.5/0.25 = 2 and 0.25/0.25 = 1 on one exponent, one rounding.
// CHECK-LABEL: func @add(
// CHECK: qc.requantize %{{.*}}, %{{.*}} {code_max = 127 : i64, code_min = -128 : i64, input_zero_points = array<i64: 10, -3>, multipliers = array<i32: 8388608, 4194304>, {{.*}}shifts = array<i32: 22>, zero_point = -3 : i64} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
func.func @add(%a: tensor<4x!x>, %b: tensor<4x!y>) -> tensor<4x!y> {
  %y = qc.add %a, %b : (tensor<4x!x>, tensor<4x!y>) -> tensor<4x!y>
  return %y : tensor<4x!y>
}

// CHECK-LABEL: func @sub(
// CHECK: qc.requantize {{.*}}multipliers = array<i32: 8388608, -4194304>
func.func @sub(%a: tensor<4x!x>, %b: tensor<4x!y>) -> tensor<4x!y> {
  %y = qc.sub %a, %b : (tensor<4x!x>, tensor<4x!y>) -> tensor<4x!y>
  return %y : tensor<4x!y>
}

// CHECK-LABEL: func @mul(
// CHECK: %[[P:.*]] = qc.mul %{{.*}}, %{{.*}} {acc_bound = 17940 : ui64, lhs_zero_point = 10 : i64, rhs_zero_point = -3 : i64} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi32>
// CHECK: qc.requantize %[[P]] {{.*}}multipliers = array<i32: 8388608>, {{.*}}shifts = array<i32: 24>
func.func @mul(%a: tensor<4x!x>, %b: tensor<4x!y>) -> tensor<4x!y> {
  %y = qc.mul %a, %b : (tensor<4x!x>, tensor<4x!y>) -> tensor<4x!y>
  return %y : tensor<4x!y>
}

// A table with an entry per code: -8..7 of i4 with scale 1, result scale 1/16.
// CHECK-LABEL: func @sigmoid(
// CHECK: %[[T:.*]] = qc.constant dense<[0, 0, 0, 0, 0, 1, 2, 4, 8, 12, 14, 15, 15, 15, 15, 15]> : tensor<16xui4>
// CHECK: qc.lut %{{.*}}, %[[T]] : (tensor<4xi4>, tensor<16xui4>) -> tensor<4xui4>
func.func @sigmoid(%x: tensor<4x!quant.uniform<i4:f32, 1.0>>) -> tensor<4x!quant.uniform<u4:f32, 0.0625>> {
  %y = qc.activation sigmoid %x : tensor<4x!quant.uniform<i4:f32, 1.0>> -> tensor<4x!quant.uniform<u4:f32, 0.0625>>
  return %y : tensor<4x!quant.uniform<u4:f32, 0.0625>>
}

// One table row per channel.
// CHECK-LABEL: func @prelu_per_channel(
// CHECK: %[[T:.*]] = qc.constant dense<{{\[\[}}-1, 0, 0, 1], [-4, -2, 0, 1]]> : tensor<2x4xi3>
// CHECK: qc.lut %{{.*}}, %[[T]] {axis = 1 : i64}
func.func @prelu_per_channel(%x: tensor<1x2x1x!quant.uniform<i2:f32, 1.0>>) -> tensor<1x2x1x!quant.uniform<i3:f32, 1.0>> {
  %s = qc.constant dense<[[0.5], [2.0]]> : tensor<2x1xf32>
  %y = qc.prelu %x, %s : (tensor<1x2x1x!quant.uniform<i2:f32, 1.0>>, tensor<2x1xf32>) -> tensor<1x2x1x!quant.uniform<i3:f32, 1.0>>
  return %y : tensor<1x2x1x!quant.uniform<i3:f32, 1.0>>
}

// Padding counts as zero: the sum has 4 codes at each position, so 4*10 is subtracted, and the divisor is 4.
// CHECK-LABEL: func @average_pool_include_pad(
// CHECK: %[[S:.*]] = qc.pool sum %{{.*}} {acc_bound = 512 : ui64, {{.*}}pad_value = 10 : i64{{.*}}} : tensor<1x1x2x2xi8> -> tensor<1x1x3x3xi32>
// CHECK: qc.requantize %[[S]] {{.*}}input_zero_points = array<i64: 40>, multipliers = array<i32: 8388608>, {{.*}}shifts = array<i32: 24>
func.func @average_pool_include_pad(%x: tensor<1x1x2x2x!x>) -> tensor<1x1x3x3x!y> {
  %y = qc.pool average %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, count_include_pad}
     : tensor<1x1x2x2x!x> -> tensor<1x1x3x3x!y>
  return %y : tensor<1x1x3x3x!y>
}

// The divisor is 1, 2 or 4: a multiplier per position.
// CHECK-LABEL: func @average_pool_exclude_pad(
// CHECK: %[[V:.*]] = qc.reshape %{{.*}} : tensor<1x1x3x3xi32> -> tensor<1x9xi32>
// CHECK: %[[R:.*]] = qc.requantize %[[V]] {axis = 1 : i64, {{.*}}shifts = array<i32: 22, 23, 22, 23, 24, 23, 22, 23, 22>
// CHECK: qc.reshape %[[R]] : tensor<1x9xi8> -> tensor<1x1x3x3xi8>
func.func @average_pool_exclude_pad(%x: tensor<1x1x2x2x!x>) -> tensor<1x1x3x3x!y> {
  %y = qc.pool average %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
     : tensor<1x1x2x2x!x> -> tensor<1x1x3x3x!y>
  return %y : tensor<1x1x3x3x!y>
}

// CHECK-LABEL: func @reduce_mean(
// CHECK: qc.reduce sum %{{.*}} {acc_bound = 1024 : ui64, axes = array<i64: 1>} : tensor<2x8xi8> -> tensor<2xi32>
// CHECK: qc.requantize {{.*}}input_zero_points = array<i64: 80>
func.func @reduce_mean(%x: tensor<2x8x!x>) -> tensor<2x!y> {
  %y = qc.reduce mean %x {axes = array<i64: 1>} : tensor<2x8x!x> -> tensor<2x!y>
  return %y : tensor<2x!y>
}

// Codes move; only the operand whose type differs is requantized.
// CHECK-LABEL: func @concat(
// CHECK-SAME: %[[A:.*]]: tensor<1x2xi8>, %[[B:.*]]: tensor<1x3xi8>
// CHECK: %[[R:.*]] = qc.requantize %[[A]] {{.*}} : (tensor<1x2xi8>) -> tensor<1x2xi8>
// CHECK: qc.concat %[[R]], %[[B]]
func.func @concat(%a: tensor<1x2x!x>, %b: tensor<1x3x!y>) -> tensor<1x5x!y> {
  %y = qc.concat %a, %b {axis = 1} : (tensor<1x2x!x>, tensor<1x3x!y>) -> tensor<1x5x!y>
  return %y : tensor<1x5x!y>
}

// CHECK-LABEL: func @pad_value(
// CHECK: qc.pad %{{.*}}pad_value = 12 : i64, value = 1.000000e+00 : f32
func.func @pad_value(%x: tensor<2x!x>) -> tensor<4x!x> {
  %y = qc.pad %x {low = array<i64: 1>, high = array<i64: 1>, value = 1.0 : f32} : tensor<2x!x> -> tensor<4x!x>
  return %y : tensor<4x!x>
}

// CHECK-LABEL: func @boundary(
// CHECK: qc.quantize %{{.*}} {code_max = 127 : i64, code_min = -128 : i64, scale = 5.000000e-01 : f32, zero_point = 10 : i64} : tensor<2xf32> -> tensor<2xi8>
// CHECK: qc.dequantize %{{.*}} {scale = 5.000000e-01 : f32, zero_point = 10 : i64} : tensor<2xi8> -> tensor<2xf32>
func.func @boundary(%x: tensor<2xf32>) -> tensor<2xf32> {
  %q = quant.qcast %x : tensor<2xf32> to tensor<2x!x>
  %y = quant.dcast %q : tensor<2x!x> to tensor<2xf32>
  return %y : tensor<2xf32>
}
