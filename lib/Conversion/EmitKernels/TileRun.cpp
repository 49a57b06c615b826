// Runs of dot steps: the general loop, and the forms for instructions that take a lane of a register or a small matrix.
#include "TileRun.h"
#include "Arithmetic.h"
#include "Dots.h"
#include "X86.h"

#include <numeric>

using namespace mlir;

namespace qc {
SmallVector<Value> TileRun::start(ArrayRef<Value> biases) {
  SmallVector<Value> accs;
  if (p.dot->step != DotStep::SMMLA) {
    for (int64_t row = 0; row < rows; ++row)
      llvm::append_range(accs, biases);
    return accs;
  }
  // [pair of rows][pair of channels]: row 0, row 1 of channels 0 and 1.
  for (int64_t row = 0; row < rows; row += 2)
    for (Value bias : biases)
      for (int64_t first : {0, 2})
        accs.push_back(vector::ShuffleOp::create(k.b, k.loc, bias, bias, ArrayRef<int64_t>{first, first + 1, first, first + 1}));
  return accs;
}

SmallVector<Value> TileRun::finish(ValueRange accs) {
  if (p.dot->step != DotStep::SMMLA)
    return SmallVector<Value>(accs);
  SmallVector<Value> result;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t v = 0; v < vectors; ++v) {
      Value low = accs[(row / 2 * vectors + v) * 2], high = accs[(row / 2 * vectors + v) * 2 + 1];
      int64_t first = row % 2 * 2;
      SmallVector<int64_t> order{first, first + 1, first + 4, first + 5};
      result.push_back(vector::ShuffleOp::create(k.b, k.loc, low, high, order));
    }
  return result;
}

SmallVector<Value> TileRun::run(Value from, Value weightRun, ValueRange accs) {
  if (factors)
    return runGroups(from, weightRun, accs);
  switch (p.dot->step) {
  case DotStep::SDOT:
    return runLanes(from, weightRun, 0, accs);
  case DotStep::SDOTAhead:
    return runLanesAhead(from, weightRun, accs);
  case DotStep::SMMLA:
    return runMatrices(from, weightRun, accs);
  case DotStep::Widening:
    // By lane of eight activations, where that is an operand of the instruction.
    if (k.isa.arch == "aarch64" && steps >= 8)
      return runWideningLanes(from, weightRun, accs);
    return runSteps(from, weightRun, k.index(0), accs);
  default:
    break;
  }
  if (fullEnd) { // permuted
    SmallVector<Value> sums = runChains(from, weightRun, k.index(0), fullEnd, {2, 2}, accs);
    sums = runChains(from, weightRun, fullEnd, halfEnd, {2, 1, 1}, sums);
    return runSteps(from, weightRun, halfEnd, sums);
  }
  if (marks)
    return runMarked(from, weightRun, accs);
  if (p.dot->chain == 1)
    return runSteps(from, weightRun, k.index(0), accs);
  // What holds for a chain holds for a shorter last one.
  return forEachUnit(p.dot->chain, 0, accs, [&](Value first, int64_t offset, int64_t count, SmallVector<Value> &next) {
    addChain(from, weightRun, first, offset, count, next);
  });
}

bool canInterleave(const ContractionPlan &p, int64_t bits) {
  int64_t group = getInterleavedVectors(bits);
  auto fits = [&](int64_t vectors) {
    int64_t steps = group / std::gcd(group, vectors);
    return (p.s.grouped ? p.groupSteps() : p.steps) % steps == 0 && (p.dot->step != DotStep::SDOTAhead || steps <= 4);
  };
  return (p.fullBlocks() == 0 || fits(p.vectors)) && (p.tailVectors() == 0 || fits(p.tailVectors()));
}

int64_t TileRun::getGroup(int64_t unit) const {
  return std::lcm(unit, weights.getGroup() / std::gcd(weights.getGroup(), stepWeights));
}

