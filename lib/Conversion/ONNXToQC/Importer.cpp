// ONNX models to qc: the model, the graph and the order of its nodes.
//
// Names: the op that makes ONNX tensor `t` has the location NameLoc("t", NameLoc("<node>")), or NameLoc("t") where both names are
// equal. Ops inside the import of one node have "t#0", "t#1", ... as outer name. Arguments and results carry their ONNX names as
// `qc.name`.
#include "Expansion.h"

#include "qc/Dialect/QC/Reference/Npz.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <map>
#include <queue>
#include <set>

using namespace mlir;

namespace qc {
using namespace onnximport;

Importer::Importer(const onnx::ModelProto &model, StringRef name, StringRef folder, MLIRContext &context,
                   const ImportOptions &options)
    : builder(&context), folder(folder), model(model), graph(model.graph()), name(name), context(context), options(options) {}

InFlightDiagnostic Importer::error() { return emitError(UnknownLoc::get(&context)) << "'" << name << "': "; }

const onnx::NodeProto &Importer::getNode(unsigned index) const {
  auto it = recognized.find(index);
  return it == recognized.end() ? graph.node(index) : it->second;
}

std::string Importer::nodeName(unsigned index) const {
  const onnx::NodeProto &node = getNode(index);
  return node.name().empty() ? node.op_type() + "_" + std::to_string(index) : node.name();
}

Entry *Importer::find(StringRef tensor) {
  auto it = entries.find(tensor);
  return it == entries.end() ? nullptr : &it->second;
}

bool Importer::reserve(int64_t elements) {
  budget -= elements;
  return budget >= 0;
}

static bool isDefaultDomain(StringRef domain) { return domain.empty() || domain == "ai.onnx"; }

StringRef onnximport::getTableDomain(StringRef domain) {
  if (isDefaultDomain(domain))
    return "";
  // Brevitas wrote the operators of QONNX under its own name, FINN before them under its.
  if (domain == "qonnx.custom_op.general" || domain == "finn.custom_op.general" || domain == "onnx.brevitas")
    return "qonnx";
  return domain;
}

ArrayRef<OperatorTable> onnximport::getOperatorTables() {
  static const OperatorTable tables[] = {
      {"", getContractionOperators()},
      {"", getWindowOperators()},
      {"", getElementwiseOperators()},
      {"", getFunctionOperators()},
      {"", getLogicOperators()},
      {"", getShapeOperators()},
      {"", getIndexedOperators()},
      {"", getBlockOperators()},
      {"", getResizeOperators()},
      {"", getReduceOperators()},
      {"", getOrderOperators()},
      {"", getNormalizeOperators()},
      {"", getEinsumOperators()},
      {"", getRecurrentOperators()},
      {"", getQuantOperators()},
      {"", getQOperators()},
      {"com.microsoft", getMicrosoftOperators()},
      {"qonnx", getQONNXOperators()},
      {"qc", getStepOperators()},
  };
  return tables;
}

static std::string getOperatorKey(StringRef domain, StringRef type) { return (getTableDomain(domain) + "." + type).str(); }

const Operator *Importer::findOperator(const onnx::NodeProto &node) const {
  return operators.lookup(getOperatorKey(node.domain(), node.op_type()));
}

int64_t Importer::getOpset(const onnx::NodeProto &node) const { return isDefaultDomain(node.domain()) ? opset : maxOpset; }

void onnximport::forEachOperator(llvm::function_ref<void(const OperatorTable &, const Operator &)> f) {
  for (const OperatorTable &table : getOperatorTables())
    for (const Operator &row : table.rows)
      f(table, row);
}

LogicalResult Importer::checkModel() {
  if (!model.has_graph())
    return error() << "is not an ONNX model: it has no graph";
  std::optional<int64_t> version;
  for (const auto &import : model.opset_import()) {
    if (!isDefaultDomain(import.domain()))
      continue;
    if (version && *version != import.version())
      return error() << "imports two opsets of the default domain: " << *version << " and " << import.version();
    version = import.version();
  }
  if (!version)
    return error() << "imports no opset of the default domain (opsets " << minOpset << " to " << maxOpset << " are supported)";
  if (*version < minOpset || *version > maxOpset)
    return error() << "opset " << *version << " of the default domain is not supported, opsets " << minOpset << " to " << maxOpset
                   << " are; convert the model with onnx.version_converter";
  opset = *version;
  if (graph.sparse_initializer_size())
    return error() << "sparse initializer '" << graph.sparse_initializer(0).values().name()
                   << "' is not supported; store it dense";
  if (!graph.output_size())
    return error() << "the graph has no outputs";
  // Other domains are read whatever version of them the model declares, or if it declares none.
  for (const OperatorTable &table : getOperatorTables())
    for (const Operator &row : table.rows)
      if (*table.domain || (row.since <= opset && (opset <= row.until || row.until == lastOpset)))
        operators[getOperatorKey(table.domain, row.name)] = &row;
  return success();
}

/// Takes the inputs that -bind names out of the list of inputs.
LogicalResult Importer::bindInputs() {
  if (options.bind.empty())
    return success();
  auto file = NpzFile::open(options.bind);
  if (!file)
    return error() << "-bind: " << llvm::toString(file.takeError());
  LogicalResult result = success();
  for (const std::string &tensor : (*file)->names()) {
    auto fail = [&](const Twine &why) { result = error() << "-bind: '" << tensor << "' " << why; };
    auto it = llvm::find_if(inputs, [&](auto *input) { return input->name() == tensor; });
    if (it == inputs.end()) {
      fail("is no input of the graph");
      continue;
    }
    const auto &type = (*it)->type().tensor_type();
    std::string why;
    Type element = (*it)->type().has_tensor_type() ? onnximport::getElementType(type.elem_type(), &context, why) : Type();
    if (!element) {
      fail("is no tensor of numbers");
      continue;
    }
    auto array = (*file)->load(tensor);
    if (!array) {
      result = error() << "-bind: " << llvm::toString(array.takeError());
      continue;
    }
    bool fits = !type.has_shape() || size_t(type.shape().dim_size()) == array->shape.size();
    for (int i = 0; fits && type.has_shape() && i < type.shape().dim_size(); ++i)
      fits = !type.shape().dim(i).has_dim_value() || type.shape().dim(i).dim_value() == array->shape[i];
    if (!fits) {
      fail("has shape " + toString(array->shape) + ", which does not fit the input's");
      continue;
    }
    auto host = std::make_shared<Host>();
    host->element = element;
    host->shape = Shape(array->shape.begin(), array->shape.end());
    size_t count = array->elements();
    llvm::Error problem = llvm::Error::success();
    if (host->isFloat()) {
      host->floats.resize(count);
      problem = llvm::joinErrors(std::move(problem),
                                 convertToFloat(array->dtype, array->data.data(), count, host->floats.data(), tensor));
    } else {
      host->ints.resize(count);
      auto [low, high] = getCodeLimits(cast<IntegerType>(element));
      if (element.isInteger(1))
        std::tie(low, high) = std::make_pair(0, 1);
      problem = llvm::joinErrors(std::move(problem),
                                 convertToInt(array->dtype, array->data.data(), count, low, high, host->ints.data(), tensor));
    }
    if (problem) {
      result = error() << "-bind: " << llvm::toString(std::move(problem));
      continue;
    }
    bound[tensor] = std::move(host);
    inputs.erase(it);
  }
  return result;
}

LogicalResult Importer::collectNames() {
  for (const auto &tensor : graph.initializer()) {
    if (tensor.name().empty())
      return error() << "an initializer has no name";
    if (!initializers.try_emplace(tensor.name(), &tensor).second)
      return error() << "initializer '" << tensor.name() << "' is defined twice";
  }
  llvm::StringSet<> inputNames;
  for (const auto &input : graph.input()) {
    if (input.name().empty())
      return error() << "a graph input has no name";
    if (!inputNames.insert(input.name()).second)
      return error() << "graph input '" << input.name() << "' is defined twice";
    // Before IR version 4 every initializer was listed as an input too; later such an input is a default that nobody overrides
    // here.
    if (!initializers.count(input.name()))
      inputs.push_back(&input);
  }
  if (failed(bindInputs()))
    return failure();
  LogicalResult result = success();
  for (int i = 0; i < graph.node_size(); ++i)
    for (const std::string &output : getNode(i).output()) {
      if (output.empty())
        continue;
      if (initializers.count(output) || inputNames.contains(output))
        result = error() << "tensor '" << output << "' is made by node '" << nodeName(i)
                         << "', but is also an input or initializer";
      else if (auto [it, isNew] = producers.try_emplace(output, i); !isNew)
        result = error() << "tensor '" << output << "' is made twice: by node '" << nodeName(it->second) << "' and by node '"
                         << nodeName(i) << "'";
    }
  return result;
}

/// Finds the live nodes and sorts them; a model that is sorted already keeps its order.
LogicalResult Importer::sortNodes() {
  llvm::StringSet<> inputNames;
  for (auto *input : inputs)
    inputNames.insert(input->name());
  auto isSource = [&](const std::string &tensor) {
    return inputNames.contains(tensor) || initializers.count(tensor) || bound.count(tensor);
  };

  LogicalResult result = success();
  std::vector<bool> live(graph.node_size(), false);
  SmallVector<unsigned> work;
  auto use = [&](const std::string &tensor, auto report) {
    ++uses[tensor];
    if (isSource(tensor))
      return;
    auto it = producers.find(tensor);
    if (it == producers.end()) {
      report();
      result = failure();
    } else if (!live[it->second]) {
      live[it->second] = true;
      work.push_back(it->second);
    }
  };
  for (const auto &output : graph.output())
    use(output.name(), [&] { error() << "graph output '" << output.name() << "' is made by no node"; });
  while (!work.empty()) {
    unsigned index = work.pop_back_val();
    for (const std::string &tensor : getNode(index).input())
      if (!tensor.empty())
        use(tensor,
            [&] { error() << "tensor '" << tensor << "', read by node '" << nodeName(index) << "', is defined nowhere"; });
  }
  if (failed(result))
    return failure();

  std::vector<unsigned> missing(graph.node_size(), 0);
  std::vector<SmallVector<unsigned, 2>> readers(graph.node_size());
  std::priority_queue<unsigned, std::vector<unsigned>, std::greater<unsigned>> ready;
  unsigned count = 0;
  for (int i = 0; i < graph.node_size(); ++i) {
    if (!live[i])
      continue;
    ++count;
    for (const std::string &tensor : getNode(i).input())
      if (!tensor.empty() && !isSource(tensor)) {
        ++missing[i];
        readers[producers.lookup(tensor)].push_back(i);
      }
    if (!missing[i])
      ready.push(i);
  }
  while (!ready.empty()) {
    unsigned index = ready.top();
    ready.pop();
    order.push_back(index);
    for (unsigned reader : readers[index])
      if (!--missing[reader])
        ready.push(reader);
  }
  if (order.size() == count)
    return success();
  SmallVector<unsigned> waiting;
  for (int i = 0; i < graph.node_size(); ++i)
    if (missing[i])
      waiting.push_back(i);
  return reportCycle(waiting);
}

LogicalResult Importer::reportCycle(ArrayRef<unsigned> waiting) {
  // Each waiting node reads the output of another one that waits, so that walking backwards must come to a node twice.
  llvm::DenseSet<unsigned> waits(waiting.begin(), waiting.end());
  llvm::DenseMap<unsigned, unsigned> position;
  SmallVector<unsigned> path;
  unsigned index = waiting.front();
  while (position.try_emplace(index, path.size()).second) {
    path.push_back(index);
    for (const std::string &tensor : getNode(index).input()) {
      auto it = producers.find(tensor);
      if (it != producers.end() && waits.contains(it->second)) {
        index = it->second;
        break;
      }
    }
  }
  auto diagnostic = error() << "the graph has a cycle: ";
  constexpr size_t most = 10;
  SmallVector<unsigned> cycle(llvm::reverse(ArrayRef<unsigned>(path).drop_front(position[index])));
  std::rotate(cycle.begin(), llvm::min_element(cycle), cycle.end());
  for (unsigned node : ArrayRef<unsigned>(cycle).take_front(most))
    diagnostic << "'" << nodeName(node) << "' -> ";
  if (cycle.size() > most)
    diagnostic << "... -> ";
  return diagnostic << "'" << nodeName(cycle.front()) << "'";
}

//===-- Unsupported nodes --------------------------------------------------------------------------------------------------===//

std::string Importer::whyUnsupported(Node &node) {
  const std::string &domain = node.proto.domain(), &type = node.proto.op_type();
  StringRef tableDomain = getTableDomain(domain);
  if (llvm::none_of(getOperatorTables(), [&](const OperatorTable &table) { return table.domain == tableDomain; }))
    return "operators of domain '" + domain + "' are not supported";
  for (const auto &attribute : node.proto.attribute()) {
    if (attribute.has_g() || attribute.graphs_size())
      return "control flow (a graph as attribute) is not supported";
    if (!attribute.ref_attr_name().empty()) // outside of a function
      return "attribute '" + attribute.name() + "' refers to an attribute of a function";
  }
  const Operator *found = findOperator(node.proto);
  if (!found) {
    for (const OperatorTable &table : getOperatorTables())
      for (const Operator &row : table.rows)
        if (table.domain == tableDomain && row.name == type)
          return "the operator is supported in opsets " + std::to_string(row.since) + " to " +
                 std::to_string(row.until == lastOpset ? maxOpset : row.until) + " only";
    return "the operator is not supported";
  }
  const Operator &row = *found;
  int inputs = node.proto.input_size();
  if (inputs < row.minInputs || inputs > row.maxInputs)
    return "it has " + std::to_string(inputs) + " inputs, expected " + std::to_string(row.minInputs) +
           (row.maxInputs == row.minInputs ? ""
            : row.maxInputs == INT_MAX     ? " or more"
                                           : " to " + std::to_string(row.maxInputs));
  for (int i = 0; i < (row.maxInputs == INT_MAX ? inputs : row.minInputs); ++i)
    if (node.proto.input(i).empty() && !isZeroPoint(node.proto, i))
      return "input " + std::to_string(i) + " is required";
  if (row.elements == Elements::Constant)
    for (const std::string &input : node.proto.input())
      if (!input.empty() && !foldable.contains(input))
        return "the operator is supported on constants only, but its input '" + input + "' is computed";
  node.quiet = true;
  return row.refuse ? row.refuse(node) : "";
}

std::vector<Importer::Finding> Importer::findUnsupported() {
  std::vector<Finding> findings;
  // Which tensors fold is known before anything is imported: what is made of initializers and shapes alone.
  for (auto &initializer : initializers)
    foldable.insert(initializer.getKey());
  for (auto &input : bound)
    foldable.insert(input.getKey());
  for (unsigned index : order) {
    const onnx::NodeProto &proto = getNode(index);
    Node node(*this, proto, index, getOpset(proto));
    if (std::string why = whyUnsupported(node); !why.empty())
      findings.push_back({index, why});
    bool folds = llvm::all_of(proto.input(), [&](const std::string &input) { return input.empty() || foldable.contains(input); });
    if (folds || proto.op_type() == "Shape" || proto.op_type() == "Size")
      for (const std::string &output : proto.output())
        foldable.insert(output);
  }
  return findings;
}

LogicalResult Importer::listUnsupported() {
  std::vector<Finding> findings = findUnsupported();
  if (findings.empty())
    return success();
  for (const Finding &finding : findings) {
    const onnx::NodeProto &node = getNode(finding.index);
    std::string domain = isDefaultDomain(node.domain()) ? "" : node.domain() + ".";
    emitError(NameLoc::get(builder.getStringAttr(nodeName(finding.index))))
        << domain << node.op_type() << " (opset " << opset << "): " << finding.why;
  }
  return error() << findings.size() << (findings.size() == 1 ? " node is" : " nodes are") << " not supported";
}

//===-- Inputs, initializers, outputs --------------------------------------------------------------------------------------===//

FailureOr<RankedTensorType> Importer::getInputType(const onnx::ValueInfoProto &input) {
  const std::string &tensor = input.name();
  if (!input.type().has_tensor_type()) {
    error() << "graph input '" << tensor << "' is not a tensor";
    return failure();
  }
  const auto &type = input.type().tensor_type();
  std::string why;
  Type element = onnximport::getElementType(type.elem_type(), &context, why);
  if (!element) {
    error() << "graph input '" << tensor << "' has " << why;
    return failure();
  }
  if (!type.has_shape()) {
    error() << "graph input '" << tensor << "' has no shape; give it one in the model";
    return failure();
  }
  Shape shape;
  for (int i = 0; i < type.shape().dim_size(); ++i) {
    const auto &dim = type.shape().dim(i);
    int64_t size;
    if (dim.has_dim_value()) {
      size = dim.dim_value();
    } else {
      // A dimension without any name can be bound as <input>.<index>.
      std::string symbol = dim.dim_param().empty() ? tensor + "." + std::to_string(i) : dim.dim_param();
      auto it = options.dims.find(symbol);
      if (it == options.dims.end() && i > 0) {
        error() << "dimension " << i << " of graph input '" << tensor << "' is symbolic ('" << symbol
                << "'); bind it with -dim=" << symbol << "=<value>";
        return failure();
      }
      size = it == options.dims.end() ? 1 : it->second;
    }
    if (size < 1) {
      error() << "dimension " << i << " of graph input '" << tensor << "' is " << size << "; it must be positive";
      return failure();
    }
    shape.push_back(size);
  }
  if (countElements(shape) < 0) {
    error() << "graph input '" << tensor << "' has more than 2^31 elements";
    return failure();
  }
  return RankedTensorType::get(shape, element);
}

/// An integer input that is only dequantized, always with the same parameters, is quantized in qc: its type tells the boundary's
/// scale.
quant::QuantizedType Importer::getInputCodes(StringRef tensor, Type element) {
  quant::QuantizedType common;
  if (!isa<IntegerType>(element))
    return {};
  unsigned readers = 0;
  for (unsigned index : order) {
    const onnx::NodeProto &proto = getNode(index);
    for (int i = 0; i < proto.input_size(); ++i) {
      if (proto.input(i) != tensor)
        continue;
      auto parameters = getCodeParameters(proto, i);
      if (!parameters)
        return {};
      for (int k : {parameters->scale, parameters->zero})
        if (k >= 0 && k < proto.input_size() && !proto.input(k).empty() && !initializers.count(proto.input(k)) &&
            !bound.count(proto.input(k)))
          return {};
      Node node(*this, proto, index, getOpset(proto));
      node.quiet = true;
      auto type = getQuantizedType(node, element, {}, *parameters);
      if (!type || (common && type != common))
        return {};
      common = type;
      ++readers;
    }
  }
  return readers == countUses(tensor) ? common : quant::QuantizedType();
}

LogicalResult Importer::importInitializers() {
  LogicalResult result = success();
  for (auto &input : bound) {
    Entry entry;
    entry.element = input.second->element;
    entry.shape = input.second->shape;
    entry.host = input.second;
    entry.loc = NameLoc::get(builder.getStringAttr(input.getKey()));
    budget += 4 * input.second->size();
    define(input.getKey(), entry);
  }
  for (const auto &tensor : graph.initializer()) {
    if (!countUses(tensor.name()))
      continue;
    std::string why;
    auto host = decodeTensor(tensor, folder, &context, why);
    if (failed(host)) {
      result = error() << "initializer '" << tensor.name() << "' " << why;
      continue;
    }
    Entry entry;
    entry.element = (*host)->element;
    entry.shape = (*host)->shape;
    entry.host = *host;
    entry.loc = NameLoc::get(builder.getStringAttr(tensor.name()));
    // Weights may be transposed, reshaped and scaled once each and a little more.
    budget += 4 * (*host)->size();
    define(tensor.name(), entry);
  }
  return result;
}

LogicalResult Importer::importInputs() {
  LogicalResult result = success();
  SmallVector<Type> types;
  std::set<std::string> symbols;
  for (auto *input : inputs) {
    auto type = getInputType(*input);
    if (failed(type))
      result = failure();
    else if (auto codes = getInputCodes(input->name(), type->getElementType()))
      types.push_back(withElementType(*type, codes));
    else
      types.push_back(*type);
    const auto &shape = input->type().tensor_type().shape();
    for (int i = 0; i < shape.dim_size(); ++i)
      if (!shape.dim(i).has_dim_value())
        symbols.insert(shape.dim(i).dim_param().empty() ? input->name() + "." + std::to_string(i) : shape.dim(i).dim_param());
  }
  for (auto &[symbol, value] : options.dims)
    if (!symbols.count(symbol))
      result = error() << "no graph input has a symbolic dimension '" << symbol << "' (-dim=" << symbol << "=" << value << ")";
  if (failed(result))
    return failure();

  Location loc = NameLoc::get(builder.getStringAttr(graph.name().empty() ? "main" : graph.name()));
  builder.setInsertionPointToEnd(module->getBody());
  auto func = func::FuncOp::create(builder, loc, "main", builder.getFunctionType(types, {}));
  function = func;
  Block *block = func.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  for (auto [i, input] : llvm::enumerate(inputs)) {
    BlockArgument argument = block->getArgument(i);
    argument.setLoc(NameLoc::get(builder.getStringAttr(input->name())));
    func.setArgAttr(i, "qc.name", builder.getStringAttr(input->name()));
    Entry entry;
    entry.element = qc::getElementType(argument);
    entry.shape = Shape(getShape(argument));
    entry.value = argument;
    define(input->name(), entry);
  }
  return success();
}

LogicalResult Importer::importNode(Node &node) {
  for (const std::string &tensor : node.proto.input())
    // What could not be imported was reported at its own node.
    if (!tensor.empty() && (!find(tensor) || !find(tensor)->element))
      return failure();
  const Operator *found = findOperator(node.proto);
  if (!found)
    return node.fail("it is made of " + node.proto.op_type() + ", which opset " + Twine(opset) + " does not have");
  const Operator &row = *found;
  if (row.elements == Elements::Float && row.minInputs > 0 && !isa<FloatType>(node.element(0))) {
    if (isa<quant::QuantizedType>(node.element(0)))
      return node.fail("its input '" + node.proto.input(0) + "' is quantized, but not dequantized");
    return node.fail("only floating-point tensors are supported; its input '" + node.proto.input(0) + "' has element type " +
                     toString(node.element(0)));
  }
  if (row.elements == Elements::Constant)
    for (unsigned i = 0; i < node.numInputs(); ++i)
      if (node.has(i) && !node.input(i).isPlainConstant())
        return node.fail("the operator is supported on constants only, but its input '" + node.proto.input(i) + "' is computed");
  if (failed(row.import(node)) || node.failed())
    return failure();
  for (unsigned i = 0; i < unsigned(node.proto.output_size()); ++i)
    if (node.wants(i) && !find(node.proto.output(i)))
      return node.fail("output " + Twine(i) + " ('" + node.proto.output(i) + "') is not supported");
  return success();
}

LogicalResult Importer::importOutputs() {
  LogicalResult result = success();
  SmallVector<Value> values;
  for (const auto &output : graph.output()) {
    Entry &entry = *find(output.name());
    if (!countElements(entry.shape))
      return error() << "graph output '" << output.name() << "' has no elements";
    values.push_back(materialize(entry));
    if (!output.type().has_tensor_type())
      continue;
    const auto &type = output.type().tensor_type();
    std::string why;
    Type declared = onnximport::getElementType(type.elem_type(), &context, why), actual = entry.element;
    if (auto quantized = dyn_cast<quant::QuantizedType>(actual))
      actual = getCodeType(quantized);
    if (type.elem_type() && declared != actual)
      result = error() << "graph output '" << output.name() << "' is declared as " << (declared ? toString(declared) : why)
                       << ", but is " << toString(actual);
    if (!type.has_shape())
      continue;
    bool matches = size_t(type.shape().dim_size()) == entry.shape.size();
    for (int i = 0; matches && i < type.shape().dim_size(); ++i)
      matches = !type.shape().dim(i).has_dim_value() || type.shape().dim(i).dim_value() == entry.shape[i];
    if (!matches) {
      auto diagnostic = error() << "graph output '" << output.name() << "' has shape " << toString(entry.shape)
                                << ", which is not the declared [";
      llvm::interleaveComma(type.shape().dim(), diagnostic, [&](const auto &dim) {
        if (dim.has_dim_value())
          diagnostic << dim.dim_value();
        else
          diagnostic << (dim.dim_param().empty() ? "?" : dim.dim_param());
      });
      diagnostic << "]";
      result = failure();
    }
  }
  if (failed(result))
    return failure();
  auto func = cast<func::FuncOp>(function);
  func::ReturnOp::create(builder, func.getLoc(), values);
  func.setFunctionType(builder.getFunctionType(func.getArgumentTypes(), ValueRange(values).getTypes()));
  for (auto [i, output] : llvm::enumerate(graph.output()))
    func.setResultAttr(i, "qc.name", builder.getStringAttr(output.name()));
  return success();
}

Value Importer::materialize(Entry &entry) {
  if (entry.value)
    return entry.value;
  const Host &host = *entry.host;
  if (host.size() == 0) {
    emitError(entry.loc) << "'" << getLocName(entry.loc) << "': a tensor without elements is used in a computation";
    return {};
  }
  auto type = RankedTensorType::get(host.shape, host.element);
  ElementsAttr attr =
      host.isFloat() ? makeElements(type, ArrayRef<float>(host.floats)) : makeElements(type, ArrayRef<int64_t>(host.ints));
  if (!entry.codes) {
    entry.value = ConstantOp::create(builder, entry.loc, attr);
    return entry.value;
  }
  Value codes = ConstantOp::create(builder, entry.loc, withElementType(type, entry.codes), attr);
  entry.value = quant::DequantizeCastOp::create(builder, entry.loc, type.clone(builder.getF32Type()), codes);
  return entry.value;
}

/// What reads a scale that DynamicQuantizeLinear computes stays in float, too.
static void keepScalesInFloat(Block &block) {
  llvm::DenseSet<Value> scales;
  auto isConstant = [](Value value) { return value.getDefiningOp<ConstantOp>() != nullptr; };
  for (Operation &op : block) {
    if (isa<ConstantOp, quant::QuantizeCastOp, quant::DequantizeCastOp>(op) || op.getNumResults() != 1 ||
        !::qc::getElementType(op.getResult(0)).isF32())
      continue;
    bool reads = llvm::any_of(op.getOperands(), [&](Value operand) { return scales.contains(operand); });
    if (reads)
      op.setAttr(floatReasonName, StringAttr::get(op.getContext(), dynamicReason));
    if ((op.hasAttr(floatReasonName) && countElements(getShape(op.getResult(0))) == 1) ||
        (reads && llvm::all_of(op.getOperands(), [&](Value operand) { return isConstant(operand) || scales.contains(operand); })))
      scales.insert(op.getResult(0));
  }
}

OwningOpRef<ModuleOp> Importer::run() {
  if (failed(checkModel()) || failed(collectNames()))
    return {};
  recognizeSteps();
  if (failed(sortNodes()) || failed(listUnsupported()))
    return {};
  module = ModuleOp::create(builder, UnknownLoc::get(&context));
  // Decoded first: the types of quantized inputs need scales.
  if (failed(importInitializers()) || failed(importInputs()))
    return {};
  bool hasFailed = false;
  for (unsigned index : order) {
    Node node(*this, getNode(index), index, getOpset(getNode(index)));
    if (succeeded(importNode(node)))
      continue;
    hasFailed = true;
    for (const std::string &output : node.proto.output())
      define(output, Entry());
  }
  if (hasFailed || failed(importOutputs()))
    return {};
  // Backwards, so that what only a dead op used dies too. Constants of folded batch normalizations, unread parts of splits.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(cast<func::FuncOp>(function).getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  keepScalesInFloat(cast<func::FuncOp>(function).getBody().front());
  if (failed(verify(*module)))
    return {};
  return std::move(module);
}

FailureOr<Coverage> Importer::cover() {
  if (failed(checkModel()) || failed(collectNames()))
    return failure();
  recognizeSteps();
  if (failed(sortNodes()))
    return failure();
  llvm::DenseMap<unsigned, std::string> refused;
  for (Finding &finding : findUnsupported())
    refused[finding.index] = std::move(finding.why);
  module = ModuleOp::create(builder, UnknownLoc::get(&context));
  if (failed(importInitializers()) || failed(importInputs()))
    return failure();
  Coverage coverage;
  for (unsigned index : order) {
    const onnx::NodeProto &proto = getNode(index), &written = graph.node(index);
    Node node(*this, proto, index, getOpset(proto));
    NodeCoverage row;
    row.name = node.name;
    row.type = (isDefaultDomain(written.domain()) ? "" : written.domain() + ".") + written.op_type();
    using State = NodeCoverage::State;
    Block *block = builder.getInsertionBlock();
    Operation *before = block->empty() ? nullptr : &block->back();
    if (auto it = refused.find(index); it != refused.end()) {
      row.state = State::Unsupported;
      row.why = it->second;
    } else {
      // The first diagnostic is the reason.
      ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
        if (row.why.empty())
          row.why = diagnostic.str();
        return success();
      });
      bool isImported = succeeded(importNode(node));
      row.state = isImported ? State::Folded : row.why.empty() ? State::Waiting : State::Unsupported;
      // The operator stands in the table already.
      if (StringRef(row.why).starts_with(proto.op_type() + ": "))
        row.why.erase(0, proto.op_type().size() + 2);
    }
    if (row.state == State::Unsupported || row.state == State::Waiting) {
      for (const std::string &output : proto.output())
        define(output, Entry());
    } else {
      for (const std::string &output : proto.output())
        if (Entry *entry = find(output); entry && !output.empty() && !entry->host)
          row.state = State::Moved;
      for (Operation *op = before           ? before->getNextNode()
                           : block->empty() ? nullptr
                                            : &block->front();
           op; op = op->getNextNode())
        if (!isa<ConstantOp>(op) && row.state != State::Folded)
          row.ops.push_back(op);
      if (!row.ops.empty())
        row.state = State::Imported;
    }
    coverage.nodes.push_back(std::move(row));
  }
  coverage.module = std::move(module);
  return coverage;
}

