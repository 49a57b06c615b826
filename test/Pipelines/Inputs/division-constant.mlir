func.func @main(%x: tensor<1x4xf32> {qc.name = "x"}) -> (tensor<1x4xf32> {qc.name = "z"}) {
  %y = qc.constant dense<[[1.0, 0.0, 2.0, 4.0]]> : tensor<1x4xf32>
  %z = qc.div %x, %y : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32> loc("z"("quotient"))
  return %z : tensor<1x4xf32>
}
