// Elements chosen or changed by indices, which may be computed: everything becomes integer arithmetic on positions and one
// qc.take or qc.scatter over rows.
#include "Algebra.h"

using namespace mlir;

namespace qc::onnximport {
namespace {
int64_t countOf(ArrayRef<int64_t> shape) { return std::max<int64_t>(countElements(shape), 0); }

/// Indices as i64 in [0, size).
Entry normalize(Algebra &a, const Entry &indices, int64_t size) {
  if (!indices.element || !isa<IntegerType>(indices.element)) {
    (void)a.node.fail("its indices must be integers");
    return {};
  }
  if (indices.isPlainConstant())
    for (int64_t i : indices.host->ints)
      if (i < -size || i >= size) {
        (void)a.node.fail("index " + Twine(i) + " is outside a dimension of size " + Twine(size));
        return {};
      }
  Entry i = a.cast(indices, a.node.i64());
  return a.select(a.compare(CompareKind::Less, i, a.number(0, i)), a.add(i, double(size)), i);
}

/// For every index of `shape`: its position in row-major order of `within`, leaving out dimension `skip`.
Entry offsets(Algebra &a, ArrayRef<int64_t> shape, ArrayRef<int64_t> within, int64_t skip) {
  Entry sum = a.ints({0}, Shape(shape.size(), 1));
  int64_t stride = 1;
  for (int64_t d = shape.size(); d-- > 0;) {
    if (d != skip && shape[d] != 1)
      sum = a.add(sum, a.mul(a.iota(shape[d], d, shape.size()), double(stride)));
    stride *= within[d];
  }
  return sum;
}

/// result[index] = x[index with `coordinate` in place of dimension `axis`]; `coordinate` broadcasts to `shape`.
Entry takeAlong(Algebra &a, const Entry &x, int64_t axis, const Entry &coordinate, ArrayRef<int64_t> shape) {
  int64_t stride = 1;
  for (int64_t d = x.shape.size() - 1; d > axis; --d)
    stride *= x.shape[d];
  Entry position = a.broadcast(a.add(a.mul(coordinate, double(stride)), offsets(a, shape, x.shape, axis)), shape);
  Entry picked = a.take(a.reshape(x, {countOf(x.shape)}), a.reshape(position, {countOf(shape)}));
  return a.reshape(picked, shape);
}

//===-- Gather -------------------------------------------------------------------------------------------------------------===//

LogicalResult importGatherElements(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), node.rank(0));
  if (node.failed())
    return failure();
  Algebra a(node);
  Entry x = getInput(node, 0), indices = getInput(node, 1);
  bool fits = indices.shape.size() == x.shape.size();
  for (size_t d = 0; fits && d < x.shape.size(); ++d)
    fits = int64_t(d) == axis || indices.shape[d] <= x.shape[d];
  if (!fits)
    return node.fail("indices of shape " + toString(indices.shape) + " do not fit an input of shape " + toString(x.shape));
  return a.set(takeAlong(a, x, axis, normalize(a, indices, x.shape[axis]), indices.shape));
}

/// Positions of rows: sum of indices[..., k] * stride of dimension first + k, shape [number of tuples].
Entry rowPositions(Algebra &a, const Entry &indices, ArrayRef<int64_t> shape, int64_t first) {
  int64_t count = indices.shape.back(), tuples = countOf(ArrayRef<int64_t>(indices.shape).drop_back());
  Entry flat = a.reshape(indices, {tuples, count}), sum;
  int64_t stride = 1;
  for (int64_t k = count; k-- > 0;) {
    Entry column = a.reshape(a.slice(flat, 1, k, 1), {tuples});
    Entry part = a.mul(normalize(a, column, shape[first + k]), double(stride));
    sum = sum.element ? a.add(sum, part) : part;
    stride *= shape[first + k];
  }
  return sum;
}

