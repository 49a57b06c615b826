"""Random few-bit networks of QONNX quantizers, compared with an independent evaluation in double precision: all codes are equal.

random_qonnx.py FOLDER FIRST_SEED COUNT [TARGET...]: scales are powers of two and weights have few bits, so that every sum, scale and step of the
network is exact in single precision and no result lies between two codes. All seven rounding modes occur, on ties above all."""
import os
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Import"))
from onnx_build import model, node, scalar, tensor  # noqa: E402

SAMPLES = 4
DOMAIN = "qonnx.custom_op.general"


def up(x):
    return np.copysign(np.ceil(np.abs(x)), x)


ROUND = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": up,
    "DOWN": np.trunc,
    "HALF_UP": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    "HALF_DOWN": lambda x: np.copysign(np.ceil(np.abs(x) - 0.5), x),
}


class Network:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0
        self.shape = [1, self.number(1, 40)] + ([self.number(1, 7), self.number(1, 7)] if self.number(0, 1) else [])
        # Multiples of 1/16: ties of every quantizer are among them.
        self.input = self.random.integers(-127, 128, [SAMPLES] + self.shape) / 16
        name, x = self.quantize("x", self.input, most=4)
        for _ in range(self.number(1, 4)):
            name, x = self.layer(name, x)
        self.output, self.expected = name, x

    def number(self, low, high):
        return int(self.random.integers(low, high + 1))

    def pick(self, *choices):
        return choices[self.number(0, len(choices) - 1)]

    def name(self, text):
        self.count += 1
        return f"{text}{self.count}"

    def constant(self, values):
        values, name = np.asarray(values, np.float64), self.name("c")
        self.constants.append(tensor(name, list(values.shape), [float(v) for v in values.ravel()]) if values.ndim else scalar(name, float(values)))
        return name

    def step(self, op, inputs, domain="", **attributes):
        output = self.name("t")
        self.nodes.append(node(op, inputs, [output], domain=domain, **attributes))
        return output

    def quantize(self, name, x, most):
        """Quant or BipolarQuant of `x`, with a scale of its size."""
        scale = 2.0 ** np.floor(np.log2(max(np.abs(x).max(), 1 / 8) / self.pick(1, 2, 4)))
        if self.number(0, 3) == 0:
            return self.step("BipolarQuant", [name, self.constant(scale)], DOMAIN), np.where(x >= 0, scale, -scale)
        signed, narrow, mode = self.number(0, 1), self.number(0, 1), self.pick(*ROUND)
        bits = self.number(2, most) if signed or narrow else self.number(1, most)
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        low, high = (low + narrow, high) if signed else (low, high - narrow)
        zero = 0 if self.number(0, 2) else self.number(low, high)
        codes = ROUND[mode](np.clip(x / scale + zero, low, high))
        output = self.step("Quant", [name] + [self.constant(v) for v in (scale, zero, bits)], DOMAIN, signed=signed, narrow=narrow, rounding_mode=mode)
        return output, (codes - zero) * scale

    def layer(self, name, x):
        channels, spatial = self.number(1, 40), x.ndim == 4 + 1
        kernel = [min(self.pick(1, 1, 3), s) for s in x.shape[3:]] if spatial else []
        raw = self.random.integers(-16, 17, [channels, x.shape[2]] + kernel) / 8
        weight, w = self.quantize(self.constant(raw), raw, most=self.pick(2, 4))
        if spatial:
            name = self.step("Conv", [name, weight], kernel_shape=kernel)
            height, width = (x.shape[3 + i] - kernel[i] + 1 for i in (0, 1))
            x = sum(np.einsum("sbchw,oc->sbohw", x[..., i:i + height, j:j + width], w[:, :, i, j]) for i in range(kernel[0]) for j in range(kernel[1]))
        else:
            name, x = self.step("MatMul", [name, self.step("Transpose", [weight], perm=[1, 0])]), x @ w.T
        form, aligned = self.pick("none", "scale", "shift", "relu"), [1, -1] + [1] * len(kernel)
        factors = self.pick(0.5, 1, 2) * self.random.choice([1, -1, 0.5], channels).reshape(aligned[1:] if spatial else [-1])
        if form == "scale":
            name, x = self.step("Mul", [name, self.constant(factors)]), x * factors
        elif form == "shift":
            name, x = self.step("Add", [name, self.constant(factors)]), x + factors
        elif form == "relu":
            name, x = self.step("Relu", [name]), np.maximum(x, 0)
        return self.quantize(name, x, most=4)

    def write(self, path):
        with open(path, "wb") as file:
            file.write(model(self.nodes, {"x": self.shape}, [self.output], self.constants, opsets=[("", 13), (DOMAIN, 1)]))
        np.savez("x.npz", x=self.input.astype(np.float32))


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}")


def main():
    folder, first, count, *targets = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    failures = 0
    for seed in range(int(first), int(first) + int(count)):
        network = Network(seed)
        network.write("net.onnx")
        try:
            for target in targets:
                run("qcc", "net.onnx", f"-target={target}", "-calib=x.npz", "-integer-only", "-o", "net.o")
                run("qrun", "net.o", "-inputs=x.npz", "-outputs=y.npz")
                found = next(iter(np.load("y.npz").values()))
                wrong = int((found.reshape(network.expected.shape) != network.expected).sum())
                if wrong:
                    raise RuntimeError(f"{target}: {wrong} of {network.expected.size} values are wrong")
        except RuntimeError as error:
            print(f"seed {seed}: {error}", flush=True)
            failures += 1
    print(f"{count} networks agree" if not failures else f"{failures} of {count} networks fail")
    sys.exit(min(failures, 1))


main()
