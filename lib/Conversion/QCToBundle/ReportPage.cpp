// The page around a report.
#include "qc/Conversion/ReportPage.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace qc {
namespace {
constexpr unsigned char page[] = {
#include "Report.html.inc"
};
/// The element of the page that holds the report; the file has it empty.
constexpr StringLiteral opening = "<script type=\"application/json\" id=\"report\">", closing = "</script>";
} // namespace

bool isReportPage(StringRef path) {
  StringRef extension = sys::path::extension(path);
  return extension.equals_insensitive(".html") || extension.equals_insensitive(".htm");
}

std::string makeReportPage(const json::Value &report) {
  auto [before, after] = StringRef(reinterpret_cast<const char *>(page), sizeof(page)).split(opening);
  std::string text = (before + opening).str();
  for (char c : formatv("{0}", report).str())
    text += c == '<' ? "\\u003c" : std::string(1, c);
  return text + after.str();
}

Expected<json::Value> readReport(StringRef text) {
  StringRef rest = text;
  if (size_t at = text.find(opening); at != StringRef::npos) {
    rest = text.substr(at + opening.size());
    rest = rest.take_front(rest.find(closing));
  }
  Expected<json::Value> report = json::parse(rest);
  if (!report)
    return createStringError("neither a report page nor a JSON report: " + toString(report.takeError()));
  const json::Object *root = report->getAsObject();
  if (!root || !root->getInteger("version") || !root->getArray("layers"))
    return createStringError("not a report of qcc");
  return report;
}
} // namespace qc
