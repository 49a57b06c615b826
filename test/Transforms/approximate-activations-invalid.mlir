// Functions without a value where inputs occurred, and bounds that cannot be kept, are errors; what was chosen is a remark.
// RUN: qopt %s --qc-approximate-activations='form=pwl pieces=2 max-error=3' --split-input-file --verify-diagnostics -o /dev/null
// RUN: not qopt %s --qc-approximate-activations=form=spline --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=FORM
// FORM: form=spline: use auto, table or pwl

!x = !quant.uniform<i8:f32, 0.0625>
!y = !quant.uniform<i8:f32, 0.0078125>

func.func @no_log_of_zero(%x: tensor<4x!quant.uniform<u8:f32, 0.0625>>) -> tensor<4x!x> {
  // expected-error @below {{node 'qc.activation': log has no finite value at 0.000000e+00, which lies in the range [0.000000e+00, 8.000000e+00] of its input; keep its input away from there in the model}}
  %y = qc.activation log %x {qc.domain = array<f64: 0.0, 8.0>} : tensor<4x!quant.uniform<u8:f32, 0.0625>> -> tensor<4x!x>
  return %y : tensor<4x!x>
}

// -----

!x = !quant.uniform<i8:f32, 0.0625>
func.func @no_reciprocal_across_zero(%x: tensor<4x!x>) -> tensor<4x!x> {
  // expected-error @below {{reciprocal has no finite value at 0.000000e+00, which lies in the range [-1.000000e+00, 8.000000e+00] of its input}}
  %y = qc.function "reciprocal" %x {qc.domain = array<f64: -1.0, 8.0>} : tensor<4x!x> -> tensor<4x!x> {
  ^bb0(%a: tensor<f32>):
    %one = qc.constant dense<1.0> : tensor<f32>
    %p = qc.div %one, %a : (tensor<f32>, tensor<f32>) -> tensor<f32>
    qc.yield %p : tensor<f32>
  }
  return %y : tensor<4x!x>
}

// -----

!x = !quant.uniform<i8:f32, 0.0625>
!y = !quant.uniform<i8:f32, 0.0078125>
func.func @no_bound_with_two_pieces(%x: tensor<4x!x>) -> tensor<4x!y> {
  // expected-error @below {{2 pieces of sigmoid have an error of}}
  %y = qc.activation sigmoid %x : tensor<4x!x> -> tensor<4x!y>
  return %y : tensor<4x!y>
}

// -----

!x = !quant.uniform<i8:f32, 0.0625>
func.func @remark(%x: tensor<4x!x>) -> tensor<4x!x> {
  // expected-remark @below {{node 'qc.activation' (leaky_relu): pwl, 2 pieces, 20 bytes instead of 256 for a table, error at most 0.000000e+00 (asked for: 3.000000e+00) and 0.000000e+00 on average, in codes of the result}}
  %y = qc.activation leaky_relu %x {alpha = 0.0 : f32} : tensor<4x!x> -> tensor<4x!x>
  return %y : tensor<4x!x>
}

// -----

!x = !quant.uniform<i8:f32, 0.0625>
func.func @no_root_of_negatives(%x: tensor<4x!x>) -> tensor<4x!x> {
  // expected-error @below {{sqrt has no finite value at -5.000000e-01, which lies in the range [-5.000000e-01, 8.000000e+00] of its input}}
  %y = qc.activation sqrt %x {qc.domain = array<f64: -0.5, 8.0>} : tensor<4x!x> -> tensor<4x!x>
  return %y : tensor<4x!x>
}

// -----

!x = !quant.uniform<i8:f32, 0.0625>
func.func @no_power_of_negatives(%x: tensor<4x!x>) -> tensor<4x!x> {
  // expected-error @below {{pow has no finite value at -5.000000e-01, which lies in the range [-5.000000e-01, 8.000000e+00] of its input}}
  %y = qc.function "pow" %x {qc.domain = array<f64: -0.5, 8.0>} : tensor<4x!x> -> tensor<4x!x> {
  ^bb0(%a: tensor<f32>):
    %e = qc.constant dense<0.3> : tensor<f32>
    %p = qc.binary pow %a, %e : (tensor<f32>, tensor<f32>) -> tensor<f32>
    qc.yield %p : tensor<f32>
  }
  return %y : tensor<4x!x>
}

// -----

// Whole exponents have values there, but not below one at 0.
!x = !quant.uniform<i8:f32, 0.0625>
func.func @no_negative_power_of_zero(%x: tensor<4x!x>) -> tensor<4x!x> {
  // expected-error @below {{pow has no finite value at 0.000000e+00, which lies in the range [-5.000000e-01, 8.000000e+00] of its input}}
  %y = qc.function "pow" %x {qc.domain = array<f64: -0.5, 8.0>} : tensor<4x!x> -> tensor<4x!x> {
  ^bb0(%a: tensor<f32>):
    %e = qc.constant dense<-3.0> : tensor<f32>
    %p = qc.binary pow %a, %e : (tensor<f32>, tensor<f32>) -> tensor<f32>
    qc.yield %p : tensor<f32>
  }
  return %y : tensor<4x!x>
}

// -----

// e^x overflows doubles beyond 709.
!x = !quant.uniform<i8:f32, 16.0>
func.func @no_exp_beyond_doubles(%x: tensor<4x!x>) -> tensor<4x!x> {
  // expected-error @below {{exp has no finite value at 7.200000e+02, which lies in the range [0.000000e+00, 8.000000e+02] of its input}}
  %y = qc.activation exp %x {qc.domain = array<f64: 0.0, 800.0>} : tensor<4x!x> -> tensor<4x!x>
  return %y : tensor<4x!x>
}
