// Step functions behind Where and comparisons: how exporters without an operator for it write the signs of binary networks.
#include "Importer.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace qc {
using namespace onnximport;

std::optional<float> Importer::getNumber(const std::string &tensor) const {
  const onnx::TensorProto *stored = initializers.lookup(tensor);
  if (!stored) {
    auto it = producers.find(tensor);
    const onnx::NodeProto *maker = it == producers.end() ? nullptr : &graph.node(it->second);
    if (maker && maker->op_type() == "Constant")
      for (const auto &attribute : maker->attribute())
        if (attribute.name() == "value" && attribute.has_t())
          stored = &attribute.t();
  }
  std::string why;
  if (!stored || countElements(Shape(stored->dims().begin(), stored->dims().end())) != 1)
    return std::nullopt;
  auto host = decodeTensor(*stored, folder, &context, why);
  if (failed(host) || !(*host)->isFloat())
    return std::nullopt;
  return (*host)->floats[0];
}

void Importer::recognizeSteps() {
  for (int i = 0; i < graph.node_size(); ++i) {
    const onnx::NodeProto &where = graph.node(i);
    if (where.op_type() != "Where" || where.input_size() != 3 || !getTableDomain(where.domain()).empty())
      continue;
    auto maker = producers.find(where.input(0));
    auto yes = getNumber(where.input(1)), no = getNumber(where.input(2));
    if (maker == producers.end() || !yes || !no)
      continue;
    const onnx::NodeProto &compare = graph.node(maker->second);
    StringRef type = compare.op_type();
    bool isLess = type == "Less" || type == "LessOrEqual", isGreater = type == "Greater" || type == "GreaterOrEqual";
    if ((!isLess && !isGreater) || compare.input_size() != 2)
      continue;
    // The compared tensor on the left.
    auto left = getNumber(compare.input(0)), right = getNumber(compare.input(1));
    if (left.has_value() == right.has_value())
      continue;
    float limit = left ? *left : *right;
    bool rises = isGreater != left.has_value(), reachesEqual = type.ends_with("OrEqual") == rises;
    // `x > t` is `x >= t'` with the next number; `x < t` is not `x >= t`.
    float threshold = reachesEqual ? limit : std::nextafter(limit, INFINITY);
    float low = rises ? *no : *yes, high = rises ? *yes : *no;
    if (!std::isfinite(threshold) || !(low < high) || !(low == -high || low == 0))
      continue;
    onnx::NodeProto step;
    step.set_op_type("Step");
    step.set_domain("qc");
    step.set_name(where.name().empty() ? nodeName(i) : where.name());
    step.add_input(compare.input(left ? 1 : 0));
    *step.mutable_output() = where.output();
    auto add = [&](const char *name, float value) {
      auto *attribute = step.add_attribute();
      attribute->set_name(name);
      attribute->set_type(onnx::AttributeProto_AttributeType_FLOAT);
      attribute->set_f(value);
    };
    add("threshold", threshold);
    add("low", low);
    add("high", high);
    recognized[i] = std::move(step);
  }
}

namespace onnximport {
/// x >= threshold ? high : low, with low = -high or 0.
static LogicalResult importStep(Node &node) {
  float low = node.getFloat("low", 0), high = node.getFloat("high", 1), threshold = node.getFloat("threshold", 0);
  const Entry &x = node.input(0);
  if (x.isPlainConstant()) {
    Host host = *x.host;
    for (float &v : host.floats)
      v = v >= threshold ? high : low;
    return node.set(node.constantEntry(std::move(host)));
  }
  if (!(high >= std::numeric_limits<float>::min()))
    return node.fail("its values " + std::to_string(low) + " and " + std::to_string(high) + " are too small");
  int64_t base = low < 0 ? -1 : 0, step = 1 - base;
  auto type = quant::UniformQuantizedType::get(quant::QuantizationFlags::Signed, IntegerType::get(node.context(), 2), node.f32(),
                                               high, 0, base, 1);
  Value value = node.value(0), constant = node.makeConstant(node.innerLoc(), Host{node.f32(), {1}, {threshold}, {}});
  if (node.failed())
    return failure();
  Value codes = ThresholdOp::create(node.builder(), node.innerLoc(), withElementType(value.getType(), type), value, constant,
                                    IntegerAttr(), base, step);
  return node.set(node.computed(quant::DequantizeCastOp::create(node.builder(), node.loc(), value.getType(), codes)));
}

static const Operator operators[] = {
    {"Step", 1, 1, 1, 1, Elements::Float, importStep, nullptr},
};

ArrayRef<Operator> getStepOperators() { return operators; }
} // namespace onnximport
} // namespace qc
