// The report: JSON for programs, text for people. The page of it is ReportPage.cpp.
#include "Hints.h"
#include "qc/Conversion/Bundle.h"
#include "qc/Conversion/KernelCost.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace qc {
namespace {
/// What the cost model says of a call, if it knows its form.
std::optional<int64_t> getCycles(const BundleInfo &info, const json::Object &call) {
  auto it = info.cycles.find((call.getString("form").value_or("") + " " + call.getString("name").value_or("")).str());
  return it == info.cycles.end() ? std::nullopt : std::optional(int64_t(std::llround(it->second)));
}

/// Microseconds, to a nanosecond: more digits would promise too much.
double toMicroseconds(const BundleInfo &info, double cycles) {
  return std::round(cycles / getClockMHz(info.target) * 1000) / 1000;
}

/// With the calls of its kernels, in order: `cycles` and the time that they stand for where the cost model knows the form.
json::Object describeEntry(const BundleInfo &info, const Entry &entry) {
  json::Array kernels;
  for (const json::Value &value : entry.kernels) {
    json::Object row(*value.getAsObject());
    if (auto cycles = getCycles(info, row))
      row["cycles"] = *cycles, row["predicted_us"] = toMicroseconds(info, double(*cycles));
    kernels.push_back(std::move(row));
  }
  return json::Object{{"arena_bytes", entry.arenaBytes},
                      {"arena_lower_bound", entry.arenaLowerBound},
                      {"arena_align", arenaAlign},
                      {"stack_bytes", entry.stackBytes},
                      {"cycles", int64_t(std::llround(entry.cycles))},
                      {"predicted_us", toMicroseconds(info, entry.cycles)},
                      {"kernels", std::move(kernels)}};
}

/// A layer with what its products cost by the widths of their factors, and how many there are to a byte.
json::Object describeEffort(const json::Object &layer) {
  json::Object row(layer);
  auto number = [&](StringRef key) { return layer.getInteger(key).value_or(0); };
  int64_t macs = number("macs"), bytes = number("constant_bytes") + number("input_bytes") + number("output_bytes");
  if (macs && bytes)
    row["intensity"] = double(macs) / double(bytes);
  const json::Array *inputs = layer.getArray("input_bits");
  auto input = [&](size_t i) { return inputs && i < inputs->size() ? (*inputs)[i].getAsInteger().value_or(0) : 0; };
  int64_t a = input(0), b = layer.getInteger("weight_bits").value_or(input(1)), outputs = 1;
  if (!macs || !a || !b) // sums, no products
    return row;
  for (const json::Value &size : *layer.getArray("output_shape"))
    outputs *= *size.getAsInteger();
  row["ace"] = getAce(macs, a, b);
  row["bops"] = getBops(macs, a, b, outputs);
  return row;
}

/// Networks of thousands of tensors (recurrences that were unrolled) keep the histograms of those that lose most.
void dropHistograms(json::Array &tensors) {
  constexpr size_t most = 512;
  std::vector<std::pair<double, json::Object *>> order;
  for (json::Value &value : tensors) {
    json::Object *tensor = value.getAsObject();
    order.push_back({tensor->getNumber("own_db").value_or(HUGE_VAL), tensor});
  }
  if (order.size() <= most)
    return;
  llvm::sort(order, [](const auto &a, const auto &b) {
    return std::make_tuple(a.first, a.second) < std::make_tuple(b.first, b.second); // they lie in order
  });
  for (auto [db, tensor] : ArrayRef(order).drop_front(most))
    tensor->erase("histogram");
}

/// What was decided, by whom, and why: for each stage and kernel.
json::Array describeDecisions(const BundleInfo &info) {
  json::Array rows;
  auto add = [&](StringRef stage, StringRef node, const Twine &what, const Twine &why) {
    rows.push_back(json::Object{{"stage", stage}, {"name", node}, {"what", what.str()}, {"why", why.str()}});
  };
  for (const BundleInfo::Remark &remark : info.remarks)
    add(remark.stage, remark.node, remark.text, "");
  for (const json::Value &value : info.shrunkScales) {
    const json::Object &row = *value.getAsObject();
    auto number = [&](StringRef key) { return row.getNumber(key).value_or(0); };
    add("qdq", *row.getString("name"), Twine("scales of ") + Twine(int64_t(number("channels"))) + " channels made larger",
        formatv("pairs of weights become safe; factor at most {0:f3}, weights {1:f1} dB instead of {2:f1} dB",
                number("largest_factor"), number("sqnr_after"), number("sqnr_before"))
            .str());
  }
  for (const json::Value &value : info.rounding) {
    const json::Object &row = *value.getAsObject();
    auto number = [&](StringRef key) { return row.getNumber(key).value_or(0); };
    add("qdq", *row.getString("name"),
        Twine("weights of ") + Twine(int64_t(number("bits"))) + " bits by " + *row.getString("method"),
        formatv("outputs {0:f1} dB instead of {1:f1} dB with the nearest codes, on {2} samples", number("sqnr_after"),
                number("sqnr_before"), int64_t(number("samples")))
            .str());
  }
  for (auto [rows, what] :
       {std::pair(&info.equalization, "scales of weights made alike"), std::pair(&info.migration, "scales moved by activations")})
    for (const json::Value &value : *rows) {
      const json::Object &row = *value.getAsObject();
      auto number = [&](StringRef key) { return row.getNumber(key).value_or(0); };
      add("graph", *row.getString("name"), Twine(what) + " over " + Twine(int64_t(number("channels"))) + " channels",
          formatv("by factors from {0:g3} to {1:g3}", number("least_factor"), number("largest_factor")).str());
    }
  for (const json::Value &value : info.rotation) {
    const json::Object &row = *value.getAsObject();
    add("graph", *row.getArray("readers")->front().getAsString(),
        Twine(*row.getInteger("channels")) + " channels turned: " + *row.getString("basis"),
        (Twine(row.getArray("givers")->size()) + " layers give them, " + Twine(row.getArray("readers")->size()) + " read them")
            .str());
  }
  for (const json::Value &value : info.asymmetricWeights) {
    const json::Object &row = *value.getAsObject();
    add("integer", *row.getString("name"), "zero point subtracted from the weights",
        Twine(*row.getInteger("bits")) + " bits in the model, " + Twine(*row.getInteger("bits_without_zero_point")) + " after");
  }
  for (const json::Value &value : info.layers) {
    const json::Object &row = *value.getAsObject();
    if (auto bound = row.getInteger("accumulator_bound"))
      add("integer", *row.getString("name"), "accumulator " + *row.getString("accumulator_type"),
          "no partial sum, in any order, exceeds " + Twine(*bound) + ", which " + Twine(*row.getInteger("accumulator_bits")) +
              " bits hold");
  }
  for (const Entry *entry : {&info.run, &info.runF32})
    for (const json::Value &value : entry->kernels) {
      const json::Object &row = *value.getAsObject();
      std::string what = ("form " + *row.getString("form")).str(), why;
      if (auto dot = row.getString("dot"))
        what += (", dot kernel " + *dot).str();
      if (auto tile = row.getString("tile"))
        what += (", tile " + *tile).str();
      if (row.getBoolean("permuted").value_or(false))
        what += ", inputs permuted so that pairs of weights are safe";
      if (auto bits = row.getInteger("weight_bits"))
        what += ", weights packed to " + std::to_string(*bits) + " bits";
      why = *row.getString("form") == "loops" ? "no form of kernel takes it: plain loops" : "first form that fits";
      if (auto cycles = getCycles(info, row))
        why += "; about " + std::to_string(*cycles) + " cycles";
      if (const json::Array *layers = row.getArray("layers"); layers && layers->size() > 1)
        why += "; one loop nest of " + std::to_string(layers->size()) + " ops";
      add("packed", *row.getString("name"), what, why);
    }
  const Entry &entry = info.run.present ? info.run : info.runF32;
  add("buffers", info.name, Twine(info.arenaMap.size()) + " buffers in an arena of " + Twine(entry.arenaBytes) + " bytes",
      "no plan can be below " + Twine(entry.arenaLowerBound) + " bytes, which live at one time");
  return rows;
}

int64_t total(const json::Array &rows, StringRef key) {
  int64_t sum = 0;
  for (const json::Value &row : rows)
    sum += row.getAsObject()->getInteger(key).value_or(0);
  return sum;
}
} // namespace

