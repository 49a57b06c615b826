"""Random depthwise convolutions, some with several outputs per channel, channels last: random_depthwise.py SEED COUNT graph.mlir inputs.npz (a
module at stage `integer`)

Sizes are drawn around those of vectors and tiles, so that every remainder occurs; weights and codes are extreme now and then."""
import sys

import numpy as np

from random_cases import arguments, constant, emit, get_dtype, i64s, inputs, lines, number, pick, random, results, tensor, window

CHANNELS = [1, 2, 3, 5, 7, 8, 9, 10, 12, 15, 16, 17, 20, 23, 24, 25, 31, 32, 33, 40, 48, 49, 63, 64, 70]
SAMPLES = 2


def depthwise(index):
    rank, batch, ins, multiplier = pick(1, 2, 2, 2), pick(1, 1, 1, 2), pick(*CHANNELS), pick(1, 1, 2, 3, 4, number(1, 9))
    channels = ins * multiplier
    sizes, kernel, strides, dilations, pads, outs = window(rank, 19, (1, 2, 3, 3, 3, 4, 5, 7, 9))
    code, (low, high) = pick(("i8", (-128, 127)), ("i8", (-128, 127)), ("ui8", (0, 255)), ("i7", (-64, 63)), ("ui5", (0, 31)),
                             ("i16", (-32768, 32767)), ("ui16", (0, 65535)))
    weight = random.integers(pick(-127, -128), 128, [channels, 1] + kernel)
    if not number(0, 4):
        weight = np.where(random.random(weight.shape) < 0.5, -128, 127)
    bias = random.integers(-100000, 100000, [channels])
    x = random.integers(low, high + 1, [SAMPLES, batch] + sizes + [ins])
    if not number(0, 4):
        x = np.where(random.random(x.shape) < 0.5, low, high)
    inputs[f"a{index}"] = x
    last, first = [batch] + sizes + [ins], [batch, ins] + sizes
    arguments.append(f'%a{index}: {tensor(last, code)} {{qc.name = "a{index}"}}')
    bound = int((np.abs(weight).reshape(channels, -1).sum(1) * max(-low, high) + np.abs(bias)).max())
    w, b = constant(weight, "i8", np.int8), constant(bias, "i32", np.int32)
    forward, back = [0, rank + 1] + list(range(1, rank + 1)), [0] + list(range(2, rank + 2)) + [1]
    t = emit("qc.transpose", f"%a{index} {{permutation = {i64s(forward)}}}", f"{tensor(last, code)} -> {tensor(first, code)}")
    value = emit("qc.conv", f"{t}, {w}, {b} {{strides = {i64s(strides)}, pads = {i64s(pads)}, dilations = {i64s(dilations)}, groups = {ins}, "
                 f"pad_value = {number(low, high)}, acc_bound = {bound} : ui64}}",
                 f"({tensor(first, code)}, {tensor(weight.shape, 'i8')}, {tensor(bias.shape, 'i32')}) -> {tensor([batch, channels] + outs, 'i32')}")
    result = "i32"
    if number(0, 4):
        result = "i8"
        shifts = [23 + int(np.ceil(np.log2(bound / 100)))] * channels
        multipliers = ", ".join(str(m) for m in random.integers(1 << 23, 1 << 24, channels))
        value = emit("qc.requantize", f"{value} {{input_zero_points = array<i64: 0>, multipliers = array<i32: {multipliers}>, "
                     f"shifts = {i64s(shifts).replace('i64', 'i32')}, zero_point = {number(-128, 127)}, code_min = -128, code_max = 127, "
                     "rounding = #qc<rounding onnx>, axis = 1 : i64}",
                     f"({tensor([batch, channels] + outs, 'i32')}) -> {tensor([batch, channels] + outs, 'i8')}")
    value = emit("qc.transpose", f"{value} {{permutation = {i64s(back)}}}",
                 f"{tensor([batch, channels] + outs, result)} -> {tensor([batch] + outs + [channels], result)}")
    results.append((value, tensor([batch] + outs + [channels], result)))


for i in range(int(sys.argv[2])):
    depthwise(i)
with open(sys.argv[3], "w") as file:
    types = ", ".join(f'{type} {{qc.name = "r{i}"}}' for i, (_, type) in enumerate(results))
    print(f'module attributes {{qc.stage = "integer"}} {{\nfunc.func @run({", ".join(arguments)}) -> ({types}) {{', file=file)
    print("\n".join("  " + line for line in lines), file=file)
    print(f'  return {", ".join(v for v, _ in results)} : {", ".join(t for _, t in results)}\n}}\n}}', file=file)
np.savez(sys.argv[4], **{key: value.astype(get_dtype(key)) for key, value in inputs.items()})
