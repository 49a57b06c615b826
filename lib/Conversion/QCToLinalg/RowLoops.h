// What the emitters of rows share: integer functions under construction, and the loops over rows.
#ifndef QC_LIB_CONVERSION_QCTOLINALG_ROWLOOPS_H
#define QC_LIB_CONVERSION_QCTOLINALG_ROWLOOPS_H

#include "Emitter.h"

namespace qc {
/// 64-bit operations under construction, for FunctionsInt: rule N22.
struct IntOperations {
  using U = Value;
  Scalars &s;
  Value number(uint64_t v) { return s.integer(s.b.getI64Type(), int64_t(v)); }
  Value add(Value x, Value y) { return s.add(x, y); }
  Value sub(Value x, Value y) { return s.sub(x, y); }
  Value mul(Value x, Value y) { return s.mul(x, y); }
  Value shl(Value x, Value y) { return s.shl(x, y); }
  Value shr(Value x, Value y) { return s.ushr(x, y); }
  Value andBits(Value x, uint64_t y) { return s.bitAnd(x, number(y)); }
  /// Of x > 0. By halving: a count in vectors becomes a conversion to floating point on RISC-V.
  Value clz(Value x) {
    Value count = number(0);
    for (uint64_t k : {32, 16, 8, 4, 2, 1}) {
      Value isSmall = s.equal(shr(x, number(64 - k)), number(0));
      x = s.select(isSmall, shl(x, number(k)), x);
      count = s.select(isSmall, add(count, number(k)), count);
    }
    return count;
  }
};

/// (x + 2^(shift-1)) >> shift; half of 1 is 0.
inline Value roundShift(Scalars &s, Value x, Value shift) {
  Value half = s.ushr(s.shl(s.integer(x.getType(), 1), shift), s.integer(x.getType(), 1));
  return s.shr(s.add(x, half), shift);
}

/// The loops over an input of `shape` whose axes [first, last] make up a row.
struct Rows {
  Emitter &e;
  ArrayRef<int64_t> shape;
  int64_t first, last;
  SmallVector<int64_t> outer;
  AffineMap whole, row;
  std::string reduction, parallel;

  Rows(Emitter &e, ArrayRef<int64_t> shape, int64_t first, int64_t last) : e(e), shape(shape), first(first), last(last) {
    SmallVector<mlir::AffineExpr> all, some;
    for (int64_t d = 0; d < int64_t(shape.size()); ++d) {
      bool inRow = d >= first && d <= last;
      all.push_back(e.dim(d));
      reduction += inRow ? 'r' : 'p';
      parallel += 'p';
      if (inRow)
        continue;
      some.push_back(e.dim(d));
      outer.push_back(shape[d]);
    }
    whole = e.map(shape.size(), all);
    row = e.map(shape.size(), some);
  }

  /// Row by row: `body` gets the elements of `inputs`, each with its map, and the number so far.
  Value reduce(Type type, Value start, ArrayRef<Value> inputs, ArrayRef<AffineMap> maps, ScalarFn body) {
    SmallVector<AffineMap> all(maps);
    all.push_back(row);
    return e.generic(e.fill(e.empty(outer, type), start), inputs, all, reduction, body);
  }
  Value each(Type type, ArrayRef<Value> inputs, ArrayRef<AffineMap> maps, ScalarFn body) {
    SmallVector<AffineMap> all(maps);
    all.push_back(whole);
    return e.generic(e.empty(shape, type), inputs, all, parallel, body);
  }
  /// One number per row from others.
  Value perRow(Type type, ArrayRef<Value> inputs, ScalarFn body) {
    return e.pointwise(RankedTensorType::get(outer, type), inputs, body);
  }
  AffineMap broadcast(Value value) { return e.broadcastMap(mlir::cast<mlir::ShapedType>(value.getType()).getShape(), shape); }
};

/// `v` where the mask's element, if there is one, is set; else `otherwise`.
inline Value masked(Scalars &s, ArrayRef<Value> mask, Value v, Value otherwise) {
  return mask.empty() ? v : s.select(s.equal(mask[0], s.zero(mask[0].getType())), otherwise, v);
}

/// Deviation.cpp: normalization by mean magnitudes (`mad`, `mean_abs`), f32 and codes.
Value emitDeviationCodes(Emitter &e, NormalizeCodesOp op);
} // namespace qc

#endif // QC_LIB_CONVERSION_QCTOLINALG_ROWLOOPS_H
