// A row that takes fields of other widths cannot decode these.
// RUN: qopt %s -split-input-file -verify-diagnostics -qc-lower-linalg -qc-lower-buffers -qc-emit-kernels=isa=avx2
func.func @width(%x: tensor<1x64xf32>) -> tensor<1x8xf32> {
  // expected-error@+1 {{cannot use f32.codes8: it decodes weights of other widths}}
  %y = qc.kernel "contract"(%x) {dot = "f32.codes8", scratch_bytes = 0 : i64, tile = array<i64: 1, 1>} : (tensor<1x64xf32>) -> tensor<1x8xf32> {
  ^bb0(%a: tensor<1x64xf32>):
    %c = qc.constant dense<-3> : tensor<64x8xi4>
    %s = qc.constant dense<0.5> : tensor<1x8xf32>
    %w = qc.decode %c, %s : (tensor<64x8xi4>, tensor<1x8xf32>) -> tensor<64x8xf32>
    %p = qc.matmul %a, %w : (tensor<1x64xf32>, tensor<64x8xf32>) -> tensor<1x8xf32>
    qc.yield %p : tensor<1x8xf32>
  }
  return %y : tensor<1x8xf32>
}
