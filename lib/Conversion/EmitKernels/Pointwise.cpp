// Kernels without a main op: scale changes, residual additions, tables and limits, element by element.
#include "Layout.h"

using namespace mlir;

namespace qc {
/// The value that the chain begins with.
static FailureOr<Value> getHead(KernelOp op, std::string &why) {
  for (Operation &inner : op.getBody().front()) {
    if (isa<ConstantOp>(inner))
      continue;
    Value head = inner.getNumOperands() ? inner.getOperand(0) : Value();
    if (!isa<RequantizeOp, LutOp, PwlOp, ClampOp>(inner) || !isa_and_nonnull<BlockArgument>(head)) {
      why = "begins with something else than a requantization, a table, pieces or a limit of an input";
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
  auto input = k.getInput(*head);
  auto epilogue = Epilogue::create(k, *head, /*collapsed=*/true);
  if (failed(input) || failed(epilogue))
    return failure();
  if (!input->isCollapsible())
    return k.op.emitError("reads a buffer whose rows do not follow each other");
  Flat x = input->collapse();
  bool merged = (x.sizes[0] == 1 || x.strides[0] == x.sizes[1]) && epilogue->mergePositions();
  int64_t rows = merged ? 1 : x.sizes[0], width = merged ? x.sizes[0] * x.sizes[1] : x.sizes[1];
  Type storage = cast<MemRefType>(x.memory.getType()).getElementType();
  int64_t lanes = storage.isInteger(8) ? epilogue->getCodeLanes() : k.isa.lanes, block = 2 * lanes;
  auto emit = [&](Value row, Value channel, int64_t count) {
    Value from = k.add(k.mul(row, x.strides[0]), channel);
    SmallVector<Value> codes;
    for (int64_t at = 0; at < count; at += lanes) {
      Value part = loadPart(k, x.memory, k.add(from, at), count - at, lanes);
      // Codes of 16 bits are requantized as accumulators are.
      codes.push_back(storage.isInteger(16) ? k.extend(part, x.code, k.b.getI32Type()) : part);
    }
    SmallVector<Value> position;
    if (!merged)
      position.push_back(row);
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
