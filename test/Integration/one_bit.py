"""Signal-to-noise ratios of layers whose weights are signs: one_bit.py MODEL.onnx FOLDER EVALUATE.py NAME LAYERS LEAST SHARE

Of the LAYERS convolutions of 3 x 3 at one bit, each on the float network's inputs, counting all positions alike and with the biases left alone: sequential rounding in the
order of importance gives at least LEAST dB more than signs and mean magnitudes, and at least as much as in natural order on SHARE of the layers.
"""
import os
import re
import shutil
import sys

from network import check, run

PLAIN = ["-weights=b1,pointwise=i8,dense=i8", "-rounding=sequential", "-progressive=false", "-bias-correction=false", "-sensitivity=0"]


def measure(model, order):
    run("qcc", model, "-calib=calib.npz", *PLAIN, f"-order={order}", "-stop-after=qdq", "-o", f"{order}.mlir")
    with open(f"{order}.mlir") as file:
        rows = re.findall(r'\{bits = 1 : i64, [^}]*name = "([^"]*)"[^}]*sqnr_after = ([^ ]*) : f64, sqnr_before = ([^ ]*) : f64\}', file.read())
    return {name: (float(after), float(before)) for name, after, before in rows}


def main():
    model, folder, script, name = os.path.abspath(sys.argv[1]), *sys.argv[2:5]
    layers, least, share = int(sys.argv[5]), float(sys.argv[6]), float(sys.argv[7])
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    run(sys.executable, script, "inputs", name, "calib", "calib.npz")
    importance, natural = measure(model, "importance"), measure(model, "natural")
    check(len(importance) == layers and importance.keys() == natural.keys(), f"{len(importance)} layers of one bit: {sorted(importance)}")
    for layer, (after, before) in importance.items():
        print(f"{layer}: nearest {before:.2f} dB, natural order {natural[layer][0]:.2f}, importance {after:.2f}")
    for layer, (after, before) in importance.items():
        check(after >= before + least, f"{layer}: {before:.2f} -> {after:.2f} dB, less than {least} more")
    wins = sum(after >= natural[layer][0] for layer, (after, _) in importance.items())
    check(wins >= share * layers, f"importance is no worse than natural order on {wins} of {layers} layers only")
    shutil.rmtree(os.getcwd())


if __name__ == "__main__":
    main()
