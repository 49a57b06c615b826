// What one core can do at best: dot-product instructions on registers, and reading memory.
#include "CpuFeatures.h"
#include "qbench.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include <sys/mman.h>

namespace qbench {
#if defined(__x86_64__)
namespace {
constexpr long trips = 50000;

// Loops whose operands stay in registers, written for the assembler so that no compiler folds them: registers 12 to 15 are
// operands, those below are accumulators and temporaries; a chain per accumulator hides the latency.
#define QBENCH_CLOBBERS                                                                                                          \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",   \
      "xmm15", "memory", "cc"
#define QBENCH_LOOP(body)                                                                                                        \
  do {                                                                                                                           \
    long n = trips;                                                                                                              \
    asm volatile("vzeroall\n.p2align 6\n1:\n" body "dec %0\njnz 1b\nvzeroupper\n" : "+r"(n)::QBENCH_CLOBBERS);                   \
  } while (0)

void loopFma() { QBENCH_LOOP(".irp a,0,1,2,3,4,5,6,7,8,9,10,11\nvfmadd231ps %%ymm12,%%ymm13,%%ymm\\a\n.endr\n"); }
void loopMaddwd() {
  QBENCH_LOOP(".irp a,0,1,2,3,4,5,6,7\nvpmaddwd %%ymm12,%%ymm13,%%ymm8\nvpaddd %%ymm8,%%ymm\\a,%%ymm\\a\n.endr\n");
}
void loopMaddubs() {
  QBENCH_LOOP(".irp a,0,1,2,3,4,5,6,7\nvpmaddubsw %%ymm12,%%ymm13,%%ymm8\nvpmaddwd %%ymm14,%%ymm8,%%ymm8\n"
              "vpaddd %%ymm8,%%ymm\\a,%%ymm\\a\n.endr\n");
}
void loopMaddubsPairs() { // two products are added in sixteen bits before they are widened
  QBENCH_LOOP(
      ".irp a,0,1,2,3,4,5\nvpmaddubsw %%ymm12,%%ymm13,%%ymm8\nvpmaddubsw %%ymm14,%%ymm13,%%ymm9\nvpaddw %%ymm8,%%ymm9,%%ymm9\n"
      "vpmaddwd %%ymm15,%%ymm9,%%ymm9\nvpaddd %%ymm9,%%ymm\\a,%%ymm\\a\n.endr\n");
}
void loopMaddubs16() { // sums stay in sixteen bits
  QBENCH_LOOP(".irp a,0,1,2,3,4,5,6,7\nvpmaddubsw %%ymm12,%%ymm13,%%ymm8\nvpaddw %%ymm8,%%ymm\\a,%%ymm\\a\n.endr\n");
}
void loopVnni() { QBENCH_LOOP(".irp a,0,1,2,3,4,5,6,7,8,9,10,11\n%{evex%} vpdpbusd %%ymm12,%%ymm13,%%ymm\\a\n.endr\n"); }
void loopVnni512() { QBENCH_LOOP(".irp a,0,1,2,3,4,5,6,7,8,9,10,11\nvpdpbusd %%zmm12,%%zmm13,%%zmm\\a\n.endr\n"); }

void readMemory(const char *from, size_t bytes) {
  const char *end = from + bytes;
  asm volatile("1:\n.irp o,0,32,64,96,128,160,192,224\nvmovdqa \\o(%0),%%ymm0\n.endr\nadd $256,%0\ncmp %1,%0\njb 1b\nvzeroupper\n"
               : "+r"(from)
               : "r"(end)
               : QBENCH_CLOBBERS);
}

/// Best tenth of the slices: the rate of a core that nobody disturbs.
double measure(double seconds, double work, const std::function<void()> &slice) {
  slice();
  std::vector<double> rates;
  for (auto start = Clock::now(); rates.size() < 10 || secondsSince(start) < seconds;) {
    auto before = Clock::now();
    slice();
    rates.push_back(work / secondsSince(before) / 1e9);
  }
  return percentile(rates, 0.9);
}
} // namespace

std::vector<Probe> getProbes() {
  constexpr double n = trips;
  std::vector<Probe> probes = {
      {"fp32_fma", n * 12 * 8, loopFma},
      {"i16_vpmaddwd", n * 8 * 16, loopMaddwd},
      {"u8s8_vpmaddubsw", n * 8 * 32, loopMaddubs},
      {"u8s6_vpmaddubsw_pairs", n * 6 * 64, loopMaddubsPairs},
      {"u8s4_vpmaddubsw_16bit", n * 8 * 32, loopMaddubs16},
  };
  if (getVectorLevel() == "avx512-vnni") {
    probes.push_back({"u8s8_vpdpbusd_256", n * 12 * 32, loopVnni});
    probes.push_back({"u8s8_vpdpbusd_512", n * 12 * 64, loopVnni512});
  }
  return probes;
}

int peaks(const Arguments &arguments) {
  double seconds = 0.25;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i] == "--seconds")
      seconds = atof(valueOf(arguments, i).c_str());
    else if (arguments[i] == "--core")
      pinToCore(atoi(valueOf(arguments, i).c_str()));
    else
      throw std::runtime_error("peaks: unknown option " + arguments[i]);

  std::string level = getVectorLevel();
  printf("{\"level\": %s", quote(level).c_str());
  for (const Probe &probe : getProbes())
    printf(", %s: %s", quote(probe.name).c_str(), number(measure(seconds, probe.macs, probe.loop)).c_str());

  size_t capacity = size_t(256) << 20;
  void *memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::runtime_error("peaks: no memory");
  madvise(memory, capacity, MADV_HUGEPAGE);
  memset(memory, 1, capacity);
  const std::pair<const char *, size_t> sizes[] = {{"read_l1", size_t(16) << 10},
                                                   {"read_l2", size_t(512) << 10},
                                                   {"read_4m", size_t(4) << 20},
                                                   {"read_16m", size_t(16) << 20},
                                                   {"read_dram", capacity}};
  for (auto [name, bytes] : sizes) {
    size_t repeats = std::max<size_t>(1, (size_t(8) << 20) / bytes);
    double rate = measure(seconds, double(bytes * repeats), [&, bytes = bytes] {
      for (size_t i = 0; i < repeats; ++i)
        readMemory(static_cast<const char *>(memory), bytes);
    });
    printf(", %s: %s", quote(name).c_str(), number(rate).c_str());
  }
  printf("}\n");
  return 0;
}
#else
std::vector<Probe> getProbes() { return {}; }
int peaks(const Arguments &) { throw std::runtime_error("peaks: x86-64 only"); }
#endif
} // namespace qbench
