// Ops that move values without computing new ones. On quantized types codes pass through; where operand and result types differ
// each code is requantized on its way.
#include "EvalInternal.h"

using namespace mlir;
using namespace qc;
using namespace qc::reference;

namespace {
/// An operand's values in the result's element type.
FailureOr<Tensor> convert(Operation *op, const Tensor &from) {
  Tensor tensor{withElementType(from.type, getElementType(op->getResult(0))), {}, {}};
  if (tensor.isFloat() != from.isFloat())
    return op->emitError("moves values and cannot turn ")
           << from.type.getElementType() << " into " << tensor.type.getElementType();
  if (from.isFloat()) {
    tensor.floats = from.floats;
    return tensor;
  }
  auto codes = moveCodes(op, from);
  if (failed(codes))
    return failure();
  tensor.ints = std::move(*codes);
  return tensor;
}

void copyElement(Tensor &to, int64_t toPosition, const Tensor &from, int64_t fromPosition) {
  if (to.isFloat())
    to.floats[toPosition] = from.floats[fromPosition];
  else
    to.ints[toPosition] = from.ints[fromPosition];
}

/// result[index] = operand[source(index)].
template <typename F> Result pull(Operation *op, const Tensor &operand, F source) {
  auto from = convert(op, operand);
  if (failed(from))
    return failure();
  Tensor result = makeResult(op);
  forEachIndex(result.type.getShape(),
               [&](Shape index, int64_t i) { copyElement(result, i, *from, linearize(source(index), from->type.getShape())); });
  return result;
}
} // namespace

Result reference::evaluateOp(ConcatOp op, Operands operands) {
  Tensor result = makeResult(op);
  int64_t offset = 0;
  for (const Tensor &operand : operands) {
    auto from = convert(op, operand);
    if (failed(from))
      return failure();
    forEachIndex(operand.type.getShape(), [&](Shape index, int64_t i) {
      Index to(index);
      to[op.getAxis()] += offset;
      copyElement(result, linearize(to, result.type.getShape()), *from, i);
    });
    offset += operand.type.getShape()[op.getAxis()];
  }
  return result;
}

Result reference::evaluateOp(SliceOp op, Operands operands) {
  return pull(op, operands[0], [&](Shape index) {
    Index from(index);
    for (size_t d = 0; d < from.size(); ++d)
      from[d] = op.getStarts()[d] + index[d] * op.getSteps()[d];
    return from;
  });
}

Result reference::evaluateOp(PadOp op, Operands operands) {
  auto from = convert(op, operands[0]);
  if (failed(from))
    return failure();
  Tensor result = makeResult(op);
  int64_t code = op.getPadValue();
  if (auto scheme = getScheme(result.type))
    code = scheme.encode({op.getValue().convertToDouble()}, {1})[0];
  Shape shape = from->type.getShape();
  forEachIndex(result.type.getShape(), [&](Shape index, int64_t i) {
    Index source(index);
    bool inside = true;
    for (size_t d = 0; d < source.size(); ++d) {
      int64_t last = shape[d] - 1, &s = source[d];
      s -= op.getLow()[d];
      inside &= s >= 0 && s <= last;
      if (op.getMode() == PadMode::Reflect)
        s = s < 0 ? -s : s > last ? 2 * last - s : s;
      else
        s = std::clamp<int64_t>(s, 0, last);
    }
    if (inside || op.getMode() != PadMode::Constant)
      copyElement(result, i, *from, linearize(source, shape));
    else if (result.isFloat())
      result.floats[i] = op.getValue().convertToFloat();
    else
      result.ints[i] = code;
  });
  return result;
}

Result reference::evaluateOp(ReshapeOp op, Operands operands) {
  auto from = convert(op, operands[0]);
  if (failed(from))
    return failure();
  from->type = cast<RankedTensorType>(op.getType());
  return from;
}

Result reference::evaluateOp(TransposeOp op, Operands operands) {
  return pull(op, operands[0], [&](Shape index) {
    Index from(index);
    for (auto [d, p] : llvm::enumerate(op.getPermutation()))
      from[p] = index[d];
    return from;
  });
}

Result reference::evaluateOp(GatherOp op, Operands operands) {
  return pull(op, operands[0], [&](Shape index) {
    Index from(index);
    from[op.getAxis()] = op.getIndices()[index[op.getAxis()]];
    return from;
  });
}
