#include "Profile.h"
#include "Harness.h"
#include "Instrument.h"
#include "qc/Conversion/ReportPage.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

#include <chrono>
#include <sched.h>

using namespace llvm;

namespace qc {
//===--- The program -------------------------------------------------------------------------------------------------===//

// What each call of a kernel passes on its way: it notes the time and touches no register that carries an argument. Ticks are
// those of the processor's constant clock.
static constexpr const char *kSite = R"(
#if defined(__x86_64__)
__asm__(".text\n.globl qrun_site_%N%\nqrun_site_%N%:\n mov %rdx,%r10\n lfence\n rdtsc\n shl $32,%rdx\n or %rdx,%rax\n"
        " mov qrun_next(%rip),%r11\n mov %rax,(%r11)\n add $8,%r11\n mov %r11,qrun_next(%rip)\n mov %r10,%rdx\n"
        " jmp qrun_kernel_%N%\n");
#else
__asm__(".text\n.globl qrun_site_%N%\nqrun_site_%N%:\n isb\n mrs x9,cntvct_el0\n adrp x10,qrun_next\n"
        " ldr x11,[x10,:lo12:qrun_next]\n str x9,[x11],#8\n str x11,[x10,:lo12:qrun_next]\n b qrun_kernel_%N%\n");
#endif
)";

// A loop on registers that start as zeros.
static constexpr const char *kProbe = R"(
#if defined(__x86_64__)
__asm__(".text\n.globl qrun_probe_%N%\nqrun_probe_%N%:\n.irp a,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n %CLEAR%\n.endr\n.p2align 6\n1:\n"
        ".irp a,%LIST%\n %BODY%\n.endr\n dec %rdi\n jnz 1b\n %END%\n ret\n");
#else
__asm__(".arch_extension dotprod\n.arch_extension i8mm\n.text\n.globl qrun_probe_%N%\nqrun_probe_%N%:\n"
        ".irp a,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,30,31\n movi v\\a\\().2d,#0\n.endr\n.p2align 6\n1:\n"
        ".irp a,%LIST%\n %BODY%\n.endr\n subs x0,x0,#1\n b.ne 1b\n ret\n");
#endif
void qrun_probe_%N%(u64 trips);
)";

static constexpr const char *kMain = R"(
enum { GUARD = 64, SITES = %SITES%, MEMORY = %MEMORY%, READ = %READ%, MOST = 1 << 16 };
%BUFFERS%
void %SYMBOL%(%PARAMETERS%);
static struct { u8 *at; word bytes; } buffers[] = {%TABLE%};
enum { INPUTS = %INPUTS%, COUNT = sizeof(buffers) / sizeof(buffers[0]) };
static u64 stamps[MOST + SITES + 2];
u64 *qrun_next;
static u8 memory[MEMORY] __attribute__((aligned(64)));
%SITE_CODE%
%PROBE_CODE%
static void (*const probes[])(u64) = {%PROBES% 0};

__asm__(".text\n.globl qrun_kernel_nothing\nqrun_kernel_nothing: ret\n");
void qrun_site_nothing(void);

#if defined(__x86_64__)
static u64 tick(void) {
  u64 low, high;
  __asm__ volatile("lfence\n rdtsc" : "=a"(low), "=d"(high) :: "memory");
  return high << 32 | low;
}
static void read_all(word bytes) {
  const u8 *at = memory;
  __asm__ volatile("1:\n.irp o,0,%WIDTH%,2*%WIDTH%,3*%WIDTH%,4*%WIDTH%,5*%WIDTH%,6*%WIDTH%,7*%WIDTH%\n %LOAD%\n.endr\n"
                   " add $8*%WIDTH%,%0\n cmp %1,%0\n jb 1b\n" : "+r"(at) : "r"(memory + bytes) : "xmm0", "memory", "cc");
}
#else
static u64 tick(void) {
  u64 t;
  __asm__ volatile("isb\n mrs %0,cntvct_el0" : "=r"(t) :: "memory");
  return t;
}
static void read_all(word bytes) {
  const u8 *at = memory;
  __asm__ volatile("1:\n ldp q0,q1,[%0]\n ldp q2,q3,[%0,#32]\n ldp q4,q5,[%0,#64]\n ldp q6,q7,[%0,#96]\n add %0,%0,#128\n cmp %0,%1\n"
                   " b.lo 1b\n" : "+r"(at) : "r"(memory + bytes) : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "memory", "cc");
}
#endif

