#include "Onnx.h"
#include "qbench.h"

#include <cstring>
#include <fstream>

namespace qbench {
onnx::ModelProto readModel(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  onnx::ModelProto model;
  if (!file || !model.ParseFromIstream(&file))
    throw std::runtime_error(path + ": cannot be read as an ONNX model");
  return model;
}

void writeModel(const std::string &path, const onnx::ModelProto &model) {
  std::ofstream file(path, std::ios::binary);
  if (!file || !model.SerializeToOstream(&file))
    throw std::runtime_error(path + ": cannot be written");
}

Dims getDims(const onnx::TensorProto &tensor) { return Dims(tensor.dims().begin(), tensor.dims().end()); }

std::vector<float> getFloats(const onnx::TensorProto &tensor) {
  if (tensor.data_type() != onnx::TensorProto::FLOAT)
    throw std::runtime_error(tensor.name() + ": not a float tensor");
  if (!tensor.has_raw_data())
    return std::vector<float>(tensor.float_data().begin(), tensor.float_data().end());
  std::vector<float> values(tensor.raw_data().size() / sizeof(float));
  memcpy(values.data(), tensor.raw_data().data(), values.size() * sizeof(float));
  return values;
}

static int getType(float) { return onnx::TensorProto::FLOAT; }
static int getType(int8_t) { return onnx::TensorProto::INT8; }
static int getType(uint8_t) { return onnx::TensorProto::UINT8; }
static int getType(int32_t) { return onnx::TensorProto::INT32; }
static int getType(int64_t) { return onnx::TensorProto::INT64; }

template <typename T>
const std::string &addTensor(onnx::GraphProto &graph, const std::string &name, const Dims &dims, const std::vector<T> &values) {
  onnx::TensorProto &tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(getType(T()));
  for (int64_t dim : dims)
    tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size() * sizeof(T));
  return tensor.name();
}
template const std::string &addTensor(onnx::GraphProto &, const std::string &, const Dims &, const std::vector<float> &);
template const std::string &addTensor(onnx::GraphProto &, const std::string &, const Dims &, const std::vector<int8_t> &);
template const std::string &addTensor(onnx::GraphProto &, const std::string &, const Dims &, const std::vector<uint8_t> &);
template const std::string &addTensor(onnx::GraphProto &, const std::string &, const Dims &, const std::vector<int32_t> &);
template const std::string &addTensor(onnx::GraphProto &, const std::string &, const Dims &, const std::vector<int64_t> &);

onnx::NodeProto &addNode(onnx::GraphProto &graph, const std::string &type, const std::string &name,
                         const std::vector<std::string> &inputs, const std::vector<std::string> &outputs) {
  onnx::NodeProto &node = *graph.add_node();
  node.set_op_type(type);
  node.set_name(name);
  for (const std::string &input : inputs)
    node.add_input(input);
  for (const std::string &output : outputs)
    node.add_output(output);
  return node;
}

void setInt(onnx::NodeProto &node, const std::string &name, int64_t value) {
  onnx::AttributeProto &attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void setInts(onnx::NodeProto &node, const std::string &name, const Dims &values) {
  onnx::AttributeProto &attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (int64_t value : values)
    attribute.add_ints(value);
}

const onnx::AttributeProto *findAttribute(const onnx::NodeProto &node, const std::string &name) {
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

int64_t getInt(const onnx::NodeProto &node, const std::string &name, int64_t otherwise) {
  const onnx::AttributeProto *attribute = findAttribute(node, name);
  return attribute ? attribute->i() : otherwise;
}

void setFloatType(onnx::ValueInfoProto &info, const std::string &name, const Dims &dims) {
  info.set_name(name);
  auto &type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (int64_t dim : dims)
    type.mutable_shape()->add_dim()->set_dim_value(dim);
}
} // namespace qbench
