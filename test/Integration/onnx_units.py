"""ONNX files cut into units, with nothing but numpy: what lies between codes and the next QuantizeLinear.

Nodes and initializers keep their bytes. `evaluate` gives the exact values of a unit and how far single precision may be from them."""
import os
import struct
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Import"))
from onnx_build import field, fields  # noqa: E402

TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64}
PACKED = {21: (4, np.uint8), 22: (4, np.int8), 25: (2, np.uint8), 26: (2, np.int8)}  # bits, and what holds one here
NUMBERS = {np.dtype(t): n for n, t in TYPES.items()}
# What `evaluate` knows.
EXACT = {"Constant", "QuantizeLinear", "DequantizeLinear", "Conv", "MatMul", "Gemm", "Add", "Sub", "Mul", "Relu", "Clip", "GlobalAveragePool", "AveragePool",
         "MaxPool", "Concat", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity"}
UNIT = 2.0 ** -24  # relative error of one operation in single precision


def parse(data):
    """Fields of a message: [(number, value)]; bytes for what has a length."""
    return list(fields(data))


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def numbers(fields, number):
    """A repeated integer, packed or not."""
    result = []
    for n, value in fields:
        if n == number and isinstance(value, int):
            result.append(signed(value))
        elif n == number:
            result += [signed(v) for v in unpack(value)]
    return result


def unpack(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def read_tensor(data):
    fields = parse(data)
    first = dict(reversed(fields))
    dims, packed = numbers(fields, 1), PACKED.get(first[2])
    dtype = np.dtype(packed[1] if packed else TYPES[first[2]])
    if packed:
        bits, values = packed[0], np.frombuffer(first[9], np.uint8)
        values = np.stack([values >> shift for shift in range(0, 8, bits)], -1).ravel()[:int(np.prod(dims))] & (1 << bits) - 1
        values = values.astype(dtype) - ((values >> bits - 1 & 1) << bits).astype(dtype) if dtype == np.int8 else values
    elif 9 in first:
        values = np.frombuffer(first[9], dtype)
    elif dtype == np.float32:
        values = np.frombuffer(b"".join(v for n, v in fields if n == 4), np.float32)
    else:
        values = np.array(numbers(fields, 7 if dtype == np.int64 else 5)).astype(dtype)
    return first.get(8, b"").decode(), values.reshape(dims)


def read_shape(port):
    """The dimensions of a ValueInfoProto; 1 for those that it does not know."""
    tensor = dict(parse(dict(parse(dict(parse(port))[2]))[1]))
    return [dict(parse(v)).get(1, 1) for n, v in parse(tensor[2]) if n == 1]


class Node:
    def __init__(self, data):
        self.data, fields = data, parse(data)
        text = lambda number: [v.decode() for n, v in fields if n == number]
        self.inputs, self.outputs, self.name, self.op = text(1), text(2), "".join(text(3)), text(4)[0]
        self.attributes = {}
        for n, value in fields:
            if n == 5:
                inner = parse(value)
                first = dict(reversed(inner))
                kind = first.get(20)
                self.attributes[first[1].decode()] = (
                    struct.unpack("<f", first[2])[0] if kind == 1 else signed(first.get(3, 0)) if kind == 2 else first.get(4, b"").decode()
                    if kind == 3 else read_tensor(first[5])[1] if kind == 4 else numbers(inner, 8) if kind == 7 else None)


class Model:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.fields = parse(file.read())
        self.graph = parse(next(v for n, v in self.fields if n == 7))
        self.nodes = [Node(v) for n, v in self.graph if n == 1]
        self.initializers = {read_tensor(v)[0]: v for n, v in self.graph if n == 5}
        self.constants = {name: read_tensor(v)[1] for name, v in self.initializers.items()}
        names = lambda number: [dict(parse(v))[1].decode() for n, v in self.graph if n == number]
        self.inputs = [name for name in names(11) if name not in self.initializers]
        self.outputs = names(12)
        self.types = {dict(parse(v))[1].decode(): dict(parse(dict(parse(dict(parse(v))[2]))[1]))[1] for n, v in self.graph if n == 11}
        self.shapes = {dict(parse(v))[1].decode(): read_shape(v) for n, v in self.graph if n == 11}
        self.producer = {output: node for node in self.nodes for output in node.outputs}
        self.fixed = set(self.constants)
        for node in self.nodes:
            if all(i in self.fixed or not i for i in node.inputs):
                self.fixed.update(node.outputs)
        self.quantizers = [n for n in self.nodes if n.op == "QuantizeLinear" and n.outputs[0] not in self.fixed]

    def write(self, path, graph):
        rest = b"".join(field(n, v) for n, v in self.fields if n != 7)
        with open(path, "wb") as file:
            file.write(rest + field(7, graph))

    def expose(self, path, names):
        """The same network with more outputs."""
        more = b"".join(field(12, field(1, name)) for name in names if name not in self.outputs)
        self.write(path, b"".join(field(n, v) for n, v in self.graph) + more)

    def get_unit(self, quantizer):
        """The nodes that make its codes from other codes, and those codes; None where a value comes from outside."""
        leaves, chosen, work = [], set(), list(quantizer.inputs)
        while work:
            name = work.pop()
            if not name or name in self.constants:
                continue
            node = self.producer.get(name)
            if node is None and self.types.get(name) != 1:  # codes from outside
                if name not in leaves:
                    leaves.append(name)
                continue
            if node is None:
                return None
            if node.op == "QuantizeLinear" and name not in self.fixed:
                if name not in leaves:
                    leaves.append(name)
            elif node not in chosen:
                chosen.add(node)
                work += node.inputs
        return [n for n in self.nodes if n in chosen] + [quantizer], sorted(leaves)

    def write_unit(self, path, nodes, leaves, arrays):
        def port(name, array):
            dims = b"".join(field(1, field(1, int(d))) for d in array.shape)
            return field(1, name) + field(2, field(1, field(1, NUMBERS[array.dtype]) + field(2, dims)))

        used = {i for node in nodes for i in node.inputs}
        graph = b"".join(field(1, node.data) for node in nodes) + field(2, "unit")
        graph += b"".join(field(5, data) for name, data in self.initializers.items() if name in used)
        graph += b"".join(field(11, port(name, arrays[name])) for name in leaves)
        self.write(path, graph + field(12, port(nodes[-1].outputs[0], arrays[nodes[-1].outputs[0]])))


class NoExactForm(Exception):
    pass


def broadcast(parameter, value, axis):
    return parameter if parameter.size == 1 else parameter.reshape([-1 if d == axis % value.ndim else 1 for d in range(value.ndim)])


def windows(node, value, fill, kernel):
    """For each tap of a window: the elements that it reads, and whether they exist. One sample dimension, one of channels, two or one spatial."""
    rank = value.ndim - 2
    get = lambda name, default: node.attributes.get(name, default)
    strides, dilations = get("strides", [1] * rank), get("dilations", [1] * rank)
    pads = get("pads", [0] * (2 * rank))
    if get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or get("ceil_mode", 0):
        raise NoExactForm("auto_pad or ceil_mode")
    spread = [(0, 0), (0, 0)] + [(pads[d], pads[rank + d]) for d in range(rank)]
    padded, exists = np.pad(value, spread, constant_values=fill), np.pad(np.ones(value.shape[2:]), spread[2:])
    outs = [(padded.shape[2 + d] - dilations[d] * (kernel[d] - 1) - 1) // strides[d] + 1 for d in range(rank)]
    for tap in np.ndindex(*kernel):
        part = tuple(slice(tap[d] * dilations[d], tap[d] * dilations[d] + (outs[d] - 1) * strides[d] + 1, strides[d]) for d in range(rank))
        yield tap, padded[(slice(None), slice(None)) + part], exists[part]


def convolve(node, x, w):
    groups, outs = node.attributes.get("group", 1), 0
    for tap, part, _ in windows(node, x, 0, w.shape[2:]):
        taps = w[(slice(None), slice(None)) + tap].reshape(groups, w.shape[0] // groups, w.shape[1])
        grouped = part.reshape(part.shape[0], groups, w.shape[1], -1)
        outs = outs + np.matmul(taps[None], grouped).reshape((part.shape[0], w.shape[0]) + part.shape[2:])
    return outs


def evaluate(nodes, codes, constants):
    """name -> (values in double precision, how far single precision may be from them), up to the last node's input."""
    known = {name: (value.astype(np.float64), np.zeros(value.shape)) for name, value in list(constants.items()) + list(codes.items())}
    for node in nodes[:-1]:
        raw = [known[i] if i else None for i in node.inputs]
        values, errors = [r and r[0] for r in raw], [r and r[1] for r in raw]
        x, e = (values[0], errors[0]) if raw else (None, None)
        integers = lambda i, name: [int(v) for v in (values[i] if len(values) > i and values[i] is not None else node.attributes[name])]
        if node.op == "Constant":
            x = node.attributes["value"].astype(np.float64)
            e = np.zeros(x.shape)
        elif node.op == "QuantizeLinear":  # of constants
            axis = node.attributes.get("axis", 1)
            y = np.rint(x / broadcast(values[1], x, axis)) + (broadcast(values[2], x, axis) if len(values) > 2 else 0)
            limits = np.iinfo(constants[node.inputs[2]].dtype if len(values) > 2 else np.uint8)
            x = np.clip(y, limits.min, limits.max)
        elif node.op == "DequantizeLinear":
            axis = node.attributes.get("axis", 1)
            x = (x - (broadcast(values[2], x, axis) if len(values) > 2 and values[2] is not None else 0)) * broadcast(values[1], x, axis)
            e = UNIT * np.abs(x)
        elif node.op in ("Conv", "MatMul", "Gemm"):
            w, ew = values[1], errors[1]
            if node.op == "Conv":
                product, terms = (lambda a, b: convolve(node, a, b)), int(np.prod(w.shape[1:]))
            else:
                if node.attributes.get("transA", 0):
                    x, e = x.T, e.T
                if node.attributes.get("transB", 0):
                    w, ew = w.T, ew.T
                if node.attributes.get("alpha", 1.0) != 1 or node.attributes.get("beta", 1.0) != 1:
                    raise NoExactForm("alpha or beta")
                product, terms = np.matmul, w.shape[-2]
            size = product(np.abs(x) + e, np.abs(w) + ew)
            spread = size - product(np.abs(x), np.abs(w))
            x = product(x, w)
            if len(values) > 2 and values[2] is not None:
                bias = [v.reshape([-1] + [1] * (x.ndim - 2)) if node.op == "Conv" else v for v in (values[2], errors[2])]
                x, size, spread = x + bias[0], size + np.abs(bias[0]), spread + bias[1]
            e = spread + (terms + 2) * UNIT / (1 - (terms + 2) * UNIT) * size
        elif node.op in ("Add", "Sub"):
            x = x + values[1] if node.op == "Add" else x - values[1]
            e = e + errors[1] + UNIT * (np.abs(x) + e + errors[1])
        elif node.op == "Mul":
            size = np.abs(x) * errors[1] + np.abs(values[1]) * e + e * errors[1]
            x = x * values[1]
            e = size + UNIT * (np.abs(x) + size)
        elif node.op == "Relu":
            x = np.maximum(x, 0)
        elif node.op == "Clip":
            low, high = (values[i] if len(values) > i and values[i] is not None else node.attributes.get(n) for i, n in ((1, "min"), (2, "max")))
            x = np.clip(x, low, high) if low is not None or high is not None else x
        elif node.op in ("GlobalAveragePool", "AveragePool"):
            kernel = x.shape[2:] if node.op == "GlobalAveragePool" else node.attributes["kernel_shape"]
            total = size = counts = 0
            for (_, part, exists), (_, error, _) in zip(windows(node, x, 0, kernel), windows(node, e, 0, kernel)):
                total, size, counts = total + part, size + np.abs(part) + error, counts + exists
            if node.attributes.get("count_include_pad", 0):
                counts = np.full_like(counts, np.prod(kernel))
            spread, terms = size - 0, int(np.prod(kernel)) + 2
            mean_error = 0
            for _, error, _ in windows(node, e, 0, kernel):
                mean_error = mean_error + error
            x = total / counts
            e = mean_error / counts + terms * UNIT / (1 - terms * UNIT) * spread / counts
        elif node.op == "MaxPool":
            kernel = node.attributes["kernel_shape"]
            x = np.max([part for _, part, _ in windows(node, x, -np.inf, kernel)], axis=0)
            e = np.max([part for _, part, _ in windows(node, e, 0, kernel)], axis=0)
        elif node.op == "Concat":
            x, e = (np.concatenate(a, node.attributes["axis"]) for a in (values, errors))
        elif node.op in ("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity"):
            if node.op == "Reshape":
                shape = [x.shape[i] if d == 0 else d for i, d in enumerate(integers(1, "shape"))]
            elif node.op == "Flatten":
                axis = node.attributes.get("axis", 1)
                shape = [int(np.prod(x.shape[:axis], dtype=int)), -1]
            elif node.op in ("Squeeze", "Unsqueeze"):
                axes = integers(1, "axes")
                shape = (np.squeeze(x, tuple(axes)) if node.op == "Squeeze" else np.expand_dims(x, tuple(axes))).shape
            else:
                shape = x.shape
            if node.op == "Transpose":
                x, e = (a.transpose(node.attributes["perm"]) for a in (x, e))
            else:
                x, e = x.reshape(shape), e.reshape(shape)
        else:
            raise NoExactForm(node.op)
        known[node.outputs[0]] = (x, np.broadcast_to(e, x.shape))
    return known[nodes[-1].inputs[0]]


def find_wrong(nodes, codes, constants, ours, theirs):
    """Elements that differ although the exact value is farther from the middle between two codes than single precision can be; and how many
    differ in all."""
    differs = ours != theirs
    if not differs.any():
        return 0, 0
    last = nodes[-1]
    x, error = evaluate(nodes, codes, constants)
    scale = broadcast(constants[last.inputs[1]].astype(np.float64), x, last.attributes.get("axis", 1))
    y = x / scale
    # Multipliers of 31 bits are ours.
    bound = error / scale + np.abs(y) * (2 * UNIT + 2.0 ** -30)
    middle = np.abs(y - np.floor(y) - 0.5) <= bound
    near = np.abs(ours.astype(np.int64) - theirs.astype(np.int64)) == 1
    return int((differs & ~(middle & near)).sum()), int(differs.sum())
