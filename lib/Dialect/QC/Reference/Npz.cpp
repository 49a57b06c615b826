// Reading .npz files: the zip directory, stored and deflated entries, .npy headers. Nothing in a file is trusted.
#include "qc/Dialect/QC/Reference/Npz.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

using namespace llvm;
using namespace qc;

namespace {
namespace le = llvm::support::endian;

constexpr size_t chunkBytes = 65536;
/// A header beyond this is no header: numpy's are below 200 bytes, and one of its own readers refuses more than 10,000.
constexpr uint64_t maxHeaderBytes = 65536;

Error failure(const Twine &what) { return createStringError(inconvertibleErrorCode(), what); }

/// Text out of a file, fit for a message.
std::string readable(StringRef text) {
  std::string result;
  raw_string_ostream os(result);
  printEscapedString(text, os);
  return result;
}

/// One entry of the zip's central directory.
struct Entry {
  uint16_t flags = 0, method = 0;
  uint32_t crc = 0;
  uint64_t compressed = 0, size = 0, offset = 0;
};

/// A file with random access that says where it stops being readable.
struct File {
  std::string path;
  sys::fs::file_t handle = sys::fs::kInvalidFile;
  uint64_t size = 0;

  ~File() {
    if (handle != sys::fs::kInvalidFile)
      (void)sys::fs::closeFile(handle);
  }
  Error read(uint64_t offset, MutableArrayRef<char> bytes) const {
    if (offset > size || bytes.size() > size - offset)
      return failure(path + ": truncated: needs " + Twine(bytes.size()) + " bytes at " + Twine(offset) + ", file has " +
                     Twine(size));
    while (!bytes.empty()) {
      auto count = sys::fs::readNativeFileSlice(handle, bytes, offset);
      if (!count)
        return createFileError(path, count.takeError());
      if (*count == 0)
        return failure(path + ": truncated");
      bytes = bytes.drop_front(*count);
      offset += *count;
    }
    return Error::success();
  }
};
} // namespace

size_t NpzArray::elementBytes() const { return dtype.size() == 2 ? dtype[1] - '0' : 1; }
int64_t NpzArray::elements() const {
  int64_t count = 1;
  for (int64_t d : shape)
    count *= d;
  return count;
}
int64_t NpzArray::sampleElements() const {
  int64_t count = 1;
  for (size_t i = 1; i < shape.size(); ++i)
    count *= shape[i];
  return count;
}

//===-- The zip directory ---------------------------------------------------------------------------------------------------===//

namespace {
class EntryStream;
}

struct NpzFile::Impl {
  File file;
  std::map<std::string, Entry> entries;

  Error readDirectory();
  Error parseDirectory(ArrayRef<char> bytes, uint64_t count);
  Expected<const Entry *> find(StringRef name) const;
  /// Opens an entry and reads its header.
  Expected<std::unique_ptr<EntryStream>> openEntry(StringRef name, NpzArray &header) const;
};

Error NpzFile::Impl::readDirectory() {
  // The end record lies in the last 22 bytes, or further up if a comment follows it.
  constexpr uint64_t endBytes = 22, locatorBytes = 20, end64Bytes = 56;
  uint64_t tailBytes = std::min<uint64_t>(file.size, endBytes + 65535);
  std::vector<char> tail(tailBytes);
  if (Error error = file.read(file.size - tailBytes, tail))
    return error;
  int64_t at = int64_t(tailBytes) - int64_t(endBytes);
  while (at >= 0 && le::read32le(&tail[at]) != 0x06054b50)
    --at;
  if (at < 0)
    return failure(file.path + ": not an .npz file (no zip directory)");
  uint64_t endAt = file.size - tailBytes + at;
  uint64_t count = le::read16le(&tail[at + 10]), size = le::read32le(&tail[at + 12]), offset = le::read32le(&tail[at + 16]);
  if (count == 0xffff || size == 0xffffffff || offset == 0xffffffff) {
    char locator[locatorBytes], end64[end64Bytes];
    if (endAt < locatorBytes)
      return failure(file.path + ": zip64 locator is missing");
    if (Error error = file.read(endAt - locatorBytes, locator))
      return error;
    if (le::read32le(locator) != 0x07064b50)
      return failure(file.path + ": zip64 locator is missing");
    if (Error error = file.read(le::read64le(locator + 8), end64))
      return error;
    if (le::read32le(end64) != 0x06064b50)
      return failure(file.path + ": zip64 directory is missing");
    count = le::read64le(end64 + 32);
    size = le::read64le(end64 + 40);
    offset = le::read64le(end64 + 48);
  }
  if (offset > file.size || size > file.size - offset)
    return failure(file.path + ": zip directory lies outside the file");
  std::vector<char> directory(size);
  if (Error error = file.read(offset, directory))
    return error;
  return parseDirectory(directory, count);
}