/* Commands are pairs: what, how often. */
__attribute__((used)) void program(void) {
  for (int p = 0; p < COUNT; ++p)
    for (word i = 0; i < buffers[p].bytes; ++i)
      ((volatile u8 *)buffers[p].at)[i] = 0;
  for (word i = 0; i < MEMORY; ++i)
    ((volatile u8 *)memory)[i] = 1;
  for (int p = 0; p < INPUTS; ++p)
    if (!receive(buffers[p].at, buffers[p].bytes))
      leave(0);
  u64 command[2], start;
  while (receive(command, sizeof command)) {
    u64 count = command[1];
    switch (command[0]) {
    case 0: /* the network */
      qrun_next = stamps;
      for (u64 i = 0; i < count; ++i) {
        *qrun_next = tick();
        ++*(u64 *volatile *)&qrun_next;
        %SYMBOL%(%ARGUMENTS%);
        *qrun_next = tick();
        ++*(u64 *volatile *)&qrun_next;
      }
      deliver(stamps, (u8 *)qrun_next - (u8 *)stamps);
      break;
    case 1: /* the clocks */
      command[0] = tick();
      command[1] = now();
      deliver(command, sizeof command);
      break;
    case 2: /* memory: so many bytes, again and again */
      read_all(count);
      start = tick();
      for (word i = 0; i < READ; i += count)
        read_all(count);
      start = tick() - start;
      deliver(&start, sizeof start);
      break;
    case 3: /* what a note costs */
      qrun_next = stamps;
      for (u64 i = 0; i < count; ++i)
        qrun_site_nothing();
      deliver(stamps, (u8 *)qrun_next - (u8 *)stamps);
      break;
    default:
      start = tick();
      probes[command[0] - 4](count);
      start = tick() - start;
      deliver(&start, sizeof start);
    }
  }
  leave(0);
}
)";

static std::string replaceAll(std::string text, ArrayRef<std::pair<StringRef, std::string>> pairs) {
  for (const auto &[key, with] : pairs)
    for (size_t at = 0; (at = text.find(key.data(), at, key.size())) != std::string::npos; at += with.size())
      text.replace(at, key.size(), with);
  return text;
}

namespace {
constexpr uint64_t readBytes = 1 << 20; ///< at least that many are read to measure a bandwidth

struct Probe {
  const char *dot, *arch, *needs;
  double macs;
  const char *list, *body;
};
constexpr Probe allProbes[] = {
#define QRUN_PROBE(dot, arch, needs, macs, list, body) {dot, arch, needs, macs, list, body},
#include "Probes.def"
};

/// What the object's code may use.
class Features {
public:
  explicit Features(const Interface &interface) {
    InitializeAllTargetInfos();
    InitializeAllTargetMCs();
    Triple triple(interface.triple);
    std::string message;
    if (const Target *target = TargetRegistry::lookupTarget(triple, message))
      info.reset(target->createMCSubtargetInfo(triple, interface.cpu, interface.features));
  }
  bool has(StringRef needed) const {
    SmallVector<StringRef> names;
    needed.split(names, ',');
    return info && all_of(names, [&](StringRef name) { return info->checkFeatures(("+" + name).str()); });
  }

private:
  std::unique_ptr<MCSubtargetInfo> info;
};

/// Value below which the given part of the numbers lies.
double quantile(std::vector<double> values, double part) {
  if (values.empty())
    return 0;
  size_t at = size_t(double(values.size() - 1) * part);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[at];
}

class Profiler {
public:
  Profiler(StringRef path, const ObjectFile &object, const ProfileOptions &options)
      : path(path), object(object), entry(options.f32 ? *object.interface.runF32 : *object.interface.run), options(options) {}
  Error run(ArrayRef<std::vector<char>> inputs);

private:
  std::string getProgram(const Features &features);
  Error command(uint64_t what, uint64_t count, void *answer, size_t bytes);
  Error measure();
  Error measureNetwork(uint64_t count, bool keep);
  double getPrediction(const KernelCall &call) const;
  void print() const;
  json::Object describe() const;
  Expected<json::Value> openReport() const;
  Error writeReport(json::Value report) const;
  /// Of the entry, at least one step of the clock: shares of it are numbers.
  double getWhole() const { return std::max(quantile(times.back(), 0.1), 1.0) * microseconds; }

