// N20, N21, N23 and N24: from scales to integers, and one row of codes at a time.
#include "qc/Dialect/QC/Reference/Rows.h"

#include "qc/Dialect/QC/Reference/FunctionsInt.h"
#include "qc/Dialect/QC/Reference/Math.h"
#include "qc/Dialect/QC/Reference/Requantize.h"

#include <cmath>

using namespace mlir;

namespace qc {
namespace {
/// The least n with 2^n >= x.
int64_t ceilLog2(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent);
  return mantissa == 0.5 ? exponent - 1 : exponent;
}
/// The greatest n with 2^n <= x.
int64_t floorLog2(double x) {
  int exponent;
  std::frexp(x, &exponent);
  return exponent - 1;
}
int64_t roundShift(int64_t value, int64_t shift) { return (value + ((int64_t(1) << shift) >> 1)) >> shift; }
} // namespace

//===-- Softmax ------------------------------------------------------------------------------------------------------------===//

SoftmaxNumbers getSoftmaxNumbers(SoftmaxCodesOp op) {
  SoftmaxNumbers n;
  n.fractionBits = op.getFractionBits();
  n.multiplier = op.getMultiplier();
  n.multiplierShift = op.getMultiplierShift();
  n.shift = op.getShift();
  n.logMultiplier = op.getLogMultiplier();
  n.log = op.getLog();
  auto read = [](Value table, SmallVector<int32_t> &to) {
    SmallVector<int64_t> entries = getInts(getConstant(table));
    to.assign(entries.begin(), entries.end());
  };
  read(op.getTables()[0], n.low);
  if (op.getTables().size() > 1)
    read(op.getTables()[1], n.high);
  return n;
}

FailureOr<SoftmaxNumbers> planSoftmax(double inputScale, double outputScale, unsigned bits, int64_t length, bool log,
                                      std::string &why) {
  SoftmaxNumbers n;
  n.log = log;
  int64_t lengthBits = ceilLog2(double(std::max<int64_t>(length, 1))), stepBits = std::max<int64_t>(ceilLog2(1 / outputScale), 0);
  if (lengthBits + stepBits > 30) {
    why = "rows of " + std::to_string(length) + " elements and result codes of step " + std::to_string(outputScale) +
          " need more than 30 bits for one exponential";
    return failure();
  }
  // Bits after the point of a result code: the rounding of a row's reciprocal moves a result by at most 2^-(guard + 1) of a step.
  int64_t guard = std::min<int64_t>(8, 30 - stepBits);
  // 32-bit products, if they leave the reciprocal 3 bits, and if the roundings of `length` exponentials move the sum by at most
  // an eighth of a step (a fifth where each of them is a product of two).
  int64_t fraction = std::max<int64_t>(10, 2 + lengthBits + stepBits + (bits > 8 ? 1 : 0)),
          room = floorLog2(0x1.efp29 * outputScale) - fraction;
  if (!log && room >= 3 && fraction + lengthBits <= 30)
    guard = std::min(guard, room);
  else
    fraction = 30;
  n.fractionBits = fraction;
  for (int64_t d = 0; d < int64_t(1) << std::min(bits, 8u); ++d)
    n.low.push_back(std::lrint(std::ldexp(exactExp(-inputScale * double(d)), fraction)));
  if (bits > 8)
    for (int64_t d = 0; d < int64_t(1) << (bits - 8); ++d)
      n.high.push_back(std::lrint(std::ldexp(exactExp(-inputScale * double(d) * 256), fraction)));
  if (log) {
    constexpr double ln2 = 0x1.62e42fefa39efp-1;
    double step = inputScale / outputScale, unit = std::ldexp(ln2 / outputScale, -FunctionsInt<IntNumbers>::logBits);
    // The multiplier of a distance may be long, since distances have few bits: the logarithm's needs its own 30.
    n.shift = std::min<int64_t>({29 - floorLog2(unit), 59 - int64_t(bits) - floorLog2(step), 60});
    if (n.shift < 1) {
      why = "the result's range is too small against the input's";
      return failure();
    }
    n.multiplier = std::llrint(std::ldexp(step, n.shift));
    n.logMultiplier = std::llrint(std::ldexp(unit, n.shift));
    n.multiplierShift = 0;
    return n;
  }
  n.shift = fraction + guard;
  // The shift that turns a row's reciprocal into R lies in [1, 62] for every sum of exponentials.
  int64_t multiplierShift = std::min<int64_t>(30 - floorLog2(1 / outputScale), 31 + guard - lengthBits);
  n.multiplierShift = multiplierShift;
  n.multiplier = std::llrint(std::ldexp(1 / outputScale, multiplierShift));
  if (n.multiplier < 1 || n.multiplier >= int64_t(1) << 31 || multiplierShift < guard - 30) {
    why = "a step of " + std::to_string(outputScale) + " is out of proportion for numbers from 0 to 1";
    return failure();
  }
  return n;
}

