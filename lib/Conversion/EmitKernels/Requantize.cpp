// The rounding contracts in vector arithmetic: rules N6 to N9 and N12 of docs/Numerics.md.
#include "Requantize.h"
#include "X86.h"

#include "qc/Dialect/QC/Reference/Requantize.h"

using namespace mlir;

namespace qc {
/// Vectors that begin at any channel may read this far behind the last.
constexpr size_t tableSlack = 64;

static bool roundsToEven(Rounding rounding) { return rounding == Rounding::ONNX || rounding == Rounding::ORT; }

/// Largest magnitude of `code - zero`.
static int64_t getMagnitude(Type code, int64_t zero) {
  auto [low, high] = getCodeLimits(cast<IntegerType>(code));
  return std::max(std::abs(low - zero), std::abs(high - zero));
}

//===-- Which form ---------------------------------------------------------------------------------------------------------===//

/// Finds the accumulators for which N7 gives another code than N6. Both rise with the accumulator, so they lie around the
/// boundaries between two codes. False if there are many.
bool Requantizer::planExceptions(High &form, int64_t bound) const {
  constexpr size_t most = 4;
  int64_t zero = op.getZeroPoint(), low = op.getCodeMin() - zero, high = op.getCodeMax() - zero;
  SmallVector<SmallVector<std::pair<int64_t, int64_t>>> found;
  size_t needed = 0;
  for (auto [mantissa, shift] : llvm::zip(op.getMultipliers(), op.getShifts())) {
    auto &list = found.emplace_back();
    if (!mantissa)
      continue;
    if (mantissa < 0 || shift < 1)
      return false;
    Multiplier m{mantissa, shift};
    int64_t next = -bound;
    for (int64_t code = low + 1; code <= high; ++code) {
      auto boundary = (__int128(2 * code - 1) << (shift - 1)) / mantissa;
      int64_t around = int64_t(std::clamp<__int128>(boundary, -bound, bound));
      // Single precision moves a boundary by less than one below 2^23.
      if (std::abs(around) >= int64_t(1) << 23)
        return false;
      for (int64_t acc = std::max(around - 2, next); acc <= std::min(around + 2, bound); ++acc) {
        int64_t delta = std::clamp(scaleAccumulator(acc, m, Rounding::ORT), low, high) -
                        std::clamp(scaleAccumulator(acc, m, Rounding::ONNX), low, high);
        if (delta)
          list.push_back({acc, delta});
        if (list.size() > most)
          return false;
        next = acc + 1;
      }
    }
    needed = std::max(needed, list.size());
  }
  for (size_t i = 0; i < needed; ++i) {
    auto &[values, deltas] = form.exceptions.emplace_back();
    for (auto &list : found) {
      values.numbers.push_back(i < list.size() ? list[i].first : 0);
      deltas.numbers.push_back(i < list.size() ? list[i].second : 0);
    }
  }
  return true;
}

std::optional<Requantizer::High> Requantizer::planHigh(const Narrow &n, uint64_t bound) const {
  if (op.getInputs().size() != 1)
    return std::nullopt;
  int64_t zero = op.getInputZeroPoints()[0], most = getMagnitude(getElementType(op.getInputs()[0]), 0);
  if (bound)
    most = std::min(most, int64_t(bound));
  most += std::abs(zero);
  if (most > (zero ? INT32_MAX : -int64_t(INT32_MIN)))
    return std::nullopt;
  ArrayRef<int32_t> mantissas = op.getMultipliers(), shifts = op.getShifts();
  Rounding rounding = op.getRounding();
  High form;
  int64_t highShift = n.highShift();
  form.isDouble = rounding == Rounding::TFLiteDouble && llvm::any_of(shifts, [](int32_t s) { return s > 31; });
  int64_t limit = narrow ? 7 : 15;
  if (form.isDouble) {
    // The high half has 2^(s - 31) per code.
    form.fraction = limit;
    for (auto [m, s] : llvm::zip(mantissas, shifts))
      if (m)
        form.fraction = std::min<int64_t>(form.fraction, s - 31);
    if (form.fraction < 1 || most >= int64_t(1) << 30)
      return std::nullopt;
    for (auto [m, s] : llvm::zip(mantissas, shifts)) {
      form.m.numbers.push_back(m);
      form.drop.numbers.push_back(m ? s - 31 - form.fraction : 0);
    }
    return form;
  }
  // The bits that the largest multiplier leaves for the fraction.
  int64_t room = limit;
  for (auto [m, s] : llvm::zip(mantissas, shifts))
    if (m)
      room = std::min<int64_t>(room, 31 - llvm::bit_width(uint64_t(std::abs(int64_t(m)))) - highShift + s);
  form.left = std::max<int64_t>(0, 1 - room);
  form.fraction = std::max<int64_t>(room, 1);
  if (form.left > 30 || (form.left && most << form.left > INT32_MAX))
    return std::nullopt;
  for (auto [m, s] : llvm::zip(mantissas, shifts)) {
    int64_t zeros = m ? llvm::countr_zero(uint64_t(std::abs(int64_t(m)))) : 0;
    int64_t total = s + form.left, drop = m ? std::max<int64_t>(0, total - zeros - highShift - form.fraction) : 0;
    int64_t up = highShift + form.fraction + drop - total;
    form.m.numbers.push_back(!m ? 0 : up >= 0 ? int64_t(m) << up : int64_t(m) >> -up);
    form.drop.numbers.push_back(std::min<int64_t>(drop, 31));
    int64_t tie = s - 1 - zeros;
    bool ties = roundsToEven(rounding) && m && tie >= 0 && tie <= 30 && int64_t(1) << tie <= most;
    form.hasTies |= ties;
    form.tieMask.numbers.push_back(ties ? (int64_t(1) << (tie + 1)) - 1 : 0);
    form.tieValue.numbers.push_back(ties ? int64_t(1) << tie : 1);
  }
  if (rounding == Rounding::ORT && !planExceptions(form, most))
    return std::nullopt;
  return form;
}

std::optional<Requantizer::Codes> Requantizer::planCodes() const {
  size_t inputs = op.getInputs().size();
  if (inputs > 2 || op.getShifts().size() != 1)
    return std::nullopt;
  SmallVector<std::pair<int64_t, int64_t>> ranges;
  int64_t shift = op.getShifts()[0], largest = 0;
  for (auto [input, zero, m] : llvm::zip(op.getInputs(), op.getInputZeroPoints(), op.getMultipliers())) {
    auto code = cast<IntegerType>(getElementType(input));
    if (code.getWidth() > 8)
      return std::nullopt;
    auto [low, high] = getCodeLimits(code);
    ranges.push_back({low - zero, high - zero});
    largest = std::max<int64_t>(largest, std::abs(int64_t(m)));
    if (getMagnitude(code, zero) > 512)
      return std::nullopt;
  }
  if (inputs == 1)
    ranges.push_back({0, 0});
  Codes form;
  form.split = largest > INT16_MAX ? 16 : 0;
  if (largest >= INT64_C(0x7fff8000) || (form.split && shift <= form.split))
    return std::nullopt;
  form.drop = std::max<int64_t>(0, shift - form.split - 7);
  form.fraction = shift - form.split - form.drop;
  if (form.drop > 31)
    return std::nullopt;
  // All pairs of codes: is there a tie, or another difference between the rule and half up?
  int64_t ma = op.getMultipliers()[0], mb = inputs == 2 ? op.getMultipliers()[1] : 0;
  int64_t unit = int64_t(1) << shift;
  Rounding rounding = op.getRounding();
  bool even = roundsToEven(rounding) && shift > 0;
  if (inputs == 1)
    for (int64_t x = ranges[0].first; x <= ranges[0].second; ++x) {
      int64_t rule = scaleAccumulator(x, {int32_t(ma), int32_t(shift)}, rounding);
      if (rule != roundSum(x * ma, shift, even ? Rounding::ONNX : Rounding::Pow2))
        return std::nullopt;
    }
  for (int64_t x = ranges[0].first; even && !form.hasTies && x <= ranges[0].second; ++x)
    for (int64_t y = ranges[1].first; y <= ranges[1].second; ++y)
      form.hasTies |= ((x * ma + y * mb) & (unit - 1)) == unit / 2;
  if (form.hasTies && shift > 31)
    return std::nullopt;
  return form;
}

/// Bits of the mantissas' lower part.
constexpr int64_t lowerBits = 12;

std::optional<Requantizer::Words> Requantizer::planWords() const {
  if (op.getInputs().size() != 2 || op.getShifts().size() != 1)
    return std::nullopt;
  Words form;
  form.shift = op.getShifts()[0] - lowerBits;
  if (form.shift < 1 || form.shift > 30)
    return std::nullopt;
  int64_t start = 0, mostTop = int64_t(1) << form.shift, mostLow = int64_t(1) << lowerBits;
  for (auto [input, zero, m] : llvm::zip(op.getInputs(), op.getInputZeroPoints(), op.getMultipliers())) {
    auto [low, high] = getCodeLimits(cast<IntegerType>(getElementType(input)));
    int64_t top = m >> lowerBits, most = std::max(-low, high);
    if (low < INT16_MIN || high > INT16_MAX || top < INT16_MIN || top > INT16_MAX)
      return std::nullopt;
    form.top.push_back(top);
    form.low.push_back(m - (top << lowerBits));
    mostTop += most * std::abs(top);
    mostLow += most * form.low.back();
    start -= zero * m;
  }
  form.topStart = start >> lowerBits;
  form.lowStart = start & ((1 << lowerBits) - 1);
  mostTop += std::abs(form.topStart) + (mostLow >> lowerBits) + 1;
  return mostTop <= INT32_MAX && mostLow <= INT32_MAX ? std::optional(form) : std::nullopt;
}

/// True if every scaled sum, and its code before the limits, is a number of 32 bits.
static bool fitsInWord(RequantizeOp op, uint64_t bound) {
  size_t inputs = op.getInputs().size();
  double most = 0;
  for (size_t i = 0; i < op.getMultipliers().size(); ++i) {
    size_t input = inputs == 1 ? 0 : i;
    int64_t zero = op.getInputZeroPoints()[input];
    double magnitude = double(getMagnitude(getElementType(op.getInputs()[input]), zero));
    if (inputs == 1 && bound)
      magnitude = std::min(magnitude, double(bound) + double(std::abs(zero)));
    double scaled = std::ldexp(magnitude * std::abs(double(op.getMultipliers()[i])), -op.getShifts()[inputs == 1 ? i : 0]);
    most = inputs == 1 ? std::max(most, scaled) : most + scaled;
  }
  return most + std::abs(double(op.getZeroPoint())) + 2 < double(INT32_MAX);
}

Requantizer::Requantizer(Kernel &k, RequantizeOp op, uint64_t bound, bool narrow)
    : op(op), narrow(narrow), fitsWord(fitsInWord(op, bound)) {
  high = planHigh(Narrow(k), bound);
  if (narrow)
    codes = planCodes();
  words = planWords();
}

//===-- Parameters ---------------------------------------------------------------------------------------------------------===//

void Requantizer::makeTables(Kernel &k) {
  auto make = [&](Parameter &parameter) {
    if (llvm::all_equal(parameter.numbers)) {
      parameter.numbers.resize(1);
      return;
    }
    SmallVector<int64_t> padded = parameter.numbers;
    padded.append(tableSlack, padded.back());
    parameter.table = k.constants.get(k.b, k.loc, k.b.getI32Type(), padded);
  };
  if (high) {
    // Products read the odd lanes of the multipliers as even ones: a second table does without loads across cache lines.
    if (Narrow(k).needsOdd()) {
      high->odd.numbers.assign(high->m.numbers.begin() + 1, high->m.numbers.end());
      high->odd.numbers.push_back(high->m.numbers.back());
      make(high->odd);
    }
    make(high->m);
    make(high->drop);
    if (high->hasTies) {
      make(high->tieMask);
      make(high->tieValue);
    }
    for (auto &[value, delta] : high->exceptions) {
      make(value);
      make(delta);
    }
  } else if (op.getInputs().size() == 1) {
    mantissa.numbers = SmallVector<int64_t>(op.getMultipliers());
    shift.numbers = SmallVector<int64_t>(op.getShifts());
    make(mantissa);
    make(shift);
  }
}

Value Requantizer::load(Kernel &k, const Parameter &parameter, Value channel, Type vector) const {
  if (!parameter.table)
    return Arithmetic(k).number(vector, parameter.numbers.front());
  auto type = cast<VectorType>(vector);
  Value loaded = k.load(parameter.table, channel, type.getNumElements());
  return k.extend(loaded, k.b.getI32Type(), type.getElementType());
}

//===-- High halves --------------------------------------------------------------------------------------------------------===//

/// The scaled accumulator with `fraction` bits behind the point; `tie`: -1 in lanes that hold a tie, `correction`: what is to be
/// added to the code. Null if there are none.
Value Requantizer::emitHigh(Kernel &k, const Narrow &n, Value acc, Value channel, Value &tie, Value &correction,
                            bool swapped) const {
  Arithmetic a(k);
  if (int64_t zero = op.getInputZeroPoints()[0])
    acc = a.sub(acc, zero);
  Type type = acc.getType();
  if (high->hasTies) {
    Value rest = a.bitAnd(acc, load(k, high->tieMask, channel, type));
    tie = k.extend(a.equal(rest, load(k, high->tieValue, channel, type)), k.b.getI32Type(), k.b.getI32Type());
  }
  for (const auto &[value, delta] : high->exceptions) {
    Value hit = k.extend(a.equal(acc, load(k, value, channel, type)), k.b.getI32Type(), k.b.getI32Type());
    Value add = a.bitAnd(hit, load(k, delta, channel, type));
    correction = correction ? a.bitOr(correction, add) : add;
  }
  if (high->left)
    acc = a.shl(acc, high->left);
  Value m = load(k, high->m, channel, type);
  Value odd = n.needsOdd() && high->m.table ? load(k, high->odd, channel, type) : m;
  Value scaled = high->isDouble ? n.mulHighRounded(acc, m, odd) : n.mulHigh(acc, m, odd, swapped);
  if (high->isDouble)
    scaled = a.add(scaled, a.shr(scaled, 31)); // one less if negative: half away from zero
  if (high->drop.table || high->drop.numbers.front())
    scaled = a.shr(scaled, load(k, high->drop, channel, type));
  return scaled;
}

SmallVector<Half> Requantizer::emitNarrow(Kernel &k, ArrayRef<Value> accs, Value channel, bool inAnyOrder) const {
  Narrow n(k);
  Arithmetic a(k);
  // What is found in the accumulators' own order, or differs from channel to channel, would have to follow.
  bool swapped = inAnyOrder && n.canSwap() && !high->isDouble && !high->hasTies && high->exceptions.empty() && !high->drop.table;
  SmallVector<Value> words, ties, corrections;
  for (auto [i, acc] : llvm::enumerate(accs)) {
    Value tie, correction;
    words.push_back(emitHigh(k, n, acc, k.add(channel, i * k.isa.lanes), tie, correction, swapped));
    if (tie)
      ties.push_back(tie);
    if (correction)
      corrections.push_back(correction);
  }
  SmallVector<Half> halves = n.pack(words), masks = n.pack(ties), add = n.pack(corrections);
  for (auto [i, half] : llvm::enumerate(halves)) {
    half.swapped = swapped;
    half.value = n.roundShift(half.value, high->fraction);
    if (!masks.empty()) // -1 becomes ~1
      half.value = a.bitAnd(half.value, a.add(masks[i].value, -1));
    if (!add.empty())
      half.value = a.add(half.value, add[i].value);
  }
  return halves;
}

Half Requantizer::emitNarrow(Kernel &k, ArrayRef<Half> inputs) const {
  Narrow n(k);
  Arithmetic a(k);
  int64_t split = codes->split, shift = op.getShifts()[0];
  SmallVector<int64_t> low, top;
  for (int64_t m : op.getMultipliers()) {
    top.push_back(split ? (m + 0x8000) >> 16 : m);
    low.push_back(m - top.back() * 65536);
  }
  SmallVector<Value> words = n.multiply(inputs, top), ties;
  SmallVector<Value> lows = split ? n.multiply(inputs, low) : SmallVector<Value>();
  for (auto [i, word] : llvm::enumerate(words)) {
    Value whole = split ? a.add(a.shl(word, 16), lows[i]) : word;
    if (split)
      word = a.add(word, a.shr(lows[i], 16));
    if (codes->hasTies) {
      Value rest = a.bitAnd(whole, (int64_t(1) << shift) - 1);
      ties.push_back(k.extend(a.equal(rest, int64_t(1) << (shift - 1)), k.b.getI32Type(), k.b.getI32Type()));
    }
    if (codes->drop)
      word = a.shr(word, codes->drop);
  }
  Half half = n.pack(words).front();
  if (codes->fraction)
    half.value = n.roundShift(half.value, codes->fraction);
  if (codes->hasTies)
    half.value = a.bitAnd(half.value, a.add(n.pack(ties).front().value, -1));
  return half;
}

//===-- Two words ----------------------------------------------------------------------------------------------------------===//

Value Requantizer::emitWords(Kernel &k, ValueRange inputs, bool saturates) const {
  Arithmetic a(k);
  auto type = cast<VectorType>(inputs.front().getType());
  Type i16 = k.b.getIntegerType(16);
  // Both products and their sum are one instruction on x86.
  Value both;
  if (k.isa.arch == "x86")
    both = k.bitcast(a.bitOr(a.bitAnd(inputs[0], 0xffff), a.shl(inputs[1], 16)), i16);
  auto multiply = [&](ArrayRef<int64_t> factors) -> Value {
    if (both)
      return x86::call(k, x86::pmaddwd, type, {both, k.bitcast(a.number(type, (factors[0] & 0xffff) | factors[1] << 16), i16)});
    return a.add(a.mul(inputs[0], factors[0]), a.mul(inputs[1], factors[1]));
  };
  Value low = multiply(words->low);
  return finishWords(k, low, multiply(words->top), saturates);
}

SmallVector<Value> Requantizer::emitWords(Kernel &k, ArrayRef<Half> inputs, bool saturates) const {
  Narrow n(k);
  SmallVector<Value> codes;
  for (auto [low, top] : llvm::zip_equal(n.multiply(inputs, words->low), n.multiply(inputs, words->top)))
    codes.push_back(finishWords(k, low, top, saturates));
  return codes;
}

/// The code of 2^12 top + low. Ties to even: half up, of one less where that code is odd. One less changes the code of a tie
/// alone; everything else lies above the lower boundary of its code.
Value Requantizer::finishWords(Kernel &k, Value low, Value top, bool saturates) const {
  Arithmetic a(k);
  if (words->lowStart)
    low = a.add(low, words->lowStart);
  top = a.add(top, words->topStart + (int64_t(1) << (words->shift - 1)));
  if (roundsToEven(op.getRounding())) {
    Value sum = a.add(top, a.shr(low, lowerBits));
    int64_t lowest = int64_t(1) << words->shift; // of the code
    Value isOdd = a.equal(a.bitAnd(sum, lowest), lowest);
    low = a.add(low, k.extend(isOdd, k.b.getI32Type(), k.b.getI32Type()));
  }
  Value code = a.shr(a.add(top, a.shr(low, lowerBits)), words->shift);
  if (int64_t zero = op.getZeroPoint())
    code = a.add(code, zero);
  return limit(k, code, saturates);
}

Value Requantizer::limit(Kernel &k, Value code, bool saturates) const {
  if (saturates && int64_t(op.getCodeMin()) == INT16_MIN && int64_t(op.getCodeMax()) == INT16_MAX)
    return code;
  return Arithmetic(k).clamp(code, op.getCodeMin(), op.getCodeMax());
}

//===-- 64 bits ------------------------------------------------------------------------------------------------------------===//

namespace {
/// `value / 2^shift` in i64, as rounding says.
struct Shifter {
  const Arithmetic &a;
  Value shift;

