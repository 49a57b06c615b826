// Second-order errors of single layers, brought to a common currency: the outputs of the network.
#include "Sensitivity.h"
#include "OuterProducts.h"
#include "Quantizable.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/IR/Threading.h"

#include <cmath>

using namespace mlir;

namespace qc {
//===-- OutputLoss
//-----------------------------------------------------------------------------------------------------------===//

/// The op that gives `value`, behind ops that move or round it.
static Operation *getSource(Value value) {
  Operation *op = value.getDefiningOp();
  while (isa_and_nonnull<ReshapeOp, TransposeOp, DequantizeCastOpInterface, quant::QuantizeCastOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return op;
}

OutputLoss::OutputLoss(func::FuncOp function) {
  for (auto [i, value] : llvm::enumerate(function.getBody().front().getTerminator()->getOperands())) {
    if (!isFloatTensor(value))
      continue;
    ArrayRef<int64_t> shape = getShape(value);
    results.push_back(unsigned(i));
    sizes.push_back(product(shape));
    bool row = !shape.empty() && shape.back() >= 2 && shape.back() == product(shape);
    isRow.push_back(row);
    isProbability.push_back(row && isa_and_nonnull<SoftmaxOp>(getSource(value)));
  }
}

OutputLoss::Sample OutputLoss::compare(ArrayRef<const char *> exact, ArrayRef<const char *> actual) const {
  Sample result;
  for (size_t i = 0; i < results.size(); ++i) {
    auto *x = reinterpret_cast<const float *>(exact[i]), *y = reinterpret_cast<const float *>(actual[i]);
    double error = 0, signal = 0;
    if (isProbability[i]) {
      constexpr double least = 1e-9;
      for (size_t k = 0; k < sizes[i]; ++k)
        error += double(x[k]) * std::log(std::max(double(x[k]), least) / std::max(double(y[k]), least));
      error = std::max(error, 0.0);
      signal = 1;
    } else {
      for (size_t k = 0; k < sizes[i]; ++k) {
        error += (double(y[k]) - double(x[k])) * (double(y[k]) - double(x[k]));
        signal += double(x[k]) * double(x[k]);
      }
    }
    result.error.push_back(error);
    result.signal.push_back(signal);
    if (isRow[i]) {
      ++result.rows;
      result.sameLargest += std::max_element(x, x + sizes[i]) - x == std::max_element(y, y + sizes[i]) - y;
    }
  }
  return result;
}

double OutputLoss::getLoss(ArrayRef<Sample> samples) const {
  double loss = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    double error = 0, signal = 0;
    for (const Sample &sample : samples)
      error += sample.error[i], signal += sample.signal[i];
    loss += signal > 0 ? error / signal : 0;
  }
  return loss;
}

//===-- Sensitivity
//----------------------------------------------------------------------------------------------------------===//

namespace {
/// So many samples tell the loss of a layer, fewer for large networks: products of all runs together.
constexpr int64_t mostLossSamples = 64, leastLossSamples = 8;
constexpr double mostLossMacs = 2.5e11;
/// And so many rows its moments.
constexpr MostRows mostRows = {8, 1 << 13};
constexpr int64_t mostHeldOut = 1024;

/// A sample's inputs, one after another.
using Inputs = std::vector<std::unique_ptr<Buffer>>;

/// Runs a compiled network that gives results of an OutputLoss.
class Runner {
public:
  Runner(const Network &network, const OutputLoss &loss) : network(network), arena(network.getArenaBytes()) {
    for (size_t i = 0; i < loss.getResults().size(); ++i)
      results.push_back(std::make_unique<Buffer>(loss.getBytes(i)));
  }
  /// Valid until the next call.
  std::vector<const char *> run(const Inputs &inputs, ArrayRef<char *> more = {}) {
    SmallVector<char *> pointers;
    for (auto &input : inputs)
      pointers.push_back(input->data);
    llvm::append_range(pointers, more);
    for (auto &result : results)
      pointers.push_back(result->data);
    pointers.push_back(arena.data);
    network.run(pointers);
    std::vector<const char *> outputs;
    for (auto &result : results)
      outputs.push_back(result->data);
    return outputs;
  }

private:
  const Network &network;
  Buffer arena;
  std::vector<std::unique_ptr<Buffer>> results;
};

/// What is added to the outputs of a layer by a change of its weights, for one sample.
class OutputChange {
public:
  /// `change`: of the weights, as they lie; `shift`: per channel, of the bias; may be empty.
  OutputChange(const Contraction &contraction, ArrayRef<double> change, ArrayRef<double> shift)
      : contraction(contraction), shift(shift.begin(), shift.end()) {
    int64_t channels = contraction.channels, depth = contraction.depth;
    columns.resize(contraction.groups * depth * channels);
    for (int64_t g = 0; g < contraction.groups; ++g)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t k = 0; k < depth; ++k)
          columns[(g * depth + k) * channels + c] = change[contraction.getWeightIndex(g * channels + c, k)];
  }

