// Every op in every domain it has, as it prints; the text parses back to the same.
// RUN: qopt %s | FileCheck %s
// RUN: qopt %s | qopt | FileCheck %s
// RUN: qopt -emit-bytecode %s -o %t && qopt %t | FileCheck %s

!x = !quant.uniform<i8:f32, 0.5:3>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.5, 0.25}>
!b = !quant.uniform<i32:f32:0, {0.25, 0.125}>

// CHECK-LABEL: @constants
func.func @constants() {
  // CHECK: qc.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %0 = qc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK: qc.constant dense<[1, -2]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 5.000000e-01:3>>
  %1 = qc.constant dense<[1, -2]> : tensor<2xi8> -> tensor<2x!x>
  // CHECK: qc.constant dense<[1, 200]> : tensor<2xui8> -> tensor<2x!quant.uniform<u8:f32, 5.000000e-01>>
  %2 = qc.constant dense<[1, 200]> : tensor<2xui8> -> tensor<2x!quant.uniform<u8:f32, 0.5>>
  // CHECK: qc.constant dense<[-8, 7]> : tensor<2xi4>
  %3 = qc.constant dense<[-8, 7]> : tensor<2xi4>
  // CHECK: qc.constant dense<[true, false]> : tensor<2xi1>
  %4 = qc.constant dense<[true, false]> : tensor<2xi1>
  // CHECK: qc.constant {note = "x"} dense<7> : tensor<2xi64>
  %5 = qc.constant {note = "x"} dense<7> : tensor<2xi64>
  // CHECK: qc.constant dense_resource<blob> : tensor<2xi8>
  %6 = qc.constant dense_resource<blob> : tensor<2xi8>
  return
}

// CHECK-LABEL: @contractions_float
func.func @contractions_float(%x: tensor<1x2x4x4xf32>, %w: tensor<2x2x3x3xf32>, %b: tensor<2xf32>, %m: tensor<3x4x2xf32>) {
  // CHECK: qc.conv %{{.*}}, %{{.*}}, %{{.*}} {clamp_max = 6.000000e+00 : f32, clamp_min = 0.000000e+00 : f32, dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<2x2x3x3xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %0 = qc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, clamp_min = 0.0 : f32, clamp_max = 6.0 : f32}
    : (tensor<1x2x4x4xf32>, tensor<2x2x3x3xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  // CHECK: qc.conv_transpose %{{.*}}, %{{.*}} {{{.*}}output_padding = array<i64: 1, 1>{{.*}}} : (tensor<1x2x4x4xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x10x10xf32>
  %1 = qc.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1}
    : (tensor<1x2x4x4xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x10x10xf32>
  // CHECK: qc.matmul %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1x1x4x4xf32>, tensor<3x4x2xf32>, tensor<2xf32>) -> tensor<1x3x4x2xf32>
  %2 = qc.slice %x {starts = array<i64: 0, 0, 0, 0>, sizes = array<i64: 1, 1, 4, 4>, steps = array<i64: 1, 1, 1, 1>} : tensor<1x2x4x4xf32> -> tensor<1x1x4x4xf32>
  %3 = qc.matmul %2, %m, %b : (tensor<1x1x4x4xf32>, tensor<3x4x2xf32>, tensor<2xf32>) -> tensor<1x3x4x2xf32>
  return
}

// CHECK-LABEL: @contractions_quantized
func.func @contractions_quantized(%x: tensor<1x1x3x!x>, %w: tensor<2x1x1x!w>, %b: tensor<2x!b>) {
  // CHECK: qc.conv {{.*}} -> tensor<1x2x3x!quant.uniform<i8:f32, 5.000000e-01:3>>
  %0 = qc.conv %x, %w, %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1}
    : (tensor<1x1x3x!x>, tensor<2x1x1x!w>, tensor<2x!b>) -> tensor<1x2x3x!x>
  return
}

