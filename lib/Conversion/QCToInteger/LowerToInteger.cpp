// Quantized element types to plain integers: zero points, accumulators and requantizations become explicit (docs/Numerics.md).
#include "Patterns.h"

#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Reference/Math.h"
#include "qc/Dialect/QC/Reference/Requantize.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_LOWERTOINTEGER
#include "qc/Conversion/Passes.h.inc"

namespace {
/// tensor<..x!quant...> to tensor<..x its code type>; everything else stays.
struct IntegerTypes : TypeConverter {
  IntegerTypes() {
    addConversion([](Type type) { return type; });
    addConversion([](RankedTensorType type) -> Type {
      if (QuantSchemeInterface scheme = getScheme(type))
        return withElementType(type, scheme.getCodeType());
      return type;
    });
  }
};

/// Emits the requantization of one input into the type of `result`. `reals` holds one multiplier, or one per index of `axis`.
FailureOr<Value> requantize(OpBuilder &builder, Operation *op, Value input, int64_t inputZero, ArrayRef<double> reals,
                            std::optional<int64_t> axis, Value result, std::pair<int64_t, int64_t> range, Rounding rounding,
                            ArrayRef<int64_t> shape = {}) {
  SmallVector<int32_t> mantissas, shifts;
  if (llvm::all_equal(reals)) {
    reals = reals.take_front();
    axis = std::nullopt;
  }
  for (double real : reals) {
    if (!(std::fabs(real) < 0x1p24))
      return op->emitError() << "cannot requantize with multiplier " << real
                             << ": it must be below 2^24; check the ranges of its input and output";
    Multiplier multiplier = getMultiplier(real, rounding);
    mantissas.push_back(multiplier.mantissa);
    shifts.push_back(multiplier.shift);
  }
  auto quantized = cast<quant::UniformQuantizedType>(getElementType(result));
  auto type = RankedTensorType::get(shape.empty() ? getShape(result) : shape, getCodeType(quantized));
  auto requantized = RequantizeOp::create(
      builder, op->getLoc(), type, input, builder.getDenseI64ArrayAttr({inputZero}), builder.getDenseI32ArrayAttr(mantissas),
      builder.getDenseI32ArrayAttr(shifts), axis ? builder.getI64IntegerAttr(*axis) : IntegerAttr(),
      builder.getI64IntegerAttr(quantized.getZeroPoint()), builder.getI64IntegerAttr(range.first),
      builder.getI64IntegerAttr(range.second), RoundingAttr::get(builder.getContext(), rounding));
  return requantized.getResult();
}

/// States the bound of an accumulator and gives it the narrowest of i32 and i64 that holds the bound.
LogicalResult proveAccumulator(OpBuilder &builder, Operation *op) {
  auto accumulator = cast<AccumulatorOpInterface>(op);
  std::string why;
  auto bound = accumulator.computeAccBound(why);
  if (failed(bound))
    return op->emitError() << why;
  accumulator.setAccBoundAttr(builder.getIntegerAttr(builder.getIntegerType(64, /*isSigned=*/false), *bound));
  unsigned bits = *bound <= uint64_t(INT32_MAX) ? 32 : 64;
  op->getResult(0).setType(withElementType(op->getResult(0).getType(), builder.getIntegerType(bits)));
  return success();
}

/// The common end of every op that sums: proof, requantization into the type of `op`'s result, replacement.
LogicalResult closeAccumulator(ConversionPatternRewriter &rewriter, Operation *op, Operation *accumulator, int64_t inputZero,
                               ArrayRef<double> reals, std::optional<int64_t> axis, Rounding rounding) {
  if (failed(proveAccumulator(rewriter, accumulator)))
    return failure();
  // Codes of the accumulator's own scale are the accumulator.
  auto type = dyn_cast<quant::UniformQuantizedType>(getElementType(op->getResult(0)));
  Type sum = getElementType(accumulator->getResult(0));
  if (type && getCodeType(type) == sum && type.getZeroPoint() == 0 && inputZero == 0 &&
      llvm::all_of(reals, [](double real) { return real == 1; }) && getCodeRange(op) == getCodeLimits(cast<IntegerType>(sum))) {
    rewriter.replaceOp(op, accumulator->getResult(0));
    return success();
  }
  auto result =
      requantize(rewriter, op, accumulator->getResult(0), inputZero, reals, axis, op->getResult(0), getCodeRange(op), rounding);
  if (failed(result))
    return failure();
  rewriter.replaceOp(op, *result);
  return success();
}

/// The integer weights of a contraction with their zero points subtracted (i16 if they no longer fit), and the real scale per
/// channel.
struct Weights {
  Value value;
  SmallVector<double> scales;
};
/// `qc.asymmetric_weights` of the function: what zero points of weights cost, for the report.
void noteAsymmetric(OpBuilder &builder, Operation *op, unsigned stored, unsigned computed) {
  auto function = op->getParentOfType<func::FuncOp>();
  auto list = function->getAttrOfType<ArrayAttr>("qc.asymmetric_weights");
  SmallVector<Attribute> entries(list ? list.getValue() : ArrayRef<Attribute>());
  entries.push_back(
      builder.getDictionaryAttr({builder.getNamedAttr("name", builder.getStringAttr(getLocName(op->getLoc()))),
                                 builder.getNamedAttr("bits", builder.getI64IntegerAttr(stored)),
                                 builder.getNamedAttr("bits_without_zero_point", builder.getI64IntegerAttr(computed))}));
  function->setAttr("qc.asymmetric_weights", builder.getArrayAttr(entries));
}

FailureOr<Weights> getWeights(OpBuilder &builder, Operation *op, Value quantized, Value integer) {
  QuantSchemeInterface scheme = getScheme(quantized.getType());
  ElementsAttr attr = getConstant(integer);
  if (!scheme || !attr)
    return op->emitError("needs constant quantized weights"), failure();
  Weights weights{integer, scheme.getScaleValues()};
  auto zeros = scheme.getZeroPointValues();
  if (llvm::all_of(zeros, [](int64_t z) { return z == 0; }) && !scheme.getCodeType().isUnsigned())
    return weights;
  auto shape = getShape(integer);
  int64_t axis = scheme.getChannelAxis(), inner = 1;
  for (int64_t size : axis < 0 ? ArrayRef<int64_t>() : shape.drop_front(axis + 1))
    inner *= size;
  SmallVector<int64_t> codes = getInts(attr);
  for (auto [i, code] : llvm::enumerate(codes))
    code -= zeros[axis < 0 ? 0 : (i / inner) % shape[axis]];
  auto [low, high] = std::minmax_element(codes.begin(), codes.end());
  unsigned bits = *low >= INT8_MIN && *high <= INT8_MAX ? 8 : *low >= INT16_MIN && *high <= INT16_MAX ? 16 : 32;
  auto type = builder.getIntegerType(bits);
  if (llvm::any_of(zeros, [](int64_t z) { return z != 0; }))
    noteAsymmetric(builder, op, scheme.getCodeType().getWidth(), bits);
  weights.value = ConstantOp::create(builder, op->getLoc(), makeElements(RankedTensorType::get(shape, type), codes));
  return weights;
}

/// Adds the sum of each channel's weights (`[outer][channels][inner]`), `factor` times.
void addSums(const Weights &weights, int64_t factor, int64_t inner, MutableArrayRef<int64_t> sums) {
  if (factor)
    IntView(getConstant(weights.value)).forEachChannel(sums.size(), inner, [&](int64_t c, int64_t w) { sums[c] += factor * w; });
}

/// The bias codes plus `correction` per channel as a constant, i32 unless a value needs i64. Null if all are zero and there was
/// no bias.
FailureOr<Value> getBias(OpBuilder &builder, Operation *op, Value quantized, Value integer, ArrayRef<double> expectedScales,
                         ArrayRef<int64_t> correction) {
  SmallVector<int64_t> codes(correction);
  if (integer) {
    ElementsAttr attr = getConstant(integer);
    QuantSchemeInterface scheme = getScheme(quantized.getType());
    if (!attr || !scheme)
      return op->emitError("needs a constant quantized bias"), failure();
    auto scales = scheme.getScaleValues();
    for (size_t c = 0; c < expectedScales.size(); ++c) {
      double scale = scales[scales.size() == 1 ? 0 : c];
      // N15: equal up to the f32 rounding that model files apply to the product.
      if (std::fabs(scale - expectedScales[c]) > 0x1p-22 * expectedScales[c])
        return op->emitError() << "bias scale " << scale << " of channel " << c
                               << " is not input scale * weight scale = " << expectedScales[c]
                               << "; requantize the bias in the model",
               failure();
    }
    for (auto [i, code] : llvm::enumerate(getInts(attr)))
      codes[i] += code;
  } else if (llvm::all_of(codes, [](int64_t c) { return c == 0; })) {
    return Value();
  }
  bool fits = llvm::all_of(codes, [](int64_t c) { return c >= INT32_MIN && c <= INT32_MAX; });
  auto type = RankedTensorType::get({int64_t(codes.size())}, builder.getIntegerType(fits ? 32 : 64));
  return ConstantOp::create(builder, op->getLoc(), makeElements(type, codes)).getResult();
}

/// s_x * s_w[c], one entry per output channel.
SmallVector<double> accumulatorScales(double inputScale, ArrayRef<double> weightScales, int64_t channels) {
  SmallVector<double> scales(channels);
  for (int64_t c = 0; c < channels; ++c)
    scales[c] = inputScale * weightScales[weightScales.size() == 1 ? 0 : c];
  return scales;
}
SmallVector<double> divideBy(ArrayRef<double> scales, double by) {
  return llvm::map_to_vector(scales, [&](double s) { return s / by; });
}

template <typename OpTy> struct LowerConvolution : Pattern<OpTy> {
  using Pattern<OpTy>::Pattern;
  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getInput(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [x, y] = *affines;
    auto weights = getWeights(rewriter, op, op.getWeight(), in.getWeight());
    if (failed(weights))
      return failure();
    int64_t channels = getShape(op.getResult())[1];
    SmallVector<int64_t> correction(channels, 0);
    // The gaps of a transposed one are real zeros: it subtracts the zero point from each input itself.
    constexpr bool isTransposed = std::is_same_v<OpTy, ConvTransposeOp>;
    if (!isTransposed)
      addSums(*weights, -x.zeroPoint, product(getShape(op.getWeight()).drop_front()), correction);
    auto scales = accumulatorScales(x.scale, weights->scales, channels);
    auto bias = getBias(rewriter, op, op.getBias(), in.getBias(), scales, correction);
    if (failed(bias))
      return failure();
    auto type = withElementType(op.getType(), rewriter.getI32Type());
    Operation *sum;
    if constexpr (isTransposed)
      sum = ConvTransposeOp::create(rewriter, op.getLoc(), type, in.getInput(), weights->value, *bias, op.getStrides(),
                                    op.getPads(), op.getOutputPadding(), op.getDilations(), op.getGroups(), FloatAttr(),
                                    FloatAttr(), x.zeroPoint, IntegerAttr());
    else
      sum = ConvOp::create(rewriter, op.getLoc(), type, in.getInput(), weights->value, *bias, op.getStrides(), op.getPads(),
                           op.getDilations(), op.getGroups(), FloatAttr(), FloatAttr(), x.zeroPoint, IntegerAttr());
    return closeAccumulator(rewriter, op, sum, 0, divideBy(scales, y.scale), 1, this->rounding);
  }
};

struct LowerMatmul : Pattern<MatmulOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(MatmulOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getLhs(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [x, y] = *affines;
    auto shape = getShape(op.getRhs());
    int64_t channels = shape.back();
    Value rhs = in.getRhs();
    SmallVector<double> rhsScales;
    SmallVector<int64_t> correction(channels, 0);
    int64_t lhsZero = x.zeroPoint, rhsZero = 0;
    if (getConstant(in.getRhs())) {
      auto weights = getWeights(rewriter, op, op.getRhs(), in.getRhs());
      if (failed(weights))
        return failure();
      rhs = weights->value;
      rhsScales = weights->scales;
      if (shape.size() == 2) {
        addSums(*weights, -lhsZero, 1, correction);
        lhsZero = 0;
      }
    } else {
      auto w = getAffine(op.getRhs());
      if (failed(w))
        return rewriter.notifyMatchFailure(op, "needs activations with one scale per tensor");
      rhsScales = {w->scale};
      rhsZero = w->zeroPoint;
    }
    auto scales = accumulatorScales(x.scale, rhsScales, channels);
    auto bias = getBias(rewriter, op, op.getBias(), in.getBias(), scales, correction);
    if (failed(bias))
      return failure();
    auto matmul = MatmulOp::create(rewriter, op.getLoc(), withElementType(op.getType(), rewriter.getI32Type()), in.getLhs(), rhs,
                                   *bias, FloatAttr(), FloatAttr(), lhsZero, rhsZero, IntegerAttr());
    auto code = cast<IntegerType>(getElementType(in.getLhs()));
    if (getConstant(rhs) && code.getWidth() == 8 && std::abs(x.zeroPoint - (code.isUnsigned() ? 128 : 0)) <= 16)
      matmul->setAttr(centeredName, rewriter.getUnitAttr());
    return closeAccumulator(rewriter, op, matmul, 0, divideBy(scales, y.scale), getShape(op.getResult()).size() - 1, rounding);
  }
};

/// Residual additions: both operands on one exponent, one rounding (N12).
template <typename OpTy, int sign> struct LowerSum : Pattern<OpTy> {
  using Pattern<OpTy>::Pattern;
  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getLhs(), op.getRhs(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [a, b, y] = *affines;
    SmallVector<int32_t> mantissas;
    int32_t shift;
    double reals[] = {a.scale / y.scale, sign * (b.scale / y.scale)};
    if (std::fabs(reals[0]) >= 0x1p24 || std::fabs(reals[1]) >= 0x1p24)
      return op.emitError("operand scale is more than 2^24 times the result's; check the ranges");
    getCommonMultipliers(reals, this->rounding, mantissas, shift);
    auto [low, high] = getCodeRange(op);
    rewriter.replaceOpWithNewOp<RequantizeOp>(op, this->integerType(op.getResult()), ValueRange{in.getLhs(), in.getRhs()},
                                              rewriter.getDenseI64ArrayAttr({a.zeroPoint, b.zeroPoint}),
                                              rewriter.getDenseI32ArrayAttr(mantissas), rewriter.getDenseI32ArrayAttr({shift}),
                                              IntegerAttr(), rewriter.getI64IntegerAttr(y.zeroPoint),
                                              rewriter.getI64IntegerAttr(low), rewriter.getI64IntegerAttr(high),
                                              RoundingAttr::get(rewriter.getContext(), this->rounding));
    return success();
  }
};

struct LowerMul : Pattern<MulOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(MulOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getLhs(), op.getRhs(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [a, b, y] = *affines;
    auto mul = MulOp::create(rewriter, op.getLoc(), withElementType(op.getType(), rewriter.getI32Type()), in.getLhs(),
                             in.getRhs(), FloatAttr(), FloatAttr(), a.zeroPoint, b.zeroPoint, IntegerAttr());
    return closeAccumulator(rewriter, op, mul, 0, {a.scale * b.scale / y.scale}, std::nullopt, rounding);
  }
};

struct LowerClamp : Pattern<ClampOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(ClampOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getInput(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [x, y] = *affines;
    auto range = getCodeRange(op);
    auto result =
        requantize(rewriter, op, in.getInput(), x.zeroPoint, {x.scale / y.scale}, std::nullopt, op.getResult(), range, rounding);
    if (failed(result))
      return failure();
    rewriter.replaceOp(op, *result);
    return success();
  }
};

/// Every code of the input type, in table order.
SmallVector<int64_t> allCodes(IntegerType type) {
  auto [low, high] = getCodeLimits(type);
  SmallVector<int64_t> codes;
  for (int64_t code = low; code <= high; ++code)
    codes.push_back(code);
  return codes;
}

/// Appends one table row: the codes of f(real value of each input code) (N10).
template <typename F> void appendTable(SmallVectorImpl<int64_t> &table, Value input, Value result, F f) {
  QuantSchemeInterface from = getScheme(input.getType()), to = getScheme(result.getType());
  SmallVector<double> values = from.decode(allCodes(from.getCodeType()), {});
  for (double &value : values)
    value = f(value);
  table.append(to.encode(values, {}));
}

/// What works on codes already: only the types change.
template <typename OpTy> struct LowerCodes : Pattern<OpTy> {
  using Pattern<OpTy>::Pattern;
  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor in, ConversionPatternRewriter &rewriter) const override {
    auto lowered = cast<OpTy>(rewriter.clone(*op));
    lowered->setOperands(in.getOperands());
    lowered->getResult(0).setType(this->integerType(op.getResult()));
    rewriter.replaceOp(op, lowered);
    return success();
  }
};

