// Weights by what samples bring: outputs nearer to the float network's than those of the nearest codes, the same for any number of threads.
// REQUIRES: avx2
// RUN: split-file %s %t
// RUN: %python %t/samples.py %t

// Two inputs that are always alike: the error of one weight is made up for by the other, 0.5 + 0.5 = 0 + 1, exactly.
// RUN: qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/pair.npz bias-correction=false damping=1e-6" 2>&1 | FileCheck %s --check-prefix=PAIR
// PAIR: remark: {{.*}}the moments of the inputs of 'fc' have rank 2 of 3 (16 rows of 16 samples); {{.*}} was added to their diagonal
// PAIR: func.func @main
// PAIR-SAME: qc.rounding = [{bits = 2 : i64, damping = {{.*}}, depth = 3 : i64, method = "sequential", name = "fc", rank = 2 : i64, ridge = {{.*}}, rows = 16 : i64, samples = 16 : i64, sqnr_after = {{[6-9][0-9].*|999.*|9.99.*}}, sqnr_before = {{.*}}}]
// PAIR: qc.constant dense<{{\[\[}}{{0|1}}], [{{0|1}}], [1]]> : tensor<3x1xi2> -> tensor<3x1x!quant.uniform<i2<-1:1>:f32:1, {{[{](0.99999|1.00000).*}}

// A bias takes up the difference of means, and one is made where there was none.
// RUN: qopt %t/bias.mlir --qc-reconstruct-weights="samples=%t/pair.npz" 2>&1 | FileCheck %s --check-prefix=BIAS
// BIAS: %[[B:.*]] = qc.constant dense<{{.*}}> : tensor<1xf32>
// BIAS: qc.matmul %{{[^,]*}}, %{{[^,]*}}, %[[B]]

// Each method and order against the nearest codes, layer by layer; threads change nothing.
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz order=natural" -o %t/natural.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz order=activation" -o %t/activation.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz order=importance" -o %t/importance.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz progressive=false" -o %t/apart.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz rounding=adaround" -o %t/adaround.mlir
// RUN: qopt %t/net.mlir --mlir-disable-threading --qc-reconstruct-weights="samples=%t/net.npz order=importance" -o %t/again.mlir
// RUN: cmp %t/importance.mlir %t/again.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz sensitivity=0" -o %t/plain.mlir
// RUN: not cmp %t/importance.mlir %t/apart.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz granularity=tensor" -o %t/layer-sequential.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz granularity=tensor rounding=adaround" -o %t/layer-adaround.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz granularity=tensor power-of-two=true" -o %t/layer-shifts.mlir
// RUN: %python %t/judge.py 3 %t/layer-sequential.mlir %t/layer-adaround.mlir %t/layer-shifts.mlir
// RUN: %python %t/judge.py 3 %t/natural.mlir %t/activation.mlir %t/importance.mlir %t/apart.mlir %t/adaround.mlir

// Blocks of layers together: no worse than one by one, better where that helps; the same for any number of threads.
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz rounding=brecq" -o %t/brecq.mlir
// RUN: qopt %t/net.mlir --mlir-disable-threading --qc-reconstruct-weights="samples=%t/net.npz rounding=brecq" -o %t/again.mlir
// RUN: cmp %t/brecq.mlir %t/again.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz rounding=qdrop" -o %t/qdrop.mlir
// RUN: %python %t/judge.py 3 %t/brecq.mlir %t/qdrop.mlir
// RUN: qopt %t/residual.mlir --qc-reconstruct-weights="samples=%t/net.npz rounding=qdrop" -o %t/residual-qdrop.mlir
// RUN: %python %t/judge.py 2 %t/residual-qdrop.mlir

// The last layer of a branch aims at the sum: it makes up for what the other side lost to its rounding.
// RUN: qopt %t/sum.mlir --qc-reconstruct-weights="samples=%t/net.npz" | FileCheck %s --check-prefix=SUM
// SUM: sqnr_after = {{[4-9][0-9]\..*}} : f64, sqnr_before = {{[0-9]\..*|1[0-9]\..*|-.*}} : f64