// CHECK-LABEL: @contractions_integer
func.func @contractions_integer(%x: tensor<1x1x3xui8>, %a: tensor<2x3xi8>) {
  %w = qc.constant dense<[[[1]], [[-2]]]> : tensor<2x1x1xi8>
  // CHECK: qc.conv {{.*}} {acc_bound = 510 : ui64, {{.*}}pad_value = 7 : i64{{.*}}} : (tensor<1x1x3xui8>, tensor<2x1x1xi8>) -> tensor<1x2x5xi32>
  %0 = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1, pad_value = 7, acc_bound = 510 : ui64}
    : (tensor<1x1x3xui8>, tensor<2x1x1xi8>) -> tensor<1x2x5xi32>
  %v = qc.constant dense<[[[1]]]> : tensor<1x1x1xi8>
  // CHECK: qc.conv_transpose {{.*}}acc_bound = 250 : ui64, {{.*}}input_zero_point = 5 : i64
  %1 = qc.conv_transpose %x, %v {strides = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1, input_zero_point = 5, acc_bound = 250 : ui64}
    : (tensor<1x1x3xui8>, tensor<1x1x1xi8>) -> tensor<1x1x3xi32>
  // CHECK: qc.matmul {{.*}} {acc_bound = 49923 : ui64, lhs_zero_point = 1 : i64, rhs_zero_point = -2 : i64}
  %t = qc.transpose %a {permutation = array<i64: 1, 0>} : tensor<2x3xi8> -> tensor<3x2xi8>
  %2 = qc.matmul %a, %t {lhs_zero_point = 1, rhs_zero_point = -2, acc_bound = 49923 : ui64} : (tensor<2x3xi8>, tensor<3x2xi8>) -> tensor<2x2xi32>
  return
}

// CHECK-LABEL: @elementwise
func.func @elementwise(%x: tensor<2x3xf32>, %y: tensor<3xf32>, %q: tensor<2x3x!x>, %i: tensor<2x3xi8>) {
  // CHECK: qc.add %{{.*}}, %{{.*}} {clamp_min = 0.000000e+00 : f32} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %0 = qc.add %x, %y {clamp_min = 0.0 : f32} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: qc.sub
  %1 = qc.sub %q, %q : (tensor<2x3x!x>, tensor<2x3x!x>) -> tensor<2x3x!x>
  // CHECK: qc.mul %{{.*}}, %{{.*}} {acc_bound = 17161 : ui64, lhs_zero_point = 3 : i64, rhs_zero_point = 3 : i64} : (tensor<2x3xi8>, tensor<2x3xi8>) -> tensor<2x3xi32>
  %2 = qc.mul %i, %i {lhs_zero_point = 3, rhs_zero_point = 3, acc_bound = 17161 : ui64} : (tensor<2x3xi8>, tensor<2x3xi8>) -> tensor<2x3xi32>
  // CHECK: qc.div
  %3 = qc.div %x, %y : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: qc.clamp %{{.*}} {clamp_max = 6.000000e+00 : f32} : tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01:3>> -> tensor<2x3x!quant.uniform<u8:f32, 1.000000e+00>>
  %4 = qc.clamp %q {clamp_max = 6.0 : f32} : tensor<2x3x!x> -> tensor<2x3x!quant.uniform<u8:f32, 1.0>>
  // CHECK: qc.activation leaky_relu %{{.*}} {alpha = 1.000000e-01 : f32}
  %5 = qc.activation leaky_relu %x {alpha = 0.1 : f32} : tensor<2x3xf32> -> tensor<2x3xf32>
  // CHECK: qc.activation hard_sigmoid %{{.*}} {alpha = 2.000000e-01 : f32, beta = 5.000000e-01 : f32}
  %6 = qc.activation hard_sigmoid %x {alpha = 0.2 : f32, beta = 0.5 : f32} : tensor<2x3xf32> -> tensor<2x3xf32>
  // CHECK: qc.activation sigmoid
  %7 = qc.activation sigmoid %q : tensor<2x3x!x> -> tensor<2x3x!x>
  // CHECK: qc.prelu %{{.*}}, %{{.*}} : (tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01:3>>, tensor<3xf32>)
  %8 = qc.prelu %q, %y : (tensor<2x3x!x>, tensor<3xf32>) -> tensor<2x3x!x>
  // CHECK: qc.softmax %{{.*}} {axis = 1 : i64}
  %9 = qc.softmax %x {axis = 1} : tensor<2x3xf32> -> tensor<2x3xf32>
  // CHECK: qc.cast %{{.*}} : tensor<2x3xf32> -> tensor<2x3xi64>
  %10 = qc.cast %x : tensor<2x3xf32> -> tensor<2x3xi64>
  return
}

