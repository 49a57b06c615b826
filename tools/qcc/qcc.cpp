// qcc: a network in, an integer-only object file out.
#include "qc/Conversion/Bundle.h"
#include "qc/Conversion/KernelCost.h"
#include "qc/Conversion/Lowering.h"
#include "qc/Conversion/ONNXImport.h"
#include "qc/Conversion/ReportPage.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Target/CodeGen.h"
#include "qc/Target/Kernels.h"
#include "qc/Target/Target.h"
#include "qc/Transforms/Pipelines.h"
#include "qc/Transforms/QuantProfile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
namespace cl = llvm::cl;

namespace {
/// LLVM's libraries register options of their own, some under names that qcc's contract gives another meaning; those make way.
const bool namesAreFree = [] {
  for (const char *name : {"stop-after", "mcpu", "mattr", "threads"})
    if (auto found = cl::getRegisteredOptions().find(name); found != cl::getRegisteredOptions().end())
      found->second->removeArgument();
  return true;
}();

cl::OptionCategory category("qcc options");
cl::opt<std::string> input(cl::Positional, cl::desc("<model.onnx|model.mlir>"), cl::cat(category));
cl::opt<std::string> targetName("target",
                                cl::desc("host, x86-64, aarch64, riscv64, armv7a, thumbv7em, riscv32imc or an LLVM triple"),
                                cl::init("host"), cl::cat(category));
cl::opt<std::string> cpu("mcpu", cl::desc("CPU of the target, as LLVM names it"), cl::cat(category));
cl::opt<std::string> features("mattr", cl::desc("CPU features to add or remove: +a,-b"), cl::cat(category));
cl::opt<std::string> output("o", cl::desc("output file, '-' for text on standard output"), cl::cat(category));
enum class EmitKind { Object, Assembly, LLVM, MLIR };
cl::opt<EmitKind> emit("emit", cl::desc("what to write"),
                       cl::values(clEnumValN(EmitKind::Object, "obj", "object, header and report (default)"),
                                  clEnumValN(EmitKind::Assembly, "asm", "assembly"),
                                  clEnumValN(EmitKind::LLVM, "llvm", "LLVM IR"),
                                  clEnumValN(EmitKind::MLIR, "mlir", "MLIR at -stop-after")),
                       cl::init(EmitKind::Object), cl::cat(category));
cl::opt<std::string> stopAfter("stop-after", cl::desc("stop after a stage and write MLIR (implies -emit=mlir)"),
                               cl::cat(category));
#define QC_OPTION(type, variable, member, name, value, description)                                                              \
  cl::opt<type> variable(name, cl::desc(description), cl::value_desc(value), cl::init(qc::PipelineOptions().member),             \
                         cl::cat(category));
#include "qc/Transforms/PipelineOptions.def"
cl::list<std::string>
    without("without", cl::CommaSeparated,
            cl::desc("forms of kernels that are not used, e.g. winograd, whose weights take 3.6 times the bytes"),
            cl::cat(category));
cl::opt<std::string> name("name", cl::desc("symbol prefix (default: stem of -o)"), cl::cat(category));
cl::list<std::string> dims("dim", cl::desc("bind a symbolic dimension: NAME=SIZE"), cl::cat(category));
cl::opt<std::string> bind("bind", cl::desc("values of inputs that become constants: .npz, arrays named after them"),
                          cl::cat(category));
cl::opt<bool> coverage("coverage", cl::desc("say how each operator of the model is handled, and compile nothing"),
                       cl::cat(category));
cl::opt<bool> listOperators("list-operators", cl::desc("list the operators that can be imported (docs/Operators.md)"),
                            cl::cat(category));
cl::opt<std::string> report("report",
                            cl::desc("print the report, or write it to a file: .html is a page with charts, "
                                     ".json the data, any other name text"),
                            cl::ValueOptional, cl::cat(category));

int fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "qcc") << message << "\n";
  return 1;
}

