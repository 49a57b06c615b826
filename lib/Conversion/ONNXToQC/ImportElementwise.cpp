// Element-wise operators: arithmetic, clamps, activations that the quantizer knows, casts. On constants they fold, which is how
// shape arithmetic disappears. Comparisons and selection are in ImportLogic.cpp, functions of one number in ImportFunctions.cpp.
#include "Algebra.h"
#include "Expansion.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace qc::onnximport {
namespace {
//===-- Folding ------------------------------------------------------------------------------------------------------------===//

/// Row-major position in `shape`, broadcast to the shape of `index`.
int64_t broadcastPosition(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t position = 0, offset = index.size() - shape.size();
  for (size_t d = 0; d < shape.size(); ++d)
    position = position * shape[d] + (shape[d] == 1 ? 0 : index[offset + d]);
  return position;
}

/// Runs `f(i, index)` over a broadcast result, whose host it returns without elements; fails if the shapes do not fit or memory
/// is spent.
template <typename F> FailureOr<Host> foldOver(Node &node, ArrayRef<const Host *> inputs, Type element, F f) {
  Shape shape;
  std::string why;
  for (const Host *input : inputs) {
    auto joint = broadcastShapes(shape, input->shape, why);
    if (mlir::failed(joint))
      return node.fail(why);
    shape = *joint;
  }
  int64_t count = countElements(shape);
  if (count < 0 || !node.importer.reserve(count))
    return node.fail("a constant of shape " + toString(shape) + " would be folded, which needs too much memory");
  Host host;
  host.element = element;
  host.shape = shape;
  Shape index(shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    f(host, ArrayRef<int64_t>(index));
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
  return host;
}

enum class Binary { Add, Sub, Mul, Div };

float applyFloat(Binary op, float a, float b) {
  return op == Binary::Add ? a + b : op == Binary::Sub ? a - b : op == Binary::Mul ? a * b : a / b;
}

/// Integers wrap; division truncates; division by zero is caught before.
int64_t applyInt(Binary op, int64_t a, int64_t b) {
  switch (op) {
  case Binary::Add:
    return int64_t(uint64_t(a) + uint64_t(b));
  case Binary::Sub:
    return int64_t(uint64_t(a) - uint64_t(b));
  case Binary::Mul:
    return int64_t(uint64_t(a) * uint64_t(b));
  case Binary::Div:
    return b == -1 ? int64_t(0 - uint64_t(a)) : a / b;
  }
  return 0;
}

/// Brings an integer into the range of its type, as the arithmetic of that width would have done.
int64_t wrapTo(Type element, int64_t v) {
  auto type = cast<IntegerType>(element);
  unsigned width = type.getWidth();
  if (width >= 64)
    return v;
  uint64_t low = uint64_t(v) & ((uint64_t(1) << width) - 1);
  return type.isUnsigned() || width == 1 || !(low >> (width - 1)) ? int64_t(low) : int64_t(low | ~((uint64_t(1) << width) - 1));
}

Entry foldBinary(Node &node, const Entry &a, const Entry &b, Binary op) {
  if (a.element != b.element) {
    (void)node.fail("its inputs have different element types: " + toString(a.element) + " and " + toString(b.element));
    return {};
  }
  const Host &x = *a.host, &y = *b.host;
  if (!x.isFloat() && op == Binary::Div && llvm::is_contained(y.ints, 0)) {
    (void)node.fail("division by zero in '" + node.proto.input(1) + "'");
    return {};
  }
  auto host = foldOver(node, {&x, &y}, x.element, [&](Host &result, ArrayRef<int64_t> index) {
    int64_t i = broadcastPosition(x.shape, index), j = broadcastPosition(y.shape, index);
    if (x.isFloat())
      result.floats.push_back(applyFloat(op, x.floats[i], y.floats[j]));
    else
      result.ints.push_back(wrapTo(x.element, applyInt(op, x.ints[i], y.ints[j])));
  });
  return mlir::failed(host) ? Entry() : node.constantEntry(std::move(*host));
}

LogicalResult checkFinite(Node &node, const Entry &entry) {
  if (entry.element && entry.host && llvm::any_of(entry.host->floats, [](float v) { return std::isnan(v); }))
    return node.fail("it makes NaN out of constants");
  return node.set(entry);
}

//===-- Arithmetic ---------------------------------------------------------------------------------------------------------===//

LogicalResult requireFloat(Node &node) {
  for (unsigned i = 0; i < node.numInputs(); ++i)
    if (!isa<FloatType>(node.element(i)))
      return node.fail("computed tensors must be floating-point here; its input '" + node.proto.input(i) + "' has element type " +
                       toString(node.element(i)));
  return success();
}

/// Numbers of one type.
LogicalResult requireNumbers(Node &node) {
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    if (isa<quant::QuantizedType>(node.element(i)) || node.element(i).isInteger(1))
      return node.fail("its input '" + node.proto.input(i) + "' must be of numbers, but has element type " +
                       toString(node.element(i)));
    if (node.element(i) != node.element(0))
      return node.fail("its inputs have different element types: " + toString(node.element(0)) + " and " +
                       toString(node.element(i)));
  }
  return success();
}

Entry buildBinary(Node &node, Binary op, Value a, Value b, Location loc) {
  if (node.failed())
    return {};
  Type type = node.element(0);
  switch (op) {
  case Binary::Add:
    return node.create<AddOp>(loc, type, a, b, FloatAttr(), FloatAttr());
  case Binary::Sub:
    return node.create<SubOp>(loc, type, a, b, FloatAttr(), FloatAttr());
  case Binary::Div:
    return node.create<DivOp>(loc, type, a, b, FloatAttr(), FloatAttr());
  case Binary::Mul:
    return node.create<MulOp>(loc, type, a, b, FloatAttr(), FloatAttr(), uint64_t(0), uint64_t(0), IntegerAttr());
  }
  return {};
}

LogicalResult importArithmetic(Node &node, Binary op) {
  if (node.input(0).isPlainConstant() && node.input(1).isPlainConstant())
    return checkFinite(node, foldBinary(node, node.input(0), node.input(1), op));
  if (failed(requireNumbers(node)))
    return failure();
  const HostRef &divisor = node.input(1).host;
  if (op == Binary::Div && node.input(1).isPlainConstant() &&
      (llvm::is_contained(divisor->floats, 0.0f) || llvm::is_contained(divisor->ints, 0)))
    return node.fail("division by zero in '" + node.proto.input(1) + "'");
  Value a = node.value(0), b = node.value(1);
  return node.set(buildBinary(node, op, a, b, node.loc()));
}
LogicalResult importAdd(Node &node) { return importArithmetic(node, Binary::Add); }
LogicalResult importSub(Node &node) { return importArithmetic(node, Binary::Sub); }
LogicalResult importMul(Node &node) { return importArithmetic(node, Binary::Mul); }
LogicalResult importDiv(Node &node) { return importArithmetic(node, Binary::Div); }

LogicalResult importSum(Node &node) {
  Entry sum = node.input(0);
  for (unsigned i = 1; i < node.numInputs(); ++i) {
    if (sum.isPlainConstant() && node.input(i).isPlainConstant()) {
      sum = foldBinary(node, sum, node.input(i), Binary::Add);
      continue;
    }
    if (failed(requireNumbers(node)))
      return failure();
    Value a = i == 1 ? node.value(0) : node.materialize(sum), b = node.value(i);
    sum = buildBinary(node, Binary::Add, a, b, i + 1 == node.numInputs() ? node.loc() : node.innerLoc());
  }
  return checkFinite(node, sum);
}

template <typename F, typename G> LogicalResult foldUnary(Node &node, F onFloat, G onInt) {
  const Host &x = *node.input(0).host;
  auto host = foldOver(node, {&x}, x.element, [&](Host &result, ArrayRef<int64_t>) {
    if (x.isFloat())
      result.floats.push_back(onFloat(x.floats[result.floats.size()]));
    else
      result.ints.push_back(wrapTo(x.element, onInt(x.ints[result.ints.size()])));
  });
  return failed(host) ? failure() : checkFinite(node, node.constantEntry(std::move(*host)));
}
LogicalResult importNeg(Node &node) {
  if (node.input(0).isPlainConstant())
    return foldUnary(
        node, [](float v) { return -v; }, [](int64_t v) { return int64_t(0 - uint64_t(v)); });
  if (failed(requireNumbers(node)))
    return failure();
  Host number{node.element(0), {}, {}, {}};
  if (number.isFloat())
    number.floats = {-1.0f};
  else
    number.ints = {-1};
  Value x = node.value(0), minus = node.makeConstant(node.innerLoc(), std::move(number));
  return node.set(buildBinary(node, Binary::Mul, x, minus, node.loc()));
}

//===-- Clamps and activations ---------------------------------------------------------------------------------------------===//

LogicalResult importClamp(Node &node, float low, float high) {
  // min(max(x, low), high): a low limit above the high one never shows.
  low = std::min(low, high);
  auto isLimit = [](float v) { return std::fabs(v) < std::numeric_limits<float>::max(); };
  FloatAttr min = isLimit(low) ? node.builder().getF32FloatAttr(low) : FloatAttr();
  FloatAttr max = isLimit(high) ? node.builder().getF32FloatAttr(high) : FloatAttr();
  if (!min && !max)
    return node.set(node.input(0));
  Value x = node.value(0);
  return node.set(node.create<ClampOp>(node.loc(), node.f32(), x, min, max));
}

LogicalResult importRelu(Node &node) { return importClamp(node, 0, INFINITY); }

/// A limit that is a constant input of one element.
float getLimit(Node &node, unsigned i, StringRef what, float otherwise) {
  if (!node.has(i))
    return otherwise;
  HostRef host = node.constant(i, what);
  if (!host)
    return otherwise;
  if (!host->isFloat() || host->size() != 1) {
    (void)node.fail(what + " ('" + node.proto.input(i) + "') must be one floating-point number");
    return otherwise;
  }
  return host->floats[0];
}

/// Clip of codes, which narrows them to fewer bits: the limits in real numbers.
LogicalResult importCodeClip(Node &node, quant::UniformQuantizedType type) {
  FloatAttr limits[2];
  for (unsigned i = 1; i < 3; ++i) {
    HostRef host = node.has(i) ? node.constant(i, "its limit") : nullptr;
    if (host && (host->isFloat() || host->size() != 1))
      return node.fail("its limit ('" + node.proto.input(i) + "') must be one integer");
    if (host)
      limits[i - 1] = node.builder().getF32FloatAttr(float(double(host->ints[0] - type.getZeroPoint()) * type.getScale()));
  }
  Value x = node.value(0);
  return node.set(node.create<ClampOp>(node.loc(), type, x, limits[0], limits[1]));
}

/// Of integers, or with computed limits.
LogicalResult importGeneralClip(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0);
  if (node.has(1))
    x = a.binary(BinaryKind::Max, x, getInput(node, 1));
  if (node.has(2))
    x = a.binary(BinaryKind::Min, x, getInput(node, 2));
  return a.set(x);
}

