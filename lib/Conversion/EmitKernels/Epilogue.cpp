// What happens to accumulators before they are stored: requantization, residual addition, tables, limits.
#include "Arithmetic.h"
#include "Layout.h"
#include "Requantize.h"

using namespace mlir;

namespace qc {
namespace {
/// The limits that a float op itself has.
bool hasLimits(Operation *op) {
  auto clamp = dyn_cast_or_null<ClampOpInterface>(op);
  return clamp && (clamp.getClampMin() || clamp.getClampMax());
}

/// Dimensions keep their order from `from` to `to`; unit ones may come and go.
bool keepsOrder(Value from, Value to) {
  auto dims = getMovedDims(from, to);
  if (!dims)
    return false;
  int64_t before = -1;
  for (int64_t d : *dims)
    if (d >= 0) {
      if (d < before)
        return false;
      before = d;
    }
  return true;
}

/// Why `axis` of the op's result is not the innermost dimension of `last`.
std::string checkAxis(Operation *op, std::optional<uint64_t> axis, Value last) {
  Value result = op->getResult(0);
  if (!axis || getShape(result)[*axis] == 1)
    return "";
  auto dims = getMovedDims(result, last);
  return dims && !dims->empty() && dims->back() == int64_t(*axis) ? "" : "parameters do not belong to the innermost dimension";
}

std::string checkRequantize(RequantizeOp op, Value value, Value last) {
  if (cast<IntegerType>(getElementType(op.getResult())).getWidth() > 32)
    return "codes have more than 32 bits";
  for (Value input : op.getInputs()) {
    if (cast<IntegerType>(getElementType(input)).getWidth() > 32)
      return "accumulators have more than 32 bits";
    if (input == value)
      continue;
    if (!isa<BlockArgument>(input))
      return "adds what is no input of the kernel";
    if (getShape(input) != getShape(last) || getShape(input) != getShape(op.getResult()) || !keepsOrder(op.getResult(), last))
      return "adds an input of another shape";
  }
  return checkAxis(op, op.getAxis(), last);
}

std::string checkLut(LutOp op, Value value, Value last) {
  if (op.getInput() != value || !getConstant(op.getTable()))
    return "the table is not constant";
  if (!isa<IntegerType>(getElementType(op.getResult())) || getElementType(op.getResult()).getIntOrFloatBitWidth() > 32)
    return "the table holds no codes";
  return checkAxis(op, op.getAxis(), last);
}

/// The value that leaves the kernel, null if a value on the way has several uses.
Value followUses(Value acc) {
  while (acc.hasOneUse() && !isa<YieldOp>(*acc.user_begin())) {
    Operation *user = *acc.user_begin();
    if (user->getNumResults() != 1)
      return Value();
    acc = user->getResult(0);
  }
  return acc.hasOneUse() ? acc : Value();
}

/// Parts of at most `size` elements whose sizes are powers of two, for what lies beside vectors of full length.
void forEachPart(int64_t count, llvm::function_ref<void(int64_t at, int64_t size)> body) {
  for (int64_t at = 0; at < count;) {
    int64_t size = llvm::bit_floor(uint64_t(count - at));
    body(at, size);
    at += size;
  }
}

/// `count` elements of a vector of `lanes`; nothing else is read.
Value loadPart(Kernel &k, Value memory, Value offset, int64_t count, int64_t lanes) {
  if (count >= lanes)
    return k.load(memory, offset, lanes);
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  auto type = VectorType::get({lanes}, element);
  Value whole = arith::ConstantOp::create(k.b, k.loc, k.b.getZeroAttr(type));
  forEachPart(count, [&](int64_t at, int64_t size) {
    Value part = k.load(memory, k.add(offset, at), size);
    whole = vector::InsertStridedSliceOp::create(k.b, k.loc, part, whole, ArrayRef<int64_t>{at}, ArrayRef<int64_t>{1});
  });
  return whole;
}

/// Limits of f32 vectors; a NaN stays.
Value limit(Kernel &k, ClampOpInterface op, Value x) {
  int64_t lanes = cast<VectorType>(x.getType()).getNumElements();
  auto apply = [&](double bound, bool below) {
    Value y = k.splat(bound, lanes);
    Value takes = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT, below ? x : y, below ? y : x);
    x = arith::SelectOp::create(k.b, k.loc, takes, y, x);
  };
  if (auto low = op.getClampMin())
    apply(low->convertToDouble(), true);
  if (auto high = op.getClampMax())
    apply(high->convertToDouble(), false);
  return x;
}

/// One element after the other.
Value lookUp(Kernel &k, LutOp op, Value table, Value codes, Value channel) {
  auto type = cast<VectorType>(codes.getType());
  auto code = cast<IntegerType>(getElementType(op.getInput()));
  int64_t entries = int64_t(1) << code.getWidth(), lanes = type.getNumElements();
  Arithmetic a(k);
  Value positions = a.sub(codes, getCodeLimits(code).first);
  Value result = a.number(type, 0);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value position = vector::ExtractOp::create(k.b, k.loc, positions, lane);
    Value at = arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), position);
    if (op.getAxis())
      at = k.add(at, k.mul(k.add(channel, lane), entries));
    Value entry = k.extend(k.loadScalar(table, at), getElementType(op.getResult()), k.b.getI32Type());
    result = vector::InsertOp::create(k.b, k.loc, entry, result, lane);
  }
  return result;
}
} // namespace

