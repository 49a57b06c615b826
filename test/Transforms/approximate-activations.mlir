// Functions on quantized types become exact tables or straight pieces whose errors are stated.
// RUN: qopt %s --qc-approximate-activations | FileCheck %s
// RUN: qopt %s --qc-approximate-activations='form=pwl pieces=3' | FileCheck %s --check-prefix=THREE --implicit-check-not=qc.lut
// RUN: qopt %s --qc-approximate-activations='form=table' | FileCheck %s --check-prefix=TABLE --implicit-check-not=qc.pwl
// RUN: qopt %s --qc-approximate-activations='form=pwl curves' | FileCheck %s --check-prefix=CURVES

!x4 = !quant.uniform<i4:f32, 0.5>
!y8 = !quant.uniform<i8:f32, 0.5:-2>
!x16 = !quant.uniform<i16:f32, 0.000244140625>
!y16 = !quant.uniform<i16:f32, 0.000030517578125>

// |x| at codes 0 to 7, then -8 to -1, in table order from -8 on; the zero point is -2.
// CHECK-LABEL: func @table_of_narrow_codes
// CHECK-SAME: qc.activations = [{bytes = 16 : i64, form = "table", function = "abs", max_error = 0.000000e+00 : f64, mean_error = 0.000000e+00 : f64, name = "", pieces = 16 : i64}]
// CHECK: %[[T:.*]] = qc.constant dense<[6, 5, 4, 3, 2, 1, 0, -1, -2, -1, 0, 1, 2, 3, 4, 5]> : tensor<16xi8>
// CHECK: qc.lut %{{.*}}, %[[T]] : (tensor<4x!quant.uniform<i4:f32, 5.000000e-01>>, tensor<16xi8>) -> tensor<4x!quant.uniform<i8:f32, 5.000000e-01:-2>>
// Two pieces are exact: three are not needed for anything.
// THREE-LABEL: func @table_of_narrow_codes
// THREE: qc.pwl %{{.*}} {code_max = 127 : i64, code_min = -128 : i64, {{.*}}max_error = 0.000000e+00 : f64, mean_error = 0.000000e+00 : f64
// In real values, from the lowest code on; the second piece begins at code 1.
// CURVES-LABEL: func @table_of_narrow_codes
// CURVES-SAME: curve = {chosen = array<f64: 4.000000e+00, 3.500000e+00, {{[^>]*}} 3.500000e+00>, errors = array<i64: 0, 0, {{[^>]*}}>,
// CURVES-SAME: exact = array<f64: 4.000000e+00, 3.500000e+00, {{[^>]*}} 3.500000e+00>,
// CURVES-SAME: inputs = array<f64: -4.000000e+00, -3.500000e+00, {{[^>]*}} 3.500000e+00>, knots = array<f64: 5.000000e-01>}, form = "pwl"
// TABLE-LABEL: func @table_of_narrow_codes
// TABLE: qc.lut
func.func @table_of_narrow_codes(%x: tensor<4x!x4>) -> tensor<4x!y8> {
  %y = qc.activation abs %x : tensor<4x!x4> -> tensor<4x!y8>
  return %y : tensor<4x!y8>
}

// A smooth function of 16 bits: pieces of equal length, within 2 codes.
// CHECK-LABEL: func @equal_pieces_of_wide_codes
// CHECK-SAME: form = "pwl, equal pieces", function = "tanh", max_error = {{[12]}}.000000e+00 : f64
// CHECK: qc.pwl
// THREE-LABEL: func @equal_pieces_of_wide_codes
// THREE: qc.pwl %{{.*}} {{.*}}knots = array<i32: {{-?[0-9]+, -?[0-9]+}}>
// TABLE-LABEL: func @equal_pieces_of_wide_codes
// TABLE: qc.lut {{.*}}, tensor<65536xi16>)
func.func @equal_pieces_of_wide_codes(%x: tensor<4x!x16>) -> tensor<4x!y16> {
  %y = qc.activation tanh %x : tensor<4x!x16> -> tensor<4x!y16>
  return %y : tensor<4x!y16>
}

// A kink where no piece of equal length ends: two pieces, which is all that the function is.
// CHECK-LABEL: func @free_knots_of_wide_codes
// CHECK-SAME: form = "pwl", function = "leaky_relu", max_error = {{[012]}}.000000e+00 : f64, {{.*}}pieces = 2 : i64
// CHECK: qc.pwl
// TABLE-LABEL: func @free_knots_of_wide_codes
func.func @free_knots_of_wide_codes(%x: tensor<4x!quant.uniform<i16:f32, 0.001:-1234>>) -> tensor<4x!quant.uniform<i16:f32, 0.001:-3000>> {
  %y = qc.activation leaky_relu %x {alpha = 0.1 : f32} : tensor<4x!quant.uniform<i16:f32, 0.001:-1234>> -> tensor<4x!quant.uniform<i16:f32, 0.001:-3000>>
  return %y : tensor<4x!quant.uniform<i16:f32, 0.001:-3000>>
}

// A region is a function like any other. Codes of the input are steps of 0.5: x * x at -4, -3.5, ... with limits.
// CHECK-LABEL: func @table_of_region
// CHECK-SAME: function = "square"
// CHECK: qc.constant dense<[30, 22, 16, 10, 6, 2, 0, -2, -2, -2, 0, 2, 6, 10, 16, 22]> : tensor<16xi8>
// CHECK: qc.lut
// CHECK-NOT: qc.function
func.func @table_of_region(%x: tensor<4x!x4>) -> tensor<4x!y8> {
  %y = qc.function "square" %x : tensor<4x!x4> -> tensor<4x!y8> {
  ^bb0(%a: tensor<f32>):
    %p = qc.mul %a, %a : (tensor<f32>, tensor<f32>) -> tensor<f32>
    qc.yield %p : tensor<f32>
  }
  return %y : tensor<4x!y8>
}

// A logarithm is a table here, as 0 lies outside the range that occurred: its code gets the limit.
// CHECK-LABEL: func @undefined_outside_domain
// CHECK: qc.lut
func.func @undefined_outside_domain(%x: tensor<4x!quant.uniform<u4:f32, 0.5>>) -> tensor<4x!y8> {
  %y = qc.activation log %x {qc.domain = array<f64: 0.4, 7.0>} : tensor<4x!quant.uniform<u4:f32, 0.5>> -> tensor<4x!y8>
  return %y : tensor<4x!y8>
}

// What stays in float is no business of this pass.
// CHECK-LABEL: func @no_approximation_in_float
// CHECK: qc.activation tanh %{{.*}} : tensor<4xf32>
func.func @no_approximation_in_float(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = qc.activation tanh %x : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}
