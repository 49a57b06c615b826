// Finds the sub-graphs that exporters write for softmax and normalization; the patterns are in RecognizeSubgraphs.td.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_RECOGNIZESUBGRAPHS
#include "qc/Transforms/Passes.h.inc"

namespace {
//===-- Conditions ---------------------------------------------------------------------------------------------------------===//

template <typename AttrTy, typename Kind> bool isKind(AttrTy attr, Kind kind) { return attr.getValue() == kind; }

bool isNumber(ElementsAttr constant, bool (*holds)(float)) {
  return constant.getElementType().isF32() && constant.isSplat() && holds(getFloats(constant)[0]);
}

/// Only zeros and numbers that exp turns into nothing next to any score.
bool isMask(ElementsAttr constant) {
  if (!constant.getElementType().isF32())
    return false;
  SmallVector<float> values = getFloats(constant);
  return llvm::any_of(values, [](float v) { return v <= -1e4f; }) &&
         llvm::all_of(values, [](float v) { return v == 0 || v <= -1e4f; });
}

bool areRows(DenseI64ArrayAttr axes, UnitAttr keep) {
  SmallVector<int64_t> sorted(axes.asArrayRef());
  llvm::sort(sorted);
  return keep && !sorted.empty() && sorted.back() - sorted.front() + 1 == int64_t(sorted.size());
}
bool isOneAxis(DenseI64ArrayAttr axes, UnitAttr keep) { return keep && axes.size() == 1; }

bool isRmsOver(Value normalized, DenseI64ArrayAttr axes) {
  auto op = normalized.getDefiningOp<NormalizeOp>();
  auto [low, high] = std::minmax_element(axes.asArrayRef().begin(), axes.asArrayRef().end());
  return op.getKind() == NormalizeKind::Rms && int64_t(op.getFirstAxis()) == *low && int64_t(op.getLastAxis()) == *high;
}

bool isSmallLimit(FloatAttr limit) { return limit && limit.getValueAsDouble() >= 0 && limit.getValueAsDouble() <= 1e-5; }

/// Each dimension of `constant`, aligned to the last one, is 1 or that of `value`.
bool broadcastsTo(Value constant, Value value) {
  auto from = getShape(constant), to = getShape(value);
  if (!getElementType(constant).isF32() || from.size() > to.size())
    return false;
  return llvm::all_of(llvm::zip(llvm::reverse(from), llvm::reverse(to)),
                      [](auto pair) { return std::get<0>(pair) == 1 || std::get<0>(pair) == std::get<1>(pair); });
}
bool takesScale(Value normalized, Value constant) {
  auto op = normalized.getDefiningOp<NormalizeOp>();
  return normalized.hasOneUse() && !op.getScale() && !op.getBias() && broadcastsTo(constant, normalized);
}
bool takesBias(Value normalized, Value constant) {
  auto op = normalized.getDefiningOp<NormalizeOp>();
  return normalized.hasOneUse() && !op.getBias() && broadcastsTo(constant, normalized);
}

//===-- Results ------------------------------------------------------------------------------------------------------------===//

Value makeNormalize(OpBuilder &builder, Location loc, NormalizeKind kind, Value x, DenseI64ArrayAttr axes, Attribute epsilon) {
  auto [low, high] = std::minmax_element(axes.asArrayRef().begin(), axes.asArrayRef().end());
  float number =
      isa<FloatAttr>(epsilon) ? float(cast<FloatAttr>(epsilon).getValueAsDouble()) : getFloats(cast<ElementsAttr>(epsilon))[0];
  return NormalizeOp::create(builder, loc, x.getType(), kind, x, Value(), Value(), *low, *high, llvm::APFloat(number));
}
FloatAttr getZero(OpBuilder &builder) { return builder.getF32FloatAttr(0); }

/// A limit of the root is one of what stands under it.
Value makeClampedL2(OpBuilder &builder, Location loc, Value x, DenseI64ArrayAttr axes, FloatAttr least) {
  double limit = least.getValueAsDouble();
  return makeNormalize(builder, loc, NormalizeKind::L2, x, axes, builder.getF32FloatAttr(limit * limit));
}

Value makeLayer(OpBuilder &builder, Location loc, Value x, Value rms) {
  auto op = rms.getDefiningOp<NormalizeOp>();
  return NormalizeOp::create(builder, loc, x.getType(), NormalizeKind::Layer, x, op.getScale(), op.getBias(), op.getFirstAxis(),
                             op.getLastAxis(), op.getEpsilon());
}

Value addScale(OpBuilder &builder, Location loc, Value normalized, Value scale) {
  auto op = normalized.getDefiningOp<NormalizeOp>();
  return NormalizeOp::create(builder, loc, op.getType(), op.getKind(), op.getInput(), scale, op.getBias(), op.getFirstAxis(),
                             op.getLastAxis(), op.getEpsilon());
}
Value addBias(OpBuilder &builder, Location loc, Value normalized, Value bias) {
  auto op = normalized.getDefiningOp<NormalizeOp>();
  return NormalizeOp::create(builder, loc, op.getType(), op.getKind(), op.getInput(), op.getScale(), bias, op.getFirstAxis(),
                             op.getLastAxis(), op.getEpsilon());
}

Value makeHypot(OpBuilder &builder, Location loc, Value x, Value y) {
  return BinaryOp::create(builder, loc, x.getType(), BinaryKind::Hypot, x, y);
}

Value makeSoftmax(OpBuilder &builder, Location loc, Value x, DenseI64ArrayAttr axes) {
  return SoftmaxOp::create(builder, loc, x.getType(), x, uint64_t(axes[0]));
}

/// A softmax like `softmax` on `x`, to be changed.
SoftmaxOp copySoftmax(OpBuilder &builder, Location loc, Value softmax, Value x) {
  auto op = softmax.getDefiningOp<SoftmaxOp>();
  return SoftmaxOp::create(builder, loc, op.getType(), x, op.getMask(), op.getAxisAttr(), op.getScaleAttr(), op.getLogAttr());
}
Value makeLogSoftmax(OpBuilder &builder, Location loc, Value softmax) {
  SoftmaxOp op = copySoftmax(builder, loc, softmax, softmax.getDefiningOp<SoftmaxOp>().getInput());
  op.setLog(true);
  return op;
}
Value scaleSoftmax(OpBuilder &builder, Location loc, Value softmax, Value x, ElementsAttr factor, bool inverted) {
  SoftmaxOp op = copySoftmax(builder, loc, softmax, x);
  float number = getFloats(factor)[0];
  op.setScaleAttr(builder.getF32FloatAttr(op.getScale().convertToFloat() * (inverted ? 1 / number : number)));
  return op;
}
Value maskSoftmax(OpBuilder &builder, Location loc, Value softmax, Value x, Value mask) {
  SoftmaxOp op = copySoftmax(builder, loc, softmax, x);
  op.getMaskMutable().assign(mask);
  return op;
}

Value makeFlags(OpBuilder &builder, Location loc, ShapedType like, ArrayRef<int64_t> flags) {
  return ConstantOp::create(builder, loc, makeElements(RankedTensorType::get(like.getShape(), builder.getI1Type()), flags));
}
/// The elements to which nothing is added.
Value makeMask(OpBuilder &builder, Location loc, ElementsAttr added) {
  SmallVector<int64_t> flags = llvm::map_to_vector(getFloats(added), [](float v) { return int64_t(v == 0); });
  return makeFlags(builder, loc, added.getShapedType(), flags);
}
Value invertMask(OpBuilder &builder, Location loc, ElementsAttr condition) {
  SmallVector<int64_t> flags = llvm::map_to_vector(getInts(condition), [](int64_t v) { return int64_t(v == 0); });
  return makeFlags(builder, loc, condition.getShapedType(), flags);
}

#include "qc/Transforms/RecognizeSubgraphs.inc"

struct RecognizeSubgraphs : impl::RecognizeSubgraphsBase<RecognizeSubgraphs> {
  using RecognizeSubgraphsBase::RecognizeSubgraphsBase;
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    size_t before = count();
    RewritePatternSet patterns(&getContext());
    populateWithGenerated(patterns);
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    numRecognized += count() - before;
  }

private:
  size_t count() {
    size_t found = 0;
    getOperation().walk([&](Operation *op) { found += isa<SoftmaxOp, NormalizeOp>(op); });
    return found;
  }
};
} // namespace
} // namespace qc
