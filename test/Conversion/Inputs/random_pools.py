"""Random windows, spatial reductions and transposes: random_pools.py SEED COUNT graph.mlir inputs.npz (a module at stage `integer`)

Sizes are drawn around those of vectors and of their halves, so that every remainder occurs."""
import sys

import numpy as np

from random_cases import arguments, i64s, inputs, lines, number, pick, random, results, tensor

LIMITS = {"i4": (-8, 7), "i8": (-128, 127), "ui8": (0, 255), "i16": (-32768, 32767)}


def name():
    return f"%v{len(lines)}"


def emit(text):
    lines.append(f"{name()} = {text}")
    return f"%v{len(lines) - 1}"


def argument(shape, code):
    low, high = LIMITS[code]
    values = random.choice([low, high], [2, *shape]) if number(0, 3) == 0 else random.integers(low, high + 1, [2, *shape])
    key = f"x{len(inputs)}"
    inputs[key] = values.astype({"ui8": np.uint8, "i16": np.int16}.get(code, np.int8))
    arguments.append(f'%{key}: {tensor(shape, code)} {{qc.name = "{key}"}}')
    return f"%{key}"


def channels():
    return pick(number(2, 9), number(2, 70), pick(8, 16, 24, 32, 64, 96, 128) + number(-1, 1))


def result(value, shape, code):
    results.append((value, tensor(shape, code)))


def requantize(value, shape, code, most):
    """To codes: one multiplier for all channels or one for each."""
    to = pick("i8", "ui8")
    low, high = LIMITS[to]
    own = number(0, 1)
    count = shape[1] if own else 1
    multipliers = ", ".join(str(number(2**23, 2**24 - 1)) for _ in range(count))
    base = 23 + max(1, int(most).bit_length() - 7)
    shifts = ", ".join(str(base + number(0, 1)) for _ in range(count))
    axis = ", axis = 1 : i64" if own else ""
    text = emit(f"qc.requantize {value} {{input_zero_points = array<i64: {number(-9, 9)}>, multipliers = array<i32: {multipliers}>, "
                f"shifts = array<i32: {shifts}>{axis}, zero_point = {number(low, high) // 2} : i64, code_min = {low} : i64, "
                f"code_max = {high} : i64, rounding = #qc<rounding onnx>}} : ({tensor(shape, code)}) -> {tensor(shape, to)}")
    return text, to


