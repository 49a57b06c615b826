// Collects what the bundle says from the module at its stages, and writes files.
#include "qc/Conversion/Bundle.h"
#include "qc/Conversion/KernelCost.h"
#include "qc/Conversion/Lowering.h"
#include "qc/Dialect/QC/IR/States.h"
#include "qc/Dialect/QC/IR/StoredOps.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace qc {
namespace {
std::string typeName(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// Bytes of stored weights as kernels pack them: whole bits, and scales.
int64_t getDecodedBytes(DecodeOp decode) {
  int64_t codes = (product(getShape(decode.getCodes())) * decode.getBits() + 7) / 8;
  return codes + (decode.getScales() ? getStoredBytes(decode.getScales().getType()) : 0);
}

/// True if no value is computed: the weights of a contraction, which its tile decodes.
bool isStoredConstant(Operation *op) {
  auto decode = dyn_cast_or_null<DecodeOp>(op);
  return decode && getConstant(decode.getCodes());
}

llvm::json::Array toJson(ArrayRef<int64_t> values) { return llvm::json::Array(values); }

/// An attribute of numbers, texts, lists and dictionaries; a unit attribute is null.
llvm::json::Value toJson(Attribute attr) {
  if (auto dictionary = dyn_cast<DictionaryAttr>(attr)) {
    llvm::json::Object object;
    for (NamedAttribute entry : dictionary)
      object[entry.getName().str()] = toJson(entry.getValue());
    return object;
  }
  if (auto list = dyn_cast<ArrayAttr>(attr))
    return llvm::json::Array(llvm::map_range(list, [](Attribute entry) { return toJson(entry); }));
  if (auto numbers = dyn_cast<DenseF64ArrayAttr>(attr))
    return llvm::json::Array(numbers.asArrayRef());
  if (auto numbers = dyn_cast<DenseI64ArrayAttr>(attr))
    return llvm::json::Array(numbers.asArrayRef());
  if (auto number = dyn_cast<FloatAttr>(attr))
    return number.getValueAsDouble();
  if (auto number = dyn_cast<IntegerAttr>(attr))
    return number.getInt();
  if (isa<UnitAttr>(attr))
    return nullptr;
  return cast<StringAttr>(attr).str();
}

func::FuncOp lookup(ModuleOp module, StringRef name) { return module.lookupSymbol<func::FuncOp>(name); }

std::string portName(ArrayAttr all, unsigned index, StringRef fallback) {
  if (all)
    if (auto name = cast<DictionaryAttr>(all[index]).getAs<StringAttr>("qc.name"))
      return name.str();
  return (fallback + Twine(index)).str();
}

void fillPorts(std::vector<Port> &ports, TypeRange types, TypeRange f32Types, ArrayAttr attrs, ArrayAttr f32Attrs,
               StringRef fallback, bool states = false) {
  for (auto [i, type] : llvm::enumerate(types)) {
    auto dictionary = attrs ? cast<DictionaryAttr>(attrs[i]) : DictionaryAttr();
    if (bool(dictionary && dictionary.get(inArenaName)) != states)
      continue;
    auto shaped = cast<ShapedType>(type);
    Port port;
    port.name = portName(f32Attrs ? f32Attrs : attrs, i, fallback);
    port.shape = shaped.getShape().vec();
    port.type = typeName(shaped.getElementType());
    port.f32Type = f32Types.empty() ? "f32" : typeName(cast<ShapedType>(f32Types[i]).getElementType());
    if (dictionary) {
      if (auto sequence = dictionary.getAs<DenseI64ArrayAttr>(sequenceName))
        port.sequence = {sequence[0], sequence[1], sequence[2]};
      port.position = bool(dictionary.get(positionName));
      if (auto next = dictionary.getAs<StringAttr>(stateName))
        port.next = next.str();
    }
    if (dictionary && dictionary.get("qc.scale")) {
      port.scale = dictionary.getAs<FloatAttr>("qc.scale").getValueAsDouble();
      port.zeroPoint = dictionary.getAs<IntegerAttr>("qc.zero_point").getInt();
    }
    ports.push_back(std::move(port));
  }
}

/// The requantization that the same loop nest applies to an accumulator, if it has one.
RequantizeOp getEpilogue(Operation &op) {
  if (!isa<AccumulatorOpInterface>(op) || op.getNumResults() != 1 || !op.getResult(0).hasOneUse())
    return {};
  Operation *user = *op.getResult(0).user_begin();
  if (isa<ReshapeOp>(user) && user->getResult(0).hasOneUse())
    user = *user->getResult(0).user_begin();
  return dyn_cast<RequantizeOp>(user);
}

/// "4x2": positions by vectors of channels; "" without a tile.
std::string getTileName(KernelOp kernel) {
  std::string name;
  for (int64_t number : kernel.getTile().value_or(ArrayRef<int64_t>()))
    name += (name.empty() ? "" : "x") + std::to_string(number);
  return name;
}

/// A kernel's decisions and what it computes.
void describeKernel(KernelOp kernel, llvm::json::Object &row) {
  row["form"] = kernel.getForm();
  if (auto dot = kernel.getDot())
    row["dot"] = *dot;
  if (std::string tile = getTileName(kernel); !tile.empty())
    row["tile"] = tile;
  if (kernel.getPermuted())
    row["permuted"] = true;
  if (auto bits = kernel.getWeightBits())
    row["weight_bits"] = int64_t(*bits);
  if (auto group = kernel.getWeightGroup())
    row["weight_group"] = int64_t(*group);
  int64_t macs = 0, constants = 0, inputs = 0, outputs = 0;
  llvm::json::Array layers;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (auto accumulator = dyn_cast<AccumulatorOpInterface>(op))
      macs += accumulator.getMacs();
    if (isStoredConstant(&op))
      constants += getDecodedBytes(cast<DecodeOp>(op));
    else if (isa<ConstantOp>(op) && !llvm::all_of(op.getUsers(), isStoredConstant))
      constants += getStoredBytes(op.getResult(0).getType());
    else if (isa<ConstantOp>(op))
      continue;
    else if (StringRef layer = getLocName(op.getLoc());
             !layer.empty() && (layers.empty() || layers.back().getAsString() != layer))
      layers.push_back(layer);
  }
  for (Value input : kernel.getInputs())
    inputs += getStoredBytes(input.getType());
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  for (Value output : yield.getValues()) {
    outputs += getStoredBytes(output.getType());
    row["output_shape"] = toJson(getShape(output));
  }
  row["layers"] = std::move(layers);
  row["macs"] = macs;
  row["constant_bytes"] = constants - getSavedBytes(kernel);
  row["input_bytes"] = inputs;
  row["output_bytes"] = outputs;
}

/// The ONNX node of `"tensor"("node")`; the tensor's name if that is all there is.
StringRef getNodeName(Location location) {
  if (auto named = dyn_cast<NameLoc>(location))
    if (StringRef node = getLocName(named.getChildLoc()); !node.empty())
      return node;
  return getLocName(location);
}

unsigned getBits(Value value) { return getElementType(value).getIntOrFloatBitWidth(); }

llvm::json::Object describeLayer(Operation &op) {
  llvm::json::Object layer{{"name", getLocName(op.getLoc())},
                           {"node", getNodeName(op.getLoc())},
                           {"op", op.getName().stripDialect()},
                           {"kernel", getLoopForm(&op)}};
  int64_t constants = 0, inputs = 0;
  llvm::json::Array inputBits;
  for (Value operand : op.getOperands()) {
    if (Operation *stored = operand.getDefiningOp(); isStoredConstant(stored)) {
      constants += getDecodedBytes(cast<DecodeOp>(stored));
      continue;
    }
    (getConstant(operand) ? constants : inputs) += getStoredBytes(operand.getType());
    if (!getConstant(operand))
      inputBits.push_back(int64_t(getBits(operand)));
  }
  layer["input_bits"] = std::move(inputBits);
  layer["constant_bytes"] = constants;
  layer["input_bytes"] = inputs;
  Value output = op.getResult(0);
  if (RequantizeOp epilogue = getEpilogue(op))
    output = epilogue.getResult();
  layer["output_bytes"] = getStoredBytes(output.getType());
  layer["output_shape"] = toJson(getShape(op.getResult(0)));
  layer["output_type"] = typeName(getElementType(output));
  layer["output_bits"] = int64_t(getBits(output));
  if (auto accumulator = dyn_cast<AccumulatorOpInterface>(op)) {
    layer["macs"] = accumulator.getMacs();
    if (auto bound = accumulator.getAccBound()) {
      layer["accumulator_bound"] = int64_t(*bound);
      // Of the narrowest two's complement that holds every sum.
      layer["accumulator_bits"] = int64_t(llvm::bit_width(*bound)) + 1;
      layer["accumulator_type"] = typeName(getElementType(op.getResult(0)));
    }
    if (op.getNumOperands() > 1 && getConstant(op.getOperand(1)))
      layer["weight_bits"] = int64_t(getBits(op.getOperand(1)));
    if (Operation *stored = op.getNumOperands() > 1 ? op.getOperand(1).getDefiningOp() : nullptr; isStoredConstant(stored))
      layer["weight_bits"] = cast<DecodeOp>(stored).getBits();
  }
  return layer;
}
} // namespace

