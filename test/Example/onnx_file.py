"""Writes float ONNX graphs with nothing but the standard library and numpy: the few protobuf messages that are needed."""
import struct

import numpy as np

FLOAT, INT64 = 1, 7


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append((value & 127) | (128 if value > 127 else 0))
        value >>= 7
        if not value:
            return bytes(out)


def field(number, value):
    """One field: int -> varint, float -> fixed 32 bits, str and bytes -> length-delimited."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, v) for v in value) + field(20, 7)


def value_info(name, shape):
    dims = b"".join(field(1, field(1, dim)) for dim in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


class Graph:
    def __init__(self, name):
        self.name, self.nodes, self.constants = name, [], []

    def constant(self, name, array):
        kind = {"float32": FLOAT, "int64": INT64}[array.dtype.name]
        dims = b"".join(field(1, dim) for dim in array.shape)
        self.constants.append(dims + field(2, kind) + field(8, name) + field(9, np.ascontiguousarray(array).tobytes()))
        return name

    def node(self, operator, name, inputs, output=None, **attributes):
        """Adds a node; returns the name of its output (the node's own name unless given)."""
        output = output or name + ":0"
        self.nodes.append(b"".join(field(1, x) for x in inputs) + field(2, output) + field(3, name) + field(4, operator) +
                          b"".join(field(5, attribute(key, value)) for key, value in attributes.items()))
        return output

    def write(self, path, inputs, outputs, opset=15):
        graph = b"".join(field(1, node) for node in self.nodes) + field(2, self.name) + b"".join(field(5, c) for c in self.constants)
        graph += b"".join(field(11, value_info(*item)) for item in inputs.items())
        graph += b"".join(field(12, value_info(*item)) for item in outputs.items())
        model = field(1, 8) + field(2, "qcc example") + field(7, graph) + field(8, field(1, "") + field(2, opset))
        with open(path, "wb") as file:
            file.write(model)
