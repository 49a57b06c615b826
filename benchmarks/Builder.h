// Builds networks layer by layer, for the recipes of `qbench generate`.
#ifndef QCC_BENCHMARKS_BUILDER_H
#define QCC_BENCHMARKS_BUILDER_H

#include "Onnx.h"

#include <cmath>
#include <functional>

namespace qbench {
/// Appends layers to a graph; `current` is the tensor that the next layer reads.
class Builder {
public:
  Builder(const std::string &name, uint64_t seed) : state(seed) {
    model.set_ir_version(8);
    model.set_producer_name("qbench");
    model.add_opset_import()->set_version(13);
    model.mutable_graph()->set_name(name);
  }
  Builder(const std::string &name, const Dims &input, uint64_t seed) : Builder(name, seed) {
    current = "input";
    shape = input;
    setFloatType(*graph().add_input(), current, shape);
  }
  std::string indexInput(const std::string &name, const Dims &dims) {
    onnx::ValueInfoProto &info = *graph().add_input();
    setFloatType(info, name, dims);
    info.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::INT64);
    return name;
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

  onnx::GraphProto &graph() { return *model.mutable_graph(); }
  /// Adds a node; its result becomes `current`, the caller sets `shape`.
  onnx::NodeProto &append(const std::string &type, const std::vector<std::string> &inputs) {
    std::string name = type + "_" + std::to_string(++count);
    current = name + "_out";
    return addNode(graph(), type, name, inputs, {current});
  }
  /// Gaussian weights.
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

private:
  double uniform() { // splitmix64
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
  }
  onnx::ModelProto model;
  uint64_t state;
  int count = 0;
  std::string zero, six;
};

struct Recipe {
  const char *name;
  std::function<onnx::ModelProto()> make;
};
/// Recurrent networks and transformers (Sequences.cpp).
const std::vector<Recipe> &getSequenceRecipes();
} // namespace qbench

#endif // QCC_BENCHMARKS_BUILDER_H
