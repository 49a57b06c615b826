// Moves clamps into the op that computes their input.
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_FUSECLAMPS
#include "qc/Transforms/Passes.h.inc"

namespace {
/// The tighter of two limits; `upper` says which side they bound.
FloatAttr tighter(std::optional<APFloat> a, std::optional<APFloat> b, bool upper, Builder &builder) {
  if (!a && !b)
    return {};
  if (!a || !b)
    return builder.getF32FloatAttr((a ? *a : *b).convertToFloat());
  float x = a->convertToFloat(), y = b->convertToFloat();
  return builder.getF32FloatAttr(upper ? std::min(x, y) : std::max(x, y));
}

struct FuseClamp : OpRewritePattern<ClampOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClampOp clamp, PatternRewriter &rewriter) const override {
    auto producer = clamp.getInput().getDefiningOp<ClampOpInterface>();
    if (!producer)
      return rewriter.notifyMatchFailure(clamp, "the input's producer cannot clamp");
    if (!clamp.getInput().hasOneUse())
      return rewriter.notifyMatchFailure(clamp, "the unclamped value has other uses");
    FloatAttr low = tighter(producer.getClampMin(), clamp.getClampMin(), false, rewriter);
    FloatAttr high = tighter(producer.getClampMax(), clamp.getClampMax(), true, rewriter);
    if (low && high && low.getValueAsDouble() > high.getValueAsDouble())
      return rewriter.notifyMatchFailure(clamp, "the two clamps have no value in common");
    rewriter.modifyOpInPlace(producer, [&] {
      if (low)
        producer.setClampMinAttr(low);
      if (high)
        producer.setClampMaxAttr(high);
      // The value that remains is the clamp's: it keeps the clamp's name, by which range files know it.
      producer->setLoc(clamp.getLoc());
    });
    rewriter.replaceOp(clamp, clamp.getInput());
    return success();
  }
};

struct FuseClamps : impl::FuseClampsBase<FuseClamps> {
  using FuseClampsBase::FuseClampsBase;
  void runOnOperation() override {
    size_t before = llvm::range_size(getOperation().getOps<ClampOp>());
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseClamp>(&getContext());
    // The driver's own folding takes quant.dcast(quant.qcast(x)) for x, which forgets the rounding that a model asks for.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    numFused += before - llvm::range_size(getOperation().getOps<ClampOp>());
  }
};
} // namespace
} // namespace qc
