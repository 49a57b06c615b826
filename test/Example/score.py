"""score.py EVAL.npz OUTPUTS.npz: accuracy of the example network's outputs (float or codes) against the labels `y`."""
import sys

import numpy as np

labels = np.load(sys.argv[1])["y"]
logits = np.load(sys.argv[2])["logits"]
labels = labels[:len(logits)]
print(f"accuracy {(logits.reshape(len(logits), -1).argmax(1) == labels).mean():.2%} on {len(labels)} samples")
