// Pools and reductions, by rows of accumulators.
#include "Emitter.h"

#include <limits>

using namespace mlir;

namespace qc {
namespace {
/// The number that never wins a maximum (or, with `lowest` false, a minimum) of `type`.
Value limit(Scalars &s, Type type, Type code, bool lowest) {
  if (isa<FloatType>(type))
    return s.real(type, lowest ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity());
  auto [low, high] = getCodeLimits(cast<IntegerType>(code));
  return s.integer(type, lowest ? low : high);
}

/// A code in its storage type compares as signed or unsigned.
Value pick(Scalars &s, Value x, Value y, Type code, bool greatest) {
  if (code.isUnsignedInteger())
    return greatest ? s.b.createOrFold<arith::MaxUIOp>(s.loc, x, y) : s.b.createOrFold<arith::MinUIOp>(s.loc, x, y);
  return greatest ? s.max(y, x) : s.min(y, x);
}
} // namespace

LogicalResult emitPool(Emitter &e, PoolOp op, const Epilogue &epilogue, Value &result) {
  auto x = getShape(op.getInput()), y = getShape(op.getResult());
  Type code = getElementType(op.getInput()), accCode = getElementType(op.getResult());
  bool isMax = op.getKind() == PoolKind::Max;
  Type acc = Emitter::getStorage(isMax ? code : accCode);
  auto windows = getWindows(x.drop_front(2), y.drop_front(2), op.getKernel(), op.getStrides(), op.getPads(), op.getDilations());
  const Window &row = windows.back();
  auto outer = ArrayRef(windows).drop_back();
  size_t rank = x.size();
  int64_t window = 1;
  for (const Window &w : windows)
    window *= w.kernel;
  // Padding adds pad_value: sum x - pad_value over the taps inside, and start from pad_value of the whole window.
  bool padded = !llvm::all_of(windows, [](const Window &w) { return w.inside(); });
  int64_t zero = padded && op.getKind() == PoolKind::Sum ? op.getPadValue() : 0;
  Value input = e.get(op.getInput());

  SmallVector<int64_t> counts{x[0], x[1]};
  llvm::append_range(counts, y.drop_front(2).drop_back());
  result = e.loopNest(counts, e.empty(y, Emitter::getStorage(epilogue.code)), [&](ArrayRef<Value> ivs, Value out) {
    ArrayRef<Value> position = ivs.drop_front(2);
    Scalars s = e.scalars();
    Value first = isMax ? limit(s, acc, code, true) : isa<FloatType>(acc) ? s.zero(acc) : s.integer(acc, zero * window);
    Value sums = e.fill(e.empty({row.output}, acc), first);
    auto accumulate = [&](Value sums, Value part, bool overTaps) {
      SmallVector<AffineExpr> exprs(rank, e.number(0));
      exprs.back() = e.dim(0);
      return e.generic(sums, {part}, {e.map(1, exprs), e.map(1, {overTaps ? e.number(0) : e.dim(0)})}, overTaps ? "r" : "p",
                       [&](Scalars &s, ValueRange v) {
                         if (isMax)
                           return pick(s, v[0], v[1], code, true);
                         Value wide = s.extend(v[0], code, acc);
                         return s.add(v[1], zero ? s.sub(wide, s.integer(acc, zero)) : wide);
                       });
    };
    auto at = [&](ArrayRef<Value> spatial, Value last) {
      SmallVector<Value> offsets{ivs[0], ivs[1]};
      llvm::append_range(offsets, spatial);
      offsets.push_back(last);
      return offsets;
    };
    sums = loopTaps(e, outer, position, sums, [&](ArrayRef<Value>, ArrayRef<Value> reads, Value sums) {
      SmallVector<int64_t> shape(rank, 1), strides(rank, 1);
      if (row.kernel > 8 || row.output == 1)
        return e.loop(row.output, sums, [&](Value o, Value sums) {
          auto [low, high] = row.tapsOf(e, o);
          SmallVector<OpFoldResult> sizes = e.sizes(shape);
          sizes.back() = getAsOpFoldResult(e.scalars().max(e.scalars().sub(high, low), e.index(0)));
          if (getConstantIntValue(sizes.back()) == 0)
            return sums;
          strides.back() = row.dilation;
          Value part = e.slice(input, at(reads, row.read(e, o, low)), sizes, strides);
          Value sum = accumulate(e.slice(sums, {o}, e.sizes({1})), part, /*overTaps=*/true);
          return e.insert(sum, sums, {o}, e.sizes({1}));
        });
      for (int64_t k = 0; k < row.kernel; ++k) {
        auto [from, to] = row.outputsOf(k);
        if (from >= to)
          continue;
        shape.back() = to - from;
        strides.back() = to - from == 1 ? 1 : row.stride;
        Value part = e.slice(input, at(reads, e.index(from * row.stride + k * row.dilation - row.pad)), e.sizes(shape), strides);
        Value sum = accumulate(e.slice(sums, {e.index(from)}, e.sizes({to - from})), part, /*overTaps=*/false);
        sums = e.insert(sum, sums, {e.index(from)}, e.sizes({to - from}));
      }
      return sums;
    });
    // Epilogue parameters are per channel; an average divides by the number of elements under its window.
    SmallVector<Value> inputs{sums};
    SmallVector<AffineMap> maps{e.map(1, {e.dim(0)})};
    for (Value parameter : epilogue.parameters) {
      inputs.push_back(e.slice(parameter, {ivs[1]}, e.sizes({1})));
      maps.push_back(e.map(1, {e.number(0)}));
    }
    Value rows; // taps inside, over the outer dimensions
    if (op.getKind() == PoolKind::Average && !op.getCountIncludePad() && padded) {
      Scalars s = e.scalars();
      rows = s.index(1);
      for (auto [w, o] : llvm::zip(outer, position)) {
        auto [low, high] = w.tapsOf(e, o);
        rows = s.mul(rows, s.sub(high, low));
      }
      rows = arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), rows);
      SmallVector<int64_t> columns(row.output, 0);
      for (int64_t k = 0; k < row.kernel; ++k)
        for (auto [o, to] = row.outputsOf(k); o < to; ++o)
          ++columns[o];
      inputs.push_back(e.constant(RankedTensorType::get({row.output}, e.b.getI32Type()), columns));
      maps.push_back(e.map(1, {e.dim(0)}));
    }
    SmallVector<AffineExpr> exprs(rank, e.number(0));
    exprs.back() = e.dim(0);
    maps.push_back(e.map(1, exprs));
    SmallVector<int64_t> shape(rank, 1);
    shape.back() = row.output;
    auto offsets = at(position, e.index(0));
    Value part = e.generic(e.slice(out, offsets, e.sizes(shape)), inputs, maps, "p", [&](Scalars &s, ValueRange v) {
      Value sum = v[0];
      if (op.getKind() == PoolKind::Average) {
        Value count =
            rows ? arith::SIToFPOp::create(s.b, s.loc, acc, s.mul(v[1], rows)).getResult() : s.real(acc, double(window));
        sum = s.div(sum, count);
      }
      return epilogue.body(s, sum, v.slice(1, epilogue.parameters.size()));
    });
    return e.insert(part, out, offsets, e.sizes(shape));
  });
  return success();
}

