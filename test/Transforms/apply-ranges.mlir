// Ranges from a file, and what is said about files that do not fit.
// RUN: split-file %s %t
// RUN: qopt %t/main.mlir --qc-apply-ranges=file=%t/good.json | FileCheck %s
// CHECK: id = "a", max = 2.500000e+00 : f64, min = -1.000000e+00 : f64
// Zero is made part of the range.
// CHECK: id = "b", max = 4.000000e+00 : f64, min = 0.000000e+00 : f64

// An observe that has a range needs none from the file.
// RUN: qopt %t/ranged.mlir --qc-apply-ranges=file=%t/only-b.json | FileCheck %s --check-prefix=PARTIAL
// PARTIAL: id = "a", max = 9.000000e+00 : f64
// PARTIAL: id = "b", max = 3.000000e+00 : f64

// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/only-b.json 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: error: range file '{{.*}}' lacks 1 of the network's tensors: 'a'; add them, or write a complete file with -calib= and -dump-ranges=

// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/unknown.json 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: range file '{{.*}}' names 2 tensors that the network does not have: 'y', 'z'; remove them, or pass the file that belongs to this model

// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/absent.json 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: range file '{{.*}}absent.json': cannot be read: No such file or directory
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/text.json 2>&1 | FileCheck %s --check-prefix=TEXT
// TEXT: error: range file '{{.*}}': is not JSON
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/array.json 2>&1 | FileCheck %s --check-prefix=ARRAY
// ARRAY: must be an object {"version": 1, "ranges": {...}}
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/version.json 2>&1 | FileCheck %s --check-prefix=VERSION
// VERSION: needs "version": 1
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/key.json 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: unknown key 'scale'; known are 'version' and 'ranges'
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/noranges.json 2>&1 | FileCheck %s --check-prefix=NORANGES
// NORANGES: "ranges" must be an object
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/triple.json 2>&1 | FileCheck %s --check-prefix=TRIPLE
// TRIPLE: the range of 'a' must be [min, max]
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/string.json 2>&1 | FileCheck %s --check-prefix=TRIPLE
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/swapped.json 2>&1 | FileCheck %s --check-prefix=SWAPPED
// SWAPPED: the range of 'a' has its minimum above its maximum
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/huge.json 2>&1 | FileCheck %s --check-prefix=HUGE
// HUGE: the range of 'a' exceeds f32

// Files made to break a parser.
// RUN: %python -c "open('%t/deep.json', 'w').write('[' * 1000000)"
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/deep.json 2>&1 | FileCheck %s --check-prefix=DEEP
// DEEP: is no range file: brackets nest too deep
// RUN: %python -c "open('%t/bytes.json', 'wb').write(bytes(range(256)) * 10)"
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/bytes.json 2>&1 | FileCheck %s --check-prefix=TEXT
// RUN: %python -c "open('%t/empty.json', 'w')"
// RUN: not qopt %t/main.mlir --qc-apply-ranges=file=%t/empty.json 2>&1 | FileCheck %s --check-prefix=TEXT

//--- main.mlir
func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = qc.observe %a {id = "a", code = i8} : tensor<4xf32>
  %1 = qc.observe %b {id = "b", code = i8} : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
//--- ranged.mlir
func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = qc.observe %a {id = "a", code = i8, min = 0.0 : f64, max = 9.0 : f64} : tensor<4xf32>
  %1 = qc.observe %b {id = "b", code = i8, min = 0.0 : f64, max = 9.0 : f64} : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
//--- good.json
{"version": 1, "ranges": {"a": [-1, 2.5], "b": [3, 4]}}
//--- only-b.json
{"version": 1, "ranges": {"b": [-1, 3]}}
//--- unknown.json
{"version": 1, "ranges": {"a": [-1, 2.5], "z": [0, 1], "b": [3, 4], "y": [0, 1]}}
//--- text.json
ranges: a
//--- array.json
[1, 2]
//--- version.json
{"version": 2, "ranges": {}}
//--- key.json
{"version": 1, "ranges": {}, "scale": 3}
//--- noranges.json
{"version": 1, "ranges": [1]}
//--- triple.json
{"version": 1, "ranges": {"a": [-1, 2.5, 3]}}
//--- string.json
{"version": 1, "ranges": {"a": ["-1", 2.5]}}
//--- swapped.json
{"version": 1, "ranges": {"a": [1, -1]}}
//--- huge.json
{"version": 1, "ranges": {"a": [-1e39, 1e300]}}
