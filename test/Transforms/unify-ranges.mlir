// Operands and results of ops that only move values get the union of their ranges; others keep theirs.
// RUN: qopt %s --qc-unify-ranges | FileCheck %s

// CHECK-LABEL: @unify_concat
// CHECK-COUNT-3: max = 5.000000e+00 : f64, min = -2.000000e+00 : f64
func.func @unify_concat(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<4xf32> {
  %0 = qc.observe %a {id = "a", code = i8, min = -2.0 : f64, max = 1.0 : f64} : tensor<2xf32>
  %1 = qc.observe %b {id = "b", code = i8, min = -1.0 : f64, max = 5.0 : f64} : tensor<2xf32>
  %2 = qc.concat %0, %1 {axis = 0} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %3 = qc.observe %2 {id = "c", code = i8, min = -1.0 : f64, max = 4.0 : f64} : tensor<4xf32>
  return %3 : tensor<4xf32>
}

// Groups are joined across ops.
// CHECK-LABEL: @unify_chain
// CHECK-COUNT-3: max = 7.000000e+00 : f64, min = -3.000000e+00 : f64
func.func @unify_chain(%a: tensor<1x1x4xf32>) -> tensor<1x1x2xf32> {
  %0 = qc.observe %a {id = "a", code = i8, min = -3.0 : f64, max = 1.0 : f64} : tensor<1x1x4xf32>
  %1 = qc.pool max %0 {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x1x4xf32> -> tensor<1x1x2xf32>
  %2 = qc.observe %1 {id = "b", code = i8, min = 0.0 : f64, max = 1.0 : f64} : tensor<1x1x2xf32>
  %3 = qc.reshape %2 : tensor<1x1x2xf32> -> tensor<1x1x2xf32>
  %4 = qc.observe %3 {id = "c", code = i8, min = 0.0 : f64, max = 7.0 : f64} : tensor<1x1x2xf32>
  return %4 : tensor<1x1x2xf32>
}

// A constant part takes the type of the whole, so that the whole must cover it.
// CHECK-LABEL: @unify_constant_part
// CHECK-COUNT-2: max = 8.000000e+00 : f64, min = -2.000000e+00 : f64
func.func @unify_constant_part(%a: tensor<2xf32>) -> tensor<4xf32> {
  %0 = qc.observe %a {id = "a", code = i8, min = -2.0 : f64, max = 1.0 : f64} : tensor<2xf32>
  %1 = qc.constant dense<[8.0, 1.0]> : tensor<2xf32>
  %2 = qc.concat %0, %1 {axis = 0} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %3 = qc.observe %2 {id = "c", code = i8, min = -1.0 : f64, max = 4.0 : f64} : tensor<4xf32>
  return %3 : tensor<4xf32>
}

// CHECK-LABEL: @no_unify_average
// CHECK: max = 1.000000e+00 : f64, min = -3.000000e+00 : f64
// CHECK: max = 5.000000e-01 : f64, min = 0.000000e+00 : f64
func.func @no_unify_average(%a: tensor<1x1x4xf32>) -> tensor<1x1x2xf32> {
  %0 = qc.observe %a {id = "a", code = i8, min = -3.0 : f64, max = 1.0 : f64} : tensor<1x1x4xf32>
  %1 = qc.pool average %0 {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x1x4xf32> -> tensor<1x1x2xf32>
  %2 = qc.observe %1 {id = "b", code = i8, min = 0.0 : f64, max = 0.5 : f64} : tensor<1x1x2xf32>
  return %2 : tensor<1x1x2xf32>
}

// Codes of different widths cannot be passed through.
// CHECK-LABEL: @no_unify_code_types
// CHECK: max = 1.000000e+00 : f64, min = -3.000000e+00 : f64
// CHECK: max = 2.000000e+00 : f64, min = 0.000000e+00 : f64
func.func @no_unify_code_types(%a: tensor<4xf32>) -> tensor<2x2xf32> {
  %0 = qc.observe %a {id = "a", code = i8, min = -3.0 : f64, max = 1.0 : f64} : tensor<4xf32>
  %1 = qc.reshape %0 : tensor<4xf32> -> tensor<2x2xf32>
  %2 = qc.observe %1 {id = "b", code = i4, min = 0.0 : f64, max = 2.0 : f64} : tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// A range without a value to widen it is left as missing.
// CHECK-LABEL: @no_unify_without_range
// CHECK: max = 1.000000e+00 : f64, min = -3.000000e+00 : f64
// CHECK: {code = i8, id = "b"}
func.func @no_unify_without_range(%a: tensor<4xf32>) -> tensor<2x2xf32> {
  %0 = qc.observe %a {id = "a", code = i8, min = -3.0 : f64, max = 1.0 : f64} : tensor<4xf32>
  %1 = qc.reshape %0 : tensor<4xf32> -> tensor<2x2xf32>
  %2 = qc.observe %1 {id = "b", code = i8} : tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// What a clamp or the function itself excludes needs no codes, whatever the file says; zero stays.
// CHECK-LABEL: @limit_to_clamp
// CHECK: max = 6.000000e+00 : f64, min = 0.000000e+00 : f64
// CHECK: max = 1.000000e+00 : f64, min = 0.000000e+00 : f64
// CHECK: max = 5.000000e-01 : f64, min = -1.000000e+00 : f64
func.func @limit_to_clamp(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.add %a, %a {clamp_min = 1.0 : f32, clamp_max = 6.0 : f32} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = qc.observe %0 {id = "r", code = i8, min = -3.0 : f64, max = 10.0 : f64} : tensor<4xf32>
  %2 = qc.activation sigmoid %1 : tensor<4xf32> -> tensor<4xf32>
  %3 = qc.observe %2 {id = "s", code = i8, min = -3.0 : f64, max = 10.0 : f64} : tensor<4xf32>
  %4 = qc.activation tanh %3 : tensor<4xf32> -> tensor<4xf32>
  %5 = qc.observe %4 {id = "t", code = i8, min = -3.0 : f64, max = 0.5 : f64} : tensor<4xf32>
  return %5 : tensor<4xf32>
}

// Types to choose from: the ranges of each are united, and the group has one name.
// CHECK-LABEL: @unify_choices
// CHECK: id = "a", max = 5.000000e+00 : f64, min = -2.000000e+00 : f64, qc.code_candidates = {group = "a", list = [{code = i8, max = 5.000000e+00 : f64, min = -2.000000e+00 : f64}, {code = i16, max = 6.000000e+00 : f64, min = -3.000000e+00 : f64}]}
// CHECK: id = "b", {{.*}}qc.code_candidates = {group = "a", list = [{code = i8, max = 5.000000e+00 : f64, min = -2.000000e+00 : f64}, {code = i16, max = 6.000000e+00 : f64, min = -3.000000e+00 : f64}]}
// CHECK: id = "c", {{.*}}qc.code_candidates = {group = "a", list =
func.func @unify_choices(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<4xf32> {
  %0 = qc.observe %a {id = "a", code = i8, min = -2.0 : f64, max = 1.0 : f64, qc.code_candidates = {group = "a", list = [{code = i8, max = 1.0 : f64, min = -2.0 : f64}, {code = i16, max = 1.0 : f64, min = -3.0 : f64}]}} : tensor<2xf32>
  %1 = qc.observe %b {id = "b", code = i8, min = -1.0 : f64, max = 5.0 : f64, qc.code_candidates = {group = "b", list = [{code = i8, max = 5.0 : f64, min = -1.0 : f64}, {code = i16, max = 6.0 : f64, min = -1.0 : f64}]}} : tensor<2xf32>
  %2 = qc.concat %0, %1 {axis = 0} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %3 = qc.observe %2 {id = "c", code = i8, min = -1.0 : f64, max = 4.0 : f64, qc.code_candidates = {group = "c", list = [{code = i8, max = 4.0 : f64, min = -1.0 : f64}, {code = i16, max = 4.0 : f64, min = -1.0 : f64}]}} : tensor<4xf32>
  return %3 : tensor<4xf32>
}

// One whose type is given takes the choice from all of its group.
// CHECK-LABEL: @unify_given
// CHECK-NOT: qc.code_candidates
// CHECK: return
func.func @unify_given(%a: tensor<2xf32>) -> tensor<1x2xf32> {
  %0 = qc.observe %a {id = "a", code = i8, min = -2.0 : f64, max = 1.0 : f64} : tensor<2xf32>
  %1 = qc.reshape %0 : tensor<2xf32> -> tensor<1x2xf32>
  %2 = qc.observe %1 {id = "b", code = i8, min = -1.0 : f64, max = 5.0 : f64, qc.code_candidates = {group = "b", list = [{code = i8, max = 5.0 : f64, min = -1.0 : f64}, {code = i16, max = 6.0 : f64, min = -1.0 : f64}]}} : tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}
