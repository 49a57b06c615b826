"""Compiles networks by every method for every hardware profile and scores them: matrix.py [--out=results-matrix] [--models=kws_dscnn,ic_resnet8] ...

A cell is one call of qcc: a model, a profile (-quant-profile), a method (METHODS). What qcc refuses is a cell with its reason. Each cell is compiled --repeat times and its
object must have the same bytes each time. Writes OUT.md and OUT.json; the files hold no times and no dates, so that a second run gives the same bytes. See docs/Profiles.md.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
METHODS = {
    "nearest": [],
    "pair-safe": ["-pair-safe=shrink"],
    "equalize": ["-equalize"],
    "smooth": ["-migrate=smooth"],
    "awq": ["-migrate=awq"],
    "sequential": ["-rounding=sequential"],
    "sequential, no bias correction": ["-rounding=sequential", "-bias-correction=false"],
    "sequential, natural order": ["-rounding=sequential", "-order=natural"],
    "sequential, by activation": ["-rounding=sequential", "-order=activation"],
    "sequential, not progressive": ["-rounding=sequential", "-progressive=false"],
    "sequential, coupled": ["-rounding=sequential", "-coupling=0.5"],
    "sequential, learned steps": ["-rounding=sequential", "-learn-steps=5"],
    "adaround": ["-rounding=adaround"],
    "adaround, no bias correction": ["-rounding=adaround", "-bias-correction=false"],
    "brecq": ["-rounding=brecq"],
    "qdrop": ["-rounding=qdrop"],
    "equalize, sequential": ["-equalize", "-rounding=sequential"],
    "smooth, sequential": ["-migrate=smooth", "-rounding=sequential"],
    "awq, adaround": ["-migrate=awq", "-rounding=adaround"],
}


def run(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def demand(*command, cwd=None):
    result = run(*command, cwd=cwd)
    if result.returncode:
        sys.exit(f"{' '.join(command)}\n{result.stderr}{result.stdout}")
    return result.stdout


class Model:
    """A network with its samples in `folder`: one of the collection, or NAME=MODEL.onnx,CALIB.npz,EVAL.npz,SCORE.py, whose script prints "accuracy N%"."""

    def __init__(self, text, arguments, folder):
        self.name, _, files = text.partition("=")
        self.calib, self.eval = os.path.join(folder, f"{self.name}.calib.npz"), os.path.join(folder, f"{self.name}.eval.npz")
        calib = ["--limit", str(arguments.calib)] if arguments.calib else []
        self.limit = ["--limit", str(arguments.samples)] if arguments.samples else []
        if files:
            parts = files.split(",")
            if len(parts) != 4:
                sys.exit(f"--models: {text}: give MODEL.onnx,CALIB.npz,EVAL.npz,SCORE.py behind '='")
            self.path, self.calib, self.eval, self.script = map(os.path.abspath, parts)
            self.collected = False
        else:
            shared = os.environ.get("QCC_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
            self.path, self.script = os.path.join(shared, "models", self.name, "model.onnx"), os.path.join(shared, "models", "evaluate.py")
            if not os.path.exists(self.path):
                sys.exit(f"--models: no model {self.path}: set QCC_SHARED, or give {self.name}=MODEL.onnx,CALIB.npz,EVAL.npz,SCORE.py")
            demand(sys.executable, self.script, "inputs", self.name, "calib", self.calib, *calib)
            demand(sys.executable, self.script, "inputs", self.name, "eval", self.eval, *self.limit)
            self.collected = True

    def score(self, outputs):
        if not self.collected:
            return float(re.match(r"accuracy ([0-9.]+)%", demand(sys.executable, self.script, self.eval, outputs))[1]) / 100
        metrics = json.loads(demand(sys.executable, self.script, "score", self.name, "eval", outputs, *self.limit).splitlines()[-1])
        return next(value for value in metrics.values() if isinstance(value, float))


def compile_cell(cell, model, arguments, folder):
    """Fills in what came of the cell."""
    base = os.path.join(folder, f"cell{cell['number']}")
    command = [arguments.qcc, model.path, f"-target={arguments.target}", f"-calib={model.calib}", *cell["options"], "-name=net"]
    if cell["profile"] != "none":
        command.append(f"-quant-profile={cell['profile']}")
    hashes = set()
    for _ in range(arguments.repeat):
        result = run(*command, "-o", f"{base}.o")
        if result.returncode:
            # What was refused and why, without the names of temporary files.
            lines = [line.split("error: ", 1)[-1] for line in result.stderr.splitlines() if "error: " in line] or [result.stderr.strip() or "no message"]
            cell["refused"] = [line.replace(folder + os.sep, "") for line in lines]
            return
        hashes.add(hashlib.sha256(open(f"{base}.o", "rb").read()).hexdigest())
    if len(hashes) != 1:
        sys.exit(f"{model.name}, {cell['profile']}, {cell['method']}: {arguments.repeat} compilations gave {len(hashes)} different objects")
    report = json.load(open(f"{base}.json"))
    demand(arguments.qrun, f"{base}.o", "-f32", f"-inputs={model.eval}", f"-outputs={base}.npz")
    cell.update(sha256=hashes.pop(), accuracy=round(model.score(f"{base}.npz"), 6), constant_bytes=report["constant_bytes"],
                predicted_us=report["run"]["predicted_us"], integer_only=report["integer_only"])
    for end in ("o", "h", "json", "npz"):
        os.remove(f"{base}.{end}")


def make_tables(root):
    lines = ["# Methods and hardware profiles", "",
             f"Made by `benchmarks/matrix.sh` ([Profiles](../docs/Profiles.md)) for {root['target']}, by qcc {root['qcc']}. Accuracy in % " +
             (f"on the first {root['samples']} samples" if root["samples"] else "on all samples") +
             " of the evaluation set, ranges and methods by " + (f"the first {root['calib']} samples" if root["calib"] else "all samples") + " of the calibration set" +
             (f"; every object was compiled {root['repeat']} times and had the same bytes" if root["repeat"] > 1 else "") + ". `-`: refused, see below.", ""]
    for model in root["models"]:
        cells = [cell for cell in root["cells"] if cell["model"] == model]
        lines += [f"## {model}", "", "| method | " + " | ".join(root["profiles"]) + " |", "|" + "---|" * (len(root["profiles"]) + 1)]
        for method in root["methods"]:
            row = {cell["profile"]: cell for cell in cells if cell["method"] == method}
            lines.append(f"| {method} | " + " | ".join("-" if "refused" in row[p] else f"{100 * row[p]['accuracy']:.2f}" for p in root["profiles"]) + " |")
        lines.append("")
        nearest = {cell["profile"]: cell for cell in cells if cell["method"] == root["methods"][0] and "refused" not in cell}
        if nearest:
            lines += ["| profile | constants B | predicted us |", "|---|---|---|"]
            lines += [f"| {p} | {nearest[p]['constant_bytes']:,} | {nearest[p]['predicted_us']:.1f} |" for p in root["profiles"] if p in nearest]
            lines.append("")
    refused = {}
    for cell in root["cells"]:
        if "refused" in cell:
            refused.setdefault((cell["method"], "; ".join(cell["refused"])), []).append(f"{cell['model']} for {cell['profile']}")
    if refused:
        lines += ["## Refused", ""] + [f"- **{method}**, {', '.join(where)}: {why}" for (method, why), where in refused.items()] + [""]
    return "\n".join(lines)


def write(path, text):
    with open(path + ".tmp", "w") as file:
        file.write(text)
    os.replace(path + ".tmp", path)


def choose(text, known, what):
    names = text.split(";") if text else list(known)
    for name in names:
        if name not in known:
            sys.exit(f"--{what}={text}: '{name}' is none of {'; '.join(known)}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="results-matrix", help="OUT.md and OUT.json are written")
    parser.add_argument("--models", default="kws_dscnn;ic_resnet8", help="separated by ';'")
    parser.add_argument("--profiles", help="separated by ';': names or files (default: all that qcc has)")
    parser.add_argument("--methods", help="separated by ';' (default: all)")
    parser.add_argument("--samples", type=int, default=0, help="evaluate on so many samples of the collection's sets (default: all)")
    parser.add_argument("--calib", type=int, default=0, help="calibrate on so many samples of the collection's sets (default: all)")
    parser.add_argument("--repeat", type=int, default=2, help="compilations per cell")
    parser.add_argument("--target", default="x86-64")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--qcc", default=shutil.which("qcc") or os.path.join(ROOT, "build", "bin", "qcc"))
    arguments = parser.parse_args()
    arguments.qrun = os.path.join(os.path.dirname(arguments.qcc), "qrun")
    known = sorted(os.path.splitext(name)[0] for name in os.listdir(os.path.join(ROOT, "lib", "Transforms", "Profiles")))
    profiles = arguments.profiles.split(";") if arguments.profiles else known
    methods = choose(arguments.methods, METHODS, "methods")
    with tempfile.TemporaryDirectory() as folder:
        models = {text.partition("=")[0]: Model(text, arguments, folder) for text in arguments.models.split(";")}
        cells = [{"model": model, "profile": profile, "method": method, "options": METHODS[method]} for model in models for profile in profiles for method in methods]
        for number, cell in enumerate(cells):
            cell["number"] = number
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            futures = [pool.submit(compile_cell, cell, models[cell["model"]], arguments, folder) for cell in cells]
            for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
                try:
                    future.result()
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
                if sys.stderr.isatty():
                    print(f"\r{done} of {len(cells)} cells", end="\n" if done == len(cells) else "", file=sys.stderr, flush=True)
        for cell in cells:
            del cell["number"]
        version = re.search(r"qcc (\S+)", demand(arguments.qcc, "--version"))[1]
        root = {"version": 1, "qcc": version, "target": arguments.target, "samples": arguments.samples, "calib": arguments.calib, "repeat": arguments.repeat, "models": list(models),
                "profiles": [os.path.splitext(os.path.basename(p))[0] if p.endswith(".json") else p for p in profiles], "methods": methods, "cells": cells}
        for cell in cells:
            if cell["profile"].endswith(".json"):
                cell["profile"] = os.path.splitext(os.path.basename(cell["profile"]))[0]
        write(f"{arguments.out}.json", json.dumps(root, indent=1) + "\n")
        write(f"{arguments.out}.md", make_tables(root))
    refused = sum("refused" in cell for cell in cells)
    print(f"{len(cells)} cells, {refused} refused, each of the others " + (f"{arguments.repeat} times the same bytes" if arguments.repeat > 1 else "compiled once"))


if __name__ == "__main__":
    main()
