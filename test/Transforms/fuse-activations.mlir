// Element-wise ops that are a function of one tensor become one op; what is exact as it is, or somebody else's part, stays.
// RUN: qopt %s --qc-fuse-activations | FileCheck %s
// RUN: qopt %s --qc-fuse-activations --qc-inline-functions | FileCheck %s --check-prefix=INLINED --implicit-check-not=qc.function

// CHECK-LABEL: @fuse_silu
// CHECK: %[[Y:.*]] = qc.function "silu" %{{.*}} : tensor<2x4xf32> -> tensor<2x4xf32> {
// CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<f32>):
// CHECK-NEXT: %[[S:.*]] = qc.activation sigmoid %[[A]] : tensor<f32> -> tensor<f32>
// CHECK-NEXT: %[[P:.*]] = qc.mul %[[A]], %[[S]]
// CHECK-NEXT: qc.yield %[[P]]
// CHECK: return %[[Y]]
// INLINED-LABEL: @fuse_silu
// INLINED-NEXT: %[[S:.*]] = qc.activation sigmoid %{{.*}} : tensor<2x4xf32> -> tensor<2x4xf32>
// INLINED-NEXT: %[[P:.*]] = qc.mul %{{.*}}, %[[S]] : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
// INLINED-NEXT: return %[[P]]
func.func @fuse_silu(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %s = qc.activation sigmoid %x : tensor<2x4xf32> -> tensor<2x4xf32>
  %y = qc.mul %x, %s : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// As exporters write it; constants of one element and splats, both orders of operands.
// CHECK-LABEL: @fuse_gelu_erf
// CHECK-NEXT: qc.function "gelu_erf"
func.func @fuse_gelu_erf(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = qc.constant dense<0.707106769> : tensor<f32>
  %one = qc.constant dense<1.0> : tensor<1xf32>
  %half = qc.constant dense<0.5> : tensor<4xf32>
  %0 = qc.mul %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qc.activation erf %0 : tensor<4xf32> -> tensor<4xf32>
  %2 = qc.add %one, %1 : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = qc.mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = qc.mul %half, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// INLINED-LABEL: @fuse_gelu_tanh
// INLINED: qc.binary pow %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
// CHECK-LABEL: @fuse_gelu_tanh
// CHECK-NEXT: qc.function "gelu_tanh"
func.func @fuse_gelu_tanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = qc.constant dense<3.0> : tensor<f32>
  %a = qc.constant dense<0.044715> : tensor<f32>
  %b = qc.constant dense<0.7978846> : tensor<f32>
  %one = qc.constant dense<1.0> : tensor<f32>
  %half = qc.constant dense<0.5> : tensor<f32>
  %0 = qc.binary pow %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qc.mul %0, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = qc.add %x, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = qc.mul %2, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = qc.activation tanh %3 : tensor<4xf32> -> tensor<4xf32>
  %5 = qc.add %4, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %6 = qc.mul %x, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %7 = qc.mul %6, %5 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %7 : tensor<4xf32>
}

// qc-simplify has made one convolution of the scale and the offset.
// CHECK-LABEL: @fuse_hard_swish_behind_depthwise
// CHECK-NEXT: qc.function "hard_swish"
// CHECK-NOT: qc.conv
// CHECK: return
func.func @fuse_hard_swish_behind_depthwise(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = qc.constant dense<0.166666672> : tensor<2x1x1xf32>
  %b = qc.constant dense<0.5> : tensor<2xf32>
  %0 = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2, clamp_min = 0.0 : f32, clamp_max = 1.0 : f32}
     : (tensor<1x2x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  %1 = qc.mul %x, %0 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// CHECK-LABEL: @fuse_mish
// CHECK-NEXT: qc.function "mish"
func.func @fuse_mish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.activation softplus %x : tensor<4xf32> -> tensor<4xf32>
  %1 = qc.activation tanh %0 : tensor<4xf32> -> tensor<4xf32>
  %2 = qc.mul %x, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// CHECK-LABEL: @fuse_rsqrt
// CHECK-NEXT: qc.function "rsqrt"
func.func @fuse_rsqrt(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = qc.constant dense<1.0> : tensor<f32>
  %0 = qc.activation sqrt %x : tensor<4xf32> -> tensor<4xf32>
  %1 = qc.div %one, %0 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// A single op without an integer form of its own gets one.
// CHECK-LABEL: @fuse_single_pow
// CHECK-NEXT: qc.function "pow"
func.func @fuse_single_pow(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = qc.constant dense<1.5> : tensor<f32>
  %0 = qc.binary pow %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A function without a name of its own has those of its ops; limits of the chain go along.
// CHECK-LABEL: @fuse_unnamed
// CHECK-NEXT: qc.function "mul_sin_add"
// CHECK: qc.add {{.*}} {clamp_max = 2.000000e+00 : f32, clamp_min = 1.000000e+00 : f32}
func.func @fuse_unnamed(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = qc.constant dense<3.0> : tensor<f32>
  %0 = qc.mul %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qc.activation sin %0 : tensor<4xf32> -> tensor<4xf32>
  %2 = qc.add %1, %c {clamp_min = 1.0 : f32, clamp_max = 2.0 : f32} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// Two functions, joined by an op of two tensors, which stays.
// CHECK-LABEL: @fuse_each_branch
// CHECK-DAG: %[[A:.*]] = qc.function "silu" %arg0
// CHECK-DAG: %[[B:.*]] = qc.function "silu" %arg1
// CHECK: qc.add %[[A]], %[[B]]
func.func @fuse_each_branch(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.activation sigmoid %x : tensor<4xf32> -> tensor<4xf32>
  %1 = qc.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = qc.activation sigmoid %y : tensor<4xf32> -> tensor<4xf32>
  %3 = qc.mul %2, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = qc.add %1, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// CHECK-LABEL: @no_fuse_single_activation
// CHECK-NEXT: qc.activation sigmoid
func.func @no_fuse_single_activation(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.activation sigmoid %x : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Scales, offsets and limits are exact on codes, and other passes move them.
// CHECK-LABEL: @no_fuse_linear
// CHECK-NOT: qc.function
// CHECK: return
func.func @no_fuse_linear(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = qc.constant dense<3.0> : tensor<f32>
  %0 = qc.mul %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = qc.add %0, %c {clamp_min = 0.0 : f32} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = qc.clamp %1 {clamp_max = 6.0 : f32} : tensor<4xf32> -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// The value in the middle is returned, too: what is behind it is a function of that value.
// CHECK-LABEL: @no_fuse_across_other_use
// CHECK-NEXT: %[[A:.*]] = qc.activation exp %arg0
// CHECK-NEXT: %[[B:.*]] = qc.function "log_sin" %[[A]]
// CHECK: return %[[A]], %[[B]]
func.func @no_fuse_across_other_use(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = qc.activation exp %x : tensor<4xf32> -> tensor<4xf32>
  %1 = qc.activation log %0 : tensor<4xf32> -> tensor<4xf32>
  %2 = qc.activation sin %1 : tensor<4xf32> -> tensor<4xf32>
  return %0, %2 : tensor<4xf32>, tensor<4xf32>
}

// A scale per channel is no single number.
// CHECK-LABEL: @no_fuse_per_channel
// CHECK-NOT: qc.function
// CHECK: return
func.func @no_fuse_per_channel(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %c = qc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = qc.mul %x, %c : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %1 = qc.activation tanh %0 : tensor<2x2xf32> -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// An op that widens its input is no function of each element.
// CHECK-LABEL: @no_fuse_broadcast
// CHECK-NOT: qc.function
// CHECK: return
func.func @no_fuse_broadcast(%x: tensor<1x2xf32>) -> tensor<2x2xf32> {
  %c = qc.constant dense<1.0> : tensor<2x2xf32>
  %0 = qc.activation tanh %x : tensor<1x2xf32> -> tensor<1x2xf32>
  %1 = qc.mul %0, %c : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// CHECK-LABEL: @no_fuse_two_tensors
// CHECK-NOT: qc.function
// CHECK: return
func.func @no_fuse_two_tensors(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = qc.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = qc.activation tanh %1 : tensor<4xf32> -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// A model's rounding between two ops is part of what it computes.
// CHECK-LABEL: @no_fuse_across_casts
// CHECK-NOT: qc.function
// CHECK: return
func.func @no_fuse_across_casts(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.activation sigmoid %x : tensor<4xf32> -> tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.1>>
  %2 = quant.dcast %1 : tensor<4x!quant.uniform<i8:f32, 0.1>> to tensor<4xf32>
  %3 = qc.mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}
