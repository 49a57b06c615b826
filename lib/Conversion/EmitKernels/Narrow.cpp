// The instructions behind requantization, per architecture.
#include "Narrow.h"

#include <numeric>

using namespace mlir;

namespace qc {
static int64_t sizeOf(Value v) { return cast<VectorType>(v.getType()).getNumElements(); }

Narrow::Narrow(Kernel &k)
    : k(k), a(k), lanes(k.isa.lanes), i8(k.b.getIntegerType(8)), i16(k.b.getIntegerType(16)), i32(k.b.getI32Type()),
      i64(k.b.getI64Type()) {
  arch = k.isa.arch == "x86"                         ? Arch::X86
         : k.isa.arch == "aarch64"                   ? Arch::AArch64
         : k.isa.arch == "arm" && k.isa.hasVectors() ? Arch::Arm
                                                     : Arch::Other;
}

Value Narrow::pad(Value v, int64_t count) const {
  int64_t n = sizeOf(v);
  if (n >= count)
    return v;
  SmallVector<int64_t> order(count, -1);
  std::iota(order.begin(), order.begin() + n, 0);
  return a.shuffle(v, v, order);
}

/// An intrinsic that is overloaded on its vector type.
Value Narrow::call(StringRef name, Type element, ArrayRef<Value> operands) const {
  return k.intrinsic(name, VectorType::get({sizeOf(operands.front())}, element), operands);
}

Value Narrow::call(const x86::Forms &forms, Type element, ArrayRef<Value> operands) const {
  int64_t n = sizeOf(operands.front()), elementBits = cast<VectorType>(operands.front().getType()).getElementTypeBitWidth();
  int64_t bits = std::max<int64_t>(n * elementBits, 128);
  SmallVector<Value> padded = llvm::map_to_vector(operands, [&](Value v) { return pad(v, bits / elementBits); });
  auto type = VectorType::get({bits / int64_t(element.getIntOrFloatBitWidth())}, element);
  return x86::call(k, forms, type, padded);
}

//===-- High halves --------------------------------------------------------------------------------------------------------===//

/// The even i32 lanes as i64. The shifts say what vpmuldq reads; none of them is left in machine code.
Value Narrow::evenLanes(Value v) const {
  if (auto constant = v.getDefiningOp<arith::ConstantOp>())
    if (auto splat = dyn_cast<SplatElementsAttr>(constant.getValue()))
      return a.number(VectorType::get({sizeOf(v) / 2}, i64), splat.getSplatValue<APInt>().getSExtValue());
  return a.shr(a.shl(k.bitcast(v, i64), 32), 32);
}

/// acc * m of even and of odd lanes.
std::pair<Value, Value> Narrow::products(Value acc, Value m, Value odd) const {
  return {a.mul(evenLanes(acc), evenLanes(m)), a.mul(a.shr(k.bitcast(acc, i64), 32), evenLanes(odd))};
}

Value Narrow::joinHigh(Value even, Value odd, bool swapped) const {
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < lanes; i += 4)
    for (int64_t j : swapped ? std::array{int64_t(1), int64_t(3), lanes + 1, lanes + 3}
                             : std::array{int64_t(1), lanes + 1, int64_t(3), lanes + 3})
      order.push_back(i + j);
  return a.shuffle(k.bitcast(even, i32), k.bitcast(odd, i32), order);
}

/// vmulh. The backend finds it in multiplications of 64 bits only where both extensions stand beside them, and those of `m` leave
/// the loop. It has no form for vectors of fixed length; they occupy the lower elements of a scalable one.
Value Narrow::mulHighScalable(Value acc, Value m) const {
  int64_t n = sizeOf(acc), vscale = k.isa.lanes * k.isa.registers / 64;
  auto type = VectorType::get({std::max<int64_t>(n / vscale, 1)}, i32, {true});
  Value poison = LLVM::PoisonOp::create(k.b, k.loc, type);
  auto toScalable = [&](Value v) -> Value { return vector::ScalableInsertOp::create(k.b, k.loc, v, poison, 0); };
  Value length = arith::ConstantIntOp::create(k.b, k.loc, n, 64);
  Value high = k.intrinsic("llvm.riscv.vmulh", type, {poison, toScalable(acc), toScalable(m), length});
  return vector::ScalableExtractOp::create(k.b, k.loc, VectorType::get({n}, i32), high, 0);
}

