// libFuzzer target of the ONNX importer: no input may crash it, and what it accepts must verify and print.
#include "qc/Conversion/ONNXImport.h"
#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {
/// Changes a model as a model: bytes changed at random rarely get past protobuf, let alone to the handler of an operator.
class Mutator {
public:
  explicit Mutator(unsigned seed) : random(seed) {}

  void mutate(onnx::ModelProto &model) {
    onnx::GraphProto &graph = *model.mutable_graph();
    switch (below(8)) {
    case 0:
      if (model.opset_import_size())
        model.mutable_opset_import(0)->set_version(7 + below(15));
      break;
    case 1:
      if (graph.input_size())
        mutateDims(graph);
      break;
    case 2:
      if (graph.initializer_size())
        mutate(*graph.mutable_initializer(below(graph.initializer_size())));
      break;
    default:
      if (graph.node_size())
        mutate(*graph.mutable_node(below(graph.node_size())), graph);
    }
  }

private:
  unsigned below(unsigned n) { return random() % n; }

  int64_t number() {
    static const int64_t interesting[] = {0,
                                          1,
                                          -1,
                                          2,
                                          -2,
                                          3,
                                          4,
                                          7,
                                          8,
                                          64,
                                          127,
                                          128,
                                          255,
                                          65536,
                                          1 << 20,
                                          1 << 30,
                                          INT32_MAX,
                                          INT64_C(1) << 31,
                                          INT64_C(1) << 32,
                                          INT64_C(1) << 62,
                                          INT64_MAX,
                                          INT64_MIN};
    return interesting[below(sizeof(interesting) / sizeof(interesting[0]))];
  }

  std::string tensorName(const onnx::GraphProto &graph) {
    if (below(3) == 0 && graph.initializer_size())
      return graph.initializer(below(graph.initializer_size())).name();
    if (below(2) == 0 && graph.input_size())
      return graph.input(below(graph.input_size())).name();
    const auto &node = graph.node(below(graph.node_size()));
    return node.output_size() ? node.output(below(node.output_size())) : "";
  }

  void mutateDims(onnx::GraphProto &graph) {
    auto &type = *graph.mutable_input(below(graph.input_size()))->mutable_type()->mutable_tensor_type();
    if (below(6) == 0)
      type.set_elem_type(below(24));
    auto &shape = *type.mutable_shape();
    if (below(3) == 0)
      shape.add_dim()->set_dim_value(1 + below(4));
    else if (shape.dim_size() && below(4) == 0)
      shape.mutable_dim()->RemoveLast();
    else if (shape.dim_size())
      shape.mutable_dim(below(shape.dim_size()))->set_dim_value(below(3) ? 1 + below(9) : number());
  }

  void mutate(onnx::TensorProto &tensor) {
    switch (below(4)) {
    case 0:
      tensor.set_data_type(below(24));
      break;
    case 1:
      if (tensor.dims_size())
        tensor.set_dims(below(tensor.dims_size()), below(2) ? below(9) : number());
      else
        tensor.add_dims(1);
      break;
    case 2:
      if (tensor.data_type() == onnx::TensorProto_DataType_INT64 && tensor.raw_data().size() >= 8) {
        int64_t value = number();
        std::memcpy(&(*tensor.mutable_raw_data())[8 * below(tensor.raw_data().size() / 8)], &value, 8);
      } else if (!tensor.raw_data().empty()) {
        (*tensor.mutable_raw_data())[below(tensor.raw_data().size())] = char(below(256));
      }
      break;
    default:
      // Another shape for the same number of bytes.
      if (tensor.dims_size()) {
        tensor.add_dims(tensor.dims(0));
        tensor.set_dims(0, 1);
      }
    }
  }

  void mutate(onnx::AttributeProto &attribute) {
    if (attribute.ints_size() && below(4)) {
      attribute.set_ints(below(attribute.ints_size()), below(2) ? int64_t(below(6)) - 2 : number());
    } else if (attribute.has_i()) {
      attribute.set_i(below(2) ? int64_t(below(9)) - 4 : number());
    } else if (attribute.has_f()) {
      attribute.set_f(below(2) ? float(number()) : float(below(100)) / 16);
    } else if (attribute.has_t()) {
      mutate(*attribute.mutable_t());
    } else {
      attribute.add_ints(number());
    }
  }