qc::PipelineOptions getPipelineOptions() {
  qc::PipelineOptions options;
#define QC_OPTION(type, variable, member, name, value, description) options.member = variable;
#include "qc/Transforms/PipelineOptions.def"
  qc::setMode(options, mode);
  if (pareto && paretoOut.empty() && !output.empty() && output != "-")
    options.precision.paretoOut =
        llvm::StringRef(output).drop_back(llvm::sys::path::extension(output).size()).str() + ".pareto.json";
  options.keepCurves = qc::isReportPage(report);
  if (!measureErrors.getNumOccurrences() && qc::isReportPage(report) && !calib.empty())
    options.measureErrors = 32;
  options.without = without;
  return options;
}

/// The value of a budget's option.
double getBudget(const cl::Option &option) {
  for (const cl::opt<int64_t> *each : {&maxWeightBytes, &maxFlash, &maxArena})
    if (each == &option)
      return double(each->getValue());
  for (const cl::opt<double> *each : {&maxLatency, &maxAce, &maxBops, &maxDrop})
    if (each == &option)
      return each->getValue();
  return 0;
}

/// True if the user gave the option of that name.
bool isGiven(llvm::StringRef option) {
  auto found = cl::getRegisteredOptions().find(option);
  return found != cl::getRegisteredOptions().end() && found->second->getNumOccurrences() > 0;
}

/// All impossible options at once; `options` with what a profile sets.
std::vector<std::string> findProblems(qc::PipelineOptions &options) {
  std::vector<std::string> problems;
  if (input.empty())
    problems.push_back("no input: give a .onnx or .mlir file");
  for (const std::string &problem : qc::applyProfile(options, isGiven))
    problems.push_back("-" + problem);
  for (const std::string &problem : qc::checkOptions(options))
    problems.push_back("-" + problem);
  if (!stopAfter.empty() && !qc::parseStage(stopAfter))
    problems.push_back("-stop-after=" + stopAfter + ": use one of " + qc::getStageNames(/*withBundle=*/true));
  bool isFloat = options.float32;
  std::string inMode = "-mode=" + mode;
  if (isFloat && options.integerOnly && quantProfile.empty())
    problems.push_back("-integer-only contradicts " + inMode);
  if (isFloat && !constraints.empty())
    problems.push_back("-constraints gives code types, which " + inMode + " does not have: drop it" +
                       (mode == "weight-only" ? "; -weights=iN,kind=iN names kinds of layers" : ""));
  if (isFloat && !state.empty() && !(mode == "weight-only" && rounding != "nearest"))
    problems.push_back("-state is for samples, which " + inMode + " has no use for: drop it; qrun -state feeds states back");
  bool hasRanges = !ranges.empty() || !dumpRanges.empty();
  if (mode == "weight-only") {
    if (hasRanges)
      problems.push_back(inMode + " compiles without ranges: drop -ranges and -dump-ranges");
    if (!calib.empty() && rounding == "nearest")
      problems.push_back(inMode + " uses no samples for rounding=nearest: drop -calib, or give -rounding=sequential");
  } else if (isFloat && (hasRanges || !calib.empty())) {
    problems.push_back(inMode + " compiles without calibration: drop -calib, -ranges and -dump-ranges");
  }
  if (isFloat)
    for (const cl::Option *option : std::initializer_list<const cl::Option *>{&activations, &productActivations, &pairSafe})
      if (option->getNumOccurrences())
        problems.push_back(
            ("-" + option->ArgStr + " is for codes of activations, which " + inMode + " does not have: drop it").str());
  if (rounding == "adaround" && order.getNumOccurrences())
    problems.push_back("-order is for -rounding=sequential: adaround takes all inputs at once; drop one of them");
  if (migrate == "off" && migrationStrength.getNumOccurrences())
    problems.push_back("-migration-strength needs -migrate");
  if (rounding == "nearest")
    for (const cl::Option *option :
         std::initializer_list<const cl::Option *>{&order, &progressive, &biasCorrection, &sensitivity, &damping, &coupling,
                                                   &calibAugment, &learnSteps, &roundingMemory})
      if (option->getNumOccurrences())
        problems.push_back(("-" + option->ArgStr + " is for methods that use samples: give one with -rounding").str());
  for (const cl::Option *option :
       std::initializer_list<const cl::Option *>{&maxWeightBytes, &maxFlash, &maxArena, &maxLatency, &maxAce, &maxBops, &maxDrop})
    if (double value = option->getNumOccurrences() ? getBudget(*option) : 0; value < 0)
      problems.push_back(("-" + option->ArgStr + ": use a number of 0 or more").str());
  if (candidates.getNumOccurrences() && !getPipelineOptions().precision.isWanted())
    problems.push_back("-candidates is for mixed precision: give a budget, -max-drop, -minimize or -pareto");
  if (clockMhz.getNumOccurrences() && maxLatency < 0 && minimize != "latency")
    problems.push_back("-clock-mhz needs -max-latency-us or -minimize=latency");
  if (taskOverhead.getNumOccurrences() && threads == 1)
    problems.push_back("-task-overhead needs -threads");
  if (!dumpRanges.empty() && calib.empty())
    problems.push_back("-dump-ranges needs -calib");
  return problems;
}

