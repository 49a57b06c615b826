// Weights of f32 contractions, stored in few bits and decoded where they are used.
#include "Quantizable.h"
#include "StoredCodes.h"
#include "WeightCodes.h"
#include "qc/Dialect/QC/IR/StoredOps.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/ModePasses.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_STOREWEIGHTS
#include "qc/Transforms/ModePasses.h.inc"

namespace {
/// A matrix of weights as [outer][inputs][inner] elements of which each (outer, inner) pair is one output channel's: how the rows
/// of a convolution, of a product and of a table lie.
struct WeightView {
  int64_t axis = 0;     ///< of the inputs
  int64_t inputs = 0;   ///< of one output
  int64_t outAxis = 0;  ///< of output channels
  bool isTable = false; ///< rows that are chosen at run time
};

/// The view of the constant operand of `op`; nothing if it has none that can be stored.
std::optional<WeightView> getView(Operation *op) {
  auto rank = [&](unsigned i) { return int64_t(getShape(op->getOperand(i)).size()); };
  WeightView view;
  if (isa<ConvOp>(op) && rank(1) <= 4)
    view = {1, 0, 0, false};
  else if (isa<MatmulOp>(op) && product(getShape(op->getOperand(1)).drop_back(2)) == 1)
    view = {rank(1) - 2, 0, rank(1) - 1, false};
  else if (isa<TakeOp>(op) && rank(0) == 2)
    view = {1, 0, 0, true};
  else
    return std::nullopt;
  view.inputs = getShape(op->getOperand(view.isTable ? 0 : 1))[view.axis];
  return view;
}

/// Of a layer with one tap the last group may be shorter, where that is how its number of scales is read (getScaleBlock).
int64_t chooseGroup(int64_t inputs, int64_t group, bool oneTap) {
  group = std::min<int64_t>(group, llvm::alignTo(inputs, 32)); // longer ones are all inputs
  if (oneTap && group) {
    int64_t scales = (inputs + group - 1) / group, block = getScaleBlock(inputs, scales);
    if (scales == 1 || block % 32 == 0)
      return block;
  }
  for (int64_t g = group / 32 * 32; g > 0; g -= 32)
    if (inputs % g == 0)
      return g;
  return inputs;
}

/// True if the numbers of `value` may have a mean that is not small beside them: inputs of the network, and what cannot be
/// negative.
bool mayHaveMean(Value value) {
  llvm::SetVector<Value> values; // those that `value` consists of
  values.insert(value);
  for (size_t i = 0; i < values.size(); ++i) {
    Operation *op = values[i].getDefiningOp();
    if (!op)
      return true;
    if (auto clamp = dyn_cast<ClampOpInterface>(op); clamp && clamp.getClampMin() && !clamp.getClampMin()->isNegative())
      return true;
    auto quantizable = dyn_cast<QuantizableOpInterface>(op);
    if (std::optional<std::pair<double, double>> range = quantizable ? quantizable.getFixedRange() : std::nullopt;
        range && range->first >= 0)
      return true;
    if (isa<PoolOp, ReduceOp>(op) || (quantizable && quantizable.isSameScale()))
      values.insert_range(llvm::make_filter_range(op->getOperands(), isFloatTensor));
  }
  return false;
}

struct StoreWeights : impl::StoreWeightsBase<StoreWeights> {
  using StoreWeightsBase::StoreWeightsBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    std::string problem;
    std::optional<WeightCodes> codes = WeightCodes::parse(weights, problem, /*isStored=*/true);
    if (!codes) {
      emitError(function.getLoc()) << "weights=" << weights << ": " << problem;
      return signalPassFailure();
    }
    SmallVector<std::pair<Operation *, OpOperand *>> layers;
    function.walk([&](Operation *op) {
      bool isTable = isa<TakeOp>(op);
      if (!isTable && !isa<ConvOp, ConvTransposeOp, MatmulOp>(op))
        return;
      OpOperand &operand = op->getOpOperand(isTable ? 0 : 1);
      if (isFloatTensor(operand.get()) && isFloatTensor(op->getResult(0)) && isConstantOrDequantized(operand.get()))
        layers.push_back({op, &operand});
    });
    rows.clear();
    Operation *first = nullptr, *last = nullptr; // contractions: a table is not the first layer
    for (auto [op, operand] : layers)
      if (!isa<TakeOp>(op))
        first = first ? first : op, last = op;
    for (auto [op, operand] : layers)
      store(op, *operand, codes->getCode(op, first, last));
    if (failed)
      return signalPassFailure();
    function->setAttr("qc.stored", ArrayAttr::get(&getContext(), rows));
  }

private:
  void store(Operation *op, OpOperand &operand, StringRef code) {
    Builder b(&getContext());
    ArrayRef<int64_t> shape = getShape(operand.get());
    std::optional<WeightView> view = getView(op);
    int64_t bits = 32, scaleCount = 0, groupSize = 0;
    if (!view) {
      op->emitRemark() << "node " << describeNode(op)
                       << " keeps its weights in f32: only convolutions over one and two dimensions, "
                       << "products with one matrix and tables of rows are stored in fewer bits";
      code = "f32";
    } else if (code == "f16" || code == "bf16") {
      bits = 16;
      storeHalf(op, operand, *view, code);
    } else if (code != "f32") {
      StoredCode stored = *StoredCode::parse(code);
      groupSize = storeCodes(op, operand, *view, stored);
      bits = stored.bits;
      if (!groupSize)
        return;
      scaleCount = shape[view->outAxis] * ((view->inputs + groupSize - 1) / groupSize);
    }
    rows.push_back(b.getDictionaryAttr({
        b.getNamedAttr("bytes", b.getI64IntegerAttr((product(shape) * bits + 7) / 8 + 4 * scaleCount)),
        b.getNamedAttr("code", b.getStringAttr(bits == 32 || bits == 16 ? code : StringRef("i" + std::to_string(bits)))),
        b.getNamedAttr("float_bytes", b.getI64IntegerAttr(4 * product(shape))),
        b.getNamedAttr("group", b.getI64IntegerAttr(groupSize)),
        b.getNamedAttr("name", b.getStringAttr(getLocName(op->getLoc()))),
    }));
  }

