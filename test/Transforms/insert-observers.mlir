// Which edges are observed: f32 arguments and results of ops with an integer form, each once, under the name of the tensor.
// RUN: qopt %s --qc-insert-observers --split-input-file | FileCheck %s
// RUN: qopt %s --qc-insert-observers=activations=u4 --split-input-file | FileCheck %s --check-prefix=U4
// RUN: qopt %s --qc-insert-observers=activations=i16 --split-input-file | FileCheck %s --check-prefix=WIDE
// RUN: not qopt %s --qc-insert-observers=activations=i9 --split-input-file 2>&1 | FileCheck %s --check-prefix=CODE
// RUN: qopt %s --qc-insert-observers=candidates=8,16 --split-input-file | FileCheck %s --check-prefix=FREE
// RUN: not qopt %s --qc-insert-observers=candidates=8,12 --split-input-file 2>&1 | FileCheck %s --check-prefix=NOFREE
// An embedding: rows of a constant table are stored as weights are, in 8 bits beside activations of 16.
// WIDE-LABEL: func.func @embedding(
// WIDE: %[[ROWS:.*]] = qc.take
// WIDE-NEXT: qc.observe %[[ROWS]] {code = i8, id = "rows"}
// WIDE: %[[SUM:.*]] = qc.add
// WIDE-NEXT: qc.observe %[[SUM]] {code = i16, id = "sum"}
func.func @embedding(%i: tensor<3xi64> {qc.name = "i"}) -> tensor<3x2xf32> {
  %table = qc.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %x = qc.take %table, %i : (tensor<4x2xf32>, tensor<3xi64>) -> tensor<3x2xf32> loc("rows")
  %y = qc.add %x, %x : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32> loc("sum")
  return %y : tensor<3x2xf32>
}

// -----

// CODE: error: 'i9' is no code type of activations: use iN or uN with N in 2..8 or 16

// CHECK-LABEL: @observe_arguments_and_results
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
// CHECK: %[[OX:.*]] = qc.observe %[[X]] {code = i8, id = "in"}
// CHECK: %[[A:.*]] = qc.activation tanh %[[OX]]
// CHECK: %[[OA:.*]] = qc.observe %[[A]] {code = i8, id = "act"}
// CHECK: %[[C:.*]] = qc.constant
// CHECK: %[[S:.*]] = qc.add %[[OA]], %[[C]]
// CHECK: %[[OS:.*]] = qc.observe %[[S]] {code = i8, id = "sum"}
// CHECK: return %[[OS]], %[[OA]]
// U4-LABEL: @observe_arguments_and_results
// U4: qc.observe %{{.*}} {code = ui4, id = "in"}
func.func @observe_arguments_and_results(%x: tensor<4xf32> {qc.name = "in"}) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = qc.activation tanh %x : tensor<4xf32> -> tensor<4xf32> loc("act")
  %c = qc.constant dense<1.0> : tensor<f32>
  %s = qc.add %a, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32> loc("sum"("node"))
  return %s, %a : tensor<4xf32>, tensor<4xf32>
}

// -----

// Names that collide are told apart; an op without a name is called by its operator.
// CHECK-LABEL: @observe_unique_ids
// CHECK: id = "t"}
// CHECK: id = "t#2"}
// CHECK: id = "t#3"}
// CHECK: id = "activation"}
func.func @observe_unique_ids(%x: tensor<4xf32> {qc.name = "t"}) -> tensor<4xf32> {
  %a = qc.activation tanh %x : tensor<4xf32> -> tensor<4xf32> loc("t")
  %b = qc.activation tanh %a : tensor<4xf32> -> tensor<4xf32> loc("t")
  %c = qc.activation tanh %b : tensor<4xf32> -> tensor<4xf32>
  return %c : tensor<4xf32>
}

// -----

// CHECK-LABEL: @observe_twice_is_once
// CHECK-COUNT-2: qc.observe
// CHECK-NOT: qc.observe
func.func @observe_twice_is_once(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i8} : tensor<4xf32>
  %1 = qc.activation tanh %0 : tensor<4xf32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// The result of a float op goes back to integers where an op that has an integer form reads it.
