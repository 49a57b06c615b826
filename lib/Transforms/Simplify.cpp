// Folds constants, merges constant scales and offsets into contractions, drops no-ops.
#include "Quantizable.h"
#include "qc/Dialect/QC/Reference/Eval.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_SIMPLIFY
#include "qc/Transforms/Passes.h.inc"

namespace {
//===-- Constants ----------------------------------------------------------------------------------------------------------===//

/// What the evaluator computes on: f32 and integers.
bool isPlain(Type type) {
  Type element = cast<ShapedType>(type).getElementType();
  return element.isF32() || isa<IntegerType>(element);
}

struct FoldConstants : RewritePattern {
  explicit FoldConstants(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/10, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa_and_nonnull<QCDialect>(op->getDialect()) || isa<ConstantOp, ObserveOp>(op) || op->getNumResults() != 1 ||
        op->getNumOperands() == 0)
      return rewriter.notifyMatchFailure(op, "not a computation of the qc dialect");
    int64_t inputs = 0;
    SmallVector<Tensor> operands;
    for (Value operand : op->getOperands()) {
      if (!getConstant(operand) || !isPlain(operand.getType()))
        return rewriter.notifyMatchFailure(op, "an operand is not a plain constant");
      inputs += cast<ShapedType>(operand.getType()).getNumElements();
    }
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (!isPlain(type))
      return rewriter.notifyMatchFailure(op, "the result is neither f32 nor integer");
    // A constant that is broadcast or resized to many times its size is cheaper to compute than to store.
    if (type.getNumElements() > 4 * inputs + (1 << 14))
      return rewriter.notifyMatchFailure(op, "the result is much larger than its operands");
    for (Value operand : op->getOperands())
      operands.push_back(Tensor::fromAttr(getConstant(operand), cast<RankedTensorType>(operand.getType())));
    FailureOr<Tensor> result = evaluate(op, operands);
    if (failed(result))
      return rewriter.notifyMatchFailure(op, "the evaluator does not know it");
    rewriter.replaceOpWithNewOp<ConstantOp>(op, type, result->toAttr());
    return success();
  }
};

//===-- Scales and offsets -------------------------------------------------------------------------------------------------===//

/// `constant`, broadcast to `shape`, as one number per index of `axis`; nothing if it varies along another axis or would widen
/// `shape`.
std::optional<SmallVector<double>> getPerChannel(Value constant, ArrayRef<int64_t> shape, int64_t axis) {
  ElementsAttr attr = getConstant(constant);
  if (!attr || !isFloatTensor(constant))
    return std::nullopt;
  auto own = getShape(constant);
  if (own.size() > shape.size())
    return std::nullopt;
  int64_t offset = shape.size() - own.size(), inner = 1;
  for (auto [i, size] : llvm::enumerate(own)) {
    if (size != 1 && size != shape[offset + i])
      return std::nullopt;
    if (int64_t(i) + offset > axis)
      inner *= size;
  }
  int64_t ownChannels = axis >= offset ? own[axis - offset] : 1;
  SmallVector<float> values = getFloats(attr);
  SmallVector<double> result(shape[axis]);
  for (int64_t c = 0; c < shape[axis]; ++c)
    result[c] = values[ownChannels == 1 ? 0 : c * inner];
  for (auto [i, v] : llvm::enumerate(values))
    if (double(v) != result[ownChannels == 1 ? 0 : i / inner % ownChannels])
      return std::nullopt;
  return result;
}

/// What a binary op with one constant operand does: result = input * scale + offset, per index of a channel axis.
struct Affine {
  Value input;
  SmallVector<double> scale, offset;
};

/// The affine form of `op` along `axis` of its result, or nothing with the reason in `why`.
std::optional<Affine> getAffine(Operation *op, int64_t axis, StringRef &why) {
  if (!isa<AddOp, SubOp, MulOp, DivOp>(op) || !isFloatTensor(op->getResult(0))) {
    why = "no f32 add, sub, mul or div";
    return std::nullopt;
  }
  auto shape = getShape(op->getResult(0));
  if (axis >= int64_t(shape.size())) {
    why = "the result has no channel axis";
    return std::nullopt;
  }
  for (unsigned side : {1u, 0u}) {
    Value input = op->getOperand(1 - side);
    auto constant = getPerChannel(op->getOperand(side), shape, axis);
    if (!constant || getShape(input) != shape)
      continue;
    SmallVector<double> ones(shape[axis], 1.0), zeros(shape[axis], 0.0);
    auto negated = llvm::map_to_vector(*constant, [](double c) { return -c; });
    if (isa<AddOp>(op))
      return Affine{input, ones, *constant};
    if (isa<MulOp>(op))
      return Affine{input, *constant, zeros};
    if (isa<SubOp>(op))
      return side == 1 ? Affine{input, ones, negated} : Affine{input, SmallVector<double>(shape[axis], -1.0), *constant};
    if (side == 1 && llvm::none_of(*constant, [](double c) { return c == 0; }))
      return Affine{input, llvm::map_to_vector(*constant, [](double c) { return 1.0 / c; }), zeros};
  }
  why = "no operand is a constant per channel, or it widens the other";
  return std::nullopt;
}