//===-- Entry points -------------------------------------------------------------------------------------------------------===//

/// Reads the model out of `bytes` and hands it to `use`; a default result after an error.
template <typename F>
static auto withModel(StringRef bytes, StringRef name, MLIRContext &context, F use)
    -> decltype(use(std::declval<onnx::ModelProto &>())) {
  context.loadDialect<QCDialect, func::FuncDialect, quant::QuantDialect>();
  auto fail = [&](const Twine &why) -> decltype(use(std::declval<onnx::ModelProto &>())) {
    emitError(UnknownLoc::get(&context)) << "'" << name << "': " << why;
    return {};
  };
  if (bytes.empty())
    return fail("the file is empty");
  if (bytes.size() > size_t(INT32_MAX))
    return fail("is larger than 2 GB; store the weights as external data");
  google::protobuf::LogSilencer silence;
  auto model = std::make_unique<onnx::ModelProto>();
  try {
    if (!model->ParseFromArray(bytes.data(), int(bytes.size())))
      return fail("is not an ONNX model, or is damaged: its bytes cannot be decoded");
    if (std::string why = expandCalls(*model); !why.empty())
      return fail(why);
    return use(*model);
  } catch (const std::bad_alloc &) {
    return fail("there is not enough memory to import it");
  }
}

OwningOpRef<ModuleOp> importONNX(StringRef bytes, StringRef name, StringRef folder, MLIRContext &context,
                                 const ImportOptions &options) {
  return withModel(bytes, name, context,
                   [&](onnx::ModelProto &model) { return Importer(model, name, folder, context, options).run(); });
}

