// Finds the sub-graphs that exporters write for softmax, normalization and cosine similarity; the patterns are in
// RecognizeSubgraphs.td.
#include "Masks.h"
#include "Quantizable.h"
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
  if (Value other = op.getMask()) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(op);
    mask = combineMasks(builder, loc, other, mask);
  }
  op.getMaskMutable().assign(mask);
  return op;
}
Value unclampSoftmax(OpBuilder &builder, Location loc, Value softmax, Value x) { return copySoftmax(builder, loc, softmax, x); }

//===-- Cosine similarity --------------------------------------------------------------------------------------------------===//

/// `value` without a limit or an added number that only keeps it from zero; that number goes into `epsilon`.
Value stripEpsilon(Value value, double most, double &epsilon) {
  std::optional<double> found;
  Value inner;
  if (auto clamp = value.getDefiningOp<ClampOp>(); clamp && clamp.getClampMin() && !clamp.getClampMax()) {
    found = clamp.getClampMin()->convertToDouble();
    inner = clamp.getInput();
  } else if (auto add = value.getDefiningOp<AddOp>(); add && !add.getClampMin() && !add.getClampMax()) {
    ElementsAttr constant = getConstant(add.getRhs());
    if (constant && constant.getElementType().isF32() && constant.isSplat()) {
      found = getFloats(constant)[0];
      inner = add.getLhs();
    }
  }
  if (!found || *found < 0 || *found > most)
    return value;
  epsilon = std::max(epsilon, *found);
  return inner;
}

Value getRadicand(Value value) {
  auto root = value.getDefiningOp<ActivationOp>();
  return root && root.getKind() == ActivationKind::Sqrt ? root.getInput() : Value();
}

/// The sum of the squares of `x` over the axes of `dot`.
bool isSumOfSquares(Value value, Value x, ReduceOp dot) {
  auto sum = value ? value.getDefiningOp<ReduceOp>() : ReduceOp();
  auto square = sum ? sum.getInput().getDefiningOp<MulOp>() : MulOp();
  return square && sum.getKind() == ReduceKind::Sum && sum.getAxes() == dot.getAxes() && sum.getKeepDims() == dot.getKeepDims() &&
         square.getLhs() == x && square.getRhs() == x;
}

/// What keeps a product of norms, or a sum of squares, from zero is worth no code below these.
constexpr double tinyNorm = 1e-5, tinySquare = 1e-10;

/// The norm of `x`; `epsilon` is raised to what stands beside the sum of squares.
bool isNorm(Value value, Value x, ReduceOp dot, double &epsilon) {
  double limit = 0;
  Value squares = getRadicand(stripEpsilon(value, tinyNorm, limit));
  epsilon = std::max(epsilon, limit * limit);
  return squares && isSumOfSquares(stripEpsilon(squares, tinySquare, epsilon), x, dot);
}

/// The sum of a product of two tensors, and its factors.
struct Dot {
  ReduceOp sum;
  Value x, y;
  explicit Dot(Value value) : sum(value.getDefiningOp<ReduceOp>()) {
    auto product = sum.getInput().getDefiningOp<MulOp>();
    x = product.getLhs(), y = product.getRhs();
  }
  /// Neither factor is repeated along the axes of the sum.
  bool isInner() const {
    ReduceOp reduce = sum;
    size_t rank = getShape(reduce.getInput()).size();
    return x != y && getShape(x).size() == rank && getShape(y).size() == rank && !reduce.getAxes().empty() &&
           llvm::all_of(reduce.getAxes(), [&](int64_t d) { return getShape(x)[d] == getShape(y)[d]; }) &&
           areRows(reduce.getAxesAttr(), UnitAttr::get(reduce.getContext()));
  }
};

