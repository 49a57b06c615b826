// Splits @main into @run, which takes and gives codes, and @run_f32, the thin wrapper for callers with f32 data.
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_SPLITBOUNDARY
#include "qc/Conversion/Passes.h.inc"

namespace {
/// The ops between the last codes and a float result that the wrapper computes: a softmax and what moves or rounds its values.
struct Tail {
  DequantizeOp dequantize;      ///< null: the result does not come from codes
  SmallVector<Operation *> ops; ///< in order of execution, without the dequantize
};

Tail findTail(Value result) {
  Tail tail;
  SmallVector<Operation *> ops;
  while (Operation *op = result.getDefiningOp()) {
    if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
      tail.dequantize = dequantize;
      tail.ops.assign(ops.rbegin(), ops.rend());
      // A model of the kind that rounds even its probabilities: the softmax stands behind other codes.
      if (!dequantize.getInput().getDefiningOp<QuantizeOp>())
        break;
    } else if (!isa<SoftmaxOp, ReshapeOp, TransposeOp, QuantizeOp>(op)) {
      break;
    }
    ops.push_back(op);
    result = op->getOperand(0);
  }
  return tail;
}

/// Removes softmax ops whose result is returned, possibly reshaped.
void dropTailSoftmax(func::FuncOp function) {
  Operation *terminator = function.getBody().front().getTerminator();
  for (Value result : terminator->getOperands()) {
    Operation *op = result.getDefiningOp();
    while (op && isa<ReshapeOp, TransposeOp>(op))
      op = op->getOperand(0).getDefiningOp();
    if (auto softmax = dyn_cast_or_null<SoftmaxOp>(op))
      softmax.getResult().replaceAllUsesWith(softmax.getInput());
  }
}

bool isFloat(Value value) { return getDomain(value.getType()) == Domain::Float; }

/// Drops pure ops without uses, last first.
void eraseDead(Block &block) {
  for (Operation *op = block.getTerminator()->getPrevNode(); op;) {
    Operation *previous = op->getPrevNode();
    if (isOpTriviallyDead(op))
      op->erase();
    op = previous;
  }
}

