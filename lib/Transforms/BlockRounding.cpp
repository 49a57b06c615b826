// Rounding variables, biases and scales of a block, moved by Adam.
#include "BlockRounding.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace qc {
using Floats = std::vector<float>;
using Numbers = BlockNetwork::Numbers;

namespace {
/// Multiplications of one direction for each block, about.
constexpr double mostMacs = 4e10;
/// Of all steps, those before this part of them move codes; then biases and scales settle around the codes.
constexpr double movingPart = 0.85;
/// Of so many samples the last one only judges.
constexpr int64_t judgeEvery = 5;
constexpr float stretchHigh = 1.1f, stretchLow = -0.1f; // AdaRound: a stretched sigmoid reaches both ends

/// Moves numbers down a slope (Kingma and Ba, 2015).
class Adam {
public:
  explicit Adam(size_t count) : mean(count), square(count) {}
  /// Begins the next step: then each value once.
  void begin() {
    ++count;
    first = 1 - std::pow(0.9f, float(count)), second = 1 - std::pow(0.999f, float(count));
  }
  template <typename F> void step(Floats &values, size_t from, size_t to, float rate, F gradient) {
    for (size_t i = from; i < to; ++i) {
      float g = gradient(i);
      mean[i] = 0.9f * mean[i] + 0.1f * g;
      square[i] = 0.999f * square[i] + 0.001f * g * g;
      values[i] -= rate * (mean[i] / first) / (std::sqrt(square[i] / second) + 1e-12f);
    }
  }

private:
  Floats mean, square;
  float first = 1, second = 1;
  int64_t count = 0;
};

/// One layer's variables.
struct LayerVariables {
  explicit LayerVariables(const BlockLayer &layer)
      : layer(layer), floor(layer.codes.size()), rounding(layer.codes.size()), up(layer.codes.size()), slope(layer.codes.size()),
        stretch(layer.scales.size()), leastScales(layer.leastScales), biases(layer.biases), roundingSteps(layer.codes.size()),
        stretchSteps(layer.scales.size()), biasSteps(layer.biases.size()) {
    for (size_t i = 0; i < floor.size(); ++i) {
      // Where the float weight lies, as far as that rounds to the code that is there.
      double code = layer.codes[i], wanted = layer.weights[i] / layer.scales[layer.channels[i]];
      wanted = std::clamp(wanted, code - 0.45, code + 0.45);
      floor[i] = float(std::floor(wanted));
      float fraction = std::clamp(float(wanted) - floor[i], 0.01f, 0.99f);
      rounding[i] = std::log((fraction - stretchLow) / (stretchHigh - fraction));
    }
  }
  double getScale(int64_t channel) const {
    return std::max(double(float(layer.scales[channel] * std::exp(double(stretch[channel])))), leastScales[channel]);
  }
  int32_t getCode(size_t i) const {
    return std::clamp(int32_t(floor[i]) + (rounding[i] >= 0), int32_t(-layer.highest), int32_t(layer.highest));
  }
  /// Weights `from` to `to` for a run; `hard`: codes.
  void store(Floats &weights, size_t from, size_t to, bool hard) {
    float limit = float(layer.highest);
    for (size_t i = from; i < to; ++i) {
      float code = hard ? float(getCode(i)) : 0;
      if (!hard) {
        float sigmoid = 1 / (1 + std::exp(-rounding[i])), stretched = sigmoid * (stretchHigh - stretchLow) + stretchLow;
        slope[i] = stretched > 0 && stretched < 1 ? sigmoid * (1 - sigmoid) * (stretchHigh - stretchLow) : 0;
        up[i] = std::clamp(stretched, 0.0f, 1.0f);
        code = std::clamp(floor[i] + up[i], -limit, limit);
      }
      weights[i] = code * scales[layer.channels[i]];
    }
  }

