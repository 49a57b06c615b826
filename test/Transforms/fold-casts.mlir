// dcast, op, qcast becomes the op on quantized types.
// RUN: qopt %s --qc-fold-casts 2>/dev/null | FileCheck %s

!q = !quant.uniform<i8:f32, 0.5:3>
!r = !quant.uniform<i8:f32, 0.25>
!w = !quant.uniform<i8<-127:127>:f32:1, {0.5,0.25}>
!b = !quant.uniform<i32:f32:0, {0.25,0.125}>

// CHECK-LABEL: @fold_unary
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x!quant.uniform<i8:f32, 5.000000e-01:3>>
// CHECK-NEXT: %[[Y:.*]] = qc.activation tanh %[[X]] : {{.*}} -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK-NEXT: return %[[Y]]
func.func @fold_unary(%q: tensor<4x!q>) -> tensor<4x!r> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %a = qc.activation tanh %f : tensor<4xf32> -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!r>
  return %r : tensor<4x!r>
}

// Weights and biases included; the clamp stays real.
// CHECK-LABEL: @fold_contraction
// CHECK: qc.matmul %{{.*}}, %{{.*}}, %{{.*}} {clamp_min = 0.000000e+00 : f32} : (tensor<1x1x!quant.uniform<i8:f32, 5.000000e-01:3>>, tensor<1x2x!quant.uniform<i8<-127:127>:f32:1, {5.000000e-01,2.500000e-01}>>, tensor<2x!quant.uniform<i32:f32:0, {2.500000e-01,1.250000e-01}>>) -> tensor<1x2x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK-NOT: quant.{{[dq]}}cast
func.func @fold_contraction(%q: tensor<1x1x!q>) -> tensor<1x2x!r> {
  %f = quant.dcast %q : tensor<1x1x!q> to tensor<1x1xf32>
  %wq = qc.constant dense<[[1, 2]]> : tensor<1x2xi8> -> tensor<1x2x!w>
  %w = quant.dcast %wq : tensor<1x2x!w> to tensor<1x2xf32>
  %bq = qc.constant dense<[1, 2]> : tensor<2xi32> -> tensor<2x!b>
  %b = quant.dcast %bq : tensor<2x!b> to tensor<2xf32>
  %y = qc.matmul %f, %w, %b {clamp_min = 0.0 : f32} : (tensor<1x1xf32>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %r = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!r>
  return %r : tensor<1x2x!r>
}

// A bias with another scale, whose numbers the accumulator has, too: 3 * 0.25 = 6 * 0.125 and (5 - 1) * 0.5 = 16 * 0.125.
// CHECK-LABEL: @fold_bias_rescaled
// CHECK-DAG: %[[A:.*]] = qc.constant dense<6> : tensor<1xi32> -> tensor<1x!quant.uniform<i32:f32, 1.250000e-01>>
// CHECK-DAG: %[[B:.*]] = qc.constant dense<16> : tensor<1xi32> -> tensor<1x!quant.uniform<i32:f32, 1.250000e-01>>
// CHECK-DAG: qc.matmul %{{.*}}, %{{.*}}, %[[A]] : {{.*}} -> tensor<1x1x!quant.uniform<i8:f32, 5.000000e-01:3>>
// CHECK-DAG: qc.matmul %{{.*}}, %{{.*}}, %[[B]] : {{.*}} -> tensor<1x1x!quant.uniform<i8:f32, 5.000000e-01:3>>
func.func @fold_bias_rescaled(%q: tensor<1x1x!q>) -> (tensor<1x1x!q>, tensor<1x1x!q>) {
  %f = quant.dcast %q : tensor<1x1x!q> to tensor<1x1xf32>
  %c = qc.constant dense<3> : tensor<1x1xi8> -> tensor<1x1x!quant.uniform<i8:f32, 0.25>>
  %w = quant.dcast %c : tensor<1x1x!quant.uniform<i8:f32, 0.25>> to tensor<1x1xf32>
  %d = qc.constant dense<3> : tensor<1xi32> -> tensor<1x!quant.uniform<i32:f32, 0.25>>
  %b = quant.dcast %d : tensor<1x!quant.uniform<i32:f32, 0.25>> to tensor<1xf32>
  %y = qc.matmul %f, %w, %b : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %r = quant.qcast %y : tensor<1x1xf32> to tensor<1x1x!q>
  %e = qc.constant dense<5> : tensor<1xi8> -> tensor<1x!quant.uniform<i8:f32, 0.5:1>>
  %a = quant.dcast %e : tensor<1x!quant.uniform<i8:f32, 0.5:1>> to tensor<1xf32>
  %z = qc.matmul %f, %w, %a : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %s = quant.qcast %z : tensor<1x1xf32> to tensor<1x1x!q>
  return %r, %s : tensor<1x1x!q>, tensor<1x1x!q>
}

// Asymmetric weights: the integer lowering subtracts their zero points.
// CHECK-LABEL: @fold_weights_with_zero_point
// CHECK: qc.matmul {{.*}}tensor<1x1x!quant.uniform<u8:f32, 2.500000e-01:7>>) -> tensor<1x1x!quant.uniform<i8:f32, 5.000000e-01:3>>
func.func @fold_weights_with_zero_point(%q: tensor<1x1x!q>) -> tensor<1x1x!q> {
  %f = quant.dcast %q : tensor<1x1x!q> to tensor<1x1xf32>
  %c = qc.constant dense<3> : tensor<1x1xui8> -> tensor<1x1x!quant.uniform<u8:f32, 0.25:7>>
  %w = quant.dcast %c : tensor<1x1x!quant.uniform<u8:f32, 0.25:7>> to tensor<1x1xf32>
  %y = qc.matmul %f, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %r = quant.qcast %y : tensor<1x1xf32> to tensor<1x1x!q>
  return %r : tensor<1x1x!q>
}

// Thresholds compare codes as well as numbers.
// CHECK-LABEL: @fold_threshold
// CHECK: qc.threshold %arg0, %{{.*}} : (tensor<4x!quant.uniform<i8:f32, 5.000000e-01:3>>, tensor<1xf32>) -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
func.func @fold_threshold(%q: tensor<4x!q>) -> tensor<4x!r> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %t = qc.constant dense<0.25> : tensor<1xf32>
  %r = qc.threshold %f, %t {base = 0 : i64, step = 1 : i64} : (tensor<4xf32>, tensor<1xf32>) -> tensor<4x!r>
  return %r : tensor<4x!r>
}

