// qrun: runs an object made by qcc over the samples of an .npz file, on this machine or under qemu-user.
#include "Harness.h"
#include "Profile.h"

#include "qc/Dialect/QC/Reference/Npz.h"
#include "qc/Dialect/QC/Reference/Requantize.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;
using namespace qc;

/// LLVM's libraries register an option of this name; it makes way.
static const bool namesAreFree = [] {
  if (auto found = cl::getRegisteredOptions().find("threads"); found != cl::getRegisteredOptions().end())
    found->second->removeArgument();
  return true;
}();

static cl::OptionCategory category("qrun options");
static cl::opt<std::string> objectPath(cl::Positional, cl::desc("<object>"), cl::Required, cl::cat(category));
static cl::opt<std::string> inputsPath("inputs", cl::desc("Samples: arrays named after the inputs, [N] + shape"),
                                       cl::value_desc("x.npz"), cl::cat(category));
static cl::opt<std::string> outputsPath("outputs", cl::desc("Where the stacked outputs go"), cl::value_desc("y.npz"),
                                        cl::cat(category));
static cl::opt<bool> wantF32("f32", cl::desc("Run the float wrapper (the default where the object has one)"), cl::cat(category));
static cl::opt<bool>
    wantInt("int", cl::desc("Run the integer function: outputs are codes; float inputs are quantized, integer inputs are codes"),
            cl::cat(category));
static cl::opt<unsigned> repeat("repeat", cl::desc("Runs per sample"), cl::init(1), cl::cat(category));
static cl::opt<std::string> cpu("cpu", cl::desc("CPU of qemu, or the vector length in bits for riscv64"), cl::cat(category));
static cl::opt<unsigned> limit("limit", cl::desc("Use at most N samples"), cl::value_desc("N"), cl::cat(category));
static cl::opt<std::string> statePairs("state", cl::desc("States: each output is the next sample's input"),
                                       cl::value_desc("in:out,..."), cl::cat(category));
static cl::opt<unsigned> resetEvery("reset-every",
                                    cl::desc("States restart every K samples from their arrays, or from zero without one"),
                                    cl::value_desc("K"), cl::cat(category));
static cl::opt<bool>
    sequences("sequences",
              cl::desc("For an object of qcc -decode or -streaming: samples are whole sequences; they are fed step by "
                       "step, and the rows that come out are joined"),
              cl::cat(category));
static cl::opt<unsigned> threads("threads", cl::desc("Threads for an object of qcc -threads, the caller included"), cl::init(1),
                                 cl::cat(category));
static cl::opt<TaskOrder>
    taskOrder("task-order", cl::desc("Run the tasks of an object of qcc -threads one by one"), cl::init(TaskOrder::Threads),
              cl::values(clEnumValN(TaskOrder::Forward, "forward", "from the first to the last"),
                         clEnumValN(TaskOrder::Reverse, "reverse", "from the last to the first"),
                         clEnumValN(TaskOrder::Shuffled, "shuffled", "in another order each time"),
                         clEnumValN(TaskOrder::Isolated, "isolated",
                                    "each on the memory before the first; none may write a byte of another")),
              cl::cat(category));
static cl::opt<bool> wantJson("json", cl::desc("Print the times as one JSON object on the last line"), cl::cat(category));
static cl::opt<bool> wantProfile("profile", cl::desc("Time each kernel, on the first sample or, without -inputs, on any codes"),
                                 cl::cat(category));
static cl::opt<double> seconds("seconds", cl::desc("How long -profile runs (default 1)"), cl::init(1), cl::cat(category));
static cl::opt<std::string> reportPath("report", cl::desc("For -profile: the report of the object, page or JSON, gets the times"),
                                       cl::value_desc("x.html"), cl::cat(category));
static cl::opt<int> core("core", cl::desc("Core that -profile runs on (default: any)"), cl::init(-1), cl::cat(category));

