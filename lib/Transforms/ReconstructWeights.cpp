// Chooses the codes of weights by what samples bring to each layer.
#include "CollectMoments.h"
#include "Quantizable.h"
#include "Samples.h"
#include "WeightCodes.h"
#include "WeightRounding.h"
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

#include "mlir/IR/Threading.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_RECONSTRUCTWEIGHTS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// A layer in the function that is quantized and the same in its float copy.
struct Layer {
  Contraction contraction;
  Operation *reference;
};

struct ReconstructWeights : impl::ReconstructWeightsBase<ReconstructWeights> {
  using ReconstructWeightsBase::ReconstructWeightsBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerNetworkDialects(registry); }

  void runOnOperation() override {
    if (failed(readOptions()))
      return signalPassFailure();
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!function.isExternal() && failed(reconstruct(function)))
        return signalPassFailure();
  }

private:
  LogicalResult readOptions() {
    auto fail = [&](const Twine &what) -> LogicalResult { return emitError(getOperation().getLoc()) << what; };
    std::string names;
    method = nullptr;
    for (const RoundingMethod &each : getRoundingMethods()) {
      names += (names.empty() ? "" : ", ") + std::string(each.name);
      if (each.name == rounding.getValue())
        method = &each;
    }
    if (!method)
      return fail("rounding=" + rounding + ": use one of " + names);
    roundingOptions.order = order == "natural"      ? RoundingOrder::Natural
                            : order == "activation" ? RoundingOrder::Activation
                                                    : RoundingOrder::Importance;
    if (order != "natural" && order != "activation" && order != "importance")
      return fail("order=" + order + ": use one of natural, activation, importance");
    if (!(damping > 0 && damping <= 1))
      return fail("damping=" + std::to_string(damping) + ": use a part of the mean moment, above 0 and up to 1");
    if (granularity != "channel" && granularity != "tensor")
      return fail("granularity=" + granularity + ": use one of channel, tensor");
    if (samples.empty())
      return fail("rounding=" + rounding + " needs calibration samples: give samples=<file.npz>");
    return success();
  }

  LogicalResult reconstruct(func::FuncOp function) {
    auto fail = [&](const Twine &what) -> LogicalResult { return emitError(function.getLoc()) << what; };
    if (!function.getBody().hasOneBlock())
      return fail("reconstruction needs a function of one block");
    IRMapping mapping;
    OwningOpRef<ModuleOp> copy = cloneFloat(function, mapping);
    func::FuncOp reference = *copy->getOps<func::FuncOp>().begin();
    std::vector<Layer> layers;
    for (const Contraction &contraction : getContractions(function))
      if (getReconstructedType(contraction))
        layers.push_back({contraction, mapping.lookup(contraction.op)});
    if (layers.empty())
      return success();

    Samples source;
    if (llvm::Error error = source.open(samples, function))
      return fail(llvm::toString(std::move(error)));
    for (const Input &input : source.inputs())
      if (input.state)
        return fail("rounding=" + rounding + " follows single samples, and input '" + input.name +
                    "' is a state: use rounding=nearest for networks with states");
    int64_t available = countSamples(source.size(), heldOut);
    if (available < method->leastSamples)
      return fail("rounding=" + rounding + " needs " + std::to_string(method->leastSamples) + " calibration samples or more, '" +
                  samples + "' holds " + std::to_string(available) + ": add samples, or use rounding=nearest");
    size_t perSample = 0;
    {
      LayerStream quantized(function, 0), floats(reference, 0);
      const Layer *previous = nullptr;
      for (const Layer &layer : layers) {
        perSample = std::max(
            perSample,
            floats.measure(previous ? previous->reference : nullptr, layer.reference) +
                (progressive ? quantized.measure(previous ? previous->contraction.op : nullptr, layer.contraction.op) : 0));
        previous = &layer;
      }
    }
    int64_t count = std::min<int64_t>(available, (size_t(memory) << 20) / std::max<size_t>(perSample, 1));
    if (count < method->leastSamples)
      return fail("rounding=" + rounding + " needs " + std::to_string((perSample * method->leastSamples >> 20) + 1) +
                  " MiB for " + std::to_string(method->leastSamples) +
                  " samples of this network: raise memory=" + std::to_string(memory));

    LayerStream quantized(function, progressive ? count : 0), floats(reference, count);
    if (llvm::Error error = feedStreams(source, count, progressive ? &quantized : nullptr, floats, heldOut))
      return fail(llvm::toString(std::move(error)));
    SmallVector<Attribute> reports;
    for (const Layer &layer : layers) {
      if (failed(floats.advance(layer.reference)) || (progressive && failed(quantized.advance(layer.contraction.op))))
        return failure();
      LayerMoments none(layer.contraction.groups, layer.contraction.depth);
      std::array<LayerMoments, 2> halves = {none, none};
      if (failed(collectMoments(layer.contraction, layer.reference, progressive ? &quantized : nullptr, floats, count, samples,
                                halves)))
        return failure();
      round(layer.contraction, halves, count, reports);
    }
    function->setAttr("qc.rounding", ArrayAttr::get(&getContext(), reports));
    return success();
  }

  ForEach forEach() {
    return [context = &getContext()](size_t count, const std::function<void(size_t)> &body) {
      parallelFor(context, 0, count, body);
    };
  }

  void round(const Contraction &contraction, const std::array<LayerMoments, 2> &halves, int64_t count,
             SmallVectorImpl<Attribute> &reports) {
    Operation *op = contraction.op;
    LayerMoments moments = halves[0];
    moments.add(halves[1]);
    auto assigned = op->getAttrOfType<TypeAttr>(weightCodeName);
    auto code = assigned ? cast<IntegerType>(assigned.getValue()) : IntegerType::get(&getContext(), 8);
    double inputScale = getReconstructedType(contraction).getScale();
    int64_t depth = contraction.depth, channels = contraction.channels;
    SmallVector<float> storage, biases;
    ArrayRef<float> values = viewFloats(getConstant(contraction.getWeight().get()), storage);
    if (OpOperand *bias = contraction.getBias())
      biases = getFloats(getConstant(bias->get()));
    else if (biasCorrection)
      biases.assign(contraction.groups * channels, 0.0f);

    std::vector<int32_t> codes(values.size());
    SmallVector<double> scales;
    double before = 0, after = 0, signal = 0, least = 0, ridge = 0;
    int64_t rank = depth;
    std::vector<GroupObjective> objectives;
    objectives.reserve(contraction.groups); // problems refer to them
    std::vector<RoundingProblem> problems;
    std::vector<std::vector<double>> groupWeights;
    for (int64_t g = 0; g < contraction.groups; ++g) {
      groupWeights.push_back(getGroupWeights(contraction, g, values));
      objectives.push_back(makeObjective(halves, moments, g, groupWeights.back(), damping, biasCorrection));
      problems.push_back(makeProblem(contraction, g, objectives.back(), groupWeights.back(), biases, getCodeLimits(code).second,
                                     inputScale, powerOfTwo));
    }
    if (granularity == "tensor")
      shareScale(problems);
    for (int64_t g = 0; g < contraction.groups; ++g) {
      const RoundingProblem &problem = problems[g];
      const GroupObjective &objective = objectives[g];
      const std::vector<double> &weights = groupWeights[g];
      RoundedWeights rounded = method->round(problem, roundingOptions, forEach());
      signal += getSignal(problem);
      before += getError(problem, roundToNearest(problem, weights));
      after += getError(problem, rounded);
      least = std::max(least, objective.damping);
      ridge = std::max(ridge, objective.ridge);
      rank = std::min(rank, objective.rank);
      const LayerMoments::Group &group = moments.groups[g];
      for (int64_t c = 0; c < channels; ++c) {
        double shift = 0;
        for (int64_t k = 0; k < depth; ++k) {
          int32_t q = rounded.codes[c * depth + k];
          codes[contraction.getWeightIndex(g * channels + c, k)] = q;
          double w = weights[c * depth + k];
          shift += (w - q * rounded.scales[c]) * group.x[k] + w * group.d[k];
        }
        if (biasCorrection)
          biases[g * channels + c] += float(shift / double(moments.rows));
        scales.push_back(rounded.scales[c]);
      }
    }

    Builder b(&getContext());
    auto number = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getF64FloatAttr(value)); };
    auto integer = [&](StringRef key, int64_t value) { return b.getNamedAttr(key, b.getI64IntegerAttr(value)); };
    auto ratio = [&](double error) { return error > 0 ? 10 * std::log10(signal / error) : 999.0; };
    reports.push_back(b.getDictionaryAttr(
        {integer("bits", code.getWidth()), number("damping", least), integer("depth", depth),
         b.getNamedAttr("method", b.getStringAttr(rounding)), b.getNamedAttr("name", b.getStringAttr(getLocName(op->getLoc()))),
         integer("rank", rank), number("ridge", ridge), integer("rows", moments.rows), integer("samples", count),
         number("sqnr_after", ratio(after)), number("sqnr_before", ratio(before))}));
    if (rank < depth)
      emitRemark(op->getLoc()) << "the moments of the inputs of " << describeNode(op) << " have rank " << rank << " of " << depth
                               << " (" << moments.rows << " rows of " << count << " samples); " << least
                               << " was added to their diagonal";

    int64_t axis = granularity == "tensor" ? -1 : cast<QuantizableOpInterface>(op).getWeightChannelAxis();
    replaceByCodes(contraction.getWeight(), getSymmetricType(code, scales, axis), codes);
    op->removeAttr(weightCodeName);
    if (!biasCorrection)
      return;
    OpBuilder builder(op);
    auto type = RankedTensorType::get({int64_t(biases.size())}, builder.getF32Type());
    OpOperand *bias = contraction.getBias();
    Value constant =
        ConstantOp::create(builder, bias ? bias->get().getLoc() : op->getLoc(), makeElements(type, ArrayRef<float>(biases)));
    if (!bias) {
      op->insertOperands(2, constant);
      return;
    }
    Operation *old = bias->get().getDefiningOp();
    bias->set(constant);
    if (old->use_empty())
      old->erase();
  }

  const RoundingMethod *method = nullptr;
  RoundingOptions roundingOptions;
};
} // namespace
} // namespace qc
