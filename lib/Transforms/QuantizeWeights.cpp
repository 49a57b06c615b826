// Encodes weights, biases and other constants of quantizable ops.
#include "LayerStream.h"
#include "PairScales.h"
#include "Quantizable.h"
#include "WeightCodes.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "qc/Transforms/Passes.h.inc"

namespace {
constexpr double smallestScale = std::numeric_limits<float>::min(), largestScale = std::numeric_limits<float>::max();

/// The quantized element type behind an f32 value that was decoded; null if it was not.
Type getDecodedType(Value value) {
  Value codes = getDecodedCodes(value);
  return codes ? getElementType(codes) : Type();
}

/// The type of the qcasts that `value` goes into; null if there is none or they differ.
quant::QuantizedType getEncodedType(Value value) {
  quant::QuantizedType type;
  for (Operation *user : value.getUsers()) {
    auto qcast = dyn_cast<quant::QuantizeCastOp>(user);
    if (!qcast || (type && type != qcast.getQuantizedType()))
      return {};
    type = qcast.getQuantizedType();
  }
  return type;
}

double ceilPowerOfTwo(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent);
  return std::ldexp(1.0, mantissa == 0.5 ? exponent - 1 : exponent);
}

/// `scales` for each of the `channels` of an axis, where there may be one for all.
SmallVector<double> perChannel(SmallVector<double> scales, int64_t channels) {
  return scales.size() == 1 ? SmallVector<double>(channels, scales[0]) : scales;
}

/// Largest magnitude per index of `axis` (or over all for -1).
SmallVector<double> getMagnitudes(ArrayRef<float> values, ArrayRef<int64_t> shape, int64_t axis) {
  int64_t channels = axis < 0 ? 1 : shape[axis], inner = 1;
  if (axis >= 0)
    for (int64_t d : shape.drop_front(axis + 1))
      inner *= d;
  SmallVector<double> most(channels, 0.0);
  if (axis < 0)
    inner = int64_t(values.size());
  for (size_t i = 0; i < values.size();)
    for (double &m : most)
      for (int64_t k = 0; k < inner; ++k)
        m = std::max(m, std::fabs(double(values[i++])));
  return most;
}

/// Scales of least error per index of `axis` (or one for all for -1), where codes have few levels.
SmallVector<double> fitScales(const WeightScheme &scheme, ArrayRef<float> values, ArrayRef<int64_t> shape, int64_t axis) {
  int64_t channels = axis < 0 ? 1 : shape[axis];
  size_t inner = axis < 0 ? std::max<size_t>(values.size(), 1) : size_t(product(shape.drop_front(axis + 1)));
  std::vector<std::vector<double>> each(channels);
  for (size_t i = 0; i < values.size(); ++i)
    each[i / inner % channels].push_back(values[i]);
  return llvm::map_to_vector(each, [&](const std::vector<double> &channel) { return scheme.fitScale(channel); });
}

/// Rounds some codes the other way so that the errors of each channel of `axis` sum up to half a step at most. Activations behind
/// a relu have a mean of their own size, which multiplies that sum: what remains of a channel's error is then noise, not an
/// offset. The weights nearest to the middle between two codes change, which costs next to nothing.
///
/// Errors are collected for some channels at a time: those that share cache lines, where the channel is the last dimension.
void balanceRounding(MutableArrayRef<int32_t> codes, ArrayRef<float> values, ArrayRef<double> scales, int64_t highest,
                     ArrayRef<int64_t> shape, int64_t axis) {
  constexpr int64_t together = 16;
  int64_t channels = shape[axis], inner = 1, size = int64_t(codes.size());
  for (int64_t d : shape.drop_front(axis + 1))
    inner *= d;
  std::array<std::vector<std::pair<double, size_t>>, together> errors;
  for (int64_t first = 0; first < channels; first += together) {
    int64_t count = std::min(together, channels - first);
    for (auto &channel : errors)
      channel.clear();
    for (int64_t outer = 0; outer < size; outer += channels * inner)
      for (int64_t c = 0; c < count; ++c)
        for (int64_t i = outer + (first + c) * inner, end = i + inner; i < end; ++i)
          errors[c].push_back({double(values[i]) / scales[first + c] - double(codes[i]), i});
    for (auto &channel : errors)
      balanceChannel(codes, channel, -highest, highest);
  }
}

