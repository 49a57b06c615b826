// Calibration: each calibrator, independence of order and sharding, ranges to a file, and what is said about samples that do not fit.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: %python %t/samples.py %t

// Two inputs and what is computed from them; integers pass through.
// RUN: qopt %t/net.mlir --qc-calibrate="samples=%t/good.npz calibrator=minmax" | FileCheck %s --check-prefix=MINMAX
// MINMAX: id = "x", max = 4.000000e+00 : f64, min = -2.000000e+00 : f64
// A tensor of positive values has a range from zero.
// MINMAX: id = "p", max = 3.000000e+00 : f64, min = 0.000000e+00 : f64
// MINMAX: id = "s", max = 7.000000e+00 : f64, min = -1.000000e+00 : f64

// A range that is known stays; with all known, no sample is read.
// RUN: qopt %t/known.mlir --qc-calibrate="samples=%t/absent.npz dump=%t/known.json" | FileCheck %s --check-prefix=KNOWN
// KNOWN: max = 9.000000e+00 : f64
// RUN: FileCheck %s --check-prefix=DUMP --match-full-lines --strict-whitespace < %t/known.json
//      DUMP:{
// DUMP-NEXT:  "version": 1,
// DUMP-NEXT:  "ranges": {
// DUMP-NEXT:    "x\"y": [-0.10000000000000001, 9]
// DUMP-NEXT:  }
// DUMP-NEXT:}

// The result depends on the values only: not on the order of samples, not on how they are split among observers.
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/order1.npz shards=1 dump=%t/1.json" -o /dev/null
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/order2.npz shards=1 dump=%t/2.json" -o /dev/null
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/order1.npz shards=3 dump=%t/3.json" -o /dev/null
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/order2.npz shards=50 dump=%t/4.json" -o /dev/null
// RUN: cmp %t/1.json %t/2.json
// RUN: cmp %t/1.json %t/3.json
// RUN: cmp %t/1.json %t/4.json
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/order1.npz calibrator=entropy shards=1 dump=%t/1.json" -o /dev/null
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/order2.npz calibrator=entropy shards=7 dump=%t/2.json" -o /dev/null
// RUN: cmp %t/1.json %t/2.json
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/order1.npz calibrator=percentile shards=1 dump=%t/1.json" -o /dev/null
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/order2.npz calibrator=percentile shards=7 dump=%t/2.json" -o /dev/null
// RUN: cmp %t/1.json %t/2.json

// A normal distribution with one outlier in a thousand, fifty times as large: all but minmax reach 10 dB more at 8 bits. For a normal
// distribution at 2, 3 and 4 bits the mse calibrator reaches the known optimum within a fraction of a dB.
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/outliers.npz calibrator=minmax dump=%t/minmax.json" -o /dev/null
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/outliers.npz calibrator=percentile percentile=99.8 dump=%t/percentile.json" -o /dev/null
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/outliers.npz calibrator=mse dump=%t/mse.json" -o /dev/null
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/outliers.npz calibrator=entropy dump=%t/entropy.json" -o /dev/null
// RUN: qopt %t/bits2.mlir --qc-calibrate="samples=%t/order1.npz dump=%t/bits2.json" -o /dev/null
// RUN: qopt %t/bits3.mlir --qc-calibrate="samples=%t/order1.npz dump=%t/bits3.json" -o /dev/null
// RUN: qopt %t/bits4.mlir --qc-calibrate="samples=%t/order1.npz dump=%t/bits4.json" -o /dev/null
// RUN: %python %t/judge.py %t

// Types to choose from each have the range that is best for them: 16 bits keep the outliers that 8 bits cut off.
// RUN: qopt %t/choices.mlir --qc-calibrate="samples=%t/outliers.npz" -o %t/chosen.mlir
// RUN: %python %t/choices.py %t/chosen.mlir %t/outliers.npz

// What was an 8-bit integer once keeps its grid: 0.5 * (code - 10), seen from code -100 to 120.
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/grid.npz" | qopt --qc-materialize-casts | FileCheck %s --check-prefix=GRID
// GRID: !quant.uniform<i8:f32, 5.000000e-01:{{-?[0-9]+}}>

// Where the model brings its own quantization, its rounding is part of what is observed: 4 and -2 in steps of 3, times 2.
// RUN: qopt %t/rounded.mlir --qc-calibrate="samples=%t/rounded.npz calibrator=minmax" | FileCheck %s --check-prefix=ROUNDED
// ROUNDED: id = "m", max = 6.000000e+00 : f64, min = -6.000000e+00 : f64

// A tensor of zeros.
// RUN: qopt %t/one.mlir --qc-calibrate="samples=%t/zeros.npz" | FileCheck %s --check-prefix=ZEROS
// ZEROS: max = 0.000000e+00 : f64, min = 0.000000e+00 : f64

// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/good.npz calibrator=median" 2>&1 | FileCheck %s --check-prefix=CALIBRATOR
// CALIBRATOR: error: unknown calibrator 'median'; known are minmax, percentile, mse, entropy
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/good.npz calibrator=percentile percentile=0.9999" 2>&1 | FileCheck %s --check-prefix=PERCENTILE
// PERCENTILE: error: a percentile must lie in (50, 100], got
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/absent.npz" 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: {{.*}}absent.npz{{.*}}No such file or directory
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/names.npz" 2>&1 | FileCheck %s --check-prefix=NAMES
// NAMES: error: calibration file '{{.*}}': lacks the inputs 'y'; has the unknown arrays 'z'; the network's inputs are 'x', 'y', 'n'
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/shape.npz" 2>&1 | FileCheck %s --check-prefix=SHAPE
// SHAPE: error: calibration file '{{.*}}': array 'y' has shape [2, 3], but must have [N] + [2]
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/none.npz" 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: calibration file '{{.*}}': array 'x' holds no samples
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/counts.npz" 2>&1 | FileCheck %s --check-prefix=COUNTS
// COUNTS: error: calibration file '{{.*}}': array 'y' holds 3 samples, others 2
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/type.npz" 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: error: calibration file '{{.*}}': array 'n': 1.5 is not an integer
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/nan.npz" 2>&1 | FileCheck %s --check-prefix=NAN
// NAN: error: tensor 'x' holds a value that is not finite for sample 1 of '{{.*}}nan.npz'
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/overflow.npz" 2>&1 | FileCheck %s --check-prefix=OVERFLOW
// OVERFLOW: error: tensor 's' holds a value that is not finite for sample 0 of '{{.*}}overflow.npz'
// RUN: not qopt %t/net.mlir --qc-calibrate="samples=%t/good.npz dump=%t/no/such/folder/r.json" 2>&1 | FileCheck %s --check-prefix=UNWRITABLE
// UNWRITABLE: error: cannot write ranges to '{{.*}}r.json'

// RUN: not qopt %t/two.mlir --qc-calibrate="samples=%t/good.npz" 2>&1 | FileCheck %s --check-prefix=TWO
// TWO: error: calibration needs one function of one block with all observes

//--- two.mlir
func.func @a(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qc.observe %x {id = "x", code = i8} : tensor<2xf32>
  return %0 : tensor<2xf32>
}
func.func @b(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qc.observe %x {id = "x", code = i8} : tensor<2xf32>
  return %0 : tensor<2xf32>
}
//--- net.mlir
func.func @main(%x: tensor<2xf32> {qc.name = "x"}, %y: tensor<2xf32> {qc.name = "y"}, %n: tensor<3xi64> {qc.name = "n"})
    -> (tensor<2xf32>, tensor<3xi64>) {
  %0 = qc.observe %x {id = "x", code = i8} : tensor<2xf32>
  %1 = qc.observe %y {id = "p", code = i8} : tensor<2xf32>
  %2 = qc.add %0, %1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %3 = qc.observe %2 {id = "s", code = i8} : tensor<2xf32>
  return %3, %n : tensor<2xf32>, tensor<3xi64>
}
//--- known.mlir
func.func @main(%x: tensor<2xf32> {qc.name = "x"}) -> tensor<2xf32> {
  %0 = qc.observe %x {id = "x\22y", code = i8, min = -0.1 : f64, max = 9.0 : f64} : tensor<2xf32>
  return %0 : tensor<2xf32>
}
//--- one.mlir
func.func @main(%x: tensor<1000xf32> {qc.name = "x"}) -> tensor<1000xf32> {
  %0 = qc.observe %x {id = "x", code = i8} : tensor<1000xf32>
  return %0 : tensor<1000xf32>
}
//--- choices.mlir
func.func @main(%x: tensor<1000xf32> {qc.name = "x"}) -> tensor<1000xf32> {
  %0 = qc.observe %x {id = "x", code = i8, qc.code_candidates = {group = "x", list = [{code = i8}, {code = i16}]}} : tensor<1000xf32>
  return %0 : tensor<1000xf32>
}
//--- choices.py
import re
import sys
import numpy as np

