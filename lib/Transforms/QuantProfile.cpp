// Reads hardware profiles.
#include "qc/Transforms/QuantProfile.h"

#include "Quantizable.h"
#include "RangeFile.h"
#include "WeightCodes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace qc {
namespace {
struct Embedded {
  StringRef name, text;
};
/// The files of lib/Transforms/Profiles.
const std::vector<Embedded> &getEmbedded() {
#include "Profiles.inc"
  return profiles;
}

template <typename... Ops> std::vector<std::string> getMnemonics() {
  std::vector<std::string> names{Ops::getOperationName().split('.').second.str()...};
  sort(names);
  return names;
}
const std::vector<std::string> &getOpNames() {
  static const std::vector<std::string> names = getMnemonics<
#define GET_OP_LIST
#include "qc/Dialect/QC/IR/QCOps.cpp.inc"
      >();
  return names;
}

/// "; near: 'a', 'b'" with those of `names` that a typing error or two lead to.
std::string describeNear(StringRef name, ArrayRef<std::string> names) {
  std::vector<std::string> near = findNearNames(name, names);
  return near.empty() ? "" : "; near: " + listNames(near);
}

/// Takes a JSON object apart and collects what is wrong with it.
class Reader {
public:
  Reader(const json::Object &object, std::string place, std::vector<std::string> &problems)
      : object(object), place(std::move(place)), problems(problems) {}
  /// All keys must have been asked for by now.
  ~Reader() {
    for (const auto &entry : object)
      if (!is_contained(known, StringRef(entry.first).str()))
        problems.push_back("unknown key '" + place + StringRef(entry.first).str() + "'; known are " + listNames(known, 20) +
                           describeNear(entry.first, known));
  }

  const json::Value *get(StringRef key, const Twine &allowed, bool required) {
    known.push_back(key.str());
    const json::Value *value = object.get(key);
    if (!value && required)
      problems.push_back(("'" + place + key + "' is missing: give " + allowed).str());
    return value;
  }
  void fail(StringRef key, const json::Value &value, const Twine &allowed) {
    std::string text;
    raw_string_ostream(text) << value;
    problems.push_back(("'" + place + key + "' is " + text + ": use " + allowed).str());
  }

