module attributes {qc.stage = "integer"} {
  func.func @run(%x: tensor<8x32xi8> {qc.name = "x", qc.scale = 0.5 : f64, qc.zero_point = 0 : i64})
      -> (tensor<8x16xi8> {qc.name = "y", qc.scale = 0.5 : f64, qc.zero_point = 0 : i64}) attributes {qc.requant = "onnx"} {
    %w = qc.constant dense<-100> : tensor<32x64xi8>
    %a = qc.matmul %x, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x64xi8>) -> tensor<8x64xi32> loc("first")
    %b = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608>, shifts = array<i32: 35>, zero_point = 0,
                           code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<8x64xi32>) -> tensor<8x64xi8> loc("middle")
    %v = qc.constant dense<-128> : tensor<64x16xi8>
    %c = qc.matmul %b, %v {acc_bound = 1048576 : ui64} : (tensor<8x64xi8>, tensor<64x16xi8>) -> tensor<8x16xi32> loc("second")
    %y = qc.requantize %c {input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608>, shifts = array<i32: 35>, zero_point = 0,
                           code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<8x16xi32>) -> tensor<8x16xi8> loc("last")
    return %y : tensor<8x16xi8>
  }
}
