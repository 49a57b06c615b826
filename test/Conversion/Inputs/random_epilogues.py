"""Kernels whose accumulators pass through random requantizations, residual additions and tables, and a third as many without a main op.

random_epilogues.py SEED COUNT X.MLIR X.NPZ
"""
import sys
import numpy as np

ROUNDINGS = ["onnx", "onnx", "onnx", "ort", "tflite_double", "tflite_single", "pow2"]


def multiplier(rng, rounding, spread, kind):
    """mantissa, shift as rule N5 makes them, of a real number around 2^-spread."""
    exponent = int(spread + rng.integers(-2, 3))
    if rounding == "pow2":
        return 1, max(exponent, 0)
    bits = 31 if rounding.startswith("tflite") else 24
    if kind == "power":
        mantissa = 1 << (bits - 1)
    elif kind == "short":  # ties are possible
        mantissa = (int(rng.integers(8, 16)) | 1) << (bits - 4)
    else:
        mantissa = int(rng.integers(1 << (bits - 1), 1 << bits))
    shift = bits + exponent
    return mantissa, min(max(shift, 0), 62)


def limits(rng, unsigned):
    low, high = (0, 255) if unsigned else (-128, 127)
    if rng.integers(3) == 0:
        a, b = sorted(int(v) for v in rng.integers(low, high + 1, 2))
        if a < b:
            return low, high, a, b
    return low, high, low, high


def numbers(values):
    return ", ".join(str(int(v)) for v in values)


def requantize(rng, name, value, shape, code, spread, bound, rounding, per_channel):
    n = shape[-1]
    kind = ["power", "short", "any", "any"][rng.integers(4)]
    count = n if per_channel else 1
    pairs = []
    for _ in range(count):
        m, s = multiplier(rng, rounding, spread, "any" if rng.integers(4) == 0 and kind != "power" else kind)
        pairs.append((m, s))
    low, high, cmin, cmax = limits(rng, code == "ui8")
    zero = [low, 0 if code == "i8" else 128, int(rng.integers(low, high + 1))][rng.integers(3)]
    axis = f"axis = {len(shape) - 1} : i64, " if per_channel else ""
    shape_text = "x".join(map(str, shape))
    return (f"    %{name} = qc.requantize %{value} {{input_zero_points = array<i64: 0>, multipliers = array<i32: {numbers(m for m, _ in pairs)}>, "
            f"shifts = array<i32: {numbers(s for _, s in pairs)}>, {axis}zero_point = {zero} : i64, code_min = {cmin} : i64, code_max = {cmax} : i64, "
            f"rounding = #qc<rounding {rounding}>}} : (tensor<{shape_text}xi32>) -> tensor<{shape_text}x{code}>\n")


def residual(rng, name, values, codes, shape, code, rounding):
    scale = int(rng.integers(0, 3))
    if rounding == "pow2":
        ms, shift = [1, int(2 ** rng.integers(0, 3))], scale
    elif rng.integers(3) == 0:
        ms, shift = [1 << 23, 1 << int(rng.integers(20, 24))], 23 + scale
    else:
        ms, shift = [int(rng.integers(1 << 23, 1 << 24)), int(rng.integers(1 << 19, 1 << 24))], 23 + scale
    if rng.integers(2):
        ms.reverse()
    if rng.integers(4) == 0:
        ms[1] = -ms[1]
    low, high, cmin, cmax = limits(rng, code == "ui8")
    zeros = [int(rng.integers(*((0, 256) if c == "ui8" else (-128, 128)))) for c in codes]
    text = "x".join(map(str, shape))
    return (f"    %{name} = qc.requantize %{values[0]}, %{values[1]} {{input_zero_points = array<i64: {numbers(zeros)}>, "
            f"multipliers = array<i32: {numbers(ms)}>, shifts = array<i32: {shift}>, zero_point = {int(rng.integers(low, high + 1))} : i64, "
            f"code_min = {cmin} : i64, code_max = {cmax} : i64, rounding = #qc<rounding {rounding}>}} : "
            f"(tensor<{text}x{codes[0]}>, tensor<{text}x{codes[1]}>) -> tensor<{text}x{code}>\n")