bool isNarrow(const SoftmaxNumbers &n, int64_t length) {
  int64_t lengthBits = ceilLog2(double(std::max<int64_t>(length, 1)));
  // e * R is at most 2^shift / step, a little more where R is rounded up.
  return !n.log && n.fractionBits + lengthBits <= 30 && std::ldexp(double(n.multiplier), n.shift - n.multiplierShift) < 0x1.fp29;
}

SmallVector<int64_t> evaluateSoftmaxRow(ArrayRef<int64_t> codes, ArrayRef<bool> mask, const SoftmaxNumbers &n,
                                        CodeTarget target) {
  auto takesPart = [&](size_t i) { return mask.empty() || mask[i]; };
  int64_t most = INT64_MIN;
  for (size_t i = 0; i < codes.size(); ++i)
    if (takesPart(i))
      most = std::max(most, codes[i]);
  uint64_t sum = 0;
  SmallVector<int64_t> powers(codes.size(), 0);
  for (size_t i = 0; i < codes.size(); ++i)
    if (takesPart(i)) {
      int64_t d = most - codes[i];
      powers[i] = n.high.empty() ? n.low[d] : roundShift(int64_t(n.high[d >> 8]) * n.low[d & 255], n.fractionBits);
      sum += powers[i];
    }
  IntNumbers numbers;
  FunctionsInt<IntNumbers> functions{numbers};
  sum = std::max(sum, uint64_t(1) << n.fractionBits); // a row without elements
  SmallVector<int64_t> result(codes.size(), target.low);
  if (n.log) {
    int64_t log = int64_t(functions.log2(sum, n.fractionBits)) * n.logMultiplier;
    for (size_t i = 0; i < codes.size(); ++i)
      if (takesPart(i))
        result[i] = target.saturate(target.zeroPoint - roundShift((most - codes[i]) * n.multiplier + log, n.shift));
    return result;
  }
  auto [mantissa, exponent] = functions.reciprocal(sum);
  int64_t reciprocal = roundShift(int64_t(mantissa) * n.multiplier, int64_t(exponent) + n.multiplierShift - n.shift);
  for (size_t i = 0; i < codes.size(); ++i)
    result[i] = target.saturate(target.zeroPoint + roundShift(powers[i] * reciprocal, n.shift));
  return result;
}

//===-- Normalization ------------------------------------------------------------------------------------------------------===//

NormalizeNumbers getNormalizeNumbers(NormalizeCodesOp op) {
  NormalizeNumbers n;
  n.kind = op.getKind();
  n.epsilon = op.getEpsilon();
  n.prescale = op.getPrescale();
  n.fractionBits = op.getFractionBits();
  n.shift = op.getShift();
  SmallVector<int64_t> multipliers = getInts(getConstant(op.getMultipliers()));
  n.multipliers.assign(multipliers.begin(), multipliers.end());
  n.offsets = getInts(getConstant(op.getOffsets()));
  return n;
}

