// QuantizeLinear and DequantizeLinear: quant.qcast and quant.dcast with constant scales and zero points.
#include "Importer.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace qc::onnximport {
quant::QuantizedType getQuantizedType(Node &node, Type element, ArrayRef<int64_t> shape) {
  HostRef scale = node.constant(1, "its scale"), zero = node.has(2) ? node.constant(2, "its zero point") : nullptr;
  auto code = dyn_cast<IntegerType>(element);
  if (node.failed())
    return {};
  auto fail = [&](const Twine &reason) {
    (void)node.fail(reason);
    return quant::QuantizedType();
  };
  if (!code || code.getWidth() < 2 || code.getWidth() > 32 || (code.isUnsigned() && code.getWidth() > 16))
    return fail("codes of type " + toString(element) + " are not supported");
  if (!scale->isFloat() || scale->shape.size() > 1 || scale->size() == 0)
    return fail("its scale ('" + node.proto.input(1) + "') must be one number or a list of numbers, but is " +
                toString(scale->element) + " " + toString(scale->shape));
  if (zero && (zero->element != element || zero->size() != scale->size()))
    return fail("its zero point ('" + node.proto.input(2) + "') must have the type of the codes (" + toString(element) +
                ") and as many elements as its scale (" + Twine(scale->size()) + ")");
  SmallVector<double> scales;
  for (float v : scale->floats) {
    if (!(v >= std::numeric_limits<float>::min()) || !std::isfinite(v))
      return fail("its scale " + std::to_string(v) + " is not a positive number");
    scales.push_back(v);
  }
  SmallVector<int64_t> zeros(scales.size(), 0);
  if (zero)
    zeros.assign(zero->ints.begin(), zero->ints.end());
  auto [low, high] = getCodeLimits(code);
  unsigned flags = code.isUnsigned() ? 0 : quant::QuantizationFlags::Signed;
  Type storage = IntegerType::get(node.context(), code.getWidth());
  if (scale->shape.empty() || scales.size() == 1)
    return quant::UniformQuantizedType::get(flags, storage, node.f32(), scales[0], zeros[0], low, high);
  int64_t axis = node.opset >= 13 ? node.normalizeAxis(node.getInt("axis", 1), shape.size()) : 1;
  if (node.failed())
    return {};
  if (node.opset < 13 || shape[axis] != int64_t(scales.size()))
    return fail("it has " + Twine(scales.size()) + " scales, which do not fit its input of shape " + toString(shape));
  return quant::UniformQuantizedPerAxisType::get(flags, storage, node.f32(), scales, zeros, axis, low, high);
}

namespace {
std::string checkQuantize(Node &node) {
  if (node.getInt("block_size", 0))
    return "quantization in blocks is not supported";
  return "";
}

/// The type of the codes that QuantizeLinear makes.
Type getOutputElement(Node &node) {
  if (node.has(2))
    return node.element(2);
  std::string why;
  int64_t type = node.opset >= 21 ? node.getInt("output_dtype", 0) : 0;
  if (type == 0)
    return IntegerType::get(node.context(), 8, IntegerType::Unsigned);
  Type element = getElementType(int32_t(std::clamp<int64_t>(type, 0, 1000)), node.context(), why);
  if (!element)
    (void)node.fail("its codes have " + why);
  return element;
}

LogicalResult importQuantize(Node &node) {
  Type element = getOutputElement(node);
  auto type = node.failed() ? quant::QuantizedType() : getQuantizedType(node, element, node.shape(0));
  if (!type)
    return failure();
  const Entry &x = node.input(0);
  if (x.isPlainConstant()) {
    // Weights that an exporter left in float: their codes are a stored constant from here on.
    SmallVector<double> values(x.host->floats.begin(), x.host->floats.end());
    SmallVector<int64_t> codes = getScheme(type).encode(values, x.shape);
    return node.set(node.constantEntry(Host{element, x.shape, {}, {codes.begin(), codes.end()}}));
  }
  Value value = node.value(0);
  if (node.failed())
    return failure();
  return node.set(
      node.computed(quant::QuantizeCastOp::create(node.builder(), node.loc(), withElementType(value.getType(), type), value)));
}

LogicalResult importDequantize(Node &node) {
  const Entry &x = node.input(0);
  Type element = x.element;
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    element = getCodeType(quantized);
  auto type = getQuantizedType(node, element, x.shape);
  if (!type)
    return failure();
  if (x.isPlainConstant()) {
    if (x.host->size() == 0)
      return node.fail("its input has no elements");
    Entry entry = x;
    entry.value = {};
    entry.codes = type;
    entry.element = node.f32();
    entry.loc = node.loc();
    return node.set(entry);
  }
  Value value = node.value(0);
  if (node.failed())
    return failure();
  auto real = withElementType(value.getType(), node.f32());
  if (x.element == type)
    return node.set(node.computed(quant::DequantizeCastOp::create(node.builder(), node.loc(), real, value)));
  if (isa<quant::QuantizedType>(x.element))
    return node.fail("it dequantizes with other parameters than its input '" + node.proto.input(0) +
                     "' was quantized with: " + toString(type) + " and " + toString(x.element));
  if (!cast<IntegerType>(element).isSignless())
    return node.fail("its input '" + node.proto.input(0) +
                     "' is an unsigned tensor that is also used otherwise, which is not supported");
  Value codes = quant::StorageCastOp::create(node.builder(), node.innerLoc(), withElementType(value.getType(), type), value);
  return node.set(node.computed(quant::DequantizeCastOp::create(node.builder(), node.loc(), real, codes)));
}

const Operator operators[] = {
    {"DequantizeLinear", 10, 21, 2, 3, Elements::Any, importDequantize, checkQuantize},
    {"QuantizeLinear", 10, 21, 2, 3, Elements::Float, importQuantize, checkQuantize},
};
} // namespace

ArrayRef<Operator> getQuantOperators() { return operators; }
} // namespace qc::onnximport