int64_t Port::elements() const { return product(shape); }

int64_t BundleInfo::stateBytes() const {
  int64_t bytes = 0;
  for (const Port &state : states) {
    StringRef type = state.type;
    unsigned bits = 8;
    type.drop_while([](char c) { return !llvm::isDigit(c); }).getAsInteger(10, bits);
    bytes = std::max(bytes, state.offset + state.elements() * int64_t(llvm::PowerOf2Ceil(std::max(8u, bits)) / 8));
  }
  return bytes;
}

void collectTensors(ModuleOp module, BundleInfo &info) {
  auto add = [&](Value value, StringRef name, StringRef kind) {
    QuantSchemeInterface scheme = getScheme(value.getType());
    if (!scheme)
      return;
    auto [low, high] = scheme.getCodeRange();
    auto scales = scheme.getScaleValues();
    auto zeros = scheme.getZeroPointValues();
    llvm::json::Object tensor{
        {"name", name}, {"kind", kind}, {"shape", toJson(getShape(value))}, {"type", typeName(scheme.getCodeType())}};
    tensor["scale"] = llvm::json::Array(scales);
    tensor["zero_point"] = toJson(zeros);
    tensor["code_range"] = llvm::json::Array{low, high};
    if (scales.size() == 1)
      tensor["range"] = llvm::json::Array{scales[0] * double(low - zeros[0]), scales[0] * double(high - zeros[0])};
    else
      tensor["channel_axis"] = scheme.getChannelAxis();
    info.tensors.push_back(std::move(tensor));
  };
  module.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (isa<RankedTensorType>(result.getType()))
        add(result, getLocName(result.getLoc()), isa<ConstantOp>(op) ? "constant" : "activation");
    for (auto [name, rows] : {std::pair("qc.rounding", &info.rounding), std::pair("qc.equalization", &info.equalization),
                              std::pair("qc.migration", &info.migration), std::pair("qc.rotation", &info.rotation)})
      if (auto list = op->getAttrOfType<ArrayAttr>(name))
        for (Attribute row : list)
          rows->push_back(toJson(row));
    auto shrunk = op->getAttrOfType<ArrayAttr>("qc.pair_safe");
    for (Attribute entry : shrunk ? shrunk.getValue() : ArrayRef<Attribute>()) {
      auto row = cast<DictionaryAttr>(entry);
      auto number = [&](StringRef key) { return row.getAs<FloatAttr>(key).getValueAsDouble(); };
      info.shrunkScales.push_back(llvm::json::Object{{"name", row.getAs<StringAttr>("name").getValue()},
                                                     {"channels", row.getAs<IntegerAttr>("channels").getInt()},
                                                     {"largest_factor", number("largest_factor")},
                                                     {"sqnr_before", number("sqnr_before")},
                                                     {"sqnr_after", number("sqnr_after")}});
    }
  });
}