def generate(seed, count, path, samples):
    rng = np.random.default_rng(seed)
    body, arguments, results, returned, arrays = "", [], [], [], {}

    def argument(name, shape, code):
        text = "x".join(map(str, shape))
        arguments.append(f'%{name}: tensor<{text}x{code}> {{qc.name = "{name}"}}')
        dtype = np.uint8 if code == "ui8" else np.int8
        info = np.iinfo(dtype)
        arrays[name] = rng.integers(info.min, info.max + 1, (1, *shape)).astype(dtype)

    for i in range(count):
        rounding = ROUNDINGS[rng.integers(len(ROUNDINGS))]
        m, k = int(rng.integers(1, 40)), int(rng.integers(1, 5))
        n = int([rng.integers(1, 71), rng.choice([7, 8, 9, 15, 16, 17, 31, 32, 33, 64])][rng.integers(2)])
        code = ["i8", "ui8"][rng.integers(2)]
        argument(f"x{i}", (m, k), "i8")
        w = rng.integers(-128, 128, (k, n))
        bias = rng.integers(-2000, 2001, n)
        bound = int((np.abs(w).sum(0) * 128 + np.abs(bias)).max())
        spread = np.log2(bound / 128) + rng.integers(-3, 2)
        if rng.integers(8) == 0:
            spread = rng.integers(-1, 16)
        per_channel = bool(rng.integers(2))
        body += f"    %w{i} = qc.constant dense<{w.tolist()}> : tensor<{k}x{n}xi8>\n"
        body += f"    %b{i} = qc.constant dense<{bias.tolist()}> : tensor<{n}xi32>\n"
        body += (f"    %a{i} = qc.matmul %x{i}, %w{i}, %b{i} {{acc_bound = {bound} : ui64}} : (tensor<{m}x{k}xi8>, tensor<{k}x{n}xi8>, tensor<{n}xi32>) "
                 f"-> tensor<{m}x{n}xi32>\n")
        body += requantize(rng, f"q{i}", f"a{i}", (m, n), code, spread, bound, rounding, per_channel)
        value = f"q{i}"
        if rng.integers(5) < 2:
            other, to = ["i8", "ui8"][rng.integers(2)], ["i8", "ui8"][rng.integers(2)]
            argument(f"r{i}", (m, n), other)
            operands, codes = [value, f"r{i}"], [code, other]
            if rng.integers(2):
                operands.reverse(), codes.reverse()
            body += residual(rng, f"s{i}", operands, codes, (m, n), to, rounding)
            value, code = f"s{i}", to
        if rng.integers(6) == 0:
            shape = f"{n}x256" if rng.integers(2) else "256"
            axis = "{axis = 1 : i64} " if "x" in shape else ""
            table = rng.integers(-128, 128, (n, 256) if axis else 256)
            body += f"    %t{i} = qc.constant dense<{table.tolist()}> : tensor<{shape}xi8>\n"
            body += f"    %l{i} = qc.lut %{value}, %t{i} {axis}: (tensor<{m}x{n}x{code}>, tensor<{shape}xi8>) -> tensor<{m}x{n}xi8>\n"
            value, code = f"l{i}", "i8"
        results.append(f'tensor<{m}x{n}x{code}> {{qc.name = "y{i}"}}')
        returned.append((value, f"tensor<{m}x{n}x{code}>"))

    # Scale changes and additions without a main op.
    for i in range(count, count + count // 3):
        rounding = ROUNDINGS[rng.integers(len(ROUNDINGS))]
        shape = (int(rng.integers(1, 9)), int(rng.integers(1, 71)))
        codes = [["i8", "ui8"][rng.integers(2)] for _ in range(3)]
        text = "x".join(map(str, shape))
        argument(f"x{i}", shape, codes[0])
        if rng.integers(3) == 0:
            low, high, cmin, cmax = limits(rng, codes[2] == "ui8")
            pairs = [multiplier(rng, rounding, int(rng.integers(0, 3)), ["any", "short", "power"][rng.integers(3)]) for _ in range(shape[1])]
            per_channel = bool(rng.integers(2))
            if not per_channel:
                pairs = pairs[:1]
            axis = "axis = 1 : i64, " if per_channel else ""
            body += (f"    %q{i} = qc.requantize %x{i} {{input_zero_points = array<i64: {int(rng.integers(0, 100))}>, multipliers = array<i32: {numbers(m for m, _ in pairs)}>, "
                     f"shifts = array<i32: {numbers(s for _, s in pairs)}>, {axis}zero_point = {int(rng.integers(low, high + 1))} : i64, code_min = {cmin} : i64, code_max = {cmax} : i64, "
                     f"rounding = #qc<rounding {rounding}>}} : (tensor<{text}x{codes[0]}>) -> tensor<{text}x{codes[2]}>\n")
        else:
            argument(f"r{i}", shape, codes[1])
            body += residual(rng, f"q{i}", [f"x{i}", f"r{i}"], codes[:2], shape, codes[2], rounding)
        results.append(f'tensor<{text}x{codes[2]}> {{qc.name = "y{i}"}}')
        returned.append((f"q{i}", f"tensor<{text}x{codes[2]}>"))

    with open(path, "w") as file:
        file.write('module attributes {qc.stage = "integer"} {\n')
        file.write(f"  func.func @run({', '.join(arguments)})\n      -> ({', '.join(results)}) {{\n{body}")
        file.write(f"    return {', '.join('%' + v for v, _ in returned)} : {', '.join(t for _, t in returned)}\n  }}\n}}\n")
    np.savez(samples, **arrays)


if __name__ == "__main__":
    generate(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
