// Moves scales between activations and weights by what samples bring.
#include "CollectMoments.h"
#include "Quantizable.h"
#include "ScalePairs.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_MIGRATESCALES
#include "qc/Transforms/Passes.h.inc"

namespace {
/// What the samples bring to a pair, per channel.
struct ChannelStatistics {
  std::vector<double> largest, mean, square; ///< of magnitudes

  void add(ArrayRef<float> values, int64_t channels, int64_t inner) {
    largest.resize(channels), mean.resize(channels), square.resize(channels);
    for (auto [i, value] : llvm::enumerate(values)) {
      int64_t c = int64_t(i) / inner % channels;
      double x = std::fabs(double(value));
      largest[c] = std::max(largest[c], x);
      mean[c] += x;
      square[c] += x * x;
    }
  }
};

struct MigrateScales : impl::MigrateScalesBase<MigrateScales> {
  using MigrateScalesBase::MigrateScalesBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerNetworkDialects(registry); }

  void runOnOperation() override {
    auto fail = [&](const Twine &what) {
      emitError(getOperation().getLoc()) << what;
      return signalPassFailure();
    };
    if (by != "smooth" && by != "awq")
      return fail("by=" + by + ": use one of smooth, awq");
    if (!(strength >= 0 && strength <= 1))
      return fail("strength=" + std::to_string(strength) + ": use 0 (all stays in the activations) to 1");
    code = parseCodeType(weights, &getContext(), /*isWeight=*/true);
    if (!code)
      return fail("weights=" + weights + ": use iN with N in 2..8 or 16");
    if (samples.empty())
      return fail("by=" + by + " needs calibration samples: give samples=<file.npz>");
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        if (llvm::Error error = migrate(function))
          return fail(llvm::toString(std::move(error)));
  }

private:
  llvm::Error migrate(func::FuncOp function) {
    std::vector<ScalePair> pairs = findScalePairs(function);
    if (pairs.empty())
      return llvm::Error::success();
    auto getReader = [](const ScalePair &pair) {
      return *llvm::min_element(pair.producer->getUsers(), [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    };
    auto stream = openStream(function, samples, llvm::map_to_vector(pairs, getReader), memory);
    if (!stream)
      return stream.takeError();
    int64_t count = stream->getSamples();
    // All statistics before the first change: moving scales changes no other pair's reals but those of its own channels.
    std::vector<ChannelStatistics> statistics(pairs.size());
    for (auto [pair, row] : llvm::zip_equal(pairs, statistics)) {
      if (failed(stream->advance(getReader(pair))))
        return llvm::createStringError("the network could not be compiled for migration");
      Value value = pair.producer->getResult(0);
      int64_t inner = isa<ConvOp>(pair.producer) ? product(getShape(value).drop_front(2)) : 1;
      std::vector<float> values;
      for (int64_t i = 0; i < count; ++i) {
        stream->read(value, i, values);
        row.add(values, pair.channels, inner);
      }
    }
    Builder b(&getContext());
    SmallVector<Attribute> rows;
    for (auto [pair, row] : llvm::zip_equal(pairs, statistics)) {
      auto [factors, used] = by == "smooth" ? std::pair(smooth(pair, row), double(strength)) : search(pair, row);
      pair.move(factors);
      rows.push_back(b.getDictionaryAttr({b.getNamedAttr("channels", b.getI64IntegerAttr(pair.channels)),
                                          b.getNamedAttr("largest_factor", b.getF64FloatAttr(*llvm::max_element(factors))),
                                          b.getNamedAttr("least_factor", b.getF64FloatAttr(*llvm::min_element(factors))),
                                          b.getNamedAttr("name", b.getStringAttr(getLocName(pair.producer->getLoc()))),
                                          b.getNamedAttr("strength", b.getF64FloatAttr(used))}));
    }
    function->setAttr("qc.migration", b.getArrayAttr(rows));
    return llvm::Error::success();
  }

  /// Xiao et al., SmoothQuant, 2022, equation 4.
  std::vector<double> smooth(const ScalePair &pair, const ChannelStatistics &row) const {
    std::vector<double> factors(pair.channels, 1.0), ranges = pair.getConsumerRanges();
    for (int64_t c = 0; c < pair.channels; ++c)
      if (row.largest[c] > 0 && ranges[c] > 0)
        factors[c] = std::pow(row.largest[c], strength) / std::pow(ranges[c], 1 - strength);
    return factors;
  }

  /// Lin et al., AWQ, 2023, section 3.2: powers of the mean magnitude, the one whose rounded weights lose least. No correlation
  /// between channels is counted.
  std::pair<std::vector<double>, double> search(const ScalePair &pair, const ChannelStatistics &row) const {
    constexpr int steps = 20;
    std::vector<double> best(pair.channels, 1.0);
    double bestStrength = 0, least = getError(pair, row, best);
    for (int i = 1; i <= steps; ++i) {
      double power = strength * i / steps;
      std::vector<double> factors(pair.channels, 1.0);
      for (int64_t c = 0; c < pair.channels; ++c)
        if (row.mean[c] > 0)
          factors[c] = std::pow(row.mean[c], power);
      auto [low, high] = std::minmax_element(factors.begin(), factors.end());
      double middle = std::sqrt(*low * *high);
      for (double &factor : factors)
        factor /= middle;
      if (double error = getError(pair, row, factors); error < least)
        least = error, best = factors, bestStrength = power;
    }
    return {best, bestStrength};
  }

  /// Sum of squares of the consumers' outputs' errors, with nearest codes.
  double getError(const ScalePair &pair, const ChannelStatistics &row, ArrayRef<double> factors) const {
    double error = 0, highest = double(getCodeLimits(code).second);
    for (Operation *consumer : pair.consumers) {
      Contraction contraction = *Contraction::get(consumer);
      SmallVector<float> storage;
      ArrayRef<float> values = viewFloats(getConstant(consumer->getOperand(1)), storage);
      for (int64_t n = 0; n < contraction.groups * contraction.channels; ++n) {
        double largest = 0;
        auto forEach = [&](llvm::function_ref<void(int64_t, double)> take) {
          for (int64_t k = 0; k < contraction.depth; ++k) {
            int64_t index = contraction.getWeightIndex(n, k);
            take(getInputChannel(consumer, index), values[index]);
          }
        };
        forEach([&](int64_t c, double w) { largest = std::max(largest, std::fabs(w * factors[c])); });
        double scale = largest > 0 ? largest / highest : 1;
        forEach([&](int64_t c, double w) {
          double difference = std::nearbyint(w * factors[c] / scale) * scale / factors[c] - w;
          error += difference * difference * row.square[c];
        });
      }
    }
    return error;
  }

  IntegerType code;
};
} // namespace
} // namespace qc
