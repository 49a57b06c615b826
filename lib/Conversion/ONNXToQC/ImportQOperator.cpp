// Operators on codes, of ONNX and of ONNX Runtime's domain com.microsoft: each is an operator on real values between dequantized
// inputs and a quantized result, and is written down as that (docs/Import.md). What folds fake quantization makes it integer.
#include "Expansion.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include <climits>
#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
/// An input that holds codes, and the inputs with its scale and zero point (-1: it has no scale).
struct CodeInput {
  int codes, scale, zero;
};

/// An operator whose inputs and result are codes, and the operator on real values that it stands for.
struct QOperator {
  const char *name, *core;
  std::vector<CodeInput> inputs;
  int scale; ///< input with the result's scale, in front of its zero point; -1 if the result is no code
};

const QOperator qOperators[] = {
    {"ConvInteger", "Conv", {{0, -1, 2}, {1, -1, 3}}, -1},
    {"DequantizeLinear", "", {{0, 1, 2}}, -1},
    {"DynamicQuantizeMatMul", "MatMul", {{1, 2, 3}}, -1},
    {"MatMulInteger", "MatMul", {{0, -1, 2}, {1, -1, 3}}, -1},
    {"MatMulIntegerToFloat", "MatMul", {{0, 2, 4}, {1, 3, 5}}, -1},
    {"QGemm", "Gemm", {{0, 1, 2}, {3, 4, 5}}, 7},
    {"QLinearAdd", "Add", {{0, 1, 2}, {3, 4, 5}}, 6},
    {"QLinearAveragePool", "AveragePool", {{0, 1, 2}}, 3},
    {"QLinearConv", "Conv", {{0, 1, 2}, {3, 4, 5}}, 6},
    {"QLinearGlobalAveragePool", "GlobalAveragePool", {{0, 1, 2}}, 3},
    {"QLinearLeakyRelu", "LeakyRelu", {{0, 1, 2}}, 3},
    {"QLinearMatMul", "MatMul", {{0, 1, 2}, {3, 4, 5}}, 6},
    {"QLinearMul", "Mul", {{0, 1, 2}, {3, 4, 5}}, 6},
    {"QLinearReduceMean", "ReduceMean", {{0, 1, 2}}, 3},
    {"QLinearSigmoid", "Sigmoid", {{0, 1, 2}}, 3},
    {"QLinearSoftmax", "Softmax", {{0, 1, 2}}, 3},
    {"QLinearWhere", "Where", {{1, 2, 3}, {4, 5, 6}}, 7},
};

const QOperator *findQOperator(StringRef name) {
  auto *found = llvm::find_if(qOperators, [&](const QOperator &op) { return op.name == name; });
  return found == std::end(qOperators) ? nullptr : found;
}

/// The real values of each input that holds codes; `axes` says along which axis each may have a list of scales.
SmallVector<std::string> dequantizeInputs(Expansion &e, ArrayRef<int64_t> axes = {}) {
  SmallVector<std::string> reals;
  for (auto [i, input] : llvm::enumerate(findQOperator(e.node.proto.op_type())->inputs))
    reals.push_back(e.dequantize(e.input(input.codes), input.scale < 0 ? "" : e.input(input.scale), e.input(input.zero),
                                 i < axes.size() ? axes[i] : 1));
  return reals;
}

/// The result as codes. Their type is that of the zero point or, without one, of the first input.
LogicalResult quantizeResult(Expansion &e, const std::string &real) {
  const QOperator &op = *findQOperator(e.node.proto.op_type());
  std::string like = e.input(op.inputs[0].codes);
  return e.set(0, e.quantize(real, e.input(op.scale), e.input(op.scale + 1), e.node.failed() ? Type() : e.getCodeElement(like)));
}

/// Operators that hand their attributes on as they are.
LogicalResult importPlain(Node &node) {
  Expansion e(node);
  return quantizeResult(e, e.apply(findQOperator(node.proto.op_type())->core, dequantizeInputs(e), e.attributes()));
}

