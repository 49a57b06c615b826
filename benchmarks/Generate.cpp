// Networks of well-known architectures with Gaussian weights: for timing, never for accuracy. Batch norms are folded, so a
// convolution has a bias. The spread keeps activations in range, and Gaussian weights matter: how many pairs of weights could
// overflow sixteen bits depends on their distribution.
#include "Onnx.h"
#include "qbench.h"

#include <cmath>
#include <cstdio>
#include <functional>

namespace qbench {
namespace {
/// Appends layers to a graph; `current` is the tensor that the next layer reads.
class Builder {
public:
  Builder(const std::string &name, const Dims &input, uint64_t seed) : current("input"), shape(input), state(seed) {
    model.set_ir_version(8);
    model.set_producer_name("qbench");
    model.add_opset_import()->set_version(13);
    model.mutable_graph()->set_name(name);
    setFloatType(*graph().add_input(), current, shape);
  }

  onnx::ModelProto finish() {
    setFloatType(*graph().add_output(), current, shape);
    return std::move(model);
  }

  void conv(int64_t channels, int64_t kernel, int64_t stride, int64_t pad, int64_t groups = 1, double gain = 2) {
    int64_t depth = shape[1] / groups;
    std::string weights = add("weights", {channels, depth, kernel, kernel}, std::sqrt(gain / double(depth * kernel * kernel)));
    std::string bias = add("bias", {channels}, 0.1);
    onnx::NodeProto &node = append("Conv", {current, weights, bias});
    setInts(node, "kernel_shape", {kernel, kernel});
    setInts(node, "strides", {stride, stride});
    setInts(node, "pads", {pad, pad, pad, pad});
    setInt(node, "group", groups);
    shape = {shape[0], channels, (shape[2] + 2 * pad - kernel) / stride + 1, (shape[3] + 2 * pad - kernel) / stride + 1};
  }
  void relu() { append("Relu", {current}); }
  void relu6() {
    if (six.empty()) {
      zero = addTensor<float>(graph(), "zero", {}, {0});
      six = addTensor<float>(graph(), "six", {}, {6});
    }
    append("Clip", {current, zero, six});
  }
  void maxPool(int64_t kernel, int64_t stride, int64_t pad, bool ceil) {
    onnx::NodeProto &node = append("MaxPool", {current});
    setInts(node, "kernel_shape", {kernel, kernel});
    setInts(node, "strides", {stride, stride});
    setInts(node, "pads", {pad, pad, pad, pad});
    setInt(node, "ceil_mode", ceil);
    for (int axis : {2, 3})
      shape[axis] = (shape[axis] + 2 * pad - kernel + (ceil ? stride - 1 : 0)) / stride + 1;
  }
  void globalPool() {
    append("GlobalAveragePool", {current});
    shape = {shape[0], shape[1], 1, 1};
  }
  void flatten() {
    setInt(append("Flatten", {current}), "axis", 1);
    shape = {shape[0], product(shape, 1)};
  }
  void dense(int64_t outputs) {
    std::string weights = add("weights", {outputs, shape[1]}, std::sqrt(1.0 / double(shape[1]))),
                bias = add("bias", {outputs}, 0.1);
    setInt(append("Gemm", {current, weights, bias}), "transB", 1);
    shape[1] = outputs;
  }
  void matmul(int64_t columns) {
    append("MatMul", {current, add("weights", {shape[1], columns}, std::sqrt(1.0 / double(shape[1])))});
    shape[1] = columns;
  }
  /// Weights of which no two neighbours can overflow sixteen bits: one channel's largest stands beside a zero, the others are
  /// less than half of it.
  void matmulPairSafe(int64_t columns) {
    std::vector<float> values(size_t(shape[1] * columns));
    for (size_t i = 0; i < values.size(); ++i) {
      size_t row = i / size_t(columns);
      values[i] = row == 0 ? 1 : row == 1 ? 0 : float(uniform() - 0.5) * 0.98f;
    }
    append("MatMul", {current, addTensor(graph(), "weights_" + std::to_string(++count), {shape[1], columns}, values)});
    shape[1] = columns;
  }
  void addTo(const std::string &other) { append("Add", {other, current}); }
  void concat(const std::string &other, int64_t otherChannels) {
    setInt(append("Concat", {other, current}), "axis", 1);
    shape[1] += otherChannels;
  }

  std::string current;
  Dims shape;

private:
  onnx::GraphProto &graph() { return *model.mutable_graph(); }
  onnx::NodeProto &append(const std::string &type, const std::vector<std::string> &inputs) {
    std::string name = type + "_" + std::to_string(++count);
    current = name + "_out";
    return addNode(graph(), type, name, inputs, {current});
  }

  double uniform() { // splitmix64
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
  }
  std::string add(const std::string &hint, const Dims &dims, double deviation) {
    std::vector<float> values(size_t(product(dims)));
    for (size_t i = 0; i < values.size(); i += 2) { // Box and Muller: two at a time
      double radius = deviation * std::sqrt(-2 * std::log(uniform())), angle = 2 * M_PI * uniform();
      values[i] = float(radius * std::cos(angle));
      if (i + 1 < values.size())
        values[i + 1] = float(radius * std::sin(angle));
    }
    return addTensor(graph(), hint + "_" + std::to_string(++count), dims, values);
  }

