// Products and convolutions in f32 take their stored weights into the kernel, which decodes them in registers.
// RUN: qopt %s -split-input-file -qc-form-kernels=isa=avx2 | FileCheck %s
// RUN: qopt %s -split-input-file -qc-form-kernels=isa=avx2 -qc-lower-linalg -qc-lower-buffers -qc-emit-kernels=isa=avx2 | FileCheck %s --check-prefix=LOOPS
// RUN: qopt %s -split-input-file -qc-form-kernels=isa=scalar | FileCheck %s --check-prefix=SCALAR

// Eight codes of four bits lie in a word: 64 x 8 codes are 64 words. The scales of two groups, no f32 weight anywhere.
// CHECK-LABEL: func.func @codes
// CHECK: qc.kernel "contract"(%arg0) {dot = "f32.codes4"
// CHECK: qc.decode
// SCALAR-LABEL: func.func @codes
// SCALAR: dot = "f32.codes4"
// LOOPS-DAG: memref.global "private" constant @{{.*}} : memref<64xi32>
// LOOPS-DAG: memref.global "private" constant @{{.*}} : memref<16xf32>
// LOOPS-LABEL: func.func {{.*}}@codes
// LOOPS-NOT: memref<64x8xf32>
// LOOPS: arith.andi {{.*}} : vector<8xi32>
// LOOPS: arith.sitofp {{.*}} : vector<8xi32> to vector<8xf32>
// LOOPS: math.fma
func.func @codes(%x: tensor<1x64xf32>) -> tensor<1x8xf32> {
  %c = qc.constant dense<-3> : tensor<64x8xi4>
  %s = qc.constant dense<0.5> : tensor<2x8xf32>
  %w = qc.decode %c, %s : (tensor<64x8xi4>, tensor<2x8xf32>) -> tensor<64x8xf32>
  %y = qc.matmul %x, %w : (tensor<1x64xf32>, tensor<64x8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}

// -----

// Two numbers of 16 bits share a word.
// CHECK-LABEL: func.func @halves
// CHECK: dot = "f32.half"
// LOOPS-DAG: memref.global "private" constant @{{.*}} : memref<24xi32>
// LOOPS-LABEL: func.func {{.*}}@halves
func.func @halves(%x: tensor<3x6xf32>) -> tensor<3x5xf32> {
  %c = qc.constant dense<15360> : tensor<6x5xi16>
  %w = qc.decode %c as f16 : (tensor<6x5xi16>) -> tensor<6x5xf32>
  %y = qc.matmul %x, %w : (tensor<3x6xf32>, tensor<6x5xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// -----

// Scales of groups that no kernel knows: plain loops, with the weights decoded before.
// CHECK-LABEL: func.func @other
// CHECK-NOT: qc.kernel
func.func @other(%x: tensor<1x64xf32>) -> tensor<1x8xf32> {
  %c = qc.constant dense<-3> : tensor<64x8xi4>
  %s = qc.constant dense<0.5> : tensor<4x8xf32>
  %w = qc.decode %c, %s : (tensor<64x8xi4>, tensor<4x8xf32>) -> tensor<64x8xf32>
  %y = qc.matmul %x, %w : (tensor<1x64xf32>, tensor<64x8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}