Error NpzFile::Impl::parseDirectory(ArrayRef<char> bytes, uint64_t count) {
  constexpr size_t fixed = 46;
  for (uint64_t i = 0; i < count; ++i) {
    if (bytes.size() < fixed || le::read32le(bytes.data()) != 0x02014b50)
      return failure(file.path + ": zip directory is damaged at entry " + Twine(i));
    const char *p = bytes.data();
    Entry entry;
    entry.flags = le::read16le(p + 8);
    entry.method = le::read16le(p + 10);
    entry.crc = le::read32le(p + 16);
    entry.compressed = le::read32le(p + 20);
    entry.size = le::read32le(p + 24);
    entry.offset = le::read32le(p + 42);
    size_t nameBytes = le::read16le(p + 28), extraBytes = le::read16le(p + 30), commentBytes = le::read16le(p + 32);
    if (bytes.size() - fixed < nameBytes + extraBytes + commentBytes)
      return failure(file.path + ": zip directory is damaged at entry " + Twine(i));
    StringRef name(p + fixed, nameBytes);
    ArrayRef<char> extra(p + fixed + nameBytes, extraBytes);
    // zip64: the fields that hold all ones are found in this extra field, in this order.
    while (extra.size() >= 4) {
      size_t id = le::read16le(extra.data()), length = le::read16le(extra.data() + 2);
      ArrayRef<char> body = extra.drop_front(4);
      if (length > body.size())
        break;
      extra = body.drop_front(length);
      body = body.take_front(length);
      if (id != 1)
        continue;
      for (uint64_t *field : {&entry.size, &entry.compressed, &entry.offset})
        if (*field == 0xffffffff) {
          if (body.size() < 8)
            return failure(file.path + ": zip64 sizes are missing at '" + readable(name) + "'");
          *field = le::read64le(body.data());
          body = body.drop_front(8);
        }
    }
    name.consume_back(".npy");
    if (!entries.try_emplace(name.str(), entry).second)
      return failure(file.path + ": two arrays are named '" + readable(name) + "'");
    bytes = bytes.drop_front(fixed + nameBytes + extraBytes + commentBytes);
  }
  return Error::success();
}

Expected<const Entry *> NpzFile::Impl::find(StringRef name) const {
  auto it = entries.find(name.str());
  if (it != entries.end())
    return &it->second;
  std::string known;
  for (auto &[other, entry] : entries)
    known += (known.empty() ? "" : ", ") + readable(other);
  return failure(file.path + ": no array is named '" + name + "'; it has " + (known.empty() ? "none" : known));
}

//===-- Entries as streams --------------------------------------------------------------------------------------------------===//

namespace {
/// The uncompressed bytes of an entry, in order; the checksum is compared when the last one was read.
class EntryStream {
public:
  EntryStream(const File &file, const Entry &entry, StringRef name)
      : file(file), entry(entry), where((file.path + ": array '" + name + "': ").str()) {}
  ~EntryStream() {
    if (inflating)
      inflateEnd(&zlib);
  }

  Error open() {
    if (entry.flags & 1)
      return failure(where + "is encrypted");
    if (entry.method != 0 && entry.method != 8)
      return failure(where + "is compressed by method " + Twine(entry.method) + "; only stored and deflated entries can be read");
    char local[30];
    if (Error error = file.read(entry.offset, local))
      return error;
    if (le::read32le(local) != 0x04034b50)
      return failure(where + "zip header is damaged");
    // Sizes come from the directory: here they may be absent (data descriptor) or in a zip64 field.
    position = entry.offset + 30 + le::read16le(local + 26) + le::read16le(local + 28);
    if (position > file.size || entry.compressed > file.size - position)
      return failure(where + "truncated: needs " + Twine(entry.compressed) + " bytes, the file ends before");
    packedLeft = entry.compressed;
    unpackedLeft = entry.size;
    if (entry.method == 0 && entry.compressed != entry.size)
      return failure(where + "stored size differs from size");
    // Deflate cannot shrink by more than 1032 to 1: a larger claim would only make readers allocate in vain.
    if (entry.method == 8 && entry.size / 1032 > entry.compressed + 64)
      return failure(where + "claims " + Twine(entry.size) + " bytes, more than its data can hold");
    if (entry.method == 8) {
      if (inflateInit2(&zlib, -MAX_WBITS) != Z_OK)
        return failure(where + "no memory to decompress");
      inflating = true;
    }
    return Error::success();
  }

  uint64_t left() const { return unpackedLeft; }
  const std::string &prefix() const { return where; }