// Encoded to two types: computed once for each, so that both are rounded once.
// CHECK-LABEL: @fold_two_types
// CHECK-DAG: %[[A:.*]] = qc.activation tanh %arg0 : {{.*}} -> tensor<4x!quant.uniform<i8:f32, 5.000000e-01:3>>
// CHECK-DAG: %[[B:.*]] = qc.activation tanh %arg0 : {{.*}} -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK: return %[[A]], %[[B]]
func.func @fold_two_types(%q: tensor<4x!q>) -> (tensor<4x!q>, tensor<4x!r>) {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %a = qc.activation tanh %f : tensor<4xf32> -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!q>
  %s = quant.qcast %a : tensor<4xf32> to tensor<4x!r>
  return %r, %s : tensor<4x!q>, tensor<4x!r>
}

// The slope only shapes a table: it stays f32.
// CHECK-LABEL: @fold_prelu
// CHECK: %[[S:.*]] = qc.constant dense<2.500000e-01> : tensor<4xf32>
// CHECK: qc.prelu %{{.*}}, %[[S]] : (tensor<4x!quant.uniform<i8:f32, 5.000000e-01:3>>, tensor<4xf32>) -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
func.func @fold_prelu(%q: tensor<4x!q>) -> tensor<4x!r> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %s = qc.constant dense<0.25> : tensor<4xf32>
  %a = qc.prelu %f, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!r>
  return %r : tensor<4x!r>
}