FailureOr<NormalizeNumbers> planNormalize(NormalizeKind kind, double inputScale, int64_t inputZeroPoint, int64_t low,
                                          int64_t high, int64_t length, double epsilon, double outputScale,
                                          ArrayRef<float> scales, ArrayRef<float> biases, std::string &why) {
  NormalizeNumbers n;
  n.kind = kind;
  bool centres = subtractsMean(kind), roots = takesRoot(kind);
  double count = double(length), range = double(high - low);
  double most =
      centres ? count * range : std::max(std::fabs(double(low - inputZeroPoint)), std::fabs(double(high - inputZeroPoint)));
  double largestV = !roots ? count * most : centres ? count * count * range * range : count * most * most;
  if (most >= 0x1p31 || largestV >= 0x1p61) {
    why = "rows of " + std::to_string(length) + " elements are too long for exact sums; use narrower codes";
    return failure();
  }
  // Epsilon on the scale of V; factors that the mean and the centring by whole numbers leave.
  double factor = kind == NormalizeKind::L2 ? 1 : centres ? count * count : count;
  double target = (roots ? epsilon / inputScale / inputScale : epsilon / inputScale) * factor;
  // |c| / sqrt(V) is at most sqrt(N) around a mean, else at most 1, as |c| / V is; less where epsilon counts most.
  double bound = kind == NormalizeKind::Layer ? std::sqrt(count) : 1;
  if (target > 0)
    bound = std::min(bound, most / (roots ? std::sqrt(target) : target));
  n.fractionBits = bound > 0 ? std::min<int64_t>(30 - ceilLog2(bound), 80) : 30;
  // As many bits for epsilon as there is room: the least V that is not 0 is 1.
  int64_t prescale = (61 - ceilLog2(largestV + 1)) & ~int64_t(1);
  while (prescale > -40 && std::ldexp(target, prescale) >= 0x1p61)
    prescale -= 2;
  if (!(target >= 0) || std::ldexp(target, prescale) >= 0x1p61 || (!roots && n.fractionBits + prescale < 30)) {
    why = "its epsilon is out of proportion to the input's range";
    return failure();
  }
  n.prescale = prescale;
  n.epsilon = std::llrint(std::ldexp(target, prescale));

  double after = std::ldexp(kind == NormalizeKind::Rms ? std::sqrt(count)
                            : roots                    ? 1.0
                                                       : count,
                            -int(n.fractionBits)) /
                 outputScale;
  double largest = 0, offset = 0;
  for (float s : scales)
    largest = std::max(largest, std::fabs(double(s)) * after);
  for (float b : biases)
    offset = std::max(offset, std::fabs(double(b)) / outputScale);
  if (!std::isfinite(largest) || !std::isfinite(offset)) {
    why = "its scale or bias is not finite";
    return failure();
  }
  n.shift = largest > 0 ? std::min<int64_t>(29 - floorLog2(largest), 60) : 30;
  if (offset > 0)
    n.shift = std::min<int64_t>(n.shift, 59 - floorLog2(offset));
  if (n.shift < 1) {
    why = "its result's range is too small against its scale and bias";
    return failure();
  }
  for (float s : scales)
    n.multipliers.push_back(std::llrint(std::ldexp(double(s) * after, n.shift)));
  for (float b : biases)
    n.offsets.push_back(std::llrint(std::ldexp(double(b) / outputScale, n.shift)));
  return n;
}

SmallVector<int64_t> evaluateNormalizeRow(ArrayRef<int64_t> codes, int64_t inputZeroPoint, const NormalizeNumbers &n) {
  int64_t count = codes.size(), sum = 0, squares = 0;
  bool centres = subtractsMean(n.kind), roots = takesRoot(n.kind);
  for (int64_t x : codes) {
    int64_t c = centres ? x : x - inputZeroPoint;
    sum += c;
    squares += c * c;
  }
  SmallVector<int64_t> result;
  uint64_t magnitudes = 0;
  for (int64_t x : codes) {
    result.push_back(centres ? count * x - sum : x - inputZeroPoint);
    magnitudes += std::abs(result.back());
  }
  uint64_t v = !roots ? magnitudes : centres ? count * squares - sum * sum : squares;
  v = (n.prescale >= 0 ? v << n.prescale : v >> -n.prescale) + uint64_t(n.epsilon);
  v = std::max(v, leastOfV(n.prescale));
  IntNumbers numbers;
  FunctionsInt<IntNumbers> functions{numbers};
  auto [mantissa, exponent] = roots ? functions.rsqrt(v) : functions.reciprocal(v);
  int64_t shift = int64_t(exponent) - n.fractionBits - (roots ? n.prescale / 2 : n.prescale);
  for (int64_t &c : result)
    c = roundShift(c * int64_t(mantissa), shift);
  return result;
}

//===-- Root of two squares ------------------------------------------------------------------------------------------------===//

