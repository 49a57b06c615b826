// A logarithm, as a model would have it behind a positive feature.
func.func @main(%x: tensor<1x4xf32> {qc.name = "x"}) -> (tensor<1x4xf32> {qc.name = "y"}) {
  %y = qc.activation log %x : tensor<1x4xf32> -> tensor<1x4xf32> loc("y"("log_1"))
  return %y : tensor<1x4xf32>
}
