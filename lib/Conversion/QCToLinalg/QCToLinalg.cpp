// The pass: one walk over the function, op by op, into a new body on buffers (the ports) and tensors (everything between).
#include "Emitter.h"
#include "qc/Dialect/QC/IR/States.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_CONVERTQCTOLINALG
#include "qc/Conversion/Passes.h.inc"

namespace {
/// The requantization that alone reads the accumulator `op` and can run as its epilogue; null if there is none.
RequantizeOp getFusedRequantize(Operation *op) {
  auto accumulator = dyn_cast<AccumulatorOpInterface>(op);
  if (!accumulator || !accumulator.getAccBound() || !op->getResult(0).hasOneUse())
    return {};
  auto requantize = dyn_cast<RequantizeOp>(*op->getResult(0).user_begin());
  if (!requantize || requantize.getInputs().size() != 1)
    return {};
  auto axis = requantize.getAxis();
  int64_t channelAxis = TypeSwitch<Operation *, int64_t>(op)
                            .Case<ConvOp, ConvTransposeOp, PoolOp>([](auto) { return 1; })
                            .Case([](MatmulOp matmul) { return matmul.getType().getRank() - 1; })
                            .Default([](Operation *) { return -1; });
  if (axis && int64_t(*axis) != channelAxis)
    return {};
  return requantize;
}

class FunctionConverter {
public:
  FunctionConverter(func::FuncOp function, OpBuilder &builder) : function(function), b(builder), e(builder) {}

  LogicalResult run() {
    if (!function.getBody().hasOneBlock())
      return function.emitError("must have one block");
    return replaceBody(function.getBody(), [&](Block &old, Block &body) { return convert(&old, &body); });
  }

private:
  static bool isTensor(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && tensor.getElementType().isIntOrFloat();
  }
  static MemRefType getPort(Type tensor) {
    auto type = Emitter::getStorageTensor(tensor);
    return MemRefType::get(type.getShape(), type.getElementType());
  }
  /// Size 0 stands for "not planned yet": qc-plan-arena puts the size in.
  MemRefType getArena() { return MemRefType::get({0}, b.getI8Type()); }

  LogicalResult convert(Block *old, Block *body) {
    auto type = function.getFunctionType();
    SmallVector<Type> inputs;
    SmallVector<Attribute> attributes;
    auto addPort = [&](Type port, DictionaryAttr has, StringRef unit) -> LogicalResult {
      if (!isTensor(port))
        return function.emitError("arguments and results must be tensors with static shapes, got ") << port;
      inputs.push_back(getPort(port));
      NamedAttrList list(has);
      list.set("llvm.noalias", b.getUnitAttr());
      if (!unit.empty())
        list.set(unit, b.getUnitAttr());
      attributes.push_back(list.getDictionary(b.getContext()));
      return success();
    };
    for (auto [i, input] : llvm::enumerate(type.getInputs()))
      if (failed(addPort(input, function.getArgAttrDict(i), "")))
        return failure();
    // A state in the arena is one port, for the value before and the value after.
    SmallVector<int64_t> stateOf(type.getNumResults(), -1), places(type.getNumResults(), -1);
    for (unsigned i = 0; i < type.getNumInputs(); ++i)
      if (function.getArgAttr(i, inArenaName)) {
        auto result = getStateResult(function, i);
        if (!result)
          return function.emitError("has a state without a result");
        if (stateOf[*result] >= 0)
          return function.emitError("has two states with one next value; give one of them an output of its own");
        stateOf[*result] = i;
      }
    for (auto [i, result] : llvm::enumerate(type.getResults())) {
      if (stateOf[i] >= 0)
        continue;
      places[i] = inputs.size();
      if (failed(addPort(result, function.getResultAttrDict(i), "qc.output")))
        return failure();
    }
    inputs.push_back(getArena());
    attributes.push_back(
        b.getDictionaryAttr({b.getNamedAttr("llvm.noalias", b.getUnitAttr()), b.getNamedAttr("qc.arena", b.getUnitAttr())}));
    for (Type port : inputs)
      body->addArgument(port, function.getLoc());

    b.setInsertionPointToStart(body);
    e.entry = body;
    e.loc = function.getLoc();
    Operation *terminator = old->getTerminator();
    for (auto [i, state] : llvm::enumerate(stateOf))
      if (auto scatter = state < 0 ? ScatterOp() : getUpdateInPlace(old->getArgument(state), terminator->getOperand(i)))
        inPlace[scatter] = body->getArgument(state);
    for (auto [argument, port] : llvm::zip(old->getArguments(), body->getArguments())) {
      ports[argument] = port;
      bool updated = argument.hasOneUse() && inPlace.lookup(*argument.user_begin()) == port;
      if (!updated)
        e.values[argument] = readPort(argument.getType(), port);
    }
    SmallVector<Operation *> ops = llvm::map_to_vector(old->without_terminator(), [](Operation &op) { return &op; });
    for (Operation *op : llvm::reverse(ops))
      if (isOpTriviallyDead(op))
        op->erase();
    for (Operation &op : old->without_terminator())
      if (failed(convert(&op)))
        return failure();
    e.loc = terminator->getLoc();
    SmallVector<std::pair<Value, Value>> nextStates; // they replace what others may read until all results are there
    for (auto [i, result] : llvm::enumerate(terminator->getOperands())) {
      if (places[i] >= 0) {
        store(e.get(result), body->getArgument(places[i]));
        continue;
      }
      Value port = body->getArgument(stateOf[i]);
      if (isStored(result, port))
        continue;
      auto buffer = memref::AllocOp::create(b, e.loc, cast<MemRefType>(port.getType()));
      buffer->moveBefore(e.entry, e.entry->begin());
      store(e.get(result), buffer);
      nextStates.push_back({buffer, port});
    }
    for (auto [from, to] : nextStates)
      memref::CopyOp::create(b, e.loc, from, to);
    func::ReturnOp::create(b, e.loc);
    shareConstants(body);
    function.setFunctionType(b.getFunctionType(inputs, {}));
    function.setAllArgAttrs(attributes);
    function.setAllResultAttrs(ArrayRef<Attribute>());
    return success();
  }