  StringRef path;
  const ObjectFile &object;
  const EntryPoint &entry;
  const ProfileOptions &options;
  std::vector<size_t> calls;
  std::vector<const Probe *> probes;
  std::vector<uint64_t> sizes; ///< of memory whose bandwidth is measured; the last is all that the network touches
  std::unique_ptr<Harness> harness;

  double noteTicks = 0, microseconds = 0; ///< what a note costs; of a tick
  double lastTicks = 0;                   ///< of the last run of the network
  std::vector<std::vector<double>> times; ///< ticks by call; the whole last
  std::map<std::string, double> rates;    ///< products a microsecond, by dot kernel
  std::vector<double> bandwidths;         ///< bytes a microsecond, by size
};
} // namespace

std::string Profiler::getProgram(const Features &features) {
  uint64_t memoryBytes = entry.arenaBytes;
  llvm::StringSet<> dots;
  for (const KernelCall &call : *entry.kernels) {
    memoryBytes += call.constantBytes;
    dots.insert(call.dot);
  }
  for (auto ports : {&object.interface.inputs, &object.interface.outputs})
    for (const Port &port : *ports)
      memoryBytes += port.elements() * port.bytes(options.f32);
  memoryBytes = alignTo(std::clamp<uint64_t>(memoryBytes, 4096, 64 << 20), 4096);
  for (uint64_t size = 16 << 10; size < memoryBytes; size *= 4)
    sizes.push_back(size);
  sizes.push_back(memoryBytes);

  std::string sites = replaceAll(kSite, {{"%N%", "nothing"}}), code, table;
  for (size_t i = 0; i < calls.size(); ++i)
    sites += replaceAll(kSite, {{"%N%", std::to_string(i)}});
  llvm::StringSet<> known;
  for (const Probe &probe : allProbes) {
    if (probe.arch != object.arch || !dots.contains(probe.dot) || !features.has(probe.needs) || !known.insert(probe.dot).second)
      continue;
    std::string number = std::to_string(probes.size());
    bool vex = StringRef(probe.needs).starts_with("avx");
    std::string body;
    for (char c : StringRef(probe.body)) // text of a string literal
      body += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
    code += replaceAll(kProbe, {{"%N%", number},
                                {"%LIST%", probe.list},
                                {"%BODY%", body},
                                {"%CLEAR%", vex ? "vpxor %xmm\\\\a,%xmm\\\\a,%xmm\\\\a" : "pxor %xmm\\\\a,%xmm\\\\a"},
                                {"%END%", vex ? "vzeroupper" : ""}});
    table += "qrun_probe_" + number + ", ";
    probes.push_back(&probe);
  }
  bool wide = object.arch == "x86_64" && features.has("avx2"); // LLVM dies of features of another architecture
  return replaceAll(kMain, {{"%SITE_CODE%", sites},
                            {"%SITES%", std::to_string(calls.size())},
                            {"%MEMORY%", std::to_string(sizes.back())},
                            {"%READ%", std::to_string(readBytes)},
                            {"%PROBE_CODE%", code},
                            {"%PROBES%", table},
                            {"%WIDTH%", wide ? "32" : "16"},
                            {"%LOAD%", wide ? "vmovdqa \\\\o(%0),%%ymm0" : "movdqa \\\\o(%0),%%xmm0"}});
}

Error Profiler::command(uint64_t what, uint64_t count, void *answer, size_t bytes) {
  uint64_t words[] = {what, count};
  if (Error error = harness->send(words, sizeof words))
    return error;
  return harness->receive(answer, bytes);
}

