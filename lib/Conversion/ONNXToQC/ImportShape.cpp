// Operators that move values or speak about shapes: Reshape to Pad, Shape to Range.
#include "Importer.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
//===-- Shapes -------------------------------------------------------------------------------------------------------------===//

LogicalResult importReshape(Node &node) {
  Shape target = node.constantInts(1, "its shape");
  bool allowZero = node.opset >= 14 && node.getInt("allowzero", 0);
  if (node.failed())
    return failure();
  const Entry &x = node.input(0);
  int64_t known = 1, open = -1;
  for (auto [i, size] : llvm::enumerate(target)) {
    if (size == 0 && !allowZero) {
      if (i >= x.shape.size())
        return node.fail("its shape " + toString(target) + " copies dimension " + Twine(i) + ", but its input has shape " +
                         toString(x.shape));
      size = x.shape[i];
    }
    if (size == -1) {
      if (open >= 0)
        return node.fail("its shape " + toString(target) + " has more than one -1");
      open = i;
      continue;
    }
    if (size < 0 || size > maxElements || known * std::max<int64_t>(size, 1) > maxElements)
      return node.fail("its shape " + toString(target) + " is not one of " + Twine(countElements(x.shape)) + " elements");
    known *= size;
  }
  int64_t count = countElements(x.shape);
  if (open >= 0) {
    if (known == 0 || count % known)
      return node.fail("cannot reshape " + toString(x.shape) + " to " + toString(target));
    target[open] = count / known;
  }
  return node.set(node.reshape(x, target, node.loc()));
}

LogicalResult importFlatten(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", 1), node.rank(0), true), outer = 1, inner = 1;
  if (node.failed())
    return failure();
  for (auto [d, size] : llvm::enumerate(node.shape(0)))
    (int64_t(d) < axis ? outer : inner) *= size;
  return node.set(node.reshape(node.input(0), {outer, inner}, node.loc()));
}

/// Axes that are an attribute before opset 13 and an input since.
Shape getSqueezeAxes(Node &node) {
  if (node.opset < 13)
    return node.getInts("axes");
  return node.has(1) ? node.constantInts(1, "its list of axes") : Shape();
}

LogicalResult importSqueeze(Node &node) {
  bool all = node.opset < 13 ? !node.hasAttribute("axes") : !node.has(1);
  Shape axes = node.normalizeAxes(getSqueezeAxes(node), node.rank(0)), shape;
  if (node.failed())
    return failure();
  for (auto [d, size] : llvm::enumerate(node.shape(0))) {
    bool listed = llvm::is_contained(axes, int64_t(d));
    if (listed && size != 1)
      return node.fail("dimension " + Twine(d) + " of its input has size " + Twine(size) + ", only size 1 can be squeezed");
    if (!(all ? size == 1 : listed))
      shape.push_back(size);
  }
  return node.set(node.reshape(node.input(0), shape, node.loc()));
}

LogicalResult importUnsqueeze(Node &node) {
  Shape axes = getSqueezeAxes(node);
  if (axes.size() > 64)
    return node.fail("it adds more than 64 dimensions");
  int64_t rank = node.rank(0) + axes.size();
  axes = node.normalizeAxes(axes, rank);
  if (node.failed())
    return failure();
  Shape shape;
  auto next = node.shape(0).begin();
  for (int64_t d = 0; d < rank; ++d)
    shape.push_back(llvm::is_contained(axes, d) ? 1 : *next++);
  return node.set(node.reshape(node.input(0), shape, node.loc()));
}

LogicalResult importTranspose(Node &node) {
  Shape permutation = node.getInts("perm");
  if (!node.hasAttribute("perm"))
    for (int64_t d = node.rank(0); d-- > 0;)
      permutation.push_back(d);
  return node.set(node.transpose(node.input(0), permutation, node.loc()));
}

LogicalResult importShape(Node &node) {
  int64_t rank = node.rank(0);
  auto clampIndex = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  int64_t start = clampIndex(node.getInt("start", 0)), end = clampIndex(node.getInt("end", rank));
  Shape shape;
  for (int64_t d = start; d < end; ++d)
    shape.push_back(node.shape(0)[d]);
  return node.set(node.makeInts(shape));
}

LogicalResult importSize(Node &node) {
  return node.set(node.constantEntry(Host{node.i64(), {}, {}, {countElements(node.shape(0))}}));
}

//===-- Constants ----------------------------------------------------------------------------------------------------------===//