// CHECK-LABEL: @observe_behind_float_op
// CHECK: %[[S:.*]] = qc.softmax
// CHECK: %[[O:.*]] = qc.observe %[[S]] {{.*}}id = "softmax"
// CHECK: qc.activation tanh %[[O]]
func.func @observe_behind_float_op(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = qc.softmax %x {axis = 0} : tensor<4xf32> -> tensor<4xf32>
  %a = qc.activation tanh %s : tensor<4xf32> -> tensor<4xf32>
  return %a : tensor<4xf32>
}

// -----

// CHECK-LABEL: @no_observe_weights
// CHECK-COUNT-2: qc.observe
// CHECK-NOT: qc.observe
func.func @no_observe_weights(%x: tensor<1x2xf32>) -> tensor<1x3xf32> {
  %w = qc.constant dense<1.0> : tensor<2x3xf32>
  %b = qc.constant dense<1.0> : tensor<3xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x2xf32>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}

// -----

// A softmax in front of a result, and what only moves its values, runs in f32 behind the integer program.
// CHECK-LABEL: @no_observe_tail
// CHECK: %[[O:.*]] = qc.observe
// CHECK: %[[S:.*]] = qc.softmax %[[O]]
// CHECK: %[[R:.*]] = qc.reshape %[[S]]
// CHECK: return %[[R]]
func.func @no_observe_tail(%x: tensor<4xf32>) -> tensor<2x2xf32> {
  %s = qc.softmax %x {axis = 0} : tensor<4xf32> -> tensor<4xf32>
  %r = qc.reshape %s : tensor<4xf32> -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: @no_observe_integers
// CHECK-NOT: qc.observe
func.func @no_observe_integers(%x: tensor<4xi64>) -> tensor<2xi64> {
  %r = qc.slice %x {starts = array<i64: 0>, sizes = array<i64: 2>, steps = array<i64: 1>} : tensor<4xi64> -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// -----

// A model that brings its own quantization keeps it.
// CHECK-LABEL: @no_observe_quantized_edges
// CHECK-NOT: qc.observe
func.func @no_observe_quantized_edges(%x: tensor<4xf32>) -> tensor<4xf32> {
  %m = qc.reshape %x : tensor<4xf32> -> tensor<2x2xf32>
  %q = quant.qcast %m : tensor<2x2xf32> to tensor<2x2x!quant.uniform<i8:f32, 0.5>>
  %f = quant.dcast %q : tensor<2x2x!quant.uniform<i8:f32, 0.5>> to tensor<2x2xf32>
  %r = qc.reshape %f : tensor<2x2xf32> -> tensor<4xf32>
  %a = qc.activation tanh %r : tensor<4xf32> -> tensor<4xf32>
  %qa = quant.qcast %a : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  %fa = quant.dcast %qa : tensor<4x!quant.uniform<i8:f32, 0.25>> to tensor<4xf32>
  return %fa : tensor<4xf32>
}

// -----

// CHECK-LABEL: @no_observe_conv_with_computed_weights
// CHECK-COUNT-2: qc.observe
// CHECK: qc.conv
// CHECK-NOT: qc.observe
func.func @no_observe_conv_with_computed_weights(%x: tensor<1x1x4xf32>, %w: tensor<1x1x1xf32>) -> tensor<1x1x4xf32> {
  %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  return %y : tensor<1x1x4xf32>
}

// -----

// What mixed precision may choose: neither what the caller sees nor what has its own reason.
// NOFREE: error: candidates=8,12: use bits of 2..8 or 16, as in 8,16
// CHECK-LABEL: @choose
// CHECK-NOT: qc.code_candidates
// FREE-LABEL: @choose
// FREE: qc.observe %{{.*}} {code = i8, id = "in"}
// FREE: qc.observe %{{.*}} {code = i8, id = "inner", qc.code_candidates = {group = "inner", list = [{code = i8}, {code = i16}]}}
// FREE: qc.observe %{{.*}} {code = i16, id = "wide"}
// FREE: qc.observe %{{.*}} {code = i8, id = "out"}
func.func @choose(%x: tensor<4xf32> {qc.name = "in"}) -> tensor<4xf32> {
  %0 = qc.activation tanh %x : tensor<4xf32> -> tensor<4xf32> loc("inner")
  %1 = qc.activation tanh %0 {qc.code_hint = i16} : tensor<4xf32> -> tensor<4xf32> loc("wide")
  %2 = qc.activation tanh %1 : tensor<4xf32> -> tensor<4xf32> loc("out")
  return %2 : tensor<4xf32>
}
