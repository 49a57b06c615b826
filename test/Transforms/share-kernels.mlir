// Kernels that are equal but for the constants that they read are one function with arguments.
// RUN: qopt %s --qc-share-kernels --split-input-file --mlir-print-debuginfo=false | FileCheck %s

memref.global "private" constant @w0 : memref<4xi8> = dense<[1, 2, 3, 4]> {alignment = 64 : i64}
memref.global "private" constant @w1 : memref<4xi8> = dense<[5, 6, 7, 8]> {alignment = 16 : i64}
memref.global "private" constant @table : memref<4xi8> = dense<9> {alignment = 64 : i64}

// The table is the same in both: it stays. Each constant that differs is one argument, however often it is read; it is as aligned as all of
// them are.
// CHECK-LABEL: func.func private @run_0_a(
// CHECK-SAME: %[[X:.*]]: memref<4xi8> {llvm.noalias}, %[[Y:.*]]: memref<4xi8> {llvm.noalias}, %[[W:.*]]: memref<4xi8> {llvm.align = 16 : i64, llvm.dereferenceable = 4 : i64, llvm.noalias, llvm.readonly})
// CHECK: memref.get_global @table
// CHECK-NOT: memref.get_global
// CHECK: memref.load %[[W]]
// CHECK: memref.load %[[W]]
func.func private @run_0_a(%x: memref<4xi8> {llvm.noalias}, %y: memref<4xi8> {llvm.noalias}) attributes {qc.kernel_of = @run} {
  %w = memref.get_global @w0 : memref<4xi8>
  %again = memref.get_global @w0 : memref<4xi8>
  %t = memref.get_global @table : memref<4xi8>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {
    %a = memref.load %w[%i] : memref<4xi8>
    %b = memref.load %again[%i] : memref<4xi8>
    %c = memref.load %t[%i] : memref<4xi8>
    %d = arith.addi %a, %b : i8
    %e = arith.addi %d, %c : i8
    memref.store %e, %y[%i] : memref<4xi8>
  } {unroll}
  return
}
// CHECK-NOT: @run_1_b
func.func private @run_1_b(%x: memref<4xi8> {llvm.noalias}, %y: memref<4xi8> {llvm.noalias}) attributes {qc.kernel_of = @run} {
  %w = memref.get_global @w1 : memref<4xi8>
  %again = memref.get_global @w1 : memref<4xi8>
  %t = memref.get_global @table : memref<4xi8>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {
    %a = memref.load %w[%i] : memref<4xi8>
    %b = memref.load %again[%i] : memref<4xi8>
    %c = memref.load %t[%i] : memref<4xi8>
    %d = arith.addi %a, %b : i8
    %e = arith.addi %d, %c : i8
    memref.store %e, %y[%i] : memref<4xi8>
  } {unroll}
  return
}
// CHECK-LABEL: func.func @run(
// CHECK: %[[W0:.*]] = memref.get_global @w0
// CHECK-NEXT: call @run_0_a(%{{.*}}, %{{.*}}, %[[W0]])
// CHECK-NEXT: %[[W1:.*]] = memref.get_global @w1
// CHECK-NEXT: call @run_0_a(%{{.*}}, %{{.*}}, %[[W1]])
func.func @run(%x: memref<4xi8>, %y: memref<4xi8>, %z: memref<4xi8>) {
  call @run_0_a(%x, %y) : (memref<4xi8>, memref<4xi8>) -> ()
  call @run_1_b(%y, %z) : (memref<4xi8>, memref<4xi8>) -> ()
  return
}

// -----

// Functions without constants that are equal merge, too; another number in the code, another attribute or another pattern of constants keeps
// them apart.
memref.global "private" constant @v0 : memref<1xi8> = dense<1>
memref.global "private" constant @v1 : memref<1xi8> = dense<2>
memref.global "private" @state : memref<1xi8> = dense<3>

// CHECK-LABEL: func.func private @run_0(
func.func private @run_0(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %c0 = arith.constant 0 : index
  %v = arith.constant 1 : i8
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// CHECK-NOT: @run_1(
func.func private @run_1(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %c0 = arith.constant 0 : index
  %v = arith.constant 1 : i8
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// CHECK: func.func private @run_2_other_number(
func.func private @run_2_other_number(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %c0 = arith.constant 0 : index
  %v = arith.constant 2 : i8
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// CHECK: func.func private @run_3_other_argument(
func.func private @run_3_other_argument(%y: memref<1xi8> {llvm.noalias}) attributes {qc.kernel_of = @run} {
  %c0 = arith.constant 0 : index
  %v = arith.constant 1 : i8
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// CHECK: func.func private @run_4_one_constant(%{{[^,]*}}) attributes
func.func private @run_4_one_constant(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %a = memref.get_global @v0 : memref<1xi8>
  %b = memref.get_global @v0 : memref<1xi8>
  %c0 = arith.constant 0 : index
  %v = memref.load %a[%c0] : memref<1xi8>
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// CHECK: func.func private @run_5_two_constants(%{{[^,]*}}) attributes
func.func private @run_5_two_constants(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %a = memref.get_global @v0 : memref<1xi8>
  %b = memref.get_global @v1 : memref<1xi8>
  %c0 = arith.constant 0 : index
  %v = memref.load %a[%c0] : memref<1xi8>
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// What can be written is no constant.
// CHECK: func.func private @run_6_state(
func.func private @run_6_state(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %a = memref.get_global @state : memref<1xi8>
  %c0 = arith.constant 0 : index
  %v = memref.load %a[%c0] : memref<1xi8>
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// CHECK: func.func private @run_7_state(
func.func private @run_7_state(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %a = memref.get_global @state : memref<1xi8>
  %c0 = arith.constant 0 : index
  %v = memref.load %a[%c0] : memref<1xi8>
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// A function whose address is taken stays.
// CHECK: func.func private @run_8_address(
func.func private @run_8_address(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %c0 = arith.constant 0 : index
  %v = arith.constant 5 : i8
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// CHECK: func.func private @run_9_called(
func.func private @run_9_called(%y: memref<1xi8>) attributes {qc.kernel_of = @run} {
  %c0 = arith.constant 0 : index
  %v = arith.constant 5 : i8
  memref.store %v, %y[%c0] : memref<1xi8>
  return
}
// CHECK: func.func private @helper_0(
func.func private @helper_0(%y: memref<1xi8>) {
  return
}
// CHECK: func.func private @helper_1(
func.func private @helper_1(%y: memref<1xi8>) {
  return
}
// CHECK-LABEL: func.func @run(
// CHECK: call @run_0(
// CHECK-NEXT: call @run_0(
// CHECK-NEXT: call @run_2_other_number(
func.func @run(%y: memref<1xi8>) {
  call @run_0(%y) : (memref<1xi8>) -> ()
  call @run_1(%y) : (memref<1xi8>) -> ()
  call @run_2_other_number(%y) : (memref<1xi8>) -> ()
  call @run_3_other_argument(%y) : (memref<1xi8>) -> ()
  call @run_4_one_constant(%y) : (memref<1xi8>) -> ()
  call @run_5_two_constants(%y) : (memref<1xi8>) -> ()
  call @run_6_state(%y) : (memref<1xi8>) -> ()
  call @run_7_state(%y) : (memref<1xi8>) -> ()
  call @run_9_called(%y) : (memref<1xi8>) -> ()
  call @helper_0(%y) : (memref<1xi8>) -> ()
  call @helper_1(%y) : (memref<1xi8>) -> ()
  %address = constant @run_8_address : (memref<1xi8>) -> ()
  return
}
