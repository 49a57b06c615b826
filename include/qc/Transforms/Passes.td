// Passes on qc and, at the end, on buffers. `qc-fold-casts` lives in lib/Transforms/FoldCasts.cpp, tested by test/Transforms/fold-casts.mlir.
#ifndef QC_TRANSFORMS_PASSES_TD
#define QC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def Simplify : Pass<"qc-simplify", "::mlir::func::FuncOp"> {
  let summary = "folds constants, merges constant scales and offsets into convolutions, drops no-ops";
  let description = [{
    Importers write what the file says; this pass gives the form that the quantizer reads. Ops on f32 constants become constants;
    a multiplication, division or addition by a per-channel constant behind a convolution or matrix product goes into its weights and bias,
    elsewhere a multiplication with an addition becomes a depthwise 1x1 convolution; reshapes, slices, pads and transposes that change nothing
    disappear; a PReLU with one slope is a leaky ReLU. A dequantized constant (`quant.dcast` of a `qc.constant`) is never folded: its bits are the point.
    Afterwards weights and biases are `qc.constant`s.
    ```mlir
    func.func @example(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
      %w = qc.constant dense<3.0> : tensor<1x1xf32>
      %s = qc.constant dense<2.0> : tensor<f32>
      %m = qc.matmul %x, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
      %y = qc.mul %m, %s : (tensor<1x1xf32>, tensor<f32>) -> tensor<1x1xf32>
      return %y : tensor<1x1xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<1x1xf32>) -> tensor<1x1xf32> {
      %0 = qc.constant dense<6.000000e+00> : tensor<1x1xf32>
      %1 = qc.matmul %arg0, %0 : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
      return %1 : tensor<1x1xf32>
    }
    ```
  }];
}

