// Runs the f32 network natively over samples and fills the ranges of observes.
#include "Histogram.h"
#include "Quantizable.h"
#include "RangeFile.h"
#include "qc/Conversion/Lowering.h"
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Dialect/QC/Reference/Npz.h"
#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Target/CodeGen.h"
#include "qc/Target/Kernels.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Threading.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Process.h"

#include <deque>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_CALIBRATE
#include "qc/Transforms/Passes.h.inc"

namespace {
/// Memory for one tensor, aligned as compiled code expects.
struct Buffer {
  explicit Buffer(size_t bytes)
      : storage(bytes + 64), data(storage.data() + (64 - reinterpret_cast<uintptr_t>(storage.data()) % 64)) {}
  std::vector<char> storage;
  char *data;
};

/// The network compiled so that it gives the observed values.
class Network {
public:
  /// `values` are values of `function` other than its arguments.
  static FailureOr<std::unique_ptr<Network>> compile(func::FuncOp function, ArrayRef<Value> values);

  size_t getArenaBytes() const { return arenaBytes; }
  /// One pointer per argument, then one per value, then the arena. Without state: may run in several threads.
  void run(SmallVector<char *> &pointers) const { entry(pointers.data()); }

private:
  std::unique_ptr<Jit> jit;
  size_t arenaBytes = 0;
  void (*entry)(char **) = nullptr;
};

/// Makes `@run_f32` take an array of pointers: the number of observed values is known only now, so C++ could not call it
/// otherwise.
void addPackedEntry(ModuleOp module) {
  auto body = module.lookupSymbol<LLVM::LLVMFuncOp>("run_f32");
  body.setSymName("calibrated_network");
  body.setLinkage(LLVM::Linkage::Internal);
  body.removeArgAttrsAttr(); // names and roles of ports mean nothing to LLVM
  OpBuilder builder(module.getContext());
  builder.setInsertionPointToEnd(module.getBody());
  Location loc = body.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()), {pointer});
  auto entry = LLVM::LLVMFuncOp::create(builder, loc, "run_f32", type);
  builder.setInsertionPointToStart(entry.addEntryBlock(builder));
  SmallVector<Value> arguments;
  for (unsigned i = 0; i < body.getNumArguments(); ++i) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, entry.getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    arguments.push_back(LLVM::LoadOp::create(builder, loc, pointer, slot));
  }
  LLVM::CallOp::create(builder, loc, body, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

FailureOr<std::unique_ptr<Network>> Network::compile(func::FuncOp function, ArrayRef<Value> values) {
  auto fail = [&](llvm::Error error) -> FailureOr<std::unique_ptr<Network>> {
    return emitError(function.getLoc()) << "calibration: " << llvm::toString(std::move(error));
  };
  MLIRContext *context = function.getContext();
  OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
  IRMapping mapping;
  auto clone = cast<func::FuncOp>(function->clone(mapping));
  clone.setSymName("run_f32");
  clone.setPublic();
  module->push_back(clone);
  // Only the observed values are results; what they do not need is dead.
  SmallVector<Value> results = llvm::map_to_vector(values, [&](Value value) { return mapping.lookup(value); });
  clone.getBody().front().getTerminator()->setOperands(results);
  clone.setFunctionType(FunctionType::get(context, clone.getArgumentTypes(), TypeRange(ValueRange(results))));
  clone->removeAttr(clone.getResAttrsAttrName());
  clone.walk([](ObserveOp observe) {
    observe.replaceAllUsesWith(observe.getInput());
    observe.erase();
  });
  // Where the model brings its own quantization, the observed values are those behind its rounding. Weights are as good decoded.
  clone.walk([](quant::DequantizeCastOp dcast) {
    ElementsAttr codes = getConstant(dcast.getInput());
    QuantSchemeInterface scheme = getScheme(dcast.getInput().getType());
    if (!codes || !scheme)
      return;
    SmallVector<double> reals = scheme.decode(getInts(codes), getShape(dcast.getInput()));
    OpBuilder builder(dcast);
    SmallVector<float> values(reals.begin(), reals.end());
    dcast.replaceAllUsesWith(
        ConstantOp::create(builder, dcast.getLoc(), makeElements(cast<RankedTensorType>(dcast.getType()), values)).getResult());
    dcast.erase();
  });
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(clone.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();

  llvm::Expected<Target> target = getCalibrationTarget();
  if (!target)
    return fail(target.takeError());
  StringRef isa = selectIsa(*target).name;
  PassManager toBuffers(context);
  toBuffers.addNestedPass<func::FuncOp>(createInlineFunctions());
  toBuffers.addNestedPass<func::FuncOp>(createLowerToInteger());
  buildPackedPasses(toBuffers, {isa.str()});
  buildLinalgPasses(toBuffers);
  buildBufferPasses(toBuffers);
  if (failed(toBuffers.run(*module)))
    return failure();
  auto lowered = module->lookupSymbol<func::FuncOp>("run_f32");
  auto bytes = lowered ? lowered->getAttrOfType<IntegerAttr>("qc.arena_bytes") : IntegerAttr();
  if (!bytes)
    return fail(llvm::createStringError("the lowered network has no planned arena"));
  PassManager toLLVM(context);
  buildVectorPasses(toLLVM, isa);
  buildLLVMPasses(toLLVM, 64);
  if (failed(toLLVM.run(*module)))
    return failure();
  addPackedEntry(*module);

  auto network = std::make_unique<Network>();
  network->arenaBytes = bytes.getInt();
  llvm::Expected<std::unique_ptr<Jit>> jit = Jit::create(*module, *target, "calibration");
  if (!jit)
    return fail(jit.takeError());
  network->jit = std::move(*jit);
  llvm::Expected<void *> entry = network->jit->lookup("calibration_run_f32");
  if (!entry)
    return fail(entry.takeError());
  network->entry = reinterpret_cast<void (*)(char **)>(*entry);
  return network;
}

/// One argument of the network and the array that feeds it.
struct Input {
  std::string name;
  RankedTensorType type;
  std::string dtype;
  std::string description;                 ///< for errors
  std::unique_ptr<NpzFile::Reader> reader; ///< null: a state without an array
  std::optional<unsigned> state;           ///< the result that is the next sample's value

  bool isFloat() const { return type.getElementType().isF32(); }
  unsigned elementBytes() const { return llvm::PowerOf2Ceil(std::max(8u, type.getElementTypeBitWidth())) / 8; }
  size_t bytes() const { return type.getNumElements() * elementBytes(); }
};

/// The samples of an .npz file, one after another.
class Samples {
public:
  llvm::Error open(StringRef path, func::FuncOp function);
  /// Puts the next sample into one buffer per input; states without an array are zero.
  llvm::Error next(ArrayRef<char *> buffers);
  int64_t size() const { return count; }
  ArrayRef<Input> inputs() const { return list; }

private:
  std::unique_ptr<NpzFile> file;
  std::vector<Input> list;
  std::vector<char> bytes;
  std::vector<int64_t> integers;
  int64_t count = 0;
};

std::string describeShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, d] : llvm::enumerate(shape))
    text += (i ? ", " : "") + std::to_string(d);
  return text + "]";
}

