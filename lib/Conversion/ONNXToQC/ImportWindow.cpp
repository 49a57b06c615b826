// Pooling.
#include "Algebra.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
std::string checkPool(Node &node) {
  std::string mode = node.getString("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER")
    return "auto_pad '" + mode + "' is unknown";
  return "";
}

/// Largest number of elements under a window whose places are wanted.
constexpr int64_t maxTaps = 1024;

/// The place of each window's largest element in the whole input: element after element of the window, all windows at once.
LogicalResult setIndices(Node &node, PoolOp pool) {
  Algebra a(node);
  Entry x = getInput(node, 0);
  Shape in = x.shape, out(getShape(pool.getResult()));
  size_t rank = in.size(), spatial = rank - 2;
  ArrayRef<int64_t> kernel = pool.getKernel(), strides = pool.getStrides(), pads = pool.getPads(),
                    dilations = pool.getDilations();
  if (countElements(kernel) < 1 || countElements(kernel) > maxTaps)
    return node.fail("the places of the largest elements of windows of " + toString(kernel) +
                     " are not supported; of 1,024 they are");
  double lowest = -INFINITY;
  if (auto integer = dyn_cast<IntegerType>(x.element))
    lowest = double(getCodeLimits(integer).first);
  for (size_t d = 0; d < spatial; ++d)
    if (pads[d] || pads[d + spatial])
      x = a.pad(x, d + 2, pads[d], pads[d + spatial], lowest);
  // Column-major order swaps the last two dimensions.
  Shape weight(rank, 1);
  bool columns = node.getInt("storage_order", 0) && spatial == 2;
  for (size_t d = rank - 1; d-- > 0;)
    weight[d] = weight[d + 1] * in[d + 1];
  if (columns) {
    weight[rank - 1] = in[rank - 2];
    weight[rank - 2] = 1;
  }
  Entry base = a.ints({0}, Shape(rank, 1));
  for (size_t d = 0; d < rank; ++d) {
    Entry along = a.iota(out[d], d, rank);
    if (d >= 2)
      along = a.add(a.mul(along, double(strides[d - 2])), double(-pads[d - 2]));
    base = a.add(base, a.mul(along, double(weight[d])));
  }
  Entry best, place;
  Shape tap(spatial, 0);
  for (int64_t i = 0, taps = countElements(kernel); i < taps && !node.failed(); ++i) {
    Shape starts(rank, 0), steps(rank, 1);
    int64_t offset = 0;
    for (size_t d = 0; d < spatial; ++d) {
      starts[d + 2] = tap[d] * dilations[d];
      steps[d + 2] = strides[d];
      offset += starts[d + 2] * weight[d + 2];
    }
    Entry value = node.slice(x, starts, out, steps, node.innerLoc()), here = a.add(base, double(offset));
    Entry wins = best.element ? a.compare(CompareKind::Less, best, value) : Entry();
    place = best.element ? a.select(wins, here, place) : here;
    best = best.element ? a.select(wins, value, best) : value;
    for (size_t d = spatial; d-- > 0;) {
      if (++tap[d] < kernel[d])
        break;
      tap[d] = 0;
    }
  }
  return a.set(1, a.broadcast(place, out));
}

LogicalResult importPool(Node &node, PoolKind kind) {
  int64_t rank = node.rank(0);
  if (rank < 3 || rank > 5)
    return node.fail("its input has shape " + toString(node.shape(0)) + "; only 1 to 3 spatial dimensions are supported");
  size_t spatial = rank - 2;
  if (!node.hasAttribute("kernel_shape"))
    return node.fail("attribute 'kernel_shape' is required");
  Shape kernel = node.getSizes("kernel_shape", spatial, 1, 1), strides = node.getSizes("strides", spatial, 1, 1);
  Shape dilations = node.getSizes("dilations", spatial, 1, 1), reach, input(ArrayRef<int64_t>(node.shape(0)).drop_front(2));
  for (size_t i = 0; i < spatial; ++i)
    reach.push_back((kernel[i] - 1) * dilations[i] + 1);
  Shape pads = getPads(node, input, strides, reach);
  bool includePad = kind == PoolKind::Average && node.getInt("count_include_pad", 0);
  if (node.failed())
    return failure();
  if (node.getInt("ceil_mode", 0))
    for (size_t i = 0; i < spatial; ++i) {
      int64_t span = input[i] + pads[i] + pads[i + spatial] - reach[i];
      if (span < 0)
        return node.fail("its window is larger than the padded input in spatial dimension " + Twine(i));
      int64_t output = (span + strides[i] - 1) / strides[i] + 1;
      // A last window that would start behind the input has nothing to reduce; ONNX leaves it out.
      if ((output - 1) * strides[i] >= input[i] + pads[i])
        --output;
      int64_t needed = (output - 1) * strides[i] + reach[i] - input[i] - pads[i];
      if (needed <= pads[i + spatial])
        continue;
      if (includePad)
        return node.fail(
            "ceil_mode with count_include_pad is not supported where the last window leaves the padding (spatial dimension " +
            Twine(i) + ")");
      pads[i + spatial] = needed;
    }
  for (size_t i = 0; i < 2 * spatial; ++i)
    if (pads[i] >= reach[i % spatial] && node.getInt("ceil_mode", 0) == 0)
      return node.fail("pad " + Twine(pads[i]) + " is not smaller than the window in spatial dimension " + Twine(i % spatial));
  Value x = node.value(0);
  Entry result =
      node.create<PoolOp>(node.loc(), node.element(0), kind, x, ArrayRef<int64_t>(kernel), ArrayRef<int64_t>(strides),
                          ArrayRef<int64_t>(pads), ArrayRef<int64_t>(dilations), includePad, uint64_t(0), IntegerAttr());
  if (!node.failed() && node.wants(1) && failed(setIndices(node, result.value.getDefiningOp<PoolOp>())))
    return failure();
  return node.set(result);
}

