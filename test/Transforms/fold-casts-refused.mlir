// Ops that stay in float say why, in a remark and for the report in `qc.float_reason`.
// RUN: qopt %s --qc-fold-casts -verify-diagnostics -split-input-file | FileCheck %s

!q = !quant.uniform<i8:f32, 0.5:3>
!r = !quant.uniform<i8:f32, 0.25>

// CHECK-LABEL: @no_fold_float_op
// CHECK: qc.softmax %{{.*}} {axis = 0 : i64, qc.float_reason = "its scale is not positive", scale = -1.000000e+00 : f32}
func.func @no_fold_float_op(%q: tensor<4x!q>) -> tensor<4x!r> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  // expected-remark@+1 {{(qc.softmax) stays in float: its scale is not positive}}
  %a = qc.softmax %f {axis = 0, scale = -1.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!r>
  return %r : tensor<4x!r>
}

// -----

!q = !quant.uniform<i8:f32, 0.5:3>

// CHECK-LABEL: @no_fold_levels
// CHECK: qc.float_reason = "operand 1 has codes of few levels, which only weights may have"
func.func @no_fold_levels(%q: tensor<2x!q>) -> tensor<2x!q> {
  %f = quant.dcast %q : tensor<2x!q> to tensor<2xf32>
  %c = qc.constant dense<[-1, 1]> : tensor<2xi2> -> tensor<2x!qc.coded<#qc.signs, f32, 0.5>>
  %s = qc.dcast %c : tensor<2x!qc.coded<#qc.signs, f32, 0.5>> -> tensor<2xf32>
  // expected-remark@+1 {{stays in float: operand 1 has codes of few levels, which only weights may have}}
  %a = qc.add %f, %s : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %r = quant.qcast %a : tensor<2xf32> to tensor<2x!q>
  return %r : tensor<2x!q>
}

// -----

!q = !quant.uniform<i8:f32, 0.5:3>

// CHECK-LABEL: @no_fold_float_operand
// CHECK: qc.float_reason = "operand 1 is not quantized"
func.func @no_fold_float_operand(%q: tensor<4x!q>, %x: tensor<4xf32>) -> tensor<4x!q> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  // expected-remark@+1 {{stays in float: operand 1 is not quantized}}
  %a = qc.add %f, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!q>
  return %r : tensor<4x!q>
}

// -----

!q = !quant.uniform<i8:f32, 0.5:3>

func.func @no_fold_returned_in_float(%q: tensor<4x!q>) -> tensor<4xf32> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  // expected-remark@+1 {{stays in float: its result is returned in float}}
  %a = qc.activation tanh %f : tensor<4xf32> -> tensor<4xf32>
  return %a : tensor<4xf32>
}

// -----

!q = !quant.uniform<i8:f32, 0.5:3>
!r = !quant.uniform<i8:f32, 0.25>

func.func @no_fold_read_in_float(%q: tensor<4x!q>) -> (tensor<4x!q>, tensor<4x!r>) {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  // expected-remark@+1 {{stays in float: node 'qc.binary' reads its result in float}}
  %a = qc.activation tanh %f : tensor<4xf32> -> tensor<4xf32>
  // expected-remark@+1 {{stays in float: a pow of two tensors has no integer form}}
  %d = qc.binary pow %f, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!q>
  %s = quant.qcast %d : tensor<4xf32> to tensor<4x!r>
  return %r, %s : tensor<4x!q>, tensor<4x!r>
}

// -----

!q = !quant.uniform<i8:f32:0, {0.5,0.25}>
!r = !quant.uniform<i8:f32, 0.25>

func.func @no_fold_activation_per_channel(%q: tensor<2x!q>) -> tensor<2x!r> {
  %f = quant.dcast %q : tensor<2x!q> to tensor<2xf32>
  // expected-remark@+1 {{stays in float: operand 0 has one scale per channel, which only weights may have}}
  %a = qc.activation tanh %f : tensor<2xf32> -> tensor<2xf32>
  %r = quant.qcast %a : tensor<2xf32> to tensor<2x!r>
  return %r : tensor<2x!r>
}

// -----

