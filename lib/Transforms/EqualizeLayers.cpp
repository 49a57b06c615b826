// Gives the channels between two layers like ranges of weights.
#include "Quantizable.h"
#include "ScalePairs.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_EQUALIZELAYERS
#include "qc/Transforms/Passes.h.inc"

namespace {
struct EqualizeLayers : impl::EqualizeLayersBase<EqualizeLayers> {
  using EqualizeLayersBase::EqualizeLayersBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    std::vector<ScalePair> pairs = findScalePairs(function);
    llvm::erase_if(pairs, [](const ScalePair &pair) { return isa<NormalizeOp>(pair.producer); });
    std::vector<std::vector<double>> total;
    for (const ScalePair &pair : pairs)
      total.emplace_back(pair.channels, 1.0);
    // A layer between two others changes with each of them: rounds until nothing moves.
    constexpr int rounds = 30;
    bool moved = true;
    for (int round = 0; round < rounds && moved; ++round) {
      moved = false;
      for (auto [pair, factors] : llvm::zip_equal(pairs, total)) {
        std::vector<double> first = pair.getProducerRanges(), second = pair.getConsumerRanges(), step(pair.channels, 1.0);
        for (int64_t c = 0; c < pair.channels; ++c)
          if (first[c] > 0 && second[c] > 0) {
            step[c] = std::sqrt(first[c] / second[c]);
            factors[c] *= step[c];
            moved |= std::fabs(step[c] - 1) > 1e-3;
          }
        pair.move(step);
      }
    }
    Builder b(&getContext());
    SmallVector<Attribute> rows;
    for (auto [pair, factors] : llvm::zip_equal(pairs, total)) {
      auto [least, largest] = std::minmax_element(factors.begin(), factors.end());
      rows.push_back(b.getDictionaryAttr({b.getNamedAttr("channels", b.getI64IntegerAttr(pair.channels)),
                                          b.getNamedAttr("largest_factor", b.getF64FloatAttr(*largest)),
                                          b.getNamedAttr("least_factor", b.getF64FloatAttr(*least)),
                                          b.getNamedAttr("name", b.getStringAttr(getLocName(pair.producer->getLoc())))}));
    }
    function->setAttr("qc.equalization", b.getArrayAttr(rows));
  }
};
} // namespace
} // namespace qc
