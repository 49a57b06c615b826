// One function per layer, so that buffers become arguments that do not alias.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// Scratch up to this size (the accumulators of a register tile or of a row) lies on the stack, larger scratch in the arena.
constexpr int64_t mostStackBytes = 1024;
/// Up to this many iterations a loop is there to be unrolled (the register tile of a contraction).
constexpr int64_t mostUnrolled = 4;

/// Where a buffer starts. Everything else that a kernel needs from outside is computed again inside.
bool isRoot(Value value) { return isa<BlockArgument>(value) || value.getDefiningOp<memref::AllocOp>(); }

int64_t getBytes(MemRefType type) { return type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8); }

/// True if a kernel needs nothing but `value`'s recomputation: views, constants, index arithmetic.
bool isRecomputable(Operation *op) { return op->getNumRegions() == 0 && (isPure(op) || isa<memref::GetGlobalOp>(op)); }

std::string getKernelName(StringRef function, unsigned index, Location loc) {
  std::string name = (function + "_" + Twine(index)).str();
  StringRef layer = getLocName(loc);
  if (!layer.empty())
    name += "_";
  for (char c : layer.take_front(40))
    name += llvm::isAlnum(c) ? c : '_';
  return name;
}

bool isRegisterTile(scf::ForOp loop) {
  auto low = getConstantIntValue(loop.getLowerBound()), high = getConstantIntValue(loop.getUpperBound()),
       step = getConstantIntValue(loop.getStep());
  if (!low || !high || !step || *high - *low > mostUnrolled * *step)
    return false;
  return !loop.getBody()
              ->walk([](scf::ForOp inner) { return isRegisterTile(inner) ? WalkResult::advance() : WalkResult::interrupt(); })
              .wasInterrupted();
}

/// Unrolling a loop around the vector loop gains nothing, and multiplies compile time and code.
void forbidUnrolling(Operation *nest) {
  MLIRContext *context = nest->getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(context, /*disable=*/BoolAttr::get(context, true), {}, {}, {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});
  nest->walk([&](scf::ForOp loop) {
    bool isInnermost = !loop.getBody()->walk([](scf::ForOp) { return WalkResult::interrupt(); }).wasInterrupted();
    if (!isInnermost && !isRegisterTile(loop))
      loop->setAttr("llvm.loop_annotation", annotation);
  });
}

/// The outlining of one function.
class Outliner {
public:
  Outliner(func::FuncOp function, SymbolTable &symbols)
      : function(function), body(function.getBody().front()), symbols(symbols) {}

