// The evaluator's dispatch, functions and shared helpers. The ops themselves are in the Eval*.cpp beside this file.
#include "EvalInternal.h"
#include "qc/Dialect/QC/IR/StoredOps.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <limits>

using namespace mlir;
using namespace qc;
using namespace qc::reference;

//===-- Helpers -------------------------------------------------------------------------------------------------------------===//

int64_t reference::linearize(Shape index, Shape shape) {
  int64_t position = 0;
  for (size_t d = 0; d < shape.size(); ++d)
    position = position * shape[d] + index[d];
  return position;
}

int64_t reference::broadcastPosition(Shape index, Shape shape) {
  int64_t position = 0;
  size_t offset = index.size() - shape.size();
  for (size_t d = 0; d < shape.size(); ++d)
    position = position * shape[d] + (shape[d] == 1 ? 0 : index[offset + d]);
  return position;
}

FailureOr<Rounding> reference::getRounding(Operation *op) {
  auto function = op->getParentOfType<FunctionOpInterface>();
  auto name = function ? function->getAttrOfType<StringAttr>("qc.requant") : StringAttr();
  if (!name)
    return Rounding::ONNX;
  if (auto rounding = parseRounding(name.getValue()))
    return *rounding;
  return emitError(function.getLoc()) << "'qc.requant' must be onnx, ort, tflite-double, tflite-single or pow2, not '"
                                      << name.getValue() << "'";
}

std::vector<int64_t> reference::getCentered(const Tensor &tensor) {
  auto scheme = getScheme(tensor.type);
  auto zeros = scheme.getZeroPointValues();
  int64_t axis = scheme.getChannelAxis();
  std::vector<int64_t> values = tensor.ints;
  forEachIndex(tensor.type.getShape(), [&](Shape index, int64_t i) { values[i] -= zeros[axis < 0 ? 0 : index[axis]]; });
  return values;
}

FailureOr<Target> reference::getTarget(Operation *op) {
  auto scheme = getScheme(op->getResult(0).getType());
  if (!scheme || scheme.getChannelAxis() >= 0)
    return op->emitError("result of a computation on quantized types must have one scale, not ")
           << getElementType(op->getResult(0));
  auto rounding = getRounding(op);
  if (failed(rounding))
    return failure();
  auto [low, high] = scheme.getCodeRange();
  Target target{scheme.getScaleValues()[0], scheme.getZeroPointValues()[0], low, high, *rounding};
  // N14: a real limit acts as its code.
  if (auto clamp = dyn_cast<ClampOpInterface>(op)) {
    if (auto limit = clamp.getClampMin())
      target.low = scheme.encode({limit->convertToDouble()}, {1})[0];
    if (auto limit = clamp.getClampMax())
      target.high = scheme.encode({limit->convertToDouble()}, {1})[0];
    if (target.low > target.high)
      return op->emitError("clamp_min exceeds clamp_max");
  }
  return target;
}

FailureOr<double> reference::getScale(Operation *op, const Tensor &operand) {
  auto scheme = getScheme(operand.type);
  if (!scheme || scheme.getChannelAxis() >= 0)
    return op->emitError("activation operand must be quantized with one scale, not ") << operand.type.getElementType();
  return scheme.getScaleValues()[0];
}

FailureOr<std::vector<int64_t>> reference::moveCodes(Operation *op, const Tensor &from) {
  Type result = getElementType(op->getResult(0));
  if (from.type.getElementType() == result)
    return from.ints;
  if (getDomain(result) != Domain::Quantized)
    return op->emitError("moves values and cannot turn ") << from.type.getElementType() << " into " << result;
  auto target = getTarget(op);
  auto scale = getScale(op, from);
  if (failed(target) || failed(scale))
    return failure();
  std::vector<int64_t> codes = getCentered(from);
  for (int64_t &code : codes)
    code = target->round(code, *scale / target->scale);
  return codes;
}

FailureOr<SmallVector<Tensor>> reference::moveOperands(QuantizableOpInterface op, Operands operands) {
  SmallVector<Tensor> moved(operands);
  if (getDomain(op->getResult(0).getType()) != Domain::Quantized)
    return moved;
  for (auto [i, tensor] : llvm::enumerate(moved))
    if (op.getOperandRole(i) == OperandRole::Activation) {
      auto codes = moveCodes(op, tensor);
      if (failed(codes))
        return failure();
      tensor.ints = std::move(*codes);
    }
  return moved;
}

IntegerType reference::getIntegerType(const Tensor &tensor) {
  Type element = tensor.type.getElementType();
  return cast<IntegerType>(getStorageType(element));
}

Tensor reference::makeResult(Operation *op) { return Tensor::zeros(cast<RankedTensorType>(op->getResult(0).getType())); }

int64_t reference::wrap(int64_t value, IntegerType type) {
  unsigned bits = type.getWidth();
  if (bits >= 64)
    return value;
  uint64_t low = uint64_t(value) & ((uint64_t(1) << bits) - 1);
  bool isUnsigned = type.isUnsigned() || bits == 1;
  return isUnsigned || !(low >> (bits - 1)) ? int64_t(low) : int64_t(low | (~uint64_t(0) << bits));
}

void reference::clampFloats(ClampOpInterface op, std::vector<float> &values) {
  auto low = op.getClampMin(), high = op.getClampMax();
  for (float &v : values) {
    if (low && v < low->convertToFloat())
      v = low->convertToFloat();
    if (high && v > high->convertToFloat())
      v = high->convertToFloat();
  }
}

std::vector<int64_t> reference::getMagnitudes(const std::vector<int64_t> &values) {
  std::vector<int64_t> result = values;
  for (int64_t &v : result)
    v = std::abs(v);
  return result;
}

