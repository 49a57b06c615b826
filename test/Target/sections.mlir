// The wrapper has a section of its own, so that a program that calls the integer entry only does not carry it.
// RUN: qcc %s -target=aarch64 -name=net -o %t.o
// RUN: llvm-readobj --sections %t.o | FileCheck %s --check-prefix=SECTIONS
// SECTIONS-DAG: Name: .text.net_run
// SECTIONS-DAG: Name: .text.net_run_f32
// RUN: llvm-nm --extern-only %t.o | FileCheck %s --check-prefix=SYMBOLS
// SYMBOLS-DAG: T net_run{{$}}
// SYMBOLS-DAG: T net_run_f32{{$}}

// A target without a floating-point unit has no wrapper.
// RUN: qcc %s -target=thumbv7em -name=net -o %t.thumb.o
// RUN: llvm-nm %t.thumb.o | FileCheck %s --check-prefix=NOFPU --implicit-check-not=run_f32
// NOFPU: T net_run{{$}}

// Index arithmetic has the pointer's width.
// RUN: qopt %s --qc-lower-linalg --qc-lower-buffers --qc-lower-llvm=index-bits=32 | FileCheck %s --check-prefix=INDEX32
// INDEX32-NOT: llvm.mlir.constant({{.*}} : index) : i64
// INDEX32: llvm.mlir.constant({{.*}} : index) : i32
// INDEX32-NOT: llvm.mlir.constant({{.*}} : index) : i64
module attributes {qc.stage = "integer"} {
  func.func @run(%x: tensor<8xi8> {qc.name = "x", qc.scale = 0.5 : f32, qc.zero_point = 3 : i64})
      -> (tensor<8xi8> {qc.name = "y", qc.scale = 0.5 : f32, qc.zero_point = 3 : i64}) {
    %y = qc.gather %x {indices = array<i64: 7, 6, 5, 4, 3, 2, 1, 0>, axis = 0} : tensor<8xi8> -> tensor<8xi8>
    return %y : tensor<8xi8>
  }
  func.func @run_f32(%x: tensor<8xf32> {qc.name = "x"}) -> (tensor<8xf32> {qc.name = "y"}) {
    %q = qc.quantize %x {scale = 0.5 : f32, zero_point = 3, code_min = -128, code_max = 127} : tensor<8xf32> -> tensor<8xi8>
    %r = call @run(%q) : (tensor<8xi8>) -> tensor<8xi8>
    %y = qc.dequantize %r {scale = 0.5 : f32, zero_point = 3} : tensor<8xi8> -> tensor<8xf32>
    return %y : tensor<8xf32>
  }
}