  Error read(MutableArrayRef<char> bytes) {
    if (bytes.size() > unpackedLeft)
      return failure(where + "truncated: " + Twine(bytes.size() - unpackedLeft) + " bytes are missing");
    MutableArrayRef<char> all = bytes;
    while (!bytes.empty()) {
      size_t got = 0;
      if (Error error = inflating ? inflateSome(bytes, got) : copySome(bytes, got))
        return error;
      bytes = bytes.drop_front(got);
    }
    for (size_t done = 0; done < all.size();) {
      size_t part = std::min<size_t>(all.size() - done, 1u << 30);
      crc = crc32(crc, reinterpret_cast<const Bytef *>(all.data() + done), uInt(part));
      done += part;
    }
    unpackedLeft -= all.size();
    if (unpackedLeft == 0 && crc != entry.crc)
      return failure(where + "checksum does not match: the file is damaged");
    return Error::success();
  }

private:
  Error copySome(MutableArrayRef<char> bytes, size_t &got) {
    got = bytes.size();
    Error error = file.read(position, bytes);
    position += got;
    return error;
  }
  Error inflateSome(MutableArrayRef<char> bytes, size_t &got) {
    if (zlib.avail_in == 0 && packedLeft) {
      packed.resize(std::min<uint64_t>(packedLeft, chunkBytes));
      if (Error error = file.read(position, packed))
        return error;
      position += packed.size();
      packedLeft -= packed.size();
      zlib.next_in = reinterpret_cast<Bytef *>(packed.data());
      zlib.avail_in = packed.size();
    }
    size_t room = std::min<size_t>(bytes.size(), 1u << 30);
    zlib.next_out = reinterpret_cast<Bytef *>(bytes.data());
    zlib.avail_out = room;
    int status = inflate(&zlib, Z_NO_FLUSH);
    got = room - zlib.avail_out;
    bool finished = status == Z_STREAM_END || (status == Z_BUF_ERROR && packedLeft == 0);
    if ((status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) || (finished && got == 0))
      return failure(where + "compressed data is damaged");
    return Error::success();
  }

