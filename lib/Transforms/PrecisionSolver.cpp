// The multiple-choice knapsack problem of mixed precision, given to COIN-OR CBC.
#include "PrecisionSolver.h"

#include <coin/Cbc_C_Interface.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>

namespace qc {
Costs getTotal(const PrecisionProblem &problem, const Assignment &assignment) {
  Costs total{};
  for (size_t layer = 0; layer < assignment.size(); ++layer)
    for (size_t i = 0; i < costCount; ++i)
      total[i] += problem.layers[layer][assignment[layer]][i];
  return total;
}

namespace {
/// A budget that a sum of doubles meets but for its rounding is met.
constexpr double slack = 1e-9;

bool isWithin(const Costs &total, const Costs &limits) {
  for (size_t i = 0; i < costCount; ++i)
    if (total[i] > limits[i] + slack * std::fabs(limits[i]))
      return false;
  return true;
}

bool keepsOthers(const PrecisionProblem &problem, const Assignment &assignment) {
  for (const PrecisionLink &link : problem.links)
    if (link.needs[assignment[link.layer]] != assignment[link.other])
      return false;
  for (const PrecisionLimit &limit : problem.others) {
    double sum = 0;
    for (size_t k = 0; k < limit.layers.size(); ++k)
      sum += limit.terms[k][assignment[limit.layers[k]]];
    if (sum > limit.limit + slack * std::fabs(limit.limit))
      return false;
  }
  return true;
}

/// The costs that are limited or minimized.
std::vector<size_t> getRelevant(const PrecisionProblem &problem) {
  std::vector<size_t> result;
  for (size_t i = 0; i < costCount; ++i)
    if (std::isfinite(problem.limits[i]) || i == size_t(problem.objective) || i == size_t(Cost::Loss))
      result.push_back(i);
  return result;
}

/// The candidates of a layer that no other one is as good as in all respects. `kinds`: only those of one kind compare; may be
/// empty.
std::vector<size_t> getUndominated(const std::vector<Costs> &candidates, const std::vector<size_t> &kinds,
                                   const std::vector<size_t> &relevant) {
  std::vector<size_t> result;
  for (size_t i = 0; i < candidates.size(); ++i) {
    bool dominated = false;
    for (size_t k = 0; k < candidates.size() && !dominated; ++k) {
      if (!kinds.empty() && kinds[k] != kinds[i])
        continue;
      bool better = false, worse = false;
      for (size_t cost : relevant) {
        better |= candidates[k][cost] < candidates[i][cost];
        worse |= candidates[k][cost] > candidates[i][cost];
      }
      dominated = k != i && !worse && (better || k < i);
    }
    if (!dominated)
      result.push_back(i);
  }
  return result;
}

/// One after another the layers' candidates that save most of what is above its limit for the least of the objective. Not
/// the best, but a bound; nothing if it does not get within the limits, or if choices depend on each other.
std::optional<Assignment> solveGreedily(const PrecisionProblem &problem, const std::vector<std::vector<size_t>> &choices) {
  if (!problem.links.empty() || !problem.others.empty())
    return std::nullopt;
  size_t objective = size_t(problem.objective);
  Assignment result;
  for (size_t layer = 0; layer < choices.size(); ++layer)
    result.push_back(*std::min_element(choices[layer].begin(), choices[layer].end(), [&](size_t a, size_t b) {
      return problem.layers[layer][a][objective] < problem.layers[layer][b][objective];
    }));
  auto getExcess = [&](const Costs &total) {
    double excess = 0;
    for (size_t i = 0; i < costCount; ++i)
      if (total[i] > problem.limits[i])
        excess += (total[i] - problem.limits[i]) / std::max(problem.limits[i], 1e-300);
    return excess;
  };
  Costs total = getTotal(problem, result);
  while (!isWithin(total, problem.limits)) {
    double excess = getExcess(total), best = -1;
    size_t bestLayer = 0, bestChoice = 0;
    Costs bestTotal{};
    for (size_t layer = 0; layer < choices.size(); ++layer)
      for (size_t choice : choices[layer]) {
        Costs next = total;
        for (size_t i = 0; i < costCount; ++i)
          next[i] += problem.layers[layer][choice][i] - problem.layers[layer][result[layer]][i];
        double gain = excess - getExcess(next);
        double merit = gain / std::max(next[objective] - total[objective], 1e-300);
        if (gain > 1e-12 && merit > best)
          best = merit, bestLayer = layer, bestChoice = choice, bestTotal = next;
      }
    if (best < 0)
      return std::nullopt;
    result[bestLayer] = bestChoice;
    total = bestTotal;
  }
  return result;
}

struct Model {
  Model() : model(Cbc_newModel()) {
    // Nothing that depends on time or threads, and exact: gaps are those of the numbers.
    Cbc_setLogLevel(model, 0);
    for (auto [name, value] : {std::pair("log", "0"),
                               {"slog", "0"},
                               {"ratio", "0"},
                               {"allow", "1e-9"},
                               {"increment", "1e-7"},
                               {"maxN", "200000"},
                               {"randomCbcSeed", "1"}})
      Cbc_setParameter(model, name, value);
  }
  ~Model() { Cbc_deleteModel(model); }
  Cbc_Model *model;
};

/// Minimizes `objective` within the limits. `bound`: a value of it that is known to be reachable, or infinite. `margin`: part of
/// each limit that is left.
std::optional<Assignment> minimize(const PrecisionProblem &problem, const std::vector<std::vector<size_t>> &choices,
                                   const Costs &limits, size_t objective, double bound, double margin = 0) {
  // Numbers of the size that the solver's tolerances are made for.
  double scale = 0;
  for (size_t layer = 0; layer < choices.size(); ++layer)
    for (size_t choice : choices[layer])
      scale = std::max(scale, problem.layers[layer][choice][objective]);
  scale = 1000 / std::max(std::min(bound, scale * double(choices.size())), 1e-300);
  Model solver;
  Cbc_Model *model = solver.model;
  std::vector<std::pair<size_t, size_t>> columns;
  std::vector<std::vector<int>> rows(choices.size());
  auto addRow = [&](const std::string &name, const std::vector<int> &indices, const std::vector<double> &values, char sense,
                    double right) {
    Cbc_addRow(model, name.c_str(), int(indices.size()), indices.data(), values.data(), sense, right);
  };
  for (size_t layer = 0; layer < choices.size(); ++layer)
    for (size_t choice : choices[layer]) {
      const Costs &costs = problem.layers[layer][choice];
      // What alone exceeds a limit or the bound cannot be taken.
      bool possible = costs[objective] <= bound * (1 + 1e-6);
      for (size_t i = 0; i < costCount; ++i)
        possible &= costs[i] <= limits[i] * (1 + slack);
      if (!possible)
        continue;
      rows[layer].push_back(int(columns.size()));
      Cbc_addCol(model, ("x" + std::to_string(columns.size())).c_str(), 0, 1, costs[objective] * scale, 1, 0, nullptr, nullptr);
      columns.push_back({layer, choice});
    }
  for (size_t layer = 0; layer < choices.size(); ++layer) {
    if (rows[layer].empty())
      return std::nullopt;
    addRow("one" + std::to_string(layer), rows[layer], std::vector<double>(rows[layer].size(), 1.0), 'E', 1);
  }
  for (size_t l = 0; l < problem.links.size(); ++l) {
    const PrecisionLink &link = problem.links[l];
    for (size_t kind = 0; kind < problem.layers[link.other].size(); ++kind) {
      std::vector<int> indices;
      std::vector<double> values;
      for (int column : rows[link.layer])
        if (link.needs[columns[column].second] == kind)
          indices.push_back(column), values.push_back(1);
      for (int column : rows[link.other])
        if (columns[column].second == kind)
          indices.push_back(column), values.push_back(-1);
      if (!indices.empty())
        addRow("link" + std::to_string(l) + "." + std::to_string(kind), indices, values, 'E', 0);
    }
  }
  for (size_t l = 0; l < problem.others.size(); ++l) {
    const PrecisionLimit &limit = problem.others[l];
    double unit = limit.limit > 0 ? 1000 / limit.limit : 1;
    std::vector<int> indices;
    std::vector<double> values;
    for (size_t k = 0; k < limit.layers.size(); ++k)
      for (int column : rows[limit.layers[k]])
        indices.push_back(column), values.push_back(limit.terms[k][columns[column].second] * unit);
    addRow("other" + std::to_string(l), indices, values, 'L', limit.limit * unit * (1 + slack - margin));
  }
  for (size_t i = 0; i < costCount; ++i) {
    if (!std::isfinite(limits[i]))
      continue;
    double unit = limits[i] > 0 ? 1000 / limits[i] : 1;
    std::vector<int> indices;
    std::vector<double> values;
    for (size_t column = 0; column < columns.size(); ++column) {
      indices.push_back(int(column));
      values.push_back(problem.layers[columns[column].first][columns[column].second][i] * unit);
    }
    addRow("limit" + std::to_string(i), indices, values, 'L', limits[i] * unit * (1 + slack - margin));
  }
  Cbc_setObjSense(model, 1);
  Cbc_solve(model);
  const double *solution = Cbc_numberSavedSolutions(model) || Cbc_isProvenOptimal(model) ? Cbc_getColSolution(model) : nullptr;
  if (Cbc_isProvenInfeasible(model) || !solution)
    return std::nullopt;
  Assignment result(choices.size());
  std::vector<double> most(choices.size(), 0);
  for (size_t column = 0; column < columns.size(); ++column)
    if (auto [layer, choice] = columns[column]; solution[column] > most[layer])
      most[layer] = solution[column], result[layer] = choice;
  // The solver's tolerance is wider than ours: once more, a little below the limits.
  if (!isWithin(getTotal(problem, result), limits) || !keepsOthers(problem, result))
    return margin == 0 ? minimize(problem, choices, limits, objective, bound, 1e-6) : std::nullopt;
  return result;
}
} // namespace

bool isAllowed(const PrecisionProblem &problem, const Assignment &assignment) {
  return isWithin(getTotal(problem, assignment), problem.limits) && keepsOthers(problem, assignment);
}

std::optional<Assignment> solvePrecision(const PrecisionProblem &problem) {
  std::vector<std::vector<size_t>> choices;
  std::vector<size_t> relevant = getRelevant(problem);
  // What others depend on stays whole.
  std::vector<std::vector<size_t>> kinds(problem.layers.size());
  for (const PrecisionLink &link : problem.links) {
    kinds[link.layer] = link.needs;
    kinds[link.other].resize(problem.layers[link.other].size());
    std::iota(kinds[link.other].begin(), kinds[link.other].end(), size_t(0));
  }
  for (const PrecisionLimit &limit : problem.others)
    for (size_t layer : limit.layers) {
      kinds[layer].resize(problem.layers[layer].size());
      std::iota(kinds[layer].begin(), kinds[layer].end(), size_t(0));
    }
  for (size_t layer = 0; layer < problem.layers.size(); ++layer)
    choices.push_back(getUndominated(problem.layers[layer], kinds[layer], relevant));
  size_t objective = size_t(problem.objective), loss = size_t(Cost::Loss);
  std::optional<Assignment> greedy = solveGreedily(problem, choices);
  double bound = greedy ? getTotal(problem, *greedy)[objective] : INFINITY;
  std::optional<Assignment> best = minimize(problem, choices, problem.limits, objective, bound);
  if (greedy && (!best || bound < getTotal(problem, *best)[objective]))
    best = greedy;
  if (!best || objective == loss)
    return best;
  // As cheap, but with the least loss.
  Costs limits = problem.limits;
  Costs total = getTotal(problem, *best);
  limits[objective] = total[objective];
  std::optional<Assignment> refined = minimize(problem, choices, limits, loss, total[loss]);
  return refined && getTotal(problem, *refined)[loss] < total[loss] ? refined : best;
}
} // namespace qc
