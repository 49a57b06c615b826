"""Functions without arguments on random quantized constants, one op each: random_quantized.py SEED CONTRACT"""
import random
import sys

rng = random.Random(int(sys.argv[1]))
contract = sys.argv[2]
pow2 = contract == "pow2"
CODES = [("i8", -128, 127), ("u8", 0, 255), ("i4", -8, 7), ("u5", 0, 31), ("i16", -32768, 32767)]
lines, count = [], 0


def scale(low=-6, high=3):
    return 2.0 ** rng.randint(low, high) if pow2 else rng.uniform(0.7, 1.4) * 2.0 ** rng.randint(low, high)


def affine(codes=CODES, exponents=(-6, 3)):
    name, low, high = rng.choice(codes)
    return name, low, high, f"!quant.uniform<{name}:f32, {scale(*exponents)!r}:{rng.randint(low, high)}>"


def dims(shape):
    return "".join(f"{d}x" for d in shape)


def literal(values, shape):
    if not shape:
        return str(next(values))
    return "[" + ", ".join(literal(values, shape[1:]) for _ in range(shape[0])) + "]"


def constant(name, shape, low, high, code, element):
    values = iter(lambda: rng.randint(low, high), None)
    code = "ui" + code[1:] if code[0] == "u" else code
    lines.append(f"  %{name} = qc.constant dense<{literal(values, shape)}> : tensor<{dims(shape)}{code}> -> tensor<{dims(shape)}{element}>")
    return f"tensor<{dims(shape)}{element}>"


def activation(name, shape, codes=CODES):
    code, low, high, element = affine(codes)
    return constant(name, shape, low, high, code, element), element


def array(values):
    return "array<i64: " + ", ".join(map(str, values)) + ">"


def function(op, shape, body):
    """`body(result type)` gives the op's text; its result is dequantized by nothing: codes are compared."""
    global count
    count += 1
    result = f"tensor<{dims(shape)}{affine(exponents=(-3, 6))[3]}>"
    head = f'func.func @{op}_{count}() -> {result} attributes {{qc.requant = "{contract}"}} {{'
    mark = len(lines)
    text = body(result)
    lines.insert(mark, head)
    lines.extend([f"  %y = {text}", f"  return %y : {result}", "}"])


def clamps():
    return "".join([f", clamp_min = {rng.uniform(-3, 0):.3f} : f32" if rng.random() < 0.3 else "",
                    f", clamp_max = {rng.uniform(0, 3):.3f} : f32" if rng.random() < 0.3 else ""])


