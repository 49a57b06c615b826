// Stored weights as the numbers that they stand for.
#include "EvalInternal.h"
#include "qc/Dialect/QC/IR/StoredOps.h"

using namespace mlir;
using namespace qc;
using namespace qc::reference;

Result reference::evaluateOp(DecodeOp op, Operands operands) {
  Tensor result = makeResult(op);
  if (op.getFormat() != StoredFormat::Integer) {
    const auto &semantics = op.getFormat() == StoredFormat::F16 ? APFloat::IEEEhalf() : APFloat::BFloat();
    for (auto [to, bits] : llvm::zip_equal(result.floats, operands[0].ints)) {
      APFloat number(semantics, APInt(16, uint64_t(bits) & 0xffff));
      bool loses;
      number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &loses);
      to = number.convertToFloat();
    }
    return result;
  }
  // Every number of 2 to 8 bits times an f32 scale, rounded once (N26).
  Shape codes = operands[0].type.getShape(), scales = operands[1].type.getShape();
  Index block;
  for (auto [size, count] : llvm::zip_equal(codes, scales))
    block.push_back(getScaleBlock(size, count));
  Index at(codes.size());
  forEachIndex(codes, [&](Shape index, int64_t i) {
    for (size_t d = 0; d < index.size(); ++d)
      at[d] = index[d] / block[d];
    result.floats[i] = float(operands[0].ints[i]) * operands[1].floats[linearize(at, scales)];
  });
  return result;
}
