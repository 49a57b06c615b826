// Gradients of what blocks may hold, against differences of the result: weights, then biases of each layer, then step sizes.
// RUN: qopt %s --test-qc-block-gradients -o /dev/null | FileCheck %s

// CHECK: inverted_residual: expand agree agree depthwise agree agree project agree
func.func @inverted_residual(%x: tensor<1x4x6x5xf32>) -> tensor<1x4x6x5xf32> {
  %w = qc.constant dense<[[[[0.25]], [[0.48]], [[0.59]], [[0.88]]], [[[0.48]], [[0.84]], [[-0.94]], [[-0.07]]], [[[0.89]], [[0.30]], [[0.80]], [[-0.77]]], [[[-0.06]], [[-0.51]], [[0.09]], [[0.15]]], [[[-0.97]], [[-0.57]], [[-0.44]], [[0.83]]], [[[0.53]], [[-0.68]], [[0.59]], [[-0.72]]], [[[0.23]], [[-0.75]], [[-1.00]], [[0.74]]], [[[-0.58]], [[-0.57]], [[0.96]], [[0.74]]]]> : tensor<8x4x1x1xf32>
  %b = qc.constant dense<[0.1, -0.2, 0.3, 0.2, -0.1, 0.5, 0.25, -0.3]> : tensor<8xf32>
  %e = qc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, clamp_min = 0.0 : f32, clamp_max = 6.0 : f32}
     : (tensor<1x4x6x5xf32>, tensor<8x4x1x1xf32>, tensor<8xf32>) -> tensor<1x8x6x5xf32> loc("expand")
  %v = qc.constant dense<[[[[-0.42, 0.92, 0.08], [0.36, -0.59, 0.88], [0.38, 0.93, 0.79]]], [[[-0.40, -0.28, -0.67], [-0.71, -0.87, -0.40], [0.21, -0.99, 0.36]]], [[[-0.32, -0.38, 0.64], [-0.04, -0.37, -0.04], [0.41, -0.89, 0.95]]], [[[-0.95, 0.50, 0.69], [-0.96, 0.58, -0.27], [0.16, -0.98, -0.91]]], [[[-0.64, 0.91, -0.61], [0.51, 0.86, 0.88], [-0.31, -0.29, 0.05]]], [[[0.55, -0.78, 0.50], [0.59, 0.72, -0.93], [0.89, -0.82, -0.32]]], [[[0.22, 0.84, -0.32], [0.85, 0.09, -0.38], [-0.37, -0.65, -0.84]]], [[[-0.70, 0.38, 0.99], [-0.68, -0.90, 0.97], [0.07, -0.19, -0.53]]]]> : tensor<8x1x3x3xf32>
  %c = qc.constant dense<0.25> : tensor<8xf32>
  %d = qc.conv %e, %v, %c {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 8, clamp_min = 0.0 : f32}
     : (tensor<1x8x6x5xf32>, tensor<8x1x3x3xf32>, tensor<8xf32>) -> tensor<1x8x6x5xf32> loc("depthwise")
  %u = qc.constant dense<[[[[0.19]], [[0.65]], [[-0.09]], [[-0.16]], [[-0.89]], [[0.83]], [[-0.93]], [[-0.01]]], [[[0.68]], [[-0.74]], [[0.46]], [[0.90]], [[0.26]], [[0.58]], [[-0.79]], [[-0.13]]], [[[-0.70]], [[0.69]], [[-0.41]], [[-0.09]], [[1.00]], [[0.70]], [[0.95]], [[-0.09]]], [[[-0.02]], [[0.46]], [[-0.04]], [[-0.42]], [[-0.19]], [[-0.71]], [[-0.25]], [[0.98]]]]> : tensor<4x8x1x1xf32>
  %p = qc.conv %d, %u {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x8x6x5xf32>, tensor<4x8x1x1xf32>) -> tensor<1x4x6x5xf32> loc("project")
  %y = qc.add %x, %p : (tensor<1x4x6x5xf32>, tensor<1x4x6x5xf32>) -> tensor<1x4x6x5xf32>
  return %y : tensor<1x4x6x5xf32>
}

