// The code type of each layer's weights: one for all, others for kinds of layers and for single layers.
// RUN: split-file %s %t
// RUN: qopt %t/net.mlir --qc-assign-weight-codes | FileCheck %s --check-prefix=ALL
// RUN: qopt %t/net.mlir --qc-assign-weight-codes=weights=i4,depthwise=i8,first=i6,last=i7 | FileCheck %s --check-prefix=KINDS
// RUN: qopt %t/net.mlir --qc-assign-weight-codes=weights=i2,dense=i3,pointwise=i5 | FileCheck %s --check-prefix=OTHERS
// RUN: qopt %t/net.mlir --qc-assign-weight-codes="weights=i4 constraints=%t/layers.json" | FileCheck %s --check-prefix=NAMED
// RUN: qopt %t/net.mlir --qc-assign-weight-codes="weights=b1,first=i8 constraints=%t/bits.json" | FileCheck %s --check-prefix=BITS

// What is not constant is no weight; neither are weights that are codes already.
// ALL: qc.conv {{.*}}qc.weight_code = i8
// ALL: qc.conv {{.*}}qc.weight_code = i8
// ALL: qc.conv {{.*}}qc.weight_code = i8
// ALL: qc.matmul {{.*}}qc.weight_code = i8
// ALL-NOT: qc.weight_code

// KINDS: qc.conv {{.*}}groups = 1 {{.*}}qc.weight_code = i6
// KINDS: qc.conv {{.*}}groups = 4 {{.*}}qc.weight_code = i8
// KINDS: qc.conv {{.*}}groups = 1 {{.*}}qc.weight_code = i4
// KINDS: qc.matmul {{.*}}qc.weight_code = i7

// OTHERS: qc.conv {{.*}}qc.weight_code = i2
// OTHERS: qc.conv {{.*}}qc.weight_code = i2
// OTHERS: qc.conv {{.*}}qc.weight_code = i5
// OTHERS: qc.matmul {{.*}}qc.weight_code = i3

// By the node's name or the tensor's.
// NAMED: qc.conv {{.*}}qc.weight_code = i8
// NAMED: qc.conv {{.*}}qc.weight_code = i16
// NAMED: qc.conv {{.*}}qc.weight_code = i4
// NAMED: qc.matmul {{.*}}qc.weight_code = i4

// BITS: qc.conv {{.*}}qc.weight_code = i8
// BITS: qc.conv {{.*}}qc.weight_code = #qc.signs
// BITS: qc.conv {{.*}}qc.weight_code = i4
// BITS: qc.matmul {{.*}}qc.weight_code = #qc.signs

// RUN: not qopt %t/net.mlir --qc-assign-weight-codes=weights=i9 2>&1 | FileCheck %s --check-prefix=CODE
// CODE: error: weights=i9: use iN with N in 2..8 or 16, or b1
// RUN: not qopt %t/net.mlir --qc-assign-weight-codes=weights=b2,first=i8 2>&1 | FileCheck %s --check-prefix=BINARY
// BINARY: error: weights=b2,first=i8: use iN with N in 2..8 or 16, or b1
// RUN: not qopt %t/net.mlir --qc-assign-weight-codes=weights=i4,recurrent=i8 2>&1 | FileCheck %s --check-prefix=KIND
// KIND: error: weights=i4,recurrent=i8: 'recurrent' is no kind of layers: use one of depthwise, pointwise, dense, first, last
// RUN: not qopt %t/net.mlir --qc-assign-weight-codes=weights=depthwise=i8 2>&1 | FileCheck %s --check-prefix=FIRST
// FIRST: error: weights=depthwise=i8: use one code type, then others for kinds of layers: i4,depthwise=i8
// RUN: not qopt %t/net.mlir --qc-assign-weight-codes="constraints=%t/wrong.json" 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: error: constraints file '{{.*}}wrong.json': the weights of 'node_a' have the code type 'u8': use iN with N in 2..8 or 16, or b1
// WRONG: error: constraints file '{{.*}}wrong.json' names layers whose weights are not quantized here: 'absent'; those that are: 'node_a', 'b', 'c', 'd'
// RUN: not qopt %t/net.mlir --qc-assign-weight-codes="constraints=%t/key.json" 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: error: constraints file '{{.*}}key.json': unknown key 'layers'; known are 'version' and 'tensors', 'weights'

//--- layers.json
{"version": 1, "weights": {"node_a": {"code": "i8"}, "b": {"code": "i16"}}}
//--- bits.json
{"version": 1, "weights": {"c": {"code": "i4"}}}
//--- wrong.json
{"version": 1, "weights": {"node_a": {"code": "u8"}, "absent": {"code": "i8"}}}
//--- key.json
{"version": 1, "layers": {}}
//--- net.mlir
func.func @layers(%x: tensor<1x4x5x5xf32>, %y: tensor<1x4xf32>, %z: tensor<4x4xf32>) -> (tensor<1x2x3x3xf32>, tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>) {
  %w = qc.constant dense<1.0> : tensor<4x4x3x3xf32>
  %a = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x4x5x5xf32>, tensor<4x4x3x3xf32>) -> tensor<1x4x5x5xf32> loc("a"("node_a"))
  %v = qc.constant dense<1.0> : tensor<4x1x3x3xf32>
  %b = qc.conv %a, %v {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 4}
     : (tensor<1x4x5x5xf32>, tensor<4x1x3x3xf32>) -> tensor<1x4x3x3xf32> loc("b")
  %u = qc.constant dense<1.0> : tensor<2x4x1x1xf32>
  %c = qc.conv %b, %u {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1}
     : (tensor<1x4x3x3xf32>, tensor<2x4x1x1xf32>) -> tensor<1x2x3x3xf32> loc("c")
  %t = qc.constant dense<1.0> : tensor<4x4xf32>
  %d = qc.matmul %y, %t : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("d")
  %e = qc.matmul %y, %z : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("e")
  %s = qc.constant dense<1> : tensor<4x4xi8> -> tensor<4x4x!quant.uniform<i8:f32, 0.5>>
  %r = quant.dcast %s : tensor<4x4x!quant.uniform<i8:f32, 0.5>> to tensor<4x4xf32>
  %f = qc.matmul %y, %r : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("f")
  return %c, %d, %e, %f : tensor<1x2x3x3xf32>, tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>
}
