// Element-wise ops that together are a function of one tensor become one qc.function.
#include "Quantizable.h"
#include "qc/Dialect/QC/Reference/Math.h"
#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"
#include "qc/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_FUSEACTIVATIONS
#include "qc/Transforms/Passes.h.inc"

namespace {
//===-- What a chain may hold ----------------------------------------------------------------------------------------------===//

/// The one number that a constant holds; nothing for other values.
std::optional<float> getNumber(Value value) {
  ElementsAttr constant = getConstant(value);
  if (!constant || !isFloatTensor(value) || constant.getNumElements() == 0)
    return std::nullopt;
  SmallVector<float> values = getFloats(constant);
  return llvm::all_equal(values) ? std::optional<float>(values[0]) : std::nullopt;
}

/// x * scale + offset with single numbers, as qc-simplify writes it: a depthwise convolution of one tap.
struct Scaling {
  float scale, offset;
};
std::optional<Scaling> getScaling(ConvOp conv) {
  auto isAll = [](ArrayRef<int64_t> values, int64_t v) { return llvm::all_of(values, [&](int64_t x) { return x == v; }); };
  auto scale = getNumber(conv.getWeight()), offset = conv.getBias() ? getNumber(conv.getBias()) : 0.0f;
  if (!scale || !offset || product(getShape(conv.getWeight())) != int64_t(conv.getGroups()) ||
      int64_t(conv.getGroups()) != getShape(conv.getInput())[1] || !isAll(conv.getStrides(), 1) || !isAll(conv.getPads(), 0))
    return std::nullopt;
  return Scaling{*scale, *offset};
}

/// The tensors that `op` computes on element by element; nothing if it is no op of a chain.
std::optional<SmallVector<Value>> getArguments(Operation *op) {
  if (op->getNumResults() != 1 || !isFloatTensor(op->getResult(0)) || op->hasAttr(floatReasonName))
    return std::nullopt;
  if (auto conv = dyn_cast<ConvOp>(op))
    return getScaling(conv) ? std::optional(SmallVector<Value>{conv.getInput()}) : std::nullopt;
  auto binary = dyn_cast<BinaryOp>(op);
  if (!isa<ActivationOp, FunctionOp, ClampOp, AddOp, SubOp, MulOp, DivOp>(op) &&
      !(binary && llvm::is_contained({BinaryKind::Min, BinaryKind::Max, BinaryKind::Pow}, binary.getKind())))
    return std::nullopt;
  SmallVector<Value> arguments;
  for (Value operand : op->getOperands()) {
    if (getNumber(operand) && getShape(operand).size() <= getShape(op->getResult(0)).size() &&
        product(getShape(operand)) <= product(getShape(op->getResult(0))))
      continue;
    if (operand.getType() != op->getResult(0).getType())
      return std::nullopt;
    arguments.push_back(operand);
  }
  return arguments.empty() ? std::nullopt : std::optional(arguments);
}

/// Sums, products with numbers, and limits: exact on codes, and what neighbours may take in.
bool isLinear(Operation *op) {
  return isa<ClampOp, ConvOp, AddOp, SubOp>(op) || (isa<MulOp>(op) && getArguments(op)->size() == 1) ||
         (isa<DivOp>(op) && getNumber(op->getOperand(1)));
}

//===-- Chains -------------------------------------------------------------------------------------------------------------===//

struct Chain {
  llvm::SetVector<Operation *> ops; ///< the last one first
  Value input;
};

/// The largest part of the graph that ends with `root` and reads one tensor. The value of the frontier that was computed last is
/// opened again and again; whenever one value is left, the part behind it is a function of that.
Chain findChain(Operation *root) {
  Chain best, chain;
  llvm::SmallSetVector<Value, 4> frontier;
  auto open = [&](Operation *op) {
    chain.ops.insert(op);
    SmallVector<Value> arguments = *getArguments(op);
    frontier.insert(arguments.begin(), arguments.end());
  };
  open(root);
  while (true) {
    if (frontier.size() == 1) {
      best = chain;
      best.input = frontier.front();
    }
    Operation *last = nullptr;
    for (Value value : frontier)
      if (Operation *op = value.getDefiningOp(); op && (!last || last->isBeforeInBlock(op)))
        last = op;
    if (!last || !getArguments(last) ||
        !llvm::all_of(last->getUsers(), [&](Operation *user) { return chain.ops.contains(user); }))
      return best;
    frontier.remove(last->getResult(0));
    open(last);
  }
}

bool isWorthwhile(const Chain &chain) {
  if (llvm::all_of(chain.ops, isLinear))
    return false;
  // The quotient of a number and a tensor is exact as a function.
  return chain.ops.size() > 1 || isa<DivOp>(chain.ops.front()) || !whyNotInteger(chain.ops.front()).empty();
}

//===-- Names --------------------------------------------------------------------------------------------------------------===//

double cube(double x) { return x * x * x; }

/// Functions that have a name of their own, whatever ops a model writes them with.
struct Known {
  StringLiteral name;
  double (*value)(double x);
};
constexpr double sqrtHalf = 0.70710678118654752440, sqrtTwoByPi = 0.79788456080286535588;
const Known knownFunctions[] = {
    {"silu", [](double x) { return x * exactSigmoid(x); }},
    {"quick_gelu", [](double x) { return x * exactSigmoid(1.702 * x); }},
    {"gelu_erf", [](double x) { return x * 0.5 * (1 + exactErf(x * sqrtHalf)); }},
    {"gelu_tanh", [](double x) { return x * 0.5 * (1 + exactTanh(sqrtTwoByPi * (x + 0.044715 * cube(x)))); }},
    {"mish", [](double x) { return x * exactTanh(evaluateActivation(ActivationKind::Softplus, x, 0, 0)); }},
    {"hard_swish", [](double x) { return evaluateActivation(ActivationKind::HardSwish, x, 0, 0); }},
    {"hard_sigmoid", [](double x) { return evaluateActivation(ActivationKind::HardSigmoid, x, 1.0 / 6, 0.5); }},
    {"softplus", [](double x) { return evaluateActivation(ActivationKind::Softplus, x, 0, 0); }},
    {"sigmoid", [](double x) { return exactSigmoid(x); }},
    {"tanh", [](double x) { return exactTanh(x); }},
    {"tanh_shrink", [](double x) { return x - exactTanh(x); }},
    {"rsqrt", [](double x) { return 1 / std::sqrt(x); }},
    {"reciprocal", [](double x) { return 1 / x; }},
    {"square", [](double x) { return x * x; }},
    {"cube", [](double x) { return x * x * x; }},
};

/// The name of the function that has the same values, up to the rounding of a model's f32 constants; else the ops' names.
std::string findName(FunctionOp function) {
  std::vector<double> points;
  for (double x = -6; x <= 6; x += 0.375)
    points.push_back(x);
  std::vector<double> values = evaluateUnary(function, points);
  for (const Known &known : knownFunctions) {
    bool same = true;
    for (auto [x, value] : llvm::zip(points, values)) {
      double expected = known.value(x);
      same &= std::isfinite(expected) ? std::fabs(value - expected) <= 1e-5 * (1 + std::fabs(expected)) : !std::isfinite(value);
    }
    if (same)
      return known.name.str();
  }
  std::string name;
  unsigned count = 0;
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (isa<ConstantOp>(op))
      continue;
    if (++count > 4)
      return name + "_etc";
    StringRef part = op.getName().stripDialect();
    if (auto activation = dyn_cast<ActivationOp>(op))
      part = stringifyActivationKind(activation.getKind());
    else if (auto binary = dyn_cast<BinaryOp>(op))
      part = stringifyBinaryKind(binary.getKind());
    name += (name.empty() ? "" : "_") + part.str();
  }
  return name;
}

