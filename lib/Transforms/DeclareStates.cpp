// Marks the inputs of a streaming network that are results of the sample before.
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/StringExtras.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_DECLARESTATES
#include "qc/Transforms/Passes.h.inc"

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
    llvm::StringSet<> inputs;
    for (StringRef pair : llvm::split(StringRef(state), ',')) {
      auto [in, out] = pair.split(':');
      std::optional<unsigned> argument = findArgument(function, in), result = findResult(function, out);
      if (!argument)
        refuse(pair, "no input '" + in + "'; the inputs are " + listPorts(function, true));
      if (!result)
        refuse(pair, "no output '" + out + "'; the outputs are " + listPorts(function, false));
      if (!argument || !result)
        continue;
      if (function.getArgumentTypes()[*argument] != function.getResultTypes()[*result])
        refuse(pair, "input and output must have one type");
      else if (auto known = function.getArgAttrOfType<StringAttr>(*argument, stateName);
               !inputs.insert(in).second || (known && known.getValue() != out)) // declared again is no error
        refuse(pair, "the input has another output already");
      else
        function.setArgAttr(*argument, stateName, StringAttr::get(&getContext(), out));
    }
    if (resetEvery)
      function->setAttr(resetName, Builder(&getContext()).getI64IntegerAttr(resetEvery));
    if (failed)
      signalPassFailure();
  }
};
} // namespace
} // namespace qc
