// Which ops become one kernel, and what each instruction set chooses for it.
// RUN: qopt %s -qc-form-kernels=isa=avx512vbmi | FileCheck %s --check-prefixes=CHECK,AVX512VNNI
// RUN: qopt %s -qc-form-kernels=isa=avx512vnni | FileCheck %s --check-prefixes=CHECK,AVX512VNNI
// RUN: qopt %s -qc-form-kernels=isa=avx512bw | FileCheck %s --check-prefixes=CHECK,AVX512BW
// RUN: qopt %s -qc-form-kernels=isa=vnni | FileCheck %s --check-prefixes=CHECK,VNNI
// RUN: qopt %s -qc-form-kernels=isa=avx2 | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: qopt %s -qc-form-kernels=isa=sse4.1 | FileCheck %s --check-prefixes=CHECK,SSE41
// RUN: qopt %s -qc-form-kernels=isa=i8mm | FileCheck %s --check-prefixes=CHECK,I8MM
// RUN: qopt %s -qc-form-kernels=isa=dotprod | FileCheck %s --check-prefixes=CHECK,DOTPROD
// RUN: qopt %s -qc-form-kernels=isa=neon | FileCheck %s --check-prefixes=CHECK,NEON
// RUN: qopt %s -qc-form-kernels=isa=rvv256 | FileCheck %s --check-prefixes=CHECK,RVV256
// RUN: qopt %s -qc-form-kernels=isa=rvv | FileCheck %s --check-prefixes=CHECK,RVV
// RUN: qopt %s -qc-form-kernels=isa=neon32 | FileCheck %s --check-prefixes=CHECK,NEON32
// RUN: qopt %s -qc-form-kernels=isa=dsp | FileCheck %s --check-prefixes=CHECK,DSP
// RUN: qopt %s -qc-form-kernels=isa=scalar | FileCheck %s --check-prefixes=CHECK,SCALAR
// RUN: qopt %s -qc-form-kernels | FileCheck %s --check-prefixes=CHECK,SCALAR
// RUN: not qopt %s -qc-form-kernels=isa=z80 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: isa=z80: use one of avx512vbmi, avx512vnni, vnni, avx512bw, avx2, sse4.1, i8mm, dotprod.a55, dotprod, neon, rvv256, rvv, neon32, dsp, scalar

// A kernel computes what its ops computed.
// RUN: %python %S/../Tools/Inputs/npz.py make %t.maps.npz "x=np.random.default_rng(1).integers(-128,128,(3,1,8,8,16)).astype(np.int8)"
// RUN: %python %S/../Tools/Inputs/npz.py make %t.rows.npz "x=np.random.default_rng(2).integers(-128,128,(3,8,32)).astype(np.int8)" "r=np.random.default_rng(3).integers(-128,128,(3,8,32)).astype(np.int8)"
// RUN: qopt %s "-qc-interpret=entry=conv inputs=%t.maps.npz outputs=%t.before.npz" -o /dev/null
// RUN: qopt %s -qc-form-kernels=isa=avx2 "-qc-interpret=entry=conv inputs=%t.maps.npz outputs=%t.after.npz" -o /dev/null
// RUN: cmp %t.before.npz %t.after.npz
// RUN: qopt %s "-qc-interpret=entry=conv_1x1 inputs=%t.maps.npz outputs=%t.before.npz" -o /dev/null
// RUN: qopt %s -qc-form-kernels=isa=avx2 "-qc-interpret=entry=conv_1x1 inputs=%t.maps.npz outputs=%t.after.npz" -o /dev/null
// RUN: cmp %t.before.npz %t.after.npz
// RUN: qopt %s "-qc-interpret=entry=depthwise inputs=%t.maps.npz outputs=%t.before.npz" -o /dev/null
// RUN: qopt %s -qc-form-kernels=isa=avx2 "-qc-interpret=entry=depthwise inputs=%t.maps.npz outputs=%t.after.npz" -o /dev/null
// RUN: cmp %t.before.npz %t.after.npz
// RUN: qopt %s "-qc-interpret=entry=pool inputs=%t.maps.npz outputs=%t.before.npz" -o /dev/null
// RUN: qopt %s -qc-form-kernels=isa=avx2 "-qc-interpret=entry=pool inputs=%t.maps.npz outputs=%t.after.npz" -o /dev/null
// RUN: cmp %t.before.npz %t.after.npz
// RUN: %python %S/../Tools/Inputs/npz.py make %t.row.npz "x=np.random.default_rng(2).integers(-128,128,(3,8,32)).astype(np.int8)"
// RUN: qopt %s "-qc-interpret=entry=gemm_permuted inputs=%t.row.npz outputs=%t.before.npz" -o /dev/null
// RUN: qopt %s -qc-form-kernels=isa=avx2 "-qc-interpret=entry=gemm_permuted inputs=%t.row.npz outputs=%t.after.npz" -o /dev/null
// RUN: cmp %t.before.npz %t.after.npz
// RUN: qopt %s "-qc-interpret=entry=residual inputs=%t.rows.npz outputs=%t.before.npz" -o /dev/null
// RUN: qopt %s -qc-form-kernels=isa=avx2 "-qc-interpret=entry=residual inputs=%t.rows.npz outputs=%t.after.npz" -o /dev/null
// RUN: cmp %t.before.npz %t.after.npz
// RUN: qopt %s "-qc-interpret=entry=two_uses inputs=%t.rows.npz outputs=%t.before.npz" -o /dev/null
// RUN: qopt %s -qc-form-kernels=isa=avx2 "-qc-interpret=entry=two_uses inputs=%t.rows.npz outputs=%t.after.npz" -o /dev/null
// RUN: cmp %t.before.npz %t.after.npz

