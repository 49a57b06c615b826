// The search space of mixed precision: what has candidates, what each costs, and how an assignment is put on the network.
#ifndef QC_LIB_TRANSFORMS_PRECISIONSPACE_H
#define QC_LIB_TRANSFORMS_PRECISIONSPACE_H

#include "CompiledCosts.h"
#include "Sensitivity.h"

namespace qc {
/// A budget: what it is called, what it limits, in which unit. `Latency` is in cycles for the solver.
struct Budget {
  Cost cost;
  llvm::StringRef option, objective, unit;
};
llvm::ArrayRef<Budget> getBudgets();

/// An assignment and what is known of it.
struct PrecisionPoint {
  Assignment choice;
  Costs total{}; ///< as the solver adds it up, with what is not free
  std::optional<Outcome> outcome;
};

/// For messages: whole numbers without a point.
std::string formatNumber(double value);

class PrecisionSpace {
public:
  /// A layer with constant float weights.
  struct Row {
    mlir::Operation *op;
    unsigned bits;
    std::optional<size_t> free;  ///< index in `layers`
    std::optional<size_t> input; ///< index in `groups` of what comes in
    std::optional<size_t> unit;  ///< its first one, if anything of it depends on a choice
    std::string reason;          ///< of those that are not free
    mlir::Attribute pinned;      ///< their code
  };
  /// What is chosen in one place: the type of a group of activations, or the bits of a run of a layer's channels.
  struct Unit {
    std::string name;
    bool isGroup;
    size_t index, slice = 0; ///< in `groups`, or in `rows` and there
  };

  /// `options` must outlive the space.
  PrecisionSpace(mlir::func::FuncOp function, const PipelineOptions &options)
      : function(function), options(options), precision(options.precision) {}

  /// All layers with weights and all activations; those whose bits are free become `layers` and `groups`.
  mlir::LogicalResult findLayers();
  /// The network with all free layers at each candidate, and all free activations.
  mlir::LogicalResult readCosts(CostCompiler &compiler);
  /// Of the costs and the losses of `layers` and `groups`.
  void makeProblem();

  /// Gives the network's layers and activations what `choice` says.
  void set(const Assignment &choice);
  /// What `choice` costs the whole network, as the solver adds it up.
  PrecisionPoint describe(const Assignment &choice) const;

  /// The candidates of a layer's unit are pairs: bits of weights, then types of the activations that come in if those are free.
  size_t getTypes(const Row &row) const { return row.input ? groups[*row.input].bits.size() : 1; }
  size_t getWeight(const Unit &unit, size_t candidate) const { return candidate / getTypes(rows[unit.index]); }
  unsigned getBits(const Unit &unit, size_t candidate) const;
  size_t getSlices(const Row &row) const { return row.free ? layers[*row.free].ends.size() : 1; }
  mlir::SmallVector<mlir::Operation *> getOps() const;
  /// True if what a layer costs depends on more than its own bits.
  bool isCoupled() const;

  /// The budget in the unit of its option, negative if there is none.
  double getGiven(Cost cost) const;
  /// Of the whole network, in the unit of the option.
  double inUnits(Cost cost, double value) const { return cost == Cost::Cycles ? value / precision.clock : value; }
  mlir::LogicalResult fail(const mlir::Twine &what);

  mlir::func::FuncOp function;
  const PipelineOptions &options;
  const PrecisionOptions &precision;
  std::vector<Row> rows;
  std::vector<LayerSensitivity> layers;
  std::vector<ActivationGroup> groups;
  std::vector<Unit> units;                            ///< the problem's layers
  std::vector<std::vector<std::vector<Costs>>> costs; ///< of each row, for each width of weights, then of activations
  Costs fixed{};                                      ///< of what is not free
  PrecisionProblem problem;

private:
  void setAll(size_t weight, size_t type);
  void setCode(Row &row, unsigned bits);

  std::vector<Costs> others; ///< of all else, for each width of activations
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_PRECISIONSPACE_H
