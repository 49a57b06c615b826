// Times the kernels of a compiled network one by one. `run` is a row of calls; here all but one of them are overwritten with
// no-operations, so what remains is one kernel with its own arguments. Its data are then warm in the caches, which they need not
// be in the whole network: the difference between the sum and the whole shows that.
#include "CpuFeatures.h"
#include "qbench.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

#include <sys/mman.h>
#include <unistd.h>

namespace qbench {
#if defined(__x86_64__)
namespace {
struct Site {
  unsigned char *at;
  std::string name;
  unsigned char code[5];
  std::vector<double> times;

  void enable() { memcpy(at, code, sizeof code); }
  void disable() {
    static const unsigned char nothing[5] = {0x0F, 0x1F, 0x44, 0x00, 0x00};
    if (code[0] == 0xE9) // a call at the very end is a jump
      *at = 0xC3;
    else
      memcpy(at, nothing, sizeof nothing);
  }
};

char *allocate(size_t bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, 64, std::max<size_t>(bytes, 64)))
    throw std::runtime_error("no memory");
  memset(memory, 1, bytes);
  return static_cast<char *>(memory);
}
} // namespace

int layers(const Arguments &arguments) {
  std::string library, symbol;
  size_t inputBytes = 0, outputBytes = 0, arenaBytes = 0;
  double seconds = 1, block = 0.002;
  std::vector<std::pair<long, std::string>> offsets;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &option = arguments[i];
    const std::string &value = valueOf(arguments, i);
    if (option == "--library")
      library = value;
    else if (option == "--symbol")
      symbol = value;
    else if (option == "--input")
      inputBytes = std::stoul(value);
    else if (option == "--output")
      outputBytes = std::stoul(value);
    else if (option == "--arena")
      arenaBytes = std::stoul(value);
    else if (option == "--seconds")
      seconds = atof(value.c_str());
    else if (option == "--core")
      pinToCore(atoi(value.c_str()));
    else if (option == "--site") // OFFSET:NAME
      offsets.push_back({std::stol(value), value.substr(value.find(':') + 1)});
    else
      throw std::runtime_error("layers: unknown option " + option);
  }
  void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw std::runtime_error(dlerror());
  auto *start = static_cast<unsigned char *>(dlsym(handle, symbol.c_str()));
  if (!start || offsets.empty())
    throw std::runtime_error(library + ": no function " + symbol + ", or no sites given");
  std::vector<Site> sites;
  for (auto &[offset, name] : offsets) {
    Site site{start + offset, name, {}, {}};
    memcpy(site.code, site.at, sizeof site.code);
    if (site.code[0] != 0xE8 && site.code[0] != 0xE9)
      throw std::runtime_error(name + ": no call there");
    sites.push_back(site);
  }
  uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE)), from = uintptr_t(start) & ~(page - 1);
  size_t span = size_t(uintptr_t(sites.back().at) + 8 - from);
  if (mprotect(reinterpret_cast<void *>(from), span, PROT_READ | PROT_WRITE | PROT_EXEC))
    throw std::runtime_error("the code cannot be made writable here");

  auto run = reinterpret_cast<void (*)(void *, void *, void *)>(start);
  char *input = allocate(inputBytes), *output = allocate(outputBytes), *arena = allocate(arenaBytes);
  auto once = [&] {
    auto before = Clock::now();
    run(input, output, arena);
    return secondsSince(before);
  };
  auto turn = [&](std::vector<double> &times) {
    auto began = Clock::now();
    double last = once();
    if (last > block / 4)
      times.push_back(last);
    while (times.empty() || secondsSince(began) + last < block)
      times.push_back(last = once());
  };
  std::vector<double> whole, nothing;
  once();
  for (auto began = Clock::now(); secondsSince(began) < seconds;) {
    turn(whole);
    for (Site &site : sites)
      site.disable();
    turn(nothing);
    for (Site &site : sites) {
      site.enable();
      turn(site.times);
      site.disable();
    }
    for (Site &site : sites)
      site.enable();
  }
  double overhead = percentile(nothing, 0.1);
  printf("{\"whole_us\": %s, \"layers\": [", number(percentile(whole, 0.1) * 1e6).c_str());
  for (size_t i = 0; i < sites.size(); ++i)
    printf("%s{\"name\": %s, \"p10_us\": %s}", i ? ", " : "", quote(sites[i].name).c_str(),
           number(std::max(0.0, percentile(sites[i].times, 0.1) - overhead) * 1e6).c_str());
  printf("]}\n");
  return 0;
}
#else
int layers(const Arguments &) { throw std::runtime_error("layers: x86-64 only"); }
#endif
} // namespace qbench