json::Value describeReport(const BundleInfo &info) {
  json::Array layers;
  for (const json::Value &value : info.layers)
    layers.push_back(describeEffort(*value.getAsObject()));
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
      {"ace", total(layers, "ace")},
      {"bops", total(layers, "bops")},
      {"code_bytes", info.codeBytes},
      {"constant_bytes", info.constantBytes},
      {"layers", json::Array(layers)},
      {"pair_safe", json::Array(info.shrunkScales)},
      {"asymmetric_weights", json::Array(info.asymmetricWeights)},
      {"rounding", json::Array(info.rounding)},
      {"equalization", json::Array(info.equalization)},
      {"migration", json::Array(info.migration)},
      {"rotation", json::Array(info.rotation)},
      {"clock_mhz", getClockMHz(info.target)},
      {"stored_weights", json::Array(info.storedWeights)},
      {"activations", json::Array(info.activations)},
      {"tensors", json::Array(info.tensors)},
      {"arena", json::Array(info.arenaMap)},
      {"decisions", describeDecisions(info)},
  };
  if (info.errors) {
    json::Object accuracy = *info.errors;
    addHints(accuracy);
    dropHistograms(*accuracy.getArray("tensors"));
    root["accuracy"] = std::move(accuracy);
  }
  if (info.precision)
    root["precision"] = json::Object(*info.precision);
  if (info.threads > 1)
    root["threads"] = info.threads;
  if (!info.states.empty())
    root["states"] = describePorts(info.states);
  if (info.run.present)
    root["run"] = describeEntry(info, info.run);
  if (info.runF32.present)
    root["run_f32"] = describeEntry(info, info.runF32);
  return root;
}