/// Rounds to f32 once; nothing if a value is not finite then.
std::optional<SmallVector<float>> roundAll(ArrayRef<double> values) {
  SmallVector<float> result;
  for (double v : values) {
    result.push_back(float(v));
    if (!std::isfinite(result.back()))
      return std::nullopt;
  }
  return result;
}

/// The output channel of element `i` of the weight of a contraction.
int64_t getOutputChannel(Operation *op, ArrayRef<int64_t> weight, int64_t i) {
  int64_t inner = 1;
  if (auto transposed = dyn_cast<ConvTransposeOp>(op)) {
    for (int64_t d : weight.drop_front(2))
      inner *= d;
    int64_t perGroup = weight[1], inputsPerGroup = weight[0] / transposed.getGroups();
    return i / (inner * perGroup) / inputsPerGroup * perGroup + i / inner % perGroup;
  }
  int64_t axis = cast<QuantizableOpInterface>(op).getWeightChannelAxis();
  for (int64_t d : weight.drop_front(axis + 1))
    inner *= d;
  return i / inner % weight[axis];
}

/// Limits of one op become those of another that has none.
void moveClamp(ClampOpInterface from, ClampOpInterface to, Builder &builder) {
  if (auto low = from.getClampMin())
    to.setClampMinAttr(builder.getF32FloatAttr(low->convertToFloat()));
  if (auto high = from.getClampMax())
    to.setClampMaxAttr(builder.getF32FloatAttr(high->convertToFloat()));
}

/// contraction(x, w, b) * scale + offset to contraction(x, w * scale, b * scale + offset).
struct FoldIntoContraction : RewritePattern {
  explicit FoldIntoContraction(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/5, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<AddOp, SubOp, MulOp, DivOp>(op))
      return rewriter.notifyMatchFailure(op, "no add, sub, mul or div");
    Operation *producer = op->getOperand(0).getDefiningOp();
    if (!isa_and_nonnull<ConvOp, ConvTransposeOp, MatmulOp>(producer))
      producer = op->getOperand(1).getDefiningOp();
    if (!isa_and_nonnull<ConvOp, ConvTransposeOp, MatmulOp>(producer))
      return rewriter.notifyMatchFailure(op, "no operand is a contraction");
    if (!producer->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the contraction's result has other uses");
    auto clamp = cast<ClampOpInterface>(producer);
    if (clamp.getClampMin() || clamp.getClampMax())
      return rewriter.notifyMatchFailure(op, "the contraction's result is clamped");
    int64_t axis = isa<MatmulOp>(producer) ? int64_t(getShape(producer->getResult(0)).size()) - 1 : 1;
    StringRef why;
    std::optional<Affine> affine = getAffine(op, axis, why);
    if (!affine)
      return rewriter.notifyMatchFailure(op, why);

    Value weight = producer->getOperand(1), bias = producer->getNumOperands() > 2 ? producer->getOperand(2) : Value();
    if (bias && !getConstant(bias))
      return rewriter.notifyMatchFailure(op, "the bias is not a plain constant");
    bool scales = llvm::any_of(affine->scale, [](double s) { return s != 1.0; });
    std::optional<SmallVector<float>> newWeight;
    if (scales) {
      if (!getConstant(weight))
        return rewriter.notifyMatchFailure(op, "the weights are not a plain constant");
      SmallVector<float> old = getFloats(getConstant(weight));
      SmallVector<double> scaled(old.begin(), old.end());
      for (auto [i, w] : llvm::enumerate(scaled))
        w *= affine->scale[getOutputChannel(producer, getShape(weight), i)];
      newWeight = roundAll(scaled);
      if (!newWeight)
        return rewriter.notifyMatchFailure(op, "the scaled weights exceed f32");
    }
    SmallVector<double> newBias = affine->offset;
    if (bias)
      for (auto [c, b] : llvm::enumerate(getFloats(getConstant(bias))))
        newBias[c] += double(b) * affine->scale[c];
    std::optional<SmallVector<float>> roundedBias = roundAll(newBias);
    if (!roundedBias)
      return rewriter.notifyMatchFailure(op, "the new bias exceeds f32");

    // All constants precede the contraction, which takes the name of the value that it now computes.
    rewriter.setInsertionPoint(producer);
    Value weightConstant, biasConstant;
    if (scales)
      weightConstant =
          ConstantOp::create(rewriter, weight.getLoc(), makeElements(cast<RankedTensorType>(weight.getType()), *newWeight));
    if (bias || llvm::any_of(*roundedBias, [](float b) { return b != 0; })) {
      auto type = RankedTensorType::get({int64_t(roundedBias->size())}, rewriter.getF32Type());
      biasConstant = ConstantOp::create(rewriter, (bias ? bias.getLoc() : op->getLoc()), makeElements(type, *roundedBias));
    }
    rewriter.modifyOpInPlace(producer, [&] {
      if (weightConstant)
        producer->setOperand(1, weightConstant);
      if (biasConstant && bias)
        producer->setOperand(2, biasConstant);
      else if (biasConstant)
        producer->insertOperands(2, biasConstant);
      moveClamp(cast<ClampOpInterface>(op), clamp, rewriter);
      producer->setLoc(op->getLoc());
    });
    rewriter.replaceOp(op, producer->getResult(0));
    return success();
  }
};

