// Compiled modules in this process, for calibration.
#include "qc/Target/CodeGen.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace qc {
struct Jit::Impl {
  std::unique_ptr<orc::LLJIT> jit;
};

Jit::~Jit() = default;

Expected<std::unique_ptr<Jit>> Jit::create(mlir::ModuleOp module, const Target &target, StringRef prefix) {
  CodeGenOptions options;
  options.prefix = prefix.str();
  auto object = compile(module, target, options);
  if (!object)
    return object.takeError();
  auto jit = orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  if (Error error = (*jit)->addObjectFile(MemoryBuffer::getMemBufferCopy(*object, "calibration")))
    return std::move(error);
  std::unique_ptr<Jit> result(new Jit);
  result->impl = std::make_unique<Impl>();
  result->impl->jit = std::move(*jit);
  return result;
}

Expected<void *> Jit::lookup(StringRef symbol) {
  auto address = impl->jit->lookup(symbol);
  if (!address)
    return address.takeError();
  return address->toPtr<void *>();
}
} // namespace qc
