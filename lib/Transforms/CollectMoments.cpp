// Streams samples to layers and sums up what they bring.
#include "CollectMoments.h"
#include "Quantizable.h"
#include "WeightCodes.h"
#include "qc/Dialect/QC/IR/StoredOps.h"

#include "mlir/IR/Threading.h"

#include <cmath>

using namespace mlir;

namespace qc {
/// Numbers of the rows that are added at once.
constexpr int64_t chunkNumbers = 1 << 21;

ForEach getForEach(MLIRContext *context) {
  return [context](size_t count, const std::function<void(size_t)> &body) { parallelFor(context, 0, count, body); };
}

quant::UniformQuantizedType getReconstructedType(const Contraction &contraction) {
  auto op = cast<QuantizableOpInterface>(contraction.op);
  auto isFinite = [](Value constant) {
    SmallVector<float> storage;
    return llvm::all_of(viewFloats(getConstant(constant), storage), [](float v) { return std::isfinite(v); });
  };
  auto dcast = contraction.op->getOperand(0).getDefiningOp<quant::DequantizeCastOp>();
  if (!dcast || !isFloatTensor(contraction.op->getResult(0)) || !whyNotInteger(contraction.op).empty() ||
      !getConstant(contraction.getWeight().get()) || !isFinite(contraction.getWeight().get()) || op.getWeightChannelAxis() < 0)
    return {};
  if (OpOperand *bias = contraction.getBias(); bias && (!getConstant(bias->get()) || !isFinite(bias->get())))
    return {};
  return dyn_cast<quant::UniformQuantizedType>(dcast.getQuantizedType());
}

Value getAddend(Operation *op) {
  auto clamp = dyn_cast<ClampOpInterface>(op);
  if (!op->hasOneUse() || (clamp && (clamp.getClampMin() || clamp.getClampMax())))
    return {};
  Operation *user = *op->user_begin();
  while (isa<quant::QuantizeCastOp, quant::DequantizeCastOp>(user) && user->hasOneUse())
    user = *user->user_begin();
  auto sum = dyn_cast<AddOp>(user);
  if (!sum || getShape(sum.getLhs()) != getShape(sum.getRhs()) || sum.getLhs() == sum.getRhs())
    return {};
  auto leadsTo = [&](Value value) {
    Operation *from = value.getDefiningOp();
    while (isa_and_nonnull<quant::QuantizeCastOp, quant::DequantizeCastOp>(from))
      from = from->getOperand(0).getDefiningOp();
    return from == op;
  };
  Value other = leadsTo(sum.getLhs()) ? sum.getRhs() : sum.getLhs();
  Operation *producer = other.getDefiningOp();
  bool isComputed = producer && !getConstant(other) && producer->getBlock() == op->getBlock() && producer->isBeforeInBlock(op);
  auto dcast = dyn_cast_or_null<quant::DequantizeCastOp>(producer);
  return isComputed && (!dcast || dcast.getInput().getDefiningOp<quant::QuantizeCastOp>()) ? other : Value();
}

OwningOpRef<ModuleOp> cloneFloat(func::FuncOp function, IRMapping &mapping) {
  OwningOpRef<ModuleOp> copy = ModuleOp::create(function.getLoc());
  auto reference = cast<func::FuncOp>(function->clone(mapping));
  copy->push_back(reference);
  for (auto dcast : llvm::make_early_inc_range(reference.getOps<quant::DequantizeCastOp>()))
    if (auto qcast = dcast.getInput().getDefiningOp<quant::QuantizeCastOp>())
      dcast.replaceAllUsesWith(qcast.getInput());
  for (auto stored : function.getOps<DecodeOp>())
    if (auto reals = stored->getAttrOfType<ElementsAttr>(storedRealsName)) {
      auto decode = mapping.lookup(stored.getResult()).getDefiningOp<DecodeOp>();
      OpBuilder b(decode);
      Value value = ConstantOp::create(b, decode.getLoc(), reals);
      if (auto take = decode.getCodes().getDefiningOp<TakeOp>())
        value = TakeOp::create(b, decode.getLoc(), decode.getType(), value, take.getIndices());
      decode.replaceAllUsesWith(value);
      decode.erase();
      mapping.map(stored.getResult(), value);
    }
  return copy;
}

int64_t getSamplesTogether(const Samples &source, int64_t count) {
  constexpr int64_t leastParts = 8; // of both halves
  int64_t ofSequence = source.getSequenceLength() * count / std::max<int64_t>(source.size(), 1);
  return std::clamp<int64_t>(ofSequence, 1, std::max<int64_t>(1, count / leastParts));
}

int64_t countSamples(int64_t size, int64_t apart) { return apart ? size - size / apart : size; }

llvm::Error feedStreams(Samples &source, int64_t count, LayerStream *quantized, LayerStream &floats, int64_t apart,
                        const Augmentation &augmentation) {
  std::vector<std::unique_ptr<Buffer>> skipped;
  SmallVector<char *> buffers;
  for (const Input &input : source.inputs())
    skipped.push_back(std::make_unique<Buffer>(input.bytes()));
  int64_t available = countSamples(source.size(), apart), copies = augmentation.getCopies();
  for (int64_t i = 0, seen = 0, taken = 0; i < source.size() && taken < count; ++i) {
    bool isApart = apart && i % apart == apart - 1, take = !isApart && seen == taken * available / count;
    seen += !isApart;
    buffers.clear();
    for (size_t k = 0; k < skipped.size(); ++k)
      buffers.push_back(take ? floats.getInput(k, taken * copies) : skipped[k]->data);
    if (llvm::Error error = source.next(buffers))
      return error;
    for (int64_t copy = 1; take && copy < copies; ++copy)
      augmentation.copy(copy, taken, source.inputs()[0].type.getShape(), reinterpret_cast<const float *>(buffers[0]),
                        reinterpret_cast<float *>(floats.getInput(0, taken * copies + copy)));
    if (take && quantized)
      for (auto [k, input] : llvm::enumerate(source.inputs()))
        for (int64_t at = taken * copies; at < (taken + 1) * copies; ++at)
          std::memcpy(quantized->getInput(k, at), floats.getInput(k, at), input.bytes());
    taken += take;
  }
  return llvm::Error::success();
}

llvm::Expected<LayerStream> openStream(func::FuncOp function, const std::string &path, ArrayRef<Operation *> places,
                                       unsigned memory) {
  Samples source;
  if (llvm::Error error = source.open(path, function))
    return std::move(error);
  if (failed(source.followStates(function)))
    return llvm::createStringError("the network could not be compiled for its states");
  size_t perSample = 1;
  {
    LayerStream dry(function, 0);
    Operation *previous = nullptr;
    for (Operation *place : places) {
      perSample = std::max(perSample, dry.measure(previous, place));
      previous = place;
    }
  }
  int64_t count = std::min<int64_t>(source.size(), (size_t(memory) << 20) / perSample);
  if (count == 0)
    return llvm::createStringError("one sample of this network takes " + std::to_string((perSample >> 20) + 1) +
                                   " MiB: raise memory=" + std::to_string(memory));
  LayerStream stream(function, count);
  if (llvm::Error error = feedStreams(source, count, nullptr, stream))
    return std::move(error);
  return stream;
}

LogicalResult collectMoments(const Contraction &contraction, Operation *reference, const LayerStream *quantized,
                             const LayerStream &floats, int64_t count, const MomentSources &sources, StringRef path,
                             std::array<LayerMoments, 2> &halves, MostRows mostRows) {
  MLIRContext *context = contraction.op->getContext();
  int64_t width = contraction.groups * contraction.depth, total = count * contraction.positions;
  int64_t every = std::max<int64_t>(1, total / std::max(mostRows.least, mostRows.perInput * contraction.depth));
  // Another start in each sample, so that together they see all positions.
  auto getFirst = [&](int64_t i) { return i * 7 % every; };
  int64_t most = llvm::divideCeil(contraction.positions, every);
  int64_t together = std::clamp<int64_t>(chunkNumbers / (most * width), 1, count);
  bool hasAddend = quantized && sources.addend, isWeighted = sources.weights && !sources.weights->empty();
  int64_t outputs = hasAddend ? contraction.groups * contraction.channels : 0;
  std::vector<double> x(together * most * width), f(quantized ? x.size() : 0), o(together * most * outputs),
      weights(isWeighted ? together * most : 0);
  std::vector<int64_t> starts; // first row of each sample in the chunk
  // Every other sample goes into the other half.
  for (int64_t half = 0; half < 2; ++half) {
    std::vector<int64_t> members;
    for (int64_t i = 0; i < count; ++i)
      if (i / sources.together % 2 == half)
        members.push_back(i);
    for (size_t first = 0; first < members.size(); first += together) {
      ArrayRef<int64_t> chunk = ArrayRef(members).slice(first, std::min<size_t>(together, members.size() - first));
      int64_t rowCount = 0;
      starts.clear();
      for (int64_t i : chunk) {
        starts.push_back(rowCount);
        int64_t start = std::min(getFirst(i), contraction.positions);
        rowCount += llvm::divideCeil(contraction.positions - start, every);
      }
      std::vector<char> isFinite(chunk.size(), true); // of each sample: the first is named, whichever thread sees it
      parallelFor(context, 0, chunk.size(), [&](size_t k) {
        int64_t i = chunk[k];
        std::vector<float> values;
        auto gather = [&](double *row) {
          for (int64_t p = getFirst(i); p < contraction.positions; p += every, row += width)
            contraction.gather(values.data(), p, row);
        };
        if (isWeighted)
          for (int64_t p = getFirst(i), r = starts[k]; p < contraction.positions; p += every, ++r)
            weights[r] = (*sources.weights)[i][p];
        floats.read(reference->getOperand(0), i, values);
        isFinite[k] = llvm::all_of(values, [](float v) { return std::isfinite(v); });
        gather((quantized ? f : x).data() + starts[k] * width);
        if (!quantized)
          return;
        quantized->read(contraction.op->getOperand(0), i, values);
        gather(x.data() + starts[k] * width);
        if (!hasAddend)
          return;
        std::vector<float> theirs;
        floats.read(sources.floatAddend, i, values);
        quantized->read(sources.addend, i, theirs);
        double *row = o.data() + starts[k] * outputs;
        for (int64_t p = getFirst(i); p < contraction.positions; p += every, row += outputs)
          for (int64_t c = 0; c < outputs; ++c) {
            int64_t index = contraction.getOutputIndex(c, p);
            row[c] = double(values[index]) - theirs[index];
          }
      });
      if (auto found = llvm::find(isFinite, false); found != isFinite.end())
        return contraction.op->emitError() << "the input of " << describeNode(contraction.op)
                                           << " holds a value that is not finite for sample "
                                           << chunk[found - isFinite.begin()] / sources.copies << " of '" << path << "'";
      halves[half].add(x.data(), quantized ? f.data() : nullptr, hasAddend ? o.data() : nullptr,
                       isWeighted ? weights.data() : nullptr, rowCount, getForEach(context));
    }
  }
  return success();
}

std::vector<double> getGroupWeights(const Contraction &contraction, int64_t group, ArrayRef<float> values) {
  int64_t depth = contraction.depth, channels = contraction.channels;
  std::vector<double> weights(channels * depth);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t k = 0; k < depth; ++k)
      weights[c * depth + k] = values[contraction.getWeightIndex(group * channels + c, k)];
  return weights;
}

