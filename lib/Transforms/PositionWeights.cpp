// Gradients of a whole network by the results of its layers.
#include "PositionWeights.h"
#include "BlockNetwork.h"

#include "mlir/IR/Threading.h"

using namespace mlir;

namespace qc {
/// The network from its one argument to its first result, or to what a softmax or the like makes that result of.
static std::unique_ptr<BlockNetwork> createWhole(func::FuncOp function, std::string &why) {
  if (function.getNumArguments() != 1 || !isa<Float32Type>(getElementType(function.getArgument(0)))) {
    why = "the network has several inputs, or one that is no f32 tensor";
    return nullptr;
  }
  Value output = function.getBody().front().getTerminator()->getOperand(0);
  std::string last;
  while (true) {
    auto network = BlockNetwork::create(function.getArgument(0), output, last);
    if (why.empty())
      why = last;
    Operation *op = output.getDefiningOp();
    if (network || !op || op->getNumOperands() != 1)
      return network;
    output = op->getOperand(0);
  }
}

std::vector<PositionWeights> findPositionWeights(func::FuncOp function, const LayerStream &floats, ArrayRef<Contraction> layers,
                                                 int64_t count, double part, std::string &why) {
  std::unique_ptr<BlockNetwork> network = createWhole(function, why);
  if (!network)
    return {};
  std::vector<BlockNetwork::Numbers> numbers;
  std::vector<std::optional<size_t>> indexOf; // of each of the network's layers in `layers`
  for (Operation *op : network->getLayers()) {
    numbers.push_back(BlockNetwork::getNumbers(op));
    auto found = llvm::find_if(layers, [&](const Contraction &layer) { return layer.op == op; });
    indexOf.push_back(found == layers.end() ? std::nullopt : std::optional<size_t>(found - layers.begin()));
  }
  std::vector<PositionWeights> weights(layers.size(), PositionWeights(count));
  size_t tasks = std::min<size_t>(count, function.getContext()->getNumThreads());
  parallelFor(function.getContext(), 0, tasks, [&](size_t task) {
    BlockNetwork::Run run;
    std::vector<BlockNetwork::Numbers> unused = numbers; // gradients by weights
    std::vector<float> x, gradient;
    for (int64_t i = count * task / tasks; i < int64_t(count * (task + 1) / tasks); ++i) {
      floats.read(function.getArgument(0), i, x);
      gradient.resize(network->forward(x, numbers, run).size());
      for (size_t k = 0; k < gradient.size(); ++k)
        gradient[k] = mixBits(uint64_t(i) * 0x9e3779b97f4a7c15ull + k + 1) & 1 ? 1.0f : -1.0f;
      network->backward(gradient, numbers, run, unused);
      for (size_t k = 0; k < indexOf.size(); ++k) {
        if (!indexOf[k])
          continue;
        const Contraction &layer = layers[*indexOf[k]];
        const std::vector<float> &g = network->getGradient(k, run);
        std::vector<float> &sums = weights[*indexOf[k]][i];
        sums.assign(layer.positions, 0.0f);
        for (int64_t p = 0; p < layer.positions; ++p)
          for (int64_t c = 0; c < layer.groups * layer.channels; ++c) {
            float v = g[layer.getOutputIndex(c, p)];
            sums[p] += v * v;
          }
      }
    }
  });
  for (PositionWeights &layer : weights) {
    double sum = 0;
    int64_t positions = 0;
    for (const std::vector<float> &sample : layer)
      for (float v : sample)
        sum += v, ++positions;
    if (!(sum > 0) || !std::isfinite(sum)) { // nothing depends on it, or too much
      layer.clear();
      continue;
    }
    for (std::vector<float> &sample : layer)
      for (float &v : sample)
        v = float(1 - part + part * v * double(positions) / sum);
  }
  return weights;
}
} // namespace qc
