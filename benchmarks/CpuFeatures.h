// Limits what the processor reports about itself, so that a runtime with several kernels takes the one for AVX2.
#ifndef QCC_BENCHMARKS_CPUFEATURES_H
#define QCC_BENCHMARKS_CPUFEATURES_H

#include <string>

namespace qbench {
/// From now on, `ud2` does what `cpuid` does but shows no vector feature beyond AVX2: for libraries in whose copy the one
/// instruction was replaced by the other. That works on every x86-64 Linux; trapping `cpuid` itself needs a processor that can.
void limitCpuToAvx2();
/// Throws if no library asked that way.
void checkCpuIsLimited();
/// "avx2", "avx512", "avx512-vnni", ...: the widest that the core has; "" on other machines.
std::string getVectorLevel();
/// Runs on one core only; returns its number.
int pinToCore(int core);
} // namespace qbench

#endif // QCC_BENCHMARKS_CPUFEATURES_H