// CHECK-LABEL: @windows
func.func @windows(%x: tensor<1x2x4x4xf32>, %i: tensor<1x2x4x4xi8>) {
  // CHECK: qc.pool max %{{.*}} {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>}
  %0 = qc.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x2x4x4xf32> -> tensor<1x2x2x2xf32>
  // CHECK: qc.pool average %{{.*}} {count_include_pad, {{.*}}}
  %1 = qc.pool average %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, count_include_pad} : tensor<1x2x4x4xf32> -> tensor<1x2x3x3xf32>
  // CHECK: qc.pool sum %{{.*}} {acc_bound = 512 : ui64, {{.*}}} : tensor<1x2x4x4xi8> -> tensor<1x2x2x2xi32>
  %2 = qc.pool sum %i {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, acc_bound = 512 : ui64} : tensor<1x2x4x4xi8> -> tensor<1x2x2x2xi32>
  // CHECK: qc.reduce mean %{{.*}} {axes = array<i64: 2, 3>} : tensor<1x2x4x4xf32> -> tensor<1x2xf32>
  %3 = qc.reduce mean %x {axes = array<i64: 2, 3>} : tensor<1x2x4x4xf32> -> tensor<1x2xf32>
  // CHECK: qc.reduce sum %{{.*}} {acc_bound = 2048 : ui64, axes = array<i64: 2, 3>, keep_dims} : tensor<1x2x4x4xi8> -> tensor<1x2x1x1xi32>
  %4 = qc.reduce sum %i {axes = array<i64: 2, 3>, keep_dims, acc_bound = 2048 : ui64} : tensor<1x2x4x4xi8> -> tensor<1x2x1x1xi32>
  // CHECK: qc.reduce max
  %5 = qc.reduce max %i {axes = array<i64: 1>} : tensor<1x2x4x4xi8> -> tensor<1x4x4xi8>
  return
}

