// Ops with their gradients, one class per kind of op.
#include "BlockNetwork.h"
#include "ConvolutionGradients.h"
#include "LayerStream.h"
#include "Quantizable.h"
#include "qc/Dialect/QC/Reference/Eval.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace qc {
using Floats = std::vector<float>;

/// What the steps of one run see.
struct RunContext {
  BlockNetwork::Run &run;
  ArrayRef<BlockNetwork::Numbers> numbers;
  MutableArrayRef<BlockNetwork::Numbers> sums;
  const BlockNetwork::Drop *drop;
  ArrayRef<float> stepSizes;
  MutableArrayRef<double> stepSums;
};

struct BlockNetwork::Step {
  virtual ~Step() = default;
  virtual void forward(RunContext &context) = 0;
  /// Adds to the gradients of the inputs.
  virtual void backward(RunContext &context) = 0;

  const Floats &in(RunContext &context, size_t i = 0) const { return context.run.values[inputs[i]]; }
  Floats &out(RunContext &context) const { return context.run.values[result]; }
  const Floats &gradient(RunContext &context) const { return context.run.gradients[result]; }
  /// Null for what does not depend on the block's input.
  Floats *inGradient(RunContext &context, size_t i = 0) const {
    return isConstant[i] ? nullptr : &context.run.gradients[inputs[i]];
  }

  SmallVector<size_t> inputs;
  SmallVector<bool> isConstant;
  size_t result = 0;
};

