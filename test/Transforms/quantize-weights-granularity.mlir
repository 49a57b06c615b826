// One scale of weights per layer instead of one per channel, and constants without zero points.
// RUN: qopt %s --qc-quantize-weights=granularity=tensor | FileCheck %s
// RUN: qopt %s --qc-quantize-weights=zero-points=false | FileCheck %s --check-prefix=ZERO
// RUN: not qopt %s --qc-quantize-weights=granularity=row 2>&1 | FileCheck %s --check-prefix=CHOICE
// CHOICE: error: granularity=row: use one of channel, tensor
// RUN: not qopt %s "--qc-quantize-weights=granularity=tensor pair-safe=shrink" 2>&1 | FileCheck %s --check-prefix=SHRINK
// SHRINK: error: pair-safe=shrink changes scales of single channels, which granularity=tensor has not
!q = !quant.uniform<i8:f32, 0.5>

// 254 / 127 = 2 for all; biases have one scale, too. Errors are balanced per channel all the same: the halves of the first, 3 times 0.5, sum up to 1.5.
// CHECK-LABEL: @per_layer
// CHECK: qc.constant dense<{{\[\[}}{{[01]}}, 127], [{{[01]}}, -64], [{{[01]}}, 0]]> : tensor<3x2xi8> -> tensor<3x2x!quant.uniform<i8<-127:127>:f32, 2.000000e+00>>
// CHECK: qc.constant dense<[10, -30]> : tensor<2xi32> -> tensor<2x!quant.uniform<i32:f32, 1.000000e+00>>
// ZERO-LABEL: @per_layer
// ZERO: -> tensor<3x2x!quant.uniform<i8<-127:127>:f32:1, {
func.func @per_layer(%q: tensor<1x3x!q>) -> tensor<1x2x!q> {
  %x = quant.dcast %q : tensor<1x3x!q> to tensor<1x3xf32>
  %w = qc.constant dense<[[1.0, 254.0], [1.0, -128.0], [1.0, 0.0]]> : tensor<3x2xf32>
  %b = qc.constant dense<[10.0, -30.0]> : tensor<2xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x3xf32>, tensor<3x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %z = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!q>
  return %z : tensor<1x2x!q>
}

// A bias that needs a larger scale needs it for all channels.
// CHECK-LABEL: @bias
// CHECK: tensor<1x2xi8> -> tensor<1x2x!quant.uniform<i8<-127:127>:f32, 4.000000e+00>>
func.func @bias(%q: tensor<1x1x!q>) -> tensor<1x2x!q> {
  %x = quant.dcast %q : tensor<1x1x!q> to tensor<1x1xf32>
  %w = qc.constant dense<[[2.0, 4.0]]> : tensor<1x2xf32>
  %b = qc.constant dense<[1.0, -1073741824.0]> : tensor<2xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x1xf32>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %z = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!q>
  return %z : tensor<1x2x!q>
}

// 0 .. 254 in i8 without a zero point: 2 per code; with one, 254 / 255.
// CHECK-LABEL: @summand
// CHECK: -> tensor<2x!quant.uniform<i8:f32, 0.99{{[0-9]*}}:-128>>
// ZERO-LABEL: @summand
// ZERO: qc.constant dense<[1, 127]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 2.000000e+00>>
func.func @summand(%q: tensor<2x!q>) -> tensor<2x!q> {
  %x = quant.dcast %q : tensor<2x!q> to tensor<2xf32>
  %c = qc.constant dense<[2.0, 254.0]> : tensor<2xf32>
  %y = qc.add %x, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %z = quant.qcast %y : tensor<2xf32> to tensor<2x!q>
  return %z : tensor<2x!q>
}
