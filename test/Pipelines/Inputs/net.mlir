// Convolution, batch norm, relu6, residual add, concat, pooling, a table and a classifier: something of each kind of op.
func.func @main(%x: tensor<1x2x6x6xf32> {qc.name = "x"}) -> (tensor<1x3xf32> {qc.name = "y"}) {
  %w0 = qc.constant dense<[[[[0.5, -1.0, 0.25], [0.125, 0.75, -0.5], [1.0, 0.0, -0.25]], [[0.1, 0.2, 0.3], [-0.4, 0.5, -0.6], [0.7, -0.8, 0.9]]],
    [[[-0.5, 1.0, 0.25], [0.125, -0.75, 0.5], [1.0, 0.0, 0.25]], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]]]]> : tensor<2x2x3x3xf32>
  %b0 = qc.constant dense<[0.5, -0.25]> : tensor<2xf32>
  %s = qc.constant dense<[[[1.5]], [[0.5]]]> : tensor<2x1x1xf32>
  %c = qc.conv %x, %w0, %b0 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x2x6x6xf32>, tensor<2x2x3x3xf32>, tensor<2xf32>) -> tensor<1x2x6x6xf32> loc("conv_out"("conv"))
  %n = qc.mul %c, %s : (tensor<1x2x6x6xf32>, tensor<2x1x1xf32>) -> tensor<1x2x6x6xf32> loc("bn_out"("bn"))
  %r = qc.clamp %n {clamp_min = 0.0 : f32, clamp_max = 6.0 : f32} : tensor<1x2x6x6xf32> -> tensor<1x2x6x6xf32> loc("relu_out"("relu"))
  %a = qc.add %r, %x : (tensor<1x2x6x6xf32>, tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32> loc("add_out"("add"))
  %k = qc.concat %a, %r {axis = 1} : (tensor<1x2x6x6xf32>, tensor<1x2x6x6xf32>) -> tensor<1x4x6x6xf32> loc("concat_out"("concat"))
  %p = qc.pool max %k {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x4x6x6xf32> -> tensor<1x4x3x3xf32> loc("pool_out"("pool"))
  %t = qc.activation tanh %p : tensor<1x4x3x3xf32> -> tensor<1x4x3x3xf32> loc("tanh_out"("tanh"))
  %m = qc.reduce mean %t {axes = array<i64: 2, 3>} : tensor<1x4x3x3xf32> -> tensor<1x4xf32> loc("mean_out"("mean"))
  %w1 = qc.constant dense<[[1.0, -1.0, 0.5], [0.25, 0.75, -0.3], [-0.8, 0.6, 0.2], [0.9, -0.4, 0.1]]> : tensor<4x3xf32>
  %y = qc.matmul %m, %w1 : (tensor<1x4xf32>, tensor<4x3xf32>) -> tensor<1x3xf32> loc("fc_out"("fc"))
  %z = qc.softmax %y {axis = 1} : tensor<1x3xf32> -> tensor<1x3xf32> loc("y"("softmax"))
  return %z : tensor<1x3xf32>
}