  /// `rows`: as `transposeRows` makes them. `out`: as the layer's result lies.
  void compute(const std::vector<double> &rows, float *out) const {
    int64_t channels = contraction.channels, depth = contraction.depth, positions = contraction.positions;
    std::vector<double> sums(channels * positions);
    for (int64_t g = 0; g < contraction.groups; ++g) {
      std::fill(sums.begin(), sums.end(), 0.0);
      addOuterProducts(sums.data(), positions, &columns[g * depth * channels], channels, &rows[g * depth * positions], positions,
                       channels, depth, positions);
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t p = 0; p < positions; ++p) {
          double value = sums[c * positions + p] + (shift.empty() ? 0 : shift[g * channels + c]);
          out[contraction.getOutputIndex(g * channels + c, p)] = float(value);
        }
    }
  }

private:
  const Contraction &contraction;
  std::vector<double> columns; ///< groups x depth x channels
  std::vector<double> shift;
};

/// A sample's rows of a layer, groups x depth x positions.
std::vector<double> transposeRows(const Contraction &contraction, const std::vector<float> &values) {
  int64_t width = contraction.groups * contraction.depth, positions = contraction.positions;
  std::vector<double> row(width), result(width * positions);
  for (int64_t p = 0; p < positions; ++p) {
    contraction.gather(values.data(), p, row.data());
    for (int64_t k = 0; k < width; ++k)
      result[k * positions + p] = row[k];
  }
  return result;
}
} // namespace

struct Sensitivity::Impl {
  func::FuncOp function;
  SensitivityOptions options;
  OutputLoss loss;
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy;
  func::FuncOp reference;
  int64_t size = 0, fitted = 0;
  std::vector<Inputs> heldOut;
  std::vector<std::vector<std::unique_ptr<Buffer>>> exact; ///< outputs of the float network for the samples held out

  LogicalResult fail(const Twine &what) { return emitError(function.getLoc()) << what; }
  int64_t getLeastSamples() const { return std::max<int64_t>(options.method ? options.method->leastSamples : 0, 8); }

  SmallVector<Value> getOutputs(func::FuncOp from) const {
    SmallVector<Value> values;
    for (unsigned i : loss.getResults())
      values.push_back(from.getBody().front().getTerminator()->getOperand(i));
    return values;
  }

  std::vector<std::unique_ptr<Buffer>> keep(ArrayRef<const char *> outputs) const {
    std::vector<std::unique_ptr<Buffer>> kept;
    for (size_t i = 0; i < outputs.size(); ++i) {
      kept.push_back(std::make_unique<Buffer>(loss.getBytes(i)));
      std::memcpy(kept.back()->data, outputs[i], loss.getBytes(i));
    }
    return kept;
  }
  static std::vector<const char *> view(const std::vector<std::unique_ptr<Buffer>> &buffers) {
    std::vector<const char *> pointers;
    for (auto &buffer : buffers)
      pointers.push_back(buffer->data);
    return pointers;
  }

