// Masks that a model computes: the integer or boolean tensor behind the numbers that are added to scores, and what is no mask.
// RUN: qopt %s --qc-recognize-subgraphs -split-input-file | FileCheck %s --implicit-check-not=qc.mul --implicit-check-not=qc.sub

// (1 - cast(m)) * -10000, as BERT has it, behind scores over the root of d: 1 takes part.
// CHECK-LABEL: @added
// CHECK: %[[FOUR:.*]] = qc.reshape %arg1 : tensor<1x3xi64> -> tensor<1x1x1x3xi64>
// CHECK: %[[MASK:.*]] = qc.cast %[[FOUR]] : tensor<1x1x1x3xi64> -> tensor<1x1x1x3xi1>
// CHECK: qc.softmax %arg0 mask %[[MASK]] : tensor<1x1x1x3xi1> {axis = 3 : i64, scale = 5.000000e-01 : f32}
func.func @added(%x: tensor<1x2x3x3xf32>, %m: tensor<1x3xi64>) -> tensor<1x2x3x3xf32> {
  %one = qc.constant dense<1.0> : tensor<f32>
  %low = qc.constant dense<-1.0e4> : tensor<f32>
  %root = qc.constant dense<2.0> : tensor<f32>
  %r = qc.reshape %m : tensor<1x3xi64> -> tensor<1x1x1x3xi64>
  %f = qc.cast %r : tensor<1x1x1x3xi64> -> tensor<1x1x1x3xf32>
  %i = qc.sub %one, %f : (tensor<f32>, tensor<1x1x1x3xf32>) -> tensor<1x1x1x3xf32>
  %a = qc.mul %i, %low : (tensor<1x1x1x3xf32>, tensor<f32>) -> tensor<1x1x1x3xf32>
  %s = qc.div %x, %root : (tensor<1x2x3x3xf32>, tensor<f32>) -> tensor<1x2x3x3xf32>
  %t = qc.add %s, %a : (tensor<1x2x3x3xf32>, tensor<1x1x1x3xf32>) -> tensor<1x2x3x3xf32>
  %y = qc.softmax %t {axis = 3} : tensor<1x2x3x3xf32> -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}

// -----