namespace {
/// One input of the network, or a state in its arena: where its samples come from.
struct Source {
  const Port *port;
  std::vector<int64_t> shape;              ///< of a sample: that of the port, or of a whole sequence
  std::unique_ptr<NpzFile::Reader> reader; ///< null: a state without an array
  std::string dtype;
  int state = -1;        ///< the output that is fed back
  std::vector<char> raw; ///< of a state in the arena: its array's part for this sample
};

class Runner {
public:
  Runner(const ObjectFile &object, bool f32) : object(object), interface(object.interface), f32(f32) {}
  Error run();
  Error profile();

private:
  Error openInputs();
  void invent(const Port &port, std::vector<char> &bytes);
  Error openStates();
  Error encode(const Source &source, const std::vector<char> &raw, std::vector<char> &bytes);
  void clear(const Port &port, std::vector<char> &bytes);
  std::vector<int64_t> getSampleShape(const Port &port);
  Error openArray(Source &source);
  Error restart(Harness &harness);
  Error runSteps(Harness &harness, std::vector<std::vector<char>> &whole, std::vector<uint64_t> &allTimes);
  void storeStates(std::map<std::string, NpzArray> &results);
  void feedBack(const Port &from, const std::vector<char> &raw, const Port &to, std::vector<char> &bytes);
  void report(std::vector<uint64_t> &times);

  const ObjectFile &object;
  const Interface &interface;
  bool f32;
  std::unique_ptr<NpzFile> file; ///< outlives its readers
  std::vector<Source> sources, arenaSources;
  std::optional<std::string> first; ///< the array that said how many samples there are
  uint64_t samples = 0;
  std::vector<std::vector<char>> inputs, outputs; ///< of one run
  std::vector<char> states;                       ///< the start of the arena
};
} // namespace

static std::string listNames(ArrayRef<Port> ports) {
  return join(map_range(ports, [](const Port &port) { return "'" + port.name + "'"; }), ", ");
}

static std::string formatShape(ArrayRef<int64_t> shape) {
  return "[" + join(map_range(shape, [](int64_t dim) { return std::to_string(dim); }), ", ") + "]";
}

//===--- Inputs ------------------------------------------------------------------------------------------------------===//

Error Runner::openStates() {
  SmallVector<StringRef> pairs;
  StringRef(statePairs).split(pairs, ',', -1, /*KeepEmpty=*/false);
  for (StringRef pair : pairs) {
    auto [in, out] = pair.split(':');
    auto input = find_if(sources, [in = in](const Source &source) { return source.port->name == in; });
    auto output = find_if(interface.outputs, [out = out](const Port &port) { return port.name == out; });
    if (input == sources.end())
      return createStringError("-state=" + pair + ": no input '" + in + "'; the inputs are " + listNames(interface.inputs));
    if (output == interface.outputs.end())
      return createStringError("-state=" + pair + ": no output '" + out + "'; the outputs are " + listNames(interface.outputs));
    if (input->port->shape != output->shape)
      return createStringError("-state=" + pair + ": shapes " + formatShape(input->port->shape) + " and " +
                               formatShape(output->shape) + " differ");
    if (input->port->isFloat(f32) != output->isFloat(f32) ||
        (!output->isFloat(f32) && input->port->scale.has_value() != output->scale.has_value()))
      return createStringError("-state=" + pair + ": the types " + input->port->type + " and " + output->type +
                               " do not convert");
    input->state = output - interface.outputs.begin();
  }
  return Error::success();
}

/// With -sequences the rows of a step are those of a whole sequence.
std::vector<int64_t> Runner::getSampleShape(const Port &port) {
  std::vector<int64_t> shape = port.shape;
  if (sequences && port.sequence)
    shape[port.sequence->axis] = port.sequence->length;
  return shape;
}

Error Runner::openArray(Source &source) {
  const std::string &name = source.port->name;
  Expected<NpzArray> header = file->header(name);
  if (!header)
    return header.takeError();
  if (header->shape.empty() || ArrayRef(header->shape).drop_front() != ArrayRef(source.shape))
    return createStringError(inputsPath + ": array '" + name + "' has shape " + formatShape(header->shape) + "; expected [N] + " +
                             formatShape(source.shape) +
                             (!sequences && source.port->sequence ? " (whole sequences need -sequences)" : ""));
  uint64_t count = header->shape[0];
  if (count == 0)
    return createStringError(inputsPath + ": array '" + name + "' holds zero samples");
  if (first && count != samples)
    return createStringError(inputsPath + ": array '" + name + "' holds " + Twine(count) + " samples, but '" + *first +
                             "' holds " + Twine(samples));
  first = name;
  samples = count;
  source.dtype = header->dtype;
  Expected<std::unique_ptr<NpzFile::Reader>> reader = file->read(name);
  if (!reader)
    return reader.takeError();
  source.reader = std::move(*reader);
  return Error::success();
}

