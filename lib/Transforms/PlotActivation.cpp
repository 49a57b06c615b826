// A picture of a function on codes as SVG.
#include "PlotActivation.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace qc {
namespace {
constexpr double width = 640, left = 64, right = 16;

/// A rectangle of the picture with its own axes.
struct Panel {
  double top, height, low, high; ///< values at the lower and the upper edge
  double y(double value) const { return top + height * (1 - (value - low) / (high - low)); }
};

std::string escape(StringRef text) {
  std::string result;
  for (char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  return result;
}

/// A number for people.
std::string number(double value) {
  std::string text = formatv("{0:f4}", value).str();
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.')
    text.pop_back();
  return text == "-0" ? "0" : text;
}

void drawFrame(raw_ostream &os, const Panel &panel, StringRef label, ArrayRef<double> ticks) {
  os << formatv("<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{3}\" fill=\"none\" stroke=\"#999\"/>\n", number(left),
                number(panel.top), number(width - left - right), number(panel.height));
  for (double tick : ticks)
    os << formatv("<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{2}</text>\n", number(left - 6), number(panel.y(tick) + 4),
                  number(tick));
  os << formatv("<text x=\"{0}\" y=\"{1}\">{2}</text>\n", number(left + 6), number(panel.top + 14), escape(label));
}

/// A line through at most about 1,000 points; between two of them the extremes are kept.
void drawLine(raw_ostream &os, const Panel &panel, StringRef style, int64_t count, function_ref<double(int64_t)> value) {
  int64_t step = std::max<int64_t>(count / 512, 1);
  os << "<polyline fill=\"none\" " << style << " points=\"";
  auto point = [&](int64_t i, double v) {
    double x = left + (width - left - right) * double(i) / double(std::max<int64_t>(count - 1, 1));
    os << number(x) << "," << number(std::clamp(panel.y(v), panel.top, panel.top + panel.height)) << " ";
  };
  for (int64_t first = 0; first < count; first += step) {
    int64_t least = first, most = first;
    for (int64_t i = first; i < std::min(first + step, count); ++i) {
      least = value(i) < value(least) ? i : least;
      most = value(i) > value(most) ? i : most;
    }
    point(std::min(least, most), value(std::min(least, most)));
    if (least != most)
      point(std::max(least, most), value(std::max(least, most)));
  }
  os << "\"/>\n";
}
} // namespace

std::string plotActivation(StringRef title, StringRef subtitle, const CodeFunction &function, ArrayRef<int64_t> chosen,
                           ArrayRef<int32_t> knots) {
  std::string text;
  raw_string_ostream os(text);
  int64_t count = function.size();
  auto [least, most] = std::minmax_element(function.codes.begin(), function.codes.end());
  double largest = 1;
  for (int64_t i = 0; i < count; ++i)
    if (function.isDefined(i))
      largest = std::max(largest, double(std::abs(chosen[i] - function.codes[i])));
  Panel curve{56, 280, double(*least) - 1, double(*most) + 1}, error{360, 96, -largest - 0.5, largest + 0.5};
  os << formatv(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} 500\" font-family=\"sans-serif\" font-size=\"12\">\n",
            number(width))
     << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
     << formatv("<text x=\"{0}\" y=\"22\" font-size=\"15\">{1}</text>\n<text x=\"{0}\" y=\"42\">{2}</text>\n", number(left),
                escape(title), escape(subtitle));
  auto x = [&](int64_t code) {
    return left + (width - left - right) * double(code - function.low) / double(std::max<int64_t>(count - 1, 1));
  };
  if (knots.size() <= 256)
    for (int32_t knot : knots)
      os << formatv("<line x1=\"{0}\" x2=\"{0}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#ddd\"/>\n", number(x(knot)), number(curve.top),
                    number(curve.top + curve.height));
  drawFrame(os, curve, "codes of the result", {double(*least), double(*most)});
  drawLine(os, curve, "stroke=\"#bbb\" stroke-width=\"4\"", count, [&](int64_t i) {
    return function.isDefined(i) ? std::clamp(function.values[i], double(function.codeMin), double(function.codeMax))
                                 : double(function.codes[i]);
  });
  drawLine(os, curve, "stroke=\"#06c\" stroke-width=\"1\"", count, [&](int64_t i) { return double(chosen[i]); });
  drawFrame(os, error, "error in codes", {-largest, 0, largest});
  drawLine(os, error, "stroke=\"#c30\" stroke-width=\"1\"", count,
           [&](int64_t i) { return function.isDefined(i) ? double(chosen[i] - function.codes[i]) : 0.0; });
  for (int64_t i : {int64_t(0), count / 2, count - 1})
    os << formatv("<text x=\"{0}\" y=\"476\" text-anchor=\"middle\">{1}</text>\n", number(x(function.low + i)),
                  number(function.inputs[i]));
  os << "</svg>\n";
  return text;
}
} // namespace qc
