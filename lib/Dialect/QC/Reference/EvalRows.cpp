// Ops that need a whole row for one element: softmax and normalization.
#include "EvalInternal.h"

#include "qc/Dialect/QC/Reference/Math.h"
#include "qc/Dialect/QC/Reference/Rows.h"

#include <cmath>

using namespace mlir;
using namespace qc;
using namespace qc::reference;

namespace {
/// Calls `f` with the positions of each row of `shape` along the axes [first, last].
template <typename F> void forEachRow(Shape shape, int64_t first, int64_t last, F f) {
  Index outer(shape), inner(last - first + 1);
  for (int64_t d = first; d <= last; ++d)
    inner[d - first] = std::exchange(outer[d], 1);
  if (llvm::is_contained(inner, 0))
    return;
  SmallVector<int64_t> positions;
  forEachIndex(outer, [&](Shape row, int64_t) {
    Index index(row);
    positions.clear();
    forEachIndex(inner, [&](Shape at, int64_t) {
      std::copy(at.begin(), at.end(), index.begin() + first);
      positions.push_back(linearize(index, shape));
    });
    f(ArrayRef<int64_t>(positions));
  });
}

template <typename T> SmallVector<T> pick(const std::vector<T> &values, ArrayRef<int64_t> positions) {
  return llvm::map_to_vector(positions, [&](int64_t i) { return values[i]; });
}

/// One entry per element of `shape`: the element of `tensor` that broadcasts there.
SmallVector<int64_t> broadcastPositions(Shape shape, const Tensor &tensor) {
  SmallVector<int64_t> result;
  forEachIndex(shape, [&](Shape index, int64_t) { result.push_back(broadcastPosition(index, tensor.type.getShape())); });
  return result;
}

/// Which elements of an input of `shape` take part; empty if all do.
std::vector<char> spreadMask(Shape shape, const Tensor *mask) {
  std::vector<char> result;
  if (mask)
    for (int64_t at : broadcastPositions(shape, *mask))
      result.push_back(mask->ints[at] != 0);
  return result;
}

template <typename OpTy> CodeTarget getCodeTarget(OpTy op) {
  return {int64_t(op.getZeroPoint()), int64_t(op.getCodeMin()), int64_t(op.getCodeMax())};
}

void softmaxCodes(const Tensor &x, const Tensor *mask, int64_t axis, const SoftmaxNumbers &numbers, CodeTarget target,
                  Tensor &result) {
  Shape shape = x.type.getShape();
  std::vector<char> part = spreadMask(shape, mask);
  forEachRow(shape, axis, axis, [&](ArrayRef<int64_t> positions) {
    SmallVector<bool> rowMask;
    for (int64_t at : positions)
      if (mask)
        rowMask.push_back(part[at]);
    auto codes = evaluateSoftmaxRow(pick(x.ints, positions), rowMask, numbers, target);
    for (auto [at, code] : llvm::zip_equal(positions, codes))
      result.ints[at] = code;
  });
}

void normalizeCodes(const Tensor &x, int64_t first, int64_t last, int64_t zeroPoint, const NormalizeNumbers &numbers,
                    ArrayRef<int64_t> multiplierAt, ArrayRef<int64_t> offsetAt, CodeTarget target, Tensor &result) {
  forEachRow(x.type.getShape(), first, last, [&](ArrayRef<int64_t> positions) {
    auto factors = evaluateNormalizeRow(pick(x.ints, positions), zeroPoint, numbers);
    for (auto [at, t] : llvm::zip_equal(positions, factors)) {
      int64_t sum = t * numbers.multipliers[multiplierAt[at]] + numbers.offsets[offsetAt[at]];
      result.ints[at] = target.saturate(target.zeroPoint + ((sum + (int64_t(1) << numbers.shift >> 1)) >> numbers.shift));
    }
  });
}
} // namespace