/// Pools may be given channels last.
LogicalResult importPool(Node &node) {
  Expansion e(node);
  bool last = node.getInt("channels_last", 0);
  int64_t rank = node.rank(0);
  Shape toFirst, toLast;
  for (int64_t d = 0; d < rank; ++d) {
    toFirst.push_back(d == 0 ? 0 : d == 1 ? rank - 1 : d - 1);
    toLast.push_back(d == 0 ? 0 : d == rank - 1 ? 1 : d + 1);
  }
  std::string x = dequantizeInputs(e)[0];
  if (last)
    x = e.apply("Transpose", {x}, Attributes().add("perm", toFirst));
  std::string y = e.apply(findQOperator(node.proto.op_type())->core, {x}, e.attributes({"channels_last"}));
  return quantizeResult(e, last ? e.apply("Transpose", {y}, Attributes().add("perm", toLast)) : y);
}

LogicalResult importQLinearConcat(Node &node) {
  Expansion e(node);
  if ((node.numInputs() - 2) % 3)
    return node.fail("it has " + Twine(node.numInputs()) + " inputs; after the result's scale and zero point come three each");
  SmallVector<std::string> reals;
  for (unsigned i = 2; i < node.numInputs(); i += 3)
    reals.push_back(e.dequantize(e.input(i), e.input(i + 1), e.input(i + 2)));
  std::string joint = e.apply("Concat", reals, e.attributes());
  return e.set(0, e.quantize(joint, e.input(0), e.input(1), node.failed() ? Type() : e.getCodeElement(e.input(2))));
}

LogicalResult importQLinearSoftmax(Node &node) {
  Expansion e(node);
  int64_t opset = node.getInt("opset", 13);
  return quantizeResult(e, e.apply("Softmax", dequantizeInputs(e), e.attributes({"opset"}), opset));
}

LogicalResult importQLinearWhere(Node &node) {
  Expansion e(node);
  auto reals = dequantizeInputs(e);
  return quantizeResult(e, e.apply("Where", {e.input(0), reals[0], reals[1]}));
}

/// A bias of i32 codes, whose scale is the product of input and weight scale times `factor`; "" if the node has none.
std::string getBias(Expansion &e, unsigned index, double factor = 1) {
  Node &node = e.node;
  if (!node.has(index))
    return "";
  const QOperator &op = *findQOperator(node.proto.op_type());
  HostRef codes = node.constant(index, "its bias"), x = node.constant(op.inputs[0].scale, "its input's scale"),
          w = node.constant(op.inputs[1].scale, "its weight's scale");
  if (node.failed())
    return "";
  if (!codes->element.isInteger(32) || !x->isFloat() || x->size() != 1 || !w->isFloat() ||
      (w->size() > 1 && (codes->shape.size() != 1 || codes->size() != w->size()))) {
    (void)node.fail("its bias ('" + node.proto.input(index) + "') of type " + toString(codes->element) + " and shape " +
                    toString(codes->shape) + " must be i32 numbers, one for each scale of its weights");
    return "";
  }
  Entry entry = node.constantEntry(*codes);
  SmallVector<double> scales(w->floats.begin(), w->floats.end());
  entry.codes = getBiasType(node.context(), double(x->floats[0]) * factor, scales, w->size() > 1);
  entry.element = node.f32();
  return e.bind(entry);
}

LogicalResult importQLinearConv(Node &node) {
  Expansion e(node);
  auto operands = dequantizeInputs(e, {1, 0});
  if (node.has(8))
    operands.push_back(getBias(e, 8));
  return quantizeResult(e, e.apply("Conv", operands, e.attributes()));
}

/// Lists of parameters of a matrix product run along the rows of the first operand and the columns of the second.
SmallVector<int64_t, 2> getMatrixAxes(Expansion &e) {
  SmallVector<int64_t, 2> axes;
  for (auto [i, input] : llvm::enumerate(findQOperator(e.node.proto.op_type())->inputs))
    axes.push_back(std::max<int64_t>(e.node.rank(input.codes) - (i == 0 ? 2 : 1), 0));
  return axes;
}

