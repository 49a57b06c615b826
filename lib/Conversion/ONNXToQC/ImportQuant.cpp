// QuantizeLinear and DequantizeLinear: quant.qcast and quant.dcast. Parameters that are computed, and scales per block, are
// brought to constant ones per tensor or per axis with ordinary operators around.
#include "Expansion.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace qc::onnximport {
namespace {
/// The quantized type of codes of `element` with these scales and zero points along `axis`, or null after an error. `zero` may be
/// null.
quant::QuantizedType makeType(Node &node, Type element, ArrayRef<float> scale, const Host *zero, int64_t axis) {
  auto fail = [&](const Twine &reason) {
    (void)node.fail(reason);
    return quant::QuantizedType();
  };
  auto code = dyn_cast<IntegerType>(element);
  if (!code || code.getWidth() < 2 || code.getWidth() > 32 || (code.isUnsigned() && code.getWidth() > 16))
    return fail("codes of type " + toString(element) + " are not supported");
  SmallVector<double> scales;
  for (float v : scale) {
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
  if (axis < 0)
    return quant::UniformQuantizedType::get(flags, storage, node.f32(), scales[0], zeros[0], low, high);
  return quant::UniformQuantizedPerAxisType::get(flags, storage, node.f32(), scales, zeros, axis, low, high);
}

/// Scale and zero point of a node as constants, checked against each other; failure after an error.
struct Parameters {
  HostRef scale, zero;
};
FailureOr<Parameters> getParameters(Node &node, Type element, CodeParameters where) {
  Parameters parameters;
  bool hasZero = where.zero >= 0 && node.has(where.zero);
  if (where.scale >= 0)
    parameters.scale = node.constant(where.scale, "its scale");
  else
    parameters.scale = std::make_shared<Host>(Host{node.f32(), {}, {1}, {}});
  if (hasZero)
    parameters.zero = node.constant(where.zero, "its zero point");
  if (node.failed())
    return failure();
  const Host &scale = *parameters.scale;
  if (!scale.isFloat() || scale.size() == 0)
    return node.fail("its scale ('" + node.proto.input(where.scale) + "') must be one number or a list of numbers, but is " +
                     toString(scale.element) + " " + toString(scale.shape));
  if (hasZero && (parameters.zero->element != element || parameters.zero->size() != scale.size()))
    return node.fail("its zero point ('" + node.proto.input(where.zero) + "') must have the type of the codes (" +
                     toString(element) + ") and as many elements as its scale (" + Twine(scale.size()) + ")");
  return parameters;
}
} // namespace

quant::QuantizedType getQuantizedType(Node &node, Type element, ArrayRef<int64_t> shape, CodeParameters where) {
  auto parameters = getParameters(node, element, where);
  if (failed(parameters))
    return {};
  const Host &scale = *parameters->scale;
  if (scale.shape.size() > 1) {
    (void)node.fail("its scale ('" + node.proto.input(where.scale) + "') must be one number or a list of numbers, but is " +
                    toString(scale.element) + " " + toString(scale.shape));
    return {};
  }
  int64_t axis = -1;
  if (scale.size() > 1) {
    axis = node.opset >= 13 ? node.normalizeAxis(node.getInt("axis", 1), shape.size()) : 1;
    if (node.failed())
      return {};
    if (node.opset < 13 || shape[axis] != scale.size()) {
      (void)node.fail("it has " + Twine(scale.size()) + " scales, which do not fit its input of shape " + toString(shape));
      return {};
    }
  }
  return makeType(node, element, scale.floats, parameters->zero.get(), axis);
}

namespace {
std::string checkQuantize(Node &node) {
  int64_t size = node.getInt("block_size", 0);
  return size < 0 ? "attribute 'block_size' is " + std::to_string(size) : "";
}

/// Codes as codes of another type of the same width: no arithmetic.
Entry reinterpret(Node &node, Entry x, quant::QuantizedType type, Location loc) {
  if (node.failed() || x.element == type)
    return x;
  Value value = node.materialize(x);
  if (!value)
    return {};
  auto storage = IntegerType::get(node.context(), type.getStorageTypeIntegralWidth());
  // quant.scast knows signless integers only.
  if (isa<quant::QuantizedType>(x.element))
    value = quant::StorageCastOp::create(node.builder(), node.innerLoc(), withElementType(value.getType(), storage), value);
  else if (x.element != storage)
    value = CastOp::create(node.builder(), node.innerLoc(), withElementType(value.getType(), storage), value);
  return node.computed(quant::StorageCastOp::create(node.builder(), loc, withElementType(value.getType(), type), value));
}

Type getStoredElement(const Entry &x) {
  auto quantized = dyn_cast<quant::QuantizedType>(x.element);
  return quantized ? Type(getCodeType(quantized)) : x.element;
}

Entry encode(Node &node, const Entry &x, quant::QuantizedType type, Location loc) {
  if (x.isPlainConstant()) {
    // Weights that an exporter left in float: their codes are a stored constant from here on.
    SmallVector<double> values(x.host->floats.begin(), x.host->floats.end());
    SmallVector<int64_t> codes = getScheme(type).encode(values, x.shape);
    return node.constantEntry(Host{getCodeType(type), x.shape, {}, {codes.begin(), codes.end()}});
  }
  Entry copy = x;
  Value value = node.materialize(copy);
  if (!value)
    return {};
  return node.computed(quant::QuantizeCastOp::create(node.builder(), loc, withElementType(value.getType(), type), value));
}

Entry decode(Node &node, const Entry &x, quant::QuantizedType type, Location loc) {
  if (x.isPlainConstant()) {
    if (x.host->size() == 0) {
      (void)node.fail("its input has no elements");
      return {};
    }
    Entry entry = x;
    entry.value = {};
    entry.codes = type;
    entry.element = node.f32();
    entry.loc = loc;
    return entry;
  }
  Entry codes = reinterpret(node, x, type, node.innerLoc());
  if (node.failed())
    return {};
  auto real = withElementType(codes.value.getType(), node.f32());
  return node.computed(quant::DequantizeCastOp::create(node.builder(), loc, real, codes.value));
}

//===-- Blocks -------------------------------------------------------------------------------------------------------------===//

/// A tensor whose axis is cut into blocks of one scale each, and its view [all blocks, elements of a block], which has its scales
/// along an axis.
struct Blocks {
  int64_t axis, size, count;
  Shape shape, padded, split, moved, back;

