func.func @main(%a: tensor<1x64xf32> {qc.name = "a"}, %b: tensor<1x64xf32> {qc.name = "b"}) -> (tensor<1x64xf32> {qc.name = "y"}, tensor<1x64xf32> {qc.name = "z"}) {
  %y = qc.activation tanh %a : tensor<1x64xf32> -> tensor<1x64xf32> loc("y")
  %z = qc.activation tanh %b : tensor<1x64xf32> -> tensor<1x64xf32> loc("z")
  return %y, %z : tensor<1x64xf32>, tensor<1x64xf32>
}
