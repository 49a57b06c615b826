"""How well the cost model predicts times: latency.py [MODEL...] [--target=host] [--seconds=1] [--rows=ROWS]

Compiles networks of the collection ($QCC_SHARED, or `shared` beside the checkout), times each call of a kernel with `qrun -profile` and compares with what qcc predicted: rank
correlation (Spearman) per network and over all of them, and the ratio of the sums. Run it on a quiet machine. See docs/Profiling.md.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODELS = {"kws_dscnn": [], "vww_mobilenet": [], "resnet20_cifar10": [], "ic_resnet8": [], "imagenet_squeezenet": [], "imagenet_mobilenet_v2": [],
          "sww_dscnn1d": [], "ad_autoencoder": [], "jvowels_conv1d": []}


def run(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def get_ranks(values):
    """Ranks from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def get_spearman(a, b):
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(get_ranks(a), get_ranks(b))[0, 1])


def measure(name, arguments, folder):
    shared = os.environ.get("QCC_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
    samples, base = os.path.join(folder, f"{name}.npz"), os.path.join(folder, name)
    run(sys.executable, os.path.join(shared, "models", "evaluate.py"), "inputs", name, "calib", samples)
    run(arguments.qcc, os.path.join(shared, "models", name, "model.onnx"), f"-target={arguments.target}", f"-calib={samples}", "-integer-only",
        "-drop-softmax", *MODELS.get(name, []), *arguments.qcc_option, "-o", f"{base}.o")
    report = json.load(open(f"{base}.json"))
    profile = json.loads(run(arguments.qrun, f"{base}.o", "-profile", f"-seconds={arguments.seconds}", "-json").splitlines()[-1])
    return [{"model": name, "name": predicted["name"], "form": predicted["form"], "dot": predicted.get("dot", ""), "predicted_us": predicted["predicted_us"], "measured_us": call["p10_us"]}
            for call, predicted in zip(profile["kernels"], report["run"]["kernels"], strict=True)]


def summarize(rows):
    predicted, measured = (np.array([row[key] for row in rows]) for key in ("predicted_us", "measured_us"))
    return {"calls": len(rows), "spearman": round(get_spearman(predicted, measured), 4), "predicted_us": round(float(predicted.sum()), 2),
            "measured_us": round(float(measured.sum()), 2), "ratio": round(float(predicted.sum() / measured.sum()), 3),
            "median_error": round(float(np.median(abs(predicted / np.maximum(measured, 1e-3) - 1))), 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--target", default="x86-64", help="host, or another that runs here")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--qcc-option", action="append", default=[])
    parser.add_argument("--rows", help="write what was measured of each call to this file (.json)")
    parser.add_argument("--qcc", default=shutil.which("qcc") or os.path.join(ROOT, "build", "bin", "qcc"))
    arguments = parser.parse_args()
    arguments.qrun = os.path.join(os.path.dirname(arguments.qcc), "qrun")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        print(f"| network ({arguments.target}) | calls | Spearman | predicted us | measured us | ratio | median error of a call |\n|---|---|---|---|---|---|---|")
        for name in arguments.models + ["all"]:
            part = rows if name == "all" else measure(name, arguments, folder)
            s = summarize(part)
            print(f"| {name} | {s['calls']} | {s['spearman']:.3f} | {s['predicted_us']:.1f} | {s['measured_us']:.1f} | {s['ratio']:.2f} | {100 * s['median_error']:.0f} % |", flush=True)
            if name != "all":
                rows += part
    if arguments.rows:
        with open(arguments.rows, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
