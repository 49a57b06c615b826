// What happens to accumulators before they are stored: requantization, residual addition, tables, limits.
#include "Arithmetic.h"
#include "Layout.h"
#include "Requantize.h"

#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"

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

std::string checkPieces(PwlOp op) {
  if (!isa<IntegerType>(getElementType(op.getResult())))
    return "the pieces give no codes";
  // More are found faster by halving, one element after the other.
  return op.getSlopes().size() > 32 && !getUniformLength(op) ? "more than 32 pieces of different length" : "";
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

/// True if the slopes and intercepts of pieces are looked up in registers; few are selected faster.
bool hasPiecesInRegisters(Kernel &k, PwlOp op) {
  int64_t count = op.getSlopes().size();
  return count > 4 && count <= Narrow(k).mostWords();
}

/// True if tables are read by a vector of indices, not by single ones.
bool gathers(Kernel &k) { return k.isa.hasGroups(); } // has instructions for it

/// The entry of the table for the code at `offset`. What comes from memory needs no instruction that brings a lane of a vector to
/// a scalar, of which cores have few.
Value loadPiece(Kernel &k, PwlOp op, Value memory, Value offset) {
  Value x = arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), k.loadScalar(memory, offset));
  int64_t width = getElementType(op.getInput()).getIntOrFloatBitWidth();
  if (int64_t(cast<MemRefType>(memory.getType()).getElementTypeBitWidth()) > width)
    x = arith::AndIOp::create(k.b, k.loc, x, k.index((int64_t(1) << width) - 1));
  return arith::ShRUIOp::create(k.b, k.loc, x, k.index(*getUniformLength(op)));
}

/// The two numbers of each index in a table of pairs; `indices` is a vector, or null where `getIndex` says that of each lane.
std::pair<Value, Value> loadPairs(Kernel &k, VectorType type, Value table, Value indices,
                                  llvm::function_ref<Value(int64_t lane)> getIndex) {
  int64_t lanes = type.getNumElements();
  Arithmetic a(k);
  if (gathers(k)) {
    Value mask = k.splat(k.b.getI1Type(), 1, lanes);
    auto gather = [&](int64_t which) -> Value {
      return vector::GatherOp::create(k.b, k.loc, type, table, ValueRange{k.index(0)}, a.add(a.shl(indices, 1), which), mask,
                                      a.number(type, 0));
    };
    return {gather(0), gather(1)};
  }
  // One load a pair. The order in which they are joined lets a shuffle inside of 128 bits part them again.
  SmallVector<Value> parts(lanes);
  SmallVector<int64_t> at(lanes);
  int64_t count = 0;
  for (int64_t second : {0, 1})
    for (int64_t lane = 0; lane < lanes; lane += 4)
      for (int64_t i = lane + 2 * second; i < std::min(lane + 2 * second + 2, lanes); ++i) {
        Value index = getIndex(i);
        at[i] = 2 * count;
        parts[count++] = k.load(table, k.mul(index, 2), 2);
      }
  for (int64_t size = 2; parts.size() > 1; size *= 2) {
    SmallVector<Value> joined;
    for (size_t i = 0; i < parts.size(); i += 2)
      joined.push_back(a.shuffle(parts[i], parts[i + 1], llvm::to_vector(llvm::seq<int64_t>(0, 2 * size))));
    parts = std::move(joined);
  }
  auto pick = [&](int64_t which) {
    return a.shuffle(parts[0], parts[0], llvm::map_to_vector(at, [&](int64_t first) { return first + which; }));
  };
  return {pick(0), pick(1)};
}