// A value with several readers, encoded twice to one type.
// CHECK-LABEL: @fold_several_uses
// CHECK: %[[A:.*]] = qc.activation tanh
// CHECK: %[[S:.*]] = qc.add %[[A]], %[[A]]
// CHECK: return %[[S]], %[[A]]
func.func @fold_several_uses(%q: tensor<4x!q>) -> (tensor<4x!q>, tensor<4x!r>) {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %a = qc.activation tanh %f : tensor<4xf32> -> tensor<4xf32>
  %q0 = quant.qcast %a : tensor<4xf32> to tensor<4x!r>
  %q1 = quant.qcast %a : tensor<4xf32> to tensor<4x!r>
  %f0 = quant.dcast %q0 : tensor<4x!r> to tensor<4xf32>
  %s = qc.add %f0, %f0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = quant.qcast %s : tensor<4xf32> to tensor<4x!q>
  return %r, %q1 : tensor<4x!q>, tensor<4x!r>
}

// At the function's boundary casts stay.
// CHECK-LABEL: @fold_boundary
// CHECK: %[[Q:.*]] = quant.qcast
// CHECK: %[[A:.*]] = qc.activation tanh %[[Q]]
// CHECK: %[[F:.*]] = quant.dcast %[[A]]
// CHECK: return %[[F]]
func.func @fold_boundary(%x: tensor<4xf32>) -> tensor<4xf32> {
  %q = quant.qcast %x : tensor<4xf32> to tensor<4x!q>
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %a = qc.activation tanh %f : tensor<4xf32> -> tensor<4xf32>
  %qa = quant.qcast %a : tensor<4xf32> to tensor<4x!r>
  %fa = quant.dcast %qa : tensor<4x!r> to tensor<4xf32>
  return %fa : tensor<4xf32>
}

// What only moves values takes codes although nobody encodes its result.
// CHECK-LABEL: @sink_decode
// CHECK-SAME: %[[X:[^:]*]]:
// CHECK: %[[R:.*]] = qc.reshape %[[X]]
// CHECK: %[[T:.*]] = qc.activation tanh %[[R]]
// CHECK: %[[U:.*]] = qc.reshape %[[T]]
// CHECK: %[[F:.*]] = quant.dcast %[[U]]
// CHECK: return %[[F]]
func.func @sink_decode(%q: tensor<4x!q>) -> tensor<4xf32> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %r = qc.reshape %f : tensor<4xf32> -> tensor<2x2xf32>
  %a = qc.activation tanh %r : tensor<2x2xf32> -> tensor<2x2xf32>
  %qa = quant.qcast %a : tensor<2x2xf32> to tensor<2x2x!r>
  %fa = quant.dcast %qa : tensor<2x2x!r> to tensor<2x2xf32>
  %u = qc.reshape %fa : tensor<2x2xf32> -> tensor<4xf32>
  return %u : tensor<4xf32>
}

// A padding value without an exact code would change.
// CHECK-LABEL: @no_sink_decode_inexact_pad
// CHECK: quant.dcast
// CHECK: qc.pad
func.func @no_sink_decode_inexact_pad(%q: tensor<4x!q>) -> tensor<5xf32> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %r = qc.pad %f {low = array<i64: 1>, high = array<i64: 0>, value = 0.3 : f32} : tensor<4xf32> -> tensor<5xf32>
  return %r : tensor<5xf32>
}

// CHECK-LABEL: @hoist_encode
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
// CHECK: %[[Q:.*]] = quant.qcast %[[X]]
// CHECK: %[[R:.*]] = qc.reshape %[[Q]]
// CHECK: return %[[R]]
func.func @hoist_encode(%x: tensor<4xf32>) -> tensor<2x2x!q> {
  %r = qc.reshape %x : tensor<4xf32> -> tensor<2x2xf32>
  %q = quant.qcast %r : tensor<2x2xf32> to tensor<2x2x!q>
  return %q : tensor<2x2x!q>
}

