// What the verifiers of ops on codes and of observes refuse: requantizations, tables, pieces, functions, thresholds.
// RUN: qopt -verify-diagnostics -split-input-file %s

func.func @no_observe_integer(%x: tensor<2xi8>) {
  // expected-error @below {{input must be f32}}
  %0 = qc.observe %x {id = "x", code = i8} : tensor<2xi8>
  return
}

// -----

func.func @no_observe_half_range(%x: tensor<2xf32>) {
  // expected-error @below {{'min' and 'max' come together}}
  %0 = qc.observe %x {id = "x", code = i8, min = -1.0 : f64} : tensor<2xf32>
  return
}

// -----

func.func @no_observe_without_zero(%x: tensor<2xf32>) {
  // expected-error @below {{range must contain zero}}
  %0 = qc.observe %x {id = "x", code = i8, min = 1.0 : f64, max = 2.0 : f64} : tensor<2xf32>
  return
}

// -----

func.func @no_requantize_nothing() {
  // expected-error @below {{needs at least one input}}
  %0 = qc.requantize {input_zero_points = array<i64>, multipliers = array<i32>, shifts = array<i32: 3>, zero_point = 0, code_min = 0, code_max = 1, rounding = #qc<rounding onnx>} : () -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_axis_of_sum(%x: tensor<2xi8>) {
  // expected-error @below {{'axis' goes with a single input}}
  %0 = qc.requantize %x, %x {input_zero_points = array<i64: 0, 0>, multipliers = array<i32: 5, 5, 5, 5>, shifts = array<i32: 3, 3>, axis = 0, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_axis(%x: tensor<2xi32>) {
  // expected-error @below {{axis 1 is outside [0, 1)}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, axis = 1, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_zero_points(%x: tensor<2xi32>) {
  // expected-error @below {{needs one input zero point per input, got 2}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0, 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_multipliers(%x: tensor<2xi32>) {
  // expected-error @below {{needs 2 multipliers, got 1}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3, 3>, axis = 0, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_shifts(%x: tensor<2xi32>) {
  // expected-error @below {{needs 1 shifts, got 2}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3, 3>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_shift_negative(%x: tensor<2xi32>) {
  // expected-error @below {{shift -1 is outside [0, 62]}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: -1>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_shift_63(%x: tensor<2xi32>) {
  // expected-error @below {{shift 63 is outside [0, 62]}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 63>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_to_float(%x: tensor<2xi32>) {
  // expected-error @below {{result must be a tensor of integers}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_requantize_from_float(%x: tensor<2xf32>) {
  // expected-error @below {{inputs must be tensors of integers}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xf32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_code_range(%x: tensor<2xi32>) {
  // expected-error @below {{[code_min, code_max] = [-129, 127] is not a range of 'i8'}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, zero_point = 0, code_min = -129, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_code_range_empty(%x: tensor<2xi32>) {
  // expected-error @below {{[code_min, code_max] = [5, 4] is not a range of 'i8'}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, zero_point = 0, code_min = 5, code_max = 4, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_code_range_unsigned(%x: tensor<2xi32>) {
  // expected-error @below {{[code_min, code_max] = [-1, 127] is not a range of 'ui8'}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, zero_point = 0, code_min = -1, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xui8>
  return
}

// -----

func.func @no_requantize_zero_point(%x: tensor<2xi32>) {
  // expected-error @below {{zero point 128 is outside 'i8'}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, zero_point = 128, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_requantize_overflow(%x: tensor<2xi64>) {
  // expected-error @below {{the sum of products may exceed 62 bits; a narrower accumulator or multiplier is needed}}
  %0 = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 5>, shifts = array<i32: 3>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2xi64>) -> tensor<2xi8>
  return
}

// -----

func.func @no_lut_wide(%x: tensor<2xi32>, %t: tensor<4xi8>) {
  // expected-error @below {{input must be a tensor of integers of at most 16 bits}}
  %0 = qc.lut %x, %t : (tensor<2xi32>, tensor<4xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_lut_axis(%x: tensor<2xi2>, %t: tensor<2x4xi8>) {
  // expected-error @below {{axis 1 is outside the input}}
  %0 = qc.lut %x, %t {axis = 1} : (tensor<2xi2>, tensor<2x4xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_lut_table_shape(%x: tensor<2xi2>, %t: tensor<5xi8>) {
  // expected-error @below {{table must have shape [4]}}
  %0 = qc.lut %x, %t : (tensor<2xi2>, tensor<5xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_lut_table_rows(%x: tensor<2xi2>, %t: tensor<3x4xi8>) {
  // expected-error @below {{table must have shape [2, 4]}}
  %0 = qc.lut %x, %t {axis = 0} : (tensor<2xi2>, tensor<3x4xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_lut_table_type(%x: tensor<2xi2>, %t: tensor<4xi16>) {
  // expected-error @below {{table and result must have one element type}}
  %0 = qc.lut %x, %t : (tensor<2xi2>, tensor<4xi16>) -> tensor<2xi8>
  return
}

// -----

func.func @no_threshold_domain(%x: tensor<2xi8>, %t: tensor<1xf32>) {
  // expected-error @below {{turns real values, f32 or quantized, into codes of a quantized type}}
  %0 = qc.threshold %x, %t {base = 0 : i64, step = 1 : i64} : (tensor<2xi8>, tensor<1xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_threshold_axis(%x: tensor<2xf32>, %t: tensor<2x1xf32>) {
  // expected-error @below {{axis 1 is outside the input}}
  %0 = qc.threshold %x, %t {axis = 1 : i64, base = 0 : i64, step = 1 : i64} : (tensor<2xf32>, tensor<2x1xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_threshold_rows(%x: tensor<2xf32>, %t: tensor<3x1xf32>) {
  // expected-error @below {{thresholds must be f32, one row or one for each index of 'axis'}}
  %0 = qc.threshold %x, %t {axis = 0 : i64, base = 0 : i64, step = 1 : i64} : (tensor<2xf32>, tensor<3x1xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_threshold_codes(%x: tensor<2xf32>, %t: tensor<2xf32>) {
  // expected-error @below {{gives codes from 0 to 2 in steps of 1, which are not in '!quant.uniform<i2:f32, 5.000000e-01>'}}
  %0 = qc.threshold %x, %t {base = 0 : i64, step = 1 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x!quant.uniform<i2:f32, 0.5>>
  return
}

// -----

func.func @no_threshold_order(%x: tensor<2xf32>) {
  %t = qc.constant dense<[1.0, 0.0]> : tensor<2xf32>
  // expected-error @below {{thresholds must ascend}}
  %0 = qc.threshold %x, %t {base = 0 : i64, step = 1 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_function_of_integers(%x: tensor<2xi8>) {
  // expected-error @below {{has no meaning on plain integers}}
  %0 = qc.function "f" %x : tensor<2xi8> -> tensor<2xi8> {
  ^bb0(%a: tensor<f32>):
    qc.yield %a : tensor<f32>
  }
  return
}

// -----

func.func @no_function_argument(%x: tensor<2xf32>) {
  // expected-error @below {{needs a region that takes one tensor<f32>}}
  %0 = qc.function "f" %x : tensor<2xf32> -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    %y = qc.activation tanh %a : tensor<2xf32> -> tensor<2xf32>
    qc.yield %y : tensor<2xf32>
  }
  return
}

// -----

func.func @no_function_op(%x: tensor<2xf32>) {
  // expected-error @below {{holds 'qc.reshape', which computes no f32 number from numbers}}
  %0 = qc.function "f" %x : tensor<2xf32> -> tensor<2xf32> {
  ^bb0(%a: tensor<f32>):
    %y = qc.reshape %a : tensor<f32> -> tensor<f32>
    qc.yield %y : tensor<f32>
  }
  return
}

// -----

func.func @no_function_remainder(%x: tensor<2xf32>) {
  // expected-error @below {{holds 'qc.binary', which computes no f32 number from numbers}}
  %0 = qc.function "f" %x : tensor<2xf32> -> tensor<2xf32> {
  ^bb0(%a: tensor<f32>):
    %y = qc.binary rem %a, %a : (tensor<f32>, tensor<f32>) -> tensor<f32>
    qc.yield %y : tensor<f32>
  }
  return
}

// -----

func.func @no_function_result(%x: tensor<2xf32>) {
  // expected-error @below {{needs a region that yields one tensor<f32>}}
  %0 = qc.function "f" %x : tensor<2xf32> -> tensor<2xf32> {
  ^bb0(%a: tensor<f32>):
    qc.yield %a, %a : tensor<f32>, tensor<f32>
  }
  return
}

// -----

func.func @no_pwl_of_wide_codes(%x: tensor<2xi32>) {
  // expected-error @below {{turns codes of at most 16 bits into codes of at most 16 bits, both of quantized types or both plain}}
  %0 = qc.pwl %x {knots = array<i32>, slopes = array<i32: 1>, intercepts = array<i32: 0>, shift = 0, code_min = -128, code_max = 127,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi32> -> tensor<2xi8>
  return
}

// -----

func.func @no_pwl_between_domains(%x: tensor<2xi8>) {
  // expected-error @below {{both of quantized types or both plain}}
  %0 = qc.pwl %x {knots = array<i32>, slopes = array<i32: 1>, intercepts = array<i32: 0>, shift = 0, code_min = -128, code_max = 127,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.0>>
  return
}

// -----

func.func @no_pwl_piece_count(%x: tensor<2xi8>) {
  // expected-error @below {{has 1 knots, which make 2 pieces, but 1 slopes and 2 intercepts}}
  %0 = qc.pwl %x {knots = array<i32: 0>, slopes = array<i32: 1>, intercepts = array<i32: 0, 0>, shift = 0, code_min = -128, code_max = 127,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2xi8>
  return
}

// -----

func.func @no_pwl_knot_order(%x: tensor<2xi8>) {
  // expected-error @below {{knot 5 does not ascend within the codes of 'i8'}}
  %0 = qc.pwl %x {knots = array<i32: 5, 5>, slopes = array<i32: 1, 1, 1>, intercepts = array<i32: 0, 0, 0>, shift = 0, code_min = -128,
                  code_max = 127, max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2xi8>
  return
}

// -----

func.func @no_pwl_knot_outside(%x: tensor<2xi8>) {
  // expected-error @below {{knot 128 does not ascend within the codes of 'i8'}}
  %0 = qc.pwl %x {knots = array<i32: 128>, slopes = array<i32: 1, 1>, intercepts = array<i32: 0, 0>, shift = 0, code_min = -128,
                  code_max = 127, max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2xi8>
  return
}

// -----

func.func @no_pwl_shift(%x: tensor<2xi8>) {
  // expected-error @below {{shift 31 is outside [0, 30]}}
  %0 = qc.pwl %x {knots = array<i32>, slopes = array<i32: 1>, intercepts = array<i32: 0>, shift = 31, code_min = -128, code_max = 127,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2xi8>
  return
}

// -----

func.func @no_pwl_limits(%x: tensor<2xi8>) {
  // expected-error @below {{[code_min, code_max] = [-129, 127] is not a range of 'i8'}}
  %0 = qc.pwl %x {knots = array<i32>, slopes = array<i32: 1>, intercepts = array<i32: 0>, shift = 0, code_min = -129, code_max = 127,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2xi8>
  return
}

// -----

// 2^24 * -128 + 2^23 (half) is inside 32 bits at 127 and would be at -127; at -128 it is one half too much.
func.func @no_pwl_overflow(%x: tensor<2xi8>) {
  // expected-error @below {{piece 0 exceeds 32 bits at the code -128}}
  %0 = qc.pwl %x {knots = array<i32>, slopes = array<i32: 16777216>, intercepts = array<i32: 0>, shift = 24, code_min = -128, code_max = 127,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2xi8>
  return
}

// -----

func.func @no_lut_between_domains(%x: tensor<2xi2>) {
  %t = qc.constant dense<[0, 1, 2, 3]> : tensor<4xi8>
  // expected-error @below {{input and result must be both quantized or both plain}}
  %0 = qc.lut %x, %t : (tensor<2xi2>, tensor<4xi8>) -> tensor<2x!quant.uniform<i8:f32, 1.0>>
  return
}

// -----

func.func @no_observed_order(%x: tensor<2xf32>) {
  // expected-error @below {{'observed' is a range, its lower end first}}
  %0 = qc.observe %x {id = "x", code = i8, min = 0.0 : f64, max = 2.0 : f64, observed = array<f64: 2.0, 1.0>} : tensor<2xf32>
  return
}
