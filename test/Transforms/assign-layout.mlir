// Which transposes a spatial op gets, what they pass, where they cancel and where one must stay.
// RUN: qopt %s --qc-assign-layout --split-input-file | FileCheck %s

// The transposes that belong to an op stand directly around it. Between the ops all is channels last; the axis follows.
// CHECK-LABEL: @conv_chain
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x4x5xi8>)
// CHECK-NEXT: %[[T:.*]] = qc.transpose %[[X]] {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x3x4x5xi8> -> tensor<1x4x5x3xi8>
// CHECK: %[[I1:.*]] = qc.transpose %[[T]] {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x5x3xi8> -> tensor<1x3x4x5xi8>
// CHECK-NEXT: %[[A1:.*]] = qc.conv %[[I1]]
// CHECK-NEXT: %[[O1:.*]] = qc.transpose %[[A1]] {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x2x4x5xi32> -> tensor<1x4x5x2xi32>
// CHECK-NEXT: %[[Q1:.*]] = qc.requantize %[[O1]] {axis = 3 : i64, {{.*}}} : (tensor<1x4x5x2xi32>) -> tensor<1x4x5x2xi8>
// CHECK-NEXT: %[[I2:.*]] = qc.transpose %[[Q1]] {permutation = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT: %[[P:.*]] = qc.pool max %[[I2]]
// CHECK-NEXT: %[[O2:.*]] = qc.transpose %[[P]] {permutation = array<i64: 0, 2, 3, 1>}
// CHECK-NEXT: %[[Y:.*]] = qc.transpose %[[O2]] {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x3x4x2xi8> -> tensor<1x2x3x4xi8>
// CHECK-NEXT: return %[[Y]]
func.func @conv_chain(%x: tensor<1x3x4x5xi8>) -> tensor<1x2x3x4xi8> {
  %w = qc.constant dense<1> : tensor<2x3x1x1xi8>
  %a = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, acc_bound = 384 : ui64}
     : (tensor<1x3x4x5xi8>, tensor<2x3x1x1xi8>) -> tensor<1x2x4x5xi32>
  %q = qc.requantize %a {axis = 1, input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608, 12582912>, shifts = array<i32: 25, 25>,
                         zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x2x4x5xi32>) -> tensor<1x2x4x5xi8>
  %y = qc.pool max %q {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x2x4x5xi8> -> tensor<1x2x3x4xi8>
  return %y : tensor<1x2x3x4xi8>
}

// -----

// One channel in front, one pixel behind: nothing moves. An op keeps its name; what is moved has the name of its value.
// RUN: qopt %s --qc-assign-layout --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=LOC
// CHECK-LABEL: @conv_without_transposes
// CHECK-NEXT: qc.reshape %{{.*}} : tensor<1x1x6xi8> -> tensor<1x6x1xi8>
// CHECK: qc.transpose %{{.*}} {permutation = array<i64: 0, 2, 1>}
// CHECK-NEXT: qc.conv
// CHECK-NEXT: %[[O:.*]] = qc.transpose %{{.*}} {permutation = array<i64: 0, 2, 1>}
// CHECK-NEXT: %[[R:.*]] = qc.reshape %[[O]] : tensor<1x1x2xi32> -> tensor<1x2xi32>
// CHECK-NEXT: return %[[R]]
// LOC-LABEL: @conv_without_transposes
// LOC: qc.reshape {{.*}} loc("image")
// LOC: qc.conv {{.*}} loc("conv_out"("conv"))
// LOC: qc.reshape {{.*}} loc("flat")
func.func @conv_without_transposes(%x: tensor<1x1x6xi8> loc("image")) -> tensor<1x2xi32> {
  %w = qc.constant dense<1> : tensor<2x1x6xi8>
  %a = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1, acc_bound = 768 : ui64}
     : (tensor<1x1x6xi8>, tensor<2x1x6xi8>) -> tensor<1x2x1xi32> loc("conv_out"("conv"))
  %f = qc.reshape %a : tensor<1x2x1xi32> -> tensor<1x2xi32> loc("flat")
  return %f : tensor<1x2xi32>
}

// -----

