// An attention-like softmax, which has an integer form, and a power of two tensors, which has none.
func.func @main(%x: tensor<1x4x6xf32> {qc.name = "x"}) -> (tensor<1x4x6xf32> {qc.name = "y"}) {
  %w = qc.constant dense<[[0.5, -1.0, 0.25, 0.1, 0.7, -0.2], [0.125, 0.75, -0.5, 0.3, -0.6, 0.4], [1.0, 0.1, -0.25, 0.2, 0.9, 0.3],
    [0.3, 0.2, 0.1, -0.7, 0.2, 0.5], [-0.4, 0.6, 0.8, 0.5, -0.1, 0.2], [0.2, -0.3, 0.6, 0.1, 0.4, -0.9]]> : tensor<6x6xf32>
  %a = qc.matmul %x, %w : (tensor<1x4x6xf32>, tensor<6x6xf32>) -> tensor<1x4x6xf32> loc("a"("project"))
  %t = qc.transpose %a {permutation = array<i64: 0, 2, 1>} : tensor<1x4x6xf32> -> tensor<1x6x4xf32> loc("t"("transpose"))
  %m = qc.matmul %a, %t : (tensor<1x4x6xf32>, tensor<1x6x4xf32>) -> tensor<1x4x4xf32> loc("scores"("score"))
  %s = qc.softmax %m {axis = 2} : tensor<1x4x4xf32> -> tensor<1x4x4xf32> loc("weights"("attend"))
  %v = qc.matmul %s, %a : (tensor<1x4x4xf32>, tensor<1x4x6xf32>) -> tensor<1x4x6xf32> loc("mixed"("mix"))
  %k = qc.constant dense<2.0> : tensor<f32>
  %g = qc.activation sigmoid %v : tensor<1x4x6xf32> -> tensor<1x4x6xf32> loc("gate"("gate"))
  %h = qc.add %g, %k : (tensor<1x4x6xf32>, tensor<f32>) -> tensor<1x4x6xf32> loc("shifted"("shift"))
  %d = qc.binary pow %h, %a : (tensor<1x4x6xf32>, tensor<1x4x6xf32>) -> tensor<1x4x6xf32> loc("raised"("raise"))
  %y = qc.activation tanh %d : tensor<1x4x6xf32> -> tensor<1x4x6xf32> loc("y"("squash"))
  return %y : tensor<1x4x6xf32>
}
