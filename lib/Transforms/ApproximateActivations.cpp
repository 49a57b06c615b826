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
  int64_t entries = 0;    ///< pieces, or entries of the table
  int64_t bytes = 0;      ///< if no other function had the same
  int64_t tableBytes = 0; ///< of the table, chosen or not
  double bound = 0;       ///< the error asked for
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
    if (weights != "uniform" && weights != "histogram") {
      emitError(function.getLoc()) << "weights=" << weights << ": use uniform or histogram";
      return signalPassFailure();
    }
    entries.clear();
    files.clear();
    stored.clear();
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) {
      if (isUnaryFunction(op) && getDomain(op->getResult(0).getType()) == Domain::Quantized)
        ops.push_back(op);
    });
    bool failedAny = false;
    for (Operation *op : ops)
      failedAny |= failed(approximate(op));
    functions.clear(); // a pass runs on one function after another
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
    std::shared_ptr<Known> &known = functions[getKey(op)];
    if (!known) {
      known = std::make_shared<Known>();
      known->function = tabulate(op);
      weigh(op, known->function);
    }
    const CodeFunction &function = known->function;
    if (failed(checkDomain(op, function)))
      return failure();
    if (!known->choice) {
      FailureOr<Choice> made = choose(op, function);
      if (failed(made))
        return failure();
      known->choice = std::move(*made);
    }
    const std::optional<Choice> &choice = known->choice;
    std::string name = getLocName(op->getLoc()).str();
    auto code = getCodeType(cast<quant::QuantizedType>(getElementType(op->getResult(0))));
    double maxError = choice->pieces ? choice->pieces->maxError : 0, meanError = choice->pieces ? choice->pieces->meanError : 0;
    auto [owner, isNew] = stored.try_emplace(getContents(*choice, function, code), describeNode(op));
    int64_t bytes = isNew ? choice->bytes : 0;
    InFlightDiagnostic remark = op->emitRemark();
    remark << "node " << describeNode(op) << " (" << getFunctionName(op) << "): " << choice->form() << ", " << choice->entries
           << (choice->pieces ? " pieces, " : " entries, ") << bytes << " bytes";
    if (!isNew)
      remark << ", shared with " << owner->second;
    else if (choice->pieces)
      remark << " instead of " << choice->tableBytes << " for a table";
    remark << ", error at most " << maxError << " (asked for: " << choice->bound << ") and " << meanError
           << " on average, in codes of the result";
    Builder builder(&getContext());
    auto text = [&](StringRef key, StringRef value) { return builder.getNamedAttr(key, builder.getStringAttr(value)); };
    auto number = [&](StringRef key, int64_t value) { return builder.getNamedAttr(key, builder.getI64IntegerAttr(value)); };
    auto real = [&](StringRef key, double value) { return builder.getNamedAttr(key, builder.getF64FloatAttr(value)); };
    SmallVector<NamedAttribute> entry{text("name", name),           text("function", getFunctionName(op)),
                                      text("form", choice->form()), number("pieces", choice->entries),
                                      number("bytes", bytes),       real("max_error", maxError),
                                      real("mean_error", meanError)};
    if (choice->pieces)
      entry.push_back(number("table_bytes", choice->tableBytes));
    if (!isNew)
      entry.push_back(text("shared_with", StringRef(owner->second).trim("'\''")));
    if (!function.weights.empty())
      entry.push_back(real("weighted_error", getWeightedError(*choice, function)));
    if (curves && isNew)
      entry.push_back(builder.getNamedAttr("curve", describeCurve(op, function, *choice)));
    if (!plots.empty()) {
      FailureOr<std::string> file = plot(op, name, function, *choice);
      if (failed(file))
        return failure();
      entry.push_back(text("plot", *file));
    }
    entries.push_back(builder.getDictionaryAttr(entry));
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

  /// What the squares of errors count: as often as calibration saw a part of the input's range, spread over the part's codes. A
  /// code that never occurred counts a thousandth of the mean.
  void weigh(Operation *op, CodeFunction &function) {
    auto histogram = op->getAttrOfType<DictionaryAttr>(histogramName);
    if (weights != "histogram" || !histogram)
      return;
    auto counts = histogram.getAs<DenseI64ArrayAttr>("counts");
    auto low = histogram.getAs<FloatAttr>("low"), high = histogram.getAs<FloatAttr>("high");
    if (!counts || counts.empty() || !low || !high || low.getValueAsDouble() >= high.getValueAsDouble())
      return;
    int64_t parts = counts.size();
    double from = low.getValueAsDouble(), width = (high.getValueAsDouble() - from) / double(parts), total = 0;
    auto getPart = [&](double x) { return int64_t(std::clamp(std::floor((x - from) / width), 0.0, double(parts - 1))); };
    std::vector<int64_t> codes(parts, 0);
    for (double x : function.inputs)
      ++codes[getPart(x)];
    for (int64_t part = 0; part < parts; ++part)
      total += codes[part] ? double(counts[part]) : 0;
    if (total == 0)
      return;
    double mean = total / double(function.size());
    for (double x : function.inputs) {
      int64_t part = getPart(x);
      function.weights.push_back(double(counts[part]) / double(codes[part]) / mean + 1e-3);
    }
  }

  double getWeightedError(const Choice &choice, const CodeFunction &function) {
    double sum = 0, total = 0;
    for (int64_t i = 0; i < function.size(); ++i) {
      if (!function.isDefined(i))
        continue;
      total += function.weights[i];
      if (choice.pieces)
        sum += function.weights[i] * double(std::abs(choice.pieces->evaluate(function.low + i) - function.codes[i]));
    }
    return total > 0 ? sum / total : 0;
  }

  /// What a table or its pieces hold, so that equal ones are known: constants with the same bytes are stored once.
  std::vector<int64_t> getContents(const Choice &choice, const CodeFunction &function, IntegerType code) {
    std::vector<int64_t> contents{choice.pieces.has_value(), choice.uniform, code.getWidth()};
    if (!choice.pieces) {
      contents.insert(contents.end(), function.codes.begin(), function.codes.end());
      return contents;
    }
    contents.push_back(choice.pieces->shift);
    for (const auto *list : {&choice.pieces->knots, &choice.pieces->slopes, &choice.pieces->intercepts})
      contents.insert(contents.end(), list->begin(), list->end());
    return contents;
  }

  /// Tells functions from each other: the same one from one type to another, with the same weights, is tabulated and fitted once.
  /// The steps of a recurrence are of that kind, and blocks that repeat.
  std::string getKey(Operation *op) {
    std::string key;
    llvm::raw_string_ostream os(key);
    os << getElementType(op->getOperand(0)) << getElementType(op->getResult(0));
    if (weights == "histogram")
      os << op->getAttr(histogramName);
    if (auto activation = dyn_cast<ActivationOp>(op)) {
      os << stringifyActivationKind(activation.getKind()) << " " << activation.getAlphaAttr() << activation.getBetaAttr();
      return key;
    }
    // Of a region, op by op, what it is and where its operands come from.
    Block &block = cast<FunctionOp>(op).getBody().front();
    llvm::DenseMap<Value, size_t> numbers{{block.getArgument(0), 0}};
    for (Operation &inner : block) {
      os << inner.getName().getStringRef() << inner.getAttrDictionary() << "(";
      for (Value operand : inner.getOperands())
        os << numbers.lookup(operand) << ",";
      os << ")";
      for (Value result : inner.getResults())
        numbers.try_emplace(result, numbers.size());
    }
    return key;
  }

  FailureOr<Choice> choose(Operation *op, const CodeFunction &function) {
    unsigned width = getCodeType(cast<quant::QuantizedType>(getElementType(op->getOperand(0)))).getWidth();
    unsigned resultBytes = getCodeType(cast<quant::QuantizedType>(getElementType(op->getResult(0)))).getWidth() <= 8 ? 1 : 2;
    Choice table;
    table.entries = function.size();
    table.bytes = table.tableBytes = table.entries * resultBytes;
    double bound = table.bound = getBound(op);
    // A table that another function has already costs nothing.
    auto code = getCodeType(cast<quant::QuantizedType>(getElementType(op->getResult(0))));
    if (form == "table" || (form == "auto" && (width <= 8 || stored.count(getContents(table, function, code)))))
      return table;
    PieceFitter fitter(function);
    auto take = [&](PiecewiseLinear pieces, bool uniform) {
      Choice choice;
      choice.entries = pieces.slopes.size();
      choice.bytes = 4 * int64_t(pieces.slopes.size() + pieces.intercepts.size() + (uniform ? 0 : pieces.knots.size()));
      choice.pieces = std::move(pieces);
      choice.uniform = uniform;
      choice.tableBytes = table.bytes;
      choice.bound = bound;
      return choice;
    };
    auto least = int64_t(bound);
    if (form == "pwl") {
      PiecewiseLinear best = pieces ? fitter.fitPieces(pieces) : fitter.fitWithin(least);
      if (maxError >= 0 && best.maxError > bound)
        return op->emitError() << "node " << describeNode(op) << ": " << best.slopes.size() << " pieces of "
                               << getFunctionName(op) << " have an error of " << best.maxError << " codes, more than the "
                               << bound << " asked for; about " << fitter.countPieces(least) << " pieces keep it";
      return take(std::move(best), false);
    }
    int64_t count = fitter.countPieces(least);
    if (count <= fewPieces)
      if (PiecewiseLinear best = fitter.fitPieces(count); best.maxError <= bound)
        return take(std::move(best), false);
    auto takeUniform = [&](int64_t from, int64_t to) -> std::optional<Choice> {
      for (int64_t equal = from; equal <= to; equal *= 2)
        if (equal >= count && fitter.canBeUniform(equal, least))
          if (PiecewiseLinear best = fitter.fitUniform(equal); best.maxError <= bound)
            return take(std::move(best), true);
      return std::nullopt;
    };
    if (auto uniform = takeUniform(16, manyUniformPieces))
      return *uniform;
    if (count <= mostFreePieces)
      if (PiecewiseLinear best = fitter.fitWithin(least); best.maxError <= bound && int64_t(best.slopes.size()) <= mostFreePieces)
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

  /// What a picture needs, in real values; errors in codes of the result.
  DictionaryAttr describeCurve(Operation *op, const CodeFunction &function, const Choice &choice) {
    constexpr int64_t most = 256;
    auto result = cast<quant::UniformQuantizedType>(getElementType(op->getResult(0)));
    auto toReal = [&](double code) { return (code - double(result.getZeroPoint())) * result.getScale(); };
    auto getError = [&](int64_t i) {
      return choice.pieces && function.isDefined(i) ? choice.pieces->evaluate(function.low + i) - function.codes[i] : int64_t(0);
    };
    SmallVector<double> inputs, exact, chosen;
    SmallVector<int64_t> errors;
    int64_t step = llvm::divideCeil(function.size(), most);
    for (int64_t first = 0; first < function.size(); first += step) {
      int64_t at = first;
      for (int64_t i = first; i < std::min(first + step, function.size()); ++i)
        at = std::abs(getError(i)) > std::abs(getError(at)) ? i : at;
      if (!function.isDefined(at))
        continue;
      inputs.push_back(function.inputs[at]);
      exact.push_back(toReal(std::clamp(function.values[at], double(function.codeMin), double(function.codeMax))));
      chosen.push_back(toReal(double(function.codes[at] + getError(at))));
      errors.push_back(getError(at));
    }
    SmallVector<double> knots;
    if (choice.pieces && int64_t(choice.pieces->knots.size()) <= most)
      for (int32_t knot : choice.pieces->knots)
        if (knot >= function.low && knot < function.low + function.size())
          knots.push_back(function.inputs[knot - function.low]);
    Builder builder(&getContext());
    return builder.getDictionaryAttr({builder.getNamedAttr("chosen", builder.getDenseF64ArrayAttr(chosen)),
                                      builder.getNamedAttr("errors", builder.getDenseI64ArrayAttr(errors)),
                                      builder.getNamedAttr("exact", builder.getDenseF64ArrayAttr(exact)),
                                      builder.getNamedAttr("inputs", builder.getDenseF64ArrayAttr(inputs)),
                                      builder.getNamedAttr("knots", builder.getDenseF64ArrayAttr(knots))});
  }

  /// Writes a picture and returns its file's name.
  FailureOr<std::string> plot(Operation *op, StringRef name, const CodeFunction &function, const Choice &choice) {
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
    return file + ".svg";
  }

  SmallVector<Attribute> entries;
  struct Known {
    CodeFunction function;
    std::optional<Choice> choice;
  };
  std::map<std::string, std::shared_ptr<Known>> functions; ///< by `getKey`
  std::map<std::vector<int64_t>, std::string> stored;      ///< tables and pieces of this function: the first node that has them
  llvm::StringSet<> files;
};
} // namespace
} // namespace qc
