// A pass for tests only: compares the gradients of a function's result by the weights and biases of its layers, and by the step
// sizes of its roundings, with differences.
#include "TestBlockGradients.h"

#include "BlockNetwork.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace qc {
namespace {
struct TestBlockGradients : PassWrapper<TestBlockGradients, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestBlockGradients)
  StringRef getArgument() const override { return "test-qc-block-gradients"; }
  StringRef getDescription() const override { return "compares gradients of a function's layers with differences"; }

  static float random(uint64_t seed) { return float(mixBits(seed) >> 40) / float(1 << 24) * 2 - 1; }

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      compare(function);
  }

  static void compare(func::FuncOp function) {
    std::string why;
    auto network = BlockNetwork::create(function.getArgument(0), function.getBody().front().getTerminator()->getOperand(0), why);
    llvm::raw_ostream &os = llvm::outs();
    if (!network) {
      os << function.getSymName() << ": " << why << "\n";
      return;
    }
    std::vector<BlockNetwork::Numbers> numbers, sums;
    for (Operation *op : network->getLayers()) {
      numbers.push_back(BlockNetwork::getNumbers(op));
      BlockNetwork::Numbers &sum = sums.emplace_back(numbers.back());
      std::fill(sum.weights.begin(), sum.weights.end(), 0.0f);
      std::fill(sum.biases.begin(), sum.biases.end(), 0.0f);
    }
    std::vector<float> x(cast<ShapedType>(function.getArgument(0).getType()).getNumElements());
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = random(i + 1);
    std::vector<float> stepSizes;
    for (quant::QuantizeCastOp qcast : network->getRoundings())
      stepSizes.push_back(float(cast<quant::UniformQuantizedType>(qcast.getQuantizedType()).getScale()));
    std::vector<double> stepSums(stepSizes.size());
    BlockNetwork::Run run;
    size_t results = network->forward(x, numbers, run, nullptr, stepSizes).size();
    std::vector<float> gradient(results);
    for (size_t i = 0; i < results; ++i)
      gradient[i] = random(1000 + i);
    network->backward(gradient, numbers, run, sums, stepSizes, stepSums);
    // The number whose gradients these are.
    std::vector<float> logarithms(stepSizes.size());
    auto evaluate = [&] {
      std::vector<float> moved;
      for (auto [size, logarithm] : llvm::zip_equal(stepSizes, logarithms))
        moved.push_back(size * std::exp(logarithm));
      double sum = 0;
      for (auto [y, g] : llvm::zip_equal(network->forward(x, numbers, run, nullptr, moved), gradient))
        sum += double(y) * g;
      return sum;
    };
    auto compareNumbers = [&](std::vector<float> &values, const std::vector<float> &found) {
      double largest = 0, error = 0;
      for (float v : found)
        largest = std::max(largest, std::fabs(double(v)));
      for (size_t i = 0; i < values.size(); i += 1 + values.size() / 40) {
        constexpr float step = 0.001953125f; // few elements reach a limit meanwhile
        float value = values[i];
        values[i] = value + step;
        double above = evaluate();
        values[i] = value - step;
        double below = evaluate();
        values[i] = value;
        error = std::max(error, std::fabs((above - below) / (2 * step) - found[i]));
      }
      return largest > 0 && error < 2e-2 * largest ? "agree" : "differ";
    };
    os << function.getSymName() << ":";
    for (size_t k = 0; k < numbers.size(); ++k) {
      os << " " << getLocName(network->getLayers()[k]->getLoc()) << " " << compareNumbers(numbers[k].weights, sums[k].weights);
      if (!numbers[k].biases.empty())
        os << " " << compareNumbers(numbers[k].biases, sums[k].biases);
    }
    if (!stepSizes.empty())
      os << " steps " << compareNumbers(logarithms, std::vector<float>(stepSums.begin(), stepSums.end()));
    os << "\n";
  }
};
} // namespace

void registerTestBlockGradients() { PassRegistration<TestBlockGradients>(); }
} // namespace qc