  const File &file;
  Entry entry;
  std::string where;
  z_stream zlib = {};
  bool inflating = false;
  std::vector<char> packed;
  uint64_t position = 0, packedLeft = 0, unpackedLeft = 0;
  uint32_t crc = 0;
};

//===-- .npy headers --------------------------------------------------------------------------------------------------------===//

/// The text after `'key':` of a header dictionary.
std::optional<StringRef> dictionaryValue(StringRef header, StringRef key) {
  for (char quote : {'\'', '"'}) {
    std::string quoted = (Twine(quote) + key + Twine(quote)).str();
    if (size_t at = header.find(quoted); at != StringRef::npos) {
      StringRef rest = header.drop_front(at + quoted.size()).ltrim();
      if (rest.consume_front(":"))
        return rest.ltrim();
    }
  }
  return std::nullopt;
}

/// Reads magic, version and dictionary; the stream then stands at the first element.
Expected<NpzArray> readHeader(EntryStream &stream) {
  const std::string &where = stream.prefix();
  char magic[8];
  if (stream.left() < sizeof(magic))
    return failure(where + "is no .npy array (too short)");
  if (Error error = stream.read(magic))
    return std::move(error);
  if (std::memcmp(magic, "\x93NUMPY", 6) != 0)
    return failure(where + "is no .npy array (wrong magic)");
  int version = uint8_t(magic[6]);
  if (version < 1 || version > 3)
    return failure(where + ".npy version " + Twine(version) + " is unknown");
  char length[4] = {};
  if (Error error = stream.read(MutableArrayRef<char>(length, version == 1 ? 2 : 4)))
    return std::move(error);
  uint64_t bytes = le::read32le(length);
  if (bytes > maxHeaderBytes || bytes > stream.left())
    return failure(where + "header of " + Twine(bytes) + " bytes is not plausible");
  std::string text(bytes, '\0');
  if (Error error = stream.read(MutableArrayRef<char>(text.data(), bytes)))
    return std::move(error);

  auto descr = dictionaryValue(text, "descr"), order = dictionaryValue(text, "fortran_order"),
       shape = dictionaryValue(text, "shape");
  if (!descr || !order || !shape)
    return failure(where + "header lacks descr, fortran_order or shape");
  NpzArray array;
  StringRef type = *descr;
  char quote = type.empty() ? 0 : type.front();
  if (quote != '\'' && quote != '"')
    return failure(where + "structured types cannot be read");
  type = type.drop_front().take_until([&](char c) { return c == quote; });
  StringRef full = type;
  bool bigEndian = type.consume_front(">");
  if (!bigEndian && !type.consume_front("<") && !type.consume_front("|"))
    type.consume_front("=");
  static const StringRef known[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
  if (!is_contained(known, type))
    return failure(where + "type '" + readable(full) + "' cannot be read; f2 f4 f8 i1..i8 u1..u8 b1 can");
  array.dtype = type.str();
  if (bigEndian && array.elementBytes() > 1)
    return failure(where + "is big-endian; store it little-endian");

  StringRef list = *shape;
  if (!list.consume_front("("))
    return failure(where + "shape is no tuple");
  uint64_t total = array.elementBytes();
  for (list = list.ltrim(); !list.consume_front(")"); list = list.ltrim()) {
    int64_t size;
    if (list.consumeInteger(10, size) || size < 0)
      return failure(where + "shape is damaged");
    list.consume_front("L"); // Python 2 wrote long integers so
    list = list.ltrim();
    if (!list.consume_front(",") && !list.starts_with(")"))
      return failure(where + "shape is damaged");
    if (size && total > std::numeric_limits<int64_t>::max() / uint64_t(size))
      return failure(where + "shape overflows");
    total *= uint64_t(size);
    array.shape.push_back(size);
    if (array.shape.size() > 32)
      return failure(where + "has more than 32 dimensions");
  }
  if (order->starts_with("True") && count_if(array.shape, [](int64_t d) { return d != 1; }) > 1)
    return failure(where + "is in Fortran order; store it in C order (numpy.ascontiguousarray)");
  if (total != stream.left())
    return failure(where + "shape needs " + Twine(total) + " bytes, but " + Twine(stream.left()) + " follow");
  return array;
}

class SampleReader : public NpzFile::Reader {
public:
  SampleReader(std::unique_ptr<EntryStream> stream, const NpzArray &header)
      : stream(std::move(stream)), samples(header.shape.empty() ? 1 : header.shape[0]),
        sampleBytes(header.sampleElements() * header.elementBytes()) {}
  Error next(std::vector<char> &bytes) override {
    if (taken == samples)
      return failure(stream->prefix() + "has only " + Twine(samples) + " samples");
    ++taken;
    bytes.resize(sampleBytes);
    return stream->read(bytes);
  }

private:
  std::unique_ptr<EntryStream> stream;
  int64_t samples, sampleBytes, taken = 0;
};
} // namespace

Expected<std::unique_ptr<EntryStream>> NpzFile::Impl::openEntry(StringRef name, NpzArray &header) const {
  auto entry = find(name);
  if (!entry)
    return entry.takeError();
  auto stream = std::make_unique<EntryStream>(file, **entry, name);
  if (Error error = stream->open())
    return std::move(error);
  auto read = readHeader(*stream);
  if (!read)
    return read.takeError();
  header = std::move(*read);
  return stream;
}

//===-- NpzFile -------------------------------------------------------------------------------------------------------------===//

NpzFile::~NpzFile() = default;

Expected<std::unique_ptr<NpzFile>> NpzFile::open(StringRef path) {
  std::unique_ptr<NpzFile> npz(new NpzFile);
  npz->impl = std::make_unique<Impl>();
  File &file = npz->impl->file;
  file.path = path.str();
  auto handle = sys::fs::openNativeFileForRead(path);
  if (!handle)
    return createFileError(path, handle.takeError());
  file.handle = *handle;
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(file.handle, status))
    return createFileError(path, code);
  if (!sys::fs::is_regular_file(status))
    return failure(path + ": is not a file");
  file.size = status.getSize();
  if (Error error = npz->impl->readDirectory())
    return std::move(error);
  return npz;
}

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> result;
  for (auto &[name, entry] : impl->entries)
    result.push_back(name);
  return result;
}

bool NpzFile::has(StringRef name) const { return impl->entries.count(name.str()); }

Expected<NpzArray> NpzFile::header(StringRef name) const {
  NpzArray array;
  auto stream = impl->openEntry(name, array);
  if (!stream)
    return stream.takeError();
  return array;
}

Expected<std::unique_ptr<NpzFile::Reader>> NpzFile::read(StringRef name) const {
  NpzArray array;
  auto stream = impl->openEntry(name, array);
  if (!stream)
    return stream.takeError();
  return std::unique_ptr<Reader>(new SampleReader(std::move(*stream), array));
}

Expected<NpzArray> NpzFile::load(StringRef name) const {
  NpzArray array;
  auto stream = impl->openEntry(name, array);
  if (!stream)
    return stream.takeError();
  // The size is what the file claims: a deflated entry may claim anything, so memory grows only as bytes arrive.
  uint64_t left = (*stream)->left();
  while (left) {
    size_t part = std::min<uint64_t>(left, 64 << 20), at = array.data.size();
    array.data.resize(at + part);
    if (Error error = (*stream)->read(MutableArrayRef<char>(array.data.data() + at, part)))
      return std::move(error);
    left -= part;
  }
  return array;
}
