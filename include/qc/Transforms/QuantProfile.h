// What a piece of hardware can compute on codes: JSON files (docs/Profiles.md), some of which are part of the tools.
#ifndef QC_TRANSFORMS_QUANTPROFILE_H
#define QC_TRANSFORMS_QUANTPROFILE_H

#include "qc/Transforms/Pipelines.h"

#include "llvm/Support/Error.h"

#include <functional>

namespace qc {
/// A hardware profile. Lists are what is allowed; the first entry is what the pipeline takes by itself.
struct QuantProfile {
  std::string source; ///< the name or the path that was asked for, for messages
  std::string name, description;
  std::vector<std::string> weightCodes, activationCodes; ///< iN, uN
  std::string weights;                                   ///< as -weights= takes them
  bool weightsPerChannel = true;                         ///< false: one scale per layer
  bool weightZeroPoints = true, activationZeroPoints = true;
  bool powerOfTwo = false;                      ///< of all scales
  int64_t accumulatorBits = 64;                 ///< of two's complement; what sums of products must fit
  std::vector<std::string> requant;             ///< rounding contracts
  bool allowsFloat = true;                      ///< operations may stay in float
  std::vector<std::string> forms;               ///< of functions of one tensor: table, pwl
  int64_t tableEntries = 65536, pieces = 65536; ///< of one function, at most
  std::vector<std::string> without;             ///< ops of the dialect, without "qc.", that are not computed on codes

  /// The profile of that name, or of the file if `nameOrPath` ends in .json. Errors name the file, the key and what it may hold,
  /// all of them at once, one a line; names that are unknown come with those that are near.
  static llvm::Expected<QuantProfile> load(llvm::StringRef nameOrPath);
  /// The names of the profiles that are part of the tools.
  static std::vector<std::string> getNames();

  /// Why ops named `op` (without "qc.") are not computed on codes; "" if they are.
  std::string whyFloat(llvm::StringRef op) const;
};

/// Sets what `options.quantProfile` rules and the user has not given (`isGiven` is asked with the option's name). Gives what
/// cannot be: a profile that cannot be read, options that contradict it, as "<option>=<value>: <remedy>".
std::vector<std::string> applyProfile(PipelineOptions &options, const std::function<bool(llvm::StringRef)> &isGiven);
} // namespace qc

#endif // QC_TRANSFORMS_QUANTPROFILE_H
