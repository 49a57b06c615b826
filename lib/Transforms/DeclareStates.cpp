// Marks the inputs of a streaming network that are results of the sample before.
#include "States.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_DECLARESTATES
#include "qc/Transforms/Passes.h.inc"

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

namespace {
struct DeclareStates : impl::DeclareStatesBase<DeclareStates> {
  using DeclareStatesBase::DeclareStatesBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || state.empty())
      return;
    bool failed = false;
    auto refuse = [&](const Twine &pair, const Twine &why) {
      emitError(function.getLoc()) << "state '" << pair << "': " << why;
      failed = true;
    };
    for (StringRef pair : llvm::split(StringRef(state), ',')) {
      auto [in, out] = pair.split(':');
      std::optional<unsigned> argument = findArgument(function, in), result = findResult(function, out);
      if (!argument)
        refuse(pair, "no input '" + in + "'; the inputs are " + listNames(function, true));
      if (!result)
        refuse(pair, "no output '" + out + "'; the outputs are " + listNames(function, false));
      if (!argument || !result)
        continue;
      if (function.getArgumentTypes()[*argument] != function.getResultTypes()[*result])
        refuse(pair, "input and output must have one type");
      else if (function.getArgAttr(*argument, stateName))
        refuse(pair, "the input has another output already");
      else
        function.setArgAttr(*argument, stateName, StringAttr::get(&getContext(), out));
    }
    if (resetEvery)
      function->setAttr(resetName, Builder(&getContext()).getI64IntegerAttr(resetEvery));
    if (failed)
      signalPassFailure();
  }

private:
  static std::optional<unsigned> findArgument(func::FuncOp function, StringRef name) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (auto known = function.getArgAttrOfType<StringAttr>(i, "qc.name"); known && known.getValue() == name)
        return i;
    return std::nullopt;
  }

  static std::string listNames(func::FuncOp function, bool arguments) {
    std::string text;
    for (unsigned i = 0, e = arguments ? function.getNumArguments() : function.getNumResults(); i < e; ++i)
      if (auto name = arguments ? function.getArgAttrOfType<StringAttr>(i, "qc.name")
                                : function.getResultAttrOfType<StringAttr>(i, "qc.name"))
        text += (text.empty() ? "'" : ", '") + name.str() + "'";
    return text;
  }
};
} // namespace
} // namespace qc
