"""Runs ONNX's own tests of single nodes and of PyTorch's layers: each model is imported and evaluated by the reference evaluator, and its results are compared.

usage: node_conformance.py <test data> <known failures> <scratch folder> [names...]

A test model has all tensors as inputs, where real models have weights, shapes and axes as constants. So each is tried three times: as it is,
with all inputs but the first as initializers, and with all as initializers. A test passes if at least one of these imports, and all that
import give the right results. The table of known failures lists name patterns with the reason; a listed test that passes is a failure too.
"""
import fnmatch
import glob
import os
import re
import subprocess
import sys
import zipfile

import numpy as np

from onnx_build import field

DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16,
          11: np.float64, 12: np.uint32, 13: np.uint64}


def fields(data):
    """(number, value) of a protobuf message: ints for varints, bytes for the rest."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = varint() if key & 7 == 2 else 4 if key & 7 == 5 else 8
        yield key >> 3, data[at:at + size]
        at += size


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


def write_npz(path, arrays):
    """One sample of each. Not np.savez: it takes names as keyword arguments, and loses one that is called `like`."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays:
            # The importer reads all floating types as f32.
            with np.errstate(over="ignore"):
                array = array.astype(np.float32) if array.dtype == np.float64 else array
            with archive.open(name + ".npy", "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array[None]))


def raise_opset(model):
    """Models of operators that never changed have old opsets; 7 is the first that the importer knows."""
    imports = [dict(fields(value)) for number, value in fields(model) if number == 8]
    if not any(not i.get(1) and i.get(2, 0) < 7 for i in imports):
        return model
    rest = b"".join(field(number, value) for number, value in fields(model) if number != 8)
    return rest + field(8, field(1, b"") + field(2, 7))


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode not in (0, 1):
        sys.exit("crash: %s\n%s" % (" ".join(command), done.stderr))
    return done


def differences(name, actual, expected):
    if tuple(actual.shape) != tuple(expected.shape):
        return "%s has shape %s, expected %s" % (name, actual.shape, expected.shape)
    half = expected.dtype == np.float16
    if not np.allclose(actual.astype(np.float64), expected.astype(np.float64), rtol=1e-2 if half else 1e-3, atol=1e-3 if half else 1e-6):
        return "%s differs by up to %g" % (name, np.max(np.abs(actual.astype(np.float64) - expected.astype(np.float64))))
    return None


def check(folder, scratch):
    """None if the test passes, else what went wrong."""
    with open(os.path.join(folder, "model.onnx"), "rb") as file:
        model = raise_opset(file.read())
    sets = sorted(glob.glob(os.path.join(folder, "test_data_set_*")))
    if not sets:
        return "no data"

    def load(kind, number):
        ports = list(graph_ports(model, number))
        found = []
        for i, port in enumerate(ports):
            with open(os.path.join(sets[0], "%s_%d.pb" % (kind, i)), "rb") as file:
                found.append((port, file.read()))
        return found

    try:
        inputs = [(name, data, read_tensor(data)[1]) for name, data in load("input", 11)]
        outputs = [(name, read_tensor(data)[1]) for name, data in load("output", 12)]
    except (Skip, FileNotFoundError, IndexError, ValueError) as problem:
        return "unreadable data: %s" % problem
    reasons, imported = [], False
    for first in sorted({len(inputs), min(1, len(inputs)), 0}, reverse=True):
        constants = inputs[first:]
        path = os.path.join(scratch, "model.onnx")
        with open(path, "wb") as file:
            # Messages concatenate: initializers that follow belong to the same graph. The last field wins, which sets the name.
            file.write(model + field(7, b"".join(field(5, data + field(8, name)) for name, data, _ in constants)))
        done = run("qcc", path, "-stop-after=import", "-o", os.path.join(scratch, "model.mlir"))
        if done.returncode:
            reasons.append(done.stderr.strip())
            if re.search(r"the operator is not supported|are not supported|opset \d+ of the default domain", done.stderr):
                break  # constants will not change that
            continue
        imported = True
        command = ["qopt", os.path.join(scratch, "model.mlir"), "-o", os.devnull]
        if first:
            write_npz(os.path.join(scratch, "in.npz"), [(name, array) for name, _, array in inputs[:first]])
            done = run(*command, "--qc-interpret=inputs=%s/in.npz outputs=%s/out.npz" % (scratch, scratch))
            if done.returncode:
                return "evaluation with %d inputs: %s" % (first, done.stderr.strip())
            results = {name: array[0] for name, array in np.load(os.path.join(scratch, "out.npz")).items()}
        else:
            done = run(*command, "--qc-interpret")
            if done.returncode:
                return "evaluation of constants: " + done.stderr.strip()
            results = {}
            for (name, _), line in zip(outputs, re.findall(r"^main.*?: tensor<(.*?)> \[(.*)\]$", done.stdout, re.M)):
                shape = [int(d) for d in re.findall(r"(\d+)x", line[0].split("!")[0])]
                results[name] = np.array([float(v) for v in line[1].split(",")]).reshape(shape)
        for name, expected in outputs:
            problem = differences(name, results[name], expected)
            if problem:
                return "with %d inputs: %s" % (first, problem)
    return None if imported else "\n".join(reasons)


def main():
    data, table, scratch = sys.argv[1:4]
    os.makedirs(scratch, exist_ok=True)
    known = []
    with open(table) as file:
        for line in file:
            line = line.split("#")[0].strip()
            if line:
                known.append(line.split(":")[0].strip())
    unused, passed, bad = set(known), 0, []
    for folder in sorted(glob.glob(os.path.join(data, "node", "*")) + glob.glob(os.path.join(data, "pytorch-*", "*"))):
        name = os.path.basename(folder)
        if len(sys.argv) > 4 and name not in sys.argv[4:]:
            continue
        patterns = [p for p in known if fnmatch.fnmatchcase(name, p)]
        unused.difference_update(patterns)
        problem = check(folder, scratch)
        if problem is None and not patterns:
            passed += 1
        elif problem is None:
            bad.append("%s: passed, but is listed as %s" % (name, patterns[0]))
        elif not patterns:
            bad.append("%s: %s" % (name, problem))
    if len(sys.argv) == 4:
        bad += ["%s: matches no test that exists" % p for p in sorted(unused)]
    print("\n".join(bad))
    print("%d node tests passed, %d problems" % (passed, len(bad)))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