def conv(transposed):
    groups = rng.choice([1, 1, 2, 3])
    n, ci, co = rng.choice([1, 2]), groups * rng.randint(1, 3), groups * rng.randint(1, 3)
    size, kernel = [rng.randint(5, 6), rng.randint(5, 6)], [rng.randint(1, 3), rng.randint(1, 3)]
    strides, dilations = [rng.randint(1, 2), rng.randint(1, 2)], [1, rng.randint(1, 2)]
    pads = [rng.randint(0, 2) for _ in range(4)] if not transposed else [0, 0, 0, 0]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    if transposed:
        out = [s * (x - 1) + r for s, x, r in zip(strides, size, reach)]
        weight, channel_axis = [ci, co // groups, *kernel], 1
    else:
        out = [(x + a + b - r) // s + 1 for x, a, b, r, s in zip(size, pads[:2], pads[2:], reach, strides)]
        weight, channel_axis = [co, ci // groups, *kernel], 0

    def body(result):
        x, element = activation("x", [n, ci, *size], [c for c in CODES if c[0] != "i16"])
        bits = rng.choice([3, 4, 8])
        top = 2 ** (bits - 1) - 1
        per_axis = not (transposed and groups > 1)
        scales = [scale(-8, -4) for _ in range(co if per_axis else 1)]
        axis = f":{channel_axis}, {{{', '.join(map(repr, scales))}}}" if per_axis else f", {scales[0]!r}"
        w = constant("w", weight, -top, top, f"i{bits}", f"!quant.uniform<i{bits}<-{top}:{top}>:f32{axis}>")
        operands, types = "%x, %w", [x, w]
        if rng.random() < 0.7:
            sx = float(element.split(", ")[1].split(":")[0])
            products = [sx * s for s in (scales if per_axis else scales)]
            b_axis = f":0, {{{', '.join(map(repr, products))}}}" if per_axis else f", {products[0]!r}"
            types.append(constant("b", [co], -3000, 3000, "i32", f"!quant.uniform<i32:f32{b_axis}>"))
            operands += ", %b"
        extra = f", output_padding = {array([0, 0])}" if transposed else ""
        op = "conv_transpose" if transposed else "conv"
        return (f"qc.{op} {operands} {{strides = {array(strides)}, pads = {array(pads)}, dilations = {array(dilations)}, groups = {groups}"
                f"{extra}{clamps()}}} : ({', '.join(types)}) -> {result}")
    function("conv_transpose" if transposed else "conv", [n, co, *out], body)


def matmul():
    m, k, n = rng.randint(1, 4), rng.randint(1, 9), rng.randint(1, 5)

    def body(result):
        small = [c for c in CODES if c[0] != "i16"]
        a, _ = activation("a", [m, k], small)
        if rng.random() < 0.5:
            b, _ = activation("b", [k, n], small)
        else:
            scales = ", ".join(repr(scale(-8, -4)) for _ in range(n))
            b = constant("b", [k, n], -127, 127, "i8", f"!quant.uniform<i8<-127:127>:f32:1, {{{scales}}}>")
        return f"qc.matmul %a, %b {{{clamps().lstrip(', ')}}} : ({a}, {b}) -> {result}"
    function("matmul", [m, n], body)


def binary(op):
    shape = [rng.randint(1, 3), rng.randint(2, 4), rng.randint(2, 5)]
    other = rng.choice([shape, [shape[1], 1], [1, 1, shape[2]]])

    def body(result):
        a, _ = activation("a", shape)
        b, _ = activation("b", other)
        return f"qc.{op} %a, %b {{{clamps().lstrip(', ')}}} : ({a}, {b}) -> {result}"
    function(op, shape, body)


def unary(op, text, codes=CODES):
    shape = [rng.randint(1, 2), rng.randint(1, 3), 4]

    def body(result):
        x, _ = activation("x", shape, codes)
        return f"{text} : {x} -> {result}"
    function(op, shape, body)


def pool(kind):
    size, kernel = [rng.randint(5, 6), rng.randint(5, 6)], [rng.randint(1, 3), rng.randint(1, 3)]
    strides = [rng.randint(1, 2), rng.randint(1, 2)]
    pads = [rng.randint(0, k - 1) for k in kernel * 2]
    out = [(x + a + b - k) // s + 1 for x, a, b, k, s in zip(size, pads[:2], pads[2:], kernel, strides)]
    include = ", count_include_pad" if rng.random() < 0.5 else ""

    def body(result):
        x, element = activation("x", [1, 2, *size])
        return (f"qc.pool {kind} %x {{kernel = {array(kernel)}, strides = {array(strides)}, pads = {array(pads)}, dilations = {array([1, 1])}{include}}}"
                f" : {x} -> {result}")
    function("pool_" + kind, [1, 2, *out], body)


def reduce(kind):
    shape = [2, 3, 4]

    def body(result):
        x, _ = activation("x", shape)
        return f"qc.reduce {kind} %x {{axes = {array([1, 2])}, keep_dims}} : {x} -> {result}"
    function("reduce_" + kind, [2, 1, 1], body)


def concat():
    def body(result):
        a, _ = activation("a", [1, 2, 3])
        b, _ = activation("b", [1, 3, 3])
        return f"qc.concat %a, %b {{axis = 1}} : ({a}, {b}) -> {result}"
    function("concat", [1, 5, 3], body)


def moves():
    def body(result):
        x, _ = activation("x", [2, 3])
        return f"qc.transpose %x {{permutation = {array([1, 0])}}} : {x} -> {result}"
    function("transpose", [3, 2], body)

    def padded(result):
        x, _ = activation("x", [2, 3])
        return f"qc.pad %x {{low = {array([1, 0])}, high = {array([0, 2])}, value = {rng.uniform(-1, 1):.3f} : f32}} : {x} -> {result}"
    function("pad", [3, 5], padded)


for _ in range(8):
    conv(False)
    conv(True)
    matmul()
    for op in ("add", "sub", "mul"):
        binary(op)
    unary("clamp", f"qc.clamp %x {{clamp_min = {rng.uniform(-2, 0):.3f} : f32}}")
    for kind in ("sigmoid", "tanh", "hard_swish"):
        unary(kind, f"qc.activation {kind} %x")
    unary("leaky_relu", "qc.activation leaky_relu %x {alpha = 0.125 : f32}")
    unary("hard_sigmoid", "qc.activation hard_sigmoid %x {alpha = 0.2 : f32, beta = 0.5 : f32}")
    for kind in ("max", "average"):
        pool(kind)
    for kind in ("mean", "sum", "max", "min"):
        reduce(kind)
    concat()
    moves()
print("\n".join(lines))