/// The code of each lane by straight pieces (N19). Which piece follows from the upper bits of the code where all have one length,
/// else from comparisons. Its numbers are looked up in registers, in `table` (slope and intercept of each), or selected on the
/// way. Where `memory` is given, the first `count` codes lie there from `offset` on. `saturates`: what
/// follows keeps the limits of i16.
Value emitPieces(Kernel &k, PwlOp op, Value table, Value x, Value memory, Value offset, int64_t count, bool saturates) {
  auto type = cast<VectorType>(x.getType());
  Arithmetic a(k);
  ArrayRef<int32_t> slopes = op.getSlopes(), intercepts = op.getIntercepts();
  Value slope = a.number(type, slopes[0]), intercept = a.number(type, intercepts[0]);
  if (hasPiecesInRegisters(k, op) && type.getNumElements() == k.isa.lanes) {
    Value piece;
    if (auto length = getUniformLength(op)) {
      piece = a.ushr(a.sub(x, getCodeLimits(cast<IntegerType>(getElementType(op.getInput()))).first), *length);
    } else {
      piece = a.number(type, op.getKnots().size());
      for (int32_t knot : op.getKnots()) // less is -1
        piece = a.add(piece, k.extend(a.less(x, int64_t(knot)), k.b.getI32Type(), k.b.getI32Type()));
    }
    Narrow n(k);
    slope = n.lookUpWords(SmallVector<int64_t>(slopes), piece);
    intercept = n.lookUpWords(SmallVector<int64_t>(intercepts), piece);
  } else if (table) {
    Value pieces;
    if (!memory) {
      int64_t width = getElementType(op.getInput()).getIntOrFloatBitWidth();
      pieces = a.ushr(a.bitAnd(x, (int64_t(1) << width) - 1), *getUniformLength(op));
    } else {
      offset = k.hide(offset); // or LLVM takes the scalars out of the vector of the same codes
    }
    std::tie(slope, intercept) = loadPairs(k, type, table, pieces, [&](int64_t lane) -> Value {
      if (memory)
        return lane < count ? loadPiece(k, op, memory, k.add(offset, lane)) : k.index(0);
      Value piece = vector::ExtractOp::create(k.b, k.loc, pieces, lane);
      return arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), piece);
    });
  } else {
    for (auto [p, knot] : llvm::enumerate(op.getKnots())) {
      Value below = a.less(x, int64_t(knot));
      slope = a.select(below, slope, a.number(type, slopes[p + 1]));
      intercept = a.select(below, intercept, a.number(type, intercepts[p + 1]));
    }
  }
  int64_t shift = op.getShift();
  Value y = a.add(a.mul(slope, x), intercept);
  if (shift)
    y = a.shr(a.add(y, int64_t(1) << (shift - 1)), shift);
  return saturates && int64_t(op.getCodeMin()) == INT16_MIN && int64_t(op.getCodeMax()) == INT16_MAX
             ? y
             : a.clamp(y, op.getCodeMin(), op.getCodeMax());
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
    if (op.getAxis() && getShape(op.getTable()).front() != 1)
      at = k.add(at, k.mul(k.add(channel, lane), entries));
    Value entry = k.extend(k.loadScalar(table, at), getElementType(op.getResult()), k.b.getI32Type());
    result = vector::InsertOp::create(k.b, k.loc, entry, result, lane);
  }
  return result;
}
} // namespace

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
    else if (auto pieces = dyn_cast<PwlOp>(op))
      why = checkPieces(pieces);
    else if (!isa<TransposeOp, ReshapeOp>(op) && !(isFloat && isa<ClampOp>(op)))
      why = ("'" + op->getName().getStringRef() + "' is no epilogue").str();
    if (!why.empty())
      return why;
  }
  return "";
}

