// Arithmetic on entries.
#include "Algebra.h"

#include "qc/Dialect/QC/Reference/Eval.h"

#include <cmath>

using namespace mlir;

namespace qc::onnximport {
Entry getInput(Node &node, unsigned i) {
  if (!node.has(i))
    return {};
  // A constant without elements has no op; what reads it says so.
  if (!node.input(i).host || node.input(i).host->size())
    (void)node.value(i);
  return node.input(i);
}

Value Algebra::value(const Entry &x) {
  Entry copy = x;
  if (x.element && isa<quant::QuantizedType>(x.element))
    (void)node.fail("an input is quantized, but not dequantized");
  return x.element ? node.materialize(copy) : Value();
}

bool Algebra::sameType(const Entry &x, const Entry &y) {
  if (x.element && y.element && x.element != y.element)
    (void)node.fail("its inputs have different element types: " + toString(x.element) + " and " + toString(y.element));
  return !node.failed() && x.element && y.element;
}

Entry Algebra::fold(Entry built, ArrayRef<Entry> inputs) {
  if (node.failed() || !built.value)
    return {};
  if (!llvm::all_of(inputs, [](const Entry &x) { return x.isPlainConstant(); }))
    return built;
  auto type = llvm::cast<RankedTensorType>(built.value.getType());
  if (!node.importer.reserve(type.getNumElements())) {
    (void)node.fail("a constant of shape " + toString(built.shape) + " would be folded, which needs too much memory");
    return {};
  }
  SmallVector<Tensor> operands;
  for (const Entry &x : inputs)
    operands.push_back({RankedTensorType::get(x.shape, x.element), x.host->floats, x.host->ints});
  Operation *op = built.value.getDefiningOp();
  FailureOr<Tensor> result = evaluate(op, operands);
  op->erase();
  if (failed(result)) {
    (void)node.fail("it cannot be evaluated on constants");
    return {};
  }
  return node.constantEntry(Host{built.element, built.shape, std::move(result->floats), std::move(result->ints)});
}

//===-- Constants ----------------------------------------------------------------------------------------------------------===//

Entry Algebra::number(double value, Type element) {
  if (!element)
    return {};
  if (isa<FloatType>(element))
    return floats({float(value)}, {});
  return ints({int64_t(value)}, {}, element);
}

Entry Algebra::floats(std::vector<float> values, ArrayRef<int64_t> shape) {
  Entry entry = node.constantEntry(Host{node.f32(), Shape(shape), std::move(values), {}});
  entry.loc = node.innerLoc();
  return entry;
}

Entry Algebra::ints(std::vector<int64_t> values, ArrayRef<int64_t> shape, Type element) {
  Entry entry = node.constantEntry(Host{element ? element : node.i64(), Shape(shape), {}, std::move(values)});
  entry.loc = node.innerLoc();
  return entry;
}

Entry Algebra::iota(int64_t count, int64_t axis, int64_t rank, Type element) {
  Shape shape(rank, 1);
  shape[axis] = count;
  std::vector<int64_t> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = i;
  return ints(std::move(values), shape, element);
}

//===-- Element by element -------------------------------------------------------------------------------------------------===//

Entry Algebra::unary(ActivationKind kind, const Entry &x, float alpha, float beta) {
  Value v = value(x);
  return v ? make<ActivationOp>({x}, x.element, kind, v, APFloat(alpha), APFloat(beta)) : Entry();
}

Entry Algebra::binary(BinaryKind kind, const Entry &x, const Entry &y) {
  if (!sameType(x, y))
    return {};
  Value a = value(x), b = value(y);
  return a && b ? make<BinaryOp>({x, y}, x.element, kind, a, b) : Entry();
}

Entry Algebra::compare(CompareKind kind, const Entry &x, const Entry &y) {
  if (!sameType(x, y))
    return {};
  Value a = value(x), b = value(y);
  return a && b ? make<CompareOp>({x, y}, node.builder().getI1Type(), kind, a, b) : Entry();
}

Entry Algebra::select(const Entry &condition, const Entry &x, const Entry &y) {
  if (!sameType(x, y))
    return {};
  Value c = value(condition), a = value(x), b = value(y);
  return c && a && b ? make<SelectOp>({condition, x, y}, x.element, c, a, b) : Entry();
}

Entry Algebra::add(const Entry &x, const Entry &y) {
  if (!sameType(x, y))
    return {};
  Value a = value(x), b = value(y);
  return a && b ? make<AddOp>({x, y}, x.element, a, b, FloatAttr(), FloatAttr()) : Entry();
}
Entry Algebra::sub(const Entry &x, const Entry &y) {
  if (!sameType(x, y))
    return {};
  Value a = value(x), b = value(y);
  return a && b ? make<SubOp>({x, y}, x.element, a, b, FloatAttr(), FloatAttr()) : Entry();
}
Entry Algebra::mul(const Entry &x, const Entry &y) {
  if (!sameType(x, y))
    return {};
  Value a = value(x), b = value(y);
  return a && b ? make<MulOp>({x, y}, x.element, a, b, FloatAttr(), FloatAttr(), uint64_t(0), uint64_t(0), IntegerAttr())
                : Entry();
}
Entry Algebra::div(const Entry &x, const Entry &y) {
  if (!sameType(x, y))
    return {};
  Value a = value(x), b = value(y);
  return a && b ? make<DivOp>({x, y}, x.element, a, b, FloatAttr(), FloatAttr()) : Entry();
}

Entry Algebra::cast(const Entry &x, Type element) {
  if (x.element == element)
    return x;
  Value v = value(x);
  return v ? make<CastOp>({x}, element, v) : Entry();
}

Entry Algebra::invert(const Entry &x) {
  if (!x.element)
    return {};
  return binary(BinaryKind::Xor, x, number(x.element.isInteger(1) ? 1 : -1, x));
}

//===-- More than one element ----------------------------------------------------------------------------------------------===//

Entry Algebra::reduce(ReduceKind kind, const Entry &x, ArrayRef<int64_t> axes, bool keepDims) {
  Value v = value(x);
  return v ? make<ReduceOp>({x}, x.element, kind, v, axes, keepDims, IntegerAttr()) : Entry();
}

Entry Algebra::softmax(const Entry &x, int64_t axis) {
  Value v = value(x);
  return v ? make<SoftmaxOp>({x}, x.element, v, uint64_t(axis)) : Entry();
}

Entry Algebra::logSoftmax(const Entry &x, int64_t axis) {
  Value v = value(x);
  return v ? make<SoftmaxOp>({x}, x.element, v, Value(), uint64_t(axis), llvm::APFloat(1.0f), true) : Entry();
}

Entry Algebra::matmul(const Entry &x, const Entry &y) {
  if (!sameType(x, y))
    return {};
  Value a = value(x), b = value(y);
  return a && b
             ? make<MatmulOp>({x, y}, x.element, a, b, Value(), FloatAttr(), FloatAttr(), uint64_t(0), uint64_t(0), IntegerAttr())
             : Entry();
}

Entry Algebra::take(const Entry &x, const Entry &indices) {
  if (!x.element || !indices.element)
    return {};
  if (x.isPlainConstant() || !indices.isPlainConstant() || indices.shape.size() != 1) {
    Value a = value(x), b = value(indices);
    return a && b ? make<TakeOp>({x, indices}, x.element, a, b) : Entry();
  }
  Shape flat;
  for (int64_t i : indices.host->ints)
    flat.push_back(std::clamp<int64_t>(i < 0 ? i + x.shape[0] : i, 0, x.shape[0] - 1));
  return gather(x, flat, 0);
}

Entry Algebra::scatter(ScatterKind kind, const Entry &x, const Entry &indices, const Entry &updates) {
  if (!sameType(x, updates))
    return {};
  Value a = value(x), b = value(indices), c = value(updates);
  return a && b && c ? make<ScatterOp>({x, indices, updates}, x.element, kind, a, b, c) : Entry();
}

Entry Algebra::averagePool(const Entry &x, ArrayRef<int64_t> kernel, ArrayRef<int64_t> pads) {
  Value v = value(x);
  Shape ones(kernel.size(), 1);
  return v ? make<PoolOp>({x}, x.element, PoolKind::Average, v, kernel, ArrayRef<int64_t>(ones), pads, ArrayRef<int64_t>(ones),
                          /*count_include_pad=*/true, uint64_t(0), IntegerAttr())
           : Entry();
}

Entry Algebra::normalize(const Entry &x, ArrayRef<int64_t> axes, float epsilon) {
  Entry centred = sub(x, reduce(ReduceKind::Mean, x, axes, true));
  Entry variance = reduce(ReduceKind::Mean, square(centred), axes, true);
  return div(centred, unary(ActivationKind::Sqrt, add(variance, epsilon)));
}

//===-- Movement -----------------------------------------------------------------------------------------------------------===//

Entry Algebra::slice(const Entry &x, int64_t axis, int64_t start, int64_t size) {
  Shape starts(x.shape.size(), 0), sizes = x.shape, steps(x.shape.size(), 1);
  if (!x.element)
    return {};
  starts[axis] = start;
  sizes[axis] = size;
  return node.slice(x, starts, sizes, steps, node.innerLoc());
}

Entry Algebra::pad(const Entry &x, int64_t axis, int64_t low, int64_t high, double number) {
  Value v = value(x);
  if (!v)
    return {};
  Shape lows(x.shape.size(), 0), highs = lows;
  lows[axis] = low;
  highs[axis] = high;
  bool isFloat = isa<FloatType>(x.element);
  return make<PadOp>({x}, x.element, v, ArrayRef<int64_t>(lows), ArrayRef<int64_t>(highs), PadMode::Constant,
                     APFloat(float(isFloat ? number : 0)), isFloat ? 0 : uint64_t(int64_t(number)));
}

LogicalResult Algebra::set(unsigned i, const Entry &x) {
  if (!node.failed() && x.value && !x.host) {
    // The name of an input stays its own.
    Operation *op = x.value.getDefiningOp();
    auto name = op ? dyn_cast<NameLoc>(op->getLoc()) : NameLoc();
    auto own = dyn_cast<NameLoc>(node.loc(i));
    if (name && own && name.getChildLoc() == NameLoc::get(node.builder().getStringAttr(node.name)) &&
        name.getName().getValue().contains('#'))
      op->setLoc(own);
  }
  return node.set(i, x);
}
} // namespace qc::onnximport
