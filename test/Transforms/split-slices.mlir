// Runs of output channels with code types of their own become layers of their own, and nothing else changes.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: qopt %t/good.mlir --qc-split-slices | FileCheck %s
// RUN: not qopt %t/grouped.mlir --qc-split-slices 2>&1 | FileCheck %s --check-prefix=GROUPED
// RUN: not qopt %t/twice.mlir --qc-split-slices 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not qopt %t/short.mlir --qc-split-slices 2>&1 | FileCheck %s --check-prefix=SHORT
// RUN: not qopt %t/code.mlir --qc-split-slices 2>&1 | FileCheck %s --check-prefix=CODE

// The weights of a convolution lie channel by channel; its bias goes along, and its limits stay.
// CHECK-LABEL: @convolution
// CHECK-DAG: %[[W0:.*]] = qc.constant dense<{{\[\[\[\[}}1.000000e+00]], {{\[\[}}2.000000e+00{{.*}}3.000000e+00{{.*}}4.000000e+00{{.*}}> : tensor<2x2x1x1xf32>
// CHECK-DAG: %[[B0:.*]] = qc.constant dense<[1.000000e-01, 2.000000e-01]> : tensor<2xf32>
// CHECK: %[[P0:.*]] = qc.conv %[[X:[^,]*]], %[[W0]], %[[B0]] {clamp_min = 0.000000e+00 : f32{{.*}}qc.weight_code = i8{{.*}}-> tensor<1x2x1x3xf32>
// CHECK: %[[Q0:.*]] = quant.qcast %[[P0]] : tensor<1x2x1x3xf32> to tensor<1x2x1x3x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK: %[[D0:.*]] = quant.dcast %[[Q0]]
// CHECK-DAG: %[[W1:.*]] = qc.constant dense<{{.*}}5.000000e+00{{.*}}6.000000e+00{{.*}}> : tensor<1x2x1x1xf32>
// CHECK-DAG: %[[B1:.*]] = qc.constant dense<3.000000e-01> : tensor<1xf32>
// CHECK: qc.conv %[[X]], %[[W1]], %[[B1]] {{.*}}qc.weight_code = i4{{.*}}-> tensor<1x1x1x3xf32>
// CHECK: %[[Q1:.*]] = quant.qcast
// CHECK: %[[D1:.*]] = quant.dcast %[[Q1]]
// CHECK: %[[Y:.*]] = qc.concat %[[D0]], %[[D1]] {axis = 1 : i64} : {{.*}} -> tensor<1x3x1x3xf32>
// CHECK: quant.qcast %[[Y]] : tensor<1x3x1x3xf32> to tensor<1x3x1x3x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK-NOT: qc.weight_slices

// Those of a product lie input by input.
// CHECK-LABEL: @product
// CHECK: qc.constant dense<{{\[\[}}1.000000e+00], [4.000000e+00]]> : tensor<2x1xf32>
// CHECK: qc.matmul {{.*}}qc.weight_code = i2
// CHECK: qc.constant dense<{{\[\[}}2.000000e+00, 3.000000e+00], [5.000000e+00, 6.000000e+00]]> : tensor<2x2xf32>
// CHECK: qc.matmul {{.*}}qc.weight_code = i16
// CHECK: qc.concat {{.*}}axis = 1

// Bit for bit what one layer gives where the codes are the same.
// RUN: %python %t/samples.py %t
// RUN: sed 's/code = i[0-9]*}/code = i8}/g' %t/good.mlir > %t/alike.mlir
// RUN: sed 's/qc.weight_slices = [[][^]]*[]]/qc.whole = 1/' %t/good.mlir > %t/whole.mlir
// RUN: qopt %t/alike.mlir --qc-split-slices --qc-quantize-weights --qc-interpret="entry=convolution inputs=%t/convolution.npz outputs=%t/convolution-alike.npz" -o /dev/null
// RUN: qopt %t/whole.mlir --qc-quantize-weights --qc-interpret="entry=convolution inputs=%t/convolution.npz outputs=%t/convolution-whole.npz" -o /dev/null
// RUN: qopt %t/alike.mlir --qc-split-slices --qc-quantize-weights --qc-interpret="entry=product inputs=%t/product.npz outputs=%t/product-alike.npz" -o /dev/null
// RUN: qopt %t/whole.mlir --qc-quantize-weights --qc-interpret="entry=product inputs=%t/product.npz outputs=%t/product-whole.npz" -o /dev/null
// RUN: %python %t/same.py %t

// GROUPED: error: {{.*}}slices: 'c' is no layer of one group whose result is rounded once: give it one code type
// TWICE: error: {{.*}}slices: 'm' is no layer of one group whose result is rounded once: give it one code type
// SHORT: error: {{.*}}slices: the runs have 2 channels together, the layer has 3
// CODE: error: {{.*}}slices: each run has a number of channels and a code type of weights

//--- samples.py
import sys
import numpy as np

