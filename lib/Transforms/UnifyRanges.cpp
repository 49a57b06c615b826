// Gives operands and results of same-scale ops one range.
#include "Quantizable.h"
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_UNIFYRANGES
#include "qc/Transforms/Passes.h.inc"

namespace {
using Range = std::pair<double, double>;

/// `range` within the limits that the producer's clamp and the op itself guarantee, whatever a calibrator or an editor wrote.
Range limitToProducer(Range range, Operation *producer) {
  auto limit = [&](std::optional<double> low, std::optional<double> high) {
    // Zero stays inside: a clamp to [1, 2] gives [0, 2].
    if (low)
      range.first = std::max(range.first, std::min(*low, 0.0));
    if (high)
      range.second = std::min(range.second, std::max(*high, 0.0));
  };
  if (auto clamp = dyn_cast_or_null<ClampOpInterface>(producer)) {
    auto toDouble = [](std::optional<APFloat> value) {
      return value ? std::optional<double>(value->convertToFloat()) : std::nullopt;
    };
    limit(toDouble(clamp.getClampMin()), toDouble(clamp.getClampMax()));
  }
  if (auto quantizable = dyn_cast_or_null<QuantizableOpInterface>(producer))
    if (auto fixed = quantizable.getFixedRange())
      limit(fixed->first, fixed->second);
  return range;
}

/// The real values of a constant as a range with zero; empty for anything else and for constants that are not finite.
std::optional<Range> getConstantRange(Value value) {
  ElementsAttr constant = getConstant(value);
  if (!constant || !isFloatTensor(value))
    return std::nullopt;
  Range range{0.0, 0.0};
  for (float v : getFloats(constant)) {
    if (!std::isfinite(v))
      return std::nullopt;
    range = {std::min(range.first, double(v)), std::max(range.second, double(v))};
  }
  return range;
}

struct UnifyRanges : impl::UnifyRangesBase<UnifyRanges> {
  using UnifyRangesBase::UnifyRangesBase;

  void runOnOperation() override {
    Builder builder(&getContext());
    llvm::MapVector<Operation *, Range> ranges;
    getOperation().walk([&](ObserveOp observe) {
      if (observe.getMin())
        ranges[observe] = limitToProducer({observe.getMin()->convertToDouble(), observe.getMax()->convertToDouble()},
                                          observe.getInput().getDefiningOp());
    });

    llvm::EquivalenceClasses<Operation *> groups;
    SmallVector<std::pair<Operation *, Range>> constants;
    getOperation().walk([&](QuantizableOpInterface op) {
      if (!op.isSameScale() || !op->hasOneUse())
        return;
      auto result = dyn_cast<ObserveOp>(*op->user_begin());
      if (!result || !result.getMin())
        return;
      for (OpOperand &operand : op->getOpOperands()) {
        if (op.getOperandRole(operand.getOperandNumber()) != OperandRole::Activation)
          continue;
        if (auto observe = operand.get().getDefiningOp<ObserveOp>();
            observe && observe.getMin() && observe.getCode() == result.getCode())
          groups.unionSets(result, observe);
        else if (auto range = getConstantRange(operand.get()))
          constants.emplace_back(result, *range);
      }
    });

    // What the importer calls one thing: a gate at each step of a recurrence.
    llvm::DenseMap<Attribute, ObserveOp> named;
    getOperation().walk([&](ObserveOp observe) {
      Attribute group = observe->getAttr(rangeGroupName);
      if (!group || !observe.getMin())
        return;
      ObserveOp first = named.try_emplace(group, observe).first->second;
      if (first.getCode() == observe.getCode())
        groups.unionSets(first, observe);
    });

    // A state is what the sample before left there.
    func::FuncOp function = getOperation();
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (std::optional<unsigned> index = getStateResult(function, i)) {
        auto result = function.getBody().front().getTerminator()->getOperand(*index).getDefiningOp<ObserveOp>();
        for (Operation *user : function.getArgument(i).getUsers())
          if (auto observe = dyn_cast<ObserveOp>(user);
              observe && observe.getMin() && result && result.getMin() && observe.getCode() == result.getCode())
            groups.unionSets(result, observe);
      }

    auto widen = [](Range &range, Range other) {
      range = {std::min(range.first, other.first), std::max(range.second, other.second)};
    };
    auto leaderOf = [&](Operation *op) { return groups.contains(op) ? groups.getLeaderValue(op) : op; };
    /// The range of each group.
    auto unite = [&](llvm::MapVector<Operation *, Range> &ranges) {
      // Constants take the type of the result they go into.
      for (auto &[observe, range] : constants)
        if (auto found = ranges.find(observe); found != ranges.end())
          widen(found->second, range);
      llvm::DenseMap<Operation *, Range> united;
      for (auto &[observe, range] : ranges)
        widen(united.try_emplace(leaderOf(observe), range).first->second, range);
      return united;
    };
    llvm::MapVector<Operation *, Range> own = ranges;
    llvm::DenseMap<Operation *, Range> united = unite(ranges);

    // Code types to choose from: one choice for a group, none for one with an edge that has no choice.
    llvm::DenseMap<Operation *, SmallVector<ObserveOp>> members;
    for (auto &entry : ranges)
      members[leaderOf(entry.first)].push_back(cast<ObserveOp>(entry.first));
    llvm::MapVector<Operation *, CodeCandidates> choices;
    for (auto &entry : ranges) {
      ArrayRef<ObserveOp> group = members[leaderOf(entry.first)];
      CodeCandidates candidates = CodeCandidates::get(entry.first);
      if (llvm::all_of(group, [](ObserveOp other) { return other->hasAttr(codeCandidatesName); }) && !candidates.list.empty()) {
        candidates.group = ObserveOp(group.front()).getId().str();
        choices[entry.first] = std::move(candidates);
      } else {
        entry.first->removeAttr(codeCandidatesName);
      }
    }
    for (size_t k = 0; !choices.empty() && k < choices.front().second.list.size(); ++k) {
      llvm::MapVector<Operation *, Range> ranges;
      for (auto &[observe, candidates] : choices)
        ranges[observe] = candidates.list[k].range
                              ? limitToProducer(*candidates.list[k].range, observe->getOperand(0).getDefiningOp())
                              : own.lookup(observe);
      llvm::DenseMap<Operation *, Range> united = unite(ranges);
      for (auto &[observe, candidates] : choices)
        candidates.list[k].range = united[leaderOf(observe)];
    }
    for (auto &[observe, candidates] : choices)
      candidates.set(observe);
    for (auto &[op, range] : ranges) {
      auto observe = cast<ObserveOp>(op);
      Range group = united[leaderOf(op)];
      if (group != range && !observe.getObserved())
        noteObserved(observe, range.first, range.second);
      observe.setMinAttr(builder.getF64FloatAttr(group.first));
      observe.setMaxAttr(builder.getF64FloatAttr(group.second));
    }
  }
};
} // namespace
} // namespace qc
