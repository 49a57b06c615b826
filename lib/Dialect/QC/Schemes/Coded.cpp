// `!qc.coded`: real = scale * level, per tensor or per axis, with the levels of a code. And what weights become, as options say
// it.
#include "qc/Dialect/QC/Schemes/Levels.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace qc;

ArrayRef<NamedCode> qc::getNamedCodes() {
  static const NamedCode codes[] = {
      {"b1", [](MLIRContext *context) -> CodeAttrInterface { return SignsAttr::get(context); }},
  };
  return codes;
}

//===-- The type -----------------------------------------------------------------------------------------------------------===//

static ParseResult parseScale(AsmParser &parser, SmallVectorImpl<double> &scales) {
  APFloat scale(0.0);
  if (parser.parseFloat(APFloat::IEEEdouble(), scale))
    return failure();
  scales.push_back(scale.convertToDouble());
  return success();
}

Type CodedType::parse(AsmParser &parser) {
  llvm::SMLoc start = parser.getCurrentLocation();
  Attribute attr;
  Type expressed;
  int64_t axis = -1;
  SmallVector<double> scales;
  if (parser.parseLess() || parser.parseAttribute(attr) || parser.parseComma() || parser.parseType(expressed))
    return {};
  auto code = dyn_cast<CodeAttrInterface>(attr);
  if (!code) {
    parser.emitError(start) << attr << " is no code of weights, as #qc.signs is";
    return {};
  }
  if (succeeded(parser.parseOptionalColon())) {
    auto parseOne = [&] { return parseScale(parser, scales); };
    if (parser.parseInteger(axis) || parser.parseComma() ||
        parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, parseOne))
      return {};
    if (axis < 0) {
      parser.emitError(start) << "axis " << axis << " is none";
      return {};
    }
  } else if (parser.parseComma() || parseScale(parser, scales)) {
    return {};
  }
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(start); }, parser.getContext(), code, expressed, axis,
                    DenseF64ArrayAttr::get(parser.getContext(), scales));
}

void CodedType::print(AsmPrinter &printer) const {
  printer << "<" << Attribute(getCode()) << ", " << getExpressedType();
  auto printScale = [&](double scale) { printer.printFloat(APFloat(scale)); };
  if (getAxis() < 0) {
    printer << ", ";
    printScale(getScales()[0]);
  } else {
    printer << ":" << getAxis() << ", {";
    llvm::interleaveComma(getScales().asArrayRef(), printer, printScale);
    printer << "}";
  }
  printer << ">";
}

LogicalResult CodedType::verify(llvm::function_ref<InFlightDiagnostic()> emitError, CodeAttrInterface, Type expressed,
                                int64_t axis, DenseF64ArrayAttr scales) {
  if (!expressed.isF32())
    return emitError() << "codes stand for f32, not for " << expressed;
  if (scales.empty() || (axis < 0 && scales.size() != 1))
    return emitError() << "needs one scale, or one per index of an axis, not " << scales.size();
  for (double scale : scales.asArrayRef())
    if (!(scale >= std::numeric_limits<float>::min() && scale <= std::numeric_limits<float>::max()) ||
        double(float(scale)) != scale)
      return emitError() << "scale " << scale << " is not a normal f32 number above 0";
  return success();
}

IntegerType CodedType::getCodeType() const {
  auto [low, high] = getCodeRange();
  unsigned bits = 2;
  while (getCodeLimits(IntegerType::get(getContext(), bits)).first > low ||
         getCodeLimits(IntegerType::get(getContext(), bits)).second < high)
    ++bits;
  return IntegerType::get(getContext(), bits);
}
std::pair<int64_t, int64_t> CodedType::getCodeRange() const {
  SmallVector<int64_t> levels = getLevels();
  return {levels.front(), levels.back()};
}
SmallVector<int64_t> CodedType::getLevels() const { return getCode().getLevels(); }
unsigned CodedType::getBits() const { return llvm::Log2_64_Ceil(getLevels().size()); }
int64_t CodedType::getChannelAxis() const { return getAxis(); }
SmallVector<double> CodedType::getScaleValues() const { return SmallVector<double>(getScales().asArrayRef()); }
SmallVector<int64_t> CodedType::getZeroPointValues() const { return SmallVector<int64_t>(getScales().size(), 0); }

/// Calls `f(element, scale)` for each of `count` elements.
template <typename F> static void forEachScale(CodedType type, size_t count, ArrayRef<int64_t> shape, F f) {
  ArrayRef<double> scales = type.getScales().asArrayRef();
  size_t inner = type.getAxis() < 0 ? count : size_t(product(shape.drop_front(type.getAxis() + 1)));
  for (size_t i = 0; i < count; ++i)
    f(i, scales[type.getAxis() < 0 ? 0 : i / inner % scales.size()]);
}

SmallVector<int64_t> CodedType::encode(ArrayRef<double> values, ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> codes(values.size()), levels = getLevels();
  // The quotient has f32 precision, as in N2.
  forEachScale(*this, values.size(), shape,
               [&](size_t i, double scale) { codes[i] = getNearestLevel(levels, double(float(values[i] / scale))); });
  return codes;
}

