// What cannot be planned is an error.
// RUN: qopt %s --qc-plan-arena --split-input-file --verify-diagnostics

// expected-error @+1 {{needs an arena as its last argument (attribute qc.arena) for its 1 buffers}}
func.func @no_plan_without_arena(%in: memref<64xi8>) {
  %a = memref.alloc() : memref<64xi8>
  memref.copy %in, %a : memref<64xi8> to memref<64xi8>
  return
}

// -----

func.func @no_plan_dynamic_size(%in: memref<64xi8>, %n: index, %arena: memref<0xi8> {qc.arena}) {
  // expected-error @+1 {{cannot be planned: it needs a static shape}}
  %a = memref.alloc(%n) : memref<?xi8>
  return
}

// -----

func.func @no_plan_unknown_callee(%arena: memref<0xi8> {qc.arena}) {
  // expected-error @+1 {{there is no function @nobody to give an arena to}}
  %a = memref.alloc() {qc.arena_of = @nobody} : memref<0xi8>
  return
}

// -----

// expected-error @+1 {{calls itself: no arena size is enough}}
func.func @no_plan_recursion(%arena: memref<0xi8> {qc.arena}) {
  %a = memref.alloc() {qc.arena_of = @no_plan_recursion} : memref<0xi8>
  call @no_plan_recursion(%a) : (memref<0xi8>) -> ()
  return
}