namespace {
using Step = BlockNetwork::Step;

/// Limits in front of a result.
struct Limits {
  explicit Limits(Operation *op) {
    auto clamp = dyn_cast<ClampOpInterface>(op);
    if (!clamp)
      return;
    if (auto limit = clamp.getClampMin())
      low = limit->convertToFloat();
    if (auto limit = clamp.getClampMax())
      high = limit->convertToFloat();
  }
  bool any() const { return low > -INFINITY || high < INFINITY; }
  void apply(Floats &values) const {
    if (any())
      for (float &v : values)
        v = std::min(std::max(v, low), high);
  }
  /// Gradients by the values in front of the limits.
  void stop(const Floats &values, Floats &gradients) const {
    if (any())
      for (size_t i = 0; i < values.size(); ++i)
        if (!(values[i] > low && values[i] < high))
          gradients[i] = 0;
  }
  float low = -INFINITY, high = INFINITY;
};

struct LayerStep : Step {
  LayerStep(const Contraction &contraction, size_t layer) : layer(layer), limits(contraction.op) {
    shape = contraction.getConvolution();
    images = contraction.isProduct ? 1 : getShape(contraction.op->getOperand(0))[0];
    channels = contraction.groups * contraction.channels;
  }
  void forward(RunContext &context) override {
    const Floats &x = in(context);
    Floats &y = out(context);
    for (int64_t i = 0; i < images; ++i)
      convolve(shape, &x[i * x.size() / images], context.numbers[layer].weights.data(), &y[i * y.size() / images],
               context.run.scratch);
    const Floats &biases = context.numbers[layer].biases;
    if (!biases.empty())
      forEachChannel(y.size(), [&](size_t element, int64_t channel) { y[element] += biases[channel]; });
    limits.apply(y);
  }
  void backward(RunContext &context) override {
    const Floats &x = in(context), &y = out(context);
    Floats &dy = context.run.gradients[result], *dx = inGradient(context);
    limits.stop(y, dy);
    BlockNetwork::Numbers &sums = context.sums[layer];
    for (int64_t i = 0; i < images; ++i)
      addConvolutionGradients(shape, &x[i * x.size() / images], context.numbers[layer].weights.data(), &dy[i * y.size() / images],
                              dx ? dx->data() + i * x.size() / images : nullptr,
                              sums.weights.empty() ? nullptr : sums.weights.data(), context.run.scratch);
    // What the limits changed has no gradient: everywhere else y, without the bias, is what a factor multiplies.
    if (!sums.gains.empty()) {
      const Floats &biases = context.numbers[layer].biases;
      forEachChannel(dy.size(), [&](size_t element, int64_t channel) {
        sums.gains[channel] += dy[element] * (y[element] - (biases.empty() ? 0 : biases[channel]));
      });
    }
    if (!sums.biases.empty())
      forEachChannel(dy.size(), [&](size_t element, int64_t channel) { sums.biases[channel] += dy[element]; });
  }
  template <typename F> void forEachChannel(size_t count, F f) const {
    if (shape.isProduct) {
      for (size_t i = 0; i < count; ++i)
        f(i, int64_t(i % channels));
      return;
    }
    size_t plane = count / (images * channels), i = 0;
    for (int64_t row = 0; row < images * channels; ++row)
      for (size_t p = 0; p < plane; ++p)
        f(i++, row % channels);
  }
  size_t layer;
  ConvolutionShape shape;
  int64_t images, channels;
  Limits limits;
};

/// Sum, difference or product with operands that broadcast.
struct BinaryStep : Step {
  BinaryStep(Operation *op) : limits(op), isSub(isa<SubOp>(op)), isMul(isa<MulOp>(op)) {
    ArrayRef<int64_t> shape = getShape(op->getResult(0));
    for (unsigned i = 0; i < 2; ++i)
      if (getShape(op->getOperand(i)) != shape)
        maps[i] = getMap(getShape(op->getOperand(i)), shape);
  }
  static std::vector<int> getMap(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
    std::vector<int> map;
    size_t missing = to.size() - from.size();
    for (int64_t i = 0, count = product(to); i < count; ++i) {
      int64_t rest = i, index = 0, stride = 1;
      for (size_t d = to.size(); d-- > missing;) {
        int64_t size = from[d - missing];
        index += size == 1 ? 0 : rest % to[d] * stride;
        stride *= size;
        rest /= to[d];
      }
      map.push_back(int(index));
    }
    return map;
  }
  size_t at(unsigned operand, size_t i) const { return maps[operand].empty() ? i : maps[operand][i]; }
  void forward(RunContext &context) override {
    const Floats &a = in(context, 0), &b = in(context, 1);
    Floats &y = out(context);
    for (size_t i = 0; i < y.size(); ++i) {
      float l = a[at(0, i)], r = b[at(1, i)];
      y[i] = isMul ? l * r : isSub ? l - r : l + r;
    }
    limits.apply(y);
  }
  void backward(RunContext &context) override {
    Floats &dy = context.run.gradients[result];
    limits.stop(out(context), dy);
    for (unsigned operand = 0; operand < 2; ++operand) {
      Floats *dx = inGradient(context, operand);
      if (!dx)
        continue;
      const Floats &other = in(context, 1 - operand);
      for (size_t i = 0; i < dy.size(); ++i)
        (*dx)[at(operand, i)] += isMul ? dy[i] * other[at(1 - operand, i)] : isSub && operand == 1 ? -dy[i] : dy[i];
    }
  }
  Limits limits;
  bool isSub, isMul;
  std::array<std::vector<int>, 2> maps;
};

/// Each element of the result is an element of an input, or a number of its own.
struct MoveStep : Step {
  void forward(RunContext &context) override {
    Floats &y = out(context);
    for (size_t i = 0; i < y.size(); ++i)
      y[i] = from[i].first < 0 ? padding : in(context, from[i].first)[from[i].second];
  }
  void backward(RunContext &context) override {
    const Floats &dy = gradient(context);
    for (size_t i = 0; i < dy.size(); ++i)
      if (from[i].first >= 0)
        if (Floats *dx = inGradient(context, from[i].first))
          (*dx)[from[i].second] += dy[i];
  }
  std::vector<std::pair<int, int>> from; ///< input and element; input -1: padding
  float padding = 0;
};

/// A weighted sum of elements of the input, or the largest one.
struct WindowStep : Step {
  void forward(RunContext &context) override {
    const Floats &x = in(context);
    Floats &y = out(context);
    for (size_t i = 0; i < y.size(); ++i) {
      float value = isMax ? -INFINITY : 0;
      for (int k = starts[i]; k < starts[i + 1]; ++k)
        value = isMax ? std::max(value, x[elements[k]]) : value + x[elements[k]];
      y[i] = isMax ? value : value * factors[i];
    }
  }
  void backward(RunContext &context) override {
    const Floats &x = in(context), &y = out(context), &dy = gradient(context);
    Floats *dx = inGradient(context);
    if (!dx)
      return;
    for (size_t i = 0; i < dy.size(); ++i)
      for (int k = starts[i]; k < starts[i + 1]; ++k) {
        if (!isMax)
          (*dx)[elements[k]] += dy[i] * factors[i];
        else if (x[elements[k]] == y[i]) {
          (*dx)[elements[k]] += dy[i];
          break;
        }
      }
  }
  bool isMax = false;
  std::vector<int> starts = {0}, elements;
  Floats factors;
};

/// Rounding to codes and back.
struct RoundStep : Step {
  RoundStep(quant::UniformQuantizedType type, size_t rounding) : rounding(rounding), ownScale(type.getScale()) {
    auto [low, high] = getCodeLimits(getCodeType(type));
    lowest = float(std::max<int64_t>(type.getStorageTypeMin(), low) - type.getZeroPoint());
    highest = float(std::min<int64_t>(type.getStorageTypeMax(), high) - type.getZeroPoint());
  }
  float getScale(const RunContext &context) const { return context.stepSizes.empty() ? ownScale : context.stepSizes[rounding]; }
  void forward(RunContext &context) override {
    const Floats &x = in(context);
    Floats &y = out(context);
    float scale = getScale(context);
    // Limited first: then adding what leaves no bits for a fraction rounds, without a call.
    constexpr float round = 12582912;
    for (size_t i = 0; i < y.size(); ++i) {
      float code = std::min(std::max(x[i] / scale, lowest), highest) + round;
      y[i] = (code - round) * scale;
    }
    if (context.drop)
      context.drop->apply(result, y, x);
  }
  void backward(RunContext &context) override {
    const Floats &x = in(context), &y = out(context), &dy = gradient(context);
    Floats *dx = inGradient(context);
    float scale = getScale(context), low = lowest * scale, high = highest * scale;
    if (dx)
      for (size_t i = 0; i < dy.size(); ++i)
        if (x[i] >= low && x[i] <= high)
          (*dx)[i] += dy[i];
    if (context.stepSums.empty())
      return;
    // Esser et al., Learned Step Size Quantization, 2020, eq. 3, times the step: with the codes the rounding error grows, and
    // where they end the limit.
    double sum = 0;
    for (size_t i = 0; i < dy.size(); ++i)
      sum += double(dy[i]) * (x[i] >= low && x[i] <= high ? y[i] - x[i] : y[i]);
    context.stepSums[rounding] += sum;
  }
  size_t rounding;
  float ownScale, lowest, highest;
};

struct ClampStep : Step {
  explicit ClampStep(Operation *op) : limits(op) {}
  void forward(RunContext &context) override {
    out(context) = in(context);
    limits.apply(out(context));
  }
  void backward(RunContext &context) override {
    Floats *dx = inGradient(context);
    const Floats &dy = gradient(context), &y = out(context);
    for (size_t i = 0; dx && i < dy.size(); ++i)
      if (y[i] > limits.low && y[i] < limits.high)
        (*dx)[i] += dy[i];
  }
  Limits limits;
};

/// A function of single numbers, by the evaluator; its derivative by differences.
struct FunctionStep : Step {
  explicit FunctionStep(Operation *op) : op(op) {}
  Floats evaluateAt(const Floats &x, float offset) const {
    Tensor tensor{cast<RankedTensorType>(op->getOperand(0).getType()), x, {}};
    for (float &v : tensor.floats)
      v += offset;
    FailureOr<Tensor> result = evaluate(op, tensor);
    return failed(result) ? Floats(x.size()) : std::move(result->floats);
  }
  void forward(RunContext &context) override { out(context) = evaluateAt(in(context), 0); }
  void backward(RunContext &context) override {
    constexpr float offset = 0.0078125f;
    Floats *dx = inGradient(context);
    if (!dx)
      return;
    Floats above = evaluateAt(in(context), offset), below = evaluateAt(in(context), -offset);
    const Floats &dy = gradient(context);
    for (size_t i = 0; i < dy.size(); ++i)
      if (float slope = (above[i] - below[i]) / (2 * offset); std::isfinite(slope))
        (*dx)[i] += dy[i] * slope;
  }
  Operation *op;
};

//===-- From ops
//-------------------------------------------------------------------------------------------------------------===//

/// Where the elements of an op that only moves values come from: the op is evaluated on the numbers of its elements.
std::unique_ptr<Step> makeMove(Operation *op) {
  int64_t count = 0;
  SmallVector<Tensor> tensors;
  SmallVector<int64_t> starts;
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || !type.getElementType().isF32())
      return nullptr;
    Tensor tensor = Tensor::zeros(type);
    starts.push_back(count);
    for (float &v : tensor.floats)
      v = float(++count); // 0 is padding
    tensors.push_back(std::move(tensor));
  }
  if (count >= 1 << 24)
    return nullptr;
  auto step = std::make_unique<MoveStep>();
  Operation *moved = op;
  OwningOpRef<Operation *> clone;
  if (auto pad = dyn_cast<PadOp>(op)) {
    step->padding = pad.getValue().convertToFloat();
    auto zeros = cast<PadOp>(op->clone());
    zeros.setValue(APFloat(0.0f));
    clone = OwningOpRef<Operation *>(moved = zeros);
  }
  FailureOr<Tensor> result = evaluate(moved, tensors);
  if (failed(result))
    return nullptr;
  for (float v : result->floats) {
    int index = int(v) - 1, operand = -1;
    while (operand + 1 < int(starts.size()) && index >= starts[operand + 1])
      ++operand;
    step->from.push_back({operand, operand < 0 ? 0 : index - int(starts[operand])});
  }
  return step;
}