/// True if all steps have a form in 16 bits; sets them up for it.
bool Epilogue::canBeNarrow(uint64_t bound) {
  Narrow n(*k);
  if (steps.empty() || !n.hasHalves())
    return false;
  for (auto [i, step] : llvm::enumerate(steps)) {
    auto is8Bit = [](Value value) {
      return getElementType(value).isInteger() && getElementType(value).getIntOrFloatBitWidth() <= 8;
    };
    auto isByte = [](Value value) { return getElementType(value).getIntOrFloatBitWidth() == 8; };
    if (auto requantize = dyn_cast<RequantizeOp>(step.op)) {
      bool isAccumulator = !is8Bit(requantize.getInputs()[step.carried]);
      if (isAccumulator != (i == 0 && requantize.getInputs().size() == 1) || !is8Bit(requantize.getResult()))
        return false;
      auto requantizer = std::make_shared<Requantizer>(*k, requantize, i == 0 ? bound : 0, /*narrow=*/true);
      if (!(isAccumulator ? requantizer->hasHigh() : requantizer->hasCodes()))
        return false;
      step.requantizer = requantizer;
    } else if (auto lut = dyn_cast<LutOp>(step.op)) {
      if (i + 1 < steps.size() || !n.hasTables() || lut.getAxis() || !isByte(lut.getInput()) || !is8Bit(lut.getResult()))
        return false;
    } else {
      return false;
    }
  }
  return true;
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
  Operation *main = getLayoutSource(acc).getDefiningOp();
  uint64_t bound = 0;
  if (auto bounded = dyn_cast_or_null<AccumulatorOpInterface>(main); bounded && bounded.getAccBound())
    bound = *bounded.getAccBound();
  if (getElementType(acc).isF32() && hasLimits(main))
    e.steps.emplace_back().op = main;
  Value value = acc;
  for (Operation *op = *value.user_begin(); !isa<YieldOp>(op); value = op->getResult(0), op = *value.user_begin()) {
    if (isa<TransposeOp, ReshapeOp>(op) || (isa<ClampOp>(op) && !hasLimits(op)))
      continue;
    Step &step = e.steps.emplace_back();
    step.op = op;
    auto requantize = dyn_cast<RequantizeOp>(op);
    if (!requantize)
      continue;
    step.carried = value.use_begin()->getOperandNumber();
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
  }
  e.narrow = e.canBeNarrow(bound);
  for (auto [i, step] : llvm::enumerate(e.steps)) {
    if (auto requantize = dyn_cast<RequantizeOp>(step.op)) {
      if (!e.narrow)
        step.requantizer = std::make_shared<Requantizer>(k, requantize, i == 0 ? bound : 0, /*narrow=*/false);
      step.requantizer->makeTables(k);
    } else if (auto lut = dyn_cast<LutOp>(step.op); lut && !e.narrow) {
      unsigned width = llvm::PowerOf2Ceil(std::max(8u, getElementType(lut.getResult()).getIntOrFloatBitWidth()));
      SmallVector<int64_t> entries = getInts(getConstant(lut.getTable()));
      // Lanes behind the last channel look up, too.
      if (lut.getAxis())
        entries.append(64 * getShape(lut.getTable()).back(), 0);
      step.table = k.constants.get(k.b, k.loc, k.b.getIntegerType(width), entries);
    } else if (auto pwl = dyn_cast<PwlOp>(step.op);
               pwl && getUniformLength(pwl) && pwl.getSlopes().size() > 8 && !hasPiecesInRegisters(k, pwl)) {
      // In the order of the codes' bits: pieces of negative codes come last.
      SmallVector<int64_t> entries;
      size_t pieces = pwl.getSlopes().size(),
             first = cast<IntegerType>(getElementType(pwl.getInput())).isUnsigned() ? 0 : pieces / 2;
      for (size_t i = 0; i < pieces; ++i) {
        size_t piece = (i + first) % pieces;
        entries.append({pwl.getSlopes()[piece], pwl.getIntercepts()[piece]});
      }
      step.table = k.constants.get(k.b, k.loc, k.b.getI32Type(), entries);
    }
  }
  return e;
}

int64_t Epilogue::getCodeLanes() const { return narrow ? Narrow(*k).getCodeLanes() : k->isa.lanes; }

