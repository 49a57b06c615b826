// What quantization costs, tensor by tensor: the quantized network and its layers against the float network, on samples.
#include "Histogram.h"
#include "Quantizable.h"
#include "Samples.h"
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/BitVector.h"

#include <cmath>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_MEASUREERRORS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// Parts of a tensor's range in which values are counted for the report.
constexpr int64_t parts = 64;

/// Energies of a signal and of the error of what stands for it.
struct Noise {
  double signal = 0, error = 0;
  void add(ArrayRef<float> exact, ArrayRef<float> actual) {
    for (auto [x, y] : llvm::zip_equal(exact, actual)) {
      signal += double(x) * double(x);
      error += (double(y) - double(x)) * (double(y) - double(x));
    }
  }
  /// In dB, to a hundredth: the same on each host, whatever its logarithm. A unit attribute if there is no error, or no signal
  /// that could have one.
  Attribute getRatio(Builder &builder) const {
    if (error == 0 || signal == 0)
      return builder.getUnitAttr();
    return builder.getF64FloatAttr(std::round(1000 * std::log10(signal / error)) / 100);
  }
};

/// One quantized edge: a `quant.dcast` of a `quant.qcast` in the quantized network, and what is measured there.
struct Edge {
  mutable quant::DequantizeCastOp dcast;
  Operation *op = nullptr; ///< that computes it; null: an argument
  Value exact;             ///< of the float network; where that rounds itself, behind its rounding
  Value weighted;          ///< the op with quantized weights on the float network's inputs; null: it has no weights
  bool rounds = true;      ///< false where the float network rounds itself, and for what only moves codes

  Noise cumulative, own, weights, rounding;
  uint64_t saturated = 0, count = 0;
  llvm::BitVector codes; ///< which occurred
  Histogram real, coded;
};

/// A result of the function in both networks.
struct Result {
  unsigned index;
  Value exact, actual;
  Noise noise;
  int64_t rows = 0, sameLargest = 0;
};

/// A compiled network with memory for one sample. States keep their values from sample to sample.
class Runner {
public:
  LogicalResult compile(func::FuncOp function, ArrayRef<Value> wanted, ArrayRef<Input> inputs) {
    llvm::SetVector<Value> computed(wanted.begin(), wanted.end());
    for (const Input &input : inputs)
      if (input.state)
        computed.insert(getStateValue(function, *input.state));
    computed.remove_if([](Value value) { return isa<BlockArgument>(value); });
    auto allocate = [&](size_t bytes) {
      buffers.push_back(std::make_unique<Buffer>(bytes));
      pointers.push_back(buffers.back()->data);
      return buffers.back()->data;
    };
    for (auto [input, argument] : llvm::zip(inputs, function.getArguments()))
      data[argument] = allocate(input.bytes());
    for (Value value : computed)
      data[value] = allocate(cast<ShapedType>(value.getType()).getNumElements() * getStorageBytes(getElementType(value)));
    for (const Input &input : inputs)
      ports.push_back({input.bytes(), input.state ? data.lookup(getStateValue(function, *input.state)) : nullptr});
    if (computed.empty())
      return success();
    auto compiled = Network::compile(function, computed.getArrayRef());
    if (failed(compiled))
      return failure();
    network = std::move(*compiled);
    allocate(network->getArenaBytes());
    return success();
  }

  void run(ArrayRef<char *> sample, bool starts) {
    // A state may be the next value of another one: all are read before one is written.
    std::vector<std::vector<char>> next;
    for (auto [port, from] : llvm::zip_equal(ports, sample)) {
      const char *source = port.state && !starts ? port.state : from;
      next.emplace_back(source, source + port.bytes);
    }
    for (auto [i, bytes] : llvm::enumerate(next))
      std::memcpy(pointers[i], bytes.data(), bytes.size());
    if (network)
      network->run(pointers);
  }

  ArrayRef<float> get(Value value) const {
    return ArrayRef(reinterpret_cast<const float *>(data.lookup(value)), cast<ShapedType>(value.getType()).getNumElements());
  }

private:
  struct Port {
    size_t bytes;
    const char *state; ///< where the network leaves the next sample's value; null for data
  };
  std::unique_ptr<Network> network;
  std::vector<std::unique_ptr<Buffer>> buffers;
  SmallVector<char *> pointers;
  SmallVector<Port> ports;
  llvm::DenseMap<Value, char *> data;
};

