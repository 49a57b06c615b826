#include "OnnxRuntime.h"
#include "qbench.h"

#include <dlfcn.h>

namespace qbench {
namespace {
/// Places in the function table.
enum Slot {
  slotErrorMessage = 2,
  slotCreateEnvironment = 3,
  slotDisableTelemetry = 6,
  slotCreateSession = 7,
  slotRun = 9,
  slotCreateOptions = 10,
  slotSetOptimizedPath = 11,
  slotEnableProfiling = 14,
  slotSetOptimization = 23,
  slotSetIntraThreads = 24,
  slotSetInterThreads = 25,
  slotInputCount = 30,
  slotOutputCount = 31,
  slotInputType = 33,
  slotOutputType = 34,
  slotInputName = 36,
  slotOutputName = 37,
  slotCreateTensor = 49,
  slotTensorData = 51,
  slotCastToTensor = 55,
  slotElementType = 60,
  slotDimsCount = 61,
  slotDims = 62,
  slotTensorInfo = 65,
  slotCreateMemoryInfo = 69,
  slotFree = 76,
  slotDefaultAllocator = 78,
  slotReleaseStatus = 93,
  slotReleaseSession = 95,
  slotReleaseValue = 96,
  slotReleaseTypeInfo = 98,
  slotReleaseTensorInfo = 99,
  slotReleaseOptions = 100,
  slotEndProfiling = 110,
};
constexpr uint32_t apiVersion = 16; // all of the above are older
constexpr int logErrors = 3;

struct Base {
  void *const *(*getApi)(uint32_t version);
  const char *(*getVersion)();
};
const Base *base = nullptr;
void *const *api = nullptr;
void *environment = nullptr, *allocator = nullptr, *memoryInfo = nullptr;

template <typename Result, typename... Args> Result callSlot(Slot slot, Args... args) {
  return reinterpret_cast<Result (*)(Args...)>(api[slot])(args...);
}
/// Functions that can fail return a status, which is null on success.
template <typename... Args> void call(Slot slot, Args... args) {
  if (void *status = callSlot<void *>(slot, args...)) {
    std::string message = callSlot<const char *>(slotErrorMessage, status);
    callSlot<void>(slotReleaseStatus, status);
    throw std::runtime_error("ONNX Runtime: " + message);
  }
}

Dims readDims(const void *info) {
  size_t rank = 0;
  call(slotDimsCount, info, &rank);
  Dims dims(rank);
  call(slotDims, info, dims.data(), rank);
  return dims;
}

std::vector<Port> readPorts(void *session, Slot count, Slot name, Slot type) {
  size_t n = 0;
  call(count, session, &n);
  std::vector<Port> ports(n);
  for (size_t i = 0; i < n; ++i) {
    char *text = nullptr;
    call(name, session, i, allocator, &text);
    ports[i].name = text;
    call(slotFree, allocator, static_cast<void *>(text));
    void *info = nullptr;
    const void *tensor = nullptr;
    call(type, session, i, &info);
    call(slotCastToTensor, info, &tensor);
    if (!tensor)
      throw std::runtime_error(ports[i].name + ": not a tensor");
    call(slotElementType, tensor, &ports[i].type);
    ports[i].shape = readDims(tensor);
    callSlot<void>(slotReleaseTypeInfo, info);
  }
  return ports;
}
} // namespace

void loadRuntime(const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw std::runtime_error(std::string("ONNX Runtime: ") + dlerror());
  auto getBase = reinterpret_cast<const Base *(*)()>(dlsym(library, "OrtGetApiBase"));
  base = getBase ? getBase() : nullptr;
  api = base ? base->getApi(apiVersion) : nullptr;
  if (!api)
    throw std::runtime_error(path + ": not an ONNX Runtime of version 1.16 or later");
  call(slotCreateEnvironment, logErrors, "qbench", &environment);
  call(slotDisableTelemetry, environment);
  call(slotDefaultAllocator, &allocator);
  call(slotCreateMemoryInfo, /*arena=*/1, /*default memory=*/0, &memoryInfo);
}

std::string getRuntimeVersion() { return base ? base->getVersion() : ""; }

Session::Session(const std::string &path, Optimization level, const std::string &optimizedPath,
                 const std::string &profilePrefix) {
  void *options = nullptr;
  call(slotCreateOptions, &options);
  call(slotSetIntraThreads, options, 1);
  call(slotSetInterThreads, options, 1);
  call(slotSetOptimization, options, int(level));
  if (!optimizedPath.empty())
    call(slotSetOptimizedPath, options, optimizedPath.c_str());
  if (!profilePrefix.empty())
    call(slotEnableProfiling, options, profilePrefix.c_str());
  call(slotCreateSession, environment, path.c_str(), options, &session);
  callSlot<void>(slotReleaseOptions, options);
  inputs = readPorts(session, slotInputCount, slotInputName, slotInputType);
  outputs = readPorts(session, slotOutputCount, slotOutputName, slotOutputType);
  for (const Port &port : inputs)
    inputNames.push_back(port.name.c_str());
  for (const Port &port : outputs)
    outputNames.push_back(port.name.c_str());
  outputValues.resize(outputs.size());
}

Session::~Session() {
  releaseOutputs();
  for (void *value : inputValues)
    callSlot<void>(slotReleaseValue, value);
  callSlot<void>(slotReleaseSession, session);
}

void Session::releaseOutputs() {
  for (void *&value : outputValues) {
    if (value)
      callSlot<void>(slotReleaseValue, value);
    value = nullptr;
  }
}

void Session::bind(const std::vector<std::pair<void *, size_t>> &buffers) {
  for (void *value : inputValues)
    callSlot<void>(slotReleaseValue, value);
  inputValues.assign(inputs.size(), nullptr);
  for (size_t i = 0; i < inputs.size(); ++i)
    call(slotCreateTensor, memoryInfo, buffers.at(i).first, buffers[i].second, inputs[i].shape.data(), inputs[i].shape.size(),
         inputs[i].type, &inputValues[i]);
}

namespace {
size_t bytesOf(const Port &port) {
  switch (port.type) {
  case onnx::TensorProto::FLOAT:
  case onnx::TensorProto::INT32:
    return size_t(product(port.shape)) * 4;
  case onnx::TensorProto::INT64:
    return size_t(product(port.shape)) * 8;
  case onnx::TensorProto::BOOL:
  case onnx::TensorProto::INT8:
  case onnx::TensorProto::UINT8:
    return size_t(product(port.shape));
  default:
    throw std::runtime_error(port.name + ": no samples of this element type");
  }
}
} // namespace

size_t Session::sampleBytes() const {
  size_t bytes = 0;
  for (const Port &port : inputs)
    bytes += bytesOf(port);
  return bytes;
}

void Session::bindSample(char *sample) {
  std::vector<std::pair<void *, size_t>> buffers;
  for (const Port &port : inputs) {
    buffers.push_back({sample, bytesOf(port)});
    sample += bytesOf(port);
  }
  bind(buffers);
}

std::vector<float> Session::readFloats() const {
  std::vector<float> all;
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].type == onnx::TensorProto::FLOAT)
      all.insert(all.end(), outputFloats(i), outputFloats(i) + product(outputShape(i)));
  return all;
}

double Session::run() {
  releaseOutputs();
  auto start = Clock::now();
  call(slotRun, session, static_cast<void *>(nullptr), inputNames.data(), inputValues.data(), inputValues.size(),
       outputNames.data(), outputNames.size(), outputValues.data());
  return secondsSince(start);
}

std::string Session::endProfiling() {
  char *text = nullptr;
  call(slotEndProfiling, session, allocator, &text);
  std::string path = text;
  call(slotFree, allocator, static_cast<void *>(text));
  return path;
}

Dims Session::outputShape(size_t index) const {
  void *info = nullptr;
  call(slotTensorInfo, outputValues[index], &info);
  Dims dims = readDims(info);
  callSlot<void>(slotReleaseTensorInfo, info);
  return dims;
}

const float *Session::outputFloats(size_t index) const {
  void *data = nullptr;
  call(slotTensorData, outputValues[index], &data);
  return static_cast<const float *>(data);
}
} // namespace qbench
