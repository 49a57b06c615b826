// Each rule of the verifiers, one by one.
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

// -----

func.func @no_conv_rank(%x: tensor<1x3xf32>, %w: tensor<1x3xf32>) {
  // expected-error @below {{input and weight must have one rank of at least 3, got 2 and 2}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x1xf32>
  return
}

// -----

func.func @no_conv_rank_differs(%x: tensor<1x1x3xf32>, %w: tensor<1x1x1x1xf32>) {
  // expected-error @below {{input and weight must have one rank of at least 3, got 3 and 4}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x3xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x3xf32>
  return
}

// -----

func.func @no_conv_groups(%x: tensor<1x3x3xf32>, %w: tensor<2x1x1xf32>) {
  // expected-error @below {{groups 2 do not fit input channels 3 and weight [2, 1, ...]}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2} : (tensor<1x3x3xf32>, tensor<2x1x1xf32>) -> tensor<1x2x3xf32>
  return
}

// -----

func.func @no_conv_group_outputs(%x: tensor<1x2x3xf32>, %w: tensor<3x1x1xf32>) {
  // expected-error @below {{groups 2 do not fit input channels 2 and weight [3, 1, ...]}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2} : (tensor<1x2x3xf32>, tensor<3x1x1xf32>) -> tensor<1x3x3xf32>
  return
}

// -----

func.func @no_conv_bias_shape(%x: tensor<1x1x3xf32>, %w: tensor<2x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{bias must have shape [2]}}
  %0 = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x3xf32>, tensor<2x1x1xf32>, tensor<3xf32>) -> tensor<1x2x3xf32>
  return
}

// -----

func.func @no_conv_four_dimensions(%x: tensor<1x1x1x1x1x1xf32>, %w: tensor<1x1x1x1x1x1xf32>) {
  // expected-error @below {{needs 1 to 3 spatial dimensions, got 4}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x1x1x1x1xf32>, tensor<1x1x1x1x1x1xf32>) -> tensor<1x1x1x1x1x1xf32>
  return
}

// -----

func.func @no_conv_attribute_sizes(%x: tensor<1x1x3x3xf32>, %w: tensor<1x1x1x1xf32>) {
  // expected-error @below {{kernel, strides, dilations and pads must have 2, 2, 2 and 4 entries}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x3x3xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x3x3xf32>
  return
}

// -----

func.func @no_conv_stride_zero(%x: tensor<1x1x3xf32>, %w: tensor<1x1x1xf32>) {
  // expected-error @below {{kernel, strides and dilations must be positive}}
  %0 = qc.conv %x, %w {strides = array<i64: 0>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x3xf32>, tensor<1x1x1xf32>) -> tensor<1x1x3xf32>
  return
}

// -----

func.func @no_conv_negative_pad(%x: tensor<1x1x3xf32>, %w: tensor<1x1x1xf32>) {
  // expected-error @below {{pads must not be negative}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: -1, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x3xf32>, tensor<1x1x1xf32>) -> tensor<1x1x2xf32>
  return
}

// -----

func.func @no_conv_large_window(%x: tensor<1x1x3xf32>, %w: tensor<1x1x4xf32>) {
  // expected-error @below {{window is larger than the padded input in spatial dimension 0}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x3xf32>, tensor<1x1x4xf32>) -> tensor<1x1x1xf32>
  return
}

// -----

func.func @no_conv_result_shape(%x: tensor<1x1x3xf32>, %w: tensor<1x1x2xf32>) {
  // expected-error @below {{result shape must be [1, 1, 2], but is [1, 1, 3]}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x1x3xf32>, tensor<1x1x2xf32>) -> tensor<1x1x3xf32>
  return
}

// -----

func.func @no_conv_narrow_bias(%x: tensor<1x1x3xi8>) {
  %w = qc.constant dense<1> : tensor<1x1x1xi8>
  %b = qc.constant dense<1> : tensor<1xi8>
  // expected-error @below {{bias must be i32 or i64 in the quantized and integer domains}}
  %0 = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, acc_bound = 129 : ui64} : (tensor<1x1x3xi8>, tensor<1x1x1xi8>, tensor<1xi8>) -> tensor<1x1x3xi32>
  return
}

// -----

func.func @no_conv_transpose_rank(%x: tensor<1x3xf32>, %w: tensor<1x3xf32>) {
  // expected-error @below {{input and weight must have one rank of at least 3, got 2 and 2}}
  %0 = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, output_padding = array<i64: 0>} : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x1xf32>
  return
}