// Taps outside are written into a panel in scratch, widened where the dot kernel takes 16 bits. Where no instruction multiplies
// four bytes a lane, fewer multiplications of 16 bits win.
// CHECK-LABEL: func.func @conv(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd", scratch_bytes = 1664 : i64, tile = array<i64: 8, 2>} :
// AVX512BW: qc.kernel "winograd"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 23488 : i64, tile = array<i64: 8, 2>} :
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX2: qc.kernel "winograd"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 23488 : i64, tile = array<i64: 2, 4>} :
// SSE41: qc.kernel "winograd"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "winograd"(%arg0) {dot = "aarch64.smlal",
// RVV256: qc.kernel "winograd"(%arg0) {dot = "riscv.vwmacc.zvl256b",
// RVV: qc.kernel "winograd"(%arg0) {dot = "riscv.vwmacc",
// NEON32: qc.kernel "winograd"(%arg0) {dot = "arm.vmlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
// CHECK: qc.transpose
// CHECK: qc.conv
// CHECK-NEXT: qc.transpose
// CHECK-NEXT: qc.requantize
// CHECK-NEXT: qc.yield
func.func @conv(%x: tensor<1x8x8x16xi8> {qc.name = "x"}) -> tensor<1x8x8x32xi8> {
  %w = qc.constant dense<100> : tensor<32x16x3x3xi8>
  %b = qc.constant dense<7> : tensor<32xi32>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x16xi8> -> tensor<1x16x8x8xi8>
  %c = qc.conv %t, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, pad_value = -5,
                           acc_bound = 1843207 : ui64} : (tensor<1x16x8x8xi8>, tensor<32x16x3x3xi8>, tensor<32xi32>) -> tensor<1x32x8x8xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x32x8x8xi32> -> tensor<1x8x8x32xi32>
  %q = qc.requantize %l {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 40>, zero_point = 1 : i64,
                         code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<1x8x8x32xi32>) -> tensor<1x8x8x32xi8>
  return %q : tensor<1x8x8x32xi8>
}

// Nothing is padded: all positions are one row. A panel remains where codes are widened or shifted.
// CHECK-LABEL: func.func @conv_1x1(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd", scratch_bytes = 1088 : i64, tile = array<i64: 8, 2>} :
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 2112 : i64, tile = array<i64: 8, 2>} :
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 1984 : i64, tile = array<i64: 6, 2>} :
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// RVV256: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc.zvl256b",
// RVV: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc",
// NEON32: qc.kernel "contract"(%arg0) {dot = "arm.vmlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @conv_1x1(%x: tensor<1x8x8x16xi8> {qc.name = "x"}) -> tensor<1x8x8x32xi32> {
  %w = qc.constant dense<100> : tensor<32x16x1x1xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x16xi8> -> tensor<1x16x8x8xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1,
                       acc_bound = 204800 : ui64} : (tensor<1x16x8x8xi8>, tensor<32x16x1x1xi8>) -> tensor<1x32x8x8xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x32x8x8xi32> -> tensor<1x8x8x32xi32>
  return %l : tensor<1x8x8x32xi32>
}

// Two neighbouring weights of 100: 255 * 200 leaves 16 bits, in every order.
// CHECK-LABEL: func.func @gemm(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd", scratch_bytes = 320 : i64, tile = array<i64: 8, 2>} :
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 576 : i64, tile = array<i64: 8, 2>} :
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 576 : i64, tile = array<i64: 8, 1>} :
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// RVV256: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc.zvl256b",
// RVV: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc",
// NEON32: qc.kernel "contract"(%arg0) {dot = "arm.vmlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @gemm(%x: tensor<8x32xi8> {qc.name = "x"}) -> tensor<8x32xi32> {
  %w = qc.constant dense<100> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  return %y : tensor<8x32xi32>
}

// 64 + 64 is at most 128: pairs are safe as they stand.
// CHECK-LABEL: func.func @gemm_pair_safe(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd", scratch_bytes = 320 : i64, tile = array<i64: 8, 2>} :
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", scratch_bytes = 320 : i64, tile = array<i64: 8, 2>} :
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", scratch_bytes = 320 : i64, tile = array<i64: 8, 1>} :
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// RVV256: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc.zvl256b",
// RVV: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc",
// NEON32: qc.kernel "contract"(%arg0) {dot = "arm.vmlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @gemm_pair_safe(%x: tensor<8x32xi8> {qc.name = "x"}) -> tensor<8x32xi32> {
  %w = qc.constant dense<64> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 262144 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  return %y : tensor<8x32xi32>
}

