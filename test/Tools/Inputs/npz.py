"""npz.py make OUT.npz NAME=EXPRESSION...   arrays from numpy expressions
npz.py check FILE.npz EXPRESSION...      each expression over the arrays (by name) and `np` must hold"""
import sys

import numpy as np

command, path, *arguments = sys.argv[1:]
if command == "make":
    pairs = (argument.split("=", 1) for argument in arguments)
    np.savez(path, **{name: eval(text, {"np": np}) for name, text in pairs})
else:
    arrays = dict(np.load(path))
    for text in arguments:
        if not eval(text, {"np": np, **arrays}):
            print({name: (array.dtype, array.shape, array.tolist()) for name, array in arrays.items()})
            sys.exit(f"does not hold: {text}")
