"""Runs ONNX's own tests of single nodes and of PyTorch's layers: each model is compiled with qcc -mode=f32, run, and its results are compared.

usage: node_conformance.py <test data> <table> <scratch folder> [-target=<target>] [-sample=<N>] [names...]

A test model has all tensors as inputs, where real models have weights, shapes and axes as constants. So qcc gets as few of the inputs as
possible as constants (-bind): none, those of integers, all but the first. In addition the first model of each operator is compiled with
all of them bound, which shows that folding gives the same. A test passes if it compiles in one of these ways, and all are right.
The table lists name patterns with the reason why a test cannot pass; a listed test that passes is a failure too.
Natively all objects are linked into one library and each runs in a process of its own; foreign objects run with qrun.
"""
import concurrent.futures
import ctypes
import fnmatch
import glob
import json
import os
import random
import subprocess
import sys
import zipfile

import numpy as np

from onnx_build import field, fields

DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16,
          11: np.float64, 12: np.uint32, 13: np.uint64}


CRASHES = []  # whether a test is listed or not, no command may crash


class Skip(Exception):
    pass


def read_tensor(data):
    """Name and array of a TensorProto."""
    dims, dtype, name, raw, typed = [], 0, "", None, b""
    for number, value in fields(data):
        if number == 1:
            dims.append(value) if isinstance(value, int) else dims.extend(v for v in value)
        elif number == 2:
            dtype = value
        elif number == 8:
            name = value.decode()
        elif number == 9:
            raw = value
        elif number in (4, 10):
            typed += value
    if dtype not in DTYPES or (raw is None and not typed and np.prod(dims) != 0):
        raise Skip("element type %d" % dtype)
    return name, np.frombuffer(raw if raw is not None else typed, DTYPES[dtype]).reshape(dims).copy()


def graph_ports(model, number):
    """Names of inputs (11) or outputs (12); old models list initializers as inputs too, for which there is no data."""
    for key, graph in fields(model):
        if key == 7:
            initializers = {v for inner, tensor in fields(graph) if inner == 5 for k, v in fields(tensor) if k == 8}
            for inner, info in fields(graph):
                name = next((v for k, v in fields(info) if k == 1), b"") if inner == number else b""
                if name and name not in initializers:
                    yield name.decode()


