"""Rates the innermost loop of compiled kernels with llvm-mca against the peak of its dot instruction.

inner_loops.py FOLDER CASE...: one line per case and core, and failure where a loop is below what is asked for."""
import os
import re
import subprocess
import sys

import numpy as np

# Options of qcc, the dot instruction, and per core the part of its peak that must be reached.
CASES = {
    "dotprod": (["-target=aarch64"], r"sdot", "aarch64", {"neoverse-n1": 0.90, "cortex-a76": 0.90}),
    # Its model writes back in order: what takes fewer cycles than sdot has a cycle of its own. Loads from the sum of two registers
    # take as many; the 12 loads of weights from register and number leave 84 of 96 cycles, less the loop's own instructions.
    "dotprod-a55": (["-target=aarch64", "-mcpu=cortex-a55"], r"sdot", "aarch64", {"cortex-a55": 0.80}),
    "i8mm": (["-target=aarch64", "-mattr=+i8mm"], r"smmla", "aarch64", {"neoverse-v1": 0.90, "neoverse-n2": 0.90}),
    "rvv": (["-target=riscv64"], r"vwmacc\.vx", "riscv64", {"sifive-p670": 0.85}),
}
# Independent ones, enough to hide the latency.
PROBES = {
    r"sdot": [f"sdot v{i}.4s, v30.16b, v31.4b[0]" for i in range(16)],
    r"smmla": [f"smmla v{i}.4s, v30.16b, v31.16b" for i in range(16)],
    r"vwmacc\.vx": ["vsetivli zero, 16, e16, m2, ta, ma"] + [f"vwmacc.vx v{4 * i}, a0, v28" for i in range(7)],
}


def write_module(path, rows, depth, channels):
    weights = np.random.default_rng(1).integers(-127, 128, [depth, channels]).astype(np.int8)
    shape, bound = f"{depth}x{channels}xi8", int(128 * np.abs(weights.astype(int)).sum(0).max())
    with open(path, "w") as file:
        file.write(f"""module attributes {{qc.stage = "integer"}} {{
  func.func @run(%x: tensor<{rows}x{depth}xi8> {{qc.name = "x"}}) -> (tensor<{rows}x{channels}xi32> {{qc.name = "y"}}) {{
    %w = qc.constant dense<"0x{weights.tobytes().hex().upper()}"> : tensor<{shape}>
    %y = qc.matmul %x, %w {{acc_bound = {bound} : ui64}} : (tensor<{rows}x{depth}xi8>, tensor<{shape}>) -> tensor<{rows}x{channels}xi32>
    return %y : tensor<{rows}x{channels}xi32>
  }}
}}
""")


def find_loop(text, pattern):
    """The loop without inner loops that has most dot instructions, its vector configuration in front."""
    lines, labels, best, configuration = text.split("\n"), {}, (0, []), ""
    for i, line in enumerate(lines):
        label = re.match(r"(\.L\w+):", line)
        if label:
            labels[label.group(1)] = i
        branch = re.match(r"\s+(?:b[a-z.]*|cbn?z|tbn?z)\s.*?(\.L\w+)\s*$", line)
        if not branch or branch.group(1) not in labels:
            continue
        body = lines[labels[branch.group(1)] + 1:i + 1]
        if any(re.match(r"\.L\w+:", x) for x in body):
            continue
        body = [re.split(r"//|\s# ", x)[0].rstrip() for x in body if re.match(r"\s+[a-z]", x)]
        dots = sum(bool(re.search(r"\b" + pattern, x)) for x in body)
        if dots > best[0]:
            settings = [x for x in lines[:labels[branch.group(1)]] if re.match(r"\s+vset", x)]
            configuration = settings[-1] + "\n" if settings else ""
            best = dots, body
    return best[0], best[1], configuration


def get_cycles(text, arch, core):
    features = ["-mattr=+dotprod,+i8mm"] if arch == "aarch64" else ["-mattr=+v"]
    result = subprocess.run(["llvm-mca", f"-mtriple={arch}-unknown-linux-gnu", f"-mcpu={core}", "-iterations=200", *features], input=text,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    cycles = re.search(r"Total Cycles:\s+(\d+)", result.stdout)
    if result.returncode or not cycles:
        sys.exit(f"llvm-mca failed for {core}:\n{result.stdout}\n{text}")
    return int(cycles.group(1)) / 200


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    write_module("gemm.mlir", 256, 256, 256)
    good = True
    for name in sys.argv[2:]:
        options, pattern, arch, cores = CASES[name]
        subprocess.run(["qcc", "gemm.mlir", *options, "-emit=asm", "-o", name + ".s"], check=True)
        with open(name + ".s") as file:
            dots, body, configuration = find_loop(file.read(), pattern)
        if not dots:
            sys.exit(f"{name}: no loop with {pattern}")
        probe = "\n".join(PROBES[pattern])
        count = sum(bool(re.search(pattern, x)) for x in probe.split("\n"))
        for core, wanted in cores.items():
            rate = dots / get_cycles(configuration + "\n".join(body), arch, core)
            peak = count / get_cycles(probe, arch, core)
            reached = rate / peak
            good &= reached >= wanted
            verdict = "reaches" if reached >= wanted else "is below"
            print(f"{name} on {core}: {dots} of {len(body)} instructions, {reached:.3f} of the peak: {verdict} {wanted}", flush=True)
    sys.exit(0 if good else 1)


main()