struct SplitBoundary : impl::SplitBoundaryBase<SplitBoundary> {
  using SplitBoundaryBase::SplitBoundaryBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      getOperation().emitError("needs a function @main with one block");
      return signalPassFailure();
    }
    if (dropSoftmax)
      dropTailSoftmax(main);
    eraseDead(main.getBody().front());
    if (float32) {
      main.setSymName("run_f32");
      return;
    }
    if (failed(split(main)))
      signalPassFailure();
  }

  LogicalResult split(func::FuncOp main) {
    OpBuilder builder(main);
    builder.setInsertionPointAfter(main);
    auto wrapper = func::FuncOp::create(builder, main.getLoc(), "run_f32", main.getFunctionType());
    wrapper.setAllArgAttrs(main.getAllArgAttrs());
    wrapper.setAllResultAttrs(main.getAllResultAttrs());
    Block *body = wrapper.addEntryBlock();
    builder.setInsertionPointToStart(body);

    // Arguments: f32 ones that are only ever quantized become codes.
    Block &run = main.getBody().front();
    SmallVector<Value> callArguments;
    for (auto [i, argument] : llvm::enumerate(run.getArguments())) {
      auto quantize = argument.hasOneUse() ? dyn_cast<QuantizeOp>(*argument.user_begin()) : QuantizeOp();
      Value outer = body->getArgument(i);
      if (!quantize) {
        callArguments.push_back(outer);
        continue;
      }
      callArguments.push_back(QuantizeOp::create(builder, quantize.getLoc(), quantize.getType(), outer, quantize.getScaleAttr(),
                                                 quantize.getZeroPointAttr(), quantize.getCodeMinAttr(),
                                                 quantize.getCodeMaxAttr()));
      argument.setType(quantize.getType());
      quantize.getResult().replaceAllUsesWith(argument);
      main.setArgAttr(i, "qc.scale", quantize.getScaleAttr());
      main.setArgAttr(i, "qc.zero_point", quantize.getZeroPointAttr());
      main.setArgAttr(i, "qc.code_min", quantize.getCodeMinAttr());
      main.setArgAttr(i, "qc.code_max", quantize.getCodeMaxAttr());
      quantize.erase();
    }

    // Results: those that come from codes are given as codes; what lies behind is the wrapper's.
    Operation *terminator = run.getTerminator();
    SmallVector<Tail> tails;
    SmallVector<Type> resultTypes;
    for (auto [i, result] : llvm::enumerate(terminator->getOperands())) {
      Tail tail = findTail(result);
      if (tail.dequantize) {
        terminator->setOperand(i, tail.dequantize.getInput());
        main.setResultAttr(i, "qc.scale", tail.dequantize.getScaleAttr());
        main.setResultAttr(i, "qc.zero_point", tail.dequantize.getZeroPointAttr());
      }
      tails.push_back(tail);
      resultTypes.push_back(terminator->getOperand(i).getType());
    }
    main.setFunctionType(builder.getFunctionType(run.getArgumentTypes(), resultTypes));
    main.setSymName("run");
    if (auto requant = main->getAttr("qc.requant"))
      wrapper->setAttr("qc.requant", requant);
    auto call = func::CallOp::create(builder, main.getLoc(), main, callArguments);
    SmallVector<Value> results;
    for (auto [tail, result] : llvm::zip(tails, call.getResults())) {
      Value value = result;
      if (tail.dequantize) {
        IRMapping mapping;
        mapping.map(tail.dequantize.getInput(), value);
        value = builder.clone(*tail.dequantize, mapping)->getResult(0);
        for (Operation *op : tail.ops)
          value = builder.clone(*op, mapping)->getResult(0);
      }
      results.push_back(value);
    }
    func::ReturnOp::create(builder, main.getLoc(), results);
    eraseDead(run);
    return listFloatOps(main);
  }

  /// `qc.float_ops`: what is left of float inside @run, with the reason, for the report and the header.
  LogicalResult listFloatOps(func::FuncOp run) {
    Builder builder(run.getContext());
    SmallVector<Attribute> list;
    InFlightDiagnostic diagnostic;
    auto add = [&](Operation *op, std::string reason) {
      auto entry = [&](StringRef key, StringRef value) { return builder.getNamedAttr(key, builder.getStringAttr(value)); };
      list.push_back(builder.getDictionaryAttr(
          {entry("name", getLocName(op->getLoc())), entry("op", op->getName().stripDialect()), entry("reason", reason)}));
      if (integerOnly)
        op->emitError() << "'" << op->getName().stripDialect() << "' stays in float, which -integer-only forbids: " << reason;
    };
    for (Operation &op : run.getBody().front().without_terminator()) {
      if (isa<QuantizeOp, DequantizeOp, ConstantOp>(op) ||
          (llvm::none_of(op.getOperands(), isFloat) && llvm::none_of(op.getResults(), isFloat)))
        continue;
      std::string reason = "its operands or result have no quantized type";
      if (auto stated = op.getAttrOfType<StringAttr>("qc.float_reason"))
        reason = stated.str();
      else if (auto quantizable = dyn_cast<QuantizableOpInterface>(op); quantizable && !quantizable.whyFloat().empty())
        reason = quantizable.whyFloat();
      add(&op, reason);
    }
    // Casts without an op between them (a result that is also used in float) count as float, too.
    if (list.empty())
      for (Operation &op : run.getBody().front().without_terminator())
        if (isa<QuantizeOp, DequantizeOp>(op))
          add(&op, "a conversion at a boundary that could not be moved into the wrapper");
    run->setAttr("qc.float_ops", builder.getArrayAttr(list));
    return failure(integerOnly && !list.empty());
  }
};
} // namespace
} // namespace qc
