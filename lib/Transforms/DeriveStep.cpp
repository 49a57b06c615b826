// From the graph of a whole sequence the graph of one step: rows of the time axis come one after another, and what an op needs of
// earlier rows is kept in states. Each op has one rule, which says how it treats the axis; there is no rule for a kind of
// network.
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_DERIVESTEP
#include "qc/Transforms/Passes.h.inc"

namespace {
/// How a value of the whole sequence appears in a step.
struct Track {
  int64_t axis = -1;    ///< the dimension of which a step has its own rows only; -1: none
  int64_t rows = 1;     ///< of a step
  int64_t lead = 0;     ///< row r of step s is row s * rows + r - lead of the whole sequence
  int64_t extra = 0;    ///< rows of the whole sequence that no step of it gives
  int64_t history = -1; ///< the dimension that has all rows; those of later steps hold anything, or `later`
  std::optional<double> later;
  double before = 0; ///< where lead < 0: what the rows in front of the first one given hold

  /// True if the value is known in full at each step.
  bool isStatic() const { return axis < 0 && history < 0; }
};

struct Stepped {
  Value value;
  Track track;
};

/// An operand of the op at hand: where its dimensions lie in the result (-1: they are summed), and its value in the step.
struct Use {
  unsigned index;
  SmallVector<int64_t> to;
  Stepped now;

  int64_t axis() const { return now.track.axis < 0 ? -1 : to[now.track.axis]; }
  int64_t history() const { return now.track.history < 0 ? -1 : to[now.track.history]; }
  bool sumsRows() const { return now.track.axis >= 0 && to[now.track.axis] < 0; }
  bool sumsHistory() const { return now.track.history >= 0 && to[now.track.history] < 0; }
};

SmallVector<int64_t> toVector(ArrayRef<int64_t> values) { return SmallVector<int64_t>(values); }

/// The dimension of `to` that dimension `d` of `from` becomes in a reshape: as many elements in front of it, and as long. Else
/// -1.
int64_t getReshapedDim(ArrayRef<int64_t> from, int64_t d, ArrayRef<int64_t> to) {
  int64_t front = product(from.take_front(d)), before = 1;
  for (auto [i, size] : llvm::enumerate(to)) {
    if (before == front && size == from[d])
      return i;
    before *= size;
  }
  return -1;
}

class Stepper {
public:
  Stepper(func::FuncOp function, unsigned input, int64_t axis, int64_t rows, bool bounded)
      : function(function), input(input), axis(axis), rows(rows), bounded(bounded), b(function.getContext()) {
    length = cast<ShapedType>(function.getArgumentTypes()[input]).getDimSize(axis);
    steps = length / rows;
  }

  /// Not 1 after a failure: no error was emitted, and this many times as many rows are needed in a step.
  int64_t factor = 1;

  LogicalResult run() {
    return replaceBody(function.getBody(), [&](Block &old, Block &next) {
      body = &next;
      b.setInsertionPointToStart(body);
      return convert(old);
    });
  }

private:
  //===--- Frame ---------------------------------------------------------------------------------------------------------===//