std::unique_ptr<Step> makePool(PoolOp op) {
  if (op.getKind() == PoolKind::Sum)
    return nullptr;
  auto step = std::make_unique<WindowStep>();
  step->isMax = op.getKind() == PoolKind::Max;
  ArrayRef<int64_t> x = getShape(op.getInput()), y = getShape(op.getResult());
  size_t rank = x.size() - 2;
  int64_t plane = product(x.drop_front(2)), results = product(y.drop_front(2)), window = product(op.getKernel());
  for (int64_t image = 0; image < x[0] * x[1]; ++image)
    for (int64_t p = 0; p < results; ++p) {
      for (int64_t k = 0; k < window; ++k) {
        int64_t position = p, tap = k, index = 0, stride = 1;
        bool inside = true;
        for (size_t d = rank; d-- > 0;) {
          int64_t i = position % y[2 + d] * op.getStrides()[d] + tap % op.getKernel()[d] * op.getDilations()[d] - op.getPads()[d];
          position /= y[2 + d];
          tap /= op.getKernel()[d];
          inside &= i >= 0 && i < x[2 + d];
          index += i * stride;
          stride *= x[2 + d];
        }
        if (inside)
          step->elements.push_back(int(image * plane + index));
      }
      int count = int(step->elements.size()) - step->starts.back();
      step->factors.push_back(1.0f / float(op.getCountIncludePad() ? window : std::max(count, 1)));
      step->starts.push_back(int(step->elements.size()));
    }
  return step;
}

