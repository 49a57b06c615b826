// Fake-quant folding: dcast, op, qcast becomes the op on quantized types.
#include "Quantizable.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_FOLDCASTS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// The codes that a bias has as part of the accumulator, "" in `why`: none if it has the accumulator's scale already, others that
/// stand for the same numbers if it has not; both scales in `why` if there are no such codes (docs/Numerics.md, N15).
SmallVector<int64_t> getBiasCodes(Value bias, Value input, Value weight, std::string &why) {
  QuantSchemeInterface scheme = getScheme(bias.getType());
  SmallVector<double> biasScales = scheme.getScaleValues(), weightScales = getScheme(weight.getType()).getScaleValues();
  SmallVector<int64_t> zeros = scheme.getZeroPointValues();
  double inputScale = getScheme(input.getType()).getScaleValues()[0];
  auto pick = [](const auto &list, size_t c) { return list[list.size() == 1 ? 0 : c]; };
  // An importer's f32 product of the two scales is rounded, and so are its factors.
  constexpr double tolerance = 0x1p-20;
  bool fits = scheme.getCodeType().getWidth() == 32 && llvm::all_of(zeros, [](int64_t z) { return z == 0; });
  for (size_t c = 0; c < std::max(biasScales.size(), weightScales.size()); ++c) {
    double expected = inputScale * pick(weightScales, c);
    fits &= std::fabs(pick(biasScales, c) - expected) <= expected * tolerance;
  }
  if (fits)
    return {};
  ElementsAttr constant = getConstant(bias);
  if (!constant) {
    why = "its bias is not constant";
    return {};
  }
  SmallVector<int64_t> codes = getInts(constant);
  for (auto [c, code] : llvm::enumerate(codes)) {
    double expected = inputScale * pick(weightScales, c), scale = pick(biasScales, c);
    double number = double(code - pick(zeros, c)) * (scale / expected), whole = std::nearbyint(number);
    if (std::fabs(number - whole) > std::fabs(number) * tolerance || std::fabs(whole) > double(INT32_MAX)) {
      llvm::raw_string_ostream(why) << "its bias has the scale " << scale << " in channel " << c
                                    << ", which is not input scale * weight scale = " << expected
                                    << ", and its codes have no exact counterpart there";
      return {};
    }
    code = int64_t(whole);
  }
  return codes;
}

/// The weight, or the second activation, of a contraction whose operands are codes.
Value getWeight(QuantizableOpInterface op, ArrayRef<Value> codes) {
  for (auto [i, value] : llvm::enumerate(codes))
    if (op.getOperandRole(i) == OperandRole::Weight)
      return value;
  return codes[1];
}

/// Gives the bias the scale of the accumulator.
void rescaleBias(QuantizableOpInterface op, MutableArrayRef<Value> codes, OpBuilder &builder) {
  for (auto [i, bias] : llvm::enumerate(codes)) {
    std::string why;
    if (op.getOperandRole(i) != OperandRole::Bias)
      continue;
    Value weight = getWeight(op, codes);
    SmallVector<int64_t> numbers = getBiasCodes(bias, codes[0], weight, why);
    if (numbers.empty())
      continue;
    SmallVector<double> scales = getScheme(weight.getType()).getScaleValues();
    auto type = getBiasType(builder.getContext(), getScheme(codes[0].getType()).getScaleValues()[0], scales, scales.size() > 1);
    bias = ConstantOp::create(builder, bias.getLoc(), withElementType(bias.getType(), type),
                              makeElements(withElementType(bias.getType(), builder.getI32Type()), numbers));
  }
}

