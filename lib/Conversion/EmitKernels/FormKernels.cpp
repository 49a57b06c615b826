// Groups ops into kernels: one main op, the layout changes around it, and the chain behind it up to the store.
#include "Kernel.h"
#include "qc/Dialect/QC/IR/StoredOps.h"

#include "qc/Conversion/Lowering.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_FORMKERNELS
#include "qc/Conversion/Passes.h.inc"

namespace {
/// Moves elements, changes none: may stand between a channels-last buffer and a channel-first op.
bool isLayoutChange(Operation *op) { return isa_and_nonnull<TransposeOp, ReshapeOp>(op); }

Operation *getOnlyUser(Value value) { return value.hasOneUse() ? *value.user_begin() : nullptr; }

/// Ops that begin a kernel of single elements or of a layout change: nothing else stands in front of them.
bool isPlain(Operation *op) { return isa<RequantizeOp, LutOp, PwlOp, TransposeOp, MulOp>(op); }

/// What a kernel may hold behind its main op.
bool isFollower(Operation *op, Value value) {
  if (isa<RequantizeOp>(op))
    return true;
  if (auto lut = dyn_cast<LutOp>(op))
    return lut.getInput() == value && getConstant(lut.getTable());
  return isa<ClampOp, PwlOp>(op);
}

class Former {
public:
  Former(func::FuncOp function, const Isa &isa, ArrayRef<std::string> without) : function(function), row(isa), without(without) {}

  void run() {
    SmallVector<Operation *> ops;
    for (Operation &op : function.getBody().front())
      ops.push_back(&op);
    for (Operation *op : ops)
      if (!members.contains(op) && isa<ConvOp, ConvTransposeOp, MatmulOp, PoolOp, ReduceOp>(op))
        form(op);
    for (Operation *op : ops)
      if (!members.contains(op) && isPlain(op))
        form(op);
    for (Operation *op : llvm::reverse(ops))
      if (members.contains(op) && op->use_empty())
        op->erase();
  }

private:
  /// The longest chain first; shorter ones where a form refuses it.
  void form(Operation *main) {
    SmallVector<Operation *> chain{main};
    SmallVector<size_t> ends{1};
    for (Value value = main->getResult(0);;) {
      Operation *user = getOnlyUser(value);
      if (!user || members.contains(user) || !(isLayoutChange(user) || isFollower(user, value)))
        break;
      // A layout change only directly behind the main op: later ones belong to whoever comes next.
      if (isLayoutChange(user) && (chain.size() > 1 || isPlain(main)))
        break;
      chain.push_back(user);
      value = user->getResult(0);
      ends.push_back(chain.size());
    }
    for (size_t end : llvm::reverse(ends))
      for (bool withLayout : {true, false})
        if (tryForm(ArrayRef(chain).take_front(end), withLayout))
          return;
  }

  bool tryForm(ArrayRef<Operation *> chain, bool withLayout) {
    // What the kernel computes, in order: constants, the layout change in front of the main op, the chain.
    SmallVector<Operation *> body;
    llvm::SetVector<Value> inputs;
    Operation *main = chain.front();
    bool changes = false;
    for (Operation *op : chain)
      for (Value operand : op->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        if (llvm::is_contained(chain, producer) || llvm::is_contained(body, producer))
          continue;
        if (isa_and_nonnull<ConstantOp>(producer)) {
          body.push_back(producer);
        } else if (auto decode = dyn_cast_or_null<DecodeOp>(producer);
                   decode && llvm::all_of(decode->getOperands(), [](Value v) { return getConstant(v) != nullptr; })) {
          for (Value stored : decode->getOperands())
            body.push_back(stored.getDefiningOp());
          body.push_back(decode);
        } else if (withLayout && op == main && isLayoutChange(producer) && !isPlain(main)) {
          inputs.insert(producer->getOperand(0));
          body.push_back(producer);
          changes = true;
        } else {
          inputs.insert(operand);
        }
      }
    if (withLayout && !changes)
      return false;
    llvm::append_range(body, chain);
    Operation *last = chain.back();
    OpBuilder b(last);
    auto kernel = KernelOp::create(b, last->getLoc(), TypeRange(last->getResultTypes()), inputs.getArrayRef(), ValueRange(),
                                   b.getStringAttr(""), StringAttr(), DenseI64ArrayAttr(), UnitAttr(), IntegerAttr(), IntegerAttr(),
                                   b.getI64IntegerAttr(0), DenseI64ArrayAttr(), b.getI64IntegerAttr(1));
    Block *block = &kernel.getBody().emplaceBlock();
    IRMapping mapping;
    for (Value input : inputs)
      mapping.map(input, block->addArgument(input.getType(), input.getLoc()));
    b.setInsertionPointToStart(block);
    for (Operation *op : body)
      b.clone(*op, mapping);
    YieldOp::create(b, last->getLoc(), mapping.lookup(last->getResult(0)));
    for (const KernelForm &form : getKernelForms()) {
      if (llvm::is_contained(without, form.name))
        continue;
      kernel.setForm(form.name);
      std::string why = form.plan(kernel, row);
      if (!why.empty())
        continue;
      last->getResult(0).replaceAllUsesWith(kernel.getResult(0));
      members.insert(body.begin(), body.end());
      return true;
    }
    kernel.erase();
    return false;
  }

  func::FuncOp function;
  const Isa &row;
  ArrayRef<std::string> without; ///< forms
  DenseSet<Operation *> members; ///< ops that a kernel computes
};

struct FormKernels : impl::FormKernelsBase<FormKernels> {
  using FormKernelsBase::FormKernelsBase;
  void runOnOperation() override {
    const Isa *row = findIsa(isa);
    if (!row) {
      getOperation().emitError("isa=") << isa << ": use one of " << getIsaNames();
      return signalPassFailure();
    }
    for (const std::string &form : without)
      if (std::vector<std::string> names = getKernelFormNames(); !llvm::is_contained(names, form)) {
        getOperation().emitError("without=") << form << ": use some of " << llvm::join(names, ", ");
        return signalPassFailure();
      }
    if (!getOperation().isDeclaration())
      Former(getOperation(), *row, SmallVector<std::string>(without.begin(), without.end())).run();
  }
};
} // namespace
} // namespace qc
