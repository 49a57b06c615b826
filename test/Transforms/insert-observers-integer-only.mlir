// With integer-only, every op that would run in float is an error, all at once; a softmax runs in integers.
// RUN: qopt %s --qc-insert-observers=integer-only=true -verify-diagnostics -split-input-file

func.func @no_integer_only_float_ops(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{(qc.binary) would run in float, which -integer-only forbids: a rem of two tensors has no integer form}}
  %d = qc.binary rem %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // expected-error@+1 {{(qc.binary) would run in float, which -integer-only forbids: a pow of two tensors has no integer form}}
  %s = qc.binary pow %d, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %a = qc.add %s, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %a : tensor<4xf32>
}

// -----

func.func @integer_only_softmax_at_the_end(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = qc.softmax %x {axis = 0} : tensor<4xf32> -> tensor<4xf32>
  return %s : tensor<4xf32>
}

// -----

// A model that rounds even its probabilities.
func.func @integer_only_rounded_softmax_at_the_end(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = qc.softmax %x {axis = 0} : tensor<4xf32> -> tensor<4xf32>
  %q = quant.qcast %s : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.00390625:-128>>
  %f = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.00390625:-128>> to tensor<4xf32>
  return %f : tensor<4xf32>
}
