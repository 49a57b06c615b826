// Result shapes: one rule per op, used by the importer to build and by the verifier to check.
#include "qc/Dialect/QC/IR/QC.h"

using namespace mlir;
using namespace qc;

namespace {
using Shape = SmallVector<int64_t>;

FailureOr<Shape> fail(std::string &why, const Twine &reason) {
  why = reason.str();
  return failure();
}

std::string dim(int64_t d) { return std::to_string(d); }

/// Checks the lists that describe windows over `spatial` dimensions.
LogicalResult checkWindow(size_t spatial, ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides, ArrayRef<int64_t> pads,
                          ArrayRef<int64_t> dilations, std::string &why) {
  if (spatial < 1 || spatial > 3)
    why = "needs 1 to 3 spatial dimensions, got " + std::to_string(spatial);
  else if (kernel.size() != spatial || strides.size() != spatial || dilations.size() != spatial || pads.size() != 2 * spatial)
    why = "kernel, strides, dilations and pads must have " + std::to_string(spatial) + ", " + std::to_string(spatial) + ", " +
          std::to_string(spatial) + " and " + std::to_string(2 * spatial) + " entries";
  else if (llvm::any_of(kernel, [](int64_t v) { return v < 1; }) || llvm::any_of(strides, [](int64_t v) { return v < 1; }) ||
           llvm::any_of(dilations, [](int64_t v) { return v < 1; }))
    why = "kernel, strides and dilations must be positive";
  else if (llvm::any_of(pads, [](int64_t v) { return v < 0; }))
    why = "pads must not be negative";
  else
    return success();
  return failure();
}

/// Spatial sizes of a sliding window, appended to `shape`.
LogicalResult appendWindows(Shape &shape, ArrayRef<int64_t> input, ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                            ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations, std::string &why) {
  size_t spatial = input.size();
  if (failed(checkWindow(spatial, kernel, strides, pads, dilations, why)))
    return failure();
  for (size_t i = 0; i < spatial; ++i) {
    int64_t span = input[i] + pads[i] + pads[i + spatial] - dilations[i] * (kernel[i] - 1) - 1;
    if (span < 0) {
      why = "window is larger than the padded input in spatial dimension " + std::to_string(i);
      return failure();
    }
    shape.push_back(span / strides[i] + 1);
  }
  return success();
}

LogicalResult checkBias(Value bias, int64_t channels, std::string &why) {
  if (!bias || ArrayRef<int64_t>(getShape(bias)) == ArrayRef<int64_t>(channels))
    return success();
  why = "bias must have shape [" + std::to_string(channels) + "]";
  return failure();
}

FailureOr<int64_t> checkAxis(int64_t axis, int64_t rank, std::string &why) {
  if (axis >= 0 && axis < rank)
    return axis;
  why = "axis " + std::to_string(axis) + " is outside [0, " + std::to_string(rank) + ")";
  return failure();
}

FailureOr<Shape> same(Value input) { return Shape(getShape(input)); }
} // namespace

FailureOr<Shape> ConvOp::inferShape(std::string &why) {
  auto x = getShape(getInput()), w = getShape(getWeight());
  if (x.size() < 3 || w.size() != x.size())
    return fail(why, "input and weight must have one rank of at least 3, got " + dim(x.size()) + " and " + dim(w.size()));
  int64_t groups = getGroups();
  if (groups < 1 || x[1] != w[1] * groups || w[0] % groups)
    return fail(why, "groups " + dim(groups) + " do not fit input channels " + dim(x[1]) + " and weight [" + dim(w[0]) + ", " +
                         dim(w[1]) + ", ...]");
  if (failed(checkBias(getBias(), w[0], why)))
    return failure();
  Shape shape{x[0], w[0]};
  if (failed(appendWindows(shape, x.drop_front(2), w.drop_front(2), getStrides(), getPads(), getDilations(), why)))
    return failure();
  return shape;
}

