"""generate GRAPH.mlir X.npz SEED COUNT: random convolutions and products in f32 whose weights are stored in fewer bits, and inputs for them.
compare EXPECTED.npz Y.npz: fails if results of the two differ by more than rounding of sums of f32."""
import sys

import numpy as np

KINDS = ["i2", "i3", "i4", "i5", "i6", "i7", "i8", "f16", "bf16"]


def numbers(array):
    return "dense<" + np.array2string(array, separator=", ", threshold=sys.maxsize, max_line_width=100000, floatmode="unique").replace("\n", " ") + ">"


def constant(name, array, element):
    shape = "x".join(map(str, array.shape))
    if array.dtype == np.float32:
        hexes = array.astype("<f4").tobytes().hex().upper()
    else:
        hexes = array.astype({"i16": "<i2"}.get(element, "i1")).tobytes().hex().upper()
    if element in ("f32", "i16", "i8"):
        return f'  %{name} = qc.constant dense<"0x{hexes}"> : tensor<{shape}x{element}>' if array.size > 1 else f'  %{name} = qc.constant dense<{array.ravel()[0].item()!r}> : tensor<{shape}x{element}>'
    return f"  %{name} = qc.constant {numbers(array)} : tensor<{shape}x{element}>"


def uneven(inputs, scales):
    """True if so many scales have blocks of a multiple of 32 inputs, the last one fewer."""
    block = -(-inputs // scales + 31) // 32 * 32 if inputs % scales else 0
    return block > 0 and -(-inputs // block) == scales


class Case:
    def __init__(self, random, index, kind):
        self.random, self.kind, self.lines, self.name = random, kind, [], f"c{index}"

    def weights(self, shape, in_axis, out_axis):
        """A decoding of stored weights of that shape; scales per channel, or per group of 32 or 64 inputs where they divide."""
        random, kind = self.random, self.kind
        spec = "x".join(map(str, shape))
        if kind in ("f16", "bf16"):
            reals = random.normal(0, 1, shape).astype(np.float32) * np.float32(2.0) ** random.integers(-18, 3, shape).astype(np.float32)
            bits = reals.astype(np.float16).view(np.int16) if kind == "f16" else (reals.view(np.int32) >> 16).astype(np.int16)
            self.lines.append(constant("w" + self.name, bits, "i16"))
            self.lines.append(f"  %d{self.name} = qc.decode %w{self.name} as {kind} : (tensor<{spec}xi16>) -> tensor<{spec}xf32>")
            return
        width = int(kind[1:])
        codes = random.integers(-(1 << width - 1), 1 << width - 1, shape)
        scales_shape = [1] * len(shape)
        scales_shape[out_axis] = shape[out_axis]
        one_tap = all(n == 1 for d, n in enumerate(shape) if d not in (in_axis, out_axis))
        counts = [n for n in range(2, 6) if shape[in_axis] % (32 * n) == 0 or one_tap and uneven(shape[in_axis], n)]
        if counts and random.integers(4):
            scales_shape[in_axis] = int(counts[random.integers(len(counts))])
        scales = random.uniform(0.01, 0.1, scales_shape).astype(np.float32) * random.choice([-1, 1], scales_shape).astype(np.float32)
        self.lines.append(constant("w" + self.name, codes, kind))
        self.lines.append(constant("s" + self.name, scales, "f32"))
        scale_spec = "x".join(map(str, scales_shape))
        self.lines.append(f"  %d{self.name} = qc.decode %w{self.name}, %s{self.name} : (tensor<{spec}x{kind}>, tensor<{scale_spec}xf32>) -> tensor<{spec}xf32>")

    def product(self):
        random = self.random
        rows = int(random.choice([1, 1, 2, 3, 7, 20]))
        depth = int(random.choice([5, 31, 32, 33, 64, 70, 96, 128, 160]))
        columns = int(random.integers(1, 80))
        self.weights([depth, columns], 0, 1)
        return self.finish([rows, depth], [rows, columns], f"qc.matmul %x{self.name}, %d{self.name}", "", f"tensor<{depth}x{columns}xf32>", columns)

    def convolution(self):
        random = self.random
        depthwise = not random.integers(4)
        groups = int(random.integers(2, 40)) if depthwise else int(random.choice([1, 1, 2]))
        inputs = 1 if depthwise else int(random.choice([3, 8, 17, 32, 64]))
        outputs = groups * (1 if depthwise else int(random.integers(1, 24)))
        one = not random.integers(3)
        kernel = [1, 1] if one else [int(v) for v in random.integers(1, 4, 2)]
        stride, pad = int(random.integers(1, 3)), [int(random.integers(k)) for k in kernel]
        size = [int(v) for v in random.integers(4, 10, 2)]
        weight = [outputs, inputs, *kernel]
        self.weights(weight, 1, 0)
        result = [(n + 2 * p - k) // stride + 1 for n, p, k in zip(size, pad, kernel)]
        attributes = f" {{strides = array<i64: {stride}, {stride}>, pads = array<i64: {pad[0]}, {pad[1]}, {pad[0]}, {pad[1]}>, dilations = array<i64: 1, 1>, groups = {groups}}}"
        spec = "x".join(map(str, weight))
        return self.finish([1, groups * inputs, *size], [1, outputs, *result], f"qc.conv %x{self.name}, %d{self.name}", attributes, f"tensor<{spec}xf32>", outputs)

    def finish(self, shape, result, op, attributes, weight, channels):
        self.shape, self.result = shape, result
        x, y = ("tensor<" + "x".join(map(str, s)) + "xf32>" for s in (shape, result))
        types = f"{x}, {weight}"
        if self.random.integers(2):
            self.lines.append(constant("b" + self.name, self.random.normal(0, 1, channels).astype(np.float32), "f32"))
            op += f", %b{self.name}"
            types += f", tensor<{channels}xf32>"
        self.lines.append(f"  %y{self.name} = {op}{attributes} : ({types}) -> {y}")
        self.x, self.y = x, y
        return self


def generate(graph, inputs, seed, count):
    random = np.random.default_rng(int(seed))
    cases = []
    for i in range(int(count)):
        case = Case(random, i, KINDS[i % len(KINDS)])
        cases.append(case.convolution() if i // len(KINDS) % 2 else case.product())
    arguments = ", ".join(f'%x{c.name}: {c.x} {{qc.name = "{c.name}"}}' for c in cases)
    results = ", ".join(f'{c.y} {{qc.name = "y{c.name}"}}' for c in cases)
    with open(graph, "w") as file:
        file.write(f"func.func @main({arguments}) -> ({results}) {{\n")
        for c in cases:
            file.write("\n".join(c.lines) + "\n")
        file.write(f"  return {', '.join('%y' + c.name for c in cases)} : {', '.join(c.y for c in cases)}\n}}\n")
    np.savez(inputs, **{c.name: random.normal(0, 1, [2, *c.shape]).astype(np.float32) for c in cases})


def compare(expected, got):
    expected, got = np.load(expected), np.load(got)
    assert sorted(expected.files) == sorted(got.files), (expected.files, got.files)
    for key in expected.files:
        a, b = expected[key].astype(np.float64), got[key].reshape(expected[key].shape).astype(np.float64)
        assert len(np.unique(a)) > 1 or a.size < 3, key
        error = np.abs(a - b).max()
        limit = 2e-5 * max(np.sqrt(np.mean(a * a)), 1e-3)
        assert error <= limit, f"{key}: {error} above {limit}"
    print(len(expected.files), "results agree")


if sys.argv[1] == "generate":
    generate(*sys.argv[2:])
else:
    compare(*sys.argv[2:])
