"""Compiles one network for all targets and checks what qcc promises of the result:

  - two compilations give the same bytes, and a range file gives the same object as the calibration that wrote it
  - no undefined symbol, no floating-point instruction in net_run, a header that compiles as C99 and C++17 without a warning
  - the arena is at most 1.10 x its lower bound
  - net_run gives the same codes on x86-64, aarch64, riscv64 with every vector length, and in the reference evaluator
    (a streaming network fed with its states)
  - net_run_f32 reaches the accuracy that --metric asks for, and so does the float network compiled as it is (--float-metric)

network.py MODEL.onnx FOLDER (--evaluate EVALUATE.py NAME | --calib X.npz --inputs Y.npz --score SCORE.py) [options]
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
# Runs of each target: the options of qrun. The first is what the others are compared with.
RUNS = {"x86-64": [[]], "aarch64": [[]], "riscv64": [["-cpu=128"], ["-cpu=256"], ["-cpu=512"]]}
SMALL_RUNS = {"armv7a": [[]], "thumbv7em": [[]], "riscv32imc": [[]]}


def run(*command, **options):
    start = time.time()
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    print(f"[{time.time() - start:6.1f} s] {' '.join(command)}", flush=True)
    if result.returncode:
        sys.exit(f"{result.stdout}\nfailed with code {result.returncode}")
    return result.stdout


def check(condition, message):
    if not condition:
        sys.exit(message)


def same_file(a, b):
    with open(a, "rb") as first, open(b, "rb") as second:
        check(first.read() == second.read(), f"{a} and {b} differ")


def same_arrays(path, reference, limit=None):
    a, b = dict(np.load(path)), dict(np.load(reference))
    check(a.keys() == b.keys(), f"{path} holds {sorted(a)}, {reference} holds {sorted(b)}")
    for name, array in a.items():
        other = b[name][:limit].reshape(array.shape)
        wrong = int((array != other).sum())
        check(wrong == 0, f"{path}: {wrong} of {array.size} elements of '{name}' differ from {reference}")


def compile_all(arguments, targets):
    for target in targets:
        os.makedirs(target, exist_ok=True)
    options = arguments.qcc + arguments.state
    run("qcc", arguments.model, "-target=x86-64", "-calib=calib.npz", "-dump-ranges=ranges.json", "-o", "x86-64/net.o", *options)
    for target in targets[1:]:
        run("qcc", arguments.model, f"-target={target}", "-ranges=ranges.json", "-o", f"{target}/net.o", *options)
    os.makedirs("again", exist_ok=True)
    files = [f"again/net.{ending}" for ending in ("o", "h", "json")]
    run("qcc", arguments.model, "-target=x86-64", "-ranges=ranges.json", "-o", files[0], *options)
    first = []
    for file in files:
        with open(file, "rb") as stream:
            first.append(stream.read())
    run("qcc", arguments.model, "-target=x86-64", "-ranges=ranges.json", "-o", files[0], *options)
    for file, content in zip(files, first):
        with open(file, "rb") as stream:
            check(stream.read() == content, f"two compilations differ in {file}")
    same_file("x86-64/net.o", "again/net.o")


def check_bundle(target):
    with open(f"{target}/net.json") as file:
        report = json.load(file)
    check(report["integer_only"] and not report["float_ops"], f"{target}: not integer-only: {report['float_ops']}")
    undefined = run("llvm-nm", "--undefined-only", f"{target}/net.o").strip()
    check(not undefined, f"{target}: undefined symbols: {undefined}")
    run(sys.executable, os.path.join(HERE, "fpfree.py"), f"{target}/net.o", "net_run")
    with open(f"{target}/net.h") as file:
        check(re.search(r"^#define NET_INTEGER_ONLY 1$", file.read(), re.M), f"{target}/net.h: NET_INTEGER_ONLY is not 1")
    for compiler, standard, name in (("clang", "c99", "use.c"), ("clang++", "c++17", "use.cpp")):
        with open(f"{target}/{name}", "w") as file:
            file.write('#include "net.h"\n#include "net.h"\nint main(void) { return 0; }\n')
        run(compiler, f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", f"{target}/{name}")
    arena, bound = report["run"]["arena_bytes"], report["run"]["arena_lower_bound"]
    print(f"{target}: arena {arena} bytes, lower bound {bound}")
    check(bound <= arena <= 1.10 * bound, f"{target}: arena of {arena} bytes, lower bound {bound}")
    return report


def quantize(inputs, report):
    """Codes of float samples, by the rule for run-time numbers: f32 quotient to nearest even, then the zero point, then the limits."""
    codes = {}
    for port in report["inputs"]:
        array = inputs[port["name"]]
        if "scale" in port:
            signed, bits = not port["type"].startswith("u"), int(port["type"].lstrip("ui"))
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
            dtype = np.dtype(("i" if signed else "u") + ("1" if bits <= 8 else "2"))
            quotient = array.astype(np.float32) / np.float32(port["scale"])
            array = np.clip(np.rint(quotient).astype(np.float64) + port["zero_point"], low, high).astype(dtype)
        codes[port["name"]] = array
    return codes


def check_identity(arguments, report, targets):
    inputs = dict(np.load("eval.npz"))
    inputs.pop("y", None)
    inputs = {name: array[:arguments.identity] for name, array in inputs.items()}
    np.savez("floats.npz", **inputs)
    np.savez("codes.npz", **quantize(inputs, report))
    state = arguments.state
    run("qrun", "x86-64/net.o", "-int", "-inputs=codes.npz", "-outputs=x86-64.npz", *state)
    check(any(len(np.unique(array)) > 1 for array in np.load("x86-64.npz").values()), "all outputs are one number")
    # qrun's own quantization of float samples.
    run("qrun", "x86-64/net.o", "-int", "-inputs=floats.npz", "-outputs=floats-out.npz", "-limit=3", *state)
    same_arrays("floats-out.npz", "x86-64.npz", 3)
    for target in targets[1:]:
        limit = [f"-limit={arguments.small}"] if target in SMALL_RUNS else []
        for options in {**RUNS, **SMALL_RUNS}[target]:
            run("qrun", f"{target}/net.o", "-int", "-inputs=codes.npz", f"-outputs={target}.npz", *limit, *options, *state)
            same_arrays(f"{target}.npz", "x86-64.npz", arguments.small if limit else None)
    if arguments.reference:
        run("qcc", arguments.model, "-ranges=ranges.json", "-stop-after=integer", "-o", "integer.mlir", *arguments.qcc, *state)
        every = f" reset-every={arguments.reset_every}" if arguments.pairs else ""
        run("qopt", "integer.mlir", f"--qc-interpret=entry=run inputs=codes.npz outputs=reference.npz limit={arguments.reference}{every}", "-o", os.devnull)
        same_arrays("reference.npz", "x86-64.npz", arguments.reference)


def evaluate(arguments, outputs, samples, floats=None):
    """The metrics of evaluate.py or of the example's score.py."""
    if arguments.score:
        text = run(sys.executable, arguments.score, "eval.npz", outputs)
        return {"top1": float(re.match(r"accuracy ([0-9.]+)%", text).group(1)) / 100}
    script, name = arguments.evaluate
    extra = ["--float", floats] if floats else []
    metrics = json.loads(run(sys.executable, script, "score", name, samples, outputs, *extra).splitlines()[-1])
    if "nll" in metrics:
        metrics["minus_nll"] = -metrics["nll"]  # at least, like the others
    return metrics