void collectErrors(ModuleOp module, BundleInfo &info) {
  for (auto function : module.getOps<func::FuncOp>())
    if (Attribute errors = function->removeAttr("qc.errors"))
      info.errors = *toJson(errors).getAsObject();
}

void collectPrecision(ModuleOp module, BundleInfo &info) {
  for (auto function : module.getOps<func::FuncOp>()) {
    Attribute layers = function->getAttr("qc.precision"), total = function->getAttr("qc.precision_total"),
              points = function->getAttr("qc.pareto");
    if (!layers || !total)
      continue;
    info.precision = *toJson(total).getAsObject();
    (*info.precision)["layers"] = toJson(layers);
    if (Attribute activations = function->getAttr("qc.precision_activations"))
      (*info.precision)["activations"] = toJson(activations);
    if (points)
      (*info.precision)["pareto"] = toJson(points);
  }
}

void collectProgram(ModuleOp module, BundleInfo &info) {
  func::FuncOp run = lookup(module, "run"), runF32 = lookup(module, "run_f32");
  info.run.present = bool(run);
  info.runF32.present = bool(runF32);
  func::FuncOp main = run ? run : runF32;
  auto f32In = runF32 ? TypeRange(runF32.getArgumentTypes()) : TypeRange(),
       f32Out = runF32 ? TypeRange(runF32.getResultTypes()) : TypeRange();
  fillPorts(info.inputs, main.getArgumentTypes(), f32In, main.getAllArgAttrs(), runF32 ? runF32.getAllArgAttrs() : ArrayAttr(),
            "input");
  fillPorts(info.outputs, main.getResultTypes(), f32Out, main.getAllResultAttrs(),
            runF32 ? runF32.getAllResultAttrs() : ArrayAttr(), "output");
  info.step = llvm::any_of(info.inputs, [](const Port &port) { return port.sequence.has_value(); });
  if (run)
    fillPorts(info.states, main.getArgumentTypes(), f32In, main.getAllArgAttrs(), ArrayAttr(), "state", /*states=*/true);
  if (auto requant = main->getAttrOfType<StringAttr>("qc.requant"))
    info.requant = requant.str();
  if (auto list = main->getAttrOfType<ArrayAttr>("qc.float_ops"))
    for (auto entry : list.getAsRange<DictionaryAttr>()) {
      auto text = [&](StringRef key) { return entry.getAs<StringAttr>(key).str(); };
      info.floatOps.push_back(llvm::json::Object{{"name", text("name")}, {"op", text("op")}, {"reason", text("reason")}});
    }
  if (auto list = main->getAttrOfType<ArrayAttr>("qc.asymmetric_weights"))
    for (auto entry : list.getAsRange<DictionaryAttr>())
      info.asymmetricWeights.push_back(
          llvm::json::Object{{"name", entry.getAs<StringAttr>("name").getValue()},
                             {"bits", entry.getAs<IntegerAttr>("bits").getInt()},
                             {"bits_without_zero_point", entry.getAs<IntegerAttr>("bits_without_zero_point").getInt()}});
  if (auto list = main->getAttrOfType<ArrayAttr>("qc.stored"))
    info.storedWeights = *toJson(list).getAsArray();
  if (auto list = main->getAttrOfType<ArrayAttr>("qc.activations"))
    for (auto entry : list.getAsRange<DictionaryAttr>()) {
      auto text = [&](StringRef key) { return entry.getAs<StringAttr>(key).getValue(); };
      auto integer = [&](StringRef key) { return entry.getAs<IntegerAttr>(key).getInt(); };
      auto real = [&](StringRef key) { return entry.getAs<FloatAttr>(key).getValueAsDouble(); };
      llvm::json::Object row{{"name", text("name")},
                             {"function", text("function")},
                             {"form", text("form")},
                             {"pieces", integer("pieces")},
                             {"bytes", integer("bytes")},
                             {"max_error", real("max_error")},
                             {"mean_error", real("mean_error")}};
      if (entry.get("table_bytes"))
        row["table_bytes"] = integer("table_bytes");
      if (entry.get("weighted_error"))
        row["weighted_error"] = real("weighted_error");
      for (StringRef key : {"shared_with", "plot"})
        if (entry.get(key))
          row[key] = text(key);
      if (auto curve = entry.getAs<DictionaryAttr>("curve"))
        row["curve"] = toJson(curve);
      info.activations.push_back(std::move(row));
    }
  // A requantization that closes an accumulator's loop nest is part of that layer.
  llvm::SmallPtrSet<Operation *, 16> epilogues;
  for (Operation &op : main.getBody().front().without_terminator()) {
    if (isa<ConstantOp>(op) || isStoredConstant(&op) || op.getNumResults() != 1 || epilogues.contains(&op))
      continue;
    if (RequantizeOp epilogue = getEpilogue(op))
      epilogues.insert(epilogue);
    info.layers.push_back(describeLayer(op));
  }
}

