// The affine scheme: real = scale * (code - zero_point), per tensor or per axis. External models on upstream's quant types.
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace qc;

namespace {
/// Runs `f(element index, channel index)` over a row-major tensor.
template <typename F> void forEachChannel(ArrayRef<int64_t> shape, int64_t axis, size_t count, F f) {
  int64_t inner = 1, channels = 1;
  if (axis >= 0) {
    channels = shape[axis];
    for (int64_t d : shape.drop_front(axis + 1))
      inner *= d;
  }
  for (size_t i = 0; i < count; ++i)
    f(i, axis < 0 ? 0 : (i / inner) % channels);
}

/// Scales of codes up to 16 bits are f32 numbers whatever the type's text says; those of wider codes (biases) are products of two
/// such scales.
bool hasF32Scale(Type type) { return cast<quant::QuantizedType>(type).getStorageTypeIntegralWidth() <= 16; }
double roundScale(Type type, double scale) { return hasF32Scale(type) ? double(float(scale)) : scale; }

template <typename Model, typename TypeT> struct UniformBase : QuantSchemeInterface::ExternalModel<Model, TypeT> {
  IntegerType getCodeType(Type type) const { return qc::getCodeType(cast<quant::QuantizedType>(type)); }
  unsigned getBits(Type type) const { return getCodeType(type).getWidth(); }
  std::pair<int64_t, int64_t> getCodeRange(Type type) const {
    auto q = cast<quant::QuantizedType>(type);
    return {q.getStorageTypeMin(), q.getStorageTypeMax()};
  }
  SmallVector<int64_t> encode(Type type, ArrayRef<double> values, ArrayRef<int64_t> shape) const {
    auto self = static_cast<const Model *>(this);
    auto scales = self->getScaleValues(type);
    auto zeros = self->getZeroPointValues(type);
    auto [low, high] = getCodeRange(type);
    SmallVector<int64_t> codes(values.size());
    // N2: the quotient has f32 precision, as in QuantizeLinear and in compiled code, except for wide codes (biases).
    bool narrow = hasF32Scale(type);
    forEachChannel(shape, self->getChannelAxis(type), values.size(), [&, low = low, high = high](size_t i, size_t c) {
      double quotient = values[i] / scales[c];
      // Ties to even before the zero point is added; the limits are compared in double so that infinities saturate.
      double code = std::nearbyint(narrow ? double(float(quotient)) : quotient) + double(zeros[c]);
      codes[i] = std::isnan(code) ? zeros[c] : int64_t(std::clamp(code, double(low), double(high)));
    });
    return codes;
  }
  SmallVector<double> decode(Type type, ArrayRef<int64_t> codes, ArrayRef<int64_t> shape) const {
    auto self = static_cast<const Model *>(this);
    auto scales = self->getScaleValues(type);
    auto zeros = self->getZeroPointValues(type);
    SmallVector<double> values(codes.size());
    forEachChannel(shape, self->getChannelAxis(type), codes.size(),
                   [&](size_t i, size_t c) { values[i] = scales[c] * double(codes[i] - zeros[c]); });
    return values;
  }
};

struct PerTensorModel : UniformBase<PerTensorModel, quant::UniformQuantizedType> {
  int64_t getChannelAxis(Type) const { return -1; }
  SmallVector<double> getScaleValues(Type type) const {
    return {roundScale(type, cast<quant::UniformQuantizedType>(type).getScale())};
  }
  SmallVector<int64_t> getZeroPointValues(Type type) const { return {cast<quant::UniformQuantizedType>(type).getZeroPoint()}; }
};

struct PerAxisModel : UniformBase<PerAxisModel, quant::UniformQuantizedPerAxisType> {
  int64_t getChannelAxis(Type type) const { return cast<quant::UniformQuantizedPerAxisType>(type).getQuantizedDimension(); }
  SmallVector<double> getScaleValues(Type type) const {
    return llvm::map_to_vector(cast<quant::UniformQuantizedPerAxisType>(type).getScales(),
                               [&](double s) { return roundScale(type, s); });
  }
  SmallVector<int64_t> getZeroPointValues(Type type) const {
    return llvm::to_vector(cast<quant::UniformQuantizedPerAxisType>(type).getZeroPoints());
  }
};

/// The least power of two that is >= x > 0.
double ceilPowerOfTwo(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent);
  return std::ldexp(1.0, mantissa == 0.5 ? exponent - 1 : exponent);
}

IntegerType signless(IntegerType type) { return IntegerType::get(type.getContext(), type.getWidth()); }
} // namespace

double qc::toScale(double x) { return std::max(double(float(x)), double(std::numeric_limits<float>::min())); }

void qc::registerSchemes(MLIRContext &context) { registerUniformSchemes(context); }