std::unique_ptr<Step> makeReduce(ReduceOp op) {
  if (op.getKind() != ReduceKind::Mean && op.getKind() != ReduceKind::Sum)
    return nullptr;
  ArrayRef<int64_t> x = getShape(op.getInput());
  SmallVector<int64_t> kept(x);
  for (int64_t axis : op.getAxes())
    kept[axis] = 1;
  std::vector<int> map = BinaryStep::getMap(kept, x);
  std::vector<std::vector<int>> sources(product(kept));
  for (auto [i, to] : llvm::enumerate(map))
    sources[to].push_back(int(i));
  auto step = std::make_unique<WindowStep>();
  for (const std::vector<int> &each : sources) {
    step->elements.insert(step->elements.end(), each.begin(), each.end());
    step->starts.push_back(int(step->elements.size()));
    step->factors.push_back(op.getKind() == ReduceKind::Mean ? 1.0f / float(each.size()) : 1.0f);
  }
  return step;
}

std::unique_ptr<Step> makeStep(Operation *op, size_t layer, size_t rounding) {
  if (auto contraction = Contraction::get(op))
    return std::make_unique<LayerStep>(*contraction, layer);
  if (isa<AddOp, SubOp, MulOp>(op))
    return std::make_unique<BinaryStep>(op);
  if (isa<ConcatOp, SliceOp, PadOp, ReshapeOp, TransposeOp>(op))
    return makeMove(op);
  if (auto pool = dyn_cast<PoolOp>(op))
    return makePool(pool);
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return makeReduce(reduce);
  if (isa<ClampOp>(op))
    return std::make_unique<ClampStep>(op);
  if (isa<ActivationOp, FunctionOp>(op))
    return std::make_unique<FunctionStep>(op);
  if (auto qcast = dyn_cast<quant::QuantizeCastOp>(op))
    if (auto type = dyn_cast<quant::UniformQuantizedType>(getElementType(qcast.getResult())))
      return std::make_unique<RoundStep>(type, rounding);
  return nullptr;
}

