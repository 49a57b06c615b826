// One node under import: problems, inputs, attributes, outputs.
#include "Importer.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace qc::onnximport {
Node::Node(Importer &importer, const onnx::NodeProto &proto, int index, int64_t opset)
    : importer(importer), proto(proto), name(proto.name().empty() ? proto.op_type() + "_" + std::to_string(index) : proto.name()),
      opset(opset) {}

OpBuilder &Node::builder() { return importer.builder; }
MLIRContext *Node::context() { return importer.builder.getContext(); }
Type Node::f32() { return importer.builder.getF32Type(); }
Type Node::i64() { return importer.builder.getI64Type(); }

//===-- Problems -----------------------------------------------------------------------------------------------------------===//

InFlightDiagnostic Node::error() {
  hasFailed = true;
  return emitError(NameLoc::get(builder().getStringAttr(name))) << proto.op_type() << ": ";
}

LogicalResult Node::fail(const Twine &reason) {
  // One problem may make others appear; the first is the one to mend.
  if (!hasFailed && !quiet)
    error() << reason;
  hasFailed = true;
  return failure();
}

//===-- Inputs -------------------------------------------------------------------------------------------------------------===//

const Entry &Node::input(unsigned i) const {
  static const Entry none;
  if (!has(i))
    return none;
  const Entry *entry = importer.find(proto.input(i));
  return entry ? *entry : none;
}

HostRef Node::constant(unsigned i, StringRef what) {
  const Entry &entry = input(i);
  if (entry.isPlainConstant())
    return entry.host;
  (void)fail(Twine(what) + (has(i) ? " ('" + proto.input(i) + "') must be constant, but is computed" : " is missing"));
  return nullptr;
}

Shape Node::constantInts(unsigned i, StringRef what) {
  HostRef host = constant(i, what);
  if (!host)
    return {};
  if (host->isFloat() || host->shape.size() > 1) {
    (void)fail(what + " ('" + proto.input(i) + "') must be a list of integers, but is " + toString(host->element) + " " +
               toString(host->shape));
    return {};
  }
  return Shape(host->ints.begin(), host->ints.end());
}

//===-- Attributes ---------------------------------------------------------------------------------------------------------===//

const onnx::AttributeProto *Node::attribute(StringRef attributeName) const {
  for (const auto &attribute : proto.attribute())
    if (attributeName == attribute.name())
      return &attribute;
  return nullptr;
}

int64_t Node::getInt(StringRef attributeName, int64_t otherwise) {
  const auto *a = attribute(attributeName);
  if (!a)
    return otherwise;
  if (a->has_i() && (!a->has_type() || a->type() == onnx::AttributeProto_AttributeType_INT))
    return a->i();
  // proto writers may leave out a zero.
  if (a->type() == onnx::AttributeProto_AttributeType_INT)
    return 0;
  (void)fail("attribute '" + attributeName + "' must be an integer");
  return otherwise;
}

float Node::getFloat(StringRef attributeName, float otherwise) {
  const auto *a = attribute(attributeName);
  if (!a)
    return otherwise;
  if ((a->has_f() && !a->has_type()) || a->type() == onnx::AttributeProto_AttributeType_FLOAT) {
    if (std::isnan(a->f())) {
      (void)fail("attribute '" + attributeName + "' is NaN");
      return otherwise;
    }
    return a->f();
  }
  (void)fail("attribute '" + attributeName + "' must be a number");
  return otherwise;
}

std::string Node::getString(StringRef attributeName, StringRef otherwise) {
  const auto *a = attribute(attributeName);
  if (!a)
    return otherwise.str();
  if ((a->has_s() && !a->has_type()) || a->type() == onnx::AttributeProto_AttributeType_STRING)
    return a->s();
  (void)fail("attribute '" + attributeName + "' must be a string");
  return otherwise.str();
}

Shape Node::getInts(StringRef attributeName) {
  const auto *a = attribute(attributeName);
  if (!a)
    return {};
  if ((a->ints_size() && !a->has_type()) || a->type() == onnx::AttributeProto_AttributeType_INTS)
    return Shape(a->ints().begin(), a->ints().end());
  (void)fail("attribute '" + attributeName + "' must be a list of integers");
  return {};
}

