// The graph of one step: rows of the sequence one by one, convolutions with the rows before, attention with all of them.
// RUN: qopt %s --split-input-file --qc-derive-step=sequence=x | FileCheck %s --check-prefixes=CHECK,STREAM
// RUN: qopt %s --split-input-file --qc-derive-step='sequence=x bounded' | FileCheck %s --check-prefixes=CHECK,DECODE

// What works on rows works on those of the step; a state holds the two rows before, first the code of zero.
// CHECK-LABEL: @conv_causal
// CHECK-SAME: %arg0: tensor<1x2x1xi8> {qc.name = "x", qc.sequence = array<i64: 2, 6, 0>}
// STREAM-SAME: %arg1: tensor<1x2x4xi8> {qc.initial = -3 : i64, qc.name = "t.past", qc.state = "t.next"}
// DECODE-SAME: %arg1: tensor<1xi32> {qc.name = "position", qc.position}, %arg2: tensor<1x2x4xi8> {qc.initial = -3 : i64
// CHECK-SAME: -> (tensor<1x2x1xi32> {qc.name = "y", qc.sequence = array<i64: 2, 6, 0>}, tensor<1x2x4xi8> {qc.name = "t.next"})
// CHECK: %[[T:.*]] = qc.lut %arg0, %{{.*}} : (tensor<1x2x1xi8>, tensor<256xi8>) -> tensor<1x2x1xi8>
// CHECK: %[[W:.*]] = qc.concat %arg{{[12]}}, %[[T]] {axis = 2 : i64} : (tensor<1x2x4xi8>, tensor<1x2x1xi8>) -> tensor<1x2x5xi8>
// CHECK: %[[N:.*]] = qc.slice %[[W]] {sizes = array<i64: 1, 2, 4>, starts = array<i64: 0, 0, 1>
// CHECK: %[[Y:.*]] = qc.conv %[[W]], %{{.*}} pads = array<i64: 0, 0>
// CHECK: return %[[Y]], %[[N]]
func.func @conv_causal(%x: tensor<1x2x6xi8> {qc.name = "x"}) -> (tensor<1x2x6xi32> {qc.name = "y"}) {
  %f = qc.constant dense<5> : tensor<256xi8>
  %t = qc.lut %x, %f : (tensor<1x2x6xi8>, tensor<256xi8>) -> tensor<1x2x6xi8> loc("t")
  %w = qc.constant dense<1> : tensor<2x1x3xi8>
  %y = qc.conv %t, %w {strides = array<i64: 1>, pads = array<i64: 4, 0>, dilations = array<i64: 2>, groups = 2 : i64, pad_value = -3 : i64, acc_bound = 384 : ui64}
     : (tensor<1x2x6xi8>, tensor<2x1x3xi8>) -> tensor<1x2x6xi32>
  return %y : tensor<1x2x6xi32>
}

// -----

// Padded on both sides and cut at the end: the same as padded at the start. Two uses of one history share it.
// CHECK-LABEL: @conv_chomp
// STREAM-SAME: %arg1: tensor<1x1x2xi8> {{.*}}) -> (tensor<1x1x1xi32> {{.*}}, tensor<1x1x1xi32> {{.*}}, tensor<1x1x2xi8>
// CHECK-COUNT-1: qc.concat
// CHECK-COUNT-2: qc.conv
func.func @conv_chomp(%x: tensor<1x1x6xi8> {qc.name = "x"}) -> (tensor<1x1x6xi32> {qc.name = "y"}, tensor<1x1x6xi32> {qc.name = "z"}) {
  %w = qc.constant dense<1> : tensor<1x1x3xi8>
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 2>, dilations = array<i64: 1>, groups = 1 : i64, acc_bound = 384 : ui64}
     : (tensor<1x1x6xi8>, tensor<1x1x3xi8>) -> tensor<1x1x8xi32>
  %y = qc.slice %0 {starts = array<i64: 0, 0, 0>, sizes = array<i64: 1, 1, 6>, steps = array<i64: 1, 1, 1>} : tensor<1x1x8xi32> -> tensor<1x1x6xi32>
  %z = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 0>, dilations = array<i64: 1>, groups = 1 : i64, acc_bound = 384 : ui64}
     : (tensor<1x1x6xi8>, tensor<1x1x3xi8>) -> tensor<1x1x6xi32>
  return %y, %z : tensor<1x1x6xi32>, tensor<1x1x6xi32>
}

