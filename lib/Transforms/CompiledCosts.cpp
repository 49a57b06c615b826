// Costs of a network by compiling it.
#include "CompiledCosts.h"
#include "Quantizable.h"
#include "qc/Conversion/KernelCost.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace qc {
namespace {
/// "<op> <layer>": names layers from stage to stage.
std::string getKey(Operation *op) { return (op->getName().stripDialect() + " " + getLocName(op->getLoc())).str(); }

unsigned getBits(Value value) { return std::max(1u, getElementType(value).getIntOrFloatBitWidth()); }

/// What one op with constant weights costs; `kernel` is null in plain loops.
Costs getCosts(AccumulatorOpInterface op, KernelOp kernel, const Isa &row) {
  Costs costs{};
  Value weights = op->getOperand(1);
  int64_t bytes = getStoredBytes(weights.getType());
  int64_t bits = getBits(weights), macs = op.getMacs(), outputs = cast<ShapedType>(op->getResult(0).getType()).getNumElements();
  if (kernel) {
    bytes = getWeightBytes(kernel);
    bits = kernel.getWeightBits() ? int64_t(*kernel.getWeightBits()) : bits;
    at(costs, Cost::Arena) = double(kernel.getScratchBytes());
    if (auto cycles = estimateCycles(kernel, row))
      at(costs, Cost::Cycles) = *cycles;
  }
  int64_t inputs = getBits(op->getOperand(0));
  at(costs, Cost::WeightBytes) = at(costs, Cost::Flash) = double(bytes);
  at(costs, Cost::Ace) = double(getAce(macs, inputs, bits));
  at(costs, Cost::Bops) = double(getBops(macs, inputs, bits, outputs));
  return costs;
}

/// Errors of the passes reach the user, what they remark is said again by the real ones.
struct QuietRemarks : ScopedDiagnosticHandler {
  explicit QuietRemarks(MLIRContext *context)
      : ScopedDiagnosticHandler(context, [](Diagnostic &diagnostic) {
          return success(diagnostic.getSeverity() == DiagnosticSeverity::Remark ||
                         diagnostic.getSeverity() == DiagnosticSeverity::Warning);
        }) {}
};
} // namespace

FailureOr<OwningOpRef<ModuleOp>> CostCompiler::quantize(bool rounds, int64_t heldOut) {
  QuietRemarks quiet(module.getContext());
  OwningOpRef<ModuleOp> copy = module.clone();
  if (auto kept = copy->lookupSymbol<ModuleOp>(keptFloatName))
    kept.erase();
  PassManager pm(module.getContext());
  PipelineOptions quick = options;
  quick.measureErrors = 0;
  if (!rounds)
    quick.rounding = "nearest";
  buildWeightPasses(pm, quick, heldOut);
  if (failed(pm.run(*copy)))
    return failure();
  for (auto function : copy->getOps<func::FuncOp>())
    function->setAttr("qc.requant", StringAttr::get(module.getContext(), options.requant));
  return std::move(copy);
}

