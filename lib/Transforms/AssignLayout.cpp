// Chooses the order of dimensions in which each activation lies in memory: channels last between spatial ops.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>
#include <optional>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_ASSIGNLAYOUT
#include "qc/Transforms/Passes.h.inc"

namespace {
/// How a value lies in memory: dimension i of the stored tensor is dimension order[i] of the value.
using Order = SmallVector<int64_t>;

Order identityOrder(size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Order channelsLast(size_t rank) {
  if (rank < 3)
    return identityOrder(rank);
  Order order{0};
  for (size_t i = 2; i < rank; ++i)
    order.push_back(i);
  order.push_back(1);
  return order;
}

Order inverse(ArrayRef<int64_t> order) {
  Order result(order.size());
  for (auto [i, d] : llvm::enumerate(order))
    result[d] = i;
  return result;
}

/// values[order[0]], values[order[1]], ...
Order pick(ArrayRef<int64_t> values, ArrayRef<int64_t> order) {
  return llvm::map_to_vector(order, [&](int64_t d) { return values[d]; });
}

/// True if a transpose of a tensor of `shape` changes the order of its elements.
bool movesData(ArrayRef<int64_t> shape, ArrayRef<int64_t> permutation) {
  int64_t last = -1;
  for (int64_t d : permutation) {
    if (shape[d] == 1)
      continue;
    if (d < last)
      return true;
    last = d;
  }
  return false;
}

/// Scales along a dimension name it in the type, which no transpose here rewrites.
bool hasAxisScales(Type type) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  QuantSchemeInterface scheme = shaped ? getScheme(type) : QuantSchemeInterface();
  return !shaped || (scheme && scheme.getChannelAxis() >= 0) ||
         isa<quant::UniformQuantizedSubChannelType>(shaped.getElementType());
}

bool isSpatial(Operation *op) {
  return isa<ConvOp, ConvTransposeOp, PoolOp>(op) && !hasAxisScales(op->getOperand(0).getType()) &&
         !hasAxisScales(op->getResult(0).getType());
}

/// The operands of an op that lie in the op's own order. A table does not.
OperandRange getLaidOut(Operation *op) { return isa<LutOp>(op) ? op->getOperands().take_front(1) : op->getOperands(); }

/// True if the op computes the same in every order of dimensions, once its attributes are renumbered.
bool followsAnyOrder(Operation *op) {
  if (!isa<AddOp, SubOp, MulOp, DivOp, ClampOp, ActivationOp, CastOp, PReluOp, QuantizeOp, DequantizeOp, ObserveOp, RequantizeOp,
           LutOp, PwlOp, SoftmaxOp, ConcatOp, SliceOp, PadOp, GatherOp, ReduceOp, quant::QuantizeCastOp, quant::DequantizeCastOp,
           quant::StorageCastOp>(op))
    return false;
  return llvm::none_of(getLaidOut(op).getTypes(), hasAxisScales) && !hasAxisScales(op->getResult(0).getType());
}

/// The dimensions of an op that `order` speaks of: of its result, or of what it reduces.
size_t getSpaceRank(Operation *op) {
  return cast<ShapedType>(isa<ReduceOp>(op) ? op->getOperand(0).getType() : op->getResult(0).getType()).getRank();
}

/// The order of the result of an op that computes in `order`.
Order getResultOrder(Operation *op, ArrayRef<int64_t> order) {
  auto reduce = dyn_cast<ReduceOp>(op);
  if (!reduce || reduce.getKeepDims())
    return Order(order);
  Order renumbered(order.size(), -1), result;
  int64_t next = 0;
  for (size_t d = 0; d < order.size(); ++d)
    if (!llvm::is_contained(reduce.getAxes(), int64_t(d)))
      renumbered[d] = next++;
  for (int64_t d : order)
    if (renumbered[d] >= 0)
      result.push_back(renumbered[d]);
  return result;
}

/// Renumbers the dimensions that attributes name.
void remapAttributes(Operation *op, ArrayRef<int64_t> order) {
  Order position = inverse(order);
  llvm::TypeSwitch<Operation *>(op)
      .Case<SoftmaxOp, ConcatOp, GatherOp>([&](auto op) { op.setAxis(position[op.getAxis()]); })
      .Case<RequantizeOp, LutOp>([&](auto op) {
        if (auto axis = op.getAxis())
          op.setAxis(position[*axis]);
      })
      .Case([&](SliceOp slice) {
        slice.setStarts(pick(slice.getStarts(), order));
        slice.setSizes(pick(slice.getSizes(), order));
        slice.setSteps(pick(slice.getSteps(), order));
      })
      .Case([&](PadOp pad) {
        pad.setLow(pick(pad.getLow(), order));
        pad.setHigh(pick(pad.getHigh(), order));
      })
      .Case([&](ReduceOp reduce) {
        Order axes = pick(position, reduce.getAxes());
        llvm::sort(axes);
        reduce.setAxes(axes);
      });
}

/// The order of `to` such that a reshape from `from`, stored in `order`, moves no element; nullopt if there is none.
std::optional<Order> getReshapedOrder(ArrayRef<int64_t> from, ArrayRef<int64_t> order, ArrayRef<int64_t> to) {
  auto large = [](ArrayRef<int64_t> shape) {
    Order dims;
    for (auto [d, size] : llvm::enumerate(shape))
      if (size != 1)
        dims.push_back(d);
    return dims;
  };
  if (llvm::is_contained(from, 0))
    return std::nullopt;
  // Dimensions of size 1 are nowhere and everywhere. Of the others, the smallest runs with equal products correspond.
  Order in = large(from), out = large(to), stored;
  for (int64_t d : order)
    if (from[d] != 1)
      stored.push_back(d);
  struct Run {
    size_t inBegin, inEnd, outBegin, outEnd;
  };
  SmallVector<Run> runs;
  for (size_t i = 0, o = 0; i < in.size();) {
    Run run{i, i, o, o};
    int64_t inSize = from[in[i++]], outSize = to[out[o++]];
    while (inSize != outSize)
      if (inSize < outSize)
        inSize *= from[in[i++]];
      else
        outSize *= to[out[o++]];
    run.inEnd = i;
    run.outEnd = o;
    runs.push_back(run);
  }
  Order result;
  for (size_t at = 0; at < stored.size();) {
    const Run *run = llvm::find_if(runs, [&](const Run &r) { return in[r.inBegin] == stored[at]; });
    if (run == runs.end())
      return std::nullopt;
    for (size_t i = run->inBegin; i < run->inEnd; ++i, ++at)
      if (at == stored.size() || stored[at] != in[i])
        return std::nullopt;
    result.append(out.begin() + run->outBegin, out.begin() + run->outEnd);
  }
  if (llvm::is_sorted(result))
    return identityOrder(to.size());
  // Dimensions of size 1 go where the usual order has them, so that it is met exactly if possible.
  Order last = channelsLast(to.size());
  if (llvm::equal(result, llvm::make_filter_range(last, [&](int64_t d) { return to[d] != 1; })))
    return last;
  Order front;
  for (auto [d, size] : llvm::enumerate(to))
    if (size == 1)
      (int64_t(d) < out.front() ? front : result).push_back(d);
  front.append(result);
  return front;
}

template <typename T> SmallVector<T> permute(ArrayRef<T> values, ArrayRef<int64_t> shape, ArrayRef<int64_t> order) {
  Order strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  Order sizes = pick(shape, order), steps = pick(strides, order), index(shape.size(), 0);
  SmallVector<T> result;
  result.reserve(values.size());
  for (int64_t at = 0, n = values.size(); n > 0; --n) {
    result.push_back(values[at]);
    for (size_t d = sizes.size(); d-- > 0;) {
      at += steps[d];
      if (++index[d] < sizes[d])
        break;
      at -= steps[d] * sizes[d];
      index[d] = 0;
    }
  }
  return result;
}

/// The constant read as a tensor of `shape`, transposed.
Value permuteConstant(Value constant, ArrayRef<int64_t> shape, ArrayRef<int64_t> order, ArrayRef<int64_t> resultShape) {
  OpBuilder builder(constant.getContext());
  builder.setInsertionPointAfterValue(constant);
  ElementsAttr value = getConstant(constant);
  auto type = RankedTensorType::get(resultShape, value.getShapedType().getElementType());
  ElementsAttr moved = isa<FloatType>(type.getElementType()) ? makeElements(type, permute<float>(getFloats(value), shape, order))
                                                             : makeElements(type, permute<int64_t>(getInts(value), shape, order));
  return ConstantOp::create(builder, constant.getLoc(), withShape(constant.getType(), resultShape), moved);
}

/// True if an op with one input does the same to all elements, except that it may tell those along `axis` apart.
bool treatsAlike(Operation *op, int64_t axis) {
  auto isAlike = [&](std::optional<uint64_t> along) { return !along || int64_t(*along) == axis; };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<ClampOp, ActivationOp, PwlOp, CastOp, QuantizeOp, DequantizeOp>([](auto) { return true; })
      .Case([&](LutOp lut) { return isAlike(lut.getAxis()) && getConstant(lut.getTable()); })
      .Case([&](RequantizeOp requantize) { return isAlike(requantize.getAxis()) && requantize.getInputs().size() == 1; })
      .Default(false);
}

/// Collects the matrix products that alone read `value`, directly or behind ops that treat all elements alike, against constant
/// weights. False if there is any other use.
bool feedsConstantWeights(Value value, SmallVectorImpl<MatmulOp> &products) {
  for (Operation *user : value.getUsers()) {
    if (auto product = dyn_cast<MatmulOp>(user)) {
      if (product.getLhs() != value || product.getRhs() == value || !getConstant(product.getRhs()) ||
          hasAxisScales(product.getRhs().getType()))
        return false;
      products.push_back(product);
      continue;
    }
    if (!treatsAlike(user, /*axis=*/-1) || !feedsConstantWeights(user->getResult(0), products))
      return false;
  }
  return true;
}

/// Walks a function once, in order. A transpose is not an op but a fact about a value until some op needs the value in an order
/// that is not there yet; so inverse transposes cancel, chains merge, and what can compute in any order never sees one.
class LayoutAssigner {
public:
  explicit LayoutAssigner(Block &block) : block(block), builder(block.getParentOp()->getContext()) {}

