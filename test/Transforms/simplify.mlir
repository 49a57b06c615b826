// Each simplification, and the case that it must leave alone.
// RUN: qopt %s --qc-simplify | FileCheck %s

// CHECK-LABEL: @fold_constants
// CHECK-NEXT: %[[C:.*]] = qc.constant dense<[4.000000e+00, -1.000000e+00]>
// CHECK-NEXT: return %[[C]]
func.func @fold_constants() -> tensor<2xf32> {
  %a = qc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = qc.constant dense<[3.0, -3.0]> : tensor<2xf32>
  %s = qc.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %s : tensor<2xf32>
}

// CHECK-LABEL: @fold_constants_shape_arithmetic
// CHECK-NEXT: qc.constant dense<[3, 2]> : tensor<2xi64>
func.func @fold_constants_shape_arithmetic() -> tensor<2xi64> {
  %a = qc.constant dense<[2, 3, 4]> : tensor<3xi64>
  %b = qc.gather %a {indices = array<i64: 1, 0>, axis = 0} : tensor<3xi64> -> tensor<2xi64>
  return %b : tensor<2xi64>
}

// The bits of a dequantized constant are the point.
// CHECK-LABEL: @no_fold_constants_dequantized
// CHECK: quant.dcast
// CHECK: qc.reshape
func.func @no_fold_constants_dequantized() -> tensor<2x1xf32> {
  %q = qc.constant dense<[1, 2]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  %f = quant.dcast %q : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %r = qc.reshape %f : tensor<2xf32> -> tensor<2x1xf32>
  return %r : tensor<2x1xf32>
}

// CHECK-LABEL: @no_fold_constants_much_larger
// CHECK: qc.pad
func.func @no_fold_constants_much_larger() -> tensor<100001xf32> {
  %a = qc.constant dense<1.0> : tensor<1xf32>
  %p = qc.pad %a {low = array<i64: 0>, high = array<i64: 100000>} : tensor<1xf32> -> tensor<100001xf32>
  return %p : tensor<100001xf32>
}

// CHECK-LABEL: @scale_into_conv
// CHECK-DAG: %[[W:.*]] = qc.constant dense<{{\[\[}}[2.000000e+00, 4.000000e+00]], {{\[}}[9.000000e+00, 1.200000e+01]]]> : tensor<2x1x2xf32>
// CHECK-DAG: %[[B:.*]] = qc.constant dense<[1.200000e+01, -1.000000e+00]> : tensor<2xf32>
// CHECK: %[[Y:.*]] = qc.conv %{{.*}}, %[[W]], %[[B]]
// CHECK-NEXT: return %[[Y]]
func.func @scale_into_conv(%x: tensor<1x1x5xf32>) -> tensor<1x2x4xf32> {
  %w = qc.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %b = qc.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %s = qc.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %o = qc.constant dense<[[[10.0], [5.0]]]> : tensor<1x2x1xf32>
  %c = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x1x5xf32>, tensor<2x1x2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  %m = qc.mul %c, %s : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  %a = qc.add %o, %m : (tensor<1x2x1xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// c - x and x / c, without a bias to begin with.
// CHECK-LABEL: @scale_into_matmul
// CHECK-DAG: %[[W:.*]] = qc.constant dense<{{\[}}[-2.500000e-01, -5.000000e-01]]> : tensor<1x2xf32>
// CHECK-DAG: %[[B:.*]] = qc.constant dense<2.500000e-01> : tensor<2xf32>
// CHECK: qc.matmul %{{.*}}, %[[W]], %[[B]] {clamp_min = 0.000000e+00 : f32}
// CHECK-NEXT: return
func.func @scale_into_matmul(%x: tensor<3x1xf32>) -> tensor<3x2xf32> {
  %w = qc.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %one = qc.constant dense<1.0> : tensor<f32>
  %four = qc.constant dense<4.0> : tensor<f32>
  %c = qc.matmul %x, %w : (tensor<3x1xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  %m = qc.sub %one, %c : (tensor<f32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %d = qc.div %m, %four {clamp_min = 0.0 : f32} : (tensor<3x2xf32>, tensor<f32>) -> tensor<3x2xf32>
  return %d : tensor<3x2xf32>
}

// The output channels of a grouped transposed convolution are spread over two axes of its weight.
// CHECK-LABEL: @scale_into_conv_transpose
// CHECK: qc.constant dense<{{\[\[}}[2.000000e+00]], {{\[}}[3.000000e+00]]]> : tensor<2x1x1xf32>
// CHECK: qc.conv_transpose
// CHECK-NEXT: return
func.func @scale_into_conv_transpose(%x: tensor<1x2x5xf32>) -> tensor<1x2x9xf32> {
  %w = qc.constant dense<1.0> : tensor<2x1x1xf32>
  %s = qc.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %c = qc.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 2}
     : (tensor<1x2x5xf32>, tensor<2x1x1xf32>) -> tensor<1x2x9xf32>
  %m = qc.mul %c, %s : (tensor<1x2x9xf32>, tensor<2x1xf32>) -> tensor<1x2x9xf32>
  return %m : tensor<1x2x9xf32>
}

// Stride 1: a convolution with the kernel turned around. Weights are [input, output / groups, tap] and become [output, input / groups, tap].
// CHECK-LABEL: @transposed_to_conv
// CHECK: %[[W:.*]] = qc.constant dense<{{\[\[}}[3.000000e+00, 2.000000e+00, 1.000000e+00], [9.000000e+00, 8.000000e+00, 7.000000e+00]], {{\[}}[6.000000e+00, 5.000000e+00, 4.000000e+00], [1.200000e+01, 1.100000e+01, 1.000000e+01]]]>
// CHECK: qc.conv %{{.*}}, %[[W]] {dilations = array<i64: 2>, groups = 1 : i64, pads = array<i64: 3, 4>, strides = array<i64: 1>}
func.func @transposed_to_conv(%x: tensor<1x2x5xf32>) -> tensor<1x2x8xf32> {
  %w = qc.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]]> : tensor<2x2x3xf32>
  %c = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 0>, output_padding = array<i64: 0>, dilations = array<i64: 2>, groups = 1}
     : (tensor<1x2x5xf32>, tensor<2x2x3xf32>) -> tensor<1x2x8xf32>
  return %c : tensor<1x2x8xf32>
}

