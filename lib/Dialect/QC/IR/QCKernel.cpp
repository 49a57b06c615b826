// The kernel op: verification, effects, bufferization.
#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"

using namespace mlir;

namespace qc {
static bool sameShape(Type a, Type b) {
  auto x = cast<ShapedType>(a), y = cast<ShapedType>(b);
  return x.hasRank() && y.hasRank() && x.getShape() == y.getShape();
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != getInputs().size())
    return emitOpError("takes ") << getInputs().size() << " inputs, its region " << block.getNumArguments();
  for (auto [i, input] : llvm::enumerate(getInputs()))
    if (!sameShape(input.getType(), block.getArgument(i).getType()))
      return emitOpError("input ") << i << " is " << input.getType() << ", the region's argument "
                                   << block.getArgument(i).getType();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError("ends its region with ") << block.getTerminator()->getName() << " instead of qc.yield";
  // On buffers there are no results; destinations say the same.
  size_t values = yield.getValues().size(), extra = getScratchBytes() ? 1 : 0;
  if (!getInits().empty() && getInits().size() != values + extra)
    return emitOpError("has ") << getInits().size() << " destinations for " << values << " values and " << extra << " scratch";
  auto check = [&](TypeRange types, StringRef what) -> LogicalResult {
    for (size_t i = 0; i < values && i < types.size(); ++i)
      if (!sameShape(types[i], yield.getValues()[i].getType()))
        return emitOpError() << what << " " << i << " is " << types[i] << ", the yielded value "
                             << yield.getValues()[i].getType();
    return success();
  };
  if (getInits().empty() && getNumResults() != values)
    return emitOpError("has ") << getNumResults() << " results, its region yields " << values;
  if (failed(check(getResultTypes(), "result")))
    return failure();
  if (auto tasks = getTasks(); tasks && (tasks->size() != 2 || llvm::any_of(*tasks, [](int64_t n) { return n < 1; })))
    return emitOpError("tasks are two positive numbers: parts of the positions and of the channels");
  if (auto bits = getWeightBits(); bits && (int64_t(*bits) < 1 || int64_t(*bits) > 7))
    return emitOpError("weight_bits are 1 to 7, not ") << int64_t(*bits);
  if (auto group = getWeightGroup(); group && (int64_t(*group) < 1 || !getWeightBits()))
    return emitOpError("a weight_group is a positive number of codes beside weight_bits");
  int64_t scratch = getScratchBytes(), slots = getSlots();
  if (slots < 1 || (slots > 1 && !getTasks()))
    return emitOpError("has ") << slots << " slots: without tasks there is one";
  if (slots > 1 && scratch % 64)
    return emitOpError("scratch_bytes of a divided kernel are a multiple of 64, so that tasks share no line of the cache");
  if (scratch && !getInits().empty())
    if (auto type = cast<ShapedType>(getInits().back().getType()); type.getNumElements() != scratch * slots)
      return emitOpError("has ") << type << " as scratch, needs " << scratch << " bytes for each of " << slots << " slots";
  return check(getInits().getTypes(), "destination");
}

LogicalResult ParallelOp::verify() {
  int64_t count = getCount(), slots = getSlots();
  if (count < 1 || slots < 1)
    return emitOpError("has ") << count << " tasks in " << slots << " slots; both are positive";
  Block &block = getBody().front();
  if (block.getNumArguments() != 2 || !llvm::all_of(block.getArgumentTypes(), [](Type type) { return type.isIndex(); }))
    return emitOpError("needs a region that takes the numbers of task and slot");
  return success();
}

void KernelOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : getInputsMutable())
    if (isa<MemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  for (OpOperand &operand : getInitsMutable())
    if (isa<MemRefType>(operand.get().getType())) {
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    }
}

bool isElementwiseInput(KernelOp kernel, unsigned input) {
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  if (yield.getValues().size() != 1)
    return false;
  Value value = kernel.getBody().getArgument(input), last = yield.getValues()[0];
  while (value.hasOneUse() && value != last) {
    Operation *user = *value.user_begin();
    auto lut = dyn_cast<LutOp>(user);
    if (!isa<RequantizeOp, ClampOp, PwlOp>(user) && !(lut && lut.getInput() == value))
      return false;
    if (!sameShape(user->getResult(0).getType(), value.getType()))
      return false;
    value = user->getResult(0);
  }
  return value == last && value != kernel.getBody().getArgument(input);
}

namespace {
using namespace bufferization;

/// Inputs are read, destinations written from the first to the last element; result i is destination i.
struct KernelBuffers : BufferizableOpInterface::ExternalModel<KernelBuffers, KernelOp> {
  static unsigned firstInit(Operation *op) { return cast<KernelOp>(op).getInputs().size(); }
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return operand.getOperandNumber() < firstInit(op);
  }
  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return operand.getOperandNumber() >= firstInit(op);
  }
  /// A destination may be an input that is read element by element.
  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &, ArrayRef<OpOperand *> operands) const {
    auto kernel = cast<KernelOp>(op);
    unsigned first = firstInit(op);
    return llvm::all_of(operands, [&](OpOperand *operand) {
      unsigned number = operand->getOperandNumber();
      return number < first ? isElementwiseInput(kernel, number) : number == first;
    });
  }
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand, const AnalysisState &) const {
    unsigned first = firstInit(op), number = operand.getOperandNumber();
    if (number < first || number - first >= op->getNumResults())
      return {};
    return {{op->getResult(number - first), BufferRelation::Equivalent}};
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto kernel = cast<KernelOp>(op);
    SmallVector<Value> inputs, inits;
    auto append = [&](ValueRange from, SmallVector<Value> &to) {
      for (Value value : from) {
        FailureOr<Value> buffer = isa<TensorType>(value.getType()) ? getBuffer(rewriter, value, options, state) : value;
        if (failed(buffer))
          return failure();
        to.push_back(*buffer);
      }
      return success();
    };
    if (failed(append(kernel.getInputs(), inputs)) || failed(append(kernel.getInits(), inits)))
      return failure();
    auto lowered =
        KernelOp::create(rewriter, kernel.getLoc(), TypeRange(), inputs, inits, kernel.getFormAttr(), kernel.getDotAttr(),
                         kernel.getTileAttr(), kernel.getPermutedAttr(), kernel.getWeightBitsAttr(), kernel.getWeightGroupAttr(),
                         kernel.getScratchBytesAttr(), kernel.getTasksAttr(), kernel.getSlotsAttr());
    lowered->setDiscardableAttrs(kernel->getDiscardableAttrDictionary());
    lowered.getBody().takeBody(kernel.getBody());
    replaceOpWithBufferizedValues(rewriter, op, ArrayRef(inits).take_front(kernel.getNumResults()));
    return success();
  }
};
} // namespace

void registerKernelBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, QCDialect *) { KernelOp::attachInterface<KernelBuffers>(*context); });
}
} // namespace qc
