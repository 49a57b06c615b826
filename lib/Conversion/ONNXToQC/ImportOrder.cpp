// Operators that compare elements along an axis: positions of extremes, order, running sums.
#include "Algebra.h"

using namespace mlir;

namespace qc::onnximport {
namespace {
/// Largest number of pairs that TopK compares.
constexpr int64_t maxPairs = int64_t(1) << 24;

/// The i32 position of the largest (or smallest) element along `axis`: the first, or the last, of equal ones.
Entry findExtreme(Algebra &a, const Entry &x, int64_t axis, bool largest, bool last, bool keepDims) {
  if (!x.element)
    return {};
  Entry extreme = a.reduce(largest ? ReduceKind::Max : ReduceKind::Min, x, {axis}, true);
  Type i32 = a.node.builder().getI32Type();
  int64_t size = x.shape[axis];
  Entry places = a.select(a.compare(CompareKind::Equal, x, extreme), a.iota(size, axis, x.shape.size(), i32),
                          a.number(last ? -1 : size, i32));
  return a.reduce(last ? ReduceKind::Max : ReduceKind::Min, places, {axis}, keepDims);
}

template <bool largest> LogicalResult importArg(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), node.rank(0));
  if (node.failed())
    return failure();
  if (node.element(0).isInteger(1) || isa<quant::QuantizedType>(node.element(0)))
    return node.fail("element type " + toString(node.element(0)) + " is not supported");
  Algebra a(node);
  Entry place = findExtreme(a, getInput(node, 0), axis, largest, node.getInt("select_last_index", 0), node.getInt("keepdims", 1));
  return a.set(a.cast(place, node.i64()));
}

LogicalResult importHardmax(Node &node) {
  int64_t rank = node.rank(0), axis = node.normalizeAxis(node.getInt("axis", node.opset >= 13 ? -1 : 1), rank, node.opset < 13);
  if (node.failed())
    return failure();
  Algebra a(node);
  Entry x = getInput(node, 0);
  Shape shape = x.shape;
  // Before opset 13 all dimensions from the axis on are one.
  if (node.opset < 13) {
    int64_t outer = 1, inner = 1;
    for (int64_t d = 0; d < rank; ++d)
      (d < axis ? outer : inner) *= shape[d];
    x = a.reshape(x, {outer, inner});
    axis = 1;
  }
  Entry place = findExtreme(a, x, axis, true, false, true);
  Entry hot = a.compare(CompareKind::Equal, place, a.iota(x.shape[axis], axis, x.shape.size(), node.builder().getI32Type()));
  return a.set(a.reshape(a.cast(hot, x.element), shape));
}

/// Sums over 1, 2, 4, ... neighbours: log2 of the size steps.
LogicalResult importCumSum(Node &node) {
  HostRef host = node.constant(1, "its axis");
  if (node.failed())
    return failure();
  if (host->size() != 1 || host->isFloat())
    return node.fail("its axis must be one integer");
  int64_t axis = node.normalizeAxis(host->ints[0], node.rank(0));
  if (node.failed())
    return failure();
  Algebra a(node);
  Entry sum = getInput(node, 0);
  int64_t size = sum.shape[axis];
  bool reverse = node.getInt("reverse", 0);
  auto shift = [&](const Entry &x, int64_t by) {
    return reverse ? a.pad(a.slice(x, axis, by, size - by), axis, 0, by, 0)
                   : a.pad(a.slice(x, axis, 0, size - by), axis, by, 0, 0);
  };
  if (node.getInt("exclusive", 0))
    sum = size > 1 ? shift(sum, 1) : a.mul(sum, 0);
  for (int64_t step = 1; step < size; step *= 2)
    sum = a.add(sum, shift(sum, step));
  return a.set(sum);
}

/// The rank of each element is the number of elements in front of it; result p is the element of rank p.
LogicalResult importTopK(Node &node) {
  int64_t rank = node.rank(0), axis = node.normalizeAxis(node.getInt("axis", -1), rank), k = 0;
  if (node.opset < 10) {
    k = node.getInt("k", 0);
  } else {
    HostRef host = node.constant(1, "its number of elements");
    k = host && host->size() == 1 && !host->isFloat() ? host->ints[0] : 0;
  }
  if (node.failed())
    return failure();
  int64_t size = node.shape(0)[axis], outer = countElements(node.shape(0)) / std::max<int64_t>(size, 1);
  if (k < 1 || k > size)
    return node.fail("it takes " + Twine(k) + " of " + Twine(size) + " elements");
  if (outer * size > maxPairs / size)
    return node.fail("it orders " + Twine(outer) + " times " + Twine(size) + " elements, more than 2^24 pairs are not supported");
  bool largest = node.getInt("largest", 1);
  Algebra a(node);
  Type i32 = node.builder().getI32Type();
  Shape toLast, back(rank);
  for (int64_t d = 0; d < rank; ++d)
    if (d != axis)
      toLast.push_back(d);
  toLast.push_back(axis);
  for (int64_t d = 0; d < rank; ++d)
    back[toLast[d]] = d;
  Entry x = a.transpose(getInput(node, 0), toLast);
  if (!x.element)
    return failure();
  Shape moved = x.shape;
  Entry own = a.reshape(x, {outer, size, 1}), other = a.reshape(x, {outer, 1, size});
  Entry wins = largest ? a.compare(CompareKind::Less, own, other) : a.compare(CompareKind::Less, other, own);
  Entry isEarlier = a.compare(CompareKind::Less, a.iota(size, 2, 3, i32), a.iota(size, 1, 3, i32));
  Entry isTie = a.binary(BinaryKind::And, a.compare(CompareKind::Equal, own, other), isEarlier);
  Entry order = a.reduce(ReduceKind::Sum, a.cast(a.binary(BinaryKind::Or, wins, isTie), i32), {2}, false);
  Entry chosen = a.compare(CompareKind::Equal, a.reshape(order, {outer, 1, size}), a.iota(k, 1, 3, i32));
  moved.back() = k;
  auto pick = [&](const Entry &from) {
    Entry sum = a.reduce(ReduceKind::Sum, a.select(chosen, from, a.number(0, from)), {2}, false);
    return a.transpose(a.reshape(sum, moved), back);
  };
  if (node.wants(0) && failed(a.set(0, pick(other))))
    return failure();
  return node.wants(1) ? a.set(1, a.cast(pick(a.iota(size, 2, 3, i32)), node.i64())) : success();
}

const Operator operators[] = {
    {"ArgMax", 1, 21, 1, 1, Elements::Any, importArg<true>, nullptr},
    {"ArgMin", 1, 21, 1, 1, Elements::Any, importArg<false>, nullptr},
    {"CumSum", 11, 21, 2, 2, Elements::Any, importCumSum, nullptr, "constant axis"},
    {"Hardmax", 1, 21, 1, 1, Elements::Float, importHardmax, nullptr},
    {"TopK", 1, 21, 1, 2, Elements::Any, importTopK, nullptr, "constant k; 2^24 pairs of elements"},
};
} // namespace

ArrayRef<Operator> getOrderOperators() { return operators; }
} // namespace qc::onnximport
