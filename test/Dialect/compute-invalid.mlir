// What the verifiers of contractions, accumulators, pools, reductions and element-wise ops refuse.
// RUN: qopt -verify-diagnostics -split-input-file %s

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

func.func @no_binary_types(%x: tensor<2xf32>, %y: tensor<2xi32>) {
  // expected-error @below {{needs one element type, got 'f32' and 'i32'}}
  %0 = qc.binary rem %x, %y : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_binary_quantized(%x: tensor<2x!quant.uniform<i8:f32, 0.5>>) {
  // expected-error @below {{has no meaning on quantized types}}
  %0 = qc.binary rem %x, %x : (tensor<2x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @no_binary_kind_float(%x: tensor<2xf32>) {
  // expected-error @below {{of kind xor has no meaning on 'f32'}}
  %0 = qc.binary xor %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_binary_kind_integer(%x: tensor<2xi8>) {
  // expected-error @below {{of kind pow has no meaning on 'i8'}}
  %0 = qc.binary pow %x, %x : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
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

func.func @no_compare_of_two_types(%x: tensor<2x!quant.uniform<i8:f32, 0.5>>, %y: tensor<2x!quant.uniform<i8:f32, 0.25>>) {
  // expected-error @below {{compares codes of one type with one scale}}
  %0 = qc.compare less %x, %y : (tensor<2x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i8:f32, 0.25>>) -> tensor<2xi1>
  return
}

// -----

func.func @no_compare_per_axis(%x: tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) {
  // expected-error @below {{compares codes of one type with one scale}}
  %0 = qc.compare less %x, %x : (tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>, tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2xi1>
  return
}