LogicalResult reference::checkAccumulators(Operation *op, const std::vector<int64_t> &magnitudes) {
  auto type = dyn_cast<IntegerType>(getElementType(op->getResult(0)));
  if (!type)
    return op->emitError("result must be a tensor of integers");
  uint64_t limit = getCodeLimits(type).second;
  auto bound = cast<AccumulatorOpInterface>(op).getAccBound();
  for (int64_t m : magnitudes) {
    if (uint64_t(m) > limit)
      return op->emitError() << "an accumulator reaches " << m << " and overflows " << type;
    if (bound && uint64_t(m) > *bound)
      return op->emitError() << "an accumulator reaches " << m << ", beyond 'acc_bound' = " << *bound;
  }
  return success();
}

//===-- One op --------------------------------------------------------------------------------------------------------------===//

/// Floats other than f32 and tensors without a scheme have no evaluation.
static LogicalResult checkTypes(Operation *op) {
  for (Type type : llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    Type element = tensor ? tensor.getElementType() : Type();
    if (!tensor || !tensor.hasStaticShape() || !(element.isF32() || isa<IntegerType>(element) || getScheme(element)))
      return op->emitError() << "has no evaluation on " << type;
  }
  return success();
}

FailureOr<Tensor> qc::evaluate(Operation *op, ArrayRef<Tensor> operands) {
  if (failed(checkTypes(op)))
    return failure();
  return TypeSwitch<Operation *, FailureOr<Tensor>>(op)
      .Case<ConstantOp, CastOp, ConvOp, ConvTransposeOp, MatmulOp, AddOp, SubOp, MulOp, DivOp, ClampOp, ActivationOp, FunctionOp,
            PReluOp, BinaryOp, CompareOp, SelectOp, TakeOp, ScatterOp, SoftmaxOp, SoftmaxCodesOp, NormalizeOp, NormalizeCodesOp,
            HypotCodesOp, DivideCodesOp, PoolOp, ReduceOp, ConcatOp, SliceOp, PadOp, ReshapeOp, TransposeOp, GatherOp, ObserveOp,
            DcastOp, QuantizeOp, DequantizeOp, DecodeOp, RequantizeOp, LutOp, PwlOp, ThresholdOp, quant::QuantizeCastOp,
            quant::DequantizeCastOp, quant::StorageCastOp>([&](auto concrete) { return evaluateOp(concrete, operands); })
      .Default([](Operation *other) -> FailureOr<Tensor> {
        return other->emitError("has no evaluation; the evaluator runs stages up to 'packed'");
      });
}

//===-- Functions -----------------------------------------------------------------------------------------------------------===//

using Observer = llvm::function_ref<void(Value, const Tensor &)>;

static FailureOr<SmallVector<Tensor>> evaluateKernel(KernelOp kernel, ArrayRef<Tensor> inputs) {
  DenseMap<Value, Tensor> values;
  for (auto [argument, tensor] : llvm::zip_equal(kernel.getBody().getArguments(), inputs))
    values[argument] = tensor;
  for (Operation &op : kernel.getBody().front()) {
    SmallVector<Tensor> operands;
    for (Value operand : op.getOperands())
      operands.push_back(values.at(operand));
    if (isa<YieldOp>(op))
      return operands;
    auto result = evaluate(&op, operands);
    if (failed(result))
      return failure();
    values[op.getResult(0)] = std::move(*result);
  }
  return kernel.emitError("does not yield");
}

static FailureOr<SmallVector<Tensor>> evaluateFunction(func::FuncOp function, ArrayRef<Tensor> arguments, Observer observe,
                                                       unsigned depth) {
  auto refuse = [&] { return emitError(function.getLoc(), "@") << function.getName() << " cannot be evaluated: "; };
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return refuse() << "it needs a body of one block";
  if (depth > 64)
    return refuse() << "it calls itself";
  if (function.getNumArguments() != arguments.size())
    return refuse() << "it takes " << function.getNumArguments() << " arguments, got " << arguments.size();

  DenseMap<Value, Tensor> values;
  auto define = [&](Value value, Tensor tensor) {
    if (observe)
      observe(value, tensor);
    values[value] = std::move(tensor);
  };
  for (auto [argument, tensor] : llvm::zip_equal(function.getArguments(), arguments))
    define(argument, tensor);
  for (Operation &op : function.getBody().front()) {
    SmallVector<Tensor> operands;
    for (Value operand : op.getOperands())
      operands.push_back(values.at(operand));
    if (isa<func::ReturnOp>(op))
      return operands;
    if (auto call = dyn_cast<func::CallOp>(op)) {
      auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
      if (!callee)
        return call.emitError("calls an unknown function");
      auto results = evaluateFunction(callee, operands, observe, depth + 1);
      if (failed(results))
        return failure();
      for (auto [value, tensor] : llvm::zip_equal(call.getResults(), *results))
        define(value, std::move(tensor));
      continue;
    }
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      auto results = evaluateKernel(kernel, ArrayRef(operands).take_front(kernel.getInputs().size()));
      if (failed(results))
        return failure();
      for (auto [value, tensor] : llvm::zip_equal(kernel.getResults(), *results))
        define(value, std::move(tensor));
      continue;
    }
    auto result = evaluate(&op, operands);
    if (failed(result))
      return failure();
    define(op.getResult(0), std::move(*result));
  }
  return refuse() << "it does not return";
}

FailureOr<SmallVector<Tensor>> qc::evaluate(func::FuncOp function, ArrayRef<Tensor> arguments,
                                            llvm::function_ref<void(Value, const Tensor &)> observe) {
  return evaluateFunction(function, arguments, observe, 0);
}
