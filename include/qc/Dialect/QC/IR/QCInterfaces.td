// What passes may ask of an op (shape, quantization) and of a type (its scheme). No pass asks for an op or scheme by name.
#ifndef QC_INTERFACES_TD
#define QC_INTERFACES_TD

include "mlir/IR/OpBase.td"

def QC_ShapeOpInterface : OpInterface<"ShapeOpInterface"> {
  let cppNamespace = "::qc";
  let description = [{
    An op with one result whose shape follows from operands and attributes. The importer calls `inferShape` to build the op, the
    verifier calls it to check the op, so both know one rule.
  }];
  let methods = [
    InterfaceMethod<[{Result shape, or failure with the reason in `why`. All shapes are static; reads operands and attributes only.}],
      "::mlir::FailureOr<::llvm::SmallVector<int64_t>>", "inferShape", (ins "::std::string &":$why)>
  ];
  let verify = [{ return ::qc::verifyInferredShape($_op); }];
}

def QC_QuantizableOpInterface : OpInterface<"QuantizableOpInterface"> {
  let cppNamespace = "::qc";
  let description = [{
    All that a quantizer must know of an op. The defaults describe an op on activations that rounds its real result once.
  }];
  let methods = [
    InterfaceMethod<"What operand `index` is: activation, weight (constant, own scheme), bias (constant, accumulator scale) or other.",
      "::qc::OperandRole", "getOperandRole", (ins "unsigned":$index), "",
      [{ return ::qc::OperandRole::Activation; }]>,
    InterfaceMethod<"The axis of a weight operand that may carry one scale per output channel; -1 if none.",
      "int64_t", "getWeightChannelAxis", (ins), "", [{ return -1; }]>,
    InterfaceMethod<[{True if the op moves or selects values without computing new ones, so that codes pass through and operands and
      result share one type.}],
      "bool", "isSameScale", (ins), "", [{ return false; }]>,
    InterfaceMethod<"The real range that every result lies in whatever the input, if the op has one (sigmoid: 0, 1).",
      "::std::optional<::std::pair<double, double>>", "getFixedRange", (ins), "", [{ return ::std::nullopt; }]>,
    InterfaceMethod<"Empty if the op has an integer form; else why it stays in float, for the report.",
      "::std::string", "whyFloat", (ins), "", [{ return ""; }]>
  ];
}

def QC_ClampOpInterface : OpInterface<"ClampOpInterface"> {
  let cppNamespace = "::qc";
  let description = [{
    An op that can limit its real result to `[clamp_min, clamp_max]` before it rounds, so that relu and clip cost nothing behind it.
    An absent attribute is an absent limit.
  }];
  let methods = [
    InterfaceMethod<"Lower limit.", "::std::optional<::llvm::APFloat>", "getClampMin">,
    InterfaceMethod<"Upper limit.", "::std::optional<::llvm::APFloat>", "getClampMax">,
    InterfaceMethod<"Sets the lower limit.", "void", "setClampMinAttr", (ins "::mlir::FloatAttr":$value)>,
    InterfaceMethod<"Sets the upper limit.", "void", "setClampMaxAttr", (ins "::mlir::FloatAttr":$value)>
  ];
}

def QC_AccumulatorOpInterface : OpInterface<"AccumulatorOpInterface"> {
  let cppNamespace = "::qc";
  let description = [{
    An op that sums products or codes. In the integer domain its result is the accumulator and `acc_bound` states the largest magnitude
    that any partial sum can take, in any order. The verifier recomputes the bound from the constants and types (docs/Numerics.md, N4).
  }];
  let methods = [
    InterfaceMethod<"The stated bound, present in the integer domain only.", "::std::optional<uint64_t>", "getAccBound">,
    InterfaceMethod<"States the bound.", "void", "setAccBoundAttr", (ins "::mlir::IntegerAttr":$bound)>,
    InterfaceMethod<"The bound recomputed from operands, or failure with the reason in `why`.",
      "::mlir::FailureOr<uint64_t>", "computeAccBound", (ins "::std::string &":$why)>,
    InterfaceMethod<"Multiply-accumulate operations of one run.", "int64_t", "getMacs">
  ];
  let verify = [{ return ::qc::verifyAccumulator($_op); }];
}

def QC_DequantizeCastOpInterface : OpInterface<"DequantizeCastOpInterface"> {
  let cppNamespace = "::qc";
  let description = [{
    An op that gives the real values of codes, as f32: its one operand has a type with `QuantSchemeInterface`. `quant.dcast` is one;
    upstream lets it take upstream's types only, so that types of this dialect have `qc.dcast`. Passes ask for this interface.
  }];
  let methods = [
    InterfaceMethod<"The codes.", "::mlir::Value", "getCodes", (ins), "", [{ return $_op->getOperand(0); }]>
  ];
}

def QC_CodeAttrInterface : AttrInterface<"CodeAttrInterface"> {
  let cppNamespace = "::qc";
  let description = [{
    Which multiples of a scale a weight can be: the part of `!qc.coded` that differs from scheme to scheme. Codes are these multiples
    themselves, so that kernels multiply with them as they are.
  }];
  let methods = [
    InterfaceMethod<"The multiples, two at least, ascending.", "::llvm::SmallVector<int64_t>", "getLevels">,
    InterfaceMethod<[{The scale of least squared error where each of `values` gets its nearest level; 0 if all are 0.}],
      "double", "fitScale", (ins "::llvm::ArrayRef<double>":$values)>
  ];
}

def QC_QuantSchemeInterface : TypeInterface<"QuantSchemeInterface"> {
  let cppNamespace = "::qc";
  let description = [{
    How the elements of a tensor stand for real numbers. A quantizer of the literature plugs in by implementing this on its type;
    `lib/Dialect/QC/Schemes/` has one file per scheme. `shape` is the shape of the whole tensor, codes and values are row-major.
  }];
  let methods = [
    InterfaceMethod<"The integer type of a code; `iN` is signed, `uiN` unsigned.", "::mlir::IntegerType", "getCodeType">,
    InterfaceMethod<"The smallest and the largest code in use.", "::std::pair<int64_t, int64_t>", "getCodeRange">,
    InterfaceMethod<[{The codes in use, ascending, where those are not all of the range; else empty.}],
      "::llvm::SmallVector<int64_t>", "getLevels", (ins), "", [{ return {}; }]>,
    InterfaceMethod<"Bits that a code takes where codes are packed densely.", "unsigned", "getBits">,
    InterfaceMethod<"The axis with one scale per index, or -1 for one scale per tensor.", "int64_t", "getChannelAxis">,
    InterfaceMethod<[{Scales as f32 values in doubles: one, or one per index of the channel axis.}],
      "::llvm::SmallVector<double>", "getScaleValues">,
    InterfaceMethod<"Zero points: as many as scales.", "::llvm::SmallVector<int64_t>", "getZeroPointValues">,
    InterfaceMethod<"Codes of real values (docs/Numerics.md, N2). NaN encodes as the zero point.",
      "::llvm::SmallVector<int64_t>", "encode", (ins "::llvm::ArrayRef<double>":$values, "::llvm::ArrayRef<int64_t>":$shape)>,
    InterfaceMethod<"Real values of codes, exact in double (docs/Numerics.md, N3).",
      "::llvm::SmallVector<double>", "decode", (ins "::llvm::ArrayRef<int64_t>":$codes, "::llvm::ArrayRef<int64_t>":$shape)>
  ];
}

#endif // QC_INTERFACES_TD