// Signs: by sequential rounding, with one scale per channel or layer, or with powers of two; the best single scale is the mean magnitude, which is what is compared with.
// RUN: sed -e 's/qc.weight_code = i[0-9]/qc.weight_code = #qc.signs/' %t/net.mlir > %t/signs.mlir
// RUN: qopt %t/signs.mlir --qc-reconstruct-weights="samples=%t/net.npz bias-correction=false" -o %t/signs-channel.mlir
// RUN: qopt %t/signs.mlir --qc-reconstruct-weights="samples=%t/net.npz granularity=tensor" -o %t/signs-layer.mlir
// RUN: qopt %t/signs.mlir --qc-reconstruct-weights="samples=%t/net.npz power-of-two=true" -o %t/signs-shifts.mlir
// RUN: qopt %t/signs.mlir --mlir-disable-threading --qc-reconstruct-weights="samples=%t/net.npz bias-correction=false" -o %t/again.mlir
// RUN: cmp %t/signs-channel.mlir %t/again.mlir
// RUN: %python %t/signs.py %t/signs-channel.mlir %t/signs-layer.mlir %t/signs-shifts.mlir
// RUN: not qopt %t/signs.mlir --qc-reconstruct-weights="samples=%t/net.npz rounding=adaround" 2>&1 | FileCheck %s --check-prefix=SIGNS
// SIGNS: error: {{.*}}rounding=adaround chooses between neighbouring integers, which the codes of 'a' are not: use rounding=nearest or rounding=sequential

// Positions count by what they do to the result; where that cannot be told all are alike.
// RUN: not cmp %t/importance.mlir %t/plain.mlir
// RUN: qopt %t/several.mlir --qc-reconstruct-weights="samples=%t/state.npz" 2>&1 | FileCheck %s --check-prefix=ALIKE
// ALIKE: remark: all positions of a layer count the same: the network has several inputs, or one that is no f32 tensor

// Errors of channels count together by what they do to the result, or each by itself.
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz coupling=0" -o %t/apart-channels.mlir
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz coupling=0.9" -o %t/together-channels.mlir
// RUN: not cmp %t/apart-channels.mlir %t/together-channels.mlir
// RUN: %python %t/judge.py 3 %t/apart-channels.mlir %t/together-channels.mlir

// Scales and biases of all layers move for the network's result: nearer to it, with the same codes, for any number of threads.
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz learn-steps=20" -o %t/learned.mlir
// RUN: qopt %t/net.mlir --mlir-disable-threading --qc-reconstruct-weights="samples=%t/net.npz learn-steps=20" -o %t/again.mlir
// RUN: cmp %t/learned.mlir %t/again.mlir
// RUN: %python %t/learned.py %t/importance.mlir %t/learned.mlir
// RUN: qopt %t/several.mlir --qc-reconstruct-weights="samples=%t/state.npz learn-steps=2" 2>&1 | FileCheck %s --check-prefix=STAY
// STAY: remark: scales stay as the layers have them: the network has several inputs, or one that is no f32 tensor

// Copies of images are more samples; they stay in one half with their image.
// RUN: qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz augment=mirror,zoom,shift" -o %t/copies.mlir
// RUN: FileCheck %s --check-prefix=COPIES < %t/copies.mlir
// RUN: %python %t/judge.py 3 %t/copies.mlir
// COPIES: samples = 160 : i64
// RUN: not qopt %t/net.mlir --qc-reconstruct-weights="samples=%t/net.npz augment=mirror,turn" 2>&1 | FileCheck %s --check-prefix=AUGMENT
// AUGMENT: error: augment=mirror,turn: use mirror, zoom and shift, by commas and once each
// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/pair.npz augment=mirror" 2>&1 | FileCheck %s --check-prefix=IMAGES
// IMAGES: error: augment=mirror makes copies of images: the network's input is no f32 tensor of 4 dimensions
// RUN: not qopt %t/several.mlir --qc-reconstruct-weights="samples=%t/state.npz augment=mirror" 2>&1 | FileCheck %s --check-prefix=ONE
// ONE: error: augment=mirror makes copies of images: the network has 2 inputs, not one
// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/pair.npz coupling=1" 2>&1 | FileCheck %s --check-prefix=COUPLING
// COUPLING: error: coupling=1{{.*}}: use a number from 0 to less than 1

// Fewer samples where their values would take too much memory: 15 of 64.
// RUN: qopt %t/wide.mlir --qc-reconstruct-weights="samples=%t/wide.npz memory=1" | FileCheck %s --check-prefix=MEMORY
// MEMORY: samples = 15 : i64

// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/few.npz" 2>&1 | FileCheck %s --check-prefix=FEW
// FEW: error: rounding=sequential needs 8 calibration samples or more, '{{.*}}few.npz' holds 3: add samples, or use rounding=nearest
// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/pair.npz rounding=best" 2>&1 | FileCheck %s --check-prefix=METHOD
// METHOD: error: rounding=best: use one of sequential, adaround, brecq, qdrop
// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/pair.npz order=random" 2>&1 | FileCheck %s --check-prefix=ORDER
// ORDER: error: order=random: use one of natural, activation, importance
// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/pair.npz granularity=row" 2>&1 | FileCheck %s --check-prefix=GRANULARITY
// GRANULARITY: error: granularity=row: use one of channel, tensor
// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/pair.npz damping=2" 2>&1 | FileCheck %s --check-prefix=DAMPING
// DAMPING: error: damping=2{{.*}}: use a part of the mean moment up to 1, or 0: by the number of samples
// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights="samples=%t/pair.npz sensitivity=2" 2>&1 | FileCheck %s --check-prefix=SENSITIVITY
// SENSITIVITY: error: sensitivity=2{{.*}}: use a number from 0 to 1
// RUN: not qopt %t/pair.mlir --qc-reconstruct-weights 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: rounding=sequential needs calibration samples: give samples=<file.npz>
// RUN: not qopt %t/wide.mlir --qc-reconstruct-weights="samples=%t/wide.npz memory=0" 2>&1 | FileCheck %s --check-prefix=SMALL
// SMALL: error: rounding=sequential needs 1 MiB for 8 samples of this network: raise memory=0
// RUN: not qopt %t/nan.mlir --qc-reconstruct-weights="samples=%t/nan.npz" 2>&1 | FileCheck %s --check-prefix=NAN
// NAN: error: {{.*}}the input of 'fc' holds a value that is not finite for sample 2 of '{{.*}}nan.npz'

// A state has the value that the float network leaves: from samples that are all alike come inputs of rank 2, of rank 1 where each sample starts anew.
// RUN: qopt %t/state.mlir --qc-declare-states=state=h:y --qc-reconstruct-weights="samples=%t/alike.npz" | FileCheck %s --check-prefix=STATE
// RUN: qopt %t/state.mlir --qc-declare-states='state=h:y reset-every=8' --mlir-disable-threading --qc-reconstruct-weights="samples=%t/alike.npz" | FileCheck %s --check-prefix=STATE
// RUN: qopt %t/state.mlir --qc-declare-states='state=h:y reset-every=1' --qc-reconstruct-weights="samples=%t/alike.npz bias-correction=false" | FileCheck %s --check-prefix=ANEW
// STATE: name = "fc", rank = 2 : i64
// ANEW: name = "fc", rank = 1 : i64
// The state may be an input as it came: of samples that turn a delay sees the one before.
// RUN: qopt %t/delay.mlir --qc-declare-states=state=h:hn --qc-reconstruct-weights="samples=%t/turning.npz bias-correction=false" | FileCheck %s --check-prefix=DELAY
// DELAY: name = "fc", rank = 2 : i64

//--- samples.py
import sys
import numpy as np

folder = sys.argv[1]
random = np.random.default_rng(3)
pair = random.integers(-100, 100, (16, 1, 1)).astype(np.float32).repeat(3, 2)
pair[:, :, 2] = random.integers(-100, 100, (16, 1))
np.savez(f"{folder}/pair.npz", x=pair)
np.savez(f"{folder}/few.npz", x=pair[:3])
np.savez(f"{folder}/net.npz", x=random.normal(0, 1, (40, 1, 3, 8, 8)).cumsum(3).cumsum(4).astype(np.float32) / 8)
np.savez(f"{folder}/wide.npz", x=random.normal(0, 1, (64, 1, 8192)).astype(np.float32))
bad = pair.copy()
bad[2] = np.inf
np.savez(f"{folder}/nan.npz", x=bad)
np.savez(f"{folder}/state.npz", x=pair[:, :, :2], h=pair[:, :, :2])
np.savez(f"{folder}/turning.npz", x=np.float32([[[40, 20]], [[-20, 40]]] * 8))
np.savez(f"{folder}/alike.npz", x=np.full((16, 1, 2), [40, 20], np.float32))