std::string makeReport(const BundleInfo &info) { return formatv("{0:2}\n", describeReport(info)).str(); }

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
     << " B\n";
  os << "Predicted " << formatv("{0:f1}", toMicroseconds(info, entry.cycles)) << " us on one thread at "
     << int64_t(getClockMHz(info.target)) << " MHz (nominal)\n\n";
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
  if (!info.rounding.empty())
    os << "\nWeights by samples (method, bits, dB of the layer's outputs with the nearest codes and with those chosen):\n";
  for (const json::Value &value : info.rounding) {
    const json::Object &row = *value.getAsObject();
    auto number = [&](StringRef key) { return row.getNumber(key).value_or(0); };
    os << formatv("  {0}: {1}, {2}, {3:f1}, {4:f1}\n", row.getString("name").value_or(""), row.getString("method").value_or(""),
                  int64_t(number("bits")), number("sqnr_before"), number("sqnr_after"));
  }
  for (auto [rows, title] : {std::pair(&info.equalization, "Scales of weights made alike between layers"),
                             std::pair(&info.migration, "Scales moved between activations and weights")}) {
    if (!rows->empty())
      os << "\n" << title << " (channels, least and largest factor):\n";
    for (const json::Value &value : *rows) {
      const json::Object &row = *value.getAsObject();
      auto number = [&](StringRef key) { return row.getNumber(key).value_or(0); };
      os << formatv("  {0}: {1}, {2:f3}, {3:f3}\n", row.getString("name").value_or(""), int64_t(number("channels")),
                    number("least_factor"), number("largest_factor"));
    }
  }
  if (!info.rotation.empty())
    os << "\nChannels turned between layers (first that reads them, channels, matrix, layers that give and that read them):\n";
  for (const json::Value &value : info.rotation) {
    const json::Object &row = *value.getAsObject();
    os << formatv("  {0}: {1}, {2}, {3}, {4}\n", *row.getArray("readers")->front().getAsString(), *row.getInteger("channels"),
                  *row.getString("basis"), row.getArray("givers")->size(), row.getArray("readers")->size());
  }
  if (!info.asymmetricWeights.empty())
    os << "\nWeights with zero points (bits stored in the model, bits once the zero point is subtracted; more than 8 cost time "
          "and bytes):\n";
  for (const json::Value &value : info.asymmetricWeights) {
    const json::Object &row = *value.getAsObject();
    os << formatv("  {0}: {1}, {2}\n", row.getString("name").value_or(""), row.getInteger("bits").value_or(0),
                  row.getInteger("bits_without_zero_point").value_or(0));
  }
  if (!info.storedWeights.empty()) {
    os << formatv("\nWeights of {0} mode (code, inputs of one scale, bytes; as f32): {1} B, {2} B as f32\n",
                  info.options.getString("mode").value_or(""), total(info.storedWeights, "bytes"),
                  total(info.storedWeights, "float_bytes"));
    for (const json::Value &value : info.storedWeights) {
      const json::Object &row = *value.getAsObject();
      os << formatv("  {0}: {1}, {2}, {3} B; {4} B\n", row.getString("name").value_or(""), row.getString("code").value_or(""),
                    row.getInteger("group").value_or(0), row.getInteger("bytes").value_or(0),
                    row.getInteger("float_bytes").value_or(0));
    }
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
