#include "Instrument.h"

#include "llvm/Object/ELF.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using ELFT = object::ELF64LE;

namespace qc {
namespace {
class Instrumenter {
public:
  Instrumenter(StringRef path, const EntryPoint &entry, StringRef image, object::ELFFile<ELFT> file)
      : path(path), entry(entry), file(std::move(file)), bytes(image.str()) {}

  Expected<InstrumentedObject> run() {
    if (Error error = readSymbols())
      return std::move(error);
    const ELFT::Sym *function = nullptr;
    for (const auto &[symbol, name] : symbols)
      if (name == entry.symbol && symbol->st_shndx != ELF::SHN_UNDEF)
        function = symbol;
    if (!function)
      return createStringError(path + ": there is no function " + entry.symbol);
    auto sections = file.sections();
    if (!sections)
      return sections.takeError();
    for (const ELFT::Shdr &section : *sections)
      if (section.sh_type == ELF::SHT_RELA && section.sh_info == function->st_shndx)
        if (Error error = redirect(section, *function))
          return std::move(error);
    if (result.calls.empty())
      return createStringError(path + ": " + entry.symbol + " calls none of the kernels that the section .qc.interface lists");
    writeSymbols();
    result.bytes = std::move(bytes);
    return std::move(result);
  }

private:
  Error readSymbols() {
    auto sections = file.sections();
    if (!sections)
      return sections.takeError();
    for (const ELFT::Shdr &section : *sections) {
      if (section.sh_type != ELF::SHT_SYMTAB)
        continue;
      auto table = file.symbols(&section);
      auto strings = file.getStringTableForSymtab(section);
      if (!table || !strings)
        return joinErrors(table.takeError(), strings.takeError());
      for (const ELFT::Sym &symbol : *table) {
        auto name = symbol.getName(*strings);
        if (!name)
          return name.takeError();
        symbols.push_back({&symbol, *name});
      }
      symbolTable = &section - sections->begin();
      stringTable = section.sh_link;
      names = strings->str();
    }
    return symbols.empty() ? createStringError(path + ": no symbol table") : Error::success();
  }

  /// The kernel that starts where a relocation points to; null if none does.
  const std::pair<const ELFT::Sym *, StringRef> *findKernel(const ELFT::Rela &relocation) {
    const ELFT::Sym *target = symbols[relocation.getSymbol(/*isMips64EL=*/false)].first;
    // x86 counts from the end of the instruction's operand.
    int64_t at = int64_t(target->st_value) + relocation.r_addend + (file.getHeader().e_machine == ELF::EM_X86_64 ? 4 : 0);
    for (const auto &symbol : symbols)
      if (symbol.first->getType() == ELF::STT_FUNC && symbol.first->st_shndx == target->st_shndx &&
          target->st_shndx != ELF::SHN_UNDEF && int64_t(symbol.first->st_value) == at)
        return &symbol;
    return nullptr;
  }

  Error redirect(const ELFT::Shdr &section, const ELFT::Sym &function) {
    auto relocations = file.relas(section);
    if (!relocations)
      return relocations.takeError();
    std::vector<const ELFT::Rela *> order;
    for (const ELFT::Rela &relocation : *relocations)
      if (relocation.r_offset >= function.st_value && relocation.r_offset < function.st_value + function.st_size)
        order.push_back(&relocation);
    llvm::sort(order, [](const ELFT::Rela *a, const ELFT::Rela *b) { return a->r_offset < b->r_offset; });
    size_t next = 0;
    for (const ELFT::Rela *relocation : order) {
      const auto *kernel = findKernel(*relocation);
      if (!kernel)
        continue;
      // A kernel without any effect may have lost its call.
      while (next < entry.kernels->size() && (*entry.kernels)[next].symbol != kernel->second)
        ++next;
      if (next == entry.kernels->size())
        return createStringError(path + ": " + entry.symbol + " calls " + kernel->second +
                                 ", which the section .qc.interface does not list there");
      unsigned site = result.calls.size();
      result.calls.push_back(next++);
      ELFT::Sym undefined = {}, defined = *kernel->first;
      undefined.st_name = addName("qrun_site_" + Twine(site));
      undefined.setBindingAndType(ELF::STB_GLOBAL, ELF::STT_NOTYPE);
      defined.st_name = addName("qrun_kernel_" + Twine(site));
      defined.setBindingAndType(ELF::STB_GLOBAL, ELF::STT_FUNC);
      defined.setVisibility(ELF::STV_DEFAULT);
      ELFT::Rela changed = *relocation;
      changed.setSymbolAndType(symbols.size() + added.size(), relocation->getType(false), false);
      const ELFT::Sym *target = symbols[relocation->getSymbol(false)].first;
      changed.r_addend = relocation->r_addend + target->st_value - defined.st_value;
      added.push_back(undefined);
      added.push_back(defined);
      memcpy(&bytes[reinterpret_cast<const uint8_t *>(relocation) - file.base()], &changed, sizeof changed);
    }
    return Error::success();
  }

  unsigned addName(const Twine &name) {
    unsigned at = names.size();
    names += name.str();
    names.push_back('\0');
    return at;
  }

  /// Longer tables go to the end of the file; the old ones stay as dead bytes.
  void writeSymbols() {
    std::string table;
    for (const auto &symbol : symbols)
      table.append(reinterpret_cast<const char *>(symbol.first), sizeof(ELFT::Sym));
    for (const ELFT::Sym &symbol : added)
      table.append(reinterpret_cast<const char *>(&symbol), sizeof symbol);
    moveSection(symbolTable, table);
    moveSection(stringTable, names);
  }

  void moveSection(size_t index, StringRef contents) {
    bytes.resize(alignTo(bytes.size(), 8));
    char *at = &bytes[file.getHeader().e_shoff + index * sizeof(ELFT::Shdr)];
    ELFT::Shdr header;
    memcpy(&header, at, sizeof header);
    header.sh_offset = bytes.size();
    header.sh_size = contents.size();
    memcpy(at, &header, sizeof header);
    bytes += contents;
  }

  StringRef path;
  const EntryPoint &entry;
  object::ELFFile<ELFT> file;
  std::string bytes, names;
  std::vector<std::pair<const ELFT::Sym *, StringRef>> symbols;
  std::vector<ELFT::Sym> added;
  size_t symbolTable = 0, stringTable = 0;
  InstrumentedObject result;
};
} // namespace

Expected<InstrumentedObject> instrument(StringRef path, const EntryPoint &entry) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError(path + ": " + buffer.getError().message());
  StringRef image = (*buffer)->getBuffer();
  auto file = object::ELFFile<ELFT>::create(image);
  if (!file)
    return createStringError(path + ": damaged object: " + toString(file.takeError()));
  Expected<InstrumentedObject> result = Instrumenter(path, entry, image, *file).run();
  if (!result)
    return createStringError(toString(result.takeError()));
  return result;
}
} // namespace qc
