// Each rule of the kernel's verifier, one by one.
// RUN: qopt -verify-diagnostics -split-input-file %s

func.func @no_kernel_argument_count(%x: tensor<2xi8>) {
  // expected-error @below {{takes 1 inputs, its region 2}}
  %y = qc.kernel "pointwise"(%x) : (tensor<2xi8>) -> tensor<2xi8> {
  ^bb0(%a: tensor<2xi8>, %b: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_argument_shape(%x: tensor<2xi8>) {
  // expected-error @below {{input 0 is 'tensor<2xi8>', the region's argument 'tensor<3xi8>'}}
  %y = qc.kernel "pointwise"(%x) : (tensor<2xi8>) -> tensor<3xi8> {
  ^bb0(%a: tensor<3xi8>):
    qc.yield %a : tensor<3xi8>
  }
  return
}

// -----

func.func @no_kernel_argument_rank(%x: memref<2xi8>, %y: memref<2x1xi8>) {
  // expected-error @below {{input 0 is 'memref<2xi8>', the region's argument 'tensor<2x1xi8>'}}
  qc.kernel "pointwise"(%x) outs(%y) : (memref<2xi8>, memref<2x1xi8>) -> () {
  ^bb0(%a: tensor<2x1xi8>):
    qc.yield %a : tensor<2x1xi8>
  }
  return
}

// -----

func.func @no_kernel_other_terminator(%x: tensor<2xi8>) {
  // expected-error @below {{ends its region with cf.br instead of qc.yield}}
  %y = qc.kernel "pointwise"(%x) : (tensor<2xi8>) -> tensor<2xi8> {
  ^bb0(%a: tensor<2xi8>):
    "cf.br"(%a)[^bb0] : (tensor<2xi8>) -> ()
  }
  return
}

// -----

func.func @no_kernel_result_count(%x: tensor<2xi8>) {
  // expected-error @below {{has 2 results, its region yields 1}}
  %y:2 = qc.kernel "pointwise"(%x) : (tensor<2xi8>) -> (tensor<2xi8>, tensor<2xi8>) {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_result_shape(%x: tensor<2xi8>) {
  // expected-error @below {{result 0 is 'tensor<3xi8>', the yielded value 'tensor<2xi8>'}}
  %y = qc.kernel "pointwise"(%x) : (tensor<2xi8>) -> tensor<3xi8> {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_scratch_missing(%x: memref<2xi8>, %y: memref<2xi8>) {
  // expected-error @below {{has 1 destinations for 1 values and 1 scratch}}
  qc.kernel "pointwise"(%x) outs(%y) {scratch_bytes = 64 : i64} : (memref<2xi8>, memref<2xi8>) -> () {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_scratch_not_asked_for(%x: memref<2xi8>, %y: memref<2xi8>, %s: memref<64xi8>) {
  // expected-error @below {{has 2 destinations for 1 values and 0 scratch}}
  qc.kernel "pointwise"(%x) outs(%y, %s) : (memref<2xi8>, memref<2xi8>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_destination_shape(%x: memref<2xi8>, %y: memref<1x2xi8>) {
  // expected-error @below {{destination 0 is 'memref<1x2xi8>', the yielded value 'tensor<2xi8>'}}
  qc.kernel "pointwise"(%x) outs(%y) : (memref<2xi8>, memref<1x2xi8>) -> () {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_value_from_above(%x: tensor<2xi8>) {
  // expected-note @below {{required by region isolation constraints}}
  %y = qc.kernel "pointwise"(%x) : (tensor<2xi8>) -> tensor<2xi8> {
  ^bb0(%a: tensor<2xi8>):
    // expected-error @below {{using value defined outside the region}}
    qc.yield %x : tensor<2xi8>
  }
  return
}

// -----

func.func @no_yield_outside_kernel(%x: tensor<2xi8>) {
  // expected-error @below {{'qc.yield' op expects parent op to be one of 'qc.kernel, qc.function'}}
  qc.yield %x : tensor<2xi8>
}

// -----

func.func @no_kernel_tasks_one_number(%x: memref<2xi8>, %y: memref<2xi8>) {
  // expected-error @below {{tasks are two positive numbers}}
  qc.kernel "pointwise"(%x) outs(%y) {tasks = array<i64: 2>} : (memref<2xi8>, memref<2xi8>) -> () {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_tasks_zero(%x: memref<2xi8>, %y: memref<2xi8>) {
  // expected-error @below {{tasks are two positive numbers}}
  qc.kernel "pointwise"(%x) outs(%y) {tasks = array<i64: 2, 0>} : (memref<2xi8>, memref<2xi8>) -> () {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_slots_without_tasks(%x: memref<2xi8>, %y: memref<2xi8>) {
  // expected-error @below {{has 2 slots: without tasks there is one}}
  qc.kernel "pointwise"(%x) outs(%y) {slots = 2 : i64} : (memref<2xi8>, memref<2xi8>) -> () {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_slots_share_a_line(%x: memref<2xi8>, %y: memref<2xi8>, %s: memref<64xi8>) {
  // expected-error @below {{a multiple of 64, so that tasks share no line of the cache}}
  qc.kernel "pointwise"(%x) outs(%y, %s) {scratch_bytes = 32 : i64, slots = 2 : i64, tasks = array<i64: 2, 1>} : (memref<2xi8>, memref<2xi8>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_kernel_scratch_for_one_slot(%x: memref<2xi8>, %y: memref<2xi8>, %s: memref<64xi8>) {
  // expected-error @below {{has 'memref<64xi8>' as scratch, needs 64 bytes for each of 2 slots}}
  qc.kernel "pointwise"(%x) outs(%y, %s) {scratch_bytes = 64 : i64, slots = 2 : i64, tasks = array<i64: 2, 1>} : (memref<2xi8>, memref<2xi8>, memref<64xi8>) -> () {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  return
}

// -----

func.func @no_parallel_no_task() {
  // expected-error @below {{has 0 tasks in 2 slots; both are positive}}
  qc.parallel 0 slots 2 {
  ^bb0(%task: index, %slot: index):
  }
  return
}

// -----

func.func @no_parallel_arguments() {
  // expected-error @below {{needs a region that takes the numbers of task and slot}}
  qc.parallel 2 slots 2 {
  ^bb0(%task: index):
  }
  return
}

// -----

func.func @kernel_weight_bits(%x: tensor<2x8xi8>) {
  // expected-error @+1 {{weight_bits are 1 to 7, not 9}}
  %y = qc.kernel "contract"(%x) {weight_bits = 9 : i64} : (tensor<2x8xi8>) -> tensor<2x8xi8> {
  ^bb0(%a: tensor<2x8xi8>):
    qc.yield %a : tensor<2x8xi8>
  }
  return
}

// -----

func.func @kernel_weight_group(%x: tensor<2x8xi8>) {
  // expected-error @+1 {{a weight_group is a positive number of codes beside weight_bits}}
  %y = qc.kernel "contract"(%x) {weight_group = 32 : i64} : (tensor<2x8xi8>) -> tensor<2x8xi8> {
  ^bb0(%a: tensor<2x8xi8>):
    qc.yield %a : tensor<2x8xi8>
  }
  return
}