// Strides, dilations, groups of several channels and what moves or gathers values.
// CHECK: moves: grouped agree dilated agree fc agree agree
func.func @moves(%x: tensor<1x4x7x6xf32>) -> tensor<1x3xf32> {
  %w = qc.constant dense<[[[[0.92, 0.25], [-0.00, -0.32], [-0.82, -0.46]], [[0.56, 0.73], [-0.28, 0.57], [0.55, 0.39]]], [[[0.33, 0.52], [-0.27, 0.41], [-0.44, -0.03]], [[0.54, 0.38], [-0.41, 0.89], [0.30, 0.16]]], [[[-0.98, 0.09], [-0.50, 0.34], [-0.07, 0.63]], [[0.29, 0.60], [-0.30, 0.29], [0.48, 0.66]]], [[[-0.30, 0.69], [0.74, 0.38], [0.95, 0.91]], [[0.04, 0.06], [-0.67, 0.67], [0.87, -0.05]]], [[[0.38, 0.44], [0.46, -0.66], [0.56, 0.16]], [[0.33, -0.16], [0.25, 0.55], [0.27, 0.44]]], [[[-0.94, -0.68], [-0.12, 0.30], [-0.56, 0.37]], [[0.26, -0.92], [-0.06, -0.55], [-0.89, -0.73]]]]> : tensor<6x2x3x2xf32>
  %a = qc.conv %x, %w {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 1>, dilations = array<i64: 1, 1>, groups = 2}
     : (tensor<1x4x7x6xf32>, tensor<6x2x3x2xf32>) -> tensor<1x6x4x6xf32> loc("grouped")
  %v = qc.constant dense<[[[[-0.37, -0.64], [-0.61, -0.93]], [[-0.07, -0.24], [0.22, 0.18]], [[-0.52, 0.81], [-1.00, -0.19]], [[-0.44, -0.18], [-0.77, 0.66]], [[-0.25, -0.93], [0.23, -0.81]], [[0.09, -0.32], [0.16, 0.92]]], [[[0.64, -0.16], [0.63, 0.28]], [[-0.26, -0.72], [0.19, 0.13]], [[0.91, 0.94], [0.22, -0.30]], [[0.79, -1.00], [-0.78, 0.13]], [[0.23, -0.72], [0.26, 0.78]], [[-0.25, -0.14], [-0.55, -0.42]]]]> : tensor<2x6x2x2xf32>
  %b = qc.conv %a, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>, dilations = array<i64: 2, 2>, groups = 1}
     : (tensor<1x6x4x6xf32>, tensor<2x6x2x2xf32>) -> tensor<1x2x2x5xf32> loc("dilated")
  %m = qc.pool average %b {kernel = array<i64: 2, 2>, strides = array<i64: 1, 2>, pads = array<i64: 0, 1, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x2x5xf32> -> tensor<1x2x1x3xf32>
  %n = qc.pool max %b {kernel = array<i64: 2, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x2x5xf32> -> tensor<1x2x1x3xf32>
  %c = qc.concat %m, %n {axis = 1} : (tensor<1x2x1x3xf32>, tensor<1x2x1x3xf32>) -> tensor<1x4x1x3xf32>
  %s = qc.slice %c {starts = array<i64: 0, 3, 0, 2>, sizes = array<i64: 1, 4, 1, 2>, steps = array<i64: 1, -1, 1, -1>} : tensor<1x4x1x3xf32> -> tensor<1x4x1x2xf32>
  %q = qc.pad %s {low = array<i64: 0, 0, 0, 1>, high = array<i64: 0, 0, 0, 0>, value = 0.5 : f32} : tensor<1x4x1x2xf32> -> tensor<1x4x1x3xf32>
  %t = qc.transpose %q {permutation = array<i64: 0, 3, 2, 1>} : tensor<1x4x1x3xf32> -> tensor<1x3x1x4xf32>
  %f = qc.constant dense<[[[[0.5, -2.0, 1.5, 1.0]]]]> : tensor<1x1x1x4xf32>
  %g = qc.mul %t, %f : (tensor<1x3x1x4xf32>, tensor<1x1x1x4xf32>) -> tensor<1x3x1x4xf32>
  %h = qc.sub %g, %t : (tensor<1x3x1x4xf32>, tensor<1x3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %i = qc.reduce mean %h {axes = array<i64: 2>} : tensor<1x3x1x4xf32> -> tensor<1x3x4xf32>
  %j = qc.activation tanh %i : tensor<1x3x4xf32> -> tensor<1x3x4xf32>
  %r = qc.reshape %j : tensor<1x3x4xf32> -> tensor<1x12xf32>
  %u = qc.constant dense<[[0.94, -0.24, 0.92], [0.83, 0.19, -0.48], [0.96, -0.01, -0.17], [-0.36, 0.97, -0.02], [-0.43, -0.05, -0.76], [0.24, -0.11, -0.41], [0.56, 0.65, -0.97], [0.07, -0.45, 0.87], [0.56, -0.51, -0.46], [-0.69, 0.98, -0.41], [0.22, -0.05, 0.29], [0.21, 0.49, -0.76]]> : tensor<12x3xf32>
  %k = qc.constant dense<[0.5, 0.25, -1.0]> : tensor<3xf32>
  %y = qc.matmul %r, %u, %k : (tensor<1x12xf32>, tensor<12x3xf32>, tensor<3xf32>) -> tensor<1x3xf32> loc("fc")
  return %y : tensor<1x3xf32>
}

// CHECK: softmax: qc.softmax has no gradient
func.func @softmax(%x: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %y = qc.softmax %x {axis = 1} : tensor<1x3xf32> -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}

// Roundings so fine that nearly all of what a step size does is where codes end: on both sides, on one, and twice.
// CHECK: roundings: first agree agree second agree steps agree
func.func @roundings(%x: tensor<4x6xf32>) -> tensor<4x3xf32> {
  %q = quant.qcast %x : tensor<4x6xf32> to tensor<4x6x!quant.uniform<i16<-20000:20000>:f32, 2.0e-5>>
  %f = quant.dcast %q : tensor<4x6x!quant.uniform<i16<-20000:20000>:f32, 2.0e-5>> to tensor<4x6xf32>
  %w = qc.constant dense<[[0.25, 0.48, 0.59], [0.88, -0.48, 0.84], [-0.94, -0.07, -0.49], [0.30, 0.80, -0.77], [-0.06, -0.51, 0.09], [0.15, -0.97, -0.57]]> : tensor<6x3xf32>
  %b = qc.constant dense<[0.1, -0.2, 0.3]> : tensor<3xf32>
  %a = qc.matmul %f, %w, %b {clamp_min = 0.0 : f32} : (tensor<4x6xf32>, tensor<6x3xf32>, tensor<3xf32>) -> tensor<4x3xf32> loc("first")
  %r = quant.qcast %a : tensor<4x3xf32> to tensor<4x3x!quant.uniform<i16:f32, 6.0e-6:-32768>>
  %g = quant.dcast %r : tensor<4x3x!quant.uniform<i16:f32, 6.0e-6:-32768>> to tensor<4x3xf32>
  %v = qc.constant dense<[[0.92, 0.25, -0.32], [-0.82, -0.46, 0.56], [0.73, -0.28, 0.57]]> : tensor<3x3xf32>
  %y = qc.matmul %g, %v : (tensor<4x3xf32>, tensor<3x3xf32>) -> tensor<4x3xf32> loc("second")
  return %y : tensor<4x3xf32>
}