  /// Returns the number of transposes that are left beside those that make up a spatial op.
  int64_t run() {
    analyzeDemand();
    builder.setInsertionPointToStart(&block);
    for (Value argument : block.getArguments())
      if (demands.lookup(argument).wantsLast() && !hasAxisScales(argument.getType()) && getShape(argument).size() >= 3) {
        Order last = channelsLast(getShape(argument).size());
        Value moved = get(argument, last);
        if (moved != argument)
          stored[argument] = {{last, moved}, {identityOrder(last.size()), argument}};
      }
    SmallVector<Operation *> ops = llvm::map_to_vector(block, [](Operation &op) { return &op; });
    for (Operation *op : ops)
      visit(op);
    int64_t left = 0;
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isa<TransposeOp, ReshapeOp, ConstantOp>(op) && op.use_empty())
        op.erase();
      else if (isa<TransposeOp>(op) && !partOfSpatial.contains(&op))
        ++left;
    return left;
  }

private:
  struct Stored {
    Order order;
    Value value;
  };
  /// `transpose(root, permutation)`.
  struct Alias {
    Value root;
    Order permutation;
  };
  /// In which orders the uses of a value want it, uses behind ops that follow any order included.
  struct Demand {
    bool first = false, last = false;
    int64_t uses = 0;
    bool wantsFirst() const { return first && !last; }
    bool wantsLast() const { return last && !first; }
  };

