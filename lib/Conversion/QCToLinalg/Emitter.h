// What the emitters of this folder share: scalars, linalg.generic, loops and slices on tensors of storage types.
#ifndef QC_LIB_CONVERSION_QCTOLINALG_EMITTER_H
#define QC_LIB_CONVERSION_QCTOLINALG_EMITTER_H

#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QC.h"

namespace qc {
using mlir::AffineMap;
using mlir::ArrayRef;
using mlir::Location;
using mlir::LogicalResult;
using mlir::OpBuilder;
using mlir::OpFoldResult;
using mlir::RankedTensorType;
using mlir::SmallVector;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

/// Scalar arithmetic; every operation folds constants. Integer, index and float operands take the same names.
struct Scalars {
  OpBuilder &b;
  Location loc;

  Value index(int64_t value);
  Value integer(Type type, int64_t value);
  Value real(Type type, double value);
  Value zero(Type type);
  Value one(Type type);

  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value div(Value x, Value y); ///< floats, and indices that are not negative
  Value min(Value x, Value y); ///< signed; for floats `x < y ? x : y`, so that a NaN in `y` stays
  Value max(Value x, Value y);
  Value bitAnd(Value x, Value y);
  Value bitOr(Value x, Value y);
  Value bitXor(Value x, Value y);
  Value shl(Value x, Value y);
  Value shr(Value x, Value y); ///< arithmetic
  Value ushr(Value x, Value y);
  Value less(Value x, Value y); ///< signed, or ordered
  Value equal(Value x, Value y);
  Value select(Value condition, Value x, Value y);
  Value clamp(Value x, Value low, Value high) { return min(high, max(low, x)); }

  /// A stored value as the wider `to`; `code` says its signedness (`ui8` unsigned, `i8` signed).
  Value extend(Value x, Type code, Type to);
  Value truncate(Value x, Type to);
  Value toIndex(Value x);
};

using ScalarFn = llvm::function_ref<Value(Scalars &, ValueRange)>;

/// What happens to one accumulator before it is stored: a clamp, or a requantization. `parameters` are tensors with one entry per
/// output channel; the body gets the accumulator and the channel's entries.
struct LoopEpilogue {
  Type code; ///< element type of the result as qc writes it
  SmallVector<Value> parameters;
  std::function<Value(Scalars &, Value, ValueRange)> body;
};
using Epilogue = LoopEpilogue; // the class of that name is the kernels'

class Emitter {
public:
  Emitter(OpBuilder &builder) : b(builder), loc(builder.getUnknownLoc()) {}
  mlir::Block *entry = nullptr; ///< where constants go

  OpBuilder &b;
  Location loc;
  llvm::DenseMap<Value, Value> values; ///< qc value to tensor of its storage type

  /// The signless type that holds elements of `element`: i1 to i8 in i8, up to 16 bits in i16, ...
  static Type getStorage(Type element);
  static RankedTensorType getStorageTensor(Type tensor) {
    return withElementType(tensor, getStorage(mlir::cast<RankedTensorType>(tensor).getElementType()));
  }
  /// The tensor for a qc value. Constants come into being here, so that one whose only user stores it in another order leaves
  /// nothing behind.
  Value get(Value value);

  Scalars scalars() { return {b, loc}; }
  Value index(int64_t value) { return scalars().index(value); }

  /// A constant of any shape; its data is one-dimensional.
  Value constant(RankedTensorType type, ArrayRef<int64_t> data);
  Value constant(RankedTensorType type, ArrayRef<float> data);
  Value constant(mlir::ElementsAttr attr, Type storageTensor);

  Value empty(ArrayRef<int64_t> shape, Type element);
  /// Same elements, other shape.
  Value reshape(Value tensor, ArrayRef<int64_t> shape);

  /// linalg.generic into `init`; `maps` are those of `inputs`, then that of `init`; `kinds` has 'p' or 'r' per loop, outer first.
  Value generic(Value init, ArrayRef<Value> inputs, ArrayRef<AffineMap> maps, llvm::StringRef kinds, ScalarFn body);
  /// One result element per index; inputs broadcast as in numpy.
  Value pointwise(RankedTensorType type, ArrayRef<Value> inputs, ScalarFn body);
  /// One result element from its indices.
  Value fromIndices(RankedTensorType type, ScalarFn body);
  Value fill(Value init, Value scalar);

  /// Loops that carry one tensor. A loop of one iteration is no loop.
  using LoopFn = llvm::function_ref<Value(Value iv, Value iter)>;
  Value loop(Value low, Value high, int64_t step, Value init, LoopFn body);
  Value loop(int64_t count, Value init, LoopFn body, int64_t step = 1);
  Value loopNest(ArrayRef<int64_t> counts, Value init, llvm::function_ref<Value(ArrayRef<Value> ivs, Value iter)> body);