void TileRun::addChain(Value from, Value weightRun, Value first, int64_t offset, int64_t length, SmallVector<Value> &accs) {
  const DotKernel &dot = *p.dot;
  from = k.add(from, k.mul(k.add(first, offset), dot.k0));
  Value weightFirst = k.add(weightRun, k.mul(first, stepWeights));
  auto loadX = [&](int64_t row, int64_t u) {
    return loadActivation(k, dot, p.s.code, source, k.add(from, row * nextPosition + u * dot.k0));
  };
  bool takesCodes = dot.step == DotStep::VPMADDCODES;
  auto loadW = [&](int64_t u, int64_t v) {
    int64_t at = (offset + u) * stepWeights + v;
    return takesCodes ? weights.loadCodes(k, weightFirst, at) : loadWeights(k, dot, weights, weightFirst, at);
  };
  auto multiply = [&](Value x, Value w) { return takesCodes ? emitPairs(k, w, x) : emitPairs(k, x, w); };
  auto sum = [&](Value a, Value b) -> Value { return a ? arith::AddIOp::create(k.b, k.loc, a, b) : b; };
  SmallVector<Value> pairs(rows * vectors), w;
  if (length <= 2) {
    // Row by row: the sums in i16 live shortly.
    for (int64_t u = 0; u < length; ++u)
      for (int64_t v = 0; v < vectors; ++v)
        w.push_back(loadW(u, v));
    for (int64_t row = 0; row < rows; ++row) {
      SmallVector<Value> x;
      for (int64_t u = 0; u < length; ++u)
        x.push_back(loadX(row, u));
      for (int64_t v = 0; v < vectors; ++v) {
        Value pair;
        for (int64_t u = 0; u < length; ++u)
          pair = sum(pair, multiply(x[u], w[u * vectors + v]));
        accs[row * vectors + v] = addPairs(k, pair, accs[row * vectors + v]);
      }
    }
    return;
  }
  // Step by step: no weight is loaded twice; accumulators may wait in memory until the end of the chain.
  for (int64_t u = 0; u < length; ++u) {
    w.clear();
    for (int64_t v = 0; v < vectors; ++v)
      w.push_back(loadW(u, v));
    for (int64_t row = 0; row < rows; ++row) {
      Value x = loadX(row, u);
      for (int64_t v = 0; v < vectors; ++v)
        pairs[row * vectors + v] = sum(pairs[row * vectors + v], multiply(x, w[v]));
    }
  }
  for (auto [pair, acc] : llvm::zip(pairs, accs))
    acc = addPairs(k, pair, acc);
}

void TileRun::addCodes(Value from, Value weightStep, Value group, ArrayRef<Value> factors, SmallVector<Value> &accs) {
  const DotKernel &dot = *p.dot;
  Type i16 = k.b.getIntegerType(16), i32 = k.b.getI32Type();
  Arithmetic a(k);
  SmallVector<Value> pairs;
  for (int64_t row = 0; row < rows; ++row) {
    Value lacks = k.loadScalar(groupSums, k.add(group, row * (p.s.inPerGroup / p.s.grouped->length)));
    pairs.append(vectors, k.bitcast(k.broadcast(lacks, p.lanes), i16));
  }
  for (int64_t u = 0; u < steps; ++u) {
    SmallVector<Value> w;
    for (int64_t v = 0; v < vectors; ++v)
      w.push_back(weights.loadCodes(k, weightStep, u * stepWeights + v));
    for (int64_t row = 0; row < rows; ++row) {
      Value x = loadActivation(k, dot, p.s.code, source, k.add(from, row * nextPosition + u * dot.k0));
      for (int64_t v = 0; v < vectors; ++v)
        pairs[row * vectors + v] = a.add(pairs[row * vectors + v], emitPairs(k, w[v], x));
    }
  }
  // Widened by the factor in the place of 1.
  for (int64_t v = 0; v < vectors; ++v) {
    Value both = k.bitcast(a.bitOr(a.bitAnd(factors[v], 0xffff), a.shl(factors[v], 16)), i16);
    for (int64_t row = 0; row < rows; ++row) {
      Value &acc = accs[row * vectors + v];
      acc = a.add(acc, x86::call(k, x86::pmaddwd, VectorType::get({p.lanes}, i32), {pairs[row * vectors + v], both}));
    }
  }
}

SmallVector<Value> TileRun::runGroups(Value from, Value weightRun, ValueRange accs) {
  Type i32 = k.b.getI32Type();
  Arithmetic a(k);
  int64_t groupSteps = p.groupSteps(), groupVectors = groupSteps * stepWeights;
  TileRun part = *this;
  part.factors = Value();
  part.steps = groupSteps;
  return k.loop(steps / groupSteps, 1, accs, [&](Value group, ValueRange carried) {
    Value weight = k.add(weightRun, k.mul(group, groupVectors)), at = k.add(from, k.mul(group, p.s.grouped->length));
    Value first = arith::DivUIOp::create(k.b, k.loc, weight, k.index(groupSteps));
    SmallVector<Value> scale, next(carried);
    for (int64_t v = 0; v < vectors; ++v) {
      Value bytes = k.load(factors, k.mul(k.add(first, v), p.lanes), p.lanes);
      scale.push_back(k.extend(bytes, k.b.getIntegerType(8), i32));
    }
    if (p.dot->step == DotStep::VPMADDCODES) {
      part.addCodes(at, weight, k.add(group, groupBase), scale, next);
      return next;
    }
    SmallVector<Value> sums = part.run(at, weight, SmallVector<Value>(next.size(), k.splat(i32, 0, p.lanes)));
    for (int64_t i = 0; i < rows * vectors; ++i)
      next[i] = a.add(next[i], a.mul(sums[i], scale[i % vectors]));
    return next;
  });
}

