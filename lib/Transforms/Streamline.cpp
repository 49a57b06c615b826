// Parts of a network whose codes the model gives: thresholds instead of chains of f32 ops, accumulators as results, narrow codes.
#include "Quantizable.h"
#include "qc/Dialect/QC/Reference/Math.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#include <cmath>
#include <cstring>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_STREAMLINE
#include "qc/Transforms/Passes.h.inc"

namespace {
/// More thresholds than those of 4 bits cost more than what they replace.
constexpr int64_t maxThresholds = 15;

//===-- Chains -------------------------------------------------------------------------------------------------------------===//

/// One f32 op as a function of one number, per channel.
struct Step {
  std::function<float(float, size_t)> apply;
  std::function<double(double)> real; ///< of an op with single numbers that is affine, else null
  SmallVector<int> signs;             ///< 1 rises, -1 falls; one, or one per channel
};

/// Numbers of a constant that varies along `axis` of a tensor of `shape` at most: one, or one per index.
std::optional<SmallVector<float>> getChannelNumbers(Value value, ArrayRef<int64_t> shape, int64_t axis) {
  ElementsAttr constant = getConstant(value);
  if (!constant || !isFloatTensor(value))
    return std::nullopt;
  ArrayRef<int64_t> sizes = getShape(value);
  if (sizes.size() > shape.size())
    return std::nullopt;
  SmallVector<float> numbers = getFloats(constant);
  int64_t offset = shape.size() - sizes.size();
  for (auto [d, size] : llvm::enumerate(sizes))
    if (size != 1 && (int64_t(d) + offset != axis || size != shape[axis]))
      return std::nullopt;
  return numbers;
}

template <typename T> T pick(ArrayRef<T> values, size_t channel) { return values[values.size() == 1 ? 0 : channel]; }

SmallVector<int> signsOf(ArrayRef<float> factors, int sign = 1) {
  return llvm::map_to_vector(factors, [&](float f) { return f < 0 ? -sign : sign; });
}

/// `op` as a step on its first or second operand; null if it is no monotone function of one number per channel.
std::optional<Step> getBinaryStep(Operation *op, unsigned tensor, int64_t axis) {
  auto numbers = getChannelNumbers(op->getOperand(1 - tensor), getShape(op->getResult(0)), axis);
  if (!numbers || getShape(op->getOperand(tensor)) != getShape(op->getResult(0)))
    return std::nullopt;
  SmallVector<float> n = *numbers;
  bool single = n.size() == 1;
  double first = n[0];
  Step step;
  if (isa<AddOp>(op)) {
    step.apply = [n](float x, size_t c) { return x + pick<float>(n, c); };
    step.real = [first](double x) { return x + first; };
    step.signs = {1};
  } else if (isa<SubOp>(op)) {
    bool falls = tensor == 1;
    step.apply = [n, falls](float x, size_t c) { return falls ? pick<float>(n, c) - x : x - pick<float>(n, c); };
    step.real = [first, falls](double x) { return falls ? first - x : x - first; };
    step.signs = {falls ? -1 : 1};
  } else if (isa<MulOp>(op)) {
    step.apply = [n](float x, size_t c) { return x * pick<float>(n, c); };
    step.real = [first](double x) { return x * first; };
    step.signs = signsOf(n);
  } else if (isa<DivOp>(op) && tensor == 0 && !llvm::is_contained(n, 0.0f)) {
    step.apply = [n](float x, size_t c) { return x / pick<float>(n, c); };
    step.real = [first](double x) { return x / first; };
    step.signs = signsOf(n);
  } else {
    return std::nullopt;
  }
  if (!single)
    step.real = nullptr;
  return step;
}

std::optional<Step> getActivationStep(ActivationOp op) {
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();
  ActivationKind kind = op.getKind();
  bool usesAlpha = kind == ActivationKind::LeakyRelu || kind == ActivationKind::HardSigmoid;
  if (kind == ActivationKind::HardSwish || (usesAlpha && alpha < 0))
    return std::nullopt;
  return Step{[=](float x, size_t) { return float(evaluateActivation(kind, x, alpha, beta)); }, nullptr, {1}};
}

/// A convolution that multiplies each channel by a number and adds one: a batch normalization.
std::optional<Step> getScalingStep(ConvOp op) {
  ArrayRef<int64_t> w = getShape(op.getWeight());
  ElementsAttr weight = getConstant(op.getWeight()), bias = op.getBias() ? getConstant(op.getBias()) : ElementsAttr();
  if (int64_t(op.getGroups()) != w[0] || product(w) != w[0] || getShape(op.getInput())[1] != w[0] || !weight ||
      (op.getBias() && !bias) || llvm::any_of(op.getStrides(), [](int64_t s) { return s != 1; }) ||
      llvm::any_of(op.getPads(), [](int64_t p) { return p != 0; }))
    return std::nullopt;
  SmallVector<float> factor = getFloats(weight), offset = bias ? getFloats(bias) : SmallVector<float>(w[0], 0.0f);
  return Step{[=](float x, size_t c) { return offset[c] + x * factor[c]; }, nullptr, signsOf(factor)};
}

/// From a value back to what it is computed of, as long as that is a monotone function of one number per channel.
struct Chain {
  Value source;
  int64_t axis;            ///< channels of the source
  SmallVector<Step> steps; ///< in the order of execution
  int64_t channels() const { return getShape(source)[axis]; }