//===-- The pass -----------------------------------------------------------------------------------------------------------===//

/// Writes the chain as a function of one number.
class Writer {
public:
  Writer(OpBuilder &builder, Value from, Value to) : b(builder), type(RankedTensorType::get({}, b.getF32Type())) {
    mapping.map(from, to);
  }

  void write(Operation *op) {
    Value result;
    if (auto conv = dyn_cast<ConvOp>(op)) {
      Scaling scaling = *getScaling(conv);
      result = MulOp::create(b, op->getLoc(), type, mapping.lookup(conv.getInput()), number(op->getLoc(), scaling.scale),
                             FloatAttr(), FloatAttr(), 0, 0, IntegerAttr());
      result = AddOp::create(b, op->getLoc(), type, result, number(op->getLoc(), scaling.offset), conv.getClampMinAttr(),
                             conv.getClampMaxAttr());
    } else if (auto function = dyn_cast<FunctionOp>(op)) {
      IRMapping inner;
      Block &block = function.getBody().front();
      inner.map(block.getArgument(0), mapping.lookup(function.getInput()));
      for (Operation &nested : block.without_terminator())
        b.clone(nested, inner);
      result = inner.lookupOrDefault(block.getTerminator()->getOperand(0));
    } else {
      for (Value operand : op->getOperands())
        if (!mapping.contains(operand))
          mapping.map(operand, number(operand.getLoc(), *getNumber(operand)));
      Operation *copy = b.clone(*op, mapping);
      copy->getResult(0).setType(type);
      result = copy->getResult(0);
    }
    mapping.map(op->getResult(0), result);
  }
  Value get(Value value) { return mapping.lookup(value); }

private:
  Value number(Location loc, float value) { return ConstantOp::create(b, loc, makeElements(type, ArrayRef<float>{value})); }
  OpBuilder &b;
  RankedTensorType type;
  IRMapping mapping;
};

