"""Compiles what all generators of random kernels make, runs it here and compares it with the evaluator, bit for bit.

random_kernels.py FOLDER SEED COUNT OPTION-OF-QCC...: one line for each generator; failure at the first difference."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COMPARE = os.path.join(HERE, "..", "..", "Integration", "Inputs", "random_graph.py")


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)}\n{result.stdout}\nfailed with code {result.returncode}")
    return result.stdout


folder, seed, count, options = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
os.makedirs(folder, exist_ok=True)
os.chdir(folder)
for name in ("contractions", "depthwise", "epilogues", "pools"):
    run(sys.executable, os.path.join(HERE, f"random_{name}.py"), seed, count, "g.mlir", "x.npz")
    run("qopt", "-qc-interpret=entry=run inputs=x.npz outputs=expected.npz", "g.mlir", "-o", os.devnull)
    run("qcc", "g.mlir", *options, "-o", "g.o")
    run("qrun", "g.o", "-int", "-inputs=x.npz", "-outputs=y.npz")
    print(f"{name}: {run(sys.executable, COMPARE, 'compare', 'expected.npz', 'y.npz').strip()}", flush=True)
