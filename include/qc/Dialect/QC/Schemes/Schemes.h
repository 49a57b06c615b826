// Registration of the quantization schemes and the helpers around QuantSchemeInterface.
#ifndef QC_DIALECT_QC_SCHEMES_SCHEMES_H
#define QC_DIALECT_QC_SCHEMES_SCHEMES_H

#include "qc/Dialect/QC/IR/QC.h"

#include <variant>

namespace qc {
/// Attaches QuantSchemeInterface to the types of each scheme. Called once by the dialect; one line per file in Schemes/.
void registerSchemes(mlir::MLIRContext &context);
void registerUniformSchemes(mlir::MLIRContext &context);

/// The scheme of a tensor or element type; null if it has none.
QuantSchemeInterface getScheme(mlir::Type tensorOrElementType);

/// The codes whose real values `reals` are, or null (DequantizeCastOpInterface).
mlir::Value getDecodedCodes(mlir::Value reals);
/// The f32 values of `codes`.
mlir::Value createDequantizeCast(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value codes);

/// Quantized operand and result types must have a scheme, scales that are normal f32 numbers, as many as the channel axis is
/// long, and zero points inside the code range; upstream's type verifier lets others through.
mlir::LogicalResult verifyQuantizedTypes(mlir::Operation *op);

/// `x` as the f32 number that a scale is: normal, as a smaller one would lose its mantissa.
double toScale(double x);

/// Affine type for the real range [min, max] (docs/Numerics.md, N2): zero is made part of the range and is exactly representable;
/// codes of 16 bits for both signs are symmetric. `code` is `iN` or `uiN`; with `powerOfTwo` the scale is rounded up to a power
/// of two; with `symmetric` the zero point is 0 for any range (unsigned codes then hold no number below 0).
mlir::quant::UniformQuantizedType getAffineType(mlir::IntegerType code, double min, double max, bool powerOfTwo = false,
                                                bool symmetric = false);

/// Symmetric type for weights: codes in [-(2^(N-1)-1), 2^(N-1)-1], zero point 0, one scale per index of `axis` (or one if axis <
/// 0). `scales` are rounded to f32.
mlir::quant::QuantizedType getSymmetricType(mlir::IntegerType code, llvm::ArrayRef<double> scales, int64_t axis);

/// The codes that `!qc.coded` has, by the names that options use. Each has a file in Schemes/ and a line in Coded.cpp.
struct NamedCode {
  llvm::StringLiteral name;
  CodeAttrInterface (*get)(mlir::MLIRContext *context);
};
llvm::ArrayRef<NamedCode> getNamedCodes();

/// What weights become before their scales are known: symmetric codes of an integer type, those times the factors of groups, or
/// levels of a code.
class WeightScheme {
public:
  WeightScheme(mlir::IntegerType type) : code(type) {}
  WeightScheme(GroupedAttr grouped) : code(grouped) {}
  WeightScheme(CodeAttrInterface code) : code(code) {}
  /// As an attribute of an op: an integer type, `#qc.grouped`, or the code. `get` is null for other attributes.
  static std::optional<WeightScheme> get(mlir::Attribute attr);
  mlir::Attribute getAttr() const;

  /// With these scales, which are rounded to f32, one or one per index of `axis` (>= 0).
  mlir::Type getType(llvm::ArrayRef<double> scales, int64_t axis) const;
  unsigned getBits() const;   ///< of a code where codes are packed
  int64_t getHighest() const; ///< of the integers that are multiplied
  /// Of codes times factors; null for others.
  GroupedAttr getGrouped() const;
  /// The codes, ascending, if they are not all integers in [-highest, highest]; else empty.
  llvm::SmallVector<int64_t> getLevels() const;
  /// The scale for some weights: of the largest one, or of least error where there are few levels; 0 if all are 0.
  double fitScale(llvm::ArrayRef<double> values) const;

private:
  std::variant<mlir::IntegerType, GroupedAttr, CodeAttrInterface> code;
};

/// The i32 bias type for accumulators with scale `inputScale * weightScales[c]` (double products, kept as doubles), zero point 0.
mlir::quant::QuantizedType getBiasType(mlir::MLIRContext *context, double inputScale, llvm::ArrayRef<double> weightScales,
                                       bool perAxis);
} // namespace qc

#endif // QC_DIALECT_QC_SCHEMES_SCHEMES_H
