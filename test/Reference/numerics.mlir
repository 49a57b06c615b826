// The worked examples of docs/Numerics.md, rule by rule.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

// N2. Quotients 0.5, 1.5, -0.5, 2.5, 2.6: ties to even before the zero point; then saturation; NaN.
// CHECK: n2_quantize: tensor<8xi8> [3, 5, 3, 5, 6, 127, -128, 3]
func.func @n2_quantize() -> tensor<8xi8> {
  %x = qc.constant dense<[0.25, 0.75, -0.25, 1.25, 1.3, 1.0e3, 0xFF800000, 0x7FC00000]> : tensor<8xf32>
  %y = qc.quantize %x {scale = 0.5 : f32, zero_point = 3, code_min = -128, code_max = 127} : tensor<8xf32> -> tensor<8xi8>
  return %y : tensor<8xi8>
}

// N2. The same through quantized types.
// CHECK: n2_qcast: tensor<8x!quant.uniform<i8:f32, 5.000000e-01:3>> [3, 5, 3, 5, 6, 127, -128, 3]
func.func @n2_qcast() -> tensor<8x!quant.uniform<i8:f32, 0.5:3>> {
  %x = qc.constant dense<[0.25, 0.75, -0.25, 1.25, 1.3, 1.0e3, 0xFF800000, 0x7FC00000]> : tensor<8xf32>
  %y = quant.qcast %x : tensor<8xf32> to tensor<8x!quant.uniform<i8:f32, 0.5:3>>
  return %y : tensor<8x!quant.uniform<i8:f32, 0.5:3>>
}

// N2. The f32 quotients of 0.35, 0.75 and 0.85 by 0.1 are the ties 3.5, 7.5 and 8.5; the exact ones are 3.4999999, 7.4999999 and 8.5000001.
// CHECK: n2_f32_quotient: tensor<3xi8> [4, 8, 8]
func.func @n2_f32_quotient() -> tensor<3xi8> {
  %x = qc.constant dense<[0.35, 0.75, 0.85]> : tensor<3xf32>
  %y = qc.quantize %x {scale = 0.1 : f32, zero_point = 0, code_min = -128, code_max = 127} : tensor<3xf32> -> tensor<3xi8>
  return %y : tensor<3xi8>
}
// CHECK: n2_f32_quotient_qcast: {{.*}} [4, 8, 8]
func.func @n2_f32_quotient_qcast() -> tensor<3x!quant.uniform<i8:f32, 0.1>> {
  %x = qc.constant dense<[0.35, 0.75, 0.85]> : tensor<3xf32>
  %y = quant.qcast %x : tensor<3xf32> to tensor<3x!quant.uniform<i8:f32, 0.1>>
  return %y : tensor<3x!quant.uniform<i8:f32, 0.1>>
}

// N3. (5 - 3) * 0.1, (-128 - 3) * 0.1, (127 - 3) * 0.1, each rounded once to f32.
// CHECK: n3_dequantize: tensor<3xf32> [0.2, -13.1, 12.400001]
func.func @n3_dequantize() -> tensor<3xf32> {
  %x = qc.constant dense<[5, -128, 127]> : tensor<3xi8>
  %y = qc.dequantize %x {scale = 0.1 : f32, zero_point = 3} : tensor<3xi8> -> tensor<3xf32>
  return %y : tensor<3xf32>
}
// CHECK: n3_dcast: tensor<3xf32> [0.2, -13.1, 12.400001]
func.func @n3_dcast() -> tensor<3xf32> {
  %x = qc.constant dense<[5, -128, 127]> : tensor<3xi8> -> tensor<3x!quant.uniform<i8:f32, 0.1:3>>
  %y = quant.dcast %x : tensor<3x!quant.uniform<i8:f32, 0.1:3>> to tensor<3xf32>
  return %y : tensor<3xf32>
}

// N4. |100| + 128 * (1 + 2 + 3) = 868 (test/Dialect/compute-invalid.mlir: any other bound is refused).
// CHECK: n4_bound: tensor<1x1xi32> [868]
func.func @n4_bound() -> tensor<1x1xi32> {
  %x = qc.constant dense<[[-128, -128, -128]]> : tensor<1x3xi8>
  %w = qc.constant dense<[[-1], [-2], [-3]]> : tensor<3x1xi8>
  %b = qc.constant dense<[100]> : tensor<1xi32>
  %y = qc.matmul %x, %w, %b {acc_bound = 868 : ui64} : (tensor<1x3xi8>, tensor<3x1xi8>, tensor<1xi32>) -> tensor<1x1xi32>
  return %y : tensor<1x1xi32>
}

