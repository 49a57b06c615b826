"""compare.py A.npz B.npz STEP LIMIT: fails unless every |a - b| <= LIMIT * STEP; LIMIT 0 asks for equal bits."""
import sys
import numpy as np
a, b = (np.load(name) for name in sys.argv[1:3])
step, limit = map(float, sys.argv[3:5])
assert a.files == b.files and a.files, (a.files, b.files)
for name in a.files:
    assert a[name].shape == b[name].shape and a[name].size, name
    if limit == 0:
        assert a[name].tobytes() == b[name].tobytes(), f"{name}: {np.count_nonzero(a[name] != b[name])} values differ"
    else:
        difference = np.abs(a[name].astype(np.float64) - b[name]).max() / step
        assert difference <= limit, f"{name}: {difference} steps"
    # A comparison of constants would show nothing.
    assert np.unique(a[name]).size > 10, name