std::optional<qc::ImportOptions> getImportOptions() {
  qc::ImportOptions options;
  options.bind = bind;
  for (llvm::StringRef dim : dims) {
    auto [key, value] = dim.rsplit('=');
    int64_t size;
    if (key.empty() || value.getAsInteger(10, size) || size < 1) {
      fail("-dim=" + dim + ": use NAME=SIZE with a positive size");
      return std::nullopt;
    }
    options.dims[key.str()] = size;
  }
  return options;
}

/// Reads the model; `stage` is where it stands.
OwningOpRef<ModuleOp> load(MLIRContext &context, qc::Stage &stage) {
  stage = qc::Stage::Import;
  if (llvm::sys::path::extension(input) != ".mlir") {
    auto options = getImportOptions();
    return options ? qc::importONNX(input, context, *options) : nullptr;
  }
  llvm::SourceMgr sources;
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(input);
  if (!buffer) {
    fail("cannot read '" + input + "': " + buffer.getError().message());
    return nullptr;
  }
  sources.AddNewSourceBuffer(std::move(*buffer), {});
  SourceMgrDiagnosticHandler handler(sources, &context);
  auto module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return nullptr;
  if (auto mark = (*module)->getAttrOfType<StringAttr>("qc.stage")) {
    auto marked = qc::parseStage(mark);
    if (!marked) {
      fail("'" + input + "': unknown stage '" + mark.getValue() + "' in qc.stage");
      return nullptr;
    }
    stage = *marked;
  }
  return module;
}

LogicalResult runStages(ModuleOp module, qc::Stage from, qc::Stage to, const qc::PipelineOptions &options) {
  if (to <= from)
    return success();
  PassManager pm(module.getContext());
  qc::buildPipeline(pm, from, to, options);
  return pm.run(module);
}

std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OpPrintingFlags flags;
  flags.enableDebugInfo(true);
  module.print(os, flags);
  os << "\n";
  return text;
}

