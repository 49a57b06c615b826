"""The class that a compiled network finds is the one that ONNX Runtime finds with the float model, for every sample.

same_classes.py MODEL.onnx INPUTS.npz OUTPUTS.npz INPUT OUTPUT: INPUT and OUTPUT are names in MODEL.onnx; the files hold one array each.
"""
import sys

import numpy as np

import onnx_runtime

model, inputs, outputs, source, result = sys.argv[1:]
samples, found = (next(iter(dict(np.load(path)).values())) for path in (inputs, outputs))
runtime = onnx_runtime.Runtime(onnx_runtime.find())
session = runtime.open(model)
same = sum(int(runtime.run(session, {source: x}, [result])[0].argmax() == y.argmax()) for x, y in zip(samples, found))
print(f"{same} of {len(samples)} classes are those of the float model")
sys.exit(same != len(samples))