struct LowerPRelu : Pattern<PReluOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(PReluOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    auto affines = getAffines(op, rewriter, {op.getInput(), op.getResult()});
    if (failed(affines))
      return failure();
    ElementsAttr slopes = getConstant(op.getSlope());
    if (!slopes || !op.whyFloat().empty())
      return rewriter.notifyMatchFailure(op, "needs a constant slope along one axis");
    SmallVector<float> slope = getFloats(slopes);
    SmallVector<int64_t> table;
    for (float s : slope)
      appendTable(table, op.getInput(), op.getResult(), [&](double x) { return x < 0 ? double(s) * x : x; });
    IntegerAttr axis;
    SmallVector<int64_t> shape;
    if (slope.size() > 1) {
      auto sizes = getShape(op.getSlope());
      int64_t offset = getShape(op.getInput()).size() - sizes.size();
      axis = rewriter.getI64IntegerAttr(offset + (llvm::find_if(sizes, [](int64_t s) { return s > 1; }) - sizes.begin()));
      shape.push_back(slope.size());
    }
    shape.push_back(table.size() / slope.size());
    auto type = RankedTensorType::get(shape, integerType(op.getResult()).getElementType());
    Value constant = ConstantOp::create(rewriter, op.getLoc(), makeElements(type, table));
    rewriter.replaceOpWithNewOp<LutOp>(op, integerType(op.getResult()), in.getInput(), constant, axis);
    return success();
  }
};

