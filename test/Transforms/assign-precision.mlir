// Bits of each layer's weights under budgets: decided once, with the reason, and obeyed.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: %python %t/net.py %t

// A budget of bytes between all layers at the fewest bits and at the most: met, with different bits, each with its reason; the same again.
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=3400" -o %t/budget.mlir 2> %t/remarks
// RUN: FileCheck %s --check-prefix=BUDGET < %t/budget.mlir
// RUN: FileCheck %s --check-prefix=REMARK < %t/remarks
// RUN: %python %t/judge.py %t/budget.mlir 3400
// RUN: qopt %t/net.mlir --mlir-disable-threading --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=3400" -o %t/again.mlir 2> /dev/null
// RUN: cmp %t/budget.mlir %t/again.mlir
// BUDGET: qc.precision = [{bits = {{[0-9]}} : i64, bytes = {{[0-9]+}} : i64, loss = {{[^ ]*}} : f64, name = "a", reason = "{{[^"]*}} bits would {{save|cost}} {{[0-9]+}} bytes
// BUDGET-SAME: name = "b"
// BUDGET-SAME: name = "c"
// BUDGET-SAME: qc.precision_total = {ace = {{.*}}, agreement = {{.*}}, bops = {{.*}}, held_out = 16 : i64, held_out_loss = {{.*}}, latency_us = {{.*}}, loss = {{.*}}, weight_bytes = {{[0-9]+}} : i64}
// BUDGET: qc.conv {{.*}}qc.weight_code = i
// REMARK: remark: {{.*}}weights of {{[0-9]}} bits: {{.*}} bits would {{save|cost}}

// The later passes obey.
// RUN: qopt %t/budget.mlir --qc-assign-weight-codes=weights=i8 --qc-quantize-weights -o %t/quantized.mlir
// RUN: %python %t/obeys.py %t/budget.mlir %t/quantized.mlir

// A budget that is wide enough changes nothing: the widest codes everywhere. Wider ones than 8 bits only if weights says so.
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=100000" 2> /dev/null | FileCheck %s --check-prefix=WIDE
// WIDE: qc.precision = [{bits = 8 : i64{{.*}}{bits = 8 : i64{{.*}}{bits = 8 : i64
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=100000 weights=i16" 2> /dev/null | FileCheck %s --check-prefix=WIDER
// WIDER: qc.precision = [{bits = 16 : i64

// Pinned by name and by kind; the others make up for it.
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=3400 constraints=%t/layers.json weights=i8,depthwise=i6" -o %t/pinned.mlir 2> /dev/null
// RUN: FileCheck %s --check-prefix=PINNED < %t/pinned.mlir
// RUN: %python %t/judge.py %t/pinned.mlir 3400
// PINNED: qc.precision = [{bits = 4 : i64, bytes = {{[0-9]+}} : i64, loss = 0.{{.*}}, name = "a", reason = "pinned by the constraints file"}, {bits = 6 : i64, {{.*}}name = "b", reason = "pinned by weights=depthwise=i6"}

// Other costs and other roundings.
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-ace=1500000 candidates=2,4,8" 2> /dev/null | FileCheck %s --check-prefix=ACE
// ACE: qc.precision = [{bits = {{[248]}} : i64{{.*}} ACE
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=3400 rounding=sequential" -o %t/sequential.mlir 2> /dev/null
// RUN: %python %t/judge.py %t/sequential.mlir 3400

// Few bits with factors of groups, where a layer has groups: 'c' has 16 positions of 32 channels, 'a' three channels.
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=2200 candidates=2/32,4/32,8 rounding=sequential" -o %t/groups.mlir 2> /dev/null
// RUN: FileCheck %s --check-prefix=GROUPS < %t/groups.mlir
// RUN: %python %t/judge.py %t/groups.mlir 2200
// GROUPS: qc.matmul {{.*}}qc.weight_code = #qc.grouped<{{[24]}}, 32>
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=3400 candidates=4,4/32,6/32 rounding=adaround" 2>&1 | FileCheck %s --check-prefix=NOGROUPS
// NOGROUPS: error: candidates=4,4/32,6/32 names 4 bits twice: keep one of them
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=3400 candidates=4/40,8" 2>&1 | FileCheck %s --check-prefix=LENGTH
// LENGTH: error: candidates=4/40,8: use bits of 2..8 or 16, 2 to 4 also with groups of inputs, as in 2/32,4,8
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=3400 candidates=4/32,8 rounding=adaround" 2>&1 | FileCheck %s --check-prefix=NEIGHBOURS
// NEIGHBOURS: error: candidates=4/32,8 with groups, and rounding=adaround, which chooses between neighbouring integers: use rounding=nearest or rounding=sequential