  /// Slices keep their rank. `strides` empty: all 1.
  Value slice(Value tensor, ArrayRef<Value> offsets, ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> strides = {});
  Value insert(Value part, Value into, ArrayRef<Value> offsets, ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> strides = {});
  SmallVector<OpFoldResult> sizes(ArrayRef<int64_t> values);

  mlir::AffineExpr dim(unsigned i) { return mlir::getAffineDimExpr(i, b.getContext()); }
  mlir::AffineExpr number(int64_t v) { return mlir::getAffineConstantExpr(v, b.getContext()); }
  AffineMap map(unsigned dims, ArrayRef<mlir::AffineExpr> exprs) { return AffineMap::get(dims, 0, exprs, b.getContext()); }
  AffineMap broadcastMap(ArrayRef<int64_t> from, ArrayRef<int64_t> to);
};

/// Indexed.cpp. The row that an index means: negative ones count from the end, the rest is limited to the rows.
Value emitRow(Scalars &s, Value index, int64_t rows);
/// Contractions.cpp. `epilogue.code` is the element type of `result`.
LogicalResult emitConv(Emitter &e, ConvOp op, const Epilogue &epilogue, Value &result);
LogicalResult emitConvTranspose(Emitter &e, ConvTransposeOp op, const Epilogue &epilogue, Value &result);
LogicalResult emitMatmul(Emitter &e, MatmulOp op, const Epilogue &epilogue, Value &result);
/// Windows.cpp
LogicalResult emitPool(Emitter &e, PoolOp op, const Epilogue &epilogue, Value &result);
LogicalResult emitReduce(Emitter &e, ReduceOp op, const Epilogue &epilogue, Value &result);
/// Requantize.cpp
Epilogue makeRequantizeEpilogue(Emitter &e, RequantizeOp op);
LogicalResult emitRequantize(Emitter &e, RequantizeOp op, Value &result);
/// Elementwise.cpp
LogicalResult emitProduct(Emitter &e, MulOp op, const Epilogue &epilogue, Value &result);
/// Elementwise.cpp and Movement.cpp: null if `op` is none of theirs.
mlir::FailureOr<Value> emitElementwise(Emitter &e, mlir::Operation *op);
mlir::FailureOr<Value> emitMovement(Emitter &e, mlir::Operation *op);
/// Binary.cpp, Indexed.cpp and Rows.cpp, the same.
mlir::FailureOr<Value> emitRows(Emitter &e, mlir::Operation *op);
mlir::FailureOr<Value> emitBinary(Emitter &e, mlir::Operation *op);
mlir::FailureOr<Value> emitIndexed(Emitter &e, mlir::Operation *op);
/// PiecewiseLinear.cpp
mlir::FailureOr<Value> emitPieces(Emitter &e, PwlOp op);
/// Divide.cpp
Value emitDivideCodes(Emitter &e, DivideCodesOp op);
/// The quotient or remainder of two stored integers of type `code`, defined for all operands: 0 where the divisor is 0.
Value emitQuotient(Scalars &s, Value x, Value y, Type code, bool remainder);
/// Elementwise.cpp: a sum in its stored form, wrapped at the width of `code`.
Value wrap(Scalars &s, Value x, Type code);
Value emitPow(Scalars &s, Value x, Value y);
Value emitExp(Scalars &s, Value x);
/// A function without parameters.
Value emitFunction(Scalars &s, ActivationKind kind, Value x);
/// Limits of a ClampOpInterface op applied to a float.
Value applyClamp(Scalars &s, ClampOpInterface op, Value x);

/// The window of one spatial dimension: output `o`, tap `k` reads input `o*stride + k*dilation - pad`.
struct Window {
  int64_t input, output, kernel, stride, pad, dilation;
  /// True if no tap of any output leaves the input.
  bool inside() const { return pad == 0 && (output - 1) * stride + (kernel - 1) * dilation < input; }
  /// Outputs [first, last) whose taps all lie inside the input.
  std::pair<int64_t, int64_t> interior() const;
  /// Outputs [first, last) for which tap `k` lies inside.
  std::pair<int64_t, int64_t> outputsOf(int64_t k) const;
  /// Taps [first, last) of output `o` that lie inside.
  std::pair<Value, Value> tapsOf(Emitter &e, Value o) const;
  Value read(Emitter &e, Value o, Value k) const;
};
SmallVector<Window> getWindows(ArrayRef<int64_t> input, ArrayRef<int64_t> output, ArrayRef<int64_t> kernel,
                               ArrayRef<int64_t> strides, ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations);
/// Loops over the valid taps of all dimensions of `windows`; `outputs` are the output positions.
Value loopTaps(Emitter &e, ArrayRef<Window> windows, ArrayRef<Value> outputs, Value init,
               llvm::function_ref<Value(ArrayRef<Value> taps, ArrayRef<Value> reads, Value iter)> body);
} // namespace qc

#endif // QC_LIB_CONVERSION_QCTOLINALG_EMITTER_H
