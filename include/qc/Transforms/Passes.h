// Passes on qc and on buffers, and their registration.
#ifndef QC_TRANSFORMS_PASSES_H
#define QC_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace qc {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "qc/Transforms/Passes.h.inc"
} // namespace qc

#endif // QC_TRANSFORMS_PASSES_H