  float apply(float x, size_t channel) const {
    for (const Step &step : steps)
      x = step.apply(x, channel);
    return x;
  }
  int sign(size_t channel) const {
    int sign = 1;
    for (const Step &step : steps)
      sign *= pick<int>(step.signs, channel);
    return sign;
  }
  bool isAffine() const {
    return llvm::all_of(steps, [](const Step &step) { return bool(step.real); });
  }
  double real(double x) const {
    for (const Step &step : steps)
      x = step.real(x);
    return x;
  }

  static Chain get(Value value, int64_t axis) {
    Chain chain{value, axis, {}};
    while (Operation *op = chain.source.getDefiningOp()) {
      std::optional<Step> step;
      Value next = op->getNumOperands() ? op->getOperand(0) : Value();
      int64_t nextAxis = chain.axis;
      if (op->getNumResults() != 1 || !isFloatTensor(op->getResult(0)) || !next || !isFloatTensor(next))
        break;
      if (isa<AddOp, SubOp, MulOp, DivOp>(op)) {
        unsigned tensor = getConstant(op->getOperand(0)) ? 1 : 0;
        next = op->getOperand(tensor);
        step = getBinaryStep(op, tensor, chain.axis);
      } else if (auto activation = dyn_cast<ActivationOp>(op)) {
        step = getActivationStep(activation);
      } else if (auto conv = dyn_cast<ConvOp>(op)) {
        if (chain.axis == 1)
          step = getScalingStep(conv);
      } else if (isa<ClampOp>(op)) {
        step = Step{[](float x, size_t) { return x; }, nullptr, {1}};
      } else if (isa<ReshapeOp>(op)) {
        nextAxis = moveAxis(getShape(op->getResult(0)), getShape(next), chain.axis);
        if (nextAxis >= 0)
          step = Step{[](float x, size_t) { return x; }, [](double x) { return x; }, {1}};
      }
      if (!step)
        break;
      if (auto clamp = dyn_cast<ClampOpInterface>(op))
        limit(*step, clamp.getClampMin(), clamp.getClampMax());
      chain.steps.insert(chain.steps.begin(), *step);
      chain.source = next;
      chain.axis = nextAxis;
    }
    return chain;
  }

private:
  /// The axis of `to` that has the elements of `axis` of `from`, or -1.
  static int64_t moveAxis(ArrayRef<int64_t> from, ArrayRef<int64_t> to, int64_t axis) {
    int64_t before = product(from.take_front(axis)), outer = 1;
    for (auto [d, size] : llvm::enumerate(to)) {
      if (outer == before && size == from[axis])
        return d;
      outer *= size;
    }
    return -1;
  }

  static void limit(Step &step, std::optional<APFloat> min, std::optional<APFloat> max) {
    if (!min && !max)
      return;
    float low = min ? min->convertToFloat() : -INFINITY, high = max ? max->convertToFloat() : INFINITY;
    step.apply = [f = step.apply, low, high](float x, size_t c) { return std::min(std::max(f(x, c), low), high); };
    step.real = nullptr;
  }
};

//===-- Quantizers ---------------------------------------------------------------------------------------------------------===//

/// A quantizer of few codes: quant.qcast or qc.threshold on f32.
struct Quantizer {
  Operation *op;
  quant::UniformQuantizedType type;
  int64_t base, step, count; ///< codes base, base + step, ..., base + step * count
  std::function<int64_t(float, size_t)> encode;
  int64_t axis = -1; ///< of the channels that it tells apart

