// What the verifiers of constants, types and domains refuse, one rule at a time.
// RUN: qopt -verify-diagnostics -split-input-file %s

func.func @no_constant_shape() {
  // expected-error @below {{value must have shape and element type of the result ('i8'), got 'tensor<2xi8>'}}
  %0 = qc.constant dense<1> : tensor<2xi8> -> tensor<3x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_constant_code_type() {
  // expected-error @below {{value must have shape and element type of the result ('ui8'), got 'tensor<2xi8>'}}
  %0 = qc.constant dense<1> : tensor<2xi8> -> tensor<2x!quant.uniform<u8:f32, 0.5>>
  return
}

// -----

func.func @no_zero_point_above_codes() {
  // expected-error @below {{zero point 300 is outside the codes [0, 255]}}
  %0 = qc.constant dense<1> : tensor<2xui8> -> tensor<2x!quant.uniform<u8:f32, 0.5:300>>
  return
}

// -----

func.func @no_zero_point_below_codes(%x: tensor<2x!quant.uniform<i4:f32, 0.5:-9>>) {
  // expected-error @below {{zero point -9 is outside the codes [-8, 7]}}
  %0 = qc.reshape %x : tensor<2x!quant.uniform<i4:f32, 0.5:-9>> -> tensor<2x1x!quant.uniform<i4:f32, 0.5:-9>>
  return
}

// -----

func.func @no_zero_point_per_axis(%x: tensor<2x!quant.uniform<i8:f32:0, {0.5:1, 0.5:128}>>) {
  // expected-error @below {{zero point 128 is outside the codes [-128, 127]}}
  %0 = qc.gather %x {indices = array<i64: 0, 1>, axis = 0} : tensor<2x!quant.uniform<i8:f32:0, {0.5:1, 0.5:128}>> -> tensor<2x!quant.uniform<i8:f32:0, {0.5:1, 0.5:128}>>
  return
}

// -----

func.func @no_scales_beyond_axis(%x: tensor<3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) {
  // expected-error @below {{has 2 scales along axis 0 of 'tensor<3x!quant.uniform<i8:f32:0}}
  %0 = qc.transpose %x {permutation = array<i64: 0>} : tensor<3x!quant.uniform<i8:f32:0, {0.5, 0.25}>> -> tensor<3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  return
}

// -----

func.func @no_axis_beyond_rank(%x: tensor<2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>) {
  // expected-error @below {{has 2 scales along axis 1 of 'tensor<2x!quant.uniform<i8:f32:1}}
  %0 = qc.transpose %x {permutation = array<i64: 0>} : tensor<2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> -> tensor<2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  return
}

// -----

func.func @no_scale_below_f32(%x: tensor<2x!quant.uniform<i8:f32, 1.0e-42>>) {
  // expected-error @below {{is not a normal f32 number}}
  %0 = qc.transpose %x {permutation = array<i64: 0>} : tensor<2x!quant.uniform<i8:f32, 1.0e-42>> -> tensor<2x!quant.uniform<i8:f32, 1.0e-42>>
  return
}

// -----

func.func @no_expressed_f16(%x: tensor<2x!quant.uniform<i8:f16, 0.5>>) {
  // expected-error @below {{quantized types stand for f32, not for 'f16'}}
  %0 = qc.transpose %x {permutation = array<i64: 0>} : tensor<2x!quant.uniform<i8:f16, 0.5>> -> tensor<2x!quant.uniform<i8:f16, 0.5>>
  return
}

// -----

func.func @no_scheme_any(%x: tensor<2x!quant.any<i8:f32>>) {
  // expected-error @below {{has no quantization scheme}}
  %0 = qc.transpose %x {permutation = array<i64: 0>} : tensor<2x!quant.any<i8:f32>> -> tensor<2x!quant.any<i8:f32>>
  return
}

// -----

func.func @no_element_index(%x: tensor<2xindex>) {
  // expected-error @below {{element type must be a float, a quantized type or an integer, not 'index'}}
  %0 = qc.add %x, %x : (tensor<2xindex>, tensor<2xindex>) -> tensor<2xindex>
  return
}

// -----

func.func @no_domains_mixed_add(%x: tensor<2xf32>, %y: tensor<2xi8>) {
  // expected-error @below {{operands and result must be all float, all quantized or all integer}}
  %0 = qc.add %x, %y : (tensor<2xf32>, tensor<2xi8>) -> tensor<2xf32>
  return
}

// -----

func.func @no_domains_mixed_conv_weight(%x: tensor<1x1x3xf32>, %w: tensor<1x1x1xi8>) {
  // expected-error @below {{operands and result must be all float, all quantized or all integer}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x3xf32>, tensor<1x1x1xi8>) -> tensor<1x1x3xf32>
  return
}

// -----

func.func @no_domains_mixed_bias(%x: tensor<1x2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xi32>) {
  // expected-error @below {{operands and result must be all float, all quantized or all integer}}
  %0 = qc.matmul %x, %w, %b : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xi32>) -> tensor<1x2xf32>
  return
}

// -----

func.func @no_domains_mixed_reshape(%x: tensor<2xi8>) {
  // expected-error @below {{operands and result must be all float, all quantized or all integer}}
  %0 = qc.reshape %x : tensor<2xi8> -> tensor<2xf32>
  return
}

// -----

func.func @no_moves_widen(%x: tensor<2xi8>) {
  // expected-error @below {{moves values and cannot turn 'i8' into 'i32'}}
  %0 = qc.gather %x {indices = array<i64: 0>, axis = 0} : tensor<2xi8> -> tensor<1xi32>
  return
}
