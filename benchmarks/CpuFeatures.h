// Limits what the processor reports about itself, so that a runtime with several kernels takes the one for AVX2.
#ifndef QCC_BENCHMARKS_CPUFEATURES_H
#define QCC_BENCHMARKS_CPUFEATURES_H

#include <string>

namespace qbench {
/// From now on, `cpuid` executed by this thread and by threads that it starts shows no vector feature beyond AVX2. Needs Linux on
/// x86-64 with CPUID faulting.
void limitCpuToAvx2();
/// "avx2", "avx512", "avx512-vnni", ...: the widest that the core has; "" on other machines.
std::string getVectorLevel();
/// Runs on one core only; returns its number.
int pinToCore(int core);
} // namespace qbench

#endif // QCC_BENCHMARKS_CPUFEATURES_H
