// A kernel parses, prints, and computes what its region computes, whatever was decided about it.
// RUN: qopt %s | FileCheck %s
// RUN: qopt %s | qopt | FileCheck %s
// RUN: qopt %s -mlir-print-op-generic | qopt | FileCheck %s
// RUN: qopt %s -qc-interpret -o /dev/null | FileCheck %s --check-prefix=VALUES

// [1 2; 3 4] * [1 -1; 2 3] + [10, 20] = [15 25; 21 29]
// VALUES: kernel_decided: tensor<2x2xi32> [15, 25, 21, 29]
// VALUES: kernel_plain: tensor<2x2xi32> [15, 25, 21, 29]
// VALUES: kernel_two_results#0: tensor<2xi8> [3, 4]
// VALUES: kernel_two_results#1: tensor<2xi8> [1, 2]
// CHECK-LABEL: func.func @kernel_decided
// CHECK: %[[X:.*]] = qc.constant
// CHECK: qc.kernel "contract"(%[[X]]) {dot = "x86.vpmaddwd", permuted, scratch_bytes = 64 : i64, tile = array<i64: 2, 1>} : (tensor<2x2xi8>) -> tensor<2x2xi32> {
// CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<2x2xi8>):
// CHECK: qc.matmul %[[A]]
// CHECK: qc.yield %{{.*}} : tensor<2x2xi32>
func.func @kernel_decided() -> tensor<2x2xi32> {
  %x = qc.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %y = qc.kernel "contract"(%x) {dot = "x86.vpmaddwd", permuted, scratch_bytes = 64 : i64, tile = array<i64: 2, 1>} : (tensor<2x2xi8>) -> tensor<2x2xi32> {
  ^bb0(%a: tensor<2x2xi8>):
    %w = qc.constant dense<[[1, -1], [2, 3]]> : tensor<2x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %acc = qc.matmul %a, %w, %b {acc_bound = 532 : ui64} : (tensor<2x2xi8>, tensor<2x2xi8>, tensor<2xi32>) -> tensor<2x2xi32>
    qc.yield %acc : tensor<2x2xi32>
  }
  return %y : tensor<2x2xi32>
}

// The default of scratch_bytes is not printed.
// CHECK-LABEL: func.func @kernel_plain
// CHECK: qc.kernel "anything"(%{{.*}}) : (tensor<2x2xi8>) -> tensor<2x2xi32> {
func.func @kernel_plain() -> tensor<2x2xi32> {
  %x = qc.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %y = qc.kernel "anything"(%x) {scratch_bytes = 0 : i64} : (tensor<2x2xi8>) -> tensor<2x2xi32> {
  ^bb0(%a: tensor<2x2xi8>):
    %w = qc.constant dense<[[1, -1], [2, 3]]> : tensor<2x2xi8>
    %b = qc.constant dense<[10, 20]> : tensor<2xi32>
    %acc = qc.matmul %a, %w, %b {acc_bound = 532 : ui64} : (tensor<2x2xi8>, tensor<2x2xi8>, tensor<2xi32>) -> tensor<2x2xi32>
    qc.yield %acc : tensor<2x2xi32>
  }
  return %y : tensor<2x2xi32>
}

// CHECK-LABEL: func.func @kernel_two_results
// CHECK: %[[Y:.*]]:2 = qc.kernel "swap"(%{{.*}}, %{{.*}}) : (tensor<2xi8>, tensor<2xi8>) -> (tensor<2xi8>, tensor<2xi8>) {
func.func @kernel_two_results() -> (tensor<2xi8>, tensor<2xi8>) {
  %x = qc.constant dense<[1, 2]> : tensor<2xi8>
  %z = qc.constant dense<[3, 4]> : tensor<2xi8>
  %y:2 = qc.kernel "swap"(%x, %z) : (tensor<2xi8>, tensor<2xi8>) -> (tensor<2xi8>, tensor<2xi8>) {
  ^bb0(%a: tensor<2xi8>, %b: tensor<2xi8>):
    qc.yield %b, %a : tensor<2xi8>, tensor<2xi8>
  }
  return %y#0, %y#1 : tensor<2xi8>, tensor<2xi8>
}

// On buffers a kernel has destinations, the last one scratch, and no results; the region stays on tensors.
// CHECK-LABEL: func.func @kernel_on_buffers
// CHECK: qc.kernel "pointwise"(%arg0) outs(%arg1, %arg2) {scratch_bytes = 64 : i64} : (memref<4xi8>, memref<4xi8>, memref<64xi8>) -> () {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<4xi8>):
func.func @kernel_on_buffers(%x: memref<4xi8>, %y: memref<4xi8>, %s: memref<64xi8>) {
  qc.kernel "pointwise"(%x) outs(%y, %s) {scratch_bytes = 64 : i64} : (memref<4xi8>, memref<4xi8>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<4xi8>):
    qc.yield %a : tensor<4xi8>
  }
  return
}

// A divided kernel has scratch for each slot.
// CHECK-LABEL: func.func @kernel_divided
// CHECK: qc.kernel "pointwise"(%arg0) outs(%arg1, %arg2) {scratch_bytes = 64 : i64, slots = 4 : i64, tasks = array<i64: 2, 3>} : (memref<4xi8>, memref<4xi8>, memref<256xi8>) -> () {
func.func @kernel_divided(%x: memref<4xi8>, %y: memref<4xi8>, %s: memref<256xi8>) {
  qc.kernel "pointwise"(%x) outs(%y, %s) {scratch_bytes = 64 : i64, slots = 4 : i64, tasks = array<i64: 2, 3>} : (memref<4xi8>, memref<4xi8>, memref<256xi8>) -> () {
  ^bb0(%a: tensor<4xi8>):
    qc.yield %a : tensor<4xi8>
  }
  return
}

// CHECK-LABEL: func.func @parallel
// CHECK: qc.parallel 6 slots 4 {
// CHECK-NEXT: ^bb0(%[[TASK:.*]]: index, %{{.*}}: index):
// CHECK-NEXT: memref.store %{{.*}}, %arg0[%[[TASK]]] : memref<6xindex>
func.func @parallel(%y: memref<6xindex>) {
  qc.parallel 6 slots 4 {
  ^bb0(%task: index, %slot: index):
    memref.store %slot, %y[%task] : memref<6xindex>
  }
  return
}
