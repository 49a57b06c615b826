// RUN: not qopt %s -qc-store-weights=weights=i16 2>&1 | FileCheck %s --check-prefix=WIDE
// WIDE: weights=i16: use iN or, with scales of groups of G = 32, 64, ... inputs, iN/G, with N in 2..8, f16, bf16 or f32
// RUN: not qopt %s '-qc-store-weights=weights=i4,table=i8' 2>&1 | FileCheck %s --check-prefix=KIND
// KIND: weights=i4,table=i8: 'table' is no kind of layers: use one of depthwise, pointwise, dense, first, last, embedding
// RUN: not qopt %s '-qc-store-weights=weights=i4,last=i8/48' 2>&1 | FileCheck %s --check-prefix=GROUP
// GROUP: weights=i4,last=i8/48: 'i8/48' is no code type of weights: use iN or, with scales of groups of G = 32, 64, ... inputs, iN/G, with N in 2..8, f16, bf16 or f32
// RUN: not qopt %s '-qc-store-weights=weights=i4' 2>&1 | FileCheck %s --check-prefix=INFINITE
// INFINITE: node 'y' has a weight that is not finite, which no code stands for
func.func @infinite(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %w = qc.constant dense<[[1.0], [0x7F800000]]> : tensor<2x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32> loc("y")
  return %y : tensor<1x1xf32>
}
