// The stages in order and the passes between them.
#include "qc/Transforms/Pipelines.h"

#include "Augmentation.h"
#include "Quantizable.h"
#include "WeightCodes.h"
#include "WeightRounding.h"
#include "qc/Conversion/Lowering.h"
#include "qc/Conversion/Passes.h"
#include "qc/Target/Kernels.h"
#include "qc/Transforms/ModePasses.h"
#include "qc/Transforms/Passes.h"
#include "qc/Transforms/QuantProfile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace qc {
namespace {
constexpr std::pair<Stage, llvm::StringLiteral> stageNames[] = {
    {Stage::Import, "import"},       {Stage::Graph, "graph"},     {Stage::Annotated, "annotated"}, {Stage::QDQ, "qdq"},
    {Stage::Quantized, "quantized"}, {Stage::Integer, "integer"}, {Stage::Packed, "packed"},       {Stage::Linalg, "linalg"},
    {Stage::Buffers, "buffers"},     {Stage::Vector, "vector"},   {Stage::LLVM, "llvm"},           {Stage::Bundle, "bundle"},
};

/// Writes `qc.stage` on the module, so that a file tells where to resume, and on functions the rounding contract, which gives the
/// quantized domain its meaning.
struct MarkStage : PassWrapper<MarkStage, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MarkStage)
  MarkStage(Stage stage, StringRef requant) : stage(stage), requant(requant) {}
  void runOnOperation() override {
    getOperation()->setAttr("qc.stage", StringAttr::get(&getContext(), getStageName(stage)));
    if (!requant.empty())
      for (auto function : getOperation().getOps<func::FuncOp>())
        function->setAttr("qc.requant", StringAttr::get(&getContext(), requant));
  }
  Stage stage;
  std::string requant;
};

/// Each stage that reads samples knows which inputs follow from the sample before.
void declareStates(OpPassManager &pm, const PipelineOptions &options) {
  DeclareStatesOptions states;
  states.state = options.state;
  states.resetEvery = options.resetEvery;
  pm.addNestedPass<func::FuncOp>(createDeclareStates(states));
}

void buildGraph(OpPassManager &pm, const PipelineOptions &options) {
  auto &functions = pm.nest<func::FuncOp>();
  if (!options.float32) {
    functions.addPass(createCSEPass());
    RecognizeSubgraphsOptions recognize;
    recognize.normalize = options.normalize;
    functions.addPass(createRecognizeSubgraphs(recognize));
  }
  // Before multiplications behind contractions go into weights: here they are part of thresholds.
  functions.addPass(createStreamline());
  functions.addPass(createSimplify());
  functions.addPass(createCSEPass());
  functions.addPass(createFuseClamps());
  if (options.float32)
    return;
  functions.addPass(createFuseActivations());
  if (options.rotate == "eigen" || options.migrate != "off")
    declareStates(pm, options);
  if (options.rotate != "off") {
    RotateLayersOptions rotate;
    rotate.basis = options.rotate;
    rotate.samples = options.samples;
    rotate.memory = options.roundingMemory;
    pm.addPass(createRotateLayers(rotate));
  }
  if (options.equalize)
    pm.addNestedPass<func::FuncOp>(createEqualizeLayers());
  if (options.migrate != "off") {
    MigrateScalesOptions migrate;
    migrate.samples = options.samples;
    migrate.by = options.migrate;
    migrate.strength = options.migrationStrength;
    std::string problem;
    migrate.weights = WeightCodes::parse(options.weights, problem)->code;
    migrate.memory = options.roundingMemory;
    pm.addPass(createMigrateScales(migrate));
  }
}