text = open(sys.argv[1]).read()
ranges = {code: (float(low), float(high)) for code, high, low in re.findall(r"{code = (i\d+), max = ([^ ]+) : f64, min = ([^ ]+) : f64}", text)}
own = tuple(float(re.search(rf" {key} = ([^ ]+) : f64, (min|qc)", text).group(1)) for key in ("min", "max"))
values = np.load(sys.argv[2])["x"]
assert list(ranges) == ["i8", "i16"] and ranges["i8"] == own, (ranges, own)
low, high = ranges["i16"]
assert low <= values.min() * 0.99 and high >= values.max() * 0.99, (ranges, values.min(), values.max())
assert high - low > 1.05 * (own[1] - own[0]), (ranges, own)
//--- rounded.mlir
func.func @main(%x: tensor<2x2xf32> {qc.name = "x"}) -> tensor<2x2xf32> {
  %q = quant.qcast %x : tensor<2x2xf32> to tensor<2x2x!quant.uniform<i8:f32, 3.0>>
  %f = quant.dcast %q : tensor<2x2x!quant.uniform<i8:f32, 3.0>> to tensor<2x2xf32>
  %c = qc.constant dense<[[4, 0], [0, 2]]> : tensor<2x2xi8> -> tensor<2x2x!quant.uniform<i8:f32:1, {0.5,1.0}>>
  %w = quant.dcast %c : tensor<2x2x!quant.uniform<i8:f32:1, {0.5,1.0}>> to tensor<2x2xf32>
  %m = qc.matmul %f, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %o = qc.observe %m {id = "m", code = i8} : tensor<2x2xf32>
  return %o : tensor<2x2xf32>
}
//--- bits2.mlir
func.func @main(%x: tensor<1000xf32> {qc.name = "x"}) -> tensor<1000xf32> {
  %0 = qc.observe %x {id = "x", code = i2} : tensor<1000xf32>
  return %0 : tensor<1000xf32>
}
//--- bits3.mlir
func.func @main(%x: tensor<1000xf32> {qc.name = "x"}) -> tensor<1000xf32> {
  %0 = qc.observe %x {id = "x", code = i3} : tensor<1000xf32>
  return %0 : tensor<1000xf32>
}
//--- bits4.mlir
func.func @main(%x: tensor<1000xf32> {qc.name = "x"}) -> tensor<1000xf32> {
  %0 = qc.observe %x {id = "x", code = i4} : tensor<1000xf32>
  return %0 : tensor<1000xf32>
}
//--- samples.py
import sys
import numpy as np
def save(name, **arrays):
    np.savez(f"{sys.argv[1]}/{name}.npz", **arrays)
f = np.float32
x, y, n = f([[4, 1], [-2, 0]]), f([[3, 1], [1, 2]]), np.int64([[1, 2, 3], [4, 5, 6]])
save("good", x=x, y=y, n=n)
save("names", x=x, z=y, n=n)
save("shape", x=x, y=f([[1, 2, 3], [1, 2, 3]]), n=n)
save("none", x=x[:0], y=y[:0], n=n[:0])
save("counts", x=x, y=np.concatenate([y, y[:1]]), n=n)
save("type", x=x, y=y, n=n + 0.5)
save("nan", x=f([[4, 1], [-2, np.nan]]), y=y, n=n)
save("overflow", x=f([[3e38, 1], [-2, 0]]), y=f([[3e38, 1], [1, 2]]), n=n)
rng = np.random.default_rng(1)
normal = rng.standard_normal((50, 1000)).astype(f)
# Magnitudes that make the histogram grow: late in one order, early in the other.
normal[49] *= 1e-3
save("order1", x=normal)
save("order2", x=normal[::-1])
outliers = rng.standard_normal((50, 1000)).astype(f)
outliers[:, 0] *= 50
save("outliers", x=outliers)
save("grid", x=(rng.integers(-100, 121, (20, 1000)) - 10).astype(f) * f(0.5))
save("rounded", x=f([[[4, -2], [1, 0]]]))
save("zeros", x=np.zeros((2, 1000), f))
//--- judge.py
import json
import sys
import numpy as np
folder = sys.argv[1]
def sqnr(name, data, bits):
    low, high = json.load(open(f"{folder}/{name}.json"))["ranges"]["x"]
    levels = 2**bits - 1
    scale = np.float64(np.float32((high - low) / levels))
    zero = np.rint(-low / scale)
    decoded = (np.clip(np.rint(data / scale) + zero, 0, levels) - zero) * scale
    return 10 * np.log10((data**2).sum() / ((data - decoded)**2).sum())
data = np.load(f"{folder}/outliers.npz")["x"].astype(np.float64)
# The outliers themselves are given up: what counts is the rest.
body = data[np.abs(data) < 5]
low = sqnr("minmax", body, 8)
for name in ("percentile", "mse", "entropy"):
    assert sqnr(name, body, 8) > low + (0 if name == "mse" else 10), (name, sqnr(name, body, 8), low)
# Over all values mse is the best of the four.
assert all(sqnr("mse", data, 8) >= sqnr(name, data, 8) - 0.05 for name in ("minmax", "percentile", "entropy"))
normal = np.load(f"{folder}/order1.npz")["x"].astype(np.float64)[:49]
for bits, expected in ((2, 8.3), (3, 13.9), (4, 19.3)):
    assert sqnr(f"bits{bits}", normal, bits) > expected - 0.5, (bits, sqnr(f"bits{bits}", normal, bits))
