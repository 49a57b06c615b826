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

/// One scale for the whole tensor.
bool encodesTensor(Operation *op) {
  auto qcast = dyn_cast<quant::QuantizeCastOp>(op);
  return qcast && isa<quant::UniformQuantizedType>(qcast.getQuantizedType());
}

/// qcast(clamp(x)) to clamp(qcast(x)) where x comes from an op that cannot clamp: codes rise with the values, so limits and
/// rounding change places. So what is in front of the clamp finds the codes that it has to make.
struct ClampCodes : OpRewritePattern<quant::QuantizeCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(quant::QuantizeCastOp qcast, PatternRewriter &rewriter) const override {
    auto clamp = qcast.getInput().getDefiningOp<ClampOp>();
    if (!clamp || !llvm::all_of(clamp->getUsers(), encodesTensor))
      return rewriter.notifyMatchFailure(qcast, "encodes no clamped value, or others than quantizers of one scale read it too");
    Value input = clamp.getInput();
    Operation *producer = input.getDefiningOp();
    if (producer && isa<ClampOpInterface>(producer) && input.hasOneUse())
      return rewriter.notifyMatchFailure(qcast, "the clamp will be part of its producer");
    if (producer && isa<quant::DequantizeCastOp>(producer))
      return rewriter.notifyMatchFailure(qcast, "a change of scale clamps");
    Value codes = quant::QuantizeCastOp::create(rewriter, qcast.getLoc(), qcast.getType(), input);
    rewriter.replaceOpWithNewOp<ClampOp>(qcast, qcast.getType(), codes, clamp.getClampMinAttr(), clamp.getClampMaxAttr());
    return success();
  }
};

struct FuseClamps : impl::FuseClampsBase<FuseClamps> {
  using FuseClampsBase::FuseClampsBase;
  void runOnOperation() override {
    size_t before = llvm::range_size(getOperation().getOps<ClampOp>());
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseClamp, ClampCodes>(&getContext());
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