// A file that is channels last has transposes of its own, which the op's cancel.
// CHECK-LABEL: @transposes_of_the_file
// CHECK-SAME: (%[[X:.*]]: tensor<1x4x4x3xf32>)
// CHECK-NEXT: %[[I:.*]] = qc.transpose %[[X]] {permutation = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT: %[[P:.*]] = qc.pool average %[[I]]
// CHECK-NEXT: %[[O:.*]] = qc.transpose %[[P]] {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x3x2x2xf32> -> tensor<1x2x2x3xf32>
// CHECK-NEXT: %[[C:.*]] = qc.clamp %[[O]]
// CHECK-NEXT: return %[[C]]
func.func @transposes_of_the_file(%x: tensor<1x4x4x3xf32>) -> tensor<1x2x2x3xf32> {
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x3xf32> -> tensor<1x3x4x4xf32>
  %p = qc.pool average %t {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x3x4x4xf32> -> tensor<1x3x2x2xf32>
  %c = qc.clamp %p {clamp_min = 0.0 : f32} : tensor<1x3x2x2xf32> -> tensor<1x3x2x2xf32>
  %h = qc.transpose %c {permutation = array<i64: 0, 2, 1, 3>} : tensor<1x3x2x2xf32> -> tensor<1x2x3x2xf32>
  %y = qc.transpose %h {permutation = array<i64: 0, 1, 3, 2>} : tensor<1x2x3x2xf32> -> tensor<1x2x2x3xf32>
  return %y : tensor<1x2x2x3xf32>
}

// -----

// A residual: one transpose of the argument serves both sides.
// CHECK-LABEL: @residual
// CHECK-NEXT: %[[T:.*]] = qc.transpose %{{.*}} {permutation = array<i64: 0, 2, 3, 1>}
// CHECK: qc.transpose %[[T]]
// CHECK-NEXT: qc.conv
// CHECK-NEXT: %[[A:.*]] = qc.transpose
// CHECK-NEXT: %[[Q:.*]] = qc.requantize %[[A]]
// CHECK-NEXT: %[[S:.*]] = qc.requantize %[[T]], %[[Q]] {{.*}} : (tensor<1x4x4x2xi8>, tensor<1x4x4x2xi8>) -> tensor<1x4x4x2xi8>
// CHECK-NEXT: qc.transpose %[[S]]
// CHECK-NEXT: qc.pool
func.func @residual(%x: tensor<1x2x4x4xi8>) -> tensor<1x2x1x1xi8> {
  %w = qc.constant dense<1> : tensor<2x2x1x1xi8>
  %a = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, acc_bound = 256 : ui64}
     : (tensor<1x2x4x4xi8>, tensor<2x2x1x1xi8>) -> tensor<1x2x4x4xi32>
  %q = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608>, shifts = array<i32: 25>,
                         zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x2x4x4xi32>) -> tensor<1x2x4x4xi8>
  %s = qc.requantize %x, %q {input_zero_points = array<i64: 1, 2>, multipliers = array<i32: 8388608, 9000000>, shifts = array<i32: 25>,
                             zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>}
     : (tensor<1x2x4x4xi8>, tensor<1x2x4x4xi8>) -> tensor<1x2x4x4xi8>
  %y = qc.pool max %s {kernel = array<i64: 4, 4>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x2x4x4xi8> -> tensor<1x2x1x1xi8>
  return %y : tensor<1x2x1x1xi8>
}

// -----

