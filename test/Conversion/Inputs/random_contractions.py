"""Random convolutions, transposed ones and products, channels last: random_contractions.py SEED COUNT graph.mlir inputs.npz (a module at stage
`integer`)

Sizes are drawn around those of vectors and tiles, so that every remainder occurs; weights and codes are extreme now and then."""
import sys

import numpy as np

from random_cases import arguments, constant, emit, get_dtype, i64s, inputs, lines, number, pick, random, results, tensor, transposed_window, window

NEAR = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 20, 23, 24, 25, 31, 32, 33, 40, 47, 48, 49, 63, 64, 65, 70]
SAMPLES = 2


def size():
    return pick(pick(*NEAR), number(1, 70))


# Weights of few bits.
FEW = ([-1, 1], [-1, 1], [0, 1], [-1, 0, 1], [-2, -1, 0, 1], [-3, -1, 1, 3], [1, 3, 5, 7], [-4, -3, 0, 3], [-8, -1, 0, 7], [-7, -5, 1, 7], range(-7, 8),
       range(-15, 16), [-16, -9, 0, 3, 15], [1, 31], [-9, -3, 7, 21], range(-31, 32), [-32, -5, 0, 1, 31], [0, 9, 63])


def operands(depth, weight_shape, x_shape, channels):
    """Code, its limits, the zero point's row of weights and bias, and the bound of the accumulators."""
    code, (low, high) = pick(("i8", (-128, 127)), ("i8", (-128, 127)), ("ui8", (0, 255)))
    wide = not number(0, 4)
    if wide:
        code, (low, high) = pick(("i16", (-32768, 32767)), ("i16", (-32768, 32767)), ("ui16", (0, 65535)), ("i12", (-2048, 2047)))
    elif not number(0, 4):
        code, (low, high) = pick(("i7", (-64, 63)), ("ui7", (0, 127)), ("i4", (-8, 7)), ("ui5", (0, 31)))
    weight = random.integers(-128, 128, weight_shape)
    if not number(0, 3):
        weight = np.where(random.random(weight.shape) < pick(0, 0.5, 1), -128, 127)
    elif not number(0, 3):  # narrow: pairs of products fit 16 bits
        weight = weight // pick(2, 4, 8, 16)
    elif number(0, 1):  # few bits, of which some values need a step of two or have no zero
        weight = random.choice(pick(*FEW), weight_shape)
    bias = random.integers(-100000, 100000, channels)
    x = random.integers(low, high + 1, [SAMPLES] + x_shape)
    if not number(0, 3):
        x = np.where(random.random(x.shape) < pick(0, 0.5, 1), low, high)
    while wide and np.abs(weight).sum(axis=depth).max() * 65535 * 2 + np.abs(bias).max() >= 1 << 31:  # also with a zero point
        weight = weight // 2 + (weight < 0)
    return code, low, high, weight, bias, x, get_bound(np.abs(weight).sum(axis=depth), max(-low, high), bias)


def get_bound(weights, code, bias):
    return int((weights * code + np.abs(bias)).max())


def share_factors(weight, axis, high):
    """Codes of four bits times a factor for each 32, 24 or 16 inputs of a channel, now and then; else as it is."""
    inputs = weight.shape[axis]
    lengths = [each for each in (32, 24, 16) if inputs % each == 0]
    if not lengths or high > 255 or number(0, 2):
        return weight
    length = pick(*lengths)
    codes = random.integers(-8, 8, weight.shape) if number(0, 1) else random.choice([-7, -1, 0, 3, 7], weight.shape)
    factors = list(weight.shape)
    factors[axis] //= length
    signs = random.choice(pick([1], [-1, 1]), factors)
    return codes * (signs * random.integers(1, pick(2, 5, 16), factors)).repeat(length, axis)