LogicalResult importGatherND(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0), indices = getInput(node, 1);
  int64_t batch = node.getInt("batch_dims", 0), rank = x.shape.size();
  if (indices.shape.empty() || batch < 0 || batch >= int64_t(indices.shape.size()) || indices.shape.back() < 1 ||
      batch + indices.shape.back() > rank)
    return node.fail("indices of shape " + toString(indices.shape) + " do not fit an input of shape " + toString(x.shape));
  int64_t depth = batch + indices.shape.back(), rows = 1, batches = 1, perBatch = 1;
  for (int64_t d = 0; d < depth; ++d)
    rows *= x.shape[d];
  for (int64_t d = 0; d < batch; ++d) {
    if (indices.shape[d] != x.shape[d])
      return node.fail("indices of shape " + toString(indices.shape) + " do not fit an input of shape " + toString(x.shape));
    batches *= x.shape[d];
  }
  Entry positions = rowPositions(a, indices, x.shape, batch);
  if (!positions.element)
    return failure();
  if (batches > 1) {
    perBatch = positions.shape[0] / batches;
    Entry base = a.mul(a.iota(batches, 0, 2), double(rows / batches));
    positions = a.reshape(a.add(a.reshape(positions, {batches, perBatch}), base), {batches * perBatch});
  }
  Shape rest(x.shape.begin() + depth, x.shape.end()), table{rows}, result(ArrayRef<int64_t>(indices.shape).drop_back());
  table.append(rest);
  result.append(rest);
  return a.set(a.reshape(a.take(a.reshape(x, table), positions), result));
}

//===-- Scatter ------------------------------------------------------------------------------------------------------------===//

std::string checkScatter(Node &node) {
  std::string kind = node.getString("reduction", "none");
  for (const char *known : {"none", "add", "mul", "min", "max"})
    if (kind == known)
      return "";
  return "reduction '" + kind + "' is unknown";
}
ScatterKind getKind(Node &node) {
  std::string kind = node.getString("reduction", "none");
  return kind == "add"   ? ScatterKind::Add
         : kind == "mul" ? ScatterKind::Mul
         : kind == "min" ? ScatterKind::Min
         : kind == "max" ? ScatterKind::Max
                         : ScatterKind::Set;
}

LogicalResult importScatterElements(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), node.rank(0));
  if (node.failed())
    return failure();
  Algebra a(node);
  Entry x = getInput(node, 0), indices = getInput(node, 1), updates = getInput(node, 2);
  bool fits = indices.shape.size() == x.shape.size() && ArrayRef<int64_t>(indices.shape) == ArrayRef<int64_t>(updates.shape);
  for (size_t d = 0; fits && d < x.shape.size(); ++d)
    fits = int64_t(d) == axis || indices.shape[d] <= x.shape[d];
  if (!fits)
    return node.fail("indices of shape " + toString(indices.shape) + " and updates of shape " + toString(updates.shape) +
                     " do not fit an input of shape " + toString(x.shape));
  int64_t stride = 1, count = countOf(indices.shape);
  for (int64_t d = x.shape.size() - 1; d > axis; --d)
    stride *= x.shape[d];
  Entry position = a.add(a.mul(normalize(a, indices, x.shape[axis]), double(stride)), offsets(a, indices.shape, x.shape, axis));
  Entry result =
      a.scatter(getKind(node), a.reshape(x, {countOf(x.shape)}), a.reshape(position, {count}), a.reshape(updates, {count}));
  return a.set(a.reshape(result, x.shape));
}

LogicalResult importScatterND(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0), indices = getInput(node, 1), updates = getInput(node, 2);
  int64_t depth = indices.shape.empty() ? 0 : indices.shape.back();
  if (depth < 1 || depth > int64_t(x.shape.size()))
    return node.fail("indices of shape " + toString(indices.shape) + " do not fit an input of shape " + toString(x.shape));
  Shape rest(x.shape.begin() + depth, x.shape.end()), expected(ArrayRef<int64_t>(indices.shape).drop_back());
  expected.append(rest);
  if (expected != updates.shape)
    return node.fail("updates have shape " + toString(updates.shape) + ", expected " + toString(expected));
  Entry positions = rowPositions(a, indices, x.shape, 0);
  if (!positions.element)
    return failure();
  Shape table{countOf(ArrayRef<int64_t>(x.shape).take_front(depth))}, rows{positions.shape[0]};
  table.append(rest);
  rows.append(rest);
  return a.set(a.reshape(a.scatter(getKind(node), a.reshape(x, table), positions, a.reshape(updates, rows)), x.shape));
}

