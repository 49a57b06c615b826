// Int8 variants of a float network for ONNX Runtime, made the way its own quantization tools make them: QuantizeLinear and
// DequantizeLinear around every operator that has an integer kernel, per-channel weights, biases in 32 bits, activations with a
// zero point, ranges from samples. The runtime fuses them into its integer operators. Variants differ in the element types:
//
//   u8s8      weights s8: its fastest kernels, which saturate on x86-64 without VNNI
//   u8u8      weights u8: exact everywhere
//   s8s8      activations s8
//   dyn-s8, dyn-u8   matrix products and LSTM with ranges found at run time, results float
#include "CpuFeatures.h"
#include "OnnxRuntime.h"
#include "qbench.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

namespace qbench {
namespace {
struct Tensor {
  float low = 0, high = 0; ///< over all samples; holds zero
  Dims shape;
};
using Tensors = std::map<std::string, Tensor>;

struct Variant {
  const char *name;
  bool signedActivations, unsignedWeights, dynamic;
};
const Variant variants[] = {
    {"u8s8", false, false, false},  {"u8u8", false, true, false},  {"s8s8", true, false, false},
    {"dyn-s8", false, false, true}, {"dyn-u8", false, true, true},
};

/// The operators that get integer kernels; those that move data share the quantization of their input.
const std::set<std::string> weighted = {"Conv", "Gemm", "MatMul"};
const std::set<std::string> moving = {"Reshape", "Transpose", "Flatten", "MaxPool", "Squeeze", "Unsqueeze", "Slice"};
const std::set<std::string> computing = {"Add",    "Mul",     "Relu",   "Clip", "AveragePool", "GlobalAveragePool",
                                         "Concat", "Softmax", "Sigmoid"};

std::map<std::string, const onnx::TensorProto *> getInitializers(const onnx::GraphProto &graph) {
  std::map<std::string, const onnx::TensorProto *> result;
  for (const onnx::TensorProto &tensor : graph.initializer())
    result[tensor.name()] = &tensor;
  return result;
}

/// Runs the float network on samples with every tensor as a result: ranges and shapes.
Tensors analyze(onnx::ModelProto model, const std::string &scratch, std::vector<char> &samples) {
  std::set<std::string> given;
  for (const auto &output : model.graph().output())
    given.insert(output.name());
  for (const onnx::NodeProto &node : model.graph().node())
    for (const std::string &output : node.output())
      if (!output.empty() && given.insert(output).second)
        model.mutable_graph()->add_output()->set_name(output);
  writeModel(scratch, model);
  Session session(scratch, Optimization::none);
  remove(scratch.c_str());
  Tensors tensors;
  auto see = [&](const std::string &name, const float *values, const Dims &shape) {
    Tensor &tensor = tensors[name];
    tensor.shape = shape;
    for (int64_t i = 0, n = product(shape); i < n; ++i) {
      tensor.low = std::min(tensor.low, values[i]);
      tensor.high = std::max(tensor.high, values[i]);
    }
  };
  size_t bytes = session.sampleBytes();
  for (size_t at = 0; at + bytes <= samples.size(); at += bytes) {
    session.bindSample(&samples[at]);
    session.run();
    const char *values = &samples[at];
    for (const Port &port : session.inputs) { // those behind the first that holds no floats are not quantized
      if (port.type != onnx::TensorProto::FLOAT)
        break;
      see(port.name, reinterpret_cast<const float *>(values), port.shape);
      values += size_t(product(port.shape)) * sizeof(float);
    }
    for (size_t i = 0; i < session.outputs.size(); ++i)
      if (session.outputs[i].type == onnx::TensorProto::FLOAT)
        see(session.outputs[i].name, session.outputFloats(i), session.outputShape(i));
  }
  if (tensors.empty())
    throw std::runtime_error("the samples hold less than one input");
  return tensors;
}

struct Counts {
  int64_t macs = 0, weights = 0;
};
Counts count(const onnx::GraphProto &graph, const Tensors &tensors) {
  Counts counts;
  auto initializers = getInitializers(graph);
  for (const onnx::NodeProto &node : graph.node()) {
    if (node.op_type() == "LSTM" && tensors.count(node.output(0)))
      for (int input : {1, 2})
        if (auto found = initializers.find(node.input(input)); found != initializers.end()) {
          int64_t size = product(getDims(*found->second));
          counts.macs += tensors.at(node.output(0)).shape[0] * size; // a step multiplies every weight
          counts.weights += size;
        }
    if (!weighted.count(node.op_type()))
      continue;
    auto found = initializers.find(node.input(1));
    auto output = tensors.find(node.output(0));
    if (found == initializers.end() || output == tensors.end())
      continue;
    Dims weights = getDims(*found->second);
    int64_t depth = node.op_type() == "Conv"                                ? product(weights, 1)
                    : node.op_type() == "Gemm" && getInt(node, "transB", 0) ? weights[1]
                                                                            : weights[weights.size() - 2];
    counts.macs += product(output->second.shape) * depth;
    counts.weights += product(weights);
  }
  return counts;
}

/// Rewrites one float graph.
class Quantizer {
public:
  Quantizer(const onnx::ModelProto &source, const Tensors &tensors, const Variant &variant)
      : model(source), tensors(tensors), variant(variant) {}

