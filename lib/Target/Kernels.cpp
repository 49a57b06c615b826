// Lookups in the tables of instruction sets and dot kernels.
#include "qc/Target/Kernels.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace qc {
namespace {
constexpr Isa isas[] = {
#define QC_ISA(name, arch, features, lanes, registers, units) {name, arch, features, lanes, registers, units},
#include "Isas.def"
};

constexpr DotKernel dotKernels[] = {
#define QC_DOT(name, isa, step, k0, activation, needs, chain, weights)                                                           \
  {name, isa, DotStep::step, k0, DotActivation::activation, DotProof::needs, chain, DotWeights::weights},
#include "DotKernels.def"
};

StringRef getFamily(const Triple &triple) {
  if (triple.isX86())
    return "x86";
  if (triple.isAArch64())
    return "aarch64";
  if (triple.isRISCV())
    return "riscv";
  return triple.isARM() || triple.isThumb() ? "arm" : "";
}
} // namespace

SmallVector<int64_t, 4> Isa::getLaneChoices() const {
  if (!hasGroups())
    return {lanes};
  return {lanes, lanes * 2, lanes / 2, lanes / 4}; // eight registers to one where the row's groups have four
}

const Isa &selectIsa(const Target &target) {
  Triple triple(target.triple);
  std::string message;
  const llvm::Target *found = TargetRegistry::lookupTarget(triple, message);
  std::unique_ptr<MCSubtargetInfo> info(found ? found->createMCSubtargetInfo(triple, target.cpu, target.features) : nullptr);
  auto hasAll = [&](StringRef features) {
    SmallVector<StringRef> names;
    features.split(names, ',', -1, /*KeepEmpty=*/false);
    return all_of(names, [&](StringRef name) { return info && info->checkFeatures(("+" + name).str()); });
  };
  for (const Isa &isa : isas) {
    SmallVector<StringRef> alternatives;
    isa.features.split(alternatives, '|');
    if ((isa.arch.empty() || isa.arch == getFamily(triple)) && any_of(alternatives, hasAll))
      return isa;
  }
  return std::end(isas)[-1];
}

const Isa *findIsa(StringRef name) {
  const Isa *row = find_if(isas, [&](const Isa &isa) { return isa.name == name; });
  return row == std::end(isas) ? nullptr : row;
}

std::string getIsaNames() {
  std::string names;
  for (const Isa &isa : isas)
    names += (names.empty() ? "" : ", ") + isa.name.str();
  return names;
}

bool DotKernel::isFor(const Isa &isa) const {
  SmallVector<StringRef> names;
  isas.split(names, '|');
  return isas.empty() || is_contained(names, isa.name);
}

ArrayRef<DotKernel> getDotKernels() { return dotKernels; }

const DotKernel *findDotKernel(StringRef name) {
  const DotKernel *row = find_if(dotKernels, [&](const DotKernel &dot) { return dot.name == name; });
  return row == std::end(dotKernels) ? nullptr : row;
}
} // namespace qc
