"""Softmax, normalization, roots and quotients in integers against correctly rounded float64: rows.py FOLDER WHAT BITS

WHAT is softmax, normalize, magnitude, hypot, divide or small.

From the same input codes to the same output grid, on random and adversarial rows (all equal, one-hot, one code different, alternating extremes,
very small and very large scales, everything masked), inputs of BITS bits, results of 8 and 16:
  - every element is within 1 code of the correctly rounded result
  - the signal-to-noise ratio is at most 1 dB below that of the correctly rounded result, for random and for adversarial rows
  - the evaluator, at the stages `quantized` and `integer`, and the objects of all targets and vector lengths give the same bytes
  - <name>_run holds no floating-point instruction
"""
import json
import os
import shutil
import sys

import numpy as np

from network import HERE, RUNS, SMALL_RUNS, check, run, same_arrays

random = np.random.default_rng(20)


class Type:
    """Signed codes; the scale is an f32 number (N2)."""

    def __init__(self, bits, scale, zero=0):
        self.bits, self.scale, self.zero = bits, float(np.float32(scale)), int(zero)
        self.least, self.most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    @staticmethod
    def of_range(bits, low, high):
        low, high = min(low, 0.0), max(high, 0.0)
        scale = np.float32((high - low) / (2 ** bits - 1)) if high > low else 1.0
        return Type(bits, scale, np.clip(np.rint(-(2 ** (bits - 1)) - low / float(scale)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1))

    def text(self):
        return f"!quant.uniform<i{self.bits}:f32, {self.scale!r}:{self.zero}>"

    def tensor(self, shape):
        return f"tensor<{'x'.join(map(str, shape))}x{self.text()}>"

    def decode(self, codes):
        return self.scale * (codes.astype(np.float64) - self.zero)

    def encode(self, real):
        return np.clip(np.rint(real / self.scale) + self.zero, self.least, self.most).astype(np.int64)


def floats(shape):
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


def constant(array, element="f32"):
    return f"qc.constant dense<{nest(array, element)}> : tensor<{'x'.join(map(str, array.shape))}x{element}>"


def nest(array, element):
    if array.ndim == 0:
        return ("true" if array else "false") if element == "i1" else repr(float(array))
    return "[" + ", ".join(nest(row, element) for row in array) + "]"


def make_rows(kind, count):
    """Codes [rows, count], and which rows are adversarial."""
    low, high, zero = kind.least, kind.most, kind.zero
    rows = [random.integers(low, high + 1, count) for _ in range(5)]
    rows += [np.clip(np.rint(random.normal(zero, kind.most / spread, count)), low, high) for spread in (2, 3, 4, 8, 16)]
    ordinary = len(rows)
    rows += [np.full(count, code) for code in (low, high, zero, random.integers(low, high + 1))]
    for base, peak in ((low, high), (high, low), (zero, high), (zero, zero + 1 if zero < high else zero - 1), (low, low + 1), (high, high - 1)):
        row = np.full(count, base)
        row[random.integers(count)] = peak
        rows.append(row)
    rows.append(np.where(np.arange(count) % 2, high, low))
    rows.append(np.where(np.arange(count) < count // 2, high, low))
    rows.append(np.clip(zero + random.integers(-1, 2, count), low, high))
    return np.array(rows, np.int64), np.arange(len(rows)) >= ordinary


class Network:
    def __init__(self, name, bits):
        self.title, self.name, self.bits = name, name.replace(" ", "_"), bits
        self.arguments, self.casts, self.lines, self.results, self.returns, self.codes, self.checks = [], [], [], [], [], {}, []

    def input(self, name, kind, codes):
        shape = codes.shape
        self.arguments.append(f'%{name}: {floats(shape)} {{qc.name = "{name}"}}')
        self.casts.append(f"%{name}_q = quant.qcast %{name} : {floats(shape)} to {kind.tensor(shape)}")
        self.codes[name] = codes[None].astype(f"i{kind.bits // 8}")
        return f"%{name}_q"

    def output(self, name, op, kind, real, adversarial):
        """`op` lacks its result type. `real` is what the op stands for, `adversarial` says which rows are."""
        shape = real.shape
        self.lines += [f'%{name} = {op}{kind.tensor(shape)} loc("{name}")', f"%{name}_f = quant.dcast %{name} : {kind.tensor(shape)} to {floats(shape)}"]
        self.results.append(f'{floats(shape)} {{qc.name = "{name}"}}')
        self.returns.append((f"%{name}_f", floats(shape)))
        self.checks.append((name, kind, real, adversarial))

    def write(self):
        values, types = zip(*self.returns)
        with open(f"{self.name}.mlir", "w") as file:
            file.write('module attributes {qc.stage = "quantized"} {\n  func.func @main(' + ", ".join(self.arguments) + ") -> (" + ", ".join(self.results)
                       + ") {\n    " + "\n    ".join(self.casts + self.lines) + f"\n    return {', '.join(values)} : {', '.join(types)}\n  }}\n}}\n")
        np.savez("codes.npz", **self.codes)

    def compare(self, outputs):
        worst, loss = 0, {False: -99.0, True: -99.0}
        for name, kind, real, adversarial in self.checks:
            codes, ideal = outputs[name][0].astype(np.int64), kind.encode(real)
            error = np.abs(codes - ideal)
            at = np.unravel_index(np.argmax(error), error.shape)
            check(error.max() <= 1, f"{self.name}: {name}{list(at)} is {codes[at]}, correctly rounded {ideal[at]}: {real[at] / kind.scale + kind.zero:.3f}")
            worst = max(worst, error.max())
            for rows in (False, True):
                some = adversarial == rows
                noise, least = (np.sum((kind.decode(c)[some] - real[some]) ** 2) for c in (codes, ideal))
                # A grid that holds every result exactly allows no noise at all.
                loss[rows] = max(loss[rows], 10 * np.log10(noise / least) if least else 0.0 if noise == 0 else np.inf)
                check(loss[rows] <= 1, f"{self.name}: {name}, {'adversarial' if rows else 'random'} rows: {loss[rows]:.2f} dB less than correctly rounded")
        print(f"{self.title}: {len(self.checks)} results, largest error {worst} code, at most {loss[False]:.3f} dB below correct rounding on random rows, "
              f"{loss[True]:.3f} dB on adversarial rows")

    def verify(self, targets=RUNS):
        self.write()
        source = f"{self.name}.mlir"
        run("qcc", source, "-stop-after=integer", "-o", "integer.mlir")
        run("qopt", "integer.mlir", "--qc-interpret=entry=run inputs=codes.npz outputs=reference.npz", "-o", os.devnull)
        self.compare(dict(np.load("reference.npz")))
        for target, variants in targets.items():
            os.makedirs(target, exist_ok=True)
            run("qcc", source, f"-target={target}", "-integer-only", "-name=net", "-o", f"{target}/net.o")
            run(sys.executable, os.path.join(HERE, "fpfree.py"), f"{target}/net.o", "net_run")
            with open(f"{target}/net.json") as file:
                check(json.load(file)["integer_only"], f"{target}: not integer-only")
            for variant in variants:
                run("qrun", f"{target}/net.o", "-int", "-inputs=codes.npz", "-outputs=out.npz", *variant)
                same_arrays("out.npz", "reference.npz")


def softmax(x, mask=None, log=False):
    mask = np.ones(x.shape, bool) if mask is None else mask
    most = np.max(np.where(mask, x, -np.inf), axis=1, keepdims=True, initial=-1e300)
    power = np.where(mask, np.exp(np.where(mask, x - most, 0)), 0)
    total = np.sum(power, axis=1, keepdims=True)
    if log:
        return x - most - np.log(np.maximum(total, 1))
    return power / np.maximum(total, 1)


def check_softmax(bits):
    network = Network(f"softmax of {bits} bits", bits)
    for count in (128, 1000):
        # Logits within 1/100, 16, and 2,000 of each other.
        for title, spread in (("flat", 0.01), ("usual", 16), ("sharp", 2000)):
            kind = Type(bits, spread / 2 ** bits, 3)
            codes, adversarial = make_rows(kind, count)
            x, mask = kind.decode(codes), random.random(codes.shape) < 0.7
            mask[:2] = np.tri(2, count, count // 3, bool)  # causal
            mask[[2, -1]] = False
            mask[-2] = np.arange(count) == 5
            tag = f"{title}{count}"
            source = network.input(f"x_{tag}", kind, codes)
            network.lines.append(f"%mask_{tag} = {constant(mask, 'i1')}")
            for to in (8, 16):
                wide = Type(to, 2.0 ** -to, -(2 ** (to - 1)))
                network.output(f"p_{tag}_{to}", f"qc.softmax {source} {{axis = 1}} : {kind.tensor(codes.shape)} -> ", wide, softmax(x), adversarial)
                scaled = Type.of_range(to, 0, 1)
                network.output(f"scaled_{tag}_{to}", f"qc.softmax {source} {{axis = 1, scale = 0.125 : f32}} : {kind.tensor(codes.shape)} -> ", scaled,
                               softmax(x * 0.125), adversarial)
                network.output(f"masked_{tag}_{to}", f"qc.softmax {source} mask %mask_{tag} : tensor<{codes.shape[0]}x{count}xi1> {{axis = 1}} : "
                               f"{kind.tensor(codes.shape)} -> ", wide, softmax(x, mask), adversarial)
                log = softmax(x, log=True)
                network.output(f"log_{tag}_{to}", f"qc.softmax {source} {{axis = 1, log}} : {kind.tensor(codes.shape)} -> ", Type.of_range(to, log.min(), 0),
                               log, adversarial)
    network.verify()


def normalize(kind, x, epsilon, scale, bias):
    if kind == "layer":
        x = x - np.mean(x, axis=1, keepdims=True)
    squares = np.sum(x * x, axis=1, keepdims=True)
    if kind != "l2":
        squares = squares / x.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.where(squares + epsilon > 0, x / np.sqrt(squares + epsilon), 0)
    return y * scale + bias


def check_normalize(bits):
    network = Network(f"normalization of {bits} bits", bits)
    for count in (64, 256, 1024):
        # Steps of 10^-6 (only epsilon counts), 1/20 and 100.
        for title, step in (("faint", 1e-6), ("usual", 0.05), ("loud", 100)):
            source_type = Type(bits, step * 256 / 2 ** bits, -7)
            codes, adversarial = make_rows(source_type, count)
            tag = f"{title}{count}"
            source = network.input(f"x_{tag}", source_type, codes)
            scale, bias = (random.normal(1, 0.5, count).astype(np.float32), random.normal(0, 1, count).astype(np.float32))
            network.lines += [f"%s_{tag} = {constant(scale)}", f"%b_{tag} = {constant(bias)}"]
            # A large and a small epsilon for each input, with and without scale and bias.
            cases = {"faint": (("layer", 1e-5, True, 16), ("rms", 0.1, False, 16), ("l2", 1e-12, True, 8)),
                     "usual": (("layer", 1e-5, True, 8), ("layer", 1e-3, False, 16), ("rms", 1e-6, True, 8), ("rms", 0.1, True, 16), ("l2", 1e-12, False, 8),
                               ("l2", 1e-3, False, 16)),
                     "loud": (("layer", 1e-5, True, 16), ("rms", 1e-6, True, 16), ("l2", 1e-12, False, 16))}[title]
            for kind, epsilon, parameters, to in cases:
                epsilon = float(np.float32(epsilon))
                x = source_type.decode(codes)
                s, b = (scale, bias) if parameters else (np.float32(1), np.float32(0))
                real = normalize(kind, x, epsilon, s.astype(np.float64), b.astype(np.float64))
                text, types = ("", "")
                if parameters:
                    text, types = f" scale %s_{tag} bias %b_{tag}", f", tensor<{count}xf32>, tensor<{count}xf32>"
                network.output(f"{kind}{int(-np.log10(epsilon) + 0.5)}_{tag}_{to}",
                               f"qc.normalize {kind} {source}{text} {{first_axis = 1, last_axis = 1, epsilon = {epsilon!r} : f32}} : "
                               f"({source_type.tensor(codes.shape)}{types}) -> ", Type.of_range(to, real.min(), real.max()), real, adversarial)
    network.verify()


def check_magnitude(bits):
    """Normalization by mean magnitudes."""
    network = Network(f"mean magnitudes of {bits} bits", bits)
    for count in (64, 1000):
        for title, step, epsilon in (("faint", 1e-6, 1e-3), ("usual", 0.05, 1e-5), ("loud", 100, 0.0)):
            source_type, epsilon = Type(bits, step * 256 / 2 ** bits, -7), float(np.float32(epsilon))
            codes, adversarial = make_rows(source_type, count)
            x, tag = source_type.decode(codes), f"{title}{count}"
            source = network.input(f"x_{tag}", source_type, codes)
            scale, bias = (random.normal(1, 0.5, count).astype(np.float32), random.normal(0, 1, count).astype(np.float32))
            network.lines += [f"%s_{tag} = {constant(scale)}", f"%b_{tag} = {constant(bias)}"]
            for kind, parameters, to in (("mad", True, 8), ("mad", False, 16), ("mean_abs", True, 16), ("mean_abs", False, 8)):
                c = x - np.mean(x, axis=1, keepdims=True) if kind == "mad" else x
                c = np.where(np.abs(c) < 1e-9 * step, 0, c)  # a row of equal numbers has no deviation
                mean = np.mean(np.abs(c), axis=1, keepdims=True) + epsilon
                real = np.divide(c, mean, out=np.zeros_like(c), where=mean > 0)
                text, types = "", ""
                if parameters:
                    real = real * scale + bias
                    text, types = f" scale %s_{tag} bias %b_{tag}", f", tensor<{count}xf32>, tensor<{count}xf32>"
                network.output(f"{kind}_{tag}_{to}", f"qc.normalize {kind} {source}{text} {{first_axis = 1, last_axis = 1, epsilon = {epsilon!r} : f32}} : "
                               f"({source_type.tensor(codes.shape)}{types}) -> ", Type.of_range(to, real.min(), real.max()), real, adversarial)
    network.verify()


def check_divide(bits):
    """Also by 0: the limit on the dividend's side, and 0 for 0."""
    network = Network(f"quotients of {bits} bits", bits)
    for tag, ratio, limit in (("wide", 1, 100), ("narrow", 1, 1.5), ("fine", 1 / 300, 2), ("coarse", 40, 1000)):
        left, right = Type(bits, 3 / 2 ** bits, 5), Type(bits, 3 / 2 ** bits / ratio, -9)
        a, b = (random.integers(kind.least, kind.most + 1, (16, 256)) for kind in (left, right))
        for row, size in ((1, 2), (2, 5), (3, 20)):
            b[row] = right.zero + random.integers(-size, size + 1, 256)
        a[4], b[5], a[6] = left.zero, right.zero, left.zero + random.integers(-3, 4, 256)
        a[7], b[7] = np.where(np.arange(256) % 2, left.least, left.most), np.clip(right.zero + np.arange(-128, 128), right.least, right.most)
        x, y = left.decode(a), right.decode(b)
        quotient = np.divide(x, y, out=np.sign(x) * 1e30, where=y != 0)
        one, two = network.input(f"x_{tag}", left, a), network.input(f"y_{tag}", right, b)
        for to in (8, 16):
            kind = Type.of_range(to, -limit, limit)
            real = np.clip(quotient, kind.decode(np.int64(kind.least)), kind.decode(np.int64(kind.most)))
            network.output(f"z_{tag}_{to}", f"qc.div {one}, {two} : ({left.tensor(a.shape)}, {right.tensor(a.shape)}) -> ", kind, real,
                           np.isin(np.arange(16), range(1, 8)))
    network.verify()


def check_hypot(bits):
    network = Network(f"root of two squares of {bits} bits", bits)
    for ratio in (1, 0.7, 1 / 30, 1 / 700, 1 / 3000):
        left, right = Type(bits, 3 / 2 ** bits, 5), Type(bits, 3 / 2 ** bits / ratio, -9)
        rows = []
        for kind in (left, right):
            codes = random.integers(kind.least, kind.most + 1, (16, 256))
            codes[4:6] = kind.zero + random.integers(-2, 3, (2, 256))
            codes[6] = np.where(np.arange(256) % 2, kind.least, kind.most)
            codes[7] = kind.least
            codes[8] = kind.most
            rows.append(codes)
        rows[0][9], rows[1][10] = left.zero, right.zero
        rows[0][11], rows[1][12] = left.zero + 1, right.zero + 1
        tag = f"{round(1 / ratio)}"
        tag += "b" if ratio == 0.7 else ""
        a, b = network.input(f"x_{tag}", left, rows[0]), network.input(f"y_{tag}", right, rows[1])
        real = np.hypot(left.decode(rows[0]), right.decode(rows[1]))
        for to in (8, 16):
            network.output(f"h_{tag}_{to}", f"qc.binary hypot {a}, {b} : ({left.tensor(rows[0].shape)}, {right.tensor(rows[0].shape)}) -> ",
                           Type.of_range(to, 0, real.max()), real, np.isin(np.arange(16), range(4, 13)))
    network.verify()


def check_small(bits):
    """One op an object, also on targets without a floating-point unit."""
    kind = Type(bits, 16 / 2 ** bits, 3)
    codes, adversarial = make_rows(kind, 64)
    x = kind.decode(codes)
    for name, op, real in (("softmax", "softmax %x_q {axis = 1} : " + kind.tensor(codes.shape), softmax(x)),
                           ("layer", f"normalize layer %x_q {{first_axis = 1, last_axis = 1, epsilon = 1.0e-5 : f32}} : ({kind.tensor(codes.shape)})",
                            normalize("layer", x, float(np.float32(1e-5)), 1, 0)),
                           ("quotient", f"div %x_q, %x_q : ({kind.tensor(codes.shape)}, {kind.tensor(codes.shape)})", np.where(x == 0, 0.0, 1.0))):
        network = Network(f"{name} of {bits} bits", bits)
        network.input("x", kind, codes)
        network.output("y", f"qc.{op} -> ", Type.of_range(bits, real.min(), real.max()), real, adversarial)
        network.verify({**RUNS, **SMALL_RUNS})


def main():
    folder, what, bits = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    {"softmax": check_softmax, "normalize": check_normalize, "magnitude": check_magnitude, "hypot": check_hypot, "divide": check_divide, "small": check_small}[what](int(bits))
    print("all agree")


if __name__ == "__main__":
    main()
