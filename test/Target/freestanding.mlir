// Objects link with nothing on any target, though the network copies, fills, divides indices and has 64-bit accumulators.
// RUN: qcc %s -target=x86-64 -o %t.x86.o && llvm-nm -u %t.x86.o | count 0
// RUN: qcc %s -target=aarch64 -o %t.aarch64.o && llvm-nm -u %t.aarch64.o | count 0
// RUN: qcc %s -target=riscv64 -o %t.riscv64.o && llvm-nm -u %t.riscv64.o | count 0
// RUN: qcc %s -target=armv7a -o %t.armv7a.o && llvm-nm -u %t.armv7a.o | count 0
// RUN: qcc %s -target=thumbv7em -o %t.thumbv7em.o && llvm-nm -u %t.thumbv7em.o | count 0
// RUN: qcc %s -target=riscv32imc -o %t.riscv32.o && llvm-nm -u %t.riscv32.o | count 0

// The only global symbol is the entry.
// RUN: llvm-nm --defined-only --extern-only %t.riscv32.o | FileCheck %s --check-prefix=SYMBOLS -DNAME=riscv32
// SYMBOLS: T {{.*}}_run{{$}}
// SYMBOLS-NOT: {{.}}

// The interface lies in a section that takes no memory, and that a linker leaves out.
// RUN: llvm-readobj --sections %t.x86.o | FileCheck %s --check-prefix=SECTIONS
// SECTIONS: Name: .qc.interface
// SECTIONS-NEXT: Type: SHT_PROGBITS
// SECTIONS-NEXT: Flags [
// SECTIONS-NOT: SHF_ALLOC
// SECTIONS: SHF_EXCLUDE
// SECTIONS-NOT: SHF_ALLOC
// SECTIONS: ]
// SECTIONS-NOT: .eh_frame

// Same input, same bytes.
// RUN: cp %t.x86.o %t.first && qcc %s -target=x86-64 -o %t.x86.o && cmp %t.first %t.x86.o
module attributes {qc.stage = "integer"} {
  func.func @run(%x: tensor<1x4x6x16xi16> {qc.name = "x"}) -> (tensor<1x2x6x16xi8> {qc.name = "conv"}, tensor<1x4x10x20xi16> {qc.name = "padded"},
                                                               tensor<1x4x6x16xi16> {qc.name = "same"}, tensor<1x2x11x31xi8> {qc.name = "up"}) {
    %w = qc.constant dense<-3> : tensor<2x4x3x3xi16>
    %a = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = 3,
                         acc_bound = 3538944 : ui64} : (tensor<1x4x6x16xi16>, tensor<2x4x3x3xi16>) -> tensor<1x2x6x16xi64>
    %y = qc.requantize %a {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912, 9000000>, shifts = array<i32: 40, 41>, axis = 1 : i64,
                           zero_point = -3, code_min = -128, code_max = 127, rounding = #qc<rounding ort>} : (tensor<1x2x6x16xi64>) -> tensor<1x2x6x16xi8>
    %p = qc.pad %x {low = array<i64: 0, 0, 2, 2>, high = array<i64: 0, 0, 2, 2>, pad_value = 5 : i64} : tensor<1x4x6x16xi16> -> tensor<1x4x10x20xi16>
    %w2 = qc.constant dense<2> : tensor<4x2x3x3xi8>
    %u = qc.conv_transpose %x, %w2 {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, output_padding = array<i64: 0, 0>,
                                    dilations = array<i64: 1, 1>, groups = 1, acc_bound = 2359296 : ui64}
       : (tensor<1x4x6x16xi16>, tensor<4x2x3x3xi8>) -> tensor<1x2x11x31xi32>
    %v = qc.requantize %u {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 40>,
                           zero_point = -3, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x2x11x31xi32>) -> tensor<1x2x11x31xi8>
    return %y, %p, %x, %v : tensor<1x2x6x16xi8>, tensor<1x4x10x20xi16>, tensor<1x4x6x16xi16>, tensor<1x2x11x31xi8>
  }
}
