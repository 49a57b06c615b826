"""check_profile.py PROFILE SYMBOL KERNEL...: the fields of `qrun -profile -json`, and that the shares and times fit together."""
import json
import sys

path, symbol, *names = sys.argv[1:]
with open(path) as file:
    profile = json.load(file)
assert profile["symbol"] == symbol, profile["symbol"]
kernels = profile["kernels"]
assert [kernel["name"] for kernel in kernels] == names, kernels
assert profile["runs"] > 0 and 0 <= profile["p10_us"] <= profile["median_us"]
assert profile["p10_us"] > 0 or symbol == "toy_run"  # which takes less than the clock resolves
for kernel in kernels:
    assert 0 <= kernel["p10_us"] <= kernel["median_us"], kernel
    assert abs(kernel["share"] * profile["p10_us"] - kernel["p10_us"]) <= 1e-6 * profile["p10_us"], kernel
    assert kernel["predicted_us"] > 0, kernel
    if kernel["macs"] and kernel["p10_us"]:
        assert abs(kernel["gmacs"] * kernel["p10_us"] * 1000 - kernel["macs"]) <= 1e-6 * kernel["macs"], kernel
for dot in {kernel["dot"] for kernel in kernels} - {""}:
    assert profile["peak_gmacs"][dot] > 0, dot
assert all(read["bytes"] > 0 and read["gb_s"] > 0 for read in profile["read"])
