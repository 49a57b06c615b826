// Scales between activations and weights, by the magnitudes that samples bring. What the network computes stays.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: %python %t/samples.py %t

// max|x| = 8, 2; max|w| = 2, 8: factors sqrt(8 / 2) and sqrt(2 / 8). A normalization without a scale gets one.
// RUN: qopt %t/product.mlir --qc-migrate-scales="samples=%t/x.npz" | FileCheck %s --check-prefix=SMOOTH
// SMOOTH: qc.migration = [{channels = 2 : i64, largest_factor = 2.000000e+00 : f64, least_factor = 5.000000e-01 : f64, name = "a", strength = 5.000000e-01 : f64}]
// SMOOTH: qc.constant dense<{{\[\[}}5.000000e-01, 0.000000e+00], [0.000000e+00, 2.000000e+00]]>
// SMOOTH: qc.constant dense<4.000000e+00> : tensor<2x1xf32>
// RUN: qopt %t/normalize.mlir --qc-migrate-scales="samples=%t/x.npz strength=0.75" -o %t/moved.mlir
// RUN: FileCheck %s --check-prefix=NORM < %t/moved.mlir
// NORM: qc.constant dense<[{{.*}}]> : tensor<2xf32>
// NORM: qc.normalize rms %{{.*}} scale %
// RUN: qopt %t/normalize.mlir --qc-interpret="inputs=%t/x.npz outputs=%t/before.npz" -o /dev/null
// RUN: qopt %t/moved.mlir --qc-interpret="inputs=%t/x.npz outputs=%t/after.npz" -o /dev/null
// RUN: %python %t/judge.py %t

// awq: a channel with large activations keeps more of its weights; with alike ones nothing moves.
// RUN: qopt %t/awq.mlir --qc-migrate-scales="samples=%t/x.npz by=awq weights=i3 strength=1" | FileCheck %s --check-prefix=AWQ
// AWQ: largest_factor = {{1\.[1-9].*|[2-9]\..*}} : f64, least_factor = 0.{{[0-9]+}} : f64, name = "a", strength = {{[1-9].*}} : f64

// RUN: not qopt %t/product.mlir --qc-migrate-scales="samples=%t/x.npz by=all" 2>&1 | FileCheck %s --check-prefix=BY
// BY: error: by=all: use one of smooth, awq
// RUN: not qopt %t/product.mlir --qc-migrate-scales="samples=%t/x.npz strength=2" 2>&1 | FileCheck %s --check-prefix=STRENGTH
// STRENGTH: error: strength=2{{.*}}: use 0 (all stays in the activations) to 1
// RUN: not qopt %t/product.mlir --qc-migrate-scales="samples=%t/x.npz weights=u8" 2>&1 | FileCheck %s --check-prefix=CODE
// CODE: error: weights=u8: use iN with N in 2..8 or 16
// RUN: not qopt %t/product.mlir --qc-migrate-scales 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: by=smooth needs calibration samples: give samples=<file.npz>
// RUN: not qopt %t/product.mlir --qc-migrate-scales="samples=%t/x.npz memory=0" 2>&1 | FileCheck %s --check-prefix=MEMORY
// MEMORY: error: one sample of this network takes 1 MiB: raise memory=0

//--- samples.py
import sys
import numpy as np

np.savez(f"{sys.argv[1]}/x.npz", x=np.array([[[8, 1]], [[-4, 2]], [[2, -0.5]]], np.float32))
#--- judge.py
import sys
import numpy as np

a, b = (next(iter(np.load(f"{sys.argv[1]}/{name}.npz").values())) for name in ("before", "after"))
assert np.abs(a).max() > 1 and np.allclose(a, b, rtol=1e-5), (a, b)
//--- product.mlir
func.func @main(%x: tensor<1x2xf32> {qc.name = "x"}) -> tensor<1x1xf32> {
  %v = qc.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %w = qc.constant dense<[[2.0], [8.0]]> : tensor<2x1xf32>
  %y = qc.matmul %x, %v : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("a")
  %z = qc.matmul %y, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %z : tensor<1x1xf32>
}
//--- normalize.mlir
func.func @main(%x: tensor<1x2xf32> {qc.name = "x"}) -> (tensor<1x1xf32> {qc.name = "z"}) {
  %w = qc.constant dense<[[2.0], [8.0]]> : tensor<2x1xf32>
  %y = qc.normalize rms %x {first_axis = 1, last_axis = 1, epsilon = 1.0e-5 : f32} : (tensor<1x2xf32>) -> tensor<1x2xf32> loc("a")
  %z = qc.matmul %y, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  return %z : tensor<1x1xf32>
}
//--- awq.mlir
func.func @main(%x: tensor<1x2xf32> {qc.name = "x"}) -> tensor<1x3xf32> {
  %v = qc.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %w = qc.constant dense<[[0.5, 0.9, -0.6], [1.0, 1.0, 1.0]]> : tensor<2x3xf32>
  %y = qc.matmul %x, %v : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("a")
  %z = qc.matmul %y, %w : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32>
  return %z : tensor<1x3xf32>
}