LogicalResult importQLinearMatMul(Node &node) {
  Expansion e(node);
  return quantizeResult(e, e.apply("MatMul", dequantizeInputs(e, getMatrixAxes(e))));
}

/// The codes of a real value that was decoded, and perhaps moved, for its one reader; null without any. `convert` moves the
/// codes.
Value getCodes(Value real, bool convert) {
  if (auto dcast = real.getDefiningOp<quant::DequantizeCastOp>())
    return dcast.getInput();
  auto move = real.getDefiningOp<QuantizableOpInterface>();
  if (!move || !move.isSameScale() || move->getNumOperands() != 1 || !(real.use_empty() || real.hasOneUse()))
    return {};
  Value codes = getCodes(move->getOperand(0), convert);
  if (!codes || !convert)
    return codes;
  move->setOperand(0, codes);
  real.setType(withElementType(real.getType(), ::qc::getElementType(codes)));
  return real;
}

/// Makes the contraction that gives `sum`, perhaps behind moves, one on codes; false if its operands are none.
bool computeOnCodes(Value sum, quant::QuantizedType type) {
  auto op = sum.getDefiningOp<QuantizableOpInterface>();
  if (!op)
    return false;
  if (op.isSameScale()) {
    if (op->getNumOperands() != 1 || !computeOnCodes(op->getOperand(0), type))
      return false;
  } else {
    if (!llvm::all_of(op->getOperands(), [](Value operand) { return getCodes(operand, /*convert=*/false); }))
      return false;
    for (OpOperand &operand : op->getOpOperands())
      operand.set(getCodes(operand.get(), /*convert=*/true));
  }
  sum.setType(withElementType(sum.getType(), type));
  return true;
}

/// Codes without their zero point, as real values. One that is computed is taken away first, as codes of nine bits.
std::string centre(Expansion &e, const std::string &codes, const std::string &zero, int64_t axis) {
  std::string real = e.dequantize(codes, "", zero, axis);
  if (e.node.failed() || zero.empty() || e.entry(zero).isPlainConstant() || e.getCodeElement(codes).getIntOrFloatBitWidth() > 8)
    return real;
  return e.dequantize(e.quantize(real, "", "", IntegerType::get(e.node.context(), 9)), "", "");
}

/// A product of integers, as i32 codes of scale 1: the accumulator itself, which is an integer in every mode.
std::string multiplyIntegers(Expansion &e, StringRef core, ArrayRef<std::string> operands, const Attributes &attributes) {
  std::string sum = e.apply(core, operands, attributes);
  Type element = IntegerType::get(e.node.context(), 32);
  auto type = e.node.failed() ? quant::QuantizedType() : getUnitType(e.node, element);
  if (!type)
    return "";
  Entry *entry = e.node.importer.find(sum);
  if (!entry->value || !computeOnCodes(entry->value, type))
    return e.quantize(sum, "", "", element);
  entry->element = type;
  return sum;
}

LogicalResult importIntegerProduct(Node &node) {
  Expansion e(node);
  const QOperator &op = *findQOperator(node.proto.op_type());
  SmallVector<int64_t, 2> axes = StringRef(op.core) == "Conv" ? SmallVector<int64_t, 2>{1, 0} : getMatrixAxes(e);
  SmallVector<std::string> operands;
  for (auto [input, axis] : llvm::zip_equal(op.inputs, axes))
    operands.push_back(centre(e, e.input(input.codes), e.input(input.zero), axis));
  return e.set(0, multiplyIntegers(e, op.core, operands, e.attributes()));
}