// m * 10000 - 10000 is the same; the mask stands in front; numbers are moved and repeated between.
// CHECK-LABEL: @moved
// CHECK: %[[M:.*]] = qc.cast %arg1 : tensor<1x3xi32> -> tensor<1x3xi1>
// CHECK: %[[R:.*]] = qc.reshape %[[M]] : tensor<1x3xi1> -> tensor<1x1x1x3xi1>
// CHECK: %[[G:.*]] = qc.gather %[[R]]
// CHECK-SAME: tensor<1x1x1x3xi1> -> tensor<1x1x3x3xi1>
// CHECK: %[[T:.*]] = qc.transpose %[[G]]
// CHECK: qc.softmax %arg0 mask %[[T]]
func.func @moved(%x: tensor<1x2x3x3xf32>, %m: tensor<1x3xi32>) -> tensor<1x2x3x3xf32> {
  %high = qc.constant dense<1.0e4> : tensor<f32>
  %f = qc.cast %m : tensor<1x3xi32> -> tensor<1x3xf32>
  %p = qc.mul %f, %high : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>
  %r = qc.reshape %p : tensor<1x3xf32> -> tensor<1x1x1x3xf32>
  %g = qc.gather %r {indices = array<i64: 0, 0, 0>, axis = 2} : tensor<1x1x1x3xf32> -> tensor<1x1x3x3xf32>
  %t = qc.transpose %g {permutation = array<i64: 0, 1, 3, 2>} : tensor<1x1x3x3xf32> -> tensor<1x1x3x3xf32>
  %low = qc.constant dense<-1.0e4> : tensor<f32>
  %a = qc.add %t, %low : (tensor<1x1x3x3xf32>, tensor<f32>) -> tensor<1x1x3x3xf32>
  %s = qc.add %a, %x : (tensor<1x1x3x3xf32>, tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %y = qc.softmax %s {axis = 3} : tensor<1x2x3x3xf32> -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}

// -----

// A boolean that is true where nothing takes part, filled in: the condition is computed through floats.
// CHECK-LABEL: @filled
// CHECK: %[[M:.*]] = qc.cast %arg1 : tensor<3xi64> -> tensor<3xi1>
// CHECK: qc.softmax %arg0 mask %[[M]] : tensor<3xi1>
func.func @filled(%x: tensor<2x3xf32>, %m: tensor<3xi64>) -> tensor<2x3xf32> {
  %one = qc.constant dense<1.0> : tensor<f32>
  %low = qc.constant dense<0xFF800000> : tensor<f32>
  %f = qc.cast %m : tensor<3xi64> -> tensor<3xf32>
  %z = qc.constant dense<1.0> : tensor<3xf32>
  %c = qc.compare less %f, %z : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %s = qc.select %c, %low, %x : (tensor<3xi1>, tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = qc.softmax %s {axis = 1} : tensor<2x3xf32> -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// Where(mask, 0, -inf) is added; a boolean input is as it is, its opposite costs one operation. A limit behind the mask goes away.
// CHECK-LABEL: @selected
// CHECK: %[[ONE:.*]] = qc.constant dense<true> : tensor<i1>
// CHECK: %[[NOT:.*]] = qc.binary xor %arg1, %[[ONE]] : (tensor<3xi1>, tensor<i1>) -> tensor<3xi1>
// CHECK: qc.softmax %arg0 mask %[[NOT]] : tensor<3xi1>
func.func @selected(%x: tensor<2x3xf32>, %m: tensor<3xi1>) -> tensor<2x3xf32> {
  %zero = qc.constant dense<0.0> : tensor<f32>
  %low = qc.constant dense<0xFF800000> : tensor<f32>
  %a = qc.select %m, %low, %zero : (tensor<3xi1>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
  %s = qc.add %x, %a : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %c = qc.clamp %s {clamp_min = -3.4e38 : f32} : tensor<2x3xf32> -> tensor<2x3xf32>
  %y = qc.softmax %c {axis = 1} : tensor<2x3xf32> -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// A causal mask that is constant and one that is computed, added one after the other or together.
// CHECK-LABEL: @both
// CHECK: %[[M:.*]] = qc.cast %arg1 : tensor<2xi64> -> tensor<2xi1>
// CHECK: %[[A:.*]] = qc.binary and
// CHECK-SAME: -> tensor<2x2xi1>
// CHECK: qc.softmax %arg0 mask %[[A]] : tensor<2x2xi1>
// CHECK: qc.binary and
// CHECK: qc.softmax %arg0 mask
func.func @both(%x: tensor<2x2xf32>, %m: tensor<2xi64>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %causal = qc.constant dense<[[0.0, -1.0e9], [0.0, 0.0]]> : tensor<2x2xf32>
  %one = qc.constant dense<1.0> : tensor<f32>
  %low = qc.constant dense<-1.0e9> : tensor<f32>
  %zero = qc.constant dense<0.0> : tensor<f32>
  %b = qc.cast %m : tensor<2xi64> -> tensor<2xi1>
  %a = qc.select %b, %zero, %low : (tensor<2xi1>, tensor<f32>, tensor<f32>) -> tensor<2xf32>
  %s = qc.add %x, %causal : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %t = qc.add %s, %a : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %y = qc.softmax %t {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  %u = qc.add %a, %causal : (tensor<2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %v = qc.add %x, %u : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %z = qc.softmax %v {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  return %y, %z : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// What is added is no mask: numbers that are not low enough; low for 0 and for 1; of two tensors; of one tensor moved in two ways; of a float.
// CHECK-LABEL: @no_masks
// CHECK-NOT: mask
func.func @no_masks(%x: tensor<2x2xf32>, %m: tensor<2x2xi64>, %n: tensor<2x2xi64>, %b: tensor<2x2xf32>)
    -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %one = qc.constant dense<1.0> : tensor<f32>
  %zero = qc.constant dense<0.0> : tensor<f32>
  %few = qc.constant dense<-10.0> : tensor<f32>
  %low = qc.constant dense<-1.0e9> : tensor<f32>
  %c = qc.cast %m : tensor<2x2xi64> -> tensor<2x2xi1>
  %d = qc.cast %n : tensor<2x2xi64> -> tensor<2x2xi1>
  %a0 = qc.select %c, %zero, %few : (tensor<2x2xi1>, tensor<f32>, tensor<f32>) -> tensor<2x2xf32>
  %a1 = qc.select %c, %few, %low : (tensor<2x2xi1>, tensor<f32>, tensor<f32>) -> tensor<2x2xf32>
  %f = qc.select %d, %one, %zero : (tensor<2x2xi1>, tensor<f32>, tensor<f32>) -> tensor<2x2xf32>
  %a2 = qc.select %c, %f, %low : (tensor<2x2xi1>, tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %g = qc.select %c, %zero, %low : (tensor<2x2xi1>, tensor<f32>, tensor<f32>) -> tensor<2x2xf32>
  %t = qc.transpose %g {permutation = array<i64: 1, 0>} : tensor<2x2xf32> -> tensor<2x2xf32>
  %a3 = qc.binary max %t, %g : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %s0 = qc.add %x, %a0 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %s1 = qc.add %x, %a1 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %s2 = qc.add %x, %a2 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %s3 = qc.add %x, %a3 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %s4 = qc.add %x, %b : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %y0 = qc.softmax %s0 {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  %y1 = qc.softmax %s1 {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  %y2 = qc.softmax %s2 {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  %y3 = qc.softmax %s3 {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  %y4 = qc.softmax %s4 {axis = 1} : tensor<2x2xf32> -> tensor<2x2xf32>
  return %y0, %y1, %y2, %y3, %y4 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
