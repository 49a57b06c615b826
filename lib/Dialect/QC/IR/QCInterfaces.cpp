// Checks that belong to the interfaces rather than to one op.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

using namespace mlir;
using namespace qc;

#include "qc/Dialect/QC/IR/QCOpInterfaces.cpp.inc"
#include "qc/Dialect/QC/IR/QCTypeInterfaces.cpp.inc"

LogicalResult qc::verifyElementTypes(Operation *op) {
  for (Type type : llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes()))
    if (auto shaped = dyn_cast<ShapedType>(type);
        shaped && !isa<FloatType, IntegerType, quant::QuantizedType, QuantSchemeInterface>(shaped.getElementType()))
      return op->emitOpError() << "element type must be a float, a quantized type or an integer, not " << shaped.getElementType();
  if (failed(verifyQuantizedTypes(op)))
    return failure();
  auto quantizable = dyn_cast<QuantizableOpInterface>(op);
  if (!quantizable || isa<CastOp, CompareOp>(op)) // their results are of other types
    return success();
  Type result = getElementType(op->getResult(0));
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    if (quantizable.getOperandRole(i) == OperandRole::Other)
      continue;
    if (getDomain(operand.getType()) != getDomain(result))
      return op->emitOpError("operands and result must be all float, all quantized or all integer");
    if (quantizable.isSameScale() && getDomain(result) != Domain::Quantized && getElementType(operand) != result)
      return op->emitOpError() << "moves values and cannot turn " << getElementType(operand) << " into " << result;
  }
  return success();
}

LogicalResult qc::verifyInferredShape(Operation *op) {
  if (failed(verifyElementTypes(op)))
    return failure();
  std::string why;
  auto shape = cast<ShapeOpInterface>(op).inferShape(why);
  if (failed(shape))
    return op->emitOpError() << why;
  auto actual = cast<ShapedType>(op->getResult(0).getType()).getShape();
  if (ArrayRef<int64_t>(*shape) != actual)
    return op->emitOpError() << "result shape must be [" << llvm::make_range(shape->begin(), shape->end()) << "], but is ["
                             << llvm::make_range(actual.begin(), actual.end()) << "]";
  return success();
}

LogicalResult qc::verifyAccumulator(Operation *op) {
  auto accumulator = cast<AccumulatorOpInterface>(op);
  auto stated = accumulator.getAccBound();
  Type result = getElementType(op->getResult(0));
  bool isSum = getDomain(result) == Domain::Integer && result != getElementType(op->getOperand(0));
  if (!stated) {
    if (isSum)
      return op->emitOpError("in the integer domain needs 'acc_bound', the proof that the accumulator cannot overflow");
    return success();
  }
  if (!isSum)
    return op->emitOpError("'acc_bound' has a meaning in the integer domain only");
  std::string why;
  auto bound = accumulator.computeAccBound(why);
  if (failed(bound))
    return op->emitOpError() << why;
  if (*bound != *stated)
    return op->emitOpError() << "'acc_bound' is " << *stated << ", but operands and types give " << *bound;
  int64_t limit = getCodeLimits(cast<IntegerType>(result)).second;
  if (*bound > uint64_t(limit))
    return op->emitOpError() << "accumulator type " << result << " cannot hold the bound " << *bound;
  return success();
}
