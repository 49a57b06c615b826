// Orthonormal matrices between linear layers. What the network computes stays; what is not linear stops them.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: %python %t/network.py %t

// The whole residual stream of a transformer block, 12 = 4 * 3 channels, and the 4 channels of a head between value and output layer; scales of normalizations
// are in the weights behind them. What a rectifier gives is not turned.
// RUN: qopt %t/block.mlir --qc-rotate-layers -o %t/block-hadamard.mlir 2>&1 | FileCheck %s --check-prefix=REMARK
// REMARK: remark: {{.*}}the channels that 'embed' reads are not turned: the network's input has these channels
// REMARK: remark: {{.*}}the channels that 'down' reads are not turned: 'up' limits its result, which is not linear
// REMARK-NOT: remark:
// RUN: FileCheck %s --check-prefix=BLOCK < %t/block-hadamard.mlir
// BLOCK: qc.rotation = [{basis = "hadamard", channels = 12 : i64, givers = ["embed", "output", "down"], readers = ["query", "key", "value", "up", "classifier"]},
// BLOCK-SAME: {basis = "hadamard", channels = 4 : i64, givers = ["value"], readers = ["output"]}]
// BLOCK-COUNT-3: qc.normalize rms %{{[0-9]+}} {
// RUN: qopt %t/block.mlir --qc-rotate-layers="basis=eigen samples=%t/x.npz" -o %t/block-eigen.mlir
// RUN: FileCheck %s --check-prefix=EIGEN < %t/block-eigen.mlir
// EIGEN: qc.rotation = [{basis = "eigen", channels = 12 : i64
// RUN: qopt %t/block.mlir --qc-interpret="inputs=%t/x.npz outputs=%t/block-before.npz" -o /dev/null
// RUN: qopt %t/block-hadamard.mlir --qc-interpret="inputs=%t/x.npz outputs=%t/block-hadamard.npz" -o /dev/null
// RUN: qopt %t/block-eigen.mlir --qc-interpret="inputs=%t/x.npz outputs=%t/block-eigen.npz" -o /dev/null
// RUN: %python %t/judge.py %t block

// Images: a linear bottleneck with a sum, behind and in front of limits.
// RUN: qopt %t/images.mlir --qc-rotate-layers -o %t/images-hadamard.mlir
// RUN: FileCheck %s --check-prefix=IMAGES < %t/images-hadamard.mlir
// IMAGES: qc.rotation = [{basis = "hadamard", channels = 6 : i64, givers = ["project", "again"], readers = ["expand", "last"]}]
// RUN: qopt %t/images.mlir --qc-rotate-layers="basis=eigen samples=%t/images.npz" -o %t/images-eigen.mlir
// RUN: qopt %t/images.mlir --qc-interpret="inputs=%t/images.npz outputs=%t/images-before.npz" -o /dev/null
// RUN: qopt %t/images-hadamard.mlir --qc-interpret="inputs=%t/images.npz outputs=%t/images-hadamard.npz" -o /dev/null
// RUN: qopt %t/images-eigen.mlir --qc-interpret="inputs=%t/images.npz outputs=%t/images-eigen.npz" -o /dev/null
// RUN: %python %t/judge.py %t images

// RUN: qopt %t/refused.mlir --qc-rotate-layers -o /dev/null 2>&1 | FileCheck %s --check-prefix=NO
// NO: remark: {{.*}}the channels that 'result_reader' reads are not turned: they are a result of the network
// NO: remark: {{.*}}the channels that 'product_reader' reads are not turned: 'product' (qc.mul) {{gives|reads}} these channels and is not linear in them
// NO: remark: {{.*}}the channels that 'mean_reader' reads are not turned: 'mean' (qc.normalize) gives these channels and is not linear in them
// NO: remark: {{.*}}the channels that 'heads_reader' reads are not turned: the normalization 'heads' is of 4 channels, of which only 2 stay together
// NO: remark: {{.*}}the channels that 'scaled_reader' reads are not turned: the scales of 'scaled' cannot go into all that reads it
// NO: remark: {{.*}}the channels that 'single_reader' reads are not turned: there is only one

// RUN: not qopt %t/block.mlir --qc-rotate-layers=basis=random 2>&1 | FileCheck %s --check-prefix=BASIS
// BASIS: error: basis=random: use one of hadamard, eigen
// RUN: not qopt %t/block.mlir --qc-rotate-layers=basis=eigen 2>&1 | FileCheck %s --check-prefix=SAMPLES
// SAMPLES: error: basis=eigen needs calibration samples: give samples=<file.npz>
// RUN: not qopt %t/block.mlir --qc-rotate-layers="basis=eigen samples=%t/x.npz memory=0" 2>&1 | FileCheck %s --check-prefix=MEMORY
// MEMORY: error: one sample of this network takes 1 MiB: raise memory=0

