// Straight pieces as scalar code without branches: few by comparisons, more by tables, found by a shift or by halving.
#include "Emitter.h"

#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"

using namespace mlir;

namespace qc {
namespace {
/// Up to that many pieces comparisons are cheaper than loads.
constexpr size_t fewPieces = 8;

/// The piece of a code among pieces of equal length.
Value shiftToPiece(Scalars &s, PwlOp op, Value x, unsigned length) {
  Type i32 = s.b.getI32Type();
  int64_t low = getCodeLimits(cast<IntegerType>(getElementType(op.getInput()))).first;
  return s.toIndex(s.ushr(s.sub(x, s.integer(i32, low)), s.integer(i32, length)));
}

/// The piece of a code by halving; `knots` are one fewer than a power of two, the last ones above every code.
Value searchPiece(Scalars &s, Value knots, Value x) {
  Value piece = s.index(0);
  for (int64_t step = (cast<RankedTensorType>(knots.getType()).getNumElements() + 1) / 2; step >= 1; step /= 2) {
    Value at = s.add(piece, s.index(step - 1));
    Value knot = tensor::ExtractOp::create(s.b, s.loc, knots, ValueRange(at));
    piece = s.select(s.less(x, knot), piece, s.add(piece, s.index(step)));
  }
  return piece;
}

std::pair<Value, Value> compare(Scalars &s, ArrayRef<int32_t> knots, Value x, ArrayRef<int64_t> slopes,
                                ArrayRef<int64_t> intercepts) {
  Type i32 = s.b.getI32Type();
  Value slope = s.integer(i32, slopes[0]), intercept = s.integer(i32, intercepts[0]);
  for (auto [p, knot] : llvm::enumerate(knots)) {
    Value below = s.less(x, s.integer(i32, knot));
    slope = s.select(below, slope, s.integer(i32, slopes[p + 1]));
    intercept = s.select(below, intercept, s.integer(i32, intercepts[p + 1]));
  }
  return {slope, intercept};
}
} // namespace

FailureOr<Value> emitPieces(Emitter &e, PwlOp op) {
  auto type = Emitter::getStorageTensor(op.getType());
  Type code = getElementType(op.getInput());
  SmallVector<int64_t> slopes(op.getSlopes()), intercepts(op.getIntercepts());
  if (int64_t shift = op.getShift())
    for (int64_t &intercept : intercepts)
      intercept = int32_t(uint32_t(intercept) + (uint32_t(1) << (shift - 1))); // wraps where the product brings it back
  std::optional<unsigned> length = getUniformLength(op);
  Value slopeTable, interceptTable, knotTable;
  if (slopes.size() > fewPieces) {
    auto makeTable = [&](SmallVector<int64_t> numbers) {
      return e.constant(RankedTensorType::get({int64_t(numbers.size())}, e.b.getI32Type()), numbers);
    };
    if (!length) {
      SmallVector<int64_t> knots(op.getKnots());
      knots.resize(llvm::PowerOf2Ceil(slopes.size()) - 1, INT32_MAX);
      slopes.resize(knots.size() + 1, 0);
      intercepts.resize(knots.size() + 1, 0);
      knotTable = makeTable(knots);
    }
    slopeTable = makeTable(slopes);
    interceptTable = makeTable(intercepts);
  }
  return e.pointwise(type, {e.get(op.getInput())}, [&](Scalars &s, ValueRange v) {
    Type i32 = s.b.getI32Type();
    Value x = s.extend(v[0], code, i32);
    Value slope, intercept;
    if (slopeTable) {
      Value piece = length ? shiftToPiece(s, op, x, *length) : searchPiece(s, knotTable, x);
      slope = tensor::ExtractOp::create(s.b, s.loc, slopeTable, ValueRange(piece));
      intercept = tensor::ExtractOp::create(s.b, s.loc, interceptTable, ValueRange(piece));
    } else {
      std::tie(slope, intercept) = compare(s, op.getKnots(), x, slopes, intercepts);
    }
    Value y = s.shr(s.add(s.mul(slope, x), intercept), s.integer(i32, op.getShift()));
    y = s.clamp(y, s.integer(i32, op.getCodeMin()), s.integer(i32, op.getCodeMax()));
    return s.truncate(y, type.getElementType());
  });
}
} // namespace qc
