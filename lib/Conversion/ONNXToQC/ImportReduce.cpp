// Reductions over axes, and Softmax.
#include "Algebra.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace qc::onnximport {
namespace {
enum class Fold { Mean, Sum, Max, Min, Prod };

/// From which opset on a reduction has its axes as input.
int64_t axesInputSince(StringRef type) { return type == "ReduceSum" ? 13 : 18; }

/// The reduced axes; nullopt if nothing is reduced.
std::optional<Shape> getAxes(Node &node) {
  bool isInput = node.opset >= axesInputSince(node.proto.op_type());
  Shape axes = isInput ? (node.has(1) ? node.constantInts(1, "its list of axes") : Shape()) : node.getInts("axes");
  int64_t rank = node.rank(0);
  if (!axes.empty())
    return node.normalizeAxes(axes, rank);
  if (rank == 0 || (isInput && node.getInt("noop_with_empty_axes", 0)))
    return std::nullopt;
  for (int64_t axis = 0; axis < rank; ++axis)
    axes.push_back(axis);
  return axes;
}

/// Integers wrap, as they do in every implementation.
int64_t wrapAdd(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
int64_t wrapMul(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }

Entry foldReduction(Node &node, const Host &x, ArrayRef<int64_t> axes, bool keepDims, Fold kind) {
  Shape kept = x.shape, shape;
  int64_t reduced = 1;
  for (auto [d, size] : llvm::enumerate(x.shape))
    if (llvm::is_contained(axes, int64_t(d))) {
      reduced *= size;
      kept[d] = 1;
      if (keepDims)
        shape.push_back(1);
    } else {
      shape.push_back(size);
    }
  int64_t count = countElements(kept);
  if (x.size() == 0 || count < 0) {
    (void)node.fail("a tensor without elements cannot be reduced");
    return {};
  }
  std::vector<double> sums(count, kind == Fold::Prod ? 1.0 : kind == Fold::Max ? -INFINITY : kind == Fold::Min ? INFINITY : 0.0);
  std::vector<int64_t> ints(count, kind == Fold::Prod ? 1 : kind == Fold::Max ? INT64_MIN : kind == Fold::Min ? INT64_MAX : 0);
  Shape index(x.shape.size(), 0);
  for (int64_t i = 0; i < x.size(); ++i) {
    int64_t to = 0;
    for (size_t d = 0; d < index.size(); ++d)
      to = to * kept[d] + (kept[d] == 1 ? 0 : index[d]);
    double v = x.number(i);
    int64_t n = x.isFloat() ? 0 : x.ints[i];
    switch (kind) {
    case Fold::Mean:
    case Fold::Sum:
      sums[to] += v;
      ints[to] = wrapAdd(ints[to], n);
      break;
    case Fold::Prod:
      sums[to] *= v;
      ints[to] = wrapMul(ints[to], n);
      break;
    case Fold::Max:
      sums[to] = std::max(sums[to], v);
      ints[to] = std::max(ints[to], n);
      break;
    case Fold::Min:
      sums[to] = std::min(sums[to], v);
      ints[to] = std::min(ints[to], n);
      break;
    }
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < x.shape[d])
        break;
      index[d] = 0;
    }
  }
  Host host;
  host.element = x.element;
  host.shape = shape;
  for (int64_t i = 0; i < count; ++i)
    if (x.isFloat())
      host.floats.push_back(float(kind == Fold::Mean ? sums[i] / double(reduced) : sums[i]));
    else
      host.ints.push_back(kind == Fold::Mean ? ints[i] / reduced : ints[i]);
  return node.constantEntry(std::move(host));
}

LogicalResult importReduction(Node &node, Fold kind) {
  bool keepDims = node.getInt("keepdims", 1);
  std::optional<Shape> axes = getAxes(node);
  if (node.failed())
    return failure();
  const Entry &x = node.input(0);
  if (!axes)
    return node.set(x);
  if (x.isPlainConstant())
    return node.set(foldReduction(node, *x.host, *axes, keepDims, kind));
  bool isInteger = isa<IntegerType>(x.element) && !x.element.isInteger(1) && kind != Fold::Mean;
  bool selects = isa<quant::QuantizedType>(x.element) && (kind == Fold::Max || kind == Fold::Min);
  if (!isa<FloatType>(x.element) && !isInteger && !selects)
    return node.fail("element type " + toString(x.element) + " is not supported");
  ReduceKind reduce = kind == Fold::Mean  ? ReduceKind::Mean
                      : kind == Fold::Sum ? ReduceKind::Sum
                      : kind == Fold::Max ? ReduceKind::Max
                      : kind == Fold::Min ? ReduceKind::Min
                                          : ReduceKind::Prod;
  Value value = node.value(0);
  return node.set(node.create<ReduceOp>(node.loc(), x.element, reduce, value, ArrayRef<int64_t>(*axes), keepDims, IntegerAttr()));
}
LogicalResult importReduceMean(Node &node) { return importReduction(node, Fold::Mean); }
LogicalResult importReduceSum(Node &node) { return importReduction(node, Fold::Sum); }
LogicalResult importReduceMax(Node &node) { return importReduction(node, Fold::Max); }
LogicalResult importReduceMin(Node &node) { return importReduction(node, Fold::Min); }
LogicalResult importReduceProd(Node &node) { return importReduction(node, Fold::Prod); }