struct FuseActivations : impl::FuseActivationsBase<FuseActivations> {
  using FuseActivationsBase::FuseActivationsBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    SmallVector<Operation *> ops;
    for (Operation &op : llvm::reverse(function.getBody().front()))
      if (getArguments(&op))
        ops.push_back(&op);
    llvm::DenseSet<Operation *> gone;
    for (Operation *op : ops) {
      if (gone.contains(op))
        continue;
      Chain chain = findChain(op);
      if (chain.ops.empty() || !isWorthwhile(chain))
        continue;
      gone.insert(chain.ops.begin(), chain.ops.end());
      fuse(chain);
      ++numFused;
    }
  }

private:
  void fuse(const Chain &chain) {
    Operation *root = chain.ops.front();
    OpBuilder builder(root);
    auto function =
        FunctionOp::create(builder, root->getLoc(), root->getResult(0).getType(), builder.getStringAttr("function"), chain.input);
    Block *block = &function.getBody().emplaceBlock();
    auto number = RankedTensorType::get({}, builder.getF32Type());
    builder.setInsertionPointToStart(block);
    Writer writer(builder, chain.input, block->addArgument(number, chain.input.getLoc()));
    SmallVector<Operation *> ops(chain.ops.begin(), chain.ops.end());
    llvm::sort(ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    for (Operation *op : ops)
      writer.write(op);
    YieldOp::create(builder, root->getLoc(), writer.get(root->getResult(0)));
    function.setFunction(findName(function));
    root->getResult(0).replaceAllUsesWith(function.getResult());
    llvm::SmallSetVector<Operation *, 8> numbers;
    for (Operation *op : llvm::reverse(ops)) {
      for (Value operand : op->getOperands())
        if (auto constant = operand.getDefiningOp<ConstantOp>())
          numbers.insert(constant);
      op->erase();
    }
    for (Operation *constant : numbers)
      if (constant->use_empty())
        constant->erase();
  }
};
} // namespace
} // namespace qc