// As few bytes as keep every largest result but one in sixteen; the front of bytes and loss.
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-drop=6.25 minimize=weight-bytes pareto=4 pareto-out=%t/front.json" -o %t/drop.mlir 2> /dev/null
// RUN: %python %t/front.py %t/drop.mlir %t/front.json 0.9375

// Real sizes: constants and arena of what is compiled.
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-flash=7500 max-arena=100000" 2> /dev/null | FileCheck %s --check-prefix=FLASH
// FLASH: qc.precision_total = {{.*}}arena = {{[0-9]+}} : i64{{.*}}flash = {{6[0-9][0-9][0-9]|7[0-4][0-9][0-9]}} : i64

// Runs of output channels: no more loss than whole layers within the same bytes. One layer has two runs of 16 channels; depthwise kernels and few channels are not split.
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=1550 slices=2" -o %t/slices.mlir 2> %t/slices.remarks
// RUN: qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=1550" -o %t/layers.mlir 2> /dev/null
// RUN: %python %t/less.py %t/slices.mlir %t/layers.mlir 1550
// RUN: FileCheck %s --check-prefix=SLICES < %t/slices.mlir
// RUN: FileCheck %s --check-prefix=SLICED < %t/slices.remarks
// SLICES: qc.precision = [{bits = {{[0-9]}} : i64, bytes = {{[0-9]+}} : i64, loss = {{[^ ]*}} : f64, name = "a", reason = "its runs of channels have [[A:[0-9]]], [[B:[0-9]]] bits", slices = [{bits = [[A]] : i64, bytes = {{[0-9]+}} : i64, channels = 16 : i64, loss = {{.*}}, name = "a[0:16]", reason = "{{[^"]*}} bits would {{save|cost}}
// SLICES: qc.conv {{.*}}qc.weight_slices = [{channels = 16 : i64, code = i[[A]]}, {channels = 16 : i64, code = i[[B]]}]
// SLICED: remark: {{.*}}weights of {{[0-9]}} bits for channels 0 to 15: {{.*}} bits would
// RUN: qopt %t/slices.mlir --qc-split-slices --qc-assign-weight-codes=weights=i8 --qc-quantize-weights | FileCheck %s --check-prefix=SPLIT
// SPLIT-COUNT-2: qc.conv {{.*}} -> tensor<1x16x8x8xf32>
// SPLIT: qc.concat

// Types of activations: those that lose most get 16 bits as far as the cycles go; one type for what a reshape moves; what is given stays.
// RUN: qopt %t/choices.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=3400 max-ace=2700000" -o %t/activations.mlir 2> %t/activations.remarks
// RUN: %python %t/activations.py %t/activations.mlir 2700000
// RUN: FileCheck %s --check-prefix=TYPES < %t/activations.mlir
// RUN: FileCheck %s --check-prefix=TYPED < %t/activations.remarks
// TYPES-NOT: qc.type_candidates
// TYPES: qc.precision_activations = [{bits = [[A:[0-9]+]] : i64, loss = {{[^ ]*}} : f64, name = "a", reason = "{{[0-9]+}} bits would {{save|cost}} {{[0-9.]+}} ACE {{.*}}", tensors = ["a"]}, {bits = {{[0-9]+}} : i64, {{.*}}name = "b", reason = "{{.*}}", tensors = ["b", "r"]}]
// TYPES: quant.qcast {{.*}}1x32x8x8x!quant.uniform<i[[A]]
// TYPED: remark: {{.*}}activations of {{8|16}} bits: {{.*}} bits would
// Without a budget for what they cost all are wide; an arena that has no room for that decides for some.
// RUN: qopt %t/choices.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 minimize=loss" -o %t/loss.mlir 2> /dev/null
// RUN: FileCheck %s --check-prefix=ALLWIDE < %t/loss.mlir
// ALLWIDE: qc.precision_activations = [{bits = 16 : i64{{.*}}{bits = 16 : i64
// RUN: qopt %t/choices.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-arena=5400" -o %t/arena.mlir 2> /dev/null
// RUN: FileCheck %s --check-prefix=ROOM < %t/arena.mlir
// ROOM: qc.precision_activations = [{bits = 8 : i64{{.*}}of activations{{.*}}{bits = 16 : i64
// ROOM: qc.precision_total = {{.*}}arena = {{[45][0-9][0-9][0-9]}} : i64

// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz max-weight-bytes=4000 slices=0" 2>&1 | FileCheck %s --check-prefix=NOSLICE
// NOSLICE: error: slices=0: use 1 (whole layers) to 64
// RUN: not qcc %t/net.mlir -slices=4 -o %t/net.o 2>&1 | FileCheck %s --check-prefix=UNWANTED
// UNWANTED: slices=4 is for mixed precision: give a budget, max-drop, minimize or pareto
// RUN: not qcc %t/net.mlir -activation-candidates=8,16 -o %t/net.o 2>&1 | FileCheck %s --check-prefix=NOBUDGET
// NOBUDGET: activation-candidates=8,16 is for mixed precision: give a budget, max-drop, minimize or pareto
// RUN: not qcc %t/net.mlir -activation-candidates=16 -max-ace=3000 -calib=%t/net.npz -o %t/net.o 2>&1 | FileCheck %s --check-prefix=LACKS
// LACKS: activation-candidates=16 lacks the bits of activations=i8: add 8
// RUN: not qcc %t/net.mlir -activation-candidates=8,9 -max-ace=3000 -calib=%t/net.npz -o %t/net.o 2>&1 | FileCheck %s --check-prefix=NINE
// NINE: activation-candidates=8,9: use bits of 2..8 or 16, as in 8,16
// RUN: not qcc %t/net.mlir -activation-candidates=8,16 -quant-profile=mcu -max-ace=3000 -calib=%t/net.npz -o %t/net.o 2>&1 | FileCheck %s --check-prefix=PROFILE
// PROFILE: activation-candidates=8,16 contradicts quant-profile=mcu, which has activations of {{.*}} only: drop one of them

// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=100" 2>&1 | FileCheck %s --check-prefix=SMALL
// SMALL: error: max-weight-bytes=100 cannot be met: the smallest reachable is {{[0-9]+}} bytes; the layer 'c' takes {{[0-9]+}} of them at 2 bits
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-weight-bytes=100 weights=i8,dense=i8" 2>&1 | FileCheck %s --check-prefix=BLOCKED
// BLOCKED: error: max-weight-bytes=100 cannot be met: the smallest reachable is {{[0-9]+}} bytes; the layer 'c' takes 2560 of them at 8 bits (pinned by weights=dense=i8)
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-arena=64" 2>&1 | FileCheck %s --check-prefix=ARENA
// ARENA: error: max-arena=64 cannot be met: the smallest reachable is {{[0-9]+}} bytes; where most is alive these are largest: '{{[a-z]+}}'
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz isa=avx2 max-flash=10" 2>&1 | FileCheck %s --check-prefix=NOFLASH
// NOFLASH: error: max-flash=10 cannot be met: the smallest reachable is {{4[0-9][0-9][0-9]}} bytes; the layer 'c' takes
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/few.npz max-weight-bytes=4000" 2>&1 | FileCheck %s --check-prefix=FEW
// FEW: error: mixed precision needs 10 calibration samples or more (8 to estimate what each layer loses, every 4th to judge), '{{.*}}few.npz' holds 6: add samples
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz max-drop=1" 2>&1 | FileCheck %s --check-prefix=SEEN
// SEEN: error: max-drop=1 is judged on every 4th calibration sample, and one of 16 is more than that: give 400 samples or more, or a max-drop of at least 6.25
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz max-drop=0 candidates=2" 2>&1 | FileCheck %s --check-prefix=DROP
// DROP: error: max-drop=0 cannot be met: what loses least differs from the float network in {{[0-9]+}} of 16 samples held out, a drop of {{[0-9.]+}} points: raise max-drop
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz minimize=bytes" 2>&1 | FileCheck %s --check-prefix=MINIMIZE
// MINIMIZE: error: minimize=bytes: use one of loss, weight-bytes, flash, arena, latency, ace, bops
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz minimize=weight-bytes max-weight-bytes=4000 max-drop=10" 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: minimize=weight-bytes contradicts the budget for it: drop one of them
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz max-weight-bytes=4000 candidates=2,9" 2>&1 | FileCheck %s --check-prefix=CANDIDATES
// CANDIDATES: error: candidates=2,9: use bits of 2..8 or 16, 2 to 4 also with groups of inputs, as in 2/32,4,8
// RUN: not qopt %t/net.mlir --qc-assign-precision="max-weight-bytes=4000" 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: budgets for the bits of weights need calibration samples, which tell what fewer bits lose: give calib
// RUN: not qopt %t/net.mlir --qc-assign-precision="samples=%t/net.npz max-weight-bytes=4000 constraints=%t/wrong.json" 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: error: constraints file '{{.*}}wrong.json' names layers whose weights are not quantized here: 'cc' (near: 'c'), 'elsewhere'; those that are: 'a', 'b', 'c'
// RUN: not qopt %t/empty.mlir --qc-assign-precision="samples=%t/net.npz max-weight-bytes=4000" 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: error: there is no layer with constant weights to give bits to: drop the budgets

