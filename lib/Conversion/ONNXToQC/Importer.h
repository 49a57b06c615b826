// What the files of the ONNX importer share: host constants, tensors of the graph, one node under import, the operator table.
//
// Every ONNX tensor is an `Entry`: a constant that is known at import, or an SSA value. Handlers of operators work on entries, so
// that shape arithmetic (Shape, Gather, Concat, ...) folds away with the same code that imports data movement. A constant becomes
// an op when it is first used.
#ifndef LIB_CONVERSION_ONNXTOQC_IMPORTER_H
#define LIB_CONVERSION_ONNXTOQC_IMPORTER_H

#include "qc/Conversion/ONNXImport.h"
#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/FunctionExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <onnx/onnx_pb.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qc::onnximport {
using Shape = llvm::SmallVector<int64_t>;

/// No tensor may have more elements: offsets stay in 32 bits everywhere below.
constexpr int64_t maxElements = int64_t(1) << 31;
/// Bound of strides, pads, kernels: products of two of them and a size cannot overflow, and loops over one end soon.
constexpr int64_t maxWindow = int64_t(1) << 20;
/// Largest dimension that is made by repetition (Expand, Tile, Resize): each index is stored in an attribute.
constexpr int64_t maxIndices = int64_t(1) << 20;
constexpr int64_t minOpset = 7, maxOpset = 25;
/// The last opset that rows of the table are written for: one that ends here goes on to `maxOpset`, as opsets 22 to 25 only added
/// element types to the operators that we have.
constexpr int64_t lastOpset = 21;

/// Number of elements, or -1 if a dimension is negative or there are more than `maxElements`.
int64_t countElements(llvm::ArrayRef<int64_t> shape);
std::string toString(llvm::ArrayRef<int64_t> shape);
std::string toString(mlir::Type type);

/// A constant during import: f32 numbers, or integers (bool as 0 and 1). May be empty ([0]), which no `qc.constant` can be.
struct Host {
  mlir::Type element;
  Shape shape;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  bool isFloat() const { return mlir::isa<mlir::FloatType>(element); }
  int64_t size() const { return isFloat() ? floats.size() : ints.size(); }
  double number(int64_t i) const { return isFloat() ? double(floats[i]) : double(ints[i]); }
};
using HostRef = std::shared_ptr<const Host>;

/// A tensor of the graph.
struct Entry {
  mlir::Type element; ///< f32, an integer type or a quantized type; null if the node that makes the tensor could not be imported
  Shape shape;
  mlir::Value value; ///< set for computed tensors, and for constants once they are ops
  HostRef host;      ///< set for constants
  mlir::quant::QuantizedType
      codes;              ///< set if the tensor is `quant.dcast` of the constant `host`, whose elements are codes of this type
  mlir::LocationAttr loc; ///< of a constant
  bool isPlainConstant() const { return host && !codes; }
};

/// The ONNX element type of a TensorProto or value as qc knows it: f32 for all floating types, or an integer type; null with the
/// reason in `why`.
mlir::Type getElementType(int32_t dataType, mlir::MLIRContext *context, std::string &why);

/// Decodes an initializer; `folder` is where external data may lie ("" refuses it).
mlir::FailureOr<HostRef> decodeTensor(const onnx::TensorProto &tensor, llvm::StringRef folder, mlir::MLIRContext *context,
                                      std::string &why);

class Importer;

/// One node under import: access to inputs and attributes, and the ways to make its outputs. The first problem makes `failed()`
/// true; accessors then give defaults, so that a handler need not check each of them.
class Node {
public:
  Node(Importer &importer, const onnx::NodeProto &proto, int index, int64_t opset);

  Importer &importer;
  const onnx::NodeProto &proto;
  std::string name; ///< "<OpType>_<index>" if the model gives none
  int64_t opset;
  bool quiet = false; ///< while only looking: attribute problems are not reported

