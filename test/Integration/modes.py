"""Compiles a network in the modes that compute in f32 and checks what docs/Modes.md promises: no library is called, every target gives what x86-64 gives up to
the rounding of f32 sums, the report says what each layer got, and the network keeps at least some quality.

modes.py MODEL.onnx FOLDER (--evaluate EVALUATE.py NAME | --score SCORE.py EVAL.npz) [--targets] --run KEY LEAST MOST_BYTES OPTIONS ...

KEY is a metric (minus_nll counts up, like the others; top1 of SCORE.py), MOST_BYTES the part of the bytes of f32 that the stored weights may take,
OPTIONS are qcc's in one word, without their dashes; calib.npz are the calibration samples."""
import argparse
import json
import os
import shutil
import sys

import numpy as np

from network import RUNS, check, demand, evaluate, run


def compile_for(arguments, target, options):
    run("qcc", arguments.model, f"-target={target}", "-o", f"{target}.o", *options)
    undefined = run("llvm-nm", "--undefined-only", f"{target}.o").strip()
    check(not undefined, f"{target}: undefined symbols: {undefined}")


def check_report(options, most):
    mode = options[0].partition("=")[2]
    with open("x86-64.json") as file:
        report = json.load(file)
    check(report["options"]["mode"] == mode, f"the report's mode is {report['options']['mode']}, not {mode}")
    rows = report["stored_weights"]
    check(rows and all(row["bytes"] <= row["float_bytes"] for row in rows), f"stored weights are {rows}")
    part = sum(row["bytes"] for row in rows) / sum(row["float_bytes"] for row in rows)
    check(part <= float(most), f"{options}: weights take {part:.3f} of f32, but may take {most}")
    with open("x86-64.h") as file:
        check(f'_MODE "{mode}"' in file.read(), "the header does not say the mode")


def check_targets(arguments, options):
    """A rounding of a sum may move a code that is made at run time, so two targets may differ by a step of such codes."""
    run("qrun", "x86-64.o", "-f32", "-inputs=samples.npz", "-outputs=expected.npz", "-limit=4")
    expected = np.load("expected.npz")
    for target in ("aarch64", "riscv64"):
        compile_for(arguments, target, options)
        for extra in RUNS[target]:
            run("qrun", f"{target}.o", "-f32", "-inputs=samples.npz", "-outputs=got.npz", "-limit=4", *extra)
            got = np.load("got.npz")
            for key in expected.files:
                a, b = expected[key].astype(np.float64), got[key].reshape(expected[key].shape).astype(np.float64)
                limit = (2e-2 if "dynamic" in options[0] else 1e-4) * max(np.abs(a).max(), 1e-3)
                check(np.abs(a - b).max() <= limit, f"{target}: {key} differs by {np.abs(a - b).max()}, more than {limit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--evaluate", nargs=2)
    parser.add_argument("--score", nargs=2)
    parser.add_argument("--targets", action="store_true")
    parser.add_argument("--run", nargs=4, action="append", default=[], metavar=("KEY", "LEAST", "MOST_BYTES", "OPTIONS"))
    arguments = parser.parse_args()
    arguments.model = os.path.abspath(arguments.model)
    samples = arguments.score and os.path.abspath(arguments.score[1])
    arguments.score = arguments.score and os.path.abspath(arguments.score[0])
    shutil.rmtree(arguments.folder, ignore_errors=True)
    os.makedirs(arguments.folder)
    os.chdir(arguments.folder)
    if arguments.evaluate:
        run(sys.executable, arguments.evaluate[0], "inputs", arguments.evaluate[1], "eval", "samples.npz")
        run(sys.executable, arguments.evaluate[0], "inputs", arguments.evaluate[1], "calib", "calib.npz")
    else:
        shutil.copy(samples, "eval.npz")
        inputs = dict(np.load(samples))
        inputs.pop("y", None)
        np.savez("samples.npz", **inputs)
        shutil.copy(os.path.join(os.path.dirname(samples), "calib.npz"), "calib.npz")
    for key, least, most, options in arguments.run:
        words = ["-" + word for word in options.split()]
        compile_for(arguments, "x86-64", words)
        check_report(words, most)
        run("qrun", "x86-64.o", "-f32", "-inputs=samples.npz", "-outputs=out.npz")
        demand(options, evaluate(arguments, "out.npz", "eval"), [(key, least)])
        if arguments.targets:
            check_targets(arguments, words)
    print(f"{len(arguments.run)} modes hold")


main()
