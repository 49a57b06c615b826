// Stored weights are the numbers that they stand for: codes times the scale of their block, the bits of f16 and bf16.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

// CHECK: tensor<4x1xf32> [-24, 3, -2, 0.75]
// CHECK: tensor<4xf32> [1, -0.5, 5.9604645e-08, 65504]
// CHECK: tensor<3xf32> [1, -0.5, 3.140625]
func.func @main() -> (tensor<4x1xf32> {qc.name = "values"}, tensor<4xf32> {qc.name = "halves"}, tensor<3xf32> {qc.name = "brains"}) {
  %codes = qc.constant dense<[[-8], [1], [-8], [3]]> : tensor<4x1xi4>
  %scales = qc.constant dense<[[3.0], [0.25]]> : tensor<2x1xf32>
  %values = qc.decode %codes, %scales : (tensor<4x1xi4>, tensor<2x1xf32>) -> tensor<4x1xf32>
  %h = qc.constant dense<[15360, -18432, 1, 31743]> : tensor<4xi16>
  %halves = qc.decode %h as f16 : (tensor<4xi16>) -> tensor<4xf32>
  %b = qc.constant dense<[16256, -16640, 16457]> : tensor<3xi16>
  %brains = qc.decode %b as bf16 : (tensor<3xi16>) -> tensor<3xf32>
  return %values, %halves, %brains : tensor<4x1xf32>, tensor<4xf32>, tensor<3xf32>
}
