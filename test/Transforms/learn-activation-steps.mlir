// Step sizes of activations move for the network's result, with all edges that share them; what has a reason to be as it is stays.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: %python %t/networks.py %t
// RUN: %python %t/learn.py %t tied ports power fixed sigmoid pad constant input domain bias
// RUN: %python %t/judge.py %t

// For any number of threads the same.
// RUN: qopt %t/tied.mlir --mlir-disable-threading --qc-reconstruct-weights="samples=%t/samples.npz learn-steps=60" -o %t/again.mlir
// RUN: cmp %t/tied.learned.mlir %t/again.mlir

// Only biases move where scales are powers of two.
// RUN: qopt %t/tied.mlir --qc-reconstruct-weights="samples=%t/samples.npz learn-steps=60 power-of-two=true" | FileCheck %s --check-prefix=SHIFTS
// SHIFTS: qc.learned_steps = {activations = 0 : i64,
// With one scale for each layer those of activations move alone.
// RUN: qopt %t/tied.mlir --qc-reconstruct-weights="samples=%t/samples.npz learn-steps=60 granularity=tensor" | FileCheck %s --check-prefix=TENSOR
// TENSOR: qc.learned_steps = {activations = 2 : i64,

// The model's own casts and ranges from a file are marked for that.
// RUN: qopt %t/own.mlir --qc-insert-observers --qc-apply-ranges=file=%t/ranges.json --qc-materialize-casts | FileCheck %s --check-prefix=OWN
// OWN: quant.qcast %{{.*}} {qc.fixed_type} : {{.*}}i8:f32, 5.000000e-01>
// OWN: quant.qcast %{{.*}} {qc.fixed_type} : {{.*}}i8:f32, 1.250000e-01>
// RUN: qopt %t/own.mlir --qc-insert-observers="activations=i8" | FileCheck %s --check-prefix=CALIBRATED
// CALIBRATED: quant.qcast %{{.*}} {qc.fixed_type}
// CALIBRATED: qc.observe %{{.*}} {code = i8, id = "y"}

//--- own.mlir
func.func @main(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %q = quant.qcast %x : tensor<1x4xf32> to tensor<1x4x!quant.uniform<i8:f32, 0.5>>
  %f = quant.dcast %q : tensor<1x4x!quant.uniform<i8:f32, 0.5>> to tensor<1x4xf32>
  %y = qc.add %f, %f : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32> loc("y")
  return %y : tensor<1x4xf32>
}
//--- ranges.json
{"version": 1, "ranges": {"y": [-16, 15.875]}}
//--- networks.py
import sys
import numpy as np

folder = sys.argv[1]
random = np.random.default_rng(5)
x = random.normal(0, 1, (160, 1, 8)).astype(np.float32)
np.savez(f"{folder}/samples.npz", x=x)
w1, w2, w3 = (random.normal(0, 0.5, shape).astype(np.float32) for shape in ((8, 16), (16, 12), (12, 5)))
# A rectifier, and one behind the same codes in another order.
h = np.maximum(x @ w1, 0)
g = np.maximum(np.roll(h, 8, 2) @ w2, 0)


def constant(values):
    return f'qc.constant dense<{np.array2string(values, separator=",", threshold=10**6, floatmode="fixed", precision=5)}> : tensor<{"x".join(map(str, values.shape))}xf32>'


def rounded(value, size, type, attributes=""):
    return (f"  %{value}q = quant.qcast %{value} {attributes}: tensor<1x{size}xf32> to tensor<1x{size}x!quant.uniform<{type}>>\n"
            f"  %{value}f = quant.dcast %{value}q : tensor<1x{size}x!quant.uniform<{type}>> to tensor<1x{size}xf32>\n")


