// The affine scheme: codes and values of every kind of type, and the types that ranges give.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s
// RUN: qopt -qc-materialize-casts %s | FileCheck %s --check-prefix=TYPES
// RUN: qopt -qc-materialize-casts=power-of-two=true %s | FileCheck %s --check-prefix=POW2

// CHECK: unsigned_codes: {{.*}} [0, 100, 101, 255]
func.func @unsigned_codes() -> tensor<4x!quant.uniform<u8:f32, 0.5:100>> {
  %x = qc.constant dense<[-100.0, 0.0, 0.6, 1000.0]> : tensor<4xf32>
  %y = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<u8:f32, 0.5:100>>
  return %y : tensor<4x!quant.uniform<u8:f32, 0.5:100>>
}
// CHECK: four_bits: {{.*}} [-8, -3, 7]
func.func @four_bits() -> tensor<3x!quant.uniform<i4:f32, 1.0:-1>> {
  %x = qc.constant dense<[-100.0, -2.0, 100.0]> : tensor<3xf32>
  %y = quant.qcast %x : tensor<3xf32> to tensor<3x!quant.uniform<i4:f32, 1.0:-1>>
  return %y : tensor<3x!quant.uniform<i4:f32, 1.0:-1>>
}
// CHECK: ternary: {{.*}} [-1, 0, 1]
func.func @ternary() -> tensor<3x!quant.uniform<i2<-1:1>:f32, 0.5>> {
  %x = qc.constant dense<[-7.0, 0.2, 7.0]> : tensor<3xf32>
  %y = quant.qcast %x : tensor<3xf32> to tensor<3x!quant.uniform<i2<-1:1>:f32, 0.5>>
  return %y : tensor<3x!quant.uniform<i2<-1:1>:f32, 0.5>>
}
// CHECK: sixteen_bits: {{.*}} [-32768, 12345, 32767]
func.func @sixteen_bits() -> tensor<3x!quant.uniform<i16:f32, 0.001953125>> {
  %x = qc.constant dense<[-100.0, 24.111328125, 100.0]> : tensor<3xf32>
  %y = quant.qcast %x : tensor<3xf32> to tensor<3x!quant.uniform<i16:f32, 0.001953125>>
  return %y : tensor<3x!quant.uniform<i16:f32, 0.001953125>>
}
// Weights leave out the lowest code. One scale and zero point per row.
// CHECK: narrow_range_rows: {{.*}} [-127, 2, -126, 5]
func.func @narrow_range_rows() -> tensor<2x2x!quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25:1}>> {
  %x = qc.constant dense<[[-100.0, 1.0], [-31.75, 1.0]]> : tensor<2x2xf32>
  %y = quant.qcast %x : tensor<2x2xf32> to tensor<2x2x!quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25:1}>>
  return %y : tensor<2x2x!quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25:1}>>
}
// CHECK: columns: {{.*}} [2, 4, 4, 8]
func.func @columns() -> tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> {
  %x = qc.constant dense<[[1.0, 1.0], [2.0, 2.0]]> : tensor<2x2xf32>
  %y = quant.qcast %x : tensor<2x2xf32> to tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  return %y : tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
}
// CHECK: decode_columns: tensor<2x2xf32> [1, 1, -64, 31.75]
func.func @decode_columns() -> tensor<2x2xf32> {
  %x = qc.constant dense<[[2, 4], [-128, 127]]> : tensor<2x2xi8> -> tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  %y = quant.dcast %x : tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> to tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
// A bias keeps its double scale and all its 31 bits: 1e9 / 0.1 would saturate, 2e8 does not; an f32 quotient would be 2000000000.
// CHECK: bias: {{.*}} [2147483647, 1999999990]
func.func @bias() -> tensor<2x!quant.uniform<i32:f32, 0.1000000005>> {
  %x = qc.constant dense<[1.0e9, 2.0e8]> : tensor<2xf32>
  %y = quant.qcast %x : tensor<2xf32> to tensor<2x!quant.uniform<i32:f32, 0.1000000005>>
  return %y : tensor<2x!quant.uniform<i32:f32, 0.1000000005>>
}

// 255 steps over [-1, 4]: 5/255 in f32; zero point rne(-128 + 1/scale) = -77.
// TYPES-LABEL: @range(
// TYPES: quant.qcast {{.*}} to tensor<1x!quant.uniform<i8:f32, 0.019607843831181526:-77>>
// POW2-LABEL: @range(
// POW2: quant.qcast {{.*}} to tensor<1x!quant.uniform<i8:f32, 3.125000e-02:-96>>
func.func @range(%x: tensor<1xf32>) -> tensor<1xf32> {
  %y = qc.observe %x {id = "x", code = i8, min = -1.0 : f64, max = 4.0 : f64} : tensor<1xf32>
  return %y : tensor<1xf32>
}
// TYPES-LABEL: @range_unsigned(
// TYPES: to tensor<1x!quant.uniform<u8:f32, 0.023529412224888802>>
// POW2-LABEL: @range_unsigned(
// POW2: to tensor<1x!quant.uniform<u8:f32, 3.125000e-02>>
func.func @range_unsigned(%x: tensor<1xf32>) -> tensor<1xf32> {
  %y = qc.observe %x {id = "x", code = ui8, min = 0.0 : f64, max = 6.0 : f64} : tensor<1xf32>
  return %y : tensor<1xf32>
}
// An edge that is always zero has scale 1; a tiny range has the smallest normal scale.
// TYPES-LABEL: @range_empty(
// TYPES: to tensor<1x!quant.uniform<i4:f32, 1.000000e+00:-8>>
func.func @range_empty(%x: tensor<1xf32>) -> tensor<1xf32> {
  %y = qc.observe %x {id = "x", code = i4, min = 0.0 : f64, max = 0.0 : f64} : tensor<1xf32>
  return %y : tensor<1xf32>
}
// TYPES-LABEL: @range_tiny(
// TYPES: to tensor<1x!quant.uniform<i8:f32, 1.1754943508222875E-38:-128>>
func.func @range_tiny(%x: tensor<1xf32>) -> tensor<1xf32> {
  %y = qc.observe %x {id = "x", code = i8, min = 0.0 : f64, max = 1.0e-40 : f64} : tensor<1xf32>
  return %y : tensor<1xf32>
}
// TYPES-LABEL: @range_negative(
// TYPES: to tensor<1x!quant.uniform<i8:f32, 1.000000e+00:127>>
func.func @range_negative(%x: tensor<1xf32>) -> tensor<1xf32> {
  %y = qc.observe %x {id = "x", code = i8, min = -255.0 : f64, max = 0.0 : f64} : tensor<1xf32>
  return %y : tensor<1xf32>
}