  //===-- Problems --===//
  mlir::InFlightDiagnostic error();
  mlir::LogicalResult fail(const llvm::Twine &reason);
  bool failed() const { return hasFailed; }
  /// After a problem that was reported already.
  void setFailed() { hasFailed = true; }

  //===-- Inputs --===//
  unsigned numInputs() const { return proto.input_size(); }
  bool has(unsigned i) const { return i < numInputs() && !proto.input(i).empty(); }
  const Entry &input(unsigned i) const;
  const Shape &shape(unsigned i) const { return input(i).shape; }
  int64_t rank(unsigned i) const { return input(i).shape.size(); }
  mlir::Type element(unsigned i) const { return input(i).element; }
  mlir::Value value(unsigned i) { return materialize(i); }
  /// The input's constant, or an error that calls it `what`; null only with failed().
  HostRef constant(unsigned i, llvm::StringRef what);
  /// Integers of a constant input of rank 0 or 1.
  Shape constantInts(unsigned i, llvm::StringRef what);

  //===-- Attributes --===//
  const onnx::AttributeProto *attribute(llvm::StringRef name) const;
  bool hasAttribute(llvm::StringRef name) const { return attribute(name) != nullptr; }
  int64_t getInt(llvm::StringRef name, int64_t otherwise);
  float getFloat(llvm::StringRef name, float otherwise);
  std::string getString(llvm::StringRef name, llvm::StringRef otherwise);
  Shape getInts(llvm::StringRef name);
  /// Sizes in [low, maxWindow], `count` of them; `otherwise` for each if the attribute is absent.
  Shape getSizes(llvm::StringRef name, size_t count, int64_t low, int64_t otherwise);
  /// Makes an axis non-negative; `rank` itself is allowed if `inclusive`.
  int64_t normalizeAxis(int64_t axis, int64_t rank, bool inclusive = false);
  /// The same for several, without repetition, sorted.
  Shape normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  //===-- Outputs --===//
  bool wants(unsigned i) const; ///< output `i` has a name and a reader
  mlir::Location loc(unsigned output = 0) const;
  /// For ops inside the import of one node, whose results are no ONNX tensor: a name of their own, derived from the output's.
  mlir::Location innerLoc();
  mlir::OpBuilder &builder();
  mlir::MLIRContext *context();
  mlir::Type f32();
  mlir::Type i64();

  /// Builds an op whose shape its own rule infers.
  template <typename OpTy, typename... Args> Entry create(mlir::Location loc, mlir::Type element, Args &&...args) {
    if (hasFailed)
      return {};
    std::string why;
    auto op = createInferred<OpTy>(builder(), loc, element, why, std::forward<Args>(args)...);
    if (mlir::failed(op)) {
      (void)fail(why);
      return {};
    }
    return computed(op->getResult());
  }
  /// The entry of an op's result, its size checked.
  Entry computed(mlir::Value value);
  Entry constantEntry(Host host);
  Entry makeInts(llvm::ArrayRef<int64_t> values);
  mlir::Value materialize(Entry &entry);
  mlir::Value materialize(unsigned input);
  mlir::Value makeConstant(mlir::Location loc, Host host);
  /// Makes `entry` output `i`; a no-op if nothing failed but the entry is empty, or the output has no name.
  mlir::LogicalResult set(unsigned i, const Entry &entry);
  mlir::LogicalResult set(const Entry &entry) { return set(0, entry); }

  //===-- Data movement on constants and values alike (ImportMoves.cpp) --===//
  Entry reshape(const Entry &x, llvm::ArrayRef<int64_t> shape, mlir::Location loc);
  Entry transpose(const Entry &x, llvm::ArrayRef<int64_t> permutation, mlir::Location loc);
  Entry slice(const Entry &x, llvm::ArrayRef<int64_t> starts, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> steps,
              mlir::Location loc);
  Entry gather(const Entry &x, llvm::ArrayRef<int64_t> indices, int64_t axis, mlir::Location loc);
  Entry concat(llvm::ArrayRef<Entry> inputs, int64_t axis, mlir::Location loc);
  Entry broadcast(const Entry &x, llvm::ArrayRef<int64_t> shape, mlir::Location loc);

private:
  /// Elements of a constant chosen by index: `source(index)` is the row-major position in `x`.
  Entry select(const Entry &x, llvm::ArrayRef<int64_t> shape, llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> source);