SmallVector<double> CodedType::decode(ArrayRef<int64_t> codes, ArrayRef<int64_t> shape) const {
  SmallVector<double> values(codes.size());
  forEachScale(*this, codes.size(), shape, [&](size_t i, double scale) { values[i] = scale * double(codes[i]); });
  return values;
}

//===-- Groups -------------------------------------------------------------------------------------------------------------===//

LogicalResult GroupedAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, unsigned bits, int64_t length) {
  if (bits < 2 || bits > 4)
    return emitError() << "codes of groups have 2 to 4 bits, not " << bits;
  if (!isLength(length))
    return emitError() << "a group is a multiple of " << leastLength << " inputs, not " << length;
  return success();
}

double GroupedAttr::toProduct(double value, double factor) const {
  return factor * std::clamp(std::nearbyint(value / factor), double(getLowest()), double(getHighest()));
}

int64_t GroupedAttr::chooseFactor(ArrayRef<double> values, ArrayRef<double> moments) const {
  double largest = 0, least = INFINITY;
  for (double v : values)
    largest = std::max(largest, std::fabs(v));
  // From what holds the largest weight on either side down to what clips at half of it.
  int64_t widest = int64_t(std::clamp(std::ceil(largest / double(getHighest())), 1.0, double(mostFactor))), best = 1;
  for (int64_t size = widest; size >= std::max<int64_t>(1, widest / 2); --size)
    for (int64_t factor : {size, -size}) {
      double error = 0;
      for (auto [i, v] : llvm::enumerate(values)) {
        double difference = v - toProduct(v, double(factor));
        error += difference * difference * (moments.empty() ? 1 : moments[i]);
      }
      if (error < least)
        least = error, best = factor;
    }
  return best;
}

//===-- Casts --------------------------------------------------------------------------------------------------------------===//

Value qc::getDecodedCodes(Value reals) {
  auto cast = reals.getDefiningOp<DequantizeCastOpInterface>();
  return cast ? cast.getCodes() : Value();
}

Value qc::createDequantizeCast(OpBuilder &builder, Location loc, Value codes) {
  auto type = withElementType(codes.getType(), builder.getF32Type());
  if (isa<quant::QuantizedType>(getElementType(codes)))
    return quant::DequantizeCastOp::create(builder, loc, type, codes);
  return DcastOp::create(builder, loc, type, codes);
}

//===-- What weights become ------------------------------------------------------------------------------------------------===//

std::optional<WeightScheme> WeightScheme::get(Attribute attr) {
  if (auto type = dyn_cast_or_null<TypeAttr>(attr))
    if (auto integer = dyn_cast<IntegerType>(type.getValue()))
      return WeightScheme(integer);
  if (auto grouped = dyn_cast_or_null<GroupedAttr>(attr))
    return WeightScheme(grouped);
  if (auto code = dyn_cast_or_null<CodeAttrInterface>(attr))
    return WeightScheme(code);
  return std::nullopt;
}

Attribute WeightScheme::getAttr() const {
  if (auto *integer = std::get_if<IntegerType>(&code))
    return TypeAttr::get(*integer);
  if (GroupedAttr grouped = getGrouped())
    return grouped;
  return std::get<CodeAttrInterface>(code);
}

Type WeightScheme::getType(ArrayRef<double> scales, int64_t axis) const {
  if (auto *integer = std::get_if<IntegerType>(&code))
    return getSymmetricType(*integer, scales, axis);
  if (GroupedAttr grouped = getGrouped())
    return getSymmetricType(IntegerType::get(grouped.getContext(), 8), scales, axis);
  CodeAttrInterface levels = std::get<CodeAttrInterface>(code);
  SmallVector<double> rounded = llvm::map_to_vector(axis < 0 ? scales.take_front() : scales, toScale);
  MLIRContext *context = Attribute(levels).getContext();
  return CodedType::get(context, levels, Float32Type::get(context), axis, DenseF64ArrayAttr::get(context, rounded));
}

GroupedAttr WeightScheme::getGrouped() const {
  auto *grouped = std::get_if<GroupedAttr>(&code);
  return grouped ? *grouped : GroupedAttr();
}
unsigned WeightScheme::getBits() const {
  GroupedAttr grouped = getGrouped();
  return grouped ? grouped.getBits() : cast<QuantSchemeInterface>(getType(1.0, -1)).getBits();
}
int64_t WeightScheme::getHighest() const {
  if (GroupedAttr grouped = getGrouped())
    return -grouped.getLowest() * GroupedAttr::mostFactor;
  return cast<QuantSchemeInterface>(getType(1.0, -1)).getCodeRange().second;
}
SmallVector<int64_t> WeightScheme::getLevels() const { return cast<QuantSchemeInterface>(getType(1.0, -1)).getLevels(); }

double WeightScheme::fitScale(ArrayRef<double> values) const {
  if (auto *levels = std::get_if<CodeAttrInterface>(&code))
    return levels->fitScale(values);
  double largest = 0;
  for (double v : values)
    largest = std::max(largest, std::fabs(v));
  return largest / double(getHighest());
}