def constant(*shape):
    values = random.normal(0, 1, shape).astype(np.float32)
    return f'qc.constant dense<{np.array2string(values, separator=",", threshold=10**6, floatmode="fixed", precision=5)}> : tensor<{"x".join(map(str, shape))}xf32>'


def rounded(value, shape, scale=0.1):
    return (f"  %{value}q = quant.qcast %{value} : tensor<{shape}xf32> to tensor<{shape}x!quant.uniform<i8:f32, {scale}>>\n"
            f"  %{value}f = quant.dcast %{value}q : tensor<{shape}x!quant.uniform<i8:f32, {scale}>> to tensor<{shape}xf32>\n")


# A convolution, a depthwise one with a bias and stride, and a product of matrices.
with open(f"{folder}/net.mlir", "w") as file:
    file.write(f"""func.func @main(%x: tensor<1x3x8x8xf32> {{qc.name = "x"}}) -> tensor<1x5xf32> {{
{rounded("x", "1x3x8x8")}  %w = {constant(8, 3, 3, 3)}
  %a = qc.conv %xf, %w {{strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1, clamp_min = 0.0 : f32,
       qc.weight_code = i3}} : (tensor<1x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x8x8xf32> loc("a")
{rounded("a", "1x8x8x8")}  %v = {constant(8, 1, 3, 3)}
  %c = {constant(8)}
  %b = qc.conv %af, %v, %c {{strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 1, 1>, dilations = array<i64: 1, 1>, groups = 8, clamp_min = 0.0 : f32,
       qc.weight_code = i4}} : (tensor<1x8x8x8xf32>, tensor<8x1x3x3xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32> loc("b")
{rounded("b", "1x8x4x4")}  %r = qc.reshape %bf : tensor<1x8x4x4xf32> -> tensor<1x128xf32>
{rounded("r", "1x128")}  %u = {constant(128, 5)}
  %y = qc.matmul %rf, %u {{qc.weight_code = i3}} : (tensor<1x128xf32>, tensor<128x5xf32>) -> tensor<1x5xf32> loc("c")
  return %y : tensor<1x5xf32>
}}
""")

# Two convolutions beside their input.
with open(f"{folder}/residual.mlir", "w") as file:
    conv = "{strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1"
    file.write(f"""func.func @main(%x: tensor<1x3x8x8xf32> {{qc.name = "x"}}) -> tensor<1x3x8x8xf32> {{
{rounded("x", "1x3x8x8")}  %w = {constant(8, 3, 3, 3)}
  %a = qc.conv %xf, %w {conv}, clamp_min = 0.0 : f32, qc.weight_code = i2}} : (tensor<1x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x8x8xf32> loc("a")
{rounded("a", "1x8x8x8", 0.5)}  %v = {constant(3, 8, 3, 3)}
  %b = qc.conv %af, %v {conv}, qc.weight_code = i2}} : (tensor<1x8x8x8xf32>, tensor<3x8x3x3xf32>) -> tensor<1x3x8x8xf32> loc("b")
{rounded("b", "1x3x8x8", 2.0)}  %y = qc.add %xf, %bf : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}}
""")

# What the product is added to lost a quarter of x to a coarse code: the product, of exact codes, can give it.
with open(f"{folder}/sum.mlir", "w") as file:
    file.write(f"""func.func @main(%x: tensor<1x3x8x8xf32> {{qc.name = "x"}}) -> tensor<1x3x8x8xf32> {{
  %c = qc.clamp %x {{clamp_min = -12.0 : f32, clamp_max = 12.0 : f32}} : tensor<1x3x8x8xf32> -> tensor<1x3x8x8xf32>
  %xq = quant.qcast %c : tensor<1x3x8x8xf32> to tensor<1x3x8x8x!quant.uniform<i16:f32, 0.0005>>
  %xf = quant.dcast %xq : tensor<1x3x8x8x!quant.uniform<i16:f32, 0.0005>> to tensor<1x3x8x8xf32>
  %k = qc.constant dense<0.75> : tensor<1xf32>
  %l = qc.mul %xf, %k : (tensor<1x3x8x8xf32>, tensor<1xf32>) -> tensor<1x3x8x8xf32>
  %lq = quant.qcast %l : tensor<1x3x8x8xf32> to tensor<1x3x8x8x!quant.uniform<i2:f32, 100.0>>
  %lf = quant.dcast %lq : tensor<1x3x8x8x!quant.uniform<i2:f32, 100.0>> to tensor<1x3x8x8xf32>
  %w = qc.constant dense<[[[[0.25]], [[0.0]], [[0.0]]], [[[0.0]], [[0.25]], [[0.0]]], [[[0.0]], [[0.0]], [[0.25]]]]> : tensor<3x3x1x1xf32>
  %b = qc.conv %xf, %w {{strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, qc.weight_code = i8}}
     : (tensor<1x3x8x8xf32>, tensor<3x3x1x1xf32>) -> tensor<1x3x8x8xf32> loc("b")
  %y = qc.add %lf, %b : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}}
""")
//--- judge.py
import math
import re
import sys

