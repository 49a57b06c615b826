// The innermost part of a contraction: one register tile over runs of neighbouring elements.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_TILERUN_H
#define QC_LIB_CONVERSION_EMITKERNELS_TILERUN_H

#include "Contraction.h"

namespace qc {
/// True if tiles can read weights of `bits` bits in interleaved groups: each run is whole ones, for the vectors of any block.
bool canInterleave(const ContractionPlan &p, int64_t bits);

/// `rows` positions, `nextPosition` elements apart in `source`, times `vectors` vectors of channels.
struct TileRun {
  Kernel &k;
  const ContractionPlan &p;
  int64_t rows, vectors;
  Value source;
  const PackedWeights &weights;
  int64_t nextPosition, stepWeights; ///< stepWeights: vectors from one step's weights to the next
  Value fullEnd = {}, halfEnd = {};  ///< permuted chains: the first step that is in no full chunk, in no chunk with a chain
  /// Of chains that depend on activations, whose panel holds their signs: as the panel, and one i64 for each two steps.
  Value magnitudes = {}, marks = {};
  /// Of weights that are codes times factors of groups: the factors, a byte per lane, [group][vector], as the weights lie; and
  /// for steps that multiply unsigned codes, per position [group]: what the even and the odd products of each lane lack,
  /// `groupBase` that of the first row.
  Value factors = {}, groupSums = {}, groupBase = {};
  int64_t steps = p.steps; ///< of a run, or of one of its groups

  /// The accumulators that begin with these biases, one per vector of channels, in whatever order the dot step keeps them.
  SmallVector<Value> start(ArrayRef<Value> biases);
  /// The accumulators plus one run: activations from `from` on, weights from `weightRun` on.
  SmallVector<Value> run(Value from, Value weightRun, ValueRange accs);
  /// The accumulators as [row][vector of channels].
  SmallVector<Value> finish(ValueRange accs);

private:
  /// Steps of a loop that goes `unit` by `unit`, so that each iteration begins with a whole group of weights.
  int64_t getGroup(int64_t unit) const;
  using StepsFn = llvm::function_ref<void(Value first, int64_t offset, int64_t count, SmallVector<Value> &accs)>;
  /// Calls `body` for `count` steps from `first + offset` on: units of `unit` from `begin` on in a loop, and the rest. Weights
  /// are read from `first` on.
  SmallVector<Value> forEachUnit(int64_t unit, int64_t begin, ValueRange accs, StepsFn body);
  /// `count` bytes at `offset` as a vector of 16; what lies behind them is undefined. Reads no more, but in a panel, which has
  /// room.
  Value loadBytes(Value offset, int64_t count);
  /// From step `first` on.
  SmallVector<Value> runSteps(Value from, Value weightRun, Value first, ValueRange accs);
  /// Steps [low, high) in chains of these lengths, again and again.
  SmallVector<Value> runChains(Value from, Value weightRun, Value low, Value high, ArrayRef<int64_t> lengths, ValueRange accs);
  /// Groups of steps whose sums are multiplied with a factor.
  SmallVector<Value> runGroups(Value from, Value weightRun, ValueRange accs);
  /// The steps of one group that add up in i16, from what unsigned codes lack: accumulators + factors * that.
  void addCodes(Value from, Value weightStep, Value group, ArrayRef<Value> factors, SmallVector<Value> &accs);
  /// `length` steps from `first + offset` on that add up in i16.
  void addChain(Value from, Value weightRun, Value first, int64_t offset, int64_t length, SmallVector<Value> &accs);
  /// Chains of two where the marks allow them.
  SmallVector<Value> runMarked(Value from, Value weightRun, ValueRange accs);
  SmallVector<Value> runWideningLanes(Value from, Value weightRun, ValueRange accs);
  void multiplyLanes(Value first, int64_t offset, int64_t count, Value weightRun, ArrayRef<Value> x, SmallVector<Value> &accs,
                     llvm::function_ref<void(int64_t row)> behind);
  /// From step `begin` on.
  SmallVector<Value> runLanes(Value from, Value weightRun, int64_t begin, ValueRange accs);
  SmallVector<Value> runLanesAhead(Value from, Value weightRun, ValueRange accs);
  SmallVector<Value> runMatrices(Value from, Value weightRun, ValueRange accs);
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_TILERUN_H
