// What quantization costs at each tensor, in numbers that can be followed by hand, and what is said where nothing can be measured.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: %python %S/../Tools/Inputs/npz.py make %t/one.npz "x=np.array([[[3,4]]],np.float32)"
// RUN: qopt %t/net.mlir --qc-measure-errors="samples=%t/one.npz" | FileCheck %s --implicit-check-not="module @"

// One sample, x = (3, 4), weights (1, 0.6), which codes hold as (1, 0.5). Codes of x are multiples of 2, so x becomes (4, 4): signal 25, error 1, 13.98 dB.
// y is 3 + 2.4 = 5.4. With the weights' codes it is 5: 20 log10(5.4 / 0.4) = 22.61 dB. Rounded to a multiple of 2, 5.4 becomes 6: 20 log10(5.4 / 0.6) =
// 19.08 dB. Both: 5 / 2 is 2.5, a tie, which goes to the even 2, y = 4: 20 log10(5.4 / 1.4) = 11.73 dB. The quantized network has 4 + 2 = 6: 19.08 dB again.
// CHECK: qc.errors = {available = 1 : i64,
// CHECK-SAME: outputs = [{name = "y", sqnr_db = 1.908000e+01 : f64}], samples = 1 : i64, tensors = [
// CHECK-SAME: {all_codes = 256 : i64, codes = 1 : i64, cumulative_db = 1.398000e+01 : f64, histogram = {
// CHECK-SAME: name = "x", observed = array<f64: 0.000000e+00, 4.000000e+00>, op = "input", own_db = 1.398000e+01 : f64,
// CHECK-SAME: range = array<f64: -2.560000e+02, 2.540000e+02>, rounding_db = 1.398000e+01 : f64, saturated = 0.000000e+00 : f64, type = "i8"}
// CHECK-SAME: cumulative_db = 1.908000e+01 : f64, histogram = {
// CHECK-SAME: name = "y", {{.*}}op = "matmul", own_db = 1.173000e+01 : f64, {{.*}}rounding_db = 1.908000e+01 : f64, saturated = 0.000000e+00 : f64, type = "i8", weight_bits = 8 : i64, weights_db = 2.261000e+01 : f64}

// Codes of -8 to 7 by 1 do not reach 10 and -20, two of eight values; errors 3 and 12 of a signal of 539: 10 log10(539 / 153) = 5.47 dB. What only moves has no
// error of its own. What the float network rounds itself is no error at all (a unit attribute).
// RUN: %python %S/../Tools/Inputs/npz.py make %t/two.npz "x=np.array([[10,3,-20,0],[1,2,3,4],[9,9,9,9]],np.float32)"
// RUN: qopt %t/moves.mlir --qc-measure-errors="samples=%t/two.npz limit=2" | FileCheck %s --check-prefix=MOVES
// MOVES: available = 3 : i64, outputs = [{name = "y", rows = 2 : i64, same_largest = 2 : i64, sqnr_db}], samples = 2 : i64
// MOVES-SAME: {all_codes = 16 : i64, codes = 7 : i64, cumulative_db = 5.470000e+00 : f64,
// MOVES-SAME: histogram = {float = array<i64: 1, 0,{{[^>]*}}, 1>, high = 1.000000e+01 : f64, low = -2.000000e+01 : f64, quantized = array<i64: 0, 0,{{[^>]*}}, 0>},
// MOVES-SAME: name = "x", observed = array<f64: -2.000000e+01, 1.000000e+01>, op = "input", own_db = 5.470000e+00 : f64, {{[^}]*}}saturated = 2.500000e-01 : f64, type = "i4"}
// MOVES-SAME: {all_codes = 16 : i64, codes = 7 : i64, cumulative_db = 5.470000e+00 : f64,
// MOVES-SAME: name = "r", observed = array<f64: -2.000000e+01, 1.000000e+01>, op = "reshape", range = array<f64: -8.000000e+00, 7.000000e+00>, saturated
// MOVES-SAME: cumulative_db, histogram =
// MOVES-SAME: name = "own", observed = array<f64: -8.000000e+00, 7.000000e+00>, op = "reshape", range =

// Without a kept network nothing is measured, and no sample is read.
// RUN: qopt %t/plain.mlir --qc-measure-errors="samples=%t/absent.npz" | FileCheck %s --check-prefix=PLAIN
// PLAIN: func.func @net(%arg0: tensor<4xf32>) -> tensor<4xf32> {

