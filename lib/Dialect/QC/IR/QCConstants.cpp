// Element types and constant data: the one place that knows how numbers lie in attributes.
#include "qc/Dialect/QC/IR/QC.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace qc;

Domain qc::getDomain(Type type) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    type = shaped.getElementType();
  if (isa<quant::QuantizedType, QuantSchemeInterface>(type))
    return Domain::Quantized;
  return isa<FloatType>(type) ? Domain::Float : Domain::Integer;
}

std::pair<int64_t, int64_t> qc::getCodeLimits(IntegerType type) {
  unsigned bits = type.getWidth();
  if (type.isUnsigned())
    return {0, bits >= 63 ? INT64_MAX : (int64_t(1) << bits) - 1};
  if (bits >= 64)
    return {INT64_MIN, INT64_MAX};
  return {-(int64_t(1) << (bits - 1)), (int64_t(1) << (bits - 1)) - 1};
}

IntegerType qc::getCodeType(quant::QuantizedType type) {
  return IntegerType::get(type.getContext(), type.getStorageTypeIntegralWidth(),
                          type.isSigned() ? IntegerType::Signless : IntegerType::Unsigned);
}

Type qc::getStorageType(Type element) {
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    return getCodeType(quantized);
  auto scheme = dyn_cast<QuantSchemeInterface>(element);
  return scheme ? scheme.getCodeType() : element;
}

RankedTensorType qc::withElementType(Type type, Type elementType) {
  return RankedTensorType::get(cast<ShapedType>(type).getShape(), elementType);
}
RankedTensorType qc::withShape(Type type, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, cast<ShapedType>(type).getElementType());
}
ArrayRef<int64_t> qc::getShape(Value value) { return cast<ShapedType>(value.getType()).getShape(); }
Type qc::getElementType(Value value) { return cast<ShapedType>(value.getType()).getElementType(); }

int64_t qc::product(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

FailureOr<SmallVector<int64_t>> qc::broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b, std::string &why) {
  size_t rank = std::max(a.size(), b.size());
  SmallVector<int64_t> result(rank);
  for (size_t i = 0; i < rank; ++i) {
    int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      why = "shapes do not broadcast: sizes " + std::to_string(x) + " and " + std::to_string(y) + " in dimension -" +
            std::to_string(i + 1);
      return failure();
    }
    result[rank - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

LogicalResult qc::replaceBody(Region &region, llvm::function_ref<LogicalResult(Block &, Block &)> convert) {
  Block *old = &region.front(), *body = new Block();
  region.push_back(body);
  LogicalResult result = convert(*old, *body);
  Block *dropped = succeeded(result) ? old : body;
  dropped->dropAllReferences();
  dropped->dropAllDefinedValueUses();
  dropped->erase();
  return result;
}

StringRef qc::getLocName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = getLocName(part); !name.empty())
        return name;
  return "";
}

namespace {
/// Below this size constants print in place; above, they are blobs that the context does not unique or keep for ever.
constexpr size_t blobThreshold = 1024;

template <typename T> ElementsAttr makeBlob(RankedTensorType type, ArrayRef<T> values) {
  // No more than malloc's alignment: --verify-roundtrip reads bytecode from an ordinary string.
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      ArrayRef<char>(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)), alignof(std::max_align_t),
      /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, "qc", std::move(blob));
}

/// Bytes per element of an integer constant: sub-byte codes take a byte.
unsigned getBytes(Type type) { return llvm::PowerOf2Ceil(std::max(8u, type.getIntOrFloatBitWidth())) / 8; }

template <typename T, typename From> ElementsAttr narrowBlob(RankedTensorType type, ArrayRef<From> values) {
  if constexpr (std::is_same_v<T, From>)
    return makeBlob<T>(type, values);
  else
    return makeBlob<T>(type, SmallVector<T>(values.begin(), values.end()));
}

template <typename From> ElementsAttr makeInts(RankedTensorType type, ArrayRef<From> values) {
  auto element = cast<IntegerType>(type.getElementType());
  if (element.getWidth() > 1 && values.size() * getBytes(element) > blobThreshold)
    switch (getBytes(element)) {
    case 1:
      return narrowBlob<int8_t>(type, values);
    case 2:
      return narrowBlob<int16_t>(type, values);
    case 4:
      return narrowBlob<int32_t>(type, values);
    default:
      return narrowBlob<int64_t>(type, values);
    }
  SmallVector<APInt> ints;
  for (int64_t v : values)
    ints.push_back(APInt(element.getWidth(), uint64_t(v), /*isSigned=*/true, /*implicitTrunc=*/true));
  return DenseElementsAttr::get(type, ints);
}
} // namespace

ElementsAttr qc::makeElements(RankedTensorType type, ArrayRef<float> values) {
  if (values.size() * 4 > blobThreshold)
    return makeBlob(type, values);
  return DenseElementsAttr::get(type, values);
}

ElementsAttr qc::makeElements(RankedTensorType type, ArrayRef<int64_t> values) { return makeInts(type, values); }
ElementsAttr qc::makeElements(RankedTensorType type, ArrayRef<int32_t> values) { return makeInts(type, values); }
ElementsAttr qc::makeElements(RankedTensorType type, ArrayRef<int8_t> values) { return makeInts(type, values); }

ArrayRef<float> qc::viewFloats(ElementsAttr attr, SmallVectorImpl<float> &storage) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    ArrayRef<char> data = resource.getData();
    return ArrayRef<float>(reinterpret_cast<const float *>(data.data()), data.size() / sizeof(float));
  }
  auto values = cast<DenseElementsAttr>(attr).getValues<float>();
  storage.assign(values.begin(), values.end());
  return storage;
}

SmallVector<float> qc::getFloats(ElementsAttr attr) {
  SmallVector<float> storage;
  ArrayRef<float> values = viewFloats(attr, storage);
  return values.data() == storage.data() ? storage : SmallVector<float>(values);
}

IntView::IntView(ElementsAttr attr) {
  auto element = cast<IntegerType>(attr.getShapedType().getElementType());
  isUnsigned = element.isUnsigned();
  width = getBytes(element);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    bytes = resource.getData();
    return;
  }
  width = sizeof(int64_t);
  for (const APInt &v : cast<DenseElementsAttr>(attr).getValues<APInt>())
    storage.push_back(isUnsigned || element.getWidth() == 1 ? int64_t(v.getZExtValue()) : v.getSExtValue());
  bytes = ArrayRef(reinterpret_cast<const char *>(storage.data()), storage.size() * sizeof(int64_t));
}

SmallVector<int64_t> qc::getInts(ElementsAttr attr) {
  SmallVector<int64_t> result;
  IntView(attr).visit([&](auto values) { result.assign(values.begin(), values.end()); });
  return result;
}

ElementsAttr qc::getConstant(Value value) {
  auto op = value.getDefiningOp<ConstantOp>();
  return op ? op.getValue() : ElementsAttr();
}
