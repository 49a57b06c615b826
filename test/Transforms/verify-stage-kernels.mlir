// One violation of each rule of the stages that kernels add.
// RUN: split-file %s %t
// RUN: not qopt %t/packed.mlir --qc-verify-stage=stage=packed 2>&1 | FileCheck %s --check-prefix=PACKED
// PACKED: 'qc.kernel' has no form (after stage 'packed')
// PACKED: 'qc.observe' must not occur at this stage
// PACKED: 'qc.activation' computes in float without a reason ('qc.float_reason')
// PACKED: 'qc.add' narrows from 32 to 8 bits, which only qc.requantize may
// PACKED: 'arith.constant' belongs to none of the dialects qc, quant and func

// A kernel is none of the graph's ops; what it computes is no part of the program from stage linalg on.
// RUN: qopt %t/vector.mlir --qc-verify-stage=stage=buffers | FileCheck %s --check-prefix=BUFFERS
// BUFFERS: qc.kernel "pointwise"
// RUN: not qopt %t/vector.mlir --qc-verify-stage=stage=vector 2>&1 | FileCheck %s --check-prefix=VECTOR
// VECTOR: 'qc.kernel' must not be left at this stage (after stage 'vector')
// RUN: not qopt %t/alloc.mlir --qc-verify-stage=stage=vector 2>&1 | FileCheck %s --check-prefix=ALLOC
// ALLOC: 'tensor.empty' has a tensor type (after stage 'vector')
// ALLOC: 'memref.alloc' would need a heap

// RUN: qopt %t/good.mlir --qc-verify-stage=stage=packed | FileCheck %s --check-prefix=GOOD
// GOOD: qc.kernel "pointwise"
// RUN: qopt %t/good-vector.mlir --qc-verify-stage=stage=vector | FileCheck %s --check-prefix=LOADS
// LOADS: vector.load

//--- packed.mlir
func.func @run(%x: tensor<2xi8>, %f: tensor<2xf32>, %i: tensor<2xi32>) -> tensor<2xi8> {
  %y = qc.kernel ""(%x) : (tensor<2xi8>) -> tensor<2xi8> {
  ^bb0(%a: tensor<2xi8>):
    qc.yield %a : tensor<2xi8>
  }
  %o = qc.observe %f {id = "o", code = i8} : tensor<2xf32>
  %t = qc.activation tanh %f : tensor<2xf32> -> tensor<2xf32>
  %m = qc.add %i, %i : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi8>
  %c = arith.constant dense<0> : tensor<2xi8>
  return %y : tensor<2xi8>
}
//--- vector.mlir
func.func @run(%x: memref<4xi8>, %y: memref<4xi8>) {
  qc.kernel "pointwise"(%x) outs(%y) : (memref<4xi8>, memref<4xi8>) -> () {
  ^bb0(%a: tensor<4xi8>):
    %t = qc.reshape %a : tensor<4xi8> -> tensor<4xi8>
    qc.yield %t : tensor<4xi8>
  }
  return
}
//--- alloc.mlir
func.func @run() {
  %t = tensor.empty() : tensor<2xi8>
  %m = memref.alloc() : memref<2xi8>
  return
}
//--- good.mlir
func.func @run(%x: tensor<4xi8>) -> tensor<4xi8> {
  %y = qc.kernel "pointwise"(%x) : (tensor<4xi8>) -> tensor<4xi8> {
  ^bb0(%a: tensor<4xi8>):
    qc.yield %a : tensor<4xi8>
  }
  return %y : tensor<4xi8>
}
//--- good-vector.mlir
func.func @run(%x: memref<4xi8>, %i: index) -> vector<4xi8> {
  %v = vector.load %x[%i] : memref<4xi8>, vector<4xi8>
  return %v : vector<4xi8>
}
