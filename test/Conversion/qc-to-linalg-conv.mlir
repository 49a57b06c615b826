// Convolutions become loops over output rows that leave no tensor of accumulators and no padded copy of the input.
// RUN: qopt %s --convert-qc-to-linalg --split-input-file | FileCheck %s

// Many output channels: accumulators [positions][channels], weights in the order of the reduction, requantization in the same loop nest.
// CHECK-LABEL: func.func @conv_by_channels(
// CHECK-SAME: %[[IN:.*]]: memref<1x2x4x6xi8> {llvm.noalias, qc.name = "x"}
// CHECK-SAME: %[[OUT:.*]]: memref<1x8x4x6xi8> {llvm.noalias, qc.name = "y", qc.output}
// CHECK-SAME: %{{.*}}: memref<0xi8> {llvm.noalias, qc.arena}
// The bias holds pad_value * sum(w) on top: 7 + 3 * 18.
// CHECK-DAG: arith.constant dense<61> : tensor<8xi32>
// CHECK-DAG: %[[W:.*]] = tensor.expand_shape %{{.*}} {{.*}} output_shape [1, 9, 1, 2, 8] : tensor<144xi8>
// CHECK: %[[X:.*]] = bufferization.to_tensor %[[IN]] restrict
// CHECK: scf.for {{.*}} -> (tensor<1x8x4x6xi8>)
// CHECK-NOT: tensor<1x8x4x6xi32>
// CHECK-NOT: tensor.pad
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<4x8xi32>)
// CHECK: tensor.extract_slice %[[X]][0, 0, %{{.*}}, %{{.*}}] [1, 2, 1, 4] [1, 1, 1, 1]
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "parallel", "parallel", "reduction"]
// CHECK: %[[XV:.*]] = arith.extsi %{{.*}} : i8 to i32
// CHECK: %[[XZ:.*]] = arith.subi %[[XV]], %{{.*}} : i32
// CHECK: %[[WV:.*]] = arith.extsi %{{.*}} : i8 to i32
// CHECK: %[[P:.*]] = arith.muli %[[XZ]], %[[WV]] : i32
// CHECK: arith.addi %{{.*}}, %[[P]] : i32
// CHECK: arith.trunci %{{.*}} : i64 to i8
// CHECK: bufferization.materialize_in_destination %{{.*}} in restrict writable %[[OUT]]
// CHECK: return
func.func @conv_by_channels(%x: tensor<1x2x4x6xi8> {qc.name = "x"}) -> (tensor<1x8x4x6xi8> {qc.name = "y"}) {
  %w = qc.constant dense<1> : tensor<8x2x3x3xi8>
  %b = qc.constant dense<7> : tensor<8xi32>
  %a = qc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 3,
                           acc_bound = 2311 : ui64} : (tensor<1x2x4x6xi8>, tensor<8x2x3x3xi8>, tensor<8xi32>) -> tensor<1x8x4x6xi32>
  %y = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 30>, zero_point = -3,
                         code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x8x4x6xi32>) -> tensor<1x8x4x6xi8>
  return %y : tensor<1x8x4x6xi8>
}

// -----

// Depthwise: accumulators are one output row; each tap adds to the outputs that it reaches.
// CHECK-LABEL: func.func @conv_depthwise(
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<6xi32>)
// CHECK: tensor.extract_slice %{{.*}}[0, %{{.*}}, %{{.*}}, 0] [1, 1, 1, 5] [1, 1, 1, 1]
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.extsi %{{.*}} : i8 to i32
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[1] [5] [1] : tensor<5xi32> into tensor<6xi32>
// CHECK: tensor.extract_slice %{{.*}}[0, %{{.*}}, %{{.*}}, 0] [1, 1, 1, 6] [1, 1, 1, 1]
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0] [5] [1] : tensor<5xi32> into tensor<6xi32>
func.func @conv_depthwise(%x: tensor<1x3x4x6xui8> {qc.name = "x"}) -> (tensor<1x3x4x6xi32> {qc.name = "y"}) {
  %w = qc.constant dense<1> : tensor<3x1x3x3xi4>
  %y = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 3, pad_value = 128,
                       acc_bound = 2295 : ui64} : (tensor<1x3x4x6xui8>, tensor<3x1x3x3xi4>) -> tensor<1x3x4x6xi32>
  return %y : tensor<1x3x4x6xi32>
}

// -----

