// Static memory planning: one arena, every buffer at an offset known at compile time.
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_PLANARENA
#include "qc/Transforms/Passes.h.inc"

namespace {
constexpr int64_t alignment = 64;
int64_t align(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

struct Buffer {
  memref::AllocOp alloc;
  int64_t bytes, first, last, offset = -1;
  bool overlaps(const Buffer &other) const { return first <= other.last && other.first <= last; }
};

/// Puts each buffer, in the given order, at the lowest offset that is free during its life. Returns the arena's size.
int64_t place(ArrayRef<Buffer *> order) {
  int64_t total = 0;
  SmallVector<std::pair<int64_t, int64_t>> busy;
  for (auto [i, buffer] : llvm::enumerate(order)) {
    busy.clear();
    for (Buffer *other : order.take_front(i))
      if (buffer->overlaps(*other))
        busy.push_back({other->offset, other->offset + align(other->bytes)});
    llvm::sort(busy);
    int64_t offset = 0;
    for (auto [low, high] : busy) {
      if (offset + align(buffer->bytes) <= low)
        break;
      offset = std::max(offset, high);
    }
    buffer->offset = offset;
    total = std::max(total, offset + align(buffer->bytes));
  }
  return total;
}

/// The largest sum of the buffers that live at one time.
template <typename F> int64_t getPeak(ArrayRef<Buffer> buffers, F bytesOf) {
  int64_t peak = 0;
  for (const Buffer &at : buffers) {
    int64_t sum = 0;
    for (const Buffer &buffer : buffers)
      if (buffer.first <= at.first && at.first <= buffer.last)
        sum += bytesOf(buffer);
    peak = std::max(peak, sum);
  }
  return peak;
}

/// No single order is best for all graphs: tries some, then exchanges neighbours of the best one, until the bound is met or the
/// budget spent.
int64_t plan(SmallVectorImpl<Buffer> &buffers) {
  int64_t bound = getPeak(buffers, [](const Buffer &b) { return align(b.bytes); });
  SmallVector<Buffer *> order, best;
  for (Buffer &buffer : buffers)
    order.push_back(&buffer);
  int64_t least = std::numeric_limits<int64_t>::max();
  auto attempt = [&] {
    int64_t total = place(order);
    if (total < least) {
      least = total;
      best = order;
    }
    return total;
  };
  auto sorted = [&](auto key) {
    llvm::sort(order, [&](Buffer *a, Buffer *b) { return std::make_pair(key(*a), a) > std::make_pair(key(*b), b); });
    attempt();
  };
  attempt();
  sorted([](const Buffer &b) { return b.bytes; });
  sorted([](const Buffer &b) { return std::make_pair(b.last - b.first, b.bytes); });
  sorted([](const Buffer &b) { return double(b.bytes) * double(b.last - b.first + 1); });
  sorted([](const Buffer &b) { return -b.first; });
  sorted([](const Buffer &b) { return b.last; });
  // A fixed generator: the same plan on every host.
  uint64_t state = 0x9e3779b97f4a7c15;
  auto random = [&](size_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return size_t(state % n);
  };
  size_t n = buffers.size();
  int64_t budget = n < 2 ? 0 : std::min<int64_t>(4000, 400000000 / int64_t(n * n));
  for (int64_t i = 0; i < budget && least > bound; ++i) {
    order = best;
    // Every other time what ends at the top, which makes the arena as large as it is, comes to its turn earlier.
    if (i % 2 == 0) {
      place(order);
      Buffer **top = llvm::max_element(order, [](Buffer *a, Buffer *b) { return a->offset + a->bytes < b->offset + b->bytes; });
      size_t at = top - order.begin();
      std::rotate(order.begin() + random(at + 1), top, top + 1);
    }
    for (size_t moves = i % 2 ? 1 + random(3) : random(2); moves; --moves) {
      Buffer *moved = order[random(n)];
      order.erase(llvm::find(order, moved));
      order.insert(order.begin() + random(n), moved);
    }
    attempt();
  }
  return best.empty() ? 0 : place(best);
}

struct PlanArena : impl::PlanArenaBase<PlanArena> {
  using PlanArenaBase::PlanArenaBase;

  void runOnOperation() override {
    placed.clear();
    DenseSet<Operation *> done;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (failed(planCalleesFirst(function, done, {})))
        return signalPassFailure();
  }

  LogicalResult planCalleesFirst(func::FuncOp function, DenseSet<Operation *> &done, SmallVector<func::FuncOp> callers) {
    if (llvm::is_contained(callers, function))
      return function.emitError("calls itself: no arena size is enough");
    if (function.isDeclaration() || !done.insert(function).second)
      return success();
    callers.push_back(function);
    LogicalResult result = success();
    function.walk([&](memref::AllocOp alloc) {
      auto name = alloc->getAttrOfType<FlatSymbolRefAttr>("qc.arena_of");
      if (!name || failed(result))
        return;
      auto callee = getOperation().lookupSymbol<func::FuncOp>(name.getValue());
      if (!callee)
        result = alloc.emitError("there is no function ") << name << " to give an arena to";
      else
        result = planCalleesFirst(callee, done, callers);
    });
    return failed(result) ? failure() : plan(function);
  }

  LogicalResult plan(func::FuncOp function) {
    Block &body = function.getBody().front();
    bool hasArena = body.getNumArguments() && function.getArgAttr(body.getNumArguments() - 1, "qc.arena");
    int64_t stateBytes = 0;
    SmallVector<Attribute> map;
    if (failed(placeStates(function, hasArena, stateBytes, map)))
      return failure();
    SmallVector<Buffer> buffers;
    BufferViewFlowAnalysis views(function);
    DenseMap<Operation *, int64_t> position;
    SmallVector<int64_t> calls;
    for (auto [i, op] : llvm::enumerate(body)) {
      position[&op] = i;
      if (isa<func::CallOp>(op))
        calls.push_back(i);
    }
    LogicalResult result = success();
    memref::AllocOp keeper;
    int64_t keeperBytes = 0;
    function.walk([&](memref::AllocOp alloc) {
      if (failed(result))
        return;
      auto type = alloc.getType();
      if (auto callee = alloc->getAttrOfType<FlatSymbolRefAttr>("qc.arena_of")) {
        auto bytes = getOperation().lookupSymbol<func::FuncOp>(callee.getValue())->getAttrOfType<IntegerAttr>("qc.arena_bytes");
        type = MemRefType::get({bytes.getInt()}, type.getElementType());
        alloc.getResult().setType(type);
      }
      if (!type.hasStaticShape() || !type.getLayout().isIdentity() || !type.getElementType().isIntOrFloat()) {
        result = alloc.emitError("a buffer of type ") << type << " cannot be planned: it needs a static shape";
        return;
      }
      int64_t bytes = type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
      Buffer buffer{alloc, bytes, std::numeric_limits<int64_t>::max(), -1};
      for (Value alias : views.resolve(alloc.getResult()))
        for (Operation *user : alias.getUsers())
          if (Operation *ancestor = body.findAncestorOpInBlock(*user)) {
            buffer.first = std::min(buffer.first, position[ancestor]);
            buffer.last = std::max(buffer.last, position[ancestor]);
          }
      if (buffer.last < 0)
        buffer.first = buffer.last = position[body.findAncestorOpInBlock(*alloc)];
      // What holds states of a callee lives on from call to call, where the callee itself would have it.
      if (auto callee = alloc->getAttrOfType<FlatSymbolRefAttr>("qc.arena_of");
          callee && getOperation().lookupSymbol<func::FuncOp>(callee.getValue())->hasAttr("qc.state_bytes")) {
        if (keeper || stateBytes)
          result = alloc.emitError("a function can call one with states only, and have none itself");
        keeper = alloc;
        keeperBytes = bytes;
        return;
      }
      buffers.push_back(buffer);
    });
    if (failed(result))
      return failure();
    if (!hasArena) {
      if (buffers.empty() && !keeper)
        return success();
      return function.emitError("needs an arena as its last argument (attribute qc.arena) for its ")
             << buffers.size() << " buffers";
    }
    int64_t start = align(stateBytes) + align(keeperBytes), total = start + qc::plan(buffers);
    // Scratch lives together with what its kernel reads and writes, so it counts.
    int64_t bound = stateBytes + keeperBytes + getPeak(buffers, [](const Buffer &b) { return b.bytes; });
    for (Buffer &buffer : buffers)
      buffer.offset += start;
    if (keeper)
      buffers.push_back({keeper, keeperBytes, 0, int64_t(position.size()) - 1, 0});
    rewrite(function, buffers, total);

    OpBuilder b(&getContext());
    for (Buffer &buffer : buffers)
      map.push_back(describe(getLocName(buffer.alloc.getLoc()), buffer.offset, buffer.bytes, buffer.first, buffer.last));
    for (Buffer &buffer : buffers)
      buffer.alloc->erase();
    function->setAttr("qc.arena_bytes", b.getI64IntegerAttr(total));
    function->setAttr("qc.arena_lower_bound", b.getI64IntegerAttr(bound));
    function->setAttr("qc.arena_map", b.getArrayAttr(map));
    if (!calls.empty())
      function->setAttr("qc.arena_calls", b.getDenseI64ArrayAttr(calls));
    return success();
  }

  Attribute describe(StringRef name, int64_t offset, int64_t bytes, int64_t first, int64_t last) {
    Builder b(&getContext());
    return b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(name)), b.getNamedAttr("offset", b.getI64IntegerAttr(offset)),
         b.getNamedAttr("bytes", b.getI64IntegerAttr(bytes)), b.getNamedAttr("first", b.getI64IntegerAttr(first)),
         b.getNamedAttr("last", b.getI64IntegerAttr(last))});
  }

  /// States are no arguments from here on: views of the start of the arena, or the callee's own.
  LogicalResult placeStates(func::FuncOp function, bool hasArena, int64_t &bytes, SmallVector<Attribute> &map) {
    Block &body = function.getBody().front();
    // Callees have placed theirs; a caller hands its own ones on to them and keeps none.
    bool handsOn = false;
    for (auto call : function.getOps<func::CallOp>())
      if (auto it = placed.find(getOperation().lookupSymbol(call.getCallee())); it != placed.end()) {
        handsOn = true;
        for (unsigned i : llvm::reverse(it->second))
          call->eraseOperand(i);
      }
    SmallVector<unsigned> states;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, inArenaName))
        states.push_back(i);
    if (states.empty())
      return success();
    if (!hasArena)
      return function.emitError("has states in an arena, but no arena as its last argument (attribute qc.arena)");
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    int64_t lastOp = int64_t(body.getOperations().size()) - 1;
    for (unsigned i : states) {
      BlockArgument argument = body.getArgument(i);
      if (handsOn) {
        if (!argument.use_empty())
          return function.emitError("uses a state that it hands on to another function");
        continue;
      }
      auto type = cast<MemRefType>(argument.getType());
      auto name = function.getArgAttrOfType<StringAttr>(i, "qc.name");
      int64_t size = type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8), offset = align(bytes);
      Value at = arith::ConstantIndexOp::create(b, function.getLoc(), offset);
      BlockArgument arena = body.getArguments().back();
      // The arena's size is not known yet: rewrite() changes its type.
      argument.replaceAllUsesWith(memref::ViewOp::create(b, function.getLoc(), type, arena, at, ValueRange()).getResult());
      map.push_back(describe(name ? name.getValue() : StringRef(), offset, size, 0, lastOp));
      bytes = offset + size;
    }
    for (unsigned i : llvm::reverse(states))
      if (failed(function.eraseArgument(i)))
        return failure();
    placed[function] = states;
    if (bytes)
      function->setAttr("qc.state_bytes", b.getI64IntegerAttr(bytes));
    return success();
  }

  DenseMap<Operation *, SmallVector<unsigned>> placed; ///< the arguments that were states, of each function

  void rewrite(func::FuncOp function, ArrayRef<Buffer> buffers, int64_t total) {
    Block &body = function.getBody().front();
    BlockArgument arena = body.getArguments().back();
    arena.setType(MemRefType::get({total}, IntegerType::get(&getContext(), 8)));
    function.setFunctionType(FunctionType::get(&getContext(), body.getArgumentTypes(), function.getFunctionType().getResults()));
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    for (const Buffer &buffer : buffers) {
      memref::AllocOp alloc = buffer.alloc;
      for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
        if (isa<memref::DeallocOp>(user))
          user->erase();
      Value offset = arith::ConstantIndexOp::create(b, alloc.getLoc(), buffer.offset);
      alloc.replaceAllUsesWith(
          memref::ViewOp::create(b, alloc.getLoc(), alloc.getType(), arena, offset, ValueRange()).getResult());
    }
  }
};
} // namespace
} // namespace qc