std::string checkConstant(Node &node) {
  for (const char *name : {"sparse_value", "value_string", "value_strings"})
    if (node.hasAttribute(name))
      return std::string("attribute '") + name + "' is not supported";
  return "";
}

LogicalResult importConstant(Node &node) {
  Host host;
  if (const auto *value = node.attribute("value")) {
    std::string why;
    auto decoded = decodeTensor(value->t(), node.importer.folder, node.context(), why);
    if (failed(decoded))
      return node.fail("its tensor " + why);
    host = **decoded;
  } else if (node.hasAttribute("value_float")) {
    host = Host{node.f32(), {}, {node.getFloat("value_float", 0)}, {}};
  } else if (const auto *floats = node.attribute("value_floats")) {
    host = Host{node.f32(), {floats->floats_size()}, {floats->floats().begin(), floats->floats().end()}, {}};
    if (llvm::any_of(host.floats, [](float v) { return !std::isfinite(v); }))
      return node.fail("its numbers must be finite");
  } else if (node.hasAttribute("value_int")) {
    host = Host{node.i64(), {}, {}, {node.getInt("value_int", 0)}};
  } else if (node.hasAttribute("value_ints")) {
    return node.set(node.makeInts(node.getInts("value_ints")));
  } else {
    return node.fail("it has no value");
  }
  return node.set(node.constantEntry(std::move(host)));
}

LogicalResult importConstantOfShape(Node &node) {
  Shape shape = node.constantInts(0, "its shape");
  Host value{node.f32(), {1}, {0.0f}, {}};
  if (const auto *attribute = node.attribute("value")) {
    std::string why;
    auto decoded = decodeTensor(attribute->t(), node.importer.folder, node.context(), why);
    if (failed(decoded))
      return node.fail("its value " + why);
    value = **decoded;
    if (value.size() != 1)
      return node.fail("its value must have one element");
  }
  int64_t count = countElements(shape);
  if (count < 0 || !node.importer.reserve(count))
    return node.fail("a constant of shape " + toString(shape) + " would be made, which needs too much memory");
  if (value.isFloat())
    value.floats.assign(count, float(value.floats[0]));
  else
    value.ints.assign(count, int64_t(value.ints[0]));
  value.shape = shape;
  return node.failed() ? failure() : node.set(node.constantEntry(std::move(value)));
}

LogicalResult importRange(Node &node) {
  double parts[3];
  for (unsigned i = 0; i < 3; ++i) {
    const Host &host = *node.input(i).host;
    if (host.size() != 1 || host.element != node.element(0))
      return node.fail("start, limit and delta must be single numbers of one type");
    parts[i] = host.number(0);
  }
  auto [start, limit, delta] = parts;
  double steps = std::ceil((limit - start) / delta);
  if (delta == 0 || !(steps < double(maxElements)))
    return node.fail("it makes too many numbers");
  int64_t count = std::max<int64_t>(int64_t(std::max(steps, 0.0)), 0);
  if (!node.importer.reserve(count))
    return node.fail("it makes too many numbers");
  Host host;
  host.element = node.element(0);
  host.shape = {count};
  for (int64_t i = 0; i < count; ++i)
    if (host.isFloat())
      host.floats.push_back(float(start + double(i) * delta));
    else
      host.ints.push_back(int64_t(start + double(i) * delta));
  return node.set(node.constantEntry(std::move(host)));
}

//===-- Joining, cutting, repeating ----------------------------------------------------------------------------------------===//

LogicalResult importConcat(Node &node) {
  if (!node.hasAttribute("axis"))
    return node.fail("attribute 'axis' is required");
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), node.rank(0));
  SmallVector<Entry> inputs;
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    if (!node.input(i).isPlainConstant())
      (void)node.value(i);
    inputs.push_back(node.input(i));
  }
  return node.failed() ? failure() : node.set(node.concat(inputs, axis, node.loc()));
}