  bool hasFailed = false;
  unsigned innerCount = 0;
};

/// What element types the first input of an operator may have.
enum class Elements {
  Float,    ///< f32 only
  Any,      ///< codes and integers too: values are only moved or compared
  Constant, ///< any, but all inputs must be known at import
};

/// One operator: a row of the table.
struct Operator {
  const char *name;
  int64_t since, until; ///< opsets
  int minInputs, maxInputs;
  Elements elements;
  mlir::LogicalResult (*import)(Node &);
  /// The reason why this node cannot be imported as far as attributes and names tell; "" if it can. May be null.
  std::string (*refuse)(Node &);
  const char *limits = ""; ///< what is not supported of it, for docs/Operators.md
};
/// The operators of one domain; those of QONNX go by several names, of which "qonnx" stands for all.
struct OperatorTable {
  const char *domain;
  llvm::ArrayRef<Operator> rows;
};
llvm::ArrayRef<OperatorTable> getOperatorTables();
/// The name under which the tables list an operator's domain: "" for the default one.
llvm::StringRef getTableDomain(llvm::StringRef domain);

llvm::ArrayRef<Operator> getContractionOperators();
llvm::ArrayRef<Operator> getWindowOperators();
llvm::ArrayRef<Operator> getElementwiseOperators();
llvm::ArrayRef<Operator> getFunctionOperators();
llvm::ArrayRef<Operator> getLogicOperators();
llvm::ArrayRef<Operator> getBlockOperators();
llvm::ArrayRef<Operator> getEinsumOperators();
llvm::ArrayRef<Operator> getIndexedOperators();
llvm::ArrayRef<Operator> getNormalizeOperators();
llvm::ArrayRef<Operator> getOrderOperators();
llvm::ArrayRef<Operator> getRecurrentOperators();
llvm::ArrayRef<Operator> getShapeOperators();
llvm::ArrayRef<Operator> getResizeOperators();
llvm::ArrayRef<Operator> getReduceOperators();
llvm::ArrayRef<Operator> getQuantOperators();
llvm::ArrayRef<Operator> getQOperators();
llvm::ArrayRef<Operator> getMicrosoftOperators();
llvm::ArrayRef<Operator> getQONNXOperators();
llvm::ArrayRef<Operator> getStepOperators();
/// All rows of all families.
void forEachOperator(llvm::function_ref<void(const OperatorTable &, const Operator &)> f);

/// ImportIndexed.cpp: elements of one dimension chosen by computed indices, as Gather and GatherElements do it.
mlir::LogicalResult importComputedGather(Node &node, int64_t axis);
Entry takeElements(Node &node, const Entry &x, int64_t axis, const Entry &indices);

/// Replaces calls of model-local functions by their bodies; the problem, or "".
std::string expandCalls(onnx::ModelProto &model);

/// Pads of a window from `pads` and `auto_pad`; `input` are the spatial sizes, `reach` the extents of the dilated kernel.
Shape getPads(Node &node, llvm::ArrayRef<int64_t> input, llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<int64_t> reach);

/// The model under import.
class Importer {
public:
  Importer(const onnx::ModelProto &model, llvm::StringRef name, llvm::StringRef folder, mlir::MLIRContext &context,
           const ImportOptions &options);
  mlir::OwningOpRef<mlir::ModuleOp> run();
  /// Imports what can be imported; fails if the model as such cannot be read.
  mlir::FailureOr<Coverage> cover();