def RecognizeSubgraphs : Pass<"qc-recognize-subgraphs", "::mlir::func::FuncOp"> {
  let summary = "finds softmax and normalization in the sub-graphs that exporters write for them";
  let description = [{
    Exporters write a root-mean-square normalization as five nodes and a layer normalization as seven. Quantized one by one they would lose everything:
    a variance in 8 bits is no variance. As one op (`qc.normalize`, `qc.softmax`) they are computed exactly inside and rounded once. The patterns are a table,
    `RecognizeSubgraphs.td`: means of squares under a root, whichever way the division is written; the scale and bias behind them; exp over a sum of exp; factors,
    masks and logarithms around a softmax. A mask may be computed: numbers added to the scores that are 0 where an integer or boolean tensor is one thing and -10,000 or
    less where it is the other, however many casts, differences and products lead there, become comparisons of that tensor (docs/Activations.md). A quotient of an inner product and
    two norms becomes the product of two normalized tensors. What has a clamp, reduced axes that disappear, or parameters that are not constant stays what it is. Not in f32 mode,
    where the nodes are as good. With `normalize=mad` deviations are mean magnitudes: `layer` and `rms` become `mad` and `mean_abs`, whose scale makes up for the ratio
    that both have for normally distributed rows.
    ```mlir
    func.func @example(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %e = qc.constant dense<0.5> : tensor<f32>
      %s = qc.mul %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
      %m = qc.reduce mean %s {axes = array<i64: 1>, keep_dims} : tensor<2x4xf32> -> tensor<2x1xf32>
      %v = qc.add %m, %e : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
      %r = qc.activation sqrt %v : tensor<2x1xf32> -> tensor<2x1xf32>
      %y = qc.div %x, %r : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
      return %y : tensor<2x4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = qc.normalize rms %arg0 {epsilon = 5.000000e-01 : f32, first_axis = 1 : i64, last_axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
  }];
  let options = [Option<"normalize", "normalize", "std::string", "\"exact\"", "exact, or mad: mean magnitudes instead of roots of mean squares">];
  let statistics = [Statistic<"numRecognized", "subgraphs-recognized", "sub-graphs that became one op">];
}

def Streamline : Pass<"qc-streamline", "::mlir::func::FuncOp"> {
  let summary = "makes what stands around few-bit quantizers exact integers: thresholds, accumulators, narrow codes";
  let description = [{
    For the parts of a network whose codes the model itself gives, so that no range has to be found:

    - codes of a constant, and codes cut by a clamp, get the narrowest type that holds them (`i8` with values -1, 0, 1 becomes `i2<-1:1>`);
    - a contraction of codes, per-channel multiplications and additions of constants, monotone activations, and a quantizer of at most 4 bits
      become the contraction's accumulator (i32 codes of scale `s_x*s_w`) and a `qc.threshold` on it. Each threshold is found by evaluating the
      f32 chain at the values that the accumulator can have, so that the codes are the chain's own. Channels that fall are negated in the weights;
    - such a chain in front of a quantizer alone goes into the thresholds;
    - a contraction of codes whose result is returned, scaled and shifted by single numbers, is returned as its accumulator: i32 codes.
    ```mlir
    func.func @example(%x: tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.0>>) -> tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.0>> {
      %f = quant.dcast %x : tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.0>> to tensor<1x2xf32>
      %a = qc.constant dense<[[2.0, 4.0]]> : tensor<1x2xf32>
      %m = qc.mul %f, %a : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
      %t = qc.constant dense<1.0> : tensor<1xf32>
      %y = qc.threshold %m, %t {base = -1 : i64, step = 2 : i64} : (tensor<1x2xf32>, tensor<1xf32>) -> tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.0>>
      return %y : tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.0>>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.000000e+00>>) -> tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.000000e+00>> {
      %0 = quant.dcast %arg0 : tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.000000e+00>> to tensor<1x2xf32>
      %1 = qc.constant dense<[[5.000000e-01], [2.500000e-01]]> : tensor<2x1xf32>
      %2 = qc.threshold %0, %1 {axis = 1 : i64, base = -1 : i64, step = 2 : i64} : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.000000e+00>>
      return %2 : tensor<1x2x!quant.uniform<i2<-1:1>:f32, 1.000000e+00>>
    }
    ```
  }];
  let statistics = [Statistic<"numThresholds", "quantizers-streamlined", "quantizers that became thresholds of an accumulator">];
}

def FuseClamps : Pass<"qc-fuse-clamps", "::mlir::func::FuncOp"> {
  let summary = "moves relu and clip into the op that computes their input";
  let description = [{
    A clamp behind an op with `ClampOpInterface` whose result has no other use becomes the op's `clamp_min`/`clamp_max`, so that the value
    is rounded once and the clamp costs nothing. Behind other ops, and where the input has other uses, a clamp that goes into one `quant.qcast` becomes
    one of codes: limits and rounding change places, as codes rise with the values. Afterwards a `qc.clamp` of f32 is left only where neither applies.
    ```mlir
    func.func @example(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
      %s = qc.add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %r = qc.clamp %s {clamp_min = 0.0 : f32} : tensor<4xf32> -> tensor<4xf32>
      return %r : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>) -> tensor<4xf32> {
      %0 = qc.add %arg0, %arg1 {clamp_min = 0.000000e+00 : f32} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
  }];
  let statistics = [Statistic<"numFused", "clamps-fused", "clamps moved into their producer">];
}

def FuseActivations : Pass<"qc-fuse-activations", "::mlir::func::FuncOp"> {
  let summary = "element-wise ops that together are a function of one tensor become one qc.function";
  let description = [{
    A chain such as x * sigmoid(x) or x / 2 * (1 + erf(x / sqrt 2)) is a function of one number. As separate ops each step would be rounded to codes, and some
    have no integer form at all; as one op the function is evaluated exactly and rounded once, as a table or by straight pieces. A chain holds f32
    activations, sums, products, quotients, minima, maxima, powers and clamps whose other operands are single numbers or values of the same chain; nothing
    inside it has another use. Sums and products by numbers alone, clamps, and a single op that has an integer form of its own stay what they are: they
    are exact already, or part of a neighbour. The function gets the name that its values tell (`silu`, `gelu_erf`, ...), else that of its ops.
    It runs behind `qc-simplify` and `qc-fuse-clamps`, which need the ops apart. Afterwards no f32 op that is a function of one tensor by itself lacks
    an integer form.
    ```mlir
    func.func @example(%x: tensor<4xf32>) -> tensor<4xf32> {
      %s = qc.activation sigmoid %x : tensor<4xf32> -> tensor<4xf32>
      %y = qc.mul %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4xf32>) -> tensor<4xf32> {
      %0 = qc.function "silu" %arg0 : tensor<4xf32> -> tensor<4xf32> {
      ^bb0(%arg1: tensor<f32>):
        %1 = qc.activation sigmoid %arg1 : tensor<f32> -> tensor<f32>
        %2 = qc.mul %arg1, %1 : (tensor<f32>, tensor<f32>) -> tensor<f32>
        qc.yield %2 : tensor<f32>
      }
      return %0 : tensor<4xf32>
    }
    ```
  }];
  let statistics = [Statistic<"numFused", "functions-fused", "chains that became one function">];
}

def EqualizeLayers : Pass<"qc-equalize-layers", "::mlir::func::FuncOp"> {
  let summary = "gives the channels between two layers like ranges of weights";
  let description = [{
    A positive factor of a channel can move through a rectifier from one layer's output weights to the next one's input weights without a change of what the
    network computes. The second layer's codes share one scale over all input channels, and the codes between the layers share one: a channel whose
    weights are much smaller than the others' loses its bits in both. Factors are those of Nagel et al., Data-Free Quantization, 2019, section 4.1: afterwards each channel
    has the same largest weight in both layers; layers with neighbours on both sides are repeated until nothing moves. Only convolutions and products of
    matrices with float constants are changed, with no clamp but one at 0 in front, when everything that reads the channels is such a layer, perhaps behind pooling. `qc.equalization` on the
    function lists the pairs and the extent of their factors.
  }];
}

def RotateLayers : Pass<"qc-rotate-layers", "::mlir::ModuleOp"> {
  let summary = "turns the channels between linear layers by an orthonormal matrix";
  let description = [{
    Codes of few bits lose most where one channel, or one weight, is much larger than the others. Where only linear ops stand between layers their channels may be
    turned by an orthonormal matrix Q: x W = (x Q) (Q^T W). What gives x takes Q into its weights, what reads x takes Q^T, and nothing is computed at run time.
    Linear are sums, moves that leave channels together, the right side of a product of activations, and a normalization by root mean squares, which no Q changes, once its
    scales have gone into the layers that read it. All that is connected so turns together: between the layers of a transformer the whole residual stream, and inside attention
    the channels of each head between the value and the output layer. `basis=hadamard`: a Hadamard matrix with random signs, which spreads what is large over all
    channels (Ashkboos et al., QuaRot, 2024, section 4); for sizes that are no power of two its Kronecker product with a cosine basis. `basis=eigen`: the eigenvectors of the second moments of what the
    layers read in `samples`. Afterwards the network computes the same reals; `qc.rotation` on the function lists what was turned: the layers that give and that
    read it, and how many channels. A remark says why others are not.
  }];
  let options = [
    Option<"basis", "basis", "std::string", "\"hadamard\"", "hadamard or eigen">,
    Option<"samples", "samples", "std::string", "\"\"", ".npz file with one array [N] + shape per input, for eigen">,
    Option<"memory", "memory", "unsigned", "2048", "MiB for the values of samples between two layers">
  ];
}
def MigrateScales : Pass<"qc-migrate-scales", "::mlir::ModuleOp"> {
  let summary = "moves scales between activations and weights by what samples bring";
  let description = [{
    Activations with a few large channels lose all others in 8 bits, weights that meet large activations need more precision than those that do not. As in
    `qc-equalize-layers` a factor of a channel moves from a producer, here also the scale of a normalization, to the layers that read it, but by the
    magnitudes of the activations. `smooth`: factor = max|x|^strength / max|w|^(1 - strength) (Xiao et al., SmoothQuant, 2022, equation 4): the activations get
    easier, the weights harder. `awq`: powers up to `strength` of the mean magnitude, the one with which nearest codes of type `weights` lose least (Lin et al.,
    AWQ, 2023, section 3.2). Afterwards the network computes the same reals; `qc.migration` on the function lists producers, factors and strengths.
  }];
  let options = [
    Option<"samples", "samples", "std::string", "\"\"", ".npz file with one array [N] + shape per input">,
    Option<"by", "by", "std::string", "\"smooth\"", "smooth or awq">,
    Option<"strength", "strength", "double", "0.5", "exponent, 0 to 1">,
    Option<"weights", "weights", "std::string", "\"i8\"", "code type for which awq searches">,
    Option<"memory", "memory", "unsigned", "2048", "MiB for the values of samples between two layers">
  ];
}

def InlineFunctions : Pass<"qc-inline-functions", "::mlir::func::FuncOp"> {
  let summary = "what is left of qc.function in f32 becomes the ops of its region";
  let description = [{
    Where f32 code is compiled (calibration, float fallbacks) the ops of the chain run one by one. Afterwards there is no `qc.function` on f32.
    ```mlir
    func.func @example(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = qc.function "silu" %x : tensor<4xf32> -> tensor<4xf32> {
      ^bb0(%a: tensor<f32>):
        %s = qc.activation sigmoid %a : tensor<f32> -> tensor<f32>
        %p = qc.mul %a, %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
        qc.yield %p : tensor<f32>
      }
      return %y : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4xf32>) -> tensor<4xf32> {
      %0 = qc.activation sigmoid %arg0 : tensor<4xf32> -> tensor<4xf32>
      %1 = qc.mul %arg0, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    ```
  }];
}

def ApproximateActivations : Pass<"qc-approximate-activations", "::mlir::func::FuncOp"> {
  let summary = "functions of one quantized tensor become tables or straight pieces";
  let description = [{
    Each `qc.activation` and `qc.function` on quantized types becomes a `qc.lut`, which is exact (docs/Numerics.md, N10), or a `qc.pwl` (N19), whose largest and
    mean error over all codes of the input stand in its attributes. `form=auto` takes the table up to 8 bits of input. For 16 bits it takes the
    cheapest pieces whose error is within the bound: at most 8 with free knots, else 16 to 1,024 of equal length, which need no comparison, else at most 128
    with free knots, else 2,048 or 4,096 of equal length; else the table. `form=pwl` takes `pieces` pieces, or as few as meet the bound, with the knots of the least largest error and,
    among those, of the least squares. The bound is `max-error` codes of the result; by default 1 up to 8 bits of result, 2 for 16.

    With `weights=histogram` the squares count each code as often as calibration saw it (`qc.histogram`); the bound holds for every code all the same. Equal tables and
    equal pieces are stored once: the second one costs no bytes.

    `qc.domain` on an op (from `qc-materialize-casts`) is the range of inputs that occurred: a function without a finite value there is an error.
    The function's `qc.activations` lists what was chosen, for report and header; with `curves` also each curve that is no other's: at most 256 inputs, of which each is the one with the largest error in its part of the codes, with the
    function's value, the one computed and the error there, and at most 256 knots; `plots` is a folder for a picture of each. Afterwards no
    `qc.activation` and no `qc.function` on quantized types is left.
    ```mlir
    %y = qc.activation abs %x : tensor<4x!x> -> tensor<4x!y>   ==>   %y = qc.lut %x, %table : (tensor<4x!x>, tensor<256xi8>) -> tensor<4x!y>
    ```
  }];
  let options = [
    Option<"form", "form", "std::string", "\"auto\"", "auto, table or pwl">,
    Option<"pieces", "pieces", "unsigned", "0", "for pwl: this many pieces (0: as few as meet the bound)">,
    Option<"maxError", "max-error", "double", "-1", "largest error in codes of the result (-1: by its width)">,
    Option<"weights", "weights", "std::string", "\"uniform\"", "uniform, or histogram: squares of pieces by what calibration saw">,
    Option<"curves", "curves", "bool", "false", "keep the curves in qc.activations">,
    Option<"plots", "plots", "std::string", "\"\"", "write a plot of each curve and its error into this folder">
  ];
  let statistics = [Statistic<"numPieces", "activations-by-pieces", "activations that became pieces">];
}

def DeclareStates : Pass<"qc-declare-states", "::mlir::func::FuncOp"> {
  let summary = "marks inputs that are outputs of the sample before";
  let description = [{
    A streaming network keeps what it remembers in inputs and outputs: the caller feeds an output back as the next sample's input. Each pair `input:output`
    of `state` becomes the attribute `qc.state` of the argument, so that calibration runs samples in their order, with states fed back, and input and
    output get one scale. `qc.reset_every` says after how many samples a sequence ends and states start anew. Names and types that do not fit are errors;
    the same states declared again are none.
    ```mlir
    func.func @example(%h: tensor<1xf32> {qc.name = "h"}) -> (tensor<1xf32> {qc.name = "hn"}) {
      return %h : tensor<1xf32>
    }
    ```
    becomes, with `state=h:hn reset-every=31`,
    `func.func @example(%h: tensor<1xf32> {qc.name = "h", qc.state = "hn"}) -> (tensor<1xf32> {qc.name = "hn"}) attributes {qc.reset_every = 31 : i64}`.
  }];
  let options = [
    Option<"state", "state", "std::string", "\"\"", "input:output,...">,
    Option<"resetEvery", "reset-every", "int64_t", "0", "samples of one sequence (0: all samples are one)">
  ];
}

def DeriveStep : Pass<"qc-derive-step", "::mlir::func::FuncOp"> {
  let summary = "makes of the graph of a whole sequence the graph of one step";
  let description = [{
    Exporters write a decoder or a streaming filter for a whole sequence: one input has an axis of time. Run like that, each new token or frame computes
    all earlier ones again. This pass follows the axis from the input `sequence` through the integer graph. What works on rows of the axis one by one
    works on the rows of the step. A convolution or pooling along the axis gets a state with the rows before. With `bounded`, where an argument counts the steps, what differs from
    row to row (rotary tables, masks) becomes a `qc.take` of the row of this position, and an operand of a product that all later positions see (keys and
    values) becomes a state with one row per position, `qc.scatter`ed into. All scales stay what they are, so the codes are those of the whole sequence. Each op has
    one rule; what mixes positions otherwise (an attention without causal mask, a sum over the axis, a look ahead) is an error that names the op. Where a value is later
    than its input (a convolution without padding), `qc.sequence` says by how many rows.

    Afterwards the function takes the rows of one step; states are arguments with `qc.state` and `qc.initial`, and results.
    ```mlir
    func.func @example(%x: tensor<1x2x6xi8> {qc.name = "x"}) -> (tensor<1x2x6xi32> {qc.name = "y"}) {
      %w = qc.constant dense<1> : tensor<2x1x3xi8>
      %y = qc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 0>, dilations = array<i64: 1>, groups = 2 : i64, pad_value = 7 : i64, acc_bound = 384 : ui64}
         : (tensor<1x2x6xi8>, tensor<2x1x3xi8>) -> tensor<1x2x6xi32>
      return %y : tensor<1x2x6xi32>
    }
    ```
    becomes, with `sequence=x`,
    ```mlir
    func.func @example(%arg0: tensor<1x2x1xi8> {qc.name = "x", qc.sequence = array<i64: 2, 6, 0>}, %arg1: tensor<1x2x2xi8> {qc.initial = 7 : i64, qc.name = "state", qc.state = "state.next"})
        -> (tensor<1x2x1xi32> {qc.name = "y", qc.sequence = array<i64: 2, 6, 0>}, tensor<1x2x2xi8> {qc.name = "state.next"}) {
      %0 = qc.constant dense<1> : tensor<2x1x3xi8>
      %1 = qc.concat %arg1, %arg0 {axis = 2 : i64} : (tensor<1x2x2xi8>, tensor<1x2x1xi8>) -> tensor<1x2x3xi8>
      %2 = qc.slice %1 {sizes = array<i64: 1, 2, 2>, starts = array<i64: 0, 0, 1>, steps = array<i64: 1, 1, 1>} : tensor<1x2x3xi8> -> tensor<1x2x2xi8>
      %3 = qc.conv %1, %0 {acc_bound = 384 : ui64, dilations = array<i64: 1>, groups = 2 : i64, pad_value = 7 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<1x2x3xi8>, tensor<2x1x3xi8>) -> tensor<1x2x1xi32>
      return %3, %2 : tensor<1x2x1xi32>, tensor<1x2x2xi8>
    }
    ```
  }];
  let options = [
    Option<"sequence", "sequence", "std::string", "\"\"", "input[:axis]: the input and its axis (default: the last one longer than 1)">,
    Option<"bounded", "bounded", "bool", "false", "steps are counted by an argument, and all rows are kept">
  ];
}

def StatesToArena : Pass<"qc-states-to-arena", "::mlir::ModuleOp"> {
  let summary = "moves states from inputs and outputs into the arena";
  let description = [{
    An object whose states are inputs and outputs leaves it to the caller to carry them; a state that lies in the arena stays where it is. Marks the arguments of `@run`
    with `qc.state`, and the results that are their next values, with `qc.in_arena`; `@run_f32` hands them on as codes. Adds `@reset`, whose results are the numbers that states start
    from (`qc.initial`, else the zero point). Functions keep their meaning, so the evaluator still runs them; `convert-qc-to-linalg` gives a state one buffer and
    `qc-plan-arena` places that at the start of the arena. A state without a result, or of another type, scale or zero point than its result, is an error.
    ```mlir
    func.func @run(%h: tensor<2xi8> {qc.name = "h", qc.state = "hn", qc.zero_point = 3 : i64}) -> (tensor<2xi8> {qc.name = "hn", qc.zero_point = 3 : i64}) {
      return %h : tensor<2xi8>
    }
    ```
    becomes
    ```mlir
    func.func @run(%arg0: tensor<2xi8> {qc.in_arena, qc.name = "h", qc.state = "hn", qc.zero_point = 3 : i64}) -> (tensor<2xi8> {qc.in_arena, qc.name = "hn", qc.zero_point = 3 : i64}) {
      return %arg0 : tensor<2xi8>
    }
    func.func @reset() -> (tensor<2xi8> {qc.in_arena, qc.name = "h"}) {
      %0 = qc.constant dense<3> : tensor<2xi8>
      return %0 : tensor<2xi8>
    }
    ```
  }];
}

def InsertObservers : Pass<"qc-insert-observers", "::mlir::func::FuncOp"> {
  let summary = "puts one qc.observe on each edge to be quantized";
  let description = [{
    f32 arguments and results of quantizable ops that have an integer form get a `qc.observe` whose id is the ONNX tensor name. Weights and
    biases get none: their scale follows from their values. The float tail (a softmax in front of a function result) stays unobserved,
    unless `integer-only` wants it in integers, too.
    Edges that a model itself quantizes keep their casts, which are marked `qc.fixed_type`. The code type is `activations`, or what `constraints` says
    (`{"version": 1, "tensors": {"<id>": {"code": "i16"}}}`), or the wider one that the importer asks for (`qc.code_hint`: the cell of an LSTM); codes that only move
    keep the width they have. What a product of two activations reads gets `product-activations`, also through moves: 16 bits on both sides need sums of
    64 bits. Rows of a constant table (an embedding) have 8 bits at most, as weights have. With `candidates` edges that are neither the
    function's arguments nor its results, and whose code type nothing of this rules, get `qc.code_candidates`: calibration finds a range for each, and
    `qc-assign-precision` chooses. Afterwards each quantizable edge has exactly one observe.
    ```mlir
    func.func @example(%x: tensor<4xf32> {qc.name = "in"}) -> tensor<4xf32> {
      %y = qc.activation tanh %x : tensor<4xf32> -> tensor<4xf32> loc("out"("node"))
      return %y : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4xf32> {qc.name = "in"}) -> tensor<4xf32> {
      %0 = qc.observe %arg0 {code = i8, id = "in"} : tensor<4xf32>
      %1 = qc.activation tanh %0 : tensor<4xf32> -> tensor<4xf32>
      %2 = qc.observe %1 {code = i8, id = "out"} : tensor<4xf32>
      return %2 : tensor<4xf32>
    }
    ```
  }];
  let options = [
    Option<"activations", "activations", "std::string", "\"i8\"", "code type of activations: iN or uN, N in 2..8 or 16">,
    Option<"productActivations", "product-activations", "std::string", "\"\"",
      "code type of what products of two activations read; empty: as `activations`">,
    Option<"constraints", "constraints", "std::string", "\"\"", "JSON file with code types of single tensors">,
    Option<"candidates", "candidates", "std::string", "\"\"", "bits that mixed precision may give an edge, as in 8,16; empty: none to choose">,
    Option<"integerOnly", "integer-only", "bool", "false", "make ops without an integer form an error">,
    Option<"dropSoftmax", "drop-softmax", "bool", "false", "a softmax at the very end is going to be dropped">,
    Option<"profile", "profile", "std::string", "\"\"", "hardware profile: ops that it does not compute on codes stay in float">
  ];
}

def ApplyRanges : Pass<"qc-apply-ranges", "::mlir::func::FuncOp"> {
  let summary = "fills the ranges of observes from a file";
  let description = [{
    The file is `{"version": 1, "ranges": {"<id>": [min, max], ...}}`, as `qc-calibrate` writes it. A range from the file replaces one that
    calibration found, and the observe is marked `qc.fixed_type`. Ids without an observe and observes left without a range are errors, all listed at once. Zero is made part of each range. Afterwards every `qc.observe` has a range.
  }];
  let options = [Option<"file", "file", "std::string", "\"\"", "JSON range file">];
}

def Calibrate : Pass<"qc-calibrate", "::mlir::ModuleOp"> {
  let summary = "runs the f32 network natively over samples and fills the ranges of observes";
  let description = [{
    Compiles the function through the same lowering as the product (x86-64-v3, no contraction, so that ranges have the same bytes on every
    host), runs it in this process, streams each observed tensor into a histogram and picks the range by the named calibrator. Memory does not
    grow with the number of samples; the result depends on the set of observed values alone, not on the order of samples nor on how they were
    split among observers. Ranges that are known stay. NaN and infinities are errors that name tensor and sample.

    `minmax` takes all values; `percentile` cuts off the outermost ones, half of them on each side; `mse` tries lower and upper limits together for
    the least square error of the code type at hand, clipping included; `entropy` takes the threshold of least Kullback-Leibler
    divergence. States (`qc.state`) are fed back from sample to sample; then shards are whole sequences. Values that lie on a grid through zero with no more steps than there are codes (images and features that were 8-bit integers
    once) keep that grid under `mse` and `entropy`, so that their codes are exact. With `histograms` an observe that a function reads keeps how often values occurred,
    for `qc-approximate-activations weights=histogram`. Afterwards every `qc.observe` has a range.
  }];
  let options = [
    Option<"samples", "samples", "std::string", "\"\"", ".npz file with one array [N] + shape per input">,
    Option<"calibrator", "calibrator", "std::string", "\"mse\"", "minmax, percentile, mse or entropy">,
    Option<"percentile", "percentile", "double", "99.99", "for the percentile calibrator">,
    Option<"dump", "dump", "std::string", "\"\"", "write the ranges to this JSON file">,
    Option<"histograms", "histograms", "bool", "false", "keep on observes in front of functions how often values occurred (qc.histogram)">,
    Option<"shards", "shards", "unsigned", "0", "samples at a time, each with observers of its own that are merged (0: one per thread)">
  ];
}

def UnifyRanges : Pass<"qc-unify-ranges", "::mlir::func::FuncOp"> {
  let summary = "gives operands and results of same-scale ops one range";
  let description = [{
    Pooling by maximum, concatenation, slices, transposes and the like move codes; they can do so without arithmetic only if both sides share scale and
    zero point. Edges that such ops connect form a group; the union of its ranges becomes the range of each. A state (`qc.state`) belongs to the group of its output, and edges with one `qc.range_group`
    (a gate at each step of a recurrence) are a group. Before that, a range is cut to what
    the clamp of its producer or the function itself (sigmoid: 0 to 1) lets through. Afterwards the observes around a same-scale op have equal ranges.
    ```mlir
    func.func @example(%x: tensor<4xf32>) -> tensor<2x2xf32> {
      %0 = qc.observe %x {id = "a", code = i8, min = -3.0 : f64, max = 1.0 : f64} : tensor<4xf32>
      %1 = qc.reshape %0 : tensor<4xf32> -> tensor<2x2xf32>
      %2 = qc.observe %1 {id = "b", code = i8, min = 0.0 : f64, max = 2.0 : f64} : tensor<2x2xf32>
      return %2 : tensor<2x2xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4xf32>) -> tensor<2x2xf32> {
      %0 = qc.observe %arg0 {code = i8, id = "a", max = 2.000000e+00 : f64, min = -3.000000e+00 : f64} : tensor<4xf32>
      %1 = qc.reshape %0 : tensor<4xf32> -> tensor<2x2xf32>
      %2 = qc.observe %1 {code = i8, id = "b", max = 2.000000e+00 : f64, min = -3.000000e+00 : f64} : tensor<2x2xf32>
      return %2 : tensor<2x2xf32>
    }
    ```
  }];
}

def MaterializeCasts : Pass<"qc-materialize-casts", "::mlir::func::FuncOp"> {
  let summary = "turns observes into quant.qcast/quant.dcast pairs";
  let description = [{
    The type follows from range and code type (docs/Numerics.md, N2); with `zero-points=false` the range is made symmetric about 0 for signed codes, and begins at 0 for
    unsigned ones, which hold no number below it. The mark `qc.fixed_type` goes over to the qcast. Afterwards there is no `qc.observe`; compute is still f32, so evaluating
    the function now simulates the accuracy of the quantized network.
    ```mlir
    func.func @example(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = qc.observe %x {id = "a", code = i8, min = -128.0 : f64, max = 127.0 : f64} : tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4xf32>) -> tensor<4xf32> {
      %0 = quant.qcast %arg0 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 1.000000e+00>>
      %1 = quant.dcast %0 : tensor<4x!quant.uniform<i8:f32, 1.000000e+00>> to tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    ```
  }];
  let options = [
    Option<"powerOfTwo", "power-of-two", "bool", "false", "restrict scales to powers of two (for -requant=pow2)">,
    Option<"zeroPoints", "zero-points", "bool", "true", "false: the code of 0 is 0 whatever the range">
  ];
}

def AssignPrecision : Pass<"qc-assign-precision", "::mlir::ModuleOp"> {
  let summary = "decides the bits of each layer's weights under budgets";
  let description = [{
    Layers differ in how much fewer bits hurt and in how many bytes they save, so one width for all wastes both. This pass gives each layer, or with `slices` each of so many runs of its output channels, one of the
    `candidates`: those that lose least within the budgets, or with `minimize` those that cost least. What a candidate costs is read from the compiler itself, which takes the
    network with each width through its own kernels: bytes of packed weights, cycles of the kernel's cost model, ACE and BOPs. What it loses is estimated to second order, (q - w) H (q - w)^T
    with the moments H of the layer's inputs over calibration samples and the rounding in use, and brought to a common currency by running samples through the float network with the
    layer's error added to its outputs: the divergence of results behind a softmax, or the relative mean square error of others. The choice is a multiple-choice knapsack problem, given to COIN-OR CBC (Schaefer et al., 2022,
    for the problem). Then the network is compiled with it; where real sizes exceed a budget, it is solved again with less. Casts with
    `qc.type_candidates` get one of these types, the same for all of a group: samples run through the float network in which only that group is rounded; layers cost what they cost with the activations that come in,
    and for `max-arena` what is alive at once must fit. Of every four samples the last is held out of all estimates: on those the assignment is judged, which is
    what `max-drop` limits. Layers named in the constraints file, and kinds named in `weights`, keep their code type; the type for all in `weights` is the widest allowed.

    Afterwards the layers have `qc.weight_code`, which `qc-assign-weight-codes` leaves as it is, or `qc.weight_slices`, which `qc-split-slices` obeys, and the function has `qc.precision`: for each layer its bits, bytes, predicted loss and
    the reason, `qc.precision_activations` with the same of activations, then what the whole costs.
  }];
  let options = [
    Option<"samples", "samples", "std::string", "\"\"", ".npz file with one array [N] + shape per input">,
    Option<"weights", "weights", "std::string", "\"i8\"", "iN, the widest, and kind=iN for kinds of layers">,
    Option<"constraints", "constraints", "std::string", "\"\"", "JSON file with code types of single layers">,
    Option<"rounding", "rounding", "std::string", "\"nearest\"", "nearest, sequential or adaround: how weights become codes later">,
    Option<"isa", "isa", "std::string", "\"scalar\"", "what kernels may use (row of Isas.def)">,
    Option<"candidates", "candidates", "std::string", "\"2,3,4,5,6,8,16\"", "bits that a layer may get, 2 to 4 also with factors of groups: 4/32">,
    Option<"slices", "slices", "unsigned", "1", "runs of output channels of a layer that may get bits of their own, at most">,
    Option<"minimize", "minimize", "std::string", "\"loss\"", "loss, weight-bytes, flash, arena, latency, ace or bops">,
    Option<"maxWeightBytes", "max-weight-bytes", "int64_t", "-1", "bytes of packed weights (-1: any)">,
    Option<"maxFlash", "max-flash", "int64_t", "-1", "bytes of all constants">,
    Option<"maxArena", "max-arena", "int64_t", "-1", "bytes of the arena">,
    Option<"maxLatency", "max-latency-us", "double", "-1", "microseconds of one run by the cost model">,
    Option<"clock", "clock-mhz", "double", "3000", "cycles in a microsecond">,
    Option<"maxAce", "max-ace", "double", "-1", "arithmetic computation effort">,
    Option<"maxBops", "max-bops", "double", "-1", "bit operations">,
    Option<"maxDrop", "max-drop", "double", "-1", "points of agreement with the float network's largest result, on held-out samples">,
    Option<"pareto", "pareto", "unsigned", "0", "so many points from the fewest weight bytes to all layers at the widest">,
    Option<"paretoOut", "pareto-out", "std::string", "\"\"", "file for them (.json)">
  ];
}

