"""Compiles a network under budgets and checks that the object keeps them: mixed-precision.py MODEL.onnx FOLDER CALIB.npz TARGET=BUDGET=NUMBER...

BUDGET is weight-bytes, flash, arena, latency-us, ace or bops. The report's figures, and for flash the object's own read-only sections, are within it; layers get different bits."""
import json
import os
import subprocess
import sys

from network import check, run


def main():
    model, folder, calib, *cases = sys.argv[1:]
    model, calib = os.path.abspath(model), os.path.abspath(calib)
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    for case in cases:
        target, budget, number = case.split("=")
        run("qcc", model, f"-target={target}", f"-calib={calib}", "-integer-only", f"-max-{budget}={number}", "-o", "net.o")
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
        bits = [layer["bits"] for layer in precision["layers"]]
        print(f"{case}: {actual:g}, bits {bits}")
        # Cycles of each kernel are rounded in the report.
        check(actual <= float(number) + (0.01 if budget == "latency-us" else 0), f"{case}: the object has {actual}")
        check(budget == "arena" or len(set(bits)) > 1, f"{case}: all layers have {bits[0]} bits")
        for layer in report["layers"]:
            decided = [row for row in precision["layers"] if row["name"] == layer["name"]]
            if decided and layer.get("weight_bits", 8) < 8:
                check(layer["weight_bits"] <= decided[0]["bits"], f"{case}: {layer['name']} has {layer['weight_bits']} bits, not {decided[0]['bits']}")


if __name__ == "__main__":
    main()
