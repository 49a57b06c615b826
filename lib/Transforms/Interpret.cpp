// Runs the reference evaluator on functions: constants in the file, or samples of an .npz file.
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Dialect/QC/Reference/Eval.h"
#include "qc/Dialect/QC/Reference/Npz.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdlib>

using namespace mlir;
using llvm::Error;

namespace qc {
#define GEN_PASS_DEF_INTERPRET
#include "qc/Transforms/Passes.h.inc"

namespace {
/// The shortest decimal that reads back as the same f32.
std::string printFloat(float value) {
  char text[32];
  if (std::fabs(value) < 0x1p24f && std::trunc(value) == value) { // not 1e+01 for 10
    std::snprintf(text, sizeof(text), "%.0f", double(value));
    return text;
  }
  for (int digits = 1; digits <= 9; ++digits) {
    std::snprintf(text, sizeof(text), "%.*g", digits, double(value));
    if (std::strtof(text, nullptr) == value)
      break;
  }
  return text;
}

void print(raw_ostream &os, const Twine &name, const Tensor &tensor) {
  os << name << ": " << tensor.type << " [";
  if (tensor.isFloat())
    llvm::interleaveComma(tensor.floats, os, [&](float v) { os << printFloat(v); });
  else
    llvm::interleaveComma(tensor.ints, os);
  os << "]\n";
}

/// The integer type in which an .npz array holds elements of `type`; null for f32.
IntegerType getStorage(Type type) { return dyn_cast<IntegerType>(getStorageType(type)); }

std::string getDtype(Type type) {
  IntegerType integer = getStorage(type);
  if (!integer)
    return "f4";
  if (integer.getWidth() == 1)
    return "b1";
  return (integer.isUnsigned() ? "u" : "i") + std::to_string(llvm::PowerOf2Ceil(std::max(8u, integer.getWidth())) / 8);
}

Error fromBytes(const NpzArray &header, ArrayRef<char> bytes, StringRef what, Tensor &tensor) {
  if (tensor.isFloat())
    return convertToFloat(header.dtype, bytes.data(), tensor.size(), tensor.floats.data(), what);
  IntegerType type = getStorage(tensor.type.getElementType());
  auto [low, high] = type.getWidth() == 1 ? std::make_pair<int64_t, int64_t>(0, 1) : getCodeLimits(type);
  return convertToInt(header.dtype, bytes.data(), tensor.size(), low, high, tensor.ints.data(), what);
}

void appendBytes(const Tensor &tensor, NpzArray &array) {
  size_t at = array.data.size(), bytes = array.elementBytes();
  array.data.resize(at + tensor.size() * bytes);
  char *to = array.data.data() + at;
  if (tensor.isFloat()) {
    std::memcpy(to, tensor.floats.data(), tensor.size() * bytes);
    return;
  }
  // Little endian: the low bytes come first.
  for (int64_t value : tensor.ints) {
    std::memcpy(to, &value, bytes);
    to += bytes;
  }
}

std::string getPortName(DictionaryAttr attrs, StringRef otherwise, unsigned index) {
  if (auto name = attrs ? attrs.getAs<StringAttr>("qc.name") : StringAttr())
    return name.str();
  return otherwise.str() + std::to_string(index);
}

struct Interpret : impl::InterpretBase<Interpret> {
  using InterpretBase::InterpretBase;

  void runOnOperation() override {
    if (failed(inputs.empty() ? runAll() : runSamples()))
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult runAll() {
    if (!outputs.empty())
      return emitError(getOperation().getLoc(), "qc-interpret: 'outputs' needs 'inputs'");
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.getNumArguments() != 0 || function.isExternal())
        continue;
      auto results = evaluate(function, {});
      if (failed(results))
        return failure();
      for (auto [i, tensor] : llvm::enumerate(*results))
        print(llvm::outs(), results->size() == 1 ? function.getName() : function.getName() + "#" + Twine(i), tensor);
    }
    return success();
  }

  FailureOr<func::FuncOp> findEntry() {
    func::FuncOp found;
    if (!entry.empty()) {
      found = getOperation().lookupSymbol<func::FuncOp>(entry);
      if (!found)
        return emitError(getOperation().getLoc(), "qc-interpret: there is no function @") << entry;
      return found;
    }
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic()) {
        if (found)
          return emitError(getOperation().getLoc(), "qc-interpret: several functions are public; name one with 'entry'");
        found = function;
      }
    if (!found)
      return emitError(getOperation().getLoc(), "qc-interpret: no function is public; name one with 'entry'");
    return found;
  }

  LogicalResult fail(Error error) { return emitError(getOperation().getLoc(), "qc-interpret: ") << toString(std::move(error)); }

