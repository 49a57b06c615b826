// Functions: calls, several results, names; functions with arguments are left alone.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s --implicit-check-not=double:

// CHECK: two_results#0: tensor<2xf32> [2, 4]
// CHECK: two_results#1: tensor<i32> [7]
func.func @two_results() -> (tensor<2xf32>, tensor<i32>) {
  %x = qc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = func.call @double(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %z = qc.constant dense<7> : tensor<i32>
  return %y, %z : tensor<2xf32>, tensor<i32>
}
func.func private @double(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = qc.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
// Floats print as the shortest decimal that reads back.
// CHECK: floats: tensor<6xf32> [0.1, 1e+20, -0, nan, inf, 3.1415927]
func.func @floats() -> tensor<6xf32> {
  %x = qc.constant dense<[0.1, 1.0e20, -0.0, 0x7FC00000, 0x7F800000, 3.14159265]> : tensor<6xf32>
  return %x : tensor<6xf32>
}
// CHECK: bools: tensor<2xi1> [1, 0]
func.func @bools() -> tensor<2xi1> {
  %x = qc.constant dense<[true, false]> : tensor<2xi1>
  return %x : tensor<2xi1>
}
