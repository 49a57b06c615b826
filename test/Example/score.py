"""score.py OUTPUTS.npz [--limit N]: accuracy of the example network's outputs (float or codes) on eval.npz, in percent."""
import argparse
import os

import numpy as np

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("outputs")
parser.add_argument("--limit", type=int)
arguments = parser.parse_args()
labels = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "eval.npz"))["y"][:arguments.limit]
logits = np.load(arguments.outputs)["logits"].reshape(len(labels), -1)
print(f"{(logits.argmax(1) == labels).mean():.2%}")