HypotOperand::HypotOperand(double scale, int64_t zeroPoint, IntegerType code) : scale(scale), zeroPoint(zeroPoint) {
  auto [low, high] = getCodeLimits(code);
  largest = double(std::max(std::abs(low - zeroPoint), std::abs(high - zeroPoint)));
}

FailureOr<HypotNumbers> planHypot(HypotOperand lhs, HypotOperand rhs, double outputScale, std::string &why) {
  // `factor^2` times the square of the finer operand's step is a whole number, so that even a small one is exact; the other is
  // large.
  const HypotOperand &fine = lhs.scale <= rhs.scale ? lhs : rhs, &coarse = lhs.scale <= rhs.scale ? rhs : lhs;
  double ratio = fine.scale / coarse.scale * (fine.scale / coarse.scale);
  double most = 0x1.fp60 / (ratio * fine.largest * fine.largest + coarse.largest * coarse.largest);
  double fineMultiplier = std::floor(ratio * most), square = fineMultiplier > 0 ? fineMultiplier / ratio : most;
  HypotNumbers n{lhs.zeroPoint, rhs.zeroPoint, int64_t(fineMultiplier), int64_t(std::llrint(square)), 0, 0};
  if (&fine != &lhs)
    std::swap(n.lhsMultiplier, n.rhsMultiplier);
  double factor = coarse.scale / outputScale / std::sqrt(square);
  n.shift = 30 - floorLog2(factor);
  n.multiplier = std::llrint(std::ldexp(factor, n.shift));
  if (n.multiplier == int64_t(1) << 31)
    n.multiplier /= 2, --n.shift;
  if (n.shift < 3 || n.shift > 90) {
    why = "the result's range is out of proportion to the operands'";
    return failure();
  }
  return n;
}

int64_t evaluateHypot(int64_t lhs, int64_t rhs, const HypotNumbers &n) {
  int64_t x = lhs - n.lhsZeroPoint, y = rhs - n.rhsZeroPoint;
  uint64_t v = x * x * n.lhsMultiplier + y * y * n.rhsMultiplier;
  IntNumbers numbers;
  auto [mantissa, exponent] = FunctionsInt<IntNumbers>{numbers}.sqrt(std::max(v, uint64_t(1)));
  int64_t root = roundShift(int64_t(mantissa) * n.multiplier, std::min<int64_t>(n.shift - 2 + int64_t(exponent), 62));
  return v == 0 ? 0 : root;
}

//===-- Quotient -----------------------------------------------------------------------------------------------------------===//

FailureOr<DivideNumbers> planDivide(double lhsScale, int64_t lhsZeroPoint, double rhsScale, int64_t rhsZeroPoint,
                                    double outputScale, Rounding rounding, std::string &why) {
  // A multiplier as N5 has it for onnx; of a tiny one low bits are lost.
  double ratio = lhsScale / (rhsScale * outputScale);
  int64_t multiplier = 0, shift = 0;
  if (ratio < 0x1p24) {
    auto [mantissa, exponent] = getMultiplier(ratio, Rounding::ONNX);
    shift = std::min(exponent, 28);
    multiplier = exponent > 28 ? std::llrint(std::ldexp(double(mantissa), 28 - exponent)) : mantissa;
  }
  if (multiplier < 1) {
    why = "the result's range is out of proportion to the operands'";
    return failure();
  }
  return DivideNumbers{lhsZeroPoint, rhsZeroPoint, multiplier, shift, rounding != Rounding::ONNX && rounding != Rounding::ORT};
}

int64_t evaluateDivide(int64_t lhs, int64_t rhs, const DivideNumbers &n) {
  int64_t a = lhs - n.lhsZeroPoint, b = rhs - n.rhsZeroPoint;
  if (a == 0)
    return 0;
  if (b == 0)
    return a < 0 ? -(int64_t(1) << 40) : int64_t(1) << 40;
  int64_t dividend = std::abs(a) * n.multiplier, divisor = std::abs(b) << n.shift;
  int64_t quotient = dividend / divisor, rest = 2 * (dividend % divisor);
  bool isNegative = (a < 0) != (b < 0);
  if (rest > divisor || (rest == divisor && (n.halfUp ? !isNegative : quotient % 2 != 0)))
    ++quotient;
  return isNegative ? -quotient : quotient;
}
} // namespace qc
