"""Random quantized ONNX graphs (QDQ and operators on codes) against ONNX Runtime, node by node, and between the evaluator and objects.

random_onnx.py FOLDER FIRST_SEED COUNT [TARGET...]

Each graph has 1 to 12 steps. ONNX Runtime, its optimization disabled, gives the codes behind every step. Then each step is evaluated alone, fed with
those codes (one model holds all steps side by side): it must give the same codes, except where the exact value lies as near to the middle between
two codes as the f32 arithmetic of the reference can move it; such elements are counted. A function that is straight pieces (16-bit codes) may differ
from the exact one by the error that its op states. The graph as a whole must give the evaluator's bytes on
each TARGET. Without ONNX Runtime only the latter is tested, with a note.
"""
import os
import re
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Import"))
import onnx_runtime  # noqa: E402
from onnx_build import INT4, INT8, INT16, INT32, UINT8, UINT16, model, node, scalar, tensor, value  # noqa: E402

DTYPES = {INT8: np.int8, UINT8: np.uint8, INT16: np.int16, UINT16: np.uint16}
LIMITS = {INT4: (-8, 7), INT8: (-128, 127), UINT8: (0, 255), INT16: (-32768, 32767), UINT16: (0, 65535)}
MICROSOFT = {"domain": "com.microsoft"}
EPSILON = 2.0**-24


class Codes:
    """A tensor of codes: its real values are scale * (code - zero)."""

    def __init__(self, name, shape, dtype, scale, zero):
        self.name, self.shape, self.dtype, self.scale, self.zero = name, list(shape), dtype, scale, zero

    def real(self, codes):
        return np.float64(self.scale) * (codes.astype(np.int64) - self.zero)


class Step:
    """Nodes from codes to codes, and their exact value: `exact(codes...)` gives real values and the sum of magnitudes that f32 rounds."""

    def __init__(self, inputs, output, build, initializers, exact, terms, slack=0.0):
        self.inputs, self.output, self.build, self.initializers = inputs, output, build, initializers
        self.exact, self.terms, self.slack = exact, terms, slack