for path in sys.argv[2:]:
    text = open(path).read()
    after, before = ([float(v) for v in re.findall(f"[{{ ]sqnr_{key} = ([^ ]*) ", text)] for key in ("after", "before"))
    assert len(after) == int(sys.argv[1]), path
    blocks = [[float(v) for v in re.findall(f"block_sqnr_{key} = ([^ ]*) ", text)] for key in ("after", "before")]
    if "qdrop" in path or "brecq" in path:
        assert len(blocks[0]) == len(after) and all(a >= b for a, b in zip(*blocks)), blocks
        if "residual" in path:
            assert blocks[0][0] > blocks[1][0], blocks
    for a, b in zip(after, before):
        print(f"{path}: {b:.2f} -> {a:.2f} dB")
        assert a > b + 2, path
    if "residual" in path:
        continue
    if "layer-" in path:  # one scale for all channels of a layer
        scales = [float(v) for v in re.findall(r"tensor<[0-9x]*x!quant.uniform<i[34]<-[37]:[37]>:f32, ([^ >]*)>> to", text)]
        assert len(scales) == 3 and "f32:0" not in text and "f32:1" not in text, path
        assert "shifts" not in path or all(math.frexp(v)[0] == 0.5 for v in scales), scales
        continue
    assert all(f"quant.uniform<{code}:f32:{axis}, {{" in text for code, axis in (("i3<-3:3>", 0), ("i4<-7:7>", 0), ("i3<-3:3>", 1))), path
//--- signs.py
import math
import re
import sys

for path in sys.argv[1:]:
    text = open(path).read()
    after, before = ([float(v) for v in re.findall(f"[{{ ]sqnr_{key} = ([^ ]*) ", text)] for key in ("after", "before"))
    assert len(after) == 3 and text.count("bits = 1 : i64") == 3, path
    for a, b in zip(after, before):
        print(f"{path}: {b:.2f} -> {a:.2f} dB")
        assert a > b, path
    types = re.findall(r"qc.dcast .*!qc.coded<#qc.signs, f32(:[01])?, (.*?)>> ->", text)
    assert len(types) == 3 and all((axis == "") == ("layer" in path) for axis, _ in types), types
    scales = [float(v) for _, list in types for v in list.strip("{}").split(", ")]
    assert "shifts" not in path or all(math.frexp(v)[0] == 0.5 for v in scales), scales
//--- learned.py
import re
import sys