LogicalResult importQGemm(Node &node) {
  Expansion e(node);
  float alpha = node.getFloat("alpha", 1);
  if (!(alpha > 0) || !std::isfinite(alpha))
    return node.fail("attribute 'alpha' is " + std::to_string(alpha) + "; only positive numbers are supported");
  bool transposed = node.getInt("transB", 0);
  auto operands = dequantizeInputs(e, {1, transposed ? 0 : 1});
  if (alpha != 1) {
    // The factor goes into the scale of the weights, whose codes stay.
    HostRef scale = node.constant(4, "its weight's scale");
    if (!scale)
      return failure();
    Host scaled = *scale;
    for (float &s : scaled.floats)
      s *= alpha;
    operands[1] = e.dequantize(e.input(3), e.bind(node.constantEntry(std::move(scaled))), e.input(5), transposed ? 0 : 1);
  }
  if (node.has(6))
    operands.push_back(getBias(e, 6, alpha));
  std::string y = e.apply("Gemm", operands, e.attributes({"alpha"}));
  return node.has(7) ? quantizeResult(e, y) : e.set(0, y);
}

/// Adds a float bias if the node has one.
LogicalResult setWithBias(Expansion &e, const std::string &sum, unsigned bias) {
  return e.set(0, e.node.has(bias) ? e.apply("Add", {sum, e.input(bias)}) : sum);
}

LogicalResult importMatMulIntegerToFloat(Node &node) {
  Expansion e(node);
  return setWithBias(e, e.apply("MatMul", dequantizeInputs(e, getMatrixAxes(e))), 6);
}

LogicalResult importDynamicQuantizeMatMul(Node &node) {
  Expansion e(node);
  // DynamicQuantizeLinear has three results: it is imported under names of its own.
  onnx::NodeProto proto;
  proto.set_op_type("DynamicQuantizeLinear");
  proto.set_name(node.name);
  proto.add_input(e.input(0));
  std::string parts[] = {"#codes", "#scale", "#zero_point"};
  for (std::string &part : parts) {
    part = node.proto.output(0) + part;
    proto.add_output(part);
  }
  Node part(node.importer, proto, 0, 13);
  if (failed(node.importer.importNode(part))) {
    node.setFailed();
    return failure();
  }
  std::string a = centre(e, parts[0], parts[2], 0);
  std::string b = centre(e, e.input(1), e.input(3), std::max<int64_t>(node.rank(1) - 1, 0));
  std::string sum = e.dequantize(multiplyIntegers(e, "MatMul", {a, b}, {}), "", "");
  return setWithBias(e, e.apply("Mul", {sum, e.apply("Mul", {parts[1], e.input(2)})}), 4);
}

//===-- Weights in blocks
//----------------------------------------------------------------------------------------------------===//

std::string checkMatMulNBits(Node &node) {
  int64_t bits = node.getInt("bits", 4), block = node.getInt("block_size", 0);
  if (bits != 2 && bits != 4 && bits != 8)
    return "weights of " + std::to_string(bits) + " bits are not supported, those of 2, 4 and 8 bits are";
  if (block < 8 || block > maxWindow)
    return "attribute 'block_size' is " + std::to_string(block);
  if (node.getInt("K", 0) < 1 || node.getInt("N", 0) < 1 || node.getInt("K", 0) > maxIndices || node.getInt("N", 0) > maxIndices)
    return "attributes 'K' and 'N' must be the sizes of its weight";
  if (node.has(4))
    return "its input g_idx is not supported; reorder the rows of the weight instead";
  return "";
}

/// Codes packed into bytes, rows of `count` codes that each begin with a byte.
FailureOr<Host> unpack(Node &node, const Host &packed, int64_t rows, int64_t count, int64_t bits, StringRef what) {
  int64_t perByte = 8 / bits, bytes = (count + perByte - 1) / perByte;
  if (packed.size() != rows * bytes || !packed.element.isUnsignedInteger(8) || !node.importer.reserve(rows * count))
    return node.fail(Twine(what) + " of type " + toString(packed.element) + " and shape " + toString(packed.shape) + " must be " +
                     Twine(rows * bytes) + " bytes");
  Host host;
  host.element = IntegerType::get(node.context(), bits, IntegerType::Unsigned);
  host.shape = {rows, count};
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < count; ++i)
      host.ints.push_back((packed.ints[r * bytes + i / perByte] >> (i % perByte * bits)) & ((1 << bits) - 1));
  return host;
}

