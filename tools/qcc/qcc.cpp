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
cl::opt<std::string> calib("calib", cl::desc("calibration samples: .npz, one array [N] + shape per input"), cl::cat(category));
cl::opt<std::string> ranges("ranges", cl::desc("range file (.json); overrides -calib where it names a tensor"),
                            cl::cat(category));
cl::opt<std::string> dumpRanges("dump-ranges", cl::desc("write the calibrated ranges to this file"), cl::cat(category));
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
cl::opt<std::string> calibrator("calibrator", cl::desc("minmax, percentile, mse (default) or entropy"), cl::init("mse"),
                                cl::cat(category));
cl::opt<double> percentile("percentile", cl::desc("for -calibrator=percentile (default 99.99)"), cl::init(99.99),
                           cl::cat(category));
cl::opt<std::string> requant("requant", cl::desc("onnx (default), ort, tflite-double, tflite-single or pow2"), cl::init("onnx"),
                             cl::cat(category));
cl::opt<std::string> constraints("constraints", cl::desc("code types of single tensors (.json)"), cl::cat(category));
cl::opt<std::string> state("state", cl::desc("streaming networks: outputs that are the next sample's inputs"),
                           cl::value_desc("in:out,..."), cl::cat(category));
cl::opt<unsigned> resetEvery("reset-every", cl::desc("for -state: calibration samples of one sequence (default: all)"),
                             cl::value_desc("K"), cl::cat(category));
cl::opt<bool> stateInArena("state-in-arena",
                           cl::desc("for -state: states lie in the arena; <name>_reset sets them to their start"),
                           cl::cat(category));
cl::opt<std::string> decode("decode",
                            cl::desc("of a causal network of whole sequences, the function of one token: <name>_step. The input "
                                     "with the tokens; axis: the last one longer than 1"),
                            cl::value_desc("input[:axis]"), cl::cat(category));
cl::opt<std::string> streaming("streaming",
                               cl::desc("of a causal convolutional network of whole sequences, the function of one frame: "
                                        "<name>_step. The input with the frames; axis: the last one longer than 1"),
                               cl::value_desc("input[:axis]"), cl::cat(category));
cl::opt<bool> integerOnly("integer-only", cl::desc("refuse a network that would keep float operations"), cl::cat(category));
cl::opt<bool> dropSoftmax("drop-softmax", cl::desc("remove a softmax at the very end: results are logits"), cl::cat(category));
cl::opt<std::string> activationForm("activation-form",
                                    cl::desc("activations as table or pwl (straight pieces); auto (default): table up to 8 bits, "
                                             "for 16 bits what is cheapest within the bound"),
                                    cl::init("auto"), cl::cat(category));
cl::opt<unsigned> pieces("pieces",
                         cl::desc("for -activation-form=pwl: pieces of each activation (default: as few as meet the bound)"),
                         cl::init(0), cl::cat(category));
cl::opt<double>
    maxActivationError("max-activation-error",
                       cl::desc("largest error of an activation in codes of its result (default 1 up to 8 bits, 2 for 16)"),
                       cl::init(-1), cl::cat(category));
cl::opt<std::string> activationWeights(
    "activation-weights",
    cl::desc("knots of pieces for the least squares of all codes alike (uniform, default) or of the values that "
             "calibration saw (histogram); the error bound is the same"),
    cl::init("uniform"), cl::cat(category));
cl::opt<std::string> normalize("normalize",
                               cl::desc("exact (default), or mad: layer and root-mean-square normalization by mean magnitudes"),
                               cl::init("exact"), cl::cat(category));
cl::opt<std::string> plotActivations("plot-activations",
                                     cl::desc("write a plot of each activation and its error into this folder"),
                                     cl::cat(category));
cl::opt<std::string> mode("mode", cl::desc("int (default); in f32: f32, weight-only, dynamic or fp16 (docs/Modes.md)"),
                          cl::init("int"), cl::cat(category));
cl::opt<std::string>
    weights("weights",
            cl::desc("code of weights: iN, N in 2..8 or 16, iN/G, or b1 (default i8), then others for kinds of layers: "
                     "depthwise, pointwise, dense, first, last"),
            cl::value_desc("code[,kind=code...]"), cl::init("i8"), cl::cat(category));
cl::opt<std::string> quantProfile("quant-profile",
                                  cl::desc("what the hardware can do: the name of a hardware profile, or a .json file; sets "
                                           "options, and refuses networks that it cannot run (docs/Profiles.md)"),
                                  cl::value_desc("name|file.json"), cl::cat(category));
cl::opt<std::string> weightGranularity("weight-granularity", cl::desc("one scale of weights per channel (default) or tensor"),
                                       cl::init("channel"), cl::cat(category));
cl::opt<bool> zeroPoints("zero-points", cl::desc("activations may have zero points (default true)"), cl::init(true),
                         cl::cat(category));