  const BlockLayer &layer;
  Floats floor, rounding; ///< per weight: code below, variable of the sigmoid between it and the next
  Floats up, slope;       ///< the sigmoid and its derivative, as stored last
  Floats scales;          ///< per channel, as stored last
  Floats stretch;         ///< per channel: logarithm of the factor of the scale
  std::vector<double> leastScales;
  Floats biases;
  Adam roundingSteps, stretchSteps, biasSteps;
  float biasRate = 0;
};

class BlockReconstruction {
public:
  BlockReconstruction(const BlockNetwork &network, const BlockSamples &samples, const BlockOptions &options,
                      const std::vector<BlockLayer> &layers, const ForEach &forEach)
      : network(network), samples(samples), options(options), forEach(forEach), numbers(layers.size()) {
    for (const BlockLayer &layer : layers) {
      variables.emplace_back(layer);
      weightCount += layer.codes.size();
    }
    // Several samples a step, as far as their values and gradients take no more than half a GiB.
    batch = std::clamp<int64_t>((512 << 20) / (8 * std::max<int64_t>(network.getValueCount(), 1)), 1, 16);
    batch = std::min(batch, samples.count);
    // Fewer steps where they cost much.
    double cost = double(std::max<int64_t>(network.getMacs(), 1)) * double(batch);
    steps = int64_t(std::clamp(mostMacs / cost, 100.0, 1000.0));
    trained = samples.count - samples.count / samples.copies / judgeEvery * samples.copies;
    if (options.turns)
      steps = (options.turns * trained + batch - 1) / batch;
    runs.resize(batch);
    sums.resize(batch);
    stepSums.resize(batch);
    if (options.stepSizes.empty())
      return;
    for (mlir::quant::QuantizeCastOp qcast : network.getRoundings())
      stepSizes.push_back(float(mlir::cast<mlir::quant::UniformQuantizedType>(qcast.getQuantizedType()).getScale()));
    stepStretch.resize(options.stepSizes.size());
    stepSteps = Adam(options.stepSizes.size());
    // The scales that weights have now stay possible.
    for (const BlockStepSize &step : options.stepSizes) {
      double part = 0;
      for (size_t k : step.readers)
        for (size_t c = 0; c < layers[k].scales.size(); ++c)
          part = std::max(part, layers[k].leastScales[c] / layers[k].scales[c]);
      leastSteps.push_back(std::max(float(step.scale * std::min(part, 1.0)), std::numeric_limits<float>::min()));
    }
  }

  void run(std::vector<BlockLayer> &layers, BlockResult &result) {
    // As the codes are.
    for (size_t k = 0; k < layers.size(); ++k) {
      numbers[k].biases = layers[k].biases;
      numbers[k].weights.resize(layers[k].codes.size());
      for (size_t i = 0; i < layers[k].codes.size(); ++i)
        numbers[k].weights[i] = float(layers[k].codes[i] * layers[k].scales[layers[k].channels[i]]);
    }
    Errors before = measure();
    result.signal = before.signal;
    result.before = result.after = before.all;
    result.judged = before.judged;
    if (!(result.before > 0) || samples.count / samples.copies < judgeEvery)
      return;
    error = result.before / double(samples.count);
    if (options.moveCodes)
      for (int64_t step = 0; step < steps; ++step)
        advance(step, double(step) >= movingPart * double(steps));
    else
      settle(before.judged);
    store(true);
    Errors after = measure();
    if (!(after.all < before.all && after.judged < before.judged))
      return;
    result.after = after.all;
    result.judged = after.judged;
    for (size_t s = 0; s < options.stepSizes.size(); ++s)
      result.scales.push_back(getStep(s));
    std::vector<BlockLayer> better = layers;
    for (size_t k = 0; k < layers.size(); ++k) {
      for (size_t i = 0; i < layers[k].codes.size(); ++i)
        better[k].codes[i] = variables[k].getCode(i);
      for (size_t c = 0; c < layers[k].scales.size(); ++c)
        better[k].scales[c] = variables[k].getScale(int64_t(c));
      better[k].biases = variables[k].biases;
    }
    layers = std::move(better); // the variables refer to the old ones until here
  }

private:
  /// Moves scales and biases, and keeps those of the turn that the judges like best.
  void settle(double least) {
    std::vector<std::pair<Floats, Floats>> best; // stretch, biases
    Floats bestSteps;
    auto keep = [&] {
      best.clear();
      for (const LayerVariables &v : variables)
        best.push_back({v.stretch, v.biases});
      bestSteps = stepStretch;
    };
    keep();
    int64_t turn = std::max<int64_t>(1, trained / batch);
    for (int64_t step = 0; step < steps; ++step) {
      advance(step, /*hard=*/true);
      if ((step + 1) % turn != 0 && step + 1 != steps)
        continue;
      store(true);
      double judged = measure(/*judgesOnly=*/true).judged;
      if (judged < least) {
        least = judged;
        keep();
      }
    }
    for (size_t k = 0; k < variables.size(); ++k)
      std::tie(variables[k].stretch, variables[k].biases) = std::move(best[k]);
    stepStretch = std::move(bestSteps);
  }

