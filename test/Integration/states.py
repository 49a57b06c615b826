"""States in the arena against states that the caller carries: states.py MODEL.onnx FOLDER EVALUATE.py NAME COUNT [OPTION of qcc...]

The same bytes, results and states, from both forms of the object on x86-64, aarch64 and riscv64 and from the evaluator, over COUNT samples that start anew as
the data set says; and no floating-point instruction in <name>_run and <name>_reset.
"""
import json
import os
import shutil
import sys

import numpy as np

from network import HERE, check, quantize, run, same_arrays


def main():
    model, folder, evaluate, name, count, *options = sys.argv[1:]
    model, evaluate = os.path.abspath(model), os.path.abspath(evaluate)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    states = json.loads(run(sys.executable, evaluate, "state", name))
    for samples in ("calib", "eval"):
        run(sys.executable, evaluate, "inputs", name, samples, samples + ".npz")
    inputs = {key: array[:int(count)] for key, array in np.load("eval.npz").items() if key != "y"}
    np.savez("x.npz", **inputs)
    pairs, reset = f"-state={states['state']}", f"-reset-every={states['reset_every']}"
    run("qcc", model, "-target=x86-64", "-calib=calib.npz", "-dump-ranges=ranges.json", "-o", "ports.o", pairs, reset, *options)
    for form in ("-int", "-f32"):
        run("qrun", "ports.o", form, "-inputs=x.npz", f"-outputs=ports{form}.npz", pairs, reset)
    for target in ("x86-64", "aarch64", "riscv64"):
        run("qcc", model, f"-target={target}", "-ranges=ranges.json", "-o", "arena.o", pairs, reset, "-state-in-arena", *options)
        check(not run("llvm-nm", "--undefined-only", "arena.o").strip(), f"{target}: undefined symbols")
        for entry in ("arena_run", "arena_reset"):
            run(sys.executable, "-B", os.path.join(HERE, "fpfree.py"), "arena.o", entry)
        for form in ("-int", "-f32"):
            run("qrun", "arena.o", form, "-inputs=x.npz", "-outputs=arena.npz", reset)
            same_arrays("arena.npz", f"ports{form}.npz")
    run("qcc", model, "-ranges=ranges.json", "-stop-after=integer", "-o", "arena.mlir", pairs, reset, "-state-in-arena", *options)
    with open("ports.json") as file:
        codes = quantize(inputs, json.load(file))
    np.savez("codes.npz", **{key: array[:40] for key, array in codes.items()})
    run("qopt", "arena.mlir", f"--qc-interpret=entry=run inputs=codes.npz outputs=reference.npz reset-every={states['reset_every']}", "-o", os.devnull)
    same_arrays("reference.npz", "ports-int.npz", 40)
    print("all agree")
    shutil.rmtree(os.getcwd())


if __name__ == "__main__":
    main()