LogicalResult importSplit(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), node.rank(0));
  if (node.failed())
    return failure();
  int64_t size = node.shape(0)[axis], outputs = node.proto.output_size();
  Shape parts;
  if (node.opset < 13 ? node.hasAttribute("split") : node.has(1)) {
    parts = node.opset < 13 ? node.getInts("split") : node.constantInts(1, "its list of sizes");
  } else {
    int64_t count = node.getInt("num_outputs", outputs);
    if (count != outputs || count < 1)
      return node.fail("attribute 'num_outputs' is " + Twine(count) + ", but it has " + Twine(outputs) + " outputs");
    // Since opset 18 the last part may be smaller.
    int64_t part = (size + count - 1) / count;
    if (node.opset < 18 && size % count)
      return node.fail("dimension " + Twine(axis) + " of size " + Twine(size) + " cannot be split into " + Twine(count) +
                       " equal parts");
    for (int64_t i = 0; i < count; ++i)
      parts.push_back(std::clamp<int64_t>(size - i * part, 0, part));
  }
  if (node.failed())
    return failure();
  int64_t sum = 0;
  for (int64_t part : parts) {
    if (part < 0 || part > size)
      return node.fail("it splits off " + Twine(part) + " of " + Twine(size));
    sum += part;
  }
  if (sum != size || int64_t(parts.size()) != outputs)
    return node.fail("its sizes " + toString(parts) + " do not fit " + Twine(outputs) + " outputs and a dimension of size " +
                     Twine(size));
  if (!node.input(0).isPlainConstant())
    (void)node.value(0);
  Shape starts(node.rank(0), 0), steps(node.rank(0), 1), sizes = node.shape(0);
  for (int64_t i = 0; i < outputs; ++i) {
    sizes[axis] = parts[i];
    if (node.wants(i) && failed(node.set(i, node.slice(node.input(0), starts, sizes, steps, node.loc(i)))))
      return failure();
    starts[axis] += parts[i];
  }
  return success();
}

LogicalResult importSlice(Node &node) {
  int64_t rank = node.rank(0);
  bool isOld = node.opset < 10;
  if (isOld ? !node.hasAttribute("starts") || !node.hasAttribute("ends") : !node.has(1) || !node.has(2))
    return node.fail("it needs starts and ends");
  Shape starts = isOld ? node.getInts("starts") : node.constantInts(1, "its list of starts");
  Shape ends = isOld ? node.getInts("ends") : node.constantInts(2, "its list of ends");
  Shape axes = isOld ? node.getInts("axes") : node.has(3) ? node.constantInts(3, "its list of axes") : Shape();
  Shape steps = !isOld && node.has(4) ? node.constantInts(4, "its list of steps") : Shape(starts.size(), 1);
  if (isOld ? !node.hasAttribute("axes") : !node.has(3))
    for (size_t d = 0; d < starts.size(); ++d)
      axes.push_back(d);
  if (node.failed())
    return failure();
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return node.fail("starts, ends, axes and steps must have the same number of entries");
  Shape first(rank, 0), sizes = node.shape(0), strides(rank, 1);
  SmallVector<bool> seen(rank, false);
  for (size_t i = 0; i < starts.size(); ++i) {
    int64_t axis = node.normalizeAxis(axes[i], rank);
    if (node.failed())
      return failure();
    if (seen[axis])
      return node.fail("axis " + Twine(axes[i]) + " is listed twice");
    seen[axis] = true;
    int64_t size = sizes[axis], step = std::clamp<int64_t>(steps[i], -maxElements, maxElements), start = starts[i], end = ends[i];
    if (step == 0)
      return node.fail("its step along axis " + Twine(axis) + " is 0");
    start += start < 0 ? size : 0;
    end += end < 0 ? size : 0;
    bool forward = step > 0;
    start = std::clamp<int64_t>(start, 0, forward ? size : size - 1);
    end = std::clamp<int64_t>(end, forward ? 0 : -1, forward ? size : size - 1);
    int64_t span = forward ? end - start : start - end, stride = std::abs(step);
    first[axis] = start;
    sizes[axis] = span <= 0 ? 0 : (span + stride - 1) / stride;
    strides[axis] = step;
  }
  if (!node.input(0).isPlainConstant())
    (void)node.value(0);
  return node.set(node.slice(node.input(0), first, sizes, strides, node.loc()));
}

