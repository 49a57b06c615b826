// Initializers: element types, packed and typed fields, external data.
#include "Importer.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <cstring>

using namespace mlir;

namespace qc::onnximport {
namespace {
/// TensorProto.DataType. Plain numbers: 17 and above are newer than the schema that Debian's library has.
enum DataType {
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26
};

float fromHalf(uint16_t bits, const llvm::fltSemantics &semantics) {
  llvm::APFloat value(semantics, APInt(16, bits));
  bool inexact;
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &inexact);
  return value.convertToFloat();
}

/// Bits of an element as stored; several narrow ones share a byte.
int64_t storedBits(int32_t dataType) {
  switch (dataType) {
  case UInt2:
  case Int2:
    return 2;
  case UInt4:
  case Int4:
    return 4;
  case UInt8:
  case Int8:
  case Bool:
    return 8;
  case UInt16:
  case Int16:
  case Float16:
  case BFloat16:
    return 16;
  case UInt32:
  case Int32:
  case Float:
    return 32;
  default:
    return 64;
  }
}

template <typename T> T read(const char *data, int64_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return value;
}

/// One element of raw data (little endian, as the host).
void decodeRaw(int32_t dataType, const char *data, int64_t i, Host &host) {
  switch (dataType) {
  case Float:
    host.floats[i] = read<float>(data, i);
    break;
  case Double:
    host.floats[i] = float(read<double>(data, i));
    break;
  case Float16:
    host.floats[i] = fromHalf(read<uint16_t>(data, i), llvm::APFloat::IEEEhalf());
    break;
  case BFloat16:
    host.floats[i] = fromHalf(read<uint16_t>(data, i), llvm::APFloat::BFloat());
    break;
  case UInt8:
    host.ints[i] = read<uint8_t>(data, i);
    break;
  case Int8:
    host.ints[i] = read<int8_t>(data, i);
    break;
  case Bool:
    host.ints[i] = read<uint8_t>(data, i) != 0;
    break;
  case UInt16:
    host.ints[i] = read<uint16_t>(data, i);
    break;
  case Int16:
    host.ints[i] = read<int16_t>(data, i);
    break;
  case UInt32:
    host.ints[i] = read<uint32_t>(data, i);
    break;
  case Int32:
    host.ints[i] = read<int32_t>(data, i);
    break;
  case UInt64:
    host.ints[i] = int64_t(read<uint64_t>(data, i));
    break;
  case Int64:
    host.ints[i] = read<int64_t>(data, i);
    break;
  case UInt2:
  case Int2:
  case UInt4:
  case Int4: {
    // The first of those that share a byte lies in its lowest bits.
    int64_t bits = storedBits(dataType), perByte = 8 / bits;
    int64_t code = (uint8_t(data[i / perByte]) >> (i % perByte * bits)) & ((1 << bits) - 1);
    bool isSigned = dataType == Int4 || dataType == Int2;
    host.ints[i] = isSigned && code >> (bits - 1) ? code - (1 << bits) : code;
    break;
  }
  }
}

/// One element of a typed field, as the schema says which field holds which type.
LogicalResult decodeTyped(const onnx::TensorProto &tensor, int64_t count, Host &host, std::string &why) {
  int32_t dataType = tensor.data_type();
  auto sized = [&](int64_t size, int64_t expected, const char *field) {
    if (size == expected)
      return true;
    why = "has " + std::to_string(size) + " elements in '" + field + "', its dimensions need " + std::to_string(expected);
    return false;
  };
  switch (dataType) {
  case Float:
    if (!sized(tensor.float_data_size(), count, "float_data"))
      return failure();
    host.floats.assign(tensor.float_data().begin(), tensor.float_data().end());
    return success();
  case Double:
    if (!sized(tensor.double_data_size(), count, "double_data"))
      return failure();
    host.floats.assign(tensor.double_data().begin(), tensor.double_data().end());
    return success();
  case Int64:
    if (!sized(tensor.int64_data_size(), count, "int64_data"))
      return failure();
    host.ints.assign(tensor.int64_data().begin(), tensor.int64_data().end());
    return success();
  case UInt32:
  case UInt64:
    if (!sized(tensor.uint64_data_size(), count, "uint64_data"))
      return failure();
    host.ints.assign(tensor.uint64_data().begin(), tensor.uint64_data().end());
    return success();
  default:
    break;
  }
  int64_t bits = storedBits(dataType), perWord = bits < 8 ? 8 / bits : 1;
  if (!sized(tensor.int32_data_size(), (count + perWord - 1) / perWord, "int32_data"))
    return failure();
  // Narrow types lie in int32 elements whose low bits are the raw bytes.
  for (int64_t i = 0; i < count; ++i) {
    uint32_t word = uint32_t(tensor.int32_data(i / perWord));
    if (perWord > 1)
      word = (word & 255) >> (i % perWord * bits);
    char bytes[4];
    std::memcpy(bytes, &word, sizeof(bytes));
    Host one;
    one.floats.resize(1);
    one.ints.resize(1);
    decodeRaw(dataType, bytes, 0, one);
    if (host.isFloat())
      host.floats[i] = one.floats[0];
    else
      host.ints[i] = one.ints[0];
  }
  return success();
}

/// Maps the part of a file beside the model that holds a tensor.
FailureOr<std::unique_ptr<llvm::MemoryBuffer>> openExternal(const onnx::TensorProto &tensor, StringRef folder, int64_t bytes,
                                                            std::string &why) {
  std::string location;
  int64_t offset = 0, length = -1;
  for (const auto &entry : tensor.external_data()) {
    bool bad = false;
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset")
      bad = StringRef(entry.value()).getAsInteger(10, offset) || offset < 0;
    else if (entry.key() == "length")
      bad = StringRef(entry.value()).getAsInteger(10, length) || length < 0;
    if (bad) {
      why = "has external data with the " + entry.key() + " '" + entry.value() + "', which is not a size";
      return failure();
    }
  }
  auto refuse = [&](const Twine &reason) {
    why = ("has external data in '" + location + "', " + reason).str();
    return failure();
  };
  if (location.empty())
    return refuse("but no location");
  if (folder.empty())
    return refuse("but the model does not come from a folder");
  if (llvm::sys::path::is_absolute(location))
    return refuse("an absolute path; it must lie in the model's folder");
  for (auto it = llvm::sys::path::begin(location), end = llvm::sys::path::end(location); it != end; ++it)
    if (*it == "..")
      return refuse("a path with '..'; it must lie in the model's folder");
  SmallString<256> path(folder), realFolder, realPath;
  llvm::sys::path::append(path, location);
  if (std::error_code code = llvm::sys::fs::real_path(folder, realFolder))
    return refuse("whose folder cannot be read: " + code.message());
  if (std::error_code code = llvm::sys::fs::real_path(path, realPath))
    return refuse("which cannot be read: " + code.message());
  if (!realFolder.ends_with("/"))
    realFolder += '/';
  if (!realPath.starts_with(realFolder))
    return refuse("a link out of the model's folder");
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::status(realPath, status) || status.type() != llvm::sys::fs::file_type::regular_file)
    return refuse("which is not a regular file");
  if (length >= 0 && length != bytes)
    return refuse("with length " + Twine(length) + ", but its dimensions need " + Twine(bytes) + " bytes");
  if (uint64_t(offset) > status.getSize() || uint64_t(bytes) > status.getSize() - uint64_t(offset))
    return refuse("which is too short: " + Twine(bytes) + " bytes at offset " + Twine(offset) + " are needed, the file has " +
                  Twine(status.getSize()));
  auto buffer = llvm::MemoryBuffer::getFileSlice(realPath, bytes, offset);
  if (!buffer)
    return refuse("which cannot be read: " + buffer.getError().message());
  return std::move(*buffer);
}
} // namespace

