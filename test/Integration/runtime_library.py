"""Where ONNX Runtime is."""
import glob
import os
import platform


def find():
    """The library that $QCC_ONNXRUNTIME names, else the one that the benchmark has installed; None if there is none."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "none")
    cache = os.environ.get("QCC_BENCH_CACHE") or os.path.join(os.path.expanduser("~"), ".cache/qcc-bench")
    known = glob.glob(os.path.join(cache, "npm/node_modules/onnxruntime-node/bin/napi-v*/linux", machine, "libonnxruntime.so.1"))
    path = os.environ.get("QCC_ONNXRUNTIME") or next(iter(sorted(known)), None)
    return path if path and os.path.exists(path) else None
