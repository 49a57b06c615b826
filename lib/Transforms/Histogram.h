// A streaming histogram of one tensor, and the calibrators that read a range off it.
#ifndef QC_LIB_TRANSFORMS_HISTOGRAM_H
#define QC_LIB_TRANSFORMS_HISTOGRAM_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace qc {
/// Counts over [-2^exponent, 2^exponent) in bins of equal width. The exponent is the least one that holds every value; when a
/// larger value arrives, pairs of bins merge, and since widths are powers of two, a value lands in the bin where it would have
/// landed had the exponent been known from the start.
///
/// Invariant: the state depends only on the multiset of added values, never on their order or on how they were split among
/// histograms that were then merged. All counts are integers, so calibrated ranges are the same bytes for every order and every
/// sharding.
class Histogram {
public:
  /// A tensor of one sign still has at least 2,048 bins over its range: half of the bins are its own, and its largest magnitude
  /// lies in the upper half of those.
  static constexpr int64_t numBins = 8192;

  /// Adds finite values. Returns false, without any effect, if one is NaN or infinite.
  [[nodiscard]] bool add(llvm::ArrayRef<float> values);
  void merge(const Histogram &other);

  bool empty() const { return total == 0; }
  uint64_t count() const { return total; }
  uint64_t zeroCount() const { return zeros; }
  double min() const { return least; }
  double max() const { return most; }
  /// The range of the values themselves where they do not reach zero; nullopt where they do.
  std::optional<std::pair<double, double>> observed() const {
    if (total == 0 || nearest == 0 || (least < 0 && most > 0))
      return std::nullopt;
    return least < 0 ? std::make_pair(double(least), -double(nearest)) : std::make_pair(double(nearest), double(most));
  }

  /// Non-empty bins in ascending order, zeros apart.
  struct Bin {
    double low, high;
    uint64_t count;
  };
  std::vector<Bin> bins() const;
  /// As long as a tensor has at most `maxDistinct` values other than zero, they are known exactly: bins of no width, in ascending
  /// order. Images and features that were 8-bit integers once are of that kind. Empty if there were more.
  static constexpr size_t maxDistinct = 1024;
  std::vector<Bin> distinctValues() const;
  /// How many values lie in each of `parts` parts of equal width of [low, high]; values beyond count at the ends.
  std::vector<int64_t> count(double low, double high, int64_t parts) const;
  /// Counts of |x| over [0, 2^exponent) in numBins/2 bins, zeros not included; `width` is that of a bin.
  std::vector<uint64_t> magnitudes(double &width) const;

  bool operator==(const Histogram &other) const;

private:
  void growTo(int exponent);
  void addDistinct(uint32_t bits, uint64_t count);

  int exponent = smallestExponent;
  static constexpr int smallestExponent = -120;
  std::vector<uint64_t> counts; ///< empty until the first value other than zero
  uint64_t zeros = 0, total = 0;
  float least = 0, most = 0;                              ///< zero is always inside
  float nearest = std::numeric_limits<float>::infinity(); ///< the smallest magnitude
  std::unordered_map<uint32_t, uint64_t> distinct;        ///< by the bits of the f32 value
  bool manyDistinct = false;
};

/// The real range that the calibrator `name` picks for codes of type `code`; zero is inside it.
struct Calibrator {
  llvm::StringLiteral name;
  llvm::StringLiteral description;
  std::pair<double, double> (*pick)(const Histogram &histogram, mlir::IntegerType code, double percentile);
};
llvm::ArrayRef<Calibrator> getCalibrators();
/// An error that lists the known names if `name` is none.
llvm::Expected<const Calibrator *> findCalibrator(llvm::StringRef name);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_HISTOGRAM_H