/// Average: sum with padding by the zero point, so that padding adds nothing once `window * zero_point` is subtracted (N13).
struct LowerAveragePool : Pattern<PoolOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(PoolOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    if (op.getKind() != PoolKind::Average)
      return rewriter.notifyMatchFailure(op, "not an average over activations");
    auto affines = getAffines(op, rewriter, {op.getInput(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [x, y] = *affines;
    int64_t window = product(op.getKernel());
    auto sum =
        PoolOp::create(rewriter, op.getLoc(), withElementType(op.getType(), rewriter.getI32Type()), PoolKind::Sum, in.getInput(),
                       op.getKernel(), op.getStrides(), op.getPads(), op.getDilations(), false, x.zeroPoint, IntegerAttr());
    if (failed(proveAccumulator(rewriter, sum)))
      return failure();
    auto range = getCodeRange(op);
    SmallVector<double> reals;
    if (op.getCountIncludePad() || llvm::all_of(op.getPads(), [](int64_t p) { return p == 0; }))
      reals.push_back(x.scale / (y.scale * double(window)));
    else
      for (int64_t count : countElements(op))
        reals.push_back(x.scale / (y.scale * double(count)));
    auto shape = getShape(op.getResult());
    if (llvm::all_equal(reals)) {
      auto result = requantize(rewriter, op, sum, window * x.zeroPoint, reals, std::nullopt, op.getResult(), range, rounding);
      if (failed(result))
        return failure();
      rewriter.replaceOp(op, *result);
      return success();
    }
    // The divisor differs at the borders: one multiplier per position, as the last axis of a two-dimensional view.
    int64_t positions = reals.size();
    SmallVector<int64_t> flat{shape[0] * shape[1], positions};
    Value view = ReshapeOp::create(rewriter, op.getLoc(), RankedTensorType::get(flat, getElementType(sum.getResult())), sum);
    auto result = requantize(rewriter, op, view, window * x.zeroPoint, reals, 1, op.getResult(), range, rounding, flat);
    if (failed(result))
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, integerType(op.getResult()), *result);
    return success();
  }

  /// Elements of the input under the window at each output position, row-major.
  static SmallVector<int64_t> countElements(PoolOp op) {
    auto in = getShape(op.getInput()).drop_front(2), out = getShape(op.getResult()).drop_front(2);
    SmallVector<int64_t> counts{1};
    for (size_t d = 0; d < out.size(); ++d) {
      SmallVector<int64_t> next;
      for (int64_t count : counts)
        for (int64_t o = 0; o < out[d]; ++o) {
          int64_t valid = 0;
          for (int64_t k = 0; k < op.getKernel()[d]; ++k) {
            int64_t i = o * op.getStrides()[d] + k * op.getDilations()[d] - op.getPads()[d];
            valid += i >= 0 && i < in[d];
          }
          next.push_back(count * valid);
        }
      counts = next;
    }
    return counts;
  }
};

struct LowerReduce : Pattern<ReduceOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(ReduceOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    if (op.isSameScale())
      return rewriter.notifyMatchFailure(op, "not a sum or mean over activations");
    auto affines = getAffines(op, rewriter, {op.getInput(), op.getResult()});
    if (failed(affines))
      return failure();
    auto [x, y] = *affines;
    int64_t count = product(getShape(op.getInput())) / product(getShape(op.getResult()));
    auto sum = ReduceOp::create(rewriter, op.getLoc(), withElementType(op.getType(), rewriter.getI32Type()), ReduceKind::Sum,
                                in.getInput(), op.getAxes(), op.getKeepDims(), IntegerAttr());
    double real = op.getKind() == ReduceKind::Mean ? x.scale / (y.scale * double(count)) : x.scale / y.scale;
    return closeAccumulator(rewriter, op, sum, count * x.zeroPoint, {real}, std::nullopt, rounding);
  }
};

