// One violation of each rule, at each stage that has it.
// RUN: split-file %s %t
// RUN: not qopt %t/import.mlir --qc-verify-stage=stage=import 2>&1 | FileCheck %s --check-prefix=IMPORT
// IMPORT: 'func.func' argument 0 has no 'qc.name' (after stage 'import')
// IMPORT: 'func.func' result 0 has no 'qc.name'
// IMPORT: 'qc.activation' does not carry the name of its node as location
// IMPORT: 'qc.observe' must not occur at this stage
// IMPORT: 'qc.lut' exists from stage 'integer' on

// RUN: not qopt %t/foreign.mlir --qc-verify-stage=stage=graph 2>&1 | FileCheck %s --check-prefix=FOREIGN
// FOREIGN: 'arith.constant' belongs to none of the dialects qc, quant and func

// RUN: not qopt %t/external.mlir --qc-verify-stage=stage=graph 2>&1 | FileCheck %s --check-prefix=EXTERNAL
// EXTERNAL: 'func.func' is not a function with one block
// EXTERNAL: 'func.func' has an argument or result that is not a tensor of static shape

// RUN: not qopt %t/graph.mlir --qc-verify-stage=stage=graph 2>&1 | FileCheck %s --check-prefix=GRAPH
// GRAPH: 'qc.reshape' changes nothing and should be gone

// RUN: not qopt %t/annotated.mlir --qc-verify-stage=stage=annotated 2>&1 | FileCheck %s --check-prefix=ANNOTATED
// ANNOTATED: 'func.func' has 1 tensor without a range: 'x'; pass calibration samples with -calib=<file.npz> or ranges with -ranges=<file.json> (after stage 'annotated')
// ANNOTATED: 'qc.observe' observes an edge that is observed or quantized already
// ANNOTATED: 'qc.activation' operand 0 is an edge without observe
// ANNOTATED: 'qc.observe' is not the only observe of its edge
// ANNOTATED: 'qc.observe' is not the only observe of its edge

// RUN: not qopt %t/qdq.mlir --qc-verify-stage=stage=qdq 2>&1 | FileCheck %s --check-prefix=QDQ
// QDQ: 'qc.matmul' operand 1 is a constant that is not encoded

// RUN: not qopt %t/quantized.mlir --qc-verify-stage=stage=quantized 2>&1 | FileCheck %s --check-prefix=QUANTIZED
// QUANTIZED: 'quant.dcast' stands neither at the function's boundary nor in front of an op that says why it stays in float
// QUANTIZED: 'qc.activation' computes in float without a reason ('qc.float_reason')
// QUANTIZED: 'quant.qcast' stands neither at the function's boundary nor behind an op that says why it stays in float

// RUN: not qopt %t/integer.mlir --qc-verify-stage=stage=integer 2>&1 | FileCheck %s --check-prefix=INTEGER
// INTEGER: 'func.func' has a quantized type
// INTEGER: 'qc.reshape' has a quantized type
// INTEGER: 'qc.activation' computes in float without a reason ('qc.float_reason')
// INTEGER: 'qc.function' computes in float without a reason ('qc.float_reason')
// INTEGER: 'qc.function' must not be left at this stage
// INTEGER: 'qc.add' narrows from 32 to 8 bits, which only qc.requantize may

// RUN: not qopt %t/integer.mlir --qc-verify-stage=stage=linalg 2>&1 | FileCheck %s --check-prefix=LINALG
// LINALG: 'qc.reshape' must not be left at this stage
// RUN: not qopt %t/signed.mlir --qc-verify-stage=stage=linalg 2>&1 | FileCheck %s --check-prefix=SIGNED
// SIGNED: 'func.func' has a type that carries its sign; only extsi and extui may

// RUN: not qopt %t/buffers.mlir --qc-verify-stage=stage=buffers 2>&1 | FileCheck %s --check-prefix=BUFFERS
// BUFFERS: 'tensor.empty' has a tensor type
// BUFFERS: 'memref.alloc' would need a heap

// RUN: not qopt %t/buffers.mlir --qc-verify-stage=stage=llvm 2>&1 | FileCheck %s --check-prefix=LLVM
// LLVM: 'func.func' does not belong to the llvm dialect
// LLVM: 'llvm.func' declares the external symbol 'malloc'

// RUN: not qopt %t/buffers.mlir --qc-verify-stage=stage=later 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: 'later' is no stage

// What holds is not complained about.
// RUN: qopt %t/good.mlir --qc-verify-stage=stage=import --qc-verify-stage=stage=graph --qc-verify-stage=stage=qdq | FileCheck %s --check-prefix=GOOD
// GOOD: qc.activation
// RUN: qopt %t/good-annotated.mlir --qc-verify-stage=stage=annotated | FileCheck %s --check-prefix=GOOD
// RUN: qopt %t/good-quantized.mlir --qc-verify-stage=stage=quantized | FileCheck %s --check-prefix=GOOD
// RUN: qopt %t/good-integer.mlir --qc-verify-stage=stage=integer | FileCheck %s --check-prefix=GOOD