FailureOr<Shape> ConvTransposeOp::inferShape(std::string &why) {
  auto x = getShape(getInput()), w = getShape(getWeight());
  if (x.size() < 3 || w.size() != x.size())
    return fail(why, "input and weight must have one rank of at least 3, got " + dim(x.size()) + " and " + dim(w.size()));
  int64_t groups = getGroups();
  if (groups < 1 || x[1] != w[0] || w[0] % groups)
    return fail(why, "groups " + dim(groups) + " do not fit input channels " + dim(x[1]) + " and weight [" + dim(w[0]) + ", " +
                         dim(w[1]) + ", ...]");
  int64_t channels = w[1] * groups;
  size_t spatial = x.size() - 2;
  if (failed(checkBias(getBias(), channels, why)) ||
      failed(checkWindow(spatial, w.drop_front(2), getStrides(), getPads(), getDilations(), why)))
    return failure();
  if (getOutputPadding().size() != spatial)
    return fail(why, "output_padding must have " + dim(spatial) + " entries");
  Shape shape{x[0], channels};
  for (size_t i = 0; i < spatial; ++i) {
    if (getOutputPadding()[i] < 0 || getOutputPadding()[i] >= std::max(getStrides()[i], getDilations()[i]))
      return fail(why, "output_padding must be smaller than stride or dilation");
    int64_t size = getStrides()[i] * (x[i + 2] - 1) + getOutputPadding()[i] + getDilations()[i] * (w[i + 2] - 1) + 1 -
                   getPads()[i] - getPads()[i + spatial];
    if (size < 1)
      return fail(why, "pads remove all of spatial dimension " + dim(i));
    shape.push_back(size);
  }
  return shape;
}

FailureOr<Shape> MatmulOp::inferShape(std::string &why) {
  auto a = getShape(getLhs()), b = getShape(getRhs());
  if (a.size() < 2 || b.size() < 2)
    return fail(why, "operands must have rank 2 or more");
  if (a.back() != b[b.size() - 2])
    return fail(why, "inner sizes differ: " + dim(a.back()) + " and " + dim(b[b.size() - 2]));
  if (failed(checkBias(getBias(), b.back(), why)))
    return failure();
  auto shape = broadcastShapes(a.drop_back(2), b.drop_back(2), why);
  if (succeeded(shape)) {
    shape->push_back(a[a.size() - 2]);
    shape->push_back(b.back());
  }
  return shape;
}

FailureOr<Shape> AddOp::inferShape(std::string &why) { return broadcastShapes(getShape(getLhs()), getShape(getRhs()), why); }
FailureOr<Shape> SubOp::inferShape(std::string &why) { return broadcastShapes(getShape(getLhs()), getShape(getRhs()), why); }
FailureOr<Shape> MulOp::inferShape(std::string &why) { return broadcastShapes(getShape(getLhs()), getShape(getRhs()), why); }
FailureOr<Shape> DivOp::inferShape(std::string &why) { return broadcastShapes(getShape(getLhs()), getShape(getRhs()), why); }

FailureOr<Shape> BinaryOp::inferShape(std::string &why) { return broadcastShapes(getShape(getLhs()), getShape(getRhs()), why); }
FailureOr<Shape> HypotCodesOp::inferShape(std::string &why) {
  return broadcastShapes(getShape(getLhs()), getShape(getRhs()), why);
}
FailureOr<Shape> DivideCodesOp::inferShape(std::string &why) {
  return broadcastShapes(getShape(getLhs()), getShape(getRhs()), why);
}
FailureOr<Shape> CompareOp::inferShape(std::string &why) { return broadcastShapes(getShape(getLhs()), getShape(getRhs()), why); }
FailureOr<Shape> SelectOp::inferShape(std::string &why) {
  auto both = broadcastShapes(getShape(getLhs()), getShape(getRhs()), why);
  return failed(both) ? both : broadcastShapes(getShape(getCondition()), *both, why);
}

