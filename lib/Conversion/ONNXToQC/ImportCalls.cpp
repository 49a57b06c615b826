// Model-local functions: every call becomes the nodes of the function's body, before anything else looks at the graph.
//
// A tensor `t` inside a function called by node `n` is named `n/t`, an inner node likewise; the function's inputs and outputs
// have the names that the call gives them.
#include "Importer.h"

#include "llvm/ADT/STLExtras.h"

namespace qc::onnximport {
namespace {
constexpr int maxNodes = 1 << 20;

class Expander {
public:
  Expander(onnx::ModelProto &model) : model(model) {
    for (const auto &import : model.opset_import())
      if (isDefaultDomain(import.domain()))
        opset = import.version();
    for (const auto &function : model.functions())
      functions.try_emplace(key(function.domain(), function.name()), &function);
  }

  std::string run() {
    if (functions.empty() || !model.has_graph())
      return "";
    google::protobuf::RepeatedPtrField<onnx::NodeProto> calls;
    calls.Swap(model.mutable_graph()->mutable_node());
    for (int i = 0; i < calls.size() && why.empty(); ++i) {
      onnx::NodeProto &node = *calls.Mutable(i);
      if (node.name().empty() && find(node))
        node.set_name(node.op_type() + "_" + std::to_string(i));
      expand(node);
    }
    return why;
  }

private:
  static bool isDefaultDomain(llvm::StringRef domain) { return domain.empty() || domain == "ai.onnx"; }
  static std::string key(const std::string &domain, const std::string &name) {
    return (isDefaultDomain(domain) ? "" : domain) + "\n" + name;
  }
  const onnx::FunctionProto *find(const onnx::NodeProto &node) const {
    return functions.lookup(key(node.domain(), node.op_type()));
  }

  void expand(const onnx::NodeProto &call) {
    const onnx::FunctionProto *function = find(call);
    if (!function) {
      if (model.graph().node_size() >= maxNodes)
        why = "its functions expand to more than " + std::to_string(maxNodes) + " nodes";
      else
        *model.mutable_graph()->add_node() = call;
      return;
    }
    std::string what = "node '" + call.name() + "' calls the function '" + function->name() + "'";
    if (llvm::is_contained(stack, function)) {
      why = what + ", which calls itself";
      return;
    }
    if (call.input_size() > function->input_size() || call.output_size() > function->output_size()) {
      why = what + " with " + std::to_string(call.input_size()) + " inputs and " + std::to_string(call.output_size()) +
            " outputs, but it has " + std::to_string(function->input_size()) + " and " + std::to_string(function->output_size());
      return;
    }
    for (const auto &import : function->opset_import())
      if (isDefaultDomain(import.domain()) && import.version() != opset) {
        why = what + " of opset " + std::to_string(import.version()) + ", but the model imports opset " + std::to_string(opset) +
              "; convert them to one opset";
        return;
      }
    std::string prefix = call.name() + "/";
    llvm::StringMap<std::string> names;
    for (int i = 0; i < function->input_size(); ++i)
      names[function->input(i)] = i < call.input_size() ? call.input(i) : "";
    for (int i = 0; i < function->output_size(); ++i)
      if (i < call.output_size() && !call.output(i).empty())
        names[function->output(i)] = call.output(i);
    auto rename = [&](std::string *name) {
      if (!name->empty()) {
        auto it = names.find(*name);
        *name = it == names.end() ? prefix + *name : it->second;
      }
    };
    stack.push_back(function);
    for (int i = 0; i < function->node_size() && why.empty(); ++i) {
      onnx::NodeProto inner = function->node(i);
      inner.set_name(prefix + (inner.name().empty() ? inner.op_type() + "_" + std::to_string(i) : inner.name()));
      for (std::string &input : *inner.mutable_input())
        rename(&input);
      for (std::string &output : *inner.mutable_output())
        rename(&output);
      replaceAttributes(inner, call);
      expand(inner);
    }
    stack.pop_back();
  }

  /// Attributes that refer to one of the call get its value, or disappear if the call has none.
  static void replaceAttributes(onnx::NodeProto &inner, const onnx::NodeProto &call) {
    google::protobuf::RepeatedPtrField<onnx::AttributeProto> attributes;
    attributes.Swap(inner.mutable_attribute());
    for (const auto &attribute : attributes) {
      if (attribute.ref_attr_name().empty()) {
        *inner.add_attribute() = attribute;
        continue;
      }
      for (const auto &given : call.attribute())
        if (given.name() == attribute.ref_attr_name()) {
          onnx::AttributeProto &copy = *inner.add_attribute();
          copy = given;
          copy.set_name(attribute.name());
        }
    }
  }

  onnx::ModelProto &model;
  int64_t opset = 0;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  llvm::SmallVector<const onnx::FunctionProto *> stack;
  std::string why;
};
} // namespace

std::string expandCalls(onnx::ModelProto &model) { return Expander(model).run(); }
} // namespace qc::onnximport
