// Observes become casts to the affine type of their range.
// RUN: qopt %s --qc-materialize-casts | FileCheck %s
// RUN: qopt %s --qc-materialize-casts=power-of-two=true | FileCheck %s --check-prefix=POW2

// CHECK-LABEL: @cast_asymmetric
// CHECK: %[[Q:.*]] = quant.qcast %{{.*}} : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 2.000000e+00:-78>>
// CHECK: %[[F:.*]] = quant.dcast %[[Q]]
// CHECK: return %[[F]]
// POW2-LABEL: @cast_asymmetric
// POW2: !quant.uniform<i8:f32, 2.000000e+00:-78>
func.func @cast_asymmetric(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i8, min = -100.0 : f64, max = 410.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A power of two at least as large as the scale.
// CHECK-LABEL: @cast_unsigned_4_bits
// CHECK: !quant.uniform<u4:f32, 3.000000e+00:5>
// POW2-LABEL: @cast_unsigned_4_bits
// POW2: !quant.uniform<u4:f32, 4.000000e+00:4>
func.func @cast_unsigned_4_bits(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = ui4, min = -15.0 : f64, max = 30.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @cast_16_bits
// CHECK: !quant.uniform<i16:f32, 1.000000e+00:-32768>
func.func @cast_16_bits(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i16, min = 0.0 : f64, max = 65535.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A tensor of zeros has a range of no width, yet a scale.
// CHECK-LABEL: @cast_zero_range
// CHECK: !quant.uniform<i8:f32, 1.000000e+00:-128>
func.func @cast_zero_range(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i8, min = 0.0 : f64, max = 0.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Types to choose from go along.
// CHECK-LABEL: @cast_choices
// CHECK: quant.qcast %{{.*}} {qc.type_candidates = {group = "g", id = "x", types = [!quant.uniform<i8:f32, 2.000000e+00:-78>, !quant.uniform<i16:f32, 1.000000e+00>]}} : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 2.000000e+00:-78>>
// POW2-LABEL: @cast_choices
// POW2: qc.type_candidates
func.func @cast_choices(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "x", code = i8, min = -100.0 : f64, max = 410.0 : f64, qc.code_candidates = {group = "g", list = [{code = i8}, {code = i16, max = 32767.0 : f64, min = -100.0 : f64}]}} : tensor<4xf32>
  return %0 : tensor<4xf32>
}
