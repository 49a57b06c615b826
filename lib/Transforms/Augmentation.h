// More samples from few: copies of images.
#ifndef QC_LIB_TRANSFORMS_AUGMENTATION_H
#define QC_LIB_TRANSFORMS_AUGMENTATION_H

#include "qc/Dialect/QC/IR/QC.h"

#include <optional>
#include <string>
#include <vector>

namespace qc {
/// Which copies of an image there are beside itself. Images are [N, C, H, W], or [N, H, W, C] with up to 4 channels.
class Augmentation {
public:
  /// Names by commas: mirror (left and right change places), zoom (the middle, larger by a sixth), shift (by an eighth of the
  /// height and width, each sample into another of four corners; the border goes on). Empty: none. `problem` says what is wrong.
  static std::optional<Augmentation> parse(llvm::StringRef text, std::string &problem);

  /// Of one sample, with itself.
  int64_t getCopies() const { return 1 + int64_t(kinds.size()); }
  /// Why inputs of these types have no copies; empty if they do.
  static std::string whyNot(llvm::ArrayRef<mlir::RankedTensorType> inputs);
  /// Sets `to` to copy `index`, from 1, of sample `sample`, an image `from` of that shape.
  void copy(int64_t index, int64_t sample, llvm::ArrayRef<int64_t> shape, const float *from, float *to) const;

private:
  enum class Kind { Mirror, Zoom, Shift };
  std::vector<Kind> kinds;
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_AUGMENTATION_H
