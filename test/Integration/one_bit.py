"""Weights of one bit in a collected model: one_bit.py MODEL.onnx FOLDER EVALUATE.py NAME LAYERS LEAST AGREEMENT

First layer by layer: of the LAYERS convolutions of 3 x 3, each on the float network's inputs, all positions alike, biases left alone, sequential rounding gives at
least LEAST dB more at the output than signs and mean magnitudes; the order of importance, which tries the natural one as well, is at least as good as that alone.

Then the network, with all of them but the first at one bit, the rest at 8: integer-only, with the same codes on x86-64, aarch64, riscv64 and in the evaluator; the packed weights take an eighth of
the bytes; it agrees with the float network on AGREEMENT of the images.
"""
import json
import os
import re
import shutil
import sys

import numpy as np

from network import RUNS, check, quantize, run, same_arrays

PLAIN = ["-weights=b1,pointwise=i8,dense=i8", "-rounding=sequential", "-progressive=false", "-bias-correction=false", "-sensitivity=0", "-damping=0.0001"]
NETWORK = ["-weights=b1,first=i8,pointwise=i8,dense=i8", "-rounding=sequential", "-integer-only"]


def measure(model, order):
    run("qcc", model, "-calib=calib.npz", *PLAIN, f"-order={order}", "-stop-after=qdq", "-o", f"{order}.mlir")
    with open(f"{order}.mlir") as file:
        rows = re.findall(r'\{bits = 1 : i64, [^}]*name = "([^"]*)"[^}]*sqnr_after = ([^ ]*) : f64, sqnr_before = ([^ ]*) : f64\}', file.read())
    return {name: (float(after), float(before)) for name, after, before in rows}


def check_layers(model, layers, least):
    importance, natural = measure(model, "importance"), measure(model, "natural")
    check(len(importance) == layers and importance.keys() == natural.keys(), f"{len(importance)} layers of one bit: {sorted(importance)}")
    for layer, (after, before) in importance.items():
        print(f"{layer}: nearest {before:.2f} dB, natural order {natural[layer][0]:.2f}, importance {after:.2f}")
    for layer, (after, before) in importance.items():
        check(after >= before + least, f"{layer}: {before:.2f} -> {after:.2f} dB, less than {least} more")
        check(after >= natural[layer][0], f"{layer}: {after:.2f} dB in the order of importance, {natural[layer][0]:.2f} in natural order")


def check_bytes(model, few, layers):
    run("qcc", model, "-target=x86-64", "-calib=calib.npz", "-weights=i8", "-without=winograd", "-o", "bytes.o")
    with open("bytes.json") as file:
        wide = {layer["name"]: layer for layer in json.load(file)["layers"]}
    bits = [layer for layer in few["layers"] if layer.get("weight_bits") == 1]
    check(len(bits) == layers, f"{len(bits)} layers of one bit, not {layers}")
    for layer in bits:
        saved = wide[layer["name"]]["constant_bytes"] - layer["constant_bytes"]
        weights, rest = divmod(saved * 8, 7)
        # Each weight is used once per position: 8, 16 or 32 to the side.
        check(rest == 0 and layer["macs"] in (weights * side * side for side in (8, 16, 32)), f"{layer['name']}: {saved} bytes less than with 8 bits")


def check_network(model, script, name, layers, agreement):
    run("qcc", model, "-calib=calib.npz", *NETWORK, "-stop-after=integer", "-o", "integer.mlir")
    for target in RUNS:
        run("qcc", "integer.mlir", f"-target={target}", "-o", f"{target}.o")
    with open("x86-64.json") as file:
        report = json.load(file)
    check(report["integer_only"] and not report["float_ops"], f"not integer-only: {report['float_ops']}")
    check_bytes(model, report, layers)
    run(sys.executable, script, "inputs", name, "eval_jpeg", "eval.npz")
    floats = {key: array[:20] for key, array in np.load("eval.npz").items() if key != "y"}
    np.savez("codes.npz", **quantize(floats, report))
    for target, runs in RUNS.items():
        for options in runs:
            run("qrun", f"{target}.o", "-int", "-inputs=codes.npz", f"-outputs={target}.npz", *options)
            same_arrays(f"{target}.npz", "x86-64.npz")
    check(len(np.unique(next(iter(np.load("x86-64.npz").values())))) > 1, "all outputs are one number")
    run("qopt", "integer.mlir", "--qc-interpret=entry=run inputs=codes.npz outputs=reference.npz limit=3", "-o", os.devnull)
    same_arrays("reference.npz", "x86-64.npz", 3)
    run("qcc", model, "-target=x86-64", "-mode=f32", "-o", "float.o")
    for object, outputs in (("x86-64.o", "few.npz"), ("float.o", "float.npz")):
        run("qrun", object, "-f32", "-inputs=eval.npz", f"-outputs={outputs}")
    metrics = json.loads(run(sys.executable, script, "score", name, "eval_jpeg", "few.npz", "--float", "float.npz").splitlines()[-1])
    print(f"agreement {metrics['agreement']:.4f}, at least {agreement}")
    check(metrics["agreement"] >= agreement, f"agreement is {metrics['agreement']:.4f}, but must be at least {agreement}")


def main():
    model, folder, script, name = os.path.abspath(sys.argv[1]), *sys.argv[2:5]
    layers = int(sys.argv[5])
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    run(sys.executable, script, "inputs", name, "calib", "calib.npz")
    check_layers(model, layers, float(sys.argv[6]))
    check_network(model, script, name, layers - 1, float(sys.argv[7]))
    shutil.rmtree(os.getcwd())


if __name__ == "__main__":
    main()
