"""Random causal networks, row by row against the whole sequence: steps.py FOLDER streams|decoders FIRST COUNT [TARGET...]

Each network is written twice: as it is, for the whole sequence, and with -streaming or -decode, for one step. Byte for byte the same:
  - what the object of the whole sequence gives
  - what the object of the step gives, fed by `qrun -sequences`, on each target
  - what the reference evaluator gives for the step, fed with its states
`streams` are stacks of convolutions (dilated, strided, padded in three ways or not at all), pools, and what works on rows; `decoders` are embeddings, causal
attention in several forms, and position tables.
"""
import os
import shutil
import sys

import numpy as np

from network import check, run, same_arrays


def floats(shape):
    return f"tensor<{'x'.join(map(str, shape))}{'x' if len(shape) else ''}f32>"


class Net:
    """The text of one network; values are (name, shape)."""

    def __init__(self, random):
        self.random, self.lines, self.count = random, [], 0

    def constant(self, array):
        return self.add(f'qc.constant dense<"0x{np.asarray(array, np.float32).tobytes().hex()}"> : {floats(array.shape)}', array.shape)

    def weights(self, *shape):
        fan = max(1, int(np.prod(shape[1:])))
        return self.constant(self.random.standard_normal(shape) / np.sqrt(fan))

    def add(self, text, shape):
        self.count += 1
        self.lines.append(f'  %v{self.count} = {text} loc("v{self.count}")')
        return f"%v{self.count}", tuple(shape)

    def op(self, text, operands, shape, attributes=""):
        types = ", ".join(floats(s) for _, s in operands)
        return self.add(f"{text} {', '.join(n for n, _ in operands)} {attributes} : ({types}) -> {floats(shape)}", shape)

    def unary(self, text, x, shape=None, attributes=""):
        shape = x[1] if shape is None else shape
        return self.add(f"{text} {x[0]} {attributes} : {floats(x[1])} -> {floats(shape)}", shape)

    def transpose(self, x, *order):
        return self.unary("qc.transpose", x, [x[1][d] for d in order], f"{{permutation = array<i64: {', '.join(map(str, order))}>}}")

    def reshape(self, x, *shape):
        return self.unary("qc.reshape", x, shape)

    def slice(self, x, axis, start, size):
        sizes = list(x[1])
        sizes[axis] = size
        starts = [start if d == axis else 0 for d in range(len(sizes))]
        text = ", ".join(f"{name} = array<i64: {', '.join(map(str, v))}>" for name, v in (("starts", starts), ("sizes", sizes), ("steps", [1] * len(sizes))))
        return self.unary("qc.slice", x, sizes, f"{{{text}}}")

    def matmul(self, x, y, shape):
        return self.op("qc.matmul", [x, y], shape)

    def module(self, inputs, y):
        arguments = ", ".join(f'%{name}: {kind} {{qc.name = "{name}"}} loc("{name}")' for name, kind in inputs)
        return "\n".join([f'func.func @main({arguments}) -> ({floats(y[1])} {{qc.name = "y"}}) {{', *self.lines,
                          f"  return {y[0]} : {floats(y[1])}", "}"]) + "\n"


