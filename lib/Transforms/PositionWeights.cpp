// Gradients of a whole network by the results of its layers.
#include "PositionWeights.h"
#include "BlockNetwork.h"
#include "OuterProducts.h"

#include "mlir/IR/Threading.h"

using namespace mlir;

namespace qc {
namespace {
/// The rows of gradients that are taken of one layer.
struct GradientRows {
  /// `gradients`: of all samples.
  GradientRows(const Contraction &layer, int64_t gradients) : layer(layer), width(layer.groups * layer.channels) {
    constexpr int64_t perChannel = 64, least = 1 << 14;
    every = std::max<int64_t>(1, gradients * layer.positions / std::max(least, perChannel * layer.channels));
  }
  void append(int64_t sample, const std::vector<float> &g, std::vector<double> &rows) const {
    // Another start in each sample, so that together they see all positions.
    for (int64_t p = sample * 7 % every; p < layer.positions; p += every)
      for (int64_t c = 0; c < width; ++c)
        rows.push_back(g[layer.getOutputIndex(c, p)]);
  }
  const Contraction &layer;
  int64_t width, every;
};
} // namespace

std::vector<OutputSensitivity> findOutputSensitivity(func::FuncOp function, const LayerStream &floats,
                                                     ArrayRef<Contraction> layers, int64_t count, double part, bool wantProducts,
                                                     std::string &why) {
  Value output;
  std::unique_ptr<BlockNetwork> network = BlockNetwork::createWhole(function, output, why);
  if (!network)
    return {};
  std::vector<BlockNetwork::Numbers> numbers;
  std::vector<std::optional<size_t>> indexOf; // of each of the network's layers in `layers`
  for (Operation *op : network->getLayers()) {
    numbers.push_back(BlockNetwork::getNumbers(op));
    auto found = llvm::find_if(layers, [&](const Contraction &layer) { return layer.op == op; });
    indexOf.push_back(found == layers.end() ? std::nullopt : std::optional<size_t>(found - layers.begin()));
  }
  // Random combinations of each sample's results: products of that many channels need more.
  int64_t combinations = wantProducts ? 4 : 1;
  std::vector<OutputSensitivity> result(layers.size());
  std::vector<GradientRows> taken;
  for (auto [layer, each] : llvm::zip_equal(layers, result)) {
    taken.emplace_back(layer, count * combinations);
    each.positions.resize(count);
    each.gradients = count * combinations;
    if (wantProducts && layer.channels > 1)
      each.products.assign(layer.groups, std::vector<double>(layer.channels * layer.channels));
  }
  // So many samples at once, whatever the number of threads: sums run in the order of the samples.
  constexpr int64_t together = 16;
  std::vector<std::vector<std::vector<double>>> rows(together, std::vector<std::vector<double>>(layers.size()));
  for (int64_t first = 0; first < count; first += together) {
    int64_t size = std::min(together, count - first);
    size_t tasks = std::min<size_t>(size, function.getContext()->getNumThreads());
    parallelFor(function.getContext(), 0, tasks, [&](size_t task) {
      BlockNetwork::Run run;
      std::vector<BlockNetwork::Numbers> unused(numbers.size()); // gradients by weights
      std::vector<float> x, gradient;
      for (int64_t b = size * int64_t(task) / int64_t(tasks); b < size * int64_t(task + 1) / int64_t(tasks); ++b) {
        int64_t i = first + b;
        for (size_t k = 0; k < layers.size(); ++k) {
          rows[b][k].clear();
          result[k].positions[i].assign(layers[k].positions, 0.0f);
        }
        floats.read(function.getArgument(0), i, x);
        gradient.resize(network->forward(x, numbers, run).size());
        for (int64_t r = 0; r < combinations; ++r) {
          for (size_t k = 0; k < gradient.size(); ++k)
            gradient[k] = mixBits(uint64_t(i * combinations + r) * 0x9e3779b97f4a7c15ull + k + 1) & 1 ? 1.0f : -1.0f;
          network->backward(gradient, numbers, run, unused);
          for (size_t k = 0; k < indexOf.size(); ++k) {
            if (!indexOf[k])
              continue;
            const Contraction &layer = layers[*indexOf[k]];
            const std::vector<float> &g = network->getGradient(k, run);
            std::vector<float> &sums = result[*indexOf[k]].positions[i];
            for (int64_t p = 0; p < layer.positions; ++p)
              for (int64_t c = 0; c < layer.groups * layer.channels; ++c) {
                float v = g[layer.getOutputIndex(c, p)];
                sums[p] += v * v;
              }
            if (!result[*indexOf[k]].products.empty())
              taken[*indexOf[k]].append(i, g, rows[b][*indexOf[k]]);
          }
        }
      }
    });
    parallelFor(function.getContext(), 0, layers.size(), [&](size_t k) {
      int64_t channels = layers[k].channels, width = taken[k].width;
      for (auto [g, products] : llvm::enumerate(result[k].products))
        for (int64_t b = 0; b < size; ++b)
          addOuterProducts(products.data(), channels, rows[b][k].data() + g * channels, channels,
                           rows[b][k].data() + g * channels, channels, width, int64_t(rows[b][k].size()) / width);
    });
  }
  for (OutputSensitivity &layer : result) {
    double sum = 0;
    int64_t positions = 0;
    for (const std::vector<float> &sample : layer.positions)
      for (float v : sample)
        sum += v, ++positions;
    if (!(sum > 0) || !std::isfinite(sum)) { // nothing depends on it, or too much
      layer = {};
      continue;
    }
    for (std::vector<float> &sample : layer.positions)
      for (float &v : sample)
        v = float(1 - part + part * v * double(positions) / sum);
  }
  return result;
}
} // namespace qc