/// x * scale + offset per channel, not behind a contraction, to a depthwise convolution with 1x1 kernels: one accumulation and
/// one rounding.
struct MakeDepthwise : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp add, PatternRewriter &rewriter) const override {
    auto shape = getShape(add.getResult());
    if (shape.size() < 3 || shape.size() > 5)
      return rewriter.notifyMatchFailure(add, "not one to three spatial dimensions");
    StringRef why;
    std::optional<Affine> outer = getAffine(add, 1, why);
    if (!outer)
      return rewriter.notifyMatchFailure(add, why);
    auto mul = outer->input.getDefiningOp<MulOp>();
    if (!mul || !mul->hasOneUse() || mul.getClampMin() || mul.getClampMax())
      return rewriter.notifyMatchFailure(add, "the other operand is no multiplication of its own");
    std::optional<Affine> inner = getAffine(mul, 1, why);
    if (!inner)
      return rewriter.notifyMatchFailure(add, why);
    auto scale = roundAll(inner->scale), offset = roundAll(outer->offset);
    if (!scale || !offset)
      return rewriter.notifyMatchFailure(add, "a constant is not finite");
    int64_t channels = shape[1], spatial = shape.size() - 2;
    SmallVector<int64_t> weightShape(shape.size(), 1), ones(spatial, 1), zeros(2 * spatial, 0);
    weightShape[0] = channels;
    Value weight = ConstantOp::create(rewriter, mul.getLoc(),
                                      makeElements(RankedTensorType::get(weightShape, rewriter.getF32Type()), *scale));
    Value bias = ConstantOp::create(rewriter, add.getLoc(),
                                    makeElements(RankedTensorType::get({channels}, rewriter.getF32Type()), *offset));
    auto conv = ConvOp::create(rewriter, add.getLoc(), add.getType(), inner->input, weight, bias, ones, zeros, ones, channels,
                               FloatAttr(), FloatAttr(), /*pad_value=*/0, IntegerAttr());
    moveClamp(add, conv, rewriter);
    rewriter.replaceOp(add, conv);
    return success();
  }
};

struct DivToMul : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp div, PatternRewriter &rewriter) const override {
    ElementsAttr constant = getConstant(div.getRhs());
    if (!constant || !isFloatTensor(div.getRhs()))
      return rewriter.notifyMatchFailure(div, "the divisor is not constant");
    SmallVector<double> reciprocals;
    for (float v : getFloats(constant))
      reciprocals.push_back(1.0 / v);
    auto rounded = roundAll(reciprocals);
    if (!rounded)
      return rewriter.notifyMatchFailure(div, "a reciprocal is not finite in f32");
    Value factor = ConstantOp::create(rewriter, div.getRhs().getLoc(),
                                      makeElements(cast<RankedTensorType>(div.getRhs().getType()), *rounded));
    auto mul = MulOp::create(rewriter, div.getLoc(), div.getType(), div.getLhs(), factor, FloatAttr(), FloatAttr(),
                             /*lhs_zero_point=*/0,
                             /*rhs_zero_point=*/0, IntegerAttr());
    moveClamp(div, mul, rewriter);
    rewriter.replaceOp(div, mul);
    return success();
  }
};