Error Profiler::measureNetwork(uint64_t count, bool keep) {
  size_t row = calls.size() + 2;
  std::vector<uint64_t> stamps(count * row);
  if (Error error = command(0, count, stamps.data(), stamps.size() * sizeof(uint64_t)))
    return error;
  // The first run of several finds the caches full of other things.
  for (uint64_t i = count > 1 ? 1 : 0; i < count; ++i) {
    ArrayRef<uint64_t> at = ArrayRef(stamps).slice(i * row, row);
    lastTicks = double(at.back() - at.front());
    if (!keep)
      continue;
    for (size_t call = 0; call < calls.size(); ++call)
      times[call].push_back(std::max(0.0, double(at[call + 2] - at[call + 1]) - noteTicks));
    times.back().push_back(std::max(0.0, lastTicks - noteTicks * double(row - 1)));
  }
  return Error::success();
}

Error Profiler::measure() {
  using Clock = std::chrono::steady_clock;
  constexpr size_t notes = 1000;
  std::vector<uint64_t> stamps(notes);
  uint64_t before[2], after[2];
  if (Error error = command(1, 1, before, sizeof before))
    return error;
  if (Error error = command(3, notes, stamps.data(), notes * sizeof(uint64_t)))
    return error;
  std::vector<double> costs;
  for (size_t i = 1; i < notes; ++i)
    costs.push_back(double(stamps[i] - stamps[i - 1]));
  noteTicks = quantile(costs, 0.1);
  if (Error error = measureNetwork(1, false))
    return error;

  times.resize(calls.size() + 1);
  std::vector<std::vector<double>> probeRates(probes.size());
  std::vector<std::vector<double>> reads(sizes.size());
  auto start = Clock::now();
  auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  for (double turn = 0; turn == 0 || elapsed() < options.seconds; ++turn) {
    // About ten milliseconds of the network (a tick is less than ten nanoseconds, more than a fifth of one), then the probes.
    uint64_t most = std::max<uint64_t>(1, (1 << 16) / (calls.size() + 2));
    uint64_t count = microseconds > 0 ? uint64_t(10000 / (std::max(lastTicks, 1.0) * microseconds)) + 2 : 2;
    if (Error error = measureNetwork(std::min(count, most), true))
      return error;
    uint64_t ticks = 0;
    for (size_t i = 0; i < probes.size(); ++i) {
      constexpr uint64_t trips = 20000;
      if (Error error = command(4 + i, trips, &ticks, sizeof ticks))
        return error;
      double macs = probes[i]->macs * double(StringRef(probes[i]->list).count(',') + 1) * double(trips);
      probeRates[i].push_back(macs / double(std::max<uint64_t>(ticks, 1)));
    }
    for (auto [size, read] : zip_equal(sizes, reads)) {
      if (Error error = command(2, size, &ticks, sizeof ticks))
        return error;
      read.push_back(double(divideCeil(readBytes, size) * size) / double(std::max<uint64_t>(ticks, 1)));
    }
    if (Error error = command(1, 1, after, sizeof after))
      return error;
    if (after[0] > before[0])
      microseconds = double(after[1] - before[1]) / double(after[0] - before[0]) / 1000;
  }
  if (microseconds <= 0)
    return createStringError("the processor's clock does not advance; -profile cannot work here");
  for (size_t i = 0; i < probes.size(); ++i)
    rates[probes[i]->dot] = quantile(probeRates[i], 0.9) / microseconds;
  for (const std::vector<double> &read : reads)
    bandwidths.push_back(quantile(read, 0.9) / microseconds);
  return Error::success();
}

//===--- Tables ------------------------------------------------------------------------------------------------------===//

/// The least time that the arithmetic and the memory allow. Constants come from where the whole network fits: everything else was
/// touched since the last run. Activations have just been written.
double Profiler::getPrediction(const KernelCall &call) const {
  auto rate = rates.find(call.dot);
  double arithmetic = rate == rates.end() ? 0 : double(call.macs) / rate->second;
  int64_t activations = call.inputBytes + call.outputBytes;
  size_t near = 0;
  while (near + 1 < sizes.size() && int64_t(sizes[near]) < activations)
    ++near;
  return std::max(arithmetic, double(call.constantBytes) / bandwidths.back() + double(activations) / bandwidths[near]);
}

