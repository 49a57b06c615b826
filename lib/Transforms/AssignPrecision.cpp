// Decides the bits of each layer's weights under budgets.
#include "CompiledCosts.h"
#include "Quantizable.h"
#include "RangeFile.h"
#include "Sensitivity.h"
#include "WeightCodes.h"
#include "qc/Transforms/Passes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_ASSIGNPRECISION
#include "qc/Transforms/Passes.h.inc"

namespace {
/// A budget: what it is called, what it limits, in which unit. `Latency` is in cycles for the solver.
struct Budget {
  Cost cost;
  StringRef option, objective, unit;
};
const Budget budgets[] = {
    {Cost::WeightBytes, "max-weight-bytes", "weight-bytes", "bytes"},
    {Cost::Flash, "max-flash", "flash", "bytes"},
    {Cost::Arena, "max-arena", "arena", "bytes"},
    {Cost::Cycles, "max-latency-us", "latency", "us"},
    {Cost::Ace, "max-ace", "ace", "ACE"},
    {Cost::Bops, "max-bops", "bops", "BOPs"},
};

std::string formatNumber(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15)
    return std::to_string(int64_t(value));
  return llvm::formatv("{0:g}", value).str();
}
std::string formatLoss(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3g", value);
  return text;
}

/// An assignment and what is known of it.
struct Point {
  Assignment choice;
  Costs total{}; ///< as the solver adds it up, with what is not free
  std::optional<Outcome> outcome;
};

struct AssignPrecision : impl::AssignPrecisionBase<AssignPrecision> {
  using AssignPrecisionBase::AssignPrecisionBase;
  explicit AssignPrecision(const PipelineOptions &pipeline) : pipeline(pipeline), isGiven(true) {}

  void getDependentDialects(DialectRegistry &registry) const override { registerNetworkDialects(registry); }

  void runOnOperation() override {
    if (!isGiven)
      readOptions();
    func::FuncOp found;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && !getContractions(function).empty()) {
        if (found) {
          function.emitError("is a second function with layers: mixed precision decides for networks of one function");
          return signalPassFailure();
        }
        found = function;
      }
    if (!found) {
      emitError(getOperation().getLoc()) << "there is no layer with constant weights to give bits to: drop the budgets";
      return signalPassFailure();
    }
    if (failed(Decision(*this, found).run()))
      signalPassFailure();
  }