def pool():
    rank = pick(1, 2, 2, 2, 3)
    code = pick("i8", "i8", "ui8", "i4", "i16")
    kind = pick("max", "max", "sum")
    while True:
        size = [number(1, 12) for _ in range(rank)]
        kernel = [number(1, 4) for _ in range(rank)]
        strides, dilations = [number(1, 3) for _ in range(rank)], [pick(1, 1, 1, 2, 3) for _ in range(rank)]
        pads = [number(0, 2) if number(0, 1) else 0 for _ in range(2 * rank)]
        reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel)]
        out = [(x + a + b - r) // s + 1 for x, a, b, r, s in zip(size, pads[:rank], pads[rank:], reach, strides)]
        # Every window holds an element.
        held = all(any(0 <= o * s - p + t * d < x for t in range(k)) for x, y, k, s, p, d in zip(size, out, kernel, strides, pads, dilations)
                   for o in range(y))
        if min(out) > 0 and held:
            break
    shape = [pick(1, 1, 2), channels(), *size]
    to = [*shape[:2], *out]
    value = argument(shape, code)
    extra, acc = "", code
    if kind == "sum":
        low, high = LIMITS[code]
        pad_value = number(low, high)
        most = int(np.prod(kernel)) * max(-low, high)
        extra, acc = f", pad_value = {pad_value} : i64, acc_bound = {most} : ui64", "i32"
    value = emit(f"qc.pool {kind} {value} {{kernel = {i64s(kernel)}, strides = {i64s(strides)}, pads = {i64s(pads)}, "
                 f"dilations = {i64s(dilations)}{extra}}} : {tensor(shape, code)} -> {tensor(to, acc)}")
    if number(0, 2):
        value, acc = requantize(value, to, acc, most if kind == "sum" else LIMITS[code][1])
    result(value, to, acc)


def reduce():
    code = pick("i8", "i8", "ui8", "i16")
    rank = pick(1, 2, 2)
    size = [number(1, 7) for _ in range(rank)]
    if number(0, 3) == 0:
        size[-1] = number(250, 600)
    shape = [pick(1, 2), channels(), *size]
    kind = pick("sum", "sum", "max", "min")
    keep = number(0, 1)
    to = shape[:2] + [1] * rank * keep
    value = argument(shape, code)
    # In front of it something that makes the activation channels last.
    value = emit(f"qc.pool max {value} {{kernel = {i64s([1] * rank)}, strides = {i64s([1] * rank)}, pads = {i64s([0] * 2 * rank)}, "
                 f"dilations = {i64s([1] * rank)}}} : {tensor(shape, code)} -> {tensor(shape, code)}")
    low, high = LIMITS[code]
    most = int(np.prod(size)) * max(-low, high)
    acc = "i32" if kind == "sum" else code
    bound = f", acc_bound = {most} : ui64" if kind == "sum" else ""
    value = emit(f"qc.reduce {kind} {value} {{axes = {i64s(range(2, 2 + rank))}{', keep_dims' if keep else ''}{bound}}} : "
                 f"{tensor(shape, code)} -> {tensor(to, acc)}")
    if number(0, 2):
        value, acc = requantize(value, to, acc, most if kind == "sum" else high)
    result(value, to, acc)


def transpose():
    code = pick("i8", "i8", "i16", "ui8")
    shape = [pick(number(1, 5), number(1, 40), pick(15, 16, 17, 31, 32, 33, 48, 64, 65)) for _ in range(number(2, 4))]
    while np.prod(shape) > 60000:
        shape[number(0, len(shape) - 1)] = number(1, 4)
    order = random.permutation(len(shape))
    to = [shape[i] for i in order]
    result(emit(f"qc.transpose {argument(shape, code)} {{permutation = {i64s(order)}}} : {tensor(shape, code)} -> {tensor(to, code)}"), to, code)


def concat():
    """Parts of a channel concatenation are written in place."""
    size, code = [number(1, 6), number(1, 6)], pick("i8", "ui8")
    values, shapes = [], []
    for _ in range(number(2, 3)):
        shape = [1, channels(), *size]
        value = argument(shape, code)
        values.append(emit(f"qc.pool max {value} {{kernel = {i64s([3, 3])}, strides = {i64s([1, 1])}, pads = {i64s([1] * 4)}, "
                           f"dilations = {i64s([1, 1])}}} : {tensor(shape, code)} -> {tensor(shape, code)}"))
        shapes.append(shape)
    to = [1, sum(s[1] for s in shapes), *size]
    types = ", ".join(tensor(s, code) for s in shapes)
    result(emit(f"qc.concat {', '.join(values)} {{axis = 1 : i64}} : ({types}) -> {tensor(to, code)}"), to, code)


def residual():
    """Poolings added up: each sum may take the buffer of the one before."""
    shape, code = [1, channels(), number(1, 6), number(1, 6)], pick("i8", "ui8")
    low, high = LIMITS[code]
    value = None
    for _ in range(3):
        part = emit(f"qc.pool max {argument(shape, code)} {{kernel = {i64s([3, 3])}, strides = {i64s([1, 1])}, pads = {i64s([1] * 4)}, "
                    f"dilations = {i64s([1, 1])}}} : {tensor(shape, code)} -> {tensor(shape, code)}")
        terms = ", ".join(str(number(2**14, 2**15 - 1)) for _ in range(2))
        value = part if value is None else emit(
            f"qc.requantize {part}, {value} {{input_zero_points = array<i64: {number(-9, 9)}, {number(-9, 9)}>, "
            f"multipliers = array<i32: {terms}>, shifts = array<i32: 16>, zero_point = {number(low, high) // 2} : i64, code_min = {low} : i64, "
            f"code_max = {high} : i64, rounding = #qc<rounding onnx>}} : ({tensor(shape, code)}, {tensor(shape, code)}) -> {tensor(shape, code)}")
    result(value, shape, code)


for _ in range(int(sys.argv[2])):
    pick(pool, pool, reduce, transpose, concat, residual)()
outputs = ", ".join(f'{t} {{qc.name = "r{i}"}}' for i, (_, t) in enumerate(results))
body = "\n    ".join(lines)
with open(sys.argv[3], "w") as file:
    file.write(f'module attributes {{qc.stage = "integer"}} {{\n  func.func @run({", ".join(arguments)})\n      -> ({outputs}) {{\n'
               f"    {body}\n    return {', '.join(v for v, _ in results)} : {', '.join(t for _, t in results)}\n  }}\n}}\n")
np.savez(sys.argv[4], **inputs)