Value Narrow::mulHigh(Value acc, Value m, Value odd, bool swapped) const {
  switch (arch) {
  case Arch::AArch64:
    return call("llvm.aarch64.neon.sqdmulh", i32, {acc, m});
  case Arch::Arm:
    return call("llvm.arm.neon.vqdmulh", i32, {acc, m});
  case Arch::X86: {
    auto [even, uneven] = products(acc, m, odd);
    return joinHigh(even, uneven, swapped);
  }
  case Arch::Other:
    break;
  }
  if (k.isa.arch == "riscv" && k.isa.hasVectors())
    return mulHighScalable(acc, m);
  return k.truncate(a.shr(a.mul(k.extend(acc, i32, i64), k.extend(m, i32, i64)), 32), i32);
}

Value Narrow::mulHighRounded(Value acc, Value m, Value odd) const {
  constexpr int64_t half = int64_t(1) << 31;
  switch (arch) {
  case Arch::AArch64:
    return call("llvm.aarch64.neon.sqrdmulh", i32, {acc, m});
  case Arch::Arm:
    return call("llvm.arm.neon.vqrdmulh", i32, {acc, m});
  case Arch::X86: {
    auto [even, uneven] = products(a.shl(acc, 1), m, odd);
    return joinHigh(a.add(even, half), a.add(uneven, half));
  }
  case Arch::Other:
    break;
  }
  Value product = a.mul(k.extend(a.shl(acc, 1), i32, i64), k.extend(m, i32, i64));
  return k.truncate(a.shr(a.add(product, half), 32), i32);
}

//===-- 16 bits ------------------------------------------------------------------------------------------------------------===//

/// Two vectors of accumulators, or one, as one of 16 bits.
Value Narrow::packPair(Value low, Value high) const {
  switch (arch) {
  case Arch::X86: {
    if (high)
      return call(x86::packssdw, i16, {low, high});
    if (lanes == 16)
      break; // one instruction (vpmovsdw), and in order
    if (lanes == 8)
      return call(x86::packssdw, i16, {k.slice(low, 0, 4), k.slice(low, 4, 4)});
    return k.slice(call(x86::packssdw, i16, {low, low}), 0, lanes);
  }
  case Arch::AArch64:
  case Arch::Arm: {
    StringRef name = arch == Arch::AArch64 ? "llvm.aarch64.neon.sqxtn" : "llvm.arm.neon.vqmovns";
    Value first = call(name, i16, {low});
    return high ? k.concat({first, call(name, i16, {high})}) : first;
  }
  case Arch::Other:
    break;
  }
  Value first = k.truncate(a.clamp(low, INT16_MIN, INT16_MAX), i16);
  return high ? k.concat({first, k.truncate(a.clamp(high, INT16_MIN, INT16_MAX), i16)}) : first;
}

SmallVector<Half> Narrow::pack(ArrayRef<Value> words) const {
  size_t step = getCodeLanes() / lanes;
  SmallVector<Half> halves;
  for (size_t i = 0; i < words.size(); i += step) {
    bool pair = step == 2 && i + 1 < words.size();
    Value packed = packPair(words[i], pair ? words[i + 1] : Value());
    halves.push_back({packed, isCrossed(sizeOf(packed))});
  }
  return halves;
}

Half Narrow::extend(Value codes, Type code) const {
  Half half{k.extend(codes, code, i16), isCrossed(sizeOf(codes))};
  if (half.crossed) {
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < 2 * lanes; ++i)
      order.push_back(i / 8 * 4 + i % 4 + (i % 8 < 4 ? 0 : lanes));
    half.value = a.shuffle(half.value, half.value, order);
  }
  return half;
}