/// The weight is stored as [N][blocks of K], each block padded.
LogicalResult importMatMulNBits(Node &node) {
  Expansion e(node);
  int64_t k = node.getInt("K", 0), n = node.getInt("N", 0), bits = node.getInt("bits", 4), size = node.getInt("block_size", 0);
  int64_t blocks = (k + size - 1) / size;
  HostRef stored = node.constant(1, "its weight"), scales = node.constant(2, "its scale");
  HostRef zeros = node.has(3) ? node.constant(3, "its zero point") : nullptr;
  if (node.failed())
    return failure();
  auto weight = unpack(node, *stored, n, blocks * size, bits, "its weight");
  if (failed(weight))
    return failure();
  if (!scales->isFloat() || scales->size() != n * blocks)
    return node.fail("its scale must be " + Twine(n * blocks) + " numbers, but has shape " + toString(scales->shape));
  Host zero;
  if (zeros) {
    auto unpacked = unpack(node, *zeros, n, blocks, bits, "its zero point");
    if (failed(unpacked))
      return failure();
    zero = std::move(*unpacked);
  } else {
    zero.element = weight->element;
    zero.shape = {n, blocks};
    zero.ints.assign(n * blocks, int64_t(1) << (bits - 1));
  }
  Host scale = *scales;
  scale.shape = blocks == 1 ? Shape{n} : Shape{n, blocks};
  zero.shape = scale.shape;
  Entry codes = node.constantEntry(std::move(*weight));
  codes = node.slice(codes, {0, 0}, {n, k}, {1, 1}, node.innerLoc());
  Attributes attributes =
      blocks == 1 ? Attributes().add("axis", int64_t(0)) : Attributes().add("axis", int64_t(1)).add("block_size", size);
  std::string w =
      e.apply("DequantizeLinear",
              {e.bind(codes), e.bind(node.constantEntry(std::move(scale))), e.bind(node.constantEntry(std::move(zero)))},
              attributes, lastOpset);
  w = e.apply("Transpose", {w}, Attributes().add("perm", ArrayRef<int64_t>{1, 0}));
  return setWithBias(e, e.apply("MatMul", {e.input(0), w}), 5);
}

//===-- Float operators that ONNX Runtime fused
//--------------------------------------------------------------------------------===//