FailureOr<CompiledCosts> CostCompiler::compile(ArrayRef<Operation *> layers, bool sizes) {
  QuietRemarks quiet(module.getContext());
  FailureOr<OwningOpRef<ModuleOp>> copy = quantize(/*rounds=*/false, 0);
  if (failed(copy))
    return failure();
  const Isa &row = *findIsa(options.isa);
  PipelineOptions quick = options;
  quick.plotActivations.clear();
  quick.keepCurves = false;
  PassManager toPacked(module.getContext());
  buildPipeline(toPacked, Stage::QDQ, Stage::Packed, quick);
  if (failed(toPacked.run(**copy)))
    return failure();

  CompiledCosts result;
  llvm::StringMap<SmallVector<Costs, 1>> found;
  (*copy)->walk([&](Operation *op) {
    if (auto kernel = dyn_cast<KernelOp>(op))
      if (auto cycles = estimateCycles(kernel, row))
        at(result.total, Cost::Cycles) += *cycles;
    auto accumulator = dyn_cast<AccumulatorOpInterface>(op);
    if (!accumulator || op->getNumOperands() < 2 || !getConstant(op->getOperand(1)) ||
        !isa<IntegerType>(getElementType(op->getOperand(1))))
      return;
    Costs costs = getCosts(accumulator, op->getParentOfType<KernelOp>(), row);
    found[getKey(op)].push_back(costs);
    for (Cost cost : {Cost::WeightBytes, Cost::Ace, Cost::Bops})
      at(result.total, cost) += at(costs, cost);
  });
  llvm::StringMap<size_t> taken;
  for (Operation *op : layers) {
    std::string key = getKey(op);
    auto it = found.find(key);
    size_t &next = taken[key];
    result.layers.push_back(it != found.end() && next < it->second.size() ? it->second[next++] : Costs{});
  }
  if (!sizes)
    return result;

  PassManager toBuffers(module.getContext());
  buildPipeline(toBuffers, Stage::Packed, Stage::Buffers, quick);
  if (failed(toBuffers.run(**copy)))
    return failure();
  for (auto function : (*copy)->getOps<func::FuncOp>()) {
    auto bytes = function->getAttrOfType<IntegerAttr>("qc.arena_bytes");
    auto map = function->getAttrOfType<ArrayAttr>("qc.arena_map");
    if (!bytes || !map || double(bytes.getInt()) <= at(result.total, Cost::Arena) || function.getSymName().ends_with("_f32"))
      continue;
    at(result.total, Cost::Arena) = double(bytes.getInt());
    // Where most is alive at once.
    auto number = [](DictionaryAttr row, StringRef key) { return row.getAs<IntegerAttr>(key).getInt(); };
    int64_t most = 0, when = 0;
    for (auto at : map.getAsRange<DictionaryAttr>()) {
      int64_t sum = 0;
      for (auto row : map.getAsRange<DictionaryAttr>())
        if (number(row, "first") <= number(at, "first") && number(at, "first") <= number(row, "last"))
          sum += number(row, "bytes");
      if (sum > most)
        most = sum, when = number(at, "first");
    }
    result.buffers.clear();
    for (auto row : map.getAsRange<DictionaryAttr>())
      result.buffers.push_back(
          {row.getAs<StringAttr>("name").str(), double(number(row, "bytes")), number(row, "first"), number(row, "last")});
    std::vector<std::pair<int64_t, std::string>> alive;
    for (auto row : map.getAsRange<DictionaryAttr>())
      if (number(row, "first") <= when && when <= number(row, "last"))
        alive.push_back({-number(row, "bytes"), row.getAs<StringAttr>("name").str()});
    llvm::sort(alive);
    result.largest.clear();
    for (auto &[size, name] : alive)
      if (!llvm::is_contained(result.largest, name))
        result.largest.push_back(name);
  }
  PassManager toLLVM(module.getContext());
  buildPipeline(toLLVM, Stage::Buffers, Stage::LLVM, quick);
  if (failed(toLLVM.run(**copy)))
    return failure();
  if (options.measureConstants) {
    llvm::Expected<int64_t> bytes = options.measureConstants(**copy);
    if (!bytes)
      return emitError(module.getLoc()) << llvm::toString(bytes.takeError());
    at(result.total, Cost::Flash) = double(*bytes);
    return result;
  }
  // Without a target: what the constants take without their alignment.
  (*copy)->walk([&](LLVM::GlobalOp global) {
    if (auto elements = dyn_cast_or_null<ElementsAttr>(global.getValueOrNull()))
      at(result.total, Cost::Flash) +=
          double(elements.getNumElements()) * double(llvm::divideCeil(elements.getElementType().getIntOrFloatBitWidth(), 8));
  });
  return result;
}
} // namespace qc
