// Tasks go through the caller's parallel_for.
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_SHARETASKS
#include "qc/Transforms/Passes.h.inc"

namespace {
class TaskSharer {
public:
  explicit TaskSharer(ModuleOp module) : module(module), symbols(module), b(module.getContext()) {
    pointer = LLVM::LLVMPointerType::get(b.getContext());
  }

  LogicalResult run() {
    SmallVector<LLVM::LLVMFuncOp> functions(module.getOps<LLVM::LLVMFuncOp>());
    DenseMap<Operation *, SmallVector<LLVM::CallOp>> calls; ///< of each function
    module.walk([&](LLVM::CallOp call) {
      if (auto callee = call.getCallee())
        calls[symbols.lookup(*callee)].push_back(call);
    });
    // Entries, what has tasks, and what lies between.
    llvm::SetVector<LLVM::LLVMFuncOp> takers;
    for (LLVM::LLVMFuncOp function : functions)
      if (!function.isExternal() &&
          (function.getSymName() == "run" || function.getSymName() == "run_f32" || function->hasAttr("qc.tasks")))
        takers.insert(function);
    for (size_t i = 0; i < takers.size(); ++i)
      for (LLVM::CallOp call : calls[takers[i]])
        takers.insert(call->getParentOfType<LLVM::LLVMFuncOp>());
    for (LLVM::LLVMFuncOp function : takers)
      addParameters(function);
    for (LLVM::LLVMFuncOp function : takers)
      for (LLVM::CallOp call : calls[function])
        call.getCalleeOperandsMutable().append(lastArguments(call->getParentOfType<LLVM::LLVMFuncOp>()));
    for (LLVM::LLVMFuncOp function : functions)
      if (function->hasAttr("qc.tasks") && failed(share(function)))
        return failure();
    return success();
  }

private:
  /// `parallel_for` and `pool`.
  static ValueRange lastArguments(LLVM::LLVMFuncOp function) { return function.getArguments().take_back(2); }

  void addParameters(LLVM::LLVMFuncOp function) {
    auto type = function.getFunctionType();
    SmallVector<Type> types(type.getParams());
    types.append(2, pointer);
    SmallVector<Attribute> attributes;
    if (ArrayAttr old = function.getAllArgAttrs())
      attributes.append(old.begin(), old.end());
    bool hasAttributes = !attributes.empty();
    attributes.append(2, b.getDictionaryAttr({}));
    function.setFunctionType(LLVM::LLVMFunctionType::get(type.getReturnType(), types));
    if (hasAttributes)
      function.setAllArgAttrs(attributes);
    function.getBody().front().addArguments({pointer, pointer}, {function.getLoc(), function.getLoc()});
  }

  /// `void task(void *record, uint32_t index, uint32_t slot)` around the function that `call` calls.
  LLVM::LLVMFuncOp makeEntry(LLVM::LLVMFuncOp function, LLVM::CallOp call, Type record) {
    Type i32 = b.getI32Type();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(function);
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {pointer, i32, i32});
    auto entry = LLVM::LLVMFuncOp::create(b, function.getLoc(), (*call.getCallee() + "_entry").str(), type,
                                          LLVM::Linkage::Private);
    symbols.insert(entry);
    Block *body = entry.addEntryBlock(b);
    b.setInsertionPointToStart(body);
    SmallVector<Value> operands;
    for (auto [i, field] : llvm::enumerate(cast<LLVM::LLVMStructType>(record).getBody())) {
      Value at = LLVM::GEPOp::create(b, function.getLoc(), pointer, record, body->getArgument(0),
                                     ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      operands.push_back(LLVM::LoadOp::create(b, function.getLoc(), field, at));
    }
    for (unsigned i : {1, 2}) {
      Value number = body->getArgument(i);
      Type index = call.getArgOperands().back().getType();
      operands.push_back(index == i32 ? number : LLVM::ZExtOp::create(b, function.getLoc(), index, number).getResult());
    }
    LLVM::CallOp::create(b, function.getLoc(), TypeRange(), *call.getCallee(), operands);
    LLVM::ReturnOp::create(b, function.getLoc(), ValueRange());
    return entry;
  }

  /// In front of the loop over the tasks: the caller's threads, if there are any.
  LogicalResult share(LLVM::LLVMFuncOp function) {
    Location loc = function.getLoc();
    SmallVector<LLVM::CallOp> calls;
    function.walk([&](LLVM::CallOp call) { calls.push_back(call); });
    size_t inputs = function.getNumArguments() - 2;
    Block *old = &function.getBody().front();
    if (calls.size() != 1 || !calls[0].getCallee() || calls[0].getArgOperands().size() != inputs + 2 ||
        calls[0].getArgOperands().take_front(inputs) != ValueRange(old->getArguments().take_front(inputs)))
      return function.emitOpError("has qc.tasks, but is no loop that calls one function with its own arguments, a task and a ")
             << "slot";
    SmallVector<Type> fields(function.getArgumentTypes());
    fields.truncate(inputs);
    Type record = LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
    LLVM::LLVMFuncOp entry = makeEntry(function, calls[0], record);

    Block *first = new Block, *shared = new Block;
    function.getBody().push_front(first);
    function.getBody().push_back(shared);
    for (BlockArgument argument : old->getArguments())
      argument.replaceAllUsesWith(first->addArgument(argument.getType(), argument.getLoc()));
    old->eraseArguments(0, old->getNumArguments());
    Value parallelFor = first->getArgument(inputs), pool = first->getArgument(inputs + 1);
    b.setInsertionPointToStart(first);
    Value one = LLVM::ConstantOp::create(b, loc, b.getI32Type(), b.getI32IntegerAttr(1));
    Value fieldsAt = LLVM::AllocaOp::create(b, loc, pointer, record, one);
    Value null = LLVM::ZeroOp::create(b, loc, pointer);
    Value isGiven = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, parallelFor, null);
    LLVM::CondBrOp::create(b, loc, isGiven, shared, ValueRange(), old, ValueRange());
    b.setInsertionPointToStart(shared);
    for (size_t i = 0; i < inputs; ++i) {
      Value at = LLVM::GEPOp::create(b, loc, pointer, record, fieldsAt, ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      LLVM::StoreOp::create(b, loc, first->getArgument(i), at);
    }
    Value task = LLVM::AddressOfOp::create(b, loc, pointer, entry.getSymName());
    int64_t tasks = function->getAttrOfType<IntegerAttr>("qc.tasks").getInt();
    Value count = LLVM::ConstantOp::create(b, loc, b.getI32Type(), b.getI32IntegerAttr(int32_t(tasks)));
    auto type =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {pointer, pointer, pointer, b.getI32Type()});
    LLVM::CallOp::create(b, loc, type, ValueRange{parallelFor, pool, task, fieldsAt, count});
    LLVM::ReturnOp::create(b, loc, ValueRange());
    return success();
  }

  ModuleOp module;
  SymbolTable symbols;
  OpBuilder b;
  Type pointer;
};

struct ShareTasks : impl::ShareTasksBase<ShareTasks> {
  using ShareTasksBase::ShareTasksBase;
  void runOnOperation() override {
    if (getOperation()->hasAttr("qc.threads") && failed(TaskSharer(getOperation()).run()))
      signalPassFailure();
  }
};
} // namespace
} // namespace qc
