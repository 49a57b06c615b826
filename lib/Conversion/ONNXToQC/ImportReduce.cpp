// Reductions over axes, and Softmax.
#include "Importer.h"

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
  if (kind == Fold::Prod)
    return node.fail("the operator is supported on constants only, but its input '" + node.proto.input(0) + "' is computed");
  bool selects = kind == Fold::Max || kind == Fold::Min;
  if (!isa<FloatType>(x.element) && !(selects && !x.element.isInteger(1)))
    return node.fail("element type " + toString(x.element) + " is not supported");
  ReduceKind reduce = kind == Fold::Mean  ? ReduceKind::Mean
                      : kind == Fold::Sum ? ReduceKind::Sum
                      : kind == Fold::Max ? ReduceKind::Max
                                          : ReduceKind::Min;
  Value value = node.value(0);
  return node.set(node.create<ReduceOp>(node.loc(), x.element, reduce, value, ArrayRef<int64_t>(*axes), keepDims, IntegerAttr()));
}
LogicalResult importReduceMean(Node &node) { return importReduction(node, Fold::Mean); }
LogicalResult importReduceSum(Node &node) { return importReduction(node, Fold::Sum); }
LogicalResult importReduceMax(Node &node) { return importReduction(node, Fold::Max); }
LogicalResult importReduceMin(Node &node) { return importReduction(node, Fold::Min); }
LogicalResult importReduceProd(Node &node) { return importReduction(node, Fold::Prod); }

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
    {"ReduceMax", 1, 21, 1, 2, Elements::Any, importReduceMax, nullptr},
    {"ReduceMean", 1, 21, 1, 2, Elements::Any, importReduceMean, nullptr},
    {"ReduceMin", 1, 21, 1, 2, Elements::Any, importReduceMin, nullptr},
    {"ReduceProd", 1, 21, 1, 2, Elements::Any, importReduceProd, nullptr},
    {"ReduceSum", 1, 21, 1, 2, Elements::Any, importReduceSum, nullptr},
    {"Softmax", 1, 21, 1, 1, Elements::Float, importSoftmax, nullptr},
};
} // namespace

ArrayRef<Operator> getReduceOperators() { return operators; }
} // namespace qc::onnximport
