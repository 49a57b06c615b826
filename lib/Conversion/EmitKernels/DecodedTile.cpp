// Tiles that decode their weights: two or three operations make a vector of f32 of a field of words, for all rows of the tile.
//
// A code c stands for (c + lowest) * scale. Where the panel is at hand (products), activations come scaled by the power of two
// that a field is multiplied with where it lies in its word, so that no shift brings it down, and the accumulator of a group
// begins with lowest * the sum of its activations: a mask and a conversion are all that a vector of weights takes. Else both are
// done to the weights, exactly.
#include "DecodedTile.h"

using namespace mlir;

namespace qc {
StoredMemory::StoredMemory(Kernel &k, const ContractionPlan &p) {
  const ContractionShape &s = p.s;
  const StoredFields &fields = s.stored->fields;
  int64_t run = p.mergedTaps ? s.kernelW : 1, length = s.inPerGroup, count = fields.fields(), scaleGroups = s.scaleGroups();
  std::vector<int64_t> packed;
  std::vector<float> scaleValues, packedScales;
  if (s.stored->scales)
    scaleValues = s.getStoredScales();
  SmallVector<int32_t> codes(count), lane(fields.words());
  for (size_t phase = 0; phase < s.phases.size(); ++phase) {
    std::vector<int32_t> weights = s.getStoredWeights(phase);
    for (int64_t g = 0; g < s.groups; ++g)
      for (int64_t block = 0; block <= p.fullBlocks(); ++block) {
        int64_t vectors = block < p.fullBlocks() ? p.vectors : p.tailVectors(), first = block * p.vectors * p.lanes;
        for (int64_t r = 0; r < (vectors ? p.runs() : 0); ++r)
          for (int64_t step = 0; step < p.steps; ++step)
            for (int64_t v = 0; v < vectors; ++v) {
              size_t at = packed.size();
              packed.resize(at + fields.words() * p.lanes);
              for (int64_t l = 0; l < p.lanes; ++l) {
                int64_t n = first + v * p.lanes + l;
                for (int64_t i = 0; i < count; ++i) {
                  bool exists = n < s.outPerGroup && step * count + i < p.runLength;
                  codes[i] = exists ? weights[((g * s.outPerGroup + n) * s.taps() + r * run) * length + step * count + i]
                                    : int32_t(fields.lowest());
                }
                fields.pack(codes, lane);
                if (fields.isPlanar(p.lanes)) {
                  for (int64_t i = 0; i < count; ++i)
                    packed[at + i * p.lanes / 2 + l / 2] |= int64_t(uint16_t(codes[i])) << l % 2 * 16;
                  continue;
                }
                for (int64_t w = 0; w < fields.words(); ++w)
                  packed[at + w * p.lanes + l] = lane[w];
              }
            }
        if (!scaleValues.empty() && phase == 0)
          for (int64_t group = 0; group < scaleGroups; ++group)
            for (int64_t l = 0; l < vectors * p.lanes; ++l) {
              int64_t n = first + l;
              packedScales.push_back(n < s.outPerGroup ? scaleValues[(g * s.outPerGroup + n) * scaleGroups + group] : 0.0f);
            }
      }
  }
  for (int64_t &word : packed) // as i32
    word = int32_t(uint32_t(word));
  words = k.constants.get(k.b, k.loc, k.b.getI32Type(), packed);
  if (!packedScales.empty())
    scales = k.constants.get(k.b, k.loc, packedScales);
}

void prescalePanel(Kernel &k, const ContractionPlan &p, Value panel, Value sums, Value count) {
  const StoredFields &fields = p.s.stored->fields;
  int64_t group = p.s.stored->group, groups = p.s.scaleGroups(), period = fields.fields(), lanes = p.lanes;
  Type f32 = k.b.getF32Type();
  SmallVector<float> factors;
  for (int64_t i = 0; i < std::max(period, lanes); ++i)
    factors.push_back(std::ldexp(1.0f, -int(fields.getShift(i % period))));
  bool scales = llvm::any_of(factors, [](float f) { return f != 1; });
  int64_t width = factors.size();
  auto constant = [&](ArrayRef<float> values) -> Value {
    return arith::ConstantOp::create(k.b, k.loc, DenseElementsAttr::get(VectorType::get({int64_t(values.size())}, f32), values));
  };
  Value lowest = constant(float(fields.lowest()));
  k.loop(k.index(0), count, 1, {}, [&](Value position, ValueRange) {
    Value row = k.mul(position, p.pixelStride);
    auto prescale = [&](Value g, int64_t size) {
      int64_t whole = size / width * width;
      Value first = k.add(row, k.mul(g, group)), zero = k.splat(0.0, 1);
      Value sum = zero;
      if (whole) {
        Value all = k.loop(whole, width, k.splat(0.0, width), [&](Value at, ValueRange carried) -> SmallVector<Value> {
          Value x = k.load(panel, k.add(first, at), width);
          if (scales)
            k.store(arith::MulFOp::create(k.b, k.loc, x, constant(factors)), panel, k.add(first, at));
          return {arith::AddFOp::create(k.b, k.loc, carried[0], x)};
        })[0];
        // Halves, so that the order of the sum is the same for any target.
        for (int64_t n = width; n > 1; n /= 2)
          all = arith::AddFOp::create(k.b, k.loc, k.slice(all, 0, n / 2), k.slice(all, n / 2, n / 2));
        sum = all;
      }
      for (int64_t i = whole; i < size; ++i) {
        Value at = k.add(first, i), x = k.load(panel, at, 1);
        if (scales)
          k.store(arith::MulFOp::create(k.b, k.loc, x, constant(factors[(i - whole) % width])), panel, at);
        sum = arith::AddFOp::create(k.b, k.loc, sum, x);
      }
      k.store(arith::MulFOp::create(k.b, k.loc, sum, lowest), sums, k.add(k.mul(position, groups), g));
    };
    int64_t all = p.s.inPerGroup / group, rest = p.s.inPerGroup % group;
    k.loop(all, [&](Value g) { prescale(g, group); });
    if (rest)
      prescale(k.index(all), rest);
    return SmallVector<Value>();
  });
}

/// x * w + acc, with one rounding where an instruction does that: vector.fma is two instructions, since code generation fuses
/// nothing by itself.
static Value multiplyAdd(Kernel &k, Value x, Value w, Value acc) {
  if (k.isa.hasFusedMultiplyAdd())
    return math::FmaOp::create(k.b, k.loc, x, w, acc);
  return vector::FMAOp::create(k.b, k.loc, x, w, acc);
}

SmallVector<Value> DecodedTile::startGroup(Value group) {
  SmallVector<Value> accs;
  for (int64_t row = 0; row < rows; ++row) {
    Value start = k.splat(0.0, p.lanes);
    if (sums)
      start = k.broadcast(k.loadScalar(sums, k.add(k.mul(k.add(bandPosition, row), p.s.scaleGroups()), group)), p.lanes);
    accs.append(vectors, start);
  }
  return accs;
}

void DecodedTile::multiplyStep(Value from, Value word, int64_t count, SmallVector<Value> &accs) {
  const StoredFields &fields = p.s.stored->fields;
  int64_t perVector = fields.words() * p.lanes;
  SmallVector<SmallVector<Value>> words(vectors);
  for (int64_t v = 0; v < vectors; ++v)
    if (fields.isPlanar(p.lanes))
      for (int64_t half : {0, 1})
        words[v].push_back(k.load(memory.words, k.add(word, v * perVector + half * p.lanes / 2), p.lanes / 2));
    else
      for (int64_t w = 0; w < fields.words(); ++w)
        words[v].push_back(k.load(memory.words, k.add(word, v * perVector + w * p.lanes), p.lanes));
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Value> x;
    for (int64_t row = 0; row < rows; ++row)
      x.push_back(k.broadcast(k.loadScalar(source, k.add(from, row * nextPosition + i)), p.lanes));
    for (int64_t v = 0; v < vectors; ++v) {
      Value w = fields.decode(k, words[v], i);
      if (fields.isInteger() && !sums) {
        Value lowest = k.splat(double(fields.lowest()), p.lanes);
        w = fields.getShift(i) ? multiplyAdd(k, w, k.splat(std::ldexp(1.0, -int(fields.getShift(i))), p.lanes), lowest)
                               : arith::AddFOp::create(k.b, k.loc, w, lowest).getResult();
      }
      for (int64_t row = 0; row < rows; ++row)
        accs[row * vectors + v] = multiplyAdd(k, x[row], w, accs[row * vectors + v]);
    }
  }
}

