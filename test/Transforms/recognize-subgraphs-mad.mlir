// Mean magnitudes instead of deviations, if asked for: scales make up for the ratio of both, which is the root of 2 over pi.
// RUN: qopt %s --qc-recognize-subgraphs=normalize=mad | FileCheck %s
// RUN: not qopt %s --qc-recognize-subgraphs=normalize=l1 2>&1 | FileCheck %s --check-prefix=REFUSED
// REFUSED: normalize=l1: use exact or mad

// sqrt(0.25) / 1.2533 = 0.39894; 1 / 1.2533 = 0.79788.
// CHECK-LABEL: @layer
// CHECK: %[[S:.*]] = qc.constant dense<[0.797884{{[0-9]*}}, 1.59576{{[0-9]*}}]> : tensor<2xf32>
// CHECK: qc.normalize mad %arg0 scale %[[S]] bias %{{.*}} {epsilon = 0.39894{{[0-9]*}} : f32
func.func @layer(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %s = qc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = qc.normalize layer %x scale %s bias %s {first_axis = 1, last_axis = 1, epsilon = 0.25 : f32} : (tensor<3x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// CHECK-LABEL: @rms
// CHECK: %[[S:.*]] = qc.constant dense<0.797884{{[0-9]*}}> : tensor<1xf32>
// CHECK: qc.normalize mean_abs %arg0 scale %[[S]] {epsilon = 0.000000e+00 : f32
func.func @rms(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %y = qc.normalize rms %x {first_axis = 1, last_axis = 1, epsilon = 0.0 : f32} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// A norm is no deviation; a scale that is computed could not make up for anything.
// CHECK-LABEL: @no_magnitudes
// CHECK: qc.normalize l2
// CHECK: qc.normalize layer
func.func @no_magnitudes(%x: tensor<3x2xf32>, %s: tensor<2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %y = qc.normalize l2 %x {first_axis = 1, last_axis = 1, epsilon = 0.0 : f32} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %z = qc.normalize layer %x scale %s {first_axis = 1, last_axis = 1, epsilon = 0.0 : f32} : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %y, %z : tensor<3x2xf32>, tensor<3x2xf32>
}
