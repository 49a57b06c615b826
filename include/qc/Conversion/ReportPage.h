// The report as one HTML file: a static page (Report.html) that draws the JSON report which lies in it.
#ifndef QC_CONVERSION_REPORTPAGE_H
#define QC_CONVERSION_REPORTPAGE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>

namespace qc {
/// True if a report of this name is the page: `.html` or `.htm`.
bool isReportPage(llvm::StringRef path);
/// The page with `report` inside; needs nothing else, also opened as a file. '<' is escaped: no name in the report can end the
/// element that holds it.
std::string makeReportPage(const llvm::json::Value &report);
/// The report in `text`: a page of `makeReportPage`, or the JSON itself. An error if it is neither.
llvm::Expected<llvm::json::Value> readReport(llvm::StringRef text);
} // namespace qc

#endif // QC_CONVERSION_REPORTPAGE_H
