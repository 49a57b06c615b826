"""Where ONNX Runtime is."""
import glob
import os


def find():
    """The library that $QC_ONNXRUNTIME names, else the one that the benchmark has installed; None if there is none."""
    cache = os.environ.get("QCC_BENCH_CACHE") or os.path.join(os.path.expanduser("~"), ".cache/qcc-bench")
    known = glob.glob(os.path.join(cache, "npm/node_modules/onnxruntime-node/bin/napi-v*/linux/x64/libonnxruntime.so*"))
    path = os.environ.get("QC_ONNXRUNTIME") or next(iter(sorted(known)), None)
    return path if path and os.path.exists(path) else None