/// `used`: with what a profile has set.
llvm::json::Object describeOptions(const qc::PipelineOptions &used) {
  llvm::json::Object options{{"mode", mode.getValue()},
                             {"requant", used.requant},
                             {"weights", used.weights},
                             {"activations", used.activations},
                             {"pair_safe", pairSafe.getValue()},
                             {"integer_only", used.integerOnly},
                             {"drop_softmax", dropSoftmax.getValue()}};
  if (!used.quantProfile.empty())
    options["quant_profile"] = llvm::sys::path::filename(used.quantProfile);
  if (used.weightGranularity != "channel")
    options["weight_granularity"] = used.weightGranularity;
  if (!used.zeroPoints)
    options["zero_points"] = false;
  if (equalize)
    options["equalize"] = true;
  if (rotate != "off")
    options["rotate"] = rotate.getValue();
  if (migrate != "off")
    options["migrate"] = migrate.getValue(), options["migration_strength"] = migrationStrength.getValue();
  if (rounding != "nearest") {
    options["rounding"] = rounding.getValue();
    options["order"] = order.getValue();
    options["progressive"] = progressive.getValue();
    options["bias_correction"] = biasCorrection.getValue();
    options["sensitivity"] = sensitivity.getValue();
    options["damping"] = damping.getValue();
    options["coupling"] = coupling.getValue();
    if (!calibAugment.empty())
      options["calib_augment"] = calibAugment.getValue();
    if (learnSteps)
      options["learn_steps"] = int64_t(learnSteps);
  }
  if (const qc::PrecisionOptions precision = getPipelineOptions().precision; precision.isWanted()) {
    options["candidates"] = candidates.getValue();
    if (!activationCandidates.empty())
      options["activation_candidates"] = activationCandidates.getValue();
    if (slices > 1)
      options["slices"] = int64_t(slices);
    if (!minimize.empty())
      options["minimize"] = minimize.getValue();
    for (const cl::Option *option : std::initializer_list<const cl::Option *>{&maxWeightBytes, &maxFlash, &maxArena, &maxLatency,
                                                                              &maxAce, &maxBops, &maxDrop})
      if (option->getNumOccurrences()) {
        std::string key = option->ArgStr.str();
        std::replace(key.begin(), key.end(), '-', '_');
        options[key] = getBudget(*option);
      }
    if (pareto)
      options["pareto"] = int64_t(pareto);
  }
  if (!productActivations.empty())
    options["product_activations"] = productActivations.getValue();
  if (!constraints.empty())
    options["constraints"] = llvm::sys::path::filename(constraints);
  if (!state.empty())
    options["state"] = state.getValue(), options["reset_every"] = int64_t(resetEvery);
  if (stateInArena)
    options["state_in_arena"] = true;
  if (!decode.empty())
    options["decode"] = decode.getValue();
  if (!streaming.empty())
    options["streaming"] = streaming.getValue();
  if (used.activationForm != "auto")
    options["activation_form"] = used.activationForm;
  if (pieces)
    options["pieces"] = int64_t(pieces);
  if (maxActivationError >= 0)
    options["max_activation_error"] = maxActivationError.getValue();
  if (!without.empty())
    options["without"] = llvm::json::Array(std::vector<std::string>(without));
  if (threads > 1)
    options["threads"] = int64_t(threads), options["task_overhead"] = int64_t(taskOverhead);
  if (!calib.empty()) {
    options["calibrator"] = calibrator.getValue();
    options["calib"] = llvm::sys::path::filename(calib);
  }
  if (!ranges.empty())
    options["ranges"] = llvm::sys::path::filename(ranges);
  return options;
}

int writeText(llvm::StringRef text, llvm::StringRef path) {
  if (path.empty() || path == "-") {
    llvm::outs() << text;
    return 0;
  }
  if (llvm::Error error = qc::writeFiles({{path.str(), text.str()}}))
    return fail(llvm::toString(std::move(error)));
  return 0;
}

int printCoverage(MLIRContext &context) {
  auto options = getImportOptions();
  if (!options)
    return 1;
  auto found = qc::coverONNX(input, context, *options);
  return failed(found) ? 1 : writeText(qc::makeCoverage(*found, mode != "int"), output);
}

