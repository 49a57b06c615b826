// Times contestants in turns: each runs for a block of some milliseconds before the next one's turn, so that all see the same
// states of a machine whose speed changes. In a turn that fits several runs the first is dropped, since it finds the caches full
// of the others' data.
#include "CpuFeatures.h"
#include "OnnxRuntime.h"
#include "qbench.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <memory>
#include <sstream>

namespace qbench {
namespace {
struct Contestant {
  std::string label;
  std::function<double()> run;              ///< seconds of one run
  std::function<std::vector<float>()> read; ///< float results of the last run; empty without
  double macs = 0;                          ///< of a probe
  std::vector<double> times;
  std::vector<double> turns; ///< the least time of each turn
  std::vector<float> results;
};

/// Memory aligned as the arena needs it; lives as long as the process.
char *allocate(size_t bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, 64, std::max<size_t>(bytes, 64)))
    throw std::runtime_error("no memory");
  return static_cast<char *>(memory);
}

std::vector<std::string> split(const std::string &text, char by) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, by);)
    parts.push_back(part);
  return parts;
}

/// Inputs, outputs, arena. Both conventions that we run on let a caller give more arguments than the function takes.
constexpr size_t maxArguments = 48;
template <size_t... I> void callWith(void *function, void *const *arguments, std::index_sequence<I...>) {
  reinterpret_cast<void (*)(decltype(I, (void *)nullptr)...)>(function)(arguments[I]...);
}

/// LABEL:LIBRARY:SYMBOL:INPUTS:OUTPUTS:ARENA_BYTES[:f32], where the ports are their bytes, joined by '+'. An input is BYTES of
/// any codes, or BYTES@AT: what stands in the sample there.
Contestant openObject(const std::string &text, const std::vector<char> &sample) {
  std::vector<std::string> fields = split(text, ':');
  if (fields.size() < 6)
    throw std::runtime_error("--object " + text + ": not LABEL:LIBRARY:SYMBOL:INPUTS:OUTPUTS:ARENA_BYTES[:f32]");
  void *library = dlopen(fields[1].c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw std::runtime_error(dlerror());
  void *function = dlsym(library, fields[2].c_str());
  if (!function)
    throw std::runtime_error(fields[1] + ": no function " + fields[2]);
  std::array<void *, maxArguments> memory = {};
  size_t count = 0;
  auto add = [&](size_t bytes) {
    if (count == maxArguments)
      throw std::runtime_error("--object " + text + ": too many ports");
    return static_cast<char *>(memory[count++] = allocate(bytes));
  };
  unsigned state = 1;
  for (const std::string &port : split(fields[3], '+')) {
    size_t bytes = std::stoul(port), at = port.find('@');
    char *input = add(bytes);
    if (at != std::string::npos) {
      size_t from = std::stoul(port.substr(at + 1));
      if (from + bytes > sample.size())
        throw std::runtime_error("the sample is too short for " + text);
      memcpy(input, &sample[from], bytes);
    } else {
      for (size_t i = 0; i < bytes; ++i)
        input[i] = char((state = state * 1664525 + 1013904223) >> 24);
    }
  }
  std::vector<std::pair<const float *, size_t>> outputs;
  for (const std::string &port : split(fields[4], '+')) {
    size_t bytes = std::stoul(port);
    outputs.push_back({reinterpret_cast<const float *>(add(bytes)), bytes / sizeof(float)});
  }
  add(std::stoul(fields[5]));
  Contestant contestant;
  contestant.label = fields[0];
  contestant.run = [=] {
    auto start = Clock::now();
    callWith(function, memory.data(), std::make_index_sequence<maxArguments>());
    return secondsSince(start);
  };
  if (fields.size() > 6 && fields[6] == "f32")
    contestant.read = [=] {
      std::vector<float> all;
      for (auto [values, size] : outputs)
        all.insert(all.end(), values, values + size);
      return all;
    };
  return contestant;
}

/// LABEL:MODEL.onnx
Contestant openPeer(const std::string &text, std::vector<char> &sample) {
  size_t colon = text.find(':');
  if (colon == std::string::npos)
    throw std::runtime_error("--peer " + text + ": not LABEL:MODEL");
  auto session = std::make_shared<Session>(text.substr(colon + 1), Optimization::all);
  if (sample.size() < session->sampleBytes())
    throw std::runtime_error("the sample is too short for " + text);
  session->bindSample(sample.data());
  Contestant contestant;
  contestant.label = text.substr(0, colon);
  contestant.run = [session] { return session->run(); };
  contestant.read = [session] { return session->readFloats(); };
  return contestant;
}

/// Signal to noise in dB of `results` as an approximation of `reference`; NaN if they cannot be compared.
double getSqnr(const std::vector<float> &reference, const std::vector<float> &results) {
  if (reference.empty() || reference.size() != results.size())
    return NAN;
  double signal = 0, noise = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    signal += double(reference[i]) * reference[i];
    noise += (double(reference[i]) - results[i]) * (double(reference[i]) - results[i]);
  }
  return noise > 0 ? 10 * std::log10(signal / noise) : 200;
}
} // namespace

