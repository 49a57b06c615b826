// Contractions in f32 become products of codes that are made at run time, as DynamicQuantizeLinear makes them.
// RUN: qopt %s -split-input-file -verify-diagnostics -qc-quantize-dynamically | FileCheck %s

// One scale for both readers of x; the zero point comes off the sums.
// CHECK-LABEL: func.func @product
// CHECK-SAME: code = "i8"
// CHECK: %[[HIGH:.*]] = qc.reduce max %arg0
// CHECK: qc.clamp %[[HIGH]] {clamp_min = 0.000000e+00 : f32}
// CHECK: %[[LOW:.*]] = qc.reduce min %arg0
// CHECK: qc.clamp %[[LOW]] {clamp_max = 0.000000e+00 : f32}
// CHECK: %[[SCALE:.*]] = qc.div
// CHECK: %[[ZERO:.*]] = qc.quantize %{{.*}} {code_max = 255 : i64, code_min = 0 : i64
// CHECK: %[[STEPS:.*]] = qc.div %arg0, %[[SCALE]]
// CHECK: %[[WHOLE:.*]] = qc.activation round %[[STEPS]]
// CHECK: %[[OFFSET:.*]] = qc.dequantize %[[ZERO]]
// CHECK: %[[SUM0:.*]] = qc.add %[[WHOLE]], %[[OFFSET]]
// CHECK: %[[CODES:.*]] = qc.quantize %[[SUM0]] {code_max = 255 : i64, code_min = 0 : i64
// CHECK: %[[W:.*]] = qc.constant dense<{{\[}}[127, 64], [-127, 127]]> : tensor<2x2xi8>
// CHECK: %[[SUM:.*]] = qc.matmul %[[CODES]], %[[W]] {acc_bound = {{.*}} : ui64} : (tensor<1x2xui8>, tensor<2x2xi8>) -> tensor<1x2xi32>
// CHECK: %[[SUMS:.*]] = qc.constant dense<[0, 191]> : tensor<2xi32>
// CHECK: %[[WIDE:.*]] = qc.cast %[[ZERO]] : tensor<ui8> -> tensor<i32>
// CHECK: %[[OFF:.*]] = qc.mul %[[WIDE]], %[[SUMS]]
// CHECK: %[[EXACT:.*]] = qc.sub %[[SUM]], %[[OFF]]
// CHECK: %[[REAL:.*]] = qc.cast %[[EXACT]]
// CHECK: %[[SCALED:.*]] = qc.mul %[[REAL]]
// CHECK: qc.add %[[SCALED]], %{{.*}} {clamp_min = 0.000000e+00 : f32}
// CHECK: qc.matmul %[[CODES]]
func.func @product(%x: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %w = qc.constant dense<[[1.0, 1.0], [-1.0, 2.0]]> : tensor<2x2xf32>
  %b = qc.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %y = qc.matmul %x, %w, %b {clamp_min = 0.0 : f32} : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %z = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %y, %z : tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// Of several positions extremes are those of the channels' extremes.
// CHECK-LABEL: func.func @rows
// CHECK: %[[HIGHS:.*]] = qc.reduce max %arg0 {axes = array<i64: 0>} : tensor<8x2xf32> -> tensor<2xf32>
// CHECK: qc.reduce max %[[HIGHS]] {axes = array<i64: 0>} : tensor<2xf32> -> tensor<f32>
// CHECK: %[[LOWS:.*]] = qc.reduce min %arg0 {axes = array<i64: 0>} : tensor<8x2xf32> -> tensor<2xf32>
// CHECK: qc.reduce min %[[LOWS]] {axes = array<i64: 0>} : tensor<2xf32> -> tensor<f32>
func.func @rows(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = qc.constant dense<[[1.0, 1.0], [-1.0, 2.0]]> : tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}

// -----

// CHECK-LABEL: func.func @image
// CHECK: %[[HIGHS:.*]] = qc.reduce max %arg0 {axes = array<i64: 0, 2, 3>} : tensor<1x2x3x3xf32> -> tensor<2xf32>
// CHECK: qc.reduce max %[[HIGHS]]
func.func @image(%x: tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> {
  %w = qc.constant dense<1.0> : tensor<2x2x1x1xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x2x3x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}

// -----

// Padding is real zeros: codes less their zero point.
// CHECK-LABEL: func.func @padded
// CHECK: qc.quantize {{.*}} -> tensor<1x1x3x3xui8>
// CHECK: qc.quantize {{.*}} -> tensor<1x1x3x3xi9>
// CHECK: qc.conv {{.*}} : (tensor<1x1x3x3xi9>, tensor<2x1x3x3xi8>) -> tensor<1x2x3x3xi32>
// CHECK-NOT: qc.sub
// CHECK: return
func.func @padded(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x3x3xf32> {
  %w = qc.constant dense<1.0> : tensor<2x1x3x3xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x1x3x3xf32>, tensor<2x1x3x3xf32>) -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}

// -----

// CHECK-LABEL: func.func @refused
// CHECK-NOT: qc.quantize
func.func @refused(%x: tensor<1x2x2x2xf32>, %a: tensor<2x2xf32>) -> (tensor<1x2x3x3xf32>, tensor<2x2xf32>, tensor<1x2x2x2xf32>, tensor<2x1xf32>) {
  %w = qc.constant dense<1.0> : tensor<2x2x2x2xf32>
  // expected-remark@+1 {{stays in f32: it is a transposed convolution}}
  %y = qc.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>,
                                 dilations = array<i64: 1, 1>, groups = 1} : (tensor<1x2x2x2xf32>, tensor<2x2x2x2xf32>) -> tensor<1x2x3x3xf32>
  // expected-remark@+1 {{stays in f32: it multiplies two activations}}
  %z = qc.matmul %a, %a : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %d = qc.constant dense<1.0> : tensor<2x1x1x1xf32>
  // expected-remark@+1 {{each of its outputs reads one channel}}
  %v = qc.conv %x, %d {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2}
     : (tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  %i = qc.constant dense<[[1.0], [0x7F800000]]> : tensor<2x1xf32>
  // expected-remark@+1 {{a weight is not finite}}
  %u = qc.matmul %a, %i : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  return %y, %z, %v, %u : tensor<1x2x3x3xf32>, tensor<2x2xf32>, tensor<1x2x2x2xf32>, tensor<2x1xf32>
}