LogicalResult importMaxPool(Node &node) {
  if (node.element(0).isInteger(1))
    return node.fail("boolean tensors have no maximum");
  return importPool(node, PoolKind::Max);
}
LogicalResult importAveragePool(Node &node) { return importPool(node, PoolKind::Average); }

LogicalResult importGlobalPool(Node &node, ReduceKind kind) {
  if (node.rank(0) < 3)
    return node.fail("its input has shape " + toString(node.shape(0)) + "; it needs spatial dimensions");
  Shape axes;
  for (int64_t axis = 2; axis < node.rank(0); ++axis)
    axes.push_back(axis);
  Value x = node.value(0);
  return node.set(node.create<ReduceOp>(node.loc(), node.element(0), kind, x, ArrayRef<int64_t>(axes), true, IntegerAttr()));
}
LogicalResult importGlobalAveragePool(Node &node) { return importGlobalPool(node, ReduceKind::Mean); }
LogicalResult importGlobalMaxPool(Node &node) { return importGlobalPool(node, ReduceKind::Max); }

/// |x|^p.
Entry raise(Algebra &a, const Entry &x, double p) {
  Entry magnitude = a.unary(ActivationKind::Abs, x);
  return p == 1 ? magnitude : p == 2 ? a.square(x) : a.binary(BinaryKind::Pow, magnitude, a.number(p, x));
}
/// x^(1/p).
Entry root(Algebra &a, const Entry &x, double p) {
  return p == 1 ? x : p == 2 ? a.unary(ActivationKind::Sqrt, x) : a.binary(BinaryKind::Pow, x, a.number(1 / p, x));
}

/// The p-norm of each window: an average of powers, times the window's size.
LogicalResult importLpPool(Node &node) {
  int64_t rank = node.rank(0), p = node.getInt("p", 2);
  if (rank < 3 || rank > 5 || !node.hasAttribute("kernel_shape") || p < 1)
    return node.fail("it needs a 'kernel_shape', a positive 'p' and an input of 1 to 3 spatial dimensions");
  if (node.getInt("ceil_mode", 0))
    return node.fail("ceil_mode is not supported");
  size_t spatial = rank - 2;
  Shape kernel = node.getSizes("kernel_shape", spatial, 1, 1), strides = node.getSizes("strides", spatial, 1, 1);
  Shape dilations = node.getSizes("dilations", spatial, 1, 1), reach, input(ArrayRef<int64_t>(node.shape(0)).drop_front(2));
  for (size_t i = 0; i < spatial; ++i)
    reach.push_back((kernel[i] - 1) * dilations[i] + 1);
  Shape pads = getPads(node, input, strides, reach);
  if (node.failed())
    return failure();
  Algebra a(node);
  Entry powers = raise(a, getInput(node, 0), double(p));
  Value value = node.materialize(powers);
  Entry mean = node.create<PoolOp>(node.innerLoc(), node.f32(), PoolKind::Average, value, ArrayRef<int64_t>(kernel),
                                   ArrayRef<int64_t>(strides), ArrayRef<int64_t>(pads), ArrayRef<int64_t>(dilations),
                                   /*count_include_pad=*/true, uint64_t(0), IntegerAttr());
  return a.set(root(a, a.mul(mean, double(countElements(kernel))), double(p)));
}

LogicalResult importGlobalLpPool(Node &node) {
  int64_t p = node.getInt("p", 2);
  if (node.rank(0) < 3 || p < 1)
    return node.fail("it needs a positive 'p' and spatial dimensions");
  Algebra a(node);
  Shape axes = llvm::to_vector<6>(llvm::seq<int64_t>(2, node.rank(0)));
  Entry sum = a.reduce(ReduceKind::Sum, raise(a, getInput(node, 0), double(p)), axes, true);
  return a.set(root(a, sum, double(p)));
}

const Operator operators[] = {
    {"AveragePool", 7, 21, 1, 1, Elements::Float, importAveragePool, checkPool},
    {"GlobalAveragePool", 1, 21, 1, 1, Elements::Float, importGlobalAveragePool, nullptr},
    {"GlobalLpPool", 2, 21, 1, 1, Elements::Float, importGlobalLpPool, nullptr},
    {"GlobalMaxPool", 1, 21, 1, 1, Elements::Float, importGlobalMaxPool, nullptr},
    {"LpPool", 2, 21, 1, 1, Elements::Float, importLpPool, nullptr, "no ceil_mode"},
    {"MaxPool", 1, 21, 1, 1, Elements::Any, importMaxPool, checkPool},
};
} // namespace

ArrayRef<Operator> getWindowOperators() { return operators; }
} // namespace qc::onnximport