  LogicalResult convert(Block &old) {
    auto note = [&](SmallVectorImpl<DictionaryAttr> &list, DictionaryAttr attrs) {
      list.push_back(attrs ? attrs : b.getDictionaryAttr({}));
      if (auto name = list.back().getAs<StringAttr>("qc.name"))
        names.insert(name);
    };
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      note(argAttrs, function.getArgAttrDict(i));
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      note(resultAttrs, function.getResultAttrDict(i));
    for (BlockArgument argument : old.getArguments()) {
      Track track;
      Type type = argument.getType();
      if (argument.getArgNumber() == input) {
        track.axis = axis;
        track.rows = rows;
        type = getStepType(argument, track);
        setAttr(argAttrs[input], sequenceName, b.getDenseI64ArrayAttr({axis, length, 0}));
      }
      known[argument] = {body->addArgument(type, argument.getLoc()), track};
    }
    if (bounded) {
      position = body->addArgument(RankedTensorType::get({1}, b.getI32Type()), function.getLoc());
      argAttrs.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("qc.name", b.getStringAttr(makeName("position"))), b.getNamedAttr(positionName, b.getUnitAttr())}));
    }
    for (Operation &op : old.without_terminator())
      if (failed(convert(&op)))
        return failure();
    return finish(old.getTerminator());
  }

  LogicalResult finish(Operation *terminator) {
    SmallVector<Value> results;
    bool any = false;
    for (unsigned i = 0; i < terminator->getNumOperands(); ++i) {
      Value operand = terminator->getOperand(i);
      auto name = function.getResultAttrOfType<StringAttr>(i, "qc.name");
      std::string what = ("output '" + (name ? name.getValue() : StringRef("")) + "' ").str();
      auto refuse = [&](const Twine &why) { return emitError(operand.getLoc()) << what << why; };
      if (failed(settle(operand)))
        return failure();
      auto [value, track] = known[operand];
      if (track.history >= 0)
        return refuse("has a row for each pair of positions: a step gives rows of its own only");
      if (track.extra > 0)
        return refuse("is not causal: of " + Twine(getShape(operand)[track.axis]) + " rows the last " + Twine(track.extra) +
                      " need rows behind the end of the sequence; pad at the start only");
      if (track.axis >= 0) {
        any = true;
        setAttr(resultAttrs[i], sequenceName, b.getDenseI64ArrayAttr({track.axis, getShape(operand)[track.axis], track.lead}));
      }
      results.push_back(value);
    }
    if (!any)
      return emitError(function.getLoc())
             << "no output has a row for each row of the sequence, so there is nothing that a step could give";
    for (auto &[value, attrs] : nextStates) {
      results.push_back(value);
      resultAttrs.push_back(attrs);
    }
    func::ReturnOp::create(b, terminator->getLoc(), results);
    function.setFunctionType(b.getFunctionType(body->getArgumentTypes(), ValueRange(results).getTypes()));
    function.setAllArgAttrs(argAttrs);
    function.setAllResultAttrs(resultAttrs);
    return success();
  }

  template <typename T> void setAttr(T &attrs, StringRef name, Attribute value) {
    NamedAttrList list(attrs);
    list.set(name, value);
    attrs = list.getDictionary(b.getContext());
  }

  std::string makeName(StringRef wanted) {
    std::string name = wanted.str();
    for (int i = 2; !names.insert(name).second; ++i)
      name = (wanted + "_" + Twine(i)).str();
    return name;
  }

  LogicalResult refuse(Operation *op, const Twine &why) {
    return emitError(op->getLoc()) << "'" << op->getName().stripDialect() << "' " << why;
  }

  RankedTensorType getStepType(Value old, const Track &track) {
    SmallVector<int64_t> shape = toVector(getShape(old));
    if (track.axis >= 0)
      shape[track.axis] = track.rows;
    return withShape(old.getType(), shape);
  }

  /// How many rows of the whole sequence no step gives.
  int64_t getExtra(int64_t size, const Track &track) { return size - track.rows * steps + track.lead; }

  //===--- Remembering -----------------------------------------------------------------------------------------------------===//

  /// A state named after `old`; `setNext` says what follows.
  BlockArgument addState(Value old, RankedTensorType type, double initial) {
    Location loc = old.getLoc();
    StringRef name = getLocName(loc);
    std::string past = makeName(name.empty() ? "state" : (name + ".past").str()),
                next = makeName(name.empty() ? "state.next" : (name + ".next").str());
    Attribute number = isa<FloatType>(type.getElementType()) ? Attribute(b.getF32FloatAttr(float(initial)))
                                                             : Attribute(b.getI64IntegerAttr(int64_t(initial)));
    argAttrs.push_back(
        b.getDictionaryAttr({b.getNamedAttr("qc.name", b.getStringAttr(past)), b.getNamedAttr(stateName, b.getStringAttr(next)),
                             b.getNamedAttr(initialName, number)}));
    nextStates.push_back({Value(), b.getDictionaryAttr({b.getNamedAttr("qc.name", b.getStringAttr(next))})});
    return body->addArgument(type, loc);
  }
  void setNext(Value value) { nextStates.back().first = value; }

  /// The rows of a step behind the `past` ones before it, which hold `initial` at first.
  struct Window {
    int64_t past;
    double initial;
    Value value;
  };
  Value getWindow(Value old, int64_t past, double initial) {
    auto [value, track] = known[old];
    if (!past)
      return value;
    for (const Window &window : windows[old])
      if (window.past == past && window.initial == initial)
        return window.value;
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape = toVector(type.getShape());
    shape[track.axis] = past;
    Value state = addState(old, withShape(type, shape), initial);
    shape[track.axis] = past + track.rows;
    Value window = ConcatOp::create(b, old.getLoc(), withShape(type, shape), ValueRange{state, value}, track.axis);
    setNext(getSlice(window, track.axis, track.rows, past));
    windows[old].push_back({past, initial, window});
    return window;
  }

  Value getSlice(Value value, int64_t axis, int64_t start, int64_t size) {
    SmallVector<int64_t> starts(getShape(value).size()), steps(starts.size(), 1), sizes = toVector(getShape(value));
    if (start == 0 && sizes[axis] == size)
      return value;
    starts[axis] = start;
    sizes[axis] = size;
    return SliceOp::create(b, value.getLoc(), withShape(value.getType(), sizes), value, starts, sizes, steps);
  }

  /// Makes the rows of `old` come `frames` later.
  void delay(Value old, int64_t frames, double initial) {
    Stepped now = known[old];
    now.value = getSlice(getWindow(old, frames, initial), now.track.axis, 0, now.track.rows);
    now.track.lead += frames;
    now.track.before = 0;
    known[old] = now;
  }

  /// Rows that a pad put in front become rows of steps. Ops that know how to go on without that do not ask.
  LogicalResult settle(Value old) {
    if (Track track = known[old].track; track.lead < 0)
      delay(old, -track.lead, track.before);
    return success();
  }

  /// All rows of `old` up to this step, in place of the row of this step.
  LogicalResult remember(Operation *op, Value old, double initial, Stepped &result) {
    auto [value, track] = known[old];
    if (track.history >= 0)
      return refuse(op, "needs all pairs of positions");
    if (!bounded)
      return refuse(op,
                    "needs all earlier rows of the sequence, which a stream does not keep; -decode keeps those of a sequence");
    auto shape = getShape(old);
    if (track.lead || track.extra || shape[track.axis] != length)
      return refuse(op, "needs all earlier rows of a value whose rows are not those of the input");
    if (auto it = remembered.find(old); it != remembered.end()) {
      result = it->second;
      return success();
    }
    SmallVector<int64_t> others = toVector(shape), order;
    others.erase(others.begin() + track.axis);
    auto type = cast<RankedTensorType>(value.getType());
    auto stacked = [&](int64_t count) {
      SmallVector<int64_t> sizes{count};
      sizes.append(others);
      return withShape(type, sizes);
    };
    // One row of time, wherever its dimension lies, is the same bytes with that dimension in front.
    Location loc = old.getLoc();
    Value row = stacked(1) == type ? value : ReshapeOp::create(b, loc, stacked(1), value).getResult();
    Value state = addState(old, stacked(length), initial);
    Value all = ScatterOp::create(b, loc, stacked(length), ScatterKind::Set, state, position, row);
    setNext(all);
    for (int64_t d = 0; d < int64_t(shape.size()); ++d)
      order.push_back(d == track.axis ? 0 : d < track.axis ? d + 1 : d);
    if (track.axis)
      all = TransposeOp::create(b, loc, withShape(type, shape), all, order);
    Track history;
    history.history = track.axis;
    remembered[old] = result = {all, history};
    return success();
  }

  /// Row `position` of dimension `d` of a value that is known in full.
  LogicalResult takeRow(Operation *op, Value old, int64_t d, Stepped &result) {
    if (!bounded)
      return refuse(op, "has an operand that differs from row to row: a stream has no positions; -decode counts them");
    Value value = known[old].value;
    if (auto it = taken.find({value, d}); it != taken.end()) {
      result.value = it->second;
      return success();
    }
    SmallVector<int64_t> shape = toVector(getShape(value)), order{d}, moved{shape[d]}, row = shape;
    for (int64_t i = 0; i < int64_t(shape.size()); ++i)
      if (i != d)
        order.push_back(i), moved.push_back(shape[i]);
    row[d] = 1;
    Location loc = value.getLoc();
    auto movedType = withShape(value.getType(), moved);
    Value first = value;
    if (product(ArrayRef(shape).take_front(d)) == 1) {
      if (d)
        first = ReshapeOp::create(b, loc, movedType, value);
    } else if (ElementsAttr constant = getConstant(value)) {
      first = ConstantOp::create(b, loc, movedType, transpose(constant, shape, order, movedType));
    } else {
      first = TransposeOp::create(b, loc, movedType, value, order);
    }
    moved[0] = 1;
    Value found = TakeOp::create(b, loc, withShape(value.getType(), moved), first, position);
    if (moved != row)
      found = ReshapeOp::create(b, loc, withShape(value.getType(), row), found);
    taken[{value, d}] = result.value = found;
    return success();
  }

  static ElementsAttr transpose(ElementsAttr constant, ArrayRef<int64_t> shape, ArrayRef<int64_t> order, RankedTensorType type) {
    SmallVector<int64_t> strides(shape.size(), 1), index(shape.size());
    for (int64_t d = int64_t(shape.size()) - 2; d >= 0; --d)
      strides[d] = strides[d + 1] * shape[d + 1];
    auto permute = [&](auto values) {
      auto moved = values;
      for (auto &element : moved) {
        int64_t from = 0;
        for (auto [i, d] : llvm::enumerate(order))
          from += index[i] * strides[d];
        element = values[from];
        for (int64_t i = int64_t(order.size()) - 1; i >= 0 && ++index[i] == shape[order[i]]; --i)
          index[i] = 0;
      }
      return moved;
    };
    if (isa<FloatType>(type.getElementType()))
      return makeElements(type, ArrayRef<float>(permute(getFloats(constant))));
    return makeElements(type, ArrayRef<int64_t>(permute(getInts(constant))));
  }

  //===--- Rules -----------------------------------------------------------------------------------------------------------===//

  LogicalResult convert(Operation *op) {
    if (op->getNumResults() != 1 || op->getNumRegions())
      return refuse(op, "has no rule for the axis of the sequence");
    if (llvm::all_of(op->getOperands(), [&](Value v) { return known[v].track.isStatic(); })) {
      Operation *same = b.clone(*op);
      for (OpOperand &operand : same->getOpOperands())
        operand.set(known[operand.get()].value);
      known[op->getResult(0)] = {same->getResult(0), Track()};
      return success();
    }
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<AddOp, SubOp, MulOp, DivOp, BinaryOp, CompareOp, SelectOp, ClampOp, ActivationOp, PReluOp, CastOp, QuantizeOp,
              DequantizeOp, RequantizeOp, LutOp, PwlOp, HypotCodesOp, ThresholdOp>([&](auto) { return elementwise(op); })
        .Case<SoftmaxOp, SoftmaxCodesOp>([&](auto softmax) { return softmaxRule(softmax); })
        .Case<NormalizeOp, NormalizeCodesOp>([&](auto normalize) {
          return avoid(op, llvm::to_vector(llvm::seq<int64_t>(normalize.getFirstAxis(), normalize.getLastAxis() + 1)),
                       "normalizes over");
        })
        .Case([&](MatmulOp matmul) { return matmulRule(matmul); })
        .Case([&](TakeOp take) { return takeRule(take); })
        .Case([&](ReshapeOp reshape) { return reshapeRule(reshape); })
        .Case([&](TransposeOp transpose) { return transposeRule(transpose); })
        .Case([&](SliceOp slice) { return sliceRule(slice); })
        .Case([&](PadOp pad) { return padRule(pad); })
        .Case([&](GatherOp gather) { return avoid(op, {int64_t(gather.getAxis())}, "selects elements of"); })
        .Case([&](ConcatOp concat) { return avoid(op, {int64_t(concat.getAxis())}, "joins values along"); })
        .Case([&](ReduceOp reduce) { return reduceRule(reduce); })
        .Case([&](ConvOp conv) { return windowRule(conv, getFilter(conv), int64_t(conv.getPadValue())); })
        .Case([&](PoolOp pool) { return poolRule(pool); })
        .Default([&](Operation *) { return refuse(op, "has no rule for the axis of the sequence"); });
  }

  /// The op of the step: `op` with these operands and a result of these rows.
  Operation *emit(Operation *op, ArrayRef<Value> operands, const Track &track) {
    Value old = op->getResult(0);
    Operation *made = b.clone(*op);
    made->setOperands(operands);
    Type element = getElementType(old);
    // Accumulators may have become wider; what moves them moves the wider ones.
    if (isa<ReshapeOp, TransposeOp, SliceOp, PadOp, GatherOp, ConcatOp>(op) && op->getNumOperands())
      element = getElementType(operands[0]);
    made->getResult(0).setType(withElementType(getStepType(old, track), element));
    if (auto accumulator = dyn_cast<AccumulatorOpInterface>(made); accumulator && accumulator.getAccBound()) {
      std::string why;
      auto bound = accumulator.computeAccBound(why);
      if (succeeded(bound)) { // the verifier says why not
        accumulator.setAccBoundAttr(b.getIntegerAttr(b.getIntegerType(64, /*isSigned=*/false), *bound));
        if (*bound > uint64_t(INT32_MAX))
          made->getResult(0).setType(withElementType(made->getResult(0).getType(), b.getI64Type()));
      }
    }
    known[old] = {made->getResult(0), track};
    return made;
  }

  /// Operands whose dimensions are the result's, aligned at the last one as in numpy.
  SmallVector<Use> align(Operation *op, unsigned first, unsigned count, int64_t rank) {
    SmallVector<Use> uses;
    for (unsigned i = first; i < first + count; ++i) {
      int64_t own = getShape(op->getOperand(i)).size();
      uses.push_back({i, llvm::to_vector(llvm::seq<int64_t>(rank - own, rank)), known[op->getOperand(i)]});
    }
    return uses;
  }

  /// Brings operands together: one axis of rows, one of history, equal delays; of what is known in full, the row of this
  /// position.
  FailureOr<Track> join(Operation *op, MutableArrayRef<Use> uses) {
    Track track;
    for (Use &use : uses)
      if (use.history() >= 0) {
        if (track.history >= 0 && track.history != use.history())
          return refuse(op, "relates the positions of three axes");
        track.history = use.history();
      }
    Use *first = nullptr;
    for (Use &use : uses) {
      Value old = op->getOperand(use.index);
      if (use.now.track.axis >= 0 && use.now.track.history < 0 && use.axis() == track.history && track.history >= 0)
        if (failed(remember(op, old, 0, use.now)))
          return failure();
      if (use.axis() < 0)
        continue;
      if (!first)
        first = &use;
      if (first->axis() != use.axis() || use.axis() == track.history)
        return refuse(op, "relates rows of two positions");
      if (first->now.track.rows != use.now.track.rows)
        return refuse(op, "has operands with different numbers of rows in a step");
    }
    if (!first)
      return refuse(op, "has the rows of all positions, but none of this one");
    track.axis = first->axis();
    track.rows = first->now.track.rows;
    for (Use &use : uses)
      track.lead = std::max(track.lead, use.axis() >= 0 ? use.now.track.lead : 0);
    for (Use &use : uses) {
      Value old = op->getOperand(use.index);
      if (use.axis() >= 0) {
        if (int64_t late = track.lead - use.now.track.lead) {
          delay(old, late, 0);
          use.now = known[old];
        }
        continue;
      }
      for (auto [d, to] : llvm::enumerate(use.to))
        if (to == track.axis && getShape(old)[d] > 1) {
          if (track.lead)
            return refuse(op, "has an operand that differs from row to row beside one that comes later than its position");
          if (failed(takeRow(op, old, d, use.now)))
            return failure();
        }
    }
    track.extra = getExtra(getShape(op->getResult(0))[track.axis], track);
    return track;
  }

  LogicalResult settleOperands(Operation *op) {
    for (Value operand : op->getOperands())
      if (failed(settle(operand)))
        return failure();
    return success();
  }

  /// Operands [0, count) are aligned at the last dimension of the result, or are all that counts; others are tables.
  LogicalResult elementwise(Operation *op) {
    if (failed(settleOperands(op)))
      return failure();
    unsigned count = isa<LutOp, ThresholdOp>(op) ? 1 : op->getNumOperands();
    SmallVector<Use> uses = align(op, 0, count, getShape(op->getResult(0)).size());
    auto track = join(op, uses);
    if (failed(track))
      return failure();
    auto axis = llvm::TypeSwitch<Operation *, std::optional<uint64_t>>(op)
                    .Case<RequantizeOp, LutOp, ThresholdOp>([](auto op) { return op.getAxis(); })
                    .Default([](Operation *) { return std::nullopt; });
    if (axis && int64_t(*axis) == track->axis)
      return refuse(op, "has a scale or table for each row of the sequence");
    return emitJoined(op, uses, *track);
  }

  LogicalResult emitJoined(Operation *op, ArrayRef<Use> uses, const Track &track) {
    SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value v) { return known[v].value; });
    for (const Use &use : uses)
      operands[use.index] = use.now.value;
    emit(op, operands, track);
    return success();
  }

  /// Ops whose operands are aligned and that work along the `axes` of the result: none of them may be the sequence's.
  LogicalResult avoid(Operation *op, ArrayRef<int64_t> axes, StringRef what) {
    if (failed(settleOperands(op)))
      return failure();
    SmallVector<Use> uses = align(op, 0, op->getNumOperands(), getShape(op->getResult(0)).size());
    for (const Use &use : uses)
      if (llvm::is_contained(axes, use.axis()) || llvm::is_contained(axes, use.history()))
        return refuse(op, what + " the axis of the sequence");
    auto track = join(op, uses);
    return failed(track) ? failure() : emitJoined(op, uses, *track);
  }

  /// True if `mask`, aligned with a result of `rank` dimensions, is false wherever the position on `history` is behind that on
  /// `axis`.
  static bool isCausal(ElementsAttr mask, int64_t rank, int64_t axis, int64_t history) {
    auto shape = mask.getShapedType().getShape();
    int64_t offset = rank - int64_t(shape.size()), row = axis - offset, column = history - offset;
    if (row < 0 || column < 0 || shape[row] == 1 || shape[column] == 1)
      return false;
    int64_t rowStride = product(shape.drop_front(row + 1)), columnStride = product(shape.drop_front(column + 1));
    for (auto [i, value] : llvm::enumerate(getInts(mask)))
      if (value && int64_t(i) / columnStride % shape[column] > int64_t(i) / rowStride % shape[row])
        return false;
    return true;
  }

  template <typename Op> LogicalResult softmaxRule(Op op) {
    Value input = op.getInput(), mask = op.getMask();
    int64_t axis = op.getAxis(), rank = getShape(input).size();
    if (failed(settleOperands(op)))
      return failure();
    SmallVector<Use> uses = align(op, 0, 1, rank);
    if (mask)
      uses.append(align(op, op->getNumOperands() - 1, 1, rank));
    if (uses[0].axis() == axis)
      return refuse(op, "normalizes over the axis of the sequence");
    bool attends = uses[0].history() == axis;
    ElementsAttr constant = mask ? getConstant(mask) : ElementsAttr();
    if (attends && (!constant || !isCausal(constant, rank, uses[0].axis(), axis)))
      return refuse(op, !mask       ? "looks at all positions: it has no mask that hides later ones"
                        : !constant ? "has a mask that is computed, so nothing says that it hides later positions"
                                    : "has a mask that shows later positions: it is not causal");
    auto track = join(op, uses);
    if (failed(track))
      return failure();
    if (attends && !op.getLog()) {
      if constexpr (std::is_same_v<Op, SoftmaxCodesOp>)
        track->later = double(std::clamp<int64_t>(op.getZeroPoint(), op.getCodeMin(), op.getCodeMax()));
      else
        track->later = 0;
    }
    return emitJoined(op, uses, *track);
  }

  LogicalResult matmulRule(MatmulOp op) {
    if (failed(settleOperands(op)))
      return failure();
    int64_t rank = getShape(op.getResult()).size();
    SmallVector<Use> uses = align(op, 0, 2, rank);
    Use &lhs = uses[0], &rhs = uses[1];
    lhs.to.back() = -1;
    rhs.to[rhs.to.size() - 2] = -1;
    int64_t zeros[] = {int64_t(op.getLhsZeroPoint()), int64_t(op.getRhsZeroPoint())};
    bool sums = false, hidden = false;
    for (Use &use : uses) {
      if (use.sumsRows() && failed(remember(op, op->getOperand(use.index), zeros[use.index], use.now)))
        return failure();
      sums |= use.sumsHistory();
      hidden |= use.sumsHistory() && use.now.track.later && *use.now.track.later == double(zeros[use.index]);
    }
    if (sums && !hidden)
      return refuse(op, "sums over the positions of the sequence without a causal mask");
    // Each position with each earlier one: the first operand has this position, the second all of them.
    if (lhs.axis() >= 0 && rhs.axis() >= 0 && lhs.axis() != rhs.axis() && failed(remember(op, op.getRhs(), zeros[1], rhs.now)))
      return failure();
    if (op.getBias())
      uses.append(align(op, 2, 1, rank));
    auto track = join(op, uses);
    return failed(track) ? failure() : emitJoined(op, uses, *track);
  }

  LogicalResult takeRule(TakeOp op) {
    if (failed(settleOperands(op)))
      return failure();
    auto [value, from] = known[op.getInput()];
    auto [indices, track] = known[op.getIndices()];
    if (!from.isStatic()) {
      if (!track.isStatic() || from.axis == 0 || from.history == 0)
        return refuse(op, "selects rows of the sequence by number");
      int64_t shift = int64_t(getShape(op.getIndices()).size()) - 1;
      track = from;
      track.axis += from.axis >= 0 ? shift : 0;
      track.history += from.history >= 0 ? shift : 0;
    }
    track.later.reset();
    emit(op, {value, indices}, track);
    return success();
  }

  LogicalResult reshapeRule(ReshapeOp op) {
    auto [value, track] = known[op.getInput()];
    auto from = getShape(op.getInput()), to = getShape(op.getResult());
    for (int64_t *d : {&track.axis, &track.history})
      if (*d >= 0 && (*d = getReshapedDim(from, *d, to)) < 0)
        return refuse(op, "merges or divides the axis of the sequence");
    emit(op, {value}, track);
    return success();
  }

  LogicalResult transposeRule(TransposeOp op) {
    auto [value, track] = known[op.getInput()];
    for (int64_t *d : {&track.axis, &track.history})
      if (*d >= 0)
        *d = llvm::find(op.getPermutation(), *d) - op.getPermutation().begin();
    emit(op, {value}, track);
    return success();
  }

  LogicalResult sliceRule(SliceOp op) {
    auto [value, track] = known[op.getInput()];
    SmallVector<int64_t> starts = toVector(op.getStarts()), sizes = toVector(op.getSizes());
    if (int64_t h = track.history; h >= 0 && (starts[h] || sizes[h] != getShape(op.getInput())[h] || op.getSteps()[h] != 1))
      return refuse(op, "selects positions of the sequence");
    if (track.axis >= 0) {
      if (op.getSteps()[track.axis] != 1)
        return refuse(op, "takes not every row of the sequence");
      track.lead += starts[track.axis];
      track.extra = getExtra(sizes[track.axis], track);
      starts[track.axis] = 0;
      sizes[track.axis] = track.rows;
    }
    if (ArrayRef(sizes) == getShape(value)) { // of nothing but rows that no step gives
      known[op.getResult()] = {value, track};
      return success();
    }
    auto made = cast<SliceOp>(emit(op, {value}, track));
    made.setStarts(starts);
    made.setSizes(sizes);
    return success();
  }

  LogicalResult padRule(PadOp op) {
    auto [value, track] = known[op.getInput()];
    SmallVector<int64_t> low = toVector(op.getLow()), high = toVector(op.getHigh());
    if (track.history >= 0 && (low[track.history] || high[track.history]))
      return refuse(op, "adds positions to the sequence");
    if (track.axis >= 0 && (low[track.axis] || high[track.axis])) {
      double code = isa<FloatType>(getElementType(op.getInput())) ? double(op.getValue().convertToFloat())
                                                                  : double(int64_t(op.getPadValue()));
      if (op.getMode() != PadMode::Constant)
        return refuse(op, "repeats rows of the sequence at its ends: a step knows none in front of the first one");
      if (low[track.axis] && track.lead > 0)
        return refuse(op, "pads the start of a value that comes " + Twine(track.lead) + " rows late");
      if (low[track.axis] && track.lead < 0 && track.before != code) {
        if (failed(settle(op.getInput())))
          return failure();
        return refuse(op, "pads the start of the sequence with other numbers than a pad before it");
      }
      track.before = low[track.axis] ? code : track.before;
      track.lead -= low[track.axis];
      track.extra = getExtra(getShape(op.getResult())[track.axis], track);
      low[track.axis] = high[track.axis] = 0;
    }
    if (llvm::all_of(low, [](int64_t v) { return !v; }) && llvm::all_of(high, [](int64_t v) { return !v; })) {
      known[op.getResult()] = {value, track};
      return success();
    }
    track.later.reset();
    auto made = cast<PadOp>(emit(op, {value}, track));
    made.setLow(low);
    made.setHigh(high);
    return success();
  }

  LogicalResult reduceRule(ReduceOp op) {
    if (failed(settleOperands(op)))
      return failure();
    auto [value, track] = known[op.getInput()];
    for (int64_t *d : {&track.axis, &track.history}) {
      if (*d < 0)
        continue;
      if (llvm::is_contained(op.getAxes(), *d))
        return refuse(op, "reduces the axis of the sequence");
      if (!op.getKeepDims())
        *d -= llvm::count_if(op.getAxes(), [&](int64_t axis) { return axis < *d; });
    }
    track.later.reset();
    emit(op, {value}, track);
    return success();
  }

  /// How a spatial op works along the axis of the sequence.
  struct Filter {
    int64_t kernel, stride, dilation, low, high;
  };

  template <typename Op> Filter getFilter(Op op) {
    int64_t d = known[op.getInput()].track.axis - 2;
    if (d < 0)
      return {1, 1, 1, 0, 0};
    int64_t kernel;
    if constexpr (std::is_same_v<Op, ConvOp>)
      kernel = getShape(op.getWeight())[d + 2];
    else
      kernel = op.getKernel()[d];
    return {kernel, op.getStrides()[d], op.getDilations()[d], op.getPads()[d], op.getPads()[op.getStrides().size() + d]};
  }

  LogicalResult poolRule(PoolOp op) {
    Filter window = getFilter(op);
    double initial = int64_t(op.getPadValue());
    if (op.getKind() == PoolKind::Max) {
      auto code = dyn_cast<IntegerType>(getElementType(op.getInput()));
      initial = code ? double(getCodeLimits(code).first) : -std::numeric_limits<float>::infinity();
    } else if (op.getKind() == PoolKind::Average && window.low + window.high && !op.getCountIncludePad()) {
      return refuse(op, "divides by the number of rows that exist, which differs at the start of the sequence");
    }
    return windowRule(op, window, initial);
  }

  template <typename Op> LogicalResult windowRule(Op op, Filter window, double initial) {
    Value input = op.getInput();
    Track track = known[input].track;
    for (Value operand : op->getOperands().drop_front())
      if (!known[operand].track.isStatic())
        return refuse(op, "has weights that depend on the sequence");
    if (track.history >= 0 || track.axis == 1)
      return refuse(op, "takes the axis of the sequence for its channels, or pairs of positions");
    SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value v) { return known[v].value; });
    track.later.reset();
    if (track.axis == 0) {
      if (failed(settle(input)))
        return failure();
      operands[0] = known[input].value;
      emit(op, operands, known[input].track);
      return success();
    }
    int64_t reach = window.dilation * (window.kernel - 1), stride = window.stride;
    if (track.lead < 0 && window.low && track.before != initial) {
      if (failed(settle(input)))
        return failure();
      track = known[input].track;
    }
    if (track.lead > 0 && window.low)
      return refuse(op, "pads the start of a value that comes " + Twine(track.lead) +
                            " rows late, because something before it looks ahead");
    if (track.lead < 0)
      initial = track.before;
    if (track.rows % stride) {
      if (bounded)
        return refuse(op, "takes one row in " + Twine(stride) + ": a step of -decode is one row");
      factor = stride / std::gcd(track.rows, stride);
      return failure();
    }
    // Row i of the step reads the rows i * stride - past + [0, reach] of it: none that has not come, and those of a whole row
    // late.
    int64_t pads = window.low - track.lead, past = std::max<int64_t>({pads, reach - (stride - 1)});
    past += ((pads - past) % stride + stride) % stride;
    Value all = getWindow(input, std::max<int64_t>(past, 0), initial);
    int64_t inputAxis = track.axis, count = track.rows / stride;
    operands[0] = getSlice(all, inputAxis, std::max<int64_t>(-past, 0), (count - 1) * stride + reach + 1);
    track.rows = count;
    track.lead = (past - pads) / stride;
    track.before = 0;
    track.extra = getExtra(getShape(op.getResult())[track.axis], track);
    auto made = cast<Op>(emit(op, operands, track));
    SmallVector<int64_t> spatial = toVector(made.getPads());
    spatial[inputAxis - 2] = spatial[made.getStrides().size() + inputAxis - 2] = 0;
    made.setPads(spatial);
    return success();
  }

  func::FuncOp function;
  unsigned input;
  int64_t axis, rows, length = 0, steps = 0;
  bool bounded;
  OpBuilder b;
  Block *body = nullptr;
  Value position;
  DenseMap<Value, Stepped> known;
  DenseMap<Value, SmallVector<Window>> windows;
  DenseMap<std::pair<Value, int64_t>, Value> taken;
  DenseMap<Value, Stepped> remembered;
  SmallVector<DictionaryAttr> argAttrs, resultAttrs;
  SmallVector<std::pair<Value, DictionaryAttr>> nextStates;
  llvm::StringSet<> names;
};