struct SubToAdd : OpRewritePattern<SubOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SubOp sub, PatternRewriter &rewriter) const override {
    ElementsAttr constant = getConstant(sub.getRhs());
    if (!constant || !isFloatTensor(sub.getRhs()))
      return rewriter.notifyMatchFailure(sub, "the subtrahend is not constant");
    auto negated = llvm::map_to_vector(getFloats(constant), [](float v) { return -v; });
    Value summand = ConstantOp::create(rewriter, sub.getRhs().getLoc(),
                                       makeElements(cast<RankedTensorType>(sub.getRhs().getType()), negated));
    auto add = AddOp::create(rewriter, sub.getLoc(), sub.getType(), sub.getLhs(), summand, FloatAttr(), FloatAttr());
    moveClamp(sub, add, rewriter);
    rewriter.replaceOp(sub, add);
    return success();
  }
};

/// One slope for all channels is a function of one number, which may become straight pieces; a table per channel need not be.
struct PReluToActivation : OpRewritePattern<PReluOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PReluOp op, PatternRewriter &rewriter) const override {
    ElementsAttr slopes = getConstant(op.getSlope());
    if (!slopes || !isFloatTensor(op.getSlope()) || slopes.getNumElements() == 0 || !llvm::all_equal(getFloats(slopes)))
      return rewriter.notifyMatchFailure(op, "the slopes differ, or are not known");
    rewriter.replaceOpWithNewOp<ActivationOp>(op, op.getType(), ActivationKind::LeakyRelu, op.getInput(),
                                              APFloat(getFloats(slopes)[0]), APFloat(0.0f));
    return success();
  }
};

//===-- No-ops -------------------------------------------------------------------------------------------------------------===//

bool isAll(ArrayRef<int64_t> values, int64_t v) {
  return llvm::all_of(values, [&](int64_t x) { return x == v; });
}

/// True if the op gives its first operand back.
bool isNoOp(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 || op->getOperand(0).getType() != op->getResult(0).getType())
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<ReshapeOp, CastOp>([](auto) { return true; })
      .Case([](TransposeOp transpose) { return llvm::is_sorted(transpose.getPermutation()); })
      .Case([](SliceOp slice) { return isAll(slice.getStarts(), 0) && isAll(slice.getSteps(), 1); })
      .Case([](PadOp pad) { return isAll(pad.getLow(), 0) && isAll(pad.getHigh(), 0); })
      .Case([](ConcatOp concat) { return concat.getInputs().size() == 1; })
      .Case([](ClampOp clamp) { return !clamp.getClampMin() && !clamp.getClampMax(); })
      .Case([](GatherOp gather) {
        return llvm::all_of(llvm::enumerate(gather.getIndices()),
                            [](auto entry) { return entry.value() == int64_t(entry.index()); });
      })
      .Default(false);
}

struct DropNoOp : RewritePattern {
  explicit DropNoOp(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/3, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa_and_nonnull<QCDialect>(op->getDialect()) || !isNoOp(op))
      return rewriter.notifyMatchFailure(op, "changes its input");
    rewriter.replaceOp(op, op->getOperand(0));
    return success();
  }
};

/// x * 1, x + 0.
struct DropIdentityAffine : RewritePattern {
  explicit DropIdentityAffine(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/6, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    StringRef why;
    std::optional<Affine> affine = getAffine(op, 0, why);
    if (!affine)
      return rewriter.notifyMatchFailure(op, why);
    auto clamp = cast<ClampOpInterface>(op);
    if (clamp.getClampMin() || clamp.getClampMax())
      return rewriter.notifyMatchFailure(op, "it clamps");
    if (llvm::any_of(affine->scale, [](double s) { return s != 1.0; }) ||
        llvm::any_of(affine->offset, [](double o) { return o != 0.0; }))
      return rewriter.notifyMatchFailure(op, "changes its input");
    rewriter.replaceOp(op, affine->input);
    return success();
  }
};

