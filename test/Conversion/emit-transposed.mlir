// Transposed convolutions: one ordinary convolution per phase of the stride; phases of one shape share panel and loops.
// RUN: qopt %s -qc-form-kernels=isa=sse4.1 | FileCheck %s --check-prefix=FORM
// RUN: qopt %s -qc-form-kernels=isa=sse4.1 -qc-lower-linalg -qc-lower-buffers -qc-emit-kernels=isa=sse4.1 -canonicalize | FileCheck %s

// A kernel computes what its op computed.
// RUN: %python %S/../Tools/Inputs/npz.py make %t.x.npz "x=np.array([[[[[1],[2]],[[3],[4]]]]]).astype(np.int8)"
// RUN: qopt %s -qc-form-kernels=isa=sse4.1 "-qc-interpret=entry=phases_share inputs=%t.x.npz outputs=%t.y.npz" -o /dev/null
// RUN: %python %S/../Tools/Inputs/npz.py check %t.y.npz "list(locals()['result0'].flatten()[:8]) == [96, 180, 92, 176, 97, 185, 94, 182]"

// As many taps as the stride: each of four outputs reads one, all at the same place of the input. Their weights follow each other
// (of two channels in four lanes), and so do their biases, which take off the zero point: 100 - 5 * 1. First outputs are a table.
// FORM-LABEL: func.func @phases_share
// FORM: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd", scratch_bytes = 64 : i64, tile = array<i64: 2, 1>}
// FORM: qc.conv_transpose
// CHECK-DAG: memref.global "private" constant @[[$FIRST:.*]] : memref<8xi32> = dense<[0, 0, 0, 1, 1, 0, 1, 1]>
// CHECK-DAG: memref.global "private" constant @[[$BIAS:.*]] : memref<24xi32> = dense<[95, 175, 0, 0, 0, 0, 90, 170, 0, 0, 0, 0, 85, 165, 0, 0, 0, 0, 80, 160, 0, 0, 0, 0]>
// CHECK-DAG: memref.global "private" constant @[[$W:.*]] : memref<32xi16> = dense<[1, 0, 5, 0, 0, 0, 0, 0, 2, 0, 6, 0, 0, 0, 0, 0, 3, 0, 7, 0, 0, 0, 0, 0, 4, 0, 8, 0, 0, 0, 0, 0]>
// CHECK-LABEL: func.func private @phases_share_0
// CHECK-DAG: memref.get_global @[[$W]]
// CHECK-DAG: memref.get_global @[[$BIAS]]
// The panel is filled once.
// CHECK: vector.store {{.*}}xi16>
// CHECK: scf.for %[[PHASE:.*]] = %c0 to %c4
// CHECK-COUNT-2: memref.load {{.*}} : memref<8xi32>
// CHECK: scf.for
// CHECK: sse2.pmadd.wd
// CHECK: sse2.pmadd.wd
// CHECK-NOT: pmadd.wd
// CHECK: return
func.func @phases_share(%x: tensor<1x2x2x1xi8> {qc.name = "x"}) -> tensor<1x4x4x2xi32> {
  %w = qc.constant dense<[[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]]> : tensor<1x2x2x2xi8>
  %b = qc.constant dense<[100, 200]> : tensor<2xi32>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x2x2x1xi8> -> tensor<1x1x2x2xi8>
  %c = qc.conv_transpose %t, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, dilations = array<i64: 1, 1>,
                                     groups = 1, input_zero_point = 5, acc_bound = 3658 : ui64}
     : (tensor<1x1x2x2xi8>, tensor<1x2x2x2xi8>, tensor<2xi32>) -> tensor<1x2x4x4xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x2x4x4xi32> -> tensor<1x4x4x2xi32>
  return %l : tensor<1x4x4x2xi32>
}

