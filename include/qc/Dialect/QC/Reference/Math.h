// Elementary functions in IEEE double arithmetic (+, -, *, / and scaling by powers of two only), so that tables and ranges have the same
// bytes on every host; the host's libm is never asked (docs/Numerics.md, N10). Errors are below 2 units in the last place.
#ifndef QC_DIALECT_QC_REFERENCE_MATH_H
#define QC_DIALECT_QC_REFERENCE_MATH_H

#include "qc/Dialect/QC/IR/QC.h"

namespace qc {
double exactExp(double x);
double exactLog(double x);
double exactTanh(double x);
double exactSigmoid(double x);

/// The real function of a qc.activation. `alpha` and `beta` as in its description.
double evaluateActivation(ActivationKind kind, double x, double alpha, double beta);

/// The f32 exponential that compiled code uses (docs/Numerics.md, N11): the same operations in the same order as the lowering emits.
float expF32(float x);
float tanhF32(float x);
float sigmoidF32(float x);
} // namespace qc

#endif // QC_DIALECT_QC_REFERENCE_MATH_H