llvm::Error Samples::open(StringRef path, func::FuncOp function) {
  auto fail = [&](const Twine &what) { return llvm::createStringError("calibration file '" + path + "': " + what); };
  auto opened = NpzFile::open(path);
  if (!opened)
    return opened.takeError();
  file = std::move(*opened);
  std::vector<std::string> known, missing, unknown;
  for (BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "qc.name");
    Input input;
    input.name = name ? name.str() : "arg" + std::to_string(argument.getArgNumber());
    input.type = cast<RankedTensorType>(argument.getType());
    input.state = getStateResult(function, argument.getArgNumber());
    known.push_back(input.name);
    if (!file->has(input.name) && !input.state)
      missing.push_back(input.name);
    list.push_back(std::move(input));
  }
  for (const std::string &name : file->names())
    if (!llvm::is_contained(known, name))
      unknown.push_back(name);
  if (!missing.empty() || !unknown.empty())
    return fail((missing.empty() ? "" : "lacks the inputs " + listNames(missing, 100) + "; ") +
                (unknown.empty() ? "" : "has the unknown arrays " + listNames(unknown) + "; ") + "the network's inputs are " +
                listNames(known, 100));
  for (Input &input : list) {
    if (!file->has(input.name))
      continue;
    auto header = file->header(input.name);
    if (!header)
      return header.takeError();
    SmallVector<int64_t> expected(input.type.getShape());
    ArrayRef<int64_t> shape = header->shape;
    if (shape.empty() || shape.drop_front() != ArrayRef<int64_t>(expected))
      return fail("array '" + input.name + "' has shape " + describeShape(shape) + ", but must have [N] + " +
                  describeShape(expected));
    if (shape[0] == 0)
      return fail("array '" + input.name + "' holds no samples");
    if (count && shape[0] != count)
      return fail("array '" + input.name + "' holds " + Twine(shape[0]) + " samples, others " + Twine(count));
    count = shape[0];
    input.dtype = header->dtype;
    input.description = ("calibration file '" + path + "': array '" + input.name + "'").str();
    auto reader = file->read(input.name);
    if (!reader)
      return reader.takeError();
    input.reader = std::move(*reader);
  }
  if (!count)
    return fail("the network has no input to feed");
  return llvm::Error::success();
}