void buildAnnotated(OpPassManager &pm, const PipelineOptions &options) {
  declareStates(pm, options);
  InsertObserversOptions insert;
  insert.activations = options.activations;
  insert.productActivations = options.productActivations;
  insert.constraints = options.constraints;
  insert.integerOnly = options.integerOnly;
  insert.dropSoftmax = options.dropSoftmax;
  insert.profile = options.quantProfile;
  if (options.precision.isWanted())
    insert.candidates = options.precision.activationCandidates;
  pm.addNestedPass<func::FuncOp>(createInsertObservers(insert));
  if (!options.samples.empty()) {
    CalibrateOptions calibrate;
    calibrate.samples = options.samples;
    calibrate.calibrator = options.calibrator;
    calibrate.percentile = options.percentile;
    calibrate.dump = options.dumpRanges;
    calibrate.histograms = options.activationWeights == "histogram";
    pm.addPass(createCalibrate(calibrate));
  }
  if (!options.ranges.empty()) {
    ApplyRangesOptions apply;
    apply.file = options.ranges;
    pm.addNestedPass<func::FuncOp>(createApplyRanges(apply));
  }
  pm.addNestedPass<func::FuncOp>(createUnifyRanges());
}

void verifyProfile(OpPassManager &pm, const PipelineOptions &options) {
  if (options.quantProfile.empty() || options.float32)
    return;
  VerifyProfileOptions verify;
  verify.profile = options.quantProfile;
  pm.addPass(createVerifyProfile(verify));
}

/// The method of `-rounding=`, if it needs samples.
void addReconstruction(OpPassManager &pm, const PipelineOptions &options, int64_t heldOut = 0) {
  if (options.rounding == "nearest")
    return;
  ReconstructWeightsOptions reconstruct;
  reconstruct.samples = options.samples;
  reconstruct.rounding = options.rounding;
  reconstruct.order = options.order;
  reconstruct.progressive = options.progressive;
  reconstruct.biasCorrection = options.biasCorrection;
  reconstruct.sensitivity = options.sensitivity;
  reconstruct.damping = options.damping;
  reconstruct.coupling = options.coupling;
  reconstruct.augment = options.augment;
  reconstruct.learnSteps = options.learnSteps;
  reconstruct.memory = options.roundingMemory;
  reconstruct.heldOut = unsigned(heldOut);
  reconstruct.powerOfTwo = options.requant == "pow2";
  reconstruct.granularity = options.weightGranularity;
  pm.addPass(createReconstructWeights(reconstruct));
}

