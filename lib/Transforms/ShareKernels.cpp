// One function for layers whose kernels differ in their constants only.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_SHAREKERNELS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// What a function does, as numbers: two functions are equal up to names, locations and which globals they read iff these are.
struct Signature {
  std::vector<uintptr_t> code;
  SmallVector<FlatSymbolRefAttr> globals; ///< that it reads, by first use

  explicit Signature(func::FuncOp function) {
    for (NamedAttribute attr : function->getAttrs())
      if (attr.getName() != function.getSymNameAttrName()) {
        add(attr.getName());
        add(attr.getValue());
      }
    add(function.getBody());
  }

private:
  /// What is used or made first gets the lower number.
  template <typename T> void addNumber(DenseMap<T, uintptr_t> &numbers, T key) {
    code.push_back(numbers.try_emplace(key, numbers.size()).first->second);
  }
  template <typename T> void add(T uniqued) { code.push_back(reinterpret_cast<uintptr_t>(uniqued.getAsOpaquePointer())); }

  void add(Region &region) {
    code.push_back(region.getBlocks().size());
    for (Block &block : region) {
      addNumber(blocks, &block);
      code.push_back(block.getNumArguments());
      for (BlockArgument argument : block.getArguments()) {
        addNumber(values, Value(argument));
        add(argument.getType());
      }
      code.push_back(block.getOperations().size());
      for (Operation &op : block)
        add(op);
    }
  }

  void add(Operation &op) {
    add(op.getName());
    if (auto get = dyn_cast<memref::GetGlobalOp>(op)) {
      auto name = get.getNameAttr();
      size_t index = llvm::find(globals, name) - globals.begin();
      if (index == globals.size())
        globals.push_back(name);
      code.push_back(index);
    } else {
      add(op.getAttrDictionary());
    }
    code.push_back(op.getNumOperands());
    for (Value operand : op.getOperands())
      addNumber(values, operand);
    for (Block *successor : op.getSuccessors())
      addNumber(blocks, successor);
    code.push_back(op.getNumResults());
    for (Value result : op.getResults()) {
      addNumber(values, Value(result));
      add(result.getType());
    }
    code.push_back(op.getNumRegions());
    for (Region &region : op.getRegions())
      add(region);
  }

  DenseMap<Value, uintptr_t> values;
  DenseMap<Block *, uintptr_t> blocks;
};

struct ShareKernels : impl::ShareKernelsBase<ShareKernels> {
  using ShareKernelsBase::ShareKernelsBase;

  struct Kernel {
    func::FuncOp function;
    Signature signature;
    SmallVector<func::CallOp> calls;
  };

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    // Functions that anything but calls mentions keep their identity.
    DenseMap<Operation *, SmallVector<func::CallOp>> calls;
    DenseSet<Operation *> others;
    module.walk([&](Operation *op) {
      auto uses = op == module ? std::nullopt : SymbolTable::getSymbolUses(op);
      if (auto call = dyn_cast<func::CallOp>(op)) {
        calls[symbols.lookup(call.getCallee())].push_back(call);
        return;
      }
      if (!op->getNumRegions() && uses)
        for (SymbolTable::SymbolUse use : *uses)
          others.insert(symbols.lookup(use.getSymbolRef().getRootReference()));
    });
    std::vector<Kernel> kernels;
    llvm::MapVector<llvm::hash_code, SmallVector<SmallVector<size_t, 1>>> groups; ///< of equal hash, then equal
    for (auto function : module.getOps<func::FuncOp>()) {
      if (!function->hasAttr("qc.kernel_of") || function.isDeclaration() || others.contains(function) ||
          !readsConstants(function, symbols))
        continue;
      kernels.push_back({function, Signature(function), calls[function]});
      const std::vector<uintptr_t> &code = kernels.back().signature.code;
      auto &similar = groups[llvm::hash_combine_range(code)];
      auto *group = llvm::find_if(similar, [&](ArrayRef<size_t> group) { return kernels[group[0]].signature.code == code; });
      if (group == similar.end())
        similar.push_back({kernels.size() - 1});
      else
        group->push_back(kernels.size() - 1);
    }
    for (auto &[hash, similar] : groups)
      for (ArrayRef<size_t> group : similar)
        if (group.size() > 1)
          merge(kernels, group, symbols);
  }