layers, learned = (open(path).read() for path in sys.argv[1:])
before, after = (float(re.search(f"qc.learned_steps = .*?sqnr_{key} = ([^ ]*) ", learned)[1]) for key in ("before", "after"))
print(f"{before:.2f} -> {after:.2f} dB")
assert after > before + 0.05
codes = [re.findall(r"qc.constant (dense<.*?>) : tensor<[0-9x]*xi[34]>", text) for text in (layers, learned)]
assert len(codes[0]) == 3 and codes[0] == codes[1]
scales = [re.findall(r"quant.uniform<i[34][^{]*{([^}]*)}>> to", text) for text in (layers, learned)]
assert len(scales[0]) == 3 and all(a != b for a, b in zip(*scales)), scales
//--- pair.mlir
func.func @main(%x: tensor<1x3xf32> {qc.name = "x"}) -> tensor<1x1xf32> {
  %q = quant.qcast %x : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 1.0>>
  %f = quant.dcast %q : tensor<1x3x!quant.uniform<i8:f32, 1.0>> to tensor<1x3xf32>
  %w = qc.constant dense<[[0.5], [0.5], [1.0]]> : tensor<3x1xf32>
  %y = qc.matmul %f, %w {qc.weight_code = i2} : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32> loc("fc")
  return %y : tensor<1x1xf32>
}
//--- bias.mlir
func.func @main(%x: tensor<1x3xf32> {qc.name = "x"}) -> tensor<1x1xf32> {
  %q = quant.qcast %x : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 1.0>>
  %f = quant.dcast %q : tensor<1x3x!quant.uniform<i8:f32, 1.0>> to tensor<1x3xf32>
  %w = qc.constant dense<[[0.5], [0.25], [1.0]]> : tensor<3x1xf32>
  %y = qc.matmul %f, %w {qc.weight_code = i2} : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32> loc("fc")
  return %y : tensor<1x1xf32>
}
//--- nan.mlir
func.func @main(%x: tensor<1x3xf32> {qc.name = "x"}) -> tensor<1x1xf32> {
  %q = quant.qcast %x : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 1.0>>
  %f = quant.dcast %q : tensor<1x3x!quant.uniform<i8:f32, 1.0>> to tensor<1x3xf32>
  %w = qc.constant dense<[[0.5], [0.5], [1.0]]> : tensor<3x1xf32>
  %y = qc.matmul %f, %w : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32> loc("fc")
  return %y : tensor<1x1xf32>
}
//--- state.mlir
func.func @main(%x: tensor<1x2xf32> {qc.name = "x"}, %h: tensor<1x2xf32> {qc.name = "h"}) -> (tensor<1x2xf32> {qc.name = "y"}) {
  %s = qc.add %x, %h : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %q = quant.qcast %s : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 1.0>>
  %f = quant.dcast %q : tensor<1x2x!quant.uniform<i8:f32, 1.0>> to tensor<1x2xf32>
  %w = qc.constant dense<[[0.5, 0.25], [-0.25, 0.5]]> : tensor<2x2xf32>
  %y = qc.matmul %f, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("fc")
  return %y : tensor<1x2xf32>
}
//--- delay.mlir
func.func @main(%x: tensor<1x2xf32> {qc.name = "x"}, %h: tensor<1x2xf32> {qc.name = "h"}) -> (tensor<1x2xf32> {qc.name = "y"}, tensor<1x2xf32> {qc.name = "hn"}) {
  %q = quant.qcast %h : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 1.0>>
  %f = quant.dcast %q : tensor<1x2x!quant.uniform<i8:f32, 1.0>> to tensor<1x2xf32>
  %w = qc.constant dense<[[0.5, 0.25], [0.25, 0.5]]> : tensor<2x2xf32>
  %y = qc.matmul %f, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("fc")
  return %y, %x : tensor<1x2xf32>, tensor<1x2xf32>
}
//--- several.mlir
func.func @main(%x: tensor<1x2xf32> {qc.name = "x"}, %h: tensor<1x2xf32> {qc.name = "h"}) -> (tensor<1x2xf32> {qc.name = "y"}) {
  %s = qc.add %x, %h : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %q = quant.qcast %s : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 1.0>>
  %f = quant.dcast %q : tensor<1x2x!quant.uniform<i8:f32, 1.0>> to tensor<1x2xf32>
  %w = qc.constant dense<[[0.5, 0.25], [0.25, 0.5]]> : tensor<2x2xf32>
  %y = qc.matmul %f, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("fc")
  return %y : tensor<1x2xf32>
}
//--- wide.mlir
func.func @main(%x: tensor<1x8192xf32> {qc.name = "x"}) -> tensor<1x1xf32> {
  %q = quant.qcast %x : tensor<1x8192xf32> to tensor<1x8192x!quant.uniform<i8:f32, 0.05>>
  %f = quant.dcast %q : tensor<1x8192x!quant.uniform<i8:f32, 0.05>> to tensor<1x8192xf32>
  %s = qc.slice %f {starts = array<i64: 0, 0>, sizes = array<i64: 1, 4>, steps = array<i64: 1, 1>} : tensor<1x8192xf32> -> tensor<1x4xf32>
  %c = quant.qcast %s : tensor<1x4xf32> to tensor<1x4x!quant.uniform<i8:f32, 0.05>>
  %d = quant.dcast %c : tensor<1x4x!quant.uniform<i8:f32, 0.05>> to tensor<1x4xf32>
  %w = qc.constant dense<[[0.5], [0.25], [0.125], [-0.5]]> : tensor<4x1xf32>
  %y = qc.matmul %d, %w : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32> loc("fc")
  return %y : tensor<1x1xf32>
}