int64_t countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t size : shape) {
    if (size < 0)
      return -1;
    if (size == 0) {
      empty = true;
      continue;
    }
    if (count > maxElements / size)
      return -1;
    count *= size;
  }
  return empty ? 0 : count;
}

std::string toString(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "[";
  llvm::interleaveComma(shape, stream);
  stream << "]";
  return text;
}

std::string toString(Type type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << type;
  return text;
}

Type getElementType(int32_t dataType, MLIRContext *context, std::string &why) {
  auto integer = [&](unsigned bits, bool isUnsigned = false) {
    return IntegerType::get(context, bits, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
  };
  switch (dataType) {
  case Float:
  case Double:
  case Float16:
  case BFloat16:
    return Float32Type::get(context);
  case UInt8:
    return integer(8, true);
  case Int8:
    return integer(8);
  case UInt16:
    return integer(16, true);
  case Int16:
    return integer(16);
  case UInt32:
    return integer(32, true);
  case Int32:
    return integer(32);
  case UInt64:
    return integer(64, true);
  case Int64:
    return integer(64);
  case UInt4:
    return integer(4, true);
  case Int4:
    return integer(4);
  case UInt2:
    return integer(2, true);
  case Int2:
    return integer(2);
  case Bool:
    return integer(1);
  case 0:
    why = "no element type";
    return {};
  case String:
    why = "element type string, which is not supported";
    return {};
  case Complex64:
  case Complex128:
    why = "a complex element type, which is not supported";
    return {};
  default:
    if ((dataType >= Float8E4M3FN && dataType <= Float8E5M2FNUZ) || dataType == Float8E8M0)
      why = "an 8-bit floating-point element type, which is not supported";
    else if (dataType == Float4E2M1)
      why = "a 4-bit floating-point element type, which is not supported";
    else
      why = "element type " + std::to_string(dataType) + ", which ONNX does not define";
    return {};
  }
}

FailureOr<HostRef> decodeTensor(const onnx::TensorProto &tensor, StringRef folder, MLIRContext *context, std::string &why) {
  std::string reason;
  auto host = std::make_shared<Host>();
  host->element = getElementType(tensor.data_type(), context, reason);
  if (!host->element) {
    why = "has " + reason;
    return failure();
  }
  host->shape.assign(tensor.dims().begin(), tensor.dims().end());
  int64_t count = countElements(host->shape);
  if (count < 0) {
    why = "has the dimensions " + toString(host->shape) + "; they must not be negative nor have more than 2^31 elements";
    return failure();
  }
  if (tensor.has_segment()) {
    why = "is stored in segments, which is not supported";
    return failure();
  }
  int64_t bytes = (count * storedBits(tensor.data_type()) + 7) / 8;
  bool isExternal = tensor.data_location() == onnx::TensorProto_DataLocation_EXTERNAL;
  // Sizes are compared before memory is taken, so that a lying header costs nothing.
  std::unique_ptr<llvm::MemoryBuffer> external;
  const char *raw = nullptr;
  if (isExternal) {
    auto opened = openExternal(tensor, folder, bytes, why);
    if (failed(opened))
      return failure();
    external = std::move(*opened);
    raw = external->getBufferStart();
  } else if (tensor.has_raw_data()) {
    if (int64_t(tensor.raw_data().size()) != bytes) {
      why = "has " + std::to_string(tensor.raw_data().size()) + " bytes, its dimensions " + toString(host->shape) + " need " +
            std::to_string(bytes);
      return failure();
    }
    raw = tensor.raw_data().data();
  } else if (count > 0 && tensor.float_data_size() + tensor.int32_data_size() + tensor.int64_data_size() +
                                  tensor.double_data_size() + tensor.uint64_data_size() ==
                              0) {
    why = "has no data, its dimensions " + toString(host->shape) + " need " + std::to_string(count) + " elements";
    return failure();
  } else if (count > 4 * (int64_t(tensor.float_data_size()) + tensor.int32_data_size() + tensor.int64_data_size() +
                          tensor.double_data_size() + tensor.uint64_data_size())) {
    why = "has fewer elements than its dimensions " + toString(host->shape) + " need";
    return failure();
  }
  if (host->isFloat())
    host->floats.resize(count);
  else
    host->ints.resize(count);
  if (raw)
    for (int64_t i = 0; i < count; ++i)
      decodeRaw(tensor.data_type(), raw, i, *host);
  else if (failed(decodeTyped(tensor, count, *host, why)))
    return failure();

  for (int64_t i = 0; i < int64_t(host->floats.size()); ++i) {
    float value = host->floats[i];
    // A single infinity is a limit (of a Clip, a Pad), not a weight.
    if (std::isnan(value) || (std::isinf(value) && count > 1)) {
      why = std::string("holds ") + (std::isnan(value) ? "NaN" : "an infinity (or a number beyond f32)") + " at element " +
            std::to_string(i);
      return failure();
    }
  }
  if (tensor.data_type() == UInt64 && llvm::any_of(host->ints, [](int64_t v) { return v < 0; })) {
    why = "holds a number beyond 2^63";
    return failure();
  }
  return HostRef(host);
}
} // namespace qc::onnximport
