// Stored weights: numbers that lie in memory in fewer bits than they compute in. Beside QCOps.td, since few files need them.
#ifndef QC_STORED_OPS_TD
#define QC_STORED_OPS_TD

include "qc/Dialect/QC/IR/QCBase.td"
include "qc/Dialect/QC/IR/QCInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def QC_DecodeOp : Op<QC_Dialect, "decode", [Pure, DeclareOpInterfaceMethods<QC_ShapeOpInterface>]> {
  let summary = "what stored numbers stand for, as f32: f32(code) * scale of its block, or the number whose bits it is";
  let description = [{
    docs/Numerics.md, N26. Codes of 2 to 8 bits times `scales` of the same rank, each of whose sizes divides that of the codes: one scale per block. With `as f16` or `as bf16` codes are the 16 bits
    of a finite number, and there are no scales. Weights that a contraction in f32 decodes in its tile (`qc-store-weights`).
    ```mlir
    func.func @decode(%c: tensor<64x2xi4>, %s: tensor<2x2xf32>) -> tensor<64x2xf32> {
      %w = qc.decode %c, %s : (tensor<64x2xi4>, tensor<2x2xf32>) -> tensor<64x2xf32>
      return %w : tensor<64x2xf32>
    }
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$codes, Optional<AnyStaticShapeTensor>:$scales, OptionalAttr<TypeAttr>:$number);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$codes (`,` $scales^)? (`as` $number^)? attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::qc::StoredFormat getFormat() {
      return !getNumber() ? ::qc::StoredFormat::Integer : getNumber()->isBF16() ? ::qc::StoredFormat::BF16 : ::qc::StoredFormat::F16;
    }
    /// Bits of one stored number.
    int64_t getBits() { return ::llvm::cast<::mlir::IntegerType>(::qc::getElementType(getCodes())).getWidth(); }
  }];
}

#endif // QC_STORED_OPS_TD
