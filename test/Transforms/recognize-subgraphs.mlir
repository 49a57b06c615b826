// Softmax and normalization in the forms that exporters write, and near misses that stay what they are.
// RUN: qopt %s --qc-recognize-subgraphs -split-input-file | FileCheck %s

// CHECK-LABEL: @rms_divided
// CHECK-NEXT: qc.normalize rms %arg0 {epsilon = 5.000000e-01 : f32, first_axis = 1 : i64, last_axis = 2 : i64}
// CHECK-NEXT: return
func.func @rms_divided(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %e = qc.constant dense<0.5> : tensor<f32>
  %s = qc.mul %x, %x : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %m = qc.reduce mean %s {axes = array<i64: 1, 2>, keep_dims} : tensor<2x3x4xf32> -> tensor<2x1x1xf32>
  %v = qc.add %m, %e : (tensor<2x1x1xf32>, tensor<f32>) -> tensor<2x1x1xf32>
  %r = qc.activation sqrt %v : tensor<2x1x1xf32> -> tensor<2x1x1xf32>
  %y = qc.div %x, %r : (tensor<2x3x4xf32>, tensor<2x1x1xf32>) -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: @rms_inverted_with_scale
// CHECK: %[[S:.*]] = qc.constant dense<[1.0{{.*}}, 4.0{{.*}}]> : tensor<4xf32>
// CHECK-NEXT: qc.normalize rms %arg0 scale %[[S]] {
// CHECK-NEXT: return
func.func @rms_inverted_with_scale(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = qc.constant dense<0.5> : tensor<f32>
  %two = qc.constant dense<2.0> : tensor<f32>
  %g = qc.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %s = qc.binary pow %x, %two : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  %m = qc.reduce mean %s {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %v = qc.add %m, %e : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %r = qc.activation sqrt %v : tensor<2x1xf32> -> tensor<2x1xf32>
  %i = qc.activation reciprocal %r : tensor<2x1xf32> -> tensor<2x1xf32>
  %n = qc.mul %x, %i : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %y = qc.mul %n, %g : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @rms_one_over
// CHECK: qc.normalize rms %arg0
func.func @rms_one_over(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = qc.constant dense<0.5> : tensor<f32>
  %one = qc.constant dense<1.0> : tensor<f32>
  %s = qc.mul %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %m = qc.reduce mean %s {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %v = qc.add %m, %e : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %r = qc.activation sqrt %v : tensor<2x1xf32> -> tensor<2x1xf32>
  %i = qc.div %one, %r : (tensor<f32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %y = qc.mul %x, %i : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @layer_with_scale_and_bias
// CHECK: qc.normalize layer %arg0 scale %{{.*}} bias %{{.*}} {epsilon = 5.000000e-01 : f32, first_axis = 1 : i64, last_axis = 1 : i64}
// CHECK-NEXT: return
func.func @layer_with_scale_and_bias(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = qc.constant dense<0.5> : tensor<f32>
  %half = qc.constant dense<-0.5> : tensor<f32>
  %g = qc.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %mean = qc.reduce mean %x {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %c = qc.sub %x, %mean : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %s = qc.mul %c, %c : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %m = qc.reduce mean %s {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %v = qc.add %m, %e : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %i = qc.binary pow %v, %half : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %n = qc.mul %c, %i : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %t = qc.mul %n, %g : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %y = qc.add %t, %g : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @l2_plain
// CHECK-NEXT: qc.normalize l2 %arg0 {epsilon = 0.000000e+00 : f32
func.func @l2_plain(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %s = qc.mul %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %m = qc.reduce sum %s {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %r = qc.activation sqrt %m : tensor<2x1xf32> -> tensor<2x1xf32>
  %y = qc.div %x, %r : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @l2_with_least_norm
// CHECK-NEXT: qc.normalize l2 %arg0 {epsilon = 9.99999996E-13 : f32
func.func @l2_with_least_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %s = qc.mul %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %m = qc.reduce sum %s {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %r = qc.activation sqrt %m : tensor<2x1xf32> -> tensor<2x1xf32>
  %c = qc.clamp %r {clamp_min = 1.0e-6 : f32} : tensor<2x1xf32> -> tensor<2x1xf32>
  %y = qc.div %x, %c : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// The mean of another tensor's squares.
// CHECK-LABEL: @no_rms_of_another
// CHECK-NOT: qc.normalize
func.func @no_rms_of_another(%x: tensor<2x4xf32>, %z: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = qc.constant dense<0.5> : tensor<f32>
  %s = qc.mul %z, %z : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %m = qc.reduce mean %s {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %v = qc.add %m, %e : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %r = qc.activation sqrt %v : tensor<2x1xf32> -> tensor<2x1xf32>
  %y = qc.div %x, %r : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Axes that are not next to each other, a negative epsilon, a clamp on the quotient: three misses.
// CHECK-LABEL: @no_rms_near_misses
// CHECK-NOT: qc.normalize
func.func @no_rms_near_misses(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>) {
  %e = qc.constant dense<0.5> : tensor<f32>
  %n = qc.constant dense<-0.5> : tensor<f32>
  %s = qc.mul %x, %x : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %apart = qc.reduce mean %s {axes = array<i64: 0, 2>, keep_dims} : tensor<2x3x4xf32> -> tensor<1x3x1xf32>
  %v = qc.add %apart, %e : (tensor<1x3x1xf32>, tensor<f32>) -> tensor<1x3x1xf32>
  %r = qc.activation sqrt %v : tensor<1x3x1xf32> -> tensor<1x3x1xf32>
  %a = qc.div %x, %r : (tensor<2x3x4xf32>, tensor<1x3x1xf32>) -> tensor<2x3x4xf32>
  %last = qc.reduce mean %s {axes = array<i64: 2>, keep_dims} : tensor<2x3x4xf32> -> tensor<2x3x1xf32>
  %w = qc.add %last, %n : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %q = qc.activation sqrt %w : tensor<2x3x1xf32> -> tensor<2x3x1xf32>
  %b = qc.div %x, %q : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %u = qc.add %last, %e : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %p = qc.activation sqrt %u : tensor<2x3x1xf32> -> tensor<2x3x1xf32>
  %c = qc.div %x, %p {clamp_min = 0.0 : f32} : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  return %a, %b, %c : tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>
}

// -----

// A scale that is computed, and a normalized value that others read, too.
// CHECK-LABEL: @no_scale_computed
// CHECK: %[[N:.*]] = qc.normalize rms %arg0 {
// CHECK: qc.mul %[[N]], %arg1
func.func @no_scale_computed(%x: tensor<2x4xf32>, %g: tensor<4xf32>) -> tensor<2x4xf32> {
  %n = qc.normalize rms %x {first_axis = 1, last_axis = 1, epsilon = 0.5 : f32} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %y = qc.mul %n, %g : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @magnitude
// CHECK-NEXT: %[[A:.*]] = qc.binary hypot %arg0, %arg1
// CHECK: %[[B:.*]] = qc.binary hypot %arg0, %arg1
// CHECK-NEXT: return %[[A]], %[[B]]
func.func @magnitude(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %e = qc.constant dense<1.0e-12> : tensor<f32>
  %a = qc.mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %b = qc.mul %y, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = qc.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = qc.activation sqrt %s : tensor<4xf32> -> tensor<4xf32>
  %t = qc.add %s, %e : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %q = qc.activation sqrt %t : tensor<4xf32> -> tensor<4xf32>
  return %r, %q : tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: @no_magnitude_of_products
// CHECK-NOT: hypot
func.func @no_magnitude_of_products(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %a = qc.mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %b = qc.mul %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = qc.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = qc.activation sqrt %s : tensor<4xf32> -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// CHECK-LABEL: @softmax_from_exp
// CHECK-NEXT: qc.softmax %arg0 {axis = 1 : i64, log}
func.func @softmax_from_exp(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %m = qc.reduce max %x {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %d = qc.sub %x, %m : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %e = qc.activation exp %d : tensor<2x4xf32> -> tensor<2x4xf32>
  %s = qc.reduce sum %e {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %p = qc.div %e, %s : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %y = qc.activation log %p : tensor<2x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @softmax_scaled_and_masked
// CHECK: %[[M:.*]] = qc.constant dense<{{\[\[}}true, false], [true, true]]> : tensor<2x2xi1>
// CHECK: qc.softmax %arg0 mask %[[M]] : tensor<2x2xi1> {axis = 2 : i64, scale = 2.500000e-01 : f32}
func.func @softmax_scaled_and_masked(%x: tensor<3x2x2xf32>) -> tensor<3x2x2xf32> {
  %m = qc.constant dense<[[0.0, -1.0e9], [0.0, 0.0]]> : tensor<2x2xf32>
  %four = qc.constant dense<4.0> : tensor<f32>
  %s = qc.div %x, %four : (tensor<3x2x2xf32>, tensor<f32>) -> tensor<3x2x2xf32>
  %a = qc.add %s, %m : (tensor<3x2x2xf32>, tensor<2x2xf32>) -> tensor<3x2x2xf32>
  %y = qc.softmax %a {axis = 2} : tensor<3x2x2xf32> -> tensor<3x2x2xf32>
  return %y : tensor<3x2x2xf32>
}

// -----

// CHECK-LABEL: @softmax_selected
// CHECK: qc.softmax %arg0 mask %arg1 : tensor<2x2xi1> {axis = 1 : i64}
func.func @softmax_selected(%x: tensor<2x2xf32>, %c: tensor<2x2xi1>) -> tensor<2x2xf32> {
  %low = qc.constant dense<-1.0e9> : tensor<f32>
  %a = qc.select %c, %x, %low : (tensor<2x2xi1>, tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %y = qc.softmax %a {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// A bias of scores is no mask; a negative factor turns the order around.
// CHECK-LABEL: @no_softmax_mask
// CHECK: qc.add
// CHECK: qc.softmax %{{.*}} {axis = 1 : i64}
// CHECK: qc.mul
// CHECK: qc.softmax %{{.*}} {axis = 1 : i64}
func.func @no_softmax_mask(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %m = qc.constant dense<[[0.5, -1.0e9], [0.0, 0.0]]> : tensor<2x2xf32>
  %n = qc.constant dense<-1.0> : tensor<f32>
  %a = qc.add %x, %m : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = qc.softmax %a {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  %b = qc.mul %x, %n : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %z = qc.softmax %b {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  return %y, %z : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// Cosine similarity: an inner product over both norms, as it is exported. Normalized rows are multiplied as a product of matrices.
// CHECK-LABEL: @cosine_of_roots
// CHECK: %[[X:.*]] = qc.normalize l2 %arg0 {epsilon = 9.99999993E-9 : f32, first_axis = 1 : i64, last_axis = 1 : i64}
// CHECK: %[[Y:.*]] = qc.normalize l2 %arg1 {epsilon = 9.99999993E-9 : f32
// CHECK: %[[ROW:.*]] = qc.reshape %[[X]] : tensor<2x4xf32> -> tensor<2x1x4xf32>
// CHECK: %[[COLUMN:.*]] = qc.reshape %[[Y]] : tensor<2x4xf32> -> tensor<2x4x1xf32>
// CHECK: %[[DOT:.*]] = qc.matmul %[[ROW]], %[[COLUMN]] : (tensor<2x1x4xf32>, tensor<2x4x1xf32>) -> tensor<2x1x1xf32>
// CHECK: qc.reshape %[[DOT]] : tensor<2x1x1xf32> -> tensor<2xf32>
func.func @cosine_of_roots(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2xf32> {
  %p = qc.mul %x, %y : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %dot = qc.reduce sum %p {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2xf32>
  %xx = qc.mul %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %sx = qc.reduce sum %xx {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2xf32>
  %nx = qc.activation sqrt %sx : tensor<2xf32> -> tensor<2xf32>
  %yy = qc.mul %y, %y : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %sy = qc.reduce sum %yy {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2xf32>
  %ny = qc.activation sqrt %sy : tensor<2xf32> -> tensor<2xf32>
  %n = qc.mul %ny, %nx : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %c = qc.clamp %n {clamp_min = 1.0e-8 : f32} : tensor<2xf32> -> tensor<2xf32>
  %z = qc.div %dot, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %z : tensor<2xf32>
}

// -----

// The root of the product of both sums, kept from zero; every row of one tensor with every row of the other.
// CHECK-LABEL: @cosine_of_all_pairs
// CHECK: qc.normalize l2 %arg0 {epsilon = 9.99999993E-9 : f32
// CHECK: qc.normalize l2 %arg1
// CHECK: qc.matmul {{.*}} : (tensor<2x1x1x4xf32>, tensor<1x3x4x1xf32>) -> tensor<2x3x1x1xf32>
// CHECK: qc.reshape {{.*}} -> tensor<2x3x1xf32>
func.func @cosine_of_all_pairs(%x: tensor<2x1x4xf32>, %y: tensor<1x3x4xf32>) -> tensor<2x3x1xf32> {
  %e = qc.constant dense<1.0e-16> : tensor<f32>
  %p = qc.mul %x, %y : (tensor<2x1x4xf32>, tensor<1x3x4xf32>) -> tensor<2x3x4xf32>
  %dot = qc.reduce sum %p {axes = array<i64: 2>, keep_dims} : tensor<2x3x4xf32> -> tensor<2x3x1xf32>
  %xx = qc.mul %x, %x : (tensor<2x1x4xf32>, tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  %sx = qc.reduce sum %xx {axes = array<i64: 2>, keep_dims} : tensor<2x1x4xf32> -> tensor<2x1x1xf32>
  %yy = qc.mul %y, %y : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  %sy = qc.reduce sum %yy {axes = array<i64: 2>, keep_dims} : tensor<1x3x4xf32> -> tensor<1x3x1xf32>
  %s = qc.mul %sx, %sy : (tensor<2x1x1xf32>, tensor<1x3x1xf32>) -> tensor<2x3x1xf32>
  %a = qc.add %s, %e : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %n = qc.activation sqrt %a : tensor<2x3x1xf32> -> tensor<2x3x1xf32>
  %z = qc.div %dot, %n : (tensor<2x3x1xf32>, tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  return %z : tensor<2x3x1xf32>
}

// -----

// One norm after the other, each with its own limit; the axis is not the last one, so that the products are summed.
// CHECK-LABEL: @cosine_of_columns
// CHECK: %[[X:.*]] = qc.normalize l2 %arg0 {epsilon = 9.99999996E-13 : f32, first_axis = 0 : i64, last_axis = 0 : i64}
// CHECK: %[[Y:.*]] = qc.normalize l2 %arg1
// CHECK: %[[P:.*]] = qc.mul %[[X]], %[[Y]]
// CHECK: qc.reduce sum %[[P]] {axes = array<i64: 0>}
// CHECK-NOT: qc.div
func.func @cosine_of_columns(%x: tensor<4x2xf32>, %y: tensor<4x2xf32>) -> tensor<2xf32> {
  %p = qc.mul %x, %y : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  %dot = qc.reduce sum %p {axes = array<i64: 0>} : tensor<4x2xf32> -> tensor<2xf32>
  %xx = qc.mul %x, %x : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  %sx = qc.reduce sum %xx {axes = array<i64: 0>} : tensor<4x2xf32> -> tensor<2xf32>
  %rx = qc.activation sqrt %sx : tensor<2xf32> -> tensor<2xf32>
  %nx = qc.clamp %rx {clamp_min = 1.0e-6 : f32} : tensor<2xf32> -> tensor<2xf32>
  %yy = qc.mul %y, %y : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  %sy = qc.reduce sum %yy {axes = array<i64: 0>} : tensor<4x2xf32> -> tensor<2xf32>
  %ry = qc.activation sqrt %sy : tensor<2xf32> -> tensor<2xf32>
  %ny = qc.clamp %ry {clamp_min = 1.0e-6 : f32} : tensor<2xf32> -> tensor<2xf32>
  %q = qc.div %dot, %ny : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %z = qc.div %q, %nx : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %z : tensor<2xf32>
}

// -----

// Both tensors normalized on their own, one repeated to full size first as torch exports it.
// CHECK-LABEL: @cosine_of_normalized
// CHECK: qc.normalize l2 %arg0
// CHECK: qc.normalize l2 %arg1
// CHECK: qc.matmul
func.func @cosine_of_normalized(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2xf32> {
  %xx = qc.mul %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %sx = qc.reduce sum %xx {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %rx = qc.activation sqrt %sx : tensor<2x1xf32> -> tensor<2x1xf32>
  %cx = qc.clamp %rx {clamp_min = 1.0e-12 : f32} : tensor<2x1xf32> -> tensor<2x1xf32>
  %ex = qc.gather %cx {indices = array<i64: 0, 0, 0, 0>, axis = 1} : tensor<2x1xf32> -> tensor<2x4xf32>
  %nx = qc.div %x, %ex : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %yy = qc.mul %y, %y : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %sy = qc.reduce sum %yy {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
  %ry = qc.activation sqrt %sy : tensor<2x1xf32> -> tensor<2x1xf32>
  %ny = qc.div %y, %ry : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %p = qc.mul %nx, %ny : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %z = qc.reduce sum %p {axes = array<i64: 1>} : tensor<2x4xf32> -> tensor<2xf32>
  return %z : tensor<2xf32>
}

// -----

// The norm of another tensor, and one over another axis.
// CHECK-LABEL: @no_cosine
// CHECK-NOT: qc.normalize
func.func @no_cosine(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %p = qc.mul %x, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %dot = qc.reduce sum %p {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4xf32>
  %xx = qc.mul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %sx = qc.reduce sum %xx {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4xf32>
  %nx = qc.activation sqrt %sx : tensor<4xf32> -> tensor<4xf32>
  %ww = qc.mul %w, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %sw = qc.reduce sum %ww {axes = array<i64: 1>} : tensor<4x4xf32> -> tensor<4xf32>
  %nw = qc.activation sqrt %sw : tensor<4xf32> -> tensor<4xf32>
  %yy = qc.mul %y, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %sy = qc.reduce sum %yy {axes = array<i64: 0>} : tensor<4x4xf32> -> tensor<4xf32>
  %ny = qc.activation sqrt %sy : tensor<4xf32> -> tensor<4xf32>
  %m = qc.mul %nx, %nw : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %n = qc.mul %nx, %ny : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %a = qc.div %dot, %m : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %b = qc.div %dot, %n : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
