// Quantized types of this dialect and their codes. What is affine has upstream's types (`!quant.uniform`).
#ifndef QC_TYPES_TD
#define QC_TYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "qc/Dialect/QC/IR/QCBase.td"
include "qc/Dialect/QC/IR/QCInterfaces.td"

class QC_Code<string name, string codeMnemonic> : AttrDef<QC_Dialect, name, [DeclareAttrInterfaceMethods<QC_CodeAttrInterface>]> {
  let mnemonic = codeMnemonic;
}

def QC_SignsAttr : QC_Code<"Signs", "signs"> {
  let summary = "one bit: -1 or 1";
  let description = [{
    Weights are `scale` or `-scale`; a number below 0 encodes as -1. The scale of least error is the mean magnitude (Rastegari et al.,
    XNOR-Net, 2016, section 3.1).
  }];
}

def QC_GroupedAttr : AttrDef<QC_Dialect, "Grouped"> {
  let mnemonic = "grouped";
  let summary = "how weights are rounded whose scale differs from group to group";
  let description = [{
    Codes of `bits` bits, -2^(bits-1) to 2^(bits-1) - 1, times a factor that at most `length` neighbouring inputs of an output channel share: the scale of a
    group is that many times the channel's (Dai et al., VS-Quant, 2021). Factors are 1 to 15 or -15 to -1, so that the code that has no opposite serves the
    side where a group reaches further. The products are integers of 8 bits: sums need no other arithmetic than with those, and kernels keep codes and factors
    (docs/Kernels.md).
  }];
  let parameters = (ins "unsigned":$bits, "int64_t":$length);
  let assemblyFormat = "`<` $bits `,` $length `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t mostFactor = 15;
    /// No group has fewer inputs, since a factor costs a byte; kernels take whole steps, so that options name multiples.
    static constexpr int64_t leastLength = 16;
    static bool isLength(int64_t length) { return length >= leastLength && length % leastLength == 0; }
    int64_t getLowest() const { return -(int64_t(1) << (getBits() - 1)); }
    int64_t getHighest() const { return -getLowest() - 1; }
    /// The factor of least error for a group whose weights are `values` times the channel's scale, each error's square times its
    /// `moment` (empty: 1).
    int64_t chooseFactor(llvm::ArrayRef<double> values, llvm::ArrayRef<double> moments) const;
    /// The product of `factor` and a code that is nearest to `value`.
    double toProduct(double value, double factor) const;
  }];
}

def QC_CodedType : TypeDef<QC_Dialect, "Coded", [DeclareTypeInterfaceMethods<QC_QuantSchemeInterface, ["getLevels"]>]> {
  let mnemonic = "coded";
  let summary = "numbers `scale * level` with the levels of a code";
  let description = [{
    `code` names the levels, `expressedType` is `f32`; one scale, or one per index of an axis:
    `!qc.coded<#qc.signs, f32, 0.5>`, `!qc.coded<#qc.signs, f32:0, {0.5, 0.25}>`. A code is its level, kept in the narrowest signed
    integer type that holds all levels.
  }];
  let parameters = (ins "::qc::CodeAttrInterface":$code, "::mlir::Type":$expressedType, "int64_t":$axis,
    "::mlir::DenseF64ArrayAttr":$scales);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // QC_TYPES_TD