// Padding that cuts more than the kernel reaches.
// CHECK-LABEL: @no_transposed_to_conv_cut
// CHECK: qc.conv_transpose
func.func @no_transposed_to_conv_cut(%x: tensor<1x1x5xf32>) -> tensor<1x1x3xf32> {
  %w = qc.constant dense<1.0> : tensor<1x1x1xf32>
  %c = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x1x5xf32>, tensor<1x1x1xf32>) -> tensor<1x1x3xf32>
  return %c : tensor<1x1x3xf32>
}

// Groups of several channels: one op for each, so that weights have a scale per channel.
// CHECK-LABEL: @split_transposed_groups
// CHECK-DAG: %[[A:.*]] = qc.conv_transpose {{.*}}groups = 1 : i64{{.*}} : (tensor<1x1x3xf32>, tensor<1x2x1xf32>, tensor<2xf32>) -> tensor<1x2x5xf32>
// CHECK-DAG: qc.slice %arg0 {sizes = array<i64: 1, 1, 3>, starts = array<i64: 0, 1, 0>, steps = array<i64: 1, 1, 1>}
// CHECK-DAG: qc.constant dense<[3.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK: qc.concat %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<1x2x5xf32>, tensor<1x2x5xf32>) -> tensor<1x4x5xf32>
func.func @split_transposed_groups(%x: tensor<1x2x3xf32>) -> tensor<1x4x5xf32> {
  %w = qc.constant dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32>
  %b = qc.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %c = qc.conv_transpose %x, %w, %b {strides = array<i64: 2>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 2}
     : (tensor<1x2x3xf32>, tensor<2x2x1xf32>, tensor<4xf32>) -> tensor<1x4x5xf32>
  return %c : tensor<1x4x5xf32>
}

// CHECK-LABEL: @no_scale_into_conv_other_use
// CHECK: qc.conv
// CHECK: qc.mul
func.func @no_scale_into_conv_other_use(%x: tensor<1x1x5xf32>) -> (tensor<1x1x5xf32>, tensor<1x1x5xf32>) {
  %w = qc.constant dense<1.0> : tensor<1x1x1xf32>
  %s = qc.constant dense<2.0> : tensor<f32>
  %c = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x1x5xf32>, tensor<1x1x1xf32>) -> tensor<1x1x5xf32>
  %m = qc.mul %c, %s : (tensor<1x1x5xf32>, tensor<f32>) -> tensor<1x1x5xf32>
  return %c, %m : tensor<1x1x5xf32>, tensor<1x1x5xf32>
}

