// memref.copy as loops.
#include "qc/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_EXPANDCOPIES
#include "qc/Transforms/Passes.h.inc"

namespace {
struct ExpandCopy : OpRewritePattern<memref::CopyOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(memref::CopyOp op, PatternRewriter &rewriter) const override {
    Value source = op.getSource(), target = op.getTarget();
    auto from = dyn_cast<MemRefType>(source.getType()), to = dyn_cast<MemRefType>(target.getType());
    if (!from || !to)
      return rewriter.notifyMatchFailure(op, "a buffer without rank");
    if (source == target) {
      rewriter.eraseOp(op);
      return success();
    }
    if (from.getLayout().isIdentity() && to.getLayout().isIdentity() && from.getRank() > 1) {
      SmallVector<ReassociationIndices> all{llvm::to_vector(llvm::seq<int64_t>(0, from.getRank()))};
      source = memref::CollapseShapeOp::create(rewriter, op.getLoc(), source, all);
      target = memref::CollapseShapeOp::create(rewriter, op.getLoc(), target, all);
    }
    int64_t rank = cast<MemRefType>(source.getType()).getRank();
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(
        op, ValueRange(source), ValueRange(target), ArrayRef<AffineMap>{identity, identity}, iterators,
        [](OpBuilder &b, Location loc, ValueRange arguments) { linalg::YieldOp::create(b, loc, arguments[0]); });
    return success();
  }
};

struct ExpandCopies : impl::ExpandCopiesBase<ExpandCopies> {
  using ExpandCopiesBase::ExpandCopiesBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandCopy>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns),
                                     GreedyRewriteConfig().enableFolding(false).enableConstantCSE(false))))
      signalPassFailure();
  }
};
} // namespace
} // namespace qc
