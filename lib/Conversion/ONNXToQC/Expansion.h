// Operators that ONNX defines as, or that amount to, a few ordinary ones: handlers write them down as nodes.
#ifndef LIB_CONVERSION_ONNXTOQC_EXPANSION_H
#define LIB_CONVERSION_ONNXTOQC_EXPANSION_H

#include "Importer.h"

namespace qc::onnximport {
/// Attributes of a node under construction.
struct Attributes {
  std::vector<onnx::AttributeProto> list;
  Attributes &add(llvm::StringRef name, int64_t value);
  Attributes &add(llvm::StringRef name, float value);
  Attributes &add(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
};

/// Ordinary nodes in place of one. They carry its name, so that problems are reported there. Tensors are named as in the model;
/// "" is an absent one. After a problem (`node.failed()`) nothing more is built.
class Expansion {
public:
  using Tensor = std::string;
  explicit Expansion(Node &node) : node(node) {}

  Tensor input(unsigned i) const { return node.has(i) ? node.proto.input(i) : ""; }
  /// The node's attributes but those in `except`.
  Attributes attributes(llvm::ArrayRef<llvm::StringRef> except = {}) const;
  Tensor bind(Entry entry);
  Tensor number(float value);
  const Entry &entry(const Tensor &tensor) const;
  /// A node of the default domain, read as in `opset`.
  Tensor apply(llvm::StringRef type, llvm::ArrayRef<Tensor> inputs, const Attributes &attributes = {}, int64_t opset = 13);

  /// The real values of codes. `scale` may be absent (1), `zero`, too; a list of either runs along `axis`.
  Tensor dequantize(const Tensor &codes, const Tensor &scale, const Tensor &zero, int64_t axis = 1);
  /// The codes of real values; without `zero` codes have the type `element` and the zero point 0.
  Tensor quantize(const Tensor &reals, const Tensor &scale, const Tensor &zero, mlir::Type element);
  /// The integer type of a tensor's codes.
  mlir::Type getCodeElement(const Tensor &codes) const;

  /// Makes `tensor` output `i` of the node.
  mlir::LogicalResult set(unsigned i, const Tensor &tensor);

  Node &node;

private:
  Tensor fresh();
  unsigned count = 0;
};

/// On an op that the quantizer must leave in float: why.
constexpr llvm::StringLiteral floatReasonName = "qc.float_reason";
constexpr llvm::StringLiteral dynamicReason = "its scale is computed at run time";

/// Codes of `element` as what they are, integers: scale 1, zero point 0.
mlir::quant::QuantizedType getUnitType(Node &node, mlir::Type element);
/// The real value of each code taken as an integer: what a Cast of codes to float gives.
Entry decodeAsIntegers(Node &node, const Entry &codes);
} // namespace qc::onnximport

#endif // LIB_CONVERSION_ONNXTOQC_EXPANSION_H
