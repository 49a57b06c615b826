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
  /// Puts the next sample into one buffer per input; states without an array are zero.
  llvm::Error next(mlir::ArrayRef<char *> buffers);
  int64_t size() const { return count; }
  mlir::ArrayRef<Input> inputs() const { return list; }

private:
  std::unique_ptr<NpzFile> file;
  std::vector<Input> list;
  std::vector<char> bytes;
  std::vector<int64_t> integers;
  int64_t count = 0;
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_SAMPLES_H