//===-- Sums of functions --------------------------------------------------------------------------------------------------===//

/// The sum of `inner(x)` over the node's axes, through `outer`.
template <typename Inner, typename Outer> LogicalResult importSumOf(Node &node, Inner inner, Outer outer) {
  bool keepDims = node.getInt("keepdims", 1);
  std::optional<Shape> axes = getAxes(node);
  if (node.failed())
    return failure();
  if (!axes && node.rank(0))
    return node.set(node.input(0));
  Algebra a(node);
  Entry x = inner(a, getInput(node, 0));
  return a.set(outer(a, axes ? a.reduce(ReduceKind::Sum, x, *axes, keepDims) : x));
}
Entry same(Algebra &, const Entry &x) { return x; }
Entry square(Algebra &a, const Entry &x) { return a.square(x); }
Entry absolute(Algebra &a, const Entry &x) {
  return x.element && isa<IntegerType>(x.element) ? a.binary(BinaryKind::Max, x, a.mul(x, -1)) : a.unary(ActivationKind::Abs, x);
}
Entry root(Algebra &a, const Entry &x) {
  if (!x.element || isa<FloatType>(x.element))
    return a.unary(ActivationKind::Sqrt, x);
  return a.cast(a.unary(ActivationKind::Sqrt, a.cast(x, a.node.f32())), x.element);
}
Entry logarithm(Algebra &a, const Entry &x) { return a.unary(ActivationKind::Log, x); }

LogicalResult importReduceL1(Node &node) { return importSumOf(node, absolute, same); }
LogicalResult importReduceL2(Node &node) { return importSumOf(node, square, root); }
LogicalResult importReduceSumSquare(Node &node) { return importSumOf(node, square, same); }
LogicalResult importReduceLogSum(Node &node) { return importSumOf(node, same, logarithm); }

/// The largest element is taken out of the sum, so that no power overflows.
LogicalResult importReduceLogSumExp(Node &node) {
  bool keepDims = node.getInt("keepdims", 1);
  std::optional<Shape> axes = getAxes(node);
  if (node.failed())
    return failure();
  if (!axes)
    return node.set(node.input(0));
  Algebra a(node);
  Entry x = getInput(node, 0), most = a.reduce(ReduceKind::Max, x, *axes, true);
  Entry sum = a.reduce(ReduceKind::Sum, a.unary(ActivationKind::Exp, a.sub(x, most)), *axes, true);
  Entry result = a.add(a.unary(ActivationKind::Log, sum), most);
  Shape shape;
  for (auto [d, size] : llvm::enumerate(x.shape))
    if (keepDims || !llvm::is_contained(*axes, int64_t(d)))
      shape.push_back(llvm::is_contained(*axes, int64_t(d)) ? 1 : size);
  return a.set(a.reshape(result, shape));
}

LogicalResult importSoftmax(Node &node) {
  int64_t rank = node.rank(0);
  if (rank == 0)
    return node.fail("its input must not be a scalar");
  // Since opset 13 one axis is normalized; before, all dimensions from the axis on as if they were one.
  int64_t axis = node.normalizeAxis(node.getInt("axis", node.opset >= 13 ? -1 : 1), rank, node.opset < 13);
  if (node.failed())
    return failure();
  Shape shape = node.shape(0);
  int64_t behind = 1, outer = 1;
  for (int64_t d = 0; d < rank; ++d)
    (d < axis ? outer : behind) *= shape[d];
  if (node.opset >= 13 || (axis < rank && behind == shape[axis])) {
    Value x = node.value(0);
    return node.set(node.create<SoftmaxOp>(node.loc(), node.f32(), x, uint64_t(axis)));
  }
  Entry flat = node.reshape(node.input(0), {outer, behind}, node.innerLoc());
  Value x = node.materialize(flat);
  Entry result = node.create<SoftmaxOp>(node.innerLoc(), node.f32(), x, uint64_t(1));
  return node.set(node.reshape(result, shape, node.loc()));
}

const Operator operators[] = {
    {"ReduceL1", 1, 21, 1, 2, Elements::Any, importReduceL1, nullptr},
    {"ReduceL2", 1, 21, 1, 2, Elements::Any, importReduceL2, nullptr},
    {"ReduceLogSum", 1, 21, 1, 2, Elements::Float, importReduceLogSum, nullptr},
    {"ReduceLogSumExp", 1, 21, 1, 2, Elements::Float, importReduceLogSumExp, nullptr},
    {"ReduceMax", 1, 21, 1, 2, Elements::Any, importReduceMax, nullptr},
    {"ReduceMean", 1, 21, 1, 2, Elements::Any, importReduceMean, nullptr},
    {"ReduceMin", 1, 21, 1, 2, Elements::Any, importReduceMin, nullptr},
    {"ReduceProd", 1, 21, 1, 2, Elements::Any, importReduceProd, nullptr},
    {"ReduceSum", 1, 21, 1, 2, Elements::Any, importReduceSum, nullptr},
    {"ReduceSumSquare", 1, 21, 1, 2, Elements::Any, importReduceSumSquare, nullptr},
    {"Softmax", 1, 21, 1, 1, Elements::Float, importSoftmax, nullptr},
};
} // namespace

ArrayRef<Operator> getReduceOperators() { return operators; }
} // namespace qc::onnximport
