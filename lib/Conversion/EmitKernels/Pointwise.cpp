// Kernels of single elements: products of two, scale changes, residual additions, tables and limits.
#include "Arithmetic.h"
#include "Layout.h"

using namespace mlir;

namespace qc {
/// Why the op is no product of two inputs of the kernel, element by element, with sums of 32 bits.
static std::string checkProduct(MulOp op) {
  for (Value operand : op->getOperands()) {
    Type code = getElementType(operand);
    if (!isa<BlockArgument>(operand) || !code.isInteger() || code.getIntOrFloatBitWidth() > 16)
      return "multiplies something else than codes of two inputs";
    if (getShape(operand) != getShape(op.getResult()))
      return "multiplies inputs of different shapes";
  }
  return getElementType(op.getResult()).isInteger(32) ? "" : "its products need more than 32 bits";
}

/// The value that the chain begins with: an input, or the product of two.
static FailureOr<Value> getHead(KernelOp op, std::string &why) {
  for (Operation &inner : op.getBody().front()) {
    if (isa<ConstantOp>(inner))
      continue;
    Value head = inner.getNumOperands() ? inner.getOperand(0) : Value();
    if (auto product = dyn_cast<MulOp>(inner)) {
      if (why = checkProduct(product); !why.empty())
        return failure();
      head = product.getResult();
    } else if (!isa<RequantizeOp, LutOp, PwlOp, ClampOp>(inner) || !isa_and_nonnull<BlockArgument>(head)) {
      why = "begins with something else than a product, a requantization, a table, pieces or a limit of an input";
      return failure();
    }
    if (why = Epilogue::check(head); !why.empty())
      return failure();
    auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
    if (yield.getValues().size() != 1 || getShape(yield.getValues()[0]) != getShape(head)) {
      why = "changes the shape";
      return failure();
    }
    for (Operation &other : op.getBody().front())
      if (isa<TransposeOp, ReshapeOp>(other)) {
        why = "moves elements";
        return failure();
      }
    if (product(getShape(head)) == 0) {
      why = "has no elements";
      return failure();
    }
    return head;
  }
  why = "is empty";
  return failure();
}

std::string planPointwise(KernelOp op, const Isa &) {
  std::string why;
  (void)getHead(op, why);
  return why;
}

LogicalResult emitPointwise(Kernel &k) {
  std::string why;
  auto head = getHead(k.op, why);
  if (failed(head))
    return k.op.emitError("cannot run element by element: ") << why;
  auto multiply = head->getDefiningOp<MulOp>();
  SmallVector<Flat, 2> inputs;
  for (Value value : multiply ? SmallVector<Value>(multiply->getOperands()) : SmallVector<Value>{*head}) {
    auto input = k.getInput(value);
    if (failed(input))
      return failure();
    if (!input->isCollapsible())
      return k.op.emitError("reads a buffer whose rows do not follow each other");
    inputs.push_back(input->collapse());
  }
  auto epilogue = Epilogue::create(k, *head, /*collapsed=*/true);
  if (failed(epilogue))
    return failure();
  const Flat &x = inputs[0];
  bool merged = llvm::all_of(inputs, [](const Flat &f) { return f.sizes[0] == 1 || f.strides[0] == f.sizes[1]; }) &&
                epilogue->mergePositions();
  int64_t rows = merged ? 1 : x.sizes[0], width = merged ? x.sizes[0] * x.sizes[1] : x.sizes[1];
  Type storage = cast<MemRefType>(x.memory.getType()).getElementType();
  int64_t lanes = storage.isInteger(8) && !multiply ? epilogue->getCodeLanes() : k.isa.lanes, block = 2 * lanes;
  Arithmetic a(k);
  auto emit = [&](Value row, Value channel, int64_t count) {
    SmallVector<Value> codes;
    for (int64_t at = 0; at < count; at += lanes) {
      auto load = [&](const Flat &input, int64_t zeroPoint) {
        Value from = k.add(k.add(k.mul(row, input.strides[0]), channel), at);
        Value part = loadPart(k, input.memory, from, count - at, lanes);
        // Codes of 16 bits are requantized as accumulators are.
        if (multiply || storage.isInteger(16))
          part = k.extend(part, input.code, k.b.getI32Type());
        return zeroPoint ? a.sub(part, zeroPoint) : part;
      };
      if (multiply)
        codes.push_back(a.mul(load(inputs[0], multiply.getLhsZeroPoint()), load(inputs[1], multiply.getRhsZeroPoint())));
      else
        codes.push_back(load(x, 0));
    }
    SmallVector<Value> position;
    if (!merged)
      position.push_back(row);
    if (!multiply && epilogue->readsSingleCodes())
      epilogue->storeFrom(x.memory, k.add(k.mul(row, x.strides[0]), channel), codes, position, channel, count);
    else
      epilogue->store(codes, position, channel, count);
  };
  // One row is divided along itself.
  int64_t full = width / block, tail = width % block, blocks = full + (tail ? 1 : 0);
  Range range = k.divide(Part::Positions, rows > 1 ? rows : blocks);
  auto emitRow = [&](Value row, const Range &range) {
    k.loop(
        range, full, [&](Value i) { emit(row, k.mul(i, block), block); }, [&] { emit(row, k.index(width - tail), tail); });
  };
  if (rows == 1)
    emitRow(k.index(0), range);
  else
    k.loop(range, [&](Value row) { emitRow(row, {k.index(0), k.index(blocks), blocks}); });
  return success();
}

Division dividePointwise(KernelOp op, const Isa &isa) {
  std::string why;
  auto head = getHead(op, why);
  if (failed(head))
    return {};
  // Rows, or blocks of the only one: which of them the buffers decide. As many units as there are in either case.
  ArrayRef<int64_t> shape = getShape(*head);
  int64_t elements = product(shape), rows = elements / shape.back();
  Division d;
  d.positions = std::max<int64_t>(rows > 1 ? std::min(rows, elements / (8 * isa.lanes)) : elements / (8 * isa.lanes), 1);
  d.cycles = double(elements) / double(d.positions) / double(isa.lanes);
  return d;
}
} // namespace qc