  static FailureOr<Blocks> get(Node &node, ArrayRef<int64_t> shape, const Host &scale) {
    Blocks blocks;
    blocks.shape = blocks.padded = Shape(shape);
    blocks.axis = node.normalizeAxis(node.getInt("axis", 1), shape.size());
    blocks.size = node.getInt("block_size", 0);
    if (node.failed())
      return failure();
    int64_t length = shape[blocks.axis];
    blocks.size = std::min(blocks.size, std::max<int64_t>(length, 1));
    blocks.count = (length + blocks.size - 1) / blocks.size;
    Shape expected(shape);
    expected[blocks.axis] = blocks.count;
    if (scale.shape != expected)
      return node.fail("its scales have shape " + toString(scale.shape) + ", but blocks of " + Twine(blocks.size) +
                       " along axis " + Twine(blocks.axis) + " of its input of shape " + toString(shape) + " need " +
                       toString(expected));
    blocks.padded[blocks.axis] = blocks.count * blocks.size;
    blocks.split = blocks.padded;
    blocks.split[blocks.axis] = blocks.count;
    blocks.split.insert(blocks.split.begin() + blocks.axis + 1, blocks.size);
    // The elements of a block become the last axis.
    Shape permutation;
    for (int64_t d = 0; d < int64_t(blocks.split.size()); ++d)
      if (d != blocks.axis + 1)
        permutation.push_back(d);
    permutation.push_back(blocks.axis + 1);
    blocks.moved = permutation;
    blocks.back.resize(permutation.size());
    for (auto [to, from] : llvm::enumerate(permutation))
      blocks.back[from] = to;
    return blocks;
  }

