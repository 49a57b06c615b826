// Factors of channels move between layers until both sides have the same largest weight.
// RUN: qopt %s --qc-equalize-layers | FileCheck %s

// 8 and 2 become 4 and 4, the bias moves along; a channel without weights on one side stays.
// CHECK-LABEL: @products
// CHECK-SAME: qc.equalization = [{channels = 2 : i64, largest_factor = 2.000000e+00 : f64, least_factor = 1.000000e+00 : f64, name = "a"}]
// CHECK: qc.constant dense<{{\[\[}}4.000000e+00, 0.000000e+00]]>
// CHECK: qc.constant dense<[5.000000e-01, 1.000000e+00]>
// CHECK: qc.constant dense<{{\[\[}}4.000000e+00], [3.000000e+00]]>
func.func @products(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %w = qc.constant dense<[[8.0, 0.0]]> : tensor<1x2xf32>
  %b = qc.constant dense<[1.0, 1.0]> : tensor<2xf32>
  %v = qc.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %y = qc.matmul %x, %w, %b {clamp_min = 0.0 : f32} : (tensor<1x1xf32>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32> loc("a")
  %z = qc.matmul %y, %v : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %z : tensor<1x1xf32>
}

// Through pooling, into two readers, of which the larger weight counts, and into a depthwise one.
// CHECK-LABEL: @convolutions
// CHECK-SAME: channels = 2 : i64, largest_factor = 2.000000e+00 : f64, least_factor = 1.000000e+00 : f64, name = "a"
// CHECK: qc.constant dense<4.000000e+00> : tensor<2x1x1xf32>
// CHECK: qc.constant dense<2.000000e+00> : tensor<1x2x1xf32>
// CHECK: qc.constant dense<4.000000e+00> : tensor<2x1x1xf32>
func.func @convolutions(%x: tensor<1x1x4xf32>) -> (tensor<1x1x2xf32>, tensor<1x2x2xf32>) {
  %w = qc.constant dense<[[[8.0]], [[4.0]]]> : tensor<2x1x1xf32>
  %u = qc.constant dense<[[[1.0], [2.0]]]> : tensor<1x2x1xf32>
  %v = qc.constant dense<[[[2.0]], [[4.0]]]> : tensor<2x1x1xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, clamp_min = 0.0 : f32}
     : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32> loc("a")
  %p = qc.pool max %y {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x2x4xf32> -> tensor<1x2x2xf32>
  %s = qc.conv %p, %u {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x2x2xf32>, tensor<1x2x1xf32>) -> tensor<1x1x2xf32>
  %t = qc.conv %p, %v {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2}
     : (tensor<1x2x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2xf32>
  return %s, %t : tensor<1x1x2xf32>, tensor<1x2x2xf32>
}

// A clamp at 6 is one for each channel.
// CHECK-LABEL: @no_upper_clamp
// CHECK-SAME: qc.equalization = []
func.func @no_upper_clamp(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %w = qc.constant dense<8.0> : tensor<1x1xf32>
  %v = qc.constant dense<2.0> : tensor<1x1xf32>
  %y = qc.matmul %x, %w {clamp_min = 0.0 : f32, clamp_max = 6.0 : f32} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %z = qc.matmul %y, %v : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %z : tensor<1x1xf32>
}

// Someone else reads the channels.
// CHECK-LABEL: @no_other_reader
// CHECK-SAME: qc.equalization = []
func.func @no_other_reader(%x: tensor<1x1xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %w = qc.constant dense<8.0> : tensor<1x1xf32>
  %v = qc.constant dense<2.0> : tensor<1x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %z = qc.matmul %y, %v : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %z, %y : tensor<1x1xf32>, tensor<1x1xf32>
}
