// Kernels are divided where it is worth it: positions, channels or both, never a sum.
// RUN: qopt %s "-qc-form-kernels=isa=avx2" "-qc-divide-kernels=isa=avx2 threads=4" -split-input-file | FileCheck %s
// RUN: qopt %s "-qc-form-kernels=isa=avx2" "-qc-divide-kernels=isa=avx2 threads=2 overhead=0" -split-input-file | FileCheck %s --check-prefix=EAGER
// RUN: not qopt %s "-qc-divide-kernels=isa=avx2 threads=1" -split-input-file 2>&1 | FileCheck %s --check-prefix=THREADS
// RUN: not qopt %s "-qc-divide-kernels=isa=z80" -split-input-file 2>&1 | FileCheck %s --check-prefix=ISA
// RUN: not qopt %s "-qc-divide-kernels=isa=avx2 overhead=-1" -split-input-file 2>&1 | FileCheck %s --check-prefix=OVERHEAD
// THREADS: error: threads=1: use 2 to 64
// ISA: error: isa=z80: use one of {{.*}}vnni
// OVERHEAD: error: overhead=-1: use 0 or more cycles

// Many positions: they are divided.
// CHECK: module attributes {qc.threads = 4 : i64}
// CHECK-LABEL: func.func @product_positions
// CHECK: qc.kernel "contract"{{.*}}slots = 4 : i64, tasks = array<i64: {{[1-9][0-9]*}}, 1>
func.func @product_positions(%x: tensor<1024x64xi8>) -> tensor<1024x32xi32> {
  %w = qc.constant dense<-100> : tensor<64x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 819200 : ui64} : (tensor<1024x64xi8>, tensor<64x32xi8>) -> tensor<1024x32xi32>
  return %y : tensor<1024x32xi32>
}

// -----

// One position: blocks of channels are.
// CHECK-LABEL: func.func @product_channels
// CHECK: qc.kernel "contract"{{.*}}slots = 4 : i64, tasks = array<i64: 1, {{[2-9]|1[0-6]}}>
func.func @product_channels(%x: tensor<1x1024xi8>) -> tensor<1x1024xi32> {
  %w = qc.constant dense<-100> : tensor<1024x1024xi8>
  %y = qc.matmul %x, %w {acc_bound = 13107200 : ui64} : (tensor<1x1024xi8>, tensor<1024x1024xi8>) -> tensor<1x1024xi32>
  return %y : tensor<1x1024xi32>
}

// -----

// Too small to wait for another thread; with no overhead it is divided.
// CHECK-LABEL: func.func @product_small
// CHECK-NOT: tasks
// CHECK: return
// EAGER-LABEL: func.func @product_small
// EAGER: slots = 2 : i64, tasks = array<i64:
func.func @product_small(%x: tensor<16x64xi8>) -> tensor<16x32xi32> {
  %w = qc.constant dense<-100> : tensor<64x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 819200 : ui64} : (tensor<16x64xi8>, tensor<64x32xi8>) -> tensor<16x32xi32>
  return %y : tensor<16x32xi32>
}

// -----

// CHECK-LABEL: func.func @table
// CHECK: qc.kernel "pointwise"{{.*}}slots = 4 : i64, tasks = array<i64: {{[1-9][0-9]*}}, 1>
func.func @table(%x: tensor<1x1048576xi8>) -> tensor<1x1048576xi8> {
  %t = qc.constant dense<7> : tensor<256xi8>
  %y = qc.lut %x, %t : (tensor<1x1048576xi8>, tensor<256xi8>) -> tensor<1x1048576xi8>
  return %y : tensor<1x1048576xi8>
}

// -----

// CHECK-LABEL: func.func @transpose
// CHECK: qc.kernel "transpose"{{.*}}slots = 4 : i64, tasks = array<i64: {{[1-9][0-9]*}}, 1>
func.func @transpose(%x: tensor<1x3x512x512xi8>) -> tensor<1x512x512x3xi8> {
  %y = qc.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x3x512x512xi8> -> tensor<1x512x512x3xi8>
  return %y : tensor<1x512x512x3xi8>
}
