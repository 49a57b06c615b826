// RNN, GRU and LSTM, unrolled: one matrix product for the inputs of all steps, one per step for the state.
#include "Algebra.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
/// Steps times directions: what is unrolled stays small enough to compile.
constexpr int64_t maxSteps = 1024;

struct Activation {
  StringRef name;
  ActivationKind kind;
  float alpha, beta; ///< defaults
};
const Activation activations[] = {{"Relu", ActivationKind::LeakyRelu, 0, 0},
                                  {"Tanh", ActivationKind::Tanh, 0, 0},
                                  {"Sigmoid", ActivationKind::Sigmoid, 0, 0},
                                  {"LeakyRelu", ActivationKind::LeakyRelu, 0.01f, 0},
                                  {"HardSigmoid", ActivationKind::HardSigmoid, 0.2f, 0.5f},
                                  {"Elu", ActivationKind::Elu, 1, 1},
                                  {"Softsign", ActivationKind::Softsign, 0, 0},
                                  {"Softplus", ActivationKind::Softplus, 0, 0}};

class Recurrence {
public:
  /// `gates` rows of weights per hidden unit; `defaults` are the activations of one direction.
  Recurrence(Node &node, int64_t gates, ArrayRef<StringRef> defaults)
      : node(node), a(node), gates(gates), defaults(defaults.begin(), defaults.end()) {}

  using Step = llvm::function_ref<void(int64_t direction, const Entry &x, Entry &h, Entry &c)>;
  /// Runs all directions and sets the outputs. `step` makes the next state of one time step.
  LogicalResult run(bool hasCell, bool biasOfState, Step step) {
    if (failed(readShapes()))
      return failure();
    SmallVector<Entry> sequences, hs, cs;
    for (int64_t d = 0; d < directions && !node.failed(); ++d) {
      bool reverse = mode == "reverse" || d == 1;
      direction = d;
      Entry weights = part(1, d), bias = node.has(3) ? part(3, d) : Entry();
      Entry x = a.matmul(a.reshape(input, {steps * batch, inputs}), a.transpose(weights, {1, 0}));
      role(x, "Wx");
      if (bias.element) {
        Entry own = a.slice(bias, 0, 0, gates * hidden);
        x = role(a.add(x, own), "Wx");
        // Some gates treat the state's bias on its own.
        stateBias = a.slice(bias, 0, gates * hidden, gates * hidden);
        if (!biasOfState)
          x = role(a.add(x, stateBias), "Wx");
      } else {
        stateBias = {};
      }
      x = a.reshape(x, {steps, batch, gates * hidden});
      stateWeights = a.transpose(part(2, d), {1, 0});
      Entry h = initial(5, d), c = hasCell ? initial(6, d) : Entry();
      SmallVector<Entry> outputs(steps);
      for (int64_t i = 0; i < steps && !node.failed(); ++i) {
        int64_t t = reverse ? steps - 1 - i : i;
        Entry nextH = h, nextC = c;
        step(d, a.reshape(a.slice(x, 0, t, 1), {batch, gates * hidden}), nextH, nextC);
        Entry output = nextH;
        if (lengths.element) {
          Entry alive = a.compare(CompareKind::Less, a.number(double(t), lengths), lengths);
          output = a.select(alive, nextH, a.number(0, nextH));
          nextH = a.select(alive, nextH, h);
          if (hasCell)
            nextC = a.select(alive, nextC, c);
        }
        h = nextH;
        c = nextC;
        outputs[t] = a.reshape(output, {1, 1, batch, hidden});
      }
      if (node.failed())
        return failure();
      if (node.wants(0))
        sequences.push_back(a.concat(outputs, 0));
      hs.push_back(a.reshape(h, {1, batch, hidden}));
      if (hasCell)
        cs.push_back(a.reshape(c, {1, batch, hidden}));
    }
    if (node.failed())
      return failure();
    // [steps, directions, batch, hidden], or batch first.
    if (node.wants(0)) {
      Entry y = a.concat(sequences, 1);
      if (failed(a.set(0, batchFirst ? a.transpose(y, {2, 0, 1, 3}) : y)))
        return failure();
    }
    SmallVector<ArrayRef<Entry>, 2> all{hs, cs};
    for (auto [i, states] : llvm::enumerate(all))
      if (!states.empty() && node.wants(i + 1)) {
        Entry y = a.concat(states, 0);
        if (failed(a.set(i + 1, batchFirst ? a.transpose(y, {1, 0, 2}) : y)))
          return failure();
      }
    return success();
  }

  /// Says for the quantizer what `x` is: one thing at all steps of a direction, so that they share one range; as wide as sums
  /// over time need, or not; and, where it lives on, with a power of two as scale.
  enum class Width { Any, Wide, WideState };
  Entry role(const Entry &x, const Twine &name, Width width = Width::Wide) {
    Operation *op = x.value ? x.value.getDefiningOp() : nullptr;
    if (!op || isa<ConstantOp>(op))
      return x;
    OpBuilder b(op->getContext());
    op->setAttr(rangeGroupName, b.getStringAttr(node.name + "/" + Twine(direction) + "/" + name));
    if (width != Width::Any)
      op->setAttr(codeHintName, TypeAttr::get(b.getIntegerType(16)));
    if (width == Width::WideState)
      op->setAttr(powerOfTwoName, b.getUnitAttr());
    return x;
  }

