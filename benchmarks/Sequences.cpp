// Recurrent networks and transformers with Gaussian weights, as exporters write them: for timing, never for accuracy.
#include "Builder.h"

namespace qbench {
namespace {
/// Layers of LSTM on a sequence of one.
onnx::ModelProto makeLstm(int64_t layers, int64_t hidden, int64_t steps) {
  Builder b("lstm", {steps, 1, hidden}, 6);
  double deviation = 1 / std::sqrt(3.0 * double(hidden)); // that of uniform weights in +-1/sqrt(hidden)
  for (int64_t i = 0; i < layers; ++i) {
    std::string w = b.add("W", {1, 4 * hidden, hidden}, deviation), r = b.add("R", {1, 4 * hidden, hidden}, deviation),
                bias = b.add("B", {1, 8 * hidden}, deviation);
    setInt(b.append("LSTM", {b.current, w, r, bias}), "hidden_size", hidden);
    b.append("Squeeze", {b.current, addTensor<int64_t>(b.graph(), "axes_" + std::to_string(i), {1}, {1})});
  }
  return b.finish();
}

/// An encoder of transformer layers in the operators that PyTorch's exporter writes (opset 13).
class Encoder {
public:
  Encoder(Builder &b, int64_t length, int64_t hidden, int64_t heads) : b(b), length(length), hidden(hidden), heads(heads) {}

  std::string number(float value) { return addTensor<float>(b.graph(), name("number"), {}, {value}); }
  std::string numbers(const Dims &values) {
    return addTensor<int64_t>(b.graph(), name("numbers"), {int64_t(values.size())}, values);
  }
  std::string apply(const std::string &type, const std::vector<std::string> &inputs) {
    b.append(type, inputs);
    return b.current;
  }

  std::string linear(const std::string &x, int64_t inputs, int64_t outputs) {
    std::string product = apply("MatMul", {x, b.add("weights", {inputs, outputs}, std::sqrt(1.0 / double(inputs)))});
    return apply("Add", {b.add("bias", {outputs}, 0.1), product});
  }
  std::string reduce(const std::string &x) {
    setInts(b.append("ReduceMean", {x}), "axes", {-1});
    return b.current;
  }
  std::string normalize(const std::string &x) {
    std::string centered = apply("Sub", {x, reduce(x)});
    std::string variance = reduce(apply("Pow", {centered, number(2)}));
    std::string root = apply("Sqrt", {apply("Add", {variance, number(1e-12f)})});
    std::string scaled = apply("Mul", {apply("Div", {centered, root}), ones()});
    return apply("Add", {scaled, b.add("beta", {hidden}, 0.1)});
  }
  std::string split(const std::string &x, bool transposed) {
    b.append("Reshape", {x, numbers({1, length, heads, hidden / heads})});
    setInts(b.append("Transpose", {b.current}), "perm", transposed ? Dims{0, 2, 3, 1} : Dims{0, 2, 1, 3});
    return b.current;
  }
  std::string layer(const std::string &x, const std::string &mask) {
    std::string q = linear(x, hidden, hidden), k = linear(x, hidden, hidden), v = linear(x, hidden, hidden);
    std::string scores = apply("MatMul", {split(q, false), split(k, true)});
    scores = apply("Div", {scores, number(float(std::sqrt(double(hidden / heads))))});
    if (!mask.empty())
      scores = apply("Add", {scores, mask});
    setInt(b.append("Softmax", {scores}), "axis", -1);
    std::string context = apply("MatMul", {b.current, split(v, false)});
    setInts(b.append("Transpose", {context}), "perm", {0, 2, 1, 3});
    std::string merged = apply("Reshape", {b.current, numbers({1, length, hidden})});
    std::string y = normalize(apply("Add", {x, linear(merged, hidden, hidden)}));
    std::string inner = linear(y, hidden, 4 * hidden);
    std::string error = apply("Erf", {apply("Div", {inner, number(std::sqrt(2.0f))})});
    std::string gelu = apply("Mul", {apply("Mul", {inner, apply("Add", {error, number(1)})}), number(0.5f)});
    return normalize(apply("Add", {y, linear(gelu, 4 * hidden, hidden)}));
  }

private:
  std::string name(const std::string &hint) { return hint + "_c" + std::to_string(++count); }
  std::string ones() { return addTensor<float>(b.graph(), name("gamma"), {hidden}, std::vector<float>(size_t(hidden), 1.0f)); }

  Builder &b;
  int64_t length, hidden, heads;
  int count = 0;
};

onnx::ModelProto makeBertLayer(int64_t length, int64_t hidden, int64_t heads) {
  Builder b("bert_layer", {1, length, hidden}, 8);
  Encoder encoder(b, length, hidden, heads);
  b.current = encoder.layer(b.current, "");
  return b.finish();
}

/// Token, segment and position embeddings, layers, a classifier of the first token.
onnx::ModelProto makeBert(int64_t layers, int64_t length, int64_t hidden, int64_t heads, int64_t words) {
  Builder b("bert", 8);
  std::string ids = b.indexInput("input_ids", {1, length}), mask = b.indexInput("attention_mask", {1, length}),
              types = b.indexInput("token_type_ids", {1, length});
  Encoder encoder(b, length, hidden, heads);
  std::string rows = encoder.apply("Unsqueeze", {mask, encoder.numbers({1, 2})});
  setInt(b.append("Cast", {rows}), "to", onnx::TensorProto::FLOAT);
  std::string added = encoder.apply("Mul", {encoder.apply("Sub", {encoder.number(1), b.current}), encoder.number(-10000)});
  std::string x = encoder.apply("Gather", {b.add("words", {words, hidden}, 1), ids});
  x = encoder.apply("Add", {x, encoder.apply("Gather", {b.add("types", {2, hidden}, 1), types})});
  x = encoder.normalize(encoder.apply("Add", {x, b.add("positions", {1, length, hidden}, 1)}));
  for (int64_t i = 0; i < layers; ++i)
    x = encoder.layer(x, added);
  setInt(b.append("Gather", {x, addTensor<int64_t>(b.graph(), "first", {}, {0})}), "axis", 1);
  b.shape = {1, hidden};
  for (int64_t outputs : {hidden, int64_t(2)}) {
    b.dense(outputs);
    if (outputs == hidden)
      b.append("Tanh", {b.current});
  }
  return b.finish();
}
} // namespace

const std::vector<Recipe> &getSequenceRecipes() {
  static const std::vector<Recipe> recipes = {
      {"lstm_2x256", [] { return makeLstm(2, 256, 100); }},
      {"bert_tiny", [] { return makeBert(2, 128, 128, 2, 30522); }},
      {"bert_layer", [] { return makeBertLayer(128, 768, 12); }},
  };
  return recipes;
}
} // namespace qbench