  /// 0 for shift 0.
  Value half() const { return a.ushr(a.shl(a.number(shift.getType(), 1), shift), 1); }
  Value halfUp(Value v) const { return a.shr(a.add(v, half()), shift); }
  /// Half - 1, and one more if the result would be odd; nothing for shift 0.
  Value halfEven(Value v) const {
    Value odd = a.bitAnd(a.shr(v, shift), 1), add = a.add(a.sub(half(), 1), odd);
    return a.shr(a.add(v, a.select(a.equal(shift, 0), a.number(v.getType(), 0), add)), shift);
  }
  Value halfAway(Value v) const {
    Value negative = a.less(v, 0), magnitude = halfUp(a.select(negative, a.negate(v), v));
    return a.select(negative, a.negate(magnitude), magnitude);
  }
};

/// The integer that f32(v) is: 24 significant bits, ties to even.
Value roundToF32(const Arithmetic &a, Value v) {
  Value negative = a.less(v, 0), magnitude = a.select(negative, a.negate(v), v), rest = magnitude;
  Value drop = a.number(v.getType(), 0);
  // Bits above the 24th, by bisection: some backends count leading zeros of vectors by converting them to floating point.
  for (int64_t step : {32, 16, 8, 4, 2, 1}) {
    Value above = a.less(a.number(v.getType(), (int64_t(1) << (24 + step - 1)) - 1), rest);
    drop = a.select(above, a.add(drop, step), drop);
    rest = a.select(above, a.shr(rest, step), rest);
  }
  Value rounded = a.shl(Shifter{a, drop}.halfEven(magnitude), drop);
  return a.select(negative, a.negate(rounded), rounded);
}

Value scaleWide(const Arithmetic &a, Value acc, Value mantissa, Value shift, Rounding rounding) {
  Shifter shifter{a, shift};
  switch (rounding) {
  case Rounding::ONNX:
    return shifter.halfEven(a.mul(acc, mantissa));
  case Rounding::ORT:
    return shifter.halfEven(roundToF32(a, a.mul(roundToF32(a, acc), mantissa)));
  case Rounding::TFLiteDouble: {
    Value product = a.mul(acc, mantissa), limit = a.number(acc.getType(), 31);
    Value high = Shifter{a, limit}.halfUp(product);
    Value twice = Shifter{a, a.max(a.sub(shift, limit), 0)}.halfAway(high);
    return a.select(a.less(limit, shift), twice, shifter.halfUp(product));
  }
  case Rounding::TFLiteSingle:
  case Rounding::Pow2:
    return shifter.halfUp(a.mul(acc, mantissa));
  }
  return acc;
}
} // namespace

Value Requantizer::emitWide(Kernel &k, ValueRange inputs, Value channel) const {
  Arithmetic a(k);
  auto type = cast<VectorType>(inputs.front().getType());
  Type wide = VectorType::get(type.getShape(), k.b.getI64Type());
  auto extend = [&](size_t i) {
    Value value = k.extend(inputs[i], k.b.getI32Type(), k.b.getI64Type());
    int64_t zero = op.getInputZeroPoints()[i];
    return zero ? a.sub(value, zero) : value;
  };
  Value scaled;
  if (inputs.size() == 1) {
    scaled = scaleWide(a, extend(0), load(k, mantissa, channel, wide), load(k, shift, channel, wide), op.getRounding());
  } else {
    Value sum;
    for (size_t i = 0; i < inputs.size(); ++i) {
      Value term = a.mul(extend(i), op.getMultipliers()[i]);
      sum = sum ? a.add(sum, term) : term;
    }
    Shifter shifter{a, a.number(wide, op.getShifts()[0])};
    bool even = op.getRounding() == Rounding::ONNX || op.getRounding() == Rounding::ORT;
    scaled = even ? shifter.halfEven(sum) : shifter.halfUp(sum);
  }
  if (fitsWord)
    scaled = k.truncate(scaled, k.b.getI32Type()); // the shift need not be arithmetic then, which some vectors lack in 64 bits
  Value code = op.getZeroPoint() ? a.add(scaled, int64_t(op.getZeroPoint())) : scaled;
  return k.truncate(a.clamp(code, op.getCodeMin(), op.getCodeMax()), k.b.getI32Type());
}

Value Requantizer::emit(Kernel &k, ValueRange inputs, Value channel, bool saturates) const {
  if (words)
    return emitWords(k, inputs, saturates);
  if (!high)
    return emitWide(k, inputs, channel);
  Arithmetic a(k);
  Value tie, correction;
  Value scaled = emitHigh(k, Narrow(k), inputs.front(), channel, tie, correction);
  Value code = a.shr(a.add(scaled, int64_t(1) << (high->fraction - 1)), high->fraction);
  if (tie)
    code = a.bitAnd(code, a.add(tie, -1));
  if (correction)
    code = a.add(code, correction);
  if (int64_t zero = op.getZeroPoint())
    code = a.add(code, zero);
  return limit(k, code, saturates);
}
} // namespace qc
