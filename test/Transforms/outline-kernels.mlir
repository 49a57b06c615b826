// The loops of one layer become one function with arguments that do not alias; small scratch goes to its stack.
// RUN: qopt %s --qc-outline-kernels --split-input-file --mlir-print-debuginfo=false | FileCheck %s

// CHECK: func.func private @run_0_conv_1(%[[IN:.*]]: memref<64xi32> {llvm.noalias}, %[[OUT:.*]]: memref<64xi32> {llvm.noalias}) attributes {qc.kernel_of = @run}
// CHECK: memref.alloca() : memref<16xi32>
// CHECK: scf.for
// CHECK: scf.for
// CHECK: func.func private @run_1_relu(
// CHECK-LABEL: func.func @run(
// CHECK-SAME: attributes {qc.stack_bytes = 64 : i64}
// CHECK: %[[A:.*]] = memref.alloc() : memref<64xi32>
// CHECK-NEXT: call @run_0_conv_1(%{{.*}}, %[[A]])
// CHECK-NEXT: call @run_1_relu(%[[A]], %{{.*}})
// CHECK-NEXT: return
func.func @run(%in: memref<64xi32>, %out: memref<64xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %a = memref.alloc() : memref<64xi32>
  %scratch = memref.alloc() : memref<16xi32>
  scf.for %i = %c0 to %c16 step %c1 {
    %v = memref.load %in[%i] : memref<64xi32>
    memref.store %v, %scratch[%i] : memref<16xi32>
  } loc("conv/1")
  %part = memref.subview %a[16] [16] [1] : memref<64xi32> to memref<16xi32, strided<[1], offset: 16>>
  scf.for %i = %c0 to %c16 step %c1 {
    %v = memref.load %scratch[%i] : memref<16xi32>
    memref.store %v, %part[%i] : memref<16xi32, strided<[1], offset: 16>>
  } loc("conv/1")
  scf.for %i = %c0 to %c16 step %c1 {
    %v = memref.load %a[%i] : memref<64xi32>
    memref.store %v, %out[%i] : memref<64xi32>
  } loc("relu")
  return
}

// -----

// Loops around others are not unrolled, except the short constant ones of a register tile.
// CHECK: #[[UNROLL:.*]] = #llvm.loop_unroll<disable = true>
// CHECK: #[[NOTE:.*]] = #llvm.loop_annotation<unroll = #[[UNROLL]]>
// CHECK: scf.for %{{.*}} = %{{.*}} to %c16
// CHECK: scf.for %{{.*}} = %{{.*}} to %c4
// CHECK: memref.store
// CHECK-NEXT: }
// CHECK-NEXT: } {llvm.loop_annotation = #[[NOTE]]}
func.func @unroll_tile_only(%out: memref<16x4xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %v = arith.constant 3 : i32
  scf.for %i = %c0 to %c16 step %c1 {
    scf.for %j = %c0 to %c4 step %c1 {
      memref.store %v, %out[%i, %j] : memref<16x4xi32>
    }
  }
  return
}

// -----

// A buffer that two layers use, or a large one, stays with the caller.
// CHECK-LABEL: func.func private @no_stack_large_0(
// CHECK-SAME: memref<1024xi32> {llvm.noalias}
// CHECK-NOT: memref.alloca
// CHECK-LABEL: func.func @no_stack_large(
// CHECK-NOT: qc.stack_bytes
// CHECK: memref.alloc() : memref<1024xi32>
func.func @no_stack_large(%in: memref<1024xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  scf.for %i = %c0 to %c16 step %c1 {
    %scratch = memref.alloc() : memref<1024xi32>
    %v = memref.load %in[%i] : memref<1024xi32>
    memref.store %v, %scratch[%i] : memref<1024xi32>
  }
  return
}

// -----

// Results that are copies of others have one place, the return's, but nothing in common.
// CHECK-LABEL: func.func private @two_copies_0_return(
// CHECK-SAME: memref<16xi8> {llvm.noalias}, %{{[a-z0-9]*}}: memref<16xi8> {llvm.noalias})
// CHECK-LABEL: func.func private @two_copies_1_return(
// CHECK-SAME: memref<16xi8> {llvm.noalias}, %{{[a-z0-9]*}}: memref<16xi8> {llvm.noalias})
func.func @two_copies(%a: memref<16xi8>, %b: memref<16xi8>, %x: memref<16xi8>, %y: memref<16xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  scf.for %i = %c0 to %c16 step %c1 {
    %v = memref.load %a[%i] : memref<16xi8>
    memref.store %v, %x[%i] : memref<16xi8>
  } loc("return")
  scf.for %i = %c0 to %c16 step %c1 {
    %v = memref.load %b[%i] : memref<16xi8>
    memref.store %v, %y[%i] : memref<16xi8>
  } loc("return")
  return
}
