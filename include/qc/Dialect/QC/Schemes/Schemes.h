// Registration of the quantization schemes and the helpers around QuantSchemeInterface.
#ifndef QC_DIALECT_QC_SCHEMES_SCHEMES_H
#define QC_DIALECT_QC_SCHEMES_SCHEMES_H

#include "qc/Dialect/QC/IR/QC.h"

namespace qc {
/// Attaches QuantSchemeInterface to the types of each scheme. Called once by the dialect; one line per file in Schemes/.
void registerSchemes(mlir::MLIRContext &context);
void registerUniformSchemes(mlir::MLIRContext &context);

/// The scheme of a tensor or element type; null if it has none.
QuantSchemeInterface getScheme(mlir::Type tensorOrElementType);

/// Quantized operand and result types must have a scheme, scales that are normal f32 numbers, as many as the channel axis is
/// long, and zero points inside the code range; upstream's type verifier lets others through.
mlir::LogicalResult verifyQuantizedTypes(mlir::Operation *op);

/// Affine type for the real range [min, max] (docs/Numerics.md, N2): zero is made part of the range and is exactly representable;
/// codes of 16 bits for both signs are symmetric. `code` is `iN` or `uiN`; with `powerOfTwo` the scale is rounded up to a power
/// of two; with `symmetric` the zero point is 0 for any range (unsigned codes then hold no number below 0).
mlir::quant::UniformQuantizedType getAffineType(mlir::IntegerType code, double min, double max, bool powerOfTwo = false,
                                                bool symmetric = false);

/// Symmetric type for weights: codes in [-(2^(N-1)-1), 2^(N-1)-1], zero point 0, one scale per index of `axis` (or one if axis <
/// 0). `scales` are rounded to f32.
mlir::quant::QuantizedType getSymmetricType(mlir::IntegerType code, llvm::ArrayRef<double> scales, int64_t axis);

/// The i32 bias type for accumulators with scale `inputScale * weightScales[c]` (double products, kept as doubles), zero point 0.
mlir::quant::QuantizedType getBiasType(mlir::MLIRContext *context, double inputScale, llvm::ArrayRef<double> weightScales,
                                       bool perAxis);
} // namespace qc

#endif // QC_DIALECT_QC_SCHEMES_SCHEMES_H