SmallVector<Value> TileRun::runChains(Value from, Value weightRun, Value low, Value high, ArrayRef<int64_t> lengths,
                                      ValueRange accs) {
  int64_t group = 0;
  for (int64_t length : lengths)
    group += length;
  return k.loop(low, high, group, accs, [&](Value step, ValueRange carried) {
    SmallVector<Value> next(carried);
    for (int64_t length : lengths) {
      addChain(from, weightRun, step, 0, length, next);
      step = k.add(step, length);
    }
    return next;
  });
}

SmallVector<Value> TileRun::runMarked(Value from, Value weightRun, ValueRange accs) {
  const DotKernel &dot = *p.dot;
  return forEachUnit(2, 0, accs, [&](Value first, int64_t offset, int64_t, SmallVector<Value> &carried) {
    Value at = k.add(from, k.mul(k.add(first, offset), dot.k0)), weightFirst = k.add(weightRun, k.mul(first, stepWeights));
    Value mark = k.loadScalar(marks, arith::DivUIOp::create(k.b, k.loc, at, k.index(2 * dot.k0)));
    Value zero = arith::ConstantOp::create(k.b, k.loc, k.b.getI64IntegerAttr(0));
    Value isSmall = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq, mark, zero);
    auto choice = scf::IfOp::create(k.b, k.loc, ValueRange(carried).getTypes(), isSmall, /*withElseRegion=*/true);
    auto multiply = [&](Block *block, bool chained) {
      OpBuilder::InsertionGuard guard(k.b);
      k.b.setInsertionPointToStart(block);
      SmallVector<Value> signs, magnitude, sums;
      for (int64_t u = 0; u < 2; ++u) {
        signs.push_back(loadActivation(k, dot, p.s.code, source, k.add(at, u * dot.k0)));
        magnitude.push_back(loadActivation(k, dot, p.s.code, magnitudes, k.add(at, u * dot.k0)));
      }
      for (int64_t v = 0; v < vectors; ++v) {
        SmallVector<Value> pairs;
        for (int64_t u = 0; u < 2; ++u)
          pairs.push_back(emitSignedPairs(k, signs[u], magnitude[u],
                                          loadWeights(k, dot, weights, weightFirst, (offset + u) * stepWeights + v)));
        if (chained)
          sums.push_back(addPairs(k, arith::AddIOp::create(k.b, k.loc, pairs[0], pairs[1]), carried[v]));
        else
          sums.push_back(addPairs(k, pairs[1], addPairs(k, pairs[0], carried[v])));
      }
      scf::YieldOp::create(k.b, k.loc, sums);
    };
    multiply(choice.thenBlock(), true);
    multiply(choice.elseBlock(), false);
    carried.assign(choice.getResults().begin(), choice.getResults().end());
  });
}

SmallVector<Value> TileRun::forEachUnit(int64_t unit, int64_t begin, ValueRange accs, StepsFn body) {
  int64_t group = getGroup(unit), rest = (steps - begin) % group;
  auto forEach = [&](Value first, int64_t all, SmallVector<Value> &values) {
    for (int64_t offset = 0; offset < all; offset += unit)
      body(first, offset, std::min(unit, all - offset), values);
  };
  SmallVector<Value> next = k.loop(k.index(begin), k.index(steps - rest), group, accs, [&](Value first, ValueRange carried) {
    SmallVector<Value> values(carried);
    forEach(first, group, values);
    return values;
  });
  forEach(k.index(steps - rest), rest, next);
  return next;
}

