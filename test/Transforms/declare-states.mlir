// Outputs that are the next sample's inputs: marked, checked, calibrated in order, and of one scale with their inputs.
// RUN: qopt %s --qc-declare-states='state=h:hn reset-every=3' | FileCheck %s
// RUN: qopt %s --qc-declare-states='state=h:hn reset-every=3' --qc-declare-states='state=h:hn reset-every=3' | FileCheck %s
// RUN: not qopt %s --qc-declare-states='state=h:y' 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not qopt %s --qc-declare-states='state=g:gn,h:hn,h:hn' 2>&1 | FileCheck %s --check-prefix=NAMES
// RUN: not qopt %s --qc-pipeline='stop-after=annotated reset-every=3' 2>&1 | FileCheck %s --check-prefix=RESET

// RUN: sed -e 's/qc.name = "h"}/qc.name = "h", qc.state = "hn"}/' -e 's/"hn"}) {/"hn"}) attributes {qc.reset_every = 0 : i64} {/' %s > %t.zero.mlir
// RUN: sed -e 's/qc.name = "h"}/qc.name = "h", qc.state = "y"}/' %s > %t.type.mlir

// CHECK: func.func @main(%arg0: tensor<2xf32> {qc.name = "x"}, %arg1: tensor<2xf32> {qc.name = "h", qc.state = "hn"})
// CHECK-SAME: attributes {qc.reset_every = 3 : i64}
// TYPE: error: state 'h:y': input and output must have one type
// NAMES: error: state 'g:gn': no input 'g'; the inputs are 'x', 'h'
// NAMES: error: state 'g:gn': no output 'gn'; the outputs are 'y', 'hn'
// NAMES: error: state 'h:hn': the input has another output already
// RESET: reset-every: use a positive number, with state
func.func @main(%x: tensor<2xf32> {qc.name = "x"}, %h: tensor<2xf32> {qc.name = "h"}) -> (tensor<1x2xf32> {qc.name = "y"}, tensor<2xf32> {qc.name = "hn"}) {
  %s = qc.add %x, %h : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32> loc("sum")
  %y = qc.reshape %s : tensor<2xf32> -> tensor<1x2xf32> loc("flat")
  return %y, %s : tensor<1x2xf32>, tensor<2xf32>
}

// Samples of 1 to 6 in two sequences of three: the sum reaches 1 + 2 + 3 and 4 + 5 + 6 (all six of one sequence: 21), whichever way samples are
// spread over threads, and what the array of the state holds counts at the start of a sequence only.
// RUN: %python -c "import numpy as np; np.savez('%t.npz', x=np.arange(1, 7, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32))"
// RUN: %python -c "import numpy as np; np.savez('%t.h.npz', x=np.arange(1, 7, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32), h=np.array([100, 7, 7, 0, 7, 7], np.float32)[:, None] * np.ones((1, 2), np.float32))"
// RUN: not qopt %t.zero.mlir --qc-insert-observers --qc-calibrate=samples=%t.npz 2>&1 | FileCheck %s --check-prefix=ZERO
// ZERO: error: calibration file '{{.*}}': qc.reset_every = 0: use a positive number of samples
// RUN: not qopt %t.type.mlir --qc-insert-observers --qc-calibrate=samples=%t.npz 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: error: calibration file '{{.*}}': the state 'h' and the result that it continues have different types
// RUN: qopt %s --qc-pipeline='stop-after=annotated state=h:hn reset-every=3 calibrator=minmax calib=%t.npz' | FileCheck %s --check-prefix=THREE
// RUN: qopt %s --qc-declare-states='state=h:hn reset-every=3' --qc-insert-observers --qc-calibrate='calibrator=minmax samples=%t.npz shards=1' | FileCheck %s --check-prefix=SHARD
// RUN: qopt %s --qc-pipeline='stop-after=annotated state=h:hn calibrator=minmax calib=%t.npz' | FileCheck %s --check-prefix=ALL
// RUN: qopt %s --qc-pipeline='stop-after=annotated state=h:hn reset-every=3 calibrator=minmax calib=%t.h.npz' | FileCheck %s --check-prefix=START
// THREE: id = "h", max = 1.500000e+01
// THREE: id = "sum", max = 1.500000e+01
// SHARD: id = "h", max = 9.000000e+00
// SHARD: id = "sum", max = 1.500000e+01
// ALL: id = "h", max = 2.100000e+01
// START: id = "sum", max = 1.060000e+02
