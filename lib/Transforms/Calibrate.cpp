// Runs the f32 network natively over samples and fills the ranges of observes.
#include "Histogram.h"
#include "Quantizable.h"
#include "RangeFile.h"
#include "Samples.h"
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"
#include "qc/Transforms/Passes.h"

#include "mlir/IR/Threading.h"
#include "llvm/Support/Process.h"

#include <deque>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_CALIBRATE
#include "qc/Transforms/Passes.h.inc"

namespace {
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

  void getDependentDialects(DialectRegistry &registry) const override { registerNetworkDialects(registry); }

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
    Builder builder(&getContext());
    return builder.getDictionaryAttr(
        {builder.getNamedAttr("counts", builder.getDenseI64ArrayAttr(histogram.count(low, high, 256))),
         builder.getNamedAttr("high", builder.getF64FloatAttr(high)), builder.getNamedAttr("low", builder.getF64FloatAttr(low))});
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
    int64_t length = source.getSequenceLength(), sequences = llvm::divideCeil(source.size(), length);
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
      if (CodeCandidates candidates = CodeCandidates::get(observe); !candidates.list.empty()) {
        for (CodeCandidate &candidate : candidates.list) {
          auto [least, most] = method.pick(histogram, candidate.code, percentile);
          candidate.range = {std::min(least, 0.0), std::max(most, 0.0)};
        }
        candidates.set(observe);
      }
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
