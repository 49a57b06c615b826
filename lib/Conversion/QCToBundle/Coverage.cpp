// The table of `qcc -coverage`.
#include "qc/Conversion/Bundle.h"

#include "../../Transforms/Quantizable.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace qc {
namespace {
struct Handling {
  const char *how;
  std::string why;
};

/// Why an op is no integer arithmetic once it is quantized; "" if it is.
std::string whyFloat(Operation *op) {
  bool computesInFloat = llvm::any_of(op->getOperands(), isFloatTensor) || llvm::any_of(op->getResults(), isFloatTensor);
  if (!computesInFloat || isa<quant::QuantizeCastOp, DequantizeCastOpInterface>(op))
    return "";
  return whyNotInteger(op);
}

Handling getHandling(const NodeCoverage &node, bool float32) {
  switch (node.state) {
  case NodeCoverage::State::Folded:
    return {"folded", "known at compile time"};
  case NodeCoverage::State::Moved:
    return {"folded", "nothing to do at run time"};
  case NodeCoverage::State::Waiting:
    return {"waiting", "an input comes from a node that is not supported"};
  case NodeCoverage::State::Unsupported:
    return {"unsupported", node.why};
  case NodeCoverage::State::Imported:
    break;
  }
  if (float32)
    return {"float", "-mode=f32"};
  for (Operation *op : node.ops)
    if (std::string why = whyFloat(op); !why.empty())
      return {"float", why};
  return {"integer", ""};
}
} // namespace

std::string makeCoverage(const Coverage &coverage, bool float32) {
  struct Row {
    std::string type;
    Handling handling;
    std::string first; ///< name of a node
    unsigned count = 0;
  };
  llvm::MapVector<std::string, Row, std::map<std::string, unsigned>> rows;
  std::map<std::string, unsigned> totals;
  for (const NodeCoverage &node : coverage.nodes) {
    Handling handling = getHandling(node, float32);
    Row &row = rows[node.type + "\n" + handling.how + "\n" + handling.why];
    if (!row.count++)
      row = {node.type, handling, node.name, 1};
    ++totals[handling.how];
  }
  size_t widths[] = {8, 5, 11, 4};
  std::vector<std::array<std::string, 5>> lines{{"operator", "nodes", "handling", "node", "why"}};
  for (auto &[key, row] : rows) {
    std::string first = row.first + (row.count > 1 ? ", ..." : "");
    lines.push_back({row.type, std::to_string(row.count), row.handling.how, first, row.handling.why});
  }
  for (const auto &line : lines)
    for (size_t c = 0; c < 4; ++c)
      widths[c] = std::max(widths[c], line[c].size());
  std::string text;
  for (const auto &line : lines) {
    for (size_t c = 0; c < 4; ++c)
      text += line[c] + std::string(widths[c] - line[c].size() + 2, ' ');
    text += line[4];
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  text += std::to_string(coverage.nodes.size()) + (coverage.nodes.size() == 1 ? " node:" : " nodes:");
  const char *separator = " ";
  for (const char *how : {"integer", "float", "folded", "waiting", "unsupported"}) {
    if (totals[how])
      text += separator + std::to_string(totals[how]) + " " + how, separator = ", ";
  }
  return text + "\n";
}
} // namespace qc