FailureOr<Shape> CastOp::inferShape(std::string &) { return same(getInput()); }
FailureOr<Shape> ClampOp::inferShape(std::string &) { return same(getInput()); }
FailureOr<Shape> ActivationOp::inferShape(std::string &) { return same(getInput()); }
FailureOr<Shape> ObserveOp::inferShape(std::string &) { return same(getInput()); }
FailureOr<Shape> DcastOp::inferShape(std::string &) { return same(getInput()); }
FailureOr<Shape> QuantizeOp::inferShape(std::string &) { return same(getInput()); }
FailureOr<Shape> DequantizeOp::inferShape(std::string &) { return same(getInput()); }
FailureOr<Shape> LutOp::inferShape(std::string &) { return same(getInput()); }
FailureOr<Shape> ThresholdOp::inferShape(std::string &) { return same(getInput()); }

/// `value`, if there is one, broadcasts to the shape of `input`.
static LogicalResult checkBroadcast(Value input, Value value, StringRef what, std::string &why) {
  if (!value)
    return success();
  auto shape = broadcastShapes(getShape(input), getShape(value), why);
  if (succeeded(shape) && ArrayRef<int64_t>(*shape) == getShape(input))
    return success();
  why = what.str() + " must broadcast to the input's shape";
  return failure();
}

FailureOr<Shape> SoftmaxOp::inferShape(std::string &why) {
  if (failed(checkAxis(getAxis(), getShape(getInput()).size(), why)) ||
      failed(checkBroadcast(getInput(), getMask(), "mask", why)))
    return failure();
  return same(getInput());
}
FailureOr<Shape> SoftmaxCodesOp::inferShape(std::string &why) {
  if (failed(checkAxis(getAxis(), getShape(getInput()).size(), why)) ||
      failed(checkBroadcast(getInput(), getMask(), "mask", why)))
    return failure();
  return same(getInput());
}

static LogicalResult checkRows(int64_t first, int64_t last, Value input, std::string &why) {
  if (failed(checkAxis(first, getShape(input).size(), why)) || failed(checkAxis(last, getShape(input).size(), why)))
    return failure();
  if (first > last || llvm::is_contained(getShape(input).slice(first, last - first + 1), 0)) {
    why = "'first_axis' to 'last_axis' must be at least one element";
    return failure();
  }
  return success();
}
FailureOr<Shape> NormalizeOp::inferShape(std::string &why) {
  if (failed(checkRows(getFirstAxis(), getLastAxis(), getInput(), why)) ||
      failed(checkBroadcast(getInput(), getScale(), "scale", why)) || failed(checkBroadcast(getInput(), getBias(), "bias", why)))
    return failure();
  return same(getInput());
}
FailureOr<Shape> NormalizeCodesOp::inferShape(std::string &why) {
  if (failed(checkRows(getFirstAxis(), getLastAxis(), getInput(), why)) ||
      failed(checkBroadcast(getInput(), getMultipliers(), "multipliers", why)) ||
      failed(checkBroadcast(getInput(), getOffsets(), "offsets", why)))
    return failure();
  return same(getInput());
}

FailureOr<Shape> PReluOp::inferShape(std::string &why) {
  auto shape = broadcastShapes(getShape(getInput()), getShape(getSlope()), why);
  if (succeeded(shape) && ArrayRef<int64_t>(*shape) != getShape(getInput()))
    return fail(why, "slope must broadcast to the input's shape");
  return shape;
}

FailureOr<Shape> PoolOp::inferShape(std::string &why) {
  auto x = getShape(getInput());
  if (x.size() < 3)
    return fail(why, "input must have rank 3 or more");
  Shape shape{x[0], x[1]};
  if (failed(appendWindows(shape, x.drop_front(2), getKernel(), getStrides(), getPads(), getDilations(), why)))
    return failure();
  return shape;
}

FailureOr<Shape> ReduceOp::inferShape(std::string &why) {
  auto x = getShape(getInput());
  Shape shape;
  for (int64_t axis : getAxes())
    if (failed(checkAxis(axis, x.size(), why)))
      return failure();
  for (auto [i, size] : llvm::enumerate(x))
    if (!llvm::is_contained(getAxes(), int64_t(i)))
      shape.push_back(size);
    else if (getKeepDims())
      shape.push_back(1);
  return shape;
}