/// Ops that move codes: operands are brought to the result's type where they differ, then the op works on integers.
struct LowerSameScale : ConversionPattern {
  LowerSameScale(const TypeConverter &types, MLIRContext *context, Rounding rounding)
      : ConversionPattern(types, MatchAnyOpTypeTag(), 1, context), rounding(rounding) {}
  Rounding rounding;

  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands, ConversionPatternRewriter &rewriter) const override {
    auto quantizable = dyn_cast<QuantizableOpInterface>(op);
    if (!quantizable || isa<ConstantOp>(op) || !quantizable.isSameScale())
      return rewriter.notifyMatchFailure(op, "computes new values");
    Value result = op->getResult(0);
    auto y = getAffine(result);
    SmallVector<Value> inputs;
    for (auto [i, before, now] : llvm::enumerate(op->getOperands(), operands)) {
      if (getElementType(before) == getElementType(result) || quantizable.getOperandRole(i) == OperandRole::Other) {
        inputs.push_back(now);
        continue;
      }
      auto x = getAffine(before);
      if (failed(x) || failed(y))
        return rewriter.notifyMatchFailure(op, "needs activations with one scale per tensor");
      auto moved = requantize(rewriter, op, now, x->zeroPoint, {x->scale / y->scale}, std::nullopt, result,
                              getScheme(result.getType()).getCodeRange(), rounding, getShape(before));
      if (failed(moved))
        return failure();
      inputs.push_back(*moved);
    }
    OperationState state(op->getLoc(), op->getName(), inputs, {getTypeConverter()->convertType(result.getType())},
                         op->getAttrs());
    Operation *integer = rewriter.create(state);
    if (auto pad = dyn_cast<PadOp>(integer))
      if (pad.getMode() == PadMode::Constant)
        pad.setPadValue(getScheme(result.getType()).encode({pad.getValue().convertToDouble()}, {})[0]);
    rewriter.replaceOp(op, integer);
    return success();
  }
};