def SplitSlices : Pass<"qc-split-slices", "::mlir::func::FuncOp"> {
  let summary = "splits layers whose runs of output channels have code types of their own";
  let description = [{
    Mixed precision may give neighbouring output channels of a layer other bits than the next ones (`qc.weight_slices`: runs of channels with their code types). The later passes
    know one code type per layer, so such a layer becomes one layer per run, with its part of the weights and of the bias. Their results are rounded as that of the whole was and joined, which only moves codes:
    every result stays what it was. Afterwards no op has `qc.weight_slices`, and each part has `qc.weight_code`.
    ```mlir
    func.func @example(%x: tensor<1x2xf32>) -> tensor<1x3xf32> {
      %w = qc.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
      %y = qc.matmul %x, %w {qc.weight_slices = [{channels = 2 : i64, code = i8}, {channels = 1 : i64, code = i4} ] } : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32>
      %q = quant.qcast %y : tensor<1x3xf32> to tensor<1x3x!quant.uniform<i8:f32, 1.0>>
      %r = quant.dcast %q : tensor<1x3x!quant.uniform<i8:f32, 1.0>> to tensor<1x3xf32>
      return %r : tensor<1x3xf32>
    }
    ```
  }];
}

def AssignWeightCodes : Pass<"qc-assign-weight-codes", "::mlir::func::FuncOp"> {
  let summary = "decides the code type of each layer's weights";
  let description = [{
    How many bits the weights of a layer get is one decision that several passes obey: those that round them by samples, and `qc-quantize-weights`. `weights` gives
    one code and others for kinds of layers, `i4,depthwise=i8,first=i8,last=i8`; later ones win. A code is `iN`, symmetric integers, or the name of one of
    few levels, `b1` (docs/Schemes.md). Kinds are `depthwise` (one input channel per group),
    `pointwise` (other convolutions of one tap), `dense` (products of matrices), `first` and `last` (of the function's layers with weights). Under `weights` in the constraints file
    single layers are named by their node, or by the tensor that it gives. Afterwards every op with float constant weights has `qc.weight_code`.
    ```mlir
    func.func @example(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
      %w = qc.constant dense<1.0> : tensor<2x2xf32>
      %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
      return %y : tensor<1x2xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<1x2xf32>) -> tensor<1x2xf32> {
      %0 = qc.constant dense<1.000000e+00> : tensor<2x2xf32>
      %1 = qc.matmul %arg0, %0 {qc.weight_code = i8} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
      return %1 : tensor<1x2xf32>
    }
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"i8\"", "iN or b1, and kind=iN for kinds of layers">,
    Option<"constraints", "constraints", "std::string", "\"\"", "JSON file with code types of single layers">
  ];
}

def ReconstructWeights : Pass<"qc-reconstruct-weights", "::mlir::ModuleOp"> {
  let summary = "chooses the codes and scales of weights by what samples bring to each layer";
  let description = [{
    Rounding each weight by itself ignores that inputs are correlated: the error of one weight can be made up for by others. This pass takes the layers one
    after another. For each it sums, over the rows x of inputs that the samples bring, the second moments x x^T (in double, in the order of the samples whatever the number of threads), and a
    method of `WeightRounding.h` chooses codes and one scale per output channel that minimize the mean square of the difference to the float network's
    outputs. With `progressive` x comes from the network as it will compute, activations and all earlier weights rounded, while the outputs to reach
    are those of the float network, so that a layer also makes up for what earlier ones lost. With `bias-correction` the bias takes up the
    difference of the means, and the moments are about the means. A layer whose result goes into a sum, and nothing else, aims at the sum: it makes up for what the other side lost.
    Positions of a layer's output count by what they do to the network's result, as far as `sensitivity` says: by the squares of the result's gradients (PositionWeights.h).
    With `coupling` above 0 errors of its channels count together, by the products of those gradients (K-FAC); `sequential` then rounds one channel after another, each making up for those before it.
    Samples of a network with states follow one another: each has the states that the float network leaves.
    `augment` adds copies of the samples, which must be images (Augmentation.h). `learn-steps` moves, after all layers are rounded, the scales and biases of all of them down the slope of the
    difference of the network's result, by Adam, for that many turns; the fifth of the samples that only judges chooses the turn. A second run also moves the scales of activations (Esser et
    al., Learned Step Size Quantization, 2020); it is taken if it is better than the first. Edges that share a type share the step; zero points stay, and so do the types of arguments and results,
    scales that are powers of two or follow from a fixed range, and types marked `qc.fixed_type`. `qc.learned_steps` has the ratios of the result before and after, and how many steps
    of activations moved.

    `sequential` rounds one input's weights after another and lets those to come make up for the error (Frantar et al., GPTQ, 2022), then changes single
    codes as long as that helps, for several scales; `order` is that of the inputs. `adaround` lets all weights of a channel move between their two nearest codes at once, down the slope
    of that error, and drives them to one of the two (Nagel et al., Up or Down?, 2020), then changes single codes, too. `brecq` takes blocks of layers, which end where one value is
    alive, rounds their layers one after another, and then moves codes, scales and biases of all of them down the slope of the difference of the block's output (Li et al., BRECQ,
    2021); `qdrop` leaves out the rounding of half of the activations on the way (Wei et al., QDrop, 2022). What the fifth of the samples that only judges does not agree with is not taken. Random
    numbers come from a fixed seed: the same samples give the same codes. `damping` times the mean of the diagonal is added to the diagonal. Memory: values alive between
    two layers are kept for all samples, as codes where they are codes; if that exceeds `memory`, fewer samples are taken, evenly spread.

    Stored weights (`qc.decode` of codes, with the numbers that `qc-store-weights` rounded in `qc.reals`) keep their layout: codes and the f32 scales of their groups are chosen anew, by `sequential` alone.
    Once a channel's codes stand, the scales of its groups are those of least error for them, all at once, and codes change again.

    Afterwards weights are codes behind a `quant.dcast` as `qc-quantize-weights` leaves them, and biases are f32 constants for it to encode. Layers that cannot be
    reconstructed (transposed convolutions, inputs that are no codes) are left to it. `qc.rounding` on the function lists for each layer the method, bits, rows, rank, damping, and
    the signal-to-noise ratio of its outputs in dB with the nearest codes and with those chosen. A rank below the number of inputs is a remark.
  }];
  let options = [
    Option<"samples", "samples", "std::string", "\"\"", ".npz file with one array [N] + shape per input">,
    Option<"rounding", "rounding", "std::string", "\"sequential\"", "sequential, adaround, brecq or qdrop">,
    Option<"order", "order", "std::string", "\"importance\"", "natural, activation or importance: of inputs in sequential rounding">,
    Option<"damping", "damping", "double", "0", "what is added to the diagonal of the moments, as a part of its mean; 0: inputs over rows, at least 0.01">,
    Option<"progressive", "progressive", "bool", "true", "inputs come from the network with all earlier layers quantized">,
    Option<"biasCorrection", "bias-correction", "bool", "true", "biases take up the difference of the outputs' means">,
    Option<"sensitivity", "sensitivity", "double", "0.7", "how far positions count by what they do to the network's result, 0 to 1">,
    Option<"coupling", "coupling", "double", "0", "how far errors of a layer's output channels count together, by the network's result, 0 to less than 1">,
    Option<"augment", "augment", "std::string", "\"\"", "mirror, zoom, shift: copies of the samples, which are images">,
    Option<"learnSteps", "learn-steps", "unsigned", "0", "turns through the samples in which scales, also of activations, and biases move for the network's result (0: they stay)">,
    Option<"heldOut", "held-out", "unsigned", "0", "of every so many samples the last is left out (0: none)">,
    Option<"memory", "memory", "unsigned", "2048", "MiB for the values of samples between two layers">,
    Option<"powerOfTwo", "power-of-two", "bool", "false", "restrict scales to powers of two (for -requant=pow2)">,
    Option<"granularity", "granularity", "std::string", "\"channel\"", "channel: one scale per output channel, or tensor: one per layer, of least error over all of it">
  ];
}

def QuantizeWeights : Pass<"qc-quantize-weights", "::mlir::func::FuncOp"> {
  let summary = "encodes weights, biases and other constants of quantizable ops";
  let description = [{
    Weights become symmetric codes with one scale per output channel (or, with `granularity=tensor`, per layer: largest magnitude over the largest code), or levels of a code
    with the scales that it fits (`b1`: signs and mean magnitudes), biases i32 with scale
    s_x*s_w; a channel whose bias would not fit in 30 bits gets a larger weight scale. Weights round to the nearest code, except that in each channel of symmetric ones the
    few nearest to the middle between two codes go the other way until the errors sum up to half a step at most: activations have a mean, which turns
    that sum into an offset of the channel. In filters along time with 16 and more taps each error goes on to the next tap instead, by nine tenths. Constant operands of element-wise ops are encoded as activations.
    With `pair-safe=shrink` the scale of an output channel grows by up to 5 % where that makes pairs of its weights add up within 16 bits (docs/Kernels.md);
    `qc.pair_safe` on the function lists the layers, how many channels grew, the largest factor, and the weights' signal to noise before and after.
    Each is a `qc.constant` of quantized type behind a `quant.dcast` or `qc.dcast`. An op whose constants cannot be encoded gets the reason in `qc.float_reason`.
    ```mlir
    func.func @example(%x: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
      %0 = quant.dcast %x : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
      %1 = qc.constant dense<3.0> : tensor<f32>
      %2 = qc.mul %0, %1 : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
      %3 = quant.qcast %2 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
      return %3 : tensor<4x!quant.uniform<i8:f32, 0.5>>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4x!quant.uniform<i8:f32, 5.000000e-01>>) -> tensor<4x!quant.uniform<i8:f32, 5.000000e-01>> {
      %0 = quant.dcast %arg0 : tensor<4x!quant.uniform<i8:f32, 5.000000e-01>> to tensor<4xf32>
      %1 = qc.constant dense<1> : tensor<i8> -> tensor<!quant.uniform<i8:f32, 3.000000e+00>>
      %2 = quant.dcast %1 : tensor<!quant.uniform<i8:f32, 3.000000e+00>> to tensor<f32>
      %3 = qc.mul %0, %2 : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
      %4 = quant.qcast %3 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 5.000000e-01>>
      return %4 : tensor<4x!quant.uniform<i8:f32, 5.000000e-01>>
    }
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"i8\"", "code of weights: iN, N in 2..8 or 16, or b1">,
    Option<"powerOfTwo", "power-of-two", "bool", "false", "restrict scales to powers of two (for -requant=pow2)">,
    Option<"granularity", "granularity", "std::string", "\"channel\"", "channel: weights have one scale per output channel, or tensor: one per layer">,
    Option<"zeroPoints", "zero-points", "bool", "true", "of constants that are activations; false: the code of 0 is 0">,
    Option<"pairSafe", "pair-safe", "std::string", "\"off\"", "off, or shrink: larger scales where they make pairs of weights safe">
  ];
}

def KeepFloat : Pass<"qc-keep-float", "::mlir::ModuleOp"> {
  let summary = "keeps a copy of the float network in a module of its own";
  let description = [{
    Later passes change the function that is compiled; whoever compares with the float network needs it as it was. Functions with observes are copied into
    `module @float`, where passes on the functions of the outer module do not see them. `qc-measure-errors` removes it.
    ```mlir
    func.func @example(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = qc.observe %x {id = "a", code = i8, min = -1.0 : f64, max = 1.0 : f64} : tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4xf32>) -> tensor<4xf32> {
      %0 = qc.observe %arg0 {code = i8, id = "a", max = 1.000000e+00 : f64, min = -1.000000e+00 : f64} : tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    module @float {
      func.func @example(%arg0: tensor<4xf32>) -> tensor<4xf32> {
        %0 = qc.observe %arg0 {code = i8, id = "a", max = 1.000000e+00 : f64, min = -1.000000e+00 : f64} : tensor<4xf32>
        return %0 : tensor<4xf32>
      }
    }
    ```
  }];
}

def MeasureErrors : Pass<"qc-measure-errors", "::mlir::ModuleOp"> {
  let summary = "measures on samples what quantization costs at each tensor";
  let description = [{
    At stage `qdq` the function still computes in f32, so it shows the error of quantization and nothing else. Both it and the float network (from `qc-keep-float`) are compiled into this
    process, as `qc-calibrate` does it, and run over the first `limit` samples, one at a time. Nothing is measured without a kept network. The function gets `qc.errors`:

    * `tensors`, one per `quant.dcast` of an activation, in order. `cumulative_db`: energy of the float tensor over that of the difference to the quantized network's, in dB. `own_db`: the same of
      the op alone, with quantized weights and rounded result, on the inputs of the float network; `weights_db`: without the rounding; `rounding_db`: the rounding of the float result.
      A unit attribute stands for no error; what only moves codes, and what the float network rounds itself, has no error of its own. `saturated`: part of the float values that codes do not reach;
      `codes` of `all_codes` occurred; `range` and `observed`: what codes reach, and float values did; `histogram`: values of both networks in 64 parts from `low` to `high`.
    * `outputs`: `sqnr_db` of each result; of one with a single row, in how many of its `rows`, one per sample, the largest element is the same one (`same_largest`).
    * `samples` that were used of those `available`.

    Sums are in double and in the order of samples: the same on each host. Afterwards the kept network is gone.
  }];
  let options = [
    Option<"samples", "samples", "std::string", "\"\"", ".npz file with one array [N] + shape per input">,
    Option<"limit", "limit", "int64_t", "32", "use only the first samples">
  ];
}

def FoldCasts : Pass<"qc-fold-casts", "::mlir::func::FuncOp"> {
  let summary = "fake-quant folding: dcast, op, qcast becomes the op on quantized types";
  let description = [{
    An op whose float operands all come from `quant.dcast` (weights included) and whose result goes into `quant.qcast` computes on codes instead, once for
    each type that it is encoded to. An op that cannot be folded keeps its casts and gets a remark with the reason; the same reasons stand in the report.
    Ops that only move values pass codes on even where the model casts on one side alone. Afterwards casts stand only at the function's boundary or
    beside ops that stay in float.
    ```mlir
    func.func @example(%q: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4x!quant.uniform<i8:f32, 0.25>> {
      %f = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
      %r = qc.activation tanh %f : tensor<4xf32> -> tensor<4xf32>
      %c = quant.qcast %r : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
      return %c : tensor<4x!quant.uniform<i8:f32, 0.25>>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<4x!quant.uniform<i8:f32, 5.000000e-01>>) -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>> {
      %0 = qc.activation tanh %arg0 : tensor<4x!quant.uniform<i8:f32, 5.000000e-01>> -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
      return %0 : tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
    }
    ```
  }];
  let statistics = [Statistic<"numFolded", "ops-folded", "ops that compute on codes">];
}

def VerifyStage : Pass<"qc-verify-stage", "::mlir::ModuleOp"> {
  let summary = "checks what holds after a stage and lists every violation";
  let description = [{
    A pass relies on what the stages before it promise. This pass checks the promise of one stage, rule by rule, and names every op that breaks it. Every
    stage of the pipeline ends with it, so that a mistake shows where it was made.
  }];
  let options = [Option<"stage", "stage", "std::string", "\"\"", "name of the stage (docs/Pipeline.md)">];
}

def VerifyProfile : Pass<"qc-verify-profile", "::mlir::ModuleOp"> {
  let summary = "checks a quantized network against what a piece of hardware can do";
  let description = [{
    A network that a processor cannot run as it is quantized is found out at once instead of by its tools. `profile` is a hardware profile (docs/Profiles.md): a name or a
    .json file. Every op is checked by a table of rules: code types, zero points, granularity and powers of two of activations and weights, ops that are computed in float only, and operations
    in float (stage `quantized`, where the types say so); widths of accumulators, tables and pieces of functions (stage `integer`); the rounding contract. Each violation names the node, what it
    has, what the profile allows, and what to do; all of them come at once. It does not matter whether the compiler or the model chose the codes.
  }];
  let options = [Option<"profile", "profile", "std::string", "\"\"", "name of a hardware profile, or a .json file">];
}

def Interpret : Pass<"qc-interpret", "::mlir::ModuleOp"> {
  let summary = "evaluates functions with the reference evaluator";
  let description = [{
    Without `inputs`, every function without arguments is evaluated and its results are printed, one line each:
    `name: tensor<2xf32> [1, 2]`. With `inputs`, `entry` is run over the samples of the .npz file and the results go to `outputs`. A state (`qc.state`) takes the value that the
    sample before gave it; every `reset-every` samples it starts anew, from its array or, without one, from `qc.initial`, the zero point or zero.
    Works at every stage up to `integer`.
  }];
  let options = [
    Option<"entry", "entry", "std::string", "\"\"", "function to run on inputs (default: the only public one)">,
    Option<"inputs", "inputs", "std::string", "\"\"", ".npz file with one array [N] + shape per argument">,
    Option<"outputs", "outputs", "std::string", "\"\"", ".npz file to write">,
    Option<"limit", "limit", "int64_t", "0", "use only the first samples (0: all)">,
    Option<"resetEvery", "reset-every", "int64_t", "0", "samples of one sequence (0: all)">
  ];
}

def AssignLayout : Pass<"qc-assign-layout", "::mlir::func::FuncOp"> {
  let summary = "stores activations channels last between kernels";
  let description = [{
    Kernels read all channels of a pixel at a time, so that channels must lie together in memory. The ops stay channel first, which is what defines
    their result: a convolution or pool that works on channels last is one between two `qc.transpose`, from channels last to channels first
    in front and back behind it. These transposes belong to the op and are never executed; every other one is. Ops that compute in any order of
    dimensions (requantization, tables, additions, concatenation, padding, reduction, ...) do so in the order that is there; constants, and the rows of a
    weight behind a flattened map, are permuted at compile time.

    Afterwards inverse transposes have cancelled and at most one stays where the function's arguments and results, or an op that needs channels
    first, prescribe an order. A transpose that moves only dimensions of size 1 is a `qc.reshape`.
    ```mlir
    func.func @example(%x: tensor<1x1x2x2xi8>) -> tensor<1x2x1x1xi8> {
      %w = qc.constant dense<1> : tensor<2x1x2x2xi8>
      %a = qc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1, acc_bound = 512 : ui64}
         : (tensor<1x1x2x2xi8>, tensor<2x1x2x2xi8>) -> tensor<1x2x1x1xi32>
      %y = qc.requantize %a {axis = 1, input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608, 12582912>, shifts = array<i32: 25, 25>,
                             zero_point = 0, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>} : (tensor<1x2x1x1xi32>) -> tensor<1x2x1x1xi8>
      return %y : tensor<1x2x1x1xi8>
    }
    ```
    becomes
    ```mlir
    func.func @example(%arg0: tensor<1x1x2x2xi8>) -> tensor<1x2x1x1xi8> {
      %0 = qc.reshape %arg0 : tensor<1x1x2x2xi8> -> tensor<1x2x2x1xi8>
      %1 = qc.constant dense<1> : tensor<2x1x2x2xi8>
      %2 = qc.transpose %0 {permutation = array<i64: 0, 3, 1, 2>} : tensor<1x2x2x1xi8> -> tensor<1x1x2x2xi8>
      %3 = qc.conv %2, %1 {acc_bound = 512 : ui64, dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x2x2xi8>, tensor<2x1x2x2xi8>) -> tensor<1x2x1x1xi32>
      %4 = qc.transpose %3 {permutation = array<i64: 0, 2, 3, 1>} : tensor<1x2x1x1xi32> -> tensor<1x1x1x2xi32>
      %5 = qc.requantize %4 {axis = 3 : i64, code_max = 127 : i64, code_min = -128 : i64, input_zero_points = array<i64: 0>, multipliers = array<i32: 8388608, 12582912>, rounding = #qc<rounding onnx>, shifts = array<i32: 25, 25>, zero_point = 0 : i64} : (tensor<1x1x1x2xi32>) -> tensor<1x1x1x2xi8>
      %6 = qc.reshape %5 : tensor<1x1x1x2xi8> -> tensor<1x2x1x1xi8>
      return %6 : tensor<1x2x1x1xi8>
    }
    ```
  }];
  let statistics = [Statistic<"numLeft", "transposes-left", "transposes that will be executed">];
}

def ExpandCopies : Pass<"qc-expand-copies", "::mlir::func::FuncOp"> {
  let summary = "turns memref.copy into linalg.generic";
  let description = [{
    The object has no memcpy, and a copy between strided buffers would even call into MLIR's runtime library. Buffers without gaps are copied
    as one dimension. A copy of a buffer onto itself disappears.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"];
}

def OutlineKernels : Pass<"qc-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "moves the loops of each layer into a function of their own";
  let description = [{
    All buffers will be parts of one arena, so that LLVM would have to assume that they overlap, and neither vectorize nor keep values in registers.
    A kernel is what stands at one place in the source, one behind the other, and shares buffers.
    Buffers that one kernel uses are live at the same time, hence disjoint; as arguments of a function they can say so (`noalias`). Functions
    are named after their layer, which serves profilers, and small enough that compile time stays linear. Buffers of up to 1 KiB that one kernel alone uses
    move to the stack (`qc.stack_bytes` is the most that any kernel uses). Afterwards the body of a function is a list of
    calls: the schedule of `qc-plan-arena`. Loops around the innermost ones are marked as not to be unrolled, short constant ones excepted.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def ShareKernels : Pass<"qc-share-kernels", "::mlir::ModuleOp"> {
  let summary = "merges kernels that differ in their constants only";
  let description = [{
    Networks repeat layers of one shape, whose kernels are the same loops over other weights. One function then serves them all: constants that
    differ become arguments, those that are the same stay where they are, and so does a function without a twin. That saves
    compile time and code. Which layer a call belongs to stands in the call's location. Arguments of constants do not alias what is written, and say
    where they begin and how much may be read, so that nothing that LLVM knew of the constant is lost.
    ```mlir
    memref.global "private" constant @a : memref<2xi32> = dense<[1, 2]> {alignment = 64 : i64}
    memref.global "private" constant @b : memref<2xi32> = dense<[3, 4]> {alignment = 64 : i64}
    func.func private @run_0(%y: memref<2xi32> {llvm.noalias}) attributes {qc.kernel_of = @run} {
      %w = memref.get_global @a : memref<2xi32>
      %c0 = arith.constant 0 : index
      %v = vector.load %w[%c0] : memref<2xi32>, vector<2xi32>
      vector.store %v, %y[%c0] : memref<2xi32>, vector<2xi32>
      return
    }
    func.func private @run_1(%y: memref<2xi32> {llvm.noalias}) attributes {qc.kernel_of = @run} {
      %w = memref.get_global @b : memref<2xi32>
      %c0 = arith.constant 0 : index
      %v = vector.load %w[%c0] : memref<2xi32>, vector<2xi32>
      vector.store %v, %y[%c0] : memref<2xi32>, vector<2xi32>
      return
    }
    func.func @run(%y: memref<2xi32>, %z: memref<2xi32>) {
      call @run_0(%y) : (memref<2xi32>) -> ()
      call @run_1(%z) : (memref<2xi32>) -> ()
      return
    }
    ```
    becomes
    ```mlir
    memref.global "private" constant @a : memref<2xi32> = dense<[1, 2]> {alignment = 64 : i64}
    memref.global "private" constant @b : memref<2xi32> = dense<[3, 4]> {alignment = 64 : i64}
    func.func private @run_0(%arg0: memref<2xi32> {llvm.noalias}, %arg1: memref<2xi32> {llvm.align = 64 : i64, llvm.dereferenceable = 8 : i64, llvm.noalias, llvm.readonly}) attributes {qc.kernel_of = @run} {
      %c0 = arith.constant 0 : index
      %0 = vector.load %arg1[%c0] : memref<2xi32>, vector<2xi32>
      vector.store %0, %arg0[%c0] : memref<2xi32>, vector<2xi32>
      return
    }
    func.func @run(%arg0: memref<2xi32>, %arg1: memref<2xi32>) {
      %0 = memref.get_global @a : memref<2xi32>
      call @run_0(%arg0, %0) : (memref<2xi32>, memref<2xi32>) -> ()
      %1 = memref.get_global @b : memref<2xi32>
      call @run_0(%arg1, %1) : (memref<2xi32>, memref<2xi32>) -> ()
      return
    }
    ```
  }];
  let statistics = [Statistic<"numMerged", "functions-merged", "functions that another one replaced">];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect"];
}

def PlanArena : Pass<"qc-plan-arena", "::mlir::ModuleOp"> {
  let summary = "places every buffer at a fixed offset of one arena argument";
  let description = [{
    The object has no heap. Each `memref.alloc` becomes a `memref.view` of the last argument, an `i8` buffer that the caller provides. A
    buffer lives from its first to its last use, views included; offsets are 64-byte aligned. A function that calls another gives it a part of
    its own arena (the alloc with `qc.arena_of`). States (arguments with `qc.in_arena`) lie at the start of the arena and are arguments no more; they live on, so nothing else takes
    their place, and `qc.state_bytes` says how much they take. The function gets `qc.arena_bytes`, `qc.arena_lower_bound` (the largest sum of simultaneously
    live buffers, scratch included) and `qc.arena_map`, whose `first` and `last` count the ops of the function as they were; `qc.arena_calls` says which of those
    were calls. Afterwards there is no alloc and no dealloc.
    ```mlir
    %a = memref.alloc() : memref<16xi32>   ==>   %a = memref.view %arena[%c128][] : memref<512xi8> to memref<16xi32>
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def OutlineTasks : Pass<"qc-outline-tasks", "::mlir::ModuleOp"> {
  let summary = "moves what a task does into a function of its own";
  let description = [{
    A task runs on any thread, so it must be a function: its arguments are the buffers that the `qc.parallel` uses (which still do not alias), the task's number and its
    slot. In place of the op stands a call of a second function, which calls the first one for every task (`qc.tasks`): this is what runs without threads, and what
    `qc-share-tasks` hands out otherwise. Afterwards no `qc.parallel` is left.
    ```mlir
    func.func private @layer(%y: memref<8xi8>) {
      %c = arith.constant 1 : i8
      qc.parallel 8 slots 2 {
      ^bb0(%task: index, %slot: index):
        memref.store %c, %y[%task] : memref<8xi8>
      }
      return
    }
    ```
    becomes
    ```mlir
    func.func private @layer_task(%arg0: memref<8xi8> {llvm.noalias}, %arg1: index, %arg2: index) {
      %c1_i8 = arith.constant 1 : i8
      memref.store %c1_i8, %arg0[%arg1] : memref<8xi8>
      return
    }
    func.func private @layer_tasks(%arg0: memref<8xi8> {llvm.noalias}) attributes {qc.tasks = 8 : i64} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      scf.for %arg1 = %c0 to %c8 step %c1 {
        func.call @layer_task(%arg0, %arg1, %c0) : (memref<8xi8>, index, index) -> ()
      }
      return
    }
    func.func private @layer(%arg0: memref<8xi8>) {
      %c1_i8 = arith.constant 1 : i8
      call @layer_tasks(%arg0) : (memref<8xi8>) -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"];
}

def ShareTasks : Pass<"qc-share-tasks", "::mlir::ModuleOp"> {
  let summary = "hands tasks to the caller's threads";
  let description = [{
    In a module with `qc.threads`, on the LLVM dialect: entry functions take two more arguments, the caller's `parallel_for` and what it wants to be given (docs/Threads.md),
    and hand them down to the functions with `qc.tasks`. Such a function puts its arguments into a record on its stack and calls
    `parallel_for(pool, task, record, count)`, or, where that is null, runs the tasks itself. `task(record, index, slot)` unpacks the record and calls the task's
    function. There is no state and no symbol from outside.
    ```mlir
    llvm.func @run(%x: !llvm.ptr, %arena: !llvm.ptr)   ==>   llvm.func @run(%x: !llvm.ptr, %arena: !llvm.ptr, %parallel_for: !llvm.ptr, %pool: !llvm.ptr)
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // QC_TRANSFORMS_PASSES_TD