def make_stream(random):
    """A stack along time, [1, C, T]; returns the module, the input's shape and the length of a step in frames."""
    net = Net(random)
    choose = lambda *options: options[random.integers(len(options))]
    channels, frames = int(choose(4, 6)), 24
    x = ("%x", (1, channels, frames))
    stride, late = 1, False
    earlier = []
    for _ in range(random.integers(2, 6)):
        _, c, t = x[1]
        kind = choose("conv", "conv", "conv", "pool", "rows", "residual", "scale")
        if kind == "conv":
            k, d, s = int(random.integers(1, 4)), int(random.integers(1, 4)), int(choose(1, 1, 2))
            if stride * s > 4:
                s = 1
            reach = d * (k - 1)
            forms = ["valid"] if late else ["pads", "pad", "chomp", "valid"]
            form = forms[random.integers(len(forms))] if reach else "pads"
            if form == "chomp" and s > 1:
                form = "pads"
            if t - reach < 3 * s:
                continue
            groups = int(choose(1, 1, 2))
            out = int(choose(4, 6))
            low = high = 0
            if form == "pads":
                low = reach - int(random.integers(0, min(s, reach + 1)))
            elif form == "chomp":
                low = high = reach
            elif form == "pad":
                x = net.unary("qc.pad", x, (1, c, t + reach), f"{{low = array<i64: 0, 0, {reach}>, high = array<i64: 0, 0, 0>}}")
                t += reach
            else:
                late = late or reach > s - 1
            length = (t + low + high - reach - 1) // s + 1
            x = net.op("qc.conv", [x, net.weights(out, c // groups, k), net.weights(out)], (1, out, length),
                       f"{{strides = array<i64: {s}>, pads = array<i64: {low}, {high}>, dilations = array<i64: {d}>, groups = {groups}}}")
            if form == "chomp":
                if choose(True, False):
                    x = net.unary("qc.clamp", x, None, "{clamp_min = 0.0 : f32}")
                x = net.slice(x, 2, 0, t)
            stride *= s
            earlier = earlier if s == 1 and form != "valid" else []
        elif kind == "pool" and stride <= 2 and t % 2 == 0 and not late:
            name = choose("max", "average")
            x = net.unary(f"qc.pool {name}", x, (1, c, t // 2), "{kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}")
            stride, earlier = stride * 2, []
        elif kind == "rows":
            x = net.transpose(x, 0, 2, 1)
            x = net.matmul(x, net.weights(c, c), (1, t, c))
            if choose(True, False):
                x = net.unary("qc.softmax", x, None, "{axis = 2}")
            x = net.transpose(net.unary(f"qc.activation {choose('tanh', 'sigmoid')}", x), 0, 2, 1)
        elif kind == "residual":
            same = [e for e in earlier if e[1] == x[1]]
            if same:
                x = net.op("qc.add", [x, same[random.integers(len(same))]], x[1])
        elif kind == "scale":
            x = net.op("qc.mul", [x, net.weights(c, 1)], x[1])
        earlier.append(x)
    return net.module([("x", floats((1, channels, frames)))], x), {"x": random.standard_normal((3, 1, channels, frames)).astype(np.float32)}


def make_decoder(random):
    """An embedding of tokens, blocks of attention and products of rows, logits."""
    net = Net(random)
    choose = lambda *options: options[random.integers(len(options))]
    length, heads, size, words = int(choose(5, 8, 12)), int(choose(1, 2)), int(choose(4, 8)), 16
    width = heads * size
    tokens = ("%tokens", (1, length))
    table = net.weights(words, width)
    flat = net.add(f"qc.reshape {tokens[0]} : tensor<1x{length}xi64> -> tensor<{length}xi64>", (length,))
    x = net.add(f"qc.take {table[0]}, {flat[0]} : ({floats(table[1])}, tensor<{length}xi64>) -> {floats((length, width))}", (length, width))
    if choose(True, False):  # positions
        x = net.op("qc.add", [x, net.weights(length, width)], x[1])
    if choose(True, False):  # a batch dimension
        x = net.reshape(x, 1, length, width)
    batch = x[1][:-2]
    for _ in range(random.integers(1, 3)):
        skip = x
        if choose(True, False):
            x = net.add(f"qc.normalize {choose('rms', 'layer')} {x[0]} {{first_axis = {len(batch) + 1}, last_axis = {len(batch) + 1}, epsilon = 1.0e-5 : f32}} : ({floats(x[1])}) -> {floats(x[1])}", x[1])
        q, k, v = (net.reshape(net.matmul(x, net.weights(width, width), batch + (length, width)), length, heads, size) for _ in range(3))
        rotate = choose(True, False)
        turn = []
        for value in (q, k):
            value = net.transpose(value, 1, 0, 2)
            if rotate:
                value = net.op("qc.mul", [value, net.constant(np.cos(np.arange(length)[:, None] * random.uniform(0.1, 1, (1, size))))], value[1])
            turn.append(value)
        q, k = turn
        scores = net.matmul(q, net.transpose(k, 0, 2, 1), (heads, length, length))
        mask = np.tril(np.ones((length, length), bool))
        if choose(True, False):  # a window of positions
            mask &= ~np.tril(np.ones_like(mask), -3)
        lines = "[" + ", ".join("[" + ", ".join("true" if m else "false" for m in row) + "]" for row in mask) + "]"
        mask = net.add(f"qc.constant dense<{lines}> : tensor<{length}x{length}xi1>", (length, length))
        scores = net.add(f"qc.softmax {scores[0]} mask {mask[0]} : tensor<{length}x{length}xi1> {{axis = 2, scale = 0.5 : f32}} : {floats(scores[1])} -> {floats(scores[1])}", scores[1])
        y = net.matmul(scores, net.transpose(v, 1, 0, 2), (heads, length, size))
        y = net.reshape(net.transpose(y, 1, 0, 2), *batch, length, width)
        x = net.op("qc.add", [skip, net.matmul(y, net.weights(width, width), y[1])], y[1])
    x = net.matmul(x, net.weights(width, words), batch + (length, words))
    return net.module([("tokens", f"tensor<1x{length}xi64>")], x), {"tokens": random.integers(0, words, (3, 1, length))}




def compare(kind, seed, targets):
    random = np.random.default_rng(seed)
    text, samples = (make_stream if kind == "streams" else make_decoder)(random)
    with open("net.mlir", "w") as file:
        file.write(text)
    np.savez("x.npz", **samples)
    option = "-streaming=x" if kind == "streams" else "-decode=tokens"
    options = [f"-activations={'i16' if seed % 2 else 'i8'}", "-integer-only"]
    run("qcc", "net.mlir", "-calib=x.npz", "-dump-ranges=r.json", "-o", "whole.o", *options)
    run("qrun", "whole.o", "-int", "-inputs=x.npz", "-outputs=whole.npz")
    for target in targets:
        run("qcc", "net.mlir", "-ranges=r.json", f"-target={target}", option, "-o", "step.o", *options)
        run("qrun", "step.o", "-int", "-sequences", "-inputs=x.npz", f"-outputs={target}.npz")
        same_arrays(f"{target}.npz", "whole.npz")
    with open("step.h") as file:
        header = dict(line.split()[1:3] for line in file if line.startswith("#define STEP_") and len(line.split()) > 2)
    # The step at stage `integer`, on codes as the whole network takes them.
    run("qcc", "net.mlir", "-ranges=r.json", option, "-stop-after=integer", "-o", "step.mlir", *options)
    name = next(iter(samples))
    prefix = "STEP_INPUT" if "STEP_INPUT_SEQUENCE_AXIS" in header else f"STEP_INPUT_{name.upper()}"
    number = lambda key: int(header[key])
    axis, length, size = number(f"{prefix}_SEQUENCE_AXIS"), number(f"{prefix}_SEQUENCE_LENGTH"), number(f"{prefix}_SIZE")
    first = samples[name][0]
    rows = size * length // first.size
    if f"{prefix}_SCALE" in header:
        quotient = first / np.float32(header[f"{prefix}_SCALE"].rstrip("f"))
        limit = 2 ** 15 if seed % 2 else 2 ** 7
        first = np.clip(np.rint(quotient) + number(f"{prefix}_ZERO_POINT"), -limit, limit - 1).astype(np.int16 if seed % 2 else np.int8)
    arrays = {name: np.stack(np.split(first, length // rows, axis=axis))}
    if kind == "decoders":
        arrays["position"] = np.arange(length, dtype=np.int32)[:, None]
    np.savez("steps.npz", **arrays)
    run("qopt", "step.mlir", "--qc-interpret=entry=run inputs=steps.npz outputs=reference.npz", "-o", os.devnull)
    outputs = np.load("whole.npz")["y"][0]
    steps = np.concatenate(list(np.load("reference.npz")["y"]), axis=number("STEP_OUTPUT_SEQUENCE_AXIS"))
    lead = number("STEP_OUTPUT_SEQUENCE_LEAD")
    steps = np.take(steps, range(lead, lead + number("STEP_OUTPUT_SEQUENCE_LENGTH")), axis=number("STEP_OUTPUT_SEQUENCE_AXIS"))
    check((steps == outputs).all(), "the evaluator's steps differ from the whole sequence")
    return rows, lead


def main():
    folder, kind, first, count, *targets = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    forms = []
    for seed in range(int(first), int(first) + int(count)):
        print(f"--- {kind} {seed}", flush=True)
        forms.append(compare(kind, seed, targets or ["host"]))
    print(f"rows of a step: {sorted({rows for rows, _ in forms})}, {sum(lead > 0 for _, lead in forms)} come late")
    print(f"{len(forms)} {kind} agree")


if __name__ == "__main__":
    main()
