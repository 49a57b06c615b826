"""Recurrent networks in integers against float64: recurrent.py FOLDER long|small|mcu

  long    LSTM, 64 units, 100 steps: at least 30 dB, and at step 100 at most 3 dB less than at step 10
  small   LSTM, GRU and RNN in both directions, with initial states, peepholes, limits, coupled gates, linear_before_reset, other activations, batch
          first: at least 25 dB for every output
  mcu     a short LSTM, also on targets without a floating-point unit

Always: the evaluator and the objects of all targets and vector lengths give the same bytes, and net_run holds no floating-point instruction.
"""
import json
import os
import shutil
import sys

import numpy as np

from network import HERE, RUNS, SMALL_RUNS, check, quantize, run, same_arrays

sys.path.insert(0, os.path.join(HERE, "..", "Import"))
from onnx_build import model, node, tensor, value  # noqa: E402

random = np.random.default_rng(21)
FUNCTIONS = {"Sigmoid": lambda x: 1 / (1 + np.exp(-x)), "Tanh": np.tanh, "Relu": lambda x: np.maximum(x, 0), "Softsign": lambda x: x / (1 + np.abs(x)),
             "HardSigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1)}
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


class Layer:
    """An ONNX operator with random stable weights, and what it means."""

    def __init__(self, name, op, inputs, hidden, batch, states=False, peepholes=False, **attributes):
        self.name, self.op, self.hidden, self.batch, self.attributes = name, op, hidden, batch, attributes
        self.directions = 2 if attributes.get("direction") == "bidirectional" else 1
        limit = 1 / np.sqrt(hidden)
        draw = lambda *shape: random.uniform(-limit, limit, (self.directions, *shape)).astype(np.float32)
        rows = GATES[op] * hidden
        self.w, self.r, self.b = draw(rows, inputs), draw(rows, hidden), draw(2 * rows)
        self.p = draw(3 * hidden) if peepholes else None
        self.states = [random.uniform(-0.5, 0.5, (self.directions, batch, hidden)).astype(np.float32) for _ in range(1 + (op == "LSTM"))] if states else None

    def write(self):
        """Nodes, initializers and names of the outputs."""
        parts = {"w": self.w, "r": self.r, "b": self.b, "": None, "h0": None, "c0": None, "p": self.p}
        if self.states:
            parts.update(zip(("h0", "c0"), self.states))
        if self.op != "LSTM":
            del parts["c0"], parts["p"]
        first = self.attributes.get("layout", 0)
        initializers, names = [], []
        for key, array in parts.items():
            names.append(f"{self.name}_{key}" if array is not None else "")
            if array is not None:
                array = array.transpose(1, 0, 2) if first and key in ("h0", "c0") else array
                initializers.append(tensor(names[-1], list(array.shape), array.ravel().tolist()))
        outputs = [f"{self.name}_y", f"{self.name}_h"] + ([f"{self.name}_c"] if self.op == "LSTM" else [])
        while not names[-1]:
            names.pop()
        return node(self.op, ["xb" if first else "x"] + names, outputs, name=self.name, hidden_size=self.hidden, **self.attributes), initializers, outputs

    def run(self, x):
        """y [steps, directions, batch, hidden] and the last states [directions, batch, hidden], of one sequence [steps, batch, inputs]."""
        x = x.astype(np.float64)
        ys, hs, cs = [], [], []
        for d in range(self.directions):
            back = self.attributes.get("direction") == "reverse" or d == 1
            names = self.attributes.get("activations", DEFAULTS[self.op] * self.directions)[d * len(DEFAULTS[self.op]):]
            clip = self.attributes.get("clip", 0)
            f = [lambda v, name=name: FUNCTIONS[name](np.clip(v, -clip, clip) if clip else v) for name in names]
            h, c = (self.states[i][d].astype(np.float64) if self.states and i < len(self.states) else np.zeros((self.batch, self.hidden)) for i in range(2))
            y = np.zeros((len(x), self.batch, self.hidden))
            for t in reversed(range(len(x))) if back else range(len(x)):
                h, c = getattr(self, self.op)(d, f, x[t], h, c)
                y[t] = h
            ys.append(y)
            hs.append(h)
            cs.append(c)
        y, h, c = np.stack(ys, 1), np.stack(hs), np.stack(cs)
        if self.attributes.get("layout"):
            y, h, c = y.transpose(2, 0, 1, 3), h.transpose(1, 0, 2), c.transpose(1, 0, 2)
        return dict(zip(self.write()[2], (y, h, c)))

    def split(self, array):
        return np.split(array.astype(np.float64), GATES[self.op])

    def sums(self, d, x, h, gate):
        wb, rb = np.split(self.b[d].astype(np.float64), 2)
        w, r, wb, rb = (self.split(a)[gate] for a in (self.w[d], self.r[d], wb, rb))
        return x @ w.T + wb, h @ r.T + rb

    def RNN(self, d, f, x, h, c):
        return f[0](sum(self.sums(d, x, h, 0))), c

    def GRU(self, d, f, x, h, c):
        z, r = (f[0](sum(self.sums(d, x, h, gate))) for gate in (0, 1))
        if self.attributes.get("linear_before_reset"):
            own, state = self.sums(d, x, h, 2)
            fresh = f[1](own + r * state)
        else:
            fresh = f[1](sum(self.sums(d, x, r * h, 2)))
        return (1 - z) * fresh + z * h, c

    def LSTM(self, d, f, x, h, c):
        i, o, forget, g = (sum(self.sums(d, x, h, gate)) for gate in range(4))
        pi, po, pf = np.split(self.p[d].astype(np.float64), 3) if self.p is not None else (0, 0, 0)
        i = f[0](i + pi * c)
        forget = 1 - i if self.attributes.get("input_forget") else f[0](forget + pf * c)
        c = forget * c + i * f[1](g)
        return f[0](o + po * c) * f[2](c), c


def sqnr(real, got):
    return 10 * np.log10(np.sum(real ** 2) / np.sum((real - got) ** 2))


def build(layers, steps, inputs, batch, samples, targets=RUNS):
    """Writes the model, calibrates, and compares all ways to run it. Returns what they give, and what the float network gives, for each output."""
    nodes, initializers, outputs = [], [], []
    for layer in layers:
        n, constants, names = layer.write()
        nodes.append(n)
        initializers += constants
        outputs += names
    if any(layer.attributes.get("layout") for layer in layers):
        nodes.insert(0, node("Transpose", ["x"], ["xb"], perm=[1, 0, 2]))
    with open("net.onnx", "wb") as file:
        file.write(model(nodes, {"x": [steps, batch, inputs]}, outputs, initializers, opset=14))
    calibration, x = (random.normal(0, 1, (count, steps, batch, inputs)).astype(np.float32) for count in (24, samples))
    np.savez("calib.npz", x=calibration)
    reference = []
    for sample in x:
        results = {}
        for layer in layers:
            results.update(layer.run(sample))
        reference.append(results)
    ranges = ["-calib=calib.npz", "-dump-ranges=ranges.json"]
    for target, variants in targets.items():
        os.makedirs(target, exist_ok=True)
        run("qcc", "net.onnx", *ranges, f"-target={target}", "-integer-only", "-o", f"{target}/net.o")
        ranges = ["-ranges=ranges.json"]
        run(sys.executable, os.path.join(HERE, "fpfree.py"), f"{target}/net.o", "net_run")
        with open(f"{target}/net.json") as file:
            report = json.load(file)
        check(report["integer_only"], f"{target}: not integer-only")
        if target == "x86-64":
            np.savez("codes.npz", **quantize({"x": x}, report))
        for variant in variants:
            run("qrun", f"{target}/net.o", "-int", "-inputs=codes.npz", f"-outputs={target}.npz", *variant)
            if target != "x86-64":
                same_arrays(f"{target}.npz", "x86-64.npz")
    run("qcc", "net.onnx", *ranges, "-stop-after=integer", "-integer-only", "-o", "integer.mlir")
    run("qopt", "integer.mlir", "--qc-interpret=entry=run inputs=codes.npz outputs=reference.npz limit=2", "-o", os.devnull)
    same_arrays("reference.npz", "x86-64.npz", 2)
    codes, results = dict(np.load("x86-64.npz")), {}
    for port in report["outputs"]:
        name = port["name"]
        results[name] = ((codes[name].astype(np.float64) - port["zero_point"]) * port["scale"], np.stack([r[name] for r in reference]))
    return results


def check_long():
    got, real = build([Layer("lstm", "LSTM", 32, 64, 1)], 100, 32, 1, 16)["lstm_y"]
    steps = [sqnr(real[:, t], got[:, t]) for t in range(100)]
    print(f"LSTM, 64 units: {sqnr(real, got):.1f} dB; at step 1 {steps[0]:.1f}, 10 {steps[9]:.1f}, 50 {steps[49]:.1f}, 100 {steps[99]:.1f} dB")
    check(sqnr(real, got) >= 30, "less than 30 dB")
    check(steps[99] >= steps[9] - 3, "the error grows over time")


def check_small():
    inputs, hidden, batch = 8, 16, 2
    case = lambda *arguments, **options: Layer(*arguments, inputs, hidden, batch, **options)
    layers = [
        case("lstm_both", "LSTM", direction="bidirectional", states=True),
        case("lstm_peepholes", "LSTM", peepholes=True, states=True, clip=0.8),
        case("lstm_coupled", "LSTM", direction="reverse", input_forget=1, peepholes=True),
        case("lstm_functions", "LSTM", activations=["HardSigmoid", "Softsign", "Tanh"]),
        case("gru", "GRU", states=True),
        case("gru_linear", "GRU", linear_before_reset=1, direction="bidirectional", clip=1.0),
        case("gru_first", "GRU", layout=1, direction="reverse", states=True),
        case("rnn", "RNN", states=True, direction="bidirectional"),
        case("rnn_relu", "RNN", activations=["Relu"], clip=1.5),
    ]
    results = build(layers, 5, inputs, batch, 16)
    for name, (got, real) in results.items():
        print(f"{name}: {sqnr(real, got):.1f} dB")
    for name, (got, real) in results.items():
        check(sqnr(real, got) >= 25, f"{name} has {sqnr(real, got):.1f} dB")


def check_mcu():
    got, real = build([Layer("lstm", "LSTM", 4, 8, 1)], 3, 4, 1, 8, {**RUNS, **SMALL_RUNS})["lstm_y"]
    check(sqnr(real, got) >= 25, f"{sqnr(real, got):.1f} dB")


def main():
    folder, what = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    {"long": check_long, "small": check_small, "mcu": check_mcu}[what]()
    print("all agree")


if __name__ == "__main__":
    main()