def write_npz(path, arrays, samples=False):
    """Not np.savez: it takes names as keyword arguments, and loses one that is called `like`. `samples`: each is the only one."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays:
            # The importer reads all floating types as f32.
            with np.errstate(over="ignore"):
                array = array.astype(np.float32) if array.dtype in (np.float64, np.float16) else array
            with archive.open(name + ".npy", "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array[None]) if samples else np.asarray(array, order="C"))


def raise_opset(model):
    """Models of operators that never changed have old opsets; 7 is the first that the importer knows."""
    imports = [dict(fields(value)) for number, value in fields(model) if number == 8]
    if not any(not i.get(1) and i.get(2, 0) < 7 for i in imports):
        return model
    rest = b"".join(field(number, prelu_of_opset_7(value) if number == 7 else value) for number, value in fields(model) if number != 8)
    return rest + field(8, field(1, b"") + field(2, 7))


def prelu_of_opset_7(graph):
    """Before opset 7 the slope of PRelu, a list, belonged to dimension 1: its shape [C] becomes [C, 1, ...]."""
    nodes = [list(fields(value)) for number, value in fields(graph) if number == 1]
    slopes = {[v for k, v in node if k == 1][1]: [v for k, v in node if k == 1][0] for node in nodes if (4, b"PRelu") in node}
    if not slopes:
        return graph
    ranks, parts = {}, []
    for number, value in fields(graph):
        if number == 11:
            info = dict(fields(value))
            ranks[info[1]] = sum(k == 1 for k, _ in fields(dict(fields(dict(fields(info[2]))[1]))[2]))
    for number, value in fields(graph):
        name = dict(fields(value)).get(8) if number == 5 else None
        if name in slopes and sum(k == 1 for k, _ in fields(value)) == 1:
            ones = b"".join(field(1, 1) for _ in range(ranks[slopes[name]] - 2)) if read_tensor(value)[1].size > 1 else b""
            value += ones
        if not (number == 11 and dict(fields(value))[1] in slopes):
            parts.append(field(number, value))
    return b"".join(parts)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode not in (0, 1):
        CRASHES.append("crash: %s\n%s" % (" ".join(command), done.stderr))
    return done


def differences(name, actual, expected):
    if tuple(actual.shape) != tuple(expected.shape):
        return "%s has shape %s, expected %s" % (name, actual.shape, expected.shape)
    half = expected.dtype == np.float16
    if expected.dtype == np.float64:  # f32 inside; what lies beyond is infinite
        with np.errstate(over="ignore"):
            expected = expected.astype(np.float32)
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    if not np.allclose(a, b, rtol=1e-2 if half else 1e-3, atol=1e-3 if half else 1e-6, equal_nan=True):
        with np.errstate(invalid="ignore"):
            return "%s differs by up to %g" % (name, np.nanmax(np.abs(a - b)))
    return None


class Form:
    """One way to compile a test: an object, its ports, and the inputs that are left."""

    def __init__(self, symbol, path, inputs, outputs):
        self.symbol, self.path, self.inputs, self.outputs = symbol, path, inputs, outputs
        with open(path[:-2] + ".json") as file:
            self.report = json.load(file)

    def dtype(self, port):
        code = "f32" if port.get("f32", False) else port["type"]
        if code == "f32":
            return np.float32
        if code in ("i1", "bool"):
            return np.int8
        bits = int(code.lstrip("ui"))
        return np.dtype("%s%d" % ("u" if code[0] == "u" else "i", 1 if bits <= 8 else 2 if bits <= 16 else 4 if bits <= 32 else 8))

    def compare(self, results):
        for name, expected in self.outputs:
            problem = differences(name, results[name], expected)
            if problem:
                return "with %d inputs: %s" % (len(self.inputs), problem)
        return None

    def run_native(self, library):
        """Calls the function between guard bytes, in a process of its own."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            try:
                verdict = self.call(library)
            except Exception as problem:  # whatever it is, it belongs to this test
                verdict = repr(problem)
            os.write(writer, (verdict or "").encode()[:4000] + b".")
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            verdict = pipe.read().decode()
        status = os.waitpid(child, 0)[1]
        if not verdict.endswith("."):
            return "the compiled code died with status %d" % status
        return verdict[:-1] or None

    def call(self, library):
        guard, buffers, places = 256, [], []

        def place(data, size):
            memory = np.full(size + 2 * guard + 64, 0xA5, np.uint8)
            start = (-(memory.ctypes.data + guard)) % 64 + guard
            if data is not None:
                memory[start:start + size] = np.frombuffer(data, np.uint8)
            buffers.append((memory, start, size))
            places.append(ctypes.c_void_p(memory.ctypes.data + start))

        given = dict(self.inputs)
        for port in self.report["inputs"]:
            data = np.asarray(given[port["name"]], order="C").astype(self.dtype(port)).tobytes()
            place(data, len(data))
        for port in self.report["outputs"]:
            place(None, int(np.prod(port["shape"], dtype=np.int64)) * np.dtype(self.dtype(port)).itemsize)
        place(None, self.report["run_f32"]["arena_bytes"])
        getattr(library, self.symbol + "_run_f32")(*places)
        for memory, start, size in buffers:
            if (memory[:start] != 0xA5).any() or (memory[start + size:] != 0xA5).any():
                return "wrote outside of a buffer"
        results = {}
        for port, (memory, start, size) in zip(self.report["outputs"], buffers[len(self.inputs):]):
            results[port["name"]] = memory[start:start + size].view(self.dtype(port)).reshape(port["shape"])
        return self.compare(results)

    def run_foreign(self):
        base = self.path[:-2]
        if not self.inputs:
            return None  # constants; nothing runs
        write_npz(base + ".in.npz", self.inputs, samples=True)
        done = run("qrun", self.path, "-f32", "-inputs=" + base + ".in.npz", "-outputs=" + base + ".out.npz")
        if done.returncode:
            return done.stderr.strip()
        return self.compare({name: array[0] for name, array in np.load(base + ".out.npz").items()})