// A move for each type, so that what is in front of them computes each code once.
// CHECK-LABEL: @hoist_encode_two_types
// CHECK-DAG: qc.reduce {{.*}} -> tensor<1x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK-DAG: qc.reduce {{.*}} -> tensor<1x!quant.uniform<i8:f32, 5.000000e-01:3>>
// CHECK-NOT: quant.{{[dq]}}cast
func.func @hoist_encode_two_types(%q: tensor<1x4x!q>) -> (tensor<1x1x!q>, tensor<1x1x!r>) {
  %f = quant.dcast %q : tensor<1x4x!q> to tensor<1x4xf32>
  %m = qc.reduce mean %f {axes = array<i64: 1>} : tensor<1x4xf32> -> tensor<1xf32>
  %s = qc.reshape %m : tensor<1xf32> -> tensor<1x1xf32>
  %a = quant.qcast %s : tensor<1x1xf32> to tensor<1x1x!q>
  %b = quant.qcast %s : tensor<1x1xf32> to tensor<1x1x!r>
  return %a, %b : tensor<1x1x!q>, tensor<1x1x!r>
}

// CHECK-LABEL: @no_hoist_encode_other_use
// CHECK: qc.reshape
// CHECK: quant.qcast
func.func @no_hoist_encode_other_use(%x: tensor<4xf32>) -> (tensor<2x2x!q>, tensor<2x2xf32>) {
  %r = qc.reshape %x : tensor<4xf32> -> tensor<2x2xf32>
  %q = quant.qcast %r : tensor<2x2xf32> to tensor<2x2x!q>
  return %q, %r : tensor<2x2x!q>, tensor<2x2xf32>
}

// Foreign models change the scale where only values move: the operands are rescaled first.
// CHECK-LABEL: @fold_rescale_concat
// CHECK: %[[A:.*]] = qc.clamp %{{.*}} : tensor<4x!quant.uniform<i8:f32, 5.000000e-01:3>> -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK: qc.concat %[[A]], %{{.*}} {axis = 0 : i64} : (tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>, tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>)
// CHECK-NOT: quant.dcast
func.func @fold_rescale_concat(%q: tensor<4x!q>, %p: tensor<4x!r>) -> tensor<8x!r> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %g = quant.dcast %p : tensor<4x!r> to tensor<4xf32>
  %c = qc.concat %f, %g {axis = 0} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  %r = quant.qcast %c : tensor<8xf32> to tensor<8x!r>
  return %r : tensor<8x!r>
}

// CHECK-LABEL: @fold_rescale
// CHECK-NEXT: qc.clamp
// CHECK-NEXT: return
func.func @fold_rescale(%q: tensor<4x!q>) -> tensor<4x!r> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %r = quant.qcast %f : tensor<4xf32> to tensor<4x!r>
  return %r : tensor<4x!r>
}

// CHECK-LABEL: @fold_same_type
// CHECK-SAME: %[[X:[^:]*]]:
// CHECK-NEXT: return %[[X]]
func.func @fold_same_type(%q: tensor<4x!q>) -> tensor<4x!q> {
  %f = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %r = quant.qcast %f : tensor<4xf32> to tensor<4x!q>
  return %r : tensor<4x!q>
}

// One float value as two kinds of codes: each from the operands, as the real value is not kept.
// CHECK-LABEL: @two_encodings
// CHECK-DAG: %[[A:.*]] = qc.activation tanh %arg0 : tensor<4x!quant.uniform<i8:f32, 5.000000e-01:3>> -> tensor<4x!quant.uniform<i8:f32, 5.000000e-01:3>>
// CHECK-DAG: %[[B:.*]] = qc.activation tanh %arg0 : tensor<4x!quant.uniform<i8:f32, 5.000000e-01:3>> -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK-NEXT: return %[[A]], %[[A]], %[[B]]
func.func @two_encodings(%q: tensor<4x!quant.uniform<i8:f32, 0.5:3>>)
    -> (tensor<4x!quant.uniform<i8:f32, 0.5:3>>, tensor<4x!quant.uniform<i8:f32, 0.5:3>>, tensor<4x!quant.uniform<i8:f32, 0.25>>) {
  %f = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5:3>> to tensor<4xf32>
  %a = qc.activation tanh %f : tensor<4xf32> -> tensor<4xf32>
  %r = quant.qcast %a : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5:3>>
  %s = quant.qcast %a : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5:3>>
  %t = quant.qcast %a : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  return %r, %s, %t : tensor<4x!quant.uniform<i8:f32, 0.5:3>>, tensor<4x!quant.uniform<i8:f32, 0.5:3>>, tensor<4x!quant.uniform<i8:f32, 0.25>>
}