def requantize(value, shape, axis, bound):
    """Codes, or the accumulators as they are."""
    if not number(0, 3):
        return value, "i32"
    channels = shape[axis]
    code, low, high = pick(("i8", -128, 127), ("i8", -128, 127), ("i16", -32768, 32767), ("i16", -30000, 32767), ("ui16", 0, 65535), ("i12", -2048, 2047))
    shifts = [max(1, 23 + int(np.ceil(np.log2(bound / high))) - number(0, 4)) for _ in range(channels)]
    multipliers = random.integers(1 << 23, 1 << 24, channels)
    if not number(0, 2):  # sums that lie between two codes
        multipliers = multipliers >> number(16, 22) << 22
        multipliers = np.maximum(multipliers, 1 << 22)
    result = emit("qc.requantize", f"{value} {{input_zero_points = array<i64: 0>, multipliers = array<i32: {', '.join(map(str, multipliers))}>, "
                  f"shifts = {i64s(shifts).replace('i64', 'i32')}, zero_point = {number(max(low, -128), 127)}, code_min = {low}, code_max = {high}, "
                  f"rounding = #qc<rounding onnx>, axis = {axis} : i64}}", f"({tensor(shape, 'i32')}) -> {tensor(shape, code)}")
    if axis + 1 == len(shape) and code == "i16":
        while not number(0, 1):
            result = add(result, shape)
        if not number(0, 2):
            return pieces(result, shape, "i16")
    return result, code


