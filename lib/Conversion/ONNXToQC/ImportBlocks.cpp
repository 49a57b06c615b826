// Moves between channels and space, and matrices of a fixed pattern.
#include "Algebra.h"

#include "qc/Dialect/QC/Reference/Math.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
namespace {
std::string checkDepthToSpace(Node &node) {
  std::string mode = node.getString("mode", "DCR");
  return mode == "DCR" || mode == "CRD" ? "" : "mode '" + mode + "' is unknown";
}

LogicalResult importDepthToSpace(Node &node) {
  int64_t block = node.getInt("blocksize", 0);
  Shape s = node.shape(0);
  if (s.size() != 4 || block < 1 || block > 1024 || s[1] % (block * block))
    return node.fail("an input of shape " + toString(s) + " has no blocks of size " + Twine(block));
  int64_t channels = s[1] / (block * block);
  bool channelsFirst = node.getString("mode", "DCR") == "CRD";
  Algebra a(node);
  Entry x = getInput(node, 0);
  x = channelsFirst ? a.transpose(a.reshape(x, {s[0], channels, block, block, s[2], s[3]}), {0, 1, 4, 2, 5, 3})
                    : a.transpose(a.reshape(x, {s[0], block, block, channels, s[2], s[3]}), {0, 3, 4, 1, 5, 2});
  return a.set(a.reshape(x, {s[0], channels, s[2] * block, s[3] * block}));
}

LogicalResult importSpaceToDepth(Node &node) {
  int64_t block = node.getInt("blocksize", 0);
  Shape s = node.shape(0);
  if (s.size() != 4 || block < 1 || block > 1024 || s[2] % block || s[3] % block)
    return node.fail("an input of shape " + toString(s) + " has no blocks of size " + Twine(block));
  Algebra a(node);
  Entry x = a.reshape(getInput(node, 0), {s[0], s[1], s[2] / block, block, s[3] / block, block});
  return a.set(a.reshape(a.transpose(x, {0, 3, 5, 1, 2, 4}), {s[0], s[1] * block * block, s[2] / block, s[3] / block}));
}

LogicalResult importTrilu(Node &node) {
  int64_t k = 0, rank = node.rank(0);
  if (node.has(1)) {
    HostRef host = node.constant(1, "its diagonal");
    if (host && (host->isFloat() || host->size() != 1))
      return node.fail("its diagonal must be one integer");
    k = host ? host->ints[0] : 0;
  }
  if (node.failed())
    return failure();
  if (rank < 2)
    return node.fail("its input must be matrices, but has shape " + toString(node.shape(0)));
  int64_t rows = node.shape(0)[rank - 2], columns = node.shape(0)[rank - 1];
  bool upper = node.getInt("upper", 1);
  std::vector<int64_t> mask;
  if (!node.importer.reserve(rows * columns))
    return node.fail("its matrices are too large");
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      mask.push_back(upper ? j - i >= k : j - i <= k);
  Algebra a(node);
  Entry x = getInput(node, 0);
  return a.set(a.select(a.ints(std::move(mask), {rows, columns}, node.builder().getI1Type()), x, a.number(0, x)));
}

LogicalResult importEyeLike(Node &node) {
  if (node.rank(0) != 2)
    return node.fail("its input must be a matrix, but has shape " + toString(node.shape(0)));
  Type element = node.element(0);
  if (node.hasAttribute("dtype")) {
    std::string why;
    element = getElementType(int32_t(node.getInt("dtype", 0)), node.context(), why);
    if (!element)
      return node.fail("it makes " + why);
  }
  int64_t rows = node.shape(0)[0], columns = node.shape(0)[1], k = node.getInt("k", 0);
  if (!node.importer.reserve(rows * columns))
    return node.fail("its matrix is too large");
  Host host{element, {rows, columns}, {}, {}};
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      if (host.isFloat())
        host.floats.push_back(j - i == k);
      else
        host.ints.push_back(j - i == k);
  return node.set(node.constantEntry(std::move(host)));
}

/// Windows of signal processing: a - b * cos(2 pi n / N) + c * cos(4 pi n / N).
LogicalResult importWindow(Node &node, double a, double b, double c) {
  const Host &size = *node.input(0).host;
  int64_t count = size.size() == 1 && !size.isFloat() ? size.ints[0] : 0;
  if (count < 1 || !node.importer.reserve(count))
    return node.fail("its size must be one positive integer");
  std::string why;
  Type element = getElementType(int32_t(node.getInt("output_datatype", 1)), node.context(), why);
  if (!element || !isa<FloatType>(element))
    return node.fail("its output_datatype must be a floating-point type");
  double period = double(node.getInt("periodic", 1) ? count : std::max<int64_t>(count - 1, 1));
  Host host{node.f32(), {count}, {}, {}};
  for (int64_t n = 0; n < count; ++n)
    host.floats.push_back(float(a - b * exactCos(2 * M_PI * double(n) / period) + c * exactCos(4 * M_PI * double(n) / period)));
  return node.set(node.constantEntry(std::move(host)));
}
LogicalResult importHannWindow(Node &node) { return importWindow(node, 0.5, 0.5, 0); }
LogicalResult importHammingWindow(Node &node) { return importWindow(node, 25.0 / 46, 21.0 / 46, 0); }
LogicalResult importBlackmanWindow(Node &node) { return importWindow(node, 0.42, 0.5, 0.08); }

const Operator operators[] = {
    {"BlackmanWindow", 17, 21, 1, 1, Elements::Constant, importBlackmanWindow, nullptr},
    {"DepthToSpace", 1, 21, 1, 1, Elements::Any, importDepthToSpace, checkDepthToSpace},
    {"EyeLike", 9, 21, 1, 1, Elements::Any, importEyeLike, nullptr},
    {"HammingWindow", 17, 21, 1, 1, Elements::Constant, importHammingWindow, nullptr},
    {"HannWindow", 17, 21, 1, 1, Elements::Constant, importHannWindow, nullptr},
    {"SpaceToDepth", 1, 21, 1, 1, Elements::Any, importSpaceToDepth, nullptr},
    {"Trilu", 14, 21, 1, 2, Elements::Any, importTrilu, nullptr, "constant diagonal"},
};
} // namespace

ArrayRef<Operator> getBlockOperators() { return operators; }
} // namespace qc::onnximport
