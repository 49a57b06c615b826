// LLVM dialect to machine code that links with nothing.
#include "qc/Target/CodeGen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/IntegerDivision.h"
#include "llvm/Transforms/Utils/LowerMemIntrinsics.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace qc {
namespace {
/// Sums of a register tile stay in the order in which their terms are made: the combiner, which shortens one chain of additions
/// at the expense of many terms alive, makes them spill. It has no other switch than its option.
void keepOrderOfSums() {
  if (auto *option = cl::getRegisteredOptions().lookup("x86-machine-combiner"))
    *static_cast<cl::opt<bool> *>(option) = false;
}

std::unique_ptr<TargetMachine> createMachine(const Target &target, std::string &message) {
  Triple triple(target.triple);
  const llvm::Target *found = TargetRegistry::lookupTarget(triple, message);
  if (!found)
    return nullptr;
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Strict; // same bytes on every host (docs/Numerics.md, N1)
  options.FunctionSections = options.DataSections = true;
  options.MCOptions.ABIName = target.abi;
  if (!target.hasFpu)
    options.FloatABIType = FloatABI::Soft;
  else if (triple.getEnvironment() == Triple::GNUEABIHF || triple.getEnvironment() == Triple::EABIHF)
    options.FloatABIType = FloatABI::Hard;
  std::optional<CodeModel::Model> model;
  if (triple.isRISCV())
    model = CodeModel::Medium; // PC-relative addresses: the object may be loaded anywhere
  return std::unique_ptr<TargetMachine>(
      found->createTargetMachine(triple, target.cpu, target.features, options, Reloc::PIC_, model, CodeGenOptLevel::Aggressive));
}

/// Gives the entries their names and makes everything else invisible. `callbacks`: arguments behind the arena.
void nameEntries(Module &module, const CodeGenOptions &options, unsigned callbacks) {
  for (GlobalVariable &global : module.globals()) {
    global.setLinkage(GlobalValue::PrivateLinkage);
    global.setDSOLocal(true);
  }
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.setDSOLocal(true);
    function.addFnAttr(Attribute::NoUnwind);
    bool wrapper = function.getName() == "run_f32";
    bool reset = function.getName() == "reset"; // does nothing that could be divided
    if (!wrapper && !reset && function.getName() != "run") {
      function.setLinkage(GlobalValue::InternalLinkage);
      function.addFnAttr(Attribute::NoInline); // one huge function would cost compile time and buys nothing
      continue;
    }
    function.addFnAttr(Attribute::NoInline); // the wrapper stays thin
    std::string suffix = function.getName().str();
    if (!reset)
      suffix.replace(0, StringRef("run").size(), options.entry);
    function.setName(options.prefix + "_" + suffix);
    if (wrapper)
      function.setSection(".text." + function.getName().str());
    size_t buffers = function.arg_size() - std::min<size_t>(reset ? 0 : callbacks, function.arg_size());
    for (size_t i = 0; i < buffers; ++i)
      if (function.getArg(i)->getType()->isPointerTy())
        function.getArg(i)->addAttr(Attribute::NoAlias);
    if (buffers && function.getArg(buffers - 1)->getType()->isPointerTy())
      function.getArg(buffers - 1)->addAttr(Attribute::getWithAlignment(module.getContext(), Align(64)));
  }
}

/// The metadata section: `!exclude` keeps it out of memory and out of linked programs, while it stays readable in the object.
void addInterface(Module &module, StringRef text) {
  if (text.empty())
    return;
  Constant *data = ConstantDataArray::getString(module.getContext(), text, /*AddNull=*/false);
  auto *global =
      new GlobalVariable(module, data->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, data, "qc.interface");
  global->setSection(".qc.interface");
  global->setAlignment(Align(1));
  global->setMetadata("exclude", MDNode::get(module.getContext(), {}));
  appendToCompilerUsed(module, {global});
}

/// Marks every library function as missing, so that no loop is recognized as one.
TargetLibraryInfoImpl getNoLibrary(const Module &module) {
  TargetLibraryInfoImpl library(Triple(module.getTargetTriple()));
  library.disableAllFunctions();
  return library;
}

void optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.LoopInterleaving = true;
  tuning.SLPVectorization = false; // merges the scalar loads of dot kernels into shuffles
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  TargetLibraryInfoImpl library = getNoLibrary(module);
  functions.registerPass([&] { return TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3).run(module, modules);
}

/// True if the backend would call a function of the compiler's runtime library for this division.
bool needsRuntime(const BinaryOperator &division, const Triple &triple, StringRef features) {
  if (!division.getType()->isIntegerTy())
    return false;
  unsigned bits = division.getType()->getIntegerBitWidth();
  if (triple.isArch64Bit())
    return bits > 64;
  if (bits > 32)
    return true;
  bool hasDivide = !triple.isARM() || features.contains("hwdiv-arm");
  return !hasDivide && !isa<ConstantInt>(division.getOperand(1));
}