// Pointwise: the image is one row. The epilogue of f32 is the clamp.
// CHECK-LABEL: func.func @conv_pointwise_f32(
// CHECK: tensor.collapse_shape
// CHECK: scf.for {{.*}} -> (tensor<1x8x20xf32>)
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK-NOT: math.fma
// CHECK: arith.cmpf olt
// CHECK: arith.select
// CHECK: memref.collapse_shape
// CHECK: bufferization.materialize_in_destination %{{.*}} in restrict writable %{{.*}} : (tensor<1x8x20xf32>
func.func @conv_pointwise_f32(%x: tensor<1x2x4x5xf32> {qc.name = "x"}) -> (tensor<1x8x4x5xf32> {qc.name = "y"}) {
  %w = qc.constant dense<1.0> : tensor<8x2x1x1xf32>
  %y = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, clamp_min = 0.0 : f32}
     : (tensor<1x2x4x5xf32>, tensor<8x2x1x1xf32>) -> tensor<1x8x4x5xf32>
  return %y : tensor<1x8x4x5xf32>
}

// -----

// An accumulator with two readers is stored: the requantization stands alone.
// CHECK-LABEL: func.func @no_conv_fused_two_uses(
// CHECK: tensor.insert_slice {{.*}} into tensor<1x8x1x2xi32>
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<1x8x1x2xi32>) outs(%{{.*}} : tensor<1x8x1x2xi8>)
func.func @no_conv_fused_two_uses(%x: tensor<1x2x1x2xi8>) -> (tensor<1x8x1x2xi8>, tensor<1x8x1x2xi32>) {
  %w = qc.constant dense<1> : tensor<8x2x1x2xi8>
  %a = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, acc_bound = 512 : ui64}
     : (tensor<1x2x1x2xi8>, tensor<8x2x1x2xi8>) -> tensor<1x8x1x2xi32>
  %y = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 30>, zero_point = 0,
                         code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x8x1x2xi32>) -> tensor<1x8x1x2xi8>
  return %y, %a : tensor<1x8x1x2xi8>, tensor<1x8x1x2xi32>
}

// -----

// Only input rows that reach the output row are visited: a loop of at most one iteration, no division with remainder.
// CHECK-LABEL: func.func @conv_transpose_stride2(
// CHECK: arith.divui
// CHECK: arith.cmpi eq
// CHECK: arith.select
// CHECK: scf.for {{.*}} -> (tensor<7xi32>)
// CHECK: tensor.extract_slice %{{.*}}[0] [4] [2] : tensor<7xi32> to tensor<4xi32>
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0] [4] [2]
// CHECK: tensor.extract_slice %{{.*}}[1] [3] [2] : tensor<7xi32> to tensor<3xi32>
func.func @conv_transpose_stride2(%x: tensor<1x2x4x4xi8>) -> tensor<1x3x7x7xi32> {
  %w = qc.constant dense<1> : tensor<2x3x2x2xi8>
  %y = qc.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 1, 1>, output_padding = array<i64: 0, 0>,
                                 dilations = array<i64: 1, 1>, groups = 1, input_zero_point = -5, acc_bound = 1056 : ui64}
     : (tensor<1x2x4x4xi8>, tensor<2x3x2x2xi8>) -> tensor<1x3x7x7xi32>
  return %y : tensor<1x3x7x7xi32>
}

// -----

// Matrix product: constant weights as they are, unrolled by a divisor of the depth, four rows at a time and the rest.
// CHECK-LABEL: func.func @matmul_rows(
// CHECK: tensor.expand_shape {{.*}} output_shape [2, 3, 10] : tensor<60xi8> into tensor<2x3x10xi8>
// CHECK: outs(%{{.*}} : tensor<4x10xi32>)
// CHECK: outs(%{{.*}} : tensor<1x10xi32>)
func.func @matmul_rows(%x: tensor<5x6xi8>) -> tensor<5x10xi32> {
  %w = qc.constant dense<2> : tensor<6x10xi8>
  %y = qc.matmul %x, %w {acc_bound = 1536 : ui64} : (tensor<5x6xi8>, tensor<6x10xi8>) -> tensor<5x10xi32>
  return %y : tensor<5x10xi32>
}

// -----

// A window that lies in the padding altogether reads nothing: its sum stands in the bias.
// CHECK-LABEL: func.func @conv_window_in_padding(
// CHECK: arith.constant dense<6> : tensor<1xi32>
// CHECK-NOT: arith.muli
// CHECK: return
func.func @conv_window_in_padding(%x: tensor<1x1x1x1xi8>) -> tensor<1x1x1x1xi32> {
  %w = qc.constant dense<3> : tensor<1x1x1x1xi8>
  %y = qc.conv %x, %w {strides = array<i64: 1, 5>, pads = array<i64: 0, 3, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 2,
                       acc_bound = 384 : ui64} : (tensor<1x1x1x1xi8>, tensor<1x1x1x1xi8>) -> tensor<1x1x1x1xi32>
  return %y : tensor<1x1x1x1xi32>
}
