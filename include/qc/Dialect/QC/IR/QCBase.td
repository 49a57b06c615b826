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
    - **quantized**: element types are `!quant.uniform`; the op on the real values that the codes stand for,
      rounded once into the result type by the numbered rule of `docs/Numerics.md`.
    - **integer**: element types are plain integers (`i8` is signed, `ui8` unsigned); raw arithmetic on codes with explicit
      zero points. Contractions give accumulators (`i32` or `i64`); `qc.requantize` is the only op that narrows.

    Activations are channel first (`[N, C, spatial...]`) in all three.
  }];
  let dependentDialects = ["::mlir::quant::QuantDialect"];
  let useDefaultAttributePrinterParser = 1;
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
    I32EnumAttrCase<"HardSwish", 4, "hard_swish">]>;
def QC_ActivationKindAttr : EnumAttr<QC_Dialect, QC_ActivationKind, "activation_kind">;

def QC_PoolKind : QC_I32Enum<"PoolKind", "how a window is reduced", [
    I32EnumAttrCase<"Max", 0, "max">,
    I32EnumAttrCase<"Average", 1, "average">,
    I32EnumAttrCase<"Sum", 2, "sum">]>;
def QC_PoolKindAttr : EnumAttr<QC_Dialect, QC_PoolKind, "pool_kind">;

def QC_ReduceKind : QC_I32Enum<"ReduceKind", "how axes are reduced", [
    I32EnumAttrCase<"Mean", 0, "mean">,
    I32EnumAttrCase<"Sum", 1, "sum">,
    I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Min", 3, "min">]>;
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
