// Functions of one quantized tensor become tables or straight pieces.
#include "PlotActivation.h"
#include "Quantizable.h"
#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <map>
#include <tuple>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_APPROXIMATEACTIVATIONS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// Where pieces with free knots are cheaper than a table of equal ones, and where they become too many.
constexpr int64_t fewPieces = 8, mostFreePieces = 128, manyUniformPieces = 1024, mostUniformPieces = 4096;

/// What was chosen for one function: pieces, or a table if there are none.
struct Choice {
  std::optional<PiecewiseLinear> pieces;
  bool uniform = false;
  int64_t entries = 0; ///< pieces, or entries of the table
  int64_t bytes = 0;
  StringRef form() const { return !pieces ? "table" : uniform ? "pwl, equal pieces" : "pwl"; }
};

/// "name" without what file systems do not like.
std::string getFileName(StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) || c == '-' || c == '.' ? c : '_';
  return result.empty() ? "activation" : result;
}

struct ApproximateActivations : impl::ApproximateActivationsBase<ApproximateActivations> {
  using ApproximateActivationsBase::ApproximateActivationsBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (form != "auto" && form != "table" && form != "pwl") {
      emitError(function.getLoc()) << "form=" << form << ": use auto, table or pwl";
      return signalPassFailure();
    }
    entries.clear();
    files.clear();
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) {
      if (isUnaryFunction(op) && getDomain(op->getResult(0).getType()) == Domain::Quantized)
        ops.push_back(op);
    });
    bool failedAny = false;
    for (Operation *op : ops)
      failedAny |= failed(approximate(op));
    chosen.clear(); // a pass runs on one function after another
    if (failedAny)
      return signalPassFailure();
    if (!entries.empty())
      function->setAttr("qc.activations", Builder(&getContext()).getArrayAttr(entries));
  }

