// What mixed precision chooses besides the bits of whole layers: the types of activations, and slices of layers.
#ifndef QC_LIB_TRANSFORMS_PRECISIONCHOICES_H
#define QC_LIB_TRANSFORMS_PRECISIONCHOICES_H

#include "LayerStream.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

namespace qc {
/// Activations that get one type: an edge alone, or what ops move codes between.
struct ActivationGroup {
  /// A rounding of the group, and its type for each candidate.
  struct Member {
    mlir::quant::QuantizeCastOp qcast;
    std::string id; ///< the tensor's name
    mlir::SmallVector<mlir::Type> types;
  };
  std::string name;
  std::vector<Member> members;
  std::vector<unsigned> bits; ///< of each candidate, ascending
  size_t given = 0;           ///< the candidate that `activations` says
  std::vector<double> losses; ///< of each candidate: what rounding only the group does to the network's outputs

  /// Gives the members the type of candidate `i`.
  void set(size_t i) const;
  /// Elements of all members.
  int64_t getSize() const;
};

/// The groups of `function` whose type is free, in the order of their first members.
std::vector<ActivationGroup> findActivationGroups(mlir::func::FuncOp function);
/// The group whose codes `value` (a `quant.dcast`) decodes; nothing if its type is given.
std::optional<size_t> findGroup(mlir::ArrayRef<ActivationGroup> groups, mlir::Value value);
/// Nothing is left to choose.
void dropChoices(mlir::ArrayRef<ActivationGroup> groups);

/// The attribute on a layer with the code types of runs of its output channels, `[{channels, code}]`; `qc-split-slices` obeys it.
constexpr llvm::StringLiteral weightSlicesName = "qc.weight_slices";
/// Slices have whole vectors of channels.
constexpr int64_t sliceChannels = 16;

/// "[begin:end]", behind a layer's name.
std::string getSliceName(int64_t begin, int64_t end);

/// True if runs of the layer's channels can be computed by ops of their own: its result is rounded once.
bool canSplit(mlir::Operation *op);

/// Where each of at most `count` slices of about the same size ends; one slice for layers that cannot be split.
std::vector<int64_t> getSliceEnds(const Contraction &contraction, unsigned count);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_PRECISIONCHOICES_H
