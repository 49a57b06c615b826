// Buffers share memory when their lives do not meet; the arena is as large as the largest sum of live buffers.
// RUN: qopt %s --qc-plan-arena --split-input-file | FileCheck %s
// RUN: qopt %s --qc-plan-arena --split-input-file -o %t.1 && qopt %s --qc-plan-arena --split-input-file -o %t.2 && cmp %t.1 %t.2

func.func private @step(memref<64xi8>, memref<64xi8>)
func.func private @large(memref<64xi8>, memref<128xi8>)
func.func private @small(memref<128xi8>, memref<64xi8>)

// A chain needs the two largest neighbours, whatever its length. Behind three allocations, ops 3 to 6 are calls; `a` lives through the first two of them.
// CHECK-LABEL: func.func @plan_chain(
// CHECK-SAME: %[[ARENA:[a-z0-9]+]]: memref<192xi8> {qc.arena}
// CHECK-SAME: qc.arena_bytes = 192 : i64, qc.arena_calls = array<i64: 3, 4, 5, 6>, qc.arena_lower_bound = 192 : i64
// CHECK-SAME: qc.arena_map = [{bytes = 64 : i64, first = 3 : i64, last = 4 : i64, name = "a", offset = {{.*}}}, {bytes = 128 : i64, {{.*}}name = "b"
// CHECK: memref.view %[[ARENA]][%{{.*}}][] : memref<192xi8> to memref<64xi8>
// CHECK: memref.view %[[ARENA]][%{{.*}}][] : memref<192xi8> to memref<128xi8>
// CHECK: memref.view %[[ARENA]][%{{.*}}][] : memref<192xi8> to memref<64xi8>
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @plan_chain(%in: memref<64xi8>, %out: memref<64xi8>, %arena: memref<0xi8> {qc.arena}) {
  %a = memref.alloc() : memref<64xi8> loc("a")
  %b = memref.alloc() : memref<128xi8> loc("b")
  %c = memref.alloc() : memref<64xi8> loc("c")
  call @step(%in, %a) : (memref<64xi8>, memref<64xi8>) -> ()
  call @large(%a, %b) : (memref<64xi8>, memref<128xi8>) -> ()
  call @small(%b, %c) : (memref<128xi8>, memref<64xi8>) -> ()
  call @step(%c, %out) : (memref<64xi8>, memref<64xi8>) -> ()
  return
}

// -----

func.func private @step(memref<64xi8>, memref<64xi8>)
func.func private @join(memref<64xi8>, memref<64xi8>, memref<64xi8>)

// A residual edge keeps its buffer alive over the branch.
// CHECK-LABEL: func.func @plan_residual(
// CHECK-SAME: qc.arena_bytes = 192 : i64, {{.*}}qc.arena_lower_bound = 192 : i64
func.func @plan_residual(%in: memref<64xi8>, %out: memref<64xi8>, %arena: memref<0xi8> {qc.arena}) {
  %a = memref.alloc() : memref<64xi8>
  %b = memref.alloc() : memref<64xi8>
  %c = memref.alloc() : memref<64xi8>
  call @step(%in, %a) : (memref<64xi8>, memref<64xi8>) -> ()
  call @step(%a, %b) : (memref<64xi8>, memref<64xi8>) -> ()
  call @step(%b, %c) : (memref<64xi8>, memref<64xi8>) -> ()
  call @join(%a, %c, %out) : (memref<64xi8>, memref<64xi8>, memref<64xi8>) -> ()
  return
}

// -----

func.func private @step(memref<64xi8>, memref<64xi8>)

// A use through a view is a use; sizes are rounded up to 64 bytes in the arena, not in the bound.
// CHECK-LABEL: func.func @plan_view(
// CHECK-SAME: qc.arena_bytes = 192 : i64, {{.*}}qc.arena_lower_bound = 136 : i64
func.func @plan_view(%in: memref<64xi8>, %out: memref<64xi8>, %arena: memref<0xi8> {qc.arena}) {
  %a = memref.alloc() : memref<72xi8>
  %b = memref.alloc() : memref<64xi8>
  %c0 = arith.constant 0 : index
  %view = memref.subview %a[0] [64] [1] : memref<72xi8> to memref<64xi8, strided<[1]>>
  %plain = memref.cast %view : memref<64xi8, strided<[1]>> to memref<64xi8>
  call @step(%in, %plain) : (memref<64xi8>, memref<64xi8>) -> ()
  call @step(%in, %b) : (memref<64xi8>, memref<64xi8>) -> ()
  call @step(%plain, %out) : (memref<64xi8>, memref<64xi8>) -> ()
  call @step(%b, %out) : (memref<64xi8>, memref<64xi8>) -> ()
  return
}

// -----

func.func private @step(memref<64xi8>, memref<64xi8>)

// Scratch of one call counts like any buffer. One inside a loop lives as long as the loop.
// CHECK-LABEL: func.func @plan_scratch_in_loop(
// CHECK-SAME: qc.arena_bytes = 64 : i64, qc.arena_lower_bound = 64 : i64
// CHECK: memref.view
// CHECK: scf.for
func.func @plan_scratch_in_loop(%in: memref<64xi8>, %out: memref<64xi8>, %arena: memref<0xi8> {qc.arena}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {
    %a = memref.alloc() : memref<64xi8>
    func.call @step(%in, %a) : (memref<64xi8>, memref<64xi8>) -> ()
    func.call @step(%a, %out) : (memref<64xi8>, memref<64xi8>) -> ()
  }
  return
}

// -----

func.func private @step(memref<64xi8>, memref<64xi8>)

// The wrapper's arena holds that of the function it calls, which is planned first wherever it stands.
// CHECK-LABEL: func.func @plan_wrapper(
// CHECK-SAME: memref<128xi8> {qc.arena}
// CHECK: call @inner(%{{.*}}, %{{.*}}, %{{.*}}) : (memref<64xi8>, memref<64xi8>, memref<64xi8>) -> ()
// CHECK-LABEL: func.func @inner(
// CHECK-SAME: memref<64xi8> {qc.arena}
func.func @plan_wrapper(%in: memref<64xi8>, %out: memref<64xi8>, %arena: memref<0xi8> {qc.arena}) {
  %codes = memref.alloc() : memref<64xi8>
  %part = memref.alloc() {qc.arena_of = @inner} : memref<0xi8>
  call @step(%in, %codes) : (memref<64xi8>, memref<64xi8>) -> ()
  call @inner(%codes, %out, %part) : (memref<64xi8>, memref<64xi8>, memref<0xi8>) -> ()
  return
}
func.func @inner(%in: memref<64xi8>, %out: memref<64xi8>, %arena: memref<0xi8> {qc.arena}) {
  %a = memref.alloc() : memref<64xi8>
  call @step(%in, %a) : (memref<64xi8>, memref<64xi8>) -> ()
  call @step(%a, %out) : (memref<64xi8>, memref<64xi8>) -> ()
  return
}