  Value readPort(Type tensor, Value port) {
    return bufferization::ToTensorOp::create(b, e.loc, Emitter::getStorageTensor(tensor), port, /*restrict=*/true);
  }

  /// The op that changes single rows of the state `argument` into its next value, if nobody else reads the state.
  static ScatterOp getUpdateInPlace(BlockArgument argument, Value next) {
    auto scatter = next.getDefiningOp<ScatterOp>();
    return scatter && scatter.getInput() == argument && scatter.getKind() == ScatterKind::Set && argument.hasOneUse() &&
                   getShape(scatter.getIndices())[0] == 1
               ? scatter
               : ScatterOp();
  }

  /// True if the value of a state's port is its next value already: it was updated there, here or by a call.
  bool isStored(Value next, Value port) {
    if (Operation *op = next.getDefiningOp())
      return inPlace.lookup(op) == port || (isa<func::CallOp>(op) && statesOfCalls.lookup(next) == port);
    return ports.lookup(next) == port;
  }

  /// Replaces one row of a state where it lies.
  LogicalResult convertInPlace(ScatterOp op, Value port) {
    int64_t rows = getShape(op.getInput())[0], width = product(getShape(op.getInput()).drop_front());
    auto update = memref::AllocOp::create(b, e.loc, getPort(op.getUpdates().getType()));
    update->moveBefore(e.entry, e.entry->begin());
    store(e.get(op.getUpdates()), update);
    Scalars s = e.scalars();
    Value row = emitRow(s, tensor::ExtractOp::create(b, e.loc, e.get(op.getIndices()), ValueRange(e.index(0))), rows);
    Value place =
        memref::SubViewOp::create(b, e.loc, reshapeBuffer(port, {rows, width}), SmallVector<OpFoldResult>{row, b.getIndexAttr(0)},
                                  e.sizes({1, width}), e.sizes({1, 1}));
    memref::CopyOp::create(b, e.loc, reshapeBuffer(update, {1, width}), place);
    e.values[op.getResult()] = readPort(op.getType(), port);
    return success();
  }

  /// One op per scalar constant, at the start of the function. (The canonicalizer would do it too, but fold tensors into many
  /// dimensions.)
  void shareConstants(Block *body) {
    DenseMap<Attribute, Operation *> known;
    function.getBody().back().walk([&](arith::ConstantOp constant) {
      if (isa<ShapedType>(constant.getType()))
        return;
      auto [it, isNew] = known.try_emplace(constant.getValue(), constant);
      if (isNew) {
        constant->moveBefore(body, body->begin());
        constant->setLoc(function.getLoc());
        return;
      }
      constant.replaceAllUsesWith(it->second->getResult(0));
      constant.erase();
    });
  }

