// qbench: the compiled part of the benchmarks. `run.py` calls it; its commands are listed below.
#include "qbench.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace qbench {
double percentile(std::vector<double> &values, double part) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  double at = part * double(values.size() - 1);
  size_t below = size_t(at), above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (at - double(below));
}

std::vector<char> readBytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    throw std::runtime_error(path + ": cannot be read");
  std::vector<char> values(size_t(file.tellg()));
  file.seekg(0);
  file.read(values.data(), std::streamsize(values.size()));
  return values;
}

std::string quote(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result + '"';
}

std::string number(double value) {
  char text[32];
  snprintf(text, sizeof text, "%.9g", value);
  return text;
}

const std::string &valueOf(const Arguments &arguments, size_t &index) {
  if (index + 1 >= arguments.size())
    throw std::runtime_error(arguments[index] + " needs a value");
  return arguments[++index];
}
} // namespace qbench

int main(int argc, char **argv) {
  using namespace qbench;
  struct Command {
    const char *name;
    int (*run)(const Arguments &);
    const char *help;
  };
  const Command commands[] = {
      {"generate", generate, "NAME OUT.onnx | --list             a random-weight network"},
      {"peer-models", peerModels, "IN.onnx PREFIX --samples X.bin --runtime LIB   int8 variants for ONNX Runtime"},
      {"time", timeModels, "[--object ...] [--peer ...]                p10 and median of interleaved turns, as JSON"},
      {"profile-peer", profilePeer, "--model X.onnx --sample X.bin ...           the peer's own profile"},
      {"peaks", peaks, "[--seconds S]                              what one core can do, as JSON"},
  };
  Arguments arguments(argv + std::min(argc, 2), argv + argc);
  try {
    for (const Command &command : commands)
      if (argc > 1 && std::string(argv[1]) == command.name)
        return command.run(arguments);
  } catch (const std::exception &error) {
    fprintf(stderr, "qbench: error: %s\n", error.what());
    return 1;
  }
  fprintf(stderr, "usage: qbench COMMAND ...\n");
  for (const Command &command : commands)
    fprintf(stderr, "  %-12s %s\n", command.name, command.help);
  return 2;
}