random = np.random.default_rng(5)
np.savez(f"{sys.argv[1]}/convolution.npz", x=random.normal(0, 6, (32, 1, 2, 1, 3)).astype(np.float32))
np.savez(f"{sys.argv[1]}/product.npz", x=random.normal(0, 6, (32, 1, 2)).astype(np.float32))
//--- same.py
import sys
import numpy as np

for name in ("convolution", "product"):
    alike, whole = (np.load(f"{sys.argv[1]}/{name}-{kind}.npz") for kind in ("alike", "whole"))
    assert list(alike) == list(whole) and len(alike) == 1
    for key in alike:
        assert np.array_equal(alike[key], whole[key]) and len(np.unique(whole[key])) > 10, name
//--- good.mlir
func.func @convolution(%x: tensor<1x2x1x3xf32> {qc.name = "x"}) -> tensor<1x3x1x3xf32> {
  %q = quant.qcast %x : tensor<1x2x1x3xf32> to tensor<1x2x1x3x!quant.uniform<i8:f32, 0.25>>
  %f = quant.dcast %q : tensor<1x2x1x3x!quant.uniform<i8:f32, 0.25>> to tensor<1x2x1x3xf32>
  %w = qc.constant dense<[[[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]], [[[5.0]], [[6.0]]]]> : tensor<3x2x1x1xf32>
  %b = qc.constant dense<[0.1, 0.2, 0.3]> : tensor<3xf32>
  %c = qc.conv %f, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, clamp_min = 0.0 : f32,
       qc.weight_slices = [{channels = 2 : i64, code = i8}, {channels = 1 : i64, code = i4}]}
     : (tensor<1x2x1x3xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x1x3xf32> loc("c")
  %r = quant.qcast %c : tensor<1x3x1x3xf32> to tensor<1x3x1x3x!quant.uniform<i8:f32, 0.5>>
  %y = quant.dcast %r : tensor<1x3x1x3x!quant.uniform<i8:f32, 0.5>> to tensor<1x3x1x3xf32>
  return %y : tensor<1x3x1x3xf32>
}

func.func @product(%x: tensor<1x2xf32> {qc.name = "x"}) -> tensor<1x3xf32> {
  %q = quant.qcast %x : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 0.25>>
  %f = quant.dcast %q : tensor<1x2x!quant.uniform<i8:f32, 0.25>> to tensor<1x2xf32>
  %w = qc.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %m = qc.matmul %f, %w {qc.weight_slices = [{channels = 1 : i64, code = i2}, {channels = 2 : i64, code = i16}]} : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32> loc("m")
  %r = quant.qcast %m : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 0.5>>
  %y = quant.dcast %r : tensor<1x3x!quant.uniform<i8:f32, 0.5>> to tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}
//--- grouped.mlir
func.func @grouped(%x: tensor<1x2x1x3xf32>) -> tensor<1x2x1x3xf32> {
  %w = qc.constant dense<1.0> : tensor<2x1x1x1xf32>
  %c = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2,
       qc.weight_slices = [{channels = 1 : i64, code = i8}, {channels = 1 : i64, code = i4}]}
     : (tensor<1x2x1x3xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x1x3xf32> loc("c")
  %r = quant.qcast %c : tensor<1x2x1x3xf32> to tensor<1x2x1x3x!quant.uniform<i8:f32, 0.5>>
  %y = quant.dcast %r : tensor<1x2x1x3x!quant.uniform<i8:f32, 0.5>> to tensor<1x2x1x3xf32>
  return %y : tensor<1x2x1x3xf32>
}
//--- twice.mlir
func.func @twice(%x: tensor<1x2xf32>) -> (tensor<1x3xf32>, tensor<1x3xf32>) {
  %w = qc.constant dense<1.0> : tensor<2x3xf32>
  %m = qc.matmul %x, %w {qc.weight_slices = [{channels = 1 : i64, code = i8}, {channels = 2 : i64, code = i4}]} : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32> loc("m")
  %r = quant.qcast %m : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 0.5>>
  %y = quant.dcast %r : tensor<1x3x!quant.uniform<i8:f32, 0.5>> to tensor<1x3xf32>
  return %y, %m : tensor<1x3xf32>, tensor<1x3xf32>
}
//--- short.mlir
func.func @short(%x: tensor<1x2xf32>) -> tensor<1x3xf32> {
  %w = qc.constant dense<1.0> : tensor<2x3xf32>
  %m = qc.matmul %x, %w {qc.weight_slices = [{channels = 1 : i64, code = i8}, {channels = 1 : i64, code = i4}]} : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32> loc("m")
  %r = quant.qcast %m : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 0.5>>
  %y = quant.dcast %r : tensor<1x3x!quant.uniform<i8:f32, 0.5>> to tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}
//--- code.mlir
func.func @code(%x: tensor<1x2xf32>) -> tensor<1x3xf32> {
  %w = qc.constant dense<1.0> : tensor<2x3xf32>
  %m = qc.matmul %x, %w {qc.weight_slices = [{channels = 3 : i64}]} : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32> loc("m")
  %r = quant.qcast %m : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 0.5>>
  %y = quant.dcast %r : tensor<1x3x!quant.uniform<i8:f32, 0.5>> to tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}