Error Runner::openInputs() {
  for (const Port &port : interface.inputs)
    sources.push_back({&port, getSampleShape(port), nullptr, "", -1, {}});
  for (const Port &port : interface.states)
    arenaSources.push_back({&port, port.shape, nullptr, "", -1, {}});
  if (Error error = openStates())
    return error;

  Expected<std::unique_ptr<NpzFile>> opened = NpzFile::open(inputsPath);
  if (!opened)
    return opened.takeError();
  file = std::move(*opened);
  for (Source &source : sources) {
    const std::string &name = source.port->name;
    if (sequences && source.port->position)
      continue;
    if (!file->has(name)) {
      if (source.state >= 0)
        continue;
      return createStringError(inputsPath + ": no array '" + name + "'; the inputs of the network are " +
                               listNames(interface.inputs));
    }
    if (Error error = openArray(source))
      return error;
  }
  for (Source &source : arenaSources)
    if (file->has(source.port->name))
      if (Error error = openArray(source))
        return error;
  if (!first)
    return createStringError(inputsPath + ": no array of an input, so the number of samples is unknown");
  auto hasName = [](ArrayRef<Port> ports, StringRef name) {
    return any_of(ports, [&](const Port &port) { return port.name == name; });
  };
  for (const std::string &name : file->names()) // labels may lie beside the inputs
    if (name != "y" && !hasName(interface.inputs, name) && !hasName(interface.states, name))
      return createStringError(inputsPath + ": array '" + name + "' is no input of the network; the inputs are " +
                               listNames(interface.inputs));
  if (limit)
    samples = std::min<uint64_t>(samples, limit);
  return Error::success();
}

//===--- Numbers -----------------------------------------------------------------------------------------------------===//

static void storeInt(int64_t value, unsigned width, char *to) { memcpy(to, &value, width); } // qcc's hosts are little endian

static int64_t loadInt(const Port &port, unsigned width, const char *from) {
  int64_t value = 0;
  memcpy(&value, from, width);
  return port.isSigned() ? SignExtend64(value, width * 8) : value;
}

Error Runner::encode(const Source &source, const std::vector<char> &raw, std::vector<char> &bytes) {
  const Port &port = *source.port;
  unsigned width = port.bytes(f32);
  size_t count = bytes.size() / width;
  std::string what = inputsPath + ": array '" + port.name + "'";
  bool floatArray = source.dtype[0] == 'f';
  if (port.isFloat(f32))
    return convertToFloat(source.dtype, raw.data(), count, reinterpret_cast<float *>(bytes.data()), what);
  if (floatArray && port.scale) {
    std::vector<float> values(count);
    if (Error error = convertToFloat(source.dtype, raw.data(), count, values.data(), what))
      return error;
    for (size_t i = 0; i < count; ++i)
      storeInt(quantizeF32(values[i], float(*port.scale), port.zeroPoint, port.low(), port.high()), width, &bytes[i * width]);
    return Error::success();
  }
  if (port.scale)
    what += " (-int takes integer arrays as codes; give real values as float32)";
  std::vector<int64_t> values(count);
  if (Error error = convertToInt(source.dtype, raw.data(), count, port.low(), port.high(), values.data(), what))
    return error;
  for (size_t i = 0; i < count; ++i)
    storeInt(values[i], width, &bytes[i * width]);
  return Error::success();
}

void Runner::clear(const Port &port, std::vector<char> &bytes) {
  bool zeroPoint = !port.isFloat(f32) && port.scale;
  unsigned width = port.bytes(f32);
  for (size_t i = 0; i < bytes.size(); i += width)
    storeInt(zeroPoint ? port.zeroPoint : 0, width, &bytes[i]);
}

void Runner::feedBack(const Port &from, const std::vector<char> &raw, const Port &to, std::vector<char> &bytes) {
  if (to.isFloat(f32) || (from.type == to.type && from.scale == to.scale && from.zeroPoint == to.zeroPoint)) {
    bytes = raw;
    return;
  }
  // Two quantizations of one state: through the real value, as the float wrapper does.
  unsigned fromWidth = from.bytes(f32), width = to.bytes(f32);
  for (size_t i = 0, count = to.elements(); i < count; ++i) {
    int64_t code = loadInt(from, fromWidth, &raw[i * fromWidth]);
    if (to.scale)
      code = quantizeF32(dequantizeF32(code, float(*from.scale), from.zeroPoint), float(*to.scale), to.zeroPoint, to.low(),
                         to.high());
    storeInt(code, width, &bytes[i * width]);
  }
}