cl::opt<bool> equalize("equalize", cl::desc("move scales of channels between layers until their weights have like ranges"),
                       cl::cat(category));
cl::opt<std::string>
    migrate("migrate",
            cl::desc("move scales between activations and weights by the samples of -calib: off (default), smooth "
                     "or awq"),
            cl::init("off"), cl::cat(category));
cl::opt<std::string>
    rotate("rotate", cl::desc("turn channels between linear layers: off (default), hadamard, or eigen (of what samples bring)"),
           cl::init("off"), cl::cat(category));
cl::opt<double> migrationStrength("migration-strength", cl::desc("for -migrate: exponent, 0 to 1 (default 0.5)"), cl::init(0.5),
                                  cl::cat(category));
cl::opt<std::string> rounding(
    "rounding",
    cl::desc("how weights become codes: nearest (default); by the samples of -calib: sequential, adaround, brecq, qdrop"),
    cl::init("nearest"), cl::cat(category));
cl::opt<std::string> order("order", cl::desc("for -rounding=sequential: of inputs; natural, activation or importance (default)"),
                           cl::init("importance"), cl::cat(category));
cl::opt<bool> progressive("progressive",
                          cl::desc("for -rounding by samples: each layer sees the quantized ones before it (default true)"),
                          cl::init(true), cl::cat(category));
cl::opt<bool> biasCorrection("bias-correction",
                             cl::desc("for -rounding by samples: biases take up differences of means (default true)"),
                             cl::init(true), cl::cat(category));
cl::opt<double>
    sensitivity("sensitivity",
                cl::desc("for -rounding by samples: how far positions count by what they do to the network's result, 0 to "
                         "1 (default 0.7)"),
                cl::init(0.7), cl::cat(category));
cl::opt<double> damping("damping",
                        cl::desc("for -rounding by samples: part of the mean moment added to each (default 0: inputs "
                                 "over rows of samples, at least 0.01)"),
                        cl::init(0), cl::cat(category));
cl::opt<double> coupling("coupling",
                         cl::desc("for -rounding by samples: how far errors of a layer's output channels count together, 0 to "
                                  "less than 1 (default 0: each by itself)"),
                         cl::init(0), cl::cat(category));
cl::opt<std::string> calibAugment("calib-augment",
                                  cl::desc("for -rounding by samples, images: copies of them, mirror, zoom and shift, by commas"),
                                  cl::init(""), cl::cat(category));
cl::opt<unsigned> learnSteps("learn-steps",
                             cl::desc("for -rounding by samples: turns through them in which the scales and biases of all layers "
                                      "move for the network's result (default 0: none)"),
                             cl::init(0), cl::cat(category));
cl::opt<unsigned> roundingMemory("rounding-memory",
                                 cl::desc("for -rounding by samples: MiB for their values between two layers (default 2048)"),
                                 cl::init(2048), cl::cat(category));
// Mixed precision: bits of each layer's weights under budgets.
cl::opt<std::string>
    minimize("minimize",
             cl::desc("mixed precision: loss (default with budgets for costs), weight-bytes (default with -max-drop "
                      "alone), flash, arena, latency, ace or bops"),
             cl::cat(category));
cl::opt<std::string>
    candidates("candidates",
               cl::desc("bits that a layer's weights may get, 2 to 4 also with groups: 4/32 (default 2,3,4,5,6,8,16)"),
               cl::init("2,3,4,5,6,8,16"), cl::cat(category));
cl::opt<std::string>
    activationCandidates("activation-candidates",
                         cl::desc("bits that a tensor of activations may get, as in 8,16 (default: those of -activations)"),
                         cl::cat(category));
cl::opt<unsigned>
    slices("slices", cl::desc("mixed precision: runs of a layer's output channels with bits of their own, at most (default 1)"),
           cl::init(1), cl::cat(category));
cl::opt<int64_t> maxWeightBytes("max-weight-bytes", cl::desc("mixed precision: at most so many bytes of packed weights"),
                                cl::init(-1), cl::cat(category));
cl::opt<int64_t> maxFlash("max-flash", cl::desc("mixed precision: at most so many bytes of constants"), cl::init(-1),
                          cl::cat(category));
cl::opt<int64_t> maxArena("max-arena", cl::desc("mixed precision: at most so many bytes of arena"), cl::init(-1),
                          cl::cat(category));
cl::opt<double> maxLatency("max-latency-us", cl::desc("mixed precision: at most so many microseconds by the cost model"),
                           cl::init(-1), cl::cat(category));
cl::opt<double> clockMhz("clock-mhz",
                         cl::desc("for -max-latency-us: cycles in a microsecond (default: that of the target in the report)"),
                         cl::init(0), cl::cat(category));
cl::opt<double> maxAce("max-ace", cl::desc("mixed precision: at most so much arithmetic computation effort"), cl::init(-1),
                       cl::cat(category));