std::string Epilogue::check(Value acc) {
  Value last = followUses(acc);
  if (!last)
    return "a value has several uses";
  if (!getMovedDims(acc, last))
    return "the result is reshaped";
  Type element = getElementType(acc);
  bool isFloat = element.isF32();
  if (!isFloat && !(isa<IntegerType>(element) && element.getIntOrFloatBitWidth() <= 32))
    return "accumulators have more than 32 bits";
  Value value = acc;
  for (Operation *op = *value.user_begin(); !isa<YieldOp>(op); value = op->getResult(0), op = *value.user_begin()) {
    std::string why;
    if (auto requantize = dyn_cast<RequantizeOp>(op))
      why = checkRequantize(requantize, value, last);
    else if (auto lut = dyn_cast<LutOp>(op))
      why = checkLut(lut, value, last);
    else if (!isa<TransposeOp, ReshapeOp>(op) && !(isFloat && isa<ClampOp>(op)))
      why = ("'" + op->getName().getStringRef() + "' is no epilogue").str();
    if (!why.empty())
      return why;
  }
  return "";
}

FailureOr<Epilogue> Epilogue::create(Kernel &k, Value acc, bool collapsed) {
  if (std::string why = check(acc); !why.empty())
    return k.op.emitError("cannot be stored: ") << why;
  Epilogue e(k);
  auto place = [&](FailureOr<Flat> flat) -> FailureOr<Flat> {
    if (failed(flat) || !collapsed)
      return flat;
    if (!flat->isCollapsible())
      return k.op.emitError("writes or adds a buffer whose rows do not follow each other");
    return flat->collapse();
  };
  auto result = place(k.getResult());
  if (failed(result))
    return failure();
  e.result = *result;
  e.code = getElementType(acc);
  Operation *main = getLayoutSource(acc).getDefiningOp();
  if (auto bounded = dyn_cast_or_null<AccumulatorOpInterface>(main); bounded && bounded.getAccBound())
    e.bound = *bounded.getAccBound();
  if (e.code.isF32() && hasLimits(main))
    e.steps.push_back({main, {}, {}, 0});
  Value value = acc;
  for (Operation *op = *value.user_begin(); !isa<YieldOp>(op); value = op->getResult(0), op = *value.user_begin()) {
    Step step{op, {}, {}, 0};
    if (auto requantize = dyn_cast<RequantizeOp>(op)) {
      step.carried = value.use_begin()->getOperandNumber();
      step.requantizer = std::make_shared<Requantizer>(k, requantize, e.steps.empty() ? e.bound : 0);
      for (Value input : requantize.getInputs()) {
        if (input == value) {
          step.operands.push_back({});
          continue;
        }
        auto operand = place(k.getInput(input));
        if (failed(operand))
          return failure();
        step.operands.push_back(*operand);
      }
    } else if (auto lut = dyn_cast<LutOp>(op)) {
      Type storage = k.b.getIntegerType(getElementType(op->getResult(0)).getIntOrFloatBitWidth() <= 8    ? 8
                                        : getElementType(op->getResult(0)).getIntOrFloatBitWidth() <= 16 ? 16
                                                                                                         : 32);
      SmallVector<int64_t> entries = getInts(getConstant(lut.getTable()));
      // Lanes behind the last channel look up too.
      if (lut.getAxis())
        entries.append(64 * getShape(lut.getTable()).back(), 0);
      step.tables.push_back(k.constants.get(k.b, k.loc, storage, entries));
    } else if (isa<TransposeOp, ReshapeOp>(op) || !hasLimits(op)) {
      continue;
    }
    e.steps.push_back(std::move(step));
  }
  return e;
}

void Epilogue::store(ArrayRef<Value> accs, ValueRange position, Value channel, int64_t count) {
  Kernel &k = *this->k;
  int64_t lanes = k.isa.lanes;
  for (auto [i, acc] : llvm::enumerate(accs)) {
    int64_t left = std::min(lanes, count - int64_t(i) * lanes);
    if (left <= 0)
      break;
    Value at = k.add(channel, i * lanes), value = acc;
    for (const Step &step : steps) {
      if (auto requantize = dyn_cast<RequantizeOp>(step.op)) {
        SmallVector<Value> inputs;
        for (auto [j, operand] : llvm::enumerate(step.operands)) {
          if (j == step.carried) {
            inputs.push_back(value);
            continue;
          }
          Value other = loadPart(k, operand.memory, k.add(k.offset(position, operand.strides), at), left, lanes);
          inputs.push_back(k.extend(other, operand.code, k.b.getI32Type()));
        }
        value = step.requantizer->emit(k, inputs, at);
      } else if (auto lut = dyn_cast<LutOp>(step.op)) {
        value = lookUp(k, lut, step.tables.front(), value, at);
      } else {
        value = limit(k, cast<ClampOpInterface>(step.op), value);
      }
    }
    if (isa<VectorType>(value.getType()) && !getElementTypeOrSelf(value).isF32())
      value = k.truncate(value, cast<MemRefType>(result.memory.getType()).getElementType());
    Value offset = k.add(k.offset(position, result.strides), at);
    forEachPart(left, [&](int64_t first, int64_t size) {
      k.store(k.slice(value, first, size), result.memory, k.add(offset, first));
    });
  }
}
} // namespace qc