llvm::Error Samples::next(ArrayRef<char *> buffers) {
  for (auto [input, buffer] : llvm::zip(list, buffers)) {
    if (!input.reader) {
      std::memset(buffer, 0, input.bytes());
      continue;
    }
    if (llvm::Error error = input.reader->next(bytes))
      return error;
    size_t size = input.type.getNumElements();
    if (input.isFloat()) {
      if (llvm::Error error =
              convertToFloat(input.dtype, bytes.data(), size, reinterpret_cast<float *>(buffer), input.description))
        return error;
      continue;
    }
    auto type = dyn_cast<IntegerType>(input.type.getElementType());
    if (!type)
      return llvm::createStringError(input.description + " feeds an input whose element type calibration does not know");
    auto [low, high] = type.getWidth() == 1 ? std::pair<int64_t, int64_t>(0, 1) : getCodeLimits(type);
    integers.resize(size);
    if (llvm::Error error = convertToInt(input.dtype, bytes.data(), size, low, high, integers.data(), input.description))
      return error;
    // Little endian hosts only: the low bytes come first.
    for (size_t i = 0; i < size; ++i)
      std::memcpy(buffer + i * input.elementBytes(), &integers[i], input.elementBytes());
  }
  return llvm::Error::success();
}

/// What one sample at a time needs: memory of its own and observers of its own.
struct Shard {
  Shard(ArrayRef<Input> inputs, func::FuncOp function, ArrayRef<Value> computed, ArrayRef<ObserveOp> observes, size_t arenaBytes,
        int64_t chunk)
      : histograms(observes.size()) {
    llvm::DenseMap<Value, char *> data;
    auto allocate = [&](size_t bytes) {
      buffers.push_back(std::make_unique<Buffer>(bytes));
      return buffers.back()->data;
    };
    auto addPointer = [&](size_t bytes) { return pointers.emplace_back(allocate(bytes)); };
    for (auto [input, argument] : llvm::zip(inputs, function.getArguments()))
      data[argument] = addPointer(input.bytes());
    for (Value value : computed)
      data[value] = addPointer(cast<ShapedType>(value.getType()).getNumElements() * sizeof(float));
    addPointer(arenaBytes);
    for (ObserveOp observe : observes)
      observed.push_back({reinterpret_cast<const float *>(data[observe.getInput()]),
                          size_t(cast<ShapedType>(observe.getType()).getNumElements())});
    for (int64_t i = 0; i < chunk; ++i)
      for (const Input &input : inputs)
        queue.push_back(allocate(input.bytes()));
    for (auto [i, input] : llvm::enumerate(inputs))
      ports.push_back({input.bytes(), input.state ? data.lookup(getStateValue(function, *input.state)) : nullptr});
  }

  /// The buffers of sample `i` of those that `run` takes at once.
  ArrayRef<char *> sample(size_t i) const { return ArrayRef(queue).slice(i * ports.size(), ports.size()); }

  /// Runs the first `count` samples of the queue, which begins with sample `first` of all. States restart where a sequence of
  /// `length` samples does. `network` is null if only inputs are observed.
  void run(const Network *network, int64_t first, int64_t count, int64_t length) {
    for (int64_t i = 0; i < count && !notFinite; ++i) {
      bool starts = (first + i) % length == 0;
      for (auto [k, port] : llvm::enumerate(ports))
        std::memcpy(pointers[k], port.state && !starts ? port.state : sample(i)[k], port.bytes);
      if (network)
        network->run(pointers);
      for (size_t k = 0; k < observed.size() && !notFinite; ++k)
        if (!histograms[k].add(observed[k]))
          notFinite = {k, first + i};
    }
  }

