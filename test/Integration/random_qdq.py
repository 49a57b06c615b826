"""Random quantized ONNX graphs: random_qdq.py SEED COUNT graph.onnx inputs.npz

COUNT networks of 1 to 12 layers in one file, each with codes of its own as input. Every layer is written as exporters do: codes,
DequantizeLinear, a float operator (and an activation), QuantizeLinear. Scales follow the values that occur, so that codes use their range."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Example"))
from onnx_file import attribute, field  # noqa: E402
from onnx_units import NUMBERS, Node, evaluate  # noqa: E402

# What a tensor of codes may be: its limits and its element type in a file; codes of four bits lie in bytes here.
CODES = {"int8": (-128, 127, 3), "uint8": (0, 255, 2), "int4": (-8, 7, 22), "uint4": (0, 15, 21)}
SAMPLES = 2
random = np.random.default_rng(int(sys.argv[1]))


def number(low, high):
    return int(random.integers(low, high + 1))


def pick(*choices):
    return choices[number(0, len(choices) - 1)]


def get_dtype(kind):
    return np.dtype(np.uint8 if kind.startswith("u") else np.int8)


class Tensor:
    """Codes of the samples, and what they mean."""

    def __init__(self, name, codes, kind, scale, zero):
        self.name, self.codes, self.kind, self.scale, self.zero = name, codes, kind, scale, zero
        self.shape = codes[0].shape


class Network:
    def __init__(self):
        self.nodes, self.initializers, self.ports, self.constants, self.count = [], [], [], {}, 0
        self.inputs, self.outputs = {}, []

    def name(self, text):
        self.count += 1
        return f"{text}{self.count}"

    def constant(self, text, array, kind=None):
        name, array = self.name(text), np.asarray(array)
        data = array.tobytes()
        if kind in ("int4", "uint4"):
            flat = np.append(array.ravel(), np.zeros(array.size % 2, array.dtype)).astype(np.uint8) & 15
            data = (flat[::2] | flat[1::2] << 4).tobytes()
        self.initializers.append(b"".join(field(1, d) for d in array.shape) + field(2, CODES[kind][2] if kind else NUMBERS[array.dtype]) + field(8, name) +
                                 field(9, data))
        self.constants[name] = array
        return name

    def node(self, op, inputs, **attributes):
        output = self.name(op.lower())
        self.nodes.append(Node(b"".join(field(1, x) for x in inputs) + field(2, output) + field(3, output) + field(4, op) +
                               b"".join(field(5, attribute(k, v)) for k, v in attributes.items())))
        return output

    def parameters(self, scale, zero, kind):
        zeros = np.full(np.shape(scale), zero, get_dtype(kind))
        return self.constant("scale", np.asarray(scale, np.float32)), self.constant("zero", zeros, kind)

    def dequantize(self, t):
        return self.node("DequantizeLinear", [t.name, *self.parameters(t.scale, t.zero, t.kind)])

    def quantize(self, first, x, inputs):
        """Codes of the value `x` that the nodes from `first` on make of `inputs`."""
        kind = pick("int8", "int8", "uint8", pick("int4", "uint4"))
        low_code, high_code, _ = CODES[kind]
        probe = Node(field(1, x) + field(2, "probe") + field(4, "QuantizeLinear"))
        reals = [evaluate(self.nodes[first:] + [probe], {t.name: t.codes[i] for t in inputs}, self.constants)[0] for i in range(SAMPLES)]
        low, high = min(r.min() for r in reals), max(r.max() for r in reals)
        if number(0, 3) == 0:  # some saturate
            low, high = low * 0.7, high * 0.7
        spread = max(high - low, abs(high) / 2, max(t.scale for t in inputs) / 4)
        scale = np.float32(spread / (high_code - low_code) if number(0, 3) else 2.0 ** np.ceil(np.log2(spread / (high_code - low_code))))
        zero = int(np.clip(np.rint(low_code - low / scale), low_code, high_code)) if number(0, 3) else pick(0, low_code, high_code)
        scale_name, zero_name = self.parameters(scale, zero, kind)
        name = self.node("QuantizeLinear", [x, scale_name, zero_name])
        codes = [np.clip(np.rint(r / np.float64(scale)) + zero, low_code, high_code).astype(get_dtype(kind)) for r in reals]
        return Tensor(name, codes, kind, scale, zero)

    def weights(self, shape, axis, fan_in):
        """Quantized constants, per tensor or axis, of eight or four bits, or real ones behind a quantizer; and their scales per output channel."""
        channels, per_axis, form = shape[axis], number(0, 1), pick("codes", "codes", "four", "real")
        scale = random.uniform(0.5, 2, channels if per_axis else ()) / np.sqrt(fan_in) / (7 if form == "four" else 127)
        scale = np.asarray(scale, np.float32)
        most = 7 if form == "four" else 127
        codes = np.clip(np.rint(random.normal(0, most / 3, shape)), -most, most).astype(np.int8)
        if number(0, 5) == 0:
            codes = np.where(random.random(shape) < 0.5, -most - pick(0, 1), most).astype(np.int8)
        extra = {"axis": axis} if per_axis else {}
        if form == "four":
            name, zero = self.constant("w", codes, "int4"), self.constant("zero", np.zeros(scale.shape, np.int8), "int4")
        else:
            name, zero = self.constant("w", codes), self.constant("zero", np.zeros(scale.shape, np.int8))
        scale_name = self.constant("scale", scale)
        if form == "real":
            spread = scale.reshape([-1 if i == axis else 1 for i in range(len(shape))]) if per_axis else scale
            real = self.constant("w", (codes * spread + spread * random.uniform(-0.4, 0.4, shape)).astype(np.float32))
            name = self.node("QuantizeLinear", [real, scale_name, zero], **extra)
        return self.node("DequantizeLinear", [name, scale_name, zero], **extra), np.broadcast_to(scale, channels)

    def bias(self, t, scales, channels):
        form = pick("none", "codes", "real")
        if form == "none":
            return []
        values = random.integers(-5000, 5000, channels).astype(np.int32)
        scale = (np.float32(t.scale) * scales).astype(np.float32)
        if form == "real":
            return [self.constant("b", (values * scale).astype(np.float32))]
        return [self.node("DequantizeLinear", [self.constant("b", values), self.constant("scale", scale), self.constant("zero", np.zeros(channels, np.int32))],
                          axis=0)]

    def activation(self, x):
        form = pick("none", "none", "relu", "clip")
        if form == "relu":
            return self.node("Relu", [x])
        if form == "clip":
            low = np.float32(pick(0, -1))
            return self.node("Clip", [x, self.constant("min", low), self.constant("max", np.float32(low + random.uniform(1, 6)))])
        return x

    def layer(self, known):
        t, first = pick(*known[-3:]), len(self.nodes)
        inputs = [t]
        spatial = len(t.shape) == 4
        kinds = ["conv", "conv", "depthwise", "pool", "mean"] if spatial else ["gemm", "gemm", "matmul"]
        kind = pick(*kinds, "sum", "product", "concat", "alone", "scale", "move")
        x = self.dequantize(t)
        if kind in ("conv", "depthwise"):
            channels, (h, w) = t.shape[1], t.shape[2:]
            groups = channels if kind == "depthwise" else 2 if channels % 2 == 0 and number(0, 3) == 0 else 1
            outs = channels * pick(1, 1, 2) if kind == "depthwise" else groups * number(1, 12)
            kernel = [min(pick(1, 1, 3, 3, 5), size + 2) for size in (h, w)]
            pads = [pick(0, k // 2) for k in kernel] + [pick(0, k // 2) for k in kernel]
            if any(size + pads[i] + pads[2 + i] < kernel[i] for i, size in enumerate((h, w))):
                pads = [k // 2 for k in kernel] * 2
            weight, scales = self.weights([outs, channels // groups] + kernel, 0, channels // groups * kernel[0] * kernel[1])
            x = self.node("Conv", [x, weight] + self.bias(t, scales, outs), kernel_shape=kernel, strides=[pick(1, 1, 2)] * 2, pads=pads, group=groups)
        elif kind == "gemm":
            outs, transposed = number(1, 20), number(0, 1)
            weight, scales = self.weights([outs, t.shape[1]] if transposed else [t.shape[1], outs], 1 - transposed, t.shape[1])
            x = self.node("Gemm", [x, weight] + self.bias(t, scales, outs), transB=transposed)
        elif kind == "matmul":
            weight, _ = self.weights([t.shape[1], number(1, 20)], 1, t.shape[1])
            x = self.node("MatMul", [x, weight])
        elif kind == "pool":
            kernel = [min(pick(2, 3), size) for size in t.shape[2:]]
            x = self.node(pick("MaxPool", "AveragePool"), [x], kernel_shape=kernel, strides=[pick(1, 2)] * 2)
        elif kind == "mean":
            x = self.node("GlobalAveragePool", [x])
            if number(0, 1):
                x = self.node("Flatten", [x])
        elif kind in ("sum", "product", "concat"):
            fits = lambda o: o.shape == t.shape or (kind == "concat" and len(o.shape) == len(t.shape) and o.shape[2:] == t.shape[2:])
            other = pick(*[o for o in known if fits(o)])
            if other is not t:
                inputs.append(other)
            y = self.dequantize(other)
            x = self.node("Concat", [x, y], axis=1) if kind == "concat" else self.node("Add" if kind == "sum" else "Mul", [x, y])
        elif kind == "move":
            if spatial and number(0, 1):
                x = self.node("Transpose", [x], perm=[0, 1, 3, 2])
            else:
                x = self.node("Flatten", [x])
        x = self.activation(x)
        known.append(self.quantize(first, x, inputs))

    def network(self, index):
        shape = [1, number(1, 12)] + ([number(3, 10), number(3, 10)] if number(0, 3) else [])
        kind = pick("int8", "uint8")
        low, high, _ = CODES[kind]
        codes = [random.integers(low, high + 1, shape).astype(kind) for _ in range(SAMPLES)]
        scale, zero = np.float32(random.uniform(0.005, 0.1)), number(low, high)
        name = f"x{index}"
        dims = b"".join(field(1, field(1, d)) for d in shape)
        self.ports.append(field(1, name) + field(2, field(1, field(1, CODES[kind][2]) + field(2, dims))))
        self.inputs[name] = np.stack(codes)
        known = [Tensor(name, codes, kind, scale, zero)]
        for _ in range(number(1, 12)):
            self.layer(known)
        self.outputs += [t.name for t in known[1:]]

    def write(self, path):
        graph = b"".join(field(1, n.data) for n in self.nodes) + field(2, "random") + b"".join(field(5, c) for c in self.initializers)
        graph += b"".join(field(11, p) for p in self.ports) + b"".join(field(12, field(1, name)) for name in self.outputs)
        with open(path, "wb") as file:
            file.write(field(1, 10) + field(7, graph) + field(8, field(1, "") + field(2, 21)))


if __name__ == "__main__":
    all_networks = Network()
    for i in range(int(sys.argv[2])):
        all_networks.network(i)
    all_networks.write(sys.argv[3])
    np.savez(sys.argv[4], **all_networks.inputs)
