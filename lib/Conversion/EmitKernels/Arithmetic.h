// Integer arithmetic on 1-D vectors, constants by number.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_ARITHMETIC_H
#define QC_LIB_CONVERSION_EMITKERNELS_ARITHMETIC_H

#include "Kernel.h"

namespace qc {
/// Operands of one vector type each; a number stands for a vector of it, of the other operand's type.
class Arithmetic {
public:
  explicit Arithmetic(Kernel &k) : b(k.b), loc(k.loc) {}

  Value number(Type type, int64_t value) const {
    auto vector = mlir::cast<VectorType>(type);
    llvm::APInt bits(vector.getElementTypeBitWidth(), uint64_t(value), /*isSigned=*/true, /*implicitTrunc=*/true);
    return mlir::arith::ConstantOp::create(b, loc, mlir::DenseElementsAttr::get(vector, bits));
  }
  struct Operand {
    Value value;
    int64_t number = 0;
    Operand(Value value) : value(value) {}
    Operand(int64_t number) : number(number) {}
  };

  Value add(Value x, Operand y) const { return make<mlir::arith::AddIOp>(x, y); }
  Value sub(Value x, Operand y) const { return make<mlir::arith::SubIOp>(x, y); }
  Value negate(Value x) const { return sub(number(x.getType(), 0), x); }
  Value mul(Value x, Operand y) const { return make<mlir::arith::MulIOp>(x, y); }
  Value shl(Value x, Operand y) const { return make<mlir::arith::ShLIOp>(x, y); }
  Value shr(Value x, Operand y) const { return make<mlir::arith::ShRSIOp>(x, y); } ///< arithmetic
  Value ushr(Value x, Operand y) const { return make<mlir::arith::ShRUIOp>(x, y); }
  Value bitAnd(Value x, Operand y) const { return make<mlir::arith::AndIOp>(x, y); }
  Value bitOr(Value x, Operand y) const { return make<mlir::arith::OrIOp>(x, y); }
  Value bitXor(Value x, Operand y) const { return make<mlir::arith::XOrIOp>(x, y); }
  Value min(Value x, Operand y) const { return make<mlir::arith::MinSIOp>(x, y); }
  Value max(Value x, Operand y) const { return make<mlir::arith::MaxSIOp>(x, y); }
  Value clamp(Value x, int64_t low, int64_t high) const { return min(max(x, low), high); }
  Value less(Value x, Operand y) const { return compare(mlir::arith::CmpIPredicate::slt, x, y); }
  Value equal(Value x, Operand y) const { return compare(mlir::arith::CmpIPredicate::eq, x, y); }
  Value select(Value condition, Value x, Value y) const { return mlir::arith::SelectOp::create(b, loc, condition, x, y); }
  Value shuffle(Value x, Value y, ArrayRef<int64_t> order) const { return mlir::vector::ShuffleOp::create(b, loc, x, y, order); }

private:
  Value get(Value like, Operand y) const { return y.value ? y.value : number(like.getType(), y.number); }
  template <typename OpTy> Value make(Value x, Operand y) const { return OpTy::create(b, loc, x, get(x, y)); }
  Value compare(mlir::arith::CmpIPredicate predicate, Value x, Operand y) const {
    return mlir::arith::CmpIOp::create(b, loc, predicate, x, get(x, y));
  }
  OpBuilder &b;
  Location loc;
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_ARITHMETIC_H
