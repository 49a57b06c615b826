// Integer products inside f32 networks, with codes of activations that are made at run time.
//
// The arithmetic is that of ONNX's DynamicQuantizeLinear, ConvInteger and MatMulInteger, Cast, Mul and Add, written in integers
// from the start. Where nothing is padded the codes are multiplied as they are, without a sign, and what their zero point adds,
// the same for all positions, is taken off the sums; else the real zeros around need codes less their zero point.
#include "Quantizable.h"
#include "qc/Transforms/ModePasses.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_QUANTIZEDYNAMICALLY
#include "qc/Transforms/ModePasses.h.inc"

namespace {
/// The codes of one tensor, made once for all that read it.
struct Codes {
  Value codes, zero, scale; ///< ui8 of the tensor's shape, ui8 and f32 of one number
  Value centred;            ///< codes - zero as i9; null until it is needed
};

struct QuantizeDynamically : impl::QuantizeDynamicallyBase<QuantizeDynamically> {
  using QuantizeDynamicallyBase::QuantizeDynamicallyBase;

  void runOnOperation() override {
    known.clear();
    rows.clear();
    SmallVector<Operation *> contractions;
    getOperation().walk([&](Operation *op) {
      if (isa<ConvOp, ConvTransposeOp, MatmulOp>(op) && isFloatTensor(op->getOperand(0)) && isFloatTensor(op->getResult(0)))
        contractions.push_back(op);
    });
    for (Operation *op : contractions) {
      std::string why = whyNot(op);
      if (!why.empty()) {
        op->emitRemark() << "node " << describeNode(op) << " stays in f32: " << why;
        continue;
      }
      rewrite(op);
    }
    getOperation()->setAttr("qc.stored", ArrayAttr::get(&getContext(), rows));
  }

private:
  static std::string whyNot(Operation *op) {
    ElementsAttr weight = getConstant(op->getOperand(1));
    if (isa<ConvTransposeOp>(op))
      return "it is a transposed convolution";
    if (!weight)
      return isa<MatmulOp>(op) ? "it multiplies two activations" : "its weights are not constant f32 numbers";
    if (isa<MatmulOp>(op) && product(getShape(op->getOperand(1)).drop_back(2)) != 1)
      return "its weights are several matrices";
    if (auto conv = dyn_cast<ConvOp>(op); conv && conv.getGroups() > 1 && getShape(conv.getWeight())[1] == 1)
      return "each of its outputs reads one channel, which codes do not make faster";
    if (op->getNumOperands() > 2 && !getConstant(op->getOperand(2)))
      return "its bias is not constant";
    SmallVector<float> storage;
    if (!llvm::all_of(viewFloats(weight, storage), [](float v) { return std::isfinite(v); }))
      return "a weight is not finite";
    return "";
  }

