// Adds each element to itself.
func.func @main(%x: tensor<4xf32> {qc.name = "x"}) -> (tensor<4xf32> {qc.name = "y"}) {
  %y = qc.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
