"""generate OUT.mlir IN.npz: every function of one and of two f32 numbers, and integer operations whose operands the machine may not like.
compare A.npz B.npz: the same bits; any NaN equals any other."""
import sys

import numpy as np

UNARY = ("abs sign floor ceil round reciprocal sqrt exp log erf sin cos tan asin acos atan sinh cosh asinh acosh atanh elu softplus softsign "
         "sigmoid tanh hard_sigmoid hard_swish leaky_relu").split()
FLOAT = "min max pow rem".split()
INTEGER = "min max mod rem and or xor shift_left shift_right".split()
TYPES = {"i8": np.int8, "ui8": np.uint8, "i32": np.int32, "i64": np.int64, "ui16": np.uint16}
N = 512


def generate(path, inputs):
    rng = np.random.default_rng(5)
    special = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 3e38, 8388609.0, 100.0, -100.0]
    x = np.concatenate([rng.normal(0, s, (N - len(special)) // 4) for s in (0.01, 1, 10, 1000)] + [special]).astype(np.float32)
    y = rng.permutation(x)
    arrays = {"x": x, "y": y}
    arguments, body, results, types = ["%%x: tensor<%dxf32>" % N, "%%y: tensor<%dxf32>" % N], [], [], []

    def add(op, type_, operands, result=None):
        name = "%%r%d" % len(results)
        body.append("  %s = qc.%s %s : %s -> tensor<%dx%s> loc(\"%s\")" % (name, op, operands, type_, N, result, name[1:]))
        results.append(name)
        types.append("tensor<%dx%s>" % (N, result))

    f = "tensor<%dxf32>" % N
    for kind in UNARY:
        more = " {alpha = 0.3 : f32, beta = 0.6 : f32}" if kind in ("elu", "hard_sigmoid", "leaky_relu") else ""
        add("activation " + kind, f, "%x" + more, "f32")
    pair = "(%s, %s)" % (f, f)
    for kind in FLOAT:
        add("binary " + kind, pair, "%x, %y", "f32")
    for kind in ("equal", "less", "less_equal"):
        add("compare " + kind, pair, "%x, %y", "i1")
    for code, dtype in TYPES.items():
        info = np.iinfo(dtype)
        a, b = (rng.integers(info.min, info.max, N, dtype=dtype, endpoint=True) for _ in range(2))
        b[::3] = rng.integers(0, 9, len(b[::3]))
        a[:4], b[:4] = info.min, [0, np.array(-1).astype(dtype), 1, info.max]
        arrays["a" + code], arrays["b" + code] = a, b
        t = "tensor<%dx%s>" % (N, code)
        arguments += ["%%a%s: %s" % (code, t), "%%b%s: %s" % (code, t)]
        for op in ["binary " + kind for kind in INTEGER] + ["div", "add", "mul"]:
            add(op, "(%s, %s)" % (t, t), "%%a%s, %%b%s" % (code, code), code)
        for kind in ("equal", "less", "less_equal"):
            add("compare " + kind, "(%s, %s)" % (t, t), "%%a%s, %%b%s" % (code, code), "i1")
    named = ", ".join("%s {qc.name = \"%s\"}" % (a, a[1:a.index(":")]) for a in arguments)
    outputs = ", ".join("%s {qc.name = \"%s\"}" % (t, r[1:]) for t, r in zip(types, results))
    with open(path, "w") as out:
        out.write("func.func @main(%s) -> (%s) {\n%s\n  return %s : %s\n}\n"
                  % (named, outputs, "\n".join(body), ", ".join(results), ", ".join(types)))
    np.savez(inputs, **{name: array[None] for name, array in arrays.items()})


def compare(first, second):
    a, b = np.load(first), np.load(second)
    assert set(a.files) == set(b.files)
    for name in sorted(a.files):
        x, y = a[name], b[name]
        same = (x == y) & (np.signbit(x) == np.signbit(y)) | np.isnan(x) & np.isnan(y) if x.dtype == np.float32 else x == y
        assert same.all(), "%s: element %s is %s and %s" % (name, np.argwhere(~same)[0], x[~same][0], y[~same][0])
    print(len(a.files), "results agree")


{"generate": generate, "compare": compare}[sys.argv[1]](*sys.argv[2:])
