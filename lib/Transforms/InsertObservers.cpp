// Puts one qc.observe on each edge to be quantized.
#include "Quantizable.h"
#include "RangeFile.h"
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Transforms/Passes.h"
#include "qc/Transforms/QuantProfile.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_INSERTOBSERVERS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// An edge whose type the model itself gives: it goes into a qcast, perhaps behind ops that only move values.
bool isQuantizedByUse(Value value) {
  return !value.use_empty() && llvm::all_of(value.getUsers(), [](Operation *user) {
    if (isa<quant::QuantizeCastOp, ObserveOp>(user))
      return true;
    auto mover = dyn_cast<QuantizableOpInterface>(user);
    return mover && mover.isSameScale() && user->getNumOperands() == 1 && isQuantizedByUse(user->getResult(0));
  });
}

/// An edge that holds decoded codes, perhaps behind ops that only move values.
bool isQuantizedByProducer(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<DequantizeCastOpInterface>(op))
    return true;
  auto mover = dyn_cast<QuantizableOpInterface>(op);
  return mover && mover.isSameScale() && op->getNumOperands() == 1 && isQuantizedByProducer(op->getOperand(0));
}

bool hasCast(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) { return isa<quant::QuantizeCastOp, ObserveOp>(user); });
}

struct InsertObservers : impl::InsertObserversBase<InsertObservers> {
  using InsertObserversBase::InsertObserversBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    IntegerType code = parseCodeType(activations, &getContext(), /*isWeight=*/false);
    if (!code) {
      emitError(function.getLoc()) << "'" << activations << "' is no code type of activations: use iN or uN with N in 2..8 or 16";
      return signalPassFailure();
    }
    IntegerType productCode;
    if (!productActivations.empty()) {
      productCode = parseCodeType(productActivations, &getContext(), /*isWeight=*/false);
      if (!productCode) {
        emitError(function.getLoc()) << "'" << productActivations
                                     << "' is no code type of activations: use iN or uN with N in 2..8 or 16";
        return signalPassFailure();
      }
    }
    SmallVector<IntegerType> choices;
    if (!candidates.empty())
      for (StringRef bits : llvm::split(StringRef(candidates), ',')) {
        IntegerType choice =
            parseCodeType((Twine(code.isUnsigned() ? "u" : "i") + bits).str(), &getContext(), /*isWeight=*/false);
        if (!choice) {
          emitError(function.getLoc()) << "candidates=" << candidates << ": use bits of 2..8 or 16, as in 8,16";
          return signalPassFailure();
        }
        choices.push_back(choice);
      }
    if (!profile.empty()) {
      auto loaded = QuantProfile::load(profile);
      if (!loaded) {
        emitError(function.getLoc()) << llvm::toString(loaded.takeError());
        return signalPassFailure();
      }
      for (Operation &op : function.getBody().front())
        if (std::string why = loaded->whyFloat(op.getName().stripDialect());
            !why.empty() && isa<QCDialect>(op.getDialect()) && whyNotInteger(&op).empty())
          op.setAttr(floatReasonName, StringAttr::get(&getContext(), why));
    }
    if (!integerOnly || dropSoftmax)
      tail = findFloatTail(function);
    if (integerOnly && failed(refuseFloatOps(function)))
      return signalPassFailure();

    for (auto qcast : function.getOps<quant::QuantizeCastOp>()) // the model's own
      qcast->setAttr(fixedTypeName, UnitAttr::get(&getContext()));
    llvm::StringSet<> ids;
    function.walk([&](ObserveOp observe) { ids.insert(observe.getId()); });
    Block &body = function.getBody().front();
    SmallVector<std::pair<Value, std::string>> edges;
    for (BlockArgument argument : body.getArguments())
      if (isFloatTensor(argument) && !argument.use_empty() && !hasCast(argument) && !isQuantizedByUse(argument)) {
        auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "qc.name");
        edges.emplace_back(argument, name ? name.str() : "arg" + std::to_string(argument.getArgNumber()));
      }
    for (Operation &op : body)
      for (Value result : op.getResults())
        if (needsObserve(result)) {
          StringRef name = getLocName(op.getLoc());
          edges.emplace_back(result, name.empty() ? op.getName().stripDialect().str() : name.str());
        }

    FailureOr<Constraints> read = readConstraints(constraints, function.getLoc());
    if (mlir::failed(read))
      return signalPassFailure();
    llvm::StringMap<std::string> &constraintOf = read->tensors;
    OpBuilder builder(&getContext());
    bool failed = false;
    for (auto &[value, name] : edges) {
      std::string id = name;
      for (unsigned i = 2; !ids.insert(id).second; ++i)
        id = name + "#" + std::to_string(i);
      bool forProduct = productCode && feedsProduct(value);
      IntegerType type = forProduct ? productCode : getCode(value, code);
      // What the caller sees, and what has its own reason to be as it is, is not for choice.
      bool isFree = !choices.empty() && !forProduct && type == code && !isa<BlockArgument>(value) &&
                    llvm::none_of(value.getUsers(), llvm::IsaPred<func::ReturnOp>);
      if (auto found = constraintOf.find(id); found != constraintOf.end()) {
        type = parseCodeType(found->second, &getContext(), /*isWeight=*/false);
        if (!type) {
          emitError(function.getLoc()) << "constraints file '" << constraints << "': tensor '" << id << "' has the code type '"
                                       << found->second << "': use iN or uN with N in 2..8 or 16";
          failed = true;
          continue;
        }
        constraintOf.erase(found);
        isFree = false;
      }
      builder.setInsertionPointAfterValue(value);
      auto observe = ObserveOp::create(builder, value.getLoc(), value.getType(), value, builder.getStringAttr(id),
                                       TypeAttr::get(type), FloatAttr(), FloatAttr(), DenseF64ArrayAttr());
      if (isFree) {
        CodeCandidates free;
        for (IntegerType choice : choices)
          free.list.push_back({choice, std::nullopt});
        free.group = id;
        free.set(observe);
      }
      if (Operation *producer = value.getDefiningOp())
        for (StringRef hint : {rangeGroupName, powerOfTwoName})
          if (Attribute attr = producer->getAttr(hint))
            observe->setAttr(hint, attr);
      value.replaceAllUsesExcept(observe, observe);
    }
    if (!constraintOf.empty()) {
      std::vector<std::string> unknown(constraintOf.keys().begin(), constraintOf.keys().end());
      llvm::sort(unknown);
      emitError(function.getLoc()) << "constraints file '" << constraints
                                   << "' names tensors that the network does not quantize: " << listNames(unknown)
                                   << "; -dump-ranges lists those that it does";
      failed = true;
    }
    if (failed)
      signalPassFailure();
  }

