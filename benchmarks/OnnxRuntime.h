// ONNX Runtime through its C interface. The npm package carries the library but no headers, so the few functions that are needed
// are declared here by their place in the function table, which the interface never changes.
#ifndef QCC_BENCHMARKS_ONNXRUNTIME_H
#define QCC_BENCHMARKS_ONNXRUNTIME_H

#include "Onnx.h"

#include <string>
#include <vector>

namespace qbench {
/// Loads the library; call once, before any session.
void loadRuntime(const std::string &path);
std::string getRuntimeVersion();

struct Port {
  std::string name;
  int type; ///< as onnx::TensorProto::DataType: the numbers agree
  Dims shape;
};

enum class Optimization { none = 0, basic = 1, all = 99 };

class Session {
public:
  /// One thread. With `optimizedPath` the graph after optimization is written there; with `profilePrefix` runs are profiled.
  Session(const std::string &path, Optimization level, const std::string &optimizedPath = "",
          const std::string &profilePrefix = "");
  ~Session();
  Session(const Session &) = delete;

  /// Binds the memory of the inputs, which must outlive the session.
  void bind(const std::vector<std::pair<void *, size_t>> &buffers);
  /// Bytes of one sample: the inputs one after another, each as its element type.
  size_t sampleBytes() const;
  /// Binds the inputs to a sample.
  void bindSample(char *sample);
  /// The floats of all outputs of the last run.
  std::vector<float> readFloats() const;
  /// Seconds of one run.
  double run();
  /// Path of the profile.
  std::string endProfiling();
  /// Of the last run: shape and, for float tensors, where the values are.
  Dims outputShape(size_t index) const;
  const float *outputFloats(size_t index) const;

  std::vector<Port> inputs, outputs;

private:
  void releaseOutputs();

  void *session = nullptr;
  std::vector<const char *> inputNames, outputNames;
  std::vector<void *> inputValues, outputValues;
};
} // namespace qbench

#endif // QCC_BENCHMARKS_ONNXRUNTIME_H
