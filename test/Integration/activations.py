"""Activations by straight pieces, over all inputs: activations.py FOLDER

For 8 and 16 bits, input ranges [-8, 8] (exp: [-8, 0]) and the output range that these give:
  - the errors that the report states are those against the exact tables, and the tables round the real function
  - 8 bits, 16 pieces: at most 1 code, and no more than a greedy fit of as many pieces has
  - 16 bits, 32 pieces (exp 64): at most 2 * 2^-12 of full scale
  - what is chosen by default for 16 bits: at most 2 codes
  - the evaluator and the objects of all targets and vector lengths agree for every input code
"""
import json
import math
import os
import shutil
import subprocess
import sys

import numpy as np

from network import RUNS, check, run, same_arrays

erf = np.vectorize(math.erf)
REGIONS = {
    "gelu": """%c = qc.constant dense<0.70710678> : tensor<f32>
      %one = qc.constant dense<1.0> : tensor<f32>
      %half = qc.constant dense<0.5> : tensor<f32>
      %0 = qc.mul %a, %c : (tensor<f32>, tensor<f32>) -> tensor<f32>
      %1 = qc.activation erf %0 : tensor<f32> -> tensor<f32>
      %2 = qc.add %1, %one : (tensor<f32>, tensor<f32>) -> tensor<f32>
      %3 = qc.mul %a, %half : (tensor<f32>, tensor<f32>) -> tensor<f32>
      %y = qc.mul %3, %2 : (tensor<f32>, tensor<f32>) -> tensor<f32>""",
    "silu": """%0 = qc.activation sigmoid %a : tensor<f32> -> tensor<f32>
      %y = qc.mul %a, %0 : (tensor<f32>, tensor<f32>) -> tensor<f32>""",
}
FUNCTIONS = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "gelu": lambda x: x * 0.5 * (1 + erf(x * math.sqrt(0.5))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "exp": np.exp,
}


class Type:
    """Signed codes for a real range, by the rule for ranges (N2)."""

    def __init__(self, low, high, bits):
        low, high, self.bits = min(low, 0.0), max(high, 0.0), bits
        self.least = -(2 ** (bits - 1))
        self.scale = float(np.float32((high - low) / (2 ** bits - 1)))
        self.zero = int(np.clip(np.rint(self.least - low / self.scale), self.least, -self.least - 1))

    def text(self):
        return f"!quant.uniform<i{self.bits}:f32, {self.scale!r}:{self.zero}>"


def write_network(path, names, bits, high):
    """One input with every code, one output for each function. Returns the unrounded codes of each."""
    count = 2 ** bits
    source = Type(-8, high, bits)
    x = source.scale * (np.arange(count) + source.least - source.zero)
    lines, results, exact = [], [], {}
    for name in names:
        real = FUNCTIONS[name](x)
        to = Type(real.min(), real.max(), bits)
        exact[name] = np.clip(real / to.scale + to.zero, to.least, -to.least - 1)
        types = f"tensor<{count}x{source.text()}> -> tensor<{count}x{to.text()}>"
        if name in REGIONS:
            lines.append(f'%{name} = qc.function "{name}" %q : {types} {{\n    ^bb0(%a: tensor<f32>):\n      {REGIONS[name]}\n      qc.yield %y : tensor<f32>\n    }} loc("{name}")')
        else:
            lines.append(f'%{name} = qc.activation {name} %q : {types} loc("{name}")')
        lines.append(f'%{name}_f = quant.dcast %{name} : tensor<{count}x{to.text()}> to tensor<{count}xf32>')
        results.append(f'tensor<{count}xf32> {{qc.name = "{name}"}}')
    with open(path, "w") as file:
        file.write(f"""module attributes {{qc.stage = "quantized"}} {{
  func.func @main(%x: tensor<{count}xf32> {{qc.name = "x"}}) -> ({", ".join(results)}) {{
    %q = quant.qcast %x : tensor<{count}xf32> to tensor<{count}x{source.text()}>
    {chr(10).join(lines)}
    return {", ".join(f"%{name}_f" for name in names)} : {", ".join(f"tensor<{count}xf32>" for _ in names)}
  }}
}}
""")
    codes = (np.arange(count) + source.least).astype(f"i{bits // 8}")
    np.savez("codes.npz", x=codes[None])
    return exact


