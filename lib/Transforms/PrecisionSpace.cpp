// Candidates of layers and activations, their costs by compiling, and the problem for the solver.
#include "PrecisionSpace.h"
#include "Quantizable.h"
#include "WeightCodes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace qc {
ArrayRef<Budget> getBudgets() {
  static const Budget budgets[] = {
      {Cost::WeightBytes, "max-weight-bytes", "weight-bytes", "bytes"},
      {Cost::Flash, "max-flash", "flash", "bytes"},
      {Cost::Arena, "max-arena", "arena", "bytes"},
      {Cost::Cycles, "max-latency-us", "latency", "us"},
      {Cost::Ace, "max-ace", "ace", "ACE"},
      {Cost::Bops, "max-bops", "bops", "BOPs"},
  };
  return budgets;
}

std::string formatNumber(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15)
    return std::to_string(int64_t(value));
  return llvm::formatv("{0:g}", value).str();
}

LogicalResult PrecisionSpace::fail(const Twine &what) { return emitError(function.getLoc()) << what; }

LogicalResult PrecisionSpace::findLayers() {
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

unsigned PrecisionSpace::getBits(const Unit &unit, size_t candidate) const {
  if (unit.isGroup)
    return groups[unit.index].bits[candidate];
  const Row &row = rows[unit.index];
  return row.free ? layers[*row.free].bits[getWeight(unit, candidate)] : row.bits;
}

/// Layers get the codes of candidate `weight`, activations the types of candidate `type`.
void PrecisionSpace::setAll(size_t weight, size_t type) {
  for (const ActivationGroup &group : groups)
    group.set(std::min(type, group.bits.size() - 1));
  for (Row &row : rows)
    setCode(row, row.free ? layers[*row.free].bits[weight] : row.bits);
}
void PrecisionSpace::setCode(Row &row, unsigned bits) {
  row.bits = bits;
  row.op->removeAttr(weightSlicesName);
  row.op->setAttr(weightCodeName, row.pinned ? row.pinned : layers[*row.free].getScheme(bits).getAttr());
}

void PrecisionSpace::set(const Assignment &choice) {
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

SmallVector<Operation *> PrecisionSpace::getOps() const {
  return llvm::map_to_vector(rows, [](const Row &row) { return row.op; });
}

bool PrecisionSpace::isCoupled() const {
  return !groups.empty() || llvm::any_of(layers, [](const LayerSensitivity &layer) { return layer.ends.size() > 1; });
}

LogicalResult PrecisionSpace::readCosts(CostCompiler &compiler) {
  size_t count = layers.empty() ? 1 : layers.front().bits.size(), types = 1, given = groups.empty() ? 0 : groups.front().given;
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

void PrecisionSpace::makeProblem() {
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
  for (const Budget &budget : getBudgets())
    if (budget.objective == precision.minimize)
      problem.objective = budget.cost;
  if (precision.minimize.empty() && !precision.hasBudget() && precision.maxDrop >= 0)
    problem.objective = Cost::WeightBytes;
}

double PrecisionSpace::getGiven(Cost cost) const {
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

PrecisionPoint PrecisionSpace::describe(const Assignment &choice) const {
  PrecisionPoint point{choice, getTotal(problem, choice), std::nullopt};
  for (size_t k = 0; k < costCount; ++k)
    point.total[k] += fixed[k];
  return point;
}
} // namespace qc
