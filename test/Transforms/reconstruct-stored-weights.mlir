// Stored weights (qc.decode) by what samples bring: codes and the scales of groups, for the network as it computes with what is stored.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: %python %t/samples.py %t

// Three inputs that are always alike: one code stands for the sum of three weights that are each nearest to 0. What was rounded is not kept.
// RUN: qopt %t/alike.mlir --pass-pipeline='builtin.module(func.func(qc-store-weights{weights=i2 keep-reals=true}),qc-reconstruct-weights{samples=%t/alike.npz bias-correction=false damping=1e-6})' 2>&1 | FileCheck %s --check-prefix=ALIKE
// ALIKE: remark: {{.*}}the moments of the inputs of 'fc' have rank 2 of 4 (16 rows of 16 samples)
// ALIKE: qc.rounding = [{bits = 2 : i64, damping = {{.*}}, depth = 4 : i64, method = "sequential", name = "fc", rank = 2 : i64, {{.*}}, sqnr_after = {{[6-9][0-9]\.[0-9]*}} : f64, sqnr_before = {{1?[0-9]\.[0-9]*}} : f64}], qc.stored = [{bytes = 5 : i64, code = "i2"
// ALIKE-NOT: qc.reals
// ALIKE: qc.constant dense<{{\[\[}}-1], [0], [0], [-2]]> : tensor<4x1xi2>
// ALIKE: qc.constant dense<{{-0.49999.*|-0.50000.*|-5.000000e-01}}> : tensor<1x1xf32>
// ALIKE-NOT: qc.reals

// Every layer is nearer to the float network than with nearest codes: convolutions of several taps, depthwise ones, products with a shorter last group, what stands behind a table of
// four bits. Codes and numbers of scales are those that were stored. Threads change nothing.
// RUN: qopt %t/net.mlir --pass-pipeline='builtin.module(func.func(qc-store-weights{weights=i3/32,embedding=i4/32 keep-reals=true}))' -o %t/stored.mlir
// RUN: qopt %t/stored.mlir --qc-reconstruct-weights=samples=%t/net.npz -o %t/rounded.mlir
// RUN: qopt %t/stored.mlir --mlir-disable-threading --qc-reconstruct-weights=samples=%t/net.npz -o %t/again.mlir
// RUN: cmp %t/rounded.mlir %t/again.mlir
// RUN: qopt %t/stored.mlir --qc-reconstruct-weights="samples=%t/net.npz order=natural progressive=false bias-correction=false" -o %t/apart.mlir
// RUN: not cmp %t/rounded.mlir %t/apart.mlir
// RUN: %python %t/judge.py %t/stored.mlir %t/rounded.mlir %t/apart.mlir
// RUN: qopt %t/image.mlir --pass-pipeline='builtin.module(func.func(qc-store-weights{weights=i3/32 keep-reals=true}))' -o %t/image-stored.mlir
// RUN: qopt %t/image-stored.mlir --qc-reconstruct-weights=samples=%t/image.npz -o %t/image.mlir
// RUN: qopt %t/image-stored.mlir --qc-reconstruct-weights="samples=%t/image.npz coupling=0.9" -o %t/coupled.mlir
// RUN: not cmp %t/image.mlir %t/coupled.mlir
// RUN: %python %t/judge.py %t/image-stored.mlir %t/image.mlir %t/coupled.mlir

// The table's rows are rounded to one bit here; the product that is added to them makes up for it, unless layers are apart.
// RUN: qopt %t/sum.mlir --pass-pipeline='builtin.module(func.func(qc-store-weights{weights=i8,embedding=i2 keep-reals=true}),qc-reconstruct-weights{samples=%t/sum.npz})' | FileCheck %s --check-prefix=SUM
// SUM: sqnr_after = {{[3-9][0-9]\..*}} : f64, sqnr_before = {{[0-9]\..*|1[0-9]\..*|-.*}} : f64