// N5, N6. 0.1 * 0.02 / 0.05 = 0.0399999991 in double, 0.04 in f32: 10737418 * 2^-28. 1234 * 0.04 = 49.36, 1238 * 0.04 = 49.52.
// CHECK: n5_multiplier: tensor<2xi8> [49, 50]
func.func @n5_multiplier() -> tensor<2xi8> {
  %x = qc.constant dense<[1234, 1238]> : tensor<2xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 10737418>, shifts = array<i32: 28>, zero_point = 0,
    code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// N6. A quarter of -6, -3, -2, -1, 1, 2, 3, 6: ties to even.
// CHECK: n6_onnx: tensor<8xi8> [-2, -1, 0, 0, 0, 0, 1, 2]
func.func @n6_onnx() -> tensor<8xi8> {
  %x = qc.constant dense<[-6, -3, -2, -1, 1, 2, 3, 6]> : tensor<8xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608>, shifts = array<i32: 25>, zero_point = 0,
    code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<8xi32>) -> tensor<8xi8>
  return %y : tensor<8xi8>
}

// N7. 12500 * f32(0.013) is 162.5000034; its f32 value is the tie 162.5. 2^24 + 1 is no f32 number: half of it rounds to 2^23.
// CHECK: n7_onnx: tensor<1xi16> [163]
func.func @n7_onnx() -> tensor<1xi16> {
  %x = qc.constant dense<[12500]> : tensor<1xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 13958644>, shifts = array<i32: 30>, zero_point = 0,
    code_min = -32768, code_max = 32767, rounding = #qc<rounding onnx>} : (tensor<1xi32>) -> tensor<1xi16>
  return %y : tensor<1xi16>
}
// CHECK: n7_ort: tensor<1xi16> [162]
func.func @n7_ort() -> tensor<1xi16> {
  %x = qc.constant dense<[12500]> : tensor<1xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 13958644>, shifts = array<i32: 30>, zero_point = 0,
    code_min = -32768, code_max = 32767, rounding = #qc<rounding ort>} : (tensor<1xi32>) -> tensor<1xi16>
  return %y : tensor<1xi16>
}
// CHECK: n7_ort_large: tensor<2xi32> [8388608, 8388610]
func.func @n7_ort_large() -> tensor<2xi32> {
  %x = qc.constant dense<[16777217, 16777219]> : tensor<2xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608>, shifts = array<i32: 24>, zero_point = 0,
    code_min = -2147483648, code_max = 2147483647, rounding = #qc<rounding ort>} : (tensor<2xi32>) -> tensor<2xi32>
  return %y : tensor<2xi32>
}

// N8. A quarter again: the first rounding is half up, the second half away from zero, so 1 and -3 are rounded twice.
// CHECK: n8_tflite_double: tensor<8xi8> [-2, -1, -1, 0, 1, 1, 1, 2]
func.func @n8_tflite_double() -> tensor<8xi8> {
  %x = qc.constant dense<[-6, -3, -2, -1, 1, 2, 3, 6]> : tensor<8xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 1073741824>, shifts = array<i32: 32>, zero_point = 0,
    code_min = -128, code_max = 127, rounding = #qc<rounding tflite_double>} : (tensor<8xi32>) -> tensor<8xi8>
  return %y : tensor<8xi8>
}
// CHECK: n8_tflite_single: tensor<8xi8> [-1, -1, 0, 0, 0, 1, 1, 2]
func.func @n8_tflite_single() -> tensor<8xi8> {
  %x = qc.constant dense<[-6, -3, -2, -1, 1, 2, 3, 6]> : tensor<8xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 1073741824>, shifts = array<i32: 32>, zero_point = 0,
    code_min = -128, code_max = 127, rounding = #qc<rounding tflite_single>} : (tensor<8xi32>) -> tensor<8xi8>
  return %y : tensor<8xi8>
}

// N9.
// CHECK: n9_pow2: tensor<8xi8> [-1, -1, 0, 0, 0, 1, 1, 2]
func.func @n9_pow2() -> tensor<8xi8> {
  %x = qc.constant dense<[-6, -3, -2, -1, 1, 2, 3, 6]> : tensor<8xi32>
  %y = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 1>, shifts = array<i32: 2>, zero_point = 0,
    code_min = -128, code_max = 127, rounding = #qc<rounding pow2>} : (tensor<8xi32>) -> tensor<8xi8>
  return %y : tensor<8xi8>
}

