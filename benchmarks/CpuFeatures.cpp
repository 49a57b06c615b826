#include "CpuFeatures.h"
#include "qbench.h"

#include <sched.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <atomic>
#include <cpuid.h>
#include <csignal>
#include <ucontext.h>
#endif

namespace qbench {
int pinToCore(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof set, &set))
    throw std::runtime_error("cannot run on core " + std::to_string(core));
  return core;
}

#if defined(__x86_64__)
// What lies beyond AVX2 and changes the choice of kernels: AVX-512 and AMX in leaf 7, AVX-VNNI and AVX-IFMA in its subleaf 1.
static constexpr unsigned leaf7Ebx = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31;
static constexpr unsigned leaf7Ecx = 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14;
static constexpr unsigned leaf7Edx = 1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25;
static constexpr unsigned leaf71Eax = 1u << 4 | 1u << 5 | 1u << 21 | 1u << 23;
static constexpr unsigned leaf71Edx = 1u << 4 | 1u << 5 | 1u << 10 | 1u << 19;

static std::atomic<int> emulated;

/// A `ud2` where `cpuid` was: execute that, and clear bits.
static void emulate(int, siginfo_t *, void *context) {
  greg_t *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  const unsigned char *code = reinterpret_cast<const unsigned char *>(registers[REG_RIP]);
  if (code[0] != 0x0F || code[1] != 0x0B) { // a real fault: let it kill the process
    signal(SIGILL, SIG_DFL);
    return;
  }
  unsigned leaf = unsigned(registers[REG_RAX]), subleaf = unsigned(registers[REG_RCX]), a, b, c, d;
  __cpuid_count(leaf, subleaf, a, b, c, d);
  if (leaf == 7 && subleaf == 0) {
    b &= ~leaf7Ebx;
    c &= ~leaf7Ecx;
    d &= ~leaf7Edx;
  } else if (leaf == 7 && subleaf == 1) {
    a &= ~leaf71Eax;
    d &= ~leaf71Edx;
  }
  registers[REG_RAX] = a;
  registers[REG_RBX] = b;
  registers[REG_RCX] = c;
  registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
  ++emulated;
}

void limitCpuToAvx2() {
  struct sigaction action = {};
  action.sa_sigaction = emulate;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, nullptr);
}

void checkCpuIsLimited() {
  if (!emulated)
    throw std::runtime_error(
        "the peer's library did not ask for the processor's features where it was told to: take a copy whose cpuid "
        "instructions are ud2");
}

std::string getVectorLevel() {
  if (__builtin_cpu_supports("avx512vnni"))
    return "avx512-vnni";
  if (__builtin_cpu_supports("avx512bw"))
    return "avx512";
  unsigned a = 0, b, c, d;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4))
    return "avx-vnni";
  return __builtin_cpu_supports("avx2") ? "avx2" : "sse";
}
#else
void limitCpuToAvx2() {}
void checkCpuIsLimited() {}
std::string getVectorLevel() { return ""; }
#endif
} // namespace qbench