// RUN: not qopt %t/net.mlir --qc-measure-errors="samples=%t/absent.npz" 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: {{.*}}absent.npz
// RUN: not qopt %t/net.mlir --qc-measure-errors="samples=%t/one.npz limit=0" 2>&1 | FileCheck %s --check-prefix=LIMIT
// LIMIT: error: limit=0: use 1 or more samples
// RUN: not qopt %t/lost.mlir --qc-measure-errors="samples=%t/one.npz" 2>&1 | FileCheck %s --check-prefix=LOST
// LOST: error: is kept, but there is no quantized function @net with its arguments
// RUN: %python %S/../Tools/Inputs/npz.py make %t/nan.npz "x=np.array([[[3,np.nan]]],np.float32)"
// RUN: not qopt %t/net.mlir --qc-measure-errors="samples=%t/nan.npz" 2>&1 | FileCheck %s --check-prefix=NAN
// NAN: error: {{.*}}tensor 'x' holds a value that is not finite for sample 0 of '{{.*}}nan.npz'

//--- net.mlir
!x = !quant.uniform<i8:f32, 2.0>
!w = !quant.uniform<i8<-127:127>:f32, 0.5>
func.func @net(%x: tensor<1x2xf32> {qc.name = "x"}) -> (tensor<1x1xf32> {qc.name = "y"}) {
  %0 = quant.qcast %x : tensor<1x2xf32> to tensor<1x2x!x> loc("x")
  %1 = quant.dcast %0 : tensor<1x2x!x> to tensor<1x2xf32> loc("x")
  %2 = qc.constant dense<[[2], [1]]> : tensor<2x1xi8> -> tensor<2x1x!w>
  %3 = quant.dcast %2 : tensor<2x1x!w> to tensor<2x1xf32>
  %4 = qc.matmul %1, %3 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32> loc("y"("node"))
  %5 = quant.qcast %4 : tensor<1x1xf32> to tensor<1x1x!x> loc("y")
  %6 = quant.dcast %5 : tensor<1x1x!x> to tensor<1x1xf32> loc("y")
  return %6 : tensor<1x1xf32>
}
module @float {
  func.func @net(%x: tensor<1x2xf32> {qc.name = "x"}) -> (tensor<1x1xf32> {qc.name = "y"}) {
    %0 = qc.observe %x {id = "x", code = i8, min = -256.0 : f64, max = 254.0 : f64} : tensor<1x2xf32>
    %1 = qc.constant dense<[[1.0], [0.6]]> : tensor<2x1xf32>
    %2 = qc.matmul %0, %1 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32> loc("y"("node"))
    %3 = qc.observe %2 {id = "y", code = i8, min = -256.0 : f64, max = 254.0 : f64} : tensor<1x1xf32>
    return %3 : tensor<1x1xf32>
  }
}
//--- moves.mlir
!x = !quant.uniform<i4:f32, 1.0>
func.func @net(%x: tensor<4xf32> {qc.name = "x"}) -> (tensor<4xf32> {qc.name = "y"}) {
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!x> loc("x")
  %1 = quant.dcast %0 : tensor<4x!x> to tensor<4xf32> loc("x")
  %2 = qc.reshape %1 : tensor<4xf32> -> tensor<2x2xf32> loc("r")
  %3 = quant.qcast %2 : tensor<2x2xf32> to tensor<2x2x!x> loc("r")
  %4 = quant.dcast %3 : tensor<2x2x!x> to tensor<2x2xf32> loc("r")
  %5 = qc.reshape %4 : tensor<2x2xf32> -> tensor<4xf32> loc("own")
  %6 = quant.qcast %5 : tensor<4xf32> to tensor<4x!x> loc("own")
  %7 = quant.dcast %6 : tensor<4x!x> to tensor<4xf32> loc("own")
  return %7 : tensor<4xf32>
}
module @float {
  func.func @net(%x: tensor<4xf32> {qc.name = "x"}) -> (tensor<4xf32> {qc.name = "y"}) {
    %0 = qc.observe %x {id = "x", code = i4, min = -8.0 : f64, max = 7.0 : f64} : tensor<4xf32>
    %1 = qc.reshape %0 : tensor<4xf32> -> tensor<2x2xf32> loc("r")
    %2 = qc.observe %1 {id = "r", code = i4, min = -8.0 : f64, max = 7.0 : f64} : tensor<2x2xf32>
    %3 = qc.reshape %2 : tensor<2x2xf32> -> tensor<4xf32> loc("own")
    %4 = quant.qcast %3 : tensor<4xf32> to tensor<4x!x> loc("own")
    %5 = quant.dcast %4 : tensor<4x!x> to tensor<4xf32> loc("own")
    return %5 : tensor<4xf32>
  }
}
//--- plain.mlir
func.func @net(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
//--- lost.mlir
func.func @other(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  return %x : tensor<1x2xf32>
}
module @float {
  func.func @net(%x: tensor<1x2xf32> {qc.name = "x"}) -> tensor<1x2xf32> {
    return %x : tensor<1x2xf32>
  }
}