  LogicalResult open() {
    copy = cloneFloat(function, mapping);
    reference = *copy->getOps<func::FuncOp>().begin();
    loss = OutputLoss(reference);
    if (loss.getResults().empty())
      return fail("mixed precision compares results with those of the float network, but none is a tensor of f32");
    Samples source;
    if (llvm::Error error = source.open(options.samples, function))
      return fail(llvm::toString(std::move(error)));
    if (failed(source.followStates(reference)))
      return failure();
    size = source.size();
    int64_t available = countSamples(size, heldOutEvery), least = getLeastSamples();
    if (available < least || size == available) {
      int64_t needed = least;
      while (countSamples(needed, heldOutEvery) < least || needed < heldOutEvery)
        ++needed;
      return fail("mixed precision needs " + std::to_string(needed) + " calibration samples or more (" + std::to_string(least) +
                  " to estimate what each layer loses, every " + std::to_string(heldOutEvery) + "th to judge), '" +
                  options.samples + "' holds " + std::to_string(size) + ": add samples");
    }
    int64_t most = std::min(size / heldOutEvery, mostHeldOut), seen = 0;
    for (int64_t i = 0; i < size; ++i) {
      Inputs inputs;
      SmallVector<char *> pointers;
      for (const Input &input : source.inputs()) {
        inputs.push_back(std::make_unique<Buffer>(input.bytes()));
        pointers.push_back(inputs.back()->data);
      }
      if (llvm::Error error = source.next(pointers))
        return fail(llvm::toString(std::move(error)));
      if (i % heldOutEvery != heldOutEvery - 1)
        continue;
      if (int64_t(heldOut.size()) * (size / heldOutEvery) == seen * most || most == size / heldOutEvery)
        heldOut.push_back(std::move(inputs));
      ++seen;
    }
    auto network = Network::compile(reference, getOutputs(reference));
    if (failed(network))
      return failure();
    Runner runner(**network, loss);
    for (const Inputs &inputs : heldOut)
      exact.push_back(keep(runner.run(inputs)));
    return success();
  }

  /// A copy of the float network that gets more arguments, alone in its module.
  struct Variant {
    OwningOpRef<ModuleOp> module;
    func::FuncOp function;
    IRMapping mapping; ///< from the float network
  };
  Variant makeVariant() {
    Variant variant;
    variant.module = ModuleOp::create(function.getLoc());
    variant.function = cast<func::FuncOp>(reference->clone(variant.mapping));
    variant.function.setSymName("run_f32");
    variant.function.setPublic();
    variant.module->push_back(variant.function);
    return variant;
  }
  /// Its results are what losses are of.
  FailureOr<std::unique_ptr<Network>> compile(Variant variant) {
    func::FuncOp clone = variant.function;
    Block &body = clone.getBody().front();
    SmallVector<Value> results = getOutputs(clone);
    body.getTerminator()->setOperands(results);
    clone.setFunctionType(
        FunctionType::get(clone.getContext(), TypeRange(body.getArgumentTypes()), TypeRange(ValueRange(results))));
    clone->removeAttr(clone.getResAttrsAttrName());
    clone->removeAttr(clone.getArgAttrsAttrName());
    return Network::compile(std::move(variant.module));
  }

  /// The float network with one more argument for each layer, which is added to what it gives before it is clamped.
  FailureOr<std::unique_ptr<Network>> compileDisturbed(ArrayRef<LayerSensitivity> layers) {
    Variant variant = makeVariant();
    Block &body = variant.function.getBody().front();
    for (const LayerSensitivity &layer : layers) {
      Operation *op = variant.mapping.lookup(mapping.lookup(layer.contraction.op));
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      Value change = body.addArgument(type, op->getLoc());
      OpBuilder builder(op);
      builder.setInsertionPointAfter(op);
      auto low = op->getAttrOfType<FloatAttr>("clamp_min"), high = op->getAttrOfType<FloatAttr>("clamp_max");
      op->removeAttr("clamp_min");
      op->removeAttr("clamp_max");
      auto sum = AddOp::create(builder, op->getLoc(), type, op->getResult(0), change, low, high);
      op->getResult(0).replaceAllUsesExcept(sum.getResult(), sum);
    }
    return compile(std::move(variant));
  }