/// Why the op's operands do not let it compute on codes; empty if they do. `codes` gets one value per operand.
std::string getOperandCodes(QuantizableOpInterface op, SmallVectorImpl<Value> &codes) {
  Value bias;
  for (OpOperand &operand : op->getOpOperands()) {
    OperandRole role = op.getOperandRole(operand.getOperandNumber());
    Value value = operand.get();
    if (role != OperandRole::Other && isFloatTensor(value)) {
      value = getDecodedCodes(value);
      if (!value)
        return "operand " + std::to_string(operand.getOperandNumber()) + " is not quantized";
    }
    codes.push_back(value);
    if (role == OperandRole::Other)
      continue;
    if (getDomain(value.getType()) != Domain::Quantized)
      return "operand " + std::to_string(operand.getOperandNumber()) + " is neither float nor quantized";
    QuantSchemeInterface scheme = getScheme(value.getType());
    if (!scheme)
      return "operand " + std::to_string(operand.getOperandNumber()) + " has a type without a quantization scheme";
    if (role == OperandRole::Activation && !scheme.getLevels().empty())
      return "operand " + std::to_string(operand.getOperandNumber()) + " has codes of few levels, which only weights may have";
    if (role == OperandRole::Activation && scheme.getChannelAxis() >= 0)
      return "operand " + std::to_string(operand.getOperandNumber()) + " has one scale per channel, which only weights may have";
    if (role == OperandRole::Weight) {
      if (scheme.getChannelAxis() >= 0 && scheme.getChannelAxis() != op.getWeightChannelAxis())
        return "its weights' scales do not run along its output channels";
    }
    if (role == OperandRole::Bias)
      bias = value;
  }
  std::string why;
  if (bias)
    (void)getBiasCodes(bias, codes[0], getWeight(op, codes), why);
  return why;
}

/// The one type that the result is encoded to, or null with the reason in `why`.
quant::QuantizedType getResultType(Operation *op, std::string &why) {
  quant::QuantizedType type;
  if (op->use_empty())
    why = "its result has no use";
  for (Operation *user : op->getUsers()) {
    auto qcast = dyn_cast<quant::QuantizeCastOp>(user);
    if (!qcast) {
      why = isa<func::ReturnOp>(user) ? "its result is returned in float"
                                      : "node " + describeNode(user) + " reads its result in float";
      return {};
    }
    if (type && type != qcast.getQuantizedType()) {
      why = "its result is encoded to two different types";
      return {};
    }
    type = qcast.getQuantizedType();
  }
  if (type && getScheme(type) && getScheme(type).getChannelAxis() >= 0) {
    why = "its result has one scale per channel";
    return {};
  }
  return type;
}

/// Why a multiplier that the op would need has no integer form; empty if it has one (docs/Numerics.md, N5).
std::string checkMultiplier(QuantizableOpInterface op, ArrayRef<Value> codes, quant::QuantizedType result) {
  double product = 1, largest = 0;
  for (auto [i, value] : llvm::enumerate(codes)) {
    OperandRole role = op.getOperandRole(i);
    if (role != OperandRole::Activation && role != OperandRole::Weight)
      continue;
    auto scales = getScheme(value.getType()).getScaleValues();
    double scale = *llvm::max_element(scales);
    product *= scale;
    largest = std::max(largest, scale);
  }
  double limit = 0x1p24 * getScheme(result).getScaleValues()[0];
  bool multiplies = isa<AccumulatorOpInterface>(op.getOperation()) && codes.size() > 1;
  if ((multiplies ? product : largest) < limit)
    return "";
  return "its result's range is too small against its operands' (the multiplier would exceed 2^24); check the result's range";
}

/// Decides for one op; on success `codes` and `type` are what it computes on.
std::string whyNotFolded(QuantizableOpInterface op, SmallVectorImpl<Value> &codes, quant::QuantizedType &type) {
  if (std::string why = whyNotInteger(op); !why.empty())
    return why;
  if (auto earlier = op->getAttrOfType<StringAttr>(floatReasonName))
    return earlier.str();
  if (std::string zero = describeZeroDivisor(op); !zero.empty())
    return zero;
  if (isa<CompareOp>(op.getOperation()))
    return "no code stands for its constant exactly";
  std::string why = getOperandCodes(op, codes);
  if (!why.empty())
    return why;
  type = getResultType(op, why);
  return type ? checkMultiplier(op, codes, type) : why;
}

/// The identity on real values from one scale to another.
Value rescale(PatternRewriter &rewriter, Location loc, Value codes, quant::QuantizedType type) {
  if (getElementType(codes) == type)
    return codes;
  return ClampOp::create(rewriter, loc, withElementType(codes.getType(), type), codes, FloatAttr(), FloatAttr());
}