  /// Shape and type of an array must be those of `count` samples of `type`.
  LogicalResult checkHeader(const NpzArray &header, StringRef name, RankedTensorType type) {
    if (!header.shape.empty() && header.shape[0] >= 1 && ArrayRef<int64_t>(header.shape).drop_front() == type.getShape())
      return success();
    auto diagnostic = emitError(getOperation().getLoc(), "qc-interpret: ") << inputs << ": array '" << name << "' has shape [";
    llvm::interleaveComma(header.shape, diagnostic);
    diagnostic << "], expected [N";
    for (int64_t d : type.getShape())
      diagnostic << ", " << d;
    return diagnostic << "] with at least one sample";
  }

  struct Argument {
    std::string name;
    std::optional<unsigned> state; ///< the result that is the next sample's value
    Tensor start;                  ///< of a state without an array
    NpzArray header;
    std::unique_ptr<NpzFile::Reader> reader; ///< null: a state without an array
  };

  static Tensor getStart(func::FuncOp function, unsigned index, RankedTensorType type) {
    Tensor start = Tensor::zeros(type);
    for (StringRef name : {initialName, StringLiteral("qc.zero_point")})
      if (Attribute number = function.getArgAttr(index, name)) {
        if (auto real = dyn_cast<FloatAttr>(number); real && start.isFloat())
          llvm::fill(start.floats, float(real.getValueAsDouble()));
        else if (auto code = dyn_cast<IntegerAttr>(number); code && !start.isFloat())
          llvm::fill(start.ints, code.getInt());
        break;
      }
    return start;
  }

  LogicalResult runSamples() {
    auto found = findEntry();
    if (failed(found))
      return failure();
    func::FuncOp function = *found;
    if (function.getNumArguments() == 0)
      return emitError(function.getLoc(), "qc-interpret: the function takes no arguments; run qc-interpret without 'inputs'");
    auto file = NpzFile::open(inputs);
    if (!file)
      return fail(file.takeError());

    std::vector<Argument> list;
    SmallVector<Tensor> arguments;
    int64_t samples = 0;
    for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
      auto tensorType = dyn_cast<RankedTensorType>(type);
      if (!tensorType || !tensorType.hasStaticShape() ||
          !(tensorType.getElementType().isF32() || getStorage(tensorType.getElementType())))
        return emitError(function.getLoc()) << "argument " << i << " of type " << type << " cannot be read from a file";
      arguments.push_back(Tensor::zeros(tensorType));
      Argument argument;
      argument.name = getPortName(function.getArgAttrDict(i), "arg", i);
      argument.state = getStateResult(function, i);
      argument.start = argument.state ? getStart(function, i, tensorType) : arguments.back();
      if (argument.state && !(*file)->has(argument.name)) {
        list.push_back(std::move(argument));
        continue;
      }
      auto header = (*file)->header(argument.name);
      if (!header)
        return fail(header.takeError());
      if (failed(checkHeader(*header, argument.name, tensorType)))
        return failure();
      if (samples && header->shape[0] != samples)
        return emitError(getOperation().getLoc(), "qc-interpret: ")
               << inputs << ": array '" << argument.name << "' has " << header->shape[0] << " samples, others have " << samples;
      samples = header->shape[0];
      auto reader = (*file)->read(argument.name);
      if (!reader)
        return fail(reader.takeError());
      argument.header = std::move(*header);
      argument.reader = std::move(*reader);
      list.push_back(std::move(argument));
    }
    if (!samples)
      return emitError(getOperation().getLoc(), "qc-interpret: ") << inputs << ": has no array of an argument";
    if (limit > 0)
      samples = std::min<int64_t>(samples, limit);

    std::vector<NpzArray> results(function.getNumResults());
    std::vector<char> bytes;
    SmallVector<Tensor> previous;
    for (int64_t n = 0; n < samples; ++n) {
      bool starts = n == 0 || (resetEvery > 0 && n % resetEvery == 0);
      for (auto [argument, tensor] : llvm::zip_equal(list, arguments)) {
        if (argument.reader)
          if (Error error = argument.reader->next(bytes))
            return fail(std::move(error));
        if (argument.state && !starts)
          tensor = previous[*argument.state];
        else if (!argument.reader)
          tensor = argument.start;
        else if (Error error = fromBytes(argument.header, bytes,
                                         inputs + ": array '" + argument.name + "', sample " + std::to_string(n), tensor))
          return fail(std::move(error));
      }
      auto values = evaluate(function, arguments);
      if (failed(values))
        return failure();
      for (auto [tensor, array] : llvm::zip_equal(*values, results)) {
        array.dtype = getDtype(tensor.type.getElementType());
        array.shape.assign(1, samples);
        array.shape.insert(array.shape.end(), tensor.type.getShape().begin(), tensor.type.getShape().end());
        appendBytes(tensor, array);
      }
      previous = std::move(*values);
    }
    if (outputs.empty())
      return success();
    std::map<std::string, NpzArray> named;
    for (auto [i, array] : llvm::enumerate(results))
      if (!named.try_emplace(getPortName(function.getResultAttrDict(i), "result", i), std::move(array)).second)
        return emitError(function.getLoc(), "two results have one 'qc.name'");
    if (Error error = writeNpz(outputs, named))
      return fail(std::move(error));
    return success();
  }
};
} // namespace
} // namespace qc
