"""Random integer graphs: every op of the integer domain with random shapes, types and attributes, on arguments and on each other's results.

  random_graph.py generate SEED COUNT graph.mlir inputs.npz    a module at stage `integer` with COUNT values, most of them results
  random_graph.py compare expected.npz actual.npz              prints `N results agree`, or names the first that does not
"""
import sys

import numpy as np

LIMITS = {f"i{n}": (-2 ** (n - 1), 2 ** (n - 1) - 1) for n in (2, 4, 6, 8, 16, 32, 64)}
LIMITS.update({f"ui{n}": (0, 2 ** n - 1) for n in (4, 8, 16)})
ROUNDINGS = ["onnx", "ort", "tflite_double", "tflite_single", "pow2"]
SAMPLES = 3


def tensor(shape, code):
    return f"tensor<{''.join(f'{d}x' for d in shape)}{code}>"


def numbers(values):
    return ", ".join(str(int(v)) for v in values)


def i64s(values):
    values = list(values)
    return f"array<i64: {numbers(values)}>" if values else "array<i64>"


def magnitude(code, zero=0):
    low, high = LIMITS[code]
    return max(abs(low - zero), abs(high - zero))


class Graph:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.inputs, self.arguments, self.lines, self.values, self.used = {}, [], [], [], set()

    # Random choices.
    def number(self, low, high):
        return int(self.random.integers(low, high + 1))

    def chance(self, one_in):
        return self.number(1, one_in) == 1

    def pick(self, *choices):
        return choices[self.number(0, len(choices) - 1)]

    def sizes(self, count, low, high):
        return [self.number(low, high) for _ in range(count)]

    # Values.
    def argument(self, shape, code):
        """A value to compute on: the first elements of an earlier one in another shape, or a new argument of the function."""
        size = int(np.prod(shape))
        earlier = [v for v in self.values if v[2] == code and np.prod(v[1]) >= size]
        if earlier and not self.chance(3):
            value, from_shape, _ = earlier[-self.number(1, min(4, len(earlier)))]
            self.used.add(value)
            count = int(np.prod(from_shape))
            flat = self.convert("qc.reshape", (value, from_shape, code), {}, [count], code)
            if count > size:
                attributes = {"starts": i64s([0]), "sizes": i64s([size]), "steps": i64s([1])}
                flat = self.convert("qc.slice", (flat, [count], code), attributes, [size], code)
            return self.convert("qc.reshape", (flat, [size], code), {}, shape, code)
        name = f"a{len(self.arguments)}"
        low, high = (max(-2 ** 40, LIMITS[code][0]), min(2 ** 40, LIMITS[code][1]))
        data = self.random.integers(low, high + 1, [SAMPLES] + list(shape))
        if self.chance(4):  # the extremes
            data = np.where(self.random.random(data.shape) < 0.5, low, high)
        self.inputs[name] = data
        self.arguments.append(f'%{name}: {tensor(shape, code)} {{qc.name = "{name}"}}')
        return f"%{name}"

    def emit(self, op, operands, attributes, types, result):
        name = f"%v{len(self.lines)}"
        entries = ", ".join(f"{key} = {value}" if value is not None else key for key, value in attributes.items())
        self.lines.append(f"{name} = {op} {', '.join(operands)} {{{entries}}} : {types(result)}")
        return name

    def apply(self, op, operands, attributes, shape, code):
        """An op with functional type; `operands` are (value, shape, code)."""
        before = ", ".join(tensor(s, c) for _, s, c in operands)
        return self.emit(op, [v for v, _, _ in operands], attributes, lambda r: f"({before}) -> {r}", tensor(shape, code))

    def convert(self, op, operand, attributes, shape, code):
        """An op with one operand and the types of operand and result."""
        value, s, c = operand
        return self.emit(op, [value], attributes, lambda r: f"{tensor(s, c)} -> {r}", tensor(shape, code))

    def constant(self, data, code):
        data = np.asarray(data)
        name = f"%v{len(self.lines)}"
        text = str(data.tolist())
        self.lines.append(f"{name} = qc.constant dense<{text}> : {tensor(data.shape, code)}")
        return name, list(data.shape), code

    def result(self, value, shape, code):
        self.values.append((value, list(shape), code))

    # Accumulators and their requantization.
    def accumulator_code(self, bound):
        return "i32" if bound < 2 ** 31 - 1 and not self.chance(6) else "i64"

    def multiplier(self, rounding):
        if rounding in ("onnx", "ort"):
            mantissa = self.number(2 ** 23, 2 ** 24 - 1)
        elif rounding == "pow2":
            mantissa = 2 ** self.number(0, 5)
        else:
            mantissa = self.number(2 ** 30, 2 ** 31 - 1)
        return -mantissa if self.chance(8) else mantissa

    def requantize(self, value, shape, code, bound, axis=None):
        rounding, out = self.pick(*ROUNDINGS), self.pick("i8", "ui8", "i8", "i4", "i16")
        low, high = LIMITS[out]
        zero = self.number(-20, 20)
        mantissas, shifts = [], []
        for _ in range(1 if axis is None else shape[axis]):
            mantissa = self.multiplier(rounding)
            while abs(mantissa) * (bound + abs(zero)) >= 2 ** 62:
                mantissa //= 2
            # Results around the limits of the type, sometimes far off.
            shift = round(np.log2(max(1, bound * abs(mantissa)) / (2 * high))) + self.number(-2, 3)
            mantissas.append(mantissa)
            shifts.append(self.number(0, 62) if self.chance(30) else int(np.clip(shift, 0, 62)))
        code_min, code_max = sorted(self.sizes(2, low, high)) if self.chance(3) else (low, high)
        attributes = {"input_zero_points": i64s([zero]), "multipliers": f"array<i32: {numbers(mantissas)}>",
                      "shifts": f"array<i32: {numbers(shifts)}>", "zero_point": self.number(low, high), "code_min": code_min,
                      "code_max": code_max, "rounding": f"#qc<rounding {rounding}>"}
        if axis is not None:
            attributes["axis"] = f"{axis} : i64"
        self.result(self.apply("qc.requantize", [(value, shape, code)], attributes, shape, out), shape, out)

    def finish(self, value, shape, code, bound, axis=None):
        if self.chance(5):
            self.result(value, shape, code)
        else:
            self.requantize(value, shape, code, bound, axis if self.chance(2) else None)

    # Ops.
    def conv(self, transposed=False):
        spatial = self.pick(1, 2, 2, 2, 3)
        code, weight_code = self.pick("i8", "ui8", "i4", "i16", "ui4"), self.pick("i8", "i4", "i2", "i6", "i16")
        groups, inner = self.pick(1, 1, 2, 3), self.number(1, 6)
        outer = self.pick(self.number(1, 5), self.number(8, 20))
        if self.chance(4):  # depthwise
            groups, inner, outer = self.number(2, 9), 1, self.pick(1, 1, 2)
        kernel = [1] * spatial if self.chance(4) else self.sizes(spatial, 1, 4)
        if self.chance(8):
            kernel[-1] = self.number(9, 11)
        strides, dilations = self.sizes(spatial, 1, 3), self.sizes(spatial, 1, 2)
        pads = self.sizes(2 * spatial, 0, 3) if self.chance(2) else [0] * (2 * spatial)
        spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel)]
        around = [pads[i] + pads[i + spatial] for i in range(spatial)]
        attributes = {"strides": i64s(strides), "pads": i64s(pads), "dilations": i64s(dilations), "groups": f"{groups} : i64"}
        low, high = LIMITS[code]
        zero = self.number(low, high)
        if transposed:
            sizes, extra = self.sizes(spatial, 1, 6), [self.number(0, max(s, d) - 1) for s, d in zip(strides, dilations)]
            result = [s * (x - 1) + e + span - a for s, x, e, span, a in zip(strides, sizes, extra, spans, around)]
            weight_shape = [groups * inner, outer] + kernel
            attributes.update({"output_padding": i64s(extra), "input_zero_point": f"{zero} : i64"})
            most = magnitude(code, zero)
        else:
            sizes = [max(self.number(1, 12), span - a) for span, a in zip(spans, around)]
            result = [(x + a - span) // s + 1 for x, a, span, s in zip(sizes, around, spans, strides)]
            weight_shape = [groups * outer, inner] + kernel
            attributes["pad_value"] = f"{zero} : i64"
            most = max(magnitude(code), abs(zero))
        if min(result) < 1 or np.prod(weight_shape) > 3000 or np.prod(result) * groups * outer > 20000:
            return
        high_weight = LIMITS[weight_code][1]
        weight = self.random.integers(-high_weight, high_weight + 1, weight_shape)
        per_channel = np.zeros(groups * outer, dtype=np.int64)
        for o in range(groups * outer):
            g, j = divmod(o, outer)
            per_channel[o] = np.abs(weight[g * inner:(g + 1) * inner, j] if transposed else weight[o]).sum()
        bias = self.random.integers(-5000, 5000, groups * outer) * self.pick(0, 1)
        bound = int((per_channel * most + np.abs(bias)).max())
        code_acc = self.accumulator_code(bound)
        x_shape, y_shape = [self.number(1, 2), groups * inner] + sizes, None
        y_shape = [x_shape[0], groups * outer] + result
        operands = [(self.argument(x_shape, code), x_shape, code), self.constant(weight, weight_code)]
        if bias.any():
            operands.append(self.constant(bias, code_acc))
        attributes["acc_bound"] = f"{bound} : ui64"
        value = self.apply("qc.conv_transpose" if transposed else "qc.conv", operands, attributes, y_shape, code_acc)
        self.finish(value, y_shape, code_acc, bound, 1)

    def conv_transpose(self):
        self.conv(transposed=True)

    def matmul(self):
        code, weight_code = self.pick("i8", "ui8", "i4", "i16"), self.pick("i8", "ui8", "i4")
        rows, depth, columns = self.number(1, 9), self.number(1, 20), self.pick(self.number(1, 6), self.number(8, 300))
        batch = self.sizes(self.number(0, 2), 1, 3)
        shape = batch + [rows, depth]
        operands = [(self.argument(shape, code), shape, code)]
        zeros, weight_batch = (0, 0), []
        if self.chance(3):  # both sides are computed
            weight_batch = [self.pick(1, d) for d in batch][self.number(0, 1):]
            zeros = tuple(self.sizes(2, -5, 5))
            weight_shape = weight_batch + [depth, columns]
            operands.append((self.argument(weight_shape, weight_code), weight_shape, weight_code))
            bound = magnitude(code, zeros[0]) * magnitude(weight_code, zeros[1]) * depth
        else:
            weight = self.random.integers(LIMITS[weight_code][0], LIMITS[weight_code][1] + 1, [depth, columns])
            operands.append(self.constant(weight, weight_code))
            bound = int(np.abs(weight).sum(axis=0).max()) * magnitude(code)
        result = list(np.broadcast_shapes(tuple(batch), tuple(weight_batch))) + [rows, columns]
        code_acc = self.accumulator_code(bound)
        attributes = {"lhs_zero_point": f"{zeros[0]} : i64", "rhs_zero_point": f"{zeros[1]} : i64", "acc_bound": f"{bound} : ui64"}
        value = self.apply("qc.matmul", operands, attributes, result, code_acc)
        self.finish(value, result, code_acc, bound, len(result) - 1)

    def pool(self):
        spatial, code, kind = self.number(1, 3), self.pick("i8", "ui8", "i4", "i16"), self.pick("max", "sum")
        kernel, strides, dilations = self.sizes(spatial, 1, 4), self.sizes(spatial, 1, 3), self.sizes(spatial, 1, 2)
        if self.chance(6):
            kernel[-1] = self.number(9, 12)
        spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel)]
        pads = [self.number(0, min(2, spans[i % spatial] - 1)) for i in range(2 * spatial)]
        sizes = [max(self.number(1, 9), span) for span in spans]
        if self.chance(4):  # global
            sizes, dilations, pads, spans = list(kernel), [1] * spatial, [0] * (2 * spatial), list(kernel)
        shape = self.sizes(2, 1, 4) + sizes
        windows = [(x + pads[i] + pads[i + spatial] - spans[i]) // strides[i] + 1 for i, x in enumerate(sizes)]
        for i in range(spatial):  # no window lies outside the input altogether
            for o in range(windows[i]):
                if not any(0 <= o * strides[i] + k * dilations[i] - pads[i] < sizes[i] for k in range(kernel[i])):
                    return
        result = shape[:2] + windows
        attributes = {"kernel": i64s(kernel), "strides": i64s(strides), "pads": i64s(pads), "dilations": i64s(dilations)}
        operand = (self.argument(shape, code), shape, code)
        if kind == "max":
            self.result(self.convert("qc.pool max", operand, attributes, result, code), result, code)
            return
        pad_value = self.number(*LIMITS[code])
        bound = max(magnitude(code), abs(pad_value)) * int(np.prod(kernel))
        code_acc = self.accumulator_code(bound)
        attributes.update({"pad_value": f"{pad_value} : i64", "acc_bound": f"{bound} : ui64"})
        self.finish(self.convert("qc.pool sum", operand, attributes, result, code_acc), result, code_acc, bound, 1)

    def reduce(self):
        code, kind = self.pick("i8", "ui8", "i4", "i16"), self.pick("sum", "sum", "max", "min")
        shape = self.sizes(self.number(1, 4), 1, 7)
        axes = [i for i in range(len(shape)) if self.chance(2)]
        keep = self.chance(2)
        result = [1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes]
        attributes = {"axes": i64s(axes)}
        if keep:
            attributes["keep_dims"] = None
        operand = (self.argument(shape, code), shape, code)
        if kind != "sum":
            self.result(self.convert(f"qc.reduce {kind}", operand, attributes, result, code), result, code)
            return
        bound = magnitude(code) * int(np.prod([shape[i] for i in axes]))
        code_acc = self.accumulator_code(bound)
        attributes["acc_bound"] = f"{bound} : ui64"
        value = self.convert("qc.reduce sum", operand, attributes, result, code_acc)
        self.finish(value, result, code_acc, bound, len(result) - 1 if result else None)

    def broadcast_pair(self):
        shape = self.sizes(self.number(1, 4), 1, 6)
        pair = [[1 if self.chance(4) else d for d in shape] for _ in range(2)]
        if len(shape) > 1 and self.chance(3):
            pair[1] = pair[1][1:]
        return pair + [list(np.broadcast_shapes(*map(tuple, pair)))]

    def mul(self):
        a, b, result = self.broadcast_pair()
        codes, zeros = (self.pick("i8", "ui8", "i16"), self.pick("i8", "ui8")), self.sizes(2, -9, 9)
        bound = magnitude(codes[0], zeros[0]) * magnitude(codes[1], zeros[1])
        code_acc = self.accumulator_code(bound)
        operands = [(self.argument(s, c), s, c) for s, c in zip((a, b), codes)]
        attributes = {"lhs_zero_point": f"{zeros[0]} : i64", "rhs_zero_point": f"{zeros[1]} : i64", "acc_bound": f"{bound} : ui64"}
        self.finish(self.apply("qc.mul", operands, attributes, result, code_acc), result, code_acc, bound)

    def residual(self):
        a, b, result = self.broadcast_pair()
        out, shift = self.pick("i8", "ui8"), self.number(0, 26)
        most = 2 ** min(24, shift + 1)
        operands = [(self.argument(s, c), s, c) for s, c in zip((a, b), (self.pick("i8", "ui8", "i4"), self.pick("i8", "ui8", "i16")))]
        attributes = {"input_zero_points": i64s(self.sizes(2, -20, 20)), "multipliers": f"array<i32: {numbers(self.sizes(2, -most, most))}>",
                      "shifts": f"array<i32: {shift}>", "zero_point": self.number(*LIMITS[out]), "code_min": LIMITS[out][0],
                      "code_max": LIMITS[out][1], "rounding": f"#qc<rounding {self.pick(*ROUNDINGS)}>"}
        self.result(self.apply("qc.requantize", operands, attributes, result, out), result, out)

    def rescale(self):
        shape, code = self.sizes(self.number(1, 4), 1, 5), self.pick("i8", "ui8", "i16", "i32", "i32")
        self.requantize(self.argument(shape, code), shape, code, magnitude(code), self.pick(None, self.number(0, len(shape) - 1)))

    def lut(self):
        shape, code, out = self.sizes(self.number(1, 4), 1, 5), self.pick("i8", "ui8", "i4", "ui4", "i2"), self.pick("i8", "ui8", "i16", "i4")
        axis = self.pick(None, self.number(0, len(shape) - 1))
        entries = ([] if axis is None else [shape[axis]]) + [2 ** int(code.strip("ui"))]
        table = self.constant(self.random.integers(LIMITS[out][0], LIMITS[out][1] + 1, entries), out)
        attributes = {} if axis is None else {"axis": f"{axis} : i64"}
        self.result(self.apply("qc.lut", [(self.argument(shape, code), shape, code), table], attributes, shape, out), shape, out)

    def concat(self):
        code, shape = self.pick("i8", "ui8", "i16"), self.sizes(self.number(1, 4), 1, 6)
        axis = self.number(0, len(shape) - 1)
        parts = [[self.number(1, 4) if i == axis else d for i, d in enumerate(shape)] for _ in range(self.number(1, 3))]
        result = [sum(p[axis] for p in parts) if i == axis else d for i, d in enumerate(shape)]
        operands = [(self.argument(p, code), p, code) for p in parts]
        self.result(self.apply("qc.concat", operands, {"axis": f"{axis} : i64"}, result, code), result, code)

    def move(self):
        code, shape = self.pick("i8", "ui8", "i4", "i16", "i64"), self.sizes(self.number(1, 4), 1, 6)
        operand = (self.argument(shape, code), shape, code)
        kind = self.pick("slice", "pad", "reshape", "transpose", "gather")
        if kind == "slice":
            steps = [self.number(1, 2) * self.pick(1, -1) for _ in shape]
            starts = [self.number(0, d - 1) for d in shape]
            room = [(d - 1 - a) // s + 1 if s > 0 else a // -s + 1 for d, a, s in zip(shape, starts, steps)]
            result = [self.number(1, r) for r in room]
            attributes = {"starts": i64s(starts), "sizes": i64s(result), "steps": i64s(steps)}
        elif kind == "pad":
            mode = self.pick("constant", "edge", "reflect")
            most = [min(3, d - 1) if mode == "reflect" else 3 for d in shape]
            low, high = ([self.number(0, m) for m in most] for _ in range(2))
            result = [a + d + b for a, d, b in zip(low, shape, high)]
            attributes = {"low": i64s(low), "high": i64s(high), "mode": f"#qc<pad_mode {mode}>", "pad_value": "1 : i64"}
        elif kind == "reshape":
            result, attributes = self.pick([int(np.prod(shape))], [1] + shape + [1]), {}
        elif kind == "transpose":
            order = self.random.permutation(len(shape))
            result, attributes = [shape[i] for i in order], {"permutation": i64s(order)}
        else:
            axis = self.number(0, len(shape) - 1)
            indices = self.sizes(self.number(1, 7), 0, shape[axis] - 1)
            result = [len(indices) if i == axis else d for i, d in enumerate(shape)]
            attributes = {"indices": i64s(indices), "axis": f"{axis} : i64"}
        self.result(self.convert(f"qc.{kind}", operand, attributes, result, code), result, code)

    def text(self):
        # Not all that others use is a result, so that buffers can be shared.
        returned = [(v, tensor(s, c)) for v, s, c in self.values if v not in self.used or self.chance(4)]
        results = ", ".join(f'{t} {{qc.name = "r{i}"}}' for i, (_, t) in enumerate(returned))
        body = "\n    ".join(self.lines)
        values, types = ", ".join(v for v, _ in returned), ", ".join(t for _, t in returned)
        return (f'module attributes {{qc.stage = "integer"}} {{\n  func.func @run({", ".join(self.arguments)})\n      -> ({results}) {{\n'
                f"    {body}\n    return {values} : {types}\n  }}\n}}\n")


def generate(seed, count, graph_path, inputs_path):
    graph = Graph(seed)
    ops = [graph.conv, graph.conv, graph.conv, graph.conv_transpose, graph.matmul, graph.matmul, graph.pool, graph.reduce, graph.mul,
           graph.residual, graph.rescale, graph.lut, graph.concat, graph.move, graph.move]
    while len(graph.values) < count:
        graph.pick(*ops)()
    with open(graph_path, "w") as file:
        file.write(graph.text())
    np.savez(inputs_path, **graph.inputs)


def compare(expected_path, actual_path):
    expected, actual = np.load(expected_path), np.load(actual_path)
    assert sorted(expected.files) == sorted(actual.files), (expected.files, actual.files)
    for name in sorted(expected.files):
        if not np.array_equal(expected[name].astype(np.int64), actual[name].astype(np.int64)):
            where = tuple(np.argwhere(expected[name].astype(np.int64) != actual[name].astype(np.int64))[0])
            sys.exit(f"{name}{list(map(int, where))}: expected {expected[name][where]}, got {actual[name][where]}")
    print(f"{len(expected.files)} results agree")


if sys.argv[1] == "generate":
    generate(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
else:
    compare(sys.argv[2], sys.argv[3])
