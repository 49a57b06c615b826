// Element-wise ops by hand in their three domains.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

!a = !quant.uniform<i8:f32, 0.5:1>
!b = !quant.uniform<u8:f32, 0.25:100>
!n = !quant.uniform<i4:f32, 1.0:-2>

// CHECK: add_broadcast: tensor<2x2xf32> [11, 22, 13, 24]
func.func @add_broadcast() -> tensor<2x2xf32> {
  %a = qc.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = qc.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %y = qc.add %a, %b : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
// CHECK: sub_clamp: tensor<3xf32> [0, 1, 2]
func.func @sub_clamp() -> tensor<3xf32> {
  %a = qc.constant dense<[1.0, 2.0, 30.0]> : tensor<3xf32>
  %b = qc.constant dense<[5.0, 1.0, 1.0]> : tensor<3xf32>
  %y = qc.sub %a, %b {clamp_min = 0.0 : f32, clamp_max = 2.0 : f32} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}
// CHECK: mul_float: tensor<2xf32> [3, -8]
func.func @mul_float() -> tensor<2xf32> {
  %a = qc.constant dense<[1.5, 2.0]> : tensor<2xf32>
  %b = qc.constant dense<[2.0, -4.0]> : tensor<2xf32>
  %y = qc.mul %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
// CHECK: div_float: tensor<2xf32> [0.75, -0.33333334]
func.func @div_float() -> tensor<2xf32> {
  %a = qc.constant dense<[1.5, 1.0]> : tensor<2xf32>
  %b = qc.constant dense<[2.0, -3.0]> : tensor<2xf32>
  %y = qc.div %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// 1.5 + 0.5 = 2; 1.5 - 0.25 = 1.25 and 1.5 + 1 = 2.5 in ones: ties do not arise, 1.25 is 1; the tie 2.5 is even 2; 20 saturates 4 bits at 7. Zero point -2.
// CHECK: add_quantized_i4: {{.*}} [0, -1, 0, 7]
func.func @add_quantized_i4() -> tensor<4x!n> {
  %a = qc.constant dense<[4, 4, 4, 4]> : tensor<4xi8> -> tensor<4x!a>
  %b = qc.constant dense<[102, 99, 104, 180]> : tensor<4xui8> -> tensor<4x!b>
  %y = qc.add %a, %b : (tensor<4x!a>, tensor<4x!b>) -> tensor<4x!n>
  return %y : tensor<4x!n>
}
// 1.5 - 0.5 = 1, 1.5 + 0.25 = 1.75, 1.5 - 1 = 0.5 to even 0.
// CHECK: sub_quantized: {{.*}} [-1, 0, -2]
func.func @sub_quantized() -> tensor<3x!n> {
  %a = qc.constant dense<[4, 4, 4]> : tensor<3xi8> -> tensor<3x!a>
  %b = qc.constant dense<[102, 99, 104]> : tensor<3xui8> -> tensor<3x!b>
  %y = qc.sub %a, %b : (tensor<3x!a>, tensor<3x!b>) -> tensor<3x!n>
  return %y : tensor<3x!n>
}
// The sum's ties go up in the contracts that round half up.
// CHECK: add_quantized_half_up: {{.*}} [1]
func.func @add_quantized_half_up() -> tensor<1x!n> attributes {qc.requant = "tflite-single"} {
  %a = qc.constant dense<[4]> : tensor<1xi8> -> tensor<1x!a>
  %b = qc.constant dense<[104]> : tensor<1xui8> -> tensor<1x!b>
  %y = qc.add %a, %b : (tensor<1x!a>, tensor<1x!b>) -> tensor<1x!n>
  return %y : tensor<1x!n>
}
// 1.5 * 1 = 1.5 to even 2; 1.5 * -1 = -1.5 to even -2; the limit 1 is the code -1.
// CHECK: mul_quantized: {{.*}} [-1, -4]
func.func @mul_quantized() -> tensor<2x!n> {
  %a = qc.constant dense<[4, 4]> : tensor<2xi8> -> tensor<2x!a>
  %b = qc.constant dense<[104, 96]> : tensor<2xui8> -> tensor<2x!b>
  %y = qc.mul %a, %b {clamp_max = 1.0 : f32} : (tensor<2x!a>, tensor<2x!b>) -> tensor<2x!n>
  return %y : tensor<2x!n>
}
// CHECK: mul_integer: tensor<2xi32> [12, -12]
func.func @mul_integer() -> tensor<2xi32> {
  %a = qc.constant dense<[4, 4]> : tensor<2xi8>
  %b = qc.constant dense<[104, 96]> : tensor<2xui8>
  %y = qc.mul %a, %b {lhs_zero_point = 1, rhs_zero_point = 100, acc_bound = 19995 : ui64} : (tensor<2xi8>, tensor<2xui8>) -> tensor<2xi32>
  return %y : tensor<2xi32>
}
// Plain integers: division truncates.
// CHECK: div_integer: tensor<2xi64> [-3, 3]
func.func @div_integer() -> tensor<2xi64> {
  %a = qc.constant dense<[-7, 7]> : tensor<2xi64>
  %b = qc.constant dense<[2, 2]> : tensor<2xi64>
  %y = qc.div %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %y : tensor<2xi64>
}

// CHECK: clamp_float_one_sided: tensor<3xf32> [0, 0, 5]
func.func @clamp_float_one_sided() -> tensor<3xf32> {
  %x = qc.constant dense<[-1.0, 0.0, 5.0]> : tensor<3xf32>
  %y = qc.clamp %x {clamp_min = 0.0 : f32} : tensor<3xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}
// In one type codes are cut, never moved.
// CHECK: clamp_quantized_same_type: {{.*}} [1, 1, 2, 127]
func.func @clamp_quantized_same_type() -> tensor<4x!a> {
  %x = qc.constant dense<[-128, 1, 2, 127]> : tensor<4xi8> -> tensor<4x!a>
  %y = qc.clamp %x {clamp_min = 0.0 : f32} : tensor<4x!a> -> tensor<4x!a>
  return %y : tensor<4x!a>
}
// Halves to ones: 0.5 to even 0, 1.5 to even 2, limit 3.5 is the code of 4 (tie to even) = 2.
// CHECK: clamp_quantized_rescale: {{.*}} [-2, 0, 2]
func.func @clamp_quantized_rescale() -> tensor<3x!n> {
  %x = qc.constant dense<[2, 4, 100]> : tensor<3xi8> -> tensor<3x!a>
  %y = qc.clamp %x {clamp_max = 3.5 : f32} : tensor<3x!a> -> tensor<3x!n>
  return %y : tensor<3x!n>
}
// CHECK: clamp_integer: tensor<3xi64> [-1, 0, 1]
func.func @clamp_integer() -> tensor<3xi64> {
  %x = qc.constant dense<[-5, 0, 5]> : tensor<3xi64>
  %y = qc.clamp %x {clamp_min = -1.5 : f32, clamp_max = 1.5 : f32} : tensor<3xi64> -> tensor<3xi64>
  return %y : tensor<3xi64>
}

// CHECK: prelu_float: tensor<2x2xf32> [-0.5, 2, -0.25, 4]
func.func @prelu_float() -> tensor<2x2xf32> {
  %x = qc.constant dense<[[-1.0, 2.0], [-1.0, 4.0]]> : tensor<2x2xf32>
  %s = qc.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %y = qc.prelu %x, %s : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
// -3.5 * 0.5 = -1.75 to -2 and -3.5 * 0.25 = -0.875 to -1; 1.5 to even 2. Zero point -2.
// CHECK: prelu_quantized: {{.*}} [-4, 0, -3, 0]
func.func @prelu_quantized() -> tensor<2x2x!n> {
  %x = qc.constant dense<[[-6, 4], [-6, 4]]> : tensor<2x2xi8> -> tensor<2x2x!a>
  %s = qc.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %y = qc.prelu %x, %s : (tensor<2x2x!a>, tensor<2x1xf32>) -> tensor<2x2x!n>
  return %y : tensor<2x2x!n>
}

// CHECK: leaky_relu_float: tensor<2xf32> [-0.25, 3]
func.func @leaky_relu_float() -> tensor<2xf32> {
  %x = qc.constant dense<[-1.0, 3.0]> : tensor<2xf32>
  %y = qc.activation leaky_relu %x {alpha = 0.25 : f32} : tensor<2xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}
// CHECK: hard_sigmoid_float: tensor<3xf32> [0, 0.75, 1]
func.func @hard_sigmoid_float() -> tensor<3xf32> {
  %x = qc.constant dense<[-9.0, 1.0, 9.0]> : tensor<3xf32>
  %y = qc.activation hard_sigmoid %x {alpha = 0.25 : f32, beta = 0.5 : f32} : tensor<3xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}
// 1.5 * (0.25 + 0.5)
// CHECK: hard_swish_float: tensor<3xf32> [-0, 1.125, 6]
func.func @hard_swish_float() -> tensor<3xf32> {
  %x = qc.constant dense<[-4.0, 1.5, 6.0]> : tensor<3xf32>
  %y = qc.activation hard_swish %x : tensor<3xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}
// 1.5 * 0.75 = 1.125 to 1; -1.5 * 0.25 = -0.375 to 0.
// CHECK: hard_swish_quantized: {{.*}} [-1, -2]
func.func @hard_swish_quantized() -> tensor<2x!n> {
  %x = qc.constant dense<[4, -2]> : tensor<2xi8> -> tensor<2x!a>
  %y = qc.activation hard_swish %x : tensor<2x!a> -> tensor<2x!n>
  return %y : tensor<2x!n>
}
// tanh(1.5) * 128 = 115.85; tanh(-64.5) is -1, whose code -128 exists; +1 saturates.
// CHECK: tanh_quantized: {{.*}} [116, -128, 127]
func.func @tanh_quantized() -> tensor<3x!quant.uniform<i8:f32, 0.0078125>> {
  %x = qc.constant dense<[4, -128, 127]> : tensor<3xi8> -> tensor<3x!a>
  %y = qc.activation tanh %x : tensor<3x!a> -> tensor<3x!quant.uniform<i8:f32, 0.0078125>>
  return %y : tensor<3x!quant.uniform<i8:f32, 0.0078125>>
}
// CHECK: softmax_last_axis: tensor<1x3xf32> [0.21194156, 0.21194156, 0.57611686]
func.func @softmax_last_axis() -> tensor<1x3xf32> {
  %x = qc.constant dense<[[7.0, 7.0, 8.0]]> : tensor<1x3xf32>
  %y = qc.softmax %x {axis = 1} : tensor<1x3xf32> -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}
// CHECK: softmax_middle_axis: tensor<1x2x2xf32> [0.5, 1, 0.5, 1.6458115e-38]
func.func @softmax_middle_axis() -> tensor<1x2x2xf32> {
  %x = qc.constant dense<[[[1.0, 100.0], [1.0, -100.0]]]> : tensor<1x2x2xf32>
  %y = qc.softmax %x {axis = 1} : tensor<1x2x2xf32> -> tensor<1x2x2xf32>
  return %y : tensor<1x2x2xf32>
}
// CHECK: cast_to_float: tensor<2xf32> [16777216, -3]
func.func @cast_to_float() -> tensor<2xf32> {
  %x = qc.constant dense<[16777217, -3]> : tensor<2xi64>
  %y = qc.cast %x : tensor<2xi64> -> tensor<2xf32>
  return %y : tensor<2xf32>
}