// Weights of four bits: sixteen products stay in i16.
// CHECK-LABEL: func.func @gemm_chain_8(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw.8",
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw.codes", scratch_bytes
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @gemm_chain_8(%x: tensor<8x32xi8> {qc.name = "x"}) -> tensor<8x32xi32> {
  %w = qc.constant dense<-8> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 32768 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  return %y : tensor<8x32xi32>
}

// Weights of five bits: eight products do.
// CHECK-LABEL: func.func @gemm_chain_4(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw.4",
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw.codes", scratch_bytes
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @gemm_chain_4(%x: tensor<8x32xi8> {qc.name = "x"}) -> tensor<8x32xi32> {
  %w = qc.constant dense<-16> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 65536 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  return %y : tensor<8x32xi32>
}

// Weights of six bits: four products do.
// CHECK-LABEL: func.func @gemm_chain_2(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw.2",
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw.codes", scratch_bytes
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @gemm_chain_2(%x: tensor<8x32xi8> {qc.name = "x"}) -> tensor<8x32xi32> {
  %w = qc.constant dense<31> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 126976 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  return %y : tensor<8x32xi32>
}

// 100, 100, 10, 10, -100, -100, 5, 5, ...: 100 + 10 + 10 - 100 is safe in that order.
// CHECK-LABEL: func.func @gemm_chain_permuted(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw.2", permuted,
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw.2", permuted,
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @gemm_chain_permuted(%x: tensor<8x32xi8> {qc.name = "x"}) -> tensor<8x32xi32> {
  %w = qc.constant dense<[[100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
    [-100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100],
    [-100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100],
    [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
    [-100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100],
    [-100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100],
    [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
    [-100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100],
    [-100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100],
    [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
    [-100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100],
    [-100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100, -100],
    [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]]> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 220160 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  return %y : tensor<8x32xi32>
}

// 100, 100, -100, -100, ...: safe if each 100 meets a -100.
// CHECK-LABEL: func.func @gemm_permuted(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd", scratch_bytes = 320 : i64, tile = array<i64: 8, 1>} :
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", permuted, scratch_bytes = 448 : i64, tile = array<i64: 8, 1>} :
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", permuted, scratch_bytes = 448 : i64, tile = array<i64: 4, 2>} :
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.smmla",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// RVV256: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc.zvl256b",
// RVV: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc",
// NEON32: qc.kernel "contract"(%arg0) {dot = "arm.vmlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @gemm_permuted(%x: tensor<8x32xi8> {qc.name = "x"}) -> tensor<8x16xi32> {
  %w = qc.constant dense<"0x64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C64646464646464646464646464646464646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C"> : tensor<32x16xi8>
  %y = qc.matmul %x, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x16xi8>) -> tensor<8x16xi32>
  return %y : tensor<8x16xi32>
}

// One vector of channels is a block, too.
// CHECK-LABEL: func.func @gemm_permuted_8(
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", permuted, scratch_bytes = 448 : i64, tile = array<i64: 8, 1>} :
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", permuted, scratch_bytes = 448 : i64, tile = array<i64: 8, 1>} :
func.func @gemm_permuted_8(%x: tensor<8x32xi8> {qc.name = "x"}) -> tensor<8x8xi32> {
  %w = qc.constant dense<"0x646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C646464646464646464646464646464649C9C9C9C9C9C9C9C9C9C9C9C9C9C9C9C"> : tensor<32x8xi8>
  %y = qc.matmul %x, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x8xi8>) -> tensor<8x8xi32>
  return %y : tensor<8x8xi32>
}

// Activations of seven bits make every pair of int8 weights safe: 127 * (128 + 128) fits i16.
// CHECK-LABEL: func.func @gemm_u7(
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", tile
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", tile
// CHECK: qc.yield
func.func @gemm_u7(%x: tensor<8x32xui7> {qc.name = "x"}) -> tensor<8x32xi32> {
  %w = qc.constant dense<-128> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 520192 : ui64} : (tensor<8x32xui7>, tensor<32x32xi8>) -> tensor<8x32xi32>
  return %y : tensor<8x32xi32>
}

// CHECK-LABEL: func.func @gemm_i7(
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", scratch_bytes
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddubsw", scratch_bytes
// CHECK: qc.yield
func.func @gemm_i7(%x: tensor<8x32xi7> {qc.name = "x"}) -> tensor<8x32xi32> {
  %w = qc.constant dense<127> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 260096 : ui64} : (tensor<8x32xi7>, tensor<32x32xi8>) -> tensor<8x32xi32>
  return %y : tensor<8x32xi32>
}

// A single row: half of smmla would be lost.
// CHECK-LABEL: func.func @gemv(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd", scratch_bytes = 128 : i64, tile = array<i64: 1, 1>} :
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 192 : i64, tile = array<i64: 1, 1>} :
// VNNI: qc.kernel "contract"(%arg0) {dot = "x86.vpdpbusd",
// AVX2: qc.kernel "contract"(%arg0) {dot = "x86.vpsignb", tile = array<i64: 1, 2>} :
// SSE41: qc.kernel "contract"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot.i8mm",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "contract"(%arg0) {dot = "aarch64.smlal",
// RVV256: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc.zvl256b",
// RVV: qc.kernel "contract"(%arg0) {dot = "riscv.vwmacc",
// NEON32: qc.kernel "contract"(%arg0) {dot = "arm.vmlal",
// DSP: qc.kernel "contract"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "contract"(%arg0) {dot = "scalar",
func.func @gemv(%x: tensor<1x64xi8> {qc.name = "x"}) -> tensor<1x10xi32> {
  %w = qc.constant dense<100> : tensor<64x10xi8>
  %y = qc.matmul %x, %w {acc_bound = 819200 : ui64} : (tensor<1x64xi8>, tensor<64x10xi8>) -> tensor<1x10xi32>
  return %y : tensor<1x10xi32>
}