private:
  LogicalResult approximate(Operation *op) {
    for (Value value : {op->getOperand(0), Value(op->getResult(0))})
      if (!isa<quant::UniformQuantizedType>(getElementType(value)))
        return op->emitError("needs activations with one scale per tensor");
    if (getCodeType(cast<quant::QuantizedType>(getElementType(op->getOperand(0)))).getWidth() > 16)
      return op->emitError("a function of codes needs 16 bits or fewer");
    CodeFunction function = tabulate(op);
    if (failed(checkDomain(op, function)))
      return failure();
    FailureOr<Choice> choice = chooseOnce(op, function);
    if (failed(choice))
      return failure();
    std::string name = getLocName(op->getLoc()).str();
    auto code = getCodeType(cast<quant::QuantizedType>(getElementType(op->getResult(0))));
    double maxError = choice->pieces ? choice->pieces->maxError : 0, meanError = choice->pieces ? choice->pieces->meanError : 0;
    op->emitRemark() << "node " << describeNode(op) << " (" << getFunctionName(op) << "): " << choice->form() << ", "
                     << choice->entries << (choice->pieces ? " pieces, " : " entries, ") << choice->bytes
                     << " bytes, error at most " << maxError << " and " << meanError << " on average, in codes of the result";
    Builder builder(&getContext());
    auto text = [&](StringRef key, StringRef value) { return builder.getNamedAttr(key, builder.getStringAttr(value)); };
    auto number = [&](StringRef key, int64_t value) { return builder.getNamedAttr(key, builder.getI64IntegerAttr(value)); };
    auto real = [&](StringRef key, double value) { return builder.getNamedAttr(key, builder.getF64FloatAttr(value)); };
    entries.push_back(
        builder.getDictionaryAttr({text("name", name), text("function", getFunctionName(op)), text("form", choice->form()),
                                   number("pieces", choice->entries), number("bytes", choice->bytes), real("max_error", maxError),
                                   real("mean_error", meanError)}));
    if (!plots.empty() && failed(plot(op, name, function, *choice)))
      return failure();
    replace(op, function, *choice, code);
    return success();
  }

  /// A function has a value wherever inputs were seen.
  LogicalResult checkDomain(Operation *op, const CodeFunction &function) {
    auto domain = op->getAttrOfType<DenseF64ArrayAttr>(domainName);
    if (!domain)
      return success();
    for (int64_t i = 0; i < function.size(); ++i)
      if (double x = function.inputs[i]; x >= domain[0] && x <= domain[1] && !function.isDefined(i))
        return op->emitError() << "node " << describeNode(op) << ": " << getFunctionName(op) << " has no finite value at " << x
                               << ", which lies in the range [" << domain[0] << ", " << domain[1]
                               << "] of its input; keep its input away from there in the model (Clip, or an added constant), or "
                                  "give the range that really occurs with -calib or -ranges";
    return success();
  }

  double getBound(Operation *op) {
    if (maxError >= 0)
      return maxError;
    return getCodeType(cast<quant::QuantizedType>(getElementType(op->getResult(0)))).getWidth() <= 8 ? 1 : 2;
  }

  /// The steps of a recurrence share their types: one fit serves them all.
  FailureOr<Choice> chooseOnce(Operation *op, const CodeFunction &function) {
    auto activation = dyn_cast<ActivationOp>(op);
    if (!activation)
      return choose(op, function);
    auto key = std::make_tuple(getElementType(op->getOperand(0)).getAsOpaquePointer(),
                               getElementType(op->getResult(0)).getAsOpaquePointer(), activation.getKind(),
                               activation.getAlpha().convertToFloat(), activation.getBeta().convertToFloat());
    if (auto known = chosen.find(key); known != chosen.end())
      return known->second;
    FailureOr<Choice> choice = choose(op, function);
    if (succeeded(choice))
      chosen.emplace(key, *choice);
    return choice;
  }

  FailureOr<Choice> choose(Operation *op, const CodeFunction &function) {
    unsigned width = getCodeType(cast<quant::QuantizedType>(getElementType(op->getOperand(0)))).getWidth();
    unsigned resultBytes = getCodeType(cast<quant::QuantizedType>(getElementType(op->getResult(0)))).getWidth() <= 8 ? 1 : 2;
    Choice table;
    table.entries = function.size();
    table.bytes = table.entries * resultBytes;
    if (form == "table" || (form == "auto" && width <= 8))
      return table;
    auto take = [&](PiecewiseLinear pieces, bool uniform) {
      Choice choice;
      choice.entries = pieces.slopes.size();
      choice.bytes = 4 * int64_t(pieces.slopes.size() + pieces.intercepts.size() + (uniform ? 0 : pieces.knots.size()));
      choice.pieces = std::move(pieces);
      choice.uniform = uniform;
      return choice;
    };
    double bound = getBound(op);
    auto least = int64_t(bound);
    if (form == "pwl") {
      PiecewiseLinear best = pieces ? fitPieces(function, pieces) : fitWithin(function, least);
      if (maxError >= 0 && best.maxError > bound)
        return op->emitError() << "node " << describeNode(op) << ": " << best.slopes.size() << " pieces of "
                               << getFunctionName(op) << " have an error of " << best.maxError << " codes, more than the "
                               << bound << " asked for; about " << countPieces(function, least) << " pieces keep it";
      return take(std::move(best), false);
    }
    int64_t count = countPieces(function, least);
    if (count <= fewPieces)
      if (PiecewiseLinear best = fitPieces(function, count); best.maxError <= bound)
        return take(std::move(best), false);
    auto takeUniform = [&](int64_t from, int64_t to) -> std::optional<Choice> {
      for (int64_t equal = from; equal <= to; equal *= 2)
        if (equal >= count && canBeUniform(function, equal, least))
          if (PiecewiseLinear best = fitUniform(function, equal); best.maxError <= bound)
            return take(std::move(best), true);
      return std::nullopt;
    };
    if (auto uniform = takeUniform(16, manyUniformPieces))
      return *uniform;
    if (count <= mostFreePieces)
      if (PiecewiseLinear best = fitWithin(function, least);
          best.maxError <= bound && int64_t(best.slopes.size()) <= mostFreePieces)
        return take(std::move(best), false);
    if (auto uniform = takeUniform(2 * manyUniformPieces, mostUniformPieces))
      return *uniform;
    return table;
  }

  void replace(Operation *op, const CodeFunction &function, const Choice &choice, IntegerType code) {
    OpBuilder builder(op);
    Value result;
    if (const auto &pieces = choice.pieces) {
      result = PwlOp::create(builder, op->getLoc(), op->getResult(0).getType(), op->getOperand(0), pieces->knots, pieces->slopes,
                             pieces->intercepts, pieces->shift, pieces->codeMin, pieces->codeMax, llvm::APFloat(pieces->maxError),
                             llvm::APFloat(pieces->meanError));
      ++numPieces;
    } else {
      auto type = RankedTensorType::get({function.size()}, code);
      Value table = ConstantOp::create(builder, op->getLoc(), makeElements(type, ArrayRef<int64_t>(function.codes)));
      result = LutOp::create(builder, op->getLoc(), op->getResult(0).getType(), op->getOperand(0), table, IntegerAttr());
    }
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }

  LogicalResult plot(Operation *op, StringRef name, const CodeFunction &function, const Choice &choice) {
    std::vector<int64_t> chosen = function.codes;
    if (choice.pieces)
      for (int64_t i = 0; i < function.size(); ++i)
        chosen[i] = choice.pieces->evaluate(function.low + i);
    std::string subtitle =
        llvm::formatv("{0}, {1} {2}, {3} bytes; error in codes: at most {4}, {5:f4} on average", choice.form(), choice.entries,
                      choice.pieces ? "pieces" : "entries", choice.bytes, choice.pieces ? choice.pieces->maxError : 0.0,
                      choice.pieces ? choice.pieces->meanError : 0.0);
    std::string stem = getFileName(name), file = stem;
    for (int i = 2; !files.insert(file).second; ++i)
      file = stem + "_" + std::to_string(i);
    llvm::SmallString<128> path(plots.getValue());
    std::error_code error = llvm::sys::fs::create_directories(path);
    llvm::sys::path::append(path, file + ".svg");
    if (!error) {
      llvm::raw_fd_ostream os(path, error);
      if (!error)
        os << plotActivation((getFunctionName(op) + (name.empty() ? "" : " (" + name + ")")).str(), subtitle, function, chosen,
                             choice.pieces ? ArrayRef<int32_t>(choice.pieces->knots) : ArrayRef<int32_t>());
    }
    if (error)
      return op->emitError() << "cannot write the plot '" << path << "': " << error.message()
                             << "; give a writable folder with -plot-activations";
    return success();
  }

  SmallVector<Attribute> entries;
  std::map<std::tuple<const void *, const void *, ActivationKind, float, float>, Choice> chosen;
  llvm::StringSet<> files;
};
} // namespace
} // namespace qc
