"""Random ops on random types, and what they must give, computed with numpy on exact integers.

generate CONTRACT OUT.mlir   functions without arguments, quantized domain, and their f32 twins where those are exact
check CONTRACT OUT.txt       compares what the evaluator printed
"""
import itertools
import random
import sys

import contracts
import numpy as np


class Quantized:
    """An affine type of one scale."""

    wide = "i16"

    def __init__(self, rng, code=None, scale=None):
        self.code = code or rng.choice(["i8", "i8", "u8", "i4", self.wide])
        bits = int(self.code[1:])
        self.low, self.high = (0, 2**bits - 1) if self.code[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        self.scale = scale or float(np.float32(rng.choice([rng.uniform(0.004, 0.3), 2.0 ** rng.randrange(-6, 1)])))
        self.zero = rng.randrange(self.low, self.high + 1)

    def __str__(self):
        return f"!quant.uniform<{self.code}:f32, {self.scale:.17e}:{self.zero}>"

    @property
    def storage(self):
        return ("ui" if self.code[0] == "u" else "i") + self.code[1:]

    def encode(self, values):
        return contracts.encode(values, self.scale, self.zero, self.low, self.high)


def literal(array):
    return str(array.tolist()).replace("'", "")


def shape_text(shape, element):
    return "tensor<" + "".join(f"{d}x" for d in shape) + f"{element}>"


def i64s(values):
    return "array<i64" + (": " if len(values) else "") + ", ".join(map(str, values)) + ">"


class Case:
    """One function: `body` lines, the result's type and codes. `exact`: the same op on f32 whose results are integers, or None."""

    def __init__(self, rng, contract):
        self.rng, self.contract, self.lines, self.float_lines = rng, contract, [], []
        self.result_type = Quantized(rng)
        self.limits = ""

    def ints(self, low, high, shape):
        return np.array([self.rng.randint(low, high) for _ in range(int(np.prod(shape)))], np.int64).reshape(shape)

    def activation(self, name, shape, type_=None):
        """A constant of codes; returns its type and its codes minus the zero point."""
        type_ = type_ or Quantized(self.rng)
        codes = self.ints(type_.low, type_.high, shape)
        self.lines.append(f"  %{name}c = qc.constant dense<{literal(codes)}> : {shape_text(shape, type_.storage)} -> {shape_text(shape, type_)}")
        # Behind a reshape it is no weight.
        self.lines.append(f"  %{name} = qc.reshape %{name}c : {shape_text(shape, type_)} -> {shape_text(shape, type_)}")
        centered = codes - type_.zero
        self.float_lines.append(f"  %{name} = qc.constant dense<{literal(centered.astype(np.float64))}> : {shape_text(shape, 'f32')}")
        return type_, centered

    def clamp(self):
        if self.rng.random() < 0.5:
            return ""
        low = float(np.float32(self.rng.uniform(-1, 0)))
        high = low + float(np.float32(self.rng.uniform(0.1, 2)))
        t = self.result_type
        t.low, t.high = (int(v) for v in t.encode(np.array([np.float32(low), np.float32(high)], np.float64)))
        return f"clamp_min = {np.float32(low):.9e} : f32, clamp_max = {np.float32(high):.9e} : f32"

    def finish(self, acc, real):
        """Rounds accumulators whose scale is `real` times the result's (a number or an array that broadcasts)."""
        t = self.result_type
        reals = np.broadcast_to(real, acc.shape)
        rounded = [contracts.scale(a, float(r), self.contract) for a, r in zip(acc.flat, reals.flat)]
        self.codes = [min(max(t.zero + r, t.low), t.high) for r in rounded]
        self.shape = acc.shape

    def move(self, centered, type_):
        """Codes of moved values: as they are in the same type, else each rounded once."""
        if str(type_) == str(self.result_type):
            return centered + type_.zero
        t = self.result_type
        values = [contracts.scale(a, type_.scale / t.scale, self.contract) for a in centered.flat]
        return np.clip(np.array(values, dtype=object).reshape(centered.shape) + t.zero, t.low, t.high).astype(np.int64)

    def weights(self, shape, channels, axis):
        """Constant weights, symmetric per channel or with one scale and maybe a zero point."""
        code = self.rng.choice(["i8", "i8", "i4", Quantized.wide])
        high = 2 ** (int(code[1:]) - 1) - 1
        codes = self.ints(-high, high, shape)
        scales = [float(np.float32(self.rng.uniform(0.001, 0.05))) for _ in range(channels)]
        if axis is None or self.rng.random() < 0.3:
            scales = scales[:1]
            text = f"!quant.uniform<{code}<{-high}:{high}>:f32, {scales[0]:.17e}>"
        else:
            text = f"!quant.uniform<{code}<{-high}:{high}>:f32:{axis}, {{{', '.join(f'{s:.17e}' for s in scales)}}}>"
        self.lines.append(f"  %w = qc.constant dense<{literal(codes)}> : {shape_text(shape, code)} -> {shape_text(shape, text)}")
        self.float_lines.append(f"  %w = qc.constant dense<{literal(codes.astype(np.float64))}> : {shape_text(shape, 'f32')}")
        self.weight_text = text
        return codes, np.array(scales * (channels // len(scales)))

    def bias(self, x_scale, w_scales):
        if self.rng.random() < 0.3:
            return None
        n = len(w_scales)
        codes = self.ints(-5000, 5000, [n])
        scales = [x_scale * s for s in w_scales]
        self.bias_text = f"!quant.uniform<i32:f32:0, {{{', '.join(f'{s:.17e}' for s in scales)}}}>"
        self.lines.append(f"  %b = qc.constant dense<{literal(codes)}> : tensor<{n}xi32> -> {shape_text([n], self.bias_text)}")
        self.float_lines.append(f"  %b = qc.constant dense<{literal(codes.astype(np.float64))}> : {shape_text([n], 'f32')}")
        return codes

    def emit(self, op, operands, attributes, exact=None):
        """`operands`: (name, shape, quantized type). `exact`: integer results of the f32 twin, which has neither clamp nor rounding."""
        names = ", ".join("%" + n for n, _, _ in operands)
        single = op.split()[0] in ("qc.clamp", "qc.pool", "qc.reduce", "qc.slice", "qc.pad", "qc.reshape", "qc.transpose", "qc.gather", "qc.activation")

        def line(element, result, extra):
            types = [shape_text(s, element or t) for _, s, t in operands]
            text = types[0] if single else f"({', '.join(types)})"
            attrs = ", ".join(a for a in (attributes, extra) if a)
            return f"  %y = {op} {names} {{{attrs}}} : {text} -> {shape_text(self.shape, result)}"

        self.lines.append(line(None, self.result_type, self.limits))
        self.float_lines.append(line("f32", "f32", ""))
        self.exact = exact


def pad_spatial(x, pads, value=0):
    n = len(pads) // 2
    return np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[i + n]) for i in range(n)], constant_values=value)


