// What the verifiers of ops that move values refuse.
// RUN: qopt -verify-diagnostics -split-input-file %s

func.func @no_concat_nothing() {
  // expected-error @below {{needs at least one input}}
  %0 = qc.concat {axis = 0} : () -> tensor<2xf32>
  return
}

// -----

func.func @no_concat_axis(%x: tensor<2xf32>) {
  // expected-error @below {{axis -1 is outside [0, 1)}}
  %0 = qc.concat %x, %x {axis = -1} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @no_concat_rank(%x: tensor<2xf32>, %y: tensor<2x1xf32>) {
  // expected-error @below {{inputs differ in rank}}
  %0 = qc.concat %x, %y {axis = 0} : (tensor<2xf32>, tensor<2x1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @no_concat_sizes(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @below {{inputs differ in dimension 1: 3 and 4}}
  %0 = qc.concat %x, %y {axis = 0} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @no_slice_entries(%x: tensor<2x3xf32>) {
  // expected-error @below {{starts, sizes and steps must have one entry per dimension}}
  %0 = qc.slice %x {starts = array<i64: 0>, sizes = array<i64: 1>, steps = array<i64: 1>} : tensor<2x3xf32> -> tensor<1x3xf32>
  return
}

// -----

func.func @no_slice_beyond(%x: tensor<3xf32>) {
  // expected-error @below {{slice leaves dimension 0 of size 3}}
  %0 = qc.slice %x {starts = array<i64: 1>, sizes = array<i64: 3>, steps = array<i64: 1>} : tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @no_slice_before(%x: tensor<3xf32>) {
  // expected-error @below {{slice leaves dimension 0 of size 3}}
  %0 = qc.slice %x {starts = array<i64: 1>, sizes = array<i64: 3>, steps = array<i64: -1>} : tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @no_slice_step_zero(%x: tensor<3xf32>) {
  // expected-error @below {{slice leaves dimension 0 of size 3}}
  %0 = qc.slice %x {starts = array<i64: 1>, sizes = array<i64: 3>, steps = array<i64: 0>} : tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @no_pad_entries(%x: tensor<2x3xf32>) {
  // expected-error @below {{low and high must have one entry per dimension}}
  %0 = qc.pad %x {low = array<i64: 0>, high = array<i64: 0, 0>} : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @no_pad_negative(%x: tensor<3xf32>) {
  // expected-error @below {{pads must not be negative}}
  %0 = qc.pad %x {low = array<i64: -1>, high = array<i64: 0>} : tensor<3xf32> -> tensor<2xf32>
  return
}

// -----

func.func @no_pad_reflect_large(%x: tensor<3xf32>) {
  // expected-error @below {{reflected pads must be smaller than dimension 0}}
  %0 = qc.pad %x {low = array<i64: 3>, high = array<i64: 0>, mode = #qc<pad_mode reflect>} : tensor<3xf32> -> tensor<6xf32>
  return
}

// -----

func.func @no_reshape_count(%x: tensor<3xf32>) {
  // expected-error @below {{input has 3 elements, result 4}}
  %0 = qc.reshape %x : tensor<3xf32> -> tensor<4xf32>
  return
}

// -----

func.func @no_transpose_repeat(%x: tensor<2x2xf32>) {
  // expected-error @below {{permutation is not one of the input's dimensions}}
  %0 = qc.transpose %x {permutation = array<i64: 0, 0>} : tensor<2x2xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @no_transpose_short(%x: tensor<2x2xf32>) {
  // expected-error @below {{permutation is not one of the input's dimensions}}
  %0 = qc.transpose %x {permutation = array<i64: 1>} : tensor<2x2xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @no_gather_axis(%x: tensor<2xf32>) {
  // expected-error @below {{axis 1 is outside [0, 1)}}
  %0 = qc.gather %x {indices = array<i64: 0>, axis = 1} : tensor<2xf32> -> tensor<1xf32>
  return
}

// -----

func.func @no_gather_index(%x: tensor<2xf32>) {
  // expected-error @below {{index 2 is outside [0, 2)}}
  %0 = qc.gather %x {indices = array<i64: 2>, axis = 0} : tensor<2xf32> -> tensor<1xf32>
  return
}

// -----

func.func @no_take_index_type(%x: tensor<2xf32>, %i: tensor<2xi8>) {
  // expected-error @below {{indices must be i32 or i64, not 'i8'}}
  %0 = qc.take %x, %i : (tensor<2xf32>, tensor<2xi8>) -> tensor<2xf32>
  return
}

// -----

func.func @no_take_of_scalar(%x: tensor<f32>, %i: tensor<2xi32>) {
  // expected-error @below {{input must have rank 1 or more}}
  %0 = qc.take %x, %i : (tensor<f32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_scatter_rank(%x: tensor<2xf32>, %i: tensor<1x2xi32>, %u: tensor<2xf32>) {
  // expected-error @below {{input must have rank 1 or more and indices rank 1}}
  %0 = qc.scatter set %x, %i, %u : (tensor<2xf32>, tensor<1x2xi32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @no_scatter_updates(%x: tensor<2x3xf32>, %i: tensor<2xi32>, %u: tensor<2x2xf32>) {
  // expected-error @below {{updates must be one row of the input for each index}}
  %0 = qc.scatter set %x, %i, %u : (tensor<2x3xf32>, tensor<2xi32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  return
}