struct LowerConstant : Pattern<ConstantOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(ConstantOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<ConstantOp>(op, op.getValue());
    return success();
  }
};

/// Parameters per channel of a computed tensor, as constants that broadcast to it; arithmetic with them stays in float for that
/// reason.
struct ChannelParameters {
  QuantSchemeInterface scheme;
  SmallVector<int64_t> zeros, shape;

  static std::optional<ChannelParameters> get(Value codes) {
    QuantSchemeInterface scheme = getScheme(codes.getType());
    if (!scheme || scheme.getChannelAxis() < 0)
      return std::nullopt;
    ChannelParameters result{scheme, scheme.getZeroPointValues(), {}};
    result.shape.assign(getShape(codes).size() - scheme.getChannelAxis(), 1);
    result.shape[0] = result.zeros.size();
    return result;
  }
  bool hasOneZero() const { return llvm::all_equal(zeros); }
  Value getScales(OpBuilder &builder, Location loc) const {
    SmallVector<double> scales = scheme.getScaleValues();
    return makeReals(builder, loc, SmallVector<float>(scales.begin(), scales.end()));
  }
  Value getRealZeros(OpBuilder &builder, Location loc) const {
    return makeReals(builder, loc, SmallVector<float>(zeros.begin(), zeros.end()));
  }
  Value getZeros(OpBuilder &builder, Location loc) const {
    return ConstantOp::create(builder, loc,
                              makeElements(RankedTensorType::get(shape, builder.getIntegerType(16)), ArrayRef<int64_t>(zeros)));
  }
  template <typename OpTy, typename... More>
  static Value apply(OpBuilder &builder, Location loc, Value a, Value b, More... more) {
    auto op = OpTy::create(builder, loc, a.getType(), a, b, FloatAttr(), FloatAttr(), more...);
    op->setAttr("qc.float_reason", builder.getStringAttr("a computed tensor has one scale per channel"));
    return op;
  }

private:
  Value makeReals(OpBuilder &builder, Location loc, ArrayRef<float> values) const {
    return ConstantOp::create(builder, loc, makeElements(RankedTensorType::get(shape, builder.getF32Type()), values));
  }
};

