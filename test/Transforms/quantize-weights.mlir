// Codes of weights, biases and other constants.
// RUN: qopt %s --qc-quantize-weights | FileCheck %s
// RUN: qopt %s --qc-quantize-weights=weights=i4 | FileCheck %s --check-prefix=I4
// RUN: qopt %s --qc-quantize-weights=power-of-two=true | FileCheck %s --check-prefix=POW2
// RUN: not qopt %s --qc-quantize-weights=weights=u8 2>&1 | FileCheck %s --check-prefix=CODE
// CODE: error: 'u8' is no code type of weights: use iN with N in 2..8 or 16, or b1

// One scale per output channel, codes in [-127, 127]; the bias has the scale of the accumulator.
// CHECK-LABEL: @weights_per_channel
// CHECK: %[[W:.*]] = qc.constant dense<{{\[\[}}127, -64], [64, 127]]> : tensor<2x2xi8> -> tensor<2x2x!quant.uniform<i8<-127:127>:f32:1, {1.000000e+00,2.000000e+00}>>
// CHECK: %[[WF:.*]] = quant.dcast %[[W]]
// CHECK: %[[B:.*]] = qc.constant dense<[20, -30]> : tensor<2xi32> -> tensor<2x!quant.uniform<i32:f32:0, {5.000000e-01,1.000000e+00}>>
// CHECK: %[[BF:.*]] = quant.dcast %[[B]]
// CHECK: qc.matmul %{{.*}}, %[[WF]], %[[BF]]
// I4-LABEL: @weights_per_channel
// I4: qc.constant dense<{{\[\[}}7, -4], [4, 7]]> : tensor<2x2xi4>
// POW2-LABEL: @weights_per_channel
// POW2: -> tensor<2x2x!quant.uniform<i8<-127:127>:f32:1, {1.000000e+00,2.000000e+00}>>
func.func @weights_per_channel(%q: tensor<1x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x2x!quant.uniform<i8:f32, 0.5>> to tensor<1x2xf32>
  %w = qc.constant dense<[[127.0, -128.0], [64.0, 254.0]]> : tensor<2x2xf32>
  %b = qc.constant dense<[10.0, -30.0]> : tensor<2xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %z = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x2x!quant.uniform<i8:f32, 0.5>>
}

// A missing bias stays missing.
// CHECK-LABEL: @weights_without_bias
// CHECK: %[[W:.*]] = quant.dcast
// CHECK: %[[W:.*]] = quant.dcast
// CHECK: qc.matmul %{{[^,]*}}, %{{[^,]*}} :
func.func @weights_without_bias(%q: tensor<1x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x2x!quant.uniform<i8:f32, 0.5>> to tensor<1x2xf32>
  %w = qc.constant dense<[[127.0, -128.0], [64.0, 254.0]]> : tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %z = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x2x!quant.uniform<i8:f32, 0.5>>
}

// A transposed convolution has a scale per channel if each group is a channel, ...
// CHECK-LABEL: @weights_per_group
// CHECK: -> tensor<2x1x1x!quant.uniform<i8<-127:127>:f32:0, {0.0078740157186985015,2.000000e+00}>>
func.func @weights_per_group(%q: tensor<1x2x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2x4x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x2x4x!quant.uniform<i8:f32, 0.5>> to tensor<1x2x4xf32>
  %w = qc.constant dense<[[[1.0]], [[254.0]]]> : tensor<2x1x1xf32>
  %y = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 2}
     : (tensor<1x2x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %z = quant.qcast %y : tensor<1x2x4xf32> to tensor<1x2x4x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x2x4x!quant.uniform<i8:f32, 0.5>>
}

// ... and one for all with larger groups.
// CHECK-LABEL: @weights_per_tensor
// CHECK: -> tensor<2x2x1x!quant.uniform<i8<-127:127>:f32, 2.000000e+00>>
// CHECK: -> tensor<4x!quant.uniform<i32:f32, 1.000000e+00>>
func.func @weights_per_tensor(%q: tensor<1x2x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x4x4x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x2x4x!quant.uniform<i8:f32, 0.5>> to tensor<1x2x4xf32>
  %w = qc.constant dense<[[[1.0], [2.0]], [[254.0], [3.0]]]> : tensor<2x2x1xf32>
  %b = qc.constant dense<1.0> : tensor<4xf32>
  %y = qc.conv_transpose %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 2}
     : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<4xf32>) -> tensor<1x4x4xf32>
  %z = quant.qcast %y : tensor<1x4x4xf32> to tensor<1x4x4x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x4x4x!quant.uniform<i8:f32, 0.5>>
}