  LogicalResult measure(std::vector<LayerSensitivity> &layers) {
    if (layers.empty())
      return success();
    Samples source;
    if (llvm::Error error = source.open(options.samples, function))
      return fail(llvm::toString(std::move(error)));
    if (failed(source.followStates(reference)))
      return failure();
    size_t perSample = 1, slices = 0;
    double macs = 0;
    {
      LayerStream dry(reference, 0);
      Operation *previous = nullptr;
      for (const LayerSensitivity &layer : layers) {
        Operation *op = mapping.lookup(layer.contraction.op);
        perSample = std::max(perSample, dry.measure(previous, op));
        previous = op;
        const Contraction &c = layer.contraction;
        macs += double(c.groups * c.channels * c.depth * c.positions);
        slices += layer.ends.size() + (layer.ends.size() > 1);
      }
    }
    int64_t count = std::min<int64_t>(countSamples(size, heldOutEvery), (size_t(options.memory) << 20) / perSample);
    if (count < getLeastSamples())
      return fail("mixed precision needs " + std::to_string((perSample * getLeastSamples() >> 20) + 1) + " MiB for " +
                  std::to_string(getLeastSamples()) +
                  " samples of this network: raise rounding-memory=" + std::to_string(options.memory));
    fitted = count;
    LayerStream floats(reference, count);
    if (llvm::Error error = feedStreams(source, count, nullptr, floats, heldOutEvery))
      return fail(llvm::toString(std::move(error)));

    // The samples that tell losses, evenly spread, and what the float network gives for them.
    int64_t runs = getLossSamples(2 * slices, macs, count);
    std::vector<Inputs> inputs = getInputs(source, floats, runs, count);
    auto network = compileDisturbed(layers);
    if (failed(network))
      return failure();
    std::vector<OutputSensitivity> sensitivities;
    if (options.sensitivity > 0) { // as the rounding that will follow; it says why not
      std::string why;
      SmallVector<Contraction> references;
      for (const LayerSensitivity &layer : layers)
        references.push_back(*Contraction::get(mapping.lookup(layer.contraction.op)));
      sensitivities =
          findOutputSensitivity(reference, floats, references, count, options.sensitivity, /*wantProducts=*/false, why);
    }
    std::vector<std::unique_ptr<Buffer>> zeros;
    SmallVector<char *> nothing;
    for (const LayerSensitivity &layer : layers) {
      auto type = cast<ShapedType>(layer.contraction.op->getResult(0).getType());
      zeros.push_back(std::make_unique<Buffer>(type.getNumElements() * sizeof(float)));
      nothing.push_back(zeros.back()->data);
    }
    std::vector<std::vector<std::unique_ptr<Buffer>>> outputs(runs);
    {
      Runner runner(**network, loss);
      for (int64_t i = 0; i < runs; ++i)
        outputs[i] = keep(runner.run(inputs[i], nothing));
    }
    for (auto [index, layer] : llvm::enumerate(layers)) {
      Operation *op = mapping.lookup(layer.contraction.op);
      if (failed(floats.advance(op)))
        return failure();
      MomentSources sources;
      if (!sensitivities.empty())
        sources.weights = &sensitivities[index].positions;
      if (failed(round(layer, op, floats, count, sources)))
        return failure();
      measureLosses(layer, index, op, floats, count, **network, inputs, outputs, nothing);
    }
    return success();
  }

  /// How many samples tell losses, of so many runs with each.
  static int64_t getLossSamples(size_t each, double macs, int64_t count) {
    int64_t runs = std::clamp(int64_t(mostLossMacs / (double(each) * std::max(macs, 1.0))), leastLossSamples, mostLossSamples);
    return std::min(runs, count);
  }
  static std::vector<Inputs> getInputs(const Samples &source, LayerStream &floats, int64_t runs, int64_t count) {
    std::vector<Inputs> inputs(runs);
    for (int64_t i = 0; i < runs; ++i)
      for (auto [k, input] : llvm::enumerate(source.inputs())) {
        inputs[i].push_back(std::make_unique<Buffer>(input.bytes()));
        std::memcpy(inputs[i].back()->data, floats.getInput(k, i * count / runs), input.bytes());
      }
    return inputs;
  }