  void analyzeDemand() {
    for (Operation &op : llvm::reverse(block)) {
      Demand result = op.getNumResults() == 1 ? demands.lookup(op.getResult(0)) : Demand();
      for (OpOperand &operand : op.getOpOperands()) {
        Demand &demand = demands[operand.get()];
        ++demand.uses;
        if (isa<TransposeOp, ReshapeOp>(op))
          continue;
        if (isSpatial(&op) && operand.getOperandNumber() == 0) {
          demand.last = true;
        } else if (followsAnyOrder(&op)) {
          // What is left of reduced dimensions is small.
          demand.first |= result.first && !isa<ReduceOp>(op);
          demand.last |= result.last && !isa<ReduceOp>(op);
        } else {
          demand.first = true;
        }
      }
    }
  }

  void visit(Operation *op) {
    builder.setInsertionPoint(op);
    if (isSpatial(op))
      return wrap(op);
    if (auto transpose = dyn_cast<TransposeOp>(op); transpose && !hasAxisScales(transpose.getType()))
      return delay(transpose);
    if (auto reshape = dyn_cast<ReshapeOp>(op); reshape && !hasAxisScales(reshape.getType()))
      return visitReshape(reshape);
    if (followsAnyOrder(op))
      return follow(op);
    op->walk([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        if (aliases.contains(operand.get()) || stored.contains(operand.get()))
          operand.set(get(operand.get(), identityOrder(getLogicalShape(operand.get()).size())));
    });
  }

  //===-- Values -----------------------------------------------------------------------------------------------------------===//

  Alias getAlias(Value value) {
    auto it = aliases.find(value);
    return it == aliases.end() ? Alias{value, {}} : it->second;
  }