  Entry toRows(Node &node, Entry x) const {
    if (padded != shape) {
      Shape rest = shape;
      rest[axis] = padded[axis] - shape[axis];
      Entry zeros = node.constantEntry(Host{getStoredElement(x), rest, {}, {}});
      Host host = *zeros.host;
      (host.isFloat() ? host.floats.resize(countElements(rest)) : host.ints.resize(countElements(rest)));
      zeros = node.constantEntry(std::move(host));
      if (auto type = dyn_cast<quant::QuantizedType>(x.element))
        zeros = reinterpret(node, zeros, type, node.innerLoc());
      x = node.concat({x, zeros}, axis, node.innerLoc());
    }
    x = node.transpose(node.reshape(x, split, node.innerLoc()), moved, node.innerLoc());
    return node.reshape(x, {countElements(padded) / size, size}, node.innerLoc());
  }
  Entry fromRows(Node &node, Entry x, Location loc) const {
    Shape movedShape;
    for (int64_t d : moved)
      movedShape.push_back(split[d]);
    if (!llvm::is_sorted(moved))
      x = node.transpose(node.reshape(x, movedShape, node.innerLoc()), back, node.innerLoc());
    bool cuts = padded != shape;
    x = node.reshape(x, padded, cuts ? node.innerLoc() : loc);
    Shape zeros(shape.size(), 0), ones(shape.size(), 1);
    return cuts ? node.slice(x, zeros, shape, ones, loc) : x;
  }
};

LogicalResult importBlocks(Node &node, Type element, bool encodes) {
  auto parameters = getParameters(node, element, {1, 2});
  if (failed(parameters))
    return failure();
  const Entry &x = node.input(0);
  auto blocks = Blocks::get(node, x.shape, *parameters->scale);
  if (failed(blocks))
    return failure();
  auto type = makeType(node, element, parameters->scale->floats, parameters->zero.get(), 0);
  auto unit = getUnitType(node, element);
  if (node.failed())
    return failure();
  if (encodes) {
    Entry codes = encode(node, blocks->toRows(node, x), type, node.innerLoc());
    if (!codes.isPlainConstant())
      codes = reinterpret(node, codes, unit, node.innerLoc());
    return node.set(blocks->fromRows(node, codes, node.loc()));
  }
  Entry codes = x.isPlainConstant() ? x : reinterpret(node, x, unit, node.innerLoc());
  return node.set(blocks->fromRows(node, decode(node, blocks->toRows(node, codes), type, node.innerLoc()), node.loc()));
}

//===-- The two operators --------------------------------------------------------------------------------------------------===//

/// The type of the codes that QuantizeLinear makes.
Type getOutputElement(Node &node) {
  if (node.has(2))
    return getStoredElement(node.input(2));
  std::string why;
  int64_t type = node.opset >= 21 ? node.getInt("output_dtype", 0) : 0;
  if (type == 0)
    return IntegerType::get(node.context(), 8, IntegerType::Unsigned);
  Type element = getElementType(int32_t(std::clamp<int64_t>(type, 0, 1000)), node.context(), why);
  if (!element)
    (void)node.fail("its codes have " + why);
  return element;
}

bool hasComputedParameters(Node &node) {
  return !node.input(1).isPlainConstant() || (node.has(2) && !node.input(2).isPlainConstant());
}

/// Scale and zero point must be one each when they are computed.
bool requireSingle(Node &node) {
  for (unsigned i = 1; i < 3; ++i)
    if (node.has(i) && countElements(node.shape(i)) != 1)
      (void)node.fail("its parameters are computed, which is supported for one scale and zero point only; '" +
                      node.proto.input(i) + "' has shape " + toString(node.shape(i)));
  return !node.failed();
}

LogicalResult quantizeComputed(Node &node, Type element) {
  auto code = dyn_cast<IntegerType>(element);
  if (!code || code.getWidth() > 8)
    return node.fail("its parameters are computed, which is supported for codes of at most 8 bits only");
  Expansion e(node);
  std::string steps = e.apply("Div", {e.input(0), e.input(1)});
  if (!node.has(2) || node.input(2).isPlainConstant())
    return e.set(0, e.quantize(steps, "", e.input(2), element));
  // The tie is broken before the zero point is added.
  std::string rounded = e.dequantize(e.quantize(steps, "", "", IntegerType::get(node.context(), 16)), "", "");
  return e.set(0, e.quantize(e.apply("Add", {rounded, e.dequantize(e.input(2), "", "")}), "", "", element));
}

LogicalResult importQuantize(Node &node) {
  if (isa<quant::QuantizedType>(node.element(0))) {
    // Sums of an integer operator, which are numbers like any other.
    Expansion e(node);
    SmallVector<std::string> inputs{e.dequantize(e.input(0), "", ""), e.input(1)};
    if (node.has(2))
      inputs.push_back(e.input(2));
    return e.set(0, e.apply("QuantizeLinear", inputs, e.attributes(), node.opset));
  }
  if (!isa<FloatType>(node.element(0)))
    return node.fail("only floating-point tensors are supported; its input '" + node.proto.input(0) + "' has element type " +
                     toString(node.element(0)));
  Type element = getOutputElement(node);
  if (node.failed())
    return failure();
  if (hasComputedParameters(node))
    return requireSingle(node) ? quantizeComputed(node, element) : failure();
  if (node.getInt("block_size", 0))
    return importBlocks(node, element, /*encodes=*/true);
  auto type = getQuantizedType(node, element, node.shape(0));
  return type ? node.set(encode(node, node.input(0), type, node.loc())) : failure();
}

LogicalResult importDequantize(Node &node) {
  const Entry &x = node.input(0);
  Type element = getStoredElement(x);
  if (hasComputedParameters(node)) {
    if (!requireSingle(node))
      return failure();
    Expansion e(node);
    std::string steps = e.dequantize(e.input(0), "", "");
    if (node.has(2))
      steps = e.apply("Sub", {steps, e.dequantize(e.input(2), "", "")});
    const Entry &scale = node.input(1);
    bool isUnit = scale.isPlainConstant() && scale.host->isFloat() && scale.host->floats[0] == 1;
    return e.set(0, isUnit ? steps : e.apply("Mul", {steps, e.input(1)}));
  }
  if (node.getInt("block_size", 0))
    return importBlocks(node, element, /*encodes=*/false);
  auto type = getQuantizedType(node, element, x.shape);
  return type ? node.set(decode(node, x, type, node.loc())) : failure();
}

/// As ONNX defines it, with zero made part of the range.
LogicalResult importDynamicQuantize(Node &node) {
  Expansion e(node);
  Block *block = node.builder().getInsertionBlock();
  Operation *before = block->empty() ? nullptr : &block->back();
  Attributes all = Attributes().add("keepdims", int64_t(0));
  std::string high = e.apply("Max", {e.apply("ReduceMax", {e.input(0)}, all), e.number(0)});
  std::string low = e.apply("Min", {e.apply("ReduceMin", {e.input(0)}, all), e.number(0)});
  std::string range = e.apply("Sub", {high, low});
  // Without a range any scale does; ONNX Runtime takes 1. The divisor is computed, so that it does not become a factor of 1/255.
  std::string isEmpty = e.apply("Equal", {range, e.number(0)});
  std::string steps = e.apply("Where", {isEmpty, e.number(1), e.number(255)});
  std::string scale = e.apply("Div", {e.apply("Where", {isEmpty, e.number(1), range}), steps});
  Type element = IntegerType::get(node.context(), 8, IntegerType::Unsigned);
  std::string zero = e.quantize(e.apply("Div", {e.apply("Neg", {low}), scale}), "", "", element);
  std::string codes = e.apply("QuantizeLinear", {e.input(0), scale, zero}, {}, lastOpset);
  // Codes of what computes a scale would be worse than the codes that the scale is for.
  for (Operation *op = before ? before->getNextNode() : &block->front(); op; op = op->getNextNode())
    if (!op->hasTrait<OpTrait::ConstantLike>() && !isa<quant::QuantizeCastOp, quant::DequantizeCastOp>(op))
      op->setAttr(floatReasonName, node.builder().getStringAttr(dynamicReason));
  std::string results[] = {codes, scale, zero};
  for (auto [i, tensor] : llvm::enumerate(results))
    if (failed(e.set(i, tensor)))
      return failure();
  return success();
}

const Operator operators[] = {
    {"DequantizeLinear", 10, 21, 2, 3, Elements::Any, importDequantize, checkQuantize},
    {"DynamicQuantizeLinear", 11, 21, 1, 1, Elements::Float, importDynamicQuantize, nullptr},
    {"QuantizeLinear", 10, 21, 2, 3, Elements::Any, importQuantize, checkQuantize},
};
} // namespace

quant::QuantizedType getUnitType(Node &node, Type element) { return makeType(node, element, {1.0f}, nullptr, -1); }

Entry decodeAsIntegers(Node &node, const Entry &codes) {
  auto type = getUnitType(node, getStoredElement(codes));
  return type ? decode(node, codes, type, node.loc()) : Entry();
}

ArrayRef<Operator> getQuantOperators() { return operators; }
} // namespace qc::onnximport