def interpret(network, options, outputs):
    run("qcc", network, "-stop-after=integer", "-o", "integer.mlir", *options)
    run("qopt", "integer.mlir", f"--qc-interpret=entry=run inputs=codes.npz outputs={outputs}", "-o", os.devnull)
    return dict(np.load(outputs))


def greedy_error(exact, pieces):
    """Largest error of the pieces that are left when the knot whose removal costs least goes again and again."""
    knots = list(range(len(exact)))

    def cost(left, right):
        inner = np.arange(left + 1, right)
        return np.max(np.abs(np.interp(inner, [left, right], [exact[left], exact[right]]) - exact[inner]), initial=0)

    costs = [math.inf] + [cost(knots[i - 1], knots[i + 1]) for i in range(1, len(knots) - 1)] + [math.inf]
    while len(knots) > pieces + 1:
        i = int(np.argmin(costs))
        del knots[i], costs[i]
        for j in (i - 1, i):
            if 0 < j < len(knots) - 1:
                costs[j] = cost(knots[j - 1], knots[j + 1])
    line = np.interp(np.arange(len(exact)), knots, exact[knots])
    return int(np.max(np.abs(np.rint(line) - np.rint(exact))))


def check_network(title, names, bits, high, options, most, against_greedy=0):
    """`most`: the largest error in codes."""
    exact = write_network("net.mlir", names, bits, high)
    tables = interpret("net.mlir", ["-activation-form=table"], "tables.npz")
    reference = interpret("net.mlir", options, "reference.npz")
    for name in names:
        # The quotient that is rounded to a code is an f32 number (N2).
        distance = np.max(np.abs(tables[name][0] - exact[name]))
        check(distance <= 0.5 + 2.0 ** (bits - 24) + 1e-4, f"{title}: the table of {name} is {distance} from the real function")
    for target, variants in RUNS.items():
        os.makedirs(target, exist_ok=True)
        run("qcc", "net.mlir", f"-target={target}", "-o", f"{target}/net.o", *options)
        for variant in variants:
            run("qrun", f"{target}/net.o", "-int", "-inputs=codes.npz", "-outputs=out.npz", *variant)
            same_arrays("out.npz", "reference.npz")
        with open(f"{target}/net.json") as file:
            report = json.load(file)
        check(report["integer_only"], f"{target}: not integer-only")
        rows = {row["name"]: row for row in report["activations"]}
        check(sorted(rows) == sorted(names), f"the report lists {sorted(rows)}")
        for name in names:
            row, difference = rows[name], np.abs(reference[name].astype(int) - tables[name].astype(int))
            check(row["max_error"] == difference.max() and abs(row["mean_error"] - difference.mean()) < 1e-9,
                  f"{title}: {name} has the errors {difference.max()} and {difference.mean()}, the report says {row}")
    for name in names:
        row = rows[name]
        print(f"{title} {name}: {row['form']}, {row['pieces']} pieces, {row['bytes']} bytes, error {row['max_error']:.0f}, mean {row['mean_error']:.4f}")
        check(row["max_error"] <= most, f"{title}: the error of {name} is {row['max_error']}, but must be at most {most}")
        if against_greedy:
            check(row["pieces"] <= against_greedy, f"{title}: {name} has {row['pieces']} pieces")
            greedy = greedy_error(exact[name], against_greedy)
            print(f"  greedy: {greedy}")
            check(row["max_error"] <= greedy, f"{title}: {name} has a larger error than a greedy fit, {greedy}")


def main():
    folder = sys.argv[1]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    symmetric = [name for name in FUNCTIONS if name != "exp"]
    pieces = lambda count: ["-activation-form=pwl", f"-pieces={count}"]
    check_network("8 bits, 16 pieces,", symmetric, 8, 8, pieces(16), 1, 16)
    check_network("8 bits, 16 pieces,", ["exp"], 8, 0, pieces(16), 1, 16)
    check_network("16 bits, 32 pieces,", symmetric, 16, 8, pieces(32), 2 * 2 ** 16 / 2 ** 12)
    check_network("16 bits, 64 pieces,", ["exp"], 16, 0, pieces(64), 2 * 2 ** 16 / 2 ** 12)
    check_network("16 bits, default,", symmetric, 16, 8, [], 2)
    check_network("16 bits, default,", ["exp"], 16, 0, [], 2)
    print("all agree")


if __name__ == "__main__":
    main()