void Profiler::print() const {
  double whole = getWhole(), sum = 0, predictions = 0;
  int64_t macs = 0;
  auto cell = [](double value) { return value < 0 ? std::string("-") : formatv("{0:f2}", value).str(); };
  constexpr const char *format = "{0,-34} {1,-38} {2,9} {3,10} {4,8} {5,7} {6,9} {7,6}\n";
  outs() << formatv(format, "kernel", "form, dot kernel, tile", "MMAC", "us", "GMAC/s", "share", "predicted", "ratio");
  for (auto [i, index] : enumerate(calls)) {
    const KernelCall &call = (*entry.kernels)[index];
    double us = quantile(times[i], 0.1) * microseconds, predicted = getPrediction(call);
    std::string form = call.form + (call.dot.empty() ? "" : " " + call.dot) + (call.tile.empty() ? "" : " " + call.tile) +
                       (call.permuted ? " permuted" : "");
    outs() << formatv(format, StringRef(call.name).take_back(34), form, call.macs ? cell(double(call.macs) / 1e6) : "-", cell(us),
                      call.macs && us > 0 ? cell(double(call.macs) / us / 1000) : "-",
                      formatv("{0:f1} %", 100 * us / whole).str(), cell(predicted), us > 0 ? cell(predicted / us) : "-");
    sum += us;
    predictions += predicted;
    macs += call.macs;
  }
  auto total = [&](StringRef name, double us) {
    us = std::max(us, microseconds);
    outs() << formatv(format, name, "", cell(double(macs) / 1e6), cell(us), cell(double(macs) / us / 1000),
                      formatv("{0:f1} %", 100 * us / whole).str(), cell(predictions), cell(predictions / us));
  };
  total("sum", sum);
  total(entry.symbol, whole);
  outs() << formatv("\n{0} runs; times are p10; median of the whole {1:f2} us. Peak rates here:", times.back().size(),
                    quantile(times.back(), 0.5) * microseconds);
  for (const auto &[dot, rate] : rates)
    outs() << formatv(" {0} {1:f1} GMAC/s,", dot, rate / 1000);
  outs() << " reading";
  for (auto [size, bandwidth] : zip_equal(sizes, bandwidths))
    outs() << formatv("{0} {1} KiB {2:f1}", size == sizes.front() ? "" : ",", size / 1024, bandwidth / 1000);
  outs() << " GB/s.\n";
}

/// What -json prints, and what a report keeps; `at` is the number of a call among all of the entry.
json::Object Profiler::describe() const {
  json::Array kernels;
  for (auto [i, index] : enumerate(calls)) {
    const KernelCall &call = (*entry.kernels)[index];
    double us = quantile(times[i], 0.1) * microseconds;
    json::Object row{{"at", int64_t(index)},
                     {"name", call.name},
                     {"symbol", call.symbol},
                     {"form", call.form},
                     {"dot", call.dot},
                     {"tile", call.tile},
                     {"permuted", call.permuted},
                     {"layers", json::Array(call.layers)},
                     {"output_shape", json::Array(call.outputShape)},
                     {"macs", call.macs},
                     {"constant_bytes", call.constantBytes},
                     {"input_bytes", call.inputBytes},
                     {"output_bytes", call.outputBytes},
                     {"p10_us", us},
                     {"median_us", quantile(times[i], 0.5) * microseconds},
                     {"share", us / getWhole()},
                     {"predicted_us", getPrediction(call)}};
    if (call.macs && us > 0)
      row["gmacs"] = double(call.macs) / us / 1000;
    kernels.push_back(std::move(row));
  }
  json::Object peaks;
  for (const auto &[dot, rate] : rates)
    peaks[dot] = rate / 1000;
  json::Array reads;
  for (auto [size, bandwidth] : zip_equal(sizes, bandwidths))
    reads.push_back(json::Object{{"bytes", int64_t(size)}, {"gb_s", bandwidth / 1000}});
  return json::Object{{"symbol", entry.symbol},
                      {"runs", int64_t(times.back().size())},
                      {"p10_us", quantile(times.back(), 0.1) * microseconds},
                      {"median_us", quantile(times.back(), 0.5) * microseconds},
                      {"peak_gmacs", std::move(peaks)},
                      {"read", std::move(reads)},
                      {"kernels", std::move(kernels)}};
}

//===--- The report --------------------------------------------------------------------------------------------------===//