// Codes that the model brings, and numbers of 16 bits, stay.
// RUN: qopt %t/given.mlir --pass-pipeline='builtin.module(func.func(qc-store-weights{weights=i4,last=f16 keep-reals=true}),qc-reconstruct-weights{samples=%t/alike.npz})' | FileCheck %s --check-prefix=GIVEN
// GIVEN-NOT: qc.rounding
// GIVEN-NOT: qc.reals
// GIVEN: qc.constant dense<{{\[\[}}3], [3], [3], [-7]]> : tensor<4x1xi8>
// GIVEN: qc.constant dense<15360> : tensor<1x1xi16>
// GIVEN-NOT: qc.reals

// RUN: not qopt %t/stored.mlir --qc-reconstruct-weights="samples=%t/net.npz rounding=adaround" 2>&1 | FileCheck %s --check-prefix=METHOD
// METHOD: error: rounding=adaround chooses between neighbouring integers, which the codes of 'qc.conv' are not: use rounding=nearest or rounding=sequential

//--- samples.py
import sys
import numpy as np

folder = sys.argv[1]
random = np.random.default_rng(5)
alike = random.normal(0, 1, (16, 1, 1)).astype(np.float32).repeat(4, 2)
alike[:, :, 3] = random.normal(0, 1, (16, 1))
np.savez(f"{folder}/alike.npz", x=alike)
np.savez(f"{folder}/sum.npz", i=random.integers(0, 6, (40, 1)))
images = random.normal(0, 1, (40, 1, 3, 8, 8)).cumsum(3).cumsum(4).astype(np.float32) / 8
np.savez(f"{folder}/image.npz", x=images)
np.savez(f"{folder}/net.npz", x=images, i=random.integers(0, 9, (40, 1)))


def constant(*shape):
    values = random.normal(0, 1, shape).astype(np.float32)
    return f'qc.constant dense<{np.array2string(values, separator=",", threshold=10**6, floatmode="fixed", precision=5)}> : tensor<{"x".join(map(str, shape))}xf32>'


# Convolutions, one of them depthwise with stride, a product of 76 inputs, to which the one network adds a row of a table.
for name, argument, row in (("image", "", ""), ("net", ', %i: tensor<1xi64> {qc.name = "i"}', f"""  %t = {constant(9, 76)}
  %e = qc.take %t, %i : (tensor<9x76xf32>, tensor<1xi64>) -> tensor<1x76xf32>
  %s = qc.add %r, %e : (tensor<1x76xf32>, tensor<1x76xf32>) -> tensor<1x76xf32>
""")):
    with open(f"{folder}/{name}.mlir", "w") as file:
        file.write(f"""func.func @main(%x: tensor<1x3x8x8xf32> {{qc.name = "x"}}{argument}) -> tensor<1x5xf32> {{
  %w = {constant(32, 3, 3, 3)}
  %a = qc.conv %x, %w {{strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, clamp_min = 0.0 : f32}}
     : (tensor<1x3x8x8xf32>, tensor<32x3x3x3xf32>) -> tensor<1x32x4x4xf32> loc("a")
  %v = {constant(32, 1, 3, 3)}
  %c = {constant(32)}
  %b = qc.conv %a, %v, %c {{strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 1, 1>, dilations = array<i64: 1, 1>, groups = 32, clamp_min = 0.0 : f32}}
     : (tensor<1x32x4x4xf32>, tensor<32x1x3x3xf32>, tensor<32xf32>) -> tensor<1x32x2x2xf32> loc("b")
  %z = {constant(19, 32, 2, 2)}
  %d = qc.conv %b, %z {{strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 1>, dilations = array<i64: 1, 1>, groups = 1}}
     : (tensor<1x32x2x2xf32>, tensor<19x32x2x2xf32>) -> tensor<1x19x2x2xf32> loc("d")
  %r = qc.reshape %d : tensor<1x19x2x2xf32> -> tensor<1x76xf32>
{row}  %u = {constant(76, 5)}
  %y = qc.matmul %{"s" if row else "r"}, %u : (tensor<1x76xf32>, tensor<76x5xf32>) -> tensor<1x5xf32> loc("y")
  return %y : tensor<1x5xf32>
}}
""")

