// Normalizations and losses, as compositions of reductions and arithmetic.
#include "Algebra.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
/// One number per channel, shaped to meet dimension 1 of `rank` dimensions.
Entry perChannel(Algebra &a, const Entry &x, int64_t rank) {
  Shape shape(rank - 1, 1);
  shape[0] = countElements(x.shape);
  return a.reshape(x, shape);
}

Shape axesFrom(int64_t first, int64_t rank) { return llvm::to_vector<6>(llvm::seq<int64_t>(first, rank)); }

LogicalResult importInstanceNormalization(Node &node) {
  int64_t rank = node.rank(0);
  if (rank < 3)
    return node.fail("its input has shape " + toString(node.shape(0)) + "; it needs spatial dimensions");
  Algebra a(node);
  Entry x = a.normalize(getInput(node, 0), axesFrom(2, rank), node.getFloat("epsilon", 1e-5f));
  return a.set(a.add(a.mul(x, perChannel(a, getInput(node, 1), rank)), perChannel(a, getInput(node, 2), rank)));
}

LogicalResult importGroupNormalization(Node &node) {
  int64_t rank = node.rank(0), groups = node.getInt("num_groups", 0);
  Shape shape = node.shape(0);
  if (rank < 2 || groups < 1 || countElements(shape) < 1 || shape[1] % groups)
    return node.fail("an input of shape " + toString(shape) + " has no " + Twine(groups) + " groups of channels");
  Algebra a(node);
  Shape grouped{shape[0], groups, countElements(shape) / (shape[0] * groups)};
  Entry x = a.normalize(a.reshape(getInput(node, 0), grouped), {2}, node.getFloat("epsilon", 1e-5f));
  // Before opset 21 scale and bias have one number per group.
  if (node.shape(1) == Shape({groups}) && groups != shape[1])
    return a.set(a.reshape(a.add(a.mul(x, perChannel(a, getInput(node, 1), 3)), perChannel(a, getInput(node, 2), 3)), shape));
  x = a.reshape(x, shape);
  return a.set(a.add(a.mul(x, perChannel(a, getInput(node, 1), rank)), perChannel(a, getInput(node, 2), rank)));
}

LogicalResult importLayerNormalization(Node &node) {
  int64_t rank = node.rank(0), axis = node.normalizeAxis(node.getInt("axis", -1), rank);
  if (node.failed())
    return failure();
  Algebra a(node);
  Shape axes = axesFrom(axis, rank);
  Entry x = getInput(node, 0), mean = a.reduce(ReduceKind::Mean, x, axes, true), centred = a.sub(x, mean);
  Entry variance = a.reduce(ReduceKind::Mean, a.square(centred), axes, true);
  Entry deviation = a.unary(ActivationKind::Sqrt, a.add(variance, node.getFloat("epsilon", 1e-5f)));
  Entry y = a.mul(a.div(centred, deviation), getInput(node, 1));
  if (node.has(2))
    y = a.add(y, getInput(node, 2));
  if (node.wants(1) && failed(a.set(1, mean)))
    return failure();
  if (node.wants(2) && failed(a.set(2, a.unary(ActivationKind::Reciprocal, deviation))))
    return failure();
  return a.set(y);
}

LogicalResult importMeanVarianceNormalization(Node &node) {
  Shape axes = node.hasAttribute("axes") ? node.normalizeAxes(node.getInts("axes"), node.rank(0)) : Shape({0, 2, 3});
  if (node.failed())
    return failure();
  if (axes.empty() || axes.back() >= node.rank(0))
    return node.fail("its axes do not fit an input of shape " + toString(node.shape(0)));
  Algebra a(node);
  return a.set(a.normalize(getInput(node, 0), axes, 1e-9f));
}

LogicalResult importLpNormalization(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", -1), node.rank(0)), p = node.getInt("p", 2);
  if (node.failed())
    return failure();
  if (p != 1 && p != 2)
    return node.fail("attribute 'p' must be 1 or 2");
  Algebra a(node);
  Entry x = getInput(node, 0);
  Entry norm = a.reduce(ReduceKind::Sum, p == 1 ? a.unary(ActivationKind::Abs, x) : a.square(x), {axis}, true);
  return a.set(a.div(x, p == 1 ? norm : a.unary(ActivationKind::Sqrt, norm)));
}

/// x / (bias + alpha * mean of squares over `size` channels)^beta; channels outside count as zeros.
LogicalResult importLRN(Node &node) {
  int64_t rank = node.rank(0), size = node.getInt("size", 0);
  Shape shape = node.shape(0);
  if (rank < 3 || size < 1 || size > maxWindow || countElements(shape) < 1)
    return node.fail("it needs a 'size' and an input with channels and space, not of shape " + toString(shape));
  Algebra a(node);
  Entry x = getInput(node, 0),
        squares = a.reshape(a.square(x), {shape[0], 1, shape[1], countElements(shape) / (shape[0] * shape[1])});
  int64_t low = (size - 1) / 2, high = size - 1 - low;
  Entry mean = a.averagePool(squares, {size, 1}, {low, 0, high, 0});
  Entry base = a.add(a.mul(a.reshape(mean, shape), node.getFloat("alpha", 1e-4f)), node.getFloat("bias", 1));
  return a.set(a.mul(x, a.binary(BinaryKind::Pow, base, a.number(-node.getFloat("beta", 0.75f), base))));
}

