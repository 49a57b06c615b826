// What the evaluator refuses, each with the op that it happened at.
// RUN: qopt -qc-interpret -verify-diagnostics -split-input-file %s

func.func @no_softmax_tiny_step() -> tensor<1x2x!quant.uniform<i8:f32, 1.0e-12>> {
  %x = qc.constant dense<1> : tensor<1x2xi8> -> tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  // expected-error @below {{rows of 2 elements and result codes of step}}
  %y = qc.softmax %x {axis = 1} : tensor<1x2x!quant.uniform<i8:f32, 0.5>> -> tensor<1x2x!quant.uniform<i8:f32, 1.0e-12>>
  return %y : tensor<1x2x!quant.uniform<i8:f32, 1.0e-12>>
}

// -----

func.func @no_normalize_tiny_step() -> tensor<2x!quant.uniform<i8:f32, 1.0e-20>> {
  %x = qc.constant dense<1> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  // expected-error @below {{its result's range is too small against its scale and bias}}
  %y = qc.normalize rms %x {first_axis = 0, last_axis = 0, epsilon = 0.0 : f32} : (tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x!quant.uniform<i8:f32, 1.0e-20>>
  return %y : tensor<2x!quant.uniform<i8:f32, 1.0e-20>>
}

// -----

func.func @no_div_out_of_proportion() -> tensor<2x!quant.uniform<i8:f32, 1.0e3>> {
  %x = qc.constant dense<1> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.0e-6>>
  %y = qc.constant dense<1> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 1.0e3>>
  // expected-error @below {{the result's range is out of proportion to the operands'}}
  %z = qc.div %x, %y : (tensor<2x!quant.uniform<i8:f32, 1.0e-6>>, tensor<2x!quant.uniform<i8:f32, 1.0e3>>) -> tensor<2x!quant.uniform<i8:f32, 1.0e3>>
  return %z : tensor<2x!quant.uniform<i8:f32, 1.0e3>>
}

// -----

func.func @no_add_per_channel_result() -> tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>> {
  %x = qc.constant dense<1> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  // expected-error @below {{result of a computation on quantized types must have one scale}}
  %y = qc.add %x, %x : (tensor<2x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  return %y : tensor<2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
}

// -----

func.func @no_f64() -> tensor<2xf64> {
  %x = qc.constant dense<1.0> : tensor<2xf32>
  // expected-error @below {{has no evaluation on 'tensor<2xf64>'}}
  %y = qc.cast %x : tensor<2xf32> -> tensor<2xf64>
  return %y : tensor<2xf64>
}

// -----

// expected-error @below {{'qc.requant' must be onnx, ort, tflite-double, tflite-single or pow2, not 'up'}}
func.func @no_unknown_contract() -> tensor<2x!quant.uniform<i8:f32, 0.5>> attributes {qc.requant = "up"} {
  %x = qc.constant dense<1> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  %y = qc.mul %x, %x : (tensor<2x!quant.uniform<i8:f32, 0.5>>, tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return %y : tensor<2x!quant.uniform<i8:f32, 0.5>>
}

// -----

// expected-error @below {{cannot be evaluated: it calls itself}}
func.func @no_recursion() -> tensor<2xf32> {
  %x = func.call @no_recursion() : () -> tensor<2xf32>
  return %x : tensor<2xf32>
}

// -----

// expected-error @below {{cannot be evaluated: it needs a body of one block}}
func.func private @external() -> tensor<2xf32>
func.func @no_external_call() -> tensor<2xf32> {
  %x = func.call @external() : () -> tensor<2xf32>
  return %x : tensor<2xf32>
}