LogicalResult importGather(Node &node) {
  int64_t axis = node.normalizeAxis(node.getInt("axis", 0), node.rank(0));
  if (node.failed())
    return failure();
  if (!isa<IntegerType>(node.element(1)))
    return node.fail("its indices must be integers");
  if (!node.input(1).isPlainConstant())
    return importComputedGather(node, axis);
  const HostRef &indices = node.input(1).host;
  int64_t size = node.shape(0)[axis];
  Shape flat(indices->ints.begin(), indices->ints.end());
  for (int64_t &i : flat) {
    if (i < -size || i >= size)
      return node.fail("index " + Twine(i) + " is outside dimension " + Twine(axis) + " of size " + Twine(size));
    i += i < 0 ? size : 0;
  }
  if (!node.input(0).isPlainConstant())
    (void)node.value(0);
  bool direct = indices->shape.size() == 1;
  Entry picked = node.gather(node.input(0), flat, axis, direct ? node.loc() : node.innerLoc());
  if (direct)
    return node.set(picked);
  Shape shape(ArrayRef<int64_t>(node.shape(0)).take_front(axis));
  shape.append(indices->shape.begin(), indices->shape.end());
  shape.append(node.shape(0).begin() + axis + 1, node.shape(0).end());
  return node.set(node.reshape(picked, shape, node.loc()));
}

LogicalResult importExpand(Node &node) {
  Shape target = node.constantInts(1, "its shape");
  std::string why;
  auto shape = broadcastShapes(node.shape(0), target, why);
  if (!node.failed() && failed(shape))
    return node.fail(why);
  if (node.failed())
    return failure();
  if (countElements(*shape) < 0)
    return node.fail("its shape " + toString(target) + " has a negative dimension or more than 2^31 elements");
  if (!node.input(0).isPlainConstant())
    (void)node.value(0);
  return node.set(node.broadcast(node.input(0), *shape, node.loc()));
}

LogicalResult importTile(Node &node) {
  Shape repeats = node.constantInts(1, "its list of repeats");
  if (!node.failed() && int64_t(repeats.size()) != node.rank(0))
    return node.fail("it has " + Twine(repeats.size()) + " repeats for " + Twine(node.rank(0)) + " dimensions");
  Entry x = node.input(0);
  for (auto [d, count] : llvm::enumerate(repeats)) {
    if (node.failed() || count == 1)
      continue;
    int64_t size = x.shape[d];
    if (count < 0 || count > maxIndices || size * count > maxIndices)
      return node.fail("it repeats dimension " + Twine(d) + " " + Twine(count) + " times, which is not supported");
    Shape indices;
    for (int64_t i = 0; i < size * count; ++i)
      indices.push_back(i % size);
    bool last = llvm::all_of(ArrayRef<int64_t>(repeats).drop_front(d + 1), [](int64_t r) { return r == 1; });
    x = node.gather(x, indices, d, last ? node.loc() : node.innerLoc());
  }
  return node.set(x);
}

//===-- Pad ----------------------------------------------------------------------------------------------------------------===//

std::string checkPad(Node &node) {
  std::string mode = node.getString("mode", "constant");
  return mode == "constant" || mode == "edge" || mode == "reflect" || mode == "wrap" ? ""
                                                                                     : "mode '" + mode + "' is not supported";
}

