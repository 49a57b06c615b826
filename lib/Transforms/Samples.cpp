// The calibration samples of an .npz file.
#include "Samples.h"
#include "RangeFile.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/IR/States.h"

using namespace mlir;

namespace qc {
static std::string describeShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, d] : llvm::enumerate(shape))
    text += (i ? ", " : "") + std::to_string(d);
  return text + "]";
}

llvm::Error Samples::open(StringRef path, func::FuncOp function) {
  auto fail = [&](const Twine &what) { return llvm::createStringError("calibration file '" + path + "': " + what); };
  auto opened = NpzFile::open(path);
  if (!opened)
    return opened.takeError();
  file = std::move(*opened);
  std::vector<std::string> known, missing, unknown;
  for (BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "qc.name");
    Input input;
    input.name = name ? name.str() : "arg" + std::to_string(argument.getArgNumber());
    input.type = cast<RankedTensorType>(argument.getType());
    input.state = getStateResult(function, argument.getArgNumber());
    known.push_back(input.name);
    if (!file->has(input.name) && !input.state)
      missing.push_back(input.name);
    list.push_back(std::move(input));
  }
  for (const std::string &name : file->names())
    if (!llvm::is_contained(known, name))
      unknown.push_back(name);
  if (!missing.empty() || !unknown.empty())
    return fail((missing.empty() ? "" : "lacks the inputs " + listNames(missing, 100) + "; ") +
                (unknown.empty() ? "" : "has the unknown arrays " + listNames(unknown) + "; ") + "the network's inputs are " +
                listNames(known, 100));
  for (Input &input : list) {
    if (!file->has(input.name))
      continue;
    auto header = file->header(input.name);
    if (!header)
      return header.takeError();
    SmallVector<int64_t> expected(input.type.getShape());
    ArrayRef<int64_t> shape = header->shape;
    if (shape.empty() || shape.drop_front() != ArrayRef<int64_t>(expected))
      return fail("array '" + input.name + "' has shape " + describeShape(shape) + ", but must have [N] + " +
                  describeShape(expected));
    if (shape[0] == 0)
      return fail("array '" + input.name + "' holds no samples");
    if (count && shape[0] != count)
      return fail("array '" + input.name + "' holds " + Twine(shape[0]) + " samples, others " + Twine(count));
    count = shape[0];
    input.dtype = header->dtype;
    input.description = ("calibration file '" + path + "': array '" + input.name + "'").str();
    auto reader = file->read(input.name);
    if (!reader)
      return reader.takeError();
    input.reader = std::move(*reader);
  }
  if (!count)
    return fail("the network has no input to feed");
  for (const Input &input : list) {
    if (!input.state)
      continue;
    if (function.getResultTypes()[*input.state] != Type(input.type))
      return fail("the state '" + input.name + "' and the result that it continues have different types");
    auto reset = function->getAttrOfType<IntegerAttr>(resetName);
    if (reset && reset.getInt() < 1)
      return fail(resetName + " = " + Twine(reset.getInt()) + ": use a positive number of samples");
    sequence = reset ? reset.getInt() : count;
  }
  return llvm::Error::success();
}

LogicalResult Samples::followStates(func::FuncOp function) {
  SmallVector<Value> values;
  for (const Input &input : list)
    if (input.state)
      if (Value value = getStateValue(function, *input.state); !isa<BlockArgument>(value) && !llvm::is_contained(values, value))
        values.push_back(value);
  if (!values.empty()) { // else there are no states, or inputs as they came are the next ones
    FailureOr<std::unique_ptr<Network>> compiled = Network::compile(function, values);
    if (failed(compiled))
      return failure();
    network = std::move(*compiled);
  }
  for (Value value : values) {
    auto type = cast<RankedTensorType>(value.getType());
    results.push_back(std::make_unique<Buffer>(type.getNumElements() * getStorageBytes(type.getElementType())));
  }
  if (network)
    results.push_back(std::make_unique<Buffer>(network->getArenaBytes()));
  for (const Input &input : list) {
    kept.emplace_back(input.state ? input.bytes() : 0);
    Value value = input.state ? getStateValue(function, *input.state) : Value();
    sources.push_back(value && !isa<BlockArgument>(value) ? int64_t(llvm::find(values, value) - values.begin()) : -1);
    arguments.push_back(value && isa<BlockArgument>(value) ? cast<BlockArgument>(value).getArgNumber() : 0);
  }
  return success();
}

llvm::Error Samples::next(ArrayRef<char *> buffers) {
  if (llvm::Error error = read(buffers))
    return error;
  if (kept.empty()) // states are not followed
    return llvm::Error::success();
  for (auto [i, input] : llvm::enumerate(list))
    if (input.state && index % sequence != 0)
      std::memcpy(buffers[i], kept[i].data(), kept[i].size());
  ++index;
  if (network) {
    SmallVector<char *> pointers(buffers);
    for (auto &result : results)
      pointers.push_back(result->data);
    network->run(pointers);
  }
  for (auto [i, input] : llvm::enumerate(list))
    if (input.state)
      std::memcpy(kept[i].data(), sources[i] < 0 ? buffers[arguments[i]] : results[sources[i]]->data, kept[i].size());
  return llvm::Error::success();
}

llvm::Error Samples::read(ArrayRef<char *> buffers) {
  for (auto [input, buffer] : llvm::zip(list, buffers)) {
    if (!input.reader) {
      std::memset(buffer, 0, input.bytes());
      continue;
    }
    if (llvm::Error error = input.reader->next(bytes))
      return error;
    size_t size = input.type.getNumElements();
    if (input.isFloat()) {
      if (llvm::Error error =
              convertToFloat(input.dtype, bytes.data(), size, reinterpret_cast<float *>(buffer), input.description))
        return error;
      continue;
    }
    auto type = dyn_cast<IntegerType>(input.type.getElementType());
    if (!type)
      return llvm::createStringError(input.description + " feeds an input whose element type calibration does not know");
    auto [low, high] = type.getWidth() == 1 ? std::pair<int64_t, int64_t>(0, 1) : getCodeLimits(type);
    integers.resize(size);
    if (llvm::Error error = convertToInt(input.dtype, bytes.data(), size, low, high, integers.data(), input.description))
      return error;
    // Little endian hosts only: the low bytes come first.
    for (size_t i = 0; i < size; ++i)
      std::memcpy(buffer + i * getStorageBytes(input.type.getElementType()), &integers[i],
                  getStorageBytes(input.type.getElementType()));
  }
  return llvm::Error::success();
}
} // namespace qc