def product(result, value, sizes, weights, clamp=True, bias=None):
    bias, of = (f"  %{result}b = {constant(bias)}\n", f", %{result}b") if bias is not None else ("", "")
    return (f"  %{result}w = {constant(weights)}\n{bias}"
            f"  %{result} = qc.matmul %{value}f, %{result}w{of} {{{'clamp_min = 0.0 : f32, ' if clamp else ''}qc.weight_code = i8}} : "
            f"(tensor<1x{sizes[0]}xf32>, tensor<{sizes[0]}x{sizes[1]}xf32>{f', tensor<{sizes[1]}xf32>' if of else ''}) -> tensor<1x{sizes[1]}xf32> loc(\"{result}\")\n")


def move(result, value, first, size, total):
    return (f"  %{result} = qc.slice %{value}f {{starts = array<i64: 0, {first}>, sizes = array<i64: 1, {size}>, steps = array<i64: 1, 1>}}"
            f" : tensor<1x{total}xf32> -> tensor<1x{size}xf32>\n")


def write(name, body):
    with open(f"{folder}/{name}.mlir", "w") as file:
        file.write(f'func.func @main(%x: tensor<1x8xf32> {{qc.name = "x"}}) -> tensor<1x5xf32> {{\n{body}  return %yf : tensor<1x5xf32>\n}}\n')


X = "i8:f32, 0.03"
# Three times as wide as the values are.
wide, wider = f"u4:f32, {np.float32(h.max() / 5):.9g}", f"i4:f32, {np.float32(g.max() / 5):.9g}:-8"
head = rounded("x", 8, X) + product("h", "x", (8, 16), w1)
tail = rounded("g", 12, wider) + product("y", "g", (12, 5), w3, clamp=False) + rounded("y", 5, "i8:f32, 0.13")


def swapped(attributes=""):
    return (rounded("h", 16, wide, attributes) + move("l", "h", 0, 8, 16) + rounded("l", 8, wide) + move("r", "h", 8, 8, 16) + rounded("r", 8, wide)
            + "  %c = qc.concat %rf, %lf {axis = 1} : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x16xf32>\n" + rounded("c", 16, wide)
            + product("g", "c", (16, 12), w2))


write("tied", head + swapped() + tail)
write("fixed", head + swapped("{qc.fixed_type} ") + tail)
# The result is a part of what the last product gives: they share a type.
fine = f"i8:f32, {np.float32(g.max() / 200):.9g}:-128"
write("ports", head + rounded("h", 16, wide) + product("g", "h", (16, 12), w2) + rounded("g", 12, fine) + move("y", "g", 3, 5, 12) + rounded("y", 5, fine))
write("power", head + rounded("h", 16, "u4:f32, 1.0") + product("g", "h", (16, 12), w2) + tail)
sigmoid = "  %s = qc.activation sigmoid %hf : tensor<1x16xf32> -> tensor<1x16xf32>\n"
write("sigmoid", head + rounded("h", 16, wide) + sigmoid + rounded("s", 16, "u4:f32, 0.0666666701") + product("g", "s", (16, 12), w2) + tail)
scale = np.float32(h.max() / 5)
pad = f"  %p = qc.pad %hf {{low = array<i64: 0, 1>, high = array<i64: 0, 0>, value = {float(scale) * 2:.9g} : f32}} : tensor<1x16xf32> -> tensor<1x17xf32>\n"
write("pad", head + rounded("h", 16, wide) + pad + rounded("p", 17, wide) + product("g", "p", (17, 12), np.concatenate([w2[:1], w2])) + tail)
more = (f"  %k = {constant(np.float32([[10.0]]))}\n"
        "  %p = qc.concat %hf, %k {axis = 1} : (tensor<1x16xf32>, tensor<1x1xf32>) -> tensor<1x17xf32>\n")