  void mutate(onnx::NodeProto &node, onnx::GraphProto &graph) {
    static const char *operators[] = {"Add",
                                      "AveragePool",
                                      "BatchNormalization",
                                      "Cast",
                                      "Clip",
                                      "Concat",
                                      "ConstantOfShape",
                                      "Conv",
                                      "ConvTranspose",
                                      "DequantizeLinear",
                                      "Div",
                                      "Equal",
                                      "Expand",
                                      "Flatten",
                                      "Gather",
                                      "Gemm",
                                      "GlobalAveragePool",
                                      "LeakyRelu",
                                      "MatMul",
                                      "Max",
                                      "MaxPool",
                                      "Mul",
                                      "PRelu",
                                      "Pad",
                                      "QuantizeLinear",
                                      "Range",
                                      "ReduceMean",
                                      "ReduceProd",
                                      "Reshape",
                                      "Resize",
                                      "Shape",
                                      "Slice",
                                      "Softmax",
                                      "Split",
                                      "Squeeze",
                                      "Tile",
                                      "Transpose",
                                      "Unsqueeze",
                                      "Upsample",
                                      "Where"};
    static const char *names[] = {"axis",         "axes",      "pads",  "strides",    "dilations", "kernel_shape",
                                  "group",        "ceil_mode", "perm",  "keepdims",   "to",        "output_padding",
                                  "output_shape", "transB",    "split", "num_outputs"};
    switch (below(7)) {
    case 0:
      node.set_op_type(operators[below(sizeof(operators) / sizeof(operators[0]))]);
      break;
    case 1:
      if (node.input_size())
        node.set_input(below(node.input_size()), tensorName(graph));
      break;
    case 2:
      node.add_input(below(4) ? tensorName(graph) : "");
      break;
    case 3:
      if (node.input_size())
        node.mutable_input()->RemoveLast();
      break;
    case 4: {
      auto &attribute = *node.add_attribute();
      attribute.set_name(names[below(sizeof(names) / sizeof(names[0]))]);
      if (below(2)) {
        attribute.set_i(number());
        attribute.set_type(onnx::AttributeProto_AttributeType_INT);
      } else {
        for (unsigned i = below(6); i > 0; --i)
          attribute.add_ints(below(4));
        attribute.set_type(onnx::AttributeProto_AttributeType_INTS);
      }
      break;
    }
    default:
      if (node.attribute_size())
        mutate(*node.mutable_attribute(below(node.attribute_size())));
    }
  }

  std::minstd_rand random;
};
} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize, unsigned seed) {
  onnx::ModelProto model;
  if (seed % 4 == 0 || !model.ParseFromArray(data, int(size)) || !model.has_graph())
    return LLVMFuzzerMutate(data, size, maxSize);
  Mutator mutator(seed);
  for (unsigned i = 0; i <= seed / 4 % 3; ++i)
    mutator.mutate(model);
  std::string bytes;
  if (!model.SerializeToString(&bytes) || bytes.size() > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}

// LLVM's own libraries are not instrumented: where they and our code share an allocator or a container, the annotations of one
// side are unknown to the other. Plain memory errors are still found.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0:detect_container_overflow=0:allocator_may_return_null=1";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A context keeps every type and attribute it ever made; a fresh one now and then bounds the memory, one for each input would
  // be slow.
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned runs = 0;
  if (runs++ % 2000 == 0) {
    context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
    context->getDiagEngine().registerHandler([](mlir::Diagnostic &) { return mlir::success(); });
  }
  bool hasError = false;
  mlir::ScopedDiagnosticHandler handler(context.get(), [&](mlir::Diagnostic &diagnostic) {
    hasError |= diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
    return mlir::success();
  });
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto module = qc::importONNX(bytes, "fuzz.onnx", /*folder=*/"", *context, {});
  // A refusal without a reason is a finding, and so is a reason beside a result.
  if (bool(module) == hasError)
    __builtin_trap();
  return 0;
}
