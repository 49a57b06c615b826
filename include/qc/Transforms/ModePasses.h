// Passes of the modes that compute in f32 with weights of fewer bits, and their registration.
#ifndef QC_TRANSFORMS_MODEPASSES_H
#define QC_TRANSFORMS_MODEPASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace qc {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "qc/Transforms/ModePasses.h.inc"
} // namespace qc

#endif // QC_TRANSFORMS_MODEPASSES_H
