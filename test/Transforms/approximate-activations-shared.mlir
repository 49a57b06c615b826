// Equal functions are fitted once and stored once; what a calibration saw decides where pieces are exact.
// RUN: qopt %s --qc-approximate-activations -split-input-file 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: qopt %s --qc-approximate-activations='form=pwl pieces=3 weights=uniform' -split-input-file 2>/dev/null | FileCheck %s --check-prefix=UNIFORM
// RUN: qopt %s --qc-approximate-activations='form=pwl pieces=3 weights=histogram' -split-input-file 2>/dev/null | FileCheck %s --check-prefix=WEIGHTED
// A shared curve is kept once.
// RUN: qopt %s --qc-approximate-activations=curves -split-input-file 2>/dev/null | FileCheck %s --check-prefix=CURVES
// RUN: not qopt %s --qc-approximate-activations=weights=samples -split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REFUSED
// REFUSED: weights=samples: use uniform or histogram

!x = !quant.uniform<i8:f32, 0.0625>
!y = !quant.uniform<i8:f32, 0.0078125>
!z = !quant.uniform<i8:f32, 0.015625>
!w = !quant.uniform<i16:f32, 0.000244140625>

// The second tanh has the first one's table; another scale of the result does not; a function that is written otherwise does.
// CHECK-LABEL: func @shared_tables
// CHECK-SAME: {bytes = 256 : i64, {{.*}}name = "one"
// CHECK-SAME: {bytes = 0 : i64, {{.*}}name = "two", pieces = 256 : i64, shared_with = "one"}
// CHECK-SAME: {bytes = 256 : i64, {{.*}}name = "three"
// CHECK-SAME: {bytes = 0 : i64, {{.*}}function = "odd", {{.*}}name = "four", pieces = 256 : i64, shared_with = "one"}
// REMARK: node 'one' (tanh): table, 256 entries, 256 bytes, error at most
// REMARK: node 'two' (tanh): table, 256 entries, 0 bytes, shared with 'one', error at most
// REMARK: node 'three' (tanh): table, 256 entries, 256 bytes, error at most
// REMARK: node 'four' (odd): table, 256 entries, 0 bytes, shared with 'one', error at most
// CURVES-LABEL: func @shared_tables
// CURVES-SAME: curve = {{.*}}name = "one"
// CURVES-SAME: {bytes = 0 : i64, form = "table", {{.*}}name = "two"
func.func @shared_tables(%x: tensor<4x!x>) -> (tensor<4x!y>, tensor<4x!y>, tensor<4x!z>, tensor<4x!y>) {
  %0 = qc.activation tanh %x : tensor<4x!x> -> tensor<4x!y> loc("one")
  %1 = qc.activation tanh %x : tensor<4x!x> -> tensor<4x!y> loc("two")
  %2 = qc.activation tanh %x : tensor<4x!x> -> tensor<4x!z> loc("three")
  %3 = qc.function "odd" %x : tensor<4x!x> -> tensor<4x!y> {
  ^bb0(%a: tensor<f32>):
    %t = qc.activation tanh %a : tensor<f32> -> tensor<f32>
    qc.yield %t : tensor<f32>
  } loc("four")
  return %0, %1, %2, %3 : tensor<4x!y>, tensor<4x!y>, tensor<4x!z>, tensor<4x!y>
}

// Pieces say what a table would cost.
// REMARK: node 'wide' (tanh): pwl, equal pieces, {{[0-9]+}} pieces, {{[0-9]+}} bytes instead of 65536 for a table, error at most {{.*}} (asked for: 1.000000e+00)
// CHECK-LABEL: func @pieces
// CHECK-SAME: table_bytes = 65536 : i64
func.func @pieces(%x: tensor<4x!w>) -> tensor<4x!y> {
  %0 = qc.activation tanh %x : tensor<4x!w> -> tensor<4x!y> loc("wide")
  return %0 : tensor<4x!y>
}

// -----

// Nearly all inputs were between 2 and 3: the weighted mean of the errors is less than with all codes alike, the bound the same.
!x = !quant.uniform<i8:f32, 0.0625>
!y = !quant.uniform<i16:f32, 0.000030517578125>
// UNIFORM-LABEL: func @weights
// UNIFORM-SAME: max_error = [[MAX:.*]] : f64, mean_error = {{.*}} : f64, name = "weights", pieces = 3 : i64, table_bytes = 512 : i64}]
// WEIGHTED-LABEL: func @weights
// WEIGHTED-SAME: name = "weights", pieces = 3 : i64, table_bytes = 512 : i64, weighted_error =
func.func @weights(%x: tensor<4x!x>) -> tensor<4x!y> {
  %0 = qc.activation tanh %x {qc.histogram = {counts = array<i64: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100000, 0, 0, 0, 0, 0>, high = 8.0 : f64, low = -8.0 : f64}}
     : tensor<4x!x> -> tensor<4x!y> loc("weights")
  return %0 : tensor<4x!y>
}
