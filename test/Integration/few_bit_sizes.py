"""Shows by size that a network's weights are packed: few_bit_sizes.py REPORT.json OBJECT BITS OTHER

The report says BITS for every contraction, its constants are the weights at that width and at most OTHER bytes more (biases, multipliers, tables),
and so are the object's read-only sections."""
import json
import subprocess
import sys

with open(sys.argv[1]) as file:
    report = json.load(file)
bits, other = int(sys.argv[3]), int(sys.argv[4])
layers = [layer for layer in report["layers"] if "accumulator_bound" in layer]
weights = sum(layer["macs"] for layer in layers)  # of products of one row: each is read once
assert layers and all(layer["weight_bits"] == bits for layer in layers), layers
for layer in layers:
    bound, width = layer["accumulator_bound"], layer["accumulator_bits"]
    assert 2 ** (width - 2) <= bound < 2 ** (width - 1), layer
sections = subprocess.run(["llvm-size", "-A", sys.argv[2]], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
read_only = sum(int(line.split()[1]) for line in sections if line.startswith(".rodata"))
for name, size in (("constant_bytes", report["constant_bytes"]), (".rodata", read_only)):
    assert weights * bits // 8 <= size <= weights * bits // 8 + other, (name, size, weights * bits // 8)
print(f"{weights} weights of {bits} bits, {other} bytes at most beside them")
