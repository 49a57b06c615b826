"""Compiles a network under budgets and checks that the object keeps them: mixed-precision.py MODEL.onnx FOLDER CALIB.npz [OPTION | TARGET=BUDGET=NUMBER | same=INPUTS.npz]...

BUDGET is weight-bytes, flash, arena, latency-us, ace or bops. The report's figures, and for flash the object's own read-only sections, are within it; layers get different bits. An OPTION of qcc
(it begins with -) holds for the cases behind it. `same` decides once, for x86-64 with the options so far, compiles that decision for all targets, and compares their codes with each other's and with the
evaluator's; there are tensors of 8 and of 16 bits."""
import json
import os
import re
import subprocess
import sys

import numpy as np

from network import RUNS, check, quantize, run, same_arrays

SAMPLES = 20


def check_budget(model, calib, options, case):
    target, budget, number = case.split("=")
    run("qcc", model, f"-target={target}", f"-calib={calib}", "-integer-only", f"-max-{budget}={number}", "-o", "net.o", *options)
    with open("net.json") as file:
        report = json.load(file)
    precision = report["precision"]
    sections = subprocess.run(["llvm-size", "-A", "net.o"], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
    read_only = sum(int(line.split()[1]) for line in sections if line.startswith(".rodata"))
    actual = {
        "weight-bytes": sum(layer["bytes"] for layer in precision["layers"]),
        "flash": max(report["constant_bytes"], read_only),
        "arena": report["run"]["arena_bytes"],
        "latency-us": sum(kernel.get("cycles", 0) for kernel in report["run"]["kernels"]) / report["clock_mhz"],
        "ace": report["ace"],
        "bops": report["bops"],
    }[budget]
    bits = [[part["bits"] for part in layer.get("slices", [layer])] for layer in precision["layers"]]
    types = [tensor["bits"] for tensor in precision.get("activations", [])]
    print(f"{case}: {actual:g}, bits {bits}, activations {types}")
    # Cycles of each kernel are rounded in the report.
    check(actual <= float(number) + (0.01 if budget == "latency-us" else 0), f"{case}: the object has {actual}")
    check(budget == "arena" or len(set(sum(bits, []))) > 1 or len(set(types)) > 1, f"{case}: all layers have {bits[0]} bits")
    for layer in report["layers"]:
        decided = [row for row in precision["layers"] if row["name"] == layer["name"]]
        if decided and layer.get("weight_bits", 8) < 8:
            check(layer["weight_bits"] <= decided[0]["bits"], f"{case}: {layer['name']} has {layer['weight_bits']} bits, not {decided[0]['bits']}")


def check_same(model, calib, options, inputs):
    run("qcc", model, "-target=x86-64", f"-calib={calib}", "-integer-only", "-stop-after=integer", "-o", "decided.mlir", *options)
    for target in RUNS:
        run("qcc", "decided.mlir", f"-target={target}", "-o", f"{target}.o")
    with open("x86-64.json") as file:
        report = json.load(file)
    with open("decided.mlir") as file:
        text = file.read()
    check(all(re.search(rf"qc.requantize .*-> tensor<[0-9x]+x{code}>", text) for code in ("i8", "i16")), "not both types of activations")
    names = [port["name"] for port in report["inputs"]]
    np.savez("codes.npz", **quantize({name: np.load(inputs)[name][:SAMPLES] for name in names}, report))
    run("qopt", "decided.mlir", "--qc-interpret=entry=run inputs=codes.npz outputs=reference.npz", "-o", os.devnull)
    check(any(len(np.unique(array)) > 1 for array in np.load("reference.npz").values()), "all outputs are one number")
    for target, runs in RUNS.items():
        for more in runs:
            run("qrun", f"{target}.o", "-int", "-inputs=codes.npz", "-outputs=out.npz", *more)
            same_arrays("out.npz", "reference.npz")


def main():
    model, folder, calib, *cases = sys.argv[1:]
    model, calib = os.path.abspath(model), os.path.abspath(calib)
    cases = [f"same={os.path.abspath(case[5:])}" if case.startswith("same=") else case for case in cases]
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    options = []
    for case in cases:
        if case.startswith("-"):
            options.append(case)
        elif case.startswith("same="):
            check_same(model, calib, options, case[5:])
        else:
            check_budget(model, calib, options, case)


if __name__ == "__main__":
    main()