/// Profiles the peer's float run: prints the path of its profile.
int profilePeer(const Arguments &arguments) {
  std::string model, runtime, samplePath, prefix;
  double seconds = 1;
  int core = -1;
  bool limit = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &option = arguments[i];
    if (option == "--model")
      model = valueOf(arguments, i);
    else if (option == "--runtime")
      runtime = valueOf(arguments, i);
    else if (option == "--sample")
      samplePath = valueOf(arguments, i);
    else if (option == "--prefix")
      prefix = valueOf(arguments, i);
    else if (option == "--seconds")
      seconds = atof(valueOf(arguments, i).c_str());
    else if (option == "--core")
      core = atoi(valueOf(arguments, i).c_str());
    else if (option == "--avx2")
      limit = true;
    else
      throw std::runtime_error("profile-peer: unknown option " + option);
  }
  if (core >= 0)
    pinToCore(core);
  std::vector<char> sample = readBytes(samplePath);
  if (limit)
    limitCpuToAvx2();
  loadRuntime(runtime);
  Session session(model, Optimization::all, "", prefix);
  if (limit)
    checkCpuIsLimited();
  if (sample.size() < session.sampleBytes())
    throw std::runtime_error("the sample is too short for " + model);
  session.bindSample(sample.data());
  int runs = 0; // the profile holds a million events at most
  for (auto start = Clock::now(); runs < 3 || (secondsSince(start) < seconds && runs < 1000); ++runs)
    session.run();
  printf("%s\n", session.endProfiling().c_str());
  return 0;
}

int timeModels(const Arguments &arguments) {
  std::vector<std::string> objects, peers, probes;
  std::string runtime, samplePath;
  double seconds = 1, block = 0.010;
  bool limit = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &option = arguments[i];
    if (option == "--object")
      objects.push_back(valueOf(arguments, i));
    else if (option == "--peer")
      peers.push_back(valueOf(arguments, i));
    else if (option == "--runtime")
      runtime = valueOf(arguments, i);
    else if (option == "--sample")
      samplePath = valueOf(arguments, i);
    else if (option == "--seconds")
      seconds = atof(valueOf(arguments, i).c_str());
    else if (option == "--block-ms")
      block = atof(valueOf(arguments, i).c_str()) / 1000;
    else if (option == "--core")
      pinToCore(atoi(valueOf(arguments, i).c_str()));
    else if (option == "--probe")
      probes.push_back(valueOf(arguments, i));
    else if (option == "--avx2")
      limit = true;
    else
      throw std::runtime_error("time: unknown option " + option);
  }
  std::vector<char> sample = samplePath.empty() ? std::vector<char>() : readBytes(samplePath);
  if (limit)
    limitCpuToAvx2();
  if (!peers.empty())
    loadRuntime(runtime);
  std::vector<Contestant> contestants;
  for (const std::string &peer : peers)
    contestants.push_back(openPeer(peer, sample));
  if (limit && !peers.empty())
    checkCpuIsLimited();
  for (const std::string &object : objects)
    contestants.push_back(openObject(object, sample));
  std::vector<Probe> known = getProbes();
  for (const std::string &name : probes) {
    auto probe = std::find_if(known.begin(), known.end(), [&](const Probe &p) { return p.name == name; });
    if (probe == known.end())
      throw std::runtime_error("--probe " + name + ": not on this core");
    Contestant contestant;
    contestant.label = name;
    contestant.macs = probe->macs;
    contestant.run = [loop = probe->loop] {
      auto start = Clock::now();
      loop();
      return secondsSince(start);
    };
    contestants.push_back(contestant);
  }
  if (contestants.empty())
    throw std::runtime_error("time: nothing to time");

  for (Contestant &contestant : contestants) { // warm up, and take the results while nothing else ran in between
    for (auto start = Clock::now(); secondsSince(start) < 0.05;)
      contestant.run();
    if (contestant.read)
      contestant.results = contestant.read();
  }
  for (auto start = Clock::now(); secondsSince(start) < seconds * double(contestants.size()) || contestants[0].times.size() < 5;)
    for (Contestant &contestant : contestants) {
      auto turn = Clock::now();
      double last = contestant.run();
      size_t first = contestant.times.size();
      if (last > block / 4) // too long for several in one turn
        contestant.times.push_back(last);
      while (secondsSince(turn) + last < block)
        contestant.times.push_back(last = contestant.run());
      auto from = contestant.times.begin() + std::ptrdiff_t(first);
      contestant.turns.push_back(from == contestant.times.end() ? last : *std::min_element(from, contestant.times.end()));
    }

  const Contestant *reference = nullptr, *ours = nullptr;
  for (const Contestant &contestant : contestants) {
    if (contestant.label == "fp32")
      reference = &contestant;
    if (contestant.label == "ours")
      ours = &contestant;
  }
  for (Contestant &contestant : contestants) {
    printf("{\"label\": %s, \"runs\": %zu", quote(contestant.label).c_str(), contestant.times.size());
    for (auto [name, part] : {std::pair<const char *, double>{"min_us", 0}, {"p10_us", 0.1}, {"median_us", 0.5}})
      printf(", \"%s\": %s", name, number(percentile(contestant.times, part) * 1e6).c_str());
    if (ours && ours != &contestant) {
      // Neighbouring turns see the same state of the machine, so the median of their ratios does not mix states.
      std::vector<double> ratios;
      for (size_t i = 0; i < contestant.turns.size(); ++i)
        ratios.push_back(ours->turns[i] / contestant.turns[i]);
      printf(", \"ours_over\": %s", number(percentile(ratios, 0.5)).c_str());
    }
    if (contestant.macs)
      printf(", \"gmacs\": %s", number(contestant.macs / percentile(contestant.times, 0.1) / 1e9).c_str());
    double sqnr = reference ? getSqnr(reference->results, contestant.results) : NAN;
    if (!std::isnan(sqnr) && &contestant != reference)
      printf(", \"sqnr_db\": %s", number(sqnr).c_str());
    printf("}\n");
  }
  return 0;
}
} // namespace qbench