/// Filters along time from this length on are those of signals (windowed transforms), not of features.
constexpr int64_t signalTaps = 16;

/// Carries nine tenths of each rounding error of a filter over to its next tap: noise shaping of first order (Spang and
/// Schultheiss 1962). What a filter errs is then little where signals have most of their power, at low frequencies, and their
/// mean stays right. `shape`: [outputs][inputs][taps], one scale per output.
void shapeRounding(MutableArrayRef<int32_t> codes, ArrayRef<float> values, ArrayRef<double> scales, int64_t highest,
                   ArrayRef<int64_t> shape) {
  constexpr double carried = 0.9;
  int64_t taps = shape[2];
  for (int64_t first = 0; first < int64_t(codes.size()); first += taps) {
    double scale = scales[first / taps / shape[1]], error = 0;
    for (int64_t i = first; i < first + taps; ++i) {
      double wanted = double(values[i]) / scale + carried * error;
      codes[i] = int32_t(std::clamp(std::nearbyint(wanted), -double(highest), double(highest)));
      error = wanted - double(codes[i]);
    }
  }
}

bool allFinite(ArrayRef<float> values) {
  return llvm::all_of(values, [](float v) { return std::isfinite(v); });
}

struct QuantizeWeights : impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    std::optional<WeightScheme> defaultScheme = parseWeightCode(weights, &getContext());
    if (!defaultScheme) {
      emitError(getOperation().getLoc()) << "'" << weights << "' is no code type of weights: use " << listWeightCodes();
      return signalPassFailure();
    }
    if (pairSafe != "off" && pairSafe != "shrink") {
      emitError(getOperation().getLoc()) << "pair-safe=" << pairSafe << ": use one of off, shrink";
      return signalPassFailure();
    }
    if (granularity != "channel" && granularity != "tensor") {
      emitError(getOperation().getLoc()) << "granularity=" << granularity << ": use one of channel, tensor";
      return signalPassFailure();
    }
    if (pairSafe == "shrink" && (powerOfTwo || granularity == "tensor")) {
      if (granularity == "tensor")
        emitError(getOperation().getLoc())
            << "pair-safe=shrink changes scales of single channels, which granularity=tensor has not";
      else
        emitError(getOperation().getLoc()) << "pair-safe=shrink changes scales by less than a power of two";
      return signalPassFailure();
    }
    shrunk.clear(); // a pass runs on one function after another
    getOperation().walk([&](QuantizableOpInterface op) {
      if (isa<ConstantOp>(op.getOperation()) || op->getNumResults() != 1 || !isFloatTensor(op->getResult(0)) ||
          !whyNotInteger(op).empty())
        return;
      WeightScheme scheme = WeightScheme::get(op->getAttr(weightCodeName)).value_or(*defaultScheme);
      op->removeAttr(weightCodeName);
      std::string why = quantizeContraction(op, fitToLayer(scheme, op));
      if (why.empty())
        why = quantizeActivationConstants(op);
      if (!why.empty())
        op->setAttr(floatReasonName, StringAttr::get(&getContext(), why));
    });
    if (pairSafe == "shrink")
      getOperation()->setAttr("qc.pair_safe", ArrayAttr::get(&getContext(), shrunk));
  }

