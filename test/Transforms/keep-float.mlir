// A copy of functions with observes goes into a module of its own, where passes on the functions of the outer one leave it alone.
// RUN: split-file %s %t
// RUN: qopt %t/kept.mlir --qc-keep-float | FileCheck %s
// CHECK-LABEL: func.func @observed(
// CHECK: qc.observe
// CHECK-LABEL: func.func @plain(
// CHECK: module @float {
// CHECK-NEXT: func.func @observed(
// CHECK: qc.observe %arg0 {code = i8, id = "a", max = 1.000000e+00 : f64, min = -1.000000e+00 : f64}
// CHECK-NOT: @plain
// RUN: qopt %t/kept.mlir "--pass-pipeline=builtin.module(qc-keep-float,func.func(qc-materialize-casts))" | FileCheck %s --check-prefix=AFTER
// AFTER-LABEL: func.func @observed(
// AFTER: quant.qcast
// AFTER: module @float {
// AFTER: qc.observe

// Without observes there is nothing to compare with.
// RUN: qopt %t/none.mlir --qc-keep-float | FileCheck %s --check-prefix=NONE
// NONE-NOT: module @float

// RUN: not qopt %t/twice.mlir --qc-keep-float 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: has a kept network already

//--- kept.mlir
func.func @observed(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "a", code = i8, min = -1.0 : f64, max = 1.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @plain(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
//--- none.mlir
func.func @plain(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
//--- twice.mlir
func.func @observed(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "a", code = i8, min = -1.0 : f64, max = 1.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}
module @float {
}