LogicalResult importClip(Node &node) {
  if (auto quantized = dyn_cast<quant::UniformQuantizedType>(node.element(0)))
    return importCodeClip(node, quantized);
  bool isComputed = false;
  for (unsigned i = 1; i < 3; ++i)
    isComputed |= node.opset >= 11 && node.has(i) && !node.input(i).isPlainConstant();
  if (!isa<FloatType>(node.element(0)) || isComputed)
    return importGeneralClip(node);
  float low = -INFINITY, high = INFINITY;
  low = node.opset < 11 ? node.getFloat("min", low) : getLimit(node, 1, "its lower limit", low);
  high = node.opset < 11 ? node.getFloat("max", high) : getLimit(node, 2, "its upper limit", high);
  return node.failed() ? failure() : importClamp(node, low, high);
}

LogicalResult importActivation(Node &node, ActivationKind kind, float alpha = 0, float beta = 0) {
  if (std::isinf(alpha) || std::isinf(beta))
    return node.fail("alpha and beta must be finite");
  Value x = node.value(0);
  return node.set(node.create<ActivationOp>(node.loc(), node.f32(), kind, x, APFloat(alpha), APFloat(beta)));
}
LogicalResult importSigmoid(Node &node) { return importActivation(node, ActivationKind::Sigmoid); }
LogicalResult importTanh(Node &node) { return importActivation(node, ActivationKind::Tanh); }
LogicalResult importHardSwish(Node &node) { return importActivation(node, ActivationKind::HardSwish); }
LogicalResult importLeakyRelu(Node &node) {
  return importActivation(node, ActivationKind::LeakyRelu, node.getFloat("alpha", 0.01f));
}
LogicalResult importHardSigmoid(Node &node) {
  float alpha = node.getFloat("alpha", 0.2f), beta = node.getFloat("beta", 0.5f);
  return importActivation(node, ActivationKind::HardSigmoid, alpha, beta);
}

