// What is left of qc.function in f32 becomes the ops of its region.
#include "Quantizable.h"
#include "qc/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_INLINEFUNCTIONS
#include "qc/Transforms/Passes.h.inc"

namespace {
void inlineFunction(FunctionOp function) {
  OpBuilder builder(function);
  Block &block = function.getBody().front();
  IRMapping mapping;
  mapping.map(block.getArgument(0), function.getInput());
  for (Operation &op : block.without_terminator()) {
    Operation *copy = builder.clone(op, mapping);
    if (isa<ConstantOp>(op))
      continue;
    // What depends on the argument has its shape; numbers broadcast.
    if (llvm::any_of(copy->getOperandTypes(), [&](Type type) { return type == function.getInput().getType(); }))
      copy->getResult(0).setType(function.getType());
    copy->setLoc(function.getLoc());
    if (Attribute reason = function->getAttr(floatReasonName))
      copy->setAttr(floatReasonName, reason);
  }
  Value result = mapping.lookup(block.getTerminator()->getOperand(0));
  if (result.getType() != function.getType()) // a region that does not read its argument
    return;
  function.getResult().replaceAllUsesWith(result);
  function.erase();
}

struct InlineFunctions : impl::InlineFunctionsBase<InlineFunctions> {
  using InlineFunctionsBase::InlineFunctionsBase;
  void runOnOperation() override {
    SmallVector<FunctionOp> functions;
    getOperation().walk([&](FunctionOp function) {
      if (isFloatTensor(function.getResult()))
        functions.push_back(function);
    });
    for (FunctionOp function : functions)
      inlineFunction(function);
  }
};
} // namespace
} // namespace qc
