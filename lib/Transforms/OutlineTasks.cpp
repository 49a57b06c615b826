// One function per divided kernel that does one task, and one that does all.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_OUTLINETASKS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// Where a buffer starts. Everything else that a task needs from outside is computed again inside.
bool isRoot(Value value) { return isa<BlockArgument>(value) || value.getDefiningOp<memref::AllocaOp>(); }

class TaskOutliner {
public:
  TaskOutliner(ParallelOp parallel, SymbolTable &symbols)
      : parallel(parallel), function(parallel->getParentOfType<func::FuncOp>()), symbols(symbols) {}

  LogicalResult run() {
    llvm::SetVector<Value> above;
    getUsedValuesDefinedAbove(parallel->getRegions(), above);
    for (Value value : above)
      if (failed(collect(value)))
        return failure();
    func::FuncOp task = makeTask(), all = makeLoop(task);
    OpBuilder b(parallel);
    func::CallOp::create(b, parallel.getLoc(), all, roots.getArrayRef());
    parallel.erase();
    return success();
  }

private:
  /// Finds the buffers that `value` is computed from, and the ops that compute it, operands first.
  LogicalResult collect(Value value) {
    if (isRoot(value)) {
      // The calling convention passes a pointer only.
      auto type = dyn_cast<MemRefType>(value.getType());
      if (!type || !type.hasStaticShape() || !type.getLayout().isIdentity())
        return parallel.emitOpError("needs ")
               << value.getType() << " from outside: a task takes buffers of static shape without gaps";
      roots.insert(value);
      return success();
    }
    Operation *op = value.getDefiningOp();
    if (op->getNumRegions() || !(isPure(op) || isa<memref::GetGlobalOp>(op)))
      return parallel.emitOpError("needs the result of '") << op->getName() << "', which a task cannot compute again";
    for (Value operand : op->getOperands())
      if (failed(collect(operand)))
        return failure();
    ops.insert(op);
    return success();
  }

  func::FuncOp makeFunction(StringRef suffix, ArrayRef<Type> types) {
    OpBuilder b(function.getContext());
    auto made = func::FuncOp::create(parallel.getLoc(), (function.getName() + suffix).str(), b.getFunctionType(types, {}));
    made.setPrivate();
    for (auto [i, root] : llvm::enumerate(roots)) {
      // What is known of an argument (of a shared kernel's constants, where they begin and how much may be read) stays known.
      if (auto argument = dyn_cast<BlockArgument>(root))
        if (DictionaryAttr known = function.getArgAttrDict(argument.getArgNumber()))
          made.setArgAttrs(i, known);
      made.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
    }
    if (Attribute owner = function->getAttr("qc.kernel_of"))
      made->setAttr("qc.kernel_of", owner);
    symbols.insert(made, Block::iterator(function));
    made.addEntryBlock();
    return made;
  }

  func::FuncOp makeTask() {
    OpBuilder b(function.getContext());
    SmallVector<Type> types = llvm::map_to_vector(roots, [](Value v) { return v.getType(); });
    types.append(2, b.getIndexType());
    func::FuncOp task = makeFunction("_task", types);
    Block &body = task.getBody().front();
    b.setInsertionPointToStart(&body);
    IRMapping mapping;
    for (auto [i, root] : llvm::enumerate(roots))
      mapping.map(root, body.getArgument(i));
    mapping.map(parallel.getBody().getArgument(0), body.getArgument(roots.size()));
    mapping.map(parallel.getBody().getArgument(1), body.getArgument(roots.size() + 1));
    for (Operation *op : ops)
      b.clone(*op, mapping);
    for (Operation &op : parallel.getBody().front())
      b.clone(op, mapping);
    func::ReturnOp::create(b, parallel.getLoc());
    return task;
  }

  func::FuncOp makeLoop(func::FuncOp task) {
    OpBuilder b(function.getContext());
    Location loc = parallel.getLoc();
    func::FuncOp all = makeFunction("_tasks", llvm::map_to_vector(roots, [](Value v) { return v.getType(); }));
    int64_t count = parallel.getCount();
    all->setAttr("qc.tasks", b.getI64IntegerAttr(count));
    b.setInsertionPointToStart(&all.getBody().front());
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
    auto loop = scf::ForOp::create(b, loc, zero, arith::ConstantIndexOp::create(b, loc, count), one);
    func::ReturnOp::create(b, loc);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> operands(all.getArguments());
    operands.append({loop.getInductionVar(), zero});
    func::CallOp::create(b, loc, task, operands);
    return all;
  }

  ParallelOp parallel;
  func::FuncOp function;
  SymbolTable &symbols;
  llvm::SetVector<Value> roots;
  llvm::SetVector<Operation *> ops;
};

struct OutlineTasks : impl::OutlineTasksBase<OutlineTasks> {
  using OutlineTasksBase::OutlineTasksBase;
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<ParallelOp> all;
    getOperation().walk([&](ParallelOp op) { all.push_back(op); });
    for (ParallelOp op : all)
      if (failed(TaskOutliner(op, symbols).run()))
        return signalPassFailure();
  }
};
} // namespace
} // namespace qc
