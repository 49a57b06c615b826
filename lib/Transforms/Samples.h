// The calibration samples of an .npz file, fed to a network one after another.
#ifndef QC_LIB_TRANSFORMS_SAMPLES_H
#define QC_LIB_TRANSFORMS_SAMPLES_H

#include "NativeNetwork.h"
#include "qc/Dialect/QC/Reference/Npz.h"

#include <optional>
#include <string>

namespace qc {
/// One argument of the network and the array that feeds it.
struct Input {
  std::string name;
  mlir::RankedTensorType type;
  std::string dtype;
  std::string description;                 ///< for errors
  std::unique_ptr<NpzFile::Reader> reader; ///< null: a state without an array
  std::optional<unsigned> state;           ///< the result that is the next sample's value

  bool isFloat() const { return type.getElementType().isF32(); }
  size_t bytes() const { return type.getNumElements() * getStorageBytes(type.getElementType()); }
};

/// The samples of an .npz file, one after another.
class Samples {
public:
  llvm::Error open(llvm::StringRef path, mlir::func::FuncOp function);
  /// If some inputs are states, gives them from now on the values that `function` leaves: a function with the same arguments and
  /// results as that of `open`, all in float. Without this a state has what the file says, or zeros. Fails after an error is
  /// emitted.
  mlir::LogicalResult followStates(mlir::func::FuncOp function);
  /// Puts the next sample into one buffer per input; states without an array are zero where they start.
  llvm::Error next(mlir::ArrayRef<char *> buffers);
  int64_t size() const { return count; }
  /// How many samples follow one another as one sequence: 1 without states.
  int64_t getSequenceLength() const { return sequence; }
  mlir::ArrayRef<Input> inputs() const { return list; }

private:
  /// The same as `next`, as the file has it.
  llvm::Error read(mlir::ArrayRef<char *> buffers);

  std::unique_ptr<NpzFile> file;
  std::vector<Input> list;
  std::vector<char> bytes;
  std::vector<int64_t> integers;
  int64_t count = 0, sequence = 1, index = 0;
  // Of states that are followed:
  std::unique_ptr<Network> network;
  std::vector<std::unique_ptr<Buffer>> results; ///< and the arena at the end
  std::vector<int64_t> sources;                 ///< per input: its next value's result; -1: none, or an argument
  std::vector<unsigned> arguments;              ///< per input: its next value's argument, if it is one
  std::vector<std::vector<char>> kept;          ///< per input: the value for the next sample
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_SAMPLES_H