class Graph:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.steps, self.count = [], 0
        pick = self.random.choice
        self.wide = self.random.random() < 0.15
        self.flat = self.random.random() < 0.4
        shape = [1, int(pick([3, 8, 16]))] if self.flat else [1, int(pick([2, 4, 8])), int(pick([4, 5, 8])), int(pick([4, 7]))]
        self.input = self.codes("x", shape)
        self.tensors = [self.input]
        for _ in range(int(self.random.integers(1, 13))):
            x = self.tensors[int(self.random.integers(max(0, len(self.tensors) - 3), len(self.tensors)))]
            kinds = ["add", "mul", "relu", "sigmoid", "leaky_relu", "concat"] + (["matmul"] * 3 if len(x.shape) == 2 else ["conv"] * 4 + ["pool", "max_pool", "global_pool"])
            self.add_step(str(pick(kinds)), x)

    def scale(self, low=-7, high=-3):
        return float(np.float32(2.0 ** self.random.uniform(low, high)))

    def codes(self, name, shape, like=None):
        dtype = like if like else int(self.random.choice([INT16, UINT16] if self.wide else [INT8, UINT8]))
        low, high = LIMITS[dtype]
        zero = int(self.random.choice([0, (low + high + 1) // 2, int(self.random.integers(low, high + 1))]))
        return Codes(name, shape, dtype, self.scale() / (256 if self.wide else 1), zero)

    def parameters(self, codes):
        """Initializers of a tensor's scale and zero point."""
        return [scalar(codes.name + "_s", codes.scale), scalar(codes.name + "_z", codes.zero, codes.dtype)]

    def add_step(self, kind, x):
        n, random = "t%d" % self.count, self.random
        self.count += 1
        on_codes = not self.wide and random.random() < 0.5
        s = lambda t: [t.name + "_s", t.name + "_z"]
        q = lambda t, real: node("QuantizeLinear", [real, *s(t)], [t.name])
        dq = lambda name, t, real: node("DequantizeLinear", [name, *s(t)], [real])

        def plain(op, inputs, output, fused=None, **attributes):
            """The operator between casts, or the one on codes."""
            if on_codes and fused:
                return lambda names, out: [node(fused, [v for a, t in zip(names, inputs) for v in (a, *s(t))] + s(output), [out], domain="com.microsoft", **attributes)]
            return lambda names, out: ([dq(a, t, "%s_r%d" % (n, i)) for i, (a, t) in enumerate(zip(names, inputs))]
                                       + [node(op, ["%s_r%d" % (n, i) for i in range(len(inputs))], [n + "_f"], **attributes),
                                          node("QuantizeLinear", [n + "_f", *s(output)], [out])])

        if kind in ("conv", "matmul"):
            self.add_contraction(kind, x, n, on_codes)
            return
        if kind in ("add", "mul"):
            others = [t for t in self.tensors if t.shape == x.shape and t.dtype == x.dtype]
            y = others[int(random.integers(len(others)))]
            out = self.codes(n, x.shape, x.dtype)
            exact = {"add": lambda a, b: (x.real(a) + y.real(b), abs(x.real(a)) + abs(y.real(b)) + abs(x.scale * x.zero) + abs(y.scale * y.zero)),
                     "mul": lambda a, b: (x.real(a) * y.real(b), abs(x.real(a) * y.real(b)))}[kind]
            build, inputs, terms = plain(kind.capitalize(), [x, y], out, "QLinear" + kind.capitalize()), [x, y], 6
        elif kind == "relu":
            out = self.codes(n, x.shape, x.dtype)
            build, inputs, terms = plain("Relu", [x], out), [x], 2
            exact = lambda a: (np.maximum(x.real(a), 0), abs(x.real(a)))
        elif kind == "leaky_relu":
            out, alpha = self.codes(n, x.shape, x.dtype), float(np.float32(random.uniform(0.01, 0.5)))
            build, inputs, terms = plain("LeakyRelu", [x], out, "QLinearLeakyRelu", alpha=alpha), [x], 3
            exact = lambda a: (np.where(x.real(a) < 0, np.float64(np.float32(alpha)) * x.real(a), x.real(a)), abs(x.real(a)))
        elif kind == "sigmoid":
            out = self.codes(n, x.shape, x.dtype)
            build, inputs, terms = plain("Sigmoid", [x], out, "QLinearSigmoid"), [x], 8
            exact = lambda a: (1 / (1 + np.exp(-x.real(a))), np.ones(a.shape))
        elif kind == "concat":
            others = [t for t in self.tensors if t.shape[2:] == x.shape[2:] and len(t.shape) == len(x.shape) and t.dtype == x.dtype]
            y = others[int(random.integers(len(others)))]
            out = self.codes(n, [1, x.shape[1] + y.shape[1], *x.shape[2:]], x.dtype)
            if out.shape[1] > 32:
                return
            build, inputs, terms = plain("Concat", [x, y], out, axis=1), [x, y], 2
            exact = lambda a, b: (np.concatenate([x.real(a), y.real(b)], 1), np.concatenate([abs(x.real(a)), abs(y.real(b))], 1))
        elif kind == "global_pool":
            out = self.codes(n, [*x.shape[:2], 1, 1], x.dtype)
            build, inputs, terms = plain("GlobalAveragePool", [x], out, "QLinearGlobalAveragePool"), [x], x.shape[2] * x.shape[3] + 3
            exact = lambda a: (x.real(a).mean((2, 3), keepdims=True), abs(x.real(a)).mean((2, 3), keepdims=True) + abs(x.scale * x.zero))
        else:
            if min(x.shape[2:]) < 2:
                return
            shape = [*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2]
            window = lambda a: a[:, :, :shape[2] * 2, :shape[3] * 2].reshape(*shape[:3], 2, shape[3], 2)
            attributes = dict(kernel_shape=[2, 2], strides=[2, 2])
            out = self.codes(n, shape, x.dtype)
            if kind == "pool":
                build, inputs, terms = plain("AveragePool", [x], out, "QLinearAveragePool", **attributes), [x], 7
                exact = lambda a: (window(x.real(a)).mean((3, 5)), abs(window(x.real(a))).mean((3, 5)) + abs(x.scale * x.zero))
            else:
                build, inputs, terms = plain("MaxPool", [x], out, **attributes), [x], 2
                exact = lambda a: (window(x.real(a)).max((3, 5)), abs(window(x.real(a))).max((3, 5)))
        self.finish(Step(inputs, out, build, [], exact, terms, slack=2e-6 if kind == "sigmoid" else 0))

    def add_contraction(self, kind, x, n, on_codes):
        random = self.random
        inner, channels = x.shape[1], int(random.choice([1, 3, 8]))
        groups = inner if kind == "conv" and random.random() < 0.3 else 1
        channels = inner if groups > 1 else channels
        kernel = int(random.choice([1, 3])) if kind == "conv" and min(x.shape[2:]) >= 3 else 1
        pad = int(random.integers(0, kernel // 2 + 1))
        weight_type = int(random.choice([INT8, UINT8, INT4] if not on_codes else [INT8]))
        # The reference reads signed activations with unsigned weights in casts only.
        low, high = LIMITS[weight_type]
        per_axis = bool(random.random() < 0.5)
        weight_shape = [channels, inner // groups, kernel, kernel] if kind == "conv" else [inner, channels]
        axis = 0 if kind == "conv" else 1
        w = random.integers(low, high + 1, weight_shape)
        scales = np.float32(2.0 ** random.uniform(-9, -5, channels if per_axis else 1))
        zero = int(random.choice([0, (low + high + 1) // 2])) if weight_type == UINT8 else 0
        zeros = np.full(scales.shape, zero)
        bias = random.integers(-2000, 2001, channels) if random.random() < 0.7 else None
        spatial = [size + 2 * pad - kernel + 1 for size in x.shape[2:]] if kind == "conv" else []
        out = self.codes(n, [1, channels, *spatial], x.dtype)
        bias_scales = np.float32(np.float64(np.float32(x.scale)) * scales)
        dims = [channels] if per_axis else []
        names = [n + suffix for suffix in ("_w", "_ws", "_wz", "_b", "_bs")]
        initializers = [tensor(names[0], weight_shape, [int(v) for v in w.flat], weight_type), tensor(names[1], dims, [float(v) for v in scales]),
                        tensor(names[2], dims, [int(v) for v in zeros], weight_type)]
        uses_bias = bias is not None and kind == "conv"
        if uses_bias:
            initializers.append(tensor(names[3], [channels], [int(v) for v in bias], INT32))
            if not on_codes:
                initializers.append(tensor(names[4], dims, [float(v) for v in bias_scales]))
        attributes = dict(pads=[pad] * 4, kernel_shape=[kernel] * 2, group=groups) if kind == "conv" else {}
        parameters = [x.name + "_s", x.name + "_z"]
        result = [out.name + "_s", out.name + "_z"]
        if on_codes:
            op = "QLinearConv" if kind == "conv" else "QLinearMatMul"
            build = lambda ins, o: [node(op, [ins[0], *parameters, *names[:3], *result] + ([names[3]] if uses_bias else []), [o], **attributes)]
        else:
            def build(ins, o):
                nodes = [node("DequantizeLinear", [ins[0], *parameters], [n + "_x"]), node("DequantizeLinear", names[:3], [n + "_r"], **(dict(axis=axis) if per_axis else {}))]
                operands = [n + "_x", n + "_r"]
                if uses_bias:
                    nodes.append(node("DequantizeLinear", [names[3], names[4]], [n + "_c"], **(dict(axis=0) if per_axis else {})))
                    operands.append(n + "_c")
                return nodes + [node("Conv" if kind == "conv" else "MatMul", operands, [n + "_f"], **attributes), node("QuantizeLinear", [n + "_f", *result], [o])]

        def exact(a):
            a = a.astype(np.int64) - x.zero
            v = w.astype(np.int64) - zero
            if kind == "matmul":
                acc, magnitude = a @ v, abs(a) @ abs(v)
                unit = x.scale * np.float64(scales)
            else:
                acc, magnitude = (self.convolve(p, r, groups, pad) for p, r in ((a, v), (abs(a), abs(v))))
                unit = (x.scale * np.float64(scales)).reshape(-1, 1, 1)
                if uses_bias:
                    acc, magnitude = acc + bias.reshape(-1, 1, 1), magnitude + abs(bias).reshape(-1, 1, 1)
            return acc * unit, magnitude * abs(unit)

        self.finish(Step([x], out, build, initializers, exact, inner // groups * kernel * kernel + 6))

    @staticmethod
    def convolve(a, w, groups, pad):
        a = np.pad(a, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
        kernel = w.shape[2]
        height, width = a.shape[2] - kernel + 1, a.shape[3] - kernel + 1
        out = np.zeros([1, w.shape[0], height, width], np.int64)
        per = a.shape[1] // groups
        for o in range(w.shape[0]):
            first = o // (w.shape[0] // groups) * per
            for i in range(kernel):
                for j in range(kernel):
                    out[0, o] += np.einsum("chw,c->hw", a[0, first:first + per, i:i + height, j:j + width], w[o, :, i, j])
        return out

    def finish(self, step):
        # Results that use the range: most reals inside it.
        self.steps.append(step)
        self.tensors.append(step.output)

    def port(self, codes, name=None):
        return value(name or codes.name, codes.shape, codes.dtype)

    def constants(self):
        return [i for t in self.tensors for i in self.parameters(t)] + [i for step in self.steps for i in step.initializers]

    def whole(self, outputs):
        nodes = [n for step in self.steps for n in step.build([t.name for t in step.inputs], step.output.name)]
        return model(nodes, {"x": (self.input.shape, self.input.dtype)}, [self.port(t) for t in outputs], self.constants(), opsets=[("", 21), ("com.microsoft", 1)], ir=10)

    def apart(self):
        """All steps side by side; inputs are named <step>_<operand>."""
        nodes, inputs = [], {}
        for k, step in enumerate(self.steps):
            names = ["s%d_%s" % (k, t.name) for t in step.inputs]
            inputs.update({name: (t.shape, t.dtype) for name, t in zip(names, step.inputs)})
            nodes += step.build(names, step.output.name)
        return model(nodes, inputs, [self.port(step.output) for step in self.steps], self.constants(), opsets=[("", 21), ("com.microsoft", 1)], ir=10)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError("%s\n%s" % (" ".join(command), done.stdout))


def evaluate(path, inputs, samples):
    """Codes that the reference evaluator gives, and by how many codes functions may differ, by the name of their real value."""
    np.savez("in.npz", **{n: np.stack([a] * samples) if samples > 1 else a[None] for n, a in inputs.items()})
    run("qcc", path, "-stop-after=integer", "-integer-only", "-o", "integer.mlir")
    run("qopt", "-qc-interpret=entry=run inputs=in.npz outputs=out.npz", "integer.mlir", "-o", os.devnull)
    with open("integer.mlir") as file:
        errors = {name: float(error) for error, name in re.findall(r'form = "pwl[^}]*max_error = ([^ ]*) [^}]*name = "([^"]*)"', file.read())}
    return dict(np.load("out.npz")), errors


def compare(graph, reference, found, errors, stats):
    for step in graph.steps:
        out = step.output
        want, got = reference[out.name].astype(np.int64), found[out.name].reshape(out.shape).astype(np.int64)
        stats["elements"] += want.size
        if (want == got).all():
            continue
        real, magnitude = step.exact(*[reference[t.name] for t in step.inputs])
        quotient = real / out.scale
        bound = (step.terms * EPSILON * magnitude + step.slack) / out.scale + 4 * EPSILON * abs(quotient)
        near = abs(quotient - np.floor(quotient) - 0.5) <= bound
        stated = errors.get(out.name + "_f", 0)
        wrong = abs(want - got) > stated + near
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0])
            raise RuntimeError("%s: %d of %d codes differ; at %s the exact quotient %.9f gives %d, the reference has %d, its f32 bound is %.2e" %
                               (out.name, wrong.sum(), want.size, list(map(int, at)), quotient[at], got[at], want[at], bound[at]))
        stats["pieces" if stated else "ties"] += int((want != got).sum())


def main():
    folder, first, count, *targets = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    library = onnx_runtime.find()
    runtime = onnx_runtime.Runtime(library) if library else None
    stats = dict(graphs=0, steps=0, elements=0, ties=0, pieces=0)
    failures = 0
    for seed in range(int(first), int(first) + int(count)):
        graph = Graph(seed)
        if not graph.steps:
            continue
        x = graph.random.integers(*LIMITS[graph.input.dtype], graph.input.shape, endpoint=True).astype(DTYPES[graph.input.dtype])
        try:
            if runtime:
                with open("whole.onnx", "wb") as file:
                    file.write(graph.whole([step.output for step in graph.steps]))
                session = runtime.open("whole.onnx")
                codes = runtime.run(session, {"x": x}, [step.output.name for step in graph.steps])
                runtime.close(session)
                reference = dict(zip([step.output.name for step in graph.steps], codes), x=x)
                with open("apart.onnx", "wb") as file:
                    file.write(graph.apart())
                compare(graph, reference, *evaluate("apart.onnx", {"s%d_%s" % (k, t.name): reference[t.name] for k, step in enumerate(graph.steps) for t in step.inputs}, 1), stats)
            with open("last.onnx", "wb") as file:
                file.write(graph.whole([graph.steps[-1].output]))
            expected, _ = evaluate("last.onnx", {"x": x}, 1)
            for target in targets:
                run("qcc", "last.onnx", "-target=" + target, "-integer-only", "-o", target + ".o")
                run("qrun", target + ".o", "-int", "-inputs=in.npz", "-outputs=%s.npz" % target)
                for name, array in np.load(target + ".npz").items():
                    if array.tobytes() != expected[name].tobytes():
                        raise RuntimeError("%s: '%s' differs from the evaluator" % (target, name))
        except RuntimeError as error:
            print("seed %d: %s" % (seed, error), flush=True)
            failures += 1
        stats["graphs"] += 1
        stats["steps"] += len(graph.steps)
    print("%(graphs)d graphs, %(steps)d steps, %(elements)d codes, of which %(ties)d differ next to a half and %(pieces)d within the error of their pieces" % stats, "(ONNX Runtime %s)" % runtime.version if runtime
          else "(no ONNX Runtime here: not compared with it)")
    sys.exit(min(failures, 1))


main()
