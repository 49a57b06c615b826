// What may be tried for the tensors that lose most: each advice follows from what was measured there.
#include "Hints.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace qc {
namespace {
/// How many tensors get advice, and how good a tensor must be to need none.
constexpr size_t mostTensors = 8;
constexpr double goodEnough = 45;
/// Differences of so many dB decide: a factor of two in the error.
constexpr double clearly = 6;

/// `text` as JSON, for lines that go into files.
std::string quote(StringRef text) { return formatv("{0}", json::Value(text)).str(); }

json::Array advise(const json::Object &tensor) {
  json::Array hints;
  auto number = [&](StringRef key) { return tensor.getNumber(key); };
  StringRef name = *tensor.getString("name"), type = *tensor.getString("type");
  unsigned bits = 8;
  type.drop_front().getAsInteger(10, bits);
  double own = *number("own_db"), saturated = number("saturated").value_or(0);
  const json::Array &range = *tensor.getArray("range"), &observed = *tensor.getArray("observed");
  auto at = [](const json::Array &pair, size_t i) { return *pair[i].getAsNumber(); };
  if (saturated >= 1e-3)
    hints.push_back(
        formatv("{0:f2} % of the values lie beyond [{1}, {2}]: -calibrator=minmax, or in a -ranges file {3}: [{4}, {5}]",
                100 * saturated, at(range, 0), at(range, 1), quote(name), at(observed, 0), at(observed, 1))
            .str());
  std::optional<double> weights = number("weights_db"), rounding = number("rounding_db");
  bool weightsDominate = weights && (!rounding || *weights + clearly < *rounding);
  if (weightsDominate) {
    int64_t weightBits = tensor.getInteger("weight_bits").value_or(8);
    hints.push_back(formatv("the {0}-bit weights alone leave {1:f1} dB{2}: {3} for this layer alone, in a -constraints file "
                            "{{\"version\": 1, \"weights\": {{{4}: {{\"code\": \"{3}\"}}}, or -rounding=sequential for all",
                            weightBits, *weights,
                            rounding ? formatv(", rounding the result alone {0:f1} dB", *rounding).str() : "",
                            weightBits < 8 ? "i8" : "i16", quote(name))
                        .str());
  } else {
    int64_t used = tensor.getInteger("codes").value_or(0), all = tensor.getInteger("all_codes").value_or(1);
    if (bits <= 8 && used * 4 < all && saturated < 1e-3)
      hints.push_back(
          formatv("only {0} of {1} codes occur: a narrower range, -calibrator=entropy or percentile, or in a -ranges file "
                  "{2}: [{3}, {4}]",
                  used, all, quote(name), at(observed, 0), at(observed, 1))
              .str());
    if (bits < 16)
      hints.push_back(formatv("{0} bits limit the result{1}: {2} for this tensor alone, in a -constraints file "
                              "{{\"version\": 1, \"tensors\": {{{3}: {{\"code\": \"{2}\"}}}",
                              bits, rounding ? formatv(" to {0:f1} dB", *rounding).str() : "", bits < 8 ? "i8" : "i16",
                              quote(name))
                          .str());
  }
  if (auto cumulative = number("cumulative_db"); cumulative && *cumulative + clearly < own)
    hints.push_back(formatv("{0:f1} dB are lost before it: see the layers in front", own - *cumulative).str());
  return hints;
}
} // namespace

void addHints(json::Object &accuracy) {
  SmallVector<json::Object *> order;
  for (json::Value &value : *accuracy.getArray("tensors"))
    if (auto own = value.getAsObject()->getNumber("own_db"); own && *own < goodEnough)
      order.push_back(value.getAsObject());
  llvm::stable_sort(
      order, [](const json::Object *a, const json::Object *b) { return *a->getNumber("own_db") < *b->getNumber("own_db"); });
  for (json::Object *tensor : ArrayRef(order).take_front(mostTensors))
    (*tensor)["hints"] = advise(*tensor);
}
} // namespace qc
