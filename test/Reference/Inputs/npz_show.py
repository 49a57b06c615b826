"""Prints the arrays of .npz files: type, shape and, unless many, values."""
import sys

import numpy as np

for name in sys.argv[1:]:
    with np.load(name) as arrays:
        for key in arrays.files:
            a = arrays[key]
            print(key, a.dtype, list(a.shape), a.flatten().tolist() if a.size <= 24 else "sum " + str(a.sum(dtype=np.float64)))