bool Epilogue::mergePositions() {
  auto isWhole = [](const Flat &flat) {
    return flat.isCollapsible() && (flat.sizes.size() < 2 || flat.strides[flat.sizes.size() - 2] == flat.sizes.back() ||
                                    product(ArrayRef(flat.sizes).drop_back()) == 1);
  };
  bool whole = isWhole(result);
  for (Step &step : steps) {
    for (auto [i, operand] : llvm::enumerate(step.operands))
      whole &= i == step.carried || isWhole(operand);
    if (auto requantize = dyn_cast<RequantizeOp>(step.op))
      whole &= requantize.getShifts().size() == 1;
    if (auto lut = dyn_cast<LutOp>(step.op))
      whole &= !lut.getAxis();
  }
  if (!whole)
    return false;
  auto merge = [](Flat &flat) {
    flat.sizes = {product(flat.sizes)};
    flat.strides = {1};
  };
  merge(result);
  for (Step &step : steps)
    for (auto [i, operand] : llvm::enumerate(step.operands))
      if (i != step.carried)
        merge(operand);
  return true;
}

Value Epilogue::loadOperand(const Flat &operand, ValueRange position, Value channel, int64_t count, int64_t lanes) {
  return loadPart(*k, operand.memory, k->add(k->offset(position, operand.strides), channel), count, lanes);
}

void Epilogue::storePart(Value vector, ValueRange position, Value channel, int64_t count) {
  Value offset = k->add(k->offset(position, result.strides), channel);
  forEachPart(std::min(count, cast<VectorType>(vector.getType()).getNumElements()),
              [&](int64_t at, int64_t size) { k->store(k->slice(vector, at, size), result.memory, k->add(offset, at)); });
}

static int64_t sizeOf(Value v) { return cast<VectorType>(v.getType()).getNumElements(); }

/// Appends the codes of one position in 16 bits, less `zero`, before the limits of the last requantization.
void Epilogue::emitHalves(ArrayRef<Value> accs, ValueRange position, Value channel, int64_t count, SmallVectorImpl<Half> &all,
                          int64_t &zero) {
  Kernel &k = *this->k;
  Narrow n(k);
  Arithmetic a(k);
  SmallVector<Half> halves;
  // Codes come as they are in memory, or widened; accumulators need the whole of 32 bits.
  Operation *head = steps.front().op;
  Type code = getElementType(head->getOperand(steps.front().carried));
  bool isCodes = code.getIntOrFloatBitWidth() <= 8;
  bool isWidened = getElementTypeOrSelf(accs.front()).isInteger(32);
  if (isCodes && isWidened)
    halves = n.pack(accs);
  else if (isCodes && !isa<LutOp>(head)) // tables read them as stored
    for (Value acc : accs)
      halves.push_back(n.extend(acc, code));
  std::optional<RequantizeOp> last;
  for (const Step &step : steps) {
    auto requantize = dyn_cast<RequantizeOp>(step.op);
    if (!requantize)
      continue;
    if (!isCodes) {
      bool isLast = &step == &steps.back() || isa<LutOp>((&step + 1)->op);
      halves = step.requantizer->emitNarrow(k, accs, channel, /*inAnyOrder=*/isLast);
    } else {
      int64_t at = 0;
      for (Half &half : halves) {
        int64_t lanes = sizeOf(half.value);
        SmallVector<Half> inputs;
        for (auto [i, operand] : llvm::enumerate(step.operands)) {
          int64_t inputZero = requantize.getInputZeroPoints()[i];
          if (i == step.carried) {
            if (last) // within the limits of the code before
              half.value = a.clamp(half.value, last->getCodeMin() - zero, last->getCodeMax() - zero);
            if (zero != inputZero)
              half.value = a.add(half.value, zero - inputZero);
            inputs.push_back(half);
            continue;
          }
          Value other = loadOperand(operand, position, k.add(channel, at), count - at, lanes);
          inputs.push_back(n.extend(other, operand.code));
          if (inputZero)
            inputs.back().value = a.sub(inputs.back().value, inputZero);
        }
        half = step.requantizer->emitNarrow(k, inputs);
        at += lanes;
      }
    }
    isCodes = true;
    last = requantize;
    zero = int64_t(requantize.getZeroPoint());
  }
  all.append(halves);
}

