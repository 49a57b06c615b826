# lit configuration. Parameters: quick=1 leaves out tests that require `integration`; roundtrip=1 repeats every test that calls qopt, each call
# with --verify-roundtrip (roundtrip-known-failures.txt lists the tests that fail for an upstream reason; one that passes is a failure too).
import os
import shutil
import sys

import lit.formats

sys.path.insert(0, os.path.join(config.qc_source_dir, "test"))
from qc_lit_format import RoundTripFormat  # noqa: E402


def is_on(value):
    return str(value).lower() in ("1", "on", "true", "yes")


roundtrip = is_on(lit_config.params.get("roundtrip", os.environ.get("QC_TEST_ROUNDTRIP", "0")))
quick = roundtrip or is_on(lit_config.params.get("quick", config.quick))


config.name = "qcc-roundtrip" if roundtrip else "qcc"
if roundtrip:
    known_failures = RoundTripFormat.read_known_failures(os.path.join(config.qc_source_dir, "test", "roundtrip-known-failures.txt"))
    config.test_format = RoundTripFormat(known_failures)
else:
    config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.join(config.qc_source_dir, "test")
config.test_exec_root = os.path.join(config.qc_binary_dir, "test", "roundtrip" if roundtrip else "run")

config.environment["PATH"] = os.pathsep.join([config.qc_tools_dir, config.llvm_tools_dir, os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false"
config.environment["LLVM_DISABLE_CRASH_REPORT"] = "1"
for name in ("QCC_SHARED", "QC_RANDOM_CASES", "QC_RANDOM_SEED", "QCC_ONNXRUNTIME", "QCC_BENCH_CACHE", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# QCC_SHARED, else the folder `shared` beside the checkout.
shared = os.environ.get("QCC_SHARED") or os.path.join(os.path.dirname(os.path.realpath(config.qc_source_dir)), "shared")
onnx_testdata = "/usr/share/libonnx-testdata/data"


def announce(feature, present, why):
    """A missing feature skips tests: never silently."""
    if present:
        config.available_features.add(feature)
    elif not roundtrip:
        lit_config.warning(f"tests that require '{feature}' are skipped: {why}")


announce("integration", not quick, "a quick run")
announce("shared", os.path.isdir(os.path.join(shared, "models")), f"no model collection at {shared} (set QCC_SHARED)")
announce("qemu", all(shutil.which(f"qemu-{arch}") for arch in ("aarch64", "riscv64", "riscv32", "arm")), "qemu-user is not installed")
announce("chromium", all(shutil.which(program) for program in ("chromium", "chromedriver")), "chromium or chromium-driver is not installed")
announce("onnx-testdata", os.path.isdir(onnx_testdata), "libonnx-testdata is not installed")
sys.path.insert(0, os.path.join(config.qc_source_dir, "test", "Integration"))
import runtime_library  # noqa: E402

announce("onnxruntime", runtime_library.find(), "no ONNX Runtime (benchmarks/run.sh installs one; or set QCC_ONNXRUNTIME)")
if is_on(config.sanitize):
    config.available_features.add("sanitize")
    # LLVM's libraries are not instrumented, and share allocators and containers with code that is.
    options = [config.environment.get("ASAN_OPTIONS", ""), "allow_user_poisoning=0", "detect_container_overflow=0"]
    config.environment["ASAN_OPTIONS"] = ":".join(o for o in options if o)
with open("/proc/cpuinfo") as cpuinfo:
    cpu_flags = set(cpuinfo.read().split())
announce("avx2", "avx2" in cpu_flags, "this CPU cannot run x86-64-v3 objects")
announce("avxvnni", {"avx2", "avx_vnni"} <= cpu_flags, "this CPU has no AVX-VNNI")
announce("avx512bw", {"avx512bw", "avx512vl"} <= cpu_flags, "this CPU has no AVX-512 for bytes and words")
announce("avx512vnni", {"avx512bw", "avx512vl", "avx512_vnni"} <= cpu_flags, "this CPU has no AVX-512-VNNI")
announce("avx512vbmi", {"avx512bw", "avx512vl", "avx512vbmi"} <= cpu_flags, "this CPU has no AVX-512-VBMI")

config.substitutions += [
    ("%python", config.python),
    ("%shared", shared),
    ("%onnx_testdata", onnx_testdata),
    ("%example", os.path.join(config.test_source_root, "Example")),
    ("%test_root", config.test_source_root),
    ("%tools", config.qc_tools_dir),
]
if roundtrip:
    config.substitutions.append((r"(?<![\w/.-])qopt(?![\w.-])", "qopt --verify-roundtrip"))