// -----

func.func @no_conv_transpose_groups(%x: tensor<1x3x3xf32>, %w: tensor<3x1x1xf32>) {
  // expected-error @below {{groups 2 do not fit input channels 3 and weight [3, 1, ...]}}
  %0 = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2, output_padding = array<i64: 0>} : (tensor<1x3x3xf32>, tensor<3x1x1xf32>) -> tensor<1x2x3xf32>
  return
}

// -----

func.func @no_conv_transpose_output_padding_size(%x: tensor<1x1x3xf32>, %w: tensor<1x1x1xf32>) {
  // expected-error @below {{output_padding must have 1 entries}}
  %0 = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, output_padding = array<i64: 0, 0>} : (tensor<1x1x3xf32>, tensor<1x1x1xf32>) -> tensor<1x1x3xf32>
  return
}

// -----

func.func @no_conv_transpose_output_padding_large(%x: tensor<1x1x3xf32>, %w: tensor<1x1x1xf32>) {
  // expected-error @below {{output_padding must be smaller than stride or dilation}}
  %0 = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, output_padding = array<i64: 1>} : (tensor<1x1x3xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  return
}

// -----

func.func @no_conv_transpose_pads(%x: tensor<1x1x3xf32>, %w: tensor<1x1x1xf32>) {
  // expected-error @below {{pads remove all of spatial dimension 0}}
  %0 = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 1>, dilations = array<i64: 1>, groups = 1, output_padding = array<i64: 0>} : (tensor<1x1x3xf32>, tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
  return
}

// -----

