"""Writes ONNX models for the importer's tests: protobuf's wire format in plain Python, no other package.

A test is a Python script with FileCheck lines between its cases:
    case("conv_plain", [node("Conv", ["x", "w"], ["y"])], {"x": [1, 1, 4, 4]}, ["y"], [tensor("w", [1, 1, 3, 3], [1.0] * 9)])
prints a heading and the MLIR that `qcc -stop-after=import` makes of the model; refuse() expects an error instead, and prints that.
"""
import os
import struct
import subprocess
import sys

FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT32, UINT64 = range(1, 14)
COMPLEX64, BFLOAT16, FLOAT8E4M3FN, UINT4, INT4, UINT2, INT2 = 14, 16, 17, 21, 22, 25, 26
FORMATS = {FLOAT: "f", UINT8: "B", INT8: "b", UINT16: "H", INT16: "h", INT32: "i", INT64: "q", BOOL: "B", FLOAT16: "e", DOUBLE: "d",
           UINT32: "I", UINT64: "Q"}


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    """A length-delimited field from bytes or text, or a varint field from an int."""
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    if isinstance(payload, str):
        payload = payload.encode()
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def fields(data):
    """(number, value) of a protobuf message: ints for varints, bytes for the rest."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = varint() if key & 7 == 2 else 4 if key & 7 == 5 else 8
        yield key >> 3, data[at:at + size]
        at += size


def raw_bytes(dtype, values):
    if dtype in (INT4, UINT4, INT2, UINT2):
        bits = 4 if dtype in (INT4, UINT4) else 2
        return bytes(sum((v & (1 << bits) - 1) << bits * k for k, v in enumerate(values[i:i + 8 // bits])) for i in range(0, len(values), 8 // bits))
    if dtype == BFLOAT16:
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack("<%d%s" % (len(values), FORMATS[dtype]), *values)


class Tensor:
    """A TensorProto; `data` as raw_data unless `typed` names a field number, `external` gives (key, value) pairs, or `raw` replaces it."""

    def __init__(self, name, dims, values=(), dtype=FLOAT, typed=False, external=None, raw=None):
        self.name, self.dims, self.values, self.dtype = name, dims, list(values), dtype
        self.typed, self.external, self.raw = typed, external, raw

    def encode(self):
        out = b"".join(field(1, d) for d in self.dims) + field(2, self.dtype) + field(8, self.name)
        if self.external is not None:
            out += b"".join(field(13, field(1, k) + field(2, v)) for k, v in self.external) + field(14, 1)
        elif self.typed:
            out += self.encode_typed()
        elif self.dtype == STRING:
            out += b"".join(field(6, v) for v in self.values)
        else:
            out += field(9, raw_bytes(self.dtype, self.values) if self.raw is None else self.raw)
        return out

    def encode_typed(self):
        if self.dtype == FLOAT:
            return field(4, struct.pack("<%df" % len(self.values), *self.values))
        if self.dtype == DOUBLE:
            return field(10, struct.pack("<%dd" % len(self.values), *self.values))
        if self.dtype == INT64:
            return field(7, b"".join(varint(v) for v in self.values))
        if self.dtype in (UINT32, UINT64):
            return field(11, b"".join(varint(v) for v in self.values))
        if self.dtype in (FLOAT16, BFLOAT16):
            words = struct.unpack("<%dH" % len(self.values), raw_bytes(self.dtype, self.values))
        elif self.dtype in (INT4, UINT4, INT2, UINT2):
            words = raw_bytes(self.dtype, self.values)
        else:
            words = self.values
        return field(5, b"".join(varint(v) for v in words))


def tensor(name, dims, values=(), dtype=FLOAT, **more):
    return Tensor(name, dims, values, dtype, **more)


def ints(name, values):
    """A one-dimensional int64 initializer."""
    return Tensor(name, [len(values)], values, INT64)


def scalar(name, value, dtype=FLOAT):
    return Tensor(name, [], [value], dtype)


class Attribute:
    def __init__(self, payload):
        self.payload = payload


def attribute(name, value):
    out = field(1, name)
    if isinstance(value, Attribute):
        return out + value.payload
    if isinstance(value, (bool, int)):
        return out + field(3, int(value)) + field(20, 2)
    if isinstance(value, float):
        return out + varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    if isinstance(value, str):
        return out + field(4, value) + field(20, 3)
    if isinstance(value, Tensor):
        return out + field(5, value.encode()) + field(20, 4)
    if value and isinstance(value[0], float):
        return out + b"".join(varint(7 << 3 | 5) + struct.pack("<f", v) for v in value) + field(20, 6)
    if value and isinstance(value[0], str):
        return out + b"".join(field(9, v) for v in value) + field(20, 8)
    return out + b"".join(field(8, v) for v in value) + field(20, 7)


def node(op, inputs, outputs, name=None, domain="", **attributes):
    return (b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name or "") + field(4, op)
            + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()) + field(7, domain))


def value(name, shape=None, dtype=FLOAT):
    """A ValueInfoProto; dimensions are ints, names, or None for one without name."""
    kind = field(1, dtype)
    if shape is not None:
        kind += field(2, b"".join(field(1, b"" if d is None else field(1, d) if isinstance(d, int) else field(2, d)) for d in shape))
    return field(1, name) + field(2, field(1, kind))


def graph(nodes, inputs, outputs, initializers=(), extra=b""):
    def values(ports):
        if isinstance(ports, dict):
            return [value(name, *(v if isinstance(v, tuple) else (v,))) for name, v in ports.items()]
        return [p if isinstance(p, bytes) else field(1, p) for p in ports]

    return (b"".join(field(1, n) for n in nodes) + field(2, "test") + b"".join(field(5, t.encode()) for t in initializers)
            + b"".join(field(11, v) for v in values(inputs)) + b"".join(field(12, v) for v in values(outputs)) + extra)


def model(nodes, inputs, outputs, initializers=(), opset=15, ir=8, opsets=None, extra=b"", graph_extra=b""):
    imports = [("", opset)] if opsets is None else opsets
    return (field(1, ir) + field(7, graph(nodes, inputs, outputs, initializers, graph_extra))
            + b"".join(field(8, field(1, d) + field(2, v)) for d, v in imports) + extra)


def write(name, data):
    """Writes a file into the test's folder (the first argument of the script)."""
    folder = sys.argv[1]
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(data)
    return path


def run(name, data, options, fails):
    path = write(name + ".onnx", data)
    if os.environ.get("ONNX_BUILD_WRITE_ONLY"):
        return  # the fuzzer's seeds are made of the same models
    command = ["qcc", os.path.basename(path), "-stop-after=import", "-o", "-"] + list(options)
    done = subprocess.run(command, cwd=sys.argv[1], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    print("case " + name)
    print(done.stdout)
    if done.returncode not in ((1, 2) if fails else (0,)) or (fails and "func.func" in done.stdout):
        sys.stdout.flush()
        sys.exit("%s: %s unexpectedly: exit code %d" % (name, "passed" if fails else "failed", done.returncode))
    sys.stdout.flush()


def case(name, *arguments, options=(), **more):
    run(name, model(*arguments, **more), options, fails=False)


def refuse(name, *arguments, options=(), **more):
    run(name, model(*arguments, **more), options, fails=True)


def refuse_bytes(name, data, options=()):
    run(name, data, options, fails=True)
