// What the patterns of qc-lower-to-integer share.
#ifndef QC_LIB_CONVERSION_QCTOINTEGER_PATTERNS_H
#define QC_LIB_CONVERSION_QCTOINTEGER_PATTERNS_H

#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Reference/Requantize.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/Transforms/DialectConversion.h"

#include <array>

namespace qc {
using namespace mlir;

/// A pattern that knows the rounding contract.
template <typename OpTy> struct Pattern : OpConversionPattern<OpTy> {
  Pattern(const TypeConverter &types, MLIRContext *context, Rounding rounding)
      : OpConversionPattern<OpTy>(types, context), rounding(rounding) {}
  Rounding rounding;

  RankedTensorType integerType(Value value) const {
    return cast<RankedTensorType>(this->getTypeConverter()->convertType(value.getType()));
  }
};

/// One scale and zero point per tensor, as activations have.
struct Affine {
  double scale;
  int64_t zeroPoint;
};
inline FailureOr<Affine> getAffine(Value value) {
  auto type = dyn_cast<quant::UniformQuantizedType>(getElementType(value));
  if (!type)
    return failure();
  return Affine{getScheme(type).getScaleValues()[0], type.getZeroPoint()};
}

/// The codes that `op`'s result may take: those of its type, narrowed by the op's real limits (N14).
inline std::pair<int64_t, int64_t> getCodeRange(Operation *op) {
  QuantSchemeInterface scheme = getScheme(op->getResult(0).getType());
  auto [low, high] = scheme.getCodeRange();
  if (auto clamp = dyn_cast<ClampOpInterface>(op)) {
    if (auto min = clamp.getClampMin())
      low = scheme.encode({min->convertToDouble()}, {})[0];
    if (auto max = clamp.getClampMax())
      high = scheme.encode({max->convertToDouble()}, {})[0];
  }
  return {low, std::max(low, high)};
}

/// One entry for each of `values`; a match failure if one of them has more than one scale or is not quantized.
template <size_t N>
FailureOr<std::array<Affine, N>> getAffines(Operation *op, ConversionPatternRewriter &rewriter, const Value (&values)[N]) {
  std::array<Affine, N> result;
  for (size_t i = 0; i < N; ++i) {
    auto affine = getAffine(values[i]);
    if (failed(affine))
      return rewriter.notifyMatchFailure(op, "needs activations with one scale per tensor");
    result[i] = *affine;
  }
  return result;
}

/// Softmax, normalization, roots and quotients.
void populateRowPatterns(const TypeConverter &types, RewritePatternSet &patterns, Rounding rounding);
} // namespace qc

#endif // QC_LIB_CONVERSION_QCTOINTEGER_PATTERNS_H
