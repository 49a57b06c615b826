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
        : options(pass.pipeline), precision(options.precision), module(pass.getOperation()), function(function),
          compiler(module, options), sensitivity(function, getSensitivityOptions(options)) {}

    LogicalResult run() {
      for (const std::string &problem : checkOptions(options))
        return fail(problem);
      if (failed(findLayers()) || failed(sensitivity.open()) || failed(checkDrop()) || failed(readCosts()) ||
          failed(sensitivity.measure(layers)) || failed(sensitivity.measure(groups)))
        return failure();
      makeProblem();
      if (failed(choose()) || failed(makeFront()))
        return failure();
      record();
      return success();
    }

  private:
    /// A layer with constant float weights.
    struct Row {
      Operation *op;
      unsigned bits;
      std::optional<size_t> free;  ///< index in `layers`
      std::optional<size_t> input; ///< index in `groups` of what comes in
      std::optional<size_t> unit;  ///< its first one, if anything of it depends on a choice
      std::string reason;          ///< of those that are not free
      Attribute pinned;            ///< their code
    };

    LogicalResult fail(const Twine &what) { return emitError(function.getLoc()) << what; }

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

    /// All layers with weights and all activations; those whose bits are free become `layers` and `groups`.
    LogicalResult findLayers() {
      FailureOr<std::vector<AssignedCode>> codes = assignWeightCodes(function, options.weights, options.constraints);
      if (failed(codes))
        return failure();
      groups = findActivationGroups(function);
      std::string problem;
      unsigned widest = 8;
      StringRef(WeightCodes::parse(options.weights, problem)->code).drop_front().getAsInteger(10, widest);
      std::vector<WeightScheme> candidates;
      for (StringRef part : llvm::split(precision.candidates, ','))
        if (WeightScheme scheme = *parseWeightCode(("i" + part).str(), function.getContext()); scheme.getBits() <= widest)
          candidates.push_back(scheme);
      llvm::sort(candidates, [](const WeightScheme &a, const WeightScheme &b) { return a.getBits() < b.getBits(); });
      if (candidates.empty())
        return fail("candidates=" + precision.candidates + ": none is as narrow as weights=" + options.weights + " demands");
      for (AssignedCode &code : *codes) {
        std::optional<Contraction> contraction = Contraction::get(code.op);
        Row row{code.op, code.scheme.getBits(), std::nullopt, findGroup(groups, code.op->getOperand(0)), std::nullopt, "", {}};
        if (!code.pinnedBy.empty())
          row.reason = "pinned by " + code.pinnedBy;
        else if (!contraction || !getReconstructedType(*contraction))
          row.reason = "no estimate for it: it is transposed, or its input stays in float";
        else {
          row.free = layers.size();
          LayerSensitivity layer;
          layer.contraction = *contraction;
          for (const WeightScheme &scheme : candidates) {
            layer.bits.push_back(scheme.getBits());
            layer.schemes.push_back(fitToLayer(scheme, code.op, /*quiet=*/true));
          }
          layer.ends = getSliceEnds(*contraction, precision.slices);
          layers.push_back(std::move(layer));
        }
        if (!row.free)
          row.pinned = code.scheme.getAttr();
        rows.push_back(std::move(row));
      }
      if (layers.empty() && groups.empty())
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

    /// What is chosen in one place: the type of a group of activations, or the bits of a run of a layer's channels.
    struct Unit {
      std::string name;
      bool isGroup;
      size_t index, slice = 0; ///< in `groups`, or in `rows` and there
    };
    /// The candidates of a layer's unit are pairs: bits of weights, then types of the activations that come in if those are free.
    size_t getTypes(const Row &row) const { return row.input ? groups[*row.input].bits.size() : 1; }
    size_t getWeight(const Unit &unit, size_t candidate) const { return candidate / getTypes(rows[unit.index]); }
    unsigned getBits(const Unit &unit, size_t candidate) const {
      if (unit.isGroup)
        return groups[unit.index].bits[candidate];
      const Row &row = rows[unit.index];
      return row.free ? layers[*row.free].bits[getWeight(unit, candidate)] : row.bits;
    }
    size_t getSlices(const Row &row) const { return row.free ? layers[*row.free].ends.size() : 1; }

    /// Layers get the codes of candidate `weight`, activations the types of candidate `type`.
    void setAll(size_t weight, size_t type) {
      for (const ActivationGroup &group : groups)
        group.set(std::min(type, group.bits.size() - 1));
      for (Row &row : rows)
        setCode(row, row.free ? layers[*row.free].bits[weight] : row.bits);
    }
    void setCode(Row &row, unsigned bits) {
      row.bits = bits;
      row.op->removeAttr(weightSlicesName);
      row.op->setAttr(weightCodeName, row.pinned ? row.pinned : layers[*row.free].getScheme(bits).getAttr());
    }

    /// What `choice` says.
    void set(const Assignment &choice) {
      Builder b(function.getContext());
      for (auto [unit, candidate] : llvm::zip_equal(units, choice)) {
        if (unit.isGroup) {
          groups[unit.index].set(candidate);
          continue;
        }
        Row &row = rows[unit.index];
        if (unit.slice == 0)
          setCode(row, getBits(unit, candidate));
        row.bits = std::max(row.bits, getBits(unit, candidate));
      }
      for (Row &row : rows) {
        if (!row.unit) {
          setCode(row, row.bits);
          continue;
        }
        // Neighbours of the same bits are one run.
        SmallVector<std::pair<int64_t, unsigned>> runs;
        for (size_t s = 0; s < getSlices(row); ++s) {
          const Unit &unit = units[*row.unit + s];
          int64_t channels = row.free ? layers[*row.free].ends[s] - layers[*row.free].getBegin(s) : 0;
          unsigned bits = getBits(unit, choice[*row.unit + s]);
          if (!runs.empty() && runs.back().second == bits)
            runs.back().first += channels;
          else
            runs.push_back({channels, bits});
        }
        setCode(row, row.bits);
        if (runs.size() < 2)
          continue;
        SmallVector<Attribute> attrs;
        for (auto [channels, bits] : runs)
          attrs.push_back(b.getDictionaryAttr({b.getNamedAttr("channels", b.getI64IntegerAttr(channels)),
                                               b.getNamedAttr("code", layers[*row.free].getScheme(bits).getAttr())}));
        row.op->setAttr(weightSlicesName, b.getArrayAttr(attrs));
      }
    }

    SmallVector<Operation *> getOps() const {
      return llvm::map_to_vector(rows, [](const Row &row) { return row.op; });
    }

    /// The network with all free layers at each candidate, and all free activations.
    LogicalResult readCosts() {
      size_t count = layers.empty() ? 1 : layers.front().bits.size(), types = 1,
             given = groups.empty() ? 0 : groups.front().given;
      for (const ActivationGroup &group : groups)
        types = std::max(types, group.bits.size());
      costs.assign(rows.size(), std::vector<std::vector<Costs>>(count));
      others.assign(types, Costs{});
      double otherConstants = 0;
      for (size_t i = 0; i < count; ++i)
        for (size_t j = 0; j < types; ++j) {
          setAll(i, j);
          // To the end once, with the fewest bits: for what else than weights is constant.
          bool sizes = i == 0 && j == given && precision.maxFlash >= 0;
          FailureOr<CompiledCosts> compiled = compiler.compile(getOps(), sizes);
          if (failed(compiled))
            return failure();
          Costs rest = compiled->total;
          for (auto [row, list, each] : llvm::zip_equal(rows, costs, compiled->layers)) {
            list[i].push_back(each);
            if (row.free || row.input)
              for (size_t k = 0; k < costCount; ++k)
                rest[k] -= each[k];
          }
          // What is not free costs the same each time but for neighbours that change with it.
          for (size_t k = 0; k < costCount; ++k)
            others[j][k] = i == 0 ? rest[k] : std::max(others[j][k], rest[k]);
          if (sizes)
            otherConstants = at(rest, Cost::Flash);
        }
      fixed = others[given];
      at(fixed, Cost::Flash) = otherConstants;
      at(fixed, Cost::Arena) = 0;
      return success();
    }

    void makeProblem() {
      double elements = 0;
      for (const ActivationGroup &group : groups)
        elements += double(group.getSize());
      for (auto [g, group] : llvm::enumerate(groups)) {
        units.push_back({group.name, true, g});
        std::vector<Costs> candidates(group.bits.size(), Costs{});
        double part = double(group.getSize()) / elements;
        for (size_t i = 0; i < candidates.size(); ++i) {
          // What else than layers there is takes longer by its part of the elements.
          for (Cost cost : {Cost::Cycles, Cost::Ace, Cost::Bops})
            at(candidates[i], cost) = std::max(0.0, part * (at(others[i], cost) - at(fixed, cost)));
          at(candidates[i], Cost::Arena) = double(group.getSize()) * (group.bits[i] > 8 ? 2 : 1);
          at(candidates[i], Cost::Loss) = group.losses[i];
        }
        problem.layers.push_back(std::move(candidates));
      }
      for (auto [r, row] : llvm::enumerate(rows)) {
        if (!row.free && !row.input)
          continue;
        row.unit = units.size();
        size_t given = groups.empty() ? 0 : groups.front().given, weights = row.free ? layers[*row.free].bits.size() : 1;
        for (size_t s = 0; s < getSlices(row); ++s) {
          const LayerSensitivity *layer = row.free ? &layers[*row.free] : nullptr;
          std::string name = getLocName(row.op->getLoc()).str();
          double part = 1;
          if (getSlices(row) > 1) {
            name += getSliceName(layer->getBegin(s), layer->ends[s]);
            part = double(layer->ends[s] - layer->getBegin(s)) / double(layer->ends.back());
          }
          PrecisionLink link{units.size(), row.input.value_or(0), {}};
          units.push_back({name, false, r, s});
          std::vector<Costs> candidates;
          for (size_t i = 0; i < weights; ++i)
            for (size_t j = 0; j < getTypes(row); ++j) {
              candidates.push_back(costs[r][i][row.input ? j : given]);
              // Scratch is needed once.
              for (size_t k = 0; k < costCount; ++k)
                candidates.back()[k] *= k == size_t(Cost::Arena) && s ? 0 : k == size_t(Cost::Arena) ? 1 : part;
              at(candidates.back(), Cost::Loss) = layer ? layer->losses[s][i] : 0;
              link.needs.push_back(j);
            }
          problem.layers.push_back(std::move(candidates));
          if (row.input)
            problem.links.push_back(std::move(link));
        }
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
      unsigned bits = 0;
      for (auto [row, list] : llvm::zip_equal(rows, costs)) {
        double value = 0;
        for (size_t s = 0; row.unit && s < getSlices(row); ++s)
          value += at(problem.layers[*row.unit + s][best[*row.unit + s]], cost);
        if (!row.unit)
          value = at(list.front().front(), cost);
        if (value > largest) {
          largest = value, most = &row;
          bits = row.unit ? getBits(units[*row.unit], best[*row.unit]) : row.bits;
        }
      }
      if (!most)
        return "no layer takes any of them";
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
      set(point.choice); // types of activations
      std::vector<std::vector<size_t>> slices(layers.size());
      for (const auto &[unit, candidate] : llvm::zip_equal(units, point.choice))
        if (!unit.isGroup && rows[unit.index].free)
          slices[*rows[unit.index].free].push_back(getWeight(unit, candidate));
      FailureOr<Outcome> outcome = sensitivity.evaluate(layers, slices);
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
      set(point.choice);
      FailureOr<OwningOpRef<ModuleOp>> quantized = compiler.quantize(/*rounds=*/true, Sensitivity::heldOutEvery);
      if (failed(quantized))
        return failure();
      FailureOr<Outcome> outcome = sensitivity.evaluate((*quantized)->lookupSymbol<func::FuncOp>(function.getSymName()));
      if (failed(outcome))
        return failure();
      point.outcome = *outcome;
      return success();
    }

    /// Of the whole network, as the passes count; infinite where there is none.
    double getLimit(Cost cost) const {
      double given = getGiven(cost);
      return given < 0 ? INFINITY : cost == Cost::Cycles ? given * precision.clock : given;
    }
    /// The first budget that `real` exceeds.
    const Budget *findExceeded(const Costs &real) const {
      for (const Budget &budget : budgets)
        if (at(real, budget.cost) > getLimit(budget.cost) * (1 + 1e-9))
          return &budget;
      return nullptr;
    }
    /// True if what a layer costs depends on more than its own bits.
    bool isCoupled() const {
      return !groups.empty() || llvm::any_of(layers, [](const LayerSensitivity &layer) { return layer.ends.size() > 1; });
    }

    /// Compiles with what `point` chooses and notes what that really costs.
    FailureOr<CompiledCosts> compile(Point &point) {
      bool sizes = precision.maxFlash >= 0 || precision.maxArena >= 0;
      set(point.choice);
      FailureOr<CompiledCosts> compiled = compiler.compile(getOps(), sizes);
      if (failed(compiled))
        return failure();
      for (Cost cost : {Cost::WeightBytes, Cost::Cycles, Cost::Ace, Cost::Bops})
        if (isCoupled())
          at(point.total, cost) = at(compiled->total, cost);
      for (Cost cost : {Cost::Flash, Cost::Arena})
        at(point.total, cost) = sizes ? at(compiled->total, cost) : 0;
      return compiled;
    }

    /// Real sizes, which padding and neighbours change: compiles, and solves again, with less where a budget is exceeded and with
    /// more where something is left of it. Keeps the best that meets the budgets.
    LogicalResult repair(Point &point) {
      bool limitsFlash = precision.maxFlash >= 0;
      if (!limitsFlash && precision.maxArena < 0 && !(isCoupled() && precision.hasBudget()))
        return success();
      const int most = isCoupled() ? 12 : 6;
      double &limit = at(problem.limits, Cost::Flash), smallestExceeded = INFINITY;
      std::optional<Point> best;
      std::vector<Assignment> seen;
      const Budget *exceeded = nullptr;
      for (int i = 0; i < most; ++i) {
        FailureOr<CompiledCosts> compiled = compile(point);
        if (failed(compiled))
          return failure();
        seen.push_back(point.choice);
        Costs sums = getTotal(problem, point.choice);
        double flash = at(point.total, Cost::Flash), weights = at(sums, Cost::Flash);
        const Budget *found = findExceeded(point.total);
        exceeded = found ? found : exceeded;
        if (!found) {
          if (!best || at(point.total, problem.objective) < at(best->total, problem.objective))
            best = point;
          double left = double(precision.maxFlash) - flash;
          if (!limitsFlash || left < 0.01 * weights)
            break;
          limit = std::isfinite(smallestExceeded) ? (std::max(weights, limit) + smallestExceeded) / 2
                                                  : std::max(limit, weights) + left;
        } else if (found->cost == Cost::Arena) {
          if (groups.empty() ? failed(tightenScratch(point, *compiled)) : failed(limitArena(point, *compiled)))
            return failure();
        } else if (found->cost == Cost::Flash) {
          smallestExceeded = std::min(smallestExceeded, weights - 1);
          limit = best ? (at(getTotal(problem, best->choice), Cost::Flash) + smallestExceeded) / 2
                       : std::min(smallestExceeded, double(precision.maxFlash) - (flash - weights));
        } else {
          double sum = at(sums, found->cost);
          at(problem.limits, found->cost) =
              std::min(at(problem.limits, found->cost), sum) - (at(point.total, found->cost) - getLimit(found->cost));
        }
        FailureOr<Point> next = solve(problem);
        if (failed(next) || llvm::is_contained(seen, next->choice))
          break;
        point = *next;
      }
      if (!best) {
        // What takes least was compiled, and fits.
        PrecisionProblem least = problem;
        least.others.clear();
        limit = at(least.limits, Cost::Flash) = INFINITY;
        at(least.limits, exceeded->cost) = INFINITY;
        least.objective = exceeded->cost;
        FailureOr<Point> smallest = solve(least);
        if (failed(smallest))
          return failBudget();
        FailureOr<CompiledCosts> compiled = compile(*smallest);
        if (failed(compiled))
          return failure();
        if (const Budget *found = findExceeded(smallest->total)) {
          if (found->cost == Cost::Arena)
            return failArena(*compiled);
          return fail(found->option + "=" + formatNumber(getGiven(found->cost)) +
                      " cannot be met together with the other budgets: the smallest reachable is " +
                      formatNumber(std::ceil(100 * inUnits(found->cost, at(smallest->total, found->cost))) / 100) + " " +
                      found->unit);
        }
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

    /// What is alive at once must fit: a limit for each moment of the arena that was planned. What the plan takes beyond the
    /// fullest moment is kept free.
    LogicalResult limitArena(const Point &point, const CompiledCosts &compiled) {
      llvm::StringMap<size_t> groupOf;
      for (auto [g, group] : llvm::enumerate(groups))
        for (const ActivationGroup::Member &member : group.members)
          groupOf[member.id] = g;
      // Groups are the first units. Scratch has the name of the result, too, but not its size.
      auto getGroup = [&](const CompiledCosts::Live &buffer) -> std::optional<size_t> {
        auto found = groupOf.find(buffer.name);
        if (found == groupOf.end())
          return std::nullopt;
        for (const ActivationGroup::Member &member : groups[found->second].members) {
          quant::QuantizeCastOp qcast = member.qcast;
          double bytes = double(cast<ShapedType>(qcast.getType()).getNumElements()) *
                         double(llvm::divideCeil(getBits(units[found->second], point.choice[found->second]), 8));
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
          for (unsigned bits : groups[g].bits)
            terms.push_back(bytes * getBytes(bits) / getBytes(getBits(units[g], point.choice[g])));
        }
        if (!limit.layers.empty())
          limits.push_back(std::move(limit));
      }
      for (PrecisionLimit &limit : limits)
        limit.limit -= std::max(0.0, at(point.total, Cost::Arena) - fullest);
      problem.others = std::move(limits);
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
      // Activations stay as they are chosen.
      PrecisionLimit stay{{}, {}, 0.5};
      for (size_t g = 0; g < groups.size(); ++g) {
        stay.layers.push_back(g);
        stay.terms.emplace_back(groups[g].bits.size(), 1.0)[chosen.choice[g]] = 0;
      }
      free.others.clear();
      if (!groups.empty())
        free.others.push_back(std::move(stay));
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
        for (const Row &row : rows) {
          // One number, or one for each slice.
          llvm::json::Array slices;
          for (size_t s = 0; row.unit && s < getSlices(row); ++s)
            slices.push_back(int64_t(getBits(units[*row.unit + s], point.choice[*row.unit + s])));
          bool isOne = llvm::all_of(slices, [&](const llvm::json::Value &value) { return value == slices.front(); });
          bits.push_back(slices.empty() ? llvm::json::Value(int64_t(row.bits))
                         : isOne        ? slices.front()
                                        : llvm::json::Value(std::move(slices)));
        }
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

    /// What is chosen, with candidate `candidate` of unit `u` and what goes with it.
    Assignment getVariant(size_t u, size_t candidate) const {
      Assignment result = chosen.choice;
      result[u] = candidate;
      for (const PrecisionLink &link : problem.links)
        if (link.other == u) {
          size_t types = getTypes(rows[units[link.layer].index]);
          result[link.layer] = result[link.layer] / types * types + candidate;
        }
      return result;
    }

    /// What one step down and one step up would bring.
    std::string getReason(size_t u) const {
      const Unit &unit = units[u];
      // The other candidates of the same kind.
      size_t types = unit.isGroup ? 1 : getTypes(rows[unit.index]), count = problem.layers[u].size() / types;
      std::vector<Costs> list;
      for (size_t i = 0; i < count; ++i)
        list.push_back(getTotal(problem, getVariant(u, i * types + chosen.choice[u] % types)));
      // What activations themselves take, without the scratch of layers.
      for (size_t i = 0; i < count && unit.isGroup; ++i)
        at(list[i], Cost::Arena) = at(problem.layers[u][i], Cost::Arena);
      size_t choice = chosen.choice[u] / types;
      auto getBitsOf = [&](size_t i) { return std::to_string(getBits(unit, i * types)); };
      Cost cost = problem.objective;
      if (cost == Cost::Loss) {
        cost = unit.isGroup ? Cost::Arena : Cost::WeightBytes;
        for (const Budget &budget : llvm::reverse(budgets)) {
          bool differs =
              llvm::any_of(list, [&](const Costs &each) { return at(each, budget.cost) != at(list[choice], budget.cost); });
          if (getGiven(budget.cost) >= 0 && (unit.isGroup ? differs : budget.cost != Cost::Arena))
            cost = budget.cost;
        }
      }
      StringRef unitName;
      for (const Budget &budget : budgets)
        if (budget.cost == cost)
          unitName = budget.unit;
      auto amount = [&](double value) {
        std::string text = formatNumber(std::round(100 * inUnits(cost, value)) / 100);
        return llvm::formatv("{0} {1}{2}", text, unitName, cost == Cost::Arena && unit.isGroup ? " of activations" : "").str();
      };
      auto getLoss = [&](size_t i) { return at(problem.layers[u][i * types + chosen.choice[u] % types], Cost::Loss); };
      // The next cheaper and the next dearer one; of several that cost the same the one that loses least.
      std::string text;
      double here = at(list[choice], cost);
      auto find = [&](bool cheaper) {
        std::optional<size_t> best;
        for (size_t i = 0; i < list.size(); ++i) {
          double value = at(list[i], cost), tiny = 1e-9 * std::fabs(here);
          if (cheaper ? value >= here - tiny : value <= here + tiny)
            continue;
          double least = best ? at(list[*best], cost) : 0;
          if (!best || (cheaper ? value >= least : value <= least))
            best = i;
        }
        return best;
      };
      if (auto i = find(true))
        text = getBitsOf(*i) + " bits would save " + amount(here - at(list[*i], cost)) + " and lose " +
               formatLoss(getLoss(*i) - getLoss(choice)) + " more";
      if (auto i = find(false))
        text += (text.empty() ? "" : "; ") + getBitsOf(*i) + " bits would cost " + amount(at(list[*i], cost) - here) +
                " more and save " + formatLoss(getLoss(choice) - getLoss(*i));
      return text.empty() ? "no other candidate costs less or more" : text;
    }

    void record() {
      set(chosen.choice);
      Builder b(function.getContext());
      auto integer = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getI64IntegerAttr(int64_t(value))); };
      auto number = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getF64FloatAttr(value)); };
      auto text = [&](StringRef key, const Twine &value) { return b.getNamedAttr(key, b.getStringAttr(value)); };
      SmallVector<Attribute> list;
      for (auto [row, each] : llvm::zip_equal(rows, costs)) {
        double bytes = row.unit ? 0 : at(each.front().front(), Cost::WeightBytes), loss = 0;
        std::string reason = row.reason, bits;
        SmallVector<Attribute> slices;
        for (size_t s = 0; row.unit && s < getSlices(row); ++s) {
          size_t u = *row.unit + s, choice = chosen.choice[u];
          const Costs &unitCosts = problem.layers[u][choice];
          bytes += at(unitCosts, Cost::WeightBytes);
          loss += at(unitCosts, Cost::Loss);
          if (row.free && getSlices(row) == 1)
            reason = getReason(u);
          if (getSlices(row) == 1)
            continue;
          const LayerSensitivity &layer = layers[*row.free];
          bits += (s ? ", " : "") + std::to_string(getBits(units[u], choice));
          slices.push_back(b.getDictionaryAttr(
              {integer("bits", getBits(units[u], choice)), integer("bytes", at(unitCosts, Cost::WeightBytes)),
               integer("channels", layer.ends[s] - layer.getBegin(s)), number("loss", at(unitCosts, Cost::Loss)),
               text("name", units[u].name), text("reason", getReason(u))}));
          emitRemark(row.op->getLoc()) << "weights of " << getBits(units[u], choice) << " bits for channels " << layer.getBegin(s)
                                       << " to " << layer.ends[s] - 1 << ": " << getReason(u);
        }
        if (!slices.empty())
          reason = "its runs of channels have " + bits + " bits";
        NamedAttrList entry;
        entry.append(integer("bits", row.bits));
        entry.append(integer("bytes", bytes));
        entry.append(number("loss", loss));
        entry.append(text("name", getLocName(row.op->getLoc())));
        entry.append(text("reason", reason));
        if (!slices.empty())
          entry.append("slices", b.getArrayAttr(slices));
        list.push_back(entry.getDictionary(function.getContext()));
        if (slices.empty())
          emitRemark(row.op->getLoc()) << "weights of " << row.bits << " bits: " << reason;
      }
      function->setAttr("qc.precision", b.getArrayAttr(list));
      SmallVector<Attribute> activations;
      for (auto [g, group] : llvm::enumerate(groups)) {
        size_t choice = chosen.choice[g];
        std::string reason = getReason(g);
        SmallVector<Attribute> tensors;
        for (const ActivationGroup::Member &member : group.members) {
          tensors.push_back(b.getStringAttr(member.id));
          quant::QuantizeCastOp qcast = member.qcast;
          emitRemark(qcast.getLoc()) << "activations of " << group.bits[choice] << " bits: " << reason;
        }
        activations.push_back(b.getDictionaryAttr({integer("bits", group.bits[choice]), number("loss", group.losses[choice]),
                                                   text("name", group.name), text("reason", reason),
                                                   b.getNamedAttr("tensors", b.getArrayAttr(tensors))}));
      }
      if (!activations.empty())
        function->setAttr("qc.precision_activations", b.getArrayAttr(activations));
      dropChoices(groups);
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

    const PipelineOptions &options;
    const PrecisionOptions &precision;
    ModuleOp module;
    func::FuncOp function;
    CostCompiler compiler;
    Sensitivity sensitivity;
    std::vector<Row> rows;
    std::vector<LayerSensitivity> layers;
    std::vector<ActivationGroup> groups;
    std::vector<Unit> units;                            ///< the problem's layers
    std::vector<std::vector<std::vector<Costs>>> costs; ///< of each row, for each width of weights, then of activations
    std::vector<Costs> others;                          ///< of all else, for each width of activations
    Costs fixed{};                                      ///< of what is not free
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
