// Writing .npz files, and exact conversion of their elements.
#include "qc/Dialect/QC/Reference/Npz.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <zlib.h>

#include <cmath>
#include <cstring>

using namespace llvm;
using namespace qc;

static Error failure(const Twine &what) { return createStringError(inconvertibleErrorCode(), what); }

//===-- Conversion ----------------------------------------------------------------------------------------------------------===//

namespace {
template <typename T> T load(const char *data, size_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return value;
}

double halfToDouble(uint16_t bits) {
  bool lossless;
  APFloat value(APFloat::IEEEhalf(), APInt(16, bits));
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossless);
  return value.convertToDouble();
}

/// Calls `f(element)` with each element as double, int64_t or uint64_t, whichever holds it exactly, until it fails.
template <typename F> Error forEachElement(StringRef dtype, const char *data, size_t count, F f) {
  for (size_t i = 0; i < count; ++i) {
    Error error = dtype == "f4"                    ? f(double(load<float>(data, i)))
                  : dtype == "f8"                  ? f(load<double>(data, i))
                  : dtype == "f2"                  ? f(halfToDouble(load<uint16_t>(data, i)))
                  : dtype == "i1"                  ? f(int64_t(load<int8_t>(data, i)))
                  : dtype == "i2"                  ? f(int64_t(load<int16_t>(data, i)))
                  : dtype == "i4"                  ? f(int64_t(load<int32_t>(data, i)))
                  : dtype == "i8"                  ? f(load<int64_t>(data, i))
                  : dtype == "u1" || dtype == "b1" ? f(int64_t(load<uint8_t>(data, i)))
                  : dtype == "u2"                  ? f(int64_t(load<uint16_t>(data, i)))
                  : dtype == "u4"                  ? f(int64_t(load<uint32_t>(data, i)))
                  : dtype == "u8"                  ? f(load<uint64_t>(data, i))
                                                   : failure("type '" + dtype + "' is unknown");
    if (error)
      return error;
  }
  return Error::success();
}

std::string toText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}
std::string toText(int64_t value) { return std::to_string(value); }
std::string toText(uint64_t value) { return std::to_string(value); }
} // namespace

Error qc::convertToFloat(StringRef dtype, const char *data, size_t count, float *out, StringRef what) {
  if (dtype == "f4") {
    std::memcpy(out, data, count * sizeof(float));
    return Error::success();
  }
  return forEachElement(dtype, data, count, [&](auto value) -> Error {
    float narrow = float(value);
    // 2^64 and beyond cannot be compared as an integer; no integer that rounds to them is exact anyway.
    bool exact = std::is_same_v<decltype(value), double> ? double(narrow) == double(value) || value != value
                 : std::fabs(narrow) < 0x1p63f           ? decltype(value)(narrow) == value
                                                         : std::is_signed_v<decltype(value)> && int64_t(value) == INT64_MIN;
    if (!exact)
      return failure(what + ": " + toText(value) + " is not exact in f32; convert the array to float32 first");
    *out++ = narrow;
    return Error::success();
  });
}

Error qc::convertToInt(StringRef dtype, const char *data, size_t count, int64_t low, int64_t high, int64_t *out, StringRef what) {
  return forEachElement(dtype, data, count, [&](auto value) -> Error {
    bool fits;
    if constexpr (std::is_same_v<decltype(value), double>)
      fits = std::trunc(value) == value && std::fabs(value) < 0x1p63 && int64_t(value) >= low && int64_t(value) <= high;
    else if constexpr (std::is_same_v<decltype(value), uint64_t>)
      fits = value <= uint64_t(INT64_MAX) && int64_t(value) >= low && int64_t(value) <= high;
    else
      fits = value >= low && value <= high;
    if (!fits)
      return failure(what + ": " + toText(value) + " is not an integer in [" + Twine(low) + ", " + Twine(high) + "]");
    *out++ = int64_t(value);
    return Error::success();
  });
}

//===-- Writing -------------------------------------------------------------------------------------------------------------===//

