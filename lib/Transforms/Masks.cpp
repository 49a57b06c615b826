// Computed masks: a few ops on numbers are followed back to the one tensor of integers or booleans that they depend on, and
// evaluated for its two values.
#include "Masks.h"

#include "Quantizable.h"
#include "qc/Dialect/QC/Reference/Eval.h"

#include <cmath>

using namespace mlir;

namespace qc {
namespace {
/// Numbers that exp turns into nothing next to any score.
bool isLowest(double v) { return v <= -1e4; }

bool isBoolean(Value value) { return getElementType(value).isInteger(1); }

/// Ops that move elements of their only operand.
bool isMovement(Operation *op) { return isa<ReshapeOp, TransposeOp, SliceOp, GatherOp>(op); }

/// Element by element, on f32, integers and booleans.
bool isElementwise(Operation *op) {
  if (auto binary = dyn_cast<BinaryOp>(op))
    return llvm::is_contained({BinaryKind::Min, BinaryKind::Max, BinaryKind::And, BinaryKind::Or, BinaryKind::Xor},
                              binary.getKind());
  return isa<CastOp, AddOp, SubOp, MulOp, DivOp, ClampOp, CompareOp, SelectOp>(op);
}

/// The one number that a constant holds; nothing for other values.
std::optional<double> getNumber(Value value) {
  ElementsAttr constant = getConstant(value);
  if (!constant || constant.getNumElements() == 0 || !constant.isSplat())
    return std::nullopt;
  return isFloatTensor(value) ? double(getFloats(constant)[0]) : double(getInts(constant)[0]);
}

/// What a value is, element by element, of a boolean or integer tensor: its numbers for 0 and 1.
struct Function {
  Value source; ///< a leaf, or a moved one: what `value` is a function of without any more movement
  double at0, at1;
};

class Follower {
public:
  /// Nothing if `value` is no function of one leaf, or is constant.
  std::optional<Function> follow(Value value) {
    if (++visited > mostVisited)
      return std::nullopt;
    Operation *op = value.getDefiningOp();
    // What integers alone compute has an integer form already. Other than 0 or 1 a boolean cannot be.
    if (!isFloatTensor(value) && (!op || !dependsOnFloats(value)))
      return Function{value, 0, 1};
    if (!op)
      return std::nullopt;
    if (isMovement(op)) {
      auto moved = follow(op->getOperand(0));
      if (moved)
        moved->source = value;
      return moved;
    }
    if (!isElementwise(op))
      return std::nullopt;
    SmallVector<std::array<double, 2>> operands;
    Value source;
    for (Value operand : op->getOperands()) {
      if (auto number = getNumber(operand)) {
        operands.push_back({*number, *number});
        continue;
      }
      auto function = follow(operand);
      if (!function || (source && function->source != source))
        return std::nullopt;
      source = function->source;
      operands.push_back({function->at0, function->at1});
    }
    if (!source)
      return std::nullopt;
    return Function{source, apply(op, operands, 0), apply(op, operands, 1)};
  }

  /// The leaf as booleans, moved to where `value` has it, in `value`'s place but perhaps not broadcast to its shape.
  Value rebuild(OpBuilder &builder, Location loc, Value value) {
    Operation *op = value.getDefiningOp();
    if (!isFloatTensor(value) && (!op || !dependsOnFloats(value))) {
      if (isBoolean(value))
        return value;
      return CastOp::create(builder, loc, withElementType(value.getType(), builder.getI1Type()), value);
    }
    if (isMovement(op)) {
      Value from = rebuild(builder, loc, op->getOperand(0));
      if (getShape(from) != getShape(op->getOperand(0))) {
        auto type = withElementType(op->getOperand(0).getType(), builder.getI1Type());
        SmallVector<int64_t> ones(type.getNumElements(), 1);
        from = BinaryOp::create(builder, loc, type, BinaryKind::And, from,
                                ConstantOp::create(builder, loc, makeElements(type, ones)));
      }
      OperationState state(loc, op->getName(), {from}, {withElementType(value.getType(), builder.getI1Type())}, op->getAttrs());
      return builder.create(state)->getResult(0);
    }
    for (Value operand : op->getOperands())
      if (!getNumber(operand))
        return rebuild(builder, loc, operand);
    return {};
  }

private:
  static constexpr unsigned mostVisited = 64;
  unsigned visited = 0;

  bool dependsOnFloats(Value value) {
    SmallVector<Value> todo{value};
    for (size_t i = 0; i < todo.size() && i < mostVisited; ++i) {
      if (isFloatTensor(todo[i]))
        return true;
      if (Operation *op = todo[i].getDefiningOp(); op && (isMovement(op) || isElementwise(op)))
        todo.append(op->operand_begin(), op->operand_end());
    }
    return false;
  }

