// What the types of this dialect and their constants refuse.
// RUN: qopt -verify-diagnostics -split-input-file %s

// expected-error @below {{"b1" is no code of weights, as #qc.signs is}}
func.func private @no_code(tensor<2x!qc.coded<"b1", f32, 0.5>>)

// -----

// expected-error @below {{codes stand for f32, not for 'f64'}}
func.func private @no_double(tensor<2x!qc.coded<#qc.signs, f64, 0.5>>)

// -----

// expected-error @below {{needs one scale, or one per index of an axis, not 0}}
func.func private @no_scales(tensor<2x!qc.coded<#qc.signs, f32:0, {}>>)

// -----

// expected-error @below {{scale -5.000000e-01 is not a normal f32 number above 0}}
func.func private @no_negative_scale(tensor<2x!qc.coded<#qc.signs, f32, -0.5>>)

// -----

// expected-error @below {{is not a normal f32 number above 0}}
func.func private @no_wide_scale(tensor<2x!qc.coded<#qc.signs, f32, 0.1>>)

// -----

// expected-error @below {{axis -1 is none}}
func.func private @no_axis(tensor<2x!qc.coded<#qc.signs, f32:-1, {0.5}>>)

// -----

func.func @no_level() {
  // expected-error @below {{holds 0, which is no code of '!qc.coded<#qc.signs, f32, 5.000000e-01>'}}
  %0 = qc.constant dense<[1, 0]> : tensor<2xi2> -> tensor<2x!qc.coded<#qc.signs, f32, 0.5>>
  return
}

// -----

func.func @no_code_type() {
  // expected-error @below {{value must have shape and element type of the result ('i2'), got 'tensor<2xi8>'}}
  %0 = qc.constant dense<[1, 1]> : tensor<2xi8> -> tensor<2x!qc.coded<#qc.signs, f32, 0.5>>
  return
}

// -----

func.func @no_scales_of_axis() {
  // expected-error @below {{has 1 scales along axis 0 of 'tensor<2x!qc.coded<#qc.signs, f32:0, {5.000000e-01}>>'}}
  %0 = qc.constant dense<[1, 1]> : tensor<2xi2> -> tensor<2x!qc.coded<#qc.signs, f32:0, {0.5}>>
  return
}

// -----

func.func @no_dcast_of_upstream(%x: tensor<2x!quant.uniform<i8:f32, 0.5>>) {
  // expected-error @below {{turns codes of a type of this dialect into f32; quant.dcast is for upstream's types}}
  %0 = qc.dcast %x : tensor<2x!quant.uniform<i8:f32, 0.5>> -> tensor<2xf32>
  return
}

// -----

func.func @no_dcast_to_codes(%x: tensor<2x!qc.coded<#qc.signs, f32, 0.5>>) {
  // expected-error @below {{turns codes of a type of this dialect into f32; quant.dcast is for upstream's types}}
  %0 = qc.dcast %x : tensor<2x!qc.coded<#qc.signs, f32, 0.5>> -> tensor<2xi8>
  return
}

// -----

// expected-error @below {{codes of groups have 2 to 4 bits, not 5}}
func.func private @no_wide_group() attributes {code = #qc.grouped<5, 32>}

// -----

// expected-error @below {{a group is a multiple of 16 inputs, not 40}}
func.func private @no_odd_group() attributes {code = #qc.grouped<4, 40>}