/// A transposed convolution of stride 1 is a convolution with the kernel turned around: kernels know the one, not the other.
struct TransposedToConv : OpRewritePattern<ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvTransposeOp op, PatternRewriter &rewriter) const override {
    ElementsAttr constant = getConstant(op.getWeight());
    auto shape = getShape(op.getWeight());
    size_t rank = shape.size() - 2;
    if (!constant || !constant.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "its weights are no f32 constant");
    SmallVector<int64_t> pads(2 * rank);
    for (size_t d = 0; d < rank; ++d) {
      int64_t reach = op.getDilations()[d] * (shape[2 + d] - 1);
      pads[d] = reach - op.getPads()[d];
      pads[rank + d] = reach - op.getPads()[rank + d];
      if (op.getStrides()[d] != 1 || op.getOutputPadding()[d] || pads[d] < 0 || pads[rank + d] < 0)
        return rewriter.notifyMatchFailure(op, "it spreads or cuts its result");
    }
    int64_t groups = op.getGroups(), in = shape[0] / groups, out = shape[1], taps = product(shape.drop_front(2));
    SmallVector<float> from = getFloats(constant), to(from.size());
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t i = 0; i < in; ++i)
        for (int64_t o = 0; o < out; ++o)
          for (int64_t k = 0; k < taps; ++k)
            to[((g * out + o) * in + i) * taps + taps - 1 - k] = from[((g * in + i) * out + o) * taps + k];
    SmallVector<int64_t> turned{groups * out, in};
    llvm::append_range(turned, shape.drop_front(2));
    auto type = RankedTensorType::get(turned, rewriter.getF32Type());
    Value weight = ConstantOp::create(rewriter, op.getWeight().getLoc(), makeElements(type, to));
    rewriter.replaceOpWithNewOp<ConvOp>(op, op.getType(), op.getInput(), weight, op.getBias(), op.getStrides(), pads,
                                        op.getDilations(), groups, op.getClampMinAttr(), op.getClampMaxAttr(), 0, IntegerAttr());
    return success();
  }
};

/// The output channels of a transposed convolution in groups run along two dimensions of its weights, where no type has a scale
/// for each of them: one op per group has.
struct SplitTransposedGroups : OpRewritePattern<ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvTransposeOp op, PatternRewriter &rewriter) const override {
    ElementsAttr constant = getConstant(op.getWeight()), bias = op.getBias() ? getConstant(op.getBias()) : ElementsAttr();
    auto shape = getShape(op.getWeight()), input = getShape(op.getInput());
    int64_t groups = op.getGroups();
    if (groups == 1 || op.getWeightChannelAxis() >= 0 || !constant || !constant.getElementType().isF32() ||
        (op.getBias() && !bias))
      return rewriter.notifyMatchFailure(op, "it has a scale per channel, or no f32 constants");
    SmallVector<float> weights = getFloats(constant), biases = bias ? getFloats(bias) : SmallVector<float>();
    SmallVector<int64_t> starts(input.size(), 0), sizes(input), steps(input.size(), 1), part(shape),
        result(getShape(op.getResult()));
    sizes[1] = input[1] / groups;
    part[0] = shape[0] / groups;
    result[1] = shape[1];
    auto makeConstant = [&](Location loc, ArrayRef<float> all, ArrayRef<int64_t> dims, int64_t group) -> Value {
      auto type = RankedTensorType::get(dims, rewriter.getF32Type());
      return ConstantOp::create(rewriter, loc,
                                makeElements(type, all.slice(group * type.getNumElements(), type.getNumElements())));
    };
    SmallVector<Value> parts;
    for (int64_t g = 0; g < groups; ++g) {
      starts[1] = g * sizes[1];
      Value x = SliceOp::create(rewriter, op.getLoc(), RankedTensorType::get(sizes, rewriter.getF32Type()), op.getInput(), starts,
                                sizes, steps);
      Value b = bias ? makeConstant(op.getBias().getLoc(), biases, {shape[1]}, g) : Value();
      parts.push_back(ConvTransposeOp::create(rewriter, op.getLoc(), RankedTensorType::get(result, rewriter.getF32Type()), x,
                                              makeConstant(op.getWeight().getLoc(), weights, part, g), b, op.getStrides(),
                                              op.getPads(), op.getOutputPadding(), op.getDilations(), 1, op.getClampMinAttr(),
                                              op.getClampMaxAttr(), 0, IntegerAttr()));
    }
    rewriter.replaceOpWithNewOp<ConcatOp>(op, op.getType(), parts, 1);
    return success();
  }
};

