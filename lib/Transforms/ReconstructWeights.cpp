// Chooses the codes of weights by what samples bring to each layer.
#include "ActivationSteps.h"
#include "BlockRounding.h"
#include "CollectMoments.h"
#include "Quantizable.h"
#include "Samples.h"
#include "WeightCodes.h"
#include "WeightRounding.h"
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Dialect/QC/IR/StoredOps.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

#include "mlir/IR/Threading.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_RECONSTRUCTWEIGHTS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// A layer in the function that is quantized and the same in its float copy.
struct Layer {
  Contraction contraction;
  Operation *reference;
  double inputScale = 0;
  WeightScheme scheme;
  DecodeOp stored; ///< of stored weights; null: codes behind a cast are wanted

  /// True if its codes are not simply integers next to one another, all times one scale.
  bool hasLevels() const { return stored || !scheme.getLevels().empty() || scheme.getGrouped(); }
};

/// Layers that are rounded together, between two places where one value is alive. `begin` and `end` count layers.
struct Block {
  size_t begin, end;
  std::unique_ptr<BlockNetwork> network;
  Value input, output;
  Operation *behind;        ///< in front of it the output is alive
  bool isFromFloat = false; ///< its input comes from the float network
};
/// A block closes behind so many layers, or more where several values are alive.
constexpr size_t layersPerBlock = 3;

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
    method = findRoundingMethod(rounding.getValue());
    if (!method) {
      std::string names;
      for (const RoundingMethod &each : getRoundingMethods())
        names += (names.empty() ? "" : ", ") + std::string(each.name);
      return fail("rounding=" + rounding + ": use one of " + names);
    }
    std::optional<RoundingOrder> parsed = parseRoundingOrder(order.getValue());
    if (!parsed)
      return fail("order=" + order + ": use one of natural, activation, importance");
    roundingOptions.order = *parsed;
    if (!(damping >= 0 && damping <= 1))
      return fail("damping=" + std::to_string(damping) +
                  ": use a part of the mean moment up to 1, or 0: by the number of samples");
    if (!(sensitivity >= 0 && sensitivity <= 1))
      return fail("sensitivity=" + std::to_string(sensitivity) + ": use a number from 0 to 1");
    if (!(coupling >= 0 && coupling < 1))
      return fail("coupling=" + std::to_string(coupling) + ": use a number from 0 to less than 1");
    std::string problem;
    std::optional<Augmentation> copies = Augmentation::parse(augment, problem);
    if (!copies)
      return fail("augment=" + augment + ": " + problem);
    augmentation = *copies;
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
      if (quant::UniformQuantizedType type = getReconstructedType(contraction)) {
        layers.push_back({contraction, mapping.lookup(contraction.op), type.getScale(),
                          fitToLayer(WeightScheme::get(contraction.op->getAttr(weightCodeName))
                                         .value_or(WeightScheme(IntegerType::get(&getContext(), 8))),
                                     contraction.op),
                          DecodeOp()});
      } else if (auto decode = contraction.getWeight().get().getDefiningOp<DecodeOp>();
                 decode && decode.getScales() && decode->hasAttr(storedRealsName)) {
        layers.push_back({contraction, mapping.lookup(contraction.op), 0,
                          WeightScheme(cast<IntegerType>(getElementType(decode.getCodes()))), decode});
      }
    llvm::scope_exit dropReals([&] { function.walk([](DecodeOp decode) { decode->removeAttr(storedRealsName); }); });
    if (layers.empty())
      return success();
    if (!method->anyLevels)
      for (const Layer &layer : layers)
        if (layer.hasLevels())
          return layer.contraction.op->emitError()
                 << "rounding=" << rounding << " chooses between neighbouring integers, which the codes of "
                 << describeNode(layer.contraction.op) << " are not: use rounding=nearest or rounding=sequential";

    Samples source;
    if (llvm::Error error = source.open(samples, function))
      return fail(llvm::toString(std::move(error)));
    if (failed(source.followStates(reference)))
      return failure();
    if (augmentation.getCopies() > 1) {
      SmallVector<RankedTensorType> types;
      for (const Input &input : source.inputs())
        types.push_back(input.type);
      if (std::string why = Augmentation::whyNot(types); !why.empty())
        return fail("augment=" + augment + " makes copies of images: " + why);
    }
    int64_t available = countSamples(source.size(), heldOut), copies = augmentation.getCopies();
    if (available < method->leastSamples)
      return fail("rounding=" + rounding + " needs " + std::to_string(method->leastSamples) + " calibration samples or more, '" +
                  samples + "' holds " + std::to_string(available) + ": add samples, or use rounding=nearest");
    std::vector<Block> blocks;
    if (method->block != BlockStep::None)
      blocks = getBlocks(function, layers);
    size_t perSample = 0;
    {
      LayerStream quantized(function, 0), floats(reference, 0);
      auto measure = [&](const Layer *from, const Layer &to) {
        return floats.measure(from ? from->reference : nullptr, to.reference) +
               (progressive ? quantized.measure(from ? from->contraction.op : nullptr, to.contraction.op) : 0);
      };
      const Layer *previous = nullptr;
      for (const Layer &layer : layers) {
        perSample = std::max(perSample, measure(previous, layer));
        previous = &layer;
      }
      size_t kept = 0; // what is alive in front of a block stays until its end
      for (const Block &block : blocks)
        kept = std::max(kept, measure(&layers[block.begin], layers[block.begin]));
      perSample = (perSample + kept) * copies;
    }
    int64_t count = std::min<int64_t>(available, (size_t(memory) << 20) / std::max<size_t>(perSample, 1));
    if (count < method->leastSamples)
      return fail("rounding=" + rounding + " needs " + std::to_string((perSample * method->leastSamples >> 20) + 1) +
                  " MiB for " + std::to_string(method->leastSamples) +
                  " samples of this network: raise memory=" + std::to_string(memory));

    LayerStream quantized(function, progressive ? count * copies : 0), floats(reference, count * copies);
    if (llvm::Error error = feedStreams(source, count, progressive ? &quantized : nullptr, floats, heldOut, augmentation))
      return fail(llvm::toString(std::move(error)));
    count *= copies;
    std::vector<OutputSensitivity> outputs;
    if (sensitivity > 0 || coupling > 0) {
      std::string why;
      SmallVector<Contraction> references;
      for (const Layer &layer : layers)
        references.push_back(*Contraction::get(layer.reference));
      outputs = findOutputSensitivity(reference, floats, references, count, sensitivity, coupling > 0, why);
      if (outputs.empty())
        emitRemark(function.getLoc()) << "all positions of a layer count the same: " << why;
    }
    SmallVector<Attribute> reports;
    LayerStream arguments = floats;
    LayerStream quantizedBefore = quantized, floatsBefore = floats; // the block at hand
    size_t blockIndex = 0;
    for (auto [index, layer] : llvm::enumerate(layers)) {
      const Block *block = blockIndex < blocks.size() ? &blocks[blockIndex] : nullptr;
      if (failed(floats.advance(layer.reference)) || (progressive && failed(quantized.advance(layer.contraction.op))))
        return failure();
      if (block && block->begin == index) {
        floatsBefore = floats;
        quantizedBefore = quantized;
      }
      MomentSources sources;
      sources.copies = copies;
      sources.together = copies * getSamplesTogether(source, count / copies);
      if (Value addend = progressive ? getAddend(layer.contraction.op) : Value()) {
        sources.addend = addend;
        sources.floatAddend = getReference(mapping, addend);
      }
      if (!outputs.empty())
        sources.weights = &outputs[index].positions;
      LayerMoments none(layer.contraction.groups, layer.contraction.depth, sources.addend ? layer.contraction.channels : 0);
      std::array<LayerMoments, 2> halves = {none, none};
      if (failed(collectMoments(layer.contraction, layer.reference, progressive ? &quantized : nullptr, floats, count, sources,
                                samples, halves)))
        return failure();
      round(layer, halves, outputs.empty() ? nullptr : &outputs[index], count, reports);
      if (!block || block->end != index + 1)
        continue;
      if (failed(floats.advance(mapping.lookup(block->behind))))
        return failure();
      BlockOptions options;
      options.drop = method->block == BlockStep::JointWithDrop;
      report(*block, layers,
             reconstruct(*block, layers, mapping, progressive ? quantizedBefore : floatsBefore, floatsBefore, floats, count,
                         options),
             reports);
      // What was computed inside the block is not what it computes now.
      if (progressive)
        quantized = quantizedBefore;
      ++blockIndex;
    }
    if (learnSteps && failed(learn(function, layers, mapping, arguments, floats, count)))
      return failure();
    function->setAttr("qc.rounding", ArrayAttr::get(&getContext(), reports));
    return success();
  }

  /// Moves the scales and biases of all layers for what the network gives. The codes stay.
  LogicalResult learn(func::FuncOp function, ArrayRef<Layer> layers, const IRMapping &mapping, const LayerStream &inputs,
                      LayerStream &outputs, int64_t count) {
    Value output;
    std::string why;
    std::unique_ptr<BlockNetwork> network;
    if (function.getNumResults() != 1)
      why = "the network has several results";
    else
      network = BlockNetwork::createWhole(function, output, why);
    if (network) // what is behind its end does not matter
      why.clear();
    if (network && network->getLayers().size() != layers.size())
      why = "it holds a layer that is not rounded by samples";
    if (!why.empty()) {
      emitRemark(function.getLoc()) << "scales stay as the layers have them: " << why;
      return success();
    }
    Value target = getReference(mapping, output);
    if (failed(outputs.advance(*target.user_begin())))
      return failure();
    Block whole{0, layers.size(), std::move(network), function.getArgument(0), output, nullptr, /*isFromFloat=*/true};
    BlockOptions options;
    options.moveCodes = false;
    options.turns = learnSteps;
    std::vector<ActivationStep> steps;
    if (!powerOfTwo)
      steps = findLearnedSteps(function, *whole.network, layers, options.stepSizes);
    BlockResult result = reconstruct(whole, layers, mapping, inputs, inputs, outputs, count, options);
    Builder b(&getContext());
    auto ratio = [&](double error) { return b.getF64FloatAttr(error > 0 ? 10 * std::log10(result.signal / error) : 999.0); };
    int64_t moved = 0;
    for (size_t s = 0; s < result.scales.size(); ++s)
      if (result.scales[s] != steps[s].type.getScale()) {
        steps[s].set(result.scales[s]);
        ++moved;
      }
    function->setAttr("qc.learned_steps", b.getDictionaryAttr({b.getNamedAttr("activations", b.getI64IntegerAttr(moved)),
                                                               b.getNamedAttr("sqnr_after", ratio(result.after)),
                                                               b.getNamedAttr("sqnr_before", ratio(result.before))}));
    return success();
  }

  /// The scales of activations that `learn` moves, all of whose edges are in `network`, and, in the same order, the same for it.
  static std::vector<ActivationStep> findLearnedSteps(func::FuncOp function, const BlockNetwork &network, ArrayRef<Layer> layers,
                                                      std::vector<BlockStepSize> &blockSteps) {
    std::vector<ActivationStep> steps;
    for (ActivationStep &step : findActivationSteps(function)) {
      BlockStepSize blockStep{{}, {}, step.type.getScale(), step.most};
      for (auto [k, op] : llvm::enumerate(network.getRoundings()))
        if (llvm::is_contained(step.casts, op))
          blockStep.roundings.push_back(k);
      if (blockStep.roundings.size() != step.casts.size())
        continue;
      for (auto [k, op] : llvm::enumerate(network.getLayers())) {
        auto qcast = op->getOperand(0).getDefiningOp()->getOperand(0).getDefiningOp<quant::QuantizeCastOp>();
        if (llvm::is_contained(step.casts, qcast))
          blockStep.readers.push_back(k);
      }
      blockSteps.push_back(std::move(blockStep));
      steps.push_back(std::move(step));
    }
    return steps;
  }

  /// What `value` is in the float network.
  static Value getReference(const IRMapping &mapping, Value value) {
    if (auto dcast = value.getDefiningOp<quant::DequantizeCastOp>())
      value = dcast.getInput();
    if (auto qcast = value.getDefiningOp<quant::QuantizeCastOp>())
      value = qcast.getInput();
    return mapping.lookup(value);
  }

  /// The blocks of `function`; a remark names those that stay layers because an op has no gradient.
  std::vector<Block> getBlocks(func::FuncOp function, ArrayRef<Layer> layers) {
    LayerStream stream(function, 0);
    std::vector<Block> blocks;
    size_t begin = 0;
    std::vector<Value> before = stream.getLive(layers.front().contraction.op);
    for (size_t i = 1; i <= layers.size(); ++i) {
      bool isLast = i == layers.size();
      Operation *behind = isLast ? function.getBody().front().getTerminator() : layers[i].contraction.op;
      std::vector<Value> live = stream.getLive(behind);
      if (!isLast && (live.size() != 1 || (before.size() == 1 && i - begin < layersPerBlock)))
        continue;
      if (before.size() == 1) {
        // The first place behind the last layer where one value is alive: what follows, a pool perhaps, leaves fewer numbers to
        // reach.
        for (Operation *op = layers[i - 1].contraction.op->getNextNode(); op != behind; op = op->getNextNode())
          if (std::vector<Value> first = stream.getLive(op); first.size() == 1) {
            live = std::move(first);
            behind = op;
            break;
          }
        std::string why = "several values are its result";
        std::unique_ptr<BlockNetwork> network;
        // What follows the last layer may have no gradient: then the block ends in front of it.
        while (live.size() == 1 && !(network = BlockNetwork::create(before.front(), live.front(), why))) {
          Operation *last = live.front().getDefiningOp();
          if (!isLast || !last || last->getNumOperands() != 1 || last == before.front().getDefiningOp())
            break;
          live = stream.getLive(behind = last);
        }
        auto isKnown = [&](Operation *op) {
          return llvm::any_of(layers.slice(begin, i - begin), [&](const Layer &layer) { return layer.contraction.op == op; });
        };
        if (network && (network->getLayers().size() != i - begin || !llvm::all_of(network->getLayers(), isKnown))) {
          network = nullptr;
          why = "it holds a layer that is not rounded by samples";
        }
        if (network)
          blocks.push_back({begin, i, std::move(network), before.front(), live.front(), behind, !progressive});
        else
          emitRemark(layers[begin].contraction.op->getLoc())
              << "the block from " << describeNode(layers[begin].contraction.op) << " to "
              << describeNode(layers[i - 1].contraction.op) << " is rounded layer by layer: " << why;
      }
      begin = i;
      if (!isLast)
        before = stream.getLive(layers[i].contraction.op);
    }
    return blocks;
  }

  /// Rounds the layers of a block together, from what they are rounded to by themselves.
  BlockResult reconstruct(const Block &block, ArrayRef<Layer> layers, const IRMapping &mapping, const LayerStream &inputs,
                          const LayerStream &floatInputs, const LayerStream &outputs, int64_t count, BlockOptions blockOptions) {
    Value floatInput = getReference(mapping, block.input), floatOutput = getReference(mapping, block.output);
    BlockSamples source;
    source.count = count;
    source.copies = augmentation.getCopies();
    source.readInput = [&](int64_t i, std::vector<float> &values) {
      inputs.read(block.isFromFloat ? floatInput : block.input, i, values);
    };
    source.readFloatInput = [&](int64_t i, std::vector<float> &values) { floatInputs.read(floatInput, i, values); };
    source.readTarget = [&](int64_t i, std::vector<float> &values) { outputs.read(floatOutput, i, values); };

    std::vector<BlockLayer> blockLayers;
    SmallVector<WeightScheme> schemes;
    for (Operation *op : block.network->getLayers()) {
      const Layer &layer = *llvm::find_if(layers, [&](const Layer &each) { return each.contraction.op == op; });
      const Contraction &contraction = layer.contraction;
      Value decoded = getDecodedCodes(contraction.getWeight().get());
      QuantSchemeInterface scheme = getScheme(decoded.getType());
      BlockLayer &added = blockLayers.emplace_back();
      SmallVector<float> storage;
      ArrayRef<float> values = viewFloats(getConstant(layer.reference->getOperand(1)), storage);
      added.weights.assign(values.begin(), values.end());
      SmallVector<int64_t> codes = getInts(getConstant(decoded));
      added.codes.assign(codes.begin(), codes.end());
      added.channels.resize(codes.size());
      for (int64_t c = 0; c < contraction.groups * contraction.channels; ++c)
        for (int64_t k = 0; k < contraction.depth; ++k)
          added.channels[contraction.getWeightIndex(c, k)] = c;
      SmallVector<double> scales = scheme.getScaleValues();
      if (scheme.getChannelAxis() >= 0)
        added.scales.assign(scales.begin(), scales.end());
      else
        added.scales.assign(contraction.groups * contraction.channels, scales[0]);
      if (OpOperand *bias = contraction.getBias()) {
        SmallVector<float> biases = getFloats(getConstant(bias->get()));
        added.biases.assign(biases.begin(), biases.end());
      }
      for (size_t c = 0; c < added.scales.size(); ++c)
        added.leastScales.push_back(
            getLeastWeightScale(added.biases.empty() ? 0 : 2 * std::fabs(double(added.biases[c])), layer.inputScale));
      schemes.push_back(layer.scheme);
      added.highest = layer.scheme.getHighest();
    }
    blockOptions.learnSteps = !powerOfTwo && granularity == "channel";
    blockOptions.learnBiases = biasCorrection;
    BlockResult result = reconstructBlock(*block.network, source, blockOptions, blockLayers, getForEach(&getContext()));

    for (auto [op, layer, scheme] : llvm::zip_equal(block.network->getLayers(), blockLayers, schemes)) {
      int64_t axis = granularity == "tensor" ? -1 : cast<QuantizableOpInterface>(op).getWeightChannelAxis();
      SmallVector<double> scales(layer.scales.begin(), layer.scales.end());
      Operation *before = op->getOperand(1).getDefiningOp(), *codes = before->getOperand(0).getDefiningOp();
      replaceByCodes(op->getOpOperand(1), scheme.getType(scales, axis), layer.codes);
      if (before->use_empty())
        before->erase();
      if (codes->use_empty())
        codes->erase();
      if (op->getNumOperands() > 2)
        setBias(op, layer.biases);
    }
    return result;
  }

  /// Adds what rounding the layers of `block` together gave to their reports.
  void report(const Block &block, ArrayRef<Layer> layers, const BlockResult &result, SmallVectorImpl<Attribute> &reports) {
    Builder b(&getContext());
    auto ratio = [&](double error) { return error > 0 ? 10 * std::log10(result.signal / error) : 999.0; };
    for (Attribute &report : MutableArrayRef(reports).take_back(block.end - block.begin)) {
      NamedAttrList entries(cast<DictionaryAttr>(report));
      entries.set("block", b.getStringAttr(getLocName(layers[block.begin].contraction.op->getLoc())));
      entries.set("block_sqnr_before", b.getF64FloatAttr(ratio(result.before)));
      entries.set("block_sqnr_after", b.getF64FloatAttr(ratio(result.after)));
      report = entries.getDictionary(&getContext());
    }
  }

  /// Gives `op` the bias `values`, in the place of its own if it has one.
  static void setBias(Operation *op, ArrayRef<float> values) {
    OpBuilder builder(op);
    auto type = RankedTensorType::get({int64_t(values.size())}, builder.getF32Type());
    bool has = op->getNumOperands() > 2;
    Value constant = ConstantOp::create(builder, has ? op->getOperand(2).getLoc() : op->getLoc(), makeElements(type, values));
    if (!has) {
      op->insertOperands(2, constant);
      return;
    }
    Operation *old = op->getOperand(2).getDefiningOp();
    op->setOperand(2, constant);
    if (old->use_empty())
      old->erase();
  }

  void round(const Layer &layer, const std::array<LayerMoments, 2> &halves, const OutputSensitivity *outputs, int64_t count,
             SmallVectorImpl<Attribute> &reports) {
    const Contraction &contraction = layer.contraction;
    Operation *op = contraction.op;
    LayerMoments moments = halves[0];
    moments.add(halves[1]);
    int64_t depth = contraction.depth, channels = contraction.channels;
    SmallVector<float> storage, biases;
    ArrayRef<float> values = viewFloats(getConstant(layer.reference->getOperand(1)), storage);
    if (OpOperand *bias = contraction.getBias())
      biases = getFloats(getConstant(bias->get()));
    else if (biasCorrection)
      biases.assign(contraction.groups * channels, 0.0f);

    std::vector<int32_t> codes(values.size());
    std::vector<double> factors(layer.stored ? values.size() : 0); // of each weight
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
      if (outputs && !outputs->products.empty()) {
        // Sums of few gradients are uncertain: the less they say about that many channels the less they count.
        double certain = double(outputs->gradients) / double(outputs->gradients + channels);
        objectives.back().couple(outputs->products[g], certain * coupling);
      }
      problems.push_back(layer.stored
                             ? makeProblem(contraction, objectives.back(), layer.scheme.getBits(), getInputsOfScale(layer))
                             : makeProblem(contraction, g, objectives.back(), groupWeights.back(), biases, layer.scheme,
                                           layer.inputScale, powerOfTwo));
    }
    if (granularity == "tensor" && !layer.stored)
      shareScale(problems);
    for (int64_t g = 0; g < contraction.groups; ++g) {
      const RoundingProblem &problem = problems[g];
      const GroupObjective &objective = objectives[g];
      const std::vector<double> &weights = groupWeights[g];
      RoundedWeights rounded = method->round(problem, roundingOptions, getForEach(&getContext()));
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
          int64_t index = contraction.getWeightIndex(g * channels + c, k);
          codes[index] = q;
          double w = weights[c * depth + k], scale = rounded.scales[c];
          if (layer.stored)
            scale = factors[index] = rounded.factors[c * depth + k];
          shift += (w - q * scale) * group.x[k] + w * group.d[k];
        }
        if (!group.o.empty())
          shift += group.o[c];
        if (biasCorrection)
          biases[g * channels + c] += float(shift / moments.weight);
        scales.push_back(rounded.scales[c]);
      }
    }

    Builder b(&getContext());
    auto number = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getF64FloatAttr(value)); };
    auto integer = [&](StringRef key, int64_t value) { return b.getNamedAttr(key, b.getI64IntegerAttr(value)); };
    auto ratio = [&](double error) { return error > 0 ? 10 * std::log10(signal / error) : 999.0; };
    reports.push_back(b.getDictionaryAttr(
        {integer("bits", layer.scheme.getBits()), number("damping", least), integer("depth", depth),
         b.getNamedAttr("method", b.getStringAttr(rounding)), b.getNamedAttr("name", b.getStringAttr(getLocName(op->getLoc()))),
         integer("rank", rank), number("ridge", ridge), integer("rows", moments.rows), integer("samples", count),
         number("sqnr_after", ratio(after)), number("sqnr_before", ratio(before))}));
    if (rank < depth)
      emitRemark(op->getLoc()) << "the moments of the inputs of " << describeNode(op) << " have rank " << rank << " of " << depth
                               << " (" << moments.rows << " rows of " << count << " samples); " << least
                               << " was added to their diagonal";

    if (layer.stored) {
      storeCodes(layer, codes, factors);
    } else {
      int64_t axis = granularity == "tensor" ? -1 : cast<QuantizableOpInterface>(op).getWeightChannelAxis();
      replaceByCodes(contraction.getWeight(), layer.scheme.getType(scales, axis), codes);
      op->removeAttr(weightCodeName);
    }
    if (biasCorrection)
      setBias(op, biases);
  }

  /// Inputs of the contraction that share one scale of its stored weights: all taps of a block of input channels.
  static int64_t getInputsOfScale(const Layer &layer) {
    DecodeOp decode = layer.stored;
    const Contraction &contraction = layer.contraction;
    int64_t axis = contraction.isProduct ? 0 : 1, inputs = getShape(decode.getCodes())[axis];
    return getScaleBlock(inputs, getShape(decode.getScales())[axis]) * (contraction.depth / inputs);
  }

  /// Puts other codes and scales in the place of those that are stored. `factors`: the scale of each weight.
  static void storeCodes(const Layer &layer, ArrayRef<int32_t> codes, ArrayRef<double> factors) {
    DecodeOp decode = layer.stored;
    const Contraction &contraction = layer.contraction;
    int64_t channels = contraction.groups * contraction.channels, inputs = getInputsOfScale(layer);
    int64_t blocks = llvm::divideCeil(contraction.depth, inputs);
    SmallVector<float> scales(channels * blocks);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < blocks; ++i)
        scales[contraction.isProduct ? i * channels + c : c * blocks + i] =
            float(factors[contraction.getWeightIndex(c, i * inputs)]);
    OpBuilder b(decode);
    auto replace = [&](OpOperand &operand, auto values) {
      Value old = operand.get();
      operand.set(ConstantOp::create(b, old.getLoc(), makeElements(cast<RankedTensorType>(old.getType()), values)));
      if (old.use_empty())
        old.getDefiningOp()->erase();
    };
    replace(decode->getOpOperand(0), codes);
    replace(decode->getOpOperand(1), ArrayRef<float>(scales));
  }

  const RoundingMethod *method = nullptr;
  RoundingOptions roundingOptions;
  Augmentation augmentation;
};
} // namespace
} // namespace qc