void qc::registerUniformSchemes(MLIRContext &context) {
  quant::UniformQuantizedType::attachInterface<PerTensorModel>(context);
  quant::UniformQuantizedPerAxisType::attachInterface<PerAxisModel>(context);
}

LogicalResult qc::verifyQuantizedTypes(Operation *op) {
  for (Type type : llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes())) {
    auto shaped = dyn_cast<ShapedType>(type);
    QuantSchemeInterface scheme = shaped ? getScheme(type) : QuantSchemeInterface();
    // Types of this dialect have verified themselves.
    if (auto quantized = shaped ? dyn_cast<quant::QuantizedType>(shaped.getElementType()) : quant::QuantizedType()) {
      if (!scheme)
        return op->emitOpError() << "element type " << quantized << " has no quantization scheme";
      if (!quantized.getExpressedType().isF32())
        return op->emitOpError() << "quantized types stand for f32, not for " << quantized.getExpressedType();
      auto [low, high] = scheme.getCodeRange();
      for (int64_t zero : scheme.getZeroPointValues())
        if (zero < low || zero > high)
          return op->emitOpError() << "zero point " << zero << " is outside the codes [" << low << ", " << high << "] of "
                                   << quantized;
      // A subnormal scale has lost bits of its mantissa. Biases have products of scales, which upstream keeps positive.
      for (double scale : scheme.getScaleValues())
        if (hasF32Scale(quantized) && scale < std::numeric_limits<float>::min())
          return op->emitOpError() << "scale of " << quantized << " is not a normal f32 number";
    }
    if (!scheme)
      continue;
    int64_t axis = scheme.getChannelAxis(), scales = scheme.getScaleValues().size();
    if (axis >= 0 && (axis >= shaped.getRank() || shaped.getDimSize(axis) != scales))
      return op->emitOpError() << "has " << scales << " scales along axis " << axis << " of " << type;
  }
  return success();
}

QuantSchemeInterface qc::getScheme(Type type) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    type = shaped.getElementType();
  return dyn_cast<QuantSchemeInterface>(type);
}

quant::UniformQuantizedType qc::getAffineType(IntegerType code, double min, double max, bool powerOfTwo, bool symmetric) {
  auto [low, high] = getCodeLimits(code);
  min = std::min(min, 0.0);
  max = std::max(max, 0.0);
  double scale = max == min ? 1.0 : (max - min) / double(high - low);
  // Codes of 16 bits have room: without a zero point products of two stay in 32 bits.
  symmetric |= code.getWidth() > 8 && low < 0 && min < 0 && max > 0;
  if (symmetric && max != min)
    scale = std::max(low < 0 ? min / double(low) : 0.0, max / double(high));
  if (scale == 0) // unsigned codes of negative numbers alone
    scale = 1.0;
  scale = toScale(powerOfTwo ? ceilPowerOfTwo(scale) : scale);
  double zero = symmetric ? 0 : std::clamp(std::nearbyint(double(low) - min / scale), double(low), double(high));
  return quant::UniformQuantizedType::get(code.isUnsigned() ? 0 : quant::QuantizationFlags::Signed, signless(code),
                                          Float32Type::get(code.getContext()), scale, int64_t(zero), low, high);
}

quant::QuantizedType qc::getSymmetricType(IntegerType code, ArrayRef<double> scales, int64_t axis) {
  int64_t high = getCodeLimits(code).second;
  auto f32 = Float32Type::get(code.getContext());
  SmallVector<double> rounded = llvm::map_to_vector(scales, toScale);
  if (axis < 0)
    return quant::UniformQuantizedType::get(quant::QuantizationFlags::Signed, signless(code), f32, rounded[0], 0, -high, high);
  return quant::UniformQuantizedPerAxisType::get(quant::QuantizationFlags::Signed, signless(code), f32, rounded,
                                                 SmallVector<int64_t>(rounded.size(), 0), axis, -high, high);
}

quant::QuantizedType qc::getBiasType(MLIRContext *context, double inputScale, ArrayRef<double> weightScales, bool perAxis) {
  auto i32 = IntegerType::get(context, 32);
  auto f32 = Float32Type::get(context);
  auto [low, high] = getCodeLimits(i32);
  SmallVector<double> scales = llvm::map_to_vector(weightScales, [&](double s) { return inputScale * s; });
  if (!perAxis)
    return quant::UniformQuantizedType::get(quant::QuantizationFlags::Signed, i32, f32, scales[0], 0, low, high);
  return quant::UniformQuantizedPerAxisType::get(quant::QuantizationFlags::Signed, i32, f32, scales,
                                                 SmallVector<int64_t>(scales.size(), 0), 0, low, high);
}