  struct Port {
    size_t bytes;
    const char *state; ///< where the network leaves the next sample's value; null for data
  };
  std::vector<std::unique_ptr<Buffer>> buffers;
  SmallVector<char *> pointers;                        ///< inputs, computed values, arena
  SmallVector<char *> queue;                           ///< inputs of the samples to run
  SmallVector<Port> ports;                             ///< per input
  std::vector<ArrayRef<float>> observed;               ///< per observe
  std::vector<Histogram> histograms;                   ///< per observe
  std::optional<std::pair<size_t, int64_t>> notFinite; ///< the first observe that saw NaN or infinity, and the sample
};

/// A bar on a terminal, nothing in a pipe.
class Progress {
public:
  explicit Progress(int64_t total) : total(total), shown(llvm::sys::Process::StandardErrIsDisplayed()) {}
  ~Progress() {
    if (shown)
      llvm::errs() << "\r\033[K";
  }
  void step(int64_t done) {
    int64_t percent = done * 100 / total;
    if (!shown || percent == last)
      return;
    last = percent;
    std::string bar(percent / 4, '#');
    bar.resize(25, '.');
    llvm::errs() << "\rcalibrating [" << bar << "] " << done << "/" << total;
  }

private:
  int64_t total, last = -1;
  bool shown;
};

struct Calibrate : impl::CalibrateBase<Calibrate> {
  using CalibrateBase::CalibrateBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    OpPassManager lowering(ModuleOp::getOperationName());
    lowering.addNestedPass<func::FuncOp>(createLowerToInteger());
    buildPackedPasses(lowering, {"scalar"});
    buildLinalgPasses(lowering);
    buildBufferPasses(lowering);
    buildVectorPasses(lowering, "scalar");
    buildLLVMPasses(lowering, 64);
    lowering.getDependentDialects(registry);
    registry.insert<LLVM::LLVMDialect>();
    registerLoweringDialects(registry);
  }

  void runOnOperation() override {
    llvm::Expected<const Calibrator *> found = findCalibrator(calibrator);
    if (!found) {
      emitError(getOperation().getLoc()) << llvm::toString(found.takeError());
      return signalPassFailure();
    }
    if (!(percentile > 50 && percentile <= 100)) {
      emitError(getOperation().getLoc()) << "a percentile must lie in (50, 100], got " << percentile;
      return signalPassFailure();
    }
    func::FuncOp function;
    SmallVector<ObserveOp> observes;
    getOperation().walk([&](ObserveOp observe) {
      function = observe->getParentOfType<func::FuncOp>();
      observes.push_back(observe);
    });
    if (observes.empty())
      return;
    if (!function || !function.getBody().hasOneBlock() ||
        llvm::any_of(observes, [&](ObserveOp observe) { return observe->getParentOp() != function; })) {
      emitError(getOperation().getLoc(), "calibration needs one function of one block with all observes");
      return signalPassFailure();
    }
    // A range that is known stays.
    SmallVector<ObserveOp> open = llvm::filter_to_vector(observes, [](ObserveOp observe) { return !observe.getMin(); });
    if ((!open.empty() && failed(calibrate(function, open, **found))) || failed(dumpRanges(function, observes)))
      signalPassFailure();
  }