/// |x| * |y|, or the root of both squares, with what keeps them from zero.
std::optional<double> findEpsilon(Value norms, const Dot &dot) {
  auto either = [&](Value product, auto is) {
    auto mul = product ? product.getDefiningOp<MulOp>() : MulOp();
    return mul && ((is(mul.getLhs(), dot.x) && is(mul.getRhs(), dot.y)) || (is(mul.getLhs(), dot.y) && is(mul.getRhs(), dot.x)));
  };
  double epsilon = 0, limit = 0;
  Value product = stripEpsilon(norms, tinyNorm, limit);
  if (either(product, [&](Value v, Value of) { return isNorm(v, of, dot.sum, epsilon); }))
    return std::max(epsilon, limit);
  double square = 0;
  Value squares = getRadicand(product);
  if (squares &&
      either(stripEpsilon(squares, tinySquare, square), [&](Value v, Value of) { return isSumOfSquares(v, of, dot.sum); }))
    return std::max(limit, std::sqrt(square));
  return std::nullopt;
}
/// One norm after the other.
std::optional<double> findEpsilon(Value first, Value second, const Dot &dot) {
  for (bool swapped : {false, true}) {
    double epsilon = 0;
    if (isNorm(swapped ? second : first, dot.x, dot.sum, epsilon) && isNorm(swapped ? first : second, dot.y, dot.sum, epsilon))
      return epsilon;
  }
  return std::nullopt;
}
bool isProductOfNorms(Value norms, Value dot) { return Dot(dot).isInner() && findEpsilon(norms, Dot(dot)); }
bool areNorms(Value first, Value second, Value dot) { return Dot(dot).isInner() && findEpsilon(first, second, Dot(dot)); }

Value makeCosine(OpBuilder &builder, Location loc, const Dot &dot, double epsilon) {
  ReduceOp sum = dot.sum;
  auto normalize = [&](Value v) {
    return makeNormalize(builder, loc, NormalizeKind::L2, v, sum.getAxesAttr(), builder.getF32FloatAttr(float(epsilon)));
  };
  Value a = normalize(dot.x), b = normalize(dot.y);
  Value product = MulOp::create(builder, loc, sum.getInput().getType(), a, b, FloatAttr(), FloatAttr(), 0, 0, IntegerAttr());
  return ReduceOp::create(builder, loc, sum.getType(), ReduceKind::Sum, product, sum.getAxes(), sum.getKeepDims(), IntegerAttr());
}
Value makeCosine(OpBuilder &builder, Location loc, Value dot, Value norms) {
  return makeCosine(builder, loc, Dot(dot), *findEpsilon(norms, Dot(dot)));
}
Value makeCosine(OpBuilder &builder, Location loc, Value dot, Value first, Value second) {
  return makeCosine(builder, loc, Dot(dot), *findEpsilon(first, second, Dot(dot)));
}

/// Two tensors whose rows along the last dimension have norm 1, summed along it.
bool areNormalizedRows(Value x, Value y, DenseI64ArrayAttr axes) {
  auto isUnit = [&](Value value) {
    auto op = value.getDefiningOp<NormalizeOp>();
    int64_t last = int64_t(getShape(value).size()) - 1;
    return op && op.getKind() == NormalizeKind::L2 && op.getFirstAxis() == uint64_t(last) && op.getLastAxis() == uint64_t(last) &&
           axes.size() == 1 && axes[0] == last;
  };
  return isUnit(x) && isUnit(y) && getShape(x).size() == getShape(y).size() && getShape(x).back() == getShape(y).back();
}
/// As a product of rows and columns: accumulators are exact, and nothing in between is rounded.
Value makeDot(OpBuilder &builder, Location loc, Value x, Value y, Value dot) {
  auto view = [&](Value value, bool asColumn) -> Value {
    SmallVector<int64_t> shape(getShape(value));
    shape.insert(asColumn ? shape.end() : shape.end() - 1, 1);
    return ReshapeOp::create(builder, loc, withShape(value.getType(), shape), value);
  };
  SmallVector<int64_t> shape(getShape(dot.getDefiningOp<ReduceOp>().getInput()));
  shape.back() = 1;
  shape.push_back(1);
  Value product = MatmulOp::create(builder, loc, withShape(dot.getType(), shape), view(x, false), view(y, true), Value(),
                                   FloatAttr(), FloatAttr(), 0, 0, IntegerAttr());
  return ReshapeOp::create(builder, loc, dot.getType(), product);
}

