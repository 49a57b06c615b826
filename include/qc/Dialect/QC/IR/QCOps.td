// The ops. Shapes: N batch, C channels, spatial dims last; `O` output channels. Every op states its three domains.
#ifndef QC_OPS_TD
#define QC_OPS_TD

include "qc/Dialect/QC/IR/QCBase.td"
include "qc/Dialect/QC/IR/QCInterfaces.td"
include "qc/Dialect/QC/IR/QCTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class QC_Op<string mnemonic, list<Trait> traits = []> : Op<QC_Dialect, mnemonic, !listconcat([Pure], traits)>;

def QC_Shape : DeclareOpInterfaceMethods<QC_ShapeOpInterface>;
def QC_Quantizable : DeclareOpInterfaceMethods<QC_QuantizableOpInterface>;
class QC_QuantizableWith<list<string> methods> : DeclareOpInterfaceMethods<QC_QuantizableOpInterface, methods>;
def QC_Accumulator : DeclareOpInterfaceMethods<QC_AccumulatorOpInterface, ["computeAccBound", "getMacs"]>;
defvar QC_Tensor = AnyStaticShapeTensor;

//===-- Values ---------------------------------------------------------------------------------------------------------------===//

def QC_ConstantOp : QC_Op<"constant", [ConstantLike, QC_Quantizable]> {
  let summary = "a constant tensor";
  let description = [{
    `value` holds f32 numbers, integers, or, when the result type is quantized, the codes in their integer type (`iN` or `uiN`).
    ```mlir
    func.func @constant() -> (tensor<2xf32>, tensor<2x!quant.uniform<i8:f32, 0.5>>) {
      %w = qc.constant dense<[1.0, 2.0]> : tensor<2xf32>
      %q = qc.constant dense<[1, 2]> : tensor<2xi8> -> tensor<2x!quant.uniform<i8:f32, 0.5>>
      return %w, %q : tensor<2xf32>, tensor<2x!quant.uniform<i8:f32, 0.5>>
    }
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs QC_Tensor:$result);
  let hasCustomAssemblyFormat = 1;
  let hasFolder = 1;
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::ElementsAttr":$value), [{
    build($_builder, $_state, value.getShapedType(), value);
  }]>];
}

def QC_CastOp : QC_Op<"cast", [QC_Shape, QC_QuantizableWith<["whyFloat"]>]> {
  let summary = "converts between numeric element types as ONNX Cast does (float to integer truncates toward zero)";
  let description = [{
    ```mlir
    func.func @cast(%x: tensor<2xf32>) -> tensor<2xi64> {
      %y = qc.cast %x : tensor<2xf32> -> tensor<2xi64>
      return %y : tensor<2xi64>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

//===-- Contractions ---------------------------------------------------------------------------------------------------------===//

def QC_ConvOp : QC_Op<"conv", [QC_Shape, QC_Accumulator, DeclareOpInterfaceMethods<QC_ClampOpInterface>,
    QC_QuantizableWith<["getOperandRole", "getWeightChannelAxis"]>]> {
  let summary = "convolution over 1 to 3 spatial dimensions";
  let description = [{
    `input` is `[N, C, X...]`, `weight` `[O, C/groups, K...]`, `bias` `[O]`, the result `[N, O, Y...]` with
    `Y = (X + pad_begin + pad_end - dilation*(K-1) - 1) / stride + 1` (floor). `pads` lists all begins, then all ends.

    float: zero padding. quantized: `bias` is `i32` with scale `s_x*s_w`, zero point 0. integer: the input is padded with
    `pad_value` (the code of zero), the bias already holds `-zero_point * sum(w)`, the result is `i32` or `i64` and `acc_bound` is
    the proof that it cannot overflow.
    ```mlir
    func.func @conv(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>) -> tensor<1x4x8x8xf32> {
      %y = qc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1}
         : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
      return %y : tensor<1x4x8x8xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, QC_Tensor:$weight, Optional<QC_Tensor>:$bias,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, I64Attr:$groups,
    OptionalAttr<F32Attr>:$clamp_min, OptionalAttr<F32Attr>:$clamp_max,
    DefaultValuedAttr<I64Attr, "0">:$pad_value, OptionalAttr<UI64Attr>:$acc_bound);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_ConvTransposeOp : QC_Op<"conv_transpose", [QC_Shape, QC_Accumulator, DeclareOpInterfaceMethods<QC_ClampOpInterface>,
    QC_QuantizableWith<["getOperandRole", "getWeightChannelAxis"]>]> {
  let summary = "transposed convolution over 1 to 3 spatial dimensions";
  let description = [{
    `input` `[N, C, X...]`, `weight` `[C, O/groups, K...]`, `bias` `[O]`, result `[N, O, Y...]` with
    `Y = stride*(X-1) + output_padding + dilation*(K-1) + 1 - pad_begin - pad_end`. Each input element adds `x*w` to the outputs it
    reaches. integer: the element is `x - input_zero_point` (its gaps are real zeros, which no code padding could give).
    ```mlir
    func.func @conv_transpose(%x: tensor<1x3x4x4xf32>, %w: tensor<3x2x2x2xf32>) -> tensor<1x2x8x8xf32> {
      %y = qc.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>,
                                     dilations = array<i64: 1, 1>, groups = 1}
         : (tensor<1x3x4x4xf32>, tensor<3x2x2x2xf32>) -> tensor<1x2x8x8xf32>
      return %y : tensor<1x2x8x8xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, QC_Tensor:$weight, Optional<QC_Tensor>:$bias,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$output_padding, DenseI64ArrayAttr:$dilations,
    I64Attr:$groups, OptionalAttr<F32Attr>:$clamp_min, OptionalAttr<F32Attr>:$clamp_max,
    DefaultValuedAttr<I64Attr, "0">:$input_zero_point, OptionalAttr<UI64Attr>:$acc_bound);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_MatmulOp : QC_Op<"matmul", [QC_Shape, QC_Accumulator, DeclareOpInterfaceMethods<QC_ClampOpInterface>,
    QC_QuantizableWith<["getOperandRole", "getWeightChannelAxis"]>]> {
  let summary = "matrix product with broadcast batch dimensions";
  let description = [{
    `lhs` `[B..., M, K]`, `rhs` `[B..., K, N]`, `bias` `[N]`, result `[B..., M, N]`; both ranks at least 2, batch dimensions broadcast
    as in numpy. A constant `rhs` is a weight (scale per `N`), else both are activations.

    integer: `sum((lhs - lhs_zero_point) * (rhs - rhs_zero_point)) + bias`; with constant weights the zero point is in the bias
    and both attributes are 0.
    ```mlir
    func.func @matmul(%a: tensor<2x8xf32>, %b: tensor<8x3xf32>) -> tensor<2x3xf32> {
      %y = qc.matmul %a, %b {clamp_min = 0.0 : f32} : (tensor<2x8xf32>, tensor<8x3xf32>) -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$lhs, QC_Tensor:$rhs, Optional<QC_Tensor>:$bias,
    OptionalAttr<F32Attr>:$clamp_min, OptionalAttr<F32Attr>:$clamp_max,
    DefaultValuedAttr<I64Attr, "0">:$lhs_zero_point, DefaultValuedAttr<I64Attr, "0">:$rhs_zero_point,
    OptionalAttr<UI64Attr>:$acc_bound);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs (`,` $bias^)? attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

//===-- Element-wise ---------------------------------------------------------------------------------------------------------===//

class QC_ArithmeticOp<string mnemonic, string formula, list<Trait> traits = []> : QC_Op<mnemonic, !listconcat([QC_Shape,
    DeclareOpInterfaceMethods<QC_ClampOpInterface>], traits)> {
  let summary = formula # ", operands broadcast as in numpy";
  let arguments = (ins QC_Tensor:$lhs, QC_Tensor:$rhs,
    OptionalAttr<F32Attr>:$clamp_min, OptionalAttr<F32Attr>:$clamp_max);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
}
def QC_AddOp : QC_ArithmeticOp<"add", "lhs + rhs", [QC_Quantizable]> {
  let description = [{
    quantized: both operands on one exponent, one rounding (docs/Numerics.md, N12).
    ```mlir
    func.func @add(%a: tensor<1x2x4x4xf32>, %b: tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32> {
      %y = qc.add %a, %b : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
      return %y : tensor<1x2x4x4xf32>
    }
    ```
  }];
}
def QC_SubOp : QC_ArithmeticOp<"sub", "lhs - rhs", [QC_Quantizable]> {
  let description = [{
    quantized: as `qc.add`, with the second multiplier negated.
    ```mlir
    func.func @sub(%a: tensor<1x2x4x4xf32>, %b: tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32> {
      %y = qc.sub %a, %b : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
      return %y : tensor<1x2x4x4xf32>
    }
    ```
  }];
}
def QC_DivOp : QC_ArithmeticOp<"div", "lhs / rhs", [QC_Quantizable]> {
  let description = [{
    Division by a constant is rewritten as a multiplication (`qc-simplify`). quantized: one rounding of the exact quotient, as `qc.divide_codes` does it
    (docs/Numerics.md, N24); the divisor keeps away from zero, or the op stays in float. integer: truncates; a quotient by zero is 0, that of the lowest
    number by -1 wraps.
    ```mlir
    func.func @div(%a: tensor<1x2x4x4xf32>, %b: tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32> {
      %y = qc.div %a, %b : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
      return %y : tensor<1x2x4x4xf32>
    }
    ```
  }];
}
def QC_MulOp : QC_ArithmeticOp<"mul", "lhs * rhs", [QC_Quantizable, QC_Accumulator]> {
  let description = [{
    integer: `(lhs - lhs_zero_point) * (rhs - rhs_zero_point)` into `i32` or `i64`, with its bound in `acc_bound`.
    ```mlir
    func.func @mul(%a: tensor<1x2x4x4xf32>, %b: tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32> {
      %y = qc.mul %a, %b : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
      return %y : tensor<1x2x4x4xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$lhs, QC_Tensor:$rhs,
    OptionalAttr<F32Attr>:$clamp_min, OptionalAttr<F32Attr>:$clamp_max,
    DefaultValuedAttr<I64Attr, "0">:$lhs_zero_point, DefaultValuedAttr<I64Attr, "0">:$rhs_zero_point,
    OptionalAttr<UI64Attr>:$acc_bound);
}

def QC_BinaryOp : QC_Op<"binary", [QC_Shape, QC_QuantizableWith<["getOperandRole", "isSameScale", "whyFloat"]>]> {
  let summary = "a function of two numbers of one type, operands broadcast as in numpy";
  let description = [{
    `min`, `max`; `hypot`, the root of `lhs^2 + rhs^2` (on quantized types as `qc.hypot_codes`, N23), and `pow` on f32 only (docs/Numerics.md, N11); `rem` is what `lhs - rhs * truncate(lhs / rhs)` gives and has the sign of
    `lhs`, `mod` on integers only has that of `rhs`; a remainder by the integer zero is 0. `and`, `or`, `xor` and the shifts work on the
    bits of integers and booleans; a right shift brings in zeros; a shift by the type's width or more gives 0.
    ```mlir
    func.func @binary(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
      %y = qc.binary max %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    }
    ```
  }];
  let arguments = (ins QC_BinaryKindAttr:$kind, QC_Tensor:$lhs, QC_Tensor:$rhs);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$kind $lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_CompareOp : QC_Op<"compare", [QC_Shape, QC_QuantizableWith<["getOperandRole", "whyFloat"]>]> {
  let summary = "a relation of two numbers of one type as `i1`, operands broadcast as in numpy";
  let description = [{
    A relation with NaN is false. quantized: both operands have one type with one scale, so that codes compare as the numbers that they stand for;
    a constant is the code at which the relation changes (docs/Numerics.md, N25).
    ```mlir
    func.func @compare(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xi1> {
      %y = qc.compare less %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
      return %y : tensor<2x3xi1>
    }
    ```
  }];
  let arguments = (ins QC_CompareKindAttr:$kind, QC_Tensor:$lhs, QC_Tensor:$rhs);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$kind $lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_SelectOp : QC_Op<"select", [QC_Shape, QC_QuantizableWith<["getOperandRole", "isSameScale"]>]> {
  let summary = "condition ? lhs : rhs, operands broadcast as in numpy";
  let description = [{
    ```mlir
    func.func @select(%c: tensor<2x1xi1>, %a: tensor<2x3xf32>, %b: tensor<f32>) -> tensor<2x3xf32> {
      %y = qc.select %c, %a, %b : (tensor<2x1xi1>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$condition, QC_Tensor:$lhs, QC_Tensor:$rhs);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$condition `,` $lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_ClampOp : QC_Op<"clamp", [QC_Shape, DeclareOpInterfaceMethods<QC_ClampOpInterface>, QC_Quantizable]> {
  let summary = "min(max(input, clamp_min), clamp_max): relu, relu6, clip";
  let description = [{
    Stands alone only where no producer could take the limits (`qc-fuse-clamps`).
    quantized: a requantization whose limits are the codes of `clamp_min` and `clamp_max`.
    ```mlir
    func.func @clamp(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = qc.clamp %x {clamp_min = 0.0 : f32, clamp_max = 6.0 : f32} : tensor<4xf32> -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, OptionalAttr<F32Attr>:$clamp_min, OptionalAttr<F32Attr>:$clamp_max);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def QC_ActivationOp : QC_Op<"activation", [QC_Shape, QC_QuantizableWith<["getFixedRange"]>]> {
  let summary = "a unary real function";
  let description = [{
    `leaky_relu`: `x < 0 ? alpha*x : x`; `hard_sigmoid`: `max(0, min(1, alpha*x + beta))`; `hard_swish`:
    `x * max(0, min(1, x/6 + 1/2))`; `sigmoid`; `tanh`; `elu`: `x < 0 ? alpha*(exp(x) - 1) : beta*x`; `softplus`: `log(1 + exp(x))`;
    `softsign`: `x / (1 + |x|)`; `round`: to the nearest integer, ties to even; the others are the functions of that name. `alpha` and
    `beta` are read by the kinds that name them. float: docs/Numerics.md, N11.
    quantized with at most 16 bits: a table with one entry per code, or straight pieces (`qc-approximate-activations`).
    ```mlir
    func.func @activation(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
      %y = qc.activation sigmoid %x : tensor<1x4xf32> -> tensor<1x4xf32>
      return %y : tensor<1x4xf32>
    }
    ```
  }];
  let arguments = (ins QC_ActivationKindAttr:$kind, QC_Tensor:$input, DefaultValuedAttr<F32Attr, "0.0">:$alpha,
    DefaultValuedAttr<F32Attr, "0.0">:$beta);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
}

def QC_PReluOp : QC_Op<"prelu", [QC_Shape, QC_QuantizableWith<["getOperandRole", "whyFloat"]>]> {
  let summary = "x < 0 ? slope*x : x, with slope broadcast to the input";
  let description = [{
    integer: `qc.lut` with one table per channel when the slope varies along one axis only. The slope stays f32 in the quantized domain:
    it only shapes the tables.
    ```mlir
    func.func @prelu(%x: tensor<1x2x4xf32>, %slope: tensor<2x1xf32>) -> tensor<1x2x4xf32> {
      %y = qc.prelu %x, %slope : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
      return %y : tensor<1x2x4xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, QC_Tensor:$slope);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input `,` $slope attr-dict `:` functional-type(operands, $result)";
}

def QC_FunctionOp : QC_Op<"function", [QC_Shape, QC_QuantizableWith<["getFixedRange"]>, IsolatedFromAbove, SingleBlock]> {
  let summary = "of each element, the real function that the region computes of one number";
  let description = [{
    What a chain of element-wise ops on one tensor computes, as one op that rounds once (`qc-fuse-activations`). The region is its meaning: it takes
    one `tensor<f32>` and uses constants, `add`, `sub`, `mul`, `div`, `binary min`, `max` and `pow`, `clamp` and `activation`; `function` is
    a name for people. float: the region in f32. quantized: `encode(f(decode(code)))` with the region in doubles (docs/Numerics.md, N10), which
    `qc-approximate-activations` makes a `qc.lut` or a `qc.pwl`.
    ```mlir
    func.func @function(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %y = qc.function "silu" %x : tensor<2x3xf32> -> tensor<2x3xf32> {
      ^bb0(%a: tensor<f32>):
        %s = qc.activation sigmoid %a : tensor<f32> -> tensor<f32>
        %p = qc.mul %a, %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
        qc.yield %p : tensor<f32>
      }
      return %y : tensor<2x3xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$function, QC_Tensor:$input);
  let results = (outs QC_Tensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$function $input attr-dict `:` type($input) `->` type($result) $body";
  let hasVerifier = 1;
}

def QC_SoftmaxOp : QC_Op<"softmax", [QC_Shape, QC_QuantizableWith<["getFixedRange", "getOperandRole", "whyFloat"]>]> {
  let summary = "exp(scale*(x - max)) / sum(exp(scale*(x - max))) along axis, or its logarithm";
  let description = [{
    Elements where `mask` (i1, broadcast to the input) is false take no part: their result is 0, or the lowest number of a logarithm; a row without
    any other element is all 0. With `log` the result is the logarithm. float: docs/Numerics.md, N11. quantized: rounded as `qc.softmax_codes` does (N20).
    ```mlir
    func.func @softmax(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
      %y = qc.softmax %x {axis = 1} : tensor<1x4xf32> -> tensor<1x4xf32>
      return %y : tensor<1x4xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, Optional<QC_Tensor>:$mask, I64Attr:$axis, DefaultValuedAttr<F32Attr, "1.0">:$scale, UnitAttr:$log);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input (`mask` $mask^ `:` type($mask))? attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$input, "uint64_t":$axis), [{
    build($_builder, $_state, type, input, ::mlir::Value(), $_builder.getI64IntegerAttr(axis), $_builder.getF32FloatAttr(1));
  }]>];
}

def QC_SoftmaxCodesOp : QC_Op<"softmax_codes", [QC_Shape, AttrSizedOperandSegments]> {
  let summary = "softmax in integers: tables of exp, one reciprocal a row";
  let description = [{
    docs/Numerics.md, N20, with `F = fraction_bits`. `d = max - x` along `axis`; `e = tables[0][d]`, or for inputs of more than 8 bits
    `e = round(tables[1][d >> 8] * tables[0][d & 255] * 2^-F)`; `S = sum e`; `R = round(reciprocal(S) * multiplier * 2^(shift - multiplier_shift))` (N22); the result
    is `sat(zero_point + ((e * R + 2^(shift-1)) >> shift))`. Masked elements have `e = 0`. With `log` it is
    `sat(zero_point - ((d * multiplier + log2(S * 2^-F) * log_multiplier + 2^(shift-1)) >> shift))`, masked `code_min`.
    ```mlir
    func.func @softmax_codes(%x: tensor<1x4xi2>) -> tensor<1x4xi8> {
      %t = qc.constant dense<[1024, 377, 139, 51]> : tensor<4xi32>
      %y = qc.softmax_codes %x, %t {axis = 1, fraction_bits = 10, multiplier = 1073741824, multiplier_shift = 22, shift = 12, zero_point = -128,
                                    code_min = -128, code_max = 127} : (tensor<1x4xi2>, tensor<4xi32>) -> tensor<1x4xi8>
      return %y : tensor<1x4xi8>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, Variadic<QC_Tensor>:$tables, Optional<QC_Tensor>:$mask, I64Attr:$axis, I64Attr:$fraction_bits,
    I64Attr:$multiplier, I64Attr:$multiplier_shift, I64Attr:$shift, DefaultValuedAttr<I64Attr, "0">:$log_multiplier, I64Attr:$zero_point,
    I64Attr:$code_min, I64Attr:$code_max, UnitAttr:$log);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input `,` $tables (`mask` $mask^)? attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_NormalizeOp : QC_Op<"normalize", [QC_Shape, AttrSizedOperandSegments, QC_QuantizableWith<["getOperandRole", "whyFloat"]>]> {
  let summary = "normalization over adjacent axes by deviation, root mean square, L2 norm or mean magnitude, with scale and bias";
  let description = [{
    `layer`: `(x - mean) / sqrt(variance + epsilon)`; `rms`: `x / sqrt(mean(x^2) + epsilon)`; `l2`: `x / sqrt(sum(x^2) + epsilon)`;
    `mad`: `(x - mean) / (mean(|x - mean|) + epsilon)`; `mean_abs`: `x / (mean(|x|) + epsilon)`; each over the axes
    `[first_axis, last_axis]`, times `scale`, plus `bias` (f32, broadcast to the input; constants where the op is to run in integers).
    quantized: rounded as `qc.normalize_codes` does (docs/Numerics.md, N21).
    ```mlir
    func.func @normalize(%x: tensor<1x4xf32>, %s: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<1x4xf32> {
      %y = qc.normalize layer %x scale %s bias %b {first_axis = 1, last_axis = 1, epsilon = 1.0e-5 : f32}
         : (tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
      return %y : tensor<1x4xf32>
    }
    ```
  }];
  let arguments = (ins QC_NormalizeKindAttr:$kind, QC_Tensor:$input, Optional<QC_Tensor>:$scale, Optional<QC_Tensor>:$bias, I64Attr:$first_axis,
    I64Attr:$last_axis, F32Attr:$epsilon);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$kind $input (`scale` $scale^)? (`bias` $bias^)? attr-dict `:` functional-type(operands, $result)";
  let extraClassDeclaration = [{
    /// The number of elements that one mean or sum covers.
    int64_t getRowLength() {
      return ::qc::product(::qc::getShape(getInput()).slice(getFirstAxis(), getLastAxis() - getFirstAxis() + 1));
    }
  }];
  let hasVerifier = 1;
}

def QC_NormalizeCodesOp : QC_Op<"normalize_codes", [QC_Shape]> {
  let summary = "normalization in integers: exact sums, one inverse square root or reciprocal a row";
  let description = [{
    docs/Numerics.md, N21. Over a row of N codes: `c = N*x - sum(x)` and `V = N*sum(x^2) - sum(x)^2` for `layer`, else `c = x - input_zero_point` and `V = sum(c^2)`.
    `V' = max(V * 2^prescale + epsilon, 2^prescale)` (a negative prescale shifts right, and the least is 1); `t = round(c * rsqrt(V') * 2^(fraction_bits + prescale/2))` (N22).
    `mad` and `mean_abs` have the `c` of `layer` and `rms`, `V = sum |c|`, and `t = round(c * reciprocal(V') * 2^(fraction_bits + prescale))`. The result is
    `sat(zero_point + ((t * multipliers + offsets + 2^(shift-1)) >> shift))`. `multipliers` (i32) and `offsets` (i64) broadcast to the input.
    ```mlir
    func.func @normalize_codes(%x: tensor<1x4xi8>) -> tensor<1x4xi8> {
      %m = qc.constant dense<536870912> : tensor<1xi32>
      %o = qc.constant dense<0> : tensor<1xi64>
      %y = qc.normalize_codes rms %x, %m, %o {first_axis = 1, last_axis = 1, input_zero_point = 0, epsilon = 1, prescale = 8, fraction_bits = 20,
                                              shift = 43, zero_point = 0, code_min = -128, code_max = 127}
         : (tensor<1x4xi8>, tensor<1xi32>, tensor<1xi64>) -> tensor<1x4xi8>
      return %y : tensor<1x4xi8>
    }
    ```
  }];
  let arguments = (ins QC_NormalizeKindAttr:$kind, QC_Tensor:$input, QC_Tensor:$multipliers, QC_Tensor:$offsets, I64Attr:$first_axis,
    I64Attr:$last_axis, I64Attr:$input_zero_point, I64Attr:$epsilon, I64Attr:$prescale, I64Attr:$fraction_bits, I64Attr:$shift,
    I64Attr:$zero_point, I64Attr:$code_min, I64Attr:$code_max);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$kind $input `,` $multipliers `,` $offsets attr-dict `:` functional-type(operands, $result)";
  let extraClassDeclaration = [{
    /// The number of elements that one mean or sum covers.
    int64_t getRowLength() {
      return ::qc::product(::qc::getShape(getInput()).slice(getFirstAxis(), getLastAxis() - getFirstAxis() + 1));
    }
  }];
  let hasVerifier = 1;
}

def QC_HypotCodesOp : QC_Op<"hypot_codes", [QC_Shape]> {
  let summary = "the root of the sum of two squares in integers";
  let description = [{
    docs/Numerics.md, N23: `V = (lhs - lhs_zero_point)^2 * lhs_multiplier + (rhs - rhs_zero_point)^2 * rhs_multiplier`, operands broadcast as in numpy; the
    result is `sat(zero_point + round(sqrt(V) * multiplier * 2^-shift))` (N22).
    ```mlir
    func.func @hypot_codes(%x: tensor<4xi8>, %y: tensor<4xi8>) -> tensor<4xi8> {
      %z = qc.hypot_codes %x, %y {lhs_zero_point = 0, rhs_zero_point = 0, lhs_multiplier = 1024, rhs_multiplier = 1024, multiplier = 1073741824,
                                  shift = 35, zero_point = 0, code_min = -128, code_max = 127} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
      return %z : tensor<4xi8>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$lhs, QC_Tensor:$rhs, I64Attr:$lhs_zero_point, I64Attr:$rhs_zero_point, I64Attr:$lhs_multiplier,
    I64Attr:$rhs_multiplier, I64Attr:$multiplier, I64Attr:$shift, I64Attr:$zero_point, I64Attr:$code_min, I64Attr:$code_max);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_DivideCodesOp : QC_Op<"divide_codes", [QC_Shape]> {
  let summary = "the exact quotient of two codes, rounded once, in integers";
  let description = [{
    docs/Numerics.md, N24: the result is `sat(zero_point + round((lhs - lhs_zero_point) * multiplier / ((rhs - rhs_zero_point) * 2^shift)))`, operands
    broadcast as in numpy; ties go to even, or up if `half_up`. By a divisor of 0 a quotient is beyond the limit on the side of the dividend's sign, and 0 / 0 is 0.
    ```mlir
    func.func @divide_codes(%x: tensor<4xi8>, %y: tensor<4xi8>) -> tensor<4xi8> {
      %z = qc.divide_codes %x, %y {lhs_zero_point = 0, rhs_zero_point = 0, multiplier = 3, shift = 1, zero_point = 0, code_min = -128, code_max = 127}
         : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
      return %z : tensor<4xi8>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$lhs, QC_Tensor:$rhs, I64Attr:$lhs_zero_point, I64Attr:$rhs_zero_point, I64Attr:$multiplier, I64Attr:$shift,
    I64Attr:$zero_point, I64Attr:$code_min, I64Attr:$code_max, UnitAttr:$half_up);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, $result)";
  let extraClassDeclaration = [{
    /// Bits of the largest distance of a result from its zero point: so many of a quotient count.
    unsigned getQuotientBits();
  }];
  let hasVerifier = 1;
}

//===-- Windows and reductions -----------------------------------------------------------------------------------------------===//

def QC_PoolOp : QC_Op<"pool", [QC_Shape, QC_Accumulator, QC_QuantizableWith<["isSameScale"]>]> {
  let summary = "max, average or sum over windows";
  let description = [{
    `input` `[N, C, X...]`; `pads` lists all begins, then all ends. The result's spatial sizes follow the floor rule of `qc.conv`; a rule
    that rounds up is imported as larger end pads. `max`: padding never wins. `average`: divides by the window size if
    `count_include_pad`, else by the number of elements inside the input. `sum` exists in the integer domain only: padding contributes
    `pad_value`.
    ```mlir
    func.func @pool(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32> {
      %y = qc.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
                           dilations = array<i64: 1, 1>} : tensor<1x4x8x8xf32> -> tensor<1x4x4x4xf32>
      return %y : tensor<1x4x4x4xf32>
    }
    ```
  }];
  let arguments = (ins QC_PoolKindAttr:$kind, QC_Tensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, UnitAttr:$count_include_pad,
    DefaultValuedAttr<I64Attr, "0">:$pad_value, OptionalAttr<UI64Attr>:$acc_bound);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QC_ReduceOp : QC_Op<"reduce", [QC_Shape, QC_Accumulator, QC_QuantizableWith<["isSameScale", "whyFloat"]>]> {
  let summary = "mean, sum, max, min or product over axes";
  let description = [{
    Reduced axes stay with size 1 if `keep_dims`, else they disappear. integer: `sum` of the codes into `i32` or `i64`; `max` and
    `min` give codes; `mean` does not occur. A sum or product in the type of its input wraps. A product stays in float.
    ```mlir
    func.func @reduce(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x1x1xf32> {
      %y = qc.reduce mean %x {axes = array<i64: 2, 3>, keep_dims} : tensor<1x4x8x8xf32> -> tensor<1x4x1x1xf32>
      return %y : tensor<1x4x1x1xf32>
    }
    ```
  }];
  let arguments = (ins QC_ReduceKindAttr:$kind, QC_Tensor:$input, DenseI64ArrayAttr:$axes, UnitAttr:$keep_dims,
    OptionalAttr<UI64Attr>:$acc_bound);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

//===-- Moving values --------------------------------------------------------------------------------------------------------===//

def QC_ConcatOp : QC_Op<"concat", [QC_Shape, QC_QuantizableWith<["isSameScale"]>]> {
  let summary = "joins tensors along axis";
  let description = [{
    quantized: an input whose type differs from the result's is requantized on the way.
    ```mlir
    func.func @concat(%a: tensor<1x2xf32>, %b: tensor<1x3xf32>) -> tensor<1x5xf32> {
      %y = qc.concat %a, %b {axis = 1} : (tensor<1x2xf32>, tensor<1x3xf32>) -> tensor<1x5xf32>
      return %y : tensor<1x5xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<QC_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, $result)";
}

def QC_SliceOp : QC_Op<"slice", [QC_Shape, QC_QuantizableWith<["isSameScale"]>]> {
  let summary = "elements starts[d] + i*steps[d] for i < sizes[d]; steps may be negative";
  let description = [{
    ```mlir
    func.func @slice(%x: tensor<8xf32>) -> tensor<3xf32> {
      %y = qc.slice %x {starts = array<i64: 7>, sizes = array<i64: 3>, steps = array<i64: -2>} : tensor<8xf32> -> tensor<3xf32>
      return %y : tensor<3xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$steps);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def QC_PadOp : QC_Op<"pad", [QC_Shape, QC_QuantizableWith<["isSameScale"]>]> {
  let summary = "adds low[d] and high[d] elements around the input";
  let description = [{
    `constant`: `value` (float and quantized domain; its code in the quantized type, saturated) or `pad_value` (integer domain, a code).
    `edge`: the nearest element. `reflect`: mirrored without the edge. Pads are not negative.
    ```mlir
    func.func @pad(%x: tensor<2xf32>) -> tensor<5xf32> {
      %y = qc.pad %x {low = array<i64: 1>, high = array<i64: 2>} : tensor<2xf32> -> tensor<5xf32>
      return %y : tensor<5xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
    DefaultValuedAttr<QC_PadModeAttr, "::qc::PadMode::Constant">:$mode, DefaultValuedAttr<F32Attr, "0.0">:$value,
    DefaultValuedAttr<I64Attr, "0">:$pad_value);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def QC_ReshapeOp : QC_Op<"reshape", [QC_QuantizableWith<["isSameScale"]>]> {
  let summary = "the same elements in row-major order under another shape";
  let description = [{
    ```mlir
    func.func @reshape(%x: tensor<1x2x3xf32>) -> tensor<1x6xf32> {
      %y = qc.reshape %x : tensor<1x2x3xf32> -> tensor<1x6xf32>
      return %y : tensor<1x6xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QC_TransposeOp : QC_Op<"transpose", [QC_Shape, QC_QuantizableWith<["isSameScale"]>]> {
  let summary = "result dimension d is input dimension permutation[d]";
  let description = [{
    ```mlir
    func.func @transpose(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
      %y = qc.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
      return %y : tensor<3x2xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def QC_GatherOp : QC_Op<"gather", [QC_Shape, QC_QuantizableWith<["isSameScale"]>]> {
  let summary = "elements indices[i] of dimension axis; also how nearest-neighbour resize is expressed";
  let description = [{
    Indices are constant and lie in `[0, size)`; the result has their number as the size of `axis`.
    ```mlir
    func.func @gather(%x: tensor<2x2xf32>) -> tensor<2x4xf32> {
      %y = qc.gather %x {indices = array<i64: 0, 0, 1, 1>, axis = 1} : tensor<2x2xf32> -> tensor<2x4xf32>
      return %y : tensor<2x4xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, DenseI64ArrayAttr:$indices, I64Attr:$axis);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def QC_TakeOp : QC_Op<"take", [QC_Shape, QC_QuantizableWith<["getOperandRole", "isSameScale"]>]> {
  let summary = "result[i..., d...] = input[indices[i...], d...]: rows chosen at run time";
  let description = [{
    `indices` are `i32` or `i64`. A negative index counts from the end; one that is still outside is limited to the first or last row.
    ```mlir
    func.func @take(%x: tensor<4x2xf32>, %i: tensor<3xi64>) -> tensor<3x2xf32> {
      %y = qc.take %x, %i : (tensor<4x2xf32>, tensor<3xi64>) -> tensor<3x2xf32>
      return %y : tensor<3x2xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, QC_Tensor:$indices);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input `,` $indices attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_ScatterOp : QC_Op<"scatter", [QC_Shape, QC_QuantizableWith<["getOperandRole", "isSameScale", "whyFloat"]>]> {
  let summary = "the input with rows replaced by, or combined with, those of updates";
  let description = [{
    For i = 0, 1, ...: `result[indices[i], d...] = kind(result[indices[i], d...], updates[i, d...])`, where `result` starts as `input`.
    Indices as in `qc.take`, but of rank 1; rank of input and updates at least 1.
    ```mlir
    func.func @scatter(%x: tensor<4x2xf32>, %i: tensor<3xi64>, %u: tensor<3x2xf32>) -> tensor<4x2xf32> {
      %y = qc.scatter add %x, %i, %u : (tensor<4x2xf32>, tensor<3xi64>, tensor<3x2xf32>) -> tensor<4x2xf32>
      return %y : tensor<4x2xf32>
    }
    ```
  }];
  let arguments = (ins QC_ScatterKindAttr:$kind, QC_Tensor:$input, QC_Tensor:$indices, QC_Tensor:$updates);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$kind $input `,` $indices `,` $updates attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

//===-- Quantization ---------------------------------------------------------------------------------------------------------===//

def QC_ObserveOp : QC_Op<"observe", [QC_Shape, SameOperandsAndResultType]> {
  let summary = "marks an edge to be quantized, with its id, code type and, after calibration, its real range";
  let description = [{
    The identity on f32. `id` is the ONNX tensor name, the key of range files. `code` is the integer type of the edge (`i8` signed,
    `ui8` unsigned). `min <= 0 <= max`. Where the values that occurred do not reach zero, `observed` is their own range.
    ```mlir
    func.func @observe(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = qc.observe %x {id = "conv1_out", code = i8, min = -1.0 : f64, max = 2.0 : f64} : tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, StrAttr:$id, TypeAttrOf<AnyInteger>:$code, OptionalAttr<F64Attr>:$min,
    OptionalAttr<F64Attr>:$max, OptionalAttr<DenseF64ArrayAttr>:$observed);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def QC_DcastOp : QC_Op<"dcast", [QC_Shape, DeclareOpInterfaceMethods<QC_DequantizeCastOpInterface>]> {
  let summary = "the real values of codes of `!qc.coded`, as f32";
  let description = [{
    What `quant.dcast` is for upstream's types, which are the only ones that it takes.
    ```mlir
    func.func @dcast() -> tensor<1x2xf32> {
      %w = qc.constant dense<[[-1, 1]]> : tensor<1x2xi2> -> tensor<1x2x!qc.coded<#qc.signs, f32:0, {0.5}>>
      %y = qc.dcast %w : tensor<1x2x!qc.coded<#qc.signs, f32:0, {0.5}>> -> tensor<1x2xf32>
      return %y : tensor<1x2xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QC_QuantizeOp : QC_Op<"quantize", [QC_Shape]> {
  let summary = "f32 to codes at the boundary of the integer program: saturate(rne(x / scale) + zero_point)";
  let description = [{
    docs/Numerics.md, N2. NaN gives the zero point.
    ```mlir
    func.func @quantize(%x: tensor<4xf32>) -> tensor<4xi8> {
      %y = qc.quantize %x {scale = 0.5 : f32, zero_point = 3 : i64, code_min = -128 : i64, code_max = 127 : i64} : tensor<4xf32> -> tensor<4xi8>
      return %y : tensor<4xi8>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, F32Attr:$scale, I64Attr:$zero_point, I64Attr:$code_min, I64Attr:$code_max);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def QC_DequantizeOp : QC_Op<"dequantize", [QC_Shape]> {
  let summary = "codes to f32 at the boundary of the integer program: f32(code - zero_point) * scale";
  let description = [{
    docs/Numerics.md, N3.
    ```mlir
    func.func @dequantize(%x: tensor<4xi8>) -> tensor<4xf32> {
      %y = qc.dequantize %x {scale = 0.5 : f32, zero_point = 3 : i64} : tensor<4xi8> -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, F32Attr:$scale, I64Attr:$zero_point);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def QC_RequantizeOp : QC_Op<"requantize", [QC_Shape]> {
  let summary = "the only narrowing: clamp(zero_point + round(sum_i (x_i - z_i) * m_i[c] * 2^-shift[c]))";
  let description = [{
    One input: an accumulator or a code that gets another scale. Several inputs: the sum of a residual add, on one common exponent and
    rounded once. Inputs broadcast as in numpy. `multipliers` lists, for each input, one mantissa or one per index `c` of `axis`;
    `shifts` one exponent or one per `c`, in `[0, 62]`. `rounding` names the contract (docs/Numerics.md, N5 to N9).
    ```mlir
    func.func @requantize(%acc: tensor<1x4xi32>) -> tensor<1x4xi8> {
      %y = qc.requantize %acc {input_zero_points = array<i64: 0>, multipliers = array<i32: 12582912>, shifts = array<i32: 30>,
                               zero_point = -3, code_min = -128, code_max = 127, rounding = #qc<rounding onnx>}
         : (tensor<1x4xi32>) -> tensor<1x4xi8>
      return %y : tensor<1x4xi8>
    }
    ```
  }];
  let arguments = (ins Variadic<QC_Tensor>:$inputs, DenseI64ArrayAttr:$input_zero_points, DenseI32ArrayAttr:$multipliers,
    DenseI32ArrayAttr:$shifts, OptionalAttr<I64Attr>:$axis, I64Attr:$zero_point, I64Attr:$code_min, I64Attr:$code_max,
    QC_RoundingAttr:$rounding);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_LutOp : QC_Op<"lut", [QC_Shape]> {
  let summary = "result = table[c][code - lowest code of the input type]";
  let description = [{
    `table` is a constant `[2^bits]`, or `[C, 2^bits]` with `axis` naming the dimension of size C that selects the row.
    `bits` is the width of the input's code type, at most 16. On quantized types the table holds codes of the result's type.
    ```mlir
    func.func @lut(%x: tensor<1x4xi2>) -> tensor<1x4xi8> {
      %t = qc.constant dense<[-100, -1, 0, 100]> : tensor<4xi8>
      %y = qc.lut %x, %t : (tensor<1x4xi2>, tensor<4xi8>) -> tensor<1x4xi8>
      return %y : tensor<1x4xi8>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, QC_Tensor:$table, OptionalAttr<I64Attr>:$axis);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input `,` $table attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def QC_PwlOp : QC_Op<"pwl", [QC_Shape]> {
  let summary = "a function of codes by straight pieces: limit((slopes[p] * x + intercepts[p] + half) >> shift)";
  let description = [{
    `p` is the number of `knots` that are at most `x`, `half` is half of `2^shift`, the limits are `code_min` and `code_max`
    (docs/Numerics.md, N19). `knots` ascend within the input's codes and are one fewer than the pieces. The sum fits 32 bits for each code of the
    input, which the verifier proves at both ends of each piece; arithmetic wraps around, so that its terms need not. `max_error` and `mean_error` are those against `encode(f(decode(code)))`, in codes of
    the result, over all codes of the input where the function is defined. On quantized types the op works on the codes.
    ```mlir
    func.func @pwl(%x: tensor<1x4xi8>) -> tensor<1x4xi8> {
      %y = qc.pwl %x {knots = array<i32: 0>, slopes = array<i32: 1, 16>, intercepts = array<i32: 0, -3>, shift = 4, code_min = -128,
                      code_max = 100, max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<1x4xi8> -> tensor<1x4xi8>
      return %y : tensor<1x4xi8>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, DenseI32ArrayAttr:$knots, DenseI32ArrayAttr:$slopes, DenseI32ArrayAttr:$intercepts,
    I64Attr:$shift, I64Attr:$code_min, I64Attr:$code_max, F64Attr:$max_error, F64Attr:$mean_error);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def QC_ThresholdOp : QC_Op<"threshold", [QC_Shape]> {
  let summary = "codes by comparison: result code = base + step * (number of thresholds t with input >= t)";
  let description = [{
    How a quantizer of few bits, and every monotone function in front of it, is evaluated without rounding. `thresholds` is an f32 constant
    `[T]`, or `[C, T]` with `axis` naming the dimension of size C that selects the row; each row ascends. The input is f32 or quantized,
    then its real value counts. An infinite threshold is never reached (or always). integer: a `qc.lut` on codes up to 16 bits, else
    one `qc.requantize` per threshold, each limited to 0 and 1, and their sum.
    ```mlir
    func.func @threshold(%x: tensor<1x4xf32>) -> tensor<1x4x!quant.uniform<i2<-1:1>:f32, 1.0>> {
      %t = qc.constant dense<0.0> : tensor<1xf32>
      %y = qc.threshold %x, %t {base = -1 : i64, step = 2 : i64} : (tensor<1x4xf32>, tensor<1xf32>) -> tensor<1x4x!quant.uniform<i2<-1:1>:f32, 1.0>>
      return %y : tensor<1x4x!quant.uniform<i2<-1:1>:f32, 1.0>>
    }
    ```
  }];
  let arguments = (ins QC_Tensor:$input, QC_Tensor:$thresholds, OptionalAttr<I64Attr>:$axis, I64Attr:$base, I64Attr:$step);
  let results = (outs QC_Tensor:$result);
  let assemblyFormat = "$input `,` $thresholds attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

//===-- Kernels --------------------------------------------------------------------------------------------------------------===//

def QC_KernelOp : Op<QC_Dialect, "kernel", [IsolatedFromAbove, SingleBlock, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "ops that run as one loop nest, and the decision how";
  let description = [{
    The region takes one argument per input and computes the result with ordinary ops; weights are constants in it. So its meaning is
    that of the ops, whatever was decided: `form` names the loop nest, `dot` the row of `DotKernels.def` that multiplies, `tile` the
    register tile `[positions, vectors of channels]` (a third number: the lanes of a vector, where registers form groups), `permuted` that each block of channels reads its activations in its own order
    (`PairSafe.h`), `weight_bits` that its weights lie in memory with so many bits each (1 to 7; bytes without it), `weight_group` that these are codes, multiplied with one factor for
    so many neighbours along the reduction, `tasks` into how many parts `[positions, channels]` it is divided, of which `slots` may run at once. Up to stage
    `packed` there are no `inits`; then come one destination per result and,
    if `scratch_bytes` is not 0, one of that many `i8` for each slot. Operands become buffers; the region never changes.
    ```mlir
    func.func @kernel(%x: tensor<2x8xi8>) -> tensor<2x4xi32> {
      %y = qc.kernel "contract"(%x) {scratch_bytes = 0 : i64} : (tensor<2x8xi8>) -> tensor<2x4xi32> {
      ^bb0(%a: tensor<2x8xi8>):
        %w = qc.constant dense<1> : tensor<8x4xi8>
        %acc = qc.matmul %a, %w {acc_bound = 1024 : ui64} : (tensor<2x8xi8>, tensor<8x4xi8>) -> tensor<2x4xi32>
        qc.yield %acc : tensor<2x4xi32>
      }
      return %y : tensor<2x4xi32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyShaped>:$inputs, Variadic<AnyShaped>:$inits, StrAttr:$form, OptionalAttr<StrAttr>:$dot,
    OptionalAttr<DenseI64ArrayAttr>:$tile, UnitAttr:$permuted, OptionalAttr<I64Attr>:$weight_bits, OptionalAttr<I64Attr>:$weight_group,
    DefaultValuedAttr<I64Attr, "0">:$scratch_bytes,
    OptionalAttr<DenseI64ArrayAttr>:$tasks, DefaultValuedAttr<I64Attr, "1">:$slots);
  let results = (outs Variadic<QC_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$form `(` $inputs `)` (`outs` `(` $inits^ `)`)? attr-dict `:` functional-type(operands, results) $body";
  let hasVerifier = 1;
}

def QC_ParallelOp : Op<QC_Dialect, "parallel", [NoTerminator, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "tasks that may run at the same time";
  let description = [{
    Runs the region once for each `task` in [0, count), in any order and on any threads. Tasks that run at the same time have different
    `slot`s in [0, slots): what a task needs for itself lies there. No task reads what another one writes. Between `qc-emit-kernels` and
    `qc-outline-tasks` only.
    ```mlir
    func.func @parallel(%y: memref<8xi8>) {
      %c = arith.constant 1 : i8
      qc.parallel 8 slots 2 {
      ^bb0(%task: index, %slot: index):
        memref.store %c, %y[%task] : memref<8xi8>
      }
      return
    }
    ```
  }];
  let arguments = (ins I64Attr:$count, I64Attr:$slots);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$count `slots` $slots attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def QC_YieldOp : Op<QC_Dialect, "yield", [Pure, Terminator, ReturnLike, ParentOneOf<["KernelOp", "FunctionOp"]>]> {
  let summary = "the result of a kernel or a function";
  let description = [{
    ```mlir
    func.func @yield(%x: tensor<4xi8>) -> tensor<4xi8> {
      %y = qc.kernel "pointwise"(%x) : (tensor<4xi8>) -> tensor<4xi8> {
      ^bb0(%a: tensor<4xi8>):
        qc.yield %a : tensor<4xi8>
      }
      return %y : tensor<4xi8>
    }
    ```
  }];
  let arguments = (ins Variadic<QC_Tensor>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

#endif // QC_OPS_TD