/// The numbers of a constant, decoded if they are codes.
std::optional<Floats> getConstantNumbers(Value value) {
  if (ElementsAttr attr = getConstant(value); attr && isFloatTensor(value)) {
    SmallVector<float> storage;
    ArrayRef<float> values = viewFloats(attr, storage);
    return Floats(values.begin(), values.end());
  }
  Value decoded = getDecodedCodes(value);
  ElementsAttr codes = decoded ? getConstant(decoded) : ElementsAttr();
  QuantSchemeInterface scheme = codes ? getScheme(decoded.getType()) : QuantSchemeInterface();
  if (!scheme)
    return std::nullopt;
  SmallVector<double> reals = scheme.decode(getInts(codes), getShape(decoded));
  return Floats(reals.begin(), reals.end());
}
} // namespace

void BlockNetwork::Drop::apply(size_t slot, Floats &values, const Floats &other) const {
  for (size_t i = 0; i < values.size(); i += 64) {
    uint64_t bits = mixBits(seed + slot * 0x9e3779b97f4a7c15ull + i);
    for (size_t k = i; k < std::min(i + 64, values.size()); ++k, bits >>= 1)
      values[k] = bits & 1 ? other[k] : values[k];
  }
}

BlockNetwork::BlockNetwork() = default;
BlockNetwork::~BlockNetwork() = default;

BlockNetwork::Numbers BlockNetwork::getNumbers(Operation *layer) {
  Numbers numbers;
  numbers.weights = *getConstantNumbers(layer->getOperand(1));
  if (layer->getNumOperands() > 2)
    numbers.biases = *getConstantNumbers(layer->getOperand(2));
  return numbers;
}

