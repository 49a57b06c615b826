"""A small BERT in integers against float64: bert.py FOLDER

Four integer inputs (tokens, their types, positions, the attention mask), one layer, normalizations, GELU and masks as exporters write them, a classifier on the
first token. With masks that have zeros in some positions:
  - last hidden state and logits have at least 25 dB; 20 dB with masks of zeros only, which calibration never saw
  - the evaluator and the objects of all targets and vector lengths give the same bytes, and net_run holds no floating-point instruction
  - a row of scores whose mask is all zeros gives no attention, which is 0
  - masks that are added, filled in or selected with give the same bytes: they are one mask
"""
import json
import math
import os
import shutil
import sys

import numpy as np

from network import HERE, RUNS, check, run, same_arrays

sys.path.insert(0, os.path.join(HERE, "..", "Import"))
from onnx_build import BOOL, FLOAT, INT64, ints, model, node, scalar, tensor, value  # noqa: E402

random = np.random.default_rng(31)
LENGTH, HIDDEN, HEADS, WIDE, VOCABULARY, CLASSES = 12, 32, 4, 64, 40, 5
LOWEST = -3.4028234663852886e38
erf = np.vectorize(math.erf)


def draw(*shape, spread=None):
    return random.normal(0, spread or 1 / math.sqrt(shape[0]), shape).astype(np.float32)


WEIGHTS = {"words": draw(VOCABULARY, HIDDEN, spread=1), "types": draw(2, HIDDEN, spread=1), "places": draw(LENGTH, HIDDEN, spread=1),
           "up_w": draw(HIDDEN, WIDE), "up_b": draw(WIDE, spread=0.1), "down_w": draw(WIDE, HIDDEN), "down_b": draw(HIDDEN, spread=0.1),
           "pool_w": draw(HIDDEN, HIDDEN), "pool_b": draw(HIDDEN, spread=0.1), "class_w": draw(HIDDEN, CLASSES), "class_b": draw(CLASSES, spread=0.1)}
for name in ("q", "k", "v", "o"):
    WEIGHTS[name + "_w"], WEIGHTS[name + "_b"] = 1.5 * draw(HIDDEN, HIDDEN), draw(HIDDEN, spread=0.1)
for name in ("first", "second", "third"):
    WEIGHTS[name + "_g"], WEIGHTS[name + "_b"] = 1 + draw(HIDDEN, spread=0.2), draw(HIDDEN, spread=0.2)


class Graph:
    def __init__(self):
        self.nodes, self.count = [], 0

    def __call__(self, op, *inputs, name=None, **attributes):
        self.count += 1
        name = name or f"{op.lower()}_{self.count}"
        self.nodes.append(node(op, list(inputs), [name], name=name, **attributes))
        return name


def add_mask(g, form, scores):
    """What stands between the scores and their softmax."""
    four = g("Unsqueeze", "attention_mask", "axes_12")
    if form == "added":  # BERT of Transformers 2 to 4
        return g("Add", scores, g("Mul", g("Sub", "one", g("Cast", four, to=FLOAT)), "minus_10000"))
    if form == "filled":  # later: 1 - mask, filled in
        inverted = g("Sub", "one", g("Cast", g("Expand", four, "square"), to=FLOAT))
        return g("Add", scores, g("Where", g("Cast", inverted, to=BOOL), "lowest", inverted))
    if form == "selected":  # scaled dot product attention with a boolean mask, and a second mask that is constant
        both = g("And", g("Cast", four, to=BOOL), "all_true")
        return g("Add", scores, g("Where", both, "zero", "minus_infinity"))
    if form == "scores":  # the scores themselves are replaced
        return g("Where", g("Equal", g("Cast", four, to=FLOAT), "zero"), "minus_10000", scores)
    raise ValueError(form)


