"""Compares random convolutions and products, compiled for every row of the kernel table, with the evaluator, bit for bit.

kernels_random.py FOLDER GENERATOR.py [name...]: QC_RANDOM_CASES sets how many cases there are in all (2000), QC_RANDOM_SEED which."""
import os
import subprocess
import sys

import numpy as np

# What to compile for, and on what to run: the options of qcc and those of each qrun.
VARIANTS = {
    "avx2": (["-target=x86-64"], [[]]),
    "avx512bw": (["-target=x86-64", "-mattr=+avx512bw,+avx512vl"], [[]]),
    "avx512vnni": (["-target=x86-64", "-mattr=+avx512bw,+avx512vl,+avx512vnni"], [[]]),
    "avxvnni": (["-target=x86-64", "-mattr=+avxvnni"], [[]]),
    "avx512vl-vnni": (["-target=x86-64", "-mattr=+avx512vnni,+avx512vl"], [[]]),
    "threads": (["-target=x86-64", "-threads=4", "-task-overhead=0"], [["-threads=3"], ["-task-order=isolated"]]),
    "sse4.1": (["-target=x86-64", "-mcpu=x86-64-v2"], [[]]),
    "dotprod": (["-target=aarch64"], [[], ["-cpu=neoverse-n1"]]),
    "dotprod.a55": (["-target=aarch64", "-mcpu=cortex-a55"], [[]]),
    "i8mm": (["-target=aarch64", "-mattr=+i8mm"], [[]]),
    "neon": (["-target=aarch64", "-mattr=-dotprod"], [[]]),
    "rvv": (["-target=riscv64"], [["-cpu=128"], ["-cpu=256"], ["-cpu=512"]]),
    "rvv256": (["-target=riscv64", "-mattr=+zvl256b"], [["-cpu=256"], ["-cpu=512"]]),
    "neon32": (["-target=armv7a"], [[]]),
    "dsp": (["-target=thumbv7em"], [[]]),
    "scalar": (["-target=riscv32imc"], [[]]),
}
# What this CPU needs, by the names of /proc/cpuinfo.
NEEDS = {
    "avx512bw": {"avx512bw", "avx512vl"},
    "avx512vnni": {"avx512bw", "avx512vl", "avx512_vnni"},
    "avxvnni": {"avx_vnni"},
    "avx512vl-vnni": {"avx512vl", "avx512_vnni"},
}
PER_OBJECT = 50


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)}\n{result.stdout}\nfailed with code {result.returncode}")


def check(name, seed, count):
    options, runs = VARIANTS[name]
    run(sys.executable, sys.argv[2], str(seed), str(count), "graph.mlir", "x.npz")
    run("qopt", "-qc-interpret=entry=run inputs=x.npz outputs=expected.npz", "graph.mlir", "-o", os.devnull)
    run("qcc", "graph.mlir", *options, "-o", "net.o")
    expected = np.load("expected.npz")
    for extra in runs:
        run("qrun", "net.o", "-int", "-inputs=x.npz", "-outputs=y.npz", *extra)
        got = np.load("y.npz")
        if sorted(got.files) != sorted(expected.files):
            sys.exit(f"{name}: {len(got.files)} results instead of {len(expected.files)}")
        for key in expected.files:
            wrong = int((got[key] != expected[key].reshape(got[key].shape)).sum())
            if wrong:
                sys.exit(f"{name}, seed {seed}, {' '.join(extra)}: {wrong} of {got[key].size} elements of {key} differ")


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    names = sys.argv[3:] or list(VARIANTS)
    cases, first = int(os.environ.get("QC_RANDOM_CASES", 2000)), int(os.environ.get("QC_RANDOM_SEED", 1))
    with open("/proc/cpuinfo") as cpuinfo:
        flags = set(cpuinfo.read().split())
    share = -(-cases // len(names))
    for index, name in enumerate(names):
        if missing := NEEDS.get(name, set()) - flags:
            print(f"{name}: skipped: no {', '.join(sorted(missing))} here", flush=True)
            continue
        for at in range(0, share, PER_OBJECT):
            check(name, (first * 100 + index) * 10000 + at, min(PER_OBJECT, share - at))
        print(f"{name}: {share} cases agree", flush=True)


main()