  static std::optional<Quantizer> get(Operation *op) {
    if (!isa<quant::QuantizeCastOp, ThresholdOp>(op) || !isFloatTensor(op->getOperand(0)))
      return std::nullopt;
    auto type = dyn_cast<quant::UniformQuantizedType>(getElementType(op->getResult(0)));
    if (!type)
      return std::nullopt;
    Quantizer q{op, type, type.getStorageTypeMin(), 1, type.getStorageTypeMax() - type.getStorageTypeMin(), nullptr};
    q.encode = [type](float x, size_t) { return getScheme(type).encode({double(x)}, {})[0]; };
    if (auto threshold = dyn_cast<ThresholdOp>(op)) {
      ElementsAttr constant = getConstant(threshold.getThresholds());
      if (!constant)
        return std::nullopt;
      int64_t row = getShape(threshold.getThresholds()).back();
      q.base = threshold.getBase();
      q.step = threshold.getStep();
      q.count = row;
      q.axis = threshold.getAxis() ? int64_t(*threshold.getAxis()) : -1;
      q.encode = [q, row, t = getFloats(constant)](float x, size_t c) {
        auto first = t.begin() + (q.axis < 0 ? 0 : c * row);
        return q.base + q.step * std::count_if(first, first + row, [x](float limit) { return x >= limit; });
      };
    }
    return q.count <= maxThresholds ? std::optional(q) : std::nullopt;
  }
};

/// The order of f32 numbers as integers, and the number at a place.
float fromOrder(int64_t order) {
  uint32_t bits = order < 0 ? 0x80000000u | uint32_t(-order) : uint32_t(order);
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

/// The least integer in [low, high] at which `reaches` holds, given that it holds from there on; high + 1 if nowhere.
template <typename F> int64_t findFirst(int64_t low, int64_t high, F reaches) {
  int64_t below = low - 1, reached = high + 1;
  while (reached - below > 1) {
    int64_t middle = below + (reached - below) / 2;
    (reaches(middle) ? reached : below) = middle;
  }
  return reached;
}

//===-- Accumulators -------------------------------------------------------------------------------------------------------===//

Value getCodes(Value reals) {
  auto dcast = reals.getDefiningOp<quant::DequantizeCastOp>();
  return dcast ? dcast.getInput() : Value();
}

/// A contraction of codes with constant weights, as integers.
struct Contraction {
  Operation *op;
  Value input, weights; ///< codes
  int64_t axis;         ///< channels of the result
  double inputScale;
  SmallVector<double> scales; ///< of the weights
  int64_t bound = 0;          ///< of the accumulator

  static std::optional<Contraction> get(Operation *op) {
    if (!isa_and_nonnull<ConvOp, MatmulOp>(op))
      return std::nullopt;
    auto quantizable = cast<QuantizableOpInterface>(op);
    Contraction result;
    result.op = op;
    result.input = getCodes(op->getOperand(0));
    result.weights = getCodes(op->getOperand(1));
    if (!result.input || !result.weights)
      return std::nullopt;
    auto x = dyn_cast<quant::UniformQuantizedType>(getElementType(result.input));
    ElementsAttr weight = getConstant(result.weights);
    auto clamp = cast<ClampOpInterface>(op);
    if (!x || !weight || clamp.getClampMin() || clamp.getClampMax())
      return std::nullopt;
    int64_t rank = getShape(op->getResult(0)).size();
    if (isa<MatmulOp>(op) && getShape(result.weights).size() != 2)
      return std::nullopt;
    result.axis = isa<MatmulOp>(op) ? rank - 1 : 1;
    QuantSchemeInterface scheme = getScheme(result.weights.getType());
    result.inputScale = getScheme(x).getScaleValues()[0];
    result.scales = scheme.getScaleValues();
    if (result.scales.size() > 1 && scheme.getChannelAxis() != quantizable.getWeightChannelAxis())
      return std::nullopt;
    // A float bias is added to the numbers; one of codes is none of the models' that this is about.
    if (op->getNumOperands() > 2 && !getConstant(op->getOperand(2)))
      return std::nullopt;
    int64_t most = std::max(x.getStorageTypeMax() - x.getZeroPoint(), x.getZeroPoint() - x.getStorageTypeMin());
    SmallVector<int64_t> codes = getInts(weight);
    int64_t largest = 0;
    for (int64_t zero : scheme.getZeroPointValues())
      for (int64_t code : codes)
        largest = std::max(largest, std::abs(code - zero));
    int64_t terms = product(getShape(result.weights)) / getShape(op->getResult(0))[result.axis];
    double bound = double(most) * double(largest) * double(terms);
    if (bound >= 0x1p30)
      return std::nullopt;
    result.bound = int64_t(bound);
    return result;
  }

  /// The real value that one unit of the accumulator stands for.
  double unit(size_t channel) const { return inputScale * pick<double>(scales, channel); }

  SmallVector<float> bias() const {
    return op->getNumOperands() > 2 ? getFloats(getConstant(op->getOperand(2))) : SmallVector<float>{0.0f};
  }

  /// True if the accumulator needs other weights: of the other sign, or without the scales (and zero points) of channels.
  bool changesWeights(ArrayRef<bool> negated) const { return scales.size() > 1 || llvm::is_contained(negated, true); }

  /// The codes of the weights; if they change, without zero points, and those of some channels with the other sign.
  SmallVector<int64_t> getWeights(ArrayRef<bool> negated) const {
    SmallVector<int64_t> values = getInts(getConstant(weights)), zeros = getScheme(weights.getType()).getZeroPointValues();
    if (!changesWeights(negated))
      return values;
    int64_t inner = isa<MatmulOp>(op) ? 1 : product(getShape(weights).drop_front());
    for (auto [i, value] : llvm::enumerate(values)) {
      size_t channel = (i / inner) % negated.size();
      value -= pick<int64_t>(zeros, channel);
      value = negated[channel] ? -value : value;
    }
    return values;
  }

  /// The weights' type, or the signed one without zero points, of at most 8 bits, that holds `values`; null if there is none.
  quant::QuantizedType getTypeFor(ArrayRef<int64_t> values) const {
    auto type = cast<quant::QuantizedType>(getElementType(weights));
    int64_t low = *llvm::min_element(values), high = *llvm::max_element(values);
    bool hasZeros = llvm::any_of(getScheme(type).getZeroPointValues(), [](int64_t z) { return z != 0; });
    if (!hasZeros && low >= type.getStorageTypeMin() && high <= type.getStorageTypeMax())
      return type;
    if (low < -128 || high > 127)
      return {};
    unsigned bits = 2;
    while (low < -(int64_t(1) << (bits - 1)) || high >= int64_t(1) << (bits - 1))
      ++bits;
    Type storage = IntegerType::get(type.getContext(), bits);
    int64_t least = -(int64_t(1) << (bits - 1)), most = (int64_t(1) << (bits - 1)) - 1;
    unsigned flags = quant::QuantizationFlags::Signed;
    if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type))
      return quant::UniformQuantizedPerAxisType::get(flags, storage, type.getExpressedType(), perAxis.getScales(),
                                                     SmallVector<int64_t>(perAxis.getScales().size(), 0),
                                                     perAxis.getQuantizedDimension(), least, most);
    return quant::UniformQuantizedType::get(flags, storage, type.getExpressedType(),
                                            cast<quant::UniformQuantizedType>(type).getScale(), 0, least, most);
  }