/// Turns what would become a call of memcpy, memset or a division routine into loops.
void expandCalls(Module &module, TargetMachine &machine) {
  Triple triple(module.getTargetTriple());
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    TargetTransformInfo info = machine.getTargetTransformInfo(function);
    SmallVector<Instruction *> work;
    for (Instruction &instruction : instructions(function)) {
      auto *binary = dyn_cast<BinaryOperator>(&instruction);
      bool division = binary && (binary->getOpcode() == Instruction::UDiv || binary->getOpcode() == Instruction::SDiv ||
                                 binary->getOpcode() == Instruction::URem || binary->getOpcode() == Instruction::SRem);
      if (isa<MemIntrinsic>(instruction) || (division && needsRuntime(*binary, triple, machine.getTargetFeatureString())))
        work.push_back(&instruction);
    }
    for (Instruction *instruction : work) {
      if (auto *copy = dyn_cast<MemCpyInst>(instruction)) {
        expandMemCpyAsLoop(copy, info);
        copy->eraseFromParent();
      } else if (auto *move = dyn_cast<MemMoveInst>(instruction)) {
        expandMemMoveAsLoop(move, info);
        move->eraseFromParent();
      } else if (auto *set = dyn_cast<MemSetInst>(instruction)) {
        expandMemSetAsLoop(set);
        set->eraseFromParent();
      } else if (auto *binary = dyn_cast<BinaryOperator>(instruction)) {
        bool remainder = binary->getOpcode() == Instruction::URem || binary->getOpcode() == Instruction::SRem;
        unsigned bits = binary->getType()->getIntegerBitWidth();
        if (remainder)
          bits <= 32 ? expandRemainderUpTo32Bits(binary) : expandRemainderUpTo64Bits(binary);
        else
          bits <= 32 ? expandDivisionUpTo32Bits(binary) : expandDivisionUpTo64Bits(binary);
      }
    }
  }
}

/// The 64 bits that a vector constant of AArch64 repeats; none if it does not.
std::optional<uint64_t> getRepeatedBits(const Constant *constant) {
  auto *type = dyn_cast<FixedVectorType>(constant->getType());
  if (!type || !type->getElementType()->isIntegerTy())
    return std::nullopt;
  unsigned width = type->getScalarSizeInBits();
  if (width < 8 || width > 64 || (width & (width - 1)) || width * type->getNumElements() < 64)
    return std::nullopt;
  unsigned period = 64 / width;
  uint64_t bits = 0;
  for (unsigned i = 0; i < type->getNumElements(); ++i) {
    auto *element = dyn_cast_or_null<ConstantInt>(constant->getAggregateElement(i));
    if (!element)
      return std::nullopt;
    uint64_t value = element->getZExtValue() << (i % period * width);
    if (i < period)
      bits |= value;
    else if (((bits ^ value) >> (i % period * width) << (64 - width)) != 0)
      return std::nullopt;
  }
  return bits;
}

/// True if one of the integer forms of MOVI and MVNI makes these bits (Arm ARM, AdvSIMDExpandImm).
bool isMoveImmediate(uint64_t bits) {
  auto isBytes = [](uint64_t v) { // each byte 0 or 255
    for (; v; v >>= 8)
      if ((v & 255) != 0 && (v & 255) != 255)
        return false;
    return true;
  };
  auto isWord = [](uint32_t v) {
    for (unsigned shift : {0, 8, 16, 24})
      if ((v & ~(uint32_t(255) << shift)) == 0)
        return true;
    return (v & 0xffff00ff) == 0xff || (v & 0xff00ffff) == 0xffff;
  };
  auto isHalf = [](uint16_t v) { return (v & 0xff00) == 0 || (v & 0x00ff) == 0; };
  uint32_t word = uint32_t(bits);
  uint16_t half = uint16_t(bits);
  if (isBytes(bits))
    return true;
  if (bits == (uint64_t(word) << 32 | word) && (isWord(word) || isWord(~word)))
    return true;
  if (bits == half * UINT64_C(0x0001000100010001) && (isHalf(half) || isHalf(uint16_t(~half))))
    return true;
  return bits == (bits & 255) * UINT64_C(0x0101010101010101);
}