//--- import.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = qc.activation tanh %x : tensor<2xf32> -> tensor<2xf32>
  %o = qc.observe %a {id = "o", code = i8} : tensor<2xf32>
  %c = qc.constant dense<0> : tensor<2xi2>
  %t = qc.constant dense<0> : tensor<4xi8>
  %l = qc.lut %c, %t : (tensor<2xi2>, tensor<4xi8>) -> tensor<2xi8> loc("named")
  return %o : tensor<2xf32>
}
//--- foreign.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = arith.constant dense<0.0> : tensor<2xf32>
  return %x : tensor<2xf32>
}
//--- external.mlir
func.func private @main(tensor<?xf32>)
//--- graph.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = qc.reshape %x : tensor<2xf32> -> tensor<2xf32>
  return %a : tensor<2xf32>
}
//--- annotated.mlir
func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qc.observe %x {id = "x", code = i8} : tensor<2xf32>
  %1 = qc.observe %0 {id = "x2", code = i8, min = 0.0 : f64, max = 1.0 : f64} : tensor<2xf32>
  %2 = qc.activation tanh %y : tensor<2xf32> -> tensor<2xf32>
  %3 = qc.observe %2 {id = "y", code = i8, min = 0.0 : f64, max = 1.0 : f64} : tensor<2xf32>
  %4 = qc.observe %2 {id = "y2", code = i8, min = 0.0 : f64, max = 1.0 : f64} : tensor<2xf32>
  return %3 : tensor<2xf32>
}
//--- qdq.mlir
func.func @main(%q: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1xf32> {
  %x = quant.dcast %q : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %w = qc.constant dense<1.0> : tensor<1x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
//--- quantized.mlir
func.func @main(%q: tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x!quant.uniform<i8:f32, 0.5>> {
  %x = quant.dcast %q : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %y = qc.activation tanh %x : tensor<2xf32> -> tensor<2xf32>
  %z = quant.qcast %y : tensor<2xf32> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  return %z : tensor<2x!quant.uniform<i8:f32, 0.5>>
}
//--- integer.mlir
func.func @run(%q: tensor<2x!quant.uniform<i8:f32, 0.5>>, %x: tensor<2xf32>, %i: tensor<2xi32>) -> tensor<2xf32> {
  %r = qc.reshape %q : tensor<2x!quant.uniform<i8:f32, 0.5>> -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  %y = qc.activation tanh %x : tensor<2xf32> -> tensor<2xf32>
  %f = qc.function "f" %x : tensor<2xf32> -> tensor<2xf32> {
  ^bb0(%a: tensor<f32>):
    qc.yield %a : tensor<f32>
  }
  %m = qc.add %i, %i : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi8>
  return %y : tensor<2xf32>
}
//--- signed.mlir
func.func @run(%x: tensor<2xui8>) -> tensor<2xui8> {
  return %x : tensor<2xui8>
}
//--- buffers.mlir
func.func @run() {
  %t = tensor.empty() : tensor<2xi8>
  %m = memref.alloc() : memref<2xi8>
  return
}
llvm.func @malloc(i64) -> !llvm.ptr
//--- good.mlir
func.func @main(%x: tensor<2xf32> {qc.name = "x"}) -> (tensor<2xf32> {qc.name = "y"}) {
  %a = qc.activation tanh %x : tensor<2xf32> -> tensor<2xf32> loc("y"("node"))
  return %a : tensor<2xf32>
}
//--- good-annotated.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qc.observe %x {id = "x", code = i8, min = 0.0 : f64, max = 1.0 : f64} : tensor<2xf32>
  %1 = qc.activation tanh %0 : tensor<2xf32> -> tensor<2xf32>
  %2 = qc.observe %1 {id = "y", code = i8, min = 0.0 : f64, max = 1.0 : f64} : tensor<2xf32>
  %3 = qc.softmax %2 {axis = 0} : tensor<2xf32> -> tensor<2xf32>
  return %3 : tensor<2xf32>
}
//--- good-quantized.mlir
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = quant.qcast %x : tensor<2xf32> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  %1 = qc.activation tanh %0 : tensor<2x!quant.uniform<i8:f32, 0.5>> -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  %2 = quant.dcast %1 : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  %3 = qc.softmax %2 {axis = 0, qc.float_reason = "softmax"} : tensor<2xf32> -> tensor<2xf32>
  %4 = quant.qcast %3 : tensor<2xf32> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  %5 = quant.dcast %4 : tensor<2x!quant.uniform<i8:f32, 0.5>> to tensor<2xf32>
  return %5 : tensor<2xf32>
}
//--- good-integer.mlir
func.func @run_f32(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = qc.activation tanh %x : tensor<2xf32> -> tensor<2xf32>
  return %a : tensor<2xf32>
}
