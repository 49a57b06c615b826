"""The rounding contracts of docs/Numerics.md a second time, written on exact fractions and on the originals' C code, to compare with."""
import math
from fractions import Fraction

import numpy as np

CONTRACTS = ["onnx", "ort", "tflite-double", "tflite-single", "pow2"]


def half_up(value):
    return math.floor(value + Fraction(1, 2))


def f32(real):
    return Fraction(float(np.float32(real)))


def quantize_multiplier(real):
    """TFLite's QuantizeMultiplier."""
    if real == 0:
        return 0, 0
    q, shift = math.frexp(real)
    fixed = math.floor(abs(q) * 2**31 + 0.5)
    if fixed == 2**31:
        fixed //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return int(math.copysign(fixed, q)), shift


def trunc_div(a, b):
    return abs(a) // b * (1 if a >= 0 else -1)


def multiply_by_quantized_multiplier(x, multiplier, shift):
    """TFLite's MultiplyByQuantizedMultiplier on gemmlowp's primitives."""
    product = x * 2 ** max(shift, 0) * multiplier
    high = trunc_div(product + (2**30 if product >= 0 else 1 - 2**30), 2**31)
    exponent = max(-shift, 0)
    mask = 2**exponent - 1
    threshold = (mask >> 1) + (high < 0)
    return (high >> exponent) + ((high & mask) > threshold)


def scale(acc, real, contract):
    """acc * real, rounded by the contract; `real` is a double."""
    acc = int(acc)
    if contract == "onnx":
        return round(acc * f32(real))  # Python rounds fractions half to even
    if contract == "ort":
        return int(np.rint(np.float32(acc) * np.float32(real)))
    if contract == "pow2":
        return half_up(acc * f32(real))
    multiplier, shift = quantize_multiplier(real)
    if contract == "tflite-double":
        return multiply_by_quantized_multiplier(acc, multiplier, shift)
    return half_up(Fraction(acc * multiplier) * Fraction(2) ** (shift - 31))


def exponent_of(real, contract):
    """The number of bits behind the point of a multiplier on its own."""
    if contract.startswith("tflite"):
        return 31 - quantize_multiplier(real)[1]
    return 24 - math.frexp(float(np.float32(real)))[1]


def common(reals, contract):
    """Multipliers on one exponent, as exact fractions."""
    if contract == "pow2" and all(math.frexp(abs(r))[0] == 0.5 for r in reals):
        return [Fraction(r) for r in reals]
    bits = min(exponent_of(r, contract) for r in reals)
    result = []
    for r in reals:
        if contract.startswith("tflite"):
            multiplier, shift = quantize_multiplier(r)
            exact = Fraction(multiplier) * Fraction(2) ** (shift - 31)
        else:
            exact = f32(r)
        result.append(Fraction(round(exact * 2**bits), 2**bits))
    return result


def sum_scaled(terms, reals, contract):
    exact = sum(int(t) * m for t, m in zip(terms, common(reals, contract)))
    return round(exact) if contract in ("onnx", "ort") else half_up(exact)


def encode(values, scale_, zero, low, high):
    """N2 on real values."""
    quotient = (np.asarray(values, np.float64) / scale_).astype(np.float32)
    return np.clip(np.rint(quotient.astype(np.float64)) + zero, low, high).astype(np.int64)
