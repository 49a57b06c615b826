// Conv, ConvTranspose, Gemm, MatMul, and BatchNormalization, which goes into them.
#include "Importer.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
Shape getPads(Node &node, ArrayRef<int64_t> input, ArrayRef<int64_t> strides, ArrayRef<int64_t> reach) {
  size_t spatial = input.size();
  std::string mode = node.getString("auto_pad", "NOTSET");
  if (mode == "NOTSET")
    return node.getSizes("pads", 2 * spatial, 0, 0);
  Shape pads(2 * spatial, 0);
  if (mode == "VALID")
    return pads;
  if (mode != "SAME_UPPER" && mode != "SAME_LOWER") {
    (void)node.fail("auto_pad '" + mode + "' is unknown");
    return pads;
  }
  for (size_t i = 0; i < spatial; ++i) {
    int64_t output = (input[i] + strides[i] - 1) / strides[i];
    int64_t total = std::max<int64_t>((output - 1) * strides[i] + reach[i] - input[i], 0);
    pads[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    pads[i + spatial] = total - pads[i];
  }
  return pads;
}

namespace {
std::string checkAutoPad(Node &node) {
  std::string mode = node.getString("auto_pad", "NOTSET");
  bool known = mode == "NOTSET" || mode == "VALID" || mode == "SAME_UPPER" || mode == "SAME_LOWER";
  return known ? "" : "auto_pad '" + mode + "' is unknown";
}

/// What Conv and ConvTranspose have in common.
struct Window {
  Shape kernel, strides, dilations, reach, input;
  int64_t groups;
  size_t spatial() const { return kernel.size(); }
};

FailureOr<Window> getWindow(Node &node) {
  int64_t rank = node.rank(0);
  if (rank < 3 || rank > 5)
    return node.fail("its input has shape " + toString(node.shape(0)) + "; only 1 to 3 spatial dimensions are supported");
  if (node.rank(1) != rank)
    return node.fail("its weight of shape " + toString(node.shape(1)) + " must have as many dimensions as its input of shape " +
                     toString(node.shape(0)));
  if (!isa<FloatType>(node.element(1)))
    return node.fail("its weight '" + node.proto.input(1) + "' has element type " + toString(node.element(1)) + ", expected f32");
  if (node.has(2) && !isa<FloatType>(node.element(2)))
    return node.fail("its bias '" + node.proto.input(2) + "' has element type " + toString(node.element(2)) + ", expected f32");
  Window window;
  size_t spatial = rank - 2;
  window.kernel = Shape(ArrayRef<int64_t>(node.shape(1)).drop_front(2));
  window.input = Shape(ArrayRef<int64_t>(node.shape(0)).drop_front(2));
  if (node.hasAttribute("kernel_shape") && node.getInts("kernel_shape") != window.kernel)
    return node.fail("attribute 'kernel_shape' does not fit its weight of shape " + toString(node.shape(1)));
  window.strides = node.getSizes("strides", spatial, 1, 1);
  window.dilations = node.getSizes("dilations", spatial, 1, 1);
  window.groups = node.getInt("group", 1);
  for (size_t i = 0; i < spatial; ++i) {
    if (window.kernel[i] > maxWindow)
      return node.fail("its weight of shape " + toString(node.shape(1)) + " is too large");
    window.reach.push_back((window.kernel[i] - 1) * window.dilations[i] + 1);
  }
  if (node.failed())
    return failure();
  return window;
}

LogicalResult importConv(Node &node) {
  auto window = getWindow(node);
  if (failed(window))
    return failure();
  Shape pads = getPads(node, window->input, window->strides, window->reach);
  Value x = node.value(0), w = node.value(1), bias = node.value(2);
  if (node.failed())
    return failure();
  return node.set(node.create<ConvOp>(node.loc(), node.f32(), x, w, bias, ArrayRef<int64_t>(window->strides),
                                      ArrayRef<int64_t>(pads), ArrayRef<int64_t>(window->dilations), uint64_t(window->groups),
                                      FloatAttr(), FloatAttr(), uint64_t(0), IntegerAttr()));
}

LogicalResult importConvTranspose(Node &node) {
  auto window = getWindow(node);
  if (failed(window))
    return failure();
  size_t spatial = window->spatial();
  Shape extra = node.getSizes("output_padding", spatial, 0, 0);
  std::string mode = node.getString("auto_pad", "NOTSET");
  bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  Shape pads(2 * spatial, 0);
  if (node.hasAttribute("output_shape") || same) {
    Shape sizes = node.hasAttribute("output_shape") ? node.getInts("output_shape") : Shape();
    // Some exporters list batch and channels too.
    if (sizes.size() == spatial + 2)
      sizes.erase(sizes.begin(), sizes.begin() + 2);
    if (!sizes.empty() && sizes.size() != spatial)
      return node.fail("attribute 'output_shape' has " + Twine(sizes.size()) + " entries, expected " + Twine(spatial));
    for (size_t i = 0; i < spatial; ++i) {
      int64_t size = sizes.empty() ? window->input[i] * window->strides[i] : sizes[i];
      if (size < 1 || size > maxElements)
        return node.fail("attribute 'output_shape' holds " + Twine(size));
      int64_t total = window->strides[i] * (window->input[i] - 1) + extra[i] + window->reach[i] - size;
      if (total < 0) {
        extra[i] -= total;
        total = 0;
      }
      pads[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      pads[i + spatial] = total - pads[i];
    }
  } else if (mode == "NOTSET") {
    pads = node.getSizes("pads", 2 * spatial, 0, 0);
  }
  Value x = node.value(0), w = node.value(1), bias = node.value(2);
  if (node.failed())
    return failure();
  // Sizes that output padding cannot reach are zeros behind the last input's reach, to which the bias must be added too: refused
  // by the shape rule.
  return node.set(node.create<ConvTransposeOp>(
      node.loc(), node.f32(), x, w, bias, ArrayRef<int64_t>(window->strides), ArrayRef<int64_t>(pads), ArrayRef<int64_t>(extra),
      ArrayRef<int64_t>(window->dilations), uint64_t(window->groups), FloatAttr(), FloatAttr(), uint64_t(0), IntegerAttr()));
}

//===-- Matrix products ----------------------------------------------------------------------------------------------------===//

/// A constant times a number; `factor` is 1 for what is not constant.
Entry scale(Node &node, const Entry &x, float factor) {
  if (factor == 1.0f || node.failed())
    return x;
  if (x.isPlainConstant()) {
    Host host = *x.host;
    for (float &v : host.floats)
      v *= factor;
    return node.constantEntry(std::move(host));
  }
  Host number{node.f32(), {1}, {factor}, {}};
  Location loc = node.innerLoc();
  Entry copy = x;
  Value value = node.materialize(copy), constant = node.makeConstant(loc, std::move(number));
  return node.create<MulOp>(node.innerLoc(), node.f32(), value, constant, FloatAttr(), FloatAttr(), uint64_t(0), uint64_t(0),
                            IntegerAttr());
}

LogicalResult importGemm(Node &node) {
  if (node.rank(0) != 2 || node.rank(1) != 2)
    return node.fail("its operands must be matrices, but have shapes " + toString(node.shape(0)) + " and " +
                     toString(node.shape(1)));
  for (unsigned i = 1; i < 3; ++i)
    if (node.has(i) && !isa<FloatType>(node.element(i)))
      return node.fail("its input '" + node.proto.input(i) + "' has element type " + toString(node.element(i)) +
                       ", expected f32");
  float alpha = node.getFloat("alpha", 1), beta = node.getFloat("beta", 1);
  Entry a = node.input(0), b = node.input(1), c = node.has(2) ? node.input(2) : Entry();
  if (node.getInt("transA", 0))
    a = node.transpose(a, {1, 0}, node.innerLoc());
  if (node.getInt("transB", 0))
    b = node.transpose(b, {1, 0}, node.innerLoc());
  if (node.failed())
    return failure();
  int64_t n = b.shape[1];
  bool hasC = node.has(2) && beta != 0;
  bool foldsAlpha = b.isPlainConstant();
  if (foldsAlpha)
    b = scale(node, b, alpha);

  // A row of numbers becomes the bias; anything else is added afterwards.
  Entry bias;
  if (hasC) {
    int64_t count = countElements(c.shape);
    bool isRow = count == 1 || (count == n && !c.shape.empty() && c.shape.back() == n);
    if (c.host && isRow && (c.isPlainConstant() || beta == 1) && (foldsAlpha || alpha == 1)) {
      bias = node.reshape(c, {count}, node.innerLoc());
      if (count != n)
        bias = node.broadcast(bias, {n}, node.innerLoc());
      bias = scale(node, bias, beta);
    }
  }
  bool addsLater = hasC && !bias.element, scalesLater = !foldsAlpha && alpha != 1;
  Value lhs = node.materialize(a), rhs = node.materialize(b), biasValue = bias.element ? node.materialize(bias) : Value();
  if (node.failed())
    return failure();
  Entry result = node.create<MatmulOp>(addsLater || scalesLater ? node.innerLoc() : node.loc(), node.f32(), lhs, rhs, biasValue,
                                       FloatAttr(), FloatAttr(), uint64_t(0), uint64_t(0), IntegerAttr());
  if (node.failed())
    return failure();
  if (scalesLater) {
    Value factor = node.makeConstant(node.innerLoc(), Host{node.f32(), {1}, {alpha}, {}});
    result = node.create<MulOp>(addsLater ? node.innerLoc() : node.loc(), node.f32(), result.value, factor, FloatAttr(),
                                FloatAttr(), uint64_t(0), uint64_t(0), IntegerAttr());
  }
  if (addsLater) {
    c = scale(node, c, beta);
    Value addend = node.materialize(c);
    if (node.failed())
      return failure();
    Shape product = result.shape;
    result = node.create<AddOp>(node.loc(), node.f32(), result.value, addend, FloatAttr(), FloatAttr());
    if (!node.failed() && result.shape != product)
      return node.fail("its input C of shape " + toString(c.shape) + " does not broadcast to " + toString(product));
  }
  return node.set(result);
}

LogicalResult importMatMul(Node &node) {
  if (!isa<FloatType>(node.element(1)))
    return node.fail("its input '" + node.proto.input(1) + "' has element type " + toString(node.element(1)) + ", expected f32");
  Entry a = node.input(0), b = node.input(1);
  bool vectorA = a.shape.size() == 1, vectorB = b.shape.size() == 1;
  if (a.shape.empty() || b.shape.empty())
    return node.fail("its operands must not be scalars");
  if (vectorA)
    a = node.reshape(a, {1, a.shape[0]}, node.innerLoc());
  if (vectorB)
    b = node.reshape(b, {b.shape[0], 1}, node.innerLoc());
  Value lhs = vectorA ? node.materialize(a) : node.value(0), rhs = vectorB ? node.materialize(b) : node.value(1);
  if (node.failed())
    return failure();
  bool reshapes = vectorA || vectorB;
  Entry result = node.create<MatmulOp>(reshapes ? node.innerLoc() : node.loc(), node.f32(), lhs, rhs, Value(), FloatAttr(),
                                       FloatAttr(), uint64_t(0), uint64_t(0), IntegerAttr());
  if (node.failed())
    return failure();
  Shape shape = result.shape;
  if (vectorB)
    shape.pop_back();
  if (vectorA)
    shape.erase(shape.end() - (vectorB ? 1 : 2));
  return node.set(reshapes ? node.reshape(result, shape, node.loc()) : result);
}

//===-- Batch normalization ------------------------------------------------------------------------------------------------===//

std::string checkBatchNormalization(Node &node) {
  if (node.getInt("training_mode", 0))
    return "training mode is not supported; export the model for inference";
  if (node.opset < 9 && !node.getInt("spatial", 1))
    return "attribute 'spatial' = 0 is not supported";
  for (int i = 1; i < node.proto.output_size(); ++i)
    if (node.wants(i))
      return "its training outputs are not supported; export the model for inference";
  return "";
}

/// y = x * factor[c] + offset[c].
struct Affine {
  std::vector<double> factor, offset;
};

FailureOr<Affine> getAffine(Node &node, int64_t channels) {
  HostRef parts[4];
  const char *names[] = {"its scale", "its bias", "its mean", "its variance"};
  for (unsigned i = 0; i < 4; ++i) {
    parts[i] = node.constant(i + 1, names[i]);
    if (!parts[i])
      return failure();
    if (!parts[i]->isFloat() || parts[i]->size() != channels || parts[i]->shape.size() != 1)
      return node.fail(Twine(names[i]) + " ('" + node.proto.input(i + 1) + "') must be " + Twine(channels) +
                       " numbers, but has shape " + toString(parts[i]->shape));
  }
  double epsilon = node.getFloat("epsilon", 1e-5f);
  Affine affine;
  for (int64_t c = 0; c < channels; ++c) {
    double variance = parts[3]->floats[c] + epsilon;
    if (!(variance > 0))
      return node.fail("its variance in channel " + Twine(c) + " is not positive");
    affine.factor.push_back(parts[0]->floats[c] / std::sqrt(variance));
    affine.offset.push_back(parts[1]->floats[c] - parts[2]->floats[c] * affine.factor[c]);
  }
  return affine;
}

/// Folds into the constant weights and bias of the op that makes the input, if nothing else reads it. `channelOf` maps a weight's
/// index to its channel.
template <typename OpTy, typename F> bool foldInto(Node &node, OpTy op, Value weight, const Affine &affine, F channelOf) {
  ElementsAttr weightAttr = getConstant(weight);
  Value bias = op.getBias();
  ElementsAttr biasAttr = bias ? getConstant(bias) : ElementsAttr();
  if (!weightAttr || (bias && !biasAttr))
    return false;
  SmallVector<float> w = getFloats(weightAttr), b(affine.factor.size(), 0.0f);
  if (biasAttr)
    b = getFloats(biasAttr);
  for (auto [i, v] : llvm::enumerate(w))
    v = float(v * affine.factor[channelOf(i)]);
  for (auto [c, v] : llvm::enumerate(b))
    v = float(v * affine.factor[c] + affine.offset[c]);
  auto isFinite = [](float v) { return std::isfinite(v); };
  if (!llvm::all_of(w, isFinite) || !llvm::all_of(b, isFinite))
    return false;
  OpBuilder::InsertionGuard guard(node.builder());
  node.builder().setInsertionPoint(op);
  auto biasType = RankedTensorType::get({int64_t(b.size())}, node.f32());
  Location biasLoc = bias ? bias.getLoc() : node.innerLoc();
  Value newWeight = ConstantOp::create(node.builder(), weight.getLoc(),
                                       makeElements(cast<RankedTensorType>(weight.getType()), ArrayRef<float>(w)));
  Value newBias = ConstantOp::create(node.builder(), biasLoc, makeElements(biasType, ArrayRef<float>(b)));
  op->setOperand(1, newWeight);
  op.getBiasMutable().assign(newBias);
  // The tensor is now the normalization's output; the node stays the one that computes.
  Location owner = op.getLoc();
  if (auto name = dyn_cast<NameLoc>(owner); name && isa<NameLoc>(name.getChildLoc()))
    owner = name.getChildLoc();
  StringAttr tensor = node.builder().getStringAttr(node.proto.output(0));
  op->setLoc(getLocName(owner) == tensor.getValue() ? owner : Location(NameLoc::get(tensor, owner)));
  return true;
}

bool foldBatchNormalization(Node &node, const Affine &affine) {
  const Entry &x = node.input(0);
  if (!x.value || node.importer.countUses(node.proto.input(0)) != 1)
    return false;
  Operation *op = x.value.getDefiningOp();
  // Behind an alias (Identity, Dropout) the op has another name, and readers that are not counted here.
  if (!op || getLocName(op->getLoc()) != StringRef(node.proto.input(0)))
    return false;
  if (auto conv = dyn_cast<ConvOp>(op)) {
    int64_t perChannel = countElements(getShape(conv.getWeight()).drop_front());
    return foldInto(node, conv, conv.getWeight(), affine, [&](int64_t i) { return i / perChannel; });
  }
  if (auto conv = dyn_cast<ConvTransposeOp>(op)) {
    ArrayRef<int64_t> w = getShape(conv.getWeight());
    int64_t taps = countElements(w.drop_front(2)), perGroup = w[1], inputsPerGroup = w[0] / int64_t(conv.getGroups());
    return foldInto(node, conv, conv.getWeight(), affine,
                    [&](int64_t i) { return i / (taps * perGroup) / inputsPerGroup * perGroup + i / taps % perGroup; });
  }
  if (auto matmul = dyn_cast<MatmulOp>(op); matmul && x.shape.size() == 2 && getShape(matmul.getRhs()).size() == 2) {
    int64_t n = x.shape[1];
    return foldInto(node, matmul, matmul.getRhs(), affine, [&](int64_t i) { return i % n; });
  }
  return false;
}

LogicalResult importBatchNormalization(Node &node) {
  if (node.rank(0) < 2 || node.rank(0) > 5)
    return node.fail("its input has shape " + toString(node.shape(0)) + "; only ranks 2 to 5 are supported");
  Shape shape = node.shape(0);
  auto affine = getAffine(node, shape[1]);
  if (failed(affine))
    return failure();
  if (foldBatchNormalization(node, *affine))
    return node.set(node.input(0));

  Host weight{node.f32(), {shape[1], 1}, {}, {}}, bias{node.f32(), {shape[1]}, {}, {}};
  for (int64_t c = 0; c < shape[1]; ++c) {
    weight.floats.push_back(float(affine->factor[c]));
    bias.floats.push_back(float(affine->offset[c]));
    if (!std::isfinite(weight.floats[c]) || !std::isfinite(bias.floats[c]))
      return node.fail("its scale or offset in channel " + Twine(c) + " is too large for f32");
  }
  size_t spatial = std::max<size_t>(shape.size(), 3) - 2;
  weight.shape.append(spatial, 1);
  Entry x = node.input(0);
  bool isMatrix = shape.size() == 2;
  if (isMatrix)
    x = node.reshape(x, {shape[0], shape[1], 1}, node.innerLoc());
  Value input = isMatrix ? node.materialize(x) : node.value(0);
  Location weightLoc = node.innerLoc(), biasLoc = node.innerLoc();
  Value w = node.makeConstant(weightLoc, std::move(weight)), b = node.makeConstant(biasLoc, std::move(bias));
  if (node.failed())
    return failure();
  Shape ones(spatial, 1), zeros(2 * spatial, 0);
  Entry result = node.create<ConvOp>(isMatrix ? node.innerLoc() : node.loc(), node.f32(), input, w, b, ArrayRef<int64_t>(ones),
                                     ArrayRef<int64_t>(zeros), ArrayRef<int64_t>(ones), uint64_t(shape[1]), FloatAttr(),
                                     FloatAttr(), uint64_t(0), IntegerAttr());
  return node.set(isMatrix ? node.reshape(result, shape, node.loc()) : result);
}

const Operator operators[] = {
    {"BatchNormalization", 7, 21, 5, 5, Elements::Float, importBatchNormalization, checkBatchNormalization},
    {"Conv", 1, 21, 2, 3, Elements::Float, importConv, checkAutoPad},
    {"ConvTranspose", 1, 21, 2, 3, Elements::Float, importConvTranspose, checkAutoPad},
    {"Gemm", 7, 21, 2, 3, Elements::Float, importGemm, nullptr},
    {"MatMul", 1, 21, 2, 2, Elements::Float, importMatMul, nullptr},
};
} // namespace

ArrayRef<Operator> getContractionOperators() { return operators; }
} // namespace qc::onnximport
