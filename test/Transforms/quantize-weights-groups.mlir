// Codes of few bits times factors of groups: products are codes of 8 bits at one scale per channel.
// RUN: qopt %s --qc-quantize-weights=weights=i4/32 2>&1 | FileCheck %s
// RUN: qopt %s --qc-assign-weight-codes=weights=i3/64 2>&1 | FileCheck %s --check-prefix=ASSIGN
// RUN: not qopt %s --qc-assign-weight-codes=weights=i4/40 2>&1 | FileCheck %s --check-prefix=LENGTH
// LENGTH: error: weights=i4/40: use iN with N in 2..8 or 16, or b1, or iN/G with N in 2..4 and groups of G = 16, 32, ... inputs
// RUN: not qopt %s --qc-quantize-weights=weights=i5/32 2>&1 | FileCheck %s --check-prefix=WIDE
// WIDE: error: 'i5/32' is no code type of weights: use iN with N in 2..8 or 16, or b1, or iN/G with N in 2..4 and groups of G = 16, 32, ... inputs
!q = !quant.uniform<i8:f32, 0.5>

// CHECK: the inputs of 'odd' make no groups of 16 to 32: its weights have one scale per channel
// ASSIGN: the inputs of 'odd' make no groups of 16 to 64: its weights have one scale per channel

// The scale is 120 / (8 * 15). The first group has the factor -15 for the codes -8 and -1, the second one -1 for -8 and 3.
// CHECK-LABEL: @groups
// CHECK: qc.constant dense<{{\[\[}}120], [15], [120], [15], {{.*}}[8], [-3], [8], [-3]]> : tensor<64x1xi8> -> tensor<64x1x!quant.uniform<i8<-127:127>:f32:1, {1.000000e+00}>>
// ASSIGN-LABEL: @groups
// ASSIGN: qc.matmul {{.*}}qc.weight_code = #qc.grouped<3, 64>
func.func @groups(%q: tensor<1x64x!q>) -> tensor<1x1x!q> {
  %x = quant.dcast %q : tensor<1x64x!q> to tensor<1x64xf32>
  %w = qc.constant dense<[[120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [120.0], [15.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0], [8.0], [-3.0]]> : tensor<64x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x64xf32>, tensor<64x1xf32>) -> tensor<1x1xf32>
  %z = quant.qcast %y : tensor<1x1xf32> to tensor<1x1x!q>
  return %z : tensor<1x1x!q>
}

// Groups are of channels of one tap: the factor of the second tap is -5 for the code -8.
// CHECK-LABEL: @taps
// CHECK: qc.constant dense<{{\[\[}}[120, 40], [120, 40], {{.*}} tensor<1x32x2xi8> -> tensor<1x32x2x!quant.uniform<i8<-127:127>:f32:0, {2.500000e-01}>>
func.func @taps(%q: tensor<1x32x2x!q>) -> tensor<1x1x1x!q> {
  %x = quant.dcast %q : tensor<1x32x2x!q> to tensor<1x32x2xf32>
  %w = qc.constant dense<[[[30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0], [30.0, 10.0]]]> : tensor<1x32x2xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1} : (tensor<1x32x2xf32>, tensor<1x32x2xf32>) -> tensor<1x1x1xf32>
  %z = quant.qcast %y : tensor<1x1x1xf32> to tensor<1x1x1x!q>
  return %z : tensor<1x1x1x!q>
}

// CHECK-LABEL: @no_groups
// CHECK: tensor<3x1x!quant.uniform<i4<-7:7>:f32:1, {1.000000e+00}>>
// ASSIGN-LABEL: @no_groups
// ASSIGN: qc.matmul {{.*}}qc.weight_code = i3
func.func @no_groups(%q: tensor<1x3x!q>) -> tensor<1x1x!q> {
  %x = quant.dcast %q : tensor<1x3x!q> to tensor<1x3xf32>
  %w = qc.constant dense<[[7.0], [1.0], [0.0]]> : tensor<3x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32> loc("odd")
  %z = quant.qcast %y : tensor<1x1xf32> to tensor<1x1x!q>
  return %z : tensor<1x1x!q>
}

// Behind a flattened image they are of channels of one position: in memory these lie together.
// CHECK-LABEL: @flattened
// CHECK: qc.constant dense<{{\[\[}}120], [8], [8], [8], [120], [8], [8], [8], {{.*}} tensor<64x1xi8> -> tensor<64x1x!quant.uniform<i8<-127:127>:f32:1, {1.000000e+00}>>
func.func @flattened(%q: tensor<1x16x2x2x!q>) -> tensor<1x1x!q> {
  %x = quant.dcast %q : tensor<1x16x2x2x!q> to tensor<1x16x2x2xf32>
  %r = qc.reshape %x : tensor<1x16x2x2xf32> -> tensor<1x64xf32>
  %c = quant.qcast %r : tensor<1x64xf32> to tensor<1x64x!q>
  %d = quant.dcast %c : tensor<1x64x!q> to tensor<1x64xf32>
  %w = qc.constant dense<[[120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0], [120.0], [8.0], [8.0], [8.0]]> : tensor<64x1xf32>
  %y = qc.matmul %d, %w : (tensor<1x64xf32>, tensor<64x1xf32>) -> tensor<1x1xf32>
  %z = quant.qcast %y : tensor<1x1xf32> to tensor<1x1x!q>
  return %z : tensor<1x1x!q>
}