void Epilogue::storeNarrow(ArrayRef<SmallVector<Value>> accs, ArrayRef<SmallVector<Value>> positions, Value channel,
                           int64_t count) {
  Kernel &k = *this->k;
  Narrow n(k);
  Arithmetic a(k);
  int64_t zero = 0; ///< what the halves lack
  SmallVector<Half> halves;
  for (auto [row, position] : llvm::zip_equal(accs, positions)) {
    zero = 0;
    emitHalves(row, position, channel, count, halves, zero);
  }
  Operation *head = steps.front().op;
  Type code = getElementType(head->getOperand(steps.front().carried));
  std::optional<RequantizeOp> last;
  for (const Step &step : steps)
    if (auto requantize = dyn_cast<RequantizeOp>(step.op))
      last = requantize;
  bool isUnsigned = (last ? getElementType(last->getResult()) : code).isUnsignedInteger();
  int64_t low = isUnsigned ? 0 : -128, min = last ? last->getCodeMin() : low, max = last ? last->getCodeMax() : low + 255;
  // A zero point at the other type's is a flip of the topmost bit.
  bool flips = zero == (isUnsigned ? 128 : -128);
  for (Half &half : halves) {
    if (isUnsigned && min > low)
      half.value = a.max(half.value, min - zero);
    if (isUnsigned && max < low + 255)
      half.value = a.min(half.value, max - zero);
    if (!flips)
      half.value = n.addSaturated(half.value, zero);
  }
  auto packed = halves.empty() ? n.joinPairs(accs.front()) : n.packCodes(halves, isUnsigned != flips, flips ? -128 : 0);
  SmallVector<Value> stored;
  for (Value codes : packed) {
    if (!isUnsigned && min > low)
      codes = a.max(codes, min);
    if (!isUnsigned && max < low + 255)
      codes = a.min(codes, max);
    if (auto lut = dyn_cast<LutOp>(steps.back().op))
      codes = n.lookUp(getInts(getConstant(lut.getTable())), codes, isUnsigned);
    stored.push_back(codes);
  }
  // One position fills several vectors, or one vector holds several positions.
  int64_t all = 0, at = 0;
  for (Value codes : stored)
    all += sizeOf(codes);
  int64_t each = all / int64_t(positions.size());
  for (Value codes : stored) {
    for (int64_t from = 0; from < sizeOf(codes);) {
      int64_t row = at / each, first = at % each, size = std::min(each - first, sizeOf(codes) - from);
      if (first < count)
        storePart(k.slice(codes, from, size), positions[row], k.add(channel, first), count - first);
      from += size;
      at += size;
    }
  }
}

void Epilogue::storeTile(ArrayRef<Value> accs, ArrayRef<SmallVector<Value>> positions, Value channel, int64_t count) {
  size_t each = accs.size() / positions.size();
  // What holds no channel that exists is left out.
  size_t used = 0;
  for (int64_t at = 0; used < each && at < count; ++used)
    at += sizeOf(accs[used]);
  // Two positions of half a register of codes each are packed together.
  bool joins = narrow && Narrow(*k).canJoin() && used == 2 && getElementTypeOrSelf(accs.front()).isInteger(32);
  for (size_t row = 0; row < positions.size();) {
    size_t rows = joins && row + 1 < positions.size() ? 2 : 1;
    SmallVector<SmallVector<Value>> some;
    for (size_t i = row; i < row + rows; ++i)
      some.emplace_back(accs.slice(i * each, used));
    if (narrow)
      storeNarrow(some, positions.slice(row, rows), channel, count);
    else
      storeWide(some.front(), positions[row], channel, count);
    row += rows;
  }
}

bool Epilogue::readsSingleCodes() const {
  return k->isa.arch == "x86" && !narrow && !steps.empty() && isa<PwlOp>(steps.front().op) && steps.front().table;
}

void Epilogue::storeFrom(Value memory, Value offset, ArrayRef<Value> codes, ValueRange position, Value channel, int64_t count) {
  storeWide(codes, position, channel, count, memory, offset);
}