struct LowerQuantize : Pattern<quant::QuantizeCastOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(quant::QuantizeCastOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    if (ElementsAttr floats = getConstant(in.getInput())) {
      auto values = getFloats(floats);
      auto codes = getScheme(op.getType()).encode(SmallVector<double>(values.begin(), values.end()), getShape(op.getInput()));
      rewriter.replaceOpWithNewOp<ConstantOp>(op, makeElements(integerType(op.getResult()), codes));
      return success();
    }
    auto [low, high] = getScheme(op.getType()).getCodeRange();
    if (auto channels = ChannelParameters::get(op.getResult())) {
      // The quotient as in N2, rounded to an integer; then the zero point, where it is not the same for all.
      Location loc = op.getLoc();
      Value steps = ChannelParameters::apply<DivOp>(rewriter, loc, in.getInput(), channels->getScales(rewriter, loc));
      bool single = channels->hasOneZero();
      constexpr int64_t wide = INT16_MAX;
      if (!single && getScheme(op.getType()).getCodeType().getWidth() > 8)
        return op.emitError("computed codes of more than 8 bits need one zero point for all channels");
      auto type = integerType(op.getResult()), sum = single ? type : withElementType(type, rewriter.getIntegerType(16));
      Value codes = QuantizeOp::create(
          rewriter, loc, sum, steps, rewriter.getF32FloatAttr(1), rewriter.getI64IntegerAttr(single ? channels->zeros[0] : 0),
          rewriter.getI64IntegerAttr(single ? low : -wide), rewriter.getI64IntegerAttr(single ? high : wide));
      if (!single)
        codes = RequantizeOp::create(rewriter, loc, type, ValueRange{codes, channels->getZeros(rewriter, loc)},
                                     rewriter.getDenseI64ArrayAttr({0, 0}), rewriter.getDenseI32ArrayAttr({1, 1}),
                                     rewriter.getDenseI32ArrayAttr({0}), IntegerAttr(), rewriter.getI64IntegerAttr(0),
                                     rewriter.getI64IntegerAttr(low), rewriter.getI64IntegerAttr(high),
                                     RoundingAttr::get(rewriter.getContext(), rounding));
      rewriter.replaceOp(op, codes);
      return success();
    }
    auto x = getAffine(op.getResult());
    if (failed(x))
      return op.emitError("a computed value needs one scale per tensor");
    rewriter.replaceOpWithNewOp<QuantizeOp>(op, integerType(op.getResult()), in.getInput(), rewriter.getF32FloatAttr(x->scale),
                                            rewriter.getI64IntegerAttr(x->zeroPoint), rewriter.getI64IntegerAttr(low),
                                            rewriter.getI64IntegerAttr(high));
    return success();
  }
};

/// A constant that only float ops read becomes a float constant: nothing is left to compute.
struct LowerDequantizedConstant : OpInterfaceConversionPattern<DequantizeCastOpInterface> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;
  LogicalResult matchAndRewrite(DequantizeCastOpInterface op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &rewriter) const override {
    ElementsAttr codes = getConstant(operands[0]);
    if (!codes)
      return rewriter.notifyMatchFailure(op, "not a constant");
    SmallVector<double> values = getScheme(op.getCodes().getType()).decode(getInts(codes), getShape(op.getCodes()));
    rewriter.replaceOpWithNewOp<ConstantOp>(
        op, makeElements(cast<RankedTensorType>(op->getResult(0).getType()), SmallVector<float>(values.begin(), values.end())));
    return success();
  }
};

struct LowerDequantize : Pattern<quant::DequantizeCastOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(quant::DequantizeCastOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    if (getConstant(in.getInput()))
      return rewriter.notifyMatchFailure(op, "a constant");
    if (auto channels = ChannelParameters::get(op.getInput())) {
      // N3: f32(code - zero point) * scale; the difference is exact.
      Location loc = op.getLoc();
      bool single = channels->hasOneZero();
      Value steps = DequantizeOp::create(rewriter, loc, op.getType(), in.getInput(), rewriter.getF32FloatAttr(1),
                                         rewriter.getI64IntegerAttr(single ? channels->zeros[0] : 0));
      if (!single)
        steps = ChannelParameters::apply<SubOp>(rewriter, loc, steps, channels->getRealZeros(rewriter, loc));
      rewriter.replaceOp(op, ChannelParameters::apply<MulOp>(rewriter, loc, steps, channels->getScales(rewriter, loc),
                                                             uint64_t(0), uint64_t(0), IntegerAttr()));
      return success();
    }
    auto x = getAffine(op.getInput());
    if (failed(x))
      return op.emitError("a computed value needs one scale per tensor");
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), in.getInput(), rewriter.getF32FloatAttr(x->scale),
                                              rewriter.getI64IntegerAttr(x->zeroPoint));
    return success();
  }
};

