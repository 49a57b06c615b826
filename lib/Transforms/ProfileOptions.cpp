// Options of the pipeline that a hardware profile rules.
#include "WeightCodes.h"
#include "qc/Transforms/QuantProfile.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qc {
std::vector<std::string> applyProfile(PipelineOptions &options, const std::function<bool(StringRef)> &isGiven) {
  std::vector<std::string> problems;
  if (options.quantProfile.empty())
    return problems;
  Expected<QuantProfile> read = QuantProfile::load(options.quantProfile);
  if (!read) {
    SmallVector<StringRef> lines;
    std::string text = toString(read.takeError());
    StringRef(text).split(lines, '\n');
    for (StringRef line : lines)
      problems.push_back(line.str());
    return problems;
  }
  const QuantProfile &profile = *read;
  auto contradict = [&](const Twine &option, const Twine &allowed) {
    problems.push_back(
        (option + " contradicts quant-profile=" + profile.source + ", which " + allowed + ": drop one of them").str());
  };
  auto checkCodes = [&](StringRef option, StringRef text, ArrayRef<StringRef> codes, const std::vector<std::string> &allowed) {
    for (StringRef code : codes)
      if (!is_contained(allowed, code))
        return contradict(option + "=" + text,
                          Twine(option == "weights" ? "has weights of " : "has activations of ") + join(allowed, ", ") + " only");
  };
  if (options.float32)
    contradict("mode=f32", "is about codes");

  if (isGiven("activations"))
    checkCodes("activations", options.activations, {options.activations}, profile.activationCodes);
  else
    options.activations = profile.activationCodes.front();
  if (!options.productActivations.empty())
    checkCodes("product-activations", options.productActivations, {options.productActivations}, profile.activationCodes);
  if (!options.precision.activationCandidates.empty())
    for (StringRef bits : split(options.precision.activationCandidates, ','))
      if (std::string code = (options.activations.substr(0, 1) + bits).str(); !is_contained(profile.activationCodes, code)) {
        checkCodes("activation-candidates", options.precision.activationCandidates, {code}, profile.activationCodes);
        break;
      }

  std::string problem;
  if (!isGiven("weights")) {
    options.weights = profile.weights;
  } else if (auto codes = WeightCodes::parse(options.weights, problem)) { // else checkOptions says so
    SmallVector<StringRef> all{codes->code};
    for (const auto &[kind, code] : codes->kinds)
      all.push_back(code);
    checkCodes("weights", options.weights, all, profile.weightCodes);
  }

  if (!isGiven("weight-granularity"))
    options.weightGranularity = profile.weightsPerChannel ? "channel" : "tensor";
  else if (options.weightGranularity == "channel" && !profile.weightsPerChannel)
    contradict("weight-granularity=channel", "has one scale of weights per layer");

  if (!isGiven("zero-points"))
    options.zeroPoints = profile.activationZeroPoints;
  else if (options.zeroPoints && !profile.activationZeroPoints)
    contradict("zero-points=true", "has activations without zero points");

  if (!isGiven("requant"))
    options.requant = profile.requant.front();
  else if (!is_contained(profile.requant, options.requant))
    contradict("requant=" + options.requant, "rounds by " + join(profile.requant, ", ") + " only");

  if (!isGiven("integer-only"))
    options.integerOnly |= !profile.allowsFloat;
  else if (!options.integerOnly && !profile.allowsFloat)
    contradict("integer-only=false", "has no float");

  if (!isGiven("activation-form"))
    options.activationForm = profile.forms.size() == 1 ? profile.forms.front() : "auto";
  else if (options.activationForm == "auto" ? profile.forms.size() < 2 : !is_contained(profile.forms, options.activationForm))
    contradict("activation-form=" + options.activationForm, "has functions as " + join(profile.forms, ", ") + " only");
  return problems;
}
} // namespace qc