// 2^29 is the largest code of a bias: the first channel's weights get a larger scale for its sake. The second channel's are zero, so that its
// bias alone gives its scale; the third has neither.
// CHECK-LABEL: @weights_scaled_for_bias
// CHECK: qc.constant dense<{{\[\[}}1, 0, 0]]> : tensor<1x3xi8> -> tensor<1x3x!quant.uniform<i8<-127:127>:f32:1, {2.000000e+00,4.000000e+00,1.000000e+00}>>
// CHECK: qc.constant dense<[536870912, -536870912, 0]> : tensor<3xi32>
func.func @weights_scaled_for_bias(%q: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x3x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %w = qc.constant dense<[[2.0, 0.0, 0.0]]> : tensor<1x3xf32>
  %b = qc.constant dense<[536870912.0, -1073741824.0, 0.0]> : tensor<3xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x1xf32>, tensor<1x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %z = quant.qcast %y : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x3x!quant.uniform<i8:f32, 0.5>>
}

// Weights that a model brings encoded stay; its bias gets the scale that goes with them.
// CHECK-LABEL: @weights_encoded_already
// CHECK: qc.constant dense<3> : tensor<1x1xi8> -> tensor<1x1x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK: qc.constant dense<8> : tensor<1xi32> -> tensor<1x!quant.uniform<i32:f32, 1.250000e-01>>
func.func @weights_encoded_already(%q: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %c = qc.constant dense<3> : tensor<1x1xi8> -> tensor<1x1x!quant.uniform<i8:f32, 0.25>>
  %w = quant.dcast %c : tensor<1x1x!quant.uniform<i8:f32, 0.25>> to tensor<1x1xf32>
  %b = qc.constant dense<1.0> : tensor<1xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %z = quant.qcast %y : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x1x!quant.uniform<i8:f32, 0.5>>
}

// A constant summand: one value is its own scale and stays exact; several get the affine type of their range.
// CHECK-LABEL: @constant_operands
// CHECK: qc.constant dense<-1> : tensor<i8> -> tensor<!quant.uniform<i8:f32, 3.000000e+00>>
// CHECK: qc.constant dense<[-128, 127]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.000000e+00:-128>>
func.func @constant_operands(%q: tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %c = qc.constant dense<-3.0> : tensor<f32>
  %y = qc.add %x, %c : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %z = quant.qcast %y : tensor<2xf32> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  %f = quant.dcast %z : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %d = qc.constant dense<[0.0, 255.0]> : tensor<2xf32>
  %m = qc.mul %d, %f : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %r = quant.qcast %m : tensor<2xf32> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  return %r : tensor<2x!quant.uniform<i8:f32, 0.5>>
}

// A constant part of a concat has the type of the whole.
// CHECK-LABEL: @constant_part
// CHECK: qc.constant dense<[2, -4]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 5.000000e-01>>
func.func @constant_part(%q: tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %c = qc.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %y = qc.concat %x, %c {axis = 0} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %z = quant.qcast %y : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<4x!quant.uniform<i8:f32, 0.5>>
}

// Rounding errors of a channel sum up to half a step at most: all of [10.4, 10.4, 10.4, 10.45, 127] would be rounded down, 1.65 steps in sum; the two nearest to
// a middle are rounded up. The second channel needs nothing, and zeros stay zeros in the third.
// CHECK-LABEL: @weights_balanced
// CHECK: qc.constant dense<{{\[\[}}11, 10, 0], [10, 10, 0], [10, 10, 0], [11, 10, 1], [127, 127, 127]]> : tensor<5x3xi8>
func.func @weights_balanced(%q: tensor<1x5x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x3x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x5x!quant.uniform<i8:f32, 0.5>> to tensor<1x5xf32>
  %w = qc.constant dense<[[10.4, 10.4, 0.0], [10.4, 9.6, 0.0], [10.4, 10.4, 0.0], [10.45, 9.6, 0.55], [127.0, 127.0, 127.0]]> : tensor<5x3xf32>
  %y = qc.matmul %x, %w : (tensor<1x5xf32>, tensor<5x3xf32>) -> tensor<1x3xf32>
  %z = quant.qcast %y : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x3x!quant.uniform<i8:f32, 0.5>>
}

// A filter of 16 taps carries nine tenths of each error to its next tap.
// CHECK-LABEL: @weights_shaped
// CHECK: qc.constant dense<{{\[\[\[}}127, 10, 11, 10, 11, 10, 10, 11, 10, 11, 10, 10, 11, 10, 11, 10]]]> : tensor<1x1x16xi8>
func.func @weights_shaped(%q: tensor<1x1x16x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x1x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x1x16x!quant.uniform<i8:f32, 0.5>> to tensor<1x1x16xf32>
  %w = qc.constant dense<[[[127.0, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4, 10.4]]]> : tensor<1x1x16xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x16xf32>, tensor<1x1x16xf32>) -> tensor<1x1x1xf32>
  %z = quant.qcast %y : tensor<1x1x1xf32> to tensor<1x1x1x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x1x1x!quant.uniform<i8:f32, 0.5>>
}