void collectKernels(ModuleOp module, BundleInfo &info) {
  struct Row {
    std::string name;
    int64_t tasks;
    KernelOp kernel;
  };
  llvm::StringMap<Row> kernels; // by "<op> <layer>"
  if (auto threads = module->getAttrOfType<IntegerAttr>("qc.threads"))
    info.threads = threads.getInt();
  const Isa &isa = selectIsa(info.target);
  module.walk([&](KernelOp kernel) {
    if (auto cycles = estimateCycles(kernel, isa))
      info.cycles[(kernel.getForm() + " " + getLocName(kernel.getLoc())).str()] = *cycles;
    std::string name = kernel.getForm().str();
    if (auto dot = kernel.getDot())
      name += ", " + dot->str();
    if (std::string tile = getTileName(kernel); !tile.empty())
      name += " " + tile;
    if (kernel.getPermuted())
      name += " permuted";
    if (auto bits = kernel.getWeightBits())
      name += " w" + std::to_string(*bits);
    if (auto group = kernel.getWeightGroup())
      name += "/" + std::to_string(*group);
    auto tasks = kernel.getTasks();
    for (Operation &op : kernel.getBody().front())
      kernels[(op.getName().stripDialect() + " " + getLocName(op.getLoc())).str()] =
          Row{name, tasks ? product(*tasks) : 1, kernel};
  });
  for (llvm::json::Value &value : info.layers) {
    llvm::json::Object &layer = *value.getAsObject();
    auto it = kernels.find((*layer.getString("op") + " " + *layer.getString("name")).str());
    if (info.threads > 1)
      layer["tasks"] = it == kernels.end() ? 1 : it->second.tasks;
    if (it == kernels.end())
      continue;
    layer["kernel"] = it->second.name;
    KernelOp kernel = it->second.kernel;
    if (auto bits = kernel.getWeightBits(); bits && layer.get("accumulator_bound")) {
      layer["weight_bits"] = int64_t(*bits);
      layer["constant_bytes"] = layer.getInteger("constant_bytes").value_or(0) - getSavedBytes(kernel);
    }
  }
}

