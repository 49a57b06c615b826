// Without zero points ranges are symmetric for signed codes and begin at 0 for unsigned ones; what unsigned codes would lose is refused, with the tensor's name.
// RUN: qopt %s --qc-materialize-casts=zero-points=false -verify-diagnostics -split-input-file | FileCheck %s
// RUN: not qopt %s "--qc-materialize-casts=zero-points=false power-of-two=true" -split-input-file 2>/dev/null | FileCheck %s --check-prefix=POW2

// 381 / 127, and the next power of two.
// CHECK-LABEL: @both_signs
// CHECK: !quant.uniform<i8:f32, 3.000000e+00>
// POW2-LABEL: @both_signs
// POW2: !quant.uniform<i8:f32, 4.000000e+00>
func.func @both_signs(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i8, min = -100.0 : f64, max = 381.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -128 exists: 256 / 128.
// CHECK-LABEL: @negative
// CHECK: !quant.uniform<i8:f32, 2.000000e+00>
func.func @negative(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i8, min = -256.0 : f64, max = 0.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @unsigned
// CHECK: !quant.uniform<u8:f32, 2.000000e+00>
func.func @unsigned(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = ui8, min = 0.0 : f64, max = 510.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @positive_16
// CHECK: !quant.uniform<i16:f32, 2.000000e+00>
func.func @positive_16(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i16, min = 0.0 : f64, max = 65534.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @nothing
// CHECK: !quant.uniform<i8:f32, 1.000000e+00>
func.func @nothing(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i8, min = 0.0 : f64, max = 0.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @no_unsigned_below_0(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{tensor 'x' has numbers below 0, down to -1.000000e+00, which u8 codes without zero points do not hold: give it i8 in a constraints file, or use activations=i8}}
  %0 = qc.observe %x {id = "x", code = ui8, min = -1.0 : f64, max = 2.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}
