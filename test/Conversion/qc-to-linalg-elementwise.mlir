// Element-wise ops, tables, windows, reductions and moves; storage types; what a call becomes.
// RUN: qopt %s --convert-qc-to-linalg --split-input-file | FileCheck %s

// Narrow codes lie in bytes, 9 to 16 bits in i16, booleans in bytes.
// CHECK-LABEL: func.func @ports_storage(
// CHECK-SAME: memref<2xi8>{{.*}}memref<2xi16>{{.*}}memref<2xi8>{{.*}}memref<2xi64>
// CHECK-SAME: memref<2xi8>{{.*}}qc.output
func.func @ports_storage(%a: tensor<2xi4>, %b: tensor<2xui12>, %c: tensor<2xi1>, %d: tensor<2xi64>) -> tensor<2xi4> {
  return %a : tensor<2xi4>
}

// -----

// The quotient is limited to the codes without their zero point; 1.5 * 2^23 plus it has the rounded integer in its low bits: no conversion.
// CHECK-LABEL: func.func @quantize_ties_to_even(
// CHECK-DAG: %[[LOW:.*]] = arith.constant -1.310000e+02 : f32
// CHECK-DAG: %[[HIGH:.*]] = arith.constant 1.240000e+02 : f32
// CHECK: arith.divf
// CHECK: arith.cmpf uno
// CHECK: arith.select %{{.*}}, %[[LOW]]
// CHECK: arith.select %{{.*}}, %[[HIGH]]
// CHECK: %[[SUM:.*]] = arith.addf %{{.*}} : f32
// CHECK: %[[BITS:.*]] = arith.bitcast %[[SUM]] : f32 to i32
// CHECK: arith.addi %[[BITS]]
// CHECK-NOT: fptosi
// CHECK: arith.select
func.func @quantize_ties_to_even(%x: tensor<2xf32>) -> tensor<2xi8> {
  %y = qc.quantize %x {scale = 0.5 : f32, zero_point = 3, code_min = -128, code_max = 127} : tensor<2xf32> -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// -----

// A table per channel is one flat table.
// CHECK-LABEL: func.func @lut_per_channel(
// CHECK: arith.constant dense<{{.*}}> : tensor<8xi8>
// CHECK: arith.extsi %{{.*}} : i8 to i32
// CHECK: linalg.index 1
// CHECK: tensor.extract %{{.*}}[%{{.*}}] : tensor<8xi8>
func.func @lut_per_channel(%x: tensor<1x2x3xi2>) -> tensor<1x2x3xi8> {
  %t = qc.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi8>
  %y = qc.lut %x, %t {axis = 1 : i64} : (tensor<1x2x3xi2>, tensor<2x4xi8>) -> tensor<1x2x3xi8>
  return %y : tensor<1x2x3xi8>
}

// -----

// CHECK-LABEL: func.func @pool_max_unsigned(
// CHECK: linalg.fill
// CHECK: arith.maxui
func.func @pool_max_unsigned(%x: tensor<1x1x4x4xui8>) -> tensor<1x1x2x2xui8> {
  %y = qc.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x1x4x4xui8> -> tensor<1x1x2x2xui8>
  return %y : tensor<1x1x2x2xui8>
}

// -----

// The sum of a global average and its requantization are one loop nest: accumulators for one row of channels only.
// CHECK-LABEL: func.func @reduce_sum_fused(
// CHECK: outs(%{{.*}} : tensor<6xi32>)
// CHECK: iterator_types = ["parallel", "reduction", "reduction"]
// CHECK: arith.trunci %{{.*}} : i64 to i8
func.func @reduce_sum_fused(%x: tensor<1x6x2x2xi8>) -> tensor<1x6x1x1xi8> {
  %s = qc.reduce sum %x {axes = array<i64: 2, 3>, keep_dims, acc_bound = 512 : ui64} : tensor<1x6x2x2xi8> -> tensor<1x6x1x1xi32>
  %y = qc.requantize %s {input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608>, shifts = array<i32: 25>, zero_point = 0,
                         code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x6x1x1xi32>) -> tensor<1x6x1x1xi8>
  return %y : tensor<1x6x1x1xi8>
}

// -----

// CHECK-LABEL: func.func @concat_parts(
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, 0] [1, 2] [1, 1]
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, 2] [1, 3] [1, 1]
func.func @concat_parts(%a: tensor<1x2xi8>, %b: tensor<1x3xi8>) -> tensor<1x5xi8> {
  %y = qc.concat %a, %b {axis = 1 : i64} : (tensor<1x2xi8>, tensor<1x3xi8>) -> tensor<1x5xi8>
  return %y : tensor<1x5xi8>
}

// -----