void collectArena(ModuleOp module, BundleInfo &info) {
  auto number = [](func::FuncOp function, StringRef name) {
    auto attr = function->getAttrOfType<IntegerAttr>(name);
    return attr ? attr.getInt() : 0;
  };
  for (auto [name, entry] : {std::make_pair("run", &info.run), std::make_pair("run_f32", &info.runF32)})
    if (func::FuncOp function = lookup(module, name)) {
      entry->arenaBytes = number(function, "qc.arena_bytes");
      entry->arenaLowerBound = number(function, "qc.arena_lower_bound");
      entry->stackBytes = number(function, "qc.stack_bytes");
    }
  func::FuncOp main = lookup(module, info.run.present ? "run" : "run_f32");
  auto positions = main ? main->getAttrOfType<DenseI64ArrayAttr>("qc.arena_calls") : DenseI64ArrayAttr();
  ArrayRef<int64_t> calls = positions ? positions.asArrayRef() : ArrayRef<int64_t>();
  if (auto map = main ? main->getAttrOfType<ArrayAttr>("qc.arena_map") : ArrayAttr())
    for (auto [i, entry] : llvm::enumerate(map.getAsRange<DictionaryAttr>())) {
      if (i < info.states.size()) // they come first
        info.states[i].offset = entry.getAs<IntegerAttr>("offset").getInt();
      llvm::json::Object row;
      for (NamedAttribute attr : entry)
        if (auto integer = dyn_cast<IntegerAttr>(attr.getValue()))
          row[attr.getName().str()] = integer.getInt();
        else if (auto text = dyn_cast<StringAttr>(attr.getValue()))
          row[attr.getName().str()] = text.str();
      // Ops become calls: from the first that touches the buffer to the last.
      auto first = llvm::lower_bound(calls, *row.getInteger("first")), last = llvm::upper_bound(calls, *row.getInteger("last"));
      row["first"] = int64_t(first - calls.begin());
      row["last"] = std::max(int64_t(last - calls.begin()) - 1, int64_t(first - calls.begin()));
      info.arenaMap.push_back(std::move(row));
    }
}

