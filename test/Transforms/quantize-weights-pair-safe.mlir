// Scales that grow a little where that makes pairs of weights safe to add up in 16 bits.
// RUN: qopt %s --qc-quantize-weights=pair-safe=shrink | FileCheck %s
// RUN: qopt %s --qc-quantize-weights | FileCheck %s --check-prefix=OFF
// RUN: not qopt %s --qc-quantize-weights=pair-safe=grow 2>&1 | FileCheck %s --check-prefix=CHOICE
// RUN: not qopt %s "--qc-quantize-weights=pair-safe=shrink power-of-two=true" 2>&1 | FileCheck %s --check-prefix=POW2
// CHOICE: error: pair-safe=grow: use one of off, shrink
// POW2: error: pair-safe=shrink changes scales by less than a power of two
// OFF-NOT: qc.pair_safe
!q = !quant.uniform<i8:f32, 0.5>
!u7 = !quant.uniform<u7:f32, 0.5>

// 127 + 4 is more than 128. A scale of 1 + 5/256 gives 124.6 + 3.9, of which the first rounds down, as both errors together are more than
// half a code: 124 + 4. The second channel, 127 + 1, stays.
// CHECK-LABEL: @neighbours
// CHECK-SAME: qc.pair_safe = [{channels = 1 : i64, largest_factor = 1.01953125 : f64, name = "fc", sqnr_after = {{.*}}, sqnr_before = 9.990000e+02 : f64}]
// CHECK: qc.constant dense<{{\[\[}}124, 127], [4, 1]]> : {{.*}}:1, {1.01953125,1.000000e+00}>>
// OFF-LABEL: @neighbours
// OFF: qc.constant dense<{{\[\[}}127, 127], [4, 1]]>
func.func @neighbours(%q: tensor<1x2x!q>) -> tensor<1x2x!q> {
  %x = quant.dcast %q : tensor<1x2x!q> to tensor<1x2xf32>
  %w = qc.constant dense<[[127.0, 127.0], [4.0, 1.0]]> : tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("fc")
  %z = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!q>
  return %z : tensor<1x2x!q>
}

// 127 + 60 would take a factor of 1.46: all channels of the layer stay.
// CHECK-LABEL: @too_much
// CHECK-SAME: qc.pair_safe = []
// CHECK: qc.constant dense<{{\[\[}}127, 127], [60, 4]]>
func.func @too_much(%q: tensor<1x2x!q>) -> tensor<1x2x!q> {
  %x = quant.dcast %q : tensor<1x2x!q> to tensor<1x2xf32>
  %w = qc.constant dense<[[127.0, 127.0], [60.0, 4.0]]> : tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %z = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!q>
  return %z : tensor<1x2x!q>
}

// Activations of seven bits: every pair is safe as it is.
// CHECK-LABEL: @narrow_activations
// CHECK-SAME: qc.pair_safe = []
func.func @narrow_activations(%q: tensor<1x2x!u7>) -> tensor<1x2x!u7> {
  %x = quant.dcast %q : tensor<1x2x!u7> to tensor<1x2xf32>
  %w = qc.constant dense<[[127.0, 127.0], [60.0, 4.0]]> : tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %z = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!u7>
  return %z : tensor<1x2x!u7>
}

// No pair of neighbours would do, but each 127 finds a partner in a permutation once it is 125, and 3 remains 3: eight channels.
// CHECK-LABEL: @permuted
// CHECK-SAME: qc.pair_safe = [{channels = 8 : i64, largest_factor = 1.015625 : f64, name = "", 
// CHECK: qc.constant dense<{{\[\[}}125, 125, 125, 125, 125, 125, 125, 125], [59,
func.func @permuted(%q: tensor<1x4x!q>) -> tensor<1x8x!q> {
  %x = quant.dcast %q : tensor<1x4x!q> to tensor<1x4xf32>
  %w = qc.constant dense<[[127.0, 127.0, 127.0, 127.0, 127.0, 127.0, 127.0, 127.0], [60.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0],
                          [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0], [60.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0]]> : tensor<4x8xf32>
  %y = qc.matmul %x, %w : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  %z = quant.qcast %y : tensor<1x8xf32> to tensor<1x8x!q>
  return %z : tensor<1x8x!q>
}
