// Convolutions 3x3 of stride 1 with 16 multiplications for 4 outputs instead of 36, exact.
// RUN: qopt %s -qc-form-kernels=isa=sse4.1 | FileCheck %s --check-prefix=FORM
// RUN: qopt %s -qc-form-kernels=isa=sse4.1 -qc-lower-linalg -qc-lower-buffers -qc-emit-kernels=isa=sse4.1 -canonicalize | FileCheck %s
// RUN: qopt %s "-qc-form-kernels=isa=sse4.1 without=winograd" | FileCheck %s --check-prefix=WITHOUT
// RUN: not qopt %s "-qc-form-kernels=isa=sse4.1 without=pool,fft" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: without=fft: use some of depthwise, winograd, contract, pool, pointwise, transpose
// WITHOUT-NOT: winograd

// A kernel computes what its ops computed (machine code: Integration/kernels-random.test).
// RUN: %python %S/../Tools/Inputs/npz.py make %t.x.npz "x=np.random.default_rng(1).integers(-128,128,(3,1,9,15,8)).astype(np.int8)"
// RUN: qopt %s "-qc-interpret=entry=odd inputs=%t.x.npz outputs=%t.y.npz" -o /dev/null
// RUN: qopt %s -qc-form-kernels=isa=sse4.1 "-qc-interpret=entry=odd inputs=%t.x.npz outputs=%t.z.npz" -o /dev/null
// RUN: cmp %t.y.npz %t.z.npz

// All weights 21: one dimension of the transform makes 42, 63, 21, 42 of them; both make 84, 126, 42, 84 of the first row, 189 in the middle.
// FORM-LABEL: func.func @equal_weights(
// FORM: qc.kernel "winograd"(%arg0) {dot = "x86.pmaddwd", scratch_bytes = 3712 : i64, tile = array<i64: 4, 1>} :
// FORM: qc.conv
// CHECK-DAG: memref.global "private" constant @{{.*}} : memref<512xi16> = dense<"0x{{((5400){32}(7E00){32}(2A00){32}(5400){32}(7E00){32}(BD00){32}(3F00){32}(7E00){32}(2A00){32}(3F00){32}(1500){32}(2A00){32}(5400){32}(7E00){32}(2A00){32}(5400){32})}}">
// CHECK-LABEL: func.func private @equal_weights_0
// Widened rows, patches, sums.
// CHECK: vector.store {{.*}} : memref<{{.*}}xi16>, vector<8xi16>
// CHECK: arith.subi {{.*}} : vector<8xi16>
// CHECK: scf.for %{{.*}} = %c0 to %c16
// CHECK: sse2.pmadd.wd
// CHECK: vector.store {{.*}} : memref<{{.*}}xi32>, vector<4xi32>
// A quarter is exact, and the bias comes behind it.
// CHECK: arith.shrsi %{{.*}}, %{{.*}} : vector<4xi32>
// CHECK: arith.addi %{{.*}}, %{{.*}} : vector<4xi32>
// CHECK: return
func.func @equal_weights(%x: tensor<1x4x4x8xi8> {qc.name = "x"}) -> tensor<1x4x4x4xi32> {
  %w = qc.constant dense<21> : tensor<4x8x3x3xi8>
  %b = qc.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x8xi8> -> tensor<1x8x4x4xi8>
  %c = qc.conv %t, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = -5,
                           acc_bound = 193540 : ui64} : (tensor<1x8x4x4xi8>, tensor<4x8x3x3xi8>, tensor<4xi32>) -> tensor<1x4x4x4xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x4x4xi32> -> tensor<1x4x4x4xi32>
  return %l : tensor<1x4x4x4xi32>
}

// An odd size leaves half a patch: two outputs at the end of a row, two in the last row, one in the corner, of two vectors each.
// FORM-LABEL: func.func @odd(
// FORM: qc.kernel "winograd"
// CHECK-LABEL: func.func private @odd_0
// CHECK-COUNT-18: vector.store {{.*}} : memref<1080xi32>, vector<4xi32>
// CHECK-NOT: memref<1080xi32>
// CHECK: return
func.func @odd(%x: tensor<1x9x15x8xi8> {qc.name = "x"}) -> tensor<1x9x15x8xi32> {
  %w = qc.constant dense<-128> : tensor<8x8x3x3xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x9x15x8xi8> -> tensor<1x8x9x15xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 3, acc_bound = 1179648 : ui64}
     : (tensor<1x8x9x15xi8>, tensor<8x8x3x3xi8>) -> tensor<1x8x9x15xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x8x9x15xi32> -> tensor<1x9x15x8xi32>
  return %l : tensor<1x9x15x8xi32>
}

// What it does not compute: another stride, channels that fill no vector, activations of one row.
// FORM-LABEL: func.func @stride_2(
// FORM: qc.kernel "contract"
func.func @stride_2(%x: tensor<1x5x5x8xi8>) -> tensor<1x2x2x4xi32> {
  %w = qc.constant dense<21> : tensor<4x8x3x3xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x5x5x8xi8> -> tensor<1x8x5x5xi8>
  %c = qc.conv %t, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 193536 : ui64}
     : (tensor<1x8x5x5xi8>, tensor<4x8x3x3xi8>) -> tensor<1x4x2x2xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x2x2xi32> -> tensor<1x2x2x4xi32>
  return %l : tensor<1x2x2x4xi32>
}

// FORM-LABEL: func.func @twelve_channels(
// FORM: qc.kernel "contract"
func.func @twelve_channels(%x: tensor<1x4x4x12xi8>) -> tensor<1x4x4x4xi32> {
  %w = qc.constant dense<21> : tensor<4x12x3x3xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x4x4x12xi8> -> tensor<1x12x4x4xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 290304 : ui64}
     : (tensor<1x12x4x4xi8>, tensor<4x12x3x3xi8>) -> tensor<1x4x4x4xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x4x4xi32> -> tensor<1x4x4x4xi32>
  return %l : tensor<1x4x4x4xi32>
}

// Half of the outputs of a patch do not exist: the transforms cost more than they save.
// FORM-LABEL: func.func @one_row(
// FORM: qc.kernel "contract"
func.func @one_row(%x: tensor<1x3x4x8xi8>) -> tensor<1x1x4x4xi32> {
  %w = qc.constant dense<21> : tensor<4x8x3x3xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x3x4x8xi8> -> tensor<1x8x3x4xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 0, acc_bound = 193536 : ui64}
     : (tensor<1x8x3x4xi8>, tensor<4x8x3x3xi8>) -> tensor<1x4x1x4xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x4x1x4xi32> -> tensor<1x1x4x4xi32>
  return %l : tensor<1x1x4x4xi32>
}