void collectSchedule(ModuleOp module, BundleInfo &info) {
  llvm::StringMap<const llvm::json::Object *> layers;
  for (const llvm::json::Value &value : info.layers)
    layers[*value.getAsObject()->getString("name")] = value.getAsObject();
  for (auto [name, entry] : {std::make_pair("run", &info.run), std::make_pair("run_f32", &info.runF32)}) {
    func::FuncOp function = lookup(module, name);
    if (!function)
      continue;
    for (auto call : function.getOps<func::CallOp>()) {
      std::string layer = getLocName(call.getLoc()).str();
      llvm::json::Object row{{"symbol", call.getCallee()}, {"name", layer.empty() ? call.getCallee().str() : layer}};
      auto kernels = lookup(module, call.getCallee()).getOps<KernelOp>();
      if (!kernels.empty()) {
        describeKernel(*kernels.begin(), row);
      } else { // plain loops: what the report says of the layer
        row["form"] = "loops";
        if (auto it = layers.find(layer); it != layers.end())
          for (StringRef key : {"macs", "constant_bytes", "input_bytes", "output_bytes", "output_shape"})
            if (const llvm::json::Value *value = it->second->get(key))
              row[key] = *value;
        auto count = [&](StringRef key) { return row.getInteger(key).value_or(0); };
        int64_t outputs = 1;
        if (const llvm::json::Array *shape = row.getArray("output_shape"))
          for (const llvm::json::Value &size : *shape)
            outputs *= *size.getAsInteger();
        info.cycles[("loops " + *row.getString("name")).str()] =
            estimateLoopCycles(count("macs"), outputs, count("input_bytes"), count("constant_bytes"));
      }
      auto cycles = info.cycles.find((*row.getString("form") + " " + *row.getString("name")).str());
      entry->cycles += cycles == info.cycles.end() ? 0 : cycles->second;
      entry->kernels.push_back(std::move(row));
    }
  }
}

void collectCallees(ModuleOp module, BundleInfo &info) {
  for (auto [name, entry] : {std::make_pair("run", &info.run), std::make_pair("run_f32", &info.runF32)})
    if (func::FuncOp function = lookup(module, name))
      for (auto [row, call] : llvm::zip(entry->kernels, function.getOps<func::CallOp>()))
        (*row.getAsObject())["symbol"] = call.getCallee();
}

llvm::Error writeFiles(ArrayRef<std::pair<std::string, std::string>> files) {
  std::vector<llvm::sys::fs::TempFile> temporaries;
  auto discard = [&] {
    for (auto &temporary : temporaries)
      llvm::consumeError(temporary.discard());
  };
  for (const auto &[path, contents] : files) {
    // Renaming over a device would replace it.
    if (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path)) {
      discard();
      return llvm::createStringError("cannot write '" + path +
                                     "': it is not a regular file; -o - writes text to standard output");
    }
    auto temporary = llvm::sys::fs::TempFile::create(path + ".%%%%%%.tmp", llvm::sys::fs::all_read | llvm::sys::fs::all_write);
    if (!temporary) {
      discard();
      return llvm::createStringError("cannot write '" + path + "': " + llvm::toString(temporary.takeError()) +
                                     "; give a writable place with -o");
    }
    temporaries.push_back(std::move(*temporary));
    llvm::raw_fd_ostream stream(temporaries.back().FD, /*shouldClose=*/false);
    stream << contents;
    stream.flush();
    if (stream.has_error()) {
      std::string reason = stream.error().message();
      stream.clear_error();
      discard();
      return llvm::createStringError("cannot write '" + path + "': " + reason);
    }
  }
  for (auto [i, file] : llvm::enumerate(files))
    if (llvm::Error error = temporaries[i].keep(file.first)) {
      std::string reason = llvm::toString(std::move(error));
      for (size_t j = i; j < temporaries.size(); ++j)
        llvm::consumeError(temporaries[j].discard());
      return llvm::createStringError("cannot write '" + file.first + "': " + reason + "; give a writable place with -o");
    }
  return llvm::Error::success();
}
} // namespace qc