  onnx::ModelProto run() {
    initializers = getInitializers(source());
    foldActivations();
    if (variant.dynamic)
      rewriteDynamic();
    else
      rewriteStatic();
    finish();
    return std::move(model);
  }

private:
  struct Quantization {
    float scale;
    int zeroPoint;
    std::string scaleName, zeroPointName;
  };

  const onnx::GraphProto &source() const { return model.graph(); }
  bool isConstant(const std::string &name) const { return initializers.count(name); }

  void foldActivations();
  int getChannelAxis(const onnx::NodeProto &node) const;
  std::pair<std::string, std::vector<float>> addWeights(const onnx::NodeProto &node, bool dequantize);
  std::string addBias(const std::string &name, float inputScale, const std::vector<float> &weightScales);
  void quantize(const std::string &name);
  void rewriteStatic();
  void rewriteDynamic();
  void addDynamicLstm(const onnx::NodeProto &node);
  void addPair(const std::string &from, const std::string &name, const std::string &to);
  void finish();
  template <typename T> void addCodes(const std::string &name, const Dims &dims, const std::vector<int> &codes) {
    addTensor<T>(added, name, dims, std::vector<T>(codes.begin(), codes.end()));
  }

  onnx::ModelProto model;
  const Tensors &tensors;
  Variant variant;
  std::map<std::string, const onnx::TensorProto *> initializers;
  std::map<std::string, Quantization> quantized;
  std::set<std::string> results;
  onnx::GraphProto added; ///< new nodes in order, and new initializers
  int biases = 0;
};

/// A Relu, or a Clip from zero, is nothing but the range of the tensor that the operator before it writes.
void Quantizer::foldActivations() {
  onnx::GraphProto &graph = *model.mutable_graph();
  for (const auto &output : graph.output())
    results.insert(output.name());
  std::map<std::string, int> uses;
  std::map<std::string, onnx::NodeProto *> producers;
  for (onnx::NodeProto &node : *graph.mutable_node()) {
    for (const std::string &input : node.input())
      ++uses[input];
    for (const std::string &output : node.output())
      producers[output] = &node;
  }
  google::protobuf::RepeatedPtrField<onnx::NodeProto> kept;
  std::set<const onnx::NodeProto *> folded;
  for (onnx::NodeProto &node : *graph.mutable_node()) {
    bool fromZero = node.op_type() == "Relu";
    if (node.op_type() == "Clip" && node.input_size() > 1 && isConstant(node.input(1)))
      fromZero = getFloats(*initializers.at(node.input(1))).at(0) == 0;
    auto producer = fromZero ? producers.find(node.input(0)) : producers.end();
    if (producer == producers.end() || variant.dynamic || uses[node.input(0)] != 1 || results.count(node.input(0)) ||
        !(weighted.count(producer->second->op_type()) || producer->second->op_type() == "Add"))
      continue;
    producer->second->set_output(0, node.output(0));
    producers[node.output(0)] = producer->second;
    folded.insert(&node);
  }
  for (const onnx::NodeProto &node : graph.node())
    if (!folded.count(&node))
      *kept.Add() = node;
  graph.mutable_node()->Swap(&kept);
}

/// -1: these weights cannot be quantized.
int Quantizer::getChannelAxis(const onnx::NodeProto &node) const {
  if (node.op_type() == "Conv")
    return 0;
  if (node.op_type() == "MatMul")
    return initializers.at(node.input(1))->dims_size() - 1;
  const onnx::AttributeProto *alpha = findAttribute(node, "alpha"), *beta = findAttribute(node, "beta");
  if ((alpha && alpha->f() != 1) || (beta && beta->f() != 1) || getInt(node, "transA", 0))
    return -1;
  return getInt(node, "transB", 0) ? 0 : 1;
}

/// Codes, scales and zero points; with `dequantize` also the operator, whose result is returned. Names by axis: layers may share.
std::pair<std::string, std::vector<float>> Quantizer::addWeights(const onnx::NodeProto &node, bool dequantize) {
  const onnx::TensorProto &weights = *initializers.at(node.input(1));
  int axis = getChannelAxis(node);
  Dims dims = getDims(weights);
  std::vector<float> values = getFloats(weights);
  int64_t channels = dims[axis], inner = product(dims, axis + 1);
  auto channelOf = [&](size_t i) { return (int64_t(i) / inner) % channels; };
  std::vector<float> scales(channels, 0);
  for (size_t i = 0; i < values.size(); ++i)
    scales[channelOf(i)] = std::max(scales[channelOf(i)], std::fabs(values[i]));
  for (float &scale : scales)
    scale = std::max(scale / 127, 1e-12f);
  int offset = variant.unsignedWeights ? 128 : 0;
  std::vector<int> codes(values.size()), zeroPoints(channels, offset);
  for (size_t i = 0; i < values.size(); ++i)
    codes[i] = std::clamp(int(std::nearbyint(values[i] / scales[channelOf(i)])), -127, 127) + offset;

  std::string base = weights.name() + "_axis" + std::to_string(axis);
  bool seen = false;
  for (const onnx::TensorProto &tensor : added.initializer())
    seen |= tensor.name() == base + "_q";
  if (!seen) {
    addTensor<float>(added, base + "_scale", {channels}, scales);
    if (variant.unsignedWeights) {
      addCodes<uint8_t>(base + "_q", dims, codes);
      addCodes<uint8_t>(base + "_zero", {channels}, zeroPoints);
    } else {
      addCodes<int8_t>(base + "_q", dims, codes);
      addCodes<int8_t>(base + "_zero", {channels}, zeroPoints);
    }
    if (dequantize)
      setInt(addNode(added, "DequantizeLinear", base + "_dq", {base + "_q", base + "_scale", base + "_zero"}, {base + "_dq"}),
             "axis", axis);
  }
  return {base, scales};
}

std::string Quantizer::addBias(const std::string &name, float inputScale, const std::vector<float> &weightScales) {
  std::vector<float> values = getFloats(*initializers.at(name)), scales(values.size());
  std::vector<int32_t> codes(values.size()), zeros(values.size(), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    scales[i] = inputScale * weightScales.at(i);
    codes[i] = int32_t(std::clamp(std::nearbyint(double(values[i]) / scales[i]), -2147483648.0, 2147483647.0));
  }
  std::string base = name + "_bias" + std::to_string(++biases);
  Dims dims = {int64_t(values.size())};
  addTensor<int32_t>(added, base + "_q", dims, codes);
  addTensor<float>(added, base + "_scale", dims, scales);
  addTensor<int32_t>(added, base + "_zero", dims, zeros);
  setInt(addNode(added, "DequantizeLinear", base + "_dq", {base + "_q", base + "_scale", base + "_zero"}, {base + "_dq"}), "axis",
         0);
  return base + "_dq";
}

void Quantizer::quantize(const std::string &name) {
  if (quantized.count(name))
    return;
  float low = 0, high = 0;
  if (isConstant(name)) {
    for (float value : getFloats(*initializers.at(name))) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  } else {
    low = tensors.at(name).low;
    high = tensors.at(name).high;
  }
  int least = variant.signedActivations ? -128 : 0;
  float scale = std::max((high - low) / 255, 1e-12f);
  int zeroPoint = std::clamp(int(std::nearbyint(float(least) - low / scale)), least, least + 255);
  quantized[name] = {scale, zeroPoint, name + "_scale", name + "_zero"};
  addTensor<float>(added, name + "_scale", {}, {scale});
  if (variant.signedActivations)
    addCodes<int8_t>(name + "_zero", {}, {zeroPoint});
  else
    addCodes<uint8_t>(name + "_zero", {}, {zeroPoint});
}

void Quantizer::addPair(const std::string &from, const std::string &name, const std::string &to) {
  const Quantization &q = quantized.at(name);
  addNode(added, "QuantizeLinear", name + "_Q", {from, q.scaleName, q.zeroPointName}, {name + "_q"});
  addNode(added, "DequantizeLinear", name + "_DQ", {name + "_q", q.scaleName, q.zeroPointName}, {to});
}

void Quantizer::rewriteStatic() {
  // First which tensors are quantized, then the rewriting: a tensor's pair stands right after its producer.
  std::set<const onnx::NodeProto *> chosen;
  for (const onnx::NodeProto &node : source().node()) {
    const std::string &output = node.output(0);
    if (!tensors.count(output))
      continue;
    if (moving.count(node.op_type())) {
      if (auto input = quantized.find(node.input(0)); input != quantized.end())
        quantized[output] = Quantization(input->second);
      continue;
    }
    std::vector<std::string> inputs = {node.input(0)};
    if (weighted.count(node.op_type())) {
      if (!isConstant(node.input(1)) || getChannelAxis(node) < 0)
        continue;
    } else if (!computing.count(node.op_type())) {
      continue;
    } else if (node.op_type() == "Add" || node.op_type() == "Mul" || node.op_type() == "Concat") {
      inputs.assign(node.input().begin(), node.input().end());
    }
    if (!std::all_of(inputs.begin(), inputs.end(), [&](const std::string &name) {
          return tensors.count(name) || (isConstant(name) && initializers.at(name)->data_type() == onnx::TensorProto::FLOAT);
        }))
      continue;
    for (const std::string &input : inputs)
      quantize(input);
    quantize(output);
    chosen.insert(&node);
  }

  for (const auto &[name, q] : quantized)
    if (isConstant(name)) {
      std::vector<float> values = getFloats(*initializers.at(name));
      std::vector<int> codes;
      int least = variant.signedActivations ? -128 : 0;
      for (float value : values)
        codes.push_back(std::clamp(int(std::nearbyint(value / q.scale)) + q.zeroPoint, least, least + 255));
      Dims dims = getDims(*initializers.at(name));
      variant.signedActivations ? addCodes<int8_t>(name + "_q", dims, codes) : addCodes<uint8_t>(name + "_q", dims, codes);
      addNode(added, "DequantizeLinear", name + "_DQ", {name + "_q", q.scaleName, q.zeroPointName}, {name + "_dq"});
    }
  for (const auto &input : source().input())
    if (quantized.count(input.name()))
      addPair(input.name(), input.name(), input.name() + "_dq");
  for (const onnx::NodeProto &node : source().node()) {
    onnx::NodeProto copy = node;
    if (chosen.count(&node) && weighted.count(node.op_type())) {
      auto [base, scales] = addWeights(node, /*dequantize=*/true);
      copy.set_input(1, base + "_dq");
      if (node.input_size() > 2 && isConstant(node.input(2)))
        copy.set_input(2, addBias(node.input(2), quantized.at(node.input(0)).scale, scales));
    }
    for (std::string &input : *copy.mutable_input())
      if (quantized.count(input))
        input = results.count(input) ? input : input + "_dq";
    const std::string output = node.output(0);
    bool pair = quantized.count(output), result = results.count(output);
    if (pair && result)
      copy.set_output(0, output + "_float");
    *added.add_node() = copy;
    if (pair)
      addPair(copy.output(0), output, result ? output : output + "_dq");
  }
}

void Quantizer::rewriteDynamic() {
  for (const onnx::NodeProto &node : source().node()) {
    if (node.op_type() == "LSTM" && isConstant(node.input(1)) && isConstant(node.input(2)) && node.input_size() < 8) {
      addDynamicLstm(node);
      continue;
    }
    if (!(node.op_type() == "MatMul" && isConstant(node.input(1)))) {
      *added.add_node() = node;
      continue;
    }
    std::string base = addWeights(node, /*dequantize=*/false).first;
    const std::string &x = node.input(0), &y = node.output(0);
    addNode(added, "DynamicQuantizeLinear", y + "_dql", {x}, {y + "_x", y + "_xs", y + "_xz"});
    addNode(added, "MatMulInteger", y + "_mm", {y + "_x", base + "_q", y + "_xz", base + "_zero"}, {y + "_i"});
    onnx::NodeProto &cast = addNode(added, "Cast", y + "_cast", {y + "_i"}, {y + "_f"});
    setInt(cast, "to", onnx::TensorProto::FLOAT);
    addNode(added, "Mul", y + "_scales", {y + "_xs", base + "_scale"}, {y + "_s"});
    addNode(added, "Mul", y + "_mul", {y + "_f", y + "_s"}, {y});
  }
}

/// The runtime's own operator: weights transposed to [directions, inputs, 4 hidden], a scale per column.
void Quantizer::addDynamicLstm(const onnx::NodeProto &node) {
  onnx::NodeProto copy = node;
  copy.set_op_type("DynamicQuantizeLSTM");
  copy.set_domain("com.microsoft");
  while (copy.input_size() < 8)
    copy.add_input("");
  for (int input : {1, 2}) {
    const onnx::TensorProto &weights = *initializers.at(node.input(input));
    Dims dims = getDims(weights); // directions, 4 hidden, inputs
    std::vector<float> values = getFloats(weights), scales;
    std::vector<int> codes(values.size());
    int offset = variant.unsignedWeights ? 128 : 0;
    for (int64_t row = 0; row < dims[0] * dims[1]; ++row) {
      float largest = 0;
      for (int64_t k = 0; k < dims[2]; ++k)
        largest = std::max(largest, std::fabs(values[size_t(row * dims[2] + k)]));
      scales.push_back(std::max(largest / 127, 1e-12f));
      for (int64_t k = 0; k < dims[2]; ++k)
        codes[size_t(((row / dims[1]) * dims[2] + k) * dims[1] + row % dims[1])] =
            int(std::nearbyint(values[size_t(row * dims[2] + k)] / scales.back())) + offset;
    }
    std::string base = weights.name();
    Dims columns = {dims[0], dims[1]};
    std::vector<int> zeros(scales.size(), offset);
    addTensor<float>(added, base + "_scale", columns, scales);
    variant.unsignedWeights ? addCodes<uint8_t>(base + "_q", {dims[0], dims[2], dims[1]}, codes)
                            : addCodes<int8_t>(base + "_q", {dims[0], dims[2], dims[1]}, codes);
    variant.unsignedWeights ? addCodes<uint8_t>(base + "_zero", columns, zeros)
                            : addCodes<int8_t>(base + "_zero", columns, zeros);
    copy.set_input(input, base + "_q");
    copy.add_input(base + "_scale");
    copy.add_input(base + "_zero");
  }
  *added.add_node() = copy;
}

/// Takes the new nodes and drops the initializers that nothing reads any more.
void Quantizer::finish() {
  onnx::GraphProto &graph = *model.mutable_graph();
  graph.mutable_node()->Swap(added.mutable_node());
  std::set<std::string> used;
  for (const onnx::NodeProto &node : graph.node())
    used.insert(node.input().begin(), node.input().end());
  google::protobuf::RepeatedPtrField<onnx::TensorProto> kept;
  for (auto *list : {graph.mutable_initializer(), added.mutable_initializer()})
    for (onnx::TensorProto &tensor : *list)
      if (used.count(tensor.name()))
        kept.Add()->Swap(&tensor);
  graph.mutable_initializer()->Swap(&kept);
  graph.clear_value_info();
  onnx::OperatorSetIdProto &domain = *model.add_opset_import();
  domain.set_domain("com.microsoft");
  domain.set_version(1);
}
} // namespace

int peerModels(const Arguments &arguments) {
  std::string samplePath, runtime;
  std::vector<std::string> paths;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i] == "--samples")
      samplePath = valueOf(arguments, i);
    else if (arguments[i] == "--runtime")
      runtime = valueOf(arguments, i);
    else
      paths.push_back(arguments[i]);
  if (paths.size() != 2 || samplePath.empty())
    throw std::runtime_error("peer-models: give IN.onnx, a prefix and --samples");
  const std::string &prefix = paths[1];
  std::vector<char> samples = readBytes(samplePath);

  // The runtime's own graph clean-up first, as its quantization tools do: it folds constants and batch norms.
  loadRuntime(runtime);
  { Session session(paths[0], Optimization::basic, prefix + ".basic.onnx"); }
  onnx::ModelProto model = readModel(prefix + ".basic.onnx");
  Tensors tensors = analyze(model, prefix + ".scratch.onnx", samples);
  Counts counts = count(model.graph(), tensors);
  bool products = std::any_of(model.graph().node().begin(), model.graph().node().end(),
                              [](const onnx::NodeProto &node) { return node.op_type() == "MatMul" || node.op_type() == "LSTM"; });

  std::string list;
  for (const Variant &variant : variants) {
    if (variant.dynamic && !products)
      continue;
    std::string path = prefix + "." + variant.name + ".onnx";
    writeModel(path, Quantizer(model, tensors, variant).run());
    try {
      Session session(path, Optimization::basic);
    } catch (const std::runtime_error &error) { // operators that this quantizer does not know
      fprintf(stderr, "no %s variant: %s\n", variant.name, error.what());
      remove(path.c_str());
      continue;
    }
    list += (list.empty() ? "" : ", ") + quote(variant.name);
  }
  // What the runtime calls a node, and the tensor that we call it by: after the activation that it fuses.
  std::map<std::string, std::string> activated;
  for (const onnx::NodeProto &node : model.graph().node())
    if (node.op_type() == "Relu" || node.op_type() == "Clip")
      activated[node.input(0)] = node.output(0);
  std::string results;
  for (const onnx::NodeProto &node : model.graph().node()) {
    auto found = activated.find(node.output(0));
    results += (results.empty() ? "" : ", ") + quote(node.name()) + ": " +
               quote(found == activated.end() ? node.output(0) : found->second);
  }
  printf("{\"macs\": %lld, \"weights\": %lld, \"variants\": [%s], \"runtime\": %s, \"results\": {%s}}\n", (long long)counts.macs,
         (long long)counts.weights, list.c_str(), quote(getRuntimeVersion()).c_str(), results.c_str());
  return 0;
}
} // namespace qbench