struct DeriveStep : impl::DeriveStepBase<DeriveStep> {
  using DeriveStepBase::DeriveStepBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || sequence.empty())
      return;
    if (failed(derive(function)))
      signalPassFailure();
  }

  LogicalResult derive(func::FuncOp function) {
    auto fail = [&](const Twine &why) -> LogicalResult {
      return emitError(function.getLoc()) << "sequence '" << sequence << "': " << why;
    };
    if (!function.getBody().hasOneBlock())
      return fail("the function must have one block");
    auto [name, number] = StringRef(sequence).rsplit(':');
    std::optional<unsigned> input = findArgument(function, sequence); // names may hold a colon
    if (input)
      number = "";
    else if (!number.empty())
      input = findArgument(function, name);
    if (!input)
      return fail("no input '" + (number.empty() ? StringRef(sequence) : name) + "'; the inputs are " +
                  listPorts(function, true));
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, stateName))
        return fail("the function has states already; a step makes its own");
    auto type = dyn_cast<RankedTensorType>(function.getArgumentTypes()[*input]);
    if (!type || !type.hasStaticShape())
      return fail("the length of the sequence must be known; bind it with -dim");
    int64_t axis = type.getRank() - 1;
    while (axis >= 0 && type.getDimSize(axis) == 1)
      --axis;
    if (!number.empty() && (number.getAsInteger(10, axis) || axis < 0 || axis >= type.getRank()))
      return fail("'" + number + "' is no axis of the input: use 0 to " + Twine(type.getRank() - 1));
    if (axis < 0 || type.getDimSize(axis) == 1)
      return fail("the input has one row only: give the graph of a whole sequence");
    int64_t length = type.getDimSize(axis);
    for (int64_t rows = 1;;) {
      if (length % rows)
        return fail("its " + Twine(length) + " rows are no multiple of the " + Twine(rows) +
                    " rows that a step takes; export it with a multiple");
      Stepper stepper(function, *input, axis, rows, bounded);
      if (succeeded(stepper.run()))
        break;
      if (stepper.factor == 1)
        return failure();
      rows *= stepper.factor;
    }
    return success();
  }
};
} // namespace
} // namespace qc
