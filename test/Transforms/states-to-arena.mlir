// States that lie in the arena: marked at stage integer, one buffer at stage linalg, at the start of the arena in the end.
// RUN: qopt %s --split-input-file --qc-states-to-arena | FileCheck %s
// RUN: qopt %s --split-input-file --qc-states-to-arena --qc-lower-linalg | FileCheck %s --check-prefix=LINALG
// RUN: qopt %s --split-input-file --qc-states-to-arena --qc-lower-linalg --qc-lower-buffers | FileCheck %s --check-prefix=ARENA

// CHECK-LABEL: func.func @run(%arg0: tensor<2xi8> {qc.name = "x"}, %arg1: tensor<2xi8> {qc.in_arena, qc.name = "h", qc.state = "hn", qc.zero_point = 3 : i64})
// CHECK-SAME: -> (tensor<2xi8> {qc.in_arena, qc.name = "hn", qc.zero_point = 3 : i64}, tensor<2xi8> {qc.name = "y"})
// CHECK: func.func @reset() -> (tensor<2xi8> {qc.in_arena, qc.name = "h"})
// CHECK: qc.constant dense<3> : tensor<2xi8>
// The wrapper hands codes on.
// CHECK: func.func @run_f32(%arg0: tensor<2xf32> {qc.name = "x"}, %arg1: tensor<2xi8> {qc.in_arena
// CHECK: %[[Q:.*]] = qc.quantize %arg0
// CHECK: %[[C:.*]]:2 = call @run(%[[Q]], %arg1)
// CHECK: %[[Y:.*]] = qc.dequantize %[[C]]#1
// CHECK-NOT: dequantize
// CHECK: return %[[C]]#0, %[[Y]]

// The next value takes the old one's place when all results are there.
// LINALG-LABEL: func.func @run(%arg0: memref<2xi8> {{.*}}, %arg1: memref<2xi8> {{.*}}qc.in_arena{{.*}}, %arg2: memref<2xi8> {{.*}}qc.output}, %arg3: memref<0xi8>
// LINALG: bufferization.materialize_in_destination %{{.*}} in restrict writable %[[N:.*]] :
// LINALG: bufferization.materialize_in_destination %{{.*}} in restrict writable %arg2
// LINALG: memref.copy %[[N]], %arg1
// LINALG-NEXT: return

// ARENA: func.func @run(%arg0: memref<2xi8> {{.*}}, %arg1: memref<2xi8> {{.*}}qc.output}, %arg2: memref<[[BYTES:[0-9]+]]xi8>
// ARENA-SAME: qc.arena_map = [{bytes = 2 : i64, first = 0 : i64, last = {{.*}}, name = "h", offset = 0 : i64}, {{.*}}offset = 64
// ARENA-SAME: qc.state_bytes = 2 : i64
// ARENA: func.func @reset(%arg0: memref<64xi8>
// ARENA: memref.view %arg0[%c0]
// The callee's arena stays where it is.
// ARENA: func.func @run_f32(
// ARENA: %[[SUB:.*]] = memref.view %{{.*}}[%c0{{.*}}][] : memref<{{.*}}xi8> to memref<[[BYTES]]xi8>
// ARENA: call @run(%{{[^,]*}}, %{{[^,]*}}, %[[SUB]])
func.func @run(%x: tensor<2xi8> {qc.name = "x"}, %h: tensor<2xi8> {qc.name = "h", qc.state = "hn", qc.zero_point = 3 : i64}) -> (tensor<2xi8> {qc.name = "hn", qc.zero_point = 3 : i64}, tensor<2xi8> {qc.name = "y"}) {
  %0 = qc.binary max %x, %h : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8> loc("max")
  %1 = qc.binary min %x, %h : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8> loc("min")
  return %0, %1 : tensor<2xi8>, tensor<2xi8>
}
func.func @run_f32(%x: tensor<2xf32> {qc.name = "x"}, %h: tensor<2xf32> {qc.name = "h", qc.state = "hn"}) -> (tensor<2xf32> {qc.name = "hn"}, tensor<2xf32> {qc.name = "y"}) {
  %0 = qc.quantize %x {scale = 0.5 : f32, zero_point = 3 : i64, code_min = -128 : i64, code_max = 127 : i64} : tensor<2xf32> -> tensor<2xi8>
  %1 = qc.quantize %h {scale = 0.5 : f32, zero_point = 3 : i64, code_min = -128 : i64, code_max = 127 : i64} : tensor<2xf32> -> tensor<2xi8>
  %2:2 = func.call @run(%0, %1) : (tensor<2xi8>, tensor<2xi8>) -> (tensor<2xi8>, tensor<2xi8>)
  %3 = qc.dequantize %2#0 {scale = 0.5 : f32, zero_point = 3 : i64} : tensor<2xi8> -> tensor<2xf32>
  %4 = qc.dequantize %2#1 {scale = 0.5 : f32, zero_point = 3 : i64} : tensor<2xi8> -> tensor<2xf32>
  return %3, %4 : tensor<2xf32>, tensor<2xf32>
}

// -----

// A row that changes is written where it lies: the state is neither copied nor doubled.
// LINALG-LABEL: func.func @run(%arg0: memref<1xi32>
// LINALG-NOT: memref.copy %{{.*}}, %arg2 :
// LINALG: %[[ROW:.*]] = memref.subview %arg2[%{{.*}}, 0] [1, 3] [1, 1]
// LINALG: memref.copy %{{.*}}, %[[ROW]]
// LINALG: bufferization.to_tensor %arg2
// LINALG-NOT: memref.copy
func.func @run(%i: tensor<1xi32> {qc.name = "i"}, %u: tensor<1x3xi8> {qc.name = "u"}, %h: tensor<4x3xi8> {qc.name = "h", qc.state = "hn", qc.initial = 1 : i64}) -> (tensor<3xi8> {qc.name = "y"}, tensor<4x3xi8> {qc.name = "hn"}) {
  %0 = qc.scatter set %h, %i, %u : (tensor<4x3xi8>, tensor<1xi32>, tensor<1x3xi8>) -> tensor<4x3xi8> loc("set")
  %1 = qc.reduce max %0 {axes = array<i64: 0>} : tensor<4x3xi8> -> tensor<3xi8> loc("max")
  return %1, %0 : tensor<3xi8>, tensor<4x3xi8>
}
