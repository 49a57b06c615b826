// Networks of well-known architectures with Gaussian weights: for timing, never for accuracy. Batch norms are folded, so a
// convolution has a bias. The spread keeps activations in range, and Gaussian weights matter: how many pairs of weights could
// overflow sixteen bits depends on their distribution.
#include "Builder.h"
#include "qbench.h"

#include <cstdio>

namespace qbench {
namespace {
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

const std::vector<Recipe> convolutionRecipes = {
    {"mobilenet_v2", makeMobileNetV2},
    {"squeezenet1_1", makeSqueezeNet},
    {"resnet18",
     [] {
       return makeResNet("resnet18", false, {2, 2, 2, 2});
     }},
    {"resnet50",
     [] {
       return makeResNet("resnet50", true, {3, 4, 6, 3});
     }},
    {"gemm_256", [] { return makeProduct(256, 256, 256); }},
    {"gemm_256_pairsafe", [] { return makeProduct(256, 256, 256, true); }},
    {"gemm_128x768x768", [] { return makeProduct(128, 768, 768); }},
    {"gemm_1024", [] { return makeProduct(1024, 1024, 1024); }},
    {"gemm_8x1024x1024", [] { return makeProduct(8, 1024, 1024); }},
    {"gemv_4096", [] { return makeProduct(1, 4096, 4096); }},
    {"conv3x3_56x56x64", [] { return makeConv(56, 64, 64, 3, 1); }},
    {"conv1x1_56x56x64", [] { return makeConv(56, 64, 64, 1, 1); }},
    {"depthwise3x3_56x56x64", [] { return makeConv(56, 64, 64, 3, 64); }},
};
} // namespace

int generate(const Arguments &arguments) {
  std::vector<Recipe> recipes = convolutionRecipes;
  recipes.insert(recipes.end(), getSequenceRecipes().begin(), getSequenceRecipes().end());
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