!q = !quant.uniform<i8:f32:0, {0.5,0.25}>
!r = !quant.uniform<i8:f32, 0.25>

func.func @no_fold_result_per_channel(%r: tensor<2x!r>) -> tensor<2x!q> {
  %f = quant.dcast %r : tensor<2x!r> to tensor<2xf32>
  // expected-remark@+1 {{stays in float: its result has one scale per channel}}
  %a = qc.activation tanh %f : tensor<2xf32> -> tensor<2xf32>
  %q = quant.qcast %a : tensor<2xf32> to tensor<2x!q>
  return %q : tensor<2x!q>
}

// -----

!q = !quant.uniform<i8:f32, 0.5>

func.func @no_fold_weights_wrong_axis(%q: tensor<1x2x!q>) -> tensor<1x2x!q> {
  %f = quant.dcast %q : tensor<1x2x!q> to tensor<1x2xf32>
  %c = qc.constant dense<3> : tensor<2x2xi8> -> tensor<2x2x!quant.uniform<i8:f32:0, {0.25,0.5}>>
  %w = quant.dcast %c : tensor<2x2x!quant.uniform<i8:f32:0, {0.25,0.5}>> to tensor<2x2xf32>
  // expected-remark@+1 {{stays in float: its weights' scales do not run along its output channels}}
  %y = qc.matmul %f, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %r = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!q>
  return %r : tensor<1x2x!q>
}

// -----

!q = !quant.uniform<i8:f32, 0.5>

func.func @no_fold_bias_scale(%q: tensor<1x1x!q>) -> tensor<1x1x!q> {
  %f = quant.dcast %q : tensor<1x1x!q> to tensor<1x1xf32>
  %c = qc.constant dense<3> : tensor<1x1xi8> -> tensor<1x1x!quant.uniform<i8:f32, 0.25>>
  %w = quant.dcast %c : tensor<1x1x!quant.uniform<i8:f32, 0.25>> to tensor<1x1xf32>
  %d = qc.constant dense<3> : tensor<1xi32> -> tensor<1x!quant.uniform<i32:f32, 0.1875>>
  %b = quant.dcast %d : tensor<1x!quant.uniform<i32:f32, 0.1875>> to tensor<1xf32>
  // expected-remark@+1 {{stays in float: its bias has the scale 1.875000e-01 in channel 0, which is not input scale * weight scale = 1.250000e-01, and its codes have no exact counterpart there}}
  %y = qc.matmul %f, %w, %b : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %r = quant.qcast %y : tensor<1x1xf32> to tensor<1x1x!q>
  return %r : tensor<1x1x!q>
}

// -----

!q = !quant.uniform<i8:f32, 1024.0>
!r = !quant.uniform<i8:f32, 1.0e-5>

func.func @no_fold_multiplier_too_large(%q: tensor<4x!q>) -> tensor<4x!r> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  // expected-remark@+1 {{stays in float: its result's range is too small against its operands' (the multiplier would exceed 2^24); check the result's range}}
  %a = qc.add %f, %f : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!r>
  return %r : tensor<4x!r>
}

// -----

!q = !quant.uniform<i8:f32, 0.5>

// A reason found earlier stays.
func.func @no_fold_earlier_reason(%q: tensor<4x!q>) -> tensor<4x!q> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  // expected-remark@+1 {{stays in float: the user said so}}
  %a = qc.add %f, %f {qc.float_reason = "the user said so"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!q>
  return %r : tensor<4x!q>
}

// -----

!q = !quant.uniform<i8:f32, 0.5>

func.func @no_fold_computed_weights(%q: tensor<1x1x4x!q>, %p: tensor<1x1x1x!q>) -> tensor<1x1x4x!q> {
  %x = quant.dcast %q : tensor<1x1x4x!q> to tensor<1x1x4xf32>
  %w = quant.dcast %p : tensor<1x1x1x!q> to tensor<1x1x1xf32>
  // expected-remark@+1 {{stays in float: the weights are not constant}}
  %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
     : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %r = quant.qcast %y : tensor<1x1x4xf32> to tensor<1x1x4x!q>
  return %r : tensor<1x1x4x!q>
}