Shape Node::getSizes(StringRef attributeName, size_t count, int64_t low, int64_t otherwise) {
  if (!hasAttribute(attributeName))
    return Shape(count, otherwise);
  Shape sizes = getInts(attributeName);
  if (!failed() && sizes.size() != count)
    (void)fail("attribute '" + attributeName + "' has " + Twine(sizes.size()) + " entries, expected " + Twine(count));
  for (int64_t size : sizes)
    if (size < low || size > maxWindow)
      (void)fail("attribute '" + attributeName + "' holds " + Twine(size) + ", which is outside [" + Twine(low) + ", " +
                 Twine(maxWindow) + "]");
  return failed() ? Shape(count, otherwise) : sizes;
}

int64_t Node::normalizeAxis(int64_t axis, int64_t rank, bool inclusive) {
  int64_t end = rank + (inclusive ? 1 : 0);
  // `inclusive` counts the places between dimensions for Unsqueeze-like use, but negative axes of Flatten count dimensions.
  if (axis >= -rank && axis < end)
    return axis < 0 ? axis + rank : axis;
  (void)fail("axis " + Twine(axis) + " is outside [" + Twine(-rank) + ", " + Twine(end) + ")");
  return 0;
}

Shape Node::normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) {
  Shape result;
  for (int64_t axis : axes) {
    int64_t positive = normalizeAxis(axis, rank);
    if (llvm::is_contained(result, positive))
      (void)fail("axis " + Twine(axis) + " is listed twice");
    result.push_back(positive);
  }
  llvm::sort(result);
  return failed() ? Shape() : result;
}

//===-- Outputs ------------------------------------------------------------------------------------------------------------===//

bool Node::wants(unsigned i) const {
  return int(i) < proto.output_size() && !proto.output(i).empty() && importer.countUses(proto.output(i)) > 0;
}

Location Node::loc(unsigned output) const {
  MLIRContext *context = importer.builder.getContext();
  Location inner = NameLoc::get(StringAttr::get(context, name));
  if (int(output) >= proto.output_size() || proto.output(output).empty() || proto.output(output) == name)
    return inner;
  return NameLoc::get(StringAttr::get(context, proto.output(output)), inner);
}

Location Node::innerLoc() {
  std::string tensor = proto.output_size() ? proto.output(0) : name;
  return NameLoc::get(StringAttr::get(context(), tensor + "#" + std::to_string(innerCount++)),
                      NameLoc::get(StringAttr::get(context(), name)));
}

Entry Node::computed(Value value) {
  if (countElements(getShape(value)) < 1) {
    (void)fail("its result would have shape " + toString(getShape(value)) + "; results need between 1 and 2^31 elements");
    return {};
  }
  Entry entry;
  entry.element = qc::getElementType(value);
  entry.shape = Shape(getShape(value));
  entry.value = value;
  return entry;
}

Entry Node::constantEntry(Host host) {
  Entry entry;
  entry.element = host.element;
  entry.shape = host.shape;
  entry.loc = loc();
  entry.host = std::make_shared<Host>(std::move(host));
  return entry;
}

Entry Node::makeInts(ArrayRef<int64_t> values) {
  Host host;
  host.element = i64();
  host.shape = {int64_t(values.size())};
  host.ints.assign(values.begin(), values.end());
  return constantEntry(std::move(host));
}

Value Node::makeConstant(Location loc, Host host) {
  Entry entry = constantEntry(std::move(host));
  entry.loc = loc;
  return materialize(entry);
}

Value Node::materialize(Entry &entry) {
  if (entry.value)
    return entry.value;
  if (failed() || !entry.host)
    return {};
  if (entry.host->size() == 0) {
    (void)fail("a tensor without elements cannot take part in a computation");
    return {};
  }
  return importer.materialize(entry);
}

Value Node::materialize(unsigned i) {
  Entry *entry = has(i) ? importer.find(proto.input(i)) : nullptr;
  return entry ? materialize(*entry) : Value();
}

LogicalResult Node::set(unsigned i, const Entry &entry) {
  if (failed() || !entry.element)
    return failure();
  if (int(i) < proto.output_size() && !proto.output(i).empty())
    importer.define(proto.output(i), entry);
  return success();
}
} // namespace qc::onnximport