  /// The entry of a tensor, null before its maker was imported.
  Entry *find(llvm::StringRef tensor);
  void define(llvm::StringRef tensor, Entry entry) { entries[tensor] = std::move(entry); }
  mlir::Value materialize(Entry &entry);
  /// Imports one node whose inputs are there; also the ordinary nodes that an operator is made of.
  mlir::LogicalResult importNode(Node &node);
  /// Readers of a tensor: live nodes, and one for each function result that it is.
  unsigned countUses(llvm::StringRef tensor) const { return uses.lookup(tensor); }
  /// Takes `elements` out of the memory that folded constants may use; false if it is spent.
  bool reserve(int64_t elements);

  mlir::OpBuilder builder;
  std::string folder;
  int64_t opset = 0;

private:
  mlir::InFlightDiagnostic error();
  mlir::LogicalResult checkModel();
  mlir::LogicalResult bindInputs();
  mlir::LogicalResult collectNames();
  mlir::LogicalResult sortNodes();
  mlir::LogicalResult reportCycle(llvm::ArrayRef<unsigned> waiting);
  struct Finding {
    unsigned index;
    std::string why;
  };
  std::vector<Finding> findUnsupported();
  mlir::LogicalResult listUnsupported();
  std::string whyUnsupported(Node &node);
  const Operator *findOperator(const onnx::NodeProto &node) const;
  /// The opset that decides how a node is read.
  int64_t getOpset(const onnx::NodeProto &node) const;
  mlir::LogicalResult importInputs();
  mlir::FailureOr<mlir::RankedTensorType> getInputType(const onnx::ValueInfoProto &input);
  mlir::quant::QuantizedType getInputCodes(llvm::StringRef tensor, mlir::Type element);
  mlir::LogicalResult importInitializers();
  mlir::LogicalResult importOutputs();
  std::string nodeName(unsigned index) const;
  /// Node `index`, or what stands for it.
  const onnx::NodeProto &getNode(unsigned index) const;
  /// Where of a comparison with a number, between two numbers, is one step function: it becomes the operator Step.
  void recognizeSteps();
  std::optional<float> getNumber(const std::string &tensor) const;

  const onnx::ModelProto &model;
  const onnx::GraphProto &graph;
  std::string name;
  mlir::MLIRContext &context;
  const ImportOptions &options;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::Operation *function = nullptr;
  llvm::StringMap<Entry> entries;
  llvm::StringMap<const onnx::TensorProto *> initializers;
  llvm::StringMap<HostRef> bound; ///< graph inputs whose value is given
  llvm::StringMap<unsigned> producers;
  std::map<unsigned, onnx::NodeProto> recognized;
  llvm::StringMap<unsigned> uses;
  llvm::StringSet<> foldable;                  ///< tensors made of constants alone
  llvm::StringMap<const Operator *> operators; ///< of the model's opset, by "<domain>.<name>"
  std::vector<unsigned> order;                 ///< live nodes, each after its inputs' makers
  std::vector<const onnx::ValueInfoProto *> inputs;
  int64_t budget = int64_t(1) << 26;
};

/// Where a node has the parameters of a tensor of codes that it reads.
struct CodeParameters {
  int scale; ///< input with the scale, -1 if it is 1
  int zero;  ///< input with the zero point
};
/// The quantized type that a node's parameters give to codes of `element` and `shape`; null after an error at the node.
mlir::quant::QuantizedType getQuantizedType(Node &node, mlir::Type element, llvm::ArrayRef<int64_t> shape,
                                            CodeParameters parameters = {1, 2});
/// The parameters with which a node reads its input `i` as codes, if it does.
std::optional<CodeParameters> getCodeParameters(const onnx::NodeProto &proto, int i);
/// True if input `i` is a zero point of an operator on codes, which may be left out.
bool isZeroPoint(const onnx::NodeProto &proto, int i);
} // namespace qc::onnximport

#endif // LIB_CONVERSION_ONNXTOQC_IMPORTER_H
