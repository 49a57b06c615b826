"""A decoder token by token against the whole sequence: decode.py MODEL.onnx FOLDER INPUT EVALUATE.py NAME [OPTION of qcc...]

`qcc -decode=INPUT` makes <name>_step of a model that computes whole sequences. Byte for byte the same as the whole sequence:
  - the steps on x86-64, aarch64, and riscv64 with every vector length, each token fed on its own
  - the steps in the reference evaluator, with the states that it gives back to itself
  - the float wrapper's results
The object has no undefined symbol and no floating-point instruction in <name>_step, and its header compiles as C99 and C++17.
"""
import os
import shutil
import sys

import numpy as np

from network import HERE, RUNS, check, run, same_arrays


def main():
    model, folder, name, evaluate, data, *options = sys.argv[1:]
    model, evaluate = os.path.abspath(model), os.path.abspath(evaluate)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    for samples in ("calib", "eval"):
        run(sys.executable, evaluate, "inputs", data, samples, samples + ".npz")
    tokens = np.load("eval.npz")[name][:4]
    np.savez("x.npz", **{name: tokens})
    run("qcc", model, "-target=x86-64", "-calib=calib.npz", "-dump-ranges=ranges.json", "-o", "whole.o", *options)
    run("qrun", "whole.o", "-int", "-inputs=x.npz", "-outputs=whole.npz")
    run("qrun", "whole.o", "-f32", "-inputs=x.npz", "-outputs=whole-f32.npz")
    for target, runs in RUNS.items():
        run("qcc", model, f"-target={target}", "-ranges=ranges.json", f"-decode={name}", "-o", f"{target}.o", *options)
        check(not run("llvm-nm", "--undefined-only", f"{target}.o").strip(), f"{target}: undefined symbols")
        run(sys.executable, "-B", os.path.join(HERE, "fpfree.py"), f"{target}.o", f"{target.replace('-', '_')}_step")
        for way in runs:
            limit = [] if target == "x86-64" else ["-limit=1"]
            run("qrun", f"{target}.o", "-int", "-sequences", "-inputs=x.npz", f"-outputs={target}.npz", *limit, *way)
            same_arrays(f"{target}.npz", "whole.npz", 1 if limit else None)
    run("qrun", "x86-64.o", "-f32", "-sequences", "-inputs=x.npz", "-outputs=steps-f32.npz")
    same_arrays("steps-f32.npz", "whole-f32.npz")
    for compiler, standard, file in (("clang", "c99", "use.c"), ("clang++", "c++17", "use.cpp")):
        with open(file, "w") as source:
            source.write('#include "x86-64.h"\n#include "x86-64.h"\nint main(void) { return 0; }\n')
        run(compiler, f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", file)

    # One sequence, a token a sample: the evaluator keeps the states.
    run("qcc", model, "-ranges=ranges.json", f"-decode={name}", "-stop-after=integer", "-o", "step.mlir", *options)
    length = tokens.shape[-1]
    np.savez("steps.npz", **{name: tokens[0].reshape(length, 1, 1), "position": np.arange(length, dtype=np.int32)[:, None]})
    run("qopt", "step.mlir", "--qc-interpret=entry=run inputs=steps.npz outputs=reference.npz", "-o", os.devnull)
    for output, whole in np.load("whole.npz").items():
        steps = np.load("reference.npz")[output]
        check((steps.reshape(whole[0].shape) == whole[0]).all(), f"the evaluator's steps differ in '{output}'")
    print(f"{length} steps agree")
    shutil.rmtree(os.getcwd())


if __name__ == "__main__":
    main()