int compileModel() {
  if (listOperators)
    return writeText(qc::describeOperators(), output);
  qc::PipelineOptions options = getPipelineOptions();
  if (auto problems = findProblems(options); !problems.empty()) {
    for (const std::string &problem : problems)
      fail(problem);
    return 1;
  }
  auto target = qc::getTarget(targetName, cpu, features);
  if (!target)
    return fail(llvm::toString(target.takeError()));
  if (mode != "int" && !target->hasFpu)
    return fail("-mode=" + mode + ": target " + targetName + " has no floating-point unit");
  if (!stopAfter.empty() && *qc::parseStage(stopAfter) != qc::Stage::Bundle)
    emit = EmitKind::MLIR;
  qc::Stage stop = stopAfter.empty() ? qc::Stage::Bundle : *qc::parseStage(stopAfter);
  if (emit == EmitKind::MLIR && stop == qc::Stage::Bundle)
    stop = qc::Stage::LLVM;
  if (emit == EmitKind::Object && !coverage && (output.empty() || output == "-"))
    return fail("give the object's place with -o file.o");

  DialectRegistry registry;
  registry.insert<qc::QCDialect, func::FuncDialect, quant::QuantDialect>();
  qc::registerLoweringDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  context.loadDialect<qc::QCDialect, func::FuncDialect, quant::QuantDialect>();
  qc::BundleInfo info;
  qc::Stage at = qc::Stage::Import;
  llvm::StringRef running;
  // Remarks are for the report; errors reach the user with the node's name.
  context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Remark) {
      info.remarks.push_back({running.str(), qc::getLocName(diagnostic.getLocation()).str(), diagnostic.str()});
      return success();
    }
    auto place = [](Location location) {
      llvm::StringRef node = qc::getLocName(location);
      if (auto named = dyn_cast<NameLoc>(location))
        if (llvm::StringRef inner = qc::getLocName(named.getChildLoc()); !inner.empty())
          node = inner;
      return node.empty() ? std::string() : "'" + node.str() + "': ";
    };
    auto &os = diagnostic.getSeverity() == DiagnosticSeverity::Error ? llvm::WithColor::error(llvm::errs(), "qcc")
                                                                     : llvm::WithColor::warning(llvm::errs(), "qcc");
    os << place(diagnostic.getLocation()) << diagnostic << "\n";
    for (Diagnostic &note : diagnostic.getNotes())
      llvm::WithColor::note(llvm::errs(), "qcc") << place(note.getLocation()) << note << "\n";
    return success();
  });

  if (coverage)
    return printCoverage(context);

  OwningOpRef<ModuleOp> module = load(context, at);
  if (!module)
    return 1;
  if (emit == EmitKind::Object && at > qc::Stage::Integer)
    return fail(input + " is at stage '" + qc::getStageName(at) +
                "', where inputs, outputs and layers of the network are no longer known: an object is made from stage "
                "'integer' or one before it; -emit=asm and -emit=llvm take any");

  options.indexBits = target->indexBits;
  options.isa = qc::selectIsa(*target).name.str();
  if (!clockMhz.getNumOccurrences())
    options.precision.clock = qc::getClockMHz(*target);

  options.measureConstants = [&](ModuleOp lowered) -> llvm::Expected<int64_t> {
    qc::CodeGenOptions codegen;
    codegen.prefix = "network";
    auto object = qc::compile(lowered, *target, codegen);
    if (!object)
      return object.takeError();
    auto sizes = qc::measureObject(*object);
    if (!sizes)
      return sizes.takeError();
    return sizes->constants;
  };

  info.name = qc::toIdentifier(!name.empty() ? llvm::StringRef(name) : llvm::sys::path::stem(output.empty() ? input : output));
  info.model = llvm::sys::path::filename(input).str();
  info.target = *target;
  info.options = describeOptions(options);

  // The report reads each fact at the stage where it still stands in the IR.
  auto advance = [&](qc::Stage to) {
    to = std::min(to, stop);
    running = qc::getStageName(to);
    LogicalResult result = runStages(*module, at, to, options);
    at = std::max(at, to);
    return result;
  };
  if (failed(advance(qc::Stage::Quantized)))
    return 1;
  if (at == qc::Stage::Quantized) {
    qc::collectTensors(*module, info);
    qc::collectErrors(*module, info);
    qc::collectPrecision(*module, info);
  }
  if (failed(advance(qc::Stage::Integer)))
    return 1;
  if (at == qc::Stage::Integer && stop > qc::Stage::Integer) {
    if (!target->hasFpu)
      if (auto wrapper = module->lookupSymbol<func::FuncOp>("run_f32"))
        wrapper.erase();
    qc::collectProgram(*module, info);
    if (!target->hasFpu && !info.floatOps.empty())
      return fail("target " + targetName + " has no floating-point unit, but operations stay in float; -integer-only lists them");
  }
  if (failed(advance(qc::Stage::Packed)))
    return 1;
  if (at == qc::Stage::Packed)
    qc::collectKernels(*module, info);
  if (failed(advance(qc::Stage::Buffers)))
    return 1;
  if (at == qc::Stage::Buffers) {
    qc::collectArena(*module, info);
    qc::collectSchedule(*module, info);
  }
  if (failed(advance(qc::Stage::Vector)))
    return 1;
  if (at == qc::Stage::Vector)
    qc::collectCallees(*module, info);
  if (failed(advance(qc::Stage::LLVM)))
    return 1;
  if (emit == EmitKind::MLIR)
    return writeText(print(*module), output);

  qc::CodeGenOptions codegen;
  codegen.emit = emit == EmitKind::Object ? qc::Emit::Object : emit == EmitKind::Assembly ? qc::Emit::Assembly : qc::Emit::LLVM;
  codegen.prefix = info.name;
  codegen.entry = info.step ? "step" : "run";
  codegen.interface = qc::makeInterface(info);
  auto code = qc::compile(*module, *target, codegen);
  if (!code)
    return fail(llvm::toString(code.takeError()));
  if (emit != EmitKind::Object)
    return writeText(*code, output);
  auto sizes = qc::measureObject(*code);
  if (!sizes)
    return fail(llvm::toString(sizes.takeError()));
  info.codeBytes = sizes->code;
  info.constantBytes = sizes->constants;
  if (maxFlash >= 0 && info.constantBytes > maxFlash)
    return fail("-max-flash=" + llvm::Twine(int64_t(maxFlash)) + ": the object has " + llvm::Twine(info.constantBytes) +
                " bytes of constants; give " + llvm::Twine(info.constantBytes - maxFlash) + " bytes less as the budget");
  const qc::Entry &entry = info.run.present ? info.run : info.runF32;
  if (maxArena >= 0 && entry.arenaBytes > maxArena)
    return fail("-max-arena=" + llvm::Twine(int64_t(maxArena)) + ": the object needs an arena of " +
                llvm::Twine(entry.arenaBytes) + " bytes; give " + llvm::Twine(entry.arenaBytes - maxArena) +
                " bytes less as the budget");

  llvm::SmallString<128> stem(output.getValue());
  llvm::sys::path::replace_extension(stem, "");
  std::string base = stem.str().str();
  std::vector<std::pair<std::string, std::string>> files{
      {output, *code}, {base + ".h", qc::makeHeader(info)}, {base + ".json", qc::makeReport(info)}};
  if (report.getNumOccurrences() && !report.empty()) {
    bool json = llvm::sys::path::extension(report).equals_insensitive(".json");
    files.push_back({report, qc::isReportPage(report) ? qc::makeReportPage(qc::describeReport(info))
                             : json                   ? qc::makeReport(info)
                                                      : qc::makeSummary(info)});
  }
  if (llvm::Error error = qc::writeFiles(files))
    return fail(llvm::toString(std::move(error)));
  if (report.getNumOccurrences() && report.empty())
    llvm::outs() << qc::makeSummary(info);
  return 0;
}
} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << "qcc " QCC_VERSION " (LLVM " LLVM_VERSION_STRING ")\n"; });
  cl::ParseCommandLineOptions(argc, argv, "qcc: quantizing compiler, from ONNX to integer-only object files\n");
  return compileModel();
}
