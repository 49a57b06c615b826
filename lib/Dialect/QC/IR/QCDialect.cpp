// Registration of the dialect.
#include "qc/Dialect/QC/IR/StoredOps.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qc;

#include "qc/Dialect/QC/IR/QCAttrInterfaces.cpp.inc"
#include "qc/Dialect/QC/IR/QCDialect.cpp.inc"
#include "qc/Dialect/QC/IR/QCEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "qc/Dialect/QC/IR/QCAttributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "qc/Dialect/QC/IR/QCTypes.cpp.inc"

namespace {
struct UpstreamDequantizeCast : DequantizeCastOpInterface::ExternalModel<UpstreamDequantizeCast, quant::DequantizeCastOp> {};
} // namespace

void QCDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "qc/Dialect/QC/IR/QCAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "qc/Dialect/QC/IR/QCTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "qc/Dialect/QC/IR/QCOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "qc/Dialect/QC/IR/StoredOps.cpp.inc"
      >();
  registerSchemes(*getContext());
  quant::DequantizeCastOp::attachInterface<UpstreamDequantizeCast>(*getContext());
}
