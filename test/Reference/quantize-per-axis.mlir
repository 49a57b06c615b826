// Casts of computed tensors with one scale per channel: the same values before and after the integer lowering.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s
// RUN: qopt -qc-lower-to-integer -qc-interpret %s -o /dev/null | FileCheck %s
// RUN: qopt -qc-lower-to-integer %s | FileCheck %s --check-prefix=INTEGER --implicit-check-not='!quant'

!a = !quant.uniform<i8:f32:1, {0.5, 0.25}>
!b = !quant.uniform<u8:f32:1, {0.5:3, 0.25:100}>

// Halves go to the even code before the zero point is added; both channels saturate.
// CHECK: quantize_one_zero: {{.*}} [0, 2, 2, 127]
// INTEGER-LABEL: @quantize_one_zero
// INTEGER: qc.div {{.*}}qc.float_reason = "a computed tensor has one scale per channel"
// INTEGER: qc.quantize
// INTEGER-NOT: qc.requantize
func.func @quantize_one_zero() -> tensor<1x2x2x!a> {
  %z = qc.constant dense<0.0> : tensor<1xf32>
  %c = qc.constant dense<[[[0.25, 0.75], [0.5, 100.0]]]> : tensor<1x2x2xf32>
  %x = qc.add %c, %z : (tensor<1x2x2xf32>, tensor<1xf32>) -> tensor<1x2x2xf32>
  %y = quant.qcast %x : tensor<1x2x2xf32> to tensor<1x2x2x!a>
  return %y : tensor<1x2x2x!a>
}
// CHECK: quantize: {{.*}} [3, 5, 0, 255]
// INTEGER-LABEL: @quantize()
// INTEGER: qc.requantize
func.func @quantize() -> tensor<1x2x2x!b> {
  %z = qc.constant dense<0.0> : tensor<1xf32>
  %c = qc.constant dense<[[[0.25, 0.75], [-100.0, 1.0e30]]]> : tensor<1x2x2xf32>
  %x = qc.add %c, %z : (tensor<1x2x2xf32>, tensor<1xf32>) -> tensor<1x2x2xf32>
  %y = quant.qcast %x : tensor<1x2x2xf32> to tensor<1x2x2x!b>
  return %y : tensor<1x2x2x!b>
}
// CHECK: dequantize: {{.*}} [-1.5, 126, -25, 38.75]
// INTEGER-LABEL: @dequantize
// INTEGER: qc.dequantize
// INTEGER: qc.sub
// INTEGER: qc.mul
func.func @dequantize() -> tensor<1x2x2xf32> {
  %q = qc.constant dense<[[[0, 255], [0, 255]]]> : tensor<1x2x2xui8> -> tensor<1x2x2x!b>
  %s = qc.slice %q {starts = array<i64: 0, 0, 0>, sizes = array<i64: 1, 2, 2>, steps = array<i64: 1, 1, 1>} : tensor<1x2x2x!b> -> tensor<1x2x2x!b>
  %y = quant.dcast %s : tensor<1x2x2x!b> to tensor<1x2x2xf32>
  return %y : tensor<1x2x2xf32>
}
