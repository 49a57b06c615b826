// Which scales of activations may move, and which of them only together.
#include "ActivationSteps.h"
#include "Quantizable.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace qc {
namespace {
/// The op that gives `value` if it only moves codes, which then have one type before and behind it.
QuantizableOpInterface getMover(Value value) {
  auto op = value.getDefiningOp<QuantizableOpInterface>();
  return op && op.isSameScale() ? op : QuantizableOpInterface();
}

/// Values that no cast separates from an argument, and those that none separates from a result: the program takes and hands out
/// their codes, or f32 ops read them.
struct Ports {
  explicit Ports(func::FuncOp function) {
    Block &body = function.getBody().front();
    fromArguments.insert_range(body.getArguments());
    for (Operation &op : body)
      if (!isa<DequantizeCastOpInterface>(op) &&
          llvm::any_of(op.getOperands(), [&](Value v) { return fromArguments.contains(v); }))
        fromArguments.insert_range(op.getResults());
    for (Operation &op : llvm::reverse(body))
      if (isa<func::ReturnOp>(op) ||
          (!isa<quant::QuantizeCastOp>(op) && llvm::any_of(op.getResults(), [&](Value v) { return toResults.contains(v); })))
        toResults.insert_range(op.getOperands());
  }
  bool contain(quant::QuantizeCastOp qcast) const {
    return fromArguments.contains(qcast.getInput()) || toResults.contains(qcast.getResult());
  }
  llvm::DenseSet<Value> fromArguments, toResults;
};

/// What is moved into `value`: the movers and the qcasts in front of them, and whether anything that has no type yet is among it.
void findMoved(Value value, llvm::SetVector<Operation *> &ops, bool &others) {
  if (auto dcast = value.getDefiningOp<quant::DequantizeCastOp>()) {
    if (auto qcast = dcast.getInput().getDefiningOp<quant::QuantizeCastOp>())
      ops.insert(qcast);
    else
      others = true;
    return;
  }
  QuantizableOpInterface mover = getMover(value);
  if (!mover) {
    others = true;
    return;
  }
  if (!ops.insert(mover))
    return;
  // A value that fills in has a code as zero has, whatever the scale, or only with this one.
  if (auto pad = dyn_cast<PadOp>(mover.getOperation()))
    others |= pad.getMode() == PadMode::Constant && !pad.getValue().isZero();
  for (OpOperand &operand : mover->getOpOperands())
    if (mover.getOperandRole(operand.getOperandNumber()) == OperandRole::Activation)
      findMoved(operand.get(), ops, others);
}

bool isPowerOfTwo(double x) {
  int exponent;
  return std::frexp(x, &exponent) == 0.5;
}

/// Whether the scale of `qcast` may move, as far as the edge itself says.
bool isFree(quant::QuantizeCastOp qcast, const Ports &ports) {
  auto type = dyn_cast<quant::UniformQuantizedType>(qcast.getQuantizedType());
  if (!type || qcast->hasAttr(fixedTypeName) || isPowerOfTwo(type.getScale()) ||
      !llvm::all_of(qcast->getUsers(), llvm::IsaPred<quant::DequantizeCastOp>) || ports.contain(qcast))
    return false;
  auto producer = qcast.getInput().getDefiningOp<QuantizableOpInterface>();
  return !producer || !producer.getFixedRange();
}

/// The largest scale with which the codes of `qcast` stay where functions that read it were seen to have values.
float getMostScale(quant::QuantizeCastOp qcast, quant::UniformQuantizedType type) {
  double most = std::numeric_limits<float>::max();
  auto limit = [&](double end, int64_t code) {
    if (double steps = double(code - type.getZeroPoint()); steps != 0)
      most = std::min(most, std::max(end / steps, type.getScale()));
  };
  for (Operation *dcast : qcast->getUsers())
    for (OpOperand &use : dcast->getUses())
      if (auto domain = use.getOwner()->getAttrOfType<DenseF64ArrayAttr>(domainName); domain && needsDomain(use)) {
        limit(domain[0], type.getStorageTypeMin());
        limit(domain[1], type.getStorageTypeMax());
      }
  auto scale = float(most);
  return double(scale) <= most ? scale : std::nextafter(scale, 0.0f);
}
} // namespace

void ActivationStep::set(double scale) {
  type = quant::UniformQuantizedType::get(type.getFlags(), type.getStorageType(), type.getExpressedType(), scale,
                                          type.getZeroPoint(), type.getStorageTypeMin(), type.getStorageTypeMax());
  for (quant::QuantizeCastOp qcast : casts)
    qcast.getResult().setType(withElementType(qcast.getResult().getType(), type));
}

std::vector<ActivationStep> findActivationSteps(func::FuncOp function) {
  Ports ports(function);
  llvm::EquivalenceClasses<Operation *> groups;
  llvm::DenseSet<Operation *> fixed;
  llvm::DenseMap<std::pair<Value, Type>, Operation *> ofValue;
  llvm::DenseMap<std::pair<Attribute, Type>, Operation *> ofName;
  for (auto qcast : function.getOps<quant::QuantizeCastOp>()) {
    Value input = qcast.getInput();
    Type type = qcast.getQuantizedType();
    groups.insert(qcast);
    bool others = false;
    if (getMover(input)) {
      llvm::SetVector<Operation *> moved;
      findMoved(input, moved, others);
      for (Operation *op : moved)
        if (auto from = dyn_cast<quant::QuantizeCastOp>(op); from && from.getQuantizedType() == type)
          groups.unionSets(qcast, from);
    }
    if (others || !isFree(qcast, ports))
      fixed.insert(qcast);
    // One value is computed once for each type.
    groups.unionSets(qcast, ofValue.try_emplace({input, type}, qcast).first->second);
    if (Operation *producer = input.getDefiningOp())
      if (Attribute name = producer->getAttr(rangeGroupName))
        groups.unionSets(qcast, ofName.try_emplace({name, type}, qcast).first->second);
  }
  llvm::MapVector<Operation *, ActivationStep> steps;
  llvm::DenseSet<Operation *> fixedGroups;
  for (Operation *op : fixed)
    fixedGroups.insert(groups.getLeaderValue(op));
  for (auto qcast : function.getOps<quant::QuantizeCastOp>()) {
    Operation *leader = groups.getLeaderValue(qcast);
    if (fixedGroups.contains(leader))
      continue;
    ActivationStep &step = steps[leader];
    step.type = cast<quant::UniformQuantizedType>(qcast.getQuantizedType());
    step.casts.push_back(qcast);
    step.most = std::min(step.most, getMostScale(qcast, step.type));
  }
  std::vector<ActivationStep> result;
  for (auto &entry : steps)
    result.push_back(std::move(entry.second));
  return result;
}
} // namespace qc