// N10. 256 * sigmoid(1) = 187.15, 256 * sigmoid(-1) = 68.85, sigmoid(0) = 1/2, the largest saturates.
// CHECK: n10_table: {{.*}} [59, -59, 0, 127]
func.func @n10_table() -> tensor<4x!quant.uniform<i8:f32, 0.00390625:-128>> {
  %x = qc.constant dense<[16, -16, 0, 127]> : tensor<4xi8> -> tensor<4x!quant.uniform<i8:f32, 0.0625>>
  %y = qc.activation sigmoid %x : tensor<4x!quant.uniform<i8:f32, 0.0625>> -> tensor<4x!quant.uniform<i8:f32, 0.00390625:-128>>
  return %y : tensor<4x!quant.uniform<i8:f32, 0.00390625:-128>>
}

// N11.
// CHECK: n11_sigmoid: tensor<4xf32> [0.7310586, 0.5, 1, 6.054601e-39]
func.func @n11_sigmoid() -> tensor<4xf32> {
  %x = qc.constant dense<[1.0, 0.0, 100.0, -100.0]> : tensor<4xf32>
  %y = qc.activation sigmoid %x : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}
// CHECK: n11_tanh: tensor<4xf32> [0.7615942, 0.46211717, -1, nan]
func.func @n11_tanh() -> tensor<4xf32> {
  %x = qc.constant dense<[1.0, 0.5, -100.0, 0x7FC00000]> : tensor<4xf32>
  %y = qc.activation tanh %x : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// N12. Multipliers 1 and 0.3 on the exponent of 1: 8388608 and 2516582 (of 2516582.5) times 2^-23. 10 + 5 * 0.3 = 11.4999998, rounded once.
// CHECK: n12_sum: {{.*}} [11]
func.func @n12_sum() -> tensor<1x!quant.uniform<i8:f32, 1.0>> {
  %a = qc.constant dense<[10]> : tensor<1xi8> -> tensor<1x!quant.uniform<i8:f32, 1.0>>
  %b = qc.constant dense<[5]> : tensor<1xi8> -> tensor<1x!quant.uniform<i8:f32, 0.3>>
  %y = qc.add %a, %b : (tensor<1x!quant.uniform<i8:f32, 1.0>>, tensor<1x!quant.uniform<i8:f32, 0.3>>) -> tensor<1x!quant.uniform<i8:f32, 1.0>>
  return %y : tensor<1x!quant.uniform<i8:f32, 1.0>>
}

// N13. 5 and 6 at a border of zeros: 5/1, 11/2, 6/1 without the padding; 5/2, 11/2, 6/2 with it. 5.5 rounds to 6, 2.5 to 2.
// CHECK: n13_average: {{.*}} [5, 6, 6]
func.func @n13_average() -> tensor<1x1x3x!quant.uniform<i8:f32, 1.0>> {
  %x = qc.constant dense<[[[5, 6]]]> : tensor<1x1x2xi8> -> tensor<1x1x2x!quant.uniform<i8:f32, 1.0>>
  %y = qc.pool average %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>}
    : tensor<1x1x2x!quant.uniform<i8:f32, 1.0>> -> tensor<1x1x3x!quant.uniform<i8:f32, 1.0>>
  return %y : tensor<1x1x3x!quant.uniform<i8:f32, 1.0>>
}
// CHECK: n13_average_with_padding: {{.*}} [2, 6, 3]
func.func @n13_average_with_padding() -> tensor<1x1x3x!quant.uniform<i8:f32, 1.0>> {
  %x = qc.constant dense<[[[5, 6]]]> : tensor<1x1x2xi8> -> tensor<1x1x2x!quant.uniform<i8:f32, 1.0>>
  %y = qc.pool average %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, count_include_pad}
    : tensor<1x1x2x!quant.uniform<i8:f32, 1.0>> -> tensor<1x1x3x!quant.uniform<i8:f32, 1.0>>
  return %y : tensor<1x1x3x!quant.uniform<i8:f32, 1.0>>
}