  ArrayRef<Stored> getStoredRoot(Value root) {
    SmallVector<Stored> &forms = stored[root];
    if (forms.empty())
      forms.push_back({identityOrder(getShape(root).size()), root});
    return forms;
  }

  /// The orders in which `value` is there, the preferred one first.
  SmallVector<Stored> getStored(Value value) {
    Alias alias = getAlias(value);
    SmallVector<Stored> forms(getStoredRoot(alias.root));
    if (!alias.permutation.empty())
      for (Stored &form : forms)
        form.order = pick(inverse(alias.permutation), form.order);
    return forms;
  }

  /// The shape of `value` as it was when the pass began.
  Order getLogicalShape(Value value) {
    Stored form = getStored(value).front();
    return pick(getShape(form.value), inverse(form.order));
  }

  /// The transpose that turns a stored form into another order, as it stands in the attribute.
  static Order getPermutation(const Stored &form, ArrayRef<int64_t> order) { return pick(inverse(form.order), order); }

  /// True if `value` is there in `order`, or can be had by a reshape.
  bool isFree(Value value, ArrayRef<int64_t> order) {
    return llvm::any_of(getStored(value),
                        [&](const Stored &form) { return !movesData(getShape(form.value), getPermutation(form, order)); });
  }

  /// `value` stored in `order`.
  Value get(Value value, ArrayRef<int64_t> order) {
    SmallVector<Stored> forms = getStored(value);
    const Stored *from = llvm::find_if(forms, [&](const Stored &form) { return ArrayRef<int64_t>(form.order) == order; });
    if (from != forms.end())
      return from->value;
    from =
        llvm::find_if(forms, [&](const Stored &form) { return !movesData(getShape(form.value), getPermutation(form, order)); });
    Value moved = from != forms.end() ? reshape(value.getLoc(), from->value, pick(getLogicalShape(value), order))
                                      : transpose(value.getLoc(), forms.front().value, getPermutation(forms.front(), order));
    Alias alias = getAlias(value);
    stored[alias.root].push_back({alias.permutation.empty() ? Order(order) : pick(alias.permutation, order), moved});
    return moved;
  }

  /// An operand of an op that computes in `order`, which may have more dimensions: they broadcast from the right.
  Value getOperand(Value value, ArrayRef<int64_t> order) {
    Order shape = getLogicalShape(value);
    size_t missing = order.size() - shape.size();
    if (llvm::is_sorted(order) || (missing && product(shape) == 1))
      return get(value, identityOrder(shape.size()));
    Order padded(missing, 1);
    padded.append(shape);
    if (getConstant(value)) {
      SmallVector<Stored> &known = constants[value];
      auto *it = llvm::find_if(known, [&](const Stored &form) { return ArrayRef<int64_t>(form.order) == order; });
      if (it != known.end())
        return it->value;
      known.push_back({Order(order), permuteConstant(value, padded, order, pick(padded, order))});
      return known.back().value;
    }
    if (!missing)
      return get(value, order);
    // Dimensions that the operand lacks need not be spelt out where they lead anyway.
    if (llvm::equal(order.take_front(missing), identityOrder(missing)))
      return get(value, llvm::map_to_vector(order.drop_front(missing), [&](int64_t d) { return d - int64_t(missing); }));
    return get(reshape(value.getLoc(), get(value, identityOrder(shape.size())), padded), order);
  }

  Value reshape(Location loc, Value input, ArrayRef<int64_t> shape) {
    if (getShape(input) == shape)
      return input;
    if (auto inner = input.getDefiningOp<ReshapeOp>())
      return reshape(loc, inner.getInput(), shape);
    return ReshapeOp::create(builder, loc, withShape(input.getType(), shape), input);
  }

  TransposeOp transpose(Location loc, Value input, ArrayRef<int64_t> permutation) {
    return TransposeOp::create(builder, loc, withShape(input.getType(), pick(getShape(input), permutation)), input, permutation);
  }

  //===-- Ops --------------------------------------------------------------------------------------------------------------===//

  /// Puts the two transposes around a spatial op by which later passes see that it reads and writes channels last.
  void wrap(Operation *op) {
    Value result = op->getResult(0);
    Order last = channelsLast(getShape(result).size()), first = inverse(last);
    TransposeOp before = transpose(op->getLoc(), getOperand(op->getOperand(0), last), first);
    op->setOperand(0, before);
    for (OpOperand &operand : op->getOpOperands().drop_front())
      operand.set(get(operand.get(), identityOrder(getLogicalShape(operand.get()).size())));
    builder.setInsertionPointAfter(op);
    TransposeOp after = transpose(op->getLoc(), result, last);
    partOfSpatial.insert(before);
    partOfSpatial.insert(after);
    stored[result] = {{last, after}};
  }