private:
  /// True if a product of two activations reads the value, perhaps behind ops that only move it.
  static bool feedsProduct(Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      if (isa<ObserveOp>(user))
        return feedsProduct(user->getResult(0));
      if (auto matmul = dyn_cast<MatmulOp>(user))
        return !getConstant(matmul.getLhs()) && !getConstant(matmul.getRhs());
      auto mover = dyn_cast<QuantizableOpInterface>(user);
      return mover && mover.isSameScale() && user->getNumOperands() == 1 && feedsProduct(user->getResult(0));
    });
  }

  /// The code type that the producer of `value`, behind what only moves it, asks for; null if none.
  static IntegerType findHint(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return {};
    if (auto hint = op->getAttrOfType<TypeAttr>(codeHintName))
      return dyn_cast<IntegerType>(hint.getValue());
    auto mover = dyn_cast<QuantizableOpInterface>(op);
    return mover && mover.isSameScale() && op->getNumOperands() == 1 ? findHint(op->getOperand(0)) : IntegerType();
  }

  /// The code type of an edge that no constraint names: at least as wide as its producer wants, and, where codes only move, as
  /// what is moved.
  IntegerType getCode(Value value, IntegerType otherwise) {
    auto widen = [&](IntegerType type) {
      if (type && type.getWidth() > otherwise.getWidth())
        otherwise = type;
    };
    Operation *op = value.getDefiningOp();
    // Rows of a constant table (an embedding) are weights: what they are read as is how they are stored.
    if (auto take = dyn_cast_if_present<TakeOp>(op); take && getConstant(take.getInput()) && otherwise.getWidth() > 8)
      return IntegerType::get(&getContext(), 8);
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      // A state is as wide as what the sample before left there.
      auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
      if (std::optional<unsigned> result = getStateResult(function, argument.getArgNumber()))
        widen(findHint(getStateValue(function, *result)));
    }
    if (!op)
      return otherwise;
    if (auto hint = op->getAttrOfType<TypeAttr>(codeHintName))
      widen(dyn_cast<IntegerType>(hint.getValue()));
    auto mover = dyn_cast<QuantizableOpInterface>(op);
    if (mover && mover.isSameScale())
      for (Value operand : op->getOperands())
        if (auto observe = operand.getDefiningOp<ObserveOp>())
          widen(cast<IntegerType>(observe.getCode()));
    return otherwise;
  }

  bool needsObserve(Value value) {
    Operation *op = value.getDefiningOp();
    if (!isFloatTensor(value) || value.use_empty() || isa<ConstantOp, ObserveOp, DequantizeCastOpInterface>(op) ||
        tail.contains(op) || hasCast(value) || isQuantizedByUse(value))
      return false;
    if (!whyNotInteger(op).empty())
      return llvm::any_of(value.getUses(),
                          [&](OpOperand &use) { return isQuantizableUse(use) && !tail.contains(use.getOwner()); });
    return !isQuantizedByProducer(value);
  }

  LogicalResult refuseFloatOps(func::FuncOp function) {
    bool refused = false;
    for (Operation &op : function.getBody().front()) {
      if (isa<ConstantOp, ObserveOp, ThresholdOp, quant::QuantizeCastOp, DequantizeCastOpInterface, func::ReturnOp>(op) ||
          tail.contains(&op) || (llvm::none_of(op.getOperands(), isFloatTensor) && llvm::none_of(op.getResults(), isFloatTensor)))
        continue;
      if (std::string why = whyNotInteger(&op); !why.empty()) {
        op.emitError() << "node " << describeNode(&op) << " (" << op.getName()
                       << ") would run in float, which -integer-only forbids: " << why;
        refused = true;
      }
    }
    return failure(refused);
  }

  llvm::DenseSet<Operation *> tail;
};
} // namespace
} // namespace qc