  /// Writes `value` to `buffer`. A reshape in between moves to the buffer, where it costs nothing, so that the producer writes in
  /// place.
  void store(Value value, Value buffer) {
    while (Operation *op = value.getDefiningOp()) {
      if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
        break;
      value = op->getOperand(0);
      buffer = reshapeBuffer(buffer, getShape(value));
    }
    bufferization::MaterializeInDestinationOp::create(b, e.loc, TypeRange(), value, buffer, /*restrict=*/true, /*writable=*/true);
  }

  Value reshapeBuffer(Value buffer, ArrayRef<int64_t> shape) {
    auto from = cast<MemRefType>(buffer.getType());
    if (from.getShape() == shape)
      return buffer;
    Value flat = buffer;
    if (from.getRank() != 1) {
      SmallVector<ReassociationIndices> all;
      if (from.getRank())
        all.push_back(llvm::to_vector(llvm::seq<int64_t>(0, from.getRank())));
      if (from.getRank())
        flat = memref::CollapseShapeOp::create(b, e.loc, buffer, all);
      else
        flat = memref::ExpandShapeOp::create(b, e.loc, ArrayRef<int64_t>({1}), buffer, all);
    }
    if (shape.size() == 1)
      return flat;
    auto type = MemRefType::get(shape, from.getElementType());
    if (shape.empty())
      return memref::CollapseShapeOp::create(b, e.loc, type, flat, ArrayRef<ReassociationIndices>());
    SmallVector<ReassociationIndices> all{llvm::to_vector(llvm::seq<int64_t>(0, shape.size()))};
    return memref::ExpandShapeOp::create(b, e.loc, type, flat, all);
  }

  LogicalResult convert(Operation *op) {
    e.loc = op->getLoc();
    for (Type type : op->getResultTypes())
      if (!isTensor(type))
        return op->emitError("has a result that is no tensor of numbers with static shape: ") << type;
    if (isa<ConstantOp>(op))
      return success(); // emitted where it is used
    if (auto call = dyn_cast<func::CallOp>(op))
      return convertCall(call);
    if (auto kernel = dyn_cast<KernelOp>(op))
      return convertKernel(kernel);
    if (Value port = inPlace.lookup(op))
      return convertInPlace(cast<ScatterOp>(op), port);
    if (getFusedRequantize(op))
      return success(); // emitted with its requantization
    Value result;
    if (auto requantize = dyn_cast<RequantizeOp>(op)) {
      Operation *producer = requantize.getInputs()[0].getDefiningOp();
      if (producer && getFusedRequantize(producer) == requantize) {
        if (failed(emitAccumulator(producer, makeRequantizeEpilogue(e, requantize), result)))
          return failure();
      } else if (failed(emitRequantize(e, requantize, result))) {
        return failure();
      }
      e.values[requantize.getResult()] = result;
      return success();
    }
    if (isa<ConvOp, ConvTransposeOp, MatmulOp, PoolOp, ReduceOp>(op) || (isa<MulOp>(op) && cast<MulOp>(op).getAccBound())) {
      auto clamp = dyn_cast<ClampOpInterface>(op);
      Type code = getElementType(op->getResult(0));
      bool clamps = clamp && isa<FloatType>(code) && (clamp.getClampMin() || clamp.getClampMax());
      Epilogue plain{code, {}, [=](Scalars &s, Value acc, ValueRange) { return clamps ? applyClamp(s, clamp, acc) : acc; }};
      if (failed(emitAccumulator(op, plain, result)))
        return failure();
      e.values[op->getResult(0)] = result;
      return success();
    }
    auto emitted = emitElementwise(e, op);
    for (auto emit : {emitMovement, emitBinary, emitIndexed, emitRows})
      if (succeeded(emitted) && !*emitted)
        emitted = emit(e, op);
    if (failed(emitted))
      return failure();
    if (!*emitted)
      return op->emitError("has no lowering to linalg; only qc ops of the float and the integer domain have one");
    e.values[op->getResult(0)] = *emitted;
    return success();
  }