  Value number(OpBuilder &b, Location loc, float value) {
    return ConstantOp::create(b, loc, makeElements(RankedTensorType::get({}, b.getF32Type()), ArrayRef<float>(value)));
  }
  Type code(OpBuilder &b, unsigned bits, bool isUnsigned) {
    return IntegerType::get(b.getContext(), bits, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
  }
  Value quantize(OpBuilder &b, Location loc, Value x, Type type) {
    auto [low, high] = getCodeLimits(cast<IntegerType>(type));
    return QuantizeOp::create(b, loc, withElementType(x.getType(), type), x, b.getF32FloatAttr(1), b.getI64IntegerAttr(0),
                              b.getI64IntegerAttr(low), b.getI64IntegerAttr(high));
  }
  /// The numbers that codes of scale 1 are.
  Value toReals(OpBuilder &b, Location loc, Value codes) {
    return DequantizeOp::create(b, loc, withElementType(codes.getType(), b.getF32Type()), codes, b.getF32FloatAttr(1),
                                b.getI64IntegerAttr(0));
  }

  template <typename OpTy> Value arithmetic(OpBuilder &b, Location loc, RankedTensorType type, Value x, Value y) {
    if constexpr (std::is_same_v<OpTy, MulOp>)
      return MulOp::create(b, loc, type, x, y, FloatAttr(), FloatAttr(), 0, 0, IntegerAttr());
    else
      return OpTy::create(b, loc, type, x, y, FloatAttr(), FloatAttr());
  }

  /// DynamicQuantizeLinear of what has its channels in dimension `channelDim`.
  Codes &getCodes(Value x, int64_t channelDim) {
    Codes &codes = known[x];
    if (codes.codes)
      return codes;
    OpBuilder b(&getContext());
    b.setInsertionPointAfterValue(x);
    Location loc = x.getLoc();
    auto one = RankedTensorType::get({}, b.getF32Type());
    int64_t rank = getShape(x).size(), channels = getShape(x)[channelDim];
    SmallVector<int64_t> positions;
    for (int64_t d = 0; d < rank; ++d)
      if (d != channelDim)
        positions.push_back(d);
    FloatAttr zero = b.getF32FloatAttr(0);
    // Of each channel first, where there are several positions: vectors of channels are faster than one extreme after another.
    auto reduce = [&](ReduceKind kind) -> Value {
      auto along = [&](RankedTensorType type, Value from, ArrayRef<int64_t> axes) {
        return ReduceOp::create(b, loc, type, ReduceKindAttr::get(b.getContext(), kind), from, b.getDenseI64ArrayAttr(axes),
                                UnitAttr(), IntegerAttr());
      };
      if (product(getShape(x)) == channels)
        return along(one, x, llvm::to_vector(llvm::seq<int64_t>(0, rank)));
      return along(one, along(RankedTensorType::get({channels}, b.getF32Type()), x, positions), {0});
    };
    Value high = ClampOp::create(b, loc, one, reduce(ReduceKind::Max), zero, FloatAttr());
    Value low = ClampOp::create(b, loc, one, reduce(ReduceKind::Min), FloatAttr(), zero);
    Value range = arithmetic<SubOp>(b, loc, one, high, low);
    // Without a range any scale does; ONNX Runtime takes 1.
    Value isEmpty = CompareOp::create(b, loc, RankedTensorType::get({}, b.getI1Type()),
                                      CompareKindAttr::get(b.getContext(), CompareKind::Equal), range, number(b, loc, 0));
    Value steps = SelectOp::create(b, loc, one, isEmpty, number(b, loc, 1), number(b, loc, 255));
    Value length = SelectOp::create(b, loc, one, isEmpty, number(b, loc, 1), range);
    codes.scale = arithmetic<DivOp>(b, loc, one, length, steps);
    Value negated = arithmetic<MulOp>(b, loc, one, low, number(b, loc, -1));
    codes.zero = quantize(b, loc, arithmetic<DivOp>(b, loc, one, negated, codes.scale), code(b, 8, true));
    // The tie is broken before the zero point is added.
    auto type = cast<RankedTensorType>(x.getType());
    Value quotient = arithmetic<DivOp>(b, loc, type, x, codes.scale);
    Value whole = ActivationOp::create(b, loc, type, ActivationKindAttr::get(b.getContext(), ActivationKind::Round), quotient,
                                       b.getF32FloatAttr(0), b.getF32FloatAttr(0));
    codes.codes = quantize(b, loc, arithmetic<AddOp>(b, loc, type, whole, toReals(b, loc, codes.zero)), code(b, 8, true));
    return codes;
  }

  /// A list with one number per output channel, to broadcast along them.
  template <typename T> Value alongChannels(OpBuilder &b, Operation *op, ArrayRef<T> values, Type element) {
    SmallVector<int64_t> shape{int64_t(values.size())};
    if (isa<ConvOp>(op))
      shape.append(getShape(op->getResult(0)).size() - 2, 1);
    return ConstantOp::create(b, op->getLoc(), makeElements(RankedTensorType::get(shape, element), values));
  }

  void rewrite(Operation *op) {
    OpBuilder b(op);
    Location loc = op->getLoc();
    auto conv = dyn_cast<ConvOp>(op);
    Value x = op->getOperand(0), weight = op->getOperand(1);
    ArrayRef<int64_t> shape = getShape(weight);
    int64_t axis = conv ? 0 : int64_t(shape.size()) - 1, channels = shape[axis];
    int64_t inner = product(shape.drop_front(axis + 1));
    SmallVector<float> storage;
    ArrayRef<float> values = viewFloats(getConstant(weight), storage);
    auto channelOf = [&](size_t i) { return int64_t(i) / inner % channels; };
    SmallVector<float> scales(channels, 0);
    for (auto [i, v] : llvm::enumerate(values))
      scales[channelOf(i)] = std::max(scales[channelOf(i)], std::fabs(v));
    for (float &scale : scales)
      scale = scale == 0 ? 1 : std::max(scale / 127, std::numeric_limits<float>::min());
    SmallVector<int64_t> numbers, sums(channels, 0);
    for (auto [i, v] : llvm::enumerate(values)) {
      numbers.push_back(std::clamp<int64_t>(std::nearbyint(v / scales[channelOf(i)]), -127, 127));
      sums[channelOf(i)] += numbers.back();
    }
    Value codes =
        ConstantOp::create(b, weight.getLoc(), makeElements(withElementType(weight.getType(), code(b, 8, false)), numbers));

    Codes &input = getCodes(x, isa<ConvOp>(op) ? 1 : int64_t(getShape(x).size()) - 1);
    bool pads = conv && llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; });
    if (pads && !input.centred) {
      OpBuilder behind(&getContext());
      behind.setInsertionPointAfterValue(input.codes);
      auto type = cast<RankedTensorType>(x.getType());
      Value difference = arithmetic<SubOp>(behind, x.getLoc(), type, toReals(behind, x.getLoc(), input.codes),
                                           toReals(behind, x.getLoc(), input.zero));
      input.centred = quantize(behind, x.getLoc(), difference, code(b, 9, false));
    }
    IRMapping mapping;
    mapping.map(x, pads ? input.centred : input.codes);
    mapping.map(weight, codes);
    auto wide = withElementType(op->getResult(0).getType(), b.getI32Type());
    Operation *sum;
    if (conv)
      sum = ConvOp::create(b, loc, wide, mapping.lookup(x), codes, Value(), conv.getStridesAttr(), conv.getPadsAttr(),
                           conv.getDilationsAttr(), conv.getGroupsAttr(), FloatAttr(), FloatAttr(), b.getI64IntegerAttr(0),
                           IntegerAttr());
    else
      sum = MatmulOp::create(b, loc, wide, mapping.lookup(x), codes, Value(), FloatAttr(), FloatAttr(), 0, 0, IntegerAttr());
    if (!prove(b, sum))
      return undo(op, sum, "its sums may need more than 32 bits");
    Value total = sum->getResult(0);
    if (!pads) {
      Value offsets = alongChannels<int64_t>(b, op, sums, b.getI32Type());
      // No larger than the bound of the sums.
      Value zero = CastOp::create(b, loc, withElementType(input.zero.getType(), b.getI32Type()), input.zero);
      Value product = arithmetic<MulOp>(b, loc, cast<RankedTensorType>(offsets.getType()), zero, offsets);
      total = SubOp::create(b, loc, wide, total, product, FloatAttr(), FloatAttr());
    }
    auto real = cast<RankedTensorType>(op->getResult(0).getType());
    auto clamp = cast<ClampOpInterface>(op);
    auto limit = [&](std::optional<APFloat> value) { return value ? b.getF32FloatAttr(value->convertToFloat()) : FloatAttr(); };
    FloatAttr low = limit(clamp.getClampMin()), high = limit(clamp.getClampMax());
    Value bias = op->getNumOperands() > 2 ? op->getOperand(2) : Value();
    Value factors = alongChannels<float>(b, op, scales, b.getF32Type());
    factors = MulOp::create(b, loc, cast<RankedTensorType>(factors.getType()), input.scale, factors, FloatAttr(), FloatAttr(), 0,
                            0, IntegerAttr());
    Value reals = CastOp::create(b, loc, real, total);
    reals = MulOp::create(b, loc, real, reals, factors, bias ? FloatAttr() : low, bias ? FloatAttr() : high, 0, 0, IntegerAttr());
    if (bias)
      reals = AddOp::create(b, loc, real, reals, alongChannels<float>(b, op, getFloats(getConstant(bias)), b.getF32Type()), low,
                            high);
    rows.push_back(b.getDictionaryAttr({
        b.getNamedAttr("bytes", b.getI64IntegerAttr(values.size() + 4 * channels)),
        b.getNamedAttr("code", b.getStringAttr("i8")),
        b.getNamedAttr("float_bytes", b.getI64IntegerAttr(4 * values.size())),
        b.getNamedAttr("group", b.getI64IntegerAttr(values.size() / channels)),
        b.getNamedAttr("name", b.getStringAttr(getLocName(loc))),
    }));
    op->getResult(0).replaceAllUsesWith(reals);
    op->erase();
    if (weight.use_empty())
      weight.getDefiningOp()->erase();
  }

  static bool prove(OpBuilder &b, Operation *op) {
    std::string why;
    auto bound = cast<AccumulatorOpInterface>(op).computeAccBound(why);
    if (mlir::failed(bound) || *bound > uint64_t(INT32_MAX))
      return false;
    cast<AccumulatorOpInterface>(op).setAccBoundAttr(b.getIntegerAttr(b.getIntegerType(64, /*isSigned=*/false), *bound));
    return true;
  }

  static void undo(Operation *op, Operation *sum, StringRef why) {
    sum->erase();
    op->emitRemark() << "node " << describeNode(op) << " stays in f32: " << why;
  }

  llvm::DenseMap<Value, Codes> known;
  SmallVector<Attribute> rows;
};
} // namespace
} // namespace qc
