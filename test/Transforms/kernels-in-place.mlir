// The result of a kernel takes the buffer of an input that it adds element by element, if nothing else needs that buffer.
// RUN: qopt %s -split-input-file -qc-lower-linalg -qc-lower-buffers | FileCheck %s

// CHECK-LABEL: func.func private @inplace_sum_0
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x8xi8> {{[^,]*}}, %[[A:[^:]*]]: memref<4x8xi8>
// CHECK: qc.kernel "transpose"(%[[X]]) outs(%[[A]])
// CHECK-LABEL: func.func private @inplace_sum_1
// CHECK-SAME: (%[[X:[^:]*]]: memref<4x8xi8> {{[^,]*}}, %[[A:[^:]*]]: memref<4x8xi8>
// CHECK: qc.kernel "pointwise"(%[[X]], %[[A]]) outs(%[[A]])
// CHECK: func.func @inplace_sum{{.*}}qc.arena_bytes = 64
func.func @inplace_sum(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
  %a = qc.kernel "transpose"(%x) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.transpose %b {permutation = array<i64: 0, 1>} : tensor<4x8xi8> -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %s = qc.kernel "pointwise"(%x, %a) : (tensor<4x8xi8>, tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>, %c: tensor<4x8xi8>):
    %t = qc.requantize %b, %c {input_zero_points = array<i64: 0, 0>, multipliers = array<i32: 12582912, 8388608>, shifts = array<i32: 24>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>}
      : (tensor<4x8xi8>, tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %y = qc.kernel "transpose"(%s) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.transpose %b {permutation = array<i64: 0, 1>} : tensor<4x8xi8> -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  return %y : tensor<4x8xi8>
}

// -----

// The input is needed again; the input of the first kernel is the caller's.
// CHECK-LABEL: func.func private @no_inplace_needed_1
// CHECK: qc.kernel "pointwise"(%arg0) outs(%arg1)
// CHECK-LABEL: func.func @no_inplace_needed
// CHECK-SAME: qc.arena_bytes = 128
func.func @no_inplace_needed(%x: tensor<4x8xi8>) -> tensor<8x8xi8> {
  %a = qc.kernel "pointwise"(%x) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 24>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %s = qc.kernel "pointwise"(%a) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 25>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %y = qc.kernel "join"(%a, %s) : (tensor<4x8xi8>, tensor<4x8xi8>) -> tensor<8x8xi8> {
  ^bb0(%b: tensor<4x8xi8>, %c: tensor<4x8xi8>):
    %t = qc.concat %b, %c {axis = 0 : i64} : (tensor<4x8xi8>, tensor<4x8xi8>) -> tensor<8x8xi8>
    qc.yield %t : tensor<8x8xi8>
  }
  return %y : tensor<8x8xi8>
}

// -----

// A result of the function is written where it belongs.
// CHECK-LABEL: func.func private @no_inplace_result_1
// CHECK: qc.kernel "pointwise"(%arg0) outs(%arg1)
// CHECK-LABEL: func.func @no_inplace_result
// CHECK-NOT: qc.kernel
// CHECK-COUNT-2: call @no_inplace_result
// CHECK-NOT: call
// CHECK: return
func.func @no_inplace_result(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
  %a = qc.kernel "pointwise"(%x) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 24>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %s = qc.kernel "pointwise"(%a) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 25>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  return %s : tensor<4x8xi8>
}

// -----

// The convolution reads neighbours of the element that it would overwrite, though the sum does not.
// CHECK-LABEL: func.func private @no_inplace_neighbours_1
// CHECK: qc.kernel "contract"(%arg0) outs(%arg1)
// CHECK-LABEL: func.func @no_inplace_neighbours
// CHECK-SAME: qc.arena_bytes = 128
func.func @no_inplace_neighbours(%x: tensor<4x8xi8>) -> tensor<4x8xi8> {
  %a = qc.kernel "pointwise"(%x) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 24>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %s = qc.kernel "contract"(%a) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %w = qc.constant dense<1> : tensor<8x8xi8>
    %acc = qc.matmul %b, %w {acc_bound = 1024 : ui64} : (tensor<4x8xi8>, tensor<8x8xi8>) -> tensor<4x8xi32>
    %t = qc.requantize %acc, %b {input_zero_points = array<i64: 0, 0>, multipliers = array<i32: 12582912, 8388608>, shifts = array<i32: 24>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>}
      : (tensor<4x8xi32>, tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %y = qc.kernel "transpose"(%s) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.transpose %b {permutation = array<i64: 0, 1>} : tensor<4x8xi8> -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  return %y : tensor<4x8xi8>
}

// -----

// Parts of what others read, too, are read where they lie; nothing is copied in order to be overwritten.
// CHECK-LABEL: func.func private @no_inplace_part_1
// CHECK-SAME: memref<4x16xi8> {{.*}}memref<4x8xi8>
// CHECK-NOT: memref.copy
// CHECK-NOT: scf.for
// CHECK: %[[V:.*]] = memref.subview %arg0[0, 0] [4, 8] [1, 1]
// CHECK: qc.kernel "pointwise"(%[[V]]) outs(%arg1)
// CHECK-LABEL: func.func private @no_inplace_part_2
// CHECK-NOT: scf.for
// CHECK: memref.subview %arg0[0, 8] [4, 8] [1, 1]
// CHECK: qc.kernel "pointwise"
func.func @no_inplace_part(%x: tensor<4x16xi8>) -> tensor<8x8xi8> {
  %a = qc.kernel "pointwise"(%x) : (tensor<4x16xi8>) -> tensor<4x16xi8> {
  ^bb0(%b: tensor<4x16xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 24>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<4x16xi8>) -> tensor<4x16xi8>
    qc.yield %t : tensor<4x16xi8>
  }
  %p = qc.slice %a {starts = array<i64: 0, 0>, sizes = array<i64: 4, 8>, steps = array<i64: 1, 1>} : tensor<4x16xi8> -> tensor<4x8xi8>
  %s = qc.kernel "pointwise"(%p) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 25>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %q = qc.slice %a {starts = array<i64: 0, 8>, sizes = array<i64: 4, 8>, steps = array<i64: 1, 1>} : tensor<4x16xi8> -> tensor<4x8xi8>
  %u = qc.kernel "pointwise"(%q) : (tensor<4x8xi8>) -> tensor<4x8xi8> {
  ^bb0(%b: tensor<4x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 25>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<4x8xi8>) -> tensor<4x8xi8>
    qc.yield %t : tensor<4x8xi8>
  }
  %y = qc.kernel "join"(%s, %u) : (tensor<4x8xi8>, tensor<4x8xi8>) -> tensor<8x8xi8> {
  ^bb0(%b: tensor<4x8xi8>, %c: tensor<4x8xi8>):
    %t = qc.concat %b, %c {axis = 0 : i64} : (tensor<4x8xi8>, tensor<4x8xi8>) -> tensor<8x8xi8>
    qc.yield %t : tensor<8x8xi8>
  }
  return %y : tensor<8x8xi8>
}

// -----

// Rows that have no single distance are copied first: such kernels read [rows][elements].
// CHECK-LABEL: func.func private @copied_part_1
// CHECK: %[[PART:.*]] = memref.subview %arg0[0, 1, 0] [2, 3, 8] [1, 1, 1]
// CHECK: scf.for
// CHECK: memref.load %[[PART]]
// CHECK-NOT: qc.kernel "pointwise"(%[[PART]])
// CHECK: qc.kernel "pointwise"
func.func @copied_part(%x: tensor<2x4x8xi8>) -> tensor<2x3x8xi16> {
  %a = qc.kernel "pointwise"(%x) : (tensor<2x4x8xi8>) -> tensor<2x4x8xi8> {
  ^bb0(%b: tensor<2x4x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 24>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<2x4x8xi8>) -> tensor<2x4x8xi8>
    qc.yield %t : tensor<2x4x8xi8>
  }
  %p = qc.slice %a {starts = array<i64: 0, 1, 0>, sizes = array<i64: 2, 3, 8>, steps = array<i64: 1, 1, 1>} : tensor<2x4x8xi8> -> tensor<2x3x8xi8>
  %s = qc.kernel "pointwise"(%p) : (tensor<2x3x8xi8>) -> tensor<2x3x8xi16> {
  ^bb0(%b: tensor<2x3x8xi8>):
    %t = qc.requantize %b {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 25>,
      zero_point = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<2x3x8xi8>) -> tensor<2x3x8xi16>
    qc.yield %t : tensor<2x3x8xi16>
  }
  return %s : tensor<2x3x8xi16>
}
