// Copies of images: each pixel is one of the image, or between four of them.
#include "Augmentation.h"

#include "llvm/ADT/StringSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace qc {
std::optional<Augmentation> Augmentation::parse(StringRef text, std::string &problem) {
  Augmentation result;
  SmallVector<StringRef> names;
  text.split(names, ',', -1, /*KeepEmpty=*/false);
  for (StringRef name : names) {
    auto kind = llvm::StringSwitch<std::optional<Kind>>(name)
                    .Case("mirror", Kind::Mirror)
                    .Case("zoom", Kind::Zoom)
                    .Case("shift", Kind::Shift)
                    .Default(std::nullopt);
    if (!kind || llvm::is_contained(result.kinds, *kind)) {
      problem = "use mirror, zoom and shift, by commas and once each";
      return std::nullopt;
    }
    result.kinds.push_back(*kind);
  }
  return result;
}

std::string Augmentation::whyNot(ArrayRef<RankedTensorType> inputs) {
  if (inputs.size() != 1)
    return "the network has " + std::to_string(inputs.size()) + " inputs, not one";
  if (inputs[0].getRank() != 4 || !inputs[0].getElementType().isF32())
    return "the network's input is no f32 tensor of 4 dimensions";
  return "";
}

void Augmentation::copy(int64_t index, int64_t sample, ArrayRef<int64_t> shape, const float *from, float *to) const {
  bool isLast = shape[3] <= 4 && shape[1] > 4;
  int64_t height = shape[isLast ? 1 : 2], width = shape[isLast ? 2 : 3], inner = isLast ? shape[3] : 1;
  int64_t planes = shape[0] * (isLast ? 1 : shape[1]);
  // Where position `i` of `size` comes from.
  auto getSource = [&](int64_t i, int64_t size, bool isRow) {
    double last = double(size - 1), source = double(i);
    switch (kinds[index - 1]) {
    case Kind::Mirror:
      source = isRow ? source : last - source;
      break;
    case Kind::Zoom:
      source = last / 2 + (source - last / 2) * (6.0 / 7.0);
      break;
    case Kind::Shift:
      source += double((size + 7) / 8 * ((sample >> !isRow) % 2 ? 1 : -1));
      break;
    }
    return std::clamp(source, 0.0, last);
  };
  for (int64_t plane = 0; plane < planes; ++plane, from += height * width * inner)
    for (int64_t y = 0; y < height; ++y) {
      double row = getSource(y, height, true);
      int64_t top = int64_t(row), bottom = std::min(top + 1, height - 1);
      for (int64_t x = 0; x < width; ++x) {
        double column = getSource(x, width, false);
        int64_t left = int64_t(column), right = std::min(left + 1, width - 1);
        double down = row - double(top), across = column - double(left);
        for (int64_t c = 0; c < inner; ++c) {
          auto at = [&](int64_t i, int64_t k) { return double(from[(i * width + k) * inner + c]); };
          *to++ = float((1 - down) * ((1 - across) * at(top, left) + across * at(top, right)) +
                        down * ((1 - across) * at(bottom, left) + across * at(bottom, right)));
        }
      }
    }
}
} // namespace qc