struct FoldIntoOp : OpInterfaceRewritePattern<QuantizableOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(QuantizableOpInterface op, PatternRewriter &rewriter) const override {
    if (isa<ConstantOp>(op.getOperation()) || op->getNumResults() != 1 || !isFloatTensor(op->getResult(0)))
      return rewriter.notifyMatchFailure(op, "not an op on f32");
    SmallVector<Value> codes;
    quant::QuantizedType type;
    if (std::string why = whyNotFolded(op, codes, type); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    // Ops that only move codes cannot change them: a foreign model's change of scale comes first, on each operand.
    if (op.isSameScale())
      for (auto [i, value] : llvm::enumerate(codes))
        if (op.getOperandRole(i) == OperandRole::Activation)
          value = rescale(rewriter, op->getLoc(), value, type);
    rescaleBias(op, codes, rewriter);
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperands(codes);
      op->getResult(0).setType(withElementType(op->getResult(0).getType(), type));
    });
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      rewriter.replaceOp(user, op->getResult(0));
    return success();
  }
};

/// An op on codes whose result is encoded to several types is computed once for each: one rounding, not two.
struct ComputePerType : OpInterfaceRewritePattern<QuantizableOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(QuantizableOpInterface op, PatternRewriter &rewriter) const override {
    if (isa<ConstantOp>(op.getOperation()) || op->getNumResults() != 1 || !isFloatTensor(op->getResult(0)))
      return rewriter.notifyMatchFailure(op, "not an op on f32");
    SmallVector<Value> codes;
    if (std::string why = getOperandCodes(op, codes); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    SmallVector<Operation *> others;
    quant::QuantizedType first;
    for (Operation *user : op->getUsers()) {
      auto qcast = dyn_cast<quant::QuantizeCastOp>(user);
      if (!qcast)
        return rewriter.notifyMatchFailure(op, "its result is read in float");
      if (!first)
        first = qcast.getQuantizedType();
      else if (qcast.getQuantizedType() != first)
        others.push_back(user);
    }
    if (others.empty())
      return rewriter.notifyMatchFailure(op, "its result is encoded to one type");
    auto type = cast<quant::QuantizeCastOp>(others.front()).getQuantizedType();
    rewriter.setInsertionPoint(op);
    Operation *copy = rewriter.clone(*op);
    for (Operation *user : others)
      if (cast<quant::QuantizeCastOp>(user).getQuantizedType() == type)
        rewriter.modifyOpInPlace(user, [&] { user->setOperand(0, copy->getResult(0)); });
    return success();
  }
};

/// op(dcast(x)) to dcast(op(x)) for ops that only move codes, so that what is behind them finds the codes.
struct SinkDecode : OpInterfaceRewritePattern<QuantizableOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(QuantizableOpInterface op, PatternRewriter &rewriter) const override {
    if (!op.isSameScale() || op->getNumResults() != 1 || !isFloatTensor(op->getResult(0)))
      return rewriter.notifyMatchFailure(op, "does not just move f32 values");
    SmallVector<Value> codes;
    if (std::string why = getOperandCodes(op, codes); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    Type type = getElementType(codes[0]);
    if (llvm::any_of(codes, [&](Value value) { return getElementType(value) != type; }))
      return rewriter.notifyMatchFailure(op, "operands have different scales");
    if (auto pad = dyn_cast<PadOp>(op.getOperation()); pad && pad.getMode() == PadMode::Constant) {
      double value = pad.getValue().convertToDouble();
      QuantSchemeInterface scheme = getScheme(type);
      if (scheme.decode(scheme.encode(value, int64_t(1)), int64_t(1))[0] != value)
        return rewriter.notifyMatchFailure(op, "the padding value has no exact code");
    }
    Type reals = op->getResult(0).getType();
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperands(codes);
      op->getResult(0).setType(withElementType(reals, type));
    });
    rewriter.setInsertionPointAfter(op);
    Value decoded = createDequantizeCast(rewriter, op->getLoc(), op->getResult(0));
    rewriter.replaceAllUsesExcept(op->getResult(0), decoded, decoded.getDefiningOp());
    return success();
  }
};