LogicalResult importLogSoftmax(Node &node) {
  int64_t rank = node.rank(0), axis = node.normalizeAxis(node.getInt("axis", node.opset >= 13 ? -1 : 1), rank, node.opset < 13);
  if (node.failed())
    return failure();
  Algebra a(node);
  Entry x = getInput(node, 0);
  if (node.opset >= 13)
    return a.set(a.logSoftmax(x, axis));
  // Before opset 13 all dimensions from the axis on are one.
  int64_t outer = 1, inner = 1;
  for (int64_t d = 0; d < rank; ++d)
    (d < axis ? outer : inner) *= x.shape[d];
  return a.set(a.reshape(a.logSoftmax(a.reshape(x, {outer, inner}), 1), node.shape(0)));
}

//===-- Losses -------------------------------------------------------------------------------------------------------------===//

std::string checkLoss(Node &node) {
  std::string reduction = node.getString("reduction", "mean");
  return reduction == "none" || reduction == "sum" || reduction == "mean" ? "" : "reduction '" + reduction + "' is unknown";
}

/// -weight[target] * logs[n, target, d...]; targets that are ignored weigh nothing.
LogicalResult importLoss(Node &node, Algebra &a, const Entry &logs) {
  int64_t rank = logs.shape.size();
  Entry target = getInput(node, 1);
  Shape expected = logs.shape;
  if (rank < 2 || !target.element || !isa<IntegerType>(target.element))
    return node.fail("it needs scores of rank 2 or more and integer targets");
  expected.erase(expected.begin() + 1);
  if (expected != target.shape)
    return node.fail("targets of shape " + toString(target.shape) + " do not fit scores of shape " + toString(logs.shape));
  target = a.cast(target, node.i64());
  Entry ignored;
  if (node.hasAttribute("ignore_index")) {
    ignored = a.compare(CompareKind::Equal, target, a.number(double(node.getInt("ignore_index", 0)), target));
    target = a.select(ignored, a.number(0, target), target);
  }
  Shape column = logs.shape;
  column[1] = 1;
  Entry loss = a.reshape(takeElements(node, logs, 1, a.reshape(target, column)), target.shape);
  Entry weight;
  if (node.has(2))
    weight = a.reshape(a.take(getInput(node, 2), a.reshape(target, {countElements(target.shape)})), target.shape);
  if (ignored.element)
    weight = a.select(ignored, a.number(0, loss), weight.element ? weight : a.number(1, loss));
  loss = a.mul(loss, -1);
  if (weight.element)
    loss = a.mul(loss, weight);
  std::string reduction = node.getString("reduction", "mean");
  Shape all = axesFrom(0, loss.shape.size());
  if (reduction == "none")
    return a.set(loss);
  if (reduction == "mean" && !weight.element)
    return a.set(a.reduce(ReduceKind::Mean, loss, all, false));
  Entry sum = a.reduce(ReduceKind::Sum, loss, all, false);
  return a.set(reduction == "sum" ? sum : a.div(sum, a.reduce(ReduceKind::Sum, weight, all, false)));
}

LogicalResult importNegativeLogLikelihoodLoss(Node &node) {
  Algebra a(node);
  return importLoss(node, a, getInput(node, 0));
}

LogicalResult importSoftmaxCrossEntropyLoss(Node &node) {
  if (node.rank(0) < 2)
    return node.fail("it needs scores of rank 2 or more and integer targets");
  Algebra a(node);
  Entry logs = a.logSoftmax(getInput(node, 0), 1);
  if (node.wants(1) && failed(a.set(1, logs)))
    return failure();
  return importLoss(node, a, logs);
}

const Operator operators[] = {
    {"GroupNormalization", 18, 21, 3, 3, Elements::Float, importGroupNormalization, nullptr},
    {"InstanceNormalization", 6, 21, 3, 3, Elements::Float, importInstanceNormalization, nullptr},
    {"LRN", 1, 21, 1, 1, Elements::Float, importLRN, nullptr},
    {"LayerNormalization", 17, 21, 2, 3, Elements::Float, importLayerNormalization, nullptr},
    {"LogSoftmax", 1, 21, 1, 1, Elements::Float, importLogSoftmax, nullptr},
    {"LpNormalization", 1, 21, 1, 1, Elements::Float, importLpNormalization, nullptr},
    {"MeanVarianceNormalization", 9, 21, 1, 1, Elements::Float, importMeanVarianceNormalization, nullptr},
    {"NegativeLogLikelihoodLoss", 12, 21, 2, 3, Elements::Float, importNegativeLogLikelihoodLoss, checkLoss},
    {"SoftmaxCrossEntropyLoss", 12, 21, 2, 3, Elements::Float, importSoftmaxCrossEntropyLoss, checkLoss},
};
} // namespace

ArrayRef<Operator> getNormalizeOperators() { return operators; }
} // namespace qc::onnximport
