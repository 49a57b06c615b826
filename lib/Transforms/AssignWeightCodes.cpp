// Decides the code type of each layer's weights.
#include "LayerStream.h"
#include "Quantizable.h"
#include "RangeFile.h"
#include "WeightCodes.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_ASSIGNWEIGHTCODES
#include "qc/Transforms/Passes.h.inc"

namespace {
const StringRef kindNames[] = {"depthwise", "pointwise", "dense", "first", "last", "embedding"};

bool isKind(StringRef kind, Operation *op, Operation *first, Operation *last) {
  if (kind == "first" || kind == "last")
    return op == (kind == "first" ? first : last);
  auto conv = dyn_cast<ConvOp>(op);
  if (kind == "embedding")
    return isa<TakeOp>(op);
  if (kind == "dense")
    return isa<MatmulOp>(op);
  ArrayRef<int64_t> shape = getShape(op->getOperand(1));
  if (!conv)
    return false;
  bool isDepthwise = conv.getGroups() > 1 && shape[1] == 1;
  return kind == "depthwise" ? isDepthwise : !isDepthwise && product(shape.drop_front(2)) == 1;
}

struct AssignWeightCodes : impl::AssignWeightCodesBase<AssignWeightCodes> {
  using AssignWeightCodesBase::AssignWeightCodesBase;

  void runOnOperation() override {
    FailureOr<std::vector<AssignedCode>> codes = assignWeightCodes(getOperation(), weights, constraints);
    if (failed(codes))
      return signalPassFailure();
    // Where `qc-assign-precision` has decided, that stands.
    for (const AssignedCode &code : *codes)
      if (!code.op->hasAttr(weightCodeName))
        code.op->setAttr(weightCodeName, code.scheme.getAttr());
  }
};

/// "'absnt' (near: 'absent')", for each of `names`.
std::string listWithNearNames(ArrayRef<std::string> names, ArrayRef<std::string> known) {
  std::string text;
  for (const std::string &name : names) {
    std::vector<std::string> near = findNearNames(name, known);
    text += (text.empty() ? "'" : ", '") + name + "'" + (near.empty() ? "" : " (near: '" + near.front() + "')");
  }
  return text;
}
} // namespace

FailureOr<std::vector<AssignedCode>> assignWeightCodes(func::FuncOp function, StringRef weights, StringRef constraints) {
  std::string problem;
  std::optional<WeightCodes> codes = WeightCodes::parse(weights, problem);
  if (!codes)
    return emitError(function.getLoc()) << "weights=" << weights << ": " << problem;
  FailureOr<Constraints> read = readConstraints(constraints, function.getLoc());
  if (failed(read))
    return failure();
  const llvm::StringMap<std::string> &constraintOf = read->weights;
  SmallVector<QuantizableOpInterface> layers;
  function.walk([&](QuantizableOpInterface op) {
    if (op->getNumOperands() > 1 && op.getOperandRole(1) == OperandRole::Weight && getConstant(op->getOperand(1)))
      layers.push_back(op);
  });
  llvm::StringSet<> known;
  std::vector<AssignedCode> result;
  bool wrong = false;
  for (Operation *op : layers) {
    StringRef kind;
    std::string code = codes->getCode(op, layers.front(), layers.back(), &kind).str(), pinnedBy;
    if (!kind.empty())
      pinnedBy = ("weights=" + kind + "=" + code).str();
    // By the name of the node, or of the tensor that it gives.
    for (std::string name : {StringRef(describeNode(op)).trim('\'').str(), getLocName(op->getLoc()).str()})
      if (auto found = constraintOf.find(name); found != constraintOf.end()) {
        known.insert(name);
        code = found->second;
        pinnedBy = "the constraints file";
      }
    std::optional<WeightScheme> scheme = parseWeightCode(code, function.getContext());
    if (!scheme) {
      emitError(function.getLoc()) << "constraints file '" << constraints << "': the weights of " << describeNode(op)
                                   << " have the code type '" << code << "': use " << listWeightCodes();
      wrong = true;
      continue;
    }
    result.push_back({op, fitToLayer(*scheme, op), pinnedBy});
  }
  std::vector<std::string> unknown, names;
  for (StringRef name : constraintOf.keys())
    if (!known.contains(name))
      unknown.push_back(name.str());
  if (!unknown.empty()) {
    llvm::sort(unknown);
    for (Operation *op : layers)
      names.push_back(StringRef(describeNode(op)).trim('\'').str());
    emitError(function.getLoc()) << "constraints file '" << constraints
                                 << "' names layers whose weights are not quantized here: " << listWithNearNames(unknown, names)
                                 << "; those that are: " << listNames(names);
    wrong = true;
  }
  if (wrong)
    return failure();
  return result;
}