  /// The float network with one more argument for each group's candidate, and one for none of them: 1 for what the group's
  /// values are, 0 for what they are not.
  FailureOr<std::unique_ptr<Network>> compileRounded(ArrayRef<ActivationGroup> groups) {
    Variant variant = makeVariant();
    Block &body = variant.function.getBody().front();
    auto single = RankedTensorType::get({1}, Float32Type::get(function.getContext()));
    for (const ActivationGroup &group : groups) {
      SmallVector<Value> switches;
      for (size_t i = 0; i <= group.bits.size(); ++i)
        switches.push_back(body.addArgument(single, function.getLoc()));
      for (const ActivationGroup::Member &member : group.members) {
        quant::QuantizeCastOp qcast = member.qcast;
        Value value = variant.mapping.lookup(mapping.lookup(qcast.getInput()));
        auto type = cast<RankedTensorType>(value.getType());
        OpBuilder builder(function.getContext());
        builder.setInsertionPointAfterValue(value);
        SmallPtrSet<Operation *, 8> made;
        auto multiply = [&](Value a, Value b) {
          auto op = MulOp::create(builder, value.getLoc(), type, a, b, FloatAttr(), FloatAttr(), 0, 0, IntegerAttr());
          made.insert(op);
          return op.getResult();
        };
        Value sum = multiply(value, switches.back());
        for (auto [i, candidate] : llvm::enumerate(member.types)) {
          auto codes = quant::QuantizeCastOp::create(builder, value.getLoc(), withElementType(type, candidate), value);
          made.insert(codes);
          Value part = multiply(quant::DequantizeCastOp::create(builder, value.getLoc(), type, codes), switches[i]);
          sum = AddOp::create(builder, value.getLoc(), type, sum, part, FloatAttr(), FloatAttr());
        }
        value.replaceAllUsesExcept(sum, made);
      }
    }
    return compile(std::move(variant));
  }

  LogicalResult measure(std::vector<ActivationGroup> &groups) {
    if (groups.empty())
      return success();
    Samples source;
    if (llvm::Error error = source.open(options.samples, function))
      return fail(llvm::toString(std::move(error)));
    if (failed(source.followStates(reference)))
      return failure();
    int64_t count = countSamples(size, heldOutEvery);
    double macs = 0;
    for (const Contraction &c : getContractions(reference))
      macs += double(c.groups * c.channels * c.depth * c.positions);
    size_t each = 0;
    for (const ActivationGroup &group : groups)
      each += group.bits.size();
    int64_t runs = getLossSamples(each, macs, count);
    LayerStream floats(reference, runs);
    if (llvm::Error error = feedStreams(source, runs, nullptr, floats, heldOutEvery))
      return fail(llvm::toString(std::move(error)));
    std::vector<Inputs> inputs = getInputs(source, floats, runs, runs);
    auto network = compileRounded(groups);
    if (failed(network))
      return failure();

    float one = 1, zero = 0;
    /// Switches with candidate `choice` of `group`, all other groups exact; all of them for a group that there is not.
    auto getSwitches = [&](size_t group, size_t choice) {
      SmallVector<char *> pointers;
      for (auto [g, other] : llvm::enumerate(groups))
        for (size_t i = 0; i <= other.bits.size(); ++i) {
          bool isOn = i == (g == group ? choice : other.bits.size());
          pointers.push_back(reinterpret_cast<char *>(isOn ? &one : &zero));
        }
      return pointers;
    };
    std::vector<std::vector<std::vector<OutputLoss::Sample>>> sums;
    for (ActivationGroup &group : groups)
      sums.emplace_back(group.bits.size(), std::vector<OutputLoss::Sample>(runs));
    size_t tasks = std::min<size_t>(runs, function.getContext()->getNumThreads());
    parallelFor(function.getContext(), 0, tasks, [&](size_t task) {
      Runner runner(**network, loss);
      for (int64_t i = runs * task / tasks; i < int64_t(runs * (task + 1) / tasks); ++i) {
        std::vector<std::unique_ptr<Buffer>> exactly = keep(runner.run(inputs[i], getSwitches(groups.size(), 0)));
        for (size_t g = 0; g < groups.size(); ++g)
          for (size_t k = 0; k < groups[g].bits.size(); ++k)
            sums[g][k][i] = loss.compare(view(exactly), runner.run(inputs[i], getSwitches(g, k)));
      }
    });
    for (auto [group, samples] : llvm::zip_equal(groups, sums)) {
      group.losses.clear();
      for (const std::vector<OutputLoss::Sample> &candidate : samples)
        group.losses.push_back(loss.getLoss(candidate));
      makeMonotonic(group.losses);
    }
    return success();
  }

