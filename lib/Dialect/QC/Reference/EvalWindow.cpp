// Pooling and reductions.
#include "EvalInternal.h"

#include <limits>

using namespace mlir;
using namespace qc;
using namespace qc::reference;

namespace {
/// Calls `f(y position, positions of x inside the window, window size)` for every element of the result.
template <typename F> void forEachWindow(PoolOp op, F f) {
  auto x = getShape(op.getInput()), y = getShape(op.getResult());
  size_t spatial = x.size() - 2;
  SmallVector<int64_t> inside;
  forEachIndex(y, [&](Shape out, int64_t position) {
    inside.clear();
    int64_t size = 0;
    forEachIndex(op.getKernel(), [&](Shape k, int64_t) {
      ++size;
      Index in{out[0], out[1]};
      for (size_t d = 0; d < spatial; ++d) {
        int64_t i = out[2 + d] * op.getStrides()[d] - op.getPads()[d] + k[d] * op.getDilations()[d];
        if (i < 0 || i >= x[2 + d])
          return;
        in.push_back(i);
      }
      inside.push_back(linearize(in, x));
    });
    f(position, ArrayRef<int64_t>(inside), size);
  });
}

/// Calls `f(y position, positions of the elements of x that are reduced into it)`.
template <typename F> void forEachReduced(ReduceOp op, F f) {
  auto x = getShape(op.getInput());
  Index kept(x), reduced(x.size(), 1);
  for (int64_t axis : op.getAxes()) {
    reduced[axis] = x[axis];
    kept[axis] = 1;
  }
  SmallVector<int64_t> elements;
  forEachIndex(kept, [&](Shape base, int64_t position) {
    elements.clear();
    forEachIndex(reduced, [&](Shape offset, int64_t) {
      Index index(base);
      for (size_t d = 0; d < index.size(); ++d)
        index[d] += offset[d];
      elements.push_back(linearize(index, x));
    });
    f(position, ArrayRef<int64_t>(elements));
  });
}

template <typename T> T largest(const std::vector<T> &values, ArrayRef<int64_t> positions) {
  T most = values[positions[0]];
  for (int64_t i : positions)
    most = std::max(most, values[i]);
  return most;
}
template <typename T> T smallest(const std::vector<T> &values, ArrayRef<int64_t> positions) {
  T least = values[positions[0]];
  for (int64_t i : positions)
    least = std::min(least, values[i]);
  return least;
}
template <typename T> T total(const std::vector<T> &values, ArrayRef<int64_t> positions) {
  T sum = 0;
  for (int64_t i : positions)
    sum += values[i];
  return sum;
}

template <typename T> T multiply(const std::vector<T> &values, ArrayRef<int64_t> positions) {
  // Integers wrap.
  using U = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;
  U result = 1;
  for (int64_t i : positions)
    result *= U(values[i]);
  return T(result);
}

/// Codes in the operand's type to codes in the result's.
Result finishCodes(Operation *op, const Tensor &x, std::vector<int64_t> codes) {
  Tensor result = makeResult(op);
  auto moved = moveCodes(op, Tensor{withElementType(result.type, x.type.getElementType()), {}, std::move(codes)});
  if (failed(moved))
    return failure();
  result.ints = std::move(*moved);
  return result;
}
} // namespace

