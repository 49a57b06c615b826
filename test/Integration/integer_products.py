"""Products of integers and dynamic quantization in programs: sums beyond 2^24 are exact in every mode, and results are ONNX Runtime's (optimization
disabled) where it is at hand.

integer_products.py FOLDER"""
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Import"))
import onnx_runtime  # noqa: E402
from onnx_build import BOOL, FLOAT, INT8, INT32, UINT8, model, node, scalar, tensor, value  # noqa: E402

random = np.random.default_rng(3)
DTYPES = {INT8: np.int8, UINT8: np.uint8}
MICROSOFT = {"domain": "com.microsoft"}
DYNAMIC = node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])


def codes(shape, kind, samples=3):
    """Codes of samples; those of the first are all the largest, so that sums leave what f32 counts exactly."""
    limits = np.iinfo(DTYPES[kind])
    x = random.integers(limits.min, limits.max + 1, [samples, *shape])
    x[0] = limits.max
    return x.astype(DTYPES[kind])


def constant(name, array, kind):
    return tensor(name, list(array.shape), [float(v) if kind == FLOAT else int(v) for v in array.ravel()], kind)


def convolve(x, w):
    """One pixel of padding around 3x3 taps, in integers."""
    x = np.pad(x.astype(np.int64), [(0, 0), (0, 0), (1, 1), (1, 1)])
    height, width = x.shape[2] - 2, x.shape[3] - 2
    return sum(np.einsum("bchw,oc->bohw", x[:, :, i:i + height, j:j + width], w[:, :, i, j].astype(np.int64)) for i in range(3) for j in range(3))


def quantize(x):
    """DynamicQuantizeLinear in f32."""
    low, high = min(x.min(), np.float32(0)), max(x.max(), np.float32(0))
    scale = (high - low) / np.float32(255) if high > low else np.float32(1)
    zero = np.clip(np.rint(-low / scale), 0, 255)
    return np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.int64), np.float32(scale), int(zero)


CASES = {}


def case(name, nodes, inputs, outputs, constants, samples, expect, modes=("-mode=f32", "")):
    opsets = [("", 13), ("com.microsoft", 1)]
    CASES[name] = (model(nodes, inputs, outputs, constants, opsets=opsets), samples, expect, modes)


def products():
    w, wide = codes([600, 5], INT8), codes([600, 5], UINT8)
    w, wide = w[1], np.full_like(wide[0], 255)
    row, output = {"a": ([1, 600], UINT8)}, [value("y", [1, 5], INT32)]
    a = codes([1, 600], UINT8)
    case("largest", [node("MatMulInteger", ["a", "w"], ["y"])], row, output, [constant("w", wide, UINT8)], {"a": a}, lambda a: [a.astype(np.int64) @ wide])
    case("zero_points", [node("MatMulInteger", ["a", "w", "za", "zw"], ["y"])], row, output,
         [constant("w", w, INT8), scalar("za", 3, UINT8), constant("zw", np.arange(5) - 2, INT8)], {"a": a},
         lambda a: [(a.astype(np.int64) - 3) @ (w.astype(np.int64) - (np.arange(5) - 2))])
    vector = {"a": ([600], UINT8)}
    case("vector", [node("MatMulInteger", ["a", "w"], ["y"])], vector, [value("y", [5], INT32)], [constant("w", wide, UINT8)], {"a": a[:, 0]},
         lambda a: [a.astype(np.int64) @ wide])
    case("two_inputs", [node("MatMulInteger", ["a", "b", "za"], ["y"])], {"a": ([1, 600], UINT8), "b": ([600, 5], INT8)}, output, [scalar("za", 3, UINT8)],
         {"a": a, "b": codes([600, 5], INT8)}, lambda a, b: [(a.astype(np.int64) - 3) @ b.astype(np.int64)])
    kernel = np.concatenate([np.full([1, 64, 3, 3], 127), random.integers(-128, 128, [2, 64, 3, 3])])
    x = codes([1, 64, 6, 6], UINT8)
    case("conv", [node("ConvInteger", ["a", "w", "za"], ["y"], pads=[1] * 4)], {"a": ([1, 64, 6, 6], UINT8)}, [value("y", [1, 3, 6, 6], INT32)],
         [constant("w", kernel, INT8), scalar("za", 3, UINT8)], {"a": x}, lambda a: [convolve(a.astype(np.int64) - 3, kernel)])