static std::string getDType(const Port &port, bool f32) {
  if (port.isFloat(f32))
    return "f4";
  if (port.type == "i1")
    return "b1";
  return (port.isSigned() ? "i" : "u") + std::to_string(port.bytes(f32));
}

//===--- The loop ----------------------------------------------------------------------------------------------------===//

void Runner::report(std::vector<uint64_t> &times) {
  llvm::sort(times);
  size_t n = times.size();
  double median = (double(times[(n - 1) / 2]) + double(times[n / 2])) / 2000, p10 = double(times[n / 10]) / 1000;
  outs() << formatv("{0}: {1} runs, median {2:f3} us, p10 {3:f3} us\n", (f32 ? interface.runF32 : interface.run)->symbol, n,
                    median, p10);
  if (wantJson)
    outs() << json::Value(
                  json::Object{{"median_us", median}, {"p10_us", p10}, {"runs", int64_t(n)}, {"samples", int64_t(samples)}})
           << "\n";
}

/// Copies rows `from`, ... of `whole`, which has the shape `shape`, to all rows of `part`, or back with `back`.
static void copyRows(ArrayRef<int64_t> shape, int64_t axis, int64_t from, int64_t rows, unsigned width, char *whole, char *part,
                     int64_t partRows, int64_t partFrom, bool back) {
  int64_t outer = 1, inner = width;
  for (auto [d, size] : enumerate(shape))
    (int64_t(d) < axis ? outer : inner) *= int64_t(d) == axis ? 1 : size;
  for (int64_t o = 0; o < outer; ++o) {
    char *a = whole + (o * shape[axis] + from) * inner, *b = part + (o * partRows + partFrom) * inner;
    memcpy(back ? a : b, back ? b : a, rows * inner);
  }
}

/// Sets the states in the arena to their start, or to what the samples say.
Error Runner::restart(Harness &harness) {
  if (states.empty())
    return Error::success();
  if (Error error = harness.reset(states))
    return error;
  bool given = false;
  std::vector<char> bytes;
  for (Source &source : arenaSources) {
    if (!source.reader)
      continue;
    given = true;
    bytes.resize(source.port->elements() * source.port->bytes(f32));
    if (Error error = encode(source, source.raw, bytes))
      return error;
    memcpy(&states[source.port->offset], bytes.data(), bytes.size());
  }
  return given ? harness.setStates(states) : Error::success();
}

/// One sample: its one run or, with -sequences, its steps. Leaves the results in `whole`, per output.
Error Runner::runSteps(Harness &harness, std::vector<std::vector<char>> &whole, std::vector<uint64_t> &allTimes) {
  std::vector<uint64_t> times(repeat);
  if (!sequences) {
    if (Error error = harness.run(inputs, outputs, states, times))
      return error;
    append_range(allTimes, times);
    whole = outputs;
    return Error::success();
  }
  int64_t steps = 0;
  for (const Port &port : interface.inputs)
    if (port.sequence)
      steps = port.sequence->length / port.shape[port.sequence->axis];
  std::vector<std::vector<char>> rows = inputs;
  for (int64_t step = 0; step < steps; ++step) {
    for (auto [source, all, part] : zip_equal(sources, inputs, rows)) {
      const Port &port = *source.port;
      if (port.position) {
        storeInt(step, port.bytes(f32), part.data());
      } else if (port.sequence) {
        int64_t axis = port.sequence->axis, count = port.shape[axis];
        part.resize(port.elements() * port.bytes(f32));
        copyRows(source.shape, axis, step * count, count, port.bytes(f32), all.data(), part.data(), count, 0, false);
      }
    }
    if (Error error = harness.run(rows, outputs, states, times))
      return error;
    append_range(allTimes, times);
    for (auto [port, all, part] : zip_equal(interface.outputs, whole, outputs)) {
      if (!port.sequence) {
        all = part;
        continue;
      }
      int64_t axis = port.sequence->axis, count = port.shape[axis], at = step * count - port.sequence->lead;
      for (int64_t r = 0; r < count; ++r)
        if (at + r >= 0 && at + r < port.sequence->length)
          copyRows(getSampleShape(port), axis, at + r, 1, port.bytes(f32), all.data(), part.data(), count, r, true);
    }
  }
  return Error::success();
}