// CHECK-LABEL: @movement
func.func @movement(%x: tensor<2x3xf32>) {
  // CHECK: qc.concat %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x6xf32>
  %0 = qc.concat %x, %x {axis = 1} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x6xf32>
  // CHECK: qc.slice %{{.*}} {sizes = array<i64: 1, 2>, starts = array<i64: 0, 2>, steps = array<i64: 1, -1>}
  %1 = qc.slice %x {starts = array<i64: 0, 2>, sizes = array<i64: 1, 2>, steps = array<i64: 1, -1>} : tensor<2x3xf32> -> tensor<1x2xf32>
  // CHECK: qc.pad %{{.*}} {high = array<i64: 0, 1>, low = array<i64: 1, 0>, mode = #qc<pad_mode reflect>}
  %2 = qc.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 1>, mode = #qc<pad_mode reflect>} : tensor<2x3xf32> -> tensor<3x4xf32>
  // CHECK: qc.reshape %{{.*}} : tensor<2x3xf32> -> tensor<6xf32>
  %3 = qc.reshape %x : tensor<2x3xf32> -> tensor<6xf32>
  // CHECK: qc.transpose %{{.*}} {permutation = array<i64: 1, 0>}
  %4 = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
  // CHECK: qc.gather %{{.*}} {axis = 1 : i64, indices = array<i64: 2, 0>}
  %5 = qc.gather %x {indices = array<i64: 2, 0>, axis = 1} : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// CHECK-LABEL: @quantization
func.func @quantization(%x: tensor<2x3xf32>, %i: tensor<2x3xi8>, %acc: tensor<2x3xi32>) {
  // CHECK: qc.observe %{{.*}} {code = ui8, id = "x", max = 2.000000e+00 : f64, min = -1.000000e+00 : f64} : tensor<2x3xf32>
  %0 = qc.observe %x {id = "x", code = ui8, min = -1.0 : f64, max = 2.0 : f64} : tensor<2x3xf32>
  // CHECK: qc.quantize %{{.*}} {code_max = 127 : i64, code_min = -128 : i64, scale = 5.000000e-01 : f32, zero_point = 3 : i64} : tensor<2x3xf32> -> tensor<2x3xi8>
  %1 = qc.quantize %x {scale = 0.5 : f32, zero_point = 3, code_min = -128, code_max = 127} : tensor<2x3xf32> -> tensor<2x3xi8>
  // CHECK: qc.dequantize
  %2 = qc.dequantize %i {scale = 0.5 : f32, zero_point = 3} : tensor<2x3xi8> -> tensor<2x3xf32>
  // CHECK: qc.requantize %{{.*}} {axis = 1 : i64, {{.*}}rounding = #qc<rounding tflite_double>, shifts = array<i32: 30, 31, 32>, zero_point = -3 : i64} : (tensor<2x3xi32>) -> tensor<2x3xi8>
  %3 = qc.requantize %acc {input_zero_points = array<i64: 0>, multipliers = array<i32: 5, 6, 7>, shifts = array<i32: 30, 31, 32>, axis = 1, zero_point = -3,
    code_min = -128, code_max = 127, rounding = #qc<rounding tflite_double>} : (tensor<2x3xi32>) -> tensor<2x3xi8>
  // CHECK: qc.requantize %{{.*}}, %{{.*}} {{{.*}}} : (tensor<2x3xi8>, tensor<2x3xi8>) -> tensor<2x3xi8>
  %4 = qc.requantize %i, %i {input_zero_points = array<i64: 1, 2>, multipliers = array<i32: 5, 6>, shifts = array<i32: 3>, zero_point = 0,
    code_min = 0, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<2x3xi8>, tensor<2x3xi8>) -> tensor<2x3xi8>
  %t = qc.constant dense<0> : tensor<3x256xi16>
  // CHECK: qc.lut %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xi8>, tensor<3x256xi16>) -> tensor<2x3xi16>
  %5 = qc.lut %i, %t {axis = 1} : (tensor<2x3xi8>, tensor<3x256xi16>) -> tensor<2x3xi16>
  return
}

{-#
  dialect_resources: { builtin: { blob: "0x1000000001FE" } }
#-}

// CHECK-LABEL: @computed_choices
func.func @computed_choices(%x: tensor<2x3xf32>, %c: tensor<3xi1>, %i: tensor<2xi64>, %n: tensor<2xui8>) {
  // CHECK: qc.binary  pow %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = qc.binary pow %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: qc.binary  shift_left %{{.*}}, %{{.*}} : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  %1 = qc.binary shift_left %n, %n : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  // CHECK: qc.compare  less_equal %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  %2 = qc.compare less_equal %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: qc.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = qc.select %c, %x, %x : (tensor<3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: qc.take %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %4 = qc.take %x, %i : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  // CHECK: qc.scatter  add %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = qc.scatter add %x, %i, %x : (tensor<2x3xf32>, tensor<2xi64>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: qc.reduce  prod %{{.*}} {axes = array<i64: 1>} : tensor<2x3xf32> -> tensor<2xf32>
  %6 = qc.reduce prod %x {axes = array<i64: 1>} : tensor<2x3xf32> -> tensor<2xf32>
  return
}