def write_model(path, form):
    g = Graph()

    def normalize(x, name):
        centred = g("Sub", x, g("ReduceMean", x, axes=[-1], keepdims=1))
        variance = g("ReduceMean", g("Pow", centred, "two"), axes=[-1], keepdims=1)
        scaled = g("Mul", g("Div", centred, g("Sqrt", g("Add", variance, "epsilon"))), name + "_g")
        return g("Add", scaled, name + "_b")

    def dense(x, name):
        return g("Add", g("MatMul", x, name + "_w"), name + "_b")

    embedded = g("Add", g("Add", g("Gather", "words", "input_ids"), g("Gather", "types", "token_type_ids")), g("Gather", "places", "position_ids"))
    x = normalize(embedded, "first")
    heads = {name: g("Transpose", g("Reshape", dense(x, name), "split"), perm=[0, 2, 3, 1] if name == "k" else [0, 2, 1, 3]) for name in "qkv"}
    scores = g("Div", g("MatMul", heads["q"], heads["k"]), "root")
    attention = g("Softmax", add_mask(g, form, scores), axis=-1)
    context = g("Reshape", g("Transpose", g("MatMul", attention, heads["v"]), perm=[0, 2, 1, 3]), "joined")
    x = normalize(g("Add", dense(context, "o"), x), "second")
    up = dense(x, "up")
    gelu = g("Mul", g("Mul", up, g("Add", g("Erf", g("Div", up, "root_two")), "one")), "half")
    x = normalize(g("Add", dense(gelu, "down"), x), "third")
    g("Identity", x, name="hidden")
    pooled = g("Tanh", g("Gemm", g("Gather", x, "first_token", axis=1), "pool_w", "pool_b"))
    g("Gemm", pooled, "class_w", "class_b", name="logits")
    constants = [tensor(name, list(array.shape), array.ravel().tolist()) for name, array in WEIGHTS.items()]
    constants += [scalar("one", 1.0), scalar("two", 2.0), scalar("half", 0.5), scalar("zero", 0.0), scalar("epsilon", 1e-12), scalar("lowest", LOWEST),
                  scalar("root", math.sqrt(HIDDEN / HEADS)), scalar("root_two", math.sqrt(2)), scalar("minus_10000", -10000.0),
                  scalar("minus_infinity", -math.inf), ints("axes_12", [1, 2]), ints("square", [1, 1, LENGTH, LENGTH]),
                  ints("split", [1, LENGTH, HEADS, HIDDEN // HEADS]), ints("joined", [1, LENGTH, HIDDEN]), scalar("first_token", 0, INT64),
                  tensor("all_true", [1, 1, LENGTH, LENGTH], [1] * LENGTH ** 2, BOOL)]
    inputs = {name: ([1, LENGTH], INT64) for name in ("input_ids", "token_type_ids", "position_ids", "attention_mask")}
    with open(path, "wb") as file:
        file.write(model(g.nodes, inputs, [value("hidden", [1, LENGTH, HIDDEN]), value("logits", [1, CLASSES])], constants, opset=13))


def reference(sample):
    """Hidden state and logits in float64; scores of masked tokens take no part, and no token at all means no attention."""
    w = {name: array.astype(np.float64) for name, array in WEIGHTS.items()}

    def normalize(x, name):
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + 1e-12) * w[name + "_g"] + w[name + "_b"]

    def dense(x, name):
        return x @ w[name + "_w"] + w[name + "_b"]

    x = normalize(w["words"][sample["input_ids"][0]] + w["types"][sample["token_type_ids"][0]] + w["places"][sample["position_ids"][0]], "first")
    q, k, v = (dense(x, name).reshape(LENGTH, HEADS, -1).transpose(1, 0, 2) for name in "qkv")
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(HIDDEN / HEADS)
    power = np.exp(scores - scores.max(-1, keepdims=True)) * sample["attention_mask"][0]
    attention = power / np.maximum(power.sum(-1, keepdims=True), 1e-300)
    x = normalize(dense((attention @ v).transpose(1, 0, 2).reshape(LENGTH, HIDDEN), "o") + x, "second")
    up = dense(x, "up")
    x = normalize(dense(up * (erf(up / math.sqrt(2)) + 1) / 2, "down") + x, "third")
    return {"hidden": x[None], "logits": dense(np.tanh(dense(x[:1], "pool")), "class")}


def make_samples(count, empty=0):
    """The last `empty` of `count` samples have masks of zeros."""
    lengths = random.integers(1, LENGTH + 1, count)
    mask = np.arange(LENGTH) < lengths[:, None]
    mask[::3] = random.random(mask[::3].shape) < 0.6  # anywhere, not only at the end
    mask[:, 0] = True
    mask[count - empty:] = False
    places = np.broadcast_to(np.arange(LENGTH), (count, LENGTH))
    arrays = {"input_ids": random.integers(0, VOCABULARY, (count, LENGTH)), "token_type_ids": random.integers(0, 2, (count, LENGTH)),
              "position_ids": places, "attention_mask": mask}
    return {name: np.ascontiguousarray(array[:, None].astype(np.int64)) for name, array in arrays.items()}


def sqnr(real, got):
    return 10 * np.log10(np.sum(real ** 2) / np.sum((real - got) ** 2))


def main():
    folder = sys.argv[1]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chdir(folder)
    count, empty = 24, 2
    np.savez("calib.npz", **make_samples(64))
    samples = make_samples(count, empty)
    np.savez("samples.npz", **samples)
    ranges = ["-calib=calib.npz", "-dump-ranges=ranges.json"]
    write_model("added.onnx", "added")
    for target, variants in RUNS.items():
        os.makedirs(target, exist_ok=True)
        run("qcc", "added.onnx", *ranges, f"-target={target}", "-integer-only", "-name=net", "-o", f"{target}/net.o")
        ranges = ["-ranges=ranges.json"]
        run(sys.executable, os.path.join(HERE, "fpfree.py"), f"{target}/net.o", "net_run")
        for variant in variants:
            run("qrun", f"{target}/net.o", "-int", "-inputs=samples.npz", f"-outputs={target}.npz", *variant)
            if target != "x86-64":
                same_arrays(f"{target}.npz", "x86-64.npz")
    run("qcc", "added.onnx", *ranges, "-stop-after=integer", "-integer-only", "-o", "integer.mlir")
    run("qopt", "integer.mlir", "--qc-interpret=entry=run inputs=samples.npz outputs=reference.npz", "-o", os.devnull)
    same_arrays("reference.npz", "x86-64.npz")

    with open("x86-64/net.json") as file:
        report = json.load(file)
    check(report["integer_only"], "not integer-only")
    codes = dict(np.load("x86-64.npz"))
    real = [reference({name: array[i] for name, array in samples.items()}) for i in range(count)]
    unmasked = [reference({**{name: array[i] for name, array in samples.items()}, "attention_mask": np.ones((1, LENGTH))}) for i in range(count)]
    for port in report["outputs"]:
        name = port["name"]
        got = (codes[name].astype(np.float64) - port["zero_point"]) * port["scale"]
        for title, some, least in (("masks with zeros", slice(0, count - empty), 25), ("masks of zeros", slice(count - empty, count), 20)):
            want, without = (np.stack([r[name] for r in results])[some] for results in (real, unmasked))
            quality, other = sqnr(want, got[some]), sqnr(want, without)
            print(f"{name}, {title}: {quality:.1f} dB (without any mask {other:.1f} dB)")
            check(quality >= least, f"{name}, {title}: {quality:.1f} dB")
            check(other <= quality - 10, f"{name}, {title}: masks make no difference")

    for form in ("filled", "selected", "scores"):
        write_model(f"{form}.onnx", form)
        with open("ranges.json") as file:
            known = json.load(file)["ranges"]
        # The names of nodes count on, so that ranges are calibrated anew; the values are those of the first model.
        run("qcc", f"{form}.onnx", "-calib=calib.npz", "-integer-only", "-name=net", "-dump-ranges=other.json", "-o", f"{form}.o")
        with open("other.json") as file:
            other = json.load(file)["ranges"]
        check(sorted(known.values()) == sorted(other.values()), f"{form}: other ranges")
        run("qrun", f"{form}.o", "-int", "-inputs=samples.npz", f"-outputs={form}.npz")
        same_arrays(f"{form}.npz", "x86-64.npz")
    print("all agree")


if __name__ == "__main__":
    main()
