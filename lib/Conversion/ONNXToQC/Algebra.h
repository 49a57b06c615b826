// Arithmetic on entries, for operators that are made of several qc ops: what has only constant inputs is evaluated at once, the
// rest becomes ops. So one decomposition both folds and builds.
#ifndef LIB_CONVERSION_ONNXTOQC_ALGEBRA_H
#define LIB_CONVERSION_ONNXTOQC_ALGEBRA_H

#include "Importer.h"

namespace qc::onnximport {
class Algebra {
public:
  explicit Algebra(Node &node) : node(node) {}
  Node &node;

  //===-- Constants --===//
  /// One number of the type of `like`, of rank 0.
  Entry number(double value, mlir::Type element);
  Entry number(double value, const Entry &like) { return number(value, like.element); }
  Entry floats(std::vector<float> values, llvm::ArrayRef<int64_t> shape);
  /// Integers of type `element` (i64 if null).
  Entry ints(std::vector<int64_t> values, llvm::ArrayRef<int64_t> shape, mlir::Type element = {});
  /// 0, 1, ..., count - 1 along dimension `axis` of `rank` dimensions, the others of size 1.
  Entry iota(int64_t count, int64_t axis, int64_t rank, mlir::Type element = {});

  //===-- Element by element --===//
  Entry unary(ActivationKind kind, const Entry &x, float alpha = 0, float beta = 0);
  Entry binary(BinaryKind kind, const Entry &x, const Entry &y);
  Entry compare(CompareKind kind, const Entry &x, const Entry &y);
  Entry select(const Entry &condition, const Entry &x, const Entry &y);
  Entry add(const Entry &x, const Entry &y);
  Entry sub(const Entry &x, const Entry &y);
  Entry mul(const Entry &x, const Entry &y);
  Entry div(const Entry &x, const Entry &y);
  Entry add(const Entry &x, double y) { return add(x, number(y, x)); }
  Entry mul(const Entry &x, double y) { return mul(x, number(y, x)); }
  Entry cast(const Entry &x, mlir::Type element);
  Entry invert(const Entry &x); ///< bits, or a boolean
  Entry square(const Entry &x) { return mul(x, x); }

  //===-- More than one element --===//
  Entry reduce(ReduceKind kind, const Entry &x, llvm::ArrayRef<int64_t> axes, bool keepDims);
  Entry softmax(const Entry &x, int64_t axis);
  Entry logSoftmax(const Entry &x, int64_t axis);
  Entry matmul(const Entry &x, const Entry &y);
  /// Rows of dimension 0; see qc.take and qc.scatter.
  Entry take(const Entry &x, const Entry &indices);
  Entry scatter(ScatterKind kind, const Entry &x, const Entry &indices, const Entry &updates);
  /// Windows of `kernel` over the spatial dimensions, step 1; padding counts as zeros.
  Entry averagePool(const Entry &x, llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> pads);
  /// (x - mean) / sqrt(variance + epsilon) over `axes`.
  Entry normalize(const Entry &x, llvm::ArrayRef<int64_t> axes, float epsilon);

  //===-- Movement --===//
  Entry reshape(const Entry &x, llvm::ArrayRef<int64_t> shape) { return node.reshape(x, shape, node.innerLoc()); }
  Entry transpose(const Entry &x, llvm::ArrayRef<int64_t> permutation) { return node.transpose(x, permutation, node.innerLoc()); }
  Entry broadcast(const Entry &x, llvm::ArrayRef<int64_t> shape) { return node.broadcast(x, shape, node.innerLoc()); }
  Entry gather(const Entry &x, llvm::ArrayRef<int64_t> indices, int64_t axis) {
    return node.gather(x, indices, axis, node.innerLoc());
  }
  Entry concat(llvm::ArrayRef<Entry> inputs, int64_t axis) { return node.concat(inputs, axis, node.innerLoc()); }
  /// Elements [start, start + size) of one dimension.
  Entry slice(const Entry &x, int64_t axis, int64_t start, int64_t size);
  Entry pad(const Entry &x, int64_t axis, int64_t low, int64_t high, double value);

  /// Makes `x` output `i` of the node and gives the op that computes it the name of that tensor.
  mlir::LogicalResult set(unsigned i, const Entry &x);
  mlir::LogicalResult set(const Entry &x) { return set(0, x); }

private:
  /// Builds an op, `arguments` after the result type; evaluates it if all `inputs` are constants.
  template <typename OpTy, typename... Args> Entry make(llvm::ArrayRef<Entry> inputs, mlir::Type element, Args &&...arguments) {
    return fold(node.create<OpTy>(node.innerLoc(), element, std::forward<Args>(arguments)...), inputs);
  }
  Entry fold(Entry built, llvm::ArrayRef<Entry> inputs);
  mlir::Value value(const Entry &x);
  /// Reports inputs of different types.
  bool sameType(const Entry &x, const Entry &y);
};

/// The reader of input `i` as an entry whose value is in the graph already, so that all uses share one constant.
Entry getInput(Node &node, unsigned i);
} // namespace qc::onnximport

#endif // LIB_CONVERSION_ONNXTOQC_ALGEBRA_H