  onnx::ModelProto model;
  uint64_t state;
  int count = 0;
  std::string zero, six;
};

onnx::ModelProto makeResNet(const std::string &name, bool bottleneck, const std::vector<int> &blocks) {
  Builder b(name, {1, 3, 224, 224}, 18);
  b.conv(64, 7, 2, 3);
  b.relu();
  b.maxPool(3, 2, 1, false);
  for (size_t stage = 0; stage < blocks.size(); ++stage) {
    int64_t width = int64_t(64) << stage, outputs = bottleneck ? 4 * width : width;
    for (int block = 0; block < blocks[stage]; ++block) {
      int64_t stride = stage && !block ? 2 : 1;
      std::string input = b.current, shortcut = input;
      Dims inputShape = b.shape;
      if (stride != 1 || inputShape[1] != outputs) {
        b.conv(outputs, 1, stride, 0, 1, 1);
        shortcut = b.current;
        b.current = input;
        b.shape = inputShape;
      }
      if (bottleneck) {
        b.conv(width, 1, 1, 0);
        b.relu();
      }
      b.conv(width, 3, bottleneck || !block ? stride : 1, 1);
      b.relu();
      bottleneck ? b.conv(outputs, 1, 1, 0, 1, 0.25) : b.conv(outputs, 3, 1, 1, 1, 0.25);
      b.addTo(shortcut);
      b.relu();
    }
  }
  b.globalPool();
  b.flatten();
  b.dense(1000);
  return b.finish();
}

onnx::ModelProto makeMobileNetV2() {
  Builder b("mobilenet_v2", {1, 3, 224, 224}, 2);
  b.conv(32, 3, 2, 1);
  b.relu6();
  const int64_t rows[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  for (auto [expansion, channels, repeats, firstStride] : rows)
    for (int64_t i = 0; i < repeats; ++i) {
      int64_t stride = i ? 1 : firstStride, inputs = b.shape[1];
      std::string input = b.current;
      if (expansion != 1) {
        b.conv(inputs * expansion, 1, 1, 0);
        b.relu6();
      }
      b.conv(inputs * expansion, 3, stride, 1, inputs * expansion);
      b.relu6();
      b.conv(channels, 1, 1, 0, 1, 1);
      if (stride == 1 && inputs == channels)
        b.addTo(input);
    }
  b.conv(1280, 1, 1, 0);
  b.relu6();
  b.globalPool();
  b.flatten();
  b.dense(1000);
  return b.finish();
}

onnx::ModelProto makeSqueezeNet() {
  Builder b("squeezenet1_1", {1, 3, 224, 224}, 11);
  auto fire = [&](int64_t squeeze, int64_t expand) {
    b.conv(squeeze, 1, 1, 0);
    b.relu();
    std::string squeezed = b.current;
    Dims shape = b.shape;
    b.conv(expand, 1, 1, 0);
    b.relu();
    std::string ones = b.current;
    b.current = squeezed;
    b.shape = shape;
    b.conv(expand, 3, 1, 1);
    b.relu();
    b.concat(ones, expand);
  };
  b.conv(64, 3, 2, 0);
  b.relu();
  b.maxPool(3, 2, 0, true);
  fire(16, 64);
  fire(16, 64);
  b.maxPool(3, 2, 0, true);
  fire(32, 128);
  fire(32, 128);
  b.maxPool(3, 2, 0, true);
  fire(48, 192);
  fire(48, 192);
  fire(64, 256);
  fire(64, 256);
  b.conv(1000, 1, 1, 0);
  b.relu();
  b.globalPool();
  b.flatten();
  return b.finish();
}

onnx::ModelProto makeProduct(int64_t rows, int64_t columns, int64_t depth, bool pairSafe = false) {
  Builder b("product", {rows, depth}, 5);
  pairSafe ? b.matmulPairSafe(columns) : b.matmul(columns);
  return b.finish();
}

/// One convolution with padding that keeps the size: for looking at one kernel.
onnx::ModelProto makeConv(int64_t size, int64_t inputs, int64_t outputs, int64_t kernel, int64_t groups) {
  Builder b("conv", {1, inputs, size, size}, 3);
  b.conv(outputs, kernel, 1, kernel / 2, groups);
  b.relu();
  return b.finish();
}

struct Recipe {
  const char *name;
  std::function<onnx::ModelProto()> make;
};
const Recipe recipes[] = {
    {"mobilenet_v2", makeMobileNetV2},
    {"squeezenet1_1", makeSqueezeNet},
    {"resnet18", [] { return makeResNet("resnet18", false, {2, 2, 2, 2}); }},
    {"resnet50", [] { return makeResNet("resnet50", true, {3, 4, 6, 3}); }},
    {"gemm_256", [] { return makeProduct(256, 256, 256); }},
    {"gemm_256_pairsafe", [] { return makeProduct(256, 256, 256, true); }},
    {"gemm_128x768x768", [] { return makeProduct(128, 768, 768); }},
    {"gemm_1024", [] { return makeProduct(1024, 1024, 1024); }},
    {"gemv_4096", [] { return makeProduct(1, 4096, 4096); }},
    {"conv3x3_56x56x64", [] { return makeConv(56, 64, 64, 3, 1); }},
    {"conv1x1_56x56x64", [] { return makeConv(56, 64, 64, 1, 1); }},
    {"depthwise3x3_56x56x64", [] { return makeConv(56, 64, 64, 3, 64); }},
};
} // namespace

int generate(const Arguments &arguments) {
  if (arguments.size() == 1 && arguments[0] == "--list") {
    for (const Recipe &recipe : recipes)
      printf("%s\n", recipe.name);
    return 0;
  }
  if (arguments.size() != 2)
    throw std::runtime_error("generate: give a name and a file, or --list");
  for (const Recipe &recipe : recipes)
    if (arguments[0] == recipe.name) {
      writeModel(arguments[1], recipe.make());
      return 0;
    }
  throw std::runtime_error("generate: no network '" + arguments[0] + "' (see --list)");
}
} // namespace qbench
