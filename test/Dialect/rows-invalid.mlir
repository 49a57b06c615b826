// What the verifiers of softmax, normalization and the root of two squares refuse.
// RUN: qopt -verify-diagnostics -split-input-file %s

func.func @no_softmax_mask_numbers(%x: tensor<2xf32>) {
  // expected-error @below {{mask must be a tensor of i1}}
  %0 = qc.softmax %x mask %x : tensor<2xf32> {axis = 0} : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @no_softmax_mask_shape(%x: tensor<2xf32>, %m: tensor<3xi1>) {
  // expected-error @below {{mask must broadcast to the input's shape}}
  %0 = qc.softmax %x mask %m : tensor<3xi1> {axis = 0} : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @no_softmax_codes_wide(%x: tensor<2xi32>) {
  %t = qc.constant dense<1024> : tensor<256xi32>
  // expected-error @below {{turns integers of at most 16 bits into integers}}
  %0 = qc.softmax_codes %x, %t {axis = 0, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = 0,
                                code_min = -128, code_max = 127} : (tensor<2xi32>, tensor<256xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_softmax_codes_tables(%x: tensor<2xi16>) {
  %t = qc.constant dense<1024> : tensor<256xi32>
  // expected-error @below {{needs 2 tables for 'i16'}}
  %0 = qc.softmax_codes %x, %t {axis = 0, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = 0,
                                code_min = -128, code_max = 127} : (tensor<2xi16>, tensor<256xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_softmax_codes_table_size(%x: tensor<2xi2>) {
  %t = qc.constant dense<1024> : tensor<5xi32>
  // expected-error @below {{tables must be constants of i32 with 4 entries}}
  %0 = qc.softmax_codes %x, %t {axis = 0, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = 0,
                                code_min = -128, code_max = 127} : (tensor<2xi2>, tensor<5xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_softmax_codes_table_start(%x: tensor<2xi2>) {
  %t = qc.constant dense<[1024, 377, 1025, 51]> : tensor<4xi32>
  // expected-error @below {{a table begins with 2^fraction_bits, its largest entry}}
  %0 = qc.softmax_codes %x, %t {axis = 0, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = 0,
                                code_min = -128, code_max = 127} : (tensor<2xi2>, tensor<4xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_softmax_codes_fraction(%x: tensor<2xi2>) {
  %t = qc.constant dense<1> : tensor<4xi32>
  // expected-error @below {{'fraction_bits' must lie in [1, 30]}}
  %0 = qc.softmax_codes %x, %t {axis = 0, fraction_bits = 31, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = 0,
                                code_min = -128, code_max = 127} : (tensor<2xi2>, tensor<4xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_softmax_codes_limits(%x: tensor<2xi2>) {
  %t = qc.constant dense<1024> : tensor<4xi32>
  // expected-error @below {{zero point and limits must be codes of 'i8'}}
  %0 = qc.softmax_codes %x, %t {axis = 0, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = 128,
                                code_min = -128, code_max = 127} : (tensor<2xi2>, tensor<4xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_softmax_codes_shift(%x: tensor<2xi2>) {
  %t = qc.constant dense<1024> : tensor<4xi32>
  // expected-error @below {{multipliers and shifts leave 64 bits}}
  %0 = qc.softmax_codes %x, %t {axis = 0, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 40, shift = 12, zero_point = 0,
                                code_min = -128, code_max = 127} : (tensor<2xi2>, tensor<4xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_normalize_integers(%x: tensor<2xi8>) {
  // expected-error @below {{has no meaning on plain integers}}
  %0 = qc.normalize rms %x {first_axis = 0, last_axis = 0, epsilon = 0.0 : f32} : (tensor<2xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_normalize_scale_type(%x: tensor<2xf32>, %s: tensor<2xi8>) {
  // expected-error @below {{scale and bias must be f32}}
  %0 = qc.normalize rms %x scale %s {first_axis = 0, last_axis = 0, epsilon = 0.0 : f32} : (tensor<2xf32>, tensor<2xi8>) -> tensor<2xf32>
  return
}

// -----

func.func @no_normalize_scale_shape(%x: tensor<2xf32>, %s: tensor<3xf32>) {
  // expected-error @below {{scale must broadcast to the input's shape}}
  %0 = qc.normalize rms %x scale %s {first_axis = 0, last_axis = 0, epsilon = 0.0 : f32} : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_normalize_epsilon(%x: tensor<2xf32>) {
  // expected-error @below {{'epsilon' must be a finite number and not negative}}
  %0 = qc.normalize rms %x {first_axis = 0, last_axis = 0, epsilon = -1.0 : f32} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_normalize_axes(%x: tensor<2x3xf32>) {
  // expected-error @below {{'first_axis' to 'last_axis' must be at least one element}}
  %0 = qc.normalize rms %x {first_axis = 1, last_axis = 0, epsilon = 0.0 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @no_normalize_codes_parameters(%x: tensor<4xi8>, %m: tensor<1xi32>) {
  %o = qc.constant dense<0> : tensor<1xi64>
  // expected-error @below {{multipliers must be constants of i32, offsets of i64}}
  %0 = qc.normalize_codes rms %x, %m, %o {first_axis = 0, last_axis = 0, input_zero_point = 0, epsilon = 1, prescale = 8, fraction_bits = 20,
                                          shift = 43, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<4xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<4xi8>
  return
}

// -----

func.func @no_normalize_codes_prescale(%x: tensor<4xi8>) {
  %m = qc.constant dense<1> : tensor<1xi32>
  %o = qc.constant dense<0> : tensor<1xi64>
  // expected-error @below {{rows, 'prescale', 'epsilon' and 'fraction_bits' leave 64 bits}}
  %0 = qc.normalize_codes rms %x, %m, %o {first_axis = 0, last_axis = 0, input_zero_point = 0, epsilon = 1, prescale = 7, fraction_bits = 20,
                                          shift = 43, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<4xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<4xi8>
  return
}

// -----

func.func @no_normalize_codes_offset(%x: tensor<4xi8>) {
  %m = qc.constant dense<1> : tensor<1xi32>
  %o = qc.constant dense<4611686018427387904> : tensor<1xi64>
  // expected-error @below {{multipliers and offsets leave 62 bits}}
  %0 = qc.normalize_codes rms %x, %m, %o {first_axis = 0, last_axis = 0, input_zero_point = 0, epsilon = 1, prescale = 8, fraction_bits = 20,
                                          shift = 43, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<4xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<4xi8>
  return
}

// -----

func.func @no_hypot_codes_wide(%x: tensor<4xi32>) {
  // expected-error @below {{turns integers of at most 16 bits into integers}}
  %0 = qc.hypot_codes %x, %x {lhs_zero_point = 0, rhs_zero_point = 0, lhs_multiplier = 1024, rhs_multiplier = 1024, multiplier = 1073741824,
                              shift = 35, zero_point = 0, code_min = -128, code_max = 127} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi8>
  return
}

// -----

func.func @no_hypot_codes_multiplier(%x: tensor<4xi16>) {
  // expected-error @below {{multipliers and shift leave 62 bits}}
  %0 = qc.hypot_codes %x, %x {lhs_zero_point = 0, rhs_zero_point = 0, lhs_multiplier = 1073741824, rhs_multiplier = 1073741824, multiplier = 1073741824,
                              shift = 35, zero_point = 0, code_min = -128, code_max = 127} : (tensor<4xi16>, tensor<4xi16>) -> tensor<4xi8>
  return
}

// -----

func.func @no_normalize_codes_fraction(%x: tensor<1x4xi8>) -> tensor<1x4xi8> {
  %m = qc.constant dense<1> : tensor<1xi32>
  %o = qc.constant dense<0> : tensor<1xi64>
  // expected-error @below {{'fraction_bits' exceeds the bits of an inverse}}
  %y = qc.normalize_codes rms %x, %m, %o {first_axis = 1, last_axis = 1, input_zero_point = 0, epsilon = 1, prescale = 0, fraction_bits = 32,
                                          shift = 43, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<1x4xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<1x4xi8>
  return %y : tensor<1x4xi8>
}

// -----

func.func @no_softmax_codes_log_multiplier(%x: tensor<1x4xi2>) -> tensor<1x4xi8> {
  %t = qc.constant dense<[1024, 377, 139, 51]> : tensor<4xi32>
  // expected-error @below {{multipliers and shifts leave 64 bits}}
  %y = qc.softmax_codes %x, %t {axis = 1, fraction_bits = 10, multiplier = 1152921504606846976, multiplier_shift = 0, shift = 12, log_multiplier = 1,
                                zero_point = 127, code_min = -128, code_max = 127, log} : (tensor<1x4xi2>, tensor<4xi32>) -> tensor<1x4xi8>
  return %y : tensor<1x4xi8>
}

// -----

func.func @no_magnitude_codes_fraction(%x: tensor<1x4xi8>) -> tensor<1x4xi8> {
  %m = qc.constant dense<1> : tensor<1xi32>
  %o = qc.constant dense<0> : tensor<1xi64>
  // expected-error @below {{'fraction_bits' exceeds the bits of an inverse}}
  %y = qc.normalize_codes mad %x, %m, %o {first_axis = 1, last_axis = 1, input_zero_point = 0, epsilon = 0, prescale = 0, fraction_bits = 32,
                                          shift = 43, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<1x4xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<1x4xi8>
  return %y : tensor<1x4xi8>
}

// -----

func.func @no_magnitude_codes_small_fraction(%x: tensor<1x4xi8>) -> tensor<1x4xi8> {
  %m = qc.constant dense<1> : tensor<1xi32>
  %o = qc.constant dense<0> : tensor<1xi64>
  // expected-error @below {{'fraction_bits' leaves more than 62 bits to shift}}
  %y = qc.normalize_codes mad %x, %m, %o {first_axis = 1, last_axis = 1, input_zero_point = 0, epsilon = 0, prescale = 0, fraction_bits = 29,
                                          shift = 43, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<1x4xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<1x4xi8>
  return %y : tensor<1x4xi8>
}

// -----

func.func @no_divide_codes_wide(%x: tensor<2xi32>) {
  // expected-error @below {{turns integers of at most 16 bits into integers of at most 16 bits}}
  %0 = qc.divide_codes %x, %x {lhs_zero_point = 0, rhs_zero_point = 0, multiplier = 1, shift = 0, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi8>
  return
}

// -----

func.func @no_divide_codes_limits(%x: tensor<2xi8>) {
  // expected-error @below {{zero point and limits must be codes of 'i8'}}
  %0 = qc.divide_codes %x, %x {lhs_zero_point = 0, rhs_zero_point = 0, multiplier = 1, shift = 0, zero_point = 0, code_min = -129, code_max = 127}
     : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_divide_codes_operand(%x: tensor<2xi8>) {
  // expected-error @below {{zero point 128 is outside 'i8'}}
  %0 = qc.divide_codes %x, %x {lhs_zero_point = 0, rhs_zero_point = 128, multiplier = 1, shift = 0, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_divide_codes_multiplier(%x: tensor<2xi8>) {
  // expected-error @below {{'multiplier' must lie in [1, 2^24], 'shift' in [0, 28]}}
  %0 = qc.divide_codes %x, %x {lhs_zero_point = 0, rhs_zero_point = 0, multiplier = 1, shift = 29, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_divide_codes_shape(%x: tensor<2xi8>, %y: tensor<3xi8>) {
  // expected-error @below {{shapes do not broadcast}}
  %0 = qc.divide_codes %x, %y {lhs_zero_point = 0, rhs_zero_point = 0, multiplier = 1, shift = 0, zero_point = 0, code_min = -128, code_max = 127}
     : (tensor<2xi8>, tensor<3xi8>) -> tensor<2xi8>
  return
}