/// Finds what a value of the quantized network is in the float network. Ops correspond by kind and name, in order: passes between
/// the two add casts and constants only, or what has no counterpart and is not measured.
class Counterparts {
public:
  Counterparts(func::FuncOp exact, func::FuncOp quantized) : exact(exact) {
    llvm::StringMap<SmallVector<Operation *>> waiting;
    auto key = [](Operation &op) { return (op.getName().getStringRef() + " " + getLocName(op.getLoc())).str(); };
    for (Operation &op : exact.getBody().front().without_terminator())
      waiting[key(op)].push_back(&op);
    llvm::StringMap<size_t> taken;
    for (Operation &op : quantized.getBody().front().without_terminator()) {
      auto candidates = waiting.find(key(op));
      if (candidates == waiting.end())
        continue;
      if (size_t &next = taken[key(op)]; next < candidates->second.size())
        ops[&op] = candidates->second[next++];
    }
  }

  /// Null if there is none.
  Value get(Value value) const {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return exact.getArgument(argument.getArgNumber());
    Operation *op = value.getDefiningOp();
    if (isa<quant::DequantizeCastOp>(op))
      if (auto qcast = op->getOperand(0).getDefiningOp<quant::QuantizeCastOp>()) {
        Value source = get(qcast.getInput());
        Value rounded = source ? getRounded(source, qcast.getType()) : Value();
        return rounded ? rounded : source;
      }
    Operation *other = ops.lookup(op);
    return other && other->getNumResults() == op->getNumResults() ? other->getResult(cast<OpResult>(value).getResultNumber())
                                                                  : Value();
  }

  /// What the float network itself makes of `value` by rounding it to `type`; null if it does not.
  static Value getRounded(Value value, Type type) {
    for (Operation *user : value.getUsers())
      if (auto qcast = dyn_cast<quant::QuantizeCastOp>(user); qcast && qcast.getType() == type)
        for (Operation *back : qcast->getUsers())
          if (isa<quant::DequantizeCastOp>(back))
            return back->getResult(0);
    return {};
  }

private:
  mutable func::FuncOp exact;
  llvm::DenseMap<Operation *, Operation *> ops;
};

struct MeasureErrors : impl::MeasureErrorsBase<MeasureErrors> {
  using MeasureErrorsBase::MeasureErrorsBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerNetworkDialects(registry); }

  void runOnOperation() override {
    auto kept = getOperation().lookupSymbol<ModuleOp>(keptFloatName);
    if (limit < 1) {
      getOperation().emitError("limit=") << int64_t(limit) << ": use 1 or more samples";
      return signalPassFailure();
    }
    if (!kept)
      return;
    for (auto exact : kept.getOps<func::FuncOp>()) {
      auto quantized = getOperation().lookupSymbol<func::FuncOp>(exact.getSymName());
      if (!quantized || quantized.getArgumentTypes() != exact.getArgumentTypes() || !quantized.getBody().hasOneBlock()) {
        exact.emitError("is kept, but there is no quantized function @") << exact.getSymName() << " with its arguments";
        return signalPassFailure();
      }
      if (failed(measure(exact, quantized)))
        return signalPassFailure();
    }
    kept.erase();
  }