/// The states after a run, as the outputs that they would be: in float for the float wrapper.
void Runner::storeStates(std::map<std::string, NpzArray> &results) {
  for (const Port &port : interface.states) {
    NpzArray &array = results[port.next];
    unsigned width = port.bytes(false);
    const char *from = &states[port.offset];
    if (!f32 || !port.scale) {
      array.data.insert(array.data.end(), from, from + port.elements() * width);
      continue;
    }
    for (int64_t i = 0; i < port.elements(); ++i) {
      float value = dequantizeF32(loadInt(port, width, from + i * width), float(*port.scale), port.zeroPoint);
      const char *bytes = reinterpret_cast<const char *>(&value);
      array.data.insert(array.data.end(), bytes, bytes + sizeof value);
    }
  }
}

Error Runner::run() {
  if (Error error = openInputs())
    return error;
  HarnessOptions options;
  options.f32 = f32;
  options.repeat = repeat;
  options.cpu = cpu;
  options.pool = {threads, taskOrder};
  Expected<std::unique_ptr<Harness>> harness = Harness::start(objectPath, object, options);
  if (!harness)
    return harness.takeError();

  std::map<std::string, NpzArray> results;
  std::vector<std::vector<char>> whole;
  auto addResult = [&](StringRef name, std::string dtype, ArrayRef<int64_t> shape) -> NpzArray & {
    NpzArray &array = results[name.str()];
    array.dtype = std::move(dtype);
    array.shape = {int64_t(samples)};
    append_range(array.shape, shape);
    return array;
  };
  auto getBytes = [&](const Port &port, ArrayRef<int64_t> shape) {
    size_t bytes = port.bytes(f32);
    for (int64_t size : shape)
      bytes *= size;
    return bytes;
  };
  for (const Source &source : sources)
    inputs.emplace_back(getBytes(*source.port, source.shape));
  for (const Port &port : interface.outputs) {
    std::vector<int64_t> shape = getSampleShape(port);
    outputs.emplace_back(port.elements() * port.bytes(f32));
    whole.emplace_back(getBytes(port, shape));
    addResult(port.name, getDType(port, f32), shape).data.reserve(samples * whole.back().size());
  }
  states.resize(interface.stateBytes());
  if (!sequences)
    for (const Port &port : interface.states)
      addResult(port.next, f32 && port.scale ? "f4" : getDType(port, f32), port.shape);

  std::vector<char> raw;
  std::vector<uint64_t> allTimes;
  for (uint64_t sample = 0; sample < samples; ++sample) {
    bool reset = sample == 0 || sequences || (resetEvery && sample % resetEvery == 0);
    for (auto [source, bytes] : zip_equal(sources, inputs)) {
      if (source.reader)
        if (Error error = source.reader->next(raw))
          return error;
      if (source.state >= 0 && !reset) {
        feedBack(interface.outputs[source.state], outputs[source.state], *source.port, bytes);
      } else if (!source.reader) {
        clear(*source.port, bytes);
      } else if (Error error = encode(source, raw, bytes)) {
        return error;
      }
    }
    for (Source &source : arenaSources)
      if (source.reader)
        if (Error error = source.reader->next(source.raw))
          return error;
    if (reset)
      if (Error error = restart(**harness))
        return error;
    if (Error error = runSteps(**harness, whole, allTimes))
      return error;
    for (auto [port, bytes] : zip_equal(interface.outputs, whole))
      append_range(results[port.name].data, bytes);
    if (!sequences)
      storeStates(results);
  }
  if (!outputsPath.empty())
    if (Error error = writeNpz(outputsPath, results))
      return error;
  report(allTimes);
  return Error::success();
}

