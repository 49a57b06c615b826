// Decides the bits of each layer's weights under budgets.
#include "PrecisionReport.h"
#include "Quantizable.h"
#include "qc/Transforms/Passes.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_ASSIGNPRECISION
#include "qc/Transforms/Passes.h.inc"

namespace {
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
    precision.slices = slices;
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
        : options(pass.pipeline), precision(options.precision), space(function, options), compiler(pass.getOperation(), options),
          sensitivity(function, getSensitivityOptions(options)) {}

    LogicalResult run() {
      for (const std::string &problem : checkOptions(options))
        return space.fail(problem);
      if (failed(space.findLayers()) || failed(sensitivity.open()) || failed(checkDrop()) || failed(space.readCosts(compiler)) ||
          failed(sensitivity.measure(space.layers)) || failed(sensitivity.measure(space.groups)))
        return failure();
      space.makeProblem();
      if (failed(choose()) || failed(makeFront()))
        return failure();
      PrecisionReport(space, chosen, front).record();
      return success();
    }

  private:
    static SensitivityOptions getSensitivityOptions(const PipelineOptions &options) {
      SensitivityOptions result;
      result.samples = options.samples;
      result.method = findRoundingMethod(options.rounding);
      if (auto order = parseRoundingOrder(options.order)) // else checkOptions says so
        result.rounding.order = *order;
      result.biasCorrection = options.biasCorrection;
      result.damping = options.damping;
      if (result.method)
        result.sensitivity = options.sensitivity;
      result.powerOfTwo = options.requant == "pow2";
      result.memory = options.roundingMemory;
      return result;
    }

    /// A part of the held-out samples is the least that can be seen.
    LogicalResult checkDrop() {
      if (!(precision.maxDrop > 0))
        return success();
      double needed = std::ceil(100 / precision.maxDrop - 1e-9);
      if (double(sensitivity.getHeldOut()) >= needed)
        return success();
      return space.fail(
          "max-drop=" + formatNumber(precision.maxDrop) + " is judged on every " + std::to_string(Sensitivity::heldOutEvery) +
          "th calibration sample, and one of " + std::to_string(sensitivity.getHeldOut()) + " is more than that: give " +
          formatNumber(needed * double(Sensitivity::heldOutEvery)) + " samples or more, or a max-drop of at least " +
          llvm::formatv("{0:f2}", 100.0 / double(sensitivity.getHeldOut())).str());
    }

    /// Says which budget cannot be met, what could be, and which layer is in the way.
    LogicalResult failBudget() {
      for (bool together : {false, true})
        for (const Budget &budget : getBudgets()) {
          if (!std::isfinite(at(space.problem.limits, budget.cost)))
            continue;
          PrecisionProblem least = space.problem;
          if (!together)
            least.limits.fill(INFINITY);
          at(least.limits, budget.cost) = INFINITY;
          least.objective = budget.cost;
          std::optional<Assignment> best = solvePrecision(least);
          if (!best)
            continue;
          double reached = at(getTotal(space.problem, *best), budget.cost);
          if (reached <= at(space.problem.limits, budget.cost))
            continue;
          std::string text = (budget.option + "=" + formatNumber(space.getGiven(budget.cost)) + " cannot be met").str();
          text += together ? " together with the other budgets" : "";
          text += ": the smallest reachable is " +
                  formatNumber(std::ceil(100 * space.inUnits(budget.cost, reached + at(space.fixed, budget.cost))) / 100) + " " +
                  budget.unit.str() + "; ";
          return space.fail(text + describeBlocker(budget.cost, *best));
        }
      return space.fail("the budgets cannot be met together: raise one of them");
    }

    /// The layer that takes most even so.
    std::string describeBlocker(Cost cost, const Assignment &best) const {
      const PrecisionSpace::Row *most = nullptr;
      double largest = -1;
      unsigned bits = 0;
      for (auto [row, list] : llvm::zip_equal(space.rows, space.costs)) {
        double value = 0;
        for (size_t s = 0; row.unit && s < space.getSlices(row); ++s)
          value += at(space.problem.layers[*row.unit + s][best[*row.unit + s]], cost);
        if (!row.unit)
          value = at(list.front().front(), cost);
        if (value > largest) {
          largest = value, most = &row;
          bits = row.unit ? space.getBits(space.units[*row.unit], best[*row.unit]) : row.bits;
        }
      }
      if (!most)
        return "no layer takes any of them";
      return "the layer " + describeNode(most->op) + " takes " +
             formatNumber(std::ceil(100 * space.inUnits(cost, largest)) / 100) + " of them at " + std::to_string(bits) + " bits" +
             (most->reason.empty() ? "" : " (" + most->reason + ")");
    }