private:
  /// How often values occurred in parts of [low, high], for those who fit functions; values beyond count at the ends.
  DictionaryAttr describe(const Histogram &histogram, double low, double high) {
    constexpr int64_t parts = 256;
    SmallVector<int64_t> counts(parts, 0);
    auto add = [&](double value, uint64_t count) {
      double part = high > low ? std::floor((value - low) / (high - low) * double(parts)) : 0;
      counts[int64_t(std::clamp(part, 0.0, double(parts - 1)))] += int64_t(count);
    };
    std::vector<Histogram::Bin> bins = histogram.distinctValues();
    for (const Histogram::Bin &bin : bins.empty() ? histogram.bins() : bins)
      add((bin.low + bin.high) / 2, bin.count);
    if (histogram.zeroCount())
      add(0, histogram.zeroCount());
    Builder builder(&getContext());
    return builder.getDictionaryAttr({builder.getNamedAttr("counts", builder.getDenseI64ArrayAttr(counts)),
                                      builder.getNamedAttr("high", builder.getF64FloatAttr(high)),
                                      builder.getNamedAttr("low", builder.getF64FloatAttr(low))});
  }

  LogicalResult calibrate(func::FuncOp function, ArrayRef<ObserveOp> observes, const Calibrator &method) {
    auto fail = [&](llvm::Error error) -> LogicalResult {
      return emitError(function.getLoc()) << llvm::toString(std::move(error));
    };
    Samples source;
    if (llvm::Error error = source.open(samples, function))
      return fail(std::move(error));
    SmallVector<Value> computed;
    for (ObserveOp observe : observes)
      if (!isa<BlockArgument>(observe.getInput()) && !llvm::is_contained(computed, observe.getInput()))
        computed.push_back(observe.getInput());
    for (const Input &input : source.inputs())
      if (input.state)
        if (Value value = getStateValue(function, *input.state);
            !isa<BlockArgument>(value) && !llvm::is_contained(computed, value))
          computed.push_back(value);
    std::unique_ptr<Network> network;
    if (!computed.empty()) {
      FailureOr<std::unique_ptr<Network>> compiled = Network::compile(function, computed);
      if (failed(compiled))
        return failure();
      network = std::move(*compiled);
    }

    // Samples that share states run one after another: a shard takes a sequence at a time.
    bool hasStates = llvm::any_of(source.inputs(), [](const Input &input) { return input.state.has_value(); });
    auto reset = function->getAttrOfType<IntegerAttr>("qc.reset_every");
    int64_t length = !hasStates ? 1 : reset ? reset.getInt() : source.size(), sequences = llvm::divideCeil(source.size(), length);
    size_t count = std::min<int64_t>(shards ? shards : std::min(8u, getContext().getNumThreads()), sequences);
    int64_t chunk = count == 1 ? 1 : length;
    std::deque<Shard> workers;
    for (size_t i = 0; i < count; ++i)
      workers.emplace_back(source.inputs(), function, computed, observes, network ? network->getArenaBytes() : 0, chunk);
    Progress progress(source.size());
    for (int64_t done = 0; done < source.size();) {
      SmallVector<std::pair<int64_t, int64_t>> parts; // first sample and number, per shard
      for (int64_t at = done; parts.size() < count && at < source.size(); at += parts.back().second) {
        parts.emplace_back(at, std::min(chunk, source.size() - at));
        for (int64_t i = 0; i < parts.back().second; ++i)
          if (llvm::Error error = source.next(workers[parts.size() - 1].sample(i)))
            return fail(std::move(error));
      }
      parallelFor(&getContext(), 0, parts.size(),
                  [&](size_t i) { workers[i].run(network.get(), parts[i].first, parts[i].second, length); });
      for (size_t i = 0; i < parts.size(); ++i)
        if (auto bad = workers[i].notFinite) {
          ObserveOp observe = observes[bad->first];
          return emitError(observe.getLoc()) << "tensor '" << observe.getId() << "' holds a value that is not finite for sample "
                                             << bad->second << " of '" << samples << "'";
        }
      progress.step(done = parts.back().first + parts.back().second);
    }
    std::vector<Histogram> &histograms = workers.front().histograms;
    for (const Shard &worker : llvm::drop_begin(workers))
      for (auto [histogram, other] : llvm::zip(histograms, worker.histograms))
        histogram.merge(other);
    Builder builder(&getContext());
    for (auto [i, histogram] : llvm::enumerate(histograms)) {
      ObserveOp observe = observes[i];
      auto [low, high] = method.pick(histogram, cast<IntegerType>(observe.getCode()), percentile);
      observe.setMinAttr(builder.getF64FloatAttr(std::min(low, 0.0)));
      observe.setMaxAttr(builder.getF64FloatAttr(std::max(high, 0.0)));
      if (auto observed = histogram.observed())
        noteObserved(observe, observed->first, observed->second);
      if (this->histograms && llvm::any_of(observe->getUsers(), isUnaryFunction))
        observe->setAttr(histogramName, describe(histogram, std::min(low, 0.0), std::max(high, 0.0)));
    }
    return success();
  }

  LogicalResult dumpRanges(func::FuncOp function, ArrayRef<ObserveOp> observes) {
    if (dump.empty())
      return success();
    std::vector<std::pair<std::string, Range>> ranges;
    for (ObserveOp observe : observes) {
      // Zero is part of each range only for the sake of codes.
      double low = observe.getMin()->convertToDouble(), high = observe.getMax()->convertToDouble();
      if (auto observed = observe.getObserved()) {
        low = low == 0 && (*observed)[0] < high ? (*observed)[0] : low;
        high = high == 0 && (*observed)[1] > low ? (*observed)[1] : high;
      }
      ranges.push_back({observe.getId().str(), {low, high}});
    }
    if (llvm::Error error = writeRanges(dump, ranges))
      return emitError(function.getLoc()) << "cannot write ranges to '" << dump << "': " << llvm::toString(std::move(error));
    return success();
  }
};
} // namespace
} // namespace qc
