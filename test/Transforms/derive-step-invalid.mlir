// What a step cannot do is an error that names the op: what mixes positions, what looks ahead, what has no rule.
// RUN: qopt %s --split-input-file --verify-diagnostics --qc-derive-step='sequence=x bounded'
// RUN: not qopt %s --split-input-file --qc-derive-step=sequence=x 2>&1 | FileCheck %s --check-prefix=STREAM
// RUN: not qopt %s --split-input-file --qc-derive-step=sequence=tokens 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not qopt %s --split-input-file --qc-derive-step=sequence=x:7 2>&1 | FileCheck %s --check-prefix=AXIS
// NAME: error: sequence 'tokens': no input 'tokens'; the inputs are 'x'
// AXIS: error: sequence 'x:7': '7' is no axis of the input: use 0 to 1

// STREAM: error: 'matmul' needs all earlier rows of the sequence, which a stream does not keep; -decode keeps those of a sequence
func.func @no_sum(%x: tensor<2x4xi8> {qc.name = "x"}) -> (tensor<2x2xi32> {qc.name = "y"}) {
  %t = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x4xi8> -> tensor<4x2xi8>
  // expected-error@below {{'matmul' sums over the positions of the sequence without a causal mask}}
  %0 = qc.matmul %x, %t {acc_bound = 65536 : ui64} : (tensor<2x4xi8>, tensor<4x2xi8>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

func.func @no_mask(%x: tensor<2x4xi8> {qc.name = "x"}) -> (tensor<4x4xi8> {qc.name = "y"}) {
  %t = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x4xi8> -> tensor<4x2xi8>
  %0 = qc.matmul %t, %x {acc_bound = 32768 : ui64} : (tensor<4x2xi8>, tensor<2x4xi8>) -> tensor<4x4xi32>
  %1 = qc.requantize %0 {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 30>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<4x4xi32>) -> tensor<4x4xi8>
  %e = qc.constant dense<1024> : tensor<256xi32>
  // expected-error@below {{'softmax_codes' looks at all positions: it has no mask that hides later ones}}
  %2 = qc.softmax_codes %1, %e {axis = 1, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = -128, code_min = -128, code_max = 127} : (tensor<4x4xi8>, tensor<256xi32>) -> tensor<4x4xi8>
  return %2 : tensor<4x4xi8>
}

// -----

func.func @no_late_mask(%x: tensor<2x3xi8> {qc.name = "x"}) -> (tensor<3x3xi8> {qc.name = "y"}) {
  %t = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xi8> -> tensor<3x2xi8>
  %0 = qc.matmul %t, %x {acc_bound = 32768 : ui64} : (tensor<3x2xi8>, tensor<2x3xi8>) -> tensor<3x3xi32>
  %1 = qc.requantize %0 {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 30>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<3x3xi32>) -> tensor<3x3xi8>
  %e = qc.constant dense<1024> : tensor<256xi32>
  %m = qc.constant dense<[[true, true, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  // expected-error@below {{'softmax_codes' has a mask that shows later positions: it is not causal}}
  %2 = qc.softmax_codes %1, %e mask %m {axis = 1, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = -128, code_min = -128, code_max = 127} : (tensor<3x3xi8>, tensor<256xi32>, tensor<3x3xi1>) -> tensor<3x3xi8>
  return %2 : tensor<3x3xi8>
}

// -----

func.func @no_pairs_result(%x: tensor<2x3xi8> {qc.name = "x"}) -> (tensor<3x3xi32> {qc.name = "y"}) {
  %t = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xi8> -> tensor<3x2xi8>
  // expected-error@below {{output 'y' has a row for each pair of positions: a step gives rows of its own only}}
  %0 = qc.matmul %t, %x {acc_bound = 32768 : ui64} : (tensor<3x2xi8>, tensor<2x3xi8>) -> tensor<3x3xi32>
  return %0 : tensor<3x3xi32>
}

// -----

func.func @no_reduce(%x: tensor<2x3xi8> {qc.name = "x"}) -> (tensor<2xi32> {qc.name = "y"}) {
  // expected-error@below {{'reduce' reduces the axis of the sequence}}
  %0 = qc.reduce sum %x {axes = array<i64: 1>, acc_bound = 384 : ui64} : tensor<2x3xi8> -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

func.func @no_softmax(%x: tensor<2x3xi8> {qc.name = "x"}) -> (tensor<2x3xi8> {qc.name = "y"}) {
  %e = qc.constant dense<1024> : tensor<256xi32>
  // expected-error@below {{'softmax_codes' normalizes over the axis of the sequence}}
  %0 = qc.softmax_codes %x, %e {axis = 1, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = -128, code_min = -128, code_max = 127} : (tensor<2x3xi8>, tensor<256xi32>) -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}

// -----

func.func @no_merge(%x: tensor<2x3xi8> {qc.name = "x"}) -> (tensor<6xi8> {qc.name = "y"}) {
  // expected-error@below {{'reshape' merges or divides the axis of the sequence}}
  %0 = qc.reshape %x : tensor<2x3xi8> -> tensor<6xi8>
  return %0 : tensor<6xi8>
}

// -----

func.func @no_flip(%x: tensor<2x3xi8> {qc.name = "x"}) -> (tensor<2x3xi8> {qc.name = "y"}) {
  // expected-error@below {{'gather' selects elements of the axis of the sequence}}
  %0 = qc.gather %x {indices = array<i64: 2, 1, 0>, axis = 1} : tensor<2x3xi8> -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}

// -----

func.func @no_steps(%x: tensor<2x4xi8> {qc.name = "x"}) -> (tensor<2x2xi8> {qc.name = "y"}) {
  // expected-error@below {{'slice' takes not every row of the sequence}}
  %0 = qc.slice %x {starts = array<i64: 0, 0>, sizes = array<i64: 2, 2>, steps = array<i64: 1, 2>} : tensor<2x4xi8> -> tensor<2x2xi8>
  return %0 : tensor<2x2xi8>
}

// -----

func.func @no_concat(%x: tensor<2x4xi8> {qc.name = "x"}) -> (tensor<2x8xi8> {qc.name = "y"}) {
  // expected-error@below {{'concat' joins values along the axis of the sequence}}
  %0 = qc.concat %x, %x {axis = 1} : (tensor<2x4xi8>, tensor<2x4xi8>) -> tensor<2x8xi8>
  return %0 : tensor<2x8xi8>
}

// -----

func.func @no_mirror(%x: tensor<2x4xi8> {qc.name = "x"}) -> (tensor<2x5xi8> {qc.name = "y"}) {
  // expected-error@below {{'pad' repeats rows of the sequence at its ends: a step knows none in front of the first one}}
  %0 = qc.pad %x {low = array<i64: 0, 1>, high = array<i64: 0, 0>, mode = #qc<pad_mode reflect>} : tensor<2x4xi8> -> tensor<2x5xi8>
  return %0 : tensor<2x5xi8>
}

// -----

func.func @no_scatter(%x: tensor<2x4xi32> {qc.name = "x"}) -> (tensor<2x4xi32> {qc.name = "y"}) {
  %i = qc.constant dense<0> : tensor<1xi32>
  %u = qc.constant dense<0> : tensor<1x4xi32>
  // expected-error@below {{'scatter' has no rule for the axis of the sequence}}
  %0 = qc.scatter set %x, %i, %u : (tensor<2x4xi32>, tensor<1xi32>, tensor<1x4xi32>) -> tensor<2x4xi32>
  return %0 : tensor<2x4xi32>
}

// -----

func.func @no_scales(%x: tensor<2x3xi32> {qc.name = "x"}) -> (tensor<2x3xi8> {qc.name = "y"}) {
  // expected-error@below {{'requantize' has a scale or table for each row of the sequence}}
  %0 = qc.requantize %x {axis = 1, input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912, 12582912, 12582912>, shifts = array<i32: 30, 30, 30>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2x3xi32>) -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}

// -----

func.func @no_lookahead(%x: tensor<1x1x6xi8> {qc.name = "x"}) -> (tensor<1x1x6xi32> {qc.name = "y"}) {
  %w = qc.constant dense<1> : tensor<1x1x3xi8>
  // expected-error@below {{output 'y' is not causal: of 6 rows the last 1 need rows behind the end of the sequence; pad at the start only}}
  %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1 : i64, acc_bound = 384 : ui64}
     : (tensor<1x1x6xi8>, tensor<1x1x3xi8>) -> tensor<1x1x6xi32>
  return %y : tensor<1x1x6xi32>
}

// -----

func.func @no_pad_behind_lookahead(%x: tensor<1x1x6xi32> {qc.name = "x"}) -> (tensor<1x1x4xi32> {qc.name = "y"}) {
  %0 = qc.pool max %x {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x1x6xi32> -> tensor<1x1x4xi32>
  // expected-error@below {{'pool' pads the start of a value that comes 2 rows late, because something before it looks ahead}}
  %1 = qc.pool max %0 {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 2, 0>, dilations = array<i64: 1>} : tensor<1x1x4xi32> -> tensor<1x1x4xi32>
  return %1 : tensor<1x1x4xi32>
}

// -----

// STREAM: error: 'add' has an operand that differs from row to row: a stream has no positions; -decode counts them
// expected-error@below {{no output has a row for each row of the sequence}}
func.func @no_rows(%x: tensor<2x4xi32> {qc.name = "x"}) -> (tensor<2x2xi32> {qc.name = "y"}) {
  %c = qc.constant dense<0> : tensor<2x2xi32>
  %p = qc.constant dense<[[0, 1, 2, 3]]> : tensor<1x4xi32>
  %0 = qc.add %x, %p : (tensor<2x4xi32>, tensor<1x4xi32>) -> tensor<2x4xi32>
  return %c : tensor<2x2xi32>
}

// -----

// expected-error@below {{sequence 'x': the function has states already; a step makes its own}}
func.func @no_states(%x: tensor<2x4xi32> {qc.name = "x"}, %h: tensor<1xi32> {qc.name = "h", qc.state = "hn"}) -> (tensor<2x4xi32> {qc.name = "y"}, tensor<1xi32> {qc.name = "hn"}) {
  return %x, %h : tensor<2x4xi32>, tensor<1xi32>
}

// -----

// expected-error@below {{sequence 'x': the input has one row only: give the graph of a whole sequence}}
func.func @no_sequence(%x: tensor<1x1xi32> {qc.name = "x"}) -> (tensor<1x1xi32> {qc.name = "y"}) {
  return %x : tensor<1x1xi32>
}