  /// The reals, whether they are f32 numbers or codes of the model's; empty after an error.
  SmallVector<float> getReals(Operation *op, Value weight) {
    SmallVector<float> values;
    if (ElementsAttr constant = getConstant(weight)) {
      values = getFloats(constant);
    } else {
      Value codes = weight.getDefiningOp<quant::DequantizeCastOp>().getInput();
      auto reals = getScheme(codes.getType()).decode(getInts(getConstant(codes)), getShape(codes));
      values.assign(reals.begin(), reals.end());
    }
    if (llvm::all_of(values, [](float v) { return std::isfinite(v); }))
      return values;
    emitError(op->getLoc()) << "node " << describeNode(op)
                            << " has a weight that is not finite, which no code stands for: give it "
                            << "f32 weights (-mode=f32)";
    failed = true;
    return {};
  }

  void storeHalf(Operation *op, OpOperand &operand, const WeightView &view, StringRef code) {
    SmallVector<float> values = getReals(op, operand.get());
    bool isHalf = code == "f16";
    const auto &semantics = isHalf ? APFloat::IEEEhalf() : APFloat::BFloat();
    SmallVector<int64_t> numbers;
    float largest = isHalf ? 65504.0f : 0x1.fep127f;
    for (float v : values) {
      APFloat number(std::clamp(v, -largest, largest));
      bool loses;
      number.convert(semantics, APFloat::rmNearestTiesToEven, &loses);
      numbers.push_back(int16_t(number.bitcastToAPInt().getZExtValue()));
    }
    if (values.empty())
      return;
    if (llvm::any_of(values, [&](float v) { return std::fabs(v) > largest; }))
      op->emitRemark() << "node " << describeNode(op) << " has weights beyond " << largest << ", which are limited to that";
    auto type = IntegerType::get(&getContext(), 16);
    replace(op, operand, makeElements(withElementType(operand.get().getType(), type), numbers), nullptr,
            TypeAttr::get(isHalf ? Type(Float16Type::get(&getContext())) : BFloat16Type::get(&getContext())), values);
  }