SmallVector<Value> DecodedTile::multiply(Value from, Value word, int64_t count, ValueRange accs) {
  const StoredFields &fields = p.s.stored->fields;
  int64_t step = fields.fields(), whole = count / step, stepWords = vectors * fields.words() * p.lanes;
  SmallVector<Value> next = k.loop(whole, 1, accs, [&](Value i, ValueRange carried) {
    SmallVector<Value> values(carried);
    multiplyStep(k.add(from, k.mul(i, step)), k.add(word, k.mul(i, stepWords)), step, values);
    return values;
  });
  if (count % step)
    multiplyStep(k.add(from, whole * step), k.add(word, whole * stepWords), count % step, next);
  return next;
}

SmallVector<Value> DecodedTile::addScaled(ValueRange accs, Value scale, ArrayRef<Value> totals) {
  SmallVector<Value> result;
  for (int64_t i = 0; i < rows * vectors; ++i)
    result.push_back(multiplyAdd(k, accs[i], k.load(memory.scales, k.add(scale, i % vectors * p.lanes), p.lanes), totals[i]));
  return result;
}

SmallVector<Value> DecodedTile::run(Value from, Value weightOffset, ArrayRef<Value> biases) {
  const ContractionShape &s = p.s;
  const StoredFields &fields = s.stored->fields;
  int64_t perVector = fields.words() * p.lanes, runWords = p.steps * vectors * perVector, perChannels = p.runs() * p.steps;
  SmallVector<Value> start;
  for (int64_t row = 0; row < rows; ++row)
    llvm::append_range(start, biases);
  Value block = weightOffset;
  if (auto known = getConstantIntValue(weightOffset))
    block = k.index(*known / std::max<int64_t>(perChannels, 1));
  else
    block = arith::DivUIOp::create(k.b, k.loc, weightOffset, k.index(perChannels));
  Value scale = k.mul(block, s.scaleGroups() * p.lanes), word = k.mul(weightOffset, perVector);
  bool grouped = fields.isInteger() && s.scaleGroups() > 1;
  int64_t taps = p.mergedTaps ? 1 : s.kernelW;
  auto forEachRun = [&](ValueRange init, auto body) {
    return k.loop(s.kernelH, 1, init, [&](Value ky, ValueRange outer) {
      return k.loop(taps, 1, outer, [&](Value kx, ValueRange inner) -> SmallVector<Value> {
        Value at = k.add(from, k.add(k.mul(ky, nextTapRow), k.mul(kx, nextTap)));
        return body(at, k.add(word, k.mul(k.add(k.mul(ky, taps), kx), runWords)), inner);
      });
    });
  };
  if (!grouped) {
    SmallVector<Value> accs =
        forEachRun(fields.isInteger() ? startGroup(k.index(0)) : start,
                   [&](Value at, Value word, ValueRange carried) { return multiply(at, word, p.runLength, carried); });
    return fields.isInteger() ? addScaled(accs, scale, start) : accs;
  }
  int64_t group = s.stored->group, groupWords = group / fields.fields() * vectors * perVector;
  return forEachRun(start, [&](Value at, Value word, ValueRange carried) {
    return k.loop(p.runLength / s.inPerGroup, 1, carried, [&](Value tap, ValueRange totals) {
      auto addGroup = [&](Value g, int64_t size, ValueRange sofar) {
        Value element = k.add(k.mul(tap, s.inPerGroup), k.mul(g, group));
        Value first = k.add(word, k.add(k.mul(tap, s.scaleGroups() * groupWords), k.mul(g, groupWords)));
        SmallVector<Value> accs = multiply(k.add(at, element), first, size, startGroup(g));
        return addScaled(accs, k.add(scale, k.mul(g, vectors * p.lanes)), SmallVector<Value>(sofar));
      };
      int64_t whole = s.inPerGroup / group, rest = s.inPerGroup % group;
      SmallVector<Value> sums = k.loop(whole, 1, totals, [&](Value g, ValueRange sofar) { return addGroup(g, group, sofar); });
      return rest ? addGroup(k.index(whole), rest, sums) : sums;
    });
  });
}
} // namespace qc
