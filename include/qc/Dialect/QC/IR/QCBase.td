// The dialect, its enums and the attributes that several ops share.
#ifndef QC_BASE_TD
#define QC_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def QC_Dialect : Dialect {
  let name = "qc";
  let cppNamespace = "::qc";
  let summary = "Networks from float to integer-only arithmetic";
  let description = [{
    Graph ops that are polymorphic over the element type. One op has one meaning in three domains:

    - **float**: operands and results are `f32`; the op on real numbers, evaluated in f32.
    - **quantized**: element types are `!quant.uniform` or `!qc.coded`; the op on the real values that the codes stand for,
      rounded once into the result type by the numbered rule of `docs/Numerics.md`.
    - **integer**: element types are plain integers (`i8` is signed, `ui8` unsigned); raw arithmetic on codes with explicit
      zero points. Contractions give accumulators (`i32` or `i64`); `qc.requantize` is the only op that narrows.

    Activations are channel first (`[N, C, spatial...]`) in all three.
  }];
  let dependentDialects = ["::mlir::quant::QuantDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

class QC_I32Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::qc";
  let genSpecializedAttr = 0;
}

def QC_ActivationKind : QC_I32Enum<"ActivationKind", "a unary real function", [
    I32EnumAttrCase<"LeakyRelu", 0, "leaky_relu">,
    I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
    I32EnumAttrCase<"Tanh", 2, "tanh">,
    I32EnumAttrCase<"HardSigmoid", 3, "hard_sigmoid">,
    I32EnumAttrCase<"HardSwish", 4, "hard_swish">,
    I32EnumAttrCase<"Elu", 5, "elu">,
    I32EnumAttrCase<"Softplus", 6, "softplus">,
    I32EnumAttrCase<"Softsign", 7, "softsign">,
    I32EnumAttrCase<"Abs", 8, "abs">,
    I32EnumAttrCase<"Sign", 9, "sign">,
    I32EnumAttrCase<"Floor", 10, "floor">,
    I32EnumAttrCase<"Ceil", 11, "ceil">,
    I32EnumAttrCase<"Round", 12, "round">,
    I32EnumAttrCase<"Reciprocal", 13, "reciprocal">,
    I32EnumAttrCase<"Sqrt", 14, "sqrt">,
    I32EnumAttrCase<"Exp", 15, "exp">,
    I32EnumAttrCase<"Log", 16, "log">,
    I32EnumAttrCase<"Erf", 17, "erf">,
    I32EnumAttrCase<"Sin", 18, "sin">,
    I32EnumAttrCase<"Cos", 19, "cos">,
    I32EnumAttrCase<"Tan", 20, "tan">,
    I32EnumAttrCase<"Asin", 21, "asin">,
    I32EnumAttrCase<"Acos", 22, "acos">,
    I32EnumAttrCase<"Atan", 23, "atan">,
    I32EnumAttrCase<"Sinh", 24, "sinh">,
    I32EnumAttrCase<"Cosh", 25, "cosh">,
    I32EnumAttrCase<"Asinh", 26, "asinh">,
    I32EnumAttrCase<"Acosh", 27, "acosh">,
    I32EnumAttrCase<"Atanh", 28, "atanh">]>;
def QC_ActivationKindAttr : EnumAttr<QC_Dialect, QC_ActivationKind, "activation_kind">;

def QC_NormalizeKind : QC_I32Enum<"NormalizeKind", "what qc.normalize subtracts and divides by", [
    I32EnumAttrCase<"Layer", 0, "layer">,
    I32EnumAttrCase<"Rms", 1, "rms">,
    I32EnumAttrCase<"L2", 2, "l2">,
    I32EnumAttrCase<"Mad", 3, "mad">,
    I32EnumAttrCase<"MeanAbs", 4, "mean_abs">]>;
def QC_NormalizeKindAttr : EnumAttr<QC_Dialect, QC_NormalizeKind, "normalize_kind">;