// Forward slices are views, backward ones copies.
// CHECK-LABEL: func.func @slice_forward_and_backward(
// CHECK: tensor.extract_slice %{{.*}}[1] [2] [2] : tensor<5xi8> to tensor<2xi8>
// CHECK: linalg.index 0
// CHECK: tensor.extract
func.func @slice_forward_and_backward(%x: tensor<5xi8>) -> (tensor<2xi8>, tensor<3xi8>) {
  %a = qc.slice %x {starts = array<i64: 1>, sizes = array<i64: 2>, steps = array<i64: 2>} : tensor<5xi8> -> tensor<2xi8>
  %b = qc.slice %x {starts = array<i64: 4>, sizes = array<i64: 3>, steps = array<i64: -2>} : tensor<5xi8> -> tensor<3xi8>
  return %a, %b : tensor<2xi8>, tensor<3xi8>
}

// -----

// Integers wrap at their own width.
// CHECK-LABEL: func.func @add_wraps_i4(
// CHECK: arith.addi
// CHECK: arith.shli
// CHECK: arith.shrsi
func.func @add_wraps_i4(%x: tensor<2xi4>) -> tensor<2xi4> {
  %y = qc.add %x, %x : (tensor<2xi4>, tensor<2xi4>) -> tensor<2xi4>
  return %y : tensor<2xi4>
}

// -----

// The wrapper passes buffers, and a part of its arena that stands for the callee's.
// CHECK-LABEL: func.func @run_f32(
// CHECK-SAME: %[[IN:.*]]: memref<2xf32>{{.*}}, %[[OUT:.*]]: memref<2xf32>
// CHECK: %[[CODES:.*]] = memref.alloc() : memref<2xi8>
// CHECK: bufferization.materialize_in_destination %{{.*}} in restrict writable %[[CODES]]
// CHECK: %[[RESULT:.*]] = memref.alloc() : memref<2xi8>
// CHECK: %[[ARENA:.*]] = memref.alloc() {qc.arena_of = @run} : memref<0xi8>
// CHECK: call @run(%[[CODES]], %[[RESULT]], %[[ARENA]])
// CHECK: bufferization.to_tensor %[[RESULT]] restrict
func.func @run(%x: tensor<2xi8>) -> tensor<2xi8> {
  return %x : tensor<2xi8>
}
func.func @run_f32(%x: tensor<2xf32>) -> tensor<2xf32> {
  %q = qc.quantize %x {scale = 0.5 : f32, zero_point = 3, code_min = -128, code_max = 127} : tensor<2xf32> -> tensor<2xi8>
  %r = call @run(%q) : (tensor<2xi8>) -> tensor<2xi8>
  %y = qc.dequantize %r {scale = 0.5 : f32, zero_point = 3} : tensor<2xi8> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// A divisor of zero or a quotient that overflows never reaches the machine's instruction.
// CHECK-LABEL: func.func @div_integers_defined(
// CHECK: %[[ZERO:.*]] = arith.cmpi eq
// CHECK: %[[MINUS:.*]] = arith.cmpi eq
// CHECK: %[[EITHER:.*]] = arith.ori %[[ZERO]], %[[MINUS]]
// CHECK: %[[SAFE:.*]] = arith.select %[[EITHER]]
// CHECK: arith.divsi %{{.*}}, %[[SAFE]]
func.func @div_integers_defined(%x: tensor<2xi32>, %y: tensor<2xi32>) -> tensor<2xi32> {
  %0 = qc.div %x, %y : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

// CHECK-LABEL: func.func @compare_unsigned_in_bytes(
// CHECK: arith.cmpi ult
// CHECK: arith.extui %{{.*}} : i1 to i8
func.func @compare_unsigned_in_bytes(%x: tensor<2xui8>) -> tensor<2xi1> {
  %0 = qc.compare less %x, %x : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xi1>
  return %0 : tensor<2xi1>
}

// -----

// An index is brought into the rows before it is used.
// CHECK-LABEL: func.func @take_limits(
// CHECK: tensor.extract
// CHECK: arith.select
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: tensor.extract
func.func @take_limits(%x: tensor<4x2xf32>, %i: tensor<3xi64>) -> tensor<3x2xf32> {
  %0 = qc.take %x, %i : (tensor<4x2xf32>, tensor<3xi64>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// One row after another into a copy of the input.
// CHECK-LABEL: func.func @scatter_loops(
// CHECK: scf.for
// CHECK: tensor.extract_slice
// CHECK: arith.addf
// CHECK: tensor.insert_slice
func.func @scatter_loops(%x: tensor<4x2xf32>, %i: tensor<3xi64>, %u: tensor<3x2xf32>) -> tensor<4x2xf32> {
  %0 = qc.scatter add %x, %i, %u : (tensor<4x2xf32>, tensor<3xi64>, tensor<3x2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// No library: a root is an instruction, a logarithm a polynomial.
// CHECK-LABEL: func.func @functions_inline(
// CHECK: arith.bitcast
// CHECK: math.sqrt
// CHECK-NOT: math.log
func.func @functions_inline(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qc.activation log %x : tensor<2xf32> -> tensor<2xf32>
  %1 = qc.activation sqrt %0 : tensor<2xf32> -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
