#include "qc/Dialect/QC/IR/States.h"

using namespace mlir;

namespace qc {
std::optional<unsigned> findArgument(func::FuncOp function, StringRef name) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto known = function.getArgAttrOfType<StringAttr>(i, "qc.name"); known && known.getValue() == name)
      return i;
  return std::nullopt;
}

std::optional<unsigned> findResult(func::FuncOp function, StringRef name) {
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (auto known = function.getResultAttrOfType<StringAttr>(i, "qc.name"); known && known.getValue() == name)
      return i;
  return std::nullopt;
}

std::optional<unsigned> getStateResult(func::FuncOp function, unsigned index) {
  auto name = function.getArgAttrOfType<StringAttr>(index, stateName);
  return name ? findResult(function, name) : std::nullopt;
}

Value getStateValue(func::FuncOp function, unsigned index) {
  Value value = function.getBody().front().getTerminator()->getOperand(index);
  while (auto observe = value.getDefiningOp<ObserveOp>())
    value = observe.getInput();
  return value;
}

std::string listPorts(func::FuncOp function, bool arguments) {
  std::string text;
  for (unsigned i = 0, e = arguments ? function.getNumArguments() : function.getNumResults(); i < e; ++i)
    if (auto name = arguments ? function.getArgAttrOfType<StringAttr>(i, "qc.name")
                              : function.getResultAttrOfType<StringAttr>(i, "qc.name"))
      text += (text.empty() ? "'" : ", '") + name.str() + "'";
  return text;
}
} // namespace qc
