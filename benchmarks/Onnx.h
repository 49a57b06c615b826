// Small helpers around ONNX's protobuf classes.
#ifndef QCC_BENCHMARKS_ONNX_H
#define QCC_BENCHMARKS_ONNX_H

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace qbench {
using Dims = std::vector<int64_t>;
inline int64_t product(const Dims &dims, size_t from = 0) {
  int64_t result = 1;
  for (size_t i = from; i < dims.size(); ++i)
    result *= dims[i];
  return result;
}

onnx::ModelProto readModel(const std::string &path);
void writeModel(const std::string &path, const onnx::ModelProto &model);

Dims getDims(const onnx::TensorProto &tensor);
std::vector<float> getFloats(const onnx::TensorProto &tensor);

/// Adds an initializer; the element type follows from T (float, int8_t, uint8_t, int32_t, int64_t).
template <typename T>
const std::string &addTensor(onnx::GraphProto &graph, const std::string &name, const Dims &dims, const std::vector<T> &values);

onnx::NodeProto &addNode(onnx::GraphProto &graph, const std::string &type, const std::string &name,
                         const std::vector<std::string> &inputs, const std::vector<std::string> &outputs);
void setInt(onnx::NodeProto &node, const std::string &name, int64_t value);
void setInts(onnx::NodeProto &node, const std::string &name, const Dims &values);
const onnx::AttributeProto *findAttribute(const onnx::NodeProto &node, const std::string &name);
int64_t getInt(const onnx::NodeProto &node, const std::string &name, int64_t otherwise);
void setFloatType(onnx::ValueInfoProto &info, const std::string &name, const Dims &dims);
} // namespace qbench

#endif // QCC_BENCHMARKS_ONNX_H
