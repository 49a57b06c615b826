"""generate OUT.mlir: qc.requantize in every contract on many accumulators and multipliers. check OUT.txt: what the evaluator printed."""
import random
import sys
from fractions import Fraction

import contracts

LOW, HIGH = -(2**31), 2**31 - 1


def cases():
    rng = random.Random(7)
    for contract in contracts.CONTRACTS:
        for _ in range(60):
            bits = 31 if contract.startswith("tflite") else 24
            mantissa = 1 if contract == "pow2" else rng.randrange(2 ** (bits - 1), 2**bits) | 1
            shift = rng.choice([1, 8, 22, 23, 24, 30, 31, 32, 33, 38, 45, 62])
            if rng.random() < 0.3:
                mantissa, shift = 1 << (bits - 2), bits - 2 + rng.randrange(0, 8)  # a power of two: ties abound
            if contract.startswith("tflite"):
                shift = max(shift, 1)
            if rng.random() < 0.2:
                mantissa = -mantissa
            accs = [rng.randrange(-40, 41) for _ in range(20)]
            accs += [rng.randrange(LOW, HIGH) >> rng.randrange(0, 24) for _ in range(20)]
            accs += [LOW + 1, HIGH, 0, 2**24 + 1, -(2**24) - 1, 2**25 + 2]
            for _ in range(20):  # next to the ties of this multiplier
                target = Fraction(2 * rng.randrange(-300, 300) + 1, 2) * 2**shift / mantissa
                accs += [a for a in (int(target) - 1, int(target), int(target) + 1) if LOW < a <= HIGH]
            yield contract, mantissa, shift, accs


def expected(contract, mantissa, shift, acc):
    exact = Fraction(mantissa, 2**shift)
    if contract.startswith("tflite"):
        if contract == "tflite-double":
            return contracts.multiply_by_quantized_multiplier(acc, mantissa, 31 - shift)
        return contracts.half_up(acc * exact)
    return contracts.scale(acc, float(exact), contract)  # a 24-bit mantissa is exact in f32


def generate(path):
    with open(path, "w") as out:
        for i, (contract, mantissa, shift, accs) in enumerate(cases()):
            n = len(accs)
            out.write(f"""func.func @requantize_{i}() -> tensor<{n}xi64> {{
  %x = qc.constant dense<[{', '.join(map(str, accs))}]> : tensor<{n}xi32>
  %y = qc.requantize %x {{input_zero_points = array<i64: 0>, multipliers = array<i32: {mantissa}>, shifts = array<i32: {shift}>, zero_point = 0,
    code_min = -9223372036854775807, code_max = 9223372036854775807, rounding = #qc<rounding {contract.replace('-', '_')}>}}
    : (tensor<{n}xi32>) -> tensor<{n}xi64>
  return %y : tensor<{n}xi64>
}}
""")


def check(path):
    count = 0
    with open(path) as lines:
        for case, line in zip(cases(), lines, strict=True):
            contract, mantissa, shift, accs = case
            got = [int(v) for v in line.split("[")[1].rstrip("]\n").split(",")]
            for acc, value in zip(accs, got, strict=True):
                want = expected(contract, mantissa, shift, acc)
                if value != want:
                    sys.exit(f"{contract}: {acc} * {mantissa} * 2^-{shift} gave {value}, expected {want}")
                count += 1
    print(f"{count} values agree")


{"generate": generate, "check": check}[sys.argv[1]](sys.argv[2])