  /// More bits never lose more: what says so is noise of rounding or of few samples.
  static void makeMonotonic(std::vector<double> &losses) {
    for (size_t i = losses.size() - 1; i > 0; --i)
      losses[i - 1] = std::max(losses[i - 1], losses[i]);
  }

  /// The codes of each candidate, and their second-order errors.
  LogicalResult round(LayerSensitivity &layer, Operation *op, const LayerStream &floats, int64_t count,
                      const MomentSources &sources) {
    const Contraction &contraction = layer.contraction;
    LayerMoments none(contraction.groups, contraction.depth, 0);
    std::array<LayerMoments, 2> halves = {none, none};
    if (failed(collectMoments(contraction, op, nullptr, floats, count, sources, options.samples, halves, mostRows)))
      return failure();
    LayerMoments moments = halves[0];
    moments.add(halves[1]);
    double inputScale = getReconstructedType(contraction).getScale();
    int64_t depth = contraction.depth, channels = contraction.channels;
    SmallVector<float> storage, biases;
    ArrayRef<float> values = viewFloats(getConstant(contraction.getWeight().get()), storage);
    bool corrects = options.method && options.biasCorrection;
    if (OpOperand *bias = contraction.getBias())
      biases = getFloats(getConstant(bias->get()));
    else if (corrects)
      biases.assign(contraction.groups * channels, 0.0f);
    layer.errors.assign(layer.ends.size(), std::vector<double>(layer.bits.size(), 0.0));
    layer.weights.assign(layer.bits.size(), std::vector<float>(values.size()));
    layer.biases.assign(layer.bits.size(), std::vector<float>(biases.begin(), biases.end()));
    double signal = 0;
    for (int64_t g = 0; g < contraction.groups; ++g) {
      std::vector<double> weights = getGroupWeights(contraction, g, values);
      // Rounding to nearest is balanced, which leaves the means nearly as they are, too.
      GroupObjective objective = makeObjective(halves, moments, g, weights, options.damping, /*centered=*/true);
      for (auto [i, scheme] : llvm::enumerate(layer.schemes)) {
        RoundingProblem problem = makeProblem(contraction, g, objective, weights, biases, scheme, inputScale, options.powerOfTwo);
        RoundedWeights rounded = options.method
                                     ? options.method->round(problem, options.rounding, getForEach(function.getContext()))
                                     : roundToNearest(problem, weights);
        for (size_t s = 0; s < layer.ends.size(); ++s)
          layer.errors[s][i] += getError(problem, rounded, layer.getBegin(s), layer.ends[s]);
        if (i == 0)
          signal += getSignal(problem);
        for (int64_t c = 0; c < channels; ++c) {
          double shift = 0;
          for (int64_t k = 0; k < depth; ++k) {
            double w = rounded.codes[c * depth + k] * rounded.scales[c];
            layer.weights[i][contraction.getWeightIndex(g * channels + c, k)] = float(w);
            shift += (weights[c * depth + k] - w) * moments.groups[g].x[k];
          }
          if (corrects)
            layer.biases[i][g * channels + c] += float(shift / moments.weight);
        }
      }
    }
    for (std::vector<double> &slice : layer.errors)
      for (double &error : slice)
        error = signal > 0 ? error / signal : 0;
    return success();
  }

