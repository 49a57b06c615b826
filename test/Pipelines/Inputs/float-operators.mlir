// Between integer products: a normalization, a selection by a comparison, and rows chosen by a computed index; one function is a table.
func.func @main(%x: tensor<1x4x6xf32> {qc.name = "x"}) -> (tensor<1x4x6xf32> {qc.name = "y"}) {
  %w = qc.constant dense<[[0.5, -1.0, 0.25, 0.1, 0.7, -0.2], [0.125, 0.75, -0.5, 0.3, -0.6, 0.4], [1.0, 0.1, -0.25, 0.2, 0.9, 0.3],
    [0.3, 0.2, 0.1, -0.7, 0.2, 0.5], [-0.4, 0.6, 0.8, 0.5, -0.1, 0.2], [0.2, -0.3, 0.6, 0.1, 0.4, -0.9]]> : tensor<6x6xf32>
  %a = qc.matmul %x, %w : (tensor<1x4x6xf32>, tensor<6x6xf32>) -> tensor<1x4x6xf32> loc("a"("project"))
  %g = qc.activation erf %a : tensor<1x4x6xf32> -> tensor<1x4x6xf32> loc("g"("curve"))
  %m = qc.reduce mean %g {axes = array<i64: 2>, keep_dims} : tensor<1x4x6xf32> -> tensor<1x4x1xf32> loc("m"("mean"))
  %c = qc.sub %g, %m : (tensor<1x4x6xf32>, tensor<1x4x1xf32>) -> tensor<1x4x6xf32> loc("c"("centre"))
  %p = qc.compare less %m, %c : (tensor<1x4x1xf32>, tensor<1x4x6xf32>) -> tensor<1x4x6xi1> loc("p"("above"))
  %s = qc.select %p, %c, %m : (tensor<1x4x6xi1>, tensor<1x4x6xf32>, tensor<1x4x1xf32>) -> tensor<1x4x6xf32> loc("s"("choose"))
  %i = qc.constant dense<[[3, 0, -1, 1]]> : tensor<1x4xi64>
  %f = qc.reshape %s : tensor<1x4x6xf32> -> tensor<4x6xf32> loc("f"("flat"))
  %t = qc.take %f, %i : (tensor<4x6xf32>, tensor<1x4xi64>) -> tensor<1x4x6xf32> loc("t"("rows"))
  %y = qc.matmul %t, %w : (tensor<1x4x6xf32>, tensor<6x6xf32>) -> tensor<1x4x6xf32> loc("y"("mix"))
  return %y : tensor<1x4x6xf32>
}