// CHECK-LABEL: @no_scale_into_conv_clamped
// CHECK: qc.conv
// CHECK: qc.mul
func.func @no_scale_into_conv_clamped(%x: tensor<1x1x5xf32>) -> tensor<1x1x5xf32> {
  %w = qc.constant dense<1.0> : tensor<1x1x1xf32>
  %s = qc.constant dense<2.0> : tensor<f32>
  %c = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, clamp_min = 0.0 : f32}
     : (tensor<1x1x5xf32>, tensor<1x1x1xf32>) -> tensor<1x1x5xf32>
  %m = qc.mul %c, %s : (tensor<1x1x5xf32>, tensor<f32>) -> tensor<1x1x5xf32>
  return %m : tensor<1x1x5xf32>
}

// CHECK-LABEL: @no_scale_into_conv_spatial
// CHECK: qc.conv
// CHECK: qc.mul
func.func @no_scale_into_conv_spatial(%x: tensor<1x1x2xf32>) -> tensor<1x1x2xf32> {
  %w = qc.constant dense<1.0> : tensor<1x1x1xf32>
  %s = qc.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %c = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x1x2xf32>, tensor<1x1x1xf32>) -> tensor<1x1x2xf32>
  %m = qc.mul %c, %s : (tensor<1x1x2xf32>, tensor<2xf32>) -> tensor<1x1x2xf32>
  return %m : tensor<1x1x2xf32>
}

// CHECK-LABEL: @no_scale_into_conv_overflow
// CHECK: qc.conv
// CHECK: qc.mul
func.func @no_scale_into_conv_overflow(%x: tensor<1x1x2xf32>) -> tensor<1x1x2xf32> {
  %w = qc.constant dense<1.0e30> : tensor<1x1x1xf32>
  %s = qc.constant dense<1.0e30> : tensor<f32>
  %c = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x1x2xf32>, tensor<1x1x1xf32>) -> tensor<1x1x2xf32>
  %m = qc.mul %c, %s : (tensor<1x1x2xf32>, tensor<f32>) -> tensor<1x1x2xf32>
  return %m : tensor<1x1x2xf32>
}

// CHECK-LABEL: @depthwise_from_batch_norm
// CHECK-DAG: %[[W:.*]] = qc.constant dense<{{.*}}2.000000e+00{{.*}}3.000000e+00{{.*}}> : tensor<2x1x1xf32>
// CHECK-DAG: %[[B:.*]] = qc.constant dense<[-1.000000e+00, -2.000000e+00]> : tensor<2xf32>
// CHECK: qc.conv %{{.*}}, %[[W]], %[[B]] {{.*}}groups = 2
// CHECK-NEXT: return
func.func @depthwise_from_batch_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %s = qc.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %o = qc.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %m = qc.mul %x, %s : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  %a = qc.sub %m, %o : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// CHECK-LABEL: @no_depthwise_rank_2
// CHECK: qc.mul
// CHECK: qc.add
func.func @no_depthwise_rank_2(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %s = qc.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %m = qc.mul %x, %s : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %a = qc.add %m, %s : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  return %a : tensor<1x2xf32>
}

// CHECK-LABEL: @div_to_mul
// CHECK: %[[R:.*]] = qc.constant dense<2.500000e-01>
// CHECK: qc.mul %{{.*}}, %[[R]] {clamp_max = 1.000000e+00 : f32}
func.func @div_to_mul(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = qc.constant dense<4.0> : tensor<f32>
  %d = qc.div %x, %c {clamp_max = 1.0 : f32} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %d : tensor<4xf32>
}

// CHECK-LABEL: @no_div_to_mul_zero
// CHECK: qc.div
func.func @no_div_to_mul_zero(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = qc.constant dense<[4.0, 0.0]> : tensor<2xf32>
  %d = qc.div %x, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %d : tensor<2xf32>
}

// CHECK-LABEL: @sub_to_add
// CHECK: %[[N:.*]] = qc.constant dense<-4.000000e+00>
// CHECK: qc.add %{{.*}}, %[[N]]
func.func @sub_to_add(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = qc.constant dense<4.0> : tensor<f32>
  %d = qc.sub %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %d : tensor<4xf32>
}

// CHECK-LABEL: @no_sub_to_add_constant_first
// CHECK: qc.sub
func.func @no_sub_to_add_constant_first(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = qc.constant dense<4.0> : tensor<f32>
  %d = qc.sub %c, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %d : tensor<4xf32>
}