/// The largest element of each window goes back to the place that `indices` name.
LogicalResult importMaxUnpool(Node &node) {
  Algebra a(node);
  Entry x = getInput(node, 0), indices = getInput(node, 1);
  int64_t rank = x.shape.size();
  if (rank < 3 || indices.shape != x.shape)
    return node.fail("its input and indices must have one shape of rank 3 or more");
  size_t spatial = rank - 2;
  Shape shape = x.shape, kernel = node.getSizes("kernel_shape", spatial, 1, 1), strides = node.getSizes("strides", spatial, 1, 1),
        pads = node.getSizes("pads", 2 * spatial, 0, 0);
  for (size_t d = 0; d < spatial; ++d)
    shape[d + 2] = (x.shape[d + 2] - 1) * strides[d] + kernel[d] - pads[d] - pads[d + spatial];
  Shape inferred = shape;
  if (node.has(2))
    shape = node.constantInts(2, "its output shape");
  if (node.failed())
    return failure();
  if (shape.size() != x.shape.size() || countElements(shape) < 1 || countElements(inferred) < 1)
    return node.fail("its output shape " + toString(shape) + " does not fit");
  // Indices count in the inferred shape, which a given one may exceed.
  Entry zeros = a.broadcast(a.number(0, x), {countOf(inferred)});
  Entry positions = a.reshape(a.cast(indices, node.i64()), {countOf(indices.shape)});
  Entry result = a.scatter(ScatterKind::Set, zeros, positions, a.reshape(x, {countOf(x.shape)}));
  result = a.reshape(result, inferred);
  for (int64_t d = 2; d < rank; ++d) {
    if (shape[d] < inferred[d])
      return node.fail("its output shape " + toString(shape) + " is smaller than " + toString(inferred));
    if (shape[d] > inferred[d])
      result = a.pad(result, d, 0, shape[d] - inferred[d], 0);
  }
  return a.set(result);
}

//===-- Others -------------------------------------------------------------------------------------------------------------===//

LogicalResult importOneHot(Node &node) {
  HostRef depthHost = node.constant(1, "its depth");
  if (node.failed())
    return failure();
  double depth = depthHost->size() == 1 ? depthHost->number(0) : 0;
  int64_t rank = node.rank(0), axis = node.normalizeAxis(node.getInt("axis", -1), rank + 1);
  if (node.failed())
    return failure();
  if (!(depth >= 1 && depth <= double(maxIndices)) || ArrayRef<int64_t>(node.shape(2)) != ArrayRef<int64_t>({2}))
    return node.fail("its depth must be one number in [1, 2^20] and its values two");
  Algebra a(node);
  int64_t count = int64_t(depth);
  Entry indices = a.cast(getInput(node, 0), node.i64()), values = getInput(node, 2);
  if (!indices.element)
    return failure();
  Shape shape = indices.shape;
  shape.insert(shape.begin() + axis, 1);
  indices = a.reshape(indices, shape);
  indices = a.select(a.compare(CompareKind::Less, indices, a.number(0, indices)), a.add(indices, double(count)), indices);
  Entry hot = a.compare(CompareKind::Equal, indices, a.iota(count, axis, rank + 1));
  return a.set(a.select(hot, a.reshape(a.slice(values, 0, 1, 1), {}), a.reshape(a.slice(values, 0, 0, 1), {})));
}

LogicalResult importReverseSequence(Node &node) {
  int64_t batch = node.getInt("batch_axis", 1), time = node.getInt("time_axis", 0), rank = node.rank(0);
  if (rank < 2 || std::min(batch, time) != 0 || std::max(batch, time) != 1 || node.shape(1) != Shape({node.shape(0)[batch]}))
    return node.fail("it needs one length per batch, with batch and time axes 0 and 1");
  Algebra a(node);
  Entry x = getInput(node, 0), lengths = a.cast(getInput(node, 1), node.i64());
  Shape shape(rank, 1);
  shape[batch] = x.shape[batch];
  lengths = a.reshape(lengths, shape);
  Entry t = a.iota(x.shape[time], time, rank);
  Entry from = a.select(a.compare(CompareKind::Less, t, lengths), a.sub(a.add(lengths, -1), t), t);
  return a.set(takeAlong(a, x, time, from, x.shape));
}

