// Turns observes into quant.qcast/quant.dcast pairs.
#include "Quantizable.h"
#include "RangeFile.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Dialect/QC/Reference/PiecewiseLinear.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_MATERIALIZECASTS
#include "qc/Transforms/Passes.h.inc"

namespace {
struct MaterializeCasts : impl::MaterializeCastsBase<MaterializeCasts> {
  using MaterializeCastsBase::MaterializeCastsBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    SmallVector<ObserveOp> observes;
    std::vector<std::string> missing;
    bool invalid = false;
    function.walk([&](ObserveOp observe) {
      observes.push_back(observe);
      if (!observe.getMin()) {
        missing.push_back(observe.getId().str());
      } else if (unsigned bits = observe.getCode().getIntOrFloatBitWidth(); (bits < 2 || bits > 8) && bits != 16) {
        observe.emitError() << "codes of tensor '" << observe.getId() << "' must have 2 to 8 or 16 bits, not " << bits;
        invalid = true;
      } else if (double width = observe.getMax()->convertToDouble() - observe.getMin()->convertToDouble();
                 !(width <= double(std::numeric_limits<float>::max()))) {
        observe.emitError() << "the range of tensor '" << observe.getId() << "' is too wide for f32 scales";
        invalid = true;
      } else if (!zeroPoints && cast<IntegerType>(observe.getCode()).isUnsigned() && observe.getMin()->convertToDouble() < 0) {
        observe.emitError() << "tensor '" << observe.getId() << "' has numbers below 0, down to "
                            << observe.getMin()->convertToDouble() << ", which u" << bits
                            << " codes without zero points do not hold: give it i" << bits
                            << " in a constraints file, or use activations=i" << bits;
        invalid = true;
      }
    });
    if (!missing.empty()) {
      emitError(function.getLoc()) << "the network has " << describeMissingRanges(missing);
      invalid = true;
    }
    if (invalid)
      return signalPassFailure();

    OpBuilder builder(&getContext());
    for (ObserveOp observe : observes) {
      builder.setInsertionPoint(observe);
      auto type = getAffineType(cast<IntegerType>(observe.getCode()), observe.getMin()->convertToDouble(),
                                observe.getMax()->convertToDouble(), powerOfTwo || observe->hasAttr(powerOfTwoName), !zeroPoints);
      auto codes =
          quant::QuantizeCastOp::create(builder, observe.getLoc(), withElementType(observe.getType(), type), observe.getInput());
      if (Attribute fixed = observe->getAttr(fixedTypeName))
        codes->setAttr(fixedTypeName, fixed);
      std::pair<double, double> domain = {observe.getMin()->convertToDouble(), observe.getMax()->convertToDouble()};
      if (CodeCandidates candidates = CodeCandidates::get(observe); !candidates.list.empty()) {
        SmallVector<Attribute> types;
        for (const CodeCandidate &candidate : candidates.list) {
          auto [low, high] = candidate.range.value_or(domain);
          types.push_back(TypeAttr::get(
              getAffineType(candidate.code, low, high, powerOfTwo || observe->hasAttr(powerOfTwoName), !zeroPoints)));
          domain = {std::min(domain.first, low), std::max(domain.second, high)};
        }
        codes->setAttr(typeCandidatesName,
                       builder.getDictionaryAttr({builder.getNamedAttr("group", builder.getStringAttr(candidates.group)),
                                                  builder.getNamedAttr("id", observe.getIdAttr()),
                                                  builder.getNamedAttr("types", builder.getArrayAttr(types))}));
      }
      Value reals = quant::DequantizeCastOp::create(builder, observe.getLoc(), observe.getType(), codes);
      // Codes go as far as zero, the values did perhaps not: where a function needs a value is known only here.
      for (OpOperand &use : observe->getUses()) {
        if (!needsDomain(use))
          continue;
        use.getOwner()->setAttr(domainName, observe.getObservedAttr()
                                                ? observe.getObservedAttr()
                                                : builder.getDenseF64ArrayAttr({domain.first, domain.second}));
        if (Attribute histogram = observe->getAttr(histogramName); histogram && isUnaryFunction(use.getOwner()))
          use.getOwner()->setAttr(histogramName, histogram);
      }
      observe.replaceAllUsesWith(reals);
      observe.erase();
    }
  }
};
} // namespace
} // namespace qc
