// Tasks go through the caller's parallel_for where it is given; entries and what lies between take it along.
// RUN: qopt %s -qc-share-tasks -split-input-file -verify-diagnostics -mlir-print-debuginfo=false | FileCheck %s

// CHECK: module attributes {qc.threads = 4 : i64}
// CHECK: llvm.func @task(%{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: i64, %{{.*}}: i64)
// The record is unpacked; numbers get the width of an index.
// CHECK: llvm.func private @task_entry(%[[RECORD:.*]]: !llvm.ptr, %[[INDEX:.*]]: i32, %[[SLOT:.*]]: i32)
// CHECK: %[[AT:.*]] = llvm.getelementptr %[[RECORD]][0, 0]
// CHECK: %[[X:.*]] = llvm.load %[[AT]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[I:.*]] = llvm.zext %[[INDEX]] : i32 to i64
// CHECK: %[[S:.*]] = llvm.zext %[[SLOT]] : i32 to i64
// CHECK: llvm.call @task(%[[X]], %[[I]], %[[S]])
// CHECK: llvm.func @tasks(%[[X:.*]]: !llvm.ptr {llvm.noalias}, %[[FOR:.*]]: !llvm.ptr, %[[POOL:.*]]: !llvm.ptr) attributes {qc.tasks = 8 : i64}
// CHECK: %[[RECORD:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(ptr)>
// CHECK: %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK: %[[GIVEN:.*]] = llvm.icmp "ne" %[[FOR]], %[[NULL]]
// CHECK: llvm.cond_br %[[GIVEN]], ^[[SHARED:.*]], ^[[ALONE:.*]]
// CHECK: ^[[ALONE]]:
// CHECK: llvm.call @task(%[[X]]
// CHECK: ^[[SHARED]]:
// CHECK: llvm.store %[[X]]
// CHECK: %[[TASK:.*]] = llvm.mlir.addressof @task_entry
// CHECK: %[[COUNT:.*]] = llvm.mlir.constant(8 : i32)
// CHECK: llvm.call %[[FOR]](%[[POOL]], %[[TASK]], %[[RECORD]], %[[COUNT]])
// CHECK: llvm.func @layer(%[[X:.*]]: !llvm.ptr, %[[FOR:.*]]: !llvm.ptr, %[[POOL:.*]]: !llvm.ptr)
// CHECK: llvm.call @tasks(%[[X]], %[[FOR]], %[[POOL]])
// CHECK: llvm.func @small(%{{.*}}: !llvm.ptr) {
// CHECK: llvm.func @run(%[[X:.*]]: !llvm.ptr, %[[ARENA:.*]]: !llvm.ptr, %[[FOR:.*]]: !llvm.ptr, %[[POOL:.*]]: !llvm.ptr)
// CHECK: llvm.call @layer(%[[X]], %[[FOR]], %[[POOL]])
// CHECK: llvm.call @small(%[[X]])
// CHECK: llvm.func @run_f32(%[[X:.*]]: !llvm.ptr, %[[ARENA:.*]]: !llvm.ptr, %[[FOR:.*]]: !llvm.ptr, %[[POOL:.*]]: !llvm.ptr)
// CHECK: llvm.call @run(%[[X]], %[[ARENA]], %[[FOR]], %[[POOL]])
module attributes {qc.threads = 4 : i64} {
  llvm.func @task(%x: !llvm.ptr {llvm.noalias}, %task: i64, %slot: i64) {
    llvm.return
  }
  llvm.func @tasks(%x: !llvm.ptr {llvm.noalias}) attributes {qc.tasks = 8 : i64} {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %end = llvm.mlir.constant(8 : i64) : i64
    llvm.br ^head(%zero : i64)
  ^head(%i: i64):
    %more = llvm.icmp "slt" %i, %end : i64
    llvm.cond_br %more, ^body, ^exit
  ^body:
    llvm.call @task(%x, %i, %zero) : (!llvm.ptr, i64, i64) -> ()
    %next = llvm.add %i, %one : i64
    llvm.br ^head(%next : i64)
  ^exit:
    llvm.return
  }
  llvm.func @layer(%x: !llvm.ptr) {
    llvm.call @tasks(%x) : (!llvm.ptr) -> ()
    llvm.return
  }
  llvm.func @small(%x: !llvm.ptr) {
    llvm.return
  }
  llvm.func @run(%x: !llvm.ptr, %arena: !llvm.ptr) {
    llvm.call @layer(%x) : (!llvm.ptr) -> ()
    llvm.call @small(%x) : (!llvm.ptr) -> ()
    llvm.return
  }
  llvm.func @run_f32(%x: !llvm.ptr, %arena: !llvm.ptr) {
    llvm.call @run(%x, %arena) : (!llvm.ptr, !llvm.ptr) -> ()
    llvm.return
  }
}

// -----

// Without qc.threads nothing changes.
// CHECK: llvm.func @run(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) {
module {
  llvm.func @run(%x: !llvm.ptr, %arena: !llvm.ptr) {
    llvm.return
  }
}

// -----

module attributes {qc.threads = 4 : i64} {
  // expected-error @below {{'llvm.func' op has qc.tasks, but is no loop that calls one function with its own arguments, a task and a slot}}
  llvm.func @tasks(%x: !llvm.ptr) attributes {qc.tasks = 8 : i64} {
    llvm.return
  }
}