struct MergeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp reshape, PatternRewriter &rewriter) const override {
    auto inner = reshape.getInput().getDefiningOp<ReshapeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(reshape, "its input is no reshape");
    rewriter.modifyOpInPlace(reshape, [&] { reshape.getInputMutable().set(inner.getInput()); });
    return success();
  }
};

struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp outer, PatternRewriter &rewriter) const override {
    auto inner = outer.getInput().getDefiningOp<TransposeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(outer, "its input is no transpose");
    SmallVector<int64_t> permutation;
    for (int64_t p : outer.getPermutation())
      permutation.push_back(inner.getPermutation()[p]);
    rewriter.modifyOpInPlace(outer, [&] {
      outer.getInputMutable().set(inner.getInput());
      outer.setPermutation(permutation);
    });
    return success();
  }
};

//===-- Pads ---------------------------------------------------------------------------------------------------------------===//

struct FoldPad : OpRewritePattern<PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PadOp pad, PatternRewriter &rewriter) const override {
    if (pad.getMode() != PadMode::Constant || !pad.getValue().isZero())
      return rewriter.notifyMatchFailure(pad, "pads with something else than zeros");
    size_t rank = getShape(pad.getResult()).size();
    if (rank < 3 || !isAll(pad.getLow().take_front(2), 0) || !isAll(pad.getHigh().take_front(2), 0))
      return rewriter.notifyMatchFailure(pad, "pads batch or channels");
    if (!pad->hasOneUse())
      return rewriter.notifyMatchFailure(pad, "the padded value has other uses");
    Operation *user = *pad->user_begin();
    auto widen = [&](ArrayRef<int64_t> pads) {
      SmallVector<int64_t> sum(pads);
      for (size_t i = 0; i < rank - 2; ++i) {
        sum[i] += pad.getLow()[i + 2];
        sum[i + rank - 2] += pad.getHigh()[i + 2];
      }
      return sum;
    };
    if (auto conv = dyn_cast<ConvOp>(user)) {
      if (conv.getInput() != pad.getResult())
        return rewriter.notifyMatchFailure(pad, "it is no input of the convolution");
      rewriter.modifyOpInPlace(conv, [&] {
        conv.setPads(widen(conv.getPads()));
        conv.getInputMutable().set(pad.getInput());
      });
      return success();
    }
    auto pool = dyn_cast<PoolOp>(user);
    if (!pool || pool.getKind() != PoolKind::Average)
      return rewriter.notifyMatchFailure(pad, "its user is no convolution and no average pool");
    if (!pool.getCountIncludePad() && !isAll(pool.getPads(), 0))
      return rewriter.notifyMatchFailure(pad, "the pool's own pads do not count");
    SmallVector<int64_t> pads = widen(pool.getPads());
    for (size_t i = 0; i < rank - 2; ++i)
      if (int64_t reach = pool.getDilations()[i] * (pool.getKernel()[i] - 1) + 1; pads[i] >= reach || pads[i + rank - 2] >= reach)
        return rewriter.notifyMatchFailure(pad, "a window would lie outside the input");
    rewriter.modifyOpInPlace(pool, [&] {
      pool.setPads(pads);
      pool.setCountIncludePad(true);
      pool.getInputMutable().set(pad.getInput());
    });
    return success();
  }
};

struct Simplify : impl::SimplifyBase<Simplify> {
  using SimplifyBase::SimplifyBase;
  void runOnOperation() override {
    // A multiplication is looked at alone only when none of them can go into a contraction any more.
    if (failed(simplify(/*makeDepthwise=*/false)) || failed(simplify(/*makeDepthwise=*/true)))
      signalPassFailure();
  }

private:
  LogicalResult simplify(bool makeDepthwise) {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldConstants, FoldIntoContraction, DivToMul, SubToAdd, PReluToActivation, DropNoOp, DropIdentityAffine,
                 MergeReshapes, MergeTransposes, FoldPad>(&getContext());
    patterns.add<TransposedToConv>(&getContext(), /*benefit=*/2);
    patterns.add<SplitTransposedGroups>(&getContext());
    if (makeDepthwise)
      patterns.add<MakeDepthwise>(&getContext());
    // The patterns fold what may be folded; the driver's own folding takes quant.dcast(quant.qcast(x)) for x, which forgets the
    // rounding.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    return applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};
} // namespace
} // namespace qc