/// Some vector constants LLVM makes for AArch64 by a move and a floating-point negation. They are loaded instead: an integer
/// program has no floating-point instruction.
void loadNegatedConstants(Module &module) {
  if (!Triple(module.getTargetTriple()).isAArch64())
    return;
  DenseMap<Constant *, GlobalVariable *> globals;
  DenseMap<std::pair<GlobalVariable *, BasicBlock *>, Value *> incoming; // a PHI may name a block twice
  for (Function &function : module) {
    SmallVector<Use *> uses;
    for (Instruction &instruction : instructions(function))
      for (Use &use : instruction.operands())
        if (auto *constant = dyn_cast<Constant>(use.get())) {
          std::optional<uint64_t> bits = getRepeatedBits(constant);
          if (bits && !isMoveImmediate(*bits) &&
              (isMoveImmediate(*bits ^ UINT64_C(0x8000000080000000)) || isMoveImmediate(*bits ^ UINT64_C(0x8000000000000000)) ||
               isMoveImmediate(*bits ^ UINT64_C(0x8000800080008000))))
            uses.push_back(&use);
        }
    for (Use *use : uses) {
      auto *constant = cast<Constant>(use->get());
      GlobalVariable *&global = globals[constant];
      if (!global) {
        global = new GlobalVariable(module, constant->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, constant,
                                    "constant");
        global->setAlignment(Align(16));
        global->setExternallyInitialized(true); // or the load would be the constant again
      }
      auto *user = cast<Instruction>(use->getUser());
      auto *phi = dyn_cast<PHINode>(user);
      if (Value *known = phi ? incoming.lookup({global, phi->getIncomingBlock(*use)}) : nullptr) {
        use->set(known);
        continue;
      }
      IRBuilder<> builder(phi ? phi->getIncomingBlock(*use)->getTerminator() : user);
      LoadInst *load = builder.CreateAlignedLoad(constant->getType(), global, Align(16));
      load->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(module.getContext(), {}));
      if (phi)
        incoming[{global, phi->getIncomingBlock(*use)}] = load;
      use->set(load);
    }
  }
}

/// An object that links with nothing has no undefined symbol.
Error checkSymbols(StringRef object) {
  auto file = object::ObjectFile::createObjectFile(MemoryBufferRef(object, "object"));
  if (!file)
    return file.takeError();
  std::string names;
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name)
      return joinErrors(flags.takeError(), name.takeError());
    if ((*flags & object::SymbolRef::SF_Undefined) && !(*flags & object::SymbolRef::SF_FormatSpecific) && !name->empty())
      names += (names.empty() ? "" : ", ") + name->str();
  }
  if (!names.empty())
    return createStringError("internal error: the object needs " + names +
                             ", which this target cannot provide; please report the model");
  return Error::success();
}
} // namespace

/// Our notes on parameters have been read by now; LLVM IR has no place for them.
static void dropNotes(mlir::ModuleOp module) {
  for (auto function : module.getOps<mlir::LLVM::LLVMFuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (mlir::DictionaryAttr notes = function.getArgAttrDict(i))
        for (mlir::NamedAttribute attr : notes)
          if (attr.getName().strref().starts_with("qc."))
            function.removeArgAttr(i, attr.getName());
}

/// scf.for hands its loop annotation to the branch as a note; the translation reads the branch's own attribute.
static void attachLoopNotes(mlir::ModuleOp module) {
  module.walk([](mlir::LLVM::BrOp branch) {
    if (auto note = branch->getAttrOfType<mlir::LLVM::LoopAnnotationAttr>("llvm.loop_annotation")) {
      branch.setLoopAnnotationAttr(note);
      branch->removeAttr("llvm.loop_annotation");
    }
  });
}

Expected<std::string> compile(mlir::ModuleOp source, const Target &target, const CodeGenOptions &options) {
  dropNotes(source);
  attachLoopNotes(source);
  LLVMContext context;
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(source, context, "qcc");
  if (!module)
    return createStringError("internal error: translation to LLVM IR failed");
  std::string message;
  keepOrderOfSums();
  std::unique_ptr<TargetMachine> machine = createMachine(target, message);
  if (!machine)
    return createStringError("target '" + target.name + "': " + message);
  module->setTargetTriple(Triple(target.triple));
  module->setDataLayout(machine->createDataLayout());
  module->setPICLevel(PICLevel::SmallPIC);
  nameEntries(*module, options, source->hasAttr("qc.threads") ? 2 : 0);
  optimize(*module, *machine);
  expandCalls(*module, *machine);
  loadNegatedConstants(*module);
  addInterface(*module, options.interface);
  if (verifyModule(*module, &errs()))
    return createStringError("internal error: invalid LLVM IR");

  SmallString<0> code;
  raw_svector_ostream stream(code);
  if (options.emit == Emit::LLVM) {
    module->print(stream, nullptr);
    return code.str().str();
  }
  legacy::PassManager passes;
  TargetLibraryInfoImpl library = getNoLibrary(*module);
  passes.add(new TargetLibraryInfoWrapperPass(library));
  auto type = options.emit == Emit::Object ? CodeGenFileType::ObjectFile : CodeGenFileType::AssemblyFile;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, type))
    return createStringError("target '" + target.name + "' cannot emit this kind of file");
  passes.run(*module);
  if (options.emit == Emit::Object)
    if (Error error = checkSymbols(code))
      return std::move(error);
  return code.str().str();
}

Expected<ObjectSizes> measureObject(StringRef object) {
  auto file = object::ObjectFile::createObjectFile(MemoryBufferRef(object, "object"));
  if (!file)
    return file.takeError();
  ObjectSizes sizes;
  for (object::ELFSectionRef section : (*file)->sections())
    if (section.getFlags() & ELF::SHF_ALLOC)
      (section.getFlags() & ELF::SHF_EXECINSTR ? sizes.code : sizes.constants) += int64_t(section.getSize());
  return sizes;
}
} // namespace qc