  void read(StringRef key, std::string &to, const Twine &allowed, bool required, function_ref<bool(StringRef)> isAllowed) {
    if (const json::Value *value = get(key, allowed, required)) {
      if (auto text = value->getAsString(); text && isAllowed(*text))
        to = text->str();
      else
        fail(key, *value, allowed);
    }
  }
  void read(StringRef key, bool &to) {
    if (const json::Value *value = get(key, "true or false", false)) {
      if (auto flag = value->getAsBoolean())
        to = *flag;
      else
        fail(key, *value, "true or false");
    }
  }
  void read(StringRef key, int64_t &to, int64_t least, int64_t most) {
    std::string text = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (const json::Value *value = get(key, text, false)) {
      if (auto number = value->getAsInteger(); number && *number >= least && *number <= most)
        to = *number;
      else
        fail(key, *value, text);
    }
  }
  /// True for one of two texts.
  void readChoice(StringRef key, bool &to, StringRef yes, StringRef no) {
    std::string text, allowed = ("\"" + yes + "\" or \"" + no + "\"").str();
    read(key, text, allowed, false, [&](StringRef value) { return value == yes || value == no; });
    if (!text.empty())
      to = text == yes;
  }
  void read(StringRef key, std::vector<std::string> &to, const Twine &allowed, bool required,
            function_ref<bool(StringRef)> isAllowed, ArrayRef<std::string> names = {}) {
    std::string what = ("a list of " + allowed).str();
    const json::Value *value = get(key, what, required);
    if (!value)
      return;
    const json::Array *list = value->getAsArray();
    if (!list || (list->empty() && required))
      return fail(key, *value, what);
    to.clear();
    for (const json::Value &entry : *list)
      if (auto text = entry.getAsString(); text && isAllowed(*text))
        to.push_back(text->str());
      else
        fail(key, entry, what + (text ? describeNear(*text, names) : ""));
  }
  /// The object under `key`, an empty one if there is none.
  Reader enter(StringRef key, bool required) {
    static const json::Object none;
    const json::Value *value = get(key, "an object", required);
    const json::Object *inner = value ? value->getAsObject() : nullptr;
    if (value && !inner)
      fail(key, *value, "an object");
    return Reader(inner ? *inner : none, place + key.str() + ".", problems);
  }

private:
  const json::Object &object;
  std::string place;
  std::vector<std::string> &problems;
  std::vector<std::string> known;
};

bool isContract(StringRef text) { return is_contained({"onnx", "ort", "tflite-double", "tflite-single", "pow2"}, text); }

void readProfile(const json::Object &root, QuantProfile &profile, std::vector<std::string> &problems) {
  Reader top(root, "", problems);
  if (const json::Value *version = top.get("version", "1", true); version && version->getAsInteger() != 1)
    top.fail("version", *version, "1");
  top.read("name", profile.name, "a text", true, [](StringRef text) { return !text.empty(); });
  top.read("description", profile.description, "a text", false, [](StringRef) { return true; });
  auto isCode = [](StringRef text) { return isCodeType(text, /*isWeight=*/false); };
  {
    Reader weights = top.enter("weights", true);
    weights.read("codes", profile.weightCodes, "iN and uN with N in 2..8 or 16", root.get("weights") != nullptr, isCode);
    std::string problem;
    weights.read("use", profile.weights, "what -weights= takes: iN, then kind=iN", false,
                 [&](StringRef text) { return WeightCodes::parse(text, problem).has_value(); });
    weights.readChoice("granularity", profile.weightsPerChannel, "channel", "tensor");
    weights.read("zero_points", profile.weightZeroPoints);
  }
  {
    Reader activations = top.enter("activations", true);
    activations.read("codes", profile.activationCodes, "iN and uN with N in 2..8 or 16", root.get("activations") != nullptr,
                     isCode);
    activations.read("zero_points", profile.activationZeroPoints);
  }
  top.readChoice("scales", profile.powerOfTwo, "power-of-two", "any");
  top.read("accumulator_bits", profile.accumulatorBits, 8, 64);
  top.read("requant", profile.requant, "onnx, ort, tflite-double, tflite-single, pow2", false, isContract);
  top.readChoice("float", profile.allowsFloat, "allowed", "forbidden");
  profile.forms = {"table", "pwl"};
  {
    Reader functions = top.enter("functions", false);
    functions.read("forms", profile.forms, "table, pwl", false, [](StringRef text) { return text == "table" || text == "pwl"; });
    functions.read("table_entries", profile.tableEntries, 0, 65536);
    functions.read("pieces", profile.pieces, 0, 65536);
  }
  top.read(
      "without", profile.without, "ops of the dialect qc", false, [](StringRef text) { return is_contained(getOpNames(), text); },
      getOpNames());
  if (!problems.empty())
    return;
  // What belongs together.
  if (profile.requant.empty())
    profile.requant = profile.powerOfTwo ? std::vector<std::string>{"pow2"}
                                         : std::vector<std::string>{"onnx", "ort", "tflite-double", "tflite-single", "pow2"};
  if (profile.powerOfTwo && profile.requant != std::vector<std::string>{"pow2"})
    problems.push_back("'requant' must be [\"pow2\"] where 'scales' is \"power-of-two\"");
  if (profile.weights.empty()) {
    auto usable = find_if(profile.weightCodes, [](StringRef code) { return isCodeType(code, /*isWeight=*/true); });
    if (usable == profile.weightCodes.end())
      problems.push_back("'weights.codes' holds no signed type, which qcc gives weights: add an iN");
    else
      profile.weights = *usable;
  }
  std::string problem;
  if (auto codes = WeightCodes::parse(profile.weights, problem)) {
    codes->kinds.insert(codes->kinds.begin(), {"", codes->code});
    for (const auto &[kind, code] : codes->kinds)
      if (!is_contained(profile.weightCodes, code))
        problems.push_back("'weights.use' has " + code + ", which 'weights.codes' does not list");
  }
  if (profile.forms.empty() && profile.allowsFloat)
    return;
  if (profile.forms.empty())
    problems.push_back("'functions.forms' is empty and 'float' is \"forbidden\": no activation function could be computed");
}
} // namespace

std::vector<std::string> QuantProfile::getNames() {
  std::vector<std::string> names;
  for (const Embedded &profile : getEmbedded())
    names.push_back(profile.name.str());
  return names;
}

Expected<QuantProfile> QuantProfile::load(StringRef nameOrPath) {
  QuantProfile profile;
  profile.source = nameOrPath.str();
  std::unique_ptr<MemoryBuffer> file;
  StringRef text;
  if (nameOrPath.ends_with(".json")) {
    auto buffer = MemoryBuffer::getFile(nameOrPath);
    if (!buffer)
      return createStringError("quant-profile=" + nameOrPath + ": cannot be read: " + buffer.getError().message());
    file = std::move(*buffer);
    text = file->getBuffer();
  } else {
    auto found = find_if(getEmbedded(), [&](const Embedded &each) { return each.name == nameOrPath; });
    if (found == getEmbedded().end())
      return createStringError("quant-profile=" + nameOrPath +
                               ": is neither a profile nor the name of a .json file; profiles are " + listNames(getNames(), 20) +
                               describeNear(nameOrPath, getNames()));
    text = found->text;
  }
  auto prefix = ("quant-profile=" + nameOrPath + ": ").str();
  // The parser recurses; no profile nests deeper than this.
  int depth = 0;
  for (char c : text)
    if (depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0; depth > 8)
      return createStringError(prefix + "is no profile: brackets nest too deep");
  Expected<json::Value> parsed = json::parse(text);
  if (!parsed)
    return createStringError(prefix + "is not JSON: " + toString(parsed.takeError()));
  const json::Object *root = parsed->getAsObject();
  if (!root)
    return createStringError(prefix + "must be an object {\"version\": 1, \"name\": ..., \"weights\": {...}, ...}");
  std::vector<std::string> problems;
  readProfile(*root, profile, problems);
  if (problems.empty())
    return profile;
  for (std::string &problem : problems)
    problem = prefix + problem;
  return createStringError(join(problems, "\n"));
}

std::string QuantProfile::whyFloat(StringRef op) const {
  return is_contained(without, op) ? "profile '" + name + "' does not compute qc." + op.str() + " on codes" : "";
}
} // namespace qc