def add(value, shape):
    """The sum of 16-bit codes and those of another input, of which many lie between two codes."""
    code, low, high = pick(("i8", -128, 127), ("ui8", 0, 255), ("i16", -32768, 32767))
    argument(f"s{len(arguments)}", shape, code, random.integers(low, high + 1, [SAMPLES] + shape))
    name, position = arguments[-1].split(":")[0], number(0, 1)
    order = [(name, code, number(low, high) if code != "i16" else 0), (value, "i16", pick(0, number(-999, 999)))]
    order = order[::-1] if position else order
    scale = pick(1, 1 << number(8, 23))
    multipliers = [max(1, int(m) // scale) * scale for m in random.integers(1 << 20, 1 << 24, 2)]
    low, high = pick((-32768, 32767), (-32768, 32767), (-32767, 20000))
    return emit("qc.requantize", f"{order[0][0]}, {order[1][0]} {{input_zero_points = array<i64: {order[0][2]}, {order[1][2]}>, "
                f"multipliers = array<i32: {multipliers[0]}, {multipliers[1]}>, shifts = array<i32: {number(23, 25)}>, "
                f"zero_point = {pick(0, number(-99, 99))}, code_min = {low}, code_max = {high}, rounding = #qc<rounding {pick('onnx', 'onnx', 'pow2')}>}}",
                f"({tensor(shape, order[0][1])}, {tensor(shape, order[1][1])}) -> {tensor(shape, 'i16')}")


def pieces(value, shape, code):
    """Straight pieces of one length."""
    low, high = {"i16": (-32768, 32767), "ui16": (0, 65535), "i12": (-2048, 2047)}[code]
    count = 1 << number(1, 8)
    length, shift = (high - low + 1) // count, number(0, 16)
    to, least, most = pick(("i16", -32768, 32767), ("i16", -32768, 32767), ("i16", -32000, 999), ("i8", -128, 127), ("ui16", 0, 65535))
    slopes = random.integers(-15000, 15001, count)
    starts = low + length * np.arange(count)
    intercepts = random.integers(-(1 << 28), 1 << 28, count) - slopes * starts // 2
    join = ", ".join
    return emit("qc.pwl", f"{value} {{knots = array<i32: {join(map(str, starts[1:]))}>, slopes = array<i32: {join(map(str, slopes))}>, "
                f"intercepts = array<i32: {join(map(str, intercepts))}>, shift = {shift}, code_min = {least}, code_max = {most}, "
                "max_error = 0.0 : f64, mean_error = 0.0 : f64}", f"{tensor(shape, code)} -> {tensor(shape, to)}"), to


def argument(index, shape, code, values):
    inputs[f"a{index}"] = values
    arguments.append(f'%a{index}: {tensor(shape, code)} {{qc.name = "a{index}"}}')


def convolution(index):
    rank, groups = pick(1, 2, 2, 2), pick(1, 1, 1, 1, 2, 3)
    shape = window(rank, 12, (1, 1, 1, 2, 3, 3, 3, 4, 5, 7))
    ins, channels = max(size() // groups, 1), max(size() // groups, 1) * groups
    if number(0, 1) and not number(0, 2):
        ins = number(1, 4)
    convolve(index, rank, groups, ins, channels, shape)


def convolution_3x3(index):
    """Of stride 1 and many channels, which may multiply less than it has products."""
    while True:
        sizes, pads = [number(1, pick(4, 20)) for _ in range(2)], [pick(0, 1, 1, 1, 2) for _ in range(4)]
        outs = [sizes[i] + pads[i] + pads[2 + i] - 2 for i in range(2)]
        if min(outs) >= 1:
            break
    convolve(index, 2, 1, 8 * number(1, pick(4, 8, 12)), size(), (sizes, [3, 3], [1, 1], [1, 1], pads, outs))


def convolve(index, rank, groups, ins, channels, shape):
    batch, (sizes, kernel, strides, dilations, pads, outs) = pick(1, 1, 1, 2), shape
    last, first = [batch] + sizes + [ins * groups], [batch, ins * groups] + sizes
    axes = tuple(range(1, rank + 2))
    code, low, high, weight, bias, x, bound = operands(axes, [channels, ins] + kernel, last, channels)
    if groups == 1:
        weight = share_factors(weight, 1, high)
        bound = get_bound(np.abs(weight).sum(axis=axes), max(-low, high), bias)
    argument(index, last, code, x)
    w, b = constant(weight, "i8", np.int8), constant(bias, "i32", np.int32)
    forward, back = [0, rank + 1] + list(range(1, rank + 1)), [0] + list(range(2, rank + 2)) + [1]
    t = emit("qc.transpose", f"%a{index} {{permutation = {i64s(forward)}}}", f"{tensor(last, code)} -> {tensor(first, code)}")
    to = [batch, channels] + outs
    value = emit("qc.conv", f"{t}, {w}, {b} {{strides = {i64s(strides)}, pads = {i64s(pads)}, dilations = {i64s(dilations)}, groups = {groups}, "
                 f"pad_value = {number(low, high)}, acc_bound = {bound} : ui64}}",
                 f"({tensor(first, code)}, {tensor(weight.shape, 'i8')}, {tensor(bias.shape, 'i32')}) -> {tensor(to, 'i32')}")
    value, result = requantize(value, to, 1, bound)
    from_shape, to = to, [batch] + outs + [channels]
    value = emit("qc.transpose", f"{value} {{permutation = {i64s(back)}}}", f"{tensor(from_shape, result)} -> {tensor(to, result)}")
    results.append((value, tensor(to, result)))


def transposed(index):
    rank, batch, groups = pick(1, 2, 2, 2), pick(1, 1, 1, 2), pick(1, 1, 1, 2, 3)
    sizes, kernel, strides, dilations, pads, extra, outs = transposed_window(rank, 8, (1, 2, 2, 3, 3, 4, 5), 5)
    ins, per_group = max(size() // groups, 1), max(size() // groups, 1)
    if not number(0, 4):  # one input and one output channel a group
        groups, ins, per_group = size(), 1, 1
    channels = groups * per_group
    last, first = [batch] + sizes + [ins * groups], [batch, ins * groups] + sizes
    code, low, high, weight, bias, x, _ = operands((1, 3), [groups, ins, per_group, int(np.prod(kernel))], last, (groups, per_group))
    zero, bias = number(low, high), bias.flatten()
    bound = get_bound(np.abs(weight).sum(axis=(1, 3)).flatten(), max(abs(low - zero), abs(high - zero)), bias)
    weight = weight.reshape([ins * groups, per_group] + kernel)
    argument(index, last, code, x)
    w, b = constant(weight, "i8", np.int8), constant(bias, "i32", np.int32)
    forward, back = [0, rank + 1] + list(range(1, rank + 1)), [0] + list(range(2, rank + 2)) + [1]
    t = emit("qc.transpose", f"%a{index} {{permutation = {i64s(forward)}}}", f"{tensor(last, code)} -> {tensor(first, code)}")
    to = [batch, channels] + outs
    value = emit("qc.conv_transpose", f"{t}, {w}, {b} {{strides = {i64s(strides)}, pads = {i64s(pads)}, output_padding = {i64s(extra)}, "
                 f"dilations = {i64s(dilations)}, groups = {groups}, input_zero_point = {zero}, acc_bound = {bound} : ui64}}",
                 f"({tensor(first, code)}, {tensor(weight.shape, 'i8')}, {tensor(bias.shape, 'i32')}) -> {tensor(to, 'i32')}")
    value, result = requantize(value, to, 1, bound)
    from_shape, to = to, [batch] + outs + [channels]
    value = emit("qc.transpose", f"{value} {{permutation = {i64s(back)}}}", f"{tensor(from_shape, result)} -> {tensor(to, result)}")
    results.append((value, tensor(to, result)))


def product(index):
    rows, depth, channels = pick(1, size()), size(), size()
    if not number(0, 3):
        depth, channels = number(1, 300), number(1, 200)
    elif not number(0, 2):
        depth = 32 * number(1, 8)
    code, low, high, weight, bias, x, bound = operands(0, [depth, channels], [rows, depth], channels)
    centered = ""
    if rows == 1 and depth % 32 == 0 and number(0, 1):  # one position unpacks whole chains
        weight = random.choice(pick(*FEW), weight.shape)
        bound = get_bound(np.abs(weight).sum(axis=0), max(-low, high), bias)
    if high - low == 255 and not number(0, 1):  # most are small: chains that depend on activations, which some of these forbid
        x = np.clip(np.rint(random.standard_normal(x.shape) * pick(8, 32, 64)) + (low + high + 1) // 2, low, high).astype(x.dtype)
        centered = "qc.centered, "
        if number(0, 2):
            weight = np.maximum(weight, -127)
            bound = get_bound(np.abs(weight).sum(axis=0), max(-low, high), bias)
    weight = share_factors(weight, 0, high)
    bound = get_bound(np.abs(weight).sum(axis=0), max(-low, high), bias)
    argument(index, [rows, depth], code, x)
    w, b, to = constant(weight, "i8", np.int8), constant(bias, "i32", np.int32), [rows, channels]
    value = emit("qc.matmul", f"%a{index}, {w}, {b} {{{centered}acc_bound = {bound} : ui64}}",
                 f"({tensor([rows, depth], code)}, {tensor([depth, channels], 'i8')}, {tensor([channels], 'i32')}) -> {tensor(to, 'i32')}")
    value, result = requantize(value, to, 1, bound)
    results.append((value, tensor(to, result)))


def product_of_activations(index):
    """Several matrices on both sides, some of which share one on the right; 16 bits on one side at most."""
    batch, rows, depth, channels = pick([], [], [2], [3], [1, 2], [2, 3], [2, 1, 3]), size(), size(), size()
    codes = [("i8", -128, 127), ("ui8", 0, 255), ("i4", -8, 7), ("ui6", 0, 63)]
    sides = [pick(*codes), pick(*codes)]
    if not number(0, 2):
        sides[number(0, 1)] = ("i16", -32768, 32767)
    names, types, bound, zeros = [], [], depth, []
    for side, ((code, low, high), shape) in enumerate(zip(sides, [batch + [rows, depth], batch + [depth, channels]])):
        if side and not number(0, 3):
            kept = number(0, len(batch))
            shape = batch[:kept] + [1] * (len(batch) - kept) + shape[-2:] if number(0, 1) else shape[-2:]
        values = random.integers(low, high + 1, [SAMPLES] + shape)
        if not number(0, 3):
            values = np.where(random.random(values.shape) < pick(0, 0.5, 1), low, high)
        zeros.append(0 if code == "i16" else pick(low, high, number(low, high)))
        bound *= max(abs(low - zeros[-1]), abs(high - zeros[-1]))
        argument(f"{index}_{side}", shape, code, values)
        names.append(f"%a{index}_{side}")
        types.append(tensor(shape, code))
    to = batch + [rows, channels]
    value = emit("qc.matmul", f"{', '.join(names)} {{lhs_zero_point = {zeros[0]}, rhs_zero_point = {zeros[1]}, acc_bound = {bound} : ui64}}",
                 f"({', '.join(types)}) -> {tensor(to, 'i32')}")
    value, result = requantize(value, to, len(to) - 1, bound)
    results.append((value, tensor(to, result)))


def product_of_elements(index):
    shape, bound, zeros = [pick(1, size()), size()], 1, []
    for side in range(2):
        code, low, high = pick(("i8", -128, 127), ("ui8", 0, 255), ("ui6", 0, 63), ("i16", -32767, 32767))
        zeros.append(0 if code == "i16" else number(low, high))
        low_code = -32768 if code == "i16" else low
        bound *= max(abs(low_code - zeros[-1]), abs(high - zeros[-1]))
        argument(f"{index}_{side}", shape, code, random.integers(low, high + 1, [SAMPLES] + shape))
    types = ", ".join(tensor(shape, argument.split("x")[-1].split(">")[0]) for argument in arguments[-2:])
    value = emit("qc.mul", f"%a{index}_0, %a{index}_1 {{lhs_zero_point = {zeros[0]}, rhs_zero_point = {zeros[1]}, acc_bound = {bound} : ui64}}",
                 f"({types}) -> {tensor(shape, 'i32')}")
    value, result = requantize(value, shape, 1, bound)
    results.append((value, tensor(shape, result)))


def pieces_of_parts(index):
    """Pieces of an input, and of parts of it, which others read as well."""
    shape, code = [pick(1, 2, 3), size(), size()], pick("i16", "i16", "ui16", "i12")
    low, high = {"i16": (-32768, 32767), "ui16": (0, 65535), "i12": (-2048, 2047)}[code]
    argument(index, shape, code, random.integers(low, high + 1, [SAMPLES] + shape))
    value = f"%a{index}"
    if number(0, 1):
        value, code = pieces(value, shape, code)
    for _ in range(2 if code in ("i16", "ui16") else 0):
        starts = [number(0, size - 1) for size in shape]
        sizes = [number(1, size - start) for size, start in zip(shape, starts)]
        part = emit("qc.slice", f"{value} {{starts = {i64s(starts)}, sizes = {i64s(sizes)}, steps = {i64s([1] * 3)}}}",
                    f"{tensor(shape, code)} -> {tensor(sizes, code)}")
        result, to = pieces(part, sizes, code)
        results.append((result, tensor(sizes, to)))


kinds = [convolution, transposed, convolution, product, convolution_3x3, product_of_activations, product_of_elements, pieces_of_parts]
for i in range(int(sys.argv[2])):
    kinds[i % len(kinds)](i)
with open(sys.argv[3], "w") as file:
    types = ", ".join(f'{type} {{qc.name = "r{i}"}}' for i, (_, type) in enumerate(results))
    print(f'module attributes {{qc.stage = "integer"}} {{\nfunc.func @run({", ".join(arguments)}) -> ({types}) {{', file=file)
    print("\n".join("  " + line for line in lines), file=file)
    print(f'  return {", ".join(v for v, _ in results)} : {", ".join(t for _, t in results)}\n}}\n}}', file=file)
np.savez(sys.argv[4], **{key: value.astype(get_dtype(key)) for key, value in inputs.items()})