private:
  static bool readsConstants(func::FuncOp function, SymbolTable &symbols) {
    return !function
                .walk([&](memref::GetGlobalOp get) {
                  auto global = symbols.lookup<memref::GlobalOp>(get.getName());
                  auto type = get.getType();
                  // The calling convention passes a pointer only.
                  bool fits = global && global.getConstant() && type.hasStaticShape() && type.getLayout().isIdentity();
                  return fits ? WalkResult::advance() : WalkResult::interrupt();
                })
                .wasInterrupted();
  }

  /// The first function of the group serves all; what they read from different globals becomes arguments.
  void merge(MutableArrayRef<Kernel> kernels, ArrayRef<size_t> group, SymbolTable &symbols) {
    Kernel &first = kernels[group[0]];
    SmallVector<size_t> different;
    for (size_t i = 0; i < first.signature.globals.size(); ++i)
      if (llvm::any_of(group, [&](size_t k) { return kernels[k].signature.globals[i] != first.signature.globals[i]; }))
        different.push_back(i);
    func::FuncOp function = first.function;
    SmallVector<memref::GetGlobalOp> reads;
    function.walk([&](memref::GetGlobalOp get) { reads.push_back(get); });
    SmallVector<MemRefType> types;
    OpBuilder b(function);
    for (size_t i : different) {
      auto isRead = [&](memref::GetGlobalOp get) { return get.getNameAttr() == first.signature.globals[i]; };
      auto type = cast<MemRefType>(llvm::find_if(reads, isRead)->getType());
      int64_t bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      // What is known of a constant: nothing writes it, it may be read before it is needed, where it begins.
      SmallVector<NamedAttribute> notes{b.getNamedAttr("llvm.dereferenceable", b.getI64IntegerAttr(bytes)),
                                        b.getNamedAttr("llvm.noalias", b.getUnitAttr()),
                                        b.getNamedAttr("llvm.readonly", b.getUnitAttr())};
      uint64_t alignment = std::numeric_limits<uint64_t>::max();
      for (size_t k : group)
        if (auto global = symbols.lookup<memref::GlobalOp>(kernels[k].signature.globals[i].getValue()))
          alignment = std::min(alignment, global.getAlignment().value_or(1));
      if (alignment > 1)
        notes.push_back(b.getNamedAttr("llvm.align", b.getI64IntegerAttr(int64_t(alignment))));
      unsigned index = function.getNumArguments();
      if (failed(function.insertArgument(index, type, b.getDictionaryAttr(notes), function.getLoc())))
        llvm_unreachable("an argument can be added at the end");
      for (memref::GetGlobalOp get : reads)
        if (isRead(get))
          get.replaceAllUsesWith(function.getArgument(index));
      types.push_back(type);
    }
    for (memref::GetGlobalOp get : reads)
      if (get.use_empty())
        get.erase();
    for (size_t k : group) {
      for (func::CallOp call : kernels[k].calls) {
        b.setInsertionPoint(call);
        SmallVector<Value> arguments;
        for (auto [i, type] : llvm::zip_equal(different, types))
          arguments.push_back(
              memref::GetGlobalOp::create(b, call.getLoc(), type, kernels[k].signature.globals[i].getValue()));
        call.getOperandsMutable().append(arguments);
        call.setCallee(function.getName());
      }
      if (k != group[0]) {
        kernels[k].function.erase();
        ++numMerged;
      }
    }
  }
};
} // namespace
} // namespace qc
