"""Builds the benchmark networks, compiles them with qcc, times them against ONNX Runtime in interleaved turns on one core, counts
instructions for other processors under qemu, and writes the tables (docs/Benchmarks.md). Needs numpy; everything made is cached."""
import argparse
import concurrent.futures
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import time

import numpy as np

sys.dont_write_bytecode = True # nothing is written into the source tree
import report

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent
PEER = "onnxruntime-node@1.30.0"

# Name, options of qcc, C compiler, command of qemu. A column of the instruction table each.
COUNTED = {
    "n1": ("aarch64", ["-target=aarch64"], "aarch64-linux-gnu-gcc", ["qemu-aarch64", "-cpu", "neoverse-n1"]),
    "i8mm": ("aarch64", ["-target=aarch64", "-mattr=+i8mm"], "aarch64-linux-gnu-gcc", ["qemu-aarch64", "-cpu", "max,sve=off"]),
    "rvv256": ("riscv64", ["-target=riscv64", "-mattr=+zvl256b"], "riscv64-linux-gnu-gcc",
               ["qemu-riscv64", "-cpu", "rv64,v=true,vlen=256,vext_spec=v1.0"]),
}

# Peak rates that take turns with a network: its bound is that of the same moments.
PROBES = {"avx2": {"i16_vpmaddwd", "u8s8_vpmaddubsw"}, "native": {"i16_vpmaddwd", "u8s8_vpmaddubsw", "u8s8_vpdpbusd_512"}}

# Rows of the compiler's table of dot kernels: how to make it take each, and how to run it: a C compiler and an emulator, or here.
ARM_GCC, A64_GCC, RV_GCC = "arm-linux-gnueabihf-gcc", "aarch64-linux-gnu-gcc", "riscv64-linux-gnu-gcc"
KERNELS = [
    ("x86.pmaddwd", ["-target=x86_64-unknown-linux-gnu", "-mcpu=x86-64-v2"], None, "i16_vpmaddwd"),
    ("x86.vpmaddwd", ["-target=x86-64"], None, "i16_vpmaddwd"),
    ("x86.vpmaddubsw", ["-target=x86-64"], None, "u8s8_vpmaddubsw"),
    ("x86.vpmaddubsw.2", ["-target=x86-64", "-weights=i6"], None, "u8s6_vpmaddubsw_pairs"),
    ("x86.vpmaddubsw.4", ["-target=x86-64", "-weights=i5"], None, "u8s4_vpmaddubsw_16bit"),
    ("x86.vpmaddubsw.8", ["-target=x86-64", "-weights=i4"], None, "u8s4_vpmaddubsw_16bit"),
    ("x86.vpdpbusd", ["-target=host"], None, "u8s8_vpdpbusd_512"),
    ("aarch64.smlal", ["-target=aarch64-unknown-linux-gnu", "-mcpu=cortex-a72"], A64_GCC, ["qemu-aarch64", "-cpu", "cortex-a72"]),
    ("aarch64.sdot", ["-target=aarch64"], A64_GCC, ["qemu-aarch64", "-cpu", "neoverse-n1"]),
    ("aarch64.smmla", ["-target=aarch64", "-mattr=+i8mm"], A64_GCC, ["qemu-aarch64", "-cpu", "max,sve=off"]),
    ("riscv.vwmacc", ["-target=riscv64"], RV_GCC, ["qemu-riscv64", "-cpu", "rv64,v=true,vlen=128,vext_spec=v1.0"]),
    ("riscv.vwmacc.zvl256b", ["-target=riscv64", "-mattr=+zvl256b"], RV_GCC, ["qemu-riscv64", "-cpu", "rv64,v=true,vlen=256,vext_spec=v1.0"]),
    ("arm.vmlal", ["-target=armv7a"], ARM_GCC, ["qemu-arm", "-cpu", "cortex-a15"]),
]
# Products of the networks that show a row.
KERNEL_NETWORKS = {"gemm_256": 256 ** 3, "conv3x3_56x56x64": 56 * 56 * 64 * 64 * 9}