// Depthwise steps pair columns; weights are used once, so smmla has nothing to share.
// CHECK-LABEL: func.func @depthwise(
// AVX512VNNI: qc.kernel "depthwise"(%arg0) {dot = "x86.vpdpbusd", scratch_bytes = 768 : i64, tile = array<i64: 4, 1>} :
// AVX512BW: qc.kernel "depthwise"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 960 : i64, tile = array<i64: 2, 1>} :
// VNNI: qc.kernel "depthwise"(%arg0) {dot = "x86.vpdpbusd",
// AVX2: qc.kernel "depthwise"(%arg0) {dot = "x86.vpmaddwd", scratch_bytes = 960 : i64, tile = array<i64: 2, 2>} :
// SSE41: qc.kernel "depthwise"(%arg0) {dot = "x86.pmaddwd",
// I8MM: qc.kernel "depthwise"(%arg0) {dot = "aarch64.sdot.i8mm",
// DOTPROD: qc.kernel "depthwise"(%arg0) {dot = "aarch64.sdot",
// NEON: qc.kernel "depthwise"(%arg0) {dot = "aarch64.smlal",
// RVV256: qc.kernel "depthwise"(%arg0) {dot = "riscv.vwmacc.zvl256b",
// RVV: qc.kernel "depthwise"(%arg0) {dot = "riscv.vwmacc",
// NEON32: qc.kernel "depthwise"(%arg0) {dot = "arm.vmlal",
// DSP: qc.kernel "depthwise"(%arg0) {dot = "arm.smlad",
// SCALAR: qc.kernel "depthwise"(%arg0) {dot = "scalar",
func.func @depthwise(%x: tensor<1x8x8x16xi8> {qc.name = "x"}) -> tensor<1x8x8x16xi32> {
  %w = qc.constant dense<3> : tensor<16x1x3x3xi8>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x16xi8> -> tensor<1x16x8x8xi8>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 16, pad_value = -5,
                       acc_bound = 3456 : ui64} : (tensor<1x16x8x8xi8>, tensor<16x1x3x3xi8>) -> tensor<1x16x8x8xi32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x16x8x8xi32> -> tensor<1x8x8x16xi32>
  return %l : tensor<1x8x8x16xi32>
}

// f32 needs vectors; without them it is left to plain loops, and the layout changes are kernels.
// CHECK-LABEL: func.func @conv_f32(
// AVX512VNNI: qc.kernel "contract"(%arg0) {dot = "f32", tile = array<i64: 8, 2>} :
// AVX512BW: qc.kernel "contract"(%arg0) {dot = "f32", tile = array<i64: 8, 2>} :
// VNNI: qc.kernel "contract"(%arg0) {dot = "f32",
// AVX2: qc.kernel "contract"(%arg0) {dot = "f32", tile = array<i64: 6, 2>} :
// SSE41: qc.kernel "contract"(%arg0) {dot = "f32",
// I8MM: qc.kernel "contract"(%arg0) {dot = "f32",
// DOTPROD: qc.kernel "contract"(%arg0) {dot = "f32",
// NEON: qc.kernel "contract"(%arg0) {dot = "f32",
// RVV256: qc.kernel "contract"(%arg0) {dot = "f32",
// RVV: qc.kernel "contract"(%arg0) {dot = "f32",
// NEON32: qc.kernel "contract"(%arg0) {dot = "f32",
// DSP: qc.kernel "transpose"(%arg0)
// DSP: qc.conv
// DSP: qc.kernel "transpose"
// SCALAR: qc.kernel "transpose"(%arg0)
// SCALAR: qc.conv
// SCALAR: qc.kernel "transpose"
func.func @conv_f32(%x: tensor<1x8x8x16xf32> {qc.name = "x"}) -> tensor<1x8x8x32xf32> {
  %w = qc.constant dense<0.5> : tensor<32x16x1x1xf32>
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x16xf32> -> tensor<1x16x8x8xf32>
  %c = qc.conv %t, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1} : (tensor<1x16x8x8xf32>, tensor<32x16x1x1xf32>) -> tensor<1x32x8x8xf32>
  %l = qc.transpose %c {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x32x8x8xf32> -> tensor<1x8x8x32xf32>
  return %l : tensor<1x8x8x32xf32>
}