func.func @no_matmul_rank(%x: tensor<2xf32>, %y: tensor<2x2xf32>) {
  // expected-error @below {{operands must have rank 2 or more}}
  %0 = qc.matmul %x, %y : (tensor<2xf32>, tensor<2x2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_matmul_inner(%x: tensor<2x3xf32>, %y: tensor<2x2xf32>) {
  // expected-error @below {{inner sizes differ: 3 and 2}}
  %0 = qc.matmul %x, %y : (tensor<2x3xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @no_matmul_batches(%x: tensor<2x2x2xf32>, %y: tensor<3x2x2xf32>) {
  // expected-error @below {{shapes do not broadcast: sizes 2 and 3 in dimension -1}}
  %0 = qc.matmul %x, %y : (tensor<2x2x2xf32>, tensor<3x2x2xf32>) -> tensor<2x2x2xf32>
  return
}

// -----

func.func @no_matmul_bias_shape(%x: tensor<2x2xf32>, %b: tensor<1xf32>) {
  // expected-error @below {{bias must have shape [2]}}
  %0 = qc.matmul %x, %x, %b : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<1xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @no_bound_missing(%x: tensor<1x3xi8>, %y: tensor<3x1xi8>) {
  // expected-error @below {{in the integer domain needs 'acc_bound', the proof that the accumulator cannot overflow}}
  %0 = qc.matmul %x, %y : (tensor<1x3xi8>, tensor<3x1xi8>) -> tensor<1x1xi32>
  return
}

// -----

func.func @no_bound_in_float(%x: tensor<1x3xf32>, %y: tensor<3x1xf32>) {
  // expected-error @below {{'acc_bound' has a meaning in the integer domain only}}
  %0 = qc.matmul %x, %y {acc_bound = 1 : ui64} : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32>
  return
}

// -----

func.func @no_bound_wrong(%x: tensor<1x3xi8>) {
  %w = qc.constant dense<[[-1], [-2], [-3]]> : tensor<3x1xi8>
  %b = qc.constant dense<100> : tensor<1xi32>
  // expected-error @below {{'acc_bound' is 867, but operands and types give 868}}
  %0 = qc.matmul %x, %w, %b {acc_bound = 867 : ui64} : (tensor<1x3xi8>, tensor<3x1xi8>, tensor<1xi32>) -> tensor<1x1xi32>
  return
}

// -----

func.func @no_bound_beyond_type(%x: tensor<1x3xi8>, %y: tensor<3x1xi8>) {
  // expected-error @below {{accumulator type 'i16' cannot hold the bound 49152}}
  %0 = qc.matmul %x, %y {acc_bound = 49152 : ui64} : (tensor<1x3xi8>, tensor<3x1xi8>) -> tensor<1x1xi16>
  return
}

// -----

func.func @no_bound_unknown_weights(%x: tensor<1x1x3xi8>, %w: tensor<1x1x1xi8>) {
  // expected-error @below {{accumulator bound needs constant weights and bias}}
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, acc_bound = 1 : ui64} : (tensor<1x1x3xi8>, tensor<1x1x1xi8>) -> tensor<1x1x3xi32>
  return
}

// -----

func.func @no_bound_unknown_bias(%x: tensor<1x3xi8>, %y: tensor<3x1xi8>, %b: tensor<1xi32>) {
  // expected-error @below {{accumulator bound needs a constant bias}}
  %0 = qc.matmul %x, %y, %b {acc_bound = 1 : ui64} : (tensor<1x3xi8>, tensor<3x1xi8>, tensor<1xi32>) -> tensor<1x1xi32>
  return
}

// -----

func.func @no_bound_sum(%x: tensor<1x3xi8>) {
  // expected-error @below {{'acc_bound' is 383, but operands and types give 384}}
  %0 = qc.reduce sum %x {axes = array<i64: 1>, acc_bound = 383 : ui64} : tensor<1x3xi8> -> tensor<1xi32>
  return
}

// -----

func.func @no_bound_product(%x: tensor<3xi8>) {
  // expected-error @below {{'acc_bound' is 1, but operands and types give 17161}}
  %0 = qc.mul %x, %x {lhs_zero_point = 3, rhs_zero_point = 3, acc_bound = 1 : ui64} : (tensor<3xi8>, tensor<3xi8>) -> tensor<3xi32>
  return
}

// -----

func.func @no_add_broadcast(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @below {{shapes do not broadcast: sizes 2 and 3 in dimension -1}}
  %0 = qc.add %x, %y : (tensor<2xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @no_prelu_slope(%x: tensor<2xf32>, %y: tensor<3x2xf32>) {
  // expected-error @below {{slope must broadcast to the input's shape}}
  %0 = qc.prelu %x, %y : (tensor<2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @no_softmax_axis(%x: tensor<2xf32>) {
  // expected-error @below {{axis 1 is outside [0, 1)}}
  %0 = qc.softmax %x {axis = 1} : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @no_softmax_integer(%x: tensor<2xi8>) {
  // expected-error @below {{has no meaning on plain integers}}
  %0 = qc.softmax %x {axis = 0} : tensor<2xi8> -> tensor<2xi8>
  return
}

// -----

func.func @no_pool_rank(%x: tensor<2x2xf32>) {
  // expected-error @below {{input must have rank 3 or more}}
  %0 = qc.pool max %x {kernel = array<i64: 1>, pads = array<i64: 0, 0>, strides = array<i64: 1>, dilations = array<i64: 1>} : tensor<2x2xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @no_pool_sum_float(%x: tensor<1x1x2xf32>) {
  // expected-error @below {{of kind sum exists in the integer domain only}}
  %0 = qc.pool sum %x {kernel = array<i64: 1>, pads = array<i64: 0, 0>, strides = array<i64: 1>, dilations = array<i64: 1>} : tensor<1x1x2xf32> -> tensor<1x1x2xf32>
  return
}

// -----

func.func @no_pool_average_integer(%x: tensor<1x1x2xi8>) {
  // expected-error @below {{of kind average does not exist in the integer domain: it is a sum and a requantization}}
  %0 = qc.pool average %x {kernel = array<i64: 1>, pads = array<i64: 0, 0>, strides = array<i64: 1>, dilations = array<i64: 1>} : tensor<1x1x2xi8> -> tensor<1x1x2xi8>
  return
}

// -----

func.func @no_pool_window_in_front(%x: tensor<1x1x2xf32>) {
  // expected-error @below {{window 0 has no element of the input in spatial dimension 0}}
  %0 = qc.pool max %x {kernel = array<i64: 1>, pads = array<i64: 1, 0>, strides = array<i64: 1>, dilations = array<i64: 1>} : tensor<1x1x2xf32> -> tensor<1x1x3xf32>
  return
}

// -----

func.func @no_pool_window_behind(%x: tensor<1x1x2xf32>) {
  // expected-error @below {{window 2 has no element of the input in spatial dimension 0}}
  %0 = qc.pool average %x {kernel = array<i64: 2>, pads = array<i64: 0, 2>, strides = array<i64: 1>, dilations = array<i64: 1>} : tensor<1x1x2xf32> -> tensor<1x1x3xf32>
  return
}

// -----

func.func @no_pool_window_between(%x: tensor<1x1x1xf32>) {
  // expected-error @below {{window 1 has no element of the input in spatial dimension 0}}
  %0 = qc.pool max %x {kernel = array<i64: 2>, pads = array<i64: 2, 2>, strides = array<i64: 1>, dilations = array<i64: 2>} : tensor<1x1x1xf32> -> tensor<1x1x3xf32>
  return
}

// -----

func.func @no_reduce_axis(%x: tensor<2xf32>) {
  // expected-error @below {{axis 1 is outside [0, 1)}}
  %0 = qc.reduce sum %x {axes = array<i64: 1>} : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @no_reduce_mean_integer(%x: tensor<2xi8>) {
  // expected-error @below {{of kind mean does not exist in the integer domain: it is a sum and a requantization}}
  %0 = qc.reduce mean %x {axes = array<i64: 0>} : tensor<2xi8> -> tensor<i8>
  return
}

// -----

func.func @no_concat_nothing() {
  // expected-error @below {{needs at least one input}}
  %0 = qc.concat {axis = 0} : () -> tensor<2xf32>
  return
}

// -----

func.func @no_concat_axis(%x: tensor<2xf32>) {
  // expected-error @below {{axis -1 is outside [0, 1)}}
  %0 = qc.concat %x, %x {axis = -1} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @no_concat_rank(%x: tensor<2xf32>, %y: tensor<2x1xf32>) {
  // expected-error @below {{inputs differ in rank}}
  %0 = qc.concat %x, %y {axis = 0} : (tensor<2xf32>, tensor<2x1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @no_concat_sizes(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @below {{inputs differ in dimension 1: 3 and 4}}
  %0 = qc.concat %x, %y {axis = 0} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @no_slice_entries(%x: tensor<2x3xf32>) {
  // expected-error @below {{starts, sizes and steps must have one entry per dimension}}
  %0 = qc.slice %x {starts = array<i64: 0>, sizes = array<i64: 1>, steps = array<i64: 1>} : tensor<2x3xf32> -> tensor<1x3xf32>
  return
}

// -----

func.func @no_slice_beyond(%x: tensor<3xf32>) {
  // expected-error @below {{slice leaves dimension 0 of size 3}}
  %0 = qc.slice %x {starts = array<i64: 1>, sizes = array<i64: 3>, steps = array<i64: 1>} : tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @no_slice_before(%x: tensor<3xf32>) {
  // expected-error @below {{slice leaves dimension 0 of size 3}}
  %0 = qc.slice %x {starts = array<i64: 1>, sizes = array<i64: 3>, steps = array<i64: -1>} : tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @no_slice_step_zero(%x: tensor<3xf32>) {
  // expected-error @below {{slice leaves dimension 0 of size 3}}
  %0 = qc.slice %x {starts = array<i64: 1>, sizes = array<i64: 3>, steps = array<i64: 0>} : tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @no_pad_entries(%x: tensor<2x3xf32>) {
  // expected-error @below {{low and high must have one entry per dimension}}
  %0 = qc.pad %x {low = array<i64: 0>, high = array<i64: 0, 0>} : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @no_pad_negative(%x: tensor<3xf32>) {
  // expected-error @below {{pads must not be negative}}
  %0 = qc.pad %x {low = array<i64: -1>, high = array<i64: 0>} : tensor<3xf32> -> tensor<2xf32>
  return
}

// -----

func.func @no_pad_reflect_large(%x: tensor<3xf32>) {
  // expected-error @below {{reflected pads must be smaller than dimension 0}}
  %0 = qc.pad %x {low = array<i64: 3>, high = array<i64: 0>, mode = #qc<pad_mode reflect>} : tensor<3xf32> -> tensor<6xf32>
  return
}

// -----

func.func @no_reshape_count(%x: tensor<3xf32>) {
  // expected-error @below {{input has 3 elements, result 4}}
  %0 = qc.reshape %x : tensor<3xf32> -> tensor<4xf32>
  return
}

// -----

func.func @no_transpose_repeat(%x: tensor<2x2xf32>) {
  // expected-error @below {{permutation is not one of the input's dimensions}}
  %0 = qc.transpose %x {permutation = array<i64: 0, 0>} : tensor<2x2xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @no_transpose_short(%x: tensor<2x2xf32>) {
  // expected-error @below {{permutation is not one of the input's dimensions}}
  %0 = qc.transpose %x {permutation = array<i64: 1>} : tensor<2x2xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @no_gather_axis(%x: tensor<2xf32>) {
  // expected-error @below {{axis 1 is outside [0, 1)}}
  %0 = qc.gather %x {indices = array<i64: 0>, axis = 1} : tensor<2xf32> -> tensor<1xf32>
  return
}

// -----

func.func @no_gather_index(%x: tensor<2xf32>) {
  // expected-error @below {{index 2 is outside [0, 2)}}
  %0 = qc.gather %x {indices = array<i64: 2>, axis = 0} : tensor<2xf32> -> tensor<1xf32>
  return
}

// -----

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

func.func @no_binary_types(%x: tensor<2xf32>, %y: tensor<2xi32>) {
  // expected-error @below {{needs one element type, got 'f32' and 'i32'}}
  %0 = qc.binary rem %x, %y : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_threshold_axis(%x: tensor<2xf32>, %t: tensor<2x1xf32>) {
  // expected-error @below {{axis 1 is outside the input}}
  %0 = qc.threshold %x, %t {axis = 1 : i64, base = 0 : i64, step = 1 : i64} : (tensor<2xf32>, tensor<2x1xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_binary_quantized(%x: tensor<2x!quant.uniform<i8:f32, 0.5>>) {
  // expected-error @below {{has no meaning on quantized types}}
  %0 = qc.binary rem %x, %x : (tensor<2x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_threshold_rows(%x: tensor<2xf32>, %t: tensor<3x1xf32>) {
  // expected-error @below {{thresholds must be f32, one row or one for each index of 'axis'}}
  %0 = qc.threshold %x, %t {axis = 0 : i64, base = 0 : i64, step = 1 : i64} : (tensor<2xf32>, tensor<3x1xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_binary_kind_float(%x: tensor<2xf32>) {
  // expected-error @below {{of kind xor has no meaning on 'f32'}}
  %0 = qc.binary xor %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_threshold_codes(%x: tensor<2xf32>, %t: tensor<2xf32>) {
  // expected-error @below {{gives codes from 0 to 2 in steps of 1, which are not in '!quant.uniform<i2:f32, 5.000000e-01>'}}
  %0 = qc.threshold %x, %t {base = 0 : i64, step = 1 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x!quant.uniform<i2:f32, 0.5>>
  return
}

// -----

func.func @no_binary_kind_integer(%x: tensor<2xi8>) {
  // expected-error @below {{of kind pow has no meaning on 'i8'}}
  %0 = qc.binary pow %x, %x : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
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

func.func @no_compare_result(%x: tensor<2xi8>) {
  // expected-error @below {{result must be a tensor of i1}}
  %0 = qc.compare less %x, %x : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_select_condition(%x: tensor<2xi8>) {
  // expected-error @below {{condition must be a tensor of i1}}
  %0 = qc.select %x, %x, %x : (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
  return
}

// -----

func.func @no_take_index_type(%x: tensor<2xf32>, %i: tensor<2xi8>) {
  // expected-error @below {{indices must be i32 or i64, not 'i8'}}
  %0 = qc.take %x, %i : (tensor<2xf32>, tensor<2xi8>) -> tensor<2xf32>
  return
}

// -----

func.func @no_take_of_scalar(%x: tensor<f32>, %i: tensor<2xi32>) {
  // expected-error @below {{input must have rank 1 or more}}
  %0 = qc.take %x, %i : (tensor<f32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_scatter_rank(%x: tensor<2xf32>, %i: tensor<1x2xi32>, %u: tensor<2xf32>) {
  // expected-error @below {{input must have rank 1 or more and indices rank 1}}
  %0 = qc.scatter set %x, %i, %u : (tensor<2xf32>, tensor<1x2xi32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_scatter_updates(%x: tensor<2x3xf32>, %i: tensor<2xi32>, %u: tensor<2x2xf32>) {
  // expected-error @below {{updates must be one row of the input for each index}}
  %0 = qc.scatter set %x, %i, %u : (tensor<2x3xf32>, tensor<2xi32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @kernel_weight_bits(%x: tensor<2x8xi8>) {
  // expected-error @+1 {{weight_bits are 1 to 7, not 9}}
  %y = qc.kernel "contract"(%x) {weight_bits = 9 : i64} : (tensor<2x8xi8>) -> tensor<2x8xi8> {
  ^bb0(%a: tensor<2x8xi8>):
    qc.yield %a : tensor<2x8xi8>
  }
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