private:
  /// Only the pass's own options, for qopt.
  void readOptions() {
    pipeline.samples = samples;
    pipeline.weights = weights;
    pipeline.constraints = constraints;
    pipeline.rounding = rounding;
    pipeline.isa = isa;
    PrecisionOptions &precision = pipeline.precision;
    precision.candidates = candidates;
    precision.minimize = minimize;
    precision.maxWeightBytes = maxWeightBytes;
    precision.maxFlash = maxFlash;
    precision.maxArena = maxArena;
    precision.maxLatency = maxLatency;
    precision.clock = clock;
    precision.maxAce = maxAce;
    precision.maxBops = maxBops;
    precision.maxDrop = maxDrop;
    precision.pareto = pareto;
    precision.paretoOut = paretoOut;
  }

  class Decision {
  public:
    Decision(AssignPrecision &pass, func::FuncOp function)
        : options(pass.pipeline), precision(options.precision), module(pass.getOperation()), function(function),
          compiler(module, options), sensitivity(function, getSensitivityOptions(options)) {}

    LogicalResult run() {
      for (const std::string &problem : checkOptions(options))
        return fail(problem);
      if (failed(findLayers()) || failed(sensitivity.open()) || failed(checkDrop()) || failed(readCosts()) ||
          failed(sensitivity.measure(layers)))
        return failure();
      makeProblem();
      if (failed(choose()) || failed(makeFront()))
        return failure();
      record();
      return success();
    }

  private:
    LogicalResult fail(const Twine &what) { return emitError(function.getLoc()) << what; }

    static SensitivityOptions getSensitivityOptions(const PipelineOptions &options) {
      SensitivityOptions result;
      result.samples = options.samples;
      result.method = findRoundingMethod(options.rounding);
      if (auto order = parseRoundingOrder(options.order)) // else checkOptions says so
        result.rounding.order = *order;
      result.biasCorrection = options.biasCorrection;
      result.damping = options.damping;
      result.powerOfTwo = options.requant == "pow2";
      result.memory = options.roundingMemory;
      return result;
    }

    /// All layers with weights; those whose bits are free become `layers`.
    LogicalResult findLayers() {
      FailureOr<std::vector<AssignedCode>> codes = assignWeightCodes(function, options.weights, options.constraints);
      if (failed(codes))
        return failure();
      std::string problem;
      unsigned widest = 8;
      StringRef(WeightCodes::parse(options.weights, problem)->code).drop_front().getAsInteger(10, widest);
      SmallVector<unsigned> bits;
      for (StringRef part : llvm::split(precision.candidates, ',')) {
        unsigned number = 0;
        part.getAsInteger(10, number);
        if (number <= widest && !llvm::is_contained(bits, number))
          bits.push_back(number);
      }
      llvm::sort(bits);
      if (bits.empty())
        return fail("candidates=" + precision.candidates + ": none is as narrow as weights=" + options.weights + " demands");
      for (AssignedCode &code : *codes) {
        std::optional<Contraction> contraction = Contraction::get(code.op);
        Row row{code.op, code.scheme.getBits(), std::nullopt, "", {}};
        if (!code.pinnedBy.empty())
          row.reason = "pinned by " + code.pinnedBy;
        else if (!contraction || !getReconstructedType(*contraction))
          row.reason = "no estimate for it: it is transposed, or its input stays in float";
        else {
          row.free = layers.size();
          LayerSensitivity layer;
          layer.contraction = *contraction;
          layer.bits.assign(bits.begin(), bits.end());
          layers.push_back(std::move(layer));
        }
        if (!row.free)
          row.pinned = code.scheme.getAttr();
        rows.push_back(std::move(row));
      }
      if (layers.empty())
        return fail("there is no layer whose bits are free: constraints and weights=" + options.weights + " name all of them");
      return success();
    }

    /// A part of the held-out samples is the least that can be seen.
    LogicalResult checkDrop() {
      if (!(precision.maxDrop > 0))
        return success();
      double needed = std::ceil(100 / precision.maxDrop - 1e-9);
      if (double(sensitivity.getHeldOut()) >= needed)
        return success();
      return fail("max-drop=" + formatNumber(precision.maxDrop) + " is judged on every " +
                  std::to_string(Sensitivity::heldOutEvery) + "th calibration sample, and one of " +
                  std::to_string(sensitivity.getHeldOut()) + " is more than that: give " +
                  formatNumber(needed * double(Sensitivity::heldOutEvery)) + " samples or more, or a max-drop of at least " +
                  llvm::formatv("{0:f2}", 100.0 / double(sensitivity.getHeldOut())).str());
    }

    void setCodes(llvm::function_ref<unsigned(size_t)> bitsOf) {
      for (Row &row : rows) {
        if (row.free)
          row.bits = bitsOf(*row.free);
        row.op->setAttr(weightCodeName,
                        row.pinned ? row.pinned : TypeAttr::get(IntegerType::get(function.getContext(), row.bits)));
      }
    }

    SmallVector<Operation *> getOps() const {
      return llvm::map_to_vector(rows, [](const Row &row) { return row.op; });
    }

    /// The network with all free layers at each candidate.
    LogicalResult readCosts() {
      size_t count = layers.front().bits.size();
      costs.assign(rows.size(), {});
      double otherConstants = 0;
      for (size_t i = 0; i < count; ++i) {
        setCodes([&](size_t layer) { return layers[layer].bits[i]; });
        // To the end once, with the fewest bits: for what else than weights is constant.
        bool sizes = i == 0 && precision.maxFlash >= 0;
        FailureOr<CompiledCosts> compiled = compiler.compile(getOps(), sizes);
        if (failed(compiled))
          return failure();
        Costs rest = compiled->total;
        for (auto [row, list, each] : llvm::zip_equal(rows, costs, compiled->layers)) {
          list.push_back(each);
          if (row.free)
            for (size_t k = 0; k < costCount; ++k)
              rest[k] -= each[k];
        }
        // What is not free costs the same each time but for neighbours that change with it.
        for (size_t k = 0; k < costCount; ++k)
          fixed[k] = i == 0 ? rest[k] : std::max(fixed[k], rest[k]);
        if (sizes)
          otherConstants = at(rest, Cost::Flash);
      }
      at(fixed, Cost::Flash) = otherConstants;
      at(fixed, Cost::Arena) = 0;
      return success();
    }

    void makeProblem() {
      for (auto [row, list] : llvm::zip_equal(rows, costs)) {
        if (!row.free)
          continue;
        const LayerSensitivity &layer = layers[*row.free];
        std::vector<Costs> candidates = list;
        for (size_t i = 0; i < candidates.size(); ++i)
          at(candidates[i], Cost::Loss) = layer.losses[i];
        problem.layers.push_back(std::move(candidates));
      }
      for (auto [cost, value] : {std::pair(Cost::WeightBytes, double(precision.maxWeightBytes)),
                                 {Cost::Flash, double(precision.maxFlash)},
                                 {Cost::Cycles, precision.maxLatency * precision.clock},
                                 {Cost::Ace, precision.maxAce},
                                 {Cost::Bops, precision.maxBops}})
        if (value >= 0)
          at(problem.limits, cost) = value - at(fixed, cost);
      for (const Budget &budget : budgets)
        if (budget.objective == precision.minimize)
          problem.objective = budget.cost;
      if (precision.minimize.empty() && !precision.hasBudget() && precision.maxDrop >= 0)
        problem.objective = Cost::WeightBytes;
    }

    double getGiven(Cost cost) const {
      switch (cost) {
      case Cost::WeightBytes:
        return double(precision.maxWeightBytes);
      case Cost::Flash:
        return double(precision.maxFlash);
      case Cost::Arena:
        return double(precision.maxArena);
      case Cost::Cycles:
        return precision.maxLatency;
      case Cost::Ace:
        return precision.maxAce;
      default:
        return precision.maxBops;
      }
    }

    /// Of the whole network, in the unit of the option.
    double inUnits(Cost cost, double value) const { return cost == Cost::Cycles ? value / precision.clock : value; }

    /// Says which budget cannot be met, what could be, and which layer is in the way.
    LogicalResult failBudget() {
      for (bool together : {false, true})
        for (const Budget &budget : budgets) {
          if (!std::isfinite(at(problem.limits, budget.cost)))
            continue;
          PrecisionProblem least = problem;
          if (!together)
            least.limits.fill(INFINITY);
          at(least.limits, budget.cost) = INFINITY;
          least.objective = budget.cost;
          std::optional<Assignment> best = solvePrecision(least);
          if (!best)
            continue;
          double reached = at(getTotal(problem, *best), budget.cost);
          if (reached <= at(problem.limits, budget.cost))
            continue;
          std::string text = (budget.option + "=" + formatNumber(getGiven(budget.cost)) + " cannot be met").str();
          text += together ? " together with the other budgets" : "";
          text += ": the smallest reachable is " +
                  formatNumber(std::ceil(100 * inUnits(budget.cost, reached + at(fixed, budget.cost))) / 100) + " " +
                  budget.unit.str() + "; ";
          return fail(text + describeBlocker(budget.cost, *best));
        }
      return fail("the budgets cannot be met together: raise one of them");
    }

    /// The layer that takes most even so.
    std::string describeBlocker(Cost cost, const Assignment &best) const {
      const Row *most = nullptr;
      double largest = -1;
      for (auto [row, list] : llvm::zip_equal(rows, costs)) {
        double value = at(list[row.free ? best[*row.free] : 0], cost);
        if (value > largest)
          largest = value, most = &row;
      }
      unsigned bits = most->free ? layers[*most->free].bits[best[*most->free]] : most->bits;
      return "the layer " + describeNode(most->op) + " takes " + formatNumber(std::ceil(100 * inUnits(cost, largest)) / 100) +
             " of them at " + std::to_string(bits) + " bits" + (most->reason.empty() ? "" : " (" + most->reason + ")");
    }

    //===-- The choice
    //-------------------------------------------------------------------------------------------------------===//

    FailureOr<Point> solve(const PrecisionProblem &from) {
      std::optional<Assignment> choice = solvePrecision(from);
      if (!choice)
        return failure();
      return describe(*choice);
    }
    Point describe(const Assignment &choice) const {
      Point point{choice, getTotal(problem, choice), std::nullopt};
      for (size_t k = 0; k < costCount; ++k)
        point.total[k] += fixed[k];
      return point;
    }

    LogicalResult judge(Point &point) {
      if (point.outcome)
        return success();
      FailureOr<Outcome> outcome = sensitivity.evaluate(layers, point.choice);
      if (failed(outcome))
        return failure();
      point.outcome = *outcome;
      return success();
    }
    double getDrop(const Point &point) const { return 100 * (1 - point.outcome->getAgreement()); }

    LogicalResult choose() {
      FailureOr<Point> point = solve(problem);
      if (failed(point))
        return failBudget();
      if (precision.maxDrop >= 0) {
        if (failed(limitDrop(*point)))
          return failure();
      }
      if (failed(repair(*point)) || failed(judge(*point)))
        return failure();
      chosen = std::move(*point);
      return success();
    }

    /// The cheapest assignment that keeps enough of the results: the largest loss that does is searched by halving.
    LogicalResult limitDrop(Point &point) {
      auto refuse = [&](const Point &least, StringRef what) {
        return fail(llvm::formatv("max-drop={0} cannot be met: {1} differs from the float network in {2} of {3} samples held "
                                  "out, a drop of {4:f2} points: raise max-drop{5}",
                                  formatNumber(precision.maxDrop), what, least.outcome->rows - least.outcome->sameLargest,
                                  least.outcome->rows, getDrop(least),
                                  precision.hasBudget() ? ", the budgets or the bits of activations"
                                                        : ", the widest code type in weights or the bits of activations")
                        .str());
      };
      if (problem.objective == Cost::Loss) {
        if (failed(judge(point)) || failed(verify(point)))
          return failure();
        return getDrop(point) <= precision.maxDrop
                   ? success()
                   : refuse(point, precision.hasBudget() ? "what loses least within the budgets" : "what loses least");
      }
      PrecisionProblem least = problem;
      least.objective = Cost::Loss;
      FailureOr<Point> best = solve(least);
      if (failed(best))
        return failBudget();
      if (failed(judge(*best)) || failed(verify(*best)))
        return failure();
      if (getDrop(*best) > precision.maxDrop)
        return refuse(*best, precision.hasBudget() ? "what loses least within the budgets" : "what loses least");
      // Between the least loss, which is good enough, and that of the cheapest assignment.
      double low = std::max(at(best->total, Cost::Loss), 1e-12), high = std::max(at(point.total, Cost::Loss), low);
      constexpr int steps = 8;
      for (int i = 0; i < steps && high > low * 1.02; ++i) {
        PrecisionProblem limited = problem;
        double middle = i == 0 ? high : std::sqrt(low * high);
        at(limited.limits, Cost::Loss) = middle;
        FailureOr<Point> next = solve(limited);
        if (failed(next))
          break;
        if (next->choice != best->choice && failed(judge(*next)))
          return failure();
        if (next->choice == best->choice ||
            (getDrop(*next) <= precision.maxDrop && succeeded(verify(*next)) && getDrop(*next) <= precision.maxDrop)) {
          best = *next;
          low = middle;
          if (i == 0)
            break;
        } else {
          high = middle;
        }
      }
      if (failed(judge(*best)))
        return failure();
      point = *best;
      return success();
    }

    /// With the rounding that will be used, on the samples not held out.
    LogicalResult verify(Point &point) {
      setCodes([&](size_t layer) { return layers[layer].bits[point.choice[layer]]; });
      FailureOr<OwningOpRef<ModuleOp>> quantized = compiler.quantize(/*rounds=*/true, Sensitivity::heldOutEvery);
      if (failed(quantized))
        return failure();
      FailureOr<Outcome> outcome = sensitivity.evaluate((*quantized)->lookupSymbol<func::FuncOp>(function.getSymName()));
      if (failed(outcome))
        return failure();
      point.outcome = *outcome;
      return success();
    }

    /// Real sizes, which padding and neighbours change: compiles to the end and solves again, with less where a budget is
    /// exceeded and with more where something is left of it. Keeps the best that meets the budgets.
    LogicalResult repair(Point &point) {
      bool limitsFlash = precision.maxFlash >= 0;
      if (!limitsFlash && precision.maxArena < 0)
        return success();
      constexpr int most = 6;
      double &limit = at(problem.limits, Cost::Flash), exceeded = INFINITY;
      std::optional<Point> best;
      std::vector<Assignment> seen;
      for (int i = 0; i < most; ++i) {
        setCodes([&](size_t layer) { return layers[layer].bits[point.choice[layer]]; });
        FailureOr<CompiledCosts> compiled = compiler.compile(getOps(), /*sizes=*/true);
        if (failed(compiled))
          return failure();
        seen.push_back(point.choice);
        double flash = at(compiled->total, Cost::Flash), arena = at(compiled->total, Cost::Arena);
        double weights = at(getTotal(problem, point.choice), Cost::Flash);
        at(point.total, Cost::Flash) = flash;
        at(point.total, Cost::Arena) = arena;
        bool arenaMet = precision.maxArena < 0 || arena <= double(precision.maxArena);
        if (!arenaMet && failed(tightenScratch(point, *compiled)))
          return failure();
        if (arenaMet && (!limitsFlash || flash <= double(precision.maxFlash))) {
          if (!best || at(point.total, problem.objective) < at(best->total, problem.objective))
            best = point;
          double left = double(precision.maxFlash) - flash;
          if (!limitsFlash || left < 0.01 * weights)
            break;
          limit = std::isfinite(exceeded) ? (std::max(weights, limit) + exceeded) / 2 : std::max(limit, weights) + left;
        } else if (arenaMet) {
          exceeded = std::min(exceeded, weights - 1);
          limit = best ? (at(getTotal(problem, best->choice), Cost::Flash) + exceeded) / 2
                       : std::min(exceeded, double(precision.maxFlash) - (flash - weights));
        }
        FailureOr<Point> next = solve(problem);
        if (failed(next) || llvm::is_contained(seen, next->choice))
          break;
        point = *next;
      }
      if (!best) {
        // What takes least was compiled, and fits.
        PrecisionProblem least = problem;
        limit = at(least.limits, Cost::Flash) = INFINITY;
        least.objective = limitsFlash ? Cost::Flash : Cost::Arena;
        FailureOr<Point> smallest = solve(least);
        if (failed(smallest))
          return failBudget();
        setCodes([&](size_t layer) { return layers[layer].bits[smallest->choice[layer]]; });
        FailureOr<CompiledCosts> compiled = compiler.compile(getOps(), /*sizes=*/true);
        if (failed(compiled))
          return failure();
        double flash = at(compiled->total, Cost::Flash), arena = at(compiled->total, Cost::Arena);
        if (limitsFlash && flash > double(precision.maxFlash))
          return fail("max-flash=" + std::to_string(precision.maxFlash) +
                      " cannot be met together with the other budgets: the "
                      "smallest reachable is " +
                      formatNumber(flash) + " bytes");
        if (precision.maxArena >= 0 && arena > double(precision.maxArena))
          return failArena(*compiled);
        at(smallest->total, Cost::Flash) = flash;
        at(smallest->total, Cost::Arena) = arena;
        best = *smallest;
      }
      point = *best;
      return success();
    }

    /// Kernels may need less scratch with other bits.
    LogicalResult tightenScratch(const Point &point, const CompiledCosts &compiled) {
      double scratch = at(getTotal(problem, point.choice), Cost::Arena);
      PrecisionProblem least = problem;
      least.objective = Cost::Arena;
      std::optional<Assignment> best = solvePrecision(least);
      double reached = best ? at(getTotal(problem, *best), Cost::Arena) : scratch;
      if (reached >= scratch)
        return failArena(compiled);
      at(problem.limits, Cost::Arena) = std::max(reached, scratch * 0.75 - 1);
      return success();
    }

    LogicalResult failArena(const CompiledCosts &compiled) {
      std::string names;
      for (size_t k = 0; k < std::min<size_t>(compiled.largest.size(), 3); ++k)
        names += (k ? ", '" : "'") + compiled.largest[k] + "'";
      return fail("max-arena=" + std::to_string(precision.maxArena) + " cannot be met: the smallest reachable is " +
                  formatNumber(at(compiled.total, Cost::Arena)) + " bytes; where most is alive these are largest: " + names);
    }

    //===-- The front
    //---------------------------------------------------------------------------------------------------------===//

    LogicalResult makeFront() {
      if (!precision.pareto)
        return success();
      PrecisionProblem free = problem;
      free.limits.fill(INFINITY);
      free.objective = Cost::WeightBytes;
      double low = at(getTotal(free, *solvePrecision(free)), Cost::WeightBytes);
      free.objective = Cost::Loss;
      double high = at(getTotal(free, *solvePrecision(free)), Cost::WeightBytes);
      for (unsigned i = 0; i < precision.pareto; ++i) {
        at(free.limits, Cost::WeightBytes) = std::floor(low + (high - low) * i / (precision.pareto - 1));
        FailureOr<Point> point = solve(free);
        if (failed(point) || (!front.empty() && front.back().choice == point->choice))
          continue;
        if (failed(judge(*point)))
          return failure();
        front.push_back(std::move(*point));
      }
      if (precision.paretoOut.empty())
        return success();
      if (llvm::Error error = llvm::writeToOutput(precision.paretoOut, [&](raw_ostream &os) {
            os << llvm::formatv("{0:2}\n", describeFront());
            return llvm::Error::success();
          }))
        return fail("pareto-out: " + llvm::toString(std::move(error)));
      return success();
    }

    llvm::json::Value describeFront() const {
      llvm::json::Array points;
      for (const Point &point : front) {
        llvm::json::Array bits;
        for (const Row &row : rows)
          bits.push_back(int64_t(row.free ? layers[*row.free].bits[point.choice[*row.free]] : row.bits));
        points.push_back(llvm::json::Object{{"weight_bytes", int64_t(at(point.total, Cost::WeightBytes))},
                                            {"loss", at(point.total, Cost::Loss)},
                                            {"held_out_loss", point.outcome->loss},
                                            {"held_out_agreement", point.outcome->getAgreement()},
                                            {"bits", std::move(bits)}});
      }
      llvm::json::Array names;
      for (const Row &row : rows)
        names.push_back(getLocName(row.op->getLoc()));
      return llvm::json::Object{{"version", 1},
                                {"layers", std::move(names)},
                                {"held_out", chosen.outcome->samples},
                                {"chosen", llvm::json::Object{{"weight_bytes", int64_t(at(chosen.total, Cost::WeightBytes))},
                                                              {"loss", at(chosen.total, Cost::Loss)},
                                                              {"held_out_agreement", chosen.outcome->getAgreement()}}},
                                {"points", std::move(points)}};
    }

    //===-- What was decided
    //--------------------------------------------------------------------------------------------------===//

    /// What one step down and one step up would bring.
    std::string getReason(size_t layer, size_t choice, const std::vector<Costs> &list) const {
      const LayerSensitivity &s = layers[layer];
      Cost cost = problem.objective;
      if (cost == Cost::Loss) {
        cost = Cost::WeightBytes;
        for (const Budget &budget : llvm::reverse(budgets))
          if (getGiven(budget.cost) >= 0 && budget.cost != Cost::Arena)
            cost = budget.cost;
      }
      StringRef unit;
      for (const Budget &budget : budgets)
        if (budget.cost == cost)
          unit = budget.unit;
      auto amount = [&](double value) {
        return llvm::formatv("{0} {1}", formatNumber(std::round(100 * inUnits(cost, value)) / 100), unit).str();
      };
      // The next cheaper and the next dearer one; of several that cost the same the one that loses least.
      std::string text;
      double here = at(list[choice], cost);
      auto find = [&](bool cheaper) {
        std::optional<size_t> best;
        for (size_t i = 0; i < list.size(); ++i) {
          double value = at(list[i], cost);
          if (cheaper ? value >= here : value <= here)
            continue;
          double least = best ? at(list[*best], cost) : 0;
          if (!best || (cheaper ? value >= least : value <= least))
            best = i;
        }
        return best;
      };
      if (auto i = find(true))
        text = std::to_string(s.bits[*i]) + " bits would save " + amount(here - at(list[*i], cost)) + " and lose " +
               formatLoss(s.losses[*i] - s.losses[choice]) + " more";
      if (auto i = find(false))
        text += (text.empty() ? "" : "; ") + std::to_string(s.bits[*i]) + " bits would cost " +
                amount(at(list[*i], cost) - here) + " more and save " + formatLoss(s.losses[choice] - s.losses[*i]);
      return text.empty() ? "no other candidate costs less or more" : text;
    }

    void record() {
      setCodes([&](size_t layer) { return layers[layer].bits[chosen.choice[layer]]; });
      Builder b(function.getContext());
      auto integer = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getI64IntegerAttr(int64_t(value))); };
      auto number = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getF64FloatAttr(value)); };
      SmallVector<Attribute> list;
      for (auto [row, each] : llvm::zip_equal(rows, costs)) {
        size_t choice = row.free ? chosen.choice[*row.free] : 0;
        std::string reason = row.free ? getReason(*row.free, choice, each) : row.reason;
        list.push_back(b.getDictionaryAttr({integer("bits", row.bits), integer("bytes", at(each[choice], Cost::WeightBytes)),
                                            number("loss", row.free ? layers[*row.free].losses[choice] : 0),
                                            b.getNamedAttr("name", b.getStringAttr(getLocName(row.op->getLoc()))),
                                            b.getNamedAttr("reason", b.getStringAttr(reason))}));
        emitRemark(row.op->getLoc()) << "weights of " << row.bits << " bits: " << reason;
      }
      function->setAttr("qc.precision", b.getArrayAttr(list));
      SmallVector<NamedAttribute> total{number("agreement", chosen.outcome->getAgreement()),
                                        integer("held_out", double(chosen.outcome->samples)),
                                        number("loss", at(chosen.total, Cost::Loss)),
                                        number("held_out_loss", chosen.outcome->loss),
                                        integer("weight_bytes", at(chosen.total, Cost::WeightBytes)),
                                        number("latency_us", inUnits(Cost::Cycles, at(chosen.total, Cost::Cycles))),
                                        integer("ace", at(chosen.total, Cost::Ace)),
                                        integer("bops", at(chosen.total, Cost::Bops))};
      if (precision.maxFlash >= 0 || precision.maxArena >= 0) {
        total.push_back(integer("flash", at(chosen.total, Cost::Flash)));
        total.push_back(integer("arena", at(chosen.total, Cost::Arena)));
      }
      function->setAttr("qc.precision_total", b.getDictionaryAttr(total));
      if (front.empty())
        return;
      SmallVector<Attribute> points;
      for (const Point &point : front)
        points.push_back(b.getDictionaryAttr(
            {number("agreement", point.outcome->getAgreement()), number("held_out_loss", point.outcome->loss),
             number("loss", at(point.total, Cost::Loss)), integer("weight_bytes", at(point.total, Cost::WeightBytes))}));
      function->setAttr("qc.pareto", b.getArrayAttr(points));
    }

    /// A layer with constant float weights.
    struct Row {
      Operation *op;
      unsigned bits;
      std::optional<size_t> free; ///< index in `layers`
      std::string reason;         ///< of the others
      Attribute pinned;           ///< the code of the others
    };

    const PipelineOptions &options;
    const PrecisionOptions &precision;
    ModuleOp module;
    func::FuncOp function;
    CostCompiler compiler;
    Sensitivity sensitivity;
    std::vector<Row> rows;
    std::vector<LayerSensitivity> layers;
    std::vector<std::vector<Costs>> costs; ///< of each row, for each candidate
    Costs fixed{};                         ///< of what is not free
    PrecisionProblem problem;
    Point chosen;
    std::vector<Point> front;
  };

  PipelineOptions pipeline;
  bool isGiven = false;
};
} // namespace

std::unique_ptr<Pass> createAssignPrecision(const PipelineOptions &options) { return std::make_unique<AssignPrecision>(options); }
} // namespace qc
