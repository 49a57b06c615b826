// Range files.
#include "RangeFile.h"

#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

using namespace llvm;

namespace qc {
/// The JSON parser recurses; a file that nests deeper than a range file can must not reach it.
static bool nestsTooDeep(StringRef text) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > 8)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// The objects under `keys` at the top of the JSON file `path`, which has the key `version` (1), too. Those that are absent are
/// empty, but one there must be.
static Expected<std::vector<json::Object>> readObjects(StringRef path, StringRef kind, ArrayRef<StringRef> keys) {
  auto fail = [&](const Twine &what) { return createStringError(kind + " file '" + path + "': " + what); };
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return fail("cannot be read: " + buffer.getError().message());
  StringRef text = (*buffer)->getBuffer();
  if (nestsTooDeep(text))
    return fail("is no " + kind + " file: brackets nest too deep");
  Expected<json::Value> parsed = json::parse(text);
  if (!parsed)
    return fail("is not JSON: " + toString(parsed.takeError()));
  json::Object *top = parsed->getAsObject();
  if (!top)
    return fail("must be an object {\"version\": 1, \"" + keys.front() + "\": {...}}");
  for (auto &entry : *top)
    if (StringRef known = entry.first; known != "version" && !is_contained(keys, known))
      return fail("unknown key '" + known + "'; known are 'version' and '" + join(keys, "', '") + "'");
  if (auto version = top->getInteger("version"); !version || *version != 1)
    return fail("needs \"version\": 1");
  std::vector<json::Object> objects;
  bool found = false;
  for (StringRef key : keys) {
    json::Object *object = top->getObject(key);
    if (!object && top->get(key))
      return fail("\"" + key + "\" must be an object");
    found |= object != nullptr;
    objects.push_back(object ? std::move(*object) : json::Object());
  }
  if (!found)
    return fail("needs an object \"" + join(keys, "\" or \"") + "\"");
  return std::move(objects);
}

mlir::FailureOr<Constraints> readConstraints(StringRef path, mlir::Location loc) {
  Constraints result;
  if (path.empty())
    return result;
  auto objects = readObjects(path, "constraints", {"tensors", "weights"});
  if (!objects)
    return mlir::emitError(loc) << toString(objects.takeError());
  for (auto [object, codes, what, types] : {std::tuple(&(*objects)[0], &result.tensors, "tensor", "iN or uN"),
                                            std::tuple(&(*objects)[1], &result.weights, "layer", "iN")})
    for (auto &entry : *object) {
      StringRef id = entry.first;
      json::Object *tensor = entry.second.getAsObject();
      if (!tensor || tensor->size() != 1 || !tensor->getString("code"))
        return mlir::emitError(loc) << "constraints file '" << path << "': " << what << " '" << id << "' must be {\"code\": \""
                                    << types << "\"}";
      (*codes)[id] = tensor->getString("code")->str();
    }
  return result;
}

Expected<StringMap<Range>> readRanges(StringRef path) {
  auto fail = [&](const Twine &what) { return createStringError("range file '" + path + "': " + what); };
  auto read = readObjects(path, "range", {"ranges"});
  if (!read)
    return read.takeError();
  json::Object *ranges = &read->front();
  StringMap<Range> result;
  for (auto &entry : *ranges) {
    StringRef id = entry.first;
    json::Array *pair = entry.second.getAsArray();
    if (!pair || pair->size() != 2 || !(*pair)[0].getAsNumber() || !(*pair)[1].getAsNumber())
      return fail("the range of '" + id + "' must be [min, max]");
    double low = *(*pair)[0].getAsNumber(), high = *(*pair)[1].getAsNumber();
    constexpr double limit = std::numeric_limits<float>::max();
    if (!(std::fabs(low) <= limit && std::fabs(high) <= limit))
      return fail("the range of '" + id + "' exceeds f32");
    if (low > high)
      return fail("the range of '" + id + "' has its minimum above its maximum");
    result[id] = {low, high};
  }
  return std::move(result);
}

Error writeRanges(StringRef path, ArrayRef<std::pair<std::string, Range>> ranges) {
  return writeToOutput(path, [&](raw_ostream &out) -> Error {
    json::OStream json(out, 2);
    json.object([&] {
      json.attribute("version", 1);
      json.attributeObject("ranges", [&] {
        for (auto &[id, range] : ranges) {
          json.attributeBegin(json::isUTF8(id) ? id : json::fixUTF8(id));
          json.rawValue([low = range.first, high = range.second](raw_ostream &os) { os << format("[%.17g, %.17g]", low, high); });
          json.attributeEnd();
        }
      });
    });
    out << "\n";
    return Error::success();
  });
}

std::string listNames(ArrayRef<std::string> names, size_t limit) {
  std::string text;
  for (size_t i = 0; i < std::min(limit, names.size()); ++i)
    text += (i ? ", '" : "'") + names[i] + "'";
  if (names.size() > limit)
    text += " and " + std::to_string(names.size() - limit) + " more";
  return text;
}

std::vector<std::string> findNearNames(StringRef name, ArrayRef<std::string> names) {
  std::vector<std::pair<unsigned, std::string>> near;
  for (const std::string &other : names)
    if (unsigned distance = name.edit_distance(other);
        distance <= std::max<size_t>(name.size() / 3, 2) || StringRef(other).contains(name))
      near.emplace_back(distance, other);
  llvm::stable_sort(near, llvm::less_first());
  std::vector<std::string> result;
  for (auto &[distance, other] : near)
    result.push_back(other);
  return result;
}

std::string describeMissingRanges(ArrayRef<std::string> names) {
  return std::to_string(names.size()) + (names.size() == 1 ? " tensor" : " tensors") + " without a range: " + listNames(names) +
         "; pass calibration samples with -calib=<file.npz> or ranges with -ranges=<file.json>";
}
} // namespace qc
