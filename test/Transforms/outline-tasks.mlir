// What a task does becomes a function of buffers, task and slot; a second function runs all tasks.
// RUN: qopt %s -qc-outline-tasks -split-input-file -verify-diagnostics -mlir-print-debuginfo=false | FileCheck %s

// The view is computed in the task, stack buffers stay with the caller, constants are the module's.
// CHECK: memref.global "private" constant @table
// CHECK: func.func private @run_0_layer_task(%[[X:.*]]: memref<64xi8> {llvm.noalias}, %[[S:.*]]: memref<128xi8> {llvm.noalias}, %[[TASK:.*]]: index, %[[SLOT:.*]]: index) attributes {qc.kernel_of = @run} {
// CHECK-DAG: %[[T:.*]] = memref.get_global @table
// CHECK-DAG: %[[PART:.*]] = memref.reinterpret_cast %[[X]] to offset: [8], sizes: [16], strides: [1]
// CHECK: %[[V:.*]] = memref.load %[[T]][%[[TASK]]]
// CHECK: memref.store %[[V]], %[[PART]][%[[TASK]]]
// CHECK: memref.store %[[V]], %[[S]][%[[SLOT]]]
// CHECK: return
// CHECK: func.func private @run_0_layer_tasks(%[[X:.*]]: memref<64xi8> {llvm.noalias}, %[[S:.*]]: memref<128xi8> {llvm.noalias}) attributes {qc.kernel_of = @run, qc.tasks = 16 : i64} {
// CHECK: scf.for %[[I:.*]] = %[[ZERO:.*]] to %c16 step %c1 {
// CHECK-NEXT: func.call @run_0_layer_task(%[[X]], %[[S]], %[[I]], %[[ZERO]])
// CHECK: func.func private @run_0_layer(%[[X:.*]]: memref<64xi8> {llvm.noalias}) attributes {qc.kernel_of = @run} {
// CHECK: %[[S:.*]] = memref.alloca() : memref<128xi8>
// CHECK-NOT: qc.parallel
// CHECK: call @run_0_layer_tasks(%[[X]], %[[S]]) : (memref<64xi8>, memref<128xi8>) -> ()
memref.global "private" constant @table : memref<16xi8> = dense<3>
func.func private @run_0_layer(%x: memref<64xi8> {llvm.noalias}) attributes {qc.kernel_of = @run} {
  %s = memref.alloca() : memref<128xi8>
  %t = memref.get_global @table : memref<16xi8>
  %part = memref.reinterpret_cast %x to offset: [8], sizes: [16], strides: [1] : memref<64xi8> to memref<16xi8, strided<[1], offset: 8>>
  qc.parallel 16 slots 2 {
  ^bb0(%task: index, %slot: index):
    %v = memref.load %t[%task] : memref<16xi8>
    memref.store %v, %part[%task] : memref<16xi8, strided<[1], offset: 8>>
    memref.store %v, %s[%slot] : memref<128xi8>
  }
  return
}

// -----

func.func @no_task_gaps(%x: memref<8xi8, strided<[2]>>) {
  %c = arith.constant 1 : i8
  // expected-error @below {{'qc.parallel' op needs 'memref<8xi8, strided<[2]>>' from outside: a task takes buffers of static shape without gaps}}
  qc.parallel 8 slots 2 {
  ^bb0(%task: index, %slot: index):
    memref.store %c, %x[%task] : memref<8xi8, strided<[2]>>
  }
  return
}

// -----

func.func @no_task_loaded_value(%x: memref<8xi8>) {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<8xi8>
  // expected-error @below {{'qc.parallel' op needs the result of 'memref.load', which a task cannot compute again}}
  qc.parallel 8 slots 2 {
  ^bb0(%task: index, %slot: index):
    memref.store %v, %x[%task] : memref<8xi8>
  }
  return
}
