// Splits layers whose runs of output channels have code types of their own.
#include "PrecisionChoices.h"
#include "Quantizable.h"
#include "WeightCodes.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_SPLITSLICES
#include "qc/Transforms/Passes.h.inc"

namespace {
struct SplitSlices : impl::SplitSlicesBase<SplitSlices> {
  using SplitSlicesBase::SplitSlicesBase;

  void runOnOperation() override {
    SmallVector<Operation *> layers;
    getOperation().walk([&](Operation *op) {
      if (op->hasAttr(weightSlicesName))
        layers.push_back(op);
    });
    for (Operation *op : layers)
      if (failed(split(op)))
        return signalPassFailure();
  }

private:
  static LogicalResult split(Operation *op) {
    std::optional<Contraction> layer = Contraction::get(op);
    if (!layer || layer->groups != 1 || !canSplit(op))
      return op->emitError() << "slices: " << describeNode(op)
                             << " is no layer of one group whose result is rounded once: give it one code type";
    std::vector<std::pair<int64_t, Attribute>> runs;
    int64_t sum = 0;
    for (auto run : op->getAttrOfType<ArrayAttr>(weightSlicesName).getAsRange<DictionaryAttr>()) {
      auto channels = run.getAs<IntegerAttr>("channels");
      Attribute code = run.get("code");
      if (!channels || channels.getInt() < 1 || !WeightScheme::get(code))
        return op->emitError() << "slices: each run has a number of channels and a code type of weights";
      runs.push_back({channels.getInt(), code});
      sum += channels.getInt();
    }
    if (sum != layer->channels)
      return op->emitError() << "slices: the runs have " << sum << " channels together, the layer has " << layer->channels;

    auto qcast = cast<quant::QuantizeCastOp>(*op->user_begin());
    OpBuilder builder(op);
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    int64_t axis = layer->isProduct ? type.getRank() - 1 : 1, begin = 0;
    SmallVector<Value> parts;
    for (auto [channels, code] : runs) {
      int64_t end = begin + channels;
      Location loc = getPartLoc(op->getLoc(), getSliceName(begin, end));
      SmallVector<int64_t> shape(type.getShape());
      shape[axis] = channels;
      Value weights = takeWeights(builder, *layer, begin, end), biases;
      if (OpOperand *bias = layer->getBias())
        biases = takeBiases(builder, bias->get(), begin, end);
      Operation *part = builder.clone(*op);
      part->setLoc(loc);
      part->removeAttr(weightSlicesName);
      part->setAttr(weightCodeName, code);
      part->setOperand(1, weights);
      if (biases)
        part->setOperand(2, biases);
      auto partType = type.clone(shape);
      part->getResult(0).setType(partType);
      // Rounded like the whole, so that joining moves codes.
      Value codes = quant::QuantizeCastOp::create(builder, loc, withElementType(partType, getElementType(qcast.getResult())),
                                                  part->getResult(0));
      parts.push_back(quant::DequantizeCastOp::create(builder, loc, partType, codes));
      begin = end;
    }
    Value joined = ConcatOp::create(builder, op->getLoc(), type, parts, axis);
    op->getResult(0).replaceAllUsesWith(joined);
    SmallVector<Value> constants(op->operand_begin() + 1, op->operand_end());
    op->erase();
    for (Value constant : constants)
      if (constant.use_empty())
        constant.getDefiningOp()->erase();
    return success();
  }

  /// The tensor's name with `suffix`; the node stays.
  static Location getPartLoc(Location loc, StringRef suffix) {
    auto name = dyn_cast<NameLoc>(loc);
    StringAttr text = StringAttr::get(loc.getContext(), getLocName(loc) + suffix);
    return name ? NameLoc::get(text, name.getChildLoc()) : NameLoc::get(text, loc);
  }

  static Value takeWeights(OpBuilder &builder, const Contraction &layer, int64_t begin, int64_t end) {
    Value constant = layer.getWeight().get();
    SmallVector<float> storage;
    ArrayRef<float> values = viewFloats(getConstant(constant), storage);
    std::vector<float> taken;
    if (layer.isProduct) {
      for (int64_t k = 0; k < layer.depth; ++k)
        llvm::append_range(taken, values.slice(layer.getWeightIndex(begin, k), end - begin));
    } else {
      llvm::append_range(taken, values.slice(layer.getWeightIndex(begin, 0), (end - begin) * layer.depth));
    }
    auto type = cast<RankedTensorType>(constant.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[layer.isProduct ? shape.size() - 1 : 0] = end - begin;
    return ConstantOp::create(builder, getPartLoc(constant.getLoc(), getSliceName(begin, end)),
                              makeElements(type.clone(shape), ArrayRef<float>(taken)));
  }

  static Value takeBiases(OpBuilder &builder, Value constant, int64_t begin, int64_t end) {
    SmallVector<float> storage;
    ArrayRef<float> values = viewFloats(getConstant(constant), storage);
    auto type = cast<RankedTensorType>(constant.getType());
    if (type.getNumElements() == 1) // the same for all channels
      return constant;
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = end - begin;
    return ConstantOp::create(builder, getPartLoc(constant.getLoc(), getSliceName(begin, end)),
                              makeElements(type.clone(shape), values.slice(begin, end - begin)));
  }
};
} // namespace

bool canSplit(Operation *op) {
  if (!op->hasOneUse() || !getConstant(op->getOperand(1)))
    return false;
  auto qcast = dyn_cast<quant::QuantizeCastOp>(*op->user_begin());
  return qcast && isa<quant::UniformQuantizedType>(getElementType(qcast.getResult()));
}
} // namespace qc
