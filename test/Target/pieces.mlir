// Slopes and intercepts of pieces are looked up in registers. Which piece it is follows from the upper bits of the code where all pieces have one
// length, else from comparisons.
// RUN: qcc %s -target=x86-64 -emit=asm -o - | FileCheck %s --check-prefix=AVX2
// RUN: qcc %s -target=x86-64 -mattr=+avx512bw,+avx512vl -emit=asm -o - | FileCheck %s --check-prefix=AVX512
// RUN: qcc %s -target=aarch64 -emit=asm -o - | FileCheck %s --check-prefix=NEON
// RUN: qcc %s -target=x86-64 -mcpu=x86-64-v2 -emit=asm -o - | FileCheck %s --check-prefix=SSE

// Two registers for the slopes of sixteen pieces, two for the intercepts; one each for seven.
// AVX2-COUNT-6: vpermd
// AVX512-COUNT-2: {{vperm(i2|t2)?d}}
// NEON: tbl v
// NEON: tbl v
// SSE-NOT: vperm
module attributes {qc.stage = "integer"} {
  func.func @run(%x: tensor<4x64xi16> {qc.name = "x"}) -> (tensor<4x64xi16> {qc.name = "y"}, tensor<4x64xi16> {qc.name = "z"}) {
    %y = qc.pwl %x {knots = array<i32: -28672, -24576, -20480, -16384, -12288, -8192, -4096, 0, 4096, 8192, 12288, 16384, 20480, 24576, 28672>,
      slopes = array<i32: -1026, 427, 229, -1466, -485, 1751, 473, -59, 562, 379, -1732, 480, -1947, 1722, 1430, -79>,
      intercepts = array<i32: -456096, 155079, -508573, -597884, 503968, -13786, 134504, 754186, 152660, -1015, -167149, 340223, 805694, -684135, -513625, 331399>,
      shift = 8, code_min = -32768, code_max = 32767, max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<4x64xi16> -> tensor<4x64xi16> loc("uniform")
    %z = qc.pwl %x {knots = array<i32: -9000, -700, -3, 40, 5000, 30000>, slopes = array<i32: -1026, 427, 229, -1466, -485, 1751, 473>,
      intercepts = array<i32: -456096, 155079, -508573, -597884, 503968, -13786, 134504>, shift = 9, code_min = -32768, code_max = 32767,
      max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<4x64xi16> -> tensor<4x64xi16> loc("different")
    return %y, %z : tensor<4x64xi16>, tensor<4x64xi16>
  }
}