  float getStep(size_t s) const {
    const BlockStepSize &step = options.stepSizes[s];
    return std::min(std::max(float(step.scale * std::exp(double(stepStretch[s]))), leastSteps[s]), step.most);
  }

  /// Sums of squares over all samples, and over those that only judge.
  struct Errors {
    double all = 0, judged = 0, signal = 0;
  };
  bool isJudge(int64_t i) const { return i / samples.copies % judgeEvery == judgeEvery - 1; }

  /// The differences with `numbers`, everything rounded.
  Errors measure(bool judgesOnly = false) {
    std::vector<int64_t> taken;
    for (int64_t i = 0; i < samples.count; ++i)
      if (!judgesOnly || isJudge(i))
        taken.push_back(i);
    std::vector<double> errors(samples.count), signals(samples.count);
    for (size_t first = 0; first < taken.size(); first += batch)
      forEach(std::min(size_t(batch), taken.size() - first), [&](size_t b) {
        int64_t i = taken[first + b];
        Floats x, target;
        samples.readInput(i, x);
        samples.readTarget(i, target);
        const Floats &y = network.forward(x, numbers, runs[b], nullptr, stepSizes);
        for (size_t e = 0; e < y.size(); ++e) {
          double difference = double(y[e]) - target[e];
          errors[i] += difference * difference;
          signals[i] += double(target[e]) * target[e];
        }
        if (!judgesOnly && i == 0)
          setBiasRates();
      });
    Errors sums;
    for (int64_t i = 0; i < samples.count; ++i) {
      sums.all += errors[i];
      sums.signal += signals[i];
      if (isJudge(i))
        sums.judged += errors[i];
    }
    return sums;
  }

  /// Calls `f(layer, from, to)` for parts of all weights.
  template <typename F> void forEachPart(F f) {
    constexpr size_t size = 1 << 14;
    std::vector<std::pair<size_t, size_t>> parts;
    for (size_t k = 0; k < variables.size(); ++k)
      for (size_t from = 0; from < variables[k].floor.size(); from += size)
        parts.push_back({k, from});
    forEach(parts.size(), [&](size_t part) {
      auto [k, from] = parts[part];
      f(k, from, std::min(from + size, variables[k].floor.size()));
    });
  }

  /// Sets `numbers` to what the variables say.
  void store(bool hard) {
    for (size_t s = 0; s < options.stepSizes.size(); ++s) {
      float scale = getStep(s);
      for (size_t rounding : options.stepSizes[s].roundings)
        stepSizes[rounding] = scale;
      for (size_t k : options.stepSizes[s].readers)
        for (size_t c = 0; c < variables[k].leastScales.size(); ++c)
          variables[k].leastScales[c] = variables[k].layer.leastScales[c] * options.stepSizes[s].scale / double(scale);
    }
    for (size_t k = 0; k < variables.size(); ++k) {
      variables[k].scales.resize(variables[k].stretch.size());
      for (size_t c = 0; c < variables[k].stretch.size(); ++c)
        variables[k].scales[c] = float(variables[k].getScale(int64_t(c)));
      numbers[k].biases = variables[k].biases;
    }
    forEachPart([&](size_t k, size_t from, size_t to) { variables[k].store(numbers[k].weights, from, to, hard); });
  }

