// The qc dialect: ops, enums, interfaces, and the helpers that every user of constants and element types needs.
#ifndef QC_DIALECT_QC_IR_QC_H
#define QC_DIALECT_QC_IR_QC_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "qc/Dialect/QC/IR/QCEnums.h.inc"

namespace qc {
/// Verifiers of the interfaces in QCInterfaces.td.
mlir::LogicalResult verifyInferredShape(mlir::Operation *op);
/// Element types that the dialect knows, quantized ones in order, operands and result in one domain.
mlir::LogicalResult verifyElementTypes(mlir::Operation *op);
mlir::LogicalResult verifyAccumulator(mlir::Operation *op);

//===-- Element types ------------------------------------------------------------------------------------------------------===//

/// f32, quantized or integer: which of the three domains a tensor is in.
enum class Domain { Float, Quantized, Integer };
Domain getDomain(mlir::Type tensorOrElementType);

/// Lowest and highest value of an integer type: `iN` and `siN` are signed, `uiN` unsigned, N <= 32 (i64 gives the i64 limits).
std::pair<int64_t, int64_t> getCodeLimits(mlir::IntegerType type);

/// The integer type that the codes of a quantized element type have in the integer domain: `iN` signed, `uiN` unsigned.
mlir::IntegerType getCodeType(mlir::quant::QuantizedType type);
/// An element type as its elements lie in memory: the integer type of a quantized type's codes, any other type itself.
mlir::Type getStorageType(mlir::Type elementType);

/// `type` with another element type.
mlir::RankedTensorType withElementType(mlir::Type type, mlir::Type elementType);
mlir::RankedTensorType withShape(mlir::Type type, llvm::ArrayRef<int64_t> shape);
llvm::ArrayRef<int64_t> getShape(mlir::Value value);
mlir::Type getElementType(mlir::Value value);

/// Product of sizes; 1 for none.
int64_t product(llvm::ArrayRef<int64_t> sizes);

/// Numpy broadcast of two shapes, or failure with the reason.
mlir::FailureOr<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b,
                                                            std::string &why);

/// Gives `region`, which has one block `old`, another `body` that `convert` fills; the old one stays if that fails.
mlir::LogicalResult replaceBody(mlir::Region &region,
                                llvm::function_ref<mlir::LogicalResult(mlir::Block &old, mlir::Block &body)> convert);

/// The name of the ONNX node or tensor that `loc` carries, or "" if none.
llvm::StringRef getLocName(mlir::Location loc);

//===-- Constants ----------------------------------------------------------------------------------------------------------===//

/// The one way to make a constant attribute from numbers. Large ones are `dense_resource` blobs, which are not uniqued in the
/// context.
mlir::ElementsAttr makeElements(mlir::RankedTensorType type, llvm::ArrayRef<float> values);
/// Integers of any width; `type` has an integer element type.
mlir::ElementsAttr makeElements(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> values);
mlir::ElementsAttr makeElements(mlir::RankedTensorType type, llvm::ArrayRef<int32_t> values);
mlir::ElementsAttr makeElements(mlir::RankedTensorType type, llvm::ArrayRef<int8_t> values);

/// All elements, splats expanded.
llvm::SmallVector<float> getFloats(mlir::ElementsAttr attr);
llvm::SmallVector<int64_t> getInts(mlir::ElementsAttr attr);
/// The same without a copy of large ones: `storage` holds what is not in memory as such.
llvm::ArrayRef<float> viewFloats(mlir::ElementsAttr attr, llvm::SmallVectorImpl<float> &storage);

/// An integer constant as it lies in memory.
struct IntView {
  explicit IntView(mlir::ElementsAttr attr);
  /// Calls `visit` with an `ArrayRef` of int8_t, uint8_t, ..., int64_t.
  template <typename F> void visit(F visit) const {
    auto as = [&](auto zero) {
      using T = decltype(zero);
      visit(llvm::ArrayRef<T>(reinterpret_cast<const T *>(bytes.data()), bytes.size() / sizeof(T)));
    };
    switch (width) {
    case 1:
      return isUnsigned ? as(uint8_t()) : as(int8_t());
    case 2:
      return isUnsigned ? as(uint16_t()) : as(int16_t());
    case 4:
      return isUnsigned ? as(uint32_t()) : as(int32_t());
    default:
      return as(int64_t());
    }
  }
  /// Calls `f(channel, value)` for elements `[outer][channels][inner]`, in order.
  template <typename F> void forEachChannel(int64_t channels, int64_t inner, F f) const {
    visit([&](auto values) {
      for (size_t i = 0; i < values.size();)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t k = 0; k < inner; ++k)
            f(c, int64_t(values[i++]));
    });
  }

private:
  llvm::ArrayRef<char> bytes;
  unsigned width; ///< of an element, in bytes
  bool isUnsigned;
  llvm::SmallVector<int64_t, 0> storage; ///< of small constants
};

/// What an importer knows of a result, as attributes of the op that computes it: the code type that it should have at least, the
/// name of the one thing that it is with others (one range), and that its scale should be a power of two.
constexpr llvm::StringLiteral codeHintName = "qc.code_hint", rangeGroupName = "qc.range_group",
                              powerOfTwoName = "qc.power_of_two";

/// Of a product with constant weights, in integers: the codes of its input lie around 0 (ui8: 128), so that most are small.
constexpr llvm::StringLiteral centeredName = "qc.centered";

/// The attribute of the qc.constant that defines `value`, or null.
mlir::ElementsAttr getConstant(mlir::Value value);
} // namespace qc

#include "qc/Dialect/QC/IR/QCAttrInterfaces.h.inc"
#include "qc/Dialect/QC/IR/QCDialect.h.inc"
#include "qc/Dialect/QC/IR/QCOpInterfaces.h.inc"
#include "qc/Dialect/QC/IR/QCTypeInterfaces.h.inc"
#define GET_ATTRDEF_CLASSES
#include "qc/Dialect/QC/IR/QCAttributes.h.inc"
#define GET_TYPEDEF_CLASSES
#include "qc/Dialect/QC/IR/QCTypes.h.inc"
#define GET_OP_CLASSES
#include "qc/Dialect/QC/IR/QCOps.h.inc"

namespace qc {
/// True if element p of the kernel's one result needs no element of input `input` but p, so that the result may take its buffer.
/// (Emitters read such an input only to store that element, once.)
bool isElementwiseInput(KernelOp kernel, unsigned input);

/// Lets `qc.kernel` take buffers.
void registerKernelBufferization(mlir::DialectRegistry &registry);

/// Builds an op with `ShapeOpInterface` whose result has `elementType` and the inferred shape. On failure erases it, sets `why`.
template <typename OpTy, typename... Args>
mlir::FailureOr<OpTy> createInferred(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type elementType, std::string &why,
                                     Args &&...args) {
  auto op = OpTy::create(builder, loc, mlir::RankedTensorType::get({}, elementType), std::forward<Args>(args)...);
  auto shape = op.inferShape(why);
  if (mlir::failed(shape)) {
    op.erase();
    return mlir::failure();
  }
  op.getResult().setType(mlir::RankedTensorType::get(*shape, elementType));
  return op;
}
} // namespace qc

#endif // QC_DIALECT_QC_IR_QC_H
