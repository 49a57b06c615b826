// What has no lowering is an error at the op.
// RUN: qopt %s --convert-qc-to-linalg --split-input-file --verify-diagnostics

func.func @no_lowering_quantized(%x: tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x!quant.uniform<i8:f32, 0.5>> { // expected-error {{arguments and results must be tensors with static shapes, got}}
  return %x : tensor<2x!quant.uniform<i8:f32, 0.5>>
}

// -----

func.func @no_lowering_wide_codes(%x: tensor<2xf32>) -> tensor<2xi64> {
  // expected-error @+1 {{to codes wider than 32 bits cannot be compiled}}
  %y = qc.quantize %x {scale = 0.5 : f32, zero_point = 3, code_min = -128, code_max = 127} : tensor<2xf32> -> tensor<2xi64>
  return %y : tensor<2xi64>
}

// -----

func.func @no_lowering_mixed_integers(%x: tensor<2xi8>, %z: tensor<2xi64>) -> tensor<2xi64> {
  // expected-error @+1 {{of integers needs operands and result of one type here}}
  %y = qc.add %x, %z : (tensor<2xi8>, tensor<2xi64>) -> tensor<2xi64>
  return %y : tensor<2xi64>
}

// -----

func.func @no_lowering_other_dialect(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{has no lowering to linalg}}
  %y = math.sqrt %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