  /// Biases move by small parts of what the layer gives.
  void setBiasRates() {
    for (size_t k = 0; k < variables.size(); ++k) {
      double square = 0;
      const Floats &y = network.getResult(k, runs[0]);
      for (float v : y)
        square += double(v) * v;
      variables[k].biasRate = float(1e-3 * std::sqrt(square / double(std::max<size_t>(y.size(), 1))));
    }
  }

  void advance(int64_t step, bool hard) {
    store(hard);
    forEach(batch, [&](size_t b) {
      sums[b].resize(numbers.size());
      for (size_t k = 0; k < numbers.size(); ++k) {
        sums[b][k].weights.assign(hard ? 0 : numbers[k].weights.size(), 0.0f);
        sums[b][k].gains.assign(variables[k].stretch.size(), 0.0f);
        sums[b][k].biases.assign(numbers[k].biases.size(), 0.0f);
      }
      // Samples in another order in each turn through all of them.
      int64_t position = step * batch + int64_t(b), turn = position / trained;
      int64_t i = int64_t(pick(uint64_t(turn), position % trained));
      Floats x, target;
      samples.readInput(i, x);
      samples.readTarget(i, target);
      BlockNetwork::Drop drop{mixBits(options.seed ^ mixBits(uint64_t(position) + 1))};
      if (options.drop) {
        Floats f;
        samples.readFloatInput(i, f);
        drop.apply(0, x, f);
      }
      const Floats &y = network.forward(x, numbers, runs[b], options.drop ? &drop : nullptr, stepSizes);
      Floats gradient(y.size());
      for (size_t e = 0; e < y.size(); ++e)
        gradient[e] = float(2 * (double(y[e]) - target[e]) / (double(batch) * error));
      stepSums[b].assign(stepSizes.size(), 0.0);
      network.backward(gradient, numbers, runs[b], sums[b], stepSizes, stepSums[b]);
    });
    update(step, hard);
  }

  /// Sample `index` of turn `turn`.
  int64_t pick(uint64_t turn, int64_t index) const {
    // A step that has no divisor in common with the count meets every sample once.
    int64_t count = trained, stride = int64_t(mixBits(options.seed + turn * 2 + 1) % uint64_t(count));
    while (std::gcd(stride, count) != 1)
      ++stride;
    int64_t i =
        int64_t((mixBits(options.seed + turn * 2) % uint64_t(count) + uint64_t(index) * uint64_t(stride)) % uint64_t(count));
    int64_t sample = i / samples.copies;
    sample = sample / (judgeEvery - 1) * judgeEvery + sample % (judgeEvery - 1); // leaves out the judges
    return sample * samples.copies + i % samples.copies;
  }