// States turn from sample to sample: what is read has another basis than where each sample starts anew.
// RUN: qopt %t/state.mlir --qc-rotate-layers="basis=eigen samples=%t/state.npz" | FileCheck %s --check-prefix=STATE
// RUN: qopt %t/state.mlir --qc-declare-states='state=s:n reset-every=1' --qc-rotate-layers="basis=eigen samples=%t/state.npz" | FileCheck %s --check-prefix=ANEW
// STATE: qc.rotation = [{basis = "eigen", channels = 2 : i64, givers = ["y"], readers = ["z"]}]
// STATE-NOT: 0.7071
// ANEW: qc.constant dense<{{.*}}0.7071

//--- network.py
import sys
import numpy as np

random = np.random.default_rng(3)
ones = "array<i64: 1, 1>"


def f32(*shape):
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


class Function:
    def __init__(self, name, shape):
        self.shapes, self.lines = {"x": shape}, [f"func.func @main(%x: {f32(*shape)} {{qc.name = \"x\"}})"]

    def constant(self, name, *shape, scale=1.0):
        values = random.standard_normal(shape) * scale
        values[..., 0] *= 8  # one channel is larger than the others
        text = np.array2string(values.astype(np.float32), separator=",", threshold=10**9, max_line_width=10**9, floatmode="fixed", precision=6).replace("\n", "")
        self.add(name, f"qc.constant dense<{text}>", shape, typed=False)

    def add(self, name, text, shape, operands=(), typed=True):
        types = f" : ({', '.join(f32(*self.shapes[o]) for o in operands)}) -> {f32(*shape)}" if typed else f" : {f32(*shape)}"
        self.shapes[name] = shape
        self.lines.append(f"  %{name} = {text}{types} loc(\"{name}\")")

    def product(self, name, x, outputs, attributes="", bias=False):
        inputs = self.shapes[x][-1]
        self.constant(name + "_w", inputs, outputs, scale=inputs**-0.5)
        operands = [x, name + "_w"]
        if bias:
            self.constant(name + "_b", outputs)
            operands.append(name + "_b")
        self.add(name, f"qc.matmul {', '.join('%' + o for o in operands)}{attributes}", self.shapes[x][:-1] + (outputs,), operands)

    def conv(self, name, x, outputs, taps, attributes="", bias=False):
        n, inputs, h, w = self.shapes[x]
        self.constant(name + "_w", outputs, inputs, taps, taps, scale=(inputs * taps * taps) ** -0.5)
        operands, p = [x, name + "_w"], taps // 2
        if bias:
            self.constant(name + "_b", outputs)
            operands.append(name + "_b")
        self.add(name, f"qc.conv {', '.join('%' + o for o in operands)} {{strides = {ones}, pads = array<i64: {p}, {p}, {p}, {p}>, dilations = {ones}, groups = 1{attributes}}}",
                 (n, outputs, h, w), operands)

    def normalize(self, name, x):
        self.constant(name + "_g", self.shapes[x][-1])
        self.add(name, f"qc.normalize rms %{x} scale %{name}_g {{first_axis = 1, last_axis = 1, epsilon = 1.0e-5 : f32}}", self.shapes[x], [x, name + "_g"])

    def move(self, name, x, text, shape):
        self.lines.append(f"  %{name} = qc.{text.format('%' + x)} : {f32(*self.shapes[x])} -> {f32(*shape)}")
        self.shapes[name] = shape

    def write(self, path, result):
        shape = f32(*self.shapes[result])
        self.lines[0] += f" -> ({shape} {{qc.name = \"y\"}}) {{"
        open(path, "w").write("\n".join(self.lines + [f"  return %{result} : {shape}", "}", ""]))


f = Function("main", (6, 5))
f.product("embed", "x", 12, bias=True)
f.normalize("norm1", "embed")
for name in ("query", "key", "value"):
    f.product(name, "norm1", 8)
    f.move(name + "_heads", name, "reshape {}", (6, 2, 4))
    f.move(name + "_turned", name + "_heads", "transpose {} {{permutation = array<i64: 1, 0, 2>}}", (2, 6, 4))
f.move("key_t", "key_turned", "transpose {} {{permutation = array<i64: 0, 2, 1>}}", (2, 4, 6))
f.add("scores", "qc.matmul %query_turned, %key_t", (2, 6, 6), ["query_turned", "key_t"])
f.move("parts", "scores", "softmax {} {{axis = 2, scale = 0.5 : f32}}", (2, 6, 6))
f.add("mixed", "qc.matmul %parts, %value_turned", (2, 6, 4), ["parts", "value_turned"])
f.move("mixed_turned", "mixed", "transpose {} {{permutation = array<i64: 1, 0, 2>}}", (6, 2, 4))
f.move("mixed_rows", "mixed_turned", "reshape {}", (6, 8))
f.product("output", "mixed_rows", 12)
f.add("sum1", "qc.add %embed, %output", (6, 12), ["embed", "output"])
f.normalize("norm2", "sum1")
f.product("up", "norm2", 16, " {clamp_min = 0.0 : f32}")
f.product("down", "up", 12)
f.constant("position", 6, 12)
f.add("placed", "qc.add %down, %position", (6, 12), ["down", "position"])
f.add("sum2", "qc.add %sum1, %placed", (6, 12), ["sum1", "placed"])
f.normalize("norm3", "sum2")
f.product("classifier", "norm3", 7)
f.write(f"{sys.argv[1]}/block.mlir", "classifier")
np.savez(f"{sys.argv[1]}/x.npz", x=random.standard_normal((9, 6, 5)).astype(np.float32))