def demand(what, metrics, wanted):
    for key, least in wanted or []:
        print(f"{what}: {key} {metrics[key]:.4f}, at least {least}")
        check(metrics[key] >= float(least), f"{what}: {key} is {metrics[key]:.4f}, but must be at least {least}")


def check_accuracy(arguments):
    run("qrun", "x86-64/net.o", "-f32", "-inputs=eval.npz", "-outputs=int-out.npz", *arguments.state)
    demand("integer network", evaluate(arguments, "int-out.npz", "eval"), arguments.metric)
    if not arguments.float_metric and not arguments.agreement:
        return
    os.makedirs("float", exist_ok=True)
    run("qcc", arguments.model, "-target=x86-64", "-mode=f32", "-o", "float/net.o")
    run("qrun", "float/net.o", "-f32", "-inputs=eval.npz", "-outputs=float-out.npz", *arguments.state)
    demand("float network", evaluate(arguments, "float-out.npz", "eval"), arguments.float_metric)
    if arguments.agreement:
        samples, least = arguments.agreement
        run(sys.executable, arguments.evaluate[0], "inputs", arguments.evaluate[1], samples, "more.npz")
        run("qrun", "x86-64/net.o", "-f32", "-inputs=more.npz", "-outputs=int-out.npz")
        run("qrun", "float/net.o", "-f32", "-inputs=more.npz", "-outputs=float-out.npz")
        demand("integer and float network", evaluate(arguments, "int-out.npz", samples, "float-out.npz"), [("agreement", least)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--evaluate", nargs=2, metavar=("EVALUATE.py", "NAME"), help="samples and metric of a collected model")
    parser.add_argument("--calib")
    parser.add_argument("--inputs")
    parser.add_argument("--score")
    parser.add_argument("--identity", type=int, default=50, help="samples compared between targets")
    parser.add_argument("--reference", type=int, default=5, help="samples compared with the evaluator")
    parser.add_argument("--small", type=int, default=0, help="samples compared on the small targets; 0 leaves them out")
    parser.add_argument("--metric", nargs=2, action="append")
    parser.add_argument("--float-metric", nargs=2, action="append")
    parser.add_argument("--agreement", nargs=2, metavar=("SET", "LEAST"))
    parser.add_argument("--state", action="store_true", help="a streaming network: EVALUATE.py names its states")
    parser.add_argument("--qcc", action="append", default=[], help="an option for qcc")
    arguments = parser.parse_args()
    arguments.model = os.path.abspath(arguments.model)
    arguments.pairs, arguments.reset_every = [], 0
    if arguments.state:
        states = json.loads(run(sys.executable, arguments.evaluate[0], "state", arguments.evaluate[1]))
        arguments.pairs, arguments.reset_every = states["state"].split(","), states["reset_every"]
    arguments.state = [f"-state={','.join(arguments.pairs)}", f"-reset-every={arguments.reset_every}"] if arguments.pairs else []

    shutil.rmtree(arguments.folder, ignore_errors=True)
    os.makedirs(arguments.folder)
    if arguments.evaluate:
        for samples in ("calib", "eval"):
            run(sys.executable, arguments.evaluate[0], "inputs", arguments.evaluate[1], samples, os.path.join(arguments.folder, samples + ".npz"))
    else:
        shutil.copy(arguments.calib, os.path.join(arguments.folder, "calib.npz"))
        shutil.copy(arguments.inputs, os.path.join(arguments.folder, "eval.npz"))
    os.chdir(arguments.folder)

    targets = [*RUNS, *(SMALL_RUNS if arguments.small else [])]
    compile_all(arguments, targets)
    reports = [check_bundle(target) for target in targets]
    for report in reports[1:]:
        for ports in ("inputs", "outputs"):
            check(report[ports] == reports[0][ports], f"{report['target']['name']}: other {ports} than x86-64: quantization depends on the target")
    check_identity(arguments, reports[0], targets)
    check_accuracy(arguments)
    shutil.rmtree(os.getcwd())  # samples of ImageNet models are large


if __name__ == "__main__":
    main()