// Fewer taps than the stride: every second output is its bias, and nothing is multiplied for it.
// FORM-LABEL: func.func @phase_without_taps
// FORM: qc.kernel "depthwise"
// CHECK-LABEL: func.func private @phase_without_taps_0
// CHECK-COUNT-3: arith.muli {{.*}} : vector<4xi32>
// CHECK-NOT: arith.muli {{.*}} : vector<4xi32>
// CHECK: %[[BIAS:.*]] = vector.load {{.*}} : memref<5xi32>, vector<4xi32>
// CHECK: %[[ONE:.*]] = vector.shuffle %[[BIAS]], %[[BIAS]] [0]
// CHECK: vector.store %[[ONE]], %{{.*}}[%c1] : memref<6xi32>, vector<1xi32>
// CHECK: vector.store %{{.*}}, %{{.*}}[%c3] : memref<6xi32>, vector<1xi32>
// CHECK: vector.store %{{.*}}, %{{.*}}[%c5] : memref<6xi32>, vector<1xi32>
// CHECK-NOT: vector.store
// CHECK: return
func.func @phase_without_taps(%x: tensor<1x3x1xi8>) -> tensor<1x6x1xi32> {
  %w = qc.constant dense<7> : tensor<1x1x1xi8>
  %b = qc.constant dense<100> : tensor<1xi32>
  %t = qc.transpose %x {permutation = array<i64: 0, 2, 1>} : tensor<1x3x1xi8> -> tensor<1x1x3xi8>
  %c = qc.conv_transpose %t, %w, %b {strides = array<i64: 2>, pads = array<i64: 0, 0>, output_padding = array<i64: 1>, dilations = array<i64: 1>, groups = 1,
                                     input_zero_point = 0, acc_bound = 996 : ui64} : (tensor<1x1x3xi8>, tensor<1x1x1xi8>, tensor<1xi32>) -> tensor<1x1x6xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 1>} : tensor<1x1x6xi32> -> tensor<1x6x1xi32>
  return %l : tensor<1x6x1xi32>
}

// One channel a group: the depthwise form. Taps 1, then 2 and 0: outputs at even columns read one, those at odd columns two.
// FORM-LABEL: func.func @depthwise
// FORM: qc.kernel "depthwise"(%arg0) {dot = "x86.pmaddwd",
// CHECK-LABEL: func.func private @depthwise_0
// CHECK: sse2.pmadd.wd
// CHECK: return
func.func @depthwise(%x: tensor<1x8x16xi8>) -> tensor<1x16x16xi32> {
  %w = qc.constant dense<3> : tensor<16x1x3xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 2, 1>} : tensor<1x8x16xi8> -> tensor<1x16x8xi8>
  %c = qc.conv_transpose %t, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>, output_padding = array<i64: 1>, dilations = array<i64: 1>, groups = 16,
                                 input_zero_point = 0, acc_bound = 1152 : ui64} : (tensor<1x16x8xi8>, tensor<16x1x3xi8>) -> tensor<1x16x16xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 1>} : tensor<1x16x16xi32> -> tensor<1x16x16xi32>
  return %l : tensor<1x16x16xi32>
}

// A zero point that is no code could not stand in a panel.
// FORM-LABEL: func.func @no_kernel_zero_point
// FORM-NOT: qc.kernel "contract"
func.func @no_kernel_zero_point(%x: tensor<1x3x1xi8>) -> tensor<1x6x1xi32> {
  %w = qc.constant dense<7> : tensor<1x1x1xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 2, 1>} : tensor<1x3x1xi8> -> tensor<1x1x3xi8>
  %c = qc.conv_transpose %t, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, output_padding = array<i64: 1>, dilations = array<i64: 1>, groups = 1,
                                 input_zero_point = 300, acc_bound = 2996 : ui64} : (tensor<1x1x3xi8>, tensor<1x1x1xi8>) -> tensor<1x1x6xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 1>} : tensor<1x1x6xi32> -> tensor<1x6x1xi32>
  return %l : tensor<1x6x1xi32>
}