LogicalResult emitReduce(Emitter &e, ReduceOp op, const Epilogue &epilogue, Value &result) {
  auto x = getShape(op.getInput());
  Type code = getElementType(op.getInput()), acc = Emitter::getStorage(getElementType(op.getResult()));
  int64_t rank = x.size(), count = 1;
  SmallVector<bool> reduced(rank, false);
  for (int64_t axis : op.getAxes())
    if (!reduced[axis]) {
      reduced[axis] = true;
      count *= x[axis];
    }
  // Accumulators are one row: the last kept dimension.
  int64_t row = -1;
  SmallVector<int64_t> kept;
  for (int64_t d = 0; d < rank; ++d)
    if (!reduced[d])
      row = d;
  for (int64_t d = 0; d < rank; ++d)
    if (!reduced[d] && d != row)
      kept.push_back(d);
  int64_t width = row < 0 ? 1 : x[row];
  Value input = e.get(op.getInput());
  SmallVector<int64_t> fullShape(x);
  for (int64_t d = 0; d < rank; ++d)
    if (reduced[d])
      fullShape[d] = 1;
  bool isMax = op.getKind() == ReduceKind::Max, isMin = op.getKind() == ReduceKind::Min;
  bool isProduct = op.getKind() == ReduceKind::Prod;
  SmallVector<int64_t> counts = llvm::map_to_vector(kept, [&](int64_t d) { return x[d]; });
  Value out = e.loopNest(counts, e.empty(fullShape, Emitter::getStorage(epilogue.code)), [&](ArrayRef<Value> ivs, Value out) {
    Scalars s = e.scalars();
    Value first = isMax || isMin ? limit(s, acc, code, isMax) : isProduct ? s.one(acc) : s.zero(acc);
    Value sums = e.fill(e.empty({width}, acc), first);
    SmallVector<Value> at(rank, e.index(0));
    SmallVector<int64_t> inSizes(x), outSizes(rank, 1);
    for (auto [d, iv] : llvm::zip(kept, ivs)) {
      at[d] = iv;
      inSizes[d] = 1;
    }
    if (row >= 0)
      outSizes[row] = width;
    // Loops: reduced dimensions in memory order, and the row inside them if it is the innermost dimension, else around them.
    std::string kinds;
    SmallVector<AffineExpr> exprs(rank, e.number(0));
    AffineExpr rowExpr = e.number(0);
    bool rowInside = row == rank - 1;
    unsigned next = 0;
    auto addRow = [&] {
      if (row >= 0) {
        rowExpr = exprs[row] = e.dim(next++);
        kinds += 'p';
      }
    };
    if (!rowInside)
      addRow();
    for (int64_t d = 0; d < rank; ++d)
      if (reduced[d]) {
        exprs[d] = e.dim(next++);
        kinds += 'r';
      }
    if (rowInside)
      addRow();
    sums = e.generic(sums, {e.slice(input, at, e.sizes(inSizes))}, {e.map(next, exprs), e.map(next, {rowExpr})}, kinds,
                     [&](Scalars &s, ValueRange v) {
                       if (isMax || isMin)
                         return pick(s, v[0], v[1], code, isMax);
                       Value wide = s.extend(v[0], code, acc);
                       return isProduct ? s.mul(v[1], wide) : s.add(v[1], wide);
                     });
    SmallVector<AffineExpr> outExprs(rank, e.number(0));
    AffineMap sumMap = e.map(1, {row >= 0 ? e.dim(0) : e.number(0)});
    outExprs[row >= 0 ? row : 0] = e.dim(0);
    Value part =
        e.generic(e.slice(out, at, e.sizes(outSizes)), {sums}, {sumMap, e.map(1, outExprs)}, "p", [&](Scalars &s, ValueRange v) {
          Value sum = v[0];
          if (op.getKind() == ReduceKind::Mean)
            sum = s.div(sum, s.real(acc, double(count)));
          return epilogue.body(s, sum, {});
        });
    return e.insert(part, out, at, e.sizes(outSizes));
  });
  result = e.reshape(out, getShape(op.getResult()));
  return success();
}
} // namespace qc