// CHECK-LABEL: @no_weights_float_input
// CHECK: qc.matmul %{{.*}} {qc.float_reason = "its input is not quantized per tensor"}
func.func @no_weights_float_input(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %w = qc.constant dense<2.0> : tensor<1x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// CHECK-LABEL: @no_weights_not_finite
// CHECK: qc.matmul %{{.*}} {qc.float_reason = "its weights hold a value that is not finite"}
// CHECK: qc.add %{{.*}} {qc.float_reason = "a constant operand holds a value that is not finite"}
func.func @no_weights_not_finite(%q: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %w = qc.constant dense<0x7FC00000> : tensor<1x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %c = qc.constant dense<0xFF800000> : tensor<1x1xf32>
  %a = qc.add %y, %c : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %z = quant.qcast %a : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x1x!quant.uniform<i8:f32, 0.5>>
}

// CHECK-LABEL: @no_constant_operand_float_result
// CHECK: qc.add %{{.*}} {qc.float_reason = "its result is not quantized"}
func.func @no_constant_operand_float_result(%q: tensor<1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1xf32> {
  %x = quant.dcast %q : tensor<1x!quant.uniform<i8:f32, 0.5>> to tensor<1xf32>
  %c = qc.constant dense<1.0> : tensor<f32>
  %a = qc.add %x, %c : (tensor<1xf32>, tensor<f32>) -> tensor<1xf32>
  return %a : tensor<1xf32>
}

// CHECK-LABEL: @no_bias_out_of_range
// CHECK: qc.matmul %{{.*}} {qc.float_reason = "its bias does not fit in 32 bits at the scale of its accumulator"}
func.func @no_bias_out_of_range(%q: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %c = qc.constant dense<3> : tensor<1x1xi8> -> tensor<1x1x!quant.uniform<i8:f32, 0.25>>
  %w = quant.dcast %c : tensor<1x1x!quant.uniform<i8:f32, 0.25>> to tensor<1x1xf32>
  %b = qc.constant dense<1.0e9> : tensor<1xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %z = quant.qcast %y : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x1x!quant.uniform<i8:f32, 0.5>>
}

// Signs, and per channel the mean magnitude, 1.5 and 0.5; a channel of zeros gets its scale from its bias alone, 2^30 / (0.5 * 2^29), which is more than its own
// otherwise. Powers of two: the next one, down or up.
// RUN: qopt %s --qc-quantize-weights=weights=b1 | FileCheck %s --check-prefix=SIGNS
// RUN: qopt %s "--qc-quantize-weights=weights=b1 granularity=tensor" | FileCheck %s --check-prefix=LAYER
// RUN: qopt %s "--qc-quantize-weights=weights=b1 power-of-two=true" | FileCheck %s --check-prefix=SHIFTS
// SIGNS-LABEL: @signs
// SIGNS: %[[W:.*]] = qc.constant dense<{{\[\[}}1, 1, 1], [-1, -1, 1]]> : tensor<2x3xi2> -> tensor<2x3x!qc.coded<#qc.signs, f32:1, {1.500000e+00, 6.250000e-01, 4.000000e+00}>>
// SIGNS: %[[R:.*]] = qc.dcast %[[W]]
// SIGNS: qc.constant dense<[13, 0, 536870912]> : tensor<3xi32> -> tensor<3x!quant.uniform<i32:f32:0, {7.500000e-01,3.125000e-01,2.000000e+00}>>
// SIGNS: qc.matmul %{{[^,]*}}, %[[R]],
// LAYER-LABEL: @signs
// LAYER: tensor<2x3x!qc.coded<#qc.signs, f32, 4.000000e+00>>
// SHIFTS-LABEL: @signs
// SHIFTS: tensor<2x3x!qc.coded<#qc.signs, f32:1, {2.000000e+00, 5.000000e-01, 4.000000e+00}>>
func.func @signs(%q: tensor<1x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x3x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<1x2x!quant.uniform<i8:f32, 0.5>> to tensor<1x2xf32>
  %w = qc.constant dense<[[1.0, 1.0, 0.0], [-2.0, -0.25, 0.0]]> : tensor<2x3xf32>
  %b = qc.constant dense<[10.0, 0.0, 1073741824.0]> : tensor<3xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x2xf32>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %z = quant.qcast %y : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<1x3x!quant.uniform<i8:f32, 0.5>>
}