//===-- Broadcasts ---------------------------------------------------------------------------------------------------------===//

/// Element-wise ops repeat a dimension of size 1 by themselves.
struct DropBroadcast : RewritePattern {
  explicit DropBroadcast(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/2, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<AddOp, SubOp, MulOp, DivOp, BinaryOp, CompareOp, SelectOp>(op))
      return rewriter.notifyMatchFailure(op, "does not broadcast its operands");
    for (OpOperand &operand : op->getOpOperands()) {
      auto gather = operand.get().getDefiningOp<GatherOp>();
      if (!gather || getShape(gather.getInput())[gather.getAxis()] != 1)
        continue;
      Value before = operand.get();
      std::string why;
      operand.set(gather.getInput());
      auto shape = cast<ShapeOpInterface>(op).inferShape(why);
      bool same = succeeded(shape) && ArrayRef<int64_t>(*shape) == getShape(op->getResult(0));
      operand.set(before);
      if (!same)
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(gather.getInput()); });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no operand is repeated");
  }
};

//===-- Mean magnitudes ----------------------------------------------------------------------------------------------------===//

/// `layer` and `rms` by mean magnitudes. For normally distributed rows those are sqrt(2 / pi) of the deviation, which the scale
/// makes up for.
void useMeanMagnitudes(NormalizeOp op) {
  constexpr double ratio = 1.2533141373155003; // sqrt(pi / 2)
  ElementsAttr known = op.getScale() ? getConstant(op.getScale()) : ElementsAttr();
  if ((op.getKind() != NormalizeKind::Layer && op.getKind() != NormalizeKind::Rms) || (op.getScale() && !known))
    return;
  OpBuilder builder(op);
  SmallVector<float> scales = known ? getFloats(known) : SmallVector<float>{1.0f};
  for (float &scale : scales)
    scale = float(double(scale) / ratio);
  auto type = RankedTensorType::get(known ? getShape(op.getScale()) : ArrayRef<int64_t>(1), builder.getF32Type());
  Value scale = ConstantOp::create(builder, op.getLoc(), makeElements(type, ArrayRef<float>(scales)));
  auto kind = op.getKind() == NormalizeKind::Layer ? NormalizeKind::Mad : NormalizeKind::MeanAbs;
  auto magnitudes =
      NormalizeOp::create(builder, op.getLoc(), op.getType(), kind, op.getInput(), scale, op.getBias(), op.getFirstAxis(),
                          op.getLastAxis(), llvm::APFloat(float(std::sqrt(op.getEpsilon().convertToDouble()) / ratio)));
  op.replaceAllUsesWith(magnitudes.getResult());
  op.erase();
}

#include "qc/Transforms/RecognizeSubgraphs.inc"

struct RecognizeSubgraphs : impl::RecognizeSubgraphsBase<RecognizeSubgraphs> {
  using RecognizeSubgraphsBase::RecognizeSubgraphsBase;
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    if (normalize != "exact" && normalize != "mad") {
      emitError(getOperation().getLoc()) << "normalize=" << normalize << ": use exact or mad";
      return signalPassFailure();
    }
    size_t before = count();
    RewritePatternSet patterns(&getContext());
    populateWithGenerated(patterns);
    patterns.add<DropBroadcast>(&getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    numRecognized += count() - before;
    if (normalize == "mad") {
      SmallVector<NormalizeOp> ops;
      getOperation().walk([&](NormalizeOp op) { ops.push_back(op); });
      llvm::for_each(ops, useMeanMagnitudes);
    }
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
