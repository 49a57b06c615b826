// A clamp becomes the limits of the op that computes its input, and only if nobody else reads the unclamped value.
// RUN: qopt %s --qc-fuse-clamps | FileCheck %s

// CHECK-LABEL: @fuse_relu
// CHECK: %[[Y:.*]] = qc.add %{{.*}}, %{{.*}} {clamp_min = 0.000000e+00 : f32}
// CHECK-NOT: qc.clamp
// CHECK: return %[[Y]]
func.func @fuse_relu(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %s = qc.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = qc.clamp %s {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: @fuse_tighter_limits_of_two
// CHECK: qc.mul %{{.*}} {clamp_max = 5.000000e+00 : f32, clamp_min = 1.000000e+00 : f32}
// CHECK-NOT: qc.clamp
func.func @fuse_tighter_limits_of_two(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %s = qc.mul %a, %b {clamp_min = 0.0 : f32, clamp_max = 6.0 : f32} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = qc.clamp %s {clamp_min = 1.0 : f32, clamp_max = 5.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// The value that remains is the clamp's, so it has the clamp's name.
// RUN: qopt %s --qc-fuse-clamps -mlir-print-debuginfo | FileCheck %s --check-prefix=NAME
// NAME-LABEL: @fuse_keeps_name
// NAME: qc.add {{.*}} loc(#[[RELU:loc[0-9]+]])
// NAME: #[[RELU]] = loc("relu_out")
func.func @fuse_keeps_name(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %s = qc.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("add_out")
  %y = qc.clamp %s {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32> loc("relu_out")
  return %y : tensor<4xf32>
}

// CHECK-LABEL: @no_fuse_other_use
// CHECK: qc.add %{{[^{]*}} : (
// CHECK: qc.clamp
func.func @no_fuse_other_use(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %s = qc.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = qc.clamp %s {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %s, %y : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: @no_fuse_producer_cannot_clamp
// CHECK: qc.activation tanh
// CHECK: qc.clamp
func.func @no_fuse_producer_cannot_clamp(%a: tensor<4xf32>) -> tensor<4xf32> {
  %s = qc.activation tanh %a : tensor<4xf32> -> tensor<4xf32>
  %y = qc.clamp %s {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: @no_fuse_disjoint_limits
// CHECK: qc.add %{{.*}} {clamp_max = 1.000000e+00 : f32}
// CHECK: qc.clamp %{{.*}} {clamp_min = 2.000000e+00 : f32}
func.func @no_fuse_disjoint_limits(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %s = qc.add %a, %b {clamp_max = 1.0 : f32} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = qc.clamp %s {clamp_min = 2.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// The casts of a model that brings its own quantization round: they stay.
// CHECK-LABEL: @no_fuse_away_casts
// CHECK: quant.qcast
// CHECK: quant.dcast
func.func @no_fuse_away_casts(%a: tensor<4xf32>) -> tensor<4xf32> {
  %q = quant.qcast %a : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %f = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  %s = qc.add %f, %f : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = qc.clamp %s {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: @merge_clamps
// CHECK-NEXT: qc.clamp %{{.*}} {clamp_max = 5.000000e+00 : f32, clamp_min = 0.000000e+00 : f32}
// CHECK-NEXT: return
func.func @merge_clamps(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.clamp %x {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  %1 = qc.clamp %0 {clamp_min = -1.0 : f32, clamp_max = 5.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @no_merge_clamps_disjoint
// CHECK: qc.clamp
// CHECK: qc.clamp
func.func @no_merge_clamps_disjoint(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.clamp %x {clamp_min = 2.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  %1 = qc.clamp %0 {clamp_max = 1.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// What cannot clamp gives its codes first: a concatenation, a value from outside, one that others read unclamped.
// CHECK-LABEL: @clamp_codes
// CHECK: %[[C:.*]] = qc.concat
// CHECK-NEXT: %[[Q:.*]] = quant.qcast %[[C]] : tensor<8xf32> to tensor<8x!quant.uniform<u8:f32, 5.000000e-01:9>>
// CHECK-NEXT: %[[L:.*]] = qc.clamp %[[Q]] {clamp_min = 0.000000e+00 : f32} : tensor<8x!quant.uniform<u8:f32, 5.000000e-01:9>> -> tensor<8x!quant.uniform<u8:f32, 5.000000e-01:9>>
// CHECK: %[[S:.*]] = qc.add
// CHECK-NEXT: %[[T:.*]] = quant.qcast %[[S]]
// CHECK-NEXT: %[[M:.*]] = qc.clamp %[[T]] {clamp_max = 2.000000e+00 : f32}
// CHECK-NEXT: return %[[L]], %[[M]], %[[S]]
func.func @clamp_codes(%x: tensor<4xf32>, %y: tensor<4xf32>)
    -> (tensor<8x!quant.uniform<u8:f32, 0.5:9>>, tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4xf32>) {
  %c = qc.concat %x, %y {axis = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  %r = qc.clamp %c {clamp_min = 0.0 : f32} : tensor<8xf32> -> tensor<8xf32>
  %q = quant.qcast %r : tensor<8xf32> to tensor<8x!quant.uniform<u8:f32, 0.5:9>>
  %s = qc.add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %l = qc.clamp %s {clamp_max = 2.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  %t = quant.qcast %l : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  return %q, %t, %s : tensor<8x!quant.uniform<u8:f32, 0.5:9>>, tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4xf32>
}

// Each of two quantizers gets limits of its own.
// CHECK-LABEL: @clamp_codes_of_two_types
// CHECK-NEXT: %[[R:.*]] = qc.reduce mean
// CHECK-NEXT: %[[Q:.*]] = quant.qcast %[[R]] {{.*}} to tensor<1x!quant.uniform<u8:f32, 5.000000e-01>>
// CHECK-NEXT: %[[L:.*]] = qc.clamp %[[Q]] {clamp_min = 0.000000e+00 : f32}
// CHECK-NEXT: %[[T:.*]] = quant.qcast %[[R]] {{.*}} to tensor<1x!quant.uniform<i8:f32, 5.000000e-01:-128>>
// CHECK-NEXT: %[[M:.*]] = qc.clamp %[[T]] {clamp_min = 0.000000e+00 : f32}
// CHECK-NEXT: return %[[L]], %[[M]]
func.func @clamp_codes_of_two_types(%x: tensor<4xf32>) -> (tensor<1x!quant.uniform<u8:f32, 0.5>>, tensor<1x!quant.uniform<i8:f32, 0.5:-128>>) {
  %m = qc.reduce mean %x {axes = array<i64: 0>, keep_dims} : tensor<4xf32> -> tensor<1xf32>
  %r = qc.clamp %m {clamp_min = 0.0 : f32} : tensor<1xf32> -> tensor<1xf32>
  %q = quant.qcast %r : tensor<1xf32> to tensor<1x!quant.uniform<u8:f32, 0.5>>
  %t = quant.qcast %r : tensor<1xf32> to tensor<1x!quant.uniform<i8:f32, 0.5:-128>>
  return %q, %t : tensor<1x!quant.uniform<u8:f32, 0.5>>, tensor<1x!quant.uniform<i8:f32, 0.5:-128>>
}

// Behind decoded codes a change of scale clamps; a clamped value that is read in float stays one.
// CHECK-LABEL: @no_clamp_codes
// CHECK: quant.dcast
// CHECK-NEXT: qc.clamp {{.*}} : tensor<4xf32>
// CHECK-NEXT: quant.qcast
// CHECK-NEXT: qc.clamp {{.*}} : tensor<4xf32>
// CHECK-NEXT: quant.qcast
func.func @no_clamp_codes(%q: tensor<4x!quant.uniform<i8:f32, 0.5>>, %x: tensor<4xf32>)
    -> (tensor<4x!quant.uniform<i8:f32, 0.25>>, tensor<4x!quant.uniform<i8:f32, 0.25>>, tensor<4xf32>) {
  %f = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  %r = qc.clamp %f {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  %s = quant.qcast %r : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  %l = qc.clamp %x {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  %t = quant.qcast %l : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  return %s, %t, %l : tensor<4x!quant.uniform<i8:f32, 0.25>>, tensor<4x!quant.uniform<i8:f32, 0.25>>, tensor<4xf32>
}