Result reference::evaluateOp(PoolOp op, Operands operands) {
  const Tensor &x = operands[0];
  Tensor result = makeResult(op);
  bool isMax = op.getKind() == PoolKind::Max;
  // N13: an average divides by the number of elements inside the input, or by the size of the window if padding counts.
  auto getCount = [&](ArrayRef<int64_t> inside, int64_t size) { return op.getCountIncludePad() ? size : int64_t(inside.size()); };
  bool empty = false;
  forEachWindow(op, [&](int64_t, ArrayRef<int64_t> inside, int64_t) { empty |= inside.empty(); });
  if (empty && op.getKind() != PoolKind::Sum && !(op.getKind() == PoolKind::Average && op.getCountIncludePad()))
    return op.emitError("has a window without an element of the input");

  if (x.isFloat()) {
    forEachWindow(op, [&](int64_t y, ArrayRef<int64_t> inside, int64_t size) {
      result.floats[y] = isMax ? largest(x.floats, inside) : total(x.floats, inside) / float(getCount(inside, size));
    });
    return result;
  }
  if (isMax) {
    std::vector<int64_t> codes(result.size());
    forEachWindow(op, [&](int64_t y, ArrayRef<int64_t> inside, int64_t) { codes[y] = largest(x.ints, inside); });
    return finishCodes(op, x, std::move(codes));
  }
  if (op.getKind() == PoolKind::Sum) {
    std::vector<int64_t> magnitudes(result.size()), absolute = getMagnitudes(x.ints);
    int64_t outside = op.getPadValue();
    forEachWindow(op, [&](int64_t y, ArrayRef<int64_t> inside, int64_t size) {
      int64_t missing = size - int64_t(inside.size());
      result.ints[y] = total(x.ints, inside) + missing * outside;
      magnitudes[y] = total(absolute, inside) + missing * std::abs(outside);
    });
    if (failed(checkAccumulators(op, magnitudes)))
      return failure();
    return result;
  }
  auto target = getTarget(op);
  auto scale = getScale(op, x);
  if (failed(target) || failed(scale))
    return failure();
  std::vector<int64_t> values = getCentered(x);
  forEachWindow(op, [&](int64_t y, ArrayRef<int64_t> inside, int64_t size) {
    result.ints[y] = target->round(total(values, inside), *scale / (target->scale * double(getCount(inside, size))));
  });
  return result;
}

Result reference::evaluateOp(ReduceOp op, Operands operands) {
  const Tensor &x = operands[0];
  Tensor result = makeResult(op);
  ReduceKind kind = op.getKind();
  bool selects = kind == ReduceKind::Max || kind == ReduceKind::Min;
  auto select = [&](const auto &values, ArrayRef<int64_t> elements) {
    return kind == ReduceKind::Max ? largest(values, elements) : smallest(values, elements);
  };
  if (x.size() == 0)
    return op.emitError("reduces no elements");
  if (x.isFloat()) {
    forEachReduced(op, [&](int64_t y, ArrayRef<int64_t> elements) {
      result.floats[y] = selects                    ? select(x.floats, elements)
                         : kind == ReduceKind::Prod ? multiply(x.floats, elements)
                                                    : total(x.floats, elements);
      if (kind == ReduceKind::Mean)
        result.floats[y] /= float(elements.size());
    });
    return result;
  }
  if (selects) {
    std::vector<int64_t> codes(result.size());
    forEachReduced(op, [&](int64_t y, ArrayRef<int64_t> elements) { codes[y] = select(x.ints, elements); });
    return finishCodes(op, x, std::move(codes));
  }
  if (kind == ReduceKind::Prod && getDomain(result.type) == Domain::Quantized)
    return op.emitError("of kind prod has no evaluation on quantized types: it stays in float");
  if (result.type.getElementType() == x.type.getElementType() && getDomain(result.type) == Domain::Integer) {
    // Plain integers wrap.
    auto type = cast<IntegerType>(result.type.getElementType());
    forEachReduced(op, [&](int64_t y, ArrayRef<int64_t> elements) {
      result.ints[y] = wrap(kind == ReduceKind::Prod ? multiply(x.ints, elements) : total(x.ints, elements), type);
    });
    return result;
  }
  if (getDomain(result.type) == Domain::Integer) {
    std::vector<int64_t> magnitudes(result.size()), absolute = getMagnitudes(x.ints);
    forEachReduced(op, [&](int64_t y, ArrayRef<int64_t> elements) {
      result.ints[y] = total(x.ints, elements);
      magnitudes[y] = total(absolute, elements);
    });
    if (failed(checkAccumulators(op, magnitudes)))
      return failure();
    return result;
  }
  auto target = getTarget(op);
  auto scale = getScale(op, x);
  if (failed(target) || failed(scale))
    return failure();
  std::vector<int64_t> values = getCentered(x);
  forEachReduced(op, [&](int64_t y, ArrayRef<int64_t> elements) {
    double count = kind == ReduceKind::Mean ? double(elements.size()) : 1.0;
    result.ints[y] = target->round(total(values, elements), *scale / (target->scale * count));
  });
  return result;
}