def dynamic():
    w = np.concatenate([np.full([600, 1], 127), random.integers(-128, 128, [600, 4])], 1)
    x = random.normal(0, 1, [4, 1, 600]).astype(np.float32)
    x[0], x[1] = 0, abs(x[1])
    reals = {"x": [1, 600]}
    case("dynamic", [DYNAMIC], reals, [value("q", [1, 600], UINT8), value("s", []), value("z", [], UINT8)], [], {"x": x}, quantize, ["-mode=f32"])

    def sums(x):
        q, s, z = quantize(x)
        return [(q - z) @ w]

    # The product with the scale stays in float: its codes would be too coarse. It reads an exact sum.
    product = [DYNAMIC, node("MatMulInteger", ["q", "w", "z"], ["y"])]
    case("dynamic_sums", product, reals, [value("y", [1, 5], INT32)], [constant("w", w, INT8)], {"x": x}, sums, ["-mode=f32"])
    scaled = [*product, node("Cast", ["y"], ["f"], to=FLOAT), node("Mul", ["s", "ws"], ["c"]), node("Mul", ["f", "c"], ["r"])]
    factors = np.float32([0.01, 0.02, 0.03, 0.04, 0.05])
    real = lambda x: [sums(x)[0].astype(np.float32) * (quantize(x)[1] * factors)]
    case("dynamic_scaled", scaled, reals, ["r"], [constant("w", w, INT8), constant("ws", factors, FLOAT)], {"x": x}, real, ["-mode=f32", "calibrated"])
    case("dynamic_fused", [node("DynamicQuantizeMatMul", ["x", "w", "ws"], ["r"], **MICROSOFT)], reals, ["r"],
         [constant("w", w, INT8), constant("ws", factors, FLOAT)], {"x": x}, real, ["-mode=f32", "calibrated"])
    kernel = np.concatenate([np.full([1, 64, 3, 3], 127), random.integers(-128, 128, [2, 64, 3, 3])])

    def convolved(x):
        q, s, z = quantize(x)
        return [convolve(q - z, kernel)]

    image = random.normal(0, 1, [3, 1, 64, 6, 6]).astype(np.float32)
    case("dynamic_conv", [DYNAMIC, node("ConvInteger", ["q", "w", "z"], ["y"], pads=[1] * 4)], {"x": [1, 64, 6, 6]}, [value("y", [1, 3, 6, 6], INT32)],
         [constant("w", kernel, INT8)], {"x": image}, convolved, ["-mode=f32"])


def selections():
    parameters = [scalar("s", 0.5), scalar("s2", 0.25), scalar("sy", 0.375), scalar("z", 3, UINT8), scalar("z2", 100, UINT8), scalar("zy", 7, UINT8)]
    inputs = {"a": ([1, 64], UINT8), "b": ([1, 64], UINT8)}
    samples = {"a": codes([1, 64], UINT8), "b": codes([1, 64], UINT8)}
    where = node("QLinearWhere", ["c", "a", "s", "z", "b", "s2", "z2", "sy", "zy"], ["y"], **MICROSOFT)

    def select(c, a, b):
        real = np.where(c, (a.astype(float) - 3) * 0.5, (b.astype(float) - 100) * 0.25)
        return [np.clip(np.rint(real / 0.375) + 7, 0, 255)]

    case("where", [where], {"c": ([1, 64], BOOL), **inputs}, [value("y", [1, 64], UINT8)], parameters, {"c": random.integers(0, 2, [3, 1, 64]).astype(bool), **samples}, select)
    computed = [node("DequantizeLinear", ["a", "s", "z"], ["ar"]), node("DequantizeLinear", ["b", "s2", "z2"], ["br"]), node("Less", ["ar", "br"], ["c"]), where]
    case("where_computed", computed, inputs, [value("y", [1, 64], UINT8)], parameters, samples,
         lambda a, b: select((a.astype(float) - 3) * 0.5 < (b.astype(float) - 100) * 0.25, a, b))


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}")


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    library = onnx_runtime.find()
    runtime = onnx_runtime.Runtime(library) if library else None
    products()
    dynamic()
    selections()
    for name, (text, samples, expect, modes) in CASES.items():
        with open(name + ".onnx", "wb") as file:
            file.write(text)
        np.savez("x.npz", **samples)
        count = len(next(iter(samples.values())))
        rows = [{n: v[i] for n, v in samples.items()} for i in range(count)]
        expected = [np.stack([np.asarray(r[j]) for r in (expect(**row) for row in rows)]) for j in range(len(expect(**rows[0])))]
        for mode in modes:
            options = ["-calib=x.npz"] if mode == "calibrated" else [mode] if mode else []
            run("qcc", name + ".onnx", *options, "-o", "y.o")
            run("qrun", "y.o", "-inputs=x.npz", "-outputs=y.npz")
            found = np.load("y.npz")
            for output, want in zip(found.files, expected):
                got, error = found[output].reshape(want.shape).astype(float), 0.0
                if mode == "calibrated":  # a code of the input and one of the result
                    error = abs(want).max() * 0.02
                wrong = abs(got - want) > error
                if wrong.any():
                    at = tuple(np.argwhere(wrong)[0])
                    sys.exit(f"{name} {mode}: {wrong.sum()} of {wrong.size} elements of {output} are wrong; at {at} {got[at]} instead of {want[at]}")
                if runtime and not error:
                    session = runtime.open(name + ".onnx")
                    theirs = np.stack([runtime.run(session, row, [output])[0] for row in rows]).reshape(want.shape)
                    runtime.close(session)
                    if (theirs != got).any():
                        sys.exit(f"{name} {mode}: {(theirs != got).sum()} of {got.size} elements of {output} are not the runtime's")
    print(f"{len(CASES)} models are exact" + ("" if runtime else " (no ONNX Runtime here: compared with integers only)"))


main()
