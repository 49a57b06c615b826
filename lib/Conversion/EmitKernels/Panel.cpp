// Runs of elements into scratch: copied, widened, filled.
#include "Kernel.h"

using namespace mlir;

namespace qc {
/// Calls `piece(offset, width)` until `count` elements are done: vectors of up to `most`, the last of which may overlap the one
/// before it.
static void forEachPiece(Kernel &k, int64_t count, int64_t most, llvm::function_ref<void(Value, int64_t)> piece) {
  if (count <= 0)
    return;
  int64_t width = std::min(most, int64_t(llvm::bit_floor(uint64_t(count))));
  int64_t full = count / width;
  if (full <= 4) {
    for (int64_t i = 0; i < full; ++i)
      piece(k.index(i * width), width);
  } else {
    k.loop(full, [&](Value i) { piece(k.mul(i, width), width); });
  }
  if (count % width)
    piece(k.index(count - width), width);
}

static int64_t getWidth(Kernel &k, Value memory) {
  if (!k.isa.hasVectors())
    return 1;
  // Two registers' worth of the wider type: enough loads in flight, and full registers on either side of an extension.
  int64_t bits = cast<MemRefType>(memory.getType()).getElementTypeBitWidth();
  return std::min<int64_t>(k.isa.lanes * 32 / bits * (bits == 8 ? 1 : 2), 32);
}

void copyRun(Kernel &k, Value from, Value fromOffset, Type code, int64_t shift, Value to, Value toOffset, int64_t count) {
  Type element = cast<MemRefType>(to.getType()).getElementType();
  forEachPiece(k, count, getWidth(k, to), [&](Value at, int64_t width) {
    Value source = k.add(fromOffset, at), target = k.add(toOffset, at);
    Value x = width == 1 ? k.loadScalar(from, source) : k.load(from, source, width);
    if (isa<IntegerType>(element)) {
      x = k.extend(x, code, element);
      if (shift) {
        auto number = IntegerAttr::get(element, APInt(element.getIntOrFloatBitWidth(), shift, true, /*implicitTrunc=*/true));
        TypedAttr attr = number;
        if (width > 1)
          attr = DenseElementsAttr::get(VectorType::get({width}, element), Attribute(number));
        x = arith::AddIOp::create(k.b, k.loc, x, arith::ConstantOp::create(k.b, k.loc, attr));
      }
    }
    width == 1 ? k.storeScalar(x, to, target) : k.store(x, to, target);
  });
}

void fillRun(Kernel &k, Value to, Value toOffset, int64_t value, int64_t count) {
  Type element = cast<MemRefType>(to.getType()).getElementType();
  TypedAttr number;
  if (isa<FloatType>(element))
    number = FloatAttr::get(element, double(value));
  else
    number = IntegerAttr::get(element, APInt(element.getIntOrFloatBitWidth(), value, true, /*implicitTrunc=*/true));
  forEachPiece(k, count, getWidth(k, to), [&](Value at, int64_t width) {
    Value target = k.add(toOffset, at);
    if (width == 1)
      return k.storeScalar(arith::ConstantOp::create(k.b, k.loc, number), to, target);
    auto splat = DenseElementsAttr::get(VectorType::get({width}, element), Attribute(number));
    k.store(arith::ConstantOp::create(k.b, k.loc, splat), to, target);
  });
}
} // namespace qc