void buildStage(OpPassManager &pm, Stage stage, const PipelineOptions &options) {
  bool powerOfTwo = options.requant == "pow2";
  switch (stage) {
  case Stage::Import:
  case Stage::Bundle:
    return;
  case Stage::Graph:
    return buildGraph(pm, options);
  case Stage::Annotated:
    if (!options.float32)
      buildAnnotated(pm, options);
    return;
  case Stage::QDQ:
    if (options.mode == "dynamic") {
      pm.addNestedPass<func::FuncOp>(createQuantizeDynamically());
    } else if (options.mode == "weight-only" || options.mode == "fp16") {
      StoreWeightsOptions store;
      store.weights = options.mode == "fp16" ? "f16" : options.weights;
      store.keepReals = options.rounding != "nearest";
      pm.addNestedPass<func::FuncOp>(createStoreWeights(store));
      if (store.keepReals)
        declareStates(pm, options);
      addReconstruction(pm, options);
    }
    if (!options.float32) {
      if (options.measureErrors)
        pm.addPass(createKeepFloat());
      MaterializeCastsOptions casts;
      casts.powerOfTwo = powerOfTwo;
      casts.zeroPoints = options.zeroPoints;
      pm.addNestedPass<func::FuncOp>(createMaterializeCasts(casts));
      if (options.precision.isWanted())
        pm.addPass(createAssignPrecision(options));
      buildWeightPasses(pm, options);
      if (options.measureErrors) {
        MeasureErrorsOptions measure;
        measure.samples = options.samples;
        measure.limit = options.measureErrors;
        pm.addPass(createMeasureErrors(measure));
      }
    }
    return;
  case Stage::Quantized:
    if (!options.float32)
      pm.addNestedPass<func::FuncOp>(createFoldCasts());
    return verifyProfile(pm, options);
  case Stage::Integer: {
    ApproximateActivationsOptions approximate;
    approximate.form = options.activationForm;
    approximate.pieces = options.pieces;
    approximate.maxError = options.maxActivationError;
    approximate.weights = options.activationWeights;
    approximate.curves = options.keepCurves;
    approximate.plots = options.plotActivations;
    pm.addNestedPass<func::FuncOp>(createApproximateActivations(approximate));
    pm.addNestedPass<func::FuncOp>(createInlineFunctions());
    // In f32 mode, too: casts that the model brings along are part of the network.
    LowerToIntegerOptions lower;
    lower.requant = options.requant;
    pm.addNestedPass<func::FuncOp>(createLowerToInteger(lower));
    verifyProfile(pm, options);
    // Here, where all scales are those of the whole sequence and nothing is split yet.
    DeriveStepOptions step;
    step.sequence = options.decode.empty() ? options.streaming : options.decode;
    step.bounded = !options.decode.empty();
    if (!step.sequence.empty())
      pm.addNestedPass<func::FuncOp>(createDeriveStep(step));
    SplitBoundaryOptions split;
    split.float32 = options.float32;
    split.dropSoftmax = options.dropSoftmax;
    split.integerOnly = options.integerOnly;
    pm.addPass(createSplitBoundary(split));
    if (!step.sequence.empty() || options.stateInArena)
      pm.addPass(createStatesToArena());
    pm.addNestedPass<func::FuncOp>(createCSEPass());
    return;
  }
  case Stage::Packed:
    return buildPackedPasses(pm, {options.isa, options.without, options.threads, options.taskOverhead});
  case Stage::Linalg:
    return buildLinalgPasses(pm);
  case Stage::Buffers:
    return buildBufferPasses(pm);
  case Stage::Vector:
    return buildVectorPasses(pm, options.isa);
  case Stage::LLVM:
    return buildLLVMPasses(pm, options.indexBits);
  }
}

/// PipelineOptions as pass pipeline options for qopt. Names are those of qcc's options.
struct TextOptions : PassPipelineOptions<TextOptions> {
  Option<std::string> startAfter{*this, "start-after", llvm::cl::desc("stage that the input is at"), llvm::cl::init("import")};
  Option<std::string> stopAfter{*this, "stop-after", llvm::cl::desc("stage to reach"), llvm::cl::init("llvm")};
#define QC_OPTION(type, variable, member, name, value, description)                                                              \
  Option<type> variable{*this, name, llvm::cl::desc(description), llvm::cl::value_desc(value),                                   \
                        llvm::cl::init(PipelineOptions().member)};
#include "qc/Transforms/PipelineOptions.def"
  Option<std::string> isa{*this, "isa", llvm::cl::desc("what kernels may use (row of Isas.def)"), llvm::cl::init("scalar")};
  ListOption<std::string> without{*this, "without", llvm::cl::desc("forms of kernels that are not used")};
  Option<unsigned> indexBits{*this, "index-bits", llvm::cl::desc("pointer width of the target"), llvm::cl::init(64)};
};

LogicalResult buildFromText(OpPassManager &pm, const TextOptions &text, llvm::function_ref<LogicalResult(const Twine &)> fail) {
  auto from = parseStage(text.startAfter), to = parseStage(text.stopAfter);
  if (!from || !to || *to == Stage::Bundle)
    return fail("unknown stage; use one of " + getStageNames(/*withBundle=*/false));
  PipelineOptions options;
#define QC_OPTION(type, variable, member, name, value, description) options.member = text.variable;
#include "qc/Transforms/PipelineOptions.def"
  setMode(options, text.mode);
  options.isa = text.isa;
  options.without.assign(text.without.begin(), text.without.end());
  options.indexBits = text.indexBits;
  auto isGiven = [&](StringRef option) {
#define QC_OPTION(type, variable, member, name, value, description)                                                              \
  if (option == name)                                                                                                            \
    return text.variable.getNumOccurrences() > 0;
#include "qc/Transforms/PipelineOptions.def"
    return false;
  };
  for (const std::string &problem : applyProfile(options, isGiven))
    return fail(problem);
  for (const std::string &problem : checkOptions(options))
    return fail(problem);
  buildPipeline(pm, *from, *to, options);
  return success();
}
} // namespace

