// Functions of one number: the op that holds one, and the op that stands for one by straight pieces.
#include "qc/Dialect/QC/IR/QC.h"

using namespace mlir;
using namespace qc;

//===-- qc.function --------------------------------------------------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>> FunctionOp::inferShape(std::string &) { return SmallVector<int64_t>(getShape(getInput())); }

LogicalResult FunctionOp::verify() {
  if (getDomain(getInput().getType()) == Domain::Integer)
    return emitOpError("has no meaning on plain integers");
  Block &block = getBody().front();
  auto isNumber = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 0 && tensor.getElementType().isF32();
  };
  if (block.getNumArguments() != 1 || !isNumber(block.getArgument(0).getType()))
    return emitOpError("needs a region that takes one tensor<f32>");
  for (Operation &op : block.without_terminator()) {
    auto binary = dyn_cast<BinaryOp>(op);
    bool known = isa<ConstantOp, AddOp, SubOp, MulOp, DivOp, ClampOp, ActivationOp>(op) ||
                 (binary && llvm::is_contained({BinaryKind::Min, BinaryKind::Max, BinaryKind::Pow}, binary.getKind()));
    if (!known || !llvm::all_of(op.getResultTypes(), isNumber))
      return emitOpError() << "holds '" << op.getName() << "', which computes no f32 number from numbers";
  }
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().size() != 1 || !isNumber(yield.getValues()[0].getType()))
    return emitOpError("needs a region that yields one tensor<f32>");
  return success();
}

/// What the last op of the region guarantees.
std::optional<std::pair<double, double>> FunctionOp::getFixedRange() {
  Operation *last = cast<YieldOp>(getBody().front().getTerminator()).getValues()[0].getDefiningOp();
  if (auto clamp = dyn_cast_or_null<ClampOpInterface>(last))
    if (auto low = clamp.getClampMin(), high = clamp.getClampMax(); low && high)
      return std::make_pair(low->convertToDouble(), high->convertToDouble());
  auto quantizable = dyn_cast_or_null<QuantizableOpInterface>(last);
  return quantizable ? quantizable.getFixedRange() : std::nullopt;
}

//===-- qc.pwl -------------------------------------------------------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>> PwlOp::inferShape(std::string &) { return SmallVector<int64_t>(getShape(getInput())); }

/// The integer type of a value's codes; null for f32.
static IntegerType getCodes(Value value) {
  Type type = qc::getElementType(value);
  if (auto quantized = dyn_cast<quant::QuantizedType>(type))
    return qc::getCodeType(quantized);
  return dyn_cast<IntegerType>(type);
}

LogicalResult PwlOp::verify() {
  IntegerType from = getCodes(getInput()), to = getCodes(getResult());
  if (!from || !to || from.getWidth() > 16 || to.getWidth() > 16 ||
      getDomain(getInput().getType()) != getDomain(getResult().getType()))
    return emitOpError("turns codes of at most 16 bits into codes of at most 16 bits, both of quantized types or both plain");
  ArrayRef<int32_t> knots = getKnots(), slopes = getSlopes(), intercepts = getIntercepts();
  if (slopes.size() != knots.size() + 1 || intercepts.size() != slopes.size())
    return emitOpError() << "has " << knots.size() << " knots, which make " << knots.size() + 1 << " pieces, but "
                         << slopes.size() << " slopes and " << intercepts.size() << " intercepts";
  auto [low, high] = getCodeLimits(from);
  for (size_t i = 0; i < knots.size(); ++i)
    if (knots[i] <= (i ? knots[i - 1] : low) || knots[i] > high)
      return emitOpError() << "knot " << knots[i] << " does not ascend within the codes of " << from;
  if (getShift() > 30)
    return emitOpError() << "shift " << getShift() << " is outside [0, 30]";
  auto [least, most] = getCodeLimits(to);
  int64_t min = getCodeMin(), max = getCodeMax();
  if (min < least || max > most || min > max)
    return emitOpError() << "[code_min, code_max] = [" << min << ", " << max << "] is not a range of " << to;
  int64_t half = getShift() ? int64_t(1) << (getShift() - 1) : 0;
  for (size_t p = 0; p < slopes.size(); ++p) {
    // Terms may wrap around; the sum at one end tells that at the other, if both fit.
    int64_t first = p ? knots[p - 1] : low, last = p < knots.size() ? knots[p] - 1 : high;
    int64_t start = int32_t(uint32_t(slopes[p]) * uint32_t(first) + uint32_t(intercepts[p]));
    for (auto [x, sum] : {std::pair(first, start), std::pair(last, start + int64_t(slopes[p]) * (last - first))})
      if (std::abs(sum) + half > INT32_MAX)
        return emitOpError() << "piece " << p << " exceeds 32 bits at the code " << x;
  }
  return success();
}
