"""generate OUT.mlir: many numbers through qc.quantize, quant.qcast and the elementary functions. check OUT.txt: what the evaluator printed."""
import math
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
# Kind, numpy's function, inputs for f32, and the scales (a power of two each) of a table with 16-bit codes.
erf = np.vectorize(math.erf)
REAL = np.concatenate([np.linspace(-20, 20, N), rng.normal(0, 1, N), rng.normal(0, 0.01, N), [0.0]])
POSITIVE, UNIT = np.abs(REAL) + 1e-3, np.concatenate([np.linspace(-1, 1, N), rng.uniform(-0.01, 0.01, N)])
FUNCTIONS = {
    "exp": (np.exp, REAL, -12, -4), "log": (np.log, POSITIVE, None, None), "sqrt": (np.sqrt, POSITIVE, None, None),
    "reciprocal": (lambda v: 1 / v, POSITIVE, None, None), "erf": (erf, REAL, -13, -15), "sin": (np.sin, REAL, -12, -15),
    "cos": (np.cos, REAL, -12, -15), "tan": (np.tan, REAL, -15, -14), "asin": (np.arcsin, UNIT, -15, -14),
    "acos": (np.arccos, UNIT, -15, -13), "atan": (np.arctan, REAL, -10, -14), "sinh": (np.sinh, REAL, -13, -10),
    "cosh": (np.cosh, REAL, -13, -10), "asinh": (np.arcsinh, REAL, -10, -12), "acosh": (np.arccosh, POSITIVE + 1, None, None),
    "atanh": (np.arctanh, UNIT * 0.999, None, None), "softplus": (lambda v: np.logaddexp(0, v), REAL, -12, -11),
    "softsign": (lambda v: v / (1 + np.abs(v)), REAL, -10, -15), "abs": (np.abs, REAL, -12, -12), "sign": (np.sign, REAL, -12, -14),
    "floor": (np.floor, REAL * 1e3, -10, -10), "ceil": (np.ceil, REAL * 1e3, -10, -10), "round": (np.rint, REAL * 1e3, -10, -10),
    "elu": (lambda v: np.where(v < 0, 1.5 * np.expm1(v), 0.75 * v), REAL, -12, -12),
}
ATTRIBUTES = {"elu": " {alpha = 1.5 : f32, beta = 0.75 : f32}"}
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
        for kind, (_, inputs, code, result) in FUNCTIONS.items():
            n, more = len(inputs), ATTRIBUTES.get(kind, "")
            out.write(f"""func.func @{kind}() -> tensor<{n}xf32> {{
  %x = qc.constant dense<{dense(inputs.astype(np.float32))}> : tensor<{n}xf32>
  %y = qc.activation {kind} %x{more} : tensor<{n}xf32> -> tensor<{n}xf32>
  return %y : tensor<{n}xf32>
}}
""")
            if code is None:
                continue
            x, y = (f"tensor<65536x!quant.uniform<i16:f32, {2.0**e:.12e}>>" for e in (code, result))
            out.write(f"""func.func @{kind}_table() -> {y} {{
  %x = qc.constant dense<"0x{np.arange(-32768, 32768, dtype='<i2').tobytes().hex().upper()}"> : tensor<65536xi16> -> {x}
  %y = qc.activation {kind} %x{more} : {x} -> {y}
  return %y : {y}
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
    for kind, (f, inputs, code, result) in FUNCTIONS.items():
        want = f(inputs.astype(np.float32).astype(np.float64))
        # Where a function crosses zero or is subtracted from 1, the absolute error counts.
        error = np.max(np.abs(printed[kind] - want) / np.maximum(np.abs(want), 2.0**-3)) * 2.0**23
        assert error < 16, f"{kind}: {error} times 2^-23"
        if code is not None:
            codes = contracts.encode(f(np.arange(-32768, 32768) * 2.0**code), 2.0**result, 0, -32768, 32767)
            wrong = np.count_nonzero(printed[f"{kind}_table"] != codes)
            assert wrong == 0, f"{kind}_table: {wrong} codes"
    e = np.exp(-np.abs(x))
    error = ulps(printed["softmax"][1::2][inside], (e / (1 + e))[inside])
    assert error < 4, f"softmax: {error} units in the last place"
    print("all agree")


{"generate": generate, "check": check}[sys.argv[1]](sys.argv[2])
