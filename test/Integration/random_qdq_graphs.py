"""Compiles random quantized graphs for three targets: the evaluator and all of them give the same codes, and so does ONNX Runtime where it is at
hand (a unit whose inputs differ already is not compared: see against_runtime.py for what may differ).

random_qdq_graphs.py FOLDER: QC_RANDOM_CASES sets how many graphs there are in all (60), QC_RANDOM_SEED which."""
import os
import subprocess
import sys

import numpy as np

import onnx_runtime
import onnx_units

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = {"x86-64": [], "aarch64": [], "riscv64": ["-cpu=256"]}
PER_FILE = 20


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)}\n{result.stdout}\nfailed with code {result.returncode}")


def check(seed, count, runtime):
    run(sys.executable, os.path.join(HERE, "random_qdq.py"), str(seed), str(count), "g.onnx", "x.npz")
    run("qcc", "g.onnx", "-requant=onnx", "-integer-only", "-stop-after=integer", "-o", "integer.mlir")
    run("qopt", "integer.mlir", "-qc-interpret=entry=run inputs=x.npz outputs=expected.npz", "-o", os.devnull)
    expected = dict(np.load("expected.npz"))
    for target, extra in TARGETS.items():
        run("qcc", "integer.mlir", f"-target={target}", "-o", f"{target}.o")
        run("qrun", f"{target}.o", "-int", "-inputs=x.npz", "-outputs=y.npz", *extra)
        got = np.load("y.npz")
        for name, codes in expected.items():
            wrong = int((got[name] != codes.reshape(got[name].shape)).sum())
            if wrong:
                sys.exit(f"seed {seed}, {target}: {wrong} of {codes.size} codes of {name} differ from the evaluator's")
    if not runtime:
        return 0, 0, 0
    model, samples = onnx_units.Model("g.onnx"), dict(np.load("x.npz"))
    session = runtime.open("g.onnx")
    units = differing = passed_over = 0
    for i in range(len(next(iter(samples.values())))):
        theirs = dict(zip(model.outputs, runtime.run(session, {name: values[i] for name, values in samples.items()}, model.outputs)))
        codes = {**theirs, **{name: values[i] for name, values in samples.items()}}
        ours = {name: values[i].reshape(theirs[name].shape) for name, values in expected.items()}
        for quantizer in model.quantizers:
            nodes, leaves = model.get_unit(quantizer)
            output = quantizer.outputs[0]
            if any((ours[leaf] != theirs[leaf]).any() for leaf in leaves if leaf in ours):
                passed_over += 1
                continue
            wrong, differs = onnx_units.find_wrong(nodes, {leaf: codes[leaf] for leaf in leaves}, model.constants, ours[output], theirs[output])
            if wrong:
                sys.exit(f"seed {seed}, sample {i}, {output} ({', '.join(n.op for n in nodes)}): {wrong} of {theirs[output].size} codes are wrong, "
                         f"{differs} differ from the runtime's")
            units, differing = units + 1, differing + differs
    runtime.close(session)
    return units, differing, passed_over


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    library = onnx_runtime.find()
    runtime = onnx_runtime.Runtime(library) if library else None
    if not runtime:
        print("no ONNX Runtime here: compared with the evaluator only")
    graphs, first = int(os.environ.get("QC_RANDOM_CASES", 60)), int(os.environ.get("QC_RANDOM_SEED", 1))
    sums = np.zeros(3, int)
    for at in range(0, graphs, PER_FILE):
        sums += check(first * 1000000 + at, min(PER_FILE, graphs - at), runtime)
    print(f"{graphs} graphs agree with the evaluator on {len(TARGETS)} targets; {sums[0]} units agree with the runtime, {sums[1]} codes differ at the "
          f"middle between two, {sums[2]} units are passed over")


main()