/// Codes of a quantized port may be any; other numbers may be indices, and zero is always one.
void Runner::invent(const Port &port, std::vector<char> &bytes) {
  clear(port, bytes);
  if (!port.scale)
    return;
  unsigned width = port.bytes(f32);
  uint64_t state = 1;
  for (size_t i = 0; i < bytes.size(); i += width) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double part = double(state >> 40) / double(1 << 24);
    int64_t code = port.low() + int64_t(part * double(port.high() - port.low()));
    if (port.isFloat(f32)) {
      float value = float(*port.scale) * float(code - port.zeroPoint);
      memcpy(&bytes[i], &value, sizeof value);
    } else {
      storeInt(code, width, &bytes[i]);
    }
  }
}

Error Runner::profile() {
  if (!inputsPath.empty())
    if (Error error = openInputs())
      return error;
  for (const Port &port : interface.inputs)
    inputs.emplace_back(port.elements() * port.bytes(f32));
  for (auto [port, bytes] : zip_equal(interface.inputs, inputs))
    invent(port, bytes);
  std::vector<char> raw;
  for (auto [source, bytes] : zip(sources, inputs)) {
    if (Error error = source.reader->next(raw))
      return error;
    if (Error error = encode(source, raw, bytes))
      return error;
  }
  return qc::profile(objectPath, object, inputs, {f32, seconds, wantJson, core, reportPath});
}

/// Options that mean nothing to -profile, and the other way round.
static Error checkMode() {
  const std::pair<StringRef, bool> others[] = {{"outputs", !outputsPath.empty()},
                                               {"repeat", repeat.getNumOccurrences() != 0},
                                               {"limit", limit.getNumOccurrences() != 0},
                                               {"state", !statePairs.empty()},
                                               {"sequences", sequences},
                                               {"cpu", !cpu.empty()},
                                               {"threads", threads.getNumOccurrences() != 0},
                                               {"task-order", taskOrder.getNumOccurrences() != 0}};
  for (auto [name, given] : others)
    if (wantProfile && given)
      return createStringError("-profile times one sample here; it does not go with -" + name);
  if (!wantProfile && (seconds.getNumOccurrences() || core.getNumOccurrences() || !reportPath.empty()))
    return createStringError("-seconds, -core and -report are for -profile");
  if (!wantProfile && inputsPath.empty())
    return createStringError("no samples: give them with -inputs=x.npz");
  if (!(seconds > 0 && seconds <= 3600))
    return createStringError("-seconds: from above 0 to 3600");
  return Error::success();
}

static Error runMain() {
  if (Error error = checkMode())
    return error;
  if (repeat == 0 || repeat > 1000000)
    return createStringError("-repeat=" + Twine(repeat) + ": from 1 to 1000000");
  if (wantF32 && wantInt)
    return createStringError("-f32 and -int exclude each other");
  Expected<ObjectFile> object = readObject(objectPath);
  if (!object)
    return object.takeError();
  const Interface &interface = object->interface;
  if (resetEvery && statePairs.empty() && interface.states.empty())
    return createStringError("-reset-every needs -state, or an object with states in its arena");
  if (sequences && none_of(interface.inputs, [](const Port &port) { return port.sequence.has_value(); }))
    return createStringError(objectPath + ": takes no steps of a sequence; compile it with -decode or -streaming for -sequences");
  if (sequences && (resetEvery || !statePairs.empty()))
    return createStringError("-sequences starts each sample anew; it does not go with -state and -reset-every");
  if (wantF32 && !interface.runF32)
    return createStringError(objectPath + ": no float wrapper (the target has no FPU); use -int");
  if (wantInt && !interface.run)
    return createStringError(objectPath + ": no integer function (compiled with -mode=f32); use -f32");
  if (Error error = checkPool(*object, objectPath, {threads, taskOrder}))
    return error;
  if (!outputsPath.empty()) {
    StringRef folder = sys::path::parent_path(outputsPath);
    if (std::error_code code = sys::fs::access(folder.empty() ? "." : folder, sys::fs::AccessMode::Write))
      return createStringError(outputsPath + ": cannot write there: " + code.message());
  }
  if (wantProfile) {
    bool f32 = wantF32 || !interface.run;
    if (Error error = checkProfile(objectPath, *object, f32))
      return error;
    return Runner(*object, f32).profile();
  }
  bool f32 = wantF32 || (!wantInt && interface.runF32);
  return Runner(*object, f32).run();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "runs an object made by qcc over the samples of an .npz file\n");
  if (Error error = runMain()) {
    WithColor::error(errs(), "qrun") << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