LogicalResult importCompress(Node &node) {
  HostRef condition = node.constant(1, "its condition, which makes the shape of the result,");
  if (node.failed())
    return failure();
  Algebra a(node);
  Entry x = getInput(node, 0);
  int64_t axis = 0;
  if (node.hasAttribute("axis"))
    axis = node.normalizeAxis(node.getInt("axis", 0), node.rank(0));
  else
    x = a.reshape(x, {countOf(x.shape)});
  if (node.failed())
    return failure();
  Shape kept;
  for (auto [i, keep] : llvm::enumerate(condition->ints))
    if (keep && int64_t(i) < x.shape[axis])
      kept.push_back(i);
  return a.set(a.gather(x, kept, axis));
}

LogicalResult importNonZero(Node &node) {
  const Host &x = *node.input(0).host;
  std::vector<Shape> found;
  Shape index(x.shape.size(), 0);
  for (int64_t i = 0; i < x.size(); ++i) {
    if (x.number(i) != 0)
      found.push_back(index);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < x.shape[d])
        break;
      index[d] = 0;
    }
  }
  Host result{node.i64(), {int64_t(x.shape.size()), int64_t(found.size())}, {}, {}};
  for (size_t d = 0; d < x.shape.size(); ++d)
    for (const Shape &at : found)
      result.ints.push_back(at[d]);
  return node.set(node.constantEntry(std::move(result)));
}

const Operator operators[] = {
    {"Compress", 9, 21, 2, 2, Elements::Any, importCompress, nullptr, "constant condition"},
    {"GatherElements", 11, 21, 2, 2, Elements::Any, importGatherElements, nullptr},
    {"GatherND", 11, 21, 2, 2, Elements::Any, importGatherND, nullptr},
    {"MaxUnpool", 9, 21, 2, 3, Elements::Any, importMaxUnpool, nullptr},
    {"NonZero", 9, 21, 1, 1, Elements::Constant, importNonZero, nullptr},
    {"OneHot", 9, 21, 3, 3, Elements::Any, importOneHot, nullptr, "constant depth"},
    {"ReverseSequence", 10, 21, 2, 2, Elements::Any, importReverseSequence, nullptr},
    {"Scatter", 9, 10, 3, 3, Elements::Any, importScatterElements, nullptr},
    {"ScatterElements", 11, 21, 3, 3, Elements::Any, importScatterElements, checkScatter},
    {"ScatterND", 11, 21, 3, 3, Elements::Any, importScatterND, checkScatter},
};
} // namespace

Entry takeElements(Node &node, const Entry &x, int64_t axis, const Entry &indices) {
  Algebra a(node);
  return takeAlong(a, x, axis, normalize(a, indices, x.shape[axis]), indices.shape);
}

LogicalResult importComputedGather(Node &node, int64_t axis) {
  Algebra a(node);
  Entry x = getInput(node, 0), indices = getInput(node, 1);
  int64_t size = x.shape[axis], outer = countOf(ArrayRef<int64_t>(x.shape).take_front(axis));
  int64_t count = countOf(indices.shape);
  Entry positions = a.reshape(normalize(a, indices, size), {1, count});
  if (outer > 1)
    positions = a.add(positions, a.mul(a.iota(outer, 0, 2), double(size)));
  ArrayRef<int64_t> rest = ArrayRef<int64_t>(x.shape).drop_front(axis + 1);
  Shape table{outer * size}, result(ArrayRef<int64_t>(x.shape).take_front(axis));
  table.append(rest.begin(), rest.end());
  result.append(indices.shape);
  result.append(rest.begin(), rest.end());
  return a.set(a.reshape(a.take(a.reshape(x, table), a.reshape(positions, {outer * count})), result));
}

ArrayRef<Operator> getIndexedOperators() { return operators; }
} // namespace qc::onnximport
