// One token of a decoder: keys and values of all positions are states, tables and masks give the row of this position.
// RUN: qopt %s --split-input-file --qc-derive-step='sequence=x bounded' | FileCheck %s

// CHECK-LABEL: @attention
// CHECK-SAME: %arg0: tensor<2x1xi8> {qc.name = "x", qc.sequence = array<i64: 1, 4, 0>}, %[[P:.*]]: tensor<1xi32> {qc.name = "position_2", qc.position}
// CHECK-SAME: %[[K:.*]]: tensor<4x2xi8> {qc.initial = 3 : i64, {{.*}} %[[V:.*]]: tensor<4x2xi8> {qc.initial = 5 : i64, qc.name = "v.past", qc.state = "v.next"}
// The keys lie row by row, whatever their order in the product.
// CHECK: %[[Q:.*]] = qc.transpose %arg0 {permutation = array<i64: 1, 0>} : tensor<2x1xi8> -> tensor<1x2xi8>
// CHECK: %[[KR:.*]] = qc.reshape %arg0 : tensor<2x1xi8> -> tensor<1x2xi8>
// CHECK: %[[KS:.*]] = qc.scatter set %[[K]], %[[P]], %[[KR]]
// CHECK: %[[KA:.*]] = qc.transpose %[[KS]] {permutation = array<i64: 1, 0>} : tensor<4x2xi8> -> tensor<2x4xi8>
// CHECK: qc.matmul %[[Q]], %[[KA]] {acc_bound = {{.*}}} : (tensor<1x2xi8>, tensor<2x4xi8>) -> tensor<1x4xi32>
// CHECK: %[[M:.*]] = qc.take %{{.*}}, %[[P]] : (tensor<4x4xi1>, tensor<1xi32>) -> tensor<1x4xi1>
// CHECK: %[[S:.*]] = qc.softmax_codes %{{.*}} mask %[[M]] {{.*}} -> tensor<1x4xi8>
// CHECK: %[[VS:.*]] = qc.scatter set %[[V]], %[[P]], %[[Q]]
// CHECK: qc.matmul %[[S]], %[[VS]]
func.func @attention(%x: tensor<2x4xi8> {qc.name = "x"}) -> (tensor<4x2xi32> {qc.name = "position"}) {
  %q = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x4xi8> -> tensor<4x2xi8> loc("v")
  %0 = qc.matmul %q, %x {acc_bound = 33536 : ui64, rhs_zero_point = 3 : i64} : (tensor<4x2xi8>, tensor<2x4xi8>) -> tensor<4x4xi32>
  %1 = qc.requantize %0 {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 30>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<4x4xi32>) -> tensor<4x4xi8>
  %m = qc.constant dense<[[true, false, false, false], [true, true, false, false], [false, true, true, false], [false, false, true, true]]> : tensor<4x4xi1>
  %e = qc.constant dense<1024> : tensor<256xi32>
  %2 = qc.softmax_codes %1, %e mask %m {axis = 1, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = -128, code_min = -128, code_max = 127} : (tensor<4x4xi8>, tensor<256xi32>, tensor<4x4xi1>) -> tensor<4x4xi8>
  %3 = qc.matmul %2, %q {acc_bound = 135660 : ui64, lhs_zero_point = -128 : i64, rhs_zero_point = 5 : i64} : (tensor<4x4xi8>, tensor<4x2xi8>) -> tensor<4x2xi32>
  return %3 : tensor<4x2xi32>
}

// -----

// Tables give the row of this position; the dimension of time goes to the front of constants at compile time.
// CHECK-LABEL: @positions
// CHECK-DAG: qc.constant dense<{{\[\[}}1, 4], [2, 5], [3, 6]]> : tensor<3x2xi32>
// CHECK: %[[R:.*]] = qc.take %{{.*}}, %arg2 : (tensor<3x2xi32>, tensor<1xi32>) -> tensor<1x2xi32>
// CHECK: %[[C:.*]] = qc.reshape %[[R]] : tensor<1x2xi32> -> tensor<2x1xi32>
// CHECK: qc.add %arg1, %[[C]] : (tensor<2x1xi32>, tensor<2x1xi32>) -> tensor<2x1xi32>
func.func @positions(%s: tensor<2xi32> {qc.name = "s"}, %x: tensor<2x3xi32> {qc.name = "x"}) -> (tensor<2x3xi32> {qc.name = "y"}, tensor<2xi32> {qc.name = "z"}) {
  %c = qc.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %y = qc.add %x, %c : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  %z = qc.add %s, %s : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %y, %z : tensor<2x3xi32>, tensor<2xi32>
}