//--- net.py
import sys
import numpy as np

folder = sys.argv[1]
random = np.random.default_rng(3)
samples = random.normal(0, 1, (64, 1, 3, 8, 8)).cumsum(3).cumsum(4).astype(np.float32) / 8
np.savez(f"{folder}/net.npz", x=samples)
np.savez(f"{folder}/few.npz", x=samples[:6])


def constant(*shape):
    values = random.normal(0, 1, shape).astype(np.float32)
    return f'qc.constant dense<{np.array2string(values, separator=",", threshold=10**6, floatmode="fixed", precision=5)}> : tensor<{"x".join(map(str, shape))}xf32>'


def rounded(value, shape, scale):
    return (f"  %{value}q = quant.qcast %{value} : tensor<{shape}xf32> to tensor<{shape}x!quant.uniform<i8:f32, {scale}>>\n"
            f"  %{value}f = quant.dcast %{value}q : tensor<{shape}x!quant.uniform<i8:f32, {scale}>> to tensor<{shape}xf32>\n")


# A convolution, a depthwise one with a bias and stride, and a product of matrices.
with open(f"{folder}/net.mlir", "w") as file:
    file.write(f"""func.func @main(%x: tensor<1x3x8x8xf32> {{qc.name = "x"}}) -> (tensor<1x5xf32> {{qc.name = "y"}}) {{
{rounded("x", "1x3x8x8", 0.05)}  %w = {constant(32, 3, 3, 3)}
  %a = qc.conv %xf, %w {{strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, clamp_min = 0.0 : f32}}
     : (tensor<1x3x8x8xf32>, tensor<32x3x3x3xf32>) -> tensor<1x32x8x8xf32> loc("a")
{rounded("a", "1x32x8x8", 0.2)}  %v = {constant(32, 1, 3, 3)}
  %c = {constant(32)}
  %b = qc.conv %af, %v, %c {{strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 1, 1>, dilations = array<i64: 1, 1>, groups = 32, clamp_min = 0.0 : f32}}
     : (tensor<1x32x8x8xf32>, tensor<32x1x3x3xf32>, tensor<32xf32>) -> tensor<1x32x4x4xf32> loc("b")
{rounded("b", "1x32x4x4", 0.5)}  %r = qc.reshape %bf : tensor<1x32x4x4xf32> -> tensor<1x512xf32>
{rounded("r", "1x512", 0.5)}  %u = {constant(512, 5)}
  %y = qc.matmul %rf, %u : (tensor<1x512xf32>, tensor<512x5xf32>) -> tensor<1x5xf32> loc("c")
{rounded("y", "1x5", 8.0)}  return %yf : tensor<1x5xf32>
}}
""")

# The same with types to choose from for what is inside.
text = open(f"{folder}/net.mlir").read()
for value, shape, scale, group in (("a", "1x32x8x8", 0.2, "a"), ("b", "1x32x4x4", 0.5, "b"), ("r", "1x512", 0.5, "b")):
    old = f"quant.qcast %{value} :"
    assert text.count(old) == 1
    types = f"[!quant.uniform<i8:f32, {scale}>, !quant.uniform<i16:f32, {scale / 256}>]"
    text = text.replace(old, f'quant.qcast %{value} {{qc.type_candidates = {{group = "{group}", id = "{value}", types = {types}}}}} :')