def windows(x, kernel, strides, dilations):
    """All windows of a padded [N, C, X...] array: (output index, [N, C, K...] view)."""
    sizes = [(d - dil * (k - 1) - 1) // s + 1 for d, k, s, dil in zip(x.shape[2:], kernel, strides, dilations)]
    for index in itertools.product(*map(range, sizes)):
        cut = tuple(slice(i * s, i * s + dil * (k - 1) + 1, dil) for i, s, k, dil in zip(index, strides, kernel, dilations))
        yield sizes, index, x[(slice(None), slice(None)) + cut]


def geometry(rng, rank):
    kernel = [rng.randint(1, 3) for _ in range(rank)]
    strides = [rng.randint(1, 2) for _ in range(rank)]
    dilations = [rng.randint(1, 2) for _ in range(rank)]
    pads = [rng.randint(0, dilations[i % rank] * (kernel[i % rank] - 1)) for i in range(2 * rank)]
    return kernel, strides, dilations, pads


def conv(c):
    rank = c.rng.randint(1, 3)
    kernel, strides, dilations, pads = geometry(c.rng, rank)
    groups, ins, outs, batch = c.rng.randint(1, 2), c.rng.randint(1, 2), c.rng.randint(1, 2), c.rng.randint(1, 2)
    x_shape = [batch, groups * ins] + [d * (k - 1) + c.rng.randint(1, 3) for d, k in zip(dilations, kernel)]
    w_shape = [groups * outs, ins] + kernel
    x_type, x = c.activation("x", x_shape)
    w, w_scales = c.weights(w_shape, groups * outs, 0)
    bias = c.bias(x_type.scale, w_scales)
    acc = None
    for sizes, index, view in windows(pad_spatial(x, pads), kernel, strides, dilations):
        acc = np.zeros([batch, groups * outs] + sizes, np.int64) if acc is None else acc
        for o in range(groups * outs):
            g = o // outs
            acc[(slice(None), o) + index] = (view[:, g * ins : (g + 1) * ins] * w[o]).sum(axis=tuple(range(1, rank + 2)))
    channel = [1, -1] + [1] * rank
    acc += 0 if bias is None else bias.reshape(channel)
    c.limits = c.clamp()
    c.finish(acc, (x_type.scale * w_scales / c.result_type.scale).reshape(channel))
    operands = [("x", x_shape, x_type), ("w", w_shape, c.weight_text)] + ([("b", [groups * outs], c.bias_text)] if bias is not None else [])
    c.emit("qc.conv", operands, f"strides = {i64s(strides)}, pads = {i64s(pads)}, dilations = {i64s(dilations)}, groups = {groups}", acc)


def conv_transpose(c):
    rank = c.rng.randint(1, 2)
    kernel, strides, dilations, _ = geometry(c.rng, rank)
    groups, ins, outs = c.rng.randint(1, 2), c.rng.randint(1, 2), c.rng.randint(1, 2)
    extra = [c.rng.randint(0, max(s, d) - 1) for s, d in zip(strides, dilations)]
    sizes = [c.rng.randint(2, 4) for _ in range(rank)]
    full = [s * (x - 1) + e + d * (k - 1) + 1 for s, x, e, d, k in zip(strides, sizes, extra, dilations, kernel)]
    pads = [c.rng.randint(0, 1) if full[i % rank] > 3 else 0 for i in range(2 * rank)]
    x_shape, w_shape = [1, groups * ins] + sizes, [groups * ins, outs] + kernel
    x_type, x = c.activation("x", x_shape)
    w, w_scales = c.weights(w_shape, groups * outs, 1 if groups == 1 else None)
    bias = c.bias(x_type.scale, w_scales)
    acc = np.zeros([1, groups * outs] + full, np.int64)
    for i, o in itertools.product(range(groups * ins), range(outs)):
        for at in itertools.product(*map(range, sizes)):
            cut = tuple(slice(a * s, a * s + d * (k - 1) + 1, d) for a, s, k, d in zip(at, strides, kernel, dilations))
            acc[(0, i // ins * outs + o) + cut] += x[(0, i) + at] * w[i, o]
    acc = acc[(slice(None), slice(None)) + tuple(slice(pads[i], full[i] - pads[i + rank]) for i in range(rank))]
    channel = [1, -1] + [1] * rank
    acc = acc + (0 if bias is None else bias.reshape(channel))
    c.limits = c.clamp()
    c.finish(acc, (x_type.scale * w_scales / c.result_type.scale).reshape(channel))
    operands = [("x", x_shape, x_type), ("w", w_shape, c.weight_text)] + ([("b", [groups * outs], c.bias_text)] if bias is not None else [])
    c.emit("qc.conv_transpose", operands, f"strides = {i64s(strides)}, pads = {i64s(pads)}, output_padding = {i64s(extra)}, dilations = {i64s(dilations)}, groups = {groups}", acc)


def matmul(c):
    m, k, n = (c.rng.randint(1, 4) for _ in range(3))
    if c.rng.random() < 0.5:  # weights
        a_shape, b_shape = c.rng.choice([[m, k], [2, m, k]]), [k, n]
        a_type, a = c.activation("x", a_shape)
        b, scales = c.weights(b_shape, n, 1)
        b_type = c.weight_text
    else:  # two activations, batches broadcast
        a_shape, b_shape = c.rng.choice([([2, m, k], [2, k, n]), ([3, 1, m, k], [2, k, n]), ([1, m, k], [4, k, n])])
        a_type, a = c.activation("x", a_shape)
        t, b = c.activation("w", b_shape)
        b_type, scales = t, np.array([t.scale] * n)
    bias = c.bias(a_type.scale, scales)
    acc = a @ b + (0 if bias is None else bias)
    c.limits = c.clamp()
    c.finish(acc, a_type.scale * scales / c.result_type.scale)
    operands = [("x", a_shape, a_type), ("w", b_shape, b_type)] + ([("b", [n], c.bias_text)] if bias is not None else [])
    c.emit("qc.matmul", operands, "", acc)


def binary(c):
    op = c.rng.choice(["add", "sub", "mul"])
    a_shape, b_shape = c.rng.choice([([2, 3], [2, 3]), ([2, 3], [3]), ([1, 3], [2, 1]), ([4], [2, 1, 1]), ([2, 2], [1])])
    a_type, a = c.activation("x", a_shape)
    b_type, b = c.activation("w", b_shape)
    t = c.result_type
    c.limits = c.clamp()
    if op == "mul":
        c.finish(a * b, a_type.scale * b_type.scale / t.scale)
        exact = a * b
    else:
        sign = 1 if op == "add" else -1
        a2, b2 = np.broadcast_arrays(a, b)
        reals = [a_type.scale / t.scale, sign * (b_type.scale / t.scale)]
        rounded = [contracts.sum_scaled(pair, reals, c.contract) for pair in zip(a2.flat, b2.flat)]
        c.codes, c.shape = [min(max(t.zero + r, t.low), t.high) for r in rounded], a2.shape
        exact = a + sign * b
    c.emit(f"qc.{op}", [("x", a_shape, a_type), ("w", b_shape, b_type)], "", exact)


def clamp(c):
    x_type, x = c.activation("x", [7])
    if c.rng.random() < 0.3:
        c.result_type = Quantized(c.rng, x_type.code, x_type.scale)
        c.result_type.zero = x_type.zero
    c.limits = c.clamp()
    c.finish(x, x_type.scale / c.result_type.scale)
    c.emit("qc.clamp", [("x", [7], x_type)], "", x)


def pool(c):
    rank = c.rng.randint(1, 3)
    kernel, strides, dilations, pads = geometry(c.rng, rank)
    kind, include = c.rng.choice([("max", False), ("average", False), ("average", True)])
    if include:  # padding counts: a window may lie outside altogether
        pads = [c.rng.randint(0, 2) for _ in range(2 * rank)]
    x_shape = [1, 2] + [d * (k - 1) + c.rng.randint(1, 3) for d, k in zip(dilations, kernel)]
    pads = [min(p, dilations[i % rank] * (kernel[i % rank] - 1)) for i, p in enumerate(pads)]
    x_type, x = c.activation("x", x_shape)
    result, counts = None, None
    inside = pad_spatial(np.ones_like(x), pads)
    padded = pad_spatial(x, pads, -(10**9) if kind == "max" else 0)
    axes = tuple(range(2, rank + 2))
    for (sizes, index, view), (_, _, ones) in zip(windows(padded, kernel, strides, dilations), windows(inside, kernel, strides, dilations)):
        if result is None:
            result, counts = np.zeros([1, 2] + sizes, np.int64), np.zeros([1, 2] + sizes, np.int64)
        where = (slice(None), slice(None)) + index
        result[where] = view.max(axis=axes) if kind == "max" else view.sum(axis=axes)
        counts[where] = np.prod(kernel) if include else ones.sum(axis=axes)
    attributes = f"kernel = {i64s(kernel)}, strides = {i64s(strides)}, pads = {i64s(pads)}, dilations = {i64s(dilations)}" + (", count_include_pad" if include else "")
    if kind == "max":
        if c.rng.random() < 0.7:
            c.result_type = x_type
        c.codes, c.shape = c.move(result, x_type).flatten().tolist(), result.shape
    else:
        c.finish(result, x_type.scale / (c.result_type.scale * counts))
    c.emit(f"qc.pool {kind}", [("x", x_shape, x_type)], attributes, result if kind == "max" else None)


def reduce(c):
    kind = c.rng.choice(["mean", "sum", "max", "min"])
    x_shape = [2, 3, 4]
    axes = c.rng.choice([[0], [1], [2], [1, 2], [0, 2], [0, 1, 2]])
    keep = c.rng.random() < 0.5
    x_type, x = c.activation("x", x_shape)
    count = np.prod([x_shape[a] for a in axes])
    exact = getattr(np, {"mean": "sum"}.get(kind, kind))(x, axis=tuple(axes), keepdims=keep)
    exact = np.asarray(exact)
    if kind in ("max", "min"):
        if c.rng.random() < 0.7:
            c.result_type = x_type
        c.codes, c.shape = c.move(exact, x_type).flatten().tolist(), exact.shape
    else:
        c.finish(exact, x_type.scale / (c.result_type.scale * (float(count) if kind == "mean" else 1.0)))
    c.emit(f"qc.reduce {kind}", [("x", x_shape, x_type)], f"axes = {i64s(axes)}" + (", keep_dims" if keep else ""), None if kind == "mean" else exact)


def movement(c):
    op = c.rng.choice(["concat", "slice", "pad", "reshape", "transpose", "gather"])
    x_shape = [2, 3, 4]
    x_type, x = c.activation("x", x_shape)
    if c.rng.random() < 0.6:
        c.result_type = x_type
    operands, attributes, exact = [("x", x_shape, x_type)], "", None
    moved = c.move(x, x_type)
    if op == "concat":
        axis = c.rng.randrange(3)
        w_shape = list(x_shape)
        w_shape[axis] = c.rng.randint(1, 3)
        w_type, w = c.activation("w", w_shape)
        operands.append(("w", w_shape, w_type))
        attributes, function = f"axis = {axis}", None
        codes, exact = np.concatenate([moved, c.move(w, w_type)], axis), np.concatenate([x, w], axis)
    else:
        if op == "slice":
            starts, sizes, steps = c.rng.choice([([0, 0, 1], [2, 3, 2], [1, 1, 2]), ([1, 2, 3], [2, 3, 4], [-1, -1, -1]), ([0, 2, 0], [1, 2, 1], [1, -2, 1])])
            attributes = f"starts = {i64s(starts)}, sizes = {i64s(sizes)}, steps = {i64s(steps)}"
            picks = np.ix_(*[[s + i * t for i in range(n)] for s, n, t in zip(starts, sizes, steps)])
            function = lambda a: a[picks]  # noqa: E731
        elif op == "pad":
            mode = c.rng.choice(["constant", "edge", "reflect"])
            low, high = [c.rng.randint(0, 1) for _ in range(3)], [c.rng.randint(0, 1) for _ in range(3)]
            value = float(c.rng.randint(-30, 30))
            attributes = f"low = {i64s(low)}, high = {i64s(high)}, mode = #qc<pad_mode {mode}>, value = {value:.9e} : f32"
            pads = list(zip(low, high))
            code = int(c.result_type.encode(np.array([value]))[0])
            if mode == "constant":
                codes, exact = np.pad(moved, pads, constant_values=code), np.pad(x, pads, constant_values=int(value))
                function = None
            else:
                function = lambda a: np.pad(a, pads, mode=mode)  # noqa: E731
        elif op == "reshape":
            function = lambda a: a.reshape([4, 6])  # noqa: E731
        elif op == "transpose":
            permutation = c.rng.choice(list(itertools.permutations(range(3))))
            attributes = f"permutation = {i64s(permutation)}"
            function = lambda a: a.transpose(permutation)  # noqa: E731
        else:
            axis = c.rng.randrange(3)
            indices = [c.rng.randrange(x_shape[axis]) for _ in range(5)]
            attributes = f"indices = {i64s(indices)}, axis = {axis}"
            function = lambda a: np.take(a, indices, axis)  # noqa: E731
        if function:
            codes, exact = function(moved), function(x)
    c.codes, c.shape = codes.flatten().tolist(), codes.shape
    c.emit(f"qc.{op}", operands, attributes, exact)


def activation(c):
    kind, alpha, beta = c.rng.choice([("leaky_relu", 0.125, 0), ("sigmoid", 0, 0), ("tanh", 0, 0), ("hard_sigmoid", 0.25, 0.5), ("hard_swish", 0, 0)])
    x_type, x = c.activation("x", [9])
    v = x * x_type.scale
    values = {
        "leaky_relu": np.where(v < 0, alpha * v, v),
        "sigmoid": 1 / (1 + np.exp(-np.maximum(v, -700))),
        "tanh": np.tanh(v),
        "hard_sigmoid": np.clip(alpha * v + beta, 0, 1),
        "hard_swish": v * np.clip(v / 6 + 0.5, 0, 1),
    }[kind]
    c.codes, c.shape = c.result_type.encode(values).tolist(), (9,)
    c.emit(f"qc.activation {kind}", [("x", [9], x_type)], f"alpha = {alpha:.9e} : f32, beta = {beta:.9e} : f32")


KINDS = [conv, conv, conv_transpose, matmul, binary, binary, clamp, pool, reduce, movement, movement, activation]


def cases(contract):
    # A 31-bit multiplier leaves no room for the products of 16-bit codes: the verifier refuses them.
    Quantized.wide = "i4" if contract.startswith("tflite") else "i16"
    rng = random.Random(11)
    for i in range(240):
        case = Case(rng, contract)
        KINDS[i % len(KINDS)](case)
        case.name = f"{KINDS[i % len(KINDS)].__name__}_{i}"
        yield case


def functions(contract):
    """(name, attributes, lines, result type, expected numbers)"""
    for case in cases(contract):
        yield f"{case.name}", f' attributes {{qc.requant = "{contract}"}}', case.lines, shape_text(case.shape, case.result_type), case.codes
        # Products of 16-bit codes are not exact in f32.
        if case.exact is not None and not any("i16" in line for line in case.lines):
            yield f"{case.name}_f32", "", case.float_lines, shape_text(case.shape, "f32"), case.exact.flatten().tolist()


def generate(contract, path):
    with open(path, "w") as out:
        for name, attributes, lines, result, _ in functions(contract):
            body = "\n".join(lines)
            out.write(f"func.func @{name}() -> {result}{attributes} {{\n{body}\n  return %y : {result}\n}}\n")


def check(contract, path):
    count = 0
    with open(path) as lines:
        for (name, _, body, _, expected), line in zip(functions(contract), lines, strict=True):
            got_name, rest = line.split(": ", 1)
            values = rest[rest.rindex("[") + 1 : rest.rindex("]")]
            got = [float(v) for v in values.split(", ")]
            if got_name != name or got != [float(e) for e in expected]:
                sys.exit("\n".join([f"{name} ({contract}) gave", str(got), "expected", str(expected)] + body))
            count += 1
    print(f"{count} functions agree")


{"generate": generate, "check": check}[sys.argv[1]](*sys.argv[2:])
