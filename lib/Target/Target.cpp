// Resolves target names against the table and LLVM's own lists of CPUs and features.
#include "qc/Target/Target.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace llvm;

namespace qc {
namespace {
struct Row {
  StringLiteral name, triple, cpu, features, abi;
  bool hasFpu;
  StringLiteral note;
};
constexpr Row rows[] = {
#define QC_TARGET(name, triple, cpu, features, abi, hasFpu, note) {name, triple, cpu, features, abi, hasFpu, note},
#include "Targets.def"
};

void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
  });
}

Target getHost() {
  Target target;
  target.name = "host";
  target.triple = sys::getDefaultTargetTriple();
  target.cpu = sys::getHostCPUName().str();
  StringMap<bool> map = sys::getHostCPUFeatures();
  SmallVector<std::string> features;
  for (const auto &entry : map)
    features.push_back(((entry.second ? "+" : "-") + entry.first()).str());
  llvm::sort(features); // a StringMap has no stable order
  target.features = join(features, ",");
  target.hasFpu = true;
  target.headerNote = target.cpu;
  return target;
}

std::string knownNames() {
  std::string names = "host";
  for (const Row &row : rows)
    names += ", " + row.name.str();
  return names;
}

/// The backends that LLVM has may run on hosts of another kind; these are the families that the compiler is tested on.
bool isSupported(const Triple &triple) {
  return triple.getArch() == Triple::x86_64 || triple.isAArch64() || triple.isRISCV() || triple.isARM() || triple.isThumb();
}

/// LLVM only warns about names that it does not know; here they are errors.
Error checkNames(const Target &target) {
  std::string message;
  const llvm::Target *found = TargetRegistry::lookupTarget(Triple(target.triple), message);
  Triple triple(target.triple);
  if (!found || !isSupported(triple))
    return createStringError("unknown target '" + target.name + "': use " + knownNames() +
                             ", or an LLVM triple of x86_64, aarch64, riscv64, riscv32, arm or thumb");
  std::unique_ptr<MCSubtargetInfo> info(found->createMCSubtargetInfo(triple, "", ""));
  auto known = [](auto table, StringRef key) {
    return any_of(table, [&](const auto &row) { return StringRef(row.Key) == key; });
  };
  if (!target.cpu.empty() && !known(info->getAllProcessorDescriptions(), target.cpu)) {
    std::string names;
    for (const auto &row : info->getAllProcessorDescriptions())
      names += (names.empty() ? "" : ", ") + std::string(row.Key);
    return createStringError("unknown CPU '" + target.cpu + "' for " + target.triple + ": use one of " + names);
  }
  SmallVector<StringRef> features;
  StringRef(target.features).split(features, ',', -1, /*KeepEmpty=*/false);
  for (StringRef feature : features) {
    if (!feature.starts_with("+") && !feature.starts_with("-"))
      return createStringError("feature '" + feature + "' in -mattr: write +name to add or -name to remove");
    if (!known(info->getAllProcessorFeatures(), feature.drop_front()))
      return createStringError("unknown feature '" + feature.drop_front() + "' for " + target.triple +
                               "; `llc -march=<arch> -mattr=help` lists them");
  }
  return Error::success();
}
} // namespace

Expected<Target> getTarget(StringRef name, StringRef cpu, StringRef features) {
  initializeTargets();
  Target target;
  if (name == "host") {
    target = getHost();
  } else if (const Row *row = find_if(rows, [&](const Row &r) { return r.name == name; }); row != std::end(rows)) {
    target.triple = row->triple.str();
    target.cpu = row->cpu.str();
    target.features = row->features.str();
    target.abi = row->abi.str();
    target.hasFpu = row->hasFpu;
    target.headerNote = row->note.str();
  } else {
    Triple triple(Triple::normalize(name));
    target.triple = triple.str();
    target.hasFpu = !triple.isOSBinFormatELF() || triple.getEnvironment() != Triple::EABI;
    target.headerNote = "generic";
  }
  target.name = name.str();
  if (!cpu.empty()) {
    target.cpu = cpu.str();
    // The features of a table row or of this host describe the CPU that was just replaced.
    if (name == "host")
      target.features.clear();
    target.headerNote = cpu.str();
  }
  if (!features.empty()) {
    target.features += (target.features.empty() ? "" : ",") + features.str();
    // Every processor with avx2 has f16c and fma, too, which LLVM does not say.
    if (features.contains("+avx2") || features.contains("+avxvnni"))
      for (StringRef implied : {"f16c", "fma"})
        if (!features.contains(implied))
          target.features += (",+" + implied).str();
    target.headerNote += "," + features.str();
  }
  Triple triple(target.triple);
  if (!triple.isOSBinFormatELF())
    return createStringError("target '" + name + "': objects are ELF files only");
  target.indexBits = triple.isArch64Bit() ? 64 : 32;
  if (Error error = checkNames(target))
    return std::move(error);
  // A core without float registers has no f32 entry: soft-float code would need a runtime library, which objects do not link
  // with.
  if (triple.isRISCV() && target.abi.empty()) {
    std::string message;
    const llvm::Target *found = TargetRegistry::lookupTarget(Triple(target.triple), message);
    std::unique_ptr<MCSubtargetInfo> info(found->createMCSubtargetInfo(triple, target.cpu, target.features));
    bool isDouble = info->checkFeatures("+d"), isSingle = info->checkFeatures("+f");
    target.hasFpu = isSingle && isDouble;
    target.abi = std::string(triple.isArch64Bit() ? "lp64" : "ilp32") + (isDouble ? "d" : isSingle ? "f" : "");
  }
  return target;
}

Expected<Target> getCalibrationTarget() {
  auto target = getTarget("x86-64", "", "");
  if (!target)
    return target;
  StringMap<bool> host = sys::getHostCPUFeatures();
  for (StringRef feature : {"avx2", "fma", "bmi2"})
    if (Triple(sys::getProcessTriple()).getArch() != Triple::x86_64 || !host.lookup(feature))
      return createStringError(
          "calibration runs x86-64-v3 code, so that ranges have the same bytes everywhere, but this CPU lacks " + feature +
          "; calibrate elsewhere with -dump-ranges and give the file with -ranges");
  return target;
}
} // namespace qc