write("constant", head + rounded("h", 16, wide) + more + rounded("p", 17, wide) + product("g", "p", (17, 12), np.concatenate([w2, w2[:1]])) + tail)
write("input", rounded("x", 8, X) + move("l", "x", 0, 4, 8) + rounded("l", 4, X) + product("g", "l", (4, 12), w2[:4]) + tail)
# Half as wide as the values, with a function behind it that has none twice as far out.
narrow, above = f"u4:f32, {np.float32(h.max() / 30):.9g}", float(np.float32(h.max() / 30)) * 15 * 1.05
function = f"  %e = qc.activation exp %hf {{qc.domain = array<f64: 0.0, {above:.17g}>}} : tensor<1x16xf32> -> tensor<1x16xf32>\n"
write("domain", head + rounded("h", 16, narrow) + function + rounded("e", 16, "u8:f32, 0.9") + product("g", "e", (16, 12), w2 / 8) + tail)
# A bias that needs weights of a scale not much below the one they have; nothing reads its channel.
unread = w3.copy()
unread[0] = 0
write("bias", head + rounded("h", 16, wide) + product("g", "h", (16, 12), w2, bias=np.float32([1.5e6] + [0] * 11))
      + rounded("g", 12, wider) + product("y", "g", (12, 5), unread, clamp=False) + rounded("y", 5, "i8:f32, 0.13"))
//--- learn.py
import subprocess
import sys

for name in sys.argv[2:]:
    options = f"samples={sys.argv[1]}/samples.npz learn-steps=60" + (" bias-correction=false" if name == "bias" else "")
    subprocess.run(["qopt", f"{sys.argv[1]}/{name}.mlir", f"--qc-reconstruct-weights={options}", "-o", f"{sys.argv[1]}/{name}.learned.mlir"], check=True)
//--- judge.py
import re
import sys


def casts(name):
    """Code types and scales of all casts of activations, in order; what is decoded is what was encoded."""
    text = open(f"{sys.argv[1]}/{name}.mlir").read()
    types = re.findall(r"quant.qcast .* to tensor<[0-9x]*x!quant.uniform<(.*?):f32, ([^:>]*)(.*?)>>", text)
    decoded = re.findall(r"quant.dcast .* : tensor<1x[0-9x]*x!quant.uniform<(.*?):f32, ([^:>{]*)(.*?)>> to", text)
    assert types == decoded, (types, decoded)
    return [(code, float(scale), zero) for code, scale, zero in types], text


# Casts in order, and which of them move: those with the same letter together, "-" stays.
for name, groups in {"tied": "-aaaab-", "ports": "-a--", "power": "--a-", "fixed": "-----a-", "sigmoid": "-a-b-", "pad": "---a-",
                     "constant": "---a-", "input": "--a-", "domain": "-abc-", "bias": "-ab-"}.items():
    (before, _), (after, text) = casts(name), casts(f"{name}.learned")
    activations = int(re.search(r"qc.learned_steps = {activations = (\d+)", text)[1])
    ratios = [float(re.search(f"qc.learned_steps = .*?sqnr_{key} = ([^ ]*) ", text)[1]) for key in ("before", "after")]
    print(name, f"{ratios[0]:.2f} -> {ratios[1]:.2f} dB, {activations} moved:", *(f"{a[1] / b[1]:.3f}" for a, b in zip(after, before)))
    assert len(after) == len(groups) and activations == len(set(groups) - {"-"}), name
    assert ratios[1] > ratios[0] + 0.1, ratios
    moved = {}
    for group, old, new in zip(groups, before, after):
        assert (old[0], old[2]) == (new[0], new[2]), "codes and zero points stay"
        assert (old[1] == new[1]) == (group == "-"), (name, group, old, new)
        assert moved.setdefault(group, new) == new or group == "-", name
    if name == "domain":  # wider, up to what was seen
        end = float(re.search(r"qc.domain = array<f64: [^,]*, ([^>]*)>", text)[1])
        assert before[1][1] < after[1][1] and after[1][1] * 15 <= end * (1 + 1e-6)
    if name == "bias":  # still fits beside the products
        weights = float(re.search(r"tensor<16x12x!quant.uniform<[^{]*{([^:,]*)", text)[1])
        assert weights >= 2 * 1.5e6 / (after[1][1] * 2**29) * (1 - 1e-6), (weights, after)