private:
  /// `op` with its quantized constants, on the inputs of the float network, at the end of that; null if it has none.
  static Value addWeighted(Operation *op, func::FuncOp exact, const Counterparts &counterparts) {
    IRMapping mapping;
    OpBuilder builder(exact.getBody().front().getTerminator());
    bool hasWeights = false;
    for (Value operand : op->getOperands()) {
      if (!isConstantOrDequantized(operand)) {
        Value other = counterparts.get(operand);
        if (!other)
          return {};
        mapping.map(operand, other);
        continue;
      }
      Operation *producer = operand.getDefiningOp();
      hasWeights |= isa<DequantizeCastOpInterface>(producer);
      if (mapping.contains(operand))
        continue;
      for (Value inner : producer->getOperands())
        builder.clone(*inner.getDefiningOp(), mapping);
      builder.clone(*producer, mapping);
    }
    return hasWeights ? builder.clone(*op, mapping)->getResult(0) : Value();
  }

  std::vector<Edge> findEdges(func::FuncOp exact, func::FuncOp quantized) {
    Counterparts counterparts(exact, quantized);
    std::vector<Edge> edges;
    for (auto dcast : quantized.getOps<quant::DequantizeCastOp>()) {
      auto qcast = dcast.getInput().getDefiningOp<quant::QuantizeCastOp>();
      QuantSchemeInterface scheme = getScheme(dcast.getInput().getType());
      if (!qcast || !scheme || !isFloatTensor(dcast.getResult()))
        continue;
      Edge edge;
      edge.dcast = dcast;
      edge.op = qcast.getInput().getDefiningOp();
      edge.exact = counterparts.get(dcast);
      if (!edge.exact)
        continue;
      auto quantizable = dyn_cast_or_null<QuantizableOpInterface>(edge.op);
      edge.rounds = edge.exact == counterparts.get(qcast.getInput()) && !(quantizable && quantizable.isSameScale());
      auto [low, high] = scheme.getCodeRange();
      edge.codes.resize(high - low + 1);
      edges.push_back(std::move(edge));
    }
    for (Edge &edge : edges)
      if (edge.rounds && edge.op && edge.op->getNumResults() == 1)
        edge.weighted = addWeighted(edge.op, exact, counterparts);
    return edges;
  }

  static void addSample(Edge &edge, ArrayRef<float> exact, ArrayRef<float> weighted, ArrayRef<float> actual, bool &finite) {
    finite &= edge.real.add(exact) && edge.coded.add(actual);
    edge.cumulative.add(exact, actual);
    QuantSchemeInterface scheme = getScheme(edge.dcast.getInput().getType());
    ArrayRef<int64_t> shape = cast<ShapedType>(edge.dcast.getType()).getShape();
    auto round = [&](ArrayRef<float> values, Noise &noise, bool note) {
      SmallVector<int64_t> codes = scheme.encode(SmallVector<double>(values.begin(), values.end()), shape);
      SmallVector<double> reals = scheme.decode(codes, shape);
      noise.add(exact, SmallVector<float>(reals.begin(), reals.end()));
      if (!note)
        return;
      auto [low, high] = scheme.getCodeRange();
      double step = *llvm::max_element(scheme.getScaleValues());
      for (size_t i = 0; i < codes.size(); ++i) {
        edge.codes.set(codes[i] - low);
        // Beyond what rounding alone explains.
        edge.saturated += (codes[i] == low || codes[i] == high) && std::abs(double(values[i]) - reals[i]) > step / 2 * (1 + 1e-6);
      }
      edge.count += codes.size();
    };
    round(exact, edge.rounding, /*note=*/true);
    if (!edge.weighted)
      return;
    edge.weights.add(exact, weighted);
    round(weighted, edge.own, /*note=*/false);
  }

  static void addSample(Result &result, ArrayRef<float> exact, ArrayRef<float> actual) {
    result.noise.add(exact, actual);
    // One row of numbers may be the scores of classes.
    ArrayRef<int64_t> shape = cast<ShapedType>(result.exact.getType()).getShape();
    if (shape.empty() || shape.back() < 2 || exact.size() != size_t(shape.back()))
      return;
    auto largest = [](ArrayRef<float> values) { return std::max_element(values.begin(), values.end()) - values.begin(); };
    result.sameLargest += largest(exact) == largest(actual);
    ++result.rows;
  }

  LogicalResult measure(func::FuncOp exact, func::FuncOp quantized) {
    auto fail = [&](llvm::Error error) -> LogicalResult {
      return emitError(quantized.getLoc()) << llvm::toString(std::move(error));
    };
    Samples source;
    if (llvm::Error error = source.open(samples, exact))
      return fail(std::move(error));
    std::vector<Edge> edges = findEdges(exact, quantized);
    std::vector<Result> results;
    Operation *last = exact.getBody().front().getTerminator(), *other = quantized.getBody().front().getTerminator();
    for (auto [i, x, y] : llvm::enumerate(last->getOperands(), other->getOperands())) {
      auto observe = x.getDefiningOp<ObserveOp>();
      if (isFloatTensor(x) && x.getType() == y.getType())
        results.push_back({unsigned(i), observe ? observe.getInput() : x, y, {}});
    }
    SmallVector<Value> wantedExact, wantedActual;
    for (const Edge &edge : edges) {
      wantedExact.push_back(edge.exact);
      if (edge.weighted)
        wantedExact.push_back(edge.weighted);
      wantedActual.push_back(edge.dcast);
    }
    for (const Result &result : results) {
      wantedExact.push_back(result.exact);
      wantedActual.push_back(result.actual);
    }
    Runner exactRunner, actualRunner;
    if (failed(exactRunner.compile(exact, wantedExact, source.inputs())) ||
        failed(actualRunner.compile(quantized, wantedActual, source.inputs())))
      return failure();

    std::vector<std::unique_ptr<Buffer>> queue;
    SmallVector<char *> sample;
    for (const Input &input : source.inputs()) {
      queue.push_back(std::make_unique<Buffer>(input.bytes()));
      sample.push_back(queue.back()->data);
    }
    int64_t count = std::min<int64_t>(limit, source.size());
    for (int64_t i = 0; i < count; ++i) {
      if (llvm::Error error = source.next(sample))
        return fail(std::move(error));
      bool starts = i % source.getSequenceLength() == 0, finite = true;
      exactRunner.run(sample, starts);
      actualRunner.run(sample, starts);
      for (Edge &edge : edges) {
        addSample(edge, exactRunner.get(edge.exact), edge.weighted ? exactRunner.get(edge.weighted) : ArrayRef<float>(),
                  actualRunner.get(edge.dcast), finite);
        if (!finite)
          return edge.dcast.emitError() << "tensor '" << getLocName(edge.dcast.getLoc())
                                        << "' holds a value that is not finite for sample " << i << " of '" << samples << "'";
      }
      for (Result &result : results)
        addSample(result, exactRunner.get(result.exact), actualRunner.get(result.actual));
    }
    quantized->setAttr(errorsName, describe(quantized, edges, results, count, source.size()));
    return success();
  }

  Attribute describe(func::FuncOp quantized, ArrayRef<Edge> edges, ArrayRef<Result> results, int64_t count, int64_t available) {
    Builder builder(&getContext());
    SmallVector<Attribute> tensors, outputs;
    for (const Edge &edge : edges)
      tensors.push_back(describe(edge));
    for (const Result &result : results) {
      auto name = quantized.getResultAttrOfType<StringAttr>(result.index, "qc.name");
      SmallVector<NamedAttribute> row{
          builder.getNamedAttr("name", name ? name : builder.getStringAttr("result" + Twine(result.index))),
          builder.getNamedAttr("sqnr_db", result.noise.getRatio(builder))};
      if (result.rows) {
        row.push_back(builder.getNamedAttr("rows", builder.getI64IntegerAttr(result.rows)));
        row.push_back(builder.getNamedAttr("same_largest", builder.getI64IntegerAttr(result.sameLargest)));
      }
      outputs.push_back(builder.getDictionaryAttr(row));
    }
    return builder.getDictionaryAttr({builder.getNamedAttr("available", builder.getI64IntegerAttr(available)),
                                      builder.getNamedAttr("outputs", builder.getArrayAttr(outputs)),
                                      builder.getNamedAttr("samples", builder.getI64IntegerAttr(count)),
                                      builder.getNamedAttr("tensors", builder.getArrayAttr(tensors))});
  }

  Attribute describe(const Edge &edge) {
    Builder builder(&getContext());
    QuantSchemeInterface scheme = getScheme(edge.dcast->getOperand(0).getType());
    auto [low, high] = scheme.getCodeRange();
    std::string type;
    llvm::raw_string_ostream(type) << scheme.getCodeType();
    // Of several scales, what all codes together reach.
    double from = 0, to = 0;
    for (auto [scale, zero] : llvm::zip_equal(scheme.getScaleValues(), scheme.getZeroPointValues())) {
      from = std::min(from, scale * double(low - zero));
      to = std::max(to, scale * double(high - zero));
    }
    double least = std::min(from, edge.real.min()), most = std::max(to, edge.real.max());
    SmallVector<NamedAttribute> row;
    auto add = [&](StringRef key, Attribute value) { row.push_back(builder.getNamedAttr(key, value)); };
    add("name", builder.getStringAttr(getLocName(edge.dcast.getLoc())));
    add("op", builder.getStringAttr(edge.op ? edge.op->getName().stripDialect() : "input"));
    add("type", builder.getStringAttr(type));
    add("range", builder.getDenseF64ArrayAttr({from, to}));
    add("observed", builder.getDenseF64ArrayAttr({edge.real.min(), edge.real.max()}));
    add("codes", builder.getI64IntegerAttr(edge.codes.count()));
    add("all_codes", builder.getI64IntegerAttr(edge.codes.size()));
    add("saturated", builder.getF64FloatAttr(double(edge.saturated) / double(std::max<uint64_t>(edge.count, 1))));
    add("cumulative_db", edge.cumulative.getRatio(builder));
    if (edge.rounds) {
      add("rounding_db", edge.rounding.getRatio(builder));
      add("own_db", (edge.weighted ? edge.own : edge.rounding).getRatio(builder));
    }
    if (edge.weighted) {
      add("weights_db", edge.weights.getRatio(builder));
      for (Value operand : edge.op->getOperands())
        if (Value codes = getDecodedCodes(operand); codes && isConstantOrDequantized(operand)) {
          QuantSchemeInterface weights = getScheme(codes.getType());
          add("weight_bits", builder.getI64IntegerAttr(weights ? weights.getBits() : 0));
          break;
        }
    }
    add("histogram",
        builder.getDictionaryAttr(
            {builder.getNamedAttr("float", builder.getDenseI64ArrayAttr(edge.real.count(least, most, parts))),
             builder.getNamedAttr("high", builder.getF64FloatAttr(most)),
             builder.getNamedAttr("low", builder.getF64FloatAttr(least)),
             builder.getNamedAttr("quantized", builder.getDenseI64ArrayAttr(edge.coded.count(least, most, parts)))}));
    return builder.getDictionaryAttr(row);
  }
};
} // namespace
} // namespace qc