/// Comparisons with constants: a table, or one saturating difference per threshold and their sum. All of it is exact.
struct LowerThreshold : Pattern<ThresholdOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(ThresholdOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    ElementsAttr constant = getConstant(op.getThresholds());
    auto y = getAffine(op.getResult());
    if (!constant || failed(y))
      return op.emitError("needs constant thresholds and a result with one scale per tensor");
    SmallVector<float> thresholds = getFloats(constant);
    int64_t row = getShape(op.getThresholds()).back();
    if (getDomain(op.getInput().getType()) == Domain::Float)
      return lowerReal(op, in.getInput(), thresholds, row, rewriter);
    auto x = getAffine(op.getInput());
    if (failed(x))
      return op.emitError("needs an input with one scale per tensor");
    auto code = cast<IntegerType>(getElementType(in.getInput()));
    SmallVector<int64_t> integers = llvm::map_to_vector(thresholds, [&](float t) { return getIntegerThreshold(t, *x); });
    return code.getWidth() <= 16 ? lowerTable(op, in.getInput(), code, integers, row, rewriter)
                                 : lowerSums(op, in.getInput(), integers, row, rewriter);
  }

  /// The least code whose real value reaches `threshold`, limited to what i32 sums leave room for.
  static int64_t getIntegerThreshold(float threshold, Affine x) {
    constexpr double limit = 0x1p31 - 1;
    double code = std::clamp(std::ceil(double(threshold) / x.scale) + double(x.zeroPoint), -limit, limit);
    auto reaches = [&](double c) { return x.scale * (c - double(x.zeroPoint)) >= double(threshold); };
    // The quotient is rounded.
    if (code > -limit && reaches(code - 1))
      code -= 1;
    else if (code < limit && !reaches(code))
      code += 1;
    return int64_t(code);
  }

  LogicalResult lowerTable(ThresholdOp op, Value input, IntegerType code, ArrayRef<int64_t> thresholds, int64_t row,
                           ConversionPatternRewriter &rewriter) const {
    SmallVector<int64_t> table, codes = allCodes(code);
    for (size_t first = 0; first < thresholds.size(); first += row)
      for (int64_t c : codes)
        table.push_back(op.getBase() +
                        op.getStep() * llvm::count_if(thresholds.slice(first, row), [&](int64_t t) { return c >= t; }));
    SmallVector<int64_t> shape;
    if (op.getAxis())
      shape.push_back(thresholds.size() / row);
    shape.push_back(codes.size());
    auto type = RankedTensorType::get(shape, integerType(op.getResult()).getElementType());
    Value constant = ConstantOp::create(rewriter, op.getLoc(), makeElements(type, table));
    rewriter.replaceOpWithNewOp<LutOp>(op, integerType(op.getResult()), input, constant, op.getAxisAttr());
    return success();
  }

  /// The k-th threshold of each row, broadcast along the axis.
  template <typename T>
  Value getColumn(ThresholdOp op, ArrayRef<T> all, int64_t row, int64_t k, Type element, OpBuilder &builder) const {
    SmallVector<int64_t> shape(op.getAxis() ? getShape(op.getInput()).size() - *op.getAxis() : 1, 1);
    shape[0] = all.size() / row;
    SmallVector<T> column;
    for (size_t first = 0; first < all.size(); first += row)
      column.push_back(all[first + k]);
    return ConstantOp::create(builder, op.getLoc(), makeElements(RankedTensorType::get(shape, element), ArrayRef<T>(column)));
  }

  Value add(ThresholdOp op, ValueRange inputs, ArrayRef<int32_t> factors, int64_t zero, int64_t low, int64_t high,
            RankedTensorType type, OpBuilder &builder) const {
    return RequantizeOp::create(
        builder, op.getLoc(), type, inputs, builder.getDenseI64ArrayAttr(SmallVector<int64_t>(inputs.size(), 0)),
        builder.getDenseI32ArrayAttr(factors), builder.getDenseI32ArrayAttr({0}), IntegerAttr(), builder.getI64IntegerAttr(zero),
        builder.getI64IntegerAttr(low), builder.getI64IntegerAttr(high), RoundingAttr::get(builder.getContext(), rounding));
  }

  /// base + step * the sum of `reached` flags, which are 0 or 1.
  LogicalResult closeSum(ThresholdOp op, ArrayRef<Value> flags, ConversionPatternRewriter &rewriter) const {
    int64_t last = op.getBase() + op.getStep() * flags.size();
    rewriter.replaceOp(op, add(op, flags, SmallVector<int32_t>(flags.size(), int32_t(op.getStep())), op.getBase(), op.getBase(),
                               last, integerType(op.getResult()), rewriter));
    return success();
  }

  LogicalResult lowerSums(ThresholdOp op, Value input, ArrayRef<int64_t> thresholds, int64_t row,
                          ConversionPatternRewriter &rewriter) const {
    auto result = integerType(op.getResult());
    int32_t step = op.getStep();
    // x - t is at least 0 or at most -1: `step` times that, and `step` more, leaves [0, step] on both sides.
    auto compare = [&](int64_t k, int64_t base, RankedTensorType type, int32_t factor) {
      Value column = getColumn<int64_t>(op, thresholds, row, k, rewriter.getI32Type(), rewriter);
      return add(op, {input, column}, {factor, -factor}, base + factor, base, base + factor, type, rewriter);
    };
    if (row == 1) {
      rewriter.replaceOp(op, compare(0, op.getBase(), result, step));
      return success();
    }
    SmallVector<Value> flags;
    for (int64_t k = 0; k < row; ++k)
      flags.push_back(compare(k, 0, withElementType(result, rewriter.getIntegerType(8)), 1));
    return closeSum(op, flags, rewriter);
  }

  /// On f32: the sign of a difference, scaled up until it saturates.
  LogicalResult lowerReal(ThresholdOp op, Value input, ArrayRef<float> thresholds, int64_t row,
                          ConversionPatternRewriter &rewriter) const {
    SmallVector<Value> flags;
    auto real = cast<RankedTensorType>(input.getType());
    auto codes = withElementType(real, rewriter.getIntegerType(8));
    Value large = ConstantOp::create(rewriter, op.getLoc(),
                                     makeElements(RankedTensorType::get({1}, rewriter.getF32Type()), ArrayRef<float>{0x1p100f}));
    for (int64_t k = 0; k < row; ++k) {
      Value column = getColumn<float>(op, thresholds, row, k, rewriter.getF32Type(), rewriter);
      Value difference = SubOp::create(rewriter, op.getLoc(), real, input, column, FloatAttr(), FloatAttr());
      Value scaled = MulOp::create(rewriter, op.getLoc(), real, difference, large, FloatAttr(), FloatAttr(), 0, 0, IntegerAttr());
      for (Value value : {difference, scaled})
        value.getDefiningOp()->setAttr("qc.float_reason",
                                       rewriter.getStringAttr("it compares f32 values; give calibration samples"));
      flags.push_back(QuantizeOp::create(rewriter, op.getLoc(), codes, scaled, rewriter.getF32FloatAttr(0x1p-126f),
                                         rewriter.getI64IntegerAttr(1), rewriter.getI64IntegerAttr(0),
                                         rewriter.getI64IntegerAttr(1)));
    }
    return closeSum(op, flags, rewriter);
  }
};