  void delay(TransposeOp op) {
    Alias alias = getAlias(op.getInput());
    Order permutation(op.getPermutation());
    aliases[op.getResult()] = {alias.root, alias.permutation.empty() ? permutation : pick(alias.permutation, permutation)};
  }

  void visitReshape(ReshapeOp op) {
    Order from = getLogicalShape(op.getInput());
    Order to(getShape(op.getResult()));
    SmallVector<Stored> forms = getStored(op.getInput());
    std::optional<Order> order;
    Value input;
    for (const Stored &form : forms)
      if (auto found = getReshapedOrder(from, form.order, to); found && (!order || llvm::is_sorted(*found))) {
        order = found;
        input = form.value;
      }
    if (!order && permuteRows(op, from, forms.front()))
      return;
    if (permuteColumns(op, from, to))
      return;
    if (!order) {
      order = identityOrder(to.size());
      input = get(op.getInput(), identityOrder(from.size()));
    }
    if (auto inner = input.getDefiningOp<ReshapeOp>())
      input = inner.getInput();
    op->setOperand(0, input);
    setResult(op, *order);
  }

  /// Flattening a map in front of a matrix product: the rows of a constant weight follow the order in which the map lies.
  bool permuteRows(ReshapeOp op, ArrayRef<int64_t> from, const Stored &form) {
    // The last dimension of the result must hold the trailing dimensions; those in front must lie in front.
    ArrayRef<int64_t> to = getShape(op.getResult());
    size_t lead = 0;
    int64_t inFront = product(to.drop_back());
    for (int64_t size = 1; lead < from.size() && (size < inFront || from[lead] == 1); ++lead)
      if (form.order[lead] != int64_t(lead) || (size *= from[lead]) > inFront)
        return false;
    if (product(from.take_front(lead)) != inFront)
      return false;
    SmallVector<MatmulOp> products;
    if (!feedsConstantWeights(op.getResult(), products) || products.empty())
      return false;
    for (MatmulOp matmul : products) {
      Order rhs(getShape(matmul.getRhs()));
      // As [batches, trailing dimensions..., columns].
      Order shape{product(ArrayRef<int64_t>(rhs).drop_back(2))}, order{0};
      for (size_t d = lead; d < from.size(); ++d) {
        shape.push_back(from[d]);
        order.push_back(form.order[d] - lead + 1);
      }
      order.push_back(shape.size());
      shape.push_back(rhs.back());
      matmul.getRhsMutable().set(permuteConstant(matmul.getRhs(), shape, order, rhs));
    }
    op->setOperand(0, form.value);
    return true;
  }

  /// A map made by a matrix product: the columns of a constant weight, and all that belongs to a column, follow the order that
  /// the map's users want.
  bool permuteColumns(ReshapeOp op, ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
    Order last = channelsLast(to.size());
    if (!demands.lookup(op.getResult()).wantsLast() || from.empty() || to.size() < 3 || to[0] * from.back() != product(from) ||
        !movesData(to, last))
      return false;
    SmallVector<Operation *> chain;
    MatmulOp matmul;
    for (Value value = op.getInput(); !matmul; value = chain.back()->getOperand(0)) {
      Operation *producer = value.getDefiningOp();
      if (!producer || !value.hasOneUse() || getShape(value).back() != from.back())
        return false;
      matmul = dyn_cast<MatmulOp>(producer);
      if (!matmul && !treatsAlike(producer, getShape(value).size() - 1))
        return false;
      chain.push_back(producer);
    }
    for (Value constant : matmul->getOperands().drop_front())
      if (!getConstant(constant) || hasAxisScales(constant.getType()))
        return false;
    // The columns as a map of their own.
    ArrayRef<int64_t> map = to.drop_front();
    Order order = llvm::map_to_vector(ArrayRef<int64_t>(last).drop_front(), [](int64_t d) { return d - 1; });
    auto permuteOperand = [&](OpOperand &operand, int64_t before, int64_t after) {
      Order shape{before}, shifted{0};
      shape.append(map.begin(), map.end());
      shape.push_back(after);
      for (int64_t d : order)
        shifted.push_back(d + 1);
      shifted.push_back(shape.size() - 1);
      operand.set(permuteConstant(operand.get(), shape, shifted, getShape(operand.get())));
    };
    permuteOperand(matmul.getRhsMutable(), product(getShape(matmul.getRhs()).drop_back()), 1);
    if (matmul.getBias())
      permuteOperand(matmul->getOpOperand(2), 1, 1);
    for (Operation *member : chain)
      if (auto requantize = dyn_cast<RequantizeOp>(member); requantize && requantize.getAxis()) {
        requantize.setMultipliers(permute(requantize.getMultipliers(), map, order));
        requantize.setShifts(permute(requantize.getShifts(), map, order));
      } else if (auto lut = dyn_cast<LutOp>(member); lut && lut.getAxis()) {
        permuteOperand(lut.getTableMutable(), 1, getShape(lut.getTable()).back());
      }
    setResult(op, last);
    return true;
  }