Value Narrow::inOrder(const Half &half) const {
  if (!half.crossed)
    return half.value;
  // Of four elements each: those of the first vector stand at even places.
  SmallVector<int64_t> order;
  for (int64_t vector = 0; vector < 2; ++vector)
    for (int64_t section = 0; section < sections(); ++section)
      order.push_back(2 * section + vector);
  Value quads = k.bitcast(half.value, i64);
  return k.bitcast(a.shuffle(quads, quads, order), i16);
}

Value Narrow::roundShift(Value v, int64_t shift) const {
  int64_t n = sizeOf(v);
  switch (arch) {
  case Arch::X86:
    return k.slice(call(x86::pmulhrsw, i16, {v, a.number(v.getType(), int64_t(1) << (15 - shift))}), 0, n);
  case Arch::AArch64:
    return call("llvm.aarch64.neon.srshl", i16, {v, a.number(v.getType(), -shift)});
  case Arch::Arm:
    return call("llvm.arm.neon.vrshifts", i16, {v, a.number(v.getType(), -shift)});
  case Arch::Other:
    break;
  }
  // What saturates to the largest number rounds up, as on the others: a tie mask clears its lowest bit.
  if (shift == 1)
    return a.add(a.shr(v, 1), a.bitAnd(v, 1));
  return a.shr(a.add(a.shr(v, shift - 1), 1), 1);
}

Value Narrow::addSaturated(Value v, int64_t number) const {
  return number ? call("llvm.sadd.sat", i16, {v, a.number(v.getType(), number)}) : v;
}

SmallVector<Value> Narrow::multiply(ArrayRef<Half> inputs, ArrayRef<int64_t> factors) const {
  int64_t n = sizeOf(inputs.front().value);
  if (arch == Arch::X86) {
    Value x = inputs.front().value, y = inputs.back().value;
    SmallVector<Value> words;
    for (int64_t word = 0; word < std::max<int64_t>(n / lanes, 1); ++word) {
      // What unpack instructions do: pairs from the lower or the upper half of each 128 bits.
      SmallVector<int64_t> order;
      for (int64_t i = 0; i < std::min(n, lanes); ++i) {
        int64_t at = inputs.front().crossed ? i / 4 * 8 + i % 4 + word * 4 : i + word * lanes;
        order.append({at, n + at});
      }
      Value pairs = a.shuffle(x, y, order);
      SmallVector<int16_t> numbers;
      for (size_t i = 0; i < size_t(sizeOf(pairs)); ++i)
        numbers.push_back(i % 2 < factors.size() ? int16_t(factors[i % 2]) : 0);
      Value by =
          arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(cast<VectorType>(pairs.getType()), ArrayRef(numbers)));
      words.push_back(k.slice(call(x86::pmaddwd, i32, {pairs, by}), 0, sizeOf(pairs) / 2));
    }
    return words;
  }
  SmallVector<Value> words;
  for (int64_t at = 0; at < n; at += lanes) {
    Value sum;
    for (auto [input, factor] : llvm::zip(inputs, factors)) {
      Value term = a.mul(k.extend(k.slice(input.value, at, std::min(n, lanes)), i16, i32), int64_t(factor));
      sum = sum ? a.add(sum, term) : term;
    }
    words.push_back(sum);
  }
  return words;
}

//===-- 8 bits -------------------------------------------------------------------------------------------------------------===//