std::unique_ptr<BlockNetwork> BlockNetwork::create(Value input, Value output, std::string &why) {
  std::unique_ptr<BlockNetwork> block(new BlockNetwork());
  llvm::DenseMap<Value, size_t> slotOf;
  llvm::DenseSet<size_t> constantSlots;
  auto addSlot = [&](Value value) {
    size_t slot = block->sizes.size();
    block->sizes.push_back(cast<ShapedType>(value.getType()).getNumElements());
    slotOf[value] = slot;
    return slot;
  };
  addSlot(input);
  // What leads to the output.
  llvm::SetVector<Operation *> needed;
  SmallVector<Value> open = {output};
  while (!open.empty()) {
    Value value = open.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (value == input || (op && getConstantNumbers(value)) || (op && !needed.insert(op)))
      continue;
    if (!op) {
      why = "it reads an argument beside its own input";
      return nullptr;
    }
    llvm::append_range(open, op->getOperands());
  }
  SmallVector<Operation *> ordered(needed.begin(), needed.end());
  llvm::sort(ordered, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  for (Operation *op : ordered) {
    if (isa<DequantizeCastOpInterface>(op)) { // its value is what the rounding gave
      slotOf[op->getResult(0)] = slotOf[op->getOperand(0)];
      continue;
    }
    std::unique_ptr<Step> step = op->getNumResults() == 1 ? makeStep(op, block->layers.size(), block->roundings.size()) : nullptr;
    if (!step) {
      why = (op->getName().getStringRef() + " has no gradient").str();
      return nullptr;
    }
    bool isLayer = Contraction::get(op).has_value();
    for (Value operand : isLayer ? op->getOperands().take_front() : op->getOperands()) {
      auto [found, added] = slotOf.try_emplace(operand, 0);
      if (added) {
        size_t slot = addSlot(operand);
        block->constants.push_back({slot, *getConstantNumbers(operand)});
        constantSlots.insert(slot);
      }
      step->inputs.push_back(slotOf[operand]);
      step->isConstant.push_back(constantSlots.contains(slotOf[operand]));
    }
    step->result = addSlot(op->getResult(0));
    if (isLayer) {
      block->layers.push_back(op);
      block->resultSlots.push_back(step->result);
      block->macs += cast<AccumulatorOpInterface>(op).getMacs();
    }
    if (auto qcast = dyn_cast<quant::QuantizeCastOp>(op))
      block->roundings.push_back(qcast);
    block->steps.push_back(std::move(step));
  }
  block->outputSlot = slotOf[output];
  for (int64_t size : block->sizes)
    block->valueCount += size;
  return block;
}

std::unique_ptr<BlockNetwork> BlockNetwork::createWhole(func::FuncOp function, Value &output, std::string &why) {
  if (function.getNumArguments() != 1 || !isa<Float32Type>(getElementType(function.getArgument(0)))) {
    why = "the network has several inputs, or one that is no f32 tensor";
    return nullptr;
  }
  output = function.getBody().front().getTerminator()->getOperand(0);
  std::string last;
  while (true) {
    auto network = create(function.getArgument(0), output, last);
    if (why.empty())
      why = last;
    Operation *op = output.getDefiningOp();
    if (network || !op || op->getNumOperands() != 1)
      return network;
    output = op->getOperand(0);
  }
}

const Floats &BlockNetwork::forward(const Floats &input, ArrayRef<Numbers> numbers, Run &run, const Drop *drop,
                                    ArrayRef<float> stepSizes) const {
  run.values.resize(sizes.size());
  for (auto [value, size] : llvm::zip_equal(run.values, sizes))
    value.resize(size);
  run.values[0] = input;
  for (const auto &[slot, values] : constants)
    run.values[slot] = values;
  RunContext context{run, numbers, {}, drop, stepSizes, {}};
  for (const std::unique_ptr<Step> &step : steps)
    step->forward(context);
  return run.values[outputSlot];
}

void BlockNetwork::backward(const Floats &gradient, ArrayRef<Numbers> numbers, Run &run, MutableArrayRef<Numbers> sums,
                            ArrayRef<float> stepSizes, MutableArrayRef<double> stepSums) const {
  run.gradients.resize(sizes.size());
  for (auto [value, size] : llvm::zip_equal(run.gradients, sizes))
    value.assign(size, 0.0f);
  run.gradients[outputSlot] = gradient;
  RunContext context{run, numbers, sums, nullptr, stepSizes, stepSums};
  for (const std::unique_ptr<Step> &step : llvm::reverse(steps))
    step->backward(context);
}
} // namespace qc
