"""Random integer graphs in which layouts meet: spatial ops and everything that transposes can pass or must stop at, on shared values.

  layout_graph.py SEED COUNT graph.mlir inputs.npz    a module with COUNT ops and samples for it
"""
import sys

import numpy as np


def tensor(shape, code):
    return f"tensor<{''.join(f'{d}x' for d in shape)}{code}>"


def i64s(values):
    return f"array<i64: {', '.join(str(v) for v in values)}>" if values else "array<i64>"


class Graph:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.lines, self.values, self.used, self.inputs = [], [], set(), {}
        for name, rank in (("a", 4), ("b", self.number(3, 5))):
            shape = [self.number(1, 2), self.pick(1, 3, 4, 6)] + [self.number(2, 7) for _ in range(rank - 2)]
            self.inputs[name] = (shape, self.random.integers(-128, 128, [2] + shape))
            self.values.append(("%" + name, shape))

    def number(self, low, high):
        return int(self.random.integers(low, high + 1))

    def pick(self, *choices):
        return choices[self.number(0, len(choices) - 1)]

    def take(self, ranks=(1, 5)):
        """A value, late ones more often than early ones."""
        fitting = [v for v in self.values if ranks[0] <= len(v[1]) <= ranks[1]]
        value = fitting[-1 - min(int(self.random.exponential(2.0)), len(fitting) - 1)]
        self.used.add(value[0])
        return value

    def emit(self, op, operands, attributes, shape, code="i8", functional=False, kind=""):
        name = f"%v{len(self.lines)}"
        entries = ", ".join(key if value is None else f"{key} = {value}" for key, value in attributes.items())
        before = ", ".join(tensor(s, c) for _, s, c in operands)
        before = f"({before})" if functional else before
        self.lines.append(f"{name} = qc.{op} {kind} {', '.join(o[0] for o in operands)} {{{entries}}} : {before} -> {tensor(shape, code)}")
        return name

    def constant(self, shape, code, low, high):
        name = f"%v{len(self.lines)}"
        data = self.random.integers(low, high + 1, shape)
        text = str(data.tolist()) if code != "f32" else str((data / 4.0).tolist())
        self.lines.append(f"{name} = qc.constant dense<{text}> : {tensor(shape, code)}")
        return (name, list(shape), code), data

    def add(self, name, shape):
        if np.prod(shape) <= 2000 and len(shape) <= 6:
            self.values.append((name, list(shape)))

    def narrow(self, inputs, shape, code, axis=None):
        count = 1 if axis is None else shape[axis]
        multipliers = self.random.integers(2**22, 2**23, count * len(inputs))
        shift = 31 if code == "i32" else 24
        attributes = {"input_zero_points": i64s([self.number(-3, 3) for _ in inputs]),
                      "multipliers": f"array<i32: {', '.join(str(m) for m in multipliers)}>",
                      "shifts": f"array<i32: {', '.join([str(shift)] * count)}>", "zero_point": self.number(-9, 9),
                      "code_min": -128, "code_max": 127, "rounding": "#qc<rounding onnx>"}
        if axis is not None:
            attributes["axis"] = f"{axis} : i64"
        self.add(self.emit("requantize", [(v, s, code) for v, s in inputs], attributes, shape, functional=True), shape)

    def windows(self, shape, least=1):
        spatial = len(shape) - 2
        kernel = [self.number(least, min(2, s)) for s in shape[2:]]
        strides = [self.number(1, 2) for _ in range(spatial)]
        sizes = [(x - k) // s + 1 for x, k, s in zip(shape[2:], kernel, strides)]
        return kernel, {"strides": i64s(strides), "pads": i64s([0] * (2 * spatial)), "dilations": i64s([1] * spatial)}, sizes

    def conv(self):
        value, shape = self.take((3, 5))
        kernel, attributes, sizes = self.windows(shape)
        groups = self.pick(1, 1, shape[1])
        out = groups if groups > 1 else self.number(1, 6)
        weight, data = self.constant([out, shape[1] // groups] + kernel, "i8", -9, 9)
        bound = int(np.abs(data).reshape(out, -1).sum(1).max()) * 128
        attributes.update({"groups": f"{groups} : i64", "acc_bound": f"{bound} : ui64"})
        result = [shape[0], out] + sizes
        name = self.emit("conv", [(value, shape, "i8"), weight], attributes, result, "i32", functional=True)
        self.narrow([(name, result)], result, "i32", self.pick(None, 1))

    def pool(self):
        value, shape = self.take((3, 5))
        kernel, attributes, sizes = self.windows(shape)
        attributes["kernel"] = i64s(kernel)
        result = shape[:2] + sizes
        if self.pick(True, False):
            self.add(self.emit("pool", [(value, shape, "i8")], attributes, result, kind="max"), result)
            return
        attributes["acc_bound"] = f"{128 * int(np.prod(kernel))} : ui64"
        self.narrow([(self.emit("pool", [(value, shape, "i8")], attributes, result, "i32", kind="sum"), result)], result, "i32")

    def residual(self):
        value, shape = self.take()
        same = [v for v in self.values if v[1] == shape]
        other = self.pick(*same)
        kind = self.number(0, 3)
        if kind == 1:
            shape2 = [1 if self.pick(True, False) else s for s in shape][self.number(0, len(shape)):]
            (name, _, _), _ = self.constant(shape2, "i8", -99, 99)
            other = (name, shape2)
        elif kind == 2:
            axes = [d for d in range(len(shape)) if self.pick(True, False)] or [0]
            small = [1 if d in axes else s for d, s in enumerate(shape)]
            other = (self.emit("reduce", [(value, shape, "i8")], {"axes": i64s(axes), "keep_dims": None}, small, kind="max"), small)
            while other[1] and other[1][0] == 1 and self.pick(True, False):
                other = (self.emit("reshape", [(*other, "i8")], {}, other[1][1:]), other[1][1:])
        self.used.add(other[0])
        pair = [(value, shape), other]
        self.narrow(pair if self.pick(True, False) else pair[::-1], shape, "i8")

    def lut(self):
        value, shape = self.take()
        axis = self.pick(None, self.number(0, len(shape) - 1))
        table, _ = self.constant([256] if axis is None else [shape[axis], 256], "i8", -128, 127)
        self.add(self.emit("lut", [(value, shape, "i8"), table], {} if axis is None else {"axis": f"{axis} : i64"}, shape, functional=True), shape)

    def concat(self):
        value, shape = self.take()
        axis = self.number(0, len(shape) - 1)
        fitting = [v for v in self.values if len(v[1]) == len(shape) and all(a == b for d, (a, b) in enumerate(zip(v[1], shape)) if d != axis)]
        inputs = [(value, shape, "i8")] + [(*self.pick(*fitting), "i8") for _ in range(self.number(0, 2))]
        if self.number(0, 3) == 0:
            inputs.append(self.constant([2 if d == axis else s for d, s in enumerate(shape)], "i8", -128, 127)[0])
        result = list(shape)
        result[axis] = sum(s[axis] for _, s, _ in inputs)
        self.used.update(v for v, _, _ in inputs)
        self.add(self.emit("concat", inputs, {"axis": f"{axis} : i64"}, result, functional=True), result)

    def move(self):
        value, shape = self.take()
        kind = self.pick("pad", "slice", "gather", "transpose", "transpose")
        if kind == "pad":
            low, high = [self.number(0, 1) for _ in shape], [self.number(0, 1) for _ in shape]
            result = [a + b + c for a, b, c in zip(shape, low, high)]
            mode = self.pick("constant", "edge")
            attributes = {"low": i64s(low), "high": i64s(high), "mode": f"#qc<pad_mode {mode}>", "pad_value": f"{self.number(-9, 9)} : i64"}
        elif kind == "slice":
            result = [self.number(max(1, s - 1), s) for s in shape]
            backward = [self.pick(True, False) for _ in shape]
            attributes = {"starts": i64s([r - 1 if back else 0 for r, back in zip(result, backward)]), "sizes": i64s(result),
                          "steps": i64s([-1 if back else 1 for back in backward])}
        elif kind == "gather":
            axis = self.number(0, len(shape) - 1)
            indices = [self.number(0, shape[axis] - 1) for _ in range(self.number(1, 5))]
            result = [len(indices) if d == axis else s for d, s in enumerate(shape)]
            attributes = {"indices": i64s(indices), "axis": f"{axis} : i64"}
        else:
            order = [int(d) for d in self.random.permutation(len(shape))]
            if self.pick(True, False) and len(shape) >= 3:  # between the two usual layouts
                order = self.pick([0] + list(range(2, len(shape))) + [1], [0, len(shape) - 1] + list(range(1, len(shape) - 1)))
            result, attributes = [shape[d] for d in order], {"permutation": i64s(order)}
        self.add(self.emit(kind, [(value, shape, "i8")], attributes, result), result)

    def reshape(self):
        value, shape = self.take()
        result = list(shape)
        for _ in range(self.number(1, 2)):
            at = self.number(0, len(result) - 1)
            kind = self.pick("merge", "split", "one", "drop")
            if kind == "merge" and len(result) > 1:
                at = min(at, len(result) - 2)
                result[at:at + 2] = [result[at] * result[at + 1]]
            elif kind == "split":
                factor = next((f for f in (2, 3) if result[at] % f == 0 and result[at] > f), 1)
                result[at:at + 1] = self.pick([factor, result[at] // factor], [result[at] // factor, factor])
            elif kind == "one":
                result.insert(at, 1)
            elif 1 in result and len(result) > 1:
                result.remove(1)
        self.add(self.emit("reshape", [(value, shape, "i8")], {}, result), result)

    def reduce(self):
        value, shape = self.take((2, 5))
        axes = [d for d in range(len(shape)) if self.pick(True, False)][:len(shape) - 1] or [len(shape) - 1]
        keep = self.pick(True, False)
        result = [1 if d in axes else s for d, s in enumerate(shape) if keep or d not in axes]
        attributes = {"axes": i64s(axes), **({"keep_dims": None} if keep else {})}
        if self.pick(True, False):
            self.add(self.emit("reduce", [(value, shape, "i8")], attributes, result, kind="max"), result)
            return
        attributes["acc_bound"] = f"{128 * int(np.prod([shape[d] for d in axes]))} : ui64"
        self.narrow([(self.emit("reduce", [(value, shape, "i8")], attributes, result, "i32", kind="sum"), result)], result, "i32")

    def flatten(self):
        value, shape = self.take((3, 5))
        flat = [int(np.prod(shape[:1])), int(np.prod(shape[1:]))]
        name = self.emit("reshape", [(value, shape, "i8")], {}, flat)
        if self.pick(True, False):
            table, _ = self.constant([256], "i8", -128, 127)
            name = self.emit("lut", [(name, flat, "i8"), table], {}, flat, functional=True)
        columns = self.pick(1, 3, 24)
        weight, data = self.constant([flat[1], columns], "i8", -9, 9)
        bound = int(np.abs(data).sum(0).max()) * 128
        result = [flat[0], columns]
        product = self.emit("matmul", [(name, flat, "i8"), weight], {"acc_bound": f"{bound} : ui64"}, result, "i32", functional=True)
        self.narrow([(product, result)], result, "i32", self.pick(None, 1))
        if columns == 24 and self.pick(True, False):  # back to a map
            shape = [flat[0]] + self.pick([3, 2, 4], [6, 4, 1], [4, 6], [2, 3, 2, 2])
            self.add(self.emit("reshape", [(self.values[-1][0], result, "i8")], {}, shape), shape)

    def real(self):
        value, shape = self.take()
        name = self.emit("dequantize", [(value, shape, "i8")], {"scale": "0.25 : f32", "zero_point": "3 : i64"}, shape, "f32")
        kind = self.pick("softmax", "prelu", "mul", "sub")
        if kind == "softmax":
            name = self.emit(kind, [(name, shape, "f32")], {"axis": f"{self.number(0, len(shape) - 1)} : i64"}, shape, "f32")
        else:
            other = [1 if self.pick(True, False) else s for s in shape][self.number(0, len(shape)):]
            operands = [(name, shape, "f32"), self.constant(other, "f32", -8, 8)[0]]
            if kind != "prelu" and self.pick(True, False):
                operands.reverse()
            name = self.emit(kind, operands, {}, shape, "f32", functional=True)
        name = self.emit("clamp", [(name, shape, "f32")], {"clamp_min": "-8.0 : f32"}, shape, "f32")
        self.add(self.emit("quantize", [(name, shape, "f32")], {"scale": "0.125 : f32", "zero_point": "-5 : i64",
                                                               "code_min": "-128 : i64", "code_max": "127 : i64"}, shape), shape)

    def text(self, count):
        ops = [self.conv, self.conv, self.conv, self.pool, self.residual, self.residual, self.lut, self.concat, self.move, self.move,
               self.reshape, self.reduce, self.flatten, self.real]
        for _ in range(count):
            self.pick(*ops)()
        results = [v for v in self.values if v[0] not in self.used]
        arguments = ", ".join(f'%{name}: {tensor(shape, "i8")} {{qc.name = "{name}"}}' for name, (shape, _) in self.inputs.items())
        types = ", ".join(tensor(s, "i8") for _, s in results)
        body = "\n".join("  " + line for line in self.lines)
        return (f"func.func @run({arguments}) -> ({types}) {{\n{body}\n  return {', '.join(v for v, _ in results)} : {types}\n}}\n")


seed, count, graph_path, inputs_path = sys.argv[1:]
graph = Graph(int(seed))
with open(graph_path, "w") as file:
    file.write(graph.text(int(count)))
np.savez(inputs_path, **{name: data.astype(np.int8) for name, (_, data) in graph.inputs.items()})