with open(f"{folder}/choices.mlir", "w") as file:
    file.write(text)
//--- judge.py
import re
import sys

text = open(sys.argv[1]).read()
line = next(line for line in text.split("\n") if "qc.precision = " in line)
bits, sizes = ([int(v) for v in re.findall(rf"{key} = (\d+) : i64", line.split("qc.precision_total")[0])] for key in ("bits", "bytes"))
found = re.findall(r"qc.weight_code = (?:i(\d+)|#qc.grouped<(\d), (\d+)>)", text)
codes = [int(v or w) for v, w, _ in found]
total = int(re.search(r"weight_bytes = (\d+)", line).group(1))
print(bits, sizes, total)
assert bits == codes and len(set(bits)) > 1, codes
assert sum(sizes) == total <= int(sys.argv[2])
weights = [32 * 27, 32 * 9, 512 * 5]  # depthwise kernels keep bytes
factors = [n // int(length) if length else 0 for n, (_, _, length) in zip(weights, found)]  # a byte for each group
assert sizes == [-(-n * b // 8) + f if n != 32 * 9 and b <= 6 else n for n, b, f in zip(weights, bits, factors)], sizes
//--- less.py
import re
import sys

losses = []
for path in sys.argv[1:3]:
    total = re.search(r"qc.precision_total = {([^}]*)}", open(path).read()).group(1)
    loss, size = (float(re.search(rf"(?<!_){key} = ([^ ,]+)", total).group(1)) for key in ("loss", "weight_bytes"))
    assert size <= float(sys.argv[3]), size
    losses.append(loss)
print(losses)
assert losses[0] < losses[1], losses
//--- activations.py
import re
import sys

text = open(sys.argv[1]).read()
total = re.search(r"qc.precision_total = {([^}]*)}", text).group(1)
assert int(re.search(r"(?<!_)ace = (\d+)", total).group(1)) <= float(sys.argv[2])
chosen = {name: int(bits) for bits, name in re.findall(r'{bits = (\d+) : i64, loss = [^,]*, name = "(\w+)"', re.search(r"qc.precision_activations = .*?]}]", text).group(0))}
print(chosen)
assert sorted(chosen.values()) == [8, 16], chosen
casts = dict(re.findall(r"quant.qcast [^:]*: tensor<([0-9x]+)xf32> to tensor<\S*!quant.uniform<i(\d+)", text))
wanted = {"1x3x8x8": 8, "1x32x8x8": chosen["a"], "1x32x4x4": chosen["b"], "1x512": chosen["b"], "1x5": 8}
assert {shape: int(bits) for shape, bits in casts.items()} == wanted, (casts, wanted)
//--- obeys.py
import re
import sys

wanted = re.findall(r"qc.weight_code = i(\d+)", open(sys.argv[1]).read())
made = re.findall(r"qc.constant .*!quant.uniform<i(\d+)<", open(sys.argv[2]).read())
assert [m for m in made if m != "32"] == wanted, (made, wanted)
//--- front.py
import json
import re
import sys

line = next(line for line in open(sys.argv[1]) if "qc.precision = " in line)
front = json.load(open(sys.argv[2]))
points = front["points"]
assert front["layers"] == ["a", "b", "c"] and front["held_out"] == 16
assert 2 <= len(points) <= 4 and line.count("held_out_loss") == len(points) + 1
for less, more in zip(points, points[1:]):
    assert less["weight_bytes"] < more["weight_bytes"] and less["loss"] > more["loss"], points
assert points[-1]["bits"] == [8, 8, 8] and min(points[0]["bits"]) == 2
assert front["chosen"]["held_out_agreement"] >= float(sys.argv[3])
assert front["chosen"]["weight_bytes"] <= points[-1]["weight_bytes"]
//--- layers.json
{"version": 1, "weights": {"a": {"code": "i4"}}}
//--- wrong.json
{"version": 1, "weights": {"cc": {"code": "i4"}, "elsewhere": {"code": "i4"}}}
//--- empty.mlir
func.func @main(%x: tensor<1x3xf32> {qc.name = "x"}) -> tensor<1x3xf32> {
  return %x : tensor<1x3xf32>
}