/// qcast(op(x)) to op(qcast(x)) for ops that only move codes, towards an f32 value that is encoded nowhere else. Each type that a
/// moved value is encoded to gets a move of its own.
struct HoistEncode : OpRewritePattern<quant::QuantizeCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(quant::QuantizeCastOp qcast, PatternRewriter &rewriter) const override {
    auto op = qcast.getInput().getDefiningOp<QuantizableOpInterface>();
    if (!op || !op.isSameScale() || op->getNumOperands() != 1)
      return rewriter.notifyMatchFailure(qcast, "its input is not moved");
    if (!llvm::all_of(op->getUsers(), llvm::IsaPred<quant::QuantizeCastOp>))
      return rewriter.notifyMatchFailure(qcast, "the moved values are read in float");
    if (getDecodedCodes(op->getOperand(0)))
      return rewriter.notifyMatchFailure(qcast, "the moved values are encoded already");
    auto type = dyn_cast<quant::UniformQuantizedType>(qcast.getQuantizedType());
    if (!type)
      return rewriter.notifyMatchFailure(qcast, "one scale per channel does not survive a move");
    rewriter.setInsertionPoint(op);
    Value input = op->getOperand(0);
    Value codes = quant::QuantizeCastOp::create(rewriter, qcast.getLoc(), withElementType(input.getType(), type), input);
    Operation *moved = rewriter.clone(*op);
    rewriter.modifyOpInPlace(moved, [&] {
      moved->setOperand(0, codes);
      moved->getResult(0).setType(qcast.getType());
    });
    rewriter.replaceOp(qcast, moved->getResult(0));
    if (op->use_empty())
      rewriter.eraseOp(op);
    return success();
  }
};

/// qcast(dcast(x)) with two types is a rescaling; with one type it is nothing.
struct FoldRescale : OpRewritePattern<quant::QuantizeCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(quant::QuantizeCastOp qcast, PatternRewriter &rewriter) const override {
    Value codes = getDecodedCodes(qcast.getInput());
    if (!codes)
      return rewriter.notifyMatchFailure(qcast, "encodes a computed f32 value");
    auto from = dyn_cast<quant::UniformQuantizedType>(getElementType(codes)),
         to = dyn_cast<quant::UniformQuantizedType>(qcast.getQuantizedType());
    if (!from || !to)
      return rewriter.notifyMatchFailure(qcast, "one scale per channel");
    if (codes.getDefiningOp<ConstantOp>() && from != to)
      return rewriter.notifyMatchFailure(qcast, "a constant");
    if (from.getScale() >= 0x1p24 * to.getScale())
      return rewriter.notifyMatchFailure(qcast, "the multiplier would exceed 2^24");
    rewriter.replaceOp(qcast, rescale(rewriter, qcast.getLoc(), codes, to));
    return success();
  }
};

/// Thresholds compare the real values of codes as well as f32 values.
struct FoldThreshold : OpRewritePattern<ThresholdOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ThresholdOp op, PatternRewriter &rewriter) const override {
    Value codes = getDecodedCodes(op.getInput());
    if (!codes || !isa<quant::UniformQuantizedType>(getElementType(codes)))
      return rewriter.notifyMatchFailure(op, "its input is not decoded from codes with one scale");
    rewriter.modifyOpInPlace(op, [&] { op.getInputMutable().assign(codes); });
    return success();
  }
};

/// The constant codes of type `type` with which a code compares as its real value does with `numbers`; `kind` and the side of the
/// constant are those of the comparison and may change the relation (docs/Numerics.md, N25). Nothing if there are none.
std::optional<SmallVector<int64_t>> findThresholds(CompareKind &kind, bool constantFirst, ArrayRef<float> numbers,
                                                   quant::UniformQuantizedType type) {
  QuantSchemeInterface scheme = getScheme(type);
  // No lambda captures a structured binding.
  int64_t low = scheme.getCodeRange().first, high = scheme.getCodeRange().second;
  double scale = scheme.getScaleValues()[0];
  auto zero = double(type.getZeroPoint());
  SmallVector<int64_t> codes;
  for (float number : numbers) {
    if (std::isnan(number))
      return std::nullopt;
    auto real = [&](double code) { return scale * (code - zero); };
    // The greatest code whose value is below `number`, or is at most `number`; the quotient is rounded. One beyond each limit.
    auto last = [&](bool orEqual) {
      double code = std::clamp(std::floor(double(number) / scale) + zero, double(low) - 2, double(high) + 1);
      auto holds = [&](double c) { return orEqual ? real(c) <= double(number) : real(c) < double(number); };
      while (code >= double(low) && !holds(code))
        code -= 1;
      while (code < double(high) && holds(code + 1))
        code += 1;
      return std::clamp<int64_t>(int64_t(code), low - 1, high);
    };
    switch (kind) {
    case CompareKind::Equal:
      // The f32 number of one code (N3).
      for (int64_t code : {last(true), last(true) + 1})
        if (code >= low && code <= high && float(real(double(code))) == number) {
          codes.push_back(code);
          break;
        }
      break;
    case CompareKind::Less: // x < t, t < x
      codes.push_back(constantFirst ? last(true) : last(false) + 1);
      break;
    case CompareKind::LessEqual: // x <= t, t <= x
      codes.push_back(constantFirst ? last(false) + 1 : last(true));
      break;
    }
  }
  if (codes.size() != numbers.size())
    return std::nullopt;
  // One code beyond a limit: the other relation with its neighbour says the same.
  int64_t step = 0;
  if (llvm::any_of(codes, [&](int64_t code) { return code > high; }))
    step = -1;
  else if (llvm::any_of(codes, [&](int64_t code) { return code < low; }))
    step = 1;
  for (int64_t &code : codes)
    code += step;
  if (step)
    kind = kind == CompareKind::Less ? CompareKind::LessEqual : CompareKind::Less;
  bool fits = llvm::all_of(codes, [&](int64_t code) { return code >= low && code <= high; });
  return fits ? std::optional(codes) : std::nullopt;
}