// Everything that names dimensions names the new ones. Constants that broadcast are permuted here; a scalar stays.
// CHECK-LABEL: @attributes_follow
// CHECK-DAG: %[[C:.*]] = qc.constant dense<{{.*}}1.000000e+00, 2.000000e+00, 3.000000e+00{{.*}}> : tensor<1x1x1x3xf32>
// CHECK-DAG: %[[W:.*]] = qc.constant dense<{{\[\[\[}}[0.000000e+00], [1.000000e+00]], {{\[}}[2.000000e+00], [3.000000e+00]]]]> : tensor<1x2x2x1xf32>
// CHECK-DAG: %[[S:.*]] = qc.constant dense<5.000000e-01> : tensor<f32>
// CHECK: %[[P:.*]] = qc.pool average
// CHECK-NEXT: %[[O:.*]] = qc.transpose %[[P]] {permutation = array<i64: 0, 2, 3, 1>}
// CHECK-NEXT: %[[A:.*]] = qc.add %[[O]], %[[C]] : (tensor<1x2x2x3xf32>, tensor<1x1x1x3xf32>) -> tensor<1x2x2x3xf32>
// CHECK-NEXT: %[[M:.*]] = qc.mul %[[S]], %[[A]] : (tensor<f32>, tensor<1x2x2x3xf32>) -> tensor<1x2x2x3xf32>
// CHECK-NEXT: %[[CC:.*]] = qc.concat %[[M]], %[[W]] {axis = 3 : i64} : (tensor<1x2x2x3xf32>, tensor<1x2x2x1xf32>) -> tensor<1x2x2x4xf32>
// CHECK-NEXT: %[[PD:.*]] = qc.pad %[[CC]] {high = array<i64: 0, 0, 4, 1>, low = array<i64: 0, 2, 3, 0>} : {{.*}} -> tensor<1x4x9x5xf32>
// CHECK-NEXT: %[[SL:.*]] = qc.slice %[[PD]] {sizes = array<i64: 1, 4, 8, 3>, starts = array<i64: 0, 3, 1, 2>, steps = array<i64: 1, -1, 1, 1>}
// CHECK-NEXT: %[[G:.*]] = qc.gather %[[SL]] {axis = 1 : i64, indices = array<i64: 2, 0>} : {{.*}} -> tensor<1x2x8x3xf32>
// CHECK-NEXT: %[[SM:.*]] = qc.softmax %[[G]] {axis = 3 : i64}
// CHECK-NEXT: %[[R:.*]] = qc.reduce max %[[SM]] {axes = array<i64: 1, 2>, keep_dims} : tensor<1x2x8x3xf32> -> tensor<1x1x1x3xf32>
// CHECK-NEXT: %[[R2:.*]] = qc.reduce max %[[R]] {axes = array<i64: 1, 2>} : tensor<1x1x1x3xf32> -> tensor<1x3xf32>
// CHECK-NEXT: return %[[R2]]
func.func @attributes_follow(%x: tensor<1x3x4x4xf32>) -> tensor<1x3xf32> {
  %c = qc.constant dense<[[[1.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %w = qc.constant dense<[[[[0.0, 1.0], [2.0, 3.0]]]]> : tensor<1x1x2x2xf32>
  %h = qc.constant dense<0.5> : tensor<f32>
  %p = qc.pool average %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x3x4x4xf32> -> tensor<1x3x2x2xf32>
  %a = qc.add %p, %c : (tensor<1x3x2x2xf32>, tensor<3x1x1xf32>) -> tensor<1x3x2x2xf32>
  %m = qc.mul %h, %a : (tensor<f32>, tensor<1x3x2x2xf32>) -> tensor<1x3x2x2xf32>
  %cc = qc.concat %m, %w {axis = 1} : (tensor<1x3x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x4x2x2xf32>
  %pd = qc.pad %cc {low = array<i64: 0, 0, 2, 3>, high = array<i64: 0, 1, 0, 4>} : tensor<1x4x2x2xf32> -> tensor<1x5x4x9xf32>
  %sl = qc.slice %pd {starts = array<i64: 0, 2, 3, 1>, sizes = array<i64: 1, 3, 4, 8>, steps = array<i64: 1, 1, -1, 1>}
     : tensor<1x5x4x9xf32> -> tensor<1x3x4x8xf32>
  %g = qc.gather %sl {indices = array<i64: 2, 0>, axis = 2} : tensor<1x3x4x8xf32> -> tensor<1x3x2x8xf32>
  %sm = qc.softmax %g {axis = 1} : tensor<1x3x2x8xf32> -> tensor<1x3x2x8xf32>
  %r = qc.reduce max %sm {axes = array<i64: 2, 3>, keep_dims} : tensor<1x3x2x8xf32> -> tensor<1x3x1x1xf32>
  %r2 = qc.reduce max %r {axes = array<i64: 2, 3>} : tensor<1x3x1x1xf32> -> tensor<1x3xf32>
  return %r2 : tensor<1x3xf32>
}

// -----

// A table per channel; a squeezed map of few values broadcasts onto a large one, which is the one that stays as it is.
// CHECK-LABEL: @lut_and_excitation
// CHECK: %[[O:.*]] = qc.transpose %{{.*}} {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x2x3x3xi8> -> tensor<1x3x3x2xi8>
// CHECK-NEXT: %[[L:.*]] = qc.lut %[[O]], %{{.*}} {axis = 3 : i64} : (tensor<1x3x3x2xi8>, tensor<2x256xi8>) -> tensor<1x3x3x2xi8>
// CHECK-NEXT: %[[E:.*]] = qc.reshape %{{.*}} : tensor<2xi8> -> tensor<1x1x2xi8>
// CHECK-NEXT: qc.requantize %[[L]], %[[E]] {{.*}} : (tensor<1x3x3x2xi8>, tensor<1x1x2xi8>) -> tensor<1x3x3x2xi8>
func.func @lut_and_excitation(%x: tensor<1x2x4x4xi8>, %e: tensor<2xi8>) -> tensor<1x2x3x3xi8> {
  %t = qc.constant dense<3> : tensor<2x256xi8>
  %p = qc.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x2x4x4xi8> -> tensor<1x2x3x3xi8>
  %l = qc.lut %p, %t {axis = 1} : (tensor<1x2x3x3xi8>, tensor<2x256xi8>) -> tensor<1x2x3x3xi8>
  %r = qc.reshape %e : tensor<2xi8> -> tensor<2x1x1xi8>
  %s = qc.requantize %l, %r {input_zero_points = array<i64: 1, 2>, multipliers = array<i32: 8388608, 9000000>, shifts = array<i32: 25>,
                             zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>}
     : (tensor<1x2x3x3xi8>, tensor<2x1x1xi8>) -> tensor<1x2x3x3xi8>
  return %s : tensor<1x2x3x3xi8>
}

// -----

// A map that is flattened for a matrix product stays channels last: the rows of the weight move instead.
// CHECK-LABEL: @flatten_rows_move
// CHECK-DAG: %[[W:.*]] = qc.constant dense<{{\[}}[1], [3], [5], [7], [2], [4], [6], [8]]> : tensor<8x1xi8>
// CHECK: %[[P:.*]] = qc.pool max
// CHECK-NEXT: %[[O:.*]] = qc.transpose %[[P]] {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x1x2xi8> -> tensor<1x1x2x4xi8>
// CHECK-NEXT: %[[F:.*]] = qc.reshape %[[O]] : tensor<1x1x2x4xi8> -> tensor<1x8xi8>
// CHECK-NEXT: %[[L:.*]] = qc.lut %[[F]]
// CHECK-NEXT: %[[M:.*]] = qc.matmul %[[L]], %[[W]]
// CHECK-NEXT: return %[[M]]
func.func @flatten_rows_move(%x: tensor<1x4x2x2xi8>) -> tensor<1x1xi32> {
  %w = qc.constant dense<[[1], [2], [3], [4], [5], [6], [7], [8]]> : tensor<8x1xi8>
  %t = qc.constant dense<3> : tensor<256xi8>
  %p = qc.pool max %x {kernel = array<i64: 2, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x4x2x2xi8> -> tensor<1x4x1x2xi8>
  %f = qc.reshape %p : tensor<1x4x1x2xi8> -> tensor<1x8xi8>
  %l = qc.lut %f, %t : (tensor<1x8xi8>, tensor<256xi8>) -> tensor<1x8xi8>
  %m = qc.matmul %l, %w {acc_bound = 4608 : ui64} : (tensor<1x8xi8>, tensor<8x1xi8>) -> tensor<1x1xi32>
  return %m : tensor<1x1xi32>
}

// -----

// The other way round: a matrix product makes a map.
// CHECK-LABEL: @map_columns_move
// CHECK-DAG: %[[W:.*]] = qc.constant dense<{{\[}}[1, 3, 2, 4]]> : tensor<1x4xi8>
// CHECK-DAG: %[[B:.*]] = qc.constant dense<[10, 30, 20, 40]> : tensor<4xi32>
// CHECK: %[[M:.*]] = qc.matmul %{{.*}}, %[[W]], %[[B]]
// CHECK-NEXT: %[[Q:.*]] = qc.requantize %[[M]] {axis = 1 : i64, {{.*}}multipliers = array<i32: 8388611, 8388613, 8388612, 8388614>, {{.*}}shifts = array<i32: 25, 27, 26, 28>
// CHECK-NEXT: %[[R:.*]] = qc.reshape %[[Q]] : tensor<1x4xi8> -> tensor<1x2x2xi8>
// CHECK-NEXT: %[[I:.*]] = qc.transpose %[[R]] {permutation = array<i64: 0, 2, 1>}
// CHECK-NEXT: qc.pool max %[[I]]
func.func @map_columns_move(%x: tensor<1x1xi8>) -> tensor<1x2x1xi8> {
  %w = qc.constant dense<[[1, 2, 3, 4]]> : tensor<1x4xi8>
  %b = qc.constant dense<[10, 20, 30, 40]> : tensor<4xi32>
  %m = qc.matmul %x, %w, %b {acc_bound = 552 : ui64} : (tensor<1x1xi8>, tensor<1x4xi8>, tensor<4xi32>) -> tensor<1x4xi32>
  %q = qc.requantize %m {axis = 1, input_zero_points = array<i64: 0>, multipliers = array<i32: 8388611, 8388612, 8388613, 8388614>,
                         shifts = array<i32: 25, 26, 27, 28>, zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>}
     : (tensor<1x4xi32>) -> tensor<1x4xi8>
  %r = qc.reshape %q : tensor<1x4xi8> -> tensor<1x2x2xi8>
  %p = qc.pool max %r {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x2x2xi8> -> tensor<1x2x1xi8>
  return %p : tensor<1x2x1xi8>
}

// -----

// A map that becomes a sequence of pixels has them in memory already.
// CHECK-LABEL: @pixels_become_a_sequence
// CHECK: %[[O:.*]] = qc.transpose %{{.*}} {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x2x3xi8> -> tensor<1x2x3x4xi8>
// CHECK-NEXT: %[[S:.*]] = qc.reshape %[[O]] : tensor<1x2x3x4xi8> -> tensor<1x6x4xi8>
// CHECK-NEXT: return %[[S]]
func.func @pixels_become_a_sequence(%x: tensor<1x4x3x3xi8>) -> tensor<1x6x4xi8> {
  %p = qc.pool max %x {kernel = array<i64: 2, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x4x3x3xi8> -> tensor<1x4x2x3xi8>
  %r = qc.reshape %p : tensor<1x4x2x3xi8> -> tensor<1x4x6xi8>
  %t = qc.transpose %r {permutation = array<i64: 0, 2, 1>} : tensor<1x4x6xi8> -> tensor<1x6x4xi8>
  return %t : tensor<1x6x4xi8>
}

// -----

// The flattened map has a reader that needs the order of the file: one transpose.
// CHECK-LABEL: @no_flatten_other_reader
// CHECK-DAG: qc.constant dense<{{\[}}[1], [2], [3], [4]]>
// CHECK: qc.pool max
// CHECK-NEXT: %[[O:.*]] = qc.transpose %{{.*}} {permutation = array<i64: 0, 2, 1>}
// CHECK-NEXT: %[[T:.*]] = qc.transpose %[[O]] {permutation = array<i64: 0, 2, 1>}
// CHECK-NEXT: %[[F:.*]] = qc.reshape %[[T]]
// CHECK-NEXT: qc.matmul %[[F]]
// CHECK-NEXT: return
func.func @no_flatten_other_reader(%x: tensor<1x2x3xi8>) -> (tensor<1x1xi32>, tensor<1x4xi8>) {
  %w = qc.constant dense<[[1], [2], [3], [4]]> : tensor<4x1xi8>
  %p = qc.pool max %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x2x3xi8> -> tensor<1x2x2xi8>
  %f = qc.reshape %p : tensor<1x2x2xi8> -> tensor<1x4xi8>
  %m = qc.matmul %f, %w {acc_bound = 1280 : ui64} : (tensor<1x4xi8>, tensor<4x1xi8>) -> tensor<1x1xi32>
  return %m, %f : tensor<1x1xi32>, tensor<1x4xi8>
}

// -----

// Of several places for a transpose the one with the fewest bytes: codes, not the numbers that they stand for.
// CHECK-LABEL: @transpose_where_it_is_cheap
// CHECK: qc.pool max
// CHECK-NEXT: %[[O:.*]] = qc.transpose %{{.*}} {permutation = array<i64: 0, 2, 1>}
// CHECK-NEXT: %[[T:.*]] = qc.transpose %[[O]] {permutation = array<i64: 0, 2, 1>} : tensor<1x2x2xi8> -> tensor<1x2x2xi8>
// CHECK-NEXT: %[[D:.*]] = qc.dequantize %[[T]]
// CHECK-NEXT: return %[[D]]
func.func @transpose_where_it_is_cheap(%x: tensor<1x2x3xi8>) -> tensor<1x2x2xf32> {
  %p = qc.pool max %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x2x3xi8> -> tensor<1x2x2xi8>
  %d = qc.dequantize %p {scale = 0.5 : f32, zero_point = 3 : i64} : tensor<1x2x2xi8> -> tensor<1x2x2xf32>
  return %d : tensor<1x2x2xf32>
}

// -----

// Two readers that follow any order, each read by one that does not: their common input is transposed, once.
// CHECK-LABEL: @transpose_shared
// CHECK: %[[T:.*]] = qc.transpose %{{.*}} {permutation = array<i64: 1, 0>}
// CHECK-NEXT: %[[A:.*]] = qc.clamp %[[T]]
// CHECK-NEXT: %[[B:.*]] = qc.activation sigmoid %[[T]]
// CHECK-NEXT: qc.matmul %[[A]], %[[B]]
func.func @transpose_shared(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %t = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x2xf32> -> tensor<2x2xf32>
  %a = qc.clamp %t {clamp_min = 0.0 : f32} : tensor<2x2xf32> -> tensor<2x2xf32>
  %b = qc.activation sigmoid %t : tensor<2x2xf32> -> tensor<2x2xf32>
  %m = qc.matmul %a, %b : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %m : tensor<2x2xf32>
}

// -----

// A type that names a dimension stays as it is.
// CHECK-LABEL: @no_order_scales_along_a_dimension
// CHECK-NEXT: qc.transpose
// CHECK-NEXT: qc.pool
// CHECK-NEXT: %[[O:.*]] = qc.transpose
// CHECK-NEXT: %[[T:.*]] = qc.transpose %[[O]]
// CHECK-NEXT: quant.qcast %[[T]] : tensor<1x2x2xf32> to tensor<1x2x2x!quant.uniform<i8:f32:1, {5.000000e-01,2.500000e-01}>>
func.func @no_order_scales_along_a_dimension(%x: tensor<1x3x2xf32>) -> tensor<1x2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> {
  %t = qc.transpose %x {permutation = array<i64: 0, 2, 1>} : tensor<1x3x2xf32> -> tensor<1x2x3xf32>
  %p = qc.pool max %t {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x2x3xf32> -> tensor<1x2x2xf32>
  %q = quant.qcast %p : tensor<1x2x2xf32> to tensor<1x2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  return %q : tensor<1x2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
}

// -----

// Casts do not fold into each other on the way.
// CHECK-LABEL: @no_fold_casts
// CHECK: quant.qcast
// CHECK-NEXT: quant.dcast
func.func @no_fold_casts(%x: tensor<1x2x3xf32>) -> tensor<1x2x2xf32> {
  %q = quant.qcast %x : tensor<1x2x3xf32> to tensor<1x2x3x!quant.uniform<i8:f32, 0.5>>
  %d = quant.dcast %q : tensor<1x2x3x!quant.uniform<i8:f32, 0.5>> to tensor<1x2x3xf32>
  %p = qc.pool max %d {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : tensor<1x2x3xf32> -> tensor<1x2x2xf32>
  return %p : tensor<1x2x2xf32>
}

// -----

// A 64-bit accumulator keeps its bound behind the transpose; without it the requantization could not be verified.
// CHECK-LABEL: @wide_accumulator
// CHECK: qc.requantize %{{.*}} : (tensor<1x2x1xi64>) -> tensor<1x2x1xi8>
func.func @wide_accumulator(%x: tensor<1x1x2xi8>) -> tensor<1x1x2xi8> {
  %w = qc.constant dense<1> : tensor<1x1x1xi8>
  %a = qc.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1,
                                 acc_bound = 128 : ui64} : (tensor<1x1x2xi8>, tensor<1x1x1xi8>) -> tensor<1x1x2xi64>
  %q = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608>, shifts = array<i32: 25>,
                         zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x1x2xi64>) -> tensor<1x1x2xi8>
  return %q : tensor<1x1x2xi8>
}