LogicalResult importPad(Node &node) {
  int64_t rank = node.rank(0);
  std::string mode = node.getString("mode", "constant");
  bool isOld = node.opset < 11;
  if (!isOld && !node.has(1))
    return node.fail("it needs pads");
  Shape pads = isOld ? node.getInts("pads") : node.constantInts(1, "its list of pads"), axes;
  if (node.opset >= 18 && node.has(3)) {
    for (int64_t axis : node.constantInts(3, "its list of axes"))
      axes.push_back(node.normalizeAxis(axis, rank));
  } else {
    for (int64_t d = 0; d < rank; ++d)
      axes.push_back(d);
  }
  float value = 0;
  int64_t code = 0;
  if (isOld) {
    value = node.getFloat("value", 0);
  } else if (node.has(2)) {
    HostRef host = node.constant(2, "its value");
    if (host && host->size() != 1)
      return node.fail("its value must be one number");
    if (host && host->isFloat())
      value = host->floats[0];
    else if (host)
      code = host->ints[0];
  }
  if (node.failed())
    return failure();
  if (pads.size() != 2 * axes.size())
    return node.fail("it has " + Twine(pads.size()) + " pads, expected " + Twine(2 * axes.size()));
  if (auto quantized = dyn_cast<quant::UniformQuantizedType>(node.element(0)))
    value = float((double(code) - double(quantized.getZeroPoint())) * quantized.getScale());
  else if (isa<quant::QuantizedType>(node.element(0)))
    return node.fail("tensors with a scale per axis are not supported");

  Shape low(rank, 0), high(rank, 0), starts(rank, 0), sizes = node.shape(0), ones(rank, 1);
  SmallVector<bool> seen(rank, false);
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t axis = axes[i], before = pads[i], after = pads[i + axes.size()], size = sizes[axis];
    if (seen[axis])
      return node.fail("axis " + Twine(axis) + " is listed twice");
    seen[axis] = true;
    if (std::max(before, after) > maxElements || std::min(before, after) < -maxElements)
      return node.fail("it pads dimension " + Twine(axis) + " by " + Twine(before) + " and " + Twine(after));
    // Negative pads cut off.
    starts[axis] = std::max<int64_t>(-before, 0);
    sizes[axis] = size - starts[axis] - std::max<int64_t>(-after, 0);
    if (sizes[axis] < 1)
      return node.fail("its negative pads remove all of dimension " + Twine(axis));
    low[axis] = std::max<int64_t>(before, 0);
    high[axis] = std::max<int64_t>(after, 0);
  }
  auto isZero = [](int64_t v) { return v == 0; };
  bool pads0 = llvm::all_of(low, isZero) && llvm::all_of(high, isZero);
  if (!node.input(0).isPlainConstant())
    (void)node.value(0);
  Entry cut = node.slice(node.input(0), starts, sizes, ones, pads0 ? node.loc() : node.innerLoc());
  if (pads0)
    return node.set(cut);
  // Around a ring: one gather per axis.
  if (mode == "wrap") {
    Entry x = cut;
    for (int64_t d = 0; d < rank; ++d) {
      if (low[d] == 0 && high[d] == 0)
        continue;
      if (low[d] + sizes[d] + high[d] > maxIndices)
        return node.fail("it makes dimension " + Twine(d) + " of size " + Twine(low[d] + sizes[d] + high[d]) + ", sizes up to " +
                         Twine(maxIndices) + " are supported");
      Shape indices;
      for (int64_t i = -low[d]; i < sizes[d] + high[d]; ++i)
        indices.push_back((i % sizes[d] + sizes[d]) % sizes[d]);
      x = node.gather(x, indices, d, node.loc());
    }
    return node.set(x);
  }
  PadMode kind = mode == "edge" ? PadMode::Edge : mode == "reflect" ? PadMode::Reflect : PadMode::Constant;
  bool same = cut.value == node.input(0).value && ArrayRef<int64_t>(cut.shape) == ArrayRef<int64_t>(node.shape(0));
  Value x = same ? node.value(0) : node.materialize(cut);
  return node.set(node.create<PadOp>(node.loc(), node.element(0), x, ArrayRef<int64_t>(low), ArrayRef<int64_t>(high), kind,
                                     APFloat(value), uint64_t(code)));
}

const Operator operators[] = {
    {"Concat", 4, 21, 1, INT_MAX, Elements::Any, importConcat, nullptr},
    {"Constant", 1, 21, 0, 0, Elements::Any, importConstant, checkConstant},
    {"ConstantOfShape", 9, 21, 1, 1, Elements::Constant, importConstantOfShape, nullptr},
    {"Expand", 8, 21, 2, 2, Elements::Any, importExpand, nullptr},
    {"Flatten", 1, 21, 1, 1, Elements::Any, importFlatten, nullptr},
    {"Gather", 1, 21, 2, 2, Elements::Any, importGather, nullptr},
    {"Pad", 2, 21, 1, 4, Elements::Any, importPad, checkPad},
    {"Range", 11, 21, 3, 3, Elements::Constant, importRange, nullptr},
    {"Reshape", 5, 21, 2, 2, Elements::Any, importReshape, nullptr},
    {"Shape", 1, 21, 1, 1, Elements::Any, importShape, nullptr},
    {"Size", 1, 21, 1, 1, Elements::Any, importSize, nullptr},
    {"Slice", 1, 21, 1, 5, Elements::Any, importSlice, nullptr},
    {"Split", 2, 21, 1, 2, Elements::Any, importSplit, nullptr},
    {"Squeeze", 1, 21, 1, 2, Elements::Any, importSqueeze, nullptr},
    {"Tile", 6, 21, 2, 2, Elements::Any, importTile, nullptr},
    {"Transpose", 1, 21, 1, 1, Elements::Any, importTranspose, nullptr},
    {"Unsqueeze", 1, 21, 1, 2, Elements::Any, importUnsqueeze, nullptr},
};
} // namespace

ArrayRef<Operator> getShapeOperators() { return operators; }
} // namespace qc::onnximport