/// A relation of real values with a constant is one of codes.
struct FoldCompare : OpRewritePattern<CompareOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CompareOp op, PatternRewriter &rewriter) const override {
    bool first = getConstant(op.getLhs()) != nullptr;
    Value codes = getDecodedCodes(op->getOperand(first)), constant = op->getOperand(!first);
    ElementsAttr numbers = getConstant(constant);
    auto type = codes ? dyn_cast<quant::UniformQuantizedType>(getElementType(codes)) : quant::UniformQuantizedType();
    if (!type || !numbers || !isFloatTensor(constant))
      return rewriter.notifyMatchFailure(op, "does not compare codes of one scale with numbers");
    CompareKind kind = op.getKind();
    auto thresholds = findThresholds(kind, first, getFloats(numbers), type);
    if (!thresholds)
      return rewriter.notifyMatchFailure(op, "no code stands for its constant");
    auto shape = cast<RankedTensorType>(withElementType(constant.getType(), getScheme(type).getCodeType()));
    rewriter.setInsertionPoint(op);
    Value threshold = ConstantOp::create(rewriter, constant.getLoc(), withElementType(constant.getType(), type),
                                         makeElements(shape, ArrayRef<int64_t>(*thresholds)));
    rewriter.modifyOpInPlace(op, [&] {
      op.setKind(kind);
      op->setOperand(first, codes);
      op->setOperand(!first, threshold);
    });
    return success();
  }
};

struct FoldCasts : impl::FoldCastsBase<FoldCasts> {
  using FoldCastsBase::FoldCastsBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    size_t before = countOnCodes();
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldIntoOp>(&getContext(), /*benefit=*/2);
    patterns.add<ComputePerType, SinkDecode, HoistEncode, FoldRescale, FoldThreshold, FoldCompare>(&getContext());
    // The driver's own folding takes quant.dcast(quant.qcast(x)) for x, which forgets the rounding.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(function, std::move(patterns), config)))
      return signalPassFailure();
    numFolded += countOnCodes() - before;
    explainFloatOps(function);
  }

private:
  size_t countOnCodes() {
    size_t count = 0;
    getOperation().walk([&](QuantizableOpInterface op) {
      count += !isa<ConstantOp>(op.getOperation()) && getDomain(op->getResult(0).getType()) == Domain::Quantized;
    });
    return count;
  }

  void explainFloatOps(func::FuncOp function) {
    for (Operation &op : function.getBody().front()) {
      bool isFloat = llvm::any_of(op.getOperands(), isFloatTensor) || llvm::any_of(op.getResults(), isFloatTensor);
      if (!isFloat || isa<ConstantOp, ThresholdOp, quant::QuantizeCastOp, DequantizeCastOpInterface, func::ReturnOp>(op))
        continue;
      auto quantizable = dyn_cast<QuantizableOpInterface>(op);
      // A quantized op may keep an f32 operand that only shapes its tables.
      if (quantizable && op.getNumResults() == 1 && getDomain(op.getResult(0).getType()) == Domain::Quantized)
        continue;
      SmallVector<Value> codes;
      quant::QuantizedType type;
      std::string why = quantizable ? whyNotFolded(quantizable, codes, type) : "the operator is unknown to the quantizer";
      op.setAttr(floatReasonName, StringAttr::get(&getContext(), why));
      op.emitRemark() << "node " << describeNode(&op) << " (" << op.getName() << ") stays in float: " << why;
    }
  }
};
} // namespace
} // namespace qc