void Epilogue::storeWide(ArrayRef<Value> accs, ValueRange position, Value channel, int64_t count, Value memory, Value offset) {
  Kernel &k = *this->k;
  Narrow n(k);
  auto emitStep = [&](const Step &step, Value value, int64_t at, bool saturates) -> Value {
    int64_t lanes = sizeOf(value);
    Value first = k.add(channel, at);
    if (auto requantize = dyn_cast<RequantizeOp>(step.op)) {
      SmallVector<Value> inputs;
      for (auto [i, operand] : llvm::enumerate(step.operands)) {
        Type code = getElementType(requantize.getInputs()[i]);
        Value input = i == step.carried ? value : loadOperand(operand, position, first, count - at, lanes);
        inputs.push_back(k.extend(input, code, k.b.getI32Type()));
      }
      return step.requantizer->emit(k, inputs, first, saturates);
    }
    if (auto lut = dyn_cast<LutOp>(step.op))
      return lookUp(k, lut, step.table, k.extend(value, getElementType(lut.getInput()), k.b.getI32Type()), first);
    if (auto pwl = dyn_cast<PwlOp>(step.op)) {
      bool isFirst = memory && &step == &steps.front();
      return emitPieces(k, pwl, step.table, k.extend(value, getElementType(pwl.getInput()), k.b.getI32Type()),
                        isFirst ? memory : Value(), isFirst ? k.add(offset, at) : Value(), count - at, saturates);
    }
    return limit(k, cast<ClampOpInterface>(step.op), value);
  };
  // Two vectors become one of codes of 16 bits. Packing saturates, so limits that are those of i16 need nothing else.
  auto code = dyn_cast<IntegerType>(result.code);
  bool packs = n.packsWords() && !steps.empty() && code && !code.isUnsigned() && code.getWidth() > 8 && code.getWidth() <= 16;
  auto isSum = [&](size_t step) { return isa<RequantizeOp>(steps[step].op) && steps[step].requantizer->hasWords(); };
  auto storePair = [&](SmallVector<Value> values, int64_t at) {
    int64_t lanes = k.isa.lanes;
    Value first = k.add(channel, at);
    auto pack = [&](Type code) {
      for (Value &value : values)
        value = k.extend(value, code, k.b.getI32Type());
      return n.pack(values).front();
    };
    for (size_t i = 0; i < steps.size(); ++i) {
      const Step &step = steps[i];
      bool saturates = i + 1 == steps.size() || isSum(i + 1);
      if (!isSum(i)) {
        for (auto [v, value] : llvm::enumerate(values))
          value = emitStep(step, value, at + int64_t(v) * lanes, saturates);
        continue;
      }
      auto requantize = cast<RequantizeOp>(step.op);
      SmallVector<Half> inputs;
      for (auto [input, operand] : llvm::enumerate(step.operands)) {
        Type code = getElementType(requantize.getInputs()[input]);
        inputs.push_back(input == step.carried
                             ? pack(code)
                             : n.extend(loadOperand(operand, position, first, 2 * lanes, 2 * lanes), operand.code));
      }
      values = step.requantizer->emitWords(k, inputs, saturates);
    }
    storePart(n.inOrder(pack(code)), position, first, 2 * lanes);
  };
  int64_t at = 0;
  for (size_t i = 0; i < accs.size(); ++i) {
    int64_t lanes = sizeOf(accs[i]);
    if (packs && i + 1 < accs.size() && lanes == k.isa.lanes && sizeOf(accs[i + 1]) == lanes && count - at >= 2 * lanes) {
      storePair({accs[i], accs[i + 1]}, at);
      at += 2 * lanes;
      ++i;
      continue;
    }
    Value value = accs[i];
    for (const Step &step : steps)
      value = emitStep(step, value, at, /*saturates=*/false);
    if (!getElementTypeOrSelf(value).isF32())
      value = k.truncate(value, cast<MemRefType>(result.memory.getType()).getElementType());
    storePart(value, position, k.add(channel, at), count - at);
    at += lanes;
  }
}
} // namespace qc