  void update(int64_t step, bool hard) {
    constexpr float rate = 0.02f, scaleRate = 5e-4f, stepRate = 0.02f, firstPower = 20, lastPower = 2, start = 0.2f,
                    firstPenalty = 10, lastPenalty = 3000;
    float progress = std::max(0.0f, (float(step) / (float(movingPart) * float(steps)) - start) / (1 - start));
    float power = lastPower + (firstPower - lastPower) * std::max(0.0f, 1 - progress);
    // In parts of the error that there was: of all weights half-way between two codes.
    float penalty = progress > 0 ? firstPenalty * std::pow(lastPenalty / firstPenalty, progress) / float(weightCount) : 0;
    for (LayerVariables &v : variables) {
      v.roundingSteps.begin();
      v.stretchSteps.begin();
      v.biasSteps.begin();
    }
    // Where only scales and biases move, steps are small from the start, and smaller to the end.
    float settling = options.moveCodes ? 1 : 0.125f * (1 + std::cos(3.14159265f * float(step) / float(steps)));
    if (!hard)
      forEachPart([&](size_t k, size_t from, size_t to) {
        LayerVariables &v = variables[k];
        Floats &sum = sums[0][k].weights;
        for (int64_t b = 1; b < batch; ++b)
          for (size_t i = from; i < to; ++i)
            sum[i] += sums[b][k].weights[i];
        float limit = float(v.layer.highest);
        v.roundingSteps.step(v.rounding, from, to, rate, [&](size_t i) {
          if (v.slope[i] == 0)
            return 0.0f;
          float gradient = std::fabs(v.floor[i] + v.up[i]) <= limit ? sum[i] * v.scales[v.layer.channels[i]] : 0;
          // Near the middle a high power is nothing.
          if (float offset = 2 * v.up[i] - 1, size = std::fabs(offset); penalty > 0 && size * power > power - 8)
            gradient -= std::copysign(penalty * 2 * power * std::pow(size, power - 1), offset);
          return gradient * v.slope[i];
        });
      });
    forEach(variables.size(), [&](size_t k) {
      LayerVariables &v = variables[k];
      Numbers &sum = sums[0][k];
      for (int64_t b = 1; b < batch; ++b)
        for (size_t i = 0; i < sum.biases.size(); ++i)
          sum.biases[i] += sums[b][k].biases[i];
      for (int64_t b = 1; b < batch; ++b)
        for (size_t i = 0; i < sum.gains.size(); ++i)
          sum.gains[i] += sums[b][k].gains[i];
      if (options.learnBiases)
        v.biasSteps.step(v.biases, 0, v.biases.size(), v.biasRate * settling, [&](size_t c) { return sum.biases[c]; });
      if (!options.learnSteps)
        return;
      v.stretchSteps.step(v.stretch, 0, v.stretch.size(), scaleRate * settling, [&](size_t c) { return sum.gains[c]; });
    });
    // The paper's factor of gradients, one number for each step size, is none to Adam, which divides by their magnitude.
    stepSteps.begin();
    stepSteps.step(stepStretch, 0, stepStretch.size(), stepRate * settling, [&](size_t s) {
      double sum = 0;
      for (int64_t b = 0; b < batch; ++b)
        for (size_t rounding : options.stepSizes[s].roundings)
          sum += stepSums[b][rounding];
      return float(sum);
    });
  }

  const BlockNetwork &network;
  const BlockSamples &samples;
  const BlockOptions &options;
  const ForEach &forEach;
  std::vector<LayerVariables> variables;
  std::vector<Numbers> numbers;
  std::vector<BlockNetwork::Run> runs;
  std::vector<std::vector<Numbers>> sums;    ///< per sample of the batch
  Floats stepSizes;                          ///< per rounding, as stored last; empty: those of the types
  Floats leastSteps, stepStretch;            ///< per step size of activations that moves: logarithm of its factor
  std::vector<std::vector<double>> stepSums; ///< per sample of the batch: gradients per rounding
  Adam stepSteps{0};
  int64_t batch = 1, steps = 0, trained = 0;
  size_t weightCount = 0;
  double error = 1; ///< of a sample, before
};
} // namespace

BlockResult reconstructBlock(const BlockNetwork &network, const BlockSamples &samples, const BlockOptions &options,
                             std::vector<BlockLayer> &layers, const ForEach &forEach) {
  // Moving more need not be better: it is compared with weights and biases alone as these are with what there was.
  BlockOptions still = options;
  still.stepSizes.clear();
  std::vector<BlockLayer> start = layers;
  BlockResult result;
  BlockReconstruction(network, samples, still, layers, forEach).run(layers, result);
  if (options.stepSizes.empty())
    return result;
  BlockResult moved;
  BlockReconstruction(network, samples, options, start, forEach).run(start, moved);
  if (!(moved.judged < result.judged && moved.after < result.after))
    return result;
  layers = std::move(start);
  return moved;
}
} // namespace qc
