func.func @main(%x: tensor<1x4xf32> {qc.name = "x"}, %y: tensor<1x4xf32> {qc.name = "y"}) -> (tensor<1x4xf32> {qc.name = "z"}) {
  %z = qc.div %x, %y : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32> loc("z"("quotient"))
  return %z : tensor<1x4xf32>
}