  /// Losses of two candidates are measured; those between and beyond have theirs by their second-order errors: in proportion,
  /// with a factor that goes from the one measured to the other with the logarithm of the error.
  void measureLosses(LayerSensitivity &layer, size_t index, Operation *op, const LayerStream &floats, int64_t count,
                     const Network &network, const std::vector<Inputs> &inputs,
                     const std::vector<std::vector<std::unique_ptr<Buffer>>> &outputs, ArrayRef<char *> nothing) {
    const Contraction &contraction = layer.contraction;
    SmallVector<size_t, 2> measured{0};
    auto fine = llvm::find_if(layer.bits, [](unsigned bits) { return bits >= 4; });
    size_t second = fine == layer.bits.end() ? layer.bits.size() - 1 : fine - layer.bits.begin();
    if (second != 0)
      measured.push_back(second);
    SmallVector<float> storage, biases;
    ArrayRef<float> values = viewFloats(getConstant(contraction.getWeight().get()), storage);
    if (OpOperand *bias = contraction.getBias())
      biases = getFloats(getConstant(bias->get()));
    // Of the whole layer with each of `measured`, of the first slice, of the second, ...
    size_t slices = layer.ends.size(), parts = slices > 1 ? slices + 1 : 1;
    std::vector<OutputChange> changes;
    for (size_t part = 0; part < parts; ++part)
      for (size_t i : measured) {
        int64_t begin = part ? layer.getBegin(part - 1) : 0;
        int64_t end = part ? layer.ends[part - 1] : contraction.groups * contraction.channels;
        std::vector<double> change(values.size()), shift(layer.biases[i].size());
        for (int64_t c = begin; c < end; ++c) {
          for (int64_t k = 0; k < contraction.depth; ++k) {
            int64_t index = contraction.getWeightIndex(c, k);
            change[index] = double(layer.weights[i][index]) - double(values[index]);
          }
          if (!shift.empty())
            shift[c] = double(layer.biases[i][c]) - (biases.empty() ? 0.0 : double(biases[c]));
        }
        changes.emplace_back(contraction, change, shift);
      }
    size_t runs = inputs.size();
    std::vector<std::vector<OutputLoss::Sample>> sums(changes.size(), std::vector<OutputLoss::Sample>(runs));
    size_t tasks = std::min<size_t>(runs, function.getContext()->getNumThreads());
    parallelFor(function.getContext(), 0, tasks, [&](size_t task) {
      Runner runner(network, loss);
      SmallVector<char *> arguments(nothing);
      auto type = cast<ShapedType>(contraction.op->getResult(0).getType());
      Buffer change(type.getNumElements() * sizeof(float));
      arguments[index] = change.data;
      std::vector<float> x;
      for (size_t i = runs * task / tasks; i < runs * (task + 1) / tasks; ++i) {
        floats.read(op->getOperand(0), int64_t(i) * count / int64_t(runs), x);
        std::vector<double> rows = transposeRows(contraction, x);
        for (auto [m, each] : llvm::enumerate(changes)) {
          each.compute(rows, reinterpret_cast<float *>(change.data));
          sums[m][i] = loss.compare(view(outputs[i]), runner.run(inputs[i], arguments));
        }
      }
    });
    auto estimate = [&](size_t part, const std::vector<double> &errors) {
      std::vector<double> factors, logs, losses;
      for (auto [m, i] : llvm::enumerate(measured)) {
        factors.push_back(errors[i] > 0 ? loss.getLoss(sums[part * measured.size() + m]) / errors[i] : 0);
        logs.push_back(std::log(std::max(errors[i], 1e-300)));
      }
      for (double error : errors) {
        double part = 0;
        if (factors.size() == 2 && logs[0] > logs[1])
          part = std::clamp((logs[0] - std::log(std::max(error, 1e-300))) / (logs[0] - logs[1]), 0.0, 1.0);
        losses.push_back(error * (factors.front() + part * (factors.back() - factors.front())));
      }
      makeMonotonic(losses);
      return losses;
    };
    std::vector<double> wholeErrors(layer.bits.size(), 0.0);
    for (const std::vector<double> &errors : layer.errors)
      for (size_t i = 0; i < wholeErrors.size(); ++i)
        wholeErrors[i] += errors[i];
    std::vector<double> whole = estimate(0, wholeErrors);
    layer.losses.clear();
    for (size_t s = 0; slices > 1 && s < slices; ++s)
      layer.losses.push_back(estimate(s + 1, layer.errors[s]));
    if (slices == 1)
      layer.losses.push_back(whole);
    // Slices that all have the same bits lose what the layer does: their own measurements tell who has which part in that.
    for (size_t i = 0; slices > 1 && i < whole.size(); ++i) {
      double sum = 0;
      for (const std::vector<double> &losses : layer.losses)
        sum += losses[i];
      for (std::vector<double> &losses : layer.losses)
        losses[i] = sum > 0 ? losses[i] * whole[i] / sum : whole[i] / double(slices);
    }
  }

