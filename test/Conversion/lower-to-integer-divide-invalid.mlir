// A quotient whose result cannot be told apart from zero has no integers.
// RUN: not qopt %s --qc-lower-to-integer -o /dev/null 2>&1 | FileCheck %s

!x = !quant.uniform<i8:f32, 1.0e-6>
!y = !quant.uniform<i8:f32, 1000.0>
// CHECK: error: the result's range is out of proportion to the operands'
func.func @no_divide_out_of_proportion(%x: tensor<4x!x>, %y: tensor<4x!y>) -> tensor<4x!y> {
  %0 = qc.div %x, %y : (tensor<4x!x>, tensor<4x!y>) -> tensor<4x!y>
  return %0 : tensor<4x!y>
}