  /// True if these channels' weights can have the other sign.
  bool canNegate(ArrayRef<bool> negated) const { return !changesWeights(negated) || bool(getTypeFor(getWeights(negated))); }

  /// The accumulator as codes of `type`, whose scale is that of the accumulator where all channels have one; where they have not,
  /// units are numbers. `negated` channels have the other sign.
  Value build(OpBuilder &builder, double scale, ArrayRef<bool> negated) const {
    Location loc = op->getLoc();
    SmallVector<int64_t> values = getWeights(negated);
    auto old = cast<quant::QuantizedType>(getElementType(weights));
    if (changesWeights(negated))
      old = getTypeFor(values);
    quant::QuantizedType type = old;
    if (scales.size() > 1)
      type = quant::UniformQuantizedType::get(old.getFlags(), old.getStorageType(), old.getExpressedType(), 1.0, 0,
                                              old.getStorageTypeMin(), old.getStorageTypeMax());
    Value codes = weights;
    if (changesWeights(negated)) {
      auto stored = type.isSigned() ? withElementType(weights.getType(), type.getStorageType())
                                    : cast<RankedTensorType>(getConstant(weights).getShapedType());
      codes =
          ConstantOp::create(builder, weights.getLoc(), withElementType(weights.getType(), type), makeElements(stored, values));
    }
    Value reals = quant::DequantizeCastOp::create(builder, weights.getLoc(), op->getOperand(1).getType(), codes);
    IRMapping mapping;
    Operation *copy = builder.clone(*op, mapping);
    copy->setOperand(1, reals);
    if (copy->getNumOperands() > 2)
      copy->eraseOperand(2);
    auto [low, high] = getCodeLimits(builder.getI32Type());
    auto sum = quant::UniformQuantizedType::get(quant::QuantizationFlags::Signed, builder.getI32Type(), builder.getF32Type(),
                                                scale, 0, low, high);
    return quant::QuantizeCastOp::create(builder, loc, withElementType(op->getResult(0).getType(), sum), copy->getResult(0));
  }
};