// CHECK-LABEL: @drop_no_ops
// CHECK-SAME: %[[X:.*]]: tensor<1x2x3xf32>
// CHECK-NEXT: return %[[X]]
func.func @drop_no_ops(%x: tensor<1x2x3xf32>) -> tensor<1x2x3xf32> {
  %one = qc.constant dense<1.0> : tensor<f32>
  %zero = qc.constant dense<0.0> : tensor<2x1xf32>
  %0 = qc.reshape %x : tensor<1x2x3xf32> -> tensor<1x2x3xf32>
  %1 = qc.transpose %0 {permutation = array<i64: 0, 1, 2>} : tensor<1x2x3xf32> -> tensor<1x2x3xf32>
  %2 = qc.slice %1 {starts = array<i64: 0, 0, 0>, sizes = array<i64: 1, 2, 3>, steps = array<i64: 1, 1, 1>} : tensor<1x2x3xf32> -> tensor<1x2x3xf32>
  %3 = qc.pad %2 {low = array<i64: 0, 0, 0>, high = array<i64: 0, 0, 0>} : tensor<1x2x3xf32> -> tensor<1x2x3xf32>
  %4 = qc.concat %3 {axis = 1} : (tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %5 = qc.clamp %4 : tensor<1x2x3xf32> -> tensor<1x2x3xf32>
  %6 = qc.gather %5 {indices = array<i64: 0, 1, 2>, axis = 2} : tensor<1x2x3xf32> -> tensor<1x2x3xf32>
  %7 = qc.cast %6 : tensor<1x2x3xf32> -> tensor<1x2x3xf32>
  %8 = qc.mul %7, %one : (tensor<1x2x3xf32>, tensor<f32>) -> tensor<1x2x3xf32>
  %9 = qc.add %8, %zero : (tensor<1x2x3xf32>, tensor<2x1xf32>) -> tensor<1x2x3xf32>
  return %9 : tensor<1x2x3xf32>
}

// CHECK-LABEL: @no_drop_reversing_slice
// CHECK: qc.slice
func.func @no_drop_reversing_slice(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y = qc.slice %x {starts = array<i64: 2>, sizes = array<i64: 3>, steps = array<i64: -1>} : tensor<3xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// Adding 0 to a smaller tensor makes it larger.
// CHECK-LABEL: @no_drop_widening_add
// CHECK: qc.add
func.func @no_drop_widening_add(%x: tensor<1xf32>) -> tensor<3xf32> {
  %c = qc.constant dense<0.0> : tensor<3xf32>
  %y = qc.add %x, %c : (tensor<1xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// CHECK-LABEL: @merge_reshapes
// CHECK-SAME: %[[X:.*]]: tensor<4x3xf32>
// CHECK-NEXT: qc.reshape %[[X]] : tensor<4x3xf32> -> tensor<2x6xf32>
// CHECK-NEXT: return
func.func @merge_reshapes(%x: tensor<4x3xf32>) -> tensor<2x6xf32> {
  %0 = qc.reshape %x : tensor<4x3xf32> -> tensor<12xf32>
  %1 = qc.reshape %0 : tensor<12xf32> -> tensor<2x6xf32>
  return %1 : tensor<2x6xf32>
}

// CHECK-LABEL: @merge_transposes
// CHECK-SAME: %[[X:.*]]: tensor<2x3x4xf32>
// CHECK-NEXT: qc.transpose %[[X]] {permutation = array<i64: 2, 0, 1>}
// CHECK-NEXT: return
func.func @merge_transposes(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %0 = qc.transpose %x {permutation = array<i64: 1, 2, 0>} : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %1 = qc.transpose %0 {permutation = array<i64: 1, 2, 0>} : tensor<3x4x2xf32> -> tensor<4x2x3xf32>
  return %1 : tensor<4x2x3xf32>
}

// CHECK-LABEL: @pad_into_conv
// CHECK-NOT: qc.pad
// CHECK: qc.conv {{.*}}pads = array<i64: 1, 2, 4, 6>
func.func @pad_into_conv(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x9x12xf32> {
  %w = qc.constant dense<1.0> : tensor<1x1x1x1xf32>
  %p = qc.pad %x {low = array<i64: 0, 0, 0, 1>, high = array<i64: 0, 0, 3, 4>} : tensor<1x1x4x4xf32> -> tensor<1x1x7x9xf32>
  %y = qc.conv %p, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 2>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x1x7x9xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x9x12xf32>
  return %y : tensor<1x1x9x12xf32>
}

// CHECK-LABEL: @pad_into_average_pool
// CHECK-NOT: qc.pad
// CHECK: qc.pool average {{.*}}{count_include_pad, {{.*}}pads = array<i64: 1, 1>
func.func @pad_into_average_pool(%x: tensor<1x1x4xf32>) -> tensor<1x1x5xf32> {
  %p = qc.pad %x {low = array<i64: 0, 0, 1>, high = array<i64: 0, 0, 1>} : tensor<1x1x4xf32> -> tensor<1x1x6xf32>
  %y = qc.pool average %p {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x1x6xf32> -> tensor<1x1x5xf32>
  return %y : tensor<1x1x5xf32>
}

// A padding zero may win a maximum; the pool's own padding never does.
// CHECK-LABEL: @no_pad_into_max_pool
// CHECK: qc.pad
func.func @no_pad_into_max_pool(%x: tensor<1x1x4xf32>) -> tensor<1x1x5xf32> {
  %p = qc.pad %x {low = array<i64: 0, 0, 1>, high = array<i64: 0, 0, 1>} : tensor<1x1x4xf32> -> tensor<1x1x6xf32>
  %y = qc.pool max %p {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x1x6xf32> -> tensor<1x1x5xf32>
  return %y : tensor<1x1x5xf32>
}

// CHECK-LABEL: @no_pad_into_average_pool_window_outside
// CHECK: qc.pad
func.func @no_pad_into_average_pool_window_outside(%x: tensor<1x1x4xf32>) -> tensor<1x1x6xf32> {
  %p = qc.pad %x {low = array<i64: 0, 0, 2>, high = array<i64: 0, 0, 1>} : tensor<1x1x4xf32> -> tensor<1x1x7xf32>
  %y = qc.pool average %p {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x1x7xf32> -> tensor<1x1x6xf32>
  return %y : tensor<1x1x6xf32>
}

// CHECK-LABEL: @no_pad_into_conv_value
// CHECK: qc.pad
func.func @no_pad_into_conv_value(%x: tensor<1x1x4xf32>) -> tensor<1x1x6xf32> {
  %w = qc.constant dense<1.0> : tensor<1x1x1xf32>
  %p = qc.pad %x {low = array<i64: 0, 0, 1>, high = array<i64: 0, 0, 1>, value = 1.0 : f32} : tensor<1x1x4xf32> -> tensor<1x1x6xf32>
  %y = qc.conv %p, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x1x6xf32>, tensor<1x1x1xf32>) -> tensor<1x1x6xf32>
  return %y : tensor<1x1x6xf32>
}

// CHECK-LABEL: @no_pad_into_conv_channels
// CHECK: qc.pad
func.func @no_pad_into_conv_channels(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  %w = qc.constant dense<1.0> : tensor<1x2x1xf32>
  %p = qc.pad %x {low = array<i64: 0, 1, 0>, high = array<i64: 0, 0, 0>} : tensor<1x1x4xf32> -> tensor<1x2x4xf32>
  %y = qc.conv %p, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x1x4xf32>
  return %y : tensor<1x1x4xf32>
}

// The casts of a model that brings its own quantization round: they stay.
// CHECK-LABEL: @no_fold_casts
// CHECK: quant.qcast
// CHECK: quant.dcast
func.func @no_fold_casts(%a: tensor<4xf32>) -> tensor<4xf32> {
  %q = quant.qcast %a : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %f = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  %r = qc.reshape %f : tensor<4xf32> -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// One slope is a function of one number.
// CHECK-LABEL: @prelu_of_one_slope
// CHECK-NEXT: qc.activation leaky_relu %{{.*}} {alpha = 2.500000e-01 : f32}
func.func @prelu_of_one_slope(%x: tensor<1x3x2xf32>) -> tensor<1x3x2xf32> {
  %s = qc.constant dense<0.25> : tensor<3x1xf32>
  %y = qc.prelu %x, %s : (tensor<1x3x2xf32>, tensor<3x1xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}

// CHECK-LABEL: @no_prelu_of_several_slopes
// CHECK: qc.prelu
func.func @no_prelu_of_several_slopes(%x: tensor<1x3x2xf32>) -> tensor<1x3x2xf32> {
  %s = qc.constant dense<[[0.25], [0.5], [0.25]]> : tensor<3x1xf32>
  %y = qc.prelu %x, %s : (tensor<1x3x2xf32>, tensor<3x1xf32>) -> tensor<1x3x2xf32>
  return %y : tensor<1x3x2xf32>
}