class Failure(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def digest(*parts):
    """Name of a cached thing: the content of files and the text of everything else."""
    h = hashlib.sha256()
    for part in parts:
        h.update(part.read_bytes() if isinstance(part, pathlib.Path) else repr(part).encode())
        h.update(b"|")
    return h.hexdigest()[:16]


def run(command, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options)
    if done.returncode:
        raise Failure("%s: %s" % (" ".join(map(str, command[:2])), done.stderr.strip()[-600:] or "exit %d" % done.returncode))
    return done.stdout


def measure(command):
    """Wall seconds and peak MiB of a command."""
    start = datetime.datetime.now()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True)
    text = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise Failure("qcc: %s" % (text.strip()[-600:] or "exit %d" % child.returncode))
    return (datetime.datetime.now() - start).total_seconds(), usage.ru_maxrss / 1024


class Bench:
    def __init__(self, options):
        self.options = options
        base = os.environ.get("QCC_BENCH_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "qcc-bench")
        self.cache = pathlib.Path(base)
        self.cache.mkdir(parents=True, exist_ok=True)
        self.shared = pathlib.Path(os.environ.get("QCC_SHARED") or PROJECT.parent / "shared")
        compiler = pathlib.Path(options.qcc or PROJECT / "build/bin/qcc").resolve()
        if not compiler.exists():
            raise SystemExit("%s: no compiler there; build the project first or give --qcc" % compiler)
        # A run lasts minutes; a copy keeps it from seeing two compilers.
        self.qcc_key = digest(compiler)
        self.qcc = self.cache / ("qcc-" + self.qcc_key)
        if not self.qcc.exists():
            for old in self.cache.glob("qcc-*"):
                if old.stat().st_mtime < time.time() - 86400: # others may be at work
                    old.unlink()
            shutil.copy(compiler, self.qcc)
        self.qrun = compiler.parent / "qrun"
        self.qbench = self.build_qbench()
        self.runtime = self.get_runtime()

    # What everything needs

    def build_qbench(self):
        folder = self.cache / "build"
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        if not (folder / "CMakeCache.txt").exists():
            run(["cmake", "-S", HERE, "-B", folder] + generator)
        run(["cmake", "--build", folder])
        return folder / "qbench"

    def get_runtime(self):
        machine = {"x86_64": "x64", "aarch64": "arm64"}.get(os.uname().machine, "none")
        where = lambda: sorted((self.cache / "npm").glob("node_modules/onnxruntime-node/bin/napi-v*/linux/%s/libonnxruntime.so.1" % machine))
        if not where() and not self.options.no_peer:
            (self.cache / "npm").mkdir(exist_ok=True)
            try:
                run(["npm", "install", "--prefix", self.cache / "npm", "--no-audit", "--no-fund", "--ignore-scripts", PEER])
            except (Failure, FileNotFoundError) as failure:
                say("NO PEER: %s could not be installed, so only qcc's code is timed.\n%s" % (PEER, failure))
        found = [] if self.options.no_peer else where()
        return found[-1] if found else None

    def get_runtime_for(self, level):
        """The peer's library as it is, or for level avx2 a copy whose `cpuid` instructions are `ud2`, which qbench answers."""
        if level != "avx2":
            return self.runtime
        copy = self.cache / ("onnxruntime-%s.so" % digest(self.runtime))
        if not copy.exists():
            code = bytearray(self.runtime.read_bytes())
            table, count = struct.unpack_from("<Q", code, 32)[0], struct.unpack_from("<H", code, 56)[0] # of the program headers
            headers = [struct.unpack_from("<IIQQQQ", code, table + 56 * i) for i in range(count)]
            segments = [(offset, address, size) for kind, _, offset, address, _, size in headers if kind == 1] # PT_LOAD
            for address in re.findall(r"^\s*([0-9a-f]+):\s+cpuid", run(["objdump", "-d", "--no-show-raw-insn", self.runtime]), re.M):
                address = int(address, 16)
                offset = next(address - start + offset for offset, start, size in segments if start <= address < start + size)
                assert code[offset:offset + 2] == b"\x0f\xa2", "not a cpuid instruction"
                code[offset + 1] = 0x0B
            made = copy.with_suffix(".tmp")
            made.write_bytes(code)
            made.rename(copy)
        return copy

    # One network

    def get_model(self, name, model):
        if "folder" in model:
            path = self.shared / "models" / model["folder"] / "model.onnx"
            return path if path.exists() else None
        path = self.cache / "generated" / (digest(HERE / "Generate.cpp", name) + ".onnx")
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            run([self.qbench, "generate", model["recipe"], path])
        return path

    def get_options(self, model):
        """Options of qcc for one network; a streaming one of the shared collection says what its states are."""
        options = list(model.get("options", []))
        if model.get("streaming"):
            states = json.loads(run([sys.executable, self.shared / "models/evaluate.py", "state", model["folder"]]))
            options += ["-state=" + states["state"], "-reset-every=%d" % states["reset_every"]]
        return options

    def get_samples(self, name, model, path):
        """Samples as .npz."""
        base = self.cache / "samples" / name
        base.parent.mkdir(exist_ok=True)
        npz = base.with_suffix(".npz")
        if not npz.exists():
            if "folder" in model:
                evaluate = self.shared / "models/evaluate.py"
                run([sys.executable, evaluate, "inputs", model["folder"], "calib", npz, "--limit", "32"])
            else:
                shape = {"gemm_256": (256, 256), "gemm_256_pairsafe": (256, 256), "gemm_128x768x768": (128, 768), "gemm_1024": (1024, 1024), "gemv_4096": (1, 4096)}.get(name)
                shape = shape or model.get("shape") or ((1, 64, 56, 56) if "56x56x64" in name else (1, 3, 224, 224))
                random = np.random.RandomState(1)
                arrays = {name: random.randint(0, below, (4, *shape)) for name, (shape, below) in model.get("indices", {}).items()}
                np.savez(npz, **(arrays or {"input": random.randn(4, *shape).astype(np.float32)}))
        return npz

    def write_raw(self, npz, ports):
        """Four samples for the peer: the inputs one after another."""
        raw, arrays = npz.with_suffix(".bin"), dict(np.load(npz))
        arrays = [np.ascontiguousarray(arrays[port["name"]]) for port in ports]
        raw.write_bytes(b"".join(array[i].tobytes() for i in range(4) for array in arrays))
        return raw

    def compile(self, name, path, npz, flags):
        """An object in the cache; the ranges are calibrated once and given, so that the time is that of the compiler alone."""
        ranges = self.cache / "ranges" / ("%s-%s.json" % (name, digest(path)))
        ranges.parent.mkdir(exist_ok=True)
        folder = self.cache / "objects" / digest(self.qcc_key, path, flags)
        stem = folder / name
        stats = folder / "stats.json"
        if stats.exists():
            return stem, json.loads(stats.read_text())
        folder.mkdir(parents=True, exist_ok=True)
        compiling = [self.qcc, path, "-o", "%s.o" % stem] + flags
        if any(flag.startswith("-mode=") for flag in flags):
            wall, peak = measure(compiling)
        else:
            calibrate = compiling + ["-calib=%s" % npz, "-dump-ranges=%s" % ranges]
            compiling.append("-ranges=%s" % ranges)
            if not ranges.exists():
                measure(calibrate)
            try:
                wall, peak = measure(compiling)
            except Failure: # ranges of another version of the compiler
                measure(calibrate)
                wall, peak = measure(compiling)
        result = {"compile_s": wall, "compile_mib": peak}
        described = json.loads(pathlib.Path("%s.json" % stem).read_text())
        size = {"i1": 1, "i8": 1, "ui8": 1, "i16": 2, "ui16": 2, "i32": 4, "i64": 8, "f32": 4}
        count = lambda port: int(np.prod(port["shape"]))
        def describe(ports, f32):
            """Bytes of the ports as qbench takes them; f32 and indices come from the sample."""
            texts, at = [], 0
            for port in ports:
                index = port["type"] in ("i64", "i1")
                bytes = count(port) * (size[port["type"]] if index else 4)
                texts.append("%d@%d" % (bytes, at) if f32 or index else "%d" % (count(port) * size.get(port["type"], 1)))
                at += bytes
            return "+".join(texts)

        result["entries"] = {
            entry: {"symbol": "%s_%s" % (described["name"], entry), "arena": described[entry]["arena_bytes"], "lower": described[entry]["arena_lower_bound"],
                    "input": describe(described["inputs"], entry == "run_f32"),
                    "output": re.sub(r"@\d+", "", describe(described["outputs"], entry == "run_f32"))}
            for entry in ("run", "run_f32") if described.get(entry)}
        result["inputs"] = described["inputs"]
        result["constant_bytes"] = described["constant_bytes"]
        result["text_bytes"] = described["code_bytes"]
        stats.write_text(json.dumps(result))
        return stem, result

    def link(self, stem):
        library = "%s.so" % stem
        if not os.path.exists(library):
            run(["cc", "-shared", "-o", library, "%s.o" % stem])
        return library

    def get_peer(self, name, path, raw):
        """Prefix of the peer's int8 variants and what was counted in the network."""
        prefix = self.cache / "peer" / digest(HERE / "PeerModels.cpp", PEER, path)
        info = pathlib.Path("%s.json" % prefix)
        prefix.parent.mkdir(exist_ok=True)
        if not info.exists():
            text = run([self.qbench, "peer-models", path, prefix, "--samples", raw, "--runtime", self.runtime])
            info.write_text(text)
        return prefix, json.loads(info.read_text())

    def time(self, name, model, level):
        path = self.get_model(name, model)
        if not path:
            raise Failure("not here (no %s)" % (self.shared / "models"))
        npz = self.get_samples(name, model, path)
        flags = (["-target=x86-64"] if level == "avx2" else ["-target=host"]) + self.get_options(model)
        stem, compiled = self.compile(name, path, npz, flags + self.options.qcc_option)
        raw = self.write_raw(npz, compiled["inputs"])
        row = {"name": name, "title": model["title"], "level": level, "goals": {k: v for k, v in model.items() if k.startswith("goal")}}
        row.update({k: compiled[k] for k in ("compile_s", "compile_mib", "text_bytes", "constant_bytes")})
        main = compiled["entries"].get("run") or compiled["entries"]["run_f32"] # of -mode=dynamic
        row["arena_bytes"], row["arena_lower_bytes"] = main["arena"], main["lower"]
        library = self.link(stem)
        command = [self.qbench, "time", "--sample", raw, "--core", self.options.core, "--seconds", self.options.seconds]
        for entry, f in compiled["entries"].items():
            label = "ours" if f is main else "ours_f32"
            suffix = ":f32" if entry == "run_f32" else ""
            command += ["--object", "%s:%s:%s:%s:%s:%d%s" % (label, library, f["symbol"], f["input"], f["output"], f["arena"], suffix)]
        if self.options.f32 or "goal_float" in model:
            float_stem, f32 = self.compile(name, path, npz, [flag for flag in flags if not flag.startswith("-mode=")] + ["-mode=f32"])
            float_library = self.link(float_stem)
            f = f32["entries"]["run_f32"]
            command += ["--object", "ours_float:%s:%s:%s:%s:%d:f32" % (float_library, f["symbol"], f["input"], f["output"], f["arena"])]
        if self.runtime:
            prefix, info = self.get_peer(name, path, raw)
            row["macs"], row["weights"] = info["macs"], info["weights"]
            row["runtime"] = info["runtime"]
            command += ["--runtime", self.get_runtime_for(level), "--peer", "fp32:%s" % path]
            for variant in info["variants"]:
                command += ["--peer", "%s:%s.%s.onnx" % (variant, prefix, variant)]
            if level == "avx2":
                command.append("--avx2")
        for probe in PROBES[level] & set(self.peaks):
            command += ["--probe", probe]
        row["times"], row["probes"] = {}, {}
        for line in run(command).splitlines():
            times = json.loads(line)
            label = times.pop("label")
            if "gmacs" in times:
                row["probes"][label] = times["gmacs"]
                row["times_of_probes"] = dict(row.get("times_of_probes", {}), **{label: times})
            else:
                row["times"][label] = times
        if self.options.layers:
            row["layers"] = self.layers(stem)
            peer = self.peer_layers(path, raw, level, info["results"]) if self.runtime else {}
            for layer in row["layers"]["kernels"]:
                times = [peer[name] for name in layer["layers"] if name in peer]
                if times:
                    layer["peer_fp32_us"] = sum(times)
        return row

    def layers(self, stem):
        """Time of each kernel that `run` calls, with what the compiler decided and what it computes."""
        profile = run([self.qrun, "%s.o" % stem, "-profile", "-json", "-seconds=%g" % self.options.seconds, "-core=%d" % self.options.core])
        return json.loads(profile.splitlines()[-1])

    def peer_layers(self, path, raw, level, results):
        """The peer's fp32 nodes by the names of their results: p10 of its own profile, less what profiling costs a node."""
        folder = self.cache / "profiles"
        folder.mkdir(exist_ok=True)
        profile = pathlib.Path(run([self.qbench, "profile-peer", "--model", path, "--sample", raw, "--runtime", self.get_runtime_for(level), "--prefix", folder / "peer",
                                    "--core", self.options.core, "--seconds", self.options.seconds] + (["--avx2"] if level == "avx2" else [])).strip())
        events = [event for event in json.loads(profile.read_text()) if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")]
        profile.unlink()
        times = {}
        for event in events:
            name = re.sub(r"(_nchwc)?_kernel_time$", "", event["name"])
            name = re.sub(r"^fused ", "", name)
            times.setdefault(results.get(name, name), []).append(event["dur"])
        p10 = {name: float(np.percentile(values, 10)) for name, values in times.items()}
        cost = min(p10.values())
        return {name: max(value - cost, 0.5) for name, value in p10.items()} # the profile's unit is a microsecond

    def kernel(self, row, network):
        """One row of the kernel table on one network: its rate here, or its products an instruction elsewhere."""
        name, flags, compiler, how = row
        recipe = "gemm_256_pairsafe" if name == "x86.vpmaddubsw" and network == "gemm_256" else network
        model = {"title": recipe, "recipe": recipe}
        path = self.get_model(recipe, model)
        npz = self.get_samples(recipe, model, path)
        stem, compiled = self.compile(recipe, path, npz, flags)
        ranges = self.cache / "ranges" / ("%s-%s.json" % (recipe, digest(path)))
        packed = run([self.qcc, path, "-ranges=%s" % ranges, "-stop-after=packed", "-o", "-"] + flags)
        result = {"row": name, "network": recipe, "chosen": ", ".join(sorted(set(re.findall(r'dot = "([^"]*)"', packed))))}
        macs = KERNEL_NETWORKS[network]
        if compiler:
            thousands = self.count(recipe, model, flags, compiler, how)
            return dict(result, instructions=thousands, macs_per_instruction=macs / thousands / 1000)
        library = self.link(stem)
        f = compiled["entries"]["run"]
        command = [self.qbench, "time", "--core", self.options.core, "--seconds", self.options.seconds, "--probe", how, "--object",
                   "ours:%s:%s:%s:%s:%d" % (library, f["symbol"], f["input"], f["output"], f["arena"])]
        times = {t["label"]: t for t in map(json.loads, run(command).splitlines())}
        return dict(result, us=times["ours"]["p10_us"], gmacs=macs / times["ours"]["p10_us"] / 1000, probe=how, probe_gmacs=times[how]["gmacs"])

    def count(self, name, model, flags, compiler, qemu):
        """Instructions of one inference in thousands."""
        plugin = self.get_plugin()
        path = self.get_model(name, model)
        if not path:
            raise Failure("not here")
        npz = self.get_samples(name, model, path)
        stem, compiled = self.compile(name, path, npz, flags + self.get_options(model) + self.options.qcc_option)
        entry = compiled["entries"].get("run")
        if not entry or not (entry["input"] + entry["output"]).isdigit():
            raise Failure("instructions are counted with one input of codes and one output")
        program = "%s.program" % stem
        run([compiler, "-O2", "-static", "-o", program, HERE / "count.c", "%s.o" % stem, "-DRUN=" + entry["symbol"],
             "-DINPUT_BYTES=" + entry["input"], "-DOUTPUT_BYTES=" + entry["output"], "-DARENA_BYTES=%d" % entry["arena"]])
        counts = []
        for repeats in (0, 1): # what starts and ends the program drops out
            out = "%s.count" % stem
            run(qemu + ["-plugin", plugin, "-d", "plugin", "-D", out, program, str(repeats)], timeout=300)
            counts.append(int(re.search(r"instructions (\d+)", pathlib.Path(out).read_text()).group(1)))
        return (counts[1] - counts[0]) / 1000

    def get_plugin(self):
        source = self.shared / "tools/insncount/insncount.c"
        plugin = self.cache / "insncount.so"
        if not source.exists():
            raise Failure("%s is not here: instructions cannot be counted" % source)
        if not plugin.exists():
            run(["cc", "-O2", "-shared", "-fPIC", source, "-o", plugin])
        return plugin


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/run.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small networks, short turns: about a minute")
    parser.add_argument("--models", help="comma list; see models.json")
    parser.add_argument("--isa", default="x86,aarch64,riscv64", help="comma list of x86 (times), aarch64, riscv64 (instructions under qemu)")
    parser.add_argument("--level", default="avx2", choices=["avx2", "native", "both"],
                        help="avx2: both sides use AVX2 at most, also where the machine has more; native: all that it has")
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1, help="the core that everything timed runs on")
    parser.add_argument("--seconds", type=float, help="of timed runs per contestant")
    parser.add_argument("--f32", action="store_true", help="also time the float code of -mode=f32")
    parser.add_argument("--layers", action="store_true", help="also time each kernel of each network")
    parser.add_argument("--kernels", action="store_true", help="also run each row of the kernel table by itself")
    parser.add_argument("--no-peer", action="store_true", help="time only qcc's code")
    parser.add_argument("--qcc", help="the compiler (default build/bin/qcc)")
    parser.add_argument("--qcc-option", action="append", default=[], help="given to qcc, for example --qcc-option=-pair-safe=shrink")
    parser.add_argument("--out", default="benchmarks", help="stem of the results, .md and .json (default: benchmarks in the current folder)")
    options = parser.parse_args()
    options.seconds = options.seconds or (0.2 if options.quick else 0.4)
    models = json.loads((HERE / "models.json").read_text())["models"]
    if options.models:
        unknown = set(options.models.split(",")) - set(models)
        if unknown:
            parser.error("no such model: %s; there are %s" % (", ".join(sorted(unknown)), ", ".join(models)))
        models = {name: models[name] for name in options.models.split(",")}
    elif options.quick:
        models = {name: model for name, model in models.items() if model.get("quick")}
    isas = set(options.isa.split(","))
    if isas - {"x86", "aarch64", "riscv64"}:
        parser.error("--isa takes x86, aarch64 and riscv64")

    bench = Bench(options)
    results = {"date": datetime.datetime.utcnow().strftime("%Y-%m-%d %H:%M UTC"), "qcc_options": options.qcc_option, "times": [], "instructions": [], "failures": []}
    if "x86" in isas and os.uname().machine == "x86_64":
        say("peak rates")
        results["peaks"] = bench.peaks = json.loads(run([bench.qbench, "peaks", "--core", options.core, "--seconds", 0.1 if options.quick else 0.25]))
        for level in ["avx2", "native"] if options.level == "both" else [options.level]:
            for name, model in models.items():
                say("%s (%s)" % (name, level))
                try:
                    results["times"].append(bench.time(name, model, level))
                except (Failure, subprocess.TimeoutExpired) as failure:
                    results["failures"].append({"name": name, "what": level, "why": str(failure)})
                    say("  failed: %s" % failure)
    peer_arm = json.loads((HERE / "peers-arm64.json").read_text())
    columns = [column for column, row in COUNTED.items() if row[0] in isas and shutil.which(row[2]) and shutil.which(row[3][0])]
    def count_network(item):
        name, model = item
        row = {"name": name, "title": model["title"], "counts": {}, "peer": peer_arm["models"].get(model.get("peer_arm"), {}),
               "goals": {k: v for k, v in model.items() if k.startswith("goal")}}
        for column in columns:
            say("%s (instructions, %s)" % (name, column))
            try:
                row["counts"][column] = bench.count(name, model, *COUNTED[column][1:])
            except (Failure, subprocess.TimeoutExpired) as failure:
                results["failures"].append({"name": name, "what": column, "why": str(failure)})
                say("  failed: %s" % failure)
        return row

    if columns: # counts do not depend on what else runs
        try:
            bench.get_plugin()
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                results["instructions"] = list(pool.map(count_network, models.items()))
        except Failure as failure:
            results["failures"].append({"name": "instructions", "what": ", ".join(columns), "why": str(failure)})
    results["kernels"] = []
    for row in KERNELS if options.kernels else []:
        isa = {"x86": "x86", "aarch64": "aarch64", "riscv": "riscv64"}.get(row[0].split(".")[0], "aarch64")
        if isa not in isas or (not row[2] and row[3] not in results.get("peaks", {})) or (row[2] and not (shutil.which(row[2]) and shutil.which(row[3][0]))):
            continue
        for network in KERNEL_NETWORKS:
            if row[0] == "x86.vpmaddubsw" and network != "gemm_256":
                continue
            say("%s (%s)" % (row[0], network))
            try:
                results["kernels"].append(bench.kernel(row, network))
            except (Failure, subprocess.TimeoutExpired) as failure:
                results["failures"].append({"name": row[0], "what": network, "why": str(failure)})
                say("  failed: %s" % failure)
    results["peer_arm_provenance"] = peer_arm["provenance"]

    pathlib.Path(options.out + ".json").write_text(json.dumps(results, indent=1) + "\n")
    text = report.make(results)
    pathlib.Path(options.out + ".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