LogicalResult importPRelu(Node &node) {
  if (failed(requireFloat(node)))
    return failure();
  Value x = node.value(0), slope = node.value(1);
  return node.set(node.create<PReluOp>(node.loc(), node.f32(), x, slope));
}

//===-- Casts and copies ---------------------------------------------------------------------------------------------------===//

/// ONNX Cast of a constant: float to integer truncates, to bool compares with zero.
Entry foldCast(Node &node, const Host &x, Type to) {
  if (!node.importer.reserve(x.size())) {
    (void)node.fail("a constant of shape " + toString(x.shape) + " would be folded, which needs too much memory");
    return {};
  }
  Host host;
  host.element = to;
  host.shape = x.shape;
  for (int64_t i = 0; i < x.size(); ++i) {
    if (isa<FloatType>(to)) {
      host.floats.push_back(x.isFloat() ? x.floats[i] : float(x.ints[i]));
      continue;
    }
    if (to.isInteger(1)) {
      host.ints.push_back(x.number(i) != 0);
      continue;
    }
    if (!x.isFloat()) {
      host.ints.push_back(wrapTo(to, x.ints[i]));
      continue;
    }
    double whole = std::trunc(x.floats[i]);
    if (!(std::fabs(whole) < 0x1p63)) {
      (void)node.fail("it casts " + std::to_string(x.floats[i]) + ", which no integer type holds");
      return {};
    }
    host.ints.push_back(wrapTo(to, int64_t(whole)));
  }
  return node.constantEntry(std::move(host));
}