Result reference::evaluateOp(SoftmaxOp op, Operands operands) {
  const Tensor &x = operands[0], *mask = op.getMask() ? &operands[1] : nullptr;
  Tensor result = makeResult(op);
  float factor = op.getScale().convertToFloat();
  Shape shape = x.type.getShape();
  if (getDomain(x.type) == Domain::Quantized) {
    auto target = getTarget(op);
    auto scale = getScale(op, x);
    if (failed(target) || failed(scale))
      return failure();
    std::string why;
    auto numbers = planSoftmax(*scale * double(factor), target->scale, getScheme(x.type).getCodeType().getWidth(),
                               shape[op.getAxis()], op.getLog(), why);
    if (failed(numbers))
      return op.emitError() << why;
    softmaxCodes(x, mask, op.getAxis(), *numbers, {target->zeroPoint, target->low, target->high}, result);
    return result;
  }
  std::vector<char> part = spreadMask(shape, mask);
  constexpr float lowest = std::numeric_limits<float>::lowest();
  forEachRow(shape, op.getAxis(), op.getAxis(), [&](ArrayRef<int64_t> positions) {
    auto takesPart = [&](int64_t at) { return part.empty() || part[at]; };
    float most = lowest, sum = 0;
    for (int64_t at : positions)
      if (takesPart(at))
        most = std::max(most, x.floats[at] * factor);
    for (int64_t at : positions)
      sum += result.floats[at] = takesPart(at) ? expF32(x.floats[at] * factor - most) : 0.0f;
    sum = std::max(sum, 1.0f); // a row without elements
    float log = op.getLog() ? activationF32(ActivationKind::Log, sum, 0, 0) : 0;
    for (int64_t at : positions)
      result.floats[at] = !op.getLog() ? result.floats[at] / sum : takesPart(at) ? x.floats[at] * factor - most - log : lowest;
  });
  return result;
}

Result reference::evaluateOp(SoftmaxCodesOp op, Operands operands) {
  Tensor result = makeResult(op);
  softmaxCodes(operands[0], op.getMask() ? &operands.back() : nullptr, op.getAxis(), getSoftmaxNumbers(op), getCodeTarget(op),
               result);
  return result;
}

Result reference::evaluateOp(NormalizeOp op, Operands operands) {
  const Tensor &x = operands[0];
  const Tensor *scale = op.getScale() ? &operands[1] : nullptr, *bias = op.getBias() ? &operands.back() : nullptr;
  Shape shape = x.type.getShape();
  SmallVector<int64_t> none(x.size(), 0), scaleAt = scale ? broadcastPositions(shape, *scale) : none,
                                          biasAt = bias ? broadcastPositions(shape, *bias) : none;
  std::vector<float> one{1}, zero{0}, &scales = scale ? const_cast<std::vector<float> &>(scale->floats) : one,
                                      &biases = bias ? const_cast<std::vector<float> &>(bias->floats) : zero;
  Tensor result = makeResult(op);
  if (getDomain(x.type) == Domain::Quantized) {
    auto target = getTarget(op);
    auto inputScale = getScale(op, x);
    if (failed(target) || failed(inputScale))
      return failure();
    auto scheme = getScheme(x.type);
    auto [low, high] = getCodeLimits(scheme.getCodeType());
    int64_t zeroPoint = scheme.getZeroPointValues()[0];
    std::string why;
    auto numbers = planNormalize(op.getKind(), *inputScale, zeroPoint, low, high, op.getRowLength(),
                                 op.getEpsilon().convertToDouble(), target->scale, scales, biases, why);
    if (failed(numbers))
      return op.emitError() << why;
    normalizeCodes(x, op.getFirstAxis(), op.getLastAxis(), zeroPoint, *numbers, scaleAt, biasAt,
                   {target->zeroPoint, target->low, target->high}, result);
    return result;
  }
  float epsilon = op.getEpsilon().convertToFloat();
  forEachRow(shape, op.getFirstAxis(), op.getLastAxis(), [&](ArrayRef<int64_t> positions) {
    float count = float(positions.size()), sum = 0, terms = 0;
    bool roots = takesRoot(op.getKind());
    for (int64_t at : positions)
      sum += x.floats[at];
    float mean = subtractsMean(op.getKind()) ? sum / count : 0.0f;
    for (int64_t at : positions) {
      float c = x.floats[at] - mean;
      terms += roots ? c * c : std::fabs(c);
    }
    float deviation = (op.getKind() == NormalizeKind::L2 ? terms : terms / count) + epsilon;
    if (roots)
      deviation = std::sqrt(deviation);
    for (int64_t at : positions)
      result.floats[at] = (x.floats[at] - mean) / deviation * scales[scaleAt[at]] + biases[biasAt[at]];
  });
  return result;
}

Result reference::evaluateOp(NormalizeCodesOp op, Operands operands) {
  const Tensor &x = operands[0];
  Tensor result = makeResult(op);
  normalizeCodes(x, op.getFirstAxis(), op.getLastAxis(), op.getInputZeroPoint(), getNormalizeNumbers(op),
                 broadcastPositions(x.type.getShape(), operands[1]), broadcastPositions(x.type.getShape(), operands[2]),
                 getCodeTarget(op), result);
  return result;
}
