// One function per outermost loop nest, so that buffers become arguments that do not alias.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// Where a buffer starts: an argument or a part of the arena. Everything else that a loop nest needs from outside is computed again inside.
bool isRoot(Value value) { return isa<BlockArgument>(value) || value.getDefiningOp<memref::ViewOp>(); }

/// True if `value` can be computed inside a kernel from roots alone; collects the roots and, operands first, the ops.
bool collect(Value value, llvm::SetVector<Value> &roots, llvm::SetVector<Operation *> &ops) {
  if (isRoot(value)) {
    auto type = dyn_cast<MemRefType>(value.getType());
    // The calling convention passes a pointer only.
    if (!type || !type.hasStaticShape() || !type.getLayout().isIdentity())
      return false;
    roots.insert(value);
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (op->getNumRegions() || !(isPure(op) || isa<memref::GetGlobalOp>(op)))
    return false;
  for (Value operand : op->getOperands())
    if (!collect(operand, roots, ops))
      return false;
  ops.insert(op);
  return true;
}

std::string getKernelName(StringRef function, unsigned index, Location loc) {
  std::string name = (function + "_" + Twine(index)).str();
  StringRef layer = getLocName(loc);
  if (!layer.empty())
    name += "_";
  for (char c : layer.take_front(40))
    name += llvm::isAlnum(c) ? c : '_';
  return name;
}

/// Up to this many iterations a loop is there to be unrolled (the register tile of a contraction).
constexpr int64_t mostUnrolled = 4;

bool isRegisterTile(scf::ForOp loop) {
  auto low = getConstantIntValue(loop.getLowerBound()), high = getConstantIntValue(loop.getUpperBound()), step = getConstantIntValue(loop.getStep());
  if (!low || !high || !step || *high - *low > mostUnrolled * *step)
    return false;
  return !loop.getBody()->walk([](scf::ForOp inner) { return isRegisterTile(inner) ? WalkResult::advance() : WalkResult::interrupt(); })
              .wasInterrupted();
}

/// Unrolling a loop around the vector loop gains nothing, and multiplies compile time and code.
void forbidUnrolling(Operation *nest) {
  MLIRContext *context = nest->getContext();
  auto yes = BoolAttr::get(context, true);
  auto unroll = LLVM::LoopUnrollAttr::get(context, /*disable=*/yes, {}, {}, {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});
  nest->walk([&](scf::ForOp loop) {
    bool isInnermost = !loop.getBody()->walk([](scf::ForOp) { return WalkResult::interrupt(); }).wasInterrupted();
    if (!isInnermost && !isRegisterTile(loop))
      loop->setAttr("llvm.loop_annotation", annotation);
  });
}

struct OutlineKernels : impl::OutlineKernelsBase<OutlineKernels> {
  using OutlineKernelsBase::OutlineKernelsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (function.isDeclaration())
        continue;
      unsigned index = 0;
      for (Operation &op : llvm::make_early_inc_range(function.getBody().front()))
        if (op.getNumRegions() && op.getNumResults() == 0)
          outline(function, &op, index++, symbols);
    }
  }

  /// A loop nest that needs more than buffers and constants stays where it is.
  void outline(func::FuncOp function, Operation *nest, unsigned index, SymbolTable &symbols) {
    llvm::SetVector<Value> above(nest->operand_begin(), nest->operand_end()), roots;
    getUsedValuesDefinedAbove(nest->getRegions(), above);
    llvm::SetVector<Operation *> ops;
    for (Value value : above)
      if (!collect(value, roots, ops))
        return;
    OpBuilder b(nest);
    SmallVector<Type> types = llvm::map_to_vector(roots, [](Value v) { return v.getType(); });
    auto type = b.getFunctionType(types, {});
    auto kernel = func::FuncOp::create(nest->getLoc(), getKernelName(function.getName(), index, nest->getLoc()), type);
    kernel.setPrivate();
    for (unsigned i = 0; i < types.size(); ++i)
      kernel.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
    kernel->setAttr("qc.kernel_of", FlatSymbolRefAttr::get(function.getNameAttr()));
    symbols.insert(kernel, Block::iterator(function));
    func::CallOp::create(b, nest->getLoc(), kernel, roots.getArrayRef());
    b.setInsertionPointToStart(kernel.addEntryBlock());
    IRMapping mapping;
    for (auto [root, argument] : llvm::zip(roots, kernel.getArguments()))
      mapping.map(root, argument);
    for (Operation *op : ops)
      b.clone(*op, mapping);
    forbidUnrolling(b.clone(*nest, mapping));
    func::ReturnOp::create(b, nest->getLoc());
    nest->erase();
  }
};
} // namespace
} // namespace qc
