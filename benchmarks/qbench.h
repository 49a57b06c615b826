// What the commands of qbench share. It is a development tool: a failure throws, and main prints it.
#ifndef QCC_BENCHMARKS_QBENCH_H
#define QCC_BENCHMARKS_QBENCH_H

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace qbench {
using Arguments = std::vector<std::string>;

/// Writes a random-weight network.
int generate(const Arguments &arguments);
/// Writes the peer's int8 variants of a float network, and what it counts in it.
int peerModels(const Arguments &arguments);
/// Times compiled objects and peer sessions in turns.
int timeModels(const Arguments &arguments);
/// Lets the peer profile itself.
int profilePeer(const Arguments &arguments);
/// Measures what a core can do at best.
int peaks(const Arguments &arguments);

/// A loop of one instruction sequence on registers: what the core can do at best at this moment.
struct Probe {
  const char *name;
  double macs; ///< a call
  void (*loop)();
};
/// Those that this core can run.
std::vector<Probe> getProbes();

using Clock = std::chrono::steady_clock;
inline double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Linear interpolation between order statistics; `values` is sorted on return.
double percentile(std::vector<double> &values, double part);
/// The bytes of a file, here samples: for each one the inputs in their order, little-endian, each as its element type.
std::vector<char> readBytes(const std::string &path);
/// A JSON string literal.
std::string quote(const std::string &text);
/// Text of a JSON number with enough digits.
std::string number(double value);
/// Value of an option, which must follow it.
const std::string &valueOf(const Arguments &arguments, size_t &index);
} // namespace qbench

#endif // QCC_BENCHMARKS_QBENCH_H
