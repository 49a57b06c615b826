// What a user gets: object, C header and JSON report. All three are made in memory and then written, or none is.
#ifndef QC_CONVERSION_BUNDLE_H
#define QC_CONVERSION_BUNDLE_H

#include "qc/Conversion/ONNXImport.h"
#include "qc/Target/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

#include <optional>
#include <string>
#include <vector>

namespace qc {
/// One input or output of the program. Shape as in the ONNX model; scale and zero point if the integer program takes codes.
struct Port {
  std::string name;
  std::vector<int64_t> shape;
  std::string type;    ///< element type of `_run`: i8, ui8, i16, f32, i64, i1, ...
  std::string f32Type; ///< element type of `_run_f32`
  std::optional<double> scale;
  std::optional<int64_t> zeroPoint;
  /// Of a port with the rows of one step: their dimension, its size in the whole sequence, and how many rows come before the
  /// first.
  struct Sequence {
    int64_t axis, length, lead;
  };
  std::optional<Sequence> sequence;
  bool position = false; ///< takes the number of the step
  std::string next;      ///< of a state: the name of the output that it was
  int64_t offset = 0;    ///< of a state: where in the arena
  int64_t elements() const;
};

struct Entry {
  bool present = false;
  int64_t arenaBytes = 0;
  int64_t arenaLowerBound = 0; ///< largest sum of simultaneously live buffers
  int64_t stackBytes = 0;      ///< scratch of the largest kernel on the stack
  llvm::json::Array kernels;   ///< the calls of this entry, in their order
  double cycles = 0;           ///< of all of them, by the cost model, on one thread
};

/// Everything that header, metadata section and report say. Filled in step by step while the module goes through the stages.
struct BundleInfo {
  std::string name; ///< symbol prefix
  std::string model;
  Target target;
  std::string requant;
  std::vector<Port> inputs, outputs;
  std::vector<Port> states; ///< in the arena
  bool step = false;        ///< the program takes one step of a sequence and is called `_step`
  Entry run, runF32;
  int64_t threads = 1;                      ///< above 1, entries take the caller's parallel_for
  int64_t codeBytes = 0, constantBytes = 0; ///< of the object
  llvm::json::Array floatOps, tensors, layers, arenaMap, shrunkScales, asymmetricWeights, activations;
  llvm::json::Array storedWeights; ///< of the modes in f32: per layer code, group, bytes, and bytes as f32
  llvm::StringMap<double> cycles;  ///< by "<form> <name>" of a kernel: what the cost model says of one run
  /// What was done to weights before they became codes: layers rounded by samples, pairs of layers with moved scales.
  llvm::json::Array rounding, equalization, migration, rotation;
  /// What passes said of single nodes while they decided, in order.
  struct Remark {
    std::string stage, node, text;
  };
  std::vector<Remark> remarks;
  llvm::json::Object options;
  std::optional<llvm::json::Object> errors;    ///< of tensors against the float network
  std::optional<llvm::json::Object> precision; ///< bits of layers under budgets, and why
  int64_t stateBytes() const;
  /// What stands behind `name`: "_run" or "_step", with "_f32" for the wrapper.
  std::string suffix(bool f32) const { return std::string(step ? "_step" : "_run") + (f32 ? "_f32" : ""); }
  bool integerOnly() const { return run.present && floatOps.empty(); }
};

/// Alignment that the arena needs, in bytes.
constexpr int64_t arenaAlign = 64;

/// Reads scales, zero points and ranges of all quantized values, which scales grew for -pair-safe, and what was done to weights
/// by samples or between layers (stage `quantized`).
void collectTensors(mlir::ModuleOp module, BundleInfo &info);
/// Takes what `qc-measure-errors` found, if it ran, off the functions (stage `quantized`).
void collectErrors(mlir::ModuleOp module, BundleInfo &info);
/// Reads what `qc-assign-precision` decided, if it ran (stage `quantized`).
void collectPrecision(mlir::ModuleOp module, BundleInfo &info);
/// Reads ports, layers and float ops (stage `integer`).
void collectProgram(mlir::ModuleOp module, BundleInfo &info);
/// Reads which kernel computes which layers (stage `packed`): form, dot kernel and register tile replace the names of plain
/// loops; into how many tasks it is divided, and about how many cycles it takes.
void collectKernels(mlir::ModuleOp module, BundleInfo &info);
/// Reads arena sizes and map (stage `buffers`); lifetimes count the calls of the entry.
void collectArena(mlir::ModuleOp module, BundleInfo &info);
/// Reads which kernels the entries call, and what a profile needs of each: decisions, products, bytes (stage `buffers`).
void collectSchedule(mlir::ModuleOp module, BundleInfo &info);
/// Reads the functions that the calls of the schedule go to, now that equal ones are one (stage `vector`).
void collectCallees(mlir::ModuleOp module, BundleInfo &info);

/// `name` as a C identifier: other characters become '_'.
std::string toIdentifier(llvm::StringRef name);
/// Ports as JSON, for interface and report.
llvm::json::Array describePorts(const std::vector<Port> &ports);
/// The C header: compiles without warnings as C99 and C++17.
std::string makeHeader(const BundleInfo &info);
/// The interface that lies in the object's `.qc.interface` section, version 1.
std::string makeInterface(const BundleInfo &info);
/// The report: the one data model of file, text and page (docs/Report.md).
llvm::json::Value describeReport(const BundleInfo &info);
/// The JSON report.
std::string makeReport(const BundleInfo &info);
/// The report as text for people.
std::string makeSummary(const BundleInfo &info);

/// The table of `qcc -coverage`: operators by how they are handled, with the reason.
std::string makeCoverage(const Coverage &coverage, bool float32);

/// Writes all files or none: each goes to a temporary beside its place first.
llvm::Error writeFiles(llvm::ArrayRef<std::pair<std::string, std::string>> pathsAndContents);
} // namespace qc

#endif // QC_CONVERSION_BUNDLE_H
