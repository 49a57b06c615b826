// Steps of several rows: as many as the strides of the sequence need.
// RUN: qopt %s --split-input-file --qc-derive-step=sequence=x | FileCheck %s
// RUN: not qopt %s --split-input-file --qc-derive-step='sequence=x bounded' 2>&1 | FileCheck %s --check-prefix=BOUNDED

// Two strides of two: four rows. The second window begins three rows before the step's own.
// CHECK-LABEL: @strides
// CHECK-SAME: %arg0: tensor<1x1x4xi8> {qc.name = "x", qc.sequence = array<i64: 2, 8, 0>}, %arg1: tensor<1x1x3xi32> {{.*}} -> (tensor<1x1x1xi32> {qc.name = "y", qc.sequence = array<i64: 2, 2, 0>}
// CHECK: qc.conv %arg0, %{{.*}} : (tensor<1x1x4xi8>, tensor<1x1x2xi8>) -> tensor<1x1x2xi32>
// CHECK: qc.concat %arg1, %{{.*}} : (tensor<1x1x3xi32>, tensor<1x1x2xi32>) -> tensor<1x1x5xi32>
// CHECK: qc.slice %{{.*}} {sizes = array<i64: 1, 1, 4>, starts = array<i64: 0, 0, 0>
// CHECK: qc.pool max %{{.*}} : tensor<1x1x4xi32> -> tensor<1x1x1xi32>
// BOUNDED: error: 'conv' takes one row in 2: a step of -decode is one row
func.func @strides(%x: tensor<1x1x8xi8> {qc.name = "x"}) -> (tensor<1x1x2xi32> {qc.name = "y"}) {
  %w = qc.constant dense<1> : tensor<1x1x2xi8>
  %0 = qc.conv %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64, acc_bound = 256 : ui64}
     : (tensor<1x1x8xi8>, tensor<1x1x2xi8>) -> tensor<1x1x4xi32>
  %y = qc.pool max %0 {kernel = array<i64: 4>, strides = array<i64: 2>, pads = array<i64: 3, 0>, dilations = array<i64: 1>} : tensor<1x1x4xi32> -> tensor<1x1x2xi32>
  return %y : tensor<1x1x2xi32>
}