def QC_BinaryKind : QC_I32Enum<"BinaryKind", "a function of two numbers", [
    I32EnumAttrCase<"Min", 0, "min">,
    I32EnumAttrCase<"Max", 1, "max">,
    I32EnumAttrCase<"Pow", 2, "pow">,
    I32EnumAttrCase<"Mod", 3, "mod">,
    I32EnumAttrCase<"Rem", 4, "rem">,
    I32EnumAttrCase<"And", 5, "and">,
    I32EnumAttrCase<"Or", 6, "or">,
    I32EnumAttrCase<"Xor", 7, "xor">,
    I32EnumAttrCase<"ShiftLeft", 8, "shift_left">,
    I32EnumAttrCase<"ShiftRight", 9, "shift_right">,
    I32EnumAttrCase<"Hypot", 10, "hypot">]>;
def QC_BinaryKindAttr : EnumAttr<QC_Dialect, QC_BinaryKind, "binary_kind">;

def QC_CompareKind : QC_I32Enum<"CompareKind", "a relation of two numbers", [
    I32EnumAttrCase<"Equal", 0, "equal">,
    I32EnumAttrCase<"Less", 1, "less">,
    I32EnumAttrCase<"LessEqual", 2, "less_equal">]>;
def QC_CompareKindAttr : EnumAttr<QC_Dialect, QC_CompareKind, "compare_kind">;

def QC_ScatterKind : QC_I32Enum<"ScatterKind", "what an update does to the element that it meets", [
    I32EnumAttrCase<"Set", 0, "set">,
    I32EnumAttrCase<"Add", 1, "add">,
    I32EnumAttrCase<"Mul", 2, "mul">,
    I32EnumAttrCase<"Min", 3, "min">,
    I32EnumAttrCase<"Max", 4, "max">]>;
def QC_ScatterKindAttr : EnumAttr<QC_Dialect, QC_ScatterKind, "scatter_kind">;

def QC_PoolKind : QC_I32Enum<"PoolKind", "how a window is reduced", [
    I32EnumAttrCase<"Max", 0, "max">,
    I32EnumAttrCase<"Average", 1, "average">,
    I32EnumAttrCase<"Sum", 2, "sum">]>;
def QC_PoolKindAttr : EnumAttr<QC_Dialect, QC_PoolKind, "pool_kind">;

def QC_ReduceKind : QC_I32Enum<"ReduceKind", "how axes are reduced", [
    I32EnumAttrCase<"Mean", 0, "mean">,
    I32EnumAttrCase<"Sum", 1, "sum">,
    I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Min", 3, "min">,
    I32EnumAttrCase<"Prod", 4, "prod">]>;
def QC_ReduceKindAttr : EnumAttr<QC_Dialect, QC_ReduceKind, "reduce_kind">;

def QC_PadMode : QC_I32Enum<"PadMode", "what stands outside the input", [
    I32EnumAttrCase<"Constant", 0, "constant">,
    I32EnumAttrCase<"Edge", 1, "edge">,
    I32EnumAttrCase<"Reflect", 2, "reflect">]>;
def QC_PadModeAttr : EnumAttr<QC_Dialect, QC_PadMode, "pad_mode">;

def QC_Rounding : QC_I32Enum<"Rounding", "the rounding contract of a requantization (docs/Numerics.md, N5..N9)", [
    I32EnumAttrCase<"ONNX", 0, "onnx">,
    I32EnumAttrCase<"ORT", 1, "ort">,
    I32EnumAttrCase<"TFLiteDouble", 2, "tflite_double">,
    I32EnumAttrCase<"TFLiteSingle", 3, "tflite_single">,
    I32EnumAttrCase<"Pow2", 4, "pow2">]>;
def QC_RoundingAttr : EnumAttr<QC_Dialect, QC_Rounding, "rounding">;

def QC_OperandRole : QC_I32Enum<"OperandRole", "what an operand is to the quantizer", [
    I32EnumAttrCase<"Activation", 0, "activation">,
    I32EnumAttrCase<"Weight", 1, "weight">,
    I32EnumAttrCase<"Bias", 2, "bias">,
    I32EnumAttrCase<"Other", 3, "other">]>;

#endif // QC_BASE_TD
