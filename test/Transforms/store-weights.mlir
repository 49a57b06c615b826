// Constant weights of f32 contractions and tables become stored codes; what cannot be stored keeps f32 and says so.
// RUN: qopt %s -split-input-file -verify-diagnostics '-qc-store-weights=weights=i4/32,pointwise=bf16,embedding=i8' | FileCheck %s
// RUN: qopt %s -split-input-file '-qc-store-weights=weights=f16' 2>/dev/null | FileCheck %s --check-prefix=HALF
// RUN: qopt %s -split-input-file '-qc-store-weights=weights=i4/4611686018427387904' 2>/dev/null | FileCheck %s --check-prefix=LONG

// Groups of 32 of 64 inputs: two scales a column. A largest magnitude that is positive makes a negative scale: one code more on that side.
// CHECK-LABEL: func.func @product
// CHECK-SAME: qc.stored = [{bytes = 40 : i64, code = "i4", float_bytes = 256 : i64, group = 32 : i64, name = "y"}]
// CHECK: %[[C:.*]] = qc.constant dense<-8> : tensor<64x1xi4>
// CHECK: %[[S:.*]] = qc.constant dense<-1.250000e-01> : tensor<2x1xf32>
// CHECK: %[[W:.*]] = qc.decode %[[C]], %[[S]] : (tensor<64x1xi4>, tensor<2x1xf32>) -> tensor<64x1xf32>
// CHECK: qc.matmul %{{.*}}, %[[W]] {clamp_min = 0.000000e+00 : f32}
// A group longer than all inputs is all of them.
// LONG-LABEL: func.func @product
// LONG-SAME: group = 64 : i64
// LONG: tensor<1x1xf32>) -> tensor<64x1xf32>
// HALF-LABEL: func.func @product
// HALF: qc.constant dense<15360> : tensor<64x1xi16>
// HALF: qc.decode %{{.*}} as f16
func.func @product(%x: tensor<1x64xf32>) -> tensor<1x1xf32> {
  %w = qc.constant dense<1.0> : tensor<64x1xf32>
  %y = qc.matmul %x, %w {clamp_min = 0.0 : f32} : (tensor<1x64xf32>, tensor<64x1xf32>) -> tensor<1x1xf32> loc("y")
  return %y : tensor<1x1xf32>
}

// -----

// 41 inputs are no multiple of 32: the last group has nine. Two scales for 40 would be read as those of 20 inputs each.
// CHECK-LABEL: func.func @odd
// CHECK-SAME: bytes = 29 : i64, code = "i4", float_bytes = 164 : i64, group = 32
// CHECK-SAME: group = 40
// CHECK: qc.decode %{{.*}}, %{{.*}} : (tensor<41x1xi4>, tensor<2x1xf32>) -> tensor<41x1xf32>
// CHECK: qc.decode %{{.*}}, %{{.*}} : (tensor<40x1xi4>, tensor<1x1xf32>) -> tensor<40x1xf32>
func.func @odd(%x: tensor<1x41xf32>, %a: tensor<1x40xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %w = qc.constant dense<1.0> : tensor<41x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x41xf32>, tensor<41x1xf32>) -> tensor<1x1xf32>
  %v = qc.constant dense<1.0> : tensor<40x1xf32>
  %z = qc.matmul %a, %v : (tensor<1x40xf32>, tensor<40x1xf32>) -> tensor<1x1xf32>
  return %y, %z : tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// All taps of a group of inputs share a scale; the kind of a layer chooses what it gets.
// CHECK-LABEL: func.func @convolutions
// CHECK: qc.decode %{{.*}}, %{{.*}} : (tensor<2x32x3x3xi4>, tensor<2x1x1x1xf32>) -> tensor<2x32x3x3xf32>
// CHECK: qc.decode %{{.*}} as bf16 : (tensor<3x2x1x1xi16>) -> tensor<3x2x1x1xf32>
func.func @convolutions(%x: tensor<1x32x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %w = qc.constant dense<1.0> : tensor<2x32x3x3xf32>
  %v = qc.constant dense<1.0> : tensor<3x2x1x1xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x32x4x4xf32>, tensor<2x32x3x3xf32>) -> tensor<1x2x4x4xf32>
  %z = qc.conv %y, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>) -> tensor<1x3x4x4xf32>
  return %z : tensor<1x3x4x4xf32>
}

// -----

// Only the rows that are chosen are decoded, of an embedding that has eight bits here.
// CHECK-LABEL: func.func @table
// CHECK: %[[C:.*]] = qc.constant dense<127> : tensor<3x2xi8>
// CHECK: %[[R:.*]] = qc.take %[[C]], %{{.*}} : (tensor<3x2xi8>, tensor<5xi64>) -> tensor<5x2xi8>
// CHECK: %[[S:.*]] = qc.take %{{.*}} : (tensor<3x1xf32>, tensor<5xi64>) -> tensor<5x1xf32>
// CHECK: qc.decode %[[R]], %[[S]] : (tensor<5x2xi8>, tensor<5x1xf32>) -> tensor<5x2xf32>
func.func @table(%i: tensor<5xi64>) -> tensor<5x2xf32> {
  %t = qc.constant dense<127.0> : tensor<3x2xf32>
  %y = qc.take %t, %i : (tensor<3x2xf32>, tensor<5xi64>) -> tensor<5x2xf32>
  return %y : tensor<5x2xf32>
}

// -----

// Codes of the model with one scale per channel stay those.
// CHECK-LABEL: func.func @codes
// CHECK: qc.constant dense<{{\[}}[3, -5], [7, 100]]> : tensor<2x2xi8>
// CHECK: qc.constant dense<{{\[}}[5.000000e-01, 2.500000e-01]]> : tensor<1x2xf32>
func.func @codes(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %c = qc.constant dense<[[3, -5], [7, 100]]> : tensor<2x2xi8> -> tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  %w = quant.dcast %c : tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> to tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// CHECK-LABEL: func.func @kept
// CHECK-SAME: code = "f32"
// CHECK-NOT: qc.decode
func.func @kept(%x: tensor<1x1x2x2xf32>, %a: tensor<2x2xf32>) -> (tensor<1x1x3x3xf32>, tensor<2x2xf32>) {
  %w = qc.constant dense<1.0> : tensor<1x1x2x2xf32>
  // expected-remark@+1 {{keeps its weights in f32: only convolutions over one and two dimensions}}
  %y = qc.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>,
                                 dilations = array<i64: 1, 1>, groups = 1} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x3x3xf32>
  %z = qc.matmul %a, %a : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y, %z : tensor<1x1x3x3xf32>, tensor<2x2xf32>
}