// Pooling has no dot kernel.
// CHECK-LABEL: func.func @pool(
// CHECK: qc.kernel "pool"(%arg0) :
func.func @pool(%x: tensor<1x8x8x16xi8> {qc.name = "x"}) -> tensor<1x4x4x16xi8> {
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x16xi8> -> tensor<1x16x8x8xi8>
  %p = qc.pool max %t {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : tensor<1x16x8x8xi8> -> tensor<1x16x4x4xi8>
  %l = qc.transpose %p {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x16x4x4xi8> -> tensor<1x4x4x16xi8>
  return %l : tensor<1x4x4x16xi8>
}

// The addition of a residual belongs to the kernel; the residual is its second input.
// CHECK-LABEL: func.func @residual(
// CHECK: qc.kernel "contract"(%arg0, %arg1) {
// CHECK: qc.matmul
// CHECK-NEXT: qc.requantize
// CHECK-NEXT: qc.requantize
// CHECK-NEXT: qc.yield
// CHECK-NOT: qc.kernel
// CHECK: return
func.func @residual(%x: tensor<8x32xi8> {qc.name = "x"}, %r: tensor<8x32xi8> {qc.name = "r"}) -> tensor<8x32xi8> {
  %w = qc.constant dense<100> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  %q = qc.requantize %y {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 40>, zero_point = 1 : i64,
                         code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<8x32xi32>) -> tensor<8x32xi8>
  %s = qc.requantize %q, %r {input_zero_points = array<i64: 0, 0>, multipliers = array<i32: 12582912, 12582912>, shifts = array<i32: 24>, zero_point = 1 : i64,
                         code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<8x32xi8>, tensor<8x32xi8>) -> tensor<8x32xi8>
  return %s : tensor<8x32xi8>
}

// What is needed twice is stored: the addition is a kernel of its own.
// CHECK-LABEL: func.func @two_uses(
// CHECK: %[[Q:.*]] = qc.kernel "contract"(%arg0) {
// CHECK: qc.matmul
// CHECK-NEXT: qc.requantize
// CHECK-NEXT: qc.yield
// CHECK: %[[S:.*]] = qc.kernel "pointwise"(%[[Q]], %arg1) :
// CHECK: return %[[Q]], %[[S]]
func.func @two_uses(%x: tensor<8x32xi8> {qc.name = "x"}, %r: tensor<8x32xi8> {qc.name = "r"}) -> (tensor<8x32xi8>, tensor<8x32xi8>) {
  %w = qc.constant dense<100> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 409600 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  %q = qc.requantize %y {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 40>, zero_point = 1 : i64,
                         code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<8x32xi32>) -> tensor<8x32xi8>
  %s = qc.requantize %q, %r {input_zero_points = array<i64: 0, 0>, multipliers = array<i32: 12582912, 12582912>, shifts = array<i32: 24>, zero_point = 1 : i64,
                         code_min = -128 : i64, code_max = 127 : i64, rounding = #qc<rounding onnx>} : (tensor<8x32xi8>, tensor<8x32xi8>) -> tensor<8x32xi8>
  return %q, %s : tensor<8x32xi8>, tensor<8x32xi8>
}

// A layout change with nothing to change it for.
// CHECK-LABEL: func.func @lone_transpose(
// CHECK: qc.kernel "transpose"(%arg0) :
// CHECK-NEXT: ^bb0
// CHECK-NEXT: qc.transpose
// CHECK-NEXT: qc.yield
func.func @lone_transpose(%x: tensor<1x8x8x16xi8> {qc.name = "x"}) -> tensor<1x16x8x8xi8> {
  %t = qc.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x16xi8> -> tensor<1x16x8x8xi8>
  return %t : tensor<1x16x8x8xi8>
}

// Two activations: the right side is packed when it is there. Heads that share their keys are one image.
// CHECK-LABEL: func.func @product_of_activations(
// AVX2: qc.kernel "contract"(%arg0, %arg1) {dot = "x86.vpmaddwd", scratch_bytes = {{[0-9]+}} : i64, tile =
// CHECK: qc.matmul
func.func @product_of_activations(%x: tensor<3x2x4x8xi8> {qc.name = "x"}, %w: tensor<3x1x8x4xi8> {qc.name = "w"}) -> tensor<3x2x4x4xi32> {
  %y = qc.matmul %x, %w {lhs_zero_point = -128, rhs_zero_point = 3, acc_bound = 267240 : ui64} : (tensor<3x2x4x8xi8>, tensor<3x1x8x4xi8>) -> tensor<3x2x4x4xi32>
  return %y : tensor<3x2x4x4xi32>
}

// Sums of 64 bits, a zero point that leaves 16 bits, and matrices that meet several others have no kernel.
// CHECK-LABEL: func.func @no_kernel_wide_product(
// CHECK-NOT: qc.kernel
// CHECK: return
func.func @no_kernel_wide_product(%x: tensor<4x8xi16> {qc.name = "x"}, %w: tensor<8x4xi16> {qc.name = "w"}, %v: tensor<8x4xi8> {qc.name = "v"},
    %a: tensor<2x3x4x8xi8> {qc.name = "a"}, %b: tensor<1x3x8x4xi8> {qc.name = "b"}) -> (tensor<4x4xi64>, tensor<4x4xi32>, tensor<2x3x4x4xi32>) {
  %0 = qc.matmul %x, %w {acc_bound = 8589934592 : ui64} : (tensor<4x8xi16>, tensor<8x4xi16>) -> tensor<4x4xi64>
  %1 = qc.matmul %x, %v {lhs_zero_point = 1, acc_bound = 33555456 : ui64} : (tensor<4x8xi16>, tensor<8x4xi8>) -> tensor<4x4xi32>
  %2 = qc.matmul %a, %b {acc_bound = 131072 : ui64} : (tensor<2x3x4x8xi8>, tensor<1x3x8x4xi8>) -> tensor<2x3x4x4xi32>
  return %0, %1, %2 : tensor<4x4xi64>, tensor<4x4xi32>, tensor<2x3x4x4xi32>
}

// No dot kernel takes unsigned weights.
// CHECK-LABEL: func.func @no_kernel_unsigned_weights(
// CHECK-NOT: qc.kernel
// CHECK: return
func.func @no_kernel_unsigned_weights(%x: tensor<4x8xi8> {qc.name = "x"}) -> tensor<4x4xi32> {
  %w = qc.constant dense<200> : tensor<8x4xui8>
  %y = qc.matmul %x, %w {acc_bound = 204800 : ui64} : (tensor<4x8xi8>, tensor<8x4xui8>) -> tensor<4x4xi32>
  return %y : tensor<4x4xi32>
}

// Dot kernels sum in 32 bits.
// CHECK-LABEL: func.func @no_kernel_wide_accumulator(
// CHECK-NOT: qc.kernel
// CHECK: return
func.func @no_kernel_wide_accumulator(%x: tensor<4x8xi8> {qc.name = "x"}) -> tensor<4x4xi64> {
  %w = qc.constant dense<100> : tensor<8x4xi8>
  %y = qc.matmul %x, %w {acc_bound = 102400 : ui64} : (tensor<4x8xi8>, tensor<8x4xi8>) -> tensor<4x4xi64>
  return %y : tensor<4x4xi64>
}

// Convolutions read activations channels last.
// CHECK-LABEL: func.func @no_kernel_channel_first(
// CHECK-NOT: qc.kernel
// CHECK: return
func.func @no_kernel_channel_first(%x: tensor<1x16x8x8xi8> {qc.name = "x"}) -> tensor<1x32x8x8xi32> {
  %w = qc.constant dense<100> : tensor<32x16x1x1xi8>
  %c = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1,
                       acc_bound = 204800 : ui64} : (tensor<1x16x8x8xi8>, tensor<32x16x1x1xi8>) -> tensor<1x32x8x8xi32>
  return %c : tensor<1x32x8x8xi32>
}

// Weights of few bits are packed, whatever multiplies them: two values are one bit. A convolution that Winograd's form would give twelve bits a weight is a contraction.
// CHECK-LABEL: func.func @few_bits(
// CHECK: qc.kernel "contract"{{.*}} weight_bits = 1 : i64}
// CHECK: qc.kernel "contract"{{.*}} weight_bits = 4 : i64}
// CHECK-NOT: winograd
func.func @few_bits(%x: tensor<8x32xi8> {qc.name = "x"}, %c: tensor<1x8x8x16xi8> {qc.name = "c"}) -> (tensor<8x32xi32>, tensor<8x32xi32>, tensor<1x8x8x16xi32>) {
  %t = qc.constant dense<"0xFF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01FF01"> : tensor<32x32xi8>
  %y = qc.matmul %x, %t {acc_bound = 4096 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  %f = qc.constant dense<"0xF807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807F807"> : tensor<32x32xi8>
  %z = qc.matmul %x, %f {acc_bound = 32768 : ui64} : (tensor<8x32xi8>, tensor<32x32xi8>) -> tensor<8x32xi32>
  %w = qc.constant dense<2> : tensor<16x16x3x3xi8>
  %1 = qc.transpose %c {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x16xi8> -> tensor<1x16x8x8xi8>
  %a = qc.conv %1, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, acc_bound = 36864 : ui64} : (tensor<1x16x8x8xi8>, tensor<16x16x3x3xi8>) -> tensor<1x16x8x8xi32>
  %2 = qc.transpose %a {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x16x8x8xi32> -> tensor<1x8x8x16xi32>
  return %y, %z, %2 : tensor<8x32xi32>, tensor<8x32xi32>, tensor<1x8x8x16xi32>
}

// Weights of few bits are multiplied as codes, where chains are whole.
// CHECK-LABEL: func.func @codes(
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpmaddubsw.codes", scratch_bytes = 64 : i64, tile = array<i64: 1, 4>, weight_bits = 3 : i64}
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpmaddubsw.8", {{.*}}weight_bits = 3 : i64}
func.func @codes(%x: tensor<1x32xi8> {qc.name = "x"}, %u: tensor<2x24xi8> {qc.name = "u"}) -> (tensor<1x32xi32>, tensor<2x32xi32>) {
  %w = qc.constant dense<"0xFC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03"> : tensor<32x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 16384 : ui64} : (tensor<1x32xi8>, tensor<32x32xi8>) -> tensor<1x32xi32>
  %v = qc.constant dense<"0xFC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03FC03"> : tensor<24x32xi8>
  %z = qc.matmul %u, %v {acc_bound = 12288 : ui64} : (tensor<2x24xi8>, tensor<24x32xi8>) -> tensor<2x32xi32>
  return %y, %z : tensor<1x32xi32>, tensor<2x32xi32>
}

// Weights that are codes of four bits times factors of groups of 32 inputs are stored so.
// CHECK-LABEL: func.func @groups(
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpmaddubsw.codes", {{.*}}weight_bits = 4 : i64, weight_group = 32 : i64}
func.func @groups(%x: tensor<1x64xi8> {qc.name = "x"}) -> tensor<1x16xi32> {
  %w = qc.constant dense<"0x3FC109003FC109003FC109003FC10900C109003FC109003FC109003FC109003F09003FC109003FC109003FC109003FC1003FC109003FC109003FC109003FC1093FC109003FC109003FC109003FC10900C109003FC109003FC109003FC109003F09003FC109003FC109003FC109003FC1003FC109003FC109003FC109003FC1093FC109003FC109003FC109003FC10900C109003FC109003FC109003FC109003F09003FC109003FC109003FC109003FC1003FC109003FC109003FC109003FC1093FC109003FC109003FC109003FC10900C109003FC109003FC109003FC109003F09003FC109003FC109003FC109003FC1003FC109003FC109003FC109003FC1093FC109003FC109003FC109003FC10900C109003FC109003FC109003FC109003F09003FC109003FC109003FC109003FC1003FC109003FC109003FC109003FC1093FC109003FC109003FC109003FC10900C109003FC109003FC109003FC109003F09003FC109003FC109003FC109003FC1003FC109003FC109003FC109003FC1093FC109003FC109003FC109003FC10900C109003FC109003FC109003FC109003F09003FC109003FC109003FC109003FC1003FC109003FC109003FC109003FC1093FC109003FC109003FC109003FC10900C109003FC109003FC109003FC109003F09003FC109003FC109003FC109003FC1003FC109003FC109003FC109003FC1090EEB040015E402001CF203000EEB0400F203000EEB040015E402001CF203000E02001CF203000EEB040015E402001CF20015E402001CF203000EEB040015E4020EEB040015E402001CF203000EEB0400F203000EEB040015E402001CF203000E02001CF203000EEB040015E402001CF20015E402001CF203000EEB040015E4020EEB040015E402001CF203000EEB0400F203000EEB040015E402001CF203000E02001CF203000EEB040015E402001CF20015E402001CF203000EEB040015E4020EEB040015E402001CF203000EEB0400F203000EEB040015E402001CF203000E02001CF203000EEB040015E402001CF20015E402001CF203000EEB040015E4020EEB040015E402001CF203000EEB0400F203000EEB040015E402001CF203000E02001CF203000EEB040015E402001CF20015E402001CF203000EEB040015E4020EEB040015E402001CF203000EEB0400F203000EEB040015E402001CF203000E02001CF203000EEB040015E402001CF20015E402001CF203000EEB040015E4020EEB040015E402001CF203000EEB0400F203000EEB040015E402001CF203000E02001CF203000EEB040015E402001CF20015E402001CF203000EEB040015E4020EEB040015E402001CF203000EEB0400F203000EEB040015E402001CF203000E02001CF203000EEB040015E402001CF20015E402001CF203000EEB040015E402"> : tensor<64x16xi8>
  %y = qc.matmul %x, %w {acc_bound = 199680 : ui64} : (tensor<1x64xi8>, tensor<64x16xi8>) -> tensor<1x16xi32>
  return %y : tensor<1x16xi32>
}

// Five and six bits: as codes in shorter chains; elsewhere packed for one row, which waits for its weights, and not where several rows would wait for their unpacking.
// CHECK-LABEL: func.func @codes_of_more_bits(
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpmaddubsw.codes.4", {{.*}}weight_bits = 5 : i64}
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpmaddubsw.codes.2", {{.*}}weight_bits = 6 : i64}
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpmaddubsw.codes.2", {{.*}}weight_bits = 6 : i64}
// DOTPROD: qc.kernel "contract"{{.*}} {dot = "aarch64.sdot", {{.*}}weight_bits = 5 : i64}
// DOTPROD: qc.kernel "contract"{{.*}} {dot = "aarch64.sdot", {{.*}}weight_bits = 6 : i64}
// DOTPROD: qc.kernel "contract"{{.*}} {dot = "aarch64.sdot", tile = array<i64: {{[0-9, ]+}}>} :
// SCALAR: qc.kernel "contract"{{.*}}weight_bits = 5 : i64}
// SCALAR: qc.kernel "contract"{{.*}}weight_bits = 6 : i64}
// SCALAR: qc.kernel "contract"{{.*}}weight_bits = 6 : i64}
func.func @codes_of_more_bits(%x: tensor<1x32xi8> {qc.name = "x"}, %u: tensor<16x32xi8> {qc.name = "u"}) -> (tensor<1x32xi32>, tensor<1x32xi32>, tensor<16x32xi32>) {
  %f = qc.constant dense<"0xF10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00010F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F01F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00010F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F01F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00010F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F01F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00010F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F01F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00010F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F01F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00010F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F01F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00010F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F01F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00010F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F01F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F0001F10F00"> : tensor<32x32xi8>
  %y = qc.matmul %x, %f {acc_bound = 31744 : ui64} : (tensor<1x32xi8>, tensor<32x32xi8>) -> tensor<1x32xi32>
  %s = qc.constant dense<"0xE11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00011F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E10001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F01E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00011F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E10001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F01E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00011F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E10001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F01E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00011F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E10001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F01E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00011F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E10001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F01E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00011F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E10001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F01E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00011F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E10001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F01E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00011F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E10001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F01E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F0001E11F00"> : tensor<32x32xi8>
  %z = qc.matmul %x, %s {acc_bound = 64512 : ui64} : (tensor<1x32xi8>, tensor<32x32xi8>) -> tensor<1x32xi32>
  %t = qc.matmul %u, %s {acc_bound = 64512 : ui64} : (tensor<16x32xi8>, tensor<32x32xi8>) -> tensor<16x32xi32>
  return %y, %z, %t : tensor<1x32xi32>, tensor<1x32xi32>, tensor<16x32xi32>
}

// Codes around 0: two steps add up in i16 where they are small, whatever the weights. Not of codes that lie elsewhere.
// CHECK-LABEL: func.func @centered(
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpxor.2", scratch_bytes = 640 : i64, tile = array<i64: 1, 4>}
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpsignb", tile =
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpxor.2", scratch_bytes = 640 : i64, tile = array<i64: 1, 4>}
func.func @centered(%x: tensor<1x128xi8> {qc.name = "x"}) -> (tensor<1x32xi32>, tensor<1x32xi32>, tensor<1x32xi32>) {
  %w = qc.constant dense<127> : tensor<128x32xi8>
  %y = qc.matmul %x, %w {acc_bound = 2080768 : ui64, qc.centered} : (tensor<1x128xi8>, tensor<128x32xi8>) -> tensor<1x32xi32>
  %z = qc.matmul %x, %w {acc_bound = 2080768 : ui64} : (tensor<1x128xi8>, tensor<128x32xi8>) -> tensor<1x32xi32>
  %v = qc.constant dense<-128> : tensor<128x32xi8>
  %u = qc.matmul %x, %v {acc_bound = 2097152 : ui64, qc.centered} : (tensor<1x128xi8>, tensor<128x32xi8>) -> tensor<1x32xi32>
  return %y, %z, %u : tensor<1x32xi32>, tensor<1x32xi32>, tensor<1x32xi32>
}

// One position reads every weight once: the signs of activations move to the weights, unless one is -128.
// CHECK-LABEL: func.func @single_position(
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpsignb", tile =
// AVX2: qc.kernel "contract"{{.*}} {dot = "x86.vpmaddwd"
func.func @single_position(%x: tensor<1x8xi8> {qc.name = "x"}) -> (tensor<1x8xi32>, tensor<1x8xi32>) {
  %w = qc.constant dense<127> : tensor<8x8xi8>
  %v = qc.constant dense<-128> : tensor<8x8xi8>
  %y = qc.matmul %x, %w {acc_bound = 130048 : ui64} : (tensor<1x8xi8>, tensor<8x8xi8>) -> tensor<1x8xi32>
  %z = qc.matmul %x, %v {acc_bound = 131072 : ui64} : (tensor<1x8xi8>, tensor<8x8xi8>) -> tensor<1x8xi32>
  return %y, %z : tensor<1x8xi32>, tensor<1x8xi32>
}

// Products of elements, behind which a requantization follows in registers; not where one side is broadcast, or 32 bits do not hold them.
// CHECK-LABEL: func.func @product_of_elements(
// CHECK: qc.kernel "pointwise"(%arg0, %arg1)
// CHECK: qc.mul
// CHECK-NEXT: qc.requantize
func.func @product_of_elements(%x: tensor<4x8xi8> {qc.name = "x"}, %y: tensor<4x8xui8> {qc.name = "y"}) -> tensor<4x8xi8> {
  %m = qc.mul %x, %y {lhs_zero_point = 3, rhs_zero_point = 128, acc_bound = 16768 : ui64} : (tensor<4x8xi8>, tensor<4x8xui8>) -> tensor<4x8xi32>
  %r = qc.requantize %m {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 31>, zero_point = 0, code_min = -128,
                         code_max = 127, rounding = #qc<rounding onnx>} : (tensor<4x8xi32>) -> tensor<4x8xi8>
  return %r : tensor<4x8xi8>
}

// CHECK-LABEL: func.func @no_product_of_elements(
// CHECK-NOT: qc.kernel
// CHECK: return
func.func @no_product_of_elements(%x: tensor<4x8xi8> {qc.name = "x"}, %y: tensor<8xi8> {qc.name = "y"}, %z: tensor<4x8xi16> {qc.name = "z"}) -> (tensor<4x8xi32>, tensor<4x8xi64>) {
  %0 = qc.mul %x, %y {acc_bound = 16384 : ui64} : (tensor<4x8xi8>, tensor<8xi8>) -> tensor<4x8xi32>
  %1 = qc.mul %z, %z {lhs_zero_point = -32768, rhs_zero_point = -32768, acc_bound = 4294836225 : ui64} : (tensor<4x8xi16>, tensor<4x8xi16>) -> tensor<4x8xi64>
  return %0, %1 : tensor<4x8xi32>, tensor<4x8xi64>
}
