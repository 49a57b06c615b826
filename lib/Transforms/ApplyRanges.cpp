// Fills the ranges of observes from a file.
#include "Quantizable.h"
#include "RangeFile.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_APPLYRANGES
#include "qc/Transforms/Passes.h.inc"

namespace {
struct ApplyRanges : impl::ApplyRangesBase<ApplyRanges> {
  using ApplyRangesBase::ApplyRangesBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    llvm::Expected<llvm::StringMap<Range>> ranges = readRanges(file);
    if (!ranges) {
      emitError(function.getLoc()) << llvm::toString(ranges.takeError());
      return signalPassFailure();
    }
    Builder builder(&getContext());
    llvm::StringMap<Range> unknown = *ranges;
    std::vector<std::string> missing;
    function.walk([&](ObserveOp observe) {
      auto range = ranges->find(observe.getId());
      unknown.erase(observe.getId());
      if (range != ranges->end()) {
        // Zero must have a code: padding and relu rely on it.
        observe.setMinAttr(builder.getF64FloatAttr(std::min(range->second.first, 0.0)));
        observe.setMaxAttr(builder.getF64FloatAttr(std::max(range->second.second, 0.0)));
        observe.removeObservedAttr();
        observe->setAttr(fixedTypeName, builder.getUnitAttr());
        if (CodeCandidates candidates = CodeCandidates::get(observe); !candidates.list.empty()) {
          for (CodeCandidate &candidate : candidates.list)
            candidate.range = {observe.getMin()->convertToDouble(), observe.getMax()->convertToDouble()};
          candidates.set(observe);
        }
        if (range->second.first > 0 || range->second.second < 0)
          noteObserved(observe, range->second.first, range->second.second);
      } else if (!observe.getMin()) {
        missing.push_back(observe.getId().str());
      }
    });
    if (!missing.empty())
      emitError(function.getLoc()) << "range file '" << file << "' lacks " << missing.size()
                                   << " of the network's tensors: " << listNames(missing, 100)
                                   << "; add them, or write a complete file with -calib= and -dump-ranges=";
    if (!unknown.empty()) {
      std::vector<std::string> names;
      for (auto &entry : unknown)
        names.push_back(entry.first().str());
      llvm::sort(names);
      emitError(function.getLoc()) << "range file '" << file << "' names " << names.size()
                                   << " tensors that the network does not have: " << listNames(names, 100)
                                   << "; remove them, or pass the file that belongs to this model";
    }
    if (!missing.empty() || !unknown.empty())
      signalPassFailure();
  }
};
} // namespace
} // namespace qc