SmallVector<Value> Narrow::packCodes(ArrayRef<Half> halves, bool isUnsigned, int64_t offset) const {
  SmallVector<Value> codes;
  for (size_t i = 0; i < halves.size(); ++i) {
    Half half = halves[i];
    int64_t n = sizeOf(half.value);
    Value packed;
    if (arch == Arch::X86) {
      auto pack = [&](Value x, Value y) { return call(isUnsigned ? x86::packuswb : x86::packsswb, i8, {x, y}); };
      auto reorder = [&](Value bytes, ArrayRef<int64_t> order) {
        Value words = k.bitcast(bytes, i32);
        return k.bitcast(a.shuffle(words, words, order), i8);
      };
      bool pair = n == 2 * lanes && i + 1 < halves.size() && sizeOf(halves[i + 1].value) == n;
      SmallVector<int64_t> order;
      if (half.crossed && pair) {
        // [A0 B0 C0 D0 | A1 B1 C1 D1 | ...], four codes each.
        for (int64_t at = 0; at < lanes; ++at)
          order.push_back(at % sections() * 4 + at / sections());
        packed = reorder(pack(half.value, halves[++i].value), order);
      } else if (half.crossed) {
        // Of half a register each: [A0 B0 A2 B2 | A1 B1 A3 B3], or [A0 B0 A1 B1].
        for (int64_t vector = 0; vector < 2; ++vector)
          for (int64_t at = 0, most = sections() / 2; at < sections(); ++at)
            order.push_back(at % most * 4 + at / most * 2 + vector);
        packed = reorder(pack(k.slice(half.value, 0, lanes), k.slice(half.value, lanes, lanes)), order);
      } else if (pair) {
        packed = pack(half.value, halves[++i].value);
      } else if (n == 16) {
        packed = pack(k.slice(half.value, 0, 8), k.slice(half.value, 8, 8));
      } else {
        packed = k.slice(pack(half.value, half.value), 0, n);
      }
    } else if (isArm() && n == 8) {
      StringRef name = arch == Arch::AArch64 ? (isUnsigned ? "llvm.aarch64.neon.sqxtun" : "llvm.aarch64.neon.sqxtn")
                                             : (isUnsigned ? "llvm.arm.neon.vqmovnsu" : "llvm.arm.neon.vqmovns");
      packed = call(name, i8, {half.value});
    } else {
      packed = k.truncate(isUnsigned ? a.clamp(half.value, 0, 255) : a.clamp(half.value, -128, 127), i8);
    }
    if (half.swapped) {
      SmallVector<int64_t> order;
      for (int64_t at = 0; at < sizeOf(packed); ++at)
        order.push_back(at % 4 == 1 ? at + 1 : at % 4 == 2 ? at - 1 : at);
      packed = a.shuffle(packed, packed, order);
    }
    codes.push_back(packed);
  }
  if (isArm())
    codes = joinPairs(codes); // registers of 64 bits
  for (Value &packed : codes)
    packed = offset ? a.bitXor(packed, offset) : packed;
  return codes;
}

SmallVector<Value> Narrow::joinPairs(ArrayRef<Value> vectors) const {
  SmallVector<Value> joined;
  for (size_t i = 0; i < vectors.size(); ++i) {
    bool pair = i + 1 < vectors.size() && sizeOf(vectors[i]) == sizeOf(vectors[i + 1]);
    joined.push_back(pair ? k.concat({vectors[i], vectors[i + 1]}) : vectors[i]);
    i += pair;
  }
  return joined;
}

/// Four tables of 64 entries; tbx leaves what lies outside its own.
Value Narrow::lookUpWithTbl(ArrayRef<int64_t> table, Value codes, bool isUnsigned) const {
  auto type = VectorType::get({16}, i8);
  Value at = pad(isUnsigned ? codes : a.bitXor(codes, -128), 16), result;
  for (int64_t part = 0; part < 4; ++part) {
    SmallVector<Value> operands;
    if (part)
      operands.push_back(result);
    for (int64_t row = 0; row < 4; ++row) {
      SmallVector<int8_t> entries;
      for (int64_t entry : table.slice(part * 64 + row * 16, 16))
        entries.push_back(int8_t(entry));
      operands.push_back(arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, ArrayRef(entries))));
    }
    operands.push_back(part ? a.sub(at, part * 64) : at);
    result = k.intrinsic(part ? "llvm.aarch64.neon.tbx4" : "llvm.aarch64.neon.tbl4", type, operands);
  }
  return k.slice(result, 0, sizeOf(codes));
}

/// Two tables of 128 entries, each in two registers; the topmost bit says which.
Value Narrow::lookUpWithVpermi2b(ArrayRef<int64_t> table, Value codes, bool isUnsigned) const {
  auto type = VectorType::get({64}, i8);
  Value at = pad(isUnsigned ? codes : a.bitXor(codes, -128), 64);
  auto entries = [&](int64_t part) -> Value {
    SmallVector<int8_t> bytes = llvm::map_to_vector(table.slice(part * 64, 64), [](int64_t entry) { return int8_t(entry); });
    return arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, ArrayRef(bytes)));
  };
  auto half = [&](int64_t part) {
    return k.intrinsic("llvm.x86.avx512.vpermi2var.qi.512", type, {entries(part), at, entries(part + 1)});
  };
  return k.slice(a.select(a.less(at, 0), half(2), half(0)), 0, sizeOf(codes));
}