/// The bytes of a file, and the folder where its external data may lie.
static std::unique_ptr<llvm::MemoryBuffer> readModel(StringRef path, MLIRContext &context, StringRef &folder) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file) {
    emitError(UnknownLoc::get(&context)) << "cannot read '" << path << "': " << file.getError().message();
    return nullptr;
  }
  folder = llvm::sys::path::parent_path(path);
  folder = folder.empty() ? "." : folder;
  return std::move(*file);
}

OwningOpRef<ModuleOp> importONNX(StringRef path, MLIRContext &context, const ImportOptions &options) {
  StringRef folder;
  auto file = readModel(path, context, folder);
  return file ? importONNX(file->getBuffer(), path, folder, context, options) : nullptr;
}

FailureOr<Coverage> coverONNX(StringRef path, MLIRContext &context, const ImportOptions &options) {
  StringRef folder;
  auto file = readModel(path, context, folder);
  std::optional<Coverage> coverage;
  if (file)
    coverage = withModel(file->getBuffer(), path, context, [&](onnx::ModelProto &model) -> std::optional<Coverage> {
      auto result = Importer(model, path, folder, context, options).cover();
      return failed(result) ? std::nullopt : std::optional<Coverage>(std::move(*result));
    });
  if (!coverage)
    return failure();
  return std::move(*coverage);
}

