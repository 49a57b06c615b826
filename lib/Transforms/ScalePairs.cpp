// Moves the scales of channels between ops.
#include "ScalePairs.h"

using namespace mlir;

namespace qc {
/// True if scaling a channel of what `op` computes by a positive factor is the same as scaling its constants.
static bool isScalable(Operation *op) {
  if (auto normalize = dyn_cast<NormalizeOp>(op)) {
    int64_t last = int64_t(getShape(op->getResult(0)).size()) - 1, length = getShape(op->getResult(0)).back();
    auto isPerChannel = [&](Value value) {
      return !value || (getConstant(value) && getShape(value).size() && getShape(value).back() == length &&
                        product(getShape(value)) == length);
    };
    return int64_t(normalize.getLastAxis()) == last && isPerChannel(normalize.getScale()) && isPerChannel(normalize.getBias());
  }
  auto contraction = Contraction::get(op);
  auto clamp = dyn_cast<ClampOpInterface>(op);
  if (!contraction || !clamp || !getConstant(contraction->getWeight().get()) ||
      (contraction->getBias() && !getConstant(contraction->getBias()->get())))
    return false;
  auto low = op->getAttrOfType<FloatAttr>("clamp_min");
  return !op->getAttr("clamp_max") && (!low || low.getValueAsDouble() == 0);
}

/// Collects the contractions that read `value` channel by channel; false if anything else reads it.
static bool collectConsumers(Value value, bool isProduct, std::vector<Operation *> &consumers) {
  if (value.use_empty())
    return false;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isa<PoolOp>(user) && !isProduct) {
      if (!collectConsumers(user->getResult(0), isProduct, consumers))
        return false;
      continue;
    }
    auto contraction = Contraction::get(user);
    if (!contraction || use.getOperandNumber() != 0 || contraction->isProduct != isProduct ||
        !getConstant(contraction->getWeight().get()))
      return false;
    consumers.push_back(user);
  }
  return true;
}

std::vector<ScalePair> findScalePairs(func::FuncOp function) {
  std::vector<ScalePair> pairs;
  for (Operation &op : function.getBody().front()) {
    if (!isScalable(&op))
      continue;
    ScalePair pair{&op, {}, 0};
    bool isProduct = !isa<ConvOp>(op);
    pair.channels = isProduct ? getShape(op.getResult(0)).back() : getShape(op.getResult(0))[1];
    if (collectConsumers(op.getResult(0), isProduct, pair.consumers))
      pairs.push_back(std::move(pair));
  }
  return pairs;
}

int64_t getInputChannel(Operation *op, int64_t index) {
  ArrayRef<int64_t> shape = getShape(op->getOperand(1));
  auto conv = dyn_cast<ConvOp>(op);
  if (!conv)
    return index / shape[1];
  int64_t taps = product(shape.drop_front(2)), output = index / (shape[1] * taps), input = index / taps % shape[1];
  return output / (shape[0] / int64_t(conv.getGroups())) * shape[1] + input;
}

/// The output channel that element `index` of a constant of the producer belongs to.
static int64_t getOutputChannel(const ScalePair &pair, Value constant, int64_t index) {
  if (isa<ConvOp>(pair.producer))
    return index / product(getShape(constant).drop_front());
  return index % pair.channels;
}

static std::vector<double> getRanges(Value constant, int64_t channels, llvm::function_ref<int64_t(int64_t)> getChannel,
                                     std::vector<double> ranges = {}) {
  ranges.resize(channels);
  SmallVector<float> storage;
  for (auto [i, value] : llvm::enumerate(viewFloats(getConstant(constant), storage))) {
    double &range = ranges[getChannel(i)];
    range = std::max(range, std::fabs(double(value)));
  }
  return ranges;
}

std::vector<double> ScalePair::getProducerRanges() const {
  Value scale = isa<NormalizeOp>(producer) ? cast<NormalizeOp>(producer).getScale() : producer->getOperand(1);
  if (!scale)
    return std::vector<double>(channels, 1.0);
  return getRanges(scale, channels, [&](int64_t i) { return getOutputChannel(*this, scale, i); });
}

std::vector<double> ScalePair::getConsumerRanges() const {
  std::vector<double> ranges;
  for (Operation *consumer : consumers)
    ranges = getRanges(
        consumer->getOperand(1), channels, [&](int64_t i) { return getInputChannel(consumer, i); }, std::move(ranges));
  return ranges;
}

/// Puts a scaled copy of the constant in the place of `operand`.
static void scaleConstant(OpOperand &operand, llvm::function_ref<double(int64_t)> getFactor) {
  Value old = operand.get();
  SmallVector<float> values = getFloats(getConstant(old));
  for (auto [i, value] : llvm::enumerate(values))
    value = float(double(value) * getFactor(i));
  OpBuilder builder(operand.getOwner());
  operand.set(
      ConstantOp::create(builder, old.getLoc(), makeElements(cast<RankedTensorType>(old.getType()), ArrayRef<float>(values))));
  if (old.use_empty())
    old.getDefiningOp()->erase();
}

void ScalePair::move(ArrayRef<double> factors) const {
  auto normalize = dyn_cast<NormalizeOp>(producer);
  if (normalize && !normalize.getScale()) {
    OpBuilder builder(producer);
    auto type = RankedTensorType::get({channels}, builder.getF32Type());
    normalize.getScaleMutable().assign(
        ConstantOp::create(builder, producer->getLoc(), makeElements(type, ArrayRef<float>(std::vector<float>(channels, 1.0f)))));
  }
  for (OpOperand &operand : llvm::drop_begin(producer->getOpOperands()))
    scaleConstant(operand, [&, value = operand.get()](int64_t i) { return 1 / factors[getOutputChannel(*this, value, i)]; });
  for (Operation *consumer : consumers)
    scaleConstant(consumer->getOpOperand(1), [&](int64_t i) { return factors[getInputChannel(consumer, i)]; });
}
} // namespace qc