/// Registers of entries: 8 of vpermd, 32 of vpermi2d, 16 of tbl (as bytes).
Value Narrow::lookUpWords(ArrayRef<int64_t> table, Value index) const {
  Type i32 = k.b.getI32Type();
  auto type = cast<VectorType>(index.getType());
  int64_t n = type.getNumElements(), count = table.size();
  auto entries = [&](int64_t first, int64_t size) -> Value {
    SmallVector<int32_t> words;
    for (int64_t i = first; i < first + size; ++i)
      words.push_back(int32_t(table[std::min(i, count - 1)]));
    return arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(VectorType::get({size}, i32), ArrayRef(words)));
  };
  if (arch == Arch::AArch64) {
    // Byte b of entry i is byte 4i + b; indices beyond a register's bytes leave the result as it is.
    auto bytes = VectorType::get({16}, i8);
    Value at = k.bitcast(a.add(a.mul(index, 0x04040404), 0x03020100), i8), result;
    for (int64_t first = 0; first < count; first += 16) {
      SmallVector<Value> operands;
      if (first)
        operands.push_back(result);
      for (int64_t row = 0; row < 4; ++row)
        operands.push_back(k.bitcast(entries(first + row * 4, 4), i8));
      operands.push_back(first ? a.sub(at, first * 4) : at);
      result = k.intrinsic(first ? "llvm.aarch64.neon.tbx4" : "llvm.aarch64.neon.tbl4", bytes, operands);
    }
    return k.bitcast(result, i32);
  }
  int64_t each = n == 16 ? 32 : 8;
  Value result;
  for (int64_t first = 0; first < count; first += each) {
    Value part = n == 16
                     ? k.intrinsic("llvm.x86.avx512.vpermi2var.d.512", type, {entries(first, 16), index, entries(first + 16, 16)})
                     : k.intrinsic("llvm.x86.avx2.permd", type, {entries(first, 8), index});
    result = first ? a.select(a.less(index, first), result, part) : part;
  }
  return result;
}

Value Narrow::lookUp(ArrayRef<int64_t> table, Value codes, bool isUnsigned) const {
  if (arch == Arch::AArch64)
    return lookUpWithTbl(table, codes, isUnsigned);
  if (k.isa.features.contains("avx512vbmi"))
    return lookUpWithVpermi2b(table, codes, isUnsigned);
  // pshufb gives the entry of a row of 16, or 0 where the index is negative. Row after row the index falls by 16; a code past a
  // row meets it, too, so rows hold the difference (exclusive or) to the row before. Codes of each half of the range make one
  // chain.
  Value result;
  int64_t n = sizeOf(codes);
  for (int64_t chain = 0; chain < 2; ++chain) {
    // Codes of the other half are negative, and stay so: subtraction saturates.
    bool flip = (chain == 0) != isUnsigned;
    Value at = flip ? a.bitXor(codes, -128) : codes;
    for (int64_t row = 0; row < 8; ++row) {
      SmallVector<int8_t> entries;
      const int64_t *first = &table[chain * 128 + row * 16];
      for (int64_t i = 0; i < std::max<int64_t>(n, 16); ++i)
        entries.push_back(int8_t(first[i % 16] ^ (row ? first[i % 16 - 16] : 0)));
      if (row)
        at = call("llvm.ssub.sat", i8, {at, a.number(at.getType(), 16)});
      auto type = VectorType::get({int64_t(entries.size())}, i8);
      Value by = arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(type, ArrayRef(entries)));
      Value entry = k.slice(call(x86::pshufb, i8, {by, pad(at, entries.size())}), 0, n);
      result = result ? a.bitXor(result, entry) : entry;
    }
  }
  return result;
}
} // namespace qc
