#include "Interface.h"

#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace qc {
int64_t Port::elements() const {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

unsigned Port::bits() const {
  unsigned bits = 0;
  StringRef(type).drop_while([](char c) { return c == 'u' || c == 'i'; }).getAsInteger(10, bits);
  return bits;
}

unsigned Port::bytes(bool inF32) const {
  if (isFloat(inF32))
    return 4;
  unsigned width = bits();
  return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : 8;
}

int64_t Port::low() const { return !isSigned() ? 0 : bits() == 64 ? INT64_MIN : -(int64_t(1) << (bits() - 1)); }
int64_t Port::high() const {
  unsigned valueBits = bits() - (isSigned() ? 1 : 0);
  return valueBits >= 63 ? INT64_MAX : (int64_t(1) << valueBits) - 1;
}

int64_t Interface::stateBytes() const {
  int64_t bytes = 0;
  for (const Port &state : states)
    bytes = std::max(bytes, state.offset + state.elements() * int64_t(state.bytes(false)));
  return bytes;
}

//===--- JSON -------------------------------------------------------------------------------------------------------===//

static bool isKnownType(StringRef type) {
  unsigned bits;
  return type == "f32" ||
         ((type.consume_front("ui") || type.consume_front("i")) && !type.getAsInteger(10, bits) && bits >= 1 && bits <= 64);
}

static bool fromJSON(const json::Value &value, Port::Sequence &sequence, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("axis", sequence.axis) && map.map("length", sequence.length) && map.map("lead", sequence.lead);
}

static bool fromJSON(const json::Value &value, Port &port, json::Path path) {
  json::ObjectMapper map(value, path);
  if (!map || !map.map("name", port.name) || !map.map("shape", port.shape) || !map.map("type", port.type) ||
      !map.mapOptional("scale", port.scale) || !map.mapOptional("zero_point", port.zeroPoint) ||
      !map.mapOptional("f32", port.f32) || !map.map("sequence", port.sequence) || !map.mapOptional("position", port.position) ||
      !map.mapOptional("next", port.next) || !map.mapOptional("offset", port.offset))
    return false;
  if (port.type == "bool")
    port.type = "i1";
  if (!isKnownType(port.type)) {
    path.field("type").report("not a port type that qrun knows");
    return false;
  }
  // Bounded so that no product of sizes can overflow.
  uint64_t elements = 1;
  for (int64_t dim : port.shape) {
    elements = dim > 0 && dim <= INT32_MAX ? elements * dim : 0;
    if (elements == 0 || elements > INT32_MAX) {
      path.field("shape").report("not a shape of 1 to 2^31 elements");
      return false;
    }
  }
  if (auto &s = port.sequence; s && (s->axis < 0 || s->axis >= int64_t(port.shape.size()) || s->length < 1 || s->lead < 0 ||
                                     s->length > INT32_MAX / int64_t(elements))) {
    path.field("sequence").report("no axis of the port, or not a length");
    return false;
  }
  if (port.offset < 0 || port.offset > INT32_MAX) {
    path.field("offset").report("not an offset");
    return false;
  }
  return true;
}

static bool fromJSON(const json::Value &value, KernelCall &call, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("symbol", call.symbol) && map.map("name", call.name) && map.map("form", call.form) &&
         map.mapOptional("dot", call.dot) && map.mapOptional("tile", call.tile) && map.mapOptional("permuted", call.permuted) &&
         map.mapOptional("macs", call.macs) && map.mapOptional("constant_bytes", call.constantBytes) &&
         map.mapOptional("input_bytes", call.inputBytes) && map.mapOptional("output_bytes", call.outputBytes) &&
         map.mapOptional("output_shape", call.outputShape) && map.mapOptional("layers", call.layers);
}

static bool isIdentifier(StringRef name) {
  return !name.empty() && all_of(name, [](char c) { return isAlnum(c) || c == '_'; });
}

static bool fromJSON(const json::Value &value, EntryPoint &entry, json::Path path) {
  json::ObjectMapper map(value, path);
  if (!map || !map.map("symbol", entry.symbol) || !map.map("arena_bytes", entry.arenaBytes) ||
      !map.mapOptional("arena_align", entry.arenaAlign) || !map.map("kernels", entry.kernels))
    return false;
  if (entry.arenaBytes < 0 || entry.arenaAlign <= 0 || entry.arenaAlign > 4096 || (entry.arenaAlign & (entry.arenaAlign - 1))) {
    path.report("arena size or alignment out of range");
    return false;
  }
  // The symbol becomes an identifier of the harness.
  if (!isIdentifier(entry.symbol)) {
    path.field("symbol").report("not a C identifier");
    return false;
  }
  return true;
}

struct TargetName {
  std::string triple, cpu, features;
};

static bool fromJSON(const json::Value &value, TargetName &target, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("triple", target.triple) && map.mapOptional("cpu", target.cpu) &&
         map.mapOptional("features", target.features);
}

static bool fromJSON(const json::Value &value, Interface &interface, json::Path path) {
  json::ObjectMapper map(value, path);
  int64_t version = 0;
  if (!map || !map.map("version", version))
    return false;
  if (version != 1) {
    path.field("version").report("not a version that this qrun knows; rebuild the object or qrun");
    return false;
  }
  TargetName target;
  if (!map.map("name", interface.name) || !map.map("target", target) || !map.map("inputs", interface.inputs) ||
      !map.map("outputs", interface.outputs) || !map.map("run", interface.run) || !map.map("run_f32", interface.runF32) ||
      !map.mapOptional("threads", interface.threads) || !map.mapOptional("states", interface.states) ||
      !map.mapOptional("reset", interface.reset))
    return false;
  if (!interface.states.empty() && !isIdentifier(interface.reset)) {
    path.field("reset").report("not a C identifier");
    return false;
  }
  for (const std::optional<EntryPoint> &entry : {interface.run, interface.runF32})
    if (entry && interface.stateBytes() > entry->arenaBytes) {
      path.field("states").report("states do not fit the arena");
      return false;
    }
  if (interface.threads < 1 || interface.threads > 1000) {
    path.field("threads").report("not a number of threads");
    return false;
  }
  interface.triple = target.triple;
  interface.cpu = target.cpu;
  interface.features = target.features;
  if (!interface.run && !interface.runF32) {
    path.report("neither run nor run_f32");
    return false;
  }
  if (interface.runF32 && interface.run) // the thin wrapper works in the same arena rules
    interface.runF32->arenaAlign = std::max(interface.runF32->arenaAlign, interface.run->arenaAlign);
  return true;
}

static Expected<Interface> parseInterface(StringRef text, StringRef path) {
  Expected<json::Value> value = json::parse(text.rtrim(StringRef("\0 \n", 3)));
  if (!value)
    return createStringError(path + ": the section .qc.interface is not JSON: " + toString(value.takeError()));
  Interface interface;
  json::Path::Root root("interface");
  if (!fromJSON(*value, interface, root))
    return createStringError(path + ": the section .qc.interface: " + toString(root.getError()));
  return interface;
}

//===--- The object --------------------------------------------------------------------------------------------------===//

Expected<ObjectFile> readObject(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError(path + ": " + buffer.getError().message());
  Expected<std::unique_ptr<object::ObjectFile>> file = object::ObjectFile::createObjectFile((*buffer)->getMemBufferRef());
  auto *elf = file ? dyn_cast<object::ELFObjectFileBase>(file->get()) : nullptr;
  if (!file)
    consumeError(file.takeError());
  if (!elf || !elf->isRelocatableObject())
    return createStringError(path + ": not an ELF object file; qcc makes one with -emit=obj");

  ObjectFile result;
  bool found = false;
  for (const object::SectionRef &section : elf->sections()) {
    Expected<StringRef> name = section.getName();
    if (!name)
      return createStringError(path + ": damaged object: " + toString(name.takeError()));
    if (*name != ".qc.interface")
      continue;
    Expected<StringRef> text = section.getContents();
    if (!text)
      return createStringError(path + ": damaged object: " + toString(text.takeError()));
    Expected<Interface> interface = parseInterface(*text, path);
    if (!interface)
      return interface.takeError();
    result.interface = std::move(*interface);
    found = true;
  }
  if (!found)
    return createStringError(path + ": no section .qc.interface, so this is not an object made by qcc");

  std::string undefined;
  for (const object::SymbolRef &symbol : elf->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    Expected<StringRef> name = symbol.getName();
    if (!flags || !name) {
      consumeError(flags.takeError());
      consumeError(name.takeError());
      return createStringError(path + ": damaged symbol table");
    }
    if ((*flags & object::SymbolRef::SF_Undefined) && !(*flags & object::SymbolRef::SF_FormatSpecific) && !name->empty())
      undefined += (" " + *name).str();
  }
  if (!undefined.empty())
    return createStringError(path + ": undefined symbols, but an object of qcc links with nothing:" + undefined);

  switch (elf->getArch()) {
  case Triple::x86_64:
    result.arch = "x86_64";
    break;
  case Triple::aarch64:
    result.arch = "aarch64";
    break;
  case Triple::riscv64:
    result.arch = "riscv64";
    break;
  case Triple::riscv32:
    result.arch = "riscv32";
    break;
  case Triple::arm:
  case Triple::thumb:
    result.arch = "arm";
    break;
  default:
    return createStringError(path + ": qrun cannot run objects for " + Triple::getArchTypeName(elf->getArch()));
  }
  if (Triple(result.interface.triple).getArch() == Triple::UnknownArch)
    return createStringError(path + ": the section .qc.interface names an unknown target '" + result.interface.triple + "'");
  result.flags = elf->getPlatformFlags();
  result.native = Triple(sys::getDefaultTargetTriple()).getArch() == elf->getArch();
  return result;
}
} // namespace qc