namespace {
/// numpy's version 1 header, padded to 64 bytes.
std::string makeHeader(const NpzArray &array) {
  std::string text =
      "{'descr': '" + std::string(array.elementBytes() == 1 ? "|" : "<") + array.dtype + "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < array.shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(array.shape[i]);
  text += array.shape.size() == 1 ? ",), }" : "), }";
  size_t total = alignTo(10 + text.size() + 1, 64);
  text.append(total - 10 - text.size() - 1, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += char(text.size() & 255);
  header += char(text.size() >> 8);
  return header + text;
}

struct Written {
  std::string name;
  uint32_t crc;
  uint64_t size, offset;
};

class Writer {
public:
  explicit Writer(raw_ostream &os) : os(os), out(os, llvm::endianness::little) {}

  void add(const std::string &name, const NpzArray &array) {
    std::string header = makeHeader(array);
    uLong crc = crc32(0, reinterpret_cast<const Bytef *>(header.data()), uInt(header.size()));
    for (size_t done = 0; done < array.data.size();) {
      size_t part = std::min<size_t>(array.data.size() - done, 1u << 30);
      crc = crc32(crc, reinterpret_cast<const Bytef *>(array.data.data() + done), uInt(part));
      done += part;
    }
    Written entry{name + ".npy", uint32_t(crc), header.size() + array.data.size(), os.tell()};
    bool large = entry.size >= 0xffffffff;
    out.write<uint32_t>(0x04034b50);
    fixedFields(entry, large);
    out.write<uint16_t>(large ? 20 : 0);
    os << entry.name;
    if (large) {
      out.write<uint16_t>(1);
      out.write<uint16_t>(16);
      out.write<uint64_t>(entry.size);
      out.write<uint64_t>(entry.size);
    }
    os << header;
    os.write(array.data.data(), array.data.size());
    entries.push_back(std::move(entry));
  }

  void finish() {
    uint64_t start = os.tell();
    for (const Written &entry : entries) {
      bool large = entry.size >= 0xffffffff, far = entry.offset >= 0xffffffff;
      size_t extra = large * 16 + far * 8;
      out.write<uint32_t>(0x02014b50);
      out.write<uint16_t>(45);
      fixedFields(entry, large);
      out.write<uint16_t>(extra ? extra + 4 : 0);
      out.write<uint16_t>(0); // comment
      out.write<uint16_t>(0); // disk
      out.write<uint16_t>(0); // internal attributes
      out.write<uint32_t>(0); // external attributes
      out.write<uint32_t>(far ? 0xffffffff : entry.offset);
      os << entry.name;
      if (extra) {
        out.write<uint16_t>(1);
        out.write<uint16_t>(extra);
      }
      if (large) {
        out.write<uint64_t>(entry.size);
        out.write<uint64_t>(entry.size);
      }
      if (far)
        out.write<uint64_t>(entry.offset);
    }
    uint64_t end = os.tell(), size = end - start, count = entries.size();
    bool large = start >= 0xffffffff || size >= 0xffffffff || count >= 0xffff;
    if (large) {
      out.write<uint32_t>(0x06064b50);
      out.write<uint64_t>(44);
      out.write<uint16_t>(45);
      out.write<uint16_t>(45);
      out.write<uint64_t>(0); // two disk numbers
      out.write<uint64_t>(count);
      out.write<uint64_t>(count);
      out.write<uint64_t>(size);
      out.write<uint64_t>(start);
      out.write<uint32_t>(0x07064b50);
      out.write<uint32_t>(0);
      out.write<uint64_t>(end);
      out.write<uint32_t>(1);
    }
    out.write<uint32_t>(0x06054b50);
    out.write<uint32_t>(0); // two disk numbers
    out.write<uint16_t>(large ? 0xffff : count);
    out.write<uint16_t>(large ? 0xffff : count);
    out.write<uint32_t>(large ? 0xffffffff : size);
    out.write<uint32_t>(large ? 0xffffffff : start);
    out.write<uint16_t>(0);
  }

private:
  /// What a local and a directory header share, up to the length of the name.
  void fixedFields(const Written &entry, bool large) {
    out.write<uint16_t>(large ? 45 : 20);
    out.write<uint16_t>(0);      // flags
    out.write<uint16_t>(0);      // stored
    out.write<uint16_t>(0);      // time
    out.write<uint16_t>(0x0021); // 1980-01-01
    out.write<uint32_t>(entry.crc);
    out.write<uint32_t>(large ? 0xffffffff : entry.size);
    out.write<uint32_t>(large ? 0xffffffff : entry.size);
    out.write<uint16_t>(entry.name.size());
  }

  raw_ostream &os;
  support::endian::Writer out;
  std::vector<Written> entries;
};
} // namespace

Error qc::writeNpz(StringRef path, const std::map<std::string, NpzArray> &arrays) {
  for (auto &[name, array] : arrays) {
    if (array.data.size() != uint64_t(array.elements()) * array.elementBytes())
      return failure(path + ": array '" + name + "' has " + Twine(array.data.size()) + " bytes, which is not its shape");
    if (name.size() > 65000)
      return failure(path + ": an array's name is longer than 65000 bytes");
  }
  if (sys::fs::exists(path) && !sys::fs::is_regular_file(path))
    return failure(path + ": is not a regular file");
  auto temp = sys::fs::TempFile::create(path + ".%%%%%%%%.tmp", sys::fs::all_read | sys::fs::all_write);
  if (!temp)
    return createFileError(path, temp.takeError());
  std::error_code code;
  {
    raw_fd_ostream os(temp->FD, /*shouldClose=*/false);
    Writer writer(os);
    for (auto &[name, array] : arrays)
      writer.add(name, array);
    writer.finish();
    os.flush();
    code = os.error();
    os.clear_error();
  }
  if (code)
    return joinErrors(createFileError(path, code), temp->discard());
  if (Error error = temp->keep(path))
    return createFileError(path, std::move(error));
  return Error::success();
}
