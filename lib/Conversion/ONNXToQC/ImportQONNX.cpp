// Operators of QONNX (Brevitas, FINN, QKeras): fake quantization of any bit width. Each is a monotone function from real values
// to codes: a cast where its rounding is that of QuantizeLinear, else thresholds, which no rounding can blur.
#include "Importer.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;

namespace qc::onnximport {
namespace {
enum class Mode { Even, Up, Down, Ceil, Floor, HalfUp, HalfDown };

std::optional<Mode> parseMode(StringRef text) {
  return llvm::StringSwitch<std::optional<Mode>>(text)
      .CasesLower({"round", "half_even"}, Mode::Even)
      .CaseLower("up", Mode::Up)
      .CasesLower({"down", "round_to_zero"}, Mode::Down)
      .CaseLower("ceil", Mode::Ceil)
      .CaseLower("floor", Mode::Floor)
      .CaseLower("half_up", Mode::HalfUp)
      .CaseLower("half_down", Mode::HalfDown)
      .Default(std::nullopt);
}

/// The names say what happens to magnitudes: `up` is away from zero.
double roundTo(Mode mode, double x) {
  double magnitude = std::fabs(x);
  switch (mode) {
  case Mode::Even:
    return std::nearbyint(x);
  case Mode::Up:
    return std::copysign(std::ceil(magnitude), x);
  case Mode::Down:
    return std::trunc(x);
  case Mode::Ceil:
    return std::ceil(x);
  case Mode::Floor:
    return std::floor(x);
  case Mode::HalfUp:
    return std::copysign(std::floor(magnitude + 0.5), x);
  case Mode::HalfDown:
    return std::copysign(std::ceil(magnitude - 0.5), x);
  }
  return x;
}

std::string checkMode(Node &node, StringRef otherwise) {
  std::string mode = node.getString("rounding_mode", otherwise);
  return parseMode(mode)
             ? ""
             : "rounding_mode '" + mode + "' is unknown; ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP and HALF_DOWN are supported";
}
std::string checkQuant(Node &node) { return checkMode(node, "ROUND"); }
std::string checkTrunc(Node &node) { return checkMode(node, "FLOOR"); }

/// A quantizer: for each channel a function from f32 to a code in [low, high] that never falls, and what the codes mean.
struct Quantizer {
  int64_t low, high, step = 1; ///< codes low, low + step, ..., high
  IntegerType code;
  SmallVector<double> scales;
  SmallVector<int64_t> zeros;
  int64_t axis = -1;
  std::function<int64_t(float x, size_t channel)> encode;
  bool isCast = false; ///< it rounds as quant.qcast does
};

quant::QuantizedType getType(Node &node, const Quantizer &q) {
  unsigned flags = q.code.isUnsigned() ? 0 : quant::QuantizationFlags::Signed;
  Type storage = IntegerType::get(node.context(), q.code.getWidth());
  if (q.axis < 0)
    return quant::UniformQuantizedType::get(flags, storage, node.f32(), q.scales[0], q.zeros[0], q.low, q.high);
  return quant::UniformQuantizedPerAxisType::get(flags, storage, node.f32(), q.scales, q.zeros, q.axis, q.low, q.high);
}

/// The order of f32 numbers as integers.
float fromOrder(int64_t order) {
  uint32_t bits = order < 0 ? 0x80000000u | uint32_t(-order) : uint32_t(order);
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

/// The least f32 number whose code is at least `code`; infinity if none is.
float findThreshold(const Quantizer &q, int64_t code, size_t channel) {
  constexpr int64_t largest = 0x7f7fffff;
  int64_t below = -largest - 1, reached = largest + 1;
  while (reached - below > 1) {
    int64_t middle = below + (reached - below) / 2;
    (q.encode(fromOrder(middle), channel) >= code ? reached : below) = middle;
  }
  if (reached == largest + 1)
    return INFINITY;
  return reached == -largest ? -INFINITY : fromOrder(reached);
}

size_t channelOf(ArrayRef<int64_t> shape, int64_t axis, int64_t i) {
  if (axis < 0)
    return 0;
  for (size_t d = shape.size(); int64_t(d) > axis + 1; --d)
    i /= shape[d - 1];
  return i % shape[axis];
}

LogicalResult build(Node &node, const Quantizer &q) {
  auto type = getType(node, q);
  Entry x = node.input(0);
  if (x.isPlainConstant()) {
    // Weights: their codes are a stored constant from here on.
    Host host{q.code, x.shape, {}, {}};
    for (int64_t i = 0; i < x.host->size(); ++i)
      host.ints.push_back(q.encode(x.host->floats[i], channelOf(x.shape, q.axis, i)));
    Entry entry = node.constantEntry(std::move(host));
    entry.codes = type;
    entry.element = node.f32();
    return node.set(entry);
  }
  Value value = node.value(0), codes;
  if (node.failed())
    return failure();
  auto coded = withElementType(value.getType(), type);
  if (q.isCast) {
    codes = quant::QuantizeCastOp::create(node.builder(), node.innerLoc(), coded, value);
  } else {
    int64_t row = (q.high - q.low) / q.step;
    if (row < 1 || row > 256)
      return node.fail("its rounding needs thresholds, of which " + Twine(row) + " would be too many; use at most 8 bits");
    Host thresholds{node.f32(), {row}, {}, {}};
    if (q.axis >= 0)
      thresholds.shape.insert(thresholds.shape.begin(), x.shape[q.axis]);
    for (size_t c = 0; c < q.scales.size(); ++c)
      for (int64_t code = q.low + q.step; code <= q.high; code += q.step)
        thresholds.floats.push_back(findThreshold(q, code, c));
    Value constant = node.makeConstant(node.innerLoc(), std::move(thresholds));
    codes = ThresholdOp::create(node.builder(), node.innerLoc(), coded, value, constant,
                                q.axis < 0 ? IntegerAttr() : node.builder().getI64IntegerAttr(q.axis), q.low, q.step);
  }
  return node.set(node.computed(
      quant::DequantizeCastOp::create(node.builder(), node.loc(), withElementType(value.getType(), node.f32()), codes)));
}

/// Input `i` as numbers along one axis of the first input, which is set if there is more than one.
SmallVector<double> getNumbers(Node &node, unsigned i, StringRef what, int64_t &axis) {
  HostRef host = node.constant(i, what);
  if (!host || !host->isFloat() || host->size() == 0) {
    (void)node.fail(what + " must be f32 numbers");
    return {};
  }
  if (host->size() > 1) {
    int64_t offset = node.rank(0) - int64_t(host->shape.size());
    std::optional<int64_t> found;
    for (auto [d, size] : llvm::enumerate(host->shape))
      if (size > 1) {
        if (found || int64_t(d) + offset < 0 || node.shape(0)[d + offset] != size) {
          (void)node.fail(what + " ('" + node.proto.input(i) + "') of shape " + toString(host->shape) +
                          " does not run along one dimension of its input of shape " + toString(node.shape(0)));
          return {};
        }
        found = d + offset;
      }
    if (axis >= 0 && axis != *found) {
      (void)node.fail("its scale and zero point run along different dimensions");
      return {};
    }
    axis = *found;
  }
  return SmallVector<double>(host->floats.begin(), host->floats.end());
}

double getNumber(Node &node, unsigned i, StringRef what) {
  HostRef host = node.constant(i, what);
  if (host && host->size() == 1)
    return host->number(0);
  (void)node.fail(what + " must be one number");
  return 1;
}

/// A bit width in [1, 32].
int64_t getBits(Node &node, unsigned i, StringRef what) {
  double bits = getNumber(node, i, what);
  if (!node.failed() && bits != std::nearbyint(bits))
    (void)node.fail(what + " is " + std::to_string(bits) + "; fractional bit widths are not supported");
  else if (!node.failed() && (bits < 1 || bits > 32))
    (void)node.fail(what + " is " + llvm::formatv("{0:f0}", bits).str() + ", which is outside [1, 32]");
  return node.failed() ? 8 : int64_t(bits);
}

/// Scales and zero points, one each or one per index of `axis`.
LogicalResult getParameters(Node &node, Quantizer &q, SmallVectorImpl<double> &zeros) {
  auto scales = getNumbers(node, 1, "its scale", q.axis), given = getNumbers(node, 2, "its zero point", q.axis);
  if (node.failed())
    return failure();
  size_t count = std::max(scales.size(), given.size());
  for (size_t c = 0; c < count; ++c) {
    q.scales.push_back(scales[scales.size() == 1 ? 0 : c]);
    zeros.push_back(given[given.size() == 1 ? 0 : c]);
    if (!(q.scales[c] >= std::numeric_limits<float>::min()) || !std::isfinite(q.scales[c]))
      return node.fail("its scale " + std::to_string(q.scales[c]) + " is not a positive number");
    if (!(std::fabs(zeros[c]) < 0x1p31))
      return node.fail("its zero point " + std::to_string(zeros[c]) + " is not supported");
  }
  return success();
}

LogicalResult setLimits(Node &node, Quantizer &q, bool isSigned, bool narrow, int64_t bits) {
  if (isSigned && bits == 1)
    return node.fail("signed codes of one bit are not supported; BipolarQuant has the values -1 and 1");
  if (!isSigned && bits > 16)
    return node.fail("unsigned codes of " + Twine(bits) + " bits are not supported, those of up to 16 bits are");
  int64_t half = int64_t(1) << (bits - 1);
  q.low = isSigned ? -half + narrow : 0;
  q.high = isSigned ? half - 1 : 2 * half - 1 - narrow;
  if (q.low >= q.high)
    return node.fail("narrow codes of " + Twine(bits) + " bits have one value only");
  q.code = IntegerType::get(node.context(), std::max<int64_t>(bits, 2), isSigned ? IntegerType::Signless : IntegerType::Unsigned);
  return success();
}

LogicalResult setZeros(Node &node, Quantizer &q, ArrayRef<double> zeros) {
  for (double zero : zeros) {
    if (zero != std::nearbyint(zero) || zero < double(q.low) || zero > double(q.high))
      return node.fail("its zero point " + std::to_string(zero) + " is not one of its codes, which are " + Twine(q.low) + " to " +
                       Twine(q.high));
    q.zeros.push_back(int64_t(zero));
  }
  return success();
}

LogicalResult importQuant(Node &node) {
  Quantizer q;
  SmallVector<double> zeros;
  int64_t bits = getBits(node, 3, "its bit width");
  if (failed(getParameters(node, q, zeros)) ||
      failed(setLimits(node, q, node.getInt("signed", 1), node.getInt("narrow", 0), bits)) || failed(setZeros(node, q, zeros)))
    return failure();
  Mode mode = *parseMode(node.getString("rounding_mode", "ROUND"));
  // As QONNX evaluates it: in f32, the zero point added before the tie is broken.
  q.encode = [&q, mode](float x, size_t c) {
    double code = float(float(x / float(q.scales[c])) + float(q.zeros[c]));
    return std::isnan(code) ? q.zeros[c] : int64_t(roundTo(mode, std::clamp(code, double(q.low), double(q.high))));
  };
  q.isCast = mode == Mode::Even && llvm::all_of(q.zeros, [](int64_t z) { return z % 2 == 0; });
  return build(node, q);
}

LogicalResult importBipolarQuant(Node &node) {
  Quantizer q;
  q.scales = getNumbers(node, 1, "its scale", q.axis);
  for (double scale : q.scales)
    if (!(scale >= std::numeric_limits<float>::min()) || !std::isfinite(scale))
      return node.fail("its scale " + std::to_string(scale) + " is not a positive number");
  if (node.failed())
    return failure();
  q.zeros.assign(q.scales.size(), 0);
  q.low = -1;
  q.high = 1;
  q.step = 2;
  q.code = IntegerType::get(node.context(), 2);
  q.encode = [](float x, size_t) -> int64_t { return x >= 0 ? 1 : -1; };
  return build(node, q);
}

/// Version 1 has (x, scale, zero point, input bits, output bits), version 2 also the result's scale, and a zero point that it
/// does not read, in front of the output bits.
LogicalResult importTrunc(Node &node) {
  Quantizer q;
  SmallVector<double> zeros;
  unsigned last = node.numInputs() - 1;
  bool isFirst = last == 4;
  int64_t inputBits = getBits(node, 3, "its input bit width"), bits = getBits(node, last, "its output bit width");
  if (failed(getParameters(node, q, zeros)))
    return failure();
  Mode mode = *parseMode(node.getString("rounding_mode", "FLOOR"));
  SmallVector<double> from = q.scales;
  double shift = std::exp2(double(std::max<int64_t>(inputBits - bits, 0)));
  if (isFirst) {
    // The codes are not limited and keep the scale of the input; one bit more serves signed and unsigned ones.
    if (failed(setLimits(node, q, true, false, std::min<int64_t>(bits + 1, 32))) || failed(setZeros(node, q, zeros)))
      return failure();
  } else {
    double to = getNumber(node, 4, "its output scale");
    if (node.failed() || !(to >= std::numeric_limits<float>::min()) || !std::isfinite(to))
      return node.fail("its output scale " + std::to_string(to) + " is not a positive number");
    shift = std::exp2(std::nearbyint(std::log2(to / q.scales[0])));
    if (q.scales.size() > 1)
      return node.fail("it has several scales, which is not supported beside an output scale");
    q.scales[0] = to;
    for (double &zero : zeros)
      zero /= shift;
    if (failed(setLimits(node, q, node.getInt("signed", 1), node.getInt("narrow", 0), bits)) || failed(setZeros(node, q, zeros)))
      return failure();
  }
  SmallVector<double> offset;
  for (int64_t zero : q.zeros)
    offset.push_back(double(zero) * (isFirst ? 1 : shift));
  q.encode = [&, shift, mode](float x, size_t c) {
    double code = std::nearbyint(float(float(x / float(from[c])) + float(offset[c]))) / shift;
    return int64_t(roundTo(mode, std::clamp(code, double(q.low), double(q.high))));
  };
  return build(node, q);
}

LogicalResult importMultiThreshold(Node &node) {
  if (node.getString("data_layout", "NCHW") != "NCHW" && node.getString("data_layout", "NCHW") != "NC")
    return node.fail("data_layout '" + node.getString("data_layout", "") + "' is not supported; channels come first (NCHW)");
  double scale = node.getFloat("out_scale", 1), bias = node.getFloat("out_bias", 0);
  HostRef given = node.constant(1, "its thresholds");
  if (!given)
    return failure();
  if (!given->isFloat() || given->shape.size() != 2 || node.rank(0) < 2 ||
      (given->shape[0] != 1 && given->shape[0] != node.shape(0)[1]) || given->shape[1] < 1 || given->shape[1] > 256)
    return node.fail("its thresholds of shape " + toString(given->shape) +
                     " must be [1 or channels, at most 256] for its input of shape " + toString(node.shape(0)));
  if (!(scale >= std::numeric_limits<float>::min()) || !std::isfinite(scale))
    return node.fail("attribute 'out_scale' is " + std::to_string(scale) + ", which is not a positive number");
  // The codes count in steps of out_scale, or of half of it where out_bias lies between two.
  int64_t row = given->shape[1];
  double base = bias / scale;
  int64_t step = base == std::nearbyint(base) ? 1 : 2;
  if (step * base != std::nearbyint(step * base) || std::fabs(step * base) > 0x1p14)
    return node.fail("attribute 'out_bias' " + std::to_string(bias) + " is no multiple of half of 'out_scale' " +
                     std::to_string(scale));
  int64_t low = int64_t(step * base), high = low + step * row;
  unsigned bits = 2;
  while (low < -(int64_t(1) << (bits - 1)) || high >= int64_t(1) << (bits - 1))
    ++bits;
  auto storage = IntegerType::get(node.context(), bits);
  auto type = quant::UniformQuantizedType::get(quant::QuantizationFlags::Signed, storage, node.f32(), float(scale / step), 0,
                                               std::min<int64_t>(low, 0), std::max<int64_t>(high, 0));
  bool perChannel = given->shape[0] > 1;
  Host thresholds = *given;
  for (int64_t r = 0; r < given->shape[0]; ++r)
    std::sort(thresholds.floats.begin() + r * row, thresholds.floats.begin() + (r + 1) * row);
  if (!perChannel)
    thresholds.shape.erase(thresholds.shape.begin());
  Value x = node.value(0), constant = node.makeConstant(node.innerLoc(), std::move(thresholds));
  if (node.failed())
    return failure();
  Value codes = ThresholdOp::create(node.builder(), node.innerLoc(), withElementType(x.getType(), type), x, constant,
                                    perChannel ? node.builder().getI64IntegerAttr(1) : IntegerAttr(), low, step);
  return node.set(node.computed(quant::DequantizeCastOp::create(node.builder(), node.loc(), x.getType(), codes)));
}

const Operator operators[] = {
    {"BipolarQuant", 1, 1, 2, 2, Elements::Float, importBipolarQuant, nullptr},
    {"IntQuant", 1, 1, 4, 4, Elements::Float, importQuant, checkQuant},
    {"MultiThreshold", 1, 1, 2, 2, Elements::Float, importMultiThreshold, nullptr},
    {"Quant", 1, 1, 4, 4, Elements::Float, importQuant, checkQuant},
    {"Trunc", 1, 1, 5, 7, Elements::Float, importTrunc, checkTrunc},
};
} // namespace

ArrayRef<Operator> getQONNXOperators() { return operators; }
} // namespace qc::onnximport