  /// Bytes that a transpose of the value would move.
  int64_t getBytes(Value value) { return product(getShape(value)) * ((getElementBits(value) + 7) / 8); }
  static unsigned getElementBits(Value value) {
    Type type = getStorageType(getElementType(value));
    return type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 64;
  }

  /// What it costs that `op` computes in `order`: its operands must come into it and its result into the one that is wanted.
  int64_t getCost(Operation *op, ArrayRef<int64_t> order) {
    int64_t cost = 0;
    Order last = channelsLast(order.size());
    for (Value operand : getLaidOut(op)) {
      Order shape = getLogicalShape(operand);
      if (getConstant(operand) || shape.size() != order.size() || isFree(operand, order))
        continue;
      const Demand &demand = demands[operand];
      bool shared = (demand.wantsFirst() && llvm::is_sorted(order)) || (demand.wantsLast() && order == ArrayRef<int64_t>(last));
      cost += getBytes(operand) / (shared ? demand.uses : 1);
    }
    Value result = op->getResult(0);
    Order resultOrder = getResultOrder(op, order);
    const Demand &demand = demands[result];
    Stored form{resultOrder, result};
    Order shape = pick(getShape(result), resultOrder);
    auto moves = [&](ArrayRef<int64_t> wanted) { return movesData(shape, getPermutation(form, wanted)); };
    if ((demand.wantsFirst() && moves(identityOrder(shape.size()))) ||
        (demand.wantsLast() && shape.size() >= 3 && moves(channelsLast(shape.size()))))
      cost += getBytes(result);
    return cost;
  }

  void follow(Operation *op) {
    size_t rank = getSpaceRank(op);
    // Orders that are there already, then the plain one.
    SmallVector<Order> candidates;
    for (Value operand : getLaidOut(op))
      if (!getConstant(operand))
        for (const Stored &form : getStored(operand)) {
          Order order = identityOrder(rank - form.order.size());
          for (int64_t d : form.order)
            order.push_back(d + rank - form.order.size());
          if (!llvm::is_sorted(order) && !llvm::is_contained(candidates, order))
            candidates.push_back(order);
        }
    candidates.push_back(identityOrder(rank));
    const Order *best = candidates.begin();
    if (candidates.size() > 1) {
      int64_t least = INT64_MAX;
      for (const Order &order : candidates)
        if (int64_t cost = getCost(op, order); cost < least) {
          least = cost;
          best = &order;
        }
    }
    for (OpOperand &operand : op->getOpOperands().take_front(getLaidOut(op).size()))
      operand.set(getOperand(operand.get(), *best));
    Order resultOrder = getResultOrder(op, *best);
    remapAttributes(op, *best);
    setResult(op, resultOrder);
  }

  /// The op now gives its result in `order`.
  void setResult(Operation *op, ArrayRef<int64_t> order) {
    Value result = op->getResult(0);
    result.setType(withShape(result.getType(), pick(getShape(result), order)));
    stored[result] = {{Order(order), result}};
  }

  Block &block;
  OpBuilder builder;
  DenseMap<Value, Demand> demands;
  DenseMap<Value, SmallVector<Stored>> stored;
  DenseMap<Value, Alias> aliases;
  DenseMap<Value, SmallVector<Stored>> constants;
  DenseSet<Operation *> partOfSpatial;
};

struct AssignLayout : impl::AssignLayoutBase<AssignLayout> {
  using AssignLayoutBase::AssignLayoutBase;
  void runOnOperation() override {
    Region &body = getOperation().getBody();
    if (body.hasOneBlock())
      numLeft += LayoutAssigner(body.front()).run();
  }
};
} // namespace
} // namespace qc
