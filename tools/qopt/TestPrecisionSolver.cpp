// A pass for tests only: problems of mixed precision with random losses, solved and compared with what trying all assignments
// finds.
#include "TestPrecisionSolver.h"

#include "PrecisionSolver.h"
#include "SplitMix.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace qc {
namespace {
struct Random : SplitMix {
  double uniform() { return double(next() >> 11) * 0x1p-53; }
};

constexpr unsigned widths[] = {2, 3, 4, 5, 6, 8, 16};

/// Layers of sizes and sensitivities over several orders of magnitude; each bit more divides the loss by about four.
PrecisionProblem makeProblem(size_t layers, ArrayRef<unsigned> bits, Random &random) {
  PrecisionProblem problem;
  for (size_t layer = 0; layer < layers; ++layer) {
    double weights = std::floor(std::exp2(6 + 12 * random.uniform())), sensitivity = std::exp2(-20 + 16 * random.uniform());
    double macs = std::floor(weights * std::exp2(8 * random.uniform()));
    std::vector<Costs> candidates;
    for (unsigned b : bits) {
      Costs costs{};
      at(costs, Cost::Loss) = sensitivity * std::exp2(-2.0 * b) * (0.5 + random.uniform());
      at(costs, Cost::WeightBytes) = std::ceil(weights * b / 8);
      at(costs, Cost::Cycles) = macs * (0.5 + 0.1 * b + 0.2 * random.uniform());
      at(costs, Cost::Ace) = macs * 8 * b;
      candidates.push_back(costs);
    }
    problem.layers.push_back(std::move(candidates));
  }
  return problem;
}

Costs getExtremes(const PrecisionProblem &problem, bool largest) {
  Costs total{};
  for (const std::vector<Costs> &candidates : problem.layers)
    for (size_t i = 0; i < costCount; ++i) {
      double extreme = candidates.front()[i];
      for (const Costs &costs : candidates)
        extreme = largest ? std::max(extreme, costs[i]) : std::min(extreme, costs[i]);
      total[i] += extreme;
    }
  return total;
}

/// Types of activations in front of each layer: its costs depend on them. Two layers share one, and what is alive at once is
/// limited.
PrecisionProblem makeLinked(size_t layers, ArrayRef<unsigned> bits, Random &random) {
  PrecisionProblem weights = makeProblem(layers, bits, random), problem;
  size_t groups = (layers + 1) / 2;
  for (size_t group = 0; group < groups; ++group) {
    double loss = std::exp2(-26 + 12 * random.uniform()), bytes = std::floor(1000 * (1 + random.uniform()));
    Costs narrow{}, wide{};
    at(narrow, Cost::Loss) = loss;
    at(wide, Cost::Loss) = loss / 65536;
    at(narrow, Cost::Arena) = bytes;
    at(wide, Cost::Arena) = 2 * bytes;
    problem.layers.push_back({narrow, wide});
  }
  for (size_t layer = 0; layer < layers; ++layer) {
    PrecisionLink link{problem.layers.size(), layer / 2, {}};
    std::vector<Costs> candidates;
    for (const Costs &costs : weights.layers[layer])
      for (size_t kind = 0; kind < 2; ++kind) {
        candidates.push_back(costs);
        at(candidates.back(), Cost::Cycles) *= kind ? 1.5 + random.uniform() : 1;
        at(candidates.back(), Cost::Ace) *= kind ? 2 : 1;
        link.needs.push_back(kind);
      }
    problem.layers.push_back(std::move(candidates));
    problem.links.push_back(std::move(link));
  }
  for (size_t group = 0; group + 1 < groups; ++group) {
    PrecisionLimit limit{{group, group + 1}, {}, 0};
    for (size_t each : limit.layers)
      limit.terms.push_back({at(problem.layers[each][0], Cost::Arena), at(problem.layers[each][1], Cost::Arena)});
    limit.limit = (limit.terms[0][0] + limit.terms[1][0]) * (1.2 + 0.8 * random.uniform());
    problem.others.push_back(std::move(limit));
  }
  return problem;
}

/// The least objective of all assignments that are allowed; infinite if there is none.
double tryAll(const PrecisionProblem &problem, Assignment &assignment, Costs total = {}) {
  for (size_t i = 0; i < costCount; ++i)
    if (total[i] > problem.limits[i])
      return INFINITY;
  size_t layer = assignment.size();
  if (layer == problem.layers.size())
    return isAllowed(problem, assignment) ? at(total, problem.objective) : INFINITY;
  double least = INFINITY;
  for (size_t choice = 0; choice < problem.layers[layer].size(); ++choice) {
    // Those that others depend on come first.
    if (llvm::any_of(problem.links, [&](const PrecisionLink &link) {
          return link.layer == layer && link.needs[choice] != assignment[link.other];
        }))
      continue;
    Costs next = total;
    for (size_t i = 0; i < costCount; ++i)
      next[i] += problem.layers[layer][choice][i];
    assignment.push_back(choice);
    least = std::min(least, tryAll(problem, assignment, next));
    assignment.pop_back();
  }
  return least;
}

struct TestPrecisionSolver : PassWrapper<TestPrecisionSolver, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestPrecisionSolver)
  StringRef getArgument() const override { return "test-qc-precision-solver"; }
  StringRef getDescription() const override { return "compares the solver of mixed precision with trying all assignments"; }

  void runOnOperation() override {
    Random random{11};
    compare("6 layers, 7 candidates", 6, widths, random);
    compare("12 layers, 3 candidates", 12, {2, 4, 8}, random);
    PrecisionProblem impossible = makeProblem(6, widths, random);
    at(impossible.limits, Cost::WeightBytes) = at(getExtremes(impossible, false), Cost::WeightBytes) - 1;
    llvm::outs() << "a byte less than the least: " << (solvePrecision(impossible) ? "solved" : "impossible") << "\n";
    at(impossible.limits, Cost::WeightBytes) += 1;
    llvm::outs() << "the least: " << (solvePrecision(impossible) ? "solved" : "impossible") << "\n";
    compare("4 layers, 3 candidates, 2 types of activations", 4, {2, 4, 8}, random, /*linked=*/true);
    // Far more than can be tried: the same answer again.
    PrecisionProblem large = makeProblem(60, widths, random);
    at(large.limits, Cost::WeightBytes) = std::floor(at(getExtremes(large, true), Cost::WeightBytes) * 0.23);
    auto first = solvePrecision(large), second = solvePrecision(large);
    llvm::outs() << "60 layers: " << (first && first == second ? "solved alike twice" : "not alike") << "\n";
  }

  void compare(StringRef name, size_t layers, ArrayRef<unsigned> bits, Random &random, bool linked = false) {
    unsigned solved = 0, impossible = 0, wrong = 0, exact = 0;
    double worst = 0;
    for (unsigned i = 0; i < 24; ++i) {
      PrecisionProblem problem = linked ? makeLinked(layers, bits, random) : makeProblem(layers, bits, random);
      Costs least = getExtremes(problem, false), most = getExtremes(problem, true);
      auto limit = [&](Cost cost) {
        at(problem.limits, cost) = at(least, cost) + random.uniform() * random.uniform() * (at(most, cost) - at(least, cost));
      };
      // Some limit bytes and minimize the loss, some limit the loss, some several things.
      limit(i % 3 == 1 ? Cost::Loss : Cost::WeightBytes);
      if (i % 3)
        limit(i % 2 ? Cost::Cycles : Cost::Ace);
      problem.objective = i % 3 == 1 ? Cost::WeightBytes : Cost::Loss;
      Assignment none;
      double best = tryAll(problem, none);
      auto assignment = solvePrecision(problem);
      if (!std::isfinite(best) || !assignment) {
        impossible += !std::isfinite(best) && !assignment;
        wrong += std::isfinite(best) || assignment;
        continue;
      }
      Costs total = getTotal(problem, *assignment);
      for (size_t k = 0; k < costCount; ++k)
        wrong += total[k] > problem.limits[k] * (1 + 1e-8);
      wrong += !isAllowed(problem, *assignment);
      ++solved;
      double ratio = at(total, problem.objective) / best;
      worst = std::max(worst, ratio);
      exact += ratio < 1 + 1e-6;
    }
    llvm::outs() << name << ": " << solved << " solved, " << exact << " of them exactly, " << impossible << " impossible, "
                 << wrong << " wrong; worst " << (worst <= 1.01 ? "within" : "above") << " 1 %\n";
  }
};
} // namespace

void registerTestPrecisionSolver() { PassRegistration<TestPrecisionSolver>(); }
} // namespace qc