struct Streamline : impl::StreamlineBase<Streamline> {
  using StreamlineBase::StreamlineBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    Block &body = function.getBody().front();
    for (Operation &op : llvm::make_early_inc_range(body))
      if (auto dcast = dyn_cast<quant::DequantizeCastOp>(op)) {
        narrowConstant(dcast);
        narrowClamped(dcast);
      }
    for (Operation &op : llvm::make_early_inc_range(body))
      if (auto quantizer = Quantizer::get(&op))
        toThresholds(*quantizer);
    for (OpOperand &operand : body.getTerminator()->getOpOperands())
      returnAccumulator(operand);
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

private:
  //===-- Narrow codes -----------------------------------------------------------------------------------------------------===//

  static quant::QuantizedType withCodes(quant::QuantizedType type, unsigned bits, int64_t low, int64_t high) {
    Type storage = IntegerType::get(type.getContext(), bits);
    if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(type))
      return quant::UniformQuantizedPerAxisType::get(type.getFlags(), storage, type.getExpressedType(), perAxis.getScales(),
                                                     perAxis.getZeroPoints(), perAxis.getQuantizedDimension(), low, high);
    auto uniform = cast<quant::UniformQuantizedType>(type);
    return quant::UniformQuantizedType::get(type.getFlags(), storage, type.getExpressedType(), uniform.getScale(),
                                            uniform.getZeroPoint(), low, high);
  }

  /// Stored codes of -1, 0 and 1, whatever type the file gives them.
  void narrowConstant(quant::DequantizeCastOp dcast) {
    auto constant = dcast.getInput().getDefiningOp<ConstantOp>();
    auto type = constant ? cast<quant::QuantizedType>(getElementType(constant)) : quant::QuantizedType();
    if (!type || !type.isSigned() || type.getStorageTypeIntegralWidth() <= 2 || type.getStorageTypeIntegralWidth() > 8 ||
        llvm::any_of(getScheme(type).getZeroPointValues(), [](int64_t z) { return z != 0; }))
      return;
    SmallVector<int64_t> codes = getInts(constant.getValue());
    if (llvm::any_of(codes, [](int64_t code) { return code < -1 || code > 1; }))
      return;
    OpBuilder builder(constant);
    auto narrow = withCodes(type, 2, -1, 1);
    auto stored = withElementType(constant.getType(), builder.getIntegerType(2));
    Value value =
        ConstantOp::create(builder, constant.getLoc(), withElementType(constant.getType(), narrow), makeElements(stored, codes));
    dcast.getInputMutable().assign(value);
  }

  /// Codes cut by a clamp right behind the quantizer, as exporters write bit widths that ONNX has no type for.
  void narrowClamped(quant::DequantizeCastOp dcast) {
    auto clamp = dcast.getInput().getDefiningOp<ClampOp>();
    auto qcast = clamp ? clamp.getInput().getDefiningOp<quant::QuantizeCastOp>() : quant::QuantizeCastOp();
    auto type = qcast ? dyn_cast<quant::UniformQuantizedType>(getElementType(qcast.getResult())) : quant::UniformQuantizedType();
    if (!type || getElementType(clamp) != type)
      return;
    QuantSchemeInterface scheme = getScheme(type);
    int64_t low = type.getStorageTypeMin(), high = type.getStorageTypeMax();
    if (auto min = clamp.getClampMin())
      low = scheme.encode({min->convertToDouble()}, {})[0];
    if (auto max = clamp.getClampMax())
      high = scheme.encode({max->convertToDouble()}, {})[0];
    if (low >= high || type.getZeroPoint() < low || type.getZeroPoint() > high)
      return;
    unsigned bits = 2;
    while (type.isSigned() ? low < -(int64_t(1) << (bits - 1)) || high >= int64_t(1) << (bits - 1) : high >= int64_t(1) << bits)
      ++bits;
    OpBuilder builder(dcast);
    auto narrow = withElementType(qcast.getType(), withCodes(type, bits, low, high));
    Value codes = quant::QuantizeCastOp::create(builder, qcast.getLoc(), narrow, qcast.getInput());
    dcast.getInputMutable().assign(codes);
  }

  //===-- Thresholds -------------------------------------------------------------------------------------------------------===//

  void replace(const Quantizer &q, Value input, SmallVector<float> thresholds, int64_t axis) {
    OpBuilder builder(q.op);
    SmallVector<int64_t> shape;
    // Channels that are all alike are one.
    ArrayRef<float> rows(thresholds), first = rows.take_front(q.count);
    bool alike = true;
    for (; !rows.empty(); rows = rows.drop_front(q.count))
      alike &= rows.take_front(q.count) == first;
    if (alike) {
      thresholds.truncate(q.count);
      axis = -1;
    }
    if (axis >= 0)
      shape.push_back(thresholds.size() / q.count);
    shape.push_back(q.count);
    Value constant = ConstantOp::create(
        builder, q.op->getLoc(), makeElements(RankedTensorType::get(shape, builder.getF32Type()), ArrayRef<float>(thresholds)));
    // Reshapes are part of the chain.
    auto result = cast<RankedTensorType>(q.op->getResult(0).getType());
    Value codes = ThresholdOp::create(builder, q.op->getLoc(), withShape(result, getShape(input)), input, constant,
                                      axis < 0 ? IntegerAttr() : builder.getI64IntegerAttr(axis), q.base, q.step);
    if (codes.getType() != result)
      codes = ReshapeOp::create(builder, q.op->getLoc(), result, codes);
    q.op->getResult(0).replaceAllUsesWith(codes);
    q.op->erase();
    ++numThresholds;
  }

  void toThresholds(const Quantizer &q) {
    ArrayRef<int64_t> shape = getShape(q.op->getOperand(0));
    // Which axis has the channels is known at the source only: try those that there can be.
    SmallVector<int64_t> axes;
    if (q.axis >= 0)
      axes.push_back(q.axis);
    else if (shape.size() > 1)
      axes = {1, int64_t(shape.size()) - 1};
    for (int64_t axis : axes) {
      Chain chain = Chain::get(q.op->getOperand(0), axis);
      auto contraction = Contraction::get(chain.source.getDefiningOp());
      if (contraction && contraction->axis == chain.axis && onAccumulator(q, chain, *contraction))
        return;
    }
    for (int64_t axis : axes) {
      Chain chain = Chain::get(q.op->getOperand(0), axis);
      if (!chain.steps.empty() && !Contraction::get(chain.source.getDefiningOp()) && onReals(q, chain))
        return;
    }
  }

  bool onAccumulator(const Quantizer &q, const Chain &chain, const Contraction &contraction) {
    int64_t channels = chain.channels();
    SmallVector<bool> negated;
    for (int64_t c = 0; c < channels; ++c)
      negated.push_back(chain.sign(c) < 0);
    if (!contraction.canNegate(negated))
      return false;
    bool single = contraction.scales.size() == 1;
    double scale = single ? contraction.unit(0) : contraction.inputScale;
    SmallVector<float> bias = contraction.bias(), thresholds;
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t k = 1; k <= q.count; ++k) {
        int64_t first = findFirst(-contraction.bound, contraction.bound, [&](int64_t sum) {
          float x = float(double(negated[c] ? -sum : sum) * contraction.unit(c)) + pick<float>(bias, c);
          return q.encode(chain.apply(x, c), c) >= q.base + q.step * k;
        });
        // Between two values of the accumulator, where rounding to f32 does no harm; infinities where nothing is to compare.
        thresholds.push_back(first > contraction.bound     ? INFINITY
                             : first == -contraction.bound ? -INFINITY
                                                           : float((double(first) - 0.5) * scale));
      }
    OpBuilder builder(q.op);
    Value codes = contraction.build(builder, scale, negated);
    Value reals = quant::DequantizeCastOp::create(builder, q.op->getLoc(), contraction.op->getResult(0).getType(), codes);
    replace(q, reals, thresholds, chain.axis);
    return true;
  }

  /// True if all that lies between an op and the cast of its result are clamps and reshapes: the op will compute codes, which
  /// needs the range that the cast gives.
  static bool castsResult(const Quantizer &q, const Chain &chain) {
    Value value = q.op->getOperand(0);
    while (value != chain.source && isa<ClampOp, ReshapeOp>(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    return isa<quant::QuantizeCastOp>(q.op) && value == chain.source && value.getDefiningOp() && !getCodes(value);
  }

  /// In front of what is no contraction: thresholds among all f32 numbers.
  bool onReals(const Quantizer &q, const Chain &chain) {
    if (castsResult(q, chain))
      return false;
    int64_t channels = chain.channels();
    for (int64_t c = 0; c < channels; ++c)
      if (chain.sign(c) < 0)
        return false;
    constexpr int64_t largest = 0x7f7fffff;
    SmallVector<float> thresholds;
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t k = 1; k <= q.count; ++k) {
        int64_t first = findFirst(-largest, largest, [&](int64_t order) {
          return q.encode(chain.apply(fromOrder(order), c), c) >= q.base + q.step * k;
        });
        thresholds.push_back(first > largest ? INFINITY : first == -largest ? -INFINITY : fromOrder(first));
      }
    replace(q, chain.source, thresholds, chain.axis);
    return true;
  }

  //===-- Results ----------------------------------------------------------------------------------------------------------===//

  /// A result that is an accumulator, scaled and shifted by single numbers: codes of it, with some bits below the unit for the
  /// shift.
  void returnAccumulator(OpOperand &operand) {
    Value value = operand.get();
    if (!isFloatTensor(value) || getShape(value).empty())
      return;
    Chain chain = Chain::get(value, getShape(value).size() - 1);
    auto contraction = Contraction::get(chain.source.getDefiningOp());
    if (!contraction || !chain.isAffine() || contraction->scales.size() != 1)
      return;
    SmallVector<float> bias = contraction->bias();
    if (!llvm::all_equal(bias))
      return;
    double offset = chain.real(bias[0]), slope = chain.real(double(bias[0]) + 1) - offset;
    double unit = contraction->unit(0);
    if (!(slope > 0) || !std::isfinite(offset) || !std::isfinite(slope))
      return;
    int64_t fraction = 16;
    auto zeroAt = [&](int64_t bits) { return std::nearbyint(-std::ldexp(offset / (slope * unit), bits)); };
    while (fraction > 0 && std::ldexp(double(contraction->bound), fraction) + std::fabs(zeroAt(fraction)) >= 0x1p30)
      --fraction;
    double zero = zeroAt(fraction);
    if (std::fabs(zero) >= 0x1p30)
      return;
    OpBuilder builder(operand.getOwner());
    Location loc = value.getLoc();
    Value codes = contraction->build(builder, std::ldexp(unit, -fraction), SmallVector<bool>(chain.channels(), false));
    auto i32 = builder.getI32Type();
    auto [low, high] = getCodeLimits(i32);
    auto type = quant::UniformQuantizedType::get(quant::QuantizationFlags::Signed, i32, builder.getF32Type(),
                                                 std::ldexp(unit * slope, -fraction), int64_t(zero), low, high);
    codes = quant::StorageCastOp::create(builder, loc, withElementType(codes.getType(), i32), codes);
    codes = quant::StorageCastOp::create(builder, loc, withElementType(codes.getType(), type), codes);
    if (getShape(codes) != getShape(value))
      codes = ReshapeOp::create(builder, loc, withShape(codes.getType(), getShape(value)), codes);
    operand.set(quant::DequantizeCastOp::create(builder, loc, value.getType(), codes));
  }
};
} // namespace
} // namespace qc