  LogicalResult emitAccumulator(Operation *op, const Epilogue &epilogue, Value &result) {
    // The loops are those of the contraction; the value that they leave is the requantization's, and so is its name.
    return TypeSwitch<Operation *, LogicalResult>(op)
        .Case([&](ConvOp conv) { return emitConv(e, conv, epilogue, result); })
        .Case([&](ConvTransposeOp conv) { return emitConvTranspose(e, conv, epilogue, result); })
        .Case([&](MatmulOp matmul) { return emitMatmul(e, matmul, epilogue, result); })
        .Case([&](PoolOp pool) { return emitPool(e, pool, epilogue, result); })
        .Case([&](ReduceOp reduce) { return emitReduce(e, reduce, epilogue, result); })
        .Case([&](MulOp mul) { return emitProduct(e, mul, epilogue, result); })
        .Default([](Operation *op) { return op->emitError("is no accumulator that can be lowered"); });
  }

  /// True if the value goes into a result of the function or a part of a concatenation, where its producer can write directly.
  static bool hasPlace(Value value) {
    return llvm::any_of(value.getUsers(), [](Operation *user) {
      return isa<func::ReturnOp, ConcatOp>(user) || (isa<ReshapeOp>(user) && hasPlace(user->getResult(0)));
    });
  }

  /// True if the value is a part, seen in place, of one that others read, too: to overwrite it would cost a copy. (To products
  /// such a copy is little, and gives those at each place of a sequence the same loops.)
  static bool isPartOfShared(Value value) {
    while (auto reshape = value.getDefiningOp<ReshapeOp>())
      value = reshape.getInput();
    auto slice = value.getDefiningOp<SliceOp>();
    return slice && (!slice.getInput().hasOneUse() || isPartOfShared(slice.getInput()));
  }

  /// Elements from one to the next in each dimension of a value that may be a part of another, seen in place; nothing if that is
  /// not known here.
  static std::optional<SmallVector<int64_t>> getStrides(Value value) {
    auto slice = value.getDefiningOp<SliceOp>();
    auto reshape = value.getDefiningOp<ReshapeOp>();
    if (slice || reshape) {
      Value input = slice ? slice.getInput() : reshape.getInput();
      auto strides = getStrides(input);
      if (!strides)
        return std::nullopt;
      if (slice) {
        if (llvm::any_of(llvm::zip(slice.getSteps(), slice.getSizes()),
                         [](auto p) { return std::get<0>(p) < 0 && std::get<1>(p) > 1; }))
          return SmallVector<int64_t>(mlir::computeStrides(getShape(value))); // copied
        for (auto [stride, step] : llvm::zip(*strides, slice.getSteps()))
          stride *= std::max<int64_t>(step, 1);
        return strides;
      }
      for (auto [size, stride, whole] : llvm::zip(getShape(input), *strides, mlir::computeStrides(getShape(input))))
        if (size != 1 && stride != whole)
          return std::nullopt;
    }
    return SmallVector<int64_t>(mlir::computeStrides(getShape(value)));
  }

  /// What a kernel reads: the value in place, or a copy where it is a part whose elements do not follow each other, or whose rows
  /// do not have one distance, which single elements and products ask for.
  Value getKernelInput(KernelOp kernel, Value value) {
    Value tensor = e.get(value);
    if (!value.getDefiningOp<SliceOp>() && !value.getDefiningOp<ReshapeOp>())
      return tensor;
    auto strides = getStrides(value);
    ArrayRef<int64_t> shape = getShape(value);
    bool readable = strides && (shape.empty() || shape.back() == 1 || strides->back() == 1);
    if (readable && (kernel.getForm() == "pointwise" || kernel.getForm() == "contract"))
      for (size_t i = 0; i + 2 < shape.size(); ++i)
        readable &= shape[i] == 1 || (*strides)[i] == (*strides)[i + 1] * shape[i + 1];
    if (readable)
      return tensor;
    return bufferization::AllocTensorOp::create(b, e.loc, Emitter::getStorageTensor(value.getType()), ValueRange(), tensor);
  }

  /// The input whose buffer the result of a kernel may take, as it is needed for the last time; else -1.
  static int64_t findReusable(KernelOp kernel) {
    if (kernel.getNumResults() != 1 || hasPlace(kernel.getResult(0)))
      return -1;
    auto result = Emitter::getStorageTensor(kernel.getResult(0).getType());
    for (auto [i, input] : llvm::enumerate(kernel.getInputs())) {
      bool isLast = llvm::all_of(input.getUsers(), [&](Operation *user) {
        return user->getBlock() == kernel->getBlock() && (user == kernel || user->isBeforeInBlock(kernel));
      });
      if (isLast && !isa<BlockArgument>(input) && !(kernel.getForm() == "pointwise" && isPartOfShared(input)) &&
          Emitter::getStorageTensor(input.getType()) == result && isElementwiseInput(kernel, i))
        return i;
    }
    return -1;
  }