def compile_forms(folder, scratch, target, folds):
    """The forms of a test that compile, or the reasons why none does. `folds`: also with all inputs as constants."""
    name = os.path.basename(folder)
    with open(os.path.join(folder, "model.onnx"), "rb") as file:
        model = raise_opset(file.read())
    sets = sorted(glob.glob(os.path.join(folder, "test_data_set_*")))
    if not sets:
        return [], "no data"

    def load(kind, number):
        for i, port in enumerate(graph_ports(model, number)):
            with open(os.path.join(sets[0], "%s_%d.pb" % (kind, i)), "rb") as file:
                yield port, read_tensor(file.read())[1]

    try:
        inputs, outputs = list(load("input", 11)), list(load("output", 12))
    except (Skip, FileNotFoundError, IndexError, ValueError) as problem:
        return [], "unreadable data: %s" % problem
    path = os.path.join(scratch, name + ".onnx")
    with open(path, "wb") as file:
        file.write(model)
    bindings = [[], [n for n, a in inputs[1:] if a.dtype.kind in "iub"], [n for n, _ in inputs[1:]]]
    everything = [n for n, _ in inputs]
    forms, reasons, seen = [], [], []
    for bound in bindings + [everything]:
        if bound in seen or (forms and not (folds and bound == everything)):
            continue
        seen.append(bound)
        symbol = "t%d_%s" % (len(seen), "".join(c if c.isalnum() else "_" for c in name))
        base = os.path.join(scratch, symbol)
        command = ["qcc", path, "-mode=f32", "-name=" + symbol, "-o", base + ".o", "-target=" + target]
        if bound:
            write_npz(base + ".npz", [(n, a) for n, a in inputs if n in bound])
            command.append("-bind=%s.npz" % base)
        done = run(*command)
        if done.returncode == 0:
            forms.append(Form(symbol, base + ".o", [(n, a) for n, a in inputs if n not in bound], outputs))
        else:
            reasons.append(done.stderr.strip())
    return forms, "\n".join(reasons)


def main():
    options = [a for a in sys.argv[4:] if a.startswith("-")]
    chosen = [a for a in sys.argv[4:] if not a.startswith("-")]
    data, table, scratch = sys.argv[1:4]
    value = lambda key, otherwise: next((o.split("=", 1)[1] for o in options if o.startswith(key + "=")), otherwise)
    target, sample = value("-target", "host"), int(value("-sample", "0"))
    os.makedirs(scratch, exist_ok=True)
    known = []
    with open(table) as file:
        for line in file:
            line = line.split("#")[0].strip()
            if line:
                pattern, _, only = line.split(":")[0].strip().partition(" on ")
                if not only or only == target:
                    known.append(pattern)
    folders = sorted(glob.glob(os.path.join(data, "node", "*")) + glob.glob(os.path.join(data, "pytorch-*", "*")))
    unused = set(known)
    patterns = {f: [p for p in known if fnmatch.fnmatchcase(os.path.basename(f), p)] for f in folders}
    for found in patterns.values():
        unused.difference_update(found)
    if chosen:
        folders = [f for f in folders if os.path.basename(f) in chosen]
    if sample:
        # Some of those that pass, always the same, and all with quantization.
        passing = [f for f in folders if not patterns[f]]
        extra = [f for f in passing if any(word in os.path.basename(f) for word in ("quantize", "qlinear", "integer"))]
        rest = [f for f in passing if f not in extra]
        folders = extra + random.Random(1).sample(rest, min(sample, len(rest)))
    first = {}
    for folder in folders:
        with open(os.path.join(folder, "model.onnx"), "rb") as file:
            graph = next(value for number, value in fields(file.read()) if number == 7)
        for number, node in fields(graph):
            if number == 1:
                first.setdefault(dict(fields(node)).get(4), folder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        compiled = list(pool.map(lambda f: compile_forms(f, scratch, target, target == "host" and f in first.values()), folders))
    forms = [form for found, _ in compiled for form in found]
    library = None
    if target == "host" and forms:
        path = os.path.join(scratch, "all.so")
        subprocess.run(["ld.lld", "-shared", "-o", path] + [form.path for form in forms], check=True)
        library = ctypes.CDLL(path)
        execute = lambda form: form.run_native(library)
        verdicts = dict(zip(forms, map(execute, forms)))
    else:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            verdicts = dict(zip(forms, pool.map(Form.run_foreign, forms)))
    passed, nodes, bad = 0, 0, []
    for folder, (found, reasons) in zip(folders, compiled):
        name = os.path.basename(folder)
        problems = [verdicts[form] for form in found if verdicts[form]]
        problem = reasons if not found else problems[0] if problems else None
        if problem is None and not patterns[folder]:
            passed += 1
            nodes += os.path.basename(os.path.dirname(folder)) == "node"
        elif problem is None:
            bad.append("%s: passed, but is listed as %s" % (name, patterns[folder][0]))
        elif not patterns[folder]:
            bad.append("%s: %s" % (name, problem))
    if not chosen and not sample:
        bad += ["%s: matches no test that exists" % p for p in sorted(unused)]
    bad += CRASHES
    print("\n".join(bad))
    print("%d tests passed (%d of nodes), %d problems" % (passed, nodes, len(bad)))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
