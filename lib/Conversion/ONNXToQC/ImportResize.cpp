// Nearest-neighbour Resize and Upsample: one gather with constant indices for each axis that changes.
#include "Importer.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
std::string checkResize(Node &node) {
  std::string mode = node.getString("mode", "nearest");
  if (mode != "nearest")
    return "mode '" + mode + "' is not supported, only 'nearest' is";
  if (node.opset < 11)
    return "";
  std::string transform = node.getString("coordinate_transformation_mode", "half_pixel");
  static const char *transforms[] = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
                                     "asymmetric", "align_corners",        "tf_half_pixel_for_nn"};
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
};

double getCoordinate(const Axis &axis, int64_t x, StringRef transform) {
  // Exact scales multiply before they divide: x / (output / input) would miss integers by a rounding.
  auto divide = [&](double v) { return axis.exact ? v * double(axis.input) / double(axis.output) : v / axis.scale; };
  if (transform == "asymmetric")
    return divide(double(x));
  if (transform == "align_corners")
    return axis.output == 1 ? 0.0 : double(x) * double(axis.input - 1) / double(axis.output - 1);
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

LogicalResult resize(Node &node, ArrayRef<Axis> axes, StringRef transform, StringRef rounding) {
  SmallVector<size_t> changed;
  for (auto [d, axis] : llvm::enumerate(axes)) {
    if (axis.output < 1 || axis.output > maxIndices)
      return node.fail("it makes dimension " + Twine(d) + " of size " + Twine(axis.output) + ", sizes of 1 to " +
                       Twine(maxIndices) + " are supported");
    if (axis.input != axis.output || axis.scale != 1)
      changed.push_back(d);
  }
  Entry x = node.input(0);
  if (!changed.empty() && !x.isPlainConstant())
    x.value = node.value(0);
  for (size_t d : changed) {
    Shape indices;
    for (int64_t i = 0; i < axes[d].output; ++i) {
      double coordinate = std::clamp(getCoordinate(axes[d], i, transform), -1.0, double(axes[d].input));
      indices.push_back(std::clamp<int64_t>(roundCoordinate(coordinate, rounding), 0, axes[d].input - 1));
    }
    x = node.gather(x, indices, d, d == changed.back() ? node.loc() : node.innerLoc());
  }
  return node.set(x);
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
    axes.push_back({size, size, 1.0, false});
  if (scales.size() != where.size())
    return node.fail("it has " + Twine(scales.size()) + " scales for " + Twine(where.size()) + " dimensions");
  for (auto [scale, d] : llvm::zip(scales, where)) {
    double output = std::floor(double(axes[d].input) * scale);
    if (!(output <= double(maxElements)))
      return node.fail("its scale " + std::to_string(scale) + " is too large");
    axes[d] = {axes[d].input, int64_t(output), scale, false};
  }
  return axes;
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
  return failed(axes) ? failure() : resize(node, *axes, "asymmetric", "floor");
}

LogicalResult importResize(Node &node) {
  bool isOld = node.opset < 11;
  unsigned scalesInput = isOld ? 1 : 2;
  std::string transform = isOld ? "asymmetric" : node.getString("coordinate_transformation_mode", "half_pixel");
  std::string rounding = isOld ? "floor" : node.getString("nearest_mode", "round_prefer_floor");
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
    return failed(axes) ? failure() : resize(node, *axes, transform, rounding);
  }
  Shape sizes = node.constantInts(3, "its list of sizes");
  if (!node.failed() && sizes.size() != where.size())
    return node.fail("it has " + Twine(sizes.size()) + " sizes for " + Twine(where.size()) + " dimensions");
  if (node.failed())
    return failure();
  SmallVector<Axis> axes;
  for (int64_t size : node.shape(0))
    axes.push_back({size, size, 1.0, true});
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
      axes[d] = {axes[d].input, int64_t(output), common, false};
    }
  return resize(node, axes, transform, rounding);
}

const Operator operators[] = {
    {"Resize", 10, 21, 1, 4, Elements::Any, importResize, checkResize},
    {"Upsample", 7, 9, 1, 2, Elements::Any, importUpsample, checkResize},
};
} // namespace

ArrayRef<Operator> getResizeOperators() { return operators; }
} // namespace qc::onnximport
