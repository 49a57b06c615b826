// The report: JSON for programs, text for people.
#include "qc/Conversion/Bundle.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qc {
namespace {
json::Object describeEntry(const Entry &entry) {
  return json::Object{{"arena_bytes", entry.arenaBytes},
                      {"arena_lower_bound", entry.arenaLowerBound},
                      {"arena_align", arenaAlign},
                      {"stack_bytes", entry.stackBytes}};
}

int64_t total(const json::Array &rows, StringRef key) {
  int64_t sum = 0;
  for (const json::Value &row : rows)
    sum += row.getAsObject()->getInteger(key).value_or(0);
  return sum;
}
} // namespace

std::string makeReport(const BundleInfo &info) {
  json::Object root{
      {"version", 1},
      {"name", info.name},
      {"model", info.model},
      {"qcc", QCC_VERSION},
      {"llvm", LLVM_VERSION_STRING},
      {"target", json::Object{{"name", info.target.name},
                              {"triple", info.target.triple},
                              {"cpu", info.target.cpu},
                              {"features", info.target.features}}},
      {"options", json::Object(info.options)},
      {"requant", info.requant},
      {"integer_only", info.integerOnly()},
      {"float_ops", json::Array(info.floatOps)},
      {"inputs", describePorts(info.inputs)},
      {"outputs", describePorts(info.outputs)},
      {"macs", total(info.layers, "macs")},
      {"code_bytes", info.codeBytes},
      {"constant_bytes", info.constantBytes},
      {"layers", json::Array(info.layers)},
      {"pair_safe", json::Array(info.shrunkScales)},
      {"asymmetric_weights", json::Array(info.asymmetricWeights)},
      {"activations", json::Array(info.activations)},
      {"tensors", json::Array(info.tensors)},
      {"arena", json::Array(info.arenaMap)},
  };
  if (info.threads > 1)
    root["threads"] = info.threads;
  if (!info.states.empty())
    root["states"] = describePorts(info.states);
  if (info.run.present)
    root["run"] = describeEntry(info.run);
  if (info.runF32.present)
    root["run_f32"] = describeEntry(info.runF32);
  std::string text;
  raw_string_ostream(text) << formatv("{0:2}", json::Value(std::move(root))) << "\n";
  return text;
}

std::string makeSummary(const BundleInfo &info) {
  std::string text;
  raw_string_ostream os(text);
  const Entry &entry = info.run.present ? info.run : info.runF32;
  os << info.name << " for " << info.target.triple << " (" << info.target.headerNote << "), ";
  os << (info.integerOnly() ? "integer-only" : info.run.present ? "with float fallbacks" : "f32");
  if (!info.requant.empty())
    os << ", requantize: " << info.requant;
  os << "\nMACs " << total(info.layers, "macs") << ", code " << info.codeBytes << " B, constants " << info.constantBytes
     << " B, arena " << entry.arenaBytes << " B (lower bound " << entry.arenaLowerBound << " B), stack " << entry.stackBytes
     << " B\n\n";
  if (info.threads > 1)
    os << "Up to " << info.threads << " threads of the caller; what has one task runs on the caller.\n\n";
  if (!info.states.empty()) {
    os << "States in the arena (offset, elements):\n";
    for (const Port &state : info.states)
      os << "  " << state.name << ": " << state.offset << ", " << state.elements() << " " << state.type << "\n";
    os << "\n";
  }
  auto column = [&](const Twine &tasks) { return info.threads > 1 ? formatv(" {0,6}", tasks.str()).str() : std::string(); };
  os << formatv("{0,-40} {1,-24} {2,12} {3,12} {4,12}{5}\n", "layer", "kernel", "MACs", "constants B", "output B",
                column("tasks"));
  for (const json::Value &value : info.layers) {
    const json::Object &row = *value.getAsObject();
    auto number = [&](StringRef key) { return row.getInteger(key).value_or(0); };
    os << formatv("{0,-40} {1,-24} {2,12} {3,12} {4,12}{5}\n", row.getString("name").value_or(""),
                  row.getString("kernel").value_or(""), number("macs"), number("constant_bytes"), number("output_bytes"),
                  column(Twine(number("tasks"))));
  }
  if (!info.shrunkScales.empty())
    os << "\nLarger scales for safe pairs (channels, largest factor, dB of the weights before and after):\n";
  for (const json::Value &value : info.shrunkScales) {
    const json::Object &row = *value.getAsObject();
    auto number = [&](StringRef key) { return row.getNumber(key).value_or(0); };
    os << formatv("  {0}: {1}, {2:f3}, {3:f1}, {4:f1}\n", row.getString("name").value_or(""), int64_t(number("channels")),
                  number("largest_factor"), number("sqnr_before"), number("sqnr_after"));
  }
  if (!info.asymmetricWeights.empty())
    os << "\nWeights with zero points (bits stored in the model, bits once the zero point is subtracted; more than 8 cost time "
          "and bytes):\n";
  for (const json::Value &value : info.asymmetricWeights) {
    const json::Object &row = *value.getAsObject();
    os << formatv("  {0}: {1}, {2}\n", row.getString("name").value_or(""), row.getInteger("bits").value_or(0),
                  row.getInteger("bits_without_zero_point").value_or(0));
  }
  if (!info.activations.empty())
    os << "\nActivations (form, pieces or entries, bytes, largest and mean error in codes of the result):\n";
  for (const json::Value &value : info.activations) {
    const json::Object &row = *value.getAsObject();
    os << formatv("  {0} ({1}): {2}, {3}, {4} B, {5}, {6:f4}\n", row.getString("name").value_or(""),
                  row.getString("function").value_or(""), row.getString("form").value_or(""),
                  row.getInteger("pieces").value_or(0), row.getInteger("bytes").value_or(0),
                  int64_t(row.getNumber("max_error").value_or(0)), row.getNumber("mean_error").value_or(0));
  }
  if (info.floatOps.empty() && info.run.present)
    os << "\nNothing stayed in float.\n";
  else if (info.run.present)
    os << "\nStayed in float:\n";
  for (const json::Value &value : info.floatOps) {
    const json::Object &row = *value.getAsObject();
    os << "  " << row.getString("name").value_or("") << " (" << row.getString("op").value_or("")
       << "): " << row.getString("reason").value_or("") << "\n";
  }
  return text;
}
} // namespace qc