LogicalResult castTo(Node &node, Type to) {
  const Entry &x = node.input(0);
  if (x.element == to)
    return node.set(x);
  if (x.isPlainConstant())
    return node.set(foldCast(node, *x.host, to));
  if (isa<quant::QuantizedType>(x.element)) {
    if (!isa<FloatType>(to))
      return node.fail("its input '" + node.proto.input(0) + "' is quantized, but not dequantized");
    return node.set(decodeAsIntegers(node, x));
  }
  Value value = node.value(0);
  return node.set(node.create<CastOp>(node.loc(), to, value));
}

std::string checkCast(Node &node) {
  std::string why;
  if (!node.hasAttribute("to"))
    return "attribute 'to' is required";
  int64_t to = node.getInt("to", 0);
  return getElementType(int32_t(std::clamp<int64_t>(to, INT32_MIN, INT32_MAX)), node.context(), why) ? "" : "it casts to " + why;
}
LogicalResult importCast(Node &node) {
  std::string why;
  return castTo(node, getElementType(int32_t(node.getInt("to", 0)), node.context(), why));
}
LogicalResult importCastLike(Node &node) { return castTo(node, node.element(1)); }

LogicalResult importIdentity(Node &node) { return node.set(node.input(0)); }

LogicalResult importDropout(Node &node) {
  if (node.has(2) && node.opset >= 12) {
    HostRef training = node.constant(2, "its training mode");
    const Entry &ratio = node.input(1);
    bool dropsNothing = node.has(1) && ratio.isPlainConstant() && ratio.host->size() == 1 && ratio.host->number(0) == 0;
    if (training && (training->isFloat() || training->size() != 1 || (training->ints[0] && !dropsNothing)))
      return node.fail("training mode is not supported; export the model for inference");
  }
  // Nothing is dropped: the mask is all true (before opset 10, all ones).
  if (node.wants(1)) {
    int64_t count = countElements(node.shape(0));
    if (!node.importer.reserve(count))
      return node.fail("its mask needs too much memory");
    Host mask{node.opset < 10 ? node.element(0) : node.builder().getI1Type(), node.shape(0), {}, {}};
    if (mask.isFloat())
      mask.floats.assign(count, 1.0f);
    else
      mask.ints.assign(count, 1);
    if (failed(node.set(1, node.constantEntry(std::move(mask)))))
      return failure();
  }
  return node.set(node.input(0));
}

const Operator operators[] = {
    {"Add", 7, 21, 2, 2, Elements::Any, importAdd, nullptr},
    {"Cast", 6, 21, 1, 1, Elements::Any, importCast, checkCast},
    {"CastLike", 15, 21, 2, 2, Elements::Any, importCastLike, nullptr},
    {"Clip", 6, 21, 1, 3, Elements::Any, importClip, nullptr},
    {"Div", 7, 21, 2, 2, Elements::Any, importDiv, nullptr},
    {"Dropout", 7, 21, 1, 3, Elements::Any, importDropout, nullptr, "inference"},
    {"HardSigmoid", 6, 21, 1, 1, Elements::Float, importHardSigmoid, nullptr},
    {"HardSwish", 14, 21, 1, 1, Elements::Float, importHardSwish, nullptr},
    {"Identity", 1, 21, 1, 1, Elements::Any, importIdentity, nullptr},
    {"LeakyRelu", 6, 21, 1, 1, Elements::Float, importLeakyRelu, nullptr},
    {"Mul", 7, 21, 2, 2, Elements::Any, importMul, nullptr},
    {"Neg", 6, 21, 1, 1, Elements::Any, importNeg, nullptr},
    {"PRelu", 7, 21, 2, 2, Elements::Float, importPRelu, nullptr},
    {"Relu", 6, 21, 1, 1, Elements::Float, importRelu, nullptr},
    {"Sigmoid", 6, 21, 1, 1, Elements::Float, importSigmoid, nullptr},
    {"Sub", 7, 21, 2, 2, Elements::Any, importSub, nullptr},
    {"Sum", 6, 21, 1, INT_MAX, Elements::Any, importSum, nullptr},
    {"Tanh", 6, 21, 1, 1, Elements::Float, importTanh, nullptr},
};
} // namespace

ArrayRef<Operator> getElementwiseOperators() { return operators; }
} // namespace qc::onnximport
