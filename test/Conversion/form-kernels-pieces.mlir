// Straight pieces are kernels of their own or the end of others; many of different length are left to loops, which search by halving.
// RUN: qopt %s --qc-form-kernels=isa=avx2 | FileCheck %s

// CHECK-LABEL: func.func @form_pieces
// CHECK: qc.kernel "pointwise"
// CHECK: qc.requantize
// CHECK-NEXT: qc.pwl
// CHECK-NEXT: qc.yield
func.func @form_pieces(%x: tensor<1x64xi8>) -> tensor<1x64xi8> {
  %r = qc.requantize %x {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 23>, zero_point = -3, code_min = -128,
                         code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x64xi8>) -> tensor<1x64xi8>
  %y = qc.pwl %r {knots = array<i32: 0>, slopes = array<i32: 2, 16>, intercepts = array<i32: 0, -3>, shift = 4, code_min = -128, code_max = 100,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<1x64xi8> -> tensor<1x64xi8>
  return %y : tensor<1x64xi8>
}

// CHECK-LABEL: func.func @no_form_many_pieces
// CHECK-NOT: qc.kernel
// CHECK: qc.pwl
func.func @no_form_many_pieces(%x: tensor<1x64xi8>) -> tensor<1x64xi8> {
  %y = qc.pwl %x {knots = array<i32: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32>, slopes = array<i32: 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1>,
                  intercepts = array<i32: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, shift = 4, code_min = -128, code_max = 100,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<1x64xi8> -> tensor<1x64xi8>
  return %y : tensor<1x64xi8>
}