Expected<json::Value> Profiler::openReport() const {
  StringRef path = options.reportPath;
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError("-report=" + path + ": cannot read it: " + buffer.getError().message() +
                             "; make it with qcc -report=" + path);
  Expected<json::Value> report = readReport((*buffer)->getBuffer());
  if (!report)
    return createStringError("-report=" + path + ": " + toString(report.takeError()) +
                             "; make it with qcc -report=x.html or x.json");
  const json::Object &root = *report->getAsObject();
  bool isRun = root.get("run") != nullptr;
  if (options.f32 && isRun)
    return createStringError("-report=" + path + ": a report shows the times of the integer function; drop -f32");
  const json::Object *shown = root.getObject(isRun ? "run" : "run_f32");
  const json::Array *rows = shown ? shown->getArray("kernels") : nullptr;
  bool fits = rows && root.getString("name") == object.interface.name && rows->size() == entry.kernels->size();
  for (size_t i = 0; fits && i < rows->size(); ++i) {
    const json::Object *row = (*rows)[i].getAsObject();
    const KernelCall &call = (*entry.kernels)[i];
    fits = row && row->getString("symbol") == call.symbol && row->getString("name") == call.name &&
           row->getString("form") == call.form && row->getInteger("macs").value_or(0) == call.macs;
  }
  if (!fits)
    return createStringError("-report=" + path + ": not the report of " + this->path + "; make both with one call of qcc");
  return report;
}

Error Profiler::writeReport(json::Value report) const {
  (*report.getAsObject())["profile"] = describe();
  StringRef path = options.reportPath;
  return writeToOutput(path, [&](raw_ostream &os) {
    os << (isReportPage(path) ? makeReportPage(report) : formatv("{0:2}\n", report).str());
    return Error::success();
  });
}

Error Profiler::run(ArrayRef<std::vector<char>> inputs) {
  std::optional<json::Value> report;
  if (!options.reportPath.empty()) {
    Expected<json::Value> opened = openReport();
    if (!opened)
      return opened.takeError();
    report = std::move(*opened);
  }
  Expected<InstrumentedObject> instrumented = instrument(path, entry);
  if (!instrumented)
    return instrumented.takeError();
  calls = instrumented->calls;
  HarnessOptions harnessOptions;
  harnessOptions.f32 = options.f32;
  harnessOptions.program = getProgram(Features(object.interface));
  harnessOptions.object = std::move(instrumented->bytes);
  if (options.core >= 0) { // the program inherits it
    cpu_set_t set;
    CPU_ZERO(&set);
    if (options.core < CPU_SETSIZE)
      CPU_SET(options.core, &set);
    if (sched_setaffinity(0, sizeof set, &set))
      return createStringError("-core=" + Twine(options.core) + ": this machine has no such core, or not for this process");
  }
  auto started = Harness::start(path, object, harnessOptions);
  if (!started)
    return started.takeError();
  harness = std::move(*started);
  for (const std::vector<char> &input : inputs)
    if (Error error = harness->send(input.data(), input.size()))
      return error;
  if (Error error = measure())
    return error;
  print();
  if (report)
    if (Error error = writeReport(std::move(*report)))
      return error;
  if (options.json)
    outs() << json::Value(describe()) << "\n";
  return Error::success();
}

Error checkProfile(StringRef objectPath, const ObjectFile &object, bool f32) {
  if (!object.native)
    return createStringError(objectPath + ": made for " + object.interface.triple +
                             "; times under an emulator say nothing, so run 'qrun -profile' on such a machine, or compile with "
                             "-target=host");
  if (object.arch != "x86_64" && object.arch != "aarch64")
    return createStringError(objectPath + ": -profile knows x86-64 and AArch64, not " + object.arch);
  const EntryPoint &entry = f32 ? *object.interface.runF32 : *object.interface.run;
  if (!entry.kernels)
    return createStringError(objectPath + ": does not list its kernels (it was made by an older qcc); compile the model again");
  if (entry.kernels->empty())
    return createStringError(objectPath + ": " + entry.symbol + " calls no kernel");
  return Error::success();
}

Error profile(StringRef objectPath, const ObjectFile &object, ArrayRef<std::vector<char>> inputs, const ProfileOptions &options) {
  return Profiler(objectPath, object, options).run(inputs);
}
} // namespace qc