  FailureOr<Outcome> evaluate(func::FuncOp quantized) {
    auto network = Network::compile(quantized, getOutputs(quantized));
    if (failed(network))
      return failure();
    Runner runner(**network, loss);
    std::vector<OutputLoss::Sample> sums;
    Outcome outcome;
    for (auto [inputs, expected] : llvm::zip_equal(heldOut, exact)) {
      sums.push_back(loss.compare(view(expected), runner.run(inputs)));
      outcome.rows += sums.back().rows;
      outcome.sameLargest += sums.back().sameLargest;
    }
    outcome.samples = int64_t(sums.size());
    outcome.loss = loss.getLoss(sums);
    return outcome;
  }

  FailureOr<Outcome> evaluate(ArrayRef<LayerSensitivity> layers, ArrayRef<std::vector<size_t>> choice) {
    IRMapping inner;
    OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
    auto clone = cast<func::FuncOp>(function->clone(inner));
    module->push_back(clone);
    for (auto [layer, slices] : llvm::zip_equal(layers, choice)) {
      const Contraction &contraction = layer.contraction;
      std::vector<float> weights = layer.weights[slices.front()], biases = layer.biases[slices.front()];
      for (size_t s = 1; s < slices.size(); ++s)
        for (int64_t c = layer.getBegin(s); c < layer.ends[s]; ++c) {
          for (int64_t k = 0; k < contraction.depth; ++k) {
            int64_t index = contraction.getWeightIndex(c, k);
            weights[index] = layer.weights[slices[s]][index];
          }
          if (!biases.empty())
            biases[c] = layer.biases[slices[s]][c];
        }
      Operation *op = inner.lookup(layer.contraction.op);
      OpBuilder builder(op);
      auto replace = [&](Value old, RankedTensorType type, ArrayRef<float> values) {
        return ConstantOp::create(builder, old ? old.getLoc() : op->getLoc(), makeElements(type, values)).getResult();
      };
      Value weight = op->getOperand(1);
      op->setOperand(1, replace(weight, cast<RankedTensorType>(weight.getType()), weights));
      if (biases.empty())
        continue;
      auto type = RankedTensorType::get({int64_t(biases.size())}, builder.getF32Type());
      if (op->getNumOperands() > 2)
        op->setOperand(2, replace(op->getOperand(2), type, biases));
      else
        op->insertOperands(2, replace(Value(), type, biases));
    }
    return evaluate(clone);
  }
};

Sensitivity::Sensitivity(func::FuncOp function, const SensitivityOptions &options) : impl(std::make_unique<Impl>()) {
  impl->function = function;
  impl->options = options;
}
Sensitivity::~Sensitivity() = default;

LogicalResult Sensitivity::open() { return impl->open(); }
LogicalResult Sensitivity::measure(std::vector<LayerSensitivity> &layers) { return impl->measure(layers); }
LogicalResult Sensitivity::measure(std::vector<ActivationGroup> &groups) { return impl->measure(groups); }
FailureOr<Outcome> Sensitivity::evaluate(ArrayRef<LayerSensitivity> layers, ArrayRef<std::vector<size_t>> choice) {
  return impl->evaluate(layers, choice);
}
FailureOr<Outcome> Sensitivity::evaluate(func::FuncOp quantized) { return impl->evaluate(quantized); }
int64_t Sensitivity::getHeldOut() const { return int64_t(impl->heldOut.size()); }
int64_t Sensitivity::getFitted() const { return impl->fitted; }
} // namespace qc