  static double apply(Operation *op, ArrayRef<std::array<double, 2>> operands, int which) {
    double a = operands[0][which], b = operands.back()[which];
    auto bits = [&](auto f) { return double(f(int64_t(a), int64_t(b))); };
    double result = a;
    if (auto cast = dyn_cast<CastOp>(op))
      result = isBoolean(cast.getResult()) ? double(a != 0) : isFloatTensor(cast.getResult()) ? a : std::trunc(a);
    else if (isa<AddOp>(op))
      result = a + b;
    else if (isa<SubOp>(op))
      result = a - b;
    else if (isa<MulOp>(op))
      result = a * b;
    else if (isa<DivOp>(op))
      result = isFloatTensor(op->getResult(0)) ? a / b : b == 0 ? 0 : std::trunc(a / b);
    else if (auto compare = dyn_cast<CompareOp>(op))
      result = compare.getKind() == CompareKind::Equal ? a == b : compare.getKind() == CompareKind::Less ? a < b : a <= b;
    else if (isa<SelectOp>(op))
      result = a != 0 ? operands[1][which] : b;
    else if (auto binary = dyn_cast<BinaryOp>(op))
      switch (binary.getKind()) {
      case BinaryKind::Min:
        result = std::min(a, b);
        break;
      case BinaryKind::Max:
        result = std::max(a, b);
        break;
      case BinaryKind::And:
        result = bits([](int64_t x, int64_t y) { return x & y; });
        break;
      case BinaryKind::Or:
        result = bits([](int64_t x, int64_t y) { return x | y; });
        break;
      default:
        result = bits([](int64_t x, int64_t y) { return x ^ y; });
        break;
      }
    if (auto clamp = dyn_cast<ClampOpInterface>(op)) {
      if (auto low = clamp.getClampMin())
        result = std::max(result, low->convertToDouble());
      if (auto high = clamp.getClampMax())
        result = std::min(result, high->convertToDouble());
    }
    return result;
  }
};

/// 1: elements with the leaf's 1 take part; 0: those with its 0; nothing if the numbers are no mask.
std::optional<int> getPolarity(const std::optional<Function> &f) {
  if (f && f->at1 == 0 && isLowest(f->at0))
    return 1;
  if (f && f->at0 == 0 && isLowest(f->at1))
    return 0;
  return std::nullopt;
}

bool isConstantMask(ElementsAttr constant) {
  if (!constant || !constant.getElementType().isF32())
    return false;
  SmallVector<float> values = getFloats(constant);
  return llvm::any_of(values, [](float v) { return isLowest(v); }) &&
         llvm::all_of(values, [](float v) { return v == 0 || isLowest(v); });
}

Value invert(OpBuilder &builder, Location loc, Value mask) {
  if (ElementsAttr constant = getConstant(mask)) {
    SmallVector<int64_t> flags = llvm::map_to_vector(getInts(constant), [](int64_t v) { return int64_t(v == 0); });
    return ConstantOp::create(builder, loc, makeElements(cast<RankedTensorType>(mask.getType()), flags));
  }
  auto type = RankedTensorType::get({}, builder.getI1Type());
  Value one = ConstantOp::create(builder, loc, makeElements(type, ArrayRef<int64_t>{1}));
  return BinaryOp::create(builder, loc, mask.getType(), BinaryKind::Xor, mask, one);
}

/// An addition whose two sides are masks of their own.
AddOp getSumOfMasks(Value added) {
  auto sum = added.getDefiningOp<AddOp>();
  return sum && !sum.getClampMin() && !sum.getClampMax() && isAdditiveMask(sum.getLhs()) && isAdditiveMask(sum.getRhs())
             ? sum
             : AddOp();
}
} // namespace

bool isAdditiveMask(Value added) {
  if (!isFloatTensor(added))
    return false;
  if (ElementsAttr constant = getConstant(added))
    return isConstantMask(constant);
  return getPolarity(Follower().follow(added)) || getSumOfMasks(added);
}

Value makeMask(OpBuilder &builder, Location loc, Value added) {
  if (ElementsAttr constant = getConstant(added)) {
    SmallVector<int64_t> flags = llvm::map_to_vector(getFloats(constant), [](float v) { return int64_t(v == 0); });
    return ConstantOp::create(builder, loc, makeElements(withElementType(added.getType(), builder.getI1Type()), flags));
  }
  if (auto polarity = getPolarity(Follower().follow(added))) {
    Value mask = Follower().rebuild(builder, loc, added);
    return *polarity ? mask : invert(builder, loc, mask);
  }
  AddOp sum = getSumOfMasks(added);
  return combineMasks(builder, loc, makeMask(builder, loc, sum.getLhs()), makeMask(builder, loc, sum.getRhs()));
}

bool isCondition(Value condition) {
  if (getConstant(condition))
    return true;
  auto function = Follower().follow(condition);
  return function && function->at0 != function->at1;
}

Value makeCondition(OpBuilder &builder, Location loc, Value condition, bool inverted) {
  Value mask = condition;
  if (!getConstant(condition)) {
    inverted ^= Follower().follow(condition)->at1 == 0;
    mask = Follower().rebuild(builder, loc, condition);
  }
  return inverted ? invert(builder, loc, mask) : mask;
}

Value combineMasks(OpBuilder &builder, Location loc, Value a, Value b) {
  std::string why;
  OpBuilder detached(builder.getContext()); // a constant leaves no op behind
  auto both = createInferred<BinaryOp>(detached, loc, builder.getI1Type(), why, BinaryKind::And, a, b);
  if (failed(both))
    return {};
  ElementsAttr lhs = getConstant(a), rhs = getConstant(b);
  if (!lhs || !rhs)
    return builder.insert(*both)->getResult(0);
  auto type = cast<RankedTensorType>(both->getType());
  auto folded = evaluate(*both, {Tensor::fromAttr(lhs, cast<RankedTensorType>(a.getType())),
                                 Tensor::fromAttr(rhs, cast<RankedTensorType>(b.getType()))});
  both->erase();
  if (failed(folded))
    return {};
  return ConstantOp::create(builder, loc, makeElements(type, ArrayRef<int64_t>(folded->ints)));
}
} // namespace qc
