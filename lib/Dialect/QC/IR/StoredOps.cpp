// qc.decode: shape and verification.
#include "qc/Dialect/QC/IR/StoredOps.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace qc;

#define GET_OP_CLASSES
#include "qc/Dialect/QC/IR/StoredOps.cpp.inc"

FailureOr<SmallVector<int64_t>> DecodeOp::inferShape(std::string &) { return llvm::to_vector(qc::getShape(getCodes())); }

int64_t qc::getScaleBlock(int64_t codes, int64_t scales) {
  if (scales <= 0)
    return codes == 0 ? 1 : 0;
  if (codes % scales == 0)
    return std::max<int64_t>(codes / scales, 1);
  int64_t block = llvm::alignTo((codes + scales - 1) / scales, 32);
  return (codes + block - 1) / block == scales ? block : 0;
}

LogicalResult DecodeOp::verify() {
  auto code = dyn_cast<IntegerType>(qc::getElementType(getCodes()));
  bool isInteger = getFormat() == StoredFormat::Integer;
  if (auto number = getNumber(); number && !number->isF16() && !number->isBF16())
    return emitOpError() << "numbers are stored as f16 or bf16, not as " << *number;
  if (!qc::getElementType(getResult()).isF32())
    return emitOpError("gives f32");
  if (!code || code.isUnsigned() || (isInteger ? code.getWidth() < 2 || code.getWidth() > 8 : code.getWidth() != 16))
    return emitOpError() << "codes must be " << (isInteger ? "signed, of 2 to 8 bits" : "i16, the bits of a number") << ", not "
                         << qc::getElementType(getCodes());
  if (isInteger != bool(getScales()))
    return emitOpError() << (isInteger ? "needs scales" : "has no scales beside the bits of numbers");
  if (!isInteger)
    return success();
  if (!qc::getElementType(getScales()).isF32())
    return emitOpError("scales must be f32");
  auto codes = qc::getShape(getCodes()), scales = qc::getShape(getScales());
  if (codes.size() != scales.size())
    return emitOpError() << "scales have rank " << scales.size() << ", codes " << codes.size();
  for (auto [d, size] : llvm::enumerate(codes))
    if (!getScaleBlock(size, scales[d]))
      return emitOpError() << scales[d] << " scales do not divide the " << size << " codes of dimension " << d
                           << ", neither equally nor in blocks of a multiple of 32";
  return success();
}