# Six rows, of which the product sees which one it is: it can bring back what they lost.
with open(f"{folder}/sum.mlir", "w") as file:
    file.write(f"""func.func @main(%i: tensor<1xi64> {{qc.name = "i"}}) -> tensor<1x8xf32> {{
  %t = {constant(6, 8)}
  %e = qc.take %t, %i : (tensor<6x8xf32>, tensor<1xi64>) -> tensor<1x8xf32> loc("rows")
  %o = qc.constant dense<[[1., 0., 0., 0., 0., 0.], [0., 1., 0., 0., 0., 0.], [0., 0., 1., 0., 0., 0.], [0., 0., 0., 1., 0., 0.], [0., 0., 0., 0., 1., 0.], [0., 0., 0., 0., 0., 1.]]> : tensor<6x6xf32>
  %h = qc.take %o, %i : (tensor<6x6xf32>, tensor<1xi64>) -> tensor<1x6xf32>
  %w = {constant(6, 8)}
  %p = qc.matmul %h, %w : (tensor<1x6xf32>, tensor<6x8xf32>) -> tensor<1x8xf32> loc("fc")
  %y = qc.add %e, %p : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}}
""")
//--- judge.py
import re
import sys


def parse(path):
    text = open(path).read()
    return text, re.findall(r"qc.decode .* : \((.*)\) ->", text)


_, types = parse(sys.argv[1])
assert types == ["tensor<32x3x3x3xi3>, tensor<32x1x1x1xf32>", "tensor<32x1x3x3xi3>, tensor<32x1x1x1xf32>", "tensor<19x32x2x2xi3>, tensor<19x1x1x1xf32>",
                 *["tensor<1x76xi4>, tensor<1x3xf32>"] * (len(types) - 4), "tensor<76x5xi3>, tensor<3x5xf32>"], types
for path in sys.argv[2:]:
    text, same = parse(path)
    assert same == types and "qc.reals" not in text, path
    after, before = ([float(v) for v in re.findall(f"[{{ ]sqnr_{key} = ([^ ]*) ", text)] for key in ("after", "before"))
    assert len(after) == 4, path
    for a, b in zip(after, before):
        print(f"{path}: {b:.2f} -> {a:.2f} dB")
        assert a > b + (0 if "coupled" in path else 1), path  # single layers do not decide there
    # Scales of groups differ, and are not those of the nearest codes.
    rows = re.findall(r"qc.constant dense<(.*)> : tensor<3x5xf32>", text)
    assert len(rows) == 1 and len(set(re.findall(r"[-0-9.e+]+", rows[0]))) == 15 and rows[0] not in open(sys.argv[1]).read(), rows
//--- alike.mlir
func.func @main(%x: tensor<1x4xf32> {qc.name = "x"}) -> tensor<1x1xf32> {
  %w = qc.constant dense<[[0.2], [0.2], [0.1], [1.0]]> : tensor<4x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32> loc("fc")
  return %y : tensor<1x1xf32>
}
//--- given.mlir
func.func @main(%x: tensor<1x4xf32> {qc.name = "x"}) -> tensor<1x1xf32> {
  %c = qc.constant dense<[[3], [3], [3], [-7]]> : tensor<4x1xi8> -> tensor<4x1x!quant.uniform<i8:f32, 0.5>>
  %w = quant.dcast %c : tensor<4x1x!quant.uniform<i8:f32, 0.5>> to tensor<4x1xf32>
  %y = qc.matmul %x, %w : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32> loc("fc")
  %v = qc.constant dense<1.0> : tensor<1x1xf32>
  %z = qc.matmul %y, %v : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32> loc("last")
  return %z : tensor<1x1xf32>
}