std::string describeOperators() {
  std::map<std::string, std::vector<const Operator *>> rows;
  forEachOperator([&](const OperatorTable &table, const Operator &row) {
    StringRef domain = table.domain;
    if (domain != "qc") // what the importer itself recognizes
      rows[(domain.empty() ? "" : domain + ".").str() + row.name].push_back(&row);
  });
  std::string text =
      "# Operators\n\n"
      "Written by `qcc -list-operators`, from the importer's table. *Types*: **float** operators compute on floating-point "
      "numbers\n"
      "only, **any** ones on integers (or booleans) too, **constant** ones on what is known at compile time. Inputs are counted\n"
      "without and with the optional ones. Names begin with their domain; `qonnx` stands for `qonnx.custom_op.general`,\n"
      "`finn.custom_op.general` and `onnx.brevitas`. What an integer program keeps in float, `qcc -coverage model.onnx` says.\n\n"
      "| operator | opsets | inputs | types | limits |\n|---|---|---|---|---|\n";
  for (auto &[name, family] : rows)
    for (const Operator *row : family) {
      std::string inputs = std::to_string(row->minInputs);
      if (row->maxInputs != row->minInputs)
        inputs += row->maxInputs == INT_MAX ? " or more" : " to " + std::to_string(row->maxInputs);
      const char *types = row->elements == Elements::Float ? "float" : row->elements == Elements::Any ? "any" : "constant";
      text += "| " + name + " | " + std::to_string(std::max(row->since, minOpset)) + " to " +
              std::to_string(row->until == lastOpset ? maxOpset : row->until) + " | " + inputs + " | " + types + " | " +
              row->limits + " |\n";
    }
  return text;
}
} // namespace qc
