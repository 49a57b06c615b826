#!/usr/bin/env python3
"""Collects small models as seeds for fuzz-import: those of the importer's tests, and ONNX's node tests where they are installed.

usage: make_seeds.py <folder> [folder with models, of which those up to 256 KiB are taken]
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "test", "Import")
NODES = "/usr/share/libonnx-testdata/data/node"


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    count = 0

    def add(path, name, most=4096):
        nonlocal count
        if os.path.getsize(path) <= most:
            shutil.copyfile(path, os.path.join(folder, name + ".onnx"))
            count += 1

    with tempfile.TemporaryDirectory() as scratch:
        for test in sorted(glob.glob(os.path.join(TESTS, "*.test"))):
            with open(test) as file:
                if "from onnx_build import" not in file.read():
                    continue
            name = os.path.splitext(os.path.basename(test))[0]
            out = os.path.join(scratch, name)
            only_write = dict(os.environ, ONNX_BUILD_WRITE_ONLY="1")
            subprocess.run([sys.executable, "-B", test, out], check=True, stdout=subprocess.DEVNULL, env=only_write)
            for model in glob.glob(os.path.join(out, "*.onnx")):
                add(model, name + "-" + os.path.splitext(os.path.basename(model))[0])
    for model in sorted(glob.glob(os.path.join(NODES, "*", "model.onnx"))):
        add(model, os.path.basename(os.path.dirname(model)))
    for model in sorted(glob.glob(os.path.join(sys.argv[2], "**", "*.onnx"), recursive=True)) if sys.argv[2:] else []:
        add(model, os.path.relpath(model, sys.argv[2]).replace(os.sep, "-")[:-5], 1 << 18)
    print("%d seeds in %s" % (count, folder))


if __name__ == "__main__":
    main()
