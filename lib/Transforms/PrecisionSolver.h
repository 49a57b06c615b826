// Which of its candidates each layer gets: a multiple-choice knapsack problem, solved by COIN-OR CBC.
#ifndef QC_LIB_TRANSFORMS_PRECISIONSOLVER_H
#define QC_LIB_TRANSFORMS_PRECISIONSOLVER_H

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

namespace qc {
/// What a candidate adds to: the loss, and what budgets limit.
enum class Cost { Loss, WeightBytes, Flash, Arena, Cycles, Ace, Bops };
constexpr size_t costCount = 7;
using Costs = std::array<double, costCount>;

inline double &at(Costs &costs, Cost cost) { return costs[size_t(cost)]; }
inline double at(const Costs &costs, Cost cost) { return costs[size_t(cost)]; }

/// Candidate `i` of `layer` goes with candidate `needs[i]` of the layer `other` and no other one: weights with the type of the
/// activations that they multiply. No layer that is `other` has an `other` itself.
struct PrecisionLink {
  size_t layer, other;
  std::vector<size_t> needs;
};

/// A limit of a sum of its own: `terms[k]` of each candidate of layer `layers[k]`.
struct PrecisionLimit {
  std::vector<size_t> layers;
  std::vector<std::vector<double>> terms;
  double limit;
};

/// One candidate is taken of each layer. Costs add up; none is negative.
struct PrecisionProblem {
  std::vector<std::vector<Costs>> layers;
  std::vector<PrecisionLink> links;
  std::vector<PrecisionLimit> others;
  Costs limits; ///< of the sums; infinite where there is none
  Cost objective = Cost::Loss;

  PrecisionProblem() { limits.fill(INFINITY); }
};

/// The index of a candidate for each layer.
using Assignment = std::vector<size_t>;

Costs getTotal(const PrecisionProblem &problem, const Assignment &assignment);
/// True if links and limits are kept.
bool isAllowed(const PrecisionProblem &problem, const Assignment &assignment);

/// The assignment with the least sum of the objective within the limits; of those with the same sum one with the least loss.
/// Nothing if no assignment is within them. Deterministic.
std::optional<Assignment> solvePrecision(const PrecisionProblem &problem);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_PRECISIONSOLVER_H
