"""generate OUT.mlir: many numbers through qc.quantize, quant.qcast and the elementary functions. check OUT.txt: what the evaluator printed."""
import sys

import contracts
import numpy as np

rng = np.random.default_rng(3)
N = 1500


def near_ties():
    """(scale, zero point, values): f32 numbers next to ties, and anywhere."""
    for _ in range(6):
        scale = np.float32(rng.uniform(0.001, 2.0))
        zero = int(rng.integers(-128, 128))
        ties = ((rng.integers(-200, 200, N) + 0.5) * np.float64(scale)).astype(np.float32)
        ties = np.nextafter(ties, np.float32(np.inf), where=rng.random(N) < 0.3, out=ties.copy())
        values = np.where(rng.random(N) < 0.7, ties, rng.normal(0, 200, N).astype(np.float32) * scale)
        yield scale, zero, values.astype(np.float32)


QUANTIZE = list(near_ties())
GRID = np.concatenate([np.linspace(-95, 95, N), rng.normal(0, 1, N), rng.normal(0, 0.01, N)]).astype(np.float32)


def dense(values):
    """f32 numbers exactly, as hexadecimal bits."""
    return '"0x' + values.astype("<f4").tobytes().hex().upper() + '"'


def generate(path):
    with open(path, "w") as out:
        for i, (scale, zero, values) in enumerate(QUANTIZE):
            type_ = f"tensor<{N}x!quant.uniform<i8:f32, {float(scale):.17e}:{zero}>>"
            out.write(f"""func.func @both_{i}() -> (tensor<{N}xi8>, {type_}) {{
  %x = qc.constant dense<{dense(values)}> : tensor<{N}xf32>
  %y = qc.quantize %x {{scale = {float(scale):.9e} : f32, zero_point = {zero}, code_min = -128, code_max = 127}} : tensor<{N}xf32> -> tensor<{N}xi8>
  %z = quant.qcast %x : tensor<{N}xf32> to {type_}
  return %y, %z : tensor<{N}xi8>, {type_}
}}
""")
        for kind in ("sigmoid", "tanh"):
            n = len(GRID)
            out.write(f"""func.func @{kind}() -> tensor<{n}xf32> {{
  %x = qc.constant dense<{dense(GRID)}> : tensor<{n}xf32>
  %y = qc.activation {kind} %x : tensor<{n}xf32> -> tensor<{n}xf32>
  return %y : tensor<{n}xf32>
}}
func.func @{kind}_table() -> tensor<65536x!quant.uniform<i16:f32, 3.0517578125e-05>> {{
  %x = qc.constant dense<"0x{np.arange(-32768, 32768, dtype='<i2').tobytes().hex().upper()}"> : tensor<65536xi16> -> tensor<65536x!quant.uniform<i16:f32, 0.000244140625>>
  %y = qc.activation {kind} %x : tensor<65536x!quant.uniform<i16:f32, 0.000244140625>> -> tensor<65536x!quant.uniform<i16:f32, 3.0517578125e-05>>
  return %y : tensor<65536x!quant.uniform<i16:f32, 3.0517578125e-05>>
}}
""")
        n = len(GRID)
        out.write(f"""func.func @softmax() -> tensor<{n}x2xf32> {{
  %x = qc.constant dense<{dense(np.stack([np.zeros(n), -abs(GRID)], 1))}> : tensor<{n}x2xf32>
  %y = qc.softmax %x {{axis = 1}} : tensor<{n}x2xf32> -> tensor<{n}x2xf32>
  return %y : tensor<{n}x2xf32>
}}
""")


def ulps(got, want):
    """Errors in units in the last place of normal f32 numbers."""
    spacing = np.spacing(np.maximum(np.abs(want), np.float64(2.0) ** -126).astype(np.float32))
    return np.max(np.abs(got - want) / spacing)


def check(path):
    printed = {}
    with open(path) as lines:
        for line in lines:
            name, rest = line.split(": ", 1)
            printed[name] = np.array([float(v) for v in rest[rest.rindex("[") + 1 : rest.rindex("]")].split(", ")])
    for i, (scale, zero, values) in enumerate(QUANTIZE):
        want = contracts.encode(values, np.float64(scale), zero, -128, 127)
        assert (printed[f"both_{i}#0"] == want).all() and (printed[f"both_{i}#1"] == want).all(), f"both_{i}"
    x = GRID.astype(np.float64)
    inside = np.abs(x) < 87
    for kind, f in (("sigmoid", lambda v: 1 / (1 + np.exp(-v))), ("tanh", np.tanh)):
        error = ulps(printed[kind][inside], f(x[inside]))
        assert error < 3, f"{kind}: {error} units in the last place"
        codes = contracts.encode(f(np.arange(-32768, 32768) * 2.0**-12), 2.0**-15, 0, -32768, 32767)
        assert (printed[f"{kind}_table"] == codes).all(), f"{kind}_table"
    e = np.exp(-np.abs(x))
    error = ulps(printed["softmax"][1::2][inside], (e / (1 + e))[inside])
    assert error < 4, f"softmax: {error} units in the last place"
    print("all agree")


{"generate": generate, "check": check}[sys.argv[1]](sys.argv[2])