  Entry gate(const Entry &x, int64_t i) { return a.slice(x, 1, i * hidden, hidden); }
  Entry multiplyState(const Entry &h) { return role(a.matmul(h, stateWeights), "Rh"); }
  /// Activation `i` of a direction, on values limited by `clip`. `name` is that of the result.
  Entry activate(int64_t direction, int64_t i, Entry x, const Twine &name, Width width = Width::Wide) {
    if (clip > 0) {
      x = a.binary(BinaryKind::Min, x, a.number(clip, x));
      x = a.binary(BinaryKind::Max, x, a.number(-clip, x));
    }
    const Activation &f = chosen[direction * defaults.size() + i];
    return role(a.unary(f.kind, x, f.alpha, f.beta), name, width);
  }

  Node &node;
  Algebra a;
  int64_t gates, direction = 0, directions = 1, steps = 0, batch = 0, inputs = 0, hidden = 0;
  Entry stateWeights, stateBias; ///< of the direction that runs

private:
  LogicalResult readShapes() {
    mode = node.getString("direction", "forward");
    if (mode != "forward" && mode != "reverse" && mode != "bidirectional")
      return node.fail("direction '" + mode + "' is unknown");
    directions = mode == "bidirectional" ? 2 : 1;
    batchFirst = node.getInt("layout", 0);
    clip = node.getFloat("clip", 0);
    input = getInput(node, 0);
    if (input.shape.size() != 3 || node.rank(1) != 3 || node.rank(2) != 3)
      return node.fail("its input, weights and recurrent weights must have rank 3");
    if (batchFirst)
      input = a.transpose(input, {1, 0, 2});
    if (!input.element)
      return failure();
    steps = input.shape[0];
    batch = input.shape[1];
    inputs = input.shape[2];
    hidden = node.shape(2)[2];
    auto expect = [&](unsigned i, Shape shape) {
      if (node.has(i) && node.shape(i) != shape)
        (void)node.fail("input " + Twine(i) + " ('" + node.proto.input(i) + "') has shape " + toString(node.shape(i)) +
                        ", expected " + toString(shape));
    };
    expect(1, {directions, gates * hidden, inputs});
    expect(2, {directions, gates * hidden, hidden});
    expect(3, {directions, 2 * gates * hidden});
    expect(4, {batch});
    for (unsigned i : {5, 6})
      expect(i, batchFirst ? Shape({batch, directions, hidden}) : Shape({directions, batch, hidden}));
    if (!node.failed() && steps * directions > maxSteps)
      return node.fail("it runs " + Twine(steps) + " steps in " + Twine(directions) + " directions, more than " +
                       Twine(maxSteps) + " are not supported");
    if (node.has(4)) {
      const Entry &given = node.input(4);
      bool full = given.isPlainConstant() && llvm::all_of(given.host->ints, [&](int64_t n) { return n == steps; });
      if (!full && mode != "forward")
        return node.fail("sequences of different lengths are supported forward only");
      if (!full)
        lengths = a.reshape(getInput(node, 4), {batch, 1});
    }
    return readActivations();
  }

  LogicalResult readActivations() {
    SmallVector<std::string> names;
    if (const auto *attribute = node.attribute("activations"))
      names.append(attribute->strings().begin(), attribute->strings().end());
    else
      for (int64_t d = 0; d < directions; ++d)
        for (StringRef name : defaults)
          names.push_back(name.str());
    if (names.size() != directions * defaults.size())
      return node.fail("it has " + Twine(names.size()) + " activations, expected " + Twine(directions * defaults.size()));
    const auto *alphas = node.attribute("activation_alpha"), *betas = node.attribute("activation_beta");
    for (auto [i, name] : llvm::enumerate(names)) {
      auto *row = llvm::find_if(
          activations, [&, wanted = StringRef(name)](const Activation &row) { return row.name.equals_insensitive(wanted); });
      if (row == std::end(activations))
        return node.fail("activation '" + name + "' is not supported");
      Activation f = *row;
      if (alphas && int(i) < alphas->floats_size() && f.name != "Relu")
        f.alpha = alphas->floats(i);
      if (betas && int(i) < betas->floats_size() && f.kind == ActivationKind::HardSigmoid)
        f.beta = betas->floats(i);
      chosen.push_back(f);
    }
    return success();
  }