// N14. Limits 0 and 6 are the codes -128 and 120 - 128 = -8.
// CHECK: n14_limits: {{.*}} [-128, -100, -8]
func.func @n14_limits() -> tensor<3x!quant.uniform<i8:f32, 0.05:-128>> {
  %x = qc.constant dense<[-128, -100, 127]> : tensor<3xi8> -> tensor<3x!quant.uniform<i8:f32, 0.05:-128>>
  %y = qc.clamp %x {clamp_min = 0.0 : f32, clamp_max = 6.0 : f32} : tensor<3x!quant.uniform<i8:f32, 0.05:-128>> -> tensor<3x!quant.uniform<i8:f32, 0.05:-128>>
  return %y : tensor<3x!quant.uniform<i8:f32, 0.05:-128>>
}

// N16. Sums in the order of their definition: (1e8 + 1) - 1e8 in f32.
// CHECK: n16_order: tensor<1xf32> [0]
func.func @n16_order() -> tensor<1xf32> {
  %x = qc.constant dense<[1.0e8, 1.0, -1.0e8]> : tensor<3xf32>
  %y = qc.reduce sum %x {axes = array<i64: 0>, keep_dims} : tensor<3xf32> -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// N17. 100 + 100 wraps in i8; casts to integers cut and saturate, NaN gives 0; integers keep their low bits.
// CHECK: n17_wrap: tensor<1xi8> [-56]
func.func @n17_wrap() -> tensor<1xi8> {
  %x = qc.constant dense<[100]> : tensor<1xi8>
  %y = qc.add %x, %x : (tensor<1xi8>, tensor<1xi8>) -> tensor<1xi8>
  return %y : tensor<1xi8>
}
// CHECK: n17_cast_to_i8: tensor<5xi8> [2, -2, 127, -128, 0]
func.func @n17_cast_to_i8() -> tensor<5xi8> {
  %x = qc.constant dense<[2.9, -2.9, 1.0e9, -1.0e9, 0x7FC00000]> : tensor<5xf32>
  %y = qc.cast %x : tensor<5xf32> -> tensor<5xi8>
  return %y : tensor<5xi8>
}
// CHECK: n17_cast_narrow: tensor<2xui8> [255, 44]
func.func @n17_cast_narrow() -> tensor<2xui8> {
  %x = qc.constant dense<[-1, 300]> : tensor<2xi32>
  %y = qc.cast %x : tensor<2xi32> -> tensor<2xui8>
  return %y : tensor<2xui8>
}
// CHECK: n17_cast_to_bool: tensor<3xi1> [0, 1, 1]
func.func @n17_cast_to_bool() -> tensor<3xi1> {
  %x = qc.constant dense<[0.0, -0.5, 2.0]> : tensor<3xf32>
  %y = qc.cast %x : tensor<3xf32> -> tensor<3xi1>
  return %y : tensor<3xi1>
}

// N19. (2 * -128 + 8) >> 4 is -15.5 rounded down, (2 * -5 + 8) >> 4 and (16 * 3 - 3 + 8) >> 4 likewise; 127 is limited to 100.
// CHECK: n19_pieces: tensor<7xi8> [-16, -1, 0, 0, 1, 3, 100]
func.func @n19_pieces() -> tensor<7xi8> {
  %x = qc.constant dense<[-128, -5, -1, 0, 1, 3, 127]> : tensor<7xi8>
  %y = qc.pwl %x {knots = array<i32: 0>, slopes = array<i32: 2, 16>, intercepts = array<i32: 0, -3>, shift = 4, code_min = -128, code_max = 100,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<7xi8> -> tensor<7xi8>
  return %y : tensor<7xi8>
}
// 100000 * 30000 - 2999999920 = 80: the terms leave 32 bits, the sum does not; -2999999920 is 1294967376 there.
// CHECK: n19_terms_wrap: tensor<3xi16> [1, 5, 6255]
func.func @n19_terms_wrap() -> tensor<3xi16> {
  %x = qc.constant dense<[29999, 30000, 30001]> : tensor<3xi16>
  %y = qc.pwl %x {knots = array<i32: 30000>, slopes = array<i32: 0, 100000>, intercepts = array<i32: 16, 1294967376>, shift = 4,
                  code_min = -32768, code_max = 32767, max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<3xi16> -> tensor<3xi16>
  return %y : tensor<3xi16>
}

// N20. exp(0), exp(-1), exp(-2) over their sum are 0.6652, 0.2447, 0.0900: 170.3, 62.6, 23.05 of 256.
// CHECK: n20_softmax: {{.*}} [42, -65, -105]
func.func @n20_softmax() -> tensor<3x!quant.uniform<i8:f32, 0.00390625:-128>> {
  %x = qc.constant dense<[2, 1, 0]> : tensor<3xi8> -> tensor<3x!quant.uniform<i8:f32, 1.0>>
  %y = qc.softmax %x {axis = 0} : tensor<3x!quant.uniform<i8:f32, 1.0>> -> tensor<3x!quant.uniform<i8:f32, 0.00390625:-128>>
  return %y : tensor<3x!quant.uniform<i8:f32, 0.00390625:-128>>
}

// N20. Masked: the maximum takes no part; the others are exp(0) and exp(-1) over their sum: 187.15 and 68.85. Then a row without elements.
// CHECK: n20_masked: {{.*}} [-128, 59, -59, -128, -128, -128]
func.func @n20_masked() -> tensor<2x3x!quant.uniform<i8:f32, 0.00390625:-128>> {
  %x = qc.constant dense<[[2, 1, 0], [2, 1, 0]]> : tensor<2x3xi8> -> tensor<2x3x!quant.uniform<i8:f32, 1.0>>
  %m = qc.constant dense<[[0, 1, 1], [0, 0, 0]]> : tensor<2x3xi1>
  %y = qc.softmax %x mask %m : tensor<2x3xi1> {axis = 1} : tensor<2x3x!quant.uniform<i8:f32, 1.0>> -> tensor<2x3x!quant.uniform<i8:f32, 0.00390625:-128>>
  return %y : tensor<2x3x!quant.uniform<i8:f32, 0.00390625:-128>>
}

// N20. Logarithms of the same, with 16-bit codes in and scale 1/2 in front: -0.6803 - d/2 in steps of 1/16 are -10.9, -18.9, -26.9.
// CHECK: n20_log: {{.*}} [-11, -19, -27]
func.func @n20_log() -> tensor<3x!quant.uniform<i8:f32, 0.0625>> {
  %x = qc.constant dense<[2, 1, 0]> : tensor<3xi16> -> tensor<3x!quant.uniform<i16:f32, 1.0>>
  %y = qc.softmax %x {axis = 0, scale = 0.5 : f32, log} : tensor<3x!quant.uniform<i16:f32, 1.0>> -> tensor<3x!quant.uniform<i8:f32, 0.0625>>
  return %y : tensor<3x!quant.uniform<i8:f32, 0.0625>>
}

// N20 on integers: tables of 2^10 * exp(-d), d = 0 to 3.
// CHECK: n20_softmax_codes: tensor<3xi8> [42, -65, -105]
func.func @n20_softmax_codes() -> tensor<3xi8> {
  %x = qc.constant dense<[1, 0, -1]> : tensor<3xi2>
  %t = qc.constant dense<[1024, 377, 139, 51]> : tensor<4xi32>
  %y = qc.softmax_codes %x, %t {axis = 0, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = -128,
                                code_min = -128, code_max = 127} : (tensor<3xi2>, tensor<4xi32>) -> tensor<3xi8>
  return %y : tensor<3xi8>
}

// N21. Mean 0, variance 1; then around the mean 5, and scale and bias: 64 * (2 * +-1 + 0.25) limited to codes.
// CHECK: n21_layer: {{.*}} [-64, 64, -64, 64, -112, 127, -112, 127]
!n21 = !quant.uniform<i8:f32, 0.015625>
func.func @n21_layer() -> tensor<2x4x!n21> {
  %x = qc.constant dense<[[-1, 1, -1, 1], [4, 6, 4, 6]]> : tensor<2x4xi8> -> tensor<2x4x!quant.uniform<i8:f32, 1.0>>
  %s = qc.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %b = qc.constant dense<[[0.0], [0.25]]> : tensor<2x1xf32>
  %y = qc.normalize layer %x scale %s bias %b {first_axis = 1, last_axis = 1, epsilon = 0.0 : f32}
     : (tensor<2x4x!quant.uniform<i8:f32, 1.0>>, tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x4x!n21>
  return %y : tensor<2x4x!n21>
}

// N21. 3 and 4 have the root mean square 3.5355 and the norm 5; the input's zero point is 10.
// CHECK: n21_rms: {{.*}} [54, 72]
func.func @n21_rms() -> tensor<2x!n21> {
  %x = qc.constant dense<[13, 14]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.0:10>>
  %y = qc.normalize rms %x {first_axis = 0, last_axis = 0, epsilon = 0.0 : f32} : (tensor<2x!quant.uniform<i8:f32, 1.0:10>>) -> tensor<2x!n21>
  return %y : tensor<2x!n21>
}
// CHECK: n21_l2: {{.*}} [38, 51]
func.func @n21_l2() -> tensor<2x!n21> {
  %x = qc.constant dense<[13, 14]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.0:10>>
  %y = qc.normalize l2 %x {first_axis = 0, last_axis = 0, epsilon = 0.0 : f32} : (tensor<2x!quant.uniform<i8:f32, 1.0:10>>) -> tensor<2x!n21>
  return %y : tensor<2x!n21>
}

// N21 on integers: c = 3, 4, V = 25 * 2^8 + 1; t = c / sqrt(V) * 2^(20 + 4) = 0.6, 0.8 times 2^20; times 2^29 / 2^43 = 38.4, 51.2.
// CHECK: n21_normalize_codes: tensor<2xi8> [38, 51]
func.func @n21_normalize_codes() -> tensor<2xi8> {
  %x = qc.constant dense<[13, 14]> : tensor<2xi8>
  %m = qc.constant dense<536870912> : tensor<1xi32>
  %o = qc.constant dense<0> : tensor<1xi64>
  %y = qc.normalize_codes l2 %x, %m, %o {first_axis = 0, last_axis = 0, input_zero_point = 10, epsilon = 1, prescale = 8, fraction_bits = 20,
                                         shift = 43, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<2xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// N23. 3, 4 and 0, 0 and, with the second scale 2, 3 and 2.
// CHECK: n23_hypot: {{.*}} [5, 0]
func.func @n23_hypot() -> tensor<2x!quant.uniform<i8:f32, 1.0>> {
  %x = qc.constant dense<[3, 0]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.0>>
  %y = qc.constant dense<[4, 0]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.0>>
  %z = qc.binary hypot %x, %y : (tensor<2x!quant.uniform<i8:f32, 1.0>>, tensor<2x!quant.uniform<i8:f32, 1.0>>) -> tensor<2x!quant.uniform<i8:f32, 1.0>>
  return %z : tensor<2x!quant.uniform<i8:f32, 1.0>>
}
// CHECK: n23_scales: {{.*}} [-5]
func.func @n23_scales() -> tensor<1x!quant.uniform<i8:f32, 0.5:-15>> {
  %x = qc.constant dense<7> : tensor<1xi8> -> tensor<1x!quant.uniform<i8:f32, 1.0:4>>
  %y = qc.constant dense<-2> : tensor<1xi16> -> tensor<1x!quant.uniform<i16:f32, 2.0>>
  %z = qc.binary hypot %x, %y : (tensor<1x!quant.uniform<i8:f32, 1.0:4>>, tensor<1x!quant.uniform<i16:f32, 2.0>>) -> tensor<1x!quant.uniform<i8:f32, 0.5:-15>>
  return %z : tensor<1x!quant.uniform<i8:f32, 0.5:-15>>
}
// CHECK: n23_hypot_codes: tensor<2xi8> [5, 13]
func.func @n23_hypot_codes() -> tensor<2xi8> {
  %x = qc.constant dense<[3, 5]> : tensor<2xi8>
  %y = qc.constant dense<[4, -12]> : tensor<2xi8>
  %z = qc.hypot_codes %x, %y {lhs_zero_point = 0, rhs_zero_point = 0, lhs_multiplier = 1024, rhs_multiplier = 1024, multiplier = 1073741824,
                              shift = 35, zero_point = 0, code_min = -128, code_max = 127} : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return %z : tensor<2xi8>
}

// N21. Mean magnitudes: around the mean 1 they are 1, 1, 1, 3 and 1.5 on average; 3 and 4 have 3.5 on average.
// CHECK: n21_mad: {{.*}} [-21, -21, -21, 64]
func.func @n21_mad() -> tensor<4x!quant.uniform<i8:f32, 0.03125>> {
  %x = qc.constant dense<[0, 0, 0, 4]> : tensor<4xi8> -> tensor<4x!quant.uniform<i8:f32, 1.0>>
  %y = qc.normalize mad %x {first_axis = 0, last_axis = 0, epsilon = 0.0 : f32} : (tensor<4x!quant.uniform<i8:f32, 1.0>>) -> tensor<4x!quant.uniform<i8:f32, 0.03125>>
  return %y : tensor<4x!quant.uniform<i8:f32, 0.03125>>
}
// CHECK: n21_mean_abs: {{.*}} [55, 73]
func.func @n21_mean_abs() -> tensor<2x!n21> {
  %x = qc.constant dense<[13, 14]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.0:10>>
  %y = qc.normalize mean_abs %x {first_axis = 0, last_axis = 0, epsilon = 0.0 : f32} : (tensor<2x!quant.uniform<i8:f32, 1.0:10>>) -> tensor<2x!n21>
  return %y : tensor<2x!n21>
}
// CHECK: n21_float: {{.*}} [-0.5, -0.5, -0.5, 1.5]
func.func @n21_float() -> tensor<4xf32> {
  %x = qc.constant dense<[0.0, 0.0, 0.0, 4.0]> : tensor<4xf32>
  %y = qc.normalize mad %x {first_axis = 0, last_axis = 0, epsilon = 0.5 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// N21 on integers: c = 3, 4, V = 7 * 2^8 + 1; t = c / 1793 * 2^30 = 1796556, 2395408; times 2^29 / 2^44 = 54.8, 73.1.
// CHECK: n21_magnitude_codes: tensor<2xi8> [55, 73]
func.func @n21_magnitude_codes() -> tensor<2xi8> {
  %x = qc.constant dense<[13, 14]> : tensor<2xi8>
  %m = qc.constant dense<536870912> : tensor<1xi32>
  %o = qc.constant dense<0> : tensor<1xi64>
  %y = qc.normalize_codes mean_abs %x, %m, %o {first_axis = 0, last_axis = 0, input_zero_point = 10, epsilon = 1, prescale = 8, fraction_bits = 22,
                                               shift = 44, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<2xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// N24. Quotients 7/2, -7/2, 1/4 and -1/4 are 7, -7, 0.5 and -0.5 steps; then divisors of 0, and a quotient beyond the codes.
// CHECK: n24_div: {{.*}} [10, -4, 3, 3, 127, -128, 3, 127]
!n24 = !quant.uniform<i8:f32, 0.5:3>
!one = !quant.uniform<i8:f32, 1.0>
func.func @n24_div() -> tensor<8x!n24> {
  %x = qc.constant dense<[7, -7, 1, -1, 5, -5, 0, 100]> : tensor<8xi8> -> tensor<8x!one>
  %y = qc.constant dense<[2, 2, 4, 4, 0, 0, 0, 1]> : tensor<8xi8> -> tensor<8x!one>
  %z = qc.div %x, %y : (tensor<8x!one>, tensor<8x!one>) -> tensor<8x!n24>
  return %z : tensor<8x!n24>
}
// CHECK: n24_half_up: {{.*}} [4, 3]
func.func @n24_half_up() -> tensor<2x!n24> attributes {qc.requant = "tflite-single"} {
  %x = qc.constant dense<[1, -1]> : tensor<2xi8> -> tensor<2x!one>
  %y = qc.constant dense<[4, 4]> : tensor<2xi8> -> tensor<2x!one>
  %z = qc.div %x, %y : (tensor<2x!one>, tensor<2x!one>) -> tensor<2x!n24>
  return %z : tensor<2x!n24>
}
// 7 * 3 / (2 * 2) = 5.25, its opposite, 1 * 3 / (3 * 2) = 0.5 and 2 * 3 / (3 * 2) = 1.
// CHECK: n24_divide_codes: tensor<4xi8> [5, -5, 0, 1]
func.func @n24_divide_codes() -> tensor<4xi8> {
  %x = qc.constant dense<[7, -7, 1, 2]> : tensor<4xi8>
  %y = qc.constant dense<[2, 2, 3, 3]> : tensor<4xi8>
  %z = qc.divide_codes %x, %y {lhs_zero_point = 0, rhs_zero_point = 0, multiplier = 3, shift = 1, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  return %z : tensor<4xi8>
}

// N25. Codes of one type compare as their numbers.
// CHECK: n25_compare: tensor<3xi1> [1, 0, 0]
func.func @n25_compare() -> tensor<3xi1> {
  %x = qc.constant dense<[1, 2, 3]> : tensor<3xi8> -> tensor<3x!n24>
  %t = qc.constant dense<2> : tensor<i8> -> tensor<!n24>
  %z = qc.compare less %x, %t : (tensor<3x!n24>, tensor<!n24>) -> tensor<3xi1>
  return %z : tensor<3xi1>
}
