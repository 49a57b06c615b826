// Rows chosen and changed by indices: negative ones count from the end, those outside are limited; updates happen in order.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

// CHECK: take_rows: tensor<2x2x2xf32> [3, 4, 5, 6, 1, 2, 5, 6]
func.func @take_rows() -> tensor<2x2x2xf32> {
  %x = qc.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %i = qc.constant dense<[[1, -1], [-7, 9]]> : tensor<2x2xi64>
  %y = qc.take %x, %i : (tensor<3x2xf32>, tensor<2x2xi64>) -> tensor<2x2x2xf32>
  return %y : tensor<2x2x2xf32>
}
// CHECK: take_elements: tensor<2xi8> [30, 10]
func.func @take_elements() -> tensor<2xi8> {
  %x = qc.constant dense<[10, 20, 30]> : tensor<3xi8>
  %i = qc.constant dense<[2, 0]> : tensor<2xi32>
  %y = qc.take %x, %i : (tensor<3xi8>, tensor<2xi32>) -> tensor<2xi8>
  return %y : tensor<2xi8>
}
// The last update of a row stays.
// CHECK: scatter_set: tensor<3x2xf32> [5, 6, 0, 0, 3, 4]
func.func @scatter_set() -> tensor<3x2xf32> {
  %x = qc.constant dense<0.0> : tensor<3x2xf32>
  %i = qc.constant dense<[0, 2, -3]> : tensor<3xi64>
  %u = qc.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %y = qc.scatter set %x, %i, %u : (tensor<3x2xf32>, tensor<3xi64>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}
// CHECK: scatter_kinds#0: tensor<2xi8> [15, 1]
// CHECK: scatter_kinds#1: tensor<2xi8> [56, 1]
// CHECK: scatter_kinds#2: tensor<2xi8> [4, 1]
// CHECK: scatter_kinds#3: tensor<2xi8> [7, 1]
func.func @scatter_kinds() -> (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>) {
  %x = qc.constant dense<[4, 1]> : tensor<2xi8>
  %m = qc.constant dense<[2, 1]> : tensor<2xi8>
  %i = qc.constant dense<0> : tensor<2xi32>
  %u = qc.constant dense<[7, 4]> : tensor<2xi8>
  %a = qc.scatter add %x, %i, %u : (tensor<2xi8>, tensor<2xi32>, tensor<2xi8>) -> tensor<2xi8>
  %b = qc.scatter mul %m, %i, %u : (tensor<2xi8>, tensor<2xi32>, tensor<2xi8>) -> tensor<2xi8>
  %c = qc.scatter min %x, %i, %u : (tensor<2xi8>, tensor<2xi32>, tensor<2xi8>) -> tensor<2xi8>
  %d = qc.scatter max %x, %i, %u : (tensor<2xi8>, tensor<2xi32>, tensor<2xi8>) -> tensor<2xi8>
  return %a, %b, %c, %d : tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi8>
}
