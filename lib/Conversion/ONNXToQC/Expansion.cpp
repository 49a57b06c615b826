// Operators written down as ordinary nodes.
#include "Expansion.h"

using namespace mlir;

namespace qc::onnximport {
Attributes &Attributes::add(StringRef name, int64_t value) {
  auto &attribute = list.emplace_back();
  attribute.set_name(name.str());
  attribute.set_type(onnx::AttributeProto_AttributeType_INT);
  attribute.set_i(value);
  return *this;
}
Attributes &Attributes::add(StringRef name, float value) {
  auto &attribute = list.emplace_back();
  attribute.set_name(name.str());
  attribute.set_type(onnx::AttributeProto_AttributeType_FLOAT);
  attribute.set_f(value);
  return *this;
}
Attributes &Attributes::add(StringRef name, ArrayRef<int64_t> values) {
  auto &attribute = list.emplace_back();
  attribute.set_name(name.str());
  attribute.set_type(onnx::AttributeProto_AttributeType_INTS);
  for (int64_t value : values)
    attribute.add_ints(value);
  return *this;
}

Attributes Expansion::attributes(ArrayRef<StringRef> except) const {
  Attributes result;
  for (const auto &attribute : node.proto.attribute())
    if (!llvm::is_contained(except, StringRef(attribute.name())))
      result.list.push_back(attribute);
  return result;
}

Expansion::Tensor Expansion::fresh() {
  // As the names of inner ops, but with a mark of their own, so that the two never meet.
  std::string base = node.proto.output_size() ? node.proto.output(0) : node.name;
  Tensor name;
  do
    name = base + "#" + std::to_string(count++) + "q";
  while (node.importer.find(name));
  return name;
}

Expansion::Tensor Expansion::bind(Entry entry) {
  if (node.failed() || !entry.element)
    return "";
  Tensor name = fresh();
  if (entry.host && !entry.value)
    entry.loc = NameLoc::get(node.builder().getStringAttr(name), NameLoc::get(node.builder().getStringAttr(node.name)));
  node.importer.define(name, std::move(entry));
  return name;
}

Expansion::Tensor Expansion::number(float value) { return bind(node.constantEntry(Host{node.f32(), {}, {value}, {}})); }

const Entry &Expansion::entry(const Tensor &tensor) const {
  static const Entry none;
  const Entry *entry = tensor.empty() ? nullptr : node.importer.find(tensor);
  return entry ? *entry : none;
}

Expansion::Tensor Expansion::apply(StringRef type, ArrayRef<Tensor> inputs, const Attributes &attributes, int64_t opset) {
  if (node.failed())
    return "";
  onnx::NodeProto proto;
  proto.set_op_type(type.str());
  proto.set_name(node.name);
  for (const Tensor &input : inputs)
    proto.add_input(input);
  Tensor result = fresh();
  proto.add_output(result);
  for (const auto &attribute : attributes.list)
    *proto.add_attribute() = attribute;
  Node part(node.importer, proto, 0, opset);
  if (failed(node.importer.importNode(part))) {
    node.setFailed();
    return "";
  }
  return result;
}

Type Expansion::getCodeElement(const Tensor &codes) const {
  const Entry &x = entry(codes);
  if (auto quantized = dyn_cast_or_null<quant::QuantizedType>(x.element))
    return getCodeType(quantized);
  return x.element;
}

/// One value for each of the other's, if it is the only one of a constant.
static Expansion::Tensor repeat(Expansion &expansion, const Expansion::Tensor &single, const Expansion::Tensor &list) {
  const Entry &one = expansion.entry(single), &many = expansion.entry(list);
  if (!one.isPlainConstant() || one.host->size() != 1 || !many.host || many.host->size() <= 1)
    return single;
  Host host = *one.host;
  host.shape = {many.host->size()};
  host.floats.assign(host.floats.empty() ? 0 : many.host->size(), host.floats.empty() ? 0 : host.floats[0]);
  host.ints.assign(host.ints.empty() ? 0 : many.host->size(), host.ints.empty() ? 0 : host.ints[0]);
  return expansion.bind(expansion.node.constantEntry(std::move(host)));
}

Expansion::Tensor Expansion::dequantize(const Tensor &codes, const Tensor &scale, const Tensor &zero, int64_t axis) {
  Tensor factor = scale.empty() ? number(1) : scale;
  Tensor offset = zero.empty() ? zero : repeat(*this, zero, factor);
  factor = zero.empty() ? factor : repeat(*this, factor, zero);
  SmallVector<Tensor> inputs{codes, factor};
  if (!offset.empty())
    inputs.push_back(offset);
  return apply("DequantizeLinear", inputs, Attributes().add("axis", axis), lastOpset);
}

Expansion::Tensor Expansion::quantize(const Tensor &reals, const Tensor &scale, const Tensor &zero, Type element) {
  Tensor offset = zero.empty() ? bind(node.constantEntry(Host{element, {}, {}, {0}})) : zero;
  return apply("QuantizeLinear", {reals, scale.empty() ? number(1) : scale, offset}, {}, lastOpset);
}

LogicalResult Expansion::set(unsigned i, const Tensor &tensor) {
  if (node.failed() || tensor.empty())
    return failure();
  const Entry &result = entry(tensor);
  // The op that makes the result carries its name.
  Operation *op = result.value ? result.value.getDefiningOp() : nullptr;
  if (op && getLocName(op->getLoc()) == StringRef(tensor))
    op->setLoc(node.loc(i));
  return node.set(i, result);
}
} // namespace qc::onnximport
