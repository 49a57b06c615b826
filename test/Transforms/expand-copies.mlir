// Copies become loops: one dimension where there are no gaps, none for a buffer onto itself.
// RUN: qopt %s --qc-expand-copies | FileCheck %s

// CHECK-LABEL: func.func @copy_contiguous(
// CHECK-COUNT-2: memref.collapse_shape %{{.*}} {{\[\[}}0, 1]] : memref<4x8xi8> into memref<32xi8>
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : memref<32xi8>) outs(%{{.*}} : memref<32xi8>)
func.func @copy_contiguous(%a: memref<4x8xi8>, %b: memref<4x8xi8>) {
  memref.copy %a, %b : memref<4x8xi8> to memref<4x8xi8>
  return
}

// CHECK-LABEL: func.func @copy_strided(
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : memref<4x8xi8>) outs(%{{.*}} : memref<4x8xi8, strided<[16, 1]>>)
func.func @copy_strided(%a: memref<4x8xi8>, %b: memref<4x8xi8, strided<[16, 1]>>) {
  memref.copy %a, %b : memref<4x8xi8> to memref<4x8xi8, strided<[16, 1]>>
  return
}

// CHECK-LABEL: func.func @copy_onto_itself(
// CHECK-NEXT: return
func.func @copy_onto_itself(%a: memref<4x8xi8>) {
  memref.copy %a, %a : memref<4x8xi8> to memref<4x8xi8>
  return
}