Value TileRun::loadBytes(Value offset, int64_t count) {
  if (count == 16 || p.panel)
    return k.load(source, offset, 16);
  // Parts whose sizes are powers of two, each filled up to 16.
  Value whole;
  for (int64_t at = 0; at < count;) {
    int64_t size = llvm::bit_floor(uint64_t(count - at));
    Value part = k.load(source, k.add(offset, at), size);
    SmallVector<int64_t> order(16, -1);
    for (int64_t i = 0; i < size; ++i)
      order[i] = i;
    part = vector::ShuffleOp::create(k.b, k.loc, part, part, order);
    if (whole) {
      for (int64_t i = 0; i < 16; ++i)
        order[i] = i < at ? i : i < at + size ? 16 + i - at : -1;
      part = vector::ShuffleOp::create(k.b, k.loc, whole, part, order);
    }
    whole = part;
    at += size;
  }
  return whole;
}

SmallVector<Value> TileRun::runSteps(Value from, Value weightRun, Value first, ValueRange accs) {
  const DotKernel &dot = *p.dot;
  auto runUnit = [&](Value group, int64_t offset, int64_t count, SmallVector<Value> &next) {
    Value weightFirst = k.add(weightRun, k.mul(group, stepWeights));
    for (int64_t u = offset; u < offset + count; ++u) {
      SmallVector<Value> w;
      for (int64_t v = 0; v < vectors; ++v)
        w.push_back(loadWeights(k, dot, weights, weightFirst, u * stepWeights + v));
      Value x0 = k.add(from, k.mul(k.add(group, u), dot.k0));
      for (int64_t row = 0; row < rows; ++row) {
        Value x = loadActivation(k, dot, p.s.code, source, k.add(x0, row * nextPosition));
        for (int64_t v = 0; v < vectors; ++v)
          next[row * vectors + v] = emitDot(k, dot, x, w[v], next[row * vectors + v]);
      }
    }
  };
  if (auto begin = getConstantIntValue(first))
    return forEachUnit(*begin ? 1 : p.unroll, *begin, accs, runUnit);
  return k.loop(first, k.index(steps), 1, accs, [&](Value step, ValueRange carried) {
    SmallVector<Value> next(carried);
    runUnit(step, 0, 1, next);
    return next;
  });
}

/// `count` steps from `first + offset` on, whose activations are `x`, one vector a row; `behind(row)` once a row's last one is
/// read.
void TileRun::multiplyLanes(Value first, int64_t offset, int64_t count, Value weightRun, ArrayRef<Value> x,
                            SmallVector<Value> &accs, llvm::function_ref<void(int64_t row)> behind) {
  const DotKernel &dot = *p.dot;
  Value at = k.add(weightRun, k.mul(first, stepWeights));
  for (int64_t u = 0; u < count; ++u) {
    SmallVector<Value> w;
    for (int64_t v = 0; v < vectors; ++v)
      w.push_back(weights.load(k, at, (offset + u) * stepWeights + v));
    for (int64_t row = 0; row < rows; ++row) {
      Value words = k.bitcast(x[row], k.b.getI32Type());
      Value lane = vector::ShuffleOp::create(k.b, k.loc, words, words, SmallVector<int64_t>(p.lanes, u));
      lane = k.bitcast(lane, k.b.getIntegerType(8));
      for (int64_t v = 0; v < vectors; ++v)
        accs[row * vectors + v] = emitDot(k, dot, lane, w[v], accs[row * vectors + v]);
      if (u + 1 == count && behind)
        behind(row);
    }
  }
}

/// 16 activations are four steps: sdot takes four of them by lane index.
SmallVector<Value> TileRun::runLanes(Value from, Value weightRun, int64_t begin, ValueRange accs) {
  return forEachUnit(4, begin, accs, [&](Value first, int64_t offset, int64_t count, SmallVector<Value> &next) {
    SmallVector<Value> x;
    Value at = k.add(from, k.mul(k.add(first, offset), p.dot->k0));
    for (int64_t row = 0; row < rows; ++row)
      x.push_back(loadBytes(k.add(at, row * nextPosition), count * p.dot->k0));
    multiplyLanes(first, offset, count, weightRun, x, next, nullptr);
  });
}

