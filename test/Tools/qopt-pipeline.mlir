// Stages by name: from f32 to integers, and the same errors for impossible options as qcc gives.
// RUN: split-file %s %t
// RUN: qopt --qc-pipeline='stop-after=integer ranges=%t/ranges.json' %t/net.mlir | FileCheck %s
// RUN: qopt --qc-pipeline='stop-after=qdq ranges=%t/ranges.json' %t/net.mlir | qopt --qc-pipeline='start-after=qdq stop-after=integer' | FileCheck %s
// RUN: qopt --qc-pipeline='stop-after=integer mode=f32' %t/net.mlir | FileCheck %s --check-prefix=F32
// RUN: not qopt --qc-pipeline='stop-after=end' %t/net.mlir 2>&1 | FileCheck %s --check-prefix=STAGE
// RUN: not qopt --qc-pipeline='mode=i8' %t/net.mlir 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: not qopt --qc-pipeline='weights=i9' %t/net.mlir 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// STAGE: unknown stage; use one of import, graph, annotated, qdq, quantized, integer, packed, linalg, buffers, vector, llvm
// MODE: mode=i8: use one of int, f32
// RUN: not qopt --qc-pipeline='pair-safe=grow' %t/net.mlir 2>&1 | FileCheck %s --check-prefix=PAIRS
// PAIRS: pair-safe=grow: use one of off, shrink
// RUN: not qopt --qc-pipeline='pair-safe=shrink requant=pow2' %t/net.mlir 2>&1 | FileCheck %s --check-prefix=POW2
// POW2: pair-safe=shrink changes scales by less than a power of two: drop it, or requant=pow2
// WEIGHTS: weights=i9: use iN with N in 2..8 or 16

// CHECK: module attributes {qc.stage = "integer"}
// CHECK-LABEL: func @run(
// CHECK: qc.requantize
// CHECK-LABEL: func @run_f32(
// CHECK: qc.quantize
// CHECK: call @run
// CHECK: qc.dequantize
// F32-NOT: func @run(
// F32: func @run_f32(
// F32-NOT: qc.requantize
//--- net.mlir
func.func @main(%x: tensor<1x4xf32> {qc.name = "x"}) -> (tensor<1x4xf32> {qc.name = "y"}) {
  %y = qc.clamp %x {clamp_min = 0.0 : f32} : tensor<1x4xf32> -> tensor<1x4xf32> loc("y")
  return %y : tensor<1x4xf32>
}
//--- ranges.json
{"version": 1, "ranges": {"x": [-1.0, 1.0], "y": [0.0, 1.0]}}
