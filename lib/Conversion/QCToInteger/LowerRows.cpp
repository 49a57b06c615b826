// Softmax, normalization, roots and quotients on quantized types become the integer ops whose numbers follow from the scales
// (N20, N21, N23, N24).
#include "Patterns.h"

#include "qc/Dialect/QC/Reference/Rows.h"

using namespace mlir;

namespace qc {
namespace {
template <typename T> Value makeVector(OpBuilder &builder, Location loc, ArrayRef<T> values, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, builder.getIntegerType(8 * sizeof(T)));
  return ConstantOp::create(builder, loc, makeElements(type, SmallVector<int64_t>(values.begin(), values.end())));
}

struct LowerSoftmax : Pattern<SoftmaxOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(SoftmaxOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getInput(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [x, y] = *affines;
    auto type = integerType(op.getResult());
    std::string why;
    auto n = planSoftmax(x.scale * op.getScale().convertToDouble(), y.scale,
                         getElementType(in.getInput()).getIntOrFloatBitWidth(), type.getDimSize(op.getAxis()), op.getLog(), why);
    if (failed(n))
      return op.emitError() << why;
    SmallVector<Value> tables{makeVector<int32_t>(rewriter, op.getLoc(), n->low, int64_t(n->low.size()))};
    if (!n->high.empty())
      tables.push_back(makeVector<int32_t>(rewriter, op.getLoc(), n->high, int64_t(n->high.size())));
    auto [low, high] = getCodeRange(op);
    rewriter.replaceOpWithNewOp<SoftmaxCodesOp>(op, type, in.getInput(), tables, in.getMask(), op.getAxis(), n->fractionBits,
                                                n->multiplier, n->multiplierShift, n->shift, n->logMultiplier, y.zeroPoint, low,
                                                high, op.getLog());
    return success();
  }
};

struct LowerNormalize : Pattern<NormalizeOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(NormalizeOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getInput(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [x, y] = *affines;
    auto read = [&](Value value, float otherwise, SmallVector<float> &numbers, SmallVector<int64_t> &shape) {
      ElementsAttr constant = value ? getConstant(value) : ElementsAttr();
      numbers = constant ? getFloats(constant) : SmallVector<float>{otherwise};
      shape = constant ? SmallVector<int64_t>(getShape(value)) : SmallVector<int64_t>{1};
      return !value || constant;
    };
    SmallVector<float> scales, biases;
    SmallVector<int64_t> scaleShape, biasShape;
    if (!read(op.getScale(), 1, scales, scaleShape) || !read(op.getBias(), 0, biases, biasShape))
      return rewriter.notifyMatchFailure(op, "needs a constant scale and bias");
    auto [least, most] = getCodeLimits(cast<IntegerType>(getElementType(in.getInput())));
    std::string why;
    auto n = planNormalize(op.getKind(), x.scale, x.zeroPoint, least, most, op.getRowLength(), op.getEpsilon().convertToDouble(),
                           y.scale, scales, biases, why);
    if (failed(n))
      return op.emitError() << why;
    auto [low, high] = getCodeRange(op);
    rewriter.replaceOpWithNewOp<NormalizeCodesOp>(op, integerType(op.getResult()), op.getKind(), in.getInput(),
                                                  makeVector<int32_t>(rewriter, op.getLoc(), n->multipliers, scaleShape),
                                                  makeVector<int64_t>(rewriter, op.getLoc(), n->offsets, biasShape),
                                                  op.getFirstAxis(), op.getLastAxis(), x.zeroPoint, n->epsilon, n->prescale,
                                                  n->fractionBits, n->shift, y.zeroPoint, low, high);
    return success();
  }
};

struct LowerHypot : Pattern<BinaryOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(BinaryOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    if (op.getKind() != BinaryKind::Hypot)
      return rewriter.notifyMatchFailure(op, "no root of squares");
    auto affines = getAffines(op, rewriter, {op.getLhs(), op.getRhs(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [a, b, y] = *affines;
    std::string why;
    auto describe = [](Affine type, Value codes) {
      return HypotOperand(type.scale, type.zeroPoint, cast<IntegerType>(getElementType(codes)));
    };
    auto n = planHypot(describe(a, in.getLhs()), describe(b, in.getRhs()), y.scale, why);
    if (failed(n))
      return op.emitError() << why;
    auto [low, high] = getCodeRange(op);
    rewriter.replaceOpWithNewOp<HypotCodesOp>(op, integerType(op.getResult()), in.getLhs(), in.getRhs(), n->lhsZeroPoint,
                                              n->rhsZeroPoint, n->lhsMultiplier, n->rhsMultiplier, n->multiplier, n->shift,
                                              y.zeroPoint, low, high);
    return success();
  }
};

struct LowerDivide : Pattern<DivOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(DivOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getLhs(), op.getRhs(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [a, b, y] = *affines;
    std::string why;
    auto n = planDivide(a.scale, a.zeroPoint, b.scale, b.zeroPoint, y.scale, rounding, why);
    if (failed(n))
      return op.emitError() << why;
    auto [low, high] = getCodeRange(op);
    rewriter.replaceOpWithNewOp<DivideCodesOp>(op, integerType(op.getResult()), in.getLhs(), in.getRhs(), n->lhsZeroPoint,
                                               n->rhsZeroPoint, n->multiplier, n->shift, y.zeroPoint, low, high, n->halfUp);
    return success();
  }
};
} // namespace

void populateRowPatterns(const TypeConverter &types, RewritePatternSet &patterns, Rounding rounding) {
  patterns.add<LowerSoftmax, LowerNormalize, LowerHypot, LowerDivide>(types, patterns.getContext(), rounding);
}
} // namespace qc