/// The same with the activations of the next group loaded behind the last use of this one's, from the sum of two registers (row
/// and position in the run): such a load issues beside sdot, one that adds a number or writes its address back does not.
SmallVector<Value> TileRun::runLanesAhead(Value from, Value weightRun, ValueRange accs) {
  int64_t whole = steps / 4 * 4, bytes = 4 * p.dot->k0;
  if (whole < 8)
    return runLanes(from, weightRun, 0, accs);
  SmallVector<Value> starts;
  for (int64_t row = 0; row < rows; ++row)
    starts.push_back(k.hide(k.index(row * nextPosition)));
  auto load = [&](Value at, int64_t row) { return k.load(source, k.add(at, starts[row]), bytes); };
  SmallVector<Value> carried(accs);
  for (int64_t row = 0; row < rows; ++row)
    carried.push_back(load(from, row));
  carried.push_back(from);
  carried = k.loop(whole - 4, 4, carried, [&](Value first, ValueRange values) {
    SmallVector<Value> next(values.drop_back(rows + 1)), x(values.drop_back().take_back(rows)), ahead;
    Value at = k.hide(k.add(values.back(), bytes));
    multiplyLanes(first, 0, 4, weightRun, x, next, [&](int64_t row) { ahead.push_back(load(at, row)); });
    llvm::append_range(next, ahead);
    next.push_back(at);
    return next;
  });
  SmallVector<Value> next(ArrayRef(carried).drop_back(rows + 1)), x(ArrayRef(carried).drop_back().take_back(rows));
  multiplyLanes(k.index(whole - 4), 0, 4, weightRun, x, next, nullptr);
  return runLanes(from, weightRun, whole, next);
}

SmallVector<Value> TileRun::runWideningLanes(Value from, Value weightRun, ValueRange accs) {
  Type i16 = k.b.getIntegerType(16), i32 = k.b.getI32Type();
  int64_t whole = steps / 8 * 8, half = p.lanes; // a group is at most eight steps
  SmallVector<Value> next = k.loop(whole, 8, accs, [&](Value first, ValueRange carried) {
    SmallVector<Value> sums(carried), x;
    Value at = k.add(weightRun, k.mul(first, stepWeights));
    for (int64_t row = 0; row < rows; ++row)
      x.push_back(k.extend(k.load(source, k.add(k.add(from, first), row * nextPosition), 8), p.s.code, i16));
    for (int64_t u = 0; u < 8; ++u) {
      SmallVector<Value> w;
      // Two vectors of channels widen together.
      for (int64_t v = 0; v < vectors; v += 2) {
        int64_t count = std::min<int64_t>(2, vectors - v);
        Value wide = k.extend(weights.load(k, at, u * stepWeights + v, count), k.b.getIntegerType(8), i16);
        for (int64_t lane = 0; lane < count * half; lane += half)
          w.push_back(k.extend(k.slice(wide, lane, half), i16, i32));
      }
      for (int64_t row = 0; row < rows; ++row) {
        Value lane = vector::ShuffleOp::create(k.b, k.loc, x[row], x[row], SmallVector<int64_t>(half, u));
        lane = k.extend(lane, i16, i32);
        for (int64_t v = 0; v < vectors; ++v)
          sums[row * vectors + v] = emitDot(k, *p.dot, lane, w[v], sums[row * vectors + v]);
      }
    }
    return sums;
  });
  return whole < steps ? runSteps(from, weightRun, k.index(whole), next) : next;
}

/// Two rows of eight times two channels of eight; 16 activations of two rows are two steps.
SmallVector<Value> TileRun::runMatrices(Value from, Value weightRun, ValueRange accs) {
  const DotKernel &dot = *p.dot;
  Type i8 = k.b.getIntegerType(8), i64 = k.b.getI64Type();
  StringRef name = p.s.isUnsigned() ? "llvm.aarch64.neon.usmmla" : "llvm.aarch64.neon.smmla";
  return forEachUnit(2, 0, accs, [&](Value first, int64_t step, int64_t count, SmallVector<Value> &next) {
    SmallVector<Value> x;
    for (int64_t row = 0; row < rows; ++row) {
      Value offset = k.add(k.add(from, k.mul(k.add(first, step), dot.k0)), row * nextPosition);
      x.push_back(k.bitcast(k.load(source, offset, count * dot.k0), i64));
    }
    if (rows % 2)
      x.push_back(x.back());
    Value at = k.add(weightRun, k.mul(first, stepWeights));
    for (int64_t u = 0; u < count; ++u) {
      SmallVector<Value> pairs;
      for (int64_t row = 0; row < rows; row += 2)
        pairs.push_back(
            k.bitcast(vector::ShuffleOp::create(k.b, k.loc, x[row], x[row + 1], ArrayRef<int64_t>{u, count + u}), i8));
      for (int64_t v = 0; v < vectors * 2; ++v) {
        Value w = weights.loadPart(k, at, (step + u) * stepWeights + v / 2, v % 2, 2);
        for (auto [i, pair] : llvm::enumerate(pairs)) {
          Value &acc = next[int64_t(i) * vectors * 2 + v];
          acc = k.intrinsic(name, acc.getType(), {acc, pair, w});
        }
      }
    }
  });
}
} // namespace qc