cl::opt<double> maxBops("max-bops", cl::desc("mixed precision: at most so many bit operations"), cl::init(-1), cl::cat(category));
cl::opt<double> maxDrop("max-drop",
                        cl::desc("mixed precision: at most so many points of agreement with the float network's largest result "
                                 "lost, on calibration samples held out"),
                        cl::init(-1), cl::cat(category));
cl::opt<unsigned> pareto("pareto", cl::desc("mixed precision: so many points from the fewest bytes of weights to the most"),
                         cl::init(0), cl::cat(category));
cl::opt<std::string> paretoOut("pareto-out", cl::desc("for -pareto: file for the points (default: <stem of -o>.pareto.json)"),
                               cl::cat(category));
cl::opt<std::string> productActivations("product-activations",
                                        cl::desc("code type of what products of two activations read (default: as -activations)"),
                                        cl::cat(category));
cl::opt<std::string> activations("activations", cl::desc("code type of activations: iN or uN (default i8)"), cl::init("i8"),
                                 cl::cat(category));
cl::opt<std::string> pairSafe("pair-safe",
                              cl::desc("off (default), or shrink: larger scales where they make pairs of weights safe"),
                              cl::init("off"), cl::cat(category));
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
cl::opt<unsigned> threads("threads", cl::desc("most threads of the caller that may run at once, 1 (default) to 64"), cl::init(1),
                          cl::cat(category));
cl::opt<unsigned> taskOverhead("task-overhead",
                               cl::desc("for -threads: cycles to hand tasks out and wait for the last one (default 6000)"),
                               cl::init(6000), cl::cat(category));
cl::opt<std::string> report("report",
                            cl::desc("print the report, or write it to a file: .html is a page with charts, "
                                     ".json the data, any other name text"),
                            cl::ValueOptional, cl::cat(category));

cl::opt<int64_t>
    measureErrors("measure-errors",
                  cl::desc("what quantization costs at each tensor, on the first N samples of -calib, for the report "
                           "(default: 32 with -report=x.html, else 0: not measured)"),
                  cl::value_desc("N"), cl::init(0), cl::cat(category));

int fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "qcc") << message << "\n";
  return 1;
}

qc::PipelineOptions getPipelineOptions() {
  qc::PipelineOptions options;
  qc::setMode(options, mode);
  options.activations = activations;
  options.productActivations = productActivations;
  options.weights = weights;
  options.weightGranularity = weightGranularity;
  options.zeroPoints = zeroPoints;
  options.quantProfile = quantProfile;
  options.equalize = equalize;
  options.rotate = rotate;
  options.migrate = migrate;
  options.migrationStrength = migrationStrength;
  options.rounding = rounding;
  options.order = order;
  options.progressive = progressive;
  options.biasCorrection = biasCorrection;
  options.sensitivity = sensitivity;
  options.damping = damping;
  options.coupling = coupling;
  options.augment = calibAugment;
  options.learnSteps = learnSteps;
  options.roundingMemory = roundingMemory;
  options.precision.minimize = minimize;
  options.precision.candidates = candidates;
  options.precision.activationCandidates = activationCandidates;
  options.precision.slices = slices;
  options.precision.maxWeightBytes = maxWeightBytes;
  options.precision.maxFlash = maxFlash;
  options.precision.maxArena = maxArena;
  options.precision.maxLatency = maxLatency;
  if (clockMhz.getNumOccurrences())
    options.precision.clock = clockMhz;
  options.precision.maxAce = maxAce;
  options.precision.maxBops = maxBops;
  options.precision.maxDrop = maxDrop;
  options.precision.pareto = pareto;
  options.precision.paretoOut = paretoOut;
  if (pareto && paretoOut.empty() && !output.empty() && output != "-")
    options.precision.paretoOut =
        llvm::StringRef(output).drop_back(llvm::sys::path::extension(output).size()).str() + ".pareto.json";
  options.pairSafe = pairSafe;
  options.requant = requant;
  options.calibrator = calibrator;
  options.percentile = percentile;
  options.samples = calib;
  options.ranges = ranges;
  options.dumpRanges = dumpRanges;
  options.constraints = constraints;
  options.state = state;
  options.resetEvery = resetEvery;
  options.stateInArena = stateInArena;
  options.decode = decode;
  options.streaming = streaming;
  options.integerOnly = integerOnly;
  options.dropSoftmax = dropSoftmax;
  options.activationForm = activationForm;
  options.pieces = pieces;
  options.maxActivationError = maxActivationError;
  options.activationWeights = activationWeights;
  options.normalize = normalize;
  options.plotActivations = plotActivations;
  options.keepCurves = qc::isReportPage(report);
  options.measureErrors = measureErrors;
  if (!measureErrors.getNumOccurrences() && qc::isReportPage(report) && !calib.empty())
    options.measureErrors = 32;
  options.without = without;
  options.threads = threads;
  options.taskOverhead = taskOverhead;
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
