"""Compares a quantized network with ONNX Runtime, unit by unit: each QuantizeLinear and what lies between it and the codes before it, fed with
the runtime's own codes.

against_runtime.py MODEL.onnx INPUTS.npz FOLDER [--samples N]: codes are equal, but where the exact value lies so near the middle between two
codes that single precision may fall on either side; that distance is computed for each element that differs."""
import argparse
import os
import subprocess
import sys

import numpy as np

import onnx_runtime
import onnx_units


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)}\n{result.stdout}\nfailed with code {result.returncode}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("inputs")
    parser.add_argument("folder")
    parser.add_argument("--samples", type=int, default=4)
    options = parser.parse_args()
    library = onnx_runtime.find()
    if not library:
        sys.exit("no ONNX Runtime: set QCC_ONNXRUNTIME")
    os.makedirs(options.folder, exist_ok=True)
    at = lambda name: os.path.join(options.folder, name)
    model = onnx_units.Model(options.model)
    names = [q.outputs[0] for q in model.quantizers]
    model.expose(at("exposed.onnx"), names)
    runtime = onnx_runtime.Runtime(library)
    session, wanted = runtime.open(at("exposed.onnx")), list(dict.fromkeys(model.outputs + names))
    samples = dict(np.load(options.inputs))
    count = min(options.samples, len(next(iter(samples.values()))))
    runs = [dict(zip(wanted, runtime.run(session, {name: samples[name][i].reshape(model.shapes[name]) for name in model.inputs}, wanted)))
            for i in range(count)]
    units = elements = differing = outside = left_out = 0
    for quantizer in model.quantizers:
        output, unit = quantizer.outputs[0], model.get_unit(quantizer)
        if unit is None:
            outside += 1
            continue
        nodes, leaves = unit
        if inexact := sorted({n.op for n in nodes[:-1]} - onnx_units.EXACT):
            print(f"{quantizer.name or output}: left out, no exact form of {', '.join(inexact)}", flush=True)
            left_out += 1
            continue
        model.write_unit(at("unit.onnx"), nodes, leaves, runs[0])
        np.savez(at("x.npz"), **{leaf: np.stack([r[leaf] for r in runs]) for leaf in leaves})
        run("qcc", at("unit.onnx"), "-requant=onnx", "-integer-only", "-target=x86-64", "-o", at("unit.o"))
        run("qrun", at("unit.o"), "-int", f"-inputs={at('x.npz')}", f"-outputs={at('y.npz')}")
        got = np.load(at("y.npz"))[output]
        for ours, theirs in zip(got, runs):
            theirs_here = theirs[output]
            wrong, differs = onnx_units.find_wrong(nodes, {leaf: theirs[leaf] for leaf in leaves}, model.constants, ours.reshape(theirs_here.shape),
                                                   theirs_here)
            if wrong:
                sys.exit(f"{quantizer.name or output} ({', '.join(n.op for n in nodes)}): {wrong} of {theirs_here.size} codes are wrong, {differs} differ")
            elements, differing = elements + theirs_here.size, differing + differs
        units += 1
    print(f"{units} units agree, {differing} of {elements} codes differ at the middle between two; "
          f"{outside} quantize what comes from outside, {left_out} are left out")


main()