  /// What input `i` has for one direction, without that dimension.
  Entry part(unsigned i, int64_t direction) {
    Entry x = a.slice(getInput(node, i), 0, direction, 1);
    return x.element ? a.reshape(x, ArrayRef<int64_t>(x.shape).drop_front()) : x;
  }
  Entry initial(unsigned i, int64_t direction) {
    if (!node.has(i))
      return a.broadcast(a.number(0, node.f32()), {batch, hidden});
    Entry x = getInput(node, i);
    if (batchFirst)
      x = a.transpose(x, {1, 0, 2});
    return a.reshape(a.slice(x, 0, direction, 1), {batch, hidden});
  }

  SmallVector<StringRef> defaults;
  SmallVector<Activation> chosen;
  std::string mode;
  bool batchFirst = false;
  float clip = 0;
  Entry input, lengths;
};

LogicalResult importRNN(Node &node) {
  Recurrence r(node, 1, {"Tanh"});
  return r.run(/*hasCell=*/false, /*biasOfState=*/false, [&](int64_t d, const Entry &x, Entry &h, Entry &) {
    h = r.activate(d, 0, r.role(r.a.add(x, r.multiplyState(h)), "sum"), "h", Recurrence::Width::Any);
  });
}

/// Gates z, r, h.
LogicalResult importGRU(Node &node) {
  bool linearBefore = node.getInt("linear_before_reset", 0);
  Recurrence r(node, 3, {"Sigmoid", "Tanh"});
  Algebra &a = r.a;
  return r.run(/*hasCell=*/false, /*biasOfState=*/true, [&](int64_t d, const Entry &x, Entry &h, Entry &) {
    auto stateOf = [&](const Entry &state, int64_t first, int64_t count, StringRef name) {
      int64_t width = count * r.hidden;
      Entry y = r.role(a.matmul(state, a.slice(r.stateWeights, 1, first * r.hidden, width)), name);
      return r.stateBias.element ? r.role(a.add(y, a.slice(r.stateBias, 0, first * r.hidden, width)), name) : y;
    };
    Entry both = r.role(a.add(a.slice(x, 1, 0, 2 * r.hidden), stateOf(h, 0, 2, "Rh zr")), "sum zr");
    Entry zr = r.activate(d, 0, both, "zr"), z = r.gate(zr, 0), reset = r.gate(zr, 1);
    Entry state = linearBefore ? r.role(a.mul(reset, stateOf(h, 2, 1, "Rh h")), "reset")
                               : stateOf(r.role(a.mul(reset, h), "reset"), 2, 1, "Rh h");
    Entry fresh = r.activate(d, 1, r.role(a.add(r.gate(x, 2), state), "sum h"), "fresh");
    // (1 - z) * fresh + z * h
    Entry kept = r.role(a.mul(z, r.role(a.sub(h, fresh), "difference")), "kept");
    h = r.role(a.add(fresh, kept), "h", Recurrence::Width::WideState);
  });
}

/// Gates i, o, f, c; peepholes i, o, f.
LogicalResult importLSTM(Node &node) {
  bool coupled = node.getInt("input_forget", 0);
  Recurrence r(node, 4, {"Sigmoid", "Tanh", "Tanh"});
  Algebra &a = r.a;
  return r.run(/*hasCell=*/true, /*biasOfState=*/false, [&](int64_t d, const Entry &x, Entry &h, Entry &c) {
    Entry sum = r.role(a.add(x, r.multiplyState(h)), "sum"), peepholes;
    if (node.has(7)) {
      if (node.shape(7) != Shape({r.directions, 3 * r.hidden})) {
        (void)node.fail("its peephole weights have shape " + toString(node.shape(7)));
        return;
      }
      peepholes = a.slice(getInput(node, 7), 0, d, 1);
    }
    constexpr StringLiteral names[] = {"i", "o", "f"};
    auto gate = [&](int64_t i, const Entry &cell) {
      Entry y = r.gate(sum, i);
      if (peepholes.element)
        y = r.role(a.add(y, r.role(a.mul(r.gate(peepholes, i), cell), "peephole " + names[i])), "sum " + names[i]);
      return r.activate(d, 0, y, names[i]);
    };
    Entry input = gate(0, c), forget = coupled ? r.role(a.add(r.role(a.mul(input, -1), "-i"), 1), "f") : gate(2, c);
    Entry fresh = r.role(a.mul(input, r.activate(d, 1, r.gate(sum, 3), "g")), "i g");
    c = r.role(a.add(r.role(a.mul(forget, c), "f c"), fresh), "c", Recurrence::Width::WideState);
    Entry out = gate(1, c);
    h = r.role(a.mul(out, r.activate(d, 2, c, "tanh c")), "h", Recurrence::Width::Any);
  });
}

const Operator operators[] = {
    {"GRU", 7, 21, 3, 6, Elements::Float, importGRU, nullptr, "1,024 steps"},
    {"LSTM", 7, 21, 3, 8, Elements::Float, importLSTM, nullptr, "1,024 steps"},
    {"RNN", 7, 21, 3, 6, Elements::Float, importRNN, nullptr, "1,024 steps"},
};
} // namespace

ArrayRef<Operator> getRecurrentOperators() { return operators; }
} // namespace qc::onnximport
