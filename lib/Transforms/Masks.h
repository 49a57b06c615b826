// Masks in front of a softmax that a model computes: what numbers or conditions say of one integer or boolean tensor.
#ifndef QC_LIB_TRANSFORMS_MASKS_H
#define QC_LIB_TRANSFORMS_MASKS_H

#include "qc/Dialect/QC/IR/QC.h"

namespace qc {
/// True if what is added to scores is 0 or at most -10,000 for each element: a constant; numbers that follow, element by element
/// and perhaps moved, from one integer or boolean tensor, of which integers are taken to be 0 or 1; or a sum of such.
bool isAdditiveMask(mlir::Value added);
/// The i1 tensor, broadcast to `added`, that is true where nothing is added. Integers other than 0 count as 1.
mlir::Value makeMask(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value added);

/// True if an i1 tensor is constant, computed of integers and booleans, or follows from one such tensor through floats.
bool isCondition(mlir::Value condition);
/// The condition, or its opposite, without floats.
mlir::Value makeCondition(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value condition, bool inverted);

/// Both masks at once.
mlir::Value combineMasks(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value a, mlir::Value b);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_MASKS_H