WeightScheme fitToLayer(const WeightScheme &scheme, Operation *op, bool quiet) {
  GroupedAttr grouped = scheme.getGrouped();
  if (!grouped)
    return scheme;
  std::optional<Contraction> layer = Contraction::get(op);
  if (layer && !layer->getFactorGroups(grouped.getLength()).empty())
    return scheme;
  if (!quiet)
    emitRemark(op->getLoc()) << "the inputs of " << describeNode(op) << " make no groups of " << GroupedAttr::leastLength
                             << " to " << grouped.getLength() << ": its weights have one scale per channel";
  return IntegerType::get(op->getContext(), grouped.getBits());
}

std::optional<StoredCode> StoredCode::parse(StringRef text) {
  auto [bits, group] = text.split('/');
  StoredCode code{0, 0};
  bool isGrouped = bits.size() != text.size();
  if (!bits.consume_front("i") || bits.getAsInteger(10, code.bits) || code.bits < 2 || code.bits > 8 ||
      (isGrouped && (group.getAsInteger(10, code.group) || code.group <= 0 || code.group % 32)))
    return std::nullopt;
  return code;
}

StringRef WeightCodes::getCode(Operation *op, Operation *first, Operation *last, StringRef *byKind) const {
  StringRef result = code;
  for (auto &[kind, kindCode] : kinds)
    if (isKind(kind, op, first, last)) {
      result = kindCode;
      if (byKind)
        *byKind = kind;
    }
  return result;
}

std::optional<WeightCodes> WeightCodes::parse(StringRef text, std::string &problem, bool isStored) {
  WeightCodes result;
  std::string remedy = isStored
                           ? "use iN or, with scales of groups of G = 32, 64, ... inputs, iN/G, with N in 2..8, f16, bf16 or f32"
                           : "use " + listWeightCodes();
  auto isCode = [&](StringRef code) {
    return isStored ? StoredCode::parse(code) || llvm::is_contained({"f16", "bf16", "f32"}, code) : isWeightCode(code);
  };
  ArrayRef<StringRef> kinds = ArrayRef(kindNames).drop_back(isStored ? 0 : 1);
  for (auto part : llvm::split(text, ',')) {
    auto [kind, code] = part.split('=');
    bool isDefault = !part.contains('=');
    if (isDefault)
      code = kind;
    if (!isCode(code)) {
      problem = ((isDefault ? "" : "'" + code + "' is no code type of weights: ") + remedy).str();
      return std::nullopt;
    }
    if (isDefault != result.code.empty()) {
      problem = "use one code type, then others for kinds of layers: i4,depthwise=i8";
      return std::nullopt;
    }
    if (isDefault) {
      result.code = code.str();
      continue;
    }
    if (!llvm::is_contained(kinds, kind)) {
      problem = ("'" + kind + "' is no kind of layers: use one of " + llvm::join(kinds, ", ")).str();
      return std::nullopt;
    }
    result.kinds.push_back({kind.str(), code.str()});
  }
  return result;
}

double getLeastWeightScale(double largestBias, double inputScale) {
  return std::max(largestBias / (inputScale * 0x1p29), double(std::numeric_limits<float>::min()) / inputScale);
}

void balanceChannel(MutableArrayRef<int32_t> codes, std::vector<std::pair<double, size_t>> &errors, int64_t lowest,
                    int64_t highest) {
  double sum = 0;
  for (auto [error, i] : errors)
    sum += error;
  int64_t count = int64_t(std::nearbyint(sum)), step = count > 0 ? 1 : -1;
  // Few are needed of many: a heap instead of a sort.
  auto isLater = [&](auto a, auto b) {
    return std::pair(-a.first * double(step), a.second) > std::pair(-b.first * double(step), b.second);
  };
  if (count)
    std::make_heap(errors.begin(), errors.end(), isLater);
  for (auto end = errors.end(); count && end != errors.begin(); --end) {
    auto [error, i] = errors.front();
    if (error * double(step) <= 0)
      break;
    std::pop_heap(errors.begin(), end, isLater);
    if (codes[i] + step < lowest || codes[i] + step > highest)
      continue;
    codes[i] += int32_t(step);
    count -= step;
  }
}

void replaceByCodes(OpOperand &operand, Type type, ArrayRef<int32_t> codes) {
  Value constant = operand.get();
  auto codeType = withElementType(constant.getType(), getScheme(type).getCodeType());
  OpBuilder builder(operand.getOwner());
  auto encoded =
      ConstantOp::create(builder, constant.getLoc(), withElementType(constant.getType(), type), makeElements(codeType, codes));
  operand.set(createDequantizeCast(builder, constant.getLoc(), encoded));
  if (constant.use_empty())
    constant.getDefiningOp()->erase();
}
} // namespace qc