FailureOr<Shape> ConcatOp::inferShape(std::string &why) {
  if (getInputs().empty())
    return fail(why, "needs at least one input");
  Shape shape(getShape(getInputs()[0]));
  if (failed(checkAxis(getAxis(), shape.size(), why)))
    return failure();
  for (Value input : getInputs().drop_front()) {
    auto other = getShape(input);
    if (other.size() != shape.size())
      return fail(why, "inputs differ in rank");
    for (size_t i = 0; i < shape.size(); ++i)
      if (int64_t(i) != int64_t(getAxis()) && other[i] != shape[i])
        return fail(why, "inputs differ in dimension " + dim(i) + ": " + dim(shape[i]) + " and " + dim(other[i]));
    shape[getAxis()] += other[getAxis()];
  }
  return shape;
}

FailureOr<Shape> SliceOp::inferShape(std::string &why) {
  auto x = getShape(getInput());
  if (getStarts().size() != x.size() || getSizes().size() != x.size() || getSteps().size() != x.size())
    return fail(why, "starts, sizes and steps must have one entry per dimension");
  for (size_t i = 0; i < x.size(); ++i) {
    int64_t start = getStarts()[i], size = getSizes()[i], step = getSteps()[i];
    if (size < 1 || step == 0 || start < 0 || start >= x[i] || start + (size - 1) * step < 0 || start + (size - 1) * step >= x[i])
      return fail(why, "slice leaves dimension " + dim(i) + " of size " + dim(x[i]));
  }
  return Shape(getSizes());
}

FailureOr<Shape> PadOp::inferShape(std::string &why) {
  Shape shape(getShape(getInput()));
  if (getLow().size() != shape.size() || getHigh().size() != shape.size())
    return fail(why, "low and high must have one entry per dimension");
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t most = std::max(getLow()[i], getHigh()[i]);
    if (getLow()[i] < 0 || getHigh()[i] < 0)
      return fail(why, "pads must not be negative");
    if (getMode() == PadMode::Reflect && most >= shape[i])
      return fail(why, "reflected pads must be smaller than dimension " + dim(i));
    shape[i] += getLow()[i] + getHigh()[i];
  }
  return shape;
}

FailureOr<Shape> TransposeOp::inferShape(std::string &why) {
  auto x = getShape(getInput());
  SmallVector<bool> seen(x.size(), false);
  Shape shape;
  for (int64_t p : getPermutation()) {
    if (p < 0 || p >= int64_t(x.size()) || seen[p])
      return fail(why, "permutation is not one of the input's dimensions");
    seen[p] = true;
    shape.push_back(x[p]);
  }
  if (shape.size() != x.size())
    return fail(why, "permutation is not one of the input's dimensions");
  return shape;
}

FailureOr<Shape> GatherOp::inferShape(std::string &why) {
  Shape shape(getShape(getInput()));
  if (failed(checkAxis(getAxis(), shape.size(), why)))
    return failure();
  for (int64_t i : getIndices())
    if (i < 0 || i >= shape[getAxis()])
      return fail(why, "index " + dim(i) + " is outside [0, " + dim(shape[getAxis()]) + ")");
  shape[getAxis()] = getIndices().size();
  return shape;
}

FailureOr<Shape> TakeOp::inferShape(std::string &why) {
  auto x = getShape(getInput());
  if (x.empty())
    return fail(why, "input must have rank 1 or more");
  Shape shape(getShape(getIndices()));
  llvm::append_range(shape, x.drop_front());
  return shape;
}

FailureOr<Shape> ScatterOp::inferShape(std::string &why) {
  auto x = getShape(getInput()), i = getShape(getIndices()), u = getShape(getUpdates());
  if (x.empty() || i.size() != 1)
    return fail(why, "input must have rank 1 or more and indices rank 1");
  if (u.size() != x.size() || u.front() != i.front() || u.drop_front() != x.drop_front())
    return fail(why, "updates must be one row of the input for each index");
  return Shape(x);
}

FailureOr<Shape> RequantizeOp::inferShape(std::string &why) {
  if (getInputs().empty())
    return fail(why, "needs at least one input");
  FailureOr<Shape> shape = Shape(getShape(getInputs()[0]));
  for (Value input : getInputs().drop_front())
    if (succeeded(shape))
      shape = broadcastShapes(*shape, getShape(input), why);
  return shape;
}
