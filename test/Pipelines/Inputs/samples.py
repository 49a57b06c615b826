"""samples.py OUT.npz: inputs of net.mlir."""
import sys
import numpy as np
np.savez(sys.argv[1], x=np.random.default_rng(0).standard_normal((40, 1, 2, 6, 6)).astype(np.float32))