RoundingProblem makeProblem(const Contraction &contraction, const GroupObjective &objective, int64_t bits, int64_t inputs) {
  RoundingProblem problem{objective, contraction.channels, contraction.depth, 0, {}, {}, /*powerOfTwo=*/false};
  problem.largest.resize(contraction.channels);
  problem.leastScales.resize(contraction.channels);
  problem.sharedScale = 1;
  problem.storedBits = bits;
  for (int64_t k = 0; k < contraction.depth; ++k) {
    if (k % inputs == 0)
      problem.factorGroups.emplace_back();
    problem.factorGroups.back().push_back(int32_t(k));
  }
  return problem;
}

RoundingProblem makeProblem(const Contraction &contraction, int64_t group, const GroupObjective &objective,
                            ArrayRef<double> weights, ArrayRef<float> biases, const WeightScheme &scheme, double inputScale,
                            bool powerOfTwo) {
  RoundingProblem problem{objective, contraction.channels, contraction.depth, scheme.getHighest(), {}, {}, powerOfTwo};
  if ((problem.grouped = scheme.getGrouped()))
    problem.factorGroups = contraction.getFactorGroups(problem.grouped.getLength());
  SmallVector<int64_t> levels = scheme.getLevels();
  problem.levels.assign(levels.begin(), levels.end());
  for (int64_t c = 0; c < contraction.channels; ++c) {
    ArrayRef<double> channel = weights.slice(c * contraction.depth, contraction.depth);
    double largest = 0;
    for (double w : channel)
      largest = std::max(largest, std::fabs(w));
    // Where codes have few levels, what stands for it is the scale of least error of the weights by themselves.
    problem.largest.push_back(levels.empty() ? largest : scheme.fitScale(channel) * double(problem.highest));
    // Twice the bias: its correction comes on top.
    problem.leastScales.push_back(
        getLeastWeightScale(biases.empty() ? 0 : 2 * std::fabs(double(biases[group * contraction.channels + c])), inputScale));
  }
  return problem;
}
} // namespace qc