std::string checkFusedConv(Node &node) {
  std::string activation = node.getString("activation", "");
  for (const char *known : {"", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Clip"})
    if (activation == known)
      return "";
  return "its activation '" + activation + "' is not supported";
}

LogicalResult importFusedConv(Node &node) {
  Expansion e(node);
  std::string activation = node.getString("activation", "");
  std::vector<float> numbers;
  if (const auto *list = node.attribute("activation_params"))
    numbers.assign(list->floats().begin(), list->floats().end());
  auto number = [&](size_t i, float otherwise) { return i < numbers.size() ? numbers[i] : otherwise; };
  SmallVector<std::string> operands{e.input(0), e.input(1)};
  if (node.has(2))
    operands.push_back(e.input(2));
  std::string y = e.apply("Conv", operands, e.attributes({"activation", "activation_params"}));
  if (node.has(3))
    y = e.apply("Add", {y, e.input(3)});
  if (activation == "LeakyRelu")
    y = e.apply(activation, {y}, Attributes().add("alpha", number(0, 0.01f)));
  else if (activation == "HardSigmoid")
    y = e.apply(activation, {y}, Attributes().add("alpha", number(0, 0.2f)).add("beta", number(1, 0.5f)));
  else if (activation == "Clip")
    y = e.apply(activation, {y, e.number(number(0, -INFINITY)), e.number(number(1, INFINITY))});
  else if (!activation.empty())
    y = e.apply(activation, {y});
  return e.set(0, y);
}

/// Quantize- and DequantizeLinear as in the default domain, before that had all their types.
LogicalResult importAsStandard(Node &node) {
  Expansion e(node);
  SmallVector<std::string> inputs;
  for (unsigned i = 0; i < node.numInputs(); ++i)
    inputs.push_back(e.input(i));
  return e.set(0, e.apply(node.proto.op_type(), inputs, e.attributes(), lastOpset));
}

const Operator standard[] = {
    {"ConvInteger", 10, 21, 2, 4, Elements::Any, importIntegerProduct, nullptr},
    {"MatMulInteger", 10, 21, 2, 4, Elements::Any, importIntegerProduct, nullptr},
    {"QLinearConv", 10, 21, 8, 9, Elements::Any, importQLinearConv, nullptr},
    {"QLinearMatMul", 10, 21, 8, 8, Elements::Any, importQLinearMatMul, nullptr},
};

const Operator microsoft[] = {
    {"DequantizeLinear", 1, 1, 2, 3, Elements::Any, importAsStandard, nullptr},
    {"DynamicQuantizeMatMul", 1, 1, 3, 5, Elements::Float, importDynamicQuantizeMatMul, nullptr},
    {"FusedConv", 1, 1, 2, 4, Elements::Float, importFusedConv, checkFusedConv},
    {"MatMulIntegerToFloat", 1, 1, 4, 7, Elements::Any, importMatMulIntegerToFloat, nullptr},
    {"MatMulNBits", 1, 1, 3, 6, Elements::Float, importMatMulNBits, checkMatMulNBits},
    {"QGemm", 1, 1, 6, 9, Elements::Any, importQGemm, nullptr},
    {"QLinearAdd", 1, 1, 7, 8, Elements::Any, importPlain, nullptr},
    {"QLinearAveragePool", 1, 1, 4, 5, Elements::Any, importPool, nullptr},
    {"QLinearConcat", 1, 1, 5, INT_MAX, Elements::Any, importQLinearConcat, nullptr},
    {"QLinearGlobalAveragePool", 1, 1, 4, 5, Elements::Any, importPool, nullptr},
    {"QLinearLeakyRelu", 1, 1, 4, 5, Elements::Any, importPlain, nullptr},
    {"QLinearMul", 1, 1, 7, 8, Elements::Any, importPlain, nullptr},
    {"QLinearReduceMean", 1, 1, 4, 5, Elements::Any, importPlain, nullptr},
    {"QLinearSigmoid", 1, 1, 4, 5, Elements::Any, importPlain, nullptr},
    {"QLinearSoftmax", 1, 1, 5, 5, Elements::Any, importQLinearSoftmax, nullptr},
    {"QLinearWhere", 1, 1, 9, 9, Elements::Any, importQLinearWhere, nullptr},
    {"QuantizeLinear", 1, 1, 2, 3, Elements::Any, importAsStandard, nullptr},
};
} // namespace

std::optional<CodeParameters> getCodeParameters(const onnx::NodeProto &proto, int i) {
  if (proto.op_type() == "QLinearConcat" && i >= 2 && (i - 2) % 3 == 0)
    return CodeParameters{i + 1, i + 2};
  if (const QOperator *op = findQOperator(proto.op_type()))
    for (const CodeInput &input : op->inputs)
      if (input.codes == i)
        return CodeParameters{input.scale, input.zero};
  return std::nullopt;
}

bool isZeroPoint(const onnx::NodeProto &proto, int i) {
  if (proto.op_type() == "QLinearConcat")
    return i == 1 || (i > 2 && (i - 2) % 3 == 2);
  const QOperator *op = findQOperator(proto.op_type());
  return op && ((op->scale >= 0 && i == op->scale + 1) || llvm::any_of(op->inputs, [&](const CodeInput &input) { return input.zero == i; }));
}

ArrayRef<Operator> getQOperators() { return standard; }
ArrayRef<Operator> getMicrosoftOperators() { return microsoft; }
} // namespace qc::onnximport