void buildWeightPasses(OpPassManager &pm, const PipelineOptions &options, int64_t heldOut) {
  bool powerOfTwo = options.requant == "pow2";
  if (options.precision.slices > 1)
    pm.addNestedPass<func::FuncOp>(createSplitSlices());
  AssignWeightCodesOptions codes;
  codes.weights = options.weights;
  codes.constraints = options.constraints;
  pm.addNestedPass<func::FuncOp>(createAssignWeightCodes(codes));
  addReconstruction(pm, options, heldOut);
  QuantizeWeightsOptions weights;
  weights.powerOfTwo = powerOfTwo;
  weights.granularity = options.weightGranularity;
  weights.zeroPoints = options.zeroPoints;
  weights.pairSafe = options.pairSafe;
  pm.addNestedPass<func::FuncOp>(createQuantizeWeights(weights));
}

std::optional<Stage> parseStage(StringRef name) {
  for (auto [stage, text] : stageNames)
    if (name == text)
      return stage;
  return std::nullopt;
}

std::string getStageNames(bool withBundle) {
  std::string names;
  for (auto [stage, name] : stageNames)
    if (withBundle || stage != Stage::Bundle)
      names += (names.empty() ? "" : ", ") + name.str();
  return names;
}

/// Of the options of mixed precision.
static std::vector<std::string> checkPrecision(const PipelineOptions &options) {
  const PrecisionOptions &precision = options.precision;
  std::vector<std::string> problems;
  if (!precision.paretoOut.empty() && !precision.pareto)
    problems.push_back("pareto-out=" + precision.paretoOut + ": give the number of points with pareto");
  if (!precision.isWanted()) {
    if (!precision.activationCandidates.empty())
      problems.push_back("activation-candidates=" + precision.activationCandidates +
                         " is for mixed precision: give a budget, max-drop, minimize or pareto");
    if (precision.slices > 1)
      problems.push_back("slices=" + std::to_string(precision.slices) +
                         " is for mixed precision: give a budget, max-drop, minimize or pareto");
    return problems;
  }
  std::vector<StringRef> objectives = {"loss", "weight-bytes", "flash", "arena", "latency", "ace", "bops"};
  std::string minimize = precision.minimize;
  if (!minimize.empty() && !llvm::is_contained(objectives, minimize))
    problems.push_back("minimize=" + minimize + ": use one of " + llvm::join(objectives, ", "));
  else if (!minimize.empty() && minimize != "loss" && precision.maxDrop < 0)
    problems.push_back("minimize=" + minimize +
                       " alone gives all layers the fewest bits: say with max-drop how much may be lost");
  for (auto [name, value] : {std::pair("weight-bytes", double(precision.maxWeightBytes)),
                             {"flash", double(precision.maxFlash)},
                             {"arena", double(precision.maxArena)},
                             {"latency", precision.maxLatency},
                             {"ace", precision.maxAce},
                             {"bops", precision.maxBops}})
    if (minimize == name && value >= 0)
      problems.push_back(std::string("minimize=") + name + " contradicts the budget for it: drop one of them");
  if (precision.maxDrop > 100)
    problems.push_back("max-drop: use points of agreement, 0 to 100");
  if (!(precision.clock > 0))
    problems.push_back("clock-mhz: use a number above 0");
  if (precision.pareto == 1 || precision.pareto > 64)
    problems.push_back("pareto=" + std::to_string(precision.pareto) + ": use 2 to 64 points");
  llvm::DenseSet<StringRef> widths;
  for (StringRef part : llvm::split(precision.candidates, ',')) {
    auto [bits, group] = part.split('/');
    const RoundingMethod *method = findRoundingMethod(options.rounding);
    if (!isWeightCode(("i" + part).str()))
      problems.push_back("candidates=" + precision.candidates +
                         ": use bits of 2..8 or 16, 2 to 4 also with groups of inputs, as in 2/32,4,8");
    else if (!widths.insert(bits).second)
      problems.push_back("candidates=" + precision.candidates + " names " + bits.str() + " bits twice: keep one of them");
    else if (!group.empty() && method && !method->anyLevels)
      problems.push_back("candidates=" + precision.candidates + " with groups, and rounding=" + options.rounding +
                         ", which chooses between neighbouring integers: use rounding=nearest or rounding=sequential");
  }
  if (precision.slices < 1 || precision.slices > 64)
    problems.push_back("slices=" + std::to_string(precision.slices) + ": use 1 (whole layers) to 64");
  if (!precision.activationCandidates.empty() && isCodeType(options.activations, /*isWeight=*/false)) {
    SmallVector<StringRef> all;
    StringRef(precision.activationCandidates).split(all, ',');
    StringRef given = StringRef(options.activations).drop_front();
    if (!llvm::all_of(all, [](StringRef bits) { return isCodeType(("i" + bits).str(), /*isWeight=*/false); }))
      problems.push_back("activation-candidates=" + precision.activationCandidates + ": use bits of 2..8 or 16, as in 8,16");
    else if (!llvm::is_contained(all, given))
      problems.push_back("activation-candidates=" + precision.activationCandidates +
                         " lacks the bits of activations=" + options.activations + ": add " + given.str());
  }
  if (options.float32)
    problems.push_back("budgets for the bits of weights mean nothing to mode=" + options.mode + ": drop them");
  else if (options.samples.empty())
    problems.push_back("budgets for the bits of weights need calibration samples, which tell what fewer bits lose: give calib");
  return problems;
}

