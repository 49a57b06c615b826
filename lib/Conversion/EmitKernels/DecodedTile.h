// The innermost part of a contraction in f32 whose weights are stored in fewer bits: one register tile.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_DECODEDTILE_H
#define QC_LIB_CONVERSION_EMITKERNELS_DECODEDTILE_H

#include "Contraction.h"

namespace qc {
/// Weights and scales as a tile reads them, in memory.
struct StoredMemory {
  Value words;  ///< [phase][group][block of vectors][run][step][vector][word][lane] of i32
  Value scales; ///< [group][block][group of inputs][vector][lane]; null where numbers are stored
  StoredMemory() = default;
  StoredMemory(Kernel &k, const ContractionPlan &p);
  explicit operator bool() const { return bool(words); }
};

/// Of `count` positions of a band whose activations begin at `from` in the panel: the sums of each scale's inputs, times the
/// lowest code, go to `sums` ([position][group]), and activations are scaled to the fields that they meet.
void prescalePanel(Kernel &k, const ContractionPlan &p, Value panel, Value sums, Value count);

/// `rows` positions, `nextPosition` elements apart in `source`, times `vectors` vectors of channels.
struct DecodedTile {
  Kernel &k;
  const ContractionPlan &p;
  const StoredMemory &memory;
  int64_t rows, vectors;
  Value source;
  int64_t nextPosition, nextTapRow, nextTap;
  Value sums = {}, bandPosition = {}; ///< where the panel is prescaled: its sums, the first row's position in the band

  /// Results [row][vector]: activations from `from` on, the weights of a block from vector `weightOffset` on.
  SmallVector<Value> run(Value from, Value weightOffset, ArrayRef<Value> biases);

private:
  SmallVector<Value> startGroup(Value group);
  /// `count` neighbouring elements.
  SmallVector<Value> multiply(Value from, Value word, int64_t count, ValueRange accs);
  void multiplyStep(Value from, Value word, int64_t fields, SmallVector<Value> &accs);
  /// totals + accs * the scales at `scale`
  SmallVector<Value> addScaled(ValueRange accs, Value scale, ArrayRef<Value> totals);
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_DECODEDTILE_H