// -----

// A pad is the start of the history, whoever reads it; without a pad the result comes two rows late, and what is added to it waits.
// CHECK-LABEL: @conv_padded_late
// STREAM-SAME: %arg1: tensor<1x1x2xi8> {qc.initial = 9 : i64
// STREAM-SAME: %arg2: tensor<1x1x2xi32> {{.*}} -> (tensor<1x1x1xi32> {qc.name = "y", qc.sequence = array<i64: 2, 4, 2>}
// CHECK-NOT: qc.pad
func.func @conv_padded_late(%x: tensor<1x1x6xi8> {qc.name = "x"}) -> (tensor<1x1x4xi32> {qc.name = "y"}) {
  %w = qc.constant dense<1> : tensor<1x1x3xi8>
  %p = qc.pad %x {low = array<i64: 0, 0, 2>, high = array<i64: 0, 0, 0>, pad_value = 9 : i64} : tensor<1x1x6xi8> -> tensor<1x1x8xi8>
  %0 = qc.conv %p, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64, acc_bound = 384 : ui64}
     : (tensor<1x1x8xi8>, tensor<1x1x3xi8>) -> tensor<1x1x6xi32>
  %1 = qc.pool max %0 {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x1x6xi32> -> tensor<1x1x4xi32>
  %2 = qc.slice %0 {starts = array<i64: 0, 0, 0>, sizes = array<i64: 1, 1, 4>, steps = array<i64: 1, 1, 1>} : tensor<1x1x6xi32> -> tensor<1x1x4xi32>
  %y = qc.binary max %1, %2 : (tensor<1x1x4xi32>, tensor<1x1x4xi32>) -> tensor<1x1x4xi32>
  return %y : tensor<1x1x4xi32>
}

// -----

// The axis goes through transposes, reshapes, reductions and products of rows.
// CHECK-LABEL: @rows
// CHECK-SAME: %arg0: tensor<4x6x1xi8> {qc.name = "x", qc.sequence = array<i64: 2, 5, 0>}
// CHECK-SAME: -> (tensor<3x1xi32> {qc.name = "y", qc.sequence = array<i64: 1, 5, 0>})
// CHECK: qc.transpose %arg0 {permutation = array<i64: 1, 2, 0>} : tensor<4x6x1xi8> -> tensor<6x1x4xi8>
// CHECK: qc.reshape %{{.*}} : tensor<6x1x4xi8> -> tensor<2x3x1x2x2xi8>
// CHECK: qc.reduce max %{{.*}} {axes = array<i64: 0, 3>} : tensor<2x3x1x2x2xi8> -> tensor<3x1x2xi8>
// CHECK: qc.matmul %{{.*}}, %{{.*}} : (tensor<3x1x2xi8>, tensor<2x1xi8>) -> tensor<3x1x1xi32>
// CHECK: qc.reshape %{{.*}} : tensor<3x1x1xi32> -> tensor<3x1xi32>
func.func @rows(%x: tensor<4x6x5xi8> {qc.name = "x"}) -> (tensor<3x5xi32> {qc.name = "y"}) {
  %0 = qc.transpose %x {permutation = array<i64: 1, 2, 0>} : tensor<4x6x5xi8> -> tensor<6x5x4xi8>
  %1 = qc.reshape %0 : tensor<6x5x4xi8> -> tensor<2x3x5x2x2xi8>
  %2 = qc.reduce max %1 {axes = array<i64: 0, 3>} : tensor<2x3x5x2x2xi8> -> tensor<3x5x2xi8>
  %w = qc.constant dense<1> : tensor<2x1xi8>
  %3 = qc.matmul %2, %w {acc_bound = 256 : ui64} : (tensor<3x5x2xi8>, tensor<2x1xi8>) -> tensor<3x5x1xi32>
  %y = qc.reshape %3 : tensor<3x5x1xi32> -> tensor<3x5xi32>
  return %y : tensor<3x5xi32>
}