ArrayRef<StringRef> getModes() {
  static const StringRef modes[] = {"int", "f32", "weight-only", "dynamic", "fp16"};
  return modes;
}

void setMode(PipelineOptions &options, StringRef mode) {
  options.mode = mode.str();
  options.float32 = mode != "int" && llvm::is_contained(getModes(), mode);
}

std::vector<std::string> checkOptions(const PipelineOptions &options) {
  std::vector<std::string> problems;
  std::string mode = "mode=" + options.mode;
  auto oneOf = [&](StringRef option, StringRef value, ArrayRef<StringRef> choices) {
    if (!llvm::is_contained(choices, value))
      problems.push_back((option + "=" + value + ": use one of " + llvm::join(choices, ", ")).str());
  };
  oneOf("mode", options.mode, getModes());
  bool isStored = options.mode == "weight-only";
  if (options.weights != "i8" && (options.mode == "dynamic" || options.mode == "fp16" || options.mode == "f32"))
    problems.push_back("weights=" + options.weights + ": " + mode + " has weights of " +
                       (options.mode == "dynamic" ? "i8"
                        : options.mode == "fp16"  ? "f16"
                                                  : "f32") +
                       " only; mode=weight-only stores others");
  oneOf("calibrator", options.calibrator, {"minmax", "percentile", "mse", "entropy"});
  if (!findIsa(options.isa))
    problems.push_back("isa=" + options.isa + ": use one of " + getIsaNames());
  oneOf("requant", options.requant, {"onnx", "ort", "tflite-double", "tflite-single", "pow2"});
  oneOf("pair-safe", options.pairSafe, {"off", "shrink"});
  std::vector<std::string> forms = getKernelFormNames();
  for (const std::string &form : options.without)
    oneOf("without", form, SmallVector<StringRef>(forms.begin(), forms.end()));
  oneOf("weight-granularity", options.weightGranularity, {"channel", "tensor"});
  if (options.weightGranularity == "tensor" && options.float32 && options.quantProfile.empty())
    problems.push_back("weight-granularity=tensor: " + mode + " has scales of channels: drop it");
  if (options.pairSafe == "shrink" && options.weightGranularity == "tensor")
    problems.push_back("pair-safe=shrink changes scales of single channels: drop it, or weight-granularity=tensor");
  if (options.pairSafe == "shrink" && options.requant == "pow2")
    problems.push_back("pair-safe=shrink changes scales by less than a power of two: drop it, or requant=pow2");
  oneOf("activation-form", options.activationForm, {"auto", "table", "pwl"});
  oneOf("activation-weights", options.activationWeights, {"uniform", "histogram"});
  if (options.activationWeights == "histogram" && options.samples.empty() && !options.ranges.empty())
    problems.push_back("activation-weights=histogram: a range file tells no histogram; give calib");
  oneOf("normalize", options.normalize, {"exact", "mad"});
  if (options.pieces && options.activationForm != "pwl")
    problems.push_back("pieces=" + std::to_string(options.pieces) + ": only activation-form=pwl takes a number of pieces");
  if (options.pieces > 65536)
    problems.push_back("pieces=" + std::to_string(options.pieces) + ": use 1 to 65536, or 0 for as few as meet the bound");
  if (options.maxActivationError != -1 && !(options.maxActivationError >= 0))
    problems.push_back("max-activation-error: use a number of codes, 0 or more");
  if (options.measureErrors < 0)
    problems.push_back("measure-errors=" + std::to_string(options.measureErrors) + ": use a number of samples, or 0 for none");
  if (options.measureErrors > 0 && options.samples.empty())
    problems.push_back("measure-errors needs samples: give calib");
  if (std::string problem; !WeightCodes::parse(options.weights, problem, isStored))
    problems.push_back("weights=" + options.weights + ": " + problem);
  std::vector<StringRef> methods = {"nearest"};
  for (const RoundingMethod &method : getRoundingMethods())
    methods.push_back(method.name);
  oneOf("rounding", options.rounding, methods);
  llvm::append_range(problems, checkPrecision(options));
  oneOf("rotate", options.rotate, {"off", "hadamard", "eigen"});
  if (options.rotate == "eigen" && options.samples.empty() && !options.float32)
    problems.push_back("rotate=eigen needs calibration samples: give calib, or use rotate=hadamard");
  oneOf("migrate", options.migrate, {"off", "smooth", "awq"});
  if (!(options.migrationStrength >= 0 && options.migrationStrength <= 1))
    problems.push_back("migration-strength: use 0 (all stays in the activations) to 1");
  if (options.migrate != "off" && options.samples.empty() && !options.float32)
    problems.push_back("migrate=" + options.migrate + " needs calibration samples: give calib");
  if (options.migrate != "off" && options.equalize)
    problems.push_back("migrate=" + options.migrate + " and equalize set the same scales: drop one of them");
  if ((options.migrate != "off" || options.equalize || options.rotate != "off") && options.float32)
    problems.push_back("equalize, migrate and rotate prepare for codes, which " + mode + " does not have: drop them");
  oneOf("order", options.order, {"natural", "activation", "importance"});
  if (!(options.damping >= 0 && options.damping <= 1))
    problems.push_back("damping: use a part of the mean moment up to 1, or 0: by the number of samples");
  if (!(options.sensitivity >= 0 && options.sensitivity <= 1))
    problems.push_back("sensitivity: use a number from 0 to 1");
  if (!(options.coupling >= 0 && options.coupling < 1))
    problems.push_back("coupling: use a number from 0 to less than 1");
  if (std::string problem; !Augmentation::parse(options.augment, problem))
    problems.push_back("calib-augment=" + options.augment + ": " + problem);
  const RoundingMethod *method = findRoundingMethod(options.rounding);
  if (method && isStored && (!method->anyLevels || method->block != BlockStep::None))
    problems.push_back("rounding=" + options.rounding + ": " + mode +
                       " has scales of groups, which need rounding=nearest or rounding=sequential");
  else if (method && options.float32 && !isStored)
    problems.push_back("rounding=" + options.rounding + ": " + mode +
                       (options.mode == "f32" ? " has no codes" : " rounds to nearest, with the best scale") +
                       ": drop one of them");
  if (isStored && options.learnSteps)
    problems.push_back("learn-steps moves scales beside rounded activations, which " + mode + " does not have: drop it");
  if (options.rounding != "nearest" && options.samples.empty() && (!options.float32 || isStored))
    problems.push_back("rounding=" + options.rounding + " needs calibration samples: give calib, or use rounding=nearest");
  if (options.rounding != "nearest" && options.pairSafe == "shrink")
    problems.push_back("pair-safe=shrink changes the scales that rounding=" + options.rounding + " has fitted: drop one of them");
  if (!isCodeType(options.activations, /*isWeight=*/false))
    problems.push_back("activations=" + options.activations + ": use iN or uN with N in 2..8 or 16");
  if (!options.productActivations.empty() && !isCodeType(options.productActivations, /*isWeight=*/false))
    problems.push_back("product-activations=" + options.productActivations + ": use iN or uN with N in 2..8 or 16");
  if (options.threads < 1 || options.threads > mostThreads)
    problems.push_back("threads=" + std::to_string(options.threads) + ": use 1 (none but the caller) to " +
                       std::to_string(mostThreads));
  if (options.resetEvery < 0 || (options.resetEvery > 0 && options.state.empty()))
    problems.push_back("reset-every: use a positive number, with state");
  if (options.stateInArena && options.state.empty())
    problems.push_back("state-in-arena: name the states with state=in:out,...");
  if (!options.decode.empty() && !options.streaming.empty())
    problems.push_back(
        "decode and streaming both derive a step: use decode where attention sees all earlier rows, else streaming");
  if (!options.state.empty() && !(options.decode.empty() && options.streaming.empty()))
    problems.push_back("state: decode and streaming make the states of a step themselves; drop it");
  if (options.float32 && !(options.decode.empty() && options.streaming.empty()))
    problems.push_back("decode and streaming derive a step of integer codes, which " + mode + " does not have: drop one of them");
  if (!(options.percentile > 50 && options.percentile <= 100))
    problems.push_back("percentile: use a number above 50 and up to 100");
  return problems;
}

