// The identity on i8 codes.
func.func @main(%x: tensor<4xi8> {qc.name = "x"}) -> (tensor<4xi8> {qc.name = "y"}) {
  return %x : tensor<4xi8>
}