  void run() {
    // A buffer has its size whatever the iteration: one serves all.
    function.walk([&](memref::AllocOp alloc) {
      if (alloc->getBlock() != &body)
        alloc->moveBefore(&body, body.begin());
    });
    SmallVector<Operation *> group;
    for (Operation &op : llvm::make_early_inc_range(body)) {
      // What a canonicalized loop of one iteration leaves behind: loads, and arithmetic on what the group loaded.
      bool continues = llvm::any_of(op.getOperands(),
                                    [&](Value v) { return v.getDefiningOp() && llvm::is_contained(group, v.getDefiningOp()); });
      bool isPassive = isRecomputable(&op) || isa<memref::AllocOp>(op);
      if (isPassive && !continues && !op.hasTrait<OpTrait::IsTerminator>())
        continue;
      bool isWork = (op.getNumRegions() && op.getNumResults() == 0) || isa<memref::StoreOp, memref::LoadOp>(op) ||
                    (isPassive && !op.hasTrait<OpTrait::IsTerminator>());
      if (!group.empty() && (!isWork || group.back()->getLoc() != op.getLoc() || (!continues && !sharesBuffer(group, &op))))
        outline(group);
      if (isWork)
        group.push_back(&op);
    }
    if (stackBytes)
      function->setAttr("qc.stack_bytes", Builder(function.getContext()).getI64IntegerAttr(stackBytes));
  }

private:
  /// The buffers that `op` reads or writes, also through views.
  static DenseSet<Value> getBuffers(Operation *op) {
    llvm::SetVector<Value> above;
    above.insert(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), above);
    DenseSet<Value> buffers;
    for (size_t i = 0; i < above.size(); ++i)
      if (isRoot(above[i]))
        buffers.insert(above[i]);
      else if (Operation *producer = above[i].getDefiningOp())
        above.insert(producer->operand_begin(), producer->operand_end());
    return buffers;
  }
  /// Work on other buffers has nothing to do with a layer: results that are copies of each other all have the place of the
  /// return.
  static bool sharesBuffer(ArrayRef<Operation *> group, Operation *op) {
    DenseSet<Value> buffers = getBuffers(op);
    return llvm::any_of(group, [&](Operation *other) {
      return llvm::any_of(getBuffers(other), [&](Value buffer) { return buffers.contains(buffer); });
    });
  }

  /// Collects what `value` is computed from: buffers, and ops, operands first.
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
    if (!isRecomputable(op))
      return false;
    for (Value operand : op->getOperands())
      if (!collect(operand, roots, ops))
        return false;
    ops.insert(op);
    return true;
  }

  /// True if only `group` reads or writes the buffer `value`, itself or through views.
  bool isOwnedBy(Value value, const DenseSet<Operation *> &group) {
    for (Operation *user : value.getUsers()) {
      Operation *top = body.findAncestorOpInBlock(*user);
      if (group.contains(top))
        continue;
      if (top != user || !isRecomputable(user))
        return false;
      for (Value view : user->getResults())
        if (!isOwnedBy(view, group))
          return false;
    }
    return true;
  }

  /// Work that needs more than buffers and constants stays where it is.
  void outline(SmallVector<Operation *> &group) {
    SmallVector<Operation *> work;
    std::swap(work, group);
    DenseSet<Operation *> members(work.begin(), work.end());
    llvm::SetVector<Value> above, roots;
    for (Operation *op : work) {
      for (Operation *user : op->getUsers())
        if (!members.contains(body.findAncestorOpInBlock(*user)))
          return;
      above.insert(op->operand_begin(), op->operand_end());
      getUsedValuesDefinedAbove(op->getRegions(), above);
    }
    llvm::SetVector<Operation *> ops;
    for (Value value : above)
      if (!members.contains(value.getDefiningOp()) && !collect(value, roots, ops))
        return;
    SmallVector<Value> arguments, scratch;
    int64_t used = 0;
    for (Value root : roots) {
      auto type = cast<MemRefType>(root.getType());
      bool isLocal = root.getDefiningOp() && getBytes(type) <= mostStackBytes && isOwnedBy(root, members);
      (isLocal ? scratch : arguments).push_back(root);
      used += isLocal ? getBytes(type) : 0;
    }
    stackBytes = std::max(stackBytes, used);

    Location loc = work.front()->getLoc();
    OpBuilder b(work.back());
    SmallVector<Type> types = llvm::map_to_vector(arguments, [](Value v) { return v.getType(); });
    auto kernel = func::FuncOp::create(loc, getKernelName(function.getName(), index++, loc), b.getFunctionType(types, {}));
    kernel.setPrivate();
    for (unsigned i = 0; i < types.size(); ++i)
      kernel.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
    kernel->setAttr("qc.kernel_of", FlatSymbolRefAttr::get(function.getNameAttr()));
    symbols.insert(kernel, Block::iterator(function));
    func::CallOp::create(b, loc, kernel, arguments);
    b.setInsertionPointToStart(kernel.addEntryBlock());
    IRMapping mapping;
    for (auto [root, argument] : llvm::zip(arguments, kernel.getArguments()))
      mapping.map(root, argument);
    for (Value root : scratch)
      mapping.map(root, memref::AllocaOp::create(b, loc, cast<MemRefType>(root.getType())).getResult());
    for (Operation *op : ops)
      b.clone(*op, mapping);
    for (Operation *op : work)
      forbidUnrolling(b.clone(*op, mapping));
    func::ReturnOp::create(b, loc);
    for (Operation *op : llvm::reverse(work))
      op->erase();
    // Views that only the kernel needed, and then its scratch.
    for (Operation *op : llvm::reverse(ops))
      if (op->use_empty())
        op->erase();
    for (Value root : scratch)
      if (root.use_empty())
        root.getDefiningOp()->erase();
  }

  func::FuncOp function;
  Block &body;
  SymbolTable &symbols;
  unsigned index = 0;
  int64_t stackBytes = 0;
};

struct OutlineKernels : impl::OutlineKernelsBase<OutlineKernels> {
  using OutlineKernelsBase::OutlineKernelsBase;
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!function.isDeclaration())
        Outliner(function, symbols).run();
  }
};
} // namespace
} // namespace qc
