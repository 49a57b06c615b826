// Resize and Upsample, axis by axis: each element is a weighted sum of one (nearest), two (linear) or four (cubic) elements,
// which are gathers with constant indices and products with constant weights.
#include "Algebra.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
std::string checkResize(Node &node) {
  std::string mode = node.getString("mode", "nearest");
  if (mode != "nearest" && mode != "linear" && mode != "bilinear" && (mode != "cubic" || node.opset < 11))
    return "mode '" + mode + "' is not supported; nearest, linear and, from opset 11 on, cubic are";
  if (node.opset < 11)
    return "";
  if (node.getInt("antialias", 0))
    return "attribute 'antialias' is not supported";
  std::string transform = node.getString("coordinate_transformation_mode", "half_pixel");
  static const char *transforms[] = {"half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel", "asymmetric",
                                     "align_corners", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
  if (!llvm::is_contained(transforms, StringRef(transform)))
    return "coordinate_transformation_mode '" + transform + "' is not supported";
  std::string rounding = node.getString("nearest_mode", "round_prefer_floor");
  static const char *roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  if (!llvm::is_contained(roundings, StringRef(rounding)))
    return "nearest_mode '" + rounding + "' is not supported";
  std::string policy = node.getString("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
    return "keep_aspect_ratio_policy '" + policy + "' is unknown";
  return "";
}

/// How one axis changes. `exact` says that the scale is output over input, so that coordinates are quotients of integers.
struct Axis {
  int64_t input, output;
  double scale;
  bool exact;
  double cropStart = 0, cropEnd = 1; ///< of tf_crop_and_resize, in parts of the input
};

/// What the attributes say.
struct Method {
  std::string transform, rounding, mode;
  double cubicCoefficient = -0.75;
  bool excludeOutside = false;
  float extrapolation = 0;
};

double getCoordinate(const Axis &axis, int64_t x, StringRef transform) {
  // Exact scales multiply before they divide: x / (output / input) would miss integers by a rounding.
  auto divide = [&](double v) { return axis.exact ? v * double(axis.input) / double(axis.output) : v / axis.scale; };
  if (transform == "tf_crop_and_resize") {
    double last = double(axis.input - 1);
    return axis.output > 1 ? axis.cropStart * last + double(x) * (axis.cropEnd - axis.cropStart) * last / double(axis.output - 1)
                           : (axis.cropStart + axis.cropEnd) / 2 * last;
  }
  if (transform == "asymmetric")
    return divide(double(x));
  if (transform == "align_corners") {
    // With scales the length of the result is their product with the input's, which need not be a whole number.
    double length = axis.exact ? double(axis.output) : axis.scale * double(axis.input);
    return axis.output == 1 ? 0.0 : double(x) * double(axis.input - 1) / (length - 1);
  }
  if (transform == "tf_half_pixel_for_nn")
    return divide(double(x) + 0.5);
  if (transform == "pytorch_half_pixel" && axis.output == 1)
    return 0.0;
  double coordinate = divide(double(x) + 0.5) - 0.5;
  if (transform == "half_pixel_symmetric") {
    double adjustment = double(axis.output) / (axis.exact ? double(axis.output) : axis.scale * double(axis.input));
    coordinate += double(axis.input) / 2 * (1 - adjustment);
  }
  return coordinate;
}

int64_t roundCoordinate(double x, StringRef rounding) {
  if (rounding == "floor")
    return int64_t(std::floor(x));
  if (rounding == "ceil")
    return int64_t(std::ceil(x));
  return int64_t(rounding == "round_prefer_ceil" ? std::floor(x + 0.5) : std::ceil(x - 0.5));
}

/// Weights of the elements from floor(coordinate) + `first` on; `r` is the coordinate's fraction.
SmallVector<double> getWeights(const Method &method, double r, int64_t &first) {
  first = method.mode == "cubic" ? -1 : 0;
  if (method.mode != "cubic")
    return {1 - r, r};
  double a = method.cubicCoefficient;
  auto far = [&](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  auto near = [&](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  return {far(r + 1), near(r), near(1 - r), far(2 - r)};
}

/// One axis as a sum of gathers times weights.
Entry interpolate(Algebra &a, const Entry &x, int64_t d, const Axis &axis, const Method &method) {
  SmallVector<Shape> indices;
  std::vector<std::vector<float>> weights;
  for (int64_t i = 0; i < axis.output; ++i) {
    double coordinate = std::clamp(getCoordinate(axis, i, method.transform), -1e9, 1e9), whole = std::floor(coordinate), sum = 0;
    int64_t first;
    SmallVector<double> own = getWeights(method, coordinate - whole, first);
    indices.resize(own.size());
    weights.resize(own.size());
    for (auto [k, weight] : llvm::enumerate(own)) {
      int64_t at = int64_t(whole) + first + int64_t(k);
      if (method.excludeOutside && (at < 0 || at >= axis.input))
        weight = 0;
      sum += weight;
      indices[k].push_back(std::clamp<int64_t>(at, 0, axis.input - 1));
    }
    for (auto [k, weight] : llvm::enumerate(own))
      weights[k].push_back(float(method.excludeOutside ? weight / sum : weight));
  }
  Shape shape(x.shape.size(), 1);
  shape[d] = axis.output;
  Entry result;
  for (size_t k = 0; k < indices.size(); ++k) {
    if (llvm::all_of(weights[k], [](float w) { return w == 0; }))
      continue;
    Entry part = a.mul(a.gather(x, indices[k], d), a.floats(std::move(weights[k]), shape));
    result = result.element ? a.add(result, part) : part;
  }
  return result;
}

LogicalResult resize(Node &node, ArrayRef<Axis> axes, const Method &method) {
  SmallVector<size_t> changed;
  bool crops = method.transform == "tf_crop_and_resize";
  for (auto [d, axis] : llvm::enumerate(axes)) {
    if (axis.output < 1 || axis.output > maxIndices)
      return node.fail("it makes dimension " + Twine(d) + " of size " + Twine(axis.output) + ", sizes of 1 to " +
                       Twine(maxIndices) + " are supported");
    if (axis.input != axis.output || axis.scale != 1 || (crops && (axis.cropStart != 0 || axis.cropEnd != 1)))
      changed.push_back(d);
  }
  bool nearest = method.mode == "nearest";
  if (!nearest && !isa<FloatType>(node.element(0)))
    return node.fail("mode '" + method.mode + "' needs floating-point numbers, but its input has element type " +
                     toString(node.element(0)));
  Algebra a(node);
  Entry x = getInput(node, 0);
  for (size_t d : changed) {
    if (node.failed())
      return failure();
    if (!nearest) {
      x = interpolate(a, x, d, axes[d], method);
      continue;
    }
    Shape indices;
    for (int64_t i = 0; i < axes[d].output; ++i) {
      double coordinate = std::clamp(getCoordinate(axes[d], i, method.transform), -1.0, double(axes[d].input));
      indices.push_back(std::clamp<int64_t>(roundCoordinate(coordinate, method.rounding), 0, axes[d].input - 1));
    }
    x = node.gather(x, indices, d, d == changed.back() ? node.loc() : node.innerLoc());
  }
  // What a crop takes from outside the input has a value of its own.
  for (size_t d : changed) {
    std::vector<int64_t> outside;
    for (int64_t i = 0; crops && i < axes[d].output; ++i) {
      double coordinate = getCoordinate(axes[d], i, method.transform);
      outside.push_back(coordinate < 0 || coordinate > double(axes[d].input - 1));
    }
    if (!llvm::is_contained(outside, 1))
      continue;
    Shape shape(axes.size(), 1);
    shape[d] = axes[d].output;
    x = a.select(a.ints(std::move(outside), shape, node.builder().getI1Type()), a.number(method.extrapolation, x), x);
  }
  return a.set(x);
}

/// Scales of a constant input or attribute, each positive.
FailureOr<SmallVector<double>> checkScales(Node &node, ArrayRef<float> floats) {
  SmallVector<double> scales;
  for (float scale : floats) {
    if (!(scale > 0) || !std::isfinite(scale))
      return node.fail("its scales must be positive");
    scales.push_back(scale);
  }
  return scales;
}
FailureOr<SmallVector<double>> getScales(Node &node, unsigned i) {
  HostRef host = node.constant(i, "its list of scales");
  if (!host)
    return failure();
  if (!host->isFloat())
    return node.fail("its scales must be floating-point numbers");
  return checkScales(node, host->floats);
}

/// Output sizes from scales: rounded down.
FailureOr<SmallVector<Axis>> applyScales(Node &node, ArrayRef<double> scales, ArrayRef<int64_t> where) {
  SmallVector<Axis> axes;
  for (int64_t size : node.shape(0))
    axes.push_back({size, size, 1.0, false, 0, 1});
  if (scales.size() != where.size())
    return node.fail("it has " + Twine(scales.size()) + " scales for " + Twine(where.size()) + " dimensions");
  for (auto [scale, d] : llvm::zip(scales, where)) {
    double output = std::floor(double(axes[d].input) * scale);
    if (!(output <= double(maxElements)))
      return node.fail("its scale " + std::to_string(scale) + " is too large");
    axes[d] = {axes[d].input, int64_t(output), scale, false, 0, 1};
  }
  return axes;
}

/// The region of interest of tf_crop_and_resize: starts, then ends.
LogicalResult readCrop(Node &node, const Method &method, ArrayRef<int64_t> where, MutableArrayRef<Axis> axes) {
  if (method.transform != "tf_crop_and_resize")
    return success();
  HostRef roi = node.constant(1, "its region of interest");
  if (!roi)
    return failure();
  if (!roi->isFloat() || roi->size() != int64_t(2 * where.size()))
    return node.fail("its region of interest must have " + Twine(2 * where.size()) + " numbers");
  for (auto [i, d] : llvm::enumerate(where)) {
    axes[d].cropStart = roi->floats[i];
    axes[d].cropEnd = roi->floats[i + where.size()];
  }
  return success();
}

Shape allAxes(Node &node) { return llvm::to_vector<6>(llvm::seq<int64_t>(0, node.rank(0))); }

LogicalResult importUpsample(Node &node) {
  FailureOr<SmallVector<double>> scales = failure();
  if (node.opset >= 9) {
    if (!node.has(1))
      return node.fail("it needs scales");
    scales = getScales(node, 1);
  } else {
    const auto *attribute = node.attribute("scales");
    if (!attribute)
      return node.fail("attribute 'scales' is required");
    scales = checkScales(node, SmallVector<float>(attribute->floats().begin(), attribute->floats().end()));
  }
  if (failed(scales))
    return failure();
  auto axes = applyScales(node, *scales, allAxes(node));
  Method method{"asymmetric", "floor", node.getString("mode", "nearest")};
  return failed(axes) ? failure() : resize(node, *axes, method);
}

LogicalResult importResize(Node &node) {
  bool isOld = node.opset < 11;
  unsigned scalesInput = isOld ? 1 : 2;
  Method method{isOld ? "asymmetric" : node.getString("coordinate_transformation_mode", "half_pixel"),
                isOld ? "floor" : node.getString("nearest_mode", "round_prefer_floor"),
                node.getString("mode", "nearest"),
                node.getFloat("cubic_coeff_a", -0.75f),
                node.getInt("exclude_outside", 0) != 0,
                node.getFloat("extrapolation_value", 0)};
  Shape where = allAxes(node);
  if (node.opset >= 18 && node.hasAttribute("axes")) {
    where.clear();
    for (int64_t axis : node.getInts("axes")) {
      where.push_back(node.normalizeAxis(axis, node.rank(0)));
      if (llvm::is_contained(ArrayRef<int64_t>(where).drop_back(), where.back()))
        return node.fail("axis " + Twine(axis) + " is listed twice");
    }
  }
  if (node.failed())
    return failure();
  // An empty list of scales says that sizes are given.
  bool hasScales = node.has(scalesInput) && !(node.input(scalesInput).host && node.input(scalesInput).host->size() == 0);
  if (hasScales == (!isOld && node.has(3) && !(node.input(3).host && node.input(3).host->size() == 0)))
    return node.fail("it needs either scales or sizes");
  if (hasScales) {
    auto scales = getScales(node, scalesInput);
    if (failed(scales))
      return failure();
    auto axes = applyScales(node, *scales, where);
    if (failed(axes) || failed(readCrop(node, method, where, *axes)))
      return failure();
    return resize(node, *axes, method);
  }
  Shape sizes = node.constantInts(3, "its list of sizes");
  if (!node.failed() && sizes.size() != where.size())
    return node.fail("it has " + Twine(sizes.size()) + " sizes for " + Twine(where.size()) + " dimensions");
  if (node.failed())
    return failure();
  SmallVector<Axis> axes;
  for (int64_t size : node.shape(0))
    axes.push_back({size, size, 1.0, true, 0, 1});
  std::string policy = node.getString("keep_aspect_ratio_policy", "stretch");
  double common = 0;
  for (auto [size, d] : llvm::zip(sizes, where)) {
    if (size < 1 || size > maxIndices)
      return node.fail("it makes dimension " + Twine(d) + " of size " + Twine(size) + ", sizes of 1 to " + Twine(maxIndices) +
                       " are supported");
    double scale = double(size) / double(axes[d].input);
    common = common == 0 ? scale : policy == "not_larger" ? std::min(common, scale) : std::max(common, scale);
    axes[d].output = size;
    axes[d].scale = scale;
  }
  if (policy != "stretch")
    for (int64_t d : where) {
      double output = std::floor(common * double(axes[d].input) + 0.5);
      if (!(output <= double(maxIndices)))
        return node.fail("keep_aspect_ratio_policy makes dimension " + Twine(d) + " too large");
      axes[d] = {axes[d].input, int64_t(output), common, false, 0, 1};
    }
  if (failed(readCrop(node, method, where, axes)))
    return failure();
  return resize(node, axes, method);
}

const Operator operators[] = {
    {"Resize", 10, 21, 1, 4, Elements::Any, importResize, checkResize, "constant scales or sizes; no antialias"},
    {"Upsample", 7, 9, 1, 2, Elements::Any, importUpsample, checkResize},
};
} // namespace

ArrayRef<Operator> getResizeOperators() { return operators; }
} // namespace qc::onnximport
