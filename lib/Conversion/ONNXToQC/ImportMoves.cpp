// Data movement, written once for constants, dequantized constants and computed values.
#include "Importer.h"

using namespace mlir;

namespace qc::onnximport {
/// The axis with one scale per index, or -1.
static int64_t getScaleAxis(const Entry &x) {
  auto perAxis = dyn_cast_or_null<quant::UniformQuantizedPerAxisType>(x.codes);
  return perAxis ? perAxis.getQuantizedDimension() : -1;
}

/// Strides of row-major order.
static Shape getStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

Entry Node::select(const Entry &x, ArrayRef<int64_t> shape, function_ref<int64_t(ArrayRef<int64_t>)> source) {
  int64_t count = countElements(shape);
  if (count < 0 || !importer.reserve(count)) {
    (void)fail("a constant of shape " + toString(shape) + " would be folded, which needs too much memory");
    return {};
  }
  Host host;
  host.element = x.host->element;
  host.shape = Shape(shape);
  (host.isFloat() ? host.floats.reserve(count) : host.ints.reserve(count));
  Shape index(shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t from = source(index);
    if (host.isFloat())
      host.floats.push_back(x.host->floats[from]);
    else
      host.ints.push_back(x.host->ints[from]);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
  Entry entry = constantEntry(std::move(host));
  if (x.codes) {
    entry.codes = x.codes;
    entry.element = f32();
  }
  return entry;
}

/// `x` as a value: what a move does when the constant's scales stand in its way.
static Value asValue(Node &node, const Entry &x) {
  Entry copy = x;
  return node.materialize(copy);
}

Entry Node::reshape(const Entry &x, ArrayRef<int64_t> shape, Location loc) {
  if (failed() || !x.element)
    return {};
  if (ArrayRef<int64_t>(x.shape) == shape)
    return x;
  int64_t count = countElements(shape);
  if (count < 0 || count != countElements(x.shape)) {
    (void)fail("cannot reshape " + toString(x.shape) + " to " + toString(shape));
    return {};
  }
  int64_t axis = getScaleAxis(x);
  // Scales stay where they are if the dimensions up to theirs stay.
  bool keepsAxis =
      axis < 0 || (axis < int64_t(shape.size()) && ArrayRef<int64_t>(x.shape).take_front(axis + 1) == shape.take_front(axis + 1));
  if (x.host && keepsAxis) {
    if (!importer.reserve(count)) {
      (void)fail("a constant of shape " + toString(shape) + " would be folded, which needs too much memory");
      return {};
    }
    Host host = *x.host;
    host.shape = Shape(shape);
    Entry entry = constantEntry(std::move(host));
    entry.codes = x.codes;
    entry.element = x.element;
    return entry;
  }
  Value value = asValue(*this, x);
  if (!value)
    return {};
  return computed(ReshapeOp::create(builder(), loc, RankedTensorType::get(shape, x.element), value));
}

Entry Node::transpose(const Entry &x, ArrayRef<int64_t> permutation, Location loc) {
  if (failed() || !x.element)
    return {};
  bool isIdentity = permutation.size() == x.shape.size();
  for (auto [i, p] : llvm::enumerate(permutation))
    isIdentity &= p == int64_t(i);
  if (isIdentity)
    return x;
  if (!x.host) {
    Value value = asValue(*this, x);
    return value ? create<TransposeOp>(loc, x.element, value, permutation) : Entry();
  }
  SmallVector<bool> seen(x.shape.size(), false);
  for (int64_t p : permutation)
    if (p < 0 || p >= int64_t(x.shape.size()) || seen[p])
      (void)fail("perm " + toString(permutation) + " is no permutation of " + Twine(x.shape.size()) + " dimensions");
    else
      seen[p] = true;
  if (!failed() && permutation.size() != x.shape.size())
    (void)fail("perm " + toString(permutation) + " is no permutation of " + Twine(x.shape.size()) + " dimensions");
  if (failed())
    return {};
  Shape strides = getStrides(x.shape), shape;
  for (int64_t p : permutation)
    shape.push_back(x.shape[p]);
  Entry result = select(x, shape, [&](ArrayRef<int64_t> index) {
    int64_t from = 0;
    for (auto [i, p] : llvm::zip(index, permutation))
      from += i * strides[p];
    return from;
  });
  if (auto perAxis = dyn_cast_or_null<quant::UniformQuantizedPerAxisType>(result.codes)) {
    int64_t axis = llvm::find(permutation, int64_t(perAxis.getQuantizedDimension())) - permutation.begin();
    result.codes = quant::UniformQuantizedPerAxisType::get(
        perAxis.getFlags(), perAxis.getStorageType(), perAxis.getExpressedType(), perAxis.getScales(), perAxis.getZeroPoints(),
        axis, perAxis.getStorageTypeMin(), perAxis.getStorageTypeMax());
  }
  return result;
}

Entry Node::slice(const Entry &x, ArrayRef<int64_t> starts, ArrayRef<int64_t> sizes, ArrayRef<int64_t> steps, Location loc) {
  if (failed() || !x.element)
    return {};
  bool isIdentity = true, keepsScales = true;
  for (size_t d = 0; d < x.shape.size(); ++d) {
    bool whole = starts[d] == 0 && steps[d] == 1 && sizes[d] == x.shape[d];
    isIdentity &= whole;
    keepsScales &= whole || int64_t(d) != getScaleAxis(x);
  }
  if (isIdentity)
    return x;
  if (x.host && keepsScales) {
    Shape strides = getStrides(x.shape);
    return select(x, sizes, [&](ArrayRef<int64_t> index) {
      int64_t from = 0;
      for (size_t d = 0; d < index.size(); ++d)
        from += (starts[d] + index[d] * steps[d]) * strides[d];
      return from;
    });
  }
  if (llvm::is_contained(sizes, 0)) {
    (void)fail("its result would have no elements: shape " + toString(sizes));
    return {};
  }
  Value value = asValue(*this, x);
  return value ? create<SliceOp>(loc, x.element, value, starts, sizes, steps) : Entry();
}

Entry Node::gather(const Entry &x, ArrayRef<int64_t> indices, int64_t axis, Location loc) {
  if (failed() || !x.element)
    return {};
  for (int64_t i : indices)
    if (i < 0 || i >= x.shape[axis]) {
      (void)fail("index " + Twine(i) + " is outside dimension " + Twine(axis) + " of size " + Twine(x.shape[axis]));
      return {};
    }
  if (x.host && axis != getScaleAxis(x)) {
    Shape strides = getStrides(x.shape), shape = x.shape;
    shape[axis] = indices.size();
    return select(x, shape, [&](ArrayRef<int64_t> index) {
      int64_t from = 0;
      for (size_t d = 0; d < index.size(); ++d)
        from += (int64_t(d) == axis ? indices[index[d]] : index[d]) * strides[d];
      return from;
    });
  }
  if (indices.empty()) {
    (void)fail("its result would have no elements");
    return {};
  }
  Value value = asValue(*this, x);
  return value ? create<GatherOp>(loc, x.element, value, indices, uint64_t(axis)) : Entry();
}

Entry Node::concat(ArrayRef<Entry> inputs, int64_t axis, Location loc) {
  if (failed())
    return {};
  bool constant = true;
  int64_t size = 0;
  const Entry &first = inputs.front();
  for (const Entry &x : inputs) {
    if (!x.element)
      return {};
    if (x.element != first.element) {
      (void)fail("its inputs have different element types: " + toString(first.element) + " and " + toString(x.element));
      return {};
    }
    bool fits = x.shape.size() == first.shape.size();
    for (size_t d = 0; fits && d < x.shape.size(); ++d)
      fits = int64_t(d) == axis || x.shape[d] == first.shape[d];
    if (!fits) {
      (void)fail("its inputs do not fit together along axis " + Twine(axis) + ": " + toString(first.shape) + " and " +
                 toString(x.shape));
      return {};
    }
    constant &= x.isPlainConstant();
    size += x.shape[axis];
  }
  Shape shape = first.shape;
  shape[axis] = size;
  if (inputs.size() == 1)
    return first;
  if (!constant) {
    SmallVector<Value> values;
    for (const Entry &x : inputs) {
      if (llvm::is_contained(x.shape, 0))
        continue;
      values.push_back(asValue(*this, x));
      if (!values.back())
        return {};
    }
    if (values.size() == 1)
      return computed(values[0]);
    return create<ConcatOp>(loc, first.element, ValueRange(values), uint64_t(axis));
  }
  int64_t count = countElements(shape);
  if (count < 0 || !importer.reserve(count)) {
    (void)fail("a constant of shape " + toString(shape) + " would be folded, which needs too much memory");
    return {};
  }
  Host host;
  host.element = first.element;
  host.shape = shape;
  int64_t outer = 1;
  for (int64_t d = 0; d < axis; ++d)
    outer *= shape[d];
  for (int64_t o = 0; o < outer; ++o)
    for (const Entry &x : inputs) {
      int64_t part = x.host->size() / std::max<int64_t>(outer, 1);
      if (host.isFloat())
        host.floats.insert(host.floats.end(), x.host->floats.begin() + o * part, x.host->floats.begin() + (o + 1) * part);
      else
        host.ints.insert(host.ints.end(), x.host->ints.begin() + o * part, x.host->ints.begin() + (o + 1) * part);
    }
  return constantEntry(std::move(host));
}

Entry Node::broadcast(const Entry &x, ArrayRef<int64_t> shape, Location loc) {
  if (failed() || !x.element)
    return {};
  Shape padded(shape.size() - std::min(shape.size(), x.shape.size()), 1);
  padded.append(x.shape.begin(), x.shape.end());
  Entry result = reshape(x, padded, innerLoc());
  SmallVector<size_t> grown;
  for (size_t d = 0; d < padded.size(); ++d)
    if (d < shape.size() && padded[d] == 1 && shape[d] != 1)
      grown.push_back(d);
  if (result.isPlainConstant() && !grown.empty()) {
    Shape strides = getStrides(padded);
    return select(result, shape, [&](ArrayRef<int64_t> index) {
      int64_t from = 0;
      for (size_t d = 0; d < index.size(); ++d)
        from += padded[d] == 1 ? 0 : index[d] * strides[d];
      return from;
    });
  }
  for (size_t d : grown) {
    if (failed() || shape[d] > maxIndices) {
      (void)fail("it repeats a dimension " + Twine(shape[d]) + " times, more than " + Twine(maxIndices) + " are not supported");
      return {};
    }
    result = gather(result, SmallVector<int64_t>(shape[d], 0), d, d == grown.back() ? loc : innerLoc());
  }
  return result;
}
} // namespace qc::onnximport