f = Function("main", (1, 3, 6, 6))
f.conv("first", "x", 8, 3, ", clamp_min = 0.0 : f32")
f.conv("project", "first", 6, 1, bias=True)
f.conv("expand", "project", 8, 1, ", clamp_min = 0.0 : f32")
f.conv("again", "expand", 6, 1)
f.add("sum", "qc.add %project, %again", (1, 6, 6, 6), ["project", "again"])
f.move("pooled", "sum", "pool average {} {{kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}}", (1, 6, 3, 3))
f.conv("last", "pooled", 4, 3, ", clamp_min = 0.0 : f32")
f.write(f"{sys.argv[1]}/images.mlir", "last")
np.savez(f"{sys.argv[1]}/images.npz", x=random.standard_normal((9, 1, 3, 6, 6)).astype(np.float32))
np.savez(f"{sys.argv[1]}/state.npz", x=np.ones((9, 1, 2), np.float32))
//--- judge.py
import sys
import numpy as np

folder, name = sys.argv[1:]
before, *after = (np.load(f"{folder}/{name}-{part}.npz")["y"] for part in ("before", "hadamard", "eigen"))
for values in after:
    assert np.abs(before).max() > 1 and np.abs(values - before).max() < 1e-5 * np.abs(before).max(), (before, values)
    assert not np.array_equal(values, before)
//--- refused.mlir
func.func @result(%x: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %w = qc.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %r = qc.activation tanh %x : tensor<1x2xf32> -> tensor<1x2xf32>
  %y = qc.matmul %r, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("y")
  %z = qc.matmul %y, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("result_reader")
  return %y, %z : tensor<1x2xf32>, tensor<1x2xf32>
}
func.func @product(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = qc.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("y")
  %m = qc.mul %y, %x : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32> loc("product")
  %z = qc.matmul %m, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("product_reader")
  return %z : tensor<1x2xf32>
}
func.func @mean(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = qc.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("y")
  %m = qc.normalize layer %y {first_axis = 1, last_axis = 1, epsilon = 1.0e-5 : f32} : (tensor<1x2xf32>) -> tensor<1x2xf32> loc("mean")
  %z = qc.matmul %m, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("mean_reader")
  return %z : tensor<1x2xf32>
}
func.func @heads(%x: tensor<1x2xf32>) -> tensor<2x2xf32> {
  %w = qc.constant dense<1.0> : tensor<2x4xf32>
  %v = qc.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x4xf32>) -> tensor<1x4xf32> loc("y")
  %m = qc.normalize rms %y {first_axis = 1, last_axis = 1, epsilon = 1.0e-5 : f32} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("heads")
  %r = qc.reshape %m : tensor<1x4xf32> -> tensor<2x2xf32>
  %z = qc.matmul %r, %v : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32> loc("heads_reader")
  return %z : tensor<2x2xf32>
}
func.func @scaled(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = qc.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %g = qc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("y")
  %m = qc.normalize rms %y scale %g {first_axis = 1, last_axis = 1, epsilon = 1.0e-5 : f32} : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32> loc("scaled")
  %s = qc.add %m, %y : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %z = qc.matmul %s, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("scaled_reader")
  return %z : tensor<1x2xf32>
}
func.func @single(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = qc.constant dense<1.0> : tensor<2x1xf32>
  %v = qc.constant dense<1.0> : tensor<1x2xf32>
  %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32> loc("y")
  %z = qc.matmul %y, %v : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32> loc("single_reader")
  return %z : tensor<1x2xf32>
}
//--- state.mlir
func.func @main(%x: tensor<1x2xf32> {qc.name = "x"}, %s: tensor<1x2xf32> {qc.name = "s", qc.state = "n"}) -> (tensor<1x2xf32> {qc.name = "z"}, tensor<1x2xf32> {qc.name = "n"}) {
  %w = qc.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %t = qc.constant dense<[[0.6, -0.8]]> : tensor<1x2xf32>
  %a = qc.mul %s, %t : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %n = qc.add %a, %x : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %y = qc.matmul %n, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("y")
  %z = qc.matmul %y, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("z")
  return %z, %n : tensor<1x2xf32>, tensor<1x2xf32>
}