private:
  /// Weight and bias of `op`, if it has them. Gives the reason if they cannot be encoded.
  std::string quantizeContraction(QuantizableOpInterface op, const WeightScheme &code) {
    OpOperand *weight = nullptr, *bias = nullptr;
    for (OpOperand &operand : op->getOpOperands()) {
      OperandRole role = op.getOperandRole(operand.getOperandNumber());
      if (role == OperandRole::Weight)
        weight = &operand;
      if (role == OperandRole::Bias)
        bias = &operand;
    }
    bool encodeWeight = weight && getConstant(weight->get()), encodeBias = bias && getConstant(bias->get());
    if (!encodeWeight && !encodeBias)
      return "";
    auto inputType = dyn_cast_or_null<quant::UniformQuantizedType>(getDecodedType(op->getOperand(0)));
    if (!inputType)
      return "its input is not quantized per tensor";
    double inputScale = inputType.getScale();
    SmallVector<float> biases;
    if (encodeBias)
      biases = getFloats(getConstant(bias->get()));
    if (!allFinite(biases))
      return "its bias holds a value that is not finite";

    if (encodeWeight) {
      SmallVector<float> storage;
      ArrayRef<float> values = viewFloats(getConstant(weight->get()), storage);
      if (!allFinite(values))
        return "its weights hold a value that is not finite";
      // Errors are balanced per channel, whatever the granularity of scales.
      int64_t channelAxis = op.getWeightChannelAxis(), axis = granularity == "tensor" ? -1 : channelAxis;
      // Every integer up to the highest is a code, or few are: then the largest weight does not say the scale.
      bool isUniform = code.getLevels().empty();
      double highest = isUniform ? double(code.getHighest()) : 1;
      SmallVector<double> scales = isUniform ? getMagnitudes(values, getShape(weight->get()), axis)
                                             : fitScales(code, values, getShape(weight->get()), axis);
      for (auto [c, scale] : llvm::enumerate(scales)) {
        double largestBias = 0;
        for (float b :
             axis < 0 ? ArrayRef<float>(biases) : ArrayRef<float>(biases).slice(std::min(c, biases.size())).take_front(1))
          largestBias = std::max(largestBias, std::fabs(double(b)));
        // A channel of zeros gets its scale from its bias alone.
        scale /= highest;
        if (scale == 0 && largestBias == 0)
          scale = 1.0;
        double least = getLeastWeightScale(largestBias, inputScale);
        // Where the scale is one of least error, the power of two next to it is.
        bool roundsDown = powerOfTwo && !isUniform && ceilPowerOfTwo(scale) > scale * 4 / 3;
        scale = std::max(roundsDown ? ceilPowerOfTwo(scale) / 2 : scale, least);
        if (powerOfTwo)
          scale = ceilPowerOfTwo(scale);
        if (scale * inputScale > largestScale)
          return "the product of its input's and its weights' scale exceeds f32";
      }
      if (GroupedAttr grouped = code.getGrouped()) {
        replaceByCodes(*weight, code.getType(scales, axis), encodeGroups(*Contraction::get(op), grouped, values, scales));
      } else {
        if (pairSafe == "shrink" && isUniform)
          shrink(op, *weight, scales, inputType, code);
        encodeOperand(*weight, code.getType(scales, axis), isUniform ? channelAxis : -1);
      }
    }
    if (!encodeBias)
      return "";
    Type weightType = getDecodedType(weight ? weight->get() : op->getOperand(1));
    QuantSchemeInterface scheme = weightType ? getScheme(weightType) : QuantSchemeInterface();
    if (!scheme)
      return "its weights are not quantized";
    // A product of two activations (no weight) has one scale, too.
    auto weightScales = scheme.getScaleValues();
    if (weightScales.size() != 1 && weightScales.size() != biases.size())
      return "its weights' scales do not run along its output channels";
    for (auto [c, b] : llvm::enumerate(biases))
      if (std::fabs(double(b)) / (inputScale * weightScales[weightScales.size() == 1 ? 0 : c]) > 0x1p31 - 1)
        return "its bias does not fit in 32 bits at the scale of its accumulator";
    encodeOperand(*bias, getBiasType(&getContext(), inputScale, weightScales, weightScales.size() != 1));
    return "";
  }

  /// Constants that an op treats as activations: the second summand of an add, a part of a concat.
  std::string quantizeActivationConstants(QuantizableOpInterface op) {
    auto resultType = dyn_cast_or_null<quant::UniformQuantizedType>(getEncodedType(op->getResult(0)));
    for (OpOperand &operand : op->getOpOperands()) {
      ElementsAttr constant = getConstant(operand.get());
      if (!constant || !isFloatTensor(operand.get()) || op.getOperandRole(operand.getOperandNumber()) != OperandRole::Activation)
        continue;
      if (!resultType)
        return "its result is not quantized";
      SmallVector<float> values = getFloats(constant);
      if (!allFinite(values))
        return "a constant operand holds a value that is not finite";
      encodeOperand(operand, op.isSameScale() ? resultType : getConstantType(getCodeType(resultType), values));
    }
    return "";
  }

  quant::UniformQuantizedType getConstantType(IntegerType code, ArrayRef<float> values) {
    if (values.empty())
      return getAffineType(code, 0, 0, powerOfTwo, !zeroPoints);
    auto [least, most] = std::minmax_element(values.begin(), values.end());
    double low = *least, high = *most, size = std::fabs(low);
    bool exact = low == high && size >= smallestScale && (!powerOfTwo || ceilPowerOfTwo(size) == size) &&
                 (zeroPoints || !(code.isUnsigned() && low < 0));
    if (!exact)
      return getAffineType(code, low, high, powerOfTwo, !zeroPoints);
    // One value only: it is the scale, so that it stays exact.
    auto [codeLow, codeHigh] = getCodeLimits(code);
    int64_t zeroPoint = code.isUnsigned() && low < 0 ? 1 : 0;
    return quant::UniformQuantizedType::get(code.isUnsigned() ? 0 : quant::QuantizationFlags::Signed,
                                            IntegerType::get(&getContext(), code.getWidth()), Float32Type::get(&getContext()),
                                            size, zeroPoint, codeLow, codeHigh);
  }

  static std::vector<int32_t> encode(ArrayRef<float> values, ArrayRef<int64_t> shape, Type type, int64_t balancedAxis) {
    QuantSchemeInterface scheme = getScheme(type);
    std::vector<int32_t> codes; // the widest are biases
    codes.reserve(values.size());
    // Some rows at a time, where the scale does not depend on the row: reals and wide codes of all would take much memory.
    SmallVector<int64_t> part(shape);
    int64_t row = shape.empty() ? 1 : std::max<int64_t>(product(shape.drop_front()), 1);
    int64_t rows =
        scheme.getChannelAxis() == 0 || shape.empty() ? int64_t(values.size()) / row : std::max<int64_t>(65536 / row, 1);
    for (ArrayRef<float> rest = values; !rest.empty(); rest = rest.drop_front(std::min<size_t>(rows * row, rest.size()))) {
      ArrayRef<float> some = rest.take_front(rows * row);
      if (!part.empty())
        part[0] = int64_t(some.size()) / row;
      llvm::append_range(codes, scheme.encode(SmallVector<double>(some.begin(), some.end()), part));
    }
    if (balancedAxis < 0)
      return codes;
    SmallVector<double> scales = perChannel(scheme.getScaleValues(), shape[balancedAxis]);
    if (balancedAxis == 0 && shape.size() == 3 && shape[2] >= signalTaps)
      shapeRounding(codes, values, scales, scheme.getCodeRange().second, shape);
    else
      balanceRounding(codes, values, scales, scheme.getCodeRange().second, shape, balancedAxis);
    return codes;
  }

  /// Codes times the factors of least error; errors are balanced in each group.
  static std::vector<int32_t> encodeGroups(const Contraction &layer, GroupedAttr grouped, ArrayRef<float> values,
                                           ArrayRef<double> scales) {
    std::vector<std::vector<int32_t>> groups = layer.getFactorGroups(grouped.getLength());
    std::vector<int32_t> codes(values.size());
    for (int64_t c = 0; c < layer.channels; ++c)
      for (ArrayRef<int32_t> group : groups) {
        double scale = scales[scales.size() == 1 ? 0 : c];
        SmallVector<double, 32> reals =
            llvm::map_to_vector<32>(group, [&](int64_t k) { return double(values[layer.getWeightIndex(c, k)]) / scale; });
        int64_t factor = grouped.chooseFactor(reals, {});
        SmallVector<int32_t, 32> some;
        std::vector<std::pair<double, size_t>> errors;
        for (auto [i, real] : llvm::enumerate(reals)) {
          some.push_back(int32_t(grouped.toProduct(real, double(factor))) / int32_t(factor));
          errors.push_back({real / double(factor) - some.back(), i});
        }
        balanceChannel(some, errors, grouped.getLowest(), grouped.getHighest());
        for (auto [code, k] : llvm::zip_equal(some, group))
          codes[layer.getWeightIndex(c, k)] = int32_t(factor) * code;
      }
    return codes;
  }

  /// Enlarges scales where that makes pairs of weights safe, and notes what it costs.
  void shrink(Operation *op, OpOperand &weight, SmallVectorImpl<double> &scales, quant::UniformQuantizedType inputType,
              const WeightScheme &code) {
    ArrayRef<int64_t> shape = getShape(weight.get());
    auto conv = dyn_cast<ConvOp>(op);
    bool isProduct = isa<MatmulOp>(op) && shape.size() == 2;
    PairScaleProblem problem;
    problem.xMax = inputType.getStorageTypeMax() - inputType.getStorageTypeMin();
    if (code.getBits() > 8 || problem.xMax > 255 || !((conv && conv.getGroups() == 1) || isProduct))
      return;
    int64_t axis = isProduct ? 1 : 0;
    problem.channels = shape[axis];
    problem.depth = shape[1 - axis];
    if (conv) {
      problem.taps = product(shape.drop_front(2));
      problem.kernelW = shape.size() > 2 ? shape.back() : 1;
    }
    SmallVector<float> storage;
    ArrayRef<float> values = viewFloats(getConstant(weight.get()), storage);
    auto scaled = [&](ArrayRef<double> factors) {
      SmallVector<double> result(scales.begin(), scales.end());
      for (auto [scale, factor] : llvm::zip_equal(result, factors))
        scale *= factor;
      return result;
    };
    auto encodeAll = [&](ArrayRef<double> factors) { return encode(values, shape, code.getType(scaled(factors), axis), axis); };
    auto reorder = [&](ArrayRef<double> factors) {
      std::vector<int32_t> codes = encodeAll(factors);
      std::vector<int8_t> ordered;
      for (int64_t n = 0; n < problem.channels; ++n)
        for (int64_t t = 0; t < problem.taps; ++t)
          for (int64_t c = 0; c < problem.depth; ++c)
            ordered.push_back(int8_t(codes[isProduct ? c * problem.channels + n : (n * problem.depth + c) * problem.taps + t]));
      return ordered;
    };
    problem.encode = reorder;
    SmallVector<double> factors = getPairFactors(problem);
    int64_t changed = llvm::count_if(factors, [](double factor) { return factor != 1; });
    if (!changed)
      return;
    int64_t inner = product(shape.drop_front(axis + 1));
    auto getRatio = [&](ArrayRef<double> factors) { // of signal to noise, in dB
      std::vector<int32_t> codes = encodeAll(factors);
      SmallVector<double> used = scaled(factors);
      double signal = 0, noise = 0;
      for (auto [i, v] : llvm::enumerate(values)) {
        double error = v - double(codes[i]) * used[int64_t(i) / inner % problem.channels];
        signal += double(v) * v;
        noise += error * error;
      }
      return noise == 0 ? 999.0 : 10 * std::log10(signal / noise);
    };
    Builder b(&getContext());
    auto number = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getF64FloatAttr(value)); };
    shrunk.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("channels", b.getI64IntegerAttr(changed)), number("largest_factor", *llvm::max_element(factors)),
         b.getNamedAttr("name", b.getStringAttr(getLocName(op->getLoc()))), number("sqnr_after", getRatio(factors)),
         number("sqnr_before", getRatio(SmallVector<double>(problem.channels, 1.0)))}));
    scales = scaled(factors);
  }

  void encodeOperand(OpOperand &operand, Type type, int64_t balancedAxis = -1) {
    SmallVector<float> storage;
    replaceByCodes(operand, type,
                   encode(viewFloats(getConstant(operand.get()), storage), getShape(operand.get()), type, balancedAxis));
  }

  SmallVector<Attribute> shrunk; ///< per layer whose scales grew: how many, how much, at which loss
};
} // namespace
} // namespace qc