/// Codes read as codes of another type: the same bits.
struct LowerStorageCast : Pattern<quant::StorageCastOp> {
  using Pattern::Pattern;
  LogicalResult matchAndRewrite(quant::StorageCastOp op, OpAdaptor in, ConversionPatternRewriter &rewriter) const override {
    auto type = integerType(op.getResult());
    Value codes = in.getInput();
    // Unsigned codes pass through a signless integer on their way to another quantized type.
    if (auto cast = codes.getDefiningOp<CastOp>(); cast && cast.getInput().getType() == type)
      codes = cast.getInput();
    if (codes.getType() == type)
      rewriter.replaceOp(op, codes);
    else
      rewriter.replaceOpWithNewOp<CastOp>(op, type, codes);
    return success();
  }
};

struct LowerToInteger : impl::LowerToIntegerBase<LowerToInteger> {
  using LowerToIntegerBase::LowerToIntegerBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    MLIRContext *context = &getContext();
    // The contract is settled before the target is known; the evaluator reads the same attribute in the quantized domain.
    std::string contract = requant;
    if (auto stated = function->getAttrOfType<StringAttr>("qc.requant"); stated && contract.empty())
      contract = stated.str();
    if (contract.empty())
      contract = "onnx";
    std::string name = contract;
    llvm::replace(name, '-', '_');
    auto rounding = symbolizeRounding(name);
    if (!rounding) {
      function.emitError() << "unknown rounding contract '" << contract
                           << "': use onnx, ort, tflite-double, tflite-single or pow2";
      return signalPassFailure();
    }
    IntegerTypes types;
    RewritePatternSet patterns(context);
    patterns
        .add<LowerConvolution<ConvOp>, LowerConvolution<ConvTransposeOp>, LowerMatmul, LowerSum<AddOp, 1>, LowerSum<SubOp, -1>,
             LowerMul, LowerClamp, LowerCodes<LutOp>, LowerCodes<PwlOp>, LowerCodes<CompareOp>, LowerPRelu, LowerAveragePool,
             LowerReduce, LowerSameScale, LowerConstant, LowerQuantize, LowerDequantize, LowerStorageCast, LowerThreshold>(
            types, context, *rounding);
    patterns.add<LowerDequantizedConstant>(types, context);
    populateRowPatterns(types, patterns, *rounding);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, types);
    populateReturnOpTypeConversionPattern(patterns, types);
    populateCallOpTypeConversionPattern(patterns, types);

    ConversionTarget target(*context);
    target.markUnknownOpDynamicallyLegal([&](Operation *op) {
      if (auto f = dyn_cast<func::FuncOp>(op))
        return types.isSignatureLegal(f.getFunctionType()) && types.isLegal(&f.getBody());
      return types.isLegal(op->getOperandTypes()) && types.isLegal(op->getResultTypes());
    });
    // Upstream folds dcast(qcast(x)) to x, which would drop the rounding of the boundary.
    ConversionConfig config;
    config.foldingMode = DialectConversionFoldingMode::Never;
    if (failed(applyFullConversion(function, target, std::move(patterns), config)))
      return signalPassFailure();
    function->setAttr("qc.requant", StringAttr::get(context, contract));
  }
};
} // namespace
} // namespace qc
