"""What the generators of random kernels share: draws from a seed (the first argument of the script) and the text of constants and ops."""
import sys

import numpy as np

random = np.random.default_rng(int(sys.argv[1]))
inputs, arguments, lines, results = {}, [], [], []


def number(low, high):
    return int(random.integers(low, high + 1))


def pick(*choices):
    return choices[number(0, len(choices) - 1)]


def tensor(shape, code):
    return f"tensor<{''.join(f'{d}x' for d in shape)}{code}>"


def i64s(values):
    return f"array<i64: {', '.join(str(int(v)) for v in values)}>"


def constant(values, code, dtype):
    text = f'"0x{values.astype(dtype).tobytes().hex().upper()}"' if values.size > 1 else str(int(values.flat[0]))
    return emit("qc.constant", f"dense<{text}>", tensor(values.shape, code))


def emit(op, rest, types):
    lines.append(f"%v{len(lines)} = {op} {rest} : {types}")
    return f"%v{len(lines) - 1}"


def window(rank, largest, kernels):
    """Input sizes, kernel, strides, dilations and pads that fit together, and the sizes of the result."""
    while True:
        sizes, kernel = [number(1, largest) for _ in range(rank)], [pick(*kernels) for _ in range(rank)]
        strides, dilations = [pick(1, 1, 2, 2, 3) for _ in range(rank)], [pick(1, 1, 1, 2, 3) for _ in range(rank)]
        pads = [pick(0, 1, 1, 2, 3) for _ in range(2 * rank)] if number(0, 2) else [0] * (2 * rank)
        padded = [sizes[i] + pads[i] + pads[rank + i] for i in range(rank)]
        seen = [dilations[i] * (kernel[i] - 1) + 1 for i in range(rank)]
        if all(padded[i] >= seen[i] for i in range(rank)):
            return sizes, kernel, strides, dilations, pads, [(padded[i] - seen[i]) // strides[i] + 1 for i in range(rank)]


def transposed_window(rank, largest, kernels, longest_stride):
    """The same for a transposed convolution, and what is added at the end of each dimension of the result."""
    while True:
        sizes, kernel = [number(1, largest) for _ in range(rank)], [pick(*kernels) for _ in range(rank)]
        strides, dilations = [pick(1, 2, 2, 2, 3, number(1, longest_stride)) for _ in range(rank)], [pick(1, 1, 1, 2, 3) for _ in range(rank)]
        pads = [pick(0, 1, 1, 2, 3) for _ in range(2 * rank)] if number(0, 2) else [0] * (2 * rank)
        extra = [number(0, max(strides[i], dilations[i]) - 1) if number(0, 1) else 0 for i in range(rank)]
        outs = [strides[i] * (sizes[i] - 1) + extra[i] + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[rank + i] for i in range(rank)]
        if min(outs) >= 1:
            return sizes, kernel, strides, dilations, pads, extra, outs


def get_dtype(name):
    """Of the array for an argument of the function."""
    code = next(argument for argument in arguments if argument.startswith(f"%{name}:")).split(">")[0].split("x")[-1]
    return np.dtype(f"{'u' if code[0] == 'u' else ''}int{16 if int(code.strip('ui')) > 8 else 8}")
