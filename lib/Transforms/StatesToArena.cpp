// States that the caller need not carry: they lie in the arena, and a function sets them to their start.
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_STATESTOARENA
#include "qc/Transforms/Passes.h.inc"

namespace {
struct StatesToArena : impl::StatesToArenaBase<StatesToArena> {
  using StatesToArenaBase::StatesToArenaBase;

  void runOnOperation() override {
    auto run = getOperation().lookupSymbol<func::FuncOp>("run"), wrapper = getOperation().lookupSymbol<func::FuncOp>("run_f32");
    if (!run || !run.getBody().hasOneBlock()) {
      getOperation().emitError("needs a function @run with one block");
      return signalPassFailure();
    }
    SmallVector<unsigned> states;
    bool failed = false;
    for (unsigned i = 0; i < run.getNumArguments(); ++i)
      if (run.getArgAttr(i, stateName)) {
        states.push_back(i);
        failed |= mlir::failed(check(run, i));
      }
    if (failed)
      return signalPassFailure();
    if (states.empty())
      return;
    for (unsigned i : states)
      mark(run, i, *getStateResult(run, i));
    if (wrapper && mlir::failed(handOn(wrapper, run, states)))
      return signalPassFailure();
    addReset(run, states);
  }

private:
  static LogicalResult check(func::FuncOp run, unsigned i) {
    auto attr = [&](StringRef name) { return run.getArgAttr(i, name); };
    auto result = getStateResult(run, i);
    auto error = [&] {
      return emitError(run.getLoc()) << "state '" << (attr("qc.name") ? cast<StringAttr>(attr("qc.name")).getValue() : "")
                                     << "': ";
    };
    if (!result)
      return error() << "no output '" << cast<StringAttr>(attr(stateName)).getValue()
                     << "' gives its next value; the outputs are " << listPorts(run, false);
    if (run.getArgumentTypes()[i] != run.getResultTypes()[*result])
      return error() << "is " << run.getArgumentTypes()[i] << ", but its next value is " << run.getResultTypes()[*result]
                     << "; give both one code type with -constraints";
    for (StringRef name : {"qc.scale", "qc.zero_point"})
      if (attr(name) != run.getResultAttr(*result, name))
        return error()
               << "has another scale or zero point than its next value, so codes cannot stay where they are; declare it with "
                  "-state before calibration";
    return success();
  }

  static void mark(func::FuncOp function, unsigned argument, unsigned result) {
    auto unit = UnitAttr::get(function.getContext());
    function.setArgAttr(argument, inArenaName, unit);
    function.setResultAttr(result, inArenaName, unit);
  }

  /// The wrapper has the ports of `run`, in their order; states are codes there, too.
  static LogicalResult handOn(func::FuncOp wrapper, func::FuncOp run, ArrayRef<unsigned> states) {
    Block &body = wrapper.getBody().front();
    auto calls = llvm::to_vector(body.getOps<func::CallOp>());
    if (calls.size() != 1 || calls[0].getCallee() != run.getSymName())
      return wrapper.emitError("is no wrapper of @run");
    func::CallOp call = calls[0];
    for (unsigned i : states) {
      unsigned result = *getStateResult(run, i);
      body.getArgument(i).setType(run.getArgumentTypes()[i]);
      call.setOperand(i, body.getArgument(i));
      body.getTerminator()->setOperand(result, call.getResult(result));
      mark(wrapper, i, result);
    }
    for (Operation *op = body.getTerminator()->getPrevNode(); op;) {
      Operation *previous = op->getPrevNode();
      if (isOpTriviallyDead(op))
        op->erase();
      op = previous;
    }
    for (unsigned i : states)
      if (!body.getArgument(i).hasOneUse())
        return wrapper.emitError("uses a state for more than its call of @run");
    wrapper.setFunctionType(
        FunctionType::get(wrapper.getContext(), body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
    return success();
  }

  static void addReset(func::FuncOp run, ArrayRef<unsigned> states) {
    OpBuilder b(run);
    b.setInsertionPointAfter(run);
    SmallVector<Type> types = llvm::map_to_vector(states, [&](unsigned i) { return run.getArgumentTypes()[i]; });
    auto reset = func::FuncOp::create(b, run.getLoc(), "reset", b.getFunctionType({}, types));
    b.setInsertionPointToStart(reset.addEntryBlock());
    SmallVector<Value> values;
    for (auto [k, i] : llvm::enumerate(states)) {
      auto type = cast<RankedTensorType>(types[k]);
      Attribute initial = run.getArgAttr(i, initialName);
      if (!initial)
        initial = run.getArgAttr(i, "qc.zero_point");
      Attribute number;
      if (isa<FloatType>(type.getElementType()))
        number = isa_and_nonnull<FloatAttr>(initial) ? initial : b.getF32FloatAttr(0);
      else
        number = b.getIntegerAttr(type.getElementType(),
                                  isa_and_nonnull<IntegerAttr>(initial) ? cast<IntegerAttr>(initial).getInt() : 0);
      values.push_back(ConstantOp::create(b, run.getLoc(), DenseElementsAttr::get(type, number)));
      reset.setResultAttr(k, inArenaName, b.getUnitAttr());
      if (Attribute name = run.getArgAttr(i, "qc.name"))
        reset.setResultAttr(k, "qc.name", name);
    }
    func::ReturnOp::create(b, run.getLoc(), values);
  }
};
} // namespace
} // namespace qc