  /// Gives a kernel its destinations; its region stays as it is.
  LogicalResult convertKernel(KernelOp kernel) {
    SmallVector<Value> inputs, inits;
    for (Value input : kernel.getInputs())
      inputs.push_back(getKernelInput(kernel, input));
    SmallVector<Type> types;
    int64_t reused = findReusable(kernel);
    for (Value result : kernel.getResults()) {
      auto type = Emitter::getStorageTensor(result.getType());
      types.push_back(type);
      // Bufferization has the last word: it gives the destination a buffer of its own if another value needs this one's.
      inits.push_back(reused >= 0 ? inputs[reused] : e.empty(type.getShape(), type.getElementType()));
    }
    if (int64_t bytes = kernel.getScratchBytes())
      inits.push_back(e.empty({bytes * int64_t(kernel.getSlots())}, b.getI8Type()));
    auto lowered =
        KernelOp::create(b, e.loc, types, inputs, inits, kernel.getFormAttr(), kernel.getDotAttr(), kernel.getTileAttr(),
                         kernel.getPermutedAttr(), kernel.getWeightBitsAttr(), kernel.getWeightGroupAttr(),
                         kernel.getScratchBytesAttr(), kernel.getTasksAttr(), kernel.getSlotsAttr());
    lowered->setDiscardableAttrs(kernel->getDiscardableAttrDictionary());
    lowered.getBody().takeBody(kernel.getBody());
    for (auto [from, to] : llvm::zip_equal(kernel.getResults(), lowered.getResults()))
      e.values[from] = to;
    return success();
  }

  /// Arguments and results of a call lie in buffers; the callee gets its arena as part of this function's.
  LogicalResult convertCall(func::CallOp call) {
    SmallVector<Value> operands, results(call.getNumResults());
    // Which results are next values of states is said by the caller's own ports.
    for (Value operand : call.getOperands())
      if (auto argument = dyn_cast<BlockArgument>(operand); argument && function.getArgAttr(argument.getArgNumber(), inArenaName))
        if (auto result = dyn_cast<OpResult>(
                call->getBlock()->getTerminator()->getOperand(*getStateResult(function, argument.getArgNumber())));
            result && result.getOwner() == call.getOperation()) {
          results[result.getResultNumber()] = statesOfCalls[result] = ports.lookup(operand);
        }
    for (Value operand : call.getOperands()) {
      if (Value port = ports.lookup(operand)) {
        operands.push_back(port);
        continue;
      }
      // In front of everything, so that the operand's producer can write there.
      auto buffer = memref::AllocOp::create(b, e.loc, getPort(operand.getType()));
      buffer->moveBefore(e.entry, e.entry->begin());
      store(e.get(operand), buffer);
      operands.push_back(buffer);
    }
    for (auto [result, place] : llvm::zip(call.getResults(), results))
      if (!place)
        operands.push_back(place = memref::AllocOp::create(b, e.loc, getPort(result.getType())));
    auto arena = memref::AllocOp::create(b, e.loc, getArena());
    arena->setAttr("qc.arena_of", call.getCalleeAttr());
    operands.push_back(arena);
    func::CallOp::create(b, e.loc, call.getCallee(), TypeRange(), operands);
    for (auto [result, place] : llvm::zip(call.getResults(), results))
      if (!statesOfCalls.contains(result))
        e.values[result] = readPort(result.getType(), place);
    return success();
  }

  func::FuncOp function;
  OpBuilder &b;
  Emitter e;
  DenseMap<Value, Value> ports;
  DenseMap<Operation *, Value> inPlace; ///< updates of a state's rows, and its port
  DenseMap<Value, Value> statesOfCalls; ///< results of calls that are next values of states, and their ports
};

struct ConvertQCToLinalg : impl::ConvertQCToLinalgBase<ConvertQCToLinalg> {
  using ConvertQCToLinalgBase::ConvertQCToLinalgBase;
  void runOnOperation() override {
    if (getOperation().isDeclaration())
      return;
    OpBuilder builder(&getContext());
    if (failed(FunctionConverter(getOperation(), builder).run()))
      signalPassFailure();
  }
};
} // namespace
} // namespace qc
