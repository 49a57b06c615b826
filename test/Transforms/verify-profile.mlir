// Each rule of the hardware profiles with one violation, all of them at once, each with a remedy; what a profile allows passes.
// RUN: split-file %s %t
// RUN: not qopt %t/types.mlir --qc-verify-profile=profile=%t/strict.json 2>&1 | FileCheck %s --check-prefix=TYPES --implicit-check-not=error:
// TYPES: error: the network has the rounding contract ort; profile 'strict' allows pow2: -requant=pow2
// TYPES: error: the network has input 'x' of u8; profile 'strict' allows i8: -activations=i8, without another type in -constraints, or quantize the model anew if it brings its own codes
// TYPES: error: the network has input 'x' with the zero point 3; profile 'strict' allows none: -zero-points=false
// TYPES: error: the network has input 'x' with the scale 3.000000e-01; profile 'strict' allows powers of two: -requant=pow2
// TYPES: error: {{.*}}node 'fc' has a result of i4; profile 'strict' allows i8: -activations=i8
// TYPES: error: {{.*}}node 'fc' has weights of i4; profile 'strict' allows i8: -weights=i8
// TYPES: error: {{.*}}node 'fc' has weights with one scale per channel; profile 'strict' allows one per layer: -weight-granularity=tensor
// TYPES: error: {{.*}}node 'fc2' has weights with the zero point 1; profile 'strict' allows none: quantize the model anew, with symmetric weights
// TYPES: error: {{.*}}node 'sum' has a constant operand with the zero point 2; profile 'strict' allows none: -zero-points=false
// TYPES: error: {{.*}}node 'soft' has qc.softmax on codes; profile 'strict' allows it in float only: let it stay in float
// TYPES: error: {{.*}}node 'div' has qc.div in float (why); profile 'strict' allows no float: replace it in the model
// RUN: qopt %t/types.mlir --qc-verify-profile=profile=%t/anything.json -o /dev/null

// RUN: not qopt %t/integer.mlir --qc-verify-profile=profile=%t/strict.json 2>&1 | FileCheck %s --check-prefix=INTEGER --implicit-check-not=error:
// INTEGER: error: {{.*}}node 'fc' has sums that need 19 bits; profile 'strict' allows accumulators of 16 bits: fewer bits for its weights or its input, in -constraints
// INTEGER: error: {{.*}}node 'table' has a table of 256 entries; profile 'strict' allows at most 16: -activation-form=pwl
// INTEGER: error: {{.*}}node 'curve' has a function by pieces; profile 'strict' allows functions as table: -activation-form=table
// RUN: not qopt %t/integer.mlir --qc-verify-profile=profile=%t/pieces.json 2>&1 | FileCheck %s --check-prefix=PIECES --implicit-check-not=error:
// PIECES: error: {{.*}}node 'table' has a function as a table; profile 'pieces' allows functions as pwl: -activation-form=pwl
// PIECES: error: {{.*}}node 'curve' has 2 pieces; profile 'pieces' allows at most 1: a larger -max-activation-error
// RUN: qopt %t/integer.mlir --qc-verify-profile=profile=%t/anything.json -o /dev/null
// RUN: not qopt %t/integer.mlir --qc-verify-profile=profile=toaster 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: quant-profile=toaster: is neither a profile nor the name of a .json file; profiles are 'accelerator-4', {{.*}}'power-of-two'

//--- strict.json
{"version": 1, "name": "strict", "weights": {"codes": ["i8"], "granularity": "tensor", "zero_points": false}, "activations": {"codes": ["i8"], "zero_points": false},
 "scales": "power-of-two", "accumulator_bits": 16, "float": "forbidden", "functions": {"forms": ["table"], "table_entries": 16}, "without": ["softmax"]}
//--- pieces.json
{"version": 1, "name": "pieces", "weights": {"codes": ["i8"]}, "activations": {"codes": ["i8"]}, "functions": {"forms": ["pwl"], "pieces": 1}}
//--- anything.json
{"version": 1, "name": "anything", "weights": {"codes": ["i8", "i4"]}, "activations": {"codes": ["u8", "i8", "i4"]}}

//--- types.mlir
!x = !quant.uniform<u8:f32, 0.3:3>
!y = !quant.uniform<i4:f32, 0.5>
!q = !quant.uniform<i8:f32, 0.5>
module {
  func.func @main(%x: tensor<1x2x!x> {qc.name = "x"}) -> (tensor<1x2x!q>, tensor<1x2xf32>) attributes {qc.requant = "ort"} {
    %w = qc.constant dense<[[1, 2], [3, -4]]> : tensor<2x2xi4> -> tensor<2x2x!quant.uniform<i4<-7:7>:f32:1, {0.5, 1.0}>>
    %y = qc.matmul %x, %w : (tensor<1x2x!x>, tensor<2x2x!quant.uniform<i4<-7:7>:f32:1, {0.5, 1.0}>>) -> tensor<1x2x!y> loc("fc")
    %v = qc.constant dense<[[1, 2], [3, -4]]> : tensor<2x2xi8> -> tensor<2x2x!quant.uniform<i8:f32, 0.5:1>>
    %z = qc.matmul %y, %v : (tensor<1x2x!y>, tensor<2x2x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<1x2x!q> loc("fc2")
    %c = qc.constant dense<1> : tensor<1x2xi8> -> tensor<1x2x!quant.uniform<i8:f32, 0.5:2>>
    %s = qc.add %z, %c : (tensor<1x2x!q>, tensor<1x2x!quant.uniform<i8:f32, 0.5:2>>) -> tensor<1x2x!q> loc("sum")
    %m = qc.softmax %s {axis = 1 : i64} : tensor<1x2x!q> -> tensor<1x2x!q> loc("soft")
    %f = quant.dcast %m : tensor<1x2x!q> to tensor<1x2xf32>
    %d = qc.div %f, %f {qc.float_reason = "why"} : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32> loc("div")
    return %m, %d : tensor<1x2x!q>, tensor<1x2xf32>
  }
}

//--- integer.mlir
module {
  func.func @run(%x: tensor<1x16xi8>) -> (tensor<1x1xi32>, tensor<1x16xi8>, tensor<1x16xi16>) {
    %w = qc.constant dense<127> : tensor<16x1xi8>
    %y = qc.matmul %x, %w {acc_bound = 260096 : ui64} : (tensor<1x16xi8>, tensor<16x1xi8>) -> tensor<1x1xi32> loc("fc")
    %t = qc.constant dense<3> : tensor<256xi8>
    %l = qc.lut %x, %t : (tensor<1x16xi8>, tensor<256xi8>) -> tensor<1x16xi8> loc("table")
    %p = qc.pwl %x {knots = array<i32: 0>, slopes = array<i32: 1, 2>, intercepts = array<i32: 0, 0>, shift = 1 : i64, code_min = -128 : i64, code_max = 127 : i64, max_error = 0.0 : f64,
                    mean_error = 0.0 : f64} : tensor<1x16xi8> -> tensor<1x16xi16> loc("curve")
    return %y, %l, %p : tensor<1x1xi32>, tensor<1x16xi8>, tensor<1x16xi16>
  }
}