    //===-- The choice
    //-------------------------------------------------------------------------------------------------------===//

    FailureOr<PrecisionPoint> solve(const PrecisionProblem &from) {
      std::optional<Assignment> choice = solvePrecision(from);
      if (!choice)
        return failure();
      return space.describe(*choice);
    }

    LogicalResult judge(PrecisionPoint &point) {
      if (point.outcome)
        return success();
      space.set(point.choice); // types of activations
      std::vector<std::vector<size_t>> slices(space.layers.size());
      for (const auto &[unit, candidate] : llvm::zip_equal(space.units, point.choice))
        if (!unit.isGroup && space.rows[unit.index].free)
          slices[*space.rows[unit.index].free].push_back(space.getWeight(unit, candidate));
      FailureOr<Outcome> outcome = sensitivity.evaluate(space.layers, slices);
      if (failed(outcome))
        return failure();
      point.outcome = *outcome;
      return success();
    }
    double getDrop(const PrecisionPoint &point) const { return 100 * (1 - point.outcome->getAgreement()); }

    LogicalResult choose() {
      FailureOr<PrecisionPoint> point = solve(space.problem);
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
    LogicalResult limitDrop(PrecisionPoint &point) {
      auto refuse = [&](const PrecisionPoint &least, StringRef what) {
        return space.fail(
            llvm::formatv("max-drop={0} cannot be met: {1} differs from the float network in {2} of {3} samples held "
                          "out, a drop of {4:f2} points: raise max-drop{5}",
                          formatNumber(precision.maxDrop), what, least.outcome->rows - least.outcome->sameLargest,
                          least.outcome->rows, getDrop(least),
                          precision.hasBudget() ? ", the budgets or the bits of activations"
                                                : ", the widest code type in weights or the bits of activations")
                .str());
      };
      if (space.problem.objective == Cost::Loss) {
        if (failed(judge(point)) || failed(verify(point)))
          return failure();
        return getDrop(point) <= precision.maxDrop
                   ? success()
                   : refuse(point, precision.hasBudget() ? "what loses least within the budgets" : "what loses least");
      }
      PrecisionProblem least = space.problem;
      least.objective = Cost::Loss;
      FailureOr<PrecisionPoint> best = solve(least);
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
        PrecisionProblem limited = space.problem;
        double middle = i == 0 ? high : std::sqrt(low * high);
        at(limited.limits, Cost::Loss) = middle;
        FailureOr<PrecisionPoint> next = solve(limited);
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
    LogicalResult verify(PrecisionPoint &point) {
      space.set(point.choice);
      FailureOr<OwningOpRef<ModuleOp>> quantized = compiler.quantize(/*rounds=*/true, Sensitivity::heldOutEvery);
      if (failed(quantized))
        return failure();
      FailureOr<Outcome> outcome = sensitivity.evaluate((*quantized)->lookupSymbol<func::FuncOp>(space.function.getSymName()));
      if (failed(outcome))
        return failure();
      point.outcome = *outcome;
      return success();
    }

    /// Of the whole network, as the passes count; infinite where there is none.
    double getLimit(Cost cost) const {
      double given = space.getGiven(cost);
      return given < 0 ? INFINITY : cost == Cost::Cycles ? given * precision.clock : given;
    }
    /// The first budget that `real` exceeds.
    const Budget *findExceeded(const Costs &real) const {
      for (const Budget &budget : getBudgets())
        if (at(real, budget.cost) > getLimit(budget.cost) * (1 + 1e-9))
          return &budget;
      return nullptr;
    }

    /// Compiles with what `point` chooses and notes what that really costs.
    FailureOr<CompiledCosts> compile(PrecisionPoint &point) {
      bool sizes = precision.maxFlash >= 0 || precision.maxArena >= 0;
      space.set(point.choice);
      FailureOr<CompiledCosts> compiled = compiler.compile(space.getOps(), sizes);
      if (failed(compiled))
        return failure();
      for (Cost cost : {Cost::WeightBytes, Cost::Cycles, Cost::Ace, Cost::Bops})
        if (space.isCoupled())
          at(point.total, cost) = at(compiled->total, cost);
      for (Cost cost : {Cost::Flash, Cost::Arena})
        at(point.total, cost) = sizes ? at(compiled->total, cost) : 0;
      return compiled;
    }

    /// Real sizes, which padding and neighbours change: compiles, and solves again, with less where a budget is exceeded and with
    /// more where something is left of it. Keeps the best that meets the budgets.
    LogicalResult repair(PrecisionPoint &point) {
      bool limitsFlash = precision.maxFlash >= 0;
      if (!limitsFlash && precision.maxArena < 0 && !(space.isCoupled() && precision.hasBudget()))
        return success();
      const int most = space.isCoupled() ? 12 : 6;
      double &limit = at(space.problem.limits, Cost::Flash), smallestExceeded = INFINITY;
      std::optional<PrecisionPoint> best;
      std::vector<Assignment> seen;
      const Budget *exceeded = nullptr;
      for (int i = 0; i < most; ++i) {
        FailureOr<CompiledCosts> compiled = compile(point);
        if (failed(compiled))
          return failure();
        seen.push_back(point.choice);
        Costs sums = getTotal(space.problem, point.choice);
        double flash = at(point.total, Cost::Flash), weights = at(sums, Cost::Flash);
        const Budget *found = findExceeded(point.total);
        exceeded = found ? found : exceeded;
        if (!found) {
          if (!best || at(point.total, space.problem.objective) < at(best->total, space.problem.objective))
            best = point;
          double left = double(precision.maxFlash) - flash;
          if (!limitsFlash || left < 0.01 * weights)
            break;
          limit = std::isfinite(smallestExceeded) ? (std::max(weights, limit) + smallestExceeded) / 2
                                                  : std::max(limit, weights) + left;
        } else if (found->cost == Cost::Arena) {
          if (space.groups.empty() ? failed(tightenScratch(point, *compiled)) : failed(limitArena(point, *compiled)))
            return failure();
        } else if (found->cost == Cost::Flash) {
          smallestExceeded = std::min(smallestExceeded, weights - 1);
          limit = best ? (at(getTotal(space.problem, best->choice), Cost::Flash) + smallestExceeded) / 2
                       : std::min(smallestExceeded, double(precision.maxFlash) - (flash - weights));
        } else {
          double sum = at(sums, found->cost);
          at(space.problem.limits, found->cost) =
              std::min(at(space.problem.limits, found->cost), sum) - (at(point.total, found->cost) - getLimit(found->cost));
        }
        FailureOr<PrecisionPoint> next = solve(space.problem);
        if (failed(next) || llvm::is_contained(seen, next->choice))
          break;
        point = *next;
      }
      if (!best) {
        // What takes least was compiled, and fits.
        PrecisionProblem least = space.problem;
        least.others.clear();
        limit = at(least.limits, Cost::Flash) = INFINITY;
        at(least.limits, exceeded->cost) = INFINITY;
        least.objective = exceeded->cost;
        FailureOr<PrecisionPoint> smallest = solve(least);
        if (failed(smallest))
          return failBudget();
        FailureOr<CompiledCosts> compiled = compile(*smallest);
        if (failed(compiled))
          return failure();
        if (const Budget *found = findExceeded(smallest->total)) {
          if (found->cost == Cost::Arena)
            return failArena(*compiled);
          return space.fail(found->option + "=" + formatNumber(space.getGiven(found->cost)) +
                            " cannot be met together with the other budgets: the smallest reachable is " +
                            formatNumber(std::ceil(100 * space.inUnits(found->cost, at(smallest->total, found->cost))) / 100) +
                            " " + found->unit);
        }
        best = *smallest;
      }
      point = *best;
      return success();
    }

    /// Kernels may need less scratch with other bits.
    LogicalResult tightenScratch(const PrecisionPoint &point, const CompiledCosts &compiled) {
      double scratch = at(getTotal(space.problem, point.choice), Cost::Arena);
      PrecisionProblem least = space.problem;
      least.objective = Cost::Arena;
      std::optional<Assignment> best = solvePrecision(least);
      double reached = best ? at(getTotal(space.problem, *best), Cost::Arena) : scratch;
      if (reached >= scratch)
        return failArena(compiled);
      at(space.problem.limits, Cost::Arena) = std::max(reached, scratch * 0.75 - 1);
      return success();
    }

    /// What is alive at once must fit: a limit for each moment of the arena that was planned. What the plan takes beyond the
    /// fullest moment is kept free.
    LogicalResult limitArena(const PrecisionPoint &point, const CompiledCosts &compiled) {
      llvm::StringMap<size_t> groupOf;
      for (auto [g, group] : llvm::enumerate(space.groups))
        for (const ActivationGroup::Member &member : group.members)
          groupOf[member.id] = g;
      // Groups are the first units. Scratch has the name of the result, too, but not its size.
      auto getGroup = [&](const CompiledCosts::Live &buffer) -> std::optional<size_t> {
        auto found = groupOf.find(buffer.name);
        if (found == groupOf.end())
          return std::nullopt;
        for (const ActivationGroup::Member &member : space.groups[found->second].members) {
          quant::QuantizeCastOp qcast = member.qcast;
          double bytes = double(cast<ShapedType>(qcast.getType()).getNumElements()) *
                         double(llvm::divideCeil(space.getBits(space.units[found->second], point.choice[found->second]), 8));
          if (member.id == buffer.name && buffer.bytes >= bytes && buffer.bytes < bytes * 1.5 + 64)
            return found->second;
        }
        return std::nullopt;
      };
      double fullest = 0;
      std::vector<PrecisionLimit> limits;
      for (const CompiledCosts::Live &moment : compiled.buffers) {
        double sum = 0, rest = 0;
        llvm::MapVector<size_t, double> alive;
        for (const CompiledCosts::Live &buffer : compiled.buffers) {
          if (buffer.first > moment.first || moment.first > buffer.last)
            continue;
          sum += buffer.bytes;
          if (std::optional<size_t> group = getGroup(buffer))
            alive[*group] += buffer.bytes;
          else
            rest += buffer.bytes;
        }
        fullest = std::max(fullest, sum);
        PrecisionLimit limit{{}, {}, double(precision.maxArena) - rest};
        for (auto [g, bytes] : alive) {
          limit.layers.push_back(g);
          std::vector<double> &terms = limit.terms.emplace_back();
          auto getBytes = [](unsigned bits) { return double(llvm::divideCeil(bits, 8)); };
          for (unsigned bits : space.groups[g].bits)
            terms.push_back(bytes * getBytes(bits) / getBytes(space.getBits(space.units[g], point.choice[g])));
        }
        if (!limit.layers.empty())
          limits.push_back(std::move(limit));
      }
      for (PrecisionLimit &limit : limits)
        limit.limit -= std::max(0.0, at(point.total, Cost::Arena) - fullest);
      space.problem.others = std::move(limits);
      return success();
    }

    LogicalResult failArena(const CompiledCosts &compiled) {
      std::string names;
      for (size_t k = 0; k < std::min<size_t>(compiled.largest.size(), 3); ++k)
        names += (k ? ", '" : "'") + compiled.largest[k] + "'";
      return space.fail("max-arena=" + std::to_string(precision.maxArena) + " cannot be met: the smallest reachable is " +
                        formatNumber(at(compiled.total, Cost::Arena)) +
                        " bytes; where most is alive these are largest: " + names);
    }

    //===-- The front
    //---------------------------------------------------------------------------------------------------------===//

    LogicalResult makeFront() {
      if (!precision.pareto)
        return success();
      PrecisionProblem free = space.problem;
      free.limits.fill(INFINITY);
      free.objective = Cost::WeightBytes;
      // Activations stay as they are chosen.
      PrecisionLimit stay{{}, {}, 0.5};
      for (size_t g = 0; g < space.groups.size(); ++g) {
        stay.layers.push_back(g);
        stay.terms.emplace_back(space.groups[g].bits.size(), 1.0)[chosen.choice[g]] = 0;
      }
      free.others.clear();
      if (!space.groups.empty())
        free.others.push_back(std::move(stay));
      double low = at(getTotal(free, *solvePrecision(free)), Cost::WeightBytes);
      free.objective = Cost::Loss;
      double high = at(getTotal(free, *solvePrecision(free)), Cost::WeightBytes);
      for (unsigned i = 0; i < precision.pareto; ++i) {
        at(free.limits, Cost::WeightBytes) = std::floor(low + (high - low) * i / (precision.pareto - 1));
        FailureOr<PrecisionPoint> point = solve(free);
        if (failed(point) || (!front.empty() && front.back().choice == point->choice))
          continue;
        if (failed(judge(*point)))
          return failure();
        front.push_back(std::move(*point));
      }
      if (precision.paretoOut.empty())
        return success();
      if (llvm::Error error = llvm::writeToOutput(precision.paretoOut, [&](raw_ostream &os) {
            os << llvm::formatv("{0:2}\n", PrecisionReport(space, chosen, front).describeFront());
            return llvm::Error::success();
          }))
        return space.fail("pareto-out: " + llvm::toString(std::move(error)));
      return success();
    }

    const PipelineOptions &options;
    const PrecisionOptions &precision;
    PrecisionSpace space;
    CostCompiler compiler;
    Sensitivity sensitivity;
    PrecisionPoint chosen;
    std::vector<PrecisionPoint> front;
  };

  PipelineOptions pipeline;
  bool isGiven = false;
};
} // namespace

std::unique_ptr<Pass> createAssignPrecision(const PipelineOptions &options) { return std::make_unique<AssignPrecision>(options); }
} // namespace qc