  /// Gives the inputs of one scale; 0 after an error. Sets `code` to what the model brings, where that stays.
  int64_t storeCodes(Operation *op, OpOperand &operand, const WeightView &view, StoredCode &code) {
    Value weight = operand.get();
    ArrayRef<int64_t> shape = getShape(weight);
    int64_t inner = product(shape.drop_front(view.axis + 1)), size = view.inputs, bits = code.bits;
    bool isConv = isa<ConvOp>(op);
    SmallVector<int64_t> codes(product(shape));
    SmallVector<float> scales;
    SmallVector<int64_t> scaleShape(shape.size(), 1);
    scaleShape[view.outAxis] = shape[view.outAxis];
    if (auto dcast = weight.getDefiningOp<quant::DequantizeCastOp>()) {
      // Codes of the model, if they are of the form that is decoded.
      QuantSchemeInterface scheme = getScheme(dcast.getInput().getType());
      int64_t axis = scheme.getChannelAxis(), channels = shape[view.outAxis];
      bool symmetric = llvm::all_of(scheme.getZeroPointValues(), [](int64_t zero) { return zero == 0; });
      if (symmetric && !scheme.getCodeType().isUnsigned() && scheme.getCodeType().getWidth() <= 8 &&
          (axis < 0 || axis == view.outAxis)) {
        code.bits = scheme.getCodeType().getWidth();
        for (int64_t c = 0; c < channels; ++c)
          scales.push_back(float(scheme.getScaleValues()[axis < 0 ? 0 : c]));
        codes = getInts(getConstant(dcast.getInput()));
        finish(op, operand, code.bits, codes, scales, scaleShape, {});
        return size;
      }
    }
    SmallVector<float> values = getReals(op, weight);
    if (values.empty())
      return 0;
    size = chooseGroup(view.inputs, code.group, !isConv || inner == 1);
    int64_t groups = (view.inputs + size - 1) / size, outer = product(shape.take_front(view.axis));
    scaleShape[view.axis] = groups;
    scales.resize(outer * groups * (isConv ? 1 : inner));
    StoredCodes coder(bits);
    // Rows that are chosen are not multiplied and summed up.
    bool isBalanced = !view.isTable && mayHaveMean(op->getOperand(0));
    SmallVector<double> some;
    SmallVector<int32_t> someCodes;
    std::vector<std::pair<double, size_t>> errors;
    // Of a convolution all taps of an input share its scale.
    int64_t columns = isConv ? 1 : inner, taps = isConv ? inner : 1;
    auto forEach = [&](int64_t o, int64_t g, int64_t column, auto f) {
      for (int64_t i = g * size; i < std::min((g + 1) * size, view.inputs); ++i)
        for (int64_t t = 0; t < taps; ++t)
          f((o * view.inputs + i) * inner + column + t);
    };
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t g = 0; g < groups; ++g)
        for (int64_t column = 0; column < columns; ++column) {
          some.clear();
          forEach(o, g, column, [&](int64_t at) { some.push_back(values[at]); });
          float scale = coder.findScale(some);
          scales[(o * groups + g) * columns + column] = scale;
          someCodes.clear();
          errors.clear();
          for (auto [i, v] : llvm::enumerate(some)) {
            someCodes.push_back(int32_t(coder.getCode(v, scale)));
            errors.push_back({v / scale - someCodes.back(), i});
          }
          if (isBalanced)
            balanceChannel(someCodes, errors, coder.getLowest(), coder.getHighest());
          int64_t i = 0;
          forEach(o, g, column, [&](int64_t at) { codes[at] = someCodes[i++]; });
        }
    finish(op, operand, bits, codes, scales, scaleShape, values);
    return size;
  }

  void finish(Operation *op, OpOperand &operand, int64_t bits, ArrayRef<int64_t> codes, ArrayRef<float> scales,
              ArrayRef<int64_t> scaleShape, ArrayRef<float> reals) {
    Builder b(&getContext());
    Type type = b.getIntegerType(unsigned(bits)), f32 = b.getF32Type();
    replace(op, operand, makeElements(withElementType(operand.get().getType(), type), codes),
            makeElements(RankedTensorType::get(scaleShape, f32), scales), TypeAttr(), reals);
  }

  /// Puts a decoding in the place of the constant operand; of rows that are chosen at run time only those are decoded. `reals`:
  /// what was rounded, none if nothing was.
  void replace(Operation *op, OpOperand &operand, ElementsAttr codes, ElementsAttr scales, TypeAttr number,
               ArrayRef<float> reals) {
    OpBuilder b(op);
    Value old = operand.get();
    Location loc = old.getLoc();
    auto keep = [&](DecodeOp decode) {
      if (keepReals && !reals.empty())
        decode->setAttr(storedRealsName, makeElements(cast<RankedTensorType>(old.getType()), reals));
      return decode;
    };
    Value stored = ConstantOp::create(b, loc, codes), factors = scales ? ConstantOp::create(b, loc, scales).getResult() : Value();
    if (auto take = dyn_cast<TakeOp>(op)) {
      auto choose = [&](Value table) -> Value {
        SmallVector<int64_t> shape(getShape(take.getResult()));
        shape.back() = getShape(table).back();
        return TakeOp::create(b, op->getLoc(), RankedTensorType::get(shape, getElementType(table)), table, take.getIndices());
      };
      Value decoded =
          keep(DecodeOp::create(b, op->getLoc(), take.getType(), choose(stored), factors ? choose(factors) : Value(), number));
      take.getResult().replaceAllUsesWith(decoded);
      take.erase();
    } else {
      operand.set(keep(DecodeOp::create(b, loc, old.getType(), stored, factors, number)));
    }
    if (old.use_empty()) {
      Operation *producer = old.getDefiningOp();
      Value codesOfModel = isa<quant::DequantizeCastOp>(producer) ? producer->getOperand(0) : Value();
      producer->erase();
      if (codesOfModel && codesOfModel.use_empty())
        codesOfModel.getDefiningOp()->erase();
    }
  }

  SmallVector<Attribute> rows;
  bool failed = false;
};
} // namespace
} // namespace qc