StringRef getStageName(Stage stage) { return stageNames[static_cast<unsigned>(stage)].second; }

void buildPipeline(OpPassManager &pm, Stage from, Stage to, const PipelineOptions &options) {
  for (auto [stage, name] : stageNames) {
    if (stage <= from || stage > to || stage == Stage::Bundle)
      continue;
    buildStage(pm, stage, options);
    pm.addPass(
        std::make_unique<MarkStage>(stage, stage == Stage::QDQ && !options.float32 ? StringRef(options.requant) : StringRef()));
    // In f32 mode nothing is quantized: the invariants between import and integer that speak of it do not apply.
    if (options.float32 && stage > Stage::Graph && stage <= Stage::Integer)
      continue;
    VerifyStageOptions verify;
    verify.stage = name.str();
    pm.addPass(createVerifyStage(verify));
  }
}

void registerPipelines() {
  registerPassPipeline(
      "qc-pipeline", "the passes between two stages (docs/Pipeline.md)",
      [](OpPassManager &pm, StringRef text, llvm::function_ref<LogicalResult(const Twine &)> fail) {
        TextOptions options;
        return failed(options.parseFromString(text)) ? failure() : buildFromText(pm, options, fail);
      },
      [](llvm::function_ref<void(const mlir::detail::PassOptions &)> handle) { handle(TextOptions()); });
}
} // namespace qc
